//! Pictures: accounts over time, and who read what from where. Bars and boxes; everything they
//! say stands in words beside them too.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use vauban_case::contract::{Label, Level};

use super::{Page, parts};
use crate::{escape, fmt, labels, lang::Key as K, span};

const LEFT: f64 = 190.0;
const PLOT: f64 = 800.0;
const LANE: f64 = 14.0;

/// The timeline as SVG, its busiest days once more on their own where they would be too small to
/// see, and the key moments as a table.
pub fn timeline(page: &Page) -> Option<Markup> {
    let lang = page.lang;
    let picture = span::picture(&page.facts, None)?;
    let zoom = span::busy_window(&page.facts).and_then(|w| span::picture(&page.facts, Some(w)));
    Some(html! {
        (svg(page, &picture, "tl"))
        @if let Some(zoom) = &zoom {
            h3 { (lang.t(K::Zoom)) }
            (svg(page, zoom, "tz"))
        }
        p.legend {
            span.key.k-intruder {} (labels::label(Label::Intruder, lang)) " "
            span.key.k-suspect {} (labels::label(Label::Suspect, lang)) " "
            span.key.k-legitimate {} (lang.t(K::LegendLegitimate)) " "
            span.key.k-mark { "1" } (lang.t(K::LegendMark)) " · " (lang.t(K::TimesUtc))
            @if picture.hidden_rows > 0 { " · " (lang.f(K::RowsHidden, &[&fmt::count(picture.hidden_rows as u64, lang)])) }
        }
        @if !picture.marks.is_empty() {
            (parts::table(lang.t(K::KeyMoments), "moments", &["", lang.t(K::When), lang.t(K::Account), lang.t(K::What), lang.t(K::Evidence)], html! {
                @for m in &picture.marks {
                    tr {
                        td { span.key.k-mark { (m.number) } }
                        td { (parts::when(m.moment.time)) }
                        td { (parts::address(m.moment.account)) }
                        td { (lang.text(&m.moment.text)) }
                        td { (parts::links(page, m.moment.evidence)) }
                    }
                }
            }))
        }
    })
}

fn svg(page: &Page, picture: &span::Picture, id: &str) -> Markup {
    let lang = page.lang;
    let x = |at: f64| LEFT + at * PLOT;
    let boxes = span::spread(
        &picture.marks.iter().map(|m| x(m.at)).collect::<Vec<_>>(),
        21.0,
        LEFT - 20.0,
        LEFT + PLOT,
    );
    let top = if picture.marks.is_empty() { 6.0 } else { 46.0 };
    let mut y = top;
    let rows: Vec<(f64, f64, &span::Row)> = picture
        .rows
        .iter()
        .map(|r| {
            let height = r.lanes as f64 * LANE + 12.0;
            let start = y;
            y += height;
            (start, height, r)
        })
        .collect();
    let height = y + 26.0;
    let px = |v: f64| format!("{v:.1}");
    let hatch = format!("{id}-hatch");
    html! {
        div.scroll role="region" tabindex="0" aria-label=(lang.t(K::Timeline)) {
        svg.timeline role="img" aria-labelledby={ (id) "-title" } viewBox={ "0 0 1000 " (px(height)) } {
            title id={ (id) "-title" } { (lang.t(K::TimelineAlt)) }
            defs {
                pattern id=(hatch) width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect.hatch-ground width="6" height="6" {}
                    line.hatch-line x1="0" y1="0" x2="0" y2="6" {}
                }
            }
            @for (start, height, _) in rows.iter().step_by(2) {
                rect.band x="0" y=(px(*start)) width="1000" height=(px(*height)) {}
            }
            @for t in &picture.ticks {
                line.grid x1=(px(x(t.at))) y1=(px(top)) x2=(px(x(t.at))) y2=(px(y)) {}
                text.tick x=(px(x(t.at))) y=(px(y + 16.0)) text-anchor=(if t.at > 0.95 { "end" } else { "middle" }) { (t.text) }
            }
            @for (m, at) in picture.marks.iter().zip(&boxes) {
                polyline.stem points={ (px(*at)) ",20 " (px(x(m.at))) "," (px(top - 4.0)) " " (px(x(m.at))) "," (px(y)) } {}
            }
            @for (start, height, r) in &rows {
                text.who x="8" y=(px(start + height / 2.0 + 4.0)) { (escape::shown_short(r.name, 26)) }
                @for b in &r.bars {
                    @let class = match b.session.label {
                        Label::Intruder => "bar b-intruder",
                        Label::Suspect => "bar b-suspect",
                        Label::Legitimate => "bar b-legitimate",
                    };
                    @let fill = (b.session.label == Label::Suspect).then(|| format!("url(#{hatch})"));
                    rect class=(class) fill=[fill] x=(px(x(b.from))) y=(px(start + 6.0 + b.lane as f64 * LANE + 2.0))
                        width=(px(((b.to - b.from) * PLOT).max(5.0))) height="10" {
                        title {
                            (escape::shown(&b.session.id, 20)) " · " (labels::protocol(&b.session.protocol)) " · "
                            (labels::label(b.session.label, lang)) " · " (escape::shown(&b.session.source_ip, 60)) " · "
                            (fmt::stamp(&b.session.start)) " – " (fmt::stamp(&b.session.end))
                        }
                    }
                }
            }
            @for (m, at) in picture.marks.iter().zip(&boxes) {
                rect.mark x=(px(at - 9.0)) y="4" width="18" height="16" {}
                text.mark-n x=(px(*at)) y="16" text-anchor="middle" { (m.number) }
            }
        }
        }
    }
}

/// Sources that get a column of their own.
const MAX_SOURCES: usize = 8;

/// Who read what: accounts by addresses of hostile sessions, with counts per level.
pub fn matrix(page: &Page) -> Option<Markup> {
    let (case, lang) = (page.facts.case, page.lang);
    let mut cells: BTreeMap<&str, BTreeMap<&str, [u64; 5]>> = BTreeMap::new();
    let mut weight: BTreeMap<&str, u64> = BTreeMap::new();
    for e in case.ledger.iter().filter(|e| e.level > Level::Exposed) {
        let mut sources: BTreeSet<&str> = e
            .sessions
            .iter()
            .filter_map(|id| page.facts.session(id))
            .map(|s| s.source_ip.as_str())
            .collect();
        if sources.is_empty() {
            sources.insert("");
        }
        for source in sources {
            let cell = cells
                .entry(&e.account)
                .or_default()
                .entry(source)
                .or_default();
            if let Some(n) = cell.get_mut(e.level as usize) {
                *n += 1;
            }
            *weight.entry(source).or_default() += 1;
        }
    }
    if cells.is_empty() {
        return None;
    }
    let mut sources: Vec<_> = weight.into_iter().collect();
    sources.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let shown: Vec<&str> = sources.iter().take(MAX_SOURCES).map(|(s, _)| *s).collect();
    let others: BTreeSet<&str> = sources.iter().skip(MAX_SOURCES).map(|(s, _)| *s).collect();
    let most = cells
        .values()
        .flat_map(|r| r.values().map(|c| c.iter().sum::<u64>()))
        .max()
        .unwrap_or(1)
        .max(1);
    let cell = |c: [u64; 5]| {
        html! {
            td.cell {
                @if c.iter().sum::<u64>() == 0 { span.none { "–" } } @else {
                    (bar(c, most))
                    span.n { @for l in LEVELS.iter().rev() { @if let Some(n) = c.get(*l as usize).filter(|n| **n > 0) {
                        span { b { (fmt::count(*n, lang)) } (parts::level(*l, lang)) }
                    } } }
                }
            }
        }
    };
    let name = |s: &str| {
        if s.is_empty() {
            lang.t(K::SourceUnknown).to_owned()
        } else {
            escape::shown(s, 60)
        }
    };
    Some(html! {
        p.note { (lang.t(K::MatrixExplained)) }
        div.scroll role="region" tabindex="0" aria-label=(lang.t(K::Matrix)) {
            table.matrix {
                caption { (lang.t(K::Matrix)) }
                thead { tr {
                    th scope="col" { (lang.t(K::Account)) }
                    @for s in &shown { th scope="col" { (name(s)) } }
                    @if !others.is_empty() { th scope="col" { (lang.f(K::OtherSources, &[&others.len().to_string()])) } }
                } }
                tbody {
                    @for (account, row) in &cells {
                        tr {
                            th scope="row" { (parts::address(account)) }
                            @for s in &shown { (cell(row.get(s).copied().unwrap_or_default())) }
                            @if !others.is_empty() {
                                (cell(others.iter().filter_map(|s| row.get(s)).fold([0; 5], |mut sum, c| {
                                    for (a, b) in sum.iter_mut().zip(c) { *a += b; }
                                    sum
                                })))
                            }
                        }
                    }
                }
            }
        }
    })
}

const LEVELS: [Level; 4] = [
    Level::Listed,
    Level::Read,
    Level::Downloaded,
    Level::Forwarded,
];

/// A stacked bar, as long as its share of the largest cell; stronger levels are taller.
fn bar(counts: [u64; 5], most: u64) -> Markup {
    let mut at = 0.0;
    let pieces: Vec<(usize, f64, f64)> = LEVELS
        .iter()
        .rev()
        .map(|l| {
            let n = counts.get(*l as usize).copied().unwrap_or(0);
            let width = n as f64 / most as f64 * 120.0;
            let start = at;
            at += width;
            (*l as usize, start, width)
        })
        .filter(|(_, _, w)| *w > 0.0)
        .collect();
    html! {
        svg.mini viewBox="0 0 120 16" width="120" height="16" aria-hidden="true" {
            @for (l, start, width) in pieces {
                @let h = 4.0 * l as f64;
                rect class={ "m" (l) } x=(format!("{start:.1}")) y=(format!("{:.1}", 16.0 - h)) width=(format!("{:.1}", width.max(1.5))) height=(format!("{h:.1}")) {}
            }
        }
    }
}
