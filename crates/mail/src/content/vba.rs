//! The source text of VBA macros (MS-OVBA).

/// Octets a module may decompress to.
const MAX_MODULE: usize = 1 << 20;
/// Most modules read.
const MAX_MODULES: usize = 200;

/// Undoes the compression of MS-OVBA section 2.4.1: a signature octet, then chunks of at most
/// 4096 octets of literals and copies. Damaged input gives what could be read before the damage.
pub(crate) fn decompress(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    if data.first() != Some(&1) {
        return out;
    }
    let mut at = 1;
    while let Some(&[a, b]) = data.get(at..at + 2) {
        let header = u16::from_le_bytes([a, b]);
        let size = usize::from(header & 0x0fff) + 3;
        let end = (at + size).min(data.len());
        let chunk_start = out.len();
        let Some(chunk) = data.get(at + 2..end) else {
            break;
        };
        at = end;
        if header & 0x8000 == 0 {
            out.extend_from_slice(chunk);
        } else if !unpack(chunk, chunk_start, &mut out) {
            break;
        }
        if out.len() > MAX_MODULE {
            break;
        }
    }
    out
}

/// One compressed chunk; `false` when a copy points before the chunk.
fn unpack(chunk: &[u8], start: usize, out: &mut Vec<u8>) -> bool {
    let mut i = 0;
    while let Some(&flags) = chunk.get(i) {
        i += 1;
        for bit in 0..8 {
            if i >= chunk.len() || out.len() > MAX_MODULE {
                return true;
            }
            if flags >> bit & 1 == 0 {
                out.push(chunk[i]);
                i += 1;
                continue;
            }
            let Some(&[a, b]) = chunk.get(i..i + 2) else {
                return true;
            };
            i += 2;
            let token = u16::from_le_bytes([a, b]);
            // The further into the chunk, the more bits the offset takes (2.4.1.3.19.1).
            let done = out.len() - start;
            let mut bits = 4u32;
            while bits < 12 && (1usize << bits) < done {
                bits += 1;
            }
            let length = usize::from(token & (0xffff >> bits)) + 3;
            let offset = usize::from(token >> (16 - bits)) + 1;
            if offset > done {
                return false;
            }
            for _ in 0..length {
                out.push(out[out.len() - offset]);
            }
        }
    }
    true
}

/// Stream name and octet at which the source begins, of each module in a decompressed `dir`
/// stream (section 2.3.4.2).
pub(crate) fn modules(dir: &[u8]) -> Vec<(String, usize)> {
    let mut out = Vec::new();
    let mut name = String::new();
    let mut at = 0usize;
    while let Some(head) = dir.get(at..at + 6) {
        let id = u16::from_le_bytes([head[0], head[1]]);
        let mut size = u32::from_le_bytes([head[2], head[3], head[4], head[5]]) as usize;
        // PROJECTVERSION says four octets and has six.
        if id == 0x0009 {
            size = 6;
        }
        at += 6;
        let Some(value) = dir.get(at..at.saturating_add(size)) else {
            break;
        };
        at += size;
        match (id, value) {
            (0x001a, v) => name = String::from_utf8_lossy(v).into_owned(),
            (0x0031, &[a, b, c, d]) if out.len() < MAX_MODULES => {
                let offset = u32::from_le_bytes([a, b, c, d]) as usize;
                out.push((std::mem::take(&mut name), offset));
            }
            _ => {}
        }
    }
    out
}

/// Names of procedures that run without being called.
const AUTOMATIC: &[&str] = &[
    "auto_close",
    "auto_open",
    "autoclose",
    "autoexec",
    "autoexit",
    "autonew",
    "autoopen",
    "document_close",
    "document_contentcontrolonenter",
    "document_new",
    "document_open",
    "presentation_open",
    "workbook_activate",
    "workbook_beforeclose",
    "workbook_open",
    "worksheet_activate",
];

/// Calls by which macros reach out of the document.
const CALLS: &[&str] = &[
    "adodb.stream",
    "callbyname",
    "createobject",
    "createprocess",
    "createthread",
    "getobject",
    "mshta",
    "msxml2.",
    "powershell",
    "rundll32",
    "scripting.filesystemobject",
    "shell",
    "shellexecute",
    "urldownloadtofile",
    "virtualalloc",
    "winhttp",
    "winmgmts",
    "wscript.",
    "xmlhttp",
];

/// Procedures of a source that run by themselves, and its calls out of the document.
pub(crate) fn judge(source: &str) -> (Vec<&'static str>, Vec<&'static str>) {
    let lower = source.to_lowercase();
    let mut automatic = Vec::new();
    let mut calls = Vec::new();
    for line in lower.split(['\n', '\r', ':']) {
        let line = line.trim();
        // A comment calls nothing.
        if line.starts_with('\'') || line.starts_with("rem ") {
            continue;
        }
        let words: Vec<&str> = line
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|w| !w.is_empty())
            .collect();
        if let Some(at) = words.iter().position(|w| matches!(*w, "sub" | "function"))
            && !words.contains(&"end")
            && let Some(name) = words.get(at + 1)
            && let Some(known) = AUTOMATIC.iter().find(|a| *a == name)
        {
            automatic.push(*known);
        }
        for call in CALLS {
            let whole = call.ends_with('.') || call.contains('.');
            if (whole && line.contains(call)) || words.contains(call) {
                calls.push(*call);
            }
        }
    }
    automatic.sort_unstable();
    automatic.dedup();
    calls.sort_unstable();
    calls.dedup();
    (automatic, calls)
}

/// Compresses in literals only, as MS-OVBA allows: for tests, which make their documents.
#[cfg(test)]
pub(crate) fn compress(data: &[u8]) -> Vec<u8> {
    let mut out = vec![1u8];
    for chunk in data.chunks(3000) {
        let mut packed = Vec::new();
        for eight in chunk.chunks(8) {
            packed.push(0);
            packed.extend_from_slice(eight);
        }
        let size = u16::try_from(packed.len() + 2 - 3).unwrap();
        out.extend_from_slice(&(0xb000 | size).to_le_bytes());
        out.extend_from_slice(&packed);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_specification() {
        // MS-OVBA 3.2.1 and 3.2.2: no compression, normal compression.
        let none = b"\x01\x19\xB0\x00abcdefgh\x00ijklmnop\x00qrstuv.";
        assert_eq!(decompress(none), b"abcdefghijklmnopqrstuv.");
        let normal = [
            0x01, 0x2F, 0xB0, 0x00, 0x23, 0x61, 0x61, 0x61, 0x62, 0x63, 0x64, 0x65, 0x82, 0x66,
            0x00, 0x70, 0x61, 0x67, 0x68, 0x69, 0x6A, 0x01, 0x38, 0x08, 0x61, 0x6B, 0x6C, 0x00,
            0x30, 0x6D, 0x6E, 0x6F, 0x70, 0x06, 0x71, 0x02, 0x70, 0x04, 0x10, 0x72, 0x73, 0x74,
            0x75, 0x76, 0x10, 0x77, 0x78, 0x79, 0x7A, 0x00, 0x3C,
        ];
        assert_eq!(
            decompress(&normal),
            b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa"
        );
        let text = b"Sub x()\r\n".repeat(900);
        assert_eq!(decompress(&compress(&text)), text);
    }

    #[test]
    fn judges_sources() {
        let (auto, calls) =
            judge("Private Sub Document_Open()\r\n CreateObject(\"WScript.Shell\")\r\nEnd Sub");
        assert_eq!(auto, ["document_open"]);
        assert_eq!(calls, ["createobject", "shell", "wscript."]);
        let none = judge("' Sub AutoOpen()\r\nSub Tri()\r\n  x = 1 ' Shell\r\nEnd Sub").0;
        assert!(none.is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_octets(data in proptest::collection::vec(proptest::num::u8::ANY, 0..2000)) {
            let mut with = vec![1];
            with.extend(&data);
            decompress(&with);
            modules(&data);
        }
    }
}
