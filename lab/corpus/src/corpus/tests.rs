use super::*;
use crate::SEARCH_WORDS;
use mail_parser::{MessageParser, MimeHeaders, PartType};
use std::collections::{BTreeMap, BTreeSet};

fn corpus() -> &'static Corpus {
    static CORPUS: std::sync::OnceLock<Corpus> = std::sync::OnceLock::new();
    CORPUS.get_or_init(|| Corpus::ministry(7))
}

/// Text parts as a reader sees them, and attachments as name and octets.
fn parse(raw: &[u8]) -> (String, Vec<(String, Vec<u8>)>) {
    let m = MessageParser::default().parse(raw).expect("a message");
    let mut text = String::new();
    let mut files = Vec::new();
    for part in &m.parts {
        assert!(
            !part.is_encoding_problem,
            "{}",
            String::from_utf8_lossy(raw)
        );
        let name = part.attachment_name();
        match &part.body {
            PartType::Text(t) if name.is_none() => text.push_str(t),
            PartType::Text(t) => files.push((name.unwrap_or("").into(), t.as_bytes().to_vec())),
            PartType::Html(h) => text.push_str(h),
            PartType::Binary(b) => files.push((name.unwrap_or("").into(), b.to_vec())),
            _ => {}
        }
    }
    (text, files)
}

/// Text of the messages attached to a message.
fn nested(m: &mail_parser::Message) -> String {
    let text = |m: &mail_parser::Message| -> String {
        m.parts
            .iter()
            .filter_map(|p| {
                if let PartType::Text(t) = &p.body {
                    Some(t.to_string())
                } else {
                    None
                }
            })
            .collect()
    };
    m.parts
        .iter()
        .filter_map(|p| {
            if let PartType::Message(i) = &p.body {
                Some(text(i) + &nested(i))
            } else {
                None
            }
        })
        .collect()
}

fn check(m: &Mail) -> String {
    let bare = m
        .raw
        .iter()
        .enumerate()
        .any(|(i, b)| *b == b'\n' && (i == 0 || m.raw[i - 1] != b'\r'));
    assert!(!bare, "a line that does not end in CRLF: {}", m.subject);
    assert!(
        m.raw.split(|b| *b == b'\n').all(|l| l.len() < 1000),
        "a line too long: {}",
        m.subject
    );
    let head_end = m
        .raw
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .expect("end of header");
    assert!(m.raw[..head_end].is_ascii(), "{}", m.subject);
    let parsed = MessageParser::default()
        .parse(&m.raw[..])
        .expect("a message");
    assert_eq!(parsed.message_id(), Some(m.message_id.as_str()));
    assert_eq!(parsed.date().expect("date").to_timestamp(), m.date);
    if !m.subject.contains(['’', '“', '…']) {
        assert_eq!(parsed.subject().expect("subject"), m.subject);
    }
    let from = parsed
        .from()
        .and_then(|f| f.first())
        .and_then(|a| a.address())
        .expect("from")
        .to_string();
    assert_eq!(from, m.from);
    let (text, files) = parse(&m.raw);
    let mut at = files.iter();
    for a in &m.attachments {
        let found = at.find(|(n, _)| *n == a.filename);
        let (_, data) = found.unwrap_or_else(|| {
            panic!(
                "{} not among {:?}",
                a.filename,
                files.iter().map(|f| &f.0).collect::<Vec<_>>()
            )
        });
        // The parser decodes text; a byte order mark is no part of it.
        if a.content_type.starts_with("text/") {
            let want = String::from_utf8_lossy(&a.data);
            assert_eq!(
                String::from_utf8_lossy(data).trim_start_matches('\u{feff}'),
                want.trim_start_matches('\u{feff}')
            );
        } else {
            assert_eq!(data[..], a.data[..], "{}", a.filename);
        }
    }
    for s in &m.secrets {
        let inner = nested(&parsed);
        assert!(
            text.contains(&s.value) || inner.contains(&s.value),
            "{} lacks its secret",
            m.subject
        );
    }
    text
}

#[test]
fn every_message_parses_to_what_it_says() {
    let c = corpus();
    for m in &c.mails {
        check(m);
    }
}

#[test]
fn the_store_has_the_promised_shape() {
    let c = corpus();
    let mut per = BTreeMap::<usize, usize>::new();
    let mut folders = BTreeMap::<usize, BTreeSet<&str>>::new();
    for m in &c.mails {
        *per.entry(m.owner).or_default() += 1;
        folders.entry(m.owner).or_default().insert(&m.folder);
        assert!(m.date < MINISTRY_END && m.date > MINISTRY_END - 212 * 86_400);
    }
    assert_eq!(per.len(), 20);
    for (who, n) in &per {
        assert!((50..=150).contains(n), "{} has {n}", c.people[*who].user);
        assert!(
            folders[who].contains("INBOX") && folders[who].contains("Sent"),
            "{:?}",
            folders[who]
        );
        assert!(folders[who].len() <= 12);
    }
    let total: usize = c.mails.iter().map(|m| m.raw.len()).sum();
    let with = c.mails.iter().filter(|m| !m.attachments.is_empty()).count();
    let share = with as f64 / c.mails.len() as f64;
    println!(
        "{} messages, {total} octets, {:.0} % with attachments",
        c.mails.len(),
        share * 100.0
    );
    assert!((10_000_000..25_000_000).contains(&total), "{total}");
    assert!((0.22..0.40).contains(&share), "{share}");
    assert!(c.mails.iter().all(|m| m.attachments.len() <= 3));
    let restricted = c
        .mails
        .iter()
        .filter(|m| m.attachments.iter().any(|a| a.restricted))
        .count();
    assert!(restricted > 60, "{restricted}");
    for kind in [
        Kind::Internal,
        Kind::External,
        Kind::Newsletter,
        Kind::Notice,
        Kind::Credentials,
        Kind::Forward,
    ] {
        assert!(
            c.mails.iter().filter(|m| m.kind == kind).count() >= 10,
            "{kind:?}"
        );
    }
    // A mailbox's own password stands in another's mail: what the stories reuse.
    let keys: BTreeSet<usize> = c
        .mails
        .iter()
        .flat_map(|m| &m.secrets)
        .filter_map(|s| s.account)
        .collect();
    assert!(!keys.is_empty());
    for s in c.mails.iter().flat_map(|m| &m.secrets) {
        if let Some(i) = s.account {
            assert_eq!(
                (&s.value, &s.target, &s.login),
                (
                    &c.people[i].password,
                    &c.people[i].address,
                    &c.people[i].user
                )
            );
        }
    }
}

#[test]
fn no_two_messages_say_the_same() {
    let mut bodies = BTreeMap::new();
    let mut ids = BTreeMap::new();
    for m in &corpus().mails {
        if let Some(first) = ids.insert(&m.message_id, m) {
            // Copies of one message: same text, never twice in the same mailbox but for letters
            // a person sent to herself.
            assert_eq!(first.subject, m.subject);
            assert!(first.owner != m.owner || first.folder != m.folder);
            continue;
        }
        let text = parse(&m.raw).0;
        if let Some(other) = bodies.insert(text, &m.subject) {
            panic!("{other:?} and {:?} have the same text", m.subject);
        }
    }
    assert!(bodies.len() > 700, "{}", bodies.len());
}

#[test]
fn threads_hang_together() {
    let c = corpus();
    let ids: BTreeSet<&str> = c.mails.iter().map(|m| m.message_id.as_str()).collect();
    let mut answers = 0;
    for m in &c.mails {
        let p = MessageParser::default()
            .parse(&m.raw[..])
            .expect("a message");
        if let Some(id) = p.in_reply_to().as_text() {
            answers += 1;
            assert!(
                ids.contains(id),
                "{} answers a letter nobody has",
                m.subject
            );
        }
    }
    assert!(answers > 400, "{answers}");
}

#[test]
fn the_same_seed_gives_the_same_octets() {
    let (a, b, other) = (corpus(), Corpus::ministry(7), Corpus::ministry(8));
    assert_eq!(a.mails.len(), b.mails.len());
    assert!(
        a.mails
            .iter()
            .zip(&b.mails)
            .all(|(x, y)| x.raw == y.raw && x.folder == y.folder && x.seen == y.seen)
    );
    assert!(
        a.people
            .iter()
            .zip(&b.people)
            .all(|(x, y)| x.password == y.password)
    );
    assert!(
        a.mails
            .iter()
            .zip(&other.mails)
            .any(|(x, y)| x.raw != y.raw)
    );
}

#[test]
fn search_words_find_something() {
    let text: String = corpus()
        .mails
        .iter()
        .map(|m| format!("{} {}", m.subject, parse(&m.raw).0).to_lowercase())
        .collect();
    let missed: Vec<&str> = SEARCH_WORDS
        .iter()
        .copied()
        .filter(|w| !text.contains(&w.to_lowercase()))
        .collect();
    assert!(missed.len() <= 8, "nothing to find for {missed:?}");
}

#[test]
fn letters_of_a_story_are_sound() {
    let c = corpus();
    let mut rng = Rng::new(99);
    let at = MINISTRY_END + 86_400;
    let mut bodies = BTreeSet::new();
    for i in 0..120 {
        let from = rng.below(20);
        let to = (from + 1 + rng.below(19)) % 20;
        let at = at + i * 600;
        let mail = c.new_mail(&mut rng, from, &[to], at, 3600);
        let answer = c.reply(&mut rng, &mail, to, at + 300);
        assert_eq!(answer.to, vec![c.people[from].address.clone()]);
        assert!(
            String::from_utf8_lossy(&answer.raw)
                .contains(&format!("In-Reply-To: <{}>", mail.message_id))
        );
        let outside = c.external_mail(&mut rng, None, to, at);
        let back = c.reply(&mut rng, &outside, to, at + 60);
        assert_eq!(back.to, vec![outside.from.clone()]);
        let key = c.credentials_mail(&mut rng, 5, to, from, at);
        assert_eq!(
            key.secrets
                .iter()
                .filter_map(|s| s.account)
                .collect::<Vec<_>>(),
            [from]
        );
        for m in [
            &mail,
            &outside,
            &key,
            &c.newsletter(&mut rng, to, at),
            &c.notice(&mut rng, to, at),
        ] {
            assert!(
                bodies.insert(check(m)),
                "twice the same text: {}",
                m.subject
            );
            assert_eq!(m.owner, to);
        }
        check(&answer);
        check(&back);
    }
}

#[test]
fn lures_are_inert_and_shaped() {
    let c = corpus();
    let mut rng = Rng::new(3);
    for kind in Lure::ALL {
        let m = c.lure(kind, &mut rng, 4, MINISTRY_END);
        check(&m);
        let p = MessageParser::default()
            .parse(&m.raw[..])
            .expect("a message");
        let html: String = p
            .parts
            .iter()
            .filter_map(|x| {
                if let PartType::Html(h) = &x.body {
                    Some(h.to_string())
                } else {
                    None
                }
            })
            .collect();
        let text: String = p
            .parts
            .iter()
            .filter_map(|x| {
                if let PartType::Text(h) = &x.body {
                    Some(h.to_string())
                } else {
                    None
                }
            })
            .collect();
        // Each shape by what is peculiar to it.
        let (part, want) = match kind {
            Lure::LinkRef2020 => (&text, "</script>]:##str_replacement_0##"),
            Lure::LinkRef2023 => (&text, "[<img src=x onerror="),
            Lure::SvgUse2023 => (&html, "<use href=\"data:image/s vg+xml;base64,"),
            Lure::SvgAnimate2024 => (&html, "attributeName=\"href \""),
            Lure::BodyAttributes2024 => (&html, "onanimationstart="),
            Lure::SvgAnimate2025 => (&html, "attributeName=\"xlink:href\""),
            Lure::Phishing => (&html, ".invalid/"),
            Lure::DoubleExtension => (&text, "convocation"),
        };
        assert!(part.contains(want), "{kind:?}: {part}");
        if matches!(kind, Lure::LinkRef2020 | Lure::LinkRef2023) {
            assert!(html.is_empty(), "the flaw is in plain text");
        }
        // Nothing in them does anything, and no host exists.
        let all = format!("{text}{html}");
        for word in [
            "fetch(",
            "XMLHttpRequest",
            "eval(",
            "document.",
            "window.",
            "atob(",
            "import(",
            "alert(",
        ] {
            assert!(!all.contains(word), "{kind:?} has {word}");
        }
        for url in all.split("//").skip(1) {
            let host: String = url
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || ".-".contains(*c))
                .collect();
            assert!(
                host.ends_with(".invalid") || host.ends_with(".example") || host == "www.w3.org",
                "{kind:?}: {host}"
            );
        }
    }
    for kind in Lookalike::ALL {
        let m = c.lookalike(kind, &mut rng, 4, MINISTRY_END);
        check(&m);
    }
}

#[test]
fn folders_as_maildir_wants_them() {
    assert_eq!(maildir_folder("INBOX"), "");
    assert_eq!(maildir_folder("Projets/Grand Pont"), ".Projets.Grand Pont");
    assert_eq!(maildir_folder("Numérisation"), ".Num&AOk-risation");
    // RFC 3501 §5.1.3's own example.
    assert_eq!(
        maildir_folder("~peter/mail/台北/日本語"),
        ".~peter.mail.&U,BTFw-.&ZeVnLIqe-"
    );
    assert_eq!(maildir_folder("A&B"), ".A&-B");
}
