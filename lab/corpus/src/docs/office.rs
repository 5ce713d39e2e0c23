//! DOCX (ECMA-376) and ODT (ISO/IEC 26300): zipped XML, the least that readers accept.

use super::{Block, Document, MARKING};
use crate::people::{Language, MINISTRY};
use std::fmt::Write as _;
use std::io::{Cursor, Write};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// Media type of DOCX.
pub(super) const DOCX: &str =
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
/// Media type of ODT.
pub(super) const ODT: &str = "application/vnd.oasis.opendocument.text";

/// Text for XML content and attributes.
pub(super) fn esc(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A zip archive of the given members, the first one stored when `store_first` (as ODF wants its
/// `mimetype`). Times are fixed, so that the same content gives the same bytes.
pub(super) fn pack(
    members: &[(&str, String)],
    binary: &[(&str, &[u8])],
    store_first: bool,
) -> Vec<u8> {
    let text = members.iter().map(|(name, text)| (*name, text.as_bytes()));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (i, (name, data)) in text.chain(binary.iter().copied()).enumerate() {
        let method = if i == 0 && store_first {
            CompressionMethod::Stored
        } else {
            CompressionMethod::Deflated
        };
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .last_modified_time(DateTime::default());
        // Writing to a vector cannot fail, and the names are ours and distinct.
        let _ = zip.start_file(name, options);
        let _ = zip.write_all(data);
    }
    zip.finish().map(Cursor::into_inner).unwrap_or_default()
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const W: &str = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"";
const REL: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// Paragraph with the picture of relationship `rId4`, 12 by 8 centimetres.
const DRAWING: &str = "<w:p><w:r><w:drawing><wp:inline xmlns:wp=\"http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing\" distT=\"0\" distB=\"0\" distL=\"0\" distR=\"0\"><wp:extent cx=\"4320000\" cy=\"2880000\"/><wp:docPr id=\"1\" name=\"Image 1\"/><a:graphic xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\"><a:graphicData uri=\"http://schemas.openxmlformats.org/drawingml/2006/picture\"><pic:pic xmlns:pic=\"http://schemas.openxmlformats.org/drawingml/2006/picture\"><pic:nvPicPr><pic:cNvPr id=\"1\" name=\"image1.png\"/><pic:cNvPicPr/></pic:nvPicPr><pic:blipFill><a:blip r:embed=\"rId4\"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill><pic:spPr><a:xfrm><a:off x=\"0\" y=\"0\"/><a:ext cx=\"4320000\" cy=\"2880000\"/></a:xfrm><a:prstGeom prst=\"rect\"><a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>";

/// Writes a DOCX, with a picture at its end if there is one.
pub(super) fn docx(doc: &Document, picture: Option<Vec<u8>>) -> Vec<u8> {
    let mut body = String::new();
    let p = |body: &mut String, style: &str, text: &str| {
        let _ = write!(
            body,
            "<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr><w:r><w:t xml:space=\"preserve\">{}</w:t></w:r></w:p>",
            esc(text)
        );
    };
    if doc.restricted {
        p(&mut body, "Marking", MARKING);
    }
    p(&mut body, "Normal", MINISTRY);
    p(&mut body, "Title", &doc.title);
    p(
        &mut body,
        "Normal",
        &format!("{} - {} - {}", doc.reference, doc.author, doc.day),
    );
    for block in &doc.blocks {
        match block {
            Block::Heading(t) => p(&mut body, "Heading1", t),
            Block::Para(t) => p(&mut body, "Normal", t),
            Block::Bullets(items) => items
                .iter()
                .for_each(|t| p(&mut body, "Normal", &format!("\u{2013} {t}"))),
            Block::Table(rows) => {
                let columns = rows.first().map_or(1, Vec::len).max(1);
                body.push_str(
                    "<w:tbl><w:tblPr><w:tblW w:w=\"9000\" w:type=\"dxa\"/></w:tblPr><w:tblGrid>",
                );
                for _ in 0..columns {
                    let _ = write!(body, "<w:gridCol w:w=\"{}\"/>", 9000 / columns);
                }
                body.push_str("</w:tblGrid>");
                for row in rows {
                    body.push_str("<w:tr>");
                    for cell in row {
                        body.push_str("<w:tc><w:tcPr><w:tcW w:w=\"0\" w:type=\"auto\"/></w:tcPr>");
                        p(&mut body, "Normal", cell);
                        body.push_str("</w:tc>");
                    }
                    body.push_str("</w:tr>");
                }
                body.push_str("</w:tbl>");
                p(&mut body, "Normal", "");
            }
        }
    }
    let media: Vec<(&str, &[u8])> = picture
        .iter()
        .map(|p| ("word/media/image1.png", p.as_slice()))
        .collect();
    let (png, image) = if picture.is_some() {
        body.push_str(DRAWING);
        (
            "<Default Extension=\"png\" ContentType=\"image/png\"/>",
            format!("<Relationship Id=\"rId4\" Type=\"{REL}/image\" Target=\"media/image1.png\"/>"),
        )
    } else {
        ("", String::new())
    };
    let mark = if doc.restricted { MARKING } else { "" };
    let refs = "<w:headerReference w:type=\"default\" r:id=\"rId2\"/><w:footerReference w:type=\"default\" r:id=\"rId3\"/>";
    let document = format!(
        "{HEAD}<w:document {W}><w:body>{body}<w:sectPr>{refs}<w:pgSz w:w=\"11906\" w:h=\"16838\"/></w:sectPr></w:body></w:document>"
    );
    let edge = |tag: &str| {
        format!(
            "{HEAD}<w:{tag} {W}><w:p><w:pPr><w:jc w:val=\"center\"/></w:pPr><w:r><w:rPr><w:b/></w:rPr><w:t>{mark}</w:t></w:r></w:p></w:{tag}>"
        )
    };
    let style = |id: &str, size: u32, bold: &str| {
        format!(
            "<w:style w:type=\"paragraph\" w:styleId=\"{id}\"><w:name w:val=\"{id}\"/><w:rPr>{bold}<w:sz w:val=\"{size}\"/></w:rPr></w:style>"
        )
    };
    let styles = format!(
        "{HEAD}<w:styles {W}>{}{}{}{}</w:styles>",
        style("Normal", 21, ""),
        style("Title", 34, "<w:b/>"),
        style("Heading1", 26, "<w:b/>"),
        style("Marking", 32, "<w:b/>")
    );
    let ct = "application/vnd.openxmlformats-officedocument.wordprocessingml";
    pack(
        &[
            (
                "[Content_Types].xml",
                format!(
                    "{HEAD}<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/>{png}<Override PartName=\"/word/document.xml\" ContentType=\"{ct}.document.main+xml\"/><Override PartName=\"/word/styles.xml\" ContentType=\"{ct}.styles+xml\"/><Override PartName=\"/word/header1.xml\" ContentType=\"{ct}.header+xml\"/><Override PartName=\"/word/footer1.xml\" ContentType=\"{ct}.footer+xml\"/><Override PartName=\"/docProps/core.xml\" ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/></Types>"
                ),
            ),
            (
                "_rels/.rels",
                format!(
                    "{HEAD}<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"{REL}/officeDocument\" Target=\"word/document.xml\"/><Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties\" Target=\"docProps/core.xml\"/></Relationships>"
                ),
            ),
            ("docProps/core.xml", core(doc)),
            ("word/document.xml", document),
            (
                "word/_rels/document.xml.rels",
                format!(
                    "{HEAD}<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"{REL}/styles\" Target=\"styles.xml\"/><Relationship Id=\"rId2\" Type=\"{REL}/header\" Target=\"header1.xml\"/><Relationship Id=\"rId3\" Type=\"{REL}/footer\" Target=\"footer1.xml\"/>{image}</Relationships>"
                ),
            ),
            ("word/styles.xml", styles),
            ("word/header1.xml", edge("hdr")),
            ("word/footer1.xml", edge("ftr")),
        ],
        &media,
        false,
    )
}

/// `docProps/core.xml`, the same in DOCX and XLSX.
pub(super) fn core(doc: &Document) -> String {
    format!(
        "{HEAD}<cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:dcterms=\"http://purl.org/dc/terms/\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><dc:title>{}</dc:title><dc:creator>{}</dc:creator><dcterms:created xsi:type=\"dcterms:W3CDTF\">{}</dcterms:created></cp:coreProperties>",
        esc(&doc.title),
        esc(&doc.author),
        doc.stamp
    )
}

const ODF: &str = "xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" xmlns:style=\"urn:oasis:names:tc:opendocument:xmlns:style:1.0\" xmlns:fo=\"urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0\" xmlns:meta=\"urn:oasis:names:tc:opendocument:xmlns:meta:1.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" office:version=\"1.3\"";
const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Writes an ODT.
pub(super) fn odt(doc: &Document) -> Vec<u8> {
    let mut body = String::new();
    let p = |body: &mut String, style: &str, text: &str| {
        let _ = write!(
            body,
            "<text:p text:style-name=\"{style}\">{}</text:p>",
            esc(text)
        );
    };
    if doc.restricted {
        p(&mut body, "Marking", MARKING);
    }
    p(&mut body, "Standard", MINISTRY);
    let _ = write!(
        body,
        "<text:h text:outline-level=\"1\">{}</text:h>",
        esc(&doc.title)
    );
    p(
        &mut body,
        "Standard",
        &format!("{} - {} - {}", doc.reference, doc.author, doc.day),
    );
    for (i, block) in doc.blocks.iter().enumerate() {
        match block {
            Block::Heading(t) => {
                let _ = write!(body, "<text:h text:outline-level=\"2\">{}</text:h>", esc(t));
            }
            Block::Para(t) => p(&mut body, "Standard", t),
            Block::Bullets(items) => {
                body.push_str("<text:list>");
                for t in items {
                    body.push_str("<text:list-item>");
                    p(&mut body, "Standard", t);
                    body.push_str("</text:list-item>");
                }
                body.push_str("</text:list>");
            }
            Block::Table(rows) => {
                let columns = rows.first().map_or(1, Vec::len).max(1);
                let _ = write!(
                    body,
                    "<table:table table:name=\"T{i}\"><table:table-column table:number-columns-repeated=\"{columns}\"/>"
                );
                for row in rows {
                    body.push_str("<table:table-row>");
                    for cell in row {
                        body.push_str("<table:table-cell office:value-type=\"string\">");
                        p(&mut body, "Standard", cell);
                        body.push_str("</table:table-cell>");
                    }
                    body.push_str("</table:table-row>");
                }
                body.push_str("</table:table>");
            }
        }
    }
    let mark = if doc.restricted { MARKING } else { "" };
    let lang = if doc.language == Language::Fr {
        "fr"
    } else {
        "en"
    };
    pack(
        &[
            ("mimetype", ODT.into()),
            (
                "META-INF/manifest.xml",
                format!(
                    "{XML}<manifest:manifest xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\" manifest:version=\"1.3\"><manifest:file-entry manifest:full-path=\"/\" manifest:media-type=\"{ODT}\"/><manifest:file-entry manifest:full-path=\"content.xml\" manifest:media-type=\"text/xml\"/><manifest:file-entry manifest:full-path=\"styles.xml\" manifest:media-type=\"text/xml\"/><manifest:file-entry manifest:full-path=\"meta.xml\" manifest:media-type=\"text/xml\"/></manifest:manifest>"
                ),
            ),
            (
                "content.xml",
                format!(
                    "{XML}<office:document-content {ODF}><office:body><office:text>{body}</office:text></office:body></office:document-content>"
                ),
            ),
            (
                "styles.xml",
                format!(
                    "{XML}<office:document-styles {ODF}><office:styles><style:style style:name=\"Standard\" style:family=\"paragraph\"/><style:style style:name=\"Marking\" style:family=\"paragraph\"><style:text-properties fo:font-weight=\"bold\" fo:font-size=\"16pt\" fo:language=\"{lang}\"/></style:style></office:styles><office:automatic-styles><style:page-layout style:name=\"pm1\"><style:page-layout-properties fo:page-width=\"21cm\" fo:page-height=\"29.7cm\"/></style:page-layout></office:automatic-styles><office:master-styles><style:master-page style:name=\"Standard\" style:page-layout-name=\"pm1\"><style:header><text:p text:style-name=\"Marking\">{mark}</text:p></style:header><style:footer><text:p text:style-name=\"Marking\">{mark}</text:p></style:footer></style:master-page></office:master-styles></office:document-styles>"
                ),
            ),
            (
                "meta.xml",
                format!(
                    "{XML}<office:document-meta {ODF}><office:meta><dc:title>{}</dc:title><meta:initial-creator>{}</meta:initial-creator><dc:date>{}</dc:date></office:meta></office:document-meta>",
                    esc(&doc.title),
                    esc(&doc.author),
                    doc.stamp
                ),
            ),
        ],
        &[],
        true,
    )
}
