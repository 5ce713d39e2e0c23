//! Findings appended to a file, each exactly once.
//!
//! What is to be written is known byte for byte before it is written, and kept in the store until
//! it is. After a crash the file therefore holds some beginning of it behind the place that was
//! reached for certain: writing goes on where the two part, in the middle of a line if need be,
//! and a program that follows the file sees nothing but lines. If somebody else wrote to the file
//! or replaced it, the identifiers of its findings are read instead.

use super::{Outcome, Sink};
use crate::store::{Pending, SinkState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use vauban_ocsf::Level;

/// A file of JSON lines.
pub struct FileOut {
    name: String,
    path: PathBuf,
    level: Level,
    open: Option<Open>,
}

struct Open {
    file: File,
    inode: (u64, u64),
    /// Length after the last complete delivery of this process.
    length: u64,
}

/// What is kept: where the file stood when everything delivered was on disk.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Reached {
    inode: (u64, u64),
    length: u64,
    /// Findings not yet noted as delivered that stand in a file that was rotated away.
    #[serde(default)]
    elsewhere: BTreeSet<i64>,
}

impl FileOut {
    /// Appends to `path`.
    pub fn new(path: PathBuf, level: Level) -> Self {
        Self {
            name: format!("file:{}", path.display()),
            path,
            level,
            open: None,
        }
    }

    /// Opens the file that stands at the path now, and says which of `batch` are in it already; or
    /// says what to note first, because it is another file than before.
    fn open(
        &mut self,
        batch: &[Pending],
        reached: Reached,
    ) -> io::Result<Result<(Open, BTreeSet<i64>), Reached>> {
        if let Some(parent) = self.path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o640)
            .open(&self.path)?;
        let meta = file.metadata()?;
        let inode = (meta.dev(), meta.ino());
        let mut written = reached.elsewhere;
        if reached.inode != inode || reached.length > meta.len() {
            // Rotated since: what was written behind the mark is in the other file.
            if let Some(mut old) = self.find(reached.inode) {
                present(&mut old, reached.length, batch, &mut written)?;
            }
            // Noted before anything is written: the new file can be rotated away as well.
            return Ok(Err(Reached {
                inode,
                length: 0,
                elsewhere: written,
            }));
        }
        let from = reached.length;
        file.seek(SeekFrom::Start(from))?;
        let mut behind = Vec::new();
        // More than the batch cannot be ours from before the crash unless the file was replaced.
        let whole: usize = batch.iter().map(|p| p.finding.body.len() + 1).sum();
        (&mut file)
            .take(whole as u64 + 1)
            .read_to_end(&mut behind)?;
        let lines = batch.iter().map(|p| (p.seq, line(p)));
        let mut rest = behind.as_slice();
        for (seq, line) in lines {
            if let Some(after) = rest.strip_prefix(line.as_bytes()) {
                written.insert(seq);
                rest = after;
            } else if line.as_bytes().starts_with(rest) {
                // Torn: the rest of the line is what is missing.
                if !rest.is_empty() {
                    file.write_all(line.as_bytes().get(rest.len()..).unwrap_or_default())?;
                    written.insert(seq);
                    rest = &[];
                }
                break;
            } else {
                break;
            }
        }
        if !rest.is_empty() {
            // Somebody else's bytes: end their last line, and go by identifiers.
            present(&mut file, from, batch, &mut written)?;
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        let length = file.metadata()?.len();
        let open = Open {
            file,
            inode,
            length,
        };
        Ok(Ok((open, written)))
    }

    /// The file with this inode beside the path: what rotation made of it.
    fn find(&self, inode: (u64, u64)) -> Option<File> {
        let dir = self.path.parent()?;
        std::fs::read_dir(dir)
            .ok()?
            .filter_map(Result::ok)
            .find(|entry| {
                entry
                    .metadata()
                    .is_ok_and(|m| m.is_file() && (m.dev(), m.ino()) == inode)
            })
            .and_then(|entry| File::open(entry.path()).ok())
    }

    fn write(&mut self, batch: &[Pending], state: &SinkState) -> io::Result<Outcome> {
        let reached: Reached = serde_json::from_str(&state.own).unwrap_or_default();
        let still = self.open.as_ref().is_some_and(|open| {
            std::fs::metadata(&self.path)
                .is_ok_and(|m| (m.dev(), m.ino()) == open.inode && m.len() == open.length)
        });
        let (mut open, written) = match self.open.take() {
            Some(open) if still => (open, BTreeSet::new()),
            _ => match self.open(batch, reached)? {
                Ok(opened) => opened,
                Err(first) => {
                    return Ok(Outcome::Keep(SinkState {
                        seq: state.seq,
                        own: serde_json::to_string(&first).unwrap_or_default(),
                    }));
                }
            },
        };
        let mut bytes = String::new();
        for pending in batch.iter().filter(|p| !written.contains(&p.seq)) {
            bytes.push_str(&line(pending));
        }
        // On an error the file is opened anew, and what did arrive is found there.
        open.file.write_all(bytes.as_bytes())?;
        open.file.sync_data()?;
        open.length = open.file.metadata()?.len();
        let reached = Reached {
            inode: open.inode,
            length: open.length,
            elsewhere: BTreeSet::new(),
        };
        self.open = Some(open);
        Ok(Outcome::Done(SinkState {
            seq: batch.last().map_or(state.seq, |p| p.seq),
            own: serde_json::to_string(&reached).unwrap_or_default(),
        }))
    }
}

fn line(pending: &Pending) -> String {
    format!("{}\n", pending.finding.body)
}

/// Which of the findings stand in the file from `from` on, as whole lines.
fn present(
    file: &mut File,
    from: u64,
    batch: &[Pending],
    written: &mut BTreeSet<i64>,
) -> io::Result<()> {
    file.seek(SeekFrom::Start(from))?;
    let mut text = Vec::new();
    let mut reader = BufReader::new(file);
    loop {
        text.clear();
        if reader.read_until(b'\n', &mut text)? == 0 {
            return Ok(());
        }
        for pending in batch {
            if text == line(pending).as_bytes() {
                written.insert(pending.seq);
            }
        }
    }
}

impl Sink for FileOut {
    fn name(&self) -> &str {
        &self.name
    }

    fn level(&self) -> Level {
        self.level
    }

    fn deliver(&mut self, batch: &[Pending], state: &SinkState) -> Outcome {
        match self.write(batch, state) {
            Ok(outcome) => outcome,
            Err(e) => Outcome::Failed(format!("{}: {e}", self.path.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Outgoing;

    fn pending(seq: i64) -> Pending {
        Pending {
            seq,
            finding: Outgoing {
                uid: format!("u{seq}"),
                severity: 1,
                title: String::new(),
                body: format!("{{\"finding\":{seq}}}"),
            },
        }
    }

    /// Delivers, noting what is to be noted first.
    fn deliver(sink: &mut FileOut, batch: &[Pending], state: &SinkState) -> SinkState {
        let mut state = state.clone();
        for _ in 0..3 {
            match sink.deliver(batch, &state) {
                Outcome::Done(state) => return state,
                Outcome::Keep(keep) => state = keep,
                other => panic!("{other:?}"),
            }
        }
        panic!("not delivered");
    }

    #[test]
    fn a_crash_at_any_byte_leaves_each_finding_once() {
        let batch: Vec<_> = (1..=3).map(pending).collect();
        let expected = "{\"finding\":0}\n{\"finding\":1}\n{\"finding\":2}\n{\"finding\":3}\n";
        for cut in 14..=expected.len() {
            let dir = tempfile::tempdir().expect("directory");
            let path = dir.path().join("findings.jsonl");
            let mut sink = FileOut::new(path.clone(), Level::Low);
            let state = deliver(&mut sink, &[pending(0)], &SinkState::default());
            // Killed after so many bytes of the next delivery, before it was noted.
            std::fs::write(&path, &expected[..cut]).expect("write");
            let mut sink = FileOut::new(path.clone(), Level::Low);
            let state = deliver(&mut sink, &batch, &state);
            assert_eq!(state.seq, 3);
            let text = std::fs::read_to_string(&path).expect("read");
            assert_eq!(text, expected, "cut at {cut}");
        }
    }

    #[test]
    fn rotation_of_the_file_itself() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("findings.jsonl");
        let old = dir.path().join("findings.jsonl.1");
        let mut sink = FileOut::new(path.clone(), Level::Low);
        let state = deliver(&mut sink, &[pending(1)], &SinkState::default());
        std::fs::rename(&path, &old).expect("rename");
        let Outcome::Keep(state) = sink.deliver(&[pending(2)], &state) else {
            panic!("another file is to be noted first");
        };
        deliver(&mut sink, &[pending(2)], &state);
        // Killed before that was noted; the new file is rotated away before the next start.
        drop(sink);
        std::fs::rename(&path, dir.path().join("findings.jsonl.2")).expect("rename");
        let mut sink = FileOut::new(path.clone(), Level::Low);
        deliver(&mut sink, &[pending(2), pending(3)], &state);
        let texts = ["findings.jsonl.1", "findings.jsonl.2", "findings.jsonl"]
            .map(|n| std::fs::read_to_string(dir.path().join(n)).expect("read"));
        assert_eq!(texts, [1, 2, 3].map(|n| format!("{{\"finding\":{n}}}\n")),);
    }

    #[test]
    fn bytes_of_others_are_left_alone() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("findings.jsonl");
        let mut sink = FileOut::new(path.clone(), Level::Low);
        let state = deliver(&mut sink, &[pending(1)], &SinkState::default());
        let mut text = std::fs::read_to_string(&path).expect("read");
        text.push_str("{\"finding\":2}\nsomebody's note");
        std::fs::write(&path, &text).expect("write");
        deliver(&mut sink, &[pending(2), pending(3)], &state);
        assert_eq!(
            std::fs::read_to_string(&path).expect("read"),
            format!("{text}\n{{\"finding\":3}}\n")
        );
    }

    #[test]
    fn an_unwritable_place_is_an_error_that_names_it() {
        let mut sink = FileOut::new("/proc/nowhere/findings.jsonl".into(), Level::Low);
        match sink.deliver(&[pending(1)], &SinkState::default()) {
            Outcome::Failed(why) => assert!(why.contains("/proc/nowhere"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}
