//! mbox files (RFC 4155, mboxo/mboxrd) as Dovecot reads them.

use std::ops::Range;

use vauban_ocsf::{ArtefactId, Evidence, Timestamp};

use crate::maildir::layout;
use crate::mime::{header, words};
use crate::rules::ContentRules;
use crate::{Mailbox, StoredMessage};

/// Account and mailbox of an mbox by its path: `/var/mail/USER` is an INBOX,
/// `/home/USER/mail/Sent` and `/home/USER/Mail/Projets/2025` are named below the mail directory.
pub fn place(path: &str) -> (String, String) {
    let mut at = path.rsplit_once('/').map_or("", |x| x.0);
    while let Some((up, base)) = at.rsplit_once('/') {
        let below_user = up
            .rsplit('/')
            .nth(1)
            .is_some_and(|p| p == "home" || p.contains('.'));
        if matches!(base, "mail" | "Mail" | "mails") && below_user {
            let name = path[at.len() + 1..].trim_end_matches(".mbox");
            let name = if name.eq_ignore_ascii_case("inbox") {
                "INBOX"
            } else {
                name
            };
            return (layout::account(at), name.to_owned());
        }
        at = up;
    }
    let user = path.trim_end_matches(".mbox");
    (layout::account(user), "INBOX".to_owned())
}

/// Reads an mbox into a mailbox. UIDs are those Dovecot wrote into the file; messages that have
/// none keep `None`.
pub fn mailbox(artefact: ArtefactId, path: &str, bytes: &[u8], rules: &ContentRules) -> Mailbox {
    let (account, name) = place(path);
    let mut out = Mailbox {
        account,
        name,
        ..Mailbox::default()
    };
    for found in split(bytes) {
        let raw = &bytes[found.message.clone()];
        let (shown, hidden) = visible(raw);
        if out.uid_validity.is_none() {
            out.uid_validity = hidden.uid_validity;
        }
        let evidence = Evidence {
            artefact,
            offset: found.message.start as u64,
            length: u32::try_from(raw.len()).unwrap_or(u32::MAX),
        };
        if hidden.uid.is_some() && out.uid_evidence.is_none() {
            out.uid_evidence = Some(evidence);
        }
        out.messages.push(StoredMessage {
            uid: hidden.uid,
            evidence,
            received: found.received,
            flags: hidden.flags,
            message: crate::parse(&shown, rules),
        });
    }
    out
}

/// A message in an mbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MboxMessage {
    /// The `From ` line without its end.
    pub from_line: Range<usize>,
    /// Header and body, without the empty line before the next `From `.
    pub message: Range<usize>,
    /// Time in the `From ` line, read as UTC unless it names a zone.
    pub received: Option<Timestamp>,
}

/// Splits an mbox. Octets before the first `From ` line belong to no message.
pub fn split(bytes: &[u8]) -> Vec<MboxMessage> {
    let mut out: Vec<MboxMessage> = Vec::new();
    let mut from = 0usize;
    let mut first = true;
    while from < bytes.len() {
        let start = if first && bytes.starts_with(b"From ") {
            0
        } else {
            match memchr::memmem::find(&bytes[from..], b"\nFrom ") {
                Some(i) => from + i + 1,
                None => break,
            }
        };
        first = false;
        let line_end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |i| start + i);
        from = line_end.max(start);
        // A line of text that begins with "From " has no date (Dovecot's mbox_from_parse).
        let Some(received) = from_line(&bytes[start..line_end]) else {
            if line_end >= bytes.len() {
                break;
            }
            continue;
        };
        close(&mut out, bytes, start);
        let body = (line_end + 1).min(bytes.len());
        out.push(MboxMessage {
            from_line: start..line_end,
            message: body..body,
            received,
        });
        if let Some(end) = by_content_length(bytes, body) {
            // The line end before the next separator is looked for from here.
            from = end.saturating_sub(1).max(line_end);
        }
        if line_end >= bytes.len() {
            break;
        }
    }
    close(&mut out, bytes, bytes.len());
    out
}

/// End of a message by its `Content-Length`, if what follows there is a separator or the end: then
/// lines of the body that look like separators are none (Dovecot trusts the field so far).
fn by_content_length(bytes: &[u8], start: usize) -> Option<usize> {
    // Bounded, so that a file of separators does not make this quadratic.
    let window = &bytes[start..bytes.len().min(start + (1 << 20))];
    let header_end = [&b"\n\n"[..], b"\n\r\n"]
        .iter()
        .filter_map(|blank| Some(memchr::memmem::find(window, blank)? + start + blank.len()))
        .min()?;
    let fields = header::fields(&bytes[start..header_end]);
    let value = header::find(&fields, "Content-Length")?.value;
    let length: usize = std::str::from_utf8(value).ok()?.trim().parse().ok()?;
    let end = header_end
        .checked_add(length)
        .filter(|e| *e <= bytes.len())?;
    let rest = &bytes[end..];
    let rest = rest
        .strip_prefix(b"\r\n")
        .or(rest.strip_prefix(b"\n"))
        .unwrap_or(rest);
    (rest.is_empty() || rest.starts_with(b"From ")).then_some(end)
}

/// Ends the message before `at` at its last line, without the separating empty line.
fn close(out: &mut [MboxMessage], bytes: &[u8], at: usize) {
    let Some(last) = out.last_mut() else { return };
    let mut end = at;
    let body = &bytes[last.message.start..end];
    if body.ends_with(b"\r\n\r\n") {
        end -= 2;
    } else if body.ends_with(b"\n\n") {
        end -= 1;
    }
    last.message.end = end.max(last.message.start);
}

/// Judges a `From ` line: `None` when it is no separator, else its time when readable.
fn from_line(line: &[u8]) -> Option<Option<Timestamp>> {
    let text = std::str::from_utf8(line).ok()?;
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    // From sender Tue Nov 25 08:00:00 [zone] 2025 [zone]
    let time = words.iter().position(|w| is_time(w))?;
    if time < 4 {
        return None;
    }
    let (month, day) = (words.get(time - 2)?, words.get(time - 1)?);
    let year = words[time + 1..]
        .iter()
        .find(|w| w.len() == 4 && w.bytes().all(|b| b.is_ascii_digit()))?;
    let zone = words[time + 1..]
        .iter()
        .find(|w| w.len() == 5 && w.starts_with(['+', '-']))
        .copied()
        .unwrap_or("+0000");
    let clock = words[time];
    let clock = if clock.len() == 5 {
        format!("{clock}:00")
    } else {
        clock.to_owned()
    };
    day.parse::<u8>().ok()?;
    Some(words::date(
        format!("{day} {month} {year} {clock} {zone}").as_bytes(),
    ))
}

fn is_time(word: &str) -> bool {
    matches!(word.len(), 5 | 8)
        && word.bytes().enumerate().all(|(i, b)| {
            if i % 3 == 2 {
                b == b':'
            } else {
                b.is_ascii_digit()
            }
        })
}

/// Fields that Dovecot keeps in the file and hides from clients.
const HIDDEN: &[&str] = &[
    "Status",
    "X-Status",
    "X-Keywords",
    "X-UID",
    "X-IMAP",
    "X-IMAPbase",
    "Content-Length",
];

/// What the hidden fields say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// IMAP UID (`X-UID`).
    pub uid: Option<u32>,
    /// UIDVALIDITY (`X-IMAPbase` of the first message).
    pub uid_validity: Option<u32>,
    /// IMAP flags.
    pub flags: Vec<String>,
}

/// The message as a client gets it, and what the hidden fields say.
pub fn visible(message: &[u8]) -> (Vec<u8>, Hidden) {
    let mut out = Vec::with_capacity(message.len());
    let mut hidden = Hidden::default();
    let mut at = 0;
    while at < message.len() {
        let mut end = at;
        loop {
            end = memchr::memchr(b'\n', &message[end..]).map_or(message.len(), |i| end + i + 1);
            if !matches!(message.get(end), Some(b' ' | b'\t')) {
                break;
            }
        }
        let line = &message[at..end];
        if line == b"\n" || line == b"\r\n" {
            break;
        }
        at = end;
        let field = header::fields(line).into_iter().next();
        match field.filter(|f| HIDDEN.iter().any(|h| f.is(h))) {
            Some(field) => note(&field, &mut hidden),
            None => out.extend_from_slice(line),
        }
    }
    out.extend_from_slice(&message[at..]);
    (out, hidden)
}

fn note(field: &header::Field<'_>, hidden: &mut Hidden) {
    let value = String::from_utf8_lossy(field.value);
    let mut numbers = value
        .split_ascii_whitespace()
        .map(|w| w.parse::<u32>().ok());
    if field.is("X-UID") {
        hidden.uid = numbers.next().flatten();
    } else if field.is("X-IMAPbase") || field.is("X-IMAP") {
        hidden.uid_validity = numbers.next().flatten();
    } else if field.is("Status") || field.is("X-Status") {
        for c in value.chars() {
            hidden.flags.extend(
                match c {
                    'R' => Some("\\Seen"),
                    'A' => Some("\\Answered"),
                    'F' => Some("\\Flagged"),
                    'T' => Some("\\Draft"),
                    'D' => Some("\\Deleted"),
                    _ => None,
                }
                .map(str::to_owned),
            );
        }
    } else if field.is("X-Keywords") {
        hidden
            .flags
            .extend(value.split_ascii_whitespace().map(str::to_owned));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_on_dated_lines_only() {
        let m = b"From a@b Tue Nov 25 08:00:00 2025\nX-UID: 4\nStatus: RO\nSubject: x\n\nbody\nFrom here on no date\n>From q\n\nFrom c@d Tue Nov 25 09:00:00 2025 +0100\nSubject: y\n\nz";
        let s = split(m);
        assert_eq!(s.len(), 2);
        assert_eq!(s[0].received, Some(Timestamp(1_764_057_600_000_000)));
        assert_eq!(s[1].received, s[0].received);
        let (v, h) = visible(&m[s[0].message.clone()]);
        assert_eq!(v, b"Subject: x\n\nbody\nFrom here on no date\n>From q\n");
        assert_eq!((h.uid, h.flags), (Some(4), vec!["\\Seen".to_owned()]));
        assert_eq!(&m[s[1].message.clone()], b"Subject: y\n\nz");
    }

    #[test]
    fn places() {
        for (path, account, name) in [
            ("var/mail/anna", "anna", "INBOX"),
            ("var/spool/mail/x.fr/anna", "anna@x.fr", "INBOX"),
            ("home/anna/mail/Sent", "anna", "Sent"),
            ("home/anna/Mail/Projets/2025", "anna", "Projets/2025"),
        ] {
            assert_eq!(place(path), (account.to_owned(), name.to_owned()), "{path}");
        }
    }

    #[test]
    fn nothing_and_junk() {
        for m in [&b""[..], b"From ", b"From x", b"\nFrom \n", b"no mbox\n"] {
            assert!(split(m).len() <= 1);
        }
    }
}
