//! What lines come from, as the engine sees it.

use crate::detector::Block;
use crate::follow::{Follower, Note};
use std::io;

/// Where a block stands.
#[derive(Copy, Clone, Debug)]
pub struct At<'a> {
    /// What a person opens.
    pub artefact: &'a str,
    /// Name of the log that the artefact is, or is part of.
    pub log: &'a str,
}

/// Receives a source's lines.
pub type Give<'a> = dyn FnMut(At<'_>, Block<'_>) + 'a;

/// A source of lines.
pub trait Source: Send {
    /// Stable over restarts: positions are kept under it.
    fn name(&self) -> &str;

    /// Gives what is new, about `budget` bytes of it; how many bytes that were. With `hurry` it
    /// waits for nothing.
    ///
    /// # Errors
    /// If it cannot be read for now. What was given before stays given.
    fn poll(&mut self, budget: usize, hurry: bool, give: &mut Give<'_>) -> io::Result<usize>;

    /// How far lines were given, for the next start.
    fn position(&self) -> String;

    /// Makes sure that what was given can be read again after a power failure. Called before the
    /// position is kept.
    ///
    /// # Errors
    /// If it cannot.
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// The position that [`Self::position`] gave last is on disk.
    fn kept(&mut self) {}

    /// Bytes that are there and not given, as far as known.
    fn behind(&self) -> u64;

    /// Everything there is has been given.
    fn at_rest(&self) -> bool;

    /// What there is to tell.
    fn take_notes(&mut self) -> Vec<Note> {
        Vec::new()
    }
}

/// A log file.
pub struct FileLog {
    name: String,
    path: String,
    follower: Follower,
}

impl FileLog {
    /// Around a follower.
    pub fn new(follower: Follower) -> Self {
        let path = follower.path().to_string_lossy().into_owned();
        Self {
            name: Self::name_of(&path),
            path,
            follower,
        }
    }

    /// The name of the source for a path.
    pub fn name_of(path: &str) -> String {
        format!("file:{path}")
    }
}

impl Source for FileLog {
    fn name(&self) -> &str {
        &self.name
    }

    fn poll(&mut self, budget: usize, hurry: bool, give: &mut Give<'_>) -> io::Result<usize> {
        let at = At {
            artefact: &self.path,
            log: &self.path,
        };
        self.follower
            .poll(budget, hurry, &mut |block| give(at, block))
    }

    fn position(&self) -> String {
        serde_json::to_string(&self.follower.position()).unwrap_or_default()
    }

    fn behind(&self) -> u64 {
        self.follower.behind()
    }

    fn at_rest(&self) -> bool {
        self.follower.at_rest()
    }

    fn take_notes(&mut self) -> Vec<Note> {
        self.follower.take_notes()
    }
}
