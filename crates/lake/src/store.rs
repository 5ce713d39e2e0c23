//! Where Parquet files lie: a directory, or wherever an implementation of [`Store`] finds them.

use crate::LakeError;
use bytes::Bytes;
use std::fmt::Debug;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A file of a lake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredFile {
    /// Its path below the lake's root, parts separated by `/`.
    pub path: String,
    /// Octets.
    pub size: u64,
}

/// A place that Parquet files are read from.
pub trait Store: Send + Sync + Debug {
    /// All files whose name ends with `.parquet`, sorted by path.
    ///
    /// # Errors
    /// If the place cannot be listed. What cannot be listed below it is an error too: a search
    /// that skips a directory must not look like one that found nothing there.
    fn list(&self) -> Result<Vec<StoredFile>, LakeError>;

    /// Opens a file for reads at any place.
    ///
    /// # Errors
    /// If it is not there or may not be read.
    fn open(&self, file: &StoredFile) -> Result<Box<dyn StoredObject>, LakeError>;
}

/// An open file.
pub trait StoredObject: Send + Sync + Debug {
    /// The bytes of a range.
    ///
    /// # Errors
    /// If the range is not all there, or the store's own.
    fn read(&self, range: Range<u64>) -> Result<Bytes, LakeError>;

    /// Several ranges; a store where each request costs a journey joins them.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn read_all(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, LakeError> {
        ranges.iter().map(|r| self.read(r.clone())).collect()
    }
}

/// Deepest nesting of directories that is followed.
const DEPTH: usize = 16;

/// A directory, or one file.
#[derive(Clone, Debug)]
pub(crate) struct LocalStore {
    root: PathBuf,
}

impl LocalStore {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.into() }
    }

    fn walk(&self, below: &str, depth: usize, into: &mut Vec<StoredFile>) -> Result<(), LakeError> {
        let directory = self.root.join(below);
        let fail = |source| LakeError::Io {
            path: directory.clone(),
            source,
        };
        for entry in std::fs::read_dir(&directory).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name();
            // Names that are not UTF-8 are none of ours.
            let Some(name) = name.to_str() else { continue };
            let path = if below.is_empty() {
                name.to_owned()
            } else {
                format!("{below}/{name}")
            };
            // Links are not followed: a lake is a tree.
            let kind = entry.file_type().map_err(fail)?;
            if kind.is_dir() && depth < DEPTH {
                self.walk(&path, depth + 1, into)?;
            } else if kind.is_file() && name.ends_with(".parquet") {
                let size = entry.metadata().map_err(fail)?.len();
                into.push(StoredFile { path, size });
            }
        }
        Ok(())
    }
}

impl Store for LocalStore {
    fn list(&self) -> Result<Vec<StoredFile>, LakeError> {
        let meta = std::fs::metadata(&self.root).map_err(|source| LakeError::Io {
            path: self.root.clone(),
            source,
        })?;
        if meta.is_file() {
            let name = self.root.file_name().unwrap_or_default();
            return Ok(vec![StoredFile {
                path: name.to_string_lossy().into_owned(),
                size: meta.len(),
            }]);
        }
        let mut all = Vec::new();
        self.walk("", 0, &mut all)?;
        all.sort();
        Ok(all)
    }

    fn open(&self, file: &StoredFile) -> Result<Box<dyn StoredObject>, LakeError> {
        let path = if self.root.is_file() {
            self.root.clone()
        } else {
            self.root.join(&file.path)
        };
        match File::open(&path) {
            Ok(file) => Ok(Box::new(LocalFile { file, path })),
            Err(source) => Err(LakeError::Io { path, source }),
        }
    }
}

#[derive(Debug)]
struct LocalFile {
    file: File,
    path: PathBuf,
}

impl StoredObject for LocalFile {
    fn read(&self, range: Range<u64>) -> Result<Bytes, LakeError> {
        let fail = |source| LakeError::Io {
            path: self.path.clone(),
            source,
        };
        let length = usize::try_from(range.end.saturating_sub(range.start))
            .map_err(|e| fail(std::io::Error::other(e)))?;
        let mut buffer = vec![0; length];
        self.file
            .read_exact_at(&mut buffer, range.start)
            .map_err(fail)?;
        Ok(buffer.into())
    }
}
