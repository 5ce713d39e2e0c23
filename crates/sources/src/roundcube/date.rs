//! The stamp in front of a line: `log_date_format`, in PHP's `date()` notation.
//!
//! The default is `d-M-Y H:i:s O`. PHP itself writes into the same errors file with
//! `d-M-Y H:i:s e`. Administrators choose ISO 8601, RFC 2822, or the C library's order.

use crate::stamp::{self, Civil, Clock};
use crate::web::{php_date, zoned};
use vauban_ocsf::Timestamp;

/// The time and what follows the closing bracket, of `[DATE]: …` or `[DATE] PHP …`.
pub(super) fn front<'a>(line: &'a str, clock: &Clock<'_>) -> Option<(Timestamp, &'a str)> {
    let (inner, rest) = line.strip_prefix('[')?.split_once(']')?;
    if inner.len() > 64 {
        return None;
    }
    Some((stamp(inner.trim(), clock)?, rest))
}

/// Any of the notations, over the whole text.
fn stamp(text: &str, clock: &Clock<'_>) -> Option<Timestamp> {
    if let Some(time) = php_date(text, clock) {
        return Some(time);
    }
    let bytes = text.as_bytes();
    let whole = |found: Option<(Timestamp, usize)>| {
        found.and_then(|(time, end)| (end == bytes.len()).then_some(time))
    };
    whole(stamp::rfc3339(bytes, clock))
        .or_else(|| whole(stamp::clf(bytes, clock)))
        .or_else(|| whole(stamp::rfc3164(bytes, clock)))
        .or_else(|| whole(stamp::epoch(bytes)))
        .or_else(|| words(text, clock))
}

/// Dates in words: `Wed, 17 Dec 2025 08:15:30 +0100`, `Wed Dec 17 08:15:30 CET 2025`,
/// `17.12.2025 08:15:30`, `2025-12-17 08:15:30 Europe/Paris`. Numeric day and month are read in
/// the European order; the American one would contradict itself after the twelfth and is not
/// guessed at.
fn words(text: &str, clock: &Clock<'_>) -> Option<Timestamp> {
    let (mut year, mut month, mut day) = (None, None, None);
    let mut time = None;
    let mut zone = "";
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        let bytes = word.as_bytes();
        if let Some(found) = stamp::clock_time(bytes, 0) {
            let (micros, end) = stamp::fraction(bytes, 8);
            time = Some((found, micros));
            zone = word.get(end..).unwrap_or_default();
        } else if let Some(name) = stamp::month(bytes, 0).filter(|_| bytes.len() == 3) {
            month = Some(name);
        } else if bytes.len() == 4 && word.bytes().all(|b| b.is_ascii_digit()) {
            year = word.parse().ok();
        } else if bytes.len() <= 2 && word.bytes().all(|b| b.is_ascii_digit()) {
            day = word.parse().ok();
        } else if let Some((y, m, d)) = numeric(word) {
            (year, month, day) = (Some(y), Some(m), Some(d));
        } else if bytes.len() == 3 && time.is_none() && day.is_none() {
            // The day of the week.
        } else if time.is_some() && zone.is_empty() {
            zone = word;
        } else {
            return None;
        }
    }
    let ((hour, minute, second), micros) = time?;
    let civil = Civil {
        year: year?,
        month: month?,
        day: day?,
        hour,
        minute,
        second,
        micros,
    }
    .checked()?;
    zoned(civil, zone, clock)
}

/// `17.12.2025`, `17/12/2025`, `2025-12-17`, `2025/12/17`.
fn numeric(word: &str) -> Option<(i32, u32, u32)> {
    let mut numbers = word.split(['.', '/', '-']).map(str::parse::<u32>);
    let (a, b, c) = (numbers.next()?, numbers.next()?, numbers.next()?);
    if numbers.next().is_some() {
        return None;
    }
    match (a.ok()?, b.ok()?, c.ok()?) {
        (year @ 1970..=2199, month, day) => Some((year as i32, month, day)),
        (day, month, year @ 1970..=2199) => Some((year as i32, month, day)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vauban_evidence::TimeBase;

    #[test]
    fn notations() {
        let base = TimeBase::utc((2025, 12, 31));
        let clock = Clock::new(&base);
        for text in [
            "17-Dec-2025 08:15:30 +0100",
            "17-Dec-2025 08:15:30 Europe/Paris",
            "17-Dec-2025 07:15:30 UTC",
            "17-Dec-2025 07:15:30",
            "17-Dec-2025 08:15:30.000000 +0100",
            "2025-12-17T08:15:30+01:00",
            "2025-12-17 07:15:30",
            "2025-12-17 08:15:30 Europe/Paris",
            "17/Dec/2025:08:15:30 +0100",
            "Wed, 17 Dec 2025 08:15:30 +0100",
            "Wed Dec 17 08:15:30 CET 2025",
            "Dec 17 07:15:30",
            "Dec 17 07:15:30 2025",
            "17.12.2025 08:15:30 CET",
            "1765955730",
        ] {
            let time = front(&format!("[{text}]: x"), &clock).map(|(time, _)| time.to_string());
            assert_eq!(time.as_deref(), Some("2025-12-17T07:15:30Z"), "{text}");
        }
        for text in [
            "",
            "x",
            "12/17/2025 08:15:30",
            "17-Dec-2025 08:15:30 Nowhere/At",
            "error",
        ] {
            assert_eq!(front(&format!("[{text}]: x"), &clock), None, "{text}");
        }
    }
}
