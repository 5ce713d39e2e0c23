//! Feeds of many documents: a MISP feed's directory, a folder of warning lists.
//!
//! Nothing is opened here: the caller says how a name becomes bytes, so that a directory, an
//! archive or a web server serve alike.

use crate::{Advisory, ListError, WarningLists, parse};
use md5::{Digest, Md5};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// An event of a MISP feed, as its `manifest.json` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEvent {
    /// Its identifier; `<uuid>.json` is its file.
    pub uuid: String,
    /// What it is about.
    pub info: String,
    /// When it was changed last, seconds since the epoch.
    pub timestamp: i64,
}

/// Why a feed cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// `manifest.json` is none.
    #[error("no manifest of a MISP feed: {0}")]
    Manifest(#[from] serde_json::Error),
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    info: String,
    #[serde(default)]
    timestamp: serde_json::Value,
}

/// The events of a `manifest.json`, the oldest change first.
///
/// # Errors
/// If it is not JSON of that form. Names that are no identifiers are left out: they become names
/// of files.
pub fn manifest(json: &[u8]) -> Result<Vec<FeedEvent>, FeedError> {
    let listed: BTreeMap<String, Listed> = serde_json::from_slice(json)?;
    let mut all: Vec<FeedEvent> = listed
        .into_iter()
        .filter(|(uuid, _)| {
            uuid.len() == 36 && uuid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
        })
        .map(|(uuid, e)| FeedEvent {
            uuid,
            info: e.info,
            timestamp: match &e.timestamp {
                serde_json::Value::Number(n) => n.as_i64().unwrap_or(0),
                serde_json::Value::String(s) => s.trim().parse().unwrap_or(0),
                _ => 0,
            },
        })
        .collect();
    all.sort_by(|a, b| (a.timestamp, &a.uuid).cmp(&(b.timestamp, &b.uuid)));
    Ok(all)
}

/// What was read of a feed.
#[derive(Debug, Default)]
pub struct Feed {
    /// One for each event that could be read, the oldest change first.
    pub advisories: Vec<Advisory>,
    /// Events that could not be read, and why.
    pub problems: Vec<String>,
    /// The newest change seen: what to read after the next time.
    pub newest: Option<i64>,
}

/// Reads a MISP feed: its manifest, and every event changed after `since`. `open` gives the bytes
/// of a file by its name in the feed, or says why not.
///
/// # Errors
/// If the manifest is none.
pub fn read(
    manifest_json: &[u8],
    since: Option<i64>,
    lists: &WarningLists,
    open: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
) -> Result<Feed, FeedError> {
    let mut feed = Feed {
        newest: since,
        ..Default::default()
    };
    for event in manifest(manifest_json)? {
        if since.is_some_and(|since| event.timestamp <= since) {
            continue;
        }
        let name = format!("{}.json", event.uuid);
        match open(&name) {
            Ok(bytes) => {
                feed.advisories.push(parse(&name, &bytes, lists));
                feed.newest = feed.newest.max(Some(event.timestamp));
            }
            Err(why) => feed
                .problems
                .push(format!("{name} ({}): {why}", event.info)),
        }
    }
    Ok(feed)
}

/// A feed's `hashes.csv`: which events have a value, by its MD5.
#[derive(Clone, Debug, Default)]
pub struct FeedHashes {
    events: HashMap<[u8; 16], Vec<String>>,
    /// Lines that are no `md5,uuid`.
    pub unreadable: usize,
}

impl FeedHashes {
    /// Reads the lines of a `hashes.csv`.
    pub fn read(csv: &[u8]) -> Self {
        let mut all = Self::default();
        for line in csv.split(|b| *b == b'\n').map(<[u8]>::trim_ascii) {
            if line.is_empty() {
                continue;
            }
            match std::str::from_utf8(line).ok().and_then(entry) {
                Some((hash, uuid)) => all.events.entry(hash).or_default().push(uuid.to_owned()),
                None => all.unreadable += 1,
            }
        }
        all
    }

    /// Number of different values.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Identifiers of the events that have this value, as MISP writes it.
    pub fn events_of(&self, value: &str) -> &[String] {
        let hash: [u8; 16] = Md5::digest(value.as_bytes()).into();
        self.events.get(&hash).map_or(&[], Vec::as_slice)
    }
}

fn entry(line: &str) -> Option<([u8; 16], &str)> {
    let (hash, uuid) = line.split_once(',')?;
    let mut octets = [0; 16];
    if hash.len() != 32 || !hash.is_ascii() {
        return None;
    }
    for (n, octet) in octets.iter_mut().enumerate() {
        *octet = u8::from_str_radix(hash.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some((octets, uuid.trim()))
}

/// The built-in warning lists and those given (name for messages, bytes of a `list.json`); and
/// which could not be read, and why.
pub fn warning_lists(
    files: impl IntoIterator<Item = (String, Vec<u8>)>,
) -> (WarningLists, Vec<(String, ListError)>) {
    let mut lists = WarningLists::built_in();
    let mut problems = Vec::new();
    for (name, bytes) in files {
        if let Err(error) = lists.add_misp(&bytes) {
            problems.push((name, error));
        }
    }
    (lists, problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed() {
        let one = "5a1b2c3d-0000-4000-8000-000000000001";
        let two = "5a1b2c3d-0000-4000-8000-000000000002";
        let manifest = format!(
            r#"{{"{two}":{{"info":"second","timestamp":"200","Orgc":{{"name":"x"}}}},
                "{one}":{{"info":"first","timestamp":100}},
                "../../etc/passwd":{{"info":"hostile","timestamp":1}}}}"#
        );
        let event = |value: &str| {
            format!(
                r#"{{"Event":{{"info":"x","Attribute":[{{"type":"ip-dst","category":"Network activity","to_ids":true,"value":"{value}"}}]}}}}"#
            )
        };
        let lists = WarningLists::built_in();
        let opened = std::cell::RefCell::new(Vec::new());
        let mut open = |name: &str| {
            opened.borrow_mut().push(name.to_owned());
            if name.starts_with(one) {
                Ok(event("45.61.136.242").into_bytes())
            } else {
                Err("it is not there".to_owned())
            }
        };
        let feed = read(manifest.as_bytes(), None, &lists, &mut open).unwrap();
        assert_eq!(feed.advisories.len(), 1);
        assert_eq!(feed.advisories[0].indicators[0].value, "45.61.136.242");
        assert_eq!(feed.newest, Some(100));
        assert_eq!(
            feed.problems,
            [format!("{two}.json (second): it is not there")]
        );
        let feed = read(manifest.as_bytes(), Some(100), &lists, &mut open).unwrap();
        assert!(feed.advisories.is_empty());
        assert_eq!(
            *opened.borrow(),
            [
                format!("{one}.json"),
                format!("{two}.json"),
                format!("{two}.json")
            ]
        );
        assert!(read(b"[]", None, &lists, &mut open).is_err());
    }

    #[test]
    fn hashes() {
        // MD5 of "a" (RFC 1321).
        let csv = b"0cc175b9c0f1b6a831c399e269772661,u1\r\n0cc175b9c0f1b6a831c399e269772661,u2\nbad line\n\n";
        let hashes = FeedHashes::read(csv);
        assert_eq!(hashes.events_of("a"), ["u1", "u2"]);
        assert!(hashes.events_of("b").is_empty());
        assert_eq!((hashes.len(), hashes.unreadable), (1, 1));
    }

    #[test]
    fn lists_of_a_folder() {
        let good = br#"{"name":"Ours","type":"hostname","matching_attributes":["domain"],"list":["ours.fr"],"version":1,"description":""}"#;
        let (lists, problems) = warning_lists([
            ("a".to_owned(), good.to_vec()),
            ("b".to_owned(), b"{}".to_vec()),
        ]);
        assert_eq!(problems.len(), 1);
        let advisory = parse(
            "f.csv",
            b"value,type\nwww.ours.fr,domain\nevil.fr,domain\n",
            &lists,
        );
        let why = &advisory.indicators[0].why;
        assert!(
            !advisory.indicators[0].kept && why.contains("\"Ours\""),
            "{why}"
        );
        assert!(advisory.indicators[1].kept);
    }
}
