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

/// Texts that name what was done, with activity and status.
const ACTIONS: &[(&str, EmailActivity, Status)] = &[
    (
        ": saved mail to ",
        EmailActivity::Delivered,
        Status::Success,
    ),
    (
        ": stored mail into mailbox ",
        EmailActivity::Delivered,
        Status::Success,
    ),
    (
        ": fileinto action: stored mail into mailbox ",
        EmailActivity::Delivered,
        Status::Success,
    ),
    (
        ": left message in mailbox ",
        EmailActivity::Delivered,
        Status::Success,
    ),
    (
        ": forwarded to <",
        EmailActivity::Forwarded,
        Status::Success,
    ),
    (
        ": redirect action: forwarded to <",
        EmailActivity::Forwarded,
        Status::Success,
    ),
    (
        ": save failed to ",
        EmailActivity::Delivered,
        Status::Failure,
    ),
    (
        ": failed to store into mailbox ",
        EmailActivity::Delivered,
        Status::Failure,
    ),
    (
        ": failed to redirect message to <",
        EmailActivity::Forwarded,
        Status::Failure,
    ),
    (
        ": not forwarding message to <",
        EmailActivity::Forwarded,
        Status::Failure,
    ),
    (
        ": discarded duplicate forward to <",
        EmailActivity::Forwarded,
        Status::Failure,
    ),
    (": discard", EmailActivity::Other, Status::Success),
    (
        ": Marked message to be discarded",
        EmailActivity::Other,
        Status::Success,
    ),
    (
        ": marked message to be discarded",
        EmailActivity::Other,
        Status::Success,
    ),
    (
        ": sent vacation response to <",
        EmailActivity::Other,
        Status::Success,
    ),
    (
        ": vacation action: sent vacation response to <",
        EmailActivity::Other,
        Status::Success,
    ),
    (": rejected", EmailActivity::Rejected, Status::Success),
    (": reject", EmailActivity::Rejected, Status::Success),
    (": sent notification", EmailActivity::Other, Status::Success),
];

fn delivery<'a>(entry: &Entry<'a>) -> Option<Email<'a>> {
    // 2.2's lmtp puts the session before: `UIrFAQ+…: msgid=`.
    let at = match entry.text.find("msgid=") {
        Some(at) if at < 64 => at,
        _ => return None,
    };
    let text = entry.text.get(at + 6..)?;
    let (place, key, activity, status) = ACTIONS
        .iter()
        .filter_map(|&(key, activity, status)| {
            text.rfind(key).map(|at| (at, key, activity, status))
        })
        // Several names of one action end alike; the longest begins first, the truest stands last.
        .max_by_key(|&(at, key, ..)| (at + key.len(), std::cmp::Reverse(at)))?;
    let mut email = Email {
        activity,
        status,
        agent: entry.service,
        message_id: field::unbracketed(text.get(..place)?.trim()),
        detail: text.get(place + 2..)?,
        outcome: text
            .get(place + 2..)?
            .split([' ', ':'])
            .next()
            .unwrap_or_default(),
        ..Email::default()
    };
    let object = text.get(place + key.len()..)?;
    if key.ends_with('<') {
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
        if key.ends_with("mailbox ") || key.ends_with("mail to ") {
            email.mailbox = match object.strip_prefix('\'') {
                Some(quoted) => quoted.split('\'').next().unwrap_or(quoted),
                None => object,
            };
        } else if key == ": save failed to " || key == ": failed to store into mailbox " {
            let end = object.find(": ").unwrap_or(object.len());
            email.mailbox = object.get(..end)?.trim_matches('\'');
        }
    }
    Some(email)
}
