//! Where findings go. Each sink has a thread that takes what it has not had yet from the store,
//! delivers it, and only then says so there.
//!
//! What "exactly once" comes to depends on the receiver, and `docs/WATCH.md` says it for each: a
//! file shows exactly what was written to it, so [`file`] repairs and continues; over a network an
//! acknowledgement can be lost, so [`webhook`], [`mail`] and [`syslog`] repeat a delivery whose
//! outcome they do not know, under the finding's unchanging identifier.

pub mod file;
pub mod mail;
pub mod syslog;
pub mod webhook;

use crate::metrics::Metrics;
use crate::store::{Pending, SinkState, Store};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use vauban_ocsf::Level;

/// What became of a delivery.
#[derive(Debug)]
pub enum Outcome {
    /// Everything up to this number is delivered; `own` is to be kept.
    Done(SinkState),
    /// Something is to be kept before anything is delivered.
    Keep(SinkState),
    /// Not yet: try again after a while.
    Wait(Duration),
    /// It failed; try again, the later the more often it failed.
    Failed(String),
}

/// A receiver of findings.
pub trait Sink: Send {
    /// How it is called in metrics and in the state: stable over restarts.
    fn name(&self) -> &str;

    /// Least level it wants.
    fn level(&self) -> Level;

    /// Most findings it takes at a time.
    fn batch(&self) -> u32 {
        256
    }

    /// Delivers findings, oldest first; there is at least one. `state` is what was kept.
    fn deliver(&mut self, batch: &[Pending], state: &SinkState) -> Outcome;
}

/// The store as engine and sinks share it.
pub struct Shared {
    store: Mutex<Store>,
    news: Condvar,
    /// No more is coming: deliver what is there and end.
    pub ending: AtomicBool,
}

impl Shared {
    /// Around a store.
    pub fn new(store: Store) -> Arc<Self> {
        Arc::new(Self {
            store: Mutex::new(store),
            news: Condvar::new(),
            ending: AtomicBool::new(false),
        })
    }

    /// The store.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        // A panic in another thread leaves a transaction that SQLite has rolled back.
        self.store.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// There is something to deliver, or the end is near.
    pub fn wake(&self) {
        self.news.notify_all();
    }

    fn rest(&self, time: Duration) {
        let guard = self.store();
        drop(self.news.wait_timeout(guard, time));
    }
}

/// Longest time between two attempts.
const SLOWEST: Duration = Duration::from_secs(60);
/// How long undelivered findings may hold up an orderly end.
const LAST_ATTEMPTS: Duration = Duration::from_secs(10);

/// Delivers until the end.
pub fn run(mut sink: Box<dyn Sink>, shared: &Shared, metrics: &Metrics) {
    let mut failures = 0_u32;
    let mut since: Option<Instant> = None;
    loop {
        let ending = shared.ending.load(Ordering::Acquire);
        if ending && since.get_or_insert_with(Instant::now).elapsed() > LAST_ATTEMPTS {
            return;
        }
        let wait = match step(sink.as_mut(), shared, metrics) {
            Ok(Step::More) => {
                failures = 0;
                continue;
            }
            Ok(Step::Nothing) if ending => return,
            Ok(Step::Nothing) => {
                failures = 0;
                Duration::from_secs(1)
            }
            Ok(Step::Wait(time)) => time,
            Err(why) => {
                metrics.sink_failed(sink.name(), &why);
                failures = failures.saturating_add(1);
                (Duration::from_millis(100) * 2_u32.saturating_pow(failures.min(12))).min(SLOWEST)
            }
        };
        if failures == 0 {
            metrics.sink_works(sink.name());
        }
        if ending && failures > 3 {
            return;
        }
        let wait = if ending {
            wait.min(Duration::from_millis(200))
        } else {
            wait
        };
        if failures > 0 {
            // News do not make a broken receiver work.
            let until = Instant::now() + wait;
            while Instant::now() < until && ending == shared.ending.load(Ordering::Acquire) {
                std::thread::sleep(wait.min(Duration::from_millis(50)));
            }
        } else {
            shared.rest(wait);
        }
    }
}

enum Step {
    More,
    Nothing,
    Wait(Duration),
}

fn step(sink: &mut dyn Sink, shared: &Shared, metrics: &Metrics) -> Result<Step, String> {
    let text = |e: crate::store::StoreError| e.to_string();
    let (state, pending) = {
        let store = shared.store();
        let state = store.sink(sink.name()).map_err(text)?;
        let pending = store.pending(state.seq, sink.batch()).map_err(text)?;
        (state, pending)
    };
    let Some(last) = pending.last().map(|p| p.seq) else {
        return Ok(Step::Nothing);
    };
    let least = sink.level().id();
    let wanted: Vec<Pending> = pending
        .into_iter()
        .filter(|p| p.finding.severity >= least)
        .collect();
    if wanted.is_empty() {
        let passed = SinkState { seq: last, ..state };
        shared
            .store()
            .delivered(sink.name(), &passed)
            .map_err(text)?;
        return Ok(Step::More);
    }
    match sink.deliver(&wanted, &state) {
        Outcome::Done(new) => {
            let count = wanted.iter().filter(|p| p.seq <= new.seq).count();
            shared.store().delivered(sink.name(), &new).map_err(text)?;
            metrics.sink_delivered(sink.name(), count as u64);
            Ok(Step::More)
        }
        Outcome::Keep(new) => {
            shared.store().delivered(sink.name(), &new).map_err(text)?;
            Ok(Step::More)
        }
        Outcome::Wait(time) => Ok(Step::Wait(time)),
        Outcome::Failed(why) => Err(why),
    }
}
