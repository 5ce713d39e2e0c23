//! Dovecot 2.2 to 2.4: which service wrote the record, for whom, in which session.
//!
//! Prefixes after `mail_log_prefix`: 2.2 `imap(USER): `, 2.3 and 2.4
//! `imap(USER)<PID><SESSION>: `; log-in processes `imap-login: `; `auth-worker(PID): `. In files
//! that Dovecot writes itself a level stands beside the service (`imap-login: Info: …`, before 2.0
//! `Info: imap-login: …`).

mod auth;
mod deliver;
mod export;
mod login;
mod mail_log;
mod session;

pub use export::DovecotEvents;

use super::{Accounted, Out, Program, Record};
use crate::field;
use vauban_ocsf::{Body, Message, Product, Service, Severity};

pub(super) const PROGRAM: Program = Program { claims, parse };

fn claims(record: &Record<'_>) -> bool {
    record.tag.starts_with("dovecot")
        || (record.host.is_empty()
            && (service_name(record.tag) || level_word(record.tag).is_some()))
}

/// Services whose name may be the tag in a file without syslog envelope.
fn service_name(name: &str) -> bool {
    name.ends_with("-login")
        || matches!(
            name,
            "imap"
                | "pop3"
                | "lmtp"
                | "lda"
                | "auth"
                | "auth-worker"
                | "managesieve"
                | "master"
                | "doveadm"
                | "submission"
                | "stats"
                | "config"
                | "log"
                | "anvil"
                | "indexer"
                | "indexer-worker"
                | "dict"
                | "replicator"
                | "director"
                | "ssl-params"
                | "deliver"
                | "imap-hibernate"
                | "imap-urlauth"
                | "old-stats"
                | "quota-status"
                | "welcome"
                | "IMAP"
                | "POP3"
                | "dsync-local"
                | "dsync-server"
        )
}

/// A level as Dovecot writes it.
fn level_word(word: &str) -> Option<Severity> {
    Some(match word {
        "Debug" | "Info" => Severity::Info,
        "Warning" | "Warn" => Severity::Warning,
        "Error" | "Fatal" | "Panic" => Severity::Error,
        _ => return None,
    })
}

/// `Info: ` and the like at the beginning.
#[inline]
fn level(text: &str) -> Option<(Severity, &str)> {
    let words: &[(&str, Severity)] = match text.as_bytes().first()? {
        b'I' => &[("Info: ", Severity::Info)],
        b'D' => &[("Debug: ", Severity::Info)],
        b'W' => &[
            ("Warning: ", Severity::Warning),
            ("Warn: ", Severity::Warning),
        ],
        b'E' => &[("Error: ", Severity::Error)],
        b'F' => &[("Fatal: ", Severity::Error)],
        b'P' => &[("Panic: ", Severity::Error)],
        _ => return None,
    };
    words
        .iter()
        .find_map(|&(word, severity)| Some((severity, text.strip_prefix(word)?)))
}

/// A record without Dovecot's prefix.
#[derive(Copy, Clone, Debug, Default)]
struct Entry<'a> {
    /// "imap", "imap-login", "auth", …
    service: &'a str,
    user: &'a str,
    session: &'a str,
    /// Process number in the prefix.
    pid: Option<u32>,
    severity: Severity,
    text: &'a str,
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let mut entry = split(record);
    // `doveadm(user)<pid><>: Error: …`: a level after the prefix.
    while let Some((severity, rest)) = level(entry.text) {
        entry.severity = entry.severity.max(severity);
        entry.text = rest;
    }
    let record = Record {
        pid: entry.pid.or(record.pid),
        ..*record
    };
    if entry.service.ends_with("-login") {
        return login::parse(&record, &entry, out);
    }
    match entry.service {
        "imap" | "pop3" | "managesieve" | "submission" | "imap-hibernate" | "IMAP" | "POP3"
        | "doveadm" | "indexer-worker" | "dsync-local" | "dsync-server" | "quota-status" => {
            session::parse(&record, &entry, out)
        }
        "lmtp" | "lda" | "deliver" => deliver::parse(&record, &entry, out),
        "auth" | "auth-worker" => auth::parse(&record, &entry, out),
        "stats" => export::parse(&record, &entry, out),
        _ => general(&record, &entry, out),
    }
}

/// Takes the prefix off.
fn split<'a>(record: &Record<'a>) -> Entry<'a> {
    let mut entry = Entry {
        text: record.message,
        ..Entry::default()
    };
    if record.tag.starts_with("dovecot") {
        // The prefix follows.
    } else if let Some(severity) = level_word(record.tag) {
        entry.severity = severity;
    } else if !record.message.starts_with(record.tag) {
        entry.service = record.tag;
        return entry;
    }
    loop {
        if let Some(rest) = entry.text.strip_prefix("dovecot: ") {
            entry.text = rest;
        } else if let Some((severity, rest)) = level(entry.text) {
            entry.severity = severity;
            entry.text = rest;
        } else {
            break;
        }
    }
    let bytes = entry.text.as_bytes();
    let end = bytes
        .iter()
        .position(|&byte| !IN_NAME[usize::from(byte)])
        .unwrap_or(bytes.len());
    let name = entry.text.get(..end).unwrap_or_default();
    match bytes.get(end) {
        Some(b':') if bytes.get(end + 1) == Some(&b' ') => {
            entry.service = name;
            entry.text = entry.text.get(end + 2..).unwrap_or_default();
        }
        Some(b'(') => {
            if let Some(inner) = parenthesis(entry.text.get(end + 1..).unwrap_or_default()) {
                entry.service = name;
                (entry.user, entry.pid, entry.session, entry.text) = inner;
            }
        }
        _ => {}
    }
    if entry.user.bytes().all(|b| b.is_ascii_digit()) && name != "imap" && name != "pop3" {
        // `auth-worker(1234): `, `lmtp(1234): `: a process, no user.
        entry.pid = field::number32(entry.user).or(entry.pid);
        entry.user = "";
    } else if entry
        .user
        .as_bytes()
        .first()
        .is_some_and(u8::is_ascii_digit)
        && let end = field::piece_end(entry.user)
        && let Some(user) = entry.user.get(end + 2..)
        && let Some(pid) = entry.user.get(..end).and_then(field::number32)
    {
        // 2.2's `lmtp(1234, user): `.
        entry.pid = Some(pid);
        entry.user = user;
    }
    entry
}

/// Bytes of a service's name.
static IN_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        byte += 1;
    }
    table
};

type Prefix<'a> = (&'a str, Option<u32>, &'a str, &'a str);

/// `USER)<PID><SESSION>: TEXT` or `USER): TEXT`: user, pid, session, text.
fn parenthesis(text: &str) -> Option<Prefix<'_>> {
    usual_parenthesis(text).or_else(|| any_parenthesis(text))
}

/// `USER)<PID><SESSION>: TEXT`, without parentheses in the user's name.
#[inline]
fn usual_parenthesis(text: &str) -> Option<Prefix<'_>> {
    let close = field::near(text.as_bytes(), b')')?;
    let (pid, rest) = field::number_prefix(text.get(close + 1..)?.strip_prefix('<')?)?;
    let rest = rest.strip_prefix("><")?;
    let end = field::near(rest.as_bytes(), b'>')?;
    let message = rest.get(end + 1..)?.strip_prefix(": ")?;
    Some((
        text.get(..close)?,
        u32::try_from(pid).ok(),
        rest.get(..end)?,
        message,
    ))
}

fn any_parenthesis(text: &str) -> Option<Prefix<'_>> {
    let bytes = text.as_bytes();
    // A name may hold a few; a line of nothing else is not Dovecot's.
    for close in memchr::memchr_iter(b')', bytes).take(16) {
        let user = text.get(..close)?;
        let rest = text.get(close + 1..)?;
        if let Some(message) = rest.strip_prefix(": ") {
            return Some((user, None, "", message));
        }
        // `<PID><SESSION>: `, or 2.4's auth `<SESSION>: `.
        let Some((first, after)) = field::enclosed(rest, "<", ">") else {
            continue;
        };
        if let Some(message) = after.strip_prefix(": ") {
            return Some((
                user,
                field::number32(first),
                if first.contains(|c: char| !c.is_ascii_digit()) {
                    first
                } else {
                    ""
                },
                message,
            ));
        }
        if field::number(first).is_some()
            && let Some((session, after)) = field::enclosed(after, "<", ">")
            && let Some(message) = after.strip_prefix(": ")
        {
            return Some((user, field::number32(first), session, message));
        }
    }
    None
}

/// The service a log-in process or session is for.
fn service(name: &str) -> Service {
    match name.strip_suffix("-login").unwrap_or(name) {
        "imap" | "IMAP" | "imap-hibernate" | "imap-urlauth" => Service::Imap,
        "pop3" | "POP3" => Service::Pop3,
        "managesieve" | "sieve" => Service::ManageSieve,
        "submission" => Service::Smtp,
        "lmtp" | "lda" | "deliver" => Service::Lmtp,
        "doveadm" | "dsync-local" | "dsync-server" => Service::Local,
        _ => Service::Other,
    }
}

/// A record that no grammar here knows: kept if Dovecot called it a warning or worse.
fn general(record: &Record<'_>, entry: &Entry<'_>, out: &mut Out<'_>) -> Accounted {
    if entry.severity == Severity::Info {
        return out.ignored(record);
    }
    let message = Message {
        severity: entry.severity,
        text: entry.text,
        src_ip: None,
        user: entry.user,
    };
    out.event(record, Product::Dovecot, Body::Message(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syslog::damage::damaged;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_ways_of_reading_a_prefix_agree(
            line in damaged(&["a@b.example)<453><0000AwAyKGVEi5zG>: Logged out", "a)<4><>: x (y)<5><z>: "])
        ) {
            if let Some(quick) = usual_parenthesis(&line) {
                prop_assert_eq!(Some(quick), any_parenthesis(&line));
            }
        }
    }
}
