//! The responder's lists: one function per list of the contract.

use maud::{Markup, html};
use vauban_case::contract::{AccountStatus, Label, Session};

use super::{Page, parts};
use crate::{fmt, labels, lang::Key as K};

/// Advisory values shown before the rest is only counted: a feed can hold a hundred thousand.
const MAX_VALUES: usize = 500;
/// Evidence lines in one block that the browser lays out when it comes into view.
const EVIDENCE_BLOCK: usize = 100;

/// What the intruder looked for.
pub fn searches(page: &Page) -> Option<Markup> {
    let (rows, lang) = (&page.facts.case.searches, page.lang);
    (!rows.is_empty()).then(|| {
        parts::table(
            lang.t(K::Searches),
            "n5",
            &[
                lang.t(K::When),
                lang.t(K::Account),
                lang.t(K::Query),
                lang.t(K::Mailbox),
                lang.t(K::HitsToday),
                lang.t(K::Session),
                lang.t(K::Evidence),
            ],
            html! {
                @for x in rows {
                    tr {
                        td { (parts::when(&x.time)) }
                        td { (parts::address(&x.account)) }
                        td { (parts::code(&x.query, 200)) }
                        td { (parts::hostile(&x.mailbox, 60)) }
                        td.num { @match x.hits { Some(n) => (fmt::count(n, lang)), None => "–" } }
                        td { (parts::session_links(page, std::slice::from_ref(&x.session))) }
                        td { (parts::links(page, &x.evidence)) }
                    }
                }
            },
        )
    })
}

/// Secrets to reset, most urgent first (the case's order).
pub fn secrets(page: &Page) -> Option<Markup> {
    let (rows, lang) = (&page.facts.case.secrets, page.lang);
    (!rows.is_empty()).then(|| {
        html! {
            p.note { (lang.t(K::SecretsExplained)) }
            (parts::table(lang.t(K::Secrets), "n1",
                &["", lang.t(K::Kind), lang.t(K::Opens), lang.t(K::Masked), lang.t(K::FoundIn), lang.t(K::LevelColumn), lang.t(K::UsedAfter), lang.t(K::Evidence)],
                html! {
                    @for (i, x) in rows.iter().enumerate() {
                        tr {
                            td.num { (i + 1) }
                            td { (labels::secret(&x.kind, lang)) }
                            td { (parts::hostile(&x.target, 120)) }
                            td { (parts::code(&x.masked, 80)) }
                            td { (parts::address(&x.account)) br; small { (parts::hostile(&x.message_id, 120)) } }
                            td { (parts::level(x.level, lang)) }
                            td { @if x.used { b { (lang.t(K::UsedYes)) } } @else { (lang.t(K::UsedNo)) } }
                            td { (parts::links(page, &x.evidence)) }
                        }
                    }
                }))
        }
    })
}

/// Attempts at other hosts.
pub fn lateral(page: &Page) -> Option<Markup> {
    let (rows, lang) = (&page.facts.case.lateral, page.lang);
    (!rows.is_empty()).then(|| {
        parts::table(
            lang.t(K::LateralMoves),
            "n4",
            &[
                lang.t(K::When),
                lang.t(K::From),
                lang.t(K::To),
                lang.t(K::Port),
                lang.t(K::Outcome),
                lang.t(K::Evidence),
            ],
            html! {
                @for x in rows {
                    tr {
                        td { (parts::when(&x.time)) }
                        td { (parts::code(&x.from, 80)) }
                        td { (parts::code(&x.to, 80)) }
                        td.num { (x.port) }
                        td { (labels::outcome(&x.outcome, lang)) }
                        td { (parts::links(page, &x.evidence)) }
                    }
                }
            },
        )
    })
}

/// What rules matched.
pub fn detections(page: &Page) -> Option<Markup> {
    let (rows, lang) = (&page.facts.case.detections, page.lang);
    (!rows.is_empty()).then(|| {
        html! {
            p.note { (lang.t(K::DetectionsExplained)) }
            (parts::table(lang.t(K::Detections), "n4",
                &[lang.t(K::When), lang.t(K::LevelColumn), lang.t(K::What), lang.t(K::Times), lang.t(K::Evidence)],
                html! {
                    @for x in rows {
                        tr {
                            td { (parts::when_known(x.first.as_deref())) }
                            td { (labels::gravity(&x.level, lang)) }
                            td {
                                b { (parts::hostile(&x.title, 200)) } br;
                                (parts::hostile(&x.reason, 600)) " "
                                span.rule { (crate::escape::shown(&x.techniques.join(", "), 80)) }
                            }
                            td.num { (fmt::count(x.count, lang)) }
                            td { (parts::links(page, &x.evidence)) }
                        }
                    }
                }))
        }
    })
}

/// Messages that attack their reader.
pub fn lures(page: &Page) -> Option<Markup> {
    let (rows, lang) = (&page.facts.case.lures, page.lang);
    (!rows.is_empty()).then(|| {
        parts::table(
            lang.t(K::Lures),
            "",
            &[lang.t(K::Account), lang.t(K::Subject), lang.t(K::What), lang.t(K::Opened), lang.t(K::Evidence)],
            html! {
                @for x in rows {
                    tr {
                        td { (parts::address(&x.account)) }
                        td { (parts::hostile(&x.subject, 160)) br; small { (parts::hostile(&x.message_id, 120)) } }
                        td { (parts::sentence(lang.text(&x.text))) " " span.rule { (crate::escape::shown(&x.kind, 60)) } }
                        td {
                            @match x.opened {
                                Some(true) => { (lang.t(K::Yes)) ", " (parts::when_known(x.opened_at.as_deref())) }
                                Some(false) => (lang.t(K::OpenedNo)),
                                None => (lang.t(K::UnknownWord)),
                            }
                        }
                        td { (parts::links(page, &x.evidence)) }
                    }
                }
            },
        )
    })
}

/// Indicators met.
pub fn indicators(page: &Page) -> Option<Markup> {
    let (rows, lang) = (&page.facts.case.indicators, page.lang);
    (!rows.is_empty()).then(|| {
        parts::table(
            lang.t(K::Indicators),
            "n6",
            &[lang.t(K::Type), lang.t(K::Value), lang.t(K::Source), lang.t(K::First), lang.t(K::Last), lang.t(K::Records), lang.t(K::Evidence)],
            html! {
                @for x in rows {
                    tr {
                        td { (parts::hostile(&x.kind, 40)) }
                        td { (parts::code(&x.value, 160)) }
                        td { @if x.source == "case" { (lang.t(K::FromCase)) } @else { (parts::hostile(&x.source, 120)) } }
                        td { (parts::when(&x.first)) }
                        td { (parts::when(&x.last)) }
                        td.num { (fmt::count(x.count, lang)) }
                        td { (parts::links(page, &x.evidence)) }
                    }
                }
            },
        )
    })
}

/// Accounts with reasons; clean ones only counted.
pub fn accounts(page: &Page) -> Option<Markup> {
    let (rows, lang) = (&page.facts.case.accounts, page.lang);
    if rows.is_empty() {
        return None;
    }
    let clean = rows
        .iter()
        .filter(|a| a.status == AccountStatus::Clean)
        .count();
    Some(html! {
        @for a in rows.iter().filter(|a| a.status != AccountStatus::Clean) {
            article.card {
                h3 {
                    (parts::address(&a.account)) " "
                    span class=(if a.status == AccountStatus::Compromised { "tag t-intruder" } else { "tag t-suspect" }) {
                        (labels::account_status(a.status, lang))
                    }
                }
                p.meta {
                    (lang.t(K::FirstSign)) " " (parts::when_known(a.first.as_deref())) " · "
                    (lang.t(K::LastSign)) " " (parts::when_known(a.last.as_deref())) " · "
                    (parts::links(page, &a.evidence))
                }
                (parts::reasons(page, &a.reasons))
            }
        }
        p { (lang.f(K::CleanAccounts, &[&lang.n(clean as u64, K::AccountN)])) }
    })
}

/// Intruder and suspect sessions.
pub fn sessions(page: &Page) -> Option<Markup> {
    let rows: Vec<_> = page
        .facts
        .case
        .sessions
        .iter()
        .filter(|s| s.label != Label::Legitimate)
        .collect();
    (!rows.is_empty()).then(|| html! { @for s in rows { (session(page, s)) } })
}

/// Legitimate sessions that look hostile, and why they are not.
pub fn look_alikes(page: &Page) -> Option<Markup> {
    let rows: Vec<_> = page
        .facts
        .case
        .sessions
        .iter()
        .filter(|s| s.label == Label::Legitimate)
        .collect();
    (!rows.is_empty()).then(|| {
        html! {
            p.note { (page.lang.t(K::LookAlikesExplained)) }
            @for s in rows { (session(page, s)) }
        }
    })
}

fn session(page: &Page, s: &Session) -> Markup {
    let lang = page.lang;
    html! {
        article.card id={ "s-" (parts::anchor(&s.id)) } {
            h3 {
                (parts::hostile(&s.id, 20)) " · " (parts::address(&s.account)) " · " (labels::protocol(&s.protocol)) " "
                (parts::label(s.label, lang))
            }
            p.meta {
                (parts::when(&s.start)) " – " (parts::when(&s.end)) " · "
                (lang.t(K::From)) " " (parts::code(&s.source_ip, 60))
                @for ip in s.other_ips.iter().take(10) { ", " (parts::code(ip, 60)) }
                " · " (lang.t(K::Score)) " " (format!("{:.0}", s.score)) "/100"
                @if let Some(b) = s.bytes_out { " · " (lang.t(K::SentToClient)) " " (fmt::bytes(b, lang)) }
                @if s.daemon_sessions > 1 { " · " (lang.n(s.daemon_sessions, K::DaemonSessionN)) }
                @if !s.user_agent.is_empty() { br; small { (parts::hostile(&s.user_agent, 160)) } }
            }
            (parts::reasons(page, &s.reasons))
            p.meta { (lang.t(K::Evidence)) " " (parts::links(page, &s.evidence)) }
        }
    }
}

/// What made it possible.
pub fn exposure(page: &Page) -> Option<Markup> {
    let (rows, lang) = (&page.facts.case.exposure, page.lang);
    (!rows.is_empty()).then(|| {
        html! {
            ul {
                @for x in rows {
                    li {
                        (parts::sentence(lang.text(&x.text))) " "
                        span.rule { (crate::escape::shown(&x.id, 60)) } " "
                        (parts::links(page, &x.evidence))
                    }
                }
            }
        }
    })
}

/// Competing explanations and groups, when the case has any.
pub fn hypotheses(page: &Page) -> Option<Markup> {
    let (case, lang) = (page.facts.case, page.lang);
    (!case.hypotheses.is_empty() || !case.groups.is_empty()).then(|| {
        html! {
            @for h in &case.hypotheses {
                article.card {
                    h3 { (parts::hostile(&h.name, 120)) " (" (fmt::percent_range(h.probability.low, h.probability.high, lang)) ")" }
                    (parts::reasons(page, &h.pro))
                    (parts::reasons(page, &h.against))
                }
            }
            @if !case.groups.is_empty() {
                ul { @for g in &case.groups {
                    li { (parts::hostile(&g.name, 120)) " (" (format!("{:.2}", g.score)) ") " (g.techniques.iter().map(|t| crate::escape::shown(t, 40)).collect::<Vec<_>>().join(", ")) }
                } }
            }
        }
    })
}

/// What each source could have shown, its holes and its clock.
pub fn coverage(page: &Page) -> Option<Markup> {
    let (rows, lang) = (&page.facts.case.coverage, page.lang);
    if rows.is_empty() {
        return Some(html! { p { (lang.t(K::NothingRead)) } });
    }
    Some(html! {
        (parts::table(lang.t(K::Coverage), "coverage n5 n6 n7",
            &[lang.t(K::Source), lang.t(K::Host), lang.t(K::First), lang.t(K::Last), lang.t(K::Events), lang.t(K::Ignored), lang.t(K::Unparsed), lang.t(K::Gaps), lang.t(K::Proves)],
            html! {
                @for c in rows {
                    tr {
                        th scope="row" { (parts::hostile(&c.source, 60)) }
                        td { (parts::hostile(&c.host, 60)) }
                        td { (parts::when_known(c.from.as_deref())) }
                        td { (parts::when_known(c.to.as_deref())) }
                        td.num { (fmt::count(c.events, lang)) }
                        td.num { (fmt::count(c.ignored, lang)) }
                        td.num { (fmt::count(c.unparsed, lang)) @if !c.unparsed_samples.is_empty() { br; (parts::links(page, &c.unparsed_samples)) } }
                        td {
                            @if c.gaps.is_empty() { (lang.t(K::GapNone)) }
                            @for g in &c.gaps {
                                (parts::when(&g.from)) " – " (parts::when(&g.to)) br;
                                (parts::sentence(lang.pick(&g.why, &g.why_fr))) " " (parts::links(page, &g.evidence)) br;
                            }
                        }
                        td { (parts::sentence(lang.text(&c.proves))) }
                    }
                }
            }))
        @for c in rows.iter().filter(|c| !c.time_base.is_empty() || !c.artefacts.is_empty()) {
            details.plain {
                summary { (parts::hostile(&c.source, 60)) @if !c.host.is_empty() { " · " (parts::hostile(&c.host, 60)) } " · " (lang.t(K::ClockAndArtefacts)) }
                ul { @for t in &c.time_base { li { (parts::sentence(lang.text(t))) } } }
                ul { @for a in c.artefacts.iter().take(200) { li { (parts::code(a, 200)) } } }
                @if c.artefacts.len() > 200 { p { "+" (c.artefacts.len() - 200) } }
            }
        }
    })
}

/// What was taken from each advisory and why.
pub fn advisories(page: &Page) -> Option<Markup> {
    let (rows, lang) = (&page.facts.case.advisories, page.lang);
    let list = |name: K, values: &[String]| {
        html! {
            @if !values.is_empty() {
                p { b { (lang.t(name)) } " " @for v in values.iter().take(100) { (parts::hostile(v, 120)) " · " } @if values.len() > 100 { "+" (values.len() - 100) } }
            }
        }
    };
    (!rows.is_empty()).then(|| {
        html! {
            @for a in rows {
                article.card {
                    h3 { @if a.title.is_empty() { (parts::hostile(&a.name, 160)) } @else { (parts::hostile(&a.title, 160)) } }
                    p.meta { (parts::code(&a.name, 160)) " · " (parts::hostile(&a.format, 40)) }
                    (list(K::Techniques, &a.techniques))
                    (list(K::Vulnerabilities, &a.vulnerabilities))
                    (list(K::Problems, &a.problems))
                    @if !a.indicators.is_empty() {
                        details.plain {
                            summary { (lang.f(K::ValuesFound, &[
                                &fmt::count(a.indicators.len() as u64, lang),
                                &fmt::count(a.indicators.iter().filter(|i| i.kept).count() as u64, lang),
                                &fmt::count(a.indicators.iter().filter(|i| i.hits > 0).count() as u64, lang),
                            ])) }
                            (parts::table(lang.t(K::Indicators), "n5", &[lang.t(K::Type), lang.t(K::Value), lang.t(K::Kept), lang.t(K::Why), lang.t(K::Records)], html! {
                                @for i in a.indicators.iter().filter(|i| i.hits > 0).chain(a.indicators.iter().filter(|i| i.hits == 0)).take(MAX_VALUES) {
                                    tr {
                                        td { (parts::hostile(&i.kind, 40)) }
                                        td { (parts::code(&i.value, 160)) }
                                        td { (lang.t(if i.kept { K::Yes } else { K::No })) }
                                        td { (parts::hostile(&i.why, 300)) }
                                        td.num { (fmt::count(i.hits, lang)) }
                                    }
                                }
                            }))
                            @if a.indicators.len() > MAX_VALUES {
                                p.note { (lang.f(K::MoreInCase, &[&fmt::count((a.indicators.len() - MAX_VALUES) as u64, lang)])) }
                            }
                        }
                    }
                }
            }
        }
    })
}

/// The evidence lines themselves, numbered; every claim links here.
pub fn evidence(page: &Page) -> Option<Markup> {
    let lang = page.lang;
    let lines = page.facts.evidence.lines();
    if lines.is_empty() {
        return None;
    }
    Some(html! {
        p.note { (lang.t(K::EvidenceExplained)) }
        @for (i, block) in lines.chunks(EVIDENCE_BLOCK).enumerate() {
            ol.evidence start=(i * EVIDENCE_BLOCK + 1) {
                @for (j, e) in block.iter().enumerate() {
                    li id={ "e" (i * EVIDENCE_BLOCK + j + 1) } {
                        // Few elements: there may be tens of thousands of lines.
                        p {
                            "E" (i * EVIDENCE_BLOCK + j + 1) " · " bdi { (crate::escape::shown(&e.artefact, 300)) }
                            @if let Some(l) = e.line { " · " (lang.t(K::Line)) " " (l) }
                            " · " (lang.t(K::BytesFrom)) " " (e.offset) " + " (e.length)
                        }
                        pre dir="ltr" { (crate::escape::shown(&e.excerpt, 600)) }
                    }
                }
            }
        }
    })
}
