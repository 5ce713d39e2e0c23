//! What the tests of mail and syslog formats share: a sink that keeps what it is given in owned
//! form, and the folder of other people's logs.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vauban_evidence::TimeBase;
use vauban_ocsf::{ArtefactId, Body, Event, EventSink, Evidence, Product, Status, Timestamp};
use vauban_sources::{Context, LogFormat};

/// An event's facts that tests compare; `""` and `None` where the record does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fact {
    pub class: u32,
    pub offset: u64,
    pub time: String,
    pub product: &'static str,
    pub host: String,
    pub pid: Option<u32>,
    pub kind: &'static str,
    pub status: &'static str,
    pub user: String,
    pub ip: String,
    pub port: Option<u16>,
    pub src_host: String,
    /// The fields of an e-mail event that are not empty, by name.
    pub email: BTreeMap<&'static str, String>,
    /// `{:?}` of the body, for whatever else a test asks.
    pub body: String,
}

/// Keeps everything.
#[derive(Default)]
pub struct Keep {
    pub facts: Vec<Fact>,
    pub ignored: Vec<Evidence>,
    pub unparsed: Vec<(Evidence, &'static str)>,
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Unknown => "unknown",
        Status::Success => "success",
        Status::Failure => "failure",
    }
}

impl EventSink for Keep {
    fn event(&mut self, event: &Event<'_>) {
        let mut fact = Fact {
            class: event.body.class_uid(),
            offset: event.evidence.offset,
            time: event.time.to_string(),
            product: product(event.product),
            host: event.host.to_owned(),
            pid: event.pid,
            body: format!("{:?}", event.body),
            ..Fact::default()
        };
        let show = |ip: Option<std::net::IpAddr>| ip.map(|ip| ip.to_string()).unwrap_or_default();
        match &event.body {
            Body::Logon(b) => {
                fact.kind = "logon";
                fact.status = status(b.status);
                fact.user = b.user.to_owned();
                fact.ip = show(b.src_ip);
                fact.port = b.src_port;
                fact.src_host = b.src_host.to_owned();
            }
            Body::Logoff(b) => {
                fact.kind = "logoff";
                fact.user = b.user.to_owned();
                fact.ip = show(b.src_ip);
            }
            Body::Http(_) => fact.kind = "http",
            Body::Email(b) => {
                fact.kind = "email";
                let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
                fact.email = [
                    ("queue_id", b.queue_id.to_owned()),
                    ("message_id", b.message_id.to_owned()),
                    ("from", b.from.to_owned()),
                    ("to", b.to.to_owned()),
                    ("orig_to", b.orig_to.to_owned()),
                    ("size", number(b.size)),
                    ("recipients", number(b.recipients.map(u64::from))),
                    ("relay_host", b.relay_host.to_owned()),
                    ("relay_ip", show(b.relay_ip)),
                    ("relay_port", number(b.relay_port.map(u64::from))),
                    ("helo", b.helo.to_owned()),
                    ("dsn", b.dsn.to_owned()),
                    ("outcome", b.outcome.to_owned()),
                    ("detail", b.detail.to_owned()),
                    ("next_queue_id", b.next_queue_id.to_owned()),
                    ("mailbox", b.mailbox.to_owned()),
                    ("subject", b.subject.to_owned()),
                ]
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .collect();
                fact.status = status(b.status);
                fact.user = b.sasl_user.to_owned();
                fact.ip = show(b.src_ip);
                fact.port = b.src_port;
                fact.src_host = b.src_host.to_owned();
            }
            Body::Mailbox(b) => {
                fact.kind = "mailbox";
                fact.status = status(b.status);
                fact.user = b.user.to_owned();
                fact.ip = show(b.src_ip);
            }
            Body::Network(b) => {
                fact.kind = "network";
                fact.ip = show(b.src_ip);
                fact.port = b.src_port;
            }
            Body::Account(b) => {
                fact.kind = "account";
                fact.status = status(b.status);
                fact.user = b.user.to_owned();
                fact.ip = show(b.src_ip);
            }
            Body::Process(b) => {
                fact.kind = "process";
                fact.status = status(b.status);
                fact.user = b.user.to_owned();
            }
            Body::Dns(b) => {
                fact.kind = "dns";
                fact.ip = show(b.src_ip);
                fact.port = b.src_port;
            }
            Body::File(b) => {
                fact.kind = "file";
                fact.status = status(b.status);
                fact.user = b.user.to_owned();
                fact.ip = show(b.src_ip);
            }
            Body::Alert(b) => {
                fact.kind = "alert";
                fact.ip = show(b.src_ip);
                fact.port = b.src_port;
            }
            Body::Message(b) => {
                fact.kind = "message";
                fact.user = b.user.to_owned();
                fact.ip = show(b.src_ip);
            }
        }
        self.facts.push(fact);
    }

    fn ignored(&mut self, evidence: Evidence, _: Option<Timestamp>) {
        self.ignored.push(evidence);
    }

    fn unparsed(&mut self, evidence: Evidence, why: &'static str) {
        self.unparsed.push((evidence, why));
    }
}

fn product(product: Product) -> &'static str {
    product.name()
}

/// A context whose clock is UTC and whose latest date is the given one.
pub fn context(latest: (i32, u32, u32)) -> Context {
    Context {
        artefact: ArtefactId(1),
        time: TimeBase::utc(latest),
        access_layouts: Vec::new(),
    }
}

/// Parses bytes with a format.
pub fn parse(format: &dyn LogFormat, context: &Context, bytes: &[u8]) -> Keep {
    let mut keep = Keep::default();
    format.parse(context, bytes, 0, &mut keep);
    keep
}

/// Parses lines as syslog, stamps not later than 2025-12-31.
pub fn syslog(text: &str) -> Keep {
    parse(
        &vauban_sources::syslog::Syslog,
        &context((2025, 12, 31)),
        text.as_bytes(),
    )
}

/// The folder of other people's logs, if it is there.
pub fn shared(below: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VAUBAN_SHARED").map_or_else(
        || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).to_owned(),
        PathBuf::from,
    );
    let path = root.join("data").join(below);
    if path.exists() {
        return Some(path);
    }
    eprintln!(
        "{} is absent: only the test's own lines are checked",
        path.display()
    );
    None
}
