//! Who is let in: authorized keys, sudo, PAM, sshd; and what the loader puts into every program.

use crate::Origin;
use crate::scan::Host;
use crate::shell::judge;
use crate::subject::Subject;
use crate::tree::{name, parent, usr};
use std::collections::{BTreeMap, BTreeSet};
use vauban_ocsf::ObservableKind;

pub(crate) fn inspect(host: &Host<'_>, out: &mut Vec<Subject>) {
    keys(host, out);
    for path in host.paths() {
        if host.file(path).is_none_or(|f| f.link.is_some()) {
            continue;
        }
        if path == "/etc/sudoers"
            || path.starts_with("/etc/sudoers.d/")
                && !name(path).contains('.')
                && !name(path).ends_with('~')
        {
            sudo(host, path, out);
        } else if path.starts_with("/etc/pam.d/") || path == "/etc/pam.conf" {
            pam(host, path, out);
        } else if path == "/etc/ssh/sshd_config" || path.starts_with("/etc/ssh/sshd_config.d/") {
            sshd(host, path, out);
        } else if path == "/etc/ld.so.preload" {
            preload(host, path, out);
        } else if path.starts_with("/etc/apt/sources.list") {
            sources(host, path, out);
        }
    }
}

fn key_file(path: &str) -> bool {
    matches!(name(path), "authorized_keys" | "authorized_keys2")
        || path.starts_with("/etc/ssh/authorized_keys")
        || path.contains("/ssh/keys/")
}

const TYPES: &[&str] = &["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"];

fn keys(host: &Host<'_>, out: &mut Vec<Subject>) {
    let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut found: Vec<(Subject, String)> = Vec::new();
    for path in host.paths().filter(|p| key_file(p)) {
        if host.file(path).is_none_or(|f| f.link.is_some()) {
            continue;
        }
        let Some(bytes) = host.read(path) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        let home = parent(parent(path));
        let by_home = host
            .accounts
            .list
            .iter()
            .find(|a| a.home == home && !home.is_empty())
            .map(|a| a.name.clone());
        let user = match by_home {
            Some(user) => user,
            None if home == "/root" => "root".into(),
            None if path.contains("/.ssh/") => name(home).to_owned(),
            None => name(path).split('.').next().unwrap_or("").to_owned(),
        };
        for (i, raw) in text.split('\n').enumerate() {
            let line = raw.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((options, kind, key, comment)) = split_key(line) else {
                host.problem(path, format!("line {}: no key", i + 1));
                continue;
            };
            owners.entry(key.clone()).or_default().insert(user.clone());
            let forced = option(&options, "command");
            let mut verdict = forced.as_deref().map(judge).unwrap_or_default();
            if judge(raw).is("hidden_text") {
                verdict.facts.insert("hidden_text");
            }
            let mut place = host.text(path, &bytes).line(i + 1);
            place.excerpt = crate::subject::brief(&format!(
                "{options} {kind} {}… {comment}",
                key.get(..24).unwrap_or(&key)
            ));
            let subject = host
                .subject("host.key", path)
                .text("user", user.as_str())
                .text("account", user.as_str())
                .text("type", kind)
                .text("comment", comment)
                .text("command", forced.clone().unwrap_or_default())
                .flag("service", host.accounts.service(&user))
                .flag("root", user == "root")
                .flag("forced_command", forced.is_some())
                .flag(
                    "restricted",
                    forced.is_some() || options.contains("from=") || options.contains("restrict"),
                )
                .flag("environment", options.contains("environment="))
                .flag("home", path.contains("/.ssh/"))
                .at(place)
                .about(ObservableKind::UserName, "user.name", &user);
            found.push((verdict.state(subject), key));
        }
    }
    for (subject, key) in found {
        let shared = owners.get(&key).is_some_and(|o| o.len() > 1);
        out.push(subject.flag("shared", shared));
    }
}

/// `options type key comment`, options with quoted blanks.
fn split_key(line: &str) -> Option<(String, &str, String, &str)> {
    let mut quoted = false;
    let mut start = 0;
    let mut escaped = false;
    let mut words: Vec<(usize, &str)> = Vec::new();
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        match c {
            '"' if !escaped => quoted = !quoted,
            ' ' | '\t' if !quoted || at == line.len() => {
                if at > start {
                    words.push((start, line.get(start..at)?));
                }
                start = at + 1;
            }
            _ => {}
        }
        escaped = c == '\\';
    }
    let at = words
        .iter()
        .position(|(_, w)| TYPES.iter().any(|t| w.starts_with(t)))?;
    let options = if at == 0 {
        ""
    } else {
        line.get(..words.get(at)?.0)?.trim()
    };
    let key = words.get(at + 1)?;
    let comment = line.get(key.0 + key.1.len()..)?.trim();
    Some((
        options.to_owned(),
        words.get(at)?.1,
        key.1.to_owned(),
        comment,
    ))
}

fn option(options: &str, name: &str) -> Option<String> {
    let at = options.find(&format!("{name}=\""))?;
    let rest = options.get(at + name.len() + 2..)?;
    let mut out = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            '"' => break,
            c => out.push(c),
        }
    }
    Some(out)
}

/// Programs with which whoever may run them as root may run anything.
const ESCAPES: &[&str] = &[
    "bash", "sh", "dash", "zsh", "vi", "vim", "nano", "less", "more", "find", "awk", "gawk",
    "mawk", "sed", "perl", "python", "python3", "ruby", "php", "node", "lua", "tar", "zip",
    "rsync", "git", "env", "tee", "cp", "mv", "dd", "chmod", "chown", "su", "sudo", "nmap", "gdb",
    "strace", "docker", "mysql", "man", "ftp", "socat", "nc", "xargs", "make", "ssh", "scp",
    "tcpdump", "wget", "curl", "crontab", "at", "apt", "apt-get", "dpkg", "pip",
];

fn sudo(host: &Host<'_>, path: &str, out: &mut Vec<Subject>) {
    if host.origin(path).pristine() {
        return;
    }
    let Some(bytes) = host.read(path) else { return };
    let text = String::from_utf8_lossy(&bytes);
    for (i, raw) in text.lines().enumerate() {
        let line = raw.split(" #").next().unwrap_or(raw).trim();
        if line.is_empty() || line.starts_with(['#', '@']) {
            continue;
        }
        let place = host.text(path, &bytes).line(i + 1);
        if let Some(defaults) = line.strip_prefix("Defaults") {
            let everywhere = defaults.starts_with([' ', '\t']);
            let weak = [
                "!authenticate",
                "!logfile",
                "!syslog",
                "env_keep+=\"LD_",
                "env_keep += \"LD_",
                "LD_PRELOAD",
                "!env_reset",
                "timestamp_timeout=-1",
            ]
            .iter()
            .any(|w| defaults.contains(w));
            let library = defaults.contains("LD_PRELOAD") || defaults.contains("LD_LIBRARY_PATH");
            if weak && (everywhere || library) {
                out.push(
                    host.subject("host.sudo", path)
                        .text("what", line)
                        .flag("weakens", true)
                        .at(place),
                );
            }
            continue;
        }
        if ["User_Alias", "Runas_Alias", "Host_Alias", "Cmnd_Alias"]
            .iter()
            .any(|a| line.starts_with(a))
        {
            continue;
        }
        let Some((left, right)) = line.split_once('=') else {
            continue;
        };
        let who = left.split_ascii_whitespace().next().unwrap_or("");
        let no_password = right.contains("NOPASSWD");
        let commands: Vec<&str> = right
            .split(',')
            .map(|c| {
                c.rsplit(':')
                    .next()
                    .unwrap_or(c)
                    .trim()
                    .trim_start_matches('(')
                    .trim()
            })
            .map(|c| c.rsplit(')').next().unwrap_or(c).trim())
            .collect();
        let all = commands.contains(&"ALL");
        let escape = commands.iter().any(|c| {
            let program = c.split_ascii_whitespace().next().unwrap_or("");
            // With fixed arguments a program does only that.
            ESCAPES.contains(&name(program))
                && (c.split_ascii_whitespace().count() == 1 || c.contains('*'))
        });
        out.push(
            host.subject("host.sudo", path)
                .text("who", who)
                .text("account", who)
                .text("what", right.trim())
                .flag("no_password", no_password)
                .flag("all", all)
                .flag("everybody", who == "ALL")
                .flag("group", who.starts_with('%'))
                .flag(
                    "service",
                    !who.starts_with('%') && host.accounts.service(who),
                )
                .flag("shell_escape", escape)
                .at(place)
                .about(ObservableKind::UserName, "user.name", who),
        );
    }
}

fn pam(host: &Host<'_>, path: &str, out: &mut Vec<Subject>) {
    if host.origin(path).pristine() {
        return;
    }
    let Some(bytes) = host.read(path) else { return };
    let text = String::from_utf8_lossy(&bytes);
    // A module that asks for nothing lets all in only if nothing before it has already refused.
    let mut refused = false;
    for (i, raw) in text.lines().enumerate() {
        let line = raw.split('#').next().unwrap_or(raw).trim();
        if line.is_empty() {
            continue;
        }
        let (kind, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let rest = rest.trim_start();
        let (control, rest) = match rest.strip_prefix('[') {
            Some(inner) => inner.split_once(']').unwrap_or((inner, "")),
            None => rest.split_once([' ', '\t']).unwrap_or((rest, "")),
        };
        let words: Vec<&str> = rest.split_ascii_whitespace().collect();
        let Some(module) = words.first().copied().filter(|m| m.contains(".so")) else {
            continue;
        };
        let auth = kind.trim_start_matches('-') == "auth";
        let file = name(module);
        if auth && file == "pam_deny.so" {
            refused = true;
        }
        let passes = matches!(control, "sufficient" | "requisite")
            || control.contains("success=done")
            || control.contains("default=done")
            || control == "binding";
        let lets = auth && passes && control != "requisite" && file == "pam_permit.so" && !refused;
        let executes = matches!(file, "pam_exec.so" | "pam_script.so" | "pam_python.so");
        let program = words
            .iter()
            .skip(1)
            .find(|w| w.starts_with('/'))
            .copied()
            .unwrap_or("");
        let real = if module.starts_with('/') {
            host.follow(module)
        } else {
            find_module(host, module)
        };
        let unowned = !real.is_empty() && host.has(&real) && host.origin(&real) == Origin::Unowned;
        let odd = module.starts_with('/') && !usr(module).starts_with("/usr/lib");
        if lets || executes || unowned || odd {
            out.push(
                host.subject("host.pam", path)
                    .text("service", name(path))
                    .text("module", module)
                    .text("control", control)
                    .text("program", program)
                    .flag("lets_all_in", lets)
                    .flag("runs_program", executes)
                    .flag(
                        "gets_password",
                        executes && words.contains(&"expose_authtok"),
                    )
                    .flag("module_unowned", unowned)
                    .flag("module_odd", odd)
                    .at(host.text(path, &bytes).line(i + 1))
                    .about(
                        ObservableKind::FilePath,
                        "file.path",
                        if program.is_empty() { module } else { program },
                    ),
            );
        }
    }
}

fn find_module(host: &Host<'_>, module: &str) -> String {
    let end = format!("/security/{module}");
    host.under("/usr/lib")
        .find(|p| p.ends_with(&end))
        .unwrap_or("")
        .to_owned()
}

fn sshd(host: &Host<'_>, path: &str, out: &mut Vec<Subject>) {
    if host.origin(path).pristine() {
        return;
    }
    let Some(bytes) = host.read(path) else { return };
    let text = String::from_utf8_lossy(&bytes);
    for (i, raw) in text.lines().enumerate() {
        let line = raw.trim();
        if line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once([' ', '\t', '=']) else {
            continue;
        };
        let value = value.trim();
        let make = || {
            host.subject("host.setting", path)
                .text("setting", key)
                .text("value", value)
                .at(host.text(path, &bytes).line(i + 1))
        };
        let odd = |p: &str| {
            ["/tmp/", "/var/tmp/", "/dev/shm/", "/var/www/"]
                .iter()
                .any(|d| p.starts_with(d))
                || p.split('/')
                    .any(|s| s.starts_with('.') && s.len() > 1 && s != ".ssh")
        };
        match key.to_ascii_lowercase().as_str() {
            "authorizedkeyscommand" | "authorizedprincipalscommand" if value != "none" => {
                let program = value
                    .split_ascii_whitespace()
                    .next()
                    .unwrap_or("")
                    .trim_matches('"');
                let real = host.follow(program);
                let known = [
                    "sss_ssh_authorizedkeys",
                    "eic_run_authorized_keys",
                    "google_authorized_keys",
                    "gitea",
                    "gitlab-shell-authorized-keys-check",
                    "ldap",
                    "keycloak",
                    "userdbctl",
                    "opkssh",
                ]
                .iter()
                .any(|k| value.contains(k));
                let unowned = host.has(&real) && host.origin(&real) == Origin::Unowned;
                out.push(
                    make()
                        .flag("keys_elsewhere", true)
                        .flag("odd_program", !known && (unowned || odd(program)))
                        .about(ObservableKind::FilePath, "file.path", program),
                );
            }
            "authorizedkeysfile" => {
                let elsewhere = value.split_ascii_whitespace().any(odd);
                if elsewhere {
                    out.push(
                        make()
                            .flag("keys_elsewhere", true)
                            .flag("odd_program", true),
                    );
                }
            }
            "permitemptypasswords" if value.eq_ignore_ascii_case("yes") => {
                out.push(make().flag("empty_passwords", true))
            }
            "permituserenvironment" if !value.eq_ignore_ascii_case("no") => out.push(make()),
            "trustedusercakeys" if value != "none" => out.push(make().flag("foreign_ca", true)),
            "forcecommand" => {
                let verdict = judge(value.trim_matches('"'));
                if verdict.suspicious() {
                    out.push(make().flag("odd_program", true));
                }
            }
            "loglevel" if value.eq_ignore_ascii_case("quiet") => {
                out.push(make().flag("logging_off", true))
            }
            _ => {}
        }
    }
}

fn preload(host: &Host<'_>, path: &str, out: &mut Vec<Subject>) {
    let Some(bytes) = host.read(path) else { return };
    let text = String::from_utf8_lossy(&bytes);
    for (i, line) in text.lines().enumerate() {
        for library in line
            .split('#')
            .next()
            .unwrap_or("")
            .split([' ', '\t', ':'])
            .filter(|l| !l.is_empty())
        {
            let real = host.follow(library);
            let owned =
                host.has(&real) && matches!(host.origin(&real), Origin::Packaged | Origin::Owned);
            out.push(
                host.subject("host.setting", path)
                    .text("setting", "ld.so.preload")
                    .text("value", library)
                    .flag("preload", true)
                    .flag("library_owned", owned)
                    .at(host.text(path, &bytes).line(i + 1))
                    .about(ObservableKind::FilePath, "file.path", library),
            );
        }
    }
}

fn sources(host: &Host<'_>, path: &str, out: &mut Vec<Subject>) {
    let Some(bytes) = host.read(path) else { return };
    let text = String::from_utf8_lossy(&bytes);
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        let trusted = line.starts_with("deb") && line.contains("trusted=yes")
            || line.to_ascii_lowercase().starts_with("trusted:")
                && line.to_ascii_lowercase().ends_with("yes");
        if trusted {
            out.push(
                host.subject("host.setting", path)
                    .text("setting", "trusted")
                    .text("value", line)
                    .flag("untrusted_packages", !line.contains("file:"))
                    .at(host.text(path, &bytes).line(i + 1)),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_options() {
        let (options, kind, key, comment) =
            split_key("command=\"a \\\"b\\\" c\",no-pty ssh-ed25519 AAAA me at home").unwrap();
        assert_eq!(
            (kind, key.as_str(), comment),
            ("ssh-ed25519", "AAAA", "me at home")
        );
        assert_eq!(option(&options, "command").as_deref(), Some("a \"b\" c"));
        assert!(split_key("garbage").is_none());
    }
}
