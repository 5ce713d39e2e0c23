//! PHP-FPM's log, PHP's own error log, and FPM's slow log.

use super::access::sniff_lines;
use crate::stamp::{self, Civil, Clock};
use crate::{Context, Line, LogFormat, each_line};
use jiff::tz::TimeZone;
use vauban_ocsf::{Body, Event, EventSink, Message, Product, Severity, Timestamp};

/// PHP's logs.
pub static PHP_LOG: PhpLog = PhpLog;

/// See [`PHP_LOG`].
pub struct PhpLog;

impl LogFormat for PhpLog {
    fn name(&self) -> &'static str {
        "php"
    }

    fn sniff(&self, path: &str, head: &[u8]) -> u8 {
        let share = sniff_lines(head, |line, clock| {
            bracketed_stamp(line, clock).is_some_and(|(_, rest)| is_php(rest))
                || is_continuation(line)
        });
        let first = String::from_utf8_lossy(head.get(..200.min(head.len())).unwrap_or_default());
        if share == 0 || !first.starts_with('[') {
            return 0;
        }
        share / 2
            + if path.contains("php") || path.contains("fpm") {
                40
            } else {
                20
            }
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        let clock = Clock::new(&context.time);
        each_line(
            context,
            bytes,
            offset,
            sink,
            |line, sink| match bracketed_stamp(line.text, &clock) {
                Some((time, rest)) => php_message(rest.trim_start(), line, time, "", sink),
                None if is_continuation(line.text) => sink.ignored(line.evidence, None),
                None => sink.unparsed(line.evidence, "no PHP stamp"),
            },
        );
    }
}

/// What follows the time in PHP's logs.
fn is_php(rest: &str) -> bool {
    let rest = rest.trim_start();
    level(rest).is_some() || rest.starts_with("PHP ") || rest.starts_with("[pool ")
}

/// Lines that continue a record: stack traces, slow log frames, `script_filename`.
fn is_continuation(line: &str) -> bool {
    line.starts_with('#')
        || line.starts_with("Stack trace:")
        || line.starts_with("[0x")
        || line.starts_with("script_filename = ")
        || line.starts_with("  thrown in ")
        || line.starts_with("PHP Stack trace:")
        || line.starts_with("PHP   ")
}

/// FPM's level word.
fn level(rest: &str) -> Option<Severity> {
    let (word, _) = rest.split_once(": ")?;
    Some(match word {
        "NOTICE" | "DEBUG" => Severity::Info,
        "WARNING" => Severity::Warning,
        "ERROR" | "ALERT" => Severity::Error,
        _ => return None,
    })
}

/// Makes the event of what follows the time.
pub fn php_message(
    text: &str,
    line: &Line<'_>,
    time: Timestamp,
    host: &str,
    sink: &mut dyn EventSink,
) {
    let severity = level(text).unwrap_or_else(|| {
        let kind = text.strip_prefix("PHP ").unwrap_or_default();
        if kind.starts_with("Fatal") || kind.starts_with("Parse") || kind.starts_with("Recoverable")
        {
            Severity::Error
        } else if kind.starts_with("Warning") {
            Severity::Warning
        } else {
            Severity::Info
        }
    });
    sink.event(&Event {
        time,
        evidence: line.evidence,
        product: Product::PhpFpm,
        host,
        pid: None,
        body: Body::Message(Message {
            severity,
            text,
            ..Message::default()
        }),
    });
}

/// `[24-Nov-2026 08:22:31]`, with a fraction, an offset, or the name of a zone
/// (`[17-Dec-2025 08:15:30 Europe/Paris]`, PHP's `date('d-M-Y H:i:s e')`).
pub(crate) fn bracketed_stamp<'a>(
    line: &'a str,
    clock: &Clock<'_>,
) -> Option<(Timestamp, &'a str)> {
    let (inner, rest) = line.strip_prefix('[')?.split_once(']')?;
    Some((php_date(inner, clock)?, rest))
}

/// `17-Dec-2025 08:15:30[.123456][ +0100| Europe/Paris| UTC| CET]`, all of it.
pub(crate) fn php_date(text: &str, clock: &Clock<'_>) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if bytes.get(2) != Some(&b'-') || bytes.get(6) != Some(&b'-') || bytes.get(11) != Some(&b' ') {
        return None;
    }
    let (hour, minute, second) = stamp::clock_time(bytes, 12)?;
    let (micros, end) = stamp::fraction(bytes, 20);
    let civil = Civil {
        year: stamp::four(bytes, 7)? as i32,
        month: stamp::month(bytes, 3)?,
        day: stamp::two(bytes, 0)?,
        hour,
        minute,
        second,
        micros,
    }
    .checked()?;
    let zone = text.get(end..)?.trim();
    zoned(civil, zone, clock)
}

/// The instant of a civil time with an offset, a zone's name, or nothing after it.
pub(crate) fn zoned(civil: Civil, zone: &str, clock: &Clock<'_>) -> Option<Timestamp> {
    if zone.is_empty() {
        return Some(clock.local(civil));
    }
    if let Some((offset, end)) = stamp::offset(zone.as_bytes(), 0) {
        return (end == zone.len()).then(|| civil.at_offset(offset));
    }
    // Abbreviations that PHP's `T` writes where Vauban's users are; a database of them would have
    // to guess (IST has three meanings).
    let hours = match zone {
        "UTC" | "GMT" | "WET" => Some(0),
        "CET" | "WEST" | "BST" => Some(1),
        "CEST" | "EET" => Some(2),
        "EEST" | "MSK" => Some(3),
        "EDT" => Some(-4),
        "EST" | "CDT" => Some(-5),
        "CST" | "MDT" => Some(-6),
        "MST" | "PDT" => Some(-7),
        "PST" => Some(-8),
        _ => None,
    };
    if let Some(hours) = hours {
        return Some(civil.at_offset(hours * 3600));
    }
    let is_name = zone.len() < 40
        && zone.contains('/')
        && zone
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b));
    let zone = is_name.then(|| TimeZone::get(zone).ok()).flatten()?;
    let base = vauban_evidence::TimeBase {
        zone,
        ..vauban_evidence::TimeBase::utc((9999, 12, 31))
    };
    Some(Clock::new(&base).local(civil))
}
