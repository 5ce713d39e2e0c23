//! Patterns over a stream of events.

use super::eval::{Found, WAYS};
use super::{EventObservation, Observed, Pattern};
use crate::{Advisory, time};
use std::collections::VecDeque;
use vauban_ocsf::{Analytic, Event, Finding, Level, Observable, ObservableKind, Place, Timestamp};

/// One pattern and what of the stream has satisfied its brackets so far.
///
/// Memory: for each bracket the newest 10,000 observations that satisfied it. Older ones are let
/// go; [`Self::forgotten`] says how many.
#[derive(Clone, Debug)]
pub struct PatternRun {
    pattern: Pattern,
    hits: Vec<VecDeque<Found>>,
    forgotten: u64,
}

impl PatternRun {
    /// Nothing seen yet.
    pub fn new(pattern: Pattern) -> Self {
        let hits = pattern.leaves().iter().map(|_| VecDeque::new()).collect();
        Self {
            pattern,
            hits,
            forgotten: 0,
        }
    }

    /// The pattern.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Takes an observation with a number of its own. Gives whether it satisfied any bracket.
    pub fn push(&mut self, number: u64, observation: &dyn Observed) -> bool {
        let mut any = false;
        let leaves = self.pattern.leaves();
        for (leaf, hits) in leaves.into_iter().zip(&mut self.hits) {
            if !self.pattern.satisfies(leaf, observation) {
                continue;
            }
            any = true;
            let (first, last) = observation.times();
            if hits.len() >= WAYS {
                hits.pop_front();
                self.forgotten += 1;
            }
            hits.push_back(Found {
                observations: vec![number],
                first,
                last,
            });
        }
        any
    }

    /// The first way in which what was pushed satisfies the pattern.
    pub fn found(&self) -> Option<Found> {
        let lists: Vec<Vec<Found>> = self
            .hits
            .iter()
            .map(|h| h.iter().cloned().collect())
            .collect();
        self.pattern.combine(&lists)
    }

    /// Observations that were let go.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

/// The patterns of advisories that are more than a list of values, over events.
#[derive(Clone, Debug, Default)]
pub struct PatternSet {
    all: Vec<Entry>,
    next: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    run: PatternRun,
    name: String,
    document: String,
    offset: u64,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    /// Places of observations that satisfied a bracket, by number.
    places: VecDeque<(u64, Place)>,
}

impl PatternSet {
    /// Takes every kept pattern of the advisories.
    pub fn new(advisories: &[Advisory]) -> Self {
        let mut set = Self::default();
        for advisory in advisories {
            for p in advisory.patterns.iter().filter(|p| p.kept) {
                let Ok(pattern) = Pattern::parse(&p.pattern) else {
                    continue;
                };
                set.all.push(Entry {
                    run: PatternRun::new(pattern),
                    name: p.name.clone(),
                    document: advisory.name.clone(),
                    offset: p.offset,
                    from: p.valid_from.as_deref().and_then(time::parse),
                    until: p.valid_until.as_deref().and_then(time::parse),
                    places: VecDeque::new(),
                });
            }
        }
        set
    }

    /// Number of patterns.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Looks at an event; `place` is asked for where it stands if a pattern takes it.
    pub fn push(&mut self, event: &Event<'_>, place: &mut dyn FnMut() -> Place) {
        let number = self.next;
        self.next += 1;
        for entry in &mut self.all {
            if entry.run.push(number, &EventObservation(event)) {
                if entry.places.len() >= WAYS {
                    entry.places.pop_front();
                }
                entry.places.push_back((number, place()));
            }
        }
    }

    /// A finding for every pattern that is satisfied by what was pushed so far.
    pub fn findings(&self) -> Vec<Finding> {
        self.all.iter().filter_map(Entry::finding).collect()
    }
}

impl Entry {
    fn finding(&self) -> Option<Finding> {
        let found = self.run.found()?;
        let mut level = Level::High;
        let mut reason = format!(
            "\"{}\", byte {}: the STIX pattern {} is satisfied",
            self.document,
            self.offset,
            crate::collect::cut(self.run.pattern().text(), 400)
        );
        match (self.from, self.until) {
            (Some(from), Some(until)) => reason.push_str(&format!("; valid {from} to {until}")),
            (Some(from), None) => reason.push_str(&format!("; valid from {from}")),
            (None, Some(until)) => reason.push_str(&format!("; valid until {until}")),
            (None, None) => {}
        }
        if self.until.is_some_and(|until| found.last >= until) {
            level = Level::Low;
            reason.push_str(", expired when it was seen");
        } else if self.from.is_some_and(|from| found.first < from) {
            level = Level::Medium;
            reason.push_str(", seen before that");
        }
        if self.run.forgotten() > 0 {
            reason.push_str(&format!(
                "; {} earlier observations were let go",
                self.run.forgotten()
            ));
        }
        let places: Vec<Place> = self
            .places
            .iter()
            .filter(|(n, _)| found.observations.binary_search(n).is_ok())
            .map(|(_, p)| p.clone())
            .collect();
        let name = if self.name.is_empty() {
            "STIX pattern"
        } else {
            &self.name
        };
        Some(Finding {
            rule: format!("indicator:stix:{}", self.run.pattern().text()),
            analytic: Analytic::Indicator,
            title: format!("{name} of an advisory"),
            level,
            reason,
            next: "Look at what else happened around these records, and who did it.".into(),
            techniques: Vec::new(),
            references: Vec::new(),
            first: Some(found.first),
            last: Some(found.last),
            places,
            observables: vec![Observable {
                kind: ObservableKind::Other,
                name: "pattern".into(),
                value: self.run.pattern().text().to_owned(),
            }],
        })
    }
}
