//! PAM modules, whatever program they speak through:
//! `pam_unix(SERVICE:TYPE): authentication failure; logname= uid=0 euid=0 tty=ssh ruser=R rhost=H
//! user=U` (pam_unix/support.c).
//!
//! Dovecot and FTP servers hand PAM the user name as `ruser`, so both R and U are the client's; H
//! holds no blank.

use super::{Accounted, Out, Program, Record};
use crate::field;
use vauban_ocsf::{AccountActivity, AccountChange, Body, Logon, Product, Service, Status};

pub(super) const PROGRAM: Program = Program { claims, parse };

fn claims(record: &Record<'_>) -> bool {
    match record.message.as_bytes().first() {
        Some(b'p') => record.message.starts_with("pam_"),
        Some(b'(') => record.message.starts_with("(pam_"),
        // Before 0.99 the module stood in the tag.
        // Queue ids begin so too: the semicolon is looked for first, since it is rare there.
        Some(b'a' | b'0'..=b'9') => {
            memchr::memchr(b';', record.message.as_bytes()).is_some()
                && record.message.contains("; logname=")
        }
        _ => false,
    }
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let text = record.message;
    if !text.starts_with(['p', '(']) {
        let Some((_, fields)) = text.split_once("; ") else {
            return out.unparsed(record, "PAM record of unknown form");
        };
        return failure(record, record.program, fields, text, out);
    }
    // `pam_unix(sshd:auth): …`, `pam_unix: …`, `(pam_unix) …`
    let Some((module, rest)) = usual_module(text)
        .or_else(|| field::split_once(text, "): "))
        .or_else(|| field::split_once(text, ": "))
        .or_else(|| field::split_once(text, ") "))
    else {
        return out.unparsed(record, "PAM record of unknown form");
    };
    let service_name = module
        .split_once('(')
        .filter(|(before, _)| !before.is_empty())
        .map_or(record.program, |(_, inner)| {
            inner.split(':').next().unwrap_or(inner)
        });
    if let Some(fields) = rest
        .strip_prefix("authentication failure;")
        .or_else(|| rest.strip_prefix("auth failure;"))
    {
        return failure(record, service_name, fields, rest, out);
    }
    if let Some(user) = rest.strip_prefix("password changed for ") {
        let change = AccountChange {
            activity: AccountActivity::PasswordChange,
            user: user.trim_end(),
            status: Status::Success,
            detail: text,
            ..AccountChange::default()
        };
        return out.event(record, Product::Pam, Body::Account(change));
    }
    // pam_tally2 `user NAME (UID) tally 6, deny 5`, pam_faillock `Consecutive login failures for
    // user NAME account temporarily locked`.
    let locked = rest
        .strip_prefix("user ")
        .filter(|t| field::find(t, " tally ").is_some() && field::find(t, "deny ").is_some())
        .or_else(|| rest.strip_prefix("Consecutive login failures for user "));
    if let Some(locked) = locked {
        let logon = Logon {
            service: service(service_name),
            status: Status::Failure,
            user: locked.split(' ').next().unwrap_or_default(),
            method: "pam",
            attempts: 0,
            detail: rest,
            ..Logon::default()
        };
        return out.event(record, Product::Pam, Body::Logon(logon));
    }
    // Sessions opened and closed, users unknown: the program's own record tells more.
    out.ignored(record)
}

/// `pam_unix(sshd:auth` and what follows `): `.
fn usual_module(text: &str) -> Option<(&str, &str)> {
    let close = text.bytes().position(|b| b == b')')?;
    Some((text.get(..close)?, text.get(close..)?.strip_prefix("): ")?))
}

fn failure(
    record: &Record<'_>,
    service_name: &str,
    fields: &str,
    detail: &str,
    out: &mut Out<'_>,
) -> Accounted {
    let (ruser, rhost, user) = client(fields);
    let src_ip = field::ip(rhost);
    let logon = Logon {
        service: service(service_name),
        status: Status::Failure,
        user: if user.is_empty() { ruser } else { user },
        src_ip,
        src_host: if src_ip.is_some() { "" } else { rhost },
        method: "pam",
        // The program that asked writes its own record of the attempt.
        attempts: 0,
        detail,
        ..Logon::default()
    };
    out.event(record, Product::Pam, Body::Logon(logon))
}

/// The service that a PAM service name stands for.
fn service(name: &str) -> Service {
    match name {
        "sshd" => Service::Ssh,
        "sudo" | "su" | "su-l" => Service::Sudo,
        "imap" => Service::Imap,
        "pop" | "pop3" => Service::Pop3,
        "smtp" | "smtpd" | "exim" => Service::Smtp,
        "sieve" => Service::ManageSieve,
        // Dovecot asks for all its protocols under one name.
        _ => Service::Other,
    }
}

/// R, H and U.
fn client(fields: &str) -> (&str, &str, &str) {
    let Some(start) = field::find(fields, "ruser=").map(|at| at + 6) else {
        return ("", "", "");
    };
    let rest = fields.get(start..).unwrap_or_default();
    let mut first = None;
    let mut from = 0;
    // R may imitate `rhost=`, U too: a place counts if the rest is what PAM writes after it, and
    // the best is one where both names agree, as they do if a server gave the same name for both.
    while let Some(at) = rest
        .get(from..)
        .and_then(|t| field::find(t, " rhost="))
        .map(|at| from + at)
    {
        let ruser = rest.get(..at).unwrap_or_default();
        let after = rest.get(at + 7..).unwrap_or_default();
        from = at + 7;
        let end = after.find(' ').unwrap_or(after.len());
        let (host, tail) = after.split_at(end);
        let tail = tail.trim_start();
        let user = match tail.strip_prefix("user=") {
            Some(user) => user.trim_end(),
            None if tail.is_empty() || tail.starts_with('[') => "",
            None => continue,
        };
        if !ruser.is_empty() && ruser == user {
            return (ruser, host, user);
        }
        first = first.or(Some((ruser, host, user)));
    }
    first.unwrap_or_default()
}
