//! `manifest.json`: what was examined, byte for byte.

use crate::artefact::Kind;
use crate::collection::Collection;
use serde::Serialize;
use vauban_ocsf::Timestamp;

/// The manifest. The same evidence gives the same value, and its JSON the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// Version of this layout.
    pub schema_version: u32,
    /// One entry for each artefact, in order of their ids.
    pub artefacts: Vec<Entry>,
}

/// One artefact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// [`crate::Artefact::path`].
    pub path: String,
    /// Bytes after decoding.
    pub size: u64,
    /// SHA-256 of these bytes, lower-case hex; `sha256sum` gives the same.
    pub sha256: String,
    /// What it is.
    pub kind: Kind,
    /// Modification time as the file system or the archive has it.
    pub modified: Option<Timestamp>,
    /// Path of the first artefact with the same bytes, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
}

impl Collection {
    /// The manifest of this collection.
    pub fn manifest(&self) -> Manifest {
        let artefacts = self.artefacts().iter().map(|a| Entry {
            path: a.path.clone(),
            size: a.size,
            sha256: a.sha256_hex(),
            kind: a.kind,
            modified: a.modified,
            same_as: self
                .duplicate_of(a.id)
                .and_then(|id| self.get(id))
                .map(|a| a.path.clone()),
        });
        Manifest {
            schema_version: 1,
            artefacts: artefacts.collect(),
        }
    }
}
