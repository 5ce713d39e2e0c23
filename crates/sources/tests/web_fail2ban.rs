//! fail2ban's labelled lines of web servers and Roundcube: the address and the time that its
//! authors expect, for every line that they label.

mod web_support;

use vauban_sources::recognise;
use web_support::{Keep, context, parse, shared};

const FILES: &[&str] = &[
    "apache-auth",
    "apache-badbots",
    "apache-botsearch",
    "apache-fakegooglebot",
    "apache-modsecurity",
    "apache-nohome",
    "apache-noscript",
    "apache-overflows",
    "apache-pass",
    "apache-shellshock",
    "nginx-bad-request",
    "nginx-botsearch",
    "nginx-forbidden",
    "nginx-http-auth",
    "nginx-limit-req",
    "php-url-fopen",
    "roundcube-auth",
];

/// `(file, part of the line, why)`: where we differ, and mean to. Listed in `docs/FORMATS.md`.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    (
        "apache-fakegooglebot",
        "- - - [31/Jan/2015:14:29:44 ] fail2ban.org",
        "a layout of the site's own; it is read once declared (see below)",
    ),
    (
        "nginx-http-auth",
        "request: \"GET / HTTP/1.1\", host: \"localhost:8443\"\": was not found in",
        "user name forged as a whole record: two addresses are named, none is believed",
    ),
    (
        "nginx-limit-req",
        "host nginx[983479]: 2023/12/09",
        "journal text without a time stamp; the journal's own export has it",
    ),
    (
        "nginx-botsearch",
        "host nginx[2833]: 2015/01/21",
        "journal text without a time stamp; the journal's own export has it",
    ),
    (
        "nginx-http-auth",
        "host nginx[983478]: 2023/12/09",
        "journal text without a time stamp; the journal's own export has it",
    ),
    (
        "nginx-http-auth",
        "host nginx[23141]: host nginx: 2025/09/07",
        "journal text without a time stamp; the journal's own export has it",
    ),
];

struct Labelled {
    line: String,
    time: Option<String>,
    host: Option<String>,
    matches: bool,
}

fn labelled(text: &str) -> Vec<Labelled> {
    let mut label: Option<serde_json::Value> = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        if let Some(json) = line.strip_prefix("# failJSON:") {
            label = serde_json::from_str(json.trim()).ok();
        } else if !line.starts_with('#')
            && !line.trim().is_empty()
            && let Some(label) = label.take()
        {
            {
                let text = |key: &str| label[key].as_str().map(str::to_owned);
                lines.push(Labelled {
                    line: line.to_owned(),
                    time: text("time"),
                    host: text("host"),
                    matches: label["match"].as_bool().unwrap_or(false),
                });
            }
        }
    }
    lines
}

/// What we make of a line: its first event's address and local time.
fn ours(file: &str, line: &str) -> (Keep, Option<String>, Option<String>) {
    // fail2ban's tests run in this zone, at noon of 14 August 2005.
    let context = context("Europe/Zurich", (2005, 8, 14), &[]);
    let keep = match recognise(file, line.as_bytes()) {
        Some(format) => parse(format, &context, line.as_bytes()),
        None => Keep::default(),
    };
    let event = keep.events.first().cloned();
    let ip = event.as_ref().and_then(|event| event.ip.clone());
    let time = event.map(|event| {
        let instant = jiff::Timestamp::from_second(event.time.seconds()).expect("in range");
        context
            .time
            .zone
            .to_datetime(instant)
            .strftime("%Y-%m-%dT%H:%M:%S")
            .to_string()
    });
    (keep, ip, time)
}

fn check(file: &str, labelled: &Labelled) -> Result<(), String> {
    let (keep, ip, time) = ours(file, &labelled.line);
    if keep.events.is_empty() {
        return Err(format!("no event; unparsed: {:?}", keep.unparsed));
    }
    if labelled.host.is_some() && ip != labelled.host {
        return Err(format!("address {ip:?}, expected {:?}", labelled.host));
    }
    if labelled.time.is_some() && labelled.matches && time != labelled.time {
        return Err(format!("time {time:?}, expected {:?}", labelled.time));
    }
    let event = &keep.events[0];
    let is_logon = file == "roundcube-auth"
        || (file == "nginx-http-auth" && labelled.line.contains(": *") && {
            let (_, said) = labelled.line.split_once(": *").expect("just seen");
            said.contains(" user \"")
        });
    if labelled.matches && is_logon && (event.kind, &*event.status) != ("logon", "Failure") {
        return Err(format!(
            "{} {}, expected a failed logon",
            event.kind, event.status
        ));
    }
    Ok(())
}

#[test]
fn labelled_lines() {
    let Some(folder) = shared("logs-fail2ban/fail2ban/tests/files/logs") else {
        return own_examples();
    };
    let (mut checked, mut failures) = (0, Vec::new());
    let mut needed = vec![false; DIFFERENCES.len()];
    for file in FILES {
        let text = std::fs::read(folder.join(file)).expect("the file is there");
        for labelled in labelled(&String::from_utf8_lossy(&text)) {
            checked += 1;
            let Err(why) = check(file, &labelled) else {
                continue;
            };
            let known = DIFFERENCES
                .iter()
                .position(|(of, part, _)| of == file && labelled.line.contains(part));
            match known {
                Some(known) => needed[known] = true,
                None => failures.push(format!("{file}: {why}\n    {}", labelled.line)),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(checked >= 150, "only {checked} labelled lines found");
    for (difference, needed) in DIFFERENCES.iter().zip(needed) {
        assert!(needed, "no longer a difference: {difference:?}");
    }
    own_examples();
}

/// The site's own layout, declared: now it is read.
#[test]
fn a_declared_layout_reads_what_a_guess_cannot() {
    let config = r#"LogFormat "%h %l %u %u [%{%d/%b/%Y:%H:%M:%S}t ] %v \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %X %I %O %B" site
CustomLog logs/access_log site"#;
    let declared = vauban_sources::web::layouts::from_config(config, "httpd.conf");
    let layouts = vauban_sources::web::layouts::layouts_for(&declared, "logs/access_log");
    let layouts: Vec<&str> = layouts.iter().map(String::as_str).collect();
    let context = context("Europe/Zurich", (2015, 12, 31), &layouts);
    let line = r#"198.51.100.1 - - - [31/Jan/2015:14:29:44 ] site.example "GET /a?b HTTP/1.1" 200 814 "-" "Some (bot; +http://x)" + 293 1149 546"#;
    let keep = parse(
        &vauban_sources::web::APACHE_ACCESS,
        &context,
        line.as_bytes(),
    );
    assert_eq!(keep.events.len(), 1, "{:?}", keep.unparsed);
    let event = &keep.events[0];
    assert_eq!(event.time.to_string(), "2015-01-31T13:29:44Z");
    assert_eq!(event.ip.as_deref(), Some("198.51.100.1"));
    assert_eq!((&*event.path, &*event.query), ("/a", "b"));
    assert_eq!((event.bytes, event.bytes_in), (Some(546), Some(293)));
}

/// What must hold on a machine without the data: lines of our own in the same shapes.
fn own_examples() {
    for (file, line, host, time) in [
        (
            "apache-auth",
            "[Sat Jul 20 21:39:11.978080 2013] [auth_basic:error] [pid 1:tid 2] [client 192.0.2.1:5139] AH01617: user bob: authentication failure for \"/x\": Password Mismatch",
            "192.0.2.1",
            "2013-07-20T21:39:11",
        ),
        (
            "nginx-http-auth",
            "2012/04/09 11:53:29 [error] 1#0: *6 user \"bob\" was not found in \"/x\", client: 192.0.2.1, server: x, request: \"GET / HTTP/1.1\"",
            "192.0.2.1",
            "2012-04-09T11:53:29",
        ),
        (
            "roundcube-auth",
            "[22-Jan-2013 22:28:21 +0200]: FAILED login for bob from 192.0.2.1",
            "192.0.2.1",
            "2013-01-22T21:28:21",
        ),
        (
            "roundcube-auth",
            "May 26 07:12:40 host roundcube: IMAP Error: Login failed for a@b.example from 10.1.1.47",
            "10.1.1.47",
            "2005-05-26T07:12:40",
        ),
    ] {
        let labelled = Labelled {
            line: line.into(),
            time: Some(time.into()),
            host: Some(host.into()),
            matches: true,
        };
        check(file, &labelled).unwrap_or_else(|why| panic!("{why}: {line}"));
    }
}
