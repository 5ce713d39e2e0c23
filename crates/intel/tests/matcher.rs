//! The compiled matcher: it finds what the plain look-up finds, says why, and reads raw lines.

use proptest::prelude::*;
use std::net::IpAddr;
use vauban_intel::{
    FieldValue, IndicatorKind::*, IndicatorSet, Matcher, Role, Seen, WarningLists, each_field,
    parse, role_of,
};
use vauban_ocsf::*;

const FEED: &str = "value,type,valid from,valid until\n\
    38.180.76.31,ip,2025-01-01,2025-06-01\n\
    45.9.0.0/16,network,,\n45.9.8.0/24,network,,\n2a02:6b8::77,ip,,\n2a02:6b9::/32,network,,\n\
    evil.org,domain,,\nmail.evil.org,domain,,\nbad.co.uk,domain,,\n\
    http://bad.net/login,url,,\nhttp://kit.net/kit/,url,,\nhttps://q.net:8443/a?b=c,url,,\n\
    spy@outlook.com,email,,\n9e107d9d372bb6826bd81d3542a419d6,md5,,\n\
    2fd4e1c67a2d28fced849ee1bb76e7391b93eb12,sha1,,\ncurl/7.1 evil,useragent,,\n\
    Your Invoice,subject,,\ndropper.exe,filename,,\n\
    e7d705a3286e19ea42f587b344ee6865,ja3,,\nt13d1516h2_8daaf6152771_b186095e22b6,ja4,,\n";

fn set(feed: &str) -> IndicatorSet {
    let lists = WarningLists::built_in();
    let advisory = parse("feed.csv", feed.as_bytes(), &lists);
    assert!(advisory.problems.is_empty(), "{:?}", advisory.problems);
    IndicatorSet::new(vec![advisory])
}

fn value(m: &Matcher, found: Option<vauban_intel::IndicatorRef>) -> Option<&str> {
    found.and_then(|f| m.indicator(f)).map(|(_, v)| v)
}

#[test]
fn rules_of_matching() {
    let m = Matcher::compile(&set(FEED));
    let role = |role: Role, text: &str| {
        let mut all = Vec::new();
        m.match_role(role, text.as_bytes(), &mut |i, _| {
            all.push(m.indicator(i).unwrap().1.to_owned());
        });
        all.join(" ")
    };
    for (kind, text, expected) in [
        (Role::Ip, "38.180.76.31", "38.180.76.31"),
        (Role::Ip, "::ffff:38.180.76.31", "38.180.76.31"),
        (Role::Ip, "45.9.8.7", "45.9.8.0/24"),
        (Role::Ip, "45.9.9.7", "45.9.0.0/16"),
        (Role::Ip, "45.10.9.7", ""),
        (Role::Ip, "2a02:6b8:0:0::77", "2a02:6b8::77"),
        (Role::Ip, "2a02:6b9:1::", "2a02:6b9::/32"),
        (Role::Ip, "nonsense", ""),
        (Role::Host, "www.EVIL.org.", "evil.org"),
        (Role::Host, "a.mail.evil.org", "mail.evil.org"),
        (Role::Host, "notevil.org", ""),
        (Role::Host, "org", ""),
        (Role::Host, "bad.co.uk", "bad.co.uk"),
        (Role::Host, "other.co.uk", ""),
        (Role::Host, "45.9.8.7", "45.9.8.0/24"),
        (
            Role::Url,
            "https://bad.net/login?x=1",
            "http://bad.net/login",
        ),
        (Role::Url, "https://bad.net/LOGIN", "bad.net"),
        (Role::Url, "https://evil.org/anything", "evil.org"),
        (
            Role::Url,
            "http://kit.net/kit/a/b.php?c=d",
            "http://kit.net/kit/",
        ),
        (
            Role::Url,
            "https://q.net:8443/a?b=c",
            "https://q.net:8443/a?b=c",
        ),
        (
            Role::UrlPath,
            "http://bad.net/login",
            "http://bad.net/login",
        ),
        (Role::UrlPath, "/login", ""),
        (Role::UrlHost, "evil.org:8080", "evil.org"),
        (Role::Email, "<Spy@Outlook.com>", "spy@outlook.com"),
        (Role::Email, "other@outlook.com", ""),
        (Role::Email, "a@evil.org", "evil.org"),
        (Role::Account, "anne", ""),
        (
            Role::Hash,
            "9E107D9D372BB6826BD81D3542A419D6",
            "9e107d9d372bb6826bd81d3542a419d6",
        ),
        (
            Role::Hash,
            "2F:D4:E1:C6:7A:2D:28:FC:ED:84:9E:E1:BB:76:E7:39:1B:93:EB:12",
            "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
        ),
        (Role::Hash, "e7d705a3286e19ea42f587b344ee6865", ""),
        (
            Role::Ja3,
            "e7d705a3286e19ea42f587b344ee6865",
            "e7d705a3286e19ea42f587b344ee6865",
        ),
        (
            Role::Ja4,
            "t13d1516h2_8daaf6152771_b186095e22b6",
            "t13d1516h2_8daaf6152771_b186095e22b6",
        ),
        (Role::Agent, "curl/7.1 evil", "curl/7.1 evil"),
        (Role::Agent, "curl/7.1 Evil", ""),
        (Role::Subject, "RE: Fwd: your  invoice", "Your Invoice"),
        (Role::Subject, "your invoices", ""),
        (Role::File, "C:\\Temp\\Dropper.EXE", "dropper.exe"),
    ] {
        assert_eq!(role(kind, text), expected, "{kind:?} {text}");
    }
    let request = m.match_request(b"kit.net", b"/kit/x.php", b"");
    assert_eq!(value(&m, request), Some("http://kit.net/kit/"));
    assert!(
        m.match_request(b"webmail.example", b"/kit/x.php", b"")
            .is_none()
    );
    assert_eq!(
        value(&m, m.match_request(b"q.net:8443", b"/a", b"b=c")),
        Some("https://q.net:8443/a?b=c")
    );
    assert!(m.has_url_host(b"KIT.net") && !m.has_url_host(b"x.kit.net"));
}

#[test]
fn raw_lines() {
    let m = Matcher::compile(&set(FEED));
    for (line, expected) in [
        ("client 38.180.76.31, server", "38.180.76.31=38.180.76.31"),
        ("138.180.76.31 38.180.76.311", ""),
        ("from 45.9.8.7:443.", "45.9.8.7=45.9.8.0/24"),
        (
            "ip=2a02:6b8::77 x [2a02:6b9::1]:25",
            "2a02:6b8::77=2a02:6b8::77 2a02:6b9::1=2a02:6b9::/32",
        ),
        ("12:34:56 2a02:6b8::78", ""),
        ("helo=<mail.evil.org>", "mail.evil.org=mail.evil.org"),
        ("see hxxp www.evil.org.", "www.evil.org=evil.org"),
        (
            "GET http://bad.net/login HTTP/1.1",
            "bad.net/login=http://bad.net/login",
        ),
        (
            "\"https://kit.net/kit/z.js\"",
            "kit.net/kit/z.js=http://kit.net/kit/",
        ),
        ("u=https%3A%2F%2Fevil.org%2Fx", "evil.org=evil.org"),
        (
            "from=<Spy@outlook.com> to=<a@x.fr>",
            "Spy@outlook.com=spy@outlook.com",
        ),
        ("a.b@evil.org", "a.b@evil.org=evil.org"),
        ("evil.org@x.fr", ""),
        (
            "md5 9E107D9D372BB6826BD81D3542A419D6;",
            "9E107D9D372BB6826BD81D3542A419D6=9e107d9d372bb6826bd81d3542a419d6",
        ),
        (
            "ja3=e7d705a3286e19ea42f587b344ee6865 ja4=t13d1516h2_8daaf6152771_b186095e22b6",
            "e7d705a3286e19ea42f587b344ee6865=e7d705a3286e19ea42f587b344ee6865 \
             t13d1516h2_8daaf6152771_b186095e22b6=t13d1516h2_8daaf6152771_b186095e22b6",
        ),
        ("evilorg notevil.org evil.orgx", ""),
        ("", ""),
    ] {
        let mut all = Vec::new();
        m.scan_text(line.as_bytes(), &mut |i, range| {
            all.push(format!("{}={}", &line[range], m.indicator(i).unwrap().1));
        });
        assert_eq!(all.join(" "), expected, "{line}");
    }
}

fn http<'a>(vhost: &'a str, path: &'a str, agent: &'a str) -> Event<'a> {
    Event {
        time: Timestamp::from_seconds(0),
        evidence: Evidence::default(),
        product: Product::Nginx,
        host: "mx",
        pid: None,
        body: Body::Http(Http {
            vhost,
            path,
            user_agent: agent,
            referrer: "https://www.evil.org/x",
            src_ip: "45.9.8.7".parse().ok(),
            forwarded_for: "10.0.0.1, 2a02:6b8::77",
            ..Default::default()
        }),
    }
}

#[test]
fn events() {
    let m = Matcher::compile(&set(FEED));
    let event = http("kit.net", "/kit/a", "curl/7.1 evil");
    let mut all = Vec::new();
    m.scan_event(&event, &mut |i, field| {
        let shown = match field.value {
            FieldValue::Ip(ip) => ip.to_string(),
            FieldValue::Text(t) => t.to_owned(),
        };
        all.push((field.path, shown, m.indicator(i).unwrap().1.to_owned()));
    });
    let row = |a: &'static str, b: &str, c: &str| (a, b.to_owned(), c.to_owned());
    assert_eq!(
        all,
        [
            row("src_endpoint.ip", "45.9.8.7", "45.9.8.0/24"),
            row(
                "http_request.x_forwarded_for",
                "2a02:6b8::77",
                "2a02:6b8::77"
            ),
            row(
                "http_request.referrer",
                "https://www.evil.org/x",
                "evil.org"
            ),
            row("http_request.user_agent", "curl/7.1 evil", "curl/7.1 evil"),
            row("http_request.url.path", "/kit/a", "http://kit.net/kit/"),
        ]
    );
    // Every attribute handed over is one that stored events are searched for too.
    each_field(&event, &mut |role, field| {
        assert_eq!(role_of(field.path), Some(role), "{field:?}");
    });
    assert_eq!(role_of("file.hashes.value"), Some(Role::Hash));
    assert_eq!(role_of("device.hostname"), None);
}

#[test]
fn why_and_when() {
    let lists = WarningLists::built_in();
    let first = parse("feed.csv", FEED.as_bytes(), &lists);
    let second = parse(
        "other.csv",
        b"value,type\nevil.org,domain\n3.5.140.2,ip\n",
        &lists,
    );
    let m = Matcher::compile(&IndicatorSet::new(vec![first, second]));
    let ip = m
        .match_ip("38.180.76.31".parse::<IpAddr>().unwrap())
        .unwrap();
    let day = |text: &str| {
        let (y, rest) = text.split_once('-').unwrap();
        let (mo, d) = rest.split_once('-').unwrap();
        let n = |s: &str| s.parse::<u32>().unwrap();
        Some(Timestamp::from_civil(
            n(y) as i32,
            n(mo),
            n(d),
            0,
            0,
            0,
            0,
            0,
        ))
    };
    let inside = m.judge(ip, day("2025-03-01")).unwrap();
    assert_eq!((inside.level, inside.valid), (Level::High, true));
    assert!(
        inside.reason.contains("\"feed.csv\", byte "),
        "{}",
        inside.reason
    );
    assert!(
        inside
            .reason
            .contains("valid 2025-01-01T00:00:00Z to 2025-06-01T00:00:00Z")
    );
    let after = m.judge(ip, day("2025-06-01")).unwrap();
    assert_eq!((after.level, after.valid), (Level::Low, false));
    assert!(after.reason.contains("expired when it was seen"));
    let before = m.judge(ip, day("2024-06-01")).unwrap();
    assert_eq!((before.level, before.valid), (Level::Medium, false));
    // A file without an instant is judged as if it were seen while the indicator is valid.
    assert_eq!(m.judge(ip, None).unwrap().level, Level::High);
    // Two documents give the same domain: one indicator, both told.
    let domain = m.match_host(b"evil.org").unwrap();
    let reason = m.judge(domain, None).unwrap().reason;
    assert!(
        reason.contains("feed.csv") && reason.contains("other.csv"),
        "{reason}"
    );

    let finding = m
        .finding(
            ip,
            Seen {
                path: "src_endpoint.ip".into(),
                value: "38.180.76.31".into(),
                time: day("2026-01-01"),
                place: Place {
                    artefact: "mail.log".into(),
                    offset: 3,
                    length: 9,
                    line: None,
                    excerpt: String::new(),
                },
            },
        )
        .unwrap();
    assert_eq!(finding.analytic, Analytic::Indicator);
    assert_eq!(finding.rule, "indicator:ipv4:38.180.76.31");
    assert_eq!(finding.level, Level::Low);
    assert!(
        finding.title.contains("outside its validity"),
        "{}",
        finding.title
    );
    let ocsf = finding.to_ocsf(Timestamp::default());
    assert_eq!(ocsf["observables"][0]["type_id"], 2);
}

#[test]
fn an_empty_set_finds_nothing() {
    let m = Matcher::compile(&IndicatorSet::default());
    assert!(m.is_empty());
    m.scan_event(&http("evil.org", "/", "x"), &mut |_, f| panic!("{f:?}"));
    m.scan_text(b"38.180.76.31 evil.org a@b.fr", &mut |_, r| panic!("{r:?}"));
    assert!(!m.can_match(Role::Ip));
}

proptest! {
    /// The compiled matcher and the plain look-up agree on every value, right or nearly right.
    #[test]
    fn as_the_plain_lookup(
        labels in prop::collection::vec("[a-c]{1,2}", 1..4),
        tld in prop::sample::select(vec!["org", "net", "co.uk", "fr"]),
        octets in any::<[u8; 2]>(),
        local in "[a-b]{1}",
    ) {
        let mut feed = String::from("value,type\n");
        for (n, name) in ["a.org", "b.a.net", "ab.fr", "c.b.a.org", "cc.co.uk"].iter().enumerate() {
            feed.push_str(&format!("{name},domain\nhttp://u{n}.net/p,url\na@{name},email\n9.{}.0.0/16,network\n", n * 3));
        }
        let set = set(&feed);
        let m = Matcher::compile(&set);
        let host = format!("{}.{tld}", labels.join("."));
        let plain = |x: Option<vauban_intel::Match<'_>>| x.map(|m| (m.indicator.kind, m.indicator.value.clone()));
        let ours = |x| value(&m, x).map(|v| (m.indicator(x.unwrap()).unwrap().0, v.to_owned()));
        prop_assert_eq!(ours(m.match_host(host.as_bytes())), plain(set.match_domain(&host)));
        let mail = format!("{local}@{host}");
        prop_assert_eq!(ours(m.match_email(mail.as_bytes())), plain(set.match_email(&mail)));
        let url = format!("https://u{}.net/{local}", octets[0] % 6);
        prop_assert_eq!(ours(m.match_url(url.as_bytes())), plain(set.match_url(&url)));
        let ip = IpAddr::from([9, octets[0], octets[1], 1]);
        prop_assert_eq!(ours(m.match_ip(ip)), plain(set.match_ip(ip)));
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let m = Matcher::compile(&set(FEED));
        for t in [text.as_bytes(), &bytes] {
            m.scan_text(t, &mut |_, range| assert!(range.end <= t.len()));
            for role in [Role::Url, Role::Host, Role::Email, Role::UrlPath, Role::Subject, Role::File, Role::Hash] {
                m.match_role(role, t, &mut |_, _| {});
            }
        }
    }
}

#[test]
fn kinds_of_fingerprints_are_read() {
    let advisory = parse("feed.csv", FEED.as_bytes(), &WarningLists::built_in());
    let kinds: Vec<_> = advisory.indicators.iter().map(|i| i.kind).collect();
    assert!(
        kinds.contains(&Ja3) && kinds.contains(&Ja4),
        "{:#?}",
        advisory.indicators
    );
}
