//! Times as events write them.

use vauban_ocsf::{DAY, HOUR, MINUTE, SECOND, Timestamp, civil_from_days, days_from_civil};

/// A part of a time that a rule can ask for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub(crate) enum Part {
    Minute,
    Hour,
    Day,
    /// Week of ISO 8601.
    Week,
    Month,
    Year,
}

/// A time as written, before its offset from UTC is applied.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    days: i64,
    /// Microseconds in the day.
    within: i64,
    /// Microseconds east of UTC.
    offset: i64,
}

impl Written {
    /// `2024-07-10T12:30:00.5Z`, with a space for `T`, without seconds, fraction or zone, or
    /// seconds (milliseconds above 10^12, microseconds above 10^15) since 1970.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.get(4) != Some(&b'-') {
            return Self::from_epoch(text.parse().ok()?);
        }
        let number = |at: std::ops::Range<usize>| -> Option<u32> {
            let digits = text.get(at)?;
            digits
                .bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| digits.parse().ok())?
        };
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let (hour, minute) = (number(11..13)?, number(14..16)?);
        if bytes.get(7) != Some(&b'-')
            || !matches!(bytes.get(10), Some(b'T' | b't' | b' '))
            || bytes.get(13) != Some(&b':')
            || !(1..=12).contains(&month)
            || !(1..=31).contains(&day)
            || hour > 23
            || minute > 59
        {
            return None;
        }
        let mut rest = text.get(16..)?;
        let mut micros = 0;
        if rest.starts_with(':') {
            let second = number(17..19).filter(|s| *s <= 60)?;
            micros = i64::from(second) * SECOND;
            rest = text.get(19..)?;
            if let Some(fraction) = rest.strip_prefix(['.', ',']) {
                let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
                if digits == 0 {
                    return None;
                }
                let mut unit = SECOND / 10;
                for b in fraction.bytes().take(digits) {
                    micros += i64::from(b - b'0') * unit;
                    unit /= 10;
                }
                rest = fraction.get(digits..)?;
            }
        }
        let offset = match rest.trim() {
            "" | "Z" | "z" | "UTC" => 0,
            zone => {
                let sign = match zone.as_bytes().first()? {
                    b'+' => 1,
                    b'-' => -1,
                    _ => return None,
                };
                let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
                let value: i64 = digits.parse().ok()?;
                match digits.len() {
                    2 => sign * value * HOUR,
                    4 => sign * (value / 100 * HOUR + value % 100 * MINUTE),
                    _ => return None,
                }
            }
        };
        Some(Self {
            days: days_from_civil(i32::try_from(year).ok()?, month, day),
            within: i64::from(hour) * HOUR + i64::from(minute) * MINUTE + micros,
            offset,
        })
    }

    fn from_epoch(value: f64) -> Option<Self> {
        let seconds = match value.abs() {
            v if v > 1e15 => value / 1e6,
            v if v > 1e12 => value / 1e3,
            _ => value,
        };
        if !(-6e10..2.5e11).contains(&seconds) {
            return None;
        }
        let micros = (seconds * 1e6).round() as i64;
        Some(Self {
            days: micros.div_euclid(DAY),
            within: micros.rem_euclid(DAY),
            offset: 0,
        })
    }

    pub fn instant(self) -> Timestamp {
        Timestamp(self.days * DAY + self.within - self.offset)
    }

    /// The part as written: the specification rules out conversion between time zones.
    pub fn part(self, part: Part) -> i64 {
        let (year, month, day) = civil_from_days(self.days);
        match part {
            Part::Minute => self.within / MINUTE % 60,
            Part::Hour => self.within / HOUR,
            Part::Day => i64::from(day),
            Part::Month => i64::from(month),
            Part::Year => i64::from(year),
            Part::Week => {
                // The week belongs to the year its Thursday is in; 1970-01-01 was a Thursday.
                let thursday = self.days - (self.days + 3).rem_euclid(7) + 3;
                let (year, _, _) = civil_from_days(thursday);
                (thursday - days_from_civil(year, 1, 1)) / 7 + 1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_times() {
        let at = |text| Written::parse(text).map(|w| w.instant().0);
        let base = 1_720_614_600 * SECOND;
        for (text, expected) in [
            ("2024-07-10T12:30:00Z", base),
            ("2024-07-10 12:30", base),
            ("2024-07-10 12:30:00.250", base + 250_000),
            ("2024-07-10T14:30:00+02:00", base),
            ("2024-07-10T10:30:00-0200", base),
            ("1720614600", base),
            ("1720614600.5", base + 500_000),
            ("1720614600250", base + 250_000),
            ("1720614600250000", base + 250_000),
        ] {
            assert_eq!(at(text), Some(expected), "{text}");
        }
        for bad in [
            "",
            "x",
            "2024-13-10T12:30:00Z",
            "2024-07-10",
            "2024-07-10T25:00",
            "NaN",
            "1e300",
        ] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }

    #[test]
    fn parts_as_written() {
        let table = [
            ("2024-07-10T23:31:00+02:00", [31, 23, 10, 28, 7, 2024]),
            ("2021-01-03T00:00:00Z", [0, 0, 3, 53, 1, 2021]),
            ("2021-01-04T00:00:00Z", [0, 0, 4, 1, 1, 2021]),
            ("2024-12-30T05:06:07Z", [6, 5, 30, 1, 12, 2024]),
        ];
        use Part::*;
        for (text, expected) in table {
            let written = Written::parse(text).expect("a time");
            let parts = [Minute, Hour, Day, Week, Month, Year].map(|p| written.part(p));
            assert_eq!(parts, expected, "{text}");
        }
    }
}
