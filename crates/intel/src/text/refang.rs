//! Undoes defanging: `hxxp[:]//evil[.]example` is written so that nobody clicks on it.
//!
//! The forms are those met in published reports: `hxxp`, `h**p`, `[.]`, `(.)`, `{.}`, `[dot]`,
//! `[point]`, `[@]`, `(at)`, `[:]`, `[://]`, `[/]`, `\.`, ` dot ` and ` at ` between words where
//! an address is being spelt, full-width dots, zero-width characters, brackets around the last
//! label (`evil[.com]`).

use super::posmap::PosMap;

/// A text with defanging undone.
#[derive(Debug, Default)]
pub(crate) struct Refanged {
    /// The text.
    pub(crate) text: String,
    /// From `text` back to the text given.
    pub(crate) map: PosMap,
    /// Positions in `text` where something was undone, ascending.
    pub(crate) marks: Vec<usize>,
}

impl Refanged {
    /// Whether anything was undone in `start .. end` of [`Self::text`].
    pub(crate) fn marked(&self, start: usize, end: usize) -> bool {
        let first = self.marks.partition_point(|&m| m < start);
        self.marks.get(first).is_some_and(|&m| m < end)
    }
}

/// Undoes defanging in `input`. Linear: looks at most a fixed distance ahead and back.
pub(crate) fn refang(input: &str) -> Refanged {
    let bytes = input.as_bytes();
    let mut out = Refanged::default();
    out.text.reserve(input.len());
    let mut pos = 0;
    while pos < bytes.len() {
        let step = match bytes[pos] {
            b'[' | b'(' | b'{' => bracketed(input, pos, &out.text),
            b'h' | b'H' | b'f' | b'F' | b'm' | b'M' => scheme(input, pos),
            b'\\' => backslash(bytes, pos),
            b' ' => spelt(input, pos, &out.text),
            0xC2 | 0xE1 | 0xE2 | 0xE3 | 0xEF => special(input, pos, &out.text),
            _ => None,
        };
        if let Some(step) = step {
            for _ in 0..step.unwrite {
                out.text.pop();
            }
            // Positions of marks never go back past the text: unwrite removes blanks only.
            let at = out.text.len();
            out.map.at(at, pos);
            if step.mark {
                out.marks.push(at);
            }
            out.text.push_str(step.write);
            pos += step.read;
            out.map.at(out.text.len(), pos);
        } else {
            let Some(c) = input.get(pos..).and_then(|s| s.chars().next()) else {
                break;
            };
            out.map.at(out.text.len(), pos);
            out.text.push(c);
            pos += c.len_utf8();
        }
    }
    out
}

/// One replacement.
struct Step {
    /// Bytes of the input it replaces.
    read: usize,
    /// What it is replaced by.
    write: &'static str,
    /// Blanks to take back from the output first.
    unwrite: usize,
    /// Whether this is defanging (and not only another way to write a character).
    mark: bool,
}

/// What stands in brackets, without blanks, and what it means.
const BRACKETED: &[(&str, &str)] = &[
    (".", "."),
    ("dot", "."),
    ("d0t", "."),
    ("point", "."),
    ("punkt", "."),
    ("punto", "."),
    ("@", "@"),
    ("at", "@"),
    ("arobase", "@"),
    (":", ":"),
    ("::", "::"),
    ("/", "/"),
    ("//", "//"),
    ("://", "://"),
    (":/", ":/"),
    ("http", "http"),
    ("https", "https"),
    ("www", "www"),
    ("-", "-"),
];

fn bracketed(input: &str, pos: usize, written: &str) -> Option<Step> {
    let bytes = input.as_bytes();
    let close = match bytes[pos] {
        b'[' => b']',
        b'(' => b')',
        _ => b'}',
    };
    let window = bytes.get(pos + 1..(pos + 16).min(bytes.len()))?;
    // `evil[.com]` and `evil[.]com]`-like halves: a bracket opened before a dot and closed after
    // the label, or never closed.
    let length = window.iter().position(|&b| b == close)?;
    let inner = input.get(pos + 1..pos + 1 + length)?;
    let word = inner.trim();
    let before = written.trim_end_matches(' ').chars().next_back();
    let blanks = written.len() - written.trim_end_matches(' ').len();
    let after = pos + 1 + length + 1;
    let rest = input.get(after..)?;
    let rest_blanks = rest.len() - rest.trim_start_matches(' ').len();
    let next = rest.trim_start_matches(' ').chars().next();
    let joins =
        |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "-_[](){}/%:".contains(c));
    for (form, write) in BRACKETED {
        if !word.eq_ignore_ascii_case(form) {
            continue;
        }
        let glued = blanks == 0 && rest_blanks == 0;
        let joining = matches!(*write, "." | "@") && joins(before) && joins(next);
        let fits = match *write {
            // "(at)" and "(.)" in prose stand apart; here both neighbours must be of an address.
            "." => joining && (glued || (blanks <= 1 && rest_blanks <= 1 && ends_name(rest))),
            "@" => joining && (glued || (blanks <= 1 && rest_blanks <= 1 && dotted(rest))),
            "-" => glued && close == b']' && joins(before) && joins(next),
            "http" | "https" => close == b']' && matches!(next, Some(':' | '[')),
            "www" => close == b']' && matches!(next, Some('.' | '[')),
            "/" => glued && before.is_some() && close == b']',
            ":" | "::" => {
                glued && (before.is_some_and(char::is_alphanumeric) || before == Some(':'))
            }
            _ => glued && before.is_some_and(|c| c.is_alphanumeric() || c == ':'),
        };
        if fits {
            let apart = joining && !glued;
            return Some(Step {
                read: 1 + length + 1 + if apart { rest_blanks } else { 0 },
                write,
                unwrite: if apart { blanks } else { 0 },
                mark: true,
            });
        }
    }
    // `evil[.com]`: take the bracket away, the dot follows by itself, and the closing one is a
    // separator that the scanner trims.
    if close == b']'
        && blanks == 0
        && before.is_some_and(char::is_alphanumeric)
        && word.len() > 2
        && word.starts_with('.')
        && word[1..].bytes().all(|b| b.is_ascii_alphanumeric())
    {
        return Some(Step {
            read: 2,
            write: ".",
            unwrite: 0,
            mark: true,
        });
    }
    None
}

/// Whether `rest` begins with a label that a name may end with, or goes on with.
fn ends_name(rest: &str) -> bool {
    dotted(rest) || crate::value::is_top_level(label_at_start(rest.trim_start_matches(' ')))
}

/// Whether the label that `rest` begins with is followed by a dot in one of its forms.
fn dotted(rest: &str) -> bool {
    let rest = rest.trim_start_matches(' ');
    let tail = &rest[label_at_start(rest).len()..];
    spelt_dot(tail)
        || ["[.", "(.", "{.", "[dot", "(dot", "{dot", " [", " ("]
            .iter()
            .any(|d| tail.starts_with(d))
        || (tail.starts_with('.') && tail[1..].starts_with(is_label))
}

fn scheme(input: &str, pos: usize) -> Option<Step> {
    let bytes = input.as_bytes();
    if pos > 0 && bytes[pos - 1].is_ascii_alphanumeric() {
        return None;
    }
    let at = |i: usize| bytes.get(pos + i).map(u8::to_ascii_lowercase);
    // What must follow, possibly defanged itself.
    let follows = |i: usize| {
        matches!(at(i), Some(b':'))
            || (matches!(at(i), Some(b'[' | b'(' | b'{')) && matches!(at(i + 1), Some(b':')))
            || (at(i) == Some(b']') && at(i + 1) == Some(b':'))
    };
    let secure = |i: usize| usize::from(at(i) == Some(b's'));
    let mangled = |c: Option<u8>| matches!(c, Some(b'x' | b'z' | b'*' | b't' | b'_' | b'#'));
    match at(0)? {
        b'h' if mangled(at(1)) && mangled(at(2)) && at(3) == Some(b'p') => {
            let s = secure(4);
            if (at(1) == Some(b't') && at(2) == Some(b't')) || !follows(4 + s) {
                return None;
            }
            let write = if s == 1 { "https" } else { "http" };
            Some(Step {
                read: 4 + s,
                write,
                unwrite: 0,
                mark: true,
            })
        }
        b'f' if at(1) == Some(b'x') && at(2) == Some(b'p') && follows(3) => Some(Step {
            read: 3,
            write: "ftp",
            unwrite: 0,
            mark: true,
        }),
        b'm' if bytes.get(pos..pos + 7)?.eq_ignore_ascii_case(b"meow://") => Some(Step {
            read: 4,
            write: "http",
            unwrite: 0,
            mark: true,
        }),
        _ => None,
    }
}

fn backslash(bytes: &[u8], pos: usize) -> Option<Step> {
    let alnum = |i: Option<&u8>| i.is_some_and(u8::is_ascii_alphanumeric);
    match bytes.get(pos + 1)? {
        b'.' if pos > 0 && alnum(bytes.get(pos - 1)) && alnum(bytes.get(pos + 2)) => Some(Step {
            read: 2,
            write: ".",
            unwrite: 0,
            mark: true,
        }),
        // JSON and JavaScript write `/` so; that is not defanging.
        b'/' => Some(Step {
            read: 2,
            write: "/",
            unwrite: 0,
            mark: false,
        }),
        _ => None,
    }
}

/// ` dot ` and ` at ` as words, only where an address is being spelt out.
fn spelt(input: &str, pos: usize, written: &str) -> Option<Step> {
    let rest = input.get(pos + 1..)?;
    let word_end = rest
        .find(|c: char| !c.is_ascii_alphabetic())
        .filter(|&n| n > 1 && n < 8)?;
    let word = &rest[..word_end];
    let after = rest.get(word_end..)?.strip_prefix(' ')?;
    let next: &str = label_at_start(after);
    let last_end = written.len();
    // A name is at most 253 bytes long; further back nothing can belong to it.
    let floor = super::context::floor(written, last_end.saturating_sub(320));
    let near = &written[floor..];
    let last_start = near
        .rfind(|c: char| !is_label(c) && c != '.' && c != '@')
        .map_or(floor, |i| {
            floor + i + near[i..].chars().next().map_or(1, char::len_utf8)
        });
    let last = &written[last_start..last_end];
    if next.is_empty() || last.is_empty() || !last.ends_with(is_label) {
        return None;
    }
    let step = |write| {
        Some(Step {
            read: 1 + word_end + 1,
            write,
            unwrite: 0,
            mark: true,
        })
    };
    if word.eq_ignore_ascii_case("dot") || word.eq_ignore_ascii_case("point") {
        // "the dot com bubble" is no address: ask for a mark of one on the left (a digit, hyphen,
        // dot or at-sign) or a second " dot " on the right, and for a last label that exists.
        let marked = last.contains(['.', '@', '-']) || last.bytes().any(|b| b.is_ascii_digit());
        let tail = after.get(next.len()..).unwrap_or("");
        let again = spelt_dot(tail);
        let end = if again { None } else { Some(next) };
        let known = end.is_none_or(|n| crate::value::is_top_level(n.trim_end_matches('.')));
        if (marked || again) && known {
            return step(".");
        }
    } else if word.eq_ignore_ascii_case("at") {
        let tail = after.get(next.len()..).unwrap_or("");
        let dotted = spelt_dot(tail)
            || tail.starts_with("[.]")
            || tail.starts_with("(dot)")
            || tail.starts_with("[dot]");
        if dotted && !last.contains('@') && last.bytes().all(|b| b.is_ascii_graphic()) {
            return step("@");
        }
    }
    None
}

fn spelt_dot(tail: &str) -> bool {
    tail.get(..5)
        .is_some_and(|t| t.eq_ignore_ascii_case(" dot "))
        || tail
            .get(..7)
            .is_some_and(|t| t.eq_ignore_ascii_case(" point "))
}

fn is_label(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || c == '_'
}

/// The label that `text` begins with, at most 63 bytes.
fn label_at_start(text: &str) -> &str {
    let end = text
        .char_indices()
        .take(64)
        .find(|&(_, c)| !is_label(c))
        .map_or_else(
            || text.char_indices().nth(64).map_or(text.len(), |(i, _)| i),
            |(i, _)| i,
        );
    &text[..end]
}

/// Characters that are invisible, or dots of another script.
fn special(input: &str, pos: usize, written: &str) -> Option<Step> {
    let mut chars = input.get(pos..)?.chars();
    let c = chars.next()?;
    let next = chars.next();
    let read = c.len_utf8();
    let address = |c: Option<char>| {
        c.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '/' | '@'))
    };
    let before = written.chars().next_back();
    match c {
        '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}' | '\u{180e}' => {
            // Beside the punctuation of an address, an invisible character is there to break it.
            let breaks = |c: Option<char>| matches!(c, Some('.' | ':' | '/' | '@'));
            let mark = address(before) && address(next) && (breaks(before) || breaks(next));
            Some(Step {
                read,
                write: "",
                unwrite: 0,
                mark,
            })
        }
        // A full stop of another script (IDNA treats them as dots), one-dot leader.
        '\u{3002}' | '\u{ff0e}' | '\u{ff61}' | '\u{2024}'
            if before.is_some_and(char::is_alphanumeric)
                && next.is_some_and(char::is_alphanumeric) =>
        {
            Some(Step {
                read,
                write: ".",
                unwrite: 0,
                mark: true,
            })
        }
        // Non-breaking blanks and hyphens, as word processors write them.
        '\u{a0}' | '\u{202f}' => Some(Step {
            read,
            write: " ",
            unwrite: 0,
            mark: false,
        }),
        '\u{2010}' | '\u{2011}' => Some(Step {
            read,
            write: "-",
            unwrite: 0,
            mark: false,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (written, meant) in [
            ("hxxp[:]//evil[.]org/a", "http://evil.org/a"),
            ("hXXps://evil(.)org", "https://evil.org"),
            ("hxxps[://]evil{.}org", "https://evil.org"),
            ("h**p://evil.org", "http://evil.org"),
            ("evil[dot]org and evil(dot)org", "evil.org and evil.org"),
            ("evil [.] org", "evil.org"),
            ("1[.]2.3[.]4", "1.2.3.4"),
            ("evil[.com] is", "evil.com] is"),
            ("evil\\.org", "evil.org"),
            ("user[@]evil[.]org", "user@evil.org"),
            ("user(at)evil(dot)org", "user@evil.org"),
            ("user at evil-corp dot org.", "user@evil-corp.org."),
            ("evil.\u{200b}org", "evil.org"),
            ("evil。org", "evil.org"),
            ("2001[:]db8[:][:]1", "2001:db8::1"),
            ("2001:db8[::]1", "2001:db8::1"),
            ("https:\\/\\/evil.org", "https://evil.org"),
            ("mx1 dot evil dot org", "mx1.evil.org"),
            ("evil[point]fr", "evil.fr"),
        ] {
            let got = refang(written);
            assert_eq!(got.text, meant, "{written}");
        }
    }

    #[test]
    fn prose_stays() {
        for text in [
            "the dot com bubble",
            "we met at noon (at) last",
            "see section (.) of it",
            "C:\\.config",
            "look at that",
            "array[0].name",
            "http://plain.example/",
            "(http) and [https]",
        ] {
            let got = refang(text);
            assert_eq!(got.text, text);
            assert!(got.marks.is_empty());
        }
    }

    #[test]
    fn positions_lead_back() {
        let text = "é hxxp://evil[.]org x";
        let got = refang(text);
        let at = got.text.find("http").unwrap();
        assert_eq!(got.map.input(at), text.find("hxxp").unwrap());
        let x = got.text.rfind('x').unwrap();
        assert_eq!(got.map.input(x), text.rfind('x').unwrap());
        assert!(got.marked(at, at + 5));
        assert!(!got.marked(x, x + 1));
    }
}
