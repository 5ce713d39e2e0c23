//! What the caller gives beside the events.

use crate::contract::{AdvisorySummary, Text};
use crate::rules::SessionRules;
use std::net::IpAddr;
use vauban_mail::{Store, StoredMessage};
use vauban_ocsf::{ArtefactId, Evidence, Timestamp};

/// Everything an investigation is given.
pub struct Inputs<'a> {
    /// Mail store.
    pub store: &'a Store,
    /// Messages that lure rules name.
    pub lures: &'a [LureInput],
    /// Sieve scripts.
    pub sieve: &'a [SieveScript],
    /// Files found in web roots that should not be there, and other standing traces.
    pub traces: &'a [Trace],
    /// Indicators to look for.
    pub indicators: &'a dyn Indicators,
    /// What advisories said, for the report.
    pub advisories: &'a [AdvisorySummary],
    /// Rules about sessions.
    pub rules: &'a SessionRules,
    /// Access to the evidence's bytes.
    pub evidence: &'a dyn EvidenceText,
    /// Log artefacts: format, clock.
    pub logs: &'a [LogArtefact],
    /// What made it possible, found by other parts.
    pub exposure: &'a [crate::contract::Exposure],
}

/// A message that a lure rule names.
#[derive(Clone, Debug)]
pub struct LureInput {
    /// `(mailbox, message)` in the store.
    pub message: (usize, usize),
    /// Rule.
    pub rule: String,
    /// In words.
    pub text: Text,
    /// The lure acts when it is opened (script in the reader's webmail), rather than asking the
    /// reader to act.
    pub active: bool,
}

/// A Sieve script.
#[derive(Clone, Debug)]
pub struct SieveScript {
    /// Account, canonical.
    pub account: String,
    /// It is the active script.
    pub active: bool,
    /// Modification time.
    pub modified: Option<Timestamp>,
    /// Redirects.
    pub redirects: Vec<SieveRedirect>,
}

/// A redirect in a Sieve script.
#[derive(Clone, Debug)]
pub struct SieveRedirect {
    /// Address.
    pub to: String,
    /// Name of the rule.
    pub rule: String,
    /// Disabled by the webmail.
    pub disabled: bool,
    /// The action.
    pub evidence: Evidence,
}

/// A standing trace: a web shell, an added identity.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Kind, as in `Persistence::kind`.
    pub kind: String,
    /// Account, if any, canonical.
    pub account: String,
    /// In words.
    pub text: Text,
    /// When, if known.
    pub time: Option<Timestamp>,
    /// Strong enough to stand by itself.
    pub hostile: bool,
    /// Path on the web, to join with requests for it; empty if none.
    pub url_path: String,
    /// Where.
    pub evidence: Evidence,
}

/// A log artefact.
#[derive(Clone, Debug)]
pub struct LogArtefact {
    /// Artefact.
    pub artefact: ArtefactId,
    /// Format's name.
    pub format: String,
    /// Its clock, in words.
    pub clock: Vec<Text>,
}

/// Indicators of advisories.
pub trait Indicators {
    /// The advisory and value that names an address.
    fn match_ip(&self, ip: IpAddr) -> Option<String>;
    /// The advisory and value that names a browser.
    fn match_user_agent(&self, agent: &str) -> Option<String>;
    /// Advisory and indicator of an index pair of `Observations::hits`: `(kind, value, advisory)`.
    fn describe(&self, advisory: usize, indicator: usize) -> (String, String, String);
}

/// No indicators.
pub struct NoIndicators;

impl Indicators for NoIndicators {
    fn match_ip(&self, _: IpAddr) -> Option<String> {
        None
    }
    fn match_user_agent(&self, _: &str) -> Option<String> {
        None
    }
    fn describe(&self, _: usize, _: usize) -> (String, String, String) {
        Default::default()
    }
}

/// Access to the evidence's bytes.
pub trait EvidenceText {
    /// Path of an artefact.
    fn path(&self, artefact: ArtefactId) -> &str;
    /// The bytes as text (shortened) and the line number for text artefacts.
    fn excerpt(&self, evidence: Evidence) -> (String, Option<u64>);
    /// Whether a search would find the message. `fields` is what the webmail names
    /// (`subject,from`, `text`, empty for its default).
    fn message_matches(&self, message: &StoredMessage, query: &str, fields: &str) -> bool;
}
