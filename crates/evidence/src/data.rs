//! Where an artefact's bytes are, and reading them at any position.
//!
//! Files are read with positioned reads, never mapped: a file that is truncated while mapped
//! would end the program with SIGBUS.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

/// A file on disk as it was when it was listed.
#[derive(Debug)]
pub(crate) struct FileRef {
    pub path: PathBuf,
    pub dev: u64,
    pub ino: u64,
}

impl FileRef {
    /// Opens the file again, read-only, and makes sure that it is the same one.
    pub fn open(&self) -> io::Result<File> {
        let file = open_evidence(&self.path)?;
        let meta = file.metadata()?;
        if (meta.dev(), meta.ino()) != (self.dev, self.ino) {
            return Err(io::Error::other(
                "file was replaced by another after it was hashed",
            ));
        }
        Ok(file)
    }
}

/// Opens a file of the evidence: read-only, without following a symbolic link, without waiting
/// for a FIFO's writer, and without touching its access time where the kernel allows that.
pub(crate) fn open_evidence(path: &std::path::Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    let open = |flags: OFlags| {
        std::fs::OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(path)
    };
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    match open(flags | OFlags::NOATIME) {
        // O_NOATIME is for the owner and for root only (open(2)).
        Err(e) if e.raw_os_error() == Some(rustix::io::Errno::PERM.raw_os_error()) => open(flags),
        other => other,
    }
}

/// Bytes of an artefact: a range of something.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    pub place: Place,
    pub base: u64,
    pub len: u64,
}

/// What the range is of.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A file of the evidence, opened for each reader.
    File(Arc<FileRef>),
    /// An open file: an anonymous temporary one, or one of the evidence while it is being listed.
    Open(Arc<File>),
    /// Memory.
    Memory(Arc<[u8]>),
    /// Memory shared by many small members.
    Slab(Arc<Slab>),
}

/// Small members one after the other. An allocation for each, among the large short-lived ones of
/// decoders, made the heap five times the size of what it held.
#[derive(Debug)]
pub(crate) struct Slab(RwLock<Vec<u8>>);

/// Bytes of a slab; a larger member has memory of its own.
const SLAB: usize = 1 << 20;

impl Slab {
    fn new() -> Self {
        Self(RwLock::new(Vec::with_capacity(SLAB)))
    }

    /// Appends if there is room; the place of the bytes.
    fn append(&self, bytes: &[u8]) -> Option<u64> {
        let mut slab = self.0.write().unwrap_or_else(|e| e.into_inner());
        let at = slab.len();
        if at + bytes.len() > SLAB {
            return None;
        }
        slab.extend_from_slice(bytes);
        Some(at as u64)
    }
}

fn copy_from(source: &[u8], at: u64, buf: &mut [u8]) -> io::Result<()> {
    let start = usize::try_from(at).unwrap_or(usize::MAX);
    let part = source.get(start..).and_then(|b| b.get(..buf.len()));
    buf.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
    Ok(())
}

impl Data {
    pub fn memory(bytes: Vec<u8>) -> Self {
        let len = bytes.len() as u64;
        Self {
            place: Place::Memory(bytes.into()),
            base: 0,
            len,
        }
    }

    /// The part `offset .. offset + len` of these bytes, cut to what exists.
    pub fn slice(&self, offset: u64, len: u64) -> Self {
        let offset = offset.min(self.len);
        Self {
            place: self.place.clone(),
            base: self.base + offset,
            len: len.min(self.len - offset),
        }
    }

    pub fn reader(&self) -> io::Result<ArtefactReader> {
        let place = match &self.place {
            Place::File(file) => Place::Open(Arc::new(file.open()?)),
            other => other.clone(),
        };
        Ok(ArtefactReader {
            data: Self {
                place,
                base: self.base,
                len: self.len,
            },
            pos: 0,
        })
    }
}

/// Reads one artefact's decoded bytes from any position. Owns what it needs: it may outlive the
/// collection and move to another thread.
#[derive(Clone, Debug)]
pub struct ArtefactReader {
    data: Data,
    pos: u64,
}

impl ArtefactReader {
    /// Length in bytes, as listed.
    pub fn len(&self) -> u64 {
        self.data.len
    }

    /// `true` when there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.data.len == 0
    }

    /// Reads into `buf` from `offset` without moving the position; returns the number of bytes,
    /// fewer than asked only at the artefact's end.
    ///
    /// Fails with `UnexpectedEof` when the file has become shorter than it was when it was hashed.
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.data.len.saturating_sub(offset);
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let Some(buf) = buf.get_mut(..want) else {
            return Ok(0);
        };
        if buf.is_empty() {
            return Ok(0);
        }
        let at = self.data.base + offset;
        match &self.data.place {
            Place::Memory(bytes) => copy_from(bytes, at, buf)?,
            Place::Slab(slab) => {
                copy_from(&slab.0.read().unwrap_or_else(|e| e.into_inner()), at, buf)?;
            }
            Place::Open(file) => read_exact_at(file, buf, at)?,
            Place::File(file) => read_exact_at(&file.open()?, buf, at)?,
        }
        Ok(want)
    }
}

fn read_exact_at(file: &File, buf: &mut [u8], at: u64) -> io::Result<()> {
    file.read_exact_at(buf, at).map_err(|e| match e.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "file has become shorter since it was hashed",
        ),
        _ => e,
    })
}

impl Read for ArtefactReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.read_at(self.pos, buf)?;
        self.pos += n as u64;
        Ok(n)
    }
}

impl Seek for ArtefactReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let pos = match to {
            SeekFrom::Start(n) => Some(n),
            SeekFrom::End(n) => self.data.len.checked_add_signed(n),
            SeekFrom::Current(n) => self.pos.checked_add_signed(n),
        };
        self.pos = pos.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.pos)
    }
}

/// Receives decoded bytes: memory as long as they are few, then an anonymous temporary file that
/// one worker's members share. A descriptor for each member would run out of descriptors.
#[derive(Default)]
pub(crate) struct Spool {
    file: Option<Arc<File>>,
    end: u64,
    slab: Option<Arc<Slab>>,
}

impl Spool {
    /// Keeps a small member in memory beside others.
    fn keep(&mut self, bytes: &[u8]) -> Data {
        let len = bytes.len() as u64;
        if let Some(slab) = &self.slab
            && let Some(base) = slab.append(bytes)
        {
            return Data {
                place: Place::Slab(slab.clone()),
                base,
                len,
            };
        }
        let slab = self.slab.insert(Arc::new(Slab::new())).clone();
        match slab.append(bytes) {
            Some(base) => Data {
                place: Place::Slab(slab),
                base,
                len,
            },
            None => Data::memory(bytes.to_vec()),
        }
    }
}

/// One member being decoded.
pub(crate) struct Spooling {
    bytes: Vec<u8>,
    spilled: Option<(Arc<File>, u64)>,
    len: u64,
    small: u64,
}

impl Spooling {
    pub fn new(small: u64) -> Self {
        Self {
            bytes: Vec::new(),
            spilled: None,
            len: 0,
            small,
        }
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn write(&mut self, spool: &mut Spool, chunk: &[u8]) -> io::Result<()> {
        self.len += chunk.len() as u64;
        if self.spilled.is_none() {
            self.bytes.extend_from_slice(chunk);
            if self.len > self.small {
                self.spill(spool)?;
            }
            return Ok(());
        }
        if let Some((file, _)) = &self.spilled {
            file.write_all_at(chunk, spool.end)?;
            spool.end += chunk.len() as u64;
        }
        Ok(())
    }

    fn spill(&mut self, spool: &mut Spool) -> io::Result<()> {
        let file = match &spool.file {
            Some(file) => file.clone(),
            None => spool.file.insert(Arc::new(tempfile::tempfile()?)).clone(),
        };
        let start = spool.end;
        file.write_all_at(&self.bytes, start)?;
        spool.end += self.bytes.len() as u64;
        self.bytes = Vec::new();
        self.spilled = Some((file, start));
        Ok(())
    }

    /// Ends the member. `keep` says whether that many bytes may stay in memory.
    pub fn finish(mut self, spool: &mut Spool, keep: impl FnOnce(u64) -> bool) -> io::Result<Data> {
        if self.spilled.is_none() && self.len > 0 && !keep(self.len) {
            self.spill(spool)?;
        }
        Ok(match self.spilled {
            Some((file, base)) => Data {
                place: Place::Open(file),
                base,
                len: self.len,
            },
            None if self.bytes.len() <= SLAB / 4 => spool.keep(&self.bytes),
            None => Data::memory(self.bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_share_one_spool_and_read_back() {
        let mut spool = Spool::default();
        let mut all = Vec::new();
        for (i, size) in [10usize, 5000, 3, 70_000, 4096].into_iter().enumerate() {
            let content: Vec<u8> = (0..size).map(|n| (n * 7 + i) as u8).collect();
            let mut member = Spooling::new(4096);
            for chunk in content.chunks(1000) {
                member.write(&mut spool, chunk).unwrap();
            }
            let data = member.finish(&mut spool, |len| len < 5).unwrap();
            all.push((content, data));
        }
        for (content, data) in &all {
            let mut reader = data.reader().unwrap();
            let mut back = Vec::new();
            reader.read_to_end(&mut back).unwrap();
            assert_eq!(&back, content);
            let part = data.slice(2, 5);
            let mut back = Vec::new();
            part.reader().unwrap().read_to_end(&mut back).unwrap();
            assert_eq!(
                back,
                content.iter().copied().skip(2).take(5).collect::<Vec<_>>()
            );
        }
        assert!(
            matches!(all[2].1.place, Place::Slab(_)),
            "small and within the budget"
        );
        assert!(
            matches!(all[0].1.place, Place::Open(_)),
            "small but beyond the budget"
        );
        assert!(matches!(all[3].1.place, Place::Open(_)));
    }

    #[test]
    fn seek_and_read_past_the_end_are_no_error() {
        let mut r = Data::memory(b"0123456789".to_vec()).reader().unwrap();
        assert_eq!(r.seek(SeekFrom::End(-3)).unwrap(), 7);
        let mut buf = [0; 8];
        assert_eq!(r.read(&mut buf).unwrap(), 3);
        assert_eq!(r.read(&mut buf).unwrap(), 0);
        assert_eq!(r.seek(SeekFrom::Start(99)).unwrap(), 99);
        assert_eq!(r.read(&mut buf).unwrap(), 0);
        assert!(r.seek(SeekFrom::Current(-100)).is_err());
    }
}
