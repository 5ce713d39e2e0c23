//! Nothing panics, and every non-empty line is accounted for exactly once, whatever the bytes.

mod mail_common;

use mail_common::context;
use proptest::prelude::*;
use std::collections::BTreeMap;
use vauban_ocsf::{Event, EventSink, Evidence, Timestamp};
use vauban_sources::journald::{JournalExport, JournalJson};
use vauban_sources::stalwart::Stalwart;
use vauban_sources::syslog::{DovecotEvents, Syslog};
use vauban_sources::{LogFormat, Mode};

/// How often each place was accounted for: events of one line count once.
#[derive(Default)]
struct Ledger {
    places: BTreeMap<(u64, u32), usize>,
    /// The place the last event was for; a line's events follow one another.
    open: Option<(u64, u32)>,
}

impl EventSink for Ledger {
    fn event(&mut self, event: &Event<'_>) {
        let place = (event.evidence.offset, event.evidence.length);
        if self.open != Some(place) {
            *self.places.entry(place).or_default() += 1;
            self.open = Some(place);
        }
    }
    fn ignored(&mut self, evidence: Evidence, _: Option<Timestamp>) {
        self.open = None;
        *self
            .places
            .entry((evidence.offset, evidence.length))
            .or_default() += 1;
    }
    fn unparsed(&mut self, evidence: Evidence, _: &'static str) {
        self.open = None;
        *self
            .places
            .entry((evidence.offset, evidence.length))
            .or_default() += 1;
    }
}

fn lines_of(bytes: &[u8]) -> Vec<(u64, u32)> {
    let mut places = Vec::new();
    let mut offset = 0;
    for raw in bytes.split(|&b| b == b'\n') {
        let line = raw.strip_suffix(b"\r").unwrap_or(raw);
        if !line.is_empty() {
            places.push((offset, line.len() as u32));
        }
        offset += raw.len() as u64 + 1;
    }
    places
}

fn check(format: &dyn LogFormat, bytes: &[u8]) -> Result<(), TestCaseError> {
    let mut ledger = Ledger::default();
    format.parse(&context((2025, 12, 31)), bytes, 0, &mut ledger);
    if format.mode() == Mode::Lines {
        let expected: BTreeMap<_, _> = lines_of(bytes)
            .into_iter()
            .map(|place| (place, 1))
            .collect();
        prop_assert_eq!(ledger.places, expected, "{}", format.name());
    }
    Ok(())
}

const FORMATS: &[&dyn LogFormat] = &[
    &Syslog,
    &DovecotEvents,
    &JournalJson,
    &JournalExport,
    &Stalwart,
];

/// Lines of every program, so that mutations reach every parser.
const SEEDS: &[&str] = &[
    "Dec  9 02:03:04 mx dovecot: imap-login: Disconnected (auth failed, 3 attempts in 12 secs): user=<b>, method=PLAIN, rip=203.0.113.7, lip=192.0.2.1, TLS, session=<s>",
    "Dec  9 02:03:04 mx dovecot: imap(alice)<99><s1>: Disconnected: Connection closed (UID FETCH running for 0.001 + waiting output for 12.345 secs, 2 B in + 12345+678 B out, state=wait-output) in=10 out=20 deleted=0 body_count=1",
    "Dec  9 02:03:04 mx dovecot: imap(a)<9><s>: copy from INBOX: box=Trash, uid=12, msgid=<m@x>, size=100, vsize=103, from=A <a@b>, subject=x, flags=(\\Seen)",
    "Dec  9 02:03:04 mx dovecot: lmtp(a)<9><s>: sieve: msgid=<m@x>: forwarded to <out@evil.example>",
    "Dec  9 02:03:04 mx dovecot: auth-worker(304): conn unix:auth-worker (pid=1,uid=2): auth-worker<6>: pam(u,1.2.3.4,<s>): unknown user (given password: x)",
    "Dec  9 02:03:04 mx dovecot: stats: {\"event\":\"imap_command_finished\",\"end_time\":\"2025-12-09T02:03:04Z\",\"categories\":[\"imap\"],\"fields\":{\"user\":\"a\\u00e9\",\"cmd_name\":\"UID FETCH\",\"cmd_args\":\"3:7 (BODY[])\"}}",
    "Dec  9 02:03:04 mx dovecot: stats: event:mail_opened#011hostname:mx#011field:uid=1",
    "Dec  9 02:03:04 mx postfix/smtpd[7]: NOQUEUE: reject: RCPT from x[1.2.3.4]: 554 5.7.1 <h>: Helo command rejected: no; from=<\"a>b\"@c> to=<d@e> proto=ESMTP helo=<h> sasl_username=<u>",
    "Dec  9 02:03:04 mx postfix/cleanup[7]: 4104E3D: warning: header Subject: x from y[1.2.3.4]; from=<a@b> to=<c@d> proto=ESMTP helo=<h>: z",
    "Dec  9 02:03:04 mx postfix/smtp[7]: 4104E3D: to=<a@b>, orig_to=<c>, relay=h[1.2.3.4]:25, delay=1, dsn=2.0.0, status=sent (queued as F00)",
    "Dec  9 02:03:04 mx postfix/smtpd[7]: warning: x[1.2.3.4]: SASL LOGIN authentication failed: y, sasl_username=z",
    "Dec  9 02:03:04 mx postfix/postscreen[7]: PREGREET 14 after 0.08 from [1.2.3.4]:59: EHLO x",
    "2025-12-09 02:03:04 [5] 1vSmXX-0001Ab-2C <= a@b H=h (i) [1.2.3.4]:5 P=esmtpsa A=plain:u S=5 id=m T=\"x\\\"y\" for c@d",
    "2025-12-09 02:03:04 1vSmXX-0001Ab-2C => c@d <e@f> F=<a@b> R=r T=t H=h [1.2.3.4] C=\"250 OK id=1vSmXX-0001Ab-2C\"",
    "2025-12-09 02:03:04 login authenticator failed for (x) [1.2.3.4]:5: 535 Incorrect authentication data (set_id=z)",
    "<38>1 2025-12-09T02:03:04.5+01:00 h sshd 5 - [a b=\"]\"] Failed password for invalid user u from 1.2.3.4 port 5 ssh2: x",
    "Dec  9 02:03:04 mx sshd[7]: message repeated 3 times: [ Connection closed by authenticating user u 1.2.3.4 port 5 [preauth]]",
    "Dec  9 02:03:04 mx x: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser=a rhost=1.2.3.4  user=a",
    "Dec  9 02:03:04 mx sudo:  a : 3 incorrect password attempts ; TTY=x ; PWD=/ ; USER=root ; COMMAND=/bin/x",
    "Dec  9 02:03:04 mx kernel: [1.5] P IN=a OUT= SRC=1.2.3.4 DST=5.6.7.8 LEN=4 PROTO=TCP SPT=1 DPT=2 SYN ACK [SRC=9.9.9.9]",
    "Dec  9 02:03:04 mx cyrus/imap[7]: badlogin: h [1.2.3.4] plaintext u SASL(-13): x",
    "2025-12-09 02:03:04,388 fail2ban.actions        [123]: NOTICE  [x] Ban 1.2.3.4",
    "@400000004c91b044077a9e94 dovecot-auth: x",
    "{\"__REALTIME_TIMESTAMP\":\"1765245784000000\",\"SYSLOG_IDENTIFIER\":\"sshd\",\"MESSAGE\":[72,105],\"_HOSTNAME\":\"h\"}",
    "2025-12-09T02:03:04Z INFO Fetch (imap.fetch) listenerId = \"imap\", remoteIp = 1.2.3.4, documentId = [1, 2], causedBy = X (y.z) { reason = \"a\\\"b\" }",
    "__CURSOR=x\n__REALTIME_TIMESTAMP=1765245784000000\nMESSAGE=Hi\nSYSLOG_IDENTIFIER=sshd\n\n",
    "{\"event\":\"mail_opened\",\"end_time\":1765245784.5,\"categories\":[\"pop3\"],\"fields\":{\"uid\":1}}",
];

/// A seed with some bytes changed, removed or doubled.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), 0u8..5, any::<u8>());
    (
        prop::sample::select(SEEDS),
        prop::collection::vec(change, 0..6),
    )
        .prop_map(|(seed, changes)| {
            let mut bytes = seed.as_bytes().to_vec();
            for (index, kind, byte) in changes {
                if bytes.is_empty() {
                    break;
                }
                let at = index.index(bytes.len());
                match kind {
                    0 => bytes[at] = byte,
                    1 => bytes.truncate(at),
                    2 => bytes.insert(at, b"<>[](): =,\"\\\n"[usize::from(byte) % 13]),
                    3 => {
                        bytes.remove(at);
                    }
                    _ => {
                        let tail = bytes[at..].to_vec();
                        bytes.extend(tail);
                    }
                }
            }
            bytes
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_lines(pieces in prop::collection::vec(mutated(), 1..4)) {
        let bytes = pieces.join(&b'\n');
        for format in FORMATS {
            check(*format, &bytes)?;
        }
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for format in FORMATS {
            check(*format, &bytes)?;
            let _ = format.sniff("x", &bytes);
        }
    }

    /// A file cut at any line gives what it gives whole.
    #[test]
    fn cut_anywhere(pieces in prop::collection::vec(mutated(), 2..5), cut in any::<prop::sample::Index>()) {
        let mut first = Vec::new();
        let cut = cut.index(pieces.len());
        for piece in &pieces[..cut] {
            first.extend_from_slice(piece);
            first.push(b'\n');
        }
        let second = pieces[cut..].join(&b'\n');
        let whole = [first.clone(), second.clone()].concat();
        let context = context((2025, 12, 31));
        let mut once = mail_common::Keep::default();
        Syslog.parse(&context, &whole, 0, &mut once);
        let mut twice = mail_common::Keep::default();
        Syslog.parse(&context, &first, 0, &mut twice);
        Syslog.parse(&context, &second, first.len() as u64, &mut twice);
        prop_assert_eq!(once.facts, twice.facts);
        prop_assert_eq!(once.unparsed, twice.unparsed);
        prop_assert_eq!(once.ignored, twice.ignored);
    }
}

/// Lines of the greatest length allowed, made of what makes parsers look again, take time in
/// proportion to their length: with square time this test would run for hours.
#[test]
fn long_lines_are_read_in_linear_time() {
    let starts = [
        "Dec  9 02:03:04 mx dovecot: imap(",
        "Dec  9 02:03:04 mx dovecot: imap(a)<1><s>: Disconnected: ",
        "Dec  9 02:03:04 mx dovecot: imap(a)<1><s>: expunge: box=",
        "Dec  9 02:03:04 mx dovecot: auth: pam(",
        "Dec  9 02:03:04 mx dovecot: imap-login: x: user=<",
        "Dec  9 02:03:04 mx dovecot: lmtp(a)<1><s>: msgid=<",
        "Dec  9 02:03:04 mx dovecot: stats: {\"event\":",
        "Dec  9 02:03:04 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[1.2.3.4]: ",
        "Dec  9 02:03:04 mx postfix/cleanup[1]: 4104E3D: warning: header Subject: ",
        "Dec  9 02:03:04 mx postfix/smtp[1]: 4104E3D: to=<",
        "Dec  9 02:03:04 mx sshd[1]: Failed password for ",
        "Dec  9 02:03:04 mx x: pam_unix(a:b): authentication failure; ruser=",
        "Dec  9 02:03:04 mx kernel: IN= SRC=",
        "2025-12-09 02:03:04 H=(",
        "2025-12-09 02:03:04 1vSmXX-0001Ab-2C <= ",
        "{",
        "2025-12-09T02:03:04Z INFO x (a.b) ",
        "<1>1 2025-12-09T02:03:04Z h a - - [",
    ];
    let fillers = [
        "(",
        ")<",
        "): ",
        ",1.2.3.4): unknown user",
        "; from=<a> to=<b> proto=x helo=<",
        " from 1.2.3.4",
        " rhost=a user=",
        ") [1.2.3.4]",
        "rip=1.2.3.4, ",
        ", size=1",
        "\"a\":[",
        "{\"a\":\"b\",",
        "x = \"",
        " a=1",
        ": saved mail to ",
        "\\\"",
        "<",
        ">",
    ];
    let begun = std::time::Instant::now();
    for start in starts {
        for filler in fillers {
            let mut line = start.to_owned();
            while line.len() + filler.len() < 200_000 {
                line.push_str(filler);
            }
            for format in FORMATS {
                check(*format, line.as_bytes()).expect("accounted for");
            }
        }
    }
    let spent = begun.elapsed();
    assert!(spent.as_secs() < 120, "{spent:?}");
}
