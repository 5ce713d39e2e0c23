//! What the attached files are, by name, by first octets, and by what they hold: archives are
//! opened, documents looked into, files within them judged as the file itself would be.
//!
//! [`inspect`] is for any file; what each kind holds is read in [`super::archive`],
//! [`super::office`], [`super::scripted`] and `content`.

use super::{Facts, archive, office, scripted};

/// Extensions that run when opened.
pub(super) const PROGRAMS: &[&str] = &[
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
pub(super) const DOCUMENTS: &[&str] = &[
    "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "rtf", "txt", "csv",
    "jpg", "jpeg", "png", "gif", "zip", "mp3", "mp4", "html", "htm",
];
/// Disk images, which carry files past the mark of the web.
pub(super) const IMAGES: &[&str] = &["iso", "img", "vhd", "vhdx", "dmg", "udf"];

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
pub(super) fn is_program(content: &[u8]) -> bool {
    content.starts_with(b"\x7fELF")
        || content.starts_with(b"L\0\0\0\x01\x14\x02\0")
        || (content.starts_with(b"MZ") && content.len() > 64)
        || content.starts_with(&[0xcf, 0xfa, 0xed, 0xfe])
}

/// How much may still be opened, over all files within files of one message part.
pub(super) struct Budget {
    /// Octets that may still be inflated or decoded.
    pub(super) octets: u64,
    /// Files within files within files.
    pub(super) depth: usize,
}

/// States the facts of an attachment.
pub(crate) fn facts(file: &File<'_>, part: &str, out: &mut Facts) {
    let mut budget = Budget {
        octets: 16 << 20,
        depth: 0,
    };
    inspect(file, &mut budget, part, out);
}

/// States the facts of a file, attached or within one that is.
pub(super) fn inspect(file: &File<'_>, budget: &mut Budget, part: &str, out: &mut Facts) {
    let ext = extension(file.name);
    named(file, &ext, budget.depth > 0, part, out);
    if is_image(file, &ext) {
        out.add("attachment.disk_image", file.name, part);
    }
    let content = file.content;
    if content.starts_with(b"PK\x03\x04") && file.whole {
        archive::zip(file, budget, part, out);
    } else if content.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) {
        if file.whole {
            office::compound(file, budget, part, out);
        }
    } else if content.starts_with(b"{\\rt") {
        office::rich_text(file, budget, part, out);
    } else if content.starts_with(&scripted::ONENOTE) {
        scripted::onenote(file, budget, part, out);
    } else {
        archive::other(file, &ext, part, out);
    }
    let markup = matches!(
        file.media_type,
        "text/html" | "application/xhtml+xml" | "image/svg+xml"
    ) || matches!(
        ext.as_str(),
        "html" | "htm" | "shtml" | "xhtml" | "xht" | "svg" | "mht" | "mhtml"
    );
    if markup {
        scripted::page(file, &ext, part, out);
    }
}

/// What the name says, and what it hides.
fn named(file: &File<'_>, ext: &str, inner: bool, part: &str, out: &mut Facts) {
    let name = file.name;
    // The last component only: folders of an archive may be called anything.
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    if name.contains(['\u{202e}', '\u{2067}', '\u{202d}']) {
        out.add("attachment.reversed_name", name, part);
    }
    if padded(base) {
        out.add("attachment.padded_name", name, part);
    }
    if PROGRAMS.contains(&ext) {
        let fact = if inner {
            "attachment.archive_program"
        } else {
            "attachment.program"
        };
        out.add(fact, name, part);
        let stem = base
            .trim_end_matches(['.', ' '])
            .rsplit_once('.')
            .map_or("", |x| x.0);
        if DOCUMENTS.contains(&extension(stem).as_str()) {
            out.add("attachment.double_extension", name, part);
        }
    } else if is_program(file.content) {
        out.add("attachment.program_disguised", name, part);
    }
}

/// A run of blanks before the extension, which pushes it out of sight.
fn padded(base: &str) -> bool {
    let Some((stem, _)) = base.rsplit_once('.') else {
        return false;
    };
    let blank = |c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{2800}' | '\u{3164}');
    let mut run = 0;
    stem.chars().any(|c| {
        run = if blank(c) { run + 1 } else { 0 };
        run >= 10
    })
}

/// A disk image by extension or by its marks: ISO 9660 and UDF volume descriptors at 32 KiB, VHD
/// (footer and copy of it), VHDX, Apple's trailer, Windows' WIM.
fn is_image(file: &File<'_>, ext: &str) -> bool {
    let content = file.content;
    let at = |offset: usize, mark: &[u8]| {
        content
            .get(offset..)
            .is_some_and(|rest| rest.starts_with(mark))
    };
    IMAGES.contains(&ext)
        || at(0x8001, b"CD001")
        || at(0x8001, b"BEA01")
        || at(0, b"conectix")
        || at(0, b"vhdxfile")
        || at(0, b"MSWIM\0\0\0")
        || (file.whole && at(content.len().saturating_sub(512), b"koly"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn found(name: &str, media_type: &str, content: &[u8]) -> Vec<crate::Fact> {
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
        out.finish()
    }

    pub(crate) fn names(name: &str, media_type: &str, content: &[u8]) -> Vec<String> {
        let mut names: Vec<_> = found(name, media_type, content)
            .into_iter()
            .map(|f| f.name)
            .collect();
        names.dedup();
        names
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
            names("facture                    .pdf", "", b""),
            ["attachment.padded_name"]
        );
        assert_eq!(
            names("gpj.\u{202e}exe", "", b""),
            ["attachment.reversed_name"]
        );
        let mut iso = vec![0; 0x8001];
        iso.extend(b"CD001\x01");
        assert_eq!(names("photo.jpg", "", &iso), ["attachment.disk_image"]);
        assert_eq!(
            names("a.svg", "image/svg+xml", b"<svg onload=x()>"),
            ["attachment.svg_active"]
        );
        for (name, kind, content) in [
            ("a.svg", "image/svg+xml", &b"<svg><path d=''/></svg>"[..]),
            ("n.pdf", "application/pdf", b"%PDF-1.4"),
            ("Compte rendu du 3 mai.docx", "", b""),
        ] {
            assert_eq!(names(name, kind, content), [""; 0], "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_file(name in "\\PC{0,40}", content in proptest::collection::vec(proptest::num::u8::ANY, 0..600), magic in 0usize..8) {
            let magics: [&[u8]; 8] = [b"", b"PK\x03\x04", b"{\\rtf", b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c",
                &scripted::ONENOTE, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"<script>"];
            found(&name, "text/html", &[magics[magic], &content].concat());
        }
    }
}
