//! Correlation rules: many matches within a time → one finding.
//!
//! - this file: rules → what a correlation needs to know,
//! - `window`: one group's matches within the time span, and what they add up to,
//! - `correlator`: the state of all groups, fed match by match.

mod correlator;
mod window;

pub use correlator::{
    CorrelationMatch, Correlator, CorrelatorOptions, Observation, ObservationParts, Refire,
    Snapshot,
};

use crate::load::{LoadProblem, RuleSet, Sourced};
use crate::rule::{CorrelationId, RuleId, RuleInfo};
use crate::table::Tables;
use crate::test::Ordering;
use rsigma_parser::{
    ConditionExpr, ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType,
    Quantifier, SelectorPattern, WindowMode,
};
use std::collections::BTreeSet;
use vauban_ocsf::SECOND;

/// What a correlation is fed by.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Source {
    Rule(u32),
    Correlation(u32),
}

/// One of the rules a correlation refers to.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    /// As it is written.
    pub name: String,
    /// What it stands for; several if rules share an identifier or name.
    pub sources: Vec<Source>,
}

/// A field to group by, for each reference (an alias may name another field in each).
#[derive(Clone, Debug)]
pub(crate) struct GroupBy {
    pub name: String,
    /// Slot and field name, by reference.
    pub fields: Vec<(u32, String)>,
}

/// What must be true of a group.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// Comparisons that all hold.
    Bounds(Vec<(Compare, f64)>),
    /// Which references were seen (`temporal` only).
    Seen(Seen),
}

/// A comparison with a bound.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Is(Ordering),
    Not,
}

impl Compare {
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Is(ordering) => ordering.holds(value, bound),
            Self::Not => value != bound,
        }
    }
}

/// A condition in words over references.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    Reference(usize),
    All(Vec<Seen>),
    Any(Vec<Seen>),
    AtLeast(usize, Vec<Seen>),
    Not(Box<Seen>),
}

impl Seen {
    pub fn holds(&self, seen: &impl Fn(usize) -> bool) -> bool {
        match self {
            Self::Reference(i) => seen(*i),
            Self::All(parts) => parts.iter().all(|p| p.holds(seen)),
            Self::Any(parts) => parts.iter().any(|p| p.holds(seen)),
            Self::AtLeast(n, parts) => parts.iter().filter(|p| p.holds(seen)).count() >= *n,
            Self::Not(part) => !part.holds(seen),
        }
    }
}

/// A correlation rule, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Correlation {
    pub info: RuleInfo,
    pub kind: CorrelationType,
    pub references: Vec<Reference>,
    pub group_by: Vec<GroupBy>,
    /// Microseconds.
    pub span: i64,
    pub mode: WindowMode,
    /// Microseconds between events of one session.
    pub gap: i64,
    pub condition: Condition,
    /// Whose values are counted or computed with.
    pub fields: Vec<(u32, String)>,
    pub percentile: Option<f64>,
    pub reported: bool,
    /// Tells whether saved state belongs to this very rule.
    pub fingerprint: String,
}

/// All correlations of an engine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Compiled {
    pub all: Vec<Correlation>,
    /// By rule: correlations it feeds, and as which reference.
    by_rule: Vec<Vec<(u32, u32)>>,
    by_correlation: Vec<Vec<(u32, u32)>>,
    /// By rule: slots whose values its matches carry.
    carried: Vec<Vec<u32>>,
    silent: Vec<bool>,
}

impl Compiled {
    pub fn new(
        set: &RuleSet,
        rules: &[&RuleInfo],
        tables: &mut Tables,
        problems: &mut Vec<LoadProblem>,
    ) -> Self {
        let mut kept: Vec<&Sourced<CorrelationRule>> = set.correlations.iter().collect();
        // A correlation whose reference is missing is dropped, which can leave another without
        // its reference.
        loop {
            let before = kept.len();
            let infos: Vec<_> = kept.iter().map(|c| names(&c.item)).collect();
            let mut dropped = BTreeSet::new();
            for (i, c) in kept.iter().enumerate() {
                for name in &c.item.rules {
                    let known = rules.iter().any(|r| is_called(r, name))
                        || infos.iter().any(|n| n.contains(&Some(name.as_str())));
                    if !known && dropped.insert(i) {
                        let reason = format!("refers to rule {name}, which was not loaded");
                        problems.push(problem(c, reason));
                    }
                }
                if c.item.rules.is_empty() && dropped.insert(i) {
                    problems.push(problem(c, "refers to no rule".into()));
                }
            }
            let mut i = 0;
            kept.retain(|_| {
                i += 1;
                !dropped.contains(&(i - 1))
            });
            if kept.len() == before {
                let circular = circular(&kept);
                if circular.is_empty() {
                    break;
                }
                let mut i = 0;
                kept.retain(|c| {
                    i += 1;
                    let drop = circular.contains(&(i - 1));
                    if drop {
                        problems.push(problem(c, "refers to itself in a circle".into()));
                    }
                    !drop
                });
            }
        }
        let mut out = Self::default();
        let mut compiled = Vec::new();
        for c in &kept {
            match compile(c, &kept, rules, tables) {
                Ok(correlation) => compiled.push(Some(correlation)),
                Err(reason) => {
                    problems.push(problem(c, reason));
                    compiled.push(None);
                }
            }
        }
        // References were numbered by their place in `kept`; one that did not compile feeds
        // nothing and is fed by nothing, but keeps its place as a rule that never holds.
        out.all = compiled
            .into_iter()
            .zip(&kept)
            .map(|(compiled, c)| compiled.unwrap_or_else(|| dead(c)))
            .collect();
        out.link(rules.len());
        out
    }

    fn link(&mut self, rules: usize) {
        self.by_rule = vec![Vec::new(); rules];
        self.by_correlation = vec![Vec::new(); self.all.len()];
        for (c, correlation) in self.all.iter().enumerate() {
            for (r, reference) in correlation.references.iter().enumerate() {
                for source in &reference.sources {
                    let list = match source {
                        Source::Rule(i) => self.by_rule.get_mut(*i as usize),
                        Source::Correlation(i) => self.by_correlation.get_mut(*i as usize),
                    };
                    let entry = (c as u32, r as u32);
                    if let Some(list) = list
                        && !list.iter().any(|(other, _)| *other == entry.0)
                    {
                        list.push(entry);
                    }
                }
            }
        }
        self.carried = (0..rules)
            .map(|rule| {
                let mut slots = BTreeSet::new();
                let mut reached = BTreeSet::new();
                let mut todo: Vec<u32> = self.by_rule[rule].iter().map(|e| e.0).collect();
                while let Some(c) = todo.pop() {
                    if !reached.insert(c) {
                        continue;
                    }
                    if let Some(correlation) = self.all.get(c as usize) {
                        for by in &correlation.group_by {
                            slots.extend(by.fields.iter().map(|f| f.0));
                        }
                        slots.extend(correlation.fields.iter().map(|f| f.0));
                    }
                    if let Some(next) = self.by_correlation.get(c as usize) {
                        todo.extend(next.iter().map(|e| e.0));
                    }
                }
                slots.into_iter().collect()
            })
            .collect();
        let wanted = |list: &Vec<(u32, u32)>, all: &[Correlation], generate: &[bool]| {
            list.is_empty()
                || list.iter().any(|(c, _)| {
                    let c = *c as usize;
                    c < all.len() && generate.get(c).copied().unwrap_or(false)
                })
        };
        let generate: Vec<bool> = self.all.iter().map(|c| c.reported).collect();
        self.silent = self
            .by_rule
            .iter()
            .map(|list| !wanted(list, &self.all, &generate))
            .collect();
        let reported: Vec<bool> = self
            .by_correlation
            .iter()
            .map(|list| wanted(list, &self.all, &generate))
            .collect();
        for (correlation, reported) in self.all.iter_mut().zip(reported) {
            correlation.reported = reported;
        }
    }

    /// Whether a rule's own matches are to be reported.
    pub fn reported(&self, rule: RuleId) -> bool {
        !self.silent.get(rule.0 as usize).copied().unwrap_or(false)
    }

    /// Correlations that a source feeds, and as which reference.
    pub fn fed_by(&self, source: Source) -> &[(u32, u32)] {
        let list = match source {
            Source::Rule(i) => self.by_rule.get(i as usize),
            Source::Correlation(i) => self.by_correlation.get(i as usize),
        };
        list.map_or(&[], Vec::as_slice)
    }

    /// Slots whose values a rule's matches carry.
    pub fn carried(&self, rule: RuleId) -> &[u32] {
        self.carried.get(rule.0 as usize).map_or(&[], Vec::as_slice)
    }

    pub fn get(&self, id: CorrelationId) -> Option<&Correlation> {
        self.all.get(id.0 as usize)
    }
}

fn problem(c: &Sourced<CorrelationRule>, reason: String) -> LoadProblem {
    LoadProblem {
        file: c.file.clone(),
        rule: RuleInfo::of_correlation(&c.item, &c.file)
            .identity()
            .to_owned(),
        reason,
    }
}

fn names(c: &CorrelationRule) -> [Option<&str>; 3] {
    [c.id.as_deref(), c.name.as_deref(), Some(c.title.as_str())]
}

fn is_called(rule: &RuleInfo, name: &str) -> bool {
    rule.id.as_deref() == Some(name) || rule.name.as_deref() == Some(name) || rule.title == name
}

/// Correlations that, by their references, depend on themselves.
fn circular(kept: &[&Sourced<CorrelationRule>]) -> BTreeSet<usize> {
    let next = |i: usize| -> Vec<usize> {
        (0..kept.len())
            .filter(|j| {
                let called = names(&kept[*j].item);
                kept[i]
                    .item
                    .rules
                    .iter()
                    .any(|r| called.contains(&Some(r.as_str())))
            })
            .collect()
    };
    (0..kept.len())
        .filter(|start| {
            let mut reached = BTreeSet::new();
            let mut todo = next(*start);
            while let Some(i) = todo.pop() {
                if reached.insert(i) {
                    todo.extend(next(i));
                }
            }
            reached.contains(start)
        })
        .collect()
}

fn dead(c: &Sourced<CorrelationRule>) -> Correlation {
    Correlation {
        info: RuleInfo::of_correlation(&c.item, &c.file),
        kind: CorrelationType::EventCount,
        references: Vec::new(),
        group_by: Vec::new(),
        span: 0,
        mode: WindowMode::Sliding,
        gap: 0,
        condition: Condition::Seen(Seen::Any(Vec::new())),
        fields: Vec::new(),
        percentile: None,
        reported: false,
        fingerprint: String::new(),
    }
}

fn compile(
    c: &Sourced<CorrelationRule>,
    kept: &[&Sourced<CorrelationRule>],
    rules: &[&RuleInfo],
    tables: &mut Tables,
) -> Result<Correlation, String> {
    let rule = &c.item;
    let references: Vec<Reference> = rule
        .rules
        .iter()
        .map(|name| {
            let mut sources: Vec<Source> = (0_u32..)
                .zip(rules)
                .filter(|(_, r)| is_called(r, name))
                .map(|(i, _)| Source::Rule(i))
                .collect();
            sources.extend(
                (0_u32..)
                    .zip(kept)
                    .filter(|(_, k)| names(&k.item).contains(&Some(name.as_str())))
                    .map(|(i, _)| Source::Correlation(i)),
            );
            Reference {
                name: name.clone(),
                sources,
            }
        })
        .collect();
    let mut field = |name: &str| {
        let slot = tables.slot(name);
        tables.keep_original(slot);
        (slot, name.to_owned())
    };
    let all_names = |reference: &Reference| -> Vec<String> {
        let mut out = vec![reference.name.clone()];
        for source in &reference.sources {
            let (id, name, title) = match source {
                Source::Rule(i) => rules
                    .get(*i as usize)
                    .map(|r| (r.id.clone(), r.name.clone(), r.title.clone())),
                Source::Correlation(i) => kept
                    .get(*i as usize)
                    .map(|k| (k.item.id.clone(), k.item.name.clone(), k.item.title.clone())),
            }
            .unwrap_or_default();
            out.extend(id);
            out.extend(name);
            out.push(title);
        }
        out
    };
    let group_by = rule
        .group_by
        .iter()
        .map(|name| {
            let alias = rule.aliases.iter().find(|a| a.alias == *name);
            let fields = references
                .iter()
                .map(|reference| {
                    let mapped = alias.and_then(|a| {
                        all_names(reference)
                            .iter()
                            .find_map(|n| a.mapping.get(n.as_str()))
                    });
                    field(mapped.map_or(name.as_str(), String::as_str))
                })
                .collect();
            GroupBy {
                name: name.clone(),
                fields,
            }
        })
        .collect();
    let temporal = matches!(
        rule.correlation_type,
        CorrelationType::Temporal | CorrelationType::TemporalOrdered
    );
    let mut fields = Vec::new();
    let mut percentile = None;
    let condition = match &rule.condition {
        CorrelationCondition::Threshold {
            predicates,
            field: names,
            percentile: rank,
        } => {
            fields = names.iter().flatten().map(|n| field(n)).collect();
            percentile = rank.map(|r| r as f64);
            // The parser writes "at least 1" where a temporal correlation says nothing, which by
            // the specification means all of them.
            if temporal && matches!(predicates.as_slice(), [(ConditionOperator::Gte, 1)]) {
                Condition::Bounds(vec![(
                    Compare::Is(Ordering::GreaterOrEqual),
                    references.len() as f64,
                )])
            } else {
                Condition::Bounds(
                    predicates
                        .iter()
                        .map(|(op, n)| (compare(*op), *n as f64))
                        .collect(),
                )
            }
        }
        CorrelationCondition::Extended(expr) if temporal => Condition::Seen(seen(
            expr,
            &|name| {
                references
                    .iter()
                    .position(|r| r.name == name || all_names(r).iter().any(|n| n == name))
            },
            &references,
        )?),
        CorrelationCondition::Extended(_) => {
            return Err("a condition in words is for temporal correlations".into());
        }
    };
    let wanted = match rule.correlation_type {
        CorrelationType::ValueCount => 1..=usize::MAX,
        CorrelationType::EventCount
        | CorrelationType::Temporal
        | CorrelationType::TemporalOrdered => 0..=usize::MAX,
        _ => 1..=1,
    };
    if !wanted.contains(&fields.len()) {
        return Err(format!(
            "{} needs {} field in its condition",
            rule.correlation_type.as_str(),
            if *wanted.end() == 1 { "one" } else { "a" },
        ));
    }
    let micros = |seconds: u64| {
        i64::try_from(seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(SECOND)
    };
    let span = micros(rule.timespan.seconds);
    Ok(Correlation {
        info: RuleInfo::of_correlation(rule, &c.file),
        kind: rule.correlation_type,
        fingerprint: format!(
            "{} {:?} {:?} {:?} {} {:?}",
            rule.correlation_type.as_str(),
            rule.rules,
            rule.group_by,
            rule.aliases.len(),
            rule.timespan.original,
            rule.condition,
        ),
        references,
        group_by,
        span,
        mode: rule.window,
        gap: rule.gap.as_ref().map_or(span, |g| micros(g.seconds)),
        condition,
        fields,
        percentile,
        // Until references are linked: whether the rules it refers to are to be reported.
        reported: rule.generate,
    })
}

fn compare(op: ConditionOperator) -> Compare {
    match op {
        ConditionOperator::Lt => Compare::Is(Ordering::Less),
        ConditionOperator::Lte => Compare::Is(Ordering::LessOrEqual),
        ConditionOperator::Gt => Compare::Is(Ordering::Greater),
        ConditionOperator::Gte => Compare::Is(Ordering::GreaterOrEqual),
        ConditionOperator::Eq => Compare::Is(Ordering::Equal),
        ConditionOperator::Neq => Compare::Not,
    }
}

fn seen(
    expr: &ConditionExpr,
    find: &impl Fn(&str) -> Option<usize>,
    references: &[Reference],
) -> Result<Seen, String> {
    let list = |parts: &[ConditionExpr]| -> Result<Vec<Seen>, String> {
        parts.iter().map(|p| seen(p, find, references)).collect()
    };
    Ok(match expr {
        ConditionExpr::And(parts) => Seen::All(list(parts)?),
        ConditionExpr::Or(parts) => Seen::Any(list(parts)?),
        ConditionExpr::Not(part) => Seen::Not(Box::new(seen(part, find, references)?)),
        ConditionExpr::Identifier(name) => Seen::Reference(
            find(name).ok_or_else(|| format!("condition names {name}, which is not in rules"))?,
        ),
        ConditionExpr::Selector {
            quantifier,
            pattern,
        } => {
            let chosen: Vec<Seen> = references
                .iter()
                .enumerate()
                .filter(|(_, r)| match pattern {
                    SelectorPattern::Them => true,
                    SelectorPattern::Pattern(_) => pattern.matches_detection_name(&r.name),
                })
                .map(|(i, _)| Seen::Reference(i))
                .collect();
            if chosen.is_empty() {
                return Err(format!("condition: {expr} stands for nothing"));
            }
            match quantifier {
                Quantifier::Any => Seen::Any(chosen),
                Quantifier::All => Seen::All(chosen),
                Quantifier::Count(n) => {
                    Seen::AtLeast(usize::try_from(*n).unwrap_or(usize::MAX), chosen)
                }
            }
        }
    })
}
