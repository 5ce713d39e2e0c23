//! Invitations that carry markup (CVE-2024-27443 and CVE-2025-27915 in Zimbra's classic client).

use super::Facts;

/// Most lines looked at.
const MAX_LINES: usize = 50_000;

/// States the facts of a text/calendar part or file.
pub(crate) fn facts(text: &str, part: &str, out: &mut Facts) {
    let mut line = String::new();
    for raw in text.lines().take(MAX_LINES).chain(std::iter::once("")) {
        // A line that begins with white space continues the one before (RFC 5545 section 3.1).
        if let Some(rest) = raw.strip_prefix([' ', '\t']) {
            if line.len() < 256 * 1024 {
                line.push_str(rest);
            }
            continue;
        }
        property(&line, part, out);
        line.clear();
        line.push_str(raw);
    }
    property(&line, part, out);
}

fn property(line: &str, part: &str, out: &mut Facts) {
    if !line.contains('<') && !line.contains("&lt;") && !line.contains("&#") {
        return;
    }
    let Some((name, value)) = line.split_once(':') else {
        return;
    };
    let value = value
        .replace("\\n", "\n")
        .replace("\\,", ",")
        .replace("\\;", ";")
        .replace("\\\\", "\\");
    let whole = format!("{name} {value}");
    if let Some(what) = super::html::active(&whole) {
        let property = name.split(';').next().unwrap_or_default();
        out.add("calendar.markup", &format!("{property} {what}"), part);
    }
}
