//! Exim's main and reject logs (4.x), written to files without host and tag, or to syslog.
//!
//! `[PID] ID FLAG ADDRESS KEY=VALUE…`; the keys are listed in the specification's chapter "Log
//! files". `H=NAME (HELO) [ADDRESS]:PORT`: the name is from DNS, the HELO name the client's, the
//! address Exim's.

mod parts;

use super::{Accounted, Out, Program, Record};
use crate::field;
use memchr::memmem::Finder;
use parts::{Peer, address, host, pair, until};
use std::net::IpAddr;
use std::sync::LazyLock;
use vauban_ocsf::{
    Body, Email, EmailActivity, Logon, Message, NetAction, Network, Product, Service, Severity,
    Status,
};

pub(super) const PROGRAM: Program = Program { claims, parse };

fn claims(record: &Record<'_>) -> bool {
    // Lines with neither host nor tag are Exim's: nothing else here writes such.
    record.program.starts_with("exim") || (record.tag.is_empty() && record.host.is_empty())
}

/// `1vSmXX-0001Ab-2C` (6-6-2 base 62), `1vSmXX-0000000001Ab-2CDe` since 4.97 (6-11-4).
pub(super) fn is_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (a, b) = match bytes.len() {
        16 => (6, 13),
        23 => (6, 18),
        _ => return false,
    };
    let (Some(&first), Some(&second)) = (bytes.get(a), bytes.get(b)) else {
        return false;
    };
    // Two dashes, and nothing else that is neither letter nor digit.
    let plain = |&&byte: &&u8| field::ALPHANUMERIC[usize::from(byte)];
    first == b'-' && second == b'-' && bytes.iter().filter(plain).count() == bytes.len() - 2
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let mut text = record.message;
    let mut record = *record;
    // In syslog the program's own stamp may follow.
    if text.as_bytes().get(4) == Some(&b'-')
        && text.as_bytes().get(19) == Some(&b' ')
        && text.as_bytes().get(13) == Some(&b':')
    {
        text = text.get(20..).unwrap_or_default();
    }
    if let Some((pid, rest)) = field::enclosed(text, "[", "] ")
        && let Some(pid) = field::number32(pid)
    {
        record.pid = Some(pid);
        text = rest;
    }
    // `+0100` after the time (`log_timezone`) ends up before the text.
    let id = text
        .get(..until(text, b' '))
        .filter(|id| is_id(id))
        .unwrap_or_default();
    if !id.is_empty() {
        text = text.get(id.len() + 1..).unwrap_or_default();
        return message(&record, id, text, out);
    }
    connection(&record, "", text, out)
}

fn email<'a>(activity: EmailActivity, status: Status, id: &'a str) -> Email<'a> {
    Email {
        activity,
        status,
        queue_id: id,
        agent: "exim",
        ..Email::default()
    }
}

/// A record of a message.
fn message<'a>(record: &Record<'_>, id: &'a str, text: &'a str, out: &mut Out<'_>) -> Accounted {
    let (flag, rest) = text.split_at_checked(3).unwrap_or((text, ""));
    match flag {
        "<= " => arrival(record, id, rest, out),
        "=> " | "-> " | ">> " | "*> " | "** " | "== " => delivery(record, id, flag, rest, out),
        _ if text == "Completed" || text.starts_with("Completed ") => {
            let body = email(EmailActivity::Removed, Status::Success, id);
            out.event(record, Product::Exim, Body::Email(body))
        }
        _ => connection(record, id, text, out),
    }
}

/// `<= SENDER H=… P=esmtpsa X=… A=plain:user S=1234 id=M@x T="Subject" for a@b c@d`.
fn arrival<'a>(record: &Record<'_>, id: &'a str, text: &'a str, out: &mut Out<'_>) -> Accounted {
    let mut body = email(EmailActivity::Accepted, Status::Success, id);
    let (from, rest) = address(text);
    body.from = if from == "<>" { "" } else { from };
    let peer = rest.strip_prefix("H=").map(host);
    let mut fields = rest;
    if let Some(peer) = &peer {
        peer.fill(&mut body);
        fields = peer.rest;
    }
    let mut tls = false;
    let mut user = "";
    while let Some((key, value, after)) = pair(fields) {
        match key {
            "A" => {
                let (method, name) = field::split_once(value, ":").unwrap_or((value, ""));
                body.sasl_method = method;
                // With a sender set the form is `A=plain:user:sender`.
                user = name;
                body.sasl_user = name;
            }
            "S" => body.size = field::number(value),
            "id" => body.message_id = value,
            "T" => body.subject = value,
            "U" if body.sasl_user.is_empty() => body.detail = value,
            "R" => body.next_queue_id = value,
            "X" => tls = true,
            _ => {}
        }
        fields = after;
    }
    if let Some(to) = fields.strip_prefix("for ") {
        body.to = to;
        let blanks = to.bytes().filter(|&b| b == b' ').count();
        body.recipients = u32::try_from(blanks + 1).ok();
    }
    if !user.is_empty() {
        let logon = Logon {
            service: Service::Smtp,
            status: Status::Success,
            user,
            src_ip: body.src_ip,
            src_port: body.src_port,
            src_host: body.src_host,
            method: body.sasl_method,
            session: id,
            tls: Some(tls),
            attempts: 1,
            ..Logon::default()
        };
        let _ = out.event(record, Product::Exim, Body::Logon(logon));
    }
    out.event(record, Product::Exim, Body::Email(body))
}

/// `=> RECIPIENT <ORIGINAL> F=<S> R=router T=transport H=… C="250 OK id=…"`, `** RECIPIENT R=… : why`.
fn delivery<'a>(
    record: &Record<'_>,
    id: &'a str,
    flag: &str,
    text: &'a str,
    out: &mut Out<'_>,
) -> Accounted {
    let (status, outcome) = match flag {
        "** " => (Status::Failure, "bounced"),
        "== " => (Status::Failure, "deferred"),
        "*> " => (Status::Unknown, "suppressed"),
        _ => (Status::Success, "sent"),
    };
    let mut body = email(EmailActivity::Delivered, status, id);
    body.outcome = outcome;
    let (to, mut fields) = address(text);
    body.to = field::unbracketed(to);
    if let Some((original, after)) = field::angle(fields) {
        body.orig_to = original;
        fields = after.trim_start();
    }
    loop {
        if let Some(rest) = fields.strip_prefix("H=") {
            let peer = host(rest);
            body.relay_host = peer.name;
            body.relay_ip = peer.ip;
            body.relay_port = peer.port;
            fields = peer.rest;
            continue;
        }
        let Some((key, value, after)) = pair(fields) else {
            break;
        };
        match key {
            "F" => body.from = field::unbracketed(value),
            "T" => body.agent = value,
            "C" => body.detail = value,
            "S" => body.size = field::number(value),
            _ => {}
        }
        fields = after;
    }
    if body.detail.is_empty() {
        body.detail = fields.strip_prefix(": ").unwrap_or(fields);
    }
    let next = field::rsplit_once(body.detail, "id=")
        .or_else(|| field::rsplit_once(body.detail, "queued as "));
    if let Some((_, next)) = next {
        let end = next.bytes().position(|b| matches!(b, b' ' | b'"' | b')'));
        body.next_queue_id = next.get(..end.unwrap_or(next.len())).unwrap_or_default();
    }
    out.event(record, Product::Exim, Body::Email(body))
}

/// Searches prepared once, for words that may stand anywhere.
static FAILED: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(" authenticator failed for "));
static REJECTED: LazyLock<Finder<'_>> =
    LazyLock::new(|| Finder::new(" rejected connection from H="));
static SMTP: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("SMTP connection from "));

/// Everything that names a peer and carries no arrival or delivery.
fn connection<'a>(record: &Record<'_>, id: &'a str, text: &'a str, out: &mut Out<'_>) -> Accounted {
    if let Some(at) = FAILED.find(text.as_bytes()) {
        return authentication(record, text, at, out);
    }
    if let Some(rest) = text.strip_prefix("H=") {
        return refused(record, id, host(rest), text, out);
    }
    if let Some((from, rest)) = text
        .strip_prefix("F=")
        .and_then(|t| field::split_once(t, " H="))
    {
        let mut body = email(EmailActivity::Rejected, Status::Failure, id);
        let peer = host(rest);
        peer.fill(&mut body);
        body.from = field::unbracketed(from);
        body.detail = peer.rest;
        return out.event(record, Product::Exim, Body::Email(body));
    }
    if text.starts_with("SMTP protocol ") || REJECTED.find(text.as_bytes()).is_some() {
        // The text quotes what the client sent; the last `H=` is Exim's.
        let peer = field::rsplit_once(text, " H=").map(|(_, rest)| host(rest));
        return notice(record, text, peer.and_then(|peer| peer.ip), out);
    }
    for key in [
        "SMTP connection from ",
        "SMTP call from ",
        "VRFY failed for ",
        "TLS error on connection from ",
    ] {
        if let Some(rest) = text
            .strip_prefix(key)
            .map(|t| t.strip_prefix("H=").unwrap_or(t))
        {
            let peer = host(rest);
            let quiet = key.starts_with("SMTP connection") && !text.contains("closed by DROP");
            return if quiet {
                flow(record, &peer, text, out)
            } else {
                notice(record, text, peer.ip, out)
            };
        }
    }
    if let Some(at) = SMTP.find(text.as_bytes()) {
        let rest = text.get(at + 21..).unwrap_or_default();
        let peer = host(rest.trim_end_matches(')'));
        return notice(record, text, peer.ip, out);
    }
    if let Some(rest) = text.strip_prefix("no host name found for IP address ") {
        return notice(record, text, field::ip_prefix(rest).map(|(ip, _)| ip), out);
    }
    if text.starts_with("SA: ")
        && let Some((_, rest)) = field::split_once(text, " (host=")
    {
        // sa-exim: `From <S> (host=NAME [IP]) for R`.
        let peer = host(rest);
        return notice(record, text, peer.ip, out);
    }
    let known = text.starts_with("Start queue run")
        || text.starts_with("End queue run")
        || text.starts_with("exim ")
        || text.starts_with("SIGHUP")
        || text.starts_with("Frozen")
        || text.starts_with("Unfrozen")
        || text.starts_with("Message is frozen")
        || text.starts_with("cwd=")
        || text.starts_with("daemon")
        || text.starts_with("Spool file")
        || text.starts_with("Warning: ")
        || text.starts_with("Retry time not yet reached");
    if known {
        return out.ignored(record);
    }
    if !id.is_empty() {
        let mut body = email(EmailActivity::Other, Status::Unknown, id);
        body.detail = text;
        return out.event(record, Product::Exim, Body::Email(body));
    }
    out.unparsed(record, "Exim message of unknown form")
}

/// `NAME authenticator failed for HOST (HELO) [IP]:PORT I=[…]:25: 535 … (set_id=USER)`.
fn authentication(record: &Record<'_>, text: &str, at: usize, out: &mut Out<'_>) -> Accounted {
    let peer = host(&text[at + 26..]);
    // The user name ends the record.
    let user = field::rsplit_once(peer.rest, "(set_id=").map_or("", |(_, user)| {
        user.strip_suffix(')')
            .or_else(|| user.split_once("): ").map(|u| u.0))
            .unwrap_or(user)
    });
    let logon = Logon {
        service: Service::Smtp,
        status: Status::Failure,
        user,
        src_ip: peer.ip,
        src_port: peer.port,
        src_host: peer.name,
        method: text[..at].rsplit(' ').next().unwrap_or_default(),
        attempts: 1,
        detail: peer.rest.trim_start_matches(": "),
        ..Logon::default()
    };
    out.event(record, Product::Exim, Body::Logon(logon))
}

/// `H=… F=<S> rejected RCPT <R>: why`, `H=… sender verify fail for <S>: why`.
fn refused<'a>(
    record: &Record<'_>,
    id: &'a str,
    peer: Peer<'a>,
    _text: &'a str,
    out: &mut Out<'_>,
) -> Accounted {
    let mut body = email(EmailActivity::Rejected, Status::Failure, id);
    peer.fill(&mut body);
    let mut fields = peer.rest;
    while let Some((key, value, after)) = pair(fields) {
        match key {
            "F" => body.from = field::unbracketed(value),
            "A" => body.sasl_user = value.split_once(':').map_or("", |(_, user)| user),
            _ => {}
        }
        fields = after;
    }
    body.detail = fields;
    if fields.starts_with("Warning: ") {
        body.activity = EmailActivity::Other;
        body.status = Status::Unknown;
    }
    if let Some((_, rest)) = field::split_once(fields, "rejected RCPT ") {
        body.to =
            field::angle(rest).map_or_else(|| rest.split(':').next().unwrap_or(""), |(a, _)| a);
    } else if let Some((_, rest)) = field::split_once(fields, "sender verify fail for ") {
        body.from = field::angle(rest).map_or("", |(a, _)| a);
    }
    out.event(record, Product::Exim, Body::Email(body))
}

fn notice(record: &Record<'_>, text: &str, src_ip: Option<IpAddr>, out: &mut Out<'_>) -> Accounted {
    let body = Message {
        severity: Severity::Warning,
        text,
        src_ip,
        user: "",
    };
    out.event(record, Product::Exim, Body::Message(body))
}

fn flow(record: &Record<'_>, peer: &Peer<'_>, text: &str, out: &mut Out<'_>) -> Accounted {
    let body = Network {
        protocol: 6,
        src_ip: peer.ip,
        src_port: peer.port,
        action: NetAction::Allowed,
        state: text,
        label: "exim",
        ..Network::default()
    };
    out.event(record, Product::Exim, Body::Network(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        assert!(is_id("1vSmXX-0001Ab-2C"));
        assert!(is_id("1vSmXX-0000000001A-2CDe"));
        assert!(!is_id("1vSmXX-0001Ab_2C"));
        assert!(!is_id("authenticator-xx"));
    }
}
