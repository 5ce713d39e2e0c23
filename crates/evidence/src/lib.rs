//! Directories, archives and single files turned into artefacts: each with a path, a SHA-256, a
//! kind recognised by content, and a time base.
//!
//! [`Collection::open`] is the way in; [`TimeBases::infer`] then works out the clock of each
//! artefact.
//!
//! **What this crate deliberately is not:** it interprets no log line and no message beyond what
//! telling kinds and clocks apart takes; it never writes to the evidence and never follows a link
//! out of it.

mod archive;
mod artefact;
mod collection;
mod data;
mod decode;
mod header;
mod kind;
mod limits;
mod manifest;
mod names;
mod problem;
mod sha;
mod timebase;
mod walk;
mod worker;

pub use artefact::*;
pub use collection::{Collection, Link, Progress};
pub use data::ArtefactReader;
pub use kind::{HEAD, recognise};
pub use limits::Limits;
pub use manifest::{Entry, Manifest};
pub use problem::{Problem, Severity};
pub use timebase::{
    Clues, Notation, Sampled, Stamp, TimeBase, TimeBases, ZoneClue, ZoneFile, stamp_of_line,
};
