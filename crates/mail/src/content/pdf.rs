//! Text of PDF documents, by `lopdf`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lopdf::{Dictionary, Document, LoadOptions, Object};

use super::Extract;
use crate::text::cut;

/// Most pages read.
const MAX_PAGES: usize = 500;
/// Octets one stream may inflate to.
const MAX_STREAM: usize = 16 << 20;

/// Extracts text page by page until the limit.
pub(super) fn extract(content: &[u8], limit: usize) -> Extract {
    let mut out = Extract::default();
    // The reader is not ours and its input is hostile: a panic in it costs this text, no more.
    let result = catch_unwind(AssertUnwindSafe(|| read(content, limit, &mut out)));
    if result.is_err() {
        out.defects.push("pdf: the reader gave up".into());
    }
    out
}

fn read(content: &[u8], limit: usize, out: &mut Extract) {
    let options = LoadOptions::with_max_decompressed_size(MAX_STREAM);
    let document = match Document::load_mem_with_options(content, options) {
        Ok(d) => d,
        Err(e) => {
            out.defects.push(format!("pdf: {e}"));
            return;
        }
    };
    inspect(&document, out);
    if document.is_encrypted() {
        out.defects.push("pdf: encrypted".into());
        return;
    }
    let pages: Vec<u32> = document.get_pages().keys().copied().collect();
    if pages.len() > MAX_PAGES {
        out.defects
            .push(format!("pdf: {} pages, {MAX_PAGES} read", pages.len()));
    }
    let mut unreadable = 0usize;
    for page in pages.iter().take(MAX_PAGES) {
        if out.text.len() >= limit {
            out.defects.push("pdf: text cut".into());
            break;
        }
        for chunk in document.extract_text_chunks_with_limit(&[*page], MAX_STREAM) {
            match chunk {
                Ok(t) => out.text.push_str(&t),
                Err(_) => unreadable += 1,
            }
        }
        out.text.push('\n');
    }
    if unreadable > 0 {
        out.defects
            .push(format!("pdf: {unreadable} pieces of text not readable"));
    }
    cut(&mut out.text, limit);
}

/// Most objects looked at, and links kept.
const MAX_OBJECTS: usize = 100_000;
const MAX_LINKS: usize = 200;

/// Actions (ISO 32000-1 section 12.6): script, programs started, forms sent, links.
fn inspect(document: &Document, out: &mut Extract) {
    let mut script = false;
    for object in document.objects.values().take(MAX_OBJECTS) {
        walk(object, 0, &mut |d| action(document, d, &mut script, out));
    }
    if script {
        out.active.push(("attachment.pdf_script", String::new()));
        if runs_on_opening(document) {
            out.active
                .push(("attachment.pdf_script_auto", String::new()));
        }
    }
}

/// Calls back for every dictionary in an object, not following references.
fn walk(object: &Object, depth: usize, found: &mut dyn FnMut(&Dictionary)) {
    if depth > 20 {
        return;
    }
    let dictionary = match object {
        Object::Dictionary(d) => d,
        Object::Stream(s) => &s.dict,
        Object::Array(items) => {
            for item in items.iter().take(MAX_OBJECTS) {
                walk(item, depth + 1, found);
            }
            return;
        }
        _ => return,
    };
    found(dictionary);
    for (_, value) in dictionary.iter() {
        walk(value, depth + 1, found);
    }
}

fn action(document: &Document, d: &Dictionary, script: &mut bool, out: &mut Extract) {
    let Ok(kind) = d.get(b"S").and_then(Object::as_name) else {
        return;
    };
    let text = |key: &[u8]| text_of(document, d, key);
    match kind {
        b"JavaScript" => *script |= d.has(b"JS"),
        b"Launch" => {
            let what = [text(b"F"), text(b"Win")].concat();
            out.active.push(("attachment.pdf_launch", what));
        }
        b"SubmitForm" | b"ImportData" => {
            let target = text(b"F");
            if !target.is_empty() {
                out.active.push(("attachment.pdf_submit", target));
            }
        }
        b"URI" if out.links.len() < MAX_LINKS => out.links.push(text(b"URI")),
        _ => {}
    }
}

/// A string, or the name in a file specification, followed through one reference each.
fn text_of(document: &Document, d: &Dictionary, key: &[u8]) -> String {
    let follow = |o: &Object| match o {
        Object::Reference(id) => document.get_object(*id).ok().cloned(),
        o => Some(o.clone()),
    };
    match d.get(key).ok().and_then(follow) {
        Some(Object::String(s, _)) => String::from_utf8_lossy(&s).into_owned(),
        Some(Object::Dictionary(inner)) => [&b"UF"[..], b"F"]
            .iter()
            .find_map(|k| match inner.get(k).ok().and_then(follow) {
                Some(Object::String(s, _)) => Some(String::from_utf8_lossy(&s).into_owned()),
                _ => None,
            })
            .unwrap_or_default(),
        _ => String::new(),
    }
}

/// Whether the catalog or a page names an action for its opening, or the document has named
/// scripts, which run when it is opened (sections 7.7.2, 12.6.3, 7.7.4).
fn runs_on_opening(document: &Document) -> bool {
    let Ok(catalog) = document.catalog() else {
        return false;
    };
    let dictionary = |o: &Object| match o {
        Object::Reference(id) => document.get_dictionary(*id).ok().cloned(),
        Object::Dictionary(d) => Some(d.clone()),
        _ => None,
    };
    let is_script =
        |d: &Dictionary| d.get(b"S").and_then(Object::as_name).ok() == Some(&b"JavaScript"[..]);
    let opening = catalog.get(b"OpenAction").ok().and_then(dictionary);
    let named = catalog
        .get(b"Names")
        .ok()
        .and_then(dictionary)
        .is_some_and(|names| names.has(b"JavaScript"));
    let pages = document.page_iter().take(MAX_PAGES).any(|id| {
        document
            .get_dictionary(id)
            .ok()
            .and_then(|p| p.get(b"AA").ok().and_then(dictionary))
            .and_then(|aa| aa.get(b"O").ok().and_then(dictionary))
            .is_some_and(|d| is_script(&d))
    });
    opening.is_some_and(|d| is_script(&d)) || named || pages
}

#[cfg(test)]
mod tests {
    use super::super::extract;

    /// A file of such objects, numbered from one; the first is the catalog.
    fn pdf(objects: &[&str]) -> Vec<u8> {
        let mut out = String::from("%PDF-1.4\n");
        let mut offsets = Vec::new();
        for (i, object) in objects.iter().enumerate() {
            offsets.push(out.len());
            out += &format!("{} 0 obj\n{object}\nendobj\n", i + 1);
        }
        let xref = out.len();
        out += &format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
        for offset in &offsets {
            out += &format!("{offset:010} 00000 n \n");
        }
        out += &format!(
            "trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{xref}\n%%EOF\n",
            objects.len() + 1
        );
        out.into_bytes()
    }

    #[test]
    fn actions() {
        let pages = "<</Type/Pages/Kids[3 0 R]/Count 1>>";
        let page = "<</Type/Page/Parent 2 0 R/Annots[<</Subtype/Link/A<</S/URI/URI(https://example.net/x)>>>>]>>";
        let active = |catalog: &str, more: &str| {
            let got = extract(&pdf(&[catalog, pages, page, more]), 1000);
            assert_eq!(got.links, ["https://example.net/x"], "{:?}", got.defects);
            got.active.into_iter().map(|a| a.0).collect::<Vec<_>>()
        };
        let catalog = "<</Type/Catalog/Pages 2 0 R>>";
        let opening = "<</Type/Catalog/Pages 2 0 R/OpenAction 4 0 R>>";
        assert_eq!(active(catalog, "<<>>"), [""; 0]);
        assert_eq!(
            active(catalog, "<</S/JavaScript/JS(x)>>"),
            ["attachment.pdf_script"]
        );
        assert_eq!(
            active(opening, "<</S/JavaScript/JS(x)>>"),
            ["attachment.pdf_script", "attachment.pdf_script_auto"]
        );
        assert_eq!(
            active(opening, "<</S/Launch/Win<</F(x)>>>>"),
            ["attachment.pdf_launch"]
        );
        assert_eq!(
            active(
                catalog,
                "<</S/SubmitForm/F<</FS/URL/F(https://example.net/s)>>>>"
            ),
            ["attachment.pdf_submit"]
        );
    }
}
