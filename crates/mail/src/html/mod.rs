//! HTML as browsers read it.
//!
//! - [`dom`] builds a tree with `html5ever` (the WHATWG algorithm, scripting on), bounded in nodes
//!   and depth;
//! - [`text`] renders a tree to the text a reader sees, and lists its links.

pub mod dom;
pub mod text;
