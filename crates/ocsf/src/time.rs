//! Instants: microseconds since 1970-01-01T00:00:00 UTC.

use std::fmt;

/// An instant in microseconds since the Unix epoch, UTC. Leap seconds do not exist here, as in
/// POSIX time.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Microseconds in a day.
pub const DAY: i64 = 24 * HOUR;

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar.
///
/// `month` is 1–12; `day` is not checked against the month's length. The formula is Howard
/// Hinnant's `days_from_civil` (chrono-Compatible Low-Level Date Algorithms).
pub const fn days_from_civil(year: i32, month: u32, day: u32) -> i64 {
    let y = year as i64 - (month <= 2) as i64;
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = (month as i64 + 9) % 12;
    let doy = (153 * mp + 2) / 5 + day as i64 - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

/// The inverse of [`days_from_civil`]: `(year, month, day)`.
pub const fn civil_from_days(days: i64) -> (i32, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = (doy - (153 * mp + 2) / 5 + 1) as u32;
    let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
    ((yoe + era * 400) as i32 + (month <= 2) as i32, month, day)
}

impl Timestamp {
    /// From whole seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * SECOND)
    }

    /// From a civil date and time with the offset it was written in.
    ///
    /// `offset_seconds` is what the clock was ahead of UTC (`+0100` is 3600). Fields are taken as
    /// they are: the caller has checked their ranges.
    #[allow(clippy::too_many_arguments)]
    pub const fn from_civil(
        year: i32,
        month: u32,
        day: u32,
        hour: u32,
        minute: u32,
        second: u32,
        micros: u32,
        offset_seconds: i32,
    ) -> Self {
        let days = days_from_civil(year, month, day);
        let secs = days * 86_400 + hour as i64 * 3600 + minute as i64 * 60 + second as i64
            - offset_seconds as i64;
        Self(secs * SECOND + micros as i64)
    }

    /// Whole seconds since the epoch, rounded towards the past.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// `(year, month, day, hour, minute, second, microsecond)` in UTC.
    pub const fn civil(self) -> (i32, u32, u32, u32, u32, u32, u32) {
        let secs = self.0.div_euclid(SECOND);
        let micros = self.0.rem_euclid(SECOND) as u32;
        let (y, m, d) = civil_from_days(secs.div_euclid(86_400));
        let s = secs.rem_euclid(86_400) as u32;
        (y, m, d, s / 3600, s / 60 % 60, s % 60, micros)
    }
}

/// RFC 3339 in UTC; microseconds only when there are any.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (y, mo, d, h, mi, s, us) = self.civil();
        write!(f, "{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}")?;
        if us != 0 {
            write!(f, ".{us:06}")?;
        }
        f.write_str("Z")
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_round_trip_over_eight_centuries() {
        for days in -200_000..100_000 {
            let (y, m, d) = civil_from_days(days);
            assert_eq!(days_from_civil(y, m, d), days);
        }
    }

    #[test]
    fn known_instants() {
        assert_eq!(
            Timestamp::from_civil(2025, 12, 9, 2, 30, 0, 0, 3600).seconds(),
            1_765_243_800
        );
        assert_eq!(
            Timestamp::from_seconds(0).to_string(),
            "1970-01-01T00:00:00Z"
        );
        assert_eq!(
            Timestamp(1_709_164_800_000_001).to_string(),
            "2024-02-29T00:00:00.000001Z"
        );
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31T23:59:59.999999Z");
    }
}
