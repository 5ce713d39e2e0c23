//! What could not be read, or must be known by whoever relies on what was.

use serde::Serialize;
use std::fmt;

/// How much a [`Problem`] takes away from the evidence.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing was lost; a reader should know (a symbolic link, a device, a choice that was made).
    Note,
    /// Bytes were lost or not looked at: coverage is less than it seems.
    Warning,
    /// A whole file or archive could not be read.
    Error,
}

impl Severity {
    /// Stable lower-case word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something that went wrong, or is worth knowing, with one artefact. The rest is processed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Problem {
    /// The artefact's path as in [`crate::Artefact::path`], or the path of what is not one (a
    /// symbolic link, an unreadable directory). Shown, never opened.
    pub path: String,
    /// Where in the file named by `path`, in bytes; for a damaged archive, in its stored
    /// (compressed) bytes.
    pub offset: Option<u64>,
    /// What happened, in words.
    pub what: String,
    /// How much it takes away.
    pub severity: Severity,
}

impl Problem {
    /// A [`Severity::Note`].
    pub fn note(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            offset: None,
            what: what.into(),
            severity: Severity::Note,
        }
    }

    /// A [`Severity::Warning`].
    pub fn warning(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            offset: None,
            what: what.into(),
            severity: Severity::Warning,
        }
    }

    /// A [`Severity::Error`].
    pub fn error(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            offset: None,
            what: what.into(),
            severity: Severity::Error,
        }
    }

    /// The same, at an offset.
    #[must_use]
    pub fn at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }
}

/// One line: severity, path, offset if any, what happened.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity.as_str(), self.path)?;
        if let Some(offset) = self.offset {
            write!(f, " at byte {offset}")?;
        }
        write!(f, ": {}", self.what)
    }
}
