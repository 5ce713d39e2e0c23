//! Exim's main and reject logs (4.x), written to files without host and tag, or to syslog.
//!
//! `[PID] ID FLAG ADDRESS KEY=VALUE…`; the keys are listed in the specification's chapter "Log
//! files". `H=NAME (HELO) [ADDRESS]:PORT`: the name is from DNS, the HELO name the client's, the
//! address Exim's.

use super::{Accounted, Out, Program, Record};
use crate::field::{self, known_host};
use std::net::IpAddr;
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
    bytes.iter().enumerate().all(|(at, byte)| {
        if at == a || at == b {
            *byte == b'-'
        } else {
            byte.is_ascii_alphanumeric()
        }
    })
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
        .split(' ')
        .next()
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
                let (method, name) = value.split_once(':').unwrap_or((value, ""));
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
        body.recipients = u32::try_from(to.split(' ').count()).ok();
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
    if let Some((_, next)) = body.detail.rsplit_once("id=") {
        body.next_queue_id = next.split([' ', '"', ')']).next().unwrap_or_default();
    } else if let Some((_, next)) = body.detail.rsplit_once("queued as ") {
        body.next_queue_id = next.split([' ', '"', ')']).next().unwrap_or_default();
    }
    out.event(record, Product::Exim, Body::Email(body))
}

/// Everything that names a peer and carries no arrival or delivery.
fn connection<'a>(record: &Record<'_>, id: &'a str, text: &'a str, out: &mut Out<'_>) -> Accounted {
    if let Some(at) = text.find(" authenticator failed for ") {
        return authentication(record, text, at, out);
    }
    if let Some(rest) = text.strip_prefix("H=") {
        return refused(record, id, host(rest), text, out);
    }
    if let Some((from, rest)) = text.strip_prefix("F=").and_then(|t| t.split_once(" H=")) {
        let mut body = email(EmailActivity::Rejected, Status::Failure, id);
        let peer = host(rest);
        peer.fill(&mut body);
        body.from = field::unbracketed(from);
        body.detail = peer.rest;
        return out.event(record, Product::Exim, Body::Email(body));
    }
    if text.starts_with("SMTP protocol ") || text.contains(" rejected connection from H=") {
        // The text quotes what the client sent; the last `H=` is Exim's.
        let peer = text.rfind(" H=").map(|at| host(&text[at + 3..]));
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
    if let Some((_, rest)) = text.split_once("SMTP connection from ") {
        let peer = host(rest.trim_end_matches(')'));
        return notice(record, text, peer.ip, out);
    }
    if let Some(rest) = text.strip_prefix("no host name found for IP address ") {
        return notice(record, text, field::ip_prefix(rest).map(|(ip, _)| ip), out);
    }
    if let Some((_, rest)) = text.split_once(" (host=")
        && text.starts_with("SA: ")
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
    let user = peer.rest.rsplit_once("(set_id=").map_or("", |(_, user)| {
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
    if let Some((_, rest)) = fields.split_once("rejected RCPT ") {
        body.to =
            field::angle(rest).map_or_else(|| rest.split(':').next().unwrap_or(""), |(a, _)| a);
    } else if let Some((_, rest)) = fields.split_once("sender verify fail for ") {
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

/// The other end of a connection.
#[derive(Default)]
struct Peer<'a> {
    name: &'a str,
    helo: &'a str,
    ip: Option<IpAddr>,
    port: Option<u16>,
    rest: &'a str,
}

impl<'a> Peer<'a> {
    fn fill(&self, body: &mut Email<'a>) {
        body.src_host = self.name;
        body.helo = self.helo;
        body.src_ip = self.ip;
        body.src_port = self.port;
    }
}

/// `NAME (HELO) [ADDRESS]:PORT`, each part but the address optional.
///
/// A HELO name may hold anything if `helo_accept_junk_hosts` allows it, `) [192.0.2.1]` included:
/// of several candidates the last before the record's own text counts.
fn host(text: &str) -> Peer<'_> {
    let mut peer = Peer {
        rest: text,
        ..Peer::default()
    };
    let mut at = 0;
    if !text.starts_with('(') && !text.starts_with('[') {
        let end = text.find(' ').unwrap_or(text.len());
        peer.name = known_host(text.get(..end).unwrap_or_default());
        at = (end + 1).min(text.len());
    }
    let rest = text.get(at..).unwrap_or_default();
    if !rest.starts_with('(') {
        if let Some((ip, port, after)) = bracketed(rest) {
            (peer.ip, peer.port, peer.rest) = (Some(ip), port, after.trim_start());
        } else {
            peer.rest = rest;
        }
        return peer;
    }
    // The HELO name cannot reach beyond these: they are what Exim writes next.
    let limit = [
        " F=<",
        " rejected ",
        " sender verify ",
        " T=\"",
        " temporarily ",
        ": 535 ",
        " for ",
    ]
    .iter()
    .filter_map(|key| rest.find(key))
    .min()
    .unwrap_or(rest.len());
    let mut from = 0;
    while let Some(close) = rest
        .get(from..limit)
        .and_then(|t| t.find(") ["))
        .map(|c| from + c)
    {
        if let Some((ip, port, after)) = bracketed(rest.get(close + 2..).unwrap_or_default())
            && matches!(after.as_bytes().first(), None | Some(b' ' | b':' | b')'))
        {
            peer.helo = rest.get(1..close).unwrap_or_default();
            (peer.ip, peer.port, peer.rest) = (Some(ip), port, after.trim_start());
        }
        from = close + 1;
    }
    peer
}

/// `[ADDRESS]:PORT` or `[ADDRESS]`.
fn bracketed(text: &str) -> Option<(IpAddr, Option<u16>, &str)> {
    let (ip, rest) = field::enclosed(text, "[", "]")?;
    let ip = field::ip(ip)?;
    if let Some((port, after)) = rest.strip_prefix(':').and_then(field::number_prefix) {
        return Some((ip, u16::try_from(port).ok(), after));
    }
    Some((ip, None, rest))
}

/// An address up to a blank, quoted local part respected.
fn address(text: &str) -> (&str, &str) {
    let mut at = 0;
    let bytes = text.as_bytes();
    if bytes.first() == Some(&b'"') {
        at = 1;
        while let Some(&byte) = bytes.get(at) {
            at += match byte {
                b'\\' => 2,
                b'"' => break,
                _ => 1,
            };
        }
        if at >= bytes.len() {
            at = 0;
        }
    }
    let end = text
        .get(at..)
        .and_then(|t| t.find(' '))
        .map_or(text.len(), |end| at + end);
    (
        text.get(..end).unwrap_or_default(),
        text.get(end + 1..).unwrap_or_default(),
    )
}

/// `KEY=VALUE ` or `KEY="quoted \" value" `.
fn pair(text: &str) -> Option<(&str, &str, &str)> {
    let equals = text.find('=')?;
    let key = text.get(..equals)?;
    if key.is_empty() || key.len() > 12 || !key.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let value = text.get(equals + 1..)?;
    if let Some(quoted) = value.strip_prefix('"') {
        let bytes = quoted.as_bytes();
        let mut at = 0;
        loop {
            match bytes.get(at)? {
                b'\\' => at += 2,
                b'"' => break,
                _ => at += 1,
            }
        }
        let rest = quoted.get(at + 1..)?;
        return Some((
            key,
            quoted.get(..at)?,
            rest.strip_prefix(' ').unwrap_or(rest),
        ));
    }
    let end = value.find(' ').unwrap_or(value.len());
    Some((
        key,
        value.get(..end)?,
        value.get(end + 1..).unwrap_or_default(),
    ))
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

    #[test]
    fn hosts() {
        for (text, name, helo, ip, port) in [
            (
                "a.example (b) [192.0.2.1]:25 I=[198.51.100.1]:25",
                "a.example",
                "b",
                "192.0.2.1",
                Some(25),
            ),
            ("(b) [192.0.2.1] F=<x>", "", "b", "192.0.2.1", None),
            ("[192.0.2.1]:9", "", "", "192.0.2.1", Some(9)),
            (
                "([198.51.100.7]) [192.0.2.1]:9: 535 x",
                "",
                "[198.51.100.7]",
                "192.0.2.1",
                Some(9),
            ),
            // A HELO name shaped like the fields that follow it.
            (
                "(x) [198.51.100.9]:1 I=[y) [192.0.2.1]:9: 535 x",
                "",
                "x) [198.51.100.9]:1 I=[y",
                "192.0.2.1",
                Some(9),
            ),
        ] {
            let peer = host(text);
            assert_eq!(
                (peer.name, peer.helo, peer.ip, peer.port),
                (name, helo, field::ip(ip), port),
                "{text}"
            );
        }
    }
}
