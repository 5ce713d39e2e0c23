//! Databases of a webmail, read as evidence.
//!
//! - [`roundcube`]: the tables of Roundcube as typed rows, from any of
//! - `sqlite`: a SQLite file, with its write-ahead log, opened in memory;
//! - `sql`: the text of `mysqldump`, `pg_dump` and `sqlite3 .dump`;
//! - `php`: PHP's serialised session variables.
//!
//! To read another application's tables, write one more consumer of `RawRow`.

mod php;
pub mod roundcube;
mod sql;
mod sqlite;

pub use php::session_variables;
pub use sqlite::SqliteError;

use vauban_ocsf::Evidence;

/// Which database wrote the rows; it decides what a time without offset means.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, file or `.dump`: `datetime('now')` is UTC.
    Sqlite,
    /// MySQL or MariaDB: `now()` is the server's zone, and `datetime` columns are dumped as
    /// stored.
    MySql,
    /// PostgreSQL: `timestamp with time zone`, dumped with its offset.
    Postgres,
}

/// Where a row stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The row's bytes in a dump; all of a SQLite file, which cannot be pointed into.
    pub evidence: Evidence,
    /// For people: "users rowid 3", "session row 12".
    pub row: String,
}

/// A row before anything is known of its meaning.
pub(crate) struct RawRow<'r> {
    pub table: &'r str,
    pub columns: &'r [String],
    pub values: &'r [Option<String>],
    pub place: Place,
}

impl RawRow<'_> {
    /// A column's text, `None` if it is not there or NULL.
    pub fn get(&self, column: &str) -> Option<&str> {
        let at = self.columns.iter().position(|name| name == column)?;
        self.values.get(at)?.as_deref()
    }
}
