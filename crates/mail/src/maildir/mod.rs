//! Maildir as Dovecot keeps it (Maildir++ and the `fs` layout).
//!
//! - [`layout`] groups the paths of an evidence set into accounts and mailboxes;
//! - [`filename`] reads what a message's file name tells: time, sizes, flags;
//! - [`uidlist`] reads `dovecot-uidlist` (and Courier's), which gives the UIDs, and
//!   `dovecot-keywords`;
//! - [`assemble`] puts them together into a [`Mailbox`].
//!
//! The caller reads the files. To add a layout, teach [`layout`] its paths.

pub mod filename;
pub mod layout;
pub mod uidlist;
pub mod utf7;

use std::collections::HashMap;

use vauban_ocsf::Evidence;

pub use layout::{Layout, MailboxFiles, MessageFile, State};
pub use uidlist::Uidlist;

use crate::{Mailbox, Message, StoredMessage};

/// Puts a mailbox together.
///
/// `parsed` gives the message of each of `files.messages`, in the same order; `None` for a file
/// that could not be read, which then stands as a message without content. Messages in `tmp` were
/// never delivered and are left out.
///
/// A message without an entry in the index has no UID (delivered after the index was copied); an
/// entry without a file is in [`Mailbox::missing_uids`].
pub fn assemble(
    files: &MailboxFiles,
    index: Option<(&Uidlist, Evidence)>,
    keywords: &[String],
    parsed: Vec<Option<Message>>,
) -> Mailbox {
    let mut mailbox = Mailbox {
        account: files.account.clone(),
        name: files.name.clone(),
        ..Mailbox::default()
    };
    let mut uids: HashMap<&str, u32> = HashMap::new();
    if let Some((list, evidence)) = index {
        mailbox.uid_validity = list.uid_validity;
        mailbox.uid_next = list.uid_next;
        mailbox.uid_evidence = Some(evidence);
        uids.extend(list.entries.iter().map(|e| (e.base.as_str(), e.uid)));
    }
    let mut parsed = parsed.into_iter();
    let mut present = std::collections::HashSet::new();
    for file in &files.messages {
        let message = parsed.next().flatten();
        if file.state == State::Tmp {
            continue;
        }
        let name = filename::parse(&file.name);
        let uid = uids.get(name.base).copied();
        present.extend(uid);
        let message = message.unwrap_or_else(|| Message {
            defects: vec!["the file could not be read".into()],
            ..Message::default()
        });
        mailbox.messages.push(StoredMessage {
            uid,
            evidence: Evidence {
                artefact: file.artefact,
                offset: 0,
                length: u32::try_from(message.size).unwrap_or(u32::MAX),
            },
            received: name.received,
            flags: name.flags(keywords),
            message,
        });
    }
    if let Some((list, _)) = index {
        mailbox.missing_uids = list
            .entries
            .iter()
            .map(|e| e.uid)
            .filter(|u| !present.contains(u))
            .collect();
        mailbox.missing_uids.sort_unstable();
        mailbox.missing_uids.dedup();
    }
    // Known UIDs first, in order; then the rest by evidence, whose order is that of paths.
    mailbox.messages.sort_by_key(|m| {
        (
            m.uid.is_none(),
            m.uid,
            m.evidence.artefact,
            m.evidence.offset,
        )
    });
    mailbox
}

#[cfg(test)]
mod tests {
    use super::*;
    use vauban_ocsf::ArtefactId;

    #[test]
    fn uids_missing_files_and_files_without_entry() {
        let paths = [
            "h/var/vmail/x.fr/a/Maildir/cur/1.M1P1.h,S=3,W=4:2,Sa",
            "h/var/vmail/x.fr/a/Maildir/new/2.M1P1.h",
            "h/var/vmail/x.fr/a/Maildir/tmp/3.M1P1.h",
            "h/var/vmail/x.fr/a/Maildir/dovecot-uidlist",
        ];
        let layout = Layout::from_paths(
            paths
                .iter()
                .enumerate()
                .map(|(i, p)| (ArtefactId(i as u32), *p)),
        );
        assert_eq!(layout.mailboxes.len(), 1);
        let files = &layout.mailboxes[0];
        let list = uidlist::parse(b"3 V7 N9 Gabc\n5 :1.M1P1.h,S=3,W=4\n8 W9 :gone\n");
        let evidence = Evidence {
            artefact: ArtefactId(3),
            offset: 0,
            length: 40,
        };
        let m = assemble(
            files,
            Some((&list, evidence)),
            &["$Important".into()],
            vec![None, None, None],
        );
        assert_eq!((m.account.as_str(), m.name.as_str()), ("a@x.fr", "INBOX"));
        assert_eq!(
            (m.uid_validity, m.uid_next, m.missing_uids),
            (Some(7), Some(9), vec![8])
        );
        assert_eq!(m.messages.len(), 2);
        assert_eq!(m.messages[0].uid, Some(5));
        assert_eq!(m.messages[0].flags, ["\\Seen", "$Important"]);
        assert_eq!(m.messages[1].uid, None);
    }
}
