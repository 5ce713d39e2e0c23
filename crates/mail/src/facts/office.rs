//! Office documents: macros, references that load something from elsewhere, objects within.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::attachment::{self, Budget, File, extension};
use super::{Facts, domain};
use crate::content::ole::{self, Ole};

/// Whether names of members are those of an OOXML or OpenDocument file.
pub(super) fn is_office<'n>(names: impl Iterator<Item = &'n str>) -> bool {
    let mut names = names;
    names.any(|n| {
        matches!(
            n,
            "[Content_Types].xml" | "content.xml" | "META-INF/manifest.xml"
        )
    })
}

/// Reads a member: its octets, and whether they are all.
type ReadMember<'r> = dyn FnMut(usize, &mut Budget) -> (Vec<u8>, bool) + 'r;

/// An OOXML or OpenDocument file, its members by index, name and encryption.
pub(super) fn package(
    file: &File<'_>,
    members: &[(usize, String, bool)],
    read: &mut ReadMember<'_>,
    budget: &mut Budget,
    part: &str,
    out: &mut Facts,
) {
    for (index, name, _) in members {
        let lower = name.to_lowercase();
        let ext = extension(&lower);
        if lower.ends_with("vbaproject.bin") {
            out.add("attachment.macro", file.name, part);
            let (bytes, _) = read(*index, budget);
            macros(&ole::read(&bytes), file.name, part, out);
        } else if lower.starts_with("basic/") || lower.starts_with("scripts/") {
            out.add("attachment.macro", file.name, part);
        } else if lower.contains("/macrosheets/") {
            out.add("attachment.macro", file.name, part);
            out.add(
                "attachment.macro_sheet",
                &format!("{}: {name}", file.name),
                part,
            );
        } else if lower.ends_with(".rels") {
            let (bytes, _) = read(*index, budget);
            relations(&String::from_utf8_lossy(&bytes), file.name, part, out);
        } else if lower.starts_with("xl/externallinks/") && ext == "xml" {
            let (bytes, _) = read(*index, budget);
            if memchr::memmem::find(&bytes, b"ddeLink").is_some() {
                out.add("attachment.dde", &format!("{}: {name}", file.name), part);
            }
        } else if is_word_text(&lower) {
            let (bytes, _) = read(*index, budget);
            if let Some(field) = dde_field(&String::from_utf8_lossy(&bytes)) {
                out.add("attachment.dde", &format!("{}: {field}", file.name), part);
            }
        } else if lower.contains("/activex/") && ext == "bin" {
            out.add("attachment.activex", file.name, part);
        } else if lower.contains("/embeddings/") || lower.starts_with("object") && ext.is_empty() {
            let (bytes, whole) = read(*index, budget);
            let shown = format!("{}: {name}", file.name);
            let inner = File {
                name: &shown,
                media_type: "",
                content: &bytes,
                whole,
            };
            if budget.depth < 3 {
                budget.depth += 1;
                attachment::inspect(&inner, budget, part, out);
                budget.depth -= 1;
            }
        }
    }
}

fn is_word_text(name: &str) -> bool {
    name.ends_with(".xml")
        && (name == "word/document.xml"
            || name.starts_with("word/header")
            || name.starts_with("word/footer")
            || name.starts_with("word/footnotes"))
}

/// Relations that load from elsewhere when the document opens (ECMA-376 part 2, section 6.5).
fn relations(xml: &str, file: &str, part: &str, out: &mut Facts) {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    for _ in 0..20_000 {
        match reader.read_event() {
            Ok(Event::Empty(e) | Event::Start(e)) => {
                if !value_of(&e, "TargetMode").eq_ignore_ascii_case("external") {
                    continue;
                }
                let (kind, target) = (value_of(&e, "Type"), value_of(&e, "Target"));
                let kind = kind.rsplit('/').next().unwrap_or_default().to_lowercase();
                let loads = matches!(
                    kind.as_str(),
                    "attachedtemplate" | "oleobject" | "frame" | "subdocument" | "externallinkpath"
                );
                if loads && is_remote(&target) {
                    let value = format!("{file}: {kind} {target}");
                    let fact = match kind.as_str() {
                        "externallinkpath" => "attachment.external_link",
                        _ => "attachment.remote_template",
                    };
                    out.add(fact, &value, part);
                }
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
}

fn is_remote(target: &str) -> bool {
    let lower = target.trim().to_lowercase().replace('\\', "/");
    domain::url_host(&lower).is_some()
        || lower.starts_with("//")
        || lower.starts_with("file://")
        || lower.starts_with("mhtml:")
        || lower.starts_with("ms-")
}

fn value_of(e: &BytesStart<'_>, name: &str) -> String {
    e.attributes()
        .with_checks(false)
        .flatten()
        .find(|a| a.key.local_name().as_ref() == name)
        .map(|a| {
            let raw: &str = a.value.as_ref();
            quick_xml::escape::unescape(raw).map_or_else(|_| raw.to_owned(), |v| v.into_owned())
        })
        .unwrap_or_default()
}

/// A field that starts a program by DDE. The instruction may stand in pieces.
fn dde_field(xml: &str) -> Option<String> {
    memchr::memmem::find(xml.as_bytes(), b"instr")?;
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let mut inside = false;
    let mut text = String::new();
    let starts = |t: &str| {
        let word = t.trim_start().to_uppercase();
        word.starts_with("DDEAUTO") || word.starts_with("DDE ")
    };
    for _ in 0..200_000 {
        match reader.read_event() {
            Ok(Event::Start(e) | Event::Empty(e)) => match e.local_name().as_ref() {
                "instrText" => inside = true,
                "fldSimple" => {
                    let instruction = value_of(&e, "instr");
                    if starts(&instruction) {
                        return Some(instruction);
                    }
                }
                "fldChar" => {
                    if starts(&text) {
                        return Some(text);
                    }
                    if value_of(&e, "fldCharType") == "begin" {
                        text.clear();
                    }
                }
                _ => {}
            },
            Ok(Event::Text(t)) if inside && text.len() < 4096 => text.push_str(t.as_ref()),
            Ok(Event::End(e)) if e.local_name().as_ref() == "instrText" => inside = false,
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    starts(&text).then_some(text)
}

/// A compound file: old office documents, Outlook messages, objects of new ones.
pub(super) fn compound(file: &File<'_>, budget: &mut Budget, part: &str, out: &mut Facts) {
    let ole = ole::read(file.content);
    if ole.macros {
        out.add("attachment.macro", file.name, part);
    }
    macros(&ole, file.name, part, out);
    for sheet in &ole.macro_sheets {
        out.add("attachment.macro", file.name, part);
        out.add(
            "attachment.macro_sheet",
            &format!("{}: {sheet}", file.name),
            part,
        );
    }
    if ole.encrypted {
        out.add("attachment.archive_encrypted", file.name, part);
    }
    if ole.equation {
        out.add("attachment.equation", file.name, part);
    }
    if ole.equation_overflow {
        out.add("attachment.equation_overflow", file.name, part);
    }
    for (name, bytes) in &ole.files {
        if budget.depth >= 3 || bytes.len() as u64 > budget.octets {
            break;
        }
        budget.octets -= bytes.len() as u64;
        budget.depth += 1;
        let shown = format!("{}: {name}", file.name);
        let inner = File {
            name: &shown,
            media_type: "",
            content: bytes,
            whole: true,
        };
        attachment::inspect(&inner, budget, part, out);
        budget.depth -= 1;
    }
}

fn macros(ole: &Ole, file: &str, part: &str, out: &mut Facts) {
    if !ole.automatic.is_empty() {
        let value = format!("{file}: {}", ole.automatic.join(", "));
        out.add("attachment.macro_auto", &value, part);
    }
    if !ole.calls.is_empty() {
        let value = format!("{file}: {}", ole.calls.join(", "));
        out.add("attachment.macro_calls", &value, part);
    }
}

/// Most objects of a rich text that are decoded.
const MAX_OBJECTS: usize = 50;

/// Rich text: templates from elsewhere, objects in hexadecimal.
pub(super) fn rich_text(file: &File<'_>, budget: &mut Budget, part: &str, out: &mut Facts) {
    let text = file.content;
    for at in memchr::memmem::find_iter(text, b"\\*\\template").take(5) {
        let value = text
            .get(at + 11..(at + 400).min(text.len()))
            .unwrap_or_default();
        let end = value.iter().position(|b| *b == b'}').unwrap_or(value.len());
        let target = String::from_utf8_lossy(&value[..end]).trim().to_owned();
        if is_remote(&target) {
            let shown = format!("{}: template {target}", file.name);
            out.add("attachment.remote_template", &shown, part);
        }
    }
    let mut updates = memchr::memmem::find(text, b"\\objupdate").is_some();
    for at in memchr::memmem::find_iter(text, b"\\objdata").take(MAX_OBJECTS) {
        let bytes = hexadecimal(text.get(at + 8..).unwrap_or_default(), &mut budget.octets);
        let class = bytes[..bytes.len().min(60)].to_ascii_lowercase();
        let compound = memchr::memmem::find(&bytes, &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1]);
        if memchr::memmem::find(&class, b"equation").is_some() {
            out.add("attachment.equation", file.name, part);
            if std::mem::take(&mut updates) {
                out.add(
                    "attachment.rtf_update",
                    &format!("{}: equation", file.name),
                    part,
                );
            }
        }
        let Some(start) = compound else { continue };
        let inner = File {
            name: file.name,
            media_type: "",
            content: &bytes[start..],
            whole: true,
        };
        if budget.depth < 3 {
            budget.depth += 1;
            self::compound(&inner, budget, part, out);
            budget.depth -= 1;
        }
    }
}

/// Hexadecimal digits up to the end of the group; Word skips control words and groups among them,
/// and so do those who hide them.
fn hexadecimal(text: &[u8], budget: &mut u64) -> Vec<u8> {
    let mut digits = Vec::new();
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(&b) = text.get(at) {
        at += 1;
        if digits.len() as u64 / 2 >= *budget {
            break;
        }
        match b {
            b'{' => depth += 1,
            b'}' if depth == 0 => break,
            b'}' => depth -= 1,
            b'\\' => {
                while text.get(at).is_some_and(u8::is_ascii_alphanumeric) {
                    at += 1;
                }
            }
            b if depth == 0 && b.is_ascii_hexdigit() => digits.push(b),
            _ => {}
        }
    }
    let out: Vec<u8> = digits
        .chunks_exact(2)
        .map(|p| hex_value(p[0]) << 4 | hex_value(p[1]))
        .collect();
    *budget -= (out.len() as u64).min(*budget);
    out
}

fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20).wrapping_sub(b'a').wrapping_add(10),
    }
}

#[cfg(test)]
mod tests {
    use super::super::archive::tests::zip_of;
    use super::super::attachment::tests::{found, names};
    use crate::content::ole::tests::{compound, project};

    const TYPES: (&str, &[u8]) = ("[Content_Types].xml", b"<Types/>");

    #[test]
    fn macros_that_run_and_reach_out() {
        let source = "Sub Workbook_Open()\r\n  Set s = CreateObject(\"x\")\r\nEnd Sub\r\n";
        let docm = zip_of(&[TYPES, ("xl/vbaProject.bin", &project("/", source))]);
        let want = [
            "attachment.macro",
            "attachment.macro_auto",
            "attachment.macro_calls",
        ];
        assert_eq!(names("a.xlsm", "", &docm), want);
        assert_eq!(names("a.doc", "", &project("/Macros/", source)), want);
        let quiet = project("/Macros/", "Sub Tri()\r\n  y = 1\r\nEnd Sub\r\n");
        assert_eq!(names("a.doc", "", &quiet), ["attachment.macro"]);
    }

    #[test]
    fn what_loads_from_elsewhere() {
        let rels = |kind: &str, target: &str| {
            let xml = format!(
                "<Relationships><Relationship Id='r1' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}' Target='{target}' TargetMode='External'/></Relationships>"
            );
            zip_of(&[TYPES, ("word/_rels/settings.xml.rels", xml.as_bytes())])
        };
        let template = found(
            "a.docx",
            "",
            &rels("attachedTemplate", "https://example.net/t.dotm"),
        );
        assert_eq!(template[0].name, "attachment.remote_template");
        assert!(template[0].value.contains("example.net"));
        let share = rels("oleObject", "\\\\192.0.2.1\\x");
        assert_eq!(names("a.docx", "", &share), ["attachment.remote_template"]);
        for honest in [
            rels("hyperlink", "https://example.net/"),
            rels("image", "https://example.net/a.png"),
            rels("attachedTemplate", "C:\\Modeles\\Note.dotx"),
        ] {
            assert_eq!(names("a.docx", "", &honest), [""; 0]);
        }
        let field = b"<w:p><w:fldChar w:fldCharType='begin'/><w:instrText>DDE</w:instrText><w:instrText>AUTO x y</w:instrText><w:fldChar w:fldCharType='separate'/></w:p>";
        let dde = zip_of(&[TYPES, ("word/document.xml", field)]);
        assert_eq!(names("a.docx", "", &dde), ["attachment.dde"]);
        let page = b"<w:p><w:fldChar w:fldCharType='begin'/><w:instrText> PAGE </w:instrText><w:fldChar w:fldCharType='end'/></w:p>";
        let honest = zip_of(&[TYPES, ("word/document.xml", page)]);
        assert_eq!(names("a.docx", "", &honest), [""; 0]);
    }

    #[test]
    fn objects_in_rich_text() {
        let mut native = vec![0u8; 33];
        native.extend(b"\x0a\x01\x08\x5a\x5a");
        native.extend([b'x'; 60]);
        let object = compound(&[("/Equation Native", &native)]);
        let hex: String = object
            .iter()
            .map(|b| format!("{b:02x}\\x{{\\*\\y 00}}"))
            .collect();
        let rtf = format!("{{\\rtf1{{\\object\\objocx{{\\*\\objdata 0105{hex}}}}}}}");
        assert_eq!(
            names("a.rtf", "", rtf.as_bytes()),
            ["attachment.equation", "attachment.equation_overflow"]
        );
        let template = b"{\\rtf1{\\*\\template https://example.net/t}}";
        assert_eq!(names("a.rtf", "", template), ["attachment.remote_template"]);
        let local = b"{\\rtf1{\\*\\template C:\\\\Normal.dot}x}";
        assert_eq!(names("a.rtf", "", local), [""; 0]);
    }

    #[test]
    fn files_within_a_message_of_outlook() {
        let wide: Vec<u8> = "note.js"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let msg = compound(&[
            ("/__attach_version1.0_#00000000/__substg1.0_3707001F", &wide),
            (
                "/__attach_version1.0_#00000000/__substg1.0_37010102",
                b"x()",
            ),
        ]);
        assert_eq!(names("a.msg", "", &msg), ["attachment.archive_program"]);
    }
}
