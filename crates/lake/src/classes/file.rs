//! File System Activity 1001.

use super::common::{ACTOR_PID, base, status};
use crate::column::Kind::{Dict, I32, I64, Text};
use crate::column::{Row, Spec, Val, number};
use vauban_ocsf::{Body, FileAction, FileActivity};

fn file<'e>(r: &'e Row<'e>) -> Option<&'e FileActivity<'e>> {
    match &r.event.body {
        Body::File(f) => Some(f),
        _ => None,
    }
}

/// `activity_id` in 1001; a transfer is of 6006, where 2 is Download.
pub(super) fn activity(action: FileAction) -> (i32, &'static str) {
    match action {
        FileAction::Open => (14, "Open"),
        FileAction::Read => (2, "Read"),
        FileAction::Create => (1, "Create"),
        FileAction::Update => (3, "Update"),
        FileAction::Delete => (4, "Delete"),
        FileAction::Rename => (5, "Rename"),
        FileAction::SetAttributes => (6, "Set Attributes"),
        FileAction::SetSecurity => (7, "Set Security"),
        FileAction::Transferred => (2, "Download"),
    }
}

/// `algorithm_id` and value of the strongest hash that a record has.
pub(super) fn strongest<'e>(f: &'e FileActivity<'e>) -> (Val<'static>, &'e str) {
    [(3, f.sha256), (2, f.sha1), (1, f.md5)]
        .into_iter()
        .find(|(_, hash)| !hash.is_empty())
        .map_or((Val::Null, ""), |(id, hash)| (id.into(), hash))
}

macro_rules! text {
    ($path:literal, $kind:ident, $field:ident) => {
        Spec {
            path: $path,
            kind: $kind,
            get: |r| Val::Text(file(r).map_or("", |f| f.$field)),
        }
    };
}

pub(super) const FILE: &[Spec] = &[
    Spec {
        path: "status_id",
        kind: I32,
        get: |r| status(file(r).map(|f| f.status).unwrap_or_default()),
    },
    Spec {
        path: "file.name",
        kind: Dict,
        get: |r| Val::Required(file(r).map_or("", |f| base(f.path))),
    },
    text!("file.path", Text, path),
    Spec {
        path: "file.type_id",
        kind: I32,
        get: |_| 0.into(),
    },
    Spec {
        path: "file.size",
        kind: I64,
        get: |r| number(file(r).and_then(|f| f.size)),
    },
    text!("file.mime_type", Dict, mime),
    Spec {
        path: "file.hashes[].algorithm_id",
        kind: I32,
        get: |r| file(r).map_or(Val::Null, |f| strongest(f).0),
    },
    Spec {
        path: "file.hashes[].value",
        kind: Text,
        get: |r| Val::Text(file(r).map_or("", |f| strongest(f).1)),
    },
    Spec {
        path: "file_result.name",
        kind: Dict,
        get: |r| Val::Text(file(r).map_or("", |f| base(f.other_path))),
    },
    text!("file_result.path", Text, other_path),
    Spec {
        path: "file_result.type_id",
        kind: I32,
        get: |r| match file(r) {
            Some(f) if !base(f.other_path).is_empty() => 0.into(),
            _ => Val::Null,
        },
    },
    ACTOR_PID,
    Spec {
        path: "actor.user.name",
        kind: Dict,
        get: |r| Val::Required(file(r).map_or("", |f| f.user)),
    },
    // As in Process Activity the device is required.
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
    text!("unmapped.directory", Dict, directory),
    text!("unmapped.target_user", Dict, target_user),
    text!("unmapped.image", Dict, image),
    text!("unmapped.process_name", Dict, name),
    text!("unmapped.operation", Dict, operation),
    text!("unmapped.rule", Dict, rule),
];
