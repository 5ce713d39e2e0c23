//! The fields that several notifications share.

use std::collections::{BTreeMap, BTreeSet};

use vauban_case::contract::{EvidenceRef, Exfiltrated, Label, Level, Verdict};

use super::draft::{Block, Draft, Piece};
use crate::{
    Lang,
    facts::{Facts, headline},
    fmt, labels,
    lang::Key as K,
};

/// Lines of one field before the rest is only counted.
const MAX_LINES: usize = 20;
/// Numbers cited behind one statement.
const MAX_CITED: usize = 6;

pub(super) struct Form<'f, 'a> {
    facts: &'f Facts<'a>,
    lang: Lang,
    draft: Draft,
    cited: BTreeSet<usize>,
}

impl<'f, 'a> Form<'f, 'a> {
    pub fn new(facts: &'f Facts<'a>, lang: Lang, title: K, due: K) -> Self {
        let mut blocks = vec![Block::Note(lang.t(due).to_owned())];
        blocks.push(Block::Note(lang.t(K::DraftWarning).to_owned()));
        if facts.case.verdict != Verdict::Breached {
            blocks.push(Block::Note(lang.t(K::DraftNoBreach).to_owned()));
        }
        let draft = Draft {
            lang,
            title: lang.t(title),
            blocks,
            cited: Vec::new(),
        };
        Self {
            facts,
            lang,
            draft,
            cited: BTreeSet::new(),
        }
    }

    pub fn finish(mut self) -> Draft {
        let lines = self.facts.evidence.lines();
        self.draft.cited = self
            .cited
            .iter()
            .filter_map(|n| Some((n, lines.get(n.checked_sub(1)?)?)))
            .map(|(n, e)| {
                let line = e
                    .line
                    .map_or(String::new(), |l| format!(", {} {l}", self.lang.t(K::Line)));
                format!(
                    "E{n} = {}{line}, {} {} + {}",
                    e.artefact,
                    self.lang.t(K::BytesFrom),
                    e.offset,
                    e.length
                )
            })
            .collect();
        self.draft
    }

    pub fn section(&mut self, name: K) {
        self.draft.blocks.push(Block::Section(self.lang.t(name)));
    }

    fn field(&mut self, name: K, lines: Vec<Vec<Piece>>) {
        self.draft.blocks.push(Block::Field {
            name: self.lang.t(name),
            lines,
        });
    }

    /// A field that only a person can fill in.
    pub fn ask(&mut self, name: K, what: K) {
        let open = self.open(what);
        self.field(name, vec![vec![open]]);
    }

    fn open(&self, what: K) -> Piece {
        Piece::Open(self.lang.t(what).to_owned())
    }

    /// Evidence numbers, or nothing.
    fn cite(&mut self, evidence: &[EvidenceRef]) -> Option<Piece> {
        let numbers: BTreeSet<usize> = evidence
            .iter()
            .filter_map(|e| self.facts.evidence.number(e))
            .collect();
        let numbers: Vec<usize> = numbers.into_iter().take(MAX_CITED).collect();
        self.cited.extend(&numbers);
        (!numbers.is_empty()).then(|| {
            Piece::Cited(
                numbers
                    .iter()
                    .map(|n| format!("E{n}"))
                    .collect::<Vec<_>>()
                    .join(", "),
            )
        })
    }

    fn known(&mut self, text: String, evidence: &[EvidenceRef]) -> Vec<Piece> {
        let mut out = vec![Piece::Known(text)];
        out.extend(self.cite(evidence));
        out
    }

    /// The first lines of a list, and how many more there are.
    fn capped(&self, mut lines: Vec<Vec<Piece>>) -> Vec<Vec<Piece>> {
        if lines.len() > MAX_LINES {
            let more = lines.len() - MAX_LINES;
            lines.truncate(MAX_LINES);
            let text = self
                .lang
                .f(K::MoreInCase, &[&fmt::count(more as u64, self.lang)]);
            lines.push(vec![Piece::Known(text)]);
        }
        lines
    }

    pub fn organisation(&mut self, officer: bool) {
        self.section(K::FOrganisation);
        self.ask(K::FName, K::AskName);
        self.ask(K::FContact, K::AskContact);
        if officer {
            self.ask(K::FOfficer, K::AskOfficer);
        }
    }

    pub fn verdict(&mut self) {
        let (case, lang) = (self.facts.case, self.lang);
        let text = format!(
            "{} ({}, {}). {}",
            labels::verdict(case.verdict, lang),
            labels::confidence(&case.confidence.word, lang),
            fmt::percent_range(case.confidence.low, case.confidence.high, lang),
            headline(self.facts, lang)
        );
        self.field(K::FVerdict, vec![vec![Piece::Known(text)]]);
    }

    pub fn summary(&mut self) {
        let text = self
            .lang
            .pick(&self.facts.case.summary, &self.facts.case.summary_fr)
            .to_owned();
        let line = if text.is_empty() {
            vec![self.open(K::AskDescription)]
        } else {
            vec![Piece::Known(text)]
        };
        self.field(K::FSummary, vec![line]);
    }

    pub fn period(&mut self) {
        let lang = self.lang;
        let mut line = Vec::new();
        match (self.facts.since(), self.facts.until()) {
            (Some(since), Some(until)) => line.push(Piece::Known(lang.f(
                K::FPeriodKnown,
                &[&fmt::instant(since, lang), &fmt::instant(until, lang)],
            ))),
            _ => line.push(self.open(K::AskPeriod)),
        }
        let mut lines = vec![line];
        if let Some((from, to)) = self.facts.covered() {
            lines.push(vec![Piece::Known(lang.f(
                K::FPeriodExamined,
                &[&fmt::instant(from, lang), &fmt::instant(to, lang)],
            ))]);
        }
        lines.push(vec![self.open(K::AskOngoing)]);
        self.field(K::FPeriod, lines);
    }

    pub fn entry(&mut self) {
        let colon = self.lang.t(K::Colon);
        let (facts, lang) = (self.facts, self.lang);
        let mut lines = Vec::new();
        for x in &facts.case.initial_access {
            let text = format!(
                "{} – {} – {} – {}{colon}{}",
                fmt::stamp(&x.time),
                x.account,
                x.source_ip,
                labels::vector(&x.vector, lang),
                lang.text(&x.text)
            );
            lines.push(self.known(text, &x.evidence));
        }
        if lines.is_empty() {
            lines.push(vec![self.open(K::AskEntry)]);
        }
        let lines = self.capped(lines);
        self.field(K::HowTheyGotIn, lines);
    }

    pub fn malicious(&mut self) {
        let lang = self.lang;
        let hostile = self.facts.case.verdict == Verdict::Breached;
        let line = if hostile {
            vec![Piece::Known(lang.t(K::FMaliciousYes).to_owned())]
        } else {
            vec![self.open(K::AskMalicious)]
        };
        self.field(K::FMalicious, vec![line]);
    }

    /// Confidentiality from the ledger; integrity and availability only where the case has a sign.
    pub fn confidentiality(&mut self) {
        let (facts, lang) = (self.facts, self.lang);
        let t = &facts.case.totals;
        let lost =
            facts.case.verdict == Verdict::Breached && t.messages_listed + t.documents_listed > 0;
        let confidentiality = if lost {
            vec![Piece::Known(lang.t(K::FConfidentialityYes).to_owned())]
        } else {
            vec![self.open(K::AskConfidentiality)]
        };
        let changed: Vec<EvidenceRef> = facts
            .case
            .persistence
            .iter()
            .filter(|p| p.label == Label::Intruder)
            .flat_map(|p| p.evidence.clone())
            .collect();
        let integrity = if changed.is_empty() {
            vec![self.open(K::AskIntegrity)]
        } else {
            let mut line = self.known(lang.t(K::FIntegrityYes).to_owned(), &changed);
            line.push(Piece::Known(" ".to_owned()));
            line.push(self.open(K::AskIntegrityMore));
            line
        };
        let availability = vec![self.open(K::AskAvailability)];
        self.field(
            K::FConfidentiality,
            vec![confidentiality, integrity, availability],
        );
    }

    /// Persons: the case knows whose mailboxes were entered, and no more.
    pub fn persons(&mut self) {
        let lang = self.lang;
        let entered = self.facts.compromised().count() as u64;
        let mut lines = Vec::new();
        if entered > 0 {
            lines.push(vec![Piece::Known(
                lang.f(K::FPersonsKnown, &[&lang.n(entered, K::AccountN)]),
            )]);
        }
        lines.push(vec![self.open(K::AskPersons)]);
        lines.push(vec![self.open(K::AskPersonCategories)]);
        self.field(K::FPersons, lines);
    }

    /// Records: items and octets with their bounds.
    pub fn records(&mut self) {
        let (facts, lang) = (self.facts, self.lang);
        let t = &facts.case.totals;
        let mut lines = Vec::new();
        if t.messages_listed + t.documents_listed > 0 {
            for (key, messages, documents) in [
                (K::FRecordsListed, t.messages_listed, t.documents_listed),
                (K::FRecordsRead, t.messages_read, t.documents_read),
                (
                    K::FRecordsDownloaded,
                    t.messages_downloaded,
                    t.documents_downloaded,
                ),
                (
                    K::FRecordsForwarded,
                    t.messages_forwarded,
                    t.documents_forwarded,
                ),
            ] {
                lines.push(vec![Piece::Known(lang.f(
                    key,
                    &[
                        &lang.n(messages, K::MessageN),
                        &lang.n(documents, K::DocumentN),
                    ],
                ))]);
            }
            lines.push(vec![Piece::Known(lang.f(
                K::LeftBounds,
                &[
                    &fmt::bytes_exact(t.bytes_min, lang),
                    &fmt::bytes_exact(t.bytes_max, lang),
                ],
            ))]);
            if let Some(e) = strongest(facts) {
                let line = self.known(lang.t(K::FStrongest).to_owned(), e);
                lines.push(line);
            }
        }
        let markings: BTreeMap<&str, u64> = facts.markings();
        if !markings.is_empty() {
            let list: Vec<String> = markings
                .iter()
                .take(MAX_LINES)
                .map(|(m, n)| format!("{} × {}", labels::marking(m), fmt::count(*n, lang)))
                .collect();
            lines.push(vec![Piece::Known(format!(
                "{} {}",
                lang.t(K::MarkingsMet),
                list.join(", ")
            ))]);
        }
        lines.push(vec![self.open(K::AskRecords)]);
        self.field(K::FRecords, lines);
    }

    pub fn consequences(&mut self) {
        let (facts, lang) = (self.facts, self.lang);
        let mut lines = Vec::new();
        let secrets = facts.case.secrets.len() as u64;
        if secrets > 0 {
            let evidence: Vec<EvidenceRef> = facts
                .case
                .secrets
                .iter()
                .flat_map(|s| s.evidence.clone())
                .collect();
            let used = facts.case.secrets.iter().filter(|s| s.used).count() as u64;
            let text = lang.f(
                K::TermSecrets,
                &[&fmt::count(secrets, lang), &fmt::count(used, lang)],
            );
            lines.push(self.known(text, &evidence));
        }
        lines.push(vec![self.open(K::AskConsequences)]);
        self.field(K::FConsequences, lines);
    }

    pub fn measures(&mut self) {
        let colon = self.lang.t(K::Colon);
        let lang = self.lang;
        let mut lines: Vec<Vec<Piece>> = self
            .facts
            .case
            .next_steps
            .iter()
            .map(|s| {
                let text = format!(
                    "{}{colon}{}",
                    labels::deadline(&s.deadline, lang),
                    lang.pick(&s.what, &s.what_fr)
                );
                vec![Piece::Known(text + " "), self.open(K::AskDone)]
            })
            .collect();
        if lines.is_empty() {
            lines.push(vec![self.open(K::AskMeasuresTaken)]);
        }
        let lines = self.capped(lines);
        self.field(K::FMeasuresProposed, lines);
    }

    pub fn unknown(&mut self) {
        let colon = self.lang.t(K::Colon);
        let (facts, lang) = (self.facts, self.lang);
        let mut lines: Vec<Vec<Piece>> = facts
            .case
            .unknowable
            .iter()
            .map(|t| vec![Piece::Known(lang.text(t).to_owned())])
            .collect();
        for c in &facts.case.coverage {
            for g in &c.gaps {
                let text = format!(
                    "{}{colon}{} – {}{colon}{}",
                    c.source,
                    fmt::stamp(&g.from),
                    fmt::stamp(&g.to),
                    lang.pick(&g.why, &g.why_fr)
                );
                lines.push(self.known(text, &g.evidence));
            }
        }
        if lines.is_empty() {
            lines.push(vec![self.open(K::AskUnknown)]);
        }
        let lines = self.capped(lines);
        self.field(K::NotKnown, lines);
    }

    pub fn indicators(&mut self) {
        let colon = self.lang.t(K::Colon);
        let facts = self.facts;
        let mut lines = Vec::new();
        for x in &facts.case.indicators {
            let text = format!(
                "{}{colon}{} ({} – {}, {})",
                x.kind,
                x.value,
                fmt::stamp(&x.first),
                fmt::stamp(&x.last),
                if x.source == "case" {
                    self.lang.t(K::FromCase)
                } else {
                    &x.source
                }
            );
            lines.push(self.known(text, &x.evidence));
        }
        if lines.is_empty() {
            lines.push(vec![Piece::Known(self.lang.t(K::FNoIndicators).to_owned())]);
        }
        let lines = self.capped(lines);
        self.field(K::FIndicators, lines);
    }

    pub fn left_behind(&mut self) {
        let colon = self.lang.t(K::Colon);
        let (facts, lang) = (self.facts, self.lang);
        let mut lines = Vec::new();
        for p in facts
            .case
            .persistence
            .iter()
            .filter(|p| p.label != Label::Legitimate)
        {
            let text = format!(
                "{} ({}){colon}{}",
                labels::persistence(&p.kind, lang),
                labels::label(p.label, lang),
                lang.text(&p.detail)
            );
            lines.push(self.known(text, &p.evidence));
        }
        if lines.is_empty() {
            lines.push(vec![Piece::Known(lang.t(K::NothingLeftBehind).to_owned())]);
        }
        let lines = self.capped(lines);
        self.field(K::LeftBehind, lines);
    }

    pub fn lateral(&mut self) {
        let colon = self.lang.t(K::Colon);
        let (facts, lang) = (self.facts, self.lang);
        let mut lines = Vec::new();
        for x in &facts.case.lateral {
            let text = format!(
                "{}{colon}{} → {}:{} ({})",
                fmt::stamp(&x.time),
                x.from,
                x.to,
                x.port,
                labels::outcome(&x.outcome, lang)
            );
            lines.push(self.known(text, &x.evidence));
        }
        if !lines.is_empty() {
            let lines = self.capped(lines);
            self.field(K::LateralMoves, lines);
        }
    }

    /// What made it possible; the type of threat stays open, because nothing here attributes.
    pub fn cause(&mut self) {
        let (facts, lang) = (self.facts, self.lang);
        let mut lines = Vec::new();
        if !facts.case.exposure.is_empty() {
            lines.push(vec![Piece::Known(lang.t(K::FConditions).to_owned())]);
        }
        for x in &facts.case.exposure {
            lines.push(self.known(lang.text(&x.text).to_owned(), &x.evidence));
        }
        let mut lines = self.capped(lines);
        lines.push(vec![self.open(K::AskCause)]);
        self.field(K::FCause, lines);
    }
}

/// Evidence of the strongest thing that happened to any item.
fn strongest<'a>(facts: &Facts<'a>) -> Option<&'a [EvidenceRef]> {
    facts
        .ledger_by_weight()
        .into_iter()
        .find(|e| {
            e.level >= Level::Read
                && e.exfiltrated != Exfiltrated::NoEvidence
                && !e.evidence.is_empty()
        })
        .map(|e| e.evidence.as_slice())
}
