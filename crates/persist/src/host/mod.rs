//! The host itself: what runs by itself or at log-in, and who may log in.
//!
//! - this file: commands and scripts in all places from which they are run;
//! - `accounts`: passwd, shadow, group; `access`: keys, sudo, PAM, sshd, the loader's settings.

pub(crate) mod access;
pub(crate) mod accounts;

use crate::Origin;
use crate::scan::Host;
use crate::shell::{Verdict, judge};
use crate::subject::Subject;
use crate::tree::{name, parent, usr};
use vauban_ocsf::{ObservableKind, Place};

pub(crate) fn inspect(host: &Host<'_>, out: &mut Vec<Subject>) {
    for path in host.paths() {
        let Some(f) = host.file(path) else { continue };
        if f.link.is_some() {
            continue;
        }
        match place_of(path) {
            Some(Kind::Crontab { user }) => crontab(host, path, user, out),
            Some(Kind::Script(at, when)) => script_file(host, path, at, when, out),
            Some(Kind::Lines(at)) => lines(host, path, at, out),
            Some(Kind::Unit) => unit(host, path, out),
            None => {}
        }
    }
    accounts::inspect(host, out);
    access::inspect(host, out);
}

enum Kind {
    /// A crontab, with or without a column for the user.
    Crontab { user: bool },
    /// A script that is run as a whole, and when.
    Script(&'static str, &'static str),
    /// Configuration in which some lines name commands.
    Lines(&'static str),
    /// A unit of systemd.
    Unit,
}

/// Places from which something is run.
fn place_of(path: &str) -> Option<Kind> {
    let file = name(path);
    let backup = [
        ".dpkg-old",
        ".dpkg-dist",
        ".dpkg-new",
        ".ucf-old",
        ".placeholder",
        "~",
        ".rpmsave",
        ".rpmnew",
        ".swp",
        ".md",
        ".txt",
    ]
    .iter()
    .any(|e| file.ends_with(e));
    if backup || path.starts_with("/usr/share/doc/") {
        return None;
    }
    let script = |at, when| Some(Kind::Script(at, when));
    let starts = |dirs: &[&str]| dirs.iter().any(|d| path.starts_with(d));
    if path == "/etc/crontab" || path.starts_with("/etc/cron.d/") || path == "/etc/anacrontab" {
        return Some(Kind::Crontab {
            user: path != "/etc/anacrontab",
        });
    }
    if starts(&["/var/spool/cron/crontabs/", "/var/spool/cron/tabs/"])
        || path.starts_with("/var/spool/cron/")
            && !path.contains("/atjobs/")
            && !path.contains("/atspool/")
            && parent(path) == "/var/spool/cron"
    {
        return Some(Kind::Crontab { user: false });
    }
    if starts(&["/var/spool/cron/atjobs/", "/var/spool/at/"]) {
        return if file.starts_with('.') {
            None
        } else {
            script("at", "once")
        };
    }
    for (dir, when) in [
        ("/etc/cron.hourly/", "hourly"),
        ("/etc/cron.daily/", "daily"),
        ("/etc/cron.weekly/", "weekly"),
        ("/etc/cron.monthly/", "monthly"),
        ("/etc/cron.yearly/", "yearly"),
    ] {
        if path.starts_with(dir) {
            return script("cron", when);
        }
    }
    if starts(&[
        "/etc/systemd/system-generators/",
        "/etc/systemd/user-generators/",
        "/usr/lib/systemd/system-generators/",
        "/usr/local/lib/systemd/system-generators/",
        "/run/systemd/system-generators/",
        "/usr/lib/systemd/system-environment-generators/",
    ]) {
        return script("generator", "boot");
    }
    if starts(&[
        "/usr/lib/systemd/system-shutdown/",
        "/usr/lib/systemd/system-sleep/",
    ]) {
        return script("systemd", "shutdown or sleep");
    }
    let unit = [".service", ".timer", ".socket", ".path", ".conf", ".mount"]
        .iter()
        .any(|e| file.ends_with(e));
    if unit
        && (path.contains("/systemd/system/") || path.contains("/systemd/user/"))
        && !path.starts_with("/usr/share/")
    {
        return Some(Kind::Unit);
    }
    if starts(&["/etc/init.d/", "/etc/rc.d/", "/etc/rcS.d/", "/etc/rc0.d/"])
        || matches!(
            path,
            "/etc/rc.local" | "/etc/rc.d/rc.local" | "/etc/init.d/rc.local" | "/etc/inittab"
        )
    {
        return script("rc", "boot");
    }
    if path.starts_with("/etc/profile.d/")
        || matches!(
            path,
            "/etc/profile"
                | "/etc/bash.bashrc"
                | "/etc/bashrc"
                | "/etc/zsh/zshrc"
                | "/etc/zsh/zprofile"
                | "/etc/zsh/zshenv"
                | "/etc/environment"
                | "/etc/csh.cshrc"
                | "/etc/bash.bash_logout"
        )
    {
        return script("profile", "log-in");
    }
    if matches!(
        file,
        ".bashrc"
            | ".bash_profile"
            | ".bash_login"
            | ".profile"
            | ".zshrc"
            | ".zprofile"
            | ".zshenv"
            | ".bash_logout"
            | ".bash_aliases"
            | ".xprofile"
            | ".xsessionrc"
            | ".pam_environment"
    ) && !path.starts_with("/usr/")
    {
        return script("profile", "log-in");
    }
    if path.ends_with("/.ssh/rc") || path == "/etc/ssh/sshrc" {
        return script("ssh_rc", "log-in over SSH");
    }
    if path.ends_with("/.ssh/environment") {
        return script("ssh_rc", "log-in over SSH");
    }
    if starts(&["/etc/update-motd.d/"]) {
        return script("motd", "log-in");
    }
    if starts(&[
        "/etc/network/if-up.d/",
        "/etc/network/if-pre-up.d/",
        "/etc/network/if-down.d/",
        "/etc/network/if-post-down.d/",
        "/etc/dhcp/dhclient-exit-hooks.d/",
        "/etc/dhcp/dhclient-enter-hooks.d/",
        "/etc/NetworkManager/dispatcher.d/",
        "/etc/ppp/ip-up.d/",
        "/etc/networkd-dispatcher/",
        "/etc/resolvconf/update.d/",
        "/etc/openvpn/",
    ]) {
        return script("network", "change of network");
    }
    if starts(&["/etc/kernel/", "/etc/initramfs-tools/"])
        && !path.contains("/conf.d/")
        && !file.ends_with(".conf")
        && !matches!(file, "modules")
    {
        return script("initrd", "change of kernel");
    }
    if path.contains("/.git/hooks/") && !file.ends_with(".sample")
        || path.contains("/hooks/") && path.contains(".git/") && !file.ends_with(".sample")
    {
        return script("git", "git");
    }
    if starts(&[
        "/etc/udev/rules.d/",
        "/usr/lib/udev/rules.d/",
        "/usr/local/lib/udev/rules.d/",
    ]) {
        return Some(Kind::Lines("udev"));
    }
    if starts(&[
        "/etc/apt/apt.conf",
        "/etc/dpkg/dpkg.cfg",
        "/etc/yum",
        "/etc/dnf/",
    ]) {
        return Some(Kind::Lines("apt"));
    }
    if starts(&["/etc/logrotate.d/", "/etc/logrotate.conf"]) {
        return Some(Kind::Lines("logrotate"));
    }
    if starts(&["/etc/modprobe.d/", "/usr/lib/modprobe.d/"]) {
        return Some(Kind::Lines("modprobe"));
    }
    if starts(&["/etc/rsyslog", "/etc/syslog-ng/"]) {
        return Some(Kind::Lines("logging"));
    }
    if starts(&["/etc/fail2ban/action.d/"]) {
        return Some(Kind::Lines("fail2ban"));
    }
    if path.ends_with("/.git/config") || path.ends_with("/.gitconfig") || path == "/etc/gitconfig" {
        return Some(Kind::Lines("git"));
    }
    if starts(&[
        "/etc/snmp/",
        "/etc/xinetd.d/",
        "/etc/inetd.conf",
        "/etc/supervisor/",
        "/etc/monit/",
        "/etc/incron.d/",
        "/var/spool/incron/",
    ]) {
        return Some(Kind::Lines("rc"));
    }
    None
}

/// Adds whether the program that is run belongs to a package.
pub(crate) fn owned(host: &Host<'_>, subject: Subject, verdict: &Verdict) -> Subject {
    let Some(program) = verdict.programs.iter().find(|p| p.starts_with('/')) else {
        return subject;
    };
    let path = host.follow(&usr(program));
    let unowned = host.has(&path) && host.origin(&path) == Origin::Unowned;
    subject.flag("program_unowned", unowned)
}

/// A subject about a command.
fn command(
    host: &Host<'_>,
    path: &str,
    at: &'static str,
    text: &str,
    place: Place,
    verdict: &Verdict,
) -> Subject {
    let subject = host
        .subject("host.command", path)
        .text("where", at)
        .text("command", crate::subject::brief(text))
        .at(place);
    owned(host, verdict.state(subject), verdict)
        .flag("lookalike", lookalike(host, path))
        .about(ObservableKind::FilePath, "file.path", path)
}

/// Named like a part of the system, but by no package: `systemd-networkd2.service`, `dbus-org.conf`.
fn lookalike(host: &Host<'_>, path: &str) -> bool {
    let file = name(path);
    let stem = file.split('.').next().unwrap_or(file);
    let system = [
        "systemd-",
        "dbus-",
        "kworker",
        "kthread",
        "syslogd",
        "crond",
        "udevd",
        "sshd-",
        "ssh-agentd",
        "networkd-",
        "accounts-d",
        "polkit-",
        "rsyslog-",
        "cron-",
    ];
    host.origin(path) == Origin::Unowned && system.iter().any(|s| stem.starts_with(s))
        // Names of system units that administrators may create drop-ins for are directories.
        && !parent(path).ends_with(".d")
}

/// A script that is run as a whole.
pub(crate) fn script_file(
    host: &Host<'_>,
    path: &str,
    at: &'static str,
    when: &str,
    out: &mut Vec<Subject>,
) {
    if host.file(path).is_none_or(|f| f.link.is_some()) || host.origin(path).pristine() {
        return;
    }
    let Some(bytes) = host.read(path) else { return };
    let text = String::from_utf8_lossy(&bytes);
    let program = bytes.starts_with(b"\x7fELF");
    let verdict = if program {
        Verdict::default()
    } else {
        judge(&text)
    };
    let place = if verdict.line > 0 {
        host.text(path, &bytes).line(verdict.line)
    } else {
        host.text(path, &bytes).whole()
    };
    let shown = if program {
        String::new()
    } else {
        place.excerpt.clone()
    };
    let user = match at {
        "profile" | "ssh_rc" => host.account_of(path),
        "at" => String::new(),
        _ => "root".to_owned(),
    };
    // An empty file, a comment: nothing is run.
    let acts = program
        || text
            .lines()
            .any(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#'));
    if acts {
        out.push(
            command(host, path, at, &shown, place, &verdict)
                .text("when", when)
                .text("user", user.as_str())
                .text("account", user.as_str())
                .flag("service_user", host.accounts.service(&user)),
        );
    }
}

fn crontab(host: &Host<'_>, path: &str, with_user: bool, out: &mut Vec<Subject>) {
    if host.origin(path).pristine() {
        return;
    }
    let Some(bytes) = host.read(path) else { return };
    let text = String::from_utf8_lossy(&bytes);
    let owner = if with_user || path == "/etc/anacrontab" {
        "root"
    } else {
        name(path)
    };
    for (i, raw) in text.split('\n').enumerate() {
        let line = raw.trim_end_matches('\r').trim();
        if line.is_empty() || line.starts_with('#') && !line.contains('\r') {
            continue;
        }
        let place = host.text(path, &bytes).line(i + 1);
        let first = line.split(['=', ' ', '\t']).next().unwrap_or("");
        if line.contains('=')
            && !first.is_empty()
            && first
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !first.starts_with(|c: char| c.is_ascii_digit())
        {
            let verdict = judge(line);
            if verdict.suspicious() {
                out.push(command(host, path, "cron", line, place, &verdict).text("user", owner));
            }
            continue;
        }
        let columns = match () {
            () if line.starts_with('@') => 1,
            () if path == "/etc/anacrontab" => 3,
            () => 5,
        } + usize::from(with_user);
        let mut rest = line;
        let mut fields = Vec::new();
        for _ in 0..columns {
            let end = rest.find([' ', '\t']).unwrap_or(rest.len());
            let (field, more) = rest.split_at(end);
            fields.push(field);
            rest = more.trim_start_matches([' ', '\t']);
        }
        if rest.is_empty() {
            host.problem(path, format!("line {}: no command", i + 1));
            continue;
        }
        let user = if with_user {
            fields.last().copied().unwrap_or("root")
        } else {
            owner
        };
        let schedule = fields
            .get(..fields.len() - usize::from(with_user))
            .unwrap_or_default()
            .join(" ");
        let mut verdict = judge(rest);
        // Hidden by its own line, not by the command's.
        if judge(raw).is("hidden_text") {
            verdict.facts.insert("hidden_text");
        }
        let minute = fields.first().copied().unwrap_or("");
        let often = minute == "*"
            || minute == "@reboot"
            || minute
                .strip_prefix("*/")
                .and_then(|n| n.parse::<u32>().ok())
                .is_some_and(|n| n <= 10);
        out.push(
            command(host, path, "cron", rest, place, &verdict)
                .text("user", user)
                .text("account", user)
                .text("when", schedule)
                .flag("often", often)
                .flag("service_user", host.accounts.service(user)),
        );
    }
}

/// Lines of configuration that name commands.
fn lines(host: &Host<'_>, path: &str, at: &'static str, out: &mut Vec<Subject>) {
    if host.origin(path).pristine() {
        return;
    }
    let Some(bytes) = host.read(path) else { return };
    let text = String::from_utf8_lossy(&bytes);
    let mut inside = false;
    for (i, raw) in text.lines().enumerate() {
        let line = raw.trim();
        if line.is_empty() || line.starts_with(['#', ';']) || line.starts_with("//") {
            continue;
        }
        let found = match at {
            "udev" => line
                .split(',')
                .filter_map(|p| {
                    let p = p.trim();
                    let rest = p
                        .strip_prefix("RUN")
                        .or(p.strip_prefix("PROGRAM"))
                        .or(p.strip_prefix("IMPORT{program}"))?;
                    Some(
                        rest.trim_start_matches("{program}")
                            .trim_start_matches(['+', '=', ':'])
                            .trim_matches('"')
                            .to_owned(),
                    )
                })
                .filter(|c| !c.starts_with("{builtin}"))
                .collect::<Vec<_>>()
                .join("; "),
            "apt"
                if [
                    "Invoke",
                    "Pre-Install-Pkgs",
                    "pre-invoke",
                    "post-invoke",
                    "Post-Invoke-Success",
                ]
                .iter()
                .any(|w| line.contains(w)) =>
            {
                line.split('"')
                    .skip(1)
                    .step_by(2)
                    .collect::<Vec<_>>()
                    .join("; ")
            }
            "logrotate" => {
                let opens = matches!(
                    line,
                    "postrotate" | "prerotate" | "firstaction" | "lastaction" | "preremove"
                );
                if opens || line == "endscript" {
                    inside = opens;
                    continue;
                }
                if inside {
                    line.to_owned()
                } else {
                    String::new()
                }
            }
            "modprobe" if line.starts_with("install ") || line.starts_with("remove ") => {
                line.splitn(3, [' ', '\t']).nth(2).unwrap_or("").to_owned()
            }
            "logging" if line.contains("binary=") || line.contains("program(") => line
                .split(['"', '(', ')'])
                .find(|p| p.starts_with('/'))
                .unwrap_or("")
                .to_owned(),
            "logging" => line
                .split_once(" ^")
                .map(|(_, p)| p.to_owned())
                .unwrap_or_default(),
            "fail2ban" if line.starts_with("action") => line
                .split_once('=')
                .map(|(_, c)| c.trim().to_owned())
                .unwrap_or_default(),
            "git" => {
                let key = line
                    .split('=')
                    .next()
                    .unwrap_or("")
                    .trim()
                    .to_ascii_lowercase();
                if matches!(
                    key.as_str(),
                    "fsmonitor" | "sshcommand" | "pager" | "editor" | "hookspath"
                ) {
                    line.split_once('=')
                        .map(|(_, c)| c.trim().to_owned())
                        .unwrap_or_default()
                } else {
                    String::new()
                }
            }
            "rc" => {
                let words = [
                    "extend",
                    "exec",
                    "pass",
                    "command=",
                    "server",
                    "program ",
                    "start program",
                    "IN_",
                ];
                if words
                    .iter()
                    .any(|w| line.starts_with(w) || line.contains(" /bin/"))
                {
                    line.split_once('/')
                        .map(|(_, c)| format!("/{c}"))
                        .unwrap_or_default()
                } else {
                    String::new()
                }
            }
            _ => String::new(),
        };
        let trivial = matches!(
            found.trim(),
            "" | "/bin/true" | "/bin/false" | "/usr/bin/true" | "true" | "false"
        );
        if trivial {
            continue;
        }
        let verdict = judge(&found);
        // Ordinary commands in these files are ordinary: only what is more is a subject.
        let subject = command(
            host,
            path,
            at,
            &found,
            host.text(path, &bytes).line(i + 1),
            &verdict,
        )
        .text("user", "root");
        if verdict.suspicious()
            || verdict.is("fetches")
            || subject.is("program_unowned") && at != "logrotate"
        {
            out.push(subject);
        }
    }
}

/// A unit: its commands, its environment.
fn unit(host: &Host<'_>, path: &str, out: &mut Vec<Subject>) {
    if host.origin(path).pristine() {
        return;
    }
    let Some(bytes) = host.read(path) else { return };
    let text = String::from_utf8_lossy(&bytes);
    let dropin = parent(path).ends_with(".d");
    let user = text
        .lines()
        .filter_map(|l| l.trim().strip_prefix("User="))
        .next_back()
        .unwrap_or("root")
        .to_owned();
    for (i, raw) in text.lines().enumerate() {
        let line = raw.trim();
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let (key, value) = (key.trim(), value.trim());
        let executes = key.starts_with("Exec") && !value.is_empty();
        let preloads = matches!(key, "Environment" | "PassEnvironment")
            && (value.contains("LD_PRELOAD") || value.contains("LD_AUDIT"));
        if !executes && !preloads {
            continue;
        }
        let bare = value.trim_start_matches(['-', '@', ':', '+', '!', '|']);
        let verdict = judge(bare.trim_matches('"'));
        out.push(
            command(
                host,
                path,
                "systemd",
                bare,
                host.text(path, &bytes).line(i + 1),
                &verdict,
            )
            .text("user", user.as_str())
            .text("when", key)
            .flag("dropin", dropin)
            .flag("service_user", host.accounts.service(&user)),
        );
    }
}
