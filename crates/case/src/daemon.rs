//! Log-in and log-out lines joined to sessions of the daemons.
//!
//! Dovecot 2.3 and later write one session id in both lines. Dovecot 2.2 writes the process that
//! serves the session (`mpid=`) at log-in only, so there the next log-out of the same account and
//! service closes it. A session without log-out was cut off by the end of the log, or its line is
//! missing: its counters are unknown, which is not zero.

use crate::intern::{Ip, Sym};
use crate::observe::{Counters, LogoffRec, LogonRec, Observations};
use hashbrown::HashMap;
use std::collections::VecDeque;
use vauban_ocsf::{DAY, Evidence, Product, Service, Timestamp};
use vauban_spill::Spill;

/// A session of a daemon.
#[derive(Copy, Clone, Debug)]
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
            counters: Some(l.counters),
            last_command: l.last_command,
            no_commands: l.no_commands,
            orphan: true,
            evidence: [None, Some(l.evidence)],
        }
    }

    fn close(&mut self, l: &LogoffRec) {
        self.end = Some(l.time);
        self.counters = Some(l.counters);
        self.last_command = l.last_command;
        self.no_commands = l.no_commands;
        self.evidence[1] = Some(l.evidence);
        if self.ip == Ip(0) {
            self.ip = l.ip;
        }
    }

    /// The log-in of what was taken for a log-out without one.
    fn opened_late(&mut self, l: &LogonRec) {
        let off = *self;
        *self = Self {
            end: off.end,
            counters: off.counters,
            last_command: off.last_command,
            no_commands: off.no_commands,
            evidence: [Some(l.evidence), off.evidence[1]],
            ..Self::opened(l)
        };
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

/// Entries of ended sessions are forgotten after this long: the same line in two artefacts (a
/// rotated copy and its archive) carries the same instant.
const REMEMBERED: i64 = DAY;
/// The table of sessions is looked through for old entries when it has grown to this many.
const TABLE: usize = 1 << 16;

/// What is known of a session id while its lines may still come.
struct Known {
    session: u32,
    start: i64,
    /// Log-out, or `None` while it is open.
    end: Option<i64>,
}

/// Sessions by the daemon's id. Only those open or just ended are held, so that the table does not
/// grow with the logs.
#[derive(Default)]
struct Table {
    by_id: HashMap<u64, Known>,
    sweep_at: usize,
}

impl Table {
    fn insert(&mut self, id: u64, known: Known, now: i64) {
        if self.by_id.len() >= self.sweep_at.max(TABLE) {
            self.by_id
                .retain(|_, k| k.end.is_none_or(|end| now - end.max(k.start) < REMEMBERED));
            self.sweep_at = 2 * self.by_id.len();
        }
        self.by_id.insert(id, known);
    }
}

/// Joins the log-ins and log-outs of `obs`, which are consumed. Sorted by start.
pub fn join(obs: &mut Observations) -> Spill<DaemonSession> {
    let mut logons = std::mem::take(&mut obs.logons);
    let mut logoffs = std::mem::take(&mut obs.logoffs);
    logons.sort_by_key(|l| (l.time, l.evidence));
    logoffs.sort_by_key(|l| (l.time, l.evidence));
    let mut sessions: Spill<DaemonSession> = logons.sibling();
    let mut table = Table::default();
    // Sessions without an id (Dovecot 2.2), in order of log-in; each log-out closes the next.
    let mut by_user: HashMap<(Service, Sym), VecDeque<u32>> = HashMap::new();
    let mut off = 0;
    for (step, logon) in logons.iter().enumerate() {
        logons.pace(step);
        while let Some(logoff) = logoffs.get(off).filter(|l| l.time < logon.time) {
            end(logoff, &mut sessions, &mut table, &mut by_user);
            off += 1;
        }
        begin(logon, &mut sessions, &mut table, &mut by_user);
    }
    for logoff in &logoffs[off..] {
        end(logoff, &mut sessions, &mut table, &mut by_user);
    }
    sessions.sort_by_key(|s| (s.start, s.evidence));
    sessions
}

fn begin(
    logon: &LogonRec,
    sessions: &mut Spill<DaemonSession>,
    table: &mut Table,
    by_user: &mut HashMap<(Service, Sym), VecDeque<u32>>,
) {
    let index = sessions.len() as u32;
    if logon.session == 0 {
        by_user
            .entry((logon.service, logon.user))
            .or_default()
            .push_back(index);
        sessions.push(DaemonSession::opened(logon));
        return;
    }
    if let Some(known) = table.by_id.get_mut(&logon.session)
        && (logon.time.0 - known.start).abs() < DAY
    {
        let session = &mut sessions[known.session as usize];
        if session.orphan {
            // The clock went back between the two lines.
            session.opened_late(logon);
            known.start = logon.time.0;
        }
        // Else the same log stands in two artefacts.
        return;
    }
    let known = Known {
        session: index,
        start: logon.time.0,
        end: None,
    };
    table.insert(logon.session, known, logon.time.0);
    sessions.push(DaemonSession::opened(logon));
}

fn end(
    logoff: &LogoffRec,
    sessions: &mut Spill<DaemonSession>,
    table: &mut Table,
    by_user: &mut HashMap<(Service, Sym), VecDeque<u32>>,
) {
    if logoff.session == 0 {
        let open = by_user
            .get_mut(&(logoff.service, logoff.user))
            .and_then(VecDeque::pop_front);
        match open {
            Some(i) => sessions[i as usize].close(logoff),
            None => sessions.push(DaemonSession::orphan(logoff)),
        }
        return;
    }
    let now = logoff.time.0;
    if let Some(known) = table.by_id.get_mut(&logoff.session) {
        match known.end {
            None => {
                sessions[known.session as usize].close(logoff);
                known.end = Some(now);
                return;
            }
            Some(end) if now - end < REMEMBERED => return,
            Some(_) => {}
        }
    }
    let known = Known {
        session: sessions.len() as u32,
        start: now,
        end: Some(now),
    };
    table.insert(logoff.session, known, now);
    sessions.push(DaemonSession::orphan(logoff));
}

#[cfg(test)]
mod tests {
    use super::*;
    use vauban_ocsf::{ArtefactId, SECOND};

    fn line(artefact: u32, offset: u64) -> Evidence {
        Evidence {
            artefact: ArtefactId(artefact),
            offset,
            length: 1,
        }
    }

    fn logon(at: i64, session: u64, artefact: u32) -> LogonRec {
        LogonRec {
            time: Timestamp(at * SECOND),
            service: Service::Imap,
            product: Product::Dovecot,
            user: Sym(1),
            master: Sym(0),
            ip: Ip(1),
            port: 0,
            dst_ip: Ip(0),
            method: Sym(0),
            session,
            pid: 0,
            tls: None,
            evidence: line(artefact, at as u64),
        }
    }

    fn logoff(at: i64, session: u64, artefact: u32) -> LogoffRec {
        LogoffRec {
            time: Timestamp(at * SECOND),
            service: Service::Imap,
            user: Sym(1),
            session,
            pid: 0,
            ip: Ip(1),
            counters: Counters::default(),
            last_command: Sym(0),
            no_commands: false,
            evidence: line(artefact, at as u64 + 1),
        }
    }

    /// `(start, end, orphan)` in seconds.
    fn joined(on: Vec<LogonRec>, off: Vec<LogoffRec>) -> Vec<(i64, Option<i64>, bool)> {
        let mut obs = Observations::default();
        obs.logons = on.into();
        obs.logoffs = off.into();
        join(&mut obs)
            .iter()
            .map(|d| (d.start.0 / SECOND, d.end.map(|t| t.0 / SECOND), d.orphan))
            .collect()
    }

    #[test]
    fn lines_join_by_session() {
        // Two at once, one that the log cuts off, one whose beginning is missing.
        let on = vec![logon(10, 7, 0), logon(11, 8, 0), logon(50, 9, 0)];
        let off = vec![logoff(20, 8, 0), logoff(30, 7, 0), logoff(40, 5, 0)];
        assert_eq!(
            joined(on, off),
            [
                (10, Some(30), false),
                (11, Some(20), false),
                (40, Some(40), true),
                (50, None, false)
            ]
        );
    }

    #[test]
    fn a_log_kept_twice_gives_each_session_once() {
        let on = vec![logon(10, 7, 0), logon(10, 7, 1)];
        let off = vec![
            logoff(20, 7, 0),
            logoff(20, 7, 1),
            logoff(30, 6, 0),
            logoff(30, 6, 1),
        ];
        assert_eq!(
            joined(on, off),
            [(10, Some(20), false), (30, Some(30), true)]
        );
    }

    #[test]
    fn a_clock_that_goes_back_parts_no_session() {
        let on = vec![logon(100, 7, 0)];
        let off = vec![logoff(95, 7, 0)];
        assert_eq!(joined(on, off), [(100, Some(95), false)]);
    }

    #[test]
    fn ids_are_used_again_after_days() {
        let day = DAY / SECOND;
        let on = vec![logon(0, 7, 0), logon(3 * day, 7, 0)];
        let off = vec![logoff(5, 7, 0), logoff(3 * day + 9, 7, 0)];
        assert_eq!(
            joined(on, off),
            [(0, Some(5), false), (3 * day, Some(3 * day + 9), false)]
        );
    }

    #[test]
    fn without_ids_the_next_log_out_closes_the_oldest() {
        let on = vec![logon(1, 0, 0), logon(2, 0, 0)];
        let off = vec![logoff(3, 0, 0), logoff(4, 0, 0), logoff(5, 0, 0)];
        assert_eq!(
            joined(on, off),
            [(1, Some(3), false), (2, Some(4), false), (5, Some(5), true)]
        );
    }
}
