//! Header fields and MIME parameters.
//!
//! Tokens follow Dovecot's `rfc822-parser` in what it accepts and refuses (RFC 2045 section 5.1
//! with its workarounds), because a `Content-Type` that Dovecot refuses makes the part
//! `text/plain` and changes every number after it.

use std::borrow::Cow;

/// A header field as it stands in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Name without surrounding white space, `""` for a line without colon.
    pub name: &'a [u8],
    /// Value with its folds, without the last line end.
    pub value: &'a [u8],
}

impl Field<'_> {
    /// Compares the name as RFC 5322 does, ignoring case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// Header name longer than this is taken as part of the value (Dovecot's
/// `MESSAGE_HEADER_NAME_MAX_LEN`).
const NAME_MAX: usize = 1000;

/// Splits a header block into fields. Never fails: a line without colon is a field without name.
pub fn fields(block: &[u8]) -> Vec<Field<'_>> {
    let mut out = Vec::new();
    let mut start = 0;
    while start < block.len() {
        let mut end = start;
        loop {
            end = memchr::memchr(b'\n', &block[end..]).map_or(block.len(), |i| end + i + 1);
            if !matches!(block.get(end), Some(b' ' | b'\t')) {
                break;
            }
        }
        let mut line = &block[start..end];
        line = line.strip_suffix(b"\n").unwrap_or(line);
        line = line.strip_suffix(b"\r").unwrap_or(line);
        start = end;
        if line.is_empty() {
            continue;
        }
        let first = memchr::memchr(b'\n', line).unwrap_or(line.len());
        match memchr::memchr(b':', &line[..first]) {
            Some(colon) if colon <= NAME_MAX => {
                let mut value = &line[colon + 1..];
                value = value.trim_ascii_start();
                out.push(Field {
                    name: line[..colon].trim_ascii_end(),
                    value,
                });
            }
            _ => out.push(Field {
                name: b"",
                value: line,
            }),
        }
    }
    out
}

/// First field of that name.
pub fn find<'a, 'f>(fields: &'f [Field<'a>], name: &str) -> Option<&'f Field<'a>> {
    fields.iter().find(|f| f.is(name))
}

/// A structured header value: `token/token; attribute=value …`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Structured {
    /// Type and subtype, or disposition, lower case; `""` when refused.
    pub value: String,
    /// `true` when the value ended as the grammar asks, so that parameters could be read.
    pub well_formed: bool,
    /// Parameters in order, names lower case; RFC 2231 pieces joined under `name*` when they are
    /// percent-encoded.
    pub params: Vec<(String, Vec<u8>)>,
}

impl Structured {
    /// The parameter's octets, first of that name.
    pub fn param(&self, name: &str) -> Option<&[u8]> {
        self.params
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_slice())
    }
}

/// Reads a `Content-Type` value.
pub fn content_type(value: &[u8]) -> Structured {
    let mut p = Cursor { data: value, at: 0 };
    let mut out = Structured::default();
    let parsed = (|| {
        p.skip_lwsp().then_some(())?;
        let main = p.mime_token();
        if main.is_empty() || !p.skip_lwsp() || p.peek() != Some(b'/') {
            return None;
        }
        p.at += 1;
        if !p.skip_lwsp() {
            return None;
        }
        let sub = p.mime_token();
        let broken = p.skip_lwsp_checked().is_none();
        if broken || sub.is_empty() || !matches!(p.peek(), None | Some(b';')) {
            return None;
        }
        Some((main, sub))
    })();
    if let Some((main, sub)) = parsed {
        out.value = format!("{}/{}", lower(main), lower(sub));
        out.well_formed = true;
        out.params = p.params();
    }
    out
}

/// Reads a `Content-Disposition` value.
pub fn disposition(value: &[u8]) -> Structured {
    let mut p = Cursor { data: value, at: 0 };
    p.skip_lwsp();
    let token = lower(p.mime_token());
    let well_formed = p.skip_lwsp_checked().is_some();
    let params = if well_formed { p.params() } else { Vec::new() };
    Structured {
        value: token,
        well_formed,
        params,
    }
}

/// Reads a `Content-Transfer-Encoding` value: a token and nothing after it, else `""`.
pub fn transfer_encoding(value: &[u8]) -> String {
    let mut p = Cursor { data: value, at: 0 };
    p.skip_lwsp();
    let token = lower(p.mime_token());
    match p.skip_lwsp_checked() {
        Some(()) if p.peek().is_none() => token,
        _ => String::new(),
    }
}

/// A parameter that may be RFC 2231-encoded or hold encoded words, as text.
pub fn text_param(s: &Structured, name: &str) -> String {
    if let Some(v) = s.param(&format!("{name}*")) {
        return decode_2231(v);
    }
    match s.param(name) {
        Some(v) => super::words::unstructured(v),
        None => String::new(),
    }
}

/// `charset'language'percent-encoded` to text.
fn decode_2231(value: &[u8]) -> String {
    let mut quotes = memchr::memchr_iter(b'\'', value);
    let (charset, rest) = match (quotes.next(), quotes.next()) {
        (Some(a), Some(b)) => (&value[..a], &value[b + 1..]),
        _ => (&b""[..], value),
    };
    super::words::charset_text(&percent_decode(rest), charset)
}

/// Percent-decoding that leaves malformed sequences as they are.
pub fn percent_decode(value: &[u8]) -> Vec<u8> {
    let hex = |b: Option<&u8>| b.and_then(|b| (*b as char).to_digit(16)).map(|d| d as u8);
    let mut out = Vec::with_capacity(value.len());
    let mut i = 0;
    while let Some(&b) = value.get(i) {
        match (b, hex(value.get(i + 1)), hex(value.get(i + 2))) {
            (b'%', Some(h), Some(l)) => {
                out.push(h << 4 | l);
                i += 3;
            }
            _ => {
                out.push(b);
                i += 1;
            }
        }
    }
    out
}

/// ASCII lower case, other octets replaced.
fn lower(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).to_ascii_lowercase()
}

struct Cursor<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    /// Skips white space and comments. `true` when something follows.
    fn skip_lwsp(&mut self) -> bool {
        self.skip_lwsp_checked().is_some() && self.at < self.data.len()
    }

    /// Skips white space and comments; `None` when a comment does not end.
    fn skip_lwsp_checked(&mut self) -> Option<()> {
        while let Some(b) = self.peek() {
            match b {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b'(' => self.comment()?,
                _ => break,
            }
        }
        Some(())
    }

    fn comment(&mut self) -> Option<()> {
        let mut level = 0usize;
        while let Some(b) = self.peek() {
            self.at += 1;
            match b {
                b'(' => level += 1,
                b')' => {
                    level -= 1;
                    if level == 0 {
                        return Some(());
                    }
                }
                b'\\' => match self.peek() {
                    None => return None,
                    Some(b'\r' | b'\n' | 0) => {}
                    Some(_) => self.at += 1,
                },
                _ => {}
            }
        }
        None
    }

    fn mime_token(&mut self) -> &'a [u8] {
        let start = self.at;
        while self.peek().is_some_and(|b| is_token(b) || b == b'.') {
            self.at += 1;
        }
        &self.data[start..self.at]
    }

    fn quoted(&mut self) -> Option<Vec<u8>> {
        self.at += 1;
        let mut out = Vec::new();
        while let Some(b) = self.peek() {
            self.at += 1;
            match b {
                b'"' => {
                    self.skip_lwsp_checked()?;
                    return Some(out);
                }
                b'\n' => {
                    // A fold: the line end is not part of the value.
                    if out.last() == Some(&b'\r') {
                        out.pop();
                    }
                }
                b'\\' => {
                    let escaped = self.peek()?;
                    if !matches!(escaped, b'\r' | b'\n' | 0) {
                        out.push(escaped);
                        self.at += 1;
                    }
                }
                _ => out.push(b),
            }
        }
        None
    }

    fn params(&mut self) -> Vec<(String, Vec<u8>)> {
        let mut raw = Vec::new();
        while self.at < self.data.len() {
            match self.param() {
                Some(p) => raw.push(p),
                // A broken parameter: step on and try again, as Dovecot does.
                None => self.at += 1,
            }
        }
        merge_2231(raw)
    }

    fn param(&mut self) -> Option<(String, Vec<u8>)> {
        if self.peek() != Some(b';') {
            return None;
        }
        self.at += 1;
        if !self.skip_lwsp() {
            return None;
        }
        let key = self.mime_token();
        if !self.skip_lwsp() || self.peek() != Some(b'=') {
            return None;
        }
        self.at += 1;
        let key = lower(key);
        self.skip_lwsp_checked()?;
        let value = match self.peek() {
            None => Vec::new(),
            Some(b'"') => self.quoted()?,
            Some(b'=') => {
                // name==?utf-8?b?…?= without quotes: common, and understood by readers.
                let start = self.at;
                while self
                    .peek()
                    .is_some_and(|b| !matches!(b, b';' | b' ' | b'\t' | b'\r' | b'\n'))
                {
                    self.at += 1;
                }
                self.data[start..self.at].to_vec()
            }
            Some(_) => {
                let v = self.mime_token().to_vec();
                self.skip_lwsp_checked()?;
                v
            }
        };
        Some((key, value))
    }
}

/// Characters of a MIME token (RFC 2045) as Dovecot's table has them: ATEXT without tspecials,
/// eight-bit octets included.
fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b >= 0x80 || b"!#$%&'*+-^_`{|}~".contains(&b)
}

/// Joins `name*0`, `name*1*`, … (RFC 2231 section 3). Pieces with a gap stay apart.
fn merge_2231(raw: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    if !raw.iter().any(|(k, _)| k.contains('*')) {
        return raw;
    }
    let mut plain = Vec::new();
    let mut pieces: Vec<(String, u32, bool, Vec<u8>)> = Vec::new();
    for (key, value) in raw {
        match split_2231(&key) {
            Some((name, index, extended)) => pieces.push((name.into(), index, extended, value)),
            None => plain.push((key, value)),
        }
    }
    pieces.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    for group in pieces.chunk_by(|a, b| a.0 == b.0) {
        if group.iter().enumerate().any(|(i, p)| p.1 as usize != i) {
            plain.extend(
                group.iter().map(|(n, i, e, v)| {
                    (format!("{n}*{i}{}", if *e { "*" } else { "" }), v.clone())
                }),
            );
            continue;
        }
        let extended = group.iter().any(|p| p.2);
        let mut joined = Vec::new();
        if extended && !group[0].2 {
            joined.extend_from_slice(b"''");
        }
        for (_, _, piece_extended, value) in group {
            if extended && !piece_extended {
                for &b in value {
                    match b {
                        b'%' | b'\'' | b' ' | 0x80.. => {
                            joined.extend_from_slice(format!("%{b:02x}").as_bytes());
                        }
                        _ => joined.push(b),
                    }
                }
            } else {
                joined.extend_from_slice(value);
            }
        }
        let name: Cow<'_, str> = if extended {
            format!("{}*", group[0].0).into()
        } else {
            group[0].0.as_str().into()
        };
        plain.push((name.into_owned(), joined));
    }
    plain
}

fn split_2231(key: &str) -> Option<(&str, u32, bool)> {
    let (name, rest) = key.split_once('*')?;
    if rest.is_empty() {
        return Some((name, 0, true));
    }
    let digits = rest.strip_suffix('*').unwrap_or(rest);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((name, digits.parse().ok()?, rest.ends_with('*')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_as_dovecot_reads_them() {
        let cases: &[(&str, &str)] = &[
            ("text/plain", "text/plain"),
            (" Text / HTML ; charset=x", "text/html"),
            ("text/plain charset=x", ""),
            ("text", ""),
            ("application/x-foo(comment); a=b", "application/x-foo"),
            ("text/(", ""),
            ("", ""),
        ];
        for (raw, want) in cases {
            assert_eq!(content_type(raw.as_bytes()).value, *want, "{raw:?}");
        }
    }

    #[test]
    fn parameters_quoted_folded_and_split() {
        let s = content_type(b"a/b;\r\n\tname=\"x\\\"y\r\n z\"; NAME*1*=%20d; other==?utf-8?q?a?=");
        assert_eq!(s.param("name").unwrap(), b"x\"y z");
        assert_eq!(s.param("other").unwrap(), b"=?utf-8?q?a?=");
        let s = disposition(b"attachment; filename*0*=utf-8''%C3%A9; filename*1=\" t%C3.pdf\"");
        assert_eq!(text_param(&s, "filename"), "\u{e9} t%C3.pdf");
        let s = disposition(b"attachment; filename*=iso-8859-1'fr'rapport%E9.pdf");
        assert_eq!(text_param(&s, "filename"), "rapport\u{e9}.pdf");
    }

    #[test]
    fn fields_keep_folds_and_survive_lines_without_colon() {
        let f = fields(b"A: 1\r\n 2\r\nno colon\nB :x\n\n");
        assert_eq!(f.len(), 3);
        assert_eq!(
            f[0],
            Field {
                name: b"A",
                value: b"1\r\n 2"
            }
        );
        assert_eq!(
            f[1],
            Field {
                name: b"",
                value: b"no colon"
            }
        );
        assert_eq!(
            f[2],
            Field {
                name: b"B",
                value: b"x"
            }
        );
    }
}
