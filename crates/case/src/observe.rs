//! Events folded into compact records, as they come.
//!
//! One [`Observations`] is filled by each parsing thread and absorbed into the whole in the order
//! of the evidence, so the result does not depend on how the work was divided. Records keep the
//! place they come from; text is read again from there when a person is to see it.

use crate::intern::{Interner, Ip, Sym, Translation, hash64};
use crate::webreq;
use hashbrown::HashMap;
use std::collections::BTreeMap;
use vauban_ocsf::{
    AccountActivity, ArtefactId, Body, DAY, EmailActivity, Event, EventSink, Evidence, HOUR,
    MailboxAction, NetAction, Product, Service, Status, Timestamp,
};
use vauban_spill::{Scratch, Spill};

/// A successful log-in.
#[derive(Copy, Clone, Debug)]
pub struct LogonRec {
    pub time: Timestamp,
    pub service: Service,
    pub product: Product,
    pub user: Sym,
    pub master: Sym,
    pub ip: Ip,
    pub port: u16,
    pub dst_ip: Ip,
    pub method: Sym,
    /// Hash of the daemon's session id, 0 if none.
    pub session: u64,
    pub pid: u32,
    pub tls: Option<bool>,
    pub evidence: Evidence,
}

/// The end of a session.
#[derive(Copy, Clone, Debug)]
pub struct LogoffRec {
    pub time: Timestamp,
    pub service: Service,
    pub user: Sym,
    pub session: u64,
    pub pid: u32,
    pub ip: Ip,
    pub counters: Counters,
    pub last_command: Sym,
    pub no_commands: bool,
    pub evidence: Evidence,
}

/// What a session counted; `None` where the daemon did not say.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub bytes_in: Option<u64>,
    pub bytes_out: Option<u64>,
    pub deleted: u32,
    pub expunged: u32,
    pub trashed: u32,
    pub hdr_count: Option<u32>,
    pub hdr_bytes: Option<u64>,
    pub body_count: Option<u32>,
    pub body_bytes: Option<u64>,
    pub retr_count: Option<u32>,
    pub retr_bytes: Option<u64>,
    pub top_count: Option<u32>,
    pub top_bytes: Option<u64>,
    pub pop3_messages: Option<u32>,
    pub pop3_size: Option<u64>,
}

/// Failed log-ins of one address at one account on one day.
#[derive(Clone, Debug)]
pub struct FailRec {
    pub first: Timestamp,
    pub last: Timestamp,
    pub count: u64,
    pub service: Service,
    pub first_evidence: Evidence,
    pub last_evidence: Evidence,
}

/// A request to the webmail.
#[derive(Copy, Clone, Debug)]
pub struct RequestRec {
    pub time: Timestamp,
    /// The instant is when the request came (Apache), not when it was answered (nginx).
    pub time_is_start: bool,
    pub duration_ms: u32,
    pub ip: Ip,
    pub agent: Sym,
    pub cookie: Sym,
    pub status: u16,
    pub bytes: Option<u64>,
    /// `bytes` counts the response header too.
    pub wire: bool,
    /// Compressed, not compressed, or not known.
    pub compressed: Option<bool>,
    pub post: bool,
    pub action: webreq::Action,
    /// It is about logging in.
    pub login: bool,
    pub uid: u32,
    /// All UIDs when the request names several, else empty.
    pub uids: Sym,
    pub mailbox: Sym,
    pub part: Sym,
    /// The UID names a message inside a message.
    pub inner: bool,
    pub flags: webreq::Flags,
    pub query: Sym,
    pub headers: Sym,
    pub page: u32,
    pub ajax: bool,
    pub evidence: Evidence,
}

/// Requests for one script other than the webmail's own entry.
#[derive(Clone, Debug)]
pub struct ScriptRec {
    pub first: Timestamp,
    pub last: Timestamp,
    pub count: u64,
    pub posts: u64,
    pub ok: u64,
    pub evidence: Evidence,
}

/// A message on its way through the MTA, by queue id.
#[derive(Clone, Debug, Default)]
pub struct QueueRec {
    pub first: Timestamp,
    pub last: Timestamp,
    pub message: u64,
    pub size: Option<u64>,
    pub sasl_user: Sym,
    pub client: Ip,
    /// Its queue file was removed: no more lines of it are awaited.
    pub removed: bool,
    pub evidence: Vec<Evidence>,
    pub deliveries: Vec<DeliveryRec>,
}

/// Lines kept of a message's way.
const MAIL_LINES: usize = 3;

/// A message's way through the MTA, of which no more is awaited. Only of messages that an account
/// submitted or that went to another host; of others the Message-ID's hash is kept
/// ([`Observations::queued`]).
#[derive(Copy, Clone, Debug)]
pub struct MailRec {
    pub first: Timestamp,
    pub message: u64,
    pub size: Option<u64>,
    pub sasl_user: Sym,
    pub client: Ip,
    evidence: [Evidence; MAIL_LINES],
    lines: u8,
    deliveries: (u32, u32),
}

impl MailRec {
    /// Its first lines.
    pub fn lines(&self) -> &[Evidence] {
        &self.evidence[..usize::from(self.lines)]
    }
}

/// A delivery to another host.
#[derive(Copy, Clone, Debug)]
pub struct DeliveryRec {
    pub time: Timestamp,
    pub to: Sym,
    pub relay_ip: Ip,
    pub relay: Sym,
    pub agent: Sym,
    pub status: Status,
    pub evidence: Evidence,
}

/// A Sieve script sent a message on.
#[derive(Copy, Clone, Debug)]
pub struct ForwardRec {
    pub time: Timestamp,
    pub user: Sym,
    pub message: u64,
    pub message_sym: Sym,
    pub to: Sym,
    pub evidence: Evidence,
}

/// Something done in a mailbox.
#[derive(Copy, Clone, Debug)]
pub struct MailboxRec {
    pub time: Timestamp,
    pub action: MailboxAction,
    pub service: Service,
    pub user: Sym,
    pub session: u64,
    pub ip: Ip,
    pub mailbox: Sym,
    pub other: Sym,
    pub uids: Sym,
    pub message: u64,
    pub message_sym: Sym,
    /// Octets as stored.
    pub size: Option<u64>,
    /// Octets with CRLF line ends.
    pub vsize: Option<u64>,
    pub command: Sym,
    pub arguments: Sym,
    pub bytes_out: Option<u64>,
    pub status: Status,
    pub evidence: Evidence,
}

/// A flow.
#[derive(Copy, Clone, Debug)]
pub struct FlowRec {
    pub start: Timestamp,
    pub end: Timestamp,
    pub product: Product,
    pub protocol: u8,
    pub src: Ip,
    pub sport: u16,
    pub dst: Ip,
    pub dport: u16,
    pub bytes_out: Option<u64>,
    pub bytes_in: Option<u64>,
    pub action: NetAction,
    pub unanswered: Option<bool>,
    pub state: Sym,
    pub evidence: Evidence,
}

/// A change to an account.
#[derive(Copy, Clone, Debug)]
pub struct ChangeRec {
    pub time: Timestamp,
    pub activity: AccountActivity,
    pub user: Sym,
    pub ip: Ip,
    pub status: Status,
    pub product: Product,
    pub evidence: Evidence,
}

/// A command that was run, or an error kept.
#[derive(Copy, Clone, Debug)]
pub struct NoteRec {
    pub time: Timestamp,
    pub product: Product,
    pub user: Sym,
    pub ip: Ip,
    pub text: Sym,
    pub evidence: Evidence,
}

/// What one artefact gave.
#[derive(Clone, Debug, Default)]
pub struct SourceStats {
    pub events: u64,
    pub ignored: u64,
    pub unparsed: u64,
    pub first: Option<(Timestamp, Evidence)>,
    pub last: Option<(Timestamp, Evidence)>,
    /// Records by hour since the epoch, with the last place of each hour.
    pub hours: BTreeMap<i64, HourStats>,
    pub unparsed_samples: Vec<(Evidence, &'static str)>,
    /// Steps back of more than a minute between neighbouring records.
    pub backward: Vec<Backward>,
    /// The record read last, in order of the artefact.
    pub previous: Option<(Timestamp, Evidence)>,
    /// The record read first, in order of the artefact.
    pub opening: Option<(Timestamp, Evidence)>,
    /// Hosts that wrote here, with their number of records.
    pub hosts: BTreeMap<String, u64>,
}

/// Activity of an hour.
#[derive(Clone, Debug)]
pub struct HourStats {
    pub count: u64,
    pub first: (Timestamp, Evidence),
    pub last: (Timestamp, Evidence),
}

/// The clock of a source went back.
#[derive(Clone, Debug)]
pub struct Backward {
    pub from: (Timestamp, Evidence),
    pub to: (Timestamp, Evidence),
}

/// The queue is looked through for finished messages when it has this many.
const QUEUE: usize = 1 << 15;
/// Postfix gives up after five days (`maximal_queue_lifetime`); twice that, to be sure.
const QUEUE_LIFETIME: i64 = 10 * DAY;
/// How many unparsed places of an artefact are remembered.
const UNPARSED_KEPT: usize = 5;
/// How many steps back of an artefact are remembered.
const BACKWARD_KEPT: usize = 20;
/// Neighbouring records of daemons that log what ends (nginx) may be out of order by this much.
const BACKWARD_TOLERATED: i64 = 120 * vauban_ocsf::SECOND;

/// Everything seen.
#[derive(Debug, Default)]
pub struct Observations {
    pub names: Interner,
    pub logons: Spill<LogonRec>,
    pub logoffs: Spill<LogoffRec>,
    pub failures: BTreeMap<(Sym, Ip, i64), FailRec>,
    pub requests: Spill<RequestRec>,
    pub scripts: BTreeMap<(Sym, Ip), ScriptRec>,
    /// Messages of which more lines may come, by queue id.
    queue: HashMap<u64, QueueRec>,
    /// Messages of which no more is awaited; complete, and in order of time, after
    /// [`Self::settle`].
    pub mails: Spill<MailRec>,
    deliveries: Spill<DeliveryRec>,
    /// Hashes of the Message-IDs of all messages that passed the queue.
    pub queued: Spill<u64>,
    /// The queue is looked through when it has grown to this.
    sweep_at: usize,
    pub forwards: Spill<ForwardRec>,
    pub mailbox: Spill<MailboxRec>,
    pub flows: Spill<FlowRec>,
    pub changes: Vec<ChangeRec>,
    pub notes: Vec<NoteRec>,
    pub sources: BTreeMap<ArtefactId, SourceStats>,
    /// Addresses, domains and agents of advisories, matched as events pass.
    pub hits: BTreeMap<(usize, usize), HitRec>,
    /// Where long lists go.
    pub scratch: Option<Scratch>,
    /// Hosts' names as log envelopes write them, to tell hosts of one artefact apart.
    last_host: String,
}

/// Matches of one indicator.
#[derive(Clone, Debug)]
pub struct HitRec {
    pub first: (Timestamp, Evidence),
    pub last: (Timestamp, Evidence),
    pub count: u64,
    pub samples: Vec<Evidence>,
}

fn hash_or_zero(s: &str) -> u64 {
    if s.is_empty() {
        0
    } else {
        hash64(s.as_bytes())
    }
}

/// Message-IDs are compared without brackets and cut to what Dovecot logs (80 characters).
pub fn message_hash(id: &str) -> u64 {
    let id = id.trim().trim_start_matches('<').trim_end_matches('>');
    hash_or_zero(id.get(..70).unwrap_or(id))
}

impl Observations {
    /// Empty, for the whole of a run: its long lists may go to scratch files.
    pub fn with_scratch(scratch: &Scratch) -> Self {
        let some = Some(scratch);
        Self {
            logons: Spill::new(some),
            logoffs: Spill::new(some),
            requests: Spill::new(some),
            mailbox: Spill::new(some),
            flows: Spill::new(some),
            forwards: Spill::new(some),
            mails: Spill::new(some),
            deliveries: Spill::new(some),
            queued: Spill::new(some),
            scratch: some.cloned(),
            ..Self::default()
        }
    }

    fn seen(&mut self, time: Timestamp, evidence: Evidence, host: &str) {
        let stats = self.sources.entry(evidence.artefact).or_default();
        let here = (time, evidence);
        if stats.opening.is_none() {
            stats.opening = Some(here);
        }
        if let Some(previous) = stats.previous
            && previous.0.0 - time.0 > BACKWARD_TOLERATED
            && stats.backward.len() < BACKWARD_KEPT
        {
            stats.backward.push(Backward {
                from: previous,
                to: here,
            });
        }
        stats.previous = Some(here);
        if stats.first.is_none_or(|(t, _)| time < t) {
            stats.first = Some(here);
        }
        if stats.last.is_none_or(|(t, _)| time >= t) {
            stats.last = Some(here);
        }
        let hour = stats
            .hours
            .entry(time.0.div_euclid(HOUR))
            .or_insert(HourStats {
                count: 0,
                first: here,
                last: here,
            });
        hour.count += 1;
        if time < hour.first.0 {
            hour.first = here;
        }
        if time >= hour.last.0 {
            hour.last = here;
        }
        if !host.is_empty() {
            if self.last_host != host {
                self.last_host.clear();
                self.last_host.push_str(host);
            }
            match stats.hosts.get_mut(self.last_host.as_str()) {
                Some(n) => *n += 1,
                None => drop(stats.hosts.insert(self.last_host.clone(), 1)),
            }
        }
    }

    /// Counts a match of advisory `advisory`'s indicator `indicator`.
    pub fn hit(&mut self, advisory: usize, indicator: usize, time: Timestamp, evidence: Evidence) {
        let here = (time, evidence);
        let hit = self.hits.entry((advisory, indicator)).or_insert(HitRec {
            first: here,
            last: here,
            count: 0,
            samples: Vec::new(),
        });
        hit.count += 1;
        if time < hit.first.0 {
            hit.first = here;
        }
        if time >= hit.last.0 {
            hit.last = here;
        }
        if hit.samples.len() < 5 {
            hit.samples.push(evidence);
        }
    }

    fn email(&mut self, event: &Event<'_>, e: &vauban_ocsf::Email<'_>) {
        if e.activity == EmailActivity::Forwarded {
            if e.status != Status::Success {
                return;
            }
            self.forwards.push(ForwardRec {
                time: event.time,
                user: self.names.sym(e.orig_to),
                message: message_hash(e.message_id),
                message_sym: self.names.sym(e.message_id),
                to: self.names.sym(e.to),
                evidence: event.evidence,
            });
            return;
        }
        if e.queue_id.is_empty() || e.queue_id == "NOQUEUE" {
            return;
        }
        // Queue ids are reused after some time; a day apart they are other messages.
        let key = hash64(e.queue_id.as_bytes());
        let rec = self.queue.entry(key).or_default();
        if rec.first == Timestamp::default() {
            rec.first = event.time;
        } else if event.time.0 - rec.last.0 > 10 * DAY {
            *rec = QueueRec {
                first: event.time,
                ..QueueRec::default()
            };
        }
        rec.last = event.time;
        if rec.evidence.len() < MAIL_LINES {
            rec.evidence.push(event.evidence);
        }
        match e.activity {
            EmailActivity::Removed => rec.removed = true,
            EmailActivity::Accepted => {
                rec.client = self.names.ip(e.src_ip);
                rec.sasl_user = self.names.sym(e.sasl_user);
            }
            EmailActivity::Identified => {
                rec.message = message_hash(e.message_id);
            }
            EmailActivity::Queued => {
                rec.size = e.size.or(rec.size);
                if !e.message_id.is_empty() {
                    rec.message = message_hash(e.message_id);
                }
                if !e.sasl_user.is_empty() {
                    rec.sasl_user = self.names.sym(e.sasl_user);
                    rec.client = self.names.ip(e.src_ip);
                }
            }
            EmailActivity::Delivered
                if e.relay_ip.is_some_and(|ip| !ip.is_loopback())
                    && !matches!(e.agent, "lmtp" | "local" | "virtual" | "pipe") =>
            {
                let delivery = DeliveryRec {
                    time: event.time,
                    to: self.names.sym(e.to),
                    relay_ip: self.names.ip(e.relay_ip),
                    relay: self.names.sym(e.relay_host),
                    agent: self.names.sym(e.agent),
                    status: e.status,
                    evidence: event.evidence,
                };
                rec.deliveries.push(delivery);
            }
            _ => {}
        }
    }

    /// Takes another's records over. `self` holds what stands earlier in the evidence.
    pub fn absorb(&mut self, other: Observations) {
        let t = self.names.absorb(&other.names);
        let fix = |v: &mut Translated<'_>| v.apply(&t);
        macro_rules! take {
            ($field:ident, |$r:ident| [$($sym:expr),*] [$($ip:expr),*]) => {
                for mut $r in other.$field.iter().copied() {
                    fix(&mut Translated { syms: &mut [$(&mut $sym),*], ips: &mut [$(&mut $ip),*] });
                    self.$field.push($r);
                }
            };
        }
        take!(logons, |r| [r.user, r.master, r.method] [r.ip, r.dst_ip]);
        take!(logoffs, |r| [r.user, r.last_command][r.ip]);
        take!(requests, |r| [
            r.agent, r.cookie, r.uids, r.mailbox, r.part, r.query, r.headers
        ][r.ip]);
        take!(forwards, |r| [r.user, r.to, r.message_sym] []);
        take!(mailbox, |r| [
            r.user,
            r.mailbox,
            r.other,
            r.uids,
            r.message_sym,
            r.command,
            r.arguments
        ][r.ip]);
        take!(flows, |r| [r.state] [r.src, r.dst]);
        take!(changes, |r| [r.user][r.ip]);
        take!(notes, |r| [r.user, r.text][r.ip]);
        for ((mut user, mut ip, day), rec) in other.failures {
            t.sym(&mut user);
            t.ip(&mut ip);
            match self.failures.get_mut(&(user, ip, day)) {
                Some(mine) => {
                    mine.count += rec.count;
                    if rec.first < mine.first {
                        (mine.first, mine.first_evidence) = (rec.first, rec.first_evidence);
                    }
                    if rec.last >= mine.last {
                        (mine.last, mine.last_evidence) = (rec.last, rec.last_evidence);
                    }
                }
                None => drop(self.failures.insert((user, ip, day), rec)),
            }
        }
        for ((mut path, mut ip), rec) in other.scripts {
            t.sym(&mut path);
            t.ip(&mut ip);
            match self.scripts.get_mut(&(path, ip)) {
                Some(mine) => {
                    mine.count += rec.count;
                    mine.posts += rec.posts;
                    mine.ok += rec.ok;
                    mine.first = mine.first.min(rec.first);
                    mine.last = mine.last.max(rec.last);
                }
                None => drop(self.scripts.insert((path, ip), rec)),
            }
        }
        let mut now = None;
        for (key, mut rec) in other.queue {
            t.sym(&mut rec.sasl_user);
            t.ip(&mut rec.client);
            for d in &mut rec.deliveries {
                t.sym(&mut d.to);
                t.sym(&mut d.relay);
                t.sym(&mut d.agent);
                t.ip(&mut d.relay_ip);
            }
            now = now.max(Some(rec.last));
            self.queue_record(key, rec);
        }
        if let Some(now) = now
            && self.queue.len() >= self.sweep_at.max(QUEUE)
        {
            self.settle_some(|rec| {
                let ago = now.0 - rec.last.0;
                ago.abs() > QUEUE_LIFETIME || (rec.removed && ago > HOUR)
            });
            self.sweep_at = 2 * self.queue.len();
        }
        for (key, rec) in other.hits {
            match self.hits.get_mut(&key) {
                Some(mine) => {
                    mine.count += rec.count;
                    if rec.first.0 < mine.first.0 {
                        mine.first = rec.first;
                    }
                    if rec.last.0 >= mine.last.0 {
                        mine.last = rec.last;
                    }
                    mine.samples.extend(rec.samples);
                    mine.samples.truncate(5);
                }
                None => drop(self.hits.insert(key, rec)),
            }
        }
        for (artefact, theirs) in other.sources {
            self.sources.entry(artefact).or_default().absorb(theirs);
        }
    }

    fn queue_record(&mut self, key: u64, rec: QueueRec) {
        let mine = self.queue.entry(key).or_default();
        if mine.first == Timestamp::default() {
            *mine = rec;
            return;
        }
        mine.first = mine.first.min(rec.first);
        mine.last = mine.last.max(rec.last);
        if mine.message == 0 {
            mine.message = rec.message;
        }
        mine.size = mine.size.or(rec.size);
        if mine.sasl_user == Sym(0) {
            mine.sasl_user = rec.sasl_user;
        }
        if mine.client == Ip(0) {
            mine.client = rec.client;
        }
        mine.removed |= rec.removed;
        mine.evidence.extend(rec.evidence);
        mine.evidence.truncate(MAIL_LINES);
        mine.deliveries.extend(rec.deliveries);
    }

    /// Takes the messages of which no more is awaited out of the queue.
    fn settle_some(&mut self, done: impl Fn(&QueueRec) -> bool) {
        let mut settled: Vec<QueueRec> = self
            .queue
            .extract_if(|_, rec| done(rec))
            .map(|(_, rec)| rec)
            .collect();
        // The table has no order of its own.
        settled.sort_by(|a, b| (a.first, &a.evidence).cmp(&(b.first, &b.evidence)));
        for rec in settled {
            if rec.message != 0 {
                self.queued.push(rec.message);
            }
            if rec.sasl_user == Sym(0) && rec.deliveries.is_empty() {
                continue;
            }
            let start = self.deliveries.len() as u32;
            self.deliveries.extend(rec.deliveries.iter().copied());
            let mut evidence = [Evidence::default(); MAIL_LINES];
            for (slot, line) in evidence.iter_mut().zip(&rec.evidence) {
                *slot = *line;
            }
            self.mails.push(MailRec {
                first: rec.first,
                message: rec.message,
                size: rec.size,
                sasl_user: rec.sasl_user,
                client: rec.client,
                evidence,
                lines: rec.evidence.len().min(MAIL_LINES) as u8,
                deliveries: (start, rec.deliveries.len() as u32),
            });
        }
    }

    /// After the last record: no more lines of any message come.
    pub fn settle(&mut self) {
        self.settle_some(|_| true);
        self.mails.sort_by_key(|m| (m.first, m.evidence));
    }

    /// Deliveries of a message to other hosts.
    pub fn deliveries(&self, mail: &MailRec) -> &[DeliveryRec] {
        let start = mail.deliveries.0 as usize;
        self.deliveries
            .get(start..start + mail.deliveries.1 as usize)
            .unwrap_or(&[])
    }
}

/// The numbers of one record that want translating.
struct Translated<'a> {
    syms: &'a mut [&'a mut Sym],
    ips: &'a mut [&'a mut Ip],
}

impl Translated<'_> {
    fn apply(&mut self, t: &Translation) {
        for sym in self.syms.iter_mut() {
            t.sym(sym);
        }
        for ip in self.ips.iter_mut() {
            t.ip(ip);
        }
    }
}

impl SourceStats {
    fn absorb(&mut self, other: SourceStats) {
        self.events += other.events;
        self.ignored += other.ignored;
        self.unparsed += other.unparsed;
        if let (Some(mine), Some(theirs)) = (self.previous, other.opening)
            && mine.0.0 - theirs.0.0 > BACKWARD_TOLERATED
        {
            self.backward.push(Backward {
                from: mine,
                to: theirs,
            });
        }
        self.backward.extend(other.backward);
        self.backward.truncate(BACKWARD_KEPT);
        self.opening = self.opening.or(other.opening);
        self.previous = other.previous.or(self.previous);
        if let Some(theirs) = other.first
            && self.first.is_none_or(|mine| theirs.0 < mine.0)
        {
            self.first = Some(theirs);
        }
        if let Some(theirs) = other.last
            && self.last.is_none_or(|mine| theirs.0 >= mine.0)
        {
            self.last = Some(theirs);
        }
        for (hour, theirs) in other.hours {
            match self.hours.get_mut(&hour) {
                Some(mine) => {
                    mine.count += theirs.count;
                    if theirs.first.0 < mine.first.0 {
                        mine.first = theirs.first;
                    }
                    if theirs.last.0 >= mine.last.0 {
                        mine.last = theirs.last;
                    }
                }
                None => drop(self.hours.insert(hour, theirs)),
            }
        }
        self.unparsed_samples.extend(other.unparsed_samples);
        self.unparsed_samples.truncate(UNPARSED_KEPT);
        for (host, n) in other.hosts {
            *self.hosts.entry(host).or_default() += n;
        }
    }
}

impl EventSink for Observations {
    fn event(&mut self, event: &Event<'_>) {
        self.seen(event.time, event.evidence, event.host);
        if let Some(stats) = self.sources.get_mut(&event.evidence.artefact) {
            stats.events += 1;
        }
        match &event.body {
            // Another record counts this attempt (PAM and Dovecot's auth beside the service's own
            // line); a submission is seen in the queue.
            Body::Logon(l)
                if l.attempts == 0
                    || (l.service == Service::Smtp && l.status == Status::Success) => {}
            // A log-in to a webmail whose requests are not understood says nothing about those of
            // the one that is.
            Body::Logon(l)
                if l.service == Service::Webmail
                    && l.status == Status::Success
                    && matches!(
                        event.product,
                        Product::Sogo | Product::Zimbra | Product::Horde
                    ) => {}
            Body::Logon(l) => {
                let user = self.names.sym(l.user);
                let ip = self.names.ip(l.src_ip);
                match l.status {
                    Status::Success => self.logons.push(LogonRec {
                        time: event.time,
                        service: l.service,
                        product: event.product,
                        user,
                        master: self.names.sym(l.master_user),
                        ip,
                        port: l.src_port.unwrap_or(0),
                        dst_ip: self.names.ip(l.dst_ip),
                        method: self.names.sym(l.method),
                        session: hash_or_zero(l.session),
                        pid: l.session_pid.or(event.pid).unwrap_or(0),
                        tls: l.tls,
                        evidence: event.evidence,
                    }),
                    Status::Failure => {
                        let day = event.time.0.div_euclid(DAY);
                        let rec = self.failures.entry((user, ip, day)).or_insert(FailRec {
                            first: event.time,
                            last: event.time,
                            count: 0,
                            service: l.service,
                            first_evidence: event.evidence,
                            last_evidence: event.evidence,
                        });
                        rec.count += u64::from(l.attempts.max(1));
                        if event.time < rec.first {
                            (rec.first, rec.first_evidence) = (event.time, event.evidence);
                        }
                        if event.time >= rec.last {
                            (rec.last, rec.last_evidence) = (event.time, event.evidence);
                        }
                    }
                    Status::Unknown => {}
                }
            }
            Body::Logoff(l) => {
                let rec = LogoffRec {
                    time: event.time,
                    service: l.service,
                    user: self.names.sym(l.user),
                    session: hash_or_zero(l.session),
                    pid: event.pid.unwrap_or(0),
                    ip: self.names.ip(l.src_ip),
                    counters: Counters {
                        bytes_in: l.bytes_in,
                        bytes_out: l.bytes_out,
                        deleted: l.deleted.unwrap_or(0),
                        expunged: l.expunged.unwrap_or(0),
                        trashed: l.trashed.unwrap_or(0),
                        hdr_count: l.hdr_count,
                        hdr_bytes: l.hdr_bytes,
                        body_count: l.body_count,
                        body_bytes: l.body_bytes,
                        retr_count: l.retr_count,
                        retr_bytes: l.retr_bytes,
                        top_count: l.top_count,
                        top_bytes: l.top_bytes,
                        pop3_messages: l.pop3_messages,
                        pop3_size: l.pop3_size,
                    },
                    last_command: self.names.sym(l.last_command),
                    no_commands: l.no_commands,
                    evidence: event.evidence,
                };
                self.logoffs.push(rec);
            }
            // What a sensor or proxy saw pass and what a filter judged, the servers' own logs say
            // too: counted here, it would be counted twice.
            Body::Http(_) | Body::Email(_) if event.product.repeats() => {}
            Body::Http(h) => webreq::observe(self, event, h),
            Body::Email(e) => self.email(event, e),
            Body::Mailbox(m) => {
                let keep_id = matches!(
                    m.action,
                    MailboxAction::Delete | MailboxAction::Expunge | MailboxAction::Save
                );
                let rec = MailboxRec {
                    time: event.time,
                    action: m.action,
                    service: m.service,
                    user: self.names.sym(m.user),
                    session: hash_or_zero(m.session),
                    ip: self.names.ip(m.src_ip),
                    mailbox: self.names.sym(m.mailbox),
                    other: self.names.sym(m.other_mailbox),
                    uids: self.names.sym(m.uids),
                    message: message_hash(m.message_id),
                    message_sym: if keep_id {
                        self.names.sym(m.message_id)
                    } else {
                        Sym(0)
                    },
                    size: m.size,
                    vsize: m.vsize,
                    command: self.names.sym(m.command),
                    arguments: self.names.sym(m.arguments),
                    bytes_out: m.bytes_out,
                    status: m.status,
                    evidence: event.evidence,
                };
                self.mailbox.push(rec);
            }
            // A handshake beside the flow that carried it, a system call beside its packets: no
            // flows of their own.
            Body::Network(n)
                if event.product == Product::Auditd
                    || n.extra.as_ref().is_some_and(|extra| extra.tls.is_some()) => {}
            Body::Network(n) => {
                let rec = FlowRec {
                    start: n.start.unwrap_or(event.time),
                    end: event.time,
                    product: event.product,
                    protocol: n.protocol,
                    src: self.names.ip(n.src_ip),
                    sport: n.src_port.unwrap_or(0),
                    dst: self.names.ip(n.dst_ip),
                    dport: n.dst_port.unwrap_or(0),
                    bytes_out: n.bytes_out,
                    bytes_in: n.bytes_in,
                    action: n.action,
                    unanswered: n.unanswered,
                    state: self.names.sym(n.state),
                    evidence: event.evidence,
                };
                self.flows.push(rec);
            }
            Body::Account(a) => {
                let rec = ChangeRec {
                    time: event.time,
                    activity: a.activity,
                    user: self.names.sym(a.user),
                    ip: self.names.ip(a.src_ip),
                    status: a.status,
                    product: event.product,
                    evidence: event.evidence,
                };
                self.changes.push(rec);
            }
            Body::Process(p) => {
                let rec = NoteRec {
                    time: event.time,
                    product: event.product,
                    user: self.names.sym(p.user),
                    ip: Ip(0),
                    text: self.names.sym(p.command),
                    evidence: event.evidence,
                };
                self.notes.push(rec);
            }
            Body::Message(_) | Body::Dns(_) | Body::File(_) | Body::Alert(_) => {}
        }
    }

    fn ignored(&mut self, evidence: Evidence, time: Option<Timestamp>) {
        if let Some(time) = time {
            self.seen(time, evidence, "");
        }
        self.sources.entry(evidence.artefact).or_default().ignored += 1;
    }

    fn unparsed(&mut self, evidence: Evidence, why: &'static str) {
        let stats = self.sources.entry(evidence.artefact).or_default();
        stats.unparsed += 1;
        if stats.unparsed_samples.len() < UNPARSED_KEPT {
            stats.unparsed_samples.push((evidence, why));
        }
    }
}
