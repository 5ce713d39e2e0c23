//! Delivery attempts (smtp, lmtp, local, virtual, pipe, error, discard, relay …) and what the SMTP
//! client says about servers.
//!
//! `QUEUEID: to=<T>, orig_to=<O>, relay=HOST[IP]:PORT, delay=…, delays=a/b/c/d, dsn=2.0.0,
//! status=sent (TEXT)` (log_adhoc.c). The recipient is the sender's choice and TEXT the remote
//! server's, so fields are read in order between the two.

use super::email;
use super::smtpd::client;
use crate::field::{self, known_host};
use crate::syslog::{Accounted, Out, Record};
use vauban_ocsf::{Body, EmailActivity, Product, Status};

pub(super) fn parse<'a>(
    record: &Record<'a>,
    id: &'a str,
    text: &'a str,
    out: &mut Out<'_>,
) -> Accounted {
    let mut body = email(record, EmailActivity::Delivered, Status::Unknown, id);
    let Some(rest) = text.strip_prefix("to=") else {
        return remote(record, id, text, out);
    };
    let (to, mut rest) = recipient(rest);
    body.to = to;
    if let Some(after) = rest.strip_prefix(", orig_to=") {
        (body.orig_to, rest) = recipient(after);
    }
    let Some(after) = rest.strip_prefix(", relay=") else {
        return out.unparsed(record, "Postfix delivery of unknown form");
    };
    let (relay, mut rest) = after.split_at(field::piece_end(after));
    // `none`, an agent's name, `HOST[IP]:PORT`, `HOST[private/socket]`.
    match client(relay) {
        Some(client) => {
            body.relay_host = client.host;
            body.relay_ip = client.ip;
            body.relay_port = client.port;
        }
        None if relay != "none" => body.relay_host = known_host(relay),
        None => {}
    }
    while let Some(field) = rest.strip_prefix(", ") {
        if let Some(status) = field.strip_prefix("status=") {
            let end = field::near(status.as_bytes(), b' ').unwrap_or(status.len());
            let (outcome, detail) = status.split_at(end);
            body.outcome = outcome;
            let detail = detail.trim_start();
            body.detail = detail
                .strip_prefix('(')
                .and_then(|d| d.strip_suffix(')'))
                .unwrap_or(detail);
            break;
        }
        let (one, after) = field.split_at(field::piece_end(field));
        if let Some(dsn) = one.strip_prefix("dsn=") {
            body.dsn = dsn;
        }
        rest = after;
    }
    body.status = match body.outcome {
        "sent" | "deliverable" => Status::Success,
        "" => Status::Unknown,
        _ => Status::Failure,
    };
    if body.outcome.is_empty() {
        return out.unparsed(record, "Postfix delivery without status");
    }
    body.next_queue_id = next_id(body.detail);
    out.event(record, Product::Postfix, Body::Email(body))
}

/// `<address>` or, from old versions of local(8), a bare one.
fn recipient(text: &str) -> (&str, &str) {
    match field::angle(text) {
        Some(split) => split,
        None => text.split_at(field::piece_end(text)),
    }
}

/// The queue id the next hop gave: `250 2.0.0 Ok: queued as F12DF84004`, Postfix's own
/// `forwarded as`, Exim's `OK id=1vSmXX-0001Ab-2C`.
pub(super) fn next_id(detail: &str) -> &str {
    // One look for what all have; most texts have none.
    let (mut queued, mut forwarded, mut ok) = (None, None, None);
    for end in memchr::memchr2_iter(b's', b'=', detail.as_bytes()) {
        let (before, after) = detail.split_at_checked(end + 1).unwrap_or((detail, ""));
        if before.ends_with('=') {
            if before.ends_with("OK id=") {
                ok = Some(after);
            }
        } else if let Some(after) = after.strip_prefix(' ')
            && let Some(before) = before.strip_suffix("ed as")
        {
            if before.ends_with("queu") {
                queued = Some(after);
            } else if before.ends_with("forward") {
                forwarded = Some(after);
            }
        }
    }
    let Some(rest) = queued.or(forwarded).or(ok) else {
        return "";
    };
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .unwrap_or(rest.len());
    &rest[..end]
}

/// `host X[ip] said: 450 …`, `lost connection with X[ip] while …`, other notes with a queue id.
fn remote<'a>(record: &Record<'a>, id: &'a str, text: &'a str, out: &mut Out<'_>) -> Accounted {
    let mut body = email(record, EmailActivity::Other, Status::Unknown, id);
    body.detail = text;
    for (start, status) in [
        ("host ", Status::Failure),
        ("lost connection with ", Status::Failure),
        ("conversation with ", Status::Failure),
        ("SASL authentication failed; server ", Status::Failure),
        ("enabling PIX workarounds: ", Status::Unknown),
    ] {
        if let Some(rest) = text.strip_prefix(start) {
            body.status = status;
            let rest = rest
                .split_once(" for ")
                .filter(|_| start.starts_with('e'))
                .map_or(rest, |r| r.1);
            if let Some(client) = client(rest) {
                body.relay_host = client.host;
                body.relay_ip = client.ip;
                body.relay_port = client.port;
            }
            break;
        }
    }
    out.event(record, Product::Postfix, Body::Email(body))
}

/// The SMTP client without a queue id: `connect to X[ip]:25: why`, TLS notes.
pub(super) fn session(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let message = record.message;
    let mut body = email(record, EmailActivity::Other, Status::Failure, "");
    body.detail = message;
    let rest = message
        .strip_prefix("connect to ")
        .or_else(|| message.strip_prefix("SSL_connect error to "))
        .or_else(|| message.strip_prefix("certificate verification failed for "));
    if let Some(client) = rest.and_then(client) {
        body.relay_host = client.host;
        body.relay_ip = client.ip;
        body.relay_port = client.port;
        return out.event(record, Product::Postfix, Body::Email(body));
    }
    let known = message.contains("TLS connection established to ")
        || message.contains("TLS connection reused to ")
        || message.starts_with("setting up TLS connection")
        || message.starts_with("statistics:")
        || message.starts_with("SSL_connect:")
        || message.starts_with("server certificate verification failed");
    if known {
        out.ignored(record)
    } else {
        out.unparsed(record, "Postfix message of unknown form")
    }
}
