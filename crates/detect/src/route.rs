//! Which rules a record's logsource leaves in play.
//!
//! For records that say little of themselves (JSON lines), a rule is out if it names a category,
//! product or service and the record names another one; what either side leaves open excludes
//! nothing. For our own events, whose logsource is known, a rule is in if its logsource is one of
//! the event's.

use crate::LogSource;
use crate::rule::RuleInfo;
use std::collections::HashMap;

/// Numbers for the words of logsources; a word no rule uses is [`OTHER`].
#[derive(Debug, Default)]
pub(crate) struct Routes {
    words: [HashMap<String, u32>; 3],
    rules: Vec<[Option<u32>; 3]>,
    sources: Vec<[String; 3]>,
}

/// A word that stands in no rule.
const OTHER: u32 = u32::MAX;

/// What is known of a record's logsource.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Route {
    /// Category, product and service, as far as the record says.
    Says([Option<u32>; 3]),
    /// All of it.
    Is(LogSource),
}

impl Route {
    /// Nothing.
    pub const UNKNOWN: Self = Self::Says([None; 3]);
}

impl Routes {
    pub fn new<'a>(rules: impl Iterator<Item = &'a RuleInfo>) -> Self {
        let mut out = Self::default();
        for rule in rules {
            let words = [&rule.category, &rule.product, &rule.service];
            let route = std::array::from_fn(|i| {
                let word = words[i]
                    .as_deref()
                    .map(str::trim)
                    .filter(|w| !w.is_empty())?;
                let next = out.words[i].len() as u32;
                Some(
                    *out.words[i]
                        .entry(word.to_ascii_lowercase())
                        .or_insert(next),
                )
            });
            out.rules.push(route);
            out.sources
                .push(words.map(|w| w.clone().unwrap_or_default()));
        }
        out
    }

    /// The route of a record that says this; `""` is not set.
    pub fn of(&self, category: &str, product: &str, service: &str) -> Route {
        let words = [category, product, service];
        Route::Says(std::array::from_fn(|i| self.word(i, words[i])))
    }

    fn word(&self, dimension: usize, word: &str) -> Option<u32> {
        let word = word.trim();
        if word.is_empty() {
            return None;
        }
        let words = self.words.get(dimension)?;
        if let Some(&id) = words.get(word) {
            return Some(id);
        }
        if word.bytes().any(|b| b.is_ascii_uppercase()) {
            return Some(
                words
                    .get(&word.to_ascii_lowercase())
                    .copied()
                    .unwrap_or(OTHER),
            );
        }
        Some(OTHER)
    }

    /// A bit for each rule that `route` leaves in play.
    pub fn open(&self, route: Route) -> Vec<u64> {
        let mut bits = vec![0; self.rules.len().div_ceil(64)];
        for (i, (rule, source)) in self.rules.iter().zip(&self.sources).enumerate() {
            let open = match &route {
                Route::Says(says) => rule
                    .iter()
                    .zip(says)
                    .all(|(r, e)| !matches!((r, e), (Some(r), Some(e)) if r != e)),
                Route::Is(is) => is.satisfies(&source[0], &source[1], &source[2]),
            };
            if open {
                bits[i / 64] |= 1 << (i % 64);
            }
        }
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_conflict_excludes() {
        let rule = |category: &str, product: &str| RuleInfo {
            category: Some(category.into()).filter(|c: &String| !c.is_empty()),
            product: Some(product.into()).filter(|c: &String| !c.is_empty()),
            ..RuleInfo::default()
        };
        let rules = [
            rule("process_creation", "windows"),
            rule("", "linux"),
            rule("webserver", ""),
        ];
        let routes = Routes::new(rules.iter());
        let open = |c, p| routes.open(routes.of(c, p, ""))[0];
        assert_eq!(open("", ""), 0b111);
        assert_eq!(open("", "Windows"), 0b101);
        assert_eq!(open("webserver", ""), 0b110);
        assert_eq!(open("webserver", "linux"), 0b110);
        assert_eq!(open("process_creation", "windows"), 0b001);
        assert_eq!(open("unheard-of", "windows"), 0);
    }
}
