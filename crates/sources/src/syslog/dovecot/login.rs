//! Log-in processes (`imap-login`, `pop3-login`, `managesieve-login`, `submission-login`).
//!
//! `REASON: user=<U>, method=M, rip=R, lip=L, mpid=P, TLS, session=<S>`
//! (`login_log_format_elements`). Only the user name is the client's, and everything of use stands
//! after it, so the record is read from its end.

use super::{Entry, service};
use crate::field;
use crate::syslog::{Accounted, Out, Record};
use std::net::IpAddr;
use vauban_ocsf::{Body, Logon, NetAction, Network, Product, Status};

#[derive(Debug, Default, PartialEq)]
struct Elements<'a> {
    user: &'a str,
    method: &'a str,
    rip: Option<IpAddr>,
    rport: Option<u16>,
    lip: Option<IpAddr>,
    lport: Option<u16>,
    mpid: Option<u32>,
    tls: Option<bool>,
    session: &'a str,
}

pub(super) fn parse(record: &Record<'_>, entry: &Entry<'_>, out: &mut Out<'_>) -> Accounted {
    if let Some(e) = usual(entry.text) {
        let logon = logon(entry, &e, Status::Success, 1, "Login");
        return out.event(record, Product::Dovecot, Body::Logon(logon));
    }
    let Some((reason, elements)) = divide(entry.text) else {
        return super::general(record, entry, out);
    };
    let e = read(elements);
    let (status, attempts) = outcome(reason, &e);
    let Some(status) = status else {
        // Nobody tried to log in.
        let network = Network {
            protocol: 6,
            src_ip: e.rip,
            src_port: e.rport,
            dst_ip: e.lip,
            dst_port: e.lport,
            action: NetAction::Allowed,
            state: reason,
            label: entry.service,
            ..Network::default()
        };
        return out.event(record, Product::Dovecot, Body::Network(network));
    };
    let logon = logon(entry, &e, status, attempts, reason);
    out.event(record, Product::Dovecot, Body::Logon(logon))
}

#[inline]
fn logon<'a>(
    entry: &Entry<'a>,
    e: &Elements<'a>,
    status: Status,
    attempts: u32,
    reason: &'a str,
) -> Logon<'a> {
    // `alice*admin`: the master user admin logs in as alice (`auth_master_user_separator`).
    let (user, master_user) = match field::near(e.user.as_bytes(), b'*') {
        Some(at) => e.user.split_at(at),
        None => (e.user, ""),
    };
    let master_user = master_user.strip_prefix('*').unwrap_or(master_user);
    Logon {
        service: service(entry.service),
        status,
        user,
        master_user,
        src_ip: e.rip,
        src_port: e.rport,
        dst_ip: e.lip,
        dst_port: e.lport,
        method: e.method,
        session: e.session,
        session_pid: e.mpid,
        tls: e.tls,
        attempts,
        detail: reason,
        ..Logon::default()
    }
}

/// The default elements of a log-in that came about, in their order and nothing else:
/// `Login: user=<U>, method=M, rip=R, lip=L, mpid=P, TLS, session=<S>`.
///
/// What the reading from the end below would find: no place after the address can be taken for
/// `rip=`, since a session with a comma is left to it.
#[inline]
fn usual(text: &str) -> Option<Elements<'_>> {
    let inner = text.strip_prefix("Login: user=<")?;
    let close = field::near(inner.as_bytes(), b'>')?;
    let user = inner.get(..close)?;
    let rest = inner.get(close + 1..)?.strip_prefix(", method=")?;
    let (method, rest) = rest.split_at_checked(field::near(rest.as_bytes(), b',')?)?;
    if method.contains('>') {
        return None;
    }
    let (rip, rest) = address(rest.strip_prefix(", rip=")?)?;
    let (lip, rest) = address(rest.strip_prefix(", lip=")?)?;
    let (mpid, rest) = match rest.strip_prefix(", mpid=") {
        Some(rest) => {
            let (mpid, rest) = field::number_prefix(rest)?;
            (u32::try_from(mpid).ok(), rest)
        }
        None => (None, rest),
    };
    let (encrypted, rest) = match rest.strip_prefix(", TLS") {
        Some(rest) => (true, rest),
        None => (false, rest.strip_prefix(", secured").unwrap_or(rest)),
    };
    let session = rest.strip_prefix(", session=<")?;
    let end = memchr::memchr2(b'>', b',', session.as_bytes())?;
    if session.as_bytes().get(end..) != Some(b">") {
        return None;
    }
    Some(Elements {
        user,
        method,
        rip: Some(rip),
        lip: Some(lip),
        mpid,
        tls: Some(encrypted),
        session: session.get(..end)?,
        ..Elements::default()
    })
}

/// An address and what follows it, which is to be a comma.
#[inline]
fn address(text: &str) -> Option<(IpAddr, &str)> {
    let (ip, length) = field::ip_prefix(text)?;
    let rest = text.get(length..)?;
    rest.starts_with(',').then_some((ip, rest))
}

/// Reason and elements.
fn divide(text: &str) -> Option<(&str, &str)> {
    let at = field::find(text, ": user=<")
        .or_else(|| field::rfind(text, ": method="))
        .or_else(|| field::rfind(text, ": rip="))?;
    Some((text.get(..at)?, text.get(at + 2..)?))
}

fn read(elements: &str) -> Elements<'_> {
    let mut e = Elements::default();
    // The last `rip=` with an address is Dovecot's.
    let mut end = elements.len();
    let (head, tail) = loop {
        let Some(at) = elements.get(..end).and_then(|t| field::rfind(t, "rip=")) else {
            break (elements, "");
        };
        let boundary = at == 0 || elements.get(..at).is_some_and(|t| t.ends_with(", "));
        if boundary
            && let Some(value) = elements.get(at + 4..)
            && let Some((ip, length)) = field::ip_prefix(value)
            && matches!(value.as_bytes().get(length), None | Some(b',' | b' '))
        {
            e.rip = Some(ip);
            break (
                elements.get(..at).unwrap_or_default(),
                value.get(length..).unwrap_or_default(),
            );
        }
        end = at;
    };
    let mut head = head.strip_suffix(", ").unwrap_or(head);
    if let Some(inner) = head.strip_prefix("user=<") {
        let close = memchr::memrchr(b'>', inner.as_bytes()).unwrap_or(inner.len());
        e.user = inner.get(..close).unwrap_or_default();
        head = inner.get(close + 1..).unwrap_or_default();
    }
    if let Some(at) = field::find(head, "method=")
        && let Some(method) = head.get(at + 7..)
    {
        let end = memchr::memchr(b',', method.as_bytes()).unwrap_or(method.len());
        e.method = method.get(..end).unwrap_or_default();
    }
    let mut encrypted = false;
    for piece in field::pieces(tail) {
        if let Some(value) = piece.strip_prefix("lip=") {
            e.lip = field::ip_prefix(value).map(|(ip, _)| ip);
        } else if let Some(value) = piece.strip_prefix("mpid=") {
            e.mpid = field::number32(value);
        } else if let Some(value) = piece.strip_prefix("session=<") {
            e.session = value.strip_suffix('>').unwrap_or(value);
        } else if let Some(value) = piece.strip_prefix("rport=") {
            e.rport = field::port(value);
        } else if let Some(value) = piece.strip_prefix("lport=") {
            e.lport = field::port(value);
        } else if piece.starts_with("TLS") {
            encrypted = true;
        }
    }
    // `%c` is part of the default elements: absent means the connection was not encrypted.
    e.tls = e.lip.map(|_| encrypted);
    e
}

/// Status (`None`: no attempt was made) and attempts, after client_get_extra_disconnect_reason()
/// in login-common/client-common.c.
fn outcome(reason: &str, e: &Elements<'_>) -> (Option<Status>, u32) {
    if reason == "Login" || reason.starts_with("Logged in") || reason.contains("started proxying") {
        return (Some(Status::Success), 1);
    }
    for key in [
        "(auth failed, ",
        "(authorization failed, ",
        "Aborted login (",
    ] {
        if let Some(at) = reason.find(key)
            && let Some((count, rest)) = reason.get(at + key.len()..).and_then(field::number_prefix)
            && (rest.starts_with(" attempts") || rest.starts_with(" authentication attempts"))
        {
            return (
                Some(Status::Failure),
                u32::try_from(count).unwrap_or(u32::MAX),
            );
        }
    }
    let failed = [
        "(tried to use ",
        "(proxy dest auth failed",
        "(user disabled",
        "(password expired",
        "(cert required",
        "(client didn't send a cert",
        "(client sent an invalid cert",
        "(auth failed",
        "(internal failure, ",
        "(disconnected while authenticating",
    ];
    if failed.iter().any(|text| reason.contains(text)) {
        return (Some(Status::Failure), 1);
    }
    if reason.contains("(auth process communication failure") {
        return (Some(Status::Unknown), 1);
    }
    // `Aborted login: user=<u>` of old versions: someone was named and no one got in.
    if reason == "Aborted login" && !e.user.is_empty() {
        return (Some(Status::Failure), 1);
    }
    (None, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syslog::damage::damaged;
    use proptest::prelude::*;

    const LINES: &[&str] = &[
        "Login: user=<a@b.example>, method=PLAIN, rip=192.0.2.7, lip=192.0.2.25, mpid=453, TLS, session=<0000AwAyKGVEi5zG>",
        "Login: user=<a>, method=PLAIN, rip=::1, lip=127.0.0.1, mpid=4, secured, session=<AAAB>",
        "Login: user=<a>, method=, rip=2001:db8::7, lip=2001:db8::25, session=<AAAB>",
    ];

    #[test]
    fn usual_lines_are_read_the_quick_way() {
        assert!(LINES.iter().all(|line| usual(line).is_some()));
    }

    proptest! {
        #[test]
        fn both_ways_of_reading_agree(line in damaged(LINES)) {
            if let Some(quick) = usual(&line) {
                let (reason, elements) = divide(&line).expect("elements");
                prop_assert_eq!(reason, "Login");
                prop_assert_eq!(outcome(reason, &quick), (Some(Status::Success), 1));
                prop_assert_eq!(quick, read(elements));
            }
        }
    }
}
