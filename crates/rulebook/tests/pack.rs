//! The built-in pack: its examples, its form, the specification's JSON schemas, the pipeline.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vauban_rulebook::{Book, Kind, RuleFile, Weight, builtin, lint, run_examples};

#[test]
fn every_example_comes_out_as_it_says() {
    let report = run_examples(&builtin());
    assert!(report.wrong.is_empty(), "{:#?}", report.wrong);
    assert!(report.examples >= 250, "{report:?}");
}

#[test]
fn examples_that_are_wrong_are_told() {
    let mut files = builtin();
    let name = "webmail/webmail_zip_download.examples";
    let file = files.iter_mut().find(|f| f.path == name).unwrap();
    file.text = file.text.replace("matches: true", "matches: false");
    let report = run_examples(&files);
    assert_eq!(report.wrong.len(), 1, "{:?}", report.wrong);
    assert!(report.wrong[0].contains("selected messages"), "{report:?}");
    let file = files.iter_mut().find(|f| f.path == name).unwrap();
    file.text = "examples:\n  - name: n\n    matches: true\n    logs:\n      x.log: |\n        not a log at all\n".into();
    let report = run_examples(&files);
    assert!(report.wrong[0].contains("no log of a known format"));
}

fn pack() -> (Vec<RuleFile>, Book) {
    let files = builtin();
    let book = Book::parse(&files);
    assert!(book.problems.is_empty(), "{:?}", book.problems);
    (files, book)
}

/// What the pack promises: enough rules, a third of them correlations, each with identity,
/// reason, references, techniques, innocent causes, and examples both ways.
#[test]
fn every_rule_says_what_it_must() {
    let (files, book) = pack();
    let blocks = |file: &str| file.starts_with("building-blocks/");
    let reporting: Vec<_> = book.entries.iter().filter(|e| !blocks(&e.file)).collect();
    let correlations = reporting
        .iter()
        .filter(|e| matches!(e.kind, Kind::Correlation(_)))
        .count();
    assert!(reporting.len() >= 60, "{}", reporting.len());
    assert!(correlations * 3 >= reporting.len(), "{correlations}");
    for entry in &book.entries {
        let at = format!("{}: {}", entry.file, entry.title());
        let id = entry.identity();
        assert_eq!(id.len(), 36, "{at}");
        assert!(!entry.description().is_empty(), "{at}");
        assert!(!entry.false_positives().is_empty(), "{at}");
        assert!(
            entry.tags().iter().any(|t| t.starts_with("attack.t")),
            "{at}"
        );
        assert!(!entry.references().is_empty(), "{at}");
        let (author, license) = match &entry.kind {
            Kind::Rule(rule) => (&rule.author, &rule.license),
            Kind::Correlation(rule) => (&rule.author, &rule.license),
        };
        assert_eq!(author.as_deref(), Some("The Vauban developers"), "{at}");
        assert_eq!(license.as_deref(), Some("Apache-2.0 OR MIT"), "{at}");
        if blocks(&entry.file) {
            assert_eq!(entry.level(), "informational", "{at}");
            continue;
        }
        assert_ne!(entry.level(), "", "{at}");
        let examples = entry.file.replace(".yml", ".examples");
        let text = files
            .iter()
            .find(|f| f.path == examples)
            .unwrap_or_else(|| panic!("{examples} is missing"));
        for way in ["matches: true", "matches: false"] {
            assert!(text.text.contains(way), "{examples}: {way}");
        }
    }
}

/// A rule that reports and also serves a correlation goes on reporting only if the correlation
/// asks for it (`generate`).
#[test]
fn no_correlation_silences_a_rule() {
    let (_, book) = pack();
    for entry in &book.entries {
        let Kind::Correlation(rule) = &entry.kind else {
            continue;
        };
        for name in &rule.rules {
            let base = book.find(name).unwrap();
            assert!(
                rule.generate || base.file.starts_with("building-blocks/"),
                "{} silences {}",
                entry.title(),
                base.title()
            );
        }
    }
}

#[test]
fn the_pack_has_no_lint() {
    let lints: Vec<_> = lint(&builtin())
        .into_iter()
        .filter(|l| l.weight <= Weight::Warning)
        .collect();
    assert!(lints.is_empty(), "{lints:#?}");
}

/// Everything that the parsers' own test data becomes has a logsource, and only fields, that the
/// vocabulary names.
#[test]
fn the_vocabulary_knows_every_event() {
    struct Check {
        vocabulary: Vec<vauban_detect::Described>,
        events: usize,
        unknown: std::collections::BTreeSet<String>,
    }
    impl vauban_ocsf::EventSink for Check {
        fn event(&mut self, event: &vauban_ocsf::Event<'_>) {
            self.events += 1;
            let mut fields = Vec::new();
            let source = vauban_detect::describe(event, &mut |name, _| fields.push(name));
            let mut candidates = self
                .vocabulary
                .iter()
                .filter(|d| d.source == source)
                .peekable();
            if candidates.peek().is_none() {
                self.unknown.insert(format!("{source:?}"));
            } else if !candidates.any(|d| fields.iter().all(|f| d.fields.contains(f))) {
                self.unknown.insert(format!("{source:?} {fields:?}"));
            }
        }
        fn unparsed(&mut self, _: vauban_ocsf::Evidence, _: &'static str) {}
    }
    let mut check = Check {
        vocabulary: vauban_detect::vocabulary(),
        events: 0,
        unknown: Default::default(),
    };
    let mut dirs = vec![
        Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../sources/tests/data"
        ))
        .to_path_buf(),
    ];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let name = path.display().to_string();
            let head = &bytes[..bytes.len().min(64 << 10)];
            let Some(format) = vauban_sources::recognise(&name, head) else {
                continue;
            };
            let context = vauban_sources::Context {
                artefact: Default::default(),
                time: vauban_evidence::TimeBase::utc((2026, 12, 31)),
                access_layouts: Vec::new(),
            };
            let mut reader = bytes.as_slice();
            format
                .parse_stream(&context, &mut reader, &mut check)
                .unwrap();
        }
    }
    assert!(check.events > 100, "{}", check.events);
    assert!(check.unknown.is_empty(), "{:#?}", check.unknown);
}

/// `docs/RULES.md` names every field and every rule.
#[test]
fn the_documentation_is_complete() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/RULES.md");
    let text = std::fs::read_to_string(path).unwrap();
    for (class, _, fields) in vauban_rulebook::classes() {
        let line = format!("- **{class}**: {}", fields.join(", "));
        assert!(text.contains(&line), "{line}");
    }
    let (_, book) = pack();
    for entry in &book.entries {
        let name = match &entry.kind {
            Kind::Rule(rule) => rule.name.as_deref(),
            Kind::Correlation(rule) => rule.name.as_deref(),
        };
        let row = format!(
            "| {} (`{}`) | {} |",
            entry.title(),
            name.unwrap(),
            entry.level()
        );
        assert!(
            text.contains(&row) || entry.level() == "informational",
            "{row}"
        );
    }
}

fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("VAUBAN_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| {
            Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).to_path_buf()
        });
    let path = root.join("data/sigma/specification-schemas/json-schema");
    if path.is_dir() {
        return Some(path);
    }
    println!("{} is absent: only our own checks are made", path.display());
    None
}

/// Against the JSON schemas of the Sigma specification 2.1.
#[test]
fn rules_are_valid_against_the_schemas() {
    let Some(dir) = shared() else { return };
    let schema = |name: &str| {
        let text = std::fs::read_to_string(dir.join(name)).unwrap();
        // `…/schema#` is no identifier of a dialect the validator knows.
        let text = text.replace("2020-12/schema#\"", "2020-12/schema\"");
        let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
        jsonschema::options()
            .should_validate_formats(true)
            .build(&schema)
            .unwrap()
    };
    let rule = schema("sigma-detection-rule-schema.json");
    let correlation = schema("sigma-correlation-rules-schema.json");
    let mut checked = 0;
    for file in builtin().iter().filter(|f| !f.is_examples()) {
        let value: serde_json::Value = yaml_serde::from_str(&file.text).unwrap();
        let validator = if value.get("correlation").is_some() {
            &correlation
        } else {
            &rule
        };
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|e| format!("{}: {e}", file.path))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        checked += 1;
    }
    assert!(checked > 150);
    // The validator does find what is wrong.
    let broken = serde_json::json!({"title": "T", "logsource": {}, "detection": {}});
    assert!(!rule.is_valid(&broken));
}

/// The pipeline maps a name to the attribute under which the same value stands.
#[test]
fn the_pipeline_says_what_the_taxonomy_does() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../rules/sigma/pipelines/vauban-ocsf.yml"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let pipeline: serde_json::Value = yaml_serde::from_str(&text).unwrap();
    let mut sections = BTreeMap::new();
    for part in pipeline["transformations"].as_array().unwrap() {
        assert_eq!(part["type"], "field_name_mapping");
        let category = part["rule_conditions"][0]["category"].as_str().unwrap();
        let mapping = part["mapping"].as_object().unwrap();
        sections.insert(category.to_string(), mapping.clone());
    }
    let vocabulary = vauban_detect::vocabulary();
    let known = |category: &str, name: &str| {
        vocabulary
            .iter()
            .filter(|d| d.source.satisfies(category, "", ""))
            .any(|d| d.fields.contains(&name))
    };
    for (category, mapping) in &sections {
        for (name, path) in mapping {
            assert!(known(category, name), "{category}: {name}");
            let path = path.as_str().unwrap();
            assert!(known(category, path), "{category}: {name} → {path}");
        }
    }
    // Every category that events of ours have is mapped.
    for described in &vocabulary {
        let category = described.source.category;
        assert!(
            category.is_empty() || sections.contains_key(category),
            "{category} is not in the pipeline"
        );
    }
}
