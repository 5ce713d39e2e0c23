//! Sessions: which ones the case calls an intruder's, and which ones are.

use super::Score;
use super::read::{Attempt, Case, CaseSession, TrueSession, Truth, local};

/// Clocks of daemons and ends of sessions differ by this much, in seconds.
const SLACK: i64 = 120;

fn seconds(time: &str) -> Option<i64> {
    time.parse::<jiff::Timestamp>()
        .ok()
        .map(jiff::Timestamp::as_second)
}

fn shares_address(case: &CaseSession, ip: &str, others: &[String]) -> bool {
    let mine =
        |a: &str| !a.is_empty() && (case.source_ip == a || case.other_ips.iter().any(|o| o == a));
    mine(ip) || others.iter().any(|o| mine(o))
}

/// A time that cannot be read matches nothing: a case without times has no sessions.
fn overlaps(case: &CaseSession, start: &str, end: &str) -> bool {
    let (Some(a), Some(b)) = (seconds(&case.start), seconds(&case.end)) else {
        return false;
    };
    let Some(c) = seconds(start) else {
        return false;
    };
    let d = seconds(end).unwrap_or(c);
    a <= d + SLACK && c <= b + SLACK
}

fn same(case: &CaseSession, truth: &TrueSession) -> bool {
    local(&case.account) == local(&truth.account)
        && case.protocol == truth.protocol
        && shares_address(case, &truth.source_ip, &truth.other_ips)
        && overlaps(case, &truth.start, &truth.end)
}

fn stands_for(case: &CaseSession, attempt: &Attempt) -> bool {
    attempt.intruder
        && local(&case.account) == local(&attempt.account)
        && shares_address(case, &attempt.source_ip, &[])
        && overlaps(case, &attempt.time, &attempt.time)
}

pub(super) fn score(case: &Case, truth: &Truth, out: &mut Score) {
    let (real, refused): (Vec<&TrueSession>, Vec<&TrueSession>) = truth
        .sessions
        .iter()
        .filter(|s| s.intruder)
        .partition(|s| s.logged_in != Some(false));
    for c in case
        .sessions
        .iter()
        .filter(|c| c.label == "intruder" || c.label == "suspect")
    {
        let hit = real.iter().any(|t| same(c, t));
        if !hit {
            let attempt = refused.iter().any(|t| same(c, t))
                || truth.attempts.iter().any(|a| stands_for(c, a));
            if attempt {
                out.attempts_named += 1;
                continue;
            }
            out.false_alarms.push(format!(
                "session {} labelled {}: {} {} from {} at {}",
                c.id, c.label, c.account, c.protocol, c.source_ip, c.start
            ));
        }
        if c.label == "intruder" {
            out.session_precision.add(hit);
        }
    }
    for t in real {
        let hit = case
            .sessions
            .iter()
            .any(|c| c.label == "intruder" && same(c, t));
        out.session_recall.add(hit);
        if !hit {
            let label = case
                .sessions
                .iter()
                .find(|c| same(c, t))
                .map_or("not listed", |c| &c.label);
            out.missed_sessions.push(format!(
                "{} {} {} from {} at {} ({label})",
                t.id, t.account, t.protocol, t.source_ip, t.start
            ));
        }
    }
}
