//! The authentication processes: `DB(USER,IP,<SESSION>): WHY` (`auth_verbose`, off by default,
//! and failures of PAM and databases).
//!
//! Such a record stands beside the log-in process's own, which counts attempts, so its `attempts`
//! is 0. USER is the client's; WHY is Dovecot's, but may end in a password that the client gave
//! (`auth_verbose_passwords`).

use super::Entry;
use crate::field;
use crate::syslog::{Accounted, Out, Record};
use std::net::IpAddr;
use vauban_ocsf::{Body, Logon, Product, Service, Status};

/// What a failed attempt's text begins with.
const FAILURES: &[&str] = &[
    "unknown user",
    "user not found",
    "Password mismatch",
    "password mismatch",
    "pam_authenticate() failed",
    "pam_acct_mgmt() failed",
    "invalid credentials",
    "Login attempt with ",
    "Username character disallowed",
    "User is missing from userdb",
    "Empty password given",
    "Empty username",
    "Authentication failure",
    "authentication failed",
    "Allowed-nets check failed",
    "allow_nets check failed",
    "User found from deny passdb",
    "Master user login attempted without master passdbs",
    "Attempted master login with no master passdbs",
    "Attempted login with password having illegal chars",
    "User not allowed to log in as master user",
    "Authenticated user doesn't match",
    "Credentials:",
    "pwdbs not found",
    "bind failed",
    "shadow(",
];

pub(super) fn parse(record: &Record<'_>, entry: &Entry<'_>, out: &mut Out<'_>) -> Accounted {
    let mut text = entry.text;
    // `conn unix:auth-worker (pid=1,uid=2): auth-worker<6>: `
    if text.starts_with("conn unix:")
        && let Some((_, rest)) = text.split_once("): ")
    {
        text = rest
            .split_once(">: ")
            .filter(|(w, _)| w.starts_with("auth-worker<"))
            .map_or(rest, |r| r.1);
    }
    // 2.4: `auth(USER,IP,sasl:login)<SESSION>: sql: Password mismatch`.
    if !entry.user.is_empty()
        && let Some(client) = inside(entry.user).filter(|client| client.ip.is_some())
        && let Some((_, why)) = text.split_once(": ")
        && failure(why)
    {
        return deliver(record, client, entry.session, why, out);
    }
    if let Some((client, why)) = attempt(text) {
        return deliver(record, client, client.session, why, out);
    }
    super::general(record, entry, out)
}

#[derive(Copy, Clone)]
struct Client<'a> {
    user: &'a str,
    ip: Option<IpAddr>,
    session: &'a str,
    master: bool,
}

fn failure(why: &str) -> bool {
    FAILURES.iter().any(|text| why.starts_with(text))
}

/// `DB(USER,IP,<SESSION>): WHY`.
fn attempt(text: &str) -> Option<(Client<'_>, &str)> {
    let open = text.find('(')?;
    if open > 24 || text.get(..open)?.contains([' ', ':']) {
        return None;
    }
    let text = text.get(open + 1..)?;
    // A password given stands at the end, in parentheses; nothing in it is a prefix's end.
    let limit = if text.ends_with(')') {
        text.find(" (given password: ").unwrap_or(text.len())
    } else {
        text.len()
    };
    let mut found = None;
    let mut from = 0;
    let mut tried = 0;
    while let Some(at) = text
        .get(from..limit)
        .and_then(|t| t.find("): "))
        .map(|at| from + at)
    {
        let why = text.get(at + 3..)?;
        if failure(why)
            && let Some(client) = text.get(..at).and_then(inside)
        {
            found = Some((client, why));
        }
        from = at + 3;
        // Names are cut at 64 characters, so a true record has few places that look like an end.
        tried += 1;
        if tried == 32 {
            break;
        }
    }
    found
}

/// `USER,IP,<SESSION>`, `USER,IP`, `USER,IP,sasl:plain`, `USER,IP,<SESSION>,master`.
fn inside(text: &str) -> Option<Client<'_>> {
    let mut rest = text;
    let mut client = Client {
        user: "",
        ip: None,
        session: "",
        master: false,
    };
    while let Some(comma) = rest.rfind(',') {
        let last = rest.get(comma + 1..)?;
        if let Some(session) = last.strip_prefix('<').and_then(|t| t.strip_suffix('>')) {
            client.session = session;
        } else if last == "master" {
            client.master = true;
        } else if let Some(ip) = field::ip(last) {
            client.ip = Some(ip);
            client.user = rest.get(..comma)?;
            return Some(client);
        } else if !last.is_empty() && !last.starts_with("sasl:") {
            break;
        }
        rest = rest.get(..comma)?;
    }
    // No address: a local process asked.
    client.user = rest;
    (!rest.contains('(')).then_some(client)
}

fn deliver(
    record: &Record<'_>,
    client: Client<'_>,
    session: &str,
    why: &str,
    out: &mut Out<'_>,
) -> Accounted {
    let (user, master_user) = client.user.split_once('*').unwrap_or((client.user, ""));
    let logon = Logon {
        service: Service::Other,
        status: Status::Failure,
        user,
        master_user: if client.master && master_user.is_empty() {
            user
        } else {
            master_user
        },
        src_ip: client.ip,
        session,
        attempts: 0,
        detail: why,
        ..Logon::default()
    };
    out.event(record, Product::Dovecot, Body::Logon(logon))
}
