//! Rotation in every style, seen or slept through.

use super::*;
use proptest::prelude::*;
use std::fs::{self, File, OpenOptions};
use std::io::Write;

/// A log with a writer and a rotator, and a follower that may crash.
struct Bench {
    dir: tempfile::TempDir,
    file: File,
    written: Vec<String>,
    seen: Vec<String>,
    /// What a crash goes back to.
    checkpoint: (Option<String>, usize),
    follower: Follower,
    notes: Vec<Note>,
    count: usize,
}

const NO_WAIT: Options = Options {
    from: From::Beginning,
    drain: Duration::ZERO,
};

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("mail.log");
        let file = append(&path);
        let mut follower = Follower::new(path, NO_WAIT, None);
        // The log is known before the first line.
        follower.poll(1, false, &mut |_| {}).expect("poll");
        let mut bench = Self {
            dir,
            file,
            written: Vec::new(),
            seen: Vec::new(),
            checkpoint: (None, 0),
            follower,
            notes: Vec::new(),
            count: 0,
        };
        bench.keep();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn line(&mut self) {
        self.count += 1;
        let line = format!("Nov 24 12:00:00 mx1 test[1]: line {}", self.count);
        writeln!(self.file, "{line}").expect("write");
        self.written.push(line);
    }

    /// Half of a line, then the other half after `between`.
    fn torn_line(&mut self, between: impl FnOnce(&mut Self)) {
        self.count += 1;
        let line = format!("Nov 24 12:00:00 mx1 test[1]: torn {}", self.count);
        self.written.push(line.clone());
        self.file.write_all(&line.as_bytes()[..20]).expect("write");
        between(self);
        self.file.write_all(&line.as_bytes()[20..]).expect("write");
        self.file.write_all(b"\n").expect("write");
    }

    fn poll(&mut self) {
        let seen = &mut self.seen;
        self.follower
            .poll(usize::MAX, false, &mut |block| {
                for line in block.bytes.split_inclusive(|b| *b == b'\n') {
                    let line = line.strip_suffix(b"\n").unwrap_or(line);
                    seen.push(String::from_utf8_lossy(line).into_owned());
                }
            })
            .expect("poll");
        self.notes.extend(self.follower.take_notes());
    }

    fn keep(&mut self) {
        let position = serde_json::to_string(&self.follower.position()).expect("serialise");
        self.checkpoint = (Some(position), self.seen.len());
    }

    fn crash(&mut self) {
        let (position, seen) = &self.checkpoint;
        self.seen.truncate(*seen);
        let position = position
            .as_ref()
            .map(|p| serde_json::from_str(p).expect("parse"));
        self.follower = Follower::new(self.path("mail.log"), NO_WAIT, position);
    }

    fn shift(&self) {
        for n in (1..40).rev() {
            for ending in ["", ".gz"] {
                let old = self.path(&format!("mail.log.{n}{ending}"));
                if old.exists() {
                    fs::rename(old, self.path(&format!("mail.log.{}{ending}", n + 1)))
                        .expect("rename");
                }
            }
        }
    }

    /// logrotate's default, with `create`.
    fn rotate(&mut self) {
        self.shift();
        fs::rename(self.path("mail.log"), self.path("mail.log.1")).expect("rename");
        self.file = append(&self.path("mail.log"));
    }

    /// logrotate's `copytruncate`.
    fn copytruncate(&mut self) {
        self.shift();
        fs::copy(self.path("mail.log"), self.path("mail.log.1")).expect("copy");
        self.file.set_len(0).expect("truncate");
    }

    /// logrotate's `compress`: modification time kept, as gzip does.
    fn compress(&mut self, n: u32) {
        let plain = self.path(&format!("mail.log.{n}"));
        let Ok(bytes) = fs::read(&plain) else { return };
        let mtime = fs::metadata(&plain)
            .and_then(|m| m.modified())
            .expect("time");
        let out = File::create(self.path(&format!("mail.log.{n}.gz"))).expect("create");
        let mut out = flate2::write::GzEncoder::new(out, flate2::Compression::fast());
        out.write_all(&bytes).expect("write");
        let out = out.finish().expect("write");
        out.set_modified(mtime).expect("time");
        fs::remove_file(plain).expect("remove");
    }

    fn check(&mut self) {
        for _ in 0..3 {
            self.poll();
        }
        assert_eq!(self.seen, self.written);
        assert_eq!(self.notes, []);
    }
}

fn append(path: &Path) -> File {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .expect("open log")
}

#[test]
fn renamed_and_created() {
    let mut b = Bench::new();
    b.line();
    b.poll();
    b.line();
    b.rotate();
    b.line();
    b.check();
}

#[test]
fn two_rotations_between_two_looks() {
    let mut b = Bench::new();
    b.line();
    b.poll();
    b.line();
    b.rotate();
    b.line();
    b.rotate();
    b.line();
    b.check();
}

#[test]
fn copied_and_cut_short() {
    let mut b = Bench::new();
    b.line();
    b.poll();
    b.line();
    b.copytruncate();
    b.line();
    b.check();
}

#[test]
fn cut_short_and_longer_again_at_the_next_look() {
    let mut b = Bench::new();
    b.line();
    b.poll();
    b.copytruncate();
    for _ in 0..5 {
        b.line();
    }
    b.check();
}

#[test]
fn copied_before_anything_was_read() {
    let mut b = Bench::new();
    b.line();
    b.copytruncate();
    b.line();
    b.copytruncate();
    b.check();
}

#[test]
fn compressed_while_not_running() {
    let mut b = Bench::new();
    b.line();
    b.poll();
    b.keep();
    b.line();
    b.rotate();
    b.line();
    b.rotate();
    b.compress(2);
    b.compress(1);
    b.line();
    b.crash();
    b.check();
}

#[test]
fn the_inode_is_used_again() {
    let mut b = Bench::new();
    b.line();
    b.poll();
    b.keep();
    b.line();
    b.rotate();
    b.compress(1);
    // On most file systems the new log now gets the number that the compressed one had.
    fs::remove_file(b.path("mail.log")).expect("remove");
    b.file = append(&b.path("mail.log"));
    b.line();
    b.crash();
    b.check();
}

#[test]
fn a_line_torn_by_a_rotation_is_one_line() {
    let mut b = Bench::new();
    b.torn_line(|b| b.poll());
    b.poll();
    // The writer still holds the old file.
    let mut old = b.file.try_clone().expect("clone");
    b.rotate();
    let new = b.file.try_clone().expect("clone");
    std::mem::swap(&mut b.file, &mut old);
    b.line();
    b.file = new;
    b.line();
    b.check();
}

#[test]
fn a_late_writer_is_waited_for() {
    let mut b = Bench::new();
    b.follower.options.drain = Duration::from_secs(3600);
    b.line();
    b.poll();
    let old = b.file.try_clone().expect("clone");
    b.rotate();
    b.line();
    b.poll();
    let new = std::mem::replace(&mut b.file, old);
    b.line();
    b.file = new;
    b.line();
    b.poll();
    b.written.sort();
    b.seen.sort();
    assert_eq!(b.seen, b.written);
}

#[test]
fn a_writer_later_than_that_is_found_at_the_next_change() {
    let mut b = Bench::new();
    b.line();
    b.poll();
    let mut old = b.file.try_clone().expect("clone");
    b.rotate();
    b.line();
    b.poll();
    b.poll();
    assert_eq!(b.follower.live.len(), 1, "the old generation is finished");
    writeln!(old, "late").expect("write");
    b.written.push("late".into());
    b.line();
    b.rotate();
    b.line();
    b.poll();
    b.poll();
    b.written.sort();
    b.seen.sort();
    assert_eq!(b.seen, b.written);
}

#[test]
fn cut_short_without_a_copy_is_told() {
    let mut b = Bench::new();
    b.line();
    b.poll();
    b.file.set_len(0).expect("truncate");
    b.line();
    b.poll();
    b.poll();
    assert_eq!(b.seen, b.written);
    assert_eq!(b.notes.len(), 1);
    assert!(b.notes[0].loss && b.notes[0].text.contains("cut short at byte"));
}

#[test]
fn a_generation_that_is_gone_is_told() {
    let mut b = Bench::new();
    b.line();
    b.poll();
    b.keep();
    b.rotate();
    b.line();
    fs::remove_file(b.path("mail.log.1")).expect("remove");
    b.crash();
    b.poll();
    assert_eq!(b.seen, b.written);
    assert_eq!(b.notes.len(), 1);
    assert!(b.notes[0].text.contains("is gone"), "{:?}", b.notes);
}

#[test]
fn older_generations_are_not_read_at_first() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("mail.log");
    fs::write(dir.path().join("mail.log.1"), "old\n").expect("write");
    fs::write(&path, "before\nhalf").expect("write");
    let mut seen = Vec::new();
    let mut follower = Follower::new(path.clone(), Options::default(), None);
    let mut poll = |follower: &mut Follower| {
        follower
            .poll(usize::MAX, false, &mut |b| {
                seen.push((
                    String::from_utf8_lossy(b.bytes).into_owned(),
                    b.offset,
                    b.line,
                ));
            })
            .expect("poll");
    };
    poll(&mut follower);
    writeln!(append(&path), " line").expect("write");
    poll(&mut follower);
    assert_eq!(seen, [("half line\n".into(), 7, 0)]);
}

#[test]
fn holes_and_lines_without_end() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("x.log");
    let mut bytes = vec![0; 3 << 20];
    bytes.extend_from_slice(b"after a hole\n");
    bytes.extend(std::iter::repeat_n(b'x', 3 << 20));
    bytes.extend_from_slice(b"\nnext\n");
    fs::write(&path, &bytes).expect("write");
    let mut follower = Follower::new(path, NO_WAIT, None);
    let mut seen = Vec::new();
    follower
        .poll(usize::MAX, false, &mut |b| {
            seen.push((String::from_utf8_lossy(b.bytes).into_owned(), b.line));
        })
        .expect("poll");
    assert_eq!(
        seen,
        [("after a hole\n".to_string(), 1), ("next\n".to_string(), 3)]
    );
    let notes = follower.take_notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].text.contains("longer than 1 MiB"));
}

#[test]
fn a_directory_that_is_not_there_is_an_error_and_comes_later() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("sub/x.log");
    let mut follower = Follower::new(path.clone(), NO_WAIT, None);
    assert!(follower.poll(1, false, &mut |_| {}).is_err());
    fs::create_dir(dir.path().join("sub")).expect("mkdir");
    let mut given = 0;
    follower.poll(1, false, &mut |_| given += 1).expect("poll");
    fs::write(&path, "a\n").expect("write");
    follower.poll(9, false, &mut |_| given += 1).expect("poll");
    assert_eq!(given, 1);
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Line,
    Lines,
    Torn,
    Poll,
    Rotate,
    CopyTruncate,
    Compress(u32),
    Keep,
    Crash,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn every_line_once_and_in_order(
        acts in prop::collection::vec(
            prop_oneof![
                4 => Just(Act::Line),
                1 => Just(Act::Lines),
                1 => Just(Act::Torn),
                4 => Just(Act::Poll),
                2 => Just(Act::Rotate),
                2 => Just(Act::CopyTruncate),
                1 => (1_u32..4).prop_map(Act::Compress),
                2 => Just(Act::Keep),
                1 => Just(Act::Crash),
            ],
            1..60,
        )
    ) {
        let mut b = Bench::new();
        for act in acts {
            match act {
                Act::Line => b.line(),
                Act::Lines => for _ in 0..60 { b.line() },
                Act::Torn => b.torn_line(Bench::poll),
                Act::Poll => b.poll(),
                Act::Rotate => b.rotate(),
                Act::CopyTruncate => b.copytruncate(),
                Act::Compress(n) => b.compress(n),
                Act::Keep => b.keep(),
                Act::Crash => b.crash(),
            }
        }
        for _ in 0..3 { b.poll() }
        // No more than the first difference: the lists are long.
        let differs = b.seen.iter().zip(&b.written).position(|(s, w)| s != w);
        prop_assert_eq!(differs.map(|at| (&b.seen[at], &b.written[at])), None);
        prop_assert_eq!(b.seen.len(), b.written.len());
        prop_assert_eq!(&b.notes, &[]);
    }
}
