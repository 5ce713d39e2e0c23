//! Detection Finding 2004 for alerts that other products raised.
//!
//! Findings of our own are not events and are not written here.

use super::common::{ACTOR_PID, DEVICE_HOST, DEVICE_TYPE, action};
use crate::column::Kind::{Bool, Dict, I32, Text};
use crate::column::{Row, Spec, Val, number};
use vauban_ocsf::{Alert, Body, NetAction};

fn alert<'e>(r: &'e Row<'e>) -> Option<&'e Alert<'e>> {
    match &r.event.body {
        Body::Alert(a) => Some(a),
        _ => None,
    }
}

macro_rules! text {
    ($path:literal, $kind:ident, $field:ident) => {
        Spec {
            path: $path,
            kind: $kind,
            get: |r| Val::Text(alert(r).map_or("", |a| a.$field)),
        }
    };
}

pub(super) const DETECTION: &[Spec] = &[
    // Sensors number rules, not alerts: the place of the record identifies the alert.
    Spec {
        path: "finding_info.uid",
        kind: Text,
        get: |r| Val::Place(r.event.evidence.artefact.0, r.event.evidence.offset),
    },
    Spec {
        path: "finding_info.title",
        kind: Dict,
        get: |r| Val::Required(alert(r).map_or("", |a| a.title)),
    },
    text!("finding_info.desc", Text, detail),
    text!("finding_info.analytic.uid", Dict, rule),
    // An analytic needs a number or name.
    Spec {
        path: "finding_info.analytic.category",
        kind: Dict,
        get: |r| {
            Val::Text(alert(r).map_or("", |a| if a.rule.is_empty() { "" } else { a.category }))
        },
    },
    // 1: a rule.
    Spec {
        path: "finding_info.analytic.type_id",
        kind: I32,
        get: |r| match alert(r) {
            Some(a) if !a.rule.is_empty() => 1.into(),
            _ => Val::Null,
        },
    },
    Spec {
        path: "is_alert",
        kind: Bool,
        get: |_| Val::Bool(Some(true)),
    },
    Spec {
        path: "evidences[].src_endpoint.ip",
        kind: Dict,
        get: |r| Val::Ip(alert(r).and_then(|a| a.src_ip)),
    },
    Spec {
        path: "evidences[].src_endpoint.port",
        kind: I32,
        get: |r| number(alert(r).and_then(|a| a.src_port)),
    },
    Spec {
        path: "evidences[].dst_endpoint.ip",
        kind: Dict,
        get: |r| Val::Ip(alert(r).and_then(|a| a.dst_ip)),
    },
    Spec {
        path: "evidences[].dst_endpoint.port",
        kind: I32,
        get: |r| number(alert(r).and_then(|a| a.dst_port)),
    },
    Spec {
        path: "evidences[].connection_info.protocol_num",
        kind: I32,
        get: |r| number(alert(r).map(|a| a.protocol).filter(|&p| p != 0)),
    },
    Spec {
        path: "evidences[].connection_info.direction_id",
        kind: I32,
        get: |r| match alert(r).map(|a| a.protocol) {
            Some(0) | None => Val::Null,
            Some(_) => 0.into(),
        },
    },
    Spec {
        path: "action_id",
        kind: I32,
        get: |r| action(alert(r).map_or(NetAction::Unknown, |a| a.action)),
    },
    ACTOR_PID,
    DEVICE_HOST,
    DEVICE_TYPE,
    text!("unmapped.flow_uid", Text, flow_uid),
];
