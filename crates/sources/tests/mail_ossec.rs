//! OSSEC's and Wazuh's rule tests (GPL-2, read where they stand, never copied): lines with the rule
//! that has to fire. Rules that belong to a group of authentication outcomes tell success from
//! failure.

mod mail_common;

use mail_common::{Keep, context, parse, shared, syslog};
use std::collections::BTreeMap;
use std::path::Path;
use vauban_sources::syslog::Syslog;

/// Folder of rules and folder of their tests.
const TREES: &[(&str, &str)] = &[
    ("ossec/etc/rules", "ossec/contrib/ossec-testing/tests"),
    (
        "wazuh-ruleset/rules",
        "wazuh-ruleset/tools/rules-testing/tests",
    ),
];

const FILES: &[&str] = &["dovecot", "postfix", "exim", "sshd", "sudo", "pam"];

/// Lines where we differ, by a piece of the line, and why; `docs/FORMATS.md` has the same table. One
/// that is no longer needed fails the test.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "Postponed keyboard-interactive",
        "an exchange that goes on, not an outcome",
    ),
    (
        "Authentication refused: bad ownership",
        "names neither account nor client; the failure follows",
    ),
    ("from 183.106.179.x", "the address was made unreadable"),
    (
        "check pass; user unknown",
        "names neither account nor client; the failure follows",
    ),
    (
        "session opened for user news",
        "cron and su open sessions too; sshd's own record has the log-in",
    ),
];

/// Rule id to its groups.
fn rules(folder: &Path) -> BTreeMap<String, String> {
    let mut groups = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("rules") {
        let path = entry.expect("entry").path();
        if path.extension().is_none_or(|e| e != "xml") {
            continue;
        }
        let text = String::from_utf8_lossy(&std::fs::read(path).expect("rules file")).into_owned();
        for rule in text.split("<rule id=\"").skip(1) {
            let (id, body) = rule.split_once('"').expect("id");
            let body = body.split("</rule>").next().unwrap_or_default();
            let group = body
                .split("<group>")
                .nth(1)
                .and_then(|g| g.split("</group>").next())
                .unwrap_or_default();
            groups.insert(id.to_owned(), group.to_owned());
        }
    }
    groups
}

/// Lines that have to fire a rule, with the rule.
fn lines(ini: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut waiting = Vec::new();
    for line in ini.lines() {
        if let Some((key, value)) = line.split_once('=') {
            let (key, value) = (key.trim(), value.strip_prefix(' ').unwrap_or(value));
            if key.starts_with("log ") && key.ends_with(" pass") {
                waiting.push(value.to_owned());
            } else if key == "rule" {
                all.extend(
                    waiting
                        .drain(..)
                        .map(|line| (line, value.trim().to_owned())),
                );
            }
        }
    }
    all
}

fn judge(group: &str, line: &str, keep: &Keep) -> Option<String> {
    let failed = group.contains("authentication_fail") || group.contains("invalid_login");
    let succeeded = group.contains("authentication_success");
    let shown = keep
        .facts
        .first()
        .map(|fact| fact.body.as_str())
        .unwrap_or_default();
    if let Some((_, why)) = keep.unparsed.first() {
        return Some(format!("unparsed, {why}: {line}"));
    }
    if failed && !keep.facts.iter().any(|f| f.status == "failure") {
        return Some(format!("expected a failure: {line}\n    {shown}"));
    }
    if succeeded && !keep.facts.iter().any(|f| f.status == "success") {
        return Some(format!("expected a success: {line}\n    {shown}"));
    }
    if failed && keep.facts.iter().any(|f| f.status == "success") {
        return Some(format!("success beside a failure: {line}\n    {shown}"));
    }
    None
}

#[test]
fn outcomes() {
    let own = "Dec  9 02:03:04 h sshd[1]: Failed password for a from 192.0.2.7 port 1 ssh2";
    assert_eq!(judge("authentication_failed,", own, &syslog(own)), None);
    assert!(judge("authentication_success,", own, &syslog(own)).is_some());
    let Some(root) = shared("logs-ossec-wazuh") else {
        return;
    };
    let context = context((2025, 12, 31));
    let mut used = vec![false; EXCEPTIONS.len()];
    let (mut total, mut told, mut differences) = (0, 0, Vec::new());
    for (rules_folder, tests) in TREES {
        let groups = rules(&root.join(rules_folder));
        for file in FILES {
            let ini = std::fs::read(root.join(tests).join(file).with_extension("ini"))
                .expect("test file");
            for (line, rule) in lines(&String::from_utf8_lossy(&ini)) {
                let group = groups.get(&rule).map(String::as_str).unwrap_or_default();
                total += 1;
                told += usize::from(group.contains("authentication") || group.contains("login"));
                let keep = parse(&Syslog, &context, line.as_bytes());
                let accounted =
                    usize::from(!keep.facts.is_empty()) + keep.ignored.len() + keep.unparsed.len();
                assert_eq!(accounted, 1, "{line}");
                let Some(why) = judge(group, &line, &keep) else {
                    continue;
                };
                match EXCEPTIONS
                    .iter()
                    .position(|(piece, _)| line.contains(piece))
                {
                    Some(at) => used[at] = true,
                    None => differences.push(format!("{file} {rule} {group}: {why}")),
                }
            }
        }
    }
    println!(
        "{total} lines, {told} with an outcome, {} exceptions",
        EXCEPTIONS.len()
    );
    assert!(told > 30, "only {told} outcomes");
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
    for (at, used) in used.iter().enumerate() {
        assert!(used, "exception no longer needed: {:?}", EXCEPTIONS[at]);
    }
}
