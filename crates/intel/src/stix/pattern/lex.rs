//! Tokens of the STIX patterning language (STIX 2.1, section 9.8; the published ANTLR grammar).

use super::ast::Literal;
use super::{PatternError, fault};
use crate::time;

/// A token and the byte it begins at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: Kind,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A keyword or identifier, as written.
    Word(String),
    /// A constant.
    Literal(Literal),
    /// `= == != <> < <= > >=`, the first form of each.
    Operator(&'static str),
    /// One of `( ) [ ] , : . *`.
    Mark(char),
}

/// Blanks of the grammar: Unicode's space separators and ASCII's.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\r' | '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// The tokens of a pattern; comments (`/* */`, `//`) are left out.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, PatternError> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|r| r.chars().next()) {
        let rest = text.get(at..).unwrap_or("");
        if is_blank(c) {
            at += c.len_utf8();
            continue;
        }
        if rest.starts_with("//") {
            at += rest.find(['\r', '\n']).unwrap_or(rest.len());
            continue;
        }
        if rest.starts_with("/*") {
            let Some(end) = rest.find("*/") else {
                return Err(fault(at, "a comment is not closed"));
            };
            at += end + 2;
            continue;
        }
        let (kind, length) = token(rest, at)?;
        all.push(Token { at, kind });
        at += length;
    }
    Ok(all)
}

fn token(rest: &str, at: usize) -> Result<(Kind, usize), PatternError> {
    let bytes = rest.as_bytes();
    let next = bytes.get(1).copied();
    match bytes.first().copied().unwrap_or(0) {
        b'\'' => {
            let (text, length) = quoted(rest, at)?;
            Ok((Kind::Literal(Literal::Text(text)), length))
        }
        mark @ (b'(' | b')' | b'[' | b']' | b',' | b':' | b'*') => {
            Ok((Kind::Mark(char::from(mark)), 1))
        }
        b'=' if next == Some(b'=') => Ok((Kind::Operator("="), 2)),
        b'=' => Ok((Kind::Operator("="), 1)),
        b'!' if next == Some(b'=') => Ok((Kind::Operator("!="), 2)),
        b'<' if next == Some(b'>') => Ok((Kind::Operator("!="), 2)),
        b'<' if next == Some(b'=') => Ok((Kind::Operator("<="), 2)),
        b'>' if next == Some(b'=') => Ok((Kind::Operator(">="), 2)),
        b'<' => Ok((Kind::Operator("<"), 1)),
        b'>' => Ok((Kind::Operator(">"), 1)),
        b'0'..=b'9' | b'+' | b'-' | b'.' => match number(rest, at)? {
            Some((literal, length)) => Ok((Kind::Literal(literal), length)),
            None if bytes.first() == Some(&b'.') => Ok((Kind::Mark('.'), 1)),
            None => Err(fault(at, "a sign without a number")),
        },
        kind @ (b't' | b'b' | b'h') if next == Some(b'\'') => {
            let (text, length) = quoted(rest.get(1..).unwrap_or(""), at + 1)?;
            Ok((Kind::Literal(typed(kind, &text, at)?), length + 1))
        }
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
            let length = bytes
                .iter()
                .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')))
                .unwrap_or(bytes.len());
            let word = rest.get(..length).unwrap_or("");
            Ok((
                match word {
                    "true" => Kind::Literal(Literal::Bool(true)),
                    "false" => Kind::Literal(Literal::Bool(false)),
                    _ => Kind::Word(word.to_owned()),
                },
                length,
            ))
        }
        _ => Err(fault(at, "a character that no token begins with")),
    }
}

/// A string: `\'` and `\\` are its only escapes.
fn quoted(rest: &str, at: usize) -> Result<(String, usize), PatternError> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((n, c)) = chars.next() {
        match c {
            '\'' => return Ok((text, n + 1)),
            '\\' => match chars.next() {
                Some((_, c @ ('\'' | '\\'))) => text.push(c),
                _ => return Err(fault(at + n, "an escape other than \\' and \\\\")),
            },
            c => text.push(c),
        }
    }
    Err(fault(at, "a string is not closed"))
}

/// An integer or a number with a fraction; `None` if there is no digit where one must be.
fn number(rest: &str, at: usize) -> Result<Option<(Literal, usize)>, PatternError> {
    let bytes = rest.as_bytes();
    let sign = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let digits = |from: usize| {
        bytes
            .get(from..)
            .unwrap_or(b"")
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let whole = digits(sign);
    let dot = sign + whole;
    let fraction = if bytes.get(dot) == Some(&b'.') {
        digits(dot + 1)
    } else {
        0
    };
    if fraction > 0 {
        let length = dot + 1 + fraction;
        let text = rest.get(..length).unwrap_or("");
        let value = text
            .parse()
            .map_err(|_| fault(at, "a number that is none"))?;
        return Ok(Some((Literal::Float(value), length)));
    }
    if whole == 0 {
        return Ok(None);
    }
    if whole > 1 && bytes.get(sign) == Some(&b'0') {
        return Err(fault(at, "a number with a zero in front"));
    }
    let text = rest.get(..dot).unwrap_or("");
    let value = text
        .parse()
        .map_err(|_| fault(at, "a number too large for 64 bits"))?;
    Ok(Some((Literal::Int(value), dot)))
}

/// `t'…'`, `b'…'`, `h'…'`.
fn typed(kind: u8, text: &str, at: usize) -> Result<Literal, PatternError> {
    match kind {
        b't' => {
            let b = text.as_bytes();
            let shape = b.len() >= 20 && b.get(10) == Some(&b'T') && b.last() == Some(&b'Z');
            time::parse(text)
                .filter(|_| shape)
                .map(Literal::Time)
                .ok_or_else(|| fault(at, "no instant as t'2024-01-31T01:02:03Z' has it"))
        }
        b'h' => hex(text)
            .map(Literal::Bytes)
            .ok_or_else(|| fault(at, "no pairs of hexadecimal digits")),
        _ => base64(text)
            .map(Literal::Bytes)
            .ok_or_else(|| fault(at, "no Base64 (RFC 4648)")),
    }
}

pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16);
    text.as_bytes()
        .chunks_exact(2)
        .map(|c| match c {
            [a, b] => Some((digit(*a)? << 4 | digit(*b)?) as u8),
            _ => None,
        })
        .collect()
}

pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    // The grammar wants one group at least.
    if text.is_empty() || !text.len().is_multiple_of(4) {
        return None;
    }
    let body = text.trim_end_matches('=');
    if text.len() - body.len() > 2 {
        return None;
    }
    let mut out = Vec::with_capacity(body.len() * 3 / 4);
    let (mut bits, mut held) = (0u32, 0);
    for b in body.bytes() {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    Some(out)
}
