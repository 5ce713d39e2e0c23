//! Looks for indicators in everything that is stored, on all cores, in bounded memory.

use super::group::{self, Plan};
use super::{LakeReader, OpenFile};
use crate::LakeError;
use crate::store::StoredFile;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use vauban_intel::{IndicatorRef, IndicatorSet, Matcher, Seen};
use vauban_ocsf::{Finding, Place, Timestamp};

/// What to look at.
#[derive(Clone, Debug)]
pub struct HuntOptions {
    /// Events from this instant on.
    pub from: Option<Timestamp>,
    /// Events before this instant.
    pub until: Option<Timestamp>,
    /// Look into attributes that hold sentences (messages, reasons, command lines) as well.
    pub text: bool,
    /// Threads; 0: as many as there are processors.
    pub threads: usize,
}

impl Default for HuntOptions {
    fn default() -> Self {
        Self {
            from: None,
            until: None,
            text: true,
            threads: 0,
        }
    }
}

/// An indicator in a stored event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LakeHit {
    /// The file, below the lake's root.
    pub file: Arc<str>,
    /// The row of the file, counted from 0.
    pub row: u64,
    /// OCSF path of the attribute.
    pub path: Arc<str>,
    /// The value as stored, or what of it matched.
    pub value: String,
    /// The indicator.
    pub indicator: IndicatorRef,
    /// When the event was.
    pub time: Option<Timestamp>,
    /// Where the record stands in the evidence it was read from. Its excerpt is empty: a lake has
    /// events, not lines.
    pub place: Place,
}

impl LakeHit {
    /// The finding of the hit.
    pub fn finding(&self, matcher: &Matcher) -> Option<Finding> {
        matcher.finding(
            self.indicator,
            Seen {
                path: self.path.to_string(),
                value: self.value.clone(),
                time: self.time,
                place: self.place.clone(),
            },
        )
    }
}

/// What a hunt went through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HuntReport {
    /// Files read.
    pub files: u64,
    /// Row groups looked at.
    pub groups: u64,
    /// Row groups left out because of their time.
    pub groups_out_of_time: u64,
    /// Events in the row groups looked at.
    pub rows: u64,
    /// Octets read.
    pub bytes: u64,
    /// Columns of row groups where the dictionary settled it.
    pub by_dictionary: u64,
    /// Columns of row groups whose pages had to be read.
    pub scanned: u64,
    /// Files and row groups that could not be read, in words: the hunt did not see these.
    pub problems: Vec<String>,
}

impl HuntReport {
    fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.groups += other.groups;
        self.groups_out_of_time += other.groups_out_of_time;
        self.rows += other.rows;
        self.bytes += other.bytes;
        self.by_dictionary += other.by_dictionary;
        self.scanned += other.scanned;
        self.problems.extend(other.problems.iter().cloned());
    }
}

/// Everything a hunt found.
#[derive(Clone, Debug, Default)]
pub struct Hunt {
    /// By file and row.
    pub hits: Vec<LakeHit>,
    /// What was gone through.
    pub report: HuntReport,
}

/// Looks for the indicators in all of a lake and gives every hit, by file and row. For lakes where
/// the hits themselves may not fit into memory, [`LakeReader::hunt`] hands them over one by one.
///
/// # Errors
/// If the lake cannot be listed. A file that cannot be read is a problem in the report.
pub fn hunt_indicators(dir: &Path, matcher: &Matcher) -> Result<Hunt, LakeError> {
    let lake = LakeReader::open(&dir.to_string_lossy())?;
    collect(&lake, matcher, &HuntOptions::default())
}

/// What the past holds of indicators that have come late: findings, by time.
///
/// # Errors
/// As [`hunt_indicators`].
pub fn search_past(
    lake: &LakeReader,
    late: &IndicatorSet,
    options: &HuntOptions,
) -> Result<(Vec<Finding>, HuntReport), LakeError> {
    let matcher = Matcher::compile(late);
    let hunt = collect(lake, &matcher, options)?;
    let mut findings: Vec<Finding> = hunt
        .hits
        .iter()
        .filter_map(|hit| hit.finding(&matcher))
        .collect();
    findings.sort_by_key(|f| f.first);
    Ok((findings, hunt.report))
}

fn collect(lake: &LakeReader, matcher: &Matcher, options: &HuntOptions) -> Result<Hunt, LakeError> {
    let mut hits = Vec::new();
    let report = lake.hunt(matcher, options, &mut |hit| {
        hits.push(hit);
        ControlFlow::Continue(())
    })?;
    hits.sort_by(|a, b| {
        (&a.file, a.row, &a.path, a.indicator).cmp(&(&b.file, b.row, &b.path, b.indicator))
    });
    Ok(Hunt { hits, report })
}

/// A piece of work.
enum Task {
    File(StoredFile),
    Group(Arc<Opened>, usize, u64),
}

struct Opened {
    file: OpenFile,
    plan: Plan,
}

#[derive(Default)]
struct Queue {
    tasks: VecDeque<Task>,
    /// Threads that may still add tasks.
    busy: usize,
    stop: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next task; row groups of open files come before other files, so that few are open.
    fn next(&self) -> Option<Task> {
        let mut queue = self.lock();
        loop {
            if queue.stop {
                return None;
            }
            if let Some(task) = queue.tasks.pop_front() {
                queue.busy += 1;
                return Some(task);
            }
            if queue.busy == 0 {
                return None;
            }
            queue = self
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, more: Vec<Task>) {
        let mut queue = self.lock();
        for task in more.into_iter().rev() {
            queue.tasks.push_front(task);
        }
        queue.busy -= 1;
        drop(queue);
        self.changed.notify_all();
    }
}

/// Hits on their way, at most; the threads wait when whoever takes them is slower.
const WAITING: usize = 4096;

impl LakeReader {
    /// Looks for the indicators in all files and hands every hit over, in no particular order
    /// between row groups. `found` may end the hunt early.
    ///
    /// Memory: the dictionaries and one column of a row group for each thread, the footers of the
    /// files being read, and 4,096 hits.
    ///
    /// # Errors
    /// If the lake cannot be listed.
    pub fn hunt(
        &self,
        matcher: &Matcher,
        options: &HuntOptions,
        found: &mut dyn FnMut(LakeHit) -> ControlFlow<()>,
    ) -> Result<HuntReport, LakeError> {
        let files = self.files()?;
        let shared = Shared {
            queue: Mutex::new(Queue {
                tasks: files.into_iter().map(Task::File).collect(),
                ..Default::default()
            }),
            changed: Condvar::new(),
        };
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let mut report = HuntReport::default();
        std::thread::scope(|scope| {
            let (send, receive) = mpsc::sync_channel::<LakeHit>(WAITING);
            let workers: Vec<_> = (0..threads)
                .map(|_| {
                    let send = send.clone();
                    let shared = &shared;
                    scope.spawn(move || self.work(shared, matcher, options, &send))
                })
                .collect();
            drop(send);
            for hit in receive {
                if found(hit).is_break() {
                    shared.lock().stop = true;
                    shared.changed.notify_all();
                    break;
                }
            }
            for worker in workers {
                match worker.join() {
                    Ok(part) => report.add(&part),
                    Err(_) => report.problems.push("a thread of the hunt failed".into()),
                }
            }
        });
        report.problems.sort();
        Ok(report)
    }

    fn work(
        &self,
        shared: &Shared,
        matcher: &Matcher,
        options: &HuntOptions,
        send: &mpsc::SyncSender<LakeHit>,
    ) -> HuntReport {
        let mut report = HuntReport::default();
        while let Some(task) = shared.next() {
            let mut more = Vec::new();
            match task {
                Task::File(file) => match self.open_file(&file) {
                    Ok(open) => {
                        report.files += 1;
                        more = groups(open, matcher, options, &mut report);
                    }
                    Err(error) => report.problems.push(error.to_string()),
                },
                Task::Group(opened, number, first_row) => {
                    let searched = std::panic::catch_unwind(AssertUnwindSafe(|| {
                        one_group(&opened, number, first_row, matcher, options)
                    }));
                    match searched {
                        Ok(Ok((hits, part))) => {
                            report.add(&part);
                            for hit in hits {
                                // Nobody takes hits any more: the hunt was ended.
                                if send.send(hit).is_err() {
                                    break;
                                }
                            }
                        }
                        Ok(Err(error)) => report.problems.push(error.to_string()),
                        // The library that decodes pages is not ours.
                        Err(_) => report.problems.push(format!(
                            "{}: row group {number} makes no sense",
                            opened.file.path
                        )),
                    }
                }
            }
            shared.done(more);
        }
        report
    }
}

/// The row groups of a file that are to be looked at.
fn groups(
    file: OpenFile,
    matcher: &Matcher,
    options: &HuntOptions,
    report: &mut HuntReport,
) -> Vec<Task> {
    let plan = Plan::of(
        file.metadata.file_metadata().schema_descr(),
        matcher,
        options,
    );
    if plan.columns.is_empty() {
        return Vec::new();
    }
    let opened = Arc::new(Opened { file, plan });
    let mut first_row = 0u64;
    let mut tasks = Vec::new();
    for (number, group) in opened.file.metadata.row_groups().iter().enumerate() {
        if group::in_time(group, &opened.plan, options) {
            tasks.push(Task::Group(Arc::clone(&opened), number, first_row));
        } else {
            report.groups_out_of_time += 1;
        }
        first_row += u64::try_from(group.num_rows()).unwrap_or(0);
    }
    tasks
}

fn one_group(
    opened: &Opened,
    number: usize,
    first_row: u64,
    matcher: &Matcher,
    options: &HuntOptions,
) -> Result<(Vec<LakeHit>, HuntReport), LakeError> {
    let Opened { file, plan } = opened;
    let (hits, cost) = group::search(file, number, plan, matcher)?;
    let rows = file
        .metadata
        .row_groups()
        .get(number)
        .map_or(0, |g| u64::try_from(g.num_rows()).unwrap_or(0));
    let mut report = HuntReport {
        groups: 1,
        rows,
        bytes: cost.bytes,
        by_dictionary: cost.by_dictionary,
        scanned: cost.scanned,
        ..Default::default()
    };
    if hits.is_empty() {
        return Ok((Vec::new(), report));
    }
    let mut wanted: Vec<usize> = hits.iter().map(|h| h.row).collect();
    wanted.dedup();
    let (origins, bytes) = group::origins(file, number, plan, matcher, &wanted)?;
    report.bytes += bytes;
    let mut out = Vec::with_capacity(hits.len());
    for hit in hits {
        let Some(origin) = wanted
            .binary_search(&hit.row)
            .ok()
            .and_then(|at| origins.get(at))
        else {
            continue;
        };
        let time = origin.time.map(Timestamp);
        let early = options
            .from
            .is_some_and(|from| time.is_some_and(|t| t < from));
        let late = options
            .until
            .is_some_and(|until| time.is_some_and(|t| t >= until));
        if early || late {
            continue;
        }
        out.push(LakeHit {
            file: Arc::clone(&file.path),
            row: first_row + hit.row as u64,
            path: hit.path,
            value: hit.value,
            indicator: hit.indicator,
            time,
            place: Place {
                artefact: origin.artefact.clone(),
                offset: origin.offset,
                length: origin.length,
                line: None,
                excerpt: String::new(),
            },
        });
    }
    Ok((out, report))
}
