//! One group's matches within the time span.

use super::{Condition, Correlation};
use rsigma_parser::{CorrelationType, WindowMode};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};

/// A match that counts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Microseconds.
    pub time: i64,
    /// The event's number as the caller gave it.
    pub event: u64,
    /// Which of the correlation's references it is.
    pub reference: u32,
    /// The value that is counted or computed with.
    pub value: Option<EntryValue>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum EntryValue {
    Number(f64),
    Text(String),
}

/// A group's matches, in the order of their times.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Window {
    pub entries: VecDeque<Entry>,
    /// When it last fired, for those who want to hear of it once.
    pub fired: Option<i64>,
    #[serde(skip)]
    distinct: HashMap<String, u32>,
    #[serde(skip)]
    sorted: Vec<f64>,
}

/// What became of a match.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It counts.
    Yes,
    /// It came so late that its window is gone.
    Late,
}

impl Window {
    /// Works out again what is not saved.
    pub fn restore(&mut self) {
        self.distinct.clear();
        self.sorted.clear();
        let values: Vec<_> = self
            .entries
            .iter()
            .filter_map(|e| e.value.clone())
            .collect();
        for value in &values {
            self.add_value(value);
        }
    }

    /// The latest time in it.
    pub fn latest(&self) -> Option<i64> {
        self.entries.back().map(|e| e.time)
    }

    /// Takes a match, and lets go of what is outside the window now.
    pub fn take(&mut self, entry: Entry, rule: &Correlation, most: usize) -> Taken {
        let latest = self.latest();
        match rule.mode {
            WindowMode::Sliding => {
                let now = latest.map_or(entry.time, |l| l.max(entry.time));
                let from = now.saturating_sub(rule.span);
                if entry.time < from {
                    return Taken::Late;
                }
                self.forget_before(from);
            }
            WindowMode::Tumbling => {
                let bucket = |t: i64| t.div_euclid(rule.span.max(1));
                if let Some(latest) = latest {
                    if bucket(entry.time) < bucket(latest) {
                        return Taken::Late;
                    }
                    if bucket(entry.time) > bucket(latest) {
                        self.clear();
                    }
                }
            }
            WindowMode::Session => {
                if let (Some(first), Some(latest)) = (self.entries.front().map(|e| e.time), latest)
                {
                    if entry.time < first.saturating_sub(rule.gap) {
                        return Taken::Late;
                    }
                    if entry.time.saturating_sub(latest) > rule.gap
                        || entry.time.saturating_sub(first) > rule.span
                    {
                        self.clear();
                    }
                }
            }
        }
        if let Some(value) = &entry.value {
            let value = value.clone();
            self.add_value(&value);
        }
        let at = self.entries.partition_point(|e| e.time <= entry.time);
        self.entries.insert(at, entry);
        while self.entries.len() > most.max(1) {
            self.pop_front();
        }
        Taken::Yes
    }

    fn forget_before(&mut self, from: i64) {
        while self.entries.front().is_some_and(|e| e.time < from) {
            self.pop_front();
        }
    }

    fn pop_front(&mut self) {
        match self.entries.pop_front().and_then(|e| e.value) {
            Some(EntryValue::Text(text)) => {
                if let Some(n) = self.distinct.get_mut(&text) {
                    *n -= 1;
                    if *n == 0 {
                        self.distinct.remove(&text);
                    }
                }
            }
            Some(EntryValue::Number(n)) => {
                let at = self.sorted.partition_point(|v| v.total_cmp(&n).is_lt());
                if at < self.sorted.len() {
                    self.sorted.remove(at);
                }
            }
            None => {}
        }
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.distinct.clear();
        self.sorted.clear();
    }

    fn add_value(&mut self, value: &EntryValue) {
        match value {
            EntryValue::Text(text) => {
                if let Some(n) = self.distinct.get_mut(text) {
                    *n += 1;
                } else {
                    self.distinct.insert(text.clone(), 1);
                }
            }
            EntryValue::Number(n) => {
                let at = self.sorted.partition_point(|v| v.total_cmp(n).is_lt());
                self.sorted.insert(at, *n);
            }
        }
    }

    /// What the correlation measures, if the condition holds after the match of `now`.
    pub fn measure(&self, rule: &Correlation, now: Option<&EntryValue>) -> Option<f64> {
        let seen = |i: usize| self.entries.iter().any(|e| e.reference as usize == i);
        let count_seen = || (0..rule.references.len()).filter(|i| seen(*i)).count() as f64;
        let value = match rule.kind {
            CorrelationType::EventCount => self.entries.len() as f64,
            CorrelationType::ValueCount => self.distinct.len() as f64,
            CorrelationType::Temporal => count_seen(),
            CorrelationType::TemporalOrdered => match self.in_order(rule.references.len()) {
                true => rule.references.len() as f64,
                false if matches!(rule.condition, Condition::Seen(_)) => return None,
                false => 0.0,
            },
            CorrelationType::ValueSum => self.sorted.iter().sum(),
            CorrelationType::ValueAvg => {
                if self.sorted.is_empty() {
                    return None;
                }
                self.sorted.iter().sum::<f64>() / self.sorted.len() as f64
            }
            CorrelationType::ValueMedian => percentile(&self.sorted, 50.0)?,
            CorrelationType::ValuePercentile => match rule.percentile {
                Some(rank) => percentile(&self.sorted, rank)?,
                // Without a rank: which percentage of the values seen is the one that came now.
                None => match now? {
                    EntryValue::Text(text) => {
                        let total: u32 = self.distinct.values().sum();
                        let this = self.distinct.get(text).copied().unwrap_or(0);
                        100.0 * f64::from(this) / f64::from(total.max(1))
                    }
                    EntryValue::Number(_) => return None,
                },
            },
        };
        let holds = match &rule.condition {
            Condition::Bounds(bounds) => bounds.iter().all(|(c, b)| c.holds(value, *b)),
            Condition::Seen(condition) => condition.holds(&seen),
        };
        holds.then_some(value)
    }

    /// Whether every reference was seen, each not before the one before it. Of events at one
    /// instant any order is possible.
    fn in_order(&self, references: usize) -> bool {
        let mut from = i64::MIN;
        let mut used = Vec::new();
        for reference in 0..references {
            let next = self.entries.iter().enumerate().find(|(i, e)| {
                e.reference as usize == reference && e.time >= from && !used.contains(i)
            });
            match next {
                Some((i, e)) => {
                    from = e.time;
                    used.push(i);
                }
                None => return false,
            }
        }
        true
    }
}

/// The value at a rank (0–100), between two values in proportion.
fn percentile(sorted: &[f64], rank: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = rank.clamp(0.0, 100.0) / 100.0 * last as f64;
    let below = *sorted.get(at.floor() as usize)?;
    let above = *sorted.get(at.ceil() as usize)?;
    Some(below + (above - below) * (at - at.floor()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        let v = [1.0, 2.0, 3.0, 10.0];
        assert_eq!(percentile(&v, 50.0), Some(2.5));
        assert_eq!(percentile(&v, 0.0), Some(1.0));
        assert_eq!(percentile(&v, 100.0), Some(10.0));
        assert_eq!(percentile(&[4.0], 99.0), Some(4.0));
        assert_eq!(percentile(&[], 50.0), None);
    }
}
