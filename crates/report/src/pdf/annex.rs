//! Annexes: the most serious items of the ledger, and the evidence lines that were cited.

use std::collections::BTreeSet;

use vauban_case::contract::{EvidenceRef, Exfiltrated, Level};

use super::page::{GREY, Pages};
use super::{CELL, CITED, cap};
use crate::escape::shown;
use crate::facts::Facts;
use crate::lang::{Key as K, Lang};
use crate::{fmt, labels};

/// Ledger rows on paper; all of them are in `ledger.csv`.
const LEDGER_ROWS: usize = 36;
/// Evidence lines on paper; all of them are in `report.html`.
const EVIDENCE_ROWS: usize = 48;

/// Numbers of the evidence lines that the report cites.
#[derive(Default)]
pub struct Cited(BTreeSet<usize>);

impl Cited {
    /// `E3, E4`: remembered for the annex.
    pub fn cite(&mut self, facts: &Facts, evidence: &[EvidenceRef]) -> String {
        let numbers: BTreeSet<usize> = evidence
            .iter()
            .filter_map(|e| facts.evidence.number(e))
            .collect();
        self.0.extend(numbers.iter().take(CITED));
        facts.evidence.list(evidence, CITED)
    }
}

/// What was read or taken, most serious first.
pub fn ledger(p: &mut Pages, facts: &Facts, lang: Lang, cited: &mut Cited) {
    let all = facts.ledger_by_weight();
    let serious: Vec<_> = all
        .iter()
        .filter(|e| e.level >= Level::Read || e.exfiltrated == Exfiltrated::Confirmed)
        .collect();
    if serious.is_empty() {
        return;
    }
    let rows: Vec<Vec<String>> = serious
        .iter()
        .take(LEDGER_ROWS)
        .map(|e| {
            let mut name = shown(&e.filename, 90);
            if !e.classification.is_empty() {
                name.push_str(&format!(
                    " [{}]",
                    e.classification
                        .iter()
                        .take(4)
                        .map(|c| labels::marking(c))
                        .collect::<Vec<_>>()
                        .join(", ")
                ));
            }
            vec![
                shown(e.account.split('@').next().unwrap_or(&e.account), 40),
                name,
                format!(
                    "{}, {}",
                    labels::level(e.level, lang),
                    labels::exfiltrated(e.exfiltrated, lang)
                ),
                format!(
                    "{} – {}",
                    fmt::at_least(e.bytes_min, lang),
                    fmt::at_most(e.bytes_max, lang)
                ),
                e.first.as_deref().map(fmt::stamp).unwrap_or_default(),
                cited.cite(facts, e.evidence.get(..1).unwrap_or(&e.evidence)),
            ]
        })
        .collect();
    p.heading(lang.t(K::AnnexLedger));
    let counts = [rows.len(), facts.case.ledger.len()].map(|n| fmt::count(n as u64, lang));
    p.paragraph(
        &lang.f(K::AnnexLedgerMore, &[&counts[0], &counts[1]]),
        8.5,
        false,
        GREY,
    );
    p.skip(4.0);
    let head = [
        K::Account,
        K::Item,
        K::LevelColumn,
        K::BytesLeft,
        K::When,
        K::Evidence,
    ];
    p.table(
        &[2.3, 5.0, 2.3, 2.4, 2.0, 1.4],
        &head.map(|k| lang.t(k)),
        &rows,
    );
}

/// The lines that the report cites, with the numbers they have in `report.html`.
pub fn lines(p: &mut Pages, facts: &Facts, lang: Lang, cited: &Cited) {
    let mut rows: Vec<Vec<String>> = cited
        .0
        .iter()
        .filter_map(|n| {
            let e = facts.evidence.lines().get(n.checked_sub(1)?)?;
            let place = match e.line {
                Some(l) => format!("{} {l}", lang.t(K::Line)),
                None => format!("{} {}", lang.t(K::BytesFrom), e.offset),
            };
            Some(vec![
                format!("E{n}"),
                format!("{}, {place}", shown(&e.artefact, CELL)),
                shown(&e.excerpt, 240),
            ])
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    p.heading(lang.t(K::AnnexEvidence));
    p.paragraph(lang.t(K::AnnexEvidenceMore), 8.5, false, GREY);
    p.skip(4.0);
    cap(&mut rows, EVIDENCE_ROWS);
    let head = [K::Number, K::Artefact, K::Excerpt];
    p.table(&[0.9, 3.2, 8.4], &head.map(|k| lang.t(k)), &rows);
}
