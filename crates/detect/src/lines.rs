//! JSON lines by many threads, with results in the order of the lines.

use crate::correlation::{CorrelationMatch, Correlator, CorrelatorOptions, Observation};
use crate::engine::Engine;
use crate::scan::{Match, Scanner};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};

/// Something told of a stream of events. Events are counted from 0, blank lines left out and
/// lines that could not be read included.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A rule matches an event.
    Match {
        /// The event.
        event: u64,
        /// The rule.
        found: Match,
    },
    /// An event made a correlation true.
    Correlation {
        /// The event.
        event: u64,
        /// The correlation.
        found: CorrelationMatch,
    },
    /// A line is no JSON object; the rest goes on.
    Bad {
        /// Number of the line, from 1.
        line: u64,
        /// Offset in the stream, in bytes from 0.
        offset: u64,
        /// What is wrong there.
        reason: &'static str,
    },
}

/// What there was.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events, the bad ones included.
    pub events: u64,
    /// Lines that are no JSON object.
    pub bad: u64,
    /// Matches that could not be correlated, because their event has no time.
    pub timeless: u64,
    /// Matches that came too late to be correlated.
    pub late: u64,
}

/// Bytes given to a thread at once.
const BLOCK: usize = 1 << 20;

/// A line longer than this is bad, and not kept.
const LONGEST: usize = 64 << 20;

/// Matches every line of `reader`, on `threads` threads, and tells what is found in the order of
/// the lines; ends early if `tell` breaks.
///
/// # Errors
/// If reading fails. What was read before has been told.
pub fn scan_lines(
    reader: impl Read,
    engine: &Arc<Engine>,
    threads: usize,
    options: CorrelatorOptions,
    mut tell: impl FnMut(Told) -> ControlFlow<()>,
) -> io::Result<Totals> {
    let mut order = InOrder {
        correlator: Correlator::new(Arc::clone(engine), options),
        totals: Totals::default(),
        lines: 0,
        fired: Vec::new(),
    };
    let mut blocks = Blocks {
        reader,
        rest: Vec::new(),
        offset: 0,
        done: false,
    };
    if threads <= 1 {
        let mut worker = Scanner::new(Arc::clone(engine));
        let mut block = Block::default();
        let mut seen = Seen::default();
        while blocks.next(&mut block)? {
            seen.scan(&mut worker, &block);
            if order.tell(&mut seen, &mut tell).is_break() {
                break;
            }
        }
        return Ok(order.finish());
    }
    std::thread::scope(|scope| {
        let (to_workers, blocks_in) = sync_channel::<(u64, Block)>(threads);
        let (to_main, seen_out) = sync_channel::<(u64, Seen, Block)>(threads * 2);
        let blocks_in = Arc::new(Mutex::new(blocks_in));
        for _ in 0..threads {
            let blocks_in = Arc::clone(&blocks_in);
            let to_main = to_main.clone();
            scope.spawn(move || {
                let mut worker = Scanner::new(Arc::clone(engine));
                while let Some((number, block)) = next_of(&blocks_in) {
                    let mut seen = Seen::default();
                    seen.scan(&mut worker, &block);
                    if to_main.send((number, seen, block)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(to_main);
        let mut waiting: BTreeMap<u64, Seen> = BTreeMap::new();
        let mut spare: Vec<Block> = Vec::new();
        let (mut sent, mut told) = (0_u64, 0_u64);
        let mut failed = None;
        let mut reading = true;
        loop {
            // So many are under way that no thread waits, and no more, so that memory is bounded.
            while reading && sent - told < threads as u64 * 3 {
                let mut block = spare.pop().unwrap_or_default();
                match blocks.next(&mut block) {
                    Ok(true) => {
                        if to_workers.send((sent, block)).is_err() {
                            reading = false;
                        }
                        sent += 1;
                    }
                    Ok(false) => reading = false,
                    Err(e) => {
                        failed = Some(e);
                        reading = false;
                    }
                }
                // Results are taken while blocks are read, or both channels could fill up.
                while let Ok((number, seen, block)) = seen_out.try_recv() {
                    waiting.insert(number, seen);
                    spare.push(block);
                }
                if waiting.contains_key(&told) {
                    break;
                }
            }
            while let Some(mut seen) = waiting.remove(&told) {
                told += 1;
                if order.tell(&mut seen, &mut tell).is_break() {
                    return Ok(order.finish());
                }
            }
            if told == sent && !reading {
                break;
            }
            if sent - told >= threads as u64 * 3 || !reading {
                match seen_out.recv() {
                    Ok((number, seen, block)) => {
                        waiting.insert(number, seen);
                        spare.push(block);
                    }
                    Err(_) => break,
                }
            }
        }
        drop(to_workers);
        match failed {
            Some(e) => Err(e),
            None => Ok(order.finish()),
        }
    })
}

fn next_of<T>(channel: &Mutex<Receiver<T>>) -> Option<T> {
    let guard = channel.lock().unwrap_or_else(|e| e.into_inner());
    guard.recv().ok()
}

/// Whole lines.
#[derive(Debug, Default)]
struct Block {
    bytes: Vec<u8>,
    offset: u64,
}

/// Cuts a stream into blocks of whole lines.
struct Blocks<R> {
    reader: R,
    rest: Vec<u8>,
    offset: u64,
    done: bool,
}

impl<R: Read> Blocks<R> {
    /// The next block; false at the end.
    fn next(&mut self, block: &mut Block) -> io::Result<bool> {
        block.bytes.clear();
        block.bytes.append(&mut self.rest);
        block.offset = self.offset;
        while !self.done {
            let from = block.bytes.len();
            let read = (&mut self.reader)
                .take((BLOCK.saturating_sub(from)).max(BLOCK / 4) as u64)
                .read_to_end(&mut block.bytes)?;
            if read == 0 {
                self.done = true;
                break;
            }
            let new = block.bytes.get(from..).unwrap_or_default();
            if let Some(end) = memchr::memrchr(b'\n', new)
                && block.bytes.len() >= BLOCK / 2
            {
                let cut = from + end + 1;
                self.rest
                    .extend_from_slice(block.bytes.get(cut..).unwrap_or_default());
                block.bytes.truncate(cut);
                break;
            }
            if block.bytes.len() > LONGEST {
                break;
            }
        }
        self.offset += block.bytes.len() as u64;
        Ok(!block.bytes.is_empty())
    }
}

/// What a block held.
#[derive(Debug, Default)]
struct Seen {
    events: u64,
    lines: u64,
    matches: Vec<(u64, Match)>,
    observations: Vec<Observation>,
    /// Line within the block, offset in the stream, reason.
    bad: Vec<(u64, u64, u64, &'static str)>,
    timeless: u64,
}

impl Seen {
    fn scan(&mut self, scanner: &mut Scanner, block: &Block) {
        self.events = 0;
        self.lines = 0;
        self.matches.clear();
        self.observations.clear();
        self.bad.clear();
        self.timeless = 0;
        let bytes = block.bytes.as_slice();
        let mut at = 0;
        while at < bytes.len() {
            let rest = bytes.get(at..).unwrap_or_default();
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..end).unwrap_or_default();
            let from = at;
            at += end + 1;
            self.lines += 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let event = self.events;
            self.events += 1;
            let text = match simdutf8::basic::from_utf8(line) {
                Ok(text) => text,
                Err(_) => {
                    let valid =
                        std::str::from_utf8(line).map_or_else(|e| e.valid_up_to(), str::len);
                    let offset = block.offset + (from + valid) as u64;
                    self.bad.push((event, self.lines, offset, "not UTF-8"));
                    continue;
                }
            };
            let matches = match scanner.scan_json(text) {
                Ok(matches) => matches,
                Err(e) => {
                    let offset = block.offset + (from + e.offset) as u64;
                    self.bad.push((event, self.lines, offset, e.reason));
                    continue;
                }
            };
            if matches.is_empty() {
                continue;
            }
            let first = self.matches.len();
            self.matches.extend(matches.iter().map(|m| (event, *m)));
            let mut time = None;
            for (_, m) in self.matches.get(first..).unwrap_or_default() {
                if !scanner.engine().correlated(m.rule) {
                    continue;
                }
                let Some(time) = *time.get_or_insert_with(|| scanner.time()) else {
                    self.timeless += 1;
                    continue;
                };
                self.observations.extend(scanner.observe(*m, event, time));
            }
        }
    }
}

/// Puts together what blocks held, in their order.
struct InOrder {
    correlator: Correlator,
    totals: Totals,
    lines: u64,
    fired: Vec<CorrelationMatch>,
}

impl InOrder {
    fn tell(
        &mut self,
        seen: &mut Seen,
        tell: &mut impl FnMut(Told) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let base = self.totals.events;
        let mut bad = seen.bad.iter().peekable();
        let mut matches = seen.matches.iter().peekable();
        let mut observations = seen.observations.iter_mut().peekable();
        while let Some(event) = [
            bad.peek().map(|b| b.0),
            matches.peek().map(|m| m.0),
            observations.peek().map(|o| o.event),
        ]
        .into_iter()
        .flatten()
        .min()
        {
            while let Some(b) = bad.next_if(|b| b.0 == event) {
                tell(Told::Bad {
                    line: self.lines + b.1,
                    offset: b.2,
                    reason: b.3,
                })?;
            }
            while let Some((_, found)) = matches.next_if(|m| m.0 == event) {
                tell(Told::Match {
                    event: base + event,
                    found: *found,
                })?;
            }
            while let Some(observation) = observations.next_if(|o| o.event == event) {
                observation.event = base + event;
                self.correlator.feed(observation, &mut self.fired);
                for found in self.fired.drain(..) {
                    tell(Told::Correlation {
                        event: base + event,
                        found,
                    })?;
                }
            }
        }
        self.totals.events += seen.events;
        self.totals.bad += seen.bad.len() as u64;
        self.totals.timeless += seen.timeless;
        self.lines += seen.lines;
        ControlFlow::Continue(())
    }

    fn finish(mut self) -> Totals {
        self.totals.late = self.correlator.late();
        self.totals
    }
}
