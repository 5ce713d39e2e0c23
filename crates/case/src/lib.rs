//! Events and mail stores turned into a case: sessions, actors, the ledger of what was read, its
//! bounds, coverage and verdict.
//!
//! **What this crate deliberately is not:** it reads no file and no clock, renders nothing, and
//! matches no text patterns of its own; what it concludes follows from events, from the store, and
//! from rule files.

pub mod contract;
