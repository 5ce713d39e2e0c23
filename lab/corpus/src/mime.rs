//! Writing MIME (RFC 2045–2047, 2231) in the several ways clients do it.

use base64::{Engine, engine::general_purpose::STANDARD};

/// Character sets met in the ministry's mail.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8.
    Utf8,
    /// ISO-8859-15.
    Latin9,
}

impl Charset {
    /// Name for headers.
    pub fn name(self) -> &'static str {
        match self {
            Charset::Utf8 => "utf-8",
            Charset::Latin9 => "iso-8859-15",
        }
    }

    /// Octets of a text. ISO-8859-15 lacks typographic signs: they are replaced as clients do.
    pub fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Charset::Utf8 => text.as_bytes().to_vec(),
            Charset::Latin9 => text.chars().flat_map(latin9).collect(),
        }
    }
}

fn latin9(c: char) -> Vec<u8> {
    let one = match c {
        '€' => 0xa4,
        'Š' => 0xa6,
        'š' => 0xa8,
        'Ž' => 0xb4,
        'ž' => 0xb8,
        'Œ' => 0xbc,
        'œ' => 0xbd,
        'Ÿ' => 0xbe,
        '’' | '‘' => b'\'',
        '“' | '”' => b'"',
        '–' | '—' => b'-',
        '…' => return b"...".to_vec(),
        // These eight code points of Latin-1 gave way to the signs above.
        '¤' | '¦' | '¨' | '´' | '¸' | '¼' | '½' | '¾' => b'?',
        c if (c as u32) < 0x100 => c as u8,
        _ => b'?',
    };
    vec![one]
}

/// Content-Transfer-Encoding.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// As it is (7bit or 8bit, by content).
    Plain,
    /// Quoted-printable.
    Quoted,
    /// Base64.
    Base64,
}

/// Base64 in lines of 76 characters.
pub fn base64_lines(data: &[u8]) -> Vec<u8> {
    let text = STANDARD.encode(data);
    let mut out = Vec::with_capacity(text.len() + text.len() / 38 + 2);
    for line in text.as_bytes().chunks(76) {
        out.extend(line);
        out.extend(b"\r\n");
    }
    out
}

/// Quoted-printable of text whose lines end in CRLF.
pub fn quoted_printable(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() * 5 / 4);
    let mut width = 0;
    for (i, &b) in data.iter().enumerate() {
        if b == b'\r' && data.get(i + 1) == Some(&b'\n') {
            continue;
        }
        if b == b'\n' && i > 0 && data[i - 1] == b'\r' {
            out.extend(b"\r\n");
            width = 0;
            continue;
        }
        let at_end = matches!(data.get(i + 1), None | Some(b'\r'));
        let plain = (b.is_ascii_graphic() && b != b'=') || (b == b' ' && !at_end);
        let need = if plain { 1 } else { 3 };
        if width + need > 75 {
            out.extend(b"=\r\n");
            width = 0;
        }
        if plain {
            out.push(b);
        } else {
            out.extend(format!("={b:02X}").as_bytes());
        }
        width += need;
    }
    out
}

/// How a client encodes header text that is not ASCII.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Words {
    /// RFC 2047 "B".
    B,
    /// RFC 2047 "Q".
    Q,
}

/// A header's text with encoded words where needed, folded; `used` is the width already taken.
pub fn header_text(text: &str, charset: Charset, words: Words, used: usize) -> String {
    if text.is_ascii() {
        return fold(text, used);
    }
    // RFC 2047 §2: an encoded word has at most 75 characters, and a multi-octet character is
    // never split.
    let mut out: Vec<String> = Vec::new();
    let mut chunk = String::new();
    for c in text.chars() {
        chunk.push(c);
        let first = if out.is_empty() { used } else { 1 };
        if first + encoded_word(&chunk, charset, words).len() > 75 {
            chunk.pop();
            out.push(encoded_word(&chunk, charset, words));
            chunk = c.to_string();
        }
    }
    out.push(encoded_word(&chunk, charset, words));
    out.join("\r\n ")
}

fn encoded_word(text: &str, charset: Charset, words: Words) -> String {
    let bytes = charset.encode(text);
    let name = charset.name().to_uppercase();
    match words {
        Words::B => format!("=?{name}?B?{}?=", STANDARD.encode(bytes)),
        Words::Q => {
            let q: String = bytes
                .iter()
                .map(|&b| match b {
                    b' ' => "_".into(),
                    b if b.is_ascii_alphanumeric() => (b as char).to_string(),
                    b => format!("={b:02X}"),
                })
                .collect();
            format!("=?{name}?Q?{q}?=")
        }
    }
}

fn fold(text: &str, used: usize) -> String {
    let mut out = String::new();
    let mut width = used;
    for (i, word) in text.split(' ').enumerate() {
        if i > 0 {
            if width + word.len() + 1 > 76 && width > used {
                out.push_str("\r\n ");
                width = 1;
            } else {
                out.push(' ');
                width += 1;
            }
        }
        out.push_str(word);
        width += word.len();
    }
    out
}

/// A display name and address.
pub fn address(name: &str, addr: &str, charset: Charset, words: Words) -> String {
    if name.is_empty() {
        return addr.into();
    }
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b' ' || b == b'-');
    match (name.is_ascii(), plain) {
        (true, true) => format!("{name} <{addr}>"),
        (true, false) => format!("\"{}\" <{addr}>", name.replace(['"', '\\'], "")),
        _ => format!("{} <{addr}>", header_text(name, charset, words, 6)),
    }
}

/// How a client writes file names that are not ASCII.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// RFC 2231.
    Rfc2231,
    /// Encoded words inside quotes: not allowed, and widespread.
    Rfc2047,
}

/// `; name="…"` for a file name.
pub fn parameter(name: &str, value: &str, how: Names) -> String {
    if value.is_ascii() {
        return format!(";\r\n {name}=\"{}\"", value.replace(['"', '\\'], "_"));
    }
    match how {
        Names::Rfc2047 => format!(
            ";\r\n {name}=\"{}\"",
            encoded_word(value, Charset::Utf8, Words::B)
        ),
        Names::Rfc2231 => {
            let escaped: String = value
                .bytes()
                .map(|b| {
                    if b.is_ascii_alphanumeric() || b"-._".contains(&b) {
                        (b as char).to_string()
                    } else {
                        format!("%{b:02X}")
                    }
                })
                .collect();
            if escaped.len() <= 60 {
                return format!(";\r\n {name}*=utf-8''{escaped}");
            }
            let mut out = String::new();
            let mut rest = format!("utf-8''{escaped}");
            let mut i = 0;
            while !rest.is_empty() {
                let mut cut = rest.len().min(60);
                // An escape must not be cut in two.
                while cut < rest.len()
                    && rest.as_bytes()[cut.saturating_sub(2)..cut].contains(&b'%')
                {
                    cut -= 1;
                }
                let tail = rest.split_off(cut);
                out.push_str(&format!(";\r\n {name}*{i}*={rest}"));
                rest = tail;
                i += 1;
            }
            out
        }
    }
}

/// Letters without accents, for user names and addresses.
pub fn ascii_fold(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'à' | 'â' | 'ä' => 'a',
            'é' | 'è' | 'ê' | 'ë' => 'e',
            'É' | 'È' | 'Ê' => 'E',
            'î' | 'ï' => 'i',
            'ô' | 'ö' => 'o',
            'ù' | 'û' | 'ü' => 'u',
            'ç' => 'c',
            c => c,
        })
        .collect()
}

/// A body part.
#[derive(Clone, Debug)]
pub enum Part {
    /// Header lines (with CRLF) and an encoded body.
    Leaf(String, Vec<u8>),
    /// `Content-Type` line without boundary, boundary, parts.
    Multi(String, String, Vec<Part>),
}

impl Part {
    /// Text in a charset and encoding; `more` follows the charset parameter.
    pub fn text(kind: &str, text: &str, charset: Charset, transfer: Transfer, more: &str) -> Part {
        let crlf = text.replace("\r\n", "\n").replace('\n', "\r\n");
        let ascii = crlf.is_ascii();
        let octets = charset.encode(&crlf);
        let name = if ascii && transfer == Transfer::Plain {
            "us-ascii"
        } else {
            charset.name()
        };
        // RFC 5322 §2.1.1: no line above 998 octets may leave unencoded.
        let long = octets.split(|b| *b == b'\n').any(|l| l.len() > 900);
        let (cte, body) = match transfer {
            Transfer::Plain if !long => (if ascii { "7bit" } else { "8bit" }, octets),
            Transfer::Base64 => ("base64", base64_lines(&octets)),
            _ => ("quoted-printable", quoted_printable(&octets)),
        };
        let head = format!(
            "Content-Type: {kind}; charset={name}{more}\r\nContent-Transfer-Encoding: {cte}\r\n"
        );
        Part::Leaf(head, body)
    }

    /// Appends header, empty line and body.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Part::Leaf(head, body) => {
                out.extend(head.as_bytes());
                out.extend(b"\r\n");
                out.extend(body);
            }
            Part::Multi(kind, boundary, parts) => {
                out.extend(
                    format!("Content-Type: {kind};\r\n boundary=\"{boundary}\"\r\n\r\n").as_bytes(),
                );
                for part in parts {
                    if !out.ends_with(b"\r\n") {
                        out.extend(b"\r\n");
                    }
                    out.extend(format!("--{boundary}\r\n").as_bytes());
                    part.write(out);
                }
                if !out.ends_with(b"\r\n") {
                    out.extend(b"\r\n");
                }
                out.extend(format!("--{boundary}--\r\n").as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_printable_as_rfc_2045_says() {
        assert_eq!(quoted_printable(b"a=b \r\nx"), b"a=3Db=20\r\nx");
        let long = vec![b'x'; 200];
        for line in quoted_printable(&long).split(|b| *b == b'\n') {
            assert!(line.len() <= 77);
        }
        assert_eq!(quoted_printable(&Charset::Latin9.encode("œ€")), b"=BD=A4");
    }

    #[test]
    fn names_and_headers() {
        assert_eq!(
            parameter("filename", "a.pdf", Names::Rfc2231),
            ";\r\n filename=\"a.pdf\""
        );
        assert_eq!(
            parameter("filename", "é.pdf", Names::Rfc2231),
            ";\r\n filename*=utf-8''%C3%A9.pdf"
        );
        assert_eq!(
            header_text("Été", Charset::Utf8, Words::Q, 9),
            "=?UTF-8?Q?=C3=89t=C3=A9?="
        );
        assert_eq!(
            header_text("Été", Charset::Utf8, Words::B, 9),
            "=?UTF-8?B?w4l0w6k=?="
        );
        assert_eq!(
            address("A B", "a@b.example", Charset::Utf8, Words::B),
            "A B <a@b.example>"
        );
    }
}
