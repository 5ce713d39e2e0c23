//! Reads a lake again, no more of it than a question needs.
//!
//! A lake is a directory (or what a [`Store`] gives) of Parquet files in the layout that
//! [`ParquetSink`](crate::ParquetSink) writes; files of other programs with the same columns are
//! read as well. [`LakeReader::hunt`] looks for indicators: of every row group it reads the
//! dictionaries of the columns that indicators speak of, and goes on to rows only where a value of
//! a dictionary is an indicator. What is never read costs nothing.

mod chunk;
mod group;
mod hunt;
mod levels;

pub use hunt::{Hunt, HuntOptions, HuntReport, LakeHit, hunt_indicators, search_past};

use crate::LakeError;
use crate::store::{LocalStore, Store, StoredFile, StoredObject};
use bytes::Bytes;
use parquet::file::metadata::{
    ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader, ParquetStatisticsPolicy,
};
use std::path::Path;
use std::sync::Arc;

/// A lake that is read.
#[derive(Clone, Debug)]
pub struct LakeReader {
    store: Arc<dyn Store>,
    name: String,
}

impl LakeReader {
    /// Opens a directory or one Parquet file. Other places are read through a [`Store`] of the
    /// caller's ([`Self::from_store`]).
    ///
    /// # Errors
    /// If the place is of a kind that this build cannot read. Whether it exists shows when it is
    /// read.
    pub fn open(place: &str) -> Result<Self, LakeError> {
        if place.contains("://") {
            return Err(LakeError::Store {
                place: place.to_owned(),
                why: "only directories and files can be opened by name; for anything else give a \
                      store to LakeReader::from_store"
                    .into(),
            });
        }
        Ok(Self {
            store: Arc::new(LocalStore::new(Path::new(place))),
            name: place.trim_end_matches('/').to_owned(),
        })
    }

    /// Reads from a store of the caller's.
    pub fn from_store(name: &str, store: Arc<dyn Store>) -> Self {
        Self {
            store,
            name: name.to_owned(),
        }
    }

    /// What it was opened as.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All its files, sorted by path.
    ///
    /// # Errors
    /// If it cannot be listed.
    pub fn files(&self) -> Result<Vec<StoredFile>, LakeError> {
        self.store.list()
    }

    pub(crate) fn open_file(&self, file: &StoredFile) -> Result<OpenFile, LakeError> {
        let object = self.store.open(file)?;
        let metadata = footer(&*object, file)?;
        Ok(OpenFile {
            path: file.path.as_str().into(),
            object,
            metadata,
        })
    }
}

/// A file whose footer has been read.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) path: Arc<str>,
    pub(crate) object: Box<dyn StoredObject>,
    pub(crate) metadata: ParquetMetaData,
}

/// Octets of the end that are read first: footers are mostly smaller.
const TAIL: u64 = 64 << 10;
/// Largest footer that is read.
const FOOTER_MAX: u64 = 256 << 20;

fn footer(object: &dyn StoredObject, file: &StoredFile) -> Result<ParquetMetaData, LakeError> {
    let bad = |why: String| LakeError::Format {
        file: file.path.clone(),
        why,
    };
    let start = file.size.saturating_sub(TAIL);
    let tail = object.read(start..file.size)?;
    let Some((front, [a, b, c, d, b'P', b'A', b'R', b'1'])) = tail.split_last_chunk::<8>() else {
        return Err(bad("it does not end as a Parquet file does".into()));
    };
    let length = u64::from(u32::from_le_bytes([*a, *b, *c, *d]));
    if length > FOOTER_MAX || length + 8 > file.size {
        return Err(bad(format!("a footer of {length} bytes does not fit")));
    }
    let bytes: Bytes = if length <= front.len() as u64 {
        let from = front.len() - length as usize;
        tail.slice(from..front.len())
    } else {
        object.read(file.size - 8 - length..file.size - 8)?
    };
    // The library's decoder is not ours: a panic in it is a fault of the file.
    let decoded = std::panic::catch_unwind(|| {
        let options = ParquetMetaDataOptions::new()
            .with_encoding_stats_as_mask(true)
            .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll);
        ParquetMetaDataReader::decode_metadata_with_options(&bytes, Some(&options))
    });
    match decoded {
        Ok(Ok(metadata)) => Ok(metadata),
        Ok(Err(error)) => Err(bad(error.to_string())),
        Err(_) => Err(bad("its footer makes no sense".into())),
    }
}
