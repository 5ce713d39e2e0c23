//! Lists of small records that may outgrow memory.
//!
//! A [`Spill`] is a list like `Vec`, and derefs to a slice. While it is short it lives in memory;
//! from [`IN_MEMORY`] octets on it lives in an unlinked scratch file that is mapped, and its pages
//! are given back to the kernel whenever the process holds more than its [`Scratch`]'s budget. So
//! the code that works on it needs not know, and the memory of a run does not grow with its logs.
//!
//! Records must be `Copy`: they have no heap of their own and need no drop. The file holds them
//! as they are in memory; it has no name and nobody else reads it.
//!
//! **What this crate deliberately is not:** a database, a file format, or a cache of evidence.
//! Evidence itself is never mapped (see the invariants in `docs/ARCHITECTURE.md`): it can shrink
//! under the reader. A scratch file cannot: it is ours alone, has no name, and its room on the
//! disk is allotted before it is mapped.

mod list;
mod scratch;
mod sort;

pub use list::{Iter, IterMut, Spill};
pub use scratch::Scratch;

/// A list of fewer octets stays in ordinary memory.
pub const IN_MEMORY: usize = 16 << 20;
