//! The events of one piece of an artefact, by class.

use crate::batch::BatchBuilder;
use crate::classes::Class;
use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use std::sync::Arc;
use vauban_ocsf::{Event, EventSink, Evidence};

/// Rows after which a batch is finished. A batch of mail or web events of this length is a few
/// megabytes.
pub const BATCH_ROWS: usize = 16_384;

/// A record batch and its class.
#[derive(Clone, Debug)]
pub struct ClassBatch {
    /// The class of all its rows.
    pub class: Class,
    /// The rows.
    pub batch: RecordBatch,
}

/// Takes events and gives record batches.
///
/// Several can be filled at once by threads that parse different pieces; what they finish is
/// handed to one [`ParquetSink`](crate::ParquetSink) in the order of the pieces. Counts nothing:
/// lines that were ignored or not understood are another sink's business.
#[derive(Debug)]
pub struct ChunkEvents {
    artefacts: Arc<[String]>,
    builders: Vec<Option<BatchBuilder>>,
    finished: Vec<ClassBatch>,
    error: Option<ArrowError>,
}

impl ChunkEvents {
    /// An empty one. `artefacts` are the paths of the manifest, in its order.
    pub fn new(artefacts: Arc<[String]>) -> Self {
        let builders = Class::ALL.iter().map(|_| None).collect();
        Self {
            artefacts,
            builders,
            finished: Vec::new(),
            error: None,
        }
    }

    /// Batches that are full; call it now and then to bound the memory.
    pub fn take_ready(&mut self) -> Vec<ClassBatch> {
        std::mem::take(&mut self.finished)
    }

    /// All that is left, smallest class number last of its kind: in the order of [`Class::ALL`].
    ///
    /// # Errors
    /// If a batch could not be put together (a fault of this crate).
    pub fn finish(mut self) -> Result<Vec<ClassBatch>, ArrowError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        for (class, builder) in Class::ALL.iter().zip(&mut self.builders) {
            if let Some(builder) = builder
                && builder.rows() > 0
            {
                self.finished.push(ClassBatch {
                    class: *class,
                    batch: builder.finish()?,
                });
            }
        }
        Ok(self.finished)
    }
}

impl EventSink for ChunkEvents {
    fn event(&mut self, event: &Event<'_>) {
        let class = Class::of(&event.body);
        let Some(slot) = self.builders.get_mut(class as usize) else {
            return;
        };
        let builder = slot.get_or_insert_with(|| BatchBuilder::new(class));
        let artefact = self.artefacts.get(event.evidence.artefact.0 as usize);
        builder.append(event, artefact.map_or("", String::as_str));
        if builder.rows() >= BATCH_ROWS {
            match builder.finish() {
                Ok(batch) => self.finished.push(ClassBatch { class, batch }),
                // An EventSink cannot fail; `finish` tells.
                Err(error) => self.error = Some(error),
            }
        }
    }

    fn unparsed(&mut self, _: Evidence, _: &'static str) {}
}
