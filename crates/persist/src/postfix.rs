//! Postfix: settings, tables and forward files that send mail, or copies of it, somewhere.
//!
//! Tables of databases (`mysql:`, `ldap:`) are not seen; their configuration files are.

use crate::names::{domain_of, resembles};
use crate::scan::Host;
use crate::subject::Subject;
use crate::tree::{name, parent};
use std::collections::{BTreeMap, BTreeSet};
use vauban_ocsf::{ObservableKind, Place};

/// Largest compiled table that is searched, in bytes.
const COMPILED: usize = 16 << 20;

/// A parameter, with the line it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Setting {
    name: String,
    value: String,
    line: usize,
    service: String,
}

/// Logical lines: comments left out, continuations joined; number of the first line.
fn logical(text: &str) -> Vec<(usize, String)> {
    let mut out: Vec<(usize, String)> = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        match out.last_mut().filter(|_| line.starts_with([' ', '\t'])) {
            Some((_, last)) => {
                last.push(' ');
                last.push_str(trimmed);
            }
            None => out.push((i + 1, trimmed.to_owned())),
        }
    }
    out
}

/// Directories of instances: those that hold a `main.cf`.
fn instances(host: &Host<'_>) -> Vec<String> {
    host.under("/etc/")
        .chain(host.under("/usr/local/etc/"))
        .filter(|p| name(p) == "main.cf" && p.contains("postfix"))
        .map(|p| parent(p).to_owned())
        .collect()
}

fn settings(host: &Host<'_>, dir: &str) -> Vec<Setting> {
    let mut out = Vec::new();
    if let Some(bytes) = host.read(&format!("{dir}/main.cf")) {
        for (line, text) in logical(&String::from_utf8_lossy(&bytes)) {
            if let Some((name, value)) = text.split_once('=') {
                out.push(Setting {
                    name: name.trim().to_owned(),
                    value: value.trim().to_owned(),
                    line,
                    service: String::new(),
                });
            }
        }
    }
    if let Some(bytes) = host.read(&format!("{dir}/master.cf")) {
        for (line, text) in logical(&String::from_utf8_lossy(&bytes)) {
            let words: Vec<&str> = text.split_ascii_whitespace().collect();
            let service = words.iter().take(2).copied().collect::<Vec<_>>().join("/");
            for (i, word) in words.iter().enumerate() {
                if *word == "-o"
                    && let Some((name, value)) = words.get(i + 1).and_then(|w| w.split_once('='))
                {
                    out.push(Setting {
                        name: name.trim_start_matches('{').to_owned(),
                        value: value.trim_end_matches('}').to_owned(),
                        line,
                        service: service.clone(),
                    });
                }
            }
        }
    }
    let values: BTreeMap<String, String> = out
        .iter()
        .filter(|s| s.service.is_empty())
        .map(|s| (s.name.clone(), s.value.clone()))
        .collect();
    for s in &mut out {
        s.value = expand(&s.value, &values, 0);
    }
    out
}

/// `$name`, `${name}`, `$(name)`; unknown ones stay.
fn expand(text: &str, values: &BTreeMap<String, String>, depth: usize) -> String {
    if depth > 8 || !text.contains('$') || text.len() > 1 << 16 {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let after = after.get(1..).unwrap_or_default();
        let (open, body) = match after.chars().next() {
            Some('{') => (Some('}'), after.get(1..).unwrap_or_default()),
            Some('(') => (Some(')'), after.get(1..).unwrap_or_default()),
            _ => (None, after),
        };
        let end = body
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(body.len());
        let (name, mut tail) = body.split_at(end);
        if let Some(close) = open {
            tail = tail.strip_prefix(close).unwrap_or(tail);
        }
        match values.get(name) {
            Some(value) => out.push_str(&expand(value, values, depth + 1)),
            None => out.push_str(&format!("${name}")),
        }
        rest = tail;
    }
    out + rest
}

fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ' ', '\t']).filter(|s| !s.is_empty())
}

/// Domains that the configuration calls its own.
pub(crate) fn own_domains(host: &Host<'_>) -> Vec<String> {
    let mut out = Vec::new();
    for dir in instances(host) {
        for s in settings(host, &dir) {
            match s.name.as_str() {
                "myhostname" => {
                    out.push(s.value.clone());
                    if let Some((_, domain)) = s.value.split_once('.') {
                        out.push(domain.to_owned());
                    }
                }
                "mydomain" | "myorigin" if !s.value.starts_with('/') => out.push(s.value),
                "mydestination"
                | "virtual_mailbox_domains"
                | "virtual_alias_domains"
                | "relay_domains" => {
                    for item in items(&s.value) {
                        match table(item) {
                            Some(path) => out.extend(keys(host, &path)),
                            None => out.push(item.to_owned()),
                        }
                    }
                }
                "virtual_mailbox_maps" => {
                    for path in items(&s.value).filter_map(table) {
                        out.extend(keys(host, &path).iter().filter_map(|k| domain_of(k)));
                    }
                }
                _ => {}
            }
        }
    }
    out
}

fn keys(host: &Host<'_>, path: &str) -> Vec<String> {
    let Some(bytes) = host.read(path) else {
        return Vec::new();
    };
    logical(&String::from_utf8_lossy(&bytes))
        .into_iter()
        .filter_map(|(_, l)| Some(l.split_ascii_whitespace().next()?.to_owned()))
        .collect()
}

/// The path of a table that is a file (`hash:/etc/postfix/virtual`).
fn table(item: &str) -> Option<String> {
    if item.starts_with('/') {
        return Some(item.to_owned());
    }
    let (kind, path) = item.split_once(':')?;
    let file = matches!(
        kind,
        "hash"
            | "btree"
            | "lmdb"
            | "cdb"
            | "dbm"
            | "sdbm"
            | "texthash"
            | "regexp"
            | "pcre"
            | "cidr"
            | "proxy"
    );
    if kind == "proxy" {
        return table(path);
    }
    (file && path.starts_with('/')).then(|| path.to_owned())
}

/// Which tables send mail on.
fn purpose(setting: &str) -> Option<&'static str> {
    Some(match setting {
        "alias_maps" | "alias_database" | "local_recipient_maps" => "alias",
        "virtual_alias_maps" | "virtual_maps" => "virtual",
        "recipient_bcc_maps" => "recipient_bcc",
        "sender_bcc_maps" => "sender_bcc",
        "transport_maps" => "transport",
        "header_checks"
        | "mime_header_checks"
        | "nested_header_checks"
        | "smtp_header_checks"
        | "milter_header_checks" => "header_checks",
        "body_checks" | "smtp_body_checks" => "body_checks",
        "canonical_maps" | "recipient_canonical_maps" => "canonical",
        "sender_dependent_relayhost_maps" => "sender_relay",
        _ => return None,
    })
}

pub(crate) fn inspect(host: &Host<'_>, out: &mut Vec<Subject>) {
    let mut tables: BTreeSet<(String, &'static str)> = BTreeSet::new();
    tables.insert(("/etc/aliases".into(), "alias"));
    tables.insert(("/etc/mail/aliases".into(), "alias"));
    for dir in instances(host) {
        for s in settings(host, &dir) {
            if let Some(map) = purpose(&s.name) {
                tables.extend(items(&s.value).filter_map(table).map(|p| (p, map)));
                for item in items(&s.value) {
                    if let Some(inline) = item.strip_prefix("static:") {
                        out.extend(entry(
                            host,
                            &format!("{dir}/main.cf"),
                            map,
                            "*",
                            inline,
                            false,
                            place(host, &dir, &s),
                        ));
                    }
                }
            } else if s.name.starts_with("smtpd_") && s.name.ends_with("_restrictions")
                || s.name == "smtpd_sender_login_maps"
            {
                let words: Vec<&str> = items(&s.value).collect();
                for pair in words.windows(2) {
                    if let [check, path] = pair
                        && check.starts_with("check_")
                        && let Some(path) = table(path)
                    {
                        tables.insert((path, "header_checks"));
                    }
                }
            }
            setting(host, &dir, &s, out);
        }
        master(host, &dir, out);
    }
    for (path, map) in &tables {
        let path = host.follow(path);
        if !host.origin(&path).pristine() || *map == "alias" {
            text_table(host, &path, map, out);
        }
        compiled(host, &path, map, out);
    }
    forwards(host, out);
}

fn place(host: &Host<'_>, dir: &str, s: &Setting) -> Place {
    let path = format!(
        "{dir}/{}",
        if s.service.is_empty() {
            "main.cf"
        } else {
            "master.cf"
        }
    );
    match host.read(&path) {
        Some(bytes) => host.text(&path, &bytes).line(s.line),
        None => Place::default(),
    }
}

/// Where milters of mail servers usually listen.
fn known_milter(item: &str) -> bool {
    let lower = item.to_ascii_lowercase();
    [
        "opendkim",
        "opendmarc",
        "rspamd",
        "clamav",
        "clmilter",
        "spamass",
        "amavis",
        "policyd",
        "milter-greylist",
        "openarc",
        "dkimpy",
        "postsrsd",
        "mailman",
        "dk-filter",
        "pyspf",
    ]
    .iter()
    .any(|k| lower.contains(k))
        || [
            ":8891", ":8892", ":8893", ":8890", ":11332", ":12301", ":12345", ":54321", ":9900",
            ":10024", ":10025", ":10026", ":7357", ":8894",
        ]
        .iter()
        .any(|p| lower.ends_with(p))
}

/// Whether a next hop (`smtp:[host]:25`, `inet:host:port`, `[host]`) is another organisation's.
fn foreign_host(host: &Host<'_>, hop: &str) -> bool {
    let bare = hop.trim_matches(['{', '}', ' ']);
    let bare = bare.split_once(',').map_or(bare, |(a, _)| a);
    if bare.contains("unix:") || bare.contains("local:") {
        return false;
    }
    let after = match bare.split_once(':') {
        Some((kind, rest)) if !kind.contains('.') && !kind.starts_with('[') => rest,
        _ => bare,
    };
    let name = match after.strip_prefix('[') {
        Some(inside) => inside.split(']').next().unwrap_or(inside),
        None => after.split(':').next().unwrap_or(after),
    };
    if let Ok(ip) = name.trim_start_matches("ipv6:").parse::<std::net::IpAddr>() {
        return match ip {
            std::net::IpAddr::V4(ip) => {
                !(ip.is_private() || ip.is_loopback() || ip.is_link_local())
            }
            std::net::IpAddr::V6(ip) => {
                !(ip.is_loopback()
                    || ip.segments()[0] & 0xfe00 == 0xfc00
                    || ip.segments()[0] & 0xffc0 == 0xfe80)
            }
        };
    }
    host.domains.foreign(name)
}

fn setting(host: &Host<'_>, dir: &str, s: &Setting, out: &mut Vec<Subject>) {
    let path = format!(
        "{dir}/{}",
        if s.service.is_empty() {
            "main.cf"
        } else {
            "master.cf"
        }
    );
    let make = |value: &str| {
        host.subject("postfix.setting", &path)
            .text("setting", s.name.as_str())
            .text("value", value)
            .text("service", s.service.as_str())
            .at(place(host, dir, s))
    };
    match s.name.as_str() {
        "always_bcc" => out.push(
            make(&s.value)
                .flag("foreign", host.domains.leaves(&s.value, ""))
                .about(ObservableKind::EmailAddress, "email.to", &s.value),
        ),
        "relayhost"
        | "content_filter"
        | "smtp_fallback_relay"
        | "fallback_relay"
        | "local_transport"
        | "virtual_transport"
        | "mailbox_transport"
        | "default_transport"
        | "relay_transport"
        | "smtpd_proxy_filter" => {
            out.push(make(&s.value).flag("foreign", foreign_host(host, &s.value)));
        }
        "smtpd_milters" | "non_smtpd_milters" | "internal_mail_filter_classes" => {
            for item in items(&s.value) {
                out.push(
                    make(item)
                        .flag("foreign", foreign_host(host, item))
                        .flag("known", known_milter(item))
                        .flag("local", !foreign_host(host, item)),
                );
            }
        }
        "mailbox_command" | "mail_filter_command" => {
            out.push(command(
                host,
                &path,
                "mail_pipe",
                &s.value,
                place(host, dir, s),
            ));
        }
        "mynetworks" => {
            let open = items(&s.value).any(|n| matches!(n, "0.0.0.0/0" | "[::]/0" | "0/0"));
            out.push(make(&s.value).flag("foreign", open));
        }
        "soft_bounce" | "debug_peer_list" => {}
        _ => {}
    }
}

/// Programs that Postfix's own `master.cf` and mailing lists use.
fn known_program(command: &str) -> bool {
    const KNOWN: &[&str] = &[
        "mailman",
        "procmail",
        "vacation",
        "maildrop",
        "dovecot-lda",
        "deliver",
        "uux",
        "ifmail",
        "bsmtp",
        "scalemail-store",
        "postfix-to-mailman.py",
        "rt-mailgate",
        "sympa",
        "queue",
        "bouncequeue",
        "majordomo",
        "wrapper",
        "cyrdeliver",
        "spamc",
        "bogofilter",
        "autoreply",
        "autoresponse",
        "gnarwl",
        "mlmmj-receive",
        "mlmmj-recieve",
        "policyd-spf",
        "postgrey",
        "schleuder",
        "spamassassin",
        "sa-learn",
        "listserv",
        "ezmlm",
        "redmine",
        "mailfilter",
        "mda",
        "sendmail",
        "kolabmailfilter",
        "pipe-incoming",
        "rspamc",
        "altermime",
        "disclaimer",
        "zarafa-dagent",
        "kopano-dagent",
        "policyd-rate-limit",
        "quota-status",
        "mailto",
        "sortmail",
    ];
    command.split_ascii_whitespace().any(|w| {
        KNOWN
            .iter()
            .any(|k| name(w.trim_matches(['"', '\'', '|'])) == *k || name(w).starts_with("mailman"))
    })
}

fn command(
    host: &Host<'_>,
    path: &str,
    place_word: &'static str,
    text: &str,
    place: Place,
) -> Subject {
    let verdict = crate::shell::judge(text);
    let subject = host
        .subject("host.command", path)
        .text("where", place_word)
        .text("command", text)
        .flag("known", known_program(text))
        .at(place);
    let subject = crate::host::owned(host, verdict.state(subject), &verdict);
    subject.about(ObservableKind::Other, "process.cmd_line", text)
}

fn master(host: &Host<'_>, dir: &str, out: &mut Vec<Subject>) {
    let path = format!("{dir}/master.cf");
    let Some(bytes) = host.read(&path) else {
        return;
    };
    if host.origin(&path).pristine() {
        return;
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    for (line, entry) in logical(&text) {
        let Some((_, argv)) = entry.split_once("argv=") else {
            continue;
        };
        out.push(command(
            host,
            &path,
            "mail_pipe",
            argv,
            host.text(&path, &bytes).line(line),
        ));
    }
}

fn text_table(host: &Host<'_>, path: &str, map: &'static str, out: &mut Vec<Subject>) {
    let Some(bytes) = host.read(path) else { return };
    let text = String::from_utf8_lossy(&bytes);
    for (line, entry_text) in logical(&text) {
        let place = host.text(path, &bytes).line(line);
        if map.ends_with("_checks") {
            checks(host, path, map, &entry_text, place, out);
            continue;
        }
        let (key, targets) = if map == "alias" {
            let Some((key, value)) = alias(&entry_text) else {
                continue;
            };
            (key, value)
        } else {
            let mut words = entry_text.splitn(2, [' ', '\t']);
            let (Some(key), Some(value)) = (words.next(), words.next()) else {
                continue;
            };
            (key.to_owned(), value.trim().to_owned())
        };
        let list = list(&targets);
        let own = |t: &String| t.trim_start_matches('\\').eq_ignore_ascii_case(&key);
        let copy = list.iter().any(own) || map.ends_with("_bcc");
        for to in list.iter().filter(|t| !own(t)) {
            out.extend(entry(host, path, map, &key, to, copy, place.clone()));
        }
    }
}

/// `name: value`, the name perhaps in quotes.
fn alias(text: &str) -> Option<(String, String)> {
    if let Some(rest) = text.strip_prefix('"') {
        let (key, rest) = rest.split_once('"')?;
        return Some((
            key.to_owned(),
            rest.trim().strip_prefix(':')?.trim().to_owned(),
        ));
    }
    let (key, value) = text.split_once(':')?;
    Some((key.trim().to_owned(), value.trim().to_owned()))
}

/// Targets separated by commas, those in quotes whole.
fn list(text: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(String::new()),
            c => {
                if let Some(last) = out.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    out.into_iter()
        .map(|t| t.trim().to_owned())
        .filter(|t| !t.is_empty())
        .collect()
}

fn entry(
    host: &Host<'_>,
    path: &str,
    map: &'static str,
    key: &str,
    to: &str,
    copy: bool,
    place: Place,
) -> Option<Subject> {
    if let Some(program) = to.strip_prefix('|') {
        let account = if map == "forward_file" {
            host.account_of(path)
        } else {
            String::new()
        };
        return Some(
            command(
                host,
                path,
                "alias_pipe",
                program.trim().trim_matches('"'),
                place,
            )
            .text("account", account)
            .text("user", key),
        );
    }
    let foreign = match map {
        "transport" | "sender_relay" => {
            let (domain, hop) = (key.rsplit('@').next().unwrap_or(key), to);
            let ours = key == "*" || !host.domains.foreign(domain.trim_start_matches('.'));
            ours && foreign_host(host, hop)
        }
        _ => host.domains.leaves(to, key),
    };
    if !foreign && !to.starts_with('/') && !to.starts_with(":include:") {
        return None;
    }
    let account = match map {
        "forward_file" => host.account_of(path),
        _ => key.to_owned(),
    };
    Some(
        host.subject("postfix.map", path)
            .text("map", map)
            .text("key", key)
            .text("account", account.as_str())
            .text("to", to)
            .flag("foreign", foreign)
            .flag("resembles_owner", resembles(to, &account))
            .flag("copy", copy)
            .flag(
                "everything",
                key == "*"
                    || key.starts_with('@')
                    || map != "alias"
                        && map != "forward_file"
                        && !key.contains('@')
                        && key.contains('.')
                        && map != "transport",
            )
            .at(place)
            .about(
                ObservableKind::EmailAddress,
                "email.to",
                if to.contains('@') { to } else { "" },
            )
            .about(ObservableKind::UserName, "user.name", &account),
    )
}

/// `/pattern/ REDIRECT address`, `BCC address`, `FILTER transport:host`.
fn checks(
    host: &Host<'_>,
    path: &str,
    map: &'static str,
    text: &str,
    place: Place,
    out: &mut Vec<Subject>,
) {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    for (i, word) in words.iter().enumerate().skip(1) {
        if !matches!(
            *word,
            "REDIRECT" | "BCC" | "FILTER" | "redirect" | "bcc" | "filter" | "Redirect"
        ) {
            continue;
        }
        let Some(to) = words.get(i + 1) else { continue };
        let foreign = if word.eq_ignore_ascii_case("filter") {
            foreign_host(host, to)
        } else {
            host.domains.leaves(to, "")
        };
        let key = words.get(..i).unwrap_or_default().join(" ");
        out.push(
            host.subject("postfix.map", path)
                .text("map", map)
                .text("key", key.as_str())
                .text("to", *to)
                .flag("foreign", foreign)
                .flag("redirects", true)
                .flag("copy", word.eq_ignore_ascii_case("bcc"))
                .flag(
                    "everything",
                    matches!(key.as_str(), "/.*/" | "/^/" | "/./" | "*" | "//" | "/.+/"),
                )
                .at(place.clone())
                .about(
                    ObservableKind::EmailAddress,
                    "email.to",
                    if to.contains('@') { to } else { "" },
                ),
        );
        break;
    }
}

/// Addresses that stand in a compiled table and not in its source: somebody changed the source
/// back after compiling. Compiling writes a new file, so nothing old is left in it.
fn compiled(host: &Host<'_>, path: &str, map: &'static str, out: &mut Vec<Subject>) {
    for end in [".db", ".lmdb", ".cdb"] {
        let db = format!("{path}{end}");
        if !host.has(&db) {
            continue;
        }
        let (Some(compiled), Some(source)) = (host.read_up_to(&db, COMPILED), host.read(path))
        else {
            continue;
        };
        let source = String::from_utf8_lossy(&source).to_lowercase();
        let mut said = BTreeSet::new();
        let mut from = 0;
        for (i, b) in compiled.iter().chain([&0]).enumerate() {
            if (0x21..0x7f).contains(b) {
                continue;
            }
            let run = compiled.get(from..i).unwrap_or_default();
            let start = from;
            from = i + 1;
            let Ok(run) = std::str::from_utf8(run) else {
                continue;
            };
            let address = run.contains('@')
                && run.len() >= 6
                && domain_of(run).is_some_and(|d| d.contains('.'));
            let program = run.starts_with("|/") || run.starts_with("\"|");
            if !(address || program)
                || source.contains(&run.to_lowercase())
                || said.len() > 20
                || !said.insert(run.to_owned())
            {
                continue;
            }
            out.push(
                host.subject("postfix.map", &db)
                    .text("map", map)
                    .text("to", run)
                    .flag("compiled_only", true)
                    .flag("program", program)
                    .flag("foreign", host.domains.leaves(run, ""))
                    .at({
                        let mut place = host.text(&db, &compiled).place(start, i);
                        place.line = None;
                        place
                    })
                    .about(ObservableKind::EmailAddress, "email.to", run),
            );
        }
    }
}

/// `.forward`, `.procmailrc`, `.mailfilter`: forwarding in home directories.
fn forwards(host: &Host<'_>, out: &mut Vec<Subject>) {
    for path in host.paths() {
        let file = name(path);
        let forward = file == ".forward" || file.starts_with(".forward+");
        let procmail = matches!(
            file,
            ".procmailrc" | ".mailfilter" | "procmailrc" | "maildroprc"
        );
        if !(forward || procmail) || host.origin(path).pristine() || path.starts_with("/usr/share/")
        {
            continue;
        }
        let Some(bytes) = host.read(path) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        let account = host.account_of(path);
        for (i, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let place = host.text(path, &bytes).line(i + 1);
            if forward {
                let targets = list(line);
                let copy = targets.iter().any(|t| t.starts_with('\\'));
                for to in targets.iter().filter(|t| !t.starts_with('\\')) {
                    out.extend(entry(
                        host,
                        path,
                        "forward_file",
                        &account,
                        to,
                        copy,
                        place.clone(),
                    ));
                }
            } else if let Some(to) = line.strip_prefix('!') {
                for to in to.split_ascii_whitespace().filter(|t| t.contains('@')) {
                    out.extend(entry(
                        host,
                        path,
                        "forward_file",
                        &account,
                        to,
                        false,
                        place.clone(),
                    ));
                }
            } else if let Some(program) = line.strip_prefix('|') {
                out.push(
                    command(host, path, "alias_pipe", program.trim(), place)
                        .text("account", account.as_str()),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading() {
        assert_eq!(
            logical("# c\na = b\n  c\n\n# x\n d\ne = f\n"),
            [(2, "a = b c d".to_owned()), (7, "e = f".to_owned())]
        );
        let values = [
            ("a".to_owned(), "1 $b".to_owned()),
            ("b".to_owned(), "$a".to_owned()),
        ]
        .into();
        assert!(expand("x ${a} $(c)", &values, 0).len() < 100);
        assert_eq!(alias("\"a b\": c").unwrap(), ("a b".into(), "c".into()));
        assert_eq!(list("a, \"|x, y\", \\b"), ["a", "|x, y", "\\b"]);
        assert_eq!(table("proxy:hash:/x").as_deref(), Some("/x"));
        assert_eq!(table("mysql:/x"), None);
    }
}
