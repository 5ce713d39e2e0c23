//! Tokens of RFC 5228 section 2 and 8.1.

use std::ops::Range;

use super::ScriptError;

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Name of a command or test.
    Identifier(String),
    /// `:name`, the colon included.
    Tag(String),
    /// Number, multiplied by its suffix K, M or G.
    Number(u64),
    /// Quoted or multi-line string, escapes undone.
    String(String),
    /// One of `[](){},;`.
    Punctuation(u8),
    /// Comment, with its sign; kept because webmails name rules in them.
    Comment(String),
}

/// A token and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Octets of the script.
    pub range: Range<usize>,
}

/// Cuts a script into tokens; octets that begin none are errors.
pub fn tokens(script: &[u8]) -> (Vec<Token>, Vec<ScriptError>) {
    let mut out = Vec::new();
    let mut errors = Vec::new();
    // A byte order mark is no part of the grammar, but editors leave it.
    let mut at = if script.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    while let Some(&b) = script.get(at) {
        let start = at;
        let kind = match b {
            b' ' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            b'#' => {
                at = line_end(script, at);
                Kind::Comment(text(&script[start..at]))
            }
            b'/' if script.get(at + 1) == Some(&b'*') => {
                at = match memchr::memmem::find(&script[at + 2..], b"*/") {
                    Some(i) => at + 2 + i + 2,
                    None => {
                        errors.push(error(start, "comment without end"));
                        script.len()
                    }
                };
                Kind::Comment(text(&script[start..at]))
            }
            b'"' => {
                let (value, end, closed) = quoted(script, at);
                if !closed {
                    errors.push(error(start, "string without end"));
                }
                at = end;
                Kind::String(value)
            }
            b'[' | b']' | b'(' | b')' | b'{' | b'}' | b',' | b';' => {
                at += 1;
                Kind::Punctuation(b)
            }
            b':' => {
                at += 1 + word(&script[at + 1..]);
                Kind::Tag(text(&script[start..at]))
            }
            b'0'..=b'9' => {
                let digits = script[at..]
                    .iter()
                    .take_while(|b| b.is_ascii_digit())
                    .count();
                at += digits;
                let factor = match script.get(at) {
                    Some(b'K' | b'k') => 1 << 10,
                    Some(b'M' | b'm') => 1 << 20,
                    Some(b'G' | b'g') => 1 << 30,
                    _ => 1u64,
                };
                let number = text(&script[start..at]).parse::<u64>().unwrap_or(u64::MAX);
                at += usize::from(factor > 1);
                Kind::Number(number.saturating_mul(factor))
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => {
                at += word(&script[at..]);
                if script[start..at].eq_ignore_ascii_case(b"text") && script.get(at) == Some(&b':')
                {
                    let (value, end, closed) = multi_line(script, at + 1);
                    if !closed {
                        errors.push(error(start, "multi-line text without end"));
                    }
                    at = end;
                    Kind::String(value)
                } else {
                    Kind::Identifier(text(&script[start..at]))
                }
            }
            _ => {
                // One error for a run of octets that begin nothing.
                while script.get(at).is_some_and(|b| !starts_token(*b)) {
                    at += 1;
                }
                errors.push(error(start, "octets that are no token"));
                continue;
            }
        };
        out.push(Token {
            kind,
            range: start..at,
        });
    }
    (out, errors)
}

fn starts_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b" \t\r\n#/\"[](){},;:_".contains(&b) && b != b'/'
}

fn error(offset: usize, reason: &str) -> ScriptError {
    ScriptError {
        offset,
        reason: reason.to_owned(),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn word(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
        .count()
}

fn line_end(script: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &script[at..]).map_or(script.len(), |i| at + i)
}

fn quoted(script: &[u8], at: usize) -> (String, usize, bool) {
    let mut value = Vec::new();
    let mut i = at + 1;
    while let Some(&b) = script.get(i) {
        match b {
            b'"' => return (text(&value), i + 1, true),
            b'\\' => {
                if let Some(&next) = script.get(i + 1) {
                    value.push(next);
                }
                i += 2;
            }
            _ => {
                value.push(b);
                i += 1;
            }
        }
    }
    (text(&value), script.len(), false)
}

/// `text:` [comment] CRLF, lines, a line with a single dot.
fn multi_line(script: &[u8], at: usize) -> (String, usize, bool) {
    let mut i = (line_end(script, at) + 1).min(script.len());
    let mut value = Vec::new();
    while i < script.len() {
        let end = (line_end(script, i) + 1).min(script.len());
        let line = &script[i..end];
        let bare = line.strip_suffix(b"\n").unwrap_or(line);
        let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
        if bare == b"." {
            return (text(&value), end, true);
        }
        value.extend_from_slice(if bare.starts_with(b"..") {
            &line[1..]
        } else {
            line
        });
        i = end;
    }
    (text(&value), script.len(), false)
}
