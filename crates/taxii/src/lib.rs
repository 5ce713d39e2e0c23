//! A client for TAXII 2.1 (OASIS standard, 10 June 2021): collections of STIX objects from a
//! server.
//!
//! [`Client`] asks a server for its API roots ([`Client::discover`]), a root for its collections
//! ([`Client::collections`]) and a collection for its objects ([`Client::objects`]), page after
//! page, or only what was added since the last time. It waits and asks again when the server is
//! busy, for as long as the server says. Each page is a STIX bundle that `vauban-intel` reads.
//!
//! **What this crate deliberately is not:** it publishes nothing, keeps no state between runs (the
//! caller keeps [`Pages::added_last`]), and does not look into the objects.

mod client;
mod error;
mod model;

pub use client::{Auth, Client, ClientOptions, ObjectsQuery, Page, Pages};
pub use error::TaxiiError;
pub use model::{ApiRoot, Collection, Discovery};
