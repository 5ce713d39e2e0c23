//! Dovecot's dbox files: sdbox `u.<UID>` (one message) and mdbox `m.<n>` (many).
//!
//! Format of `src/lib-storage/index/dbox-common/dbox-file.h`: a header line `2 M<hex> C<hex>`
//! (`M` = octets of a message header), then for each message a header of that length
//! (`\x01\x02`, type, object id, hexadecimal size), the message, `\n\x01\x03\n`, and metadata
//! lines up to an empty one. mdbox keeps UIDs in binary indexes that are not read here: its
//! messages come with the mailbox they were first saved to and without UID.

use std::ops::Range;

use std::collections::BTreeMap;

use vauban_ocsf::{Evidence, SECOND, Timestamp};

use crate::maildir::layout::{StoreFile, StoreKind};
use crate::rules::ContentRules;
use crate::{Mailbox, StoredMessage};

/// Reads dbox files into mailboxes, by account and name. `read` gives a file's bytes, or `None`
/// when it cannot be read. Flags stand in binary indexes and stay unknown.
pub fn mailboxes<B: AsRef<[u8]>>(
    files: &[StoreFile],
    mut read: impl FnMut(&StoreFile) -> Option<B>,
    rules: &ContentRules,
) -> Vec<Mailbox> {
    let mut out: BTreeMap<(String, String), Mailbox> = BTreeMap::new();
    for file in files {
        let Some(bytes) = read(file) else { continue };
        let bytes = bytes.as_ref();
        for found in parse(bytes).0 {
            let (name, uid) = match file.kind {
                StoreKind::Sdbox { uid } => (file.name.clone(), Some(uid)),
                StoreKind::Mdbox if found.mailbox.is_empty() => ("INBOX".to_owned(), None),
                StoreKind::Mdbox => (found.mailbox.clone(), None),
            };
            let raw = &bytes[found.message.clone()];
            let mut message = crate::parse(raw, rules);
            if found.external {
                message
                    .defects
                    .push("attachments stand in files of their own".into());
            }
            let mailbox = out.entry((file.account.clone(), name.clone())).or_default();
            mailbox.account.clone_from(&file.account);
            mailbox.name = name;
            mailbox.messages.push(StoredMessage {
                uid,
                evidence: Evidence {
                    artefact: file.artefact,
                    offset: found.message.start as u64,
                    length: u32::try_from(raw.len()).unwrap_or(u32::MAX),
                },
                received: found.received,
                flags: Vec::new(),
                message,
            });
        }
    }
    let mut out: Vec<Mailbox> = out.into_values().collect();
    for mailbox in &mut out {
        mailbox.messages.sort_by_key(|m| {
            (
                m.uid.is_none(),
                m.uid,
                m.evidence.artefact,
                m.evidence.offset,
            )
        });
    }
    out
}

/// A message in a dbox file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DboxMessage {
    /// Where the message stands.
    pub message: Range<usize>,
    /// When the server received it.
    pub received: Option<Timestamp>,
    /// Octets with CRLF as Dovecot noted them.
    pub vsize: Option<u64>,
    /// Mail GUID.
    pub guid: String,
    /// Mailbox the message was first saved to (mdbox).
    pub mailbox: String,
    /// Attachments that are kept in files of their own, so that the message here is not whole.
    pub external: bool,
}

/// Messages of a file and what could not be read (byte offset and reason).
pub fn parse(bytes: &[u8]) -> (Vec<DboxMessage>, Vec<(u64, &'static str)>) {
    let mut out = Vec::new();
    let mut errors = Vec::new();
    let Some(header_end) = memchr::memchr(b'\n', &bytes[..bytes.len().min(256)]) else {
        return (out, vec![(0, "no dbox header")]);
    };
    let header = String::from_utf8_lossy(&bytes[..header_end]);
    let mut words = header.split(' ');
    let length = match words.next() {
        Some("2") => words
            .find_map(|w| w.strip_prefix('M'))
            .and_then(|h| usize::from_str_radix(h, 16).ok())
            .filter(|l| (28..=1024).contains(l)),
        _ => None,
    };
    let Some(length) = length else {
        return (out, vec![(0, "no dbox header of version 2")]);
    };
    let mut at = header_end + 1;
    while at < bytes.len() {
        match message(bytes, at, length) {
            Ok((found, next)) => {
                out.push(found);
                at = next;
            }
            Err(reason) => {
                errors.push((at as u64, reason));
                // Dovecot's own repair: look for the next message header.
                match memchr::memmem::find(&bytes[at + 1..], b"\x01\x02N ") {
                    Some(i) => at += 1 + i,
                    None => break,
                }
            }
        }
    }
    (out, errors)
}

fn message(bytes: &[u8], at: usize, length: usize) -> Result<(DboxMessage, usize), &'static str> {
    let header = bytes.get(at..at + length).ok_or("message header cut")?;
    if !header.starts_with(b"\x01\x02") {
        return Err("no message header");
    }
    // \001\002 N ' ' oid[8] ' ' size[16 hex] … '\n'
    let size = header
        .get(13..29)
        .and_then(|h| std::str::from_utf8(h).ok())
        .and_then(|h| usize::from_str_radix(h.trim(), 16).ok())
        .ok_or("message size is no number")?;
    let start = at + length;
    let end = start
        .checked_add(size)
        .filter(|e| *e <= bytes.len())
        .ok_or("message cut")?;
    let rest = bytes[end..]
        .strip_prefix(b"\n\x01\x03\n")
        .ok_or("no metadata after the message")?;
    let mut found = DboxMessage {
        message: start..end,
        ..DboxMessage::default()
    };
    let mut used = bytes.len() - rest.len();
    for line in rest.split_inclusive(|b| *b == b'\n') {
        used += line.len();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let value = String::from_utf8_lossy(&line[1..]);
        let hex = || u64::from_str_radix(&value, 16).ok();
        match line[0] {
            b'R' => {
                found.received = hex()
                    .and_then(|s| i64::try_from(s).ok())
                    .and_then(|s| s.checked_mul(SECOND))
                    .map(Timestamp);
            }
            b'V' => found.vsize = hex(),
            b'G' => found.guid = value.into_owned(),
            b'B' => found.mailbox = value.into_owned(),
            b'X' => found.external = true,
            _ => {}
        }
    }
    Ok((found, used))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_and_a_cut_one() {
        let mut file = b"2 M1e C65\n".to_vec();
        file.extend_from_slice(b"\x01\x02N          0000000000000005\nhello\n\x01\x03\nR65000000\nGabc\nBINBOX\nV6\n\n");
        let whole = file.len();
        file.extend_from_slice(b"\x01\x02N          00000000000000ff\nshort");
        let (found, errors) = parse(&file);
        assert_eq!(found.len(), 1);
        assert_eq!(&file[found[0].message.clone()], b"hello");
        assert_eq!(
            (found[0].vsize, found[0].mailbox.as_str()),
            (Some(6), "INBOX")
        );
        assert_eq!(errors, [(whole as u64, "message cut")]);
        assert!(!parse(b"").1.is_empty());
    }
}
