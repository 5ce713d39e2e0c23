//! Zones and years worked out from what stands beside the logs.

mod common;

use common::*;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tempfile::{TempDir, tempdir};
use vauban_evidence::{Collection, TimeBase, TimeBases};
use vauban_ocsf::{Timestamp, days_from_civil};

/// Year, month, day of a modification.
type Date = Option<(i32, u32, u32)>;

/// A directory of evidence: path, content, and the date of its modification if it matters.
fn evidence(files: &[(&str, &str, Date)]) -> TempDir {
    let dir = tempdir().unwrap();
    for (path, content, modified) in files {
        write(dir.path(), path, content.as_bytes(), *modified);
    }
    dir
}

/// A copy made long after, as `cp` without `-p` makes it.
const COPIED: Date = Some((2026, 11, 24));

fn write(dir: &Path, path: &str, content: &[u8], modified: Date) {
    let file = dir.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, content).unwrap();
    let (y, m, d) = modified.or(COPIED).unwrap();
    let seconds = days_from_civil(y, m, d) * 86_400 + 43_200;
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap());
    fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_modified(time)
        .unwrap();
}

fn infer(dir: &TempDir) -> (Collection, TimeBases) {
    let c = open(dir.path());
    let bases = TimeBases::infer(&c);
    (c, bases)
}

fn base<'b>(c: &Collection, bases: &'b TimeBases, path: &str) -> &'b TimeBase {
    bases
        .get(find(c, path).id)
        .unwrap_or_else(|| panic!("no time base for {path}"))
}

/// Offset in seconds that a base's zone has at noon of a day.
fn offset(base: &TimeBase, y: i32, m: u32, d: u32) -> i32 {
    let at = Timestamp::from_civil(y, m, d, 12, 0, 0, 0, 0).seconds();
    base.zone
        .to_offset(jiff::Timestamp::from_second(at).unwrap())
        .seconds()
}

/// The year that a stamp without year gets, by the rule in [`TimeBase::latest`].
fn year(base: &TimeBase, month: u32, day: u32) -> i32 {
    let (y, m, d) = base.latest;
    if (month, day) > (m, d) { y - 1 } else { y }
}

fn said(bases: &TimeBases, words: &str) -> bool {
    bases.problems.iter().any(|p| p.what.contains(words))
}

const ACCESS: &str = "192.0.2.7 - - [09/Dec/2025:10:00:00 +0100] \"GET / HTTP/1.1\" 200 5\n";
const MAIL: &str = "Dec  8 23:59:58 mx postfix/smtpd[1]: connect\nDec  9 10:00:01 mx dovecot: x\n";

#[test]
fn zone_from_the_hosts_own_files() {
    let dir = evidence(&[
        ("etc/timezone", "Europe/Paris\n", None),
        ("var/log/mail.log", MAIL, None),
        ("var/log/nginx/access.log", ACCESS, None),
    ]);
    let (c, bases) = infer(&dir);
    let b = base(&c, &bases, "var/log/mail.log");
    assert_eq!(
        (offset(b, 2025, 12, 9), offset(b, 2025, 7, 1)),
        (3600, 7200)
    );
    assert!(b.zone_source.contains("etc/timezone") && b.zone_source.contains("agree"));
    assert_eq!((year(b, 12, 9), year(b, 12, 8)), (2025, 2025));
    assert!(
        b.latest_source.contains("access.log"),
        "{}",
        b.latest_source
    );
}

#[test]
fn localtime_as_link_and_as_file() {
    let dir = evidence(&[
        ("var/log/mail.log", MAIL, None),
        ("etc/hostname", "mx\n", None),
    ]);
    symlink(
        "/usr/share/zoneinfo/America/New_York",
        dir.path().join("etc/localtime"),
    )
    .unwrap();
    let (c, bases) = infer(&dir);
    assert_eq!(
        offset(base(&c, &bases, "var/log/mail.log"), 2025, 7, 1),
        -4 * 3600
    );

    // The link beats Debian's text file, as it does for the C library; the contradiction is said.
    write(dir.path(), "etc/timezone", b"Asia/Tokyo\n", None);
    let (c, bases) = infer(&dir);
    assert_eq!(
        offset(base(&c, &bases, "var/log/mail.log"), 2025, 7, 1),
        -4 * 3600
    );
    assert!(said(&bases, "says another time zone"));

    // A TZif file of the fixed zone UTC+2 in place of the link.
    let mut tzif = Vec::new();
    for version in [b"TZif2", b"TZif2"] {
        tzif.extend_from_slice(version);
        tzif.extend_from_slice(&[0; 15]);
        for n in [0u32, 0, 0, 0, 1, 4] {
            tzif.extend_from_slice(&n.to_be_bytes());
        }
        tzif.extend_from_slice(&7200i32.to_be_bytes());
        tzif.extend_from_slice(&[0, 0]);
        tzif.extend_from_slice(b"EET\0");
    }
    tzif.extend_from_slice(b"\nEET-2\n");
    let dir = evidence(&[("var/log/mail.log", MAIL, None)]);
    write(dir.path(), "etc/localtime", &tzif, None);
    let (c, bases) = infer(&dir);
    let b = base(&c, &bases, "var/log/mail.log");
    assert_eq!(offset(b, 2025, 12, 9), 7200);
    assert!(b.zone_source.contains("etc/localtime"), "{}", b.zone_source);
}

#[test]
fn hosts_side_by_side_keep_their_zones_and_years() {
    let dir = evidence(&[
        ("mx1/etc/timezone", "Europe/Paris\n", None),
        ("mx1/var/log/mail.log", MAIL, None),
        ("mx1/var/log/nginx/access.log", ACCESS, None),
        ("mx2/etc/timezone", "Asia/Tokyo\n", None),
        (
            "mx2/var/log/mail.log",
            "Mar  2 01:00:00 mx2 postfix/qmgr[1]: x\n",
            None,
        ),
        (
            "mx2/var/log/nginx/access.log",
            "1.2.3.4 - - [02/Mar/2024:02:00:00 +0900] \"GET /\" 200 1\n",
            None,
        ),
    ]);
    write(
        dir.path(),
        "old.tgz",
        &gz(&tar(&[
            ("etc/timezone", b"America/Lima\n"),
            ("var/log/mail.log", b"Dec  1 10:00:00 mx x: y\n"),
        ])),
        None,
    );
    let (c, bases) = infer(&dir);
    let one = base(&c, &bases, "mx1/var/log/mail.log");
    let two = base(&c, &bases, "mx2/var/log/mail.log");
    let old = base(&c, &bases, "old.tgz!var/log/mail.log");
    assert_eq!(offset(one, 2025, 12, 9), 3600);
    assert_eq!(offset(two, 2025, 12, 9), 9 * 3600);
    assert_eq!(offset(old, 2025, 12, 9), -5 * 3600);
    assert_eq!((year(one, 12, 9), year(two, 3, 2)), (2025, 2024));
}

#[test]
fn zone_from_offsets_when_no_file_names_one() {
    // One offset only: taken as it is, and the limit of that is said.
    let dir = evidence(&[("mail.log", MAIL, None), ("access.log", ACCESS, None)]);
    let (c, bases) = infer(&dir);
    let b = base(&c, &bases, "mail.log");
    assert_eq!(
        (offset(b, 2025, 12, 9), offset(b, 2025, 7, 1)),
        (3600, 3600)
    );
    assert!(said(&bases, "names no time zone"));

    // Winter and summer: the rules of a zone.
    let summer = ACCESS.replace("09/Dec", "01/Jul").replace("+0100", "+0200");
    let both = format!("{summer}{ACCESS}");
    let dir = evidence(&[("mail.log", MAIL, None), ("access.log", &both, None)]);
    let (c, bases) = infer(&dir);
    let b = base(&c, &bases, "mail.log");
    assert_eq!(
        (offset(b, 2025, 12, 9), offset(b, 2025, 6, 1)),
        (3600, 7200)
    );
    assert!(
        b.zone_source.contains("rules of Europe/Paris"),
        "{}",
        b.zone_source
    );

    // Nothing at all: UTC, and a warning.
    let dir = evidence(&[("mail.log", MAIL, None)]);
    let (c, bases) = infer(&dir);
    let b = base(&c, &bases, "mail.log");
    assert_eq!(offset(b, 2025, 12, 9), 0);
    assert!(b.zone_source.contains("assumed"));
    assert!(said(&bases, "carry no offset"));
}

#[test]
fn a_change_of_zone_becomes_a_step_where_it_happened() {
    let mut syslog = String::new();
    for minute in 0..2000 {
        let (h, m) = (minute / 60 % 24, minute % 60);
        let day = 9 + minute / 1440;
        let offset = if minute < 900 { "+01:00" } else { "+00:00" };
        syslog += &format!("2025-12-{day:02}T{h:02}:{m:02}:00{offset} mx dovecot: x\n");
    }
    let dir = evidence(&[
        ("etc/timezone", "Etc/UTC\n", None),
        ("var/log/syslog", &syslog, None),
        (
            "var/log/error.log",
            "[Tue Dec 09 10:00:00.1 2025] [x] y\n",
            None,
        ),
    ]);
    let (c, bases) = infer(&dir);
    let b = base(&c, &bases, "var/log/error.log");
    let at = |h: u32, m: u32| {
        let t = Timestamp::from_civil(2025, 12, 9, h, m, 0, 0, 0).seconds();
        b.zone
            .to_offset(jiff::Timestamp::from_second(t).unwrap())
            .seconds()
    };
    // Minute 899 is 14:59 +01:00 = 13:59 UTC; minute 900 is 15:00 +00:00.
    assert_eq!(
        (at(10, 0), at(13, 59), at(15, 0), at(20, 0)),
        (3600, 3600, 0, 0)
    );
    assert!(said(&bases, "time zone was changed"));
}

#[test]
fn offsets_that_contradict_the_hosts_zone_are_said() {
    let dir = evidence(&[
        ("etc/timezone", "Europe/Paris\n", None),
        ("var/log/mail.log", MAIL, None),
        (
            "var/log/access.log",
            &ACCESS.replace("+0100", "+0000"),
            None,
        ),
    ]);
    let (c, bases) = infer(&dir);
    assert_eq!(
        offset(base(&c, &bases, "var/log/mail.log"), 2025, 12, 9),
        3600
    );
    assert!(said(&bases, "are not those of Europe/Paris"));
}

#[test]
fn years_of_a_rotated_log_over_new_year() {
    let line = |d: &str| format!("{d} 10:00:00 mx dovecot: x\n");
    let log = |a: &str, b: &str| line(a) + &line(b);
    let dir = tempdir().unwrap();
    let files = [
        ("var/log/mail.log", log("Jan 12", "Jan 15")),
        ("var/log/mail.log.1", log("Dec 28", "Jan 11")),
        ("var/log/mail.log.2", log("Dec 14", "Dec 28")),
        ("var/log/mail.log.3", log("Nov 30", "Dec 14")),
        // Kept by hand: rotation order puts it a year before.
        ("var/log/mail.log.4", log("Dec 20", "Dec 31")),
    ];
    for (path, content) in &files {
        write(dir.path(), path, content.as_bytes(), COPIED);
    }
    write(
        dir.path(),
        "var/log/access.log",
        ACCESS.replace("09/Dec/2025", "15/Jan/2026").as_bytes(),
        COPIED,
    );
    let (c, bases) = infer(&dir);
    let b = |n: &str| base(&c, &bases, n);
    assert_eq!(year(b("var/log/mail.log"), 1, 12), 2026);
    assert_eq!(
        (
            year(b("var/log/mail.log.1"), 1, 11),
            year(b("var/log/mail.log.1"), 12, 28)
        ),
        (2026, 2025)
    );
    assert_eq!(year(b("var/log/mail.log.2"), 12, 14), 2025);
    assert_eq!(year(b("var/log/mail.log.3"), 11, 30), 2025);
    assert_eq!(year(b("var/log/mail.log.4"), 12, 31), 2024);
    assert!(
        b("var/log/mail.log.1")
            .latest_source
            .contains("ends before")
    );
}

#[test]
fn modification_time_gzip_header_and_name_tell_the_year() {
    let mail = "Dec  6 10:00:00 mx dovecot: x\n";
    let dir = evidence(&[
        ("a/maillog-20231207", mail, COPIED),
        ("b/mail.log", mail, Some((2022, 12, 6))),
        // Copied the next summer, no other date: not later than the copy.
        ("c/mail.log", mail, Some((2024, 6, 1))),
    ]);
    let mut e = flate2::GzBuilder::new()
        .mtime(u32::try_from(days_from_civil(2021, 12, 7) * 86_400).unwrap())
        .write(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut e, mail.as_bytes()).unwrap();
    write(dir.path(), "d/mail.log.2.gz", &e.finish().unwrap(), COPIED);
    let (c, bases) = infer(&dir);
    for (path, expected, words) in [
        ("a/maillog-20231207", 2023, "file's name"),
        ("b/mail.log", 2022, "fits the last stamp"),
        ("c/mail.log", 2023, "not confirmed"),
        ("d/mail.log.2.gz!mail.log.2", 2021, "fits the last stamp"),
    ] {
        let b = base(&c, &bases, path);
        assert_eq!(year(b, 12, 6), expected, "{path}: {}", b.latest_source);
        assert!(
            b.latest_source.contains(words),
            "{path}: {}",
            b.latest_source
        );
    }
    assert!(
        bases
            .problems
            .iter()
            .any(|p| p.path == "c/mail.log" && p.what.contains("uncertain"))
    );
}

/// Copied without its times on the very day of the year on which the log ends: the access log
/// beside it shows that times were lost.
#[test]
fn a_copy_on_the_anniversary_fools_nobody() {
    let dir = evidence(&[
        ("var/log/mail.log", MAIL, Some((2026, 12, 9))),
        ("var/log/access.log", ACCESS, Some((2026, 12, 9))),
    ]);
    let (c, bases) = infer(&dir);
    assert_eq!(year(base(&c, &bases, "var/log/mail.log"), 12, 9), 2025);
}

#[test]
fn leap_days_fix_the_year() {
    let dir = evidence(&[(
        "var/log/mail.log",
        "Feb 28 10:00:00 mx x: y\nFeb 29 10:00:00 mx x: y\nMar  1 10:00:00 mx x: y\n",
        Some((2025, 12, 9)),
    )]);
    let (c, bases) = infer(&dir);
    let b = base(&c, &bases, "var/log/mail.log");
    assert_eq!((year(b, 3, 1), year(b, 2, 29)), (2024, 2024));
}

#[test]
fn more_than_twelve_months_without_years_are_said() {
    let mut text = String::new();
    for (month, days) in [
        ("Mar", 31),
        ("Jul", 31),
        ("Nov", 30),
        ("Feb", 28),
        ("Jun", 30),
    ] {
        for day in 1..=days {
            text += &format!(
                "{month} {day:2} 10:00:00 mx dovecot: {}\n",
                "x".repeat(4000)
            );
        }
    }
    let dir = evidence(&[("var/log/mail.log", &text, Some((2025, 6, 30)))]);
    let (c, bases) = infer(&dir);
    assert_eq!(base(&c, &bases, "var/log/mail.log").latest, (2025, 6, 30));
    assert!(said(&bases, "covers 486 days"), "{:?}", bases.problems);
}

#[test]
fn maildir_names_date_a_host_without_other_dates() {
    let dir = evidence(&[
        ("var/log/mail.log", MAIL, COPIED),
        (
            "home/u/Maildir/cur/1733824800.M1P2.mx:2,S",
            "Subject: x\nFrom: a@b\n\n",
            COPIED,
        ),
    ]);
    let (c, bases) = infer(&dir);
    let b = base(&c, &bases, "var/log/mail.log");
    // 1733824800 is 2024-12-10.
    assert_eq!(year(b, 12, 9), 2024, "{}", b.latest_source);
    assert!(b.latest_source.contains("1733824800"));
}

#[test]
fn a_log_may_go_on_after_the_last_dated_stamp() {
    let dir = evidence(&[
        (
            "var/log/mail.log",
            "Jan  2 10:00:00 mx dovecot: x\n",
            COPIED,
        ),
        (
            "var/log/access.log",
            &ACCESS.replace("09/Dec", "31/Dec"),
            COPIED,
        ),
    ]);
    let (c, bases) = infer(&dir);
    assert_eq!(year(base(&c, &bases, "var/log/mail.log"), 1, 2), 2026);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(60))]

    /// Whatever the date, a log that ends within a year before its modification or the last dated
    /// stamp gets its true years, first line and last.
    #[test]
    fn true_years_come_back(
        last in 9_500i64..22_000, span in 0i64..350, gap in 0i64..2, how in 0usize..3,
    ) {
        let civil = vauban_ocsf::civil_from_days;
        let names =
            ["Jan","Feb","Mar","Apr","May","Jun","Jul","Aug","Sep","Oct","Nov","Dec"];
        let mut text = String::new();
        let mut day = last - span;
        while day <= last {
            let (_, m, d) = civil(day);
            text += &format!("{} {d:2} 10:00:00 mx dovecot: x\n", names[m as usize - 1]);
            day += if day == last { 1 } else { (last - day).min(9) };
        }
        let (y, m, d) = civil(last + gap);
        let access = format!("1.2.3.4 - - [{d:02}/{}/{y}:10:00:00 +0000] \"GET /\" 200 1\n", names[m as usize - 1]);
        let dir = match how {
            0 => evidence(&[("var/log/mail.log", &text, Some((y, m, d)))]),
            1 => evidence(&[("var/log/mail.log", &text, Some((2035, 1, 1))), ("var/log/access.log", &access, None)]),
            _ => {
                let name = format!("var/log/mail.log-{y}{m:02}{d:02}");
                evidence(&[(&name, &text, Some((2035, 1, 1)))])
            }
        };
        let (c, bases) = infer(&dir);
        let log = c.artefacts().iter().find(|a| a.path.contains("mail.log")).unwrap();
        let base = bases.get(log.id).unwrap();
        for true_day in [last, last - span / 2, last - span] {
            let (y, m, d) = civil(true_day);
            proptest::prop_assert_eq!(year(base, m, d), y, "{} {:?}", base.latest_source, base.latest);
        }
    }
}
