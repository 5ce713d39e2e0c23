//! Messages from the network on disk: they are judged from there, and there a finding's lines can
//! be opened.
//!
//! One message a line, in numbered files. A line feed inside a message becomes `#012`, other
//! control characters likewise, as rsyslog writes them. What was judged is kept up to a limit;
//! what was not is never removed, and from another limit on no more is taken from the network.

use crate::detector::Block;
use crate::source::At;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Bytes after which a file is finished and the next begun.
const FILE: u64 = 16 << 20;

/// Where the reader stands.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Number of the file.
    pub file: u64,
    /// Byte in it.
    pub offset: u64,
    /// Lines before.
    pub lines: u64,
}

/// The writing end; shared by all connections.
pub struct Writer {
    dir: PathBuf,
    current: Mutex<Current>,
    /// Bytes written since the start.
    written: AtomicU64,
    /// Of those, bytes whose processing is on disk, plus what an earlier run had left behind.
    done: AtomicU64,
}

struct Current {
    number: u64,
    file: File,
    length: u64,
    synced: bool,
    buffer: Vec<u8>,
}

fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:010}.log"))
}

/// Numbers of the files there are, in order.
fn numbers(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        let number: Option<u64> = name
            .to_str()
            .and_then(|n| n.strip_suffix(".log")?.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn create(dir: &Path, number: u64) -> io::Result<File> {
    let file = OpenOptions::new()
        .append(true)
        .create_new(true)
        .open(path(dir, number))?;
    File::open(dir)?.sync_all()?;
    Ok(file)
}

/// Opens a directory of received messages for both ends.
///
/// # Errors
/// If it cannot be made or written to.
pub fn open(dir: &Path, place: Place) -> io::Result<(Arc<Writer>, Reader)> {
    std::fs::create_dir_all(dir)?;
    let there = numbers(dir)?;
    let number = there.last().map_or(1, |n| n + 1).max(place.file + 1);
    let file = create(dir, number)?;
    let mut left = 0;
    for n in &there {
        let length = std::fs::metadata(path(dir, *n))?.len();
        left += match n.cmp(&place.file) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => length.saturating_sub(place.offset),
            std::cmp::Ordering::Greater => length,
        };
    }
    let writer = Arc::new(Writer {
        dir: dir.to_path_buf(),
        current: Mutex::new(Current {
            number,
            file,
            length: 0,
            synced: true,
            buffer: Vec::new(),
        }),
        written: AtomicU64::new(left),
        done: AtomicU64::new(0),
    });
    let reader = Reader {
        dir: dir.to_path_buf(),
        place,
        open: None,
        given: 0,
        buffer: Vec::new(),
        writer: Arc::clone(&writer),
    };
    Ok((writer, reader))
}

impl Writer {
    /// Bytes that are on disk and not known to be processed.
    pub fn unread(&self) -> u64 {
        let done = self.done.load(Ordering::Acquire);
        self.written.load(Ordering::Acquire).saturating_sub(done)
    }

    /// Appends messages; they have left our memory when this returns.
    ///
    /// # Errors
    /// If the disk does not take them: then none of them was taken, or the last line is torn and
    /// ended before the next one.
    pub fn append<'m>(&self, messages: impl Iterator<Item = &'m [u8]>) -> io::Result<()> {
        let mut current = self.current.lock().unwrap_or_else(|e| e.into_inner());
        if current.length >= FILE {
            current.file.sync_data()?;
            let number = current.number + 1;
            current.file = create(&self.dir, number)?;
            (current.number, current.length, current.synced) = (number, 0, true);
        }
        let mut buffer = std::mem::take(&mut current.buffer);
        buffer.clear();
        for message in messages {
            escape(message, &mut buffer);
        }
        let result = current.file.write_all(&buffer);
        if result.is_err() {
            // Take back what part of it was written.
            let length = current.length;
            let _ = current.file.set_len(length);
        } else {
            current.length += buffer.len() as u64;
            current.synced = buffer.is_empty() && current.synced;
            self.written
                .fetch_add(buffer.len() as u64, Ordering::AcqRel);
        }
        current.buffer = buffer;
        result
    }

    fn sync(&self) -> io::Result<()> {
        let mut current = self.current.lock().unwrap_or_else(|e| e.into_inner());
        if !current.synced {
            current.file.sync_data()?;
            current.synced = true;
        }
        Ok(())
    }

    fn current(&self) -> u64 {
        self.current
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .number
    }
}

fn escape(message: &[u8], out: &mut Vec<u8>) {
    for byte in message {
        if *byte < 0x20 && *byte != b'\t' || *byte == 0x7f {
            let _ = write!(out, "#{byte:03o}");
        } else {
            out.push(*byte);
        }
    }
    out.push(b'\n');
}

/// The reading end.
pub struct Reader {
    dir: PathBuf,
    place: Place,
    open: Option<(u64, File)>,
    given: u64,
    buffer: Vec<u8>,
    writer: Arc<Writer>,
}

impl Reader {
    /// Where it stands.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Gives what is new, about `budget` bytes of it.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn read(
        &mut self,
        budget: usize,
        log: &str,
        give: &mut crate::source::Give<'_>,
    ) -> io::Result<usize> {
        let mut given = 0;
        while given < budget {
            let current = self.writer.current();
            let Some(number) = self.file(current)? else {
                break;
            };
            let Some((_, file)) = &self.open else { break };
            let length = file.metadata()?.len();
            let there = length.saturating_sub(self.place.offset).min(1 << 20) as usize;
            self.buffer.resize(there, 0);
            let mut have = 0;
            while have < there {
                let rest = self.buffer.get_mut(have..).unwrap_or_default();
                match file.read_at(rest, self.place.offset + have as u64)? {
                    0 => break,
                    n => have += n,
                }
            }
            let bytes = self.buffer.get(..have).unwrap_or_default();
            // A file that is written no more may end in a torn line.
            let end = match memchr::memrchr(b'\n', bytes) {
                Some(newline) => newline + 1,
                None if number != current => bytes.len(),
                None => 0,
            };
            let lines = bytes.get(..end).unwrap_or_default();
            if lines.is_empty() {
                if number == current {
                    break;
                }
                self.place = Place {
                    file: number + 1,
                    ..Place::default()
                };
                continue;
            }
            let artefact = path(&self.dir, number);
            let artefact = artefact.to_string_lossy();
            let at = At {
                artefact: &artefact,
                log: &artefact,
            };
            let _ = log;
            give(
                at,
                Block {
                    bytes: lines,
                    offset: self.place.offset,
                    line: self.place.lines + 1,
                },
            );
            self.place.offset += end as u64;
            self.place.lines += memchr::memchr_iter(b'\n', lines).count() as u64;
            self.given += end as u64;
            given += end;
        }
        Ok(given)
    }

    /// Opens the file that is to be read next; its number.
    fn file(&mut self, current: u64) -> io::Result<Option<u64>> {
        let next = numbers(&self.dir)?
            .into_iter()
            .find(|n| *n >= self.place.file && *n <= current);
        let Some(number) = next else { return Ok(None) };
        if number != self.place.file {
            self.place = Place {
                file: number,
                ..Place::default()
            };
        }
        if self.open.as_ref().is_none_or(|(n, _)| *n != number) {
            self.open = Some((number, File::open(path(&self.dir, number))?));
        }
        Ok(Some(number))
    }

    /// What was given is about to be noted as processed: it has to be on disk itself.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn sync(&self) -> io::Result<()> {
        self.writer.sync()
    }

    /// What was given is processed: beyond `keep` bytes, the oldest files go.
    pub fn kept(&mut self, keep: u64) {
        self.writer.done.store(self.given, Ordering::Release);
        let Ok(there) = numbers(&self.dir) else {
            return;
        };
        let length = |n: u64| std::fs::metadata(path(&self.dir, n)).map_or(0, |m| m.len());
        let mut total: u64 = there.iter().map(|n| length(*n)).sum();
        for number in there.into_iter().filter(|n| *n < self.place.file) {
            let own = length(number);
            if total <= keep && own > 0 {
                break;
            }
            // If it stays, it goes the next time.
            let _ = std::fs::remove_file(path(&self.dir, number));
            total = total.saturating_sub(own);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: &mut Reader) -> Vec<String> {
        let mut seen = Vec::new();
        reader
            .read(usize::MAX, "x", &mut |_, block| {
                seen.extend(
                    String::from_utf8_lossy(block.bytes)
                        .lines()
                        .map(str::to_owned),
                );
            })
            .expect("read");
        seen
    }

    #[test]
    fn what_was_taken_is_read_after_a_restart() {
        let dir = tempfile::tempdir().expect("directory");
        let (writer, mut reader) = open(dir.path(), Place::default()).expect("open");
        let messages: [&[u8]; 2] = [b"<13>a\nb", b"<13>c"];
        writer.append(messages.into_iter()).expect("append");
        assert_eq!(writer.unread(), 17);
        assert_eq!(read(&mut reader), ["<13>a#012b", "<13>c"]);
        let place = reader.place();
        writer.append([&b"<13>d"[..]].into_iter()).expect("append");
        drop((writer, reader));
        // Killed in the middle of a line.
        let mut torn = OpenOptions::new()
            .append(true)
            .open(path(dir.path(), 1))
            .expect("open");
        torn.write_all(b"<13>to").expect("write");
        let (writer, mut reader) = open(dir.path(), place).expect("open");
        assert_eq!(writer.unread(), 12);
        writer.append([&b"<13>e"[..]].into_iter()).expect("append");
        assert_eq!(read(&mut reader), ["<13>d", "<13>to", "<13>e"]);
        reader.kept(0);
        assert_eq!(writer.unread(), 0);
        assert_eq!(numbers(dir.path()).expect("list"), [2]);
    }
}
