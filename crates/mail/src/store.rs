//! The mail store as values.

use serde::Serialize;
use vauban_ocsf::{Evidence, Timestamp};

/// Every mailbox found in the evidence.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// Mailboxes in order of account, then name.
    pub mailboxes: Vec<Mailbox>,
}

/// One mailbox (IMAP's word for a folder) of one account.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    /// Account as the path tells it: `user@domain` when the path has both, else `user`.
    pub account: String,
    /// IMAP name in UTF-8 with `/` as separator ("INBOX", "Sent", "Projets/2025").
    pub name: String,
    /// IMAP UIDVALIDITY, when the store's index tells.
    pub uid_validity: Option<u32>,
    /// IMAP UIDNEXT, when the store's index tells.
    pub uid_next: Option<u32>,
    /// The index that gave the UIDs.
    pub uid_evidence: Option<Evidence>,
    /// UIDs in the index whose message file is not in the evidence (expunged or moved since).
    pub missing_uids: Vec<u32>,
    /// Messages in order of UID, then of path.
    pub messages: Vec<StoredMessage>,
}

/// A message in a store.
#[derive(Clone, Debug, Default)]
pub struct StoredMessage {
    /// IMAP UID, when the store's index tells.
    pub uid: Option<u32>,
    /// The whole message: file (offset 0) or range of an mbox.
    pub evidence: Evidence,
    /// When the server received it (Maildir file name, mbox `From ` line).
    pub received: Option<Timestamp>,
    /// Flags in IMAP form ("\\Seen \\Answered"), keywords included when known.
    pub flags: Vec<String>,
    /// The message itself.
    pub message: Message,
}

/// A parsed message.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Octets as stored.
    pub size: u64,
    /// Octets with every line ended by CRLF: IMAP's RFC822.SIZE, POP3's RETR.
    pub vsize: u64,
    /// Lines that begin with a dot: POP3 and SMTP send one octet more for each (RFC 1939, 3).
    pub dot_lines: u64,
    /// Octets of the header including the empty line, with CRLF.
    pub header_vsize: u64,
    /// Message-ID without angle brackets, `""` if none.
    pub message_id: String,
    /// Decoded subject.
    pub subject: String,
    /// `From` address (first), lower-cased domain.
    pub from: String,
    /// `From` display name, decoded.
    pub from_name: String,
    /// Addresses in To and Cc.
    pub recipients: Vec<String>,
    /// `Date` header.
    pub date: Option<Timestamp>,
    /// Every leaf part in IMAP order, bodies and attachments. A `message/rfc822` part is a leaf
    /// here and its own parts follow it (number `3` then `3.1`, …).
    pub parts: Vec<Part>,
    /// Facts about structure that lure rules judge.
    pub facts: Vec<Fact>,
    /// Secrets standing in the text (passwords, keys, internal addresses).
    pub secrets: Vec<Secret>,
    /// Protective markings and classes found in subject, headers or text, by rule id.
    pub classification: Vec<String>,
    /// Malformed structure, in words.
    pub defects: Vec<String>,
}

/// A leaf part of a message.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// IMAP part number ("1", "2.1"; RFC 3501 section 6.4.5).
    pub number: String,
    /// Media type, lower case ("application/pdf").
    pub content_type: String,
    /// Decoded file name, `""` if none.
    pub filename: String,
    /// `true` when a mail client would show it as a file rather than as the text.
    pub attachment: bool,
    /// Content-ID without angle brackets, `""` if none (inline images).
    pub content_id: String,
    /// Where its body begins, in octets from the beginning of the message as stored.
    pub offset: u64,
    /// Octets of its body as stored, still encoded.
    pub stored_size: u64,
    /// The same with CRLF: what BODY[n] sends.
    pub encoded_size: u64,
    /// Octets after decoding base64 or quoted-printable: the file a user saves.
    pub decoded_size: u64,
    /// SHA-256 of the decoded octets, lower-case hex.
    pub sha256: String,
    /// Protective markings and classes found in this part, by rule id.
    pub classification: Vec<String>,
}

/// A fact about a message's structure that a rule may judge.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fact {
    /// Name ("html.event_handler", "html.svg_animate_href", "link.text_mismatch").
    pub name: String,
    /// What it was found in or with (an attribute, a URL), shortened to 200 characters.
    pub value: String,
    /// IMAP part number it stands in, `""` for headers.
    pub part: String,
}

/// A secret standing in clear in a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Secret {
    /// "password", "private_key", "api_token", "internal_host", "url_credentials".
    pub kind: String,
    /// The system or account it belongs to when the text tells, else `""`.
    pub target: String,
    /// The secret with all but its first two characters masked; internal hosts are not masked.
    pub masked: String,
    /// The context around it (at most 120 characters) with the secret masked.
    pub context: String,
    /// IMAP part number it stands in.
    pub part: String,
}
