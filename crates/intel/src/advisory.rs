//! What an advisory says, as values.

use serde::Serialize;

/// One advisory, article or feed document.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Advisory {
    /// Name the caller gave it (a path).
    pub name: String,
    /// "stix-2.1", "stix-2.0", "misp", "csv", "html", "text", …
    pub format: String,
    /// Its title, if it has one.
    pub title: String,
    /// Every candidate value with the reason it was kept or dropped, in document order, each
    /// (kind, value) once.
    pub indicators: Vec<Indicator>,
    /// STIX patterns that ask for more than one of a list of values, to be evaluated over events
    /// ([`PatternSet`](crate::PatternSet)).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<IndicatorPattern>,
    /// ATT&CK techniques named ("T1114.002"), sorted, with the text that names them.
    pub techniques: Vec<Mention>,
    /// CVE identifiers named, sorted.
    pub vulnerabilities: Vec<Mention>,
    /// Parts that could not be read, in words, with their offset where there is one.
    pub problems: Vec<String>,
}

/// What an indicator's value is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum IndicatorKind {
    Ipv4,
    Ipv6,
    /// CIDR notation, either family.
    Network,
    Domain,
    Url,
    EmailAddress,
    Md5,
    Sha1,
    Sha256,
    UserAgent,
    FileName,
    EmailSubject,
    /// MD5 over a TLS hello's fields (JA3 of clients, JA3S of servers).
    Ja3,
    /// FoxIO's fingerprint of a TLS hello (JA4 of clients, JA4S of servers).
    Ja4,
}

/// A value that may be looked for in evidence.
#[derive(Clone, Debug, Serialize)]
pub struct Indicator {
    /// What it is.
    pub kind: IndicatorKind,
    /// Refanged and normalised (lower-case domain and hash, canonical address).
    pub value: String,
    /// As written in the document.
    pub written: String,
    /// Byte offset of `written` in the document.
    pub offset: u64,
    /// `true`: to be looked for. `false`: named, but not as something malicious.
    pub kept: bool,
    /// Why it was kept or dropped, one sentence.
    pub why: String,
    /// Many people use the place it names (a cloud range, a site where anybody publishes): it is
    /// kept, and a match alone says less.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// Its author asks for it only together with other conditions; a match alone says less.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Validity, RFC 3339, when the document gives it.
    pub valid_from: Option<String>,
    /// See `valid_from`.
    pub valid_until: Option<String>,
}

/// An identifier named in a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mention {
    /// The identifier.
    pub id: String,
    /// Text around it (at most 160 characters).
    pub context: String,
    /// Byte offset.
    pub offset: u64,
}

/// A STIX pattern as an indicator of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IndicatorPattern {
    /// Name of the STIX indicator; `""` if it has none.
    pub name: String,
    /// The pattern, as written.
    pub pattern: String,
    /// Byte offset in the document.
    pub offset: u64,
    /// Whether it is to be looked for.
    pub kept: bool,
    /// Why, or why not.
    pub why: String,
    /// Validity, RFC 3339, when the document gives it.
    pub valid_from: Option<String>,
    /// See `valid_from`.
    pub valid_until: Option<String>,
}
