//! Text of OOXML (ECMA-376) and OpenDocument (ISO/IEC 26300) files, and of documents in plain zip
//! archives.

use std::io::{Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::Event;

use super::Extract;
use crate::text::cut;

/// Most members looked at.
const MAX_MEMBERS: usize = 5_000;
/// Octets one member may inflate to.
const MAX_MEMBER: u64 = 32 << 20;
/// Octets all members together may inflate to.
const MAX_TOTAL: u64 = 64 << 20;

/// Whether a member holds text that a reader sees.
fn has_text(name: &str) -> bool {
    let is = |prefix: &str| name.starts_with(prefix) && name.ends_with(".xml");
    matches!(
        name,
        "content.xml"
            | "styles.xml"
            | "meta.xml"
            | "docProps/core.xml"
            | "word/document.xml"
            | "word/footnotes.xml"
            | "word/endnotes.xml"
            | "word/comments.xml"
            | "xl/sharedStrings.xml"
    ) || is("word/header")
        || is("word/footer")
        || is("xl/worksheets/sheet")
        || is("ppt/slides/slide")
        || is("ppt/slideMasters/")
        || is("ppt/notesSlides/")
}

/// Deepest archive within an archive that is opened.
const MAX_NESTED: usize = 3;

/// Octets that may still be inflated, over all nested archives together.
struct Budget {
    octets: u64,
    limit: usize,
}

/// Extracts text of all members that have some, in the archive's order.
pub(super) fn extract(content: &[u8], limit: usize) -> Extract {
    let mut out = Extract::default();
    let mut budget = Budget {
        octets: MAX_TOTAL,
        limit,
    };
    archive(content, 0, &mut budget, &mut out);
    cut(&mut out.text, limit);
    out
}

fn archive(content: &[u8], depth: usize, budget: &mut Budget, out: &mut Extract) {
    let mut zip = match zip::ZipArchive::new(Cursor::new(content)) {
        Ok(z) => z,
        Err(e) => {
            out.defects.push(format!("zip: {e}"));
            return;
        }
    };
    if zip.len() > MAX_MEMBERS {
        out.defects.push(format!(
            "zip: {} members, {MAX_MEMBERS} looked at",
            zip.len()
        ));
    }
    let names: Vec<Option<String>> = (0..zip.len().min(MAX_MEMBERS))
        .map(|i| {
            zip.by_index_raw(i)
                .ok()?
                .name()
                .ok()
                .map(|n| n.into_owned())
        })
        .collect();
    let office = names.iter().flatten().any(|n| has_text(n));
    for (i, name) in names.iter().enumerate() {
        let Some(name) = name else { continue };
        let wanted = if office {
            has_text(name)
        } else {
            !name.ends_with('/')
        };
        if !wanted {
            continue;
        }
        if out.text.len() >= budget.limit || budget.octets == 0 {
            out.defects.push("document: text cut".into());
            return;
        }
        let mut member = match zip.by_index(i) {
            Ok(m) => m,
            Err(e) => {
                out.defects
                    .push(format!("{}: {e}", crate::text::brief(name, 80)));
                continue;
            }
        };
        let room = MAX_MEMBER.min(budget.octets);
        let mut bytes = Vec::new();
        // The declared size is the archive's claim; what is read is counted.
        if let Err(e) = member.by_ref().take(room).read_to_end(&mut bytes) {
            out.defects
                .push(format!("{}: {e}", crate::text::brief(name, 80)));
        }
        budget.octets -= (bytes.len() as u64).min(budget.octets);
        if bytes.len() as u64 == room {
            out.defects.push(format!(
                "{}: {room} octets or more, cut",
                crate::text::brief(name, 80)
            ));
        }
        if office {
            text_of(&bytes, name, budget.limit, out);
        } else {
            inner(&bytes, name, depth, budget, out);
        }
    }
}

/// A member of a plain archive.
fn inner(bytes: &[u8], name: &str, depth: usize, budget: &mut Budget, out: &mut Extract) {
    match super::sniff(bytes) {
        Some(super::DocumentKind::Zip) if depth + 1 < MAX_NESTED => {
            archive(bytes, depth + 1, budget, out);
        }
        Some(super::DocumentKind::Zip) => {
            out.defects
                .push(format!("{}: nested too deep", crate::text::brief(name, 80)));
        }
        Some(super::DocumentKind::Pdf) => {
            let got = super::pdf::extract(bytes, budget.limit - out.text.len().min(budget.limit));
            out.text.push_str(&got.text);
            out.defects.extend(got.defects);
        }
        None => {
            let lower = name.to_ascii_lowercase();
            if [".txt", ".csv", ".md", ".eml", ".log"]
                .iter()
                .any(|e| lower.ends_with(e))
            {
                out.text
                    .push_str(&crate::mime::words::charset_text(bytes, b""));
                out.text.push('\n');
            }
        }
    }
}

fn text_of(xml: &[u8], name: &str, limit: usize, out: &mut Extract) {
    let xml = String::from_utf8_lossy(xml);
    let mut reader = Reader::from_str(&xml);
    reader.config_mut().check_end_names = false;
    // Numbers in cells are no words; shared and inline strings are.
    let cells = name.starts_with("xl/worksheets/");
    let mut wanted = !cells;
    // Where a header or footer of a sheet began: its text carries layout codes.
    let mut header: Option<usize> = None;
    loop {
        if out.text.len() >= limit {
            break;
        }
        match reader.read_event() {
            Ok(Event::Start(e)) if cells => {
                if e.local_name().as_ref().ends_with("Header")
                    || e.local_name().as_ref().ends_with("Footer")
                {
                    header = Some(out.text.len());
                }
                wanted |= matches!(
                    e.local_name().as_ref(),
                    "t" | "oddHeader"
                        | "oddFooter"
                        | "evenHeader"
                        | "evenFooter"
                        | "firstHeader"
                        | "firstFooter"
                );
            }
            Ok(Event::Empty(e)) => match e.local_name().as_ref() {
                "tab" => out.text.push('\t'),
                "br" | "cr" | "line-break" => out.text.push('\n'),
                "s" => out.text.push(' '),
                _ => {}
            },
            Ok(Event::End(e)) => {
                if cells {
                    wanted = false;
                }
                if let Some(from) = header.take()
                    && let Some(coded) = out.text.get(from..)
                {
                    let plain = without_layout_codes(coded);
                    out.text.truncate(from);
                    out.text.push_str(&plain);
                }
                let line = matches!(
                    e.local_name().as_ref(),
                    "p" | "h"
                        | "si"
                        | "is"
                        | "row"
                        | "title"
                        | "subject"
                        | "keywords"
                        | "description"
                        | "keyword"
                        | "oddHeader"
                        | "oddFooter"
                        | "category"
                );
                if line && !out.text.ends_with('\n') {
                    out.text.push('\n');
                } else if e.local_name().as_ref() == "tc" {
                    out.text.push('\t');
                }
            }
            Ok(Event::Text(t)) if wanted => out.text.push_str(t.as_ref()),
            Ok(Event::CData(t)) if wanted => out.text.push_str(t.as_ref()),
            Ok(Event::GeneralRef(r)) if wanted => {
                let entity = format!("&{};", r.as_ref() as &str);
                if let Ok(c) = quick_xml::escape::unescape(&entity) {
                    out.text.push_str(&c);
                }
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(e) => {
                out.defects.push(format!("{name}: {e}"));
                break;
            }
        }
    }
}

/// A header or footer of a sheet without its codes (ECMA-376 part 1, 18.3.1.46): `&C` and the like
/// place it, `&"Arial,Bold"` and `&12` style it, `&&` is an ampersand.
fn without_layout_codes(coded: &str) -> String {
    let mut out = String::with_capacity(coded.len());
    let mut chars = coded.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '&' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('&') => out.push('&'),
            Some('"') => {
                for c in chars.by_ref() {
                    if c == '"' {
                        break;
                    }
                }
            }
            Some(d) if d.is_ascii_digit() => while chars.next_if(char::is_ascii_digit).is_some() {},
            // A section begins: what stood before is apart.
            Some('L' | 'C' | 'R') => out.push(' '),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn sheet_headers_lose_their_codes() {
        for (coded, plain) in [
            ("&CDIFFUSION RESTREINTE", " DIFFUSION RESTREINTE"),
            ("&L&\"Arial,Bold\"&12A && B&R&P", " A & B "),
            ("plain", "plain"),
            ("&", ""),
        ] {
            assert_eq!(without_layout_codes(coded), plain, "{coded}");
        }
    }

    fn zip_of(members: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in members {
            zip.start_file(*name, zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn paragraphs_headers_and_cells() {
        let docx = zip_of(&[
            (
                "word/document.xml",
                "<w:p><w:r><w:t>Mot &amp; passe</w:t></w:r></w:p><w:p><w:t>deux</w:t></w:p>",
            ),
            (
                "word/header1.xml",
                "<w:p><w:t>DIFFUSION RESTREINTE</w:t></w:p>",
            ),
            ("word/media/a.bin", "nothing"),
        ]);
        assert_eq!(
            super::super::extract(&docx, 1000).text,
            "Mot & passe\ndeux\nDIFFUSION RESTREINTE\n"
        );
        let xlsx = zip_of(&[(
            "xl/worksheets/sheet1.xml",
            "<c><v>42</v></c><c><is><t>mot</t></is></c>",
        )]);
        assert_eq!(super::super::extract(&xlsx, 1000).text, "mot\n");
    }

    #[test]
    fn broken_archives_and_bombs_are_reported() {
        assert!(
            !super::super::extract(b"PK\x03\x04junk", 100)
                .defects
                .is_empty()
        );
        let nested = zip_of(&[("note.txt", "TR\u{c8}S SECRET"), ("a/", "")]);
        assert_eq!(
            super::super::extract(&nested, 100).text,
            "TR\u{c8}S SECRET\n"
        );
        let bomb = zip_of(&[("content.xml", &" ".repeat(40 << 20))]);
        assert!(bomb.len() < 1 << 20);
        let got = super::super::extract(&bomb, 1 << 20);
        assert!(
            got.defects.iter().any(|d| d.contains("cut")),
            "{:?}",
            got.defects
        );
    }
}
