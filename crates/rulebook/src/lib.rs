//! Sigma rules as files: the pack built into the program, the examples that stand beside rules,
//! lints, explanations in words, and what rules can never fire on given evidence.
//!
//! - `pack`: files of rules, built in and of a directory;
//! - `book`: the rules of files, parsed, with what each needs;
//! - `example`: log lines that must and must not match, run through parsers and engine;
//! - `lint`: what is wrong or doubtful in rule files;
//! - `coverage`: which rules can never fire on given evidence, and why;
//! - `explain`: a rule in words;
//! - `words`: the vocabulary of rules, for people.
//!
//! **What this crate deliberately is not:** it evaluates no rule (`vauban-detect` does), parses no
//! log (`vauban-sources` does), opens no file but rules.

mod book;
mod coverage;
mod example;
mod explain;
mod lint;
mod pack;
mod words;

pub use book::{Book, Entry, Kind};
pub use coverage::{Never, Seen};
pub use example::{Report, run_examples};
pub use explain::explain;
pub use lint::{Lint, Weight, lint};
pub use pack::{RuleFile, builtin, load};
pub use words::classes;
