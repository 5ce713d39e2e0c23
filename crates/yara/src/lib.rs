//! YARA rules over files: web shells, backdoors, phishing kits, mailers in a web root; anything
//! else that people write rules for.
//!
//! [`Rules::compile`] takes rules as text, [`Rules::folder`] as files; errors name file, line and
//! column, and what is sound is kept. [`Rules::scan`] judges octets, [`scan_tree`] files, on all
//! cores. Findings are those of `vauban-ocsf`.
//!
//! **What this crate deliberately is not:** it walks no folder of files to scan and follows no
//! link (the caller says which files), it maps no file into memory (a file that shrinks under a map
//! kills the process), and it has no rules of its own in the code: ours stand in `rules/yara`.
//!
//! The engine is `yara-x`, without its cryptography: its modules for executables bring in crates
//! that do not build together, and a mail server's web root has no use for them. A rule that
//! imports one of them is refused with a message that says so; `math`, `string`, `hash` are there.

mod finding;
mod rules;
mod tree;

pub use rules::{RuleError, Rules};
pub use tree::{Limits, Problem, Scan, scan_tree};
