//! Process Activity 1007 and the Base Event 0.

use super::common::{ACTOR_PID, DEVICE_HOST, DEVICE_TYPE, base, status};
use crate::column::Kind::{Dict, I32, I64, List, Text};
use crate::column::{Row, Spec, Val, number};
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
    // Most logs do not number the process launched, and numbers come round: the place of the
    // record identifies it.
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
    Spec {
        path: "process.pid",
        kind: I64,
        get: |r| number(process(r).and_then(|p| p.pid)),
    },
    Spec {
        path: "process.name",
        kind: Dict,
        get: |r| Val::Text(process(r).map_or("", |p| p.name)),
    },
    Spec {
        path: "process.file.path",
        kind: Dict,
        get: |r| Val::Text(process(r).map_or("", |p| p.image)),
    },
    Spec {
        path: "process.file.name",
        kind: Dict,
        get: |r| Val::Text(process(r).map_or("", |p| base(p.image))),
    },
    Spec {
        path: "process.file.type_id",
        kind: I32,
        get: |r| match process(r) {
            Some(p) if !p.image.is_empty() => 1.into(),
            _ => Val::Null,
        },
    },
    Spec {
        path: "process.parent_process.pid",
        kind: I64,
        get: |r| number(process(r).and_then(|p| p.parent_pid)),
    },
    Spec {
        path: "process.session.uid",
        kind: Dict,
        get: |r| Val::Text(process(r).map_or("", |p| p.session)),
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
    Spec {
        path: "unmapped.argv",
        kind: List,
        get: |r| Val::Parts(process(r).map_or("", |p| p.argv), '\0'),
    },
    Spec {
        path: "unmapped.terminal",
        kind: Dict,
        get: |r| Val::Text(process(r).map_or("", |p| p.terminal)),
    },
    Spec {
        path: "unmapped.rule",
        kind: Dict,
        get: |r| Val::Text(process(r).map_or("", |p| p.rule)),
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
