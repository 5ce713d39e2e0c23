//! A case turned into what a responder hands on: an HTML page, a PDF, CSV tables, a STIX bundle,
//! drafts of the legal notifications, and a summary that fits a terminal.
//!
//! Every function is pure: a [`vauban_case::contract::Case`] in, a string or bytes out, the same
//! for the same case on every machine and at every hour. Whatever was copied from mail or logs is
//! hostile and is neutralised for the place it goes to (see [`escape`]).
//!
//! **What this crate deliberately is not:** it reads no file and no clock, knows no log format,
//! and judges nothing; a number that is not in the case is not in a report either.

pub mod csv;
pub mod escape;
pub mod facts;
pub mod fmt;
pub mod html;
pub mod labels;
pub mod lang;
pub mod notify;
pub mod pdf;
mod span;
pub mod stix;
pub mod terminal;

pub use lang::Lang;
