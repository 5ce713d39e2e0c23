//! The envelope of a log line: time, host, tag and process around the program's message.
//!
//! Layouts met in the field: RFC 3164 as daemons send it and as syslogd writes it to files (no
//! priority), rsyslog's ISO 8601 file format, RFC 5424, systemd's console form, lines of files that
//! Dovecot, Exim or fail2ban write without syslog, and each of these behind a container runtime's
//! prefix.

use crate::field;
use crate::stamp::{self, Clock};
use vauban_ocsf::Timestamp;

/// How a line was laid out.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Time, host, tag.
    Syslog,
    /// RFC 5424.
    Rfc5424,
    /// Time and tag: a daemon's own file, or a syslog daemon told to leave the host out.
    NoHost,
    /// Time and message only: Exim's main log.
    Bare,
}

/// A line without its envelope.
#[derive(Copy, Clone, Debug)]
pub struct Envelope<'a> {
    /// When.
    pub time: Timestamp,
    /// Which host, `""` if not said.
    pub host: &'a str,
    /// Program with path and instance, without process number.
    pub tag: &'a str,
    /// Process number.
    pub pid: Option<u32>,
    /// The rest.
    pub message: &'a str,
    /// How it was laid out.
    pub shape: Shape,
}

impl<'a> Envelope<'a> {
    /// The tag's last path component ("smtpd" of "postfix/submission/smtpd").
    pub fn program(&self) -> &'a str {
        if self.tag == "dovecot" {
            return self.tag;
        }
        // Tags are short: a search prepared for more would cost more than it saves.
        match self.tag.bytes().rposition(|b| b == b'/') {
            Some(slash) => self.tag.get(slash + 1..).unwrap_or(self.tag),
            None => self.tag,
        }
    }
}

/// Takes the envelope off. `None`: no time stamp stands where one has to.
#[inline]
pub fn open<'a>(line: &'a str, clock: &Clock<'_>) -> Option<Envelope<'a>> {
    let bytes = line.as_bytes();
    if bytes.first().is_some_and(u8::is_ascii_digit) {
        if let Some((time, end)) = stamp::rfc3339(bytes, clock)
            && let Some(rest) = line.get(end..)
            && !rest.starts_with(RUNTIME)
        {
            return body(time, rest, bytes.get(10) == Some(&b' '));
        }
    } else if let Some((time, end)) = stamp::rfc3164(bytes, clock) {
        return body(time, line.get(end..)?, false);
    }
    open_rare(line, clock)
}

/// How what follows a container runtime's stamp begins: ` stdout `, ` stderr `.
const RUNTIME: &str = " std";

/// Everything but a date at the beginning of the line.
#[cold]
fn open_rare<'a>(line: &'a str, clock: &Clock<'_>) -> Option<Envelope<'a>> {
    let mut line = line.trim_start();
    // rsyslog's files and Exim's: a date first, and no runtime's word after it.
    if line.as_bytes().first().is_some_and(u8::is_ascii_digit)
        && let Some((time, end)) = stamp::rfc3339(line.as_bytes(), clock)
    {
        let rest = line.get(end..)?;
        if !rest.starts_with(RUNTIME) {
            return body(time, rest, line.as_bytes().get(10) == Some(&b' '));
        }
    }
    if let Some((priority, rest)) = field::enclosed(line, "<", ">")
        && priority.len() <= 3
        && field::number(priority).is_some()
    {
        if let Some(rest) = rest.strip_prefix("1 ") {
            return rfc5424(rest, clock);
        }
        line = rest;
    } else if let Some(rest) = line.strip_prefix("1 ")
        && let Some(envelope) = rfc5424(rest, clock)
    {
        return Some(envelope);
    } else if let Some(inner) = container(line) {
        // The daemon's own stamp, if it wrote one, is the better one.
        if let Some(envelope) = stamped(inner, clock) {
            return Some(envelope);
        }
        let (time, _) = stamp::rfc3339(line.as_bytes(), clock)?;
        return body(time, inner, false);
    }
    stamped(line, clock)
}

fn stamped<'a>(line: &'a str, clock: &Clock<'_>) -> Option<Envelope<'a>> {
    let bytes = line.as_bytes();
    if let Some((time, end)) = stamp::rfc3164(bytes, clock) {
        return body(time, line.get(end..)?, false);
    }
    if let Some((time, end)) = stamp::rfc3339(bytes, clock) {
        // Exim and fail2ban part date and time by a blank, syslog daemons by `T`.
        return body(time, line.get(end..)?, bytes.get(10) == Some(&b' '));
    }
    if bytes.first() == Some(&b'@') {
        let (time, end) = tai64n(line)?;
        return body(time, line.get(end..)?, false);
    }
    let inner = line.strip_prefix('[').unwrap_or(line);
    let (time, end) = stamp::epoch(inner.as_bytes())?;
    let rest = inner.get(end..)?;
    body(time, rest.strip_prefix(']').unwrap_or(rest), false)
}

/// What a container runtime put before the line: CRI's `TIME stdout F `, docker compose's
/// `service-1  | `.
fn container(line: &str) -> Option<&str> {
    if line.as_bytes().get(10) == Some(&b'T') {
        let (_, rest) = line.split_once(' ')?;
        let rest = rest
            .strip_prefix("stdout ")
            .or_else(|| rest.strip_prefix("stderr "))?;
        return rest.strip_prefix("F ").or_else(|| rest.strip_prefix("P "));
    }
    let (name, rest) = line.split_at_checked(line.find(" | ")?)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    name.trim_end()
        .bytes()
        .all(plain)
        .then(|| rest.get(3..))
        .flatten()
}

/// TAI64N as `multilog` writes it: `@` and 24 hexadecimal digits. daemontools' `tai_now` adds
/// 2^62 + 10 to the system's clock (TAI was 10 s ahead in 1972) and no leap seconds since.
fn tai64n(line: &str) -> Option<(Timestamp, usize)> {
    let seconds = u64::from_str_radix(line.get(1..17)?, 16).ok()?;
    let nanos = u32::from_str_radix(line.get(17..25)?, 16).ok()?;
    let seconds = i64::try_from(seconds.checked_sub(1 << 62)?.checked_sub(10)?).ok()?;
    let micros = seconds
        .checked_mul(1_000_000)?
        .checked_add(i64::from(nanos / 1000))?;
    Some((Timestamp(micros), 25))
}

/// RFC 5424 after the version: `TIMESTAMP HOST APP PROCID MSGID SD MSG`.
fn rfc5424<'a>(text: &'a str, clock: &Clock<'_>) -> Option<Envelope<'a>> {
    let (time, end) = stamp::rfc3339(text.as_bytes(), clock)?;
    let (host, rest) = text.get(end..)?.strip_prefix(' ')?.split_once(' ')?;
    let (tag, rest) = rest.split_once(' ')?;
    let (pid, rest) = rest.split_once(' ')?;
    let (_message_id, rest) = rest.split_once(' ')?;
    let message = match rest.strip_prefix('-') {
        Some(message) => message,
        None => structured_data(rest)?,
    };
    let message = message.trim_start_matches(' ');
    Some(Envelope {
        time,
        host: if host == "-" { "" } else { host },
        tag: if tag == "-" { "" } else { tag },
        pid: field::number32(pid),
        message: message.strip_prefix('\u{feff}').unwrap_or(message),
        shape: Shape::Rfc5424,
    })
}

/// What follows `[id name="value"]…`; values may contain `\"`, `\\` and `\]`.
fn structured_data(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while bytes.get(at) == Some(&b'[') {
        let mut quoted = false;
        loop {
            at += 1;
            match bytes.get(at)? {
                b'\\' if quoted => at += 1,
                b'"' => quoted = !quoted,
                b']' if !quoted => break,
                _ => {}
            }
        }
        at += 1;
    }
    text.get(at..)
}

/// Host, tag and message after a time stamp.
#[inline(always)]
fn body(time: Timestamp, rest: &str, blank_date: bool) -> Option<Envelope<'_>> {
    let mut rest = rest.strip_prefix(':').unwrap_or(rest);
    rest = unpadded(rest);
    let bytes = rest.as_bytes();
    // The first word is a host unless it is shaped like a tag.
    let end = ends(bytes, HOST_ENDS);
    let mut tag_like = bytes.get(end).is_some_and(|&byte| byte != b' ');
    if end > 0 && bytes.get(end - 1) == Some(&b':') {
        tag_like = true;
    }
    let host = rest.get(..end)?;
    if blank_date && !tag_like && super::exim::is_id(host) {
        return Some(bare(time, rest));
    }
    if tag_like && blank_date && (host.is_empty() || host.ends_with('=')) {
        return Some(bare(time, rest));
    }
    if tag_like || severity(host) {
        let text = if tag_like {
            rest
        } else {
            rest.get(end + 1..)?.trim_start_matches(' ')
        };
        let (tag, pid, message) = tag(text);
        return Some(Envelope {
            time,
            host: "",
            tag,
            pid,
            message,
            shape: Shape::NoHost,
        });
    }
    let after = unpadded(rest.get(end + 1..).unwrap_or_default());
    // `fail2ban.actions        [123]: NOTICE`: a padded tag and no host.
    if after.starts_with('[')
        && let Some((pid, message)) = field::enclosed(after, "[", "]: ")
        && let Some(pid) = field::number32(pid)
        && host.starts_with("fail2ban")
    {
        let message = strip_blank(message);
        return Some(Envelope {
            time,
            host: "",
            tag: host,
            pid: Some(pid),
            message,
            shape: Shape::NoHost,
        });
    }
    if blank_date && !begins_with_tag(after, host) {
        return Some(bare(time, rest));
    }
    let (tag, pid, message) = tag(after);
    Some(Envelope {
        time,
        host,
        tag,
        pid,
        message,
        shape: Shape::Syslog,
    })
}

fn bare(time: Timestamp, message: &str) -> Envelope<'_> {
    Envelope {
        time,
        host: "",
        tag: "",
        pid: None,
        message,
        shape: Shape::Bare,
    }
}

/// Words that some systems write where the host stands.
fn severity(word: &str) -> bool {
    matches!(
        word,
        "DEBUG" | "INFO" | "NOTICE" | "WARNING" | "ERR" | "CRIT" | "ALERT" | "EMERG"
    )
}

/// Whether text after a host begins with a tag: a word that ends in `:` or has a process number.
/// `host` rules out Exim's fields, after which a word with a colon may stand.
fn begins_with_tag(text: &str, host: &str) -> bool {
    if memchr::memchr(b'=', host.as_bytes()).is_some() {
        return false;
    }
    let word = text.bytes().position(|b| b == b' ');
    let word = text.get(..word.unwrap_or(text.len())).unwrap_or_default();
    let name = word.trim_end_matches(':');
    let name = name.split('[').next().unwrap_or_default();
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/');
    word.len() > name.len() && !name.is_empty() && name.bytes().all(plain)
}

/// `tag[123]: message`, `tag: message`, `[tag]: message`, or a tag parted by a blank only.
#[inline(always)]
fn tag(text: &str) -> (&str, Option<u32>, &str) {
    // The tag of half of all mail logs, without a process number.
    if let Some(message) = text.strip_prefix("dovecot: ") {
        return (text.get(..7).unwrap_or_default(), None, message);
    }
    any_tag(text)
}

fn any_tag(text: &str) -> (&str, Option<u32>, &str) {
    let bytes = text.as_bytes();
    if bytes.first() == Some(&b'[') {
        // `[sshd]: …`, metalog.
        if let Some((name, rest)) = field::enclosed(text, "[", "]") {
            let rest = rest.strip_prefix(':').unwrap_or(rest);
            return (name, None, rest.trim_start_matches(' '));
        }
    }
    let end = ends(bytes, TAG_ENDS);
    let name = text.get(..end).unwrap_or_default();
    let rest = text.get(end..).unwrap_or_default();
    match bytes.get(end) {
        Some(b':') => (name, None, strip_blank(rest.get(1..).unwrap_or_default())),
        Some(b'[') => {
            // `auth-worker [123]: ` and `tag[123]: `; some relays drop the colon.
            let (pid, after) = match bracketed_number(rest) {
                Some((pid, after)) => (Some(pid), after),
                None => {
                    let Some((pid, after)) = field::enclosed(rest, "[", "]") else {
                        return ("", None, text);
                    };
                    (field::number32(pid), after)
                }
            };
            let after = after.strip_prefix(':').unwrap_or(after);
            (name, pid, strip_blank(after))
        }
        // `su(pam_unix)[12]: `, Linux-PAM before 0.99.
        Some(b'(') if rest.starts_with("(pam_") => {
            let after = rest.split_once(')').map_or("", |(_, after)| after);
            let (pid, after) = field::enclosed(after, "[", "]").unwrap_or(("", after));
            let after = after.strip_prefix(':').unwrap_or(after);
            (name, field::number32(pid), strip_blank(after))
        }
        // A Dovecot prefix such as `imap(user)<1><s>: ` belongs to the message.
        Some(b'(') => (name, None, text),
        Some(b' ') => {
            // `fail2ban.actions        [123]: NOTICE`: padding before the number.
            let after = rest.trim_start_matches(' ');
            if let Some((pid, after)) = field::enclosed(after, "[", "]: ")
                && let Some(pid) = field::number32(pid)
            {
                return (name, Some(pid), strip_blank(after));
            }
            (name, None, after)
        }
        _ => (name, None, rest),
    }
}

/// `[123]` at the beginning, and what follows it.
#[inline]
fn bracketed_number(text: &str) -> Option<(u32, &str)> {
    let (number, rest) = field::number_prefix(text.strip_prefix('[')?)?;
    Some((u32::try_from(number).ok()?, rest.strip_prefix(']')?))
}

/// Bytes that end the first word after the stamp, and bytes that end a tag.
const HOST_ENDS: u8 = 1;
const TAG_ENDS: u8 = 2;

/// Which bytes end what.
static ENDS: [u8; 256] = {
    let mut table = [0; 256];
    table[b' ' as usize] = HOST_ENDS | TAG_ENDS;
    table[b'[' as usize] = HOST_ENDS | TAG_ENDS;
    table[b'(' as usize] = HOST_ENDS | TAG_ENDS;
    table[b'<' as usize] = HOST_ENDS | TAG_ENDS;
    table[b'{' as usize] = HOST_ENDS;
    table[b':' as usize] = TAG_ENDS;
    table
};

/// Where the first byte of a kind stands, or the end.
#[inline(always)]
fn ends(bytes: &[u8], kind: u8) -> usize {
    bytes
        .iter()
        .position(|&byte| ENDS[usize::from(byte)] & kind != 0)
        .unwrap_or(bytes.len())
}

/// Without blanks at the beginning.
#[inline]
fn unpadded(text: &str) -> &str {
    let text = strip_blank(text);
    if text.as_bytes().first() == Some(&b' ') {
        text.trim_start_matches(' ')
    } else {
        text
    }
}

#[inline]
fn strip_blank(text: &str) -> &str {
    text.strip_prefix(' ').unwrap_or(text)
}

#[cfg(test)]
mod tests;
