//! The ledger: for every message and attachment that an intruder could reach, how far he got, and
//! how many octets of it left.

use crate::bounds::{self, Interval, Response};
use crate::client::{Client, Protocol};
use crate::contract::{Exfiltrated, LedgerEntry, Level, Text};
use crate::coverage::Hole;
use crate::daemon::DaemonSession;
use crate::inputs::EvidenceText;
use crate::intern::Sym;
use crate::model::{Model, text};
use crate::observe::{MailboxRec, RequestRec};
use crate::universe::uid_set;
use crate::webreq::Action;
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use vauban_mail::Part;
use vauban_mail::webmail::WebmailPart;
use vauban_ocsf::{Evidence, MailboxAction, Timestamp};

/// Messages a list page shows when the user has not chosen otherwise (Roundcube
/// `mail_pagesize`).
const PAGE: usize = 50;
/// Most messages one request or command may name.
const SET_MOST: usize = 20_000;

/// A row under construction.
#[derive(Clone, Debug, Default)]
struct Row {
    level: Level,
    exfiltrated: Exfiltrated,
    bytes: Interval,
    to: BTreeSet<String>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    sessions: BTreeSet<usize>,
    why: BTreeMap<u8, Text>,
    evidence: Vec<Evidence>,
}

/// Which item: a message of the universe, or one of its parts.
type Key = (u32, Option<usize>);

/// Messages that were sent, and for each whether an equal-sized other could stand in its place.
type Exact = (Vec<u32>, Vec<bool>);

/// A POP3 session and the runs of messages it may have taken.
struct Taken {
    session: usize,
    start: Timestamp,
    count: usize,
    /// The INBOX during the session.
    order: Vec<u32>,
    runs: Vec<Vec<u32>>,
}

impl Taken {
    /// Whether, in this session's INBOX, `later` joins `earlier` on one side or the other.
    fn joins(&self, earlier: &[u32], later: &[u32]) -> bool {
        let at = |k: Option<&u32>| k.and_then(|k| self.order.iter().position(|o| o == k));
        let upwards = match (at(earlier.last()), at(later.first())) {
            (Some(a), Some(b)) => a + 1 == b,
            _ => false,
        };
        let downwards = match (at(later.last()), at(earlier.first())) {
            (Some(a), Some(b)) => a + 1 == b,
            _ => false,
        };
        upwards || downwards
    }
}

/// One thing a session did to an item.
struct Act<'a> {
    session: usize,
    level: Level,
    exfiltrated: Exfiltrated,
    bytes: Interval,
    time: Timestamp,
    why: (u8, Text),
    evidence: &'a [Evidence],
}

/// Messages that a request names but that are nowhere known any more.
type Unknown = (Sym, String, u32);

/// The ledger and what else is learnt on the way.
pub struct Ledger {
    /// Rows.
    pub entries: Vec<LedgerEntry>,
    /// Octets of content that left, all items together.
    pub total: Interval,
    /// Level of each message reached, as index into the universe.
    pub levels: HashMap<u32, Level>,
}

/// Builds it from the sessions labelled `intruder`.
pub struct Builder<'m, 'a> {
    m: &'m Model<'a>,
    text: &'m dyn EvidenceText,
    rows: BTreeMap<Key, Row>,
    unknown: BTreeMap<Unknown, Row>,
    /// Most that sessions without command log sent in all, by account: caps the total.
    caps: BTreeMap<usize, u64>,
    /// Items whose upper bound rests on a cap only, by session.
    capped: BTreeMap<usize, BTreeSet<Key>>,
    /// Items that something else than a cap speaks of too.
    uncapped: BTreeSet<Key>,
    /// Runs recognised by [`Self::chain`].
    chained: BTreeMap<(usize, Timestamp), Exact>,
    /// Octets sent by sessions of accounts whose messages are not known at all.
    unlisted: u64,
}

impl<'m, 'a> Builder<'m, 'a> {
    /// Starts a ledger.
    pub fn new(m: &'m Model<'a>, text: &'m dyn EvidenceText) -> Self {
        Self {
            m,
            text,
            rows: BTreeMap::new(),
            unknown: BTreeMap::new(),
            caps: BTreeMap::new(),
            capped: BTreeMap::new(),
            uncapped: BTreeSet::new(),
            chained: BTreeMap::new(),
            unlisted: 0,
        }
    }

    /// Adds what a session did.
    pub fn session(&mut self, index: usize) {
        let c = &self.m.clients[index];
        self.expose(index, c);
        match c.protocol {
            Protocol::Webmail => {
                for &r in self.m.clients.list(c.requests) {
                    let r = &self.m.obs.requests[r as usize];
                    self.request(index, c, r);
                }
            }
            Protocol::Imap => self.imap(index, c),
            Protocol::Pop3 => self.pop3(index, c),
            _ => {}
        }
    }

    /// Everything in the account's mailboxes at the time could have been reached.
    fn expose(&mut self, index: usize, c: &Client) {
        if matches!(c.protocol, Protocol::Smtp | Protocol::Sieve | Protocol::Ssh) {
            return;
        }
        // POP3 reaches the INBOX only (RFC 1939 knows one maildrop).
        for &k in self.m.universe.of(c.account) {
            let known = &self.m.universe.known[k as usize];
            if !known.present(c.start, c.end)
                || (c.protocol == Protocol::Pop3 && !is_inbox(&known.mailbox))
            {
                continue;
            }
            for part in self.items(k) {
                self.rows
                    .entry((k, part))
                    .or_default()
                    .sessions
                    .insert(index);
            }
        }
    }

    /// The message itself and its attachments.
    fn items(&self, k: u32) -> Vec<Option<usize>> {
        let parts = self.m.universe.known[k as usize].parts(self.m.store);
        std::iter::once(None)
            .chain(
                parts
                    .iter()
                    .enumerate()
                    .filter(|(_, p)| is_document(p))
                    .map(|(i, _)| Some(i)),
            )
            .collect()
    }

    fn parts(&self, k: u32) -> &'m [Part] {
        self.m.universe.known[k as usize].parts(self.m.store)
    }

    fn size(&self, key: Key) -> Option<u64> {
        match key.1 {
            None => self.m.universe.known[key.0 as usize].most(),
            Some(i) => self.parts(key.0).get(i).map(|p| p.decoded_size),
        }
    }

    fn act(&mut self, key: Key, act: Act<'_>) {
        let size = self.size(key);
        let to = self.m.addr_text(self.m.clients[act.session].ip);
        if act.why.0 != WHY_SHARE && act.bytes.max > 0 {
            self.uncapped.insert(key);
        }
        let row = self.rows.entry(key).or_default();
        row.add(act, size, to);
    }

    fn request(&mut self, index: usize, c: &Client, r: &RequestRec) {
        if !(200..300).contains(&r.status) || r.bytes == Some(0) {
            return;
        }
        match r.action {
            Action::List => self.list(index, c, r),
            Action::Search => self.search(index, c, r),
            // Which messages were packed stands in the body of the POST, which no log has.
            Action::ZipMessages => self.some_packed(index, c, r),
            _ => {}
        }
        for (k, unknown) in self.named(c, r) {
            match k {
                Some(k) => self.named_request(index, k, r),
                None => self.unknown_request(index, unknown, r),
            }
        }
    }

    /// Messages that a request names: known ones, or the UID of one that is not known any more.
    fn named(&self, c: &Client, r: &RequestRec) -> Vec<(Option<u32>, Unknown)> {
        let mailbox = self.m.name(r.mailbox);
        let uids = match self.m.name(r.uids) {
            "" if r.uid != 0 => vec![r.uid],
            "" => Vec::new(),
            set => uid_set(set, u32::MAX, SET_MOST),
        };
        uids.into_iter()
            .map(|uid| {
                let k = self.m.universe.by_uid(c.account, mailbox, uid);
                (k, (c.account, mailbox.to_string(), uid))
            })
            .collect()
    }

    fn named_request(&mut self, index: usize, k: u32, r: &RequestRec) {
        let line = [r.evidence];
        let act = |level, exfiltrated, bytes, why| Act {
            session: index,
            level,
            exfiltrated,
            bytes,
            time: r.time,
            why,
            evidence: &line,
        };
        let known = &self.m.universe.known[k as usize];
        let response = Response {
            bytes: r.bytes,
            wire: r.wire,
            compressible: false,
        };
        let attachments: Vec<usize> = self
            .parts(k)
            .iter()
            .enumerate()
            .filter(|(_, p)| is_document(p))
            .map(|(i, _)| i)
            .collect();
        match r.action {
            Action::Show | Action::Preview | Action::Print | Action::Compose => {
                let bytes = bounds::rendered(response, known.text_size.or(known.most()));
                self.act(
                    (k, None),
                    act(Level::Read, Exfiltrated::Possible, bytes, why_shown()),
                );
                for i in attachments {
                    // The page names the attachments; text ones it may show.
                    let part = &self.parts(k)[i];
                    let shown = part.content_type.starts_with("text/")
                        || part.content_type.starts_with("message/");
                    let bytes = if shown {
                        bounds::rendered(response, Some(part.decoded_size))
                    } else {
                        Interval::NOTHING
                    };
                    let exfiltrated = if shown {
                        Exfiltrated::Possible
                    } else {
                        Exfiltrated::NoEvidence
                    };
                    let level = if shown { Level::Read } else { Level::Exposed };
                    self.act((k, Some(i)), act(level, exfiltrated, bytes, why_named()));
                }
            }
            Action::Headers => {
                self.act(
                    (k, None),
                    act(
                        Level::Listed,
                        Exfiltrated::NoEvidence,
                        Interval::NOTHING,
                        why_listed(),
                    ),
                );
            }
            Action::Source => {
                // text/plain, which Apache's mod_deflate compresses by default and nginx does not.
                let response = Response {
                    compressible: r.compressed != Some(false),
                    ..response
                };
                let bytes = match (r.flags.save(), r.bytes, known.vsize) {
                    // The log's count equals the message's size to the octet: sent as it is.
                    (true, Some(n), Some(size)) if n == size && !r.wire => Interval::exactly(n),
                    (true, ..) => bounds::verbatim(response, known.most()),
                    (false, ..) => bounds::rendered(response, known.most()),
                };
                let (level, exfiltrated) = if r.flags.save() {
                    (Level::Downloaded, Exfiltrated::Confirmed)
                } else {
                    (Level::Read, Exfiltrated::Possible)
                };
                let whole = known.vsize.is_some_and(|s| bytes.min == s);
                self.act((k, None), act(level, exfiltrated, bytes, why_source()));
                for i in attachments {
                    let size = self.parts(k)[i].decoded_size;
                    let bytes = if whole {
                        Interval::exactly(size)
                    } else {
                        Interval::up_to(size)
                    };
                    self.act((k, Some(i)), act(level, exfiltrated, bytes, why_inside()));
                }
            }
            Action::ZipAttachments => {
                let all: Vec<usize> = attachments;
                for i in all {
                    let size = self.parts(k)[i].decoded_size;
                    let bytes = bounds::rendered(response, Some(size));
                    self.act(
                        (k, Some(i)),
                        act(Level::Downloaded, Exfiltrated::Confirmed, bytes, why_zip()),
                    );
                }
            }
            Action::Get => self.get(k, r, &act),
            _ => {}
        }
    }

    /// A part was asked for.
    fn get<'b>(
        &mut self,
        k: u32,
        r: &RequestRec,
        act: &dyn Fn(Level, Exfiltrated, Interval, (u8, Text)) -> Act<'b>,
    ) {
        if r.flags.wrapper() || r.flags.draft() || r.flags.all() {
            return;
        }
        let number = self.m.name(r.part);
        let parts = self.parts(k);
        let named = self.m.universe.known[k as usize].stored.and_then(|(b, i)| {
            vauban_mail::webmail::part(&self.m.store.mailboxes[b].messages[i].message, number)
        });
        let found = match named {
            Some(WebmailPart::Part(p)) => parts.iter().position(|x| std::ptr::eq(x, p)),
            // A file taken out of the part is converted on the way.
            Some(WebmailPart::Inside(p)) => {
                if let Some(i) = parts.iter().position(|x| std::ptr::eq(x, p)) {
                    let response = Response {
                        bytes: r.bytes,
                        wire: r.wire,
                        compressible: true,
                    };
                    let bytes = bounds::rendered(response, Some(p.decoded_size));
                    let (level, exfiltrated) = if r.flags.download() {
                        (Level::Downloaded, Exfiltrated::Confirmed)
                    } else {
                        (Level::Read, Exfiltrated::Possible)
                    };
                    let key = if is_document(p) {
                        (k, Some(i))
                    } else {
                        (k, None)
                    };
                    return self.act(key, act(level, exfiltrated, bytes, why_part()));
                }
                None
            }
            Some(WebmailPart::Body) | None => None,
        };
        let Some(i) = found else {
            // A part of a message inside the message, or of a message that is not stored.
            let size = self.m.universe.known[k as usize].most();
            let response = Response {
                bytes: r.bytes,
                wire: r.wire,
                compressible: true,
            };
            let level = if r.flags.download() {
                Level::Downloaded
            } else {
                Level::Read
            };
            let exfiltrated = if r.flags.download() {
                Exfiltrated::Confirmed
            } else {
                Exfiltrated::Possible
            };
            let bytes = bounds::rendered(response, size);
            return self.act((k, None), act(level, exfiltrated, bytes, why_part()));
        };
        let part = &parts[i];
        let response = Response {
            bytes: r.bytes,
            wire: r.wire,
            compressible: r.compressed != Some(false) && compressible(&part.content_type),
        };
        let size = Some(part.decoded_size);
        let (level, exfiltrated, bytes, why) = if r.flags.thumb() {
            (
                Level::Read,
                Exfiltrated::Possible,
                bounds::rendered(response, size),
                why_thumb(),
            )
        } else if r.flags.download() {
            let bytes = match r.bytes {
                Some(n) if !r.wire && n == part.decoded_size => Interval::exactly(n),
                _ => bounds::verbatim(response, size),
            };
            (Level::Downloaded, Exfiltrated::Confirmed, bytes, why_part())
        } else {
            // For display: a warning page or a converted picture may stand in its place, so that
            // only equality to the octet proves anything.
            let bytes = match r.bytes {
                Some(n) if !r.wire && n == part.decoded_size => Interval::exactly(n),
                _ => bounds::rendered(response, size),
            };
            (Level::Read, Exfiltrated::Possible, bytes, why_part())
        };
        // A text part is the message's own text, unless it is a file beside it.
        let key = if is_document(part) {
            (k, Some(i))
        } else {
            (k, None)
        };
        self.act(key, act(level, exfiltrated, bytes, why));
    }

    fn unknown_request(&mut self, index: usize, unknown: Unknown, r: &RequestRec) {
        let response = Response {
            bytes: r.bytes,
            wire: r.wire,
            compressible: true,
        };
        let (level, exfiltrated) = match r.action {
            Action::Show | Action::Preview | Action::Print | Action::Compose => {
                (Level::Read, Exfiltrated::Possible)
            }
            Action::Source if r.flags.save() => (Level::Downloaded, Exfiltrated::Confirmed),
            Action::Source => (Level::Read, Exfiltrated::Possible),
            Action::Get if r.flags.wrapper() || r.flags.draft() => return,
            Action::Get if r.flags.download() => (Level::Downloaded, Exfiltrated::Confirmed),
            Action::Get => (Level::Read, Exfiltrated::Possible),
            Action::ZipAttachments => (Level::Downloaded, Exfiltrated::Confirmed),
            Action::Headers => (Level::Listed, Exfiltrated::NoEvidence),
            _ => return,
        };
        // Nothing else limits it: a compressed body expands at most 1032 times (RFC 1951).
        let most = r.bytes.map_or(u64::MAX, |n| n.saturating_mul(1032));
        let bytes = if level == Level::Listed {
            Interval::NOTHING
        } else {
            bounds::rendered(response, Some(most))
        };
        let to = self.m.addr_text(self.m.clients[index].ip);
        let row = self.unknown.entry(unknown).or_default();
        let act = Act {
            session: index,
            level,
            exfiltrated,
            bytes,
            time: r.time,
            why: why_gone(),
            evidence: &[r.evidence],
        };
        row.add(act, None, to);
    }

    fn some_packed(&mut self, index: usize, c: &Client, r: &RequestRec) {
        let line = [r.evidence];
        let there: Vec<u32> = self.m.universe.of(c.account).to_vec();
        for k in there {
            if !self.m.universe.known[k as usize].present(r.time, r.time) {
                continue;
            }
            for part in self.items(k) {
                let act = Act {
                    session: index,
                    level: Level::Exposed,
                    exfiltrated: Exfiltrated::Possible,
                    bytes: Interval::up_to(self.size((k, part)).unwrap_or(u64::MAX)),
                    time: r.time,
                    why: why_packed(),
                    evidence: &line,
                };
                self.act((k, part), act);
            }
        }
    }

    /// A page of the message list: the newest first, unless the user chose otherwise.
    fn list(&mut self, index: usize, c: &Client, r: &RequestRec) {
        if r.query != Sym(0) {
            return;
        }
        let mailbox = match self.m.name(r.mailbox) {
            "" => "INBOX",
            name => name,
        };
        let mut there: Vec<(Option<u32>, u32)> = self
            .m
            .universe
            .of(c.account)
            .iter()
            .map(|&k| (&self.m.universe.known[k as usize], k))
            .filter(|(known, _)| same_mailbox(&known.mailbox, mailbox))
            .filter(|(known, _)| known.present(r.time, r.time))
            .map(|(known, k)| (known.uid, k))
            .collect();
        there.sort_unstable_by(|a, b| b.cmp(a));
        let skip = PAGE * (r.page.max(1) as usize - 1);
        let line = [r.evidence];
        for (_, k) in there.into_iter().skip(skip).take(PAGE) {
            self.act((k, None), listed(index, r.time, &line, why_list_page()));
        }
    }

    /// A search: its answer lists what it finds. The store is searched again.
    fn search(&mut self, index: usize, c: &Client, r: &RequestRec) {
        let line = [r.evidence];
        for k in self.hits(c, r) {
            self.act((k, None), listed(index, r.time, &line, why_search()));
        }
    }

    /// Messages that a webmail search finds in the store.
    pub fn hits(&self, c: &Client, r: &RequestRec) -> Vec<u32> {
        let query = self.m.name(r.query);
        if query.is_empty() {
            return Vec::new();
        }
        let mailbox = self.m.name(r.mailbox);
        self.m
            .universe
            .of(c.account)
            .iter()
            .copied()
            .filter(|&k| {
                let known = &self.m.universe.known[k as usize];
                (mailbox.is_empty() || same_mailbox(&known.mailbox, mailbox))
                    && known.present(r.time, r.time)
                    && known.stored.is_some_and(|(b, i)| {
                        let message = &self.m.store.mailboxes[b].messages[i];
                        self.text
                            .message_matches(message, query, self.m.name(r.headers))
                    })
            })
            .collect()
    }

    fn imap(&mut self, index: usize, c: &Client) {
        for &d in self.m.clients.list(c.daemon) {
            let d = &self.m.daemon[d as usize];
            let commands = self.commands(d);
            if commands.iter().any(|r| r.action == MailboxAction::Fetch) {
                for r in commands {
                    self.fetch(index, c, r);
                }
                continue;
            }
            let lines: Vec<Evidence> = d.lines().collect();
            let (count, sent) = match &d.counters {
                Some(k) => (k.body_count, k.body_bytes.or(k.bytes_out)),
                // No log-out on record: what was sent is not known.
                None => (None, None),
            };
            let listed_all = d.counters.as_ref().is_some_and(|k| {
                k.hdr_count
                    .is_some_and(|n| n as usize >= self.inbox(c).len() && n > 0)
            });
            if listed_all {
                for k in self.inbox(c) {
                    self.act((k, None), listed(index, d.start, &lines, why_headers()));
                }
            }
            if sent == Some(0) && count.unwrap_or(0) == 0 {
                continue;
            }
            let exact = match (count, d.counters.as_ref().and_then(|k| k.body_bytes)) {
                (Some(n), Some(bytes)) => self.whole(c, u64::from(n), bytes, false),
                _ => None,
            };
            self.bulk(index, c, d, sent, exact, &lines, false);
        }
    }

    fn pop3(&mut self, index: usize, c: &Client) {
        for &d in self.m.clients.list(c.daemon) {
            let d = &self.m.daemon[d as usize];
            let lines: Vec<Evidence> = d.lines().collect();
            let (count, retr, sent) = match &d.counters {
                Some(k) => {
                    let top = k.top_bytes.unwrap_or(0);
                    let sent = k.retr_bytes.map(|b| b + top).or(k.bytes_out);
                    (k.retr_count, k.retr_bytes, sent)
                }
                None => (None, None, None),
            };
            if sent == Some(0) {
                continue;
            }
            let exact = match (count, retr) {
                (Some(n), Some(bytes)) => self
                    .whole(c, u64::from(n), bytes, true)
                    .or_else(|| self.chained.remove(&(index, d.start))),
                _ => None,
            };
            self.bulk(index, c, d, sent, exact, &lines, true);
        }
    }

    /// Recognises POP3 sessions that together take an INBOX in order, a few messages each.
    ///
    /// A client that keeps UIDLs takes what it has not taken yet, oldest or newest first. Where the
    /// octets of a session are exactly those of a run of neighbouring messages, and the session
    /// before or after is exactly the run that joins it, both are taken to be what was sent:
    /// `docs/BOUNDS.md`, "Runs that join".
    pub fn chain(&mut self, sessions: &[usize]) {
        let mut by_account: BTreeMap<Sym, Vec<(usize, &DaemonSession)>> = BTreeMap::new();
        for &i in sessions {
            let c = &self.m.clients[i];
            if c.protocol == Protocol::Pop3 {
                for &d in self.m.clients.list(c.daemon) {
                    by_account
                        .entry(c.account)
                        .or_default()
                        .push((i, &self.m.daemon[d as usize]));
                }
            }
        }
        for list in by_account.into_values() {
            let runs: Vec<Taken> = list
                .into_iter()
                .filter_map(|(index, d)| self.possible_runs(index, d))
                .filter(|t| t.count > 0)
                .collect();
            for (i, taken) in runs.iter().enumerate() {
                let next = runs.get(i + 1);
                let previous = i.checked_sub(1).and_then(|p| runs.get(p));
                let fitting: Vec<&Vec<u32>> = taken
                    .runs
                    .iter()
                    .filter(|run| {
                        next.is_some_and(|n| n.runs.iter().any(|r| n.joins(run, r)))
                            || previous.is_some_and(|p| p.runs.iter().any(|r| taken.joins(r, run)))
                    })
                    .collect();
                if let [run] = fitting.as_slice() {
                    let doubtful = run
                        .iter()
                        .map(|k| {
                            let cost = self.cost(*k, true);
                            taken
                                .order
                                .iter()
                                .any(|o| !run.contains(o) && self.cost(*o, true) == cost)
                        })
                        .collect();
                    self.chained
                        .insert((taken.session, taken.start), ((*run).clone(), doubtful));
                }
            }
        }
    }

    /// Runs of neighbouring messages whose octets are those that a session sent.
    fn possible_runs(&self, session: usize, d: &DaemonSession) -> Option<Taken> {
        let k = d.counters.as_ref()?;
        let (count, bytes) = (k.retr_count? as usize, k.retr_bytes?);
        let order = self.inbox(&self.m.clients[session]);
        let sizes: Vec<u64> = order
            .iter()
            .map(|&k| self.cost(k, true))
            .collect::<Option<_>>()?;
        let runs = if count == 0 || count > sizes.len() {
            Vec::new()
        } else {
            (0..=sizes.len() - count)
                .filter(|&at| sizes[at..at + count].iter().sum::<u64>() == bytes)
                .map(|at| order[at..at + count].to_vec())
                .collect()
        };
        Some(Taken {
            session,
            start: d.start,
            count,
            order,
            runs,
        })
    }

    fn inbox(&self, c: &Client) -> Vec<u32> {
        self.mailbox_of(c, "INBOX")
    }

    /// Messages of one mailbox that stood there during a session, by UID.
    fn mailbox_of(&self, c: &Client, mailbox: &str) -> Vec<u32> {
        let mut list: Vec<(Option<u32>, u32)> = self
            .m
            .universe
            .of(c.account)
            .iter()
            .map(|&k| (&self.m.universe.known[k as usize], k))
            .filter(|(known, _)| {
                known.stored.is_some()
                    && same_mailbox(&known.mailbox, mailbox)
                    && known.present(c.start, c.start)
            })
            .map(|(known, k)| (known.uid, k))
            .collect();
        list.sort_unstable();
        list.into_iter().map(|(_, k)| k).collect()
    }

    /// What Dovecot counts for sending a message whole. IMAP: its RFC822.SIZE (`body_bytes` counts
    /// the literal). POP3: also the response line `+OK n octets` and an octet for each line that
    /// begins with a dot, since `retr` counts what went into the connection up to the final dot
    /// (`pop3-commands.c`, `fetch`).
    fn cost(&self, k: u32, pop3: bool) -> Option<u64> {
        let known = &self.m.universe.known[k as usize];
        let size = known.vsize?;
        if !pop3 {
            return Some(size);
        }
        let (b, i) = known.stored?;
        let dots = self.m.store.mailboxes[b].messages[i].message.dot_lines;
        Some(size + dots + ("+OK ".len() + size.to_string().len() + " octets\r\n".len()) as u64)
    }

    /// The run of messages whose sizes add up to what the session sent, if there is just one.
    fn whole(&self, c: &Client, count: u64, bytes: u64, pop3: bool) -> Option<Exact> {
        let mailboxes: BTreeSet<&str> = self
            .m
            .universe
            .of(c.account)
            .iter()
            .map(|&k| self.m.universe.known[k as usize].mailbox.as_str())
            .filter(|name| !pop3 || is_inbox(name))
            .collect();
        let mut found: Vec<Exact> = Vec::new();
        let mut everything = Vec::new();
        for mailbox in mailboxes {
            let list = self.mailbox_of(c, mailbox);
            everything.extend(list.iter().copied());
            found.extend(self.whole_of(&list, count, bytes, pop3));
        }
        if !pop3 && everything.len() as u64 == count {
            found.extend(self.whole_of(&everything, count, bytes, pop3));
        }
        found.dedup_by(|a, b| a.0 == b.0);
        (found.len() == 1).then(|| found.remove(0))
    }

    fn whole_of(&self, list: &[u32], count: u64, bytes: u64, pop3: bool) -> Option<Exact> {
        let sizes: Vec<u64> = list
            .iter()
            .map(|&k| self.cost(k, pop3))
            .collect::<Option<_>>()?;
        let run = bounds::whole_run(&sizes, count, bytes)?;
        let doubtful = run
            .clone()
            .map(|i| bounds::interchangeable(&sizes, &run, i))
            .collect();
        Some((list[run].to_vec(), doubtful))
    }

    /// A session without command log: every message it could reach may be among what it sent.
    #[allow(clippy::too_many_arguments)]
    fn bulk(
        &mut self,
        index: usize,
        c: &Client,
        d: &DaemonSession,
        sent: Option<u64>,
        exact: Option<Exact>,
        lines: &[Evidence],
        pop3: bool,
    ) {
        let act = |level, exfiltrated, bytes, why| Act {
            session: index,
            level,
            exfiltrated,
            bytes,
            time: d.end.unwrap_or(d.start),
            why,
            evidence: lines,
        };
        if let Some((run, doubtful)) = exact {
            for (&k, &doubtful) in run.iter().zip(&doubtful) {
                let size = self.m.universe.known[k as usize].vsize.unwrap_or(0);
                let bytes = if doubtful {
                    Interval::up_to(size)
                } else {
                    Interval::exactly(size)
                };
                self.act(
                    (k, None),
                    act(
                        Level::Downloaded,
                        Exfiltrated::Confirmed,
                        bytes,
                        why_whole(),
                    ),
                );
                for part in self.items(k).into_iter().flatten() {
                    let size = self.parts(k)[part].decoded_size;
                    let bytes = if doubtful {
                        Interval::up_to(size)
                    } else {
                        Interval::exactly(size)
                    };
                    self.act(
                        (k, Some(part)),
                        act(
                            Level::Downloaded,
                            Exfiltrated::Confirmed,
                            bytes,
                            why_inside(),
                        ),
                    );
                }
            }
            if doubtful.iter().all(|d| !d) {
                return;
            }
        }
        if let Some(sent) = sent {
            *self.caps.entry(index).or_default() += sent;
        }
        let reach: Vec<u32> = self
            .m
            .universe
            .of(c.account)
            .iter()
            .copied()
            .filter(|&k| {
                let known = &self.m.universe.known[k as usize];
                known.present(c.start, c.end) && (!pop3 || is_inbox(&known.mailbox))
            })
            .collect();
        if reach.is_empty() {
            // No message is known that it could have sent: its octets have no row to stand in.
            self.unlisted = self.unlisted.saturating_add(sent.unwrap_or(u64::MAX));
        }
        for k in reach {
            for part in self.items(k) {
                let key = (k, part);
                let bytes = bounds::share(self.size(key), sent);
                if bytes.max == 0 {
                    continue;
                }
                let level = Level::Exposed;
                self.act(
                    key,
                    act(level, Exfiltrated::Possible, bytes, why_share(sent)),
                );
                if sent.is_some() {
                    self.capped.entry(index).or_default().insert(key);
                } else {
                    self.uncapped.insert(key);
                }
            }
        }
    }

    /// Commands that the daemon exported for a session, if it did.
    fn commands(&self, d: &DaemonSession) -> Vec<&'m MailboxRec> {
        if d.id == 0 {
            return Vec::new();
        }
        self.m.commands_of(d.id)
    }

    /// A FETCH with its arguments.
    fn fetch(&mut self, index: usize, c: &Client, r: &MailboxRec) {
        let line = [r.evidence];
        let arguments = self.m.name(r.arguments).to_ascii_uppercase();
        let set = match self.m.name(r.uids) {
            "" => arguments
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_string(),
            set => set.to_string(),
        };
        let mailbox = self.m.name(r.mailbox).to_string();
        if r.action != MailboxAction::Fetch || !self.m.name(r.command).contains("UID") {
            return;
        }
        let body = fetches_body(&arguments);
        let list = self.mailbox_of(
            c,
            if mailbox.is_empty() {
                "INBOX"
            } else {
                &mailbox
            },
        );
        let last = list
            .iter()
            .filter_map(|&k| self.m.universe.known[k as usize].uid)
            .max()
            .unwrap_or(0);
        let uids: BTreeSet<u32> = uid_set(&set, last, SET_MOST).into_iter().collect();
        for k in list {
            let known = &self.m.universe.known[k as usize];
            if !known.uid.is_some_and(|u| uids.contains(&u)) {
                continue;
            }
            let act = |level, exfiltrated, bytes, why| Act {
                session: index,
                level,
                exfiltrated,
                bytes,
                time: r.time,
                why,
                evidence: &line,
            };
            if !body {
                self.act((k, None), listed(index, r.time, &line, why_headers()));
                continue;
            }
            for part in self.items(k) {
                let bytes = bounds::share(self.size((k, part)), r.bytes_out);
                self.act(
                    (k, part),
                    act(
                        Level::Downloaded,
                        Exfiltrated::Confirmed,
                        bytes,
                        why_command(),
                    ),
                );
            }
        }
    }

    /// A message was sent on by a redirect.
    #[allow(clippy::too_many_arguments)]
    pub fn forwarded(
        &mut self,
        account: Sym,
        hash: u64,
        bytes: Interval,
        to: &str,
        time: Timestamp,
        evidence: &[Evidence],
        confirmed: bool,
    ) -> bool {
        let Some(k) = self.m.universe.by_hash(account, hash) else {
            return false;
        };
        let exfiltrated = if confirmed {
            Exfiltrated::Confirmed
        } else {
            Exfiltrated::Possible
        };
        for part in self.items(k) {
            let size = self.size((k, part));
            let bytes = match (part, size) {
                (None, _) => bytes,
                (Some(_), Some(size)) if confirmed => Interval::exactly(size),
                (Some(_), size) => Interval::up_to(size.unwrap_or(bytes.max)),
            };
            self.uncapped.insert((k, part));
            let row = self.rows.entry((k, part)).or_default();
            let act = Act {
                session: usize::MAX,
                level: Level::Forwarded,
                exfiltrated,
                bytes,
                time,
                why: why_forwarded(),
                evidence,
            };
            row.add(act, None, to.to_string());
        }
        true
    }

    /// Records are missing: what an intruder reached in the meantime is not known.
    pub fn hole(&mut self, account: Sym, hole: &Hole) {
        for &k in self.m.universe.of(account) {
            let known = &self.m.universe.known[k as usize];
            if !known.present(hole.from, hole.to) {
                continue;
            }
            for part in self.items(k) {
                let key = (k, part);
                let size = self.size(key);
                self.uncapped.insert(key);
                let row = self.rows.entry(key).or_default();
                row.exfiltrated = row.exfiltrated.max(Exfiltrated::Possible);
                row.bytes = row
                    .bytes
                    .together(Interval::up_to(size.unwrap_or(u64::MAX)), size);
                row.why.insert(WHY_HOLE, why_hole(hole));
                for line in &hole.evidence {
                    row.note(*line);
                }
            }
        }
    }

    /// Finishes: rows in order of account, mailbox, UID and part.
    pub fn finish(
        mut self,
        refs: &dyn Fn(&[Evidence]) -> Vec<crate::contract::EvidenceRef>,
        id: &dyn Fn(usize) -> Option<String>,
    ) -> Ledger {
        let total = self.total();
        let mut levels = HashMap::new();
        let mut entries = Vec::new();
        for (&(k, part), row) in &self.rows {
            let known = &self.m.universe.known[k as usize];
            let p = part.and_then(|i| self.parts(k).get(i));
            let level: &mut Level = levels.entry(k).or_default();
            *level = (*level).max(row.level);
            entries.push(row.entry(
                LedgerEntry {
                    account: self.m.name(known.account).to_string(),
                    mailbox: known.mailbox.clone(),
                    uid: known.uid,
                    message_id: known.message_id.clone(),
                    part: p.map(|p| p.number.clone()),
                    filename: p.map_or_else(|| known.subject.clone(), |p| p.filename.clone()),
                    size_bytes: p.map(|p| p.decoded_size).or(known.vsize),
                    classification: p.map_or_else(
                        || known.classification.clone(),
                        |p| p.classification.clone(),
                    ),
                    ..LedgerEntry::default()
                },
                refs,
                id,
            ));
        }
        for ((account, mailbox, uid), row) in std::mem::take(&mut self.unknown) {
            entries.push(row.entry(
                LedgerEntry {
                    account: self.m.name(account).to_string(),
                    mailbox,
                    uid: Some(uid),
                    ..LedgerEntry::default()
                },
                refs,
                id,
            ));
        }
        entries.sort_by(|a, b| {
            (&a.account, &a.mailbox, a.uid, &a.message_id, &a.part).cmp(&(
                &b.account,
                &b.mailbox,
                b.uid,
                &b.message_id,
                &b.part,
            ))
        });
        Ledger {
            entries,
            total,
            levels,
        }
    }

    /// Octets that left in all. A message that was sent whole holds its attachments, and text and
    /// attachments decoded are no larger than as sent, so a message counts at least as the larger
    /// of the two, and at most as both, but never more than RFC822.SIZE. What sessions without
    /// command log can have sent is capped by what they did send.
    fn total(&self) -> Interval {
        let mut per_message: BTreeMap<u32, (Interval, Interval)> = BTreeMap::new();
        let mut only_capped: BTreeMap<u32, bool> = BTreeMap::new();
        for (&(k, part), row) in &self.rows {
            let entry = per_message.entry(k).or_default();
            let slot = if part.is_none() {
                &mut entry.0
            } else {
                &mut entry.1
            };
            slot.min = slot.min.saturating_add(row.bytes.min);
            slot.max = slot.max.saturating_add(row.bytes.max);
            let capped = !self.uncapped.contains(&(k, part));
            *only_capped.entry(k).or_insert(true) &= capped;
        }
        let mut total = Interval::NOTHING;
        let mut capped_max = 0_u64;
        for (k, (message, parts)) in per_message {
            let size = self.m.universe.known[k as usize].most().unwrap_or(u64::MAX);
            let min = message.min.max(parts.min);
            // A forwarded message has header lines added on the way.
            let max = message
                .max
                .saturating_add(parts.max)
                .min(size.max(message.max).max(min));
            total.min = total.min.saturating_add(min);
            if only_capped.get(&k).copied().unwrap_or(false) {
                capped_max = capped_max.saturating_add(max);
            } else {
                total.max = total.max.saturating_add(max);
            }
        }
        let cap = self.caps.values().fold(0_u64, |a, &b| a.saturating_add(b));
        total.max = total.max.saturating_add(if self.caps.is_empty() {
            capped_max
        } else {
            capped_max.min(cap)
        });
        total.max = total.max.saturating_add(self.unlisted);
        for row in self.unknown.values() {
            total.min = total.min.saturating_add(row.bytes.min);
            total.max = total.max.saturating_add(row.bytes.max);
        }
        total
    }
}

impl Row {
    fn note(&mut self, line: Evidence) {
        if self.evidence.len() < 8 && !self.evidence.contains(&line) {
            self.evidence.push(line);
        }
    }

    fn add(&mut self, act: Act<'_>, size: Option<u64>, to: String) {
        let stronger = act.level > self.level;
        self.level = self.level.max(act.level);
        self.exfiltrated = self.exfiltrated.max(act.exfiltrated);
        self.bytes = self.bytes.together(act.bytes, size);
        if act.bytes.max > 0 && !to.is_empty() {
            self.to.insert(to);
        }
        if act.level > Level::Exposed || act.bytes.max > 0 {
            self.first = Some(self.first.map_or(act.time, |t| t.min(act.time)));
            self.last = Some(self.last.map_or(act.time, |t| t.max(act.time)));
        }
        if act.session != usize::MAX {
            self.sessions.insert(act.session);
        }
        self.why.insert(act.why.0, act.why.1);
        if stronger {
            // What shows the strongest level comes first.
            let mut lines = act.evidence.to_vec();
            lines.extend(
                self.evidence
                    .iter()
                    .copied()
                    .filter(|e| !act.evidence.contains(e)),
            );
            lines.truncate(8);
            self.evidence = lines;
        } else {
            act.evidence.iter().for_each(|&line| self.note(line));
        }
    }

    fn entry(
        &self,
        base: LedgerEntry,
        refs: &dyn Fn(&[Evidence]) -> Vec<crate::contract::EvidenceRef>,
        id: &dyn Fn(usize) -> Option<String>,
    ) -> LedgerEntry {
        let why = if self.why.is_empty() {
            why_exposed()
        } else {
            let join =
                |pick: fn(&Text) -> &str| self.why.values().map(pick).collect::<Vec<_>>().join(" ");
            text(join(|t| &t.en), join(|t| &t.fr))
        };
        let mut sessions: Vec<String> = self.sessions.iter().filter_map(|&s| id(s)).collect();
        sessions.sort();
        LedgerEntry {
            level: self.level,
            exfiltrated: self.exfiltrated,
            bytes_min: self.bytes.min,
            bytes_max: self.bytes.max,
            to: self.to.iter().cloned().collect(),
            first: self.first.map(|t| t.to_string()),
            last: self.last.map(|t| t.to_string()),
            sessions,
            why,
            evidence: refs(&self.evidence),
            ..base
        }
    }
}

fn listed(session: usize, time: Timestamp, evidence: &[Evidence], why: (u8, Text)) -> Act<'_> {
    Act {
        session,
        level: Level::Listed,
        exfiltrated: Exfiltrated::NoEvidence,
        bytes: Interval::NOTHING,
        time,
        why,
        evidence,
    }
}

/// Whether a part has a row of its own: a file beside the text or a picture in it, not another form
/// of the text (an invitation repeated as `text/calendar` within the alternatives).
fn is_document(part: &Part) -> bool {
    let text = part.content_type.starts_with("text/");
    (part.attachment && !(part.filename.is_empty() && text))
        || !(text || part.content_type.starts_with("multipart/"))
}

fn is_inbox(name: &str) -> bool {
    name.eq_ignore_ascii_case("inbox") || name.is_empty()
}

fn same_mailbox(a: &str, b: &str) -> bool {
    a == b || (is_inbox(a) && is_inbox(b))
}

/// Content types that web servers compress by default or often: text, and what is written in it.
fn compressible(content_type: &str) -> bool {
    content_type.starts_with("text/")
        || content_type.starts_with("message/")
        || [
            "xml",
            "json",
            "javascript",
            "ecmascript",
            "wasm",
            "rtf",
            "svg",
        ]
        .iter()
        .any(|t| content_type.contains(t))
}

/// Whether FETCH items send bodies: `BODY[…]` or `BINARY[…]` other than pure header sections,
/// `RFC822` and `RFC822.TEXT` (RFC 3501, 6.4.5).
pub fn fetches_body(arguments: &str) -> bool {
    let upper = arguments.to_ascii_uppercase();
    let mut rest = upper.as_str();
    for (at, _) in upper.match_indices("RFC822") {
        let tail = &upper[at + 6..];
        if !tail.starts_with(".SIZE") && !tail.starts_with(".HEADER") {
            return true;
        }
    }
    while let Some(open) = rest.find('[') {
        let head = &rest[..open];
        let close = rest[open..].find(']').map_or(rest.len(), |c| open + c);
        let section = &rest[open + 1..close];
        let body = ["BODY", "BODY.PEEK", "BINARY", "BINARY.PEEK"]
            .iter()
            .any(|n| head.ends_with(n));
        let header = section.contains("HEADER") || section.ends_with("MIME");
        if body && !header {
            return true;
        }
        rest = &rest[close.min(rest.len())..];
        if rest.starts_with(']') {
            rest = &rest[1..];
        }
    }
    false
}

const WHY_SHARE: u8 = 20;
const WHY_HOLE: u8 = 30;

macro_rules! why {
    ($($(#[$doc:meta])* $name:ident = $order:literal, $en:literal, $fr:literal;)*) => {
        $($(#[$doc])* fn $name() -> (u8, Text) { ($order, text($en, $fr)) })*
    };
}

why! {
    why_forwarded = 1, "Sent on by a mail filter; the MTA's record gives the size.",
        "Réexpédié par un filtre ; la trace du serveur d’envoi donne la taille.";
    why_whole = 2, "The number of bodies and their octets are exactly those of these messages.",
        "Le nombre de corps transmis et leurs octets sont exactement ceux de ces messages.";
    why_command = 3, "The server recorded the command that fetched it.",
        "Le serveur a enregistré la commande qui l’a lu.";
    why_source = 4, "The message's source was requested; the response size bounds it.",
        "La source du message a été demandée ; la taille de la réponse la borne.";
    why_part = 5, "The part was requested; the response size bounds it.",
        "La pièce a été demandée ; la taille de la réponse la borne.";
    why_zip = 6, "Packed into a ZIP file, whose size does not tell that of its members.",
        "Placée dans une archive ZIP, dont la taille ne dit pas celle des membres.";
    why_packed = 16, "Messages chosen by the user were downloaded as a ZIP file; the log does not say which.",
        "Des messages choisis par l’utilisateur ont été téléchargés en archive ZIP ; le journal ne dit pas lesquels.";
    why_inside = 7, "It stands inside a message that was sent.",
        "Elle se trouve dans un message transmis.";
    why_thumb = 8, "Shown as a small picture.", "Affichée en vignette.";
    why_shown = 9, "The message was shown in webmail; how much of its text the page carried does not follow from its size.",
        "Le message a été affiché dans le webmail ; la taille de la page ne dit pas quelle part du texte elle portait.";
    why_named = 10, "The page that showed the message named it.",
        "La page affichant le message la nommait.";
    why_gone = 11, "The message is not in the store any more, so its size is not known.",
        "Le message n’est plus dans la boîte ; sa taille n’est pas connue.";
    why_search = 12, "The search finds it in today's mailbox.",
        "La recherche le trouve dans la boîte d’aujourd’hui.";
    why_list_page = 13, "It stood on the list page that was sent (newest first, 50 a page, unless the user chose otherwise).",
        "Il figurait sur la page de liste transmise (les plus récents d’abord, 50 par page, sauf réglage de l’utilisateur).";
    why_headers = 14, "Its headers were sent.", "Ses en-têtes ont été transmis.";
    why_listed = 15, "Its headers were sent.", "Ses en-têtes ont été transmis.";
}

fn why_share(sent: Option<u64>) -> (u8, Text) {
    let why = match sent {
        Some(n) => text(
            format!(
                "The session sent {n} octets of bodies in all, without saying of which messages."
            ),
            format!(
                "La session a transmis {n} octets de corps en tout, sans dire de quels messages."
            ),
        ),
        None => text(
            "The session's end is not on record, so what it sent is not known.",
            "La fin de la session n’est pas enregistrée ; ce qu’elle a transmis n’est pas connu.",
        ),
    };
    (WHY_SHARE, why)
}

fn why_hole(hole: &Hole) -> Text {
    text(
        format!(
            "Records of {} are missing from {} to {}: what was sent then cannot be known.",
            hole.source, hole.from, hole.to
        ),
        format!(
            "Les traces de {} manquent du {} au {} : ce qui a été transmis alors ne peut être connu.",
            hole.source, hole.from, hole.to
        ),
    )
}

fn why_exposed() -> Text {
    text(
        "It stood in a mailbox that the intruder was in; no record shows that it was touched.",
        "Il se trouvait dans une boîte où l’intrus était entré ; aucune trace ne montre qu’il y ait touché.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fetch_items_that_send_bodies() {
        for (items, body) in [
            ("1:5 (FLAGS UID)", false),
            ("1:5 (BODY.PEEK[HEADER.FIELDS (FROM TO)])", false),
            ("7 (BODY[])", true),
            ("7 (BODY.PEEK[])", true),
            ("7 BODY[1.MIME]", false),
            ("7 (BODY[HEADER] BODY[TEXT])", true),
            ("7 (BODY[2]<0.100>)", true),
            ("7 RFC822.SIZE", false),
            ("7 RFC822.HEADER", false),
            ("7 RFC822", true),
            ("7 (RFC822.SIZE RFC822.TEXT)", true),
            ("7 BINARY.PEEK[1]", true),
            ("7 BODYSTRUCTURE", false),
            ("7 BINARY.SIZE[1]", false),
            ("7 [", false),
        ] {
            assert_eq!(fetches_body(items), body, "{items}");
        }
    }
}
