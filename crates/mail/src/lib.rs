//! What stood in the mailboxes: mail stores (Maildir, mbox), MIME messages and their parts, Sieve
//! scripts, and the facts about message content that rules judge.
//!
//! **What this crate deliberately is not:** it opens no file (the caller gives bytes and paths),
//! keeps no message text longer than it needs it, and does not decide whether a message is a lure:
//! it states facts of structure, and rule files judge them.

pub mod content;
pub mod dbox;
mod facts;
pub mod html;
pub mod hunt;
pub mod maildir;
pub mod mbox;
mod message;
pub mod mime;
mod own;
pub mod rules;
pub mod search;
pub mod secrets;
pub mod sieve;
mod store;
mod text;
pub mod webmail;

pub use facts::FACTS;
pub use hunt::{hunt_message, hunt_parsed, hunt_store};
pub use message::{parse, parse_for};
pub use own::{Likeness, OwnDomains};
pub use rules::{ContentRules, LureMatch, Severity};
pub use store::*;
