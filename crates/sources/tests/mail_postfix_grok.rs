//! postfix-grok-patterns' cases (BSD-3-Clause): a message of one Postfix daemon and the fields it
//! holds.

mod mail_common;

use mail_common::{Fact, shared, syslog};
use std::collections::BTreeMap;

/// Cases where we differ, by the beginning of the file's name, and why; `docs/FORMATS.md` has the
/// same table. One that is no longer needed fails the test.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("anvil_000", STATISTICS),
    (
        "dnsblog_000",
        "postscreen's own record says what followed from the list",
    ),
    ("tlsproxy_000", "postscreen logs the same connection"),
    ("smtp_0003", OUTBOUND_TLS),
    ("smtp_0004", OUTBOUND_TLS),
    ("smtp_0015", OUTBOUND_TLS),
    ("smtp_0016", OUTBOUND_TLS),
    ("smtp_0035", OUTBOUND_TLS),
    ("smtp_0036", OUTBOUND_TLS),
    ("cleanup_0006", CLIENT_APART),
    ("cleanup_0007", CLIENT_APART),
    ("cleanup_0008", CLIENT_APART),
    (
        "cleanup_0012",
        "a warning is kept as text, queue id and all",
    ),
];

const STATISTICS: &str = "a rate over connections that are records of their own";
const OUTBOUND_TLS: &str = "how a next hop was reached; the delivery says that it was";
const CLIENT_APART: &str = "the client is taken out of the header's text into its own fields";

/// Patterns that are a piece of a message, not one.
const PIECES: &[&str] = &[
    "POSTFIX_COMMAND_COUNTER_DATA",
    "POSTFIX_DELAYS",
    "POSTFIX_RELAY",
    "POSTFIX_TLS_FEATURES",
];

#[derive(Default)]
struct Case {
    program: String,
    message: String,
    expected: BTreeMap<String, String>,
}

/// The few forms of YAML the cases use. Backslash escapes for control characters stay as Postfix
/// writes them.
fn read(yaml: &str) -> Option<Case> {
    let mut case = Case::default();
    let mut results = false;
    for line in yaml.lines() {
        let text = line.trim();
        let Some((key, value)) = text
            .split_once(": ")
            .or_else(|| text.strip_suffix(':').map(|k| (k, "")))
        else {
            continue;
        };
        if text.starts_with('#') {
            continue;
        }
        let value = scalar(value.trim());
        match key {
            "results" => results = true,
            _ if results => {
                case.expected.insert(key.to_owned(), value);
            }
            "pattern" => {
                let name = value.split("%{").nth(1)?.split('}').next()?.to_owned();
                if PIECES.contains(&name.as_str()) {
                    return None;
                }
                let name = name.strip_prefix("POSTFIX_")?.to_lowercase();
                case.program = name
                    .replace("trivial_rewrite", "trivial-rewrite")
                    .replace("script", "postfix-script");
            }
            "data" => case.message = value,
            _ => {}
        }
    }
    Some(case)
}

fn scalar(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else {
        return text.trim_matches('\'').to_owned();
    };
    inner.replace("\\\"", "\"").replace("\\\\", "\\")
}

/// `from=<a>, size=1` or `from=<a> to=<b>` as pairs.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_end_matches(',');
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_start_matches([',', ' ']).to_owned();
        let end = if after.starts_with('<') {
            after.find('>').map_or(after.len(), |at| at + 1)
        } else {
            after.find([',', ' ']).unwrap_or(after.len())
        };
        pairs.push((key, after[..end].trim_matches(['<', '>']).to_owned()));
        rest = &after[end..];
    }
    pairs
}

fn compare(case: &Case, fact: &Fact) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |name: &str, got: &str, expected: &str| {
        if got != expected {
            wrong.push(format!("{name}: {got:?}, expected {expected:?}"));
        }
    };
    let email = |key: &str| fact.email.get(key).map(String::as_str).unwrap_or_default();
    let known = |host: &str| {
        if host == "unknown" {
            String::new()
        } else {
            host.to_owned()
        }
    };
    // A message or connection event has no place for a host name.
    let named = matches!(fact.kind, "email" | "logon");
    for (key, value) in &case.expected {
        match key.strip_prefix("postfix_").unwrap_or(key) {
            "queueid" if fact.kind == "email" => {
                check(
                    key,
                    email("queue_id"),
                    if value == "NOQUEUE" { "" } else { value },
                );
            }
            "queueid" if value != "NOQUEUE" => check(key, "", value),
            "client_ip" => check(key, &fact.ip, value),
            "client_hostname" if named => check(key, &fact.src_host, &known(value)),
            "client_port" => {
                check(
                    key,
                    &fact.port.map(|p| p.to_string()).unwrap_or_default(),
                    value,
                );
            }
            "relay_ip" => check(key, email("relay_ip"), value),
            "relay_hostname" => check(key, email("relay_host"), value),
            "relay_port" => check(key, email("relay_port"), value),
            "status" => check(key, email("outcome"), value),
            "status_code_enhanced" => check(key, email("dsn"), value),
            "message-id" => check(key, email("message_id"), value.trim_matches(['<', '>'])),
            "from" => check(key, email("from"), value),
            "bounce_queueid" => check(key, email("next_queue_id"), value),
            "keyvalue_data" => {
                for (name, value) in pairs(value) {
                    match name.as_str() {
                        "from" | "to" | "orig_to" | "size" | "dsn" | "helo" => {
                            check(&name, email(&name), &value);
                        }
                        "nrcpt" => check(&name, email("recipients"), &value),
                        "status" => check(&name, email("outcome"), &value),
                        "client" => {
                            let (host, ip) = value
                                .trim_end_matches(']')
                                .split_once('[')
                                .unwrap_or_default();
                            check("client host", &fact.src_host, &known(host));
                            check("client address", &fact.ip, ip);
                        }
                        _ => {}
                    }
                }
            }
            "message" if case.expected.contains_key("postfix_message_level") => {
                let body = fact.body.replace("\\\"", "\"");
                check(
                    "message",
                    if body.contains(value.as_str()) {
                        value
                    } else {
                        &body
                    },
                    value,
                );
            }
            _ => {}
        }
    }
    wrong
}

/// The facts of a case that we have a place for.
fn labelled(case: &Case) -> bool {
    const PLACES: &[&str] = &[
        "queueid",
        "client_ip",
        "relay_ip",
        "status",
        "keyvalue_data",
        "message_level",
    ];
    PLACES
        .iter()
        .any(|place| case.expected.contains_key(&format!("postfix_{place}")))
}

fn judge(case: &Case) -> Vec<String> {
    let line = format!(
        "Dec  9 02:03:04 mx postfix/{}[7]: {}",
        case.program, case.message
    );
    let keep = syslog(&line);
    assert_eq!(
        usize::from(!keep.facts.is_empty()) + keep.ignored.len() + keep.unparsed.len(),
        1,
        "{line}"
    );
    if let Some((_, why)) = keep.unparsed.first() {
        return vec![format!("unparsed, {why}: {line}")];
    }
    match keep.facts.last() {
        Some(fact) => compare(case, fact)
            .into_iter()
            .map(|w| format!("{w}: {line}\n    {}", fact.body))
            .collect(),
        None if labelled(case) => vec![format!("ignored: {line}")],
        None => Vec::new(),
    }
}

#[test]
fn cases() {
    let Some(folder) = shared("logs-postfix-grok/test") else {
        let right = read(
            "pattern: ^%{POSTFIX_QMGR}$\ndata: \"0F5383D: from=<a@b>, size=5, nrcpt=1 (queue active)\"\nresults:\n    postfix_queueid: 0F5383D\n    postfix_keyvalue_data: from=<a@b>, size=5, nrcpt=1",
        );
        let right = right.expect("case");
        assert_eq!(judge(&right), Vec::<String>::new());
        let wrong = Case {
            message: right.message.replace("a@b", "z@b"),
            ..right
        };
        assert_eq!(judge(&wrong).len(), 1);
        return;
    };
    let mut used = vec![false; EXCEPTIONS.len()];
    let (mut total, mut differences) = (0, Vec::new());
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("folder")
        .map(|e| e.expect("entry").path())
        .collect();
    files.sort();
    for path in files {
        let Some(case) = read(&std::fs::read_to_string(&path).expect("text")) else {
            continue;
        };
        total += 1;
        let wrong = judge(&case);
        if wrong.is_empty() {
            continue;
        }
        let name = path
            .file_name()
            .expect("name")
            .to_string_lossy()
            .into_owned();
        match EXCEPTIONS
            .iter()
            .position(|(prefix, _)| name.starts_with(prefix))
        {
            Some(at) => used[at] = true,
            None => differences.push(format!("{name}: {}", wrong.join("\n  "))),
        }
    }
    println!("{total} cases, {} exceptions", EXCEPTIONS.len());
    assert!(total > 150, "only {total} cases");
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
