//! A SQLite file, read from memory.
//!
//! Opening the file itself would touch it (a journal may be rolled back, a `-shm` file appears).
//! So the bytes are handed to SQLite as an in-memory database. Roundcube switches to write-ahead
//! logging (db/sqlite.php), and what the log holds is not in the file yet: its committed frames
//! are applied to the copy first, as SQLite's recovery would.

use super::{Place, RawRow};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use vauban_ocsf::{ArtefactId, Evidence};

/// Why a file could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum SqliteError {
    /// The file lacks SQLite's header.
    #[error("not a SQLite database")]
    NotSqlite,
    /// SQLite refused it.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

const MAGIC: &[u8] = b"SQLite format 3\0";

/// Gives every row of the tables that `wanted` names. Returns what could not be read.
pub(super) fn rows(
    file: &[u8],
    wal: Option<&[u8]>,
    artefact: ArtefactId,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(&RawRow<'_>),
) -> Result<Vec<String>, SqliteError> {
    if !file.starts_with(MAGIC) {
        return Err(SqliteError::NotSqlite);
    }
    let mut copy = file.to_vec();
    if let Some(wal) = wal {
        apply_wal(&mut copy, wal);
    }
    // Bytes 18 and 19 ask for a write-ahead log, which an in-memory database cannot have.
    if let Some(versions) = copy.get_mut(18..20) {
        versions.fill(1);
    }
    let size = copy.len();
    let mut connection = Connection::open_in_memory_with_flags(
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.deserialize_read_exact("main", copy.as_slice(), size, true)?;
    drop(copy);
    // The file is hostile: no views or triggers of its own, no functions with effects, and every
    // page is checked before it is believed.
    connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;")?;
    let tables: Vec<String> = {
        let mut statement = connection
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")?;
        let names = statement.query_map([], |row| row.get::<_, String>(0))?;
        names.filter_map(Result::ok).collect()
    };
    let mut problems = Vec::new();
    for table in tables.iter().filter(|table| wanted(table)) {
        if let Err(error) = table_rows(&connection, table, artefact, file.len(), each) {
            problems.push(format!("table {table}: {error}"));
        }
    }
    Ok(problems)
}

fn table_rows(
    connection: &Connection,
    table: &str,
    artefact: ArtefactId,
    size: usize,
    each: &mut dyn FnMut(&RawRow<'_>),
) -> Result<(), rusqlite::Error> {
    let quoted = table.replace('"', "\"\"");
    // A table WITHOUT ROWID (not Roundcube's, but a copy's) has none to name.
    let mut statement = connection
        .prepare(&format!("SELECT rowid, * FROM \"{quoted}\""))
        .or_else(|_| connection.prepare(&format!("SELECT NULL, * FROM \"{quoted}\"")))?;
    let columns: Vec<String> = statement
        .column_names()
        .skip(1)
        .map(|name| name.to_ascii_lowercase())
        .collect();
    let count = columns.len();
    let mut rows = statement.query([])?;
    let mut number = 0u64;
    while let Some(row) = rows.next()? {
        number += 1;
        let mut values = Vec::with_capacity(count);
        for column in 0..count {
            values.push(match row.get_ref(column + 1)? {
                ValueRef::Null => None,
                ValueRef::Integer(number) => Some(number.to_string()),
                ValueRef::Real(number) => Some(number.to_string()),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                    Some(String::from_utf8_lossy(bytes).into_owned())
                }
            });
        }
        let row_name = match row.get_ref(0)? {
            ValueRef::Integer(id) => format!("{table} rowid {id}"),
            _ => format!("{table} row {number}"),
        };
        each(&RawRow {
            table,
            columns: &columns,
            values: &values,
            place: Place {
                evidence: Evidence {
                    artefact,
                    offset: 0,
                    length: u32::try_from(size).unwrap_or(u32::MAX),
                },
                row: row_name,
            },
        });
    }
    Ok(())
}

/// Applies the committed frames of a write-ahead log (<https://sqlite.org/fileformat2.html#walformat>).
/// Frames of an earlier use of the log have other salts, torn ones wrong checksums: both end it.
fn apply_wal(file: &mut Vec<u8>, wal: &[u8]) -> Option<()> {
    let word = |at: usize| -> Option<u32> {
        Some(u32::from_be_bytes(wal.get(at..at + 4)?.try_into().ok()?))
    };
    let magic = word(0)?;
    let big_endian = match magic {
        0x377f_0682 => false,
        0x377f_0683 => true,
        _ => return None,
    };
    let page = word(8)? as usize;
    if !page.is_power_of_two() || !(512..=65_536).contains(&page) {
        return None;
    }
    let salts = (word(16)?, word(20)?);
    let mut sums = checksum(wal.get(..24)?, (0, 0), big_endian);
    if sums != (word(24)?, word(28)?) {
        return None;
    }
    let mut pending: Vec<(usize, &[u8])> = Vec::new();
    let mut at = 32;
    while let Some(frame) = wal.get(at..at + 24 + page) {
        let (number, commit) = (word(at)? as usize, word(at + 4)? as usize);
        if (word(at + 8)?, word(at + 12)?) != salts || number == 0 {
            break;
        }
        sums = checksum(frame.get(..8)?, sums, big_endian);
        sums = checksum(frame.get(24..)?, sums, big_endian);
        if sums != (word(at + 16)?, word(at + 20)?) {
            break;
        }
        pending.push((number, frame.get(24..)?));
        if commit != 0 {
            // The size after the commit bounds every page number; a hostile log cannot make the
            // copy larger than both inputs together.
            let size = commit.checked_mul(page)?;
            if size > file.len() + wal.len() {
                break;
            }
            file.resize(size, 0);
            for (number, data) in pending.drain(..) {
                let start = (number - 1).checked_mul(page)?;
                if let Some(slot) = start
                    .checked_add(page)
                    .and_then(|end| file.get_mut(start..end))
                {
                    slot.copy_from_slice(data);
                }
            }
        }
        at += 24 + page;
    }
    Some(())
}

/// The format's cumulative checksum, over pairs of 32-bit words.
fn checksum(bytes: &[u8], (mut a, mut b): (u32, u32), big_endian: bool) -> (u32, u32) {
    for pair in bytes.as_chunks::<8>().0 {
        let [w0, w1, w2, w3, w4, w5, w6, w7] = *pair;
        let (x, y) = ([w0, w1, w2, w3], [w4, w5, w6, w7]);
        let (x, y) = if big_endian {
            (u32::from_be_bytes(x), u32::from_be_bytes(y))
        } else {
            (u32::from_le_bytes(x), u32::from_le_bytes(y))
        };
        a = a.wrapping_add(x).wrapping_add(b);
        b = b.wrapping_add(y).wrapping_add(a);
    }
    (a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_write_ahead_log_holds_is_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("x.sqlite");
        let connection = Connection::open(&path).expect("a database");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
                 CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('checkpointed');
                 PRAGMA wal_checkpoint(TRUNCATE);
                 INSERT INTO t VALUES ('in the log'); BEGIN; INSERT INTO t VALUES ('not committed');",
            )
            .expect("rows");
        let file = std::fs::read(&path).expect("the file");
        let wal = std::fs::read(dir.path().join("x.sqlite-wal")).expect("the log");
        let read = |wal: Option<&[u8]>| {
            let mut texts = Vec::new();
            rows(&file, wal, ArtefactId(0), &|_| true, &mut |row| {
                texts.extend(row.get("a").map(str::to_owned));
            })
            .expect("readable");
            texts
        };
        assert_eq!(read(None), ["checkpointed"]);
        assert_eq!(read(Some(&wal)), ["checkpointed", "in the log"]);
        // A log that was cut or damaged gives what was whole.
        assert_eq!(read(wal.get(..wal.len() / 2)), ["checkpointed"]);
        let mut damaged = wal.clone();
        damaged[100] ^= 1;
        assert_eq!(read(Some(&damaged)), ["checkpointed"]);
        assert_eq!(read(Some(b"x")), ["checkpointed"]);
    }

    #[test]
    fn damaged_files() {
        assert!(matches!(
            rows(b"x", None, ArtefactId(0), &|_| true, &mut |_| {}),
            Err(SqliteError::NotSqlite)
        ));
        let mut short = MAGIC.to_vec();
        short.resize(300, 0xff);
        assert!(rows(&short, None, ArtefactId(0), &|_| true, &mut |_| {}).is_err());
    }
}
