//! smtpd and cleanup: clients, log-ins, refusals, Message-IDs.

use super::tail;
use super::{email, notice};
use crate::field::{self, host_bracket, known_host};
use crate::syslog::{Accounted, Out, Record};
use std::net::IpAddr;
use vauban_ocsf::{
    Body, Email, EmailActivity, Logon, Message, NetAction, Network, Product, Service, Severity,
    Status,
};

/// A client as Postfix writes it: `NAME[ADDRESS]`, `NAME[ADDRESS]:PORT`, or `[ADDRESS]:PORT`.
pub(super) struct Client<'a> {
    pub host: &'a str,
    pub ip: Option<IpAddr>,
    pub port: Option<u16>,
    pub rest: &'a str,
}

pub(super) fn client(text: &str) -> Option<Client<'_>> {
    let (host, ip, mut rest) = host_bracket(text)?;
    let mut port = None;
    if let Some((number, after)) = rest.strip_prefix(':').and_then(field::number_prefix) {
        port = u16::try_from(number).ok();
        rest = after;
    }
    Some(Client {
        host: known_host(host),
        ip,
        port,
        rest,
    })
}

/// Records that carry a queue id or `NOQUEUE`.
pub(super) fn queued<'a>(
    record: &Record<'a>,
    id: &'a str,
    text: &'a str,
    out: &mut Out<'_>,
) -> Accounted {
    if let Some(rest) = text.strip_prefix("client=") {
        return accepted(record, id, rest, out);
    }
    if let Some((action, rest)) = parted(text)
        && let Some(accounted) = acted(record, id, action, rest, out)
    {
        return accounted;
    }
    if id.is_empty() {
        // `NOQUEUE: lost connection after CONNECT from …`: as without it.
        let record = Record {
            message: text,
            ..*record
        };
        return session(&record, out);
    }
    let mut body = email(record, EmailActivity::Other, Status::Unknown, id);
    body.detail = text;
    out.event(record, Product::Postfix, Body::Email(body))
}

/// What stands before and after the first `": "`, by the colon, which is rarer than the blank.
fn parted(text: &str) -> Option<(&str, &str)> {
    memchr::memchr_iter(b':', text.as_bytes()).find_map(|colon| {
        let after = text.get(colon + 1..)?.strip_prefix(' ')?;
        Some((text.get(..colon)?, after))
    })
}

/// `client=NAME[IP], sasl_method=PLAIN, sasl_username=user, sasl_sender=…, orig_queue_id=…,
/// orig_client=…` (smtpd.c, in this order).
fn accepted<'a>(record: &Record<'a>, id: &'a str, text: &'a str, out: &mut Out<'_>) -> Accounted {
    let Some(client) = client(text) else {
        return out.unparsed(record, "Postfix client of unknown form");
    };
    let mut body = email(record, EmailActivity::Accepted, Status::Success, id);
    body.src_host = client.host;
    body.src_ip = client.ip;
    body.src_port = client.port;
    let mut rest = client.rest;
    if let Some(after) = rest.strip_prefix(", sasl_method=") {
        (body.sasl_method, rest) = cut(after, &[", sasl_username=", ", sasl_sender="]);
    }
    if let Some(after) = rest.strip_prefix(", sasl_username=") {
        (body.sasl_user, rest) = cut(
            after,
            &[", sasl_sender=", ", orig_queue_id=", ", orig_client="],
        );
    }
    // Where a content filter hands the message back, `orig_client` has the true client.
    body.detail = rest.strip_prefix(", ").unwrap_or(rest);
    if body.sasl_user.is_empty() {
        return out.event(record, Product::Postfix, Body::Email(body));
    }
    let logon = Logon {
        service: Service::Smtp,
        status: Status::Success,
        user: body.sasl_user,
        src_ip: body.src_ip,
        src_port: body.src_port,
        src_host: body.src_host,
        method: body.sasl_method,
        session: id,
        attempts: 1,
        ..Logon::default()
    };
    let _ = out.event(record, Product::Postfix, Body::Logon(logon));
    out.event(record, Product::Postfix, Body::Email(body))
}

/// Up to the last of the keys that may follow; the value cannot be trusted not to contain one, but
/// whoever chose it had to log in with it.
fn cut<'a>(text: &'a str, keys: &[&str]) -> (&'a str, &'a str) {
    let end = keys
        .iter()
        .filter_map(|key| field::find(text, key))
        .min()
        .unwrap_or(text.len());
    text.split_at(end)
}

/// `reject: RCPT from NAME[IP]: 554 5.7.1 …; from=<> to=<> proto= helo=<>` and its relations.
fn acted<'a>(
    record: &Record<'a>,
    id: &'a str,
    action: &'a str,
    rest: &'a str,
    out: &mut Out<'_>,
) -> Option<Accounted> {
    let (activity, status) = match action {
        "reject" | "milter-reject" | "proxy-reject" => (EmailActivity::Rejected, Status::Failure),
        "discard" | "milter-discard" => (EmailActivity::Other, Status::Failure),
        "reject_warning" | "hold" | "filter" | "redirect" | "warn" | "info" | "prepend"
        | "delay" | "bcc" | "permit" | "client" | "proxy-accept" | "milter-hold" | "replace" => {
            (EmailActivity::Other, Status::Unknown)
        }
        _ => return None,
    };
    let mut body = email(record, activity, status, id);
    body.outcome = action;
    // `RCPT from NAME[IP]: `; the proxy filter's forms have no client: `END-OF-MESSAGE: …`.
    if let Some((_, after)) = field::split_once(rest, " from ")
        && let Some(client) = client(after)
    {
        body.src_host = client.host;
        body.src_ip = client.ip;
        body.src_port = client.port;
        reply(
            client.rest.strip_prefix(": ").unwrap_or(client.rest),
            &mut body,
        );
    } else {
        reply(rest, &mut body);
    }
    body.next_queue_id = super::delivery::next_id(body.detail);
    Some(out.event(record, Product::Postfix, Body::Email(body)))
}

/// Reply text and tail.
pub(super) fn reply<'a>(text: &'a str, body: &mut Email<'a>) {
    let (text, tail) = tail::split(text);
    body.detail = text;
    body.from = tail.from;
    body.to = tail.to;
    body.helo = tail.helo;
    body.sasl_user = tail.sasl_user;
    // `554 5.7.1 …`; cleanup's `5.7.1 …`.
    let mut words = text.splitn(3, ' ');
    let first = words.next().unwrap_or_default();
    let dsn = |word: &'a str| {
        let mut parts = word.split('.');
        let class = matches!(parts.next(), Some("2" | "4" | "5"));
        (class && word.matches('.').count() == 2).then_some(word)
    };
    body.dsn = dsn(first)
        .or_else(|| words.next().and_then(dsn))
        .unwrap_or_default();
}

/// cleanup: `message-id=<…>`, header and body checks, milter actions.
pub(super) fn cleanup<'a>(
    record: &Record<'a>,
    id: &'a str,
    text: &'a str,
    out: &mut Out<'_>,
) -> Accounted {
    if let Some(message_id) = text.strip_prefix("message-id=") {
        let mut body = email(record, EmailActivity::Identified, Status::Success, id);
        body.message_id = field::unbracketed(message_id);
        return out.event(record, Product::Postfix, Body::Email(body));
    }
    if text.starts_with("resent-message-id=") {
        return out.ignored(record);
    }
    let Some((action, rest)) = text.split_once(": ") else {
        return out.unparsed(record, "Postfix cleanup record of unknown form");
    };
    let (before, tail) = tail::split(rest);
    let mut body = email(record, EmailActivity::Other, Status::Unknown, id);
    body.outcome = action;
    body.from = tail.from;
    body.to = tail.to;
    body.helo = tail.helo;
    if action.ends_with("reject") {
        (body.activity, body.status) = (EmailActivity::Rejected, Status::Failure);
    } else if action.ends_with("discard") {
        body.status = Status::Failure;
    }
    // `header Subject: TEXT from NAME[IP]`: the text is the sender's, so the client is the last.
    // `END-OF-MESSAGE from NAME[IP]: 5.7.1 …`: here the client stands first.
    let header = before.starts_with("header ") || before.starts_with("body ");
    let place = if header {
        before.rfind(" from ")
    } else {
        before.find(" from ")
    };
    body.detail = before;
    if let Some(place) = place
        && let Some(client) = before.get(place + 6..).and_then(client)
    {
        body.src_host = client.host;
        body.src_ip = client.ip;
        if !header && let Some(text) = client.rest.strip_prefix(": ") {
            body.detail = text;
            body.dsn = text
                .split(' ')
                .next()
                .filter(|w| w.matches('.').count() == 2)
                .unwrap_or("");
        }
    }
    if header {
        body.detail = place
            .and_then(|place| before.get(..place))
            .unwrap_or(before);
        body.subject = body
            .detail
            .strip_prefix("header Subject: ")
            .unwrap_or_default();
    }
    out.event(record, Product::Postfix, Body::Email(body))
}

/// Records of a connection, without queue id.
pub(super) fn session(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let message = record.message;
    if let Some(rest) = message.strip_prefix("connect from ") {
        return connection(record, "connect", rest, out);
    }
    if let Some(rest) = message.strip_prefix("disconnect from ") {
        // `NAME[IP] ehlo=1 auth=0/1 quit=1 commands=2/3`: done/tried.
        return connection(record, "", rest, out);
    }
    let broken = message.starts_with("lost connection after ")
        || message.starts_with("timeout after ")
        || message.starts_with("SSL_accept error ");
    let odd = message.starts_with("too many errors after ")
        || message.starts_with("improper command pipelining after ")
        || message.starts_with("bare <LF> received after ")
        || message.starts_with("abort: ");
    if broken || odd {
        // The command name is the daemon's own; what a client sent stands after the address.
        let Some(client) = message
            .find(" from ")
            .and_then(|at| client(&message[at + 6..]))
        else {
            return out.unparsed(record, "Postfix session record without client");
        };
        if broken {
            return connection_of(record, message, client, out);
        }
        let body = Message {
            severity: Severity::Warning,
            text: message,
            src_ip: client.ip,
            user: "",
        };
        return out.event(record, Product::Postfix, Body::Message(body));
    }
    if let Some((_, rest)) = field::split_once(message, "TLS connection established from ")
        && let Some(client) = client(rest)
    {
        return connection_of(record, message, client, out);
    }
    // The before-queue proxy filter's records have no queue id.
    if message.starts_with("proxy-")
        && let Some((action, rest)) = message.split_once(": ")
        && let Some(accounted) = acted(record, "", action, rest, out)
    {
        return accounted;
    }
    let known = message.contains("TLS connection established")
        || message.contains("TLS connection reused")
        || message.starts_with("discarding EHLO keywords")
        || message.starts_with("setting up TLS connection")
        || message.starts_with("SSL_accept:")
        || message.starts_with("initializing the server-side TLS")
        || message.starts_with("table ")
        || message.starts_with("statistics:");
    if known {
        out.ignored(record)
    } else {
        out.unparsed(record, "Postfix message of unknown form")
    }
}

fn connection(record: &Record<'_>, state: &str, text: &str, out: &mut Out<'_>) -> Accounted {
    let Some(client) = client(text) else {
        return out.unparsed(record, "Postfix client of unknown form");
    };
    let state = if state.is_empty() {
        client.rest.trim_start()
    } else {
        state
    };
    connection_of(
        record,
        if state.is_empty() {
            "disconnect"
        } else {
            state
        },
        client,
        out,
    )
}

fn connection_of(
    record: &Record<'_>,
    state: &str,
    client: Client<'_>,
    out: &mut Out<'_>,
) -> Accounted {
    let body = Network {
        protocol: 6,
        src_ip: client.ip,
        src_port: client.port,
        action: NetAction::Allowed,
        state,
        label: record.tag,
        ..Network::default()
    };
    out.event(record, Product::Postfix, Body::Network(body))
}

/// Records that begin with `warning: ` and the like.
pub(super) fn warning(
    record: &Record<'_>,
    severity: Severity,
    text: &str,
    out: &mut Out<'_>,
) -> Accounted {
    // `NAME[IP]: SASL LOGIN authentication failed: REASON, sasl_username=USER`
    if let Some(client) = client(text) {
        if let Some(rest) = client.rest.strip_prefix(": SASL ") {
            return sasl_failure(record, &client, rest, out);
        }
        let body = Message {
            severity,
            text,
            src_ip: client.ip,
            user: "",
        };
        return out.event(record, Product::Postfix, Body::Message(body));
    }
    // `hostname X does not resolve to address IP: why`
    let src_ip = if let Some(rest) = text.strip_prefix("hostname ") {
        rest.split_once(" to address ")
            .and_then(|(_, a)| field::ip_prefix(a))
            .map(|(ip, _)| ip)
    } else if let Some(rest) = text.strip_prefix("non-SMTP command from ") {
        client(rest).and_then(|client| client.ip)
    } else {
        // `Connection rate limit exceeded: 31 from NAME[IP] for service smtpd`
        text.find(" from ")
            .and_then(|at| client(&text[at + 6..]))
            .and_then(|client| client.ip)
    };
    if src_ip.is_none() {
        return notice(record, severity, text, out);
    }
    let body = Message {
        severity,
        text,
        src_ip,
        user: "",
    };
    out.event(record, Product::Postfix, Body::Message(body))
}

fn sasl_failure(
    record: &Record<'_>,
    client: &Client<'_>,
    rest: &str,
    out: &mut Out<'_>,
) -> Accounted {
    let (method, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    // The reason comes from the authentication server; the user name is last.
    let (detail, user) = rest.split_once(", sasl_username=").unwrap_or((rest, ""));
    let detail = detail
        .strip_prefix("authentication failed:")
        .unwrap_or(detail)
        .trim_start();
    // The authentication server was away: nothing was tried.
    let away = detail.starts_with("Connection lost to authentication server");
    let logon = Logon {
        service: Service::Smtp,
        status: if away {
            Status::Unknown
        } else {
            Status::Failure
        },
        user,
        src_ip: client.ip,
        src_port: client.port,
        src_host: client.host,
        method,
        attempts: 1,
        detail,
        ..Logon::default()
    };
    out.event(record, Product::Postfix, Body::Logon(logon))
}
