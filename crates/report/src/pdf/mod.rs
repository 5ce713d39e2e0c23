//! The report on paper: what a minister reads first, then what a responder needs.
//!
//! Deterministic: the same case gives the same bytes, and the document's identifier is the hash of
//! the case. Text is set in Liberation Sans, embedded as a subset; what the font lacks, and scripts
//! that are read from right to left, are written as `‹U+0634›`. Evidence numbers are those of
//! `report.html`.
//!
//! [`page`] knows pages, lines and tables; [`annex`] holds the ledger and the evidence lines; this
//! file says what the report tells, in order.

mod annex;
mod page;
mod picture;

use sha2::{Digest as _, Sha256};
use vauban_case::contract::{AccountStatus, Case, Label, Verdict};

use crate::escape::shown;
use crate::facts::{Facts, headline};
use crate::lang::{Key as K, Lang};
use crate::{fmt, labels};
use page::{BLACK, BLUE, COLUMN, Frame, GREY, MARGIN, PALE, Pages, RED};

/// Characters of a cell.
const CELL: usize = 160;
/// Evidence numbers behind one statement.
const CITED: usize = 3;

/// The report, marked at the top of each page for limited distribution.
pub fn render(case: &Case, lang: Lang) -> Vec<u8> {
    render_marked(case, lang, lang.t(K::Marking))
}

/// The report with a marking of the organisation's own. The default claims no protective marking
/// that the law defines: giving one is for the organisation to do.
pub fn render_marked(case: &Case, lang: Lang, marking: &str) -> Vec<u8> {
    let facts = Facts::new(case);
    let Some(mut p) = Pages::new() else {
        return Vec::new();
    };
    let id = case_id(case);
    let mut cited = annex::Cited::default();
    answer(&mut p, &facts, lang, &id);
    if case.verdict == Verdict::Breached {
        numbers(&mut p, &facts, lang);
        entry(&mut p, &facts, lang, &mut cited);
        asides(&mut p, case, lang);
    }
    behind(&mut p, &facts, lang, &mut cited);
    measures(&mut p, case, lang);
    unknown(&mut p, &facts, lang, &mut cited);
    picture::draw(&mut p, &facts, lang, &mut cited);
    coverage(&mut p, case, lang);
    annex::ledger(&mut p, &facts, lang, &mut cited);
    annex::lines(&mut p, &facts, lang, &cited);
    p.finish(&Frame {
        title: lang.t(K::Title),
        language: lang.tag(),
        head: &shown(marking, 100),
        foot: lang.t(K::PdfFoot),
        id: &id,
        number: &|n, total| lang.f(K::PageOf, &[&n.to_string(), &total.to_string()]),
    })
}

/// SHA-256 of the case as JSON, in hexadecimal.
fn case_id(case: &Case) -> String {
    let json = serde_json::to_vec(case).unwrap_or_default();
    Sha256::digest(&json)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// `Label: value`, with the space before the colon that French has.
fn pair(lang: Lang, label: K, value: &str) -> String {
    format!("{}{}{value}", lang.t(label), lang.t(K::Colon))
}

fn answer(p: &mut Pages, facts: &Facts, lang: Lang, id: &str) {
    let case = facts.case;
    let short: String = id.chars().take(12).collect();
    let kicker = format!(
        "{} · {}",
        lang.t(K::Kicker),
        lang.f(K::PdfCaseId, &[&short])
    );
    p.paragraph(&kicker, 8.5, false, GREY);
    p.paragraph(lang.t(K::Title), 20.0, true, BLACK);
    p.skip(12.0);
    let ink = if case.verdict == Verdict::Breached {
        RED
    } else {
        BLUE
    };
    let mut notes = Vec::new();
    if !case.confidence.word.is_empty() {
        let sure = format!(
            "{} ({})",
            labels::confidence(&case.confidence.word, lang),
            fmt::percent_range(case.confidence.low, case.confidence.high, lang)
        );
        notes.push(pair(lang, K::Confidence, &sure));
    }
    let period = match facts.covered() {
        Some((from, to)) => format!("{} – {}", fmt::instant(from, lang), fmt::instant(to, lang)),
        None => lang.t(K::NothingDated).to_owned(),
    };
    notes.push(pair(lang, K::PeriodExamined, &period));
    let sources = format!(
        "{}, {}",
        lang.n(case.coverage.len() as u64, K::SourceN),
        lang.n(facts.gaps() as u64, K::GapN)
    );
    notes.push(pair(lang, K::Coverage, &sources));

    let body = p.lines(&headline(facts, lang), 11.5, false, COLUMN - 36.0);
    let height = 42.0 + body.len() as f32 * 15.5 + notes.len() as f32 * 12.0 + 12.0;
    let top = p.y;
    p.box_at(MARGIN, top, COLUMN, height, PALE);
    p.box_at(MARGIN, top, 6.0, height, ink);
    p.text_at(
        MARGIN + 18.0,
        top + 29.0,
        labels::verdict(case.verdict, lang),
        20.0,
        true,
        ink,
    );
    let mut y = top + 34.0;
    for line in &body {
        y += 15.5;
        p.text_at(MARGIN + 18.0, y, line, 11.5, false, BLACK);
    }
    y += 5.0;
    for note in &notes {
        y += 12.0;
        p.text_at(MARGIN + 18.0, y, note, 8.8, false, GREY);
    }
    p.y = top + height + 6.0;
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
        (t.documents_read, K::DocumentN, K::ReadOrMore),
        (t.documents_downloaded, K::DocumentN, K::DownloadedOrMore),
        (t.documents_forwarded, K::DocumentN, K::ForwardedOnly),
        (t.messages_read, K::MessageN, K::ReadOrMore),
        (t.messages_downloaded, K::MessageN, K::DownloadedOrMore),
        (t.messages_forwarded, K::MessageN, K::ForwardedOnly),
    ];
    p.need(70.0);
    let top = p.y;
    let width = COLUMN / cells.len() as f32;
    for (i, (n, noun, what)) in cells.iter().enumerate() {
        let x = MARGIN + width * i as f32;
        p.box_at(x, top, width - 4.0, 58.0, PALE);
        p.text_at(
            x + 7.0,
            top + 21.0,
            &fmt::count(*n, lang),
            16.0,
            true,
            BLACK,
        );
        p.text_at(x + 7.0, top + 33.0, lang.form(*n, *noun), 8.4, true, BLACK);
        for (k, line) in p
            .lines(lang.form(*n, *what), 7.4, false, width - 14.0)
            .iter()
            .take(2)
            .enumerate()
        {
            p.text_at(x + 7.0, top + 43.0 + k as f32 * 9.0, line, 7.4, false, GREY);
        }
    }
    p.y = top + 62.0;
    let left = lang.f(
        K::LeftBounds,
        &[
            &fmt::at_least(t.bytes_min, lang),
            &fmt::at_most(t.bytes_max, lang),
        ],
    );
    p.paragraph(&upper_first(&left), 10.5, true, BLACK);
    let marked: Vec<String> = facts
        .markings()
        .iter()
        .map(|(m, n)| format!("{} × {n}", labels::marking(m)))
        .collect();
    if !marked.is_empty() {
        p.skip(2.0);
        let text = format!("{} {}", lang.t(K::MarkingsMet), marked.join(", "));
        p.paragraph(&text, 9.0, false, BLACK);
    }
    p.skip(6.0);
    let mut rows: Vec<Vec<String>> = facts
        .destinations
        .iter()
        .take(12)
        .map(|d| {
            vec![
                shown(d.address, CELL),
                fmt::count(d.messages, lang),
                fmt::count(d.documents, lang),
                fmt::bounds(d.bytes_min, d.bytes_max, lang),
                lang.t(if d.confirmed {
                    K::Confirmed
                } else {
                    K::Possible
                })
                .to_owned(),
            ]
        })
        .collect();
    if facts.destinations.len() > 12 {
        rows.push(vec![format!("+{}", facts.destinations.len() - 12)]);
    }
    if !rows.is_empty() {
        let head = [
            K::WhereTo,
            K::Messages,
            K::Documents,
            K::BytesLeft,
            K::LeftColumn,
        ];
        p.table(&[5.0, 1.5, 1.6, 4.2, 1.6], &head.map(|k| lang.t(k)), &rows);
    }
}

fn upper_first(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|c| c.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

fn entry(p: &mut Pages, facts: &Facts, lang: Lang, cited: &mut annex::Cited) {
    let case = facts.case;
    if case.initial_access.is_empty() {
        return;
    }
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
                    upper_first(&labels::vector(&a.vector, lang)),
                    shown(lang.text(&a.text), 300)
                ),
                cited.cite(facts, &a.evidence),
            ]
        })
        .collect();
    let head = [K::When, K::Account, K::From, K::What, K::Evidence];
    p.table(&[2.2, 3.4, 2.4, 5.0, 1.4], &head.map(|k| lang.t(k)), &rows);
}

/// What a reader of the first page asks next, one line each.
fn asides(p: &mut Pages, case: &Case, lang: Lang) {
    p.skip(4.0);
    let targeted = case
        .accounts
        .iter()
        .filter(|a| a.status == AccountStatus::Targeted)
        .count() as u64;
    if targeted > 0 {
        p.paragraph(&lang.n(targeted, K::TargetedN), 9.0, false, BLACK);
    }
    if !case.secrets.is_empty() {
        let used = case.secrets.iter().filter(|s| s.used).count() as u64;
        let all = fmt::count(case.secrets.len() as u64, lang);
        p.paragraph(
            &lang.f(K::Resets, &[&all, &fmt::count(used, lang)]),
            9.0,
            false,
            BLACK,
        );
    }
    let mut words: Vec<String> = Vec::new();
    for s in &case.searches {
        let word = lang.f(K::Quoted, &[&shown(&s.query, 40)]);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if !words.is_empty() {
        let more = words.len().saturating_sub(30);
        words.truncate(30);
        let mut list = words.join(", ");
        if more > 0 {
            list.push_str(&format!(" (+{more})"));
        }
        p.paragraph(&pair(lang, K::Searches, &list), 9.0, false, BLACK);
    }
}

fn behind(p: &mut Pages, facts: &Facts, lang: Lang, cited: &mut annex::Cited) {
    let case = facts.case;
    let hostile = || {
        case.persistence
            .iter()
            .filter(|x| x.label != Label::Legitimate)
    };
    if case.verdict != Verdict::Breached && hostile().count() + case.lateral.len() == 0 {
        return;
    }
    p.heading(lang.t(K::LeftBehind));
    let mut rows: Vec<Vec<String>> = hostile()
        .map(|x| {
            vec![
                x.time
                    .as_deref()
                    .map(fmt::stamp)
                    .unwrap_or_else(|| "–".into()),
                format!(
                    "{} ({})",
                    labels::persistence(&x.kind, lang),
                    labels::label(x.label, lang)
                ),
                shown(&x.account, CELL),
                shown(lang.text(&x.detail), 300),
                cited.cite(facts, &x.evidence),
            ]
        })
        .collect();
    let mut attempts: Vec<Vec<String>> = case
        .lateral
        .iter()
        .map(|l| {
            vec![
                fmt::stamp(&l.time),
                shown(&l.from, CELL),
                format!("{} · {} {}", shown(&l.to, CELL), lang.t(K::Port), l.port),
                labels::outcome(&l.outcome, lang),
                cited.cite(facts, &l.evidence),
            ]
        })
        .collect();
    if rows.is_empty() {
        p.paragraph(lang.t(K::NothingLeftBehind), 10.0, false, BLACK);
    } else {
        cap(&mut rows, 20);
        let head = [K::When, K::Kind, K::Account, K::What, K::Evidence];
        p.table(&[2.2, 2.6, 3.2, 5.2, 1.4], &head.map(|k| lang.t(k)), &rows);
    }
    if !attempts.is_empty() {
        p.subheading(lang.t(K::LateralMoves));
        cap(&mut attempts, 20);
        let head = [K::When, K::From, K::To, K::Outcome, K::Evidence];
        p.table(
            &[2.2, 3.2, 4.6, 2.6, 1.4],
            &head.map(|k| lang.t(k)),
            &attempts,
        );
    }
}

/// The first rows, and how many more there are.
fn cap(rows: &mut Vec<Vec<String>>, most: usize) {
    if rows.len() > most {
        let more = rows.len() - most;
        rows.truncate(most);
        rows.push(vec![format!("+{more}")]);
    }
}

fn measures(p: &mut Pages, case: &Case, lang: Lang) {
    p.heading(lang.t(K::Measures));
    let rows: Vec<Vec<String>> = case
        .next_steps
        .iter()
        .take(30)
        .map(|s| {
            vec![
                labels::deadline(&s.deadline, lang),
                shown(lang.pick(&s.what, &s.what_fr), 400),
                shown(lang.pick(&s.why, &s.why_fr), 300),
            ]
        })
        .collect();
    if rows.is_empty() {
        p.paragraph(lang.t(K::NoSteps), 10.0, false, BLACK);
    } else {
        let head = [K::Deadline, K::What, K::Why];
        p.table(&[2.0, 6.0, 4.5], &head.map(|k| lang.t(k)), &rows);
    }
    if case.verdict == Verdict::Breached {
        p.subheading(lang.t(K::LegalClocks));
        p.paragraph(lang.t(K::ClocksExplained), 9.0, false, GREY);
        p.skip(4.0);
        let rows: Vec<Vec<String>> = crate::notify::CLOCKS
            .iter()
            .map(|(due, duty, to)| {
                vec![
                    lang.t(*due).into(),
                    lang.t(*duty).into(),
                    lang.t(*to).into(),
                ]
            })
            .collect();
        let head = [K::Deadline, K::Duty, K::To];
        p.table(&[2.8, 5.6, 4.0], &head.map(|k| lang.t(k)), &rows);
    }
}

fn unknown(p: &mut Pages, facts: &Facts, lang: Lang, cited: &mut annex::Cited) {
    let case = facts.case;
    if case.unknowable.is_empty() && case.would_settle.is_empty() && facts.gaps() == 0 {
        return;
    }
    p.heading(lang.t(K::NotKnown));
    let item = |p: &mut Pages, text: &str| {
        p.paragraph(&format!("–\u{A0}{text}"), 9.5, false, BLACK);
        p.skip(2.0);
    };
    for text in case.unknowable.iter().take(15) {
        item(p, &shown(lang.text(text), 500));
    }
    if facts.gaps() > 0 {
        p.subheading(lang.t(K::Holes));
        for c in &case.coverage {
            for g in c.gaps.iter().take(5) {
                let text = format!(
                    "{} · {} – {} · {} {}",
                    shown(&c.source, 40),
                    fmt::stamp(&g.from),
                    fmt::stamp(&g.to),
                    shown(lang.pick(&g.why, &g.why_fr), 240),
                    cited.cite(facts, &g.evidence)
                );
                item(p, &text);
            }
        }
    }
    if !case.would_settle.is_empty() {
        p.subheading(lang.t(K::WouldSettle));
        for text in case.would_settle.iter().take(10) {
            item(p, &shown(lang.text(text), 500));
        }
    }
}

fn coverage(p: &mut Pages, case: &Case, lang: Lang) {
    p.heading(lang.t(K::Coverage));
    let mut rows: Vec<Vec<String>> = case
        .coverage
        .iter()
        .map(|c| {
            let day = |t: &Option<String>| {
                t.as_deref().map_or("–".to_owned(), |t| {
                    fmt::stamp(t).chars().take(10).collect()
                })
            };
            vec![
                if c.host.is_empty() {
                    shown(&c.source, 40)
                } else {
                    format!("{} · {}", shown(&c.source, 40), shown(&c.host, 40))
                },
                day(&c.from),
                day(&c.to),
                fmt::count(c.events, lang),
                fmt::count(c.unparsed, lang),
                if c.gaps.is_empty() {
                    lang.t(K::GapNone).to_owned()
                } else {
                    fmt::count(c.gaps.len() as u64, lang)
                },
                shown(lang.text(&c.proves), 200),
            ]
        })
        .collect();
    if rows.is_empty() {
        p.paragraph(lang.t(K::NothingRead), 10.0, false, BLACK);
        return;
    }
    cap(&mut rows, 30);
    let head = [
        K::Source,
        K::First,
        K::Last,
        K::Events,
        K::Unparsed,
        K::Gaps,
        K::Proves,
    ];
    p.table(
        &[2.6, 1.6, 1.6, 1.9, 1.7, 1.3, 4.2],
        &head.map(|k| lang.t(k)),
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
        for word in [
            "x".repeat(500),
            "a.very.long@address.".repeat(40),
            "中文".repeat(99),
        ] {
            let lines = p.lines(&word, 10.0, false, 100.0);
            assert!(lines.len() > 2);
            assert!(
                lines.iter().all(|l| p.width(l, 10.0, false) <= 100.0),
                "{lines:?}"
            );
        }
        let rows = vec![vec!["a".to_string(), "b ".repeat(300)]; 30];
        p.table(&[1.0, 3.0], &["A", "B"], &rows);
        let frame = Frame {
            title: "t",
            language: "en",
            head: "h",
            foot: "f",
            id: "0",
            number: &|n, total| format!("{n}/{total}"),
        };
        assert!(p.finish(&frame).starts_with(b"%PDF-"));
    }

    #[test]
    fn what_cannot_be_set_is_written_out() {
        let p = Pages::new().unwrap();
        let line = |s: &str| p.lines(s, 8.0, false, 1000.0).join("|");
        assert_eq!(line("éœ « ok » – ⟨U+202E⟩"), "éœ « ok » – ‹U+202E›");
        assert_eq!(line("中文.pdf"), "‹U+4E2D U+6587›.pdf");
        assert_eq!(line("שלום"), "‹U+05E9 U+05DC U+05D5 U+05DD›");
        assert_eq!(
            line(&"中".repeat(10)),
            format!("‹{} +2›", ["U+4E2D"; 8].join(" "))
        );
    }
}
