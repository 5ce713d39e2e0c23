//! Small readers for fields inside a line. None allocates; all work on what is there and say
//! `None` otherwise.

use std::net::{IpAddr, Ipv4Addr};

/// An address without brackets. IPv4-mapped IPv6 becomes IPv4, so that `::ffff:192.0.2.1` and
/// `192.0.2.1` are one client; a zone (`fe80::1%eth0`) is dropped.
#[inline]
pub fn ip(text: &str) -> Option<IpAddr> {
    let (address, length) = ip_prefix(text)?;
    (length == text.len()).then_some(address)
}

/// The address at the beginning of `text`, and how many bytes it took.
#[inline]
pub fn ip_prefix(text: &str) -> Option<(IpAddr, usize)> {
    let bytes = text.as_bytes();
    // `1.2.3.4:25` is an IPv4 address with a port, not the beginning of an IPv6 one.
    if let Some((address, length)) = ipv4_prefix(bytes)
        && !matches!(
            bytes.get(length),
            Some(b'.' | b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F')
        )
    {
        return Some((IpAddr::V4(address), length));
    }
    ipv6_prefix(text)
}

fn ipv4_prefix(bytes: &[u8]) -> Option<(Ipv4Addr, usize)> {
    let digit = |at: usize| {
        let digit = bytes.get(at)?.wrapping_sub(b'0');
        (digit < 10).then_some(u32::from(digit))
    };
    let mut address = 0;
    let mut at = 0;
    for index in 0..4 {
        if index > 0 {
            if bytes.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
        let mut octet = digit(at)?;
        at += 1;
        if let Some(second) = digit(at) {
            // A leading zero is octal to some programs and decimal to others: no address at all.
            if octet == 0 {
                return None;
            }
            octet = octet * 10 + second;
            at += 1;
            if let Some(third) = digit(at) {
                octet = octet * 10 + third;
                at += 1;
                if octet > 255 || digit(at).is_some() {
                    return None;
                }
            }
        }
        address = address << 8 | octet;
    }
    Some((Ipv4Addr::from(address), at))
}

fn ipv6_prefix(text: &str) -> Option<(IpAddr, usize)> {
    let bytes = text.as_bytes();
    let mut end = 0;
    while end < bytes.len().min(45) {
        match bytes[end] {
            b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b':' | b'.' => end += 1,
            _ => break,
        }
    }
    // A colon or point after the address belongs to the sentence.
    while end > 0 && matches!(bytes.get(end - 1), Some(b':' | b'.')) && !text[..end].ends_with("::")
    {
        end -= 1;
    }
    let address: IpAddr = text.get(..end).filter(|t| t.contains(':'))?.parse().ok()?;
    if bytes.get(end) == Some(&b'%') {
        let zone = bytes[end + 1..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
        end += 1 + zone;
    }
    Some((address.to_canonical(), end))
}

/// A decimal number that is the whole of `text`.
#[inline]
pub fn number(text: &str) -> Option<u64> {
    let (value, rest) = number_prefix(text)?;
    rest.is_empty().then_some(value)
}

/// A decimal number at the beginning, and what follows it.
#[inline]
pub fn number_prefix(text: &str) -> Option<(u64, &str)> {
    let mut at = 0;
    let mut value = 0u64;
    for byte in text.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit >= 10 {
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    match at {
        0 => None,
        // So many digits always fit.
        1..=19 => Some((value, text.get(at..)?)),
        _ => {
            let (digits, rest) = text.split_at_checked(at)?;
            Some((digits.parse().ok()?, rest))
        }
    }
}

/// Where a byte first stands, for one expected within a few dozen bytes: eight are looked at in a
/// handful of instructions, where `memchr` takes some forty before it looks at any.
#[inline]
pub fn near(bytes: &[u8], byte: u8) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let wanted = ONES * u64::from(byte);
    let (eights, rest) = bytes.as_chunks::<8>();
    for (index, eight) in eights.iter().enumerate() {
        // A byte that is the wanted one becomes zero; the lowest zero byte is the lowest to borrow.
        let other = u64::from_le_bytes(*eight) ^ wanted;
        let found = other.wrapping_sub(ONES) & !other & (ONES << 7);
        if found != 0 {
            return Some(index * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let after = rest.iter().position(|&b| b == byte)?;
    Some(bytes.len() - rest.len() + after)
}

/// Bytes that are ASCII letters or digits.
pub static ALPHANUMERIC: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

/// How many ASCII letters and digits stand at the beginning.
#[inline]
pub fn alphanumeric_prefix(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|&byte| !ALPHANUMERIC[usize::from(byte)])
        .unwrap_or(bytes.len())
}

/// A number that fits 32 bits.
#[inline]
pub fn number32(text: &str) -> Option<u32> {
    number(text).and_then(|n| u32::try_from(n).ok())
}

/// A port, not 0.
#[inline]
pub fn port(text: &str) -> Option<u16> {
    number(text)
        .and_then(|n| u16::try_from(n).ok())
        .filter(|&p| p != 0)
}

/// The text between `open`, which must stand at the beginning, and the first `close` after it;
/// then what follows `close`.
#[inline]
pub fn enclosed<'a>(text: &'a str, open: &str, close: &str) -> Option<(&'a str, &'a str)> {
    let inner = text.strip_prefix(open)?;
    let at = find(inner, close)?;
    Some((inner.get(..at)?, inner.get(at + close.len()..)?))
}

/// A mail address in angle brackets at the beginning of `text`, without them, and what follows.
///
/// A quoted local part (RFC 5321 §4.1.2) may contain `>`, and whoever sends a message chooses its
/// sender, so the quoting decides where the address ends.
#[inline]
pub fn angle(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('<')?;
    let bytes = inner.as_bytes();
    let mut at = 0;
    if bytes.first() == Some(&b'"') {
        at = 1;
        while let Some(&byte) = bytes.get(at) {
            at += match byte {
                b'\\' => 2,
                b'"' => break,
                _ => 1,
            };
        }
        // An unfinished quotation: the daemon did not write this; take the first bracket.
        if at >= bytes.len() {
            at = 0;
        }
    }
    let close = at + near(bytes.get(at..)?, b'>')?;
    Some((inner.get(..close)?, inner.get(close + 1..)?))
}

/// Without angle brackets, if it has both.
#[inline]
pub fn unbracketed(text: &str) -> &str {
    text.strip_prefix('<')
        .and_then(|t| t.strip_suffix('>'))
        .unwrap_or(text)
}

/// `NAME[ADDRESS]` as Postfix writes a host: name, address (`None` for `[unknown]` or a socket),
/// and what follows the bracket. The name comes from DNS and cannot contain a bracket.
#[inline]
pub fn host_bracket(text: &str) -> Option<(&str, Option<IpAddr>, &str)> {
    let open = near(text.as_bytes(), b'[')?;
    let close = open + near(text.as_bytes().get(open..)?, b']')?;
    let name = text.get(..open)?;
    if near(name.as_bytes(), b' ').is_some() {
        return None;
    }
    Some((name, ip(text.get(open + 1..close)?), text.get(close + 1..)?))
}

/// Where `needle` last stands in `text`. The standard search from the end goes byte by byte; this
/// goes by `memrchr` on the needle's last byte, which is to be a rare one.
#[inline]
pub fn rfind(text: &str, needle: &str) -> Option<usize> {
    let (haystack, needle) = (text.as_bytes(), needle.as_bytes());
    let (&last, before) = needle.split_last()?;
    let mut end = haystack.len();
    loop {
        let at = memchr::memrchr(last, haystack.get(..end)?)?;
        if haystack.get(..at)?.ends_with(before) {
            return Some(at - before.len());
        }
        end = at;
    }
}

/// Where `needle` first stands in `text`, by `memchr` on its last byte; see [`rfind`].
#[inline]
pub fn find(text: &str, needle: &str) -> Option<usize> {
    let (haystack, needle) = (text.as_bytes(), needle.as_bytes());
    let (&last, before) = needle.split_last()?;
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(last, haystack.get(from..)?)?;
        if haystack.get(..at)?.ends_with(before) {
            return Some(at - before.len());
        }
        from = at + 1;
    }
}

/// The text before and after the first `needle`; see [`find`].
#[inline]
pub fn split_once<'a>(text: &'a str, needle: &str) -> Option<(&'a str, &'a str)> {
    let at = find(text, needle)?;
    Some((text.get(..at)?, text.get(at + needle.len()..)?))
}

/// The text before and after the last `needle`; see [`rfind`].
#[inline]
pub fn rsplit_once<'a>(text: &'a str, needle: &str) -> Option<(&'a str, &'a str)> {
    let at = rfind(text, needle)?;
    Some((text.get(..at)?, text.get(at + needle.len()..)?))
}

/// Where `", "` first stands in `text`, or its end. By the comma, which is rarer than the blank.
#[inline]
pub fn piece_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(at) = bytes
        .get(from..)
        .and_then(|rest| near(rest, b','))
        .map(|at| from + at)
    {
        if bytes.get(at + 1) == Some(&b' ') {
            return at;
        }
        from = at + 1;
    }
    bytes.len()
}

/// The pieces of a list parted by `", "`.
pub fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = piece_end(text);
        rest = text.get(end + 2..);
        text.get(..end)
    })
}

/// A host name as logged, `""` for Postfix's and Exim's word for "not known".
#[inline]
pub fn known_host(name: &str) -> &str {
    if name == "unknown" { "" } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("::ffff:192.0.2.1", Some("192.0.2.1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("fe80::1%eth0", Some("fe80::1")),
            ("::1", Some("::1")),
            ("192.030.0.6", None),
            ("256.1.1.1", None),
            ("1.2.3.4.5", None),
            ("1.2.3", None),
            ("unknown", None),
            ("", None),
            ("beef", None),
        ] {
            assert_eq!(
                ip(text).map(|a| a.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
        assert_eq!(ip_prefix("192.0.2.1: 11").map(|p| p.1), Some(9));
        assert_eq!(ip_prefix("2001:db8::1: Bye").map(|p| p.1), Some(11));
        assert_eq!(ip_prefix("192.0.2.1.example"), None);
    }

    #[test]
    fn quoted_local_parts_do_not_end_an_address() {
        let text = r#"<"x>, relay=evil[192.0.2.9]:25, \" y"@example.org>, relay=none"#;
        let (address, rest) = angle(text).expect("address");
        assert_eq!(rest, ", relay=none");
        assert!(address.ends_with("@example.org"));
        assert_eq!(angle("<a@b> c"), Some(("a@b", " c")));
        assert_eq!(angle("<\"a@b> c"), Some(("\"a@b", " c")));
        assert_eq!(angle("<> c"), Some(("", " c")));
    }

    #[test]
    fn searches() {
        let text = "rip=1, x, rip=2,y, ";
        assert_eq!(
            (find(text, "rip="), rfind(text, "rip=")),
            (Some(0), Some(10))
        );
        assert_eq!((find(text, "lip="), rfind(text, "lip=")), (None, None));
        assert_eq!((find("é=", "x="), rfind("=", "rip=")), (None, None));
        assert_eq!(enclosed("<a>>: b", "<", ">: "), Some(("a>", "b")));
        assert_eq!(enclosed("<é", "<", ">"), None);
        for text in [text, "", ", ", "a", "a,b", "a, b"] {
            assert!(pieces(text).eq(text.split(", ")), "{text}");
            assert_eq!(piece_end(text), text.find(", ").unwrap_or(text.len()));
        }
    }

    #[test]
    fn numbers() {
        for (text, expected) in [
            ("0", Some(0)),
            ("0123x", Some(123)),
            ("9999999999999999999", Some(9_999_999_999_999_999_999)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("00000000000000000000000007", Some(7)),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(number_prefix(text).map(|n| n.0), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn near_is_memchr(bytes in proptest::collection::vec(0u8..6, 0..40), byte in 0u8..7) {
            for (bytes, byte) in [
                (bytes.clone(), byte),
                (bytes.iter().map(|b| b.wrapping_add(125)).collect(), byte.wrapping_add(125)),
                (bytes.iter().map(|b| b.wrapping_sub(3)).collect(), byte.wrapping_sub(3)),
            ] {
                proptest::prop_assert_eq!(near(&bytes, byte), memchr::memchr(byte, &bytes));
            }
        }
    }

    #[test]
    fn hosts() {
        let (name, address, rest) = host_bracket("unknown[192.0.2.1]: x").expect("host");
        assert_eq!((name, rest), ("unknown", ": x"));
        assert_eq!(address, ip("192.0.2.1"));
        assert!(host_bracket("a b[192.0.2.1]").is_none());
    }
}
