//! Events as Arrow record batches, nested as the OCSF schema nests, and as Parquet files.
//!
//! [`ChunkEvents`] takes the events of one piece of an artefact (an [`EventSink`], so any parser
//! can feed it; `Send`, so pieces can be parsed in parallel) and gives [`ClassBatch`]es.
//! [`ParquetSink`] writes them, one file per event class, in the order they are handed over: the
//! same events in the same order give the same bytes. `docs/OCSF.md` says which field of ours
//! stands under which OCSF attribute.
//!
//! To add a field: add it to `vauban-ocsf`, add one row to its class in `classes/`, and describe
//! it in `docs/OCSF.md`; the test against the OCSF schema tells if the path does not exist.
//!
//! [`LakeReader`] looks through what was written, for one kind of question: where are these
//! indicators ([`hunt_indicators`], [`search_past`])?
//!
//! **What this crate deliberately is not:** it parses no log, keeps no index, and has no general
//! query engine. Any program that reads Parquet can query what it writes.
//!
//! [`EventSink`]: vauban_ocsf::EventSink

mod batch;
mod chunk;
mod classes;
mod column;
mod reader;
mod sink;
mod store;

pub use batch::BatchBuilder;
pub use chunk::{BATCH_ROWS, ChunkEvents, ClassBatch};
pub use classes::Class;
pub use reader::{
    Hunt, HuntOptions, HuntReport, LakeHit, LakeReader, hunt_indicators, search_past,
};
pub use sink::{LakeError, ParquetSink, Written};
pub use store::{Store, StoredFile, StoredObject};
