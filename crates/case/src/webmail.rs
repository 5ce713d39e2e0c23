//! Webmail requests given to accounts, and the webmail's own IMAP sessions given to browsers.
//!
//! A web server's access log names addresses and browsers, not accounts; Roundcube talks IMAP
//! from its own address, so Dovecot names accounts, not browsers. The two are joined by time:
//! almost every Roundcube request opens an IMAP session of its own, so the account whose local
//! IMAP sessions coincide with the requests of one browser, request after request, is the one
//! that browser is logged in to.

use crate::daemon::DaemonSession;
use crate::intern::{Ip, Sym};
use crate::observe::RequestRec;
use hashbrown::HashMap;
use std::collections::BTreeMap;
use vauban_ocsf::{HOUR, MINUTE, SECOND, Timestamp};
use vauban_spill::{Scratch, Spill};

/// A browser's session ends after this much silence. Roundcube's pages ask every minute for new
/// mail as long as they are open (`refresh_interval`), and the server forgets a session after
/// `session_lifetime`, ten minutes by default.
const SILENCE: i64 = 30 * MINUTE;
/// Longest time a request is taken to last when the log does not say.
const UNLOGGED_DURATION: i64 = 3 * SECOND;
/// An account needs this share of a browser's requests that any account explains.
const LEAST_SHARE: f64 = 0.15;

/// A browser's use of one account.
#[derive(Clone, Debug)]
pub struct WebSession {
    /// Account; the empty string when nothing tells.
    pub user: Sym,
    /// How the account is known.
    pub known_by: KnownBy,
    /// Address.
    pub ip: Ip,
    /// Browser.
    pub agent: Sym,
    /// Indices of its requests, in time order.
    pub requests: Vec<u32>,
    /// Indices of the IMAP sessions it caused.
    pub imap: Vec<u32>,
    /// First request.
    pub start: Timestamp,
    /// Last request.
    pub end: Timestamp,
    /// A successful log-in stands at its beginning.
    pub logged_in: bool,
}

/// How a web session's account is known.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum KnownBy {
    /// Not known.
    #[default]
    Nothing,
    /// The webmail's own log names account and address.
    WebmailLog,
    /// IMAP sessions of the account coincide with the requests.
    ImapTiming,
}

/// An account and address named together by the webmail itself.
#[derive(Clone, Debug)]
pub struct Anchor {
    /// When.
    pub time: Timestamp,
    /// From where.
    pub ip: Ip,
    /// Which account.
    pub user: Sym,
}

/// When a request can have been at work, first to last instant.
fn window(r: &RequestRec) -> (i64, i64) {
    let t = r.time.0;
    let lasted = if r.duration_ms > 0 {
        i64::from(r.duration_ms) * 1000
    } else {
        UNLOGGED_DURATION
    };
    // One second of rounding on each side: both logs may count whole seconds only.
    if r.time_is_start {
        (t - SECOND, t + lasted + SECOND)
    } else {
        (t - lasted - SECOND, t + SECOND)
    }
}

/// A `_task=login` POST that was answered by a redirect into the webmail.
pub fn is_login(r: &RequestRec) -> bool {
    r.post && r.login && (300..400).contains(&r.status)
}

/// Fewest requests from which a difference of clocks is told.
const OFFSET_REQUESTS: usize = 30;
/// Requests looked at.
const OFFSET_SAMPLE: usize = 4000;

/// How far the web server's clock is ahead of the mail server's, in microseconds: the shift at
/// which most requests coincide with a local IMAP session.
///
/// Hosts without NTP are minutes apart, and a zone assumed wrongly makes whole hours. Zero unless
/// another shift explains clearly more.
pub fn clock_offset(requests: &Spill<RequestRec>, starts: &[i64]) -> i64 {
    let mail: Vec<&RequestRec> = requests
        .iter()
        .filter(|r| (200..300).contains(&r.status) && crate::model::shows(r))
        .collect();
    if mail.len() < OFFSET_REQUESTS || starts.is_empty() {
        return 0;
    }
    let step = mail.len().div_ceil(OFFSET_SAMPLE);
    let sample: Vec<(i64, i64)> = mail.iter().step_by(step).map(|r| window(r)).collect();
    let explained = |shift: i64| {
        sample
            .iter()
            .filter(|(from, to)| {
                let at = starts.partition_point(|&s| s < from - shift);
                starts.get(at).is_some_and(|&s| s <= to - shift)
            })
            .count()
    };
    let none = explained(0);
    if none * 10 >= sample.len() * 8 {
        return 0;
    }
    let seconds = (-600..=600).map(|s| s * 2 * SECOND);
    let hours = (-14..=14).flat_map(|h: i64| (-5..=5).map(move |s| h * HOUR + s * 2 * SECOND));
    let best = seconds
        .chain(hours)
        .map(|shift| (explained(shift), -shift.abs(), shift))
        .max()
        .unwrap_or((none, 0, 0));
    if best.0 * 10 >= sample.len() * 6 && best.0 > none * 2 {
        best.2
    } else {
        0
    }
}

/// Joins. `local` are indices into `daemon` of IMAP sessions that the webmail opened, by start.
pub fn join(
    requests: &Spill<RequestRec>,
    daemon: &Spill<DaemonSession>,
    local: &[u32],
    anchors: &[Anchor],
    scratch: Option<&Scratch>,
) -> (Vec<WebSession>, i64) {
    let mut starts: Vec<i64> = local
        .iter()
        .enumerate()
        .map(|(step, &i)| {
            daemon.pace(step);
            daemon[i as usize].start.0
        })
        .collect();
    let offset = clock_offset(requests, &starts);
    for start in &mut starts {
        *start += offset;
    }
    // Accounts whose local IMAP sessions began while request `r` was at work.
    let candidates = |r: &RequestRec| -> Vec<(Sym, u32)> {
        let (from, to) = window(r);
        let low = starts.partition_point(|&s| s < from);
        let high = starts.partition_point(|&s| s <= to);
        let mut found: Vec<(Sym, u32)> = local[low..high]
            .iter()
            .map(|&i| (daemon[i as usize].user, i))
            .collect();
        found.sort_unstable();
        found
    };
    let mut by_browser: BTreeMap<(Ip, Sym, Sym), Vec<u32>> = BTreeMap::new();
    for (i, r) in requests.iter().enumerate() {
        by_browser
            .entry((r.ip, r.agent, r.cookie))
            .or_default()
            .push(i as u32);
    }
    let mut anchored: HashMap<Ip, Vec<&Anchor>> = HashMap::new();
    for a in anchors {
        anchored.entry(a.ip).or_default().push(a);
    }
    let mut sessions = Vec::new();
    for ((ip, agent, _), list) in by_browser {
        for stretch in stretches(&list, requests) {
            if let Some(scratch) = scratch {
                scratch.relieve();
            }
            assign(
                ip,
                agent,
                &stretch,
                requests,
                &candidates,
                anchored.get(&ip).map_or(&[], Vec::as_slice),
                &mut sessions,
            );
        }
    }
    sessions.sort_by_key(|s| (s.start, s.ip, s.agent, s.user));
    give_imap_sessions(&mut sessions, requests, daemon, local, offset, scratch);
    (sessions, offset)
}

/// Cuts one browser's requests where it was silent or logged in anew.
fn stretches(list: &[u32], requests: &[RequestRec]) -> Vec<Vec<u32>> {
    let mut out: Vec<Vec<u32>> = Vec::new();
    let mut last: Option<Timestamp> = None;
    for &i in list {
        let r = &requests[i as usize];
        let silent = last.is_none_or(|t| r.time.0 - t.0 > SILENCE);
        if silent || is_login(r) {
            out.push(Vec::new());
        }
        if let Some(current) = out.last_mut() {
            current.push(i);
        }
        last = Some(r.time);
    }
    out
}

/// Splits one stretch by account.
#[allow(clippy::too_many_arguments)]
fn assign(
    ip: Ip,
    agent: Sym,
    stretch: &[u32],
    requests: &[RequestRec],
    candidates: &dyn Fn(&RequestRec) -> Vec<(Sym, u32)>,
    anchors: &[&Anchor],
    sessions: &mut Vec<WebSession>,
) {
    // An anchor counts when it falls into the stretch.
    let (Some(&first), Some(&last)) = (stretch.first(), stretch.last()) else {
        return;
    };
    let from = requests[first as usize].time.0 - 2 * SECOND;
    let to = requests[last as usize].time.0 + 2 * SECOND;
    let named: Vec<Sym> = anchors
        .iter()
        .filter(|a| (from..=to).contains(&a.time.0))
        .map(|a| a.user)
        .collect();
    let sets: Vec<Vec<Sym>> = stretch
        .iter()
        .map(|&i| {
            let mut users: Vec<Sym> = candidates(&requests[i as usize])
                .into_iter()
                .map(|(u, _)| u)
                .collect();
            users.dedup();
            users
        })
        .collect();
    let explained = sets.iter().filter(|s| !s.is_empty()).count();
    let mut owner: Vec<Option<(Sym, KnownBy)>> = vec![None; stretch.len()];
    let mut open: Vec<usize> = (0..stretch.len())
        .filter(|&i| !sets[i].is_empty())
        .collect();
    let mut round = 0;
    while !open.is_empty() && round < 50 {
        round += 1;
        let mut support: BTreeMap<Sym, f64> = BTreeMap::new();
        for &i in &open {
            for &user in &sets[i] {
                *support.entry(user).or_default() += 1.0 / sets[i].len() as f64;
            }
        }
        for user in &named {
            if let Some(s) = support.get_mut(user) {
                *s += explained as f64;
            }
        }
        let Some((&user, &weight)) = support
            .iter()
            .max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(a.0)))
        else {
            break;
        };
        let is_named = named.contains(&user);
        // Coincidence explains a request now and then, not a share of a session.
        if !is_named && round > 1 && weight < (explained as f64 * LEAST_SHARE).max(2.0) {
            break;
        }
        let by = if is_named {
            KnownBy::WebmailLog
        } else {
            KnownBy::ImapTiming
        };
        open.retain(|&i| {
            let its = sets[i].contains(&user);
            if its {
                owner[i] = Some((user, by));
            }
            !its
        });
    }
    // A request that needed no IMAP belongs to the account at work around it.
    let fallback = named.first().map(|&u| (u, KnownBy::WebmailLog));
    let mut previous = owner.iter().flatten().next().copied().or(fallback);
    for slot in &mut owner {
        match slot {
            Some(known) => previous = Some(*known),
            None => *slot = previous,
        }
    }
    let mut by_user: BTreeMap<Sym, (KnownBy, Vec<u32>)> = BTreeMap::new();
    for (slot, &i) in owner.iter().zip(stretch) {
        let (user, by) = slot.unwrap_or((Sym(0), KnownBy::Nothing));
        let entry = by_user.entry(user).or_insert((by, Vec::new()));
        entry.1.push(i);
    }
    for (user, (known_by, list)) in by_user {
        let (Some(&first), Some(&last)) = (list.first(), list.last()) else {
            continue;
        };
        sessions.push(WebSession {
            user,
            known_by,
            ip,
            agent,
            start: requests[first as usize].time,
            end: requests[last as usize].time,
            logged_in: list.iter().any(|&i| is_login(&requests[i as usize])),
            requests: list,
            imap: Vec::new(),
        });
    }
}

/// Gives each local IMAP session to the web session of its account that was at work when it
/// began; with several, to the one whose request is nearest.
fn give_imap_sessions(
    sessions: &mut [WebSession],
    requests: &[RequestRec],
    daemon: &[DaemonSession],
    local: &[u32],
    offset: i64,
    scratch: Option<&Scratch>,
) {
    let mut all: Spill<(Sym, i64, u32)> = Spill::new(scratch);
    for (s, session) in sessions.iter().enumerate() {
        all.extend(
            session
                .requests
                .iter()
                .map(|&r| (session.user, requests[r as usize].time.0, s as u32)),
        );
    }
    all.sort_by_key(|r| *r);
    let mut by_user: HashMap<Sym, &[(Sym, i64, u32)]> = HashMap::new();
    for list in all.chunk_by(|a, b| a.0 == b.0) {
        by_user.insert(list[0].0, list);
    }
    for (step, &i) in local.iter().enumerate() {
        all.pace(step);
        let d = &daemon[i as usize];
        let Some(list) = by_user.get(&d.user) else {
            continue;
        };
        let start = d.start.0 + offset;
        let at = list.partition_point(|&(_, t, _)| t < start);
        let near = [at.checked_sub(1), Some(at)]
            .into_iter()
            .flatten()
            .filter_map(|k| list.get(k))
            .map(|&(_, t, s)| ((t - start).abs(), s))
            .min();
        if let Some((distance, s)) = near
            && distance <= 15 * SECOND
        {
            sessions[s as usize].imap.push(i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Counters;
    use vauban_ocsf::{Product, Service};

    fn imap(user: u32, at: i64) -> DaemonSession {
        DaemonSession {
            id: 0,
            service: Service::Imap,
            product: Product::Dovecot,
            user: Sym(user),
            master: Sym(0),
            ip: Ip(0),
            port: 0,
            dst_ip: Ip(0),
            start: Timestamp::from_seconds(at),
            end: Some(Timestamp::from_seconds(at)),
            counters: Some(Counters::default()),
            last_command: Sym(0),
            no_commands: false,
            orphan: false,
            evidence: [None, None],
        }
    }

    fn request(ip: u32, at: i64) -> RequestRec {
        RequestRec {
            time: Timestamp::from_seconds(at),
            time_is_start: false,
            duration_ms: 0,
            ip: Ip(ip),
            agent: Sym(0),
            cookie: Sym(0),
            status: 200,
            bytes: None,
            wire: false,
            compressed: None,
            post: false,
            action: crate::webreq::Action::Show,
            login: false,
            uid: 1,
            uids: Sym(0),
            mailbox: Sym(0),
            part: Sym(0),
            inner: false,
            flags: Default::default(),
            query: Sym(0),
            headers: Sym(0),
            page: 1,
            ajax: false,
            evidence: Default::default(),
        }
    }

    #[test]
    fn timing_tells_two_browsers_apart() {
        // Account 1 at address 1 works every 20 s, account 2 at address 2 every 30 s: their
        // sessions coincide at multiples of 60 s.
        let mut requests = Vec::new();
        let mut daemon = Vec::new();
        for k in 0..30 {
            requests.push(request(1, 20 * k));
            daemon.push(imap(1, 20 * k));
            requests.push(request(2, 30 * k));
            daemon.push(imap(2, 30 * k));
        }
        requests.sort_by_key(|r| r.time);
        daemon.sort_by_key(|d| d.start);
        let local: Vec<u32> = (0..daemon.len() as u32).collect();
        let (sessions, _) = join(&requests.into(), &daemon.into(), &local, &[], None);
        assert_eq!(sessions.len(), 2);
        for s in &sessions {
            assert_eq!(s.user.0, s.ip.0);
            assert_eq!((s.requests.len(), s.imap.len()), (30, 30));
            assert_eq!(s.known_by, KnownBy::ImapTiming);
        }
    }

    #[test]
    fn clocks_that_differ_are_set_right() {
        // Requests every 37 s; the web server is 95 s ahead, or in another zone.
        for ahead in [0, 96, 3600, -7200] {
            let requests: Vec<_> = (0..60)
                .map(|k| request(1, 10_000 + 37 * k + ahead))
                .collect();
            let daemon: Vec<_> = (0..60).map(|k| imap(1, 10_000 + 37 * k)).collect();
            let local: Vec<u32> = (0..60).collect();
            let (sessions, offset) = join(&requests.into(), &daemon.into(), &local, &[], None);
            assert!(
                (offset - ahead * SECOND).abs() <= 4 * SECOND,
                "{ahead}: {offset}"
            );
            assert_eq!((sessions.len(), sessions[0].user), (1, Sym(1)));
            assert_eq!(sessions[0].imap.len(), 60);
        }
    }

    #[test]
    fn silence_ends_a_session_and_no_imap_means_no_account() {
        let requests = vec![request(1, 0), request(1, 10), request(1, 10_000)];
        let (sessions, _) = join(&requests.into(), &Spill::default(), &[], &[], None);
        assert_eq!(sessions.len(), 2);
        assert!(
            sessions
                .iter()
                .all(|s| s.user == Sym(0) && s.known_by == KnownBy::Nothing)
        );
    }

    #[test]
    fn the_webmails_own_log_decides() {
        let requests = vec![request(1, 0), request(1, 1)];
        let daemon = vec![imap(1, 0), imap(2, 0), imap(1, 1), imap(2, 1)];
        let anchor = Anchor {
            time: Timestamp::from_seconds(0),
            ip: Ip(1),
            user: Sym(2),
        };
        let (sessions, _) = join(
            &requests.into(),
            &daemon.into(),
            &[0, 1, 2, 3],
            &[anchor],
            None,
        );
        assert_eq!(sessions.len(), 1);
        assert_eq!(
            (sessions[0].user, sessions[0].known_by),
            (Sym(2), KnownBy::WebmailLog)
        );
    }
}
