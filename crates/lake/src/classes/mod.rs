//! The event classes and their columns.
//!
//! `common` has what every class has; one file per group of classes has the rest. A column is a
//! path of the OCSF schema and a function from an event to its value. What OCSF has no attribute
//! for is under `unmapped`; where the record stands in the evidence, under `evidence`.

mod alert;
mod application;
mod common;
mod dns;
mod file;
mod iam;
mod network;
mod system;

use crate::column::Spec;
use vauban_ocsf::{Body, DnsActivity, EmailActivity, MailboxAction, NetAction};

/// An OCSF event class that events are written as.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// 3002.
    Authentication,
    /// 4002.
    Http,
    /// 4009.
    Email,
    /// 6001: a mailbox was searched, listed, changed.
    WebResources,
    /// 6006: a message was opened or fetched.
    FileHosting,
    /// 4001.
    Network,
    /// 3007.
    UserManagement,
    /// 1007.
    Process,
    /// 0.
    Base,
    /// 4003.
    Dns,
    /// 1001.
    File,
    /// 2004: another product's alert.
    Detection,
}

impl Class {
    /// All, in the order in which their files are closed.
    pub const ALL: &'static [Self] = &[
        Self::Authentication,
        Self::Http,
        Self::Email,
        Self::WebResources,
        Self::FileHosting,
        Self::Network,
        Self::UserManagement,
        Self::Process,
        Self::Base,
        Self::Dns,
        Self::File,
        Self::Detection,
    ];

    /// The class of an event.
    pub fn of(body: &Body<'_>) -> Self {
        match body.class_uid() {
            3002 => Self::Authentication,
            4002 => Self::Http,
            4009 => Self::Email,
            6001 => Self::WebResources,
            6006 => Self::FileHosting,
            4001 => Self::Network,
            3007 => Self::UserManagement,
            1007 => Self::Process,
            4003 => Self::Dns,
            1001 => Self::File,
            2004 => Self::Detection,
            _ => Self::Base,
        }
    }

    /// `class_uid`.
    pub const fn uid(self) -> i32 {
        match self {
            Self::Authentication => 3002,
            Self::Http => 4002,
            Self::Email => 4009,
            Self::WebResources => 6001,
            Self::FileHosting => 6006,
            Self::Network => 4001,
            Self::UserManagement => 3007,
            Self::Process => 1007,
            Self::Base => 0,
            Self::Dns => 4003,
            Self::File => 1001,
            Self::Detection => 2004,
        }
    }

    /// The schema's name for it, which is also the name of its file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Http => "http_activity",
            Self::Email => "email_activity",
            Self::WebResources => "web_resources_activity",
            Self::FileHosting => "file_hosting",
            Self::Network => "network_activity",
            Self::UserManagement => "user_management",
            Self::Process => "process_activity",
            Self::Base => "base_event",
            Self::Dns => "dns_activity",
            Self::File => "file_activity",
            Self::Detection => "detection_finding",
        }
    }

    /// `class_name`.
    pub const fn caption(self) -> &'static str {
        match self {
            Self::Authentication => "Authentication",
            Self::Http => "HTTP Activity",
            Self::Email => "Email Activity",
            Self::WebResources => "Web Resources Activity",
            Self::FileHosting => "File Hosting Activity",
            Self::Network => "Network Activity",
            Self::UserManagement => "User Management",
            Self::Process => "Process Activity",
            Self::Base => "Base Event",
            Self::Dns => "DNS Activity",
            Self::File => "File System Activity",
            Self::Detection => "Detection Finding",
        }
    }

    /// `category_name`.
    pub const fn category(self) -> &'static str {
        match self.uid() / 1000 {
            1 => "System Activity",
            2 => "Findings",
            3 => "Identity & Access Management",
            4 => "Network Activity",
            6 => "Application Activity",
            _ => "Uncategorized",
        }
    }

    /// Version of the schema that the class is written by. User Management came after 1.8.
    pub const fn version(self) -> &'static str {
        match self {
            Self::UserManagement => "1.9.0-dev",
            _ => "1.8.0",
        }
    }

    /// Attribute paths of the class's columns, in the order of its file; `a[].b` is attribute `b`
    /// of the elements of list `a`.
    pub fn paths(self) -> Vec<&'static str> {
        self.columns().iter().map(|s| s.path).collect()
    }

    /// The class's columns, in the order of its file.
    pub(crate) fn columns(self) -> Vec<&'static Spec> {
        let own = match self {
            Self::Authentication => iam::AUTHENTICATION,
            Self::UserManagement => iam::USER_MANAGEMENT,
            Self::Http => network::HTTP,
            Self::Email => network::EMAIL,
            Self::Network => network::NETWORK,
            Self::WebResources => application::WEB_RESOURCES,
            Self::FileHosting => application::FILE_HOSTING,
            Self::Process => system::PROCESS,
            Self::Base => system::BASE,
            Self::Dns => dns::DNS,
            Self::File => file::FILE,
            Self::Detection => alert::DETECTION,
        };
        common::FIRST
            .iter()
            .chain(own)
            .chain(common::LAST)
            .collect()
    }

    /// Whether an attribute (or object) is there in every event: what the schema requires, and
    /// what is ours to give.
    pub(crate) fn is_required(self, path: &str) -> bool {
        const ALL: &[&str] = &[
            "activity_id",
            "activity_name",
            "category_uid",
            "category_name",
            "class_uid",
            "class_name",
            "type_uid",
            "severity_id",
            "time",
            "metadata",
            "metadata.version",
            "metadata.profiles",
            "metadata.product",
            "metadata.product.name",
            "metadata.product.vendor_name",
            "evidence",
            "evidence.artefact",
            "evidence.artefact_id",
            "evidence.offset",
            "evidence.length",
        ];
        let own: &[&str] = match self {
            Self::Authentication => &["user", "user.name", "service", "service.name", "status_id"],
            Self::UserManagement => &["user", "user.name", "status_id"],
            Self::Http => &["http_request", "http_request.url", "http_request.url.path"],
            Self::Email => &["direction_id", "email", "status_id"],
            Self::WebResources => &["web_resources", "status_id"],
            Self::FileHosting => &[
                "actor",
                "actor.user",
                "actor.user.name",
                "file",
                "file.name",
                "file.type_id",
                "src_endpoint",
                "src_endpoint.svc_name",
                "status_id",
            ],
            Self::Network => &[
                "connection_info",
                "connection_info.direction_id",
                "action_id",
            ],
            Self::Process => &[
                "actor",
                "actor.user",
                "actor.user.name",
                "device",
                "device.hostname",
                "device.type_id",
                "process",
                "process.uid",
                "status_id",
            ],
            Self::Base => &["message"],
            Self::Dns => &["action_id"],
            Self::File => &[
                "actor",
                "actor.user",
                "actor.user.name",
                "device",
                "device.hostname",
                "device.type_id",
                "file",
                "file.name",
                "file.type_id",
                "status_id",
            ],
            Self::Detection => &[
                "finding_info",
                "finding_info.uid",
                "finding_info.title",
                "is_alert",
                "action_id",
            ],
        };
        ALL.contains(&path) || own.contains(&path)
    }

    /// `activity_id` in this class, and `activity_name`: the schema's caption, or our own word
    /// where the id is 99.
    pub(crate) fn activity(self, body: &Body<'_>) -> (i32, &'static str) {
        match body {
            Body::Logon(_) => (1, "Logon"),
            Body::Logoff(_) => (2, "Logoff"),
            Body::Http(h) => network::method(h.method),
            Body::Email(e) => match e.activity {
                EmailActivity::Accepted | EmailActivity::Rejected => (2, "Receive"),
                EmailActivity::Delivered | EmailActivity::Forwarded | EmailActivity::Submitted => {
                    (1, "Send")
                }
                EmailActivity::Identified | EmailActivity::Queued | EmailActivity::Removed => {
                    (4, "Trace")
                }
                EmailActivity::Other => (99, "Other"),
            },
            Body::Mailbox(m) => match m.action {
                MailboxAction::Opened => (14, "Open"),
                MailboxAction::Fetch if application::fetches_content(m) => (2, "Download"),
                MailboxAction::Fetch => (9, "Preview"),
                MailboxAction::Search => (5, "Search"),
                MailboxAction::List => (2, "Read"),
                MailboxAction::Save | MailboxAction::Copy | MailboxAction::MailboxCreate => {
                    (1, "Create")
                }
                MailboxAction::Delete | MailboxAction::Expunge | MailboxAction::MailboxDelete => {
                    (4, "Delete")
                }
                MailboxAction::Undelete
                | MailboxAction::FlagChange
                | MailboxAction::MailboxRename
                | MailboxAction::SieveScript => (3, "Update"),
                MailboxAction::Command => (99, "Command"),
            },
            Body::Network(n) => match (n.action, n.unanswered, n.bytes_out.or(n.packets_out)) {
                (NetAction::Blocked, ..) => (5, "Refuse"),
                (_, Some(true), _) => (4, "Fail"),
                (_, _, Some(_)) => (6, "Traffic"),
                _ => (1, "Open"),
            },
            Body::Account(a) => iam::account_activity(a.activity),
            Body::Process(_) => (1, "Launch"),
            Body::Dns(d) => match d.activity {
                DnsActivity::Query => (1, "Query"),
                DnsActivity::Response => (2, "Response"),
                DnsActivity::Both => (6, "Traffic"),
            },
            Body::File(f) => file::activity(f.action),
            Body::Alert(_) => (1, "Create"),
            Body::Message(_) => (99, "Message"),
        }
    }
}
