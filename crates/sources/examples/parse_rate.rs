//! How fast files are parsed: `cargo run --release -p vauban-sources --example parse_rate FILE…`
//!
//! Each file is read into memory, parsed repeatedly on one core into a sink that only counts, and
//! the mean rate of a second of runs is printed with what became of the lines. Time is the processor's
//! (`/proc/self/schedstat`), so that other work on the machine counts less; the clock's elsewhere. `--unparsed` lists the
//! lines that were not understood.

use std::time::Instant;
use vauban_evidence::TimeBase;
use vauban_ocsf::{ArtefactId, Event, EventSink, Evidence, Timestamp};
use vauban_sources::{Context, recognise};

#[derive(Default)]
struct Count {
    events: usize,
    ignored: usize,
    unparsed: Vec<(Evidence, &'static str)>,
    /// Keeps the optimiser from dropping what events borrow.
    seen: u64,
}

impl EventSink for Count {
    fn event(&mut self, event: &Event<'_>) {
        self.events += 1;
        self.seen = self
            .seen
            .wrapping_add(event.time.0 as u64 ^ event.host.len() as u64);
    }
    fn ignored(&mut self, _: Evidence, _: Option<Timestamp>) {
        self.ignored += 1;
    }
    fn unparsed(&mut self, evidence: Evidence, why: &'static str) {
        self.unparsed.push((evidence, why));
    }
}

/// Seconds this process has run on a processor.
fn processor_time() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

fn main() -> std::io::Result<()> {
    let mut list = false;
    for path in std::env::args().skip(1) {
        if path == "--unparsed" {
            list = true;
            continue;
        }
        let bytes = std::fs::read(&path)?;
        let head = &bytes[..bytes.len().min(64 << 10)];
        let Some(format) = recognise(&path, head) else {
            println!("{path}: no format");
            continue;
        };
        let context = Context {
            artefact: ArtefactId(0),
            time: TimeBase {
                zone: jiff::tz::TimeZone::get("Europe/Paris").unwrap_or(jiff::tz::TimeZone::UTC),
                ..TimeBase::utc((2026, 12, 31))
            },
            access_layouts: Vec::new(),
        };
        // The processor's time is booked in ticks: short files need many runs to show it.
        let mut runs = 0;
        let mut count = Count::default();
        let (started, before) = (Instant::now(), processor_time());
        while runs == 0 || started.elapsed().as_secs_f64() < 1.0 {
            count = Count {
                seen: count.seen,
                ..Count::default()
            };
            format.parse(&context, &bytes, 0, &mut count);
            runs += 1;
        }
        let spent = match (before, processor_time()) {
            (Some(before), Some(after)) if after > before => after - before,
            _ => started.elapsed().as_secs_f64(),
        };
        let once = spent / f64::from(runs);
        let lines = memchr::memchr_iter(b'\n', &bytes).count().max(1);
        println!(
            "{path}: {} {:.0} MB/s, {:.0} ns a line of {:.0} bytes; {} events, {} ignored, {} unparsed ({:x})",
            format.name(),
            bytes.len() as f64 / once / 1e6,
            once * 1e9 / lines as f64,
            bytes.len() as f64 / lines as f64,
            count.events,
            count.ignored,
            count.unparsed.len(),
            count.seen & 0xff,
        );
        if list {
            for (evidence, why) in &count.unparsed {
                let from = evidence.offset as usize;
                let line = &bytes[from..from + evidence.length as usize];
                println!("  {why}: {}", String::from_utf8_lossy(line));
            }
        }
    }
    Ok(())
}
