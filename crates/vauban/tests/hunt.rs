//! `vauban hunt` as its user meets it, over the shipped example.

use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

fn vauban(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vauban"))
        .args(args)
        .output()
        .expect("the program runs")
}

fn example(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    path.join(name).display().to_string()
}

/// Titles and documents of the findings.
fn findings(more: &[&str]) -> Vec<Value> {
    let evidence = example("ministry.tar.xz");
    let mut args = vec!["hunt", &evidence, "--format", "jsonl"];
    args.extend_from_slice(more);
    let done = vauban(&args);
    assert_eq!(
        done.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn rules(all: &[Value]) -> Vec<&str> {
    all.iter()
        .filter_map(|f| f["finding_info"]["title"].as_str())
        .collect()
}

#[test]
fn the_example_is_hunted_through_logs_mail_and_files() {
    let all = findings(&[]);
    let titles = rules(&all);
    for expected in [
        // Events, one by one; correlations over several logs; messages; sessions; files.
        "Mail Server's Own Packet Filter",
        "Passwords of Several Accounts Changed From One Address",
        "CVE-2024-37383",
        "Session of an account that is not its owner's",
        "is sent to another organisation",
    ] {
        assert!(
            titles.iter().any(|t| t.contains(expected)),
            "{expected} is not among {titles:#?}"
        );
    }
    for f in &all {
        assert_eq!(f["class_uid"], 2004);
        assert!(f["severity_id"].as_u64().unwrap() >= 3, "{f}");
        let evidence = f["evidences"].as_array().unwrap();
        assert!(!evidence.is_empty(), "no claim without a line: {f}");
    }
}

#[test]
fn same_evidence_same_findings() {
    let uids = |all: Vec<Value>| -> Vec<String> {
        all.iter()
            .map(|f| f["finding_info"]["uid"].as_str().unwrap().to_string())
            .collect()
    };
    let one = uids(findings(&["--threads", "1"]));
    let other = uids(findings(&["--threads", "3"]));
    assert_eq!(one, other);
    let mut unique = one.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), one.len(), "a finding is told twice");
}

#[test]
fn an_advisorys_values_are_looked_for() {
    let advisory = example("advisory.html");
    let without = findings(&[]).len();
    let with = findings(&["--indicators", &advisory]);
    assert!(with.len() > without);
    assert!(
        with.iter().any(|f| f["finding_info"]["analytic"]["uid"]
            .as_str()
            .is_some_and(|u| u.starts_with("indicator:"))),
        "no indicator is found"
    );
}

#[test]
fn what_is_missing_is_said() {
    let done = vauban(&["hunt", "/nonexistent/evidence"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&done.stderr).contains("/nonexistent/evidence"));
    let done = vauban(&["hunt"]);
    assert_eq!(done.status.code(), Some(2));
}

#[test]
fn sarif_names_file_and_place() {
    let done = vauban(&[
        "hunt",
        &example("ministry.tar.xz"),
        "--format",
        "sarif",
        "--quiet",
    ]);
    let log: Value = serde_json::from_slice(&done.stdout).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for r in results {
        let place = &r["locations"][0]["physicalLocation"];
        assert!(place["artifactLocation"]["uri"].is_string(), "{r}");
        assert!(place["region"]["byteOffset"].is_u64(), "{r}");
    }
}
