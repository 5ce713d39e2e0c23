//! Text in headers and bodies: encoded words, addresses, dates, charsets.
//!
//! The work is `mail-parser`'s; this file adapts it to single values.

use mail_parser::HeaderValue;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::parsers::MessageStream;
use vauban_ocsf::Timestamp;

/// Longest header value that is decoded, octets; the rest is dropped.
const VALUE_MAX: usize = 64 * 1024;

/// A value as the stream parser wants it: ended by a line end, 8-bit text made valid UTF-8.
fn prepared(value: &[u8]) -> Vec<u8> {
    let mut v = String::from_utf8_lossy(&value[..value.len().min(VALUE_MAX)]).into_owned();
    v.push('\n');
    v.into_bytes()
}

/// Decodes encoded words (RFC 2047) and unfolds.
pub fn unstructured(value: &[u8]) -> String {
    if !value.iter().any(|b| matches!(b, b'=' | b'\n' | b'\r')) {
        return String::from_utf8_lossy(value.trim_ascii()).into_owned();
    }
    let v = prepared(value);
    match MessageStream::new(&v).parse_unstructured() {
        HeaderValue::Text(t) => t.into_owned(),
        HeaderValue::TextList(l) => l.join(" "),
        _ => String::new(),
    }
}

/// An address with its display name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// Display name, decoded, `""` if none.
    pub name: String,
    /// Address with a lower-case domain, `""` if none.
    pub address: String,
}

/// Addresses of a From, To, Cc, Reply-To, Return-Path value, groups flattened.
pub fn addresses(value: &[u8]) -> Vec<Mailbox> {
    let v = prepared(value);
    let parsed = MessageStream::new(&v).parse_address();
    let HeaderValue::Address(address) = parsed else {
        return Vec::new();
    };
    address
        .iter()
        .map(|a| Mailbox {
            name: a.name.as_deref().unwrap_or("").trim().to_owned(),
            address: lower_domain(a.address.as_deref().unwrap_or("").trim()),
        })
        .collect()
}

/// Lower-cases the domain only: local parts are the receiving host's business (RFC 5321).
pub fn lower_domain(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
        None => address.to_owned(),
    }
}

/// A `Date` value (RFC 5322, obsolete forms included) as UTC.
pub fn date(value: &[u8]) -> Option<Timestamp> {
    let v = prepared(value);
    let HeaderValue::DateTime(d) = MessageStream::new(&v).parse_date() else {
        return None;
    };
    if !d.is_valid() {
        return None;
    }
    d.to_timestamp()
        .checked_mul(vauban_ocsf::SECOND)
        .map(Timestamp)
}

/// Octets in a named charset as text; unknown or absent charsets are read as UTF-8 when valid,
/// else as Windows-1252, as webmails do.
pub fn charset_text(bytes: &[u8], charset: &[u8]) -> String {
    let charset = charset.trim_ascii();
    let utf8 = charset.is_empty()
        || charset.eq_ignore_ascii_case(b"utf-8")
        || charset.eq_ignore_ascii_case(b"us-ascii");
    if utf8 && let Ok(t) = std::str::from_utf8(bytes) {
        return t.to_owned();
    }
    if !utf8
        && charset.len() <= 45
        && let Some(decode) = charset_decoder(charset)
    {
        return decode(bytes);
    }
    match std::str::from_utf8(bytes) {
        Ok(t) => t.to_owned(),
        Err(_) if charset.eq_ignore_ascii_case(b"utf-8") => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        Err(_) => match charset_decoder(b"windows-1252") {
            Some(decode) => decode(bytes),
            None => String::from_utf8_lossy(bytes).into_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_addresses_dates() {
        assert_eq!(
            unstructured(b"=?utf-8?Q?R=C3=A9union?= =?utf-8?B?IMOg?=\r\n 9h"),
            "R\u{e9}union \u{e0} 9h"
        );
        let a = addresses(b"=?iso-8859-1?Q?Ren=E9e?= <Renee@Example.ORG>, b@x.fr");
        assert_eq!(
            a[0],
            Mailbox {
                name: "Ren\u{e9}e".into(),
                address: "Renee@example.org".into()
            }
        );
        assert_eq!(a[1].address, "b@x.fr");
        assert_eq!(
            date(b"Tue, 25 Nov 2025 08:00:00 +0100"),
            Some(Timestamp(1_764_054_000_000_000))
        );
        assert_eq!(date(b"yesterday"), None);
    }

    #[test]
    fn charsets() {
        assert_eq!(charset_text(b"\xe9", b"ISO-8859-1"), "\u{e9}");
        assert_eq!(charset_text(b"\xe9", b""), "\u{e9}");
        assert_eq!(charset_text("é".as_bytes(), b"no-such"), "\u{e9}");
    }
}
