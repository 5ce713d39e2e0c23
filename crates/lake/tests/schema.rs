//! Every event against the OCSF schema: required attributes, types, enumerations, constraints,
//! and no attribute that the schema does not know.
//!
//! The schema is not part of the project. `VAUBAN_SHARED` names the folder that has it; without it
//! the test says so and checks what every OCSF event must have.

mod common;

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vauban_lake::Class;

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
        "{} is absent: only the built-in rules are checked",
        path.display()
    );
    None
}

/// Definitions by name.
struct Schema {
    dictionary: Value,
    events: BTreeMap<String, Value>,
    objects: BTreeMap<String, Value>,
    profiles: BTreeMap<String, Value>,
}

fn load(root: &Path, folder: &str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.join(folder)];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "json") {
                let v: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
                let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
                let name = v["name"].as_str().map_or(stem, str::to_owned);
                found.insert(name, v);
            }
        }
    }
    found
}

impl Schema {
    fn load(root: &Path) -> Self {
        let dictionary = std::fs::read(root.join("dictionary.json")).unwrap();
        Self {
            dictionary: serde_json::from_slice(&dictionary).unwrap(),
            events: load(root, "events"),
            objects: load(root, "objects"),
            profiles: load(root, "profiles"),
        }
    }

    /// Attributes with those inherited; the constraints are those of the nearest definition.
    fn attributes(
        &self,
        table: &BTreeMap<String, Value>,
        name: &str,
    ) -> (Map<String, Value>, Value) {
        let definition = table
            .get(name)
            .unwrap_or_else(|| panic!("no definition of {name}"));
        let (mut all, mut constraints) = match definition["extends"].as_str() {
            Some(base) if table.contains_key(base) => self.attributes(table, base),
            _ => (Map::new(), Value::Null),
        };
        for (key, own) in definition["attributes"].as_object().into_iter().flatten() {
            if key == "$include" {
                continue;
            }
            let merged = all
                .entry(key.clone())
                .or_insert_with(|| Value::Object(Map::new()));
            for (k, v) in own.as_object().into_iter().flatten() {
                // Enumerations add to those inherited.
                if k == "enum" && merged["enum"].is_object() {
                    for (ek, ev) in v.as_object().into_iter().flatten() {
                        merged["enum"][ek] = ev.clone();
                    }
                } else {
                    merged[k] = v.clone();
                }
            }
        }
        if definition["constraints"].is_object() {
            constraints = definition["constraints"].clone();
        }
        (all, constraints)
    }

    fn check(
        &self,
        at: &str,
        object: &Value,
        attributes: &Map<String, Value>,
        errors: &mut Vec<String>,
    ) {
        let object = object
            .as_object()
            .unwrap_or_else(|| panic!("{at} is no object"));
        for (name, rule) in attributes {
            if rule["requirement"] == "required" && !object.contains_key(name) {
                errors.push(format!("{at}.{name} is required"));
            }
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
            let values: Vec<&Value> = if entry["is_array"] == true {
                match value.as_array() {
                    Some(list) => list.iter().collect(),
                    None => {
                        errors.push(format!("{path} is no array"));
                        continue;
                    }
                }
            } else {
                vec![value]
            };
            for value in values {
                self.check_value(&path, name, kind, rule, entry, value, errors);
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn check_value(
        &self,
        path: &str,
        name: &str,
        kind: &str,
        rule: &Value,
        entry: &Value,
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
            // Any object is allowed here.
            "object" | "json_t" => return,
            object if self.objects.contains_key(object) => {
                let (attributes, constraints) = self.attributes(&self.objects, object);
                self.check(path, value, &attributes, errors);
                constraint(path, value, &constraints, errors);
                return;
            }
            other => panic!("{path}: type {other}"),
        };
        if !fits {
            errors.push(format!("{path} is no {kind}: {value}"));
        }
        if kind == "ip_t"
            && value
                .as_str()
                .is_none_or(|s| s.parse::<std::net::IpAddr>().is_err())
        {
            errors.push(format!("{path} is no address: {value}"));
        }
        if kind == "port_t" && value.as_i64().is_none_or(|p| !(0..65_536).contains(&p)) {
            errors.push(format!("{path} is no port: {value}"));
        }
        // An enumeration of a class adds to the dictionary's (0 and 99 stand there).
        let listed = |e: &Value| e["enum"].get(value.to_string()).is_some();
        let has_enum = rule["enum"].is_object() || entry["enum"].is_object();
        if has_enum && name.ends_with("_id") && !listed(rule) && !listed(entry) {
            errors.push(format!("{path}: {value} is not in its enumeration"));
        }
    }

    fn event(&self, class: Class, event: &Value) -> Vec<String> {
        let mut errors = Vec::new();
        let (mut attributes, constraints) = self.attributes(&self.events, class.name());
        for profile in event["metadata"]["profiles"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let profile = &self.profiles[profile.as_str().unwrap()];
            for (name, rule) in profile["attributes"].as_object().into_iter().flatten() {
                attributes
                    .entry(name.clone())
                    .or_insert_with(|| rule.clone());
            }
        }
        // An addition of ours, documented.
        let mut event = event.clone();
        assert!(event.as_object_mut().unwrap().remove("evidence").is_some());
        self.check(class.name(), &event, &attributes, &mut errors);
        constraint(class.name(), &event, &constraints, &mut errors);
        errors
    }
}

fn constraint(at: &str, value: &Value, constraints: &Value, errors: &mut Vec<String>) {
    if let Some(names) = constraints["at_least_one"].as_array()
        && !names
            .iter()
            .any(|n| value.get(n.as_str().unwrap()).is_some())
    {
        errors.push(format!("{at}: none of {names:?}"));
    }
}

fn all() -> Vec<(Class, Value)> {
    let artefacts: Vec<String> = vec!["var/log/syslog".into(), "var/log/mail.log".into()];
    let mut chunk = vauban_lake::ChunkEvents::new(artefacts.into());
    for event in common::events() {
        vauban_ocsf::EventSink::event(&mut chunk, &event);
    }
    let mut rows = Vec::new();
    for batch in chunk.finish().unwrap() {
        for i in 0..batch.batch.num_rows() {
            rows.push((batch.class, common::row(&batch.batch, i)));
        }
    }
    rows
}

#[test]
fn events_are_valid_ocsf() {
    let rows = all();
    assert_eq!(rows.len(), common::events().len());
    for class in Class::ALL {
        assert!(
            rows.iter().any(|(c, _)| c == class),
            "no event of {class:?}"
        );
    }
    let Some(root) = shared() else { return };
    let schema = Schema::load(&root);
    let mut seen = BTreeMap::<String, usize>::new();
    for (class, row) in &rows {
        for error in schema.event(*class, row) {
            *seen.entry(error).or_default() += 1;
        }
    }
    // A log of an MTA has envelope addresses (the class's `from` and `to`), never those of the
    // header, which the constraint of the `email` object asks for.
    let allowed = "email_activity.email: none of";
    let errors: Vec<_> = seen
        .iter()
        .filter(|(e, _)| !e.starts_with(allowed))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn what_every_event_has() {
    for (class, row) in all() {
        let id = row["activity_id"].as_i64().unwrap();
        assert_eq!(row["class_uid"], class.uid());
        assert_eq!(row["category_uid"], class.uid() / 1000);
        assert_eq!(row["type_uid"], i64::from(class.uid()) * 100 + id);
        assert_eq!(row["time"], 1_765_247_400_123_i64);
        assert!(row["severity_id"].is_i64());
        assert!(
            row["metadata"]["version"]
                .as_str()
                .is_some_and(|v| v.starts_with("1."))
        );
        assert!(row["metadata"]["product"]["name"].is_string());
        assert_eq!(row["evidence"]["artefact"], "var/log/mail.log");
        assert_eq!(row["evidence"]["artefact_id"], 1);
        assert_eq!(row["evidence"]["offset"], 42);
        assert_eq!(row["evidence"]["length"], 99);
    }
}

#[test]
fn values_stand_where_they_belong() {
    let rows = all();
    let first = |class: Class| &rows.iter().find(|(c, _)| *c == class).unwrap().1;
    let logon = first(Class::Authentication);
    assert_eq!(logon["src_endpoint"]["ip"], "203.0.113.77");
    assert_eq!(logon["dst_endpoint"]["ip"], "2001:db8::25");
    assert_eq!(logon["user"]["name"], "anne");
    assert_eq!(logon["actor"]["user"]["name"], "admin");
    assert_eq!(logon["is_cleartext"], false);
    let http = first(Class::Http);
    assert_eq!(
        http["http_request"]["url"]["query_string"],
        "_task=mail&_action=show&_uid=7"
    );
    assert_eq!(
        http["http_request"]["x_forwarded_for"],
        serde_json::json!(["198.51.100.1", "2001:db8::1"])
    );
    assert_eq!(http["traffic"]["bytes_out"], 5120);
    let email = first(Class::Email);
    assert_eq!(
        email["to"],
        serde_json::json!(["c@d.example", "e@f.example"])
    );
    assert_eq!(
        first(Class::WebResources)["web_resources"][0]["name"],
        "INBOX"
    );
    assert_eq!(first(Class::FileHosting)["file"]["name"], "m@x.example");
    // A comma is part of an answer.
    let dns = first(Class::Dns);
    assert_eq!(
        dns["answers"],
        serde_json::json!([{"rdata": "v=spf1 a, b"}, {"rdata": "192.0.2.1"}])
    );
    assert_eq!(
        (&dns["rcode_id"], &dns["action_id"]),
        (&3.into(), &2.into())
    );
    let file = first(Class::File);
    assert_eq!(file["file"]["name"], "x");
    assert_eq!(file["file"]["hashes"][0]["algorithm_id"], 3);
    let launch = rows
        .iter()
        .find(|(c, r)| *c == Class::Process && r["unmapped"].is_object())
        .unwrap();
    assert_eq!(
        launch.1["unmapped"]["argv"],
        serde_json::json!(["cat", "/etc/shadow"])
    );
    let alert = first(Class::Detection);
    assert_eq!(alert["severity_id"], 4);
    assert_eq!(alert["evidences"][0]["src_endpoint"]["ip"], "203.0.113.77");
    let tls = rows.iter().find(|(_, r)| r["tls"].is_object()).unwrap();
    assert_eq!(tls.1["tls"]["sni"], "c2.example");
    assert_eq!(tls.1["tls"]["certificate"]["issuer"], "");
    assert_eq!(tls.1["ja4_fingerprint_list"][0]["type_id"], 1);
    // A counter beyond the signed range is at its end, not negative; a zero is not a null.
    let logoff = rows
        .iter()
        .find(|(_, r)| r["unmapped"]["retr_bytes"].is_i64())
        .unwrap();
    assert_eq!(logoff.1["unmapped"]["bytes_out"], i64::MAX);
    assert_eq!(logoff.1["unmapped"]["retr_bytes"], 0);
    assert!(logoff.1["unmapped"].get("top_bytes").is_none());
}

#[test]
fn every_column_is_described() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/OCSF.md");
    let page = std::fs::read_to_string(page).unwrap();
    for class in Class::ALL {
        let paths = class.paths();
        for (i, path) in paths.iter().enumerate() {
            assert!(!paths[..i].contains(path), "{class:?}: {path} twice");
            assert!(
                page.contains(&format!("`{path}`")),
                "{class:?}: {path} is not in docs/OCSF.md"
            );
        }
    }
}
