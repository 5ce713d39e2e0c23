//! Matching a line against a layout.

use super::field::{Field, Shape};
use super::{Layout, Step};
use crate::stamp::Clock;
use crate::web::record::Record;
use std::borrow::Cow;

/// Places a match may try before a line counts as not of this layout. Lines of a well-chosen
/// layout take one per field; the limit keeps a hostile line from costing more.
const BUDGET: u32 = 256;

/// Whether a layout can tell where `a` ends when `b` follows with nothing in between.
pub(super) fn separable(a: &Field, b: &Field) -> bool {
    // `%U%q`: the query starts with `?`. A number ends where no digit is, brackets at `]`.
    matches!((a, b), (Field::Path, Field::Query))
        || (a.shape() == Shape::Number && b.shape() != Shape::Number)
        || a.shape() == Shape::Bracketed
        || b.shape() == Shape::Bracketed
}

/// A layout being run over lines; keeps its scratch space between them.
pub(in crate::web) struct Program<'p> {
    layout: &'p Layout,
    /// `(step, start, end)` of each field of the line at hand.
    found: Vec<(usize, usize, usize)>,
}

impl<'p> Program<'p> {
    pub fn new(layout: &'p Layout) -> Self {
        Self {
            layout,
            found: Vec::new(),
        }
    }

    /// Reads a line and gives the record to `take`. `false` if the line is not of this layout or
    /// has no readable time.
    pub fn read(
        &mut self,
        line: &str,
        clock: &Clock<'_>,
        take: &mut dyn FnMut(Record<'_>),
    ) -> bool {
        self.found.clear();
        let mut budget = BUDGET;
        if !self.matches(0, line, 0, &mut budget) {
            return false;
        }
        // Most lines escape nothing: then no text needs decoding, and nothing is allocated.
        let texts: Vec<Cow<'_, str>> = if memchr::memchr(b'\\', line.as_bytes()).is_none() {
            Vec::new()
        } else {
            let decode = |&(_, start, end): &(usize, usize, usize)| {
                self.layout
                    .escape
                    .decode(line.get(start..end).unwrap_or_default())
            };
            self.found.iter().map(decode).collect()
        };
        let mut record = Record::default();
        record.http.time_is = self.layout.time_is;
        for (index, &(step, start, end)) in self.found.iter().enumerate() {
            let raw = line.get(start..end).unwrap_or_default();
            let text = texts.get(index).map_or(raw, |text| text);
            if let Some(Step::Field(field)) = self.layout.steps.get(step) {
                field.fill(text, &mut record, clock);
                if *field == Field::Request && record.http.malformed {
                    // Bytes of some other protocol: the log's own notation is the only readable one.
                    record.http.path = raw;
                }
            }
        }
        record.finish(clock);
        if record.time.is_none() {
            return false;
        }
        take(record);
        true
    }

    /// Matches the steps from `index` on at `at`.
    fn matches(&mut self, index: usize, line: &str, at: usize, budget: &mut u32) -> bool {
        let (mut index, mut at) = (index, at);
        let layout = self.layout;
        loop {
            let Some(rest) = line.get(at..) else {
                return false;
            };
            match layout.steps.get(index) {
                None => return rest.trim_ascii().is_empty(),
                Some(Step::Literal(text)) => {
                    if !rest.starts_with(text.as_str()) {
                        return false;
                    }
                    at += text.len();
                    index += 1;
                }
                Some(Step::Field(field)) => {
                    if let Some(length) = definite(field, rest) {
                        let Some(length) = length else { return false };
                        self.found.push((index, at, at + length));
                        at += length;
                        index += 1;
                        continue;
                    }
                    return self.try_ends(field, index, line, at, budget);
                }
            }
        }
    }

    /// Tries, nearest first, the places where the field at `index` may end.
    fn try_ends(
        &mut self,
        field: &Field,
        index: usize,
        line: &str,
        at: usize,
        budget: &mut u32,
    ) -> bool {
        let rest = line.get(at..).unwrap_or_default();
        let layout = self.layout;
        let stop: &str = match layout.steps.get(index + 1) {
            None => {
                self.found.push((index, at, line.len()));
                return true;
            }
            Some(Step::Literal(text)) => text,
            Some(Step::Field(Field::Query)) => {
                // Empty, or from `?` up to what ends the query.
                let end = match layout.steps.get(index + 2) {
                    Some(Step::Literal(text)) => rest.find(text.as_str()),
                    _ => Some(rest.len()),
                };
                let Some(end) = end else { return false };
                let end = rest
                    .get(..end)
                    .and_then(|path| path.find('?'))
                    .unwrap_or(end);
                self.found.push((index, at, at + end));
                return self.matches(index + 1, line, at + end, budget);
            }
            Some(Step::Field(_)) => "[",
        };
        let quoted = stop.starts_with('"') && layout.escape != super::Escape::None;
        let mut from = 0;
        // The first byte of what stops the field is looked for as fast as memory allows.
        let first = stop.as_bytes().first().copied().unwrap_or_default();
        while let Some(found) = rest
            .as_bytes()
            .get(from..)
            .and_then(|bytes| memchr::memchr(first, bytes))
        {
            let end = from + found;
            if !rest
                .as_bytes()
                .get(end..)
                .is_some_and(|bytes| bytes.starts_with(stop.as_bytes()))
            {
                from = end + 1;
                continue;
            }
            from = end + stop.chars().next().map_or(1, char::len_utf8);
            let text = rest.get(..end).unwrap_or_default();
            if quoted && is_escaped(text) {
                continue;
            }
            if field.shape() == Shape::Word && text.contains(' ') {
                return false;
            }
            let Some(left) = budget.checked_sub(1) else {
                return false;
            };
            *budget = left;
            let mark = self.found.len();
            self.found.push((index, at, at + end));
            if self.matches(index + 1, line, at + end, budget) {
                return true;
            }
            self.found.truncate(mark);
        }
        false
    }
}

/// The length of a field whose text says itself where it ends: `Some(None)` if it is not there.
fn definite(field: &Field, rest: &str) -> Option<Option<usize>> {
    match field.shape() {
        Shape::Number => {
            let end = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-')
                .unwrap_or(rest.len());
            // nginx leaves an unset number empty where `escape=json` is in force.
            Some(Some(end))
        }
        Shape::Bracketed => Some(
            rest.strip_prefix('[')
                .and_then(|inner| inner.find(']'))
                .map(|end| end + 2),
        ),
        Shape::Word | Shape::Text => None,
    }
}

/// Whether the character after `text` is escaped: an odd number of backslashes ends it.
fn is_escaped(text: &str) -> bool {
    text.bytes().rev().take_while(|&b| b == b'\\').count() % 2 == 1
}
