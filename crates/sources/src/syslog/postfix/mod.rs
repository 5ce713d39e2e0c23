//! Postfix: which daemon wrote the record, queue ids, and what all daemons have in common.
//!
//! Formats after the source (2.x to 3.9, `smtpd.c`, `cleanup_message.c`, `qmgr_active.c`,
//! `log_adhoc.c`, `postscreen.c`). Names in `NAME[ADDRESS]` come from DNS; addresses, HELO names
//! and header values come from the client.

mod delivery;
mod postscreen;
mod smtpd;
mod tail;

use super::{Accounted, Out, Program, Record};
use crate::field;
use vauban_ocsf::{Body, Email, EmailActivity, Message, Product, Severity, Status};

pub(super) const PROGRAM: Program = Program { claims, parse };

/// Postfix logs as `postfix/NAME`, or as `syslog_name/NAME` for another instance or service.
fn claims(record: &Record<'_>) -> bool {
    record.tag.starts_with("postfix") || (record.tag.len() > record.program.len() && daemon(record))
}

/// Programs that only Postfix has, for instances with a name of their own.
fn daemon(record: &Record<'_>) -> bool {
    matches!(
        record.program,
        "smtpd" | "qmgr" | "cleanup" | "postscreen" | "pickup" | "anvil" | "tlsproxy" | "dnsblog"
    )
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    if let Some((severity, text)) = level(record.message) {
        return match record.program {
            "smtpd" => smtpd::warning(record, severity, text, out),
            _ => notice(record, severity, text, out),
        };
    }
    if let Some((queue_id, text)) = queue_id(record.message) {
        return match record.program {
            "smtpd" => smtpd::queued(record, queue_id, text, out),
            "cleanup" => smtpd::cleanup(record, queue_id, text, out),
            "qmgr" | "oqmgr" | "nqmgr" => qmgr(record, queue_id, text, out),
            "pickup" => pickup(record, queue_id, text, out),
            "postscreen" => postscreen::queued(record, queue_id, text, out),
            "postsuper" => postsuper(record, queue_id, text, out),
            "bounce" => bounce(record, queue_id, text, out),
            _ => delivery::parse(record, queue_id, text, out),
        };
    }
    match record.program {
        "smtpd" => smtpd::session(record, out),
        "postscreen" => postscreen::session(record, out),
        "smtp" | "lmtp" => delivery::session(record, out),
        // Statistics, start-up and administration: nothing about a client or a message.
        "anvil" | "scache" | "dnsblog" | "tlsproxy" | "tlsmgr" | "verify" | "proxymap"
        | "master" | "postfix-script" | "postsuper" | "postlog" | "qmgr" | "postqueue"
        | "flush" | "postalias" | "postmap" | "trivial-rewrite" | "showq" | "postmulti" => {
            out.ignored(record)
        }
        _ => out.unparsed(record, "Postfix message of unknown form"),
    }
}

/// `warning: `, `error: `, `fatal: `, `panic: ` before the text.
fn level(message: &str) -> Option<(Severity, &str)> {
    match message.as_bytes().first()? {
        b'w' => message
            .strip_prefix("warning: ")
            .map(|text| (Severity::Warning, text)),
        b'e' => message
            .strip_prefix("error: ")
            .map(|text| (Severity::Error, text)),
        b'f' => message
            .strip_prefix("fatal: ")
            .map(|text| (Severity::Error, text)),
        b'p' => message
            .strip_prefix("panic: ")
            .map(|text| (Severity::Error, text)),
        _ => None,
    }
}

/// Queue id and what follows `: `; `""` for `NOQUEUE`.
///
/// Short ids are hexadecimal capitals (time in microseconds, then inode); long ids (RFC-less,
/// `enable_long_queue_ids`) are base 52 without vowels, so neither can be a word of a message.
fn queue_id(message: &str) -> Option<(&str, &str)> {
    let bytes = message.as_bytes();
    let end = field::alphanumeric_prefix(bytes);
    if end < 5 {
        return None;
    }
    let rest = message.get(end..)?.strip_prefix(": ")?;
    let id = message.get(..end)?;
    if id.bytes().all(|b| b.is_ascii_lowercase()) {
        return None;
    }
    if id == "NOQUEUE" {
        return Some(("", rest));
    }
    let word = bytes.get(1..end)?.iter().all(u8::is_ascii_lowercase);
    (!word).then_some((id, rest))
}

fn notice(record: &Record<'_>, severity: Severity, text: &str, out: &mut Out<'_>) -> Accounted {
    let message = Message {
        severity,
        text,
        ..Message::default()
    };
    out.event(record, Product::Postfix, Body::Message(message))
}

/// An e-mail event with what every Postfix record about a message has.
fn email<'a>(
    record: &Record<'a>,
    activity: EmailActivity,
    status: Status,
    queue_id: &'a str,
) -> Email<'a> {
    Email {
        activity,
        status,
        queue_id,
        agent: record.program,
        ..Email::default()
    }
}

/// `from=<a@b>, size=5360, nrcpt=1 (queue active)`, `removed`, `from=<>, status=expired, …`.
fn qmgr<'a>(record: &Record<'a>, id: &'a str, text: &'a str, out: &mut Out<'_>) -> Accounted {
    if text == "removed" {
        let body = email(record, EmailActivity::Removed, Status::Success, id);
        return out.event(record, Product::Postfix, Body::Email(body));
    }
    let mut body = email(record, EmailActivity::Other, Status::Unknown, id);
    let Some((from, rest)) = text.strip_prefix("from=").and_then(field::angle) else {
        body.detail = text;
        return out.event(record, Product::Postfix, Body::Email(body));
    };
    body.from = from;
    let sized = rest.strip_prefix(", size=").and_then(|rest| {
        let (size, rest) = field::number_prefix(rest)?;
        let (recipients, rest) = field::number_prefix(rest.strip_prefix(", nrcpt=")?)?;
        Some((size, recipients, rest))
    });
    if let Some((size, recipients, rest)) = sized {
        body.activity = EmailActivity::Queued;
        body.status = Status::Success;
        body.size = Some(size);
        body.recipients = u32::try_from(recipients).ok();
        body.detail = rest.trim_start();
    } else {
        body.detail = rest.strip_prefix(", ").unwrap_or(rest);
        if let Some(status) = body.detail.strip_prefix("status=") {
            body.outcome = status.split(',').next().unwrap_or_default();
            body.status = Status::Failure;
        }
    }
    out.event(record, Product::Postfix, Body::Email(body))
}

/// `uid=0 from=<root>`: a message submitted on the machine itself.
fn pickup<'a>(record: &Record<'a>, id: &'a str, text: &'a str, out: &mut Out<'_>) -> Accounted {
    let Some((uid, from)) = text.split_once(" from=") else {
        return out.unparsed(record, "Postfix pickup record of unknown form");
    };
    let mut body = email(record, EmailActivity::Accepted, Status::Success, id);
    body.from = field::angle(from).map_or(from, |(from, _)| from);
    body.detail = uid;
    out.event(record, Product::Postfix, Body::Email(body))
}

fn postsuper<'a>(record: &Record<'a>, id: &'a str, text: &'a str, out: &mut Out<'_>) -> Accounted {
    let removed = text.starts_with("removed") || text.starts_with("expired");
    let activity = if removed {
        EmailActivity::Removed
    } else {
        EmailActivity::Other
    };
    let mut body = email(record, activity, Status::Success, id);
    body.detail = text;
    out.event(record, Product::Postfix, Body::Email(body))
}

/// `sender non-delivery notification: NEWID`.
fn bounce<'a>(record: &Record<'a>, id: &'a str, text: &'a str, out: &mut Out<'_>) -> Accounted {
    let mut body = email(record, EmailActivity::Other, Status::Failure, id);
    match text.rsplit_once(": ") {
        Some((detail, next)) => (body.detail, body.next_queue_id) = (detail, next),
        None => body.detail = text,
    }
    out.event(record, Product::Postfix, Body::Email(body))
}

#[cfg(test)]
mod tests {
    use super::queue_id;

    #[test]
    fn queue_ids_are_told_from_words() {
        assert_eq!(queue_id("4104E3D: client=x"), Some(("4104E3D", "client=x")));
        assert_eq!(queue_id("NOQUEUE: reject: x"), Some(("", "reject: x")));
        assert_eq!(
            queue_id("4dQXyz1cLnz2xKp: removed"),
            Some(("4dQXyz1cLnz2xKp", "removed"))
        );
        for text in [
            "statistics: max",
            "warning: x",
            "Deleted: 115 messages",
            "ABC: x",
            "x",
            "",
        ] {
            assert_eq!(queue_id(text), None, "{text}");
        }
    }
}
