//! tar: POSIX ustar and pax, GNU long names and sparse files, the old v7 form.
//!
//! Members are ranges of the archive's bytes, so listing a tar copies nothing; only a sparse
//! member is put together.

use crate::archive::is_tar;
use crate::data::{ArtefactReader, Data};
use crate::names;
use crate::problem::Severity;
use crate::worker::{Meta, Taking, Worker, reader, take_from};
use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;
use tar::EntryType;
use vauban_ocsf::Timestamp;

/// Bytes a header with its long name and pax records may have. The library reads them into
/// memory, and a hostile one states any size.
const HEADER_MAX: u64 = 1 << 20;

/// Damaged places after which the next header is looked for.
const RESUMES: usize = 1000;

/// Pieces a sparse member may have; the map is held in memory.
const PIECES_MAX: u64 = 1_000_000;

const BLOCK: u64 = 512;

/// Lists the members; `false` if there were none and the archive is damaged.
pub(crate) fn open(worker: &mut Worker<'_>, path: &str, data: &Data, depth: u32) -> bool {
    let Some(reader) = reader(worker, path, data) else {
        return false;
    };
    let mut tar = Tar {
        path,
        data,
        depth,
        seen: HashMap::new(),
        any: false,
    };
    let mut start = 0;
    for _ in 0..RESUMES {
        let Some(broken) = tar.run(worker, &reader, start) else {
            return true;
        };
        let Some(next) = next_header(&reader, broken) else {
            return tar.any;
        };
        let what = format!("tar: listing goes on at byte {next}");
        worker.problem(Severity::Note, path, Some(next), what);
        start = next;
    }
    worker.problem(
        Severity::Warning,
        path,
        Some(start),
        "tar: damaged in too many places".into(),
    );
    tar.any
}

struct Tar<'a> {
    path: &'a str,
    data: &'a Data,
    depth: u32,
    /// Places of members in the worker's list by raw name, for hard links.
    seen: HashMap<Vec<u8>, usize>,
    any: bool,
}

impl Tar<'_> {
    /// Lists from `start`; the place where the archive is damaged, if it is.
    fn run(&mut self, worker: &mut Worker<'_>, all: &ArtefactReader, start: u64) -> Option<u64> {
        let part = self.data.slice(start, u64::MAX);
        let budget = Rc::new(Cell::new(HEADER_MAX));
        let source = match part.reader() {
            Ok(reader) => Guarded {
                reader,
                budget: budget.clone(),
            },
            Err(e) => {
                worker.problem(Severity::Error, self.path, Some(start), e.to_string());
                return None;
            }
        };
        let mut archive = tar::Archive::new(source);
        let mut end = start;
        let entries = match archive.entries_with_seek() {
            Ok(entries) => entries,
            Err(e) => {
                worker.problem(Severity::Error, self.path, Some(start), e.to_string());
                return None;
            }
        };
        for entry in entries {
            let mut entry = match entry {
                Ok(entry) => entry,
                Err(e) => {
                    let what = format!("tar: damaged: {e}");
                    worker.problem(Severity::Warning, self.path, Some(end), what);
                    return Some(end.saturating_add(BLOCK));
                }
            };
            budget.set(u64::MAX);
            let at = start.saturating_add(entry.raw_file_position());
            // A sparse member's size is that of the file, not of its bytes in the archive.
            let sparse = entry.header().entry_type() == EntryType::GNUSparse;
            let stored = if sparse {
                entry.header().entry_size().unwrap_or(0)
            } else {
                entry.size()
            };
            end = at.saturating_add(stored.div_ceil(BLOCK).saturating_mul(BLOCK));
            self.entry(worker, &mut entry, at, all.len());
            budget.set(HEADER_MAX);
        }
        if end >= all.len() {
            // POSIX: two zero blocks end an archive. Without them it may be cut between members.
            let what = "tar: ends without its end marker, members may be missing";
            worker.problem(Severity::Note, self.path, Some(all.len()), what.into());
        }
        None
    }

    fn entry<R: Read>(
        &mut self,
        worker: &mut Worker<'_>,
        entry: &mut tar::Entry<'_, R>,
        at: u64,
        total: u64,
    ) {
        let (sparse, sparse_name) = pax_sparse(entry);
        let raw = sparse_name.unwrap_or_else(|| entry.path_bytes().into_owned());
        let (name, hostile) = names::member(&raw);
        let path = format!("{}!{name}", self.path);
        let kind = entry.header().entry_type();
        self.any = true;
        if hostile && !kind.is_dir() {
            let what = format!("tar: member is named {}", names::show(&raw));
            worker.problem(Severity::Note, &path, Some(at), what);
        }
        let modified = pax_mtime(entry).or_else(|| {
            let seconds = i64::try_from(entry.header().mtime().ok()?).ok()?;
            seconds.checked_mul(1_000_000).map(Timestamp)
        });
        let meta = Meta {
            modified,
            mode: entry.header().mode().ok(),
        };
        let link = entry
            .link_name_bytes()
            .map(|l| l.into_owned())
            .unwrap_or_default();
        match kind {
            // The v7 form has no type for directories.
            EntryType::Regular if raw.ends_with(b"/") && entry.size() == 0 => {}
            EntryType::Regular | EntryType::Continuous if sparse.is_some() => {
                let size = sparse.unwrap_or_default();
                let stored = self.data.slice(at, entry.size());
                match PaxSparse::open(&stored, size) {
                    Ok(mut reader) => {
                        let mut taking = Taking::new(worker);
                        let end = take_from(&mut taking, &mut reader, stored.len);
                        let taken = taking.finish();
                        worker.report(&path, "tar sparse member", end, &taken, at);
                        if let Some((data, digest)) = worker.keep(&path, taken) {
                            self.seen.insert(raw, worker.out.found.len());
                            worker.place(path, data, &digest, &meta, self.depth + 1);
                        }
                    }
                    Err(e) => {
                        let what = format!("tar: sparse member that cannot be put together: {e}");
                        worker.problem(Severity::Error, &path, Some(at), what);
                    }
                }
            }
            EntryType::Regular | EntryType::Continuous => {
                let size = entry.size();
                let data = self.data.slice(at, size);
                if data.len < size {
                    let what = format!(
                        "tar: cut inside this member, {} of {size} bytes are there",
                        data.len
                    );
                    worker.problem(Severity::Warning, &path, Some(total), what);
                }
                self.seen.insert(raw, worker.out.found.len());
                worker.member(path, data, &meta, self.depth + 1);
            }
            EntryType::GNUSparse => {
                let stored = entry.header().entry_size().unwrap_or(0);
                let mut taking = Taking::new(worker);
                let end = take_from(&mut taking, entry, stored);
                let taken = taking.finish();
                worker.report(&path, "tar sparse member", end, &taken, at);
                if let Some((data, digest)) = worker.keep(&path, taken) {
                    self.seen.insert(raw, worker.out.found.len());
                    worker.place(path, data, &digest, &meta, self.depth + 1);
                }
            }
            EntryType::Link => match self.seen.get(&link) {
                Some(earlier) => worker.again(path, *earlier),
                None => {
                    let what = format!(
                        "tar: hard link to {}, not in front of it",
                        names::show(&link)
                    );
                    worker.problem(Severity::Warning, &path, Some(at), what);
                }
            },
            EntryType::Symlink => worker.out.links.push((path, names::show(&link))),
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                worker.problem(
                    Severity::Note,
                    &path,
                    Some(at),
                    "tar: device or FIFO, skipped".into(),
                );
            }
            EntryType::Directory | EntryType::XGlobalHeader => {}
            other => {
                let what = format!(
                    "tar: member of unknown type {:#04x}, skipped",
                    other.as_byte()
                );
                worker.problem(Severity::Warning, &path, Some(at), what);
            }
        }
    }
}

/// Real size and name of a sparse member in GNU's pax form 1.0, which bsdtar writes too (GNU tar
/// manual, "Storing Sparse Files").
fn pax_sparse<R: Read>(entry: &mut tar::Entry<'_, R>) -> (Option<u64>, Option<Vec<u8>>) {
    let (mut size, mut name, mut major) = (None, None, false);
    if let Ok(Some(records)) = entry.pax_extensions() {
        for record in records.flatten() {
            match record.key_bytes() {
                b"GNU.sparse.major" => major = record.value_bytes() == b"1",
                b"GNU.sparse.realsize" => size = record.value().ok().and_then(|v| v.parse().ok()),
                b"GNU.sparse.name" => name = Some(record.value_bytes().to_vec()),
                _ => {}
            }
        }
    }
    if major { (size, name) } else { (None, name) }
}

/// Puts a sparse member together: the map at its beginning, then its pieces, zeros between.
struct PaxSparse {
    reader: ArtefactReader,
    /// Place in the file, length, place in the stored bytes.
    pieces: std::collections::VecDeque<(u64, u64, u64)>,
    at: u64,
    size: u64,
}

impl PaxSparse {
    fn open(stored: &Data, size: u64) -> io::Result<Self> {
        let reader = stored.reader()?;
        let bad = || io::Error::other("its map is damaged");
        let mut text = std::io::BufReader::new(reader.clone());
        let mut used = 0u64;
        let mut number = || -> io::Result<u64> {
            let mut line = Vec::new();
            used += io::BufRead::read_until(&mut (&mut text).take(24), b'\n', &mut line)? as u64;
            let digits = line.strip_suffix(b"\n").ok_or_else(bad)?;
            std::str::from_utf8(digits)
                .ok()
                .and_then(|d| d.parse().ok())
                .ok_or_else(bad)
        };
        let count = number()?;
        if count > PIECES_MAX {
            return Err(bad());
        }
        let mut pieces = std::collections::VecDeque::new();
        for _ in 0..count {
            pieces.push_back((number()?, number()?, 0));
        }
        let mut stored_at = used.div_ceil(BLOCK) * BLOCK;
        let mut end = 0;
        for (place, len, from) in &mut pieces {
            let next = place
                .checked_add(*len)
                .filter(|n| *n <= size)
                .ok_or_else(bad)?;
            if *place < end {
                return Err(bad());
            }
            end = next;
            *from = stored_at;
            stored_at = stored_at.saturating_add(*len);
        }
        Ok(Self {
            reader,
            pieces,
            at: 0,
            size,
        })
    }
}

impl Read for PaxSparse {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self
            .pieces
            .front()
            .is_some_and(|(place, len, _)| place + len <= self.at)
        {
            self.pieces.pop_front();
        }
        let left = match self.pieces.front() {
            Some((place, _, _)) if *place > self.at => place - self.at,
            Some((place, len, from)) => {
                let inside = self.at - place;
                let want = usize::try_from(len - inside)
                    .unwrap_or(usize::MAX)
                    .min(buf.len());
                let part = buf.get_mut(..want).unwrap_or_default();
                let n = self.reader.read_at(from + inside, part)?;
                if n == 0 && want > 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.at += n as u64;
                return Ok(n);
            }
            None => self.size.saturating_sub(self.at),
        };
        let zeros = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        buf.get_mut(..zeros).unwrap_or_default().fill(0);
        self.at += zeros as u64;
        Ok(zeros)
    }
}

/// `mtime` of the pax record: decimal seconds, with a fraction.
fn pax_mtime<R: Read>(entry: &mut tar::Entry<'_, R>) -> Option<Timestamp> {
    let records = entry.pax_extensions().ok()??;
    let record = records.flatten().find(|r| r.key_bytes() == b"mtime")?;
    let (seconds, fraction) = match record.value().ok()?.split_once('.') {
        Some((s, f)) => (s, f),
        None => (record.value().ok()?, ""),
    };
    let seconds: i64 = seconds.parse().ok()?;
    let mut micros = 0i64;
    for i in 0..6 {
        let digit = fraction
            .as_bytes()
            .get(i)
            .filter(|b| b.is_ascii_digit())
            .map_or(0, |b| b - b'0');
        micros = micros * 10 + i64::from(digit);
    }
    seconds
        .checked_mul(1_000_000)?
        .checked_add(micros)
        .map(Timestamp)
}

/// The next block from `from` on that is a header, so that damage costs one member and not all
/// that follow.
fn next_header(reader: &ArtefactReader, from: u64) -> Option<u64> {
    let mut at = from.div_ceil(BLOCK).checked_mul(BLOCK)?;
    let mut buf = vec![0; 256 * BLOCK as usize];
    loop {
        let n = reader.read_at(at, &mut buf).ok()?;
        for (i, block) in buf.get(..n)?.chunks_exact(BLOCK as usize).enumerate() {
            let magic = block.get(257..262) == Some(b"ustar");
            if magic && is_tar(block) {
                return Some(at + i as u64 * BLOCK);
            }
        }
        if n < buf.len() {
            return None;
        }
        at += n as u64;
    }
}

/// Refuses to read more than the budget between two members.
struct Guarded {
    reader: ArtefactReader,
    budget: Rc<Cell<u64>>,
}

impl Read for Guarded {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buf)?;
        let left = self.budget.get();
        if left < n as u64 {
            return Err(io::Error::other("header larger than 1 MiB"));
        }
        if left != u64::MAX {
            self.budget.set(left - n as u64);
        }
        Ok(n)
    }
}

impl Seek for Guarded {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.reader.seek(to)
    }
}
