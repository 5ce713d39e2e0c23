//! postscreen: what happened before a client reached smtpd. Clients are `[ADDRESS]:PORT`.

use super::email;
use super::smtpd::{client, reply};
use crate::syslog::{Accounted, Out, Record};
use vauban_ocsf::{Body, EmailActivity, NetAction, Network, Product, Status};

/// `NOQUEUE: reject: RCPT from [IP]:PORT: 550 5.7.1 …; from=<>, to=<>, proto=, helo=<>`.
pub(super) fn queued<'a>(
    record: &Record<'a>,
    id: &'a str,
    text: &'a str,
    out: &mut Out<'_>,
) -> Accounted {
    let Some((_, after)) = text.split_once(" from ") else {
        return out.unparsed(record, "postscreen record of unknown form");
    };
    let Some(client) = client(after) else {
        return out.unparsed(record, "postscreen record without client");
    };
    let mut body = email(record, EmailActivity::Rejected, Status::Failure, id);
    body.outcome = "reject";
    body.src_ip = client.ip;
    body.src_port = client.port;
    reply(
        client.rest.strip_prefix(": ").unwrap_or(client.rest),
        &mut body,
    );
    out.event(record, Product::Postfix, Body::Email(body))
}

/// `CONNECT from [IP]:PORT to [IP]:25`, `PASS NEW [IP]:PORT`, `PREGREET 14 after 0.08 from …`.
pub(super) fn session(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let message = record.message;
    if message.starts_with("cache ") || message.starts_with("statistics:") {
        return out.ignored(record);
    }
    // Nothing before the first bracket is the client's.
    let Some(open) = message.find('[') else {
        return out.unparsed(record, "postscreen record without client");
    };
    let (before, from) = message.split_at(open);
    let Some(from) = client(from) else {
        return out.unparsed(record, "postscreen record without client");
    };
    let to = from.rest.strip_prefix(" to ").and_then(client);
    let refused = ["BLACKLISTED", "DENYLISTED", "PREGREET", "HANGUP", "DNSBL"];
    let body = Network {
        protocol: 6,
        src_ip: from.ip,
        src_port: from.port,
        dst_ip: to.as_ref().and_then(|to| to.ip),
        dst_port: to.as_ref().and_then(|to| to.port),
        action: if refused.iter().any(|word| before.starts_with(word)) {
            NetAction::Unknown
        } else {
            NetAction::Allowed
        },
        state: before
            .trim_end()
            .trim_end_matches(" from")
            .trim_end_matches(" for"),
        label: record.tag,
        ..Network::default()
    };
    out.event(record, Product::Postfix, Body::Network(body))
}
