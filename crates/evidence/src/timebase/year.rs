//! The year of stamps that carry none: the latest date they can mean.

use super::host::Hosts;
use super::sample::{Clues, Sampled};
use super::stamp::Stamp;
use crate::artefact::logical_path;
use crate::problem::Problem;
use std::collections::{BTreeMap, HashMap};
use vauban_ocsf::{Timestamp, civil_from_days, days_from_civil};

/// Days that a stamp may stand out of order, or two clocks differ, without being of another year.
const SLACK: i64 = 7;
/// Days after the last stamp with a year that a log without years may go on.
const BEYOND: i64 = 31;
/// Days within which a modification time confirms a last stamp.
const CLOSE: i64 = 2;

/// The latest date and the words for it.
type Latest = ((i32, u32, u32), String);

/// A date that a host is known to have seen, with the artefact that tells.
type Reference<'a> = Option<(i64, &'a str)>;

/// For each artefact, in their order.
pub(crate) fn decide(clues: &Clues, hosts: &Hosts, problems: &mut Vec<Problem>) -> Vec<Latest> {
    let mut by_host: HashMap<&str, Reference<'_>> = HashMap::new();
    // Whether modification times survived copying: `false` once a dated log's does not fit its
    // own last stamp, `true` for good once one does.
    let mut times_kept: HashMap<&str, bool> = HashMap::new();
    let mut overall: Reference<'_> = None;
    let mut newest_file: Reference<'_> = None;
    for sampled in &clues.artefacts {
        if let Some(days) = dated(sampled) {
            let seen = Some((days, sampled.path.as_str()));
            let host = by_host.entry(hosts.root(&sampled.path)).or_default();
            later(host, seen);
            later(&mut overall, seen);
            if let Some(modified) = plausible(sampled.modified) {
                let fits = (modified - days).abs() <= CLOSE;
                *times_kept.entry(hosts.root(&sampled.path)).or_insert(fits) |= fits;
            }
        }
        if let Some(days) = plausible(sampled.modified) {
            later(&mut newest_file, Some((days, sampled.path.as_str())));
        }
    }
    let mut out: Vec<Option<Latest>> = vec![None; clues.artefacts.len()];
    for members in series(clues, hosts) {
        // From the newest to the oldest: each ends before the newer one begins.
        let mut bound: Option<(i64, &str)> = None;
        for at in members {
            let Some(sampled) = clues.artefacts.get(at) else {
                continue;
            };
            let host = by_host.get(hosts.root(&sampled.path)).copied().flatten();
            let times_kept = times_kept.get(hosts.root(&sampled.path)) != Some(&false);
            let refs = References {
                host,
                overall,
                newest_file,
                bound,
                times_kept,
            };
            let (latest, first) = one(sampled, &refs, problems);
            if let Some(first) = first {
                bound = Some((first, sampled.path.as_str()));
            }
            if let Some(slot) = out.get_mut(at) {
                *slot = Some(latest);
            }
        }
    }
    let rest = newest_file.or(overall);
    out.into_iter()
        .map(|l| l.unwrap_or_else(|| by(rest, "no stamps")))
        .collect()
}

fn later<'a>(slot: &mut Reference<'a>, seen: Reference<'a>) {
    if seen.map(|s| s.0) > slot.map(|s| s.0) {
        *slot = seen;
    }
}

fn by(reference: Reference<'_>, why: &str) -> Latest {
    match reference {
        Some((days, path)) => (
            civil_from_days(days),
            format!("{why}; newest date in {path}"),
        ),
        None => (
            (1970, 12, 31),
            format!("{why}; nothing in the evidence tells a year"),
        ),
    }
}

/// The date an artefact ends with, if it tells years: its last such stamp, or a Maildir name.
fn dated(sampled: &Sampled) -> Option<i64> {
    let stamp = sampled.stamps.iter().rev().find_map(Stamp::days);
    stamp.or_else(|| sampled.named.map(|t| t.seconds().div_euclid(86_400)))
}

/// A modification time that can be one: archives made to be reproducible have 1970 or 1980.
fn plausible(modified: Option<Timestamp>) -> Option<i64> {
    let days = modified?.seconds().div_euclid(86_400);
    (days > days_from_civil(1995, 1, 1)).then_some(days)
}

struct References<'a> {
    host: Reference<'a>,
    overall: Reference<'a>,
    newest_file: Reference<'a>,
    bound: Reference<'a>,
    times_kept: bool,
}

/// The latest date of one artefact, and the date of its first stamp.
fn one(
    sampled: &Sampled,
    refs: &References<'_>,
    problems: &mut Vec<Problem>,
) -> (Latest, Option<i64>) {
    let yearless: Vec<&Stamp> = sampled.stamps.iter().filter(|s| s.year.is_none()).collect();
    let Some(run) = Run::of(&yearless) else {
        let own = sampled.stamps.iter().filter_map(Stamp::days);
        return match (own.clone().max(), own.min()) {
            (Some(last), first) => (
                (
                    civil_from_days(last),
                    "its own stamps carry the year".to_string(),
                ),
                first,
            ),
            _ => {
                let file = plausible(sampled.modified).map(|d| (d, sampled.path.as_str()));
                let reference = refs.host.or(file).or(refs.overall).or(refs.newest_file);
                (by(reference, "no stamps"), None)
            }
        };
    };
    let (year, words) = year_of_last(sampled, &run, refs, problems);
    let (first, max) = (run.first(year), run.max(year));
    let span = max - run.min(year);
    if span >= 365 {
        let from = Timestamp::from_seconds((max - 365) * 86_400).to_string();
        let what = format!(
            "covers {span} days with stamps that carry no year: what is older than {} gets a year \
             too late",
            from.get(..10).unwrap_or(&from)
        );
        problems.push(Problem::warning(sampled.path.clone(), what));
    }
    let latest = max + SLACK.min((364 - span).max(0));
    ((civil_from_days(latest), words), Some(first))
}

/// Stamps without year in the order of the file, made a continuous count of years: 0 for the last.
struct Run {
    /// Year relative to the last stamp's, month, day.
    dates: Vec<(i32, u32, u32)>,
}

impl Run {
    fn of(stamps: &[&Stamp]) -> Option<Self> {
        let mut year = 0;
        let mut previous: Option<i64> = None;
        let mut turned_at: Option<i64> = None;
        let mut dates = Vec::with_capacity(stamps.len());
        for stamp in stamps {
            let day = days_from_civil(2000, stamp.month, stamp.day);
            if let Some(previous) = previous {
                // Half a year back means that the year turned. A clock that fell to 1 January (a
                // dead battery) and came back looks the same at first: it returns to where it was.
                if day < previous - 183 {
                    year += 1;
                    turned_at = Some(previous);
                } else if day > previous + 183 && turned_at.is_some_and(|at| (day - at).abs() <= 31)
                {
                    year -= 1;
                    turned_at = None;
                }
            }
            previous = Some(day);
            dates.push((year, stamp.month, stamp.day));
        }
        let last = dates.last()?.0;
        for date in &mut dates {
            date.0 -= last;
        }
        Some(Self { dates })
    }

    fn last(&self) -> (u32, u32) {
        self.dates.last().map_or((1, 1), |d| (d.1, d.2))
    }

    fn days(&self, year: i32) -> impl Iterator<Item = i64> {
        self.dates
            .iter()
            .map(move |(y, m, d)| days_from_civil(year + y, *m, *d))
    }

    fn first(&self, year: i32) -> i64 {
        self.days(year).next().unwrap_or(0)
    }

    fn max(&self, year: i32) -> i64 {
        self.days(year).max().unwrap_or(0)
    }

    fn min(&self, year: i32) -> i64 {
        self.days(year).min().unwrap_or(0)
    }

    /// Whether every 29 February falls in a leap year.
    fn exists(&self, year: i32) -> bool {
        self.dates.iter().all(|(y, m, d)| {
            (*m, *d) != (2, 29) || {
                let day = days_from_civil(year + y, 2, 29);
                civil_from_days(day).1 == 2
            }
        })
    }

    /// The greatest year for which the last stamp is not later than `bound` and all dates exist.
    fn not_after(&self, bound: i64) -> i32 {
        let (month, day) = self.last();
        let start = civil_from_days(bound).0.saturating_add(1);
        // Leap years are at most eight years apart (1896–1904, 2096–2104).
        (0..10)
            .map(|back| start - back)
            .find(|y| days_from_civil(*y, month, day) <= bound && self.exists(*y))
            .unwrap_or(start)
    }
}

/// The year of the last stamp and what says so, the strongest statement first.
fn year_of_last(
    sampled: &Sampled,
    run: &Run,
    refs: &References<'_>,
    problems: &mut Vec<Problem>,
) -> (i32, String) {
    let (month, day) = run.last();
    let named = series_name(&sampled.path).1.date();
    let modified = plausible(sampled.modified);
    let distance = |year: i32, to: i64| to - days_from_civil(year, month, day);
    if let Some(named) = named {
        let year = run.not_after(named + 1);
        // A name's date is that of the rotation; a log is rotated within a month or so.
        if distance(year, named) <= 62 {
            return (year, "date in the file's name".to_string());
        }
    }
    // Where copying lost the times, one that fits does so by chance.
    if let Some(modified) = modified.filter(|_| refs.times_kept) {
        let year = run.not_after(modified + CLOSE);
        if distance(year, modified) <= CLOSE {
            let late = refs.bound.filter(|b| distance(year, b.0) < -1);
            if let Some((_, newer)) = late {
                let what = format!("by its modification time it ends after {newer} begins");
                problems.push(Problem::note(sampled.path.clone(), what));
            }
            return (
                year,
                "modification time, which fits the last stamp".to_string(),
            );
        }
    }
    if let Some((bound, newer)) = refs.bound {
        return (
            run.not_after(bound + 1),
            format!("ends before {newer} begins"),
        );
    }
    let (reference, whose) = match (refs.host, refs.overall) {
        (Some(host), _) => (Some(host), "same host"),
        (None, overall) => (overall, "evidence"),
    };
    if let Some((reference, path)) = reference {
        let bound = modified.map_or(reference + BEYOND, |m| (m + CLOSE).min(reference + BEYOND));
        let year = run.not_after(bound);
        let gap = distance(year, reference).abs();
        if gap > 183 {
            let what = format!(
                "year is uncertain: last stamp {month:02}-{day:02} taken as {year}, {gap} days from \
                 the last stamp with a year ({path})"
            );
            problems.push(Problem::note(sampled.path.clone(), what));
        }
        return (
            year,
            format!("last stamp with a year of the {whose}, in {path}"),
        );
    }
    let file = modified
        .map(|m| (m, sampled.path.as_str()))
        .or(refs.newest_file);
    let Some((file, _)) = file else {
        let what = "nothing in the evidence tells the year of its stamps; 1970 is written";
        problems.push(Problem::warning(sampled.path.clone(), what));
        return (1970, "unknown".to_string());
    };
    let year = run.not_after(file + CLOSE);
    let what = format!(
        "year is uncertain: only the modification time tells it, and that is {} days after the \
         last stamp",
        distance(year, file)
    );
    problems.push(Problem::note(sampled.path.clone(), what));
    (
        year,
        "modification time, not confirmed by anything".to_string(),
    )
}

/// Where an artefact stands in the rotation of its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// `mail.log`
    Current,
    /// `mail.log.3`
    Number(u32),
    /// `mail.log-20251207`, as days since 1970-01-01.
    Date(i64),
}

impl Turn {
    fn date(&self) -> Option<i64> {
        match self {
            Self::Date(days) => Some(*days),
            _ => None,
        }
    }
}

/// The log that a path is a part of, and which part.
pub(crate) fn series_name(path: &str) -> (String, Turn) {
    let logical = logical_path(path);
    let archive = path
        .rfind('!')
        .filter(|_| !logical.is_empty())
        .map_or("", |_| {
            // What of the archive steps is not folded into the logical path.
            let inner = path.rsplit('!').next().unwrap_or("");
            if inner.contains('/') || logical == inner {
                path.split('!').next().unwrap_or("")
            } else {
                ""
            }
        });
    // mail.log-2025-12-07, access.2025.12.07
    if let Some((stem, days)) = long_date(&logical) {
        return (format!("{archive}!{stem}"), Turn::Date(days));
    }
    let (stem, tail) = match logical.rfind(['.', '-', '_']) {
        Some(at) => (
            logical.get(..at).unwrap_or(""),
            logical.get(at + 1..).unwrap_or(""),
        ),
        None => (logical.as_str(), ""),
    };
    let digits = !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_digit());
    let turn = match tail.len() {
        1..=3 if digits => tail.parse().ok().map(Turn::Number),
        // logrotate's dateext: 20251207, with hours 2025120713.
        8 | 10 if digits => compact_date(tail).map(Turn::Date),
        _ => None,
    };
    if let Some(turn) = turn {
        return (format!("{archive}!{stem}"), turn);
    }
    (format!("{archive}!{logical}"), Turn::Current)
}

fn checked_date(year: i32, month: u32, day: u32) -> Option<i64> {
    let good =
        (1995..=2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    good.then(|| days_from_civil(year, month, day))
}

fn compact_date(tail: &str) -> Option<i64> {
    let part = |from, to| tail.get(from..to)?.parse::<u32>().ok();
    checked_date(i32::try_from(part(0, 4)?).ok()?, part(4, 6)?, part(6, 8)?)
}

fn long_date(name: &str) -> Option<(&str, i64)> {
    let at = name.len().checked_sub(11)?;
    let tail = name.get(at..)?.as_bytes();
    let separators = [tail.first()?, tail.get(5)?, tail.get(8)?];
    if !separators.iter().all(|s| matches!(s, b'-' | b'.' | b'_')) {
        return None;
    }
    let part = |from: usize, to: usize| name.get(at + from..at + to)?.parse::<u32>().ok();
    let days = checked_date(i32::try_from(part(1, 5)?).ok()?, part(6, 8)?, part(9, 11)?)?;
    Some((name.get(..at)?, days))
}

/// Indices of artefacts by log, the newest part first.
fn series(clues: &Clues, hosts: &Hosts) -> Vec<Vec<usize>> {
    let mut map: BTreeMap<(String, String), Vec<(i64, usize)>> = BTreeMap::new();
    for (at, sampled) in clues.artefacts.iter().enumerate().filter(|(_, s)| s.wanted) {
        let (name, turn) = series_name(&sampled.path);
        let age = match turn {
            Turn::Current => i64::MIN,
            Turn::Number(n) => i64::from(n),
            Turn::Date(days) => -days,
        };
        map.entry((hosts.root(&sampled.path).to_string(), name))
            .or_default()
            .push((age, at));
    }
    map.into_values()
        .map(|mut members| {
            members.sort_unstable();
            members.into_iter().map(|(_, at)| at).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_of_rotated_logs() {
        let day = days_from_civil(2025, 12, 7);
        for (path, name, turn) in [
            ("var/log/mail.log", "!var/log/mail.log", Turn::Current),
            ("var/log/mail.log.1", "!var/log/mail.log", Turn::Number(1)),
            (
                "var/log/mail.log.12.gz!mail.log.12",
                "!var/log/mail.log",
                Turn::Number(12),
            ),
            (
                "var/log/maillog-20251207",
                "!var/log/maillog",
                Turn::Date(day),
            ),
            (
                "var/log/maillog-20251207.gz!maillog-20251207",
                "!var/log/maillog",
                Turn::Date(day),
            ),
            ("access.log-2025-12-07", "!access.log", Turn::Date(day)),
            (
                "b.tgz!var/log/mail.log.1",
                "b.tgz!var/log/mail.log",
                Turn::Number(1),
            ),
            ("x-20259999", "!x-20259999", Turn::Current),
        ] {
            assert_eq!(series_name(path), (name.to_string(), turn), "{path}");
        }
    }

    fn run(dates: &[(u32, u32)]) -> Run {
        let stamps: Vec<Stamp> = dates
            .iter()
            .map(|(month, day)| Stamp {
                notation: crate::Notation::Bsd,
                year: None,
                month: *month,
                day: *day,
                second: 0,
                offset: None,
            })
            .collect();
        Run::of(&stamps.iter().collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn years_turn_and_clocks_jump() {
        let years = |dates: &[(u32, u32)]| run(dates).dates.iter().map(|d| d.0).collect::<Vec<_>>();
        assert_eq!(years(&[(11, 3), (12, 31), (1, 1), (2, 2)]), [-1, -1, 0, 0]);
        assert_eq!(
            years(&[(12, 9), (1, 1), (12, 9)]),
            [0, 1, 0],
            "a clock that fell to 1 January"
        );
        assert_eq!(
            years(&[(5, 1), (11, 20), (1, 5), (8, 1), (1, 2)]),
            [-2, -2, -1, -1, 0]
        );
        let leap = run(&[(2, 29), (3, 1)]);
        assert_eq!(leap.not_after(days_from_civil(2025, 12, 31)), 2024);
        assert_eq!(leap.not_after(days_from_civil(2024, 2, 28)), 2020);
        let plain = run(&[(12, 9)]);
        assert_eq!(plain.not_after(days_from_civil(2025, 12, 9)), 2025);
        assert_eq!(plain.not_after(days_from_civil(2025, 12, 8)), 2024);
    }
}
