//! The events of evidence, for those who want them and no case: coverage of rules, hunting.

use crate::read::{Fold, Log};
use crate::{Progress, Stage, logs, read};
use std::path::PathBuf;
use vauban_evidence::{Collection, Limits, Problem};

/// Opens evidence, parses every log in it, and gives the events to `fold`, in the order of the
/// evidence whatever the number of threads. Returns the evidence, and what could not be read.
pub fn scan<F: Fold + Send>(
    evidence: &[PathBuf],
    threads: usize,
    fold: &mut F,
    progress: Progress<'_>,
) -> (Collection, Vec<Problem>) {
    let (collection, found, mut problems) = open(evidence, threads, progress);
    problems.extend(parse(&collection, &found.logs, threads, fold, progress));
    problems.sort();
    problems.dedup();
    (collection, problems)
}

/// Opens evidence and finds its logs; gives also what could not be read.
pub(crate) fn open(
    evidence: &[PathBuf],
    threads: usize,
    progress: Progress<'_>,
) -> (Collection, logs::Found, Vec<Problem>) {
    let limits = Limits {
        threads,
        ..Limits::default()
    };
    let collection = Collection::open(evidence, &limits, &|p| {
        progress(Stage::Opening, p.bytes, p.bytes_total);
    });
    let mut problems: Vec<Problem> = collection.problems().to_vec();
    let found = logs::find(&collection);
    problems.extend(found.problems.iter().cloned());
    (collection, found, problems)
}

/// Parses logs into `fold`; gives what could not be read to its end.
pub(crate) fn parse<F: Fold + Send>(
    collection: &Collection,
    logs: &[Log],
    threads: usize,
    fold: &mut F,
    progress: Progress<'_>,
) -> Vec<Problem> {
    let total: u64 = logs.iter().map(|log| log.size).sum();
    let errors = read::parse(collection, logs, threads, fold, &|done| {
        progress(Stage::Parsing, done, total);
    });
    errors
        .into_iter()
        .map(|e| {
            let path = collection.get(e.artefact).map_or("", |a| a.path.as_str());
            Problem::error(path, format!("reading stopped: {}", e.error)).at(e.offset)
        })
        .collect()
}
