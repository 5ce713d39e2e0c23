//! The ledger: what the intruder reached, item by item.
//!
//! Many rows stand in folded blocks that a browser need not lay out before they are opened; the
//! script, where it runs, takes the rows out of the blocks and pages through them.

use maud::{Markup, html};
use vauban_case::contract::{LedgerEntry, Level};

use super::{Page, parts};
use crate::{escape::shown, fmt, labels, lang::Key as K};

/// Rows in one folded block. One block opens by itself.
const BLOCK: usize = 500;

/// The section.
pub fn section(page: &Page) -> Option<Markup> {
    let (case, lang) = (page.facts.case, page.lang);
    if case.ledger.is_empty() {
        return None;
    }
    let (exposed, reached): (Vec<&LedgerEntry>, Vec<&LedgerEntry>) =
        case.ledger.iter().partition(|e| e.level == Level::Exposed);
    let folded = reached.len() > BLOCK;
    Some(html! {
        p.note { (lang.t(K::LedgerExplained)) }
        div #ledger-tools {}
        div #ledger-rows {
            @for (i, block) in reached.chunks(BLOCK).enumerate() {
                @let range = format!("{}–{}", i * BLOCK + 1, i * BLOCK + block.len());
                @if folded {
                    details.block open[i == 0] {
                        summary { (lang.t(K::Rows)) " " (range) }
                        (table(page, block, &range))
                    }
                } @else { (table(page, block, &range)) }
            }
        }
        @if !exposed.is_empty() {
            details.block.exposed {
                summary { (lang.f(K::ExposedOnly, &[&fmt::count(exposed.len() as u64, lang)])) }
                p.note { (lang.t(K::ExposedExplained)) }
                (exposed_table(page, &exposed))
            }
        }
    })
}

fn table(page: &Page, rows: &[&LedgerEntry], range: &str) -> Markup {
    let lang = page.lang;
    parts::table(
        &format!("{} {range}", lang.t(K::Ledger)),
        "ledger n3 n4",
        &[
            lang.t(K::LevelColumn),
            lang.t(K::Item),
            lang.t(K::Size),
            lang.t(K::BytesLeft),
            lang.t(K::To),
            lang.t(K::FirstLast),
            lang.t(K::Sessions),
            lang.t(K::WhyAndEvidence),
        ],
        html! { @for e in rows { (row(page, e)) } },
    )
}

/// As few elements as it takes: a browser's time to open the page is their number, and there may
/// be tens of thousands of rows. `data-v` holds what a column sorts by where that is not its text.
fn row(page: &Page, e: &LedgerEntry) -> Markup {
    let lang = page.lang;
    html! {
        tr data-l=(e.level as u8) data-x=(e.exfiltrated as u8) data-a=(shown(&e.account, 80)) {
            td data-v=(e.level as u8) { (parts::level(e.level, lang)) br; (parts::exfiltrated(e.exfiltrated, lang)) }
            td.item {
                b { (parts::hostile(&e.filename, 160)) }
                @for c in &e.classification { " " span.class { (labels::marking(c)) } }
                br;
                small {
                    (place(e, lang))
                    @if let Some(uid) = e.uid { " · UID " (uid) }
                }
            }
            td.num data-v=(e.size_bytes.unwrap_or(0)) {
                @match e.size_bytes { Some(n) => (fmt::bytes(n, lang)), None => "–" }
            }
            td.num data-v=(e.bytes_max) title={ (fmt::bytes_exact(e.bytes_min, lang)) " – " (fmt::bytes_exact(e.bytes_max, lang)) } {
                @if e.bytes_max == 0 { "0" } @else {
                    "≥ " (fmt::at_least(e.bytes_min, lang)) br; "≤ " (fmt::at_most(e.bytes_max, lang))
                }
            }
            td { @for to in e.to.iter().take(5) { bdi { (shown(to, 100)) } " " } @if e.to.len() > 5 { "+" (e.to.len() - 5) } }
            td data-v=(e.first.as_deref().unwrap_or("")) {
                (e.first.as_deref().map(fmt::stamp).unwrap_or_else(|| "–".to_owned()))
                @if let Some(last) = e.last.as_deref().filter(|_| e.last != e.first) { " – " (fmt::stamp(last)) }
            }
            td { (parts::session_links(page, &e.sessions)) }
            td.why {
                @let why = lang.text(&e.why);
                @if !why.is_empty() { (parts::sentence(why)) " " }
                (parts::links(page, &e.evidence))
            }
        }
    }
}

fn exposed_table(page: &Page, rows: &[&LedgerEntry]) -> Markup {
    let lang = page.lang;
    parts::table(
        lang.t(K::ExposedCaption),
        "exposed n3 n5",
        &[
            lang.t(K::Account),
            lang.t(K::Mailbox),
            "UID",
            lang.t(K::Item),
            lang.t(K::Size),
            lang.t(K::Evidence),
        ],
        html! {
            @for e in rows {
                tr {
                    td { (parts::address(&e.account)) }
                    td { (parts::hostile(&e.mailbox, 60)) }
                    td.num { @if let Some(u) = e.uid { (u) } }
                    td { (parts::hostile(&e.filename, 120)) @for c in &e.classification { " " span.class { (labels::marking(c)) } } }
                    td.num { @match e.size_bytes { Some(n) => (fmt::bytes(n, lang)), None => "–" } }
                    td { (parts::links(page, &e.evidence)) }
                }
            }
        },
    )
}

/// Account, mailbox and part; the account may break after its `@`.
fn place(e: &LedgerEntry, lang: crate::Lang) -> Markup {
    let account = shown(&e.account, 100);
    let (local, domain) = account.split_once('@').unwrap_or((&account, ""));
    html! {
        bdi {
            (local)
            @if account.contains('@') { "@" wbr; (domain) }
            " · " (shown(&e.mailbox, 60))
            @if let Some(p) = &e.part { " · " (lang.t(K::Part)) " " (shown(p, 20)) }
        }
    }
}
