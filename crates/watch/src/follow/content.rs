//! What a log's content is recognised by: its first bytes, and the last ones that were read.
//!
//! Inode numbers are used again by the system as soon as a file is gone, and a copy has another;
//! content tells. The time stamps at the beginning of a log are as good as a name.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes at the beginning that are remembered.
pub const HEAD: usize = 1024;
/// Bytes before the position that are remembered.
pub const TAIL: usize = 64;

/// Length and hash of bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// How many bytes.
    pub length: u32,
    /// First half of their SHA-256 in hexadecimal.
    pub hash: String,
}

impl Mark {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        Self {
            length: bytes.len() as u32,
            hash: digest[..16].iter().map(|b| format!("{b:02x}")).collect(),
        }
    }

    /// Whether these are the bytes.
    pub fn is(&self, bytes: &[u8]) -> bool {
        *self == Self::of(bytes)
    }
}

/// What was read of one generation of a log, as kept across restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// First bytes, of those that were read.
    pub head: Mark,
    /// Bytes before the position.
    pub tail: Mark,
    /// Everything before this byte has been read.
    pub offset: u64,
}

impl Read {
    /// Whether a plain file begins with what was read, up to its last bytes. A file that is
    /// shorter than what was read counts if its beginning agrees: a copy made before the last
    /// lines were written is such a file.
    pub fn matches(&self, file: &File, size: u64) -> io::Result<bool> {
        if self.head.length == 0 || size < u64::from(self.head.length) {
            return Ok(false);
        }
        if !self.head.is(&first(file, self.head.length as usize)?) {
            return Ok(false);
        }
        if size < self.offset || self.tail.length == 0 {
            return Ok(true);
        }
        let mut tail = vec![0; self.tail.length as usize];
        let at = self.offset.saturating_sub(u64::from(self.tail.length));
        Ok(read_full(file, at, &mut tail)? == tail.len() && self.tail.is(&tail))
    }

    /// The same for a compressed file.
    pub fn matches_packed(&self, file: File) -> io::Result<bool> {
        if self.head.length == 0 {
            return Ok(false);
        }
        let mut stream = super::packed::decode(file)?;
        let mut head = vec![0; self.head.length as usize];
        Ok(fill(&mut stream, &mut head)? && self.head.is(&head))
    }

    /// What a whole plain file is remembered by.
    pub fn of_file(file: &File, size: u64) -> io::Result<Self> {
        Self::up_to(file, size)
    }

    /// What the first `offset` bytes of a plain file are remembered by.
    pub fn up_to(file: &File, offset: u64) -> io::Result<Self> {
        let head = first(file, offset.min(HEAD as u64) as usize)?;
        let mut tail = vec![0; offset.min(TAIL as u64) as usize];
        let at = offset - tail.len() as u64;
        let n = read_full(file, at, &mut tail)?;
        tail.truncate(n);
        Ok(Self {
            head: Mark::of(&head),
            tail: Mark::of(&tail),
            offset,
        })
    }

    /// What a whole compressed file is remembered by: its beginning, and its length if it ends
    /// within that.
    pub fn of_packed(file: File) -> io::Result<Self> {
        let mut stream = super::packed::decode(file)?;
        let mut head = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(&mut stream, HEAD as u64 + 1), &mut head)?;
        let offset = head.len() as u64;
        head.truncate(HEAD);
        Ok(Self {
            head: Mark::of(&head),
            tail: Mark::default(),
            offset,
        })
    }

    /// Whether the remembered beginning is as long as any: a shorter one is all there was.
    pub fn is_long(&self) -> bool {
        self.head.length as usize == HEAD
    }
}

/// The first bytes of a file, at most `length`.
pub fn first(file: &File, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let n = read_full(file, 0, &mut bytes)?;
    bytes.truncate(n);
    Ok(bytes)
}

/// Reads until the buffer is full or the file ends.
pub fn read_full(file: &File, mut at: u64, mut buffer: &mut [u8]) -> io::Result<usize> {
    let mut total = 0;
    while !buffer.is_empty() {
        match file.read_at(buffer, at) {
            Ok(0) => break,
            Ok(n) => {
                total += n;
                at += n as u64;
                buffer = buffer.get_mut(n..).unwrap_or_default();
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(total)
}

/// Fills the buffer from a stream; `false` if the stream ends before.
fn fill(stream: &mut dyn io::Read, buffer: &mut [u8]) -> io::Result<bool> {
    match stream.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}
