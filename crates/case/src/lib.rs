//! Events and mail stores turned into a case: sessions, actors, the ledger of what was read, its
//! bounds, coverage and verdict.
//!
//! The way through: [`observe`] folds events into records; [`daemon`] and [`webmail`] join them to
//! sessions; [`client`] says whose they are; [`facts`] computes what rules judge and [`judge`]
//! labels; [`ledger`] and [`bounds`] say what was reached and what left; [`coverage`] says what
//! could have been seen; [`verdict`] concludes. [`build::build`] runs them in this order.
//!
//! **What this crate deliberately is not:** it reads no file and no clock, renders nothing, and
//! matches no text patterns of its own; what it concludes follows from events, from the store, and
//! from rule files.

pub mod accounts;
pub mod bounds;
pub mod build;
pub mod builtin_rules;
pub mod client;
pub mod contract;
pub mod coverage;
pub mod daemon;
pub mod facts;
pub mod findings;
pub mod inputs;
pub mod intern;
pub mod judge;
pub mod ledger;
pub mod model;
#[allow(missing_docs)] // The records' fields are those of the events they fold.
pub mod observe;
pub mod profile;
pub mod rules;
pub mod universe;
pub mod verdict;
pub mod webmail;
pub mod webreq;

pub use build::build;
