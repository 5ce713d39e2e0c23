//! CrowdSec hub's parser assertions (MIT): for each line of a log, what CrowdSec's own parsers make
//! of it.

mod mail_common;

use mail_common::{Fact, Keep, context, parse, shared, syslog};
use std::collections::BTreeMap;
use vauban_sources::syslog::Syslog;

/// Folders of tests for services that are read here.
const TESTS: &[&str] = &[
    "dovecot-logs",
    "dovecot-slow-bf",
    "dovecot-slow-bf-no-overlap",
    "dovecot-slow-bf-user-enum",
    "dovecot-time-based-bf",
    "dovecot-time-based-bf-user-enum",
    "postfix-logs",
    "exim-logs",
    "exim-syslog-logs",
    "opnsense-sshd",
    "sshd-invalid-bf",
    "sshd-logs",
    "sshd-logs-fp",
    "sshd-success-logs",
    "iptables-logs",
    "pam-logs",
];

/// Lines where we differ, by test and a piece of the line, and why; `docs/FORMATS.md` has the same
/// table. One that is no longer needed fails the test.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

type Entry = BTreeMap<String, String>;

/// `results["s01-parse"]["crowdsecurity/x"][3].Evt.Meta["k"] == "v"` gathered by parser and index.
fn entries(text: &str) -> Vec<Entry> {
    let mut all: BTreeMap<(String, usize), Entry> = BTreeMap::new();
    for line in text.lines() {
        let Some(rest) = line.split("results[\"s01-parse\"][\"").nth(1) else {
            continue;
        };
        let Some((parser, rest)) = rest.split_once("\"][") else {
            continue;
        };
        let Some((index, rest)) = rest.split_once("].") else {
            continue;
        };
        let Ok(index) = index.parse() else { continue };
        let entry = all.entry((parser.to_owned(), index)).or_default();
        let Some((key, value)) = rest.split_once(" == ") else {
            continue;
        };
        let key = key
            .trim_start_matches("Evt.")
            .replace("[\"", ".")
            .replace("\"]", "")
            .replace(')', "");
        entry.insert(key, unquote(value));
    }
    all.into_values()
        .filter(|e| e.get("Success").is_some_and(|s| s == "true"))
        .collect()
}

fn unquote(value: &str) -> String {
    let inner = value
        .strip_prefix('"')
        .and_then(|v| v.strip_suffix('"'))
        .unwrap_or(value);
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' {
            chars.next().unwrap_or('\\')
        } else {
            c
        });
    }
    out
}

fn compare(entry: &Entry, fact: &Fact) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |name: &str, got: &str, expected: &str| {
        if got != expected {
            wrong.push(format!("{name}: {got:?}, expected {expected:?}"));
        }
    };
    let get = |key: &str| entry.get(key).map(String::as_str);
    if let Some(ip) = get("Meta.source_ip").filter(|ip| !ip.is_empty()) {
        check("address", &fact.ip, ip);
    }
    if let Some(machine) = get("Meta.machine") {
        check("machine", &fact.host, machine);
    }
    if let Some(pid) = get("Parsed.pid").filter(|pid| !pid.is_empty()) {
        // Dovecot's prefix names the process that served the client, which is the better one.
        if fact.product != "Dovecot" {
            check(
                "pid",
                &fact.pid.map(|p| p.to_string()).unwrap_or_default(),
                pid,
            );
        }
    }
    let user = [
        "Meta.target_user",
        "Meta.user",
        "Meta.username",
        "Parsed.dovecot_user",
    ];
    if let Some(user) = user
        .iter()
        .find_map(|key| get(key))
        .filter(|u| !u.is_empty())
        && fact.kind == "logon"
    {
        check("user", &fact.user, user);
    }
    if let Some(host) = get("Meta.source_hostname")
        && matches!(fact.kind, "logon" | "email")
    {
        check(
            "host name",
            &fact.src_host,
            if host == "unknown" { "" } else { host },
        );
    }
    match get("Meta.log_type").unwrap_or_default() {
        "auth_success" => check("status", fact.status, "success"),
        "ssh_failed-auth" | "exim_failed_auth" | "pam_failed_auth" if fact.kind == "logon" => {
            check("status", fact.status, "failure");
        }
        "spam-attempt" => check("status", fact.status, "failure"),
        _ => {}
    }
    match get("Meta.dovecot_login_result") {
        Some("auth_success" | "Login") => check("status", fact.status, "success"),
        Some("auth_failed") => check("status", fact.status, "failure"),
        _ => {}
    }
    if let Some(dsn) = get("Parsed.smtp_enhanced_status_code").filter(|_| fact.kind == "email") {
        check(
            "dsn",
            fact.email
                .get("dsn")
                .map(String::as_str)
                .unwrap_or_default(),
            dsn,
        );
    }
    if let Some(port) = get("Parsed.source_port")
        .or_else(|| get("Parsed.src_port"))
        .filter(|p| !p.is_empty())
    {
        check(
            "port",
            &fact.port.map(|p| p.to_string()).unwrap_or_default(),
            port,
        );
    }
    wrong
}

fn judge(entry: &Entry, line: &str, keep: &Keep) -> Vec<String> {
    if keep.facts.is_empty() {
        return vec![format!("no event: {line}")];
    }
    let mut least = keep
        .facts
        .iter()
        .map(|fact| compare(entry, fact))
        .min_by_key(Vec::len)
        .unwrap_or_default();
    if let Some(first) = least.first_mut() {
        first.push_str(&format!(": {line}\n    {}", keep.facts[0].body));
    }
    least
}

#[test]
fn assertions() {
    let Some(folder) = shared("logs-crowdsec/tests") else {
        let entry = &entries(
            "results[\"s01-parse\"][\"x/y\"][0].Success == true\n\
             results[\"s01-parse\"][\"x/y\"][0].Evt.Meta[\"source_ip\"] == \"192.0.2.7\"",
        )[0];
        let line = "Dec  9 02:03:04 h sshd[1]: Invalid user a from 192.0.2.7 port 1";
        assert_eq!(judge(entry, line, &syslog(line)), Vec::<String>::new());
        assert_eq!(
            judge(entry, line, &syslog(&line.replace("2.7", "2.8"))).len(),
            1
        );
        return;
    };
    let context = context((2026, 12, 31));
    let mut used = vec![false; EXCEPTIONS.len()];
    let (mut total, mut differences) = (0, Vec::new());
    for test in TESTS {
        let folder = folder.join(test);
        let mut lines = Vec::new();
        for file in std::fs::read_dir(&folder).expect("folder") {
            let path = file.expect("entry").path();
            if path.extension().is_some_and(|e| e == "log") {
                lines.extend(
                    std::fs::read_to_string(path)
                        .expect("text")
                        .lines()
                        .map(str::to_owned),
                );
            }
        }
        for entry in
            entries(&std::fs::read_to_string(folder.join("parser.assert")).expect("assertions"))
        {
            let Some(message) = entry.get("Parsed.message") else {
                continue;
            };
            let message = message.trim_end();
            let Some(line) = lines.iter().find(|l| l.trim_end().ends_with(message)) else {
                panic!("{test}: no line ends with {message:?}");
            };
            total += 1;
            let keep = parse(&Syslog, &context, line.as_bytes());
            let wrong = judge(&entry, line, &keep);
            if wrong.is_empty() {
                continue;
            }
            match EXCEPTIONS
                .iter()
                .position(|(t, piece, _)| t == test && line.contains(piece))
            {
                Some(at) => used[at] = true,
                None => differences.push(format!("{test}: {}", wrong.join("\n  "))),
            }
        }
    }
    println!("{total} lines, {} exceptions", EXCEPTIONS.len());
    assert!(total > 80, "only {total} lines");
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
