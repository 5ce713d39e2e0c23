//! One generation of a log: a file that is, or was, at the log's path, and how far it was read.

use super::candidate::{Candidate, Inode, mtime};
use super::content::{self, HEAD, Mark, Read, TAIL};
use crate::detector::Block;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::Instant;

/// Longest line that is shown to parsers, in bytes; the rest of a longer one is passed over, and
/// told.
pub const MAX_LINE: usize = vauban_sources::MAX_LINE;

/// What is kept of a generation across restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Device and inode number it had.
    pub inode: Inode,
    /// What was read.
    pub read: Read,
    /// Lines before the position.
    pub lines: u64,
    /// The position is inside a line that was too long.
    pub skipping: bool,
    /// Modification time it had, in nanoseconds since the epoch.
    pub mtime: i64,
    /// Where it was seen last.
    pub path: String,
}

/// Where the bytes of a generation come from.
pub enum Home {
    /// A plain file. `current`: it stands at the log's path.
    Plain {
        /// Open file.
        file: File,
        /// It stands at the log's path.
        current: bool,
        /// Nobody writes to it any more: it is a copy of what stood at the log's path.
        copy: bool,
    },
    /// A compressed file, read as a stream.
    Packed {
        /// Open file, for reading again from the beginning.
        file: Candidate,
        /// Decoder that stands after the position and what is carried.
        stream: Option<Box<dyn io::Read + Send>>,
        /// Decoded bytes from the position on.
        carry: Vec<u8>,
        /// Failed attempts to read.
        failed: u32,
    },
    /// Bytes that were read when the file was cut short, and are nowhere any more.
    Memory(Vec<u8>),
    /// Not known where.
    Lost,
}

/// What reading came to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All there is for now was read.
    End,
    /// There is more.
    More,
    /// The file was cut short or written anew: nothing was taken of it.
    Changed,
    /// It cannot be read for now.
    Failed,
    /// Its neighbours have changed and are to be looked at first: nothing was taken of it.
    Stale,
}

/// A generation that is being read.
pub struct Generation {
    /// Device and inode number it had at the log's path.
    pub inode: Inode,
    /// Device and inode number of the file it is read from: a copy has another.
    pub read_from: Inode,
    /// Where the bytes are.
    pub home: Home,
    /// Everything before this byte has been given.
    pub offset: u64,
    /// Lines before it.
    pub lines: u64,
    /// Modification time of the file when it was last read or looked at.
    pub mtime: i64,
    /// Where it was seen last.
    pub path: String,
    /// When it last had something new.
    pub active: Instant,
    /// Bytes after the position when it was last read.
    pub behind: u64,
    /// No more of the file than this is read for now.
    pub limit: u64,
    /// There was more than the limit.
    pub limited: bool,
    /// Lines that were too long, since this was last asked.
    pub overlong: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
    /// What the file began with when it was compared with its neighbours, while nothing of it has
    /// been read.
    peek: Vec<u8>,
    /// The directory and its time at that comparison.
    pub compared: Option<(std::path::PathBuf, (i64, i64))>,
    /// What is remembered of a generation whose bytes have not been found again yet.
    remembered: Option<Read>,
    skipping: bool,
    /// Size and modification time at which the content was last found to be the same, and all
    /// whole lines had been read.
    quiet: Option<(u64, i64)>,
}

impl Generation {
    /// From its beginning.
    pub fn new(candidate: Candidate, now: Instant) -> Self {
        let mut new = Self::empty(candidate.inode, now);
        new.settle(candidate);
        new
    }

    fn empty(inode: Inode, now: Instant) -> Self {
        Self {
            inode,
            read_from: inode,
            home: Home::Lost,
            offset: 0,
            lines: 0,
            mtime: 0,
            path: String::new(),
            active: now,
            behind: 0,
            limit: u64::MAX,
            limited: false,
            overlong: 0,
            head: Vec::new(),
            tail: Vec::new(),
            peek: Vec::new(),
            compared: None,
            remembered: None,
            skipping: false,
            quiet: None,
        }
    }

    /// From a saved position; its file is to be found.
    pub fn restored(saved: Saved, now: Instant) -> Self {
        let mut new = Self::empty(saved.inode, now);
        new.offset = saved.read.offset;
        new.remembered = Some(saved.read);
        new.lines = saved.lines;
        new.skipping = saved.skipping;
        new.mtime = saved.mtime;
        new.path = saved.path;
        new
    }

    /// What to keep.
    pub fn saved(&self) -> Saved {
        Saved {
            inode: self.inode,
            read: self.read_so_far(),
            lines: self.lines,
            skipping: self.skipping,
            mtime: self.mtime,
            path: self.path.clone(),
        }
    }

    /// What it is recognised by.
    pub fn read_so_far(&self) -> Read {
        match &self.remembered {
            Some(read) => read.clone(),
            None => Read {
                head: Mark::of(&self.head),
                tail: Mark::of(&self.tail),
                offset: self.offset,
            },
        }
    }

    /// Its bytes are to be looked for anew.
    pub fn unsettle(&mut self) {
        if self.remembered.is_none() {
            self.remembered = Some(self.read_so_far());
        }
        self.home = Home::Lost;
        self.peek.clear();
        self.quiet = None;
    }

    /// Takes a file that holds it as the place to read it from.
    pub fn settle(&mut self, candidate: Candidate) {
        self.quiet = None;
        self.read_from = candidate.inode;
        self.path = candidate.path.to_string_lossy().into_owned();
        if candidate.packed {
            self.home = Home::Packed {
                file: candidate,
                stream: None,
                carry: Vec::new(),
                failed: 0,
            };
            return;
        }
        if candidate.current {
            self.inode = candidate.inode;
        }
        let copy = candidate.inode != self.inode;
        if !copy {
            self.mtime = candidate.mtime;
        }
        if self.remembered.take().is_some() {
            // Compared a moment ago, or to be found changed by the next comparison.
            let length = self.offset.min(HEAD as u64) as usize;
            self.head = content::first(&candidate.file, length).unwrap_or_default();
            let mut tail = vec![0; self.offset.min(TAIL as u64) as usize];
            let at = self.offset - tail.len() as u64;
            let n = content::read_full(&candidate.file, at, &mut tail).unwrap_or(0);
            tail.truncate(n);
            self.tail = tail;
        }
        self.home = Home::Plain {
            file: candidate.file,
            current: candidate.current,
            copy,
        };
    }

    /// Starts at the end: at the last line that is not finished.
    pub fn skip_to_end(&mut self) -> io::Result<()> {
        let Home::Plain { file, .. } = &self.home else {
            return Ok(());
        };
        let size = file.metadata()?.len();
        let mut at = size;
        let mut block = vec![0; 64 << 10];
        self.offset = loop {
            let from = at.saturating_sub(block.len() as u64);
            let n = content::read_full(file, from, &mut block)?.min((at - from) as usize);
            if let Some(newline) = memchr::memrchr(b'\n', block.get(..n).unwrap_or_default()) {
                break from + newline as u64 + 1;
            }
            if from == 0 {
                break 0;
            }
            at = from;
        };
        let read = Read::up_to(file, self.offset)?;
        self.head = content::first(file, read.head.length as usize)?;
        self.tail = vec![0; read.tail.length as usize];
        content::read_full(file, self.offset - self.tail.len() as u64, &mut self.tail)?;
        // Lines before are not counted: numbers would be wrong, so there are none.
        self.lines = u64::MAX;
        Ok(())
    }

    /// It stands at the log's path.
    pub fn is_current(&self) -> bool {
        matches!(self.home, Home::Plain { current: true, .. })
    }

    /// Nothing was read of it: it has to begin with these bytes when it is.
    pub fn expect(&mut self, bytes: Vec<u8>) {
        if self.offset == 0 {
            self.peek = bytes;
            self.quiet = None;
        }
    }

    /// What was read is still what the file begins with.
    pub fn is_intact(&self) -> bool {
        match &self.home {
            Home::Plain { file, copy, .. } => {
                *copy
                    || file
                        .metadata()
                        .and_then(|meta| self.holds(file, meta.len()))
                        .unwrap_or(false)
            }
            _ => true,
        }
    }

    /// Nothing was read of it yet, and a candidate has the same beginning.
    pub fn begins_like(&self, candidate: &Candidate) -> bool {
        let Home::Plain { file, .. } = &self.home else {
            return false;
        };
        let head = || {
            let size = file.metadata().ok()?.len();
            let head = Read::up_to(file, size.min(HEAD as u64)).ok()?.head;
            (head.length > 0).then_some(head)
        };
        self.offset == 0 && head().is_some_and(|head| candidate.head() == Some(head))
    }

    /// It does not stand at the log's path any more.
    pub fn retire(&mut self, now: Instant) {
        if let Home::Plain { current, .. } = &mut self.home
            && *current
        {
            *current = false;
            self.active = now;
            self.quiet = None;
        }
    }

    /// Whether the file at the log's path is still the one that was read. `meta` is the path's.
    pub fn same_as(&self, meta: &std::fs::Metadata) -> bool {
        (meta.dev(), meta.ino()) == self.inode
    }

    /// Reads no further than the file is long now.
    pub fn limit_to_now(&mut self) -> io::Result<()> {
        if let Home::Plain { file, .. } = &self.home {
            self.limit = file.metadata()?.len();
            self.limited = false;
        }
        Ok(())
    }

    /// Everything that is there now has been given, but for an unfinished last line.
    pub fn is_quiet(&self) -> bool {
        matches!(&self.home, Home::Plain { .. }) && self.quiet.is_some()
    }

    /// Whether more may still come, now that everything was read.
    pub fn may_grow(&self, now: Instant, wait: std::time::Duration) -> bool {
        match &self.home {
            Home::Plain { copy: true, .. } | Home::Packed { .. } | Home::Memory(_) | Home::Lost => {
                false
            }
            Home::Plain { .. } => now.saturating_duration_since(self.active) < wait,
        }
    }

    /// Reads what there is, up to about `budget` bytes, and gives whole lines; with `last`, the
    /// unfinished last line too.
    pub fn read(
        &mut self,
        budget: usize,
        last: bool,
        scratch: &mut Vec<u8>,
        now: Instant,
        give: &mut dyn FnMut(Block<'_>),
    ) -> io::Result<Outcome> {
        let mut left = budget;
        loop {
            let got = match &self.home {
                Home::Plain { .. } => self.plain(scratch, last, give)?,
                Home::Packed { .. } => self.packed(scratch, give),
                Home::Memory(_) => self.memory(give),
                Home::Lost => Err(Outcome::End),
            };
            match got {
                Err(outcome) => return Ok(outcome),
                Ok(n) => {
                    self.active = now;
                    left = left.saturating_sub(n);
                    if left == 0 {
                        return Ok(Outcome::More);
                    }
                }
            }
        }
    }

    /// One piece of a plain file: how many bytes were taken, or why none.
    fn plain(
        &mut self,
        scratch: &mut Vec<u8>,
        last: bool,
        give: &mut dyn FnMut(Block<'_>),
    ) -> io::Result<Result<usize, Outcome>> {
        let Home::Plain { file, current, .. } = &self.home else {
            return Ok(Err(Outcome::End));
        };
        // What is in there afterwards was read just now, or nothing is.
        scratch.clear();
        let meta = file.metadata()?;
        let state = (meta.len(), mtime(&meta));
        if self.quiet == Some(state) && !last {
            return Ok(Err(Outcome::End));
        }
        if *current && !self.holds(file, meta.len())? {
            return Ok(Err(Outcome::Changed));
        }
        let size = meta.len().min(self.limit);
        let there = size.saturating_sub(self.offset);
        self.behind = meta.len().saturating_sub(self.offset);
        let quiet = (size == meta.len()).then_some(state);
        if there == 0 {
            self.mtime = state.1;
            self.quiet = quiet;
            // Grown since the look that set the limit: it is not finished.
            self.limited = self.quiet.is_none();
            return Ok(Err(Outcome::End));
        }
        scratch.resize(there.min(MAX_LINE as u64) as usize, 0);
        let n = content::read_full(file, self.offset, scratch)?;
        scratch.truncate(n);
        // Cut short and written anew between the two comparisons: what was read may be of either.
        if *current && !self.holds(file, file.metadata()?.len())? {
            return Ok(Err(Outcome::Changed));
        }
        // Nothing of it was known: it may have been copied and cut short since the comparison.
        if *current && self.offset == 0 && self.is_stale() {
            return Ok(Err(Outcome::Stale));
        }
        self.mtime = state.1;
        let whole = n as u64 == there && quiet.is_some();
        let bytes = std::mem::take(scratch);
        let taken = self.take(&bytes, whole && last, give);
        *scratch = bytes;
        self.behind = self.behind.saturating_sub(taken as u64);
        if taken == 0 {
            self.quiet = quiet;
            return Ok(Err(Outcome::End));
        }
        Ok(Ok(taken))
    }

    fn is_stale(&self) -> bool {
        self.compared.as_ref().is_some_and(|(dir, time)| {
            !std::fs::metadata(dir).is_ok_and(|m| (m.mtime(), m.mtime_nsec()) == *time)
        })
    }

    fn holds(&self, file: &File, size: u64) -> io::Result<bool> {
        if size < self.offset {
            return Ok(false);
        }
        if self.offset == 0 {
            return Ok(content::first(file, self.peek.len())? == self.peek);
        }
        let head = content::first(file, self.head.len())?;
        let mut tail = [0; TAIL];
        let tail = tail.get_mut(..self.tail.len()).unwrap_or_default();
        let at = self.offset.saturating_sub(tail.len() as u64);
        content::read_full(file, at, tail)?;
        Ok(head == self.head && *tail == *self.tail)
    }

    fn packed(
        &mut self,
        scratch: &mut Vec<u8>,
        give: &mut dyn FnMut(Block<'_>),
    ) -> Result<usize, Outcome> {
        let offset = self.offset;
        let Home::Packed {
            file,
            stream,
            carry,
            failed,
        } = &mut self.home
        else {
            return Err(Outcome::End);
        };
        let ended = match more(file, stream, offset, carry, scratch) {
            Ok(ended) => ended,
            Err(_) => {
                *stream = None;
                *failed += 1;
                return Err(Outcome::Failed);
            }
        };
        *failed = 0;
        let bytes = std::mem::take(carry);
        let taken = self.take(&bytes, ended, give);
        if let Home::Packed { carry, .. } = &mut self.home {
            *carry = bytes.get(taken..).unwrap_or_default().to_vec();
        }
        if ended && taken == 0 {
            return Err(Outcome::End);
        }
        // Not yet a whole line is no end.
        Ok(taken.max(1))
    }

    /// How often reading a compressed file failed in a row.
    pub fn failures(&self) -> u32 {
        match &self.home {
            Home::Packed { failed, .. } => *failed,
            _ => 0,
        }
    }

    fn memory(&mut self, give: &mut dyn FnMut(Block<'_>)) -> Result<usize, Outcome> {
        let Home::Memory(bytes) = &mut self.home else {
            return Err(Outcome::End);
        };
        let bytes = std::mem::take(bytes);
        match self.take(&bytes, true, give) {
            0 => Err(Outcome::End),
            n => Ok(n),
        }
    }

    /// Gives the whole lines of `bytes`, which stand at the position, and moves it. With `all`
    /// the last line needs no newline.
    fn take(&mut self, bytes: &[u8], all: bool, give: &mut dyn FnMut(Block<'_>)) -> usize {
        let mut at = 0;
        if self.skipping {
            match memchr::memchr(b'\n', bytes) {
                Some(newline) => {
                    self.skipping = false;
                    self.advance(bytes.get(..=newline).unwrap_or_default(), 1);
                    at = newline + 1;
                }
                None => {
                    self.advance(bytes, 0);
                    return bytes.len();
                }
            }
        }
        let rest = bytes.get(at..).unwrap_or_default();
        // A writer that does not append leaves a hole when the file is cut short under it.
        let holes = rest.iter().take_while(|b| **b == 0).count();
        if holes > 0 {
            self.advance(rest.get(..holes).unwrap_or_default(), 0);
            at += holes;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let end = match memchr::memrchr(b'\n', rest) {
            _ if all => rest.len(),
            Some(newline) => newline + 1,
            None if rest.len() >= MAX_LINE => {
                self.overlong += 1;
                self.skipping = true;
                self.advance(rest, 0);
                return bytes.len();
            }
            None => 0,
        };
        let lines = rest.get(..end).unwrap_or_default();
        if !lines.is_empty() {
            let numbered = self.lines != u64::MAX;
            give(Block {
                bytes: lines,
                offset: self.offset,
                line: if numbered { self.lines + 1 } else { 0 },
            });
            let count = memchr::memchr_iter(b'\n', lines).count() as u64;
            self.advance(lines, count);
        }
        at + end
    }

    fn advance(&mut self, bytes: &[u8], lines: u64) {
        let room = HEAD.saturating_sub(self.head.len());
        if room > 0 && self.remembered.is_none() {
            self.head.extend(bytes.iter().take(room));
        }
        let keep = bytes.len().min(TAIL);
        let drop = (self.tail.len() + keep).saturating_sub(TAIL);
        self.tail.drain(..drop.min(self.tail.len()));
        self.tail
            .extend_from_slice(bytes.get(bytes.len() - keep..).unwrap_or_default());
        self.offset += bytes.len() as u64;
        if let Some(read) = &mut self.remembered {
            read.offset = self.offset;
            read.tail = Mark::of(&self.tail);
        }
        if self.lines != u64::MAX {
            self.lines += lines;
        }
    }

    /// What all of it is remembered by once it is finished: the file's content, which for a copy
    /// may be a little less than what was read.
    pub fn finished(&self) -> Read {
        match &self.home {
            Home::Plain { file, copy, .. } => file
                .metadata()
                .and_then(|m| Read::up_to(file, if *copy { m.len() } else { self.offset }))
                .unwrap_or_else(|_| self.read_so_far()),
            Home::Packed { file, .. } => file.whole().unwrap_or_else(|_| self.read_so_far()),
            Home::Memory(_) | Home::Lost => self.read_so_far(),
        }
    }
}

/// Decodes a little more to the end of `carry`; opens the stream at `offset` first if need be.
/// Whether it has ended.
fn more(
    file: &Candidate,
    stream: &mut Option<Box<dyn io::Read + Send>>,
    offset: u64,
    carry: &mut Vec<u8>,
    scratch: &mut Vec<u8>,
) -> io::Result<bool> {
    let reader = match stream {
        Some(reader) => reader,
        none => {
            carry.clear();
            let mut reader = super::packed::decode(file.reopen()?)?;
            io::copy(&mut io::Read::take(&mut reader, offset), &mut io::sink())?;
            none.insert(reader)
        }
    };
    scratch.resize(64 << 10, 0);
    let n = io::Read::read(reader, scratch)?;
    carry.extend_from_slice(scratch.get(..n).unwrap_or_default());
    Ok(n == 0)
}
