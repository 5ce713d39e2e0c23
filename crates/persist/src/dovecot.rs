//! Dovecot: password databases that let too many in, master users, rights given to others, Sieve
//! programs, odd plugins and executables. Configuration is read as Dovecot reads it, from
//! `dovecot.conf` through its includes, so that the examples that packages ship count for nothing.

use crate::scan::Host;
use crate::subject::Subject;
use crate::tree::{name, parent, resolve};
use std::collections::{BTreeMap, BTreeSet};
use vauban_ocsf::ObservableKind;

/// A line `key = value`, with the sections it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    /// Names of sections, outermost first, with their arguments ("service auth").
    sections: Vec<String>,
    /// Number of the innermost section, so that two `passdb {}` stay two.
    block: usize,
    key: String,
    value: String,
    path: String,
    line: usize,
}

/// Most files followed through includes.
const FILES: usize = 200;

fn config(host: &Host<'_>) -> Vec<Line> {
    let mut out = Vec::new();
    let mut seen = BTreeSet::new();
    let mut blocks = 0;
    for start in [
        "/etc/dovecot/dovecot.conf",
        "/usr/local/etc/dovecot/dovecot.conf",
    ] {
        read(
            host,
            start,
            &mut Vec::new(),
            &mut blocks,
            &mut seen,
            &mut out,
        );
    }
    out
}

fn read(
    host: &Host<'_>,
    path: &str,
    sections: &mut Vec<(String, usize)>,
    blocks: &mut usize,
    seen: &mut BTreeSet<String>,
    out: &mut Vec<Line>,
) {
    if !host.has(path) || seen.len() > FILES || !seen.insert(path.to_owned()) {
        return;
    }
    let Some(bytes) = host.read(path) else { return };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let depth = sections.len();
    for (i, raw) in text.lines().enumerate() {
        let line = uncommented(raw).trim();
        if line.is_empty() {
            continue;
        }
        if let Some(include) = line
            .strip_prefix("!include_try")
            .or(line.strip_prefix("!include"))
        {
            let pattern = resolve(parent(path), include.trim());
            for file in matching(host, &pattern) {
                read(host, &file, sections, blocks, seen, out);
            }
        } else if line.starts_with('}') {
            if sections.len() > depth {
                sections.pop();
            }
        } else if let Some(open) = line.strip_suffix('{') {
            *blocks += 1;
            if sections.len() < 32 {
                sections.push((open.trim().to_owned(), *blocks));
            }
        } else if let Some((key, value)) = line.split_once('=') {
            out.push(Line {
                sections: sections.iter().map(|(s, _)| s.clone()).collect(),
                block: sections.last().map_or(0, |(_, b)| *b),
                key: key.trim().to_owned(),
                value: value.trim().trim_matches('"').to_owned(),
                path: path.to_owned(),
                line: i + 1,
            });
        }
    }
    sections.truncate(depth);
}

/// The line up to a `#` that is not in quotes.
fn uncommented(line: &str) -> &str {
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted
                && line
                    .get(..at)
                    .is_none_or(|b| b.is_empty() || b.ends_with([' ', '\t'])) =>
            {
                return line.get(..at).unwrap_or(line);
            }
            _ => {}
        }
    }
    line
}

/// Files that a pattern with `*` in its last step names.
fn matching(host: &Host<'_>, pattern: &str) -> Vec<String> {
    let file = name(pattern);
    let Some((front, back)) = file.split_once('*') else {
        return vec![pattern.to_owned()];
    };
    let prefix = format!("{}/{front}", parent(pattern));
    host.under(&prefix)
        .filter(|p| {
            let rest = p.get(prefix.len()..).unwrap_or_default();
            !rest.contains('/') && rest.ends_with(back)
        })
        .map(str::to_owned)
        .collect()
}

/// Global Sieve scripts: scope and path.
pub(crate) fn sieve_globals(host: &Host<'_>) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    for l in config(host) {
        let key = l.key.as_str();
        let script = l
            .sections
            .last()
            .is_some_and(|s| s.starts_with("sieve_script"));
        let scope = match key {
            k if k.starts_with("sieve_before") => "before",
            k if k.starts_with("sieve_after") => "after",
            "sieve_global" | "sieve_global_dir" | "sieve_default" | "sieve_global_path" => "global",
            "path" | "sieve_script_path" if script => "global",
            _ => continue,
        };
        let path = l
            .value
            .split(';')
            .next()
            .unwrap_or("")
            .trim_start_matches("file:");
        if path.starts_with('/') && !path.contains('%') && path.len() > 2 {
            out.push((scope, path.trim_end_matches('/').to_owned()));
        }
    }
    for usual in ["/etc/dovecot/sieve", "/var/lib/dovecot/sieve"] {
        out.push(("global", usual.to_owned()));
    }
    out
}

pub(crate) fn inspect(host: &Host<'_>, out: &mut Vec<Subject>) {
    let lines = config(host);
    let mut user_files: BTreeMap<String, bool> = BTreeMap::new();
    databases(host, &lines, &mut user_files, out);
    for l in &lines {
        setting(host, l, out);
    }
    for (path, master) in &user_files {
        users(host, &host.follow(path), *master, out);
    }
    acls(host, out);
}

fn made(host: &Host<'_>, l: &Line) -> Subject {
    let mut dotted: Vec<&str> = l.sections.iter().map(String::as_str).collect();
    dotted.push(&l.key);
    let place = match host.read(&l.path) {
        Some(bytes) => host.text(&l.path, &bytes).line(l.line),
        None => vauban_ocsf::Place::default(),
    };
    host.subject("dovecot.setting", &l.path)
        .text("setting", dotted.join("."))
        .text("value", l.value.as_str())
        .at(place)
}

/// `passdb` sections as wholes.
fn databases(
    host: &Host<'_>,
    lines: &[Line],
    files: &mut BTreeMap<String, bool>,
    out: &mut Vec<Subject>,
) {
    let mut by_block: BTreeMap<usize, Vec<&Line>> = BTreeMap::new();
    for l in lines {
        if l.sections.iter().any(|s| s.starts_with("passdb")) {
            by_block.entry(l.block).or_default().push(l);
        }
    }
    for block in by_block.values() {
        let all: String = block
            .iter()
            .map(|l| format!("{}={} ", l.key, l.value))
            .collect();
        let get = |key: &str| block.iter().find(|l| l.key == key);
        let kind = block
            .first()
            .and_then(|l| l.sections.last())
            .map_or("", String::as_str);
        let driver = get("driver").map_or_else(
            || kind.split_ascii_whitespace().nth(1).unwrap_or(""),
            |l| l.value.as_str(),
        );
        let master = get("master").is_some_and(|l| l.value.eq_ignore_ascii_case("yes"));
        let nopassword = all.contains("nopassword") && !all.contains("nopassword=no");
        let path = block
            .iter()
            .filter(|l| matches!(l.key.as_str(), "args" | "passwd_file_path"))
            .flat_map(|l| l.value.split_ascii_whitespace())
            .find(|w| w.starts_with('/'));
        if driver == "passwd-file"
            && let Some(path) = path
        {
            files.insert(path.to_owned(), master);
        }
        if !(master || nopassword || driver == "checkpassword") {
            continue;
        }
        let Some(first) = get("driver").or(get("args")).or(block.first()) else {
            continue;
        };
        let mut subject = made(host, first)
            .text("setting", "passdb")
            .text("value", all.trim())
            .flag("master", master)
            .flag("nopassword", nopassword)
            .flag("everyone", !all.contains("allow_nets"));
        if driver == "checkpassword" {
            let program = all.split_ascii_whitespace().find_map(|w| {
                w.split_once('=')
                    .map_or(Some(w), |(_, v)| Some(v))
                    .filter(|p| p.starts_with('/'))
            });
            subject = subject.flag("odd_path", program.is_some_and(|p| odd(host, p)));
        }
        out.push(subject);
    }
}

/// A program or library in an odd place, or of no package.
fn odd(host: &Host<'_>, path: &str) -> bool {
    let place = crate::shell::hidden_path(path)
        || [
            "/tmp/",
            "/var/tmp/",
            "/dev/shm/",
            "/home/",
            "/var/www/",
            "/run/",
            "/var/mail/",
            "/var/vmail/",
        ]
        .iter()
        .any(|d| path.starts_with(d));
    place
        || host.has(path)
            && host.origin(path) == crate::Origin::Unowned
            && !path.starts_with("/usr/local/")
            && !path.starts_with("/opt/")
}

fn setting(host: &Host<'_>, l: &Line, out: &mut Vec<Subject>) {
    let value = l.value.as_str();
    match l.key.as_str() {
        "auth_verbose_passwords" => {
            let plain = value.starts_with("plain") || value.eq_ignore_ascii_case("yes");
            out.extend(plain.then(|| made(host, l).flag("plain_log", true)));
        }
        "auth_debug_passwords" if value.eq_ignore_ascii_case("yes") => {
            out.push(made(host, l).flag("plain_log", true));
        }
        "mail_plugin_dir"
        | "login_plugin_dir"
        | "sieve_plugin_dir"
        | "base_dir"
        | "libexec_dir"
        | "sieve_pipe_bin_dir"
        | "sieve_filter_bin_dir"
        | "sieve_execute_bin_dir" => {
            let dir = format!("{}/", value.trim_end_matches('/'));
            if l.key.starts_with("sieve_") && l.key.ends_with("bin_dir") {
                programs(host, &dir, out);
            }
            if !dir.starts_with("/usr/") && !dir.starts_with("/etc/dovecot/") && l.key != "base_dir"
            {
                out.push(made(host, l).flag("odd_path", odd(host, &dir)));
            }
        }
        "executable" => {
            if let Some(program) = value.split_ascii_whitespace().find(|w| w.starts_with('/'))
                && odd(host, program)
            {
                out.push(made(host, l).flag("odd_path", true).about(
                    ObservableKind::FilePath,
                    "file.path",
                    program,
                ));
            }
        }
        "sieve_plugins" | "sieve_extensions" | "sieve_global_extensions" => {
            let programs = value.contains("extprograms")
                || value.contains("vnd.dovecot.pipe")
                || value.contains("vnd.dovecot.execute")
                || value.contains("vnd.dovecot.filter");
            out.extend(programs.then(|| made(host, l).flag("extprograms", true)));
        }
        "import_environment"
            if value.contains("LD_PRELOAD") || value.contains("LD_LIBRARY_PATH") =>
        {
            out.push(made(host, l).flag("odd_path", true));
        }
        "login_trusted_networks"
            if value
                .split_ascii_whitespace()
                .any(|n| matches!(n, "0.0.0.0/0" | "::/0" | "0/0")) =>
        {
            out.push(made(host, l).flag("everyone", true));
        }
        _ => {}
    }
}

/// Programs that Sieve scripts may run.
fn programs(host: &Host<'_>, dir: &str, out: &mut Vec<Subject>) {
    let paths: Vec<String> = host.under(dir).map(str::to_owned).collect();
    for path in paths {
        crate::host::script_file(host, &path, "sieve_program", "", out);
    }
}

/// Lines of a passwd-file: `user:password:uid:gid:gecos:home:shell:extra`.
fn users(host: &Host<'_>, path: &str, master: bool, out: &mut Vec<Subject>) {
    if path.contains('%') {
        return;
    }
    let Some(bytes) = host.read(path) else { return };
    let text = String::from_utf8_lossy(&bytes);
    let names: Vec<&str> = text.lines().filter_map(|l| l.split(':').next()).collect();
    let locals: BTreeSet<&str> = names
        .iter()
        .map(|n| n.split('@').next().unwrap_or(n))
        .collect();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for (i, line) in text.lines().enumerate() {
        let fields: Vec<&str> = line.split(':').collect();
        let user = fields.first().copied().unwrap_or("").trim();
        if user.is_empty() || user.starts_with('#') {
            continue;
        }
        let password = fields.get(1).copied().unwrap_or("");
        let extra = fields.get(7..).unwrap_or_default().join(":");
        let local = user.split('@').next().unwrap_or(user);
        let stores: Vec<&str> = fields
            .get(5)
            .copied()
            .into_iter()
            .chain(extra.split_ascii_whitespace().filter_map(|w| {
                w.strip_prefix("userdb_mail=")
                    .or(w.strip_prefix("userdb_home="))
            }))
            .collect();
        let other_store = stores.iter().any(|s| {
            !s.contains(local)
                && s.split(['/', ':', '@'])
                    .any(|step| step != local && locals.contains(step) && step.len() > 2)
        });
        let nopassword = extra.contains("nopassword") && !extra.contains("nopassword=n")
            || password.is_empty() && !extra.contains("proxy");
        let twice = !seen.insert(user);
        let plain = password.starts_with("{PLAIN}")
            || password.starts_with("{plain}")
            || password.starts_with("{CLEARTEXT}");
        let root = fields.get(2) == Some(&"0");
        if !(master || other_store || nopassword || twice || root) {
            continue;
        }
        out.push(
            host.subject("dovecot.user", path)
                .text("user", user)
                .text("account", user)
                .flag("master_file", master)
                .flag("root", root)
                .flag("nopassword", nopassword)
                .flag("other_store", other_store)
                .flag("twice", twice)
                .flag("plain_password", plain)
                .at({
                    // The hash does not belong into a report.
                    let mut place = host.text(path, &bytes).line(i + 1);
                    place.excerpt =
                        format!("{user}:…:{}", fields.get(2..).unwrap_or_default().join(":"));
                    place
                })
                .about(ObservableKind::UserName, "user.name", user),
        );
    }
}

/// `dovecot-acl` files: `user=bob lrs`, `anyone lr`, and 2.4's same.
fn acls(host: &Host<'_>, out: &mut Vec<Subject>) {
    for path in host.paths().filter(|p| name(p) == "dovecot-acl") {
        let Some(bytes) = host.read(path) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        let mailbox = name(parent(path));
        let account = host.account_of(path);
        for (i, line) in text.lines().enumerate() {
            let line = line.trim();
            let (to, rights) = match line.strip_prefix('"').and_then(|r| r.split_once('"')) {
                Some((to, rights)) => (to, rights.trim()),
                None => match line.rsplit_once([' ', '\t']) {
                    Some((to, rights)) => (to.trim(), rights.trim()),
                    None => continue,
                },
            };
            // A right that is taken away begins with `-`.
            if line.starts_with('#') || to.starts_with('-') || to.starts_with("owner") {
                continue;
            }
            let rights = rights.split(':').next().unwrap_or("");
            let own = to
                .strip_prefix("user=")
                .is_some_and(|u| u.eq_ignore_ascii_case(&account));
            if own {
                continue;
            }
            out.push(
                host.subject("dovecot.acl", path)
                    .text("account", account.as_str())
                    .text(
                        "mailbox",
                        if matches!(mailbox, "Maildir" | "mail") || mailbox.is_empty() {
                            "INBOX"
                        } else {
                            mailbox.trim_start_matches('.')
                        },
                    )
                    .text("to", to)
                    .text("rights", rights)
                    .flag("everybody", matches!(to, "anyone" | "authenticated"))
                    .flag("read", rights.contains('r'))
                    .flag("write", rights.contains(['i', 'p', 't', 'e', 'x']))
                    .flag("administer", rights.contains('a'))
                    .at(host.text(path, &bytes).line(i + 1))
                    .about(
                        ObservableKind::UserName,
                        "user.name",
                        to.trim_start_matches("user="),
                    ),
            );
        }
    }
}
