//! The other outputs of the fixtures: contract, snapshots, CSV, STIX, drafts, PDF.

mod common;

use std::path::PathBuf;

use jsonschema::{Registry, Resource};
use vauban_case::contract::Case;
use vauban_report::{Lang, csv, notify, pdf, stix, terminal};

fn json(path: &PathBuf) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("JSON")
}

/// The fixtures are cases as the published schema has them, and say nothing the types drop.
#[test]
fn fixtures_follow_the_published_schema() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let schema = json(&root.join("docs/case.schema.json"));
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    for name in ["breach", "clean"] {
        let case = common::case(name);
        let value = serde_json::to_value(&case).unwrap();
        let problems: Vec<String> = validator
            .iter_errors(&value)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{name}: {problems:?}");
        let again: Case = serde_json::from_value(value).unwrap();
        assert_eq!(again, case);
    }
    let broken = serde_json::json!({"schema_version": 1});
    assert!(!validator.is_valid(&broken));
}

#[test]
fn one_screen_each() {
    for name in ["breach", "clean"] {
        for lang in [Lang::En, Lang::Fr] {
            let text = terminal::summary(&common::case(name), lang, 100, false);
            assert!(text.lines().count() <= terminal::MAX_LINES);
            insta::assert_snapshot!(format!("terminal-{name}-{}", lang.tag()), text);
        }
    }
}

#[test]
fn drafts_say_what_is_known_and_mark_the_rest() {
    let breach = common::case("breach");
    insta::assert_snapshot!(
        "gdpr-art33-fr",
        notify::gdpr_art33(&breach, Lang::Fr).markdown()
    );
    insta::assert_snapshot!(
        "nis2-final-en",
        notify::nis2_final(&breach, Lang::En).markdown()
    );
    for (lang, mark) in [
        (Lang::En, "⟦to be completed: "),
        (Lang::Fr, "⟦à compléter\u{A0}: "),
    ] {
        for case in [&breach, &Case::default()] {
            for draft in [
                notify::gdpr_art33(case, lang),
                notify::nis2_early_warning(case, lang),
                notify::nis2_notification(case, lang),
                notify::nis2_final(case, lang),
            ] {
                let text = draft.markdown();
                assert_eq!(text.matches(mark).count(), draft.open_places());
                assert!(draft.open_places() >= 5);
            }
        }
    }
    // A case that knows nothing gives a draft without a number of anything.
    let empty = notify::gdpr_art33(&Case::default(), Lang::En).markdown();
    for word in ["message", "document", "account"] {
        let claims = empty
            .lines()
            .filter(|l| !l.contains('⟦') && l.starts_with("- "));
        assert!(
            claims.clone().all(|l| !l.contains(word)),
            "{:?}",
            claims.collect::<Vec<_>>()
        );
    }
}

#[test]
fn tables_hold_the_whole_case() {
    let case = common::case("breach");
    let ledger = csv::ledger(&case, Lang::En);
    let rows = String::from_utf8(ledger).unwrap().matches("\r\n").count();
    assert_eq!(rows, case.ledger.len() + 1);
    let timeline = String::from_utf8(csv::timeline(&case, Lang::Fr)).unwrap();
    let times: Vec<&str> = timeline
        .lines()
        .skip(1)
        .filter_map(|l| l.split(',').next())
        .collect();
    assert!(times.len() > 60);
    assert!(times.windows(2).all(|w| w[0] <= w[1]), "in order of time");
    insta::assert_snapshot!(
        "timeline-fr-head",
        timeline.lines().take(14).collect::<Vec<_>>().join("\n")
    );
}

/// The OASIS schemas where they are at hand; references and required members always.
#[test]
fn bundles_are_stix() {
    let shared = std::env::var_os("VAUBAN_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let schemas = shared.join("data/intel-stix-taxii/cti-stix2-json-schemas/schemas");
    let mut documents = Vec::new();
    for folder in ["common", "observables", "sdos", "sros"] {
        for entry in std::fs::read_dir(schemas.join(folder))
            .into_iter()
            .flatten()
            .flatten()
        {
            documents.push(json(&entry.path()));
        }
    }
    if documents.is_empty() {
        println!("{} is absent: only our own checks run", schemas.display());
    }
    let id = |d: &serde_json::Value| d["$id"].as_str().unwrap_or_default().to_owned();
    let mut registry = Registry::new();
    for d in &documents {
        registry = registry
            .add(id(d), Resource::from_contents(d.clone()))
            .expect("a schema");
    }
    let registry = registry.prepare().expect("schemas");
    for name in ["breach", "clean"] {
        let bundle = stix::bundle(&common::case(name));
        let objects = bundle["objects"].as_array().unwrap();
        assert!(objects.iter().any(|o| o["type"] == "report"));
        for o in objects {
            let kind = o["type"].as_str().unwrap();
            assert!(o["id"].as_str().unwrap().starts_with(&format!("{kind}--")));
            assert_eq!(o["spec_version"], "2.1");
            let Some(schema) = documents
                .iter()
                .find(|d| id(d).ends_with(&format!("/{kind}.json")))
            else {
                assert!(documents.is_empty(), "no schema of {kind}");
                continue;
            };
            let validator = jsonschema::options()
                .with_registry(&registry)
                .build(schema)
                .expect("schema");
            let problems: Vec<String> = validator.iter_errors(o).map(|e| e.to_string()).collect();
            assert!(problems.is_empty(), "{o}: {problems:?}");
        }
    }
}

#[test]
fn the_paper_has_a_ministers_length() {
    for (name, least) in [("breach", 4), ("clean", 1)] {
        for lang in [Lang::En, Lang::Fr] {
            let case = common::case(name);
            let bytes = pdf::render(&case, lang);
            assert_eq!(bytes, pdf::render(&case, lang));
            let pages = bytes
                .windows(10)
                .filter(|w| w.starts_with(b"/Type/Page") && w.len() == 10)
                .count();
            let text = String::from_utf8_lossy(&bytes);
            let pages = pages.max(text.matches("/Type /Page\n").count());
            assert!((least..=10).contains(&pages), "{name}: {pages} pages");
            assert!(bytes.len() < 300_000, "{} bytes", bytes.len());
        }
    }
}
