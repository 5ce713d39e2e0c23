//! Common, combined and vhost_combined lines, split by hand: no layout program, no allocation.
//!
//! The line is read from its trusted ends. Apache and nginx both escape a quotation mark that a
//! client sent, so the first unescaped one opens the request, and the time stands right before
//! it; whatever a user name contains, it cannot move either.

use crate::field;
use crate::stamp::{self, Clock};
use memchr::{memchr, memrchr};
use std::net::IpAddr;
use vauban_ocsf::Timestamp;

/// The fields of a line, still escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields<'a> {
    /// `%v:%p` or `%v` in front, or `""`.
    pub vhost: &'a str,
    pub client: &'a str,
    pub user: &'a str,
    pub time: Timestamp,
    pub request: &'a str,
    pub status: &'a str,
    pub bytes: &'a str,
    pub referrer: &'a str,
    pub user_agent: &'a str,
    /// A quoted field after the user agent, as nginx's packaged `main` has it:
    /// `$http_x_forwarded_for`.
    pub fourth: &'a str,
    /// Quoted fields after the byte count.
    pub quoted: u8,
    /// [`Self::client`], if it is one.
    pub address: Option<IpAddr>,
    /// Whether a backslash stands anywhere, so that the fields have to be decoded.
    pub escaped: bool,
}

/// Splits a line, or `None` if it is of another shape.
pub(super) fn split<'a>(line: &'a str, clock: &Clock<'_>) -> Option<Fields<'a>> {
    let (front, quote) = match usual_front(line, clock) {
        Some(found) => found,
        None => any_front(line, clock)?,
    };
    let (request, rest) = quoted(line.get(quote + 1..)?)?;
    let rest = rest.strip_prefix(' ')?;
    let (status, rest) = word(rest);
    let (size, rest) = word(rest);
    if !is_number(status) || !is_number(size) {
        return None;
    }
    let mut count = 0;
    let (referrer, rest) = optional(rest, &mut count);
    let (user_agent, rest) = optional(rest, &mut count);
    let (fourth, _) = optional(rest, &mut count);
    Some(Fields {
        vhost: front.vhost,
        client: front.client,
        user: front.user,
        time: front.time,
        request,
        status,
        bytes: size,
        referrer,
        user_agent,
        fourth,
        quoted: count,
        address: front.address,
        escaped: memchr(b'\\', line.as_bytes()).is_some(),
    })
}

/// What stands before the request.
#[derive(Debug, PartialEq)]
struct Front<'a> {
    vhost: &'a str,
    client: &'a str,
    address: Option<IpAddr>,
    user: &'a str,
    time: Timestamp,
}

/// `192.0.2.7 - - [10/Oct/2025:13:55:36 +0200] "`, the front of nearly every line, and where its
/// quotation mark stands.
#[inline]
fn usual_front<'a>(line: &'a str, clock: &Clock<'_>) -> Option<(Front<'a>, usize)> {
    let (address, length) = field::ip_prefix(line)?;
    // What goes beyond an IPv4 address is left to the reading of any front.
    if !address.is_ipv4() || length > 15 {
        return None;
    }
    let rest = line.get(length..)?.strip_prefix(" - - [")?;
    let (time, taken) = stamp::clf(rest.as_bytes(), clock)?;
    rest.get(taken..)?.strip_prefix("] \"")?;
    let front = Front {
        vhost: "",
        client: line.get(..length)?,
        address: Some(address),
        user: "-",
        time,
    };
    Some((front, length + 6 + taken + 2))
}

fn any_front<'a>(line: &'a str, clock: &Clock<'_>) -> Option<(Front<'a>, usize)> {
    let bytes = line.as_bytes();
    let mut quote = memchr(b'"', bytes)?;
    while is_escaped(bytes, quote) {
        quote += 1 + memchr(b'"', bytes.get(quote + 1..)?)?;
    }
    // `… [10/Oct/2025:13:55:36 +0200] "`
    let close = quote.checked_sub(2)?;
    if bytes.get(close..quote) != Some(b"] ") {
        return None;
    }
    let open = memrchr(b'[', bytes.get(..close)?)?;
    let inner = bytes.get(open + 1..close)?;
    let (time, taken) = stamp::clf(inner, clock)?;
    if taken != inner.len() {
        return None;
    }
    let (vhost, client, user) = front(line.get(..open)?.strip_suffix(' ')?)?;
    let front = Front {
        vhost,
        client,
        address: super::record::ip(client),
        user,
        time,
    };
    Some((front, quote))
}

/// Virtual host, client, user of what stands before the time.
fn front(text: &str) -> Option<(&str, &str, &str)> {
    let (first, rest) = text.split_once(' ')?;
    // An address starts with a digit or has colons only; a virtual host comes with its port, or
    // is told by the address that follows it.
    let second = rest.split(' ').next().unwrap_or_default();
    let named = match first.rsplit_once(':') {
        Some((host, port)) => {
            !host.is_empty()
                && !port.is_empty()
                && port.bytes().all(|b| b.is_ascii_digit())
                && (!host.contains(':') || host.starts_with('['))
                && super::record::ip(first).is_none()
        }
        None => {
            super::record::ip(first).is_none()
                && super::record::ip(second).is_some()
                && rest.split(' ').count() >= 3
        }
    };
    let (vhost, client, rest) = if named {
        let (client, rest) = rest.split_once(' ')?;
        (first, client, rest)
    } else {
        ("", first, rest)
    };
    // The identd answer is one word; the user is the rest, blanks included. Some sites leave the
    // user out.
    let user = rest.split_once(' ').map_or("", |(_, user)| user);
    Some((vhost, client, user))
}

/// The text up to the closing quotation mark and what follows it. A mark that no blank and no end
/// of line follows stands inside the text (logs written without escaping).
fn quoted(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        at += memchr(b'"', bytes.get(at..)?)?;
        if !is_escaped(bytes, at) && matches!(bytes.get(at + 1), None | Some(b' ')) {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
        at += 1;
    }
}

/// Whether an odd number of backslashes stands before `at`.
fn is_escaped(bytes: &[u8], at: usize) -> bool {
    let mut start = at;
    while start > 0 && bytes.get(start - 1) == Some(&b'\\') {
        start -= 1;
    }
    (at - start) % 2 == 1
}

#[inline]
fn word(text: &str) -> (&str, &str) {
    // Status and size: too short for a search to be worth preparing.
    match field::near(text.as_bytes(), b' ') {
        Some(end) => (
            text.get(..end).unwrap_or_default(),
            text.get(end + 1..).unwrap_or_default(),
        ),
        None => (text, ""),
    }
}

fn is_number(text: &str) -> bool {
    text == "-" || (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
}

/// A quoted field, if one stands here. A line that was cut inside it ends the field, too.
fn optional<'a>(text: &'a str, count: &mut u8) -> (&'a str, &'a str) {
    if text.is_empty() {
        return ("", "");
    }
    let text = text.strip_prefix(' ').unwrap_or(text);
    match text.strip_prefix('"') {
        Some(inner) => {
            *count += 1;
            quoted(inner).unwrap_or((inner, ""))
        }
        None => ("", text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vauban_evidence::TimeBase;

    fn fields(line: &str) -> Option<(String, [String; 8])> {
        let base = TimeBase::utc((2026, 1, 1));
        let f = split(line, &Clock::new(&base))?;
        let rest = [
            f.vhost,
            f.client,
            f.user,
            f.request,
            f.status,
            f.bytes,
            f.referrer,
            f.user_agent,
        ];
        Some((f.time.to_string(), rest.map(str::to_owned)))
    }

    #[test]
    fn usual_lines() {
        for (line, expected) in [
            (
                r#"192.0.2.7 - - [09/Dec/2025:02:30:00 +0100] "GET /?a=1 HTTP/1.1" 200 512 "https://x/" "UA (a; b)""#,
                [
                    "",
                    "192.0.2.7",
                    "-",
                    "GET /?a=1 HTTP/1.1",
                    "200",
                    "512",
                    "https://x/",
                    "UA (a; b)",
                ],
            ),
            (
                r#"192.0.2.7 - - [09/Dec/2025:02:30:00 +0100] "-" 408 -"#,
                ["", "192.0.2.7", "-", "-", "408", "-", "", ""],
            ),
            (
                r#"mail.example:443 2001:db8::7 - - [09/Dec/2025:02:30:00 +0100] "GET / HTTP/1.1" 200 0 "-" "-""#,
                [
                    "mail.example:443",
                    "2001:db8::7",
                    "-",
                    "GET / HTTP/1.1",
                    "200",
                    "0",
                    "-",
                    "-",
                ],
            ),
            (
                r#"www.example 192.0.2.7 - u [09/Dec/2025:02:30:00 +0100] "GET / HTTP/1.1" 200 0 "-" "-""#,
                [
                    "www.example",
                    "192.0.2.7",
                    "u",
                    "GET / HTTP/1.1",
                    "200",
                    "0",
                    "-",
                    "-",
                ],
            ),
            (
                r#"client.example - - [09/Dec/2025:02:30:00 +0100] "GET / HTTP/1.1" 200 0"#,
                [
                    "",
                    "client.example",
                    "-",
                    "GET / HTTP/1.1",
                    "200",
                    "0",
                    "",
                    "",
                ],
            ),
            (
                r#"2001:db8::443 - - [09/Dec/2025:02:30:00 +0100] "GET / HTTP/1.1" 200 0"#,
                [
                    "",
                    "2001:db8::443",
                    "-",
                    "GET / HTTP/1.1",
                    "200",
                    "0",
                    "",
                    "",
                ],
            ),
        ] {
            let (time, got) = fields(line).expect(line);
            assert_eq!(time, "2025-12-09T01:30:00Z");
            assert_eq!(got, expected.map(str::to_owned), "{line}");
        }
    }

    #[test]
    fn forged_fields_move_nothing() {
        // A user name that looks like the rest of a line: Apache escapes its quotation mark.
        let line = r#"192.0.2.7 - a [01/Jan/2001:00:00:00 +0000] \"GET /forged HTTP/1.0\" 200 1 [09/Dec/2025:02:30:00 +0100] "GET /true HTTP/1.1" 401 5 "-" "x""#;
        let (time, got) = fields(line).expect(line);
        assert_eq!(time, "2025-12-09T01:30:00Z");
        assert_eq!(got[1], "192.0.2.7");
        assert_eq!(got[3], "GET /true HTTP/1.1");
        // A user agent that does, in a log that escapes nothing.
        let line =
            r#"192.0.2.7 - - [09/Dec/2025:02:30:00 +0100] "GET / HTTP/1.1" 200 5 "-" "a"b "c""#;
        assert_eq!(fields(line).expect(line).1[7], r#"a"b "c"#);
        // A backslash at the end of a field is escaped itself.
        let line = r#"192.0.2.7 - - [09/Dec/2025:02:30:00 +0100] "GET /\\" 400 5 "-" "x""#;
        assert_eq!(fields(line).expect(line).1[3], r"GET /\\");
    }

    #[test]
    fn other_lines_are_left_alone() {
        for line in [
            "",
            "\"",
            r#"192.0.2.7 [09/Dec/2025:02:30:00 +0100] "GET /" 200 5"#,
            r#"192.0.2.7 - - [99/Dec/2025:02:30:00 +0100] "GET /" 200 5"#,
            r#"192.0.2.7 - - [09/Dec/2025:02:30:00 +0100] "GET /" x 5"#,
            r#"192.0.2.7 - - [09/Dec/2025:02:30:00 +0100] "GET /"#,
            r#"Dec  9 02:30:00 host postfix/smtpd[1]: "x""#,
        ] {
            assert_eq!(fields(line), None, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn both_ways_of_reading_a_front_agree(line in crate::syslog::damage::damaged(&[
            r#"192.0.2.7 - - [09/Dec/2025:02:30:00 +0100] "GET /?a=1 HTTP/1.1" 200 512 "-" "x""#,
            r#"::ffff:c000:201 - - [09/Dec/2025:02:30:00 +0100] "GET / HTTP/1.1" 200 512"#,
        ])) {
            let base = TimeBase::utc((2026, 1, 1));
            let clock = Clock::new(&base);
            if let Some(quick) = usual_front(&line, &clock) {
                proptest::prop_assert_eq!(Some(quick), any_front(&line, &clock));
            }
        }
    }
}
