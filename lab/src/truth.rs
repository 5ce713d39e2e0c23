//! What really happened: the contents of `ground-truth.json` and the books a story keeps for it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;

use serde::Serialize;

use crate::clock::{Nanos, rfc3339};
use crate::mime::Message;

/// How far a session got with an item; the order is the order of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Seen in a list, a search result or by its header.
    Listed,
    /// Its text was shown.
    Read,
    /// It was saved or transferred whole.
    Downloaded,
}

/// A message or a part of one, and what of it reached the client.
#[derive(Clone, Debug, Serialize)]
pub struct Item {
    /// The mailbox owner's address.
    pub account: String,
    /// IMAP mailbox.
    pub mailbox: String,
    /// IMAP UID.
    pub uid: u32,
    /// `Message-ID` with angle brackets.
    pub message_id: String,
    /// IMAP part number of an attachment; `None` for the message itself.
    pub part: Option<String>,
    /// How far it went.
    pub level: Level,
    /// Content octets that reached the client, repeated transfers counted once.
    pub bytes: u64,
}

/// One client's session.
#[derive(Clone, Debug, Serialize)]
pub struct Session {
    /// A number of its own.
    pub id: String,
    /// The address that logged in.
    pub account: String,
    /// `imap`, `pop3`, `webmail`, `smtp` or `sieve`.
    pub protocol: String,
    /// Where it came from first.
    pub source_ip: String,
    /// Further addresses of the same session.
    pub other_ips: Vec<String>,
    /// Browser or program, as far as the protocol says it.
    pub user_agent: String,
    /// First and last contact, RFC 3339 UTC on the story clock.
    pub start: String,
    /// End of the session.
    pub end: String,
    /// Who played it: `intruder`, `user`, `phone`, `admin`, `backup`…
    pub actor: String,
    /// Whether it was the intruder.
    pub intruder: bool,
    /// What the story plays here.
    pub why: String,
    /// Whether the log-in was accepted.
    pub logged_in: bool,
    /// Application-layer octets the client received.
    pub bytes_received: u64,
    /// What it saw.
    pub items: Vec<Item>,
    /// What it searched for.
    pub searches: Vec<String>,
}

/// A session in the making.
pub struct Open {
    session: Session,
    items: BTreeMap<(String, String, u32, Option<String>), Item>,
    /// Ranges received of an item by partial transfers, for their union.
    ranges: BTreeMap<(String, u32, String), Vec<(u64, u64)>>,
}

/// Who opens a session, and why.
#[derive(Clone, Debug)]
pub struct Who {
    /// Who is playing.
    pub actor: &'static str,
    /// Whether it is the intruder.
    pub intruder: bool,
    /// What the story plays here.
    pub why: String,
}

impl Who {
    /// An honest party.
    pub fn honest(actor: &'static str, why: &str) -> Who {
        Who {
            actor,
            intruder: false,
            why: why.to_owned(),
        }
    }

    /// The intruder.
    pub fn intruder(why: &str) -> Who {
        Who {
            actor: "intruder",
            intruder: true,
            why: why.to_owned(),
        }
    }
}

impl Open {
    /// Opens the books for a session.
    pub fn new(
        account: &str,
        protocol: &str,
        source: IpAddr,
        agent: &str,
        who: &Who,
        now: Nanos,
    ) -> Open {
        Open {
            session: Session {
                id: String::new(),
                account: account.to_owned(),
                protocol: protocol.to_owned(),
                source_ip: source.to_string(),
                other_ips: Vec::new(),
                user_agent: agent.to_owned(),
                start: rfc3339(now),
                end: rfc3339(now),
                actor: who.actor.to_owned(),
                intruder: who.intruder,
                why: who.why.clone(),
                logged_in: false,
                bytes_received: 0,
                items: Vec::new(),
                searches: Vec::new(),
            },
            items: BTreeMap::new(),
            ranges: BTreeMap::new(),
        }
    }

    /// The log-in was accepted.
    pub fn logged_in(&mut self) {
        self.session.logged_in = true;
    }

    /// The session goes on from another address.
    pub fn also_from(&mut self, source: IpAddr) {
        let text = source.to_string();
        if text != self.session.source_ip && !self.session.other_ips.contains(&text) {
            self.session.other_ips.push(text);
        }
    }

    /// A search was made.
    pub fn searched(&mut self, words: &str) {
        self.session.searches.push(words.to_owned());
    }

    /// An item was seen: the level rises to `level`, the bytes to `bytes`.
    pub fn saw(
        &mut self,
        (mailbox, uid, message_id): (&str, u32, &str),
        part: Option<&str>,
        level: Level,
        bytes: u64,
    ) {
        let account = self.session.account.clone();
        let key = (
            account.clone(),
            mailbox.to_owned(),
            uid,
            part.map(str::to_owned),
        );
        let item = self.items.entry(key).or_insert_with(|| Item {
            account,
            mailbox: mailbox.to_owned(),
            uid,
            message_id: message_id.to_owned(),
            part: part.map(str::to_owned),
            level,
            bytes,
        });
        item.level = item.level.max(level);
        item.bytes = item.bytes.max(bytes);
    }

    /// A message appeared in a list or search.
    pub fn listed(&mut self, at: (&str, u32), message: &Message) {
        self.saw((at.0, at.1, &message.message_id), None, Level::Listed, 0);
    }

    /// A message's text was shown by the webmail.
    pub fn shown(&mut self, at: (&str, u32), message: &Message) {
        let id = (at.0, at.1, message.message_id.as_str());
        self.saw(id, None, Level::Read, message.shown_octets());
    }

    /// A whole message came, in `octets` octets as delivered, and with it every attachment.
    pub fn whole(&mut self, at: (&str, u32), message: &Message, octets: u64) {
        let id = (at.0, at.1, message.message_id.as_str());
        self.saw(id, None, Level::Downloaded, octets);
        for part in message.attachments() {
            self.saw(
                id,
                Some(&part.number),
                Level::Downloaded,
                part.content.len() as u64,
            );
        }
    }

    /// An attachment was saved, in `octets` decoded octets.
    pub fn attachment(&mut self, at: (&str, u32), message: &Message, part: &str, octets: u64) {
        let id = (at.0, at.1, message.message_id.as_str());
        self.saw(id, Some(part), Level::Downloaded, octets);
    }

    /// The octets `from..to` of a section came; returns how many different ones came so far.
    pub fn range(&mut self, mailbox: &str, uid: u32, section: &str, from: u64, to: u64) -> u64 {
        let key = (mailbox.to_owned(), uid, section.to_owned());
        let ranges = self.ranges.entry(key).or_default();
        ranges.push((from, to));
        union(ranges)
    }

    /// Closes the books.
    pub fn close(mut self, books: &Books, received: u64, now: Nanos) {
        self.session.end = rfc3339(now);
        self.session.bytes_received = received;
        self.session.items = self.items.into_values().collect();
        books.lock().sessions.push(self.session);
    }
}

fn union(ranges: &[(u64, u64)]) -> u64 {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable();
    let mut total = 0;
    let mut covered = 0;
    for (from, to) in sorted {
        let from = from.max(covered);
        if to > from {
            total += to - from;
            covered = to;
        }
    }
    total
}

/// A message that left by itself.
#[derive(Clone, Debug, Serialize)]
pub struct Forwarded {
    /// Whose mail.
    pub account: String,
    /// The original's `Message-ID`.
    pub message_id: String,
    /// IMAP part number of an attachment that went along; `None` for the message.
    pub part: Option<String>,
    /// The recipient outside.
    pub to: String,
    /// Octets of the message the other side received; decoded octets for an attachment.
    pub bytes: u64,
    /// `redirect` or `sent`.
    pub via: String,
    /// When the other side accepted it.
    pub time: String,
    /// Whether the intruder arranged it.
    pub intruder: bool,
}

/// A log-in that was refused.
#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    /// When, RFC 3339 UTC.
    pub time: String,
    /// The name that was tried.
    pub account: String,
    /// Protocol as in [`Session`].
    pub protocol: String,
    /// Where it came from.
    pub source_ip: String,
    /// Whether it was the intruder.
    pub intruder: bool,
}

/// Everything `ground-truth.json` holds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Truth {
    /// Version of this layout.
    pub schema: u32,
    /// The story's name.
    pub story: String,
    /// `breached`, `no_evidence_of_breach` or `inconclusive`.
    pub verdict: String,
    /// Sessions in order of their end.
    pub sessions: Vec<Session>,
    /// Refused log-ins.
    pub attempts: Vec<Attempt>,
    /// Mail that left by rules or by sending.
    pub forwarded: Vec<Forwarded>,
    /// What the intruder left behind.
    pub persistence: Vec<serde_json::Value>,
    /// Attempts at other hosts.
    pub lateral: Vec<serde_json::Value>,
    /// Lures that were delivered.
    pub lures: Vec<serde_json::Value>,
    /// Pieces of logs the intruder removed.
    pub deleted_log: Vec<serde_json::Value>,
    /// Changes of the server's time zone or clock.
    pub clock_changes: Vec<serde_json::Value>,
    /// The intruder's search words.
    pub searches: Vec<String>,
    /// Credentials found in mail and used.
    pub secrets_used: Vec<serde_json::Value>,
    /// Seed, scale and versions: how to make it again.
    pub made_with: serde_json::Value,
}

/// The books, shared by all actors.
#[derive(Default)]
pub struct Books {
    truth: Mutex<Truth>,
}

impl Books {
    /// The truth so far.
    pub fn lock(&self) -> std::sync::MutexGuard<'_, Truth> {
        self.truth
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Writes a refused log-in down.
    pub fn attempt(
        &self,
        account: &str,
        protocol: &str,
        source: IpAddr,
        intruder: bool,
        now: Nanos,
    ) {
        self.lock().attempts.push(Attempt {
            time: rfc3339(now),
            account: account.to_owned(),
            protocol: protocol.to_owned(),
            source_ip: source.to_string(),
            intruder,
        });
    }

    /// Closes the books: sessions are sorted and numbered.
    pub fn finish(&self, story: &str, verdict: &str) -> Truth {
        let mut truth = self.lock().clone();
        truth.schema = 1;
        story.clone_into(&mut truth.story);
        verdict.clone_into(&mut truth.verdict);
        truth.sessions.sort_by(|a, b| {
            (&a.start, &a.source_ip, &a.account, &a.protocol).cmp(&(
                &b.start,
                &b.source_ip,
                &b.account,
                &b.protocol,
            ))
        });
        for (i, session) in truth.sessions.iter_mut().enumerate() {
            session.id = format!("s{:04}", i + 1);
        }
        truth.searches = truth
            .sessions
            .iter()
            .filter(|s| s.intruder)
            .flat_map(|s| s.searches.clone())
            .collect();
        truth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_ranges_count_once() {
        assert_eq!(union(&[(0, 10), (5, 20), (30, 31)]), 21);
        assert_eq!(union(&[(5, 5)]), 0);
        assert_eq!(union(&[]), 0);
    }

    #[test]
    fn levels_only_rise() {
        let books = Books::default();
        let who = Who::intruder("test");
        let mut open = Open::new("a@b", "imap", "192.0.2.9".parse().unwrap(), "", &who, 0);
        open.saw(("INBOX", 1, "<m>"), None, Level::Downloaded, 100);
        open.saw(("INBOX", 1, "<m>"), None, Level::Listed, 0);
        open.close(&books, 5, 1);
        let truth = books.finish("t", "breached");
        assert_eq!(truth.sessions[0].items[0].level, Level::Downloaded);
        assert_eq!(truth.sessions[0].items[0].bytes, 100);
        assert_eq!(truth.sessions[0].id, "s0001");
    }
}
