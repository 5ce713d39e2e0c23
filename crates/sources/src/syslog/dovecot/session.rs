//! Ends of sessions with their counters, and what else imap, pop3, managesieve and submission say.
//!
//! 2.2 to 2.3.14 `Logged out in=… out=…`, 2.3.15 and later `Disconnected: Logged out in=… …`;
//! abnormal ends name the last command: `Connection closed (UID FETCH running for 0.001 + waiting
//! output for 12.3 secs, 2 B in + 12345+678 B out, state=wait-output) in=…`
//! (imap-client.c, client_get_commands_status()).

use super::{Entry, mail_log, service};
use crate::field;
use crate::syslog::{Accounted, Out, Record};
use vauban_ocsf::{
    AccountActivity, AccountChange, Body, Logoff, Mailbox, MailboxAction, Product, Status,
};

pub(super) fn parse(record: &Record<'_>, entry: &Entry<'_>, out: &mut Out<'_>) -> Accounted {
    if let Some(mailbox) = mail_log::parse(entry) {
        return out.event(record, Product::Dovecot, Body::Mailbox(mailbox));
    }
    if let Some(logoff) = logoff(entry) {
        return out.event(record, Product::Dovecot, Body::Logoff(Box::new(logoff)));
    }
    if let Some(name) = entry.text.strip_prefix("sieve: ") {
        // imapsieve runs scripts for stored messages.
        let inner = Entry {
            text: name,
            ..*entry
        };
        return super::deliver::parse(record, &inner, out);
    }
    if entry.service == "managesieve"
        && (entry.text.contains("script") || entry.text.contains("Script"))
        && entry.severity == vauban_ocsf::Severity::Info
    {
        let mailbox = Mailbox {
            action: MailboxAction::SieveScript,
            service: service(entry.service),
            user: entry.user,
            session: entry.session,
            arguments: entry.text,
            status: Status::Unknown,
            ..Mailbox::default()
        };
        return out.event(record, Product::Dovecot, Body::Mailbox(mailbox));
    }
    if entry.text.starts_with("Password changed") {
        let change = AccountChange {
            activity: AccountActivity::PasswordChange,
            user: entry.user,
            status: Status::Success,
            detail: entry.text,
            ..AccountChange::default()
        };
        return out.event(record, Product::Dovecot, Body::Account(change));
    }
    super::general(record, entry, out)
}

/// The end of a session, if the record is one.
fn logoff<'a>(entry: &Entry<'a>) -> Option<Logoff<'a>> {
    let text = entry.text;
    let mut logoff = Logoff {
        service: service(entry.service),
        user: entry.user,
        session: entry.session,
        ..Logoff::default()
    };
    if let Some(start) = usual(text, &mut logoff) {
        let reason = text.get(..start).unwrap_or_default().trim_end();
        logoff.reason = reason.strip_prefix("Disconnected: ").unwrap_or(reason);
        last_command(&mut logoff);
        return Some(logoff);
    }
    any_logoff(entry)
}

/// The end of a session, read from its end.
fn any_logoff<'a>(entry: &Entry<'a>) -> Option<Logoff<'a>> {
    let text = entry.text;
    let (reason, counters) = text.split_at(counters(text, text.len()));
    let reason = reason.trim_end();
    let ended = reason.starts_with("Logged out")
        || reason.starts_with("Disconnected")
        || reason.starts_with("Connection closed")
        || reason.starts_with("Inactivity")
        || reason.starts_with("Server shutting down")
        || reason.starts_with("EOF while")
        || reason.starts_with("Client has quit")
        || reason.starts_with("Remote closed connection")
        || reason.starts_with("Client quit")
        || reason.starts_with("IDLE session");
    if !ended && counters.is_empty() {
        return None;
    }
    let mut logoff = Logoff {
        service: service(entry.service),
        user: entry.user,
        session: entry.session,
        reason: reason.strip_prefix("Disconnected: ").unwrap_or(reason),
        ..Logoff::default()
    };
    last_command(&mut logoff);
    let mut rest = counters;
    while let Some(equals) = memchr::memchr(b'=', rest.as_bytes()) {
        let (key, value) = (rest.get(..equals)?, rest.get(equals + 1..)?);
        let end = memchr::memchr(b' ', value.as_bytes()).unwrap_or(value.len());
        counter(&mut logoff, key, value.get(..end)?.trim_end_matches(','));
        rest = value.get(end + 1..).unwrap_or_default();
    }
    Some(logoff)
}

/// The counters of an end written as Dovecot writes it by default, read from the front: their
/// place, if nothing else could be their beginning and all are as they should be.
#[inline]
fn usual(text: &str, logoff: &mut Logoff<'_>) -> Option<usize> {
    for words in ["Disconnected: Logged out ", "Logged out "] {
        if let Some(rest) = text.strip_prefix(words) {
            return clean_counters(rest, logoff).then_some(words.len());
        }
    }
    // Whatever a reason quotes stands before its last parenthesis; a counter may, too.
    let start = memchr::memrchr(b')', text.as_bytes())? + 2;
    let rest = text.get(start - 1..)?.strip_prefix(' ')?;
    (clean_counters(rest, logoff) && counters(text, start) == start).then_some(start)
}

/// Reads words that all are a name, `=` and a number, one blank between two.
#[inline]
fn clean_counters(text: &str, logoff: &mut Logoff<'_>) -> bool {
    let mut rest = text;
    // In the order of the default formats; none has to be there.
    macro_rules! next {
        ($name:literal, $field:ident, $convert:expr) => {
            if let Some(value) = rest.strip_prefix(concat!($name, "=")) {
                let Some((number, after)) = field::number_prefix(value) else {
                    return false;
                };
                logoff.$field = $convert(number);
                match after.strip_prefix(' ') {
                    Some(after) => rest = after,
                    None => return after.is_empty(),
                }
            }
        };
    }
    let small = |number: u64| u32::try_from(number).ok();
    next!("in", bytes_in, Some);
    next!("out", bytes_out, Some);
    next!("deleted", deleted, small);
    next!("expunged", expunged, small);
    next!("trashed", trashed, small);
    next!("hdr_count", hdr_count, small);
    next!("hdr_bytes", hdr_bytes, Some);
    next!("body_count", body_count, small);
    next!("body_bytes", body_bytes, Some);
    loop {
        let word = field::near(rest.as_bytes(), b' ').unwrap_or(rest.len());
        let (pair, after) = rest.split_at(word);
        let name = name_length(pair.as_bytes());
        let Some(value) = pair.get(name..).and_then(|value| value.strip_prefix('=')) else {
            return false;
        };
        if name == 0 || !value.starts_with(|c: char| c.is_ascii_digit()) || value.ends_with(')') {
            return false;
        }
        let key = pair.get(..name).unwrap_or_default();
        counter(logoff, key, value.trim_end_matches(','));
        match after.strip_prefix(' ') {
            Some(after) => rest = after,
            None => return true,
        }
    }
}

/// How many bytes at the beginning may be a counter's name.
fn name_length(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'0'..=b'9'))
        .count()
}

/// Where the counters before `end` begin: the words that are a name, `=` and a number.
fn counters(text: &str, end: usize) -> usize {
    let bytes = text.as_bytes();
    let mut start = end;
    loop {
        let word = bytes
            .get(..start.saturating_sub(1))
            .unwrap_or_default()
            .iter()
            .rposition(|&b| b == b' ')
            .map_or(0, |blank| blank + 1);
        let Some(pair) = bytes.get(word..start) else {
            return start;
        };
        let name = name_length(pair);
        let counts = name > 0
            && pair.get(name) == Some(&b'=')
            && pair.get(name + 1).is_some_and(u8::is_ascii_digit)
            && !pair.ends_with(b")");
        if !counts {
            return start;
        }
        if word == 0 {
            return 0;
        }
        start = word;
    }
}

fn counter(logoff: &mut Logoff<'_>, key: &str, value: &str) {
    let two = || value.split_once('/');
    match key {
        "in" => logoff.bytes_in = field::number(value),
        "out" => logoff.bytes_out = field::number(value),
        "bytes" => {
            if let Some((input, output)) = two() {
                logoff.bytes_in = field::number(input);
                logoff.bytes_out = field::number(output);
            }
        }
        "deleted" => logoff.deleted = field::number32(value),
        "expunged" => logoff.expunged = field::number32(value),
        "trashed" => logoff.trashed = field::number32(value),
        "hdr_count" => logoff.hdr_count = field::number32(value),
        "hdr_bytes" => logoff.hdr_bytes = field::number(value),
        "body_count" => logoff.body_count = field::number32(value),
        "body_bytes" => logoff.body_bytes = field::number(value),
        "appended" => logoff.appended = field::number32(value),
        "top" => {
            if let Some((count, bytes)) = two() {
                logoff.top_count = field::number32(count);
                logoff.top_bytes = field::number(bytes);
            }
        }
        "retr" => {
            if let Some((count, bytes)) = two() {
                logoff.retr_count = field::number32(count);
                logoff.retr_bytes = field::number(bytes);
            }
        }
        "del" => {
            if let Some((deleted, messages)) = two() {
                logoff.pop3_deleted = field::number32(deleted);
                logoff.pop3_messages = field::number32(messages);
            }
        }
        "size" => logoff.pop3_size = field::number(value),
        "rip" => logoff.src_ip = field::ip(value),
        _ => {}
    }
}

/// `(UID FETCH finished 0.012 secs ago …)`, `(UID FETCH running for …, 2 B in + 12345 B out, …)`.
fn last_command(logoff: &mut Logoff<'_>) {
    let reason = logoff.reason;
    let mut from = 0;
    let mut tried = 0;
    while let Some(open) = reason
        .as_bytes()
        .get(from..)
        .and_then(|t| field::near(t, b'('))
        .map(|at| from + at + 1)
    {
        let inner = reason.get(open..).unwrap_or_default();
        if inner.starts_with("No commands sent)") {
            logoff.no_commands = true;
            return;
        }
        if let Some(end) = state(inner)
            && memchr::memchr(b'(', inner.get(..end).unwrap_or_default().as_bytes()).is_none()
        {
            // Several commands in progress are comma separated; the last named one is the oldest.
            logoff.last_command = inner.get(..end).unwrap_or_default();
            if let Some((_, bytes)) = field::split_once(inner, " B in + ") {
                logoff.last_command_bytes_out = field::number_prefix(bytes).map(|(n, _)| n);
            }
            return;
        }
        tried += 1;
        if tried == 16 {
            return;
        }
        from = open;
    }
}

/// Where a command's state stands: the first ` running for `, else the first ` finished `.
fn state(text: &str) -> Option<usize> {
    let mut finished = None;
    for blank in memchr::memchr_iter(b' ', text.as_bytes()) {
        let word = text.get(blank + 1..)?;
        if word.starts_with("running for ") {
            return Some(blank);
        }
        if finished.is_none() && word.starts_with("finished ") {
            finished = Some(blank);
        }
    }
    finished
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syslog::damage::damaged;
    use proptest::prelude::*;

    const LINES: &[&str] = &[
        "Disconnected: Logged out in=453 out=9187 deleted=0 expunged=0 trashed=0 hdr_count=10 hdr_bytes=4413 body_count=3 body_bytes=1289",
        "Logged out in=44 out=958",
        "Disconnected: Logged out top=0/0, retr=1/1898, del=0/49, size=123456",
        "Connection closed: read(size=7739) failed: Connection reset by peer (UID STORE finished 4.000 secs ago) in=453 out=9187 deleted=0 expunged=0 trashed=0 hdr_count=10 hdr_bytes=4413 body_count=3 body_bytes=1289",
        "Connection closed (UID FETCH running for 0.001 + waiting output for 12.3 secs, 2 B in + 12345+678 B out, state=wait-output) in=82 out=816",
    ];

    fn entry(text: &str) -> Entry<'_> {
        Entry {
            service: "imap",
            text,
            ..Entry::default()
        }
    }

    #[test]
    fn usual_ends_are_read_the_quick_way() {
        for line in LINES {
            assert!(usual(line, &mut Logoff::default()).is_some(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn both_ways_of_reading_agree(line in damaged(LINES)) {
            let entry = entry(&line);
            prop_assert_eq!(
                format!("{:?}", logoff(&entry)),
                format!("{:?}", any_logoff(&entry))
            );
        }
    }
}
