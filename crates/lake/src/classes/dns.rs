//! DNS Activity 4003.

use super::common::{ACTOR_PID, DEVICE_HOST, DEVICE_TYPE, action};
use crate::column::Kind::{Answers, Dict, I32, I64, Text};
use crate::column::{Row, Spec, Val, number};
use vauban_ocsf::{Body, Dns, NetAction};

fn dns<'e>(r: &'e Row<'e>) -> Option<&'e Dns<'e>> {
    match &r.event.body {
        Body::Dns(d) => Some(d),
        _ => None,
    }
}

macro_rules! text {
    ($path:literal, $kind:ident, $field:ident) => {
        Spec {
            path: $path,
            kind: $kind,
            get: |r| Val::Text(dns(r).map_or("", |d| d.$field)),
        }
    };
}

/// `rcode_id`: the number on the wire (RFC 6895), which the schema's enumeration is.
fn rcode(name: &str) -> Val<'static> {
    const NAMES: &[&str] = &[
        "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET",
        "NXRRSET", "NOTAUTH", "NOTZONE",
    ];
    if name.is_empty() {
        return Val::Null;
    }
    NAMES
        .iter()
        .position(|known| known.eq_ignore_ascii_case(name))
        .and_then(|at| i32::try_from(at).ok())
        .map_or(99.into(), Val::from)
}

pub(super) const DNS: &[Spec] = &[
    Spec {
        path: "query.hostname",
        kind: Text,
        // Required wherever anything of the question is told.
        get: |r| match dns(r) {
            Some(d)
                if d.query.is_empty() && d.query_type.is_empty() && d.query_class.is_empty() =>
            {
                Val::Null
            }
            d => Val::Required(d.map_or("", |d| d.query)),
        },
    },
    text!("query.type", Dict, query_type),
    text!("query.class", Dict, query_class),
    text!("rcode", Dict, rcode),
    Spec {
        path: "rcode_id",
        kind: I32,
        get: |r| rcode(dns(r).map_or("", |d| d.rcode)),
    },
    Spec {
        path: "answers",
        kind: Answers,
        get: |r| Val::Parts(dns(r).map_or("", |d| d.answers), '\n'),
    },
    Spec {
        path: "transaction_id",
        kind: I32,
        get: |r| number(dns(r).and_then(|d| d.transaction)),
    },
    Spec {
        path: "src_endpoint.ip",
        kind: Dict,
        get: |r| Val::Ip(dns(r).and_then(|d| d.src_ip)),
    },
    Spec {
        path: "src_endpoint.port",
        kind: I32,
        get: |r| number(dns(r).and_then(|d| d.src_port)),
    },
    // Always there: a resolver's own log does not repeat its address, and the schema wants an
    // endpoint.
    Spec {
        path: "dst_endpoint.svc_name",
        kind: Dict,
        get: |_| Val::Required("dns"),
    },
    Spec {
        path: "dst_endpoint.ip",
        kind: Dict,
        get: |r| Val::Ip(dns(r).and_then(|d| d.dst_ip)),
    },
    Spec {
        path: "dst_endpoint.port",
        kind: I32,
        get: |r| number(dns(r).and_then(|d| d.dst_port)),
    },
    Spec {
        path: "connection_info.protocol_num",
        kind: I32,
        get: |r| number(dns(r).map(|d| d.protocol).filter(|&p| p != 0)),
    },
    Spec {
        path: "connection_info.direction_id",
        kind: I32,
        get: |r| match dns(r).map(|d| d.protocol) {
            Some(0) | None => Val::Null,
            Some(_) => 0.into(),
        },
    },
    Spec {
        path: "action_id",
        kind: I32,
        get: |r| action(dns(r).map_or(NetAction::Unknown, |d| d.action)),
    },
    ACTOR_PID,
    DEVICE_HOST,
    DEVICE_TYPE,
    Spec {
        path: "unmapped.duration_us",
        kind: I64,
        get: |r| number(dns(r).and_then(|d| d.duration_us)),
    },
    text!("unmapped.flow_uid", Text, flow_uid),
    text!("unmapped.detail", Text, detail),
];
