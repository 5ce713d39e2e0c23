//! From a matching rule to a finding.
//!
//! What a finding says comes from the rule's `meta`: `title` and `description` (else its name),
//! `level` (Sigma's five words; else `score` of 0 to 100 as YARA Forge writes it; else medium),
//! `technique` or `mitre_attack` (ids, separated by anything), `reference*`, `next`.

use vauban_ocsf::{Analytic, Finding, Level, Observable, ObservableKind, Place};
use yara_x::{MetaValue, Rule};

/// Places given of one finding, and of one pattern.
const MAX_PLACES: usize = 20;
const MAX_OF_PATTERN: usize = 3;
/// Octets of an excerpt.
const EXCERPT: usize = 160;

/// Findings of one file, in order of rule.
pub(crate) fn all<'a, 'r: 'a>(
    name: &str,
    content: &[u8],
    rules: impl Iterator<Item = Rule<'a, 'r>>,
) -> Vec<Finding> {
    let mut out: Vec<Finding> = rules.map(|r| one(name, content, &r)).collect();
    out.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.rule.cmp(&b.rule)));
    out
}

fn one(name: &str, content: &[u8], rule: &Rule<'_, '_>) -> Finding {
    let mut title = String::new();
    let mut description = String::new();
    let mut next = String::new();
    let mut level = None;
    let mut score = None;
    let mut techniques = Vec::new();
    let mut references = Vec::new();
    for (key, value) in rule.metadata() {
        let text = match value {
            MetaValue::String(s) => s.to_owned(),
            MetaValue::Integer(i) => i.to_string(),
            _ => continue,
        };
        match key.to_ascii_lowercase().as_str() {
            "title" => title = text,
            "description" => description = text,
            "next" => next = text,
            "level" => level = Level::from_level(&text.to_ascii_lowercase()),
            "score" => score = text.parse::<i64>().ok(),
            "technique" | "techniques" | "mitre_attack" => techniques.extend(ids(&text)),
            k if k.starts_with("reference") => references.push(text),
            _ => {}
        }
    }
    let mut places = Vec::new();
    let mut patterns = Vec::new();
    for pattern in rule.patterns() {
        let mut hit = false;
        for m in pattern.matches().take(MAX_OF_PATTERN) {
            hit = true;
            if places.len() < MAX_PLACES {
                places.push(place(name, content, m.range()));
            }
        }
        if hit {
            patterns.push(pattern.identifier().to_owned());
        }
    }
    if places.is_empty() {
        places.push(place(name, content, 0..0));
    }
    let what = match description.as_str() {
        "" => format!("The YARA rule {} matches.", rule.identifier()),
        d => d.to_owned(),
    };
    let reason = match patterns.len() {
        0 => what,
        _ => format!("{what} Patterns met: {}.", patterns.join(", ")),
    };
    Finding {
        rule: rule.identifier().to_owned(),
        analytic: Analytic::Content,
        title: if title.is_empty() {
            rule.identifier().replace('_', " ")
        } else {
            title
        },
        level: level.or(score.map(of_score)).unwrap_or(Level::Medium),
        reason,
        next,
        techniques,
        references,
        first: None,
        last: None,
        places,
        observables: vec![Observable {
            kind: ObservableKind::FilePath,
            name: "file.path".into(),
            value: name.to_owned(),
        }],
    }
}

fn place(name: &str, content: &[u8], range: std::ops::Range<usize>) -> Place {
    let before = content.get(..range.start).unwrap_or_default();
    let line = before.iter().filter(|b| **b == b'\n').count() as u64 + 1;
    let shown = content.get(range.clone()).unwrap_or_default();
    let shown = shown.get(..EXCERPT).unwrap_or(shown);
    Place {
        artefact: name.to_owned(),
        offset: range.start as u64,
        length: range.len() as u64,
        line: Some(line),
        excerpt: String::from_utf8_lossy(shown).into_owned(),
    }
}

/// ATT&CK technique ids in a text.
fn ids(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .filter(|w| {
            w.len() >= 5
                && w.starts_with('T')
                && w[1..].bytes().all(|b| b.is_ascii_digit() || b == b'.')
        })
        .map(str::to_owned)
        .collect()
}

fn of_score(score: i64) -> Level {
    match score {
        ..=19 => Level::Informational,
        20..=39 => Level::Low,
        40..=64 => Level::Medium,
        65..=84 => Level::High,
        _ => Level::Critical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meta_becomes_the_finding() {
        let text = r#"rule x { meta: title = "T" description = "D." level = "high" technique = "T1505.003, T1059" reference = "https://example.org" next = "N" strings: $a = "two" condition: $a }
            rule forge { meta: score = 75 condition: filesize > 0 }"#;
        let (rules, errors) = crate::Rules::compile([("x.yar", text.as_bytes())]);
        assert!(errors.is_empty(), "{errors:?}");
        let found = rules.scan("a.php", b"one\ntwo two\n").unwrap();
        let (forge, x) = (&found[0], &found[1]);
        assert_eq!((forge.rule.as_str(), forge.level), ("forge", Level::High));
        assert_eq!(x.reason, "D. Patterns met: $a.");
        assert_eq!(x.techniques, ["T1505.003", "T1059"]);
        assert_eq!((x.next.as_str(), x.title.as_str()), ("N", "T"));
        let places: Vec<_> = x
            .places
            .iter()
            .map(|p| (p.offset, p.length, p.line))
            .collect();
        assert_eq!(places, [(4, 3, Some(2))]);
    }
}
