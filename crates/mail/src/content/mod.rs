//! The text of attached documents, for markings and secrets.
//!
//! Every reader is bounded in octets read and text given, follows no reference out of the
//! document, and says in words what it could not read. Limits are counts, never time, so that the
//! same document always gives the same text.

pub(crate) mod office;
pub(crate) mod ole;
pub(crate) mod pdf;
pub(crate) mod vba;

/// What a document gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extract {
    /// Text, lines separated by `\n`.
    pub text: String,
    /// What could not be read, in words.
    pub defects: Vec<String>,
    /// What of it is active, by fact name and value (PDF only).
    pub active: Vec<(&'static str, String)>,
    /// Addresses that links of the document lead to (PDF only).
    pub links: Vec<String>,
}

/// Kinds of documents whose text is extracted.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// Portable Document Format.
    Pdf,
    /// A zip archive: OOXML, OpenDocument, or none of them.
    Zip,
}

/// Recognises a document by its first octets.
pub fn sniff(content: &[u8]) -> Option<DocumentKind> {
    let head = &content[..content.len().min(1024)];
    if memchr::memmem::find(head, b"%PDF-").is_some() {
        Some(DocumentKind::Pdf)
    } else if content.starts_with(b"PK\x03\x04") {
        Some(DocumentKind::Zip)
    } else {
        None
    }
}

/// Extracts at most `limit` octets of text. Never fails; see [`Extract::defects`].
pub fn extract(content: &[u8], limit: usize) -> Extract {
    match sniff(content) {
        Some(DocumentKind::Pdf) => pdf::extract(content, limit),
        Some(DocumentKind::Zip) => office::extract(content, limit),
        None => Extract::default(),
    }
}
