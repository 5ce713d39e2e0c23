//! The loop: lines from all sources to the detector, in one order; now and then a checkpoint.
//!
//! Nothing is delivered before the checkpoint that holds it, and a checkpoint holds the positions
//! that belong to it: a crash throws away what was done since the last one, and it is done again.
//! When a checkpoint cannot be written, or findings are not delivered, reading stops. Logs and
//! journal wait on disk, and syslog senders wait on TCP.

use crate::config::{Config, FileSource};
use crate::detector::{Detector, SourceMeta};
use crate::follow::{self, Follower};
use crate::metrics::Metrics;
use crate::sink::{self, Shared, Sink};
use crate::source::{FileLog, Source};
use crate::store::{Checkpoint, Outgoing, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use vauban_ocsf::{Finding, Timestamp};

/// Bytes read from a source before it is another's turn.
const TURN: usize = 1 << 20;
/// Bytes judged after which a checkpoint is due, whatever the time.
const CHECKPOINT_BYTES: u64 = 64 << 20;
/// How often new files are looked for under a pattern.
const PATTERNS: Duration = Duration::from_secs(5);

/// Why a watch could not begin, or ended.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The state.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A source or the page could not be set up.
    #[error("{what}: {source}")]
    Setup {
        /// Which.
        what: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The lake.
    #[error("{0}")]
    Lake(String),
}

/// How a watch ends.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Until {
    /// When it is told to.
    Stopped,
    /// When everything that is there has been judged.
    Read,
}

/// What a watch came to.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lines judged.
    pub lines: u64,
    /// Findings that were not known before.
    pub findings: u64,
    /// Findings that some sink has not had.
    pub undelivered: u64,
}

/// A source with what its lines need.
struct Active {
    source: Box<dyn Source>,
    format: Option<String>,
    zone: Option<String>,
    kept: String,
}

/// Tells a person something: a line on standard error, the journal.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// A watch.
pub struct Engine {
    config: Config,
    shared: Arc<Shared>,
    metrics: Arc<Metrics>,
    tell: Tell,
    detector: Box<dyn Detector>,
    snapshot: Vec<u8>,
    sources: Vec<Active>,
    files: BTreeSet<PathBuf>,
    names: BTreeMap<String, u32>,
    lake: crate::lake::Slot,
    found: Vec<Finding>,
    outgoing: Vec<Outgoing>,
    since: u64,
}

impl Engine {
    /// Takes up where the state in the configuration left off.
    ///
    /// # Errors
    /// If the state cannot be opened, or a listener not be started.
    pub fn new(
        config: Config,
        mut detector: Box<dyn Detector>,
        metrics: Arc<Metrics>,
        tell: Tell,
    ) -> Result<Self, WatchError> {
        let store = Store::open(&config.state)?;
        if let Some(state) = store.kept("detector")?
            && let Err(why) = detector.restore(&state)
        {
            tell(&format!(
                "what was remembered of earlier lines cannot be used ({why}): \
                 correlations begin anew"
            ));
        }
        let lake = crate::lake::Slot::open(
            config.lake.as_deref(),
            &config.state,
            store.kept("lake")?,
            detector.as_mut(),
        )
        .map_err(WatchError::Lake)?;
        let mut engine = Self {
            shared: Shared::new(store),
            metrics,
            tell,
            snapshot: detector.snapshot(),
            detector,
            sources: Vec::new(),
            files: BTreeSet::new(),
            names: BTreeMap::new(),
            lake,
            found: Vec::new(),
            outgoing: Vec::new(),
            since: 0,
            config,
        };
        engine.open_files()?;
        engine.open_others()?;
        Ok(engine)
    }

    /// Files that match a pattern and are not followed yet.
    fn open_files(&mut self) -> Result<(), StoreError> {
        for file in self.config.file.clone() {
            for path in matching(&file) {
                if self.files.contains(&path) {
                    continue;
                }
                let name = FileLog::name_of(&path.to_string_lossy());
                let kept = self.shared.store().position(&name)?;
                let position = kept.as_deref().and_then(|p| {
                    serde_json::from_str(p)
                        .inspect_err(|e| {
                            (self.tell)(&format!("{name}: position cannot be read: {e}"));
                        })
                        .ok()
                });
                // What appears while we watch is new from its first line.
                let late = !self.sources.is_empty() && self.since_start();
                let options = follow::Options {
                    from: if late {
                        follow::From::Beginning
                    } else {
                        file.from
                    },
                    drain: Duration::from_secs(file.drain_seconds),
                };
                self.files.insert(path.clone());
                self.sources.push(Active {
                    source: Box::new(FileLog::new(Follower::new(path, options, position))),
                    format: file.format.clone(),
                    zone: file.zone.clone(),
                    kept: kept.unwrap_or_default(),
                });
            }
        }
        Ok(())
    }

    fn since_start(&self) -> bool {
        self.metrics.checkpoints.load(Ordering::Relaxed) > 0
    }

    fn open_others(&mut self) -> Result<(), WatchError> {
        for journal in self.config.journal.clone() {
            let name = crate::journal::Journal::name_of(&journal.name);
            let kept = self.shared.store().position(&name)?;
            let zone = None;
            self.sources.push(Active {
                source: Box::new(crate::journal::Journal::new(&journal, kept.as_deref())),
                format: Some("journald-json".into()),
                zone,
                kept: kept.unwrap_or_default(),
            });
        }
        for syslog in self.config.syslog.clone() {
            let name = crate::listen::Listener::name_of(&syslog.name);
            let kept = self.shared.store().position(&name)?;
            let listener = crate::listen::Listener::start(
                &syslog,
                &self.config.state,
                kept.as_deref(),
                Arc::clone(&self.metrics),
            )
            .map_err(|(what, source)| WatchError::Setup { what, source })?;
            self.sources.push(Active {
                source: Box::new(listener),
                format: Some("syslog".into()),
                zone: syslog.zone.clone(),
                kept: kept.unwrap_or_default(),
            });
        }
        Ok(())
    }

    /// Watches.
    ///
    /// # Errors
    /// If the sinks cannot be made known. What goes wrong later is told, shown on the health page
    /// and tried again.
    pub fn run(
        mut self,
        sinks: Vec<Box<dyn Sink>>,
        until: Until,
        stop: &AtomicBool,
    ) -> Result<Summary, WatchError> {
        let names: Vec<String> = sinks.iter().map(|s| s.name().to_owned()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.shared.store().sinks(&names)?;
        let (shared, metrics) = (Arc::clone(&self.shared), Arc::clone(&self.metrics));
        std::thread::scope(|scope| {
            for sink in sinks {
                let (shared, metrics) = (&shared, &metrics);
                scope.spawn(move || sink::run(sink, shared, metrics));
            }
            self.watch(until, stop);
            self.shared.ending.store(true, Ordering::Release);
            self.shared.wake();
        });
        let undelivered = self.shared.store().waiting()?;
        let get = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed);
        Ok(Summary {
            lines: get(&self.metrics.lines),
            findings: get(&self.metrics.findings),
            undelivered,
        })
    }

    fn watch(&mut self, until: Until, stop: &AtomicBool) {
        let poll = Duration::from_millis(self.config.poll_ms.max(1));
        let interval = Duration::from_millis(self.config.checkpoint_ms);
        let mut last = Instant::now();
        let mut ticked = Instant::now();
        let mut looked = Instant::now();
        let mut complained = String::new();
        let mut notify = crate::notify::Notify::from_environment();
        notify.ready();
        // Positions of new sources are kept before their first line: what follows is not missed.
        let mut due = true;
        let mut failing = false;
        let mut idle = 0;
        while !stop.load(Ordering::Acquire) {
            self.metrics.beat();
            notify.alive();
            let read = if failing || self.held() {
                0
            } else {
                self.turn(until == Until::Read)
            };
            if ticked.elapsed() >= Duration::from_secs(1) {
                ticked = Instant::now();
                self.detector.tick(now(), &mut self.found);
                self.gather();
                notify.status(&self.metrics);
            }
            if looked.elapsed() >= PATTERNS {
                looked = Instant::now();
                if let Err(e) = self.open_files() {
                    (self.tell)(&e.to_string());
                }
            }
            due |= self.since > 0 || !self.outgoing.is_empty();
            let quiet = read == 0;
            let now =
                due && (quiet || last.elapsed() >= interval || self.since >= CHECKPOINT_BYTES);
            if now {
                match self.checkpoint() {
                    Ok(()) => {
                        due = false;
                        failing = false;
                        complained.clear();
                    }
                    Err(why) => {
                        if why != complained {
                            (self.tell)(&format!("state cannot be kept, reading waits: {why}"));
                            complained = why;
                        }
                        failing = true;
                        self.wait(stop, Duration::from_millis(500));
                        continue;
                    }
                }
                last = Instant::now();
            }
            if quiet {
                let rest = self.sources.iter().all(|s| s.source.at_rest());
                idle = if rest { idle + 1 } else { 0 };
                if until == Until::Read && idle >= 2 && !self.held() {
                    break;
                }
                self.wait(stop, poll);
            }
        }
        notify.stopping();
        if let Err(why) = self.checkpoint() {
            (self.tell)(&format!(
                "the last lines are judged again at the next start: {why}"
            ));
        }
        if let Err(why) = self.lake.close(&mut |state| {
            let checkpoint = Checkpoint {
                lake: Some(state),
                ..Checkpoint::default()
            };
            self.shared
                .store()
                .checkpoint(&checkpoint)
                .map(drop)
                .map_err(|e| e.to_string())
        }) {
            (self.tell)(&format!("lake: {why}"));
        }
    }

    /// Waits, but not longer than until the end.
    fn wait(&self, stop: &AtomicBool, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until && !stop.load(Ordering::Acquire) {
            std::thread::sleep(time.min(Duration::from_millis(50)));
        }
    }

    /// Whether reading has to wait for the sinks.
    fn held(&self) -> bool {
        let waiting = self.shared.store().waiting().unwrap_or(0);
        self.metrics.waiting.store(waiting, Ordering::Relaxed);
        let held = waiting >= self.config.max_pending;
        self.metrics.blocked.store(held, Ordering::Relaxed);
        held
    }

    /// One turn of every source; how many bytes were read.
    fn turn(&mut self, hurry: bool) -> usize {
        let mut total = 0;
        for active in &mut self.sources {
            let Active {
                source,
                format,
                zone,
                ..
            } = active;
            let (detector, found, lake) = (&mut self.detector, &mut self.found, &mut self.lake);
            let (names, metrics) = (&mut self.names, &self.metrics);
            let result = source.poll(TURN, hurry, &mut |at, block| {
                let index = match names.get(at.log) {
                    Some(index) => *index,
                    None => {
                        let index = names.len() as u32;
                        names.insert(at.log.to_owned(), index);
                        index
                    }
                };
                let meta = SourceMeta {
                    index: lake.index(at.log).unwrap_or(index),
                    artefact: at.artefact,
                    format: format.as_deref(),
                    zone: zone.as_deref(),
                };
                lake.block(&meta, at.log, block);
                detector.block(&meta, block, found, lake.events());
                let lines = memchr::memchr_iter(b'\n', block.bytes).count() as u64;
                metrics.lines.fetch_add(lines.max(1), Ordering::Relaxed);
            });
            let behind = source.behind();
            let name = source.name();
            match result {
                Ok(read) => {
                    total += read;
                    metrics.source(name, read as u64, behind, None);
                }
                Err(e) => metrics.source(name, 0, behind, Some(e.to_string())),
            }
            for note in source.take_notes() {
                if note.loss {
                    metrics.losses.fetch_add(1, Ordering::Relaxed);
                }
                (self.tell)(&note.text);
            }
        }
        self.since += total as u64;
        self.metrics
            .bytes
            .fetch_add(total as u64, Ordering::Relaxed);
        self.metrics
            .unparsed
            .store(self.detector.unparsed(), Ordering::Relaxed);
        self.gather();
        total
    }

    /// Findings in the form in which they are delivered.
    fn gather(&mut self) {
        for finding in self.found.drain(..) {
            self.outgoing.push(Outgoing {
                uid: finding.uid(),
                severity: finding.level.id(),
                title: finding.title.clone(),
                body: finding.to_ocsf(now()).to_string(),
            });
        }
    }

    fn checkpoint(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        let result = self.keep();
        self.metrics
            .checkpoint(begun.elapsed(), result.as_ref().err().cloned());
        result
    }

    fn keep(&mut self) -> Result<(), String> {
        for active in &mut self.sources {
            let name = active.source.name().to_owned();
            active.source.sync().map_err(|e| format!("{name}: {e}"))?;
        }
        let lake = self.lake.keep()?;
        let positions: Vec<String> = self.sources.iter().map(|a| a.source.position()).collect();
        let snapshot = self.detector.snapshot();
        let sources = self.sources.iter().zip(&positions);
        let checkpoint = Checkpoint {
            sources: sources
                .filter(|(a, position)| a.kept != **position)
                .map(|(a, position)| (a.source.name(), position.clone()))
                .collect(),
            detector: (snapshot != self.snapshot).then_some(snapshot.as_slice()),
            lake,
            findings: &self.outgoing,
        };
        let new = self
            .shared
            .store()
            .checkpoint(&checkpoint)
            .map_err(|e| e.to_string())?;
        self.metrics.findings.fetch_add(new, Ordering::Relaxed);
        self.snapshot = snapshot;
        self.outgoing.clear();
        self.since = 0;
        for (active, position) in self.sources.iter_mut().zip(positions) {
            active.kept = position;
            active.source.kept();
        }
        self.metrics
            .lake_rows
            .store(self.lake.kept(), Ordering::Relaxed);
        if new > 0 {
            self.shared.wake();
        }
        Ok(())
    }
}

/// Paths a source of files stands for; one without pattern stands for itself, there or not.
fn matching(file: &FileSource) -> Vec<PathBuf> {
    if !file.path.contains(['*', '?', '[']) {
        return vec![PathBuf::from(&file.path)];
    }
    let found: Vec<PathBuf> = glob::glob(&file.path)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|p| p.is_file())
        .collect();
    // What rotation left beside a log belongs to that log.
    let rotated = |path: &PathBuf| {
        let name = |p: &PathBuf| p.file_name().map(|n| n.to_string_lossy().into_owned());
        found.iter().any(|other| {
            other.parent() == path.parent()
                && name(path)
                    .zip(name(other))
                    .is_some_and(|(path, other)| follow::is_rotation_of(&path, &other))
        })
    };
    found.iter().filter(|p| !rotated(p)).cloned().collect()
}

fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(since.as_micros() as i64)
}
