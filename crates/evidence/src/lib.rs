//! Directories, archives, images and single files turned into artefacts: each with a path, a
//! SHA-256, a kind recognised by content, and a time base.
//!
//! **What this crate deliberately is not:** it interprets no log line and no message beyond what
//! telling kinds and clocks apart takes; it never writes to the evidence and never follows a link
//! out of it.

mod artefact;
mod timebase;

pub use artefact::*;
pub use timebase::*;
