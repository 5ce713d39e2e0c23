//! Every rule of SigmaHQ loads, or says exactly why not; every regression event is found.

mod common;

use common::{files, rule_files, shared};
use std::sync::Arc;
use vauban_detect::{Engine, Options, RuleSet, Scanner};

#[test]
fn every_file_loads_or_says_why_not() {
    let Some(dir) = shared("sigma") else { return };
    let mut unexplained = Vec::new();
    for part in [
        "rules",
        "rules-emerging-threats",
        "rules-threat-hunting",
        "rules-compliance",
        "rules-placeholder",
    ] {
        let files = rule_files(&dir.join(part));
        let count = files.len();
        let (set, problems) = RuleSet::load(files);
        let (engine, more) = Engine::compile(&set, Options::default());
        for p in problems.iter().chain(&more) {
            // Placeholders need values from the user; the specification has such rules rejected.
            if !p.reason.contains("has no values") {
                unexplained.push(p.to_string());
            }
        }
        println!(
            "{part}: {count} files, {} rules, {} correlations, {} problems, {} without witness",
            engine.rules().len(),
            set.correlations(),
            problems.len() + more.len(),
            engine.always_evaluated(),
        );
    }
    assert_eq!(unexplained, [] as [String; 0]);
}

#[test]
fn every_regression_event_is_found() {
    let Some(dir) = shared("sigma") else { return };
    let mut rules = Vec::new();
    for part in ["rules", "rules-emerging-threats", "rules-threat-hunting"] {
        rules.extend(rule_files(&dir.join(part)));
    }
    let (set, _) = RuleSet::load(rules);
    let (engine, _) = Engine::compile(&set, Options::default());
    let engine = Arc::new(engine);
    let mut scanner = Scanner::new(Arc::clone(&engine));
    let mut tried = 0;
    let mut missed = Vec::new();
    for info in files(&dir.join("regression_data"), &["yml"]) {
        let text = std::fs::read_to_string(&info).expect("readable");
        let Some(id) = text
            .lines()
            .skip_while(|l| !l.starts_with("rule_metadata"))
            .find_map(|l| l.trim().strip_prefix("- id: "))
        else {
            panic!("{} names no rule", info.display());
        };
        let folder = info.parent().expect("a folder");
        for path in files(folder, &["json"]) {
            let content = std::fs::read_to_string(&path).expect("readable");
            let events: Vec<serde_json::Value> = serde_json::Deserializer::from_str(&content)
                .into_iter::<serde_json::Value>()
                .map(|v| v.expect("JSON"))
                .collect();
            let mut found = false;
            for event in events.iter().flat_map(|e| match e.as_array() {
                Some(list) => list.as_slice(),
                None => std::slice::from_ref(e),
            }) {
                let flat = flatten(event);
                let matches = scanner.scan_json(&flat.to_string()).expect("JSON");
                found |= matches
                    .iter()
                    .any(|m| engine.rule(m.rule).and_then(|r| r.id.as_deref()) == Some(id.trim()));
            }
            tried += 1;
            if !found {
                missed.push(path.display().to_string());
            }
        }
    }
    println!("{tried} cases");
    assert!(tried > 150);
    assert_eq!(missed, [] as [String; 0]);
}

/// A Windows event as Sigma's rules see it: what is in `EventData` and `System`, side by side.
fn flatten(event: &serde_json::Value) -> serde_json::Value {
    let mut out = serde_json::Map::new();
    let inner = &event["Event"];
    for part in ["System", "EventData", "UserData"] {
        for (name, value) in inner[part].as_object().into_iter().flatten() {
            match &value["#attributes"] {
                serde_json::Value::Object(attributes) => {
                    for (attribute, value) in attributes {
                        out.insert(format!("{name}_{attribute}"), value.clone());
                    }
                    if let Some(inner) = value.as_object() {
                        for (k, v) in inner.iter().filter(|(k, _)| *k != "#attributes") {
                            out.insert(k.clone(), v.clone());
                        }
                    }
                }
                _ => {
                    // "strip all spaces", says the specification of names in Windows events.
                    out.insert(name.replace(' ', ""), value.clone());
                }
            }
        }
    }
    if out.is_empty() {
        return event.clone();
    }
    serde_json::Value::Object(out)
}
