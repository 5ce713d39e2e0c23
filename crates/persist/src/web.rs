//! Scripts and settings of web servers.

use crate::scan::Host;
use crate::subject::Subject;
use crate::tree::{name, parent};
use crate::{Origin, php};
use std::collections::BTreeSet;
use vauban_ocsf::ObservableKind;

/// Largest script that is judged, in bytes.
const SCRIPT: usize = 4 << 20;

/// Directories that web servers serve.
pub(crate) fn web_root(path: &str) -> bool {
    [
        "/var/www/",
        "/srv/www/",
        "/srv/http/",
        "/usr/share/nginx/",
        "/var/lib/roundcube/",
        "/usr/share/roundcube/",
        "/usr/share/webapps/",
        "/opt/roundcube",
    ]
    .iter()
    .any(|root| path.starts_with(root))
        || [
            "/public_html/",
            "/htdocs/",
            "/webroot/",
            "/wwwroot/",
            "/webmail/",
            "/html/",
            "/www/",
            "/roundcube",
        ]
        .iter()
        .any(|step| path.contains(step))
            && !path.starts_with("/etc/")
            && !path.starts_with("/usr/share/doc")
}

/// Directories that hold data, not code.
fn for_data(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    [
        "/uploads/",
        "/upload/",
        "/temp/",
        "/tmp/",
        "/logs/",
        "/log/",
        "/cache/",
        "/attachments/",
        "/images/",
        "/img/",
        "/media/",
        "/files/",
        "/avatars/",
        "/fonts/",
        "/css/",
        "/spool/",
        "/sessions/",
    ]
    .iter()
    .any(|d| lower.contains(d))
}

/// Directories to which administrators add what no package brings.
fn for_additions(path: &str) -> bool {
    [
        "/plugins/",
        "/skins/",
        "/config/",
        "/local/",
        "/themes/",
        "/mu-plugins/",
        "/extensions/",
        "/modules/",
        "/vendor/",
    ]
    .iter()
    .any(|d| path.contains(d))
}

/// The language a file's name tells, `""` if it is no script.
fn language(file: &str) -> &'static str {
    let lower = file.to_ascii_lowercase();
    let mut ends = lower.split('.').skip(1);
    // `x.php.jpg` and `x.php.bak` run where a handler is set by any of the endings.
    if ends.any(|e| {
        matches!(
            e,
            "php"
                | "phtml"
                | "phar"
                | "php3"
                | "php4"
                | "php5"
                | "php7"
                | "php8"
                | "pht"
                | "phps"
                | "inc"
                | "module"
        )
    }) {
        return "php";
    }
    match lower.rsplit_once('.').map(|(_, e)| e) {
        Some("jsp" | "jspx" | "jspf") => "jsp",
        Some("asp" | "aspx" | "ashx" | "asa" | "cer") => "asp",
        Some("cgi" | "pl") => "cgi",
        _ => "",
    }
}

/// Whether a file's name is a picture's, style's or text's.
fn pictured(file: &str) -> bool {
    let lower = file.to_ascii_lowercase();
    [
        ".jpg", ".jpeg", ".png", ".gif", ".ico", ".bmp", ".webp", ".svg", ".css", ".txt", ".woff",
        ".woff2", ".ttf", ".log", ".dat",
    ]
    .iter()
    .any(|e| lower.ends_with(e))
}

pub(crate) fn inspect(host: &Host<'_>, out: &mut Vec<Subject>) {
    for path in host.paths() {
        let file = name(path);
        match file {
            ".htaccess" | "htaccess" => setting_file(host, path, "htaccess", out),
            ".user.ini" => setting_file(host, path, "user.ini", out),
            _ if path.starts_with("/etc/php")
                || path.starts_with("/usr/local/etc/php")
                || path.starts_with("/etc/opt/remi/") =>
            {
                if file.ends_with(".ini") && !path.contains("/mods-available/")
                    || path.contains("/mods-available/") && file.ends_with(".ini")
                {
                    setting_file(host, path, "php.ini", out);
                } else if file.ends_with(".conf") {
                    setting_file(host, path, "pool", out);
                }
            }
            _ if path.starts_with("/etc/apache2/") || path.starts_with("/etc/httpd/") => {
                setting_file(host, path, "apache", out)
            }
            _ if path.starts_with("/etc/nginx/") => setting_file(host, path, "nginx", out),
            _ => script(host, path, out),
        }
    }
}

fn script(host: &Host<'_>, path: &str, out: &mut Vec<Subject>) {
    let Some(f) = host.file(path) else { return };
    if f.link.is_some() || f.size == 0 {
        return;
    }
    let file = name(path);
    let mut language = language(file);
    let root = web_root(path);
    let disguised = language.is_empty() && root && pictured(file);
    if language.is_empty() && !disguised || f.size > SCRIPT as u64 && disguised {
        return;
    }
    if matches!(language, "cgi" | "asp" | "jsp") && !root && !path.contains("/cgi-bin/") {
        return;
    }
    if host.origin(path).pristine() {
        return;
    }
    let Some(bytes) = host.read_up_to(path, SCRIPT) else {
        return;
    };
    let open = ["<?php", "<?="]
        .iter()
        .any(|t| memchr::memmem::find(&bytes, t.as_bytes()).is_some());
    let head = bytes.get(..16).unwrap_or_default();
    let picture = [
        &b"GIF8"[..],
        b"\x89PNG",
        b"\xff\xd8\xff",
        b"BM",
        b"RIFF",
        b"%PDF",
        b"II*",
    ]
    .iter()
    .any(|m| head.starts_with(m));
    if disguised {
        if !open {
            return;
        }
        language = "php";
    }
    let verdict = if language == "php" {
        php::judge(&bytes)
    } else {
        php::judge_other(&bytes)
    };
    host.count_script();
    // A picture may hold those five characters by chance: what follows them must do something.
    if disguised && !verdict.suspicious() && !verdict.is("takes_upload") {
        return;
    }
    let dir = parent(path);
    let origin = host.origin(path);
    let beside = host.base.directories.contains(dir);
    let text = host.text(path, &bytes);
    let hidden = crate::shell::hidden_path(path);
    let reasons: Vec<String> = verdict
        .reasons
        .iter()
        .take(6)
        .map(|r| format!("line {}: {}", r.line, r.words))
        .collect();
    let mut subject = host
        .subject("web.script", path)
        .number("score", f64::from(verdict.score))
        .text("reasons", reasons.join("; "))
        .text("language", language)
        .flag("web_root", root)
        .flag("beside_packaged", beside)
        .flag("for_additions", for_additions(path))
        .flag("for_data", for_data(path))
        .flag("hidden", hidden)
        .flag("replaces", matches!(origin, Origin::Changed(_)))
        .flag(
            "disguised",
            disguised || picture && open && language == "php",
        );
    for fact in &verdict.facts {
        subject = subject.flag(fact, true);
    }
    let mut lines: BTreeSet<u32> = BTreeSet::new();
    for reason in &verdict.reasons {
        if lines.len() < 5 && lines.insert(reason.line) {
            subject = subject.at(text.line(reason.line as usize));
        }
    }
    if subject.places.is_empty() {
        subject = subject.at(text.whole());
    }
    let digest: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(&bytes).into();
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    out.push(
        subject
            .about(ObservableKind::FilePath, "file.path", path)
            .about(ObservableKind::Hash, "file.hashes.value", &hex),
    );
}

/// Web application firewalls that put themselves before every script.
fn known_prepend(value: &str) -> bool {
    [
        "wordfence-waf.php",
        "ninjafirewall",
        "malcare-waf.php",
        "sucuri",
        "patchstack",
        "aios-bootstrap.php",
        "newrelic",
        "ddtrace",
    ]
    .iter()
    .any(|k| value.contains(k))
}

fn odd_code(host: &Host<'_>, value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let scheme = [
        "http://", "https://", "data:", "php://", "ftp://", "phar://",
    ]
    .iter()
    .any(|s| lower.starts_with(s));
    let place = ["/tmp/", "/var/tmp/", "/dev/shm/"]
        .iter()
        .any(|d| lower.starts_with(d))
        || crate::shell::hidden_path(value);
    let judged = value.starts_with('/')
        && host
            .read(value)
            .is_some_and(|b| php::judge(&b).suspicious());
    scheme || place || pictured(&lower) || for_data(&lower) || judged
}

fn setting_file(host: &Host<'_>, path: &str, kind: &'static str, out: &mut Vec<Subject>) {
    if host.file(path).is_none_or(|f| f.link.is_some()) || host.origin(path).pristine() {
        return;
    }
    let Some(bytes) = host.read(path) else { return };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // Which files a section of Apache or nginx is about.
    let mut matched: Vec<String> = Vec::new();
    for (i, raw) in text.lines().enumerate() {
        let line = raw.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let make = |setting: &str, value: &str| {
            host.subject("web.setting", path)
                .text("setting", setting)
                .text("value", value)
                .text("file_kind", kind)
                .flag("for_data", for_data(path))
                .at(host.text(path, &bytes).line(i + 1))
        };
        match kind {
            "htaccess" | "apache" => apache(host, line, &mut matched, &make, out),
            "nginx" => nginx(line, &mut matched, &make, out),
            _ => {
                let Some((key, value)) = line.split_once('=') else {
                    continue;
                };
                let key = key.trim();
                let key = key
                    .strip_prefix("php_admin_value[")
                    .or(key.strip_prefix("php_value["))
                    .or(key.strip_prefix("php_admin_flag["))
                    .or(key.strip_prefix("php_flag["))
                    .and_then(|k| k.strip_suffix(']'))
                    .unwrap_or(key);
                let value = value
                    .split(" ;")
                    .next()
                    .unwrap_or(value)
                    .trim()
                    .trim_matches(['"', '\'']);
                ini(host, key.trim(), value, &make, out);
            }
        }
    }
}

type Make<'m> = dyn Fn(&str, &str) -> Subject + 'm;

fn ini(host: &Host<'_>, key: &str, value: &str, make: &Make<'_>, out: &mut Vec<Subject>) {
    let on = |v: &str| matches!(v.to_ascii_lowercase().as_str(), "on" | "1" | "yes" | "true");
    match key {
        "auto_prepend_file" | "auto_append_file" if !value.is_empty() && value != "none" => out
            .push(
                make(key, value)
                    .flag("prepend", true)
                    .flag("prepend_odd", odd_code(host, value))
                    .flag("prepend_known", known_prepend(value))
                    .about(ObservableKind::FilePath, "file.path", value),
            ),
        "allow_url_include" if on(value) => out.push(make(key, value).flag("remote_include", true)),
        "extension" | "zend_extension" if value.contains('/') => {
            let path = crate::tree::usr(value);
            let owned =
                host.has(&path) && !matches!(host.origin(&path), Origin::Unowned | Origin::Unknown);
            let usual = path.starts_with("/usr/lib/php")
                || path.starts_with("/usr/lib64/php")
                || path.starts_with("/usr/local/lib/php");
            out.push(
                make(key, value)
                    .flag("loads", true)
                    .flag("loads_odd", !usual && !owned)
                    .about(ObservableKind::FilePath, "file.path", value),
            );
        }
        "sendmail_path" | "mail.force_extra_parameters" if !value.is_empty() => {
            let verdict = crate::shell::judge(value);
            if verdict.suspicious() || verdict.is("fetches") || value.contains('|') {
                out.push(verdict.state(make(key, value)).flag("odd_program", true));
            }
        }
        "error_log" if value.starts_with("/tmp") => {}
        _ => {}
    }
}

fn handler_runs_php(words: &[&str]) -> bool {
    words.iter().any(|w| {
        let w = w.to_ascii_lowercase();
        w.contains("httpd-php")
            || w.contains("php-script")
            || w.contains("php-fpm")
            || w.contains("fcgi://")
            || w == "php-cgi"
            || w.contains("proxy:unix")
    })
}

fn apache(
    host: &Host<'_>,
    line: &str,
    matched: &mut Vec<String>,
    make: &Make<'_>,
    out: &mut Vec<Subject>,
) {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let Some(directive) = words.first().map(|w| w.to_ascii_lowercase()) else {
        return;
    };
    let rest = words.get(1..).unwrap_or_default();
    let value = rest.join(" ");
    if directive.starts_with("</") {
        matched.pop();
        return;
    }
    if directive.starts_with('<') {
        matched.push(line.trim_matches(['<', '>']).to_owned());
        return;
    }
    match directive.as_str() {
        "addhandler" | "addtype"
            if handler_runs_php(rest) || rest.first().is_some_and(|w| w.contains("php")) =>
        {
            let odd = rest.iter().skip(1).any(|e| not_php(e));
            if odd {
                out.push(make(&directive, &value).flag("runs_as_php", true));
            }
        }
        "sethandler" if handler_runs_php(rest) => {
            let here = matched.last().map_or("", String::as_str);
            let files = here.to_ascii_lowercase();
            let odd = pictured_pattern(&files)
                || files.is_empty()
                || !files.contains("php") && files.starts_with("files");
            if odd {
                out.push(make(&directive, &format!("{value} ({here})")).flag("runs_as_php", true));
            }
        }
        "php_value" | "php_admin_value" | "php_flag" | "php_admin_flag" => {
            if let Some(key) = rest.first() {
                let v = rest.get(1..).unwrap_or_default().join(" ");
                ini(host, key, v.trim_matches(['"', '\'']), make, out);
            }
        }
        "loadmodule" => {
            let path = rest.get(1).copied().unwrap_or("").trim_matches('"');
            let real = crate::tree::usr(path);
            let usual = path.starts_with("/usr/lib/apache2/modules/")
                || path.starts_with("modules/")
                || path.starts_with("/usr/lib64/httpd/")
                || path.starts_with("/etc/httpd/modules");
            let unowned = host.has(&real) && host.origin(&real) == Origin::Unowned;
            if !usual || unowned {
                out.push(
                    make("LoadModule", path)
                        .flag("loads", true)
                        .flag("loads_odd", true),
                );
            }
        }
        "customlog" | "errorlog" if value.starts_with('|') || value.starts_with("\"|") => {
            let program = value.trim_start_matches(['"', '|', '$']);
            let verdict = crate::shell::judge(program.split('"').next().unwrap_or(program));
            if verdict.suspicious() {
                out.push(
                    verdict
                        .state(make(&directive, &value))
                        .flag("odd_program", true),
                );
            }
        }
        _ => {}
    }
}

/// An ending that is not PHP's.
fn not_php(ending: &str) -> bool {
    let e = ending.trim_matches(['"', '.', '\'']).to_ascii_lowercase();
    !e.is_empty()
        && !e.starts_with("php")
        && !e.starts_with("pht")
        && !e.starts_with("ph")
        && !e.contains('/')
        && e.chars().all(|c| c.is_ascii_alphanumeric())
}

fn pictured_pattern(pattern: &str) -> bool {
    [
        "jpg", "jpeg", "png", "gif", "ico", "css", "txt", "svg", "webp", "bmp", "woff",
    ]
    .iter()
    .any(|e| pattern.contains(e))
}

fn nginx(line: &str, matched: &mut Vec<String>, make: &Make<'_>, out: &mut Vec<Subject>) {
    if line.ends_with('{') {
        matched.push(line.trim_end_matches('{').trim().to_owned());
        return;
    }
    if line.starts_with('}') {
        matched.pop();
        return;
    }
    let words: Vec<&str> = line
        .trim_end_matches(';')
        .split_ascii_whitespace()
        .collect();
    let value = words.get(1..).unwrap_or_default().join(" ");
    match words.first().copied() {
        Some("fastcgi_pass") => {
            let here = matched
                .iter()
                .rev()
                .find(|m| m.starts_with("location"))
                .map_or("", String::as_str);
            if pictured_pattern(&here.to_ascii_lowercase()) {
                out.push(make("fastcgi_pass", here).flag("runs_as_php", true));
            }
        }
        Some("fastcgi_param")
            if value.contains("PHP_VALUE") || value.contains("PHP_ADMIN_VALUE") =>
        {
            if value.contains("auto_prepend_file") || value.contains("auto_append_file") {
                let file = value
                    .rsplit('=')
                    .next()
                    .unwrap_or("")
                    .trim_matches(['"', ' ']);
                out.push(
                    make("fastcgi_param", &value)
                        .flag("prepend", true)
                        .flag("prepend_odd", !file.ends_with(".php"))
                        .flag("prepend_known", known_prepend(file)),
                );
            }
            if value.contains("allow_url_include") {
                out.push(make("fastcgi_param", &value).flag("remote_include", true));
            }
        }
        Some("load_module") if value.starts_with('/') && !value.starts_with("/usr/lib") => {
            out.push(
                make("load_module", &value)
                    .flag("loads", true)
                    .flag("loads_odd", true),
            );
        }
        Some("sub_filter") if value.contains("<script") => {
            out.push(make("sub_filter", &value).flag("injects", true))
        }
        _ => {}
    }
}
