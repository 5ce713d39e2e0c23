//! The answer, in the order a minister reads: breached or not, what was taken, since when and
//! how, what was left behind, what to do by when, what is not known.

use maud::{Markup, html};
use vauban_case::contract::{Label, Verdict};

use super::{Page, parts};
use crate::{fmt, labels, lang::Key as K};

/// Verdict, confidence, coverage, summary.
pub fn verdict(page: &Page) -> Markup {
    let (case, lang) = (page.facts.case, page.lang);
    let class = match case.verdict {
        Verdict::Breached => "verdict v-breached",
        Verdict::NoEvidenceOfBreach => "verdict v-none",
        Verdict::Inconclusive => "verdict v-open",
    };
    html! {
        h2 #h-answer .visually-hidden { (lang.t(K::Answer)) }
        div class=(class) {
            p.word { (labels::verdict(case.verdict, lang)) }
            p.headline { (crate::facts::headline(&page.facts, lang)) }
            dl.facts {
                @if !case.confidence.word.is_empty() {
                    div {
                        dt { (lang.t(K::Confidence)) }
                        dd {
                            (labels::confidence(&case.confidence.word, lang))
                            " (" (fmt::percent_range(case.confidence.low, case.confidence.high, lang)) ")"
                        }
                    }
                }
                div {
                    dt { (lang.t(K::PeriodExamined)) }
                    dd {
                        @match page.facts.covered() {
                            Some((from, to)) => { (fmt::instant(from, lang)) " – " (fmt::instant(to, lang)) }
                            None => (lang.t(K::NothingDated))
                        }
                    }
                }
                div {
                    dt { (lang.t(K::Coverage)) }
                    dd {
                        a href="#coverage" {
                            (lang.n(case.coverage.len() as u64, K::SourceN)) ", "
                            (lang.n(page.facts.gaps() as u64, K::GapN))
                        }
                    }
                }
            }
        }
        @let summary = lang.pick(&case.summary, &case.summary_fr);
        @if !summary.is_empty() { p.summary { (parts::sentence(summary)) } }
    }
}

/// Numbers: documents and messages at each level, bytes, addresses.
pub fn taken(page: &Page) -> Option<Markup> {
    let (case, lang) = (page.facts.case, page.lang);
    let t = &case.totals;
    if case.verdict != Verdict::Breached && case.ledger.is_empty() {
        return None;
    }
    let figure = |n: u64, noun: K, what: K| {
        let text = lang.n(n, noun);
        let (number, word) = text.split_once('\u{A0}').unwrap_or((&text, ""));
        html! {
            div.figure {
                p.number { (number) " " span { (word) } }
                p.what { (lang.form(n, what)) }
            }
        }
    };
    let row = |name: K, cells: [u64; 5]| {
        html! {
            tr {
                th scope="row" { (lang.t(name)) }
                @for c in cells { td.num { (fmt::count(c, lang)) } }
            }
        }
    };
    let markings = page.facts.markings();
    Some(html! {
        div.figures {
            (figure(t.documents_read, K::DocumentN, K::ReadOrMore))
            (figure(t.documents_downloaded, K::DocumentN, K::DownloadedOrMore))
            (figure(t.documents_forwarded, K::DocumentN, K::ForwardedOnly))
            (figure(t.messages_read, K::MessageN, K::ReadOrMore))
            (figure(t.messages_downloaded, K::MessageN, K::DownloadedOrMore))
            (figure(t.messages_forwarded, K::MessageN, K::ForwardedOnly))
            div.figure.wide {
                p.number { (fmt::at_least(t.bytes_min, lang)) " – " (fmt::at_most(t.bytes_max, lang)) }
                p.what {
                    (lang.f(K::LeftBounds, &[&fmt::bytes_exact(t.bytes_min, lang), &fmt::bytes_exact(t.bytes_max, lang)]))
                }
            }
        }
        @if !markings.is_empty() {
            p {
                (lang.t(K::MarkingsMet)) " "
                @for (m, n) in &markings { span.class { (labels::marking(m)) " × " (fmt::count(*n, lang)) } " " }
            }
        }
        (parts::table(lang.t(K::CountsByLevel), "counts n2 n3 n4 n5 n6", &[
            "", labels::level(vauban_case::contract::Level::Exposed, lang),
            labels::level(vauban_case::contract::Level::Listed, lang),
            labels::level(vauban_case::contract::Level::Read, lang),
            labels::level(vauban_case::contract::Level::Downloaded, lang),
            labels::level(vauban_case::contract::Level::Forwarded, lang),
        ], html! {
            (row(K::Messages, [t.messages_exposed, t.messages_listed, t.messages_read, t.messages_downloaded, t.messages_forwarded]))
            (row(K::Documents, [t.documents_exposed, t.documents_listed, t.documents_read, t.documents_downloaded, t.documents_forwarded]))
        }))
        p.note { (lang.t(K::LevelsExplained)) }
        @if !page.facts.destinations.is_empty() {
            h3 { (lang.t(K::WhereTo)) }
            (parts::table(lang.t(K::WhereTo), "n2 n3 n4 n5", &[
                lang.t(K::Address), lang.t(K::Messages), lang.t(K::Documents),
                lang.t(K::AtLeast), lang.t(K::AtMost), lang.t(K::LeftColumn),
            ], html! {
                @for d in page.facts.destinations.iter().take(50) {
                    tr {
                        td { (parts::address(d.address)) }
                        td.num { (fmt::count(d.messages, lang)) }
                        td.num { (fmt::count(d.documents, lang)) }
                        td.num title=(fmt::bytes_exact(d.bytes_min, lang)) { (fmt::at_least(d.bytes_min, lang)) }
                        td.num title=(fmt::bytes_exact(d.bytes_max, lang)) { (fmt::at_most(d.bytes_max, lang)) }
                        td { (lang.t(if d.confirmed { K::Confirmed } else { K::Possible })) }
                    }
                }
            }))
            p.note { (lang.t(K::DestinationsExplained)) }
        }
    })
}

/// Since when, through which account, how.
pub fn entry(page: &Page) -> Option<Markup> {
    let (case, lang) = (page.facts.case, page.lang);
    if case.initial_access.is_empty() {
        return None;
    }
    Some(parts::table(
        lang.t(K::HowTheyGotIn),
        "",
        &[
            lang.t(K::When),
            lang.t(K::Account),
            lang.t(K::From),
            lang.t(K::Vector),
            lang.t(K::What),
            lang.t(K::Evidence),
        ],
        html! {
            @for x in &case.initial_access {
                tr {
                    td { (parts::when(&x.time)) }
                    td { (parts::address(&x.account)) }
                    td { (parts::code(&x.source_ip, 60)) }
                    td { (labels::vector(&x.vector, lang)) }
                    td { (parts::sentence(lang.text(&x.text))) }
                    td { (parts::links(page, &x.evidence)) }
                }
            }
        },
    ))
}

/// Persistence; legitimate look-alikes last and marked as such.
pub fn left_behind(page: &Page) -> Option<Markup> {
    let (case, lang) = (page.facts.case, page.lang);
    if case.persistence.is_empty() {
        return (case.verdict == Verdict::Breached)
            .then(|| html! { p { (lang.t(K::NothingLeftBehind)) } });
    }
    let mut rows: Vec<_> = case.persistence.iter().collect();
    rows.sort_by_key(|p| match p.label {
        Label::Intruder => 0,
        Label::Suspect => 1,
        Label::Legitimate => 2,
    });
    Some(parts::table(
        lang.t(K::LeftBehind),
        "",
        &[
            lang.t(K::Judgement),
            lang.t(K::Kind),
            lang.t(K::Account),
            lang.t(K::What),
            lang.t(K::When),
            lang.t(K::Evidence),
        ],
        html! {
            @for x in rows {
                tr {
                    td { (parts::label(x.label, lang)) }
                    td { (labels::persistence(&x.kind, lang)) }
                    td { (parts::address(&x.account)) }
                    td { (parts::sentence(lang.text(&x.detail))) }
                    td { (parts::when_known(x.time.as_deref())) }
                    td { (parts::links(page, &x.evidence)) }
                }
            }
        },
    ))
}

/// What to do by when; the legal clocks.
pub fn measures(page: &Page) -> Option<Markup> {
    let (case, lang) = (page.facts.case, page.lang);
    Some(html! {
        @if case.next_steps.is_empty() { p { (lang.t(K::NoSteps)) } } @else {
            ol.steps {
                @for s in &case.next_steps {
                    li {
                        span.due { (labels::deadline(&s.deadline, lang)) }
                        div {
                            p.what { (parts::sentence(lang.pick(&s.what, &s.what_fr))) }
                            p.why { (parts::sentence(lang.pick(&s.why, &s.why_fr))) }
                        }
                    }
                }
            }
        }
        @if case.verdict == Verdict::Breached {
            h3 { (lang.t(K::LegalClocks)) }
            p { (lang.t(K::ClocksExplained)) }
            (parts::table(lang.t(K::LegalClocks), "", &[lang.t(K::Deadline), lang.t(K::Duty), lang.t(K::To)], html! {
                @for (due, duty, to) in crate::notify::CLOCKS {
                    tr { th scope="row" { (lang.t(*due)) } td { (lang.t(*duty)) } td { (lang.t(*to)) } }
                }
            }))
        }
    })
}

/// What the evidence cannot show, and what would settle it.
pub fn unknown(page: &Page) -> Option<Markup> {
    let (case, lang) = (page.facts.case, page.lang);
    if case.unknowable.is_empty() && case.would_settle.is_empty() && page.facts.gaps() == 0 {
        return None;
    }
    Some(html! {
        @if !case.unknowable.is_empty() {
            ul { @for t in &case.unknowable { li { (parts::sentence(lang.text(t))) } } }
        }
        @if page.facts.gaps() > 0 {
            h3 { (lang.t(K::Holes)) }
            ul {
                @for c in &case.coverage {
                    @for g in &c.gaps {
                        li {
                            (parts::hostile(&c.source, 40)) " · " (parts::when(&g.from)) " – " (parts::when(&g.to)) " · "
                            (parts::sentence(lang.pick(&g.why, &g.why_fr))) " "
                            (parts::links(page, &g.evidence))
                        }
                    }
                }
            }
        }
        @if !case.would_settle.is_empty() {
            h3 { (lang.t(K::WouldSettle)) }
            ul { @for t in &case.would_settle { li { (parts::sentence(lang.text(t))) } } }
        }
    })
}
