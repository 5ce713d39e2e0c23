//! A collection of evidence: everything found under the given paths, hashed and readable.

use crate::artefact::{Artefact, Kind};
use crate::data::{ArtefactReader, Data, FileRef, Place, open_evidence};
use crate::limits::Limits;
use crate::problem::{Problem, Severity};
use crate::walk::{Listed, walk};
use crate::worker::{Found, Meta, Shared, Worker, Yield};
use std::collections::HashMap;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use vauban_ocsf::{ArtefactId, Timestamp};

/// How far [`Collection::open`] is. Counts files on disk, not members of archives.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files done.
    pub files: u64,
    /// Files found.
    pub files_total: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Bytes the files had when they were found.
    pub bytes_total: u64,
}

/// A symbolic link in the evidence. Links are never followed; what they say can matter
/// (`etc/localtime` names the time zone).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// Where it stands, as [`Artefact::path`].
    pub path: String,
    /// Its text.
    pub target: String,
}

/// Everything found under the given paths. `Send + Sync`; all methods take `&self`.
#[derive(Debug, Default)]
pub struct Collection {
    artefacts: Vec<Artefact>,
    data: Vec<Data>,
    problems: Vec<Problem>,
    links: Vec<Link>,
    duplicates: HashMap<ArtefactId, ArtefactId>,
}

impl Collection {
    /// Lists, hashes and unpacks what is under `paths` (files and directories).
    ///
    /// Never fails: what cannot be read is a [`Problem`] and the rest is processed. The order of
    /// artefacts, and with it every [`ArtefactId`], follows from names and content alone. The
    /// evidence is only read; decoded members live in memory or in anonymous temporary files
    /// (`TMPDIR`) that vanish with the collection.
    ///
    /// `progress` is called from several threads, after each file and each 256 KiB.
    pub fn open(
        paths: &[PathBuf],
        limits: &Limits,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Collection {
        let mut walk = walk(paths);
        let files = std::mem::take(&mut walk.files);
        let total: u64 = files
            .iter()
            .map(|f| f.meta.len())
            .fold(0, u64::saturating_add);
        let (done_files, done_bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        let tell = |files_more: u64, bytes_more: u64| {
            progress(Progress {
                files: done_files.fetch_add(files_more, Relaxed) + files_more,
                files_total: files.len() as u64,
                bytes: done_bytes.fetch_add(bytes_more, Relaxed) + bytes_more,
                bytes_total: total,
            });
        };
        let shared = Shared::new(limits, &tell);
        let mut yields = read_all(&files, &shared, limits.threads.max(1));
        if shared.exhausted.load(Relaxed) && limits.threads > 1 {
            // Which artefact met the limit depended on timing: the same input must give the same
            // collection, so one worker does it again in order.
            drop(yields);
            done_files.store(0, Relaxed);
            done_bytes.store(0, Relaxed);
            yields = read_all(&files, &Shared::new(limits, &tell), 1);
        }
        let mut all = Yield {
            problems: walk.problems,
            links: walk.links,
            ..Yield::default()
        };
        for mut one in yields {
            all.found.append(&mut one.found);
            all.problems.append(&mut one.problems);
            all.links.append(&mut one.links);
        }
        Self::number(all)
    }

    fn number(all: Yield) -> Collection {
        let mut c = Collection {
            problems: all.problems,
            ..Collection::default()
        };
        c.links = all
            .links
            .into_iter()
            .map(|(path, target)| Link { path, target })
            .collect();
        let mut taken: HashMap<String, u32> = HashMap::with_capacity(all.found.len());
        let mut hashes: HashMap<[u8; 32], ArtefactId> = HashMap::with_capacity(all.found.len());
        for (index, found) in all.found.into_iter().enumerate() {
            let Ok(index) = u32::try_from(index) else {
                break;
            };
            let id = ArtefactId(index);
            let Found {
                mut path,
                sha256,
                kind,
                modified,
                mode,
                data,
            } = found;
            if let Some(last) = taken.get(&path).copied() {
                let what = "archive holds this path more than once, all are read";
                c.problems.push(Problem::warning(path.clone(), what));
                // Counting goes on where it stopped: a hostile archive repeats one name a million
                // times.
                let mut number = last + 1;
                while taken.contains_key(&format!("{path}#{number}")) {
                    number += 1;
                }
                taken.insert(path.clone(), number);
                path = format!("{path}#{number}");
            }
            taken.insert(path.clone(), 1);
            if data.len > 0 {
                let first = *hashes.entry(sha256).or_insert(id);
                if first != id {
                    c.duplicates.insert(id, first);
                }
            }
            c.artefacts.push(Artefact {
                id,
                path,
                size: data.len,
                sha256,
                kind,
                modified,
                mode,
            });
            c.data.push(data);
        }
        c.problems.sort();
        c.problems.dedup();
        c
    }

    /// All artefacts in order of their ids. Containers are among them, before their members.
    pub fn artefacts(&self) -> &[Artefact] {
        &self.artefacts
    }

    /// One artefact.
    pub fn get(&self, id: ArtefactId) -> Option<&Artefact> {
        self.artefacts.get(id.0 as usize)
    }

    /// Artefacts of one kind, in order.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Artefact> {
        self.artefacts.iter().filter(move |a| a.kind == kind)
    }

    /// What could not be read and what must be known, sorted by path.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Symbolic links, those inside archives included.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The first artefact with the very same bytes, if this one came later: a rotated log beside
    /// its copy in a backup. Counting both would count every event twice.
    pub fn duplicate_of(&self, id: ArtefactId) -> Option<ArtefactId> {
        self.duplicates.get(&id).copied()
    }

    /// A reader of the decoded bytes. Fails when the file has gone or was replaced since.
    pub fn reader(&self, id: ArtefactId) -> io::Result<ArtefactReader> {
        self.data
            .get(id.0 as usize)
            .ok_or(io::ErrorKind::NotFound)?
            .reader()
    }

    /// The bytes `offset .. offset + length`, fewer at the artefact's end.
    pub fn read_range(&self, id: ArtefactId, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let reader = self.reader(id)?;
        let left = usize::try_from(reader.len().saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length.min(left)];
        let n = reader.read_at(offset, &mut bytes)?;
        bytes.truncate(n);
        Ok(bytes)
    }

    /// All bytes, or the first `limit` of them.
    pub fn read_all(&self, id: ArtefactId, limit: usize) -> io::Result<Vec<u8>> {
        self.read_range(id, 0, limit)
    }

    /// Adds what a later stage found out about reading the evidence.
    pub fn add_problems(&mut self, more: impl IntoIterator<Item = Problem>) {
        self.problems.extend(more);
        self.problems.sort();
        self.problems.dedup();
    }
}

/// Reads the files with that many workers; the results stand in the files' order.
fn read_all(files: &[Listed], shared: &Shared<'_>, threads: usize) -> Vec<Yield> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, Yield)>> = Mutex::new(Vec::with_capacity(files.len()));
    let work = || {
        let mut worker = Worker::new(shared);
        let mut mine = Vec::new();
        loop {
            let i = next.fetch_add(1, Relaxed);
            let Some(file) = files.get(i) else { break };
            // A decoder that panics on hostile bytes must not cost the rest of the evidence.
            let done = catch_unwind(AssertUnwindSafe(|| read_one(&mut worker, file)));
            if done.is_err() {
                let what =
                    "a decoder failed on these bytes; what it had listed is kept".to_string();
                worker.problem(Severity::Error, &file.path, None, what);
            }
            mine.push((i, std::mem::take(&mut worker.out)));
            (shared.progress)(1, 0);
        }
        results
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .append(&mut mine);
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(files.len()) {
            scope.spawn(work);
        }
        work();
    });
    let mut results = results.into_inner().unwrap_or_else(|e| e.into_inner());
    results.sort_by_key(|(i, _)| *i);
    results.into_iter().map(|(_, y)| y).collect()
}

/// One file on disk.
fn read_one(worker: &mut Worker<'_>, listed: &Listed) {
    let path = listed.path.as_str();
    let file = match open_evidence(&listed.file) {
        Ok(file) => file,
        Err(e) => return worker.problem(Severity::Error, path, None, format!("not read: {e}")),
    };
    let meta = match file.metadata() {
        Ok(meta) => meta,
        Err(e) => return worker.problem(Severity::Error, path, None, format!("not read: {e}")),
    };
    if !meta.is_file() || (meta.dev(), meta.ino()) != (listed.meta.dev(), listed.meta.ino()) {
        let what = "replaced while the evidence was being read, not read".to_string();
        return worker.problem(Severity::Error, path, None, what);
    }
    let len = meta.len();
    worker.begin(path, len);
    let (digest, read, error) = worker.digest(&mut (&file).take(len), true);
    if let Some(e) = error {
        let what = format!("read error: {e}; the bytes in front of it are kept");
        worker.problem(Severity::Error, path, Some(read), what);
    } else if read < len {
        let what = format!("had {len} bytes when it was opened and ended at {read}: shrinking");
        worker.problem(Severity::Warning, path, Some(read), what);
    }
    if let Ok(after) = file.metadata() {
        if after.len() > len {
            let what = format!("grew while being read; its first {len} bytes count");
            worker.problem(Severity::Note, path, Some(len), what);
        } else if (after.mtime(), after.mtime_nsec()) != (meta.mtime(), meta.mtime_nsec()) {
            let what = "written to while being read".to_string();
            worker.problem(Severity::Warning, path, None, what);
        }
    }
    let modified = meta
        .mtime()
        .checked_mul(1_000_000)
        .and_then(|us| us.checked_add(meta.mtime_nsec() / 1000))
        .map(Timestamp);
    let about = Meta {
        modified,
        mode: Some(meta.mode()),
    };
    // While its members are listed the file stays open; afterwards each reader opens it anew,
    // for a collection of a million files must not hold a million descriptors.
    let open = Data {
        place: Place::Open(Arc::new(file)),
        base: 0,
        len: read,
    };
    let first = worker.out.found.len();
    worker.place(path.to_string(), open.clone(), &digest, &about, 0);
    let by_name = Arc::new(FileRef {
        path: listed.file.clone(),
        dev: meta.dev(),
        ino: meta.ino(),
    });
    for found in worker.out.found.iter_mut().skip(first) {
        if let (Place::Open(a), Place::Open(b)) = (&found.data.place, &open.place)
            && Arc::ptr_eq(a, b)
        {
            found.data.place = Place::File(by_name.clone());
        }
    }
}
