//! OpenSSH's sshd (and sshd-session since 9.8).
//!
//! `Accepted METHOD for USER from IP port N ssh2[: KEY]`, `Failed …`, and the notes around them
//! (auth.c, auth_log(); packet.c, sshpkt_vfatal()). The user name may contain anything, ` from
//! 192.0.2.1 port 1 ssh2` included, and stands before the address: the address that the record ends
//! with is sshd's.

use super::{Accounted, Out, Program, Record};
use crate::field;
use std::net::IpAddr;
use vauban_ocsf::{Body, Logon, NetAction, Network, Product, Service, Severity, Status};

pub(super) const PROGRAM: Program = Program { claims, parse };

fn claims(record: &Record<'_>) -> bool {
    matches!(record.program, "sshd" | "sshd-session" | "sshd-auth")
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let mut text = record.message.trim_end();
    // Solaris: `[ID 800047 auth.info] `.
    if let Some((_, rest)) = field::enclosed(text, "[ID ", "] ") {
        text = rest;
    }
    // The kernel's time before messages of early boot, in some journals.
    if text.starts_with("kernel:")
        && let Some((_, rest)) = text.split_once(']')
    {
        text = rest.trim_start_matches(':').trim_start();
    }
    text = text
        .strip_prefix("error: ")
        .or_else(|| text.strip_prefix("fatal: "))
        .unwrap_or(text);
    let text = text.strip_suffix(" [preauth]").unwrap_or(text);
    if let Some(logon) = logon(text) {
        return out.event(record, Product::Sshd, Body::Logon(logon));
    }
    if let Some((src_ip, src_port)) = peer(text) {
        let network = Network {
            protocol: 6,
            src_ip: Some(src_ip),
            src_port,
            action: NetAction::Allowed,
            state: text,
            label: record.program,
            ..Network::default()
        };
        return out.event(record, Product::Sshd, Body::Network(network));
    }
    if record.message.starts_with("error: ") || record.message.starts_with("fatal: ") {
        return super::other::message(record, Product::Sshd, Severity::Error, out);
    }
    out.ignored(record)
}

fn logon(text: &str) -> Option<Logon<'_>> {
    let mut logon = Logon {
        service: Service::Ssh,
        attempts: 1,
        detail: text,
        ..Logon::default()
    };
    let (status, rest) = if let Some(rest) = text.strip_prefix("Accepted ") {
        (Status::Success, rest)
    } else if let Some(rest) = text.strip_prefix("Failed ") {
        (Status::Failure, rest)
    } else {
        return noted(text, logon);
    };
    logon.status = status;
    let (method, rest) = field::split_once(rest, " for ")?;
    if method.contains(' ') {
        return None;
    }
    logon.method = method;
    let rest = rest
        .strip_prefix("invalid user ")
        .or_else(|| rest.strip_prefix("illegal user "))
        .unwrap_or(rest);
    // Only keys and host keys are described after the address; protocol 1 put more there.
    let described = matches!(method, "publickey" | "hostbased" | "rsa" | "rhosts-rsa")
        || method.starts_with("gssapi");
    let origin = origin(rest, described)?;
    logon.user = user(origin.user);
    logon.src_ip = origin.ip;
    logon.src_port = origin.port;
    logon.src_host = origin.host;
    Some(logon)
}

/// Failures that sshd notes in other words. Those that accompany a `Failed …` record count no
/// attempt of their own.
fn noted<'a>(text: &'a str, mut logon: Logon<'a>) -> Option<Logon<'a>> {
    logon.status = Status::Failure;
    if let Some(rest) = text
        .strip_prefix("Invalid user ")
        .or_else(|| text.strip_prefix("Illegal user "))
    {
        logon.attempts = 0;
        let origin = origin(rest, false).or_else(|| {
            // An empty name: `Invalid user  from 192.0.2.1 port 1`.
            self::origin(text.strip_prefix("Invalid user")?, false)
        })?;
        (logon.user, logon.src_ip, logon.src_port, logon.src_host) =
            (origin.user, origin.ip, origin.port, origin.host);
        return Some(logon);
    }
    if let Some(rest) = text.strip_prefix("PAM: ") {
        // `Authentication failure for [illegal user ]USER from HOST[ via ADDRESS]`
        let (_, rest) = field::split_once(rest, " for ")?;
        let rest = rest.strip_prefix("illegal user ").unwrap_or(rest);
        let rest = rest.rsplit_once(" via ").map_or(rest, |(rest, _)| rest);
        let (user, host) = rest.rsplit_once(" from ")?;
        logon.user = user;
        logon.method = "keyboard-interactive/pam";
        logon.src_ip = field::ip(host);
        logon.src_host = if logon.src_ip.is_some() { "" } else { host };
        return Some(logon);
    }
    if let Some(rest) = text.strip_prefix("User ") {
        // `User U from HOST not allowed because …`, `User U not allowed because account is locked`
        logon.attempts = 0;
        let (rest, _) = rest.rsplit_once(" not allowed because ")?;
        match rest.rsplit_once(" from ") {
            Some((user, host)) => {
                logon.user = user;
                logon.src_ip = field::ip(host);
                logon.src_host = if logon.src_ip.is_some() { "" } else { host };
            }
            None => logon.user = rest,
        }
        return Some(logon);
    }
    if let Some(rest) = text.strip_prefix("ROOT LOGIN REFUSED FROM ") {
        logon.attempts = 0;
        logon.user = "root";
        logon.src_ip = field::ip_prefix(rest).map(|(ip, _)| ip);
        return Some(logon);
    }
    if let Some(rest) = text.strip_prefix("maximum authentication attempts exceeded for ") {
        logon.attempts = 0;
        let rest = rest.strip_prefix("invalid user ").unwrap_or(rest);
        let origin = origin(rest, false)?;
        (logon.user, logon.src_ip, logon.src_port, logon.src_host) =
            (origin.user, origin.ip, origin.port, origin.host);
        return Some(logon);
    }
    if let Some(rest) = text.strip_prefix("Disconnecting: Too many authentication failures") {
        logon.attempts = 0;
        logon.user = rest.strip_prefix(" for ").unwrap_or_default();
        return Some(logon);
    }
    // `Connection closed by authenticating user U IP port N`
    for start in [
        "Connection closed by ",
        "Connection reset by ",
        "Disconnected from ",
        "Disconnecting ",
    ] {
        let Some(rest) = text.strip_prefix(start) else {
            continue;
        };
        let rest = rest
            .strip_prefix("authenticating user ")
            .or_else(|| rest.strip_prefix("invalid user "))?;
        let (address, port, before) = trailing(rest)?;
        logon.attempts = 0;
        logon.user = before;
        logon.src_ip = Some(address);
        logon.src_port = port;
        return Some(logon);
    }
    None
}

struct Origin<'a> {
    user: &'a str,
    ip: Option<IpAddr>,
    port: Option<u16>,
    host: &'a str,
}

fn user(text: &str) -> &str {
    if text == "<invalid username>" {
        ""
    } else {
        text
    }
}

/// `USER from IP[ port N[ ssh2]]`, then, if `described`, `: DESCRIPTION`.
fn origin(text: &str, described: bool) -> Option<Origin<'_>> {
    let mut best = None;
    let mut from = 0;
    while let Some(at) = text
        .get(from..)
        .and_then(|t| field::find(t, " from "))
        .map(|at| from + at)
    {
        let place = text.get(at + 6..)?;
        from = at + 6;
        let Some((ip, length)) = field::ip_prefix(place) else {
            // A name, with UseDNS: only as the end of the record.
            if !place.contains(' ') {
                best = Some(Origin {
                    user: text.get(..at)?,
                    ip: None,
                    port: None,
                    host: place,
                });
            }
            continue;
        };
        let mut rest = place.get(length..)?;
        let mut port = None;
        if let Some((number, after)) = rest.strip_prefix(" port ").and_then(field::number_prefix) {
            port = u16::try_from(number).ok();
            rest = after;
        }
        let protocol_1 = rest.starts_with(" ssh1");
        rest = rest
            .strip_prefix(" ssh2")
            .or_else(|| rest.strip_prefix(" ssh1"))
            .unwrap_or(rest);
        let found = Origin {
            user: text.get(..at)?,
            ip: Some(ip),
            port,
            host: "",
        };
        if (described || protocol_1) && rest.starts_with(": ") {
            return Some(found);
        }
        if rest.is_empty() {
            best = Some(found);
        }
    }
    best
}

/// `… IP port N` at the end: address, port, what stands before.
fn trailing(text: &str) -> Option<(IpAddr, Option<u16>, &str)> {
    // `…: Change of username or service not allowed: (a,ssh-connection) -> (b,ssh-connection)`
    let text = match field::find(text, ": Change of username") {
        Some(at) => text.get(..at)?,
        None => text,
    };
    let (before, port) = match field::rsplit_once(text, " port ") {
        Some((before, port)) if field::port(port).is_some() => (before, field::port(port)),
        _ => (text, None),
    };
    let (user, ip) = field::rsplit_once(before, " ")?;
    Some((field::ip(ip)?, port, user))
}

/// The client of a record that is no log-in, from the places where sshd puts its address.
fn peer(text: &str) -> Option<(IpAddr, Option<u16>)> {
    if text.starts_with("Bad protocol version identification ")
        || text.starts_with("refused connect from ")
    {
        // These quote what the client sent before the address.
        if let Some(inner) = text.strip_suffix(')').and_then(|t| t.rsplit_once('(')) {
            return field::ip(inner.1).map(|ip| (ip, None));
        }
        let (_, place) = text.rsplit_once(" from ")?;
        return place_of(place);
    }
    for key in [
        "Connection from ",
        "Connection closed by ",
        "Connection reset by ",
        "Connection timed out ",
        "Disconnected from ",
        "Received disconnect from ",
        "Did not receive identification string from ",
        "Unable to negotiate with ",
        "Timeout before authentication for connection from ",
        "Timeout before authentication for ",
        "ssh_dispatch_run_fatal: Connection from ",
        "banner exchange: Connection from ",
        "Address ",
        "drop connection #",
    ] {
        if let Some(rest) = text.strip_prefix(key) {
            let rest = Some(rest)
                .filter(|_| key.ends_with('#'))
                .and_then(|rest| field::split_once(rest, " from "))
                .map_or(rest, |r| r.1);
            // `user root 192.0.2.1 port 1` after a finished log-in.
            if let Some(named) = rest.strip_prefix("user ") {
                return trailing(named).map(|(ip, port, _)| (ip, port));
            }
            return place_of(rest.trim_start_matches('['));
        }
    }
    if text.starts_with("Magic value check failed") {
        return place_of(text.rsplit_once(" from ")?.1);
    }
    None
}

fn place_of(place: &str) -> Option<(IpAddr, Option<u16>)> {
    let (ip, length) = field::ip_prefix(place)?;
    let port = place
        .get(length..)
        .and_then(|rest| rest.strip_prefix(" port "))
        .and_then(field::number_prefix)
        .and_then(|(port, _)| u16::try_from(port).ok());
    Some((ip, port))
}
