//! Evidence that the tests write, in the form that Dovecot 2.3, nginx and Roundcube write, and the
//! program run on it.

// Each test file uses some of this.
#![allow(dead_code, reason = "shared by several test programs")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub fn vauban(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vauban"))
        .args(args)
        .output()
        .expect("the program runs")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A week of one owner's sessions; then, if `broken`, a spray that succeeds.
pub fn mail_log(broken: bool) -> String {
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

pub fn evidence(broken: bool) -> tempfile::TempDir {
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

pub fn case(out: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(out.join("case.json")).unwrap()).unwrap()
}

pub fn run(evidence: &Path, more: &[&str]) -> (Output, tempfile::TempDir) {
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

pub fn files_below(dir: &Path) -> Vec<PathBuf> {
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

pub fn tar_gz(dir: &Path) -> Vec<u8> {
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::fast(),
    ));
    builder.append_dir_all("mail1", dir).unwrap();
    builder.into_inner().unwrap().finish().unwrap()
}

/// What stands in `problems.json`.
pub fn problems(out: &Path) -> Vec<serde_json::Value> {
    serde_json::from_slice(&fs::read(out.join("problems.json")).unwrap()).unwrap()
}

/// The problem that names a path beginning so and holds these words.
pub fn expect_problem(out: &Path, path: &str, words: &str) -> serde_json::Value {
    let all = problems(out);
    let found = all.iter().find(|p| {
        let text = |field: &str| p[field].as_str().unwrap_or_default();
        text("path").starts_with(path) && text("what").contains(words)
    });
    found
        .unwrap_or_else(|| panic!("{path} with {words:?} in {all:#?}"))
        .clone()
}

/// Everything below a directory: paths, bytes, and when they were changed; directories too.
pub fn snapshot(dir: &Path) -> Vec<(PathBuf, Option<Vec<u8>>, std::time::SystemTime)> {
    let mut all = Vec::new();
    let mut todo = vec![dir.to_path_buf()];
    while let Some(path) = todo.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        let changed = meta.modified().unwrap();
        if meta.is_dir() {
            todo.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            all.push((path, None, changed));
        } else {
            let bytes = meta.is_file().then(|| fs::read(&path).unwrap());
            all.push((path, bytes, changed));
        }
    }
    all.sort();
    all
}

/// Runs and watches: the output, and the largest resident set in KiB (`VmHWM`, proc(5)).
pub fn run_watched(evidence: &Path, more: &[&str]) -> (Output, tempfile::TempDir, u64) {
    let out = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_vauban"))
        .arg("investigate")
        .arg(evidence)
        .arg("--out")
        .arg(out.path())
        .args(more)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program runs");
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kib = line.and_then(|l| l.split_whitespace().next()?.parse().ok());
        most = most.max(kib.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    (child.wait_with_output().unwrap(), out, most)
}

/// Evidence with a mail store and webmail, in which an intruder searches, shows and downloads: the
/// message with this subject and attachment, by this browser, with this search word. The subject
/// and the name are encoded as RFC 2047 and RFC 2231 have it, the browser stands as given, the
/// word is percent-encoded. The second value is the account.
pub fn webmail(
    subject: &str,
    filename: &str,
    agent: &str,
    word: &str,
) -> (tempfile::TempDir, &'static str) {
    let dir = evidence(true);
    let account = "jean@min.example";
    let maildir = dir.path().join("var/mail/vhosts/min.example/jean/Maildir");
    fs::create_dir_all(maildir.join("cur")).unwrap();
    let mut uids = String::from("3 V1764048612 N9 G709c891fdb3e2569b2010000bbbb5ec2\n");
    for uid in 1..=8 {
        let attachment = format!("Document {uid} of the service\n").repeat(40);
        let message = format!(
            "Return-Path: <marie@min.example>\r\nReceived: from mail by mail; Mon, 1 Dec 2025 0{uid}:00:00 +0100\r\nFrom: =?UTF-8?B?{}?= <marie@min.example>\r\nTo: jean@min.example\r\nSubject: =?UTF-8?B?{}?=\r\nDate: Mon, 1 Dec 2025 0{uid}:00:00 +0100\r\nMessage-ID: <m{uid}@min.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBonjour,\r\nmot de passe du VPN : Hiver-{uid}2025!\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename*=UTF-8''{}\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
            base64(subject.as_bytes()),
            base64(subject.as_bytes()),
            percent(filename),
            base64(attachment.as_bytes()),
        );
        let name = format!("17645{uid:05}.M1P2.mail,S={}", message.len());
        let _ = writeln!(uids, "{uid} :{name}");
        fs::write(maildir.join(format!("cur/{name}:2,S")), message).unwrap();
    }
    fs::write(maildir.join("dovecot-uidlist"), uids).unwrap();

    let mut web = String::new();
    let mut mail = String::new();
    let mut request = |second: u32, request: &str, octets: u32| {
        let (minute, second) = (second / 60, second % 60);
        let _ = writeln!(
            web,
            "203.0.113.9 - - [08/Dec/2025:02:{:02}:{second:02} +0100] \"{request} HTTP/1.1\" 200 {octets} \"https://webmail.min.example/?_task=mail\" \"{agent}\"",
            20 + minute
        );
        let _ = writeln!(
            mail,
            "Dec  8 02:{m:02}:{second:02} mail dovecot: imap-login: Login: user=<{account}>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, mpid=99, secured, session=<web{minute}x{second}AAAB>\nDec  8 02:{m:02}:{second:02} mail dovecot: imap({account})<99><web{minute}x{second}AAAB>: Disconnected: Logged out in=80 out=4000 deleted=0 expunged=0 trashed=0 hdr_count=3 hdr_bytes=900 body_count=1 body_bytes=2500",
            m = 20 + minute
        );
    };
    request(0, "POST /?_task=login", 5);
    request(
        1,
        "GET /?_task=mail&_action=list&_mbox=INBOX&_remote=1",
        3500,
    );
    let query = percent(word);
    request(
        5,
        &format!(
            "GET /?_task=mail&_action=search&_q={query}&_headers=subject%2Cfrom&_mbox=INBOX&_remote=1"
        ),
        1400,
    );
    for uid in 1..=8 {
        request(
            10 * uid,
            &format!("GET /?_task=mail&_uid={uid}&_mbox=INBOX&_action=show"),
            7800,
        );
        request(
            10 * uid + 4,
            &format!("GET /?_task=mail&_action=get&_mbox=INBOX&_uid={uid}&_part=2&_download=1"),
            1400,
        );
    }
    fs::write(dir.path().join("var/log/access.log"), web).unwrap();
    let path = dir.path().join("var/log/mail.log");
    let log = fs::read_to_string(&path).unwrap() + &mail;
    fs::write(&path, log).unwrap();
    (dir, account)
}

/// RFC 4648.
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let octet = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i) & 63) as usize];
            out.push(if i > chunk.len() {
                '='
            } else {
                char::from(letter)
            });
        }
    }
    out
}

/// RFC 3986, everything but letters and digits.
pub fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
