//! What the evidence could have shown: periods, clocks, and holes.
//!
//! A hole is claimed only where something shows that records should stand there: an hour that is
//! silent although the same hour of other days never is, a session of which one end is missing, a
//! flow to a mail port that no daemon recorded, a message in the store whose delivery no log has.

use crate::client::{Protocol, is_inside};
use crate::contract::{Coverage, EvidenceRef, Gap, Text};
use crate::inputs::Inputs;
use crate::intern::Ip;
use crate::model::{Model, text};
use crate::observe::SourceStats;
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeMap;
use vauban_ocsf::{DAY, Evidence, HOUR, MINUTE, MailboxAction, SECOND, Service, Timestamp};

/// A period in which records are missing.
#[derive(Clone, Debug)]
pub struct Hole {
    /// Format whose records are missing.
    pub source: String,
    /// From.
    pub from: Timestamp,
    /// To.
    pub to: Timestamp,
    /// Why it is thought so.
    pub why: Text,
    /// Lines that show it.
    pub evidence: Vec<Evidence>,
    /// Address whose session is unrecorded, when a flow names it.
    pub ip: Option<Ip>,
}

/// A silence counts when comparable days have at least this many records in its hours. Records come
/// in clusters (a message has half a dozen lines, a webmail session dozens of requests), and a few
/// clusters may well be missing by chance.
fn expected_least(format: &str) -> u64 {
    match format {
        "syslog" | "dovecot" | "journald" | "journal-json" => 40,
        f if f.contains("access") => 400,
        _ => 200,
    }
}

/// Comparable days needed.
const DAYS_LEAST: usize = 3;

/// Finds holes.
pub fn holes(m: &Model<'_>, inputs: &Inputs<'_>) -> Vec<Hole> {
    let mut out = Vec::new();
    for (format, _, stats) in groups(m, inputs) {
        silences(&format, &stats, &mut out);
    }
    torn_sessions(m, &mut out);
    unrecorded_flows(m, &mut out);
    unrecorded_deliveries(m, &mut out);
    out.sort_by(|a, b| {
        (a.from, &a.source, a.to, &a.evidence).cmp(&(b.from, &b.source, b.to, &b.evidence))
    });
    merge(out)
}

/// Holes of one source that overlap are one.
fn merge(holes: Vec<Hole>) -> Vec<Hole> {
    let mut out: Vec<Hole> = Vec::new();
    for hole in holes {
        let last = out
            .iter_mut()
            .rev()
            .find(|h| h.source == hole.source && h.ip == hole.ip && hole.from <= h.to);
        match last {
            Some(last) => {
                last.to = last.to.max(hole.to);
                if !last.why.en.contains(&hole.why.en) {
                    last.why.en = format!("{}; {}", last.why.en, hole.why.en);
                    last.why.fr = format!("{} ; {}", last.why.fr, hole.why.fr);
                }
                last.evidence.extend(hole.evidence);
                last.evidence.truncate(6);
            }
            None => out.push(hole),
        }
    }
    out
}

/// Artefacts of one format and host together: `(format, host, stats)`.
fn groups(m: &Model<'_>, inputs: &Inputs<'_>) -> Vec<(String, String, SourceStats)> {
    let mut groups: BTreeMap<(String, String), SourceStats> = BTreeMap::new();
    for log in inputs.logs {
        let Some(stats) = m.obs.sources.get(&log.artefact) else {
            continue;
        };
        let host = stats
            .hosts
            .iter()
            .max_by_key(|(_, n)| **n)
            .map(|(h, _)| h.clone())
            .unwrap_or_default();
        let group = groups.entry((log.format.clone(), host)).or_default();
        group.events += stats.events;
        group.ignored += stats.ignored;
        group.unparsed += stats.unparsed;
        for (hour, h) in &stats.hours {
            match group.hours.get_mut(hour) {
                Some(mine) => {
                    mine.count += h.count;
                    if h.first.0 < mine.first.0 {
                        mine.first = h.first;
                    }
                    if h.last.0 >= mine.last.0 {
                        mine.last = h.last;
                    }
                }
                None => drop(group.hours.insert(*hour, h.clone())),
            }
        }
        group
            .unparsed_samples
            .extend(stats.unparsed_samples.iter().copied());
        group.backward.extend(stats.backward.iter().cloned());
        if let Some(first) = stats.first
            && group.first.is_none_or(|f| first.0 < f.0)
        {
            group.first = Some(first);
        }
        if let Some(last) = stats.last
            && group.last.is_none_or(|l| last.0 >= l.0)
        {
            group.last = Some(last);
        }
    }
    groups
        .into_iter()
        .map(|((format, host), stats)| (format, host, stats))
        .collect()
}

/// Runs of silent hours in which, by the same hours of other days of the same kind (working days,
/// weekends), records were to be expected.
fn silences(format: &str, stats: &SourceStats, out: &mut Vec<Hole>) {
    let (Some(first), Some(last)) = (stats.first, stats.last) else {
        return;
    };
    let all = first.0.0.div_euclid(HOUR)..last.0.0.div_euclid(HOUR) + 1;
    let activity = Activity::new(stats);
    let mut previous = first;
    let mut next = all.start;
    for (&hour, h) in stats.hours.range(all.clone()) {
        let silent = next..hour;
        if !silent.is_empty()
            && let Some((least, days)) =
                activity.expected(silent, all.clone(), expected_least(format))
        {
            out.push(Hole {
                source: format.to_string(),
                from: previous.0,
                to: h.first.0,
                why: text(
                    format!("no record, where the same hours of {days} comparable days have at least {least}"),
                    format!("aucune trace, là où les mêmes heures de {days} jours comparables en ont au moins {least}"),
                ),
                evidence: vec![previous.1, h.first.1],
                ip: None,
            });
        }
        previous = h.last;
        next = hour + 1;
    }
}

/// Whether an hour falls on a weekend. 1 January 1970 was a Thursday.
fn weekend(hour: i64) -> bool {
    (hour.div_euclid(24) + 3).rem_euclid(7) >= 5
}

/// Records by hour, to be summed over any stretch.
struct Activity {
    /// Hour, and the records up to its end.
    sums: Vec<(i64, u64)>,
}

impl Activity {
    fn new(stats: &SourceStats) -> Self {
        let mut sum = 0;
        let sums = stats.hours.iter().map(|(&hour, h)| {
            sum += h.count;
            (hour, sum)
        });
        Self {
            sums: sums.collect(),
        }
    }

    fn before(&self, hour: i64) -> u64 {
        let at = self.sums.partition_point(|(h, _)| *h < hour);
        at.checked_sub(1).map_or(0, |last| self.sums[last].1)
    }

    /// The least number of records that the same hours of comparable days have, and how many such
    /// days there are; `None` below [`DAYS_LEAST`] days, or `enough` records.
    fn expected(
        &self,
        silent: std::ops::Range<i64>,
        all: std::ops::Range<i64>,
        enough: u64,
    ) -> Option<(u64, usize)> {
        // Whole days between the silence and the beginning and end of the source.
        let back = (silent.start - all.start) / 24;
        let on = (all.end - silent.end) / 24;
        let (mut least, mut days) = (u64::MAX, 0);
        for d in (-back..=-1).rev().chain(1..=on) {
            let w = silent.start + 24 * d..silent.end + 24 * d;
            // A stretch longer than a day is not compared with itself.
            if (w.end > silent.start && w.start < silent.end)
                || weekend(w.start) != weekend(silent.start)
                || weekend(w.end) != weekend(silent.end)
            {
                continue;
            }
            least = least.min(self.before(w.end) - self.before(w.start));
            // Most silences are nights, and the next night tells.
            if least < enough {
                return None;
            }
            days += 1;
        }
        (days >= DAYS_LEAST).then_some((least, days))
    }
}

/// Short sessions of which only one end is on record.
fn torn_sessions(m: &Model<'_>, out: &mut Vec<Hole>) {
    let local: HashSet<u32> = m.local.iter().copied().collect();
    // The webmail's sessions last as long as a request, POP3 sessions minutes; IMAP clients of
    // people stay for days and prove nothing.
    let short: Vec<usize> = (0..m.daemon.len())
        .filter(|&i| {
            m.daemon.pace(i);
            local.contains(&(i as u32)) || m.daemon[i].service == Service::Pop3
        })
        .collect();
    let complete = short
        .iter()
        .enumerate()
        .filter(|&(step, &i)| {
            m.daemon.pace(step);
            m.daemon[i].complete()
        })
        .count();
    // Where most sessions lack an end, the log simply does not have both lines.
    if complete * 10 < short.len() * 9 || short.is_empty() {
        return;
    }
    let dovecot: Vec<&SourceStats> = m
        .obs
        .sources
        .values()
        .filter(|s| s.first.is_some())
        .collect();
    let last = dovecot
        .iter()
        .filter_map(|s| s.last)
        .map(|l| l.0)
        .max()
        .unwrap_or_default();
    let first = short
        .iter()
        .enumerate()
        .map(|(step, &i)| {
            m.daemon.pace(step);
            m.daemon[i].start
        })
        .min()
        .unwrap_or_default();
    let mut opened: Option<(Timestamp, Evidence)> = None;
    for (step, &i) in short.iter().enumerate() {
        m.daemon.pace(step);
        let d = &m.daemon[i];
        if d.orphan && d.id != 0 && d.start.0 - first.0 > 10 * MINUTE {
            let Some(line) = d.evidence[1] else { continue };
            let (from, mut evidence) = match opened.take() {
                Some((t, e)) if d.start.0 - t.0 < DAY => (t, vec![e]),
                _ => (Timestamp(d.start.0 - 10 * MINUTE), Vec::new()),
            };
            evidence.push(line);
            out.push(Hole {
                source: "dovecot".into(),
                from,
                to: d.start,
                why: text(
                    "the log-out of a session stands there without its log-in",
                    "la fin d’une session y figure sans son début",
                ),
                evidence,
                ip: None,
            });
        } else if d.end.is_none()
            && last.0 - d.start.0 > HOUR
            && let Some(line) = d.evidence[0]
        {
            opened = Some((d.start, line));
        }
    }
}

/// Flows to mail ports that carried content and that no daemon recorded.
fn unrecorded_flows(m: &Model<'_>, out: &mut Vec<Hole>) {
    /// Less is a handshake, a greeting, a refused log-in.
    const CONTENT: u64 = 16 * 1024;
    let mut sessions: HashMap<Ip, Vec<(i64, i64)>> = HashMap::new();
    for d in &m.daemon {
        sessions.entry(d.ip).or_default().push((
            d.start.0 - 5 * MINUTE,
            d.end.unwrap_or(d.start).0 + 5 * MINUTE,
        ));
    }
    let logged = span(m.daemon.iter().map(|d| d.start));
    let Some((from, to)) = logged else { return };
    for f in &m.obs.flows {
        let service = matches!(f.dport, 110 | 143 | 993 | 995);
        let outside = m.addr(f.src).is_some_and(|ip| !is_inside(ip));
        if !service
            || !outside
            || f.bytes_in.is_none_or(|n| n < CONTENT)
            || f.start < from
            || f.end > to
        {
            continue;
        }
        let recorded = sessions
            .get(&f.src)
            .is_some_and(|list| list.iter().any(|&(a, b)| f.start.0 <= b && f.end.0 >= a));
        if !recorded {
            out.push(Hole {
                source: "dovecot".into(),
                from: f.start,
                to: f.end,
                why: text(
                    format!("a flow from {} to port {} carried {} octets to the client, and no daemon recorded it", m.addr_text(f.src), f.dport, f.bytes_in.unwrap_or(0)),
                    format!("un flux de {} vers le port {} a porté {} octets vers le client, et aucun service ne l’a enregistré", m.addr_text(f.src), f.dport, f.bytes_in.unwrap_or(0)),
                ),
                evidence: vec![f.evidence],
                ip: Some(f.src),
            });
        }
    }
}

fn span(times: impl Iterator<Item = Timestamp>) -> Option<(Timestamp, Timestamp)> {
    times.fold(None, |acc, t| match acc {
        None => Some((t, t)),
        Some((a, b)) => Some((a.min(t), b.max(t))),
    })
}

/// Messages in the store that came while deliveries were logged, but whose delivery is not.
fn unrecorded_deliveries(m: &Model<'_>, out: &mut Vec<Hole>) {
    // Only what stands in the store is asked for; the log may name very many more.
    let stored: HashSet<u64> = m
        .universe
        .known
        .iter()
        .filter(|k| k.stored.is_some() && k.hash != 0)
        .map(|k| k.hash)
        .collect();
    let saves = || {
        m.obs.mailbox.iter().filter(|r| {
            matches!(r.action, MailboxAction::Save | MailboxAction::Copy) && r.message != 0
        })
    };
    let Some((from, to)) = span(saves().map(|r| r.time)) else {
        return;
    };
    let recorded: HashSet<u64> = saves()
        .map(|r| r.message)
        .chain(m.obs.queued.iter().copied())
        .filter(|h| stored.contains(h))
        .collect();
    let mut arrivals: Vec<(Timestamp, bool, Evidence)> = m
        .universe
        .known
        .iter()
        .filter(|k| k.stored.is_some() && k.hash != 0)
        .filter_map(|k| {
            let t = k.received?;
            let logged = recorded.contains(&k.hash);
            (t > from && t < to).then_some((t, logged, k.evidence))
        })
        .collect();
    arrivals.sort_unstable();
    let logged = arrivals.iter().filter(|a| a.1).count();
    if arrivals.len() < 20 || logged * 10 < arrivals.len() * 9 {
        return;
    }
    let mut before = from;
    let mut missing: Vec<Evidence> = Vec::new();
    for &(t, is_logged, line) in &arrivals {
        if !is_logged {
            missing.push(line);
            continue;
        }
        // One stray message proves little (a copy restored by hand); several do.
        if missing.len() >= 2 {
            missing.truncate(4);
            out.push(Hole {
                source: "dovecot".into(),
                from: before,
                to: t,
                why: text(
                    format!("{} messages came whose delivery no log has", missing.len()),
                    format!(
                        "{} messages sont arrivés sans trace de remise",
                        missing.len()
                    ),
                ),
                evidence: std::mem::take(&mut missing),
                ip: None,
            });
        }
        missing.clear();
        before = t;
    }
}

/// The report's coverage rows.
pub fn rows(
    m: &Model<'_>,
    inputs: &Inputs<'_>,
    holes: &[Hole],
    refs: &dyn Fn(&[Evidence]) -> Vec<EvidenceRef>,
) -> Vec<Coverage> {
    let mut out = Vec::new();
    for (format, host, stats) in groups(m, inputs) {
        // Nothing of use and nothing unread: not a source of this case.
        if stats.events == 0 && stats.unparsed == 0 {
            continue;
        }
        let of: Vec<_> = inputs
            .logs
            .iter()
            .filter(|l| {
                l.format == format
                    && m.obs.sources.get(&l.artefact).is_some_and(|s| {
                        s.hosts
                            .iter()
                            .max_by_key(|(_, n)| **n)
                            .map(|(h, _)| h.as_str())
                            .unwrap_or("")
                            == host
                    })
            })
            .collect();
        let mut clock: Vec<Text> = Vec::new();
        for text in of.iter().flat_map(|l| &l.clock) {
            if !clock.contains(text) {
                clock.push(text.clone());
            }
        }
        if format.contains("access") && m.web_clock_ahead != 0 {
            let seconds = m.web_clock_ahead / SECOND;
            clock.push(text(
                format!("This clock is {seconds} s ahead of the mail server's, by the IMAP sessions that its requests caused; sessions are joined accordingly."),
                format!("Cette horloge avance de {seconds} s sur celle du serveur de messagerie, d’après les sessions IMAP causées par ses requêtes ; les sessions sont rapprochées en conséquence."),
            ));
        }
        for back in stats.backward.iter().take(5) {
            clock.push(text(
                format!(
                    "The clock goes back from {} to {} between neighbouring records.",
                    back.from.0, back.to.0
                ),
                format!(
                    "L’horloge recule de {} à {} entre deux traces voisines.",
                    back.from.0, back.to.0
                ),
            ));
        }
        let samples: Vec<Evidence> = stats
            .unparsed_samples
            .iter()
            .map(|(e, _)| *e)
            .take(5)
            .collect();
        let gaps = holes
            .iter()
            .filter(|h| h.source == format || (h.source == "dovecot" && format == "syslog"))
            .map(|h| Gap {
                from: h.from.to_string(),
                to: h.to.to_string(),
                why: h.why.en.clone(),
                why_fr: h.why.fr.clone(),
                evidence: refs(&h.evidence),
            })
            .collect();
        out.push(Coverage {
            source: format.clone(),
            artefacts: of
                .iter()
                .map(|l| inputs.evidence.path(l.artefact).to_string())
                .collect(),
            host,
            from: stats.first.map(|f| f.0.to_string()),
            to: stats.last.map(|l| l.0.to_string()),
            gaps,
            events: stats.events,
            ignored: stats.ignored,
            unparsed: stats.unparsed,
            unparsed_samples: refs(&samples),
            time_base: clock,
            proves: proves(&format),
        });
    }
    out
}

/// What a source proves, in a sentence; `docs/BOUNDS.md` has the long form.
fn proves(format: &str) -> Text {
    if format.contains("access") {
        return text(
            "Which pages, messages and attachments a browser was sent, and the size of each answer; not which account asked, which is joined from IMAP sessions.",
            "Quelles pages, quels messages et pièces ont été envoyés à un navigateur, et la taille de chaque réponse ; pas le compte, déduit des sessions IMAP.",
        );
    }
    match format {
        "syslog" | "dovecot" | "journald" => text(
            "Log-ins, sessions with their octet counts, deliveries, deletions; not which messages a session read, unless event export is on.",
            "Connexions, sessions et leurs octets, remises, suppressions ; pas les messages lus, sauf export d’événements.",
        ),
        "conntrack" | "zeek-conn" | "suricata-eve" | "nfdump" | "pcap" => text(
            "Which addresses exchanged how many octets and when; not what they were.",
            "Quelles adresses ont échangé combien d’octets et quand ; pas leur contenu.",
        ),
        _ => text("Events of this service.", "Événements de ce service."),
    }
}

/// Whether the sources that show log-ins were there at all.
pub fn can_show_logins(m: &Model<'_>) -> bool {
    m.clients.iter().any(|c| c.protocol != Protocol::Smtp) || !m.daemon.is_empty()
}

/// Longest stretch tolerated between the last record and the newest message in the store.
pub fn stale_by(m: &Model<'_>) -> Option<i64> {
    let last = m
        .obs
        .sources
        .values()
        .filter_map(|s| s.last)
        .map(|l| l.0)
        .max()?;
    let newest = m.universe.newest?;
    (newest.0 - last.0 > DAY).then_some((newest.0 - last.0) / SECOND)
}
