//! sudo and su: who ran what as whom.
//!
//! `alice : [N incorrect password attempts ; ]TTY=… ; PWD=… ; USER=… ; COMMAND=…` (logging.c). The
//! command is last and may contain anything.

use super::{Accounted, Out, Program, Record};
use vauban_ocsf::{Body, Logon, ProcessLaunch, Product, Service, Status};

pub(super) const PROGRAM: Program = Program { claims, parse };

fn claims(record: &Record<'_>) -> bool {
    matches!(record.program, "sudo" | "su")
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let text = record.message.trim_start();
    let Some((user, rest)) = crate::field::split_once(text, " : ") else {
        return su(record, text, out);
    };
    let mut launch = ProcessLaunch {
        user,
        status: Status::Success,
        ..ProcessLaunch::default()
    };
    let mut refused = "";
    let mut fields = rest;
    loop {
        if let Some(command) = fields.strip_prefix("COMMAND=") {
            launch.command = command;
            break;
        }
        let (field, after) = crate::field::split_once(fields, " ; ").unwrap_or((fields, ""));
        if let Some(directory) = field.strip_prefix("PWD=") {
            launch.directory = directory;
        } else if let Some(target) = field.strip_prefix("USER=") {
            launch.target_user = target;
        } else if !field.contains('=') {
            refused = field;
        }
        if after.is_empty() {
            break;
        }
        fields = after;
    }
    if !refused.is_empty() {
        launch.status = Status::Failure;
        let attempts = crate::field::number_prefix(refused).map_or(1, |(n, _)| n.min(1000) as u32);
        let logon = Logon {
            service: Service::Sudo,
            status: Status::Failure,
            user,
            attempts,
            detail: refused,
            ..Logon::default()
        };
        let _ = out.event(record, Product::Sudo, Body::Logon(logon));
    }
    out.event(record, Product::Sudo, Body::Process(launch))
}

/// `(to root) alice on pts/0`, `FAILED SU (to root) alice on pts/0`.
fn su(record: &Record<'_>, text: &str, out: &mut Out<'_>) -> Accounted {
    let failed = text.strip_prefix("FAILED SU ");
    let status = if failed.is_some() {
        Status::Failure
    } else {
        Status::Success
    };
    let Some((target, rest)) = crate::field::enclosed(failed.unwrap_or(text), "(to ", ") ") else {
        return out.ignored(record);
    };
    let logon = Logon {
        service: Service::Sudo,
        status,
        user: rest.split(" on ").next().unwrap_or(rest),
        master_user: target,
        attempts: 1,
        detail: text,
        ..Logon::default()
    };
    out.event(record, Product::Sudo, Body::Logon(logon))
}
