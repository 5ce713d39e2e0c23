//! Authentication 3002 and User Management 3007.

use super::common::{ACTOR_PID, DEVICE_HOST, DEVICE_TYPE, status};
use crate::column::Kind::{Bool, Dict, I32, I64, Text};
use crate::column::{Row, Spec, Val, number};
use vauban_ocsf::{AccountActivity, AccountChange, Body, Logoff, Logon, Service};

fn logon<'e>(r: &'e Row<'e>) -> Option<&'e Logon<'e>> {
    match &r.event.body {
        Body::Logon(l) => Some(l),
        _ => None,
    }
}

fn logoff<'e>(r: &'e Row<'e>) -> Option<&'e Logoff<'e>> {
    match &r.event.body {
        Body::Logoff(l) => Some(l),
        _ => None,
    }
}

/// A text that log-in and log-out both may have.
fn both<'e>(
    r: &'e Row<'e>,
    on: fn(&'e Logon<'e>) -> &'e str,
    off: fn(&'e Logoff<'e>) -> &'e str,
) -> &'e str {
    logon(r)
        .map(on)
        .or_else(|| logoff(r).map(off))
        .unwrap_or("")
}

fn service(r: &Row<'_>) -> Service {
    logon(r)
        .map(|l| l.service)
        .or_else(|| logoff(r).map(|l| l.service))
        .unwrap_or_default()
}

macro_rules! counter {
    ($path:literal, $field:ident) => {
        Spec {
            path: $path,
            kind: I64,
            get: |r| number(logoff(r).and_then(|l| l.$field)),
        }
    };
}

pub(super) const AUTHENTICATION: &[Spec] = &[
    Spec {
        path: "status_id",
        kind: I32,
        // A session that ends had begun.
        get: |r| logon(r).map_or(1.into(), |l| status(l.status)),
    },
    Spec {
        path: "status_detail",
        kind: Dict,
        get: |r| Val::Text(both(r, |l| l.detail, |l| l.reason)),
    },
    Spec {
        path: "user.name",
        kind: Dict,
        get: |r| Val::Required(both(r, |l| l.user, |l| l.user)),
    },
    Spec {
        path: "service.name",
        kind: Dict,
        get: |r| Val::Required(service(r).name()),
    },
    Spec {
        path: "src_endpoint.ip",
        kind: Dict,
        get: |r| {
            Val::Ip(
                logon(r)
                    .and_then(|l| l.src_ip)
                    .or_else(|| logoff(r).and_then(|l| l.src_ip)),
            )
        },
    },
    Spec {
        path: "src_endpoint.port",
        kind: I32,
        get: |r| number(logon(r).and_then(|l| l.src_port)),
    },
    Spec {
        path: "src_endpoint.hostname",
        kind: Dict,
        get: |r| Val::Text(logon(r).map_or("", |l| l.src_host)),
    },
    Spec {
        path: "dst_endpoint.ip",
        kind: Dict,
        get: |r| Val::Ip(logon(r).and_then(|l| l.dst_ip)),
    },
    Spec {
        path: "dst_endpoint.port",
        kind: I32,
        get: |r| number(logon(r).and_then(|l| l.dst_port)),
    },
    Spec {
        path: "auth_protocol",
        kind: Dict,
        get: |r| Val::Text(logon(r).map_or("", |l| l.method)),
    },
    Spec {
        path: "session.uid",
        kind: Text,
        get: |r| Val::Text(both(r, |l| l.session, |l| l.session)),
    },
    Spec {
        path: "is_cleartext",
        kind: Bool,
        get: |r| Val::Bool(logon(r).and_then(|l| l.tls).map(|tls| !tls)),
    },
    ACTOR_PID,
    // The master user acts, the user is acted for.
    Spec {
        path: "actor.user.name",
        kind: Dict,
        get: |r| Val::Text(logon(r).map_or("", |l| l.master_user)),
    },
    DEVICE_HOST,
    DEVICE_TYPE,
    Spec {
        path: "unmapped.attempts",
        kind: I64,
        get: |r| number(logon(r).map(|l| l.attempts)),
    },
    Spec {
        path: "unmapped.session_pid",
        kind: I64,
        get: |r| number(logon(r).and_then(|l| l.session_pid)),
    },
    Spec {
        path: "unmapped.last_command",
        kind: Dict,
        get: |r| Val::Text(logoff(r).map_or("", |l| l.last_command)),
    },
    counter!("unmapped.last_command_bytes_out", last_command_bytes_out),
    Spec {
        path: "unmapped.no_commands",
        kind: Bool,
        get: |r| Val::Bool(logoff(r).map(|l| l.no_commands)),
    },
    counter!("unmapped.bytes_in", bytes_in),
    counter!("unmapped.bytes_out", bytes_out),
    counter!("unmapped.deleted", deleted),
    counter!("unmapped.expunged", expunged),
    counter!("unmapped.trashed", trashed),
    counter!("unmapped.hdr_count", hdr_count),
    counter!("unmapped.hdr_bytes", hdr_bytes),
    counter!("unmapped.body_count", body_count),
    counter!("unmapped.body_bytes", body_bytes),
    counter!("unmapped.appended", appended),
    counter!("unmapped.retr_count", retr_count),
    counter!("unmapped.retr_bytes", retr_bytes),
    counter!("unmapped.top_count", top_count),
    counter!("unmapped.top_bytes", top_bytes),
    counter!("unmapped.pop3_deleted", pop3_deleted),
    counter!("unmapped.pop3_messages", pop3_messages),
    counter!("unmapped.pop3_size", pop3_size),
];

fn account<'e>(r: &'e Row<'e>) -> Option<&'e AccountChange<'e>> {
    match &r.event.body {
        Body::Account(a) => Some(a),
        _ => None,
    }
}

pub(super) fn account_activity(activity: AccountActivity) -> (i32, &'static str) {
    match activity {
        AccountActivity::PasswordChange => (8, "Password Change"),
        AccountActivity::Create => (1, "Create"),
        AccountActivity::Delete => (3, "Delete"),
        AccountActivity::Other => (99, "Other"),
    }
}

pub(super) const USER_MANAGEMENT: &[Spec] = &[
    Spec {
        path: "status_id",
        kind: I32,
        get: |r| status(account(r).map(|a| a.status).unwrap_or_default()),
    },
    Spec {
        path: "status_detail",
        kind: Dict,
        get: |r| Val::Text(account(r).map_or("", |a| a.detail)),
    },
    Spec {
        path: "user.name",
        kind: Dict,
        get: |r| Val::Required(account(r).map_or("", |a| a.user)),
    },
    Spec {
        path: "src_endpoint.ip",
        kind: Dict,
        get: |r| Val::Ip(account(r).and_then(|a| a.src_ip)),
    },
    ACTOR_PID,
    Spec {
        path: "actor.user.name",
        kind: Dict,
        get: |r| Val::Text(account(r).map_or("", |a| a.actor)),
    },
    DEVICE_HOST,
    DEVICE_TYPE,
];
