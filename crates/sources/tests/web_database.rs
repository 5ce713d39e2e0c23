//! A Roundcube database gives the same facts from a SQLite file and from every kind of dump.

mod web_support;

use base64::Engine;
use vauban_evidence::TimeBase;
use vauban_ocsf::ArtefactId;
use vauban_sources::database::Dialect;
use vauban_sources::database::roundcube::{Cache, RoundcubeDatabase, from_dump, from_sqlite};

/// PHP's session text, as Roundcube 1.6 leaves it.
const SESSION: &str = "language|s:5:\"fr_FR\";task|s:4:\"mail\";user_id|i:2;\
    username|s:14:\"alice@example.\";storage_host|s:9:\"localhost\";storage_ssl|b:0;\
    password|s:32:\"c2VjcmV0IGJ1dCBlbmNyeXB0ZWQgdGV4\";login_time|i:1765245784;\
    timezone|s:12:\"Europe/Paris\";mbox|s:5:\"INBOX\";last_text_search|s:12:\"mot de passe\";\
    list_attrib|a:1:{s:4:\"name\";s:8:\"messages\";}auth_secret|s:4:\"abcd\";";

fn vars() -> String {
    base64::engine::general_purpose::STANDARD.encode(SESSION)
}

fn zone() -> TimeBase {
    TimeBase {
        zone: jiff::tz::TimeZone::get("Europe/Paris").expect("a bundled zone"),
        ..TimeBase::utc((2025, 12, 31))
    }
}

/// The statements that make the database, in SQLite's words.
fn sqlite_statements() -> String {
    format!(
        r#"CREATE TABLE users (user_id integer NOT NULL PRIMARY KEY, username varchar(128), mail_host varchar(128),
            created datetime, last_login datetime, failed_login datetime, failed_login_counter integer,
            language varchar(16), preferences text);
        CREATE TABLE session (sess_id varchar(128) NOT NULL PRIMARY KEY, changed datetime, ip varchar(40), vars text NOT NULL);
        CREATE TABLE identities (identity_id integer PRIMARY KEY, user_id integer, changed datetime, del tinyint,
            standard tinyint, name varchar(128), organization varchar(128), email varchar(128),
            "reply-to" varchar(128), bcc varchar(128), signature text, html_signature tinyint);
        CREATE TABLE collected_addresses (address_id integer PRIMARY KEY, user_id integer, changed datetime, name text, email text, "type" integer);
        CREATE TABLE contacts (contact_id integer PRIMARY KEY, user_id integer, changed datetime, del tinyint, name text);
        CREATE TABLE cache_messages (user_id integer, mailbox text, uid integer, expires datetime, data text, flags integer);
        CREATE TABLE system (name varchar(64) PRIMARY KEY, value text);
        CREATE TABLE other (x text);
        INSERT INTO users VALUES(2,'alice@example.','localhost','2025-01-02 03:04:05','2025-12-09 01:03:04','2025-12-09 02:00:00',3,'fr_FR','a:1:{{s:1:"x";s:3:"a''b";}}');
        INSERT INTO session VALUES('ab12cd34ef56','2025-12-09 01:10:00','192.0.2.7','{}');
        INSERT INTO identities VALUES(5,2,'2025-12-09 01:05:00',0,1,'Alice; (A)','','alice@example.','alice@evil.example','drop@evil.example','Line1
Line2',0);
        INSERT INTO collected_addresses VALUES(1,2,'2025-12-09 01:06:00','Bob','bob@example.',1);
        INSERT INTO contacts VALUES(1,2,'2025-01-01 00:00:00',0,'x'),(2,2,'2025-01-01 00:00:00',1,'y');
        INSERT INTO cache_messages VALUES(2,'INBOX',7,'2025-12-19 01:03:04','x',0);
        INSERT INTO system VALUES('roundcube-version','2022081200');
        INSERT INTO other VALUES('not; roundcube''s');
        "#,
        vars()
    )
}

/// What every form must say.
fn facts(database: &RoundcubeDatabase, dialect: Dialect) {
    assert_eq!(database.dialect, dialect);
    assert!(database.is_roundcube());
    assert!(database.unread.is_empty() && database.problems.is_empty());
    assert_eq!(database.schema_version.as_deref(), Some("2022081200"));
    let user = &database.users[0];
    assert_eq!(
        (user.id, &*user.username, &*user.mail_host),
        (2, "alice@example.", "localhost")
    );
    let instant = |time: &Option<vauban_sources::database::roundcube::DbTime>| {
        time.as_ref()
            .and_then(|time| time.instant)
            .map(|at| at.to_string())
    };
    // All forms were written of the same instant: 02:03:04 in Paris.
    assert_eq!(
        instant(&user.last_login).as_deref(),
        Some("2025-12-09T01:03:04Z")
    );
    // PHP's zone, whatever the database.
    assert_eq!(
        instant(&user.failed_login).as_deref(),
        Some("2025-12-09T01:00:00Z")
    );
    assert_eq!(user.failed_login_counter, Some(3));
    assert_eq!(user.preferences, r#"a:1:{s:1:"x";s:3:"a'b";}"#);
    let session = &database.sessions[0];
    assert_eq!(session.id, "ab12cd34ef56");
    assert_eq!(
        session.ip.map(|ip| ip.to_string()).as_deref(),
        Some("192.0.2.7")
    );
    assert_eq!(
        (&*session.username, session.user_id),
        ("alice@example.", Some(2))
    );
    assert_eq!(
        session.login_time.map(|at| at.to_string()).as_deref(),
        Some("2025-12-09T02:03:04Z")
    );
    assert_eq!(
        (&*session.mailbox, &*session.last_search),
        ("INBOX", "mot de passe")
    );
    assert_eq!(
        instant(&session.changed).as_deref(),
        Some("2025-12-09T01:10:00Z")
    );
    assert!(session.variables.iter().any(|name| name == "password"));
    // The secrets stay where they are.
    let debug = format!("{database:?}");
    assert!(
        !debug.contains("c2VjcmV0") && !debug.contains("abcd"),
        "{debug}"
    );
    let identity = &database.identities[0];
    assert_eq!(
        (&*identity.reply_to, &*identity.bcc),
        ("alice@evil.example", "drop@evil.example")
    );
    assert!(identity.standard && !identity.deleted);
    assert_eq!(identity.name, "Alice; (A)");
    assert_eq!(database.collected_addresses[0].email, "bob@example.");
    assert_eq!(database.collected_addresses[0].kind, 1);
    assert_eq!(database.contacts[&2], 1);
    assert_eq!(
        (database.cached[0].cache, database.cached[0].uid),
        (Cache::Message, Some(7))
    );
}

#[test]
fn sqlite_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("roundcube.db");
    let connection = rusqlite::Connection::open(&path).expect("a database");
    connection
        .execute_batch("PRAGMA journal_mode = WAL")
        .expect("WAL");
    connection
        .execute_batch(&sqlite_statements())
        .expect("rows");
    let file = std::fs::read(&path).expect("the file");
    let wal = std::fs::read(dir.path().join("roundcube.db-wal")).expect("the log");
    let database =
        from_sqlite(&file, Some(&wal), ArtefactId(3), &zone()).expect("a SQLite database");
    facts(&database, Dialect::Sqlite);
    assert_eq!(database.users[0].place.row, "users rowid 2");
    assert_eq!(database.users[0].place.evidence.artefact, ArtefactId(3));
    drop(connection);
    // Closed, the log is in the file.
    let file = std::fs::read(&path).expect("the file");
    facts(
        &from_sqlite(&file, None, ArtefactId(3), &zone()).expect("a SQLite database"),
        Dialect::Sqlite,
    );
    // Damaged anywhere, it may say less, and never panics.
    for at in (0..file.len()).step_by(509) {
        let mut damaged = file.clone();
        damaged[at] ^= 0x55;
        let _ = from_sqlite(&damaged, None, ArtefactId(3), &zone());
        let _ = from_sqlite(&file[..at], None, ArtefactId(3), &zone());
    }
}

#[test]
fn sqlite_dump() {
    let dump = format!(
        "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n{}COMMIT;\n",
        sqlite_statements()
    );
    let database = from_dump(dump.as_bytes(), ArtefactId(0), &zone());
    facts(&database, Dialect::Sqlite);
    points_at_its_row(&database, &dump);
}

/// A row's evidence is the row.
fn points_at_its_row(database: &RoundcubeDatabase, dump: &str) {
    let evidence = database.sessions[0].place.evidence;
    let start = usize::try_from(evidence.offset).expect("small");
    let row = &dump[start..start + evidence.length as usize];
    assert!(
        row.contains("ab12cd34ef56") && row.contains("192.0.2.7"),
        "{row}"
    );
    assert!(
        !row.contains("roundcube-version") && !row.contains("bob@"),
        "{row}"
    );
}

#[test]
fn mysqldump() {
    let dump = format!(
        r#"-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
DROP TABLE IF EXISTS `users`;
/*!50503 SET character_set_client = utf8mb4 */;
CREATE TABLE `users` (
  `user_id` int unsigned NOT NULL AUTO_INCREMENT,
  `username` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `mail_host` varchar(128) NOT NULL,
  `created` datetime NOT NULL DEFAULT '1000-01-01 00:00:00',
  `last_login` datetime DEFAULT NULL,
  `failed_login` datetime DEFAULT NULL,
  `failed_login_counter` int unsigned DEFAULT NULL,
  `language` varchar(16) DEFAULT NULL,
  `preferences` longtext,
  PRIMARY KEY (`user_id`),
  UNIQUE KEY `username` (`username`,`mail_host`)
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4 COMMENT='a; b';
LOCK TABLES `users` WRITE;
/*!40000 ALTER TABLE `users` DISABLE KEYS */;
INSERT INTO `users` VALUES (2,'alice@example.','localhost','1000-01-01 00:00:00','2025-12-09 02:03:04','2025-12-09 02:00:00',3,'fr_FR','a:1:{{s:1:\"x\";s:3:\"a\'b\";}}'),(3,'bob\\','localhost','2025-01-01 00:00:00',NULL,NULL,NULL,NULL,NULL);
UNLOCK TABLES;
INSERT INTO `session` (`sess_id`, `changed`, `ip`, `vars`) VALUES ('ab12cd34ef56','2025-12-09 02:10:00','192.0.2.7','{}');
CREATE TABLE `identities` (
  `identity_id` int unsigned NOT NULL,
  `user_id` int unsigned NOT NULL,
  `changed` datetime NOT NULL,
  `del` tinyint(1) NOT NULL DEFAULT '0',
  `standard` tinyint(1) NOT NULL DEFAULT '0',
  `name` varchar(128) NOT NULL,
  `organization` varchar(128) NOT NULL DEFAULT '',
  `email` varchar(128) NOT NULL,
  `reply-to` varchar(128) NOT NULL DEFAULT '',
  `bcc` varchar(128) NOT NULL DEFAULT '',
  `signature` longtext,
  `html_signature` tinyint(1) NOT NULL DEFAULT '0',
  PRIMARY KEY (`identity_id`),
  CONSTRAINT `user_id_fk_identities` FOREIGN KEY (`user_id`) REFERENCES `users` (`user_id`) ON DELETE CASCADE
);
INSERT INTO `identities` VALUES (5,2,'2025-12-09 02:05:00',0,1,'Alice; (A)','','alice@example.','alice@evil.example','drop@evil.example','Line1\nLine2',0);
INSERT INTO `collected_addresses` (`address_id`,`user_id`,`changed`,`name`,`email`,`type`) VALUES (1,2,'2025-12-09 02:06:00','Bob',_binary 'bob@example.',1);
INSERT INTO `contacts` (`contact_id`,`user_id`,`changed`,`del`) VALUES (1,2,'2025-01-01 00:00:00',0),(2,2,'2025-01-01 00:00:00',1);
INSERT INTO `cache_messages` (`user_id`,`mailbox`,`uid`,`expires`,`data`,`flags`) VALUES (2,'INBOX',7,'2025-12-19 02:03:04','x',0);
INSERT INTO `system` (`name`,`value`) VALUES ('roundcube-version','2022081200');
INSERT INTO `unrelated` VALUES ('a;''b','c\'; INSERT INTO `users` VALUES (9');
-- Dump completed
"#,
        vars()
    );
    let database = from_dump(dump.as_bytes(), ArtefactId(0), &zone());
    facts(&database, Dialect::MySql);
    points_at_its_row(&database, &dump);
    assert_eq!(database.users.len(), 2);
    assert_eq!(database.users[1].username, "bob\\");
    // "Never" is no instant.
    assert_eq!(
        database.users[0]
            .created
            .as_ref()
            .and_then(|time| time.instant),
        None
    );
    // A table prefix changes nothing.
    let prefixed = dump
        .replace("INTO `", "INTO `rc_")
        .replace("TABLE `", "TABLE `rc_");
    facts(
        &from_dump(prefixed.as_bytes(), ArtefactId(0), &zone()),
        Dialect::MySql,
    );
    // Cut anywhere, it gives what was whole.
    for cut in (0..dump.len()).step_by(13) {
        let part = from_dump(&dump.as_bytes()[..cut], ArtefactId(0), &zone());
        assert!(part.users.len() <= 2 && part.sessions.len() <= 1);
    }
}

#[test]
fn pg_dump() {
    let head = "--\n-- PostgreSQL database dump\n--\n\\restrict abc\nSET standard_conforming_strings = on;\n\
        SELECT pg_catalog.set_config('search_path', '', false);\n\
        CREATE FUNCTION public.f() RETURNS text LANGUAGE sql AS $_$ select '; INSERT INTO users VALUES (1' $_$;\n\
        CREATE TABLE public.users (\n    user_id integer DEFAULT nextval(('public.users_seq'::text)::regclass) NOT NULL,\n\
        username character varying(128) DEFAULT ''::character varying NOT NULL,\n    mail_host character varying(128),\n\
        created timestamp with time zone DEFAULT now() NOT NULL,\n    last_login timestamp with time zone,\n\
        failed_login timestamp with time zone,\n    failed_login_counter integer,\n    language character varying(16),\n    preferences text\n);\n";
    let copy = format!(
        "{head}\
COPY public.users (user_id, username, mail_host, created, last_login, failed_login, failed_login_counter, language, preferences) FROM stdin;\n\
2\talice@example.\tlocalhost\t2025-01-02 03:04:05+01\t2025-12-09 02:03:04+01\t2025-12-09 02:00:00+01\t3\tfr_FR\ta:1:{{s:1:\"x\";s:3:\"a'b\";}}\n\
\\.\n\n\
COPY public.session (sess_id, changed, ip, vars) FROM stdin;\n\
ab12cd34ef56\t2025-12-09 02:10:00.123+01\t192.0.2.7\t{}\n\\.\n\
COPY public.identities (identity_id, user_id, changed, del, standard, name, organization, email, \"reply-to\", bcc, signature, html_signature) FROM stdin;\n\
5\t2\t2025-12-09 02:05:00+01\t0\t1\tAlice; (A)\t\\N\talice@example.\talice@evil.example\tdrop@evil.example\tLine1\\nLine2\t0\n\\.\n\
COPY public.collected_addresses (address_id, user_id, changed, name, email, type) FROM stdin;\n\
1\t2\t2025-12-09 02:06:00+01\tBob\tbob@example.\t1\n\\.\n\
COPY public.contacts (contact_id, user_id, changed, del, name) FROM stdin;\n1\t2\t2025-01-01\t0\tx\n2\t2\t2025-01-01\t1\ty\n\\.\n\
COPY public.cache_messages (user_id, mailbox, uid, expires, data, flags) FROM stdin;\n2\tINBOX\t7\t\\N\tx\t0\n\\.\n\
COPY public.other (x) FROM stdin;\n; ' quote\n\\.\n\
COPY public.system (name, value) FROM stdin;\nroundcube-version\t2022081200\n\\.\n",
        vars()
    )
    .replace(".123+01", "+01");
    let database = from_dump(copy.as_bytes(), ArtefactId(0), &zone());
    facts(&database, Dialect::Postgres);
    points_at_its_row(&database, &copy);

    let insert = format!(
        "{head}\
INSERT INTO public.users VALUES (2, 'alice@example.', 'localhost', '2025-01-02 03:04:05+01', '2025-12-09 02:03:04+01', '2025-12-09 02:00:00+01', 3, 'fr_FR', 'a:1:{{s:1:\"x\";s:3:\"a''b\";}}');\n\
INSERT INTO public.session (sess_id, changed, ip, vars) VALUES ('ab12cd34ef56', '2025-12-09 02:10:00+01', '192.0.2.7', '{}');\n\
INSERT INTO public.identities (identity_id, user_id, changed, del, standard, name, organization, email, \"reply-to\", bcc, signature, html_signature) VALUES (5, 2, '2025-12-09 02:05:00+01', 0, 1, 'Alice; (A)', NULL, 'alice@example.', 'alice@evil.example', 'drop@evil.example', E'Line1\\nLine2', 0);\n\
INSERT INTO public.collected_addresses (address_id, user_id, changed, name, email, type) VALUES (1, 2, '2025-12-09 02:06:00+01', 'Bob', 'bob@example.', 1) ON CONFLICT DO NOTHING;\n\
INSERT INTO public.contacts (contact_id, user_id, del) VALUES (1, 2, 0);\n\
INSERT INTO public.cache_messages (user_id, mailbox, uid) VALUES (2, 'INBOX', 7);\n\
INSERT INTO public.other VALUES ('back\\slash');\n\
INSERT INTO public.system (name, value) VALUES ('roundcube-version', '2022081200');\n",
        vars()
    );
    let database = from_dump(insert.as_bytes(), ArtefactId(0), &zone());
    facts(&database, Dialect::Postgres);
    points_at_its_row(&database, &insert);
}

#[test]
fn other_databases_are_not_roundcubes() {
    let dump =
        "CREATE TABLE users (user_id int, username text);\nINSERT INTO users VALUES (1,'x');\n";
    assert!(!from_dump(dump.as_bytes(), ArtefactId(0), &zone()).is_roundcube());
    assert!(!from_dump(b"", ArtefactId(0), &zone()).is_roundcube());
    assert!(from_sqlite(b"SQLite", None, ArtefactId(0), &zone()).is_err());
}

proptest::proptest! {
    #[test]
    fn dumps_never_panic(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        text in "(INSERT INTO users VALUES|COPY users FROM stdin;|CREATE TABLE users|[\\n\\t '\"`\\\\(),;\\$a-z0-9/*-]){0,40}",
    ) {
        for prefix in ["", "-- PostgreSQL database dump\n", "PRAGMA foreign_keys=OFF;\n"] {
            let _ = from_dump(&[prefix.as_bytes(), &bytes].concat(), ArtefactId(0), &zone());
            let _ = from_dump(&[prefix.as_bytes(), text.as_bytes()].concat(), ArtefactId(0), &zone());
        }
    }
}
