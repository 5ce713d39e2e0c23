//! dnsmasq with `log-queries`: `query[TYPE] NAME from ADDRESS`, `reply NAME is ANSWER`,
//! `cached NAME is ANSWER`, `config NAME is ANSWER`; with `log-queries=extra`
//! `NUMBER ADDRESS/PORT ` stands before (`src/cache.c`, `log_query`).

use super::{Accounted, Out, Program, Record};
use crate::field;
use vauban_ocsf::{Body, Dns, DnsActivity, NetAction, Product};

pub(super) const PROGRAM: Program = Program { claims, parse };

fn claims(record: &Record<'_>) -> bool {
    record.program == "dnsmasq"
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    match dns(record.message) {
        Some(dns) => out.event(record, Product::Dnsmasq, Body::Dns(dns)),
        None => out.ignored(record),
    }
}

fn dns(message: &str) -> Option<Dns<'_>> {
    let mut dns = Dns {
        action: NetAction::Allowed,
        ..Dns::default()
    };
    let mut text = message;
    if let Some((_, rest)) = field::number_prefix(text)
        && let Some((client, rest)) = rest.trim_start_matches(' ').split_once(' ')
        && let Some((address, port)) = client.rsplit_once('/')
    {
        dns.src_ip = field::ip(address);
        dns.src_port = field::port(port);
        text = rest;
    }
    if let Some(query) = text.strip_prefix("query[") {
        let (kind, rest) = query.split_once("] ")?;
        // The name is the client's; the address is dnsmasq's and last.
        let (name, from) = rest.rsplit_once(" from ")?;
        (dns.query, dns.query_type) = (name, kind);
        dns.src_ip = Some(field::ip(from)?);
        return Some(dns);
    }
    let (kind, rest) = text.split_once(' ')?;
    // A file's name: `/etc/hosts NAME is ADDRESS`.
    if !(matches!(kind, "reply" | "cached" | "config") || kind.starts_with('/')) {
        return None;
    }
    let (name, answer) = rest.rsplit_once(" is ")?;
    dns.activity = DnsActivity::Response;
    dns.query = name;
    match answer {
        "NXDOMAIN" | "SERVFAIL" | "REFUSED" => dns.rcode = answer,
        "NODATA" | "NODATA-IPv4" | "NODATA-IPv6" => dns.rcode = "NOERROR",
        answer => dns.answers = answer,
    }
    let nowhere = matches!(answer, "NXDOMAIN" | "REFUSED" | "0.0.0.0" | "::");
    if nowhere && (kind == "config" || kind.starts_with('/')) {
        dns.action = NetAction::Blocked;
    }
    dns.detail = kind;
    Some(dns)
}
