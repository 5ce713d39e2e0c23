//! Marking rules: words that make a text sensitive.
//!
//! A marking is a stamp, not a word: "secret" in a sentence marks nothing, `SECRET` alone on a
//! line or in brackets does. So each pattern says where it counts:
//!
//! - `stamp`: upper case, and alone on its line but for decoration, numbers and a few words set
//!   apart (header, footer, cell), or in brackets;
//! - `line`: alone on its line, any case;
//! - `upper`: upper case, anywhere, for words that are a stamp wherever they stand in capitals;
//! - `text`: anywhere, any case, for words that nobody writes by chance;
//! - `label`: anywhere, exact case (TLP:RED).

use regex::Regex;
use serde::Deserialize;

use crate::text::fold;

/// A marking rule, compiled.
#[derive(Clone, Debug)]
pub struct MarkingRule {
    /// Stable name ("fr-diffusion-restreinte").
    pub id: String,
    /// How it is written ("DIFFUSION RESTREINTE").
    pub label: String,
    /// English explanation.
    pub reason: String,
    /// French explanation.
    pub reason_fr: String,
    /// Regulation or standard.
    pub references: Vec<String>,
    /// How sensitive, 1 (restricted) to 4 (top secret): the order of classes in a report.
    pub rank: u8,
    patterns: Vec<Pattern>,
    examples: Vec<Example>,
}

/// A marking found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkingMatch {
    /// Id of the rule.
    pub rule: String,
    /// Byte offset in the text.
    pub offset: usize,
    /// The line it stands in, shortened.
    pub line: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    Stamp,
    Line,
    Upper,
    Text,
    Label,
}

#[derive(Clone, Debug)]
struct Pattern {
    place: Place,
    regex: Regex,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    marking: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    id: String,
    label: String,
    reason: String,
    reason_fr: String,
    #[serde(default)]
    references: Vec<String>,
    rank: u8,
    pattern: Vec<RawPattern>,
    #[serde(default)]
    example: Vec<Example>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPattern {
    place: Place,
    /// Regular expression over the folded text (lower case, no accents) for all places but
    /// `label`; word boundaries are added, and a blank stands for any white space, because text
    /// taken out of a PDF breaks lines between words.
    words: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    text: String,
    matches: bool,
}

/// Reads a marking file.
pub(super) fn from_toml(text: &str) -> Result<Vec<MarkingRule>, String> {
    let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
    file.marking
        .into_iter()
        .map(|r| {
            if !r.example.iter().any(|e| e.matches) {
                return Err(format!("{}: a rule needs an example that it matches", r.id));
            }
            let patterns = r
                .pattern
                .into_iter()
                .map(|p| {
                    let regex =
                        Regex::new(&format!(r"\b(?:{})\b", p.words.replace(' ', r"\s{1,6}")))
                            .map_err(|e| format!("{}: {e}", r.id))?;
                    Ok(Pattern {
                        place: p.place,
                        regex,
                    })
                })
                .collect::<Result<Vec<_>, String>>()?;
            Ok(MarkingRule {
                id: r.id,
                label: r.label,
                reason: r.reason,
                reason_fr: r.reason_fr,
                references: r.references,
                rank: r.rank,
                patterns,
                examples: r.example,
            })
        })
        .collect()
}

/// A text with its folded form; byte offsets of the folded form lead back to the text.
struct Folded<'t> {
    text: &'t str,
    folded: String,
    /// For each folded character: (offset in folded, offset in text), only where they part.
    shifts: Vec<(usize, usize)>,
}

impl<'t> Folded<'t> {
    fn new(text: &'t str) -> Self {
        let mut folded = String::with_capacity(text.len());
        let mut shifts = vec![(0, 0)];
        let mut delta = 0isize;
        for (at, c) in text.char_indices() {
            let d = at as isize - folded.len() as isize;
            if d != delta {
                delta = d;
                shifts.push((folded.len(), at));
            }
            folded.push(fold(c));
        }
        Self {
            text,
            folded,
            shifts,
        }
    }

    /// Offset in the text of an offset in the folded form.
    fn back(&self, folded: usize) -> usize {
        let i = self
            .shifts
            .partition_point(|(f, _)| *f <= folded)
            .saturating_sub(1);
        let (f, t) = self.shifts.get(i).copied().unwrap_or_default();
        (t + (folded - f)).min(self.text.len())
    }
}

/// Longest rest of a line that may stand beside a stamp, in letters.
const STAMP_COMPANY: usize = 24;

impl MarkingRule {
    fn find(&self, t: &Folded<'_>) -> Option<MarkingMatch> {
        for p in &self.patterns {
            let haystack = if p.place == Place::Label {
                t.text
            } else {
                &t.folded
            };
            for m in p.regex.find_iter(haystack).take(10_000) {
                let (from, to) = match p.place {
                    Place::Label => (m.start(), m.end()),
                    _ => (t.back(m.start()), t.back(m.end())),
                };
                let Some(word) = t.text.get(from..to) else {
                    continue;
                };
                let line_start = line_start(t.text, from);
                let line_end = line_end(t.text, to);
                let before = &t.text[line_start..from];
                let after = &t.text[to..line_end];
                let holds = match p.place {
                    Place::Text | Place::Label => true,
                    Place::Upper => is_upper(word),
                    Place::Line => letters(before) + letters(after) == 0,
                    Place::Stamp => is_upper(word) && (stands_alone(before, after)),
                };
                if holds {
                    return Some(MarkingMatch {
                        rule: self.id.clone(),
                        offset: from,
                        line: crate::text::brief(&t.text[line_start..line_end], 120),
                    });
                }
            }
        }
        None
    }

    pub(super) fn self_test(&self) -> Vec<String> {
        self.examples
            .iter()
            .filter(|e| self.find(&Folded::new(&e.text)).is_some() != e.matches)
            .map(|e| format!("marking {}: {:?} should be {}", self.id, e.text, e.matches))
            .collect()
    }
}

/// Longest piece of a line that is looked at on either side of a match, octets: a stamp stands
/// on a short line, and a long one is not searched again for each match.
const LINE_MAX: usize = 400;

fn line_start(text: &str, at: usize) -> usize {
    let mut near = at.saturating_sub(LINE_MAX);
    while !text.is_char_boundary(near) {
        near += 1;
    }
    text[near..at].rfind('\n').map_or(near, |i| near + i + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    let mut far = (at + LINE_MAX).min(text.len());
    while !text.is_char_boundary(far) {
        far -= 1;
    }
    text[at..far].find('\n').map_or(far, |i| at + i)
}

fn letters(s: &str) -> usize {
    s.chars().filter(|c| c.is_alphabetic()).count()
}

fn is_upper(s: &str) -> bool {
    s.chars().any(char::is_uppercase) && !s.chars().any(char::is_lowercase)
}

/// Whether the rest of the line is decoration: nothing, brackets around, or a few words
/// set apart by a dash, bar or colon.
fn stands_alone(before: &str, after: &str) -> bool {
    let (b, a) = (before.trim_end(), after.trim_start());
    if matches!(
        (b.chars().next_back(), a.chars().next()),
        (Some('['), Some(']')) | (Some('('), Some(')'))
    ) {
        return true;
    }
    let company = letters(before) + letters(after);
    if company == 0 {
        return true;
    }
    // "SECRET - SPÉCIAL FRANCE", "Page 2/7 - SECRET", "Classification : SECRET".
    let separated = |s: &str, end: bool| {
        let edge = if end {
            s.trim_end().chars().next_back()
        } else {
            s.trim_start().chars().next()
        };
        edge.is_none_or(|c| {
            matches!(
                c,
                '-' | '–' | '—' | '|' | '/' | ':' | '*' | '=' | '_' | '#' | '\t'
            )
        })
    };
    company <= STAMP_COMPANY && separated(before, true) && separated(after, false)
}

/// All marking rules, with one prefilter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Set {
    rules: Vec<MarkingRule>,
}

impl Set {
    pub(super) fn new(mut rules: Vec<MarkingRule>) -> Self {
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        Self { rules }
    }

    pub(super) fn into_rules(self) -> Vec<MarkingRule> {
        self.rules
    }

    pub(super) fn rules(&self) -> &[MarkingRule] {
        &self.rules
    }

    pub(super) fn find(&self, text: &str) -> Vec<MarkingMatch> {
        if self.rules.is_empty() || text.is_empty() {
            return Vec::new();
        }
        let folded = Folded::new(text);
        self.rules.iter().filter_map(|r| r.find(&folded)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_lead_back_to_the_text() {
        let text = "é\u{2019}À DIFFUSION";
        let f = Folded::new(text);
        let at = f.folded.find("diffusion").unwrap();
        assert_eq!(&text[f.back(at)..], "DIFFUSION");
    }
}
