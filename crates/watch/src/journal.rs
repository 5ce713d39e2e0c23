//! systemd's journal, through `journalctl --output=json --follow`: its own program knows every
//! version of the files, and reads them with the rights it is given.
//!
//! Every entry carries a cursor; the one of the last entry given is the position. Entries wait in
//! the journal and in the pipe while nobody reads.

use crate::config::JournalSource;
use crate::detector::Block;
use crate::follow::{From, Note};
use crate::source::{At, Give, Source};
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

/// Entries that may wait between the pipe and the loop.
const WAITING: usize = 1024;
/// Longest entry, in bytes.
const ENTRY: u64 = 1 << 20;
/// Shortest and longest time before journalctl is started again.
const RESTART: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

/// The journal followed.
pub struct Journal {
    name: String,
    config: JournalSource,
    cursor: Option<String>,
    running: Option<Running>,
    next: Instant,
    delay: Duration,
    notes: Vec<Note>,
    quiet: bool,
}

struct Running {
    child: Child,
    entries: Receiver<io::Result<Vec<u8>>>,
    /// What it said on standard error, at the end.
    errors: Receiver<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Journal {
    /// The name of the source.
    pub fn name_of(name: &str) -> String {
        format!("journal:{name}")
    }

    /// From a kept position on.
    pub fn new(config: &JournalSource, kept: Option<&str>) -> Self {
        Self {
            name: Self::name_of(&config.name),
            config: config.clone(),
            cursor: kept.filter(|c| !c.is_empty()).map(str::to_owned),
            running: None,
            next: Instant::now(),
            delay: RESTART.0,
            notes: Vec::new(),
            quiet: false,
        }
    }
}

fn start(config: &JournalSource, cursor: Option<&str>) -> io::Result<Running> {
    let mut command = Command::new(&config.program);
    command.args(["--output=json", "--follow", "--all", "--quiet"]);
    match (cursor, config.from) {
        (Some(cursor), _) => {
            command
                .arg("--no-tail")
                .arg(format!("--after-cursor={cursor}"));
        }
        (None, From::Beginning) => {
            command.arg("--no-tail");
        }
        (None, From::End) => {
            command.arg("--lines=0");
        }
    }
    let mut child = command
        .args(&config.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (send, entries) = sync_channel(WAITING);
    if let Some(pipe) = child.stdout.take() {
        std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || {
                let mut reader = BufReader::with_capacity(64 << 10, pipe);
                while let Some(entry) = entry(&mut reader) {
                    if send.send(entry).is_err() {
                        return;
                    }
                }
            })?;
    }
    let (tell, errors) = sync_channel(1);
    if let Some(pipe) = child.stderr.take() {
        std::thread::Builder::new()
            .name("journal-errors".into())
            .spawn(move || {
                let mut text = Vec::new();
                let mut pipe = pipe;
                // Reading on keeps it from blocking; only the beginning is of use.
                let _ = (&mut pipe).take(4096).read_to_end(&mut text);
                let _ = tell.try_send(String::from_utf8_lossy(&text).trim().to_owned());
                let _ = io::copy(&mut pipe, &mut io::sink());
            })?;
    }
    Ok(Running {
        child,
        entries,
        errors,
    })
}

/// The next entry with its line end; `None` at the end. One that is too long is an error.
fn entry(reader: &mut impl BufRead) -> Option<io::Result<Vec<u8>>> {
    let mut line = Vec::new();
    match (&mut *reader).take(ENTRY).read_until(b'\n', &mut line) {
        Ok(0) => None,
        Ok(_) if line.last() == Some(&b'\n') => Some(Ok(line)),
        Ok(n) if (n as u64) < ENTRY => {
            // journalctl was killed in the middle: the entry comes again.
            None
        }
        Ok(_) => {
            let mut byte = [0];
            while reader.read_exact(&mut byte).is_ok() && byte != *b"\n" {}
            Some(Err(io::Error::other("entry longer than 1 MiB passed over")))
        }
        Err(e) => Some(Err(e)),
    }
}

/// The entry's cursor.
fn cursor(entry: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"\"__CURSOR\"";
    let mut at = memchr::memmem::find(entry, KEY)? + KEY.len();
    let rest = entry.get(at..)?;
    let skipped = rest
        .iter()
        .take_while(|b| b.is_ascii_whitespace() || **b == b':')
        .count();
    at += skipped;
    let rest = entry.get(at..)?.strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', rest)?;
    let text = std::str::from_utf8(rest.get(..end)?).ok()?;
    // A message can hold the key too, but then with its quotes escaped.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '=' | ';' | '-');
    (!text.is_empty() && text.chars().all(plain)).then(|| text.to_owned())
}

impl Source for Journal {
    fn name(&self) -> &str {
        &self.name
    }

    fn poll(&mut self, budget: usize, _: bool, give: &mut Give<'_>) -> io::Result<usize> {
        let running = match &mut self.running {
            Some(running) => running,
            none => {
                if Instant::now() < self.next {
                    return Ok(0);
                }
                self.next = Instant::now() + self.delay;
                self.delay = (self.delay * 2).min(RESTART.1);
                let started = start(&self.config, self.cursor.as_deref())?;
                none.insert(started)
            }
        };
        let mut given = 0;
        self.quiet = false;
        while given < budget {
            match running.entries.try_recv() {
                Ok(Ok(entry)) => {
                    self.delay = RESTART.0;
                    let Some(cursor) = cursor(&entry) else {
                        self.notes.push(Note {
                            text: format!("{}: an entry without cursor was passed over", self.name),
                            loss: true,
                        });
                        continue;
                    };
                    let artefact = format!("journal:{cursor}");
                    let at = At {
                        artefact: &artefact,
                        log: &self.name,
                    };
                    give(
                        at,
                        Block {
                            bytes: &entry,
                            offset: 0,
                            line: 0,
                        },
                    );
                    given += entry.len();
                    self.cursor = Some(cursor);
                }
                Ok(Err(e)) => self.notes.push(Note {
                    text: format!("{}: {e}", self.name),
                    loss: true,
                }),
                Err(TryRecvError::Empty) => {
                    self.quiet = true;
                    break;
                }
                Err(TryRecvError::Disconnected) => {
                    let wait = Duration::from_millis(500);
                    let said = running.errors.recv_timeout(wait).unwrap_or_default();
                    self.running = None;
                    let program = self.config.program.display();
                    return Err(io::Error::other(if said.is_empty() {
                        format!("{program} ended and is started again")
                    } else {
                        format!("{program} ended and is started again: {said}")
                    }));
                }
            }
        }
        Ok(given)
    }

    fn position(&self) -> String {
        self.cursor.clone().unwrap_or_default()
    }

    fn behind(&self) -> u64 {
        0
    }

    fn at_rest(&self) -> bool {
        self.quiet
    }

    fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn cursors() {
        let ok = br#"{"MESSAGE":"x","__CURSOR" : "s=0a;i=1f;b=2;m=3;t=4;x=5"}"#;
        assert_eq!(cursor(ok).as_deref(), Some("s=0a;i=1f;b=2;m=3;t=4;x=5"));
        for bad in [
            &b"{}"[..],
            br#"{"__CURSOR":"a b"}"#,
            br#"{"__CURSOR":""}"#,
            br#"{"__CURSOR":1}"#,
        ] {
            assert_eq!(cursor(bad), None);
        }
    }

    /// Stands in for journalctl: ten entries, or those after the cursor; ends after five.
    const FAKE: &str = r#"#!/bin/sh
from=1
for a in "$@"; do case "$a" in --after-cursor=s=*) from=$(( ${a#--after-cursor=s=} + 1 ));; esac; done
n=0
i=$from
while [ $i -le 10 ] && [ $n -lt 5 ]; do
  echo "{\"__CURSOR\":\"s=$i\",\"MESSAGE\":\"entry $i\"}"
  i=$((i+1)); n=$((n+1))
done
[ $i -gt 10 ] && sleep 60
echo "went away" >&2
"#;

    #[test]
    fn entries_are_given_once_though_the_program_ends() {
        let dir = tempfile::tempdir().expect("directory");
        let program = dir.path().join("fake");
        std::fs::write(&program, FAKE).expect("write");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("mode");
        let config = JournalSource {
            name: "j".into(),
            arguments: Vec::new(),
            program,
            from: From::Beginning,
        };
        let mut journal = Journal::new(&config, None);
        let mut seen = Vec::new();
        let mut errors = Vec::new();
        let until = Instant::now() + Duration::from_secs(20);
        while seen.len() < 10 && Instant::now() < until {
            let polled = journal.poll(40, false, &mut |at, block| {
                seen.push((at.artefact.to_owned(), block.bytes.len()));
            });
            errors.extend(polled.err().map(|e| e.to_string()));
            // A restart of ours in between: only the position stays.
            if seen.len() == 3 {
                journal = Journal::new(&config, Some(&journal.position()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let names: Vec<_> = seen.iter().map(|s| s.0.as_str()).collect();
        let expected: Vec<_> = (1..=10).map(|i| format!("journal:s={i}")).collect();
        assert_eq!(names, expected);
        assert!(errors.iter().any(|e| e.contains("went away")), "{errors:?}");
    }
}
