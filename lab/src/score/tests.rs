use super::*;
use serde_json::{Value, json};

fn scored(case: &Value, truth: &Value) -> Score {
    let case = serde_json::from_value(case.clone()).expect("case");
    let truth = serde_json::from_value(truth.clone()).expect("truth");
    score(&case, &truth)
}

fn truth() -> Value {
    json!({
        "schema": 1, "story": "small", "verdict": "breached",
        "sessions": [
            {"id": "s1", "account": "ann@m.example", "protocol": "webmail", "source_ip": "203.0.113.9", "other_ips": ["203.0.113.10"],
             "start": "2025-12-01T10:00:00Z", "end": "2025-12-01T10:30:00Z", "actor": "intruder", "intruder": true,
             "bytes_received": 9000, "searches": ["mot de passe", "VPN"],
             "items": [
                {"account": "ann@m.example", "mailbox": "INBOX", "uid": 4, "message_id": "<a@x>", "part": null, "level": "read", "bytes": 700},
                {"account": "ann@m.example", "mailbox": "INBOX", "uid": 4, "message_id": "<a@x>", "part": "2", "level": "downloaded", "bytes": 5000},
                {"account": "ann@m.example", "mailbox": "INBOX", "uid": 5, "message_id": "<b@x>", "part": null, "level": "listed", "bytes": 0}]},
            {"id": "s2", "account": "bob@m.example", "protocol": "imap", "source_ip": "203.0.113.9", "other_ips": [],
             "start": "2025-12-01T11:00:00Z", "end": "2025-12-01T11:01:00Z", "actor": "intruder", "intruder": true, "items": [
                {"account": "bob@m.example", "mailbox": "INBOX", "uid": 1, "message_id": "<c@x>", "part": null, "level": "downloaded", "bytes": 2000}]},
            {"id": "s3", "account": "ann@m.example", "protocol": "imap", "source_ip": "10.0.0.5",
             "start": "2025-12-01T10:00:00Z", "end": "2025-12-01T10:10:00Z", "actor": "user", "intruder": false, "items": [
                {"account": "ann@m.example", "mailbox": "INBOX", "uid": 9, "message_id": "<z@x>", "part": null, "level": "downloaded", "bytes": 80000}]}],
        "attempts": [{"time": "2025-12-01T09:00:00Z", "account": "eve", "protocol": "imap", "source_ip": "203.0.113.77", "intruder": true}],
        "forwarded": [{"account": "bob@m.example", "message_id": "<d@x>", "to": "out@sink.example", "bytes": 1500, "via": "redirect"},
                      {"account": "kim@m.example", "message_id": "<k@x>", "to": "kim@home.example", "bytes": 900, "via": "redirect", "intruder": false}],
        "persistence": [{"kind": "sieve_redirect", "account": "bob@m.example", "detail": "out@sink.example"}],
        "lateral": [{"from": "mail", "to": "10.20.9.2", "port": 22, "time": "2025-12-01T12:00:00Z", "outcome": "blocked"}],
        "lures": [{"message_id": "<lure@x>", "account": "ann@m.example", "opened": true}]
    })
}

fn row(
    account: &str,
    uid: u32,
    id: &str,
    part: Option<&str>,
    level: &str,
    (min, max, size): (u64, u64, u64),
) -> Value {
    json!({"account": account, "mailbox": "INBOX", "uid": uid, "message_id": id, "part": part, "filename": "f",
           "size_bytes": size, "level": level, "bytes_min": min, "bytes_max": max})
}

fn session(
    id: &str,
    account: &str,
    protocol: &str,
    ip: &str,
    from: &str,
    to: &str,
    label: &str,
) -> Value {
    json!({"id": id, "account": account, "protocol": protocol, "source_ip": ip, "other_ips": [],
           "start": format!("2025-12-01T{from}:00Z"), "end": format!("2025-12-01T{to}:00Z"), "label": label})
}

fn good() -> Value {
    json!({
        "verdict": "breached",
        "accounts": [{"account": "ann", "status": "compromised"}, {"account": "bob", "status": "compromised"}, {"account": "kim", "status": "clean"}],
        "sessions": [
            session("S1", "ann", "webmail", "203.0.113.10", "10:02", "10:31", "intruder"),
            session("S2", "bob@m.example", "imap", "203.0.113.9", "11:02", "11:02", "intruder"),
            session("S3", "ann", "imap", "10.0.0.5", "10:00", "10:10", "legitimate"),
            session("S4", "eve", "imap", "203.0.113.77", "09:00", "09:00", "suspect")],
        "ledger": [
            row("ann@m.example", 4, "a@x", None, "read", (0, 900, 6000)),
            row("ann@m.example", 4, "a@x", Some("2"), "downloaded", (5000, 5000, 5000)),
            row("ann@m.example", 5, "b@x", None, "listed", (0, 0, 100)),
            row("ann@m.example", 9, "z@x", None, "exposed", (0, 0, 80000)),
            row("bob@m.example", 1, "c@x", None, "downloaded", (1500, 2500, 2000)),
            row("bob@m.example", 2, "d@x", None, "forwarded", (1400, 1600, 1480)),
            row("bob@m.example", 2, "d@x", Some("2"), "forwarded", (0, 700, 700))],
        "searches": [{"account": "ann", "query": "Mot de  passe"}, {"account": "ann", "query": "vpn"}],
        "persistence": [{"kind": "sieve_redirect", "account": "bob", "text": "redirect", "label": "intruder"},
                        {"kind": "sieve_redirect", "account": "kim", "text": "own", "label": "legitimate"}],
        "lateral": [{"from": "m", "to": "10.20.9.2", "port": 22}],
        "lures": [{"message_id": "lure@x", "account": "ann", "kind": "x", "opened": true}],
        "totals": {"bytes_min": 7900, "bytes_max": 12000}
    })
}

#[test]
fn a_good_case_is_good() {
    let s = scored(&good(), &truth());
    assert_eq!(s.failures(), Vec::<String>::new(), "{}", s.render());
    assert!(
        s.verdict_right && s.false_alarms.is_empty() && s.missed.is_empty(),
        "{}",
        s.render()
    );
    assert_eq!(
        (s.session_precision, s.session_recall),
        (Share { of: 2, all: 2 }, Share { of: 2, all: 2 })
    );
    assert_eq!(s.attempts_named, 1);
    assert_eq!(s.levels, Share { of: 7, all: 7 }, "{}", s.render());
    assert_eq!(s.levels_touched, Share { of: 6, all: 6 });
    // Text 700 and attachment 5000 shown apart, 2000 whole, 1500 sent on.
    assert_eq!(s.true_total, 9200);
    // Six rows with octets known, and the total; the attachment that was sent on has no truth.
    assert_eq!(s.bounds, Share { of: 7, all: 7 });
    // 0.15, 0, 0.5, 200/1480
    assert!(
        (s.width_left.unwrap() - (0.15 + 200.0 / 1480.0) / 2.0).abs() < 1e-9,
        "{:?}",
        s.width_left
    );
    assert_eq!(s.search_recall, Share { of: 2, all: 2 });
    assert_eq!(s.lure_opened, Share { of: 1, all: 1 });
    assert!(
        s.render()
            .contains("bounds with the truth      1.000  (7/7)"),
        "{}",
        s.render()
    );
}

#[test]
fn each_fault_is_seen() {
    type Fault = (&'static str, fn(&mut Value), fn(&Score) -> bool);
    let faults: [Fault; 13] = [
        (
            "verdict",
            |c| c["verdict"] = json!("inconclusive"),
            |s| !s.verdict_right,
        ),
        (
            "lower bound too high",
            |c| c["ledger"][4]["bytes_min"] = json!(2001),
            |s| s.violations.len() == 1,
        ),
        (
            "upper bound too low",
            |c| c["ledger"][0]["bytes_max"] = json!(699),
            |s| s.violations.len() == 1,
        ),
        (
            "octets of what never left",
            |c| c["ledger"][3]["bytes_min"] = json!(1),
            |s| s.violations.len() == 1,
        ),
        (
            "total",
            |c| c["totals"]["bytes_max"] = json!(9199),
            |s| s.violations.len() == 1 && s.bounds.of == 6,
        ),
        (
            "item without a row",
            |c| drop(c["ledger"].as_array_mut().unwrap().remove(4)),
            |s| s.violations.len() == 1 && s.confusion["downloaded"]["absent"] == 1,
        ),
        (
            "session missed",
            |c| c["sessions"][0]["label"] = json!("suspect"),
            |s| {
                s.session_recall.of == 1
                    && s.missed_sessions.len() == 1
                    && s.false_alarms.is_empty()
            },
        ),
        (
            "session at another time",
            |c| {
                c["sessions"][1]["start"] = json!("2025-12-01T11:04:00Z");
                c["sessions"][1]["end"] = json!("2025-12-01T11:05:00Z")
            },
            |s| {
                s.session_recall.of == 1 && s.session_precision.of == 1 && s.false_alarms.len() == 1
            },
        ),
        (
            "user called intruder",
            |c| c["sessions"][2]["label"] = json!("intruder"),
            |s| s.session_precision == Share { of: 2, all: 3 } && s.false_alarms.len() == 1,
        ),
        (
            "level",
            |c| c["ledger"][2]["level"] = json!("read"),
            |s| s.levels.of == 6 && s.confusion["listed"]["read"] == 1,
        ),
        (
            "honest redirect called an intruder's",
            |c| c["persistence"][1]["label"] = json!("intruder"),
            |s| s.false_alarms.len() == 1,
        ),
        (
            "account",
            |c| c["accounts"][2]["status"] = json!("compromised"),
            |s| s.false_alarms.len() == 1,
        ),
        (
            "lure that is none",
            |c| c["lures"][0]["message_id"] = json!("news@x"),
            |s| s.false_alarms.len() == 1 && s.lure_recall.of == 0,
        ),
    ];
    for (name, spoil, seen) in faults {
        let mut case = good();
        spoil(&mut case);
        let s = scored(&case, &truth());
        assert!(seen(&s), "{name}: {}", s.render());
        let tolerable = [
            "level",
            "honest redirect called an intruder's",
            "account",
            "lure that is none",
        ];
        assert_eq!(
            s.failures().is_empty(),
            tolerable.contains(&name),
            "{name}: {:?}",
            s.failures()
        );
    }
}

#[test]
fn where_nothing_happened_every_claim_is_false() {
    let truth = json!({"story": "quiet", "verdict": "no_evidence_of_breach", "sessions": [
        {"id": "s1", "account": "ann", "protocol": "imap", "source_ip": "10.0.0.5", "start": "2025-12-01T10:00:00Z", "end": "2025-12-01T10:10:00Z", "intruder": false}]});
    let quiet = json!({"verdict": "no_evidence_of_breach"});
    let s = scored(&quiet, &truth);
    assert!(s.failures().is_empty(), "{:?}", s.failures());
    assert_eq!(s.bounds, Share { of: 1, all: 1 });
    let claims = json!({"verdict": "no_evidence_of_breach",
        "sessions": [session("S1", "ann", "imap", "10.0.0.5", "10:00", "10:10", "suspect")],
        "ledger": [row("ann", 1, "q@x", None, "read", (5, 9, 9))]});
    let s = scored(&claims, &truth);
    assert_eq!(s.false_alarms.len(), 2, "{}", s.render());
    assert_eq!(s.violations.len(), 1);
    assert_eq!(s.confusion["none"]["read"], 1);
    assert!(!s.failures().is_empty());
    // An empty case of a real breach is no success either.
    assert!(!scored(&json!({}), &self::truth()).failures().is_empty());
}

#[test]
fn copies_of_a_message_are_told_apart() {
    let truth = json!({"verdict": "breached", "sessions": [{"account": "a", "protocol": "imap", "source_ip": "1.2.3.4", "intruder": true,
        "start": "2025-12-01T10:00:00Z", "end": "2025-12-01T10:10:00Z", "items": [
            {"account": "a", "mailbox": "INBOX", "uid": 3, "message_id": "<m>", "level": "downloaded", "bytes": 50},
            {"account": "a", "mailbox": "INBOX", "uid": 8, "message_id": "<moved>", "level": "read", "bytes": 20},
            {"account": "a", "mailbox": "INBOX", "uid": 7, "message_id": "<gone>", "level": "downloaded", "bytes": 10}]}]});
    let mut trash = row("a", 1, "m", None, "exposed", (0, 0, 50));
    trash["mailbox"] = json!("Trash");
    let mut moved = row("a", 2, "moved", None, "read", (0, 20, 20));
    moved["mailbox"] = json!("Archive");
    let case = json!({"verdict": "breached", "totals": {"bytes_min": 0, "bytes_max": 90},
        "ledger": [trash, row("a", 3, "m", None, "downloaded", (50, 50, 50)), moved, row("a", 7, "", None, "downloaded", (10, 10, 10))]});
    let s = scored(&case, &truth);
    assert!(s.violations.is_empty(), "{}", s.render());
    assert_eq!(s.levels, Share { of: 4, all: 4 }, "{}", s.render());
    assert_eq!(s.true_total, 80);
}

/// Two sessions with halves of an item: what left counts once, and may be anything between the
/// larger half and the whole.
#[test]
fn pieces_of_an_item_are_a_range() {
    let session = |bytes: u64| {
        json!({"account": "a", "protocol": "imap", "source_ip": "1.2.3.4", "intruder": true,
            "start": "2025-12-01T10:00:00Z", "end": "2025-12-01T10:10:00Z",
            "items": [{"account": "a", "mailbox": "INBOX", "uid": 3, "message_id": "<m>", "level": "read", "bytes": bytes}]})
    };
    let truth = json!({"verdict": "breached", "sessions": [session(60), session(50)]});
    let bounds = |min: u64, max: u64| {
        let case = json!({"verdict": "breached", "totals": {"bytes_min": min, "bytes_max": max},
            "ledger": [row("a", 3, "m", None, "read", (min, max, 100))]});
        scored(&case, &truth).violations.len()
    };
    assert_eq!(bounds(60, 100), 0);
    assert_eq!(bounds(100, 100), 0);
    assert_eq!(bounds(0, 60), 0);
    assert_eq!(bounds(0, 59), 2, "row and total");
    assert_eq!(bounds(101, 110), 2);
    assert_eq!(bounds(90, 80), 2, "no interval at all");
}

#[test]
fn files_and_directories_are_read() {
    let dir = std::env::temp_dir().join(format!("lab-score-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("directory");
    std::fs::write(dir.join("case.json"), good().to_string()).expect("case");
    std::fs::write(dir.join("ground-truth.json"), truth().to_string()).expect("truth");
    let s = run(&dir, &dir.join("ground-truth.json")).expect("score");
    assert!(s.failures().is_empty());
    std::fs::write(dir.join("case.json"), "{").expect("case");
    let e = run(&dir, &dir).expect_err("half a file");
    assert!(format!("{e:#}").contains("case.json"), "{e:#}");
    let _ = std::fs::remove_dir_all(&dir);
}
