//! What stands beside sessions and ledger: persistence, attempts at other hosts, lures, searches,
//! secrets, indicators.

use crate::bounds::Interval;
use crate::client::is_inside;
use crate::contract::{
    EvidenceRef, ExposedSecret, IndicatorHit, Label, Lateral, Level, Lure, Persistence, Search,
    Text,
};
use crate::inputs::Inputs;
use crate::intern::{Ip, Sym};
use crate::judge::Judgement;
use crate::ledger::{Builder, Ledger};
use crate::model::{Model, text};
use crate::observe::MailRec;
use crate::webreq::Action;
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeMap;
use vauban_ocsf::{Evidence, HOUR, MailboxAction, NetAction, Status, Timestamp};

/// Evidence turned into what the case shows.
pub type Refs<'r> = dyn Fn(&[Evidence]) -> Vec<EvidenceRef> + 'r;

/// First hostile session of each compromised account.
pub fn compromised(m: &Model<'_>, judged: &[Judgement]) -> BTreeMap<Sym, (Timestamp, Timestamp)> {
    let mut out: BTreeMap<Sym, (Timestamp, Timestamp)> = BTreeMap::new();
    for (c, j) in m.clients.iter().zip(judged) {
        if j.label == Label::Intruder {
            let span = out.entry(c.account).or_insert((c.start, c.end));
            *span = (span.0.min(c.start), span.1.max(c.end));
        }
    }
    out
}

/// A redirect that the case lists, with whose it seems to be.
pub struct JudgedRedirect {
    /// Account.
    pub account: Sym,
    /// Where to.
    pub to: String,
    /// Whose.
    pub label: Label,
    /// When it was made, as far as anything tells.
    pub time: Option<Timestamp>,
    /// Rule name.
    pub rule: String,
    /// Lines.
    pub evidence: Vec<Evidence>,
}

/// Judges redirects to addresses outside.
pub fn redirects(m: &Model<'_>, judged: &[Judgement]) -> Vec<JudgedRedirect> {
    let broken = compromised(m, judged);
    let mut out: BTreeMap<(Sym, String), JudgedRedirect> = BTreeMap::new();
    for r in m
        .redirects
        .iter()
        .filter(|r| r.active && m.is_external(&r.to))
    {
        out.entry((r.account, r.to.clone()))
            .or_insert(JudgedRedirect {
                account: r.account,
                to: r.to.clone(),
                label: Label::Legitimate,
                time: r.modified,
                rule: r.rule.clone(),
                evidence: vec![r.evidence],
            });
    }
    for x in m
        .obs
        .forwards
        .iter()
        .filter(|x| m.is_external(m.name(x.to)))
    {
        let to = m.name(x.to).to_lowercase();
        let entry = out.entry((x.user, to.clone())).or_insert(JudgedRedirect {
            account: x.user,
            to,
            label: Label::Legitimate,
            time: None,
            rule: String::new(),
            evidence: Vec::new(),
        });
        if entry.evidence.len() < 3 {
            entry.evidence.push(x.evidence);
        }
    }
    for r in out.values_mut() {
        let Some(&(first, _)) = broken.get(&r.account) else {
            continue;
        };
        let forwarded_before = m.obs.forwards.iter().any(|x| {
            x.user == r.account && x.time < first && m.name(x.to).eq_ignore_ascii_case(&r.to)
        });
        if forwarded_before {
            continue;
        }
        let saved: Vec<(Timestamp, &[Evidence])> = m
            .clients
            .iter()
            .zip(judged)
            .filter(|(c, j)| {
                c.account == r.account
                    && j.label == Label::Intruder
                    && j.facts.get("filter_saved").is_some_and(|v| v > 0.0)
            })
            .map(|(c, j)| (c.start, j.facts.evidence("filter_saved")))
            .collect();
        let since = r.time.is_none_or(|t| t.0 >= first.0 - HOUR);
        r.label = match (saved.first(), since) {
            (Some(_), _) => Label::Intruder,
            (None, true) => Label::Suspect,
            (None, false) => Label::Legitimate,
        };
        if let Some((start, lines)) = saved.first() {
            let copied = r
                .time
                .is_none_or(|t| t < *start || t.0 - start.0 > 30 * 24 * HOUR);
            if copied {
                r.time = Some(*start);
            }
            r.evidence.extend(lines.iter().copied().take(2));
        }
    }
    out.into_values().collect()
}

/// Persistence rows.
pub fn persistence(
    m: &Model<'_>,
    inputs: &Inputs<'_>,
    redirects: &[JudgedRedirect],
    refs: &Refs<'_>,
) -> Vec<Persistence> {
    let mut out: Vec<Persistence> = redirects
        .iter()
        .map(|r| {
            let named_en = if r.rule.is_empty() {
                String::new()
            } else {
                format!(" (rule “{}”)", r.rule)
            };
            let named_fr = if r.rule.is_empty() {
                String::new()
            } else {
                format!(" (règle « {} »)", r.rule)
            };
            Persistence {
                kind: "sieve_redirect".into(),
                account: m.name(r.account).to_string(),
                detail: text(
                    format!("Mail is redirected to {}{named_en}.", r.to),
                    format!("Le courrier est redirigé vers {}{named_fr}.", r.to),
                ),
                time: r.time.map(|t| t.to_string()),
                label: r.label,
                evidence: refs(&r.evidence),
            }
        })
        .collect();
    for t in inputs.traces {
        let mut lines = vec![t.evidence];
        let mut asked = 0;
        for ((path, _), rec) in &m.obs.scripts {
            if !t.url_path.is_empty() && m.name(*path).ends_with(&t.url_path) {
                asked += rec.count;
                if lines.len() < 6 {
                    lines.push(rec.evidence);
                }
            }
        }
        let detail = if asked > 0 {
            text(
                format!("{} It was requested {asked} times with success.", t.text.en),
                format!("{} Il a été demandé {asked} fois avec succès.", t.text.fr),
            )
        } else {
            t.text.clone()
        };
        out.push(Persistence {
            kind: t.kind.clone(),
            account: t.account.clone(),
            detail,
            time: t.time.map(|t| t.to_string()),
            label: if t.hostile {
                Label::Intruder
            } else {
                Label::Suspect
            },
            evidence: refs(&lines),
        });
    }
    out.sort_by(|a, b| {
        (a.label, &a.kind, &a.account, &a.detail).cmp(&(b.label, &b.kind, &b.account, &b.detail))
    });
    out
}

/// Octets that a Postfix queue file of `size` octets puts on the wire.
///
/// Postfix counts the records of its queue file: a line of `n` octets takes `n` and one octet for
/// the type and one or, from 128 octets on, two for the length (`global/rec_put`), where the wire
/// has `n` and CRLF. So the wire has at most as many, and at most one in 128 fewer.
pub fn wire_octets(size: u64) -> Interval {
    Interval {
        min: size.saturating_sub(size / 128 + 64),
        max: size.saturating_add(64),
    }
}

/// Adds forwarded messages to the ledger.
pub fn forward(m: &Model<'_>, redirects: &[JudgedRedirect], ledger: &mut Builder<'_, '_>) {
    let forwarded: HashSet<u64> = m.obs.forwards.iter().map(|x| x.message).collect();
    let mut by_message: HashMap<u64, Vec<&MailRec>> = HashMap::new();
    for rec in m
        .obs
        .mails
        .iter()
        .filter(|r| r.message != 0 && forwarded.contains(&r.message))
    {
        by_message.entry(rec.message).or_default().push(rec);
    }
    for r in redirects.iter().filter(|r| r.label != Label::Legitimate) {
        for x in m
            .obs
            .forwards
            .iter()
            .filter(|x| x.user == r.account && m.name(x.to).eq_ignore_ascii_case(&r.to))
        {
            let mut lines = vec![x.evidence];
            let mut bytes = None;
            let mut sent = false;
            for rec in by_message.get(&x.message).into_iter().flatten() {
                for d in m
                    .obs
                    .deliveries(rec)
                    .iter()
                    .filter(|d| m.name(d.to).eq_ignore_ascii_case(&r.to))
                {
                    lines.push(d.evidence);
                    lines.extend(rec.lines().iter().copied().take(2));
                    if d.status == Status::Success {
                        sent = true;
                        bytes = rec.size;
                    }
                }
            }
            lines.truncate(6);
            let most = m
                .universe
                .by_hash(x.user, x.message)
                .and_then(|k| m.universe.known[k as usize].vsize);
            let interval = match (sent, bytes) {
                (true, Some(size)) => wire_octets(size),
                // The filter says that it sent; the MTA's lines are missing: header lines are
                // added on the way, so the stored size is no upper bound.
                _ => Interval::up_to(most.map_or(u64::MAX, |s| s + 16 * 1024)),
            };
            ledger.forwarded(x.user, x.message, interval, &r.to, x.time, &lines, sent);
        }
    }
}

/// Attempts from the server at hosts inside, from the first intrusion on.
pub fn lateral(m: &Model<'_>, since: Option<Timestamp>, refs: &Refs<'_>) -> Vec<Lateral> {
    let Some(since) = since else {
        return Vec::new();
    };
    let own: HashSet<Ip> = m
        .daemon
        .iter()
        .map(|d| d.dst_ip)
        .filter(|ip| m.addr(*ip).is_some_and(|a| !a.is_loopback()))
        .collect();
    // Where the server went before is its ordinary work.
    let mut usual: HashSet<(Ip, u16)> = HashSet::new();
    let mut rows: BTreeMap<(String, u16, String), (Timestamp, Vec<Evidence>)> = BTreeMap::new();
    for f in &m.obs.flows {
        if !own.contains(&f.src) || own.contains(&f.dst) {
            continue;
        }
        let Some(to) = m.addr(f.dst) else { continue };
        if !is_inside(to) || to.is_loopback() || f.dport == 0 {
            continue;
        }
        if f.start.0 < since.0 - HOUR {
            usual.insert((f.dst, f.dport));
            continue;
        }
        // Names and time are asked of whoever answers.
        let errand = matches!(f.dport, 53 | 123) && f.action != NetAction::Blocked;
        if usual.contains(&(f.dst, f.dport)) || errand {
            continue;
        }
        let outcome = match (f.action, f.unanswered) {
            (NetAction::Blocked, _) => "blocked",
            (_, Some(true)) => "unanswered",
            (NetAction::Unknown, _) => "unknown",
            (NetAction::Allowed, _) => "allowed",
        };
        let row = rows
            .entry((to.to_string(), f.dport, outcome.to_string()))
            .or_insert((f.start, Vec::new()));
        row.0 = row.0.min(f.start);
        if row.1.len() < 4 {
            row.1.push(f.evidence);
        }
    }
    let from = own
        .iter()
        .filter_map(|ip| m.addr(*ip))
        .min()
        .map(|a| a.to_string())
        .unwrap_or_default();
    rows.into_iter()
        .map(|((to, port, outcome), (time, lines))| Lateral {
            from: from.clone(),
            to,
            port,
            time: time.to_string(),
            outcome,
            evidence: refs(&lines),
        })
        .collect()
}

/// Lures.
pub fn lures(m: &Model<'_>, inputs: &Inputs<'_>, refs: &Refs<'_>) -> Vec<Lure> {
    let web_seen = m.clients.iter().any(|c| !c.requests.is_empty());
    let mut out: Vec<Lure> = inputs
        .lures
        .iter()
        .map(|l| {
            let mailbox = &m.store.mailboxes[l.message.0];
            let stored = &mailbox.messages[l.message.1];
            let at = m
                .universe
                .known
                .iter()
                .position(|k| k.stored == Some(l.message));
            let shown = m.shown.get(&l.message).map_or(&[][..], Vec::as_slice);
            let mut lines = vec![stored.evidence];
            lines.extend(shown.iter().map(|s| s.evidence).take(3));
            let first = shown.iter().map(|s| s.time).min();
            let seen_flag = stored
                .flags
                .iter()
                .any(|f| f.eq_ignore_ascii_case("\\Seen"));
            let opened = match (first, web_seen) {
                (Some(_), _) => Some(true),
                // Read by another client, or with no record of it.
                (None, _) if seen_flag => None,
                (None, true) => Some(false),
                (None, false) => None,
            };
            Lure {
                message_id: stored.message.message_id.clone(),
                account: at
                    .map(|k| m.name(m.universe.known[k].account).to_string())
                    .unwrap_or_else(|| mailbox.account.clone()),
                kind: l.rule.clone(),
                text: l.text.clone(),
                subject: stored.message.subject.clone(),
                opened,
                opened_at: first.map(|t| t.to_string()),
                evidence: refs(&lines),
            }
        })
        .collect();
    out.sort_by(|a, b| {
        (&a.account, &a.message_id, &a.kind).cmp(&(&b.account, &b.message_id, &b.kind))
    });
    out
}

/// Searches of intruders, in order of time.
pub fn searches(
    m: &Model<'_>,
    judged: &[Judgement],
    builder: &Builder<'_, '_>,
    id: &dyn Fn(usize) -> Option<String>,
    refs: &Refs<'_>,
) -> Vec<Search> {
    let mut out = Vec::new();
    for (i, (c, j)) in m.clients.iter().zip(judged).enumerate() {
        if j.label != Label::Intruder {
            continue;
        }
        let mut seen: HashSet<(Sym, Sym, Sym)> = HashSet::new();
        for &r in m.clients.list(c.requests) {
            let r = &m.obs.requests[r as usize];
            if r.action != Action::Search
                || r.query == Sym(0)
                || !seen.insert((r.query, r.mailbox, r.headers))
            {
                continue;
            }
            out.push((
                r.time,
                Search {
                    account: m.name(c.account).to_string(),
                    query: m.name(r.query).to_string(),
                    mailbox: m.name(r.mailbox).to_string(),
                    time: r.time.to_string(),
                    session: id(i).unwrap_or_default(),
                    hits: (!m.universe.of(c.account).is_empty())
                        .then(|| builder.hits(c, r).len() as u64),
                    evidence: refs(&[r.evidence]),
                },
            ));
        }
        for &d in m.clients.list(c.daemon) {
            for r in m.commands_of(m.daemon[d as usize].id) {
                if r.action == MailboxAction::Search {
                    out.push((
                        r.time,
                        Search {
                            account: m.name(c.account).to_string(),
                            query: m.name(r.arguments).to_string(),
                            mailbox: m.name(r.mailbox).to_string(),
                            time: r.time.to_string(),
                            session: id(i).unwrap_or_default(),
                            hits: None,
                            evidence: refs(&[r.evidence]),
                        },
                    ));
                }
            }
        }
    }
    out.sort_by(|a, b| (a.0, &a.1.account, &a.1.query).cmp(&(b.0, &b.1.account, &b.1.query)));
    out.into_iter().map(|(_, s)| s).collect()
}

/// Secrets standing in messages that an intruder read or may have taken, most urgent first.
pub fn secrets(
    m: &Model<'_>,
    judged: &[Judgement],
    ledger: &Ledger,
    possible: &HashSet<u32>,
    refs: &Refs<'_>,
) -> Vec<ExposedSecret> {
    let broken = compromised(m, judged);
    let all: Vec<ExposedSecret> = m
        .secrets
        .iter()
        .filter_map(|s| {
            let level = ledger.levels.get(&s.known).copied()?;
            if level < Level::Read && !possible.contains(&s.known) {
                return None;
            }
            let known = &m.universe.known[s.known as usize];
            let (b, i) = known.stored?;
            let secret = &m.store.mailboxes[b].messages[i].message.secrets[s.secret];
            let used = s.opens.is_some_and(|a| {
                a != known.account
                    && broken.get(&a).is_some_and(|(first, _)| {
                        broken
                            .get(&known.account)
                            .is_some_and(|(own, _)| own <= first)
                    })
            });
            Some(ExposedSecret {
                kind: secret.kind.clone(),
                target: s
                    .opens
                    .map_or_else(|| secret.target.clone(), |a| m.name(a).to_string()),
                masked: secret.masked.clone(),
                account: m.name(known.account).to_string(),
                message_id: known.message_id.clone(),
                level,
                used,
                evidence: refs(&[known.evidence]),
            })
        })
        .collect();
    // The same secret in several messages is one thing to reset.
    let mut seen: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    let mut merged: Vec<ExposedSecret> = Vec::new();
    for secret in all {
        let key = (
            secret.kind.clone(),
            secret.target.clone(),
            secret.masked.clone(),
        );
        match seen.get(&key) {
            Some(&at) => {
                let known = &mut merged[at];
                known.used |= secret.used;
                if secret.level > known.level {
                    known.level = secret.level;
                    known.account = secret.account;
                    known.message_id = secret.message_id;
                }
                if known.evidence.len() < 4 {
                    known.evidence.extend(secret.evidence);
                }
            }
            None => {
                seen.insert(key, merged.len());
                merged.push(secret);
            }
        }
    }
    let mut out = merged;
    let rank = |kind: &str| match kind {
        "private_key" => 0,
        "password" | "url_credentials" => 1,
        "api_token" => 2,
        _ => 3,
    };
    out.sort_by(|a, b| {
        (
            !a.used,
            rank(&a.kind),
            std::cmp::Reverse(a.level),
            &a.target,
            &a.account,
            &a.masked,
        )
            .cmp(&(
                !b.used,
                rank(&b.kind),
                std::cmp::Reverse(b.level),
                &b.target,
                &b.account,
                &b.masked,
            ))
    });
    out.dedup();
    out
}

/// Indicators met, and the intruder's own addresses and browsers.
pub fn indicators(
    m: &Model<'_>,
    inputs: &Inputs<'_>,
    judged: &[Judgement],
    refs: &Refs<'_>,
) -> Vec<IndicatorHit> {
    let mut out = Vec::new();
    for (&(advisory, indicator), hit) in &m.obs.hits {
        let (kind, value, source) = inputs.indicators.describe(advisory, indicator);
        out.push(IndicatorHit {
            kind,
            value,
            first: hit.first.0.to_string(),
            last: hit.last.0.to_string(),
            count: hit.count,
            source,
            evidence: refs(&hit.samples),
        });
    }
    type Span = (Timestamp, Timestamp, u64, Vec<Evidence>);
    let mut own: BTreeMap<(&str, String), Span> = BTreeMap::new();
    for (c, j) in m.clients.iter().zip(judged) {
        if j.label != Label::Intruder || m.victim_browser.contains(&(c.account, c.ip)) {
            continue;
        }
        let Some(ip) = m.addr(c.ip) else { continue };
        let kind = if ip.is_ipv4() { "ipv4" } else { "ipv6" };
        let entry = own
            .entry((kind, ip.to_string()))
            .or_insert((c.start, c.end, 0, Vec::new()));
        entry.0 = entry.0.min(c.start);
        entry.1 = entry.1.max(c.end);
        entry.2 += 1;
        if entry.3.len() < 4 {
            entry.3.extend(m.lines(c, 1));
        }
    }
    for ((kind, value), (first, last, count, lines)) in own {
        if out.iter().any(|h| h.value == value) {
            continue;
        }
        out.push(IndicatorHit {
            kind: kind.into(),
            value,
            first: first.to_string(),
            last: last.to_string(),
            count,
            source: "case".into(),
            evidence: refs(&lines),
        });
    }
    out.sort_by(|a, b| (&a.kind, &a.value, &a.source).cmp(&(&b.kind, &b.value, &b.source)));
    out
}

/// A text of one fixed sentence.
pub fn sentence(en: &str, fr: &str) -> Text {
    text(en, fr)
}
