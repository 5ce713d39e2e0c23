//! A finding in OCSF against the schema: class 2004's required attributes, types, enumerations and
//! constraints, those of every object in it, and no attribute that the schema does not know.
//!
//! The schema is not part of the project. `VAUBAN_SHARED` names the folder that has it; without it
//! the tests say so, and check what they can without.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vauban_ocsf::{Analytic, Finding, Level, Observable, ObservableKind, Place, Timestamp};

fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("VAUBAN_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| {
            Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).to_path_buf()
        });
    let path = root.join("data/ocsf-schema");
    if path.is_dir() {
        return Some(path);
    }
    println!(
        "{} is absent: only what every finding has is checked",
        path.display()
    );
    None
}

/// Definitions by name.
struct Schema {
    dictionary: Value,
    events: BTreeMap<String, Value>,
    objects: BTreeMap<String, Value>,
}

fn load(dir: &Path, found: &mut BTreeMap<String, Value>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            load(&path, found);
        } else if path.extension().is_some_and(|e| e == "json") {
            let definition: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            let name = definition["name"].as_str().map_or(stem, str::to_owned);
            found.insert(name, definition);
        }
    }
}

impl Schema {
    fn load(root: &Path) -> Self {
        let mut schema = Self {
            dictionary: serde_json::from_slice(
                &std::fs::read(root.join("dictionary.json")).unwrap(),
            )
            .unwrap(),
            events: BTreeMap::new(),
            objects: BTreeMap::new(),
        };
        load(&root.join("events"), &mut schema.events);
        load(&root.join("objects"), &mut schema.objects);
        schema
    }

    /// Attributes with those inherited, and the nearest constraints.
    fn attributes(table: &BTreeMap<String, Value>, name: &str) -> (Map<String, Value>, Value) {
        let definition = table
            .get(name)
            .unwrap_or_else(|| panic!("no definition of {name}"));
        let (mut all, mut constraints) = match definition["extends"].as_str() {
            Some(base) if table.contains_key(base) => Self::attributes(table, base),
            _ => (Map::new(), Value::Null),
        };
        for (key, own) in definition["attributes"].as_object().into_iter().flatten() {
            let entry = all
                .entry(key.clone())
                .or_insert_with(|| Value::Object(Map::new()));
            for (k, v) in own.as_object().into_iter().flatten() {
                if k == "enum" && entry["enum"].is_object() {
                    for (id, value) in v.as_object().into_iter().flatten() {
                        entry["enum"][id] = value.clone();
                    }
                } else {
                    entry[k] = v.clone();
                }
            }
        }
        if definition["constraints"].is_object() {
            constraints = definition["constraints"].clone();
        }
        (all, constraints)
    }

    fn object(
        &self,
        at: &str,
        value: &Value,
        table: &BTreeMap<String, Value>,
        name: &str,
        errors: &mut Vec<String>,
    ) {
        let (attributes, constraints) = Self::attributes(table, name);
        let Some(object) = value.as_object() else {
            errors.push(format!("{at} is no object"));
            return;
        };
        for (name, rule) in &attributes {
            if rule["requirement"] == "required" && !object.contains_key(name) {
                errors.push(format!("{at}.{name} is required"));
            }
        }
        if let Some(names) = constraints["at_least_one"].as_array()
            && !names
                .iter()
                .any(|n| object.contains_key(n.as_str().unwrap()))
        {
            errors.push(format!("{at}: none of {names:?}"));
        }
        for (name, value) in object {
            let path = format!("{at}.{name}");
            let Some(rule) = attributes.get(name) else {
                errors.push(format!("{path} is unknown"));
                continue;
            };
            let entry = &self.dictionary["attributes"][name];
            let kind = rule["type"]
                .as_str()
                .or(entry["type"].as_str())
                .unwrap_or("");
            match (entry["is_array"] == true, value) {
                (true, Value::Array(list)) => {
                    for value in list {
                        self.value(&path, name, kind, [rule, entry], value, errors);
                    }
                }
                (true, _) => errors.push(format!("{path} is no array")),
                (false, value) => self.value(&path, name, kind, [rule, entry], value, errors),
            }
        }
    }

    fn value(
        &self,
        path: &str,
        name: &str,
        kind: &str,
        rules: [&Value; 2],
        value: &Value,
        errors: &mut Vec<String>,
    ) {
        let base = self.dictionary["types"]["attributes"][kind]["type"]
            .as_str()
            .unwrap_or(kind);
        let fits = match base {
            "string_t" => value.is_string(),
            "integer_t" | "long_t" => value.is_i64(),
            "boolean_t" => value.is_boolean(),
            "json_t" => true,
            "object" | "object_t" => value.is_object(),
            object if self.objects.contains_key(object) => {
                return self.object(path, value, &self.objects, object, errors);
            }
            other => panic!("{path}: type {other}"),
        };
        if !fits {
            errors.push(format!("{path} is no {kind}: {value}"));
        }
        let has_enum = rules.iter().any(|r| r["enum"].is_object());
        let listed = |r: &&Value| r["enum"].get(value.to_string()).is_some();
        // What an observable may be is spread over the types and objects (below).
        let elsewhere = path.ends_with("observables.type_id");
        if has_enum && name.ends_with("_id") && !elsewhere && !rules.iter().any(listed) {
            errors.push(format!("{path}: {value} is not in its enumeration"));
        }
    }

    /// What `observable.type_id` may be: each type, object and attribute says its own number.
    fn observables(&self) -> BTreeMap<i64, Vec<String>> {
        let mut all: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        let types = self.dictionary["types"]["attributes"].as_object().unwrap();
        let attributes = self.dictionary["attributes"].as_object().unwrap();
        for definition in types
            .values()
            .chain(attributes.values())
            .chain(self.objects.values())
        {
            if let Some(id) = definition["observable"].as_i64() {
                let caption = definition["caption"].as_str().unwrap_or_default();
                all.entry(id).or_default().push(caption.to_string());
            }
        }
        all.entry(99).or_default().push("Other".into());
        all
    }
}

const KINDS: [ObservableKind; 12] = [
    ObservableKind::Hostname,
    ObservableKind::IpAddress,
    ObservableKind::UserName,
    ObservableKind::EmailAddress,
    ObservableKind::Url,
    ObservableKind::FileName,
    ObservableKind::Hash,
    ObservableKind::ProcessName,
    ObservableKind::Subnet,
    ObservableKind::UserAgent,
    ObservableKind::FilePath,
    ObservableKind::Other,
];

/// Findings of every kind, full and bare.
fn findings() -> Vec<Finding> {
    let mut all = Vec::new();
    for analytic in [
        Analytic::Rule,
        Analytic::Behaviour,
        Analytic::Indicator,
        Analytic::Content,
    ] {
        for level in [
            Level::Informational,
            Level::Low,
            Level::Medium,
            Level::High,
            Level::Critical,
        ] {
            all.push(Finding {
                rule: "acda5271-3557-402f-9416-4eb565f170e2".into(),
                analytic,
                title: "Log-In After Many Accounts Were Tried".into(),
                level,
                reason: "an address that failed on ten accounts logs in".into(),
                next: "Ask the owner.".into(),
                techniques: vec!["T1110.003".into(), "T1078".into()],
                references: vec!["https://attack.mitre.org/techniques/T1110/003/".into()],
                first: Some(Timestamp::from_seconds(10)),
                last: Some(Timestamp::from_seconds(20)),
                places: vec![Place {
                    artefact: "var/log/mail.log".into(),
                    offset: 5,
                    length: 7,
                    line: Some(2),
                    excerpt: "x".into(),
                }],
                observables: KINDS
                    .iter()
                    .map(|kind| Observable {
                        kind: *kind,
                        name: "src_endpoint.ip".into(),
                        value: "198.51.100.7".into(),
                    })
                    .collect(),
            });
        }
    }
    all.push(Finding {
        rule: "web-shell".into(),
        analytic: Analytic::Content,
        title: "Web shell".into(),
        level: Level::High,
        reason: "a PHP file runs what it is sent".into(),
        next: String::new(),
        techniques: Vec::new(),
        references: Vec::new(),
        first: None,
        last: None,
        places: vec![Place::default()],
        observables: Vec::new(),
    });
    all
}

#[test]
fn findings_are_valid_ocsf() {
    let Some(root) = shared() else {
        for finding in findings() {
            let value = finding.to_ocsf(Timestamp::from_seconds(99));
            for name in [
                "activity_id",
                "category_uid",
                "class_uid",
                "severity_id",
                "time",
                "type_uid",
            ] {
                assert!(value[name].is_i64(), "{name}");
            }
            assert!(value["finding_info"]["uid"].is_string());
            assert!(value["metadata"]["product"].is_object());
        }
        return;
    };
    let schema = Schema::load(&root);
    let mut errors = Vec::new();
    for finding in findings() {
        let value = finding.to_ocsf(Timestamp::from_seconds(99));
        schema.object(
            "finding",
            &value,
            &schema.events,
            "detection_finding",
            &mut errors,
        );
        captions(&schema, &value, &mut errors);
    }
    errors.sort();
    errors.dedup();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// Words beside numbers are those of the enumerations.
fn captions(schema: &Schema, value: &Value, errors: &mut Vec<String>) {
    let (attributes, _) = Schema::attributes(&schema.events, "detection_finding");
    let (analytic, _) = Schema::attributes(&schema.objects, "analytic");
    let caption = |attributes: &Map<String, Value>, name: &str, id: &Value| -> String {
        let entry = &schema.dictionary["attributes"][name]["enum"][id.to_string()]["caption"];
        let own = &attributes[name]["enum"][id.to_string()]["caption"];
        own.as_str()
            .or(entry.as_str())
            .unwrap_or_default()
            .to_string()
    };
    for (id, word) in [
        ("activity_id", "activity_name"),
        ("severity_id", "severity"),
        ("status_id", "status"),
    ] {
        let expected = caption(&attributes, id, &value[id]);
        if value[word] != expected.as_str() {
            errors.push(format!("{word} is {}, not {expected}", value[word]));
        }
    }
    let found = &value["finding_info"]["analytic"];
    let expected = caption(&analytic, "type_id", &found["type_id"]);
    if found["type"] != expected.as_str() {
        errors.push(format!(
            "analytic.type is {}, not {expected}",
            found["type"]
        ));
    }
}

#[test]
fn observables_have_the_numbers_of_the_schema() {
    let Some(root) = shared() else { return };
    let known = Schema::load(&root).observables();
    for kind in KINDS {
        let captions = known
            .get(&(kind as i64))
            .unwrap_or_else(|| panic!("{kind:?} has no such number"));
        assert!(
            captions.iter().any(|c| c == kind.caption()),
            "{kind:?}: {captions:?}"
        );
    }
}

#[test]
fn the_check_finds_what_is_wrong() {
    let Some(root) = shared() else { return };
    let schema = Schema::load(&root);
    let good = findings().remove(0).to_ocsf(Timestamp::from_seconds(99));
    for (change, told) in [
        (("finding_info", Value::Null), "finding_info"),
        (("severity_id", 77.into()), "not in its enumeration"),
        (("nonsense", 1.into()), "nonsense is unknown"),
        (("time", "now".into()), "is no timestamp_t"),
        (
            (
                "evidences",
                Value::Array(vec![serde_json::json!({"name": "x"})]),
            ),
            "none of",
        ),
    ] {
        let mut value = good.clone();
        value[change.0] = change.1;
        let mut errors = Vec::new();
        schema.object(
            "finding",
            &value,
            &schema.events,
            "detection_finding",
            &mut errors,
        );
        assert!(
            errors.iter().any(|e| e.contains(told)),
            "{told}: {errors:?}"
        );
    }
}
