//! mbox files (RFC 4155, mboxo/mboxrd) as Dovecot reads them.

use std::ops::Range;

use vauban_ocsf::Timestamp;

use crate::mime::{header, words};

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
        if line_end >= bytes.len() {
            break;
        }
    }
    close(&mut out, bytes, bytes.len());
    out
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
    fn nothing_and_junk() {
        for m in [&b""[..], b"From ", b"From x", b"\nFrom \n", b"no mbox\n"] {
            assert!(split(m).len() <= 1);
        }
    }
}
