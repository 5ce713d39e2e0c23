//! What an intruder leaves behind on a mail server, so as to come back or to keep receiving: rules
//! in mailboxes, identities in the webmail, forwarding in the mail system, scripts in the web
//! root, keys, jobs, accounts, libraries on the host.
//!
//! Inspectors compute facts about files that a [`Tree`] gives, rule files judge them:
//!
//! - [`tree`]: the files; [`baseline`]: what the distribution installed, against which they stand;
//! - `sieve`, `webmail`, `postfix`, `dovecot`: the mail system;
//! - [`php`], `web`: scripts and settings of web servers;
//! - `host`, [`shell`]: what runs by itself, who may log in;
//! - `files`: programs and pages that differ from their package or belong to none;
//! - [`subject`]: kinds of facts; [`rules`]: the rules over them.
//!
//! To look at one more place, add it to the inspector of its kind, state its facts in
//! [`subject::SUBJECTS`], and write rules with examples in `rules/persistence/`.
//!
//! **What this crate deliberately is not:** it opens no file and runs nothing, not even what it
//! unpacks; it does not decide whether a host was breached (`vauban-case` does) nor whether it is
//! set up well (that is posture); what a package brought unchanged it does not report.

pub mod baseline;
mod collection;
mod condition;
mod dovecot;
mod files;
mod host;
mod names;
pub mod php;
mod postfix;
mod rpmdb;
pub mod rules;
mod scan;
pub mod shell;
mod sieve;
pub mod subject;
pub mod tree;
mod web;
mod webmail;

pub use baseline::{Baseline, Origin};
pub use collection::CollectionTree;
pub use rules::{Rule, RuleError, Rules};
pub use scan::{Looked, Options, Problem, Report, Subjects, scan, subjects};
pub use tree::{File, MemoryTree, Tree};
