//! Names of files as text that can be shown and compared.

use std::fmt::Write;

const PATH_MAX: usize = 4096;

/// Bytes of one path component as text: UTF-8 as it is, other bytes and control characters as
/// `\xNN`. What a hostile name can do to a terminal or a line-based file ends here. No file system
/// has longer paths than 4096 bytes (PATH_MAX); an archive can state a mebibyte, and is cut.
pub(crate) fn show(bytes: &[u8]) -> String {
    let bytes = bytes.get(..PATH_MAX).unwrap_or(bytes);
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
                let mut utf8 = [0; 4];
                for byte in c.encode_utf8(&mut utf8).bytes() {
                    let _ = write!(out, "\\x{byte:02x}");
                }
            } else {
                out.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// A member's name made harmless to show: absolute paths become relative, `.` and empty components
/// go, `..` goes. The second value tells that the name tried to leave the archive (CVE-2007-4559
/// and its kin); nothing is ever written to such a path anyway.
pub(crate) fn member(bytes: &[u8]) -> (String, bool) {
    let bytes = bytes.get(..PATH_MAX).unwrap_or(bytes);
    let mut hostile = bytes.first() == Some(&b'/');
    let mut out = String::with_capacity(bytes.len());
    for component in bytes.split(|b| *b == b'/') {
        match component {
            b"" | b"." => {}
            b".." => hostile = true,
            other => {
                if !out.is_empty() {
                    out.push('/');
                }
                out.push_str(&show(other));
            }
        }
    }
    if out.is_empty() {
        out.push_str("unnamed");
    }
    (out, hostile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (bytes, expected, hostile) in [
            (&b"var/log/mail.log"[..], "var/log/mail.log", false),
            (b"./a//b/", "a/b", false),
            (b"../../etc/passwd", "etc/passwd", true),
            (b"/etc/shadow", "etc/shadow", true),
            (b"caf\xe9/\x1b[2J\n", "caf\\xe9/\\x1b[2J\\x0a", false),
            ("é/\u{85}".as_bytes(), "é/\\xc2\\x85", false),
            (b"..", "unnamed", true),
            (b"", "unnamed", false),
        ] {
            assert_eq!(member(bytes), (expected.to_string(), hostile));
        }
    }
}
