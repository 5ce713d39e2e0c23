//! No input makes the parser panic, and no input makes it slow.

use proptest::prelude::*;
use std::time::Instant;
use vauban_intel::{IndicatorSet, WarningLists, parse};

const NAMES: [&str; 5] = ["a.txt", "a.csv", "a.json", "a.html", "a.adoc"];

fn check(name: &str, bytes: &[u8], lists: &WarningLists) {
    let a = parse(name, bytes, lists);
    for i in &a.indicators {
        assert!(i.offset <= bytes.len() as u64, "{i:?}");
        assert!(!i.value.is_empty() && !i.why.is_empty(), "{i:?}");
    }
    // What was kept is found again.
    let kept = a.indicators.iter().filter(|i| i.kept).count();
    let set = IndicatorSet::new(vec![a]);
    assert_eq!(kept == 0, set.is_empty());
}

/// Pieces that documents are made of, hostile ones among them.
fn pieces() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "hxxp",
        "hxxps[:]//",
        "http://",
        "[.]",
        "(.)",
        "[dot]",
        " dot ",
        " at ",
        "[@]",
        "[",
        "]",
        "(",
        "{",
        "\\.",
        "\\/",
        "1.2.3.4",
        "256.1.1.1",
        "2001:db8::1",
        "::",
        "evil",
        ".com",
        ".zip",
        "é",
        "\u{200b}",
        "。",
        "\n",
        "\n\n",
        "# ",
        "== ",
        "|",
        ",",
        ";",
        "\t",
        "\"",
        "'",
        "`",
        "<",
        ">",
        "<p>",
        "</p>",
        "<a href=",
        "<!--",
        "<span style='display:none'>",
        "&#x2e;",
        "&",
        "{\"type\":",
        "\"indicator\"",
        "\"id\":\"indicator--1\"",
        "\"pattern\":\"[ipv4-addr:value = '1.2.3.4']\"",
        "}",
        "\"value\":",
        "\"Attribute\":[",
        "T1114",
        "T1114.002",
        "CVE-2023-5631",
        "User-Agent:",
        "Subject:",
        "User-Agent",
        "IoCs:",
        "d41d8cd98f00b204e9800998ecf8427e",
        "/24",
        "@",
        ":",
        "/",
        "-",
        "_",
        "=",
        "\u{202e}",
        "\r\n",
        "\0",
    ]);
    prop::collection::vec(
        prop_oneof![4 => fixed.prop_map(str::to_owned), 1 => ".{0,3}"],
        0..60,
    )
    .prop_map(|v| v.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_never_panic(text in pieces(), name in prop::sample::select(NAMES.to_vec())) {
        check(name, text.as_bytes(), &WarningLists::built_in());
    }

    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), name in prop::sample::select(NAMES.to_vec())) {
        check(name, &bytes, &WarningLists::built_in());
    }

    #[test]
    fn patterns_never_panic(pattern in "[\\[\\]()a-z:='., \\\\A-Z0-9!<>é]{0,80}") {
        let _ = vauban_intel::comparisons(&pattern);
    }
}

/// Shapes whose handling would be quadratic if something looked too far back or ahead.
#[test]
fn time_is_linear_in_length() {
    let lists = WarningLists::built_in();
    let shapes = [
        "a.",
        "[.]",
        "hxxp://",
        "(",
        "[",
        " dot a",
        "http://a.fr,",
        "1.2.3.4 ",
        "<",
        "<a",
        "<a href='",
        "&",
        "@",
        "a@b.fr ",
        "|",
        "\n",
        "x\n",
        ": ",
        "subject: ",
        "user-agent ",
        "\u{200b}",
        "evil[.]fr ",
        ". ",
        "T1114 ",
        "[a:b='",
        ",",
        "\"",
        "://",
        "= x\n",
        "## C2\n1.2.3.4\n",
    ];
    for shape in shapes {
        for name in ["a.txt", "a.html"] {
            let time = |bytes: usize| {
                let head = if name == "a.html" {
                    "<html><p></p></p>"
                } else {
                    ""
                };
                let text = head.to_owned() + &shape.repeat(bytes / shape.len());
                let start = Instant::now();
                let _ = parse(name, text.as_bytes(), &lists);
                start.elapsed().as_secs_f64()
            };
            // 8 times the length takes about 8 times the time; a quadratic step would take 64
            // times. Another process may have had the processor, so a bad result is measured again.
            let linear = || {
                let (small, large) = (time(10_000).max(0.003), time(80_000));
                println!("{shape:?} in {name}: {small:.3} s, {large:.3} s");
                large < small * 30.0
            };
            assert!((0..4).any(|_| linear()), "{shape:?} in {name}");
        }
    }
}
