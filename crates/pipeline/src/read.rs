//! Log artefacts cut into pieces of whole lines and parsed by all cores, in order.
//!
//! The pieces are handed out in the order of the evidence and their results are folded in the
//! same order, so that the outcome does not depend on the number of threads. Memory holds a few
//! pieces per thread whatever the size of a log.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use vauban_evidence::{ArtefactReader, Collection};
use vauban_ocsf::{ArtefactId, EventSink, Evidence};
use vauban_sources::{Context, LogFormat, Mode};

/// Bytes of a piece.
const PIECE: usize = 4 << 20;
/// A line longer than this is reported, not parsed.
const LONGEST: usize = 16 << 20;
/// Finished pieces that may wait for an earlier one.
const WAITING: usize = 8;

/// A log artefact with what its parser needs to know.
pub struct Log {
    /// Artefact.
    pub artefact: ArtefactId,
    /// Format.
    pub format: &'static dyn LogFormat,
    /// Clock and layouts.
    pub context: Context,
    /// Bytes.
    pub size: u64,
}

/// What takes the events of one piece. Pieces are finished in order.
pub trait Fold {
    /// Takes events of one piece, on any thread.
    type Piece: EventSink + Send;
    /// A new, empty one.
    fn piece(&self) -> Self::Piece;
    /// Takes a finished piece over. Called in the order of the evidence, one at a time.
    fn finish(&mut self, piece: Self::Piece);
}

/// One piece of work.
enum Piece {
    /// Whole lines.
    Lines {
        log: usize,
        offset: u64,
        bytes: Vec<u8>,
    },
    /// A whole artefact.
    Stream { log: usize },
    /// A line too long to be one.
    TooLong {
        log: usize,
        offset: u64,
        length: u64,
    },
}

/// Hands out pieces.
struct Cutter<'a> {
    collection: &'a Collection,
    logs: &'a [Log],
    log: usize,
    reader: Option<ArtefactReader>,
    offset: u64,
    errors: Vec<(ArtefactId, u64, io::Error)>,
}

impl Cutter<'_> {
    fn next(&mut self) -> Option<Piece> {
        loop {
            let log = self.logs.get(self.log)?;
            if log.format.mode() == Mode::Stream {
                self.log += 1;
                return Some(Piece::Stream { log: self.log - 1 });
            }
            match self.lines(log) {
                Ok(Some(piece)) => return Some(piece),
                Ok(None) => {}
                Err(e) => self.errors.push((log.artefact, self.offset, e)),
            }
            self.log += 1;
            self.reader = None;
            self.offset = 0;
        }
    }

    /// The next piece of the current artefact, or `None` at its end.
    fn lines(&mut self, log: &Log) -> io::Result<Option<Piece>> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(self.collection.reader(log.artefact)?),
        };
        if self.offset >= reader.len() {
            return Ok(None);
        }
        let mut bytes = vec![0; PIECE.min((reader.len() - self.offset) as usize)];
        let mut have = reader.read_at(self.offset, &mut bytes)?;
        bytes.truncate(have);
        let offset = self.offset;
        loop {
            if offset + have as u64 >= reader.len() || have == 0 {
                self.offset = reader.len();
                break;
            }
            if let Some(end) = memchr::memrchr(b'\n', &bytes) {
                bytes.truncate(end + 1);
                self.offset = offset + bytes.len() as u64;
                break;
            }
            if bytes.len() >= LONGEST {
                self.offset = end_of_line(reader, offset + bytes.len() as u64)?;
                let length = self.offset - offset;
                return Ok(Some(Piece::TooLong {
                    log: self.log,
                    offset,
                    length,
                }));
            }
            let start = bytes.len();
            bytes.resize(start * 2, 0);
            have = start + reader.read_at(offset + start as u64, &mut bytes[start..])?;
            bytes.truncate(have);
        }
        Ok(Some(Piece::Lines {
            log: self.log,
            offset,
            bytes,
        }))
    }
}

/// The offset after the next newline, or the end.
fn end_of_line(reader: &ArtefactReader, mut at: u64) -> io::Result<u64> {
    let mut block = vec![0; 1 << 20];
    loop {
        let n = reader.read_at(at, &mut block)?;
        if n == 0 {
            return Ok(at);
        }
        if let Some(newline) = memchr::memchr(b'\n', &block[..n]) {
            return Ok(at + newline as u64 + 1);
        }
        at += n as u64;
    }
}

/// An artefact that could not be read to its end.
pub struct ReadError {
    /// Which.
    pub artefact: ArtefactId,
    /// Where reading stopped.
    pub offset: u64,
    /// Why.
    pub error: io::Error,
}

/// Parses `logs` with `threads` threads. `progress` is told the bytes done so far.
pub fn parse<F: Fold + Send>(
    collection: &Collection,
    logs: &[Log],
    threads: usize,
    fold: &mut F,
    progress: &(dyn Fn(u64) + Sync),
) -> Vec<ReadError> {
    let cutter = Mutex::new((
        Cutter {
            collection,
            logs,
            log: 0,
            reader: None,
            offset: 0,
            errors: Vec::new(),
        },
        0_usize,
    ));
    let done = AtomicU64::new(0);
    let stream_errors: Mutex<Vec<ReadError>> = Mutex::default();
    let order: Mutex<Ordered<'_, F>> = Mutex::new(Ordered {
        next: 0,
        waiting: BTreeMap::new(),
        fold,
        active: false,
    });
    let room = Condvar::new();
    let work = || {
        loop {
            let (number, piece) = {
                let mut guard = cutter.lock().unwrap_or_else(|e| e.into_inner());
                let Some(piece) = guard.0.next() else { return };
                guard.1 += 1;
                (guard.1 - 1, piece)
            };
            let mut sink = {
                let guard = order.lock().unwrap_or_else(|e| e.into_inner());
                guard.fold.piece()
            };
            let bytes = run(collection, logs, &piece, &mut sink, &stream_errors);
            drop(piece);
            progress(done.fetch_add(bytes, Ordering::Relaxed) + bytes);
            let mut guard = order.lock().unwrap_or_else(|e| e.into_inner());
            // Do not run far ahead of a slow piece, unless it is this thread's turn.
            while guard.waiting.len() >= WAITING && number != guard.next {
                guard = room.wait(guard).unwrap_or_else(|e| e.into_inner());
            }
            guard.waiting.insert(number, sink);
            guard.drain();
            drop(guard);
            room.notify_all();
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.max(1) {
            scope.spawn(work);
        }
        work();
    });
    let (cutter, _) = cutter.into_inner().unwrap_or_else(|e| e.into_inner());
    let mut errors: Vec<ReadError> = cutter
        .errors
        .into_iter()
        .map(|(artefact, offset, error)| ReadError {
            artefact,
            offset,
            error,
        })
        .collect();
    errors.extend(
        stream_errors
            .into_inner()
            .unwrap_or_else(|e| e.into_inner()),
    );
    errors.sort_by_key(|e| (e.artefact, e.offset));
    errors
}

/// Finished pieces waiting for their turn.
struct Ordered<'f, F: Fold> {
    next: usize,
    waiting: BTreeMap<usize, F::Piece>,
    fold: &'f mut F,
    active: bool,
}

impl<F: Fold> Ordered<'_, F> {
    fn drain(&mut self) {
        debug_assert!(!self.active);
        self.active = true;
        while let Some(piece) = self.waiting.remove(&self.next) {
            self.fold.finish(piece);
            self.next += 1;
        }
        self.active = false;
    }
}

/// Parses one piece; gives its bytes.
fn run(
    collection: &Collection,
    logs: &[Log],
    piece: &Piece,
    sink: &mut dyn EventSink,
    errors: &Mutex<Vec<ReadError>>,
) -> u64 {
    match piece {
        Piece::Lines { log, offset, bytes } => {
            let log = &logs[*log];
            log.format.parse(&log.context, bytes, *offset, sink);
            bytes.len() as u64
        }
        Piece::TooLong {
            log,
            offset,
            length,
        } => {
            let evidence = Evidence {
                artefact: logs[*log].artefact,
                offset: *offset,
                length: u32::try_from(*length).unwrap_or(u32::MAX),
            };
            sink.unparsed(evidence, "line longer than 16 MiB");
            *length
        }
        Piece::Stream { log } => {
            let log = &logs[*log];
            let result = collection
                .reader(log.artefact)
                .and_then(|mut reader| log.format.parse_stream(&log.context, &mut reader, sink));
            if let Err(error) = result {
                let error = ReadError {
                    artefact: log.artefact,
                    offset: 0,
                    error,
                };
                errors.lock().unwrap_or_else(|e| e.into_inner()).push(error);
            }
            log.size
        }
    }
}
