//! Web Resources Activity 6001 and File Hosting Activity 6006: use of a mailbox.

use super::common::{ACTOR_PID, DEVICE_HOST, DEVICE_TYPE, base, status};
use crate::column::Kind::{Dict, I32, I64, SameText, Text};
use crate::column::{Row, Spec, Val, number};
use vauban_ocsf::{Body, FileActivity, Mailbox, MailboxAction};

fn mailbox<'e>(r: &'e Row<'e>) -> Option<&'e Mailbox<'e>> {
    match &r.event.body {
        Body::Mailbox(m) => Some(m),
        _ => None,
    }
}

/// Whether a FETCH asked for content of messages, by its arguments (RFC 9051, section 6.4.5):
/// `BODY[…]` and `BINARY[…]` other than of headers, and the old `RFC822` and `RFC822.TEXT`.
/// Without arguments it is taken to have: what cannot be told is not to be called harmless.
pub(super) fn fetches_content(m: &Mailbox<'_>) -> bool {
    let arguments = m.arguments.to_ascii_uppercase();
    if arguments.is_empty() {
        return true;
    }
    let section = |open: &str| {
        arguments.match_indices(open).any(|(at, _)| {
            let inside = &arguments[at + open.len()..];
            let inside = inside.split(']').next().unwrap_or(inside);
            !inside.starts_with("HEADER")
                && !inside.contains(".HEADER")
                && !inside.ends_with("MIME")
        })
    };
    section("BODY[")
        || section("BODY.PEEK[")
        || section("BINARY[")
        || section("BINARY.PEEK[")
        || arguments
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '.'))
            .any(|word| word == "RFC822" || word == "RFC822.TEXT")
}

macro_rules! text {
    ($path:literal, $kind:ident, $field:ident) => {
        Spec {
            path: $path,
            kind: $kind,
            get: |r| Val::Text(mailbox(r).map_or("", |m| m.$field)),
        }
    };
}

macro_rules! count {
    ($path:literal, $field:ident) => {
        Spec {
            path: $path,
            kind: I64,
            get: |r| number(mailbox(r).and_then(|m| m.$field)),
        }
    };
}

const STATUS: Spec = Spec {
    path: "status_id",
    kind: I32,
    get: |r| status(mailbox(r).map(|m| m.status).unwrap_or_default()),
};
const SRC_IP: Spec = Spec {
    path: "src_endpoint.ip",
    kind: Dict,
    get: |r| Val::Ip(mailbox(r).and_then(|m| m.src_ip)),
};
/// Always there, so that the endpoint is: an event of a daemon may not carry the address.
const SRC_SERVICE: Spec = Spec {
    path: "src_endpoint.svc_name",
    kind: Dict,
    get: |r| Val::Required(mailbox(r).map_or("", |m| m.service.name())),
};
const ACTION: Spec = Spec {
    path: "unmapped.action",
    kind: Dict,
    get: |r| {
        Val::Text(mailbox(r).map_or("", |m| match m.action {
            MailboxAction::Opened => "opened",
            MailboxAction::Fetch => "fetch",
            MailboxAction::Search => "search",
            MailboxAction::List => "list",
            MailboxAction::Command => "command",
            MailboxAction::Save => "save",
            MailboxAction::Copy => "copy",
            MailboxAction::Delete => "delete",
            MailboxAction::Undelete => "undelete",
            MailboxAction::Expunge => "expunge",
            MailboxAction::FlagChange => "flag_change",
            MailboxAction::MailboxCreate => "mailbox_create",
            MailboxAction::MailboxDelete => "mailbox_delete",
            MailboxAction::MailboxRename => "mailbox_rename",
            MailboxAction::SieveScript => "sieve_script",
        }))
    },
};

/// The mailbox is the resource.
pub(super) const WEB_RESOURCES: &[Spec] = &[
    STATUS,
    Spec {
        path: "web_resources[].name",
        kind: Dict,
        get: |r| Val::Text(mailbox(r).map_or("", |m| m.mailbox)),
    },
    // The account that the mailbox belongs to.
    Spec {
        path: "web_resources[].uid",
        kind: Dict,
        get: |r| Val::Required(mailbox(r).map_or("", |m| m.user)),
    },
    Spec {
        path: "web_resources[].type",
        kind: SameText,
        get: |_| Val::Required("mailbox"),
    },
    SRC_IP,
    SRC_SERVICE,
    ACTOR_PID,
    text!("actor.user.name", Dict, user),
    text!("actor.session.uid", Text, session),
    DEVICE_HOST,
    DEVICE_TYPE,
    ACTION,
    text!("unmapped.other_mailbox", Dict, other_mailbox),
    text!("unmapped.uids", Text, uids),
    text!("unmapped.message_id", Text, message_id),
    count!("unmapped.size", size),
    count!("unmapped.vsize", vsize),
    text!("unmapped.flags", Dict, flags),
    text!("unmapped.from", Text, from),
    text!("unmapped.subject", Text, subject),
    text!("unmapped.command", Dict, command),
    text!("unmapped.arguments", Text, arguments),
    count!("unmapped.bytes_out", bytes_out),
    count!("unmapped.bytes_in", bytes_in),
];

fn transfer<'e>(r: &'e Row<'e>) -> Option<&'e FileActivity<'e>> {
    match &r.event.body {
        Body::File(f) => Some(f),
        _ => None,
    }
}

macro_rules! transfer_text {
    ($path:literal, $kind:ident, $field:ident) => {
        Spec {
            path: $path,
            kind: $kind,
            get: |r| Val::Text(transfer(r).map_or("", |f| f.$field)),
        }
    };
}

/// The message is the file, the mailbox its path; or a file that a sensor saw in transfer.
pub(super) const FILE_HOSTING: &[Spec] = &[
    STATUS,
    Spec {
        path: "file.name",
        kind: Text,
        get: |r| {
            Val::Required(match &r.event.body {
                Body::Mailbox(m) if m.message_id.is_empty() => m.uids,
                Body::Mailbox(m) => m.message_id,
                Body::File(f) => base(f.path),
                _ => "",
            })
        },
    },
    text!("file.path", Dict, mailbox),
    text!("file.uid", Text, uids),
    Spec {
        path: "file.size",
        kind: I64,
        get: |r| {
            number(match &r.event.body {
                Body::Mailbox(m) => m.size,
                Body::File(f) => f.size,
                _ => None,
            })
        },
    },
    transfer_text!("file.mime_type", Dict, mime),
    Spec {
        path: "file.hashes[].algorithm_id",
        kind: I32,
        get: |r| transfer(r).map_or(Val::Null, |f| super::file::strongest(f).0),
    },
    Spec {
        path: "file.hashes[].value",
        kind: Text,
        get: |r| Val::Text(transfer(r).map_or("", |f| super::file::strongest(f).1)),
    },
    Spec {
        path: "file.type_id",
        kind: I32,
        // 1: a regular file.
        get: |r| {
            if transfer(r).is_some() {
                1.into()
            } else {
                99.into()
            }
        },
    },
    Spec {
        path: "file.type",
        kind: Dict,
        get: |r| {
            Val::Required(if transfer(r).is_some() {
                "file"
            } else {
                "message"
            })
        },
    },
    Spec {
        path: "src_endpoint.ip",
        kind: Dict,
        get: |r| {
            Val::Ip(match &r.event.body {
                Body::Mailbox(m) => m.src_ip,
                Body::File(f) => f.src_ip,
                _ => None,
            })
        },
    },
    Spec {
        path: "src_endpoint.svc_name",
        kind: Dict,
        get: |r| {
            Val::Required(match &r.event.body {
                Body::Mailbox(m) => m.service.name(),
                Body::File(f) => f.service,
                _ => "",
            })
        },
    },
    Spec {
        path: "dst_endpoint.ip",
        kind: Dict,
        get: |r| Val::Ip(transfer(r).and_then(|f| f.dst_ip)),
    },
    ACTOR_PID,
    Spec {
        path: "actor.user.name",
        kind: Dict,
        get: |r| Val::Required(mailbox(r).map_or("", |m| m.user)),
    },
    text!("actor.session.uid", Text, session),
    DEVICE_HOST,
    DEVICE_TYPE,
    Spec {
        path: "unmapped.action",
        kind: Dict,
        get: |r| {
            if transfer(r).is_some() {
                Val::Text("transferred")
            } else {
                (ACTION.get)(r)
            }
        },
    },
    transfer_text!("unmapped.md5", Text, md5),
    transfer_text!("unmapped.sha1", Text, sha1),
    transfer_text!("unmapped.sha256", Text, sha256),
    transfer_text!("unmapped.operation", Dict, operation),
    transfer_text!("unmapped.flow_uid", Text, flow_uid),
    count!("unmapped.vsize", vsize),
    text!("unmapped.flags", Dict, flags),
    text!("unmapped.from", Text, from),
    text!("unmapped.subject", Text, subject),
    text!("unmapped.command", Dict, command),
    text!("unmapped.arguments", Text, arguments),
    count!("unmapped.bytes_out", bytes_out),
    count!("unmapped.bytes_in", bytes_in),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_or_header() {
        for (arguments, content) in [
            ("1:* (FLAGS)", false),
            ("1:* (UID BODY.PEEK[HEADER.FIELDS (FROM TO)])", false),
            ("7 (BODY[])", true),
            ("7 body.peek[1.2]<0.4096>", true),
            ("7 (BODY[1.MIME])", false),
            ("7 (RFC822.SIZE ENVELOPE)", false),
            ("7 (RFC822)", true),
            ("7 (RFC822.HEADER)", false),
            ("7 (BODYSTRUCTURE)", false),
            ("", true),
        ] {
            let m = Mailbox {
                action: MailboxAction::Fetch,
                arguments,
                ..Default::default()
            };
            assert_eq!(fetches_content(&m), content, "{arguments}");
        }
    }
}
