//! Archives: what needs a password, what is inside, and archives within archives.

use std::io::{Cursor, Read};

use super::attachment::{self, Budget, File, IMAGES, PROGRAMS, extension};
use super::{Facts, office};

/// Most members looked at.
const MAX_MEMBERS: usize = 5_000;
/// Deepest archive within an archive that is opened.
const MAX_DEPTH: usize = 3;
/// Octets of one member that is opened.
const MAX_MEMBER: u64 = 8 << 20;

/// Formats that mail programs do not pack and filters often do not open.
const RARE: &[&str] = &[
    "ace", "arj", "cab", "lha", "lzh", "r00", "uue", "xxe", "wim", "z", "zpaq",
];

/// A zip archive, office documents among them.
pub(super) fn zip(file: &File<'_>, budget: &mut Budget, part: &str, out: &mut Facts) {
    let Ok(mut zip) = zip::ZipArchive::new(Cursor::new(file.content)) else {
        return;
    };
    let mut members = Vec::new();
    let mut encrypted = false;
    for i in 0..zip.len().min(MAX_MEMBERS) {
        let Ok(member) = zip.by_index_raw(i) else {
            continue;
        };
        encrypted |= member.encrypted();
        if let Ok(name) = member.name() {
            members.push((i, name.into_owned(), member.encrypted()));
        }
    }
    if encrypted {
        out.add("attachment.archive_encrypted", file.name, part);
    }
    let mut read = |index: usize, budget: &mut Budget| {
        let room = MAX_MEMBER.min(budget.octets);
        let mut bytes = Vec::new();
        if let Ok(member) = zip.by_index(index) {
            let _ = member.take(room).read_to_end(&mut bytes);
        }
        budget.octets -= (bytes.len() as u64).min(budget.octets);
        let whole = (bytes.len() as u64) < room;
        (bytes, whole)
    };
    if office::is_office(members.iter().map(|m| m.1.as_str())) {
        return office::package(file, &members, &mut read, budget, part, out);
    }
    // Classes and scripts of a Java archive are its own business; the archive itself is a program.
    if matches!(extension(file.name).as_str(), "jar" | "war" | "xpi" | "crx") {
        return;
    }
    let files: Vec<_> = members.iter().filter(|m| !m.1.ends_with('/')).collect();
    if let [(_, only, _)] = files.as_slice()
        && is_carrier(&extension(only))
    {
        let value = format!("{}: {only}", file.name);
        out.add("attachment.archive_single", &value, part);
    }
    for (index, name, encrypted) in &members {
        let ext = extension(name);
        let shown = format!("{}: {name}", file.name);
        let nested = matches!(ext.as_str(), "zip" | "rar" | "7z" | "gz" | "tar" | "cab");
        if nested {
            out.add("attachment.archive_nested", &shown, part);
        }
        let mut content = (Vec::new(), false);
        if !encrypted && budget.depth + 1 < MAX_DEPTH && worth_opening(&ext) {
            content = read(*index, budget);
        }
        let inner = File {
            name: &shown,
            media_type: "",
            content: &content.0,
            whole: content.1,
        };
        budget.depth += 1;
        attachment::inspect(&inner, budget, part, out);
        budget.depth -= 1;
    }
}

/// What is sent alone in an archive only to get past a filter.
fn is_carrier(ext: &str) -> bool {
    PROGRAMS.contains(&ext)
        || IMAGES.contains(&ext)
        || matches!(ext, "html" | "htm" | "shtml" | "svg" | "zip" | "rar" | "7z")
}

/// Members whose content says more than their name.
fn worth_opening(ext: &str) -> bool {
    !matches!(
        ext,
        "jpg"
            | "jpeg"
            | "png"
            | "gif"
            | "mp3"
            | "mp4"
            | "mov"
            | "avi"
            | "ttf"
            | "woff"
            | "css"
            | "txt"
            | "csv"
            | "xml"
            | "json"
            | "c"
            | "h"
            | "py"
            | "java"
            | "md"
            | ""
    )
}

/// Archives that are not opened: whether they need a password, and rare ones.
pub(super) fn other(file: &File<'_>, ext: &str, part: &str, out: &mut Facts) {
    let content = file.content;
    if content.starts_with(b"Rar!\x1a\x07") && rar_encrypted(content)
        || file.whole && content.starts_with(b"7z\xbc\xaf\x27\x1c") && seven_encrypted(content)
    {
        out.add("attachment.archive_encrypted", file.name, part);
    }
    let magic = content.starts_with(b"MSCF\0\0\0\0")
        || content.get(7..14) == Some(b"**ACE**")
        || (content.starts_with(&[0x60, 0xea]) && ext == "arj");
    if magic || RARE.contains(&ext) {
        out.add("attachment.archive_rare", file.name, part);
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

/// 7z: the header at the end names its coders; AES is 06 F1 07 01.
fn seven_encrypted(content: &[u8]) -> bool {
    let number = |at: usize| {
        let bytes: [u8; 8] = content.get(at..at + 8)?.try_into().ok()?;
        usize::try_from(u64::from_le_bytes(bytes)).ok()
    };
    let (Some(offset), Some(size)) = (number(12), number(20)) else {
        return false;
    };
    let start = offset.saturating_add(32);
    let header = content.get(start..start.saturating_add(size.min(1 << 20)));
    header.is_some_and(|h| memchr::memmem::find(h, &[0x06, 0xf1, 0x07, 0x01]).is_some())
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use super::super::attachment::tests::names;
    use super::*;

    pub(crate) fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in members {
            zip.start_file(*name, zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn members_are_judged_as_files() {
        let lnk = zip_of(&[("facture.pdf.lnk", b"x")]);
        assert_eq!(
            names("f.zip", "", &lnk),
            [
                "attachment.archive_program",
                "attachment.archive_single",
                "attachment.double_extension"
            ]
        );
        let page = zip_of(&[
            ("a.txt", b"x"),
            ("b/page.htm", b"<form><input type=password>"),
        ]);
        assert_eq!(names("f.zip", "", &page), ["attachment.html_form"]);
        let nested = zip_of(&[("inner.zip", &lnk), ("lisez-moi.txt", b"x")]);
        let got = names("f.zip", "", &nested);
        assert!(got.contains(&"attachment.archive_nested".into()));
        assert!(
            got.contains(&"attachment.archive_program".into()),
            "{got:?}"
        );
        let disguised = zip_of(&[
            ("rapport.pdf", &[b"MZ".as_slice(), &[0; 99]].concat()),
            ("b.txt", b""),
        ]);
        assert_eq!(
            names("f.zip", "", &disguised),
            ["attachment.program_disguised"]
        );
        let honest = zip_of(&[
            ("a/note.txt", b"x"),
            ("a/photo.jpg", b"x"),
            ("plan.pdf", b"%PDF-1.4"),
        ]);
        assert_eq!(names("f.zip", "", &honest), [""; 0]);
    }

    #[test]
    fn passwords() {
        let mut zip = zip_of(&[("note.txt", b"x"), ("b.txt", b"y")]);
        // Bit 0 of the flags, in the local and the central header.
        zip[6] |= 1;
        let central = memchr::memmem::find(&zip, b"PK\x01\x02").unwrap();
        zip[central + 8] |= 1;
        assert_eq!(names("f.zip", "", &zip), ["attachment.archive_encrypted"]);
        assert_eq!(
            names("f.cab", "", b"MSCF\0\0\0\0"),
            ["attachment.archive_rare"]
        );
        let mut seven = b"7z\xbc\xaf\x27\x1c\0\x04\0\0\0\0".to_vec();
        seven.extend(0u64.to_le_bytes());
        seven.extend(8u64.to_le_bytes());
        seven.extend([0; 4]);
        seven.extend(b"\x17\x06\xf1\x07\x01\0\0\0");
        assert_eq!(names("f.7z", "", &seven), ["attachment.archive_encrypted"]);
    }
}
