//! How many messages does this search word find today?
//!
//! Matching as IMAP SEARCH does it (RFC 3501 section 6.4.4): case-insensitive substring of the
//! decoded header fields or of the decoded text, attachments of text type included, binary ones
//! not; HTML is searched with its tags, and TEXT covers the headers of parts too, as Dovecot does
//! without a full-text index. Accents count.

use crate::message::{PartHeader, header_fields};
use crate::mime::structure::{self, Kind};
use crate::mime::{decode, header, words};

/// Octets of each part that are searched.
const TEXT_MAX: usize = 1 << 20;

/// Where a word is looked for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// SUBJECT.
    Subject,
    /// FROM: name and address.
    From,
    /// TO.
    To,
    /// CC.
    Cc,
    /// BODY: text of the parts.
    Body,
    /// TEXT: header and body.
    Text,
}

/// A message ready to be searched, everything decoded and lower-cased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchText {
    subject: String,
    from: String,
    to: String,
    cc: String,
    header: String,
    body: String,
}

impl SearchText {
    /// Decodes a message once for any number of searches.
    pub fn new(bytes: &[u8]) -> Self {
        let nodes = structure::parse(bytes);
        let mut out = Self::default();
        for field in header_fields(bytes, &nodes[0]) {
            let value = decoded(&field);
            for (name, place) in [
                ("Subject", &mut out.subject),
                ("From", &mut out.from),
                ("To", &mut out.to),
                ("Cc", &mut out.cc),
            ] {
                if field.is(name) {
                    place.push_str(&value);
                    place.push('\n');
                }
            }
            out.header_field(&field, &value);
        }
        for (index, node) in nodes.iter().enumerate() {
            let fields = header_fields(bytes, node);
            if index > 0 {
                for field in &fields {
                    out.header_field(field, &decoded(field));
                }
            }
            let text = node.media_type.is_empty() || node.media_type.starts_with("text/");
            if node.kind != Kind::Leaf || !text {
                continue;
            }
            let part = PartHeader::read(&fields, node);
            let end = node.body.start + node.body_size.stored as usize;
            let body = bytes.get(node.body.start..end).unwrap_or_default();
            let (raw, _) = decode::decode_prefix(body, part.encoding, TEXT_MAX);
            let text = words::charset_text(&raw, part.charset());
            out.body.push_str(&text.to_lowercase());
            out.body.push('\n');
        }
        out
    }

    fn header_field(&mut self, field: &header::Field<'_>, value: &str) {
        self.header
            .push_str(&String::from_utf8_lossy(field.name).to_lowercase());
        self.header.push_str(": ");
        self.header.push_str(value);
        self.header.push('\n');
    }

    /// Whether the word stands there. An empty word is everywhere.
    pub fn matches(&self, word: &str, scope: Scope) -> bool {
        let word = word.to_lowercase();
        let finder = memchr::memmem::Finder::new(word.as_bytes());
        let within = |text: &str| finder.find(text.as_bytes()).is_some();
        match scope {
            Scope::Subject => within(&self.subject),
            Scope::From => within(&self.from),
            Scope::To => within(&self.to),
            Scope::Cc => within(&self.cc),
            Scope::Body => within(&self.body),
            Scope::Text => within(&self.header) || within(&self.body),
        }
    }
}

fn decoded(field: &header::Field<'_>) -> String {
    words::unstructured(field.value).to_lowercase()
}

/// Whether a message contains the word, anywhere in header or text.
pub fn matches(bytes: &[u8], word: &str) -> bool {
    SearchText::new(bytes).matches(word, Scope::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoded_and_case_insensitive() {
        let m = b"Subject: =?utf-8?Q?Acc=C3=A8s?= portail\nFrom: Anne <a@x.fr>\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nMot de pas=\nse : =C9t=E9\n";
        let t = SearchText::new(m);
        assert!(t.matches("ACCÈS", Scope::Subject));
        assert!(t.matches("mot de passe", Scope::Body));
        assert!(t.matches("été", Scope::Text));
        assert!(t.matches("anne", Scope::From));
        assert!(!t.matches("mot de passe", Scope::Subject));
        assert!(!matches(m, "secret"));
    }
}
