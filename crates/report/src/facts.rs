//! What all faces of a report need to compute from a case once: numbered evidence, moments in
//! order of time, destinations, the period covered. Nothing here judges; it only arranges.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use vauban_case::contract::{
    Account, AccountStatus, Case, EvidenceRef, Exfiltrated, Label, LedgerEntry, Level, Session,
    Text, Verdict,
};

use crate::{Lang, escape::shown, fmt, labels, lang::Key as K};

/// The evidence lines of a case, each once, numbered from 1 in order of artefact and offset. The
/// numbers are the same in every language and every output of one case, so that "E17" in the PDF
/// is "E17" in the page.
#[derive(Debug, Default)]
pub struct EvidenceIndex<'a> {
    lines: Vec<&'a EvidenceRef>,
}

impl<'a> EvidenceIndex<'a> {
    /// Collects every reference of the case.
    pub fn new(case: &'a Case) -> Self {
        let mut lines = Vec::new();
        visit(case, &mut |e| lines.push(e));
        lines.sort_by(|a, b| key(a).cmp(&key(b)));
        lines.dedup_by(|a, b| key(a) == key(b));
        Self { lines }
    }

    /// The number of a line, from 1; `None` if it is not of this case.
    pub fn number(&self, e: &EvidenceRef) -> Option<usize> {
        self.lines
            .binary_search_by(|probe| key(probe).cmp(&key(e)))
            .ok()
            .map(|i| i + 1)
    }

    /// All lines in order of their numbers.
    pub fn lines(&self) -> &[&'a EvidenceRef] {
        &self.lines
    }

    /// `E3, E4, E9 …`: at most `max` numbers.
    pub fn list(&self, evidence: &[EvidenceRef], max: usize) -> String {
        let numbers: BTreeSet<usize> = evidence.iter().filter_map(|e| self.number(e)).collect();
        let mut out = numbers
            .iter()
            .take(max)
            .map(|n| format!("E{n}"))
            .collect::<Vec<_>>()
            .join(", ");
        if numbers.len() > max {
            out.push_str(&format!(" … (+{})", numbers.len() - max));
        }
        out
    }
}

fn key(e: &EvidenceRef) -> (&str, u64, u64) {
    (&e.artefact, e.offset, e.length)
}

/// Calls `f` with every evidence reference of the case.
fn visit<'a>(case: &'a Case, f: &mut impl FnMut(&'a EvidenceRef)) {
    for c in &case.coverage {
        c.unparsed_samples.iter().for_each(&mut *f);
        c.gaps.iter().flat_map(|g| &g.evidence).for_each(&mut *f);
    }
    case.initial_access
        .iter()
        .flat_map(|x| &x.evidence)
        .for_each(&mut *f);
    for a in &case.accounts {
        a.evidence.iter().for_each(&mut *f);
        a.reasons.iter().flat_map(|r| &r.evidence).for_each(&mut *f);
    }
    for s in &case.sessions {
        s.evidence.iter().for_each(&mut *f);
        s.reasons.iter().flat_map(|r| &r.evidence).for_each(&mut *f);
    }
    case.ledger
        .iter()
        .flat_map(|x| &x.evidence)
        .for_each(&mut *f);
    case.searches
        .iter()
        .flat_map(|x| &x.evidence)
        .for_each(&mut *f);
    case.secrets
        .iter()
        .flat_map(|x| &x.evidence)
        .for_each(&mut *f);
    case.persistence
        .iter()
        .flat_map(|x| &x.evidence)
        .for_each(&mut *f);
    case.lateral
        .iter()
        .flat_map(|x| &x.evidence)
        .for_each(&mut *f);
    case.detections
        .iter()
        .flat_map(|x| &x.evidence)
        .for_each(&mut *f);
    case.lures
        .iter()
        .flat_map(|x| &x.evidence)
        .for_each(&mut *f);
    case.indicators
        .iter()
        .flat_map(|x| &x.evidence)
        .for_each(&mut *f);
    case.exposure
        .iter()
        .flat_map(|x| &x.evidence)
        .for_each(&mut *f);
    for h in &case.hypotheses {
        h.pro
            .iter()
            .chain(&h.against)
            .flat_map(|r| &r.evidence)
            .for_each(&mut *f);
    }
}

/// What kind of thing happened.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum MomentKind {
    LureOpened,
    InitialAccess,
    Session,
    Search,
    Listed,
    Read,
    Downloaded,
    Forwarded,
    Persistence,
    Lateral,
}

/// Something that happened at a time.
#[derive(Clone, Debug)]
pub struct Moment<'a> {
    /// RFC 3339 as in the case.
    pub time: &'a str,
    /// What kind.
    pub kind: MomentKind,
    /// Account, or empty.
    pub account: &'a str,
    /// Session id, or empty.
    pub session: &'a str,
    /// Where from, or empty.
    pub source_ip: &'a str,
    /// In words; strings of the evidence are already [`shown`].
    pub text: Text,
    /// Lines.
    pub evidence: &'a [EvidenceRef],
}

/// An address that content went to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination<'a> {
    /// IP or mail address.
    pub address: &'a str,
    /// Messages on record towards it.
    pub messages: u64,
    /// Attachments on record towards it.
    pub documents: u64,
    /// Octets that went to it, at least: only items that went to no other address count.
    pub bytes_min: u64,
    /// Octets that went to it, at most.
    pub bytes_max: u64,
    /// A saved copy or a forwarded message is on record.
    pub confirmed: bool,
}

/// A case arranged for reading.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The case.
    pub case: &'a Case,
    /// Its evidence lines.
    pub evidence: EvidenceIndex<'a>,
    /// Everything that has a time, in order.
    pub moments: Vec<Moment<'a>>,
    /// Where content went, most bytes first.
    pub destinations: Vec<Destination<'a>>,
    sessions: HashMap<&'a str, &'a Session>,
}

impl<'a> Facts<'a> {
    /// Arranges a case.
    pub fn new(case: &'a Case) -> Self {
        Self {
            case,
            evidence: EvidenceIndex::new(case),
            moments: moments(case),
            destinations: destinations(case),
            sessions: case.sessions.iter().map(|s| (s.id.as_str(), s)).collect(),
        }
    }

    /// A session by its id.
    pub fn session(&self, id: &str) -> Option<&'a Session> {
        self.sessions.get(id).copied()
    }

    /// Accounts that were entered.
    pub fn compromised(&self) -> impl Iterator<Item = &'a Account> {
        self.case
            .accounts
            .iter()
            .filter(|a| a.status == AccountStatus::Compromised)
    }

    /// The first hostile sign: the earliest way in, sign at an account that was entered, or
    /// session of the intruder.
    pub fn since(&self) -> Option<&'a str> {
        self.hostile_times()
            .min_by_key(|t| fmt::seconds(t).unwrap_or(i64::MAX))
    }

    /// The last hostile sign.
    pub fn until(&self) -> Option<&'a str> {
        self.hostile_times()
            .max_by_key(|t| fmt::seconds(t).unwrap_or(i64::MIN))
    }

    fn hostile_times(&self) -> impl Iterator<Item = &'a str> {
        let access = self.case.initial_access.iter().map(|x| x.time.as_str());
        let accounts = self
            .compromised()
            .flat_map(|a| [a.first.as_deref(), a.last.as_deref()]);
        let sessions = self
            .case
            .sessions
            .iter()
            .filter(|s| s.label == Label::Intruder)
            .flat_map(|s| [s.start.as_str(), s.end.as_str()]);
        access
            .chain(accounts.flatten())
            .chain(sessions)
            .filter(|t| !t.is_empty())
    }

    /// First and last record over all sources.
    pub fn covered(&self) -> Option<(&'a str, &'a str)> {
        let from = self.case.coverage.iter().filter_map(|c| c.from.as_deref());
        let to = self.case.coverage.iter().filter_map(|c| c.to.as_deref());
        Some((
            from.min_by_key(|t| fmt::seconds(t).unwrap_or(i64::MAX))?,
            to.max_by_key(|t| fmt::seconds(t).unwrap_or(i64::MIN))?,
        ))
    }

    /// Holes in all sources.
    pub fn gaps(&self) -> usize {
        self.case.coverage.iter().map(|c| c.gaps.len()).sum()
    }

    /// The moments that belong in a picture: ways in, lures opened, things left behind, attempts
    /// at other hosts, and of each account the first search, read, download and forward.
    pub fn key_moments(&self) -> Vec<&Moment<'a>> {
        let mut seen = BTreeSet::new();
        self.moments
            .iter()
            .filter(|m| match m.kind {
                MomentKind::Session | MomentKind::Listed => false,
                MomentKind::Search
                | MomentKind::Read
                | MomentKind::Downloaded
                | MomentKind::Forwarded => seen.insert((m.account, m.kind)),
                _ => true,
            })
            .collect()
    }

    /// Ledger entries worth showing first: strongest level, then protective marking, then size.
    pub fn ledger_by_weight(&self) -> Vec<&'a LedgerEntry> {
        let mut rows: Vec<_> = self
            .case
            .ledger
            .iter()
            .filter(|e| e.level > Level::Exposed)
            .collect();
        rows.sort_by(|a, b| {
            (
                b.level,
                b.exfiltrated,
                !b.classification.is_empty(),
                b.bytes_max,
            )
                .cmp(&(
                    a.level,
                    a.exfiltrated,
                    !a.classification.is_empty(),
                    a.bytes_max,
                ))
        });
        rows
    }

    /// Protective markings met on what was read or more, with how many items carry each.
    pub fn markings(&self) -> BTreeMap<&'a str, u64> {
        let mut out = BTreeMap::new();
        for e in self.case.ledger.iter().filter(|e| e.level >= Level::Read) {
            for c in &e.classification {
                *out.entry(c.as_str()).or_insert(0) += 1;
            }
        }
        out
    }
}

/// The answer in one or two sentences, from the verdict and the sums alone.
pub fn headline(facts: &Facts, lang: Lang) -> String {
    let case = facts.case;
    match case.verdict {
        Verdict::Breached => {
            let n = facts.compromised().count() as u64;
            let accounts = lang.n(n.max(case.totals.accounts_compromised), K::AccountN);
            let entered = match facts.since() {
                Some(t) => lang.f(K::HeadlineEnteredSince, &[&accounts, &fmt::day(t, lang)]),
                None => lang.f(K::HeadlineEntered, &[&accounts]),
            };
            let confirmed = case
                .ledger
                .iter()
                .any(|e| e.exfiltrated == Exfiltrated::Confirmed);
            let left = if confirmed {
                K::HeadlineLeft
            } else if case.totals.bytes_max > 0 {
                K::HeadlineMayHaveLeft
            } else {
                K::HeadlineNothingLeft
            };
            format!("{entered} {}", lang.t(left))
        }
        Verdict::NoEvidenceOfBreach => lang.t(K::HeadlineNone).to_owned(),
        Verdict::Inconclusive => lang.t(K::HeadlineOpen).to_owned(),
    }
}

fn moments(case: &Case) -> Vec<Moment<'_>> {
    let mut out = Vec::new();
    for x in &case.initial_access {
        out.push(Moment {
            time: &x.time,
            kind: MomentKind::InitialAccess,
            account: &x.account,
            session: "",
            source_ip: &x.source_ip,
            text: safe(&x.text),
            evidence: &x.evidence,
        });
    }
    for x in &case.lures {
        if let (Some(time), Some(true)) = (&x.opened_at, x.opened) {
            out.push(Moment {
                time,
                kind: MomentKind::LureOpened,
                account: &x.account,
                session: "",
                source_ip: "",
                text: both(
                    format!("Hostile message opened: “{}”", shown(&x.subject, 80)),
                    format!("Message hostile ouvert : « {} »", shown(&x.subject, 80)),
                ),
                evidence: &x.evidence,
            });
        }
    }
    for s in case
        .sessions
        .iter()
        .filter(|s| s.label != Label::Legitimate)
    {
        out.push(Moment {
            time: &s.start,
            kind: MomentKind::Session,
            account: &s.account,
            session: &s.id,
            source_ip: &s.source_ip,
            text: both(
                format!(
                    "{} session {} ({})",
                    labels::protocol(&s.protocol),
                    shown(&s.id, 20),
                    labels::label(s.label, crate::Lang::En)
                ),
                format!(
                    "Session {} {} ({})",
                    labels::protocol(&s.protocol),
                    shown(&s.id, 20),
                    labels::label(s.label, crate::Lang::Fr)
                ),
            ),
            evidence: &s.evidence,
        });
    }
    for x in &case.searches {
        out.push(Moment {
            time: &x.time,
            kind: MomentKind::Search,
            account: &x.account,
            session: &x.session,
            source_ip: "",
            text: both(
                format!("Search for “{}”", shown(&x.query, 80)),
                format!("Recherche de « {} »", shown(&x.query, 80)),
            ),
            evidence: &x.evidence,
        });
    }
    for x in &case.ledger {
        let kind = match x.level {
            Level::Exposed => continue,
            Level::Listed => MomentKind::Listed,
            Level::Read => MomentKind::Read,
            Level::Downloaded => MomentKind::Downloaded,
            Level::Forwarded => MomentKind::Forwarded,
        };
        let Some(time) = &x.first else { continue };
        let name = shown(&x.filename, 80);
        out.push(Moment {
            time,
            kind,
            account: &x.account,
            session: x.sessions.first().map_or("", String::as_str),
            source_ip: "",
            text: both(
                format!("{}: {name}", labels::level(x.level, crate::Lang::En)),
                format!("{} : {name}", labels::level(x.level, crate::Lang::Fr)),
            ),
            evidence: &x.evidence,
        });
    }
    for x in case
        .persistence
        .iter()
        .filter(|x| x.label != Label::Legitimate)
    {
        if let Some(time) = &x.time {
            out.push(Moment {
                time,
                kind: MomentKind::Persistence,
                account: &x.account,
                session: "",
                source_ip: "",
                text: safe(&x.detail),
                evidence: &x.evidence,
            });
        }
    }
    for x in &case.lateral {
        out.push(Moment {
            time: &x.time,
            kind: MomentKind::Lateral,
            account: "",
            session: "",
            source_ip: &x.from,
            text: both(
                format!(
                    "Attempt at {} port {} ({})",
                    shown(&x.to, 60),
                    x.port,
                    labels::outcome(&x.outcome, crate::Lang::En)
                ),
                format!(
                    "Tentative vers {} port {} ({})",
                    shown(&x.to, 60),
                    x.port,
                    labels::outcome(&x.outcome, crate::Lang::Fr)
                ),
            ),
            evidence: &x.evidence,
        });
    }
    // Stable: things of one second stay in the order of the case.
    out.sort_by_key(|m| fmt::seconds(m.time).unwrap_or(i64::MAX));
    out
}

fn both(en: String, fr: String) -> Text {
    Text { en, fr }
}

fn safe(text: &Text) -> Text {
    both(shown(&text.en, 400), shown(&text.fr, 400))
}

/// Sums per address that hold whatever overlaps: a message and its attachment are the same bytes,
/// so the lower bound takes per message the larger of the message's own and its attachments', and
/// counts only what went to this address alone; the upper bound is never above the case's.
fn destinations(case: &Case) -> Vec<Destination<'_>> {
    type MessageKey<'a> = (&'a str, &'a str, Option<u32>, &'a str);
    #[derive(Default)]
    struct Sum<'a> {
        messages: u64,
        documents: u64,
        max: u64,
        confirmed: bool,
        min: BTreeMap<MessageKey<'a>, (u64, u64)>,
    }
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for e in case
        .ledger
        .iter()
        .filter(|e| e.exfiltrated != Exfiltrated::NoEvidence)
    {
        let alone = e.to.len() == 1;
        for address in e.to.iter().map(String::as_str).collect::<BTreeSet<_>>() {
            let s = sums.entry(address).or_default();
            match e.part {
                None => s.messages += 1,
                Some(_) => s.documents += 1,
            }
            s.max = s.max.saturating_add(e.bytes_max);
            s.confirmed |= e.exfiltrated == Exfiltrated::Confirmed;
            if alone {
                let key = (
                    e.account.as_str(),
                    e.mailbox.as_str(),
                    e.uid,
                    e.message_id.as_str(),
                );
                let (message, parts) = s.min.entry(key).or_default();
                match e.part {
                    None => *message = (*message).max(e.bytes_min),
                    // Parts may nest (a forwarded message and what hangs on it): the largest
                    // alone is certain.
                    Some(_) => *parts = (*parts).max(e.bytes_min),
                }
            }
        }
    }
    let mut out: Vec<_> = sums
        .into_iter()
        .map(|(address, s)| {
            let min = s
                .min
                .values()
                .fold(0_u64, |sum, (m, p)| sum.saturating_add(*m.max(p)));
            Destination {
                address,
                messages: s.messages,
                documents: s.documents,
                bytes_min: min.min(case.totals.bytes_min),
                bytes_max: s.max.min(case.totals.bytes_max),
                confirmed: s.confirmed,
            }
        })
        .collect();
    out.sort_by(|a, b| b.bytes_max.cmp(&a.bytes_max).then(a.address.cmp(b.address)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(part: Option<&str>, min: u64, max: u64, to: &[&str]) -> LedgerEntry {
        LedgerEntry {
            account: "a@x".into(),
            mailbox: "INBOX".into(),
            uid: Some(7),
            part: part.map(Into::into),
            level: Level::Downloaded,
            exfiltrated: Exfiltrated::Possible,
            bytes_min: min,
            bytes_max: max,
            to: to.iter().map(|t| (*t).to_owned()).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn overlapping_items_do_not_add_up_in_the_lower_bound() {
        let mut case = Case {
            ledger: vec![
                entry(None, 1000, 1400, &["192.0.2.1"]),
                entry(Some("2"), 700, 900, &["192.0.2.1"]),
                entry(Some("3"), 600, 900, &["192.0.2.1", "192.0.2.2"]),
            ],
            ..Case::default()
        };
        case.totals.bytes_min = 1000;
        case.totals.bytes_max = 1400;
        let d = destinations(&case);
        assert_eq!(d.len(), 2);
        assert_eq!(
            (d[0].address, d[0].bytes_min, d[0].bytes_max),
            ("192.0.2.1", 1000, 1400)
        );
        assert_eq!(
            (d[1].address, d[1].bytes_min, d[1].bytes_max),
            ("192.0.2.2", 0, 900)
        );
        assert_eq!((d[0].messages, d[0].documents), (1, 2));
    }

    #[test]
    fn evidence_is_numbered_once_per_place() {
        let e = |artefact: &str, offset| EvidenceRef {
            artefact: artefact.into(),
            offset,
            length: 10,
            ..Default::default()
        };
        let mut case = Case::default();
        case.searches.push(Default::default());
        case.searches[0].evidence = vec![e("b.log", 5), e("a.log", 9), e("a.log", 0)];
        case.lures.push(Default::default());
        case.lures[0].evidence = vec![e("a.log", 9)];
        let index = EvidenceIndex::new(&case);
        assert_eq!(index.lines().len(), 3);
        assert_eq!(index.list(&case.searches[0].evidence, 2), "E1, E2 … (+1)");
        assert_eq!(index.number(&e("c.log", 0)), None);
    }
}
