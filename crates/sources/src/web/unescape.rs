//! The escapes that web servers put into their logs.

use std::borrow::Cow;

/// How a log escapes what came from the client.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Escape {
    /// Apache's `ap_escape_logitem` (`\"`, `\\`, `\n`, `\xhh`) and nginx's `escape=default`
    /// (`\xHH` for `"`, `\`, and everything outside 0x20–0x7e). One decoder reads both: neither
    /// writes anything that the other means differently.
    #[default]
    Log,
    /// nginx's `escape=json`, and JSON in general.
    Json,
    /// nginx's `escape=none`: as received.
    None,
}

impl Escape {
    /// The text that was escaped.
    ///
    /// Control characters stay in their escaped form (a terminal or a report must not be driven
    /// by a log), and so do `\xhh` bytes that do not make up UTF-8 together.
    pub fn decode(self, text: &str) -> Cow<'_, str> {
        if self == Self::None || !text.contains('\\') {
            return Cow::Borrowed(text);
        }
        Cow::Owned(match self {
            Self::Json => json(text),
            _ => log(text),
        })
    }
}

fn log(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(next) = text.get(at..) {
        let plain = next.find('\\').unwrap_or(next.len());
        out.push_str(next.get(..plain).unwrap_or_default());
        at += plain;
        match (bytes.get(at), bytes.get(at + 1)) {
            (None, _) => break,
            (_, Some(&quoted @ (b'"' | b'\\'))) => {
                out.push(char::from(quoted));
                at += 2;
            }
            (_, Some(b'x')) => {
                let mut run = Vec::new();
                let start = at;
                while let Some(byte) = hex_escape(bytes, at) {
                    run.push(byte);
                    at += 4;
                }
                push_run(&mut out, &run);
                if at == start {
                    out.push('\\');
                    at += 1;
                }
            }
            _ => {
                out.push('\\');
                at += 1;
            }
        }
    }
    out
}

fn hex_escape(bytes: &[u8], at: usize) -> Option<u8> {
    let &[b'\\', b'x', high, low] = bytes.get(at..at + 4)? else {
        return None;
    };
    let high = char::from(high).to_digit(16)?;
    let low = char::from(low).to_digit(16)?;
    Some((high << 4 | low) as u8)
}

/// Adds bytes that were `\xhh` each: characters where they are some, escapes where not.
fn push_run(out: &mut String, run: &[u8]) {
    for chunk in run.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
                let mut utf8 = [0; 4];
                c.encode_utf8(&mut utf8)
                    .bytes()
                    .for_each(|byte| push_hex(out, byte));
            } else {
                out.push(c);
            }
        }
        chunk.invalid().iter().for_each(|&byte| push_hex(out, byte));
    }
}

fn push_hex(out: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push_str("\\x");
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some(quoted @ ('"' | '\\' | '/')) => out.push(quoted),
            Some('u') => {
                let digits = chars.as_str().get(..4).unwrap_or_default();
                let decoded = u32::from_str_radix(digits, 16)
                    .ok()
                    .filter(|_| digits.len() == 4)
                    .and_then(char::from_u32)
                    .filter(|c| !c.is_control());
                if let Some(c) = decoded {
                    out.push(c);
                    chars = chars.as_str().get(4..).unwrap_or_default().chars();
                } else {
                    // Half of a surrogate pair, or a control character: kept as it stands.
                    out.push_str("\\u");
                }
            }
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apache_and_nginx() {
        for (logged, meant) in [
            (r#"say \"hi\" \\o/"#, r#"say "hi" \o/"#),
            (r"caf\xC3\xA9 \x22x\x5C", "café \"x\\"),
            (r"\x16\x03\x01\x00\xff", r"\x16\x03\x01\x00\xff"),
            (r"a\nb\tc", r"a\nb\tc"),
            (r"\xZZ \x4", r"\xZZ \x4"),
            (r"end\", "end\\"),
            ("naïve \\\\", "naïve \\"),
        ] {
            assert_eq!(Escape::Log.decode(logged), meant, "{logged}");
        }
        assert!(matches!(Escape::Log.decode("plain"), Cow::Borrowed(_)));
        assert_eq!(Escape::None.decode(r"\x41"), r"\x41");
    }

    #[test]
    fn json_strings() {
        for (logged, meant) in [
            (r#"a\"b\\c\/d"#, r#"a"b\c/d"#),
            (r"\u00e9t\u00E9", "été"),
            (r"\u0000\ud83d\n", r"\u0000\ud83d\n"),
            (r"\u12", r"\u12"),
            ("\\", "\\"),
        ] {
            assert_eq!(Escape::Json.decode(logged), meant, "{logged}");
        }
    }
}
