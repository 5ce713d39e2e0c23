//! Cyrus IMAP's `auditlog` (`auditlog: yes` in imapd.conf(5)) and deliveries.
//!
//! `auditlog: append sessionid=<…> mailbox=<…> uniqueid=<…> uid=<…> guid=<…> …` (`imap/append.c`,
//! `imap/mailbox.c`, `imap/global.c`): a value stands in angle brackets. `Delivered: <…> to mailbox:
//! …` (`imap/lmtpd.c`).

use super::{Accounted, Out, Record};
use vauban_ocsf::{
    Body, Email, EmailActivity, Logoff, Mailbox, MailboxAction, Product, Service, Status,
};

/// A value of an audit record.
fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(name) {
        let whole = before.is_empty() || before.ends_with(' ');
        if whole && let Some(inner) = after.strip_prefix("=<") {
            return inner.split('>').next().unwrap_or_default();
        }
        rest = after;
    }
    ""
}

/// `user.anne.Drafts`, `example.org!user.anne`: the account, domain and all.
fn owner(mailbox: &str) -> String {
    let (domain, name) = mailbox.split_once('!').unwrap_or(("", mailbox));
    let name = name.strip_prefix("user").unwrap_or_default();
    let Some(separator) = name.chars().next().filter(|c| matches!(c, '.' | '/')) else {
        return String::new();
    };
    let account = name
        .split(separator)
        .nth(1)
        .unwrap_or_default()
        // In names with points for levels a point of the account's is a caret.
        .replace('^', ".");
    if domain.is_empty() {
        account
    } else {
        format!("{account}@{domain}")
    }
}

/// Reads an audit record or a delivery; `None` if the record is neither.
pub(super) fn parse(record: &Record<'_>, service: Service, out: &mut Out<'_>) -> Option<Accounted> {
    if let Some(rest) = record.message.strip_prefix("Delivered: ") {
        let (id, mailbox) = rest.rsplit_once(" to mailbox: ")?;
        let user = owner(mailbox);
        let email = Email {
            activity: EmailActivity::Delivered,
            status: Status::Success,
            message_id: crate::field::unbracketed(id),
            to: &user,
            agent: "lmtp",
            outcome: "sent",
            mailbox,
            ..Email::default()
        };
        return Some(out.event(record, Product::Cyrus, Body::Email(email)));
    }
    let text = record.message.strip_prefix("auditlog: ")?;
    let session = value(text, "sessionid");
    let action = match text.split(' ').next().unwrap_or_default() {
        "append" => MailboxAction::Save,
        "expunge" => MailboxAction::Expunge,
        "create" => MailboxAction::MailboxCreate,
        "delete" => MailboxAction::MailboxDelete,
        "rename" => MailboxAction::MailboxRename,
        "copy" | "move" => MailboxAction::Copy,
        "traffic" => {
            let number = |name| value(text, name).parse().ok();
            let logoff = Logoff {
                service,
                session,
                bytes_in: number("bytes_in"),
                bytes_out: number("bytes_out"),
                reason: "traffic",
                ..Logoff::default()
            };
            return Some(out.event(record, Product::Cyrus, Body::Logoff(Box::new(logoff))));
        }
        _ => return Some(out.ignored(record)),
    };
    let name = match value(text, "mailbox") {
        "" => value(text, "oldmailbox"),
        name => name,
    };
    let user = owner(name);
    let mailbox = Mailbox {
        action,
        service,
        user: &user,
        session,
        mailbox: name,
        other_mailbox: value(text, "newmailbox"),
        uids: value(text, "uid"),
        size: value(text, "size").parse().ok(),
        arguments: text,
        status: Status::Success,
        ..Mailbox::default()
    };
    Some(out.event(record, Product::Cyrus, Body::Mailbox(mailbox)))
}
