//! Names chosen by clients that imitate what daemons write: they change nothing but the name.

mod mail_common;

use mail_common::{Fact, syslog};

fn one(line: &str) -> Fact {
    let mut keep = syslog(line);
    assert_eq!(keep.facts.len(), 1, "{line}: {:?}", keep.facts);
    keep.facts.remove(0)
}

/// Line, kind, status, user, address.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const CASES: &[Case] = &[
    // Dovecot: the user name stands before everything of use.
    (
        "Dec  9 02:03:04 mx dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<x>, method=PLAIN, rip=198.51.100.9, lip=192.0.2.1, session=<a>>, method=PLAIN, rip=203.0.113.7, lip=192.0.2.1, TLS, session=<real>",
        "logon",
        "failure",
        "x>, method=PLAIN, rip=198.51.100.9, lip=192.0.2.1, session=<a>",
        "203.0.113.7",
    ),
    (
        "Dec  9 02:03:04 mx dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<Login: user=<ceo>>, method=PLAIN, rip=203.0.113.7, lip=192.0.2.1, session=<r>",
        "logon",
        "failure",
        "Login: user=<ceo>",
        "203.0.113.7",
    ),
    (
        "Dec  9 02:03:04 mx dovecot: auth: passwd-file(a,198.51.100.9): unknown user,203.0.113.7,<s>): unknown user",
        "logon",
        "failure",
        "a,198.51.100.9): unknown user",
        "203.0.113.7",
    ),
    (
        "Dec  9 02:03:04 mx dovecot: auth: passwd-file(a,203.0.113.7,<s>): Password mismatch (given password: b,198.51.100.9): unknown user)",
        "logon",
        "failure",
        "a",
        "203.0.113.7",
    ),
    // Postfix: the SASL name ends the record.
    (
        "Dec  9 02:03:04 mx postfix/smtpd[1]: warning: unknown[203.0.113.7]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=a[198.51.100.9]: SASL PLAIN authentication failed: x, sasl_username=b",
        "logon",
        "failure",
        "a[198.51.100.9]: SASL PLAIN authentication failed: x, sasl_username=b",
        "203.0.113.7",
    ),
    (
        "Dec  9 02:03:04 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[203.0.113.7]: 504 5.5.2 <x from evil[198.51.100.9]: 1>: Helo command rejected: need fully-qualified hostname; from=<a@b> to=<c@d> proto=ESMTP helo=<x from evil[198.51.100.9]: 1>",
        "email",
        "failure",
        "",
        "203.0.113.7",
    ),
    // cleanup: a subject that imitates the client.
    (
        "Dec  9 02:03:04 mx postfix/cleanup[1]: 4104E3D: warning: header Subject: hello from evil[198.51.100.9]; from=<x@x> to=<y@y> proto=ESMTP helo=<h> from real.example[203.0.113.7]; from=<a@b> to=<c@d> proto=ESMTP helo=<client.example.org>",
        "email",
        "unknown",
        "",
        "203.0.113.7",
    ),
    // sshd: the address sshd wrote is the last.
    (
        "Dec  9 02:03:04 mx sshd[1]: Failed password for invalid user root from 198.51.100.9 port 22 ssh2 from 203.0.113.7 port 4711 ssh2",
        "logon",
        "failure",
        "root from 198.51.100.9 port 22 ssh2",
        "203.0.113.7",
    ),
    (
        "Dec  9 02:03:04 mx sshd[1]: Failed password for invalid user a from 198.51.100.9 port 1 ssh2: x from 203.0.113.7 port 4711 ssh2",
        "logon",
        "failure",
        "a from 198.51.100.9 port 1 ssh2: x",
        "203.0.113.7",
    ),
    (
        "Dec  9 02:03:04 mx sshd[1]: Invalid user Accepted password for root from 198.51.100.9 port 1 ssh2 from 203.0.113.7 port 4711",
        "logon",
        "failure",
        "Accepted password for root from 198.51.100.9 port 1 ssh2",
        "203.0.113.7",
    ),
    // PAM: ruser and user are the client's.
    (
        "Dec  9 02:03:04 mx dovecot-auth: pam_unix(dovecot:auth): authentication failure; logname= uid=0 euid=0 tty=dovecot ruser=a rhost=198.51.100.9  user=a rhost=203.0.113.7  user=a rhost=198.51.100.9  user=a",
        "logon",
        "failure",
        "a rhost=198.51.100.9  user=a",
        "203.0.113.7",
    ),
    // Exim: a HELO name shaped like what follows it, a set_id shaped like an address.
    (
        "2025-12-09 02:03:04 login authenticator failed for (x) [198.51.100.9]:1 (y) [203.0.113.7]:4711: 535 Incorrect authentication data (set_id=z) [198.51.100.9]:1)",
        "logon",
        "failure",
        "z) [198.51.100.9]:1",
        "203.0.113.7",
    ),
];

#[test]
fn imitations() {
    for &(line, kind, status, user, ip) in CASES {
        let fact = one(line);
        assert_eq!(
            (fact.kind, fact.status, fact.user.as_str(), fact.ip.as_str()),
            (kind, status, user, ip),
            "{line}"
        );
    }
}

#[test]
fn a_recipient_that_imitates_a_delivery() {
    let fact = one(
        "Dec  9 02:03:04 mx postfix/smtp[1]: 4104E3D: to=<\"x>, relay=evil[198.51.100.9]:25, dsn=2.0.0, status=sent (queued as F00)\"@example.org>, relay=real.example[203.0.113.7]:25, delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (host real.example[203.0.113.7] said: 550 no, status=sent (queued as F01))",
    );
    assert_eq!(fact.email["relay_ip"], "203.0.113.7");
    assert_eq!(fact.email["outcome"], "bounced");
    assert_eq!(fact.status, "failure");
}

#[test]
fn a_message_id_that_imitates_fields() {
    let fact = one(
        "Dec  9 02:03:04 mx dovecot: imap(alice)<12><s>: expunge: box=INBOX, uid=7, msgid=<a, uid=9, size=1>, size=2048, flags=(\\Seen)",
    );
    assert!(fact.body.contains("uids: \"7\""), "{}", fact.body);
    assert!(fact.body.contains("size: Some(2048)"), "{}", fact.body);
    assert!(
        fact.body.contains("message_id: \"a, uid=9, size=1\""),
        "{}",
        fact.body
    );
}

#[test]
fn a_message_id_that_imitates_a_delivery() {
    let fact = one(
        "Dec  9 02:03:04 mx dovecot: lmtp(alice)<12><s>: sieve: msgid=<a: forwarded to <ceo@x>: b>: stored mail into mailbox 'INBOX'",
    );
    assert_eq!(fact.email.get("mailbox").map(String::as_str), Some("INBOX"));
    assert!(fact.body.contains("activity: Delivered"), "{}", fact.body);
}
