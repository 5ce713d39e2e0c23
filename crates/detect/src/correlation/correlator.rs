//! The state of all correlations, fed match by match.

use super::window::{Entry, EntryValue, Taken, Window};
use super::{Compiled, Correlation, Source};
use crate::engine::Engine;
use crate::fields::Kind;
use crate::rule::{CorrelationId, RuleId, RuleInfo};
use crate::scan::{Match, Scanner};
use rsigma_parser::CorrelationType;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use vauban_ocsf::Timestamp;

/// A match of a rule that correlations wait for, with the values they need. It owns them, so that
/// scanning can be done by many threads and correlating by one.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The rule.
    pub rule: RuleId,
    /// The event's number, as the caller counts.
    pub event: u64,
    /// When it happened.
    pub time: Timestamp,
    values: Vec<(u32, EntryText)>,
}

#[derive(Clone, Debug, PartialEq)]
struct EntryText {
    text: String,
    null: bool,
}

/// An [`Observation`] taken apart for storing: rule, event, time in microseconds, and the values
/// with the slot of each and whether it is null. Good for the same engine only.
pub type ObservationParts = (u32, u64, i64, Vec<(u32, String, bool)>);

impl From<Observation> for ObservationParts {
    fn from(seen: Observation) -> Self {
        let values = seen.values.into_iter();
        let values = values.map(|(slot, v)| (slot, v.text, v.null)).collect();
        (seen.rule.0, seen.event, seen.time.0, values)
    }
}

impl From<ObservationParts> for Observation {
    fn from((rule, event, time, values): ObservationParts) -> Self {
        let values = values.into_iter();
        Self {
            rule: RuleId(rule),
            event,
            time: Timestamp(time),
            values: values
                .map(|(slot, text, null)| (slot, EntryText { text, null }))
                .collect(),
        }
    }
}

/// How often a correlation whose condition stays true is heard of.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Refire {
    /// At every event that leaves it true.
    #[default]
    Always,
    /// Once for each group, and again when it has been false in between or the time span has
    /// passed since.
    Once,
}

/// Limits and habits of a [`Correlator`].
#[derive(Copy, Clone, Debug)]
pub struct CorrelatorOptions {
    /// How often a correlation is heard of.
    pub refire: Refire,
    /// Groups held, all correlations together. Beyond that, those whose last event is oldest are
    /// forgotten, and counted in [`Correlator::forgotten`].
    pub most_groups: usize,
    /// Matches held for each group; beyond that the oldest are forgotten, so that counts stop
    /// growing there.
    pub most_matches: usize,
}

impl Default for CorrelatorOptions {
    fn default() -> Self {
        Self {
            refire: Refire::Always,
            most_groups: 100_000,
            most_matches: 100_000,
        }
    }
}

/// A correlation whose condition became, or is still, true.
#[derive(Clone, Debug, PartialEq)]
pub struct CorrelationMatch {
    /// Which.
    pub correlation: CorrelationId,
    /// To be reported. Not so for a correlation that only serves others which do not ask for it
    /// by `generate: true`.
    pub reported: bool,
    /// Fields grouped by, with their values; `None` if the events have no such field.
    pub group: Vec<(String, Option<String>)>,
    /// What was counted or computed.
    pub value: f64,
    /// Numbers of the events within the window, in the order of their times.
    pub events: Vec<u64>,
    /// Time of the first of them.
    pub first: Timestamp,
    /// Time of the last of them.
    pub last: Timestamp,
}

type Key = Vec<Option<String>>;

/// Holds what correlations remember.
///
/// Events should come in the order of their times. One that comes late still counts where it
/// belongs, as long as it is within the time span before the group's latest event; an older one
/// is dropped and counted in [`Self::late`].
#[derive(Debug)]
pub struct Correlator {
    engine: Arc<Engine>,
    options: CorrelatorOptions,
    groups: Vec<HashMap<Key, Window>>,
    held: usize,
    late: u64,
    forgotten: u64,
}

/// Everything a [`Correlator`] remembers, to be saved and restored. It survives changes of rules:
/// what a changed correlation remembered is let go.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Snapshot {
    correlations: BTreeMap<String, Saved>,
    late: u64,
    forgotten: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Saved {
    fingerprint: String,
    groups: Vec<(Key, Window)>,
}

impl Scanner {
    /// What correlations need to know of a match of the record scanned last; `None` if none of
    /// them waits for this rule.
    pub fn observe(&self, found: Match, event: u64, time: Timestamp) -> Option<Observation> {
        let correlations = &self.engine().correlations;
        if correlations.fed_by(Source::Rule(found.rule.0)).is_empty() {
            return None;
        }
        let values = correlations
            .carried(found.rule)
            .iter()
            .filter_map(|slot| {
                let held = self
                    .store()
                    .values(*slot)
                    .find(|h| h.kind != Kind::Object)?;
                let text = self.store().original(held).to_owned();
                let null = held.kind == Kind::Null;
                Some((*slot, EntryText { text, null }))
            })
            .collect();
        Some(Observation {
            rule: found.rule,
            event,
            time,
            values,
        })
    }
}

impl Engine {
    /// What a correlation rule says about itself.
    pub fn correlation(&self, id: CorrelationId) -> Option<&RuleInfo> {
        Some(&self.correlations.get(id)?.info)
    }

    /// The type of a correlation, as the rule has it ("event_count").
    pub fn correlation_type(&self, id: CorrelationId) -> Option<&'static str> {
        Some(self.correlations.get(id)?.kind.as_str())
    }

    /// Whether any correlation waits for this rule's matches.
    pub fn correlated(&self, rule: RuleId) -> bool {
        !self.correlations.fed_by(Source::Rule(rule.0)).is_empty()
    }

    /// The number of correlation rules; a [`CorrelationId`] is below it.
    pub fn correlation_count(&self) -> usize {
        self.correlations.all.len()
    }
}

impl Correlator {
    /// Nothing remembered yet.
    pub fn new(engine: Arc<Engine>, options: CorrelatorOptions) -> Self {
        Self {
            groups: vec![HashMap::new(); engine.correlations.all.len()],
            engine,
            options,
            held: 0,
            late: 0,
            forgotten: 0,
        }
    }

    /// Takes a match, and adds the correlations it leaves true to `out`: those that wait for the
    /// rule first, then those that wait for them.
    pub fn feed(&mut self, seen: &Observation, out: &mut Vec<CorrelationMatch>) {
        let engine = Arc::clone(&self.engine);
        let all = &engine.correlations;
        let from = out.len();
        for &(c, reference) in all.fed_by(Source::Rule(seen.rule.0)) {
            self.update(all, c, reference, seen, None, out);
        }
        // Correlations do not refer to each other in circles, so this ends.
        let mut next = from;
        while let Some(fired) = out.get(next).cloned() {
            for &(c, reference) in all.fed_by(Source::Correlation(fired.correlation.0)) {
                self.update(all, c, reference, seen, Some(&fired), out);
            }
            next += 1;
        }
    }

    fn update(
        &mut self,
        all: &Compiled,
        c: u32,
        reference: u32,
        seen: &Observation,
        below: Option<&CorrelationMatch>,
        out: &mut Vec<CorrelationMatch>,
    ) {
        let (Some(rule), Some(groups)) =
            (all.get(CorrelationId(c)), self.groups.get_mut(c as usize))
        else {
            return;
        };
        let carried = |slot: u32| Some(&seen.values.iter().find(|(s, _)| *s == slot)?.1);
        let grouped = |name: &str| -> Option<Option<String>> {
            let below = below?;
            let found = below.group.iter().find(|(n, _)| n == name)?;
            Some(found.1.clone())
        };
        let key: Key = rule
            .group_by
            .iter()
            .map(|by| {
                let field = by.fields.get(reference as usize)?;
                match grouped(&field.1).or_else(|| grouped(&by.name)) {
                    Some(value) => value,
                    None => carried(field.0).filter(|v| !v.null).map(|v| v.text.clone()),
                }
            })
            .collect();
        let text = |field: &(u32, String)| match grouped(&field.1) {
            Some(value) => value,
            None => carried(field.0).map(|v| {
                if v.null {
                    "null".to_owned()
                } else {
                    v.text.clone()
                }
            }),
        };
        let value = entry_value(rule, &text);
        let new = !groups.contains_key(&key);
        if new && self.held >= self.options.most_groups {
            self.make_room(all, seen.time.0);
        }
        let Some(groups) = self.groups.get_mut(c as usize) else {
            return;
        };
        self.held += usize::from(new);
        let window = groups.entry(key.clone()).or_default();
        let entry = Entry {
            time: seen.time.0,
            event: seen.event,
            reference,
            value: value.clone(),
        };
        // An event without the value that is counted changes nothing.
        let valueless = !rule.fields.is_empty() && value.is_none();
        if !valueless && window.take(entry, rule, self.options.most_matches) == Taken::Late {
            self.late += 1;
            return;
        }
        let Some(measured) = window.measure(rule, value.as_ref()) else {
            window.fired = None;
            return;
        };
        if self.options.refire == Refire::Once
            && window
                .fired
                .is_some_and(|at| seen.time.0.saturating_sub(at) < rule.span)
        {
            return;
        }
        window.fired = Some(seen.time.0);
        let times = || window.entries.iter().map(|e| e.time);
        let mut events: Vec<u64> = window.entries.iter().map(|e| e.event).collect();
        events.dedup();
        out.push(CorrelationMatch {
            correlation: CorrelationId(c),
            reported: rule.reported,
            group: rule
                .group_by
                .iter()
                .map(|by| by.name.clone())
                .zip(key)
                .collect(),
            value: measured,
            events,
            first: Timestamp(times().next().unwrap_or(seen.time.0)),
            last: Timestamp(times().next_back().unwrap_or(seen.time.0)),
        });
    }

    /// Forgets groups whose window has passed; if that is not enough, the tenth of all groups
    /// whose last event is oldest.
    fn make_room(&mut self, all: &Compiled, now: i64) {
        self.expire_at(all, now);
        if self.held < self.options.most_groups {
            return;
        }
        let mut latest: Vec<i64> = self
            .groups
            .iter()
            .flat_map(|g| g.values().filter_map(Window::latest))
            .collect();
        let tenth = latest.len() / 10;
        if let Some((_, bound, _)) = latest
            .get(tenth)
            .copied()
            .map(|_| latest.select_nth_unstable(tenth))
        {
            let bound = *bound;
            let before = self.held;
            self.retain(|w, _| w.latest().is_some_and(|l| l > bound));
            self.forgotten += (before - self.held) as u64;
        }
    }

    /// Forgets groups whose window lies wholly before `now`.
    pub fn expire(&mut self, now: Timestamp) {
        let engine = Arc::clone(&self.engine);
        self.expire_at(&engine.correlations, now.0);
    }

    fn expire_at(&mut self, all: &Compiled, now: i64) {
        let spans: Vec<i64> = all.all.iter().map(|c| c.span.max(c.gap)).collect();
        self.retain(|w, c| {
            let span = spans.get(c).copied().unwrap_or(0);
            w.latest().is_some_and(|l| l >= now.saturating_sub(span))
        });
    }

    fn retain(&mut self, keep: impl Fn(&Window, usize) -> bool) {
        for (c, groups) in self.groups.iter_mut().enumerate() {
            groups.retain(|_, w| keep(w, c));
        }
        self.held = self.groups.iter().map(HashMap::len).sum();
    }

    /// Groups held now.
    pub fn groups(&self) -> usize {
        self.held
    }

    /// Matches that came too late to count.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Groups forgotten for want of room.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// What it remembers, in an order that depends on nothing else.
    pub fn snapshot(&self) -> Snapshot {
        let mut correlations = BTreeMap::new();
        for (groups, rule) in self.groups.iter().zip(&self.engine.correlations.all) {
            let mut groups: Vec<_> = groups.iter().map(|(k, w)| (k.clone(), w.clone())).collect();
            groups.sort_by(|a, b| a.0.cmp(&b.0));
            if !groups.is_empty() {
                correlations.insert(
                    rule.info.identity().to_owned(),
                    Saved {
                        fingerprint: rule.fingerprint.clone(),
                        groups,
                    },
                );
            }
        }
        Snapshot {
            correlations,
            late: self.late,
            forgotten: self.forgotten,
        }
    }

    /// Remembers what a snapshot holds, instead of what it does now. Gives the identifiers of
    /// correlations whose state was let go because the rule is gone or another one.
    pub fn restore(&mut self, snapshot: Snapshot) -> Vec<String> {
        let engine = Arc::clone(&self.engine);
        self.groups.iter_mut().for_each(HashMap::clear);
        self.late = snapshot.late;
        self.forgotten = snapshot.forgotten;
        let mut gone = Vec::new();
        for (identity, saved) in snapshot.correlations {
            let rule =
                engine.correlations.all.iter().position(|c| {
                    c.info.identity() == identity && c.fingerprint == saved.fingerprint
                });
            match rule.and_then(|r| self.groups.get_mut(r)) {
                Some(groups) => {
                    for (key, mut window) in saved.groups {
                        window.restore();
                        groups.insert(key, window);
                    }
                }
                None => gone.push(identity),
            }
        }
        self.held = self.groups.iter().map(HashMap::len).sum();
        gone
    }
}

/// What of an event is counted or computed with.
fn entry_value(
    rule: &Correlation,
    text: &impl Fn(&(u32, String)) -> Option<String>,
) -> Option<EntryValue> {
    let as_text = rule.kind == CorrelationType::ValueCount
        || (rule.kind == CorrelationType::ValuePercentile && rule.percentile.is_none());
    match rule.fields.as_slice() {
        [] => None,
        [one] if !as_text => {
            let n: f64 = text(one)?.trim().parse().ok()?;
            n.is_finite().then_some(EntryValue::Number(n))
        }
        several => {
            let parts: Vec<String> = several.iter().map(text).collect::<Option<_>>()?;
            Some(EntryValue::Text(parts.join("\u{1f}")))
        }
    }
}
