//! Finds what could be an indicator in refanged text. Judges nothing.

use super::refang::Refanged;
use crate::IndicatorKind;
use crate::value::{self, FileLike, Value};

/// A value found in a text.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) value: Value,
    /// Range in the refanged text.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether it was written defanged.
    pub(crate) defanged: bool,
    /// Whether markup makes it the target of a link (`[text](http://…)`, `http://…[text]`).
    pub(crate) target: bool,
    /// Why it cannot be what it looks like, when its own shape tells.
    pub(crate) flaw: Option<&'static str>,
}

/// Characters that end a run of text in which one value may stand.
fn ends_chunk(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "\"'`<>|«»“”‘’„\u{2026}".contains(c)
}

/// All candidates, in order.
pub(crate) fn candidates(text: &Refanged) -> Vec<Candidate> {
    let mut scan = Scan {
        text: &text.text,
        refanged: text,
        found: Vec::new(),
    };
    let mut start = 0;
    for (at, c) in text.text.char_indices() {
        if ends_chunk(c) {
            scan.chunk(start, at);
            start = at + c.len_utf8();
        }
    }
    scan.chunk(start, text.text.len());
    scan.found
}

struct Scan<'a> {
    text: &'a str,
    refanged: &'a Refanged,
    found: Vec<Candidate>,
}

impl Scan<'_> {
    fn push(&mut self, value: Value, start: usize, end: usize) -> &mut Candidate {
        let defanged = self.refanged.marked(start, end);
        let at = self.found.len();
        self.found.push(Candidate {
            value,
            start,
            end,
            defanged,
            target: false,
            flaw: None,
        });
        &mut self.found[at]
    }

    /// A run without blanks or quotes.
    fn chunk(&mut self, start: usize, end: usize) {
        if end - start < 4 {
            return;
        }
        let bytes = self.text.as_bytes();
        let mut at = start;
        let mut from = start;
        while let Some(n) = memchr::memmem::find(&bytes[from..end], b"://") {
            let colon = from + n;
            let back = bytes[at..colon]
                .iter()
                .rev()
                .take(16)
                .take_while(|b| b.is_ascii_alphanumeric())
                .count();
            let scheme_start = colon - back;
            let scheme = &self.text[scheme_start..colon];
            if !value::is_scheme(scheme) {
                // `file:///…`, `chrome-extension://…`: what follows is no host.
                self.pieces(at, scheme_start);
                at = self.url_end(colon + 3, end);
                from = at.max(colon + 3);
                continue;
            }
            self.pieces(at, scheme_start);
            let stop = self.url_end(colon + 3, end);
            let last = self.trim_url(scheme_start, stop);
            if let Some(value) = value::url(&self.text[scheme_start..last]) {
                let before = &self.text[start..scheme_start];
                let target = before.ends_with("](")
                    || (bytes.get(stop) == Some(&b'['))
                    || before.ends_with("link:");
                self.push(value, scheme_start, last).target = target;
            }
            at = stop;
            from = stop.max(colon + 3);
        }
        self.pieces(at.min(end), end);
    }

    /// Where a URL that reaches at most to `end` stops; `host` is where its host begins.
    fn url_end(&self, host: usize, end: usize) -> usize {
        let bytes = self.text.as_bytes();
        let mut round = 0i32;
        let mut i = host;
        while i < end {
            match bytes[i] {
                b'[' if i != host => return i,
                b'[' => {
                    // An IPv6 literal.
                    match bytes[i..end.min(i + 50)].iter().position(|&b| b == b']') {
                        Some(n) => i += n,
                        None => return i,
                    }
                }
                b']' | b'{' | b'}' | b'\\' | b'^' => return i,
                b'(' => round += 1,
                b')' => {
                    round -= 1;
                    if round < 0 {
                        return i;
                    }
                }
                b',' | b';' if self.scheme_at(i + 1, end) => return i,
                _ => {}
            }
            i += 1;
        }
        end
    }

    /// Whether another URL begins at `at`.
    fn scheme_at(&self, at: usize, end: usize) -> bool {
        let Some(rest) = self.text.as_bytes().get(at..end) else {
            return false;
        };
        let n = rest
            .iter()
            .take(6)
            .take_while(|b| b.is_ascii_alphabetic())
            .count();
        n > 1 && rest[n..].starts_with(b"://")
    }

    /// Takes off punctuation of the sentence and of the markup around a URL.
    fn trim_url(&self, start: usize, mut end: usize) -> usize {
        let bytes = self.text.as_bytes();
        let before = start.checked_sub(1).map(|i| bytes[i]);
        while end > start {
            let b = bytes[end - 1];
            let marked = matches!(b, b'+' | b'_' | b'*' | b'~') && before == Some(b);
            if b".,;:!?*".contains(&b) || marked {
                end -= 1;
            } else {
                break;
            }
        }
        end
    }

    /// Text without a scheme: values parted by punctuation.
    fn pieces(&mut self, start: usize, end: usize) {
        let mut i = start;
        while i < end {
            let n = self.text[i..end]
                .find([
                    ',', ';', '(', ')', '[', ']', '{', '}', '=', '!', '?', '*', '~', '^', '&', '#',
                    '$',
                ])
                .unwrap_or(end - i);
            let next = self.piece(i, i + n, end);
            i = next.max(i + n) + 1;
        }
    }

    /// One piece; `limit` is how far a path may go on. Returns where reading goes on.
    fn piece(&mut self, mut start: usize, mut end: usize, limit: usize) -> usize {
        let whole_end = end;
        let bytes = self.text.as_bytes();
        if start >= end {
            return whole_end;
        }
        // `{a,b}.evil.org`: the rest of a name whose beginning was braced is no name.
        if bytes.get(start) == Some(&b'.') && start > 0 && bytes[start - 1] == b'}' {
            return whole_end;
        }
        // An underscore begins some names (`_dmarc.x`); as a mark of emphasis it stands at both ends.
        let emphasis = bytes.get(start) == Some(&b'_') && bytes.get(end - 1) == Some(&b'_');
        while start < end
            && (b".-+:/@\\".contains(&bytes[start]) || emphasis && bytes[start] == b'_')
        {
            start += 1;
        }
        while start < end && b".-+_:/@\\".contains(&bytes[end - 1]) {
            end -= 1;
        }
        if end - start < 4 || end - start > value::URL_MAX {
            return whole_end;
        }
        let piece = &self.text[start..end];
        if piece.contains('\\') {
            if let Some(at) = piece.rfind('\\') {
                self.file(start + at + 1, end);
            }
            return whole_end;
        }
        if piece.contains('@') {
            if let Some(value) = value::email(piece) {
                self.push(value, start, end);
                return whole_end;
            }
            // `mailto:a@b.c`, `from:a@b.c`.
            if let Some((label, rest)) = piece.split_once(':')
                && let Some(value) = value::email(rest)
            {
                self.push(value, start + label.len() + 1, end);
            }
            return whole_end;
        }
        if piece.contains('/') {
            return self.with_slash(start, end, limit, whole_end);
        }
        if piece.contains(':') {
            self.with_colon(start, end);
            return whole_end;
        }
        self.simple(start, end);
        whole_end
    }

    /// A network, `host/path`, `product/1.2.3.4` or a path.
    fn with_slash(&mut self, start: usize, end: usize, limit: usize, whole_end: usize) -> usize {
        let piece = &self.text[start..end];
        if let Some(value) = value::network(piece) {
            self.push(value, start, end);
            return whole_end;
        }
        let absolute = start > 0 && self.text.as_bytes()[start - 1] == b'/';
        let Some((head, rest)) = piece.split_once('/') else {
            return whole_end;
        };
        let host = head.split(':').next().unwrap_or(head);
        let is_host = value::ipv4(host).is_some()
            || (value::domain(host).is_some() && value::file_like(host) != FileLike::Yes);
        if !absolute && is_host {
            let stop = self.url_end(start, limit);
            let last = self.trim_url(start, stop);
            if let Some(value) = value::schemeless_url(&self.text[start..last]) {
                self.push(value, start, last);
                return stop;
            }
        }
        if value::ipv4(rest).is_some() && head.bytes().all(|b| b.is_ascii_alphanumeric()) {
            let value = Value::new(IndicatorKind::Ipv4, rest);
            self.push(value, end - rest.len(), end).flaw = Some("the version in a product token");
            return whole_end;
        }
        if let Some(at) = piece.rfind('/') {
            self.file(start + at + 1, end);
        }
        whole_end
    }

    /// IPv6, `host:port` or `label:value`.
    fn with_colon(&mut self, start: usize, end: usize) {
        let piece = &self.text[start..end];
        if let Some(v6) = value::ipv6(piece) {
            let defanged = self.refanged.marked(start, end);
            // `a::b` and `dead::beef` are words of programming languages as well.
            let first = piece.split(':').next().unwrap_or("");
            let plain = first.len() == 4 && first.bytes().any(|b| b.is_ascii_digit());
            let local = v6.segments()[0] & 0xfe00 == 0xfc00 || v6.segments()[0] & 0xffc0 == 0xfe80;
            if (defanged || plain || local)
                && let Some(value) = value::address(piece)
            {
                self.push(value, start, end);
            }
            return;
        }
        let Some((head, tail)) = piece.rsplit_once(':') else {
            return;
        };
        if let Ok(port) = tail.parse::<u16>() {
            // A line number after a file's name is no port.
            if let Some(mut value) = value::address(head).or_else(|| value::domain(head)) {
                value.port = Some(port);
                self.push(value, start, end);
            }
            return;
        }
        // `sha256:…`, `IP:1.2.3.4`: each part by itself.
        let mut at = start;
        for part in piece.split(':') {
            self.simple(at, at + part.len());
            at += part.len() + 1;
        }
    }

    /// An address, hash, domain or file name.
    fn simple(&mut self, start: usize, end: usize) {
        let Some(piece) = self.text.get(start..end) else {
            return;
        };
        if let Some(value) = value::hash(piece) {
            self.push(value, start, end);
        } else if let Some(value) = value::address(piece) {
            self.push(value, start, end);
        } else if let Some(rest) = piece.strip_prefix(['v', 'V'])
            && value::ipv4(rest).is_some()
        {
            let value = Value::new(IndicatorKind::Ipv4, rest);
            self.push(value, start + 1, end).flaw = Some("a version: written v1.2.3.4");
        } else if piece.contains('.') {
            let marked = self.refanged.marked(start, end);
            let file = value::file_like(piece);
            let short = piece.split('.').count() == 2
                || [".zip", ".sh", ".py", ".rs", ".md"]
                    .iter()
                    .any(|e| piece.ends_with(e));
            let as_file =
                file == FileLike::Yes || (file == FileLike::Ambiguous && !marked && short);
            if as_file && !piece.starts_with("www.") {
                self.file(start, end);
            } else if let Some(value) = value::domain(piece) {
                let last = piece.rsplit('.').next().unwrap_or("");
                let upper = |s: &str| s.bytes().any(|b| b.is_ascii_uppercase());
                let code = !marked && upper(last) && piece.bytes().any(|b| b.is_ascii_lowercase());
                self.push(value, start, end).flaw = code.then_some(
                    "written like a program's name or identifier (capitals in its ending)",
                );
            } else if marked && let Some(name) = value::domain_name(piece) {
                // Defanged, so meant as a name, but of no zone of the public DNS.
                let value = Value::new(IndicatorKind::Domain, name);
                self.push(value, start, end).flaw =
                    Some("its ending is no public top-level domain");
            } else if file == FileLike::Yes {
                self.file(start, end);
            }
        }
    }

    fn file(&mut self, start: usize, end: usize) {
        let Some(name) = self.text.get(start..end) else {
            return;
        };
        if value::file_like(name) != FileLike::No && name.len() > 3 {
            self.push(
                Value::new(IndicatorKind::FileName, name.to_lowercase()),
                start,
                end,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::refang::refang;

    fn found(text: &str) -> Vec<String> {
        candidates(&refang(text))
            .into_iter()
            .map(|c| {
                let flaw = if c.flaw.is_some() { "!" } else { "" };
                let fang = if c.defanged { "~" } else { "" };
                format!("{flaw}{fang}{:?} {}", c.value.kind, c.value.value)
            })
            .collect()
    }

    #[test]
    fn shapes() {
        for (text, expected) in [
            ("C2 at 38.180.76[.]31:443.", vec!["~Ipv4 38.180.76.31"]),
            (
                "(hxxp://evil[.]org/a,b?c=d).",
                vec!["~Url http://evil.org/a,b?c=d"],
            ),
            ("[x](http://a.org/b)", vec!["Url http://a.org/b"]),
            (
                "http://a.org/,http://b.org/",
                vec!["Url http://a.org/", "Url http://b.org/"],
            ),
            (
                "evil[.]com/path?x=1&y=2",
                vec!["~Url evil.com/path?x=1&y=2"],
            ),
            ("`++hxxp://a[.]org/x++`", vec!["~Url http://a.org/x"]),
            (
                "team.man@outlook[.]com",
                vec!["~EmailAddress team.man@outlook.com"],
            ),
            ("mail-{one,two}[.]evil.org", vec![]),
            ("Roundcube/1.6.5.3", vec!["!Ipv4 1.6.5.3"]),
            ("v1.6.5.3", vec!["!Ipv4 1.6.5.3"]),
            ("checkupdate.js", vec!["FileName checkupdate.js"]),
            ("invoice.zip", vec!["FileName invoice.zip"]),
            ("invoice[.]zip", vec!["~Domain invoice.zip"]),
            ("C:\\Users\\x\\evil.exe", vec!["FileName evil.exe"]),
            ("/var/www/config.inc.php", vec!["FileName config.inc.php"]),
            ("JS/WinterVivern.B", vec![]),
            ("std::vec and a::b", vec![]),
            ("2a02:6b8::feed:ff", vec!["Ipv6 2a02:6b8::feed:ff"]),
            (
                "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                vec!["Sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
            ),
            ("1.2.3.4.5 and 1.2.3", vec![]),
            ("foo[.]local", vec!["!~Domain foo.local"]),
            ("192.0.2.0/24", vec!["Network 192.0.2.0/24"]),
            ("ASP.NET", vec!["Domain asp.net"]),
            ("Asp.NET", vec!["!Domain asp.net"]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
