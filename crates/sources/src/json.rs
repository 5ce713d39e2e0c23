//! JSON objects read member by member, without building a tree.
//!
//! Logs put one object on a line and a reader wants a few of its members, so strings are borrowed
//! and unescaped only when they hold an escape. Depth is bounded; anything malformed is `None`.

use std::borrow::Cow;

/// A value, not yet interpreted.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A string, between its quotes, escapes as written.
    Text(&'a str),
    /// A number, `true`, `false` or `null`, as written.
    Plain(&'a str),
    /// An object or array, brackets included.
    Nested(&'a str),
}

impl<'a> Value<'a> {
    /// The string, unescaped; a number or word as written; `""` for `null` and nested values.
    pub fn text(self) -> Cow<'a, str> {
        match self {
            Self::Text(raw) if memchr::memchr(b'\\', raw.as_bytes()).is_some() => {
                unescape(raw).into()
            }
            Self::Text(raw) => raw.into(),
            Self::Plain("null") | Self::Nested(_) => "".into(),
            Self::Plain(raw) => raw.into(),
        }
    }

    /// A number that is not negative, also if written as a string.
    pub fn number(self) -> Option<u64> {
        match self {
            Self::Text(raw) | Self::Plain(raw) => crate::field::number(raw),
            Self::Nested(_) => None,
        }
    }
}

const DEPTH: usize = 64;

/// Calls `each` with every member of the object that `text` is. `None`: not an object, or broken
/// (members before the break have been given).
pub fn members<'a>(text: &'a str, mut each: impl FnMut(&'a str, Value<'a>)) -> Option<()> {
    let bytes = text.as_bytes();
    let mut at = blank(bytes, 0);
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    at = blank(bytes, at + 1);
    if bytes.get(at) == Some(&b'}') {
        return Some(());
    }
    loop {
        let end = string_end(bytes, at)?;
        let key = text.get(at + 1..end)?;
        at = blank(bytes, end + 1);
        if bytes.get(at) != Some(&b':') {
            return None;
        }
        at = blank(bytes, at + 1);
        let (value, after) = value(text, at)?;
        each(key, value);
        at = blank(bytes, after);
        match bytes.get(at)? {
            b',' => at = blank(bytes, at + 1),
            b'}' => return Some(()),
            _ => return None,
        }
    }
}

/// Calls `each` with every element of an array.
pub fn elements<'a>(text: &'a str, mut each: impl FnMut(Value<'a>)) -> Option<()> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'[') {
        return None;
    }
    let mut at = blank(bytes, 1);
    if bytes.get(at) == Some(&b']') {
        return Some(());
    }
    loop {
        let (value, after) = value(text, at)?;
        each(value);
        at = blank(bytes, after);
        match bytes.get(at)? {
            b',' => at = blank(bytes, at + 1),
            b']' => return Some(()),
            _ => return None,
        }
    }
}

fn blank(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// Position of the closing quote of the string that opens at `at`.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    let mut at = at + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

fn value(text: &str, at: usize) -> Option<(Value<'_>, usize)> {
    let bytes = text.as_bytes();
    match bytes.get(at)? {
        b'"' => {
            let end = string_end(bytes, at)?;
            Some((Value::Text(text.get(at + 1..end)?), end + 1))
        }
        b'{' | b'[' => {
            let mut depth = 0;
            let mut end = at;
            // Strings are jumped over; what is between them is short.
            loop {
                match bytes.get(end)? {
                    b'"' => end = string_end(bytes, end)?,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                end += 1;
                if depth == 0 {
                    return Some((Value::Nested(text.get(at..end)?), end));
                }
                if depth > DEPTH {
                    return None;
                }
            }
        }
        _ => {
            let mut end = at;
            while matches!(bytes.get(end), Some(b) if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.'))
            {
                end += 1;
            }
            (end > at).then_some((Value::Plain(text.get(at..end)?), end))
        }
    }
}

fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1).copied().unwrap_or(b'\\');
        rest = rest.get(at + 2..).unwrap_or_default();
        match escape {
            b'n' => text.push('\n'),
            b't' => text.push('\t'),
            b'r' => text.push('\r'),
            b'b' => text.push('\u{8}'),
            b'f' => text.push('\u{c}'),
            b'u' => {
                let (character, after) = unicode(rest);
                text.push(character);
                rest = after;
            }
            other if other.is_ascii() => text.push(char::from(other)),
            // A backslash before a character beyond ASCII: not JSON; `get` above has given up the
            // rest, which is lost rather than cut inside a character.
            _ => text.push(char::REPLACEMENT_CHARACTER),
        }
    }
    text.push_str(rest);
    text
}

fn unicode(rest: &str) -> (char, &str) {
    let unit = |text: &str| {
        text.get(..4)
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
    };
    let Some(high) = unit(rest) else {
        return (char::REPLACEMENT_CHARACTER, rest);
    };
    let after = &rest[4..];
    if (0xd800..0xdc00).contains(&high)
        && let Some(low) = after.strip_prefix("\\u").and_then(unit)
        && (0xdc00..0xe000).contains(&low)
    {
        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return (
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
            &after[6..],
        );
    }
    (
        char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER),
        after,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &str) -> Option<Vec<(String, String)>> {
        let mut out = Vec::new();
        members(text, |key, value| {
            let shown = match value {
                Value::Nested(raw) => raw.to_owned(),
                value => value.text().into_owned(),
            };
            out.push((key.to_owned(), shown));
        })?;
        Some(out)
    }

    #[test]
    fn members_of_an_object() {
        let text = r#"{ "a" : "x\"y\u00e9\ud83d\ude00", "b":{"c":["}",1]}, "n":-1.5e3, "t":true, "z":null }"#;
        let expected = [
            ("a", "x\"yé😀"),
            ("b", r#"{"c":["}",1]}"#),
            ("n", "-1.5e3"),
            ("t", "true"),
            ("z", ""),
        ];
        assert_eq!(
            all(text),
            Some(expected.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec())
        );
        assert_eq!(all("{}"), Some(vec![]));
        for broken in [
            "",
            "[]",
            "{",
            r#"{"a""#,
            r#"{"a":"#,
            r#"{"a":1"#,
            r#"{"a":"\"#,
            "{\"a\":[[}",
        ] {
            assert_eq!(all(broken), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in r#"[{}\[\]",:\\u0-9a-fé ]{0,60}"#) {
            let _ = all(&text);
            let _ = elements(&text, |value| { let _ = value.text(); });
        }
    }
}
