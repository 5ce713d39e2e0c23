//! Detections: events in, findings out. Sigma 2.1 rules, filters and correlations are compiled
//! once and evaluated over any record that can say its fields.
//!
//! ```
//! use std::sync::Arc;
//! use vauban_detect::{Correlator, Engine, Options, RuleSet, Scanner};
//!
//! let rule = "
//! title: Webmail search for secrets
//! id: 11111111-2222-4333-8444-555555555555
//! logsource: {category: webserver}
//! detection:
//!     selection:
//!         cs-uri-query|contains|all: ['_action=search', '_q=secret']
//!     condition: selection
//! level: high
//! ";
//! let (rules, problems) = RuleSet::load([("search.yml", rule)]);
//! assert!(problems.is_empty());
//! let (engine, problems) = Engine::compile(&rules, Options::default());
//! assert!(problems.is_empty());
//! let engine = Arc::new(engine);
//!
//! let mut scanner = Scanner::new(Arc::clone(&engine));
//! let event = r#"{"category": "webserver", "cs-uri-query": "_task=mail&_action=search&_q=Secret"}"#;
//! let found = scanner.scan_json(event)?.to_vec();
//! assert_eq!(found.len(), 1);
//! assert_eq!(engine.rule(found[0].rule).unwrap().title, "Webmail search for secrets");
//!
//! // Correlations: what a match carries is taken from the scanner and fed, in the order of events.
//! let mut correlator = Correlator::new(engine, Default::default());
//! let mut out = Vec::new();
//! for m in found {
//!     let time = scanner.time().unwrap_or_default();
//!     if let Some(seen) = scanner.observe(m, 0, time) {
//!         correlator.feed(&seen, &mut out);
//!     }
//! }
//! # Ok::<(), vauban_detect::JsonError>(())
//! ```
//!
//! - [`RuleSet::load`] reads files' contents; [`Engine::compile`] makes them ready, once. Each says
//!   what it could not use, and why; everything else is used.
//! - [`Scanner`] (one a thread) gives the rules that match a [`Record`], such as
//!   [`vauban_ocsf::Event`], or a JSON object.
//! - [`Correlator`] remembers matches and gives correlations; [`Correlator::snapshot`] and
//!   [`Correlator::restore`] carry it over a restart.
//! - [`scan_lines`] does all this for a stream of JSON lines, on many threads.
//! - [`Engine::finding`] and [`Engine::correlation_finding`] make findings of both.
//!
//! What is supported, what was chosen where the specification leaves a choice, and where other
//! engines differ: `docs/SIGMA.md`.
//!
//! **What this crate deliberately is not:** it opens no file, follows no log, keeps no clock; it
//! is given records and gives matches. Deciding whether an account was breached is `vauban-case`'s.

mod correlation;
mod detection;
mod engine;
mod expr;
mod fields;
mod finding;
mod index;
mod item;
mod json;
mod lines;
mod load;
mod observable;
mod pattern;
mod plan;
mod route;
mod rule;
mod scan;
mod table;
mod taxonomy;
mod test;
mod time;
mod trigger;
mod value;

pub use correlation::{
    CorrelationMatch, Correlator, CorrelatorOptions, Observation, ObservationParts, Refire,
    Snapshot,
};
pub use engine::{Engine, Options};
pub use fields::{Fields, Record};
pub use json::JsonError;
pub use lines::{Told, Totals, scan_lines};
pub use load::{LoadProblem, RuleSet};
pub use observable::observables;
pub use rule::{CorrelationId, RuleId, RuleInfo};
pub use scan::{Match, Scanner};
pub use taxonomy::{Described, LogSource, describe, vocabulary};
pub use value::Value;
pub use vauban_ocsf::Level;
