//! The vocabulary that everything between `sources` and `case` speaks: OCSF 1.8 event classes as
//! typed rows.
//!
//! A row borrows its strings from the line it was parsed from, so producing one allocates
//! nothing. [`Event`] is the row; [`Body`] is its class. The OCSF class and activity numbers are
//! given by [`Body::class_uid`] and [`Body::activity_id`]; `docs/OCSF.md` says how each field maps
//! to an OCSF attribute path.
//!
//! **What this crate deliberately is not:** it parses nothing, reads no file, keeps no state and
//! judges nothing. It does not depend on Arrow either: the columnar form of these rows lives in
//! `vauban-lake`, so that a program that only wants verdicts does not build it.

mod event;
mod evidence;
mod finding;
mod sink;
mod time;

pub use event::*;
pub use evidence::*;
pub use finding::*;
pub use sink::*;
pub use time::*;
