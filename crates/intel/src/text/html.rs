//! HTML → the text a reader sees, with the place of every piece.
//!
//! Not a renderer: tags are dropped, block elements end lines, headings and lists get the marks
//! that plain text has for them, table cells are parted by `|`. What a browser would not show
//! (scripts, comments, `hidden`, `display:none`, zero-size text) is left out and reported: text
//! that only machines read does not belong to what the article says.

use super::posmap::PosMap;
use std::ops::Range;

/// An HTML document as text.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// What a reader sees.
    pub(crate) text: String,
    /// From `text` back to the document.
    pub(crate) map: PosMap,
    /// Ranges of `text` that are the text of a hyperlink.
    pub(crate) links: Vec<Range<usize>>,
    /// Targets of hyperlinks: offset in the document and address, entities decoded.
    pub(crate) targets: Vec<(usize, String)>,
    /// `<title>`.
    pub(crate) title: String,
    /// Host of the page itself (`rel=canonical`, `og:url`), as written there.
    pub(crate) own_url: Option<String>,
    /// Offset of each piece that was left out because a reader does not see it.
    pub(crate) hidden: Vec<usize>,
}

/// Elements whose content no reader sees.
const UNSEEN: &[&str] = &[
    "script", "style", "template", "noscript", "svg", "head", "object", "iframe",
];
/// Elements without end tag.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr",
];
/// Elements that do not end the line.
const INLINE: &[&str] = &[
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd",
    "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr",
    "img", "label",
];

struct Tag<'a> {
    name: String,
    closing: bool,
    /// Attributes as written, between name and `>`.
    attributes: &'a str,
    /// First byte after the tag.
    end: usize,
}

/// Reads a page. Linear in its length.
pub(crate) fn read(html: &str) -> Page {
    let mut page = Page::default();
    let bytes = html.as_bytes();
    let mut pos = 0;
    // Depth of elements open inside a hidden one (itself counted), its name and its nesting.
    let mut hidden: Option<(String, usize)> = None;
    let mut link: Option<usize> = None;
    while pos < bytes.len() {
        if bytes[pos] != b'<' {
            let next = memchr::memchr(b'<', &bytes[pos..]).map_or(bytes.len(), |n| pos + n);
            if hidden.is_none() {
                page.text(html, pos, next);
            }
            pos = next;
            continue;
        }
        if bytes[pos..].starts_with(b"<!--") {
            let end = memchr::memmem::find(&bytes[pos + 4..], b"-->");
            pos = end.map_or(bytes.len(), |n| pos + 4 + n + 3);
            continue;
        }
        let Some(tag) = tag(html, pos) else {
            // A lone `<` is text.
            if hidden.is_none() {
                page.push(pos, "<");
            }
            pos += 1;
            continue;
        };
        let start = pos;
        pos = tag.end;
        if let Some((name, depth)) = &mut hidden {
            if *name == tag.name {
                if tag.closing {
                    *depth -= 1;
                } else if !VOID.contains(&tag.name.as_str()) {
                    *depth += 1;
                }
                if *depth == 0 {
                    hidden = None;
                }
            }
            if name_is_head(hidden.as_ref()) {
                page.meta(html, &tag, &mut pos);
            }
            // A `<body>` ends a head that was never closed.
            if tag.name == "body" && name_is_head(hidden.as_ref()) {
                hidden = None;
            }
            continue;
        }
        if !tag.closing && matches!(tag.name.as_str(), "script" | "style") {
            // Their content is no markup: jump to the end tag.
            let close = format!("</{}", tag.name);
            pos = find_ignoring_case(bytes, pos, close.as_bytes()).unwrap_or(bytes.len());
            continue;
        }
        let unseen = UNSEEN.contains(&tag.name.as_str());
        if !tag.closing
            && !VOID.contains(&tag.name.as_str())
            && (unseen || invisible(tag.attributes))
        {
            if !unseen {
                page.hidden.push(start);
            }
            hidden = Some((tag.name, 1));
            continue;
        }
        page.meta(html, &tag, &mut pos);
        page.element(&tag, start, &mut link);
    }
    page
}

fn name_is_head(hidden: Option<&(String, usize)>) -> bool {
    hidden.is_some_and(|(name, _)| name == "head")
}

impl Page {
    fn push(&mut self, from: usize, text: &str) {
        self.map.at(self.text.len(), from);
        self.text.push_str(text);
    }

    /// Copies text with its entities decoded and blanks as they are.
    fn text(&mut self, html: &str, from: usize, to: usize) {
        let mut pos = from;
        while pos < to {
            let piece = &html[pos..to];
            let Some(amp) = piece.find('&') else {
                self.push(pos, piece);
                break;
            };
            self.push(pos, &piece[..amp]);
            pos += amp;
            let (decoded, length) = entity(&html[pos..to]);
            self.push(pos, decoded.encode_utf8(&mut [0; 4]));
            pos += length;
        }
        self.map.at(self.text.len(), to);
    }

    fn element(&mut self, tag: &Tag<'_>, at: usize, link: &mut Option<usize>) {
        let mark = match (tag.name.as_str(), tag.closing) {
            ("h1" | "h2" | "h3" | "h4" | "h5" | "h6", false) => {
                let level = usize::from(tag.name.as_bytes()[1] - b'0');
                [
                    "\n# ",
                    "\n## ",
                    "\n### ",
                    "\n#### ",
                    "\n##### ",
                    "\n###### ",
                ][level - 1]
            }
            ("li", false) => "\n- ",
            ("td" | "th", false) => " | ",
            ("a", false) => {
                if let Some(href) = attribute(tag.attributes, "href") {
                    self.targets.push((at, href));
                    *link = Some(self.text.len());
                }
                ""
            }
            ("a", true) => {
                if let Some(start) = link.take() {
                    self.links.push(start..self.text.len());
                }
                ""
            }
            ("code" | "kbd" | "samp", _) => "`",
            (name, _) if INLINE.contains(&name) => "",
            _ => "\n",
        };
        if !mark.is_empty() {
            self.push(at, mark);
        }
    }

    /// Title and own address.
    fn meta(&mut self, html: &str, tag: &Tag<'_>, pos: &mut usize) {
        if tag.closing {
            return;
        }
        match tag.name.as_str() {
            "title" => {
                let end = html[tag.end..]
                    .find('<')
                    .map_or(html.len(), |n| tag.end + n);
                if self.title.is_empty() {
                    self.title = decode(html[tag.end..end].trim());
                }
                *pos = end;
            }
            "link"
                if attribute(tag.attributes, "rel")
                    .is_some_and(|r| r.eq_ignore_ascii_case("canonical")) =>
            {
                self.own_url = attribute(tag.attributes, "href").or(self.own_url.take());
            }
            "meta" if attribute(tag.attributes, "property").is_some_and(|p| p == "og:url") => {
                let url = attribute(tag.attributes, "content");
                self.own_url = self.own_url.take().or(url);
            }
            _ => {}
        }
    }
}

/// The tag that begins at `pos` (a `<`), or `None` if it is text.
fn tag(html: &str, pos: usize) -> Option<Tag<'_>> {
    let bytes = html.as_bytes();
    let mut i = pos + 1;
    let closing = bytes.get(i) == Some(&b'/');
    if closing {
        i += 1;
    }
    let declaration = matches!(bytes.get(i), Some(b'!' | b'?'));
    if !declaration && !bytes.get(i)?.is_ascii_alphabetic() {
        return None;
    }
    let name_end = i + bytes[i..]
        .iter()
        .take(32)
        .take_while(|b| b.is_ascii_alphanumeric() || **b == b'!')
        .count();
    // Quotes protect `>`; an unclosed quote must not swallow the document, so a tag is 8 KiB at
    // most, and a `<` outside quotes says that this was none. Both keep the time linear.
    let mut quote = 0u8;
    let limit = (pos + (1 << 13)).min(bytes.len());
    let mut first_end = None;
    let mut end = None;
    for (k, &b) in bytes[..limit].iter().enumerate().skip(name_end) {
        match b {
            b'"' | b'\'' if quote == 0 => quote = b,
            b if b == quote => quote = 0,
            b'>' if quote == 0 => {
                end = Some(k);
                break;
            }
            b'<' if quote == 0 => break,
            b'>' => {
                first_end.get_or_insert(k);
            }
            _ => {}
        }
    }
    let end = end.or(first_end)?;
    Some(Tag {
        name: html.get(i..name_end)?.to_ascii_lowercase(),
        closing,
        attributes: html.get(name_end..end)?,
        end: end + 1,
    })
}

/// An attribute's value, entities decoded. Names match whole.
fn attribute(attributes: &str, name: &str) -> Option<String> {
    let bytes = attributes.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if !bytes[i].is_ascii_alphabetic() {
            i += 1;
            continue;
        }
        let start = i;
        while i < bytes.len() && (bytes[i].is_ascii_alphanumeric() || b"-_:.".contains(&bytes[i])) {
            i += 1;
        }
        let key = &attributes[start..i];
        while bytes.get(i).is_some_and(u8::is_ascii_whitespace) {
            i += 1;
        }
        let mut value = "";
        if bytes.get(i) == Some(&b'=') {
            i += 1;
            while bytes.get(i).is_some_and(u8::is_ascii_whitespace) {
                i += 1;
            }
            let from;
            match bytes.get(i) {
                Some(&q @ (b'"' | b'\'')) => {
                    from = i + 1;
                    i = memchr::memchr(q, &bytes[from..]).map_or(bytes.len(), |n| from + n);
                    value = &attributes[from..i];
                    i += 1;
                }
                _ => {
                    from = i;
                    while i < bytes.len() && !bytes[i].is_ascii_whitespace() {
                        i += 1;
                    }
                    value = &attributes[from..i];
                }
            }
        }
        if key.eq_ignore_ascii_case(name) {
            return Some(decode(value));
        }
    }
    None
}

/// Whether the element's own attributes keep it from being seen.
fn invisible(attributes: &str) -> bool {
    if attributes.is_empty() {
        return false;
    }
    if attribute(attributes, "hidden").is_some() {
        return true;
    }
    let Some(style) = attribute(attributes, "style") else {
        return false;
    };
    let style: String = style
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .to_lowercase();
    [
        "display:none",
        "visibility:hidden",
        "font-size:0;",
        "font-size:0px",
        "opacity:0;",
        "mso-hide:all",
    ]
    .iter()
    .any(|s| style.contains(s))
        || style.ends_with("font-size:0")
        || style.ends_with("opacity:0")
}

/// The character that an entity at the start of `text` (a `&`) stands for, and its length.
fn entity(text: &str) -> (char, usize) {
    let plain = ('&', 1);
    let Some(body) = text.get(1..) else {
        return plain;
    };
    let name_end = body
        .bytes()
        .take(32)
        .position(|b| !b.is_ascii_alphanumeric() && b != b'#');
    let length = name_end.unwrap_or_else(|| body.len().min(32));
    let Some(name) = body.get(..length) else {
        return plain;
    };
    let closed = usize::from(body.as_bytes().get(length) == Some(&b';'));
    let decoded = if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => number.parse().ok(),
        };
        code.and_then(char::from_u32).filter(|&c| c != '\0')
    } else {
        ENTITIES.iter().find(|(n, _)| *n == name).map(|&(_, c)| c)
    };
    decoded.map_or(plain, |c| (c, 1 + length + closed))
}

fn decode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(amp) = rest.find('&') {
        out.push_str(&rest[..amp]);
        let (c, length) = entity(&rest[amp..]);
        out.push(c);
        rest = &rest[amp + length..];
    }
    out.push_str(rest);
    out
}

/// Entities met in articles; the rest of HTML's two thousand do not occur in indicators.
const ENTITIES: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("shy", '\u{ad}'),
    ("period", '.'),
    ("commat", '@'),
    ("colon", ':'),
    ("sol", '/'),
    ("lbrack", '['),
    ("lsqb", '['),
    ("rbrack", ']'),
    ("rsqb", ']'),
    ("lpar", '('),
    ("rpar", ')'),
    ("hyphen", '\u{2010}'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("bull", '•'),
    ("hellip", '…'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("ZeroWidthSpace", '\u{200b}'),
    ("NoBreak", '\u{2060}'),
    ("eacute", 'é'),
    ("egrave", 'è'),
    ("ecirc", 'ê'),
    ("agrave", 'à'),
    ("acirc", 'â'),
    ("ccedil", 'ç'),
    ("icirc", 'î'),
    ("ocirc", 'ô'),
    ("ugrave", 'ù'),
    ("ucirc", 'û'),
    ("Eacute", 'É'),
    ("Agrave", 'À'),
];

fn find_ignoring_case(bytes: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'<', &bytes[from..])
        .map(|n| from + n)
        .find(|&at| {
            bytes
                .get(at..at + needle.len())
                .is_some_and(|b| b.eq_ignore_ascii_case(needle))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_reader_sees() {
        let page = read(
            "<html><head><title>A &amp; B</title><link rel=canonical href='https://own.org/a'>\
             <style>p{}</style></head><body><h2>IoCs</h2><p>see <a href=\"http://x.org/?a=1&amp;b\">this</a>\
             <span style='display: none'>secret <b>x</b></span> 1&#46;2.3.4<!-- no --></p>\
             <ul><li>one<li>two</ul><table><tr><td>a</td><td>b</td></tr></table>\
             <script>if (a<b) evil()</script><div hidden>h</div>end</body>",
        );
        assert_eq!(page.title, "A & B");
        assert_eq!(page.own_url.as_deref(), Some("https://own.org/a"));
        for word in [
            "## IoCs", "see this", "1.2.3.4", "- one", "| a", "| b", "end",
        ] {
            assert!(page.text.contains(word), "{word}: {}", page.text);
        }
        for word in ["secret", "evil", "no ", "p{}"] {
            assert!(!page.text.contains(word), "{word}");
        }
        assert_eq!(page.targets.len(), 1);
        assert_eq!(page.targets[0].1, "http://x.org/?a=1&b");
        assert_eq!(&page.text[page.links[0].clone()], "this");
        assert_eq!(page.hidden.len(), 2);
    }

    #[test]
    fn positions_lead_back() {
        let html = "<p>a&amp;b <b>evil</b> &#46; end";
        let page = read(html);
        for word in ["evil", "end"] {
            assert_eq!(
                page.map.input(page.text.find(word).unwrap()),
                html.find(word).unwrap()
            );
        }
    }

    #[test]
    fn broken_markup_is_read_on() {
        for html in [
            "<p class=\"x>1.2.3.4</p>",
            "a < b",
            "<",
            "<a",
            "<a href='",
            "&",
            "&#x110000;",
            "</",
        ] {
            read(html);
        }
        assert!(read("<p class=\"x>1.2.3.4</p>").text.contains("1.2.3.4"));
        assert!(read("a < b").text.contains("a < b"));
    }
}
