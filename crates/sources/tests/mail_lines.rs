//! Lines as daemons write them, with the facts expected of them: one row each, so that adding a case
//! is adding a row.

mod mail_common;

use mail_common::syslog;

/// Line, then pieces that the debug form of one of its events has to contain.
type Row = (&'static str, &'static [&'static str]);

const DOVECOT: &[Row] = &[
    (
        "Dec  9 02:03:04 mx dovecot: imap-login: Login: user=<alice@ministere.example>, method=PLAIN, rip=203.0.113.7, lip=192.0.2.1, mpid=1234, TLS, session=<abc+/1>",
        &[
            "Logon",
            "Imap",
            "Success",
            "alice@ministere.example",
            "203.0.113.7",
            "dst_ip: Some(192.0.2.1)",
            "session: \"abc+/1\"",
            "session_pid: Some(1234)",
            "tls: Some(true)",
            "method: \"PLAIN\"",
        ],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: imap-login: Login: user=<alice>, method=PLAIN, rip=::1, lip=::1, mpid=1234, secured, session=<abc>",
        &["src_ip: Some(::1)", "tls: Some(false)"],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: pop3-login: Disconnected (auth failed, 3 attempts in 12 secs): user=<bob>, method=PLAIN, rip=203.0.113.7, lip=192.0.2.1, session=<s>",
        &["Pop3", "Failure", "attempts: 3"],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: imap-login: Login: user=<alice*master>, method=PLAIN, rip=203.0.113.7, lip=192.0.2.1, mpid=1, session=<s>",
        &["user: \"alice\"", "master_user: \"master\""],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: imap-login: proxy(alice): started proxying to 10.0.0.2:143: user=<alice>, method=PLAIN, rip=203.0.113.7, lip=192.0.2.1, TLS, session=<s>",
        &["Logon", "Success", "user: \"alice\""],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: imap-login: Disconnected (no auth attempts in 3 secs): user=<>, rip=203.0.113.7, lip=192.0.2.1, TLS handshaking: SSL_accept() failed: error:0A: x, session=<s>",
        &["Network", "203.0.113.7", "no auth attempts"],
    ),
    // 2.2, 2.3.0, 2.3.15 and 2.4 ends of session.
    (
        "Dec  9 02:03:04 mx dovecot: imap(alice): Logged out in=120 out=4567",
        &[
            "Logoff",
            "user: \"alice\"",
            "reason: \"Logged out\"",
            "bytes_in: Some(120)",
            "bytes_out: Some(4567)",
            "body_count: None",
        ],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: imap(alice)<99><s1>: Disconnected: Logged out in=1 out=2 deleted=3 expunged=4 trashed=5 hdr_count=6 hdr_bytes=7 body_count=8 body_bytes=9",
        &[
            "session: \"s1\"",
            "reason: \"Logged out\"",
            "deleted: Some(3)",
            "expunged: Some(4)",
            "trashed: Some(5)",
            "hdr_count: Some(6)",
            "hdr_bytes: Some(7)",
            "body_count: Some(8)",
            "body_bytes: Some(9)",
        ],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: imap(alice)<99><s1>: Disconnected: Connection closed (UID FETCH running for 0.001 + waiting output for 12.345 secs, 2 B in + 12345+678 B out, state=wait-output) in=10 out=20 deleted=0 expunged=0 trashed=0 hdr_count=0 hdr_bytes=0 body_count=1 body_bytes=30",
        &[
            "last_command: \"UID FETCH\"",
            "last_command_bytes_out: Some(12345)",
            "body_bytes: Some(30)",
        ],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: imap(alice)<99><s1>: Disconnected: Connection closed (No commands sent) in=0 out=400 deleted=0 expunged=0 trashed=0 hdr_count=0 hdr_bytes=0 body_count=0 body_bytes=0",
        &["no_commands: true", "body_count: Some(0)"],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: imap(alice)<99><s1>: Disconnected: Connection closed: read(size=1006) failed: Connection reset by peer (IDLE finished 0.5 secs ago) in=3 out=4",
        &["last_command: \"IDLE\"", "bytes_out: Some(4)"],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: pop3(bob)<99><s1>: Disconnected: Logged out top=1/20, retr=30/4000, del=5/60, size=70000",
        &[
            "Pop3",
            "top_count: Some(1)",
            "top_bytes: Some(20)",
            "retr_count: Some(30)",
            "retr_bytes: Some(4000)",
            "pop3_deleted: Some(5)",
            "pop3_messages: Some(60)",
            "pop3_size: Some(70000)",
        ],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: managesieve(bob)<99><s1>: Disconnected: Logged out bytes=59/566",
        &["ManageSieve", "bytes_in: Some(59)", "bytes_out: Some(566)"],
    ),
    // mail_log.
    (
        "Dec  9 02:03:04 mx dovecot: imap(alice)<99><s1>: copy from INBOX: box=Trash, uid=12, msgid=<m@x>, size=100, vsize=103",
        &[
            "Mailbox",
            "action: Copy",
            "other_mailbox: \"INBOX\"",
            "mailbox: \"Trash\"",
            "uids: \"12\"",
            "message_id: \"m@x\"",
            "size: Some(100)",
            "vsize: Some(103)",
        ],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: imap(alice)<99><s1>: flag_change: box=INBOX, uid=12, msgid=<m@x>, size=100, from=A <a@b>, subject=Hi, there, flags=(\\Seen $Label1)",
        &[
            "FlagChange",
            "flags: \"\\\\Seen $Label1\"",
            "from: \"A <a@b>\"",
            "subject: \"Hi, there\"",
            "size: Some(100)",
        ],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: imap(alice)<99><s1>: save: box=Sent, uid=error, msgid=, size=100",
        &["action: Save", "uids: \"\"", "message_id: \"\""],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: imap(alice)<99><s1>: autoexpunge: box=Trash, uid=3, msgid=<m>, size=1",
        &["Expunge", "command: \"autoexpunge\""],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: imap(alice)<99><s1>: Mailbox renamed: A -> B",
        &["MailboxRename", "mailbox: \"B\"", "other_mailbox: \"A\""],
    ),
    // Deliveries.
    (
        "Dec  9 02:03:04 mx dovecot: lmtp(alice)<99><s1>: msgid=<m@x>: saved mail to INBOX",
        &[
            "Email",
            "Delivered",
            "message_id: \"m@x\"",
            "to: \"alice\"",
            "mailbox: \"INBOX\"",
        ],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: lmtp(alice)<99><s1>: sieve: msgid=<m@x>: stored mail into mailbox 'Projets/2025'",
        &["Delivered", "mailbox: \"Projets/2025\""],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: lmtp(alice)<99><s1>: sieve: msgid=<m@x>: forwarded to <out@evil.example>",
        &[
            "Forwarded",
            "to: \"out@evil.example\"",
            "orig_to: \"alice\"",
            "Success",
        ],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: lmtp(12, alice): UIrFAQ: msgid=<m@x>: saved mail to INBOX",
        &["Delivered", "to: \"alice\"", "message_id: \"m@x\""],
    ),
    // Files of Dovecot's own.
    (
        "Dec 09 02:03:04 imap-login: Info: Login: user=<alice>, method=PLAIN, rip=203.0.113.7, lip=192.0.2.1, mpid=12, TLS, session=<s>",
        &["Logon", "Success", "alice"],
    ),
    (
        "Dec 09 02:03:04 imap(alice)<12><s>: Info: Disconnected: Logged out in=1 out=2",
        &["Logoff", "alice", "session: \"s\""],
    ),
    // Exported events.
    (
        "Dec  9 02:03:04 mx dovecot: stats: {\"event\":\"imap_command_finished\",\"hostname\":\"mx\",\"start_time\":\"2025-12-09T02:03:03.5Z\",\"end_time\":\"2025-12-09T02:03:04.25Z\",\"categories\":[\"imap\"],\"fields\":{\"user\":\"alice\",\"session\":\"s1\",\"cmd_name\":\"UID FETCH\",\"cmd_args\":\"3:7 (BODY.PEEK[])\",\"cmd_human_args\":\"3:7 (BODY.PEEK[])\",\"net_out_bytes\":5000,\"net_in_bytes\":40,\"tagged_reply_state\":\"OK\",\"remote_ip\":\"203.0.113.7\"}}",
        &[
            "action: Fetch",
            "uids: \"3:7\"",
            "bytes_out: Some(5000)",
            "203.0.113.7",
            "Success",
            "session: \"s1\"",
        ],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: stats: {\"event\":\"imap_command_finished\",\"end_time\":\"2025-12-09T02:03:04Z\",\"categories\":[\"imap\"],\"fields\":{\"user\":\"alice\",\"cmd_name\":\"UID SEARCH\",\"cmd_args\":\"TEXT \\\"mot de passe\\\"\",\"bytes_out\":50}}",
        &[
            "action: Search",
            "arguments: \"TEXT \\\"mot de passe\\\"\"",
            "bytes_out: Some(50)",
        ],
    ),
    (
        "Dec  9 02:03:04 mx dovecot: stats: event:mail_opened\thostname:mx\tend_time:2025-12-09T02:03:04Z\tcategory:imap\tfield:user=alice\tfield:mailbox=INBOX\tfield:uid=12\tfield:session=s1",
        &[
            "action: Opened",
            "uids: \"12\"",
            "mailbox: \"INBOX\"",
            "service: Imap",
        ],
    ),
];

const POSTFIX: &[Row] = &[
    (
        "Dec  9 02:03:04 mx postfix/submission/smtpd[7]: 4dQXyz1cLnz2xKp: client=home.example[203.0.113.7], sasl_method=PLAIN, sasl_username=alice@ministere.example",
        &[
            "Email",
            "Accepted",
            "sasl_user: \"alice@ministere.example\"",
            "203.0.113.7",
        ],
    ),
    (
        "Dec  9 02:03:04 mx postfix/submission/smtpd[7]: 4dQXyz1cLnz2xKp: client=home.example[203.0.113.7], sasl_method=PLAIN, sasl_username=alice@ministere.example",
        &[
            "Logon",
            "Smtp",
            "Success",
            "session: \"4dQXyz1cLnz2xKp\"",
            "attempts: 1",
        ],
    ),
    (
        "Dec  9 02:03:04 mx postfix-out/smtp[7]: 4104E3D: to=<a@b>, orig_to=<c@d>, relay=mx.b[203.0.113.9]:25, delay=3, delays=1/0/1/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as F12DF84004)",
        &[
            "Delivered",
            "to: \"a@b\"",
            "orig_to: \"c@d\"",
            "203.0.113.9",
            "relay_port: Some(25)",
            "next_queue_id: \"F12DF84004\"",
        ],
    ),
    (
        "Dec  9 02:03:04 mx postfix/lmtp[7]: 4104E3D: to=<a@b>, relay=mx.b[private/dovecot-lmtp], delay=0.1, delays=0/0/0/0.1, dsn=2.0.0, status=sent (250 2.0.0 <a@b> xyz Saved)",
        &[
            "agent: \"lmtp\"",
            "relay_host: \"mx.b\"",
            "relay_ip: None",
            "outcome: \"sent\"",
        ],
    ),
    (
        "Dec  9 02:03:04 mx postfix/cleanup[7]: 4104E3D: message-id=<m@x>",
        &["Identified", "message_id: \"m@x\""],
    ),
    (
        "Dec  9 02:03:04 mx postfix/qmgr[7]: 4104E3D: from=<a@b>, size=5360, nrcpt=2 (queue active)",
        &[
            "Queued",
            "from: \"a@b\"",
            "size: Some(5360)",
            "recipients: Some(2)",
        ],
    ),
    (
        "Dec  9 02:03:04 mx postfix/qmgr[7]: 4104E3D: removed",
        &["Removed"],
    ),
    (
        "Dec  9 02:03:04 mx postfix/pickup[7]: 4104E3D: uid=33 from=<www-data>",
        &["Accepted", "from: \"www-data\"", "detail: \"uid=33\""],
    ),
    (
        "Dec  9 02:03:04 mx postfix/smtpd[7]: warning: x.example[203.0.113.7]: SASL LOGIN authentication failed: (reason unavailable), sasl_username=bob",
        &["Logon", "Failure", "user: \"bob\"", "method: \"LOGIN\""],
    ),
];

const OTHERS: &[Row] = &[
    (
        "Dec  9 02:03:04 web roundcube: <abcd1234> Failed login for alice from 203.0.113.7 in session abcd1234efgh5678 (error: 1)",
        &[
            "Logon",
            "Webmail",
            "Failure",
            "user: \"alice\"",
            "203.0.113.7",
        ],
    ),
    (
        "2025-12-09 02:03:04 1vSmXX-0001Ab-2C <= a@b H=home.example (h) [203.0.113.7]:4711 P=esmtpsa X=TLS1.3:x CV=no A=plain_login:alice S=1234 id=m@x T=\"Hi \\\"you\\\" A=plain:ceo\" for c@d e@f",
        &[
            "Accepted",
            "from: \"a@b\"",
            "sasl_user: \"alice\"",
            "size: Some(1234)",
            "message_id: \"m@x\"",
            "recipients: Some(2)",
            "203.0.113.7",
        ],
    ),
    (
        "2025-12-09 02:03:04 1vSmXX-0001Ab-2C => c@d F=<a@b> R=dnslookup T=remote_smtp H=mx.d [203.0.113.9] X=TLS C=\"250 2.0.0 Ok: queued as F00\"",
        &[
            "Delivered",
            "Success",
            "to: \"c@d\"",
            "from: \"a@b\"",
            "203.0.113.9",
            "next_queue_id: \"F00\"",
        ],
    ),
    (
        "2025-12-09 02:03:04 1vSmXX-0001Ab-2C ** x@y R=dnslookup T=remote_smtp H=mx.y [203.0.113.9]: SMTP error: 550 no",
        &["Delivered", "Failure", "outcome: \"bounced\""],
    ),
    (
        "2025-12-09 02:03:04 1vSmXX-0001Ab-2C Completed",
        &["Removed"],
    ),
    (
        "Dec  9 02:03:04 mx sshd[7]: Accepted publickey for root from 203.0.113.7 port 4711 ssh2: ED25519 SHA256:x from 198.51.100.9 port 1 ssh2",
        &[
            "Logon",
            "Ssh",
            "Success",
            "user: \"root\"",
            "203.0.113.7",
            "src_port: Some(4711)",
            "method: \"publickey\"",
        ],
    ),
    (
        "Dec  9 02:03:04 mx sshd[7]: message repeated 3 times: [ Failed password for root from 203.0.113.7 port 4711 ssh2]",
        &["Failure", "attempts: 3"],
    ),
    (
        "Dec  9 02:03:04 mx sudo:    alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/bin/sh -c id ; id",
        &[
            "user: \"alice\"",
            "target_user: \"root\"",
            "command: \"/bin/sh -c id ; id\"",
        ],
    ),
    (
        "Dec  9 02:03:04 mx CRON[7]: (root) CMD (  /usr/local/bin/x)",
        &["Process", "command: \"/usr/local/bin/x\""],
    ),
    (
        "Dec  9 02:03:04 mx passwd[7]: pam_unix(passwd:chauthtok): password changed for alice",
        &["PasswordChange", "user: \"alice\""],
    ),
    (
        "Dec  9 02:03:04 mx useradd[7]: new user: name=eve, UID=1001, GID=1001, home=/home/eve, shell=/bin/sh",
        &["Create", "user: \"eve\""],
    ),
    (
        "Dec  9 02:03:04 mx kernel: [12.5] DROP-OUT: IN= OUT=eth0 SRC=192.0.2.1 DST=10.0.0.5 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=8443 WINDOW=64240 RES=0x00 SYN URGP=0",
        &[
            "Network",
            "src_ip: Some(192.0.2.1)",
            "dst_ip: Some(10.0.0.5)",
            "dst_port: Some(8443)",
            "protocol: 6",
            "Blocked",
            "state: \"SYN\"",
            "label: \"DROP-OUT\"",
            "oif: \"eth0\"",
        ],
    ),
    // ulogd writes the prefix where the tag stands.
    (
        "Dec  9 02:03:04 mail nft-out-drop:  IN= OUT=eth1 MAC= SRC=10.20.0.25 DST=10.20.8.40 LEN=60 TOS=00 PREC=0x00 TTL=64 ID=3930 DF PROTO=TCP SPT=41734 DPT=8443 SEQ=3000482980 ACK=0 WINDOW=64240 SYN URGP=0 UID=33 GID=33 MARK=0x0 ",
        &[
            "Network",
            "src_ip: Some(10.20.0.25)",
            "dst_port: Some(8443)",
            "Blocked",
            "label: \"nft-out-drop\"",
            "oif: \"eth1\"",
        ],
    ),
    (
        "2025-12-09 02:03:04,388 fail2ban.actions        [123]: NOTICE  [dovecot] Ban 203.0.113.7",
        &["Network", "Blocked", "203.0.113.7", "label: \"dovecot\""],
    ),
];

fn check(rows: &[Row]) {
    for (line, pieces) in rows {
        let keep = syslog(line);
        assert!(
            !keep.facts.is_empty(),
            "no event: {line}: {:?}",
            keep.unparsed
        );
        for fact in &keep.facts {
            assert!(
                fact.time.starts_with("2025-12-09T02:03:0"),
                "{}: {line}",
                fact.time
            );
        }
        let best = keep
            .facts
            .iter()
            .map(|fact| {
                pieces
                    .iter()
                    .filter(|p| !fact.body.contains(**p))
                    .collect::<Vec<_>>()
            })
            .min_by_key(Vec::len)
            .unwrap_or_default();
        assert!(
            best.is_empty(),
            "missing {best:?}: {line}\n{:?}",
            keep.facts
        );
    }
}

#[test]
fn dovecot() {
    check(DOVECOT);
}

#[test]
fn postfix() {
    check(POSTFIX);
}

#[test]
fn others() {
    check(OTHERS);
}

#[test]
fn the_host_and_process_of_a_record() {
    let keep = syslog("Dec  9 02:03:04 mx2 postfix/smtpd[77]: connect from x[203.0.113.7]");
    assert_eq!(
        (keep.facts[0].host.as_str(), keep.facts[0].pid),
        ("mx2", Some(77))
    );
    // Dovecot's syslog tag has no number; its prefix has the session's process.
    let keep = syslog("Dec  9 02:03:04 mx2 dovecot: imap(a)<99><s>: Logged out in=1 out=2");
    assert_eq!(keep.facts[0].pid, Some(99));
}
