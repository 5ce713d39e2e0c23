//! What the tests of the web half share.

#![allow(dead_code)]

use std::path::PathBuf;
use vauban_evidence::TimeBase;
use vauban_ocsf::{ArtefactId, Body, Event, EventSink, Evidence, Timestamp};
use vauban_sources::{Context, LogFormat};

/// The data of others, or `None` (said aloud) where this machine has none.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VAUBAN_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let path = root.join("data").join(folder);
    if path.is_dir() {
        Some(path)
    } else {
        eprintln!("{} is absent: only own examples are tested", path.display());
        None
    }
}

/// An event, owned, in the few words the tests compare.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    pub kind: &'static str,
    pub time: Timestamp,
    pub offset: u64,
    pub length: u32,
    pub ip: Option<String>,
    pub user: String,
    pub status: String,
    pub method: String,
    pub path: String,
    pub query: String,
    pub agent: String,
    pub referrer: String,
    pub bytes: Option<u64>,
    pub bytes_in: Option<u64>,
    pub text: String,
    pub debug: String,
}

/// Keeps everything, and how often each line was accounted for.
#[derive(Default)]
pub struct Keep {
    pub events: Vec<Seen>,
    pub ignored: Vec<Evidence>,
    pub unparsed: Vec<(Evidence, &'static str)>,
}

impl EventSink for Keep {
    fn event(&mut self, event: &Event<'_>) {
        let ip = |ip: Option<std::net::IpAddr>| ip.map(|ip| ip.to_string());
        let mut seen = Seen {
            time: event.time,
            offset: event.evidence.offset,
            length: event.evidence.length,
            debug: format!("{:?}", event.body),
            ..Seen::default()
        };
        match &event.body {
            Body::Logon(logon) => {
                seen.kind = "logon";
                seen.ip = ip(logon.src_ip);
                seen.user = logon.user.into();
                seen.status = format!("{:?}", logon.status);
                seen.text = logon.detail.into();
            }
            Body::Http(http) => {
                seen.kind = "http";
                seen.ip = ip(http.src_ip);
                seen.user = http.user.into();
                seen.status = http.status.map(|code| code.to_string()).unwrap_or_default();
                seen.method = http.method.into();
                seen.path = http.path.into();
                seen.query = http.query.into();
                seen.agent = http.user_agent.into();
                seen.referrer = http.referrer.into();
                seen.bytes = http.bytes_out;
                seen.bytes_in = http.bytes_in;
            }
            Body::Message(message) => {
                seen.kind = "message";
                seen.ip = ip(message.src_ip);
                seen.text = message.text.into();
            }
            Body::Network(network) => {
                seen.kind = "network";
                seen.ip = ip(network.src_ip);
                seen.bytes = network.bytes_out;
                seen.bytes_in = network.bytes_in;
                seen.text = network.label.into();
            }
            Body::Email(_) => seen.kind = "email",
            Body::Account(_) => seen.kind = "account",
            Body::Mailbox(_) => seen.kind = "mailbox",
            _ => seen.kind = "other",
        }
        self.events.push(seen);
    }

    fn ignored(&mut self, evidence: Evidence, _: Option<Timestamp>) {
        self.ignored.push(evidence);
    }

    fn unparsed(&mut self, evidence: Evidence, why: &'static str) {
        self.unparsed.push((evidence, why));
    }
}

pub fn context(zone: &str, latest: (i32, u32, u32), layouts: &[&str]) -> Context {
    Context {
        artefact: ArtefactId(0),
        time: TimeBase {
            zone: jiff::tz::TimeZone::get(zone).expect("a zone of the bundled database"),
            ..TimeBase::utc(latest)
        },
        access_layouts: layouts.iter().map(|&layout| layout.to_owned()).collect(),
    }
}

/// Parses bytes with a format.
pub fn parse(format: &dyn LogFormat, context: &Context, bytes: &[u8]) -> Keep {
    let mut keep = Keep::default();
    let mut reader = bytes;
    match format.mode() {
        vauban_sources::Mode::Lines => format.parse(context, bytes, 0, &mut keep),
        vauban_sources::Mode::Stream => format
            .parse_stream(context, &mut reader, &mut keep)
            .expect("memory can be read"),
    }
    keep
}

/// Checks that every non-empty line was accounted for exactly once: events of one line count once.
pub fn all_accounted(bytes: &[u8], keep: &Keep) -> Result<(), String> {
    let mut expected = Vec::new();
    let mut offset = 0u64;
    for raw in bytes.split(|&b| b == b'\n') {
        let cut = raw.strip_suffix(b"\r").unwrap_or(raw);
        if !cut.is_empty() {
            expected.push(offset);
        }
        offset += raw.len() as u64 + 1;
    }
    let mut events: Vec<u64> = keep.events.iter().map(|event| event.offset).collect();
    events.dedup();
    let mut seen = events;
    seen.extend(keep.ignored.iter().map(|evidence| evidence.offset));
    seen.extend(keep.unparsed.iter().map(|(evidence, _)| evidence.offset));
    seen.sort_unstable();
    if seen == expected {
        Ok(())
    } else {
        Err(format!("accounted for {seen:?}, lines at {expected:?}"))
    }
}
