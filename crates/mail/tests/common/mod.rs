//! Where other people's messages are found, when they are there.

#![allow(dead_code)] // each test file uses a part of this

pub mod dovecot;

use std::path::{Path, PathBuf};

/// The folder of shared test data: `VAUBAN_SHARED`, else beside the checkout.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VAUBAN_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let path = root.join("data").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("{} is absent: only own messages are tested", path.display());
    None
}

/// Every regular file below a folder, by path.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut stack = vec![dir.to_owned()];
    while let Some(dir) = stack.pop() {
        let Ok(entries) = std::fs::read_dir(&dir) else {
            continue;
        };
        for entry in entries.flatten() {
            match entry.file_type() {
                Ok(t) if t.is_dir() => stack.push(entry.path()),
                Ok(t) if t.is_file() => out.push(entry.path()),
                _ => {}
            }
        }
    }
    out.sort();
    out
}

/// A message file's bytes; the corpora wrap some in JSON under `text`, which loses no octet of
/// these ASCII and Latin-1 mails that matters here.
pub fn message(path: &Path) -> Option<Vec<u8>> {
    let bytes = std::fs::read(path).ok()?;
    if path.extension().is_some_and(|e| e == "json") {
        let value: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
        return Some(value.get("text")?.as_str()?.as_bytes().to_vec());
    }
    Some(bytes)
}

/// Messages of our own that are odd on purpose: name and bytes.
pub fn own_messages() -> Vec<(String, Vec<u8>)> {
    let nested = {
        let mut m = String::from("Subject: deep\nMIME-Version: 1.0\n");
        for i in 0..120 {
            m += &format!("Content-Type: multipart/mixed; boundary=\"b{i}-\"\n\n--b{i}-\n");
        }
        m + "\nend\n"
    };
    let cases: &[(&str, &str)] = &[
        ("empty body", "Subject: x\n\n"),
        ("header only", "Subject: x\n"),
        ("no header", "\nbody\n"),
        ("no last line end", "Subject: x\n\na\nb"),
        ("crlf and lf mixed", "Subject: x\r\nTo: y\n\r\na\nb\r\nc\n"),
        ("bare cr", "Subject: x\n\na\rb\r\rc\r\n"),
        (
            "line without colon in header",
            "Subject: x\nthis is no field\n\nbody\n",
        ),
        (
            "folded content type",
            "MIME-Version: 1.0\nContent-Type: multipart/mixed;\n\tboundary=\"a b\"\n\n--a b\n\none\n--a b--\n",
        ),
        (
            "no mime version",
            "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/html\n\n<p>\n--a\n\nx\n--a--\n",
        ),
        (
            "missing end boundary",
            "Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--a\n\ntwo\n",
        ),
        (
            "end boundary without line end",
            "Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--a--",
        ),
        (
            "boundary at the end of the file",
            "Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--a\n",
        ),
        (
            "boundary at the end without line end",
            "Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--a",
        ),
        (
            "boundary that is a prefix",
            "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/alternative; boundary=ab\n\n--ab\n\nx\n--ab\n\ny\n--ab--\n--a\n\nz\n--a--\n",
        ),
        (
            "same boundary twice",
            "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a--\nbetween\n--a\n\nz\n--a--\n",
        ),
        (
            "inner not ended",
            "Content-Type: multipart/mixed; boundary=out\n\n--out\nContent-Type: multipart/mixed; boundary=in\n\n--in\n\nx\n--out\n\ny\n--out--\n",
        ),
        (
            "preamble and epilogue",
            "Content-Type: multipart/mixed; boundary=a\n\npreamble\n\n--a\n\nx\n\n--a--\nepilogue\n--a\nmore\n",
        ),
        (
            "part header cut by boundary",
            "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/html\n--a\nX: y\n\nb\n--a--\n",
        ),
        (
            "empty parts",
            "Content-Type: multipart/mixed; boundary=a\n\n--a\n--a\n\n--a\n\n\n--a--\n",
        ),
        (
            "blank lines before boundary",
            "Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n\n\n\n--a--\n",
        ),
        (
            "crlf parts",
            "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nx\r\n--a\r\nContent-Type: text/html\r\n\r\n<p>\r\n\r\n--a--\r\n",
        ),
        (
            "message in message",
            "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\nSubject: in\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: message/rfc822\n\nSubject: deeper\n\ntext\n--b--\n--a--\n",
        ),
        (
            "message at the root",
            "MIME-Version: 1.0\nContent-Type: message/rfc822\n\nSubject: in\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n",
        ),
        (
            "message at the root, single part",
            "Content-Type: message/rfc822\n\nSubject: in\n\none\ntwo\n",
        ),
        (
            "digest",
            "Content-Type: multipart/digest; boundary=a\n\n--a\n\nSubject: one\n\nx\n--a\nContent-Type: text/plain\n\ny\n--a--\n",
        ),
        (
            "refused content type",
            "Content-Type: text/plain charset=x\n\nbody\n",
        ),
        (
            "content type without subtype",
            "Content-Type: text\n\nbody\n",
        ),
        (
            "multipart without boundary",
            "Content-Type: multipart/mixed\n\n--x\n\nbody\n--x--\n",
        ),
        (
            "multipart without parts",
            "Content-Type: multipart/mixed; boundary=a\n\nnothing here\n",
        ),
        (
            "two content types",
            "Content-Type: text/html\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a--\n",
        ),
        (
            "long boundary",
            "Content-Type: multipart/mixed; boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\n--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\nx\n--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa--\n",
        ),
        (
            "file names",
            "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: application/pdf; name=\"=?utf-8?Q?=C3=A9t=C3=A9.pdf?=\"\nContent-Transfer-Encoding: base64\n\nJVBERg==\n--a\nContent-Type: application/pdf\nContent-Disposition: attachment; filename*0*=utf-8''rapport%20; filename*1*=%C3%A9crit.pdf\n\nx\n--a\nContent-Type: application/octet-stream; name=a.bin\nContent-Disposition: attachment; filename=\"b \\\"q\\\".bin\"\n\nx\n--a--\n",
        ),
        (
            "comments in fields",
            "Content-Type: multipart/mixed (a comment); boundary=(c)a\n\n--a\nContent-Type: text/html (x)\nContent-Transfer-Encoding: base64 (y)\n\nPHA+\n--a--\n",
        ),
        (
            "tab after header name",
            "Content-Type : text/html\nSubject\t: x\n\n<p>\n",
        ),
        ("nul octets", "Subject: a\0b\n\nx\0y\n"),
    ];
    let mut out: Vec<(String, Vec<u8>)> = cases
        .iter()
        .map(|(n, m)| ((*n).to_owned(), m.as_bytes().to_vec()))
        .collect();
    out.push(("nested beyond the limit".into(), nested.into_bytes()));
    let mut many = b"Content-Type: multipart/mixed; boundary=a\n\n".to_vec();
    for _ in 0..200 {
        many.extend_from_slice(b"--a\n\nx\n");
    }
    out.push(("many parts".into(), many));
    out
}
