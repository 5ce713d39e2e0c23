//! CrowdSec's parser assertions for nginx, Apache, Caddy and Traefik access and error logs: every
//! field they expect that our vocabulary has.

mod web_support;

use std::collections::BTreeMap;
use std::path::Path;
use vauban_sources::recognise;
use web_support::{Keep, context, parse, shared};

/// `(test, part of the line, why)`: listed in `docs/FORMATS.md`.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    (
        "nginx_http-catch-npm",
        "[10/Feb/2024:21:23:32 +0100] mx.example.org",
        SITE_LAYOUT,
    ),
    (
        "nginx_http-catch-npm",
        "[10/Feb/2024:21:23:40 +0100] wings.example.com",
        SITE_LAYOUT,
    ),
    (
        "nginx_http-catch-npm",
        "[10/Feb/2024:21:24:01 +0100] npm-mx.example.com",
        SITE_LAYOUT,
    ),
    (
        "nginx_http-catch-npm",
        "[21/May/2025:19:28:54 +0800] _",
        SITE_LAYOUT,
    ),
    (
        "nginx_http-catch-npm",
        "[10/Feb/2024:21:25:00 +0100] 200 - GET",
        SITE_LAYOUT,
    ),
    (
        "nginx_http-catch-npm",
        "[10/Feb/2024:21:25:15 +0100] - 404 200",
        SITE_LAYOUT,
    ),
];

const SITE_LAYOUT: &str = "a product's own log_format; it is read once declared (see below)";

/// The parsers whose assertions are compared.
const PARSERS: &[&str] = &["crowdsecurity/nginx-logs", "crowdsecurity/apache2-logs"];

/// A Go string literal.
fn unquote(literal: &str) -> String {
    let inner = literal
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(literal);
    serde_json::from_str(&format!("\"{inner}\"")).unwrap_or_else(|_| inner.to_owned())
}

/// Per result: `Parsed.*` and `Meta.*`.
fn assertions(text: &str) -> BTreeMap<(String, usize), BTreeMap<String, String>> {
    let mut results: BTreeMap<(String, usize), BTreeMap<String, String>> = BTreeMap::new();
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("results[\"s01-parse\"][\"") else {
            continue;
        };
        let Some((parser, rest)) = rest.split_once("\"][") else {
            continue;
        };
        let Some((index, rest)) = rest.split_once("].") else {
            continue;
        };
        let Ok(index) = index.parse() else { continue };
        let entry = results.entry((parser.to_owned(), index)).or_default();
        if rest == "Success == true" {
            entry.insert("success".into(), "true".into());
        }
        for group in ["Evt.Parsed[\"", "Evt.Meta[\""] {
            if let Some((key, value)) = rest
                .strip_prefix(group)
                .and_then(|rest| rest.split_once("\"] == "))
            {
                let name = group.trim_start_matches("Evt.").trim_end_matches("[\"");
                entry.insert(format!("{name}.{key}"), unquote(value));
            }
        }
    }
    results
}

fn check(name: &str, line: &str, expected: &BTreeMap<String, String>) -> Result<(), String> {
    let get = |key: &str| expected.get(key).map(String::as_str);
    let context = context("UTC", (2026, 1, 1), &[]);
    let keep = match recognise(name, line.as_bytes()) {
        Some(format) => parse(format, &context, line.as_bytes()),
        None => Keep::default(),
    };
    let Some(event) = keep.events.first() else {
        return Err(format!("no event; {:?}", keep.unparsed));
    };
    let mut wrong = Vec::new();
    let mut compare = |what: &str, ours: &str, theirs: Option<&str>| {
        // `-` is their notation for what we leave empty.
        if let Some(theirs) = theirs
            && ours != theirs
            && !(ours.is_empty() && theirs == "-")
        {
            wrong.push(format!("{what}: {ours:?}, expected {theirs:?}"));
        }
    };
    compare(
        "address",
        event.ip.as_deref().unwrap_or_default(),
        get("Meta.source_ip"),
    );
    if event.kind == "http" {
        let target = if event.query.is_empty() {
            event.path.clone()
        } else {
            format!("{}?{}", event.path, event.query)
        };
        compare("status", &event.status, get("Meta.http_status"));
        compare("method", &event.method, get("Meta.http_verb"));
        compare("target", &target, get("Parsed.request"));
        compare("agent", &event.agent, get("Meta.http_user_agent"));
        let bytes = event
            .bytes
            .map(|bytes| bytes.to_string())
            .unwrap_or_default();
        compare(
            "bytes",
            &bytes,
            get("Parsed.body_bytes_sent").or(get("Parsed.bytes")),
        );
        compare(
            "user",
            &event.user,
            get("Parsed.remote_user").or(get("Parsed.auth")),
        );
        compare(
            "referrer",
            &event.referrer,
            get("Parsed.http_referer").or(get("Parsed.referrer")),
        );
    }
    let stamp = get("Parsed.time_local").or(get("Parsed.timestamp"));
    if let Some(stamp) = stamp
        && let Ok(theirs) = jiff::Timestamp::strptime("%d/%b/%Y:%H:%M:%S %z", stamp)
    {
        compare(
            "time",
            &event.time.seconds().to_string(),
            Some(&theirs.as_second().to_string()),
        );
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("; "))
    }
}

fn run(folder: &Path) -> (usize, Vec<String>, Vec<bool>) {
    let (mut checked, mut failures) = (0, Vec::new());
    let mut needed = vec![false; DIFFERENCES.len()];
    let mut tests: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .collect();
    tests.sort();
    for test in tests {
        let Ok(text) = std::fs::read_to_string(test.join("parser.assert")) else {
            continue;
        };
        let name = test
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let config = std::fs::read_to_string(test.join("config.yaml")).unwrap_or_default();
        let log = config
            .lines()
            .find_map(|line| line.strip_prefix("log_file: "))
            .unwrap_or_default();
        let log = std::fs::read(test.join(log.trim())).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        // Results are numbered by the lines of the log that are not empty.
        let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
        for ((parser, index), expected) in assertions(&text) {
            let Some(line) = lines.get(index).copied() else {
                continue;
            };
            if !PARSERS.contains(&parser.as_str()) || !expected.contains_key("success") {
                continue;
            }
            checked += 1;
            if let Err(why) = check(name, line, &expected) {
                let known = DIFFERENCES
                    .iter()
                    .position(|(of, part, _)| *of == name && line.contains(part));
                match known {
                    Some(known) => needed[known] = true,
                    None => failures.push(format!("{name} {parser} {index}: {why}\n    {line}")),
                }
            }
        }
    }
    (checked, failures, needed)
}

#[test]
fn assertions_hold() {
    if let Some(folder) = shared("logs-crowdsec/tests") {
        let (checked, failures, needed) = run(&folder);
        assert!(
            failures.is_empty(),
            "{} of {checked}:\n{}",
            failures.len(),
            failures.join("\n")
        );
        assert!(checked >= 75, "only {checked} assertions found");
        for (difference, needed) in DIFFERENCES.iter().zip(needed) {
            assert!(needed, "no longer a difference: {difference:?}");
        }
    }
    let own = BTreeMap::from(
        [
            ("Parsed.time_local", "08/Jun/2020:06:49:01 +0000"),
            ("Parsed.request", "/a?b"),
            ("Parsed.remote_user", "bob"),
            ("Parsed.body_bytes_sent", "803"),
            ("Meta.source_ip", "192.0.2.1"),
            ("Meta.http_status", "500"),
            ("Meta.http_verb", "GET"),
            ("Meta.http_user_agent", "x"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    let line =
        "192.0.2.1 - bob [08/Jun/2020:06:49:01 +0000] \"GET /a?b HTTP/1.0\" 500 803 \"-\" \"x\"";
    check("own", line, &own).expect("our own line");
}

/// nginx Proxy Manager's layouts, declared: now they are read.
#[test]
fn declared_layouts() {
    let config = r#"
log_format standard '[$time_local] $upstream_cache_status $upstream_status $status - $request_method $scheme $host "$request_uri" [Client $remote_addr] [Length $body_bytes_sent] [Gzip $gzip_ratio] [Sent-to $server] "$http_user_agent" "$http_referer"';
log_format timed '[$time_local] $host $remote_addr $request_time "$request" $status $body_bytes_sent $request_length $http_referer $http_user_agent';
access_log /data/logs/proxy.log standard;
access_log /data/logs/timed.log timed;
"#;
    let declared = vauban_sources::web::layouts::from_config(config, "nginx.conf");
    for (path, line, ip, status, path_is, bytes) in [
        (
            "proxy.log",
            r#"[10/Feb/2024:21:25:00 +0100] - 200 200 - GET https booking.example "/dashboard?x=1" [Client 192.0.2.103] [Length 2048] [Gzip 1.2] [Sent-to 192.0.2.50] "Mozilla/5.0 (X11)" "https://s.example/""#,
            "192.0.2.103",
            "200",
            "/dashboard",
            2048,
        ),
        (
            "timed.log",
            r#"[10/Feb/2024:21:23:40 +0100] wings.example 192.0.2.101 0.002 "GET / HTTP/1.1" 401 77 935 - Uptime-Kuma/1.23.11"#,
            "192.0.2.101",
            "401",
            "/",
            77,
        ),
    ] {
        let layouts = vauban_sources::web::layouts::layouts_for(&declared, path);
        let layouts: Vec<&str> = layouts.iter().map(String::as_str).collect();
        let context = context("UTC", (2026, 1, 1), &layouts);
        let keep = parse(
            &vauban_sources::web::NGINX_ACCESS,
            &context,
            line.as_bytes(),
        );
        let event = keep
            .events
            .first()
            .unwrap_or_else(|| panic!("{path}: {:?}", keep.unparsed));
        assert_eq!(event.ip.as_deref(), Some(ip), "{path}");
        assert_eq!(
            (&*event.status, &*event.path, event.bytes),
            (status, path_is, Some(bytes))
        );
        let gzip = event.debug.contains("compressed: Some(true)");
        assert_eq!(gzip, path == "proxy.log");
        let timed = event.debug.contains("duration_us: Some(2000)");
        assert_eq!(timed, path == "timed.log");
    }
}
