//! The report on paper: what a minister reads first, then what a responder needs.
//!
//! Deterministic: the same case gives the same bytes. Text is set in Liberation Sans, embedded as a
//! subset; what the font lacks shows as its empty glyph, while the case itself keeps the text.

mod page;

use crate::escape::shown;
use crate::facts::{Facts, headline};
use crate::lang::{Key as K, Lang};
use crate::{fmt, labels};
use page::{BLACK, BLUE, COLUMN, GREY, MARGIN, PALE, Pages, RED};
use vauban_case::contract::{AccountStatus, Case, Exfiltrated, Label, Level, Verdict};

/// Ledger rows on paper; all of them are in `ledger.csv`.
const LEDGER_ROWS: usize = 40;
/// Evidence lines on paper.
const EVIDENCE_ROWS: usize = 40;
/// Characters of a cell.
const CELL: usize = 160;

/// Renders the report.
pub fn render(case: &Case, lang: Lang) -> Vec<u8> {
    let facts = Facts::new(case);
    let Some(mut p) = Pages::new() else {
        return Vec::new();
    };
    let w = |en: &'static str, fr: &'static str| lang.pick(en, fr);
    answer(&mut p, &facts, lang);
    if case.verdict == Verdict::Breached {
        numbers(&mut p, &facts, lang);
        picture(&mut p, &facts, lang);
        entry(&mut p, case, lang);
        accounts(&mut p, case, lang);
    }
    behind(&mut p, case, lang);
    unknown(&mut p, case, lang);
    measures(&mut p, case, lang);
    coverage(&mut p, case, lang);
    if case.verdict == Verdict::Breached {
        ledger(&mut p, &facts, lang);
        lines(&mut p, &facts, lang);
    }
    p.finish(
        lang.t(K::Title),
        lang.tag(),
        w("Confidential – for the persons in charge of the incident", "Confidentiel – destiné aux personnes en charge de l’incident"),
        w("Times are UTC. Every statement rests on evidence lines named in report.html and case.json.", "Heures en UTC. Chaque affirmation repose sur des lignes de preuve citées dans report.html et case.json."),
    )
}

fn answer(p: &mut Pages, facts: &Facts, lang: Lang) {
    let case = facts.case;
    p.paragraph(lang.t(K::Kicker), 8.5, false, GREY);
    p.paragraph(lang.t(K::Title), 20.0, true, BLACK);
    p.skip(14.0);
    let word = labels::verdict(case.verdict, lang);
    let ink = if case.verdict == Verdict::Breached {
        RED
    } else {
        BLUE
    };
    let sentence = headline(facts, lang);
    let sure = format!(
        "{}: {} ({})",
        lang.t(K::Confidence),
        labels::confidence(&case.confidence.word, lang),
        fmt::percent_range(case.confidence.low, case.confidence.high, lang)
    );
    let period = match facts.covered() {
        Some((from, to)) => {
            format!(
                "{}: {} – {}",
                lang.t(K::PeriodExamined),
                fmt::instant(from, lang),
                fmt::instant(to, lang)
            )
        }
        None => format!("{}: {}", lang.t(K::PeriodExamined), lang.t(K::NothingDated)),
    };
    let body = p.lines(&sentence, 11.0, false, COLUMN - 32.0);
    let height = 40.0 + body.len() as f32 * 15.0 + 34.0;
    let top = p.y;
    p.box_at(MARGIN, top, COLUMN, height, PALE);
    p.box_at(MARGIN, top, 5.0, height, ink);
    p.text_at(MARGIN + 18.0, top + 28.0, word, 19.0, true, ink);
    let mut y = top + 34.0;
    for line in &body {
        y += 15.0;
        p.text_at(MARGIN + 18.0, y, line, 11.0, false, BLACK);
    }
    p.text_at(MARGIN + 18.0, y + 16.0, &sure, 8.8, false, GREY);
    p.text_at(MARGIN + 18.0, y + 28.0, &period, 8.8, false, GREY);
    p.y = top + height + 8.0;
    p.paragraph(
        &shown(lang.pick(&case.summary, &case.summary_fr), 1200),
        10.0,
        false,
        BLACK,
    );
}

fn numbers(p: &mut Pages, facts: &Facts, lang: Lang) {
    let t = &facts.case.totals;
    p.heading(lang.t(K::WhatWasTaken));
    let cells = [
        (
            t.documents_read,
            lang.pick("documents read", "documents lus"),
        ),
        (
            t.documents_downloaded,
            lang.pick("documents downloaded", "documents téléchargés"),
        ),
        (t.messages_read, lang.pick("messages read", "messages lus")),
        (
            t.messages_downloaded,
            lang.pick("messages downloaded", "messages téléchargés"),
        ),
        (
            t.messages_forwarded,
            lang.pick("messages forwarded", "messages réexpédiés"),
        ),
    ];
    p.need(60.0);
    let top = p.y;
    let width = COLUMN / cells.len() as f32;
    for (i, (n, what)) in cells.iter().enumerate() {
        let x = MARGIN + width * i as f32;
        p.box_at(x, top, width - 6.0, 46.0, PALE);
        p.text_at(
            x + 8.0,
            top + 22.0,
            &fmt::count(*n, lang),
            16.0,
            true,
            BLACK,
        );
        p.text_at(x + 8.0, top + 37.0, what, 7.4, false, GREY);
    }
    p.y = top + 52.0;
    let left = lang.f(
        K::LeftBounds,
        &[
            &fmt::at_least(t.bytes_min, lang),
            &fmt::at_most(t.bytes_max, lang),
        ],
    );
    p.paragraph(&left, 10.5, true, BLACK);
    let marked: Vec<String> = facts
        .markings()
        .iter()
        .map(|(m, n)| format!("{} × {n}", shown(m, 60)))
        .collect();
    if !marked.is_empty() {
        p.paragraph(
            &format!("{} {}", lang.t(K::MarkingsMet), marked.join(", ")),
            9.0,
            false,
            BLACK,
        );
    }
    p.skip(6.0);
    let rows: Vec<Vec<String>> = facts
        .destinations
        .iter()
        .take(12)
        .map(|d| {
            vec![
                shown(d.address, CELL),
                fmt::count(d.messages, lang),
                fmt::count(d.documents, lang),
                fmt::bounds(d.bytes_min, d.bytes_max, lang),
            ]
        })
        .collect();
    if !rows.is_empty() {
        p.table(
            &[5.0, 1.5, 1.5, 4.0],
            &[
                lang.t(K::WhereTo),
                lang.pick("Messages", "Messages"),
                lang.pick("Documents", "Documents"),
                lang.pick("Octets, least – most", "Octets, au moins – au plus"),
            ],
            &rows,
        );
    }
}

/// Sessions of intruders as bars, one row for each account.
fn picture(p: &mut Pages, facts: &Facts, lang: Lang) {
    let hostile: Vec<_> = facts
        .case
        .sessions
        .iter()
        .filter(|s| s.label == Label::Intruder)
        .filter_map(|s| Some((s, fmt::seconds(&s.start)?, fmt::seconds(&s.end)?)))
        .collect();
    let (Some(first), Some(last)) = (
        hostile.iter().map(|s| s.1).min(),
        hostile.iter().map(|s| s.2).max(),
    ) else {
        return;
    };
    let mut names: Vec<&str> = hostile.iter().map(|s| s.0.account.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(14);
    p.heading(lang.t(K::Timeline));
    const LABEL: f32 = 150.0;
    const ROW: f32 = 15.0;
    p.need(names.len() as f32 * ROW + 34.0);
    let top = p.y + 4.0;
    let room = COLUMN - LABEL;
    let span = (last - first).max(1) as f32;
    let x = |t: i64| MARGIN + LABEL + (t - first) as f32 / span * (room - 6.0);
    for (i, name) in names.iter().enumerate() {
        let y = top + i as f32 * ROW;
        if i % 2 == 0 {
            p.box_at(MARGIN, y, COLUMN, ROW, PALE);
        }
        let label = shown(name.split('@').next().unwrap_or(name), 34);
        p.text_at(MARGIN + 4.0, y + 10.5, &label, 8.2, false, BLACK);
        for (_, start, end) in hostile.iter().filter(|s| s.0.account == *name) {
            let from = x(*start);
            p.box_at(from, y + 3.0, (x(*end) - from).max(2.4), ROW - 6.0, RED);
        }
    }
    let y = top + names.len() as f32 * ROW + 12.0;
    p.text_at(
        MARGIN + LABEL,
        y,
        &fmt::day(&hostile[0].0.start, lang),
        8.0,
        false,
        GREY,
    );
    let end = hostile
        .iter()
        .max_by_key(|s| s.2)
        .map_or("", |s| s.0.end.as_str());
    let end = fmt::day(end, lang);
    let width = p.width(&end, 8.0, false);
    p.text_at(MARGIN + COLUMN - width, y, &end, 8.0, false, GREY);
    p.y = y + 6.0;
}

fn entry(p: &mut Pages, case: &Case, lang: Lang) {
    p.heading(lang.t(K::HowTheyGotIn));
    let rows: Vec<Vec<String>> = case
        .initial_access
        .iter()
        .take(20)
        .map(|a| {
            vec![
                fmt::stamp(&a.time),
                shown(&a.account, CELL),
                shown(&a.source_ip, CELL),
                format!(
                    "{}. {}",
                    labels::vector(&a.vector, lang),
                    shown(lang.text(&a.text), 300)
                ),
            ]
        })
        .collect();
    p.table(
        &[2.2, 3.2, 2.2, 5.5],
        &[
            lang.pick("When", "Quand"),
            lang.pick("Account", "Compte"),
            lang.pick("From", "Depuis"),
            lang.pick("How", "Comment"),
        ],
        &rows,
    );
}

fn accounts(p: &mut Pages, case: &Case, lang: Lang) {
    let targeted = case
        .accounts
        .iter()
        .filter(|a| a.status == AccountStatus::Targeted)
        .count() as u64;
    if targeted > 0 {
        let n = fmt::count(targeted, lang);
        p.skip(4.0);
        p.paragraph(
            &match lang {
                Lang::En => format!("{n} more account(s) were tried without success or were sent lures."),
                Lang::Fr => format!("{n} autre(s) compte(s) ont été essayés sans succès ou ont reçu des messages piégés."),
            },
            9.0,
            false,
            BLACK,
        );
    }
    let secrets = case.secrets.len() as u64;
    if secrets > 0 {
        let n = fmt::count(secrets, lang);
        let used = fmt::count(case.secrets.iter().filter(|s| s.used).count() as u64, lang);
        p.paragraph(
            &match lang {
                Lang::En => format!("{n} secret(s) stood in messages within the intruder's reach; {used} were used afterwards. The list is in report.html."),
                Lang::Fr => format!("{n} secret(s) figuraient dans des messages à portée de l’intrus ; {used} ont été utilisés ensuite. La liste est dans report.html."),
            },
            9.0,
            false,
            BLACK,
        );
    }
    if !case.searches.is_empty() {
        let mut words: Vec<String> = Vec::new();
        for s in &case.searches {
            let word = format!("“{}”", shown(&s.query, 40));
            if !words.contains(&word) {
                words.push(word);
            }
        }
        let more = words.len().saturating_sub(30);
        words.truncate(30);
        let tail = if more > 0 {
            format!(" (+{more})")
        } else {
            String::new()
        };
        p.paragraph(
            &format!(
                "{}: {}{tail}",
                lang.pick("Searched for", "Recherché"),
                words.join(", ")
            ),
            9.0,
            false,
            BLACK,
        );
    }
}

fn behind(p: &mut Pages, case: &Case, lang: Lang) {
    p.heading(lang.t(K::LeftBehind));
    let rows: Vec<Vec<String>> = case
        .persistence
        .iter()
        .filter(|x| x.label != Label::Legitimate)
        .map(|x| {
            vec![
                x.time
                    .as_deref()
                    .map(fmt::stamp)
                    .unwrap_or_else(|| "–".into()),
                labels::persistence(&x.kind, lang),
                shown(&x.account, CELL),
                shown(lang.text(&x.detail), 300),
            ]
        })
        .chain(case.lateral.iter().map(|l| {
            vec![
                fmt::stamp(&l.time),
                lang.pick("attempt at another host", "tentative vers un autre hôte")
                    .into(),
                shown(&l.from, CELL),
                format!(
                    "{}:{} – {}",
                    shown(&l.to, CELL),
                    l.port,
                    labels::outcome(&l.outcome, lang)
                ),
            ]
        }))
        .take(30)
        .collect();
    if rows.is_empty() {
        p.paragraph(lang.t(K::NothingLeftBehind), 10.0, false, BLACK);
        return;
    }
    p.table(
        &[2.2, 2.6, 3.0, 5.5],
        &[
            lang.pick("When", "Quand"),
            lang.pick("Kind", "Nature"),
            lang.pick("Account or host", "Compte ou hôte"),
            lang.pick("What", "Quoi"),
        ],
        &rows,
    );
}

fn unknown(p: &mut Pages, case: &Case, lang: Lang) {
    if case.unknowable.is_empty() && case.would_settle.is_empty() {
        return;
    }
    p.heading(lang.t(K::NotKnown));
    for text in &case.unknowable {
        p.paragraph(
            &format!("– {}", shown(lang.text(text), 400)),
            9.5,
            false,
            BLACK,
        );
        p.skip(2.0);
    }
    if !case.would_settle.is_empty() {
        p.skip(4.0);
        p.paragraph(lang.t(K::WouldSettle), 10.0, true, BLACK);
        for text in &case.would_settle {
            p.paragraph(
                &format!("– {}", shown(lang.text(text), 400)),
                9.5,
                false,
                BLACK,
            );
            p.skip(2.0);
        }
    }
}

fn measures(p: &mut Pages, case: &Case, lang: Lang) {
    p.heading(lang.t(K::Measures));
    let rows: Vec<Vec<String>> = case
        .next_steps
        .iter()
        .map(|s| {
            vec![
                labels::deadline(&s.deadline, lang),
                shown(lang.pick(&s.what, &s.what_fr), 400),
                shown(lang.pick(&s.why, &s.why_fr), 300),
            ]
        })
        .collect();
    p.table(
        &[1.8, 6.0, 4.5],
        &[
            lang.pick("By when", "Pour quand"),
            lang.pick("What", "Quoi"),
            lang.pick("Why", "Pourquoi"),
        ],
        &rows,
    );
    if case.verdict == Verdict::Breached {
        p.skip(4.0);
        p.paragraph(lang.t(K::ClocksExplained), 9.0, false, GREY);
    }
}

fn coverage(p: &mut Pages, case: &Case, lang: Lang) {
    p.heading(lang.t(K::Coverage));
    let rows: Vec<Vec<String>> = case
        .coverage
        .iter()
        .filter(|c| c.events > 0)
        .map(|c| {
            let gaps: Vec<String> = c
                .gaps
                .iter()
                .take(4)
                .map(|g| {
                    let why = lang.pick(&g.why, &g.why_fr);
                    format!(
                        "{} – {}: {}",
                        fmt::stamp(&g.from),
                        fmt::stamp(&g.to),
                        shown(why, 160)
                    )
                })
                .collect();
            vec![
                shown(&c.source, 40),
                format!(
                    "{} – {}",
                    c.from
                        .as_deref()
                        .map(|t| fmt::day(t, lang))
                        .unwrap_or_default(),
                    c.to.as_deref()
                        .map(|t| fmt::day(t, lang))
                        .unwrap_or_default()
                ),
                fmt::count(c.events, lang),
                fmt::count(c.unparsed, lang),
                if gaps.is_empty() {
                    lang.pick("none", "aucun").into()
                } else {
                    gaps.join("; ")
                },
            ]
        })
        .collect();
    p.table(
        &[2.0, 3.4, 1.4, 1.6, 5.0],
        &[
            "Source",
            lang.pick("Period", "Période"),
            lang.pick("Events", "Événements"),
            lang.pick("Not understood", "Non comprises"),
            lang.pick("Holes", "Trous"),
        ],
        &rows,
    );
}

fn ledger(p: &mut Pages, facts: &Facts, lang: Lang) {
    let rows: Vec<Vec<String>> = facts
        .ledger_by_weight()
        .into_iter()
        .filter(|e| e.level >= Level::Read || e.exfiltrated == Exfiltrated::Confirmed)
        .take(LEDGER_ROWS)
        .map(|e| {
            let name = match &e.part {
                Some(part) => format!("[{part}] {}", shown(&e.filename, 90)),
                None => shown(&e.filename, 90),
            };
            vec![
                shown(e.account.split('@').next().unwrap_or(&e.account), 40),
                name,
                labels::level(e.level, lang).to_string(),
                fmt::bounds(e.bytes_min, e.bytes_max, lang),
                e.first.as_deref().map(fmt::stamp).unwrap_or_default(),
            ]
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    p.heading(lang.pick(
        "Annex: what was read or taken, most important first",
        "Annexe : ce qui a été lu ou pris, le plus important d’abord",
    ));
    p.table(
        &[2.4, 5.2, 1.8, 2.6, 2.3],
        &[
            lang.pick("Account", "Compte"),
            lang.pick("Message or [part] file", "Message ou [pièce] fichier"),
            lang.pick("Level", "Niveau"),
            lang.pick("Octets", "Octets"),
            lang.pick("First", "Première fois"),
        ],
        &rows,
    );
    p.skip(4.0);
    p.paragraph(
        lang.pick(
            "The whole ledger is in report.html and ledger.csv.",
            "Le registre complet est dans report.html et ledger.csv.",
        ),
        8.5,
        false,
        GREY,
    );
}

fn lines(p: &mut Pages, facts: &Facts, lang: Lang) {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut put = |what: String, evidence: &[vauban_case::contract::EvidenceRef]| {
        for e in evidence.iter().take(2) {
            if rows.len() < EVIDENCE_ROWS {
                let line = e.line.map(|l| format!(":{l}")).unwrap_or_default();
                rows.push(vec![
                    what.clone(),
                    format!("{}{line}", shown(&e.artefact, 120)),
                    shown(&e.excerpt, 240),
                ]);
            }
        }
    };
    for a in &facts.case.initial_access {
        put(shown(&a.account, 60), &a.evidence);
    }
    for x in facts
        .case
        .persistence
        .iter()
        .filter(|x| x.label != Label::Legitimate)
    {
        put(labels::persistence(&x.kind, lang), &x.evidence);
    }
    for l in &facts.case.lateral {
        put(format!("{}:{}", shown(&l.to, 60), l.port), &l.evidence);
    }
    if rows.is_empty() {
        return;
    }
    p.heading(lang.pick(
        "Annex: evidence lines of the main statements",
        "Annexe : lignes de preuve des affirmations principales",
    ));
    p.table(
        &[2.4, 3.0, 7.5],
        &[
            lang.pick("For", "Pour"),
            lang.pick("Artefact", "Pièce"),
            lang.pick("Line", "Ligne"),
        ],
        &rows,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_renders_the_same_bytes_twice() {
        for verdict in [
            Verdict::Breached,
            Verdict::Inconclusive,
            Verdict::NoEvidenceOfBreach,
        ] {
            let case = Case {
                verdict,
                summary: "x\u{1b}[31m<script>".into(),
                ..Case::default()
            };
            for lang in [Lang::En, Lang::Fr] {
                let bytes = render(&case, lang);
                assert!(bytes.starts_with(b"%PDF-"), "{verdict:?}");
                assert_eq!(bytes, render(&case, lang));
            }
        }
    }

    #[test]
    fn long_words_are_broken_and_rows_go_to_the_next_page() {
        let mut p = Pages::new().unwrap();
        let lines = p.lines(&"x".repeat(500), 10.0, false, 100.0);
        assert!(lines.len() > 10);
        assert!(lines.iter().all(|l| p.width(l, 10.0, false) <= 100.0));
        let rows = vec![vec!["a".to_string(), "b ".repeat(300)]; 30];
        p.table(&[1.0, 3.0], &["A", "B"], &rows);
        let bytes = p.finish("t", "en", "h", "f");
        assert!(bytes.starts_with(b"%PDF-"));
    }
}
