//! From observations to the case.

use crate::contract::{
    Account, AccountStatus, Case, EvidenceRef, Exfiltrated, InitialAccess, Label, Level,
    SCHEMA_VERSION, Session, Totals,
};
use crate::coverage;
use crate::findings::{self, compromised};
use crate::inputs::Inputs;
use crate::intern::Sym;
use crate::judge::{self, Judgement};
use crate::ledger::Builder;
use crate::model::{Model, text};
use crate::observe::Observations;
use crate::verdict;
use hashbrown::{HashMap, HashSet};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use vauban_ocsf::{DAY, Evidence, Timestamp};

/// Legitimate sessions that look alike are listed up to this many.
const LOOK_ALIKES: usize = 200;

/// Builds the case.
pub fn build(obs: Observations, inputs: &Inputs<'_>) -> Case {
    let mut m = Model::new(obs, inputs);
    let judged = judge::judge(&mut m, inputs.rules);
    m.know_log_of(&judged);
    let m = m;
    let cache: RefCell<HashMap<Evidence, EvidenceRef>> = RefCell::default();
    let refs = |lines: &[Evidence]| -> Vec<EvidenceRef> {
        let mut seen = HashSet::new();
        lines
            .iter()
            .filter(|e| seen.insert(**e))
            .map(|e| {
                cache
                    .borrow_mut()
                    .entry(*e)
                    .or_insert_with(|| {
                        let (excerpt, line) = inputs.evidence.excerpt(*e);
                        EvidenceRef {
                            artefact: inputs.evidence.path(e.artefact).to_string(),
                            offset: e.offset,
                            length: u64::from(e.length),
                            line,
                            excerpt,
                        }
                    })
                    .clone()
            })
            .collect()
    };
    let ids = session_ids(&m, &judged, inputs);
    let id = |i: usize| ids.get(&i).map(|n| format!("S{n:04}"));
    let broken = compromised(&m, &judged);
    let holes = coverage::holes(&m, inputs);
    let redirects = findings::redirects(&m, &judged);

    let mut ledger = Builder::new(&m, inputs.evidence);
    let hostile: Vec<usize> = (0..judged.len())
        .filter(|&i| judged[i].label == Label::Intruder)
        .collect();
    ledger.chain(&hostile);
    for (i, j) in judged.iter().enumerate() {
        if j.label == Label::Intruder {
            ledger.session(i);
        }
    }
    findings::forward(&m, &redirects, &mut ledger);
    let foreign: HashSet<_> = m
        .clients
        .iter()
        .zip(&judged)
        .filter(|(_, j)| j.label == Label::Intruder)
        .map(|(c, _)| c.ip)
        .collect();
    for hole in holes
        .iter()
        .filter(|h| h.ip.is_none_or(|ip| foreign.contains(&ip)))
    {
        for (account, (first, _)) in &broken {
            // Before the account was lost its missing records cannot hide the intruder; a day of
            // grace, since the first session seen need not be the first there was.
            if hole.to.0 >= first.0 - DAY {
                ledger.hole(*account, hole);
            }
        }
    }
    let searches = findings::searches(&m, &judged, &ledger, &id, &refs);
    let ledger = ledger.finish(&refs, &id);
    let possible: HashSet<u32> = {
        let by_id: HashSet<(&str, &str)> = ledger
            .entries
            .iter()
            .filter(|e| e.exfiltrated > Exfiltrated::NoEvidence)
            .map(|e| (e.account.as_str(), e.message_id.as_str()))
            .collect();
        (0..m.universe.known.len() as u32)
            .filter(|&k| {
                let known = &m.universe.known[k as usize];
                by_id.contains(&(m.name(known.account), known.message_id.as_str()))
            })
            .collect()
    };
    let since = broken.values().map(|(first, _)| *first).min();
    let mut case = Case {
        schema_version: SCHEMA_VERSION.into(),
        sessions: sessions(&m, &judged, inputs, &ids, &refs),
        accounts: accounts(&m, &judged, inputs, &broken, &refs),
        initial_access: initial_access(&m, &judged, inputs, &broken, &refs),
        persistence: findings::persistence(&m, inputs, &redirects, &refs),
        lateral: findings::lateral(&m, since, &refs),
        lures: findings::lures(&m, inputs, &refs),
        searches,
        secrets: findings::secrets(&m, &judged, &ledger, &possible, &refs),
        indicators: findings::indicators(&m, inputs, &judged, &refs),
        advisories: inputs.advisories.to_vec(),
        coverage: coverage::rows(&m, inputs, &holes, &refs),
        exposure: inputs.exposure.to_vec(),
        totals: totals(&m, &judged, &ledger, &broken),
        ledger: ledger.entries,
        ..Case::default()
    };
    verdict::conclude(&mut case, &m, &judged, &holes);
    case
}

/// Sessions that the case lists, numbered by start.
fn session_ids(m: &Model<'_>, judged: &[Judgement], inputs: &Inputs<'_>) -> BTreeMap<usize, usize> {
    let mut listed: Vec<usize> = (0..judged.len())
        .filter(|&i| judged[i].label != Label::Legitimate)
        .collect();
    // Look-alikes: something spoke against them, and they were cleared all the same.
    let mut alike: Vec<(i64, usize)> = judged
        .iter()
        .enumerate()
        .filter(|(_, j)| j.label == Label::Legitimate)
        .filter_map(|(i, j)| {
            let lookup = |name: &str| j.facts.get(name);
            let against: f64 = inputs
                .rules
                .fire(&lookup)
                .iter()
                .map(|(r, _)| r.weight.max(0.0))
                .sum();
            (against >= 15.0).then_some((-(against as i64), i))
        })
        .collect();
    alike.sort_unstable();
    listed.extend(alike.into_iter().take(LOOK_ALIKES).map(|(_, i)| i));
    listed.sort_unstable();
    let _ = m;
    listed
        .into_iter()
        .enumerate()
        .map(|(n, i)| (i, n + 1))
        .collect()
}

fn sessions(
    m: &Model<'_>,
    judged: &[Judgement],
    inputs: &Inputs<'_>,
    ids: &BTreeMap<usize, usize>,
    refs: &findings::Refs<'_>,
) -> Vec<Session> {
    ids.iter()
        .map(|(&i, n)| {
            let (c, j) = (&m.clients[i], &judged[i]);
            let web: Option<u64> = m
                .clients
                .list(c.requests)
                .iter()
                .map(|&r| m.obs.requests[r as usize].bytes)
                .try_fold(0_u64, |sum, b| Some(sum + b?));
            let daemon: Option<u64> = m
                .clients
                .list(c.daemon)
                .iter()
                .map(|&d| {
                    m.daemon[d as usize]
                        .counters
                        .as_ref()
                        .and_then(|k| k.bytes_out.or(k.retr_bytes))
                })
                .try_fold(0_u64, |sum, b| Some(sum + b?));
            Session {
                id: format!("S{n:04}"),
                account: m.name(c.account).to_string(),
                protocol: c.protocol.name().to_string(),
                source_ip: m.addr_text(c.ip),
                other_ips: other_ips(m, i),
                user_agent: m.name(c.agent).to_string(),
                start: c.start.to_string(),
                end: c.end.to_string(),
                label: j.label,
                score: j.score,
                reasons: judge::reasons(j, inputs.rules, refs),
                bytes_out: if c.requests.is_empty() { daemon } else { web },
                daemon_sessions: c.daemon.len() as u64,
                evidence: refs(&m.lines(c, 6)),
            }
        })
        .collect()
}

/// Addresses from which the same webmail session went on.
fn other_ips(m: &Model<'_>, i: usize) -> Vec<String> {
    let c = &m.clients[i];
    if c.requests.is_empty() {
        return Vec::new();
    }
    let mut out: BTreeSet<String> = BTreeSet::new();
    for &o in m.clients_of.get(&c.account).map_or(&[][..], Vec::as_slice) {
        let o = &m.clients[o as usize];
        // Same browser, no log-in in between: a laptop or a cookie that moved.
        if !o.requests.is_empty()
            && o.ip != c.ip
            && o.agent == c.agent
            && o.start <= c.end
            && o.end >= c.start
            && !(o.logged_in && c.logged_in)
        {
            out.insert(m.addr_text(o.ip));
        }
    }
    out.into_iter().collect()
}

fn accounts(
    m: &Model<'_>,
    judged: &[Judgement],
    inputs: &Inputs<'_>,
    broken: &BTreeMap<Sym, (Timestamp, Timestamp)>,
    refs: &findings::Refs<'_>,
) -> Vec<Account> {
    let mut names: BTreeSet<Sym> = m.clients_of.keys().copied().collect();
    names.extend(m.universe.accounts());
    names.remove(&Sym(0));
    let lured: HashSet<&str> = inputs
        .lures
        .iter()
        .filter(|l| l.active)
        .map(|l| m.store.mailboxes[l.message.0].account.as_str())
        .collect();
    let foreign: HashSet<_> = m
        .clients
        .iter()
        .zip(judged)
        .filter(|(c, j)| {
            j.label == Label::Intruder && !m.victim_browser.contains(&(c.account, c.ip))
        })
        .map(|(c, _)| c.ip)
        .collect();
    let mut out: Vec<Account> = names
        .into_iter()
        .map(|sym| {
            let name = m.name(sym).to_string();
            if let Some((first, last)) = broken.get(&sym) {
                let best = (0..judged.len())
                    .filter(|&i| m.clients[i].account == sym && judged[i].label == Label::Intruder)
                    .max_by(|&a, &b| judged[a].score.total_cmp(&judged[b].score).then(b.cmp(&a)));
                let reasons = best
                    .map(|i| judge::reasons(&judged[i], inputs.rules, refs))
                    .unwrap_or_default();
                let evidence = best.map(|i| m.lines(&m.clients[i], 4)).unwrap_or_default();
                return Account {
                    account: name,
                    status: AccountStatus::Compromised,
                    first: Some(first.to_string()),
                    last: Some(last.to_string()),
                    reasons,
                    evidence: refs(&evidence),
                };
            }
            // Tried by an intruder's address, or by strangers' addresses that tried others too.
            let tried: Vec<_> = m
                .failures_at(sym)
                .iter()
                .filter(|f| {
                    foreign.contains(&f.ip)
                        || m.failures_from(f.ip)
                            .iter()
                            .map(|x| x.account)
                            .collect::<HashSet<_>>()
                            .len()
                            >= 3
                })
                .collect();
            if tried.is_empty() && !lured.contains(name.as_str()) {
                return Account {
                    account: name,
                    ..Account::default()
                };
            }
            let lines: Vec<Evidence> = tried.iter().map(|f| f.evidence).take(4).collect();
            Account {
                account: name,
                status: AccountStatus::Targeted,
                first: tried.iter().map(|f| f.first).min().map(|t| t.to_string()),
                last: tried.iter().map(|f| f.first).max().map(|t| t.to_string()),
                reasons: Vec::new(),
                evidence: refs(&lines),
            }
        })
        .collect();
    out.sort_by(|a, b| (a.status, &a.account).cmp(&(b.status, &b.account)));
    out
}

fn initial_access(
    m: &Model<'_>,
    judged: &[Judgement],
    inputs: &Inputs<'_>,
    broken: &BTreeMap<Sym, (Timestamp, Timestamp)>,
    refs: &findings::Refs<'_>,
) -> Vec<InitialAccess> {
    let mut out: Vec<InitialAccess> = broken
        .keys()
        .filter_map(|&account| {
            let i = (0..judged.len()).find(|&i| {
                m.clients[i].account == account && judged[i].label == Label::Intruder
            })?;
            let (c, j) = (&m.clients[i], &judged[i]);
            let has = |name: &str| j.facts.get(name).is_some_and(|v| v > 0.0);
            let at_least = |name: &str, n: f64| j.facts.get(name).is_some_and(|v| v >= n);
            let vector = if has("lure_opened_here") || has("lure_opened_before") {
                "lure"
            } else if at_least("source_failed_accounts", 2.0)
                || at_least("account_failure_networks", 2.0)
            {
                "password_spray"
            } else if has("secret_reuse") {
                "found_credentials"
            } else {
                "stolen_credentials"
            };
            let ip = m.addr_text(c.ip);
            let text = match vector {
                "lure" => text(
                    "A message that attacks its reader was opened, and the account was used by others after it.",
                    "Un message piégé a été ouvert, puis le compte a été utilisé par d’autres.",
                ),
                "password_spray" => text(
                    format!("Log-ins failed at many accounts from strangers' addresses; then {ip} logged in with success."),
                    format!("Des connexions ont échoué sur de nombreux comptes depuis des adresses étrangères ; puis {ip} s’est connecté avec succès."),
                ),
                "found_credentials" => text(
                    format!("The account's secret stood in a message that the intruder had read; then {ip} logged in with it."),
                    format!("Le secret du compte figurait dans un message lu par l’intrus ; puis {ip} s’est connecté."),
                ),
                _ => text(
                    format!("{ip} logged in with the right password at the first attempt; how it was obtained, the evidence does not show."),
                    format!("{ip} s’est connecté avec le bon mot de passe du premier coup ; les traces ne montrent pas comment il a été obtenu."),
                ),
            };
            let mut lines = m.lines(c, 3);
            for name in ["source_failed_accounts", "account_failures", "lure_opened_before", "secret_reuse"] {
                lines.extend(j.facts.evidence(name).iter().copied().take(2));
            }
            let _ = inputs;
            Some((
                c.start,
                InitialAccess {
                    account: m.name(account).to_string(),
                    vector: vector.into(),
                    time: c.start.to_string(),
                    source_ip: ip,
                    text,
                    evidence: refs(&lines),
                },
            ))
        })
        .collect::<Vec<_>>()
        .into_iter()
        .map(|(_, a)| a)
        .collect();
    out.sort_by(|a, b| (&a.time, &a.account).cmp(&(&b.time, &b.account)));
    out
}

fn totals(
    m: &Model<'_>,
    judged: &[Judgement],
    ledger: &crate::ledger::Ledger,
    broken: &BTreeMap<Sym, (Timestamp, Timestamp)>,
) -> Totals {
    let count = |label| judged.iter().filter(|j| j.label == label).count() as u64;
    let mut t = Totals {
        sessions: judged.len() as u64,
        sessions_intruder: count(Label::Intruder),
        sessions_suspect: count(Label::Suspect),
        accounts: m.clients_of.len() as u64,
        accounts_compromised: broken.len() as u64,
        bytes_min: ledger.total.min,
        bytes_max: ledger.total.max,
        events: m.obs.sources.values().map(|s| s.events).sum(),
        unparsed: m.obs.sources.values().map(|s| s.unparsed).sum(),
        ..Totals::default()
    };
    for e in &ledger.entries {
        let document = e.part.is_some();
        let slots = if document {
            [
                &mut t.documents_exposed,
                &mut t.documents_listed,
                &mut t.documents_read,
                &mut t.documents_downloaded,
                &mut t.documents_forwarded,
            ]
        } else {
            [
                &mut t.messages_exposed,
                &mut t.messages_listed,
                &mut t.messages_read,
                &mut t.messages_downloaded,
                &mut t.messages_forwarded,
            ]
        };
        let levels = [
            Level::Exposed,
            Level::Listed,
            Level::Read,
            Level::Downloaded,
            Level::Forwarded,
        ];
        for (slot, level) in slots.into_iter().zip(levels) {
            // Forwarding shows content to others, not to the intruder's eyes: it counts by itself.
            let reached = match level {
                Level::Forwarded => e.level == Level::Forwarded,
                level => e.level >= level,
            };
            *slot += u64::from(reached);
        }
    }
    t
}
