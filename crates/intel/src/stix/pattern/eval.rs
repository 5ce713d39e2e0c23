//! Whether observations satisfy a pattern.

use super::ast::{Comparison, Literal, ObjectPath, Observation, Operator};
use super::observed::{Observed, Scalar};
use super::{Pattern, each_test};
use ipnet::IpNet;
use std::borrow::Cow;
use std::net::IpAddr;
use vauban_ocsf::{SECOND, Timestamp};

/// Observations that together satisfy a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Their numbers, ascending.
    pub observations: Vec<u64>,
    /// When the first of them was.
    pub first: Timestamp,
    /// When the last of them was.
    pub last: Timestamp,
}

/// Most ways of satisfying one part of a pattern that are followed.
pub(super) const WAYS: usize = 10_000;

impl Pattern {
    /// The first way in which the observations satisfy the pattern, or none.
    pub fn find(&self, observations: &[&dyn Observed]) -> Option<Found> {
        let lists: Vec<Vec<Found>> = self
            .leaves()
            .iter()
            .map(|leaf| {
                let hits = observations.iter().enumerate();
                hits.filter(|(_, o)| self.satisfies(leaf, **o))
                    .map(|(n, o)| {
                        let (first, last) = o.times();
                        Found {
                            observations: vec![n as u64],
                            first,
                            last,
                        }
                    })
                    .take(WAYS)
                    .collect()
            })
            .collect();
        self.combine(&lists)
    }

    /// Whether one observation satisfies an expression in brackets.
    pub fn satisfies(&self, leaf: &Comparison, observation: &dyn Observed) -> bool {
        let mut types: Vec<&str> = Vec::new();
        each_test(leaf, &mut |path, _, _| {
            if !types.contains(&path.object.as_str()) {
                types.push(&path.object);
            }
        });
        // One object of each type that is spoken of; all choices are tried.
        let counts: Vec<usize> = types.iter().map(|t| observation.objects(t)).collect();
        let choices = counts
            .iter()
            .try_fold(1usize, |n, c| n.checked_mul((*c).max(1)));
        let choices = choices.unwrap_or(WAYS).min(WAYS);
        (0..choices).any(|mut choice| {
            let chosen: Vec<(&str, Option<usize>)> = types
                .iter()
                .zip(&counts)
                .map(|(kind, count)| {
                    let of = (*count).max(1);
                    let object = choice % of;
                    choice /= of;
                    (*kind, (*count > 0).then_some(object))
                })
                .collect();
            self.holds(leaf, observation, &chosen)
        })
    }

    fn holds(&self, c: &Comparison, o: &dyn Observed, chosen: &[(&str, Option<usize>)]) -> bool {
        match c {
            Comparison::And(all) => all.iter().all(|c| self.holds(c, o, chosen)),
            Comparison::Or(all) => all.iter().any(|c| self.holds(c, o, chosen)),
            Comparison::Test {
                path,
                operator,
                negated,
            } => {
                let kind = path.object.as_str();
                let object = chosen
                    .iter()
                    .find(|(k, _)| *k == kind)
                    .and_then(|(_, n)| *n);
                let Some(object) = object else {
                    return false;
                };
                if *operator == Operator::Exists {
                    return o.values(kind, object, &path.steps, &mut |_| true) != *negated;
                }
                o.values(kind, object, &path.steps, &mut |value| {
                    self.compare(path, operator, &value)
                        .is_some_and(|met| met != *negated)
                })
            }
        }
    }

    /// Whether the value meets the operator; `None` if the two cannot be compared.
    fn compare(&self, path: &ObjectPath, operator: &Operator, value: &Scalar<'_>) -> Option<bool> {
        let fold = folds(path);
        Some(match operator {
            Operator::Equal(l) => equal(value, l, fold),
            Operator::In(all) => all.iter().any(|l| equal(value, l, fold)),
            Operator::Less(l) => order(value, l)?.is_lt(),
            Operator::LessOrEqual(l) => order(value, l)?.is_le(),
            Operator::Greater(l) => order(value, l)?.is_gt(),
            Operator::GreaterOrEqual(l) => order(value, l)?.is_ge(),
            Operator::Like(pattern) => like(pattern, &value.text()),
            Operator::Matches(text) => self.regexes.get(text)?.is_match(&value.text()),
            Operator::IsSubset(net) => contains(&network(net)?, &network(&value.text())?),
            Operator::IsSuperset(net) => contains(&network(&value.text())?, &network(net)?),
            Operator::Exists => true,
        })
    }

    /// The first way to satisfy the whole, from the ways to satisfy each bracket.
    pub(super) fn combine(&self, leaves: &[Vec<Found>]) -> Option<Found> {
        let mut next = 0;
        ways(&self.root, leaves, &mut next)
            .into_iter()
            .min_by_key(|w| (w.last, w.first))
    }
}

/// Values whose case means nothing.
fn folds(path: &ObjectPath) -> bool {
    let text = path.to_string();
    path.object == "domain-name" || text.contains("hashes.") || text.ends_with("mac-addr:value")
}

fn equal(value: &Scalar<'_>, literal: &Literal, fold: bool) -> bool {
    match (value, literal) {
        (Scalar::Int(a), Literal::Int(b)) => a == b,
        (Scalar::Bool(a), Literal::Bool(b)) => a == b,
        (Scalar::Time(a), Literal::Time(b)) => a == b,
        (Scalar::Int(a), Literal::Float(b)) => *a as f64 == *b,
        (_, Literal::Bytes(b)) => value.text().as_bytes() == b.as_slice(),
        _ => {
            let (a, b) = (value.text(), literal.text());
            if a == b || fold && a.eq_ignore_ascii_case(&b) {
                return true;
            }
            // An address may be given as the network of one (`198.51.100.1/32`), and an address
            // of the sixth version in several ways.
            match (network(&a), network(&b)) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            }
        }
    }
}

fn order(value: &Scalar<'_>, literal: &Literal) -> Option<std::cmp::Ordering> {
    match (value, literal) {
        (Scalar::Int(a), Literal::Int(b)) => Some(a.cmp(b)),
        (Scalar::Int(a), Literal::Float(b)) => (*a as f64).partial_cmp(b),
        (Scalar::Time(a), Literal::Time(b)) => Some(a.cmp(b)),
        (Scalar::Text(a), Literal::Text(b)) => Some(a.as_ref().cmp(b.as_str())),
        _ => None,
    }
}

/// SQL's LIKE: `%` for any characters, `_` for one.
fn like(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on after the last `%`, one character later each time.
    let mut again: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('%') => {
                again = Some((p + 1, t));
                p += 1;
            }
            Some(&c) if c == '_' || Some(&c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match &mut again {
                Some((after, from)) => {
                    *from += 1;
                    p = *after;
                    t = *from;
                }
                None => return false,
            },
        }
    }
    pattern
        .get(p..)
        .is_some_and(|r| r.iter().all(|c| *c == '%'))
}

fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>()
        .map(|n| n.trunc())
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .ok()
}

fn contains(outer: &IpNet, inner: &IpNet) -> bool {
    outer.contains(inner)
}

/// The ways to satisfy a part, by the time they are complete.
fn ways(o: &Observation, leaves: &[Vec<Found>], next: &mut usize) -> Vec<Found> {
    let mut all = match o {
        Observation::One(_) => {
            let own = leaves.get(*next).cloned().unwrap_or_default();
            *next += 1;
            own
        }
        Observation::Or(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(ways(part, leaves, next));
            }
            all
        }
        Observation::And(parts) => {
            let lists: Vec<Vec<Found>> = parts.iter().map(|p| ways(p, leaves, next)).collect();
            together(&lists)
        }
        Observation::FollowedBy(parts) => {
            let mut parts = parts.iter();
            let mut all = parts.next().map_or(Vec::new(), |p| ways(p, leaves, next));
            for part in parts {
                let after = by_first(ways(part, leaves, next));
                all = all.iter().filter_map(|w| join(w, &after, w.last)).collect();
            }
            all
        }
        Observation::Within(part, seconds) => {
            let span = (seconds * SECOND as f64) as i64;
            let mut all = ways(part, leaves, next);
            all.retain(|w| w.last.0.saturating_sub(w.first.0) <= span);
            all
        }
        Observation::StartStop(part, from, until) => {
            let mut all = ways(part, leaves, next);
            all.retain(|w| w.first >= *from && w.last < *until);
            all
        }
        Observation::Repeats(part, times) => repeated(ways(part, leaves, next), *times as usize),
    };
    all.sort_by_key(|w| (w.last, w.first));
    all.truncate(WAYS);
    all
}

fn by_first(mut all: Vec<Found>) -> Vec<Found> {
    all.sort_by_key(|w| (w.first, w.last));
    all
}

fn apart(a: &Found, b: &Found) -> bool {
    a.observations
        .iter()
        .all(|n| b.observations.binary_search(n).is_err())
}

fn merged(a: &Found, b: &Found) -> Found {
    let mut observations = [a.observations.as_slice(), &b.observations].concat();
    observations.sort_unstable();
    Found {
        observations,
        first: a.first.min(b.first),
        last: a.last.max(b.last),
    }
}

/// `way` with the one of `list` (by its first instant) that begins at `from` or later, is of other
/// observations, and is complete soonest.
fn join(way: &Found, list: &[Found], from: Timestamp) -> Option<Found> {
    let start = list.partition_point(|w| w.first < from);
    let mut best: Option<&Found> = None;
    for w in list.get(start..)? {
        if best.is_some_and(|b| w.first >= b.last) {
            break;
        }
        if best.is_none_or(|b| w.last < b.last) && apart(way, w) {
            best = Some(w);
        }
    }
    best.map(|b| merged(way, b))
}

/// Of every list one, as close together as can be: whichever comes first is tried as the first,
/// and of the others the soonest after it is taken.
fn together(lists: &[Vec<Found>]) -> Vec<Found> {
    let lists: Vec<Vec<Found>> = lists.iter().cloned().map(by_first).collect();
    let mut all = Vec::new();
    for (n, list) in lists.iter().enumerate() {
        for start in list {
            let mut way = Some(start.clone());
            for (other, list) in lists.iter().enumerate() {
                if other != n {
                    way = way.and_then(|w| join(&w, list, start.first));
                }
            }
            all.extend(way);
        }
    }
    all
}

/// So many in a row, of observations of their own.
fn repeated(all: Vec<Found>, times: usize) -> Vec<Found> {
    let all = by_first(all);
    if times <= 1 {
        return all;
    }
    let mut out = Vec::new();
    for (n, start) in all.iter().enumerate() {
        let mut way = start.clone();
        let mut count = 1;
        for w in all.get(n + 1..).unwrap_or(&[]) {
            if apart(&way, w) {
                way = merged(&way, w);
                count += 1;
                if count == times {
                    out.push(way);
                    break;
                }
            }
        }
        if count < times {
            break;
        }
    }
    out
}

impl Scalar<'_> {
    /// As text, to be compared with a string.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Scalar::Text(t) => Cow::Borrowed(t),
            Scalar::Int(n) => Cow::Owned(n.to_string()),
            Scalar::Bool(b) => Cow::Borrowed(if *b { "true" } else { "false" }),
            Scalar::Time(t) => Cow::Owned(t.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_as_in_sql() {
        for (pattern, text, met) in [
            ("%x%", "axb", true),
            ("a%", "abc", true),
            ("a_c", "abc", true),
            ("a_c", "abbc", false),
            ("%", "", true),
            ("", "", true),
            ("", "a", false),
            ("%a%b", "xaybzb", true),
            ("a", "A", false),
        ] {
            assert_eq!(like(pattern, text), met, "{pattern} {text}");
        }
    }
}
