//! Parses logs and throws the events away: what parsing alone costs, reading included.
//!
//! `cargo run --release -p vauban-pipeline --example parse -- [--threads N] FILE…`
//!
//! Files are read in pieces of whole lines, as an investigation reads them, by so many threads (1,
//! if not said). Printed: bytes, events, lines set aside or not understood, seconds of the clock.

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::sync::Mutex;
use std::time::Instant;
use vauban_evidence::TimeBase;
use vauban_ocsf::{ArtefactId, Event, EventSink, Evidence, Timestamp};
use vauban_sources::{Context, LogFormat, recognise};

/// Bytes of a piece.
const PIECE: usize = 4 << 20;

/// Counts.
#[derive(Default)]
struct Count {
    events: u64,
    ignored: u64,
    unparsed: u64,
    /// Keeps the optimiser from dropping what events borrow.
    seen: u64,
}

impl EventSink for Count {
    fn event(&mut self, event: &Event<'_>) {
        self.events += 1;
        self.seen ^= event.time.0 as u64 ^ event.host.len() as u64;
    }
    fn ignored(&mut self, _: Evidence, _: Option<Timestamp>) {
        self.ignored += 1;
    }
    fn unparsed(&mut self, _: Evidence, _: &'static str) {
        self.unparsed += 1;
    }
}

/// A file read piece by piece.
struct Source {
    file: File,
    offset: u64,
    /// The begun line at the end of the piece before.
    rest: Vec<u8>,
}

impl Source {
    /// Fills `piece` with whole lines; gives their offset, or `None` at the end.
    fn next(&mut self, piece: &mut Vec<u8>) -> std::io::Result<Option<u64>> {
        piece.clear();
        piece.append(&mut self.rest);
        loop {
            let more = (&mut self.file).take(PIECE as u64).read_to_end(piece)?;
            match memchr::memrchr(b'\n', piece) {
                Some(end) if more > 0 => self.rest.extend(piece.drain(end + 1..)),
                None if more > 0 => continue,
                _ => {}
            }
            break;
        }
        let offset = self.offset;
        self.offset += piece.len() as u64;
        Ok((!piece.is_empty()).then_some(offset))
    }
}

fn work(source: &Mutex<Source>, format: &dyn LogFormat, context: &Context) -> (Count, u64) {
    let (mut count, mut bytes) = (Count::default(), 0);
    let mut piece = Vec::with_capacity(PIECE + (64 << 10));
    loop {
        let next = match source.lock() {
            Ok(mut source) => source.next(&mut piece),
            Err(_) => return (count, bytes),
        };
        let Ok(Some(offset)) = next else {
            return (count, bytes);
        };
        bytes += piece.len() as u64;
        format.parse(context, &piece, offset, &mut count);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut threads = 1;
    let mut files = Vec::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--threads" => threads = words.next().ok_or("--threads N")?.parse()?,
            _ => files.push(word),
        }
    }
    let started = Instant::now();
    let (mut total, mut bytes) = (Count::default(), 0);
    for path in files {
        let mut head = Vec::new();
        File::open(&path)?.take(64 << 10).read_to_end(&mut head)?;
        let format = recognise(&path, &head).ok_or(format!("{path}: no format"))?;
        let context = Context {
            artefact: ArtefactId(0),
            time: TimeBase::utc((2099, 12, 31)),
            access_layouts: Vec::new(),
        };
        let source = Mutex::new(Source {
            file: File::open(&path)?,
            offset: 0,
            rest: Vec::new(),
        });
        let job = || work(&source, format, &context);
        let counts: Vec<(Count, u64)> = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(job)).collect();
            let mut all = vec![job()];
            all.extend(others.into_iter().filter_map(|t| t.join().ok()));
            all
        });
        for (count, n) in counts {
            bytes += n;
            total.events += count.events;
            total.ignored += count.ignored;
            total.unparsed += count.unparsed;
            total.seen ^= count.seen;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{bytes} bytes, {} events, {} ignored, {} unparsed, {seconds:.3} s, {:.0} MB/s ({:x})",
        total.events,
        total.ignored,
        total.unparsed,
        bytes as f64 / seconds / 1e6,
        total.seen & 0xff
    );
    Ok(())
}
