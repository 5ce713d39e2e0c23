//! A rule in words.

use crate::book::{Book, Entry, Kind};
use rsigma_parser::{
    ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, Detection,
    DetectionItem, Modifier, SigmaRule, SigmaValue,
};
use std::fmt::Write;
use vauban_detect::vocabulary;

/// What a rule says and asks, for a person.
pub fn explain(book: &Book, entry: &Entry) -> String {
    let mut out = String::new();
    let level = match entry.level() {
        "" => "no level",
        level => level,
    };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{} ({level})", entry.title());
    let _ = writeln!(out, "  {}  {}", entry.identity(), entry.file);
    let description = entry.description().trim();
    if !description.is_empty() {
        let _ = writeln!(out, "\n{}", indented(description, 2));
    }
    out.push('\n');
    match &entry.kind {
        Kind::Rule(rule) => detection(rule, "  ", &mut out),
        Kind::Correlation(rule) => correlation(book, rule, "  ", 0, &mut out),
    }
    for (head, list) in [
        ("Known innocent causes", entry.false_positives()),
        ("Tags", entry.tags()),
        ("See", entry.references()),
    ] {
        if !list.is_empty() {
            let _ = writeln!(out, "\n  {head}:");
            for item in list {
                let _ = writeln!(out, "    - {item}");
            }
        }
    }
    out
}

fn indented(text: &str, by: usize) -> String {
    let pad = " ".repeat(by);
    text.lines()
        .map(|line| format!("{pad}{}", line.trim()))
        .collect::<Vec<_>>()
        .join("\n")
}

fn detection(rule: &SigmaRule, pad: &str, out: &mut String) {
    let source = &rule.logsource;
    let words: Vec<String> = [
        ("category", &source.category),
        ("product", &source.product),
        ("service", &source.service),
    ]
    .into_iter()
    .filter_map(|(part, word)| Some(format!("{part} {}", word.as_deref()?)))
    .collect();
    let words = if words.is_empty() {
        "any".to_string()
    } else {
        words.join(", ")
    };
    let _ = writeln!(out, "{pad}Looks at events of {words}{}.", classes(rule));
    for condition in &rule.detection.condition_strings {
        let _ = writeln!(out, "{pad}Fires when: {condition}");
    }
    let mut named: Vec<(&String, &Detection)> = rule.detection.named.iter().collect();
    named.sort_by_key(|(name, _)| *name);
    for (name, detection) in named {
        let _ = writeln!(out, "{pad}  {name}:");
        selection(detection, &format!("{pad}    "), out);
    }
}

/// Which of our events that is.
fn classes(rule: &SigmaRule) -> String {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let source = &rule.logsource;
    let (category, product, service) = (
        part(&source.category),
        part(&source.product),
        part(&source.service),
    );
    let mut classes: Vec<&str> = vocabulary()
        .into_iter()
        .filter(|d| d.source.satisfies(&category, &product, &service))
        .map(|d| d.class)
        .collect();
    classes.sort_unstable();
    classes.dedup();
    match classes.len() {
        0 => " (none of ours is)".into(),
        1..=3 => format!(" ({})", classes.join(", ")),
        _ => String::new(),
    }
}

fn selection(detection: &Detection, pad: &str, out: &mut String) {
    match detection {
        Detection::AllOf(items) => {
            for each in items {
                let _ = writeln!(out, "{pad}{}", item(each));
            }
        }
        Detection::AnyOf(parts) => {
            let _ = writeln!(out, "{pad}any of:");
            for part in parts {
                selection(part, &format!("{pad}  "), out);
            }
        }
        Detection::And(parts) => {
            for part in parts {
                selection(part, pad, out);
            }
        }
        Detection::Keywords(values) => {
            let _ = writeln!(out, "{pad}any field holds {}", list(values, "or"));
        }
        Detection::ArrayMatch {
            field,
            quantifier,
            body,
        } => {
            let _ = writeln!(out, "{pad}for {quantifier} of the elements of {field}:");
            selection(body, &format!("{pad}  "), out);
        }
        Detection::Conditional { condition, named } => {
            let _ = writeln!(out, "{pad}{condition}, where");
            let mut named: Vec<_> = named.iter().collect();
            named.sort_by_key(|(name, _)| *name);
            for (name, part) in named {
                let _ = writeln!(out, "{pad}  {name}:");
                selection(part, &format!("{pad}    "), out);
            }
        }
    }
}

fn item(item: &DetectionItem) -> String {
    let field = item.field.name.as_deref().unwrap_or("any field");
    let has = |modifier| item.field.has_modifier(modifier);
    let joined = list(&item.values, if has(Modifier::All) { "and" } else { "or" });
    if has(Modifier::Exists) {
        let there = matches!(item.values.first(), Some(SigmaValue::Bool(true)));
        return format!("{field} is {}there", if there { "" } else { "not " });
    }
    let verb = if has(Modifier::Contains) {
        "contains"
    } else if has(Modifier::StartsWith) {
        "begins with"
    } else if has(Modifier::EndsWith) {
        "ends with"
    } else if has(Modifier::Re) {
        "matches the expression"
    } else if has(Modifier::Cidr) {
        "lies in"
    } else if has(Modifier::Gt) {
        "is above"
    } else if has(Modifier::Gte) {
        "is at least"
    } else if has(Modifier::Lt) {
        "is below"
    } else if has(Modifier::Lte) {
        "is at most"
    } else if has(Modifier::FieldRef) {
        "is the same as the field"
    } else {
        "is"
    };
    let part = [
        (Modifier::Minute, "the minute of "),
        (Modifier::Hour, "the hour (UTC) of "),
        (Modifier::Day, "the day of "),
        (Modifier::Week, "the week of "),
        (Modifier::Month, "the month of "),
        (Modifier::Year, "the year of "),
    ]
    .into_iter()
    .find(|(modifier, _)| has(*modifier))
    .map_or("", |(_, words)| words);
    let not = if has(Modifier::Neq) { "not: " } else { "" };
    let cased = if has(Modifier::Cased) {
        ", upper and lower case as written"
    } else {
        ""
    };
    format!("{not}{part}{field} {verb} {joined}{cased}")
}

fn list(values: &[SigmaValue], word: &str) -> String {
    let words: Vec<String> = values
        .iter()
        .map(|value| match value {
            SigmaValue::String(text) => format!("“{}”", text.original),
            SigmaValue::Integer(n) => n.to_string(),
            SigmaValue::Float(n) => n.to_string(),
            SigmaValue::Bool(b) => b.to_string(),
            SigmaValue::Null => "nothing".to_string(),
        })
        .collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {word} {last}", rest.join(", ")),
        None => "nothing".to_string(),
    }
}

fn correlation(book: &Book, rule: &CorrelationRule, pad: &str, depth: usize, out: &mut String) {
    let span = &rule.timespan.original;
    let groups = if rule.group_by.is_empty() {
        String::new()
    } else {
        format!(" for the same {}", rule.group_by.join(" and "))
    };
    let (bounds, fields) = match &rule.condition {
        CorrelationCondition::Threshold {
            predicates, field, ..
        } => {
            let bounds: Vec<String> = predicates
                .iter()
                .map(|(operator, n)| {
                    let word = match operator {
                        ConditionOperator::Lt => "fewer than",
                        ConditionOperator::Lte => "at most",
                        ConditionOperator::Gt => "more than",
                        ConditionOperator::Gte => "at least",
                        ConditionOperator::Eq => "exactly",
                        ConditionOperator::Neq => "not",
                    };
                    format!("{word} {n}")
                })
                .collect();
            (
                bounds.join(" and "),
                field.as_deref().unwrap_or_default().join(" and "),
            )
        }
        CorrelationCondition::Extended(condition) => (condition.to_string(), String::new()),
    };
    let sentence = match rule.correlation_type {
        CorrelationType::EventCount => format!("{bounds} events within {span}{groups}"),
        CorrelationType::ValueCount => {
            format!("{bounds} different values of {fields} within {span}{groups}")
        }
        CorrelationType::Temporal => format!("each of the following within {span}{groups}"),
        CorrelationType::TemporalOrdered => {
            format!("the following, in this order, within {span}{groups}")
        }
        CorrelationType::ValueSum => format!("the sum of {fields} {bounds} within {span}{groups}"),
        CorrelationType::ValueAvg => format!("the mean of {fields} {bounds} within {span}{groups}"),
        CorrelationType::ValuePercentile | CorrelationType::ValueMedian => {
            format!("a percentile of {fields} {bounds} within {span}{groups}")
        }
    };
    let _ = writeln!(out, "{pad}Fires on {sentence}:");
    for alias in &rule.aliases {
        let mut parts: Vec<String> = alias
            .mapping
            .iter()
            .map(|(rule, field)| format!("{field} of {rule}"))
            .collect();
        parts.sort();
        let _ = writeln!(out, "{pad}  ({} is {})", alias.alias, parts.join(", "));
    }
    for name in &rule.rules {
        match book.find(name) {
            Some(entry) => {
                let _ = writeln!(out, "{pad}- {}", entry.title());
                let deeper = format!("{pad}    ");
                match &entry.kind {
                    Kind::Rule(rule) => detection(rule, &deeper, out),
                    // Circles are the engine's to reject.
                    Kind::Correlation(rule) if depth < 8 => {
                        correlation(book, rule, &deeper, depth + 1, out);
                    }
                    Kind::Correlation(_) => {}
                }
            }
            None => {
                let _ = writeln!(out, "{pad}- {name} (there is no such rule)");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleFile;

    #[test]
    fn a_correlation_in_words() {
        let text = "title: Failed\nname: failed\nlogsource: {category: authentication}\ndetection:\n    s: {outcome: failure, user|exists: true, src_ip|cidr: [10.0.0.0/8, 192.168.0.0/16]}\n    condition: s\n---\ntitle: Spray\nlevel: low\ncorrelation:\n    type: value_count\n    rules: [failed]\n    group-by: [src_ip]\n    timespan: 1h\n    condition: {field: user, gte: 10}\n";
        let book = Book::parse(&[RuleFile {
            path: "a.yml".into(),
            text: text.into(),
        }]);
        let words = explain(&book, book.find("Spray").unwrap());
        for part in [
            "Spray (low)",
            "Fires on at least 10 different values of user within 1h for the same src_ip:",
            "- Failed",
            "Looks at events of category authentication",
            "outcome is “failure”",
            "user is there",
            "src_ip lies in “10.0.0.0/8” or “192.168.0.0/16”",
        ] {
            assert!(words.contains(part), "{part}\n{words}");
        }
    }
}
