//! Lines of web servers and Roundcube in the samples of OSSEC, Wazuh, Plaso and lnav: each is
//! read, and its address is the one that stands in it.

mod web_support;

use vauban_sources::recognise;
use web_support::{Keep, context, parse, shared};

/// `(part of the line, why)`: not read, and not meant to be. Listed in `docs/FORMATS.md`.
const DIFFERENCES: &[(&str, &str)] = &[
    ("W3SVC58 XXX-XXWEB-01", IIS),
    ("2015-07-28 15:07:26 1.2.3.4 GET", IIS),
    ("2015-03-11 21:59:09 1.2.3.4 GET", IIS),
    ("2015-03-11 22:01:59 1.2.3.4 GET", IIS),
    (
        "[1/Apr/2014:",
        "a day of one digit: no server writes it (`%d` has two)",
    ),
    ("[error] [client 80.230.208.105] Directory index", NO_TIME),
    (
        "[error] [client 64.94.163.159] Client sent malformed",
        NO_TIME,
    ),
    ("[error] [client 66.31.142.16] File does not exist", NO_TIME),
    ("[notice] Apache configured", NO_TIME),
    ("80:2", "`pid:tid`, where nginx writes `pid#tid`"),
];

const IIS: &str = "IIS";
const NO_TIME: &str = "the stamp was cut off";

fn read(path: &str, line: &str) -> Keep {
    match recognise(path, line.as_bytes()) {
        Some(format) => parse(format, &context("UTC", (2026, 1, 1), &[]), line.as_bytes()),
        None => Keep::default(),
    }
}

/// The first address in a line, by a reading of its own.
fn address(line: &str) -> Option<String> {
    line.split(|c: char| !(c.is_ascii_hexdigit() || c == '.' || c == ':'))
        .find_map(|word| {
            let parse = |word: &str| word.parse::<std::net::IpAddr>().ok();
            let bare = word.trim_end_matches([':', '.']);
            let without_port = bare.rsplit_once(':').map_or("", |(front, _)| front);
            parse(bare)
                .or_else(|| parse(without_port))
                .map(|ip| ip.to_string())
        })
}

#[test]
fn ossec_and_wazuh() {
    let Some(root) = shared("logs-ossec-wazuh") else {
        return own_examples();
    };
    let (mut checked, mut failures) = (0, Vec::new());
    let mut needed = vec![false; DIFFERENCES.len()];
    for file in [
        "wazuh-ruleset/tools/rules-testing/tests/nginx.ini",
        "wazuh-ruleset/tools/rules-testing/tests/web_rules.ini",
        "wazuh-ruleset/tools/rules-testing/tests/web_appsec.ini",
        "wazuh-ruleset/tools/rules-testing/tests/apache.ini",
        "wazuh-ruleset/tools/rules-testing/tests/modsecurity.ini",
        "ossec/contrib/ossec-testing/tests/nginx.ini",
        "ossec/contrib/ossec-testing/tests/web_rules.ini",
        "ossec/contrib/ossec-testing/tests/web_appsec.ini",
        "ossec/contrib/ossec-testing/tests/apache.ini",
        "ossec/contrib/ossec-testing/tests/modsecurity.ini",
        "wazuh-ruleset/rules/log-entries/apache-error.logs",
        "ossec/etc/rules/log-entries/apache-error.logs",
    ] {
        let text = std::fs::read(root.join(file)).expect("the file is there");
        let text = String::from_utf8_lossy(&text);
        for line in text.lines() {
            let line = match line.strip_prefix("log ") {
                Some(rest) => rest
                    .split_once(" = ")
                    .map(|(_, line)| line)
                    .unwrap_or_default(),
                None if file.ends_with(".logs") => line,
                None => continue,
            };
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            checked += 1;
            let keep = read(file, line);
            let expected = address(line.split(" referer: ").next().unwrap_or_default());
            let wrong = match keep.events.first() {
                None => Some("no event".to_owned()),
                Some(event) if line.contains("[client ") || event.kind == "http" => {
                    (event.ip != expected).then(|| format!("{:?}, expected {expected:?}", event.ip))
                }
                Some(_) => None,
            };
            if let Some(why) = wrong {
                match DIFFERENCES.iter().position(|(part, _)| line.contains(part)) {
                    Some(known) => needed[known] = true,
                    None => failures.push(format!("{file}: {why}\n    {line}")),
                }
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {checked}:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(checked >= 100, "only {checked} lines found");
    for (difference, needed) in DIFFERENCES.iter().zip(needed) {
        assert!(needed, "no longer a difference: {difference:?}");
    }
    own_examples();
}

/// The examples in Wazuh's Roundcube decoder.
#[test]
fn wazuh_roundcube() {
    let Some(root) = shared("logs-ossec-wazuh") else {
        return own_examples();
    };
    let text =
        std::fs::read_to_string(root.join("wazuh-ruleset/decoders/0255-roundcube_decoders.xml"))
            .expect("the file is there");
    let mut checked = 0;
    for line in text.lines().map(str::trim) {
        let Some(line) = line.strip_prefix("- ").filter(|line| line.contains("for ")) else {
            continue;
        };
        if !line.starts_with('[') && !line.contains(" roundcube: ") {
            continue;
        }
        checked += 1;
        let keep = read("errors", line);
        let event = keep
            .events
            .first()
            .unwrap_or_else(|| panic!("{line}: {:?}", keep.unparsed));
        assert_eq!(event.kind, "logon", "{line}");
        let success = line.contains("Successful");
        assert_eq!(
            event.status,
            if success { "Success" } else { "Failure" },
            "{line}"
        );
        assert!(
            matches!(&*event.user, "username" | "test"),
            "{line}: {}",
            event.user
        );
        let expected = line.contains("127.0.0.1").then_some("127.0.0.1");
        assert_eq!(event.ip.as_deref(), expected, "{line}");
    }
    assert!(checked >= 6, "only {checked} examples found");
}

#[test]
fn plaso_and_lnav() {
    let Some(root) = shared("logs-syslog-hosts") else {
        return own_examples();
    };
    // Lines that are no access record: (file, how many).
    for (file, events, unparsed) in [
        ("plaso/test_data/apache_access.log", 15, 0),
        ("lnav/test/logfile_access_log.0", 3, 0),
        ("lnav/test/logfile_access_log.1", 1, 0),
        ("lnav/test/logfile_shop_access_log.0", 1000, 0),
        ("lnav/test/logfile_regexp_access_log.0", 2, 0),
        // The second line lacks identity and user.
        ("lnav/test/logfile_bad_access_log.0", 2, 1),
    ] {
        let bytes = std::fs::read(root.join(file)).expect("the file is there");
        let format = recognise(file, &bytes[..bytes.len().min(65_536)]);
        let format = format.unwrap_or_else(|| panic!("{file} is not recognised"));
        let keep = parse(format, &context("UTC", (2026, 1, 1), &[]), &bytes);
        assert_eq!(
            (keep.events.len(), keep.unparsed.len()),
            (events, unparsed),
            "{file}"
        );
        for (event, line) in keep
            .events
            .iter()
            .zip(String::from_utf8_lossy(&bytes).lines())
        {
            if unparsed == 0 {
                assert_eq!(event.kind, "http", "{line}");
                assert_eq!(event.ip, address(line), "{line}");
            }
        }
    }
}

fn own_examples() {
    for (line, ip) in [
        (
            r#"192.0.2.5 - - [01/Apr/2014:00:00:01 -0500] "POST /x HTTP/1.1" 403 181 "-" "y""#,
            "192.0.2.5",
        ),
        (
            "[Fri Dec 16 01:46:23 2005] [error] [client 192.0.2.6] Directory index forbidden by rule: /x/",
            "192.0.2.6",
        ),
        (
            "[04-Oct-2017 16:08:01 +0200]: <lrpo6s0r> Failed login for test from 127.0.0.1 in session abcdefg (error: 0)",
            "127.0.0.1",
        ),
    ] {
        let keep = read("x", line);
        assert_eq!(keep.events[0].ip.as_deref(), Some(ip), "{line}");
        assert_eq!(address(line).as_deref(), Some(ip));
    }
}
