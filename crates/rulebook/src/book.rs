//! The rules of files, parsed, with what each needs of an event.

use crate::RuleFile;
use rsigma_parser::{
    ConditionExpr, CorrelationCondition, CorrelationRule, Detection, DetectionItem, Modifier,
    Quantifier, SelectorPattern, SigmaRule, SigmaValue, parse_sigma_yaml,
};

/// A rule or correlation of a file.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The file's path.
    pub file: String,
    /// What it is.
    pub kind: Kind,
}

/// What an entry is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A detection rule.
    Rule(Box<SigmaRule>),
    /// A correlation.
    Correlation(Box<CorrelationRule>),
}

impl Entry {
    /// `id`, else `name`, else the title.
    pub fn identity(&self) -> &str {
        let (id, name, title) = self.names();
        id.or(name).unwrap_or(title)
    }

    /// `title`.
    pub fn title(&self) -> &str {
        self.names().2
    }

    /// `level`; `""` if the rule does not say.
    pub fn level(&self) -> &'static str {
        match &self.kind {
            Kind::Rule(rule) => rule.level,
            Kind::Correlation(rule) => rule.level,
        }
        .map_or("", |level| level.as_str())
    }

    /// `description`.
    pub fn description(&self) -> &str {
        match &self.kind {
            Kind::Rule(rule) => rule.description.as_deref(),
            Kind::Correlation(rule) => rule.description.as_deref(),
        }
        .unwrap_or_default()
    }

    /// `falsepositives`.
    pub fn false_positives(&self) -> &[String] {
        match &self.kind {
            Kind::Rule(rule) => &rule.falsepositives,
            Kind::Correlation(rule) => &rule.falsepositives,
        }
    }

    /// `references`.
    pub fn references(&self) -> &[String] {
        match &self.kind {
            Kind::Rule(rule) => &rule.references,
            Kind::Correlation(rule) => &rule.references,
        }
    }

    /// `tags`.
    pub fn tags(&self) -> &[String] {
        match &self.kind {
            Kind::Rule(rule) => &rule.tags,
            Kind::Correlation(rule) => &rule.tags,
        }
    }

    /// Whether `word` is this rule's id, name or title.
    pub fn is_called(&self, word: &str) -> bool {
        let (id, name, title) = self.names();
        id.is_some_and(|id| id.eq_ignore_ascii_case(word))
            || name == Some(word)
            || title.eq_ignore_ascii_case(word)
    }

    fn names(&self) -> (Option<&str>, Option<&str>, &str) {
        match &self.kind {
            Kind::Rule(rule) => (rule.id.as_deref(), rule.name.as_deref(), &rule.title),
            Kind::Correlation(rule) => (rule.id.as_deref(), rule.name.as_deref(), &rule.title),
        }
    }
}

/// All rules of files.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// Rules and correlations, in the order of files.
    pub entries: Vec<Entry>,
    /// Files, or documents in them, that cannot be read.
    pub problems: Vec<String>,
}

impl Book {
    /// Parses files; those of examples are passed over.
    pub fn parse(files: &[RuleFile]) -> Self {
        let mut book = Self::default();
        for file in files.iter().filter(|f| !f.is_examples()) {
            let collection = match parse_sigma_yaml(&file.text) {
                Ok(collection) => collection,
                Err(e) => {
                    book.problems.push(format!("{}: {e}", file.path));
                    continue;
                }
            };
            let errors = collection.errors.iter();
            book.problems
                .extend(errors.map(|e| format!("{}: {e}", file.path)));
            let entry = |kind| Entry {
                file: file.path.clone(),
                kind,
            };
            let rules = collection.rules.into_iter();
            book.entries
                .extend(rules.map(|rule| entry(Kind::Rule(Box::new(rule)))));
            let correlations = collection.correlations.into_iter();
            book.entries
                .extend(correlations.map(|rule| entry(Kind::Correlation(Box::new(rule)))));
        }
        book
    }

    /// The rule called so.
    pub fn find(&self, word: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.is_called(word))
    }
}

/// Names of all fields a rule's detection asks about, sorted.
pub fn fields(rule: &SigmaRule) -> Vec<&str> {
    let mut all = Vec::new();
    for detection in rule.detection.named.values() {
        fields_of(detection, &mut all);
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn fields_of<'r>(detection: &'r Detection, all: &mut Vec<&'r str>) {
    match detection {
        Detection::AllOf(items) => {
            for item in items {
                all.extend(item.field.name.as_deref());
                if item.field.has_modifier(Modifier::FieldRef) {
                    all.extend(item.values.iter().filter_map(|value| match value {
                        SigmaValue::String(text) => Some(text.original.as_str()),
                        _ => None,
                    }));
                }
            }
        }
        Detection::AnyOf(parts) | Detection::And(parts) => {
            parts.iter().for_each(|part| fields_of(part, all));
        }
        Detection::Keywords(_) => {}
        Detection::ArrayMatch { field, .. } => all.push(field),
        Detection::Conditional { named, .. } => {
            named.values().for_each(|part| fields_of(part, all));
        }
    }
}

/// Whether a rule's condition could hold for an event that has only fields for which `has` says
/// yes, whatever they hold. A negation always could.
pub fn could_hold(rule: &SigmaRule, has: &dyn Fn(&str) -> bool) -> bool {
    let conditions = &rule.detection.conditions;
    conditions
        .iter()
        .any(|condition| condition_could_hold(condition, &rule.detection.named, has))
}

type Named = std::collections::HashMap<String, Detection>;

fn condition_could_hold(
    condition: &ConditionExpr,
    named: &Named,
    has: &dyn Fn(&str) -> bool,
) -> bool {
    let of = |part: &ConditionExpr| condition_could_hold(part, named, has);
    match condition {
        ConditionExpr::And(parts) => parts.iter().all(of),
        ConditionExpr::Or(parts) => parts.iter().any(of),
        ConditionExpr::Not(_) => true,
        ConditionExpr::Identifier(name) => named
            .get(name)
            .is_some_and(|detection| detection_could_hold(detection, has)),
        ConditionExpr::Selector {
            quantifier,
            pattern,
        } => {
            let chosen = named
                .iter()
                .filter(|(name, _)| selects(pattern, name))
                .map(|(_, detection)| detection_could_hold(detection, has));
            let (holding, all) = chosen.fold((0_u64, 0_u64), |(holding, all), could| {
                (holding + u64::from(could), all + 1)
            });
            match quantifier {
                Quantifier::Any => holding >= 1,
                Quantifier::All => all > 0 && holding == all,
                Quantifier::Count(n) => holding >= *n,
            }
        }
    }
}

/// Whether the pattern of `1 of x*` selects a selection's name. `them` leaves out names that begin
/// with an underscore, as the specification says.
pub fn selects(pattern: &SelectorPattern, name: &str) -> bool {
    match pattern {
        SelectorPattern::Them => !name.starts_with('_'),
        SelectorPattern::Pattern(pattern) => wildcard(pattern, name),
    }
}

/// `*` stands for any characters.
fn wildcard(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|tail| {
            tail.char_indices()
                .map(|(at, _)| at)
                .chain([tail.len()])
                .any(|at| wildcard(rest, &tail[at..]))
        }),
    }
}

fn detection_could_hold(detection: &Detection, has: &dyn Fn(&str) -> bool) -> bool {
    match detection {
        Detection::AllOf(items) => items.iter().all(|item| item_could_hold(item, has)),
        Detection::AnyOf(parts) => parts.iter().any(|part| detection_could_hold(part, has)),
        Detection::And(parts) => parts.iter().all(|part| detection_could_hold(part, has)),
        Detection::Keywords(_) => true,
        Detection::ArrayMatch { field, .. } => has(field),
        Detection::Conditional { named, condition } => condition_could_hold(condition, named, has),
    }
}

fn item_could_hold(item: &DetectionItem, has: &dyn Fn(&str) -> bool) -> bool {
    let Some(name) = item.field.name.as_deref() else {
        return true;
    };
    // Conditions that an absent field satisfies.
    let absent = item.field.has_modifier(Modifier::Neq)
        || item.values.iter().any(|value| match value {
            SigmaValue::Null => true,
            SigmaValue::Bool(wanted) => item.field.has_modifier(Modifier::Exists) && !wanted,
            _ => false,
        });
    absent || has(name)
}

/// The rules a correlation refers to, and the fields it counts or sums.
pub fn counted(rule: &CorrelationRule) -> Vec<&str> {
    match &rule.condition {
        CorrelationCondition::Threshold {
            field: Some(fields),
            ..
        } => fields.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> SigmaRule {
        let text = format!("title: T\nlogsource: {{category: mail}}\ndetection:\n{text}");
        parse_sigma_yaml(&text).unwrap().rules.remove(0)
    }

    #[test]
    fn what_could_hold_without_which_fields() {
        let rule = rule(
            "    sel: {a: 1, b|exists: false}\n    other_x: {c: 2}\n    other_y: {d: 3}\n    filter: {e: 4}\n    condition: sel and 1 of other_* and not filter\n",
        );
        assert_eq!(fields(&rule), ["a", "b", "c", "d", "e"]);
        for (has, could) in [
            (&["a", "c"][..], true),
            (&["a", "d", "e"], true),
            (&["a"], false),
            (&["c", "d"], false),
            (&[], false),
        ] {
            assert_eq!(could_hold(&rule, &|f| has.contains(&f)), could, "{has:?}");
        }
    }

    #[test]
    fn names_by_pattern() {
        let pattern = |p: &str| SelectorPattern::Pattern(p.into());
        assert!(selects(&pattern("selection_*"), "selection_a"));
        assert!(selects(&pattern("*_é*"), "x_éy"));
        assert!(!selects(&pattern("selection_*"), "filter"));
        assert!(!selects(&SelectorPattern::Them, "_hidden"));
    }
}
