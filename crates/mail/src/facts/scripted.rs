//! Files that carry script: pages, drawings, notebooks.

use super::Facts;
use super::attachment::{self, Budget, File};
use crate::html::dom::Dom;

/// First octets of a OneNote section (MS-ONESTORE 2.3.1, guidFileType).
pub(super) const ONENOTE: [u8; 16] = [
    0xe4, 0x52, 0x5c, 0x7b, 0x8c, 0xd8, 0xa7, 0x4d, 0xae, 0xb1, 0x53, 0x78, 0xd0, 0x29, 0x96, 0xd3,
];

/// Begins a file within a section (MS-ONESTORE 2.6.13, FileDataStoreObject).
const ONENOTE_FILE: [u8; 16] = [
    0xe7, 0x16, 0xe3, 0xbd, 0x65, 0x26, 0x11, 0x45, 0xa4, 0xc4, 0x8d, 0x4d, 0x0b, 0x7a, 0x9e, 0xac,
];

/// An attached page or drawing.
pub(super) fn page(file: &File<'_>, ext: &str, part: &str, out: &mut Facts) {
    let text = String::from_utf8_lossy(file.content);
    let dom = Dom::parse(&text);
    let svg = file.media_type == "image/svg+xml" || ext == "svg";
    let active = super::html::active_in(&dom, 1, true).is_some();
    let foreign = svg && dom.elements().any(|(_, e)| &*e.name == "foreignObject");
    if svg && (active || foreign) {
        out.add("attachment.svg_active", file.name, part);
    } else if active {
        out.add("attachment.html_active", file.name, part);
    }
    let password = dom.elements().any(|(_, e)| {
        &*e.name == "input"
            && e.attribute("type")
                .is_some_and(|t| t.trim().eq_ignore_ascii_case("password"))
    });
    if password {
        out.add("attachment.html_form", file.name, part);
    }
    if let Some(how) = smuggles(&dom) {
        out.add(
            "attachment.html_smuggling",
            &format!("{}: {how}", file.name),
            part,
        );
    }
}

/// Whether script makes a file out of the page itself: it has octets written as text, turns them
/// into a blob, and hands the blob over as a download. Names the hand-over.
pub(super) fn smuggles(dom: &Dom) -> Option<&'static str> {
    let mut script = String::new();
    let mut longest = 0;
    for (index, e) in dom.elements() {
        match &*e.name {
            "script" => script.push_str(&dom.text_of(index, 512 * 1024)),
            "embed" | "object" | "a" | "svg" | "div" | "p" | "input" => {}
            _ => {}
        }
        for (name, value) in &e.attributes {
            if name.starts_with("on") {
                script.push_str(value);
            }
            longest = longest.max(value.len());
        }
    }
    if script.is_empty() {
        return None;
    }
    let lower = script.to_lowercase();
    let has = |w: &str| memchr::memmem::find(lower.as_bytes(), w.as_bytes()).is_some();
    let encoded = longest.max(longest_literal(&script)) >= 1000
        && (has("atob") || has("uint8array") || has("charcodeat") || has("fromcharcode"));
    if !encoded {
        return None;
    }
    if has("mssaveoropenblob") || has("mssaveblob") {
        Some("msSaveBlob")
    } else if has("createobjecturl") && (has("download") || has("location") || has(".href")) {
        Some("createObjectURL")
    } else if has("data:application/") && has("download") {
        Some("data URL with download")
    } else {
        None
    }
}

/// Length of the longest run of letters, digits, and signs of encodings.
fn longest_literal(script: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for b in script.bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b',' | b'%' | b'\\') {
            run += 1;
            longest = longest.max(run);
        } else {
            run = 0;
        }
    }
    longest
}

/// A OneNote section: files within that run when double-clicked.
pub(super) fn onenote(file: &File<'_>, budget: &mut Budget, part: &str, out: &mut Facts) {
    for at in memchr::memmem::find_iter(file.content, &ONENOTE_FILE).take(200) {
        // Identifier, length of eight octets, twelve of no use, data.
        let Some(length) = file.content.get(at + 16..at + 24) else {
            break;
        };
        let length = length
            .iter()
            .rev()
            .fold(0u64, |n, b| n << 8 | u64::from(*b));
        let start = at + 36;
        let end = start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
        let data = file
            .content
            .get(start..end.min(file.content.len()))
            .unwrap_or_default();
        if let Some(kind) = runs(data) {
            let shown = format!("{}: {kind}", file.name);
            out.add("attachment.onenote_file", &shown, part);
        } else if budget.depth < 2 {
            let inner = File {
                name: file.name,
                media_type: "",
                content: data,
                whole: true,
            };
            budget.depth += 1;
            // By content only: the section has its own name.
            let nameless = File { name: "", ..inner };
            attachment::inspect(&nameless, budget, part, out);
            budget.depth -= 1;
        }
    }
}

/// What kind of program some octets are, scripts included, which have no magic.
fn runs(data: &[u8]) -> Option<&'static str> {
    if attachment::is_program(data) {
        return Some("program");
    }
    let head = data.get(..4096).unwrap_or(data);
    let head = String::from_utf8_lossy(head).to_lowercase();
    let starts = head.trim_start();
    if starts.starts_with("<html") || starts.starts_with("<script") || starts.starts_with("<hta:") {
        return head.contains("<script").then_some("HTML application");
    }
    if starts.starts_with("@echo") || starts.starts_with("<job") || starts.starts_with("<package") {
        return Some("script");
    }
    [
        "wscript.",
        "createobject(",
        "powershell",
        "cmd /c",
        "activexobject",
        "mshta ",
    ]
    .iter()
    .any(|w| head.contains(w))
    .then_some("script")
}

#[cfg(test)]
mod tests {
    use super::super::attachment::tests::names;
    use super::*;

    #[test]
    fn smuggled_files() {
        let data = "QUJD".repeat(400);
        let page = format!(
            "<script>var b=atob('{data}');var u=URL.createObjectURL(new Blob([b]));a.href=u;a.download='x.zip';a.click()</script>"
        );
        assert_eq!(
            names("a.html", "text/html", page.as_bytes()),
            ["attachment.html_active", "attachment.html_smuggling"]
        );
        let hidden = format!(
            "<div id=d data-x='{data}'></div><script>var b=Uint8Array.from(d.dataset.x);navigator.msSaveOrOpenBlob(new Blob([b]),'x.iso')</script>"
        );
        assert!(
            names("a.html", "", hidden.as_bytes()).contains(&"attachment.html_smuggling".into())
        );
        let honest = format!(
            "<img src='data:image/png;base64,{data}'><script>var x = document.location.href;</script>"
        );
        assert_eq!(
            names("a.html", "", honest.as_bytes()),
            ["attachment.html_active"]
        );
    }

    #[test]
    fn notebooks() {
        let with = |data: &[u8]| {
            let mut one = ONENOTE.to_vec();
            one.extend([0; 100]);
            one.extend(ONENOTE_FILE);
            one.extend((data.len() as u64).to_le_bytes());
            one.extend([0; 12]);
            one.extend(data);
            one
        };
        for data in [&b"@echo off\r\nx"[..], b"<html><script>x()</script>"] {
            let got = names("a.bin", "application/onenote", &with(data));
            assert_eq!(got, ["attachment.onenote_file"]);
        }
        assert_eq!(names("a.bin", "", &with(b"\x89PNG")), [""; 0]);
    }
}
