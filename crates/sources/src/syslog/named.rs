//! BIND's queries and refusals, in syslog and in its own files.
//!
//! `client [@0x7f…] ADDRESS#PORT [(NAME)]: [view V: ]MESSAGE` (`lib/ns/client.c`,
//! `ns_client_logv`), where the message is `query: NAME CLASS TYPE FLAGS (ADDRESS)` (`query.c`,
//! `log_query`), `query [(cache)] 'NAME/TYPE/CLASS' denied`, `zone transfer '…' denied`,
//! `bad zone transfer request: …`, `update '…' denied` or `rpz QNAME POLICY rewrite … via …`. The
//! client's address stands before anything the client chose; names are written with their special
//! characters escaped.

use super::{Accounted, Out, Program, Record};
use crate::field;
use std::net::IpAddr;
use vauban_ocsf::{Body, Dns, NetAction, Product};

pub(super) const PROGRAM: Program = Program { claims, parse };

fn claims(record: &Record<'_>) -> bool {
    // Without host a category may stand where the tag would.
    record.program == "named"
        || (record.host.is_empty()
            && matches!(
                record.program,
                "queries" | "security" | "update-security" | "rpz" | "query-errors" | "xfer-out"
            ))
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    match dns(record.message) {
        Some(dns) => out.event(record, Product::Bind, Body::Dns(dns)),
        None => out.ignored(record),
    }
}

/// Reads a message with any stamp, category and severity before it.
pub(crate) fn dns(message: &str) -> Option<Dns<'_>> {
    let mut text = message;
    // `19-Oct-2022 05:34:02.425 `, `queries: info: `: no word of these is `client`.
    for _ in 0..5 {
        if text.starts_with("client ") {
            break;
        }
        text = text.split_once(' ')?.1;
    }
    let text = text.strip_prefix("client ")?;
    let text = match text.strip_prefix('@') {
        Some(pointer) => pointer.split_once(' ')?.1,
        None => text,
    };
    let (address, rest) = text.split_once('#')?;
    let src_ip: IpAddr = field::ip(address)?;
    let (port, rest) = field::number_prefix(rest)?;
    // `/key NAME`, ` (NAME)`.
    let rest = match rest.strip_prefix(" (") {
        Some(name) => name.split_once("): ")?.1,
        None => rest.split_once(": ")?.1,
    };
    let rest = match rest.strip_prefix("view ") {
        Some(view) => view.split_once(": ")?.1,
        None => rest,
    };
    let mut dns = Dns {
        src_ip: Some(src_ip),
        src_port: u16::try_from(port).ok(),
        action: NetAction::Blocked,
        detail: rest,
        ..Dns::default()
    };
    if let Some(query) = rest.strip_prefix("query: ") {
        let mut words = query.split(' ');
        dns.query = words.next()?.trim_end_matches('.');
        dns.query_class = words.next()?;
        dns.query_type = words.next()?;
        let flags = words.next().unwrap_or_default();
        dns.dst_ip = words
            .next()
            .and_then(|own| field::ip(own.trim_matches(['(', ')'])));
        dns.protocol = if flags.contains('T') { 6 } else { 17 };
        dns.action = NetAction::Allowed;
        dns.detail = flags;
        return Some(dns);
    }
    if let Some(rewrite) = rest.strip_prefix("rpz ") {
        // `QNAME NXDOMAIN rewrite NAME/TYPE/CLASS via …`.
        let (_, rewritten) = rewrite.split_once(" rewrite ")?;
        let name = rewritten.split(' ').next()?;
        split_name(name, &mut dns);
        return Some(dns);
    }
    let refused = rest.contains(" denied") || rest.starts_with("bad zone transfer request");
    if !refused {
        return None;
    }
    if let Some((_, quoted)) = rest.split_once('\'')
        && let Some((name, _)) = quoted.split_once('\'')
    {
        split_name(name, &mut dns);
    }
    if rest.starts_with("zone transfer") || rest.starts_with("bad zone transfer") {
        dns.protocol = 6;
        if dns.query_type.is_empty() {
            dns.query_type = "AXFR";
        }
    }
    Some(dns)
}

/// `NAME/TYPE/CLASS`, `NAME/CLASS`.
fn split_name<'a>(text: &'a str, dns: &mut Dns<'a>) {
    let mut parts = text.rsplit('/');
    dns.query_class = parts.next().unwrap_or_default();
    let rest = text
        .get(..text.len().saturating_sub(dns.query_class.len() + 1))
        .unwrap_or_default();
    (dns.query, dns.query_type) = rest.rsplit_once('/').unwrap_or((rest, ""));
    dns.query = dns.query.trim_end_matches('.');
}
