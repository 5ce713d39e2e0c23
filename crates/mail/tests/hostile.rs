//! Any bytes: nothing panics, every octet is accounted for, the same bytes give the same answer.

use proptest::prelude::*;
use vauban_mail::maildir::{Layout, filename, uidlist, utf7};
use vauban_mail::mime::{decode, header, structure, words};
use vauban_mail::{ContentRules, content, dbox, mbox, parse, search, secrets, sieve};
use vauban_ocsf::ArtefactId;

fn rules() -> &'static ContentRules {
    static RULES: std::sync::LazyLock<ContentRules> =
        std::sync::LazyLock::new(ContentRules::builtin);
    &RULES
}

/// Pieces of messages, so that random sequences get past the first branch.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(
            "Content-Type: multipart/mixed; boundary=a\n"
                .as_bytes()
                .to_vec()
        ),
        Just(b"Content-Type: multipart/digest; boundary=\"ab\"\r\n".to_vec()),
        Just(b"Content-Type: message/rfc822\n".to_vec()),
        Just(b"Content-Type: text/html; charset=utf-16\n".to_vec()),
        Just(b"Content-Transfer-Encoding: base64\n".to_vec()),
        Just(b"Content-Disposition: attachment; filename*1*=%zz; filename*0=\"\n".to_vec()),
        Just(b"MIME-Version: 1.0\n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"--a\n".to_vec()),
        Just(b"--a--\r\n".to_vec()),
        Just(b"--ab".to_vec()),
        Just(b" folded\n".to_vec()),
        Just(b"<svg><style><p title='</style><img onerror=x>'>".to_vec()),
        Just(b"<table><a href='javascript:x'><template><select><math><mi><p>".to_vec()),
        Just("mot de passe : é\u{301}".as_bytes().to_vec()),
        Just(b"=?utf-8?b?/w==?= [<img onerror=x>] http://x".to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|v| v.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn messages(bytes in pieces()) {
        let nodes = structure::parse(&bytes);
        let root = &nodes[0];
        prop_assert_eq!(root.header_size.stored + root.body_size.stored, bytes.len() as u64);
        let bare = (0..bytes.len()).filter(|i| bytes[*i] == b'\n' && (*i == 0 || bytes[i - 1] != b'\r')).count();
        prop_assert_eq!(root.header_size.crlf + root.body_size.crlf, (bytes.len() + bare) as u64);
        for node in &nodes {
            prop_assert!(node.body.start + node.body_size.stored as usize <= bytes.len());
        }
        let message = parse(&bytes, rules());
        prop_assert_eq!(message.vsize, (bytes.len() + bare) as u64);
        prop_assert_eq!(format!("{:?}", &message), format!("{:?}", parse(&bytes, rules())));
        for part in &message.parts {
            prop_assert!(part.encoded_size <= message.vsize);
            prop_assert!(part.decoded_size <= part.encoded_size.max(1));
        }
        rules().lures(&message);
        search::matches(&bytes, "secret");
        mbox::split(&bytes);
        mbox::visible(&bytes);
    }

    #[test]
    fn everything_else(bytes in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,200}") {
        header::fields(&bytes);
        header::content_type(&bytes);
        header::disposition(&bytes);
        words::addresses(&bytes);
        words::date(&bytes);
        words::unstructured(&bytes);
        uidlist::parse(&bytes);
        uidlist::keywords(&bytes);
        dbox::parse(&bytes);
        content::extract(&bytes, 1000);
        content::extract(&[b"%PDF-1.4\n", bytes.as_slice()].concat(), 1000);
        content::extract(&[b"PK\x03\x04", bytes.as_slice()].concat(), 1000);
        filename::parse(&text);
        utf7::decode(&text);
        secrets::find(&text, "1");
        rules().markings(&text);
        Layout::from_paths([(ArtefactId(0), text.as_str())]);
        for e in [decode::Encoding::Base64, decode::Encoding::QuotedPrintable, decode::Encoding::Identity] {
            let (all, _) = decode::decode_prefix(&bytes, e, 1 << 20);
            prop_assert!(all.len() <= bytes.len() * 2);
        }
    }

    #[test]
    fn scripts(parts in prop::collection::vec(prop_oneof![
        Just("if "), Just("anyof ("), Just("not "), Just(")"), Just("{"), Just("}"), Just(";"), Just("["), Just("]"), Just(","),
        Just("\"a\""), Just("\""), Just("text:\nx\n.\n"), Just("text:"), Just(":copy "), Just("redirect "), Just("# rule:[é]\n"), Just("/*"), Just("99999999999999999999G "), Just("\u{0}é"),
    ], 0..60)) {
        let script = parts.concat();
        let read = sieve::parse(script.as_bytes());
        for action in &read.actions {
            prop_assert!(action.range.end <= script.len() && action.range.start <= action.range.end);
        }
        for error in &read.errors {
            prop_assert!(error.offset <= script.len());
        }
    }
}

#[test]
fn deep_scripts_do_not_overflow_the_stack() {
    for opening in ["if true {", "if not ", "if anyof (", "if allof(not "] {
        let script = opening.repeat(100_000);
        assert!(!sieve::parse(script.as_bytes()).errors.is_empty());
    }
}

#[test]
fn a_mebibyte_of_anything_is_read_in_linear_time() {
    let shapes: &[(&str, &str, &str)] = &[
        ("text/html", "<svg>", "<desc></desc>"),
        ("text/html", "", "<title>"),
        ("text/html", "<svg>", "<title>"),
        ("text/html", "", "<a href='<img onerror=x>'>"),
        ("text/html", "", "<table><b><i><a>"),
        ("text/plain", "", "10.0.0.1 serveur "),
        ("text/plain", "", "SECRET "),
        ("text/plain", "", "mot de passe : "),
        ("text/plain", "", "[<img onerror=x>] http://x "),
        ("text/plain", "", "votre compte "),
        ("text/calendar", "X:", "<a onerror=x>"),
        ("multipart/mixed; boundary=a", "", "--a\n"),
        ("multipart/mixed; boundary=a", "", "\n--b"),
    ];
    for (media_type, start, repeated) in shapes {
        let body = repeated.repeat((1 << 20) / repeated.len());
        let message = format!("Content-Type: {media_type}\n\n{start}{body}");
        let started = std::time::Instant::now();
        let parsed = parse(message.as_bytes(), rules());
        let seconds = started.elapsed().as_secs_f32();
        println!(
            "{media_type} {repeated:?}: {seconds:.2} s, {} facts",
            parsed.facts.len()
        );
        assert!(seconds < 60.0, "{media_type} {repeated:?}: {seconds} s");
    }
}

#[test]
fn large_messages_are_counted_whole_and_read_in_part() {
    let line = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAx\n";
    let mut m =
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/plain\n\n".to_vec();
    m.extend(b"x y z\n".repeat(1 << 19));
    m.extend_from_slice(
        b"--a\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n",
    );
    m.extend(line.repeat(1 << 17));
    m.extend_from_slice(b"\n--a--\n");
    let parsed = parse(&m, &ContentRules::builtin());
    assert_eq!(parsed.parts[0].decoded_size, 7 * (1 << 19) - 2);
    assert_eq!(parsed.parts[1].decoded_size, 54 * (1 << 17));
    assert!(parsed.defects.iter().any(|d| d.contains("first")));
}
