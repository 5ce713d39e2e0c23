//! Which rules can never fire on given evidence, and why.

use crate::book::{self, Book, Entry, Kind};
use rsigma_parser::{CorrelationType, SigmaRule};
use std::collections::{BTreeMap, BTreeSet};
use vauban_detect::{LogSource, describe};
use vauban_ocsf::{Event, EventSink, Evidence};

/// Logsources and fields that occur in evidence. A sink: give it the events, merge those of
/// several threads.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    sources: BTreeMap<LogSource, Source>,
}

#[derive(Clone, Debug, Default)]
struct Source {
    events: u64,
    fields: BTreeMap<&'static str, u64>,
}

impl EventSink for Seen {
    fn event(&mut self, event: &Event<'_>) {
        // What source it is is known only after its fields.
        let mut fields: [&'static str; 96] = [""; 96];
        let mut count = 0;
        let source = describe(event, &mut |name, _| {
            if let Some(place) = fields.get_mut(count) {
                *place = name;
                count += 1;
            }
        });
        let source = self.sources.entry(source).or_default();
        source.events += 1;
        for name in fields.get(..count).unwrap_or_default() {
            *source.fields.entry(name).or_default() += 1;
        }
    }

    fn unparsed(&mut self, _: Evidence, _: &'static str) {}
}

impl Seen {
    /// Adds what another has seen.
    pub fn merge(&mut self, other: Self) {
        for (source, theirs) in other.sources {
            let ours = self.sources.entry(source).or_default();
            ours.events += theirs.events;
            for (name, n) in theirs.fields {
                *ours.fields.entry(name).or_default() += n;
            }
        }
    }

    /// Logsources with their numbers of events and the fields that occurred, sorted.
    pub fn sources(&self) -> impl Iterator<Item = (LogSource, u64, Vec<&'static str>)> {
        self.sources
            .iter()
            .map(|(source, s)| (*source, s.events, s.fields.keys().copied().collect()))
    }

    /// Why a rule can never fire on this evidence; `None` if nothing speaks against it.
    pub fn why_never(&self, book: &Book, entry: &Entry) -> Option<Never> {
        self.never(book, entry, 0)
    }

    fn never(&self, book: &Book, entry: &Entry, depth: usize) -> Option<Never> {
        match &entry.kind {
            Kind::Rule(rule) => self.never_rule(rule, &[]),
            Kind::Correlation(rule) => {
                // Circles are the engine's to reject.
                if depth > 16 {
                    return None;
                }
                let needed = book::counted(rule);
                let mut first = None;
                for name in &rule.rules {
                    let Some(entry) = book.find(name) else {
                        let missing = Never::Refers(name.clone(), Box::new(Never::NoSuchRule));
                        return Some(missing);
                    };
                    let never = match &entry.kind {
                        Kind::Rule(base) => self.never_rule(base, &needed),
                        Kind::Correlation(_) => self.never(book, entry, depth + 1),
                    };
                    match never {
                        Some(never) => {
                            let why = Never::Refers(entry.title().to_string(), Box::new(never));
                            if all_needed(rule.correlation_type) {
                                return Some(why);
                            }
                            first.get_or_insert(why);
                        }
                        None if !all_needed(rule.correlation_type) => return None,
                        None => {}
                    }
                }
                first
            }
        }
    }

    fn never_rule(&self, rule: &SigmaRule, needed: &[&str]) -> Option<Never> {
        let source = &rule.logsource;
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        let (category, product, service) = (
            part(&source.category),
            part(&source.product),
            part(&source.service),
        );
        let mut any = false;
        let mut missing: Option<BTreeSet<&str>> = None;
        for (is, seen) in &self.sources {
            if !is.satisfies(&category, &product, &service) {
                continue;
            }
            any = true;
            let has = |name: &str| seen.fields.contains_key(name);
            if book::could_hold(rule, &has) && needed.iter().all(|name| has(name)) {
                return None;
            }
            let lacks: BTreeSet<&str> = book::fields(rule)
                .into_iter()
                .chain(needed.iter().copied())
                .filter(|name| !has(name))
                .collect();
            // Of several logsources, tell of the one that comes closest.
            if missing.as_ref().is_none_or(|m| lacks.len() < m.len()) {
                missing = Some(lacks);
            }
        }
        if !any {
            let words = [category, product, service];
            return Some(Never::NoEvents(words));
        }
        let fields = missing.unwrap_or_default();
        Some(Never::NoField(
            fields.into_iter().map(str::to_string).collect(),
        ))
    }
}

/// Whether a correlation needs each of its rules, or any.
fn all_needed(kind: CorrelationType) -> bool {
    matches!(
        kind,
        CorrelationType::Temporal | CorrelationType::TemporalOrdered
    )
}

/// Why a rule can never fire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Never {
    /// No event has its logsource (category, product, service).
    NoEvents([String; 3]),
    /// Events of the logsource never have these fields, and without some of them the condition
    /// cannot hold.
    NoField(Vec<String>),
    /// It refers to a rule that can never fire.
    Refers(String, Box<Never>),
    /// The rule referred to does not exist.
    NoSuchRule,
}

impl std::fmt::Display for Never {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoEvents(words) => {
                let words: Vec<String> = ["category", "product", "service"]
                    .iter()
                    .zip(words)
                    .filter(|(_, word)| !word.is_empty())
                    .map(|(part, word)| format!("{part} {word}"))
                    .collect();
                write!(f, "no event of {}", words.join(", "))
            }
            Self::NoField(fields) => {
                write!(f, "events of its logsource never have ")?;
                write!(f, "{}", fields.join(", "))
            }
            Self::Refers(rule, why) => write!(f, "it needs “{rule}”: {why}"),
            Self::NoSuchRule => f.write_str("there is no such rule"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleFile;
    use vauban_ocsf::{Body, Http, Product, Timestamp};

    fn seen() -> Seen {
        let mut seen = Seen::default();
        seen.event(&Event {
            time: Timestamp(0),
            evidence: Evidence::default(),
            product: Product::Nginx,
            host: "",
            pid: None,
            body: Body::Http(Http {
                method: "GET",
                path: "/",
                ..Http::default()
            }),
        });
        seen
    }

    #[test]
    fn reasons() {
        let rule = |name: &str, source: &str, field: &str| {
            format!(
                "title: {name}\nname: {name}\nlogsource: {{{source}}}\ndetection:\n    s: {{{field}: x}}\n    condition: s\n---\n"
            )
        };
        let text = [
            rule("web", "category: webserver", "cs-method"),
            rule("agent", "category: webserver", "cs-user-agent"),
            rule("dns", "category: dns", "query"),
            "title: both\ncorrelation:\n    type: temporal\n    rules: [web, dns]\n    group-by: [c-ip]\n    timespan: 1m\n---\n".into(),
            "title: counted\ncorrelation:\n    type: value_count\n    rules: [web]\n    group-by: [c-ip]\n    timespan: 1m\n    condition: {field: cs-host, gte: 3}\n".into(),
        ]
        .concat();
        let book = Book::parse(&[RuleFile {
            path: "a.yml".into(),
            text,
        }]);
        assert!(book.problems.is_empty(), "{:?}", book.problems);
        let seen = seen();
        let why = |title: &str| {
            let entry = book.find(title).unwrap();
            seen.why_never(&book, entry).map(|never| never.to_string())
        };
        assert_eq!(why("web"), None);
        assert_eq!(
            why("agent").unwrap(),
            "events of its logsource never have cs-user-agent"
        );
        assert_eq!(why("dns").unwrap(), "no event of category dns");
        assert_eq!(
            why("both").unwrap(),
            "it needs “dns”: no event of category dns"
        );
        assert_eq!(
            why("counted").unwrap(),
            "it needs “web”: events of its logsource never have cs-host"
        );
    }
}
