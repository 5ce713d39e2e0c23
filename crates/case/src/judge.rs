//! Sessions labelled: rules over facts, then what follows from sessions already labelled.

use crate::contract::{Label, Reason};
use crate::facts::{self, Facts};
use crate::model::Model;
use crate::rules::{HARD_SIGNS, INTRUDER, SUSPECT, SessionRules};
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

/// Following an intruder from session to session ends after this many rounds at the latest.
const ROUNDS: usize = 8;
/// How often what is usual is learnt anew.
const RELEARN: usize = 3;

/// Judges all client sessions.
pub fn judge(m: &mut Model<'_>, rules: &SessionRules) -> Vec<Judgement> {
    let mut all: Vec<Judgement> = (0..m.clients.len())
        .map(|i| {
            let mut j = Judgement {
                facts: facts::compute(i, m),
                ..Judgement::default()
            };
            rate(&mut j, rules);
            j
        })
        .collect();
    let mut before: Vec<usize> = Vec::new();
    for round in 0..ROUNDS {
        let intruders: Vec<usize> = (0..all.len())
            .filter(|&i| all[i].label == Label::Intruder)
            .collect();
        if intruders == before {
            break;
        }
        // A lure makes the reader's own browser act: that address is a victim's.
        let victims: Vec<_> = intruders
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
        // What is usual is learnt anew without them, a few times; then only the following goes on.
        let relearn = round < RELEARN;
        if relearn {
            let strangers: Vec<usize> = intruders
                .iter()
                .copied()
                .filter(|&i| {
                    let c = &m.clients[i];
                    !m.victim_browser.contains(&(c.account, c.ip))
                })
                .collect();
            m.learn_without(&strangers);
        }
        for (i, judgement) in all.iter_mut().enumerate() {
            if relearn || judgement.light {
                judgement.facts = facts::compute(i, m);
            }
            facts::follow(i, m, &intruders, &mut judgement.facts);
            rate(judgement, rules);
            lighten(judgement, rules);
        }
        before = intruders;
    }
    all
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
                text: rule.tell(&lookup, &j.facts.words),
                evidence: refs(&lines),
            }
        })
        .collect();
    out.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.rule.cmp(&b.rule)));
    out
}
