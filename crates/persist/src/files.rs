//! Programs, libraries and pages that differ from their package, or that no package owns in a place
//! where they have an effect.

use crate::Origin;
use crate::scan::Host;
use crate::subject::Subject;
use crate::tree::{name, parent, resolve};
use regex::Regex;
use std::sync::LazyLock;
use vauban_ocsf::{ObservableKind, Place};

/// Set-user-id bit.
const SUID: u32 = 0o4000;
/// Any execute bit.
const EXECUTE: u32 = 0o111;
/// Bytes that tell what a file is.
const HEAD: usize = 4096;

pub(crate) fn inspect(host: &Host<'_>, out: &mut Vec<Subject>) {
    for path in host.paths() {
        let Some(f) = host.file(path) else { continue };
        if let Some(target) = &f.link {
            link(host, path, target, out);
            continue;
        }
        odd(host, path, f.mode, out);
        if host.options.verify_all && host.base.sums.contains_key(path) {
            changed(host, path, out);
        }
    }
}

fn whole(host: &Host<'_>, path: &str) -> Place {
    Place {
        artefact: host.artefact(path).to_owned(),
        offset: 0,
        length: host.file(path).map_or(0, |f| f.size),
        line: None,
        excerpt: String::new(),
    }
}

/// A packaged file with other content.
fn changed(host: &Host<'_>, path: &str, out: &mut Vec<Subject>) {
    let Origin::Changed(package) = host.origin(path) else {
        return;
    };
    let file = name(path).to_ascii_lowercase();
    let ends = |list: &[&str]| list.iter().any(|e| file.ends_with(e));
    let documentation = [
        "/usr/share/doc/",
        "/usr/share/man/",
        "/usr/share/locale/",
        "/usr/share/icons/",
        "/usr/share/info/",
        "/usr/share/fonts/",
    ]
    .iter()
    .any(|d| path.starts_with(d))
        || ends(&[
            ".md", ".mo", ".po", ".png", ".jpg", ".gif", ".svg", ".gz", ".css", ".txt",
        ]);
    let program = ["/usr/bin/", "/usr/sbin/", "/usr/libexec/"]
        .iter()
        .any(|d| path.starts_with(d))
        || file.contains(".so")
        || ends(&[".ko", ".ko.xz"])
        || path.starts_with("/usr/lib/dovecot/")
        || path.starts_with("/usr/lib/postfix/")
        || path.starts_with("/boot/");
    let script = ends(&[
        ".php", ".inc", ".phtml", ".py", ".pl", ".pm", ".rb", ".js", ".html", ".tpl", ".jsp",
        ".lua",
    ]);
    let active = !documentation
        && (path.contains("/systemd/")
            || path.contains("/udev/")
            || path.contains("/pam")
            || path.starts_with("/etc/"));
    out.push(
        host.subject("file.changed", path)
            .text("package", package.as_str())
            .flag("program", program && !documentation)
            .flag("script", script && !program && !documentation)
            .flag("active", active && !program && !script)
            .flag("documentation", documentation)
            .at(whole(host, path))
            .about(ObservableKind::FilePath, "file.path", path),
    );
    if ends(&[".html", ".js", ".tpl", ".php"]) {
        page(host, path, out);
    }
}

static SCRIPT_SOURCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)<script[^>]{0,200}\bsrc\s*=\s*["']?(?:https?:)?//([a-z0-9.-]+)|\.src\s*=\s*["'](?:https?:)?//([a-z0-9.-]+)"#).ok()
});
static SENDS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)(?:fetch\s*\(|sendBeacon\s*\(|\.open\s*\(\s*["'](?:GET|POST)["']\s*,|new\s+WebSocket\s*\(|action\s*=)\s*["'`](?:https?:|wss?:)?//([a-z0-9.-]+)"#).ok()
});

/// A page or script for browsers: does it load from, or send to, another host.
fn page(host: &Host<'_>, path: &str, out: &mut Vec<Subject>) {
    let Some(bytes) = host.read(path) else { return };
    let text = String::from_utf8_lossy(&bytes);
    for (regex, fact) in [(&SCRIPT_SOURCE, "foreign_script"), (&SENDS, "sends_form")] {
        let Some(regex) = regex.as_ref() else {
            continue;
        };
        for m in regex.captures_iter(&text).take(50) {
            let Some(other) = m.get(1).or(m.get(2)) else {
                continue;
            };
            let known = [
                "googleapis.com",
                "jquery.com",
                "roundcube.net",
                "cloudflare.com",
                "jsdelivr.net",
                "w3.org",
            ]
            .iter()
            .any(|k| other.as_str().ends_with(k));
            if host.domains.foreign(other.as_str()) && !known {
                let Some(at) = m.get(0) else { continue };
                out.push(
                    host.subject("web.page", path)
                        .flag(fact, true)
                        .text("host", other.as_str())
                        .at(host.text(path, &bytes).place(at.start(), at.end()))
                        .about(
                            ObservableKind::Hostname,
                            "dst_endpoint.hostname",
                            other.as_str(),
                        ),
                );
                break;
            }
        }
    }
}

/// Programs that run whatever they are told.
fn interpreter(file: &str) -> bool {
    let stem = file.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    [
        "bash", "sh", "dash", "zsh", "ksh", "python", "perl", "php", "ruby", "node", "lua", "find",
        "vim", "vi", "nano", "env", "awk", "gawk", "mawk", "cp", "mv", "dd", "less", "more", "tar",
        "nmap", "gdb", "busybox", "tee", "cat", "sed", "socat", "nc", "rsync", "docker",
    ]
    .contains(&stem)
}

/// A file of no package where it has an effect.
fn odd(host: &Host<'_>, path: &str, mode: Option<u32>, out: &mut Vec<Subject>) {
    let file = name(path);
    let temporary = ["/tmp/", "/var/tmp/", "/dev/shm/"]
        .iter()
        .any(|d| path.starts_with(d));
    let hidden = crate::shell::hidden_path(path);
    let executable = mode.is_some_and(|m| m & EXECUTE != 0);
    let suid = mode.is_some_and(|m| {
        m & SUID != 0 && m & EXECUTE != 0 && (m & 0o170000 == 0o100000 || m & 0o170000 == 0)
    });
    let place = match () {
        () if suid => "suid",
        () if path.contains("/security/pam_")
            && file.ends_with(".so")
            && path.starts_with("/usr/lib") =>
        {
            "pam_module"
        }
        () if path.starts_with("/usr/lib/modules/")
            && file.contains(".ko")
            && !path.contains("/updates/")
            && !path.contains("/extra/")
            && !path.contains("/weak-updates/") =>
        {
            "kernel_module"
        }
        () if daemon_module(path) => "daemon_module",
        () if python_path(path) => "python_path",
        () if temporary && executable => "temp_program",
        () if hidden
            && executable
            && !path.starts_with("/home/")
            && !path.starts_with("/root/")
            && !path.contains("/.git/") =>
        {
            "hidden_program"
        }
        () => return,
    };
    let origin = host.origin(path);
    // Whoever installed a file decided its bits: dpkg keeps no list of them.
    if origin.pristine() || origin == Origin::Owned || host.base.suid.contains(path) {
        if !(suid && interpreter(file)) {
            return;
        }
    } else if matches!(origin, Origin::Changed(_) | Origin::Edited) && place != "suid" {
        return;
    }
    let head = host.read_head(path, HEAD);
    let elf = head.starts_with(b"\x7fELF");
    let text = String::from_utf8_lossy(&head);
    if place == "python_path" {
        let imports = text.lines().any(|l| {
            let l = l.trim_start();
            (l.starts_with("import ") || l.starts_with("import\t"))
                && [
                    "exec",
                    "eval",
                    "os.",
                    "subprocess",
                    "urllib",
                    "socket",
                    "base64",
                    ";",
                ]
                .iter()
                .any(|w| l.contains(w))
                && !known_pth(file, l)
        });
        let customize = file.ends_with("customize.py")
            && text.lines().any(|l| {
                [
                    "exec(",
                    "subprocess",
                    "urllib",
                    "socket",
                    "os.system",
                    "base64",
                ]
                .iter()
                .any(|w| l.contains(w))
            });
        if !imports && !customize {
            return;
        }
    }
    // Shared copies of an interpreter under another name are what set-user-id is abused with.
    let copy = elf
        && suid
        && ["GNU bash", "@(#)Bash version", "PYTHONHOME", "PERL5LIB"]
            .iter()
            .any(|m| {
                host.read(path)
                    .is_some_and(|b| memchr::memmem::find(&b, m.as_bytes()).is_some())
            });
    if place == "temp_program" && !elf && !text.starts_with("#!") {
        return;
    }
    out.push(
        host.subject("file.odd", path)
            .text("place", place)
            .flag("interpreter", interpreter(file) || copy)
            .flag("program", elf || text.starts_with("#!"))
            .flag("writable_place", temporary)
            .flag("complete", host.base.complete)
            .flag("imports", place == "python_path")
            .at(whole(host, path))
            .about(ObservableKind::FilePath, "file.path", path),
    );
}

/// `.pth` files that well-known installers write.
fn known_pth(file: &str, line: &str) -> bool {
    file.starts_with("distutils-precedence")
        || file.ends_with("-nspkg.pth")
        || file.starts_with("_virtualenv")
        || file.starts_with("__editable__")
        || line.contains("_virtualenv")
        || line.contains("importlib.util.module_from_spec")
        || file.starts_with("matplotlib")
        || file.starts_with("zope")
        || file.starts_with("coverage")
        || file.starts_with("pytest")
}

fn daemon_module(path: &str) -> bool {
    let module = path.ends_with(".so");
    module
        && [
            "/usr/lib/dovecot/",
            "/usr/lib/postfix/",
            "/usr/lib/apache2/modules/",
            "/usr/lib/nginx/modules/",
            "/usr/lib/php/",
            "/usr/lib64/dovecot/",
            "/usr/lib64/httpd/modules/",
            "/usr/lib/sudo/",
            "/usr/lib/openssh/",
        ]
        .iter()
        .any(|d| path.starts_with(d))
}

fn python_path(path: &str) -> bool {
    let file = name(path);
    (path.contains("/dist-packages/")
        || path.contains("/site-packages/")
        || path.contains("/python3/")
        || path.contains("/python3."))
        && (file.ends_with(".pth") || matches!(file, "sitecustomize.py" | "usercustomize.py"))
        && parent(path).ends_with("packages")
        || path.starts_with("/usr/lib/python3") && file == "sitecustomize.py"
        || path.starts_with("/etc/python3") && file == "sitecustomize.py"
}

/// A link inside a web root that leads to the host's secrets or to the whole of it.
fn link(host: &Host<'_>, path: &str, target: &str, out: &mut Vec<Subject>) {
    if !crate::web::web_root(path) || host.base.owned.contains(path) {
        return;
    }
    let to = resolve(parent(path), target);
    let secret = matches!(
        to.as_str(),
        "/" | "/etc"
            | "/root"
            | "/home"
            | "/var"
            | "/etc/passwd"
            | "/etc/shadow"
            | "/var/mail"
            | "/var/vmail"
            | "/var/log"
    ) || [
        "/etc/shadow",
        "/etc/dovecot",
        "/etc/postfix",
        "/root/",
        "/home/",
        "/proc/",
        "/var/mail/",
        "/var/vmail/",
    ]
    .iter()
    .any(|d| to.starts_with(d))
        && !crate::web::web_root(&to);
    if secret {
        out.push(
            host.subject("file.odd", path)
                .text("place", "link_out")
                .text("target", to.as_str())
                .at(Place {
                    excerpt: target.to_owned(),
                    ..whole(host, path)
                })
                .about(ObservableKind::FilePath, "file.path", path),
        );
    }
}
