//! The two files, as far as the score needs them.

use serde::Deserialize;
use std::collections::BTreeSet;

/// `case.json` (the contract is `vauban-case`'s; every field may be missing).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Case {
    pub(super) verdict: String,
    pub(super) accounts: Vec<Account>,
    pub(super) sessions: Vec<CaseSession>,
    pub(super) ledger: Vec<Row>,
    pub(super) searches: Vec<Search>,
    pub(super) persistence: Vec<Persistence>,
    pub(super) lateral: Vec<Lateral>,
    pub(super) lures: Vec<Lure>,
    pub(super) totals: Totals,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Account {
    pub(super) account: String,
    pub(super) status: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CaseSession {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) protocol: String,
    pub(super) source_ip: String,
    pub(super) other_ips: Vec<String>,
    pub(super) start: String,
    pub(super) end: String,
    pub(super) label: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Row {
    pub(super) account: String,
    pub(super) mailbox: String,
    pub(super) uid: Option<u32>,
    pub(super) message_id: String,
    pub(super) part: Option<String>,
    pub(super) filename: String,
    pub(super) size_bytes: Option<u64>,
    pub(super) level: Level,
    pub(super) bytes_min: u64,
    pub(super) bytes_max: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Search {
    pub(super) account: String,
    pub(super) query: String,
}

/// The same in both files but for `text` and `label`, which only the case has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Persistence {
    pub(super) kind: String,
    /// `null` for what belongs to no account (a script in the web root).
    #[serde(deserialize_with = "nullable")]
    pub(super) account: String,
    pub(super) detail: serde_json::Value,
    pub(super) text: String,
    pub(super) label: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Lateral {
    pub(super) to: String,
    pub(super) port: u16,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Lure {
    pub(super) message_id: String,
    pub(super) account: String,
    pub(super) opened: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Totals {
    pub(super) bytes_min: u64,
    pub(super) bytes_max: u64,
}

/// `ground-truth.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Truth {
    pub(super) story: String,
    pub(super) verdict: String,
    pub(super) sessions: Vec<TrueSession>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) forwarded: Vec<Forwarded>,
    pub(super) persistence: Vec<Persistence>,
    pub(super) lateral: Vec<Lateral>,
    pub(super) lures: Vec<Lure>,
    pub(super) searches: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TrueSession {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) protocol: String,
    pub(super) source_ip: String,
    pub(super) other_ips: Vec<String>,
    pub(super) start: String,
    pub(super) end: String,
    pub(super) intruder: bool,
    /// `false` for a session that was never let in; absent means it was.
    pub(super) logged_in: Option<bool>,
    pub(super) items: Vec<Item>,
    pub(super) searches: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Attempt {
    pub(super) time: String,
    pub(super) account: String,
    pub(super) source_ip: String,
    pub(super) intruder: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Item {
    pub(super) account: String,
    pub(super) mailbox: String,
    pub(super) uid: Option<u32>,
    pub(super) message_id: String,
    pub(super) part: Option<String>,
    pub(super) level: Level,
    pub(super) bytes: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Forwarded {
    pub(super) account: String,
    pub(super) message_id: String,
    pub(super) part: Option<String>,
    pub(super) bytes: u64,
    /// Whether the intruder arranged it; absent means it was.
    pub(super) intruder: Option<bool>,
}

/// How far an intruder got; order is strength.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    #[default]
    Exposed,
    Listed,
    Read,
    Downloaded,
    Forwarded,
}

impl Level {
    pub(super) fn name(self) -> &'static str {
        match self {
            Level::Exposed => "exposed",
            Level::Listed => "listed",
            Level::Read => "read",
            Level::Downloaded => "downloaded",
            Level::Forwarded => "forwarded",
        }
    }
}

/// Local part of an account, in lower case: cases name accounts by it or by the whole address.
pub(super) fn local(account: &str) -> String {
    account
        .split('@')
        .next()
        .unwrap_or("")
        .trim()
        .to_lowercase()
}

/// A message id without angle brackets.
pub(super) fn id(message_id: &str) -> &str {
    message_id
        .trim()
        .trim_start_matches('<')
        .trim_end_matches('>')
}

/// Accounts that an intruder was in, or had mail sent on from.
pub(super) fn touched(truth: &Truth) -> BTreeSet<String> {
    let sessions = truth
        .sessions
        .iter()
        .filter(|s| s.intruder && s.logged_in != Some(false));
    let forwards = truth.forwarded.iter().filter(|f| f.intruder != Some(false));
    sessions
        .map(|s| local(&s.account))
        .chain(forwards.map(|f| local(&f.account)))
        .collect()
}

fn nullable<'de, D: serde::Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(d)?.unwrap_or_default())
}
