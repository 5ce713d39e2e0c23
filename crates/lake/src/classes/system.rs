//! Process Activity 1007 and the Base Event 0.

use super::common::{ACTOR_PID, DEVICE_HOST, DEVICE_TYPE, status};
use crate::column::Kind::{Dict, I32, Text};
use crate::column::{Row, Spec, Val};
use vauban_ocsf::{Body, Message, ProcessLaunch};

fn process<'e>(r: &'e Row<'e>) -> Option<&'e ProcessLaunch<'e>> {
    match &r.event.body {
        Body::Process(p) => Some(p),
        _ => None,
    }
}

pub(super) const PROCESS: &[Spec] = &[
    Spec {
        path: "status_id",
        kind: I32,
        get: |r| status(process(r).map(|p| p.status).unwrap_or_default()),
    },
    // The log names the process that launched, not the one launched: the place of the record
    // identifies it.
    Spec {
        path: "process.uid",
        kind: Text,
        get: |r| Val::Place(r.event.evidence.artefact.0, r.event.evidence.offset),
    },
    Spec {
        path: "process.cmd_line",
        kind: Text,
        get: |r| Val::Text(process(r).map_or("", |p| p.command)),
    },
    Spec {
        path: "process.working_directory",
        kind: Dict,
        get: |r| Val::Text(process(r).map_or("", |p| p.directory)),
    },
    Spec {
        path: "process.user.name",
        kind: Dict,
        get: |r| Val::Text(process(r).map_or("", |p| p.target_user)),
    },
    ACTOR_PID,
    Spec {
        path: "actor.user.name",
        kind: Dict,
        get: |r| Val::Required(process(r).map_or("", |p| p.user)),
    },
    // Here the device is required, so it is there even where the record names no host.
    Spec {
        path: "device.hostname",
        kind: Dict,
        get: |r| Val::Required(r.event.host),
    },
    Spec {
        path: "device.type_id",
        kind: I32,
        get: |_| 0.into(),
    },
];

fn message<'e>(r: &'e Row<'e>) -> Option<&'e Message<'e>> {
    match &r.event.body {
        Body::Message(m) => Some(m),
        _ => None,
    }
}

pub(super) const BASE: &[Spec] = &[
    Spec {
        path: "message",
        kind: Text,
        get: |r| Val::Required(message(r).map_or("", |m| m.text)),
    },
    ACTOR_PID,
    Spec {
        path: "actor.user.name",
        kind: Dict,
        get: |r| Val::Text(message(r).map_or("", |m| m.user)),
    },
    DEVICE_HOST,
    DEVICE_TYPE,
    // The base event has no endpoint.
    Spec {
        path: "unmapped.src_ip",
        kind: Dict,
        get: |r| Val::Ip(message(r).and_then(|m| m.src_ip)),
    },
];
