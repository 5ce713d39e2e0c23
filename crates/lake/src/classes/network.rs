//! HTTP Activity 4002, Email Activity 4009, Network Activity 4001.

use super::common::{ACTOR_PID, DEVICE_HOST, DEVICE_TYPE, action, status};
use crate::column::Kind::{Bool, Dict, F64, I32, I64, List, SameI32, Text, Time};
use crate::column::{Row, Spec, Val, number};
use vauban_ocsf::{
    Body, Email, EmailActivity, EmailExtra, Http, HttpBytes, HttpExtra, HttpTime, NetAction,
    Network, NetworkExtra, Tls,
};

fn http<'e>(r: &'e Row<'e>) -> Option<&'e Http<'e>> {
    match &r.event.body {
        Body::Http(h) => Some(h),
        _ => None,
    }
}

macro_rules! http_text {
    ($path:literal, $kind:ident, $field:ident) => {
        Spec {
            path: $path,
            kind: $kind,
            get: |r| Val::Text(http(r).map_or("", |h| h.$field)),
        }
    };
}

fn http_extra<'e>(r: &'e Row<'e>) -> Option<&'e HttpExtra<'e>> {
    http(r).and_then(|h| h.extra.as_deref())
}

macro_rules! http_extra {
    ($path:literal, $kind:ident, $field:ident) => {
        Spec {
            path: $path,
            kind: $kind,
            get: |r| Val::Text(http_extra(r).map_or("", |x| x.$field)),
        }
    };
}

/// `activity_id` of a method. The schema has more of them only since 1.9.
pub(super) fn method(method: &str) -> (i32, &'static str) {
    const METHODS: &[(&str, i32, &str)] = &[
        ("GET", 3, "Get"),
        ("POST", 6, "Post"),
        ("HEAD", 4, "Head"),
        ("OPTIONS", 5, "Options"),
        ("PUT", 7, "Put"),
        ("DELETE", 2, "Delete"),
        ("CONNECT", 1, "Connect"),
        ("PATCH", 9, "Patch"),
        ("TRACE", 8, "Trace"),
    ];
    METHODS
        .iter()
        .find(|(m, ..)| *m == method)
        .map_or((99, "Other"), |&(_, id, caption)| (id, caption))
}

pub(super) const HTTP: &[Spec] = &[
    http_text!("http_request.http_method", Dict, method),
    Spec {
        path: "http_request.url.path",
        kind: Text,
        get: |r| Val::Required(http(r).map_or("", |h| h.path)),
    },
    http_text!("http_request.url.query_string", Text, query),
    http_text!("http_request.url.hostname", Dict, vhost),
    http_text!("http_request.referrer", Text, referrer),
    http_text!("http_request.user_agent", Dict, user_agent),
    Spec {
        path: "http_request.x_forwarded_for",
        kind: List,
        get: |r| Val::IpList(http(r).map_or("", |h| h.forwarded_for)),
    },
    Spec {
        path: "http_response.code",
        kind: I32,
        get: |r| number(http(r).and_then(|h| h.status)),
    },
    Spec {
        path: "src_endpoint.ip",
        kind: Dict,
        get: |r| Val::Ip(http(r).and_then(|h| h.src_ip)),
    },
    Spec {
        path: "src_endpoint.port",
        kind: I32,
        get: |r| number(http_extra(r).and_then(|x| x.src_port)),
    },
    Spec {
        path: "dst_endpoint.ip",
        kind: Dict,
        get: |r| Val::Ip(http_extra(r).and_then(|x| x.dst_ip)),
    },
    Spec {
        path: "dst_endpoint.port",
        kind: I32,
        get: |r| number(http_extra(r).and_then(|x| x.dst_port)),
    },
    Spec {
        path: "traffic.bytes_in",
        kind: I64,
        get: |r| number(http(r).and_then(|h| h.bytes_in)),
    },
    Spec {
        path: "traffic.bytes_out",
        kind: I64,
        get: |r| number(http(r).and_then(|h| h.bytes_out)),
    },
    ACTOR_PID,
    http_text!("actor.user.name", Dict, user),
    DEVICE_HOST,
    DEVICE_TYPE,
    Spec {
        path: "unmapped.time_is",
        kind: Dict,
        get: |r| {
            Val::Text(match http(r).map(|h| h.time_is) {
                Some(HttpTime::Start) => "start",
                Some(HttpTime::End) => "end",
                None => "",
            })
        },
    },
    Spec {
        path: "unmapped.bytes_are",
        kind: Dict,
        get: |r| {
            Val::Text(match http(r).map(|h| h.bytes_are) {
                Some(HttpBytes::Body) => "body",
                Some(HttpBytes::Wire) => "wire",
                None => "",
            })
        },
    },
    Spec {
        path: "unmapped.duration_us",
        kind: I64,
        get: |r| number(http(r).and_then(|h| h.duration_us)),
    },
    http_text!("unmapped.forwarded_for", Dict, forwarded_for),
    http_text!("unmapped.cookie", Text, cookie),
    Spec {
        path: "unmapped.tls",
        kind: Bool,
        get: |r| Val::Bool(http(r).and_then(|h| h.tls)),
    },
    Spec {
        path: "unmapped.compressed",
        kind: Bool,
        get: |r| Val::Bool(http(r).and_then(|h| h.compressed)),
    },
    Spec {
        path: "unmapped.malformed",
        kind: Bool,
        get: |r| Val::Bool(http(r).map(|h| h.malformed)),
    },
    http_extra!("unmapped.mime", Dict, mime),
    http_extra!("unmapped.flow_uid", Text, flow_uid),
    http_extra!("unmapped.proxy_result", Dict, proxy_result),
];

fn email<'e>(r: &'e Row<'e>) -> Option<&'e Email<'e>> {
    match &r.event.body {
        Body::Email(e) => Some(e),
        _ => None,
    }
}

fn email_extra<'e>(r: &'e Row<'e>) -> Option<&'e EmailExtra<'e>> {
    email(r).and_then(|e| e.extra.as_deref())
}

macro_rules! email_extra {
    ($path:literal, $kind:ident, $field:ident) => {
        Spec {
            path: $path,
            kind: $kind,
            get: |r| Val::Text(email_extra(r).map_or("", |x| x.$field)),
        }
    };
}

macro_rules! email_text {
    ($path:literal, $kind:ident, $field:ident) => {
        Spec {
            path: $path,
            kind: $kind,
            get: |r| Val::Text(email(r).map_or("", |e| e.$field)),
        }
    };
}

pub(super) const EMAIL: &[Spec] = &[
    Spec {
        path: "status_id",
        kind: I32,
        get: |r| match email(r) {
            Some(e) if e.activity == EmailActivity::Rejected => 2.into(),
            e => status(e.map(|e| e.status).unwrap_or_default()),
        },
    },
    email_text!("status_code", Dict, dsn),
    email_text!("status_detail", Text, detail),
    // Which way a message goes needs to know which networks are one's own.
    Spec {
        path: "direction_id",
        kind: SameI32,
        get: |_| 0.into(),
    },
    email_text!("from", Dict, from),
    Spec {
        path: "to",
        kind: List,
        get: |r| Val::List(email(r).map_or("", |e| e.to)),
    },
    email_text!("message_trace_uid", Text, queue_id),
    email_text!("email.message_uid", Text, message_id),
    Spec {
        path: "email.size",
        kind: I64,
        get: |r| number(email(r).and_then(|e| e.size)),
    },
    email_text!("email.subject", Text, subject),
    email_extra!("email.from", Text, header_from),
    Spec {
        path: "email.to",
        kind: List,
        get: |r| Val::List(email_extra(r).map_or("", |x| x.header_to)),
    },
    email_extra!("email.reply_to", Text, reply_to),
    Spec {
        path: "src_endpoint.ip",
        kind: Dict,
        get: |r| Val::Ip(email(r).and_then(|e| e.src_ip)),
    },
    Spec {
        path: "src_endpoint.port",
        kind: I32,
        get: |r| number(email(r).and_then(|e| e.src_port)),
    },
    email_text!("src_endpoint.hostname", Dict, src_host),
    Spec {
        path: "dst_endpoint.ip",
        kind: Dict,
        get: |r| {
            Val::Ip(
                email(r)
                    .and_then(|e| e.relay_ip)
                    .or_else(|| email_extra(r).and_then(|x| x.dst_ip)),
            )
        },
    },
    Spec {
        path: "dst_endpoint.port",
        kind: I32,
        get: |r| {
            number(
                email(r)
                    .and_then(|e| e.relay_port)
                    .or_else(|| email_extra(r).and_then(|x| x.dst_port)),
            )
        },
    },
    email_text!("dst_endpoint.hostname", Dict, relay_host),
    ACTOR_PID,
    email_text!("actor.user.name", Dict, sasl_user),
    DEVICE_HOST,
    DEVICE_TYPE,
    Spec {
        path: "unmapped.activity",
        kind: Dict,
        get: |r| {
            Val::Text(email(r).map_or("", |e| match e.activity {
                EmailActivity::Accepted => "accepted",
                EmailActivity::Identified => "identified",
                EmailActivity::Queued => "queued",
                EmailActivity::Delivered => "delivered",
                EmailActivity::Forwarded => "forwarded",
                EmailActivity::Rejected => "rejected",
                EmailActivity::Removed => "removed",
                EmailActivity::Other => "other",
                EmailActivity::Submitted => "submitted",
            }))
        },
    },
    email_text!("unmapped.orig_to", Dict, orig_to),
    Spec {
        path: "unmapped.recipients",
        kind: I64,
        get: |r| number(email(r).and_then(|e| e.recipients)),
    },
    email_text!("unmapped.sasl_method", Dict, sasl_method),
    email_text!("unmapped.agent", Dict, agent),
    email_text!("unmapped.helo", Dict, helo),
    email_text!("unmapped.outcome", Dict, outcome),
    email_text!("unmapped.next_queue_id", Text, next_queue_id),
    email_text!("unmapped.mailbox", Dict, mailbox),
    Spec {
        path: "unmapped.score",
        kind: F64,
        get: |r| Val::Float(email_extra(r).and_then(|x| x.score).map(f64::from)),
    },
    email_extra!("unmapped.verdicts", Text, verdicts),
    Spec {
        path: "unmapped.origin_ip",
        kind: Dict,
        get: |r| Val::Ip(email_extra(r).and_then(|x| x.origin_ip)),
    },
    email_extra!("unmapped.user_agent", Dict, user_agent),
    email_extra!("unmapped.flow_uid", Text, flow_uid),
    Spec {
        path: "unmapped.tls",
        kind: Bool,
        get: |r| Val::Bool(email_extra(r).and_then(|x| x.tls)),
    },
];

fn flow<'e>(r: &'e Row<'e>) -> Option<&'e Network<'e>> {
    match &r.event.body {
        Body::Network(n) => Some(n),
        _ => None,
    }
}

fn flow_extra<'e>(r: &'e Row<'e>) -> Option<&'e NetworkExtra<'e>> {
    flow(r).and_then(|n| n.extra.as_deref())
}

fn tls<'e>(r: &'e Row<'e>) -> Option<&'e Tls<'e>> {
    flow_extra(r).and_then(|x| x.tls.as_ref())
}

/// Algorithm of a JA3 hash, which is always MD5 (1).
fn md5_if(hash: &str) -> Val<'static> {
    if hash.is_empty() { Val::Null } else { 1.into() }
}

macro_rules! flow_extra {
    ($path:literal, $kind:ident, $field:ident) => {
        Spec {
            path: $path,
            kind: $kind,
            get: |r| Val::Text(flow_extra(r).map_or("", |x| x.$field)),
        }
    };
}

macro_rules! tls_text {
    ($path:literal, $kind:ident, required $field:ident) => {
        Spec {
            path: $path,
            kind: $kind,
            get: |r| tls(r).map_or(Val::Null, |t| Val::Required(t.$field)),
        }
    };
    ($path:literal, $kind:ident, $field:ident) => {
        Spec {
            path: $path,
            kind: $kind,
            get: |r| Val::Text(tls(r).map_or("", |t| t.$field)),
        }
    };
}

/// What the schema requires of a certificate is there once anything of it is.
macro_rules! certificate_text {
    ($path:literal, $field:ident) => {
        Spec {
            path: $path,
            kind: Dict,
            get: |r| {
                tls(r)
                    .filter(|t| {
                        [t.subject, t.issuer, t.serial, t.fingerprint]
                            .iter()
                            .any(|text| !text.is_empty())
                    })
                    .map_or(Val::Null, |t| Val::Required(t.$field))
            },
        }
    };
}

pub(super) const NETWORK: &[Spec] = &[
    Spec {
        path: "start_time",
        kind: Time,
        get: |r| Val::Int(flow(r).and_then(|n| n.start).map(|t| t.0)),
    },
    Spec {
        path: "src_endpoint.ip",
        kind: Dict,
        get: |r| Val::Ip(flow(r).and_then(|n| n.src_ip)),
    },
    Spec {
        path: "src_endpoint.port",
        kind: I32,
        get: |r| number(flow(r).and_then(|n| n.src_port)),
    },
    Spec {
        path: "src_endpoint.interface_name",
        kind: Dict,
        get: |r| Val::Text(flow(r).map_or("", |n| n.iif)),
    },
    Spec {
        path: "dst_endpoint.ip",
        kind: Dict,
        get: |r| Val::Ip(flow(r).and_then(|n| n.dst_ip)),
    },
    Spec {
        path: "dst_endpoint.port",
        kind: I32,
        get: |r| number(flow(r).and_then(|n| n.dst_port)),
    },
    Spec {
        path: "dst_endpoint.interface_name",
        kind: Dict,
        get: |r| Val::Text(flow(r).map_or("", |n| n.oif)),
    },
    Spec {
        path: "connection_info.protocol_num",
        kind: I32,
        get: |r| number(flow(r).map(|n| n.protocol)),
    },
    Spec {
        path: "connection_info.direction_id",
        kind: SameI32,
        get: |_| 0.into(),
    },
    Spec {
        path: "connection_info.flag_history",
        kind: Dict,
        get: |r| Val::Text(flow(r).map_or("", |n| n.state)),
    },
    Spec {
        path: "traffic.bytes_out",
        kind: I64,
        get: |r| number(flow(r).and_then(|n| n.bytes_out)),
    },
    Spec {
        path: "traffic.bytes_in",
        kind: I64,
        get: |r| number(flow(r).and_then(|n| n.bytes_in)),
    },
    Spec {
        path: "traffic.packets_out",
        kind: I64,
        get: |r| number(flow(r).and_then(|n| n.packets_out)),
    },
    Spec {
        path: "traffic.packets_in",
        kind: I64,
        get: |r| number(flow(r).and_then(|n| n.packets_in)),
    },
    // Profile security_control: 1 allowed, 2 denied.
    Spec {
        path: "action_id",
        kind: I32,
        get: |r| action(flow(r).map_or(NetAction::Unknown, |n| n.action)),
    },
    ACTOR_PID,
    DEVICE_HOST,
    DEVICE_TYPE,
    Spec {
        path: "unmapped.bytes_are_ip",
        kind: Bool,
        get: |r| Val::Bool(flow(r).map(|n| n.bytes_are_ip)),
    },
    Spec {
        path: "unmapped.unanswered",
        kind: Bool,
        get: |r| Val::Bool(flow(r).and_then(|n| n.unanswered)),
    },
    Spec {
        path: "unmapped.label",
        kind: Dict,
        get: |r| Val::Text(flow(r).map_or("", |n| n.label)),
    },
    flow_extra!("app_protocol_name", Dict, service),
    flow_extra!("actor.user.name", Dict, user),
    flow_extra!("unmapped.image", Dict, image),
    flow_extra!("unmapped.rule", Dict, rule),
    tls_text!("tls.version", Dict, required version),
    tls_text!("tls.cipher", Dict, cipher),
    tls_text!("tls.sni", Dict, sni),
    Spec {
        path: "tls.ja3_hash.algorithm_id",
        kind: I32,
        get: |r| md5_if(tls(r).map_or("", |t| t.ja3)),
    },
    tls_text!("tls.ja3_hash.value", Dict, ja3),
    Spec {
        path: "tls.ja3s_hash.algorithm_id",
        kind: I32,
        get: |r| md5_if(tls(r).map_or("", |t| t.ja3s)),
    },
    tls_text!("tls.ja3s_hash.value", Dict, ja3s),
    tls_text!("tls.certificate.subject", Dict, subject),
    certificate_text!("tls.certificate.issuer", issuer),
    certificate_text!("tls.certificate.serial_number", serial),
    Spec {
        path: "tls.certificate.fingerprints[].algorithm_id",
        kind: I32,
        get: |r| match tls(r).map_or("", |t| t.fingerprint) {
            "" => Val::Null,
            // SHA-256 has 64 digits, SHA-1 has 40, perhaps with colons between octets.
            long if long.len() >= 64 => 3.into(),
            _ => 2.into(),
        },
    },
    tls_text!("tls.certificate.fingerprints[].value", Dict, fingerprint),
    Spec {
        path: "ja4_fingerprint_list[].type_id",
        kind: I32,
        get: |r| match tls(r).map_or("", |t| t.ja4) {
            "" => Val::Null,
            _ => 1.into(),
        },
    },
    tls_text!("ja4_fingerprint_list[].value", Dict, ja4),
    tls_text!("unmapped.ja4s", Dict, ja4s),
    tls_text!("unmapped.alpn", Dict, alpn),
    tls_text!("unmapped.validation", Dict, validation),
    Spec {
        path: "unmapped.established",
        kind: Bool,
        get: |r| Val::Bool(tls(r).and_then(|t| t.established)),
    },
    Spec {
        path: "unmapped.resumed",
        kind: Bool,
        get: |r| Val::Bool(tls(r).and_then(|t| t.resumed)),
    },
];
