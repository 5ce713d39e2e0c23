//! What an artefact is.

use serde::Serialize;
use vauban_ocsf::{ArtefactId, Timestamp};

/// One file of the evidence, or one member of an archive in it.
#[derive(Clone, Debug)]
pub struct Artefact {
    /// Position in the manifest.
    pub id: ArtefactId,
    /// Path relative to the evidence root it was given under, `/`-separated; members of archives
    /// and decompressed streams follow a `!` (`backup.tar.gz!var/log/mail.log.1`). Non-UTF-8 bytes
    /// and control characters are shown as `\xNN`. Unique in a collection. When several roots were
    /// given, the root's own name comes first.
    pub path: String,
    /// Length of the decoded bytes.
    pub size: u64,
    /// SHA-256 of the decoded bytes.
    pub sha256: [u8; 32],
    /// What it is, judged by content first and name second.
    pub kind: Kind,
    /// Modification time as the file system or archive has it. Weak evidence: copying loses it.
    pub modified: Option<Timestamp>,
    /// Unix mode bits (type and permissions), when the file system or archive has them.
    pub mode: Option<u32>,
}

impl Artefact {
    /// SHA-256 as 64 lower-case hex digits.
    pub fn sha256_hex(&self) -> String {
        use std::fmt::Write;
        let mut hex = String::with_capacity(64);
        for byte in self.sha256 {
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }

    /// Where the file stood on the server as far as the path tells: archive steps removed and
    /// single-file compression folded, see [`logical_path`].
    pub fn logical_path(&self) -> String {
        logical_path(&self.path)
    }
}

/// The path without its archive steps.
///
/// `backup.tar.gz!var/log/mail.log` → `var/log/mail.log`; a compressed single file keeps its
/// directory: `var/log/mail.log.2.gz!mail.log.2` → `var/log/mail.log.2`, and a Maildir message that
/// Dovecot stored compressed keeps its place: `cur/17.M1:2,S!17.M1:2,S` → `cur/17.M1:2,S`.
pub fn logical_path(path: &str) -> String {
    let mut steps = path.split('!');
    let mut out = steps.next().unwrap_or("").to_string();
    for step in steps {
        let (dir, file) = match out.rfind('/') {
            Some(at) => (
                out.get(..at + 1).unwrap_or(""),
                out.get(at + 1..).unwrap_or(""),
            ),
            None => ("", out.as_str()),
        };
        let folded = !step.contains('/') && (file == step || single_name(file) == step);
        out = if folded {
            format!("{dir}{step}")
        } else {
            step.to_string()
        };
    }
    out
}

/// Name of the file inside a compressed single file of this name.
pub(crate) fn single_name(file: &str) -> String {
    const SUFFIXES: &[(&str, &str)] = &[
        (".gz", ""),
        (".bz2", ""),
        (".xz", ""),
        (".zst", ""),
        (".lzma", ""),
        (".tgz", ".tar"),
        (".tbz2", ".tar"),
        (".tbz", ".tar"),
        (".txz", ".tar"),
        (".tzst", ".tar"),
        (".svgz", ".svg"),
    ];
    for (suffix, instead) in SUFFIXES {
        let Some(cut) = file.len().checked_sub(suffix.len()) else {
            continue;
        };
        let (Some(stem), Some(end)) = (file.get(..cut), file.get(cut..)) else {
            continue;
        };
        if !stem.is_empty() && end.eq_ignore_ascii_case(suffix) {
            return format!("{stem}{instead}");
        }
    }
    file.to_string()
}

/// What an artefact is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Lines of text; which log format it is, `vauban-sources` tells.
    Text,
    /// A mail message (a file in a Maildir, an `.eml`).
    Message,
    /// An mbox.
    Mbox,
    /// Dovecot's `dovecot-uidlist` of a Maildir.
    DovecotUidlist,
    /// Another index or cache of a mail store (`dovecot.index*`, `dovecot-keywords`, …).
    MailIndex,
    /// A file of messages in Dovecot's own dbox layout (`u.N` of sdbox, `storage/m.N` of mdbox).
    Dbox,
    /// A Sieve script.
    Sieve,
    /// A SQLite database.
    Sqlite,
    /// A text dump of a database (mysqldump, pg_dump).
    SqlDump,
    /// dpkg's `status` file.
    DpkgStatus,
    /// The output of `rpm -qa`.
    RpmList,
    /// A packet capture (pcap, pcapng).
    Pcap,
    /// A systemd journal in its binary form.
    JournalBinary,
    /// A program, library or script of a web root (PHP and the like).
    Script,
    /// Any other configuration file, recognised by place (`/etc`).
    Config,
    /// An archive or compressed file that was opened; its members are artefacts of their own.
    Container,
    /// Anything else that is not text.
    Binary,
    /// No bytes at all.
    Empty,
}

impl Kind {
    /// Stable name in snake case, as in `manifest.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Message => "message",
            Self::Mbox => "mbox",
            Self::DovecotUidlist => "dovecot_uidlist",
            Self::MailIndex => "mail_index",
            Self::Dbox => "dbox",
            Self::Sieve => "sieve",
            Self::Sqlite => "sqlite",
            Self::SqlDump => "sql_dump",
            Self::DpkgStatus => "dpkg_status",
            Self::RpmList => "rpm_list",
            Self::Pcap => "pcap",
            Self::JournalBinary => "journal_binary",
            Self::Script => "script",
            Self::Config => "config",
            Self::Container => "container",
            Self::Binary => "binary",
            Self::Empty => "empty",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logical_paths() {
        for (path, expected) in [
            ("var/log/mail.log", "var/log/mail.log"),
            ("var/log/mail.log.2.gz!mail.log.2", "var/log/mail.log.2"),
            ("backup.tar.gz!var/log/mail.log", "var/log/mail.log"),
            (
                "a.zip!b.tar!home/u/Maildir/cur/1.M:2,S!1.M:2,S",
                "home/u/Maildir/cur/1.M:2,S",
            ),
            ("logs.zip!web/access.log.gz!access.log", "web/access.log"),
            ("", ""),
            ("x!", ""),
        ] {
            assert_eq!(logical_path(path), expected, "{path}");
        }
    }

    #[test]
    fn serde_and_as_str_agree() {
        for kind in [
            Kind::Text,
            Kind::DovecotUidlist,
            Kind::SqlDump,
            Kind::JournalBinary,
        ] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
