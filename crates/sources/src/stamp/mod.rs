//! Time stamps as logs write them.
//!
//! Each function reads one notation from the beginning of `bytes` and returns the instant and how
//! many bytes the stamp took, or `None` if it does not stand there. Stamps without offset or year
//! are completed from the artefact's [`Clock`].

mod minute;

use minute::Minute;
use std::cell::Cell;
use vauban_evidence::TimeBase;
use vauban_ocsf::{Timestamp, days_from_civil};

/// An artefact's time base made quick to ask. Make one for each call of a parser.
pub struct Clock<'a> {
    base: &'a TimeBase,
    /// The zone's offset in seconds when it never changes.
    fixed: Option<i32>,
    /// The last civil day asked for, with its offset, if the offset is the same all day long:
    /// consecutive lines are nearly always of one day, and a zone look-up costs more than parsing
    /// the line.
    day: Cell<(i64, i32)>,
    /// The last year worked out for a stamp without year: `(month << 8 | day, year)`.
    year: Cell<(u32, i32)>,
    /// The minute of the last stamp of each notation that [`minute`] reads.
    iso: Cell<Minute>,
    bare: Cell<Minute>,
    rfc3164: Cell<Minute>,
    clf: Cell<Minute>,
}

impl<'a> Clock<'a> {
    /// A clock for a time base.
    pub fn new(base: &'a TimeBase) -> Self {
        Self {
            base,
            fixed: base
                .zone
                .to_fixed_offset()
                .ok()
                .map(|offset| offset.seconds()),
            day: Cell::new((i64::MIN, 0)),
            year: Cell::new((0, 0)),
            iso: Cell::default(),
            bare: Cell::default(),
            rfc3164: Cell::default(),
            clf: Cell::default(),
        }
    }

    /// The instant of a civil time in the artefact's zone.
    ///
    /// A time that happened twice (clocks set back) means the first; one that never happened
    /// (clocks set forward) is read with the offset that held before.
    #[allow(clippy::too_many_arguments)]
    pub fn local(&self, civil: Civil) -> Timestamp {
        let days = days_from_civil(civil.year, civil.month, civil.day);
        let offset = match self.fixed {
            Some(offset) => offset,
            None => {
                let (known, offset) = self.day.get();
                if known == days {
                    offset
                } else {
                    self.look_up(days, civil)
                }
            }
        };
        civil.at_offset(offset)
    }

    /// Whether the offset from UTC is known to be one and the same all day of an instant that
    /// [`Self::local`] just gave.
    fn is_steady(&self, time: Timestamp) -> bool {
        let (day, offset) = self.day.get();
        self.fixed.is_some()
            || time
                .seconds()
                .saturating_add(i64::from(offset))
                .div_euclid(86_400)
                == day
    }

    #[cold]
    fn look_up(&self, days: i64, civil: Civil) -> i32 {
        let at = |hour: u32, minute: u32, second: u32| {
            let date_time = jiff::civil::DateTime::new(
                civil.year as i16,
                civil.month as i8,
                civil.day as i8,
                hour as i8,
                minute as i8,
                second as i8,
                0,
            )
            .ok()?;
            let ambiguous = self.base.zone.to_ambiguous_timestamp(date_time);
            // `compatible`, RFC 5545's rule: the first of two, or past the gap.
            let instant = ambiguous.compatible().ok()?;
            let wall = days * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
            i32::try_from(wall - instant.as_second()).ok()
        };
        let here = at(civil.hour, civil.minute, civil.second.min(59)).unwrap_or(0);
        if at(0, 0, 0) == Some(here) && at(23, 59, 59) == Some(here) {
            // Two changes within one day that cancel out exist in no zone since 1970.
            self.day.set((days, here));
        }
        here
    }

    /// The year that a date without one means: the greatest for which the date is valid and not
    /// later than the time base's latest date.
    pub fn year_of(&self, month: u32, day: u32) -> i32 {
        let key = month << 8 | day;
        let (known, year) = self.year.get();
        if known == key {
            return year;
        }
        let (latest_year, latest_month, latest_day) = self.base.latest;
        let mut year = latest_year;
        if (month, day) > (latest_month, latest_day) {
            year = year.saturating_sub(1);
        }
        while month == 2 && day == 29 && days_in_month(year, 2) == 28 && year > 0 {
            year -= 1;
        }
        self.year.set((key, year));
        year
    }
}

/// A civil date and time whose fields have been checked to exist (second 60 is allowed).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Civil {
    pub year: i32,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub micros: u32,
}

impl Civil {
    /// Checks the ranges, leap years included.
    pub fn checked(self) -> Option<Self> {
        let valid = self.month.wrapping_sub(1) < 12
            && self.day >= 1
            && (self.day <= 28 || self.day <= days_in_month(self.year, self.month))
            && self.hour < 24
            && self.minute < 60
            && self.second <= 60
            && self.micros < 1_000_000;
        valid.then_some(self)
    }

    /// The instant, for a clock `seconds` ahead of UTC.
    pub fn at_offset(self, seconds: i32) -> Timestamp {
        Timestamp::from_civil(
            self.year,
            self.month,
            self.day,
            self.hour,
            self.minute,
            self.second,
            self.micros,
            seconds,
        )
    }
}

fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Two decimal digits at `at`; a blank counts as a leading zero.
#[inline]
pub fn two(bytes: &[u8], at: usize) -> Option<u32> {
    let &[tens, ones] = bytes.get(at..at + 2)? else {
        return None;
    };
    let tens = if tens == b' ' {
        0
    } else {
        tens.wrapping_sub(b'0')
    };
    let ones = ones.wrapping_sub(b'0');
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// Four decimal digits at `at`.
#[inline]
pub fn four(bytes: &[u8], at: usize) -> Option<u32> {
    if bytes.get(at) == Some(&b' ') || bytes.get(at + 2) == Some(&b' ') {
        return None;
    }
    Some(two(bytes, at)? * 100 + two(bytes, at + 2)?)
}

/// An English three-letter month at `at`, 1–12, exactly as `strftime` writes it in the C locale.
#[inline]
pub fn month(bytes: &[u8], at: usize) -> Option<u32> {
    let &[a, b, c] = bytes.get(at..at + 3)? else {
        return None;
    };
    Some(match [a, b, c] {
        [b'J', b'a', b'n'] => 1,
        [b'F', b'e', b'b'] => 2,
        [b'M', b'a', b'r'] => 3,
        [b'A', b'p', b'r'] => 4,
        [b'M', b'a', b'y'] => 5,
        [b'J', b'u', b'n'] => 6,
        [b'J', b'u', b'l'] => 7,
        [b'A', b'u', b'g'] => 8,
        [b'S', b'e', b'p'] => 9,
        [b'O', b'c', b't'] => 10,
        [b'N', b'o', b'v'] => 11,
        [b'D', b'e', b'c'] => 12,
        _ => return None,
    })
}

/// `HH:MM:SS` at `at`: hour, minute, second, unchecked.
#[inline]
pub fn clock_time(bytes: &[u8], at: usize) -> Option<(u32, u32, u32)> {
    if bytes.get(at + 2) != Some(&b':') || bytes.get(at + 5) != Some(&b':') {
        return None;
    }
    Some((two(bytes, at)?, two(bytes, at + 3)?, two(bytes, at + 6)?))
}

/// A decimal fraction of a second at `at`, `.` or `,` and digits: microseconds (finer digits are
/// cut off) and the position after it. `(0, at)` if there is none.
#[inline]
pub fn fraction(bytes: &[u8], at: usize) -> (u32, usize) {
    if !matches!(bytes.get(at), Some(b'.' | b',')) {
        return (0, at);
    }
    let mut end = at + 1;
    let mut micros = 0;
    let mut unit = 100_000;
    while let Some(digit) = bytes
        .get(end)
        .map(|b| b.wrapping_sub(b'0'))
        .filter(|&d| d < 10)
    {
        micros += u32::from(digit) * unit;
        unit /= 10;
        end += 1;
    }
    if end == at + 1 {
        (0, at)
    } else {
        (micros, end)
    }
}

/// An offset from UTC at `at`: `Z`, `+01:00`, `+0100`, `+01`; seconds and the position after it.
#[inline]
pub fn offset(bytes: &[u8], at: usize) -> Option<(i32, usize)> {
    let sign = match bytes.get(at)? {
        b'Z' | b'z' => return Some((0, at + 1)),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    if bytes.get(at + 1) == Some(&b' ') {
        return None;
    }
    let hours = two(bytes, at + 1)?;
    let (minutes, end) = if bytes.get(at + 3) == Some(&b':') {
        (two(bytes, at + 4)?, at + 6)
    } else if let Some(minutes) = two(bytes, at + 3).filter(|_| bytes.get(at + 3) != Some(&b' ')) {
        (minutes, at + 5)
    } else {
        (0, at + 3)
    };
    (hours < 24 && minutes < 60).then(|| (sign * (hours * 3600 + minutes * 60) as i32, end))
}

/// RFC 3164: `Dec  9 02:03:04`, also with a zero for the blank, with a fraction of a second, or
/// with a year after the day (`Dec  9 2025 02:03:04`) or after the time.
#[inline]
pub fn rfc3164(bytes: &[u8], clock: &Clock<'_>) -> Option<(Timestamp, usize)> {
    minute::rfc3164(bytes, clock).or_else(|| rfc3164_anew(bytes, clock))
}

fn rfc3164_anew(bytes: &[u8], clock: &Clock<'_>) -> Option<(Timestamp, usize)> {
    let month = month(bytes, 0)?;
    if bytes.get(3) != Some(&b' ') {
        return None;
    }
    // `Dec 9 02:03:04`, with a single blank, is what some relays make of it.
    let (day, after) = match (two(bytes, 4), bytes.get(6)) {
        (Some(day), Some(b' ')) => (day, 7),
        _ if bytes.get(5) == Some(&b' ') => (u32::from(bytes.get(4)?.wrapping_sub(b'0')), 6),
        _ => return None,
    };
    if day == 0 || day > 31 {
        return None;
    }
    if let Some((hour, minute, second)) = clock_time(bytes, after) {
        let (micros, end) = fraction(bytes, after + 8);
        let (year, end) = match four(bytes, end + 1) {
            Some(year)
                if bytes.get(end) == Some(&b' ')
                    && (1970..2200).contains(&year)
                    && matches!(bytes.get(end + 5), None | Some(b' ' | b':' | b']')) =>
            {
                (year as i32, end + 5)
            }
            _ => (clock.year_of(month, day), end),
        };
        let civil = Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
            micros,
        }
        .checked()?;
        let time = clock.local(civil);
        minute::keep_rfc3164(bytes, clock, time, end);
        return Some((time, end));
    }
    let year = four(bytes, after)? as i32;
    if bytes.get(after + 4) != Some(&b' ') {
        return None;
    }
    let (hour, minute, second) = clock_time(bytes, after + 5)?;
    let (micros, end) = fraction(bytes, after + 13);
    let civil = Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
        micros,
    }
    .checked()?;
    Some((clock.local(civil), end))
}

/// RFC 3339 and its relations: `2025-12-09T02:03:04.123456+01:00`, `2025-12-09 02:03:04,123`,
/// `2025-12-09 02:03:04 +0100`, `2025/12/09 02:03:04`. Without an offset the artefact's zone
/// holds.
#[inline]
pub fn rfc3339(bytes: &[u8], clock: &Clock<'_>) -> Option<(Timestamp, usize)> {
    minute::iso(bytes, clock)
        .or_else(|| minute::bare(bytes, clock))
        .or_else(|| rfc3339_anew(bytes, clock))
}

fn rfc3339_anew(bytes: &[u8], clock: &Clock<'_>) -> Option<(Timestamp, usize)> {
    let separator = *bytes.get(4)?;
    if !matches!(separator, b'-' | b'/')
        || bytes.get(7) != Some(&separator)
        || !matches!(bytes.get(10), Some(b'T' | b't' | b' '))
    {
        return None;
    }
    let (year, month, day) = (four(bytes, 0)? as i32, two(bytes, 5)?, two(bytes, 8)?);
    let (hour, minute, second) = clock_time(bytes, 11)?;
    let (micros, end) = fraction(bytes, 19);
    let civil = Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
        micros,
    }
    .checked()?;
    if let Some((seconds, end)) = offset(bytes, end) {
        let time = civil.at_offset(seconds);
        minute::keep_iso(bytes, clock, time, end);
        return Some((time, end));
    }
    // An offset after a blank needs all four digits and a boundary: ` -04` may be anything.
    if matches!(bytes.get(end..end + 2), Some([b' ', b'+' | b'-']))
        && let Some((seconds, after)) = offset(bytes, end + 1)
        && after == end + 6
        && matches!(bytes.get(after), None | Some(b' ' | b']' | b':'))
    {
        return Some((civil.at_offset(seconds), after));
    }
    let time = clock.local(civil);
    minute::keep_bare(bytes, clock, time, end);
    Some((time, end))
}

/// Common Log Format: `10/Oct/2025:13:55:36 +0200` (the offset may lack).
#[inline]
pub fn clf(bytes: &[u8], clock: &Clock<'_>) -> Option<(Timestamp, usize)> {
    minute::clf(bytes, clock).or_else(|| clf_anew(bytes, clock))
}

fn clf_anew(bytes: &[u8], clock: &Clock<'_>) -> Option<(Timestamp, usize)> {
    if bytes.get(2) != Some(&b'/') || bytes.get(6) != Some(&b'/') || bytes.get(11) != Some(&b':') {
        return None;
    }
    let (day, month, year) = (two(bytes, 0)?, month(bytes, 3)?, four(bytes, 7)? as i32);
    let (hour, minute, second) = clock_time(bytes, 12)?;
    let (micros, end) = fraction(bytes, 20);
    let civil = Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
        micros,
    }
    .checked()?;
    if bytes.get(end) == Some(&b' ')
        && let Some((seconds, end)) = offset(bytes, end + 1)
    {
        let time = civil.at_offset(seconds);
        minute::keep_clf(bytes, clock, time, end);
        return Some((time, end));
    }
    Some((clock.local(civil), end))
}

/// Seconds since the epoch, with or without a fraction: `1765245784.123456`. Nine to eleven
/// digits before the point (1973 to 5138), so that a queue id or a size is not taken for one.
pub fn epoch(bytes: &[u8]) -> Option<(Timestamp, usize)> {
    let mut end = 0;
    let mut seconds: i64 = 0;
    while let Some(digit) = bytes
        .get(end)
        .map(|b| b.wrapping_sub(b'0'))
        .filter(|&d| d < 10)
    {
        end += 1;
        if end > 11 {
            return None;
        }
        seconds = seconds * 10 + i64::from(digit);
    }
    if end < 9 {
        return None;
    }
    let (micros, end) = fraction(bytes, end);
    Some((Timestamp(seconds * 1_000_000 + i64::from(micros)), end))
}

#[cfg(test)]
mod tests;
