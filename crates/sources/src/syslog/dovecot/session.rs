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
    let (reason, counters) = text.split_at(counters(text));
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

/// Where the counters begin: the words at the end that are a name, `=` and a number.
fn counters(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut start = text.len();
    loop {
        let word = match memchr::memrchr(
            b' ',
            bytes.get(..start.saturating_sub(1)).unwrap_or_default(),
        ) {
            Some(blank) => blank + 1,
            None => 0,
        };
        let Some(pair) = bytes.get(word..start) else {
            return start;
        };
        let name = pair
            .iter()
            .take_while(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'0'..=b'9'))
            .count();
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
        .get(from..)
        .and_then(|t| t.find('('))
        .map(|at| from + at + 1)
    {
        let inner = reason.get(open..).unwrap_or_default();
        if inner.starts_with("No commands sent)") {
            logoff.no_commands = true;
            return;
        }
        if let Some(end) = inner
            .find(" running for ")
            .or_else(|| inner.find(" finished "))
            && !inner.get(..end).unwrap_or_default().contains('(')
        {
            // Several commands in progress are comma separated; the last named one is the oldest.
            logoff.last_command = inner.get(..end).unwrap_or_default();
            if let Some((_, bytes)) = inner.split_once(" B in + ") {
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
