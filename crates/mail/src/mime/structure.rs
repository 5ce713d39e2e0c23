//! Where the parts of a message stand, and how many octets IMAP counts for each.
//!
//! A line-by-line walk that follows the decisions of Dovecot's `src/lib-mail/message-parser.c`
//! (2.3 and 2.4 agree on them): boundaries match by prefix, the longest one wins; the line end
//! before a boundary belongs to the boundary; a part without `Content-Type` is `text/plain`, below
//! `multipart/digest` it is `message/rfc822`; at most 100 levels and 10,000 parts.
//! RFC 2046 leaves these open, and the sizes a server reports depend on them.

use std::ops::Range;

use memchr::memmem;

use super::header;

/// Deepest nesting that is followed (Dovecot's `MESSAGE_PARSER_DEFAULT_MAX_NESTED_MIME_PARTS`).
const MAX_NESTED: usize = 100;
/// Most parts that are counted (Dovecot's `MESSAGE_PARSER_DEFAULT_MAX_TOTAL_MIME_PARTS`).
const MAX_PARTS: usize = 10_000;
/// Longest boundary that is compared (RFC 2046 allows 70).
const BOUNDARY_MAX: usize = 80;

/// Octets of a region.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// As stored.
    pub stored: u64,
    /// With every line ended by CRLF.
    pub crlf: u64,
}

impl Size {
    fn add(&mut self, other: Size) {
        self.stored += other.stored;
        self.crlf += other.crlf;
    }
}

/// What a node is.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A body that is not looked into.
    #[default]
    Leaf,
    /// `multipart/*` with a boundary or without.
    Multipart,
    /// `message/rfc822`: its only child is the message.
    Message,
}

/// A node of the MIME tree. Node 0 is the message itself.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// Index of the parent.
    pub parent: Option<usize>,
    /// Indexes of the children in order.
    pub children: Vec<usize>,
    /// What it is.
    pub kind: Kind,
    /// Media type, lower case; `""` when absent or refused (counts as text/plain).
    pub media_type: String,
    /// `false` when no `MIME-Version` or `Content-Type` stands in the header: then the other
    /// `Content-` fields mean nothing to Dovecot.
    pub is_mime: bool,
    /// Where the header stands in the message, the empty line included.
    pub header: Range<usize>,
    /// Where the body stands in the message.
    pub body: Range<usize>,
    /// Octets of the header.
    pub header_size: Size,
    /// Octets of the body: IMAP's size of the part.
    pub body_size: Size,
    /// `true` when a limit stopped the parser from looking into it.
    pub truncated: bool,
    digest: bool,
}

struct Boundary {
    node: usize,
    text: Vec<u8>,
    ends: bool,
}

struct Parser<'a> {
    data: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    current: usize,
    depth: usize,
    boundaries: Vec<Boundary>,
}

/// Finds the parts of a message.
pub fn parse(data: &[u8]) -> Vec<Node> {
    let mut p = Parser {
        data,
        at: 0,
        nodes: vec![Node::default()],
        current: 0,
        depth: 0,
        boundaries: Vec::new(),
    };
    p.run();
    p.nodes
}

/// Octets with every line ended by CRLF for `range`, whose predecessor in `data` counts.
fn crlf_size(data: &[u8], range: Range<usize>) -> u64 {
    let bare = memchr::memchr_iter(b'\n', &data[range.clone()])
        .filter(|i| {
            let at = range.start + i;
            at == 0 || data[at - 1] != b'\r'
        })
        .count();
    (range.len() + bare) as u64
}

enum Next {
    /// A header begins at the cursor for the current node.
    Header,
    /// A body begins at the cursor.
    Body,
    /// The boundary with this index in `boundaries` stands at the cursor, after `line_end`
    /// octets of line end that belong to it.
    Boundary {
        index: usize,
        line_end: usize,
    },
    End,
}

impl Parser<'_> {
    fn run(&mut self) {
        let mut next = Next::Header;
        loop {
            next = match next {
                Next::Header => self.header(),
                Next::Body => self.body(),
                Next::Boundary { index, line_end } => self.finish_part(index, line_end),
                Next::End => break,
            };
        }
        while self.nodes[self.current].parent.is_some() {
            self.close_current();
        }
        self.nodes[0].body.end = self.data.len();
    }

    fn add_body(&mut self, to: usize) {
        let size = Size {
            stored: (to - self.at) as u64,
            crlf: crlf_size(self.data, self.at..to),
        };
        let node = &mut self.nodes[self.current];
        node.body_size.add(size);
        self.at = to;
    }

    fn open_child(&mut self) {
        let index = self.nodes.len();
        let parent = self.current;
        self.nodes[parent].children.push(index);
        self.nodes.push(Node {
            parent: Some(parent),
            ..Node::default()
        });
        self.current = index;
        self.depth += 1;
    }

    fn close_current(&mut self) {
        let at = self.at;
        let node = &mut self.nodes[self.current];
        node.body.end = at.max(node.body.start);
        let (header, body) = (node.header_size, node.body_size);
        let Some(parent) = node.parent else { return };
        self.nodes[parent].body_size.add(header);
        self.nodes[parent].body_size.add(body);
        self.current = parent;
        self.depth -= 1;
    }

    /// Finds a boundary line at `at`, which is the beginning of a line.
    fn boundary_at(&mut self, at: usize) -> Option<usize> {
        let line = self.data.get(at..)?.strip_prefix(b"--")?;
        if self.boundaries.is_empty() || self.nodes.len() >= MAX_PARTS {
            return None;
        }
        let window = &line[..line.len().min(64 * 1024)];
        let (mut text, mut dashes) = match memchr::memchr(b'\n', window) {
            Some(end) => (&line[..end], true),
            None => (&line[..line.len().min(BOUNDARY_MAX + 4)], false),
        };
        if dashes {
            text = text.strip_suffix(b"\r").unwrap_or(text);
            dashes = text.len() > 2 && text.ends_with(b"--");
        }
        let mut best: Option<usize> = None;
        for (i, b) in self.boundaries.iter().enumerate().rev() {
            let len = b.text.len();
            if text.starts_with(&b.text) && best.is_none_or(|x| self.boundaries[x].text.len() < len)
            {
                best = Some(i);
                if len == text.len() || (dashes && len + 2 == text.len()) {
                    break;
                }
            }
        }
        let index = best?;
        let len = self.boundaries[index].text.len();
        self.boundaries[index].ends = line.get(len..len + 2) == Some(b"--".as_slice());
        Some(index)
    }

    fn header(&mut self) -> Next {
        let start = self.at;
        let node = self.current;
        let mut seen_type = false;
        let mut boundary: Option<Vec<u8>> = None;
        let mut pushed = false;
        let mut size = Size::default();
        let mut last_line_end = 0usize;
        let mut field_start = start;
        let mut at_end_of_header = false;
        loop {
            let rest = &self.data[self.at..];
            let blank = rest.starts_with(b"\n") || rest.starts_with(b"\r\n");
            if blank && boundary.is_some() && self.nodes[node].is_mime && !pushed {
                // Known now, so that "\n--boundary" is judged with our own boundary included.
                if self.depth + 1 < MAX_NESTED {
                    let text = boundary.take().unwrap_or_default();
                    self.boundaries.push(Boundary {
                        node,
                        text,
                        ends: false,
                    });
                    pushed = true;
                } else {
                    self.nodes[node].truncated = true;
                    self.nodes[node].kind = Kind::Leaf;
                    // What Dovecot shows in place of a part that it does not look into.
                    self.nodes[node].media_type = "application/octet-stream".into();
                }
            }
            if !rest.is_empty()
                && let Some(i) = self.boundary_at(self.at)
                && self.boundaries[i].node != node
            {
                // A boundary ends the header; the line end before it is the boundary's.
                if last_line_end > 0 {
                    size.stored -= last_line_end as u64;
                    size.crlf -= 2;
                    if let Some(parent) = self.nodes[node].parent {
                        let extra = Size {
                            stored: last_line_end as u64,
                            crlf: 2,
                        };
                        self.nodes[parent].body_size.add(extra);
                    }
                }
                break;
            }
            if at_end_of_header || rest.is_empty() {
                break;
            }
            let newline = memchr::memchr(b'\n', rest);
            let length = newline.map_or(rest.len(), |i| i + 1);
            let with_cr = newline.is_some_and(|i| i > 0 && rest[i - 1] == b'\r');
            size.stored += length as u64;
            size.crlf += length as u64 + u64::from(newline.is_some() && !with_cr);
            last_line_end = match newline {
                Some(_) => 1 + usize::from(with_cr),
                None => 0,
            };
            let continued = matches!(rest.first(), Some(b' ' | b'\t')) && self.at > start;
            if !continued {
                field_start = self.at;
            }
            self.at += length;
            at_end_of_header = blank;
            let continues = matches!(self.data.get(self.at), Some(b' ' | b'\t'));
            if !blank && !continues {
                let field = &self.data[field_start..self.at];
                self.field(node, field, &mut seen_type, &mut boundary);
            }
        }
        self.end_header(node, start, size, seen_type)
    }

    /// Takes what the structure needs from one header field.
    fn field(
        &mut self,
        node: usize,
        field: &[u8],
        seen_type: &mut bool,
        boundary: &mut Option<Vec<u8>>,
    ) {
        // Cheap test first: most fields are neither.
        if !matches!(field.first(), Some(b'M' | b'm' | b'C' | b'c')) {
            return;
        }
        let Some(field) = header::fields(field).into_iter().next() else {
            return;
        };
        if field.is("Mime-Version") {
            self.nodes[node].is_mime = true;
        } else if field.is("Content-Type") {
            self.nodes[node].is_mime = true;
            if std::mem::replace(seen_type, true) {
                return;
            }
            let parsed = header::content_type(field.value);
            let kind = match parsed.value.as_str() {
                "message/rfc822" => Kind::Message,
                t if t.starts_with("multipart/") => Kind::Multipart,
                _ => Kind::Leaf,
            };
            if kind == Kind::Multipart {
                *boundary = parsed
                    .param("boundary")
                    .map(|b| b[..b.len().min(BOUNDARY_MAX)].to_vec());
            }
            self.nodes[node].digest = parsed.value == "multipart/digest";
            self.nodes[node].kind = kind;
            self.nodes[node].media_type = parsed.value;
        }
    }

    fn end_header(&mut self, node: usize, start: usize, size: Size, seen_type: bool) -> Next {
        let end = start + size.stored as usize;
        let in_digest = self.nodes[node]
            .parent
            .is_some_and(|p| self.nodes[p].digest);
        let too_many = self.nodes.len() >= MAX_PARTS;
        let too_deep = self.depth + 1 >= MAX_NESTED;
        let n = &mut self.nodes[node];
        n.header = start..end;
        n.header_size = size;
        n.body = self.at.max(end)..self.at.max(end);
        if !n.is_mime {
            n.kind = Kind::Leaf;
            n.media_type.clear();
        }
        if (!seen_type || !n.is_mime) && in_digest {
            n.kind = Kind::Message;
        }
        if n.kind == Kind::Message {
            if too_many || too_deep {
                n.truncated = true;
                n.kind = Kind::Leaf;
                n.media_type = "application/octet-stream".into();
            } else {
                n.media_type = "message/rfc822".into();
                self.open_child();
                return Next::Header;
            }
        }
        Next::Body
    }

    /// Reads to the next boundary or the end.
    fn body(&mut self) -> Next {
        if self.boundaries.is_empty() {
            self.add_body(self.data.len());
            return Next::End;
        }
        // The body begins a line, so a boundary may stand right here.
        if let Some(index) = self.boundary_at(self.at) {
            return Next::Boundary { index, line_end: 0 };
        }
        let mut from = self.at;
        loop {
            let Some(found) = memmem::find(&self.data[from..], b"\n--") else {
                self.add_body(self.data.len());
                return Next::End;
            };
            let newline = from + found;
            if let Some(index) = self.boundary_at(newline + 1) {
                let cr = newline > self.at && self.data[newline - 1] == b'\r';
                let before = newline - usize::from(cr);
                self.add_body(before);
                return Next::Boundary {
                    index,
                    line_end: 1 + usize::from(cr),
                };
            }
            from = newline + 1;
        }
    }

    /// Goes back to the multipart that owns the boundary and over the boundary line.
    fn finish_part(&mut self, index: usize, line_end: usize) -> Next {
        let owner = self.boundaries[index].node;
        while self.current != owner {
            self.close_current();
        }
        let ends = self.boundaries[index].ends;
        self.boundaries
            .truncate(if ends { index } else { index + 1 });
        let line = self.at + line_end;
        match memchr::memchr(b'\n', &self.data[line..]) {
            Some(i) => self.add_body(line + i + 1),
            None => {
                self.add_body(self.data.len());
                return Next::End;
            }
        }
        if self.boundaries.last().is_none_or(|b| b.node != owner) {
            return Next::Body;
        }
        self.open_child();
        Next::Header
    }
}

/// IMAP part number of every leaf and every `message/rfc822`, in order (RFC 3501 section 6.4.5).
pub fn numbers(nodes: &[Node]) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    let mut stack = vec![(0usize, String::new(), true)];
    while let Some((index, prefix, is_message)) = stack.pop() {
        let Some(node) = nodes.get(index) else {
            continue;
        };
        let join = |n: usize| {
            if prefix.is_empty() {
                n.to_string()
            } else {
                format!("{prefix}.{n}")
            }
        };
        match node.kind {
            Kind::Multipart => {
                for (i, child) in node.children.iter().enumerate().rev() {
                    stack.push((*child, join(i + 1), false));
                }
                if node.children.is_empty() {
                    // IMAP shows an empty text part where a multipart has none.
                    out.push((index, join(1)));
                }
            }
            kind => {
                let number = if is_message { join(1) } else { prefix.clone() };
                if kind == Kind::Message
                    && let Some(child) = node.children.first()
                {
                    stack.push((*child, number.clone(), true));
                }
                out.push((index, number));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(message: &str) -> Vec<(String, String, u64)> {
        let nodes = parse(message.as_bytes());
        numbers(&nodes)
            .into_iter()
            .map(|(i, n)| (n, nodes[i].media_type.clone(), nodes[i].body_size.crlf))
            .collect()
    }

    #[test]
    fn a_single_part_is_number_one() {
        assert_eq!(
            list("Subject: x\n\nab\nc"),
            [("1".into(), String::new(), 5)]
        );
    }

    #[test]
    fn nested_multiparts_and_messages() {
        let m = "Content-Type: multipart/mixed; boundary=a\n\npre\n--a\n\none\n--a\n\
                 Content-Type: message/rfc822\n\nContent-Type: multipart/alternative; boundary=b\n\n\
                 --b\n\nx\n--b\nContent-Type: text/html\n\n<p>\n--b--\n--a\n\
                 Content-Type: message/rfc822\n\nSubject: y\n\nz\n--a--\nepilogue";
        let got: Vec<String> = list(m).into_iter().map(|x| x.0).collect();
        assert_eq!(got, ["1", "2", "2.1", "2.2", "3", "3.1"]);
        assert_eq!(list(m)[0].2, 3);
        assert_eq!(list(m)[5].2, 1);
    }

    #[test]
    fn the_whole_message_is_always_accounted_for() {
        for m in [
            "",
            "\n",
            "a",
            "--x",
            "Content-Type: multipart/mixed; boundary=x\n\n--x",
            "Content-Type: multipart/mixed; boundary=x\n\n--x\n--x\n\n--x--",
        ] {
            let nodes = parse(m.as_bytes());
            let total = nodes[0].header_size.stored + nodes[0].body_size.stored;
            assert_eq!(total, m.len() as u64, "{m:?}");
        }
    }
}
