//! Recognises a document's format by its content and reads it.

use crate::collect::Collector;
use crate::text::posmap::PosMap;
use crate::text::{self, Markup};
use crate::{Advisory, WarningLists, csv, misp, stix};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Reads one advisory, article or feed.
///
/// `name` is what the document is called in the report, and a hint of its format where the
/// content leaves it open (`.csv`). Never fails: what cannot be read is listed in
/// [`Advisory::problems`], and damaged JSON is read as text.
pub fn parse(name: &str, bytes: &[u8], lists: &WarningLists) -> Advisory {
    let mut into = Collector::new(name, "text", lists);
    let decoded = decode(bytes, &mut into);
    let text: &str = &decoded.text;
    let position = |at: usize| decoded.map.input(at) as u64;
    let start = text.trim_start();
    if start.is_empty() {
        into.advisory.format = "empty".into();
        into.problem("the document is empty");
        return into.finish();
    }
    let json = start.starts_with(['{', '[']) && !start.starts_with("[.");
    if json && read_json(text, &mut into) {
        shift(&mut into, &position);
        return into.finish();
    }
    if is_html(start) {
        into.advisory.format = "html".into();
        text::read(text, Markup::Html, &position, &mut into);
    } else if let Some(table) = csv::recognise(name, text) {
        into.advisory.format = "csv".into();
        csv::read(text, &table, &mut into);
        shift(&mut into, &position);
    } else {
        into.advisory.format = text_format(name, start).into();
        text::read(text, Markup::Plain, &position, &mut into);
    }
    into.finish()
}

/// A document as UTF-8, with the way back.
struct Decoded<'a> {
    text: Cow<'a, str>,
    map: PosMap,
}

fn decode<'a>(bytes: &'a [u8], into: &mut Collector<'_>) -> Decoded<'a> {
    let mut map = PosMap::default();
    let utf16: Option<fn([u8; 2]) -> u16> = match bytes {
        [0xff, 0xfe, ..] => Some(u16::from_le_bytes),
        [0xfe, 0xff, ..] => Some(u16::from_be_bytes),
        _ => None,
    };
    if let Some(read) = utf16 {
        let units = bytes[2..].chunks_exact(2).map(|c| read([c[0], c[1]]));
        let mut text = String::with_capacity(bytes.len() / 2);
        let mut at = 2;
        for c in char::decode_utf16(units) {
            let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
            map.at(text.len(), at);
            text.push(c);
            at += 2 * c.len_utf16();
        }
        return Decoded {
            text: text.into(),
            map,
        };
    }
    let start = if bytes.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    map.at(0, start);
    if let Ok(text) = std::str::from_utf8(&bytes[start..]) {
        return Decoded {
            text: text.into(),
            map,
        };
    }
    let mut text = String::with_capacity(bytes.len());
    let mut at = start;
    let mut broken = 0;
    for chunk in bytes[start..].utf8_chunks() {
        map.at(text.len(), at);
        text.push_str(chunk.valid());
        at += chunk.valid().len();
        if !chunk.invalid().is_empty() {
            broken += 1;
            if broken == 1 {
                into.problem(format!(
                    "byte {at}: not UTF-8; such bytes are read as U+FFFD"
                ));
            }
            text.push(char::REPLACEMENT_CHARACTER);
            at += chunk.invalid().len();
        }
    }
    map.at(text.len(), at);
    Decoded {
        text: text.into(),
        map,
    }
}

/// Offsets that are into the decoded text become offsets into the document.
fn shift(into: &mut Collector<'_>, position: &dyn Fn(usize) -> u64) {
    let a = &mut into.advisory;
    let mentions = a
        .techniques
        .iter_mut()
        .chain(&mut a.vulnerabilities)
        .map(|m| &mut m.offset);
    for offset in a
        .indicators
        .iter_mut()
        .map(|i| &mut i.offset)
        .chain(mentions)
    {
        *offset = position(*offset as usize);
    }
}

/// Reads one JSON value, or several one after the other. `false`: nothing of a known shape.
fn read_json(text: &str, into: &mut Collector<'_>) -> bool {
    let mut known = false;
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    while let Some(value) = values.next() {
        match value {
            Ok(raw) => {
                let part = raw.get();
                if let Some(format) = stix::read(text, part, into) {
                    into.advisory.format = format;
                    known = true;
                } else if misp::read(text, part, into) {
                    into.advisory.format = "misp".into();
                    known = true;
                }
            }
            Err(error) => {
                into.problem(format!("damaged JSON, read as text from there on: {error}"));
                let from = values.byte_offset().min(text.len());
                let rest = text.get(from..).unwrap_or("");
                let title = std::mem::take(&mut into.advisory.title);
                text::read(rest, Markup::Plain, &|at| (from + at) as u64, into);
                into.advisory.title = title;
                into.advisory.format = "json (damaged)".into();
                return true;
            }
        }
    }
    if !known {
        into.problem("JSON of no known shape (neither STIX nor MISP), read as text");
    }
    known
}

fn is_html(start: &str) -> bool {
    let head = &start.as_bytes()[..start.len().min(4096)];
    let head = String::from_utf8_lossy(head).to_lowercase();
    head.starts_with("<!doctype html")
        || head.starts_with("<html")
        || [
            "<html", "<body", "<head>", "<article", "<div", "<p>", "<table", "<h1",
        ]
        .iter()
        .any(|t| head.contains(t))
            && head.matches("</").count() >= 2
}

fn text_format(name: &str, start: &str) -> &'static str {
    let lower = name.to_lowercase();
    let heading = |mark: &str| start.lines().take(200).any(|l| l.starts_with(mark));
    if lower.ends_with(".adoc") || lower.ends_with(".asciidoc") || (heading("= ") && heading("== "))
    {
        "asciidoc"
    } else if lower.ends_with(".md") || heading("# ") || heading("## ") {
        "markdown"
    } else {
        "text"
    }
}
