//! Times as people and mail clients write them. All instants are seconds since 1970, UTC.

use crate::rng::Rng;
use jiff::{Timestamp, civil, tz::TimeZone};

/// Zone the ministry works in.
pub const ZONE: &str = "Europe/Paris";

fn paris() -> TimeZone {
    TimeZone::get(ZONE).unwrap_or(TimeZone::UTC)
}

/// Offset from UTC, in seconds, of Paris at an instant: 3600 in winter, 7200 in summer.
pub fn paris_offset(at: i64) -> i32 {
    let Ok(ts) = Timestamp::from_second(at) else {
        return 3600;
    };
    paris().to_offset(ts).seconds()
}

/// Date and time on a clock `offset` seconds ahead of UTC.
pub fn civil_at(at: i64, offset: i32) -> civil::DateTime {
    Timestamp::from_second(at + i64::from(offset))
        .map(|t| TimeZone::UTC.to_datetime(t))
        .unwrap_or_default()
}

/// RFC 5322 §3.3 date.
pub fn rfc5322(at: i64, offset: i32) -> String {
    let t = civil_at(at, offset);
    let (sign, m) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60);
    format!(
        "{} {sign}{:02}{:02}",
        t.strftime("%a, %d %b %Y %H:%M:%S"),
        m / 60,
        m % 60
    )
}

/// An instant of a working day within `days` days before `end`: mostly office hours, lunch
/// avoided, now and then an evening or a week-end.
pub fn working_time(rng: &mut Rng, start: i64, end: i64) -> i64 {
    let days = ((end - start) / 86_400).max(1);
    for _ in 0..50 {
        let day = start + 86_400 * rng.between(0, days);
        let date = civil_at(day, paris_offset(day)).date();
        let weekday = date.weekday().to_monday_zero_offset();
        if (weekday > 4 || holiday(date)) && !rng.chance(4) {
            continue;
        }
        let hour = match rng.weighted(&[44, 42, 8, 6]) {
            0 => rng.between(8, 11),
            1 => rng.between(14, 17),
            2 => rng.between(12, 13),
            _ => rng.between(18, 21),
        };
        let local = hour * 3600 + rng.between(0, 3599);
        let midnight = day - (day + i64::from(paris_offset(day))).rem_euclid(86_400);
        let at = midnight + local;
        if at >= start && at < end {
            return at;
        }
    }
    end - 3600
}

/// Moves an instant on by about `hours` and into office hours, never to or past `end`.
pub fn answer_time(rng: &mut Rng, at: i64, hours: i64, end: i64) -> Option<i64> {
    let mut t = at + rng.between(180, hours.max(1) * 3600);
    for _ in 0..9 {
        let c = civil_at(t, paris_offset(t));
        let weekend = c.date().weekday().to_monday_zero_offset() > 4;
        if (8..20).contains(&c.hour()) && !weekend {
            break;
        }
        t += if c.hour() < 8 {
            i64::from(8 - c.hour()) * 3600 + rng.between(60, 3000)
        } else {
            i64::from(32 - c.hour()) * 3600 + rng.between(60, 3000)
        };
    }
    (t < end).then_some(t)
}

fn holiday(d: civil::Date) -> bool {
    // The fixed French public holidays; the movable ones fall on days that are drawn rarely enough.
    matches!(
        (d.month(), d.day()),
        (1, 1) | (5, 1) | (5, 8) | (7, 14) | (8, 15) | (11, 1) | (11, 11) | (12, 25)
    )
}

const JOURS: [&str; 7] = [
    "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche",
];
const MOIS: [&str; 12] = [
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

/// "mardi 14 octobre".
pub fn date_fr(d: civil::Date) -> String {
    let day = if d.day() == 1 {
        "1er".into()
    } else {
        d.day().to_string()
    };
    format!(
        "{} {day} {}",
        JOURS[d.weekday().to_monday_zero_offset() as usize],
        MOIS[d.month() as usize - 1]
    )
}

/// "octobre 2025".
pub fn month_fr(d: civil::Date) -> String {
    format!("{} {}", MOIS[d.month() as usize - 1], d.year())
}

/// "Tuesday 14 October".
pub fn date_en(d: civil::Date) -> String {
    d.strftime("%A %-d %B").to_string()
}

/// "October 2025".
pub fn month_en(d: civil::Date) -> String {
    d.strftime("%B %Y").to_string()
}

/// A weekday `low` to `high` days away from an instant.
pub fn near_day(rng: &mut Rng, at: i64, low: i64, high: i64) -> civil::Date {
    let mut d = civil_at(at + 86_400 * rng.between(low, high), paris_offset(at)).date();
    while d.weekday().to_monday_zero_offset() > 4 {
        d = d.tomorrow().unwrap_or(d);
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_clients_write_them() {
        let t = 1_760_430_030; // 2025-10-14T08:20:30Z
        assert_eq!(paris_offset(t), 7200);
        assert_eq!(paris_offset(1_764_000_000), 3600);
        assert_eq!(rfc5322(t, 7200), "Tue, 14 Oct 2025 10:20:30 +0200");
        assert_eq!(rfc5322(t, -12_600), "Tue, 14 Oct 2025 04:50:30 -0330");
        assert_eq!(date_fr(civil_at(t, 7200).date()), "mardi 14 octobre");
        assert_eq!(date_en(civil_at(t, 7200).date()), "Tuesday 14 October");
    }

    #[test]
    fn work_is_done_by_day() {
        let (start, end) = (1_750_000_000, 1_760_000_000);
        let mut r = Rng::new(4);
        let mut weekend = 0;
        for _ in 0..500 {
            let t = working_time(&mut r, start, end);
            assert!((start..end).contains(&t));
            let c = civil_at(t, paris_offset(t));
            assert!((8..22).contains(&c.hour()), "{c}");
            weekend += usize::from(c.date().weekday().to_monday_zero_offset() > 4);
        }
        assert!(weekend < 40, "{weekend} of 500 on a week-end");
    }
}
