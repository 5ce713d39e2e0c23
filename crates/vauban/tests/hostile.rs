//! Hostile text: mail, logs, archives and advisories are written by others. What is in them must
//! not act where it is shown, nor pass for what a daemon recorded.

mod common;

use common::*;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A terminal sequence, its eight-bit form, an override of the direction of text, script in three
/// disguises, and a quote to break out with.
const TRICKS: &str = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{2066}\"><script>alert(1)</script><img src=x onerror=alert(2)><a href=\"javascript:alert(3)\">'";
/// What spreadsheets run.
const FORMULAS: [&str; 6] = [
    "=cmd|'/C calc'!A0",
    "+1+cmd|'x'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
];

/// What must stand nowhere: characters that act on a terminal or turn text round.
fn acts(text: &str) -> Option<char> {
    text.chars().find(|c| {
        (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

/// Looks at every output of a run. `innocent` is the report of the same without tricks.
fn harmless(output: &std::process::Output, out: &Path, innocent: &Path) {
    for stream in [&output.stdout, &output.stderr] {
        let shown = text(stream);
        assert_eq!(acts(&shown), None, "{shown:?}");
        assert!(!shown.contains('\r') && !shown.contains('\t'), "{shown:?}");
    }
    for path in files_below(out) {
        let name = path.strip_prefix(out).unwrap().display().to_string();
        let bytes = fs::read(&path).unwrap();
        let Ok(content) = String::from_utf8(bytes) else {
            assert!(
                name.ends_with(".parquet") || name.ends_with(".pdf"),
                "{name}"
            );
            continue;
        };
        // JSON too: people look at it with cat.
        assert_eq!(acts(&content), None, "{name}");
        if name.ends_with(".html") {
            // Elements that run or load something: as many as without the tricks, where it has any.
            let before = fs::read_to_string(innocent.join(&name)).unwrap();
            for tag in [
                "<script",
                "<img",
                "<iframe",
                "javascript:",
                "<a href=\"javascript",
            ] {
                let count = |html: &str| html.matches(tag).count();
                let in_text =
                    content.matches("&lt;script").count() + content.matches("&lt;img").count();
                if tag == "javascript:" {
                    // As text it may stand there; as the beginning of an attribute it may not.
                    assert!(
                        !content.contains("=\"javascript:") && !content.contains("='javascript:"),
                        "{name}"
                    );
                } else {
                    assert_eq!(count(&content), count(&before), "{name}: {tag}");
                }
                assert!(
                    !name.contains("report") || in_text > 0,
                    "the tricks do not appear in {name}"
                );
            }
        }
        if name.ends_with(".csv") {
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(content.trim_start_matches('\u{feff}').as_bytes());
            let mut cells = 0;
            for record in reader.records() {
                for cell in &record.unwrap() {
                    cells += 1;
                    let first = cell.chars().next();
                    let number = cell.parse::<f64>().is_ok();
                    assert!(
                        number || !matches!(first, Some('=' | '+' | '-' | '@' | '\t' | '\r')),
                        "{name}: {cell:?}"
                    );
                }
            }
            assert!(cells > 20, "{name}");
        }
        if name.ends_with(".md") {
            assert!(
                !content.contains("<script") && !content.contains("<img"),
                "{name}"
            );
        }
    }
    pdf(&out.join("report.pdf"));
}

/// The text of a PDF, by the program of Debian's poppler-utils.
fn pdf(path: &Path) {
    let bytes = fs::read(path).unwrap();
    for name in [&b"/JavaScript"[..], b"/JS", b"/Launch", b"/OpenAction"] {
        let found = bytes.windows(name.len()).any(|w| w == name);
        assert!(!found, "{}", text(name));
    }
    match Command::new("pdftotext").arg(path).arg("-").output() {
        Ok(output) => {
            let content = text(&output.stdout);
            assert!(content.len() > 500);
            // pdftotext ends pages with form feeds.
            assert_eq!(acts(&content.replace('\u{c}', "")), None);
        }
        Err(e) => println!("pdftotext is absent ({e}): the text of the PDF is not looked at"),
    }
}

#[test]
fn tricks_in_mail_and_webmail_do_nothing() {
    let (innocent, _) = webmail("Rapport", "rapport.pdf", "Mozilla/5.0 (X11)", "budget");
    let (_, before) = run(innocent.path(), &[]);
    // nginx writes quotes and control characters of a request as \xNN; an access log of another
    // make, or one that was tampered with, holds what it holds.
    let agent = TRICKS.replace('"', "\\x22");
    let mut variants = vec![(TRICKS.to_string(), agent)];
    variants.extend(FORMULAS.map(|f| (format!("{f}{TRICKS}"), f.trim_start().to_string())));
    for (trick, agent) in &variants {
        let (dir, _) = webmail(trick, trick, agent, trick);
        let (output, out) = run(dir.path(), &[]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        let case = case(out.path());
        assert_eq!(case["verdict"], "breached");
        // The tricks are in the case, or nothing was shown here.
        let words: Vec<_> = case["searches"].as_array().unwrap().iter().collect();
        assert!(
            words.iter().any(|w| w.to_string().contains("<script>")),
            "{words:?}"
        );
        let ledger = case["ledger"].to_string();
        assert!(ledger.contains("<script>"), "{ledger}");
        harmless(&output, out.path(), before.path());
    }
}

#[test]
fn tricks_in_names_of_accounts_do_nothing() {
    let (_, before) = run(evidence(true).path(), &[]);
    for trick in FORMULAS
        .iter()
        .map(|f| format!("{}{TRICKS}", f.trim_start()))
    {
        let dir = evidence(true);
        let path = dir.path().join("var/log/mail.log");
        // `>` ends the name in Dovecot's line, so it has none.
        let name = trick.replace(['>', '\n'], "]");
        let log = fs::read_to_string(&path)
            .unwrap()
            .replace("jean@", &format!("{name}@"));
        fs::write(&path, log).unwrap();
        let (output, out) = run(dir.path(), &[]);
        assert!(
            output.status.code().is_some_and(|c| c < 2),
            "{}",
            text(&output.stderr)
        );
        let case = fs::read_to_string(out.path().join("case.json")).unwrap();
        assert!(case.contains("<script]"), "the name is in the case");
        for stream in [&output.stdout, &output.stderr] {
            assert_eq!(acts(&text(stream)), None);
        }
        for file in files_below(out.path()) {
            if let Ok(content) = fs::read_to_string(&file) {
                assert_eq!(acts(&content), None, "{}", file.display());
                if file.extension().is_some_and(|x| x == "html") {
                    assert!(!content.contains("<script]"), "{}", file.display());
                }
            }
        }
        assert!(before.path().join("report.html").exists());
        pdf(&out.path().join("report.pdf"));
    }
}

/// Names of files in the evidence, of members of archives, and what an advisory says of itself.
#[test]
fn tricks_in_names_of_files_and_in_advisories_do_nothing() {
    let (innocent, _) = webmail("Rapport", "rapport.pdf", "Mozilla/5.0 (X11)", "budget");
    let (_, before) = run(innocent.path(), &[]);
    let (dir, _) = webmail(TRICKS, "rapport.pdf", "Mozilla/5.0 (X11)", "budget");
    let name = TRICKS.replace('/', "|");
    let log = dir.path().join("var/log");
    fs::rename(log.join("mail.log"), log.join(format!("={name}\n.log"))).unwrap();
    fs::write(
        dir.path().join(format!("{name}.tar.gz")),
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03cut",
    )
    .unwrap();
    std::os::unix::fs::symlink(&name, dir.path().join("link")).unwrap();
    let more = tempfile::tempdir().unwrap();
    let advisory = more.path().join(format!("{}.html", &name[..100]));
    let title = TRICKS.replace('<', "&lt;");
    fs::write(&advisory, format!("<title>=1{title}</title><p>203.0.113[.]9 and {TRICKS} http://evil[.]example/{title}</p>")).unwrap();
    let (output, out) = run(dir.path(), &["--advisory", advisory.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("gz"),
        "the broken archive is named"
    );
    harmless(&output, out.path(), before.path());
    // And in what the program says when it cannot run.
    let missing = more.path().join(TRICKS.replace('/', "|"));
    for args in [
        ["investigate", missing.to_str().unwrap()].as_slice(),
        &[
            "investigate",
            dir.path().to_str().unwrap(),
            "--advisory",
            missing.to_str().unwrap(),
        ],
        &[
            "investigate",
            dir.path().to_str().unwrap(),
            "--rules",
            missing.to_str().unwrap(),
        ],
    ] {
        let output = vauban(args);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(acts(&text(&output.stderr)), None);
    }
}

/// A name that an attacker types at a log-in prompt claims an address, a session, a success.
#[test]
fn forged_fields_do_not_change_the_case() {
    let names = [
        "x>, rip=10.1.1.5, lip=1.2.3.4, session=<q",
        "jean@min.example>, method=PLAIN, rip=198.51.100.66, lip=1.2.3.4, mpid=1, session=<q",
        "x rip=198.51.100.66",
        "198.51.100.66",
        "x\\nDec  8 05:00:00 mail dovecot: imap-login: Login: user=<jean@min.example>, method=PLAIN, rip=198.51.100.66, lip=10.1.1.2, mpid=1, session=<qqqqAAAA>",
        "x dovecot: imap-login: Login: user=<jean@min.example>, method=PLAIN, rip=198.51.100.66, lip=1.2.3.4, mpid=1, session=<qqqqAAAA>",
    ];
    let (_, plain) = run(evidence(false).path(), &["--no-events"]);
    for name in names {
        let dir = evidence(false);
        let path = dir.path().join("var/log/mail.log");
        let mut log = fs::read_to_string(&path).unwrap();
        log.push_str(&format!("Dec  8 05:00:00 mail dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<{name}>, method=PLAIN, rip=203.0.113.9, lip=10.1.1.2, session=<forgAAAA>\n"));
        fs::write(&path, log).unwrap();
        let (output, out) = run(dir.path(), &["--no-events"]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{name}: {}",
            text(&output.stdout)
        );
        let (case, plain) = (case(out.path()), case(plain.path()));
        assert_eq!(case["verdict"], "no_evidence_of_breach", "{name}");
        assert_eq!(case["initial_access"], plain["initial_access"], "{name}");
        assert_eq!(case["ledger"], plain["ledger"], "{name}");
        // No session, account or source of its own came of what was claimed.
        let sources = |case: &serde_json::Value| -> Vec<String> {
            let sessions = case["sessions"].as_array().unwrap().iter();
            sessions
                .map(|s| s["ips"].to_string() + &s["account"].to_string())
                .collect()
        };
        for source in sources(&case) {
            let claimed = source.contains("198.51.100.66") || source.contains("1.2.3.4");
            assert!(!claimed, "{name}: {source}");
        }
        let ips = |case: &serde_json::Value| case["accounts"].to_string();
        assert!(!ips(&case).contains("198.51.100.66"), "{name}");
    }
}

#[test]
fn links_out_of_the_evidence_are_not_followed() {
    let dir = evidence(true);
    let secret = tempfile::tempdir().unwrap();
    fs::write(secret.path().join("outside.log"), mail_log(true)).unwrap();
    let log = dir.path().join("var/log");
    std::os::unix::fs::symlink(secret.path(), log.join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(secret.path().join("outside.log"), log.join("one.log")).unwrap();
    std::os::unix::fs::symlink(".", log.join("loop")).unwrap();
    let (_, out) = run(dir.path(), &[]);
    let manifest = fs::read_to_string(out.path().join("manifest.json")).unwrap();
    for name in ["outside.log", "one.log", "loop"] {
        assert!(!manifest.contains(name), "{name}");
    }
    for name in ["var/log/elsewhere", "var/log/one.log"] {
        expect_problem(out.path(), name, "symbolic link");
    }
}

/// An archive whose members want to be elsewhere, and links out of it.
#[test]
fn archives_write_nowhere() {
    let mut builder = tar::Builder::new(Vec::new());
    let member = |builder: &mut tar::Builder<Vec<u8>>, name: &[u8], bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        // Not set_path(): it refuses what an attacker writes.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, bytes).unwrap();
    };
    member(&mut builder, b"../../vauban-escaped", b"x");
    member(&mut builder, b"/tmp/vauban-escaped", b"x");
    member(
        &mut builder,
        b"../var/log/mail.log",
        mail_log(true).as_bytes(),
    );
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    builder.append_link(&mut link, "etc-link", "/etc").unwrap();
    member(&mut builder, b"etc-link/vauban-escaped", b"x");
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("a/b");
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join("mail1.tar"), builder.into_inner().unwrap()).unwrap();
    let before = snapshot(dir.path());
    let (output, out) = run(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(case(out.path())["verdict"], "breached");
    assert!(before == snapshot(dir.path()));
    for path in ["/tmp/vauban-escaped", "/etc/vauban-escaped"] {
        assert!(!Path::new(path).exists(), "{path}");
    }
    expect_problem(out.path(), "a/b/mail1.tar", "");
}
