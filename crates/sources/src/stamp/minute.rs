//! Stamps of the same minute as the one before.
//!
//! Logs are in order of time, so most stamps differ from the one before in their seconds only. The
//! usual layouts have these at fixed places: if all other bytes are those of the last stamp that
//! was read in full, the minute's instant is known and the seconds are added. Any other stamp is
//! read in full, so nothing here decides what is a stamp.

use super::Clock;
use vauban_ocsf::{SECOND, Timestamp};

/// A minute as a notation writes it, and when it began.
#[derive(Copy, Clone, Default)]
pub(super) struct Minute {
    /// The bytes before the seconds; all zero if no minute is known yet.
    text: u128,
    /// The bytes after them that belong to the stamp.
    after: u64,
    /// Microseconds since the epoch.
    began: i64,
}

#[inline(always)]
fn word(bytes: &[u8; 32], at: usize) -> u64 {
    let chunk = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>);
    chunk.map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

#[inline(always)]
fn long(bytes: &[u8]) -> u128 {
    bytes.first_chunk().map_or(0, |c| u128::from_le_bytes(*c))
}

/// The number of eight decimal digits, the first in the lowest byte. All eight at once: pairs,
/// then fours, then all are put together in neighbouring parts of one word.
#[inline(always)]
fn eight_digits(text: u64) -> Option<i64> {
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const ZEROES: u64 = 0x3030_3030_3030_3030;
    if (text & HIGH) != ZEROES || (text.wrapping_add(0x0606_0606_0606_0606) & HIGH) != ZEROES {
        return None;
    }
    let digits = text - ZEROES;
    let pairs = (digits.wrapping_mul(10) + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    let all = fours.wrapping_mul(10_000) + (fours >> 32);
    Some((all & 0xffff_ffff) as i64)
}

/// Microseconds from two digits of seconds, 60 for a leap second included.
#[inline(always)]
fn seconds(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    let seconds = i64::from(tens) * 10 + i64::from(ones);
    (tens < 10 && ones < 10 && seconds <= 60).then_some(seconds * SECOND)
}

/// The parts of `2025-12-09T02:03:04.123456+01:00`: what names the minute, and microseconds in it.
#[inline(always)]
fn iso_parts(bytes: &[u8]) -> Option<(u128, u64, i64)> {
    let head = bytes.first_chunk::<32>()?;
    let zone = word(head, 24) >> 16;
    if head[16] != b':' || head[19] != b'.' || head[29] != b':' {
        return None;
    }
    let digits = word(head, 18) & !0xffff | u64::from(head[17]) | u64::from(head[18]) << 8;
    let micros = eight_digits(digits).filter(|&micros| micros < 61 * SECOND)?;
    Some((long(head), zone, micros))
}

#[inline(always)]
pub(super) fn iso(bytes: &[u8], clock: &Clock<'_>) -> Option<(Timestamp, usize)> {
    let (text, after, micros) = iso_parts(bytes)?;
    let known = clock.iso.get();
    (known.text == text && known.after == after).then(|| (Timestamp(known.began + micros), 32))
}

pub(super) fn keep_iso(bytes: &[u8], clock: &Clock<'_>, time: Timestamp, end: usize) {
    if end == 32
        && let Some((text, after, micros)) = iso_parts(bytes)
    {
        let began = time.0 - micros;
        clock.iso.set(Minute { text, after, began });
    }
}

/// The parts of `2025-12-09 02:03:04` with a blank after it that no offset from UTC follows.
#[inline(always)]
fn bare_parts(bytes: &[u8]) -> Option<(u128, i64)> {
    let head = bytes.first_chunk::<21>()?;
    if head[16] != b':' || head[19] != b' ' || matches!(head[20], b'+' | b'-') {
        return None;
    }
    Some((long(head), seconds(head[17], head[18])?))
}

#[inline(always)]
pub(super) fn bare(bytes: &[u8], clock: &Clock<'_>) -> Option<(Timestamp, usize)> {
    let (text, micros) = bare_parts(bytes)?;
    let known = clock.bare.get();
    (known.text == text).then(|| (Timestamp(known.began + micros), 19))
}

pub(super) fn keep_bare(bytes: &[u8], clock: &Clock<'_>, time: Timestamp, end: usize) {
    if end == 19
        && let Some((text, micros)) = bare_parts(bytes)
        && clock.is_steady(Timestamp(time.0 - micros))
    {
        let (after, began) = (0, time.0 - micros);
        clock.bare.set(Minute { text, after, began });
    }
}

/// The parts of `Dec  9 02:03:04` with a blank or nothing after it.
#[inline(always)]
fn rfc3164_parts(bytes: &[u8]) -> Option<(u128, i64)> {
    let head = bytes.first_chunk::<16>()?;
    // A year may follow.
    if head[12] != b':' || head[15] != b' ' || bytes.get(16).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let text = u128::from_le_bytes(*head) & ((1 << 96) - 1);
    Some((text, seconds(head[13], head[14])?))
}

#[inline(always)]
pub(super) fn rfc3164(bytes: &[u8], clock: &Clock<'_>) -> Option<(Timestamp, usize)> {
    let (text, micros) = rfc3164_parts(bytes)?;
    let known = clock.rfc3164.get();
    (known.text == text).then(|| (Timestamp(known.began + micros), 15))
}

pub(super) fn keep_rfc3164(bytes: &[u8], clock: &Clock<'_>, time: Timestamp, end: usize) {
    if end == 15
        && let Some((text, micros)) = rfc3164_parts(bytes)
        && clock.is_steady(Timestamp(time.0 - micros))
    {
        let (after, began) = (0, time.0 - micros);
        clock.rfc3164.set(Minute { text, after, began });
    }
}

/// The parts of `10/Oct/2025:13:55:36 +0200`.
#[inline(always)]
fn clf_parts(bytes: &[u8]) -> Option<(u128, u64, i64)> {
    let head = bytes.first_chunk::<26>()?;
    if head[17] != b':' || head[20] != b' ' {
        return None;
    }
    let mut after = [0; 8];
    after[0] = head[16];
    after[1..6].copy_from_slice(&head[21..26]);
    Some((
        long(head),
        u64::from_le_bytes(after),
        seconds(head[18], head[19])?,
    ))
}

#[inline(always)]
pub(super) fn clf(bytes: &[u8], clock: &Clock<'_>) -> Option<(Timestamp, usize)> {
    let (text, after, micros) = clf_parts(bytes)?;
    let known = clock.clf.get();
    (known.text == text && known.after == after).then(|| (Timestamp(known.began + micros), 26))
}

pub(super) fn keep_clf(bytes: &[u8], clock: &Clock<'_>, time: Timestamp, end: usize) {
    if end == 26
        && let Some((text, after, micros)) = clf_parts(bytes)
    {
        let began = time.0 - micros;
        clock.clf.set(Minute { text, after, began });
    }
}

#[cfg(test)]
mod tests {
    use super::super::{clf, rfc3164, rfc3339};
    use super::*;
    use proptest::prelude::*;
    use vauban_evidence::TimeBase;

    #[test]
    fn digits() {
        let eight = |text: &[u8; 8]| eight_digits(u64::from_le_bytes(*text));
        assert_eq!(eight(b"12345678"), Some(12_345_678));
        assert_eq!(eight(b"00000000"), Some(0));
        assert_eq!(eight(b"99999999"), Some(99_999_999));
        for bad in [b"1234567:", b"/2345678", b"1234 678", b"\xff2345678"] {
            assert_eq!(eight(bad), None);
        }
    }

    const STAMPS: &[&str] = &[
        "2025-12-09T02:03:04.123456+01:00 x",
        "2025-12-09T02:03:59.999999+01:00 x",
        "2025-12-09T02:03:60.000001+01:00 x",
        "2025-12-09T02:03:04.123456+02:00 x",
        "2025-12-09T02:03:04.123456-01:00 x",
        "2025-12-09T02:04:04.123456+01:00 x",
        "2025-12-09 02:03:04.123456+01:00 x",
        "2025-10-26T02:30:04.123456+01:00 x",
        "2025-12-09 02:03:04 x",
        "2025-12-09 02:03:59 xy",
        "2025-12-09 02:03:59 +0100 x",
        "2025-12-09 02:03:59 -04 x",
        "2025-10-26 02:30:00 x",
        "2025-10-26 03:00:01 x",
        "2025/12/09 02:03:04 [error] x",
        "Dec  9 02:03:04 host x",
        "Dec  9 02:03:60 host x",
        "Dec  9 02:03:04 2024 host x",
        "Dec 09 02:03:04 host x",
        "Oct 26 02:30:00 host x",
        "Oct 26 02:30:01 host x",
        "Oct 26 03:00:00 host x",
        "Mar 30 01:59:59 host x",
        "Mar 30 03:00:00 host x",
        "10/Oct/2025:13:55:36 +0200] x",
        "10/Oct/2025:13:55:37 +0200] x",
        "10/Oct/2025:13:54:36 +0200] x",
        "10/Oct/2025:13:55:36 -0200] x",
        "26/Oct/2025:02:30:36 +0100] x",
    ];

    proptest! {
        /// What is known of the stamps before changes nothing.
        #[test]
        fn the_same_as_read_alone(
            stamps in prop::collection::vec(
                (0..STAMPS.len(), prop::option::of((0usize..34, any::<u8>()))), 1..40,
            )
        ) {
            let base = TimeBase {
                zone: jiff::tz::TimeZone::get("Europe/Paris").expect("bundled zone"),
                ..TimeBase::utc((2025, 12, 31))
            };
            let kept = Clock::new(&base);
            for (stamp, damage) in stamps {
                let mut stamp = STAMPS[stamp].as_bytes().to_vec();
                if let Some((at, byte)) = damage && at < stamp.len() {
                    stamp[at] = byte;
                }
                let fresh = Clock::new(&base);
                prop_assert_eq!(rfc3339(&stamp, &kept), rfc3339(&stamp, &fresh));
                prop_assert_eq!(rfc3164(&stamp, &kept), rfc3164(&stamp, &fresh));
                prop_assert_eq!(clf(&stamp, &kept), clf(&stamp, &fresh));
            }
        }
    }
}
