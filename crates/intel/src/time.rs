//! Instants as feeds write them.

use vauban_ocsf::Timestamp;

/// An RFC 3339 date or date and time (a blank may stand for `T`, the offset may be missing: UTC),
/// or seconds since the epoch as MISP writes them. `None` for anything else.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if (9..=11).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Timestamp::from_seconds(text.parse().ok()?));
    }
    let number = |from: usize, to: usize| -> Option<u32> {
        let part = text.get(from..to)?;
        if !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        part.parse().ok()
    };
    let is = |at: usize, any: &[u8]| text.as_bytes().get(at).is_some_and(|b| any.contains(b));
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    if !is(4, b"-") || !is(7, b"-") || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = i32::try_from(year).ok()?;
    if text.len() == 10 {
        return Some(Timestamp::from_civil(year, month, day, 0, 0, 0, 0, 0));
    }
    let (hour, minute) = (number(11, 13)?, number(14, 16)?);
    if !is(10, b"Tt ") || !is(13, b":") || hour > 24 || minute > 59 {
        return None;
    }
    let mut rest = text.get(16..)?;
    let mut second = 0;
    let mut micros = 0;
    if let Some(after) = rest.strip_prefix(':') {
        second = number(17, 19)?;
        if second > 60 {
            return None;
        }
        rest = after.get(2..)?;
        if let Some(fraction) = rest.strip_prefix('.') {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            let mut scale = 100_000;
            for b in fraction.bytes().take(digits.min(6)) {
                micros += u32::from(b - b'0') * scale;
                scale /= 10;
            }
            rest = fraction.get(digits..)?;
        }
    }
    let offset = match rest.as_bytes() {
        [] | [b'Z' | b'z'] => 0,
        [b' ', b'U', b'T', b'C'] => 0,
        [sign @ (b'+' | b'-'), digits @ ..] => {
            let digits: Vec<u8> = digits.iter().copied().filter(|b| *b != b':').collect();
            let [a, b, c, d] = digits.as_slice() else {
                return None;
            };
            if ![a, b, c, d].iter().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let two = |x: &u8, y: &u8| i32::from(x - b'0') * 10 + i32::from(y - b'0');
            let seconds = two(a, b) * 3600 + two(c, d) * 60;
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    Some(Timestamp::from_civil(
        year, month, day, hour, minute, second, micros, offset,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (text, expected) in [
            ("2025-01-01", Some("2025-01-01T00:00:00Z")),
            ("2025-01-01T01:02:03Z", Some("2025-01-01T01:02:03Z")),
            (
                "2025-01-01T01:02:03.5Z",
                Some("2025-01-01T01:02:03.500000Z"),
            ),
            ("2025-01-01 01:02", Some("2025-01-01T01:02:00Z")),
            (
                "2025-01-01T01:02:03.000000+02:00",
                Some("2024-12-31T23:02:03Z"),
            ),
            ("2025-01-01 01:02:03 UTC", Some("2025-01-01T01:02:03Z")),
            ("1735689600", Some("2025-01-01T00:00:00Z")),
            ("2025-13-01", None),
            ("yesterday", None),
            ("2025-01-01T01:02:03+é", None),
            ("", None),
        ] {
            assert_eq!(
                parse(text).map(|t| t.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }
}
