//! Text of PDF documents, by `lopdf`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lopdf::{Document, LoadOptions};

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
