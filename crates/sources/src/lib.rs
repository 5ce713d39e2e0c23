//! Bytes of one artefact turned into OCSF events, one file per format.
//!
//! Parsing never fails, it degrades: every line becomes events, or is counted as ignored, or as
//! unparsed with its offset. Parsers keep no state between lines wherever the format allows, so
//! that an artefact can be split at any line and parsed by several threads.
//!
//! **What this crate deliberately is not:** it opens no file, joins no lines of different
//! records, and judges nothing.

pub mod auditd;
pub mod database;
pub mod dnslog;
pub mod eximreject;
pub mod field;
pub mod flows;
mod format;
pub mod journald;
pub mod json;
mod line;
pub mod mapping;
pub mod packages;
pub mod roundcube;
pub mod rspamd_history;
pub mod squid;
pub mod stalwart;
pub mod stamp;
pub mod syslog;
pub mod web;
pub mod zeek;
pub mod zimbra;

pub use format::*;
pub use line::*;
