//! Journal exports and Stalwart's log: envelopes of another kind around the same facts.

mod mail_common;

use mail_common::{context, parse, shared};
use vauban_sources::journald::{JournalExport, JournalJson};
use vauban_sources::stalwart::Stalwart;
use vauban_sources::{LogFormat, recognise};

#[test]
fn json_entries() {
    let text = concat!(
        r#"{"__REALTIME_TIMESTAMP":"1765245784000001","_SOURCE_REALTIME_TIMESTAMP":"1765245783999999","SYSLOG_IDENTIFIER":"sshd","_PID":"77","_HOSTNAME":"mx","MESSAGE":"Accepted password for bob from 203.0.113.7 port 4711 ssh2"}"#,
        "\n",
        // A message that is not UTF-8 text comes as bytes.
        r#"{"__REALTIME_TIMESTAMP":"1765245784000001","SYSLOG_IDENTIFIER":"postfix/smtpd","_HOSTNAME":"mx","MESSAGE":[99,111,110,110,101,99,116,32,102,114,111,109,32,120,91,50,48,51,46,48,46,49,49,51,46,55,93]}"#,
        "\n",
        r#"{"__REALTIME_TIMESTAMP":"1765245784000001","MESSAGE":null}"#,
        "\n",
    );
    let keep = parse(&JournalJson, &context((2025, 12, 31)), text.as_bytes());
    assert_eq!(keep.facts.len(), 2);
    let fact = &keep.facts[0];
    assert_eq!(
        (
            fact.kind,
            fact.status,
            fact.user.as_str(),
            fact.ip.as_str(),
            fact.host.as_str(),
            fact.pid
        ),
        ("logon", "success", "bob", "203.0.113.7", "mx", Some(77))
    );
    assert_eq!(fact.time, "2025-12-09T02:03:03.999999Z");
    assert_eq!(
        (keep.facts[1].kind, keep.facts[1].ip.as_str()),
        ("network", "203.0.113.7")
    );
    assert_eq!(keep.unparsed.len(), 1);
    let format = recognise("x", text.as_bytes()).expect("a format");
    assert_eq!(format.name(), "journald-json");
}

#[test]
fn export_entries() {
    let mut bytes = b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1765245784000000\n_HOSTNAME=mx\nSYSLOG_IDENTIFIER=dovecot\nMESSAGE\n".to_vec();
    let message = b"imap(alice)<99><s>: Disconnected: Logged out in=1 out=2";
    bytes.extend_from_slice(&(message.len() as u64).to_le_bytes());
    bytes.extend_from_slice(message);
    bytes.extend_from_slice(b"\n\n");
    let second = bytes.len() as u64;
    bytes.extend_from_slice(b"__CURSOR=s=2\n__REALTIME_TIMESTAMP=1765245785000000\nSYSLOG_IDENTIFIER=sshd\nMESSAGE=Invalid user x from 203.0.113.7 port 1\n\n");
    bytes.extend_from_slice(b"__CURSOR=s=3\nMESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xffshort");
    let context = context((2025, 12, 31));
    let keep = parse(&JournalExport, &context, &bytes);
    assert_eq!(keep.facts.len(), 2, "{:?}", keep.unparsed);
    assert_eq!(
        (keep.facts[0].kind, keep.facts[0].user.as_str()),
        ("logoff", "alice")
    );
    assert_eq!(
        (keep.facts[1].kind, keep.facts[1].offset),
        ("logon", second)
    );
    assert_eq!(keep.unparsed.len(), 1);
    assert_eq!(keep.unparsed[0].1, "journal entry cut short");
    // Streamed in small pieces it gives the same.
    struct Slow<'a>(&'a [u8]);
    impl std::io::Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let take = self.0.len().min(buffer.len()).min(3);
            buffer[..take].copy_from_slice(&self.0[..take]);
            self.0 = &self.0[take..];
            Ok(take)
        }
    }
    let mut streamed = mail_common::Keep::default();
    JournalExport
        .parse_stream(&context, &mut Slow(&bytes), &mut streamed)
        .expect("memory");
    assert_eq!(streamed.facts, keep.facts);
    assert_eq!(
        recognise("x", &bytes).expect("a format").name(),
        "journald-export"
    );
}

#[test]
fn stalwart_events() {
    let text = concat!(
        "2025-12-09T02:03:04Z INFO Authentication successful (auth.success) listenerId = \"imap\", localPort = 993, remoteIp = 203.0.113.7, remotePort = 4711, accountName = \"alice\"\n",
        "2025-12-09T02:03:05Z INFO FETCH command (imap.fetch) listenerId = \"imap\", localPort = 993, remoteIp = 203.0.113.7, remotePort = 4711, accountId = 5, mailboxId = 0, documentId = [12, 13, 99], details = [\"Body\", \"Envelope\"], elapsed = 3ms\n",
        "2025-12-09T02:03:06Z WARN Authentication failed (auth.failed) listenerId = \"smtp\", remoteIp = 203.0.113.8, accountName = \"x\\\", remoteIp = 198.51.100.9, y = \\\"\"\n",
        "not an event\n",
    );
    let keep = parse(&Stalwart, &context((2025, 12, 31)), text.as_bytes());
    let seen: Vec<_> = keep
        .facts
        .iter()
        .map(|f| (f.kind, f.status, f.user.as_str(), f.ip.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("logon", "success", "alice", "203.0.113.7"),
            ("mailbox", "success", "5", "203.0.113.7"),
            (
                "logon",
                "failure",
                "x\\\", remoteIp = 198.51.100.9, y = \\\"",
                "203.0.113.8"
            ),
        ]
    );
    assert!(
        keep.facts[1].body.contains("uids: \"12, 13, 99\""),
        "{}",
        keep.facts[1].body
    );
    assert_eq!(keep.unparsed.len(), 1);
}

#[test]
fn other_peoples_files() {
    let Some(folder) = shared("logs-syslog-hosts") else {
        return;
    };
    for (file, format) in [
        ("lnav/test/logfile_journald.json", "journald-json"),
        ("plaso/test_data/syslog/syslog", "syslog"),
        ("plaso/test_data/syslog/syslog_osx", "syslog"),
        ("plaso/test_data/syslog/syslog_chromeos", "syslog"),
        ("plaso/test_data/syslog/syslog_cron.log", "syslog"),
        ("plaso/test_data/syslog/syslog_ssh.log", "syslog"),
        ("plaso/test_data/syslog/syslog_rsyslog", "syslog"),
        (
            "plaso/test_data/syslog/syslog_rsyslog_traditional",
            "syslog",
        ),
        (
            "plaso/test_data/syslog/syslog_rsyslog_SyslogProtocol23Format",
            "syslog",
        ),
        (
            "plaso/test_data/syslog/syslog_rsyslog_SysklogdFileFormat",
            "syslog",
        ),
        ("lnav/test/logfile_syslog.0", "syslog"),
        ("lnav/test/logfile_syslog.1", "syslog"),
        ("lnav/test/logfile_syslog.2", "syslog"),
    ] {
        let bytes = std::fs::read(folder.join(file)).expect(file);
        let found = recognise(file, &bytes[..bytes.len().min(64 << 10)]);
        assert_eq!(found.map(|f| f.name()), Some(format), "{file}");
    }
    // Logs of other kinds are nobody's here.
    for file in [
        "plaso/test_data/dpkg.log",
        "plaso/test_data/vsftpd.log",
        "plaso/test_data/apt_history.log",
        "plaso/test_data/postgresql.log",
    ] {
        let bytes = std::fs::read(folder.join(file)).expect(file);
        let found = recognise(file, &bytes[..bytes.len().min(64 << 10)]);
        assert_eq!(found.map(|f| f.name()), None, "{file}");
    }
}
