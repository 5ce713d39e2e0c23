//! Articles: plain text, Markdown, AsciiDoc, HTML.
//!
//! HTML is first turned into the text a reader sees (`html`). Then defanging is undone
//! (`refang`), values are found (`scan`, `labelled`) and judged by what stands around them
//! (`context`, `judge`). Every step keeps a map back to the bytes of the document.

mod context;
mod html;
mod judge;
mod labelled;
pub(crate) mod posmap;
pub(crate) mod refang;
pub(crate) mod scan;
mod words;

use crate::Indicator;
use crate::IndicatorKind::{self, *};
use crate::collect::{Collector, cut};
use crate::value;
use context::{Section, Standing};
use judge::{Habits, Judge};
use posmap::PosMap;

/// What kind of text.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Markup {
    /// Tags.
    Html,
    /// Anything else; headings are recognised in all the ways that plain text has them.
    Plain,
}

/// Reads an article. `position` leads from a byte of `text` to one of the document.
pub(crate) fn read(
    text: &str,
    markup: Markup,
    position: &dyn Fn(usize) -> u64,
    into: &mut Collector<'_>,
) {
    let page = match markup {
        Markup::Html => html::read(text),
        Markup::Plain => {
            let mut map = PosMap::default();
            map.at(0, 0);
            html::Page {
                map,
                ..Default::default()
            }
        }
    };
    let shown: &str = if markup == Markup::Html {
        &page.text
    } else {
        text
    };
    let refanged = refang::refang(shown);
    let offset = |at: usize| position(page.map.input(refanged.map.input(at)));
    for &at in page.hidden.iter().take(50) {
        into.problem(format!(
            "byte {}: text that a browser does not show was left out",
            position(at)
        ));
    }
    into.advisory.title = if page.title.is_empty() {
        title(shown)
    } else {
        page.title.clone()
    };
    crate::ids::scan(&refanged.text, offset, into);
    if markup == Markup::Html {
        for (at, target) in &page.targets {
            crate::ids::scan(target, |_| position(*at), into);
        }
    }

    let lines = context::lines(&refanged.text);
    let found = scan::candidates(&refanged);
    let standings = standings(&refanged.text, &lines, &found);
    let habits = habits(&refanged.text, &lines, &found, &standings, &page);
    let judge = Judge {
        text: &refanged.text,
        habits: &habits,
    };
    let mut line = 0;
    for (number, c) in found.iter().enumerate() {
        while lines.get(line + 1).is_some_and(|l| l.start <= c.start) {
            line += 1;
        }
        let Some(l) = lines.get(line) else { break };
        // Positions of hyperlinks are in the text before refanging.
        let before_refang = refanged.map.input(c.start);
        let n = page.links.partition_point(|r| r.end <= before_refang);
        let linked = page
            .links
            .get(n)
            .is_some_and(|r| r.contains(&before_refang));
        let standing = standings.get(number).copied().unwrap_or(Standing::Running);
        let (kept, why) = judge.verdict(c, l, standing, linked, into);
        let port = c
            .value
            .port
            .filter(|_| kept)
            .map(|p| format!("; written with port {p}"));
        let why = why + port.as_deref().unwrap_or("");
        let written = written(shown, &refanged, c.start, c.end);
        let derived = if kept { into.host_of(&c.value) } else { None };
        let at = offset(c.start);
        push(into, c.value.clone(), written, at, kept, why);
        if let Some((host, why)) = derived {
            push(into, host, written, at, true, why);
        }
    }
    for l in &lines {
        if matches!(l.section, Section::References) {
            continue;
        }
        for (value, start, end) in labelled::values(&refanged.text, l) {
            let what = if value.kind == UserAgent {
                "user agent"
            } else {
                "e-mail subject"
            };
            let written = written(shown, &refanged, start, end);
            push(
                into,
                value,
                written,
                offset(start),
                true,
                format!("labelled as {what}"),
            );
        }
    }
    // Targets of hyperlinks last: the same value in the text has the better reason.
    for (at, target) in &page.targets {
        if let Some(value) = value::url(target) {
            let why = "the target of a hyperlink, not text of the article: a reference".to_owned();
            push(into, value, cut(target, 512), position(*at), false, why);
        }
    }
    if found.len() > 1 && habits.is_list {
        into.advisory.format = format!("{} list", into.advisory.format);
    }
}

fn push(
    into: &mut Collector<'_>,
    v: value::Value,
    written: &str,
    offset: u64,
    kept: bool,
    why: String,
) {
    into.push(Indicator {
        kind: v.kind,
        value: v.value,
        written: cut(written, 512).to_owned(),
        offset,
        kept,
        why,
        shared: false,
        partial: false,
        valid_from: None,
        valid_until: None,
    });
}

/// The text as it stood before refanging.
fn written<'a>(shown: &'a str, r: &refang::Refanged, start: usize, end: usize) -> &'a str {
    let from = r.map.input(start);
    // The end is taken from the last character, so that nothing after it is included.
    let last = context::floor(&r.text, end.saturating_sub(1));
    let width = r.text[last..end].len();
    let to = r.map.input(last) + width;
    shown.get(from..to.max(from)).unwrap_or("")
}

/// How each candidate stands in its line. A line of nothing but values is a list, too.
fn standings(text: &str, lines: &[context::Line], found: &[scan::Candidate]) -> Vec<Standing> {
    let mut all = Vec::with_capacity(found.len());
    let mut rest = found;
    for line in lines {
        let n = rest.partition_point(|c| c.start < line.end);
        let (here, later) = rest.split_at(n);
        rest = later;
        if here.is_empty() {
            continue;
        }
        let covered: usize = here.iter().map(|c| c.end - c.start).sum();
        let marks = |b: &u8| b.is_ascii_alphanumeric();
        let letters = text.as_bytes()[line.start..line.end]
            .iter()
            .filter(|b| marks(b))
            .count();
        let only_values = here.len() > 1 && covered * 10 >= letters * 9;
        all.extend(here.iter().map(|c| {
            if only_values {
                Standing::Alone
            } else {
                context::standing(text, line, c.start, c.end)
            }
        }));
    }
    all
}

/// What the document as a whole tells.
fn habits(
    text: &str,
    lines: &[context::Line],
    found: &[scan::Candidate],
    standings: &[Standing],
    page: &html::Page,
) -> Habits {
    let names = |k: IndicatorKind| judge::is_name(k);
    let filled = lines
        .iter()
        .filter(|l| !text[l.start..l.end].trim().is_empty())
        .count();
    let mut alone = 0;
    let mut line = 0;
    let mut last_line = usize::MAX;
    let mut live_names = 0;
    for (c, standing) in found.iter().zip(standings) {
        while lines.get(line + 1).is_some_and(|l| l.start <= c.start) {
            line += 1;
        }
        if *standing != Standing::Alone || c.value.kind == FileName {
            continue;
        }
        live_names += usize::from(c.value.kind == Domain && !c.defanged && c.flaw.is_none());
        if line != last_line {
            alone += 1;
            last_line = line;
        }
    }
    Habits {
        defangs_names: found.iter().any(|c| c.defanged && names(c.value.kind)),
        defangs_addresses: found
            .iter()
            .any(|c| c.defanged && matches!(c.value.kind, Ipv4 | Ipv6)),
        lists_live_names: live_names >= 3,
        is_list: alone * 3 >= filled * 2 && alone > 0,
        own_site: page
            .own_url
            .as_deref()
            .and_then(value::url)
            .and_then(|u| value::host_of(&u.value))
            .and_then(|h| value::registrable(&h.value).map(str::to_owned)),
    }
}

/// The first heading, or the first line with words.
fn title(text: &str) -> String {
    let mut first = "";
    for line in text.lines().take(60) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(':') || line.starts_with("---") {
            continue;
        }
        if let Some(t) = line.strip_prefix("# ").or_else(|| line.strip_prefix("= ")) {
            return cut(t.trim(), 200).to_owned();
        }
        if first.is_empty() {
            first = line;
        }
    }
    if value::classify(first).is_some() {
        String::new()
    } else {
        cut(first, 200).to_owned()
    }
}
