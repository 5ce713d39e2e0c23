//! ATT&CK techniques and CVE identifiers in running text. Names alone are not guessed.

use crate::Mention;
use crate::collect::Collector;

/// Longest context of a mention, in bytes.
const CONTEXT: usize = 160;

/// Notes every identifier in `text`; `position` gives the document offset of a byte of it.
pub(crate) fn scan(text: &str, position: impl Fn(usize) -> u64, into: &mut Collector<'_>) {
    let bytes = text.as_bytes();
    for at in memchr::memchr3_iter(b'T', b'C', b'c', bytes) {
        if at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_') {
            continue;
        }
        if let Some(id) = technique(&bytes[at..]) {
            into.technique(Mention {
                id,
                context: context(text, at),
                offset: position(at),
            });
        } else if let Some(id) = cve(&bytes[at..]) {
            into.vulnerability(Mention {
                id,
                context: context(text, at),
                offset: position(at),
            });
        }
    }
}

/// `T1114` or `T1114.002`, also `T1114/002` as in the addresses of ATT&CK's pages.
pub(crate) fn technique(bytes: &[u8]) -> Option<String> {
    let digits = |from: usize, n: usize| {
        let part = bytes.get(from..from + n)?;
        let next = bytes.get(from + n);
        (part.iter().all(u8::is_ascii_digit)
            && !next.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_'))
        .then(|| String::from_utf8_lossy(part).into_owned())
    };
    if bytes.first() != Some(&b'T') || bytes.get(1) != Some(&b'1') {
        return None;
    }
    let main = digits(1, 4)?;
    let sub = match bytes.get(5) {
        Some(b'.' | b'/') => digits(6, 3),
        _ => None,
    };
    // `T1114.02` is neither the technique nor one below it.
    if sub.is_none() && bytes.get(5) == Some(&b'.') && bytes.get(6).is_some_and(u8::is_ascii_digit)
    {
        return None;
    }
    Some(match sub {
        Some(sub) => format!("T{main}.{sub}"),
        None => format!("T{main}"),
    })
}

/// `CVE-2023-5631`, in either case.
pub(crate) fn cve(bytes: &[u8]) -> Option<String> {
    if !bytes.get(..4)?.eq_ignore_ascii_case(b"CVE-") {
        return None;
    }
    let year = bytes.get(4..8)?;
    let plausible = year.iter().all(u8::is_ascii_digit) && matches!(&year[..2], b"19" | b"20");
    if !plausible || bytes.get(8) != Some(&b'-') {
        return None;
    }
    let number: &[u8] = bytes.get(9..)?;
    let length = number
        .iter()
        .take(20)
        .take_while(|b| b.is_ascii_digit())
        .count();
    if !(4..=19).contains(&length) {
        return None;
    }
    let (year, number) = (
        String::from_utf8_lossy(year),
        String::from_utf8_lossy(&number[..length]),
    );
    Some(format!("CVE-{year}-{number}"))
}

fn context(text: &str, at: usize) -> String {
    let mut start = at.saturating_sub(CONTEXT / 2);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let mut end = (start + CONTEXT).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut out = String::new();
    for c in text[start..end].chars() {
        if c.is_whitespace() || c.is_control() {
            if !out.ends_with(' ') {
                out.push(' ');
            }
        } else {
            out.push(c);
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        for (text, expected) in [
            ("T1114", Some("T1114")),
            ("T1114.002", Some("T1114.002")),
            ("T1114.", Some("T1114")),
            ("T1114/002/", Some("T1114.002")),
            ("T11145", None),
            ("T1114.02", None),
            ("T2114", None),
            ("T1114a", None),
        ] {
            assert_eq!(technique(text.as_bytes()).as_deref(), expected, "{text}");
        }
        for (text, expected) in [
            ("CVE-2023-5631", Some("CVE-2023-5631")),
            ("cve-2025-49113)", Some("CVE-2025-49113")),
            ("CVE-2023-1", None),
            ("CVE-3023-5631", None),
        ] {
            assert_eq!(cve(text.as_bytes()).as_deref(), expected, "{text}");
        }
    }
}
