//! Logs that Debian 12's Postfix 3.7.11 and Dovecot 2.3.19 wrote on loopback, forged names among
//! them (`tests/data/mail`): all is understood, and the facts are what the client did.

mod mail_common;

use mail_common::{Keep, context, parse};
use std::collections::BTreeMap;
use vauban_sources::recognise;
use vauban_sources::syslog::Syslog;

fn read(name: &str) -> Keep {
    let path = format!("{}/tests/data/mail/{name}", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).expect(&path);
    assert_eq!(recognise(name, &bytes).map(|f| f.name()), Some("syslog"));
    let keep = parse(&Syslog, &context((2026, 11, 30)), &bytes);
    assert_eq!(
        keep.unparsed,
        [],
        "everything a real daemon writes is understood"
    );
    keep
}

fn kinds(keep: &Keep) -> BTreeMap<(&'static str, &'static str), usize> {
    let mut kinds = BTreeMap::new();
    for fact in &keep.facts {
        *kinds.entry((fact.kind, fact.status)).or_default() += 1;
    }
    kinds
}

#[test]
fn dovecot() {
    let keep = read("dovecot-2.3.19.log");
    let kinds = kinds(&keep);
    // The client logged in over IMAP as alice and three times as carol, over POP3 and ManageSieve
    // once each; two wrong passwords, each told by the log-in process and by auth.
    assert_eq!(kinds[&("logon", "success")], 6);
    assert_eq!(kinds[&("logon", "failure")], 4);
    // Each session ended.
    assert_eq!(kinds[&("logoff", "")], 6);
    let with = |pieces: &[&str]| {
        keep.facts
            .iter()
            .filter(|f| pieces.iter().all(|p| f.body.contains(p)))
            .count()
    };
    // Two UID FETCHes of two messages' bodies, and one search; RETR and TOP over POP3.
    assert_eq!(with(&["action: Fetch", "Success"]), 2);
    assert_eq!(with(&["action: Opened", "imap:fetch_body"]), 4);
    assert_eq!(
        with(&["action: Search", "arguments: \"TEXT \\\"body\\\"\""]),
        1
    );
    assert_eq!(with(&["action: Opened", "command: \"RETR\""]), 1);
    // The subject is `Hello, size=9, flags=(x)`, the Message-ID `<m, size=5@x>`.
    assert_eq!(
        with(&[
            "action: Save",
            "size: Some(100)",
            "message_id: \"m, size=5@x\""
        ]),
        3
    );
    assert_eq!(
        with(&["action: FlagChange", "size: Some(100)", "flags: \"\\\\Seen"]),
        2
    );
    assert_eq!(
        with(&[
            "Forwarded",
            "to: \"out@evil.example\"",
            "orig_to: \"carol\""
        ]),
        1
    );
    assert_eq!(with(&["body_count: Some(2)", "body_bytes: Some(212)"]), 2);
}

#[test]
fn postfix() {
    let keep = read("postfix-3.7.11.log");
    for fact in &keep.facts {
        assert!(
            matches!(fact.ip.as_str(), "127.0.0.1" | ""),
            "a forged address: {fact:?}"
        );
        assert!(
            fact.email.get("from").is_none_or(|f| f != "z@z"),
            "a forged sender: {fact:?}"
        );
    }
    let kinds = kinds(&keep);
    assert_eq!(kinds[&("logon", "success")], 1);
    assert_eq!(kinds[&("logon", "failure")], 2);
    let users: Vec<_> = keep
        .facts
        .iter()
        .filter(|f| f.kind == "logon")
        .map(|f| f.user.as_str())
        .collect();
    assert_eq!(users, ["carol", "nobody, sasl_username=x", "carol"]);
    let queued: Vec<_> = keep
        .facts
        .iter()
        .filter(|f| f.body.contains("activity: Queued"))
        .map(|f| (f.email["from"].as_str(), f.email["size"].as_str()))
        .collect();
    assert_eq!(
        queued,
        [
            ("a@b.example", "365"),
            ("\"x>, size=1, nrcpt=1 (q\"@b.example", "366")
        ]
    );
    let rejected = keep
        .facts
        .iter()
        .filter(|f| f.body.contains("activity: Rejected"))
        .count();
    assert_eq!(rejected, 3);
}
