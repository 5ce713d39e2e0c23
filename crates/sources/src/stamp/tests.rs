use super::*;
use proptest::prelude::*;

fn paris(latest: (i32, u32, u32)) -> TimeBase {
    TimeBase {
        zone: jiff::tz::TimeZone::get("Europe/Paris").expect("bundled zone"),
        ..TimeBase::utc(latest)
    }
}

#[test]
fn stamps_without_year() {
    let base = TimeBase::utc((2026, 1, 15));
    let clock = Clock::new(&base);
    for (stamp, expected, length) in [
        ("Dec  9 02:03:04 host", "2025-12-09T02:03:04Z", 15),
        ("Dec 09 02:03:04", "2025-12-09T02:03:04Z", 15),
        ("Dec 9 02:03:04 host", "2025-12-09T02:03:04Z", 14),
        ("Jan 15 23:59:60 host", "2026-01-16T00:00:00Z", 15),
        ("Jan 16 00:00:00 host", "2025-01-16T00:00:00Z", 15),
        ("Feb 29 12:00:00 host", "2024-02-29T12:00:00Z", 15),
        (
            "Dec  9 02:03:04.250 host",
            "2025-12-09T02:03:04.250000Z",
            19,
        ),
        ("Dec  9 2013 02:03:04 host", "2013-12-09T02:03:04Z", 20),
        ("Dec  9 02:03:04 2013 host", "2013-12-09T02:03:04Z", 20),
    ] {
        let (time, end) = rfc3164(stamp.as_bytes(), &clock).expect(stamp);
        assert_eq!(
            (time.to_string().as_str(), end),
            (expected, length),
            "{stamp}"
        );
    }
    for bad in [
        "Dez  9 02:03:04",
        "Dec 32 02:03:04",
        "Dec  9 24:03:04",
        "Dec  9",
        "Feb 30 01:01:01",
    ] {
        assert_eq!(rfc3164(bad.as_bytes(), &clock), None, "{bad}");
    }
}

#[test]
fn full_stamps() {
    let base = paris((2025, 12, 31));
    let clock = Clock::new(&base);
    for (stamp, expected, length) in [
        (
            "2025-12-09T02:03:04.123456+01:00 x",
            "2025-12-09T01:03:04.123456Z",
            32,
        ),
        ("2025-12-09T02:03:04Z", "2025-12-09T02:03:04Z", 20),
        (
            "2025-12-09 02:03:04,120 x",
            "2025-12-09T01:03:04.120000Z",
            23,
        ),
        ("2025-07-09 02:03:04 x", "2025-07-09T00:03:04Z", 19),
        ("2025/12/09 02:03:04 [error]", "2025-12-09T01:03:04Z", 19),
        ("2025-12-09 02:03:04 -0500 x", "2025-12-09T07:03:04Z", 25),
        ("2025-12-09 02:03:04 -04 x", "2025-12-09T01:03:04Z", 19),
    ] {
        let (time, end) = rfc3339(stamp.as_bytes(), &clock).expect(stamp);
        assert_eq!(
            (time.to_string().as_str(), end),
            (expected, length),
            "{stamp}"
        );
    }
    let (time, end) = clf(b"10/Oct/2025:13:55:36 +0200]", &clock).expect("CLF");
    assert_eq!(
        (time.to_string().as_str(), end),
        ("2025-10-10T11:55:36Z", 26)
    );
    assert_eq!(
        epoch(b"1765245784.5 x").map(|e| (e.0.0, e.1)),
        Some((1_765_245_784_500_000, 12))
    );
    assert_eq!(epoch(b"12345678"), None);
}

#[test]
fn clocks_set_forward_and_back() {
    let base = paris((2025, 12, 31));
    let clock = Clock::new(&base);
    for (stamp, expected) in [
        ("Mar 30 01:59:59", "2025-03-30T00:59:59Z"),
        ("Mar 30 03:00:00", "2025-03-30T01:00:00Z"),
        ("Mar 30 23:00:00", "2025-03-30T21:00:00Z"),
        ("Oct 26 02:30:00", "2025-10-26T00:30:00Z"),
        ("Oct 26 03:00:00", "2025-10-26T02:00:00Z"),
        ("Oct 26 00:00:00", "2025-10-25T22:00:00Z"),
        ("Oct 27 00:00:00", "2025-10-26T23:00:00Z"),
    ] {
        let (time, _) = rfc3164(stamp.as_bytes(), &clock).expect(stamp);
        assert_eq!(time.to_string(), expected, "{stamp}");
    }
}

proptest! {
    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..48)) {
        let base = paris((2025, 12, 31));
        let clock = Clock::new(&base);
        let _ = (rfc3164(&bytes, &clock), rfc3339(&bytes, &clock), clf(&bytes, &clock), epoch(&bytes));
    }

    #[test]
    fn agrees_with_jiff(seconds in 0i64..4_000_000_000) {
        let base = paris((2200, 12, 31));
        let clock = Clock::new(&base);
        let zoned = base.zone.to_datetime(jiff::Timestamp::from_second(seconds).unwrap());
        let text = zoned.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let (time, _) = rfc3339(text.as_bytes(), &clock).unwrap();
        let again = base.zone.to_ambiguous_timestamp(zoned).compatible().unwrap();
        prop_assert_eq!(time.seconds(), again.as_second());
    }
}
