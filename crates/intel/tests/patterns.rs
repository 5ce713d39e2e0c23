//! STIX patterns: what is one and what is not, and what they find.

use proptest::prelude::*;
use std::path::{Path, PathBuf};
use vauban_intel::pattern::{EventObservation, Observed};
use vauban_intel::{Pattern, PatternRun, PatternSet, WarningLists, parse};
use vauban_ocsf::*;

fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VAUBAN_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| {
            Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).into()
        });
    let path = root.join("data/intel-stix-taxii").join(path);
    if path.exists() {
        return Some(path);
    }
    println!(
        "{} is absent: only the built-in examples are checked",
        path.display()
    );
    None
}

#[test]
fn valid_patterns() {
    for text in [
        "[a:b='x']",
        "[a:b == 'x' and-not:here = 1]"
            .replace("and-not:here", "AND a:here")
            .as_str(),
        "[a:'quo ted'.b[*].c[0].d[-1] <> 1.5]",
        "[a:b = -.5 OR a:b >= +7 OR a:b != true]",
        "[a:b IN ()]",
        "[a:b NOT IN ('x', 1, false, t'2020-01-01T00:00:00Z')]",
        "[a:b = b'QUJD' OR a:b = h'00fF' OR a:c = h'']",
        "[NOT EXISTS a:b]",
        "[a-b:c LIKE '%' /* why */ ] // end",
        "([a:b='x'] AND [c:d='y']) WITHIN 5.5 SECONDS REPEATS 2 TIMES",
        "[a:b='x'] START t'2020-01-01T00:00:00Z' STOP t'2020-01-01T00:00:00.5Z'",
        "[a:b='it\\'s \\\\ so']",
        "[(a:b='x' OR c:d='y') AND a:e=1]",
        "[a:b MATCHES'^x' AND a:b ISSUBSET '10.0.0.0/8' AND a:b NOT ISSUPERSET '10.0.0.1/32']",
        "[ipv4-addr:value='1.2.3.4']\u{a0}OR\n[a:b=0]",
        "((([a:b=1])))",
        "[a:b MATCHES '(?=x)']",
        "[a:b=1] FOLLOWEDBY [a:b=2] FOLLOWEDBY [a:b=3]",
    ] {
        assert!(
            Pattern::parse(text).is_ok(),
            "{text}: {}",
            Pattern::parse(text).unwrap_err()
        );
    }
}

#[test]
fn invalid_patterns() {
    for (text, why) in [
        ("", "the end"),
        ("file:size = 1280", "\"[\" or \"(\""),
        ("[file:size = ]", "a constant"),
        ("[file:hashes.MD5 = cead3f77]", "a constant"),
        ("[file.size = 1280]", "\":\""),
        (
            "[file:name MATCHES /.*\\.dll/]",
            "a character that no token begins with",
        ),
        ("[a:b = 'x'] WITHIN ]", "a number of seconds"),
        ("[a:b = 'x'] WITHIN 5 HOURS", "SECONDS"),
        ("[a:b = 'x'] WITHIN -5 SECONDS", "above 0"),
        ("[a:b = 'x'] WITHIN 0 SECONDS", "above 0"),
        ("[a:b = 'x'] REPEATS -1 TIMES", "above 0"),
        ("[a:b = 'x'] REPEATS 1.5 TIMES", "whole number"),
        ("[a:b = 'x'] REPEATS 5 TIMES REPEATS 6 TIMES", "twice"),
        (
            "[a:b = 'x'] START '2009-01-01T00:00:00Z' STOP t'2010-01-01T00:00:00Z'",
            "an instant",
        ),
        (
            "[a:b = 'x'] START t'2010-01-01T00:00:00Z' STOP t'2009-01-01T00:00:00Z'",
            "not after",
        ),
        ("[a:b = t'2457-73-22T32:81:84.1Z']", "no instant"),
        ("[a:b = t'2020-01-01']", "no instant"),
        ("[a:b = b'====']", "Base64"),
        ("[a:b = h'abc']", "hexadecimal"),
        ("[a:b = 'x' OR]", "an object path"),
        ("[a:b = 'x' AND ]", "an object path"),
        ("[a:b = 'x'", "\"]\""),
        ("[a:b = 'x']]", "the end or"),
        ("([a:b = 'x']", "\")\""),
        ("[a:b = 'x]", "not closed"),
        ("[a:b = 'a\\n']", "escape"),
        ("[a:b LIKE 5]", "a string"),
        ("[a:b MATCHES 123]", "a string"),
        ("[a:b ISSUBSET ]", "a string"),
        ("[a:b > true]", "no order"),
        ("[a:b = 010]", "zero in front"),
        ("[a:b IN ('x' 'y')]", "\",\""),
        ("[a:b IN 'x']", "\"(\""),
        ("[a:b]", "an operator"),
        ("[a: = 'x']", "a property"),
        ("[a:b-c = 'x']", "a property"),
        ("[a:b NOT = 'x' NOT]", "\"]\""),
        ("[NOT a:b = 'x']", "EXISTS"),
        ("[a:b = 'x'] [c:d = 'y']", "the end or"),
        ("[a:b = 'x'] OR", "\"[\" or \"(\""),
        ("[a:b = 'x'] /* open", "comment"),
        ("[a:b and 'x']", "an operator"),
        ("[a:b[x] = 1]", "\"*\" or a whole number"),
        ("[a:b ~ 'x']", "no token begins"),
        ("[a:b = 99999999999999999999]", "64 bits"),
    ] {
        let error = Pattern::parse(text).expect_err(text).to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    let deep = format!("{}[a:b=1]{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(Pattern::parse(&deep).unwrap_err().why.contains("nesting"));
}

/// Patterns of the standard's authors, and those in other people's bundles.
#[test]
fn other_peoples_patterns() {
    for version in ["v20", "v21"] {
        let Some(path) = shared(&format!(
            "cti-pattern-validator/stix2patterns/test/{version}/spec_examples.txt"
        )) else {
            return;
        };
        let text = std::fs::read_to_string(path).unwrap();
        let mut count = 0;
        for line in text.lines().filter(|l| !l.trim().is_empty()) {
            assert!(
                Pattern::parse(line).is_ok(),
                "{line}: {}",
                Pattern::parse(line).unwrap_err()
            );
            count += 1;
        }
        assert!(count >= 23, "{count} examples");
    }
    let root = shared("SOURCE.md").unwrap().parent().unwrap().to_path_buf();
    let mut stack = vec![root];
    let (mut good, mut bad) = (0, Vec::new());
    while let Some(dir) = stack.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                stack.push(path);
            } else if path.extension().is_some_and(|e| e == "json") {
                let bytes = std::fs::read(&path).unwrap();
                let Ok(value) = serde_json::from_slice::<serde_json::Value>(&bytes) else {
                    continue;
                };
                each_pattern(&value, &mut |p| match Pattern::parse(p) {
                    Ok(_) => good += 1,
                    Err(e) => bad.push(format!("{}: {p}: {e}", path.display())),
                });
            }
        }
    }
    println!("{good} valid, {} not", bad.len());
    assert!(good > 400, "{good}");
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

fn each_pattern(value: &serde_json::Value, take: &mut dyn FnMut(&str)) {
    match value {
        serde_json::Value::Object(map) => {
            let stix = map.get("pattern_type").is_none_or(|t| t == "stix");
            if map.get("type").is_some_and(|t| t == "indicator")
                && stix
                && let Some(serde_json::Value::String(p)) = map.get("pattern")
            {
                take(p);
            }
            map.values().for_each(|v| each_pattern(v, take));
        }
        serde_json::Value::Array(all) => all.iter().for_each(|v| each_pattern(v, take)),
        _ => {}
    }
}

fn event(seconds: i64, body: Body<'_>) -> Event<'_> {
    Event {
        time: Timestamp::from_seconds(seconds),
        evidence: Evidence::default(),
        product: Product::Other,
        host: "mx1",
        pid: None,
        body,
    }
}

fn flow(seconds: i64, src: &str, dst: &str, port: u16) -> Event<'static> {
    event(
        seconds,
        Body::Network(Network {
            protocol: 6,
            src_ip: src.parse().ok(),
            dst_ip: dst.parse().ok(),
            dst_port: Some(port),
            bytes_out: Some(5000),
            ..Default::default()
        }),
    )
}

fn meets(pattern: &str, event: &Event<'_>) -> bool {
    let p = Pattern::parse(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"));
    p.find(&[&EventObservation(event)]).is_some()
}

#[test]
fn one_observation() {
    let f = flow(100, "10.0.0.1", "9.8.7.6", 443);
    for (pattern, met) in [
        ("[ipv4-addr:value = '9.8.7.6']", true),
        ("[ipv4-addr:value = '9.8.7.6/32']", true),
        ("[ipv4-addr:value = '9.8.7.7']", false),
        ("[ipv4-addr:value != '9.8.7.6']", true),
        ("[ipv4-addr:value NOT IN ('9.8.7.6', '10.0.0.1')]", false),
        // Both of one object: no address is two.
        (
            "[ipv4-addr:value = '9.8.7.6' AND ipv4-addr:value = '10.0.0.1']",
            false,
        ),
        (
            "[ipv4-addr:value = '9.8.7.6'] AND [ipv4-addr:value = '10.0.0.1']",
            false,
        ),
        ("[ipv4-addr:value ISSUBSET '9.8.0.0/16']", true),
        ("[ipv4-addr:value NOT ISSUBSET '9.8.0.0/16']", true),
        ("[ipv4-addr:value ISSUPERSET '9.8.7.6/32']", true),
        ("[ipv4-addr:value ISSUPERSET '9.8.7.0/24']", false),
        (
            "[network-traffic:dst_ref.value = '9.8.7.6' AND network-traffic:dst_port = 443]",
            true,
        ),
        ("[network-traffic:dst_ref.value = '10.0.0.1']", false),
        ("[network-traffic:dst_ref.type = 'ipv4-addr']", true),
        ("[network-traffic:dst_port IN (25, 443)]", true),
        (
            "[network-traffic:dst_port > 442 AND network-traffic:dst_port <= 443]",
            true,
        ),
        (
            "[network-traffic:dst_port < 443.5 AND network-traffic:dst_port >= 443.5]",
            false,
        ),
        ("[network-traffic:protocols[*] = 'tcp']", true),
        ("[network-traffic:src_byte_count > 4999]", true),
        (
            "[EXISTS network-traffic:dst_port AND NOT EXISTS network-traffic:src_port]",
            true,
        ),
        ("[network-traffic:src_port != 1]", false),
        ("[file:name = 'x' OR ipv4-addr:value = '10.0.0.1']", true),
        ("[network-traffic:end = t'1970-01-01T00:01:40Z']", true),
        ("[ipv4-addr:value LIKE '9.8.%']", true),
        ("[ipv4-addr:value MATCHES '^9\\\\.8']", true),
        ("[x-unknown:thing = 'x']", false),
        // Several types: one object of each.
        (
            "[ipv4-addr:value = '9.8.7.6' AND network-traffic:dst_port = 443]",
            true,
        ),
        (
            "[ipv4-addr:value = '9.8.7.6' AND network-traffic:dst_port = 80]",
            false,
        ),
        ("[ipv4-addr:value = '9.8.7.6' AND file:name = 'x']", false),
    ] {
        assert_eq!(meets(pattern, &f), met, "{pattern}");
    }
}

#[test]
fn objects_of_mail_web_and_files() {
    let mail = event(
        0,
        Body::Email(Email {
            from: "Spy@evil.org",
            to: "a@x.fr,b@x.fr",
            subject: "Invoice 7",
            helo: "mail.evil.org",
            src_ip: "2a02:6b8::1".parse().ok(),
            ..Default::default()
        }),
    );
    let web = event(
        0,
        Body::Http(Http {
            method: "POST",
            path: "/a.php",
            query: "x=1",
            vhost: "evil.org",
            user_agent: "curl/7",
            referrer: "http://bad.net:8080/x",
            ..Default::default()
        }),
    );
    let file = event(
        0,
        Body::File(FileActivity {
            path: "/tmp/Drop.exe",
            size: Some(9),
            sha256: "4b227777d4dd1fc61c6f884f48641d02b4d121d3fd328cb08b5531fcacdabf8a",
            ..Default::default()
        }),
    );
    let logon = event(
        0,
        Body::Logon(Logon {
            user: "anne@x.fr",
            ..Default::default()
        }),
    );
    for (pattern, e) in [
        ("[email-addr:value = 'Spy@evil.org']", &mail),
        (
            "[email-message:from_ref.value LIKE '%@evil.org' AND email-message:subject = 'Invoice 7']",
            &mail,
        ),
        ("[email-message:to_refs[*].value = 'b@x.fr']", &mail),
        ("[domain-name:value = 'MAIL.evil.org']", &mail),
        ("[ipv6-addr:value = '2a02:06b8:0::1']", &mail),
        ("[url:value = 'http://evil.org/a.php?x=1']", &web),
        ("[domain-name:value = 'bad.net']", &web),
        (
            "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'curl/7' \
             AND network-traffic:extensions.'http-request-ext'.request_method = 'POST']",
            &web,
        ),
        (
            "[network-traffic:extensions.'http-request-ext'.request_value = '/a.php?x=1']",
            &web,
        ),
        ("[file:name = 'Drop.exe' AND file:size = 9]", &file),
        (
            "[file:hashes.'SHA-256' = '4B227777d4dd1fc61c6f884f48641d02b4d121d3fd328cb08b5531fcacdabf8a']",
            &file,
        ),
        (
            "[file:hashes.SHA256 = '4b227777d4dd1fc61c6f884f48641d02b4d121d3fd328cb08b5531fcacdabf8a']",
            &file,
        ),
        ("[user-account:user_id = 'anne@x.fr']", &logon),
    ] {
        assert!(meets(pattern, e), "{pattern}");
    }
    assert!(!meets(
        "[email-message:subject = 'Invoice 7' AND email-message:from_ref.value = 'x']",
        &mail
    ));
    assert!(!meets("[file:name = 'drop.exe']", &file));
}

/// Flows to addresses 9.9.9.N at given seconds: (N, second).
fn over(pattern: &str, flows: &[(u8, i64)]) -> Option<Vec<u64>> {
    let events: Vec<Event<'static>> = flows
        .iter()
        .map(|(n, s)| flow(*s, "10.0.0.1", &format!("9.9.9.{n}"), 443))
        .collect();
    let views: Vec<EventObservation<'_>> = events.iter().map(EventObservation).collect();
    let observed: Vec<&dyn Observed> = views.iter().map(|v| v as &dyn Observed).collect();
    let pattern = expand(pattern);
    let p = Pattern::parse(&pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"));
    let found = p.find(&observed);
    // A stream of the same events finds the same.
    let mut run = PatternRun::new(p);
    for (n, o) in observed.iter().enumerate() {
        run.push(n as u64, *o);
    }
    assert_eq!(run.found(), found, "{pattern}");
    found.map(|f| f.observations)
}

/// `@3` stands for "a flow to 9.9.9.3".
fn expand(short: &str) -> String {
    let mut out = String::new();
    let mut rest = short;
    while let Some((front, after)) = rest.split_once('@') {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        out.push_str(front);
        out.push_str(&format!(
            "[network-traffic:dst_ref.value = '9.9.9.{}']",
            &after[..digits]
        ));
        rest = &after[digits..];
    }
    out + rest
}

#[test]
fn several_observations() {
    for (pattern, flows, found) in [
        ("@1 AND @2", &[(2, 0), (1, 5)][..], Some(vec![0, 1])),
        ("@1 AND @2", &[(1, 0), (1, 5)], None),
        ("@1 AND @1", &[(1, 0)], None),
        ("@1 AND @1", &[(1, 0), (1, 9)], Some(vec![0, 1])),
        ("@1 OR @2", &[(3, 0), (2, 1)], Some(vec![1])),
        ("@1 FOLLOWEDBY @2", &[(2, 0), (1, 5)], None),
        (
            "@1 FOLLOWEDBY @2",
            &[(2, 0), (1, 5), (2, 6)],
            Some(vec![1, 2]),
        ),
        ("@1 FOLLOWEDBY @2", &[(1, 5), (2, 5)], Some(vec![0, 1])),
        (
            "@1 FOLLOWEDBY @2 FOLLOWEDBY @3",
            &[(1, 0), (3, 1), (2, 2), (3, 3)],
            Some(vec![0, 2, 3]),
        ),
        (
            "(@1 FOLLOWEDBY @2) WITHIN 5 SECONDS",
            &[(1, 0), (2, 6)],
            None,
        ),
        (
            "(@1 FOLLOWEDBY @2) WITHIN 5 SECONDS",
            &[(1, 0), (1, 4), (2, 9)],
            Some(vec![1, 2]),
        ),
        (
            "(@1 AND @2 AND @3) WITHIN 10 SECONDS",
            &[(1, 0), (2, 20), (3, 24), (1, 29)],
            Some(vec![1, 2, 3]),
        ),
        (
            "(@1 AND @2 AND @3) WITHIN 8 SECONDS",
            &[(1, 0), (2, 20), (3, 24), (1, 29)],
            None,
        ),
        ("@1 REPEATS 3 TIMES", &[(1, 0), (1, 1)], None),
        (
            "@1 REPEATS 3 TIMES",
            &[(1, 0), (2, 1), (1, 2), (1, 9)],
            Some(vec![0, 2, 3]),
        ),
        (
            "@1 REPEATS 3 TIMES WITHIN 4 SECONDS",
            &[(1, 0), (1, 5), (1, 8), (1, 9)],
            Some(vec![1, 2, 3]),
        ),
        (
            "@1 REPEATS 3 TIMES WITHIN 3 SECONDS",
            &[(1, 0), (1, 5), (1, 8), (1, 9)],
            None,
        ),
        (
            "(@1 AND @2) REPEATS 2 TIMES",
            &[(1, 0), (2, 1), (1, 2)],
            None,
        ),
        (
            "(@1 AND @2) REPEATS 2 TIMES",
            &[(1, 0), (2, 1), (1, 2), (2, 3)],
            Some(vec![0, 1, 2, 3]),
        ),
        (
            "@1 START t'1970-01-01T00:00:05Z' STOP t'1970-01-01T00:00:09Z'",
            &[(1, 4), (1, 9)],
            None,
        ),
        (
            "@1 START t'1970-01-01T00:00:05Z' STOP t'1970-01-01T00:00:09Z'",
            &[(1, 4), (1, 5)],
            Some(vec![1]),
        ),
        // OR binds tighter than FOLLOWEDBY, AND tighter than OR.
        (
            "@1 FOLLOWEDBY @2 OR @3",
            &[(1, 0), (3, 1)],
            Some(vec![0, 1]),
        ),
        ("@1 OR @2 AND @3", &[(1, 0)], Some(vec![0])),
        ("(@1 OR @2) AND @3", &[(1, 0)], None),
    ] {
        assert_eq!(over(pattern, flows), found, "{pattern} {flows:?}");
    }
}

#[test]
fn patterns_of_a_bundle() {
    let bundle = r#"{"type":"bundle","id":"bundle--1","objects":[
      {"type":"indicator","spec_version":"2.1","id":"indicator--1","pattern_type":"stix","name":"Beacon",
       "pattern":"[network-traffic:dst_ref.value = '9.9.9.1' AND network-traffic:dst_port = 443] REPEATS 2 TIMES WITHIN 60 SECONDS",
       "valid_from":"1970-01-01T00:00:00Z","valid_until":"1970-01-02T00:00:00Z"},
      {"type":"indicator","spec_version":"2.1","id":"indicator--2","pattern_type":"stix",
       "pattern":"[ipv4-addr:value = '9.9.9.2']"},
      {"type":"indicator","spec_version":"2.1","id":"indicator--3","pattern_type":"stix","revoked":true,
       "pattern":"[ipv4-addr:value LIKE '9.9.9.%']"},
      {"type":"indicator","spec_version":"2.1","id":"indicator--4","pattern_type":"stix",
       "pattern":"[ipv4-addr:value = '9.9.9.3' AND file:name = ]"}]}"#;
    let a = parse("b.json", bundle.as_bytes(), &WarningLists::built_in());
    assert_eq!(a.patterns.len(), 2, "{:?}", a.patterns);
    assert!(a.patterns[0].kept && !a.patterns[1].kept);
    assert!(
        a.problems
            .iter()
            .any(|p| p.contains("not a valid STIX 2.1 pattern")),
        "{:?}",
        a.problems
    );
    let partial = a.indicators.iter().find(|i| i.value == "9.9.9.1").unwrap();
    assert!(partial.kept && partial.partial);
    let mut set = PatternSet::new(&[a]);
    assert_eq!(set.len(), 1);
    let place = |n: u64| Place {
        artefact: "conn.log".into(),
        offset: n,
        ..Default::default()
    };
    for (n, e) in [
        flow(0, "10.0.0.1", "9.9.9.1", 443),
        flow(5, "10.0.0.1", "9.9.9.1", 80),
    ]
    .iter()
    .enumerate()
    {
        set.push(e, &mut || place(n as u64));
    }
    assert!(set.findings().is_empty());
    set.push(&flow(50, "10.0.0.1", "9.9.9.1", 443), &mut || place(2));
    let findings = set.findings();
    assert_eq!(findings.len(), 1);
    let offsets: Vec<u64> = findings[0].places.iter().map(|p| p.offset).collect();
    assert_eq!((findings[0].level, offsets), (Level::High, vec![0, 2]));
    // Long after its validity it tells less.
    let mut late = PatternSet::new(&[parse(
        "b.json",
        bundle.as_bytes(),
        &WarningLists::built_in(),
    )]);
    late.push(&flow(999_000, "10.0.0.1", "9.9.9.1", 443), &mut || place(0));
    late.push(&flow(999_001, "10.0.0.1", "9.9.9.1", 443), &mut || place(1));
    let finding = &late.findings()[0];
    assert_eq!(finding.level, Level::Low);
    assert!(finding.reason.contains("expired"), "{}", finding.reason);
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,80}", near in "(\\[|\\]|\\(|\\)|a:b|=|'x'|AND|OR|NOT|FOLLOWEDBY|WITHIN|5|SECONDS| |\\*|\\.|IN|,){0,30}") {
        for t in [&text, &near] {
            if let Ok(p) = Pattern::parse(t) {
                p.find(&[&EventObservation(&flow(0, "10.0.0.1", "9.9.9.1", 1))]);
            }
        }
    }

    /// FOLLOWEDBY within a time, against all pairs tried one by one.
    #[test]
    fn closest_pairs(flows in prop::collection::vec((1u8..=2, 0i64..40), 0..12), span in 1i64..10) {
        let mut flows = flows;
        flows.sort_by_key(|f| f.1);
        let any = flows.iter().any(|a| a.0 == 1 && flows.iter().any(|b| b.0 == 2 && b.1 >= a.1 && b.1 - a.1 <= span));
        let found = over(&format!("(@1 FOLLOWEDBY @2) WITHIN {span} SECONDS"), &flows);
        prop_assert_eq!(found.is_some(), any);
        let both = flows.iter().any(|a| a.0 == 1 && flows.iter().any(|b| b.0 == 2 && (b.1 - a.1).abs() <= span));
        let found = over(&format!("(@1 AND @2) WITHIN {span} SECONDS"), &flows);
        prop_assert_eq!(found.is_some(), both);
    }
}
