//! Deliveries into mailboxes (lmtp, lda, imapsieve): `msgid=<M>: saved mail to B`,
//! `sieve: msgid=<M>: ACTION` (lib-lda/mail-deliver.c, Pigeonhole's sieve-actions.c).
//!
//! The Message-ID is the sender's and comes first; what was done comes last, so the last text that
//! names an action is Dovecot's.

use super::Entry;
use crate::field;
use crate::syslog::{Accounted, Out, Record};
use vauban_ocsf::{Body, Email, EmailActivity, NetAction, Network, Product, Status};

pub(super) fn parse(record: &Record<'_>, entry: &Entry<'_>, out: &mut Out<'_>) -> Accounted {
    let Some(email) = delivery(entry) else {
        // `Connect from 192.0.2.1`, `Disconnect from local: Logged out (state=READY)`.
        let peer = entry.text.strip_prefix("Connect from ").or_else(|| {
            entry
                .text
                .strip_prefix("Disconnect from ")
                .map(|t| t.split(": ").next().unwrap_or(t))
        });
        if let Some(src_ip) = peer.and_then(field::ip) {
            let network = Network {
                protocol: 6,
                src_ip: Some(src_ip),
                action: NetAction::Allowed,
                state: entry.text,
                label: entry.service,
                ..Network::default()
            };
            return out.event(record, Product::Dovecot, Body::Network(network));
        }
        if let Some(mailbox) = super::mail_log::parse(entry) {
            return out.event(record, Product::Dovecot, Body::Mailbox(mailbox));
        }
        return super::general(record, entry, out);
    };
    out.event(record, Product::Dovecot, Body::Email(email))
}

/// How texts begin that name what was done, with activity and status.
const ACTIONS: &[(&str, EmailActivity, Status)] = &[
    ("saved mail to ", EmailActivity::Delivered, Status::Success),
    (
        "stored mail into mailbox ",
        EmailActivity::Delivered,
        Status::Success,
    ),
    (
        "left message in mailbox ",
        EmailActivity::Delivered,
        Status::Success,
    ),
    ("forwarded to <", EmailActivity::Forwarded, Status::Success),
    ("save failed to ", EmailActivity::Delivered, Status::Failure),
    (
        "failed to store into mailbox ",
        EmailActivity::Delivered,
        Status::Failure,
    ),
    (
        "failed to redirect message to <",
        EmailActivity::Forwarded,
        Status::Failure,
    ),
    (
        "not forwarding message to <",
        EmailActivity::Forwarded,
        Status::Failure,
    ),
    (
        "discarded duplicate forward to <",
        EmailActivity::Forwarded,
        Status::Failure,
    ),
    ("discard", EmailActivity::Other, Status::Success),
    (
        "Marked message to be discarded",
        EmailActivity::Other,
        Status::Success,
    ),
    (
        "marked message to be discarded",
        EmailActivity::Other,
        Status::Success,
    ),
    (
        "sent vacation response to <",
        EmailActivity::Other,
        Status::Success,
    ),
    ("rejected", EmailActivity::Rejected, Status::Success),
    ("sent notification", EmailActivity::Other, Status::Success),
];

/// The most frequent record, without anything in it that could be taken for another:
/// `msgid=<M>: saved mail to B`. The Message-ID, the text after it, and the mailbox.
#[inline]
fn saved(text: &str) -> Option<(&str, &str, &str)> {
    let inner = text.strip_prefix("msgid=<")?;
    let close = memchr::memchr2(b'>', b':', inner.as_bytes())?;
    let detail = inner.get(close..)?.strip_prefix(">: ")?;
    let mailbox = detail.strip_prefix("saved mail to ")?;
    let plain = !mailbox.starts_with('\'') && field::near(mailbox.as_bytes(), b':').is_none();
    plain.then_some((inner.get(..close)?, detail, mailbox))
}

/// The last action a text names: where it begins, the words that name it, activity and status.
fn action(text: &str) -> Option<(usize, &'static str, EmailActivity, Status)> {
    for colon in memchr::memrchr_iter(b':', text.as_bytes()) {
        let Some(rest) = text.get(colon + 1..).and_then(|t| t.strip_prefix(' ')) else {
            continue;
        };
        // `redirect action: forwarded to <…>`: the words before belong to it, and are found again.
        for &(words, activity, status) in ACTIONS {
            if rest.starts_with(words) {
                return Some((colon, words, activity, status));
            }
        }
    }
    None
}

fn delivery<'a>(entry: &Entry<'a>) -> Option<Email<'a>> {
    if let Some((id, detail, mailbox)) = saved(entry.text) {
        return Some(Email {
            activity: EmailActivity::Delivered,
            status: Status::Success,
            agent: entry.service,
            message_id: id,
            detail,
            outcome: "saved",
            to: entry.user,
            mailbox,
            ..Email::default()
        });
    }
    any_delivery(entry)
}

fn any_delivery<'a>(entry: &Entry<'a>) -> Option<Email<'a>> {
    // 2.2's lmtp puts the session before: `UIrFAQ+…: msgid=`.
    let at = match field::find(entry.text, "msgid=") {
        Some(at) if at < 64 => at,
        _ => return None,
    };
    let text = entry.text.get(at + 6..)?;
    let (place, words, activity, status) = action(text)?;
    // `fileinto action: `, `redirect action: `, `vacation action: ` between the id and the words.
    let id = text.get(..place)?;
    let id = match id.rsplit_once(": ") {
        Some((id, before)) if before.ends_with(" action") => id,
        _ => id,
    };
    let mut email = Email {
        activity,
        status,
        agent: entry.service,
        message_id: field::unbracketed(id.trim()),
        detail: text.get(place + 2..)?,
        outcome: text
            .get(place + 2..)?
            .split([' ', ':'])
            .next()
            .unwrap_or_default(),
        ..Email::default()
    };
    let object = text.get(place + 2 + words.len()..)?;
    if words.ends_with('<') {
        let address = object.split('>').next().unwrap_or_default();
        if activity == EmailActivity::Forwarded {
            email.to = address;
            email.orig_to = entry.user;
        } else {
            email.from = address;
            email.to = entry.user;
        }
    } else {
        email.to = entry.user;
        if status == Status::Success && words.ends_with(' ') {
            email.mailbox = match object.strip_prefix('\'') {
                Some(quoted) => quoted.split('\'').next().unwrap_or(quoted),
                None => object,
            };
        } else if words.ends_with(' ') {
            let end = object.find(": ").unwrap_or(object.len());
            email.mailbox = object.get(..end)?.trim_matches('\'');
        }
    }
    Some(email)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syslog::damage::damaged;
    use proptest::prelude::*;

    const LINES: &[&str] = &[
        "msgid=<20251125.28UW@mail.example>: saved mail to INBOX",
        "msgid=<a b@mail.example>: saved mail to Lists/x",
    ];

    proptest! {
        #[test]
        fn both_ways_of_reading_agree(line in damaged(LINES)) {
            let entry = Entry {
                user: "u",
                text: &line,
                ..Entry::default()
            };
            prop_assert_eq!(
                format!("{:?}", delivery(&entry)),
                format!("{:?}", any_delivery(&entry))
            );
        }
    }

    #[test]
    fn usual_lines_are_read_the_quick_way() {
        assert!(LINES.iter().all(|line| saved(line).is_some()));
    }
}
