//! Archives: recognised by content, opened one file per form. To add a form: a variant of
//! [`Form`], its signature in [`form`], and a file beside `tar.rs` whose `open` lists members
//! through [`Worker::member`](crate::worker::Worker::member).

pub(crate) mod local;
pub(crate) mod tar;
pub(crate) mod zip;

use crate::decode::Codec;

/// How an archive is built.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Tar,
    Zip,
    Single(Codec),
}

/// The form, if the bytes are an archive's. Office documents, Java archives and e-books are zips
/// by build but documents by nature: they stay one artefact.
pub(crate) fn form(path: &str, head: &[u8], len: u64) -> Option<Form> {
    if let Some(codec) = Codec::recognise(path, head) {
        return Some(Form::Single(codec));
    }
    if head.starts_with(b"PK\x03\x04") {
        return (!is_document(head)).then_some(Form::Zip);
    }
    // An empty zip is its end record only; a spanned one starts with a marker.
    if (head.starts_with(b"PK\x05\x06") && len <= 22 + 65_535) || head.starts_with(b"PK\x07\x08PK")
    {
        return Some(Form::Zip);
    }
    is_tar(head).then_some(Form::Tar)
}

/// Judged by the first member's name (OPC, ODF, EPUB and JAR all fix it or nearly so).
fn is_document(head: &[u8]) -> bool {
    let Some(&[a, b]) = head.get(26..28) else {
        return false;
    };
    let name = head
        .get(30..30 + usize::from(u16::from_le_bytes([a, b])))
        .unwrap_or(&[]);
    [
        &b"[Content_Types].xml"[..],
        b"_rels/",
        b"mimetype",
        b"META-INF/",
        b"docProps/",
        b"word/",
        b"xl/",
        b"ppt/",
        b"AndroidManifest.xml",
    ]
    .iter()
    .any(|p| name.starts_with(p))
}

/// A tar header: the checksum holds (POSIX.1-2017 ustar; also the magic-less v7 form).
pub(crate) fn is_tar(head: &[u8]) -> bool {
    let Some(block) = head.get(..512) else {
        return false;
    };
    let Some(stated) = block.get(148..156) else {
        return false;
    };
    if block.iter().all(|b| *b == 0) {
        return false;
    }
    let digits: Vec<u8> = stated
        .iter()
        .copied()
        .skip_while(|b| *b == b' ')
        .take_while(u8::is_ascii_digit)
        .collect();
    let Some(stated) = std::str::from_utf8(&digits)
        .ok()
        .filter(|d| !d.is_empty())
        .and_then(|d| u32::from_str_radix(d, 8).ok())
    else {
        return false;
    };
    let sum: u32 = block
        .iter()
        .enumerate()
        .map(|(i, b)| {
            if (148..156).contains(&i) {
                32
            } else {
                u32::from(*b)
            }
        })
        .sum();
    sum == stated
}

/// Names of archive forms that are recognised but not opened.
pub(crate) fn unopened(head: &[u8]) -> Option<&'static str> {
    const FORMS: &[(&[u8], &str)] = &[
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"Rar!\x1a\x07", "RAR"),
        (b"\x04\x22\x4d\x18", "LZ4"),
        (b"LZIP\x01", "lzip"),
        (b"\x1f\x9d", "compress (.Z)"),
        (b"070701", "cpio"),
        (b"070707", "cpio"),
        (b"\x89LZO\0\x0d\x0a", "lzop"),
        (b"!<arch>\n", "ar"),
        (b"QFI\xfb", "QCOW2 disk image"),
        (b"KDMV", "VMDK disk image"),
        (b"EVF\x09\x0d\x0a\xff\0", "EnCase disk image"),
    ];
    FORMS
        .iter()
        .find(|(magic, _)| head.starts_with(magic))
        .map(|(_, name)| *name)
}
