//! Every event of files and folders, written out: what a change of a parser must not change.
//!
//! `cargo run --release -p vauban-sources --example events -- [--mutate N] [--all] PATH…`
//!
//! One line for each event, each line set aside, and each line not understood, with its evidence;
//! then counts. Two runs, before and after a change, are to be compared byte for byte. `--mutate`
//! reads N damaged copies of each line too (pieces cut out, doubled, put in from other lines,
//! marks put in; the same at each run), since grammars differ where input is not as it should be.
//! `--all` reads each file with every format of lines, not only with the one recognised.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use vauban_evidence::TimeBase;
use vauban_ocsf::{ArtefactId, Event, EventSink, Evidence, Timestamp};
use vauban_sources::{Context, FORMATS, LogFormat, Mode, recognise};

/// Largest file read, in bytes.
const LARGEST: u64 = 64 << 20;

/// Writes what it is given.
struct Print<W: Write> {
    out: W,
    events: usize,
    ignored: usize,
    unparsed: usize,
}

impl<W: Write> EventSink for Print<W> {
    fn event(&mut self, event: &Event<'_>) {
        self.events += 1;
        _ = writeln!(self.out, "{event:?}");
    }
    fn ignored(&mut self, evidence: Evidence, time: Option<Timestamp>) {
        self.ignored += 1;
        let (at, length) = (evidence.offset, evidence.length);
        _ = writeln!(self.out, "ignored {at}+{length} {time:?}");
    }
    fn unparsed(&mut self, evidence: Evidence, why: &'static str) {
        self.unparsed += 1;
        let (at, length) = (evidence.offset, evidence.length);
        _ = writeln!(self.out, "unparsed {at}+{length} {why}");
    }
}

/// Marsaglia's xorshift: the same numbers at each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }
}

/// What grammars look for.
const MARKS: &[&str] = &[
    " ",
    ":",
    ": ",
    ", ",
    "<",
    ">",
    "(",
    ")",
    "[",
    "]",
    "\"",
    "=",
    ";",
    "/",
    "'",
    "\\",
    "-",
    "é",
    " from ",
    "user=<",
    "rip=",
    "=0",
    ">: ",
    "): ",
    "]: ",
    "  ",
    "0",
    "9",
    "\u{fffd}",
    "\t",
    "%",
    "?",
    "&",
    "::",
    ".",
    ",",
    "1.2.3.4",
    "2001:db8::1",
    " H=",
    " (",
    "{",
    "}",
    "*",
];

fn mutate(bytes: &[u8], copies: usize) -> Vec<u8> {
    let lines: Vec<&[u8]> = bytes.split(|&b| b == b'\n').collect();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut all = Vec::new();
    for line in &lines {
        for _ in 0..copies {
            let mut copy = line.to_vec();
            for _ in 0..1 + random.below(3) {
                let from = random.below(copy.len() + 1);
                let to = (from + random.below(24)).min(copy.len());
                match random.below(5) {
                    0 => drop(copy.drain(from..to)),
                    1 => {
                        let piece = copy[from..to].to_vec();
                        let at = random.below(copy.len() + 1);
                        copy.splice(at..at, piece);
                    }
                    2 => {
                        let other = lines[random.below(lines.len())];
                        let start = random.below(other.len() + 1);
                        let end = (start + random.below(40)).min(other.len());
                        copy.splice(from..from, other[start..end].iter().copied());
                    }
                    3 => {
                        let mark = MARKS[random.below(MARKS.len())];
                        copy.splice(from..from, mark.bytes());
                    }
                    _ => copy.truncate(to),
                }
            }
            all.extend_from_slice(&copy);
            all.push(b'\n');
        }
    }
    all
}

/// Files below a path, in order.
fn files(path: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let kind = std::fs::symlink_metadata(path)?;
    if kind.is_dir() {
        let mut inside: Vec<PathBuf> = std::fs::read_dir(path)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        inside.sort();
        for path in inside {
            files(&path, found)?;
        }
    } else if kind.is_file() && kind.len() <= LARGEST {
        found.push(path.to_owned());
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut copies, mut every) = (0, false);
    let mut found = Vec::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--mutate" => copies = words.next().ok_or("--mutate N")?.parse()?,
            "--all" => every = true,
            _ => files(Path::new(&word), &mut found)?,
        }
    }
    let mut context = Context {
        artefact: ArtefactId(0),
        time: TimeBase::utc((2026, 3, 1)),
        access_layouts: Vec::new(),
    };
    context.time.zone = jiff::tz::TimeZone::get("Europe/Paris")?;
    let out = std::io::BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    let mut sink = Print {
        out,
        events: 0,
        ignored: 0,
        unparsed: 0,
    };
    for path in found {
        let name = path.to_string_lossy();
        let bytes = std::fs::read(&path)?;
        let head = &bytes[..bytes.len().min(64 << 10)];
        let own = recognise(&name, head);
        let mut formats: Vec<&dyn LogFormat> = own.into_iter().collect();
        if every {
            formats = FORMATS.to_vec();
        }
        formats.retain(|format| format.mode() == Mode::Lines);
        let damaged = if formats.is_empty() || copies == 0 {
            Vec::new()
        } else {
            mutate(&bytes, copies)
        };
        for format in formats {
            writeln!(sink.out, "== {name} as {}", format.name())?;
            format.parse(&context, &bytes, 0, &mut sink);
            format.parse(&context, &damaged, 0, &mut sink);
            let Print {
                events,
                ignored,
                unparsed,
                ..
            } = sink;
            writeln!(sink.out, "== {events} {ignored} {unparsed}")?;
        }
    }
    Ok(())
}
