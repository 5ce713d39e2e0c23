//! Columns of every class.

use super::Class;
use crate::column::Kind::{Dict, I32, I64, List, SameI32, SameText, Time};
use crate::column::{Row, Spec, Val, number};
use vauban_ocsf::{Body, NetAction, Product, Severity, Status};

pub(super) const FIRST: &[Spec] = &[
    Spec {
        path: "time",
        kind: Time,
        get: |r| Val::Int(Some(r.event.time.0)),
    },
    Spec {
        path: "activity_id",
        kind: I32,
        get: |r| r.activity.0.into(),
    },
    Spec {
        path: "activity_name",
        kind: Dict,
        get: |r| Val::Required(r.activity.1),
    },
    Spec {
        path: "category_uid",
        kind: SameI32,
        get: |r| (class(r).uid() / 1000).into(),
    },
    Spec {
        path: "category_name",
        kind: SameText,
        get: |r| Val::Required(class(r).category()),
    },
    Spec {
        path: "class_uid",
        kind: SameI32,
        get: |r| class(r).uid().into(),
    },
    Spec {
        path: "class_name",
        kind: SameText,
        get: |r| Val::Required(class(r).caption()),
    },
    Spec {
        path: "type_uid",
        kind: I64,
        get: |r| (class(r).uid() * 100 + r.activity.0).into(),
    },
    Spec {
        path: "severity_id",
        kind: I32,
        get: |r| severity(&r.event.body).into(),
    },
    Spec {
        path: "metadata.version",
        kind: SameText,
        get: |r| Val::Required(class(r).version()),
    },
    Spec {
        path: "metadata.profiles",
        kind: List,
        get: |r| match r.event.body {
            Body::Network(_) | Body::Dns(_) | Body::Alert(_) => Val::List("host,security_control"),
            _ => Val::List("host"),
        },
    },
    Spec {
        path: "metadata.product.name",
        kind: Dict,
        get: |r| Val::Required(r.event.product.name()),
    },
    Spec {
        path: "metadata.product.vendor_name",
        kind: Dict,
        get: |r| Val::Required(vendor(r.event.product)),
    },
];

/// Where the record stands: an addition of ours, documented in `docs/OCSF.md`.
pub(super) const LAST: &[Spec] = &[
    Spec {
        path: "evidence.artefact",
        kind: Dict,
        get: |r| Val::Required(r.artefact),
    },
    Spec {
        path: "evidence.artefact_id",
        kind: I64,
        get: |r| r.event.evidence.artefact.0.into(),
    },
    Spec {
        path: "evidence.offset",
        kind: I64,
        get: |r| number(Some(r.event.evidence.offset)),
    },
    Spec {
        path: "evidence.length",
        kind: I64,
        get: |r| r.event.evidence.length.into(),
    },
];

fn class(r: &Row<'_>) -> Class {
    Class::of(&r.event.body)
}

fn severity(body: &Body<'_>) -> i32 {
    let severity = match body {
        Body::Message(m) => m.severity,
        Body::Alert(a) => a.severity,
        _ => Severity::Info,
    };
    match severity {
        Severity::Info => 1,
        Severity::Warning => 3,
        Severity::Error => 4,
    }
}

/// `status_id`.
pub(super) fn status(status: Status) -> Val<'static> {
    Val::Int(Some(match status {
        Status::Unknown => 0,
        Status::Success => 1,
        Status::Failure => 2,
    }))
}

/// Who makes the program.
const fn vendor(product: Product) -> &'static str {
    match product {
        Product::Postfix => "Postfix",
        Product::Dovecot => "Dovecot",
        Product::Exim => "Exim",
        Product::Roundcube => "Roundcube",
        Product::Nginx => "nginx",
        Product::Apache => "The Apache Software Foundation",
        Product::PhpFpm => "The PHP Group",
        Product::Sshd => "OpenBSD",
        Product::Pam => "Linux-PAM",
        Product::Sudo => "Sudo",
        Product::Fail2ban => "Fail2Ban",
        Product::Netfilter | Product::Conntrack => "netfilter.org",
        Product::Zeek => "Zeek",
        Product::Suricata => "OISF",
        Product::Nfdump => "nfdump",
        Product::Pcap => "tcpdump.org",
        Product::Stalwart => "Stalwart Labs",
        Product::Cron => "cron",
        Product::Systemd => "systemd",
        Product::Kernel => "kernel.org",
        Product::Auditd => "Linux Audit",
        Product::Squid => "Squid",
        Product::Unbound => "NLnet Labs",
        Product::Bind => "ISC",
        Product::Dnsmasq => "Simon Kelley",
        Product::Rspamd => "Rspamd",
        Product::OpenDkim | Product::OpenDmarc => "The Trusted Domain Project",
        Product::Sogo => "Alinto",
        Product::Zimbra => "Synacor",
        Product::Horde => "The Horde Project",
        Product::Cyrus => "Cyrus IMAP",
        Product::Caddy => "Caddy",
        Product::Other => "other",
    }
}

/// `action_id` of the profile security_control: 1 allowed, 2 denied.
pub(super) fn action(action: NetAction) -> Val<'static> {
    match action {
        NetAction::Allowed => 1.into(),
        NetAction::Blocked => 2.into(),
        NetAction::Unknown => 0.into(),
    }
}

/// Last component of a path.
pub(super) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `device.hostname` and `device.type_id`: the host that wrote the record.
pub(super) const DEVICE_HOST: Spec = Spec {
    path: "device.hostname",
    kind: Dict,
    get: |r| Val::Text(r.event.host),
};
/// The type is required where there is a device; logs never tell it.
pub(super) const DEVICE_TYPE: Spec = Spec {
    path: "device.type_id",
    kind: I32,
    get: |r| {
        if r.event.host.is_empty() {
            Val::Null
        } else {
            0.into()
        }
    },
};
/// `actor.process.pid`: the daemon process that wrote the record.
pub(super) const ACTOR_PID: Spec = Spec {
    path: "actor.process.pid",
    kind: I64,
    get: |r| number(r.event.pid),
};
