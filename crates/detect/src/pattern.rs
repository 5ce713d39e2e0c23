//! Sigma's string values: plain text with `*` and `?`, compared without regard to case unless
//! `cased` asks for it.

use rsigma_parser::{SigmaString, SpecialChar, StringPart};

/// Appends `text` in lower case, character by character.
///
/// No context decides (a word-final `Σ` becomes `σ` like any other), so that a part of a value is
/// lowered as it would be alone, which searching for parts needs.
pub(crate) fn push_lower(out: &mut String, text: &str) {
    if text.is_ascii() {
        let from = out.len();
        out.push_str(text);
        if let Some(new) = out.get_mut(from..) {
            new.make_ascii_lowercase();
        }
    } else {
        out.extend(text.chars().flat_map(char::to_lowercase));
    }
}

/// `text` in lower case, as [`push_lower`] has it.
pub(crate) fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// This text.
    Text(String),
    /// `?`: any one character.
    One,
    /// `*`: any characters, also none, line ends included.
    Many,
}

/// A value with wildcards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Pattern {
    pub parts: Vec<Part>,
}

impl Pattern {
    pub fn of(value: &SigmaString) -> Self {
        let mut out = Self::default();
        for part in &value.parts {
            match part {
                StringPart::Plain(text) => out.push_text(text),
                StringPart::Special(SpecialChar::WildcardMulti) => out.push_many(),
                StringPart::Special(SpecialChar::WildcardSingle) => out.parts.push(Part::One),
            }
        }
        out
    }

    pub fn text(text: &str) -> Self {
        let mut out = Self::default();
        out.push_text(text);
        out
    }

    pub fn push_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(Part::Text(last)) = self.parts.last_mut() {
            last.push_str(text);
        } else {
            self.parts.push(Part::Text(text.to_owned()));
        }
    }

    pub fn push_many(&mut self) {
        if self.parts.last() != Some(&Part::Many) {
            self.parts.push(Part::Many);
        }
    }

    /// The text, if there is no wildcard in it.
    pub fn plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    pub fn map_text(&self, f: impl Fn(&str) -> String) -> Self {
        Self {
            parts: self
                .parts
                .iter()
                .map(|p| match p {
                    Part::Text(t) => Part::Text(f(t)),
                    other => other.clone(),
                })
                .collect(),
        }
    }
}

/// Where in the value a text must stand.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    /// It is the whole value.
    Whole,
    /// The value begins with it.
    Start,
    /// The value ends with it.
    End,
    /// Anywhere.
    Anywhere,
}

/// A pattern in the simplest form that means the same: most wildcards in rules stand at an end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// Text at a place.
    Text(Place, String),
    /// Wildcards within.
    Glob(Glob),
    /// Any text at all.
    Any,
}

impl Shape {
    pub fn new(pattern: &Pattern, place: Place) -> Self {
        let mut open_start = matches!(place, Place::End | Place::Anywhere);
        let mut open_end = matches!(place, Place::Start | Place::Anywhere);
        let mut parts = pattern.parts.as_slice();
        while let [Part::Many, rest @ ..] = parts {
            open_start = true;
            parts = rest;
        }
        while let [rest @ .., Part::Many] = parts {
            open_end = true;
            parts = rest;
        }
        let place = match (open_start, open_end) {
            (false, false) => Place::Whole,
            (false, true) => Place::Start,
            (true, false) => Place::End,
            (true, true) => Place::Anywhere,
        };
        match parts {
            [] if place == Place::Whole => Self::Text(Place::Whole, String::new()),
            [] => Self::Any,
            [Part::Text(text)] => Self::Text(place, text.clone()),
            _ => Self::Glob(Glob::new(parts, open_start, open_end)),
        }
    }
}

/// A pattern with wildcards within, split at its `*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Glob {
    segments: Vec<Vec<Part>>,
    open_start: bool,
    open_end: bool,
}

impl Glob {
    fn new(parts: &[Part], open_start: bool, open_end: bool) -> Self {
        let segments = parts
            .split(|p| *p == Part::Many)
            .map(<[Part]>::to_vec)
            .filter(|s| !s.is_empty())
            .collect();
        Self {
            segments,
            open_start,
            open_end,
        }
    }

    /// Texts that must all stand in a value that matches.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().flatten().filter_map(|p| match p {
            Part::Text(t) => Some(t.as_str()),
            _ => None,
        })
    }

    pub fn is_match(&self, hay: &str) -> bool {
        let mut from = 0;
        let mut upto = hay.len();
        let mut segments = self.segments.as_slice();
        if !self.open_start
            && let [first, rest @ ..] = segments
        {
            match segment_at(first, hay, 0) {
                Some(end) => from = end,
                None => return false,
            }
            if rest.is_empty() {
                return self.open_end || from == hay.len();
            }
            segments = rest;
        }
        if !self.open_end
            && let [rest @ .., last] = segments
        {
            match segment_before_end(last, hay) {
                Some(start) if start >= from => upto = start,
                _ => return false,
            }
            segments = rest;
        }
        for segment in segments {
            match find_segment(segment, hay, from) {
                Some(end) if end <= upto => from = end,
                _ => return false,
            }
        }
        true
    }
}

/// The end of `segment` if it stands at `from`.
fn segment_at(segment: &[Part], hay: &str, from: usize) -> Option<usize> {
    let mut at = from;
    for part in segment {
        let rest = hay.get(at..)?;
        at += match part {
            Part::Text(t) => rest.starts_with(t.as_str()).then_some(t.len())?,
            _ => rest.chars().next()?.len_utf8(),
        };
    }
    Some(at)
}

/// The start of `segment` if the value ends with it.
fn segment_before_end(segment: &[Part], hay: &str) -> Option<usize> {
    let mut end = hay.len();
    for part in segment.iter().rev() {
        let rest = hay.get(..end)?;
        end -= match part {
            Part::Text(t) => rest.ends_with(t.as_str()).then_some(t.len())?,
            _ => rest.chars().next_back()?.len_utf8(),
        };
    }
    Some(end)
}

/// The end of the first `segment` from `from` on.
fn find_segment(segment: &[Part], hay: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        if let Some(Part::Text(t)) = segment.first() {
            at += memchr::memmem::find(hay.as_bytes().get(at..)?, t.as_bytes())?;
        }
        if let Some(end) = segment_at(segment, hay, at) {
            return Some(end);
        }
        at += hay.get(at..)?.chars().next()?.len_utf8();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn glob(pattern: &str, place: Place, value: &str) -> bool {
        match Shape::new(&Pattern::of(&SigmaString::new(pattern)), place) {
            Shape::Any => true,
            Shape::Glob(g) => g.is_match(value),
            Shape::Text(Place::Whole, t) => value == t,
            Shape::Text(Place::Start, t) => value.starts_with(&t),
            Shape::Text(Place::End, t) => value.ends_with(&t),
            Shape::Text(Place::Anywhere, t) => value.contains(&t),
        }
    }

    #[test]
    fn wildcards_as_specified() {
        let table = [
            ("prog?.exe", "proga.exe", true),
            ("prog?.exe", "prog.exe", false),
            ("a*v*.exe", "antivirus_v21.2.exe", true),
            ("a*v*.exe", "antivirus_v21.2.exe ", false),
            (r"c:\*", "c:*", true),
            (r"c:\*", r"c:\x", false),
            (r"c:\\*", r"c:\x", true),
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
            (r"a\?b", "a?b", true),
            (r"a\\\*b", r"a\*b", true),
            (r"a\b", r"a\b", true),
            (r"a\\b", r"a\b", true),
            ("a*", "a\nb", true),
            ("?", "é", true),
            ("??", "é", false),
            ("a?*b", "ab", false),
            ("a?*b", "axb", true),
            ("*ab*ab", "abab", true),
            ("*ab*ab", "ab", false),
            ("", "", true),
            ("", "x", false),
            ("*", "", true),
        ];
        for (pattern, value, expected) in table {
            assert_eq!(
                glob(pattern, Place::Whole, value),
                expected,
                "{pattern} on {value:?}"
            );
        }
        assert!(glob("a?c", Place::Anywhere, "xxabcxx"));
        assert!(glob("a?c", Place::End, "xxabc"));
        assert!(!glob("a?c", Place::End, "xxabcx"));
        assert!(glob("a?c", Place::Start, "abcx"));
    }

    /// The definition, by trying everything.
    fn slow(parts: &[Part], hay: &str) -> bool {
        match parts {
            [] => hay.is_empty(),
            [Part::Text(t), rest @ ..] => hay
                .strip_prefix(t.as_str())
                .is_some_and(|hay| slow(rest, hay)),
            [Part::One, rest @ ..] => {
                let mut chars = hay.chars();
                chars.next().is_some() && slow(rest, chars.as_str())
            }
            [Part::Many, rest @ ..] => hay
                .char_indices()
                .map(|(i, _)| i)
                .chain([hay.len()])
                .any(|i| hay.get(i..).is_some_and(|hay| slow(rest, hay))),
        }
    }

    proptest! {
        #[test]
        fn globs_mean_what_they_say(pattern in "[ab?*é]{0,7}", value in "[abé]{0,9}") {
            let parsed = Pattern::of(&SigmaString::new(&pattern));
            prop_assert_eq!(glob(&pattern, Place::Whole, &value), slow(&parsed.parts, &value));
        }

        #[test]
        fn lowering_parts_is_lowering_the_whole(a in "\\PC{0,8}", b in "\\PC{0,8}") {
            let mut whole = String::new();
            push_lower(&mut whole, &format!("{a}{b}"));
            prop_assert_eq!(whole, format!("{}{}", lower(&a), lower(&b)));
        }
    }
}
