//! Sessions labelled: rules over facts, then what follows from sessions already labelled.

use crate::client::network;
use crate::contract::{Label, Reason};
use crate::facts::{self, Facts, Intruders};
use crate::intern::{Ip, Sym};
use crate::model::Model;
use crate::rules::{HARD_SIGNS, INTRUDER, SUSPECT, SessionRules};
use hashbrown::HashSet;
use vauban_ocsf::Evidence;

/// Judgement of one session.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// Facts.
    pub facts: Facts,
    /// 0–100.
    pub score: f64,
    /// What the score means.
    pub label: Label,
    /// Nothing speaks against the session, and its facts are not kept: most sessions are so, and
    /// facts with their lines take kilobytes.
    pub light: bool,
}

/// Following an intruder from session to session ends after this many steps at the latest.
const STEPS: usize = 12;
/// How often what is usual is learnt anew.
const RELEARN: usize = 3;

/// Judges all client sessions.
///
/// What is usual is learnt, the sessions that are an intruder's by themselves are found, and from
/// them, step by step, those that follow from sessions already found. So every intruder's session
/// rests in the end on one that needs no other: sessions cannot accuse each other in a circle.
/// Then what is usual is learnt anew without them, until nothing changes.
pub fn judge(m: &mut Model<'_>, rules: &SessionRules) -> Vec<Judgement> {
    let mut all: Vec<Judgement> = (0..m.clients.len())
        .map(|i| {
            m.clients.pace(i);
            by_itself(i, m, rules)
        })
        .collect();
    let mut found = follow(&mut all, m, rules);
    let mut left_out: Vec<usize> = Vec::new();
    for _ in 0..RELEARN {
        let strangers: Vec<usize> = found
            .iter()
            .copied()
            .filter(|&i| {
                let c = &m.clients[i];
                !m.victim_browser.contains(&(c.account, c.ip))
            })
            .collect();
        if strangers == left_out {
            break;
        }
        m.learn_without(&strangers);
        let touched = Touched::by(m, &left_out, &strangers);
        left_out = strangers;
        for (i, judgement) in all.iter_mut().enumerate() {
            m.clients.pace(i);
            // Most sessions: nothing speaks against them, and nothing they rest on has changed.
            if !judgement.light || touched.touches(m, i) {
                *judgement = by_itself(i, m, rules);
            }
        }
        found = follow(&mut all, m, rules);
    }
    all
}

/// Judges a session without regard to others' judgement.
fn by_itself(index: usize, m: &Model<'_>, rules: &SessionRules) -> Judgement {
    let mut j = Judgement {
        facts: facts::compute(index, m),
        ..Judgement::default()
    };
    rate(&mut j, rules);
    lighten(&mut j, rules);
    j
}

/// Follows from the sessions that are an intruder's by themselves; gives all that are in the end.
fn follow(all: &mut [Judgement], m: &mut Model<'_>, rules: &SessionRules) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    for _ in 0..STEPS {
        let now: Vec<usize> = (0..all.len())
            .filter(|&i| all[i].label == Label::Intruder)
            .collect();
        if now == found {
            break;
        }
        found = now;
        // A lure makes the reader's own browser act: that address is a victim's.
        let victims: Vec<_> = found
            .iter()
            .filter(|&&i| {
                all[i]
                    .facts
                    .get("lure_opened_here")
                    .is_some_and(|v| v > 0.0)
            })
            .map(|&i| (m.clients[i].account, m.clients[i].ip))
            .collect();
        m.victim_browser.extend(victims);
        let known = Intruders::new(m, &found);
        for (i, judgement) in all.iter_mut().enumerate() {
            m.clients.pace(i);
            if judgement.light {
                if !facts::follow(i, m, &known, &mut Facts::default()) {
                    continue;
                }
                judgement.facts = facts::compute(i, m);
            }
            facts::follow(i, m, &known, &mut judgement.facts);
            rate(judgement, rules);
            lighten(judgement, rules);
        }
    }
    found
}

/// What looks otherwise after what is usual has been learnt anew: accounts, and the addresses and
/// networks that those accounts come from.
#[derive(Default)]
struct Touched {
    accounts: HashSet<Sym>,
    ips: HashSet<Ip>,
    networks: HashSet<u128>,
}

impl Touched {
    /// By leaving out `now` instead of `before`.
    fn by(m: &Model<'_>, before: &[usize], now: &[usize]) -> Self {
        let mut t = Self::default();
        for i in before.iter().chain(now) {
            if before.binary_search(i).is_ok() != now.binary_search(i).is_ok() {
                t.accounts.insert(m.clients[*i].account);
            }
        }
        for c in m.clients.iter() {
            if t.accounts.contains(&c.account) {
                t.ips.insert(c.ip);
                t.networks.extend(m.addr(c.ip).map(network));
            }
        }
        t
    }

    fn touches(&self, m: &Model<'_>, session: usize) -> bool {
        let c = &m.clients[session];
        self.accounts.contains(&c.account)
            || self.ips.contains(&c.ip)
            || m.addr(c.ip)
                .is_some_and(|ip| self.networks.contains(&network(ip)))
    }
}

/// Lets the facts of a session go against which nothing speaks.
fn lighten(j: &mut Judgement, rules: &SessionRules) {
    let lookup = |name: &str| j.facts.get(name);
    j.light = j.label == Label::Legitimate
        && rules
            .fire(&lookup)
            .iter()
            .map(|(r, _)| r.weight.max(0.0))
            .sum::<f64>()
            < 15.0;
    if j.light {
        j.facts = Facts::default();
    }
}

fn rate(j: &mut Judgement, rules: &SessionRules) {
    let lookup = |name: &str| j.facts.get(name);
    let fired = rules.fire(&lookup);
    j.score = SessionRules::score(&fired);
    let hard = SessionRules::hard_signs(&fired) >= HARD_SIGNS;
    j.label = match j.score {
        _ if !hard => Label::Legitimate,
        s if s >= INTRUDER => Label::Intruder,
        s if s >= SUSPECT => Label::Suspect,
        _ => Label::Legitimate,
    };
}

/// The reasons of a judgement, strongest first.
pub fn reasons(
    j: &Judgement,
    rules: &SessionRules,
    refs: &dyn Fn(&[Evidence]) -> Vec<crate::contract::EvidenceRef>,
) -> Vec<Reason> {
    let lookup = |name: &str| j.facts.get(name);
    let mut out: Vec<Reason> = rules
        .fire(&lookup)
        .into_iter()
        .map(|(rule, names)| {
            let mut lines: Vec<Evidence> = Vec::new();
            for name in names {
                for line in j.facts.evidence(name) {
                    if !lines.contains(line) {
                        lines.push(*line);
                    }
                }
            }
            lines.truncate(6);
            Reason {
                rule: rule.id.clone(),
                weight: rule.weight,
                text: rule.tell(&lookup, &|name| j.facts.word(name).map(str::to_string)),
                evidence: refs(&lines),
            }
        })
        .collect();
    out.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.rule.cmp(&b.rule)));
    out
}
