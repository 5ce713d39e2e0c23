//! The mail_log plugin: `ACTION: box=B, uid=N, msgid=M, size=S, vsize=V, from=F, subject=J,
//! flags=(L)` in this order, each only if configured (mail-log-plugin.c,
//! mail_log_append_mail_message_real()).
//!
//! Message-ID, sender and subject are whoever sent the message; what stands before them is read
//! from the front and the flags from the end. Dovecot cuts names at 64 and headers at 80 characters
//! and ends what it cut with `...`.

use super::{Entry, service};
use crate::field;
use vauban_ocsf::{Mailbox, MailboxAction, Status};

pub(super) fn parse<'a>(entry: &Entry<'a>) -> Option<Mailbox<'a>> {
    let text = entry.text;
    // What the words for actions begin with: most records are none of this plugin's.
    if !matches!(
        text.as_bytes().first()?,
        b'd' | b'u' | b'e' | b'a' | b's' | b'c' | b'f' | b'M'
    ) {
        return None;
    }
    let mut mailbox = Mailbox {
        service: service(entry.service),
        user: entry.user,
        session: entry.session,
        status: Status::Success,
        ..Mailbox::default()
    };
    let rest = match text.as_bytes().first()? {
        b'c' => {
            // `copy from SOURCE: box=…`; before 2.0 `copy -> TARGET: `.
            mailbox.action = MailboxAction::Copy;
            if let Some(rest) = text.strip_prefix("copy from ") {
                let at = [": box=", ": uid=", ": msgid=", ": size="]
                    .iter()
                    .filter_map(|key| field::find(rest, key))
                    .min()?;
                mailbox.other_mailbox = rest.get(..at)?;
                rest.get(at + 2..)?
            } else {
                let (target, rest) = text.strip_prefix("copy -> ")?.split_once(": ")?;
                mailbox.mailbox = target;
                rest
            }
        }
        b'M' => return mailbox_change(mailbox, text),
        _ => {
            let colon = text.bytes().position(|b| b == b':')?;
            let (action, rest) = (
                text.get(..colon)?,
                text.get(colon + 1..)?.strip_prefix(' ')?,
            );
            mailbox.action = match action {
                "delete" => MailboxAction::Delete,
                "undelete" => MailboxAction::Undelete,
                "expunge" | "autoexpunge" => MailboxAction::Expunge,
                "save" => MailboxAction::Save,
                "copy" => MailboxAction::Copy,
                "flag_change" => MailboxAction::FlagChange,
                _ => return None,
            };
            if action == "autoexpunge" {
                mailbox.command = action;
            }
            rest
        }
    };
    fields(&mut mailbox, rest);
    Some(mailbox)
}

fn fields<'a>(mailbox: &mut Mailbox<'a>, text: &'a str) {
    let mut rest = text;
    // From the end: flags cannot be forged by anything before them.
    if rest.ends_with(')')
        && let Some(at) = field::rfind(rest, "flags=(")
        && (at == 0 || rest.get(..at).is_some_and(|t| t.ends_with(", ")))
    {
        mailbox.flags = rest.get(at + 7..rest.len() - 1).unwrap_or_default();
        rest = rest
            .get(..at)
            .map(|t| t.strip_suffix(", ").unwrap_or(t))
            .unwrap_or_default();
    }
    // From the front.
    if let Some(after) = rest.strip_prefix("box=") {
        let end = field::find(after, ", uid=")
            .or_else(|| field::find(after, ", msgid="))
            .or_else(|| field::find(after, ", size="))
            .unwrap_or(after.len());
        mailbox.mailbox = after.get(..end).unwrap_or_default();
        rest = next(after, end);
    }
    if let Some(after) = rest.strip_prefix("uid=") {
        let end = field::piece_end(after);
        let uid = after.get(..end).unwrap_or_default();
        mailbox.uids = if field::number(uid).is_some() {
            uid
        } else {
            ""
        };
        rest = next(after, end);
    }
    if let Some(after) = rest.strip_prefix("msgid=") {
        let end = message_id_end(after);
        let id = after.get(..end).unwrap_or_default().trim();
        let id = id.strip_prefix('<').unwrap_or(id);
        mailbox.message_id = id.strip_suffix('>').unwrap_or(id);
        rest = next(after, end);
    }
    if let Some(after) = rest.strip_prefix("size=") {
        let end = field::piece_end(after);
        mailbox.size = after.get(..end).and_then(field::number);
        rest = next(after, end);
    }
    if let Some(after) = rest.strip_prefix("vsize=") {
        let end = field::piece_end(after);
        mailbox.vsize = after.get(..end).and_then(field::number);
        rest = next(after, end);
    }
    if let Some(after) = rest.strip_prefix("from=") {
        let end = field::find(after, ", subject=").unwrap_or(after.len());
        mailbox.from = after.get(..end).unwrap_or_default();
        rest = next(after, end);
    }
    if let Some(after) = rest.strip_prefix("subject=") {
        mailbox.subject = after;
    }
}

fn next(text: &str, end: usize) -> &str {
    text.get(end..)
        .and_then(|t| t.strip_prefix(", "))
        .unwrap_or_default()
}

/// Where a Message-ID ends: at the last place from which the rest reads as the plugin writes it, so
/// that an id that imitates fields stays one id.
fn message_id_end(text: &str) -> usize {
    // Nearly always an id in brackets, and the size as the end.
    if text.starts_with('<')
        && let Some(close) = memchr::memchr2(b',', b'>', text.as_bytes())
        && let Some(size) = text.get(close..).and_then(|t| t.strip_prefix(">, size="))
        && size.bytes().all(|b| b.is_ascii_digit())
    {
        return close + 1;
    }
    // Without a sender or subject behind it nothing later is the sender's: the last one counts.
    let limit = field::find(text, ", from=")
        .or_else(|| field::find(text, ", subject="))
        .unwrap_or(text.len());
    let before = text.get(..limit).unwrap_or(text);
    if let Some(at) = field::rfind(before, ", size=") {
        return at;
    }
    if let Some(at) = field::rfind(before, ", vsize=") {
        return at;
    }
    limit
}

/// `Mailbox created: X`, `Mailbox deleted: X`, `Mailbox renamed: X -> Y`.
fn mailbox_change<'a>(mut mailbox: Mailbox<'a>, text: &'a str) -> Option<Mailbox<'a>> {
    let rest = text.strip_prefix("Mailbox ")?;
    if let Some(name) = rest.strip_prefix("created: ") {
        mailbox.action = MailboxAction::MailboxCreate;
        mailbox.mailbox = name;
    } else if let Some(name) = rest.strip_prefix("deleted: ") {
        mailbox.action = MailboxAction::MailboxDelete;
        mailbox.mailbox = name;
    } else {
        let (old, new) = rest.strip_prefix("renamed: ")?.split_once(" -> ")?;
        mailbox.action = MailboxAction::MailboxRename;
        mailbox.other_mailbox = old;
        mailbox.mailbox = new;
    }
    Some(mailbox)
}
