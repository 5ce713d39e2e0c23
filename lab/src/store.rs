//! The mail store seen from behind: fills Maildirs before Dovecot starts, and answers which message
//! a UID is, by Dovecot's own `dovecot-uidlist`.

use std::fs::{self, File, FileTimes};
use std::io::Write;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use crate::clock::{Nanos, SEC};
use crate::mime::Message;

/// Where Dovecot keeps the mail of a domain.
pub const VHOSTS: &str = "/var/mail/vhosts";

/// The vmail user's numbers.
const VMAIL: u32 = 5000;

/// The home directory of an account.
pub fn home(account: &str) -> PathBuf {
    let (user, domain) = account.split_once('@').unwrap_or((account, "localhost"));
    Path::new(VHOSTS).join(domain).join(user)
}

/// The directory of a mailbox, named as IMAP does (Maildir++: `.Sent`, `.Projets.2025`, modified UTF-7).
pub fn mailbox_dir(account: &str, mailbox: &str) -> PathBuf {
    let maildir = home(account).join("Maildir");
    if mailbox == "INBOX" {
        maildir
    } else {
        maildir.join(format!(".{mailbox}"))
    }
}

fn make_dir(dir: &Path) -> Result<()> {
    if !dir.exists() {
        if let Some(parent) = dir.parent() {
            make_dir(parent)?;
        }
        fs::create_dir(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        chown(dir, Some(VMAIL), Some(VMAIL))?;
    }
    Ok(())
}

/// Puts a message into a mailbox as if it had been delivered at `at`; `serial` tells two messages of
/// one second apart, `flags` are Maildir's letters (`S` seen, `R` answered).
pub fn deposit(
    account: &str,
    mailbox: &str,
    raw: &[u8],
    at: Nanos,
    serial: u32,
    flags: &str,
) -> Result<()> {
    let dir = mailbox_dir(account, mailbox);
    for sub in ["cur", "new", "tmp"] {
        make_dir(&dir.join(sub))?;
    }
    if mailbox != "INBOX" {
        let marker = dir.join("maildirfolder");
        if !marker.exists() {
            File::create(&marker)?;
            chown(&marker, Some(VMAIL), Some(VMAIL))?;
        }
    }
    // Dovecot stores LF line ends and names the real (S) and the virtual (W, CRLF) size.
    let lf: Vec<u8> = strip_cr(raw);
    let virtual_size = lf.len() + memchr::memchr_iter(b'\n', &lf).count();
    let name = format!(
        "{}.M{}P{}.mail,S={},W={}:2,{flags}",
        at / SEC,
        (at % SEC) / 1000,
        1000 + serial,
        lf.len(),
        virtual_size
    );
    let path = dir.join("cur").join(name);
    let mut file =
        File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(&lf)?;
    let nanos = u64::try_from(at).unwrap_or(0);
    let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos);
    file.set_times(FileTimes::new().set_modified(time).set_accessed(time))?;
    chown(&path, Some(VMAIL), Some(VMAIL))?;
    Ok(())
}

fn strip_cr(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    for (i, byte) in raw.iter().enumerate() {
        if *byte == b'\r' && raw.get(i + 1) == Some(&b'\n') {
            continue;
        }
        out.push(*byte);
    }
    out
}

/// Subscribes an account to mailboxes (Maildir++ `subscriptions` file).
pub fn subscribe(account: &str, mailboxes: &[&str]) -> Result<()> {
    let path = home(account).join("Maildir/subscriptions");
    let lines: String = mailboxes.iter().map(|m| format!("{m}\n")).collect();
    fs::write(&path, lines).with_context(|| format!("cannot write {}", path.display()))?;
    chown(&path, Some(VMAIL), Some(VMAIL))?;
    Ok(())
}

/// The UIDs of a mailbox with the base names of their files.
pub fn uids(account: &str, mailbox: &str) -> Result<Vec<(u32, String)>> {
    let path = mailbox_dir(account, mailbox).join("dovecot-uidlist");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text
        .lines()
        .skip(1)
        .filter_map(|line| {
            let uid = line.split(' ').next()?.parse().ok()?;
            let name = line.split_once(" :")?.1;
            Some((uid, base(name).to_owned()))
        })
        .collect())
}

fn base(name: &str) -> &str {
    name.split(":2,").next().unwrap_or(name)
}

/// The octets of a message as they are stored.
pub fn raw(account: &str, mailbox: &str, uid: u32) -> Result<Vec<u8>> {
    let dir = mailbox_dir(account, mailbox);
    let wanted = uids(account, mailbox)?
        .into_iter()
        .find(|u| u.0 == uid)
        .with_context(|| format!("{account} has no UID {uid} in {mailbox}"))?
        .1;
    for sub in ["cur", "new"] {
        for entry in fs::read_dir(dir.join(sub))? {
            let entry = entry?;
            let name = entry.file_name();
            if base(&name.to_string_lossy()) == wanted {
                return fs::read(entry.path())
                    .with_context(|| format!("cannot read {}", entry.path().display()));
            }
        }
    }
    anyhow::bail!("the file of {account} {mailbox} UID {uid} is gone")
}

/// A message by its UID, taken apart.
pub fn message(account: &str, mailbox: &str, uid: u32) -> Result<Message> {
    raw(account, mailbox, uid).map(|raw| Message::parse(&raw))
}

/// The UID of a message by its `Message-ID`.
pub fn find(account: &str, mailbox: &str, message_id: &str) -> Result<Option<u32>> {
    for (uid, _) in uids(account, mailbox)?.into_iter().rev() {
        if let Ok(message) = message(account, mailbox, uid)
            && message.message_id == message_id
        {
            return Ok(Some(uid));
        }
    }
    Ok(None)
}
