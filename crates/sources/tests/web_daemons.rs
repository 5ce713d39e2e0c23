//! Lines that nginx 1.22 and Apache 2.4 (Debian 12) wrote of the same ten requests in several
//! layouts at once, with the configuration that made them write so (`tests/data/web/`). Whatever
//! the layout, a request must come out the same.
//!
//! Among the requests: quotation marks and a backslash in a user agent, UTF-8 in headers and
//! paths, user names that look like fields, a TLS hello on a plain port, a proxy request, HTTP/0.9.

mod web_support;

use vauban_sources::web::layouts::{Configuration, layouts_for};
use vauban_sources::web::{
    APACHE_ACCESS, APACHE_ERROR, NGINX_ACCESS, NGINX_ERROR, recognise_declared,
};
use vauban_sources::{LogFormat, recognise};
use web_support::{Seen, all_accounted, context, parse};

fn data(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/web/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Parses a log with the layouts that the configuration declares for it.
fn read(format: &dyn LogFormat, config: &str, log: &str) -> Vec<Seen> {
    let mut configuration = Configuration::default();
    configuration.add(&String::from_utf8_lossy(&data(config)), config);
    let layouts = layouts_for(&configuration.declared(), &format!("srv/test/log/{log}"));
    assert!(!layouts.is_empty());
    let layouts: Vec<&str> = layouts.iter().map(String::as_str).collect();
    let bytes = data(log);
    let keep = parse(format, &context("UTC", (2026, 11, 24), &layouts), &bytes);
    all_accounted(&bytes, &keep).expect("every line once");
    assert!(keep.unparsed.is_empty(), "{log}: {:?}", keep.unparsed);
    assert_eq!(keep.events.len(), 10, "{log}");
    keep.events
}

/// Method, path, query, status, user, user agent of each request.
type Facts = [(
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
); 10];

const fn facts(post: &'static str, binary: &'static str) -> Facts {
    const CURL: &str = "curl/7.88.1";
    const QUOTED: &str = r#"Mozilla/5.0 (X11; "quoted" \ back)"#;
    [
        (
            "GET",
            "/",
            "_task=mail&_action=show&_uid=7&_mbox=INBOX",
            "200",
            "",
            QUOTED,
        ),
        ("GET", "/big.txt", "", "200", "", "naïve café"),
        (
            "GET",
            "/caf%C3%A9",
            "q=mot+de+passe%20secret",
            "404",
            "",
            CURL,
        ),
        ("GET", "/secret", "", "401", "bob [01/Jan/2001", CURL),
        ("GET", "/secret", "", "401", r#"x" 200 5 "y" "z"#, CURL),
        ("POST", "/", "_task=mail&_action=send", post, "", CURL),
        ("HEAD", "/", "", "200", "", CURL),
        ("", binary, "", "400", "", ""),
        ("GET", "/x", "y", "404", "", ""),
        ("GET", "/old", "", "404", "", ""),
    ]
}

fn compare(log: &str, events: &[Seen], expected: &Facts, users: bool) {
    for (event, expected) in events.iter().zip(expected) {
        let ours = (
            &*event.method,
            &*event.path,
            &*event.query,
            &*event.status,
            if users { &*event.user } else { expected.4 },
            &*event.agent,
        );
        assert_eq!(ours, *expected, "{log}");
        assert_eq!(event.ip.as_deref(), Some("127.0.0.1"), "{log}");
        let minute = event.time.to_string();
        assert!(minute.starts_with("2026-11-24T09:03:5"), "{log}: {minute}");
    }
}

#[test]
fn nginx() {
    let binary = r"\x16\x03\x01\x02\x00\x01\x22\x5C\xFF\xFE";
    let combined = read(&NGINX_ACCESS, "nginx.conf", "combined.log");
    compare("combined", &combined, &facts("405", binary), true);
    let main = read(&NGINX_ACCESS, "nginx.conf", "main.log");
    compare("main", &main, &facts("405", binary), true);
    assert!(
        main[2]
            .debug
            .contains(r#"forwarded_for: "203.0.113.9, 10.0.0.1""#)
    );
    let timed = read(&NGINX_ACCESS, "nginx.conf", "timed.log");
    compare("timed", &timed, &facts("405", binary), true);
    // The compressed answer, the cookie, milliseconds, octets of the request.
    assert!(timed[1].debug.contains("compressed: Some(true)"));
    assert!(timed[0].debug.contains("compressed: Some(false)"));
    assert!(timed[2].debug.contains(r#"cookie: "abc123""#));
    assert_eq!(timed[0].time.to_string(), "2026-11-24T09:03:51.560000Z");
    assert_eq!(timed[0].bytes_in, Some(182));
    let json = read(&NGINX_ACCESS, "nginx.conf", "json.log");
    let binary = "\\u0016\\u0003\\u0001\\u0002\\u0000\\u0001\\\"\\\\\u{fffd}\u{fffd}";
    compare("json", &json, &facts("405", binary), true);
    // Body octets, whatever else is logged.
    for log in [&combined, &main, &timed, &json] {
        let bytes: Vec<_> = log.iter().filter_map(|event| event.bytes).collect();
        assert_eq!(bytes, [6, 69, 153, 179, 179, 157, 0, 157, 153, 153]);
        assert!(
            log.iter()
                .all(|event| event.debug.contains("bytes_are: Body"))
        );
        assert!(log.iter().all(|event| event.debug.contains("time_is: End")));
    }
}

#[test]
fn nginx_json_without_its_declaration() {
    let bytes = data("json.log");
    let format = recognise("x/json.log", &bytes).expect("a format");
    assert_eq!(format.name(), "json-access");
    let keep = parse(format, &context("UTC", (2026, 11, 24), &[]), &bytes);
    assert_eq!((keep.events.len(), keep.unparsed.len()), (10, 0));
    let event = &keep.events[2];
    assert_eq!(
        (&*event.path, &*event.query),
        ("/caf%C3%A9", "q=mot+de+passe%20secret")
    );
    assert_eq!(
        (event.ip.as_deref(), &*event.status),
        (Some("127.0.0.1"), "404")
    );
    assert_eq!(event.agent, "curl/7.88.1");
}

#[test]
fn apache() {
    // Apache cuts a request line at the NUL.
    let binary = r"\x16\x03\x01\x02";
    for (log, bytes_are, users) in [
        ("apache_vhost.log", "Wire", true),
        ("apache_combined.log", "Body", true),
        ("apache_bars.log", "Body", false),
    ] {
        let events = read(&APACHE_ACCESS, "apache.conf", log);
        compare(log, &events, &facts("200", binary), users);
        for event in &events {
            assert!(
                event.debug.contains(&format!("bytes_are: {bytes_are}")),
                "{log}"
            );
            // `%{end:usec}t` comes last in its layout, so it is the time.
            let time_is = if log == "apache_bars.log" {
                "End"
            } else {
                "Start"
            };
            assert!(
                event.debug.contains(&format!("time_is: {time_is}")),
                "{log}"
            );
        }
        let bytes: Vec<_> = events.iter().filter_map(|event| event.bytes).collect();
        let expected = if bytes_are == "Wire" {
            [231, 323, 397, 620, 620, 231, 225, 448, 416, 236]
        } else {
            [6, 41, 236, 421, 421, 6, 0, 266, 236, 236]
        };
        assert_eq!(bytes, expected, "{log}");
    }
    // `%U` is the path after decoding and DirectoryIndex, and has no raw request.
    let odd = read(&APACHE_ACCESS, "apache.conf", "apache_odd.log");
    assert_eq!(
        (&*odd[2].path, &*odd[2].query),
        ("/café", "q=mot+de+passe%20secret")
    );
    assert_eq!(
        (&*odd[0].path, &*odd[3].user),
        ("/index.html", "bob [01/Jan/2001")
    );
    assert_eq!(odd[4].user, r#"x" 200 5 "y" "z"#);
    assert_eq!(odd[0].time.to_string(), "2026-11-24T09:03:52.999233Z");
    assert!(odd[0].debug.contains("duration_us: Some(1905)"));
    assert!(odd[2].debug.contains(r#"cookie: "abc123""#));
    assert!(odd[1].debug.contains("compressed: Some(true)"));
    assert_eq!((odd[0].bytes, odd[0].bytes_in), (Some(6), Some(182)));
}

/// Layouts that no guess could know are recognised by what the configuration declares.
#[test]
fn recognised_by_declaration() {
    for (config, log, format) in [
        ("apache.conf", "apache_odd.log", "apache-access"),
        ("apache.conf", "apache_bars.log", "apache-access"),
        ("nginx.conf", "timed.log", "nginx-access"),
        ("nginx.conf", "json.log", "nginx-access"),
        ("nginx.conf", "main.log", "nginx-access"),
    ] {
        let mut configuration = Configuration::default();
        configuration.add(&String::from_utf8_lossy(&data(config)), config);
        // A copy whose name says nothing.
        let layouts = layouts_for(&configuration.declared(), "copy/x.txt");
        let found = recognise_declared(&layouts, &data(log));
        assert_eq!(found.map(|found| found.name()), Some(format), "{log}");
        assert!(recognise_declared(&layouts, &data("nginx_error.log")).is_none());
    }
}

/// Without configuration: the same requests from the layouts everyone uses.
#[test]
fn guessed() {
    for (log, format, post) in [
        ("combined.log", "nginx-access", "405"),
        ("main.log", "nginx-access", "405"),
        ("apache_combined.log", "apache-access", "200"),
        ("apache_vhost.log", "apache-access", "200"),
    ] {
        let bytes = data(log);
        let path = format!("var/log/{}/{log}", &format[..5]);
        let found = recognise(&path, &bytes).expect("a format");
        assert_eq!(found.name(), format);
        let keep = parse(found, &context("UTC", (2026, 11, 24), &[]), &bytes);
        let binary = if post == "405" {
            r"\x16\x03\x01\x02\x00\x01\x22\x5C\xFF\xFE"
        } else {
            r"\x16\x03\x01\x02"
        };
        compare(log, &keep.events, &facts(post, binary), true);
    }
}

#[test]
fn error_logs() {
    for (log, format, failed) in [
        ("nginx_error.log", &NGINX_ERROR as &dyn LogFormat, 2),
        ("apache_error.log", &APACHE_ERROR, 2),
    ] {
        let bytes = data(log);
        assert_eq!(
            recognise("x", &bytes).map(|found| found.name()),
            Some(format.name())
        );
        let keep = parse(format, &context("UTC", (2026, 11, 24), &[]), &bytes);
        all_accounted(&bytes, &keep).expect("every line once");
        assert!(keep.unparsed.is_empty(), "{log}: {:?}", keep.unparsed);
        let logons: Vec<_> = keep
            .events
            .iter()
            .filter(|event| event.kind == "logon")
            .collect();
        assert_eq!(logons.len(), failed, "{log}");
        assert_eq!(logons[0].user, "bob [01/Jan/2001");
        assert_eq!(logons[1].user, r#"x" 200 5 "y" "z"#);
        assert!(
            logons
                .iter()
                .all(|event| event.ip.as_deref() == Some("127.0.0.1"))
        );
    }
}
