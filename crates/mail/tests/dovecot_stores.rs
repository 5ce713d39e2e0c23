//! Stores, searches and Sieve scripts against the programs that write and read them.

mod common;

use std::process::Command;

use common::dovecot::{self, Home};
use vauban_mail::maildir::{self, Layout, filename, uidlist};
use vauban_mail::search::{Scope, SearchText};
use vauban_mail::{dbox, mbox, sieve};
use vauban_ocsf::{ArtefactId, Evidence};

/// Relative paths below the home, with bytes.
fn tree(home: &Home) -> Vec<(String, Vec<u8>)> {
    common::files(home.path())
        .into_iter()
        .map(|p| {
            let name = p.strip_prefix(home.path()).unwrap().display().to_string();
            (format!("home/oracle/{name}"), std::fs::read(p).unwrap())
        })
        .collect()
}

fn append(mailbox: &str, message: &str) -> String {
    format!(
        "x APPEND \"{mailbox}\" (\\Seen) {{{}+}}\r\n{message}\r\n",
        message.len()
    )
}

#[test]
fn maildir_that_dovecot_wrote() {
    if !dovecot::is_here() {
        // The same reading is asserted on our own files in the library's tests.
        assert_eq!(uidlist::parse(b"3 V1 N2\n1 :a\n").entries.len(), 1);
        return;
    }
    for location in ["maildir:~/Maildir", "maildir:~/Maildir:LAYOUT=fs"] {
        let separator = if location.ends_with("fs") { '/' } else { '.' };
        let project = format!("Projets{separator}2025");
        let home = Home::new(location);
        let mut commands =
            format!("a CREATE {project}\r\na CREATE &AMk-t&AOk-\r\na CREATE Sent\r\n");
        for mailbox in ["INBOX", "INBOX", &project, "&AMk-t&AOk-", "Sent"] {
            commands += &append(mailbox, "Subject: un\r\n\r\ntexte\r\n");
        }
        commands += "z LOGOUT\r\n";
        home.imap(commands.as_bytes());
        // One session for each step: pipelined sequence numbers hold expunges back.
        home.imap(b"a SELECT INBOX\r\na STORE 1 +FLAGS (\\Answered $Important Perso)\r\na STORE 2 +FLAGS (\\Deleted)\r\na CLOSE\r\nz LOGOUT\r\n");
        let third = append("INBOX", "Subject: trois\r\n\r\n");
        home.imap(format!("{third}z LOGOUT\r\n").as_bytes());
        let output =
            home.imap(b"a SELECT INBOX\r\nb FETCH 1:* (UID FLAGS RFC822.SIZE)\r\nz LOGOUT\r\n");
        let answers = dovecot::fetches(&output);
        let files = tree(&home);
        let layout = Layout::from_paths(
            files
                .iter()
                .enumerate()
                .map(|(i, (p, _))| (ArtefactId(i as u32), p.as_str())),
        );
        let names: Vec<&str> = layout.mailboxes.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(
            names,
            ["INBOX", "Projets/2025", "Sent", "Été"],
            "{location}"
        );
        assert!(
            layout.mailboxes.iter().all(|m| m.account == "oracle"),
            "{location}"
        );
        let inbox = &layout.mailboxes[0];
        let bytes = |id: ArtefactId| files[id.0 as usize].1.as_slice();
        let list = uidlist::parse(bytes(inbox.uidlist.unwrap()));
        assert_eq!(list.errors, []);
        let keywords = uidlist::keywords(bytes(inbox.keywords.unwrap()));
        let rules = vauban_mail::ContentRules::none();
        let parsed = inbox
            .messages
            .iter()
            .map(|m| Some(vauban_mail::parse(bytes(m.artefact), &rules)))
            .collect();
        let mailbox =
            maildir::assemble(inbox, Some((&list, Evidence::default())), &keywords, parsed);
        let uids: Vec<_> = mailbox.messages.iter().map(|m| m.uid).collect();
        assert_eq!(
            uids,
            [Some(1), Some(3)],
            "{location}: {}",
            String::from_utf8_lossy(&output)
        );
        let mut flags = mailbox.messages[0].flags.clone();
        flags.sort();
        assert_eq!(flags, ["$Important", "Perso", "\\Answered", "\\Seen"]);
        for (i, message) in mailbox.messages.iter().enumerate() {
            let size: u64 = answers[&(i + 1)]["RFC822.SIZE"].text().parse().unwrap();
            assert_eq!(message.message.vsize, size);
            let file = inbox
                .messages
                .iter()
                .find(|f| f.artefact == message.evidence.artefact);
            let name = filename::parse(&file.unwrap().name);
            assert_eq!(name.size, Some(message.message.size));
        }
        assert_eq!(mailbox.uid_next, Some(4));
    }
}

#[test]
fn dbox_that_dovecot_wrote() {
    if !dovecot::is_here() {
        assert!(!dbox::parse(b"").1.is_empty());
        return;
    }
    for location in ["mdbox:~/mdbox", "sdbox:~/sdbox"] {
        let home = Home::new(location);
        let mut commands = String::from("a CREATE Projets/2025\r\n");
        for (mailbox, subject) in [
            ("INBOX", "un"),
            ("Projets/2025", "deux"),
            ("INBOX", "trois"),
        ] {
            commands += &append(mailbox, &format!("Subject: {subject}\r\n\r\ntexte\r\n"));
        }
        commands += "z LOGOUT\r\n";
        home.imap(commands.as_bytes());
        let files = tree(&home);
        let layout = Layout::from_paths(
            files
                .iter()
                .enumerate()
                .map(|(i, (p, _))| (ArtefactId(i as u32), p.as_str())),
        );
        let read = |f: &maildir::layout::StoreFile| Some(files[f.artefact.0 as usize].1.as_slice());
        let boxes = dbox::mailboxes(&layout.dbox, read, &vauban_mail::ContentRules::none());
        let names: Vec<_> = boxes
            .iter()
            .map(|b| (b.account.as_str(), b.name.as_str(), b.messages.len()))
            .collect();
        assert_eq!(
            names,
            [("oracle", "INBOX", 2), ("oracle", "Projets/2025", 1)],
            "{location}"
        );
        if location.starts_with("sdbox") {
            let uids: Vec<_> = boxes[0].messages.iter().map(|m| m.uid).collect();
            assert_eq!(uids, [Some(1), Some(2)]);
        }
        let mut found = Vec::new();
        for file in &layout.dbox {
            assert_eq!(file.account, "oracle");
            let bytes = &files[file.artefact.0 as usize].1;
            let (messages, errors) = dbox::parse(bytes);
            assert_eq!(errors, [], "{location}");
            for m in messages {
                let message = vauban_mail::parse(
                    &bytes[m.message.clone()],
                    &vauban_mail::ContentRules::none(),
                );
                assert_eq!(m.vsize.unwrap_or(message.vsize), message.vsize);
                assert!(m.received.is_some() && !m.guid.is_empty());
                let name = if file.name.is_empty() {
                    m.mailbox
                } else {
                    file.name.clone()
                };
                found.push((name, message.subject));
            }
        }
        found.sort();
        let want = [
            ("INBOX", "trois"),
            ("INBOX", "un"),
            ("Projets/2025", "deux"),
        ];
        assert_eq!(
            found,
            want.map(|(a, b)| (a.to_owned(), b.to_owned())),
            "{location}"
        );
    }
}

#[test]
fn mbox_that_dovecot_wrote() {
    if !dovecot::is_here() {
        assert!(mbox::split(b"").is_empty());
        return;
    }
    let home = Home::new("mbox:~/mail:INBOX=~/inbox");
    home.write("mail/.keep", b"");
    let mut commands = String::from("a CREATE Sent\r\n");
    commands += &append("INBOX", "Subject: un\r\n\r\ntexte\r\nFrom moi\r\n");
    commands += &append(
        "INBOX",
        "Subject: deux\r\nStatus: faux\r\n\r\nFrom a@b Tue Nov 25 08:00:00 2025\r\nfin",
    );
    commands += &append("Sent", "Subject: trois\r\n\r\n");
    home.imap((commands + "z LOGOUT\r\n").as_bytes());
    for (file, selected) in [("inbox", "INBOX"), ("mail/Sent", "Sent")] {
        let session = format!(
            "a SELECT {selected}\r\nb FETCH 1:* (UID RFC822.SIZE ENVELOPE)\r\nz LOGOUT\r\n"
        );
        let answers = dovecot::fetches(&home.imap(session.as_bytes()));
        let bytes = std::fs::read(home.path().join(file)).unwrap();
        let ours = mbox::mailbox(
            ArtefactId(0),
            &format!("home/oracle/{file}"),
            &bytes,
            &vauban_mail::ContentRules::none(),
        );
        assert_eq!(
            ours.messages.len(),
            answers.len(),
            "{}",
            String::from_utf8_lossy(&bytes)
        );
        for (message, answer) in ours.messages.iter().zip(answers.values()) {
            assert_eq!(
                message.uid.map(|u| u.to_string()).as_deref(),
                Some(answer["UID"].text())
            );
            assert_eq!(
                message.message.vsize.to_string(),
                answer["RFC822.SIZE"].text(),
                "{}",
                String::from_utf8_lossy(&bytes)
            );
            assert_eq!(message.message.subject, answer["ENVELOPE"].list()[1].text());
            assert!(message.received.is_some());
        }
    }
}

/// Words that find something and words that do not.
const WORDS: &[&str] = &[
    "linux",
    "password",
    "the",
    "free",
    "secret",
    "viagra",
    "spamassassin",
    "zzzz",
    "déjà",
    "money back",
];

#[test]
fn searches_find_what_dovecot_finds() {
    let mut messages = common::own_messages();
    messages.push(("qp".into(), "Subject: =?utf-8?Q?Acc=C3=A8s_secret?=\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nd=E9j=E0 pass=\nword\n".into()));
    if let Some(dir) = common::shared("mail-spam-corpus") {
        let files = common::files(&dir.join("data"));
        messages.extend(
            files
                .iter()
                .step_by(3)
                .filter_map(|p| Some((p.display().to_string(), common::message(p)?))),
        );
    }
    let texts: Vec<SearchText> = messages.iter().map(|(_, b)| SearchText::new(b)).collect();
    let last = texts.len() - 1;
    assert!(
        texts
            .iter()
            .any(|t| t.matches("DÉJÀ", Scope::Body) && t.matches("accès", Scope::Subject))
            && last > 10
    );
    if !dovecot::is_here() {
        return;
    }
    let home = Home::new("maildir:~/Maildir");
    for (i, (_, bytes)) in messages.iter().enumerate() {
        home.write(
            &format!("Maildir/cur/{}.M1P1.h:2,", 1_700_000_000 + i),
            bytes,
        );
    }
    let scopes = [
        ("SUBJECT", Scope::Subject),
        ("FROM", Scope::From),
        ("BODY", Scope::Body),
        ("TEXT", Scope::Text),
    ];
    let mut commands = String::from("a SELECT INBOX\r\n");
    for word in WORDS {
        for (name, _) in scopes {
            commands += &format!(
                "s SEARCH CHARSET UTF-8 {name} {{{}+}}\r\n{word}\r\n",
                word.len()
            );
        }
    }
    commands += "z LOGOUT\r\n";
    let output = String::from_utf8_lossy(&home.imap(commands.as_bytes())).into_owned();
    let answers: Vec<Vec<usize>> = output
        .lines()
        .filter_map(|l| l.strip_prefix("* SEARCH"))
        .map(|l| {
            l.split_ascii_whitespace()
                .filter_map(|n| n.parse().ok())
                .collect()
        })
        .collect();
    assert_eq!(answers.len(), WORDS.len() * scopes.len());
    let mut answers = answers.into_iter();
    let (mut same, mut wrong) = (0, Vec::new());
    for word in WORDS {
        for (name, scope) in scopes {
            let theirs = answers.next().unwrap();
            let ours: Vec<usize> = (0..texts.len())
                .filter(|i| texts[*i].matches(word, scope))
                .map(|i| i + 1)
                .collect();
            same += ours.iter().filter(|n| theirs.contains(n)).count();
            let differ = |a: &[usize], b: &[usize]| {
                a.iter()
                    .filter(|n| !b.contains(n))
                    .map(|n| messages[n - 1].0.clone())
                    .collect::<Vec<_>>()
            };
            let (more, less) = (differ(&ours, &theirs), differ(&theirs, &ours));
            if !more.is_empty() || !less.is_empty() {
                wrong.push(format!("{name} {word}: more {more:?}, less {less:?}"));
            }
        }
    }
    println!(
        "{} messages, {same} hits shared, {} searches differ:\n{}",
        messages.len(),
        wrong.len(),
        wrong.join("\n")
    );
    assert!(wrong.is_empty());
}

/// Scripts as webmails and people write them.
const SCRIPTS: &[&str] = &[
    "",
    "keep;",
    "require [\"fileinto\", \"copy\"];\n# rule:[x]\nif anyof (header :contains \"subject\" [\"a\", \"b\"], address :domain :is \"from\" \"x.fr\")\n{\n\tfileinto :copy \"A\";\n\tredirect :copy \"a@b.fr\";\n\tstop;\n}\n",
    "require [\"vacation\"];\nvacation :days 7 :subject \"Absent\" :addresses [\"a@b.fr\"] text:\nBonjour\n.\n;\n",
    "require [\"imap4flags\", \"body\", \"envelope\", \"variables\", \"regex\", \"date\", \"relational\", \"reject\"];\nset \"x\" \"y\";\nif allof (not body :text :contains \"secret\", envelope :is \"from\" \"a@b\", size :over 100K) { addflag [\"\\\\Seen\", \"$x\"]; reject text:\nnon\n.\n; }\nelsif header :regex \"subject\" \"^\\\\[x\\\\]\" { discard; }\nelse { keep; }\n",
    "require [\"editheader\", \"ihave\"];\naddheader \"X-A\" \"b\";\nif true { if false { stop; } }",
    "if header :is [\"to\",\"cc\"] \"x\" { /* c */ discard; } # fin",
    "redirect \"a@b.fr\"",
    "if { keep; }",
    "keep",
    "require \"fileinto\"; fileinto \"a;",
];

#[test]
fn scripts_that_the_compiler_takes_have_no_errors() {
    let compiler = ["/usr/bin/sievec", "/usr/lib/dovecot/sievec"]
        .into_iter()
        .find(|p| std::path::Path::new(p).exists());
    if compiler.is_none() {
        println!("sievec is absent: only our own judgement is checked");
    }
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("dovecot.conf");
    std::fs::write(
        &config,
        "ssl = no\nplugin {\n  sieve_extensions = +editheader\n}\n",
    )
    .unwrap();
    let mut taken = 0;
    for (i, script) in SCRIPTS.iter().enumerate() {
        let path = dir.path().join(format!("{i}.sieve"));
        std::fs::write(&path, script).unwrap();
        let ours = sieve::parse(script.as_bytes());
        let refused_by_us = i >= 7;
        assert_eq!(
            !ours.errors.is_empty(),
            refused_by_us,
            "{script:?}: {:?}",
            ours.errors
        );
        if let Some(compiler) = compiler {
            let out = Command::new(compiler)
                .arg("-c")
                .arg(&config)
                .arg(&path)
                .arg(dir.path().join("out"))
                .output()
                .unwrap();
            let ok = out.status.success();
            taken += usize::from(ok);
            assert_eq!(
                ok,
                ours.errors.is_empty(),
                "{script:?}: {:?} {}",
                ours.errors,
                String::from_utf8_lossy(&out.stderr)
            );
        }
    }
    assert!(compiler.is_none() || taken == 7);
}
