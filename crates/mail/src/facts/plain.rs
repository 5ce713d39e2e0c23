//! Plain text that a webmail turns into links.
//!
//! Roundcube finds `[label] URL` and `[label]: URL` and later makes anchors of each `[label]`.
//! Before 1.4.10 and 1.6.3 the label went out unescaped (CVE-2020-35730, CVE-2023-43770), so a
//! label with an angle bracket or a quote leads out of the anchor.

use std::sync::LazyLock;

use regex::Regex;

use super::{Facts, events};

static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)\[([^\]\n]{1,2000})\](?::?\s{0,10})(?:[a-z][a-z0-9+.-]{1,12}://|www\.|<?https?:|[a-z0-9._%+-]{1,64}@)[^\s]{0,2000}"#)
        .expect("a constant pattern")
});

static URL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)(?:https?|ftp)://[^\s]{1,2000}"#).expect("a constant pattern")
});

/// States the facts of a text/plain part.
pub(crate) fn facts(text: &str, part: &str, out: &mut Facts) {
    if memchr::memmem::find(text.as_bytes(), b"##str_replacement").is_some() {
        out.add("text.replacer_token", "##str_replacement", part);
    }
    if memchr::memchr(b'[', text.as_bytes()).is_some() {
        for m in REFERENCE.captures_iter(text).take(5_000) {
            let label = m.get(1).map_or("", |l| l.as_str());
            if leads_out(label) {
                out.add(
                    "text.linkref_markup",
                    m.get(0).map_or("", |m| m.as_str()),
                    part,
                );
            }
        }
    }
    for m in URL.find_iter(text).take(5_000) {
        let url = m.as_str();
        let quote = url.find(['"', '\'', '`']);
        if quote.is_some_and(|i| events::assignment_in(&url[i..]).is_some()) {
            out.add("text.linkref_markup", url, part);
        }
    }
}

/// A label that opens a tag, or closes an attribute and sets a handler.
fn leads_out(label: &str) -> bool {
    let bytes = label.as_bytes();
    let tag = memchr::memchr_iter(b'<', bytes).any(|i| {
        bytes
            .get(i + 1)
            .is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'/' | b'!'))
    });
    let quote = label.find(['"', '\'', '`']);
    let runs = |html: &str| super::html::active(html).is_some();
    (tag && runs(label)) || quote.is_some_and(|i| events::assignment_in(&label[i..]).is_some())
}
