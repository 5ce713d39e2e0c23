//! `vauban investigate` as its user meets it: exit codes, bad input, hostile input, determinism.
//!
//! The evidence is written by the tests, in the form that Dovecot 2.3 and nginx write.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn vauban(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vauban"))
        .args(args)
        .output()
        .expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A week of one owner's sessions; then, if `broken`, a spray that succeeds.
fn mail_log(broken: bool) -> String {
    let mut log = String::new();
    let mut session = |day: u32,
                       time: &str,
                       service: &str,
                       user: &str,
                       ip: &str,
                       id: &str,
                       end: &str| {
        let _ = writeln!(
            log,
            "Dec {day:2} {time}:00 mail dovecot: {service}-login: Login: user=<{user}>, method=PLAIN, rip={ip}, lip=10.1.1.2, mpid={day}7, session=<{id}>"
        );
        let _ = writeln!(
            log,
            "Dec {day:2} {time}:20 mail dovecot: {service}({user})<{day}7><{id}>: Disconnected: Logged out {end}"
        );
    };
    let imap = "in=200 out=3000 deleted=0 expunged=0 trashed=0 hdr_count=3 hdr_bytes=900 body_count=1 body_bytes=800";
    for day in 1..=7 {
        session(
            day,
            "08:00",
            "imap",
            "jean@min.example",
            "10.1.1.5",
            &format!("own{day}AAAA"),
            imap,
        );
    }
    let mut spray = String::new();
    for n in 0..6 {
        let _ = writeln!(
            spray,
            "Dec  8 02:00:0{n} mail dovecot: pop3-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<user{n}@min.example>, method=PLAIN, rip=203.0.113.9, lip=10.1.1.2, session=<bad{n}AAAA>"
        );
    }
    if broken {
        session(
            8,
            "02:10",
            "pop3",
            "jean@min.example",
            "203.0.113.9",
            "evilAAAA",
            "top=0/0, retr=2/1500, del=0/5, size=9000",
        );
    }
    // The spray stands before the success.
    match log.find("Dec  8 02:10") {
        Some(at) => log.insert_str(at, &spray),
        None => log.push_str(&spray),
    }
    log
}

fn evidence(broken: bool) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("var/log");
    fs::create_dir_all(&log).unwrap();
    fs::create_dir_all(dir.path().join("etc")).unwrap();
    fs::write(dir.path().join("etc/timezone"), "Europe/Paris\n").unwrap();
    fs::write(log.join("mail.log"), mail_log(broken)).unwrap();
    fs::write(
        log.join("access.log"),
        "10.1.1.5 - - [07/Dec/2025:08:30:00 +0100] \"GET /?_task=login HTTP/1.1\" 200 2503 \"-\" \"Mozilla/5.0\"\n",
    )
    .unwrap();
    dir
}

fn case(out: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(out.join("case.json")).unwrap()).unwrap()
}

fn run(evidence: &Path, more: &[&str]) -> (Output, tempfile::TempDir) {
    let out = tempfile::tempdir().unwrap();
    let mut args = vec![
        "investigate",
        evidence.to_str().unwrap(),
        "--out",
        out.path().to_str().unwrap(),
    ];
    args.extend(more);
    (vauban(&args), out)
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files_below(&path));
        } else {
            all.push(path);
        }
    }
    all.sort();
    all
}

#[test]
fn a_spray_that_succeeds_is_a_breach_and_everything_is_written() {
    let dir = evidence(true);
    let before: Vec<_> = files_below(dir.path())
        .into_iter()
        .map(|p| {
            (
                fs::read(&p).unwrap(),
                fs::metadata(&p).unwrap().modified().unwrap(),
                p,
            )
        })
        .collect();
    let (output, out) = run(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let case = case(out.path());
    assert_eq!(case["verdict"], "breached");
    assert_eq!(case["accounts"][0]["account"], "jean@min.example");
    assert_eq!(case["initial_access"][0]["vector"], "password_spray");
    assert_eq!(case["totals"]["bytes_max"], 1500);
    let session = &case["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["label"] == "intruder")
        .unwrap();
    let line = &session["evidence"][0];
    assert_eq!(line["artefact"], "var/log/mail.log");
    assert!(
        line["excerpt"]
            .as_str()
            .unwrap()
            .contains("rip=203.0.113.9")
    );
    for name in [
        "report.html",
        "report.pdf",
        "ledger.csv",
        "timeline.csv",
        "case.stix.json",
        "manifest.json",
        "problems.json",
        "events/authentication.parquet",
        "notifications/gdpr-art33.md",
        "notifications/nis2-early-warning-24h.md",
    ] {
        assert!(
            fs::metadata(out.path().join(name)).is_ok_and(|m| m.len() > 0),
            "{name}"
        );
    }
    for (bytes, modified, path) in before {
        assert_eq!(fs::read(&path).unwrap(), bytes, "{}", path.display());
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), modified);
    }
}

#[test]
fn a_spray_that_fails_is_none() {
    let (output, out) = run(evidence(false).path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert_eq!(case(out.path())["verdict"], "no_evidence_of_breach");
}

#[test]
fn nothing_useful_and_nothing_there() {
    let empty = tempfile::tempdir().unwrap();
    let (output, _out) = run(empty.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("no log, mail store"),
        "{}",
        text(&output.stderr)
    );
    fs::write(empty.path().join("poem.txt"), "roses are red\n").unwrap();
    assert_eq!(run(empty.path(), &[]).0.status.code(), Some(2));
    let missing = empty.path().join("nowhere");
    let output = vauban(&["investigate", missing.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("nowhere"));
}

#[test]
fn the_report_goes_nowhere_it_should_not() {
    let dir = evidence(true);
    let inside = dir.path().join("report");
    let output = vauban(&[
        "investigate",
        dir.path().to_str().unwrap(),
        "--out",
        inside.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("inside the evidence"));
    let full = tempfile::tempdir().unwrap();
    fs::write(full.path().join("mine"), "x").unwrap();
    let args = [
        "investigate",
        dir.path().to_str().unwrap(),
        "--out",
        full.path().to_str().unwrap(),
    ];
    let output = vauban(&args);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--force"));
    let forced: Vec<&str> = args.iter().copied().chain(["--force"]).collect();
    assert_eq!(vauban(&forced).status.code(), Some(1));
    assert_eq!(fs::read(full.path().join("mine")).unwrap(), b"x");
}

#[test]
fn the_same_evidence_gives_the_same_bytes() {
    let dir = evidence(true);
    let (_, one) = run(dir.path(), &["--threads", "1"]);
    let (output, four) = run(dir.path(), &["--threads", "4", "--format", "json"]);
    for path in files_below(one.path()) {
        let name = path.strip_prefix(one.path()).unwrap();
        assert_eq!(
            fs::read(&path).unwrap(),
            fs::read(four.path().join(name)).unwrap(),
            "{}",
            name.display()
        );
    }
    assert_eq!(
        output.stdout,
        fs::read(four.path().join("case.json")).unwrap()
    );
}

fn tar_gz(dir: &Path) -> Vec<u8> {
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::fast(),
    ));
    builder.append_dir_all("mail1", dir).unwrap();
    builder.into_inner().unwrap().finish().unwrap()
}

#[test]
fn archives_are_read_and_broken_ones_as_far_as_they_go() {
    let packed = tar_gz(evidence(true).path());
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mail1.tar.gz"), &packed).unwrap();
    let (output, out) = run(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(case(out.path())["verdict"], "breached");

    // Cut in the middle, beside a log that is whole.
    let dir = evidence(true);
    fs::write(dir.path().join("cut.tar.gz"), &packed[..packed.len() / 2]).unwrap();
    let (output, out) = run(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let problems = fs::read_to_string(out.path().join("problems.json")).unwrap();
    let problems: serde_json::Value = serde_json::from_str(&problems).unwrap();
    let cut = problems
        .as_array()
        .unwrap()
        .iter()
        .find(|p| {
            p["path"]
                .as_str()
                .is_some_and(|p| p.starts_with("cut.tar.gz"))
        })
        .expect("the cut archive is named");
    assert!(cut["offset"].is_u64(), "{cut}");
    assert!(text(&output.stderr).contains("cut.tar.gz"));
}

#[test]
fn a_bomb_is_stopped() {
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..300 {
        std::io::Write::write_all(&mut bomb, &vec![0; 1 << 20]).unwrap();
    }
    let dir = evidence(true);
    fs::write(dir.path().join("bomb.gz"), bomb.finish().unwrap()).unwrap();
    let (output, out) = run(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let problems = fs::read_to_string(out.path().join("problems.json")).unwrap();
    assert!(problems.contains("bomb.gz"), "{problems}");
}

#[test]
fn broken_lines_cost_only_themselves() {
    let dir = evidence(true);
    let path = dir.path().join("var/log/mail.log");
    let mut log = fs::read(&path).unwrap();
    log.extend(b"Dec  8 03:00:00 mail dovecot: \xff\xfe\x00\x00 imap-login: Login: user=<\xff>\n");
    log.extend(vec![b'x'; 18 << 20]);
    log.extend(b"\n\0\0\0\0\n");
    log.extend(mail_log(false).as_bytes());
    fs::write(&path, log).unwrap();
    let (output, out) = run(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let case = case(out.path());
    assert_eq!(case["verdict"], "breached");
    let log = case["coverage"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["source"] == "syslog")
        .unwrap();
    assert!(log["unparsed"].as_u64().unwrap() >= 2, "{log}");
    assert!(log["unparsed_samples"][0]["offset"].as_u64().unwrap() > 1000);
}

#[test]
fn forged_fields_do_not_move_an_address() {
    let dir = evidence(false);
    let path = dir.path().join("var/log/mail.log");
    let mut log = fs::read_to_string(&path).unwrap();
    // The name claims an address; the daemon's own field comes after it.
    log.push_str("Dec  8 05:00:00 mail dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<x>, rip=10.1.1.5, lip=1.2.3.4, session=<q>, method=PLAIN, rip=203.0.113.9, lip=10.1.1.2, session=<forgAAAA>\n");
    fs::write(&path, log).unwrap();
    let (output, out) = run(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(0));
    let html = fs::read_to_string(out.path().join("case.json")).unwrap();
    assert!(
        !html.contains("1.2.3.4\""),
        "a forged address became a fact"
    );
}

#[test]
fn hostile_text_is_neutralised_everywhere() {
    let dir = evidence(true);
    let path = dir.path().join("var/log/mail.log");
    let evil = "jean\u{1b}[31m\u{202e}<script>alert(1)</script>=cmd|x@min.example";
    let log = fs::read_to_string(&path)
        .unwrap()
        .replace("jean@min.example", evil);
    fs::write(&path, log).unwrap();
    let (output, out) = run(dir.path(), &[]);
    let shown = text(&output.stdout) + &text(&output.stderr);
    assert!(
        !shown.contains('\u{1b}') && !shown.contains('\u{202e}'),
        "{shown:?}"
    );
    for name in ["report.html", "notifications/gdpr-art33.html"] {
        if let Ok(html) = fs::read_to_string(out.path().join(name)) {
            assert!(!html.contains("<script>alert(1)"), "{name}");
            assert!(
                !html.contains('\u{1b}') && !html.contains('\u{202e}'),
                "{name}"
            );
        }
    }
    for name in ["ledger.csv", "timeline.csv"] {
        let csv = fs::read_to_string(out.path().join(name)).unwrap();
        assert!(!csv.contains("\n=") && !csv.contains(",="), "{name}");
    }
}

#[test]
fn links_out_of_the_evidence_are_not_followed() {
    let dir = evidence(true);
    let secret = tempfile::tempdir().unwrap();
    fs::write(secret.path().join("outside.log"), mail_log(true)).unwrap();
    std::os::unix::fs::symlink(secret.path(), dir.path().join("var/log/elsewhere")).unwrap();
    let (_, out) = run(dir.path(), &[]);
    let manifest = fs::read_to_string(out.path().join("manifest.json")).unwrap();
    assert!(!manifest.contains("outside.log"));
    let problems = fs::read_to_string(out.path().join("problems.json")).unwrap();
    assert!(problems.contains("var/log/elsewhere"));
}

#[test]
fn advisories_and_rules() {
    let dir = evidence(false);
    let more = tempfile::tempdir().unwrap();
    let advisory = more.path().join("alert.csv");
    fs::write(&advisory, "type,value\nipv4-addr,203.0.113.9\n").unwrap();
    let (_, out) = run(dir.path(), &["--advisory", advisory.to_str().unwrap()]);
    let hits = &case(out.path())["indicators"];
    assert_eq!(hits[0]["value"], "203.0.113.9");
    assert_eq!(hits[0]["count"], 6);

    let rules = more.path().join("rules/sessions");
    fs::create_dir_all(&rules).unwrap();
    fs::write(rules.join("mine.toml"), "id = \"mine\"\n").unwrap();
    let rules = more.path().join("rules");
    let (output, _out) = run(dir.path(), &["--rules", rules.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("mine.toml"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn help_tells_the_exit_status() {
    let help = vauban(&["investigate", "--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("Exit status"));
    assert_eq!(vauban(&[]).status.code(), Some(2));
    assert_eq!(vauban(&["investigate"]).status.code(), Some(2));
}
