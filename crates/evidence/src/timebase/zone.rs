//! The zone of stamps without an offset.
//!
//! What the host says of itself (`etc/localtime`, `etc/timezone`) is held against the offsets its
//! own logs carry. Where both exist and differ, that is said; where the offsets step from one
//! value to another in the middle of the evidence, the zone of the host was changed and the result
//! is a zone with that step in it.

use super::host::{Hosts, above};
use super::sample::{Clues, Sampled, ZoneClue, ZoneFile};
use super::stamp::Notation;
use crate::problem::{Problem, Severity};
use jiff::tz::{Offset, TimeZone};
use std::collections::BTreeMap;
use vauban_ocsf::Timestamp;

/// Zones whose rules are tried on offsets when no file names one. Zones with the same rules
/// since 2007 stand for each other.
const RULES: &[&str] = &[
    "Europe/Paris",
    "Europe/London",
    "Europe/Helsinki",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Halifax",
    "Australia/Sydney",
    "Pacific/Auckland",
];

/// More steps than this are no change of zone but a mixture of clocks.
const STEPS_MAX: usize = 12;

/// A decided zone with the words for it.
type Decision = (TimeZone, String);

/// The zone of each host.
pub(crate) struct Zones {
    by_root: BTreeMap<String, Decision>,
    fallback: Decision,
}

/// Offsets that one log shows over time.
struct Observed<'a> {
    path: &'a str,
    /// Instant in seconds and offset in seconds, by instant.
    points: Vec<(i64, i32)>,
}

impl Zones {
    pub fn decide(clues: &Clues, hosts: &Hosts, problems: &mut Vec<Problem>) -> Self {
        let claims = claims(&clues.zones, problems);
        let mut logs: BTreeMap<&str, Vec<&Sampled>> = BTreeMap::new();
        for sampled in clues.artefacts.iter().filter(|s| !s.stamps.is_empty()) {
            logs.entry(hosts.root(&sampled.path))
                .or_default()
                .push(sampled);
        }
        let mut by_root = BTreeMap::new();
        let mut roots: Vec<&str> = logs.keys().copied().collect();
        roots.extend(claims.keys().map(String::as_str));
        roots.sort_unstable();
        roots.dedup();
        for root in roots {
            let claim = above(root).find_map(|p| claims.get(p));
            let observed = logs.get(root).and_then(|list| observe(list));
            if let Some(decision) = host_zone(root, claim, observed.as_ref(), problems) {
                by_root.insert(root.to_string(), decision);
            }
        }
        let fallback = fallback(&by_root);
        if logs
            .keys()
            .any(|root| !by_root.contains_key(*root) && !root.is_empty())
            || (logs.contains_key("") && !by_root.contains_key(""))
        {
            let bare = logs
                .iter()
                .filter(|(root, _)| !by_root.contains_key(**root))
                .flat_map(|(_, list)| list.iter())
                .find(|s| s.stamps.iter().all(|s| s.offset.is_none()));
            if let Some(log) = bare {
                let what = format!("stamps carry no offset; zone taken: {}", fallback.1);
                problems.push(Problem::warning(log.path.clone(), what));
            }
        }
        Self { by_root, fallback }
    }

    /// The zone of an artefact and what it rests on.
    pub fn of(&self, path: &str) -> Decision {
        above(path)
            .find_map(|p| self.by_root.get(p))
            .unwrap_or(&self.fallback)
            .clone()
    }
}

/// For hosts that tell nothing: what all others agree on, else UTC.
fn fallback(by_root: &BTreeMap<String, Decision>) -> Decision {
    let mut decided = by_root.values();
    if let Some(first) = decided.next()
        && decided.all(|d| d.0 == first.0)
    {
        return (
            first.0.clone(),
            format!("assumed to be as elsewhere in the evidence: {}", first.1),
        );
    }
    (
        TimeZone::UTC,
        "UTC, assumed: nothing in the evidence tells".to_string(),
    )
}

/// The most authoritative readable statement for each root.
fn claims(clues: &[ZoneClue], problems: &mut Vec<Problem>) -> BTreeMap<String, Decision> {
    let mut sorted: Vec<&ZoneClue> = clues.iter().collect();
    sorted.sort_by(|a, b| (&a.root, &a.says, &a.path).cmp(&(&b.root, &b.says, &b.path)));
    let mut claims: BTreeMap<String, Decision> = BTreeMap::new();
    for clue in sorted {
        // Debian's Postfix keeps a copy of etc/localtime in its chroot; it may be of any age.
        if clue.root.ends_with("var/spool/postfix/") {
            continue;
        }
        let (zone, name) = match &clue.says {
            ZoneFile::Link(name) | ZoneFile::Name(name) => (TimeZone::get(name).ok(), name.clone()),
            ZoneFile::Tzif(bytes) => (
                TimeZone::tzif("etc/localtime", bytes).ok(),
                "the zone".to_string(),
            ),
        };
        let Some(zone) = zone else {
            let what = "states a time zone that is not known";
            problems.push(Problem::warning(clue.path.clone(), what));
            continue;
        };
        match claims.get(&clue.root) {
            None => {
                claims.insert(
                    clue.root.clone(),
                    (zone, format!("{name} as {} says", clue.path)),
                );
            }
            Some((chosen, words)) if !same(chosen, &zone) => {
                let what = format!("says another time zone than was taken ({words})");
                problems.push(Problem::warning(clue.path.clone(), what));
            }
            Some((chosen, words)) => {
                // The same rules with a name are better than without.
                if chosen.iana_name().is_none_or(|n| n == "etc/localtime") {
                    let words = words.replace("the zone", &name);
                    claims.insert(clue.root.clone(), (zone, words));
                }
            }
        }
    }
    claims
}

/// Whether two zones have the same offsets in the winters and summers of recent years.
fn same(a: &TimeZone, b: &TimeZone) -> bool {
    (2015..2035).all(|year| {
        [1, 4, 7, 10].into_iter().all(|month| {
            let at = Timestamp::from_civil(year, month, 15, 0, 0, 0, 0, 0).seconds();
            offset_at(a, at) == offset_at(b, at)
        })
    })
}

fn offset_at(zone: &TimeZone, seconds: i64) -> i32 {
    jiff::Timestamp::from_second(seconds).map_or(0, |t| zone.to_offset(t).seconds())
}

/// The offsets of the log that tells most: the syslog daemon's, which is the clock of all stamps
/// without offset in its files, before access logs (web servers in containers have clocks of their
/// own), before programs whose zone is set in their own configuration (PHP) or is always UTC.
fn observe<'a>(logs: &[&'a Sampled]) -> Option<Observed<'a>> {
    let rank = |n: Notation| match n {
        Notation::IsoSyslog => 0,
        Notation::Access => 1,
        Notation::Iso => 2,
        _ => 3,
    };
    let mut series: BTreeMap<(u8, String), Observed<'a>> = BTreeMap::new();
    for log in logs {
        for stamp in &log.stamps {
            let (Some(instant), Some(offset)) = (stamp.instant(), stamp.offset) else {
                continue;
            };
            let key = (rank(stamp.notation), super::year::series_name(&log.path).0);
            series
                .entry(key)
                .or_insert_with(|| Observed {
                    path: &log.path,
                    points: Vec::new(),
                })
                .points
                .push((instant, offset));
        }
    }
    let best = series.keys().map(|(rank, _)| *rank).min()?;
    let mut best: Vec<_> = series
        .into_iter()
        .filter(|((rank, _), _)| *rank == best)
        .map(|(_, o)| o)
        .collect();
    for observed in &mut best {
        observed.points.sort_unstable();
        observed.points.dedup();
    }
    // The longest span tells most; the first by name among equals, for the same result each time.
    let span = |o: &Observed<'_>| {
        o.points
            .last()
            .map_or(0, |l| l.0)
            .saturating_sub(o.points.first().map_or(0, |f| f.0))
    };
    best.into_iter().rev().max_by_key(span)
}

fn host_zone(
    root: &str,
    claim: Option<&Decision>,
    observed: Option<&Observed<'_>>,
    problems: &mut Vec<Problem>,
) -> Option<Decision> {
    let Some(observed) = observed else {
        return claim.cloned();
    };
    let fits = |zone: &TimeZone| {
        observed
            .points
            .iter()
            .filter(|(t, o)| offset_at(zone, *t) == *o)
            .count()
    };
    let all = observed.points.len();
    let path = observed.path;
    let steps = steps(&observed.points);
    if let Some((zone, words)) = claim {
        let fitting = fits(zone);
        if fitting == all {
            return Some((
                zone.clone(),
                format!("{words}; the offsets in {path} agree"),
            ));
        }
        let last_fits = observed
            .points
            .last()
            .is_some_and(|(t, o)| offset_at(zone, *t) == *o);
        if last_fits
            && steps.len() <= STEPS_MAX
            && let Some(stepped) = stepped(&steps)
        {
            let what = format!(
                "time zone was changed while this log was written: {}",
                say(&steps)
            );
            problems.push(Problem {
                path: path.to_string(),
                offset: None,
                what: what.clone(),
                severity: Severity::Warning,
            });
            return Some((
                stepped,
                format!("offsets in {path} ({what}); {words} of its end"),
            ));
        }
        let what = format!(
            "offsets ({}) are not those of {words}; stamps without offset are read by the latter",
            say(&steps)
        );
        problems.push(Problem::warning(path, what));
        return Some((
            zone.clone(),
            format!("{words}, although {path} has other offsets"),
        ));
    }
    let &[(_, only)] = steps.as_slice() else {
        for name in RULES {
            if let Ok(zone) = TimeZone::get(name)
                && fits(&zone) == all
            {
                let words = format!("the rules of {name}, which the offsets in {path} follow");
                return Some((zone, words));
            }
        }
        if steps.len() <= STEPS_MAX
            && let Some(zone) = stepped(&steps)
        {
            let what = format!("offset changes within this log: {}", say(&steps));
            problems.push(Problem::warning(path, what));
            return Some((
                zone,
                format!("offsets in {path}, which change: {}", say(&steps)),
            ));
        }
        problems.push(Problem::warning(
            path,
            "offsets change many times; UTC is assumed",
        ));
        return None;
    };
    let zone = Offset::from_seconds(only).map(TimeZone::fixed).ok()?;
    let what = format!(
        "host{} names no time zone; stamps without offset are read as {}, the offset in this log, \
         also where summer time may have differed",
        if root.is_empty() {
            String::new()
        } else {
            format!(" {root}")
        },
        show(only)
    );
    problems.push(Problem::note(path, what));
    Some((zone, format!("{} as in {path}", show(only))))
}

/// Instants from which an offset holds.
fn steps(points: &[(i64, i32)]) -> Vec<(i64, i32)> {
    let mut steps: Vec<(i64, i32)> = Vec::new();
    for (at, offset) in points {
        if steps.last().is_none_or(|(_, o)| o != offset) {
            steps.push((*at, *offset));
        }
    }
    steps
}

fn show(offset: i32) -> String {
    let (sign, abs) = if offset < 0 {
        ('-', -offset)
    } else {
        ('+', offset)
    };
    format!("{sign}{:02}:{:02}", abs / 3600, abs / 60 % 60)
}

fn say(steps: &[(i64, i32)]) -> String {
    let mut words = Vec::new();
    for (i, (at, offset)) in steps.iter().take(STEPS_MAX + 1).enumerate() {
        words.push(match i {
            0 => show(*offset),
            _ => format!("{} from {}", show(*offset), Timestamp::from_seconds(*at)),
        });
    }
    words.join(", ")
}

/// A zone with these steps, written as a TZif file (RFC 9636) in memory. The first offset holds
/// before its step too, the last one for ever.
fn stepped(steps: &[(i64, i32)]) -> Option<TimeZone> {
    let mut kinds: Vec<i32> = steps.iter().map(|(_, o)| *o).collect();
    kinds.dedup();
    kinds.sort_unstable();
    kinds.dedup();
    let first = steps.first()?.1;
    // Type 0 is the one in force before the first transition.
    kinds.retain(|o| *o != first);
    kinds.insert(0, first);
    let after = steps.get(1..)?;
    let mut file = Vec::new();
    let mut block = |times: usize, types: usize, body: &mut dyn FnMut(&mut Vec<u8>)| {
        file.extend_from_slice(b"TZif2");
        file.extend_from_slice(&[0; 15]);
        let counts = [0, 0, 0, times, types, 4];
        for n in counts {
            file.extend_from_slice(&u32::try_from(n).unwrap_or(0).to_be_bytes());
        }
        body(&mut file);
    };
    let kind = |out: &mut Vec<u8>, offset: i32| {
        out.extend_from_slice(&offset.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
    };
    block(0, 1, &mut |out| {
        kind(out, 0);
        out.extend_from_slice(b"-00\0");
    });
    block(after.len(), kinds.len(), &mut |out| {
        for (at, _) in after {
            out.extend_from_slice(&at.to_be_bytes());
        }
        for (_, offset) in after {
            let at = kinds.iter().position(|o| o == offset).unwrap_or(0);
            out.push(u8::try_from(at).unwrap_or(0));
        }
        for offset in &kinds {
            kind(out, *offset);
        }
        out.extend_from_slice(b"-00\0");
    });
    // POSIX writes offsets the other way round: what is added to local time to get UTC.
    let last = -steps.last()?.1;
    let (sign, abs) = if last < 0 { ('-', -last) } else { ('+', last) };
    let footer = format!(
        "\n<-00>{sign}{:02}:{:02}:{:02}\n",
        abs / 3600,
        abs / 60 % 60,
        abs % 60
    );
    file.extend_from_slice(footer.as_bytes());
    TimeZone::tzif("steps observed in logs", &file).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_become_a_zone() {
        let day = 86_400;
        let steps = [
            (0, 3600),
            (100 * day, 7200),
            (200 * day, 3600),
            (300 * day, -12_600),
        ];
        let zone = stepped(&steps).expect("a readable TZif");
        for (at, expected) in [
            (-day, 3600),
            (50 * day, 3600),
            (100 * day - 1, 3600),
            (100 * day, 7200),
            (150 * day, 7200),
            (200 * day, 3600),
            (300 * day, -12_600),
            (20_000 * day, -12_600),
        ] {
            assert_eq!(offset_at(&zone, at), expected, "{at}");
        }
    }

    #[test]
    fn zones_with_the_same_rules_are_the_same() {
        let get = |n| TimeZone::get(n).unwrap();
        assert!(same(&get("Europe/Paris"), &get("Europe/Berlin")));
        assert!(!same(&get("Europe/Paris"), &get("Europe/London")));
        assert!(!same(&get("Europe/Paris"), &get("Africa/Lagos")));
    }
}
