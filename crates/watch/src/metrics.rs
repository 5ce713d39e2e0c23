//! What is counted, as Prometheus' text format 0.0.4 and as the health page show it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// All counters of one run.
#[derive(Debug)]
pub struct Metrics {
    started: Instant,
    /// Bytes of lines judged.
    pub bytes: AtomicU64,
    /// Lines judged.
    pub lines: AtomicU64,
    /// Lines not understood.
    pub unparsed: AtomicU64,
    /// Findings, each counted once.
    pub findings: AtomicU64,
    /// Findings the slowest sink still has to deliver.
    pub waiting: AtomicU64,
    /// Checkpoints written.
    pub checkpoints: AtomicU64,
    /// Time they took, in microseconds.
    pub checkpoint_micros: AtomicU64,
    /// Reading stands still until sinks have caught up.
    pub blocked: AtomicBool,
    /// Rows written to the lake.
    pub lake_rows: AtomicU64,
    /// Things told about sources that may mean lost lines.
    pub losses: AtomicU64,
    /// Last sign of life of the loop, in milliseconds since the start.
    beat: AtomicU64,
    state_error: Mutex<Option<String>>,
    sources: Mutex<BTreeMap<String, SourceCount>>,
    sinks: Mutex<BTreeMap<String, SinkCount>>,
    syslog: Mutex<BTreeMap<String, SyslogCount>>,
}

#[derive(Debug, Default, Clone)]
struct SourceCount {
    bytes: u64,
    behind: u64,
    error: Option<String>,
}

#[derive(Debug, Default, Clone)]
struct SinkCount {
    delivered: u64,
    failures: u64,
    refused: u64,
    error: Option<String>,
}

/// Counts of a syslog listener.
#[derive(Debug, Default, Clone)]
pub struct SyslogCount {
    /// Messages kept.
    pub messages: u64,
    /// Connections open.
    pub connections: u64,
    /// Connections refused because there were too many, or the handshake failed.
    pub refused: u64,
    /// Datagrams the system dropped because nobody took them in time.
    pub dropped: u64,
    /// Frames that could not be read.
    pub malformed: u64,
    /// Reading from the network stands still.
    pub held: bool,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            bytes: AtomicU64::new(0),
            lines: AtomicU64::new(0),
            unparsed: AtomicU64::new(0),
            findings: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            checkpoints: AtomicU64::new(0),
            checkpoint_micros: AtomicU64::new(0),
            blocked: AtomicBool::new(false),
            lake_rows: AtomicU64::new(0),
            losses: AtomicU64::new(0),
            beat: AtomicU64::new(0),
            state_error: Mutex::default(),
            sources: Mutex::default(),
            sinks: Mutex::default(),
            syslog: Mutex::default(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

/// After this time without a sign of life the health page says so.
const STALLED: Duration = Duration::from_secs(30);

impl Metrics {
    /// The loop is alive.
    pub fn beat(&self) {
        let now = self.started.elapsed().as_millis() as u64;
        self.beat.store(now, Relaxed);
    }

    /// A checkpoint was written, or could not be.
    pub fn checkpoint(&self, took: Duration, error: Option<String>) {
        if error.is_none() {
            self.checkpoints.fetch_add(1, Relaxed);
            self.checkpoint_micros
                .fetch_add(took.as_micros() as u64, Relaxed);
        }
        *lock(&self.state_error) = error;
    }

    /// A source was read.
    pub fn source(&self, name: &str, bytes: u64, behind: u64, error: Option<String>) {
        let mut sources = lock(&self.sources);
        if !sources.contains_key(name) {
            sources.insert(name.to_owned(), SourceCount::default());
        }
        if let Some(count) = sources.get_mut(name) {
            count.bytes += bytes;
            count.behind = behind;
            count.error = error;
        }
    }

    /// A sink could not deliver.
    pub fn sink_failed(&self, name: &str, why: &str) {
        let mut sinks = lock(&self.sinks);
        let count = sinks.entry(name.to_owned()).or_default();
        count.failures += 1;
        count.error = Some(why.to_owned());
    }

    /// A sink has no trouble.
    pub fn sink_works(&self, name: &str) {
        lock(&self.sinks).entry(name.to_owned()).or_default().error = None;
    }

    /// A sink delivered.
    pub fn sink_delivered(&self, name: &str, count: u64) {
        lock(&self.sinks)
            .entry(name.to_owned())
            .or_default()
            .delivered += count;
    }

    /// A receiver refused a finding for good.
    pub fn sink_refused(&self, name: &str) {
        lock(&self.sinks)
            .entry(name.to_owned())
            .or_default()
            .refused += 1;
    }

    /// Changes the counts of a syslog listener.
    pub fn syslog(&self, name: &str, change: impl FnOnce(&mut SyslogCount)) {
        change(lock(&self.syslog).entry(name.to_owned()).or_default());
    }

    /// What is wrong, one line each; nothing if all is well.
    pub fn troubles(&self) -> Vec<String> {
        let mut troubles = Vec::new();
        let beat = Duration::from_millis(self.beat.load(Relaxed));
        if self.started.elapsed().saturating_sub(beat) > STALLED {
            troubles.push("the loop stands still".to_owned());
        }
        troubles.extend(
            lock(&self.state_error)
                .iter()
                .map(|e| format!("state cannot be kept, reading waits: {e}")),
        );
        if self.blocked.load(Relaxed) {
            troubles.push("too many findings are undelivered, reading waits".to_owned());
        }
        for (name, count) in lock(&self.sources).iter() {
            troubles.extend(count.error.iter().map(|e| format!("source {name}: {e}")));
        }
        for (name, count) in lock(&self.sinks).iter() {
            troubles.extend(count.error.iter().map(|e| format!("sink {name}: {e}")));
        }
        troubles
    }

    /// Prometheus' text format.
    pub fn prometheus(&self) -> String {
        let mut out = String::new();
        let mut one = |name: &str, kind: &str, help: &str, value: f64| {
            let _ = writeln!(
                out,
                "# HELP vauban_watch_{name} {help}\n# TYPE vauban_watch_{name} {kind}\n\
                 vauban_watch_{name} {value}"
            );
        };
        let get = |n: &AtomicU64| n.load(Relaxed) as f64;
        let seconds = get(&self.checkpoint_micros) / 1e6;
        one(
            "up",
            "gauge",
            "1 if nothing is wrong.",
            f64::from(u8::from(self.troubles().is_empty())),
        );
        one(
            "read_bytes_total",
            "counter",
            "Bytes of lines judged.",
            get(&self.bytes),
        );
        one("lines_total", "counter", "Lines judged.", get(&self.lines));
        one(
            "unparsed_lines_total",
            "counter",
            "Lines not understood.",
            get(&self.unparsed),
        );
        one(
            "findings_total",
            "counter",
            "Findings.",
            get(&self.findings),
        );
        one(
            "findings_waiting",
            "gauge",
            "Findings the slowest sink has yet to deliver.",
            get(&self.waiting),
        );
        one(
            "checkpoints_total",
            "counter",
            "Checkpoints written.",
            get(&self.checkpoints),
        );
        one(
            "checkpoint_seconds_total",
            "counter",
            "Time spent writing checkpoints.",
            seconds,
        );
        one(
            "blocked",
            "gauge",
            "1 while reading waits for sinks.",
            f64::from(u8::from(self.blocked.load(Relaxed))),
        );
        one(
            "lake_rows_total",
            "counter",
            "Events written to the lake.",
            get(&self.lake_rows),
        );
        one(
            "possible_losses_total",
            "counter",
            "Notes about sources that may mean lost lines.",
            get(&self.losses),
        );
        if let Some(bytes) = resident() {
            one(
                "resident_bytes",
                "gauge",
                "Resident memory of the process.",
                bytes as f64,
            );
        }
        let sources = lock(&self.sources).clone();
        labelled(
            &mut out,
            "source_read_bytes_total",
            "counter",
            "Bytes judged, by source.",
            "source",
            sources.iter().map(|(n, c)| (n, c.bytes)),
        );
        labelled(
            &mut out,
            "source_behind_bytes",
            "gauge",
            "Bytes there and not yet judged.",
            "source",
            sources.iter().map(|(n, c)| (n, c.behind)),
        );
        labelled(
            &mut out,
            "source_error",
            "gauge",
            "1 if the source cannot be read.",
            "source",
            sources
                .iter()
                .map(|(n, c)| (n, u64::from(c.error.is_some()))),
        );
        let sinks = lock(&self.sinks).clone();
        labelled(
            &mut out,
            "sink_delivered_total",
            "counter",
            "Findings delivered, by sink.",
            "sink",
            sinks.iter().map(|(n, c)| (n, c.delivered)),
        );
        labelled(
            &mut out,
            "sink_failures_total",
            "counter",
            "Failed attempts to deliver.",
            "sink",
            sinks.iter().map(|(n, c)| (n, c.failures)),
        );
        labelled(
            &mut out,
            "sink_refused_total",
            "counter",
            "Findings refused for good and put aside.",
            "sink",
            sinks.iter().map(|(n, c)| (n, c.refused)),
        );
        let syslog = lock(&self.syslog).clone();
        labelled(
            &mut out,
            "syslog_messages_total",
            "counter",
            "Messages received.",
            "source",
            syslog.iter().map(|(n, c)| (n, c.messages)),
        );
        labelled(
            &mut out,
            "syslog_connections",
            "gauge",
            "Connections open.",
            "source",
            syslog.iter().map(|(n, c)| (n, c.connections)),
        );
        labelled(
            &mut out,
            "syslog_refused_total",
            "counter",
            "Connections refused.",
            "source",
            syslog.iter().map(|(n, c)| (n, c.refused)),
        );
        labelled(
            &mut out,
            "syslog_udp_dropped_total",
            "counter",
            "Datagrams the system dropped.",
            "source",
            syslog.iter().map(|(n, c)| (n, c.dropped)),
        );
        labelled(
            &mut out,
            "syslog_malformed_total",
            "counter",
            "Frames that could not be read.",
            "source",
            syslog.iter().map(|(n, c)| (n, c.malformed)),
        );
        labelled(
            &mut out,
            "syslog_held",
            "gauge",
            "1 while nothing is read from the network.",
            "source",
            syslog.iter().map(|(n, c)| (n, u64::from(c.held))),
        );
        out
    }
}

fn labelled<'a>(
    out: &mut String,
    name: &str,
    kind: &str,
    help: &str,
    label: &str,
    values: impl Iterator<Item = (&'a String, u64)>,
) {
    let mut values = values.peekable();
    if values.peek().is_none() {
        return;
    }
    let _ = writeln!(
        out,
        "# HELP vauban_watch_{name} {help}\n# TYPE vauban_watch_{name} {kind}"
    );
    for (value_of, value) in values {
        let escaped = value_of
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        let _ = writeln!(out, "vauban_watch_{name}{{{label}=\"{escaped}\"}} {value}");
    }
}

/// Resident memory in bytes, from `/proc/self/status`.
pub fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}
