//! The case on one screen: verdict first, at most [`MAX_LINES`] lines at 100 columns.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};
use vauban_case::contract::{Case, Label, Verdict};

use crate::{
    Lang,
    escape::{shown, shown_short},
    facts::{Facts, headline},
    fmt, labels,
    lang::Key as K,
};

/// Lines of a summary at 100 columns or more.
pub const MAX_LINES: usize = 40;

/// Columns of the labels at the left.
const LABEL: usize = 14;

/// The summary, lines ended by `\n`, none longer than `width` columns (at least 40 are used).
/// Escape sequences stand in it only if `colour` is set, and then only ours.
pub fn summary(case: &Case, lang: Lang, width: usize, colour: bool) -> String {
    let facts = Facts::new(case);
    let mut s = Screen {
        out: Vec::new(),
        width: width.clamp(40, 160),
        colour,
    };

    let tint = match case.verdict {
        Verdict::Breached => "1;31",
        Verdict::NoEvidenceOfBreach => "1;32",
        Verdict::Inconclusive => "1;33",
    };
    let word = labels::verdict(case.verdict, lang).to_uppercase();
    let confidence = if case.confidence.word.is_empty() {
        String::new()
    } else {
        format!(
            "  {} ({})",
            labels::confidence(&case.confidence.word, lang),
            fmt::percent_range(case.confidence.low, case.confidence.high, lang)
        )
    };
    s.out.push(format!("{}{confidence}", s.paint(&word, tint)));
    s.wrapped(&headline(&facts, lang), 0, 3);
    s.blank();

    taken(&mut s, &facts, lang);
    entry(&mut s, &facts, lang);
    left_behind(&mut s, &facts, lang);
    if !case.secrets.is_empty() {
        let used = case.secrets.iter().filter(|x| x.used).count() as u64;
        let text = lang.f(
            K::TermSecrets,
            &[
                &fmt::count(case.secrets.len() as u64, lang),
                &fmt::count(used, lang),
            ],
        );
        s.item(lang.t(K::TermReset), &text, 1);
    }
    if case.verdict != Verdict::NoEvidenceOfBreach && !case.next_steps.is_empty() {
        s.blank();
    }
    for (i, x) in case.next_steps.iter().take(5).enumerate() {
        let text = format!(
            "{}{}{}",
            labels::deadline(&x.deadline, lang),
            lang.t(K::Colon),
            lang.pick(&x.what, &x.what_fr)
        );
        s.item(if i == 0 { lang.t(K::TermDo) } else { "" }, &text, 1);
    }
    if !case.unknowable.is_empty() || !case.would_settle.is_empty() {
        s.blank();
    }
    for (i, x) in case.unknowable.iter().take(2).enumerate() {
        s.item(
            if i == 0 { lang.t(K::TermUnknown) } else { "" },
            lang.text(x),
            2,
        );
    }
    if let Some(x) = case.would_settle.first() {
        s.item(lang.t(K::TermSettle), lang.text(x), 2);
    }
    coverage(&mut s, &facts, lang);
    s.out
        .iter()
        .map(|l| format!("{}\n", l.trim_end()))
        .collect()
}

fn taken(s: &mut Screen, facts: &Facts, lang: Lang) {
    let t = &facts.case.totals;
    if facts.case.verdict != Verdict::Breached && t.messages_read == 0 && t.documents_read == 0 {
        return;
    }
    let row = |noun: K, n: [u64; 3]| {
        let cell = |n: u64, what: &str| format!("{:>7} {what}", fmt::count(n, lang));
        format!(
            "{:<10}{}{}{}",
            lang.t(noun),
            cell(n[0], lang.t(K::TermRead)),
            cell(n[1], lang.t(K::TermDownloaded)),
            cell(n[2], lang.t(K::TermForwarded))
        )
    };
    let documents = [
        t.documents_read,
        t.documents_downloaded,
        t.documents_forwarded,
    ];
    let messages = [t.messages_read, t.messages_downloaded, t.messages_forwarded];
    s.item(lang.t(K::TermTaken), &row(K::Documents, documents), 1);
    s.item("", &row(K::Messages, messages), 1);
    s.item(
        lang.t(K::TermLeft),
        &fmt::bounds(t.bytes_min, t.bytes_max, lang),
        1,
    );
    for (i, d) in facts.destinations.iter().take(3).enumerate() {
        let text = format!(
            "{}  {}",
            shown(d.address, 60),
            fmt::bounds(d.bytes_min, d.bytes_max, lang)
        );
        s.item(if i == 0 { lang.t(K::TermTo) } else { "" }, &text, 1);
    }
    if facts.destinations.len() > 3 {
        s.item("", &format!("+{}", facts.destinations.len() - 3), 1);
    }
}

fn entry(s: &mut Screen, facts: &Facts, lang: Lang) {
    if let (Some(since), Some(until)) = (facts.since(), facts.until()) {
        s.item(
            lang.t(K::TermSince),
            &format!("{} – {}", fmt::stamp(since), fmt::stamp(until)),
            1,
        );
    }
    let access = &facts.case.initial_access;
    for (i, x) in access.iter().take(4).enumerate() {
        let text = format!(
            "{}  {}  {}  {}",
            fmt::stamp(&x.time),
            shown(&x.account, 48),
            shown(&x.source_ip, 45),
            labels::vector(&x.vector, lang)
        );
        s.item(if i == 0 { lang.t(K::TermThrough) } else { "" }, &text, 1);
    }
    if access.len() > 4 {
        s.item("", &format!("+{}", access.len() - 4), 1);
    }
}

fn left_behind(s: &mut Screen, facts: &Facts, lang: Lang) {
    let hostile: Vec<_> = facts
        .case
        .persistence
        .iter()
        .filter(|p| p.label != Label::Legitimate)
        .collect();
    for (i, x) in hostile.iter().take(3).enumerate() {
        let text = format!(
            "{}{}{}",
            labels::persistence(&x.kind, lang),
            lang.t(K::Colon),
            lang.text(&x.detail)
        );
        s.item(if i == 0 { lang.t(K::TermBehind) } else { "" }, &text, 1);
    }
    if hostile.len() > 3 {
        s.item("", &format!("+{}", hostile.len() - 3), 1);
    }
}

fn coverage(s: &mut Screen, facts: &Facts, lang: Lang) {
    let sources = &facts.case.coverage;
    s.blank();
    if sources.is_empty() {
        s.item(lang.t(K::TermSeen), lang.t(K::NothingRead), 1);
        return;
    }
    for (i, c) in sources.iter().take(5).enumerate() {
        let day = |t: &Option<String>| {
            t.as_deref().map_or("–".to_owned(), |t| {
                fmt::stamp(t).chars().take(10).collect()
            })
        };
        let mut text = format!(
            "{:<22} {} – {}  {:>11} {}",
            shown_short(&c.source, 22),
            day(&c.from),
            day(&c.to),
            fmt::count(c.events, lang),
            lang.t(K::TermEvents)
        );
        if !c.gaps.is_empty() {
            text.push_str(&format!(", {}", lang.n(c.gaps.len() as u64, K::GapN)));
        }
        if c.unparsed > 0 {
            text.push_str(&format!(", {} ?", fmt::count(c.unparsed, lang)));
        }
        s.item(if i == 0 { lang.t(K::TermSeen) } else { "" }, &text, 1);
    }
    if sources.len() > 5 {
        s.item("", &format!("+{}", sources.len() - 5), 1);
    }
}

struct Screen {
    out: Vec<String>,
    width: usize,
    colour: bool,
}

impl Screen {
    fn paint(&self, text: &str, code: &str) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn blank(&mut self) {
        if self.out.last().is_some_and(|l| !l.is_empty()) {
            self.out.push(String::new());
        }
    }

    /// A label and its text over at most `lines` lines.
    fn item(&mut self, label: &str, text: &str, lines: usize) {
        let first = self.out.len();
        self.wrapped(text, LABEL, lines);
        let pad = LABEL.saturating_sub(label.width());
        let painted = self.paint(label, "1");
        if let Some(line) = self.out.get_mut(first) {
            let rest = line.trim_start().to_owned();
            *line = format!("{painted}{}{rest}", " ".repeat(pad));
        }
    }

    /// Text broken at spaces into at most `lines` lines, the last one cut with `…`.
    fn wrapped(&mut self, text: &str, indent: usize, lines: usize) {
        let room = self.width.saturating_sub(indent).max(10);
        let text = shown(text, 2000);
        let mut rest = text.as_str();
        for n in 1..=lines.max(1) {
            let (line, tail) = split(rest, room);
            if n == lines && !tail.is_empty() {
                let (line, _) = hard(rest, room.saturating_sub(1));
                self.out
                    .push(format!("{}{}…", " ".repeat(indent), line.trim_end()));
                return;
            }
            self.out.push(format!("{}{line}", " ".repeat(indent)));
            rest = tail;
            if rest.is_empty() {
                return;
            }
        }
    }
}

/// The part that fits `room` columns, broken at a space if there is one, and the rest.
fn split(text: &str, room: usize) -> (&str, &str) {
    if text.width() <= room {
        return (text, "");
    }
    let (fits, _) = hard(text, room);
    match fits.rfind(' ').filter(|at| *at > 0) {
        Some(at) => (
            text.get(..at).unwrap_or(""),
            text.get(at + 1..).unwrap_or(""),
        ),
        None => hard(text, room),
    }
}

/// The part that fits `room` columns, anywhere, and the rest. At least one character.
fn hard(text: &str, room: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > room && at > 0 {
            return text.split_at(at);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vauban_case::contract::{InitialAccess, NextStep};

    proptest! {
        #[test]
        fn hostile_strings_neither_escape_nor_overflow(
            s in "(?s).{0,200}",
            width in 0usize..200,
        ) {
            let mut case = Case { verdict: Verdict::Breached, ..Default::default() };
            case.initial_access.push(InitialAccess {
                account: s.clone(), source_ip: s.clone(), vector: s.clone(), time: s.clone(),
                ..Default::default()
            });
            case.next_steps.push(NextStep { what: s.clone(), deadline: s, ..Default::default() });
            for lang in [Lang::En, Lang::Fr] {
                let text = summary(&case, lang, width, false);
                prop_assert!(text.lines().count() <= MAX_LINES);
                for line in text.lines() {
                    prop_assert!(line.width() <= width.clamp(40, 160), "{line:?}");
                    prop_assert!(!line.chars().any(crate::escape::is_deceptive));
                }
            }
        }
    }

    #[test]
    fn colour_is_ours_alone() {
        let mut case = Case {
            verdict: Verdict::Inconclusive,
            ..Default::default()
        };
        case.unknowable.push(vauban_case::contract::Text {
            en: "\u{1b}[31mred".into(),
            fr: String::new(),
        });
        let text = summary(&case, Lang::En, 100, true);
        assert!(text.starts_with("\u{1b}[1;33mINCONCLUSIVE\u{1b}[0m"));
        assert!(text.contains("⟨U+001B⟩[31mred"));
    }
}
