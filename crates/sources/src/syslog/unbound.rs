//! Unbound's queries and replies (`log-queries`, `log-replies`, `log-local-actions`, response
//! policy zones), in syslog and in its own file.
//!
//! `[PID:THREAD] LEVEL: ADDRESS NAME TYPE CLASS [RCODE SECONDS CACHED OCTETS]`
//! (`util/net_help.c`, `log_query_in` and `log_reply_info`), where the level is `info`, or `query`
//! and `reply` with `log-tag-queryreply`. Names are written with their special characters
//! escaped, so they hold no blanks.

use super::{Accounted, Out, Program, Record};
use crate::field;
use vauban_ocsf::{Body, Dns, DnsActivity, NetAction, Product};

pub(super) const PROGRAM: Program = Program { claims, parse };

fn claims(record: &Record<'_>) -> bool {
    record.program == "unbound"
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    match dns(record.message) {
        Some(dns) => out.event(record, Product::Unbound, Body::Dns(dns)),
        None => out.ignored(record),
    }
}

/// Reads a message, `[PID:THREAD] ` before it or not.
pub(crate) fn dns(message: &str) -> Option<Dns<'_>> {
    let text = match field::enclosed(message, "[", "] ") {
        Some((_, rest)) => rest,
        None => message,
    };
    let (level, text) = text.split_once(": ")?;
    if !matches!(level, "info" | "query" | "reply") {
        return None;
    }
    let words: Vec<&str> = text.split(' ').take(12).collect();
    // `rpz: applied [ZONE] NAME POLICY ADDRESS@PORT NAME TYPE CLASS`, and without the first words
    // for local data: what the policy did to whom.
    if let Some(at) = words.iter().position(|word| word.contains('@'))
        && let Some((address, port)) = words.get(at)?.split_once('@')
        && let Some(ip) = field::ip(address)
    {
        let action = *words.get(at.checked_sub(1)?)?;
        let allowed = matches!(
            action,
            "transparent" | "typetransparent" | "static_transparent"
        ) || action.ends_with("passthru");
        return Some(Dns {
            query: words.get(at + 1)?.trim_end_matches('.'),
            query_type: words.get(at + 2)?,
            query_class: words.get(at + 3)?,
            src_ip: Some(ip),
            src_port: field::port(port),
            action: if allowed {
                NetAction::Allowed
            } else {
                NetAction::Blocked
            },
            detail: text,
            ..Dns::default()
        });
    }
    let mut dns = Dns {
        src_ip: Some(field::ip(words.first()?)?),
        query: words.get(1)?.trim_end_matches('.'),
        query_type: words.get(2)?,
        query_class: words.get(3)?,
        action: NetAction::Allowed,
        ..Dns::default()
    };
    if let Some(rcode) = words.get(4).filter(|word| !word.is_empty()) {
        dns.activity = DnsActivity::Both;
        dns.rcode = rcode;
        dns.duration_us = words
            .get(5)
            .and_then(|seconds| seconds.parse::<f64>().ok())
            .filter(|seconds| *seconds >= 0.0)
            .map(|seconds| (seconds * 1e6) as u64);
        dns.detail = match words.get(6) {
            Some(&"1") => "cached",
            _ => "",
        };
    }
    Some(dns)
}
