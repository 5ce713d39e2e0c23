//! Numbers, sizes and instants as the reader's language writes them.

use crate::Lang;

/// A count with separated thousands: `12,345` or `12 345` (U+202F, as French typography asks).
pub fn count(n: u64, lang: Lang) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(match lang {
                Lang::En => ',',
                Lang::Fr => '\u{202F}',
            });
        }
        out.push(c);
    }
    out
}

/// Which way a shortened number is rounded.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Round {
    /// Down: for a lower bound, which must not claim more than is proven.
    Down,
    /// Up: for an upper bound, which must not exclude what is possible.
    Up,
    /// To the nearest: for a plain size.
    Nearest,
}

/// A size in bytes, short: `1.2 MB` or `1,2 Mo`, rounded to the nearest.
pub fn bytes(n: u64, lang: Lang) -> String {
    bytes_rounded(n, Round::Nearest, lang)
}

/// A size in bytes, short, rounded as `round` says. Decimal units (1 MB is 1,000,000 bytes), three
/// digits; exact under 1,000.
pub fn bytes_rounded(n: u64, round: Round, lang: Lang) -> String {
    let units = match lang {
        Lang::En => ["B", "kB", "MB", "GB", "TB", "PB", "EB"],
        Lang::Fr => ["o", "ko", "Mo", "Go", "To", "Po", "Eo"],
    };
    if n < 1000 {
        return format!("{n}\u{A0}{}", units.first().copied().unwrap_or("B"));
    }
    let divide = |scale: u128| match round {
        Round::Down => u128::from(n) / scale,
        Round::Up => u128::from(n).div_ceil(scale),
        Round::Nearest => (u128::from(n) + scale / 2) / scale,
    };
    let mut number = String::new();
    let mut unit = "";
    let mut scale: u128 = 1;
    for name in units.iter().skip(1) {
        scale *= 1000;
        unit = name;
        // Three digits: 1.23, 12.3, 123.
        let hundredths = divide((scale / 100).max(1));
        if hundredths < 1000 {
            number = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            break;
        }
        let tenths = divide(scale / 10);
        if tenths < 1000 {
            number = format!("{}.{}", tenths / 10, tenths % 10);
            break;
        }
        let whole = divide(scale);
        number = whole.to_string();
        if whole < 1000 {
            break;
        }
    }
    if lang == Lang::Fr {
        number = number.replace('.', ",");
    }
    format!("{number}\u{A0}{unit}")
}

/// A size in full: `1,234,567 bytes`.
pub fn bytes_exact(n: u64, lang: Lang) -> String {
    let word = match (lang, n) {
        (Lang::En, 1) => "byte",
        (Lang::En, _) => "bytes",
        (Lang::Fr, 0 | 1) => "octet",
        (Lang::Fr, _) => "octets",
    };
    format!("{}\u{A0}{word}", count(n, lang))
}

/// A lower bound, short, rounded down.
pub fn at_least(n: u64, lang: Lang) -> String {
    bytes_rounded(n, Round::Down, lang)
}

/// An upper bound, short, rounded up.
pub fn at_most(n: u64, lang: Lang) -> String {
    bytes_rounded(n, Round::Up, lang)
}

/// Lower and upper bound in words: `at least 1.2 MB, at most 3.4 MB`; `exactly …` when they are
/// equal.
pub fn bounds(min: u64, max: u64, lang: Lang) -> String {
    match (lang, min == max) {
        (Lang::En, true) => format!("exactly {}", bytes_exact(min, lang)),
        (Lang::Fr, true) => format!("exactement {}", bytes_exact(min, lang)),
        (Lang::En, false) => format!(
            "at least {}, at most {}",
            at_least(min, lang),
            at_most(max, lang)
        ),
        (Lang::Fr, false) => format!(
            "au moins {}, au plus {}",
            at_least(min, lang),
            at_most(max, lang)
        ),
    }
}

/// A probability interval: `80–95 %`.
pub fn percent_range(low: f64, high: f64, lang: Lang) -> String {
    let one = |p: f64| (p.clamp(0.0, 1.0) * 100.0).round() as u32;
    match lang {
        Lang::En => format!("{}–{}%", one(low), one(high)),
        Lang::Fr => format!("{}–{}\u{202F}%", one(low), one(high)),
    }
}

/// Seconds since 1970 of an RFC 3339 time, or `None` if it is not one.
pub fn seconds(rfc3339: &str) -> Option<i64> {
    rfc3339
        .trim()
        .parse::<jiff::Timestamp>()
        .ok()
        .map(|t| t.as_second())
}

/// Civil time in UTC.
pub(crate) fn utc(t: jiff::Timestamp) -> jiff::civil::DateTime {
    jiff::tz::Offset::UTC.to_datetime(t)
}

/// Date and time for tables: `2025-12-09 02:30:00`, in UTC. What is no RFC 3339 time is shown
/// as it is.
pub fn stamp(rfc3339: &str) -> String {
    match rfc3339.trim().parse::<jiff::Timestamp>() {
        Ok(t) => utc(t).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => crate::escape::shown(rfc3339, 40),
    }
}

/// Date and time for sentences: `9 December 2025, 02:30 UTC`, `9 décembre 2025 à 02:30 UTC`.
pub fn instant(rfc3339: &str, lang: Lang) -> String {
    let Ok(t) = rfc3339.trim().parse::<jiff::Timestamp>() else {
        return crate::escape::shown(rfc3339, 40);
    };
    let z = utc(t);
    let day = day_of(&z, lang);
    match lang {
        Lang::En => format!("{day}, {:02}:{:02} UTC", z.hour(), z.minute()),
        Lang::Fr => format!("{day} à {:02}:{:02} UTC", z.hour(), z.minute()),
    }
}

/// Date for sentences: `9 December 2025`, `9 décembre 2025`.
pub fn day(rfc3339: &str, lang: Lang) -> String {
    match rfc3339.trim().parse::<jiff::Timestamp>() {
        Ok(t) => day_of(&utc(t), lang),
        Err(_) => crate::escape::shown(rfc3339, 40),
    }
}

fn day_of(z: &jiff::civil::DateTime, lang: Lang) -> String {
    const EN: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    const FR: [&str; 12] = [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ];
    let index = usize::try_from(z.month() - 1).unwrap_or(0);
    let month = match lang {
        Lang::En => EN.get(index),
        Lang::Fr => FR.get(index),
    };
    let number = match (lang, z.day()) {
        (Lang::Fr, 1) => "1er".to_owned(),
        (_, d) => d.to_string(),
    };
    format!("{number} {} {}", month.copied().unwrap_or("?"), z.year())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_in_both_languages() {
        for (n, en, fr) in [
            (0, "0\u{A0}B", "0\u{A0}o"),
            (999, "999\u{A0}B", "999\u{A0}o"),
            (1_000, "1.00\u{A0}kB", "1,00\u{A0}ko"),
            (999_999, "1.00\u{A0}MB", "1,00\u{A0}Mo"),
            (1_234_567, "1.23\u{A0}MB", "1,23\u{A0}Mo"),
            (123_456_789, "123\u{A0}MB", "123\u{A0}Mo"),
            (u64::MAX, "18.4\u{A0}EB", "18,4\u{A0}Eo"),
        ] {
            assert_eq!(bytes(n, Lang::En), en);
            assert_eq!(bytes(n, Lang::Fr), fr);
        }
    }

    #[test]
    fn bounds_never_claim_more_than_is_proven() {
        assert_eq!(at_least(1_299_999, Lang::En), "1.29\u{A0}MB");
        assert_eq!(at_most(1_200_001, Lang::En), "1.21\u{A0}MB");
        assert_eq!(at_most(999_999, Lang::En), "1.00\u{A0}MB");
        assert_eq!(at_least(999_999, Lang::En), "999\u{A0}kB");
        assert_eq!(at_most(99_999, Lang::En), "100\u{A0}kB");
        assert_eq!(
            bounds(5_000, 5_000, Lang::Fr),
            "exactement 5\u{202F}000\u{A0}octets"
        );
    }

    #[test]
    fn counts_and_instants() {
        assert_eq!(count(1_234_567, Lang::En), "1,234,567");
        assert_eq!(count(1_234, Lang::Fr), "1\u{202F}234");
        assert_eq!(
            instant("2025-12-09T02:30:05Z", Lang::En),
            "9 December 2025, 02:30 UTC"
        );
        assert_eq!(
            instant("2025-12-01T02:30:05Z", Lang::Fr),
            "1er décembre 2025 à 02:30 UTC"
        );
        assert_eq!(stamp("2025-12-09T02:30:05.123456Z"), "2025-12-09 02:30:05");
        assert_eq!(stamp("not\u{1b}a time"), "not⟨U+001B⟩a time");
        assert_eq!(percent_range(0.8, 0.95, Lang::Fr), "80–95\u{202F}%");
    }

    /// What a shortened size says, in bytes.
    fn said(text: &str) -> f64 {
        let (number, unit) = text.split_once('\u{A0}').unwrap();
        let power = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
            .iter()
            .position(|u| *u == unit)
            .unwrap();
        number.parse::<f64>().unwrap() * 1000_f64.powi(power as i32)
    }

    proptest! {
        #[test]
        fn the_truth_is_between_the_shortened_bounds(n in prop_oneof![0..10_000_000_u64, any::<u64>()]) {
            // Floating point of the test itself: one part in 10^12.
            let slack = n as f64 * 1e-12;
            prop_assert!(said(&at_least(n, Lang::En)) <= n as f64 + slack);
            prop_assert!(said(&at_most(n, Lang::En)) >= n as f64 - slack);
            prop_assert!(said(&at_most(n, Lang::En)) <= n as f64 * 1.0101 + 1.0);
        }
    }
}
