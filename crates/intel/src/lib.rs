//! Advisories and feeds turned into indicators, claims and techniques.
//!
//! **What this crate deliberately is not:** it fetches nothing, matches nothing against events,
//! and names no actor on its own account.

mod advisory;

pub use advisory::*;
