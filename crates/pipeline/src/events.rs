//! The lake's side of the pipeline: events of a piece into record batches, batches into Parquet.

use parquet::errors::ParquetError;
use std::path::{Path, PathBuf};
use vauban_lake::{ChunkEvents, LakeError, ParquetSink};

/// Names that files of events have.
pub fn files() -> impl Iterator<Item = String> {
    vauban_lake::Class::ALL
        .iter()
        .map(|class| format!("{}.parquet", class.name()))
}

/// Writes events as Parquet.
pub struct Writer {
    sink: ParquetSink,
    error: Option<LakeError>,
}

impl Writer {
    /// Into `dir`, which is created. `paths` are the artefacts' paths by id. Files of an earlier
    /// run go: those of a class without events now would stay.
    ///
    /// # Errors
    /// If the directory cannot be made.
    pub fn create(dir: &Path, paths: Vec<String>) -> Result<Self, LakeError> {
        for name in files() {
            let path = dir.join(name);
            match std::fs::remove_file(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(LakeError::Io { path, source });
                }
                _ => {}
            }
        }
        Ok(Self {
            sink: ParquetSink::new(dir, paths)?,
            error: None,
        })
    }

    /// A new chunk.
    pub fn chunk(&self) -> ChunkEvents {
        self.sink.chunk()
    }

    /// Takes a chunk over. After an error nothing more is written; [`Self::finish`] tells it.
    pub fn take(&mut self, chunk: ChunkEvents) {
        if self.error.is_some() {
            return;
        }
        let written = chunk
            .finish()
            .map_err(|e| LakeError::Parquet {
                path: PathBuf::from("events"),
                source: ParquetError::from(e),
            })
            .and_then(|batches| self.sink.write(&batches));
        self.error = written.err();
    }

    /// Completes the files.
    ///
    /// # Errors
    /// The first error there was.
    pub fn finish(self) -> Result<(), LakeError> {
        match self.error {
            Some(error) => Err(error),
            None => self.sink.close().map(drop),
        }
    }
}
