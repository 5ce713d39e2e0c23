//! What the sections share: hostile text, evidence links, badges, times.

use std::collections::BTreeSet;

use maud::{Markup, html};
use vauban_case::contract::{EvidenceRef, Exfiltrated, Label, Level, Reason};

use super::Page;
use crate::{Lang, escape, fmt, labels, lang::Key as K};

/// Evidence links that stand in the open; the rest is behind a fold.
const OPEN_LINKS: usize = 3;

/// A string of the evidence: isolated from the direction of the text around it, deceptive
/// characters written out, shortened.
pub fn hostile(text: &str, max: usize) -> Markup {
    let shown = escape::shown(text, max);
    let class = (shown.chars().count() <= 16).then_some("nw");
    html! { bdi class=[class] { (shown) } }
}

/// The same in a fixed-width face: addresses, queries, paths. Short ones stay on one line.
pub fn code(text: &str, max: usize) -> Markup {
    let shown = escape::shown(text, max);
    let class = (shown.chars().count() <= 40).then_some("nw");
    html! { code class=[class] { bdi { (shown) } } }
}

/// An account or mail address: may break after the `@`, not within a short half.
pub fn address(text: &str) -> Markup {
    let shown = escape::shown(text, 100);
    let half = |s: &str| {
        let class = (s.chars().count() <= 32).then_some("nw");
        html! { span class=[class] { (s) } }
    };
    html! {
        bdi {
            @match shown.split_once('@') {
                Some((local, domain)) => { (half(&format!("{local}@"))) wbr; (half(domain)) }
                None => (half(&shown))
            }
        }
    }
}

/// A sentence of the case. It may quote evidence, so it is treated as hostile.
pub fn sentence(text: &str) -> Markup {
    html! { (escape::shown(text, 2000)) }
}

/// `2025-12-09 02:30:00` in a `time` element.
pub fn when(rfc3339: &str) -> Markup {
    html! {
        @if fmt::seconds(rfc3339).is_some() {
            time datetime=(rfc3339.trim()) { (fmt::stamp(rfc3339)) }
        } @else { (fmt::stamp(rfc3339)) }
    }
}

/// [`when`], or a dash.
pub fn when_known(rfc3339: Option<&str>) -> Markup {
    html! { @match rfc3339 { Some(t) => (when(t)), None => "–" } }
}

/// Links to the evidence of a claim; every claim must have one of these.
pub fn links(page: &Page, evidence: &[EvidenceRef]) -> Markup {
    let numbers: BTreeSet<usize> = evidence
        .iter()
        .filter_map(|e| page.facts.evidence.number(e))
        .collect();
    let link = |n: usize| html! { a.ev href={ "#e" (n) } { "E" (n) } " " };
    html! {
        @if numbers.is_empty() {
            span.none { (page.lang.t(K::NoLine)) }
        } @else {
            @for n in numbers.iter().take(OPEN_LINKS) { (link(*n)) }
            @if numbers.len() > OPEN_LINKS {
                details.more {
                    summary { "+" (numbers.len() - OPEN_LINKS) }
                    @for n in numbers.iter().skip(OPEN_LINKS) { (link(*n)) }
                }
            }
        }
    }
}

/// Level as a box: its weight is drawn as the height of a bar, so that it reads without colour.
pub fn level(l: Level, lang: Lang) -> Markup {
    html! { span class={ "lv lv" (l as u8) } { (labels::level(l, lang)) } }
}

/// Whether content left.
pub fn exfiltrated(e: Exfiltrated, lang: Lang) -> Markup {
    html! { span class={ "ex ex" (e as u8) } { (labels::exfiltrated(e, lang)) } }
}

/// Label of a session or of what was left behind.
pub fn label(l: Label, lang: Lang) -> Markup {
    let class = match l {
        Label::Intruder => "tag t-intruder",
        Label::Suspect => "tag t-suspect",
        Label::Legitimate => "tag t-legitimate",
    };
    html! { span class=(class) { (labels::label(l, lang)) } }
}

/// Reasons, strongest first as the case has them, each with its sign, rule and lines.
pub fn reasons(page: &Page, reasons: &[Reason]) -> Markup {
    html! {
        ul.reasons {
            @for r in reasons {
                li class=(if r.weight < 0.0 { "against" } else { "for" }) {
                    span.sign { (sign(r.weight, page.lang)) } " "
                    (sentence(page.lang.text(&r.text)))
                    " " span.rule { (escape::shown(&r.rule, 60)) } " "
                    (links(page, &r.evidence))
                }
            }
        }
    }
}

/// `+ 35` or `− 20`: what a reason adds to the score.
fn sign(weight: f64, lang: Lang) -> String {
    let number = if weight.fract().abs() < 0.05 {
        format!("{:.0}", weight.abs())
    } else {
        format!("{:.1}", weight.abs())
    };
    let number = if lang == Lang::Fr {
        number.replace('.', ",")
    } else {
        number
    };
    if weight < 0.0 {
        format!("−{number}")
    } else {
        format!("+{number}")
    }
}

/// Links to sessions that are listed.
pub fn session_links(page: &Page, ids: &[String]) -> Markup {
    const OPEN: usize = 4;
    let one = |id: &str| {
        html! {
            @if page.facts.session(id).is_some() {
                a href={ "#s-" (anchor(id)) } { (escape::shown(id, 20)) }
            } @else { (escape::shown(id, 20)) }
            " "
        }
    };
    html! {
        @for id in ids.iter().take(OPEN) { (one(id)) }
        @if ids.len() > OPEN {
            details.more {
                summary { "+" (ids.len() - OPEN) }
                @for id in ids.iter().skip(OPEN) { (one(id)) }
            }
        }
    }
}

/// An id that is safe as an anchor.
pub fn anchor(id: &str) -> String {
    id.chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(40)
        .collect()
}

/// A table that scrolls sideways by itself on a narrow screen, reachable by keyboard.
pub fn table(caption: &str, class: &str, head: &[&str], body: Markup) -> Markup {
    html! {
        div.scroll role="region" tabindex="0" aria-label=(caption) {
            table class=(class) {
                caption { (caption) }
                thead { tr { @for h in head { th scope="col" { (h) } } } }
                tbody { (body) }
            }
        }
    }
}

/// Words the script needs, where it finds them without being text of the script itself (whose
/// hash is in the policy).
pub fn script_words(lang: Lang) -> Markup {
    html! {
        div #words hidden
            data-search=(lang.t(K::SearchLedger))
            data-all-levels=(lang.t(K::AllLevels))
            data-all-accounts=(lang.t(K::AllAccounts))
            data-rows=(lang.t(K::RowsShown))
            data-previous=(lang.t(K::Previous))
            data-next=(lang.t(K::Next))
            data-close=(lang.t(K::Close))
            data-sort=(lang.t(K::SortBy))
            data-left=(lang.t(K::OnlyWhatLeft))
            data-in-list=(lang.t(K::ShowInList)) {}
    }
}
