//! The story clock: one shift of real time that every daemon and every client shares.
//!
//! Daemons run under libfaketime and read the shift from one file at every call, the laboratory's
//! own code asks [`Clock::now`]. The clock only ever jumps forward. Every jump is remembered, so
//! that the modification time the kernel gave a file can be turned into story time afterwards
//! ([`Clock::story_time_of`]).

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

/// Nanoseconds in a second.
pub const SEC: i64 = 1_000_000_000;

/// A point of story time: nanoseconds since 1970-01-01T00:00:00Z.
pub type Nanos = i64;

/// Nanoseconds since the epoch on the machine's own clock.
pub fn real_now() -> Nanos {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// The shared shift between machine time and story time.
pub struct Clock {
    file: PathBuf,
    /// `(real time from which it holds, shift)`, oldest first.
    shifts: Mutex<Vec<(Nanos, i64)>>,
}

impl Clock {
    /// Starts a clock that shows `start` now and writes the shift to `file`, which libfaketime
    /// reads through `FAKETIME_TIMESTAMP_FILE`.
    pub fn start(file: PathBuf, start: Nanos) -> Result<Clock> {
        let clock = Clock {
            file,
            shifts: Mutex::new(Vec::new()),
        };
        clock.set_shift(start - real_now())?;
        Ok(clock)
    }

    fn set_shift(&self, shift: i64) -> Result<()> {
        let sign = if shift < 0 { '-' } else { '+' };
        let abs = shift.unsigned_abs();
        let text = format!(
            "{sign}{}.{:09}\n",
            abs / SEC.unsigned_abs(),
            abs % SEC.unsigned_abs()
        );
        // Rename, so that no daemon ever reads half a number.
        let tmp = self.file.with_extension("new");
        fs::write(&tmp, text).with_context(|| format!("cannot write {}", tmp.display()))?;
        fs::rename(&tmp, &self.file)
            .with_context(|| format!("cannot write {}", self.file.display()))?;
        self.lock().push((real_now(), shift));
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Nanos, i64)>> {
        self.shifts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The story time now.
    pub fn now(&self) -> Nanos {
        real_now() + self.lock().last().map_or(0, |s| s.1)
    }

    /// Moves the clock forward to `to`; does nothing when it already shows more.
    pub fn advance_to(&self, to: Nanos) -> Result<()> {
        let now = self.now();
        if to <= now {
            return Ok(());
        }
        let shift = self.lock().last().map_or(0, |s| s.1) + (to - now);
        self.set_shift(shift)
    }

    /// The story time of something that happened at the real time `real` while the laboratory ran.
    /// Times before its start are returned as they are: they were set on purpose, on the story clock.
    pub fn story_time_of(&self, real: Nanos) -> Nanos {
        story_time(&self.lock(), real)
    }
}

fn story_time(shifts: &[(Nanos, i64)], real: Nanos) -> Nanos {
    let after = shifts.partition_point(|s| s.0 <= real);
    match after.checked_sub(1).and_then(|i| shifts.get(i)) {
        Some(s) => real + s.1,
        None => real,
    }
}

/// Formats a story time as RFC 3339 UTC with milliseconds.
pub fn rfc3339(at: Nanos) -> String {
    let ts =
        jiff::Timestamp::from_nanosecond(i128::from(at)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    ts.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_times_map_to_the_shift_in_force() {
        let shifts = [(100, -50), (200, 1000)];
        assert_eq!(story_time(&shifts, 99), 99);
        assert_eq!(story_time(&shifts, 100), 50);
        assert_eq!(story_time(&shifts, 199), 149);
        assert_eq!(story_time(&shifts, 200), 1200);
    }

    #[test]
    fn times_are_written_as_utc() {
        assert_eq!(
            rfc3339(1_764_028_800 * SEC + 5_000_000),
            "2025-11-25T00:00:00.005Z"
        );
    }
}
