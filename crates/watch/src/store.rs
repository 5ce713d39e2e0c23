//! What survives a crash: positions, the detector's state, findings not yet delivered.
//!
//! One SQLite database with write-ahead log and `synchronous=FULL`: a checkpoint is one
//! transaction, on disk when it returns. Positions in the logs, the state that the lines before
//! them left in the detector, and the findings they gave are therefore always of the same moment;
//! nothing is delivered before the transaction that holds it is on disk.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Version of the tables.
const VERSION: i64 = 1;
/// Identifiers of findings that are remembered, so that none is told twice.
const REMEMBERED: i64 = 1_000_000;

/// Why state could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory or a file in it.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Another process uses the directory.
    #[error("{0}: in use by another process")]
    Busy(PathBuf),
    /// The database.
    #[error("{path}: {source}")]
    Database {
        /// Which.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// Written by a later version of this program.
    #[error("{0}: written by a later version of this program")]
    Later(PathBuf),
}

/// A finding as it is delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// [`vauban_ocsf::Finding::uid`].
    pub uid: String,
    /// OCSF severity, 1 to 5.
    pub severity: u8,
    /// One line in words.
    pub title: String,
    /// The OCSF Detection Finding, one line of JSON without line end.
    pub body: String,
}

/// A finding waiting for a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number, rising in the order of finding.
    pub seq: i64,
    /// What to deliver.
    pub finding: Outgoing,
}

/// What a checkpoint writes.
#[derive(Debug, Default)]
pub struct Checkpoint<'a> {
    /// Sources whose position changed, by name.
    pub sources: Vec<(&'a str, String)>,
    /// The detector's state, if it changed.
    pub detector: Option<&'a [u8]>,
    /// State of the lake, if it changed.
    pub lake: Option<String>,
    /// What was found since the last checkpoint, in order.
    pub findings: &'a [Outgoing],
}

/// What is known about a sink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SinkState {
    /// Everything up to this number is delivered.
    pub seq: i64,
    /// What the sink itself keeps.
    pub own: String,
}

/// The state directory.
pub struct Store {
    path: PathBuf,
    connection: Connection,
    /// Held for as long as the store is open.
    _lock: File,
}

impl Store {
    /// Opens, or makes, the state in `dir`.
    ///
    /// # Errors
    /// If the directory cannot be made, written to or locked, or holds another version's state.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let io = |path: &Path| {
            let path = path.to_path_buf();
            move |source| StoreError::Io { path, source }
        };
        std::fs::create_dir_all(dir).map_err(io(dir))?;
        let lock_path = dir.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(io(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(StoreError::Busy(dir.to_path_buf()));
            }
            Err(std::fs::TryLockError::Error(e)) => return Err(io(&lock_path)(e)),
        }
        let path = dir.join("state.db");
        let fail = |source| StoreError::Database {
            path: path.clone(),
            source,
        };
        let connection = Connection::open(&path).map_err(fail)?;
        connection
            .execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
            .map_err(fail)?;
        let version: i64 = connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(fail)?;
        if version > VERSION {
            return Err(StoreError::Later(path));
        }
        connection
            .execute_batch(
                "BEGIN;
                 CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value BLOB NOT NULL);
                 CREATE TABLE IF NOT EXISTS source (name TEXT PRIMARY KEY, position TEXT NOT NULL);
                 CREATE TABLE IF NOT EXISTS seen (
                     seq INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE);
                 CREATE TABLE IF NOT EXISTS finding (
                     seq INTEGER PRIMARY KEY, uid TEXT NOT NULL, severity INTEGER NOT NULL,
                     title TEXT NOT NULL, body TEXT NOT NULL);
                 CREATE TABLE IF NOT EXISTS sink (
                     name TEXT PRIMARY KEY, seq INTEGER NOT NULL, own TEXT NOT NULL);
                 PRAGMA user_version = 1;
                 COMMIT;",
            )
            .map_err(fail)?;
        Ok(Self {
            path,
            connection,
            _lock: lock,
        })
    }

    fn fail(&self) -> impl FnOnce(rusqlite::Error) -> StoreError + use<> {
        let path = self.path.clone();
        move |source| StoreError::Database { path, source }
    }

    /// Kept position of a source.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn position(&self, source: &str) -> Result<Option<String>, StoreError> {
        self.connection
            .query_row(
                "SELECT position FROM source WHERE name = ?1",
                [source],
                |row| row.get(0),
            )
            .optional()
            .map_err(self.fail())
    }

    /// Something kept by name: "detector", "lake".
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn kept(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.connection
            .query_row("SELECT value FROM kept WHERE name = ?1", [name], |row| {
                row.get(0)
            })
            .optional()
            .map_err(self.fail())
    }

    /// Writes a checkpoint; it is on disk when this returns. How many of its findings are new: one
    /// whose identifier was there before is not delivered again.
    ///
    /// # Errors
    /// If it could not be written: then nothing of it was.
    pub fn checkpoint(&mut self, checkpoint: &Checkpoint<'_>) -> Result<u64, StoreError> {
        let fail = self.fail();
        self.write(checkpoint).map_err(fail)
    }

    fn write(&mut self, checkpoint: &Checkpoint<'_>) -> rusqlite::Result<u64> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (name, position) in &checkpoint.sources {
            transaction
                .prepare_cached(
                    "INSERT INTO source VALUES (?1, ?2)
                     ON CONFLICT (name) DO UPDATE SET position = excluded.position",
                )?
                .execute(params![name, position])?;
        }
        let keep = |name: &str, value: &[u8]| {
            transaction
                .prepare_cached(
                    "INSERT INTO kept VALUES (?1, ?2)
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                )?
                .execute(params![name, value])
        };
        if let Some(state) = checkpoint.detector {
            keep("detector", state)?;
        }
        if let Some(state) = &checkpoint.lake {
            keep("lake", state.as_bytes())?;
        }
        let mut new = 0;
        for finding in checkpoint.findings {
            let inserted = transaction
                .prepare_cached("INSERT OR IGNORE INTO seen (uid) VALUES (?1)")?
                .execute([&finding.uid])?;
            if inserted == 0 {
                continue;
            }
            new += 1;
            let seq = transaction.last_insert_rowid();
            transaction
                .prepare_cached("INSERT INTO finding VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![
                    seq,
                    finding.uid,
                    finding.severity,
                    finding.title,
                    finding.body
                ])?;
            if seq % 1000 == 0 {
                transaction.execute("DELETE FROM seen WHERE seq < ?1", [seq - REMEMBERED])?;
            }
        }
        transaction.commit()?;
        Ok(new)
    }

    /// Makes the sinks known: a new one begins with what is found from now on, one that is not
    /// among `names` any more is forgotten.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn sinks(&mut self, names: &[&str]) -> Result<(), StoreError> {
        let fail = self.fail();
        let work = || -> rusqlite::Result<()> {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let known: Vec<String> = transaction
                .prepare("SELECT name FROM sink")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            for name in known.iter().filter(|n| !names.contains(&n.as_str())) {
                transaction.execute("DELETE FROM sink WHERE name = ?1", [name])?;
            }
            for name in names {
                transaction.execute(
                    "INSERT OR IGNORE INTO sink
                     SELECT ?1, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'seen'), 0), ''",
                    [name],
                )?;
            }
            transaction.commit()
        };
        let mut work = work;
        work().map_err(fail)
    }

    /// What is known about a sink.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn sink(&self, name: &str) -> Result<SinkState, StoreError> {
        self.connection
            .prepare_cached("SELECT seq, own FROM sink WHERE name = ?1")
            .and_then(|mut s| {
                s.query_row([name], |row| {
                    Ok(SinkState {
                        seq: row.get(0)?,
                        own: row.get(1)?,
                    })
                })
                .optional()
            })
            .map(Option::unwrap_or_default)
            .map_err(self.fail())
    }

    /// Findings that a sink has not had, oldest first, `limit` at most.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn pending(&self, after: i64, limit: u32) -> Result<Vec<Pending>, StoreError> {
        let read = || -> rusqlite::Result<Vec<Pending>> {
            self.connection
                .prepare_cached(
                    "SELECT seq, uid, severity, title, body FROM finding
                     WHERE seq > ?1 ORDER BY seq LIMIT ?2",
                )?
                .query_map(params![after, limit], |row| {
                    Ok(Pending {
                        seq: row.get(0)?,
                        finding: Outgoing {
                            uid: row.get(1)?,
                            severity: row.get(2)?,
                            title: row.get(3)?,
                            body: row.get(4)?,
                        },
                    })
                })?
                .collect()
        };
        read().map_err(self.fail())
    }

    /// A sink has delivered everything up to `state.seq`, or wants to keep something. What every
    /// sink has delivered is let go of.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn delivered(&mut self, name: &str, state: &SinkState) -> Result<(), StoreError> {
        let fail = self.fail();
        let mut work = || -> rusqlite::Result<()> {
            let transaction = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction
                .prepare_cached("UPDATE sink SET seq = ?2, own = ?3 WHERE name = ?1")?
                .execute(params![name, state.seq, state.own])?;
            transaction
                .prepare_cached("DELETE FROM finding WHERE seq <= (SELECT min(seq) FROM sink)")?
                .execute([])?;
            transaction.commit()
        };
        work().map_err(fail)
    }

    /// How many findings the slowest sink still has to deliver.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn waiting(&self) -> Result<u64, StoreError> {
        self.connection
            .prepare_cached("SELECT count(*) FROM finding WHERE seq > (SELECT min(seq) FROM sink)")
            .and_then(|mut s| s.query_row([], |row| row.get::<_, i64>(0)))
            .map(|n| n.max(0) as u64)
            .map_err(self.fail())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(uid: &str) -> Outgoing {
        Outgoing {
            uid: uid.into(),
            severity: 3,
            title: "t".into(),
            body: "{}".into(),
        }
    }

    #[test]
    fn a_finding_is_kept_once_and_goes_when_all_have_it() {
        let dir = tempfile::tempdir().expect("directory");
        let mut store = Store::open(dir.path()).expect("open");
        store.sinks(&["a", "b"]).expect("sinks");
        let findings = [finding("1"), finding("2"), finding("1")];
        let checkpoint = Checkpoint {
            findings: &findings,
            sources: vec![("log", "here".into())],
            ..Checkpoint::default()
        };
        assert_eq!(store.checkpoint(&checkpoint).expect("write"), 2);
        assert_eq!(store.checkpoint(&checkpoint).expect("write"), 0);
        drop(store);
        let mut store = Store::open(dir.path()).expect("open");
        assert_eq!(
            store.position("log").expect("read").as_deref(),
            Some("here")
        );
        let uids = |store: &Store, sink: &str| -> Vec<String> {
            let after = store.sink(sink).expect("read").seq;
            let pending = store.pending(after, 9).expect("read");
            pending.into_iter().map(|p| p.finding.uid).collect()
        };
        assert_eq!(uids(&store, "a"), ["1", "2"]);
        let last = store.pending(0, 9).expect("read").last().expect("two").seq;
        let done = SinkState {
            seq: last,
            own: "x".into(),
        };
        store.delivered("a", &done).expect("write");
        assert!(uids(&store, "a").is_empty());
        assert_eq!(store.sink("a").expect("read"), done);
        assert_eq!(uids(&store, "b"), ["1", "2"]);
        assert_eq!(store.waiting().expect("read"), 2);
        // A sink that is configured no more holds nothing back; a new one starts now.
        store.sinks(&["a", "c"]).expect("sinks");
        store.delivered("a", &done).expect("write");
        assert_eq!(store.waiting().expect("read"), 0);
        assert!(uids(&store, "c").is_empty());
    }

    #[test]
    fn one_process_at_a_time() {
        let dir = tempfile::tempdir().expect("directory");
        let _store = Store::open(dir.path()).expect("open");
        assert!(matches!(Store::open(dir.path()), Err(StoreError::Busy(_))));
    }
}
