//! From the bytes of a message to [`Message`].

use sha2::{Digest, Sha256};

use crate::content;
use crate::facts::{self, Facts, attachment};
use crate::html;
use crate::mime::decode::{self, Encoding};
use crate::mime::header::{self, Field, Structured};
use crate::mime::structure::{self, Kind, Node};
use crate::mime::words;
use crate::rules::ContentRules;
use crate::{Message, OwnDomains, Part, secrets};

/// Octets of a header block that are read for its fields; sizes are of the whole.
const HEADER_MAX: usize = 1 << 20;
/// Addresses kept of To and Cc.
const RECIPIENTS_MAX: usize = 1000;

/// Lines that begin with a dot.
fn dot_lines(bytes: &[u8]) -> u64 {
    let first = u64::from(bytes.first() == Some(&b'.'));
    first + memchr::memmem::find_iter(bytes, b"\n.").count() as u64
}

/// Parses a message as it stands in a store. Never fails: what is malformed is in
/// [`Message::defects`], and sizes are counted as the server would count them.
///
/// The organisation's domains are those of the rules; see [`parse_for`] for more about them.
pub fn parse(bytes: &[u8], rules: &ContentRules) -> Message {
    parse_for(bytes, rules, &OwnDomains::new(&rules.internal_domains))
}

/// The same with all that is known of the organisation, prepared once for many messages.
pub fn parse_for(bytes: &[u8], rules: &ContentRules, own: &OwnDomains) -> Message {
    let nodes = structure::parse(bytes);
    let root = &nodes[0];
    let fields = header_fields(bytes, root);
    let mut message = Message {
        size: bytes.len() as u64,
        vsize: root.header_size.crlf + root.body_size.crlf,
        dot_lines: dot_lines(bytes),
        header_vsize: root.header_size.crlf,
        ..Message::default()
    };
    envelope(&fields, &mut message);
    let mut walk = Walk {
        bytes,
        nodes: &nodes,
        rules,
        own,
        facts: Facts::new(rules.limits.facts),
        message,
    };
    facts::sender::facts(&fields, own, &mut walk.facts);
    walk.subject_and_headers(&fields);
    for (index, number) in structure::numbers(&nodes) {
        walk.part(index, number);
    }
    walk.defects();
    let Walk {
        mut message, facts, ..
    } = walk;
    message.facts = facts.finish();
    message.classification.sort();
    message.classification.dedup();
    message.secrets.sort();
    message.secrets.dedup();
    message
}

/// Fields of a node's header.
pub(crate) fn header_fields<'a>(bytes: &'a [u8], node: &Node) -> Vec<Field<'a>> {
    let block = bytes.get(node.header.clone()).unwrap_or_default();
    header::fields(&block[..block.len().min(HEADER_MAX)])
}

fn envelope(fields: &[Field<'_>], message: &mut Message) {
    let text = |name: &str| header::find(fields, name).map(|f| words::unstructured(f.value));
    message.subject = text("Subject").unwrap_or_default();
    message.message_id = text("Message-ID")
        .map(|v| {
            let v = v.trim();
            let inner = v
                .split_once('<')
                .map_or(v, |(_, r)| r.split('>').next().unwrap_or(r));
            inner.trim().to_owned()
        })
        .unwrap_or_default();
    message.date = header::find(fields, "Date").and_then(|f| words::date(f.value));
    if let Some(from) =
        header::find(fields, "From").and_then(|f| words::addresses(f.value).into_iter().next())
    {
        message.from = from.address;
        message.from_name = from.name;
    }
    for field in fields.iter().filter(|f| f.is("To") || f.is("Cc")) {
        for mailbox in words::addresses(field.value) {
            if !mailbox.address.is_empty() && message.recipients.len() < RECIPIENTS_MAX {
                message.recipients.push(mailbox.address);
            }
        }
    }
}

/// What a part's header says about it.
pub(crate) struct PartHeader {
    pub(crate) content_type: Structured,
    pub(crate) disposition: Structured,
    pub(crate) encoding: Encoding,
    pub(crate) filename: String,
    pub(crate) content_id: String,
}

impl PartHeader {
    pub(crate) fn read(fields: &[Field<'_>], node: &Node) -> Self {
        // Without MIME-Version or Content-Type the other fields mean nothing (see structure).
        let get = |name: &str| header::find(fields, name).filter(|_| node.is_mime);
        let content_type = get("Content-Type")
            .map(|f| header::content_type(f.value))
            .unwrap_or_default();
        let disposition = get("Content-Disposition")
            .map(|f| header::disposition(f.value))
            .unwrap_or_default();
        let encoding = get("Content-Transfer-Encoding")
            .map(|f| Encoding::from_name(&header::transfer_encoding(f.value)))
            .unwrap_or_default();
        let filename = match header::text_param(&disposition, "filename") {
            name if name.is_empty() => header::text_param(&content_type, "name"),
            name => name,
        };
        let content_id = get("Content-ID")
            .map(|f| words::unstructured(f.value))
            .map(|v| v.trim().trim_matches(['<', '>']).to_owned())
            .unwrap_or_default();
        Self {
            content_type,
            disposition,
            encoding,
            filename,
            content_id,
        }
    }

    /// Charset parameter, empty if none.
    pub(crate) fn charset(&self) -> &[u8] {
        self.content_type.param("charset").unwrap_or_default()
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    nodes: &'a [Node],
    rules: &'a ContentRules,
    own: &'a OwnDomains,
    facts: Facts,
    message: Message,
}

/// What a part is read as.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Reading {
    Html,
    Plain,
    Calendar,
    File,
}

impl Walk<'_> {
    fn subject_and_headers(&mut self, fields: &[Field<'_>]) {
        let marked = [
            "Sensitivity",
            "Keywords",
            "X-Classification",
            "X-Protective-Marking",
            "Comments",
        ];
        let mut text = self.message.subject.clone();
        for field in fields {
            if marked.iter().any(|m| field.is(m)) {
                text.push('\n');
                text.push_str(&words::unstructured(field.value));
            }
        }
        let found = self.rules.markings(&text).into_iter().map(|m| m.rule);
        self.message.classification.extend(found);
        let subject = std::mem::take(&mut self.message.subject);
        self.message.secrets.extend(self.find_secrets(&subject, ""));
        self.rules.phrases(&subject, "", &mut self.facts);
        self.message.subject = subject;
    }

    fn find_secrets(&self, text: &str, part: &str) -> Vec<crate::Secret> {
        if self.rules.secrets {
            secrets::find(text, part)
        } else {
            Vec::new()
        }
    }

    fn part(&mut self, index: usize, number: String) {
        let node = &self.nodes[index];
        let empty_multipart = node.kind == Kind::Multipart;
        let fields = header_fields(self.bytes, node);
        let head = PartHeader::read(&fields, node);
        let media_type = match node.media_type.as_str() {
            _ if empty_multipart => "text/plain",
            "" => "text/plain",
            t => t,
        };
        let body = match empty_multipart {
            true => &[][..],
            false => self
                .bytes
                .get(node.body.start..node.body.start + node.body_size.stored as usize)
                .unwrap_or_default(),
        };
        let attachment = is_attachment(self.nodes, index, media_type, &head);
        let mut part = Part {
            content_type: media_type.to_owned(),
            filename: head.filename.clone(),
            attachment,
            content_id: head.content_id.clone(),
            encoded_size: if empty_multipart {
                0
            } else {
                node.body_size.crlf
            },
            number,
            offset: node.body.start as u64,
            stored_size: body.len() as u64,
            ..Part::default()
        };
        // A message/rfc822 part is sent as it stands, whatever encoding its header claims.
        let encoding = if node.kind == Kind::Message {
            Encoding::Identity
        } else {
            head.encoding
        };
        let (kept, whole) = self.decode(body, encoding, media_type, &mut part);
        let reading = match media_type {
            _ if node.kind == Kind::Message => return self.message.parts.push(part),
            "text/html" | "application/xhtml+xml" if !attachment => Reading::Html,
            "text/calendar" => Reading::Calendar,
            _ if attachment::extension(&part.filename) == "ics" => Reading::Calendar,
            t if t.starts_with("text/") && !attachment => Reading::Plain,
            _ => Reading::File,
        };
        if self.rules.reads_content() {
            self.content(reading, &head, &mut part, &kept, whole);
        }
        self.message.parts.push(part);
    }

    /// Decodes once: size and hash of all, and the octets that are looked into.
    fn decode(
        &self,
        body: &[u8],
        encoding: Encoding,
        media_type: &str,
        part: &mut Part,
    ) -> (Vec<u8>, bool) {
        let limits = &self.rules.limits;
        let text = media_type.starts_with("text/") || media_type == "image/svg+xml";
        let mut hash = Sha256::new();
        let mut kept = Vec::new();
        let mut room = None;
        let mut size = 0u64;
        decode::decode(body, encoding, &mut |piece| {
            hash.update(piece);
            size += piece.len() as u64;
            let room = *room.get_or_insert_with(|| {
                let document =
                    content::sniff(piece).is_some() || piece.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]);
                if !text && document {
                    limits.document
                } else {
                    limits.text
                }
            });
            if kept.len() < room {
                kept.extend_from_slice(&piece[..piece.len().min(room - kept.len())]);
            }
        });
        part.decoded_size = size;
        part.sha256 = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        let whole = kept.len() as u64 == size;
        (kept, whole)
    }

    fn content(
        &mut self,
        reading: Reading,
        head: &PartHeader,
        part: &mut Part,
        kept: &[u8],
        whole: bool,
    ) {
        let text = match reading {
            Reading::File => String::new(),
            _ => words::charset_text(kept, head.charset()),
        };
        if !whole && reading != Reading::File {
            self.message.defects.push(format!(
                "part {}: only the first {} octets of text were read",
                part.number,
                kept.len()
            ));
        }
        match reading {
            Reading::Html => {
                let dom = html::dom::Dom::parse(&text);
                facts::html::facts(&dom, &part.number, &mut self.facts);
                let links = html::text::links(&dom);
                facts::links::facts(&links, self.own, &part.number, &mut self.facts);
                let shown = html::text::render(&dom, self.rules.limits.text);
                self.readable(&shown, part);
            }
            Reading::Plain => {
                facts::plain::facts(&text, &part.number, &mut self.facts);
                self.readable(&text, part);
            }
            Reading::Calendar => {
                facts::calendar::facts(&text, &part.number, &mut self.facts);
                self.readable(&text, part);
            }
            Reading::File => {
                let file = attachment::File {
                    name: &part.filename,
                    media_type: &part.content_type,
                    content: kept,
                    whole,
                };
                attachment::facts(&file, &part.number, &mut self.facts);
                self.document(part, kept, whole);
            }
        }
    }

    /// Markings, secrets and phrases of a text that the reader sees.
    fn readable(&mut self, text: &str, part: &mut Part) {
        self.rules.phrases(text, &part.number, &mut self.facts);
        self.sensitive(text, part);
    }

    fn sensitive(&mut self, text: &str, part: &mut Part) {
        for found in self.rules.markings(text) {
            part.classification.push(found.rule.clone());
            self.message.classification.push(found.rule);
        }
        part.classification.sort();
        part.classification.dedup();
        let found = self.find_secrets(text, &part.number);
        self.message.secrets.extend(found);
    }

    /// The text of an attached document or text file.
    fn document(&mut self, part: &mut Part, kept: &[u8], whole: bool) {
        if !self.rules.documents {
            return;
        }
        let text = if content::sniff(kept).is_some() {
            if !whole {
                let reason = format!(
                    "part {}: document larger than {} octets, not opened",
                    part.number, self.rules.limits.document
                );
                self.message.defects.push(reason);
                return;
            }
            let got = content::extract(kept, self.rules.limits.extracted);
            for (name, value) in got.active {
                let shown = match value.as_str() {
                    "" => part.filename.clone(),
                    v => format!("{}: {v}", part.filename),
                };
                self.facts.add(name, &shown, &part.number);
            }
            for link in &got.links {
                if let Some((host, user)) = facts::domain::url_host(link) {
                    let (own, facts) = (self.own, &mut self.facts);
                    facts::links::address(link, &host, user, own, &part.number, facts);
                }
            }
            for defect in got.defects {
                self.message
                    .defects
                    .push(format!("part {}: {defect}", part.number));
            }
            got.text
        } else if part.content_type.starts_with("text/html") {
            let dom = html::dom::Dom::parse(&words::charset_text(kept, b""));
            html::text::render(&dom, self.rules.limits.text)
        } else if part.content_type.starts_with("text/") {
            words::charset_text(kept, b"")
        } else {
            // Said, so that nobody takes silence for "nothing sensitive in it".
            let old = [
                (&[0xd0, 0xcf, 0x11, 0xe0][..], "binary office document"),
                (b"{\\rtf", "RTF document"),
                (b"7z\xbc\xaf\x27\x1c", "7z archive"),
                (b"Rar!\x1a\x07", "RAR archive"),
                (b"\x78\x9f\x3e\x22", "TNEF container"),
            ];
            if let Some((_, kind)) = old.iter().find(|(magic, _)| kept.starts_with(magic)) {
                self.message
                    .defects
                    .push(format!("part {}: {kind}, text not read", part.number));
            }
            return;
        };
        self.sensitive(&text, part);
    }

    fn defects(&mut self) {
        for node in self.nodes {
            if node.truncated {
                self.message
                    .defects
                    .push("MIME nested or divided beyond what the server follows".into());
                break;
            }
        }
        let no_children = |n: &&Node| n.kind == Kind::Multipart && n.children.is_empty();
        if self.nodes.iter().any(|n| no_children(&n)) {
            self.message
                .defects
                .push("a multipart without parts".into());
        }
        if memchr::memchr(0, self.bytes).is_some() {
            self.message.defects.push("NUL octets".into());
        }
    }
}

/// Whether a client would list the part as a file.
fn is_attachment(nodes: &[Node], index: usize, media_type: &str, head: &PartHeader) -> bool {
    let parent = nodes[index]
        .parent
        .map(|p| nodes[p].media_type.as_str())
        .unwrap_or_default();
    let disposition = head.disposition.value.as_str();
    if nodes[index].kind == Kind::Message {
        return true;
    }
    // RFC 2183 section 2.8: an unknown disposition means attachment.
    if !matches!(disposition, "" | "inline") {
        return true;
    }
    match media_type {
        "text/plain" | "text/html" | "text/enriched" => {
            !head.filename.is_empty() && parent != "multipart/alternative"
        }
        // Pictures that the HTML part shows, and signatures around it.
        _ if parent == "multipart/related" && !head.content_id.is_empty() => false,
        "application/xhtml+xml" => !head.filename.is_empty(),
        _ => true,
    }
}
