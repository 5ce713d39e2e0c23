//! Compound files (MS-CFB): old office documents, macro projects, Outlook messages, installers.
//!
//! Read with the crate `cfb`; what stands in the streams is read here.

use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::vba;

/// Most entries looked at.
const MAX_ENTRIES: usize = 5_000;
/// Octets read of one stream.
const MAX_STREAM: u64 = 8 << 20;
/// Octets read of all streams.
const MAX_TOTAL: u64 = 32 << 20;

/// What a compound file holds that matters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ole {
    /// VBA is there.
    pub(crate) macros: bool,
    /// Procedures that run by themselves.
    pub(crate) automatic: Vec<&'static str>,
    /// Calls out of the document.
    pub(crate) calls: Vec<&'static str>,
    /// An equation of the editor removed in 2018 (CVE-2017-11882).
    pub(crate) equation: bool,
    /// Such an equation with a font name longer than the editor's buffer.
    pub(crate) equation_overflow: bool,
    /// Excel 4 macro sheets: `visible` or `hidden`.
    pub(crate) macro_sheets: Vec<&'static str>,
    /// The document needs a password.
    pub(crate) encrypted: bool,
    /// Files within: packages of the Object Packager, attachments of an Outlook message.
    pub(crate) files: Vec<(String, Vec<u8>)>,
}

/// Reads a compound file. Never fails; an unreadable one holds nothing.
pub(crate) fn read(content: &[u8]) -> Ole {
    let mut out = Ole::default();
    // The reader is not ours and its input is hostile: a panic in it costs this file, no more.
    let _ = catch_unwind(AssertUnwindSafe(|| walk(content, &mut out)));
    out.automatic.sort_unstable();
    out.automatic.dedup();
    out.calls.sort_unstable();
    out.calls.dedup();
    out
}

fn walk(content: &[u8], out: &mut Ole) {
    let Ok(mut file) = cfb::CompoundFile::open(Cursor::new(content)) else {
        return;
    };
    let entries: Vec<_> = file
        .walk()
        .take(MAX_ENTRIES)
        .map(|e| {
            (
                e.path().to_path_buf(),
                e.name().to_owned(),
                e.is_stream(),
                *e.clsid(),
            )
        })
        .collect();
    let mut left = MAX_TOTAL;
    let mut get = |path: &std::path::Path| {
        let mut bytes = Vec::new();
        if let Ok(stream) = file.open_stream(path) {
            let room = MAX_STREAM.min(left);
            let _ = stream.take(room).read_to_end(&mut bytes);
            left -= (bytes.len() as u64).min(left);
        }
        bytes
    };
    for (path, name, is_stream, clsid) in &entries {
        // Equation.3: {0002CE02-0000-0000-C000-000000000046}
        if clsid.as_u128() == 0x0002_ce02_0000_0000_c000_0000_0000_0046 {
            out.equation = true;
        }
        if !is_stream {
            continue;
        }
        match name.as_str() {
            "dir" if path.parent().is_some_and(|p| p.ends_with("VBA")) => {
                out.macros = true;
                let dir = vba::decompress(&get(path));
                for (module, offset) in vba::modules(&dir) {
                    let Some(folder) = path.parent() else {
                        continue;
                    };
                    let stream = get(&folder.join(&module));
                    let source = vba::decompress(stream.get(offset..).unwrap_or_default());
                    let (automatic, calls) = vba::judge(&String::from_utf8_lossy(&source));
                    out.automatic.extend(automatic);
                    out.calls.extend(calls);
                }
            }
            "_VBA_PROJECT" => out.macros = true,
            "EncryptedPackage" => out.encrypted = true,
            "Equation Native" => {
                out.equation = true;
                out.equation_overflow |= long_font_name(&get(path));
            }
            "\u{1}Ole10Native" => out.files.extend(package(&get(path))),
            "Workbook" | "Book" => workbook(&get(path), out),
            "WordDocument" => {
                // FIB flag fEncrypted, MS-DOC 2.5.2.
                let fib = get(path);
                out.encrypted |= fib.get(11).is_some_and(|b| b & 1 != 0);
            }
            // PidTagAttachDataBinary, MS-OXMSG 2.2.2 and MS-OXPROPS.
            "__substg1.0_37010102" => {
                let Some(folder) = path.parent() else {
                    continue;
                };
                let text = get(&folder.join("__substg1.0_3707001F"));
                let wide: Vec<u16> = text
                    .chunks_exact(2)
                    .map(|c| u16::from_le_bytes([c[0], c[1]]))
                    .collect();
                let name = String::from_utf16_lossy(&wide);
                out.files
                    .push((name.trim_end_matches('\0').to_owned(), get(path)));
            }
            _ => {}
        }
    }
}

/// Whether an equation (MTEF after a header of 28 octets) names a font longer than the 36 octets
/// that the editor had room for: a FONT record is tag 8, typeface, style, name, NUL.
fn long_font_name(native: &[u8]) -> bool {
    let body = native.get(28 + 5..).unwrap_or_default();
    body.iter()
        .take(64)
        .enumerate()
        .filter(|(_, tag)| **tag == 8)
        .any(|(i, _)| {
            let name = body.get(i + 3..).unwrap_or_default();
            name.len() > 40 && memchr::memchr(0, &name[..40]).is_none()
        })
}

/// The file in an Object Packager stream: size, flags, label, name, path, data.
fn package(data: &[u8]) -> Option<(String, Vec<u8>)> {
    let mut at = 6;
    let mut text = || {
        let rest = data.get(at..)?;
        let end = memchr::memchr(0, rest)?;
        at += end + 1;
        Some(String::from_utf8_lossy(&rest[..end]).into_owned())
    };
    let label = text()?;
    let _name = text()?;
    at += 8;
    let mut text = || {
        let rest = data.get(at..)?;
        let end = memchr::memchr(0, rest)?;
        at += end + 1;
        Some(String::from_utf8_lossy(&rest[..end]).into_owned())
    };
    let _path = text()?;
    let size = data.get(at..at + 4)?;
    let size = u32::from_le_bytes([size[0], size[1], size[2], size[3]]) as usize;
    let start = at + 4;
    let end = start.saturating_add(size).min(data.len());
    Some((label, data.get(start..end)?.to_vec()))
}

/// Records of a workbook's globals (MS-XLS 2.4): sheets that are Excel 4 macros, encryption.
fn workbook(stream: &[u8], out: &mut Ole) {
    let mut at = 0usize;
    for _ in 0..20_000 {
        let Some(&[a, b, c, d]) = stream.get(at..at + 4) else {
            break;
        };
        let (id, size) = (
            u16::from_le_bytes([a, b]),
            usize::from(u16::from_le_bytes([c, d])),
        );
        let value = stream.get(at + 4..at + 4 + size).unwrap_or_default();
        match id {
            // BoundSheet8: position, visibility, kind (1: macro sheet).
            0x0085 if value.get(5) == Some(&1) => {
                let hidden = value.get(4).is_some_and(|v| v & 3 != 0);
                out.macro_sheets
                    .push(if hidden { "hidden" } else { "visible" });
            }
            0x002f => out.encrypted = true,
            // End of the globals; the sheets follow.
            0x000a => break,
            _ => {}
        }
        at += 4 + size;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use super::*;

    /// A compound file of such streams.
    pub(crate) fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
        let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        for (path, bytes) in streams {
            if let Some(folder) = std::path::Path::new(path).parent() {
                file.create_storage_all(folder).unwrap();
            }
            file.create_stream(path).unwrap().write_all(bytes).unwrap();
        }
        file.flush().unwrap();
        file.into_inner().into_inner()
    }

    /// A macro project with one module of that source.
    pub(crate) fn project(root: &str, source: &str) -> Vec<u8> {
        let mut dir = Vec::new();
        let mut record = |id: u16, value: &[u8]| {
            dir.extend_from_slice(&id.to_le_bytes());
            dir.extend_from_slice(&u32::try_from(value.len()).unwrap().to_le_bytes());
            dir.extend_from_slice(value);
        };
        record(0x0001, &1u32.to_le_bytes());
        record(0x001a, b"ThisDocument");
        record(0x0031, &5u32.to_le_bytes());
        let mut module = b"cache".to_vec();
        module.extend(vba::compress(source.as_bytes()));
        compound(&[
            (&format!("{root}VBA/dir"), &vba::compress(&dir)),
            (&format!("{root}VBA/ThisDocument"), &module),
            (&format!("{root}VBA/_VBA_PROJECT"), b"x"),
        ])
    }

    #[test]
    fn macros_equations_packages_and_messages() {
        let doc = project(
            "/Macros/",
            "Sub AutoOpen()\r\n  x = Shell(y)\r\nEnd Sub\r\n",
        );
        let ole = read(&doc);
        assert!(ole.macros);
        assert_eq!(
            (ole.automatic, ole.calls),
            (vec!["autoopen"], vec!["shell"])
        );

        let mut native = vec![0u8; 33];
        native.extend(b"\x0a\x01\x08\x5a\x5a");
        native.extend([b'x'; 60]);
        let ole = read(&compound(&[("/Equation Native", &native)]));
        assert!(ole.equation && ole.equation_overflow);
        let mut honest = vec![0u8; 33];
        honest.extend(b"\x0a\x01\x08\x01\x00Times New Roman\0");
        honest.extend([0; 60]);
        let ole = read(&compound(&[("/Equation Native", &honest)]));
        assert!(ole.equation && !ole.equation_overflow);

        let mut package = vec![0, 0, 0, 0, 2, 0];
        package.extend(b"note.js\0C:\\note.js\0");
        package.extend([0; 8]);
        package.extend(b"C:\\t\\note.js\0\x03\0\0\0x()");
        let ole = read(&compound(&[("/ObjectPool/_1/\u{1}Ole10Native", &package)]));
        assert_eq!(ole.files, [("note.js".to_owned(), b"x()".to_vec())]);

        let wide: Vec<u8> = "a.exe".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let ole = read(&compound(&[
            ("/__attach_version1.0_#00000000/__substg1.0_3707001F", &wide),
            ("/__attach_version1.0_#00000000/__substg1.0_37010102", b"MZ"),
        ]));
        assert_eq!(ole.files, [("a.exe".to_owned(), b"MZ".to_vec())]);
    }

    #[test]
    fn workbooks() {
        let record = |id: u16, v: &[u8]| {
            let mut r = id.to_le_bytes().to_vec();
            r.extend(u16::try_from(v.len()).unwrap().to_le_bytes());
            r.extend(v);
            r
        };
        let book = [
            record(0x0809, &[0; 16]),
            record(0x0085, b"\0\0\0\0\x01\x01\x05\0Macro"),
            record(0x0085, b"\0\0\0\0\x00\x00\x05\0Sheet"),
            record(0x000a, b""),
        ]
        .concat();
        let ole = read(&compound(&[("/Workbook", &book)]));
        assert_eq!(ole.macro_sheets, ["hidden"]);
    }

    proptest::proptest! {
        #[test]
        fn damaged_files(at in 0usize..6000, with in proptest::num::u8::ANY) {
            let mut doc = project("/", "Sub AutoOpen()\r\nEnd Sub\r\n");
            if let Some(b) = doc.get_mut(at) {
                *b = with;
            }
            read(&doc);
            package(&doc);
        }
    }
}
