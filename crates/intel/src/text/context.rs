//! What stands around a value: the heading above it, its line, its table cell.

/// What the values under a heading are.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// Nothing said.
    Neutral,
    /// Indicators.
    Indicators,
    /// References, authors, contacts.
    References,
    /// Victims, targets, what is legitimate.
    Victims,
    /// Measures, affected and fixed versions.
    Measures,
}

/// One line of the text with what its headings say.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) section: Section,
    /// The heading that says so.
    pub(crate) heading: (usize, usize),
    /// Whether the line is a heading itself.
    pub(crate) is_heading: bool,
}

/// Stems of words in headings, French and English; the first row that has one decides.
const HEADINGS: &[(Section, &[&str])] = &[
    (
        Section::Victims,
        &[
            "legitimate",
            "légitim",
            "victim",
            "benign",
            "bénin",
            "false positive",
            "faux positif",
            "allowlist",
            "whitelist",
            "cibles",
            "targeted org",
        ],
    ),
    (
        Section::Measures,
        &[
            "mitigation",
            "remediation",
            "remédiation",
            "recommend",
            "recommand",
            "workaround",
            "contre-mesure",
            "affected version",
            "fixed version",
            "versions",
            "hardening",
            "durcissement",
            "solution",
            "protect",
            "se protéger",
            "correctif",
        ],
    ),
    (
        Section::References,
        &[
            "reference",
            "référence",
            "further reading",
            "sources",
            "source:",
            "see also",
            "voir aussi",
            "bibliogra",
            "social media",
            "about us",
            "about the author",
            "à propos",
            "contact",
            "author$",
            "auteur$",
            "credits",
            "crédits",
            "en savoir plus",
            "acknowledg",
            "remerciement",
            "related articles",
            "learn more",
        ],
    ),
    (
        Section::Indicators,
        &[
            "indicator",
            "indicateur",
            "ioc",
            "c2",
            "c&c",
            "c&amp;c",
            "command and control",
            "hash",
            "sample",
            "échantillon",
            "network",
            "réseau",
            "domain",
            "ip address",
            "adresse",
            "urls",
            "url ",
            "malware",
            "infrastructure",
            "server",
            "serveur",
            "payload",
            "charge utile",
            "phishing",
            "hameçonnage",
            "email",
            "e-mail",
            "courriel",
            "sender",
            "expéditeur",
            "files",
            "fichier",
            "file name",
            "filenames",
            "artefact",
            "artifact",
            "traffic",
            "trafic",
            "compromis",
            "empreinte",
            "sha1",
            "sha-1",
            "sha256",
            "sha-256",
            "md5",
            "dropper",
            "loader",
            "backdoor",
            "exfiltration",
            "associated file",
            "distribution",
            "victimless",
        ],
    ),
];

/// Headings of references that are words of other headings, too.
const REFERENCE_TITLES: &[&str] = &[
    "links",
    "liens",
    "useful links",
    "liens utiles",
    "external links",
];

/// Splits `text` into lines and carries headings down.
pub(crate) fn lines(text: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    // Headings open above the current line: level, section, range.
    let mut open: Vec<(u8, Section, (usize, usize))> = Vec::new();
    let mut start = 0;
    while start <= text.len() {
        let end =
            memchr::memchr(b'\n', &text.as_bytes()[start..]).map_or(text.len(), |n| start + n);
        let next_end = memchr::memchr(b'\n', text.as_bytes().get(end + 1..).unwrap_or(b""))
            .map_or(text.len(), |n| end + 1 + n);
        let next = text.get(end + 1..next_end).unwrap_or("");
        let level = heading_level(&text[start..end], next);
        if let Some(level) = level {
            open.retain(|&(l, ..)| l < level);
            let title = text[start..end].to_lowercase();
            let bare = title.trim_matches(|c: char| !c.is_alphanumeric());
            let own = if REFERENCE_TITLES.contains(&bare) {
                Section::References
            } else {
                HEADINGS
                    .iter()
                    .find(|(_, stems)| stems.iter().any(|stem| has_stem(&title, stem)))
                    .map_or(Section::Neutral, |(s, _)| *s)
            };
            open.push((level, own, (start, end)));
        }
        // The deepest heading that says something decides; one that says nothing inherits.
        let (section, heading) = open
            .iter()
            .rev()
            .find(|(_, s, _)| *s != Section::Neutral)
            .map_or((Section::Neutral, (start, start)), |&(_, s, h)| (s, h));
        lines.push(Line {
            start,
            end,
            section,
            heading,
            is_heading: level.is_some(),
        });
        start = end + 1;
    }
    lines
}

/// Whether a word of `text` begins with `stem`, or is it, where the stem ends in `$` (plural
/// allowed).
fn has_stem(text: &str, stem: &str) -> bool {
    let whole = stem.ends_with('$');
    let stem = stem.trim_end_matches('$');
    text.match_indices(stem).any(|(at, _)| {
        let rest = &text[at + stem.len()..];
        let rest = rest.strip_prefix('s').unwrap_or(rest);
        if whole && rest.starts_with(char::is_alphanumeric) {
            return false;
        }
        text[..at]
            .chars()
            .next_back()
            .is_none_or(|c| !c.is_alphanumeric())
    })
}

/// Level 1–6 of a marked heading, 7 of a line that looks like one.
fn heading_level(line: &str, next: &str) -> Option<u8> {
    let line = line.trim_end();
    let text = line.trim_start();
    if text.is_empty() || text.len() > 160 {
        return None;
    }
    for mark in ['#', '='] {
        let n = text.bytes().take_while(|&b| b == mark as u8).count();
        if (1..=6).contains(&n) && text[n..].starts_with(' ') {
            return Some(n as u8);
        }
    }
    // Underlined (Markdown's setext, reStructuredText).
    let rule = next.trim();
    if rule.len() >= 3
        && (rule.bytes().all(|b| b == b'=') || rule.bytes().all(|b| b == b'-'))
        && text.chars().any(char::is_alphanumeric)
        && !text.contains('|')
    {
        return Some(if rule.starts_with('=') { 1 } else { 2 });
    }
    if text.starts_with(['-', '*', '|', '+', '>', '•']) && !text.starts_with("**") {
        return None;
    }
    let bare = text.trim_matches(['*', '_', ':', ' ']);
    let bold = text.starts_with("**") && text.trim_end_matches(':').ends_with("**");
    let title = text.starts_with('.') && text[1..].starts_with(|c: char| c.is_alphabetic());
    let letters = bare.chars().filter(|c| c.is_alphabetic()).count();
    let upper = letters >= 3 && !bare.chars().any(char::is_lowercase) && !bare.contains("[.]");
    let label = text.ends_with(':') && text.len() <= 90 && bare.split(' ').count() <= 12;
    (letters >= 3
        && (bold
            || title
            || label
            || (upper && bare.contains(char::is_alphabetic) && !bare.contains('.'))))
    .then_some(7)
}

/// How a value stands in its line.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Alone in its line or table cell.
    Alone,
    /// Behind a short label ("C2: …").
    Labelled,
    /// In running text.
    Running,
}

/// How the value at `start .. end` stands in the line.
pub(crate) fn standing(text: &str, line: &Line, start: usize, end: usize) -> Standing {
    const WINDOW: usize = 96;
    let blank =
        |c: char| c.is_whitespace() || "`+*-•·_'\"<>[]().,;:~|=!#\\\u{200b}“”«»".contains(c);
    let before_start = floor(text, start.saturating_sub(WINDOW).max(line.start));
    let after_end = floor(text, (end + WINDOW).min(line.end));
    let before = text.get(before_start..start).unwrap_or("");
    let after = text.get(end..after_end).unwrap_or("");
    let cell_before = before.rsplit(['|', '\t']).next().unwrap_or(before);
    let cell_after = after.split(['|', '\t']).next().unwrap_or(after);
    let cut_off = cell_before.len() == before.len() && before_start > line.start;
    let tail_blank = cell_after.chars().all(blank);
    if !cut_off && cell_before.chars().all(blank) && tail_blank {
        return Standing::Alone;
    }
    // List markers ("1.", "a)") count as nothing.
    let head = cell_before.trim().trim_end_matches(blank);
    let words = head.split_whitespace().count();
    let label = !cut_off
        && cell_before
            .trim_end()
            .trim_end_matches(['`', '*', '"', '“', '«', ' ', '+', '\''])
            .ends_with([':', '='])
        && words <= 8;
    if label
        && (tail_blank
            || cell_after
                .trim_start()
                .starts_with(['(', '-', '–', '—', '<', '/', ',', ';']))
    {
        return Standing::Labelled;
    }
    // "evil[.]org – served the loader", "1.2.3.4 (C2)", "1.2.3.4, 5.6.7.8".
    // Not where the line goes on with the sentence of the one before.
    let goes_on = cell_before.is_empty()
        && text[..line.start].trim_end_matches('\n').len() + 1 == line.start
        && text[..line.start]
            .trim_end()
            .ends_with(|c: char| c.is_alphanumeric() || c == ',')
        && cell_after.chars().filter(|c| *c == ' ').count() > 2;
    let opens = !cut_off && !goes_on && cell_before.chars().all(|c| blank(c) || c.is_ascii_digit());
    let next = cell_after
        .trim_start_matches(['`', '*', '"', '+', '\'', '_'])
        .trim_start();
    if opens && next.starts_with(['-', '–', '—', '(', ',', ';', '#', '<', '/', ':', '=']) {
        return Standing::Alone;
    }
    Standing::Running
}

/// The nearest character boundary at or before `at`.
pub(crate) fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_carry_down() {
        let text = "# Title\ntext\n## Indicators of compromise\n### Other\na\n## References\nb\nC2 SERVERS:\nc\nNOTES:\nd\n";
        let sections: Vec<Section> = lines(text).iter().map(|l| l.section).collect();
        use Section::*;
        assert_eq!(
            sections,
            [
                Neutral, Neutral, Indicators, Indicators, Indicators, References, References,
                Indicators, Indicators, References, References, References
            ]
        );
    }

    #[test]
    fn standings() {
        for (line, value, expected) in [
            ("- `1.2.3.4`", "1.2.3.4", Standing::Alone),
            ("| 1.2.3.4 | x", "1.2.3.4", Standing::Alone),
            ("SHA256 hash: abcd", "abcd", Standing::Labelled),
            ("the server 1.2.3.4 was seen", "1.2.3.4", Standing::Running),
            ("1.2.3.4 - C2 server", "1.2.3.4", Standing::Alone),
            ("1. evil.org", "evil.org", Standing::Running),
        ] {
            let at = line.find(value).unwrap();
            let l = &lines(line)[0];
            assert_eq!(standing(line, l, at, at + value.len()), expected, "{line}");
        }
    }
}
