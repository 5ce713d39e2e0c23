//! Vauban's lab evidence, where it is on the machine (`VAUBAN_LAB` names the directory that holds
//! `lab-clean` and the others); own small trees otherwise.

use std::path::PathBuf;
use vauban_evidence::{Collection, Limits};
use vauban_ocsf::{Level, Timestamp};
use vauban_persist::{CollectionTree, MemoryTree, Options, Report, Rules, scan};

fn story(name: &str) -> Option<Report> {
    let base = std::env::var_os("VAUBAN_LAB").map_or_else(std::env::temp_dir, PathBuf::from);
    let path = base.join(format!("lab-{name}/evidence"));
    if !path.is_dir() {
        println!("{} is absent: not looked at", path.display());
        return None;
    }
    let collection = Collection::open(&[path], &Limits::default(), &|_| {});
    let tree = CollectionTree::new(&collection);
    Some(scan(&tree, &Options::default(), &Rules::builtin()))
}

fn rules(report: &Report, least: Level) -> Vec<&str> {
    report
        .findings
        .iter()
        .filter(|f| f.level >= least)
        .map(|f| f.rule.as_str())
        .collect()
}

#[test]
fn planted_acts_are_found_and_clean_stays_silent() {
    if let Some(report) = story("clean") {
        assert_eq!(rules(&report, Level::Low), [""; 0]);
    }
    if let Some(report) = story("ministry") {
        assert_eq!(rules(&report, Level::Low), ["sieve-redirect-foreign"]);
        assert!(report.findings[0].title.contains("yann.treguidec"));
    }
    if let Some(report) = story("drip") {
        assert_eq!(rules(&report, Level::Low), ["web-upload-beside-packaged"]);
    }
    // Always there: a host as it comes, and the same with a redirect.
    let mut tree = MemoryTree::default();
    tree.text("/etc/mailname", "corp.example\n");
    tree.text(
        "/etc/passwd",
        "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:w:/var/www:/usr/sbin/nologin\n",
    );
    tree.text("/etc/aliases", "postmaster: root\n");
    tree.text(
        "/etc/cron.d/php",
        "09,39 * * * * root [ -x /usr/lib/php/sessionclean ] && /usr/lib/php/sessionclean\n",
    );
    let clean = scan(&tree, &Options::default(), &Rules::builtin());
    assert_eq!(rules(&clean, Level::Low), [""; 0]);
    tree.text(
        "/var/vmail/corp.example/anna/sieve/a.sieve",
        "redirect \"x@y.example\";",
    );
    let redirected = scan(&tree, &Options::default(), &Rules::builtin());
    assert_eq!(rules(&redirected, Level::Low), ["sieve-redirect-foreign"]);
}

#[test]
fn findings_are_stable_and_have_the_form_of_ocsf() {
    let mut tree = MemoryTree::default();
    tree.text("/etc/ld.so.preload", "/var/tmp/a.so\n");
    tree.text("/etc/cron.d/x", "* * * * * root /dev/shm/a\n");
    let once = scan(&tree, &Options::default(), &Rules::builtin());
    let twice = scan(&tree, &Options::default(), &Rules::builtin());
    assert_eq!(once.findings, twice.findings);
    assert_eq!(once.findings.len(), 2);
    for finding in &once.findings {
        assert!(
            !finding.places.is_empty()
                && !finding.next.is_empty()
                && !finding.techniques.is_empty()
        );
        let event = finding.to_ocsf(Timestamp::from_seconds(0));
        assert_eq!(event["class_uid"], 2004);
    }
}
