//! Log-in and log-out lines joined to sessions of the daemons.
//!
//! Dovecot 2.3 and later write one session id in both lines. Dovecot 2.2 writes the process that
//! serves the session (`mpid=`) at log-in only, so there the next log-out of the same account and
//! service closes it. A session without log-out was cut off by the end of the log, or its line is
//! missing: its counters are unknown, which is not zero.

use crate::intern::{Ip, Sym};
use crate::observe::{Counters, LogoffRec, LogonRec, Observations};
use hashbrown::HashMap;
use vauban_ocsf::{DAY, Evidence, Product, Service, Timestamp};

/// A session of a daemon.
#[derive(Clone, Debug)]
pub struct DaemonSession {
    /// Hash of the daemon's id, 0 if it has none.
    pub id: u64,
    /// Service.
    pub service: Service,
    /// Program that served it.
    pub product: Product,
    /// Account as logged; canonical after [`crate::build`] has mapped it.
    pub user: Sym,
    /// Master user, if one logged in for the account.
    pub master: Sym,
    /// Peer address.
    pub ip: Ip,
    /// Peer port, 0 if not logged.
    pub port: u16,
    /// The server's address.
    pub dst_ip: Ip,
    /// Log-in, or the log-out if there is no log-in line.
    pub start: Timestamp,
    /// Log-out, if there is one.
    pub end: Option<Timestamp>,
    /// What it counted, if there is a log-out.
    pub counters: Option<Counters>,
    /// Last command of an abnormal end.
    pub last_command: Sym,
    /// The daemon says that no command was sent.
    pub no_commands: bool,
    /// The log-in line is missing.
    pub orphan: bool,
    /// Log-in and log-out lines.
    pub evidence: [Option<Evidence>; 2],
}

impl DaemonSession {
    fn opened(l: &LogonRec) -> Self {
        Self {
            id: l.session,
            service: l.service,
            product: l.product,
            user: l.user,
            master: l.master,
            ip: l.ip,
            port: l.port,
            dst_ip: l.dst_ip,
            start: l.time,
            end: None,
            counters: None,
            last_command: Sym(0),
            no_commands: false,
            orphan: false,
            evidence: [Some(l.evidence), None],
        }
    }

    fn orphan(l: &LogoffRec) -> Self {
        Self {
            id: l.session,
            service: l.service,
            product: Product::Dovecot,
            user: l.user,
            master: Sym(0),
            ip: l.ip,
            port: 0,
            dst_ip: Ip(0),
            start: l.time,
            end: Some(l.time),
            counters: Some(l.counters.clone()),
            last_command: l.last_command,
            no_commands: l.no_commands,
            orphan: true,
            evidence: [None, Some(l.evidence)],
        }
    }

    fn close(&mut self, l: &LogoffRec) {
        self.end = Some(l.time);
        self.counters = Some(l.counters.clone());
        self.last_command = l.last_command;
        self.no_commands = l.no_commands;
        self.evidence[1] = Some(l.evidence);
        if self.ip == Ip(0) {
            self.ip = l.ip;
        }
    }

    /// Both ends are on record.
    pub fn complete(&self) -> bool {
        !self.orphan && self.end.is_some()
    }

    /// The lines it stands on.
    pub fn lines(&self) -> impl Iterator<Item = Evidence> + '_ {
        self.evidence.iter().flatten().copied()
    }
}

/// Joins the log-ins and log-outs of `obs`, which are consumed. Sorted by start.
pub fn join(obs: &mut Observations) -> Vec<DaemonSession> {
    let mut logons = std::mem::take(&mut obs.logons);
    let mut logoffs = std::mem::take(&mut obs.logoffs);
    logons.sort_by_key(|l| (l.time, l.evidence));
    logoffs.sort_by_key(|l| (l.time, l.evidence));
    let mut sessions: Vec<DaemonSession> = Vec::with_capacity(logons.len());
    let mut by_id: HashMap<u64, u32> = HashMap::with_capacity(logons.len());
    let mut by_user: HashMap<(Service, Sym), Vec<u32>> = HashMap::new();
    for logon in &logons {
        let index = sessions.len() as u32;
        // The same log in two artefacts (a rotated copy and its archive) is one session.
        if logon.session != 0 {
            if let Some(&known) = by_id.get(&logon.session)
                && (logon.time.0 - sessions[known as usize].start.0).abs() < DAY
            {
                continue;
            }
            by_id.insert(logon.session, index);
        } else {
            by_user
                .entry((logon.service, logon.user))
                .or_default()
                .push(index);
        }
        sessions.push(DaemonSession::opened(logon));
    }
    let mut by_user_next: HashMap<(Service, Sym), usize> = HashMap::new();
    let mut orphans: HashMap<u64, ()> = HashMap::new();
    for logoff in &logoffs {
        if logoff.session != 0 {
            match by_id.get(&logoff.session) {
                Some(&i) if sessions[i as usize].end.is_none() => {
                    sessions[i as usize].close(logoff)
                }
                Some(_) => {}
                None => {
                    if orphans.insert(logoff.session, ()).is_none() {
                        sessions.push(DaemonSession::orphan(logoff));
                    }
                }
            }
            continue;
        }
        let key = (logoff.service, logoff.user);
        let next = by_user_next.entry(key).or_default();
        let open = by_user.get(&key).and_then(|list| list.get(*next)).copied();
        match open {
            Some(i) if sessions[i as usize].start <= logoff.time => {
                *next += 1;
                sessions[i as usize].close(logoff);
            }
            _ => sessions.push(DaemonSession::orphan(logoff)),
        }
    }
    sessions.sort_by_key(|s| (s.start, s.evidence));
    sessions
}
