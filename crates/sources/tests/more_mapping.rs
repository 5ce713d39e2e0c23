//! JSON lines by a mapping: the mappings of `examples/mappings` against lines of others, every kind
//! of source and condition, and mistakes in a mapping.

mod more_common;

use more_common::{accounted, parse, shared};
use proptest::prelude::*;
use vauban_sources::LogFormat;
use vauban_sources::mapping::Mapping;

fn example(name: &str) -> Mapping {
    let path = format!(
        "{}/../../examples/mappings/{name}.toml",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).expect("example");
    Mapping::from_toml(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

#[test]
fn nextcloud() {
    let mapping = example("nextcloud");
    let own = r#"{"level":2,"time":"2025-12-09T02:30:00+01:00","remoteAddr":"203.0.113.52","user":"--","message":"Login failed: anne (Remote IP: x) (Remote IP: 203.0.113.52)"}
{"level":0,"time":"2025-12-09T02:30:01+01:00","message":"nothing"}
{"level":0,"message":"no time"}
no JSON
"#;
    let keep = parse(&mapping, own.as_bytes());
    accounted(own.as_bytes(), &keep).expect("every line once");
    assert_eq!(
        (keep.facts.len(), keep.ignored.len(), keep.unparsed.len()),
        (1, 1, 2)
    );
    let f = &keep.facts[0];
    assert_eq!(
        (&*f.ip, &*f.user, &*f.status),
        ("203.0.113.52", "anne (Remote IP: x)", "Failure")
    );
    assert_eq!(f.time, "2025-12-09T01:30:00Z");
    f.is("service", "Webmail").is("attempts", "1");
    let Some(folder) = shared("logs-crowdsec/tests/nextcloud-logs") else {
        return;
    };
    let log = std::fs::read_to_string(folder.join("nextcloud-logs.log")).expect("log");
    let asserts = std::fs::read_to_string(folder.join("parser.assert")).expect("assertions");
    assert_eq!(
        mapping.sniff(
            "nextcloud.log",
            log.lines().next().expect("line").as_bytes()
        ),
        100
    );
    let mut compared = 0;
    for (index, line) in log.lines().enumerate() {
        let get = |key: &str| {
            let start = format!(
                "results[\"s01-parse\"][\"crowdsecurity/nextcloud-logs\"][{index}].Evt.Meta[\"{key}\"] == \""
            );
            asserts
                .lines()
                .find_map(|l| l.strip_prefix(&start))
                .map(|v| v.trim_end_matches('"').to_owned())
        };
        if let Some(user) = get("target_user").filter(|user| !user.is_empty()) {
            let keep = parse(&mapping, line.as_bytes());
            let f = keep
                .facts
                .first()
                .unwrap_or_else(|| panic!("no event of {line}"));
            assert_eq!((&*f.user, &*f.status), (&*user, "Failure"), "{line}");
            assert_eq!(Some(&f.ip), get("source_ip").as_ref(), "{line}");
            compared += 1;
        }
    }
    assert!(compared >= 2, "{compared}");
}

#[test]
fn microsoft365() {
    let mapping = example("microsoft365-exchange");
    let own = r#"{"CreationTime":"2025-12-09T02:30:00","Operation":"MailItemsAccessed","Workload":"Exchange","MailboxOwnerUPN":"anne@b.example","ClientIPAddress":"203.0.113.52","ResultStatus":"Succeeded","OriginatingServer":"S1","SessionId":"s"}"#;
    let f = &parse(&mapping, own.as_bytes()).facts[0];
    assert_eq!(
        (f.class, &*f.user, &*f.host),
        (6006, "anne@b.example", "S1")
    );
    f.is("action", "Opened")
        .is("status", "Success")
        .says("session", "s");
    let Some(file) = shared("logs-syslog-hosts/plaso/test_data/jsonl/microsoft_audit_log.jsonl")
    else {
        return;
    };
    let text = std::fs::read_to_string(file).expect("log");
    let keep = parse(&mapping, text.as_bytes());
    accounted(text.as_bytes(), &keep).expect("every line once");
    let first = &keep.facts[0];
    assert_eq!(first.time, "2022-05-07T12:55:53Z");
    first.says("text", "Install-DefaultSharingPolicy");
}

#[test]
fn sources_and_conditions() {
    let mapping = Mapping::from_toml(
        r#"
name = "x"
time = "t"
time_format = "epoch_ms"
product = "zeek"

[[event]]
class = "network"
when = { "a.b" = true, c = false, kind = ["f*", "g"] }
[event.set]
src_ip = "id.orig_h"
dst_ip = "list.1"
dst_port = "n.port"
protocol = { value = "udp" }
sni = "deep.er.name"
state = { from = "s", map = { up = "UP" }, default = "DOWN" }

[[event]]
class = "dns"
when = { kind = "dns" }
set.query = "q"
set.answers = "list"
"#,
    )
    .expect("mapping");
    assert_eq!(mapping.title(), "x");
    let line = r#"{"t":1765247400123,"a":{"b":1},"kind":"flow","id.orig_h":"10.0.0.5","list":["x","192.0.2.9"],"n":{"port":53},"deep":{"er.name":"c2.example"},"s":"up"}"#;
    let f = &parse(&mapping, line.as_bytes()).facts[0];
    assert_eq!(
        (&*f.ip, f.product, &*f.time),
        ("10.0.0.5", "Zeek", "2025-12-09T02:30:00.123000Z")
    );
    f.is("dst_ip", "Some(192.0.2.9)")
        .is("dst_port", "Some(53)")
        .is("protocol", "17")
        .says("sni", "c2.example")
        .says("state", "UP");
    let other = line
        .replace("\"flow\"", "\"dns\"")
        .replace("\"s\":", "\"q\":");
    let f = &parse(&mapping, other.as_bytes()).facts[0];
    f.says("query", "up").says("answers", "x\n192.0.2.9");
    // Absent where it must be there, there where it must be absent.
    for ignored in [
        line.replace("\"b\":1", "\"b\":null"),
        line.replace("\"s\"", "\"c\""),
        line.replace("flow", "low"),
    ] {
        let keep = parse(&mapping, ignored.as_bytes());
        assert_eq!((keep.facts.len(), keep.ignored.len()), (0, 1), "{ignored}");
    }
}

#[test]
fn mistakes_are_told_when_the_mapping_is_read() {
    let head = "name = \"x\"\ntime = \"t\"\n";
    for (text, part) in [
        ("name = 1", "name"),
        (head, "at least one"),
        (
            "name = \"x\"\ntime = \"t\"\nproduct = \"nothing\"\n",
            "unknown product",
        ),
        (
            "name = \"x\"\ntime = \"t\"\n[[event]]\nclass = \"login\"\n",
            "unknown class \"login\"; known are logon",
        ),
        (
            "name = \"x\"\ntime = \"t\"\n[[event]]\nclass = \"logon\"\nset.username = \"u\"\n",
            "has no attribute \"username\"; it has user",
        ),
        (
            "name = \"x\"\ntime = \"t\"\n[[event]]\nclass = \"logon\"\nset.user = {}\n",
            "neither",
        ),
        (
            "name = \"x\"\ntime = \"t\"\n[[event]]\nclass = \"logon\"\nset.user = { form = \"u\" }\n",
            "did not match",
        ),
        (
            "name = \"x\"\ntime = \"t\"\ntime_format = \"stardate\"\n",
            "unknown variant",
        ),
    ] {
        let error = Mapping::from_toml(text).expect_err(text).to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn every_line_once_whatever_comes(
        lines in prop::collection::vec(
            prop_oneof![
                "\\{\"time\":(\"2025-12-09T0[0-9]:30:00Z\"|-?[0-9]{1,20}|1e[0-9]{1,3}|null),\"message\":\"Login failed: [a-z() :IPR]{0,20}\",\"level\":[0-9]\\}",
                "[\\[\\]{}\":,a-z0-9]{0,40}",
                "\\PC{0,30}",
            ],
            0..12,
        )
    ) {
        let text = lines.join("\n");
        let keep = parse(&example("nextcloud"), text.as_bytes());
        prop_assert_eq!(accounted(text.as_bytes(), &keep), Ok(()));
    }
}
