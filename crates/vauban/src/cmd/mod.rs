//! One file per command.

pub mod completions;
pub mod investigate;
pub mod man;
pub mod rules;
