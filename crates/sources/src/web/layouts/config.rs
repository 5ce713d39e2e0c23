//! Finding the declarations in configuration files.
//!
//! Apache: `LogFormat`, `CustomLog`, `GlobalLog`, `TransferLog`, `Define`. nginx: `log_format`,
//! `access_log`. Formats are global in both, and are usually declared in another file than the
//! one that uses them, so a [`Configuration`] takes all files first.

use super::{APACHE_CLF, Layout, NGINX_COMBINED};
use std::collections::BTreeMap;

/// A layout and the log it is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Declared {
    /// The path the server writes to, with `${VARIABLE}` where the value is not known; `""` for a
    /// layout that no directive in the evidence uses.
    pub log_path: String,
    /// The layout in its text form (see [`super`]).
    pub layout: String,
    /// The configuration file that uses it.
    pub declared_in: String,
}

/// The declarations of one file. Formats of other files are not seen; see [`Configuration`].
pub fn from_config(text: &str, path: &str) -> Vec<Declared> {
    let mut configuration = Configuration::default();
    configuration.add(text, path);
    configuration.declared()
}

/// Declarations of all configuration files of one host.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    apache_formats: BTreeMap<String, String>,
    nginx_formats: BTreeMap<String, String>,
    defines: BTreeMap<String, String>,
    /// `(log, format or nickname, file)`.
    apache_logs: Vec<(String, String, String)>,
    nginx_logs: Vec<(String, String, String)>,
}

impl Configuration {
    /// Reads one file. What is no web server's configuration adds nothing.
    pub fn add(&mut self, text: &str, path: &str) {
        let mut apache = false;
        let mut nginx = false;
        for line in text.lines() {
            let word = line.split_whitespace().next().unwrap_or_default();
            nginx |= matches!(word, "log_format" | "access_log") || line.contains(" access_log ");
            apache |= [
                "LogFormat",
                "CustomLog",
                "GlobalLog",
                "TransferLog",
                "Define",
            ]
            .iter()
            .any(|directive| word.eq_ignore_ascii_case(directive));
            // `${APACHE_LOG_DIR}` is set in Debian's envvars.
            if let Some((name, value)) = line
                .strip_prefix("export ")
                .and_then(|assignment| assignment.split_once('='))
                && name.starts_with("APACHE_")
            {
                let value = value.split('$').next().unwrap_or_default();
                self.define(name, value.trim_matches(['"', '\'']));
            }
        }
        if apache {
            self.add_apache(text, path);
        }
        if nginx {
            self.add_nginx(text, path);
        }
    }

    fn define(&mut self, name: &str, value: &str) {
        self.defines.insert(name.to_owned(), value.to_owned());
    }

    fn add_apache(&mut self, text: &str, path: &str) {
        // A backslash at the end of a line continues it.
        let text = text.replace("\\\r\n", " ").replace("\\\n", " ");
        let mut transfer = APACHE_CLF
            .strip_prefix("apache log ")
            .unwrap_or_default()
            .to_owned();
        for line in text.lines() {
            let line = line.trim();
            if line.starts_with('#') || line.starts_with('<') {
                continue;
            }
            let words = apache_words(line);
            let [directive, rest @ ..] = words.as_slice() else {
                continue;
            };
            match (directive.to_ascii_lowercase().as_str(), rest) {
                ("logformat", [format, nickname]) => {
                    self.apache_formats.insert(nickname.clone(), format.clone());
                }
                ("logformat", [format]) => {
                    transfer = self.apache_formats.get(format).unwrap_or(format).to_owned();
                }
                ("customlog" | "globallog", [log, format, ..]) => {
                    self.apache_logs
                        .push((log.clone(), format.clone(), path.to_owned()));
                }
                ("transferlog", [log, ..]) => {
                    self.apache_logs
                        .push((log.clone(), transfer.clone(), path.to_owned()));
                }
                ("define", [name, value, ..]) => self.define(name, value),
                _ => {}
            }
        }
    }

    fn add_nginx(&mut self, text: &str, path: &str) {
        for directive in nginx_directives(text) {
            let [name, rest @ ..] = directive.as_slice() else {
                continue;
            };
            match (name.as_str(), rest) {
                ("log_format", [name, strings @ ..]) => {
                    let (escape, strings) = match strings.split_first() {
                        Some((first, rest)) if first.starts_with("escape=") => {
                            let escape = match first.as_str() {
                                "escape=json" => "json",
                                "escape=none" => "none",
                                _ => "log",
                            };
                            (escape, rest)
                        }
                        _ => ("log", strings),
                    };
                    self.nginx_formats
                        .insert(name.clone(), format!("nginx {escape} {}", strings.concat()));
                }
                ("access_log", [log, rest @ ..]) if log != "off" && !log.starts_with("syslog:") => {
                    // The second word is a format's name unless it is a parameter.
                    let format = rest
                        .first()
                        .filter(|word| !word.contains('=') && *word != "gzip")
                        .map_or("combined", String::as_str);
                    self.nginx_logs
                        .push((log.clone(), format.to_owned(), path.to_owned()));
                }
                _ => {}
            }
        }
    }

    /// All layouts that compile, each with the log it is for, in a stable order.
    pub fn declared(&self) -> Vec<Declared> {
        let mut all = Vec::new();
        let mut add = |log: &str, layout: String, file: &str| {
            if Layout::compile(&layout).is_some() {
                all.push(Declared {
                    log_path: self.expand(log),
                    layout,
                    declared_in: file.to_owned(),
                });
            }
        };
        for (log, format, file) in &self.apache_logs {
            let format = match self.apache_formats.get(format) {
                Some(format) => format!("apache log {format}"),
                None if format == "CLF" => APACHE_CLF.to_owned(),
                None => format!("apache log {format}"),
            };
            add(log, format, file);
        }
        for (log, format, file) in &self.nginx_logs {
            match self.nginx_formats.get(format) {
                Some(format) => add(log, format.clone(), file),
                None if format == "combined" => add(log, NGINX_COMBINED.to_owned(), file),
                None => {}
            }
        }
        for format in self.apache_formats.values() {
            add("", format!("apache log {format}"), "");
        }
        for format in self.nginx_formats.values() {
            add("", format.clone(), "");
        }
        all.sort();
        all.dedup();
        all
    }

    fn expand(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            match self.defines.get(name) {
                Some(value) => out.push_str(value),
                None => {
                    out.push_str("${");
                    out.push_str(name);
                    out.push('}');
                }
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

/// The layouts to try on an artefact, for
/// [`Context::access_layouts`](crate::Context::access_layouts): those declared for a log of that
/// name first, the more trailing path components agree the earlier, then all others.
pub fn layouts_for(declared: &[Declared], artefact_path: &str) -> Vec<String> {
    let path = unrotated(artefact_path);
    let mut ranked: Vec<(usize, &Declared)> = declared
        .iter()
        .map(|one| (agreeing(&one.log_path, &path), one))
        .collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let mut layouts: Vec<String> = Vec::new();
    for (_, one) in ranked {
        if !layouts.contains(&one.layout) {
            layouts.push(one.layout.clone());
        }
    }
    layouts
}

/// The path without what rotation and compression added, archives' own names included.
fn unrotated(path: &str) -> String {
    // `logs/access.log.2.gz!access.log.2`: the innermost path that names directories, or the last.
    let mut path = path
        .rsplit('!')
        .find(|member| member.contains('/'))
        .or_else(|| path.rsplit('!').next())
        .unwrap_or_default();
    loop {
        let before = path;
        for suffix in [".gz", ".xz", ".zst", ".bz2", ".old", ".orig"] {
            path = path.strip_suffix(suffix).unwrap_or(path);
        }
        // `.3`, `-20251209`, `.2025-12-09`
        let digits = path.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
        if digits.len() < path.len() {
            let stem = digits.strip_suffix(['.', '_']).unwrap_or(digits);
            let removed = path.get(digits.len()..).unwrap_or_default();
            if stem.len() < digits.len() || removed.starts_with('-') {
                path = stem;
            }
        }
        if path == before {
            return path.to_owned();
        }
    }
}

/// How many trailing path components agree; a component with an unknown variable agrees with any.
fn agreeing(log_path: &str, artefact: &str) -> usize {
    if log_path.is_empty() || log_path.starts_with('|') {
        return 0;
    }
    log_path
        .rsplit('/')
        .zip(artefact.rsplit('/'))
        .take_while(|(a, b)| a == b && !a.is_empty())
        .count()
}

/// The words of an Apache directive: `ap_getword_conf`.
fn apache_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let Some(&first) = chars.peek() else {
            return words;
        };
        let quote = (first == '"' || first == '\'').then_some(first);
        if quote.is_some() {
            chars.next();
        }
        let mut word = String::new();
        while let Some(c) = chars.next() {
            match (c, quote) {
                ('\\', Some(q)) if chars.peek() == Some(&q) || chars.peek() == Some(&'\\') => {
                    word.extend(chars.next());
                }
                (c, Some(q)) if c == q => break,
                (c, None) if c.is_whitespace() => break,
                _ => word.push(c),
            }
        }
        words.push(word);
    }
}

/// The directives of an nginx file, each as its words; blocks are walked into.
fn nginx_directives(text: &str) -> Vec<Vec<String>> {
    let mut directives = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '#' => while chars.next_if(|&c| c != '\n').is_some() {},
            ';' | '{' | '}' => {
                if !words.is_empty() {
                    directives.push(std::mem::take(&mut words));
                }
            }
            quote @ ('"' | '\'') => {
                let mut word = String::new();
                while let Some(c) = chars.next() {
                    if c == quote {
                        break;
                    }
                    word.push(c);
                    if c == '\\'
                        && let Some(next) = chars.next()
                    {
                        // ngx_conf_read_token
                        word.pop();
                        match next {
                            '"' | '\'' | '\\' => word.push(next),
                            't' => word.push('\t'),
                            'r' => word.push('\r'),
                            'n' => word.push('\n'),
                            other => word.extend(['\\', other]),
                        }
                    }
                }
                words.push(word);
            }
            c => {
                let mut word = String::from(c);
                let mut variable = c == '$';
                while let Some(&c) = chars.peek() {
                    // `${name}` holds a brace that opens no block.
                    let opens_variable = variable && c == '{';
                    if c.is_whitespace() || c == ';' || (c == '{' && !opens_variable) {
                        break;
                    }
                    variable = c == '$';
                    word.push(c);
                    chars.next();
                }
                words.push(word);
            }
        }
    }
    directives
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apache() {
        let mut configuration = Configuration::default();
        configuration.add(
            r#"
# LogFormat "%h" commented
LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"" vhost_combined
logformat "%h %l %u %t \"%r\" \
  %>s %D" timed
LogFormat "%{User-agent}i" agent
"#,
            "etc/apache2/apache2.conf",
        );
        configuration.add(
            "<VirtualHost *:443>\n  CustomLog ${APACHE_LOG_DIR}/mail.log timed env=!dontlog\n\
             CustomLog \"|/usr/bin/rotatelogs /var/log/x 86400\" \"%t %m %U%q\"\n\
             TransferLog /var/log/transfer\n</VirtualHost>",
            "etc/apache2/sites-enabled/mail.conf",
        );
        configuration.add(
            "export APACHE_LOG_DIR=/var/log/apache2$SUFFIX\n",
            "etc/apache2/envvars",
        );
        let declared = configuration.declared();
        let find = |path: &str| {
            declared
                .iter()
                .filter(|d| d.log_path == path)
                .map(|d| d.layout.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            find("/var/log/apache2/mail.log"),
            ["apache log %h %l %u %t \"%r\"    %>s %D"]
        );
        assert_eq!(find("/var/log/transfer"), [APACHE_CLF]);
        assert_eq!(
            find("|/usr/bin/rotatelogs /var/log/x 86400"),
            ["apache log %t %m %U%q"]
        );
        // The formats themselves, for logs that no directive names; `agent` has no time.
        assert_eq!(find("").len(), 2);
    }

    #[test]
    fn nginx() {
        let declared = from_config(
            r#"
http { # a comment; with a semicolon
    log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                    '$status $body_bytes_sent "$http_referer" '
                    '"$http_user_agent" "$http_x_forwarded_for"';
    log_format j escape=json '{"t":"$time_iso8601",'
        "\"ip\":\"${remote_addr}\"}";
    access_log /var/log/nginx/access.log main buffer=32k;
    server { access_log /var/log/nginx/mail.json j; location / { access_log off; } }
    server { access_log /var/log/nginx/plain.log; access_log syslog:server=unix:/dev/log j; }
}"#,
            "etc/nginx/nginx.conf",
        );
        let pairs: Vec<_> = declared
            .iter()
            .filter(|d| !d.log_path.is_empty())
            .map(|d| (d.log_path.as_str(), d.layout.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                (
                    "/var/log/nginx/access.log",
                    "nginx log $remote_addr - $remote_user [$time_local] \"$request\" $status \
                     $body_bytes_sent \"$http_referer\" \"$http_user_agent\" \
                     \"$http_x_forwarded_for\""
                ),
                (
                    "/var/log/nginx/mail.json",
                    r#"nginx json {"t":"$time_iso8601","ip":"${remote_addr}"}"#
                ),
                ("/var/log/nginx/plain.log", NGINX_COMBINED),
            ]
        );
    }

    #[test]
    fn the_most_specific_layout_comes_first() {
        let declared = |log: &str, layout: &str| Declared {
            log_path: log.into(),
            layout: layout.into(),
            declared_in: String::new(),
        };
        let all = [
            declared("/var/log/nginx/access.log", "a"),
            declared("/var/log/nginx/mail/access.log", "b"),
            declared("${DIR}/other.log", "c"),
        ];
        for (path, first) in [
            ("host/var/log/nginx/access.log.3.gz!access.log.3", "a"),
            ("x.tar!var/log/nginx/mail/access.log-20251209", "b"),
            ("other.log.1", "c"),
        ] {
            assert_eq!(layouts_for(&all, path)[0], first, "{path}");
            assert_eq!(layouts_for(&all, path).len(), 3);
        }
    }

    #[test]
    fn hostile_configuration() {
        for text in [
            "LogFormat \"",
            "LogFormat \\",
            "access_log",
            "log_format ;;{{}}",
            "log_format x '${",
            "access_log /x y; log_format y '$a$b$time_local'",
            "CustomLog x \"%{\"",
            "CustomLog x \"%",
        ] {
            let _ = from_config(text, "x");
        }
    }
}
