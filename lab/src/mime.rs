//! Takes a message apart into IMAP's numbered parts (RFC 3501 6.4.5), with decoded sizes.
//!
//! Only for messages of the laboratory's own making: well-formed, no nested `message/rfc822` walks.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// A leaf part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// IMAP part number, `1`, `2`, `1.2`…
    pub number: String,
    /// Media type in lower case, such as `text/plain`.
    pub kind: String,
    /// File name, for attachments.
    pub filename: Option<String>,
    /// The part's content without its transfer encoding.
    pub content: Vec<u8>,
    /// `Content-Transfer-Encoding`.
    pub encoding: String,
    /// Whether it stands in a `multipart/alternative`.
    pub alternative: bool,
}

impl Part {
    /// Whether the part is an attachment (has a file name).
    pub fn is_attachment(&self) -> bool {
        self.filename.is_some()
    }
}

/// A message taken apart.
#[derive(Debug, Clone)]
pub struct Message {
    /// `Message-ID` with its angle brackets; empty when there is none.
    pub message_id: String,
    /// Leaf parts in order.
    pub parts: Vec<Part>,
    /// The message's octets with CRLF line ends.
    pub octets: u64,
}

impl Message {
    /// Takes a message with CRLF or LF line ends apart.
    pub fn parse(raw: &[u8]) -> Message {
        let crlf = to_crlf(raw);
        let (head, body) = split(&crlf);
        let mut parts = Vec::new();
        walk(head, body, "", false, &mut parts);
        Message {
            message_id: field(head, "message-id").unwrap_or_default(),
            parts,
            octets: crlf.len() as u64,
        }
    }

    /// The attachments.
    pub fn attachments(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|p| p.is_attachment())
    }

    /// The text parts a webmail that prefers HTML shows: of alternatives the HTML one.
    pub fn shown(&self) -> Vec<&Part> {
        let has_html = self
            .parts
            .iter()
            .any(|p| p.alternative && p.kind == "text/html");
        self.parts
            .iter()
            .filter(|p| !p.is_attachment())
            .filter(|p| match p.kind.as_str() {
                "text/html" => true,
                "text/plain" => !(p.alternative && has_html),
                _ => false,
            })
            .collect()
    }

    /// Decoded octets of what [`Message::shown`] gives.
    pub fn shown_octets(&self) -> u64 {
        self.shown().iter().map(|p| p.content.len() as u64).sum()
    }
}

/// The same text with every line ended by CRLF.
pub fn to_crlf(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + raw.len() / 32);
    let mut last = 0u8;
    for byte in raw {
        if *byte == b'\n' && last != b'\r' {
            out.push(b'\r');
        }
        out.push(*byte);
        last = *byte;
    }
    out
}

fn split(entity: &[u8]) -> (&[u8], &[u8]) {
    if let Some(body) = entity.strip_prefix(b"\r\n") {
        return (&[], body);
    }
    match memchr::memmem::find(entity, b"\r\n\r\n") {
        Some(at) => (
            entity.get(..at + 2).unwrap_or_default(),
            entity.get(at + 4..).unwrap_or_default(),
        ),
        None => (entity, &[]),
    }
}

/// A header field, unfolded.
pub fn field(head: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(head)
        .replace("\r\n ", " ")
        .replace("\r\n\t", " ");
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    })
}

/// A parameter of a structured field.
fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|p| {
        let (key, v) = p.split_once('=')?;
        let key = key.trim().trim_end_matches('*');
        let key = key.strip_suffix("*0").unwrap_or(key);
        key.eq_ignore_ascii_case(name)
            .then(|| v.trim().trim_matches('"').to_owned())
    })
}

fn walk(head: &[u8], body: &[u8], number: &str, alternative: bool, parts: &mut Vec<Part>) {
    let content_type = field(head, "content-type").unwrap_or_else(|| "text/plain".to_owned());
    let kind = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if kind.starts_with("multipart/")
        && let Some(boundary) = parameter(&content_type, "boundary")
    {
        let inner = kind == "multipart/alternative";
        for (i, entity) in entities(body, &boundary).into_iter().enumerate() {
            let (head, body) = split(entity);
            let sub = if number.is_empty() {
                (i + 1).to_string()
            } else {
                format!("{number}.{}", i + 1)
            };
            walk(head, body, &sub, inner, parts);
        }
        return;
    }
    let disposition = field(head, "content-disposition").unwrap_or_default();
    let filename = parameter(&disposition, "filename").or_else(|| parameter(&content_type, "name"));
    let encoding = field(head, "content-transfer-encoding").unwrap_or_default();
    parts.push(Part {
        number: if number.is_empty() {
            "1".to_owned()
        } else {
            number.to_owned()
        },
        kind,
        filename,
        content: decode(body, &encoding),
        encoding,
        alternative,
    });
}

fn entities<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let mark = format!("--{boundary}");
    let mut out = Vec::new();
    let mut start: Option<usize> = None;
    let mut at = 0usize;
    for line in body.split_inclusive(|b| *b == b'\n') {
        if line.starts_with(mark.as_bytes()) {
            if let Some(s) = start {
                // The CRLF before a boundary belongs to the boundary.
                let end = at.saturating_sub(2).max(s);
                out.push(body.get(s..end).unwrap_or_default());
            }
            let closing = line.get(mark.len()..).is_some_and(|r| r.starts_with(b"--"));
            start = (!closing).then_some(at + line.len());
            if closing {
                break;
            }
        }
        at += line.len();
    }
    out
}

/// Takes a content transfer encoding off.
pub fn decode(body: &[u8], encoding: &str) -> Vec<u8> {
    match encoding.trim().to_ascii_lowercase().as_str() {
        "base64" => {
            let clean: Vec<u8> = body
                .iter()
                .copied()
                .filter(|b| !b.is_ascii_whitespace())
                .collect();
            let lenient = GeneralPurpose::new(
                &base64::alphabet::STANDARD,
                GeneralPurposeConfig::new()
                    .with_decode_padding_mode(DecodePaddingMode::Indifferent),
            );
            // A piece of a partial fetch may end in the middle of a quantum.
            let whole = clean.len() - clean.len() % 4;
            lenient
                .decode(clean.get(..whole).unwrap_or_default())
                .unwrap_or_default()
        }
        "quoted-printable" => quoted_printable(body),
        _ => body.to_vec(),
    }
}

fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((first, tail)) = rest.split_first() {
        if *first != b'=' {
            out.push(*first);
            rest = tail;
        } else if let Some(tail) = tail.strip_prefix(b"\r\n") {
            rest = tail;
        } else if let Some(byte) = tail
            .get(..2)
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok())
        {
            out.push(byte);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            out.push(b'=');
            rest = tail;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "Message-ID: <1@a>\nSubject: x\nContent-Type: multipart/mixed;\n boundary=\"b1\"\n\n--b1\nContent-Type: multipart/alternative; boundary=b2\n\n--b2\nContent-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\nd=C3=A9j=\n=C3=A0\n--b2\nContent-Type: text/html\n\n<p>a</p>\n--b2--\n--b1\nContent-Type: application/pdf; name=\"a.pdf\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"a.pdf\"\n\nJVBE\nRi0=\n--b1--\n";

    #[test]
    fn parts_are_numbered_as_imap_does() {
        let m = Message::parse(MESSAGE.as_bytes());
        let numbers: Vec<_> = m.parts.iter().map(|p| p.number.as_str()).collect();
        assert_eq!(numbers, ["1.1", "1.2", "2"]);
        assert_eq!(m.parts[0].content, "déjà".as_bytes());
        assert_eq!(m.parts[2].content, b"%PDF-");
        assert_eq!(m.message_id, "<1@a>");
        assert_eq!(m.shown().len(), 1);
        assert_eq!(m.shown_octets(), 8);
        assert_eq!(
            m.octets as usize,
            MESSAGE.len() + MESSAGE.matches('\n').count()
        );
    }

    #[test]
    fn a_plain_message_is_part_one() {
        let m = Message::parse(b"Subject: y\r\n\r\nhello\r\n");
        assert_eq!(m.parts.len(), 1);
        assert_eq!((m.parts[0].number.as_str(), m.shown_octets()), ("1", 7));
    }
}
