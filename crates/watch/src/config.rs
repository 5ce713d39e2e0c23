//! The configuration of a watch: one TOML file. `docs/WATCH.md` describes every key.

use crate::follow;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use vauban_ocsf::Level;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It is not what it should be; says where.
    #[error("{path}: {what}")]
    Wrong {
        /// Which.
        path: PathBuf,
        /// In words.
        what: String,
    },
}

/// A whole configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Directory of the state: positions, findings under way, received messages.
    #[serde(default = "state")]
    pub state: PathBuf,
    /// Use the rules that are built in.
    #[serde(default = "yes")]
    pub builtin_rules: bool,
    /// Findings below this level are not made at all.
    #[serde(default = "low")]
    pub level: MinLevel,
    /// Rule files and directories.
    #[serde(default)]
    pub rules: Vec<PathBuf>,
    /// Indicator files: advisories, feeds.
    #[serde(default)]
    pub indicators: Vec<PathBuf>,
    /// Directory that events are kept in as Parquet; none are kept without it.
    pub lake: Option<PathBuf>,
    /// Address of the health and metrics page; none without it.
    pub listen: Option<SocketAddr>,
    /// Longest time between two checkpoints while there is something new, in milliseconds.
    #[serde(default = "checkpoint")]
    pub checkpoint_ms: u64,
    /// How often logs are looked at, in milliseconds.
    #[serde(default = "poll")]
    pub poll_ms: u64,
    /// Undelivered findings at which reading stops until they are delivered.
    #[serde(default = "max_pending")]
    pub max_pending: u64,
    /// Log files.
    #[serde(default)]
    pub file: Vec<FileSource>,
    /// systemd's journal.
    #[serde(default)]
    pub journal: Vec<JournalSource>,
    /// Syslog messages from the network.
    #[serde(default)]
    pub syslog: Vec<SyslogSource>,
    /// Where findings go.
    #[serde(default)]
    pub sink: Sinks,
}

fn state() -> PathBuf {
    "/var/lib/vauban-watch".into()
}
fn yes() -> bool {
    true
}
fn low() -> MinLevel {
    MinLevel(Level::Low)
}
fn checkpoint() -> u64 {
    1000
}
fn poll() -> u64 {
    250
}
fn max_pending() -> u64 {
    10_000
}

/// A log file, or several of the same format.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSource {
    /// Path; `*`, `?` and `[…]` stand for several.
    pub path: String,
    /// Log format; told by content if not given.
    pub format: Option<String>,
    /// Zone of stamps without offset (IANA name); the system's if not given.
    pub zone: Option<String>,
    /// Where a log that was never read before is begun.
    #[serde(default)]
    pub from: follow::From,
    /// How long a writer may go on writing to a renamed file, in seconds.
    #[serde(default = "drain")]
    pub drain_seconds: u64,
}

fn drain() -> u64 {
    60
}

/// systemd's journal, through journalctl(1).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalSource {
    /// Name of the source.
    #[serde(default = "journal_name")]
    pub name: String,
    /// Further arguments of journalctl: matches, `--directory=…`.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// The program.
    #[serde(default = "journalctl")]
    pub program: PathBuf,
    /// Where a journal that was never read before is begun.
    #[serde(default)]
    pub from: follow::From,
}

fn journal_name() -> String {
    "journal".into()
}
fn journalctl() -> PathBuf {
    "journalctl".into()
}

/// Messages received over the network.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyslogSource {
    /// Name of the source: a directory under the state's `received/`.
    #[serde(default = "syslog_name")]
    pub name: String,
    /// Address for UDP (RFC 5426, RFC 3164).
    pub udp: Option<SocketAddr>,
    /// Address for TCP (RFC 6587: octet counting or line ends, told by the first byte).
    pub tcp: Option<SocketAddr>,
    /// Address for TLS (RFC 5425).
    pub tls: Option<SocketAddr>,
    /// PEM file with the certificate chain.
    pub certificate: Option<PathBuf>,
    /// PEM file with the private key.
    pub key: Option<PathBuf>,
    /// PEM file with authorities: clients must show a certificate of theirs.
    pub client_ca: Option<PathBuf>,
    /// Connections at a time.
    #[serde(default = "connections")]
    pub max_connections: usize,
    /// Bytes received but not processed at which reading from the network stops.
    #[serde(default = "max_unread")]
    pub max_unread_bytes: u64,
    /// Bytes of processed messages that are kept so that a finding's lines can be opened.
    #[serde(default = "keep_bytes")]
    pub keep_bytes: u64,
    /// Zone of stamps without offset.
    pub zone: Option<String>,
}

fn syslog_name() -> String {
    "syslog".into()
}
fn connections() -> usize {
    256
}
fn max_unread() -> u64 {
    256 << 20
}
fn keep_bytes() -> u64 {
    1 << 30
}

/// Where findings go.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sinks {
    /// Files of JSON lines.
    #[serde(default)]
    pub file: Vec<FileSink>,
    /// Syslog servers.
    #[serde(default)]
    pub syslog: Vec<SyslogSink>,
    /// HTTP servers.
    #[serde(default)]
    pub webhook: Vec<WebhookSink>,
    /// Mail.
    #[serde(default)]
    pub mail: Vec<MailSink>,
}

/// A file of OCSF Detection Findings, one a line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSink {
    /// The file; made if need be, and followed through its own rotation.
    pub path: PathBuf,
    /// Least level.
    #[serde(default)]
    pub level: MinLevel,
}

/// A syslog server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyslogSink {
    /// `udp://host:port`, `tcp://host:port` or `unix:/dev/log`.
    pub to: String,
    /// Least level.
    #[serde(default)]
    pub level: MinLevel,
}

/// An HTTP server that takes findings by POST.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSink {
    /// Where to.
    pub url: String,
    /// File whose first line is sent as bearer token.
    pub token_file: Option<PathBuf>,
    /// PEM file with authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// Time for one request in seconds.
    #[serde(default = "timeout")]
    pub timeout_seconds: u64,
    /// Least level.
    #[serde(default)]
    pub level: MinLevel,
}

fn timeout() -> u64 {
    30
}

/// Mail, several findings in one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSink {
    /// Sender.
    pub from: String,
    /// Recipients.
    pub to: Vec<String>,
    /// `host:port` of a mail server that takes mail without authentication (the local one), or
    /// `sendmail:/usr/sbin/sendmail`.
    #[serde(default = "smtp")]
    pub through: String,
    /// Findings are gathered for so many seconds.
    #[serde(default = "gather")]
    pub gather_seconds: u64,
    /// Least level.
    #[serde(default = "mail_level")]
    pub level: MinLevel,
}

fn smtp() -> String {
    "127.0.0.1:25".into()
}
fn gather() -> u64 {
    60
}
fn mail_level() -> MinLevel {
    MinLevel(Level::Medium)
}

/// Findings below this level are not sent to a sink.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct MinLevel(pub Level);

impl<'de> Deserialize<'de> for MinLevel {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let word = String::deserialize(d)?;
        Level::from_level(&word).map(Self).ok_or_else(|| {
            serde::de::Error::custom("a level is informational, low, medium, high or critical")
        })
    }
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, or is not a configuration; says what and where.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Io {
            path: path.to_path_buf(),
            source,
        })?;
        Self::parse(&text).map_err(|what| ConfigError::Wrong {
            path: path.to_path_buf(),
            what,
        })
    }

    /// Reads text.
    ///
    /// # Errors
    /// Says in words what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        if self.file.is_empty() && self.journal.is_empty() && self.syslog.is_empty() {
            return Err("nothing to watch: no [[file]], [[journal]] or [[syslog]]".into());
        }
        let mut names: Vec<&str> = Vec::new();
        let own = self.journal.iter().map(|j| &j.name);
        for name in own.chain(self.syslog.iter().map(|s| &s.name)) {
            let sound = !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
            if !sound {
                return Err(format!("name = {name:?}: letters, digits, - and _ only"));
            }
            if names.contains(&name.as_str()) {
                return Err(format!("two sources are named {name:?}"));
            }
            names.push(name);
        }
        for file in &self.file {
            glob::Pattern::new(&file.path).map_err(|e| format!("path = {:?}: {e}", file.path))?;
            if let Some(format) = &file.format
                && !vauban_sources::FORMATS.iter().any(|f| f.name() == format)
            {
                let known: Vec<_> = vauban_sources::FORMATS.iter().map(|f| f.name()).collect();
                return Err(format!(
                    "format = {format:?}: known are {}",
                    known.join(", ")
                ));
            }
        }
        let zones = self.file.iter().map(|f| &f.zone);
        for zone in zones.chain(self.syslog.iter().map(|s| &s.zone)).flatten() {
            jiff::tz::TimeZone::get(zone).map_err(|e| format!("zone = {zone:?}: {e}"))?;
        }
        for s in &self.syslog {
            if s.udp.is_none() && s.tcp.is_none() && s.tls.is_none() {
                return Err(format!("[[syslog]] {}: none of udp, tcp, tls", s.name));
            }
            if s.tls.is_some() && (s.certificate.is_none() || s.key.is_none()) {
                return Err(format!(
                    "[[syslog]] {}: tls needs certificate and key",
                    s.name
                ));
            }
            if s.tls.is_some() && cfg!(not(feature = "tls")) {
                return Err("this program was built without TLS".into());
            }
        }
        if cfg!(not(feature = "tls"))
            && self.sink.webhook.iter().any(|w| w.url.starts_with("https"))
        {
            return Err("this program was built without TLS".into());
        }
        if self.lake.is_some() && cfg!(not(feature = "lake")) {
            return Err("this program was built without the lake".into());
        }
        if let Some(address) = self.listen
            && !address.ip().is_loopback()
        {
            return Err(format!(
                "listen = \"{address}\": the page has no access control, so it is served on \
                 loopback only"
            ));
        }
        for mail in &self.sink.mail {
            let bad = |a: &str| {
                a.is_empty() || !a.contains('@') || a.chars().any(|c| c.is_control() || c == ' ')
            };
            if mail.to.is_empty() || mail.to.iter().any(|a| bad(a)) || bad(&mail.from) {
                return Err("[[sink.mail]]: from and to are mail addresses".into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn least_configuration_has_defaults() {
        let c = Config::parse("[[file]]\npath = '/var/log/mail.log'").expect("sound");
        assert_eq!(c.state, Path::new("/var/lib/vauban-watch"));
        assert_eq!(
            (c.checkpoint_ms, c.poll_ms, c.max_pending),
            (1000, 250, 10_000)
        );
        assert_eq!(c.file[0].from, follow::From::End);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, says) in [
            ("", "nothing to watch"),
            ("[[file]]\npath = '/x'\ncolour = 1", "colour"),
            ("[[file]]\npath = '/x'\nformat = 'nope'", "known are"),
            ("[[file]]\npath = '/x'\nzone = 'Mars/Base'", "Mars/Base"),
            ("[[file]]\npath = '/x['", "path"),
            ("listen = '0.0.0.0:1'\n[[file]]\npath = '/x'", "loopback"),
            ("[[syslog]]\nname = 'a'", "none of udp"),
            ("[[syslog]]\nname = '../a'\nudp = '127.0.0.1:1'", "letters"),
            ("[[syslog]]\ntls = '127.0.0.1:1'", "certificate"),
            (
                "[[syslog]]\nudp = '127.0.0.1:1'\n[[syslog]]\nudp = '127.0.0.1:2'",
                "two sources",
            ),
            (
                "[[file]]\npath = '/x'\n[[sink.file]]\npath = '/y'\nlevel = 'loud'",
                "a level is",
            ),
            (
                "[[file]]\npath = '/x'\n[[sink.mail]]\nfrom = 'a@b'\nto = ['x y']",
                "mail addresses",
            ),
        ] {
            let error = Config::parse(text).expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
