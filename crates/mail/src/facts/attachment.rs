//! What the attached files are, by name and by first octets.

use std::io::Cursor;

use super::Facts;

/// Extensions that run when opened.
const PROGRAMS: &[&str] = &[
    "exe",
    "scr",
    "pif",
    "com",
    "bat",
    "cmd",
    "cpl",
    "msi",
    "msp",
    "dll",
    "js",
    "jse",
    "vbs",
    "vbe",
    "wsf",
    "wsh",
    "wsc",
    "sct",
    "hta",
    "ps1",
    "psm1",
    "jar",
    "lnk",
    "reg",
    "gadget",
    "application",
    "appref-ms",
    "chm",
    "msc",
    "xll",
    "ppam",
    "scf",
    "url",
    "desktop",
    "one",
    "inf",
];
/// Extensions a reader takes for a document.
const DOCUMENTS: &[&str] = &[
    "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "rtf", "txt", "csv",
    "jpg", "jpeg", "png", "gif", "zip", "mp3", "mp4", "html", "htm",
];
/// Disk images, which carry files past the mark of the web.
const IMAGES: &[&str] = &["iso", "img", "vhd", "vhdx", "dmg", "udf"];

/// A file attached to a message.
pub(crate) struct File<'a> {
    pub(crate) name: &'a str,
    pub(crate) media_type: &'a str,
    /// The first octets, or all of them when the file was kept.
    pub(crate) content: &'a [u8],
    /// Whether `content` is the whole file.
    pub(crate) whole: bool,
}

/// The last extension, lower case.
pub(crate) fn extension(name: &str) -> String {
    // A trailing dot or blank is dropped when Windows saves the file.
    let name = name.trim_end_matches(['.', ' ', '\t']);
    name.rsplit_once('.')
        .map_or(String::new(), |(_, e)| e.trim().to_lowercase())
}

/// Whether the first octets are those of a program.
fn is_program(content: &[u8]) -> bool {
    content.starts_with(b"\x7fELF")
        || content.starts_with(b"L\0\0\0\x01\x14\x02\0")
        || (content.starts_with(b"MZ") && content.len() > 64)
        || content.starts_with(&[0xcf, 0xfa, 0xed, 0xfe])
}

/// States the facts of an attachment.
pub(crate) fn facts(file: &File<'_>, part: &str, out: &mut Facts) {
    let name = file.name;
    let ext = extension(name);
    if name.contains('\u{202e}') {
        out.add("attachment.reversed_name", name, part);
    }
    if PROGRAMS.contains(&ext.as_str()) {
        out.add("attachment.program", name, part);
        let stem = name
            .trim_end_matches(['.', ' '])
            .rsplit_once('.')
            .map_or("", |x| x.0);
        if DOCUMENTS.contains(&extension(stem).as_str()) {
            out.add("attachment.double_extension", name, part);
        }
    } else if is_program(file.content) {
        out.add("attachment.program_disguised", name, part);
    }
    if IMAGES.contains(&ext.as_str()) {
        out.add("attachment.disk_image", name, part);
    }
    if file.content.starts_with(b"PK\x03\x04") && file.whole {
        archive(file, part, out);
    } else if file.content.starts_with(b"Rar!\x1a\x07") && rar_encrypted(file.content) {
        out.add("attachment.archive_encrypted", name, part);
    } else if file
        .content
        .starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1])
    {
        ole(file, part, out);
    }
    let markup = matches!(
        file.media_type,
        "text/html" | "application/xhtml+xml" | "image/svg+xml"
    ) || matches!(
        ext.as_str(),
        "html" | "htm" | "shtml" | "xhtml" | "svg" | "mht" | "mhtml"
    );
    if markup {
        let text = String::from_utf8_lossy(file.content);
        let dom = crate::html::dom::Dom::parse(&text);
        let svg = file.media_type == "image/svg+xml" || ext == "svg";
        let active = super::html::active_in(&dom, 1, true).is_some();
        let foreign = svg && dom.elements().any(|(_, e)| &*e.name == "foreignObject");
        if svg && (active || foreign) {
            out.add("attachment.svg_active", name, part);
        } else if active {
            out.add("attachment.html_active", name, part);
        }
        let password = dom.elements().any(|(_, e)| {
            &*e.name == "input"
                && e.attribute("type")
                    .is_some_and(|t| t.trim().eq_ignore_ascii_case("password"))
        });
        if password {
            out.add("attachment.html_form", name, part);
        }
    }
}

fn archive(file: &File<'_>, part: &str, out: &mut Facts) {
    let Ok(mut zip) = zip::ZipArchive::new(Cursor::new(file.content)) else {
        return;
    };
    for i in 0..zip.len().min(5_000) {
        let Ok(member) = zip.by_index_raw(i) else {
            continue;
        };
        let Ok(name) = member.name().map(|n| n.into_owned()) else {
            continue;
        };
        if member.encrypted() {
            out.add("attachment.archive_encrypted", file.name, part);
        }
        let ext = extension(&name);
        // Scripts of a web page or a jar's own classes are not programs to the reader.
        let office = matches!(
            extension(file.name).as_str(),
            "docx" | "xlsx" | "pptx" | "odt" | "ods" | "odp" | "jar"
        );
        if PROGRAMS.contains(&ext.as_str()) && !office {
            out.add(
                "attachment.archive_program",
                &format!("{}: {name}", file.name),
                part,
            );
        }
        if IMAGES.contains(&ext.as_str()) {
            out.add(
                "attachment.disk_image",
                &format!("{}: {name}", file.name),
                part,
            );
        }
        let lower = name.to_lowercase();
        if lower.ends_with("vbaproject.bin")
            || lower.starts_with("basic/")
            || lower.contains("/macrosheets/")
            || lower.ends_with("xl/macrosheets")
        {
            out.add("attachment.macro", file.name, part);
        }
    }
}

/// RAR 5 with an encryption header, or RAR 4 with the archive password flag.
fn rar_encrypted(content: &[u8]) -> bool {
    match content.get(6) {
        Some(0) => content.get(10).is_some_and(|flags| flags & 0x80 != 0),
        // RAR 5: after the signature: CRC32, header size, then type 4 = encryption header.
        Some(1) => content.get(13) == Some(&4),
        _ => false,
    }
}

/// Compound files: a VBA storage has this name in its directory, UTF-16.
fn ole(file: &File<'_>, part: &str, out: &mut Facts) {
    let wide = |s: &str| s.bytes().flat_map(|b| [b, 0]).collect::<Vec<u8>>();
    let has = |s: &str| memchr::memmem::find(file.content, &wide(s)).is_some();
    if has("_VBA_PROJECT") || has("Macros") && has("VBA") {
        out.add("attachment.macro", file.name, part);
    }
    if has("EncryptedPackage") {
        out.add("attachment.archive_encrypted", file.name, part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(name: &str, media_type: &str, content: &[u8]) -> Vec<String> {
        let mut out = Facts::new(100);
        facts(
            &File {
                name,
                media_type,
                content,
                whole: true,
            },
            "2",
            &mut out,
        );
        out.finish().into_iter().map(|f| f.name).collect()
    }

    #[test]
    fn files_by_name_and_content() {
        let exe = [b"MZ".as_slice(), &[0; 100]].concat();
        assert_eq!(
            names("facture.pdf.exe", "", &exe),
            ["attachment.double_extension", "attachment.program"]
        );
        assert_eq!(
            names("facture.pdf", "", &exe),
            ["attachment.program_disguised"]
        );
        assert_eq!(
            names("a.svg", "image/svg+xml", b"<svg onload=x()>"),
            ["attachment.svg_active"]
        );
        assert_eq!(
            names("a.svg", "image/svg+xml", b"<svg><path d=''/></svg>"),
            Vec::<String>::new()
        );
        assert_eq!(
            names("n.pdf", "application/pdf", b"%PDF-1.4"),
            Vec::<String>::new()
        );
    }
}
