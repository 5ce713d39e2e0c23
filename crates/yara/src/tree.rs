//! Many files on all cores.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use vauban_ocsf::Finding;

use crate::{Rules, finding};

/// How much is read.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Octets of a file; of a larger one only the beginning is judged, and that is said.
    pub file: u64,
    /// Threads; 0: as many as there are processors.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file: 64 << 20,
            threads: 0,
        }
    }
}

/// A file that was not judged, or not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// What happened, in words.
    pub reason: String,
}

/// What a scan gave.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// Findings in the order of the files, gravest first within a file.
    pub findings: Vec<Finding>,
    /// Files not judged, or not whole, in the order of the files.
    pub problems: Vec<Problem>,
    /// Files judged.
    pub files: u64,
    /// Octets judged.
    pub bytes: u64,
}

/// Judges files on all cores. The result does not depend on how many there are.
pub fn scan_tree(rules: &Rules, files: &[PathBuf], limits: &Limits) -> Scan {
    let threads = match limits.threads {
        0 => std::thread::available_parallelism().map_or(1, |n| n.get()),
        n => n,
    };
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, One)>> = Mutex::default();
    let totals = Mutex::new((0u64, 0u64));
    let run = || {
        let mut scanner = rules.scanner();
        let mut content = Vec::new();
        let mut mine = Vec::new();
        let mut counts = (0u64, 0u64);
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = files.get(i) else { break };
            let mut one = One::default();
            match read(path, limits.file, &mut content) {
                Err(e) => one.problem = Some(format!("not read: {e}")),
                Ok(whole) => {
                    if !whole {
                        one.problem = Some(format!("only the first {} octets judged", limits.file));
                    }
                    counts.0 += 1;
                    counts.1 += content.len() as u64;
                    match scanner.scan(&content) {
                        Ok(results) => {
                            let matching = results.matching_rules();
                            if matching.len() > 0 {
                                let name = path.display().to_string();
                                one.findings = finding::all(&name, &content, matching);
                            }
                        }
                        Err(e) => one.problem = Some(format!("not judged: {e}")),
                    }
                }
            }
            if one.problem.is_some() || !one.findings.is_empty() {
                mine.push((i, one));
            }
        }
        done.lock().unwrap_or_else(|e| e.into_inner()).extend(mine);
        let mut totals = totals.lock().unwrap_or_else(|e| e.into_inner());
        totals.0 += counts.0;
        totals.1 += counts.1;
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(files.len().max(1)) {
            scope.spawn(run);
        }
        run();
    });
    let mut done = done.into_inner().unwrap_or_else(|e| e.into_inner());
    done.sort_by_key(|(i, _)| *i);
    let (count, bytes) = totals.into_inner().unwrap_or_else(|e| e.into_inner());
    let mut out = Scan {
        files: count,
        bytes,
        ..Scan::default()
    };
    for (i, one) in done {
        out.findings.extend(one.findings);
        out.problems.extend(one.problem.map(|reason| Problem {
            path: files[i].clone(),
            reason,
        }));
    }
    out
}

#[derive(Default)]
struct One {
    findings: Vec<Finding>,
    problem: Option<String>,
}

/// Reads at most `limit` octets into the buffer; whether that was all. Devices, pipes and links
/// are refused: reading a pipe would wait for ever.
fn read(path: &Path, limit: u64, content: &mut Vec<u8>) -> io::Result<bool> {
    let kind = std::fs::symlink_metadata(path)?;
    if !kind.is_file() {
        return Err(io::Error::other("no regular file"));
    }
    content.clear();
    let mut file = File::open(path)?;
    content.reserve(usize::try_from(kind.len().min(limit)).unwrap_or(0) + 1);
    let got = file.by_ref().take(limit).read_to_end(content)? as u64;
    // One octet more tells whether the limit cut it.
    Ok(got < limit || file.read(&mut [0])? == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_judged_or_named_whatever_the_threads() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        for i in 0..50 {
            let path = dir.path().join(format!("{i:02}.php"));
            std::fs::write(&path, if i % 7 == 0 { "a needle" } else { "hay" }).unwrap();
            files.push(path);
        }
        files.push(dir.path().join("absent"));
        files.push(dir.path().to_owned());
        let text = "rule needle { strings: $n = \"needle\" condition: $n }";
        let (rules, _) = Rules::compile([("r", text.as_bytes())]);
        let mut seen = None;
        for threads in [1, 2, 7] {
            let limits = Limits {
                threads,
                ..Limits::default()
            };
            let scan = scan_tree(&rules, &files, &limits);
            assert_eq!((scan.files, scan.problems.len()), (50, 2));
            assert_eq!(scan.findings.len(), 8);
            let order: Vec<_> = scan.findings.iter().map(|f| f.uid()).collect();
            assert!(seen.is_none() || seen.as_ref() == Some(&order));
            seen = Some(order);
        }
        let limits = Limits {
            file: 3,
            threads: 1,
        };
        let scan = scan_tree(&rules, &files[..2], &limits);
        assert!(scan.findings.is_empty());
        assert_eq!(scan.problems.len(), 1, "{:?}", scan.problems);
    }
}
