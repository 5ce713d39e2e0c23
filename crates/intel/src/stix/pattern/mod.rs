//! STIX patterns: the language (STIX 2.1, section 9) as a tree, and its evaluation.
//!
//! [`Pattern::parse`] accepts what the grammar accepts and says of anything else where it goes
//! wrong. [`Pattern::find`] evaluates over observations at hand; [`PatternSet`] over a stream of
//! events, keeping of each only when it was and which bracket it satisfied. What an observation has
//! is told by [`Observed`]; an event is one through [`EventObservation`].
//!
//! Where the text of the standard leaves room:
//! - What is joined by AND inside brackets must hold of one object of each type it names. The
//!   standard's examples name one type; MISP writes several, which is taken as: in one observation.
//! - A negated comparison still needs the property: `[file:name != 'a']` is not met by a file
//!   without a name. Only `NOT EXISTS` is met by absence.
//! - Expressions joined by AND or FOLLOWEDBY, and the repetitions of REPEATS, take observations of
//!   their own: one event does not stand for two.
//! - `file:hashes.'SHA-256'`, `SHA256` and `sha256` are the same key; hash values and domain names
//!   are compared without regard to case, all else byte by byte.

pub mod ast;
mod eval;
mod lex;
mod observed;
mod parse;
mod run;
pub(crate) mod values;

pub use eval::Found;
pub use observed::{EventObservation, Observed, Scalar};
pub use run::{PatternRun, PatternSet};

use ast::{Comparison, Observation, Operator};
use std::collections::HashMap;

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {at}: {why}")]
pub struct PatternError {
    /// Byte of the pattern.
    pub at: usize,
    /// What is wrong there.
    pub why: String,
}

fn fault(at: usize, why: impl Into<String>) -> PatternError {
    PatternError {
        at,
        why: why.into(),
    }
}

/// A pattern that can be evaluated.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    root: Observation,
    /// Compiled regular expressions, by their text.
    regexes: HashMap<String, regex_lite::Regex>,
    unusable: Vec<String>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// If the grammar, or a rule beside it, forbids it.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        parse::pattern(text)
    }

    fn new(text: &str, root: Observation) -> Self {
        let mut pattern = Self {
            text: text.to_owned(),
            root,
            regexes: HashMap::new(),
            unusable: Vec::new(),
        };
        let mut wanted = Vec::new();
        for leaf in pattern.leaves() {
            each_test(leaf, &mut |_, operator, _| {
                if let Operator::Matches(text) = operator {
                    wanted.push(text.clone());
                }
            });
        }
        for text in wanted {
            match regex_lite::RegexBuilder::new(&text)
                .size_limit(1 << 22)
                .build()
            {
                Ok(regex) => {
                    pattern.regexes.insert(text, regex);
                }
                // Perl's look-around and back references are in the standard's reach, not ours.
                Err(error) => pattern
                    .unusable
                    .push(format!("MATCHES '{text}' cannot be evaluated: {error}")),
            }
        }
        pattern
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The tree.
    pub fn root(&self) -> &Observation {
        &self.root
    }

    /// Comparisons that are valid and never true here, in words.
    pub fn unusable(&self) -> &[String] {
        &self.unusable
    }

    /// The expressions in brackets, in order.
    pub fn leaves(&self) -> Vec<&Comparison> {
        let mut all = Vec::new();
        leaves(&self.root, &mut all);
        all
    }

    /// Whether it only lists values, any of which will do: `[a = 1 OR b IN (2, 3)] OR [c = 4]`.
    /// Such a pattern is looked for as indicators.
    pub fn is_list_of_values(&self) -> bool {
        fn plain(c: &Comparison) -> bool {
            match c {
                Comparison::Test {
                    operator, negated, ..
                } => {
                    !negated
                        && matches!(
                            operator,
                            Operator::Equal(_) | Operator::In(_) | Operator::IsSubset(_)
                        )
                }
                Comparison::Or(all) => all.iter().all(plain),
                Comparison::And(_) => false,
            }
        }
        fn any(o: &Observation) -> bool {
            match o {
                Observation::One(c) => plain(c),
                Observation::Or(all) => all.iter().all(any),
                _ => false,
            }
        }
        any(&self.root)
    }
}

fn leaves<'a>(o: &'a Observation, into: &mut Vec<&'a Comparison>) {
    match o {
        Observation::One(c) => into.push(c),
        Observation::And(all) | Observation::Or(all) | Observation::FollowedBy(all) => {
            all.iter().for_each(|o| leaves(o, into));
        }
        Observation::Within(o, _) | Observation::Repeats(o, _) | Observation::StartStop(o, ..) => {
            leaves(o, into);
        }
    }
}

/// Every single comparison of a bracket.
fn each_test<'a>(c: &'a Comparison, take: &mut dyn FnMut(&'a ast::ObjectPath, &'a Operator, bool)) {
    match c {
        Comparison::Test {
            path,
            operator,
            negated,
        } => take(path, operator, *negated),
        Comparison::And(all) | Comparison::Or(all) => all.iter().for_each(|c| each_test(c, take)),
    }
}
