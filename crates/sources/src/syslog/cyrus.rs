//! Cyrus IMAP: `badlogin: HOST[IP] MECH [USER] WHY` and `login: HOST[IP] USER MECH[+TLS] User logged
//! in[ SESSIONID=<…>]` (imap/imapd.c, pop3d.c, timsieved/parser.c). A user name stands between the
//! address and Cyrus's own words. The audit log is read in `cyrus_audit.rs`.

use super::{Accounted, Out, Program, Record};
use crate::field::{self, known_host};
use vauban_ocsf::{Body, Logon, Product, Service, Status};

pub(super) const PROGRAM: Program = Program { claims, parse };

fn claims(record: &Record<'_>) -> bool {
    record.tag.starts_with("cyrus") || service(record.program).is_some()
}

fn service(program: &str) -> Option<Service> {
    Some(match program {
        "imapd" | "imap" | "imaps" | "imapd-ssl" => Service::Imap,
        "pop3d" | "pop3" | "pop3s" => Service::Pop3,
        "timsieved" | "sieve" => Service::ManageSieve,
        "lmtpunix" | "lmtpd" => Service::Lmtp,
        _ => return None,
    })
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let mut logon = Logon {
        service: service(record.program).unwrap_or_default(),
        attempts: 1,
        detail: record.message,
        ..Logon::default()
    };
    let (status, rest) = if let Some(rest) = record.message.strip_prefix("badlogin: ") {
        (Status::Failure, rest)
    } else if let Some(rest) = record.message.strip_prefix("login: ") {
        (Status::Success, rest)
    } else {
        let service = logon.service;
        return match super::cyrus_audit::parse(record, service, out) {
            Some(accounted) => accounted,
            None => out.ignored(record),
        };
    };
    logon.status = status;
    // `HOST[IP]`, `HOST [IP]`, `[IP]`.
    let Some((name, address)) = rest.split_once('[') else {
        return out.unparsed(record, "Cyrus log-in without address");
    };
    let Some((ip, rest)) = address.split_once("] ") else {
        return out.unparsed(record, "Cyrus log-in without address");
    };
    logon.src_host = known_host(name.trim_end());
    logon.src_ip = field::ip(ip);
    if status == Status::Success {
        if let Some((_, session)) = rest.rsplit_once(" SESSIONID=<") {
            logon.session = session.strip_suffix('>').unwrap_or(session);
        }
        let rest = rest.strip_suffix(" User logged in").unwrap_or(rest);
        let rest = rest.split(" User logged in ").next().unwrap_or(rest);
        (logon.user, logon.method) = rest.rsplit_once(' ').unwrap_or((rest, ""));
        if let Some(method) = logon.method.strip_suffix("+TLS") {
            logon.method = method;
            logon.tls = Some(true);
        }
    } else {
        let (method, why) = rest.split_once(' ').unwrap_or((rest, ""));
        logon.method = method;
        // `plaintext alice SASL(-13): …`, `plaintext (alice@example.org) […]`.
        if let Some(user) = why.strip_prefix('(').and_then(|t| t.split_once(") [")) {
            logon.user = user.0;
        } else if let Some(at) = why.find(" SASL(").or_else(|| why.find(" [SASL(")) {
            logon.user = why.get(..at).unwrap_or_default();
        }
    }
    out.event(record, Product::Cyrus, Body::Logon(logon))
}
