//! Error logs of nginx and Apache.
//!
//! A failed HTTP authentication becomes a log-on of service `Other`, a log-in through nginx's mail
//! proxy one of the service asked for (`nginx_mail`); everything else, ModSecurity
//! and PHP inside included, a message with the client's address.

use super::access::sniff_lines;
use super::record::ip;
use crate::stamp::{self, Clock};
use crate::{Context, Line, LogFormat, each_line};
use std::net::IpAddr;
use vauban_ocsf::{
    Body, Event, EventSink, Logon, Message, Product, Service, Severity, Status, Timestamp,
};

/// nginx's error log.
pub static NGINX_ERROR: NginxError = NginxError;

/// Apache's error log, 2.2 and 2.4.
pub static APACHE_ERROR: ApacheError = ApacheError;

/// See [`NGINX_ERROR`].
pub struct NginxError;

/// See [`APACHE_ERROR`].
pub struct ApacheError;

impl LogFormat for NginxError {
    fn name(&self) -> &'static str {
        "nginx-error"
    }

    fn sniff(&self, _: &str, head: &[u8]) -> u8 {
        sniff_lines(head, |line, clock| nginx_front(line, clock).is_some()) / 10 * 9
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        let clock = Clock::new(&context.time);
        each_line(context, bytes, offset, sink, |line, sink| {
            if !nginx_message(line.text, line, None, &clock, "", sink) {
                // PHP's messages hold line ends, which nginx writes as they are.
                sink.unparsed(line.evidence, "no nginx error stamp");
            }
        });
    }
}

impl LogFormat for ApacheError {
    fn name(&self) -> &'static str {
        "apache-error"
    }

    fn sniff(&self, _: &str, head: &[u8]) -> u8 {
        sniff_lines(head, |line, clock| apache_time(line, clock).is_some()) / 10 * 9
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        let clock = Clock::new(&context.time);
        each_line(
            context,
            bytes,
            offset,
            sink,
            |line, sink| match apache_time(line.text, &clock) {
                Some((time, rest)) => apache_message(rest, line, time, "", sink),
                None => sink.unparsed(line.evidence, "no Apache error stamp"),
            },
        );
    }
}

/// Time, level, process and the rest of `2025/12/09 02:30:00 [error] 12#12: …`.
fn nginx_front<'a>(
    text: &'a str,
    clock: &Clock<'_>,
) -> Option<(Timestamp, &'a str, Option<u32>, &'a str)> {
    let (time, end) = stamp::rfc3339(text.as_bytes(), clock)?;
    if text.as_bytes().get(4) != Some(&b'/') {
        return None;
    }
    let (level, rest) = text.get(end..)?.strip_prefix(" [")?.split_once("] ")?;
    let (process, rest) = rest.split_once(": ")?;
    let pid = process.split('#').next().and_then(|pid| pid.parse().ok());
    process.contains('#').then_some((time, level, pid, rest))
}

/// Reads one nginx error record; `false` if `text` is none. `line` gives the place, `logged` the
/// time of an envelope, which holds more than the record's own (it lacks the offset).
pub fn nginx_message(
    text: &str,
    line: &Line<'_>,
    logged: Option<Timestamp>,
    clock: &Clock<'_>,
    host: &str,
    sink: &mut dyn EventSink,
) -> bool {
    let Some((time, level, pid, message)) = nginx_front(text, clock) else {
        return false;
    };
    let time = logged.unwrap_or(time);
    let src_ip = nginx_client(message);
    // `*123 ` is the connection's number.
    let said = message
        .strip_prefix('*')
        .and_then(|rest| rest.split_once(' '))
        .map_or(message, |(_, rest)| rest);
    let body = match (nginx_failed_user(said), super::nginx_mail::logon(said)) {
        (Some(user), _) => failed_logon(user, src_ip, "Basic", said),
        (_, Some(logon)) => Body::Logon(logon),
        _ => Body::Message(Message {
            severity: severity(level),
            text: said,
            src_ip,
            user: "",
        }),
    };
    sink.event(&Event {
        time,
        evidence: line.evidence,
        product: Product::Nginx,
        host,
        pid,
        body,
    });
    true
}

/// The client of `…, client: ADDRESS, server: …`, which nginx writes after the message and before
/// the request.
///
/// The message may quote a decoded path, quotation marks and all, and request, host and referrer
/// come from the client, so each of them can hold a forged copy. Nothing in the line tells them
/// apart for certain: where several places name different addresses, none is believed.
fn nginx_client(message: &str) -> Option<IpAddr> {
    const MARK: &str = ", client: ";
    let mut named = None;
    for (at, _) in message.match_indices(MARK) {
        let rest = message.get(at + MARK.len()..).unwrap_or_default();
        let end = rest.find([',', ' ']).unwrap_or(rest.len());
        let follows = rest.get(end..).unwrap_or_default();
        let address = rest.get(..end).and_then(ip);
        if address.is_some() && (follows.is_empty() || follows.starts_with(", server: ")) {
            if named.is_some() && named != address {
                return None;
            }
            named = address;
        }
    }
    named
}

/// ngx_http_auth_basic_module: `user "x": password mismatch`, `user "x" was not found in "file"`.
fn nginx_failed_user(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("user \"")?;
    let end = rest
        .find("\": password mismatch, client: ")
        .or_else(|| rest.find("\" was not found in \""))?;
    rest.get(..end)
}

fn failed_logon<'a>(
    user: &'a str,
    src_ip: Option<IpAddr>,
    method: &'a str,
    detail: &'a str,
) -> Body<'a> {
    Body::Logon(Logon {
        service: Service::Other,
        status: Status::Failure,
        user,
        src_ip,
        method,
        attempts: 1,
        detail,
        ..Logon::default()
    })
}

fn severity(level: &str) -> Severity {
    match level {
        "emerg" | "alert" | "crit" | "error" | "err" => Severity::Error,
        "warn" | "warning" => Severity::Warning,
        _ => Severity::Info,
    }
}

/// Time and rest of `[Wed Jul 17 23:20:45.123456 2013] …`, or of the form with an ISO stamp that
/// `ErrorLogFormat "[%{cu}t] …"` makes.
fn apache_time<'a>(text: &'a str, clock: &Clock<'_>) -> Option<(Timestamp, &'a str)> {
    let inner = text.strip_prefix('[')?;
    let bytes = inner.as_bytes();
    let after_weekday = bytes.get(4..)?;
    let (time, end) = match stamp::rfc3164(after_weekday, clock) {
        // The year has to be there: other logs start with a bracket and a date, too.
        Some((time, end))
            if bytes.get(3) == Some(&b' ')
                && end > 15
                && stamp::four(after_weekday, end - 4)
                    .is_some_and(|y| (1970..2200).contains(&y)) =>
        {
            (time, end + 4)
        }
        _ => stamp::rfc3339(bytes, clock)?,
    };
    let rest = inner.get(end..)?.strip_prefix("] ")?;
    // Groups follow, except in the oldest notices.
    rest.starts_with('[').then_some((time, rest))
}

/// Reads the groups and the message of an Apache error record, which follow the time.
pub fn apache_message(
    rest: &str,
    line: &Line<'_>,
    time: Timestamp,
    host: &str,
    sink: &mut dyn EventSink,
) {
    let (mut level, mut pid, mut src_ip) = ("", None, None);
    let mut text = rest;
    // Groups come in a fixed order and end with the client's, so that brackets in the message,
    // which a client may have sent, are not taken for one.
    while let Some((group, after)) = text.strip_prefix('[').and_then(group) {
        if let Some(client) = group
            .strip_prefix("client ")
            .or_else(|| group.strip_prefix("remote "))
        {
            src_ip = client_address(client);
            text = after;
            break;
        }
        if let Some(process) = group.strip_prefix("pid ") {
            pid = process.split(':').next().and_then(|p| p.parse().ok());
        } else if let Some((_, l)) = group.rsplit_once(':') {
            level = l;
        } else if level.is_empty() && LEVELS.contains(&group) {
            level = group;
        } else {
            break;
        }
        text = after;
    }
    // `%E: ` stands before the client: `(70014)End of file found: [client …] …`, and before that,
    // at debug levels, the place in the source: `ssl_engine_io.c(1234): `.
    if src_ip.is_none()
        && let Some((client, after)) = after_os_error(text).and_then(group)
        && let Some(client) = client.strip_prefix("client ")
    {
        src_ip = client_address(client);
        text = after;
    }
    let said = text
        .split_once(": ")
        .filter(|(code, _)| {
            code.len() == 7
                && code
                    .strip_prefix("AH")
                    .is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
        })
        .map_or(text, |(_, said)| said);
    let body = match apache_failed_user(said) {
        Some((user, method)) => failed_logon(user, src_ip, method, text),
        None => Body::Message(Message {
            severity: severity(level),
            text,
            src_ip,
            user: "",
        }),
    };
    sink.event(&Event {
        time,
        evidence: line.evidence,
        product: Product::Apache,
        host,
        pid,
        body,
    });
}

/// `192.0.2.1:4711`, `[2001:db8::1]:4711`, or without port.
fn client_address(text: &str) -> Option<IpAddr> {
    ip(text).or_else(|| {
        let (address, port) = text.rsplit_once(':')?;
        port.parse::<u16>().ok()?;
        ip(address)
    })
}

/// What follows `[` of a client's group after an error of the operating system, whose text holds
/// no bracket.
fn after_os_error(text: &str) -> Option<&str> {
    let rest = match text.split_once("): ") {
        Some((place, rest)) if place.contains(".c(") && !place.contains([' ', '[']) => rest,
        _ => text,
    };
    let (number, rest) = rest.strip_prefix('(')?.split_once(')')?;
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (error, rest) = rest.split_once(": [")?;
    (!error.contains('[')).then_some(rest)
}

/// Level names of Apache 2.2's `[error]` group.
const LEVELS: &[&str] = &[
    "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug",
];

/// The text of a group and what follows it; an address in brackets may stand inside.
fn group(text: &str) -> Option<(&str, &str)> {
    let from = if text.starts_with("client [") || text.starts_with("remote [") {
        text.find(']')? + 1
    } else {
        0
    };
    let end = from + text.get(from..)?.find(']')?;
    let after = text.get(end + 1..)?;
    Some((text.get(..end)?, after.strip_prefix(' ').unwrap_or(after)))
}

/// mod_auth_basic and mod_auth_digest; the user and the scheme.
fn apache_failed_user(message: &str) -> Option<(&str, &'static str)> {
    let (digest, message) = match message.strip_prefix("Digest: ") {
        Some(rest) => (true, rest),
        None => (false, message),
    };
    let rest = message.strip_prefix("user ")?;
    let before = |mark: &str| rest.find(mark).and_then(|end| rest.get(..end));
    if let Some(user) = before(": authentication failure for \"") {
        return Some((user, "Basic"));
    }
    if let Some(user) = before(": password mismatch: ") {
        return Some((user, "Digest"));
    }
    if let Some(quoted) = before("' in realm `") {
        return Some((quoted.strip_prefix('`').unwrap_or(quoted), "Digest"));
    }
    let user = before(" not found: ").or_else(|| rest.strip_suffix(" not found"))?;
    Some((user, if digest { "Digest" } else { "Basic" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_nginx_means() {
        for (message, expected) in [
            (
                r#"*1 limiting requests, client: 192.0.2.1, server: x, request: "GET / HTTP/1.1""#,
                Some("192.0.2.1"),
            ),
            (
                "*1 SSL_do_handshake() failed, client: 2001:db8::1, server: 0.0.0.0:443",
                Some("2001:db8::1"),
            ),
            (
                "*1 client closed connection, client: 192.0.2.1",
                Some("192.0.2.1"),
            ),
            // A path that was decoded into the message, and a referrer: nobody is blamed.
            (
                r#"*1 open() "/w/a, client: 6.6.6.6, server: y" failed (2: No such file), client: 192.0.2.1, server: x, request: "GET / HTTP/1.1""#,
                None,
            ),
            (
                r#"*1 x, client: 192.0.2.1, server: x, request: "GET / HTTP/1.1", referrer: "z, client: 7.7.7.7, server: q""#,
                None,
            ),
            ("signal process started", None),
        ] {
            assert_eq!(
                nginx_client(message).map(|ip| ip.to_string()).as_deref(),
                expected,
                "{message}"
            );
        }
    }
}
