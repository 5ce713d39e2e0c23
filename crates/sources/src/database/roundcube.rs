//! Roundcube's tables (`SQL/*.initial.sql`, 0.8 to 1.7) as typed rows.
//!
//! **Times.** Roundcube lets the database say what time it is: SQLite's `datetime('now')` is UTC
//! (db/sqlite.php), MySQL's `now()` is the zone of the database server, PostgreSQL dumps the
//! offset. Only `users.failed_login` is PHP's `date.timezone` (rcube_user.php:535), and
//! `login_time` inside a session is epoch seconds. The zone given by the caller is taken for those
//! that have none; the text stays beside every instant.
//!
//! **Secrets.** The encrypted IMAP password, the request token and the cookie's secret in a
//! session are never taken out of it, only the names of the variables.

use super::php::session_variables;
use super::{Dialect, Place, RawRow, SqliteError, sql, sqlite};
use crate::stamp::{self, Clock};
use crate::web::ip;
use base64::Engine;
use std::collections::BTreeMap;
use std::net::IpAddr;
use vauban_evidence::TimeBase;
use vauban_ocsf::{ArtefactId, Evidence, Timestamp};

/// What a Roundcube database says.
#[derive(Clone, Debug)]
pub struct RoundcubeDatabase {
    /// What wrote it.
    pub dialect: Dialect,
    /// `system.roundcube-version`: the schema's date ("2022081200"), not the program's version.
    pub schema_version: Option<String>,
    /// `users`.
    pub users: Vec<User>,
    /// `session`.
    pub sessions: Vec<Session>,
    /// `identities`, deleted ones included.
    pub identities: Vec<Identity>,
    /// `collected_addresses`: recipients and trusted senders that Roundcube noted by itself.
    pub collected_addresses: Vec<CollectedAddress>,
    /// `searches`: saved searches of the address book.
    pub searches: Vec<SavedSearch>,
    /// `cache_messages`, `cache_index`, `cache_thread`: what was listed or opened, where caching
    /// is on (`messages_cache`).
    pub cached: Vec<Cached>,
    /// `contacts` that are not deleted, by `user_id`.
    pub contacts: BTreeMap<u64, u64>,
    /// `filestore`, `uploads`: files kept in the database.
    pub files: Vec<StoredFile>,
    /// Statements of a dump that could not be read.
    pub unread: Vec<Evidence>,
    /// Tables of a file that could not be read to their end, and why.
    pub problems: Vec<String>,
}

/// A time as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbTime {
    /// As stored.
    pub text: String,
    /// The instant; `None` for what is no time (`0000-00-00 00:00:00`, `1000-01-01 …`).
    pub instant: Option<Timestamp>,
}

/// A row of `users`.
#[derive(Clone, Debug)]
pub struct User {
    /// `user_id`.
    pub id: u64,
    /// `username`: the IMAP log-in.
    pub username: String,
    /// `mail_host`.
    pub mail_host: String,
    /// `created`: first log-in to this Roundcube.
    pub created: Option<DbTime>,
    /// `last_login`.
    pub last_login: Option<DbTime>,
    /// `failed_login`: start of the minute in which log-ins last failed.
    pub failed_login: Option<DbTime>,
    /// `failed_login_counter`: failures in that minute.
    pub failed_login_counter: Option<u64>,
    /// `language`.
    pub language: String,
    /// `preferences` as stored: PHP's `serialize()`.
    pub preferences: String,
    /// Where.
    pub place: Place,
}

/// A row of `session`.
#[derive(Clone, Debug)]
pub struct Session {
    /// `sess_id`. Its first characters stand in Roundcube's logs (`log_session_id`).
    pub id: String,
    /// `changed`: last use. Since schema 2025092300 `expires_at`; see [`Self::expires_at`].
    pub changed: Option<DbTime>,
    /// `expires_at`: last use plus `session_lifetime`.
    pub expires_at: Option<DbTime>,
    /// `ip`: the client's address when the session began.
    pub ip: Option<IpAddr>,
    /// `username` of a session that is logged in, or `""`.
    pub username: String,
    /// `user_id`.
    pub user_id: Option<u64>,
    /// `storage_host`.
    pub storage_host: String,
    /// `login_time` (1.2 and later; rcmail.php:871).
    pub login_time: Option<Timestamp>,
    /// `timezone`: the browser's.
    pub timezone: String,
    /// `task`: the part of Roundcube last used.
    pub task: String,
    /// `mbox`: the folder last opened.
    pub mailbox: String,
    /// `last_text_search`: what was last searched for (mail/search.php).
    pub last_search: String,
    /// Names of all variables, for what the fields above leave out.
    pub variables: Vec<String>,
    /// Where.
    pub place: Place,
}

/// A row of `identities`.
#[derive(Clone, Debug)]
pub struct Identity {
    /// `identity_id`.
    pub id: u64,
    /// `user_id`.
    pub user_id: u64,
    /// `changed`.
    pub changed: Option<DbTime>,
    /// `del`.
    pub deleted: bool,
    /// `standard`: the one used by default.
    pub standard: bool,
    /// `name`.
    pub name: String,
    /// `email`.
    pub email: String,
    /// `reply-to`: answers go there.
    pub reply_to: String,
    /// `bcc`: a copy of everything sent goes there.
    pub bcc: String,
    /// `organization`.
    pub organization: String,
    /// Where.
    pub place: Place,
}

/// A row of `collected_addresses`.
#[derive(Clone, Debug)]
pub struct CollectedAddress {
    /// `user_id`.
    pub user_id: u64,
    /// `changed`: when the address was last collected.
    pub changed: Option<DbTime>,
    /// `email`.
    pub email: String,
    /// `name`.
    pub name: String,
    /// `type`: 1 a recipient of a sent message, 2 a trusted sender (rcube_addressbook.php).
    pub kind: u64,
    /// Where.
    pub place: Place,
}

/// A row of `searches`.
#[derive(Clone, Debug)]
pub struct SavedSearch {
    /// `user_id`.
    pub user_id: u64,
    /// `name`.
    pub name: String,
    /// `data` as stored.
    pub data: String,
    /// Where.
    pub place: Place,
}

/// Which cache a [`Cached`] row is of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Cache {
    /// A message's headers and structure: it was listed or opened.
    Message,
    /// A folder's index: it was listed.
    Index,
    /// A folder's threads: it was listed by threads.
    Thread,
}

/// A row of a message cache.
#[derive(Clone, Debug)]
pub struct Cached {
    /// Which.
    pub cache: Cache,
    /// `user_id`.
    pub user_id: u64,
    /// `mailbox`, in modified UTF-7.
    pub mailbox: String,
    /// `uid` of a message.
    pub uid: Option<u64>,
    /// `expires`: when it was last put there, plus `messages_cache_ttl` (10 days by default).
    pub expires: Option<DbTime>,
    /// Where.
    pub place: Place,
}

/// A row of `filestore` or `uploads`.
#[derive(Clone, Debug)]
pub struct StoredFile {
    /// `user_id`; `uploads` belong to a session instead.
    pub user_id: Option<u64>,
    /// `context` ("enigma"), or the session.
    pub context: String,
    /// `filename`.
    pub filename: String,
    /// `mtime` or `created`.
    pub modified: Option<Timestamp>,
    /// Where.
    pub place: Place,
}

/// Roundcube's tables; a prefix (`db_prefix`) may stand in front.
const TABLES: &[&str] = &[
    "collected_addresses",
    "cache_messages",
    "cache_index",
    "cache_thread",
    "identities",
    "filestore",
    "searches",
    "contacts",
    "session",
    "uploads",
    "system",
    "users",
];

fn base_name(table: &str) -> Option<&'static str> {
    TABLES
        .iter()
        .copied()
        .find(|known| table.to_ascii_lowercase().ends_with(known))
}

/// Reads a SQLite file and, if there is one beside it, its write-ahead log (`-wal`). `zone` is
/// PHP's, for the one column that needs it.
///
/// # Errors
/// If the bytes are no SQLite database. Damaged tables are named in
/// [`RoundcubeDatabase::problems`] instead.
pub fn from_sqlite(
    file: &[u8],
    wal: Option<&[u8]>,
    artefact: ArtefactId,
    zone: &TimeBase,
) -> Result<RoundcubeDatabase, SqliteError> {
    let utc = TimeBase::utc(zone.latest);
    let mut builder = Builder::new(Dialect::Sqlite, &utc, zone);
    let problems = sqlite::rows(
        file,
        wal,
        artefact,
        &|table| base_name(table).is_some(),
        &mut |row| builder.row(row),
    )?;
    let mut database = builder.database;
    database.problems = problems;
    Ok(database)
}

/// Reads a dump. `zone` is that of the database server (MySQL) and of PHP.
pub fn from_dump(dump: &[u8], artefact: ArtefactId, zone: &TimeBase) -> RoundcubeDatabase {
    let dialect = sql::dialect(dump);
    let utc = TimeBase::utc(zone.latest);
    let server = if dialect == Dialect::Sqlite {
        &utc
    } else {
        zone
    };
    let mut builder = Builder::new(dialect, server, zone);
    let unread = sql::rows(
        dump,
        dialect,
        artefact,
        &|table| base_name(table).is_some(),
        &mut |row| builder.row(row),
    );
    let mut database = builder.database;
    database.unread = unread;
    database
}

impl RoundcubeDatabase {
    /// Whether anything of Roundcube's was found: other applications have a `users` table, too.
    pub fn is_roundcube(&self) -> bool {
        self.schema_version.is_some()
            || !self.identities.is_empty()
            || self.users.iter().any(|user| !user.mail_host.is_empty())
            || self
                .sessions
                .iter()
                .any(|session| session.user_id.is_some())
    }
}

struct Builder<'z> {
    database: RoundcubeDatabase,
    server: Clock<'z>,
    php: Clock<'z>,
}

impl<'z> Builder<'z> {
    fn new(dialect: Dialect, server: &'z TimeBase, php: &'z TimeBase) -> Self {
        Self {
            database: RoundcubeDatabase {
                dialect,
                schema_version: None,
                users: Vec::new(),
                sessions: Vec::new(),
                identities: Vec::new(),
                collected_addresses: Vec::new(),
                searches: Vec::new(),
                cached: Vec::new(),
                contacts: BTreeMap::new(),
                files: Vec::new(),
                unread: Vec::new(),
                problems: Vec::new(),
            },
            server: Clock::new(server),
            php: Clock::new(php),
        }
    }

    fn row(&mut self, row: &RawRow<'_>) {
        let text = |column: &str| row.get(column).unwrap_or_default().to_owned();
        let number = |column: &str| row.get(column).and_then(|value| value.parse::<u64>().ok());
        let flag = |column: &str| matches!(row.get(column), Some("1" | "t" | "true"));
        let at =
            |column: &str, clock: &Clock<'_>| row.get(column).map(|value| db_time(value, clock));
        let server = |column: &str| at(column, &self.server);
        let place = row.place.clone();
        let database = &mut self.database;
        // Tables of other applications may have the same name; a key column tells.
        match base_name(row.table).unwrap_or_default() {
            "users" => {
                if let (Some(id), Some(username)) = (number("user_id"), row.get("username")) {
                    database.users.push(User {
                        id,
                        username: username.to_owned(),
                        mail_host: text("mail_host"),
                        created: server("created"),
                        last_login: server("last_login"),
                        failed_login: at("failed_login", &self.php),
                        failed_login_counter: number("failed_login_counter"),
                        language: text("language"),
                        preferences: text("preferences"),
                        place,
                    });
                }
            }
            "session" => {
                if let Some(id) = row.get("sess_id") {
                    let mut session = Session {
                        id: id.to_owned(),
                        changed: server("changed"),
                        expires_at: server("expires_at"),
                        ip: row.get("ip").and_then(ip),
                        username: String::new(),
                        user_id: None,
                        storage_host: String::new(),
                        login_time: None,
                        timezone: String::new(),
                        task: String::new(),
                        mailbox: String::new(),
                        last_search: String::new(),
                        variables: Vec::new(),
                        place,
                    };
                    session.take(row.get("vars").unwrap_or_default());
                    database.sessions.push(session);
                }
            }
            "identities" => {
                if let (Some(id), Some(user_id)) = (number("identity_id"), number("user_id")) {
                    database.identities.push(Identity {
                        id,
                        user_id,
                        changed: server("changed"),
                        deleted: flag("del"),
                        standard: flag("standard"),
                        name: text("name"),
                        email: text("email"),
                        reply_to: text("reply-to"),
                        bcc: text("bcc"),
                        organization: text("organization"),
                        place,
                    });
                }
            }
            "collected_addresses" => {
                if let Some(user_id) = number("user_id") {
                    database.collected_addresses.push(CollectedAddress {
                        user_id,
                        changed: server("changed"),
                        email: text("email"),
                        name: text("name"),
                        kind: number("type").unwrap_or(0),
                        place,
                    });
                }
            }
            "searches" => {
                if let Some(user_id) = number("user_id") {
                    database.searches.push(SavedSearch {
                        user_id,
                        name: text("name"),
                        data: text("data"),
                        place,
                    });
                }
            }
            "contacts" => {
                if let Some(user_id) = number("user_id").filter(|_| !flag("del")) {
                    *database.contacts.entry(user_id).or_default() += 1;
                }
            }
            table @ ("cache_messages" | "cache_index" | "cache_thread") => {
                if let Some(user_id) = number("user_id") {
                    database.cached.push(Cached {
                        cache: match table {
                            "cache_messages" => Cache::Message,
                            "cache_index" => Cache::Index,
                            _ => Cache::Thread,
                        },
                        user_id,
                        mailbox: text("mailbox"),
                        uid: number("uid"),
                        expires: server("expires"),
                        place,
                    });
                }
            }
            "filestore" => {
                if let Some(filename) = row.get("filename") {
                    database.files.push(StoredFile {
                        user_id: number("user_id"),
                        context: text("context"),
                        filename: filename.to_owned(),
                        modified: row
                            .get("mtime")
                            .and_then(|mtime| mtime.parse().ok())
                            .map(Timestamp::from_seconds),
                        place,
                    });
                }
            }
            "uploads" => {
                if let (Some(session), Some(_)) = (row.get("session_id"), row.get("upload_id")) {
                    database.files.push(StoredFile {
                        user_id: None,
                        context: session.to_owned(),
                        filename: text("upload_id"),
                        modified: server("created").and_then(|created| created.instant),
                        place,
                    });
                }
            }
            "system" if row.get("name") == Some("roundcube-version") => {
                database.schema_version = row.get("value").map(str::to_owned);
            }
            _ => {}
        }
    }
}

impl Session {
    /// Fills the fields from the `vars` column: base64 of PHP's session text (session/db.php:130).
    fn take(&mut self, vars: &str) {
        let Ok(decoded) = base64::engine::general_purpose::STANDARD.decode(vars.trim()) else {
            return;
        };
        for (name, value) in session_variables(&decoded) {
            if let Some(value) = value {
                match name.as_str() {
                    "username" => self.username = value,
                    "user_id" => self.user_id = value.parse().ok(),
                    "storage_host" => self.storage_host = value,
                    "login_time" => {
                        self.login_time = value.parse().ok().map(Timestamp::from_seconds);
                    }
                    "timezone" => self.timezone = value,
                    "task" => self.task = value,
                    "mbox" => self.mailbox = value,
                    "last_text_search" => self.last_search = value,
                    _ => {}
                }
            }
            self.variables.push(name);
        }
    }
}

/// A `datetime` or `timestamp with time zone` as text.
fn db_time(text: &str, clock: &Clock<'_>) -> DbTime {
    let instant = stamp::rfc3339(text.as_bytes(), clock)
        .and_then(|(time, end)| (end == text.len()).then_some(time))
        // The schemas' defaults for "never".
        .filter(|_| !text.starts_with("1000-") && !text.starts_with("0000-"));
    DbTime {
        text: text.to_owned(),
        instant,
    }
}
