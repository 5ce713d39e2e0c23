//! `case.json`: the stable, versioned result of an investigation (`docs/case.schema.json`).
//!
//! Order of all lists is fixed by their content, times are RFC 3339 UTC, and nothing depends on
//! the clock or the machine, so the same evidence and rules give the same bytes. Text for people
//! is in English in `…` and in French in `…_fr`; codes and parameters stand beside it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of the structure; raised when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: &str = "1.1";

/// A sentence in both languages.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Text {
    /// English.
    #[serde(rename = "text")]
    pub en: String,
    /// French.
    #[serde(rename = "text_fr")]
    pub fr: String,
}

/// The whole case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Case {
    /// [`SCHEMA_VERSION`].
    pub schema_version: String,
    /// The answer.
    pub verdict: Verdict,
    /// How sure, in ICD 203 words.
    pub confidence: Confidence,
    /// The answer in a few sentences, English.
    pub summary: String,
    /// The same in French.
    pub summary_fr: String,
    /// What would settle an inconclusive verdict, or make a negative one stronger.
    pub would_settle: Vec<Text>,
    /// What the evidence could have shown.
    pub coverage: Vec<Coverage>,
    /// What the evidence cannot show, and why.
    pub unknowable: Vec<Text>,
    /// How the intruder got in.
    pub initial_access: Vec<InitialAccess>,
    /// Accounts seen.
    pub accounts: Vec<Account>,
    /// Sessions of intruders, of suspects, and legitimate ones that look alike. Ordinary sessions
    /// are counted in `totals`, not listed.
    pub sessions: Vec<Session>,
    /// What an intruder reached, message by message and part by part.
    pub ledger: Vec<LedgerEntry>,
    /// What the intruder searched for.
    pub searches: Vec<Search>,
    /// Secrets in messages that were read: what to reset, most urgent first.
    pub secrets: Vec<ExposedSecret>,
    /// What was left behind.
    pub persistence: Vec<Persistence>,
    /// Attempts at other hosts.
    pub lateral: Vec<Lateral>,
    /// Messages that attack the reader.
    pub lures: Vec<Lure>,
    /// Indicators met in the evidence.
    pub indicators: Vec<IndicatorHit>,
    /// What rules over events and files matched, each rule once, gravest first. They accuse no
    /// session by themselves: the verdict rests on the lists above.
    #[serde(default)]
    pub detections: Vec<Detection>,
    /// Advisories that were given and what was taken from each.
    pub advisories: Vec<AdvisorySummary>,
    /// Competing explanations. Empty until attribution exists: never filled with a guess.
    pub hypotheses: Vec<Hypothesis>,
    /// Named groups. Empty until attribution exists.
    pub groups: Vec<Group>,
    /// What made it possible.
    pub exposure: Vec<Exposure>,
    /// What to do, most urgent first.
    pub next_steps: Vec<NextStep>,
    /// Sums.
    pub totals: Totals,
}

/// The answer.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Verdict {
    Breached,
    NoEvidenceOfBreach,
    #[default]
    Inconclusive,
}

/// Probability as a word of ICD 203 and its interval.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Confidence {
    /// "almost certain", "very likely", "likely", "roughly even chance", …
    pub word: String,
    /// Lower end, 0–1.
    pub low: f64,
    /// Upper end, 0–1.
    pub high: f64,
}

/// A range of evidence with what stands there.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct EvidenceRef {
    /// Path of the artefact as in `manifest.json`.
    pub artefact: String,
    /// First byte.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
    /// Line number, from 1, for text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u64>,
    /// The bytes as text, at most 400 characters, invalid UTF-8 replaced.
    pub excerpt: String,
}

/// What one source could have shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Log format and artefact group ("dovecot", "nginx-access").
    pub source: String,
    /// Artefacts it was read from.
    pub artefacts: Vec<String>,
    /// Host that wrote it, if known.
    pub host: String,
    /// First record.
    pub from: Option<String>,
    /// Last record.
    pub to: Option<String>,
    /// Holes.
    pub gaps: Vec<Gap>,
    /// Events read.
    pub events: u64,
    /// Lines understood that carry nothing of use.
    pub ignored: u64,
    /// Lines not understood.
    pub unparsed: u64,
    /// Where the first few unparsed lines stand.
    pub unparsed_samples: Vec<EvidenceRef>,
    /// Clock: zone, where it comes from, offset changes, jumps.
    pub time_base: Vec<Text>,
    /// What this source proves and does not prove.
    pub proves: Text,
}

/// A hole in a source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// Last record before.
    pub from: String,
    /// First record after.
    pub to: String,
    /// Why it is thought to be a hole ("log silence", "rotated away", "records deleted").
    pub why: String,
    /// The same in French.
    pub why_fr: String,
    /// Records on both sides, or of another source that shows that something should stand there.
    pub evidence: Vec<EvidenceRef>,
}

/// A way in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InitialAccess {
    /// Account.
    pub account: String,
    /// "password_spray", "stolen_credentials", "found_credentials", "lure".
    pub vector: String,
    /// When.
    pub time: String,
    /// From where.
    pub source_ip: String,
    /// In words.
    #[serde(flatten)]
    pub text: Text,
    /// Lines.
    pub evidence: Vec<EvidenceRef>,
}

/// An account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Name.
    pub account: String,
    /// compromised, targeted, clean.
    pub status: AccountStatus,
    /// First hostile sign.
    pub first: Option<String>,
    /// Last hostile sign.
    pub last: Option<String>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// Lines.
    pub evidence: Vec<EvidenceRef>,
}

/// State of an account.
#[derive(
    Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum AccountStatus {
    Compromised,
    Targeted,
    #[default]
    Clean,
}

/// A reason for a judgement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// Id of the rule that gave it.
    pub rule: String,
    /// What it adds to the score; negative speaks for innocence.
    pub weight: f64,
    /// In words.
    #[serde(flatten)]
    pub text: Text,
    /// Lines.
    pub evidence: Vec<EvidenceRef>,
}

/// Judgement of a session.
#[derive(
    Copy,
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Label {
    Intruder,
    Suspect,
    #[default]
    Legitimate,
}

/// A session: one client's use of one account through one protocol.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Stable id ("S0001").
    pub id: String,
    /// Account.
    pub account: String,
    /// imap, pop3, webmail, smtp, sieve, ssh.
    pub protocol: String,
    /// True client's address.
    pub source_ip: String,
    /// Other addresses the same session was seen from.
    pub other_ips: Vec<String>,
    /// Browser or client, when known.
    pub user_agent: String,
    /// First record.
    pub start: String,
    /// Last record.
    pub end: String,
    /// Judgement.
    pub label: Label,
    /// 0–100.
    pub score: f64,
    /// For and against.
    pub reasons: Vec<Reason>,
    /// Octets sent to the client, protocol chatter included; `None` when not logged.
    pub bytes_out: Option<u64>,
    /// The daemon sessions behind it (Dovecot session ids; a webmail session has many).
    pub daemon_sessions: u64,
    /// Lines.
    pub evidence: Vec<EvidenceRef>,
}

/// How far an intruder got with a message or part; order is strength.
#[derive(
    Copy,
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A session could have.
    #[default]
    Exposed,
    /// Header lines or a search result were sent.
    Listed,
    /// The body was shown.
    Read,
    /// Saved, or sent whole.
    Downloaded,
    /// Sent on to another address.
    Forwarded,
}

/// Whether content left into the intruder's keeping.
#[derive(
    Copy,
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Exfiltrated {
    /// No record shows content leaving.
    #[default]
    NoEvidence,
    /// Content was shown, or could have been among what was sent.
    Possible,
    /// A saved copy or a forwarded message is on record.
    Confirmed,
}

/// One message (`part` is `None`) or one attachment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerEntry {
    /// Account.
    pub account: String,
    /// Mailbox.
    pub mailbox: String,
    /// IMAP UID.
    pub uid: Option<u32>,
    /// Message-ID without angle brackets.
    pub message_id: String,
    /// IMAP part number for an attachment; none for the message.
    pub part: Option<String>,
    /// File name of an attachment, subject of a message.
    pub filename: String,
    /// Octets: an attachment's decoded file, a message's RFC822.SIZE; none if not in the store.
    pub size_bytes: Option<u64>,
    /// Protective markings and classes.
    pub classification: Vec<String>,
    /// Strongest level that the evidence supports.
    pub level: Level,
    /// Whether content left.
    pub exfiltrated: Exfiltrated,
    /// Octets of this item that left, at least (`docs/BOUNDS.md`).
    pub bytes_min: u64,
    /// Octets of this item that left, at most.
    pub bytes_max: u64,
    /// Addresses it went to.
    pub to: Vec<String>,
    /// First record.
    pub first: Option<String>,
    /// Last record.
    pub last: Option<String>,
    /// Sessions that did it.
    pub sessions: Vec<String>,
    /// Why the bounds are what they are.
    #[serde(flatten)]
    pub why: Text,
    /// Lines.
    pub evidence: Vec<EvidenceRef>,
}

/// A search of an intruder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Search {
    /// Account whose mail was searched.
    pub account: String,
    /// Words, decoded.
    pub query: String,
    /// Mailbox, when known.
    pub mailbox: String,
    /// When.
    pub time: String,
    /// Session.
    pub session: String,
    /// Messages of the store that it finds today.
    pub hits: Option<u64>,
    /// Lines.
    pub evidence: Vec<EvidenceRef>,
}

/// A secret in a message that an intruder could read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExposedSecret {
    /// password, private_key, api_token, internal_host, url_credentials.
    pub kind: String,
    /// System or account it opens, when the text tells.
    pub target: String,
    /// Masked value.
    pub masked: String,
    /// Account whose mailbox holds it.
    pub account: String,
    /// Message-ID.
    pub message_id: String,
    /// Level the message reached.
    pub level: Level,
    /// The secret was used afterwards, as far as logs show.
    pub used: bool,
    /// Lines.
    pub evidence: Vec<EvidenceRef>,
}

/// Something left behind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Persistence {
    /// sieve_redirect, identity, web_shell, forward, …
    pub kind: String,
    /// Account, if any.
    pub account: String,
    /// In words.
    #[serde(flatten)]
    pub detail: Text,
    /// When, if known.
    pub time: Option<String>,
    /// `intruder`, `suspect` or `legitimate`.
    pub label: Label,
    /// Lines.
    pub evidence: Vec<EvidenceRef>,
}

/// What one rule matched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Detection {
    /// The rule's identifier.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// informational, low, medium, high, critical: Sigma's words.
    pub level: String,
    /// How often it matched.
    pub count: u64,
    /// First match, if what it matched has a time.
    pub first: Option<String>,
    /// Last match.
    pub last: Option<String>,
    /// Why this is worth a look, in the rule's words.
    pub reason: String,
    /// What to do next, in the rule's words.
    pub next: String,
    /// ATT&CK techniques.
    pub techniques: Vec<String>,
    /// Lines and files of the first matches.
    pub evidence: Vec<EvidenceRef>,
}

/// An attempt at another host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lateral {
    /// Source.
    pub from: String,
    /// Destination.
    pub to: String,
    /// Port.
    pub port: u16,
    /// When.
    pub time: String,
    /// allowed, refused, unanswered, blocked, unknown.
    pub outcome: String,
    /// Lines.
    pub evidence: Vec<EvidenceRef>,
}

/// A message that attacks its reader.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lure {
    /// Message-ID.
    pub message_id: String,
    /// Recipient.
    pub account: String,
    /// Rule id.
    pub kind: String,
    /// In words.
    #[serde(flatten)]
    pub text: Text,
    /// Subject.
    pub subject: String,
    /// Opened, as far as the evidence shows.
    pub opened: Option<bool>,
    /// When it was first opened.
    pub opened_at: Option<String>,
    /// Lines.
    pub evidence: Vec<EvidenceRef>,
}

/// An indicator met in the evidence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IndicatorHit {
    /// ipv4, domain, sha256, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Value.
    pub value: String,
    /// First record.
    pub first: String,
    /// Last record.
    pub last: String,
    /// Records.
    pub count: u64,
    /// Where it comes from: an advisory's name, or "case" for the intruder's own addresses.
    pub source: String,
    /// Lines.
    pub evidence: Vec<EvidenceRef>,
}

/// What was taken from an advisory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AdvisorySummary {
    /// Name.
    pub name: String,
    /// Title.
    pub title: String,
    /// Format.
    pub format: String,
    /// Every value found, with the reason it was kept or dropped.
    pub indicators: Vec<AdvisoryIndicator>,
    /// Techniques named.
    pub techniques: Vec<String>,
    /// CVE identifiers named.
    pub vulnerabilities: Vec<String>,
    /// What could not be read.
    pub problems: Vec<String>,
}

/// A value found in an advisory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AdvisoryIndicator {
    /// Kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// Value.
    pub value: String,
    /// Looked for.
    pub kept: bool,
    /// Why.
    pub why: String,
    /// Records that match.
    pub hits: u64,
}

/// A competing explanation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hypothesis {
    /// Name.
    pub name: String,
    /// Probability.
    pub probability: Interval,
    /// For.
    #[serde(rename = "for")]
    pub pro: Vec<Reason>,
    /// Against.
    pub against: Vec<Reason>,
}

/// An interval of probability.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A named group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Score.
    pub score: f64,
    /// Techniques in common.
    pub techniques: Vec<String>,
}

/// What made it possible.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exposure {
    /// Check or package.
    pub id: String,
    /// In words.
    #[serde(flatten)]
    pub text: Text,
    /// Lines.
    pub evidence: Vec<EvidenceRef>,
}

/// Something to do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NextStep {
    /// What.
    pub what: String,
    /// What, in French.
    pub what_fr: String,
    /// Why.
    pub why: String,
    /// Why, in French.
    pub why_fr: String,
    /// By when: "now", "24 h", "72 h", "1 month", or an RFC 3339 time.
    pub deadline: String,
}

/// Sums.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Sessions seen, ordinary ones included.
    pub sessions: u64,
    /// Sessions labelled intruder.
    pub sessions_intruder: u64,
    /// Sessions labelled suspect.
    pub sessions_suspect: u64,
    /// Accounts seen.
    pub accounts: u64,
    /// Accounts compromised.
    pub accounts_compromised: u64,
    /// Messages at each level or above.
    pub messages_exposed: u64,
    /// See `messages_exposed`.
    pub messages_listed: u64,
    /// See `messages_exposed`.
    pub messages_read: u64,
    /// See `messages_exposed`.
    pub messages_downloaded: u64,
    /// Messages forwarded.
    pub messages_forwarded: u64,
    /// Attachments at each level or above.
    pub documents_exposed: u64,
    /// See `documents_exposed`.
    pub documents_listed: u64,
    /// See `documents_exposed`.
    pub documents_read: u64,
    /// See `documents_exposed`.
    pub documents_downloaded: u64,
    /// Attachments forwarded.
    pub documents_forwarded: u64,
    /// Octets of content that left, at least.
    pub bytes_min: u64,
    /// Octets of content that left, at most.
    pub bytes_max: u64,
    /// Events read.
    pub events: u64,
    /// Lines not understood.
    pub unparsed: u64,
}
