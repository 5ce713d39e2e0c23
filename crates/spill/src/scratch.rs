//! Where scratch files are made, and how much memory their pages may take.

use memmap2::{MmapRaw, UncheckedAdvice};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

/// A place for scratch files, shared by the lists of one run.
#[derive(Clone, Debug)]
pub struct Scratch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    /// Octets the process may hold before pages are given back.
    budget: u64,
    mappings: Mutex<Vec<Weak<MmapRaw>>>,
    /// `/proc/self/statm`, if there is one.
    statm: Mutex<Option<File>>,
    /// What the process held after pages were last given back.
    floor: AtomicU64,
    failed: AtomicBool,
    why: Mutex<Option<String>>,
}

/// Giving pages back is not worth its while for less than this.
const WORTHWHILE: u64 = 64 << 20;
/// Loops ask once in so many steps.
const PACE: usize = 1 << 12;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

impl Scratch {
    /// Scratch files below `dir`, which should be on a disk: a file system in memory saves none.
    /// `budget` is in octets of resident memory of the whole process.
    pub fn new(dir: &Path, budget: u64) -> Self {
        Self(Arc::new(Inner {
            dir: dir.to_path_buf(),
            budget,
            mappings: Mutex::default(),
            statm: Mutex::new(File::open("/proc/self/statm").ok()),
            floor: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            why: Mutex::default(),
        }))
    }

    /// Why lists grow in memory instead, if a scratch file could not be made or extended.
    pub fn problem(&self) -> Option<String> {
        lock(&self.0.why).clone()
    }

    /// The folder of the scratch files.
    pub fn dir(&self) -> &Path {
        &self.0.dir
    }

    pub(crate) fn usable(&self) -> bool {
        !self.0.failed.load(Ordering::Relaxed)
    }

    pub(crate) fn fail(&self, error: &io::Error) {
        self.0.failed.store(true, Ordering::Relaxed);
        let why = format!("no scratch file in {}: {error}", self.0.dir.display());
        lock(&self.0.why).get_or_insert(why);
    }

    /// A file without a name.
    pub(crate) fn file(&self) -> io::Result<File> {
        tempfile::tempfile_in(&self.0.dir)
    }

    /// Allots `octets` of room to a file and maps it.
    pub(crate) fn map(&self, file: &File, octets: u64) -> io::Result<Arc<MmapRaw>> {
        // Allotted, not just promised: a write into a hole of a full disk would be a SIGBUS.
        match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, octets) {
            Ok(()) => {}
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => fill(file, octets)?,
            Err(e) => return Err(e.into()),
        }
        let map = Arc::new(MmapRaw::map_raw(file)?);
        let mut mappings = lock(&self.0.mappings);
        mappings.retain(|m| m.strong_count() > 0);
        mappings.push(Arc::downgrade(&map));
        Ok(map)
    }

    /// Octets of the process that are in memory now; 0 where the system does not say.
    pub fn resident(&self) -> u64 {
        let mut guard = lock(&self.0.statm);
        let Some(file) = guard.as_mut() else { return 0 };
        let mut text = [0; 128];
        let read = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| file.read(&mut text));
        let pages = read.ok().and_then(|n| {
            let text = std::str::from_utf8(text.get(..n)?).ok()?;
            text.split(' ').nth(1)?.parse::<u64>().ok()
        });
        pages.unwrap_or(0) * rustix::param::page_size() as u64
    }

    /// For loops: [`Self::relieve`] once in a while. `step` is the loop's counter.
    pub fn pace(&self, step: usize) {
        if step % PACE == PACE - 1 {
            self.relieve();
        }
    }

    /// Gives the pages of all scratch files back to the kernel when the process holds more than
    /// its budget. Nothing is lost: what is needed again is mapped again.
    pub fn relieve(&self) {
        let held = self.resident();
        let floor = self.0.floor.load(Ordering::Relaxed);
        if held <= self.0.budget.max(floor + WORTHWHILE) {
            return;
        }
        for map in lock(&self.0.mappings).iter().filter_map(Weak::upgrade) {
            give_back(&map);
        }
        self.0.floor.store(self.resident(), Ordering::Relaxed);
    }
}

/// Writes zeros where room cannot be allotted otherwise.
fn fill(file: &File, octets: u64) -> io::Result<()> {
    use std::io::Write;
    let have = file.metadata()?.len();
    let mut file = file;
    file.seek(SeekFrom::Start(have))?;
    let zeros = vec![0; 1 << 20];
    let mut left = octets.saturating_sub(have);
    while left > 0 {
        let n = left.min(zeros.len() as u64);
        file.write_all(&zeros[..n as usize])?;
        left -= n;
    }
    Ok(())
}

#[allow(unsafe_code)]
fn give_back(map: &MmapRaw) {
    // SAFETY: the mapping is shared and backed by a file, so MADV_DONTNEED only takes the pages
    // out of this process's tables (madvise(2)): their contents stay in the file's cache, and the
    // next access maps them again. References into the mapping stay valid and see the same bytes.
    let _ = unsafe { map.unchecked_advise(UncheckedAdvice::DontNeed) };
}
