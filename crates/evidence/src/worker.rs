//! Turns one file of the evidence into artefacts: itself, and if it is an archive its members,
//! and theirs.

use crate::archive;
use crate::artefact::{Kind, single_name};
use crate::data::{ArtefactReader, Data, Spool, Spooling};
use crate::decode::{Broken, Codec, Input, Receiver, decode};
use crate::kind::{HEAD, recognise};
use crate::limits::Limits;
use crate::problem::{Problem, Severity};
use crate::sha::Sha;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use vauban_ocsf::Timestamp;

/// Bytes read at a time when hashing.
const CHUNK: usize = 256 << 10;

/// Problems listed for one file on disk with all that is nested in it.
const PROBLEMS_MAX: usize = 5000;

/// An artefact before it has a number.
#[derive(Debug)]
pub(crate) struct Found {
    pub path: String,
    pub sha256: [u8; 32],
    pub kind: Kind,
    pub modified: Option<Timestamp>,
    pub mode: Option<u32>,
    pub data: Data,
}

/// What one file yielded.
#[derive(Debug, Default)]
pub(crate) struct Yield {
    pub found: Vec<Found>,
    pub problems: Vec<Problem>,
    pub links: Vec<(String, String)>,
}

/// What all workers share.
pub(crate) struct Shared<'a> {
    pub limits: &'a Limits,
    /// Decoded bytes and artefacts so far.
    pub decoded: AtomicU64,
    pub artefacts: AtomicU64,
    /// Bytes of members held in memory.
    pub memory: AtomicU64,
    /// A limit over the whole collection was met. With several workers it depends on timing which
    /// artefact meets it, so the collection is then read again by one.
    pub exhausted: AtomicBool,
    /// Told the bytes of files on disk that have been read.
    pub progress: &'a (dyn Fn(u64, u64) + Sync),
}

impl<'a> Shared<'a> {
    pub fn new(limits: &'a Limits, progress: &'a (dyn Fn(u64, u64) + Sync)) -> Self {
        Self {
            limits,
            decoded: AtomicU64::new(0),
            artefacts: AtomicU64::new(0),
            memory: AtomicU64::new(0),
            exhausted: AtomicBool::new(false),
            progress,
        }
    }
}

/// What is known of a file or member beside its bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meta {
    pub modified: Option<Timestamp>,
    pub mode: Option<u32>,
}

/// The first and last bytes of a stream and its hash.
pub(crate) struct Digest {
    pub sha256: [u8; 32],
    pub head: Vec<u8>,
    pub tail: Vec<u8>,
}

/// One worker.
pub(crate) struct Worker<'a> {
    pub shared: &'a Shared<'a>,
    pub spool: Spool,
    pub out: Yield,
    /// Stored bytes of the file on disk that is being read, and what came out of it.
    root: String,
    root_len: u64,
    root_decoded: u64,
    buf: Vec<u8>,
}

impl<'a> Worker<'a> {
    pub fn new(shared: &'a Shared<'a>) -> Self {
        Self {
            shared,
            spool: Spool::default(),
            out: Yield::default(),
            root: String::new(),
            root_len: 0,
            root_decoded: 0,
            buf: vec![0; CHUNK],
        }
    }

    /// Starts a file on disk.
    pub fn begin(&mut self, path: &str, len: u64) {
        self.root = path.to_string();
        self.root_len = len;
        self.root_decoded = 0;
    }

    pub fn problem(&mut self, severity: Severity, path: &str, at: Option<u64>, what: String) {
        // A hostile archive can have something wrong with each of a million members.
        match self.out.problems.len() {
            PROBLEMS_MAX => self.out.problems.push(Problem::warning(
                self.root.clone(),
                format!("more than {PROBLEMS_MAX} problems in this file, the rest is not listed"),
            )),
            n if n > PROBLEMS_MAX => {}
            _ => {
                let path = path.to_string();
                self.out.problems.push(Problem {
                    path,
                    offset: at,
                    what,
                    severity,
                });
            }
        }
    }

    /// Hashes all of `reader` and keeps its first and last bytes. A shorter file than stated ends
    /// with the bytes there were: the second value.
    pub fn digest(
        &mut self,
        reader: &mut dyn Read,
        told: bool,
    ) -> (Digest, u64, Option<io::Error>) {
        let mut sha = Sha::default();
        let mut head = Vec::new();
        let mut tail = Vec::new();
        let mut len = 0u64;
        let error = loop {
            let n = match reader.read(&mut self.buf) {
                Ok(0) => break None,
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => break Some(e),
            };
            let chunk = self.buf.get(..n).unwrap_or(&self.buf);
            sha.update(chunk);
            if head.len() < HEAD {
                head.extend_from_slice(chunk.get(..HEAD - head.len()).unwrap_or(chunk));
            }
            keep_tail(&mut tail, chunk);
            len += n as u64;
            if told {
                (self.shared.progress)(0, n as u64);
            }
        };
        (
            Digest {
                sha256: sha.finish(),
                head,
                tail,
            },
            len,
            error,
        )
    }

    /// Lists an artefact that has the bytes of one listed before (a hard link), by its place in
    /// [`Yield::found`]. An archive is not opened twice.
    pub fn again(&mut self, path: String, earlier: usize) {
        let Some(found) = self.out.found.get(earlier) else {
            return;
        };
        if found.kind == Kind::Container {
            let what = format!("hard link to {}, which is opened already", found.path);
            return self.problem(Severity::Note, &path, None, what);
        }
        if self.full(&path) {
            return;
        }
        if let Some(found) = self.out.found.get(earlier) {
            let found = Found {
                path,
                data: found.data.clone(),
                ..*found
            };
            self.out.found.push(found);
        }
    }

    /// Counts an artefact; `true`, and a problem, when there are too many.
    fn full(&mut self, path: &str) -> bool {
        let limit = u64::from(self.shared.limits.artefacts);
        if self.shared.artefacts.fetch_add(1, Relaxed) < limit {
            return false;
        }
        // One message is enough where the limit turned millions away.
        if !self.shared.exhausted.swap(true, Relaxed) {
            let what = format!("limit of {limit} artefacts reached, this and more are not listed");
            self.problem(Severity::Error, path, None, what);
        }
        true
    }

    /// Takes bytes that can be read at any position, hashing them.
    pub fn member(&mut self, path: String, data: Data, meta: &Meta, depth: u32) {
        let mut reader = match data.reader() {
            Ok(reader) => reader,
            Err(e) => return self.problem(Severity::Error, &path, None, e.to_string()),
        };
        let (digest, len, error) = self.digest(&mut reader, false);
        if let Some(e) = error {
            self.problem(Severity::Warning, &path, Some(len), e.to_string());
        }
        self.place(path, data.slice(0, len), &digest, meta, depth);
    }

    /// Lists an artefact whose bytes have been hashed, and opens it if it is an archive.
    pub fn place(&mut self, path: String, data: Data, digest: &Digest, meta: &Meta, depth: u32) {
        if self.full(&path) {
            return;
        }
        let form = archive::form(&path, &digest.head, data.len);
        let at = self.out.found.len();
        let kind = match form {
            Some(_) => Kind::Container,
            None => recognise(&path, &digest.head, &digest.tail),
        };
        self.out.found.push(Found {
            path: path.clone(),
            sha256: digest.sha256,
            kind,
            modified: meta.modified,
            mode: meta.mode,
            data: data.clone(),
        });
        let Some(form) = form else {
            if kind == Kind::Binary
                && let Some(name) = archive::unopened(&digest.head)
            {
                let what =
                    format!("{name} archives are not opened: unpack it and give its content");
                self.problem(Severity::Warning, &path, None, what);
            }
            return;
        };
        if depth >= self.shared.limits.depth {
            let what = format!("not opened: archives nested {depth} deep");
            return self.problem(Severity::Warning, &path, Some(0), what);
        }
        if !self.open(form, &path, &data, &digest.head, meta, depth) {
            // Nothing could be got out of it: it is no container then.
            if let Some(found) = self.out.found.get_mut(at) {
                found.kind = Kind::Binary;
            }
        }
    }

    /// Opens an archive; `false` when nothing came out.
    fn open(
        &mut self,
        form: archive::Form,
        path: &str,
        data: &Data,
        head: &[u8],
        meta: &Meta,
        depth: u32,
    ) -> bool {
        match form {
            archive::Form::Tar => archive::tar::open(self, path, data, depth),
            archive::Form::Zip => archive::zip::open(self, path, data, depth),
            archive::Form::Single(codec) => self.single(codec, path, data, head, meta, depth),
        }
    }

    /// Decodes a compressed single file. A tar inside is opened in place (`a.tar.gz!member`).
    fn single(
        &mut self,
        codec: Codec,
        path: &str,
        data: &Data,
        head: &[u8],
        meta: &Meta,
        depth: u32,
    ) -> bool {
        let reader = match data.reader() {
            Ok(reader) => reader,
            Err(e) => {
                self.problem(Severity::Error, path, None, e.to_string());
                return false;
            }
        };
        let mut input = Input::new(reader);
        let mut taking = Taking::new(self);
        taking.tar_in_place = true;
        let end = decode(codec, &mut input, &mut taking);
        let taken = taking.finish();
        self.report(path, codec.as_str(), end, &taken, input.used());
        let empty = taken.len() == 0;
        let Some((inner, digest)) = self.keep(path, taken) else {
            return false;
        };
        if empty && self.out.problems.last().is_some_and(|p| p.path == path) {
            return false;
        }
        let mut meta = meta.clone();
        // RFC 1952 section 2.3.1: MTIME, 0 for none.
        if codec == Codec::Gzip
            && let Some(&[a, b, c, d]) = head.get(4..8)
            && [a, b, c, d] != [0; 4]
        {
            let seconds = i64::from(u32::from_le_bytes([a, b, c, d]));
            meta.modified = Some(Timestamp::from_seconds(seconds));
        }
        if archive::is_tar(&digest.head) {
            archive::tar::open(self, path, &inner, depth);
            return true;
        }
        let file = path.rsplit(['/', '!']).next().unwrap_or(path);
        let inner_path = format!("{path}!{}", single_name(file));
        self.place(inner_path, inner, &digest, &meta, depth + 1);
        true
    }

    /// Says how decoding a stream ended.
    pub fn report(
        &mut self,
        path: &str,
        what: &str,
        end: Result<(), Broken>,
        taken: &Taken,
        used: u64,
    ) {
        let (severity, words) = match (&taken.stop, end) {
            (Some(stop), _) => (Severity::Warning, stop.clone()),
            (None, Err(Broken::Damaged(words))) => (Severity::Warning, format!("{what}: {words}")),
            (None, _) => return,
        };
        let words = format!(
            "{words}; {} decoded bytes in front of it are kept",
            taken.len()
        );
        self.problem(severity, path, Some(used), words);
    }

    /// Moves decoded bytes to where they stay.
    pub fn keep(&mut self, path: &str, taken: Taken) -> Option<(Data, Digest)> {
        let shared = self.shared;
        let keep = |len| shared.memory.fetch_add(len, Relaxed) + len <= shared.limits.memory;
        match taken.spooling.finish(&mut self.spool, keep) {
            Ok(data) => Some((data, taken.digest)),
            Err(e) => {
                let what = format!("no room for decoded bytes in the temporary directory: {e}");
                self.problem(Severity::Error, path, None, what);
                None
            }
        }
    }
}

fn keep_tail(tail: &mut Vec<u8>, chunk: &[u8]) {
    const TAIL: usize = 4096;
    if chunk.len() >= TAIL {
        tail.clear();
    }
    tail.extend_from_slice(
        chunk
            .get(chunk.len().saturating_sub(TAIL)..)
            .unwrap_or(chunk),
    );
    let surplus = tail.len().saturating_sub(TAIL);
    tail.drain(..surplus);
}

/// Takes what a decoder yields: hashes it, stores it, and stops at the limits.
pub(crate) struct Taking<'w, 'a> {
    worker: &'w mut Worker<'a>,
    spooling: Spooling,
    sha: Sha,
    head: Vec<u8>,
    tail: Vec<u8>,
    stop: Option<String>,
    /// A tar among the bytes will be opened in place and needs no hash of its own.
    pub tar_in_place: bool,
}

/// What [`Taking`] took.
pub(crate) struct Taken {
    spooling: Spooling,
    pub digest: Digest,
    pub stop: Option<String>,
}

impl Taken {
    pub fn len(&self) -> u64 {
        self.spooling.len()
    }
}

impl<'w, 'a> Taking<'w, 'a> {
    pub fn new(worker: &'w mut Worker<'a>) -> Self {
        let small = worker.shared.limits.small_member;
        Self {
            worker,
            spooling: Spooling::new(small),
            sha: Sha::default(),
            head: Vec::new(),
            tail: Vec::new(),
            stop: None,
            tar_in_place: false,
        }
    }

    pub fn finish(self) -> Taken {
        Taken {
            spooling: self.spooling,
            digest: Digest {
                sha256: self.sha.finish(),
                head: self.head,
                tail: self.tail,
            },
            stop: self.stop,
        }
    }

    /// Why no more may be taken, if so.
    fn over(&self, more: u64, used: u64) -> Option<String> {
        let limits = self.worker.shared.limits;
        let here = self.spooling.len() + more;
        let root = self.worker.root_decoded + more;
        let exceeds = |decoded: u64, stored: u64| {
            decoded > limits.ratio_floor && decoded / limits.ratio.max(1) >= stored.max(1)
        };
        if exceeds(here, used) || exceeds(root, self.worker.root_len) {
            return Some(format!(
                "decompression bomb: more than {} bytes from each stored byte",
                limits.ratio
            ));
        }
        if here > limits.decoded_member {
            return Some(format!(
                "limit of {} decoded bytes for a member",
                limits.decoded_member
            ));
        }
        let total = self.worker.shared.decoded.fetch_add(more, Relaxed) + more;
        if total > limits.decoded_total {
            self.worker.shared.exhausted.store(true, Relaxed);
            return Some(format!(
                "limit of {} decoded bytes in total",
                limits.decoded_total
            ));
        }
        None
    }
}

impl Receiver for Taking<'_, '_> {
    fn receive(&mut self, chunk: &[u8], used: u64) -> bool {
        self.stop = self.over(chunk.len() as u64, used);
        if self.stop.is_some() {
            return false;
        }
        if let Err(e) = self.spooling.write(&mut self.worker.spool, chunk) {
            self.stop = Some(format!("no room in the temporary directory ({e})"));
            return false;
        }
        self.worker.root_decoded += chunk.len() as u64;
        if self.head.len() < HEAD {
            let room = HEAD - self.head.len();
            self.head
                .extend_from_slice(chunk.get(..room).unwrap_or(chunk));
        }
        if !(self.tar_in_place && archive::is_tar(&self.head)) {
            self.sha.update(chunk);
        }
        keep_tail(&mut self.tail, chunk);
        true
    }
}

/// A reader that counts, for formats whose own library decodes.
pub(crate) fn take_from(
    taking: &mut Taking<'_, '_>,
    reader: &mut dyn Read,
    stored: u64,
) -> Result<(), Broken> {
    let mut buf = vec![0; 64 << 10];
    loop {
        let n = match reader.read(&mut buf) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e.into()),
        };
        if !taking.receive(buf.get(..n).unwrap_or(&buf), stored) {
            return Err(Broken::Stopped);
        }
    }
}

/// Opens a reader or reports.
pub(crate) fn reader(worker: &mut Worker<'_>, path: &str, data: &Data) -> Option<ArtefactReader> {
    match data.reader() {
        Ok(reader) => Some(reader),
        Err(e) => {
            worker.problem(Severity::Error, path, None, e.to_string());
            None
        }
    }
}
