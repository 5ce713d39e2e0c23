//! XLSX (ECMA-376, SpreadsheetML) and CSV as a French spreadsheet saves it.

use super::office::{core, esc, pack};
use super::{Block, Document, MARKING};
use std::fmt::Write as _;

/// Media type of XLSX.
pub(super) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const REL: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

fn rows(doc: &Document) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    if doc.restricted {
        rows.push(vec![MARKING.to_string()]);
    }
    rows.push(vec![
        doc.title.clone(),
        doc.reference.clone(),
        doc.day.clone(),
    ]);
    for block in &doc.blocks {
        if let Block::Table(t) = block {
            rows.extend(t.iter().cloned());
        }
    }
    rows
}

/// Column name: A, B, … Z, AA, …
fn column(mut i: usize) -> String {
    let mut name = Vec::new();
    loop {
        name.insert(0, b'A' + (i % 26) as u8);
        if i < 26 {
            return String::from_utf8_lossy(&name).into_owned();
        }
        i = i / 26 - 1;
    }
}

/// Writes an XLSX with one sheet; whole numbers are numbers, the rest inline strings.
pub(super) fn xlsx(doc: &Document) -> Vec<u8> {
    let mut data = String::new();
    for (r, row) in rows(doc).iter().enumerate() {
        let _ = write!(data, "<row r=\"{}\">", r + 1);
        for (c, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            let at = format!("{}{}", column(c), r + 1);
            // A telephone number would lose its leading zero as a number.
            if cell.parse::<u64>().is_ok() && !cell.starts_with('0') {
                let _ = write!(data, "<c r=\"{at}\"><v>{cell}</v></c>");
            } else {
                let _ = write!(
                    data,
                    "<c r=\"{at}\" t=\"inlineStr\"><is><t>{}</t></is></c>",
                    esc(cell)
                );
            }
        }
        data.push_str("</row>");
    }
    let mark = if doc.restricted {
        format!(
            "<headerFooter><oddHeader>&amp;C{MARKING}</oddHeader><oddFooter>&amp;C{MARKING}</oddFooter></headerFooter>"
        )
    } else {
        String::new()
    };
    let ct = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    pack(
        &[
            (
                "[Content_Types].xml",
                format!(
                    "{HEAD}<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/><Override PartName=\"/xl/workbook.xml\" ContentType=\"{ct}.sheet.main+xml\"/><Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"{ct}.worksheet+xml\"/><Override PartName=\"/docProps/core.xml\" ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/></Types>"
                ),
            ),
            (
                "_rels/.rels",
                format!(
                    "{HEAD}<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"{REL}/officeDocument\" Target=\"xl/workbook.xml\"/><Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties\" Target=\"docProps/core.xml\"/></Relationships>"
                ),
            ),
            ("docProps/core.xml", core(doc)),
            (
                "xl/workbook.xml",
                format!(
                    "{HEAD}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{REL}\"><sheets><sheet name=\"Feuille1\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                format!(
                    "{HEAD}<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"{REL}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
                ),
            ),
            (
                "xl/worksheets/sheet1.xml",
                format!(
                    "{HEAD}<worksheet xmlns=\"{MAIN}\"><sheetData>{data}</sheetData>{mark}</worksheet>"
                ),
            ),
        ],
        &[],
        false,
    )
}

/// Semicolons, quotes where needed, byte order mark, CRLF.
pub(super) fn csv(doc: &Document) -> Vec<u8> {
    let mut out = String::from("\u{feff}");
    for row in rows(doc) {
        let cells: Vec<String> = row
            .iter()
            .map(|c| {
                if c.contains([';', '"', '\n']) {
                    format!("\"{}\"", c.replace('"', "\"\""))
                } else {
                    c.clone()
                }
            })
            .collect();
        out.push_str(&cells.join(";"));
        out.push_str("\r\n");
    }
    out.into_bytes()
}
