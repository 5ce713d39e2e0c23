//! What the tests of sensors, resolvers, auditd and other webmails share.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use vauban_evidence::TimeBase;
use vauban_ocsf::{ArtefactId, Body, Event, EventSink, Evidence, Timestamp};
use vauban_sources::{Context, LogFormat};

/// An event: the facts that labels of others speak of, and all of it as text.
#[derive(Clone, Debug, Default)]
pub struct Fact {
    pub class: u32,
    pub at: (u64, u64),
    pub time: String,
    pub product: &'static str,
    pub host: String,
    pub pid: Option<u32>,
    pub ip: String,
    pub user: String,
    pub status: String,
    /// `{:?}` of the body.
    pub body: String,
}

impl Fact {
    /// Whether the body has a field of this value: `is("image", "\"/usr/bin/id\"")`.
    #[track_caller]
    pub fn is(&self, field: &str, value: &str) -> &Self {
        let wanted = format!("{field}: {value}");
        let found = self.body.match_indices(&wanted).any(|(at, _)| {
            let before = self.body[..at].chars().next_back();
            let after = self.body[at + wanted.len()..].chars().next();
            before == Some(' ') && matches!(after, Some(',' | ' ' | ')'))
        });
        assert!(found, "no {wanted} in {}", self.body);
        self
    }

    /// The same for a text.
    #[track_caller]
    pub fn says(&self, field: &str, text: &str) -> &Self {
        self.is(field, &format!("{text:?}"))
    }
}

/// Keeps everything.
#[derive(Default)]
pub struct Keep {
    pub facts: Vec<Fact>,
    pub ignored: Vec<Evidence>,
    pub unparsed: Vec<(Evidence, &'static str)>,
}

impl EventSink for Keep {
    fn event(&mut self, event: &Event<'_>) {
        let (ip, user, status) = match &event.body {
            Body::Logon(b) => (b.src_ip, b.user, format!("{:?}", b.status)),
            Body::Logoff(b) => (b.src_ip, b.user, String::new()),
            Body::Http(b) => (
                b.src_ip,
                b.user,
                b.status.map(|s| s.to_string()).unwrap_or_default(),
            ),
            Body::Email(b) => (b.src_ip, b.sasl_user, format!("{:?}", b.status)),
            Body::Mailbox(b) => (b.src_ip, b.user, format!("{:?}", b.status)),
            Body::Network(b) => (b.src_ip, "", format!("{:?}", b.action)),
            Body::Account(b) => (b.src_ip, b.user, format!("{:?}", b.status)),
            Body::Process(b) => (None, b.user, format!("{:?}", b.status)),
            Body::Dns(b) => (b.src_ip, "", format!("{:?}", b.action)),
            Body::File(b) => (b.src_ip, b.user, format!("{:?}", b.status)),
            Body::Alert(b) => (b.src_ip, "", format!("{:?}", b.action)),
            Body::Message(b) => (b.src_ip, b.user, format!("{:?}", b.severity)),
        };
        let start = event.evidence.offset;
        self.facts.push(Fact {
            class: event.body.class_uid(),
            at: (start, start + u64::from(event.evidence.length)),
            time: event.time.to_string(),
            product: event.product.name(),
            host: event.host.to_owned(),
            pid: event.pid,
            ip: ip.map(|ip| ip.to_string()).unwrap_or_default(),
            user: user.to_owned(),
            status,
            body: format!("{:?}", event.body),
        });
    }

    fn ignored(&mut self, evidence: Evidence, _: Option<Timestamp>) {
        self.ignored.push(evidence);
    }

    fn unparsed(&mut self, evidence: Evidence, why: &'static str) {
        self.unparsed.push((evidence, why));
    }
}

pub fn context() -> Context {
    Context {
        artefact: ArtefactId(1),
        time: TimeBase::utc((2026, 12, 31)),
        access_layouts: Vec::new(),
    }
}

/// Parses with a format.
pub fn parse(format: &dyn LogFormat, text: &[u8]) -> Keep {
    let mut keep = Keep::default();
    format.parse(&context(), text, 0, &mut keep);
    keep
}

/// Parses with the format that recognises it.
#[track_caller]
pub fn recognised(path: &str, text: &str, name: &str) -> Keep {
    let format = vauban_sources::recognise(path, text.as_bytes())
        .unwrap_or_else(|| panic!("no format for {path}: {text}"));
    assert_eq!(format.name(), name, "{text}");
    let keep = parse(format, text.as_bytes());
    accounted(text.as_bytes(), &keep).expect("every line once");
    keep
}

/// The only event of a line of syslog.
#[track_caller]
pub fn syslog(line: &str) -> Fact {
    let keep = parse(&vauban_sources::syslog::Syslog, line.as_bytes());
    accounted(line.as_bytes(), &keep).expect("every line once");
    assert_eq!(keep.facts.len(), 1, "{line}: {:?}", keep.facts);
    keep.facts[0].clone()
}

/// Whether every non-empty line is in exactly one place: events (several may share a place),
/// ignored, unparsed.
pub fn accounted(bytes: &[u8], keep: &Keep) -> Result<(), String> {
    let mut places: Vec<(u64, u64)> = keep.facts.iter().map(|f| f.at).collect();
    places.sort_unstable();
    places.dedup();
    let span = |e: &Evidence| (e.offset, e.offset + u64::from(e.length));
    places.extend(keep.ignored.iter().map(span));
    places.extend(keep.unparsed.iter().map(|(e, _)| span(e)));
    places.sort_unstable();
    let mut start = 0u64;
    for raw in bytes.split(|&b| b == b'\n') {
        let cut = raw.strip_suffix(b"\r").unwrap_or(raw);
        let end = start + cut.len() as u64;
        if !cut.is_empty() {
            let times = places
                .iter()
                .filter(|(from, to)| *from <= start && end <= *to)
                .count();
            if times != 1 {
                return Err(format!("line at {start} is in {times} places"));
            }
        }
        start += raw.len() as u64 + 1;
    }
    Ok(())
}

/// Other people's data, if it is there.
pub fn shared(below: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VAUBAN_SHARED").map_or_else(
        || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).to_owned(),
        PathBuf::from,
    );
    let path = root.join("data").join(below);
    if path.exists() {
        return Some(path);
    }
    eprintln!("{} is absent: only own lines are checked", path.display());
    None
}
