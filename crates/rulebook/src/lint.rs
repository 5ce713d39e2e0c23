//! What is wrong or doubtful in rule files.
//!
//! Three sources: the specification's linter of `rsigma-parser` (form, tags, dates, unknown keys),
//! what the engine cannot use, and what only our vocabulary knows: fields that no event of ours
//! has, logsources that none belongs to, selections that no condition asks for.

use crate::book::{self, Book, Entry, Kind};
use crate::{RuleFile, book::selects};
use rsigma_parser::lint::{Severity, lint_yaml_str};
use rsigma_parser::{ConditionExpr, Modifier, SelectorPattern, SigmaRule};
use std::collections::BTreeSet;
use vauban_detect::{Described, Engine, Options, RuleSet, vocabulary};

/// How much a lint matters.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// The rule is not used, or not as written.
    Error,
    /// The rule works, and perhaps not as meant.
    Warning,
    /// It could be better.
    Note,
}

impl Weight {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Something wrong or doubtful.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lint {
    /// How much it matters.
    pub weight: Weight,
    /// The file.
    pub file: String,
    /// In words, beginning with the rule's title where it is known.
    pub text: String,
}

/// Lints all files together: correlations refer to rules in other files.
pub fn lint(files: &[RuleFile]) -> Vec<Lint> {
    let mut lints = Vec::new();
    let rules: Vec<&RuleFile> = files.iter().filter(|f| !f.is_examples()).collect();
    for file in &rules {
        for warning in lint_yaml_str(&file.text) {
            let weight = match warning.severity {
                Severity::Error => Weight::Error,
                Severity::Warning => Weight::Warning,
                _ => Weight::Note,
            };
            lints.push(Lint {
                weight,
                file: file.path.clone(),
                text: format!("{}: {}", warning.path, warning.message),
            });
        }
    }
    let (set, problems) = RuleSet::load(rules.iter().map(|f| (f.path.as_str(), &f.text)));
    let (_, more) = Engine::compile(&set, Options::default());
    for problem in problems.into_iter().chain(more) {
        lints.push(Lint {
            weight: Weight::Error,
            text: match problem.rule.as_str() {
                "" => problem.reason,
                rule => format!("{rule}: {}", problem.reason),
            },
            file: problem.file,
        });
    }
    let book = Book::parse(files);
    let vocabulary = vocabulary();
    for entry in &book.entries {
        let mut say = |weight, text: String| {
            lints.push(Lint {
                weight,
                file: entry.file.clone(),
                text: format!("{}: {text}", entry.title()),
            });
        };
        match &entry.kind {
            Kind::Rule(rule) => {
                unused(rule, &mut say);
                contradictions(rule, &mut say);
                foreign(rule, &vocabulary, &mut say);
            }
            Kind::Correlation(rule) => {
                for name in book::counted(rule).into_iter().chain(
                    rule.group_by
                        .iter()
                        .map(String::as_str)
                        .filter(|name| !rule.aliases.iter().any(|a| a.alias == **name)),
                ) {
                    if !vocabulary.iter().any(|d| has(d, name)) {
                        say(
                            Weight::Warning,
                            format!("no event of ours has the field {name}"),
                        );
                    }
                }
            }
        }
    }
    twice(&book, &mut lints);
    lints.sort();
    lints.dedup();
    lints
}

type Say<'s> = &'s mut dyn FnMut(Weight, String);

fn has(described: &Described, name: &str) -> bool {
    described.fields.binary_search(&name).is_ok()
}

/// Selections that no condition asks for.
fn unused(rule: &SigmaRule, say: Say<'_>) {
    let mut asked = BTreeSet::new();
    for condition in &rule.detection.conditions {
        asks(condition, rule, &mut asked);
    }
    let mut names: Vec<&String> = rule.detection.named.keys().collect();
    names.sort();
    for name in names {
        if !asked.contains(name.as_str()) {
            say(
                Weight::Warning,
                format!("no condition asks for the selection {name}"),
            );
        }
    }
}

fn asks<'r>(condition: &'r ConditionExpr, rule: &'r SigmaRule, asked: &mut BTreeSet<&'r str>) {
    match condition {
        ConditionExpr::And(parts) | ConditionExpr::Or(parts) => {
            parts.iter().for_each(|part| asks(part, rule, asked));
        }
        ConditionExpr::Not(part) => asks(part, rule, asked),
        ConditionExpr::Identifier(name) => {
            asked.insert(name);
        }
        ConditionExpr::Selector { pattern, .. } => {
            let names = rule.detection.named.keys();
            asked.extend(
                names
                    .filter(|name| selects(pattern, name))
                    .map(String::as_str),
            );
        }
    }
}

/// What can never hold whatever the event: a selection negated and asked for at once, a pattern
/// that selects nothing, bounds that exclude each other.
fn contradictions(rule: &SigmaRule, say: Say<'_>) {
    for condition in &rule.detection.conditions {
        walk(condition, rule, say);
    }
    for (name, detection) in &rule.detection.named {
        let rsigma_parser::Detection::AllOf(items) = detection else {
            continue;
        };
        for low in items {
            let bound = |item: &rsigma_parser::DetectionItem, up: bool| {
                let (strict, loose) = if up {
                    (Modifier::Lt, Modifier::Lte)
                } else {
                    (Modifier::Gt, Modifier::Gte)
                };
                let value = item.values.first().and_then(number)?;
                if item.field.has_modifier(strict) {
                    Some((value, true))
                } else {
                    item.field.has_modifier(loose).then_some((value, false))
                }
            };
            let Some((least, above)) = bound(low, false) else {
                continue;
            };
            for high in items.iter().filter(|i| i.field.name == low.field.name) {
                if let Some((most, below)) = bound(high, true)
                    && (least > most || (least == most && (above || below)))
                {
                    say(
                        Weight::Warning,
                        format!(
                            "the selection {name} can never hold: {} above {least} and below {most}",
                            low.field.name.as_deref().unwrap_or_default()
                        ),
                    );
                }
            }
        }
    }
}

fn number(value: &rsigma_parser::SigmaValue) -> Option<f64> {
    match value {
        rsigma_parser::SigmaValue::Integer(n) => Some(*n as f64),
        rsigma_parser::SigmaValue::Float(n) => Some(*n),
        _ => None,
    }
}

fn walk(condition: &ConditionExpr, rule: &SigmaRule, say: Say<'_>) {
    match condition {
        ConditionExpr::And(parts) => {
            for part in parts {
                if let ConditionExpr::Not(negated) = part
                    && parts.iter().any(|other| other == negated.as_ref())
                {
                    say(
                        Weight::Warning,
                        format!("the condition can never hold: {negated} and not {negated}"),
                    );
                }
                walk(part, rule, say);
            }
        }
        ConditionExpr::Or(parts) => parts.iter().for_each(|part| walk(part, rule, say)),
        ConditionExpr::Not(part) => walk(part, rule, say),
        ConditionExpr::Identifier(name) => {
            if !rule.detection.named.contains_key(name) {
                say(
                    Weight::Error,
                    format!("the condition asks for {name}, which is no selection"),
                );
            }
        }
        ConditionExpr::Selector { pattern, .. } => {
            if let SelectorPattern::Pattern(text) = pattern
                && !rule
                    .detection
                    .named
                    .keys()
                    .any(|name| selects(pattern, name))
            {
                say(
                    Weight::Warning,
                    format!("{text} selects nothing, so that this part of the condition fails"),
                );
            }
        }
    }
}

/// What no event of ours can satisfy.
fn foreign(rule: &SigmaRule, vocabulary: &[Described], say: Say<'_>) {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let source = &rule.logsource;
    let (category, product, service) = (
        part(&source.category),
        part(&source.product),
        part(&source.service),
    );
    let classes: Vec<&Described> = vocabulary
        .iter()
        .filter(|d| d.source.satisfies(&category, &product, &service))
        .collect();
    if classes.is_empty() {
        say(
            Weight::Note,
            format!(
                "no event of ours is of the logsource {}",
                [category, product, service]
                    .iter()
                    .filter(|word| !word.is_empty())
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(" / ")
            ),
        );
        return;
    }
    let fields = book::fields(rule);
    let known = |name: &str| classes.iter().any(|d| has(d, name));
    let possible = classes
        .iter()
        .any(|d| book::could_hold(rule, &|name| has(d, name)));
    let unknown: Vec<&str> = fields.into_iter().filter(|name| !known(name)).collect();
    if !possible {
        let lack = if unknown.is_empty() {
            "of which no class has all its fields".to_string()
        } else {
            format!("which lack {}", unknown.join(", "))
        };
        say(
            Weight::Note,
            format!("can never fire on events of ours, {lack}"),
        );
    } else if !unknown.is_empty() {
        say(
            Weight::Note,
            format!("no event of ours has {}", unknown.join(", ")),
        );
    }
}

/// Identifiers and names that stand on two rules.
fn twice(book: &Book, lints: &mut Vec<Lint>) {
    let mut seen: std::collections::BTreeMap<&str, &Entry> = Default::default();
    for entry in &book.entries {
        let (id, name) = match &entry.kind {
            Kind::Rule(rule) => (&rule.id, &rule.name),
            Kind::Correlation(rule) => (&rule.id, &rule.name),
        };
        for word in [id, name].into_iter().flatten() {
            if let Some(other) = seen.insert(word, entry) {
                lints.push(Lint {
                    weight: Weight::Error,
                    file: entry.file.clone(),
                    text: format!(
                        "{}: {word} already stands on “{}” in {}",
                        entry.title(),
                        other.title(),
                        other.file
                    ),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lints(text: &str) -> Vec<String> {
        let files = [RuleFile {
            path: "a.yml".into(),
            text: text.into(),
        }];
        lint(&files).into_iter().map(|l| l.text).collect()
    }

    fn told(text: &str, part: &str) -> bool {
        lints(text).iter().any(|text| text.contains(part))
    }

    #[test]
    fn each_kind() {
        let rule = |source: &str, detection: &str| {
            format!("title: T\nlogsource: {{{source}}}\ndetection:\n{detection}")
        };
        for (source, detection, part) in [
            (
                "category: webserver",
                "    a: {cs-method: GET}\n    b: {cs-method: PUT}\n    condition: a\n",
                "no condition asks for the selection b",
            ),
            (
                "category: webserver",
                "    a: {cs-method: GET}\n    condition: a and not a\n",
                "can never hold: a and not a",
            ),
            (
                "category: webserver",
                "    a: {sc-bytes|gt: 10, sc-bytes|lt: 5}\n    condition: a\n",
                "sc-bytes above 10 and below 5",
            ),
            (
                "category: webserver",
                "    a: {EventID: 1}\n    condition: a\n",
                "can never fire on events of ours, which lack EventID",
            ),
            (
                "category: webserver",
                "    a: {cs-method: GET}\n    condition: a and 1 of b_*\n",
                "b_* selects nothing",
            ),
            (
                "product: windows",
                "    a: {EventID: 1}\n    condition: a\n",
                "no event of ours is of the logsource windows",
            ),
            (
                "category: webserver",
                "    a: {cs-method|nonsense: GET}\n    condition: a\n",
                "nonsense",
            ),
        ] {
            let text = rule(source, detection);
            assert!(told(&text, part), "{part}: {:?}", lints(&text));
        }
        let fine = rule(
            "category: webserver",
            "    a: {cs-method: GET}\n    condition: a\n",
        );
        assert!(!told(&fine, "never") && !told(&fine, "no event"));
        let twice = format!("{fine}name: n\n---\n{fine}name: n\n");
        assert!(told(&twice, "already stands on"));
    }
}
