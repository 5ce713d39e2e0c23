//! `vauban rules` as its user meets it: Sigma rules checked, listed against evidence, explained,
//! their examples run.

mod common;

use common::*;
use std::fs;

const RULE: &str = "\
title: House rule
id: 0c9a9d5e-6d2f-4b62-8c69-2f8f3d3e1a11
name: house_rule
status: test
description: |
    Why it matters.
author: a house
date: 2026-11-24
references:
    - https://example.org/
tags:
    - attack.discovery
    - attack.t1083
logsource:
    category: webserver
detection:
    selection:
        cs-uri-stem|endswith: /house
    condition: selection
falsepositives:
    - None
level: medium
";

const EXAMPLES: &str = r#"
examples:
    - name: asked for
      matches: true
      logs:
          var/log/nginx/access.log: |
              203.0.113.9 - - [10/Mar/2026:10:00:00 +0000] "GET /house HTTP/1.1" 200 12 "-" "x"
    - name: something else
      matches: false
      logs:
          var/log/nginx/access.log: |
              203.0.113.9 - - [10/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 12 "-" "x"
"#;

#[test]
fn the_built_in_pack_is_in_order() {
    for args in [&["rules", "check"][..], &["rules", "test"]] {
        let output = vauban(args);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    }
    let list = text(&vauban(&["rules", "list"]).stdout);
    assert!(list.lines().count() > 150, "{list}");
    assert!(list.contains("Webmail Searched for One Secret After Another"));
    // Rules of all kinds, Sigma's among them.
    let all = text(&vauban(&["rules"]).stdout);
    assert!(all.contains("Sigma rules"), "{all}");
}

#[test]
fn rules_of_a_house() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    fs::write(dir.path().join("house.yml"), RULE).unwrap();
    fs::write(dir.path().join("house.examples"), EXAMPLES).unwrap();
    // A correlation of one's own on a building block of the pack.
    fs::write(
        dir.path().join("own.yml"),
        "title: Own spray\ncorrelation:\n    type: value_count\n    rules: [mail_login_failed]\n    group-by: [src_ip]\n    timespan: 1h\n    condition: {field: user, gte: 3}\nlevel: low\n",
    )
    .unwrap();
    let test = vauban(&["rules", "test", path]);
    assert_eq!(test.status.code(), Some(0), "{}", text(&test.stdout));
    assert!(text(&test.stdout).starts_with("1 rules, 2 examples run"));
    let check = vauban(&["rules", "check", path]);
    assert_eq!(check.status.code(), Some(0), "{}", text(&check.stdout));
    let words = text(&vauban(&["rules", "explain", "Own spray", path]).stdout);
    assert!(
        words.contains("at least 3 different values of user within 1h for the same src_ip"),
        "{words}"
    );

    let wrong = EXAMPLES.replace("matches: false", "matches: true");
    fs::write(dir.path().join("house.examples"), wrong).unwrap();
    let test = vauban(&["rules", "test", path, "--format", "json"]);
    assert_eq!(test.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&test.stdout).unwrap();
    assert!(
        report["wrong"][0]
            .as_str()
            .unwrap()
            .contains("something else"),
        "{report}"
    );

    let broken = RULE.replace("|endswith", "|endswiht");
    fs::write(dir.path().join("house.yml"), broken).unwrap();
    let check = vauban(&["rules", "check", path]);
    assert_eq!(check.status.code(), Some(1));
    let said = text(&check.stdout);
    assert!(
        said.contains("error: ") && said.contains("endswiht"),
        "{said}"
    );
}

#[test]
fn which_rules_can_never_fire() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("var/log/nginx")).unwrap();
    let line = "203.0.113.9 - - [10/Mar/2026:10:00:00 +0000] \"GET /house HTTP/1.1\" 200 12\n";
    fs::write(dir.path().join("var/log/nginx/access.log"), line.repeat(20)).unwrap();
    let evidence = dir.path().to_str().unwrap();
    let output = vauban(&["rules", "list", "--evidence", evidence]);
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stdout);
    for part in [
        "rules can fire on this evidence",
        "can never fire, because: no event of category authentication",
        // The common log format has no user agent.
        "can never fire, because: events of its logsource never have cs-user-agent",
        "20  webserver / ",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let output = vauban(&["rules", "list", "--evidence", evidence, "--format", "json"]);
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let never = |name: &str| {
        let rules = list["rules"].as_array().unwrap();
        let rule = rules.iter().find(|r| r["title"] == name).unwrap();
        rule["never"].clone()
    };
    assert!(never("Command in a Request to a PHP or JSP File").is_null());
    assert!(never("SSH Brute Force").is_string());
    assert_eq!(list["sources"][0]["events"], 20);
}

#[test]
fn mistakes() {
    for (args, named) in [
        (&["rules", "explain", "no such rule"][..], "no such rule"),
        (&["rules", "check", "/nonexistent"], "/nonexistent"),
        (&["rules", "test", "/nonexistent"], "/nonexistent"),
        (&["rules", "list", "/nonexistent"], "/nonexistent"),
    ] {
        let output = vauban(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(text(&output.stderr).contains(named), "{args:?}");
    }
}
