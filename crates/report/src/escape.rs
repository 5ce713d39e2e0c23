//! Hostile strings made harmless to look at.
//!
//! Mail and logs can hold control characters, terminal sequences, bidirectional overrides that
//! make `exe.fdp` read as `pdf.exe` (CVE-2021-42574), invisible characters, and strings of
//! megabytes. Every string from the evidence goes through [`shown`] before it reaches a person;
//! escaping for the place itself (HTML entities, CSV quotes) comes on top of that.

use std::fmt::Write as _;

/// Combining marks in a row that are still drawn; more would paint over neighbouring lines.
const MAX_COMBINING: usize = 4;

/// True for characters that have no picture of their own or change how others are drawn.
///
/// Control characters (C0, DEL, C1), line and paragraph separators, the format characters of
/// UAX #9 (bidirectional) and other invisible ones, tags, noncharacters, and private or unassigned
/// planes.
pub fn is_deceptive(c: char) -> bool {
    // Noncharacters (Unicode 23.7): the last two code points of each plane, and U+FDD0–U+FDEF.
    let noncharacter = u32::from(c) & 0xFFFE == 0xFFFE || matches!(c, '\u{FDD0}'..='\u{FDEF}');
    c.is_control()
        || noncharacter
        || matches!(
            c,
            '\u{00AD}'
                | '\u{034F}'
                | '\u{061C}'
                | '\u{115F}'
                | '\u{1160}'
                | '\u{17B4}'
                | '\u{17B5}'
                | '\u{180B}'..='\u{180F}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{3164}'
                | '\u{FE00}'..='\u{FE0F}'
                | '\u{FEFF}'
                | '\u{FFA0}'
                | '\u{FFF0}'..='\u{FFFB}'
                | '\u{1D173}'..='\u{1D17A}'
                | '\u{E000}'..='\u{F8FF}'
                | '\u{E0000}'..='\u{10FFFF}'
        )
}

/// True for the combining marks that stack on the letter before them.
fn is_combining(c: char) -> bool {
    matches!(
        c,
        '\u{0300}'..='\u{036F}'
            | '\u{0483}'..='\u{0489}'
            | '\u{1AB0}'..='\u{1AFF}'
            | '\u{1DC0}'..='\u{1DFF}'
            | '\u{20D0}'..='\u{20FF}'
            | '\u{FE20}'..='\u{FE2F}'
    )
}

/// The string with every deceptive character written out as `⟨U+202E⟩`, shortened to `max`
/// characters of the input with `…` and the number left out.
///
/// Line ends and tabs are written out too: a forged line inside a user name must not look like a
/// line. The result holds no control character at all.
pub fn shown(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max.saturating_mul(4)) + 16);
    let mut marks = 0;
    let mut chars = text.chars();
    for c in chars.by_ref().take(max) {
        marks = if is_combining(c) { marks + 1 } else { 0 };
        if is_deceptive(c) || marks > MAX_COMBINING {
            let _ = write!(out, "⟨U+{:04X}⟩", c as u32);
        } else {
            out.push(c);
        }
    }
    let left = chars.count();
    if left > 0 {
        let _ = write!(out, "…[+{left}]");
    }
    out
}

/// [`shown`] without the count: for places so narrow that only `…` fits.
pub fn shown_short(text: &str, max: usize) -> String {
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(max).collect();
    if chars.next().is_none() {
        return shown(&head, max);
    }
    let keep: String = head.chars().take(max.saturating_sub(1)).collect();
    let mut out = shown(&keep, max);
    out.push('…');
    out
}

/// Text for a Markdown draft: [`shown`], with the characters that Markdown or HTML would act on
/// written so that they stand for themselves.
pub fn markdown(text: &str, max: usize) -> String {
    let mut out = String::new();
    for c in shown(text, max).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tricks_become_visible() {
        for (given, expected) in [
            ("invoice\u{202E}fdp.exe", "invoice⟨U+202E⟩fdp.exe"),
            ("\u{1b}[2J", "⟨U+001B⟩[2J"),
            ("a\r\nDec  9 forged", "a⟨U+000D⟩⟨U+000A⟩Dec  9 forged"),
            ("\u{9b}31m", "⟨U+009B⟩31m"),
            ("zero\u{200B}width", "zero⟨U+200B⟩width"),
            ("שלום עולם", "שלום עולם"),
            ("Éléonore œuvre", "Éléonore œuvre"),
        ] {
            assert_eq!(shown(given, 400), expected);
        }
    }

    #[test]
    fn long_strings_are_shortened_and_say_so() {
        let long = "a".repeat(5_000_000);
        assert_eq!(shown(&long, 10), "aaaaaaaaaa…[+4999990]");
        assert_eq!(shown_short("abcdef", 4), "abc…");
        assert_eq!(shown_short("abcd", 4), "abcd");
    }

    #[test]
    fn stacked_marks_are_cut() {
        let zalgo = format!("e{}", "\u{0301}".repeat(50));
        assert_eq!(
            shown(&zalgo, 400).matches('\u{0301}').count(),
            MAX_COMBINING
        );
    }

    #[test]
    fn markdown_stands_for_itself() {
        assert_eq!(
            markdown("[x](javascript:1) <b>", 99),
            "\\[x\\](javascript:1) &lt;b&gt;"
        );
    }

    proptest! {
        #[test]
        fn nothing_deceptive_comes_through(s in "\\PC*|(?s).*", max in 0usize..300) {
            prop_assert!(!shown(&s, max).chars().any(is_deceptive));
            prop_assert!(!shown_short(&s, max).chars().any(is_deceptive));
        }
    }
}
