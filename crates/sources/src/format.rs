//! What a log format is, and the list of them.
//!
//! To add a format: write one file with a type that implements [`LogFormat`], add it to
//! [`FORMATS`], put real lines with the facts expected of them beside the others under `tests/`,
//! and describe it in `docs/FORMATS.md`.

use std::io::{self, Read};
use vauban_evidence::TimeBase;
use vauban_ocsf::{ArtefactId, EventSink};

/// What a parser is told about the artefact it reads.
#[derive(Clone, Debug)]
pub struct Context {
    /// The artefact that the events' evidence points into.
    pub artefact: ArtefactId,
    /// Its clock.
    pub time: TimeBase,
    /// Layouts of access logs declared by web server configuration in the evidence (Apache
    /// `LogFormat`, nginx `log_format`), most specific to this artefact first; empty if none.
    pub access_layouts: Vec<String>,
}

/// How a format is to be read.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Newline-separated and stateless: may be given in pieces that end at a line end.
    Lines,
    /// Must be read from its beginning to its end by one parser.
    Stream,
}

/// One log format.
pub trait LogFormat: Sync {
    /// Short stable name ("dovecot", "nginx-access").
    fn name(&self) -> &'static str;

    /// How sure this format is, from 0 (no) to 100 (certain), that the artefact is its own, given
    /// the path and the first bytes (up to 64 KiB, possibly cut inside a line).
    fn sniff(&self, path: &str, head: &[u8]) -> u8;

    /// How it is to be read.
    fn mode(&self) -> Mode {
        Mode::Lines
    }

    /// Parses whole lines that stand at `offset` in the artefact. The last line may lack its
    /// newline. Only for [`Mode::Lines`].
    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink);

    /// Parses the artefact from its beginning. Only for [`Mode::Stream`]. A read error is
    /// returned; everything before it has been delivered.
    fn parse_stream(
        &self,
        context: &Context,
        reader: &mut dyn Read,
        sink: &mut dyn EventSink,
    ) -> io::Result<()> {
        let mut all = Vec::new();
        reader.read_to_end(&mut all)?;
        self.parse(context, &all, 0, sink);
        Ok(())
    }
}

/// All formats. The one with the highest [`LogFormat::sniff`] reads an artefact; the first wins a
/// tie; below [`SNIFF_MIN`] none does.
pub static FORMATS: &[&dyn LogFormat] = &[
    &crate::syslog::Syslog,
    &crate::syslog::DovecotEvents,
    &crate::journald::JournalJson,
    &crate::journald::JournalExport,
    &crate::stalwart::Stalwart,
    &crate::web::APACHE_ACCESS,
    &crate::web::NGINX_ACCESS,
    &crate::web::JSON_ACCESS,
    &crate::web::NGINX_ERROR,
    &crate::web::APACHE_ERROR,
    &crate::roundcube::ROUNDCUBE,
    &crate::web::PHP_LOG,
    &crate::flows::CONNTRACK,
    &crate::flows::ZEEK_CONN,
    &crate::flows::ZEEK_CONN_JSON,
    &crate::flows::SURICATA,
    &crate::flows::NFDUMP,
    &crate::flows::PCAP,
    &crate::auditd::AUDITD,
    &crate::zeek::ZEEK_TSV,
    &crate::zeek::ZEEK_JSON,
    &crate::squid::SQUID,
    &crate::dnslog::BIND,
    &crate::dnslog::UNBOUND,
    &crate::zimbra::ZIMBRA,
    &crate::rspamd_history::RSPAMD_HISTORY,
    &crate::eximreject::EXIM_REJECT,
];

/// Least certainty with which a format is chosen.
pub const SNIFF_MIN: u8 = 20;

/// The format that reads an artefact, if any.
pub fn recognise(path: &str, head: &[u8]) -> Option<&'static dyn LogFormat> {
    let mut best: Option<(&dyn LogFormat, u8)> = None;
    for format in FORMATS {
        let score = format.sniff(path, head);
        if score >= SNIFF_MIN && best.is_none_or(|(_, b)| score > b) {
            best = Some((*format, score));
        }
    }
    best.map(|(format, _)| format)
}
