//! Part numbers, octets and file names against a real Dovecot.
//!
//! Needs Dovecot's `imap` program and root (a mail user other than root must own the Maildir);
//! without them the test says so and checks our own messages against the properties that IMAP
//! asks for. No daemon listens: `imap` is run on a pipe, with its own configuration in a
//! temporary directory.

mod common;

use common::dovecot::{self, Home, Imap, fetches};
use vauban_mail::{ContentRules, Message, parse};

/// Messages to compare: own ones, and others' when they are there.
fn messages() -> Vec<(String, Vec<u8>)> {
    let mut out = common::own_messages();
    for folder in ["mime-mimekit", "mime-mail-parser", "mail-spam-corpus"] {
        let Some(dir) = common::shared(folder) else {
            continue;
        };
        for path in common::files(&dir) {
            let name = path.display().to_string();
            if let Some(bytes) = common::message(&path)
                && !name.contains("/LICENSES/")
                && bytes.len() < 4 << 20
            {
                out.push((name, bytes));
            }
        }
    }
    out
}

/// What is compared of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    number: String,
    media_type: String,
    octets: u64,
    /// File name where it stands in plain ASCII; encoded ones are decoded by the client.
    name: Option<String>,
}

/// A plain file name, or nothing to compare.
fn plain(name: &str) -> Option<String> {
    let comparable = name.is_ascii() && !name.contains("=?") && !name.contains('\'');
    (comparable && !name.is_empty() && !name.contains(char::is_control))
        .then(|| name.trim().to_owned())
}

/// Value of a parameter in a BODYSTRUCTURE list; `Some("")` when only its encoded form is there.
fn parameter(list: &Imap, name: &str) -> Option<String> {
    let value = |n: &str| {
        list.list()
            .chunks(2)
            .find(|p| p.len() == 2 && p[0].text().eq_ignore_ascii_case(n))
            .map(|p| p[1].text().to_owned())
    };
    value(&format!("{name}*"))
        .map(|_| String::new())
        .or_else(|| value(name))
}

/// Lists the parts of a BODYSTRUCTURE by IMAP number.
fn walk(node: &Imap, number: &str, message: bool, out: &mut Vec<Seen>) {
    let items = node.list();
    let join = |n: usize| {
        if number.is_empty() {
            n.to_string()
        } else {
            format!("{number}.{n}")
        }
    };
    if matches!(items.first(), Some(Imap::List(_))) {
        for (i, child) in items
            .iter()
            .take_while(|i| matches!(i, Imap::List(_)))
            .enumerate()
        {
            walk(child, &join(i + 1), false, out);
        }
        return;
    }
    let media_type = format!("{}/{}", items[0].text(), items[1].text()).to_lowercase();
    let number = if message { join(1) } else { number.to_owned() };
    let octets = items[6].text().parse().unwrap_or(0);
    let extension = 7 + match media_type.as_str() {
        "message/rfc822" => 3,
        t => usize::from(t.starts_with("text/")),
    };
    // After MD5 stands the disposition with its parameters.
    let filename = items
        .get(extension + 1)
        .and_then(|d| parameter(d.list().get(1)?, "filename"));
    let name = filename
        .filter(|f| !f.is_empty())
        .or_else(|| parameter(&items[2], "name"));
    // Dovecot names a type that it refuses "" and goes on as if it were text/plain; so do we, by
    // that name, because that is what readers show.
    let shown = match media_type.as_str() {
        "/" | "text/" => "text/plain".to_owned(),
        _ => media_type.clone(),
    };
    out.push(Seen {
        number: number.clone(),
        media_type: shown,
        octets,
        name: name.as_deref().and_then(plain),
    });
    if media_type == "message/rfc822"
        && let Some(inner) = items.get(8)
    {
        walk(inner, &number, true, out);
    }
}

fn ours(message: &Message) -> Vec<Seen> {
    message
        .parts
        .iter()
        .map(|p| Seen {
            number: p.number.clone(),
            media_type: p.content_type.clone(),
            octets: p.encoded_size,
            name: plain(&p.filename),
        })
        .collect()
}

/// Puts the messages into a Maildir and sends commands.
fn ask(messages: &[(String, Vec<u8>)], commands: &str) -> Vec<u8> {
    let home = Home::new("maildir:~/Maildir");
    for (i, (_, bytes)) in messages.iter().enumerate() {
        home.write(
            &format!("Maildir/cur/{}.M1P1.h:2,", 1_700_000_000 + i),
            bytes,
        );
    }
    home.imap(commands.as_bytes())
}

#[test]
fn structure_and_octets_are_dovecots() {
    let messages = messages();
    let rules = ContentRules::none();
    let parsed: Vec<Message> = messages.iter().map(|(_, b)| parse(b, &rules)).collect();
    for ((name, _), m) in messages.iter().zip(&parsed) {
        let sum: u64 = m
            .parts
            .iter()
            .filter(|p| !p.number.contains('.'))
            .map(|p| p.encoded_size)
            .sum();
        assert!(
            m.header_vsize + sum <= m.vsize && m.size <= m.vsize,
            "{name}"
        );
    }
    if !dovecot::is_here() {
        return;
    }
    let output = ask(
        &messages,
        "a SELECT INBOX\r\nb FETCH 1:* (RFC822.SIZE BODYSTRUCTURE)\r\nc LOGOUT\r\n",
    );
    let answers = fetches(&output);
    assert_eq!(
        answers.len(),
        messages.len(),
        "{}",
        String::from_utf8_lossy(&output[..output.len().min(2000)])
    );
    let (mut compared, mut names) = (0, 0);
    let mut differences = Vec::new();
    for (i, ((name, _), ours_message)) in messages.iter().zip(&parsed).enumerate() {
        let answer = &answers[&(i + 1)];
        let mut theirs = Vec::new();
        walk(&answer["BODYSTRUCTURE"], "", true, &mut theirs);
        let vsize: u64 = answer["RFC822.SIZE"].text().parse().unwrap();
        compared += theirs.len();
        let mut ours = ours(ours_message);
        for (o, t) in ours.iter_mut().zip(&mut theirs) {
            // A name that one side cannot compare is not compared.
            if o.name.is_none() || t.name.is_none() {
                (o.name, t.name) = (None, None);
            }
            names += usize::from(o.name.is_some());
        }
        if ours != theirs || ours_message.vsize != vsize {
            let first = ours.iter().zip(&theirs).find(|(a, b)| a != b);
            differences.push(format!(
                "{name}: vsize {} / {vsize}, parts {} / {}, first {first:?}",
                ours_message.vsize,
                ours.len(),
                theirs.len()
            ));
        }
    }
    println!(
        "{} messages, {compared} parts, {names} file names compared with Dovecot",
        messages.len()
    );
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn body_sections_have_the_octets_we_say() {
    let messages: Vec<_> = common::own_messages();
    let rules = ContentRules::none();
    let parsed: Vec<Message> = messages.iter().map(|(_, b)| parse(b, &rules)).collect();
    assert!(parsed.iter().map(|m| m.parts.len()).sum::<usize>() > 100);
    if !dovecot::is_here() {
        return;
    }
    let mut commands = String::from("a SELECT INBOX\r\n");
    for (i, m) in parsed.iter().enumerate() {
        commands += &format!("h FETCH {} (BODY.PEEK[HEADER])\r\n", i + 1);
        for p in m.parts.iter().take(40) {
            commands += &format!("b FETCH {} (BODY.PEEK[{}])\r\n", i + 1, p.number);
        }
    }
    commands += "z LOGOUT\r\n";
    let output = ask(&messages, &commands);
    let answers = fetches(&output);
    let mut checked = 0;
    for (i, ((name, _), m)) in messages.iter().zip(&parsed).enumerate() {
        let answer = &answers[&(i + 1)];
        // NUL octets leave as 0x80: Dovecot must not send them (RFC 3501), the count is the same.
        let octets = |key: &str| {
            answer.get(key).map(|v| {
                v.text()
                    .chars()
                    .map(|c| if c == '\u{fffd}' { 1 } else { c.len_utf8() })
                    .sum::<usize>() as u64
            })
        };
        assert_eq!(
            octets("BODY[HEADER]"),
            Some(m.header_vsize),
            "{name}: header"
        );
        for p in m.parts.iter().take(40) {
            let key = format!("BODY[{}]", p.number);
            assert_eq!(octets(&key), Some(p.encoded_size), "{name}: {key}");
            checked += 1;
        }
    }
    println!("{checked} sections fetched");
    assert!(checked > 60);
}
