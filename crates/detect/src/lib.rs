//! Detections: events in, findings out. Sigma 2.1 rules, filters and correlations are compiled
//! once and evaluated over any record that can say its fields.
//!
//! **What this crate deliberately is not:** it opens no file, follows no log, keeps no clock; it
//! is given records and gives matches. Deciding whether an account was breached is `vauban-case`'s.

mod taxonomy;
mod value;

pub use taxonomy::{Described, LogSource, describe, vocabulary};
pub use value::Value;
