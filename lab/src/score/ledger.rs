//! The ledger: levels and bounds, item by item.

use super::Score;
use super::read::{Case, Level, Row, Truth, id, local, touched};
use std::collections::{BTreeMap, BTreeSet};

/// Account, message id, part.
type Key = (String, String, Option<String>);

/// What really happened to a copy of an item. A message may lie in several mailboxes.
#[derive(Clone, Debug, Default)]
struct Fact {
    level: Level,
    /// Most octets that one session got: content counted once comes to this at least.
    bytes: u64,
    /// Octets of all sessions: content counted once comes to this at most, or to the item's size.
    sum: u64,
    /// Some of it is the message as it is stored, so that attachments lie within.
    raw: bool,
    /// Mailbox and UID, when known.
    place: Option<(String, u32)>,
}

/// Octets counted once, as exactly as the truth tells: several sessions may have got the same
/// half of an item or different ones.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
struct Octets {
    low: u64,
    high: u64,
}

impl Fact {
    /// Another transfer of the same item.
    fn join(&mut self, other: &Fact) {
        self.level = self.level.max(other.level);
        self.bytes = self.bytes.max(other.bytes);
        self.sum = self.sum.saturating_add(other.sum);
        self.raw |= other.raw;
    }

    /// `size` is the item's, when known.
    fn octets(&self, size: Option<u64>) -> Octets {
        let high = size.map_or(self.sum, |s| self.sum.min(s.max(self.bytes)));
        Octets {
            low: self.bytes,
            high,
        }
    }
}

fn part(p: &Option<String>) -> Option<String> {
    p.clone().filter(|p| !p.is_empty())
}

/// What intruders did, by item and copy.
fn facts(truth: &Truth) -> BTreeMap<Key, Vec<Fact>> {
    let mut out: BTreeMap<Key, Vec<Fact>> = BTreeMap::new();
    let mut add = |key: Key, fact: Fact| {
        let copies = out.entry(key).or_default();
        match copies.iter_mut().find(|c| c.place == fact.place) {
            Some(c) => c.join(&fact),
            None => copies.push(fact),
        }
    };
    let sessions = truth.sessions.iter().filter(|s| s.intruder);
    for (session, item) in sessions.flat_map(|s| s.items.iter().map(move |i| (s, i))) {
        let key = (
            local(&item.account),
            id(&item.message_id).to_owned(),
            part(&item.part),
        );
        let place = item
            .uid
            .filter(|u| *u > 0)
            .map(|u| (item.mailbox.clone(), u));
        // What webmail shows is the text, apart from the attachments.
        let raw = item.level >= Level::Downloaded || session.protocol != "webmail";
        add(
            key,
            Fact {
                level: item.level,
                bytes: item.bytes,
                sum: item.bytes,
                raw,
                place,
            },
        );
    }
    for f in truth.forwarded.iter().filter(|f| f.intruder != Some(false)) {
        let key = (
            local(&f.account),
            id(&f.message_id).to_owned(),
            part(&f.part),
        );
        add(
            key,
            Fact {
                level: Level::Forwarded,
                bytes: f.bytes,
                sum: f.bytes,
                raw: true,
                place: None,
            },
        );
    }
    out
}

fn place(row: &Row) -> Option<(String, u32)> {
    row.uid.map(|u| (row.mailbox.clone(), u))
}

/// Gives every row of one item its fact. A row and a fact of the same mailbox and UID belong
/// together; a fact whose place has no row (moved since, or sent on before it was ever filed)
/// goes to the strongest row without one, else to the strongest.
fn assign(rows: &[&Row], facts: &[Fact]) -> Vec<Option<Fact>> {
    let mut out: Vec<Option<Fact>> = vec![None; rows.len()];
    let mut left = Vec::new();
    for fact in facts {
        let at = fact
            .place
            .as_ref()
            .and_then(|p| rows.iter().position(|r| place(r).as_ref() == Some(p)));
        match at {
            Some(i) => out[i].get_or_insert_default().join(fact),
            None => left.push(fact),
        }
    }
    let strongest = |free: bool, out: &[Option<Fact>]| {
        (0..rows.len())
            .filter(|i| !free || out[*i].is_none())
            .max_by_key(|i| (rows[*i].level, rows[*i].bytes_max))
    };
    if !left.is_empty()
        && let Some(i) = strongest(true, &out).or_else(|| strongest(false, &out))
    {
        for fact in left {
            out[i].get_or_insert_default().join(fact);
        }
    }
    out
}

fn median(mut widths: Vec<f64>) -> Option<f64> {
    widths.sort_by(f64::total_cmp);
    let n = widths.len();
    match n {
        0 => None,
        n if n % 2 == 1 => Some(widths[n / 2]),
        n => Some((widths[n / 2 - 1] + widths[n / 2]) / 2.0),
    }
}

pub(super) fn score(case: &Case, truth: &Truth, out: &mut Score) {
    let facts = facts(truth);
    let touched = touched(truth);
    // Attachments of a message that was sent on went with it, whether the truth lists them or not.
    let forwarded: BTreeSet<(&str, &str)> = facts
        .iter()
        .filter(|((_, _, p), f)| p.is_none() && f.iter().any(|f| f.level == Level::Forwarded))
        .map(|((a, m, _), _)| (a.as_str(), m.as_str()))
        .collect();
    // A row without a message id (the message is gone) is known by its place.
    let mut by_place: BTreeMap<(String, String, u32, Option<String>), Key> = BTreeMap::new();
    for (key, copies) in &facts {
        for (mailbox, uid) in copies.iter().filter_map(|f| f.place.as_ref()) {
            by_place.insert(
                (key.0.clone(), mailbox.clone(), *uid, key.2.clone()),
                key.clone(),
            );
        }
    }
    let mut groups: BTreeMap<Key, Vec<&Row>> = BTreeMap::new();
    for row in &case.ledger {
        let account = local(&row.account);
        let p = part(&row.part);
        let known = row
            .uid
            .filter(|_| row.message_id.is_empty())
            .and_then(|u| by_place.get(&(account.clone(), row.mailbox.clone(), u, p.clone())));
        let key = known
            .cloned()
            .unwrap_or_else(|| (account, id(&row.message_id).to_owned(), p));
        groups.entry(key).or_default().push(row);
    }
    let (mut widths_left, mut widths_all) = (Vec::new(), Vec::new());
    for (key, rows) in &groups {
        let assigned = assign(rows, facts.get(key).map_or(&[], Vec::as_slice));
        for (row, fact) in rows.iter().zip(assigned) {
            let sent_on = key.2.is_some() && forwarded.contains(&(key.0.as_str(), key.1.as_str()));
            let level = match &fact {
                Some(f) if sent_on => Some(f.level.max(Level::Forwarded)),
                Some(f) => Some(f.level),
                None if sent_on => Some(Level::Forwarded),
                None => touched.contains(&key.0).then_some(Level::Exposed),
            };
            count(out, level, Some(row.level));
            if level.is_none() && row.level > Level::Exposed {
                out.false_alarms.push(format!(
                    "ledger: {} {} called {}",
                    key.0,
                    name(key, row),
                    row.level.name()
                ));
            }
            let octets = fact
                .as_ref()
                .map_or(Octets::default(), |f| f.octets(row.size_bytes));
            // Where an attachment went along with its message and the truth does not say how
            // many octets it had, nothing can be held against the bound.
            if fact.is_some() || !sent_on {
                bound(
                    out,
                    &format!("{} {}", key.0, name(key, row)),
                    octets,
                    row.bytes_min,
                    row.bytes_max,
                );
            }
            let width = row.bytes_max.saturating_sub(row.bytes_min) as f64
                / row.size_bytes.unwrap_or(row.bytes_max).max(1) as f64;
            widths_all.push(width);
            if octets.low > 0 {
                widths_left.push(width);
            }
        }
    }
    for (key, copies) in facts.iter().filter(|(k, _)| !groups.contains_key(*k)) {
        let mut all = Fact::default();
        copies.iter().for_each(|f| all.join(f));
        count(out, Some(all.level), None);
        // An attachment of a message that is no longer stored can have no row of its own: nobody
        // can name it. It is part of the message, whose row then has to bound it.
        let within = key.2.is_some()
            && groups
                .get(&(key.0.clone(), key.1.clone(), None))
                .is_some_and(|rows| rows.iter().any(|r| r.bytes_max >= all.bytes));
        if all.bytes > 0 && within {
            out.bounds.add(true);
        } else if all.bytes > 0 {
            out.bounds.add(false);
            let what = format!(
                "{} <{}> part {}",
                key.0,
                key.1,
                key.2.as_deref().unwrap_or("-")
            );
            out.violations.push(format!(
                "{what}: {} octets left, no row ({})",
                all.bytes,
                all.level.name()
            ));
        }
    }
    out.width_left = median(widths_left);
    out.width_all = median(widths_all);
    let mut sizes: BTreeMap<&Key, u64> = BTreeMap::new();
    for (key, rows) in &groups {
        if let Some(size) = rows.iter().filter_map(|r| r.size_bytes).max() {
            sizes.insert(key, size);
        }
    }
    let total = total(&facts, &sizes);
    (out.true_total, out.true_total_most) = (total.low, total.high);
    let (min, max) = (case.totals.bytes_min, case.totals.bytes_max);
    bound(out, "total", total, min, max);
}

fn name(key: &Key, row: &Row) -> String {
    let part = key
        .2
        .as_ref()
        .map_or(String::new(), |p| format!(" part {p}"));
    format!("<{}>{part} {:?}", key.1, row.filename)
}

fn bound(out: &mut Score, what: &str, truth: Octets, min: u64, max: u64) {
    let holds = min <= truth.high && truth.low <= max && min <= max;
    out.bounds.add(holds);
    if !holds {
        let octets = if truth.low == truth.high {
            truth.low.to_string()
        } else {
            format!("{} to {}", truth.low, truth.high)
        };
        out.violations
            .push(format!("{what}: {octets} octets not in [{min}, {max}]"));
    }
}

fn count(out: &mut Score, truth: Option<Level>, case: Option<Level>) {
    let right = truth.is_some() && truth == case;
    out.levels.add(right);
    if truth.is_some_and(|l| l > Level::Exposed) {
        out.levels_touched.add(right);
    }
    let row = truth.map_or("none", Level::name).to_owned();
    let column = case.map_or("absent", Level::name).to_owned();
    *out.confusion
        .entry(row)
        .or_default()
        .entry(column)
        .or_default() += 1;
}

/// Octets that left, content counted once: a message sent whole holds its attachments; where
/// webmail only showed it, its text and the attachments saved add up; where pieces of it were
/// sent, they may overlap with the attachments or not.
fn total(facts: &BTreeMap<Key, Vec<Fact>>, sizes: &BTreeMap<&Key, u64>) -> Octets {
    #[derive(Default)]
    struct Message {
        text: Octets,
        raw: bool,
        whole: bool,
        parts: Octets,
    }
    let mut messages: BTreeMap<(&str, &str), Message> = BTreeMap::new();
    for (key, copies) in facts {
        let mut all = Fact::default();
        copies.iter().for_each(|f| all.join(f));
        let size = sizes.get(key).copied();
        let octets = all.octets(size);
        let m = messages.entry((&key.0, &key.1)).or_default();
        if key.2.is_some() {
            m.parts.low += octets.low;
            m.parts.high += octets.high;
        } else {
            m.text = octets;
            m.raw = all.raw;
            m.whole = size.map_or(all.level >= Level::Downloaded, |s| {
                all.raw && octets.low >= s
            });
        }
    }
    let mut out = Octets::default();
    for m in messages.values() {
        let (low, high) = if m.whole {
            (m.text.low.max(m.parts.low), m.text.high.max(m.parts.high))
        } else if m.raw {
            (m.text.low.max(m.parts.low), m.text.high + m.parts.high)
        } else {
            (m.text.low + m.parts.low, m.text.high + m.parts.high)
        };
        out.low += low;
        out.high += high;
    }
    out
}
