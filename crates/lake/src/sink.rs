//! Record batches → Parquet files, one per class.

use crate::chunk::{ChunkEvents, ClassBatch};
use crate::classes::Class;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why events could not be written.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// A directory or file could not be made.
    #[error("{path}: {source}")]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file could not be written to.
    #[error("{path}: {source}")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The writer's reason.
        source: ParquetError,
    },
    /// A file could not be read as what it should be.
    #[error("{file}: {why}")]
    Format {
        /// The file, below the lake's root.
        file: String,
        /// What is wrong with it, and where.
        why: String,
    },
    /// A store could not be reached or read.
    #[error("{place}: {why}")]
    Store {
        /// The store or the object.
        place: String,
        /// Its reason.
        why: String,
    },
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Class of its events.
    pub class: Class,
    /// The file.
    pub path: PathBuf,
    /// Its rows.
    pub rows: u64,
}

/// Octets that a row group may take in memory before it is written out.
const ROW_GROUP_BYTES: usize = 16 << 20;
/// Rows of a row group at most.
const ROW_GROUP_ROWS: usize = 131_072;

/// Writes `<directory>/<class>.parquet`, for every class that has events.
///
/// Memory is bounded: row groups are written out when they are large, whatever the number of
/// events. Files are complete only after [`Self::close`].
#[derive(Debug)]
pub struct ParquetSink {
    directory: PathBuf,
    artefacts: Arc<[String]>,
    open: Vec<Option<Open>>,
}

/// A file being written.
#[derive(Debug)]
struct Open {
    path: PathBuf,
    writer: ArrowWriter<BufWriter<File>>,
    rows: u64,
}

impl ParquetSink {
    /// Makes the directory if need be. `artefacts` are the paths of the manifest, in its order:
    /// the names that evidence is shown with.
    ///
    /// # Errors
    /// If the directory cannot be made.
    pub fn new(directory: &Path, artefacts: Vec<String>) -> Result<Self, LakeError> {
        std::fs::create_dir_all(directory).map_err(|source| LakeError::Io {
            path: directory.to_path_buf(),
            source,
        })?;
        let open = Class::ALL.iter().map(|_| None).collect();
        Ok(Self {
            directory: directory.to_path_buf(),
            artefacts: artefacts.into(),
            open,
        })
    }

    /// A builder for one piece of the evidence; may be sent to another thread.
    pub fn chunk(&self) -> ChunkEvents {
        ChunkEvents::new(Arc::clone(&self.artefacts))
    }

    /// Writes batches, in the order given. The order of calls is the order in the files.
    ///
    /// # Errors
    /// If a file cannot be made or written to.
    pub fn write(&mut self, batches: &[ClassBatch]) -> Result<(), LakeError> {
        for ClassBatch { class, batch } in batches {
            let Some(slot) = self.open.get_mut(*class as usize) else {
                continue;
            };
            if slot.is_none() {
                let path = self.directory.join(format!("{}.parquet", class.name()));
                let file = File::create(&path).map_err(|source| LakeError::Io {
                    path: path.clone(),
                    source,
                })?;
                let writer =
                    ArrowWriter::try_new(BufWriter::new(file), batch.schema(), Some(properties()))
                        .map_err(|source| LakeError::Parquet {
                            path: path.clone(),
                            source,
                        })?;
                *slot = Some(Open {
                    path,
                    writer,
                    rows: 0,
                });
            }
            let Some(open) = slot else { continue };
            let flushed = open.writer.write(batch).and_then(|()| {
                if open.writer.memory_size() > ROW_GROUP_BYTES {
                    open.writer.flush()
                } else {
                    Ok(())
                }
            });
            flushed.map_err(|source| LakeError::Parquet {
                path: open.path.clone(),
                source,
            })?;
            open.rows += batch.num_rows() as u64;
        }
        Ok(())
    }

    /// Completes the files and says which there are, in the order of [`Class::ALL`].
    ///
    /// # Errors
    /// If a file cannot be completed.
    pub fn close(self) -> Result<Vec<Written>, LakeError> {
        let mut written = Vec::new();
        for (class, open) in Class::ALL.iter().zip(self.open) {
            if let Some(Open { path, writer, rows }) = open {
                writer.close().map_err(|source| LakeError::Parquet {
                    path: path.clone(),
                    source,
                })?;
                written.push(Written {
                    class: *class,
                    path,
                    rows,
                });
            }
        }
        Ok(written)
    }
}

fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by("vauban".to_owned())
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build()
}
