//! What an artefact is.

use vauban_ocsf::{ArtefactId, Timestamp};

/// One file of the evidence, or one member of an archive in it.
#[derive(Clone, Debug)]
pub struct Artefact {
    /// Position in the manifest.
    pub id: ArtefactId,
    /// Path relative to the evidence root it was given under, `/`-separated; members of archives
    /// and decompressed streams follow a `!` (`backup.tar.gz!var/log/mail.log.1`). Non-UTF-8 bytes
    /// are shown as `\xNN`.
    pub path: String,
    /// Length of the decoded bytes.
    pub size: u64,
    /// SHA-256 of the decoded bytes.
    pub sha256: [u8; 32],
    /// What it is, judged by content first and name second.
    pub kind: Kind,
    /// Modification time as the file system or archive has it. Weak evidence: copying loses it.
    pub modified: Option<Timestamp>,
    /// Unix owner and mode, when the file system or archive has them.
    pub mode: Option<u32>,
}

/// What an artefact is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
