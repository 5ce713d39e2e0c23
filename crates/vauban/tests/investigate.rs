//! `vauban investigate` as its user meets it: verdicts, exit codes, determinism, advisories, rules.

mod common;

use common::*;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn a_spray_that_succeeds_is_a_breach_and_everything_is_written() {
    let dir = evidence(true);
    let before = snapshot(dir.path());
    let (output, out) = run(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let case = case(out.path());
    assert_eq!(case["verdict"], "breached");
    assert_eq!(case["accounts"][0]["account"], "jean@min.example");
    assert_eq!(case["initial_access"][0]["vector"], "password_spray");
    assert_eq!(case["totals"]["bytes_max"], 1500);
    let session = &case["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["label"] == "intruder")
        .unwrap();
    let line = &session["evidence"][0];
    assert_eq!(line["artefact"], "var/log/mail.log");
    assert!(
        line["excerpt"]
            .as_str()
            .unwrap()
            .contains("rip=203.0.113.9")
    );
    for name in [
        "report.html",
        "report.pdf",
        "ledger.csv",
        "timeline.csv",
        "case.stix.json",
        "manifest.json",
        "problems.json",
        "events/authentication.parquet",
        "notifications/gdpr-art33.md",
        "notifications/nis2-early-warning-24h.md",
    ] {
        assert!(
            fs::metadata(out.path().join(name)).is_ok_and(|m| m.len() > 0),
            "{name}"
        );
    }
    // Names, bytes and times, of directories too.
    assert!(before == snapshot(dir.path()), "the evidence was changed");
}

#[test]
fn a_spray_that_fails_is_none() {
    let (output, out) = run(evidence(false).path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert_eq!(case(out.path())["verdict"], "no_evidence_of_breach");
}

#[test]
fn the_same_evidence_gives_the_same_bytes() {
    // Enough lines for several pieces, several messages for several threads.
    let (dir, _) = webmail("Rapport", "rapport.pdf", "Mozilla/5.0 (X11)", "budget");
    let path = dir.path().join("var/log/mail.log");
    let mut log = fs::read_to_string(&path).unwrap();
    for n in 0..90_000 {
        let (hour, minute, second) = (9 + n / 10_800, n / 180 % 60, n / 3 % 60);
        log.push_str(&format!("Dec  8 {hour:02}:{minute:02}:{second:02} mail postfix/smtpd[77]: connect from unknown[192.0.2.{}]\n", n % 200));
    }
    assert!(log.len() > 5 << 20);
    fs::write(&path, log).unwrap();

    let (_, one) = run(dir.path(), &["--threads", "1"]);
    let (again, two) = run(dir.path(), &["--threads", "4"]);
    let (json, four) = run(dir.path(), &["--threads", "4", "--format", "json"]);
    let names = |dir: &Path| -> Vec<PathBuf> {
        let strip = |p: PathBuf| p.strip_prefix(dir).unwrap().to_path_buf();
        files_below(dir).into_iter().map(strip).collect()
    };
    assert!(names(one.path()).len() > 15, "{:?}", names(one.path()));
    for other in [&two, &four] {
        assert_eq!(names(one.path()), names(other.path()));
        for name in names(one.path()) {
            let same = fs::read(one.path().join(&name)).unwrap()
                == fs::read(other.path().join(&name)).unwrap();
            assert!(same, "{}", name.display());
        }
    }
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(
        json.stdout,
        fs::read(four.path().join("case.json")).unwrap()
    );
    serde_json::from_slice::<serde_json::Value>(&json.stdout).unwrap();
}

#[test]
fn an_archive_says_what_its_directory_says() {
    let (dir, _) = webmail("Rapport", "rapport.pdf", "Mozilla/5.0 (X11)", "budget");
    let packed = tempfile::tempdir().unwrap();
    fs::write(packed.path().join("mail1.tar.gz"), tar_gz(dir.path())).unwrap();
    let (_, plain) = run(dir.path(), &[]);
    let (output, unpacked) = run(&packed.path().join("mail1.tar.gz"), &[]);
    assert_eq!(output.status.code(), Some(1));
    let (a, b) = (case(plain.path()), case(unpacked.path()));
    assert_eq!(a["verdict"], "breached");
    for same in [
        "verdict",
        "confidence",
        "totals",
        "summary",
        "searches",
        "initial_access",
    ] {
        assert_eq!(
            without_evidence(&a[same]),
            without_evidence(&b[same]),
            "{same}"
        );
    }
    let messages = |case: &serde_json::Value| -> Vec<String> {
        let list = case["ledger"].as_array().unwrap().iter();
        list.map(|e| {
            format!(
                "{} {} {} {}",
                e["uid"], e["part"], e["level"], e["bytes_max"]
            )
        })
        .collect()
    };
    assert!(!messages(&a).is_empty());
    assert_eq!(messages(&a), messages(&b));
}

/// Without the places, which name the archive.
fn without_evidence(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Array(list) => list.iter().map(without_evidence).collect(),
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| *key != "evidence")
            .map(|(key, value)| (key.clone(), without_evidence(value)))
            .collect(),
        other => other.clone(),
    }
}

/// The address that guessed, in each form that advisories come in.
#[test]
fn advisories_in_every_form_are_looked_for() {
    let dir = evidence(false);
    let more = tempfile::tempdir().unwrap();
    let stix = r#"{"type":"bundle","id":"bundle--5d0092c5-5f74-4287-9642-33f4c354e56d","objects":[{
        "type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "created":"2025-12-09T00:00:00.000Z","modified":"2025-12-09T00:00:00.000Z","indicator_types":["malicious-activity"],
        "pattern":"[ipv4-addr:value = '203.0.113.9']","pattern_type":"stix","valid_from":"2025-12-01T00:00:00Z"}]}"#;
    let misp = r#"{"Event":{"info":"Guessing","date":"2025-12-09","Attribute":[
        {"type":"ip-src","category":"Network activity","to_ids":true,"value":"203.0.113.9"}]}}"#;
    for (name, content) in [
        ("alert.csv", "type,value\nipv4-addr,203.0.113.9\n"),
        ("alert.json", stix),
        ("event.json", misp),
        (
            "alert.html",
            "<html><title>Guessing</title><body><p>Passwords were guessed from <b>203.0.113[.]9</b>.</p></body></html>",
        ),
        ("alert.txt", "Passwords were guessed from 203[.]0.113.9.\n"),
    ] {
        let advisory = more.path().join(name);
        fs::write(&advisory, content).unwrap();
        let (output, out) = run(dir.path(), &["--advisory", advisory.to_str().unwrap()]);
        let case = case(out.path());
        let hits = &case["indicators"];
        assert_eq!(hits[0]["value"], "203.0.113.9", "{name}");
        // Six failed attempts.
        assert_eq!(hits[0]["count"], 6, "{name}");
        assert!(output.status.code().is_some_and(|c| c < 2), "{name}");
    }
    // An advisory that cannot be read is not passed over.
    let missing = more.path().join("nowhere.html");
    for path in [missing.as_path(), more.path()] {
        let (output, _) = run(dir.path(), &["--advisory", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert!(
            said.contains(path.file_name().unwrap().to_str().unwrap()),
            "{said}"
        );
    }
}

const RULE: &str = r#"
id = "house-rule"
title = "Guessing before"
title_fr = "Essais auparavant"
group = "credential"
weight = 5.0
all = ["source_failed_accounts >= 2"]
text = "A rule of this house: {source_failed_accounts} accounts."
text_fr = "Une règle de la maison : {source_failed_accounts} comptes."
reason = "So that rules of a house can be seen to work."
references = []

[[example]]
name = "guessing"
fires = true
facts = { source_failed_accounts = 3.0 }

[[example]]
name = "none"
fires = false
facts = { source_failed_accounts = 0.0 }
"#;

#[test]
fn rules_of_ones_own_judge_too_and_broken_ones_stop_the_run() {
    let dir = evidence(true);
    let rules = tempfile::tempdir().unwrap();
    let sessions = rules.path().join("sessions");
    fs::create_dir_all(&sessions).unwrap();
    fs::write(sessions.join("house.toml"), RULE).unwrap();
    let with = ["--rules", rules.path().to_str().unwrap()];
    let (_, out) = run(dir.path(), &with);
    let case = fs::read_to_string(out.path().join("case.json")).unwrap();
    assert!(case.contains("A rule of this house: 6 accounts."));

    for (folder, broken) in [
        ("sessions", "id = \"mine\"\n".as_bytes()),
        ("sessions", b"not = = toml"),
        ("sessions", b"\xff\xfe"),
        ("lures", b"id = 7"),
        ("markings", b"[[marking]]\nid = 7"),
    ] {
        let file = rules.path().join(folder).join("broken.toml");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, broken).unwrap();
        let (output, out) = run(dir.path(), &with);
        assert_eq!(output.status.code(), Some(2), "{broken:?}");
        let said = text(&output.stderr);
        assert!(said.contains("broken.toml"), "{said}");
        assert!(files_below(out.path()).is_empty());
        let check = vauban(&["rules", rules.path().to_str().unwrap()]);
        assert_eq!(check.status.code(), Some(2));
        assert!(text(&check.stderr).contains("broken.toml"));
        fs::remove_file(&file).unwrap();
    }
    // A directory named by mistake must not pass for one without rules.
    for wrong in ["/nonexistent", dir.path().to_str().unwrap()] {
        let (output, _) = run(dir.path(), &["--rules", wrong]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(wrong));
    }
}

#[test]
fn examples_of_ones_own_rules_are_run() {
    let rules = tempfile::tempdir().unwrap();
    let sessions = rules.path().join("sessions");
    fs::create_dir_all(&sessions).unwrap();
    let built_in = text(&vauban(&["rules"]).stdout);
    fs::write(sessions.join("house.toml"), RULE).unwrap();
    let check = vauban(&["rules", rules.path().to_str().unwrap()]);
    assert_eq!(check.status.code(), Some(0), "{}", text(&check.stderr));
    assert_ne!(text(&check.stdout), built_in);
    let wrong = RULE.replace("fires = false", "fires = true");
    fs::write(sessions.join("house.toml"), wrong).unwrap();
    let check = vauban(&["rules", rules.path().to_str().unwrap()]);
    assert_eq!(check.status.code(), Some(1));
    assert!(
        text(&check.stdout).contains("house-rule"),
        "{}",
        text(&check.stdout)
    );
}
