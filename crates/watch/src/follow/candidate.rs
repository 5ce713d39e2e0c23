//! The files beside a log that are or may be its earlier generations.

use super::content::{self, HEAD, Mark, Read};
use super::family::Rotated;
use super::packed;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Device and inode number.
pub type Inode = (u64, u64);

/// A file that was opened, so that a rename does not take it away.
pub struct Candidate {
    /// Where it was.
    pub path: PathBuf,
    /// It stands at the log's own path.
    pub current: bool,
    /// How its name was made by rotation; `None` for the log itself.
    pub rotated: Option<Rotated>,
    /// Open for reading.
    pub file: File,
    /// Which file.
    pub inode: Inode,
    /// Bytes on disk.
    pub size: u64,
    /// Modification time in nanoseconds since the epoch.
    pub mtime: i64,
    /// It is a compressed stream, by content.
    pub packed: bool,
}

impl Candidate {
    fn open(path: PathBuf, current: bool, rotated: Option<Rotated>) -> io::Result<Option<Self>> {
        let Some((file, meta)) = open_regular(&path)? else {
            return Ok(None);
        };
        let packed = !current && packed::is_packed(&content::first(&file, 8)?);
        Ok(Some(Self {
            path,
            current,
            rotated,
            inode: (meta.dev(), meta.ino()),
            size: meta.len(),
            mtime: mtime(&meta),
            packed,
            file,
        }))
    }

    /// A file that is no neighbour of the log.
    pub fn at(path: &Path) -> io::Result<Option<Self>> {
        Self::open(path.to_path_buf(), false, None)
    }

    /// A second handle with a position of its own, at the beginning.
    pub fn reopen(&self) -> io::Result<File> {
        use std::os::fd::AsRawFd;
        File::open(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }

    /// Whether this is what was read, or begins with it.
    pub fn holds(&self, read: &Read) -> bool {
        if self.packed {
            self.reopen()
                .and_then(|file| read.matches_packed(file))
                .unwrap_or(false)
        } else {
            read.matches(&self.file, self.size).unwrap_or(false)
        }
    }

    /// What all of it is remembered by.
    pub fn whole(&self) -> io::Result<Read> {
        if self.packed {
            Read::of_packed(self.reopen()?)
        } else {
            Read::of_file(&self.file, self.size)
        }
    }

    /// Its first bytes after decoding.
    pub fn beginning(&self) -> io::Result<Vec<u8>> {
        if !self.packed {
            return content::first(&self.file, HEAD);
        }
        let mut bytes = Vec::new();
        let stream = packed::decode(self.reopen()?)?;
        io::Read::read_to_end(&mut io::Read::take(stream, HEAD as u64), &mut bytes)?;
        Ok(bytes)
    }

    /// What its first bytes are remembered by; `None` if they cannot be read.
    pub fn head(&self) -> Option<Mark> {
        self.beginning().ok().map(|bytes| Mark::of(&bytes))
    }

    /// Whether it is a copy, perhaps not finished, of what begins with `bytes`.
    pub fn is_copy_of(&self, bytes: &[u8]) -> bool {
        self.beginning()
            .is_ok_and(|own| !own.is_empty() && bytes.starts_with(&own))
    }
}

/// Modification time in nanoseconds since the epoch.
pub fn mtime(meta: &std::fs::Metadata) -> i64 {
    meta.mtime()
        .saturating_mul(1_000_000_000)
        .saturating_add(meta.mtime_nsec())
}

/// Opens a regular file; `None` if it is gone or is something else (a pipe would block).
pub fn open_regular(path: &Path) -> io::Result<Option<(File, std::fs::Metadata)>> {
    let opened = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32)
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let meta = file.metadata()?;
    Ok(meta.is_file().then_some((file, meta)))
}

/// The log itself and what rotation may have made of it, as they were at one moment. `wanted`
/// says by name, inode and modification time which are worth opening. `None`: files are being
/// moved about without end, and what is where cannot be told; nothing may be concluded from that.
///
/// # Errors
/// If the directory cannot be listed, or the log itself not be opened. What cannot be opened
/// beside it goes to `refused`.
pub fn list(
    path: &Path,
    wanted: &dyn Fn(&Rotated, Inode, i64) -> bool,
    refused: &mut Vec<(PathBuf, io::Error)>,
) -> io::Result<Option<Vec<Candidate>>> {
    let (dir, base) = split(path);
    let mut open: BTreeMap<Inode, Candidate> = BTreeMap::new();
    let mut before = names(path)?;
    for _ in 0..200 {
        refused.clear();
        // Files are told by their inodes: one that was opened under another name is the same.
        for (name, (inode, time)) in &before {
            let rotated = rotated(&base, name);
            let wanted = match &rotated {
                None => true,
                Some(rotated) => wanted(rotated, *inode, *time),
            };
            if !wanted || open.contains_key(inode) {
                continue;
            }
            let current = *name == base;
            let opened = if current {
                Candidate::open(path.to_path_buf(), true, None).map_err(Some)
            } else {
                Candidate::open(dir.join(name), false, rotated).map_err(|_| None)
            };
            match opened {
                Ok(Some(candidate)) => {
                    open.insert(candidate.inode, candidate);
                }
                Ok(None) => {}
                Err(Some(e)) => return Err(e),
                Err(None) => {
                    let beside = dir.join(name);
                    let error = File::open(&beside).err();
                    refused.extend(error.map(|e| (beside, e)));
                }
            }
        }
        let after = names(path)?;
        let places = |names: &Names| -> Vec<(OsString, Inode)> {
            names.iter().map(|(n, v)| (n.clone(), v.0)).collect()
        };
        if places(&before) != places(&after) {
            before = after;
            continue;
        }
        let mut found = Vec::new();
        for (name, (inode, _)) in &after {
            let Some(mut candidate) = open.remove(inode) else {
                continue;
            };
            let meta = candidate.file.metadata()?;
            candidate.current = *name == base;
            candidate.path = if candidate.current {
                path.to_path_buf()
            } else {
                dir.join(name)
            };
            candidate.rotated = rotated(&base, name);
            candidate.size = meta.len();
            candidate.mtime = mtime(&meta);
            candidate.packed =
                !candidate.current && packed::is_packed(&content::first(&candidate.file, 8)?);
            found.push(candidate);
        }
        return Ok(Some(found));
    }
    Ok(None)
}

type Names = BTreeMap<OsString, (Inode, i64)>;

fn names(path: &Path) -> io::Result<Names> {
    let (dir, base) = split(path);
    let mut names = Names::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_base = name == base;
        if !is_base && rotated(&base, &name).is_none() {
            continue;
        }
        // Links are followed only for the log itself: a log may be a link to today's file.
        let meta = if is_base {
            std::fs::metadata(entry.path())
        } else {
            entry.metadata()
        };
        match meta {
            Ok(meta) if meta.is_file() => {
                names.insert(name, ((meta.dev(), meta.ino()), mtime(&meta)));
            }
            _ => {}
        }
    }
    Ok(names)
}

fn rotated(base: &OsString, name: &OsString) -> Option<Rotated> {
    Rotated::of(base.to_str()?, name.to_str()?)
}

/// Directory and name of a path.
pub fn split(path: &Path) -> (PathBuf, OsString) {
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir.to_path_buf(),
        _ => PathBuf::from("."),
    };
    (dir, path.file_name().unwrap_or_default().to_owned())
}
