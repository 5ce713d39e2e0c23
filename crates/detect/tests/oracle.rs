//! The same matches as `rsigma-eval`, over all of SigmaHQ and events made from its rules, apart
//! from differences that `docs/SIGMA.md` argues.

mod common;

use common::generate::{Random, event};
use common::{rule_files, shared};
use rsigma_eval::event::JsonEvent;
use rsigma_eval::{Engine as Other, LogSourceExtractor};
use rsigma_parser::{
    Detection, Modifier, SigmaCollection, SigmaRule, SigmaValue, parse_sigma_yaml,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use vauban_detect::{Engine, Options, RuleSet, Scanner};

/// Rules where others decide otherwise, and why; the numbers are sections of `docs/SIGMA.md`.
fn argued(rule: &SigmaRule, event: &Value) -> Option<&'static str> {
    let mut reason = None;
    let mut todo: Vec<&Detection> = rule.detection.named.values().collect();
    while let Some(detection) = todo.pop() {
        match detection {
            Detection::AnyOf(parts) | Detection::And(parts) => todo.extend(parts),
            Detection::Keywords(values) => {
                for value in values {
                    match value {
                        SigmaValue::String(s) if s.contains_wildcards() => {
                            reason = Some("keywords with wildcards are searched for, not anchored");
                        }
                        SigmaValue::Integer(_) | SigmaValue::Float(_) => {
                            reason = Some("numbers are keywords");
                        }
                        _ => {}
                    }
                }
            }
            Detection::AllOf(items) => {
                for item in items {
                    let has = |m| item.field.has_modifier(m);
                    if item.field.name.is_none() {
                        reason = Some("keywords under |all are searched for in the whole event");
                    }
                    if (has(Modifier::StartsWith) || has(Modifier::EndsWith))
                        && item
                            .values
                            .iter()
                            .any(|v| matches!(v, SigmaValue::String(s) if s.contains_wildcards()))
                    {
                        reason = Some("endswith is *value, startswith value*, wildcards or not");
                    }
                    if has(Modifier::Expand) {
                        reason = Some("a placeholder without values: the rule is rejected");
                    }
                    if has(Modifier::FieldRef) && event.to_string().contains('[') {
                        reason = Some("fieldref compares members of lists");
                    }
                    if has(Modifier::WindAsh) {
                        let strokes = item.values.iter().any(|v| {
                            v.to_string()
                                .contains(['/', '\u{2013}', '\u{2014}', '\u{2015}'])
                        });
                        if strokes {
                            reason = Some("windash: every dash stands for every other");
                        }
                    }
                    if has(Modifier::Base64Offset) {
                        reason = Some("base64offset: the last character depends on what follows");
                    }
                }
            }
            _ => {}
        }
    }
    reason
}

fn compare(parts: &[&str], rounds: usize, seed: u64) {
    let Some(dir) = shared("sigma") else { return };
    let files: Vec<_> = parts
        .iter()
        .flat_map(|p| rule_files(&dir.join(p)))
        .collect();
    let mut collection = SigmaCollection::new();
    for (_, content) in &files {
        let text = std::str::from_utf8(content).expect("UTF-8");
        let found = parse_sigma_yaml(text).expect("YAML");
        collection.rules.extend(found.rules);
        collection.filters.extend(found.filters);
    }
    let mut other = Other::new();
    for (_, error) in other.add_rules(&collection.rules) {
        println!("the other engine rejects: {error}");
    }
    let mut other_routed = Other::new();
    other_routed.add_rules(&collection.rules);
    other_routed.set_logsource_extractor(Some(LogSourceExtractor::new()));
    let (set, _) = RuleSet::load(files);
    let options = |routing| Options {
        routing,
        ..Options::default()
    };
    let scanner = |routing| Scanner::new(Arc::new(Engine::compile(&set, options(routing)).0));
    let mut ours = scanner(false);
    let mut ours_routed = scanner(true);
    let by_id: BTreeMap<&str, &SigmaRule> = collection
        .rules
        .iter()
        .filter_map(|r| Some((r.id.as_deref()?, r)))
        .collect();

    let mut random = Random(seed);
    let (mut events, mut matches) = (0, 0);
    let mut differences = BTreeMap::<&str, usize>::new();
    let mut unexplained = Vec::new();
    for _ in 0..rounds {
        for rule in &collection.rules {
            let event = event(rule, &mut random);
            let text = event.to_string();
            for routed in [false, true] {
                let (ours, other) = if routed {
                    (&mut ours_routed, &other_routed)
                } else {
                    (&mut ours, &other)
                };
                let found = ours.scan_json(&text).expect("JSON").to_vec();
                let found: BTreeSet<String> = found
                    .iter()
                    .map(|m| {
                        ours.engine()
                            .rule(m.rule)
                            .expect("a rule")
                            .identity()
                            .to_owned()
                    })
                    .collect();
                let expected: BTreeSet<String> = other
                    .evaluate(&JsonEvent::borrow(&event))
                    .into_iter()
                    .map(|r| r.header.rule_id.unwrap_or(r.header.rule_title))
                    .collect();
                events += 1;
                matches += expected.len();
                for id in found.symmetric_difference(&expected) {
                    let argued = by_id.get(id.as_str()).and_then(|r| argued(r, &event));
                    match argued {
                        Some(reason) => *differences.entry(reason).or_default() += 1,
                        None => {
                            let side = if found.contains(id) {
                                "only ours"
                            } else {
                                "only theirs"
                            };
                            unexplained.push(format!("{side}: {id} on {text}"));
                        }
                    }
                }
            }
        }
    }
    println!("{events} events, {matches} matches; argued differences: {differences:#?}");
    for line in unexplained.iter().take(20) {
        println!("{line}");
    }
    assert_eq!(unexplained.len(), 0);
    assert!(
        matches > events / 2,
        "events that match nothing prove nothing"
    );
}

#[test]
fn same_matches_over_made_events() {
    let rounds = std::env::var("VAUBAN_ORACLE_ROUNDS")
        .ok()
        .and_then(|r| r.parse().ok())
        .unwrap_or(1);
    compare(
        &[
            "rules",
            "rules-emerging-threats",
            "rules-threat-hunting",
            "rules-compliance",
        ],
        rounds,
        0x9e37_79b9_7f4a_7c15,
    );
}
