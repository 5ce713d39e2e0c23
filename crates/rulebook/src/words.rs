//! The vocabulary of rules for people: classes, logsources, fields.

use std::collections::{BTreeMap, BTreeSet};
use vauban_detect::vocabulary;

/// Each class of events with the logsources (`category / product / service`, `–` for none) and
/// the fields it can have, all in Markdown code spans, sorted.
pub fn classes() -> Vec<(&'static str, Vec<String>, Vec<String>)> {
    let mut classes: BTreeMap<&str, (BTreeSet<String>, BTreeSet<&str>)> = BTreeMap::new();
    for described in vocabulary() {
        let (sources, fields) = classes.entry(described.class).or_default();
        let part = |part: &'static str| if part.is_empty() { "–" } else { part };
        let source = described.source;
        sources.insert(format!(
            "`{} / {} / {}`",
            part(source.category),
            part(source.product),
            part(source.service)
        ));
        fields.extend(described.fields);
    }
    classes
        .into_iter()
        .map(|(class, (sources, fields))| {
            let fields = fields.into_iter().map(|f| format!("`{f}`")).collect();
            (class, sources.into_iter().collect(), fields)
        })
        .collect()
}
