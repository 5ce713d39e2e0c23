//! The time stamp of one log line, for telling clocks. Formats themselves are `vauban-sources`'
//! business; here it matters only what a stamp carries and what it lacks.

use vauban_ocsf::{civil_from_days, days_from_civil};

/// How a stamp is written.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notation {
    /// `Dec  9 10:00:00`, RFC 3164: neither year nor zone.
    Bsd,
    /// `2025-12-09T10:00:00+01:00 host tag:`, the syslog daemon's own clock (rsyslog's default
    /// since 8.2308 on Debian, RFC 5424).
    IsoSyslog,
    /// The same notation, or a relative of it, written by some program.
    Iso,
    /// The same in a field of a JSON object.
    Json,
    /// Seconds since the epoch (Zeek, journald): an instant, no local time.
    Epoch,
    /// `[09/Dec/2025:10:00:00 +0100]`, access logs.
    Access,
    /// `[09-Dec-2025 10:00:00 +0100]`, Roundcube and PHP.
    Php,
    /// `[Tue Dec 09 10:00:00.123456 2025]` (Apache) and `2025/12/09 10:00:00` (nginx): no zone.
    WebError,
}

/// A stamp as written.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// How it is written.
    pub notation: Notation,
    /// Year, if written.
    pub year: Option<i32>,
    /// 1–12.
    pub month: u32,
    /// 1–31.
    pub day: u32,
    /// Seconds since local midnight.
    pub second: u32,
    /// Seconds ahead of UTC, if written as a number. `Z` counts as none: programs that always
    /// write UTC tell nothing about the host's zone.
    pub offset: Option<i32>,
}

impl Stamp {
    /// Days since 1970-01-01 of the local date, if the year is known.
    pub fn days(&self) -> Option<i64> {
        Some(days_from_civil(self.year?, self.month, self.day))
    }

    /// Seconds since the epoch, if year and offset are known.
    pub fn instant(&self) -> Option<i64> {
        Some(self.days()? * 86_400 + i64::from(self.second) - i64::from(self.offset?))
    }
}

/// The stamp of a line, at the place where its format has it. Text further on in a line is the
/// sender's and is not looked at: anyone can write a date there.
pub fn stamp_of_line(line: &[u8]) -> Option<Stamp> {
    let line = line.get(..2048).unwrap_or(line);
    let start = without_priority(line);
    bsd(start)
        .or_else(|| iso(start, start.len() != line.len()))
        .or_else(|| php(start))
        .or_else(|| apache_error(start))
        .or_else(|| json(start))
        .or_else(|| access(line))
        .or_else(|| epoch(start))
}

/// `<34>` or `<34>1 ` in front (RFC 3164, RFC 5424).
fn without_priority(line: &[u8]) -> &[u8] {
    let Some(rest) = line.strip_prefix(b"<") else {
        return line;
    };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    match rest.get(digits..).and_then(|r| r.strip_prefix(b">")) {
        Some(rest) if (1..=3).contains(&digits) => rest.strip_prefix(b"1 ").unwrap_or(rest),
        _ => line,
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() || bytes.len() > 4 {
        return None;
    }
    let mut n = 0;
    for b in bytes {
        if !b.is_ascii_digit() {
            return None;
        }
        n = n * 10 + u32::from(b - b'0');
    }
    Some(n)
}

fn month(bytes: &[u8]) -> Option<u32> {
    const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let at = MONTHS.chunks(3).position(|m| m == bytes)?;
    u32::try_from(at + 1).ok()
}

/// `HH:MM:SS`.
fn clock(bytes: &[u8]) -> Option<u32> {
    let &[a, b, b':', c, d, b':', e, f] = bytes.get(..8)? else {
        return None;
    };
    let (h, m, s) = (number(&[a, b])?, number(&[c, d])?, number(&[e, f])?);
    (h < 24 && m < 60 && s <= 60).then_some(h * 3600 + m * 60 + s)
}

/// `+01:00`, `+0100`.
fn offset(bytes: &[u8]) -> Option<i32> {
    let sign = match bytes.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = number(bytes.get(1..3)?)?;
    let rest = bytes.get(3..)?;
    let minutes = number(rest.strip_prefix(b":").unwrap_or(rest).get(..2)?)?;
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    (hours <= 15 && minutes < 60).then_some(sign * seconds)
}

fn checked(stamp: Stamp) -> Option<Stamp> {
    let longest = match stamp.month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let good_year = stamp.year.is_none_or(|y| (1970..=2200).contains(&y));
    (good_year && (1..=longest).contains(&stamp.day)).then_some(stamp)
}

fn bsd(line: &[u8]) -> Option<Stamp> {
    let month = month(line.get(..3)?)?;
    let &[b' ', tens, ones, b' '] = line.get(3..7)? else {
        return None;
    };
    let day = if tens == b' ' {
        number(&[ones])?
    } else {
        number(&[tens, ones])?
    };
    // `Dec  9 2025 10:00:00` is written by some appliances.
    let rest = line.get(7..)?;
    let (year, rest) = match rest.get(..5) {
        Some([y @ .., b' ']) if number(y).is_some() => (number(y), rest.get(5..)?),
        _ => (None, rest),
    };
    let year = year.and_then(|y| i32::try_from(y).ok());
    let second = clock(rest)?;
    checked(Stamp {
        notation: Notation::Bsd,
        year,
        month,
        day,
        second,
        offset: None,
    })
}

/// `syslog` tells that a priority stood in front.
fn iso(line: &[u8], syslog: bool) -> Option<Stamp> {
    let year = i32::try_from(number(line.get(..4)?)?).ok()?;
    let &[sep, m1, m2, sep2, d1, d2, t] = line.get(4..11)? else {
        return None;
    };
    let slashes = (sep, sep2, t) == (b'/', b'/', b' ');
    let dashes = (sep, sep2) == (b'-', b'-') && matches!(t, b'T' | b't' | b' ');
    if !slashes && !dashes {
        return None;
    }
    let second = clock(line.get(11..)?)?;
    let mut rest = line.get(19..).unwrap_or(&[]);
    if let Some([b'.' | b',', digits @ ..]) = rest.get(..) {
        let n = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        rest = digits.get(n..).unwrap_or(&[]);
    }
    // Exim and others put a space in front of the offset.
    let offset = offset(rest.strip_prefix(b" ").unwrap_or(rest)).filter(|_| !slashes);
    let notation = match slashes {
        true => Notation::WebError,
        false if syslog || host_and_tag(rest) => Notation::IsoSyslog,
        false => Notation::Iso,
    };
    let (month, day) = (number(&[m1, m2])?, number(&[d1, d2])?);
    checked(Stamp {
        notation,
        year: Some(year),
        month,
        day,
        second,
        offset,
    })
}

/// After a stamp with offset: ` mx1 postfix/smtpd[123]: `.
fn host_and_tag(rest: &[u8]) -> bool {
    let mut words = rest.split(|b| *b == b' ').skip(1);
    let (Some(host), Some(tag)) = (words.next(), words.next()) else {
        return false;
    };
    let name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':');
    !host.is_empty() && host.iter().all(name) && tag.len() > 1 && tag.ends_with(b":")
}

/// `[17-Dec-2025 08:15:30 +0100]` or `[17-Dec-2025 08:15:30 Europe/Paris]`.
fn php(line: &[u8]) -> Option<Stamp> {
    let line = line.strip_prefix(b"[")?;
    let day = number(line.get(..2)?)?;
    let &[b'-', a, b, c, b'-'] = line.get(2..7)? else {
        return None;
    };
    let year = i32::try_from(number(line.get(7..11)?)?).ok();
    let second = clock(line.get(12..)?)?;
    let offset = line.get(21..).and_then(offset);
    let month = month(&[a, b, c])?;
    checked(Stamp {
        notation: Notation::Php,
        year,
        month,
        day,
        second,
        offset,
    })
}

/// `[Tue Dec 09 10:00:00.123456 2025]`.
fn apache_error(line: &[u8]) -> Option<Stamp> {
    let line = line.strip_prefix(b"[")?.get(4..)?;
    let month = month(line.get(..3)?)?;
    let day = number(line.get(4..6)?.trim_ascii_start())?;
    let second = clock(line.get(7..)?)?;
    let end = memchr::memchr(b']', line.get(..40).unwrap_or(line))?;
    let year = number(line.get(end.checked_sub(4)?..end)?)?;
    let year = i32::try_from(year).ok();
    checked(Stamp {
        notation: Notation::WebError,
        year,
        month,
        day,
        second,
        offset: None,
    })
}

/// `{"timestamp":"2025-12-09T10:00:00.123456+0100",…`, the first field of Suricata's EVE and of
/// many others.
fn json(line: &[u8]) -> Option<Stamp> {
    if line.first() != Some(&b'{') {
        return None;
    }
    let head = line.get(..64).unwrap_or(line);
    let at = memchr::memmem::find(head, b"timestamp\":")? + b"timestamp\":".len();
    let value = line.get(at..)?.trim_ascii_start().strip_prefix(b"\"")?;
    Some(Stamp {
        notation: Notation::Json,
        ..iso(value, false)?
    })
}

/// `1765243800.123456` and a tab (Zeek), `[1765243800.123456]` (conntrack), `{"ts":1765243800.1` (Zeek's JSON),
/// `"__REALTIME_TIMESTAMP":"1765243800123456"` (journald, microseconds).
fn epoch(line: &[u8]) -> Option<Stamp> {
    let digits = |b: &[u8]| -> Option<i64> {
        let n = b.iter().take_while(|b| b.is_ascii_digit()).count();
        std::str::from_utf8(b.get(..n)?).ok()?.parse().ok()
    };
    const JOURNAL: &[u8] = b"__REALTIME_TIMESTAMP";
    let seconds = if let Some(at) = memchr::memmem::find(line, JOURNAL) {
        let rest = line.get(at + JOURNAL.len()..)?;
        let skip = rest
            .iter()
            .take_while(|b| matches!(b, b'"' | b':' | b' ' | b'='))
            .count();
        digits(rest.get(skip..)?)? / 1_000_000
    } else if let Some(rest) = line.strip_prefix(b"{\"ts\":") {
        digits(rest)?
    } else {
        let start = line.strip_prefix(b"[").unwrap_or(line);
        let end = start
            .iter()
            .take_while(|b| b.is_ascii_digit() || **b == b'.')
            .count();
        let after = start.get(end).is_some_and(|b| matches!(b, b'\t' | b']'));
        (after && end > 11 && start.get(10) == Some(&b'.'))
            .then(|| digits(start))
            .flatten()?
    };
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let second = u32::try_from(seconds.rem_euclid(86_400)).ok()?;
    let good = (800_000_000..7_000_000_000).contains(&seconds);
    let stamp = Stamp {
        notation: Notation::Epoch,
        year: Some(year),
        month,
        day,
        second,
        offset: None,
    };
    good.then_some(stamp)
}

/// `[09/Dec/2025:10:00:00 +0100]`. The one in front of the quoted request is the server's; a user
/// name (HTTP Basic) stands in front of it and may hold anything but a quote.
fn access(line: &[u8]) -> Option<Stamp> {
    let mut first = None;
    for at in memchr::memchr_iter(b'[', line) {
        let Some(inside) = line.get(at + 1..) else {
            continue;
        };
        let Some(stamp) = access_inside(inside) else {
            continue;
        };
        if inside.get(26..).is_some_and(|r| r.starts_with(b"] \"")) {
            return Some(stamp);
        }
        first = first.or(Some(stamp));
    }
    first
}

fn access_inside(b: &[u8]) -> Option<Stamp> {
    let &[d1, d2, b'/', a, m, c, b'/', ref rest @ ..] = b else {
        return None;
    };
    let year = i32::try_from(number(rest.get(..4)?)?).ok();
    let second = clock(rest.strip_prefix(rest.get(..5)?)?)?;
    let offset = offset(rest.get(14..)?);
    let (day, month) = (number(&[d1, d2])?, month(&[a, m, c])?);
    checked(Stamp {
        notation: Notation::Access,
        year,
        month,
        day,
        second,
        offset,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations() {
        use Notation::*;
        let ten = 36_000;
        type Case = (
            &'static str,
            Notation,
            Option<i32>,
            (u32, u32),
            u32,
            Option<i32>,
        );
        let cases: &[Case] = &[
            (
                "Dec  9 10:00:00 mx dovecot: x",
                Bsd,
                None,
                (12, 9),
                ten,
                None,
            ),
            ("<22>Feb 29 10:00:00 mx x", Bsd, None, (2, 29), ten, None),
            (
                "Dec  9 2025 10:00:00 fw x",
                Bsd,
                Some(2025),
                (12, 9),
                ten,
                None,
            ),
            (
                "2025-12-09T10:00:00.123456+01:00 mx x",
                Iso,
                Some(2025),
                (12, 9),
                ten,
                Some(3600),
            ),
            (
                "<34>1 2025-12-09T10:00:00Z mx x",
                IsoSyslog,
                Some(2025),
                (12, 9),
                ten,
                None,
            ),
            (
                "2025-12-09 10:00:00 +0100 exim",
                Iso,
                Some(2025),
                (12, 9),
                ten,
                Some(3600),
            ),
            (
                "2025-12-09 10:00:00,123 fail2ban",
                Iso,
                Some(2025),
                (12, 9),
                ten,
                None,
            ),
            (
                "2025/12/09 10:00:00 [error] 1#1",
                WebError,
                Some(2025),
                (12, 9),
                ten,
                None,
            ),
            (
                "[Tue Dec 09 10:00:00.1234 2025] [x]",
                WebError,
                Some(2025),
                (12, 9),
                ten,
                None,
            ),
            (
                "[09-Dec-2025 10:00:00 -0330]: <s> x",
                Php,
                Some(2025),
                (12, 9),
                ten,
                Some(-12_600),
            ),
            (
                "[09-Dec-2025 10:00:00 Europe/Paris] PHP",
                Php,
                Some(2025),
                (12, 9),
                ten,
                None,
            ),
            (
                "1.2.3.4 - - [09/Dec/2025:10:00:00 +0100] \"GET /\" 200 1",
                Access,
                Some(2025),
                (12, 9),
                ten,
                Some(3600),
            ),
            (
                "{\"timestamp\":\"2025-12-09T10:00:00.1+0100\",\"flow_id\":1}",
                Json,
                Some(2025),
                (12, 9),
                ten,
                Some(3600),
            ),
        ];
        for (line, notation, year, date, second, offset) in cases {
            let stamp = stamp_of_line(line.as_bytes()).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(stamp.notation, *notation, "{line}");
            assert_eq!(
                (
                    stamp.year,
                    (stamp.month, stamp.day),
                    stamp.second,
                    stamp.offset
                ),
                (*year, *date, *second, *offset),
                "{line}"
            );
        }
    }

    #[test]
    fn forged_and_impossible_stamps() {
        let forged = b"1.2.3.4 - [01/Jan/2099:00:00:00 +0000] [09/Dec/2025:10:00:00 +0100] \"GET\"";
        assert_eq!(stamp_of_line(forged).unwrap().year, Some(2025));
        for line in [
            "Feb 30 10:00:00 mx",
            "Dec  9 24:00:00 mx",
            "2025-13-01T10:00:00Z",
            "message with Dec  9 10:00:00 inside",
            "",
            "[",
            "{",
            "<",
        ] {
            assert_eq!(stamp_of_line(line.as_bytes()), None, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(line: Vec<u8>) {
            let _ = stamp_of_line(&line);
        }

        #[test]
        fn never_panics_near_stamps(cut in 0usize..60, extra: Vec<u8>, which in 0usize..5) {
            let lines = [
                "Dec  9 10:00:00 mx", "2025-12-09T10:00:00.12+01:00", "[09-Dec-2025 10:00:00 +0100]",
                "[Tue Dec 09 10:00:00.1234 2025]", "a [09/Dec/2025:10:00:00 +0100] \"x",
            ];
            let line = lines[which].as_bytes();
            let mut bytes = line[..cut.min(line.len())].to_vec();
            bytes.extend(extra);
            let _ = stamp_of_line(&bytes);
        }
    }
}
