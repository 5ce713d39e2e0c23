//! The webmail: identities, users and preferences in Roundcube's database, its settings and
//! plugins.

use crate::Origin;
use crate::names::resembles;
use crate::scan::Host;
use crate::subject::Subject;
use crate::tree::{name, parent};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::LazyLock;
use vauban_evidence::TimeBase;
use vauban_ocsf::{ArtefactId, ObservableKind, Place};
use vauban_sources::database::roundcube::{RoundcubeDatabase, from_dump, from_sqlite};

/// Plugins that Roundcube or well-known authors publish.
const KNOWN: &[&str] = &[
    "acl",
    "additional_message_headers",
    "archive",
    "attachment_reminder",
    "autologon",
    "autologout",
    "database_attachments",
    "debug_logger",
    "emoticons",
    "enigma",
    "example_addressbook",
    "filesystem_attachments",
    "help",
    "hide_blockquote",
    "http_authentication",
    "identicon",
    "identity_select",
    "jqueryui",
    "krb_authentication",
    "managesieve",
    "markasjunk",
    "new_user_dialog",
    "new_user_identity",
    "newmail_notifier",
    "password",
    "reconnect",
    "redundant_attachments",
    "show_additional_headers",
    "squirrelmail_usercopy",
    "subscriptions_option",
    "userinfo",
    "vcard_attachments",
    "virtuser_file",
    "virtuser_query",
    "zipdownload",
    "carddav",
    "calendar",
    "tasklist",
    "libcalendaring",
    "libkolab",
    "kolab_auth",
    "rcguard",
    "twofactor_gauthenticator",
    "kolab_2fa",
    "context_menu",
    "contextmenu",
    "automatic_addressbook",
    "authres_status",
    "keyboard_shortcuts",
    "sauserprefs",
    "fail2ban",
    "thunderbird_labels",
    "message_highlight",
    "recipient_to_contact",
    "compose_addressbook",
    "html5_notifier",
    "ident_switch",
    "persistent_login",
    "quota",
    "advanced_search",
    "dovecot_ident",
    "xskin",
    "responses",
    "sieverules",
    "listcommands",
    "spamassassin",
    "mobile",
    "rcmcarddav",
    "gravatar",
    "pdfviewer",
    "odfviewer",
    "logout_redirect",
    "impersonate",
    "dovecot_impersonate",
    "globaladdressbook",
    "tls_icon",
    "tb_label",
    "roundcube_caldav",
    "kolab_files",
    "kolab_notes",
    "ldapauth",
    "pam_auth",
    "swipe",
    "keycloak",
    "rcube_caldav",
    "nextcloud",
    "nextcloud_attachments",
    "infinitescroll",
    "yubikey_authentication",
    "captcha",
    "google_ads",
];

pub(crate) fn inspect(host: &Host<'_>, out: &mut Vec<Subject>) {
    databases(host, out);
    settings(host, out);
}

fn databases(host: &Host<'_>, out: &mut Vec<Subject>) {
    let zone = TimeBase::utc((2099, 12, 31));
    for path in host.paths() {
        let lower = name(path).to_ascii_lowercase();
        let dump = lower.ends_with(".sql");
        let file = [".db", ".sqlite", ".sqlite3", ".db3"]
            .iter()
            .any(|e| lower.ends_with(e));
        let placed = path.contains("roundcube")
            || path.contains("webmail")
            || dump && !path.starts_with("/usr/");
        if !(dump || file) || !placed || host.origin(path).pristine() {
            continue;
        }
        let Some(bytes) = host.read_up_to(path, host.options.database) else {
            continue;
        };
        let database = if bytes.starts_with(b"SQLite format 3\0") {
            let wal = format!("{path}-wal");
            let wal = if host.has(&wal) {
                host.read_up_to(&wal, host.options.database)
            } else {
                None
            };
            match from_sqlite(&bytes, wal.as_deref(), ArtefactId(0), &zone) {
                Ok(database) => database,
                Err(e) => {
                    host.problem(path, e.to_string());
                    continue;
                }
            }
        } else if dump {
            from_dump(&bytes, ArtefactId(0), &zone)
        } else {
            continue;
        };
        if database.is_roundcube() {
            for p in &database.problems {
                host.problem(path, p.clone());
            }
            rows(host, path, &bytes, dump, &database, out);
        }
    }
}

fn rows(
    host: &Host<'_>,
    path: &str,
    bytes: &[u8],
    dump: bool,
    db: &RoundcubeDatabase,
    out: &mut Vec<Subject>,
) {
    let users: BTreeMap<u64, &str> = db
        .users
        .iter()
        .map(|u| (u.id, u.username.as_str()))
        .collect();
    let place = |p: &vauban_sources::database::Place| {
        if dump {
            let from = usize::try_from(p.evidence.offset).unwrap_or(usize::MAX);
            return host
                .text(path, bytes)
                .place(from, from.saturating_add(p.evidence.length as usize));
        }
        Place {
            artefact: host.artefact(path).to_owned(),
            offset: 0,
            length: bytes.len() as u64,
            line: None,
            excerpt: p.row.clone(),
        }
    };
    for i in db.identities.iter().filter(|i| !i.deleted) {
        let Some(user) = users.get(&i.user_id) else {
            continue;
        };
        let user = user.to_lowercase();
        let leaves = |address: &str| !address.is_empty() && host.domains.leaves(address, &user);
        let (email, reply, bcc) = (leaves(&i.email), leaves(&i.reply_to), leaves(&i.bcc));
        if !(email || reply || bcc) {
            continue;
        }
        let foreign = [(bcc, &i.bcc), (reply, &i.reply_to), (email, &i.email)]
            .into_iter()
            .find(|(f, _)| *f)
            .map_or("", |(_, a)| a.as_str());
        let mut subject = host
            .subject("webmail.identity", path)
            .text("account", user.as_str())
            .text("email", i.email.as_str())
            .text("reply_to", i.reply_to.as_str())
            .text("bcc", i.bcc.as_str())
            .flag("foreign_email", email)
            .flag("foreign_reply_to", reply)
            .flag("foreign_bcc", bcc)
            .flag("resembles_owner", resembles(foreign, &user))
            .flag("standard", i.standard)
            .at(place(&i.place))
            .about(ObservableKind::EmailAddress, "email.to", foreign)
            .about(ObservableKind::UserName, "user.name", &user);
        subject.time = i.changed.as_ref().and_then(|c| c.instant);
        out.push(subject);
    }
    // The server of nearly all users is the usual one.
    let mut servers: BTreeMap<&str, usize> = BTreeMap::new();
    for u in &db.users {
        *servers.entry(u.mail_host.as_str()).or_default() += 1;
    }
    let usual = servers
        .iter()
        .max_by_key(|(_, n)| **n)
        .map_or("", |(s, _)| *s);
    for u in &db.users {
        let user = u.username.to_lowercase();
        let local = matches!(u.mail_host.as_str(), "localhost" | "127.0.0.1" | "::1" | "");
        let foreign_host = u.mail_host != usual
            && !local
            && (host.domains.foreign(&u.mail_host)
                || u.mail_host.parse::<IpAddr>().is_ok_and(public));
        let base = || {
            host.subject("webmail.user", path)
                .text("account", user.as_str())
                .text("mail_host", u.mail_host.as_str())
                .at(place(&u.place))
                .about(ObservableKind::UserName, "user.name", &user)
        };
        if foreign_host {
            out.push(base().flag("foreign_host", true).about(
                ObservableKind::Hostname,
                "dst_endpoint.hostname",
                &u.mail_host,
            ));
        }
        for (key, value) in preferences(u.preferences.as_bytes()) {
            let foreign_address =
                value.contains('@') && value.len() < 200 && host.domains.leaves(&value, &user);
            let host_name = value
                .split("://")
                .nth(1)
                .and_then(|h| h.split(['/', ':']).next())
                .unwrap_or("");
            let foreign_url = !host_name.is_empty() && host.domains.foreign(host_name);
            let sends = [
                "forward",
                "redirect",
                "bcc",
                "mdn_",
                "imap_host",
                "smtp",
                "carddav",
                "caldav",
                "webhook",
                "url",
                "keyserver",
                "notify",
            ]
            .iter()
            .any(|w| key.contains(w));
            if sends && (foreign_address || foreign_url) {
                out.push(
                    base()
                        .text("preference", key.as_str())
                        .text("value", value.as_str())
                        .flag("foreign_value", true),
                );
            }
        }
    }
    let mut networks: BTreeMap<&str, (BTreeSet<String>, usize, &vauban_sources::database::Place)> =
        BTreeMap::new();
    for s in &db.sessions {
        if let (Some(ip), false) = (s.ip, s.username.is_empty()) {
            let entry = networks
                .entry(s.username.as_str())
                .or_insert_with(|| (BTreeSet::new(), 0, &s.place));
            entry.0.insert(network(ip));
            entry.1 += 1;
        }
    }
    for (user, (nets, count, at)) in networks {
        if nets.len() >= 2 {
            out.push(
                host.subject("webmail.user", path)
                    .text("account", user.to_lowercase())
                    .number("sessions", count as f64)
                    .number("session_networks", nets.len() as f64)
                    .text("value", nets.iter().cloned().collect::<Vec<_>>().join(", "))
                    .at(place(at))
                    .about(ObservableKind::UserName, "user.name", user),
            );
        }
    }
}

fn public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !(ip.is_private() || ip.is_loopback() || ip.is_link_local()),
        IpAddr::V6(ip) => !ip.is_loopback(),
    }
}

fn network(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(ip) => {
            let s = ip.segments();
            format!("{:x}:{:x}:{:x}::/48", s[0], s[1], s[2])
        }
    }
}

/// Texts in PHP's `serialize()` form, each with the key before it.
fn preferences(bytes: &[u8]) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    let mut key = String::new();
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|r| memchr::memmem::find(r, b"s:")) {
        let from = at + found + 2;
        let rest = bytes.get(from..).unwrap_or_default();
        let colon = rest.iter().position(|b| *b == b':').unwrap_or(0);
        let length = std::str::from_utf8(rest.get(..colon).unwrap_or_default())
            .ok()
            .and_then(|t| t.parse::<usize>().ok());
        at = from;
        let Some(length) = length else { continue };
        let start = from + colon + 2;
        let Some(text) = start
            .checked_add(length)
            .and_then(|end| bytes.get(start..end))
        else {
            continue;
        };
        at = start + length;
        let text = String::from_utf8_lossy(text).into_owned();
        // A value follows its key at once; another key follows a number or an array.
        let value = bytes.get(..from - 2).is_some_and(|b| b.ends_with(b"\";")) && !key.is_empty();
        if value {
            out.push((std::mem::take(&mut key), text));
        } else {
            key = text;
        }
        if out.len() > 10_000 {
            break;
        }
    }
    out
}

/// `$config['name'] = 'value';`, also `$rcmail_config`, and lists.
static ASSIGNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?s)\$(?:rcmail_)?config\s*\[\s*['"]([a-z0-9_]+)['"]\s*\]\s*=\s*(.*?);\s*(?:\n|$)"#,
    )
    .ok()
});

fn settings(host: &Host<'_>, out: &mut Vec<Subject>) {
    let configs: Vec<&str> = host
        .paths()
        .filter(|p| name(p) == "config.inc.php" || name(p) == "main.inc.php")
        .filter(|p| (p.contains("roundcube") || p.contains("webmail")) && !p.contains("/plugins/"))
        .collect();
    for path in configs {
        if host.file(path).is_none_or(|f| f.link.is_some()) {
            continue;
        }
        let Some(bytes) = host.read(path) else {
            continue;
        };
        let text = uncommented(&String::from_utf8_lossy(&bytes));
        let Some(regex) = ASSIGNED.as_ref() else {
            return;
        };
        for m in regex.captures_iter(&text) {
            let (Some(key), Some(value), Some(whole)) = (m.get(1), m.get(2), m.get(0)) else {
                continue;
            };
            let values: Vec<&str> = value
                .as_str()
                .split(['\'', '"'])
                .skip(1)
                .step_by(2)
                .collect();
            let at = host
                .text(path, &bytes)
                .place(whole.start(), whole.end().saturating_sub(1));
            match key.as_str() {
                "plugins" => {
                    for plugin in values {
                        plugins(host, path, plugin, at.clone(), out);
                    }
                }
                "imap_host" | "default_host" | "smtp_host" | "smtp_server" | "managesieve_host"
                | "support_url" | "password_driver" | "proxy_whitelist" | "oauth_auth_uri"
                | "oauth_token_uri" => {
                    for v in values {
                        let bare = v
                            .split("://")
                            .last()
                            .unwrap_or(v)
                            .split([':', '/'])
                            .next()
                            .unwrap_or("");
                        let foreign =
                            host.domains.foreign(bare) || bare.parse::<IpAddr>().is_ok_and(public);
                        if foreign {
                            out.push(
                                host.subject("webmail.setting", path)
                                    .text("setting", key.as_str())
                                    .text("value", v)
                                    .flag("foreign", true)
                                    .at(at.clone()),
                            );
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// PHP without comments, every offset kept.
fn uncommented(text: &str) -> String {
    let mut out: Vec<u8> = text.as_bytes().to_vec();
    let (mut at, mut quote) = (0, 0u8);
    let bytes = text.as_bytes();
    while let Some(&c) = bytes.get(at) {
        let next = bytes.get(at + 1).copied().unwrap_or(0);
        if quote != 0 {
            at += usize::from(c == b'\\');
            if c == quote {
                quote = 0;
            }
        } else if c == b'\'' || c == b'"' {
            quote = c;
        } else {
            let end = if c == b'#' || c == b'/' && next == b'/' {
                bytes
                    .get(at..)
                    .and_then(|r| memchr::memchr(b'\n', r))
                    .map_or(bytes.len(), |n| at + n)
            } else if c == b'/' && next == b'*' {
                bytes
                    .get(at..)
                    .and_then(|r| memchr::memmem::find(r, b"*/"))
                    .map_or(bytes.len(), |n| at + n + 2)
            } else {
                at
            };
            while at < end {
                if let Some(b) = out.get_mut(at).filter(|b| **b != b'\n') {
                    *b = b' ';
                }
                at += 1;
            }
            if end > 0 && at == end && (c == b'#' || c == b'/' && (next == b'/' || next == b'*')) {
                continue;
            }
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A plugin that is switched on.
fn plugins(host: &Host<'_>, config: &str, plugin: &str, at: Place, out: &mut Vec<Subject>) {
    let known = KNOWN.contains(&plugin);
    let main = format!("/plugins/{plugin}/{plugin}.php");
    let paths: Vec<&str> = host.paths().filter(|p| p.ends_with(&main)).collect();
    let pristine = paths.iter().any(|p| host.origin(p).pristine());
    if pristine {
        return;
    }
    let others = host.paths().any(|p| {
        p.contains("/plugins/")
            && p.ends_with(".php")
            && p.contains("roundcube")
            && !p.starts_with("/etc/")
    });
    let mut subject = host
        .subject("webmail.plugin", config)
        .text("plugin", plugin)
        .flag("enabled", true)
        .flag("known", known)
        .flag("missing", paths.is_empty() && others)
        .at(at);
    for path in paths {
        let dir = format!("{}/", parent(path));
        let mut code = Vec::new();
        for file in host.under(&dir).filter(|p| p.ends_with(".php")).take(200) {
            code.extend(host.read(file).unwrap_or_default());
            code.push(b'\n');
        }
        let text = uncommented(&String::from_utf8_lossy(&code));
        let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
        let hook = |names: &[&str]| {
            names
                .iter()
                .any(|n| text.contains(&format!("'{n}'")) || text.contains(&format!("\"{n}\"")))
        };
        subject = subject
            .flag(
                "takes_password",
                hook(&["authenticate", "login_after", "login_before", "user_create"])
                    && has(&[
                        "['pass']",
                        "[\"pass\"]",
                        "_pass",
                        "get_user_password",
                        "['password']",
                    ]),
            )
            .flag(
                "reads_mail",
                hook(&[
                    "message_before_send",
                    "message_load",
                    "message_part_after",
                    "message_sent",
                    "message_ready",
                ]),
            )
            .flag(
                "sends_out",
                has(&[
                    "curl_init",
                    "fsockopen",
                    "stream_socket_client",
                    "file_put_contents",
                    "fwrite",
                    "error_log(",
                    "mail(",
                    "file_get_contents('http",
                    "file_get_contents(\"http",
                    "->post(",
                    "GuzzleHttp",
                ]),
            )
            .text("origin", host.origin(path).word())
            .about(ObservableKind::FilePath, "file.path", path);
        if matches!(host.origin(path), Origin::Changed(_)) {
            subject = subject.text("path", path);
        }
    }
    out.push(subject);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serialised_texts() {
        let p = preferences(
            b"a:3:{s:8:\"language\";s:2:\"fr\";s:1:\"n\";i:5;s:7:\"forward\";s:8:\"a@b.test\";}",
        );
        assert_eq!(
            p,
            [
                ("language".into(), "fr".into()),
                ("forward".into(), "a@b.test".into())
            ]
        );
    }

    #[test]
    fn comments_leave_offsets() {
        let text = "a // b\n'# c' /* d */ e # f";
        let clean = uncommented(text);
        assert_eq!(clean.len(), text.len());
        assert_eq!(clean, "a     \n'# c'         e    ");
    }
}
