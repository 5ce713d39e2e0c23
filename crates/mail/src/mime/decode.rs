//! Content-Transfer-Encoding undone, in one pass, with bounded memory.
//!
//! What comes out is what a user would save: line ends of text are CRLF as IMAP sends them, and
//! base64 is read as leniently as webmails read it (foreign characters and padding skipped, as
//! PHP's `base64_decode` does without `strict`).

/// How a part's body is encoded.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// 7bit, 8bit, binary, or a name nobody knows.
    #[default]
    Identity,
    /// base64 (RFC 2045 section 6.8).
    Base64,
    /// quoted-printable (RFC 2045 section 6.7).
    QuotedPrintable,
}

impl Encoding {
    /// By the name in a `Content-Transfer-Encoding` field, lower case.
    pub fn from_name(name: &str) -> Self {
        match name {
            "base64" => Self::Base64,
            "quoted-printable" => Self::QuotedPrintable,
            _ => Self::Identity,
        }
    }
}

/// Size of the pieces handed to the sink, octets.
const PIECE: usize = 16 * 1024;

/// Decodes `body`, handing pieces of at most some 16 KiB to `sink`.
pub fn decode(body: &[u8], encoding: Encoding, sink: &mut dyn FnMut(&[u8])) {
    let mut out = Vec::with_capacity(PIECE + 64);
    match encoding {
        Encoding::Base64 => base64(body, &mut out, sink),
        Encoding::QuotedPrintable => quoted_printable(body, &mut out, sink),
        Encoding::Identity => crlf(body, &mut out, sink),
    }
    if !out.is_empty() {
        sink(&out);
    }
}

/// Decodes at most `limit` octets into a vector; `true` when there was more.
pub fn decode_prefix(body: &[u8], encoding: Encoding, limit: usize) -> (Vec<u8>, bool) {
    // No encoding shrinks text by more than four to three, plus line ends and soft breaks.
    let take = body.len().min(limit.saturating_mul(4).saturating_add(4096));
    let mut all = Vec::with_capacity(take.min(limit));
    let mut more = take < body.len();
    decode(&body[..take], encoding, &mut |piece| {
        let room = limit - all.len();
        more |= piece.len() > room;
        all.extend_from_slice(&piece[..piece.len().min(room)]);
    });
    (all, more)
}

fn flush(out: &mut Vec<u8>, sink: &mut dyn FnMut(&[u8])) {
    if out.len() >= PIECE {
        sink(out);
        out.clear();
    }
}

/// Sextets by octet; 64 for everything that is skipped.
const SEXTETS: [u8; 256] = {
    let mut t = [64u8; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut i = 0;
    while i < 64 {
        t[alphabet[i] as usize] = i as u8;
        i += 1;
    }
    t
};

fn base64(body: &[u8], out: &mut Vec<u8>, sink: &mut dyn FnMut(&[u8])) {
    let mut acc = 0u32;
    let mut have = 0u8;
    for &b in body {
        let s = SEXTETS[b as usize];
        if s == 64 {
            continue;
        }
        acc = acc << 6 | u32::from(s);
        have += 1;
        if have == 4 {
            out.extend_from_slice(&acc.to_be_bytes()[1..]);
            (acc, have) = (0, 0);
            flush(out, sink);
        }
    }
    match have {
        2 => out.push((acc >> 4) as u8),
        3 => out.extend_from_slice(&((acc >> 2) as u16).to_be_bytes()),
        _ => {}
    }
}

fn quoted_printable(body: &[u8], out: &mut Vec<u8>, sink: &mut dyn FnMut(&[u8])) {
    let hex = |b: Option<&u8>| b.and_then(|b| (*b as char).to_digit(16)).map(|d| d as u8);
    for line in body.split_inclusive(|b| *b == b'\n') {
        let (mut text, ended) = match line.strip_suffix(b"\n") {
            Some(t) => (t.strip_suffix(b"\r").unwrap_or(t), true),
            None => (line, false),
        };
        // White space before a line end was added on the way (RFC 2045 rule 3).
        if ended {
            while let [rest @ .., b' ' | b'\t'] = text {
                text = rest;
            }
        }
        let soft = matches!(text.last(), Some(b'='));
        if soft {
            text = &text[..text.len() - 1];
        }
        let mut i = 0;
        while let Some(&b) = text.get(i) {
            match (b, hex(text.get(i + 1)), hex(text.get(i + 2))) {
                (b'=', Some(h), Some(l)) => {
                    out.push(h << 4 | l);
                    i += 3;
                }
                _ => {
                    out.push(b);
                    i += 1;
                }
            }
            flush(out, sink);
        }
        if ended && !soft {
            out.extend_from_slice(b"\r\n");
        }
        flush(out, sink);
    }
}

fn crlf(body: &[u8], out: &mut Vec<u8>, sink: &mut dyn FnMut(&[u8])) {
    let mut from = 0;
    for nl in memchr::memchr_iter(b'\n', body) {
        let bare = nl == 0 || body[nl - 1] != b'\r';
        if bare {
            push_all(&body[from..nl], out, sink);
            out.push(b'\r');
            from = nl;
        }
    }
    push_all(&body[from..], out, sink);
}

fn push_all(bytes: &[u8], out: &mut Vec<u8>, sink: &mut dyn FnMut(&[u8])) {
    for piece in bytes.chunks(PIECE) {
        out.extend_from_slice(piece);
        flush(out, sink);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(body: &[u8], e: Encoding) -> Vec<u8> {
        decode_prefix(body, e, usize::MAX / 8).0
    }

    #[test]
    fn each_encoding() {
        let cases: &[(Encoding, &[u8], &[u8])] = &[
            (Encoding::Base64, b"SGVs\r\nbG8=", b"Hello"),
            (Encoding::Base64, b"SGV-sb G8", b"Hello"),
            (Encoding::Base64, b"TQ==TQ==", b"M\x04\xd0"),
            (
                Encoding::QuotedPrintable,
                b"a=3Db =\nc \n=zz",
                b"a=b c\r\n=zz",
            ),
            (Encoding::QuotedPrintable, b"x=", b"x"),
            (Encoding::Identity, b"a\nb\r\nc", b"a\r\nb\r\nc"),
        ];
        for (e, raw, want) in cases {
            assert_eq!(all(raw, *e), *want, "{:?}", String::from_utf8_lossy(raw));
        }
    }

    #[test]
    fn prefix_stops() {
        let (got, more) = decode_prefix(&b"QUJD".repeat(100_000), Encoding::Base64, 1000);
        assert_eq!((got.len(), more), (1000, true));
    }
}
