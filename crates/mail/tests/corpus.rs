//! Lure rules over labelled mail: silent on ham at the severities that make a finding.

mod common;

use std::collections::BTreeMap;

use vauban_mail::{ContentRules, OwnDomains, Severity, hunt_message, parse};
use vauban_ocsf::Level;

/// Honest mail of our own, for machines without the corpus.
const HONEST: &[&str] = &[
    "From: a@example.org\nSubject: Lettre\nContent-Type: text/html\n\n<style>a{color:red}</style><svg><path d='M0 0'/></svg><img src='https://example.org/p.gif' width=1 height=1><a href='https://click.example.net/1'>www.example.org</a>",
    "From: a@example.org\nSubject: [PATCH] fix\n\nUse <script>alert(1)</script> in [1] http://example.org/a[0]\n> <img src=x onerror=y>\n",
];

#[test]
fn ham_is_quiet() {
    let rules = ContentRules::builtin();
    for honest in HONEST {
        let m = parse(honest.as_bytes(), &rules);
        let grave: Vec<_> = rules
            .lures(&m)
            .into_iter()
            .filter(|l| l.severity >= Severity::Medium)
            .collect();
        assert!(grave.is_empty(), "{grave:?}");
    }
    let Some(dir) = common::shared("mail-spam-corpus") else {
        return;
    };
    let mut counts: BTreeMap<(String, Severity), (usize, usize)> = BTreeMap::new();
    let (mut ham, mut spam) = (0, 0);
    let mut alarms = Vec::new();
    let mut caught = 0;
    let mut secrets: BTreeMap<(String, bool), usize> = BTreeMap::new();
    for path in common::files(&dir.join("data")) {
        let name = path.display().to_string();
        let is_ham = name.contains("ham");
        let Some(bytes) = common::message(&path) else {
            continue;
        };
        if is_ham {
            ham += 1
        } else {
            spam += 1
        }
        let message = parse(&bytes, &rules);
        for secret in &message.secrets {
            *secrets.entry((secret.kind.clone(), is_ham)).or_default() += 1;
            if std::env::var_os("SHOW").is_some() {
                println!(
                    "{} {:?} {:?} | {}",
                    secret.kind, secret.target, secret.masked, secret.context
                );
            }
        }
        for class in &message.classification {
            println!("{class}: {name}");
        }
        let lures = rules.lures(&message);
        let grave = lures.iter().any(|l| l.severity >= Severity::Medium);
        caught += usize::from(!is_ham && grave);
        for lure in lures {
            let count = counts
                .entry((lure.rule.clone(), lure.severity))
                .or_default();
            if is_ham {
                count.0 += 1
            } else {
                count.1 += 1
            }
            if is_ham && lure.severity >= Severity::Medium {
                alarms.push(format!("{name}: {} {:?}", lure.rule, lure.facts));
            }
        }
    }
    println!(
        "{ham} ham, {} alarms at medium and above; {spam} spam, {caught} told of",
        alarms.len()
    );
    for ((rule, severity), (h, s)) in &counts {
        println!("{rule:32} {severity:?}: {h} ham, {s} spam");
    }
    println!("secrets by kind and whether ham: {secrets:?}");
    assert!(ham > 300 && spam > 100);
    assert!(alarms.is_empty(), "{}", alarms.join("\n"));
}

/// A run of the laboratory without an intruder: `VAUBAN_LAB_MAIL` names its mail store.
#[test]
fn the_laboratory_is_quiet() {
    let rules = ContentRules::builtin();
    let own = OwnDomains::new(["ministere.example"]);
    let mut messages: Vec<Vec<u8>> = HONEST.iter().map(|m| m.as_bytes().to_vec()).collect();
    match std::env::var_os("VAUBAN_LAB_MAIL") {
        None => println!("VAUBAN_LAB_MAIL is absent: only own messages are tested"),
        Some(dir) => messages.extend(
            common::files(std::path::Path::new(&dir))
                .iter()
                .filter(|p| {
                    p.parent()
                        .is_some_and(|d| d.ends_with("cur") || d.ends_with("new"))
                })
                .filter_map(|p| std::fs::read(p).ok()),
        ),
    }
    let mut alarms = Vec::new();
    let mut low = 0;
    for raw in &messages {
        for finding in hunt_message(raw, &rules, &own) {
            if finding.level >= Level::Medium {
                alarms.push(format!("{}: {}", finding.rule, finding.reason));
            } else {
                low += 1;
            }
        }
    }
    println!(
        "{} messages, {} alarms, {low} low",
        messages.len(),
        alarms.len()
    );
    assert!(alarms.is_empty(), "{}", alarms.join("\n"));
}
