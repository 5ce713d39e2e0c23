//! Advisories and feeds turned into indicators, claims and techniques.
//!
//! [`parse`] takes the bytes of one document (a STIX bundle, a MISP event, a CSV file, an
//! article) and gives an [`Advisory`]: every value that could be an indicator, with one sentence
//! that says why it was kept or dropped. [`IndicatorSet`] looks values of the evidence up in what
//! was kept, [`Matcher`] whole events and raw lines, [`PatternSet`] evaluates STIX patterns over events.
//! [`WarningLists`] holds what must never be flagged.
//!
//! To add a document format: write one file with a function that fills a `Collector`, and
//! recognise it in `parse.rs`. To add a reason for dropping a value in an article: `text/judge.rs`.
//!
//! **What this crate deliberately is not:** it fetches nothing (`vauban-taxii` does), opens no file,
//! and names no actor on its own account. It does not guess techniques from their names.

mod address;
mod advisory;
mod collect;
mod csv;
pub mod feed;
mod ids;
mod matcher;
mod misp;
mod parse;
mod raw;
mod set;
mod stix;
mod text;
mod time;
mod value;
mod warning;

pub use advisory::*;
pub use matcher::{
    Field, FieldValue, IndicatorRef, Judgement, Matcher, Role, Seen, each_field, role_of,
};
pub use parse::parse;
pub use set::{IndicatorSet, Match};
pub use stix::pattern::values::{Comparison, Negation, comparisons};
pub use stix::pattern::{self, Pattern, PatternRun, PatternSet};
pub use warning::{ListError, WarningHit, WarningLists};
