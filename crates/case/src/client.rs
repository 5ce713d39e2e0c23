//! Client sessions: what a person or program did with one account through one protocol.
//!
//! A webmail session stands for many IMAP sessions; an IMAP, POP3 or ManageSieve session stands
//! for itself; submissions of one account from one address are one session until it is silent.

use crate::daemon::DaemonSession;
use crate::intern::{Interner, Ip, Sym};
use crate::observe::{Observations, QueueRec};
use crate::webmail::WebSession;
use hashbrown::HashSet;
use std::collections::BTreeMap;
use std::net::IpAddr;
use vauban_ocsf::{Evidence, MINUTE, Service, Timestamp};

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

/// A client session.
#[derive(Clone, Debug)]
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
    /// Webmail requests, as indices into `Observations::requests`.
    pub requests: Vec<u32>,
    /// Daemon sessions, as indices.
    pub daemon: Vec<u32>,
    /// A webmail session that begins with a log-in.
    pub logged_in: bool,
    /// Lines of sessions that have neither requests nor daemon sessions.
    pub lines: Vec<Evidence>,
}

impl Client {
    /// Up to `most` lines that show the session, its beginning and end first.
    pub fn evidence(
        &self,
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
        if self.protocol == Protocol::Webmail {
            all.extend(
                edges(&self.requests)
                    .iter()
                    .map(|&r| obs.requests[r as usize].evidence),
            );
        }
        for d in edges(&self.daemon) {
            all.extend(daemon[d as usize].lines());
        }
        all.extend(self.lines.iter().copied());
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
pub fn local_sessions(daemon: &[DaemonSession], names: &Interner) -> Vec<u32> {
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
    daemon: &[DaemonSession],
    local: &[u32],
    web: Vec<WebSession>,
    is_webmail_relay: &dyn Fn(Ip) -> bool,
) -> Vec<Client> {
    let local: HashSet<u32> = local.iter().copied().collect();
    let mut clients: Vec<Client> = web
        .into_iter()
        .filter(|w| w.user != Sym(0))
        .map(|w| Client {
            protocol: Protocol::Webmail,
            account: w.user,
            ip: w.ip,
            agent: w.agent,
            master: Sym(0),
            start: w.start,
            end: w.end,
            ended: true,
            requests: w.requests,
            daemon: w.imap,
            logged_in: w.logged_in,
            lines: Vec::new(),
        })
        .collect();
    for (i, d) in daemon.iter().enumerate() {
        let protocol = match d.service {
            Service::Imap => Protocol::Imap,
            Service::Pop3 => Protocol::Pop3,
            Service::ManageSieve => Protocol::Sieve,
            Service::Ssh => Protocol::Ssh,
            _ => continue,
        };
        // The webmail's own connections are part of its sessions; local tools have no address.
        if local.contains(&(i as u32)) || is_webmail_relay(d.ip) || (d.ip == Ip(0) && !d.orphan) {
            continue;
        }
        clients.push(Client {
            protocol,
            account: d.user,
            ip: d.ip,
            agent: Sym(0),
            master: d.master,
            start: d.start,
            end: d.end.unwrap_or(d.start),
            ended: d.end.is_some(),
            requests: Vec::new(),
            daemon: vec![i as u32],
            logged_in: true,
            lines: Vec::new(),
        });
    }
    submissions(obs, is_webmail_relay, &mut clients);
    clients.sort_by_key(|c| (c.start, c.protocol, c.account, c.ip, c.agent));
    clients
}

fn submissions(
    obs: &Observations,
    is_webmail_relay: &dyn Fn(Ip) -> bool,
    clients: &mut Vec<Client>,
) {
    let mut by_source: BTreeMap<(Sym, Ip), Vec<&QueueRec>> = BTreeMap::new();
    for rec in obs.queue.values() {
        if rec.sasl_user != Sym(0) && rec.client != Ip(0) && !is_webmail_relay(rec.client) {
            by_source
                .entry((rec.sasl_user, rec.client))
                .or_default()
                .push(rec);
        }
    }
    for ((account, ip), mut list) in by_source {
        list.sort_by_key(|rec| (rec.first, rec.evidence.first().copied()));
        let mut current: Option<Client> = None;
        for rec in list {
            let line = rec.evidence.first().copied();
            match &mut current {
                Some(c) if rec.first.0 - c.end.0 <= SUBMISSION_SILENCE => {
                    c.end = rec.first;
                    if c.lines.len() < 6 {
                        c.lines.extend(line);
                    }
                }
                _ => {
                    clients.extend(current.take());
                    current = Some(Client {
                        protocol: Protocol::Smtp,
                        account,
                        ip,
                        agent: Sym(0),
                        master: Sym(0),
                        start: rec.first,
                        end: rec.first,
                        ended: true,
                        requests: Vec::new(),
                        daemon: Vec::new(),
                        logged_in: true,
                        lines: line.into_iter().collect(),
                    });
                }
            }
        }
        clients.extend(current);
    }
}
