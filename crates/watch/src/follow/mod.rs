//! A log file followed through rotation and truncation.
//!
//! A log is a sequence of generations. Rotation by renaming leaves the old generation under
//! another name and starts a new file; `copytruncate` copies it and cuts the file short; either
//! may be compressed later, and several rotations may pass while nobody looks. A [`Follower`]
//! keeps the position in every generation that is not finished, and finds them again by inode
//! *and* content (`content`), among the names that rotation gives (`family`), compressed or not
//! (`packed`). Lines are given in the order of the generations, each once.
//!
//! What cannot be read any more is told as a [`Note`], never passed over in silence: a file cut
//! short without a copy, a generation that is gone, a line that is too long, a broken archive.

mod candidate;
mod content;
mod family;
mod generation;
mod packed;

pub use family::is_rotation_of;

use crate::detector::Block;
use candidate::{Candidate, Inode};
use content::Read;
use generation::{Generation, Home, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Generations that are remembered as read to their end.
const DONE: usize = 256;
/// Generations that are kept open; the oldest is finished when there are more.
const OPEN: usize = 128;
/// Failed attempts after which an unreadable compressed generation is given up.
const ATTEMPTS: u32 = 40;

/// Longer than file times need to move on.
const STEP: Duration = Duration::from_millis(50);

/// How much earlier than it was a file's time may be after it was compressed: some programs keep
/// whole seconds only.
const SLACK: i64 = 2_000_000_000;

/// Where a log that was never read before is begun.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum From {
    /// With what is written from now on.
    #[default]
    End,
    /// At the beginning of the current file.
    Beginning,
}

/// How to follow.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where a log that was never read before is begun.
    pub from: From,
    /// How long a writer may go on writing to a file after it was renamed.
    pub drain: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            from: From::End,
            drain: Duration::from_secs(60),
        }
    }
}

/// Something a person should know about a log that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// In words, with the path and the position.
    pub text: String,
    /// Lines may have been lost.
    pub loss: bool,
}

/// What is kept across restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    generations: Vec<generation::Saved>,
    done: VecDeque<Done>,
    /// Modification time of the newest generation when it was last read.
    newest: i64,
}

/// A generation that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Done {
    inode: Inode,
    read: Read,
}

impl Done {
    fn is(&self, candidate: &Candidate) -> bool {
        if !candidate.holds(&self.read) {
            return false;
        }
        // A short beginning tells little: the whole file must be no longer, or be the same file.
        self.read.is_long()
            || candidate.inode == self.inode
            || candidate
                .whole()
                .is_ok_and(|whole| whole.offset <= self.read.offset)
    }
}

impl Done {
    /// More was written to the very file after it was taken for finished.
    fn grew(&self, candidate: &Candidate) -> bool {
        candidate.inode == self.inode
            && !candidate.packed
            && candidate.size > self.read.offset
            && candidate.holds(&self.read)
    }
}

/// Follows one log.
pub struct Follower {
    path: PathBuf,
    options: Options,
    live: Vec<Generation>,
    done: VecDeque<Done>,
    newest: i64,
    /// Nothing is known of this log from earlier.
    fresh: bool,
    /// Look at the directory again although it has not changed.
    again: bool,
    directory: Option<(i64, i64)>,
    notes: Vec<Note>,
    scratch: Vec<u8>,
}

impl Follower {
    /// Follows `path`, from `position` on if there is one.
    pub fn new(path: PathBuf, options: Options, position: Option<Position>) -> Self {
        let now = Instant::now();
        let fresh = position.is_none();
        let position = position.unwrap_or_default();
        Self {
            path,
            options,
            live: position
                .generations
                .into_iter()
                .map(|saved| Generation::restored(saved, now))
                .collect(),
            done: position.done,
            newest: position.newest,
            fresh,
            again: true,
            directory: None,
            notes: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// The log.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How far it was read: exactly what was given.
    pub fn position(&self) -> Position {
        Position {
            generations: self.live.iter().map(Generation::saved).collect(),
            done: self.done.clone(),
            newest: self.newest,
        }
    }

    /// Bytes known to be there and not given yet.
    pub fn behind(&self) -> u64 {
        self.live.iter().map(|g| g.behind).sum()
    }

    /// What there is to tell since this was last asked.
    pub fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// Gives what is new, up to about `budget` bytes; tells how many bytes were given. Less than
    /// the budget: that was all for now. With `hurry`, files that were rotated away are finished
    /// at once instead of waiting for a late writer.
    ///
    /// # Errors
    /// If the log or its directory cannot be read; what was given until then stays given.
    pub fn poll(
        &mut self,
        budget: usize,
        hurry: bool,
        give: &mut dyn FnMut(Block<'_>),
    ) -> io::Result<usize> {
        let now = Instant::now();
        if self.must_look()? {
            self.look(now)?;
        }
        // A writer that goes on with a renamed file has written there before it wrote to the new
        // one: what is in the new file at this moment comes after what is in the old one later.
        for generation in self.live.iter_mut().rev() {
            generation.limit_to_now()?;
        }
        if let (Some(last), Some(time)) = (self.live.last_mut(), self.directory) {
            last.compared = Some((candidate::split(&self.path).0, time));
        }
        let mut given = 0;
        let mut at = 0;
        while at < self.live.len() {
            let newer = at + 1 < self.live.len();
            let wait = if hurry {
                Duration::ZERO
            } else {
                self.options.drain
            };
            let crowded = self.live.len() > OPEN;
            let Some(generation) = self.live.get_mut(at) else {
                break;
            };
            let before = generation.offset;
            let last =
                newer && !generation.is_current() && (crowded || !generation.may_grow(now, wait));
            let outcome = generation.read(
                budget.saturating_sub(given).max(1),
                last,
                &mut self.scratch,
                now,
                give,
            );
            given += (generation.offset - before) as usize;
            if generation.overlong > 0 {
                self.notes.push(Note {
                    text: format!(
                        "{}: {} line(s) longer than 1 MiB before byte {} were passed over",
                        generation.path, generation.overlong, generation.offset
                    ),
                    loss: true,
                });
                generation.overlong = 0;
            }
            if generation.is_current() {
                self.newest = self.newest.max(generation.mtime);
            }
            let limited = generation.limited;
            match outcome? {
                Outcome::More => return Ok(given),
                Outcome::Stale => {
                    self.again = true;
                    return Ok(given);
                }
                Outcome::Changed => {
                    self.changed(at);
                    self.again = true;
                    return Ok(given);
                }
                Outcome::Failed => {
                    if generation.failures() < ATTEMPTS {
                        return Ok(given);
                    }
                    let text = format!(
                        "{}: broken after byte {}: what follows in it is not read",
                        generation.path, generation.offset
                    );
                    self.notes.push(Note { text, loss: true });
                    self.finish(at);
                }
                Outcome::End if last && !limited => self.finish(at),
                Outcome::End => at += 1,
            }
        }
        Ok(given)
    }

    /// Whether everything there is has been given and nothing rotated away is waited for.
    pub fn at_rest(&self) -> bool {
        !self.again && self.live.len() <= 1 && self.live.iter().all(Generation::is_quiet)
    }

    fn finish(&mut self, at: usize) {
        let generation = self.live.remove(at);
        let read = generation.finished();
        if read.head.length > 0 {
            self.remember(Done {
                inode: generation.inode,
                read,
            });
        }
    }

    fn remember(&mut self, done: Done) {
        if self.done.len() >= DONE {
            self.done.pop_front();
        }
        self.done.push_back(done);
    }

    /// The current file is not what it was: its bytes are to be found elsewhere. What was just
    /// read of it is kept for the case that there is no copy.
    fn changed(&mut self, at: usize) {
        let kept = std::mem::take(&mut self.scratch);
        if let Some(generation) = self.live.get_mut(at) {
            generation.unsettle();
            generation.home = Home::Memory(kept);
        }
    }

    /// Whether the log's path or its directory changed since the last look.
    fn must_look(&mut self) -> io::Result<bool> {
        let (dir, _) = candidate::split(&self.path);
        let meta = std::fs::metadata(&dir)?;
        let directory = Some((meta.mtime(), meta.mtime_nsec()));
        let moved = self.directory != directory;
        // File times move in steps of some milliseconds: another change may hide in this step.
        let recent = meta
            .modified()
            .is_ok_and(|then| then.elapsed().is_ok_and(|age| age < STEP));
        self.directory = directory;
        let at_path = match std::fs::metadata(&self.path) {
            Ok(meta) => Some(meta),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        let same = match (&at_path, self.live.last()) {
            (Some(meta), Some(last)) => last.is_current() && last.same_as(meta),
            (None, last) => last.is_none_or(|last| !last.is_current()),
            (Some(_), None) => false,
        };
        let look = std::mem::replace(&mut self.again, recent) || moved || !same;
        Ok(look)
    }

    /// Finds the generations there are, those that were being read first.
    fn look(&mut self, now: Instant) -> io::Result<()> {
        let looked = self.look_once(now);
        if looked.is_err() {
            self.again = true;
        }
        looked
    }

    fn look_once(&mut self, now: Instant) -> io::Result<()> {
        let Some(mut candidates) = self.list()? else {
            return Ok(());
        };
        if self.fresh {
            return self.begin(candidates, now);
        }
        // Cut short and then renamed, it is not what was read any more. Asked after the listing:
        // who has another name by now is not cut short again. The copy may be younger than the
        // listing.
        let mut changed = false;
        for generation in &mut self.live {
            if generation.is_current() && !generation.is_intact() {
                generation.unsettle();
                generation.home = Home::Memory(Vec::new());
                changed = true;
            }
        }
        if changed {
            candidates = match self.list()? {
                Some(candidates) => candidates,
                None => return Ok(()),
            };
        }
        // Of which nothing was read is as if not seen: its place in the order is by its name.
        self.live.retain(|g| {
            let at_path = candidates
                .iter()
                .any(|c| c.current && c.inode == g.read_from);
            let mut beside = candidates.iter().filter(|c| !c.current && c.size > 0);
            let itself = candidates.iter().any(|c| c.inode == g.read_from);
            let found = |c: &Candidate| c.inode == g.read_from || (!itself && g.begins_like(c));
            g.offset > 0 || at_path || !beside.any(found)
        });
        self.settle_all(&candidates);
        // Where each known generation is now.
        let open: Vec<Inode> = self.live.iter().map(|g| g.read_from).collect();
        let here = candidates.iter().position(|c| c.current);
        let current = here.map(|at| candidates.remove(at));
        // Of which nothing was read yet can only be told by what it begins with now: a neighbour
        // that begins alike is a copy of it. It is not to be read should it begin otherwise then.
        let begins = current.as_ref().and_then(|c| {
            let read = self.live.last().is_some_and(|g| {
                g.is_current() && g.read_from == c.inode && g.offset > 0 && !is_homeless(g)
            });
            if read { None } else { c.beginning().ok() }
        });
        let mut unseen: Vec<Candidate> = Vec::new();
        let mut late: Vec<(Done, Candidate)> = Vec::new();
        by_age(&mut candidates);
        for candidate in candidates {
            let known = candidate.size == 0
                || begins.as_ref().is_some_and(|b| candidate.is_copy_of(b))
                || candidate.mtime < self.newest.saturating_sub(SLACK)
                || open.contains(&candidate.inode)
                || self
                    .live
                    .iter()
                    .any(|g| candidate.holds(&g.read_so_far()) || g.begins_like(&candidate))
                || self.done.iter().any(|d| d.is(&candidate));
            if !known {
                unseen.push(candidate);
            } else if !open.contains(&candidate.inode)
                && let Some(at) = self.done.iter().position(|d| d.grew(&candidate))
                && let Some(done) = self.done.remove(at)
            {
                late.push((done, candidate));
            }
        }
        // A writer held on to its file longer than was waited for.
        for (done, candidate) in late.into_iter().rev() {
            let saved = generation::Saved {
                inode: done.inode,
                read: done.read,
                lines: u64::MAX,
                mtime: candidate.mtime,
                ..generation::Saved::default()
            };
            let mut generation = Generation::restored(saved, now);
            generation.settle(candidate);
            self.live.insert(0, generation);
        }
        // Compressing is not finished while the plain file is still there.
        let plain: Vec<_> = unseen
            .iter()
            .filter(|c| !c.packed)
            .map(|c| (c.rotated.clone(), c.head()))
            .collect();
        unseen.retain(|c| {
            !c.packed
                || c.head()
                    .is_some_and(|h| plain.iter().all(|p| p.1 != Some(h.clone())))
        });
        self.arrange(current, unseen, now);
        if let (Some(begins), Some(last)) = (begins, self.live.last_mut()) {
            last.expect(begins);
        }
        Ok(())
    }

    /// The files there are; `None` if they are being moved about: look again.
    fn list(&mut self) -> io::Result<Option<Vec<Candidate>>> {
        let searching = self.live.iter().any(|g| is_homeless(g) || g.is_current());
        let all = self.fresh || searching;
        let (newest, done) = (self.newest.saturating_sub(SLACK), &self.done);
        let mut refused = Vec::new();
        let candidates = candidate::list(
            &self.path,
            &|_, inode, mtime| all || mtime >= newest || done.iter().any(|d| d.inode == inode),
            &mut refused,
        )?;
        for (path, error) in refused {
            self.notes.push(Note {
                text: format!("{}: {error}: not read", path.display()),
                loss: true,
            });
        }
        self.again |= candidates.is_none();
        Ok(candidates)
    }

    /// The first look at a log: older generations are not read.
    fn begin(&mut self, candidates: Vec<Candidate>, now: Instant) -> io::Result<()> {
        let mut current = None;
        for candidate in candidates {
            if candidate.current {
                current = Some(candidate);
            } else if let Ok(read) = candidate.whole()
                && read.head.length > 0
            {
                self.remember(Done {
                    inode: candidate.inode,
                    read,
                });
            }
        }
        self.fresh = false;
        if let Some(candidate) = current {
            let mut generation = Generation::new(candidate, now);
            if self.options.from == From::End {
                generation.skip_to_end()?;
            }
            self.newest = self.newest.max(generation.mtime);
            self.live.push(generation);
        }
        Ok(())
    }

    /// Finds the files of generations whose bytes are not at hand.
    fn settle_all(&mut self, candidates: &[Candidate]) {
        let mut taken: Vec<Inode> = self
            .live
            .iter()
            .filter(|g| !is_homeless(g))
            .map(|g| g.read_from)
            .collect();
        let mut at = 0;
        while at < self.live.len() {
            let Some(generation) = self.live.get_mut(at) else {
                break;
            };
            if !is_homeless(generation) {
                at += 1;
                continue;
            }
            let read = generation.read_so_far();
            let found = find(candidates, generation.inode, &read, &taken).or_else(|| {
                // Not among the log's neighbours: perhaps still where it was seen.
                let seen = Path::new(&generation.path);
                elsewhere(seen, &self.path)
                    .filter(|c| !taken.contains(&c.inode) && holds(c, generation.inode, &read))
            });
            if let Some(candidate) = found {
                taken.push(candidate.inode);
                generation.settle(candidate);
                at += 1;
                continue;
            }
            if let Home::Memory(bytes) = &generation.home {
                // Of which nothing was read is found as a new one, if there is a copy.
                let told = read.head.length > 0;
                self.notes.extend(told.then(|| Note {
                    text: format!(
                        "{}: cut short at byte {} and no copy of it is left",
                        generation.path, generation.offset
                    ),
                    loss: true,
                }));
                if !bytes.is_empty() {
                    at += 1;
                    continue;
                }
            } else if read.head.length > 0 {
                self.notes.push(Note {
                    text: format!(
                        "{}: the file that was read up to byte {} is gone",
                        generation.path, generation.offset
                    ),
                    loss: true,
                });
            }
            self.finish(at);
        }
    }

    /// Puts the generations into order: those known, those not seen before, the current one.
    fn arrange(&mut self, current: Option<Candidate>, unseen: Vec<Candidate>, now: Instant) {
        let stays = current.as_ref().is_some_and(|c| {
            self.live
                .last()
                .is_some_and(|g| g.is_current() && g.inode == c.inode && !is_homeless(g))
        });
        let kept = if stays { self.live.pop() } else { None };
        for generation in &mut self.live {
            generation.retire(now);
        }
        for candidate in unseen {
            self.live.push(Generation::new(candidate, now));
        }
        if let Some(generation) = kept {
            self.live.push(generation);
        } else if let Some(candidate) = current {
            // Back at its place under its own name: go on where it was left.
            let back = self.live.iter().position(|g| {
                g.inode == candidate.inode && matches!(g.home, Home::Plain { copy: false, .. })
            });
            match back {
                Some(at) => {
                    let mut generation = self.live.remove(at);
                    generation.unsettle();
                    generation.settle(candidate);
                    self.live.push(generation);
                }
                None => self.live.push(Generation::new(candidate, now)),
            }
        }
    }
}

/// Oldest first. Names tell best, for times move in steps; where some names count and others are
/// dates, times have to do.
fn by_age(candidates: &mut [Candidate]) {
    let counting = |c: &&Candidate| c.rotated.as_ref().is_some_and(family::Rotated::counts);
    let counts = candidates.iter().filter(counting).count();
    let one_scheme = counts == 0 || counts == candidates.len();
    candidates.sort_by(|a, b| match (&a.rotated, &b.rotated) {
        (Some(x), Some(y)) if one_scheme => x.cmp_age(y).then(a.mtime.cmp(&b.mtime)),
        _ => a.mtime.cmp(&b.mtime),
    });
}

fn is_homeless(generation: &Generation) -> bool {
    matches!(generation.home, Home::Lost | Home::Memory(_))
}

/// Whether a candidate has the bytes of a generation.
fn holds(candidate: &Candidate, inode: Inode, read: &Read) -> bool {
    if read.head.length == 0 {
        return candidate.inode == inode && read.offset == 0;
    }
    if candidate.current && candidate.size < read.offset {
        return false;
    }
    candidate.holds(read)
}

/// The best home for a generation: the same file, then a plain one, then a compressed one.
fn find(candidates: &[Candidate], inode: Inode, read: &Read, taken: &[Inode]) -> Option<Candidate> {
    let rank = |c: &Candidate| (c.inode != inode, c.packed);
    let best = candidates
        .iter()
        .enumerate()
        .filter(|(_, c)| !taken.contains(&c.inode) && holds(c, inode, read))
        .min_by_key(|(_, c)| rank(c))?
        .0;
    let chosen = candidates.get(best)?;
    // The candidate at the log's path is looked at again when generations are put in order.
    let copy = Candidate {
        path: chosen.path.clone(),
        current: chosen.current,
        rotated: chosen.rotated.clone(),
        file: chosen.reopen().ok()?,
        inode: chosen.inode,
        size: chosen.size,
        mtime: chosen.mtime,
        packed: chosen.packed,
    };
    Some(copy)
}

/// A file at the place where a generation was seen, if that is no neighbour of the log.
fn elsewhere(seen: &Path, log: &Path) -> Option<Candidate> {
    if seen.as_os_str().is_empty() || seen.parent() == log.parent() {
        return None;
    }
    Candidate::at(seen).ok().flatten()
}

#[cfg(test)]
mod tests;
