//! User agents and e-mail subjects: values that nothing but a label tells from other text.

use super::context::{self, Line};
use crate::IndicatorKind;
use crate::value::Value;

/// Longest value taken, in bytes.
const MAX: usize = 512;

/// The labelled values of one line: value, range.
pub(crate) fn values(text: &str, line: &Line) -> Vec<(Value, usize, usize)> {
    let mut found = Vec::new();
    if line.end - line.start > 4096 {
        return found;
    }
    // A sentence may go on in the next line; what a label begins must begin in this one.
    let rest = text.get(line.end..).unwrap_or("");
    let next = rest
        .char_indices()
        .skip(1)
        .take(512)
        .find(|&(_, c)| c == '\n')
        .map_or(0, |(i, _)| i);
    let content = &text[line.start..line.end + next];
    let own = line.end - line.start;
    // Same length as `content`: offsets must fit both.
    let lower = content.to_ascii_lowercase();
    let mut take = |kind, s: usize, e: usize| {
        let value = content[s..e]
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        found.push((Value::new(kind, value), line.start + s, line.start + e));
    };
    for label in [
        "user-agent",
        "user agent",
        "useragent",
        "agent utilisateur",
        "http_user_agent",
    ] {
        for (at, _) in lower[..own].match_indices(label) {
            if let Some((s, e)) = after_label(content, at + label.len(), false)
                && looks_like_agent(&content[s..e])
            {
                take(IndicatorKind::UserAgent, s, e);
            }
        }
    }
    for label in ["subject", "subject line", "objet", "sujet"] {
        for (at, _) in lower[..own].match_indices(label) {
            let from = at + label.len();
            let word = content[..at]
                .chars()
                .next_back()
                .is_none_or(|c| !c.is_alphanumeric())
                && content[from..]
                    .chars()
                    .next()
                    .is_none_or(|c| !c.is_alphanumeric());
            let leads = content[..at]
                .trim_matches(|c: char| c.is_whitespace() || "-*•|`+".contains(c))
                .split_whitespace()
                .count()
                <= 2;
            if word
                && let Some((s, e)) = after_label(content, from, !leads)
                && !is_distinguished_name(&content[s..e])
            {
                take(IndicatorKind::EmailSubject, s, e);
            }
        }
    }
    found.dedup_by(|a, b| a.1 == b.1);
    found
}

/// The value after a label: quoted, in the next table cell, or the rest of the line after a
/// colon. `quoted_only`: the label stands in a sentence, where only quotes mark a value.
fn after_label(content: &str, from: usize, quoted_only: bool) -> Option<(usize, usize)> {
    let mut rest = content.get(from..)?;
    let mut at = from;
    // Words that may stand between ("subject line of", "User-Agent string:").
    for word in [
        "string", "strings", "line", "lines", "header", "was", "is", "of", "est", "était", "reads",
        "the",
    ] {
        let trimmed = rest.trim_start_matches([' ', '\u{a0}']);
        if let Some(after) = trimmed.strip_prefix(word)
            && after.starts_with([' ', ':', '\u{a0}', '|'])
        {
            at += rest.len() - after.len();
            rest = after;
        }
    }
    let separator: String = rest
        .chars()
        .take_while(|c| c.is_whitespace() || ":=|*-".contains(*c))
        .collect();
    if separator.contains('\n') && !rest[separator.len()..].starts_with(['"', '“', '«', '`', '‘'])
    {
        return None;
    }
    let colon = separator.contains(':') || separator.contains('=') || separator.contains('|');
    at += separator.len();
    rest = content.get(at..)?;
    let open = rest.chars().next()?;
    let close = match open {
        '"' => Some('"'),
        '`' => Some('`'),
        '\'' => Some('\''),
        '“' | '„' => Some('”'),
        '«' => Some('»'),
        '‘' => Some('’'),
        _ => None,
    };
    let (start, end) = if let Some(close) = close {
        let start = at + open.len_utf8();
        (start, start + content.get(start..)?.find(close)?)
    } else if colon && !quoted_only {
        let end = rest.find(['|', '\n']).unwrap_or(rest.len());
        (at, at + end)
    } else {
        return None;
    };
    let piece = content.get(start..end)?;
    let lead = piece.len()
        - piece
            .trim_start_matches(|c: char| c.is_whitespace() || c == '+' || c == '`')
            .len();
    let trail = piece.len()
        - piece
            .trim_end_matches(|c: char| c.is_whitespace() || c == '+' || c == '`')
            .len();
    if lead + trail >= piece.len() {
        return None;
    }
    let (start, end) = (start + lead, end - trail);
    let end = context::floor(content, end.min(start + MAX));
    (end > start + 2).then_some((start, end))
}

/// The subject of a certificate (RFC 4514), not of a message.
fn is_distinguished_name(text: &str) -> bool {
    ["CN=", "CN =", "OU=", "O=", "C="]
        .iter()
        .any(|p| text.starts_with(p) || text.contains(&format!(", {p}")))
        || text.starts_with("C =")
}

fn looks_like_agent(text: &str) -> bool {
    // A product token (RFC 9110, section 10.1.5), not a sentence about agents.
    let first = text.split_whitespace().next().unwrap_or("");
    if text.contains("://") || text.ends_with(';') || first.starts_with("navigator.") {
        return false;
    }
    first.contains('/') || (text.split_whitespace().count() <= 3 && first.len() > 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Vec<(IndicatorKind, String)> {
        let l = &context::lines(line)[0];
        values(line, l)
            .into_iter()
            .map(|(v, ..)| (v.kind, v.value))
            .collect()
    }

    #[test]
    fn labels() {
        use IndicatorKind::*;
        let v = |k, s: &str| vec![(k, s.to_owned())];
        assert_eq!(
            one("- User-Agent: python-requests/2.28.1"),
            v(UserAgent, "python-requests/2.28.1")
        );
        assert_eq!(
            one("| User agent | Mozilla/5.0 (X11) | used"),
            v(UserAgent, "Mozilla/5.0 (X11)")
        );
        assert_eq!(
            one("the user agent `Go-http-client/1.1` was"),
            v(UserAgent, "Go-http-client/1.1")
        );
        assert_eq!(
            one("Subject: Get started in your Outlook"),
            v(EmailSubject, "Get started in your Outlook")
        );
        assert_eq!(
            one("mail with the subject line “Votre dossier”"),
            v(EmailSubject, "Votre dossier")
        );
        assert_eq!(
            one("ayant pour objet « Mise à jour »"),
            v(EmailSubject, "Mise à jour")
        );
        assert!(one("this is subject to change: often").is_empty());
        assert!(one("the user agent changes with every request of the client").is_empty());
    }
}
