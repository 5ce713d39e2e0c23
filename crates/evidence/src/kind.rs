//! Telling kinds apart: content first, name second.
//!
//! The content decides wherever it can (an SQLite file named `x.log` is an SQLite file); the name
//! decides between kinds that look alike (a configuration file and any other text).

use crate::artefact::Kind;
use crate::header::{is_mbox, is_message};

/// Bytes from an artefact's beginning that [`recognise`] likes to have.
pub const HEAD: usize = 64 << 10;

/// What an artefact is, from its path, its first bytes (up to [`HEAD`], fewer only if it is
/// shorter) and its last bytes (used only when the head is all NUL, as in a log that was truncated
/// while its writer kept its position).
pub fn recognise(path: &str, head: &[u8], tail: &[u8]) -> Kind {
    if head.is_empty() {
        return Kind::Empty;
    }
    let place = Place::of(path);
    if let Some(kind) = by_magic(head) {
        return kind;
    }
    let head = skip_nul(head, tail);
    if !is_text(head) {
        return binary(&place, head);
    }
    if place.in_maildir && (is_message(head, 1) || maildir_name(place.file)) {
        return Kind::Message;
    }
    if let Some(kind) = mail_store(&place, head) {
        return kind;
    }
    if is_mbox(head) {
        return Kind::Mbox;
    }
    if let Some(kind) = by_text(&place, head) {
        return kind;
    }
    if is_message(head, 2) {
        return Kind::Message;
    }
    by_place(&place, head)
}

/// What the path says.
struct Place<'a> {
    file: &'a str,
    extension: &'a str,
    in_maildir: bool,
    in_etc: bool,
    in_web_root: bool,
}

impl<'a> Place<'a> {
    fn of(path: &'a str) -> Self {
        let file = path.rsplit(['/', '!']).next().unwrap_or(path);
        let mut parts = path.split(['/', '!']).rev().skip(1).peekable();
        // `cur/NAME!NAME` is a message that Dovecot stored compressed.
        if parts.peek() == Some(&file) {
            parts.next();
        }
        let in_maildir = matches!(parts.peek(), Some(&("cur" | "new")));
        let (mut in_etc, mut in_web_root) = (false, false);
        for part in parts {
            in_etc |= part == "etc";
            in_web_root |= WEB_ROOTS.contains(&part);
        }
        let extension = file.rsplit_once('.').map_or("", |(_, e)| e);
        Self {
            file,
            extension,
            in_maildir,
            in_etc,
            in_web_root,
        }
    }
}

/// Directories that web servers and webmail packages serve from or keep their code in.
const WEB_ROOTS: &[&str] = &[
    "www",
    "htdocs",
    "public_html",
    "html",
    "wwwroot",
    "webroot",
    "webapps",
    "cgi-bin",
    "roundcube",
    "roundcubemail",
    "roundcube-webmail",
    "webmail",
    "rainloop",
    "snappymail",
    "horde",
    "sogo",
    "squirrelmail",
];

const SCRIPT_EXTENSIONS: &[&str] = &[
    "php", "php3", "php4", "php5", "php7", "php8", "phps", "phtml", "pht", "phar", "inc", "cgi",
    "pl", "py", "rb", "sh", "jsp", "jspx", "asp", "aspx", "js", "mjs", "htaccess",
];

const CONFIG_NAMES: &[&str] = &[
    "main.cf",
    "master.cf",
    "dovecot.conf",
    "nginx.conf",
    "apache2.conf",
    "httpd.conf",
    "config.inc.php",
    "defaults.inc.php",
    "php.ini",
    "exim4.conf",
    "exim.conf",
    "sshd_config",
    "my.cnf",
    "rspamd.conf",
    "jail.local",
    "jail.conf",
    "nftables.conf",
];

fn by_magic(head: &[u8]) -> Option<Kind> {
    if head.starts_with(b"SQLite format 3\0") {
        return Some(Kind::Sqlite);
    }
    if head.starts_with(b"LPKSHHRH") {
        return Some(Kind::JournalBinary);
    }
    match head.get(..4)? {
        // Micro- and nanosecond pcap in both byte orders; pcapng's section header block.
        b"\xd4\xc3\xb2\xa1" | b"\xa1\xb2\xc3\xd4" | b"\x4d\x3c\xb2\xa1" | b"\xa1\xb2\x3c\x4d" => {
            Some(Kind::Pcap)
        }
        b"\x0a\x0d\x0d\x0a" => {
            let order = head.get(8..12)?;
            (order == b"\x4d\x3c\x2b\x1a" || order == b"\x1a\x2b\x3c\x4d").then_some(Kind::Pcap)
        }
        _ => None,
    }
}

/// A hole of NULs at the beginning says nothing about the rest.
fn skip_nul<'a>(head: &'a [u8], tail: &'a [u8]) -> &'a [u8] {
    let strip = |b: &'a [u8]| {
        let n = b.iter().take_while(|b| **b == 0).count();
        b.get(n..).unwrap_or(&[])
    };
    let rest = strip(head);
    if rest.is_empty() { strip(tail) } else { rest }
}

/// Text in any encoding that extends ASCII, or UTF-16 with a byte order mark. A few control
/// characters and NULs do not make a log binary; many do.
fn is_text(head: &[u8]) -> bool {
    if head.is_empty() {
        return false;
    }
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return true;
    }
    let odd = head
        .iter()
        .filter(|b| matches!(b, 0..=6 | 14..=26 | 28..=31 | 127))
        .count();
    let high = head.iter().filter(|b| **b >= 0x80).count();
    odd.saturating_mul(50) <= head.len()
        && (high.saturating_mul(3) <= head.len() || std::str::from_utf8(cut(head)).is_ok())
}

/// The head without a character cut at its end.
fn cut(head: &[u8]) -> &[u8] {
    match std::str::from_utf8(head) {
        Err(e) if e.error_len().is_none() => head.get(..e.valid_up_to()).unwrap_or(head),
        _ => head,
    }
}

fn binary(place: &Place<'_>, head: &[u8]) -> Kind {
    if dovecot_index(place.file) {
        return Kind::MailIndex;
    }
    // A picture with code in it: the classic disguise of a web shell.
    if place.in_web_root && memchr::memmem::find(head, b"<?php").is_some() {
        return Kind::Script;
    }
    if place.in_maildir && maildir_name(place.file) {
        return Kind::Message;
    }
    Kind::Binary
}

/// `time.unique.host` with optional `:2,FLAGS`, as maildir(5) has it.
fn maildir_name(file: &str) -> bool {
    let digits = file.bytes().take_while(u8::is_ascii_digit).count();
    (9..=11).contains(&digits) && file.as_bytes().get(digits) == Some(&b'.')
}

fn dovecot_index(file: &str) -> bool {
    file.starts_with("dovecot.index")
        || file.starts_with("dovecot.list.index")
        || file.starts_with("dovecot.map.index")
        || file.starts_with("dovecot.mailbox.log")
        || file.starts_with("dovecot-uidvalidity")
        || file == "dovecot.index.pvt"
}

fn mail_store(place: &Place<'_>, head: &[u8]) -> Option<Kind> {
    if place.file == "dovecot-uidlist" || uidlist(head) {
        return Some(Kind::DovecotUidlist);
    }
    let named = matches!(
        place.file,
        "dovecot-keywords"
            | "maildirsize"
            | "maildirfolder"
            | "subscriptions"
            | "dovecot-acl"
            | "dovecot-acl-list"
            | "courierimapuiddb"
            | "courierimapsubscribed"
            | "courierimaphieracl"
    );
    if named || dovecot_index(place.file) {
        return Some(Kind::MailIndex);
    }
    // dbox header: "2 M<hex message header size> C<hex create stamp>" (dbox-file.h).
    let dbox_name = (place.file.starts_with("u.") || place.file.starts_with("m."))
        && place.file.bytes().skip(2).all(|b| b.is_ascii_digit())
        && place.file.len() > 2;
    (dbox_name && head.starts_with(b"2 M")).then_some(Kind::Dbox)
}

/// `3 V<uidvalidity> N<uidnext> [G<guid>]`, the header of version 3 (Dovecot 1.0 and later).
fn uidlist(head: &[u8]) -> bool {
    let Some(rest) = head.strip_prefix(b"3 V") else {
        return false;
    };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    digits > 0 && rest.get(digits..).is_some_and(|r| r.starts_with(b" N"))
}

fn by_text(place: &Place<'_>, head: &[u8]) -> Option<Kind> {
    let has = |needle: &[u8]| memchr::memmem::find(head, needle).is_some();
    let start = head.get(..2048).unwrap_or(head);
    let starts_with_any = |list: &[&[u8]]| list.iter().any(|p| head.starts_with(p));
    let banner = starts_with_any(&[
        b"-- MySQL dump",
        b"-- MariaDB dump",
        b"/*!999999",
        b"/*M!999999",
        b"-- phpMyAdmin SQL Dump",
        b"--\n-- PostgreSQL database dump",
        b"--\r\n-- PostgreSQL database dump",
        b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION",
    ]);
    let sql = place.extension.eq_ignore_ascii_case("sql")
        && (has(b"CREATE TABLE") || has(b"INSERT INTO") || has(b"COPY "));
    if banner || sql {
        return Some(Kind::SqlDump);
    }
    if head.starts_with(b"Package: ") && has(b"\nStatus: ") && has(b"\nVersion: ") {
        return Some(Kind::DpkgStatus);
    }
    if rpm_list(head) {
        return Some(Kind::RpmList);
    }
    if place.file.ends_with(".sieve") || sieve(start) {
        return Some(Kind::Sieve);
    }
    None
}

/// `require` as the first command (RFC 5228 section 3.2), comments before it allowed.
fn sieve(head: &[u8]) -> bool {
    let mut lines = head.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.find(|l| !l.is_empty() && !l.starts_with(b"#"));
    first.is_some_and(|l| {
        l.strip_prefix(b"require").is_some_and(|rest| {
            let rest = rest.trim_ascii_start();
            rest.starts_with(b"[\"") || rest.starts_with(b"[ \"") || rest.starts_with(b"\"")
        }) && (l.ends_with(b";") || l.ends_with(b",") || l.ends_with(b"["))
    })
}

/// `name-version-release.arch` a line, the default of `rpm -qa`.
fn rpm_list(head: &[u8]) -> bool {
    const ARCHES: &[&[u8]] = &[
        b".x86_64",
        b".noarch",
        b".i686",
        b".i386",
        b".aarch64",
        b".ppc64le",
        b".s390x",
        b".armv7hl",
        b".riscv64",
    ];
    let (mut all, mut good) = (0usize, 0usize);
    for line in head
        .split(|b| *b == b'\n')
        .take(200)
        .map(<[u8]>::trim_ascii)
    {
        if line.is_empty() {
            continue;
        }
        all += 1;
        let dashes = line.iter().filter(|b| **b == b'-').count();
        let word = !line.contains(&b' ') && !line.contains(&b'/');
        let pubkey = line.starts_with(b"gpg-pubkey-");
        good += usize::from(
            word && dashes >= 2 && (pubkey || ARCHES.iter().any(|a| line.ends_with(a))),
        );
    }
    all >= 3 && good * 10 >= all * 9
}

fn by_place(place: &Place<'_>, head: &[u8]) -> Kind {
    // Logs under a web root (Roundcube's own) and under odd places stay logs.
    if place.extension == "log" || place.file.contains(".log.") {
        return Kind::Text;
    }
    let extension = place.extension.to_ascii_lowercase();
    let config = matches!(extension.as_str(), "conf" | "cf" | "cnf" | "ini" | "ext");
    if place.in_etc || config || CONFIG_NAMES.contains(&place.file) || ruleset(head) {
        return Kind::Config;
    }
    if SCRIPT_EXTENSIONS.contains(&extension.as_str()) {
        return Kind::Script;
    }
    let start = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start();
    // Only at the very start: an access log quotes what attackers send.
    if start.starts_with(b"<?php") || start.starts_with(b"<?=") {
        return Kind::Script;
    }
    let page = matches!(extension.as_str(), "html" | "htm" | "xhtml" | "svg" | "css");
    if place.in_web_root && (page || head.starts_with(b"#!") || start.starts_with(b"<?")) {
        return Kind::Script;
    }
    Kind::Text
}

/// A firewall dump: `iptables-save`, `nft list ruleset`.
fn ruleset(head: &[u8]) -> bool {
    head.starts_with(b"# Generated by ip")
        || [
            &b"table inet "[..],
            b"table ip ",
            b"table ip6 ",
            b"#!/usr/sbin/nft",
        ]
        .iter()
        .any(|p| head.starts_with(p))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &[u8] = b"Return-Path: <a@b>\nReceived: from x\n\tby y\nSubject: hi\n\nbody\n";

    #[test]
    fn table_of_kinds() {
        let cases: &[(&str, &[u8], Kind)] = &[
            ("x", b"", Kind::Empty),
            (
                "var/log/mail.log",
                b"Dec  9 10:00:00 mx postfix/smtpd[1]: connect\n",
                Kind::Text,
            ),
            ("var/log/mail.log", b"SQLite format 3\0....", Kind::Sqlite),
            (
                "u/Maildir/cur/1765243800.M1P2.mx,S=5:2,S",
                MAIL,
                Kind::Message,
            ),
            (
                "u/Maildir/new/1765243800.M1P2.mx",
                b"no header at all",
                Kind::Message,
            ),
            (
                "u/Maildir/new/1765243800.M1P2.mx",
                b"\0\x01\x02\x03\x04\x05",
                Kind::Message,
            ),
            (
                "u/Maildir/cur/1.mx:2,S!1.mx:2,S",
                b"Subject: packed\n\n",
                Kind::Message,
            ),
            (
                "current/notes",
                b"Subject: only one field\n\ntext",
                Kind::Text,
            ),
            ("saved/lure.eml", MAIL, Kind::Message),
            (
                "var/mail/bob",
                b"From a@b Tue Dec  9 10:00:00 2025\nSubject: x\n\n",
                Kind::Mbox,
            ),
            (
                "u/Maildir/dovecot-uidlist",
                b"3 V1765 N12 Gabc\n",
                Kind::DovecotUidlist,
            ),
            (
                "u/renamed",
                b"3 V1765 N12 Gabc\n1 :x\n",
                Kind::DovecotUidlist,
            ),
            (
                "u/Maildir/dovecot.index.log",
                b"\x01\x02\x28\0\0\0\0\x01",
                Kind::MailIndex,
            ),
            (
                "u/Maildir/subscriptions",
                b"V\t2\n\nSent\n",
                Kind::MailIndex,
            ),
            ("mdbox/storage/m.1", b"2 M1e C6571\nmail", Kind::Dbox),
            ("u/sieve/x.sieve", b"redirect \"a@b\";", Kind::Sieve),
            (
                "u/rules",
                b"# a comment\n\nrequire [\"fileinto\"];\n",
                Kind::Sieve,
            ),
            ("app.js", b"require \"x\" of y", Kind::Script),
            ("db.txt", b"-- MySQL dump 10.13  Distrib\n", Kind::SqlDump),
            (
                "db.pg",
                b"--\n-- PostgreSQL database dump\n--\n",
                Kind::SqlDump,
            ),
            (
                "var/lib/dpkg/status",
                b"Package: a\nStatus: install ok installed\nVersion: 1\n",
                Kind::DpkgStatus,
            ),
            (
                "rpms",
                b"a-1-2.noarch\nb-c-3-1.el9.x86_64\ngpg-pubkey-1-2\n",
                Kind::RpmList,
            ),
            ("a.cap", b"\xd4\xc3\xb2\xa1\x02\0\x04\0", Kind::Pcap),
            (
                "a.cap",
                b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a",
                Kind::Pcap,
            ),
            ("system.journal", b"LPKSHHRH\0\0\0\0", Kind::JournalBinary),
            (
                "srv1/etc/postfix/main.cf",
                b"myhostname = mx\n",
                Kind::Config,
            ),
            ("postfix/main.cf", b"myhostname = mx\n", Kind::Config),
            (
                "conf/10-auth.conf",
                b"auth_mechanisms = plain\n",
                Kind::Config,
            ),
            ("fw.txt", b"table inet filter {\n", Kind::Config),
            ("var/www/html/x.php", b"<?php echo 1;", Kind::Script),
            (
                "var/www/html/upload/logo.gif",
                b"GIF89a\0\0\0\x01<?php x();",
                Kind::Script,
            ),
            (
                "var/www/roundcube/logs/userlogins.log",
                b"[17-Dec-2025 08:15:30 +0100]: x",
                Kind::Text,
            ),
            (
                "var/log/access.log",
                b"1.2.3.4 - - [10/Oct/2025:13:55:36 +0200] \"GET /<?php HTTP/1.1\" 404 0\n",
                Kind::Text,
            ),
            (
                "bin/ls",
                b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
                Kind::Binary,
            ),
        ];
        for (path, head, expected) in cases {
            assert_eq!(
                recognise(path, head, head),
                *expected,
                "{path} {}",
                head.escape_ascii()
            );
        }
    }

    #[test]
    fn a_hole_in_front_of_a_log_does_not_hide_it() {
        let head = vec![0; 1000];
        let tail = b"\0\0Dec  9 10:00:00 mx dovecot: imap-login: Login\n";
        assert_eq!(recognise("mail.log", &head, tail), Kind::Text);
        assert_eq!(recognise("mail.log", &head, &head), Kind::Binary);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(path in ".{0,40}", head: Vec<u8>, tail: Vec<u8>) {
            let kind = recognise(&path, &head, &tail);
            proptest::prop_assert_eq!(kind == Kind::Empty, head.is_empty());
        }
    }
}
