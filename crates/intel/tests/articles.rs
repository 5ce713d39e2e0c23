//! Articles of our own with the indicators a reader would take from them.

use vauban_intel::{Advisory, IndicatorKind, IndicatorKind::*, WarningLists, parse};

fn read(name: &str) -> (Vec<u8>, Advisory) {
    let path = format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let advisory = parse(name, &bytes, &WarningLists::built_in());
    (bytes, advisory)
}

fn kept(a: &Advisory) -> Vec<(IndicatorKind, &str)> {
    let mut list: Vec<_> = a
        .indicators
        .iter()
        .filter(|i| i.kept)
        .map(|i| (i.kind, i.value.as_str()))
        .collect();
    list.sort();
    list
}

fn dropped<'a>(a: &'a Advisory, value: &str) -> Option<&'a str> {
    a.indicators
        .iter()
        .find(|i| i.value == value && !i.kept)
        .map(|i| i.why.as_str())
}

fn ids(mentions: &[vauban_intel::Mention]) -> Vec<&str> {
    mentions.iter().map(|m| m.id.as_str()).collect()
}

/// Every `written` stands where `offset` says.
fn offsets_hold(bytes: &[u8], a: &Advisory) {
    for i in &a.indicators {
        let at = i.offset as usize;
        let found = bytes.get(at..at + i.written.len());
        // Entities and line breaks of markup stand between what is written; then the first
        // character holds.
        let first = &bytes[at..(at + 1).min(bytes.len())];
        assert!(
            found == Some(i.written.as_bytes())
                || first == &i.written.as_bytes()[..1]
                || first == b"<",
            "{:?} at {at}: {:?}",
            i,
            found.map(String::from_utf8_lossy)
        );
    }
}

#[test]
fn french_note() {
    let (bytes, a) = read("ministry-fr.md");
    assert_eq!(a.format, "markdown");
    assert_eq!(
        a.title,
        "Messagerie d'un ministère : ce que l'on sait de l'intrusion"
    );
    assert_eq!(
        kept(&a),
        vec![
            (Ipv4, "192.0.2.144"),
            (Ipv4, "198.51.100.23"),
            (Ipv4, "203.0.113.77"),
            (Ipv6, "2001:db8:5a::1f"),
            (Domain, "courrier-interne.example"),
            (Domain, "webmail-maj.courrier-interne.example"),
            (
                Url,
                "https://webmail-maj.courrier-interne.example/roundcube/?_task=login"
            ),
            (EmailAddress, "support-messagerie@courrier-interne.example"),
            (
                Sha256,
                "4b227777d4dd1fc61c6f884f48641d02b4d121d3fd328cb08b5531fcacdabf8a"
            ),
            (UserAgent, "python-requests/2.31.0"),
            (FileName, "dossier-retraite.zip"),
            (EmailSubject, "Mise à jour obligatoire de votre boîte"),
        ]
    );
    for (value, reason) in [
        ("1.6.10.2", "version"),
        ("1.6.11.0", "version"),
        ("10.12.0.5", "RFC 1918"),
        ("8.8.8.8", "public DNS resolvers"),
        ("messagerie.interieur.gouv.fr", "warning list"),
        ("config.inc.php", "common files"),
        (
            "https://www.vie-publique.fr/discours/301704",
            "reference sites",
        ),
        (
            "https://nvd.nist.gov/vuln/detail/CVE-2025-49113",
            "reference sites",
        ),
        (
            "https://blog-de-l-analyste.fr/articles/messagerie",
            "Références",
        ),
        (
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "empty",
        ),
        ("192.0.2.0/24", "measures"),
    ] {
        let why = dropped(&a, value).unwrap_or_else(|| panic!("{value} is not among the dropped"));
        assert!(why.contains(reason), "{value}: {why}");
    }
    assert_eq!(ids(&a.techniques), ["T1114.002", "T1552.001"]);
    assert_eq!(ids(&a.vulnerabilities), ["CVE-2025-49113"]);
    offsets_hold(&bytes, &a);
}

#[test]
fn english_page() {
    let (bytes, a) = read("ministry-en.html");
    assert_eq!(a.format, "html");
    assert_eq!(a.title, "Webmail breach at a ministry — what we know");
    assert_eq!(
        kept(&a),
        vec![
            (Ipv4, "198.51.100.23"),
            (Ipv4, "203.0.113.77"),
            (Ipv6, "2001:db8:5a::1f"),
            (Domain, "webmail-maj.courrier-interne.example"),
            (Url, "https://webmail-maj.courrier-interne.example/"),
            (Md5, "9e107d9d372bb6826bd81d3542a419d6"),
        ]
    );
    for (value, reason) in [
        ("3.1.2.4", "section"),
        ("webmail.ministry.fr", "reference"),
        (
            "https://research.vendor-blog.fr/2025/12/ministry-webmail/",
            "own site",
        ),
        ("https://other-blog.fr/apt-history", "hyperlink"),
    ] {
        let why = dropped(&a, value).unwrap_or_else(|| panic!("{value} is not among the dropped"));
        assert!(why.contains(reason), "{value}: {why}");
    }
    // Neither hidden text nor comments nor scripts are what the article says.
    for value in [
        "192.0.2.99",
        "192.0.2.200",
        "decoy.example",
        "http://decoy.example/",
        "analytics.tracker.fr",
    ] {
        assert!(a.indicators.iter().all(|i| i.value != value), "{value}");
    }
    assert!(a.problems.iter().any(|p| p.contains("does not show")));
    assert_eq!(ids(&a.techniques), ["T1566.002"]);
    assert_eq!(ids(&a.vulnerabilities), ["CVE-2023-5631"]);
    offsets_hold(&bytes, &a);
}

#[test]
fn hostile_text_gives_nothing_false() {
    let (_, a) = read("hostile.txt");
    for (kind, value) in kept(&a) {
        match kind {
            Domain => assert_eq!(value, "evil.example"),
            Url => assert!(value.starts_with("https://evil.example/"), "{value}"),
            FileName | UserAgent | EmailSubject => {}
            _ => panic!("{kind:?} {value}"),
        }
    }
    assert!(a.techniques.is_empty(), "{:?}", a.techniques);
    assert!(a.vulnerabilities.is_empty(), "{:?}", a.vulnerabilities);
}

#[test]
fn words_around_a_value_decide() {
    let lists = WarningLists::built_in();
    for (text, value, keep) in [
        (
            "The C2 server 45.61.136.242 answered.",
            "45.61.136.242",
            true,
        ),
        ("Fixed in version 1.6.5.3 of Roundcube.", "1.6.5.3", false),
        ("Roundcube before 1.6.5.3 is affected.", "1.6.5.3", false),
        ("Dovecot 2.3.21.1 and earlier", "2.3.21.1", false),
        (
            "Versions 120.0.6.109 through 121.0.6.85",
            "121.0.6.85",
            false,
        ),
        (
            "The Exchange server at 45.61.136.242 was attacked by it.",
            "45.61.136.242",
            true,
        ),
        ("3.1.4.2 Initial access", "3.1.4.2", false),
        (
            "User agents contained Chrome/120.0.0.1 always.",
            "120.0.0.1",
            false,
        ),
        ("It pinged 8.8.8.8 first.", "8.8.8.8", false),
        ("It pinged 8[.]8.8.8 first.", "8.8.8.8", false),
        (
            "The actor used evil-login[.]com to phish.",
            "evil-login.com",
            true,
        ),
        (
            "Phishing pages on evil-login.com were seen.",
            "evil-login.com",
            true,
        ),
        ("More at analyst-blog.com today.", "analyst-blog.com", false),
        ("impersonating real-bank[.]com", "real-bank.com", false),
        (
            "They registered a domain spoofing the legitimate site real-bank[.]com",
            "real-bank.com",
            false,
        ),
        (
            "payload at hxxps://docs.google[.]com/uc?id=1",
            "https://docs.google.com/uc?id=1",
            true,
        ),
        (
            "payload at hxxps://docs.google[.]com/uc?id=1",
            "docs.google.com",
            false,
        ),
        (
            "the attacker wrote from spy@outlook.com to all",
            "spy@outlook.com",
            true,
        ),
        (
            "press contact: info@vendor-lab.com",
            "info@vendor-lab.com",
            false,
        ),
        (
            "see commit 2ef7bde608ce5404e97d5f042f95f89f1c232871",
            "2ef7bde608ce5404e97d5f042f95f89f1c232871",
            false,
        ),
        ("C2: x.workers[.]dev", "x.workers.dev", true),
        ("C2: workers[.]dev", "workers.dev", false),
        (
            "exfiltrated to 2a02:6b8:0:1::feed:ff",
            "2a02:6b8:0:1::feed:ff",
            true,
        ),
        (
            "call +33 1.42.34.20.00 or 01.42.34.20",
            "01.42.34.20",
            false,
        ),
    ] {
        let a = parse("t.txt", text.as_bytes(), &lists);
        let got = a.indicators.iter().find(|i| i.value == value);
        assert_eq!(
            got.is_some_and(|i| i.kept),
            keep,
            "{text}: {:?}",
            a.indicators
        );
    }
}

#[test]
fn encodings() {
    let text = "C2: évil\n45.61.136[.]242\n";
    let lists = WarningLists::built_in();
    let mut utf16 = vec![0xff, 0xfe];
    utf16.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    let a = parse("a.txt", &utf16, &lists);
    assert_eq!(kept(&a), vec![(Ipv4, "45.61.136.242")]);
    assert_eq!(a.indicators[0].offset, 2 + 2 * 9);

    let a = parse("a.txt", b"\xff\xfe", &lists);
    assert_eq!(a.format, "empty");
    let a = parse("a.txt", b"caf\xe9 C2 45.61.136[.]242", &lists);
    assert_eq!(kept(&a), vec![(Ipv4, "45.61.136.242")]);
    assert_eq!(a.indicators[0].offset, 8);
    assert!(a.problems[0].contains("UTF-8"));
}
