//! Client sessions: what a person or program did with one account through one protocol.
//!
//! A webmail session stands for many IMAP sessions; an IMAP, POP3 or ManageSieve session stands
//! for itself; submissions of one account from one address are one session until it is silent.

use crate::daemon::DaemonSession;
use crate::intern::{Interner, Ip, Sym};
use crate::observe::Observations;
use crate::webmail::WebSession;
use hashbrown::HashSet;
use std::net::IpAddr;
use vauban_ocsf::{Evidence, MINUTE, Service, Timestamp};
use vauban_spill::Spill;

/// Protocol of a client session.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Protocol {
    Webmail,
    Imap,
    Pop3,
    Smtp,
    Sieve,
    Ssh,
}

impl Protocol {
    /// Name in `case.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Webmail => "webmail",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Smtp => "smtp",
            Self::Sieve => "sieve",
            Self::Ssh => "ssh",
        }
    }
}

/// A stretch of one of the lists of [`Clients`].
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// How many.
    pub fn len(self) -> usize {
        self.len as usize
    }

    /// There is none.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    fn of<T>(self, list: &[T]) -> &[T] {
        let start = self.start as usize;
        list.get(start..start + self.len as usize).unwrap_or(&[])
    }
}

/// A client session.
#[derive(Copy, Clone, Debug)]
pub struct Client {
    /// Protocol.
    pub protocol: Protocol,
    /// Account; the empty string when nothing tells.
    pub account: Sym,
    /// True client's address.
    pub ip: Ip,
    /// Browser, for webmail.
    pub agent: Sym,
    /// Master user, if one was used.
    pub master: Sym,
    /// First record.
    pub start: Timestamp,
    /// Last record.
    pub end: Timestamp,
    /// The end is on record (a log-out, or silence of a browser).
    pub ended: bool,
    /// Webmail requests: indices into `Observations::requests` (see [`Clients::list`]).
    pub requests: Span,
    /// Daemon sessions: their indices.
    pub daemon: Span,
    /// A webmail session that begins with a log-in.
    pub logged_in: bool,
    /// Lines of sessions that have neither requests nor daemon sessions.
    pub lines: Span,
}

/// The client sessions, in order of start, and the lists that they point into.
#[derive(Debug, Default)]
pub struct Clients {
    all: Spill<Client>,
    indices: Spill<u32>,
    lines: Spill<Evidence>,
}

impl std::ops::Deref for Clients {
    type Target = [Client];

    fn deref(&self) -> &[Client] {
        &self.all
    }
}

impl Clients {
    /// The indices of a span ([`Client::requests`], [`Client::daemon`]).
    pub fn list(&self, span: Span) -> &[u32] {
        span.of(&self.indices)
    }

    /// All, in order.
    pub fn iter(&self) -> vauban_spill::Iter<'_, Client> {
        self.all.iter()
    }

    /// For loops over all: see [`Spill::pace`].
    pub fn pace(&self, step: usize) {
        self.all.pace(step);
    }

    fn keep(&mut self, indices: &[u32]) -> Span {
        let start = self.indices.len() as u32;
        self.indices.extend(indices.iter().copied());
        Span {
            start,
            len: indices.len() as u32,
        }
    }

    /// Up to `most` lines that show a session, its beginning and end first.
    pub fn evidence(
        &self,
        c: &Client,
        obs: &Observations,
        daemon: &[DaemonSession],
        most: usize,
    ) -> Vec<Evidence> {
        let mut all: Vec<Evidence> = Vec::new();
        let edges = |list: &[u32]| {
            let mut edges: Vec<u32> = list.iter().copied().take(2).collect();
            edges.extend(list.last().copied());
            edges
        };
        if c.protocol == Protocol::Webmail {
            all.extend(
                edges(self.list(c.requests))
                    .iter()
                    .map(|&r| obs.requests[r as usize].evidence),
            );
        }
        for d in edges(self.list(c.daemon)) {
            all.extend(daemon[d as usize].lines());
        }
        all.extend(c.lines.of(&self.lines).iter().copied());
        let mut seen = HashSet::new();
        all.retain(|e| seen.insert(*e));
        all.truncate(most);
        all
    }
}

/// Addresses that are not the Internet's: RFC 1918, loopback, link-local, RFC 6598, and ULA.
pub fn is_inside(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.segments()[0] & 0xfe00 == 0xfc00
                || v6.segments()[0] & 0xffc0 == 0xfe80
        }
    }
}

/// The network an address is counted to: /24 or /48.
pub fn network(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => u128::from(u32::from(v4) >> 8),
        IpAddr::V6(v6) => (1 << 127) | (u128::from(v6) >> 80),
    }
}

/// The wider network: /16 or /32.
pub fn wide_network(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => u128::from(u32::from(v4) >> 16),
        IpAddr::V6(v6) => (1 << 127) | (u128::from(v6) >> 96),
    }
}

/// Which daemon sessions the webmail opened: those from the server itself (loopback, or an
/// address the server was reached at).
pub fn local_sessions(daemon: &Spill<DaemonSession>, names: &Interner) -> Vec<u32> {
    let own: HashSet<Ip> = daemon
        .iter()
        .map(|d| d.dst_ip)
        .filter(|ip| ip.0 != 0)
        .collect();
    daemon
        .iter()
        .enumerate()
        .filter(|(_, d)| {
            d.service == Service::Imap
                && names
                    .addr(d.ip)
                    .is_some_and(|ip| ip.is_loopback() || own.contains(&d.ip))
        })
        .map(|(i, _)| i as u32)
        .collect()
}

/// Submissions of one account and address belong together until this much silence.
const SUBMISSION_SILENCE: i64 = 30 * MINUTE;

/// Builds the client sessions, sorted by start.
pub fn build(
    obs: &Observations,
    daemon: &Spill<DaemonSession>,
    local: &[u32],
    web: Vec<WebSession>,
    is_webmail_relay: &dyn Fn(Ip) -> bool,
) -> Clients {
    let mut is_local = vec![false; daemon.len()];
    for &i in local {
        is_local[i as usize] = true;
    }
    let mut new = Clients {
        all: obs.requests.sibling(),
        indices: obs.requests.sibling(),
        lines: obs.requests.sibling(),
    };
    for w in web.into_iter().filter(|w| w.user != Sym(0)) {
        let requests = new.keep(&w.requests);
        let imap = new.keep(&w.imap);
        new.all.push(Client {
            protocol: Protocol::Webmail,
            account: w.user,
            ip: w.ip,
            agent: w.agent,
            master: Sym(0),
            start: w.start,
            end: w.end,
            ended: true,
            requests,
            daemon: imap,
            logged_in: w.logged_in,
            lines: Span::default(),
        });
    }
    for (i, d) in daemon.iter().enumerate() {
        let protocol = match d.service {
            Service::Imap => Protocol::Imap,
            Service::Pop3 => Protocol::Pop3,
            Service::ManageSieve => Protocol::Sieve,
            Service::Ssh => Protocol::Ssh,
            _ => continue,
        };
        // The webmail's own connections are part of its sessions; local tools have no address.
        if is_local[i] || is_webmail_relay(d.ip) || (d.ip == Ip(0) && !d.orphan) {
            continue;
        }
        let itself = new.keep(&[i as u32]);
        new.all.push(Client {
            protocol,
            account: d.user,
            ip: d.ip,
            agent: Sym(0),
            master: d.master,
            start: d.start,
            end: d.end.unwrap_or(d.start),
            ended: d.end.is_some(),
            requests: Span::default(),
            daemon: itself,
            logged_in: true,
            lines: Span::default(),
        });
    }
    submissions(obs, is_webmail_relay, &mut new);
    new.all
        .sort_by_key(|c| (c.start, c.protocol, c.account, c.ip, c.agent));
    new
}

/// Lines kept of a session of submissions.
const LINES: u32 = 6;

fn submissions(obs: &Observations, is_webmail_relay: &dyn Fn(Ip) -> bool, clients: &mut Clients) {
    let mut sent: Spill<(Sym, Ip, Timestamp, Option<Evidence>)> = obs.requests.sibling();
    sent.extend(
        obs.mails
            .iter()
            .filter(|m| m.sasl_user != Sym(0) && m.client != Ip(0) && !is_webmail_relay(m.client))
            .map(|m| (m.sasl_user, m.client, m.first, m.lines().first().copied())),
    );
    sent.sort_by_key(|s| *s);
    let mut current: Option<Client> = None;
    for &(account, ip, at, line) in &sent {
        match &mut current {
            Some(c)
                if (c.account, c.ip) == (account, ip) && at.0 - c.end.0 <= SUBMISSION_SILENCE =>
            {
                c.end = at;
                if c.lines.len < LINES
                    && let Some(line) = line
                {
                    clients.lines.push(line);
                    c.lines.len += 1;
                }
            }
            _ => {
                clients.all.extend(current.take());
                let start = clients.lines.len() as u32;
                clients.lines.extend(line);
                current = Some(Client {
                    protocol: Protocol::Smtp,
                    account,
                    ip,
                    agent: Sym(0),
                    master: Sym(0),
                    start: at,
                    end: at,
                    ended: true,
                    requests: Span::default(),
                    daemon: Span::default(),
                    logged_in: true,
                    lines: Span {
                        start,
                        len: clients.lines.len() as u32 - start,
                    },
                });
            }
        }
    }
    clients.all.extend(current);
}
