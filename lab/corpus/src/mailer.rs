//! The mail clients of the ministry and of those who write to it: invented products with the
//! habits of real ones (which headers, in which order, which encodings, how they quote).

use crate::clock;
use crate::docs::Attachment;
use crate::mime::{self, Charset, Names, Part, Transfer, Words};
use crate::people::Language;
use crate::rng::Rng;
use base64::{Engine, engine::general_purpose::STANDARD};

/// A client's habits.
#[derive(Debug)]
pub struct Mailer {
    /// Header that names the product, and its value; empty for none.
    pub product: (&'static str, &'static str),
    /// Character set.
    pub charset: Charset,
    /// Encoding of text.
    pub transfer: Transfer,
    /// Encoded words.
    pub words: Words,
    /// File names.
    pub names: Names,
    /// Sends HTML beside the text.
    pub html: bool,
    /// Quotes above the old text with a block of headers, instead of `>`.
    pub block_quote: bool,
    /// Breaks plain text at 72 columns.
    pub wraps: bool,
    /// Order of the headers, by initial: `d`ate, `f`rom, `t`o, `s`ubject, message `i`d,
    /// `r`eferences, `m`ime version, `p`roduct.
    pub order: &'static str,
    id: IdStyle,
}

#[derive(Debug)]
enum IdStyle {
    Uuid,
    Stamp,
    Hex,
    Dotted,
}

impl Mailer {
    /// All clients. The third is a web mail.
    pub const ALL: [Mailer; 6] = [
        Mailer {
            product: ("User-Agent", "Colombe/128.4 (X11; Linux x86_64)"),
            charset: Charset::Utf8,
            transfer: Transfer::Plain,
            words: Words::Q,
            names: Names::Rfc2231,
            html: false,
            block_quote: false,
            wraps: true,
            order: "idmpstfr",
            id: IdStyle::Uuid,
        },
        Mailer {
            product: ("X-Mailer", "Hermine Bureau 16.0.4"),
            charset: Charset::Latin9,
            transfer: Transfer::Quoted,
            words: Words::Q,
            names: Names::Rfc2047,
            html: true,
            block_quote: true,
            wraps: false,
            order: "ftsdirmp",
            id: IdStyle::Hex,
        },
        Mailer {
            product: ("User-Agent", "Hirondelle Webmail/1.6.5"),
            charset: Charset::Utf8,
            transfer: Transfer::Quoted,
            words: Words::Q,
            names: Names::Rfc2231,
            html: false,
            block_quote: false,
            wraps: true,
            order: "mdftsripm",
            id: IdStyle::Hex,
        },
        Mailer {
            product: ("X-Mailer", "Ramier Mail (22B83)"),
            charset: Charset::Utf8,
            transfer: Transfer::Quoted,
            words: Words::Q,
            names: Names::Rfc2231,
            html: true,
            block_quote: false,
            wraps: false,
            order: "fmsidtrp",
            id: IdStyle::Uuid,
        },
        Mailer {
            product: ("X-Mailer", "Messager de poche 9.2"),
            charset: Charset::Utf8,
            transfer: Transfer::Base64,
            words: Words::B,
            names: Names::Rfc2047,
            html: true,
            block_quote: false,
            wraps: false,
            order: "dsftirmp",
            id: IdStyle::Dotted,
        },
        Mailer {
            product: ("", ""),
            charset: Charset::Latin9,
            transfer: Transfer::Plain,
            words: Words::B,
            names: Names::Rfc2047,
            html: false,
            block_quote: false,
            wraps: true,
            order: "fstdirmp",
            id: IdStyle::Stamp,
        },
    ];

    /// A message id without its angle brackets.
    pub fn message_id(&self, rng: &mut Rng, at: i64, domain: &str) -> String {
        match self.id {
            IdStyle::Uuid => format!(
                "{}-{}-4{}-a{}-{}@{domain}",
                rng.hex(8),
                rng.hex(4),
                rng.hex(3),
                rng.hex(3),
                rng.hex(12)
            ),
            IdStyle::Stamp => format!(
                "{}.{}@{domain}",
                clock::civil_at(at, 0).strftime("%Y%m%d%H%M%S"),
                rng.token(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 8)
            ),
            IdStyle::Hex => format!("{}@{domain}", rng.hex(32)),
            IdStyle::Dotted => format!(
                "{}.{}.{}@{domain}",
                rng.between(1, 9999),
                at % 1_000_000,
                rng.between(1_000, 99_999)
            ),
        }
    }

    fn boundary(&self, rng: &mut Rng) -> String {
        match self.id {
            IdStyle::Uuid => format!(
                "------------{}",
                rng.token(
                    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
                    24
                )
            ),
            IdStyle::Stamp => format!("{}_{}", rng.hex(8), rng.hex(8)),
            IdStyle::Hex => format!("=_{}", rng.hex(32)),
            IdStyle::Dotted => format!(
                "--_com.poche.mail_{}",
                rng.between(100_000_000, 999_999_999)
            ),
        }
    }
}

/// A name and address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addr {
    /// Display name.
    pub name: String,
    /// Address.
    pub addr: String,
}

/// A message before it is written.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Message id without angle brackets.
    pub id: String,
    /// Author.
    pub from: Addr,
    /// Recipients.
    pub to: Vec<Addr>,
    /// Recipients of copies.
    pub cc: Vec<Addr>,
    /// Subject.
    pub subject: String,
    /// Plain text, lines ending in `\n`.
    pub text: String,
    /// HTML, when it is not made from the text.
    pub html: Option<String>,
    /// Attached files.
    pub attachments: Vec<Attachment>,
    /// A picture within the HTML.
    pub logo: Option<Vec<u8>>,
    /// A message attached whole.
    pub forwarded: Option<Vec<u8>>,
    /// A calendar object (RFC 5545).
    pub calendar: Option<String>,
    /// Instant.
    pub at: i64,
    /// Offset of the author's clock from UTC, seconds.
    pub offset: i32,
    /// Message it answers.
    pub in_reply_to: Option<String>,
    /// Thread so far.
    pub references: Vec<String>,
    /// Language.
    pub language: Language,
    /// Header lines of its own, each with CRLF, put first.
    pub extra: String,
}

/// HTML of a plain text.
pub fn to_html(text: &str, logo: bool) -> String {
    let esc = |s: &str| {
        s.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let mut out = String::from(
        "<html><head><style>p{margin:0 0 8px 0;font-family:Calibri,sans-serif;font-size:11pt}</style></head><body>\n",
    );
    for para in text.split("\n\n") {
        let lines: Vec<String> = para.lines().map(esc).collect();
        out.push_str(&format!("<p>{}</p>\n", lines.join("<br>\n")));
    }
    if logo {
        out.push_str("<p><img src=\"cid:logo@mea\" width=\"96\" height=\"32\" alt=\"MEA\"></p>\n");
    }
    out.push_str("</body></html>\n");
    out
}

/// Breaks lines above 72 columns at spaces; quoted lines stay as they were sent.
fn wrap(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut width = 0;
        for (i, word) in line.split(' ').enumerate() {
            let w = word.chars().count();
            if i > 0 {
                let fits = width + w < 72 || line.starts_with('>');
                out.push(if fits { ' ' } else { '\n' });
                width = if fits { width + 1 } else { 0 };
            }
            out.push_str(word);
            width += w;
        }
        out.push('\n');
    }
    out
}

impl Letter {
    /// Writes the message as `mailer` does, lines ending in CRLF.
    pub fn write(&self, mailer: &Mailer, rng: &mut Rng) -> Vec<u8> {
        let mut out = self.extra.clone().into_bytes();
        let (cs, w) = (mailer.charset, mailer.words);
        let list = |l: &[Addr]| {
            let each: Vec<String> = l
                .iter()
                .map(|a| mime::address(&a.name, &a.addr, cs, w))
                .collect();
            each.join(",\r\n ")
        };
        let mut mime_written = false;
        for field in mailer.order.chars() {
            let line = match field {
                'd' => format!("Date: {}\r\n", clock::rfc5322(self.at, self.offset)),
                'f' => format!("From: {}\r\n", list(std::slice::from_ref(&self.from))),
                't' => {
                    let mut l = format!("To: {}\r\n", list(&self.to));
                    if !self.cc.is_empty() {
                        l.push_str(&format!("Cc: {}\r\n", list(&self.cc)));
                    }
                    l
                }
                's' => format!(
                    "Subject: {}\r\n",
                    mime::header_text(&self.subject, cs, w, 9)
                ),
                'i' => format!("Message-ID: <{}>\r\n", self.id),
                'r' => {
                    let mut l = String::new();
                    if let Some(id) = &self.in_reply_to {
                        l.push_str(&format!("In-Reply-To: <{id}>\r\n"));
                    }
                    if !self.references.is_empty() {
                        let ids: Vec<String> =
                            self.references.iter().map(|r| format!("<{r}>")).collect();
                        l.push_str(&format!("References: {}\r\n", ids.join("\r\n ")));
                    }
                    l
                }
                'm' if !mime_written => {
                    mime_written = true;
                    "MIME-Version: 1.0\r\n".into()
                }
                'p' if !mailer.product.0.is_empty() => {
                    format!("{}: {}\r\n", mailer.product.0, mailer.product.1)
                }
                _ => String::new(),
            };
            out.extend(line.as_bytes());
        }
        if mailer.block_quote {
            let topic = self.subject.rsplit(": ").next().unwrap_or(&self.subject);
            out.extend(
                format!(
                    "Thread-Topic: {}\r\nImportance: normal\r\n",
                    mime::header_text(topic, cs, w, 14)
                )
                .as_bytes(),
            );
        }
        if !mailer.html && rng.chance(40) {
            let tag = if self.language == Language::Fr {
                "fr-FR"
            } else {
                "en-GB"
            };
            out.extend(format!("Content-Language: {tag}\r\n").as_bytes());
        }
        self.body(mailer, rng).write(&mut out);
        if !out.ends_with(b"\r\n") {
            out.extend(b"\r\n");
        }
        out
    }

    fn body(&self, mailer: &Mailer, rng: &mut Rng) -> Part {
        let text = if mailer.wraps {
            wrap(&self.text)
        } else {
            self.text.clone()
        };
        let plain = Part::text("text/plain", &text, mailer.charset, mailer.transfer, "");
        let mut part = plain;
        if self.html.is_some() || self.calendar.is_some() || mailer.html {
            let mut choices = vec![part];
            if self.html.is_some() || mailer.html {
                let html = self
                    .html
                    .clone()
                    .unwrap_or_else(|| to_html(&self.text, self.logo.is_some()));
                let transfer = if mailer.transfer == Transfer::Base64 {
                    Transfer::Base64
                } else {
                    Transfer::Quoted
                };
                let mut rich = Part::text("text/html", &html, mailer.charset, transfer, "");
                if let Some(png) = &self.logo {
                    let image = Part::Leaf(
                        "Content-Type: image/png; name=\"logo.png\"\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <logo@mea>\r\nContent-Disposition: inline; filename=\"logo.png\"\r\n".into(),
                        mime::base64_lines(png),
                    );
                    rich = Part::Multi(
                        "multipart/related".into(),
                        mailer.boundary(rng),
                        vec![rich, image],
                    );
                }
                choices.push(rich);
            }
            if let Some(cal) = &self.calendar {
                choices.push(Part::text(
                    "text/calendar; method=REQUEST",
                    cal,
                    Charset::Utf8,
                    Transfer::Quoted,
                    "",
                ));
            }
            part = Part::Multi(
                "multipart/alternative".into(),
                mailer.boundary(rng),
                choices,
            );
        }
        if self.attachments.is_empty() && self.forwarded.is_none() {
            return part;
        }
        let mut parts = vec![part];
        if let Some(raw) = &self.forwarded {
            // RFC 2046 §5.2.1: no encoding but 7bit, 8bit or binary.
            let bits = if raw.is_ascii() { "7bit" } else { "8bit" };
            parts.push(Part::Leaf(
                format!("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: {bits}\r\nContent-Disposition: attachment; filename=\"message.eml\"\r\n"),
                raw.clone(),
            ));
        }
        for a in &self.attachments {
            let head = format!(
                "Content-Type: {}{}\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment{}\r\n",
                a.content_type,
                mime::parameter("name", &a.filename, mailer.names),
                mime::parameter("filename", &a.filename, mailer.names),
            );
            parts.push(Part::Leaf(head, mime::base64_lines(&a.data)));
        }
        Part::Multi("multipart/mixed".into(), mailer.boundary(rng), parts)
    }
}

/// The lines that transport puts before a message on its way to `to`: what a mailbox holds.
pub fn delivered(
    raw: &[u8],
    from: &str,
    to: &str,
    helo: &str,
    ip: &str,
    at: i64,
    rng: &mut Rng,
) -> Vec<u8> {
    let queue = rng.token(b"0123456789ABCDEF", 10);
    let mut out = format!(
        "Return-Path: <{from}>\r\nDelivered-To: {to}\r\nReceived: from {helo} ({helo} [{ip}])\r\n\tby mail.{} (Postfix) with ESMTPS id {queue}\r\n\tfor <{to}>; {}\r\n",
        crate::people::DOMAIN,
        clock::rfc5322(at + 1, clock::paris_offset(at)),
    )
    .into_bytes();
    out.extend(raw);
    out
}

/// A DKIM signature (RFC 6376) by shape; no key stands behind it.
pub fn dkim(domain: &str, at: i64, rng: &mut Rng) -> String {
    let mut noise =
        |n: usize| STANDARD.encode((0..n).map(|_| rng.next() as u8).collect::<Vec<u8>>());
    let (bh, b) = (noise(32), noise(256));
    let lines: Vec<String> = b
        .as_bytes()
        .chunks(68)
        .map(|c| String::from_utf8_lossy(c).into_owned())
        .collect();
    format!(
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=s2048;\r\n\tt={at}; h=from:to:subject:date:message-id:mime-version;\r\n\tbh={bh};\r\n\tb={}\r\n",
        lines.join("\r\n\t ")
    )
}
