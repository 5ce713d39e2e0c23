//! fail2ban's labelled lines (GPL-2, read where they stand, never copied): each says which address
//! its line is about, when, and sometimes which account.

mod mail_common;

use mail_common::{Keep, parse, shared};
use serde_json::Value;
use vauban_evidence::TimeBase;
use vauban_ocsf::ArtefactId;
use vauban_sources::Context;
use vauban_sources::syslog::Syslog;

/// Files of services that are read here.
const FILES: &[&str] = &[
    "dovecot",
    "postfix",
    "exim",
    "exim-spam",
    "sshd",
    "sshd-journal",
    "sieve",
    "cyrus-imap",
    "pam-generic",
    "recidive",
];

/// Lines where we differ, by file and a piece of the line, and why. `docs/FORMATS.md` has the same
/// table; one that is no longer needed fails the test.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("dovecot", "@400000004c91b044077a9e94", TAI),
    ("sshd", "ssh2: from 10.10.1.2 port 55555 ssh2", NO_INFO),
    (
        "sshd-journal",
        "ssh2: from 10.10.1.2 port 55555 ssh2",
        NO_INFO,
    ),
    (
        "sshd",
        "Read from socket failed: Connection reset by peer",
        EARLIER,
    ),
    (
        "sshd-journal",
        "Read from socket failed: Connection reset by peer",
        EARLIER,
    ),
    (
        "sshd",
        "kex_exchange_identification: client sent invalid protocol",
        EARLIER,
    ),
    (
        "sshd",
        "kex_exchange_identification: Connection closed by remote host",
        EARLIER,
    ),
    (
        "sshd",
        "kex_exchange_identification: read: Connection reset by peer",
        EARLIER,
    ),
    ("sshd", "Unable to negotiate a key exchange method", EARLIER),
    (
        "sshd-journal",
        "Unable to negotiate a key exchange method",
        EARLIER,
    ),
    (
        "sshd",
        "Disconnecting: Too many authentication failures",
        EARLIER,
    ),
    (
        "sshd-journal",
        "Disconnecting: Too many authentication failures",
        EARLIER,
    ),
    ("sshd", "no matching mac found: client", EARLIER),
    ("sshd-journal", "no matching mac found: client", EARLIER),
];

const TAI: &str =
    "TAI64N counts from 2^62 + 10 (daemontools' tai_now); fail2ban leaves the 10 s in";
const NO_INFO: &str = "sshd puts `: INFO` only after publickey, hostbased and GSSAPI (auth.c, \
    auth_log()), so all before the last address is the user name";
const EARLIER: &str = "the address is in an earlier line of the same process; lines are read alone";

/// fail2ban's tests run in Zurich on 2005-08-14 (tests/utils.py, setUpMyTime).
fn context() -> Context {
    Context {
        artefact: ArtefactId(1),
        time: TimeBase {
            zone: jiff::tz::TimeZone::get("Europe/Zurich").expect("bundled zone"),
            ..TimeBase::utc((2005, 8, 14))
        },
        access_layouts: Vec::new(),
    }
}

fn local(time: &str) -> String {
    let zone = context().time.zone;
    let instant: jiff::Timestamp = time.parse().expect("our own notation");
    zone.to_datetime(instant).to_string()
}

/// What is wrong with how a line was read, or nothing.
fn judge(label: &Value, line: &str, keep: &Keep) -> Option<String> {
    let expected = label["match"] == true;
    let host = label["host"].as_str().unwrap_or_default();
    let user = label["user"].as_str();
    if !expected {
        return None;
    }
    if keep.facts.is_empty() {
        return Some(format!("no event: {line}"));
    }
    let mut why = String::new();
    for fact in &keep.facts {
        let time = label["time"]
            .as_str()
            .map(|time| time.replace("-7T", "-07T"));
        let seconds = local(&fact.time);
        let seconds = seconds.split('.').next().unwrap_or_default();
        if !host.is_empty() && fact.ip != host && fact.src_host != host {
            why = format!(
                "address {:?}, name {:?}, expected {host}: {line}",
                fact.ip, fact.src_host
            );
        } else if time.as_deref().is_some_and(|time| time != seconds) {
            why = format!("time {seconds}, expected {time:?}: {line}");
        } else if user.is_some_and(|user| user != fact.user) {
            why = format!("user {:?}, expected {user:?}: {line}", fact.user);
        } else if fact.status == "success" && label["attempts"].is_null() {
            why = format!("success, expected a failure: {line}");
        } else {
            return None;
        }
    }
    Some(why)
}

#[test]
fn labelled_lines() {
    let Some(folder) = shared("logs-fail2ban/fail2ban/tests/files/logs") else {
        // Two lines of ours in the same manner, so that the judge itself is held.
        let line = "Dec  9 02:03:04 mx postfix/smtpd[1]: warning: x[192.0.2.7]: SASL LOGIN authentication failed: y";
        let keep = parse(&Syslog, &context(), line.as_bytes());
        let right =
            serde_json::json!({"match": true, "host": "192.0.2.7", "time": "2004-12-09T02:03:04"});
        let wrong =
            serde_json::json!({"match": true, "host": "192.0.2.8", "time": "2004-12-09T02:03:04"});
        assert_eq!(judge(&right, line, &keep), None);
        assert!(judge(&wrong, line, &keep).is_some());
        return;
    };
    let context = context();
    let mut differences = Vec::new();
    let mut used = vec![false; EXCEPTIONS.len()];
    let mut labelled = 0;
    for file in FILES {
        let text = std::fs::read_to_string(folder.join(file)).expect("UTF-8 file");
        let mut label = None;
        for line in text.lines() {
            if let Some(json) = line
                .strip_prefix('#')
                .and_then(|t| t.trim_start().strip_prefix("failJSON:"))
            {
                label = Some(serde_json::from_str::<Value>(json).expect("label"));
                continue;
            }
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            // journal lines come without time: give them one.
            let journal = label.as_ref().is_some_and(|l| l["time"].is_null())
                && !line.as_bytes()[0].is_ascii_digit()
                && vauban_sources::syslog::open(
                    line,
                    &vauban_sources::stamp::Clock::new(&context.time),
                )
                .is_none();
            let shown = if journal {
                format!("Aug 14 12:00:00 {line}")
            } else {
                line.to_owned()
            };
            let keep = parse(&Syslog, &context, shown.as_bytes());
            let accounted =
                usize::from(!keep.facts.is_empty()) + keep.ignored.len() + keep.unparsed.len();
            assert_eq!(accounted, 1, "accounted for once: {line}");
            let Some(label) = label.take() else { continue };
            labelled += 1;
            let Some(why) = judge(&label, line, &keep) else {
                continue;
            };
            match EXCEPTIONS
                .iter()
                .position(|(f, piece, _)| f == file && line.contains(piece))
            {
                Some(at) => used[at] = true,
                None => differences.push(format!(
                    "{file}: {why}\n    {:?}",
                    keep.facts.first().map(|f| &f.body)
                )),
            }
        }
    }
    println!("{labelled} labelled lines, {} exceptions", EXCEPTIONS.len());
    assert!(labelled > 300, "only {labelled} labelled lines found");
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
    for (at, used) in used.iter().enumerate() {
        assert!(used, "exception no longer needed: {:?}", EXCEPTIONS[at]);
    }
}
