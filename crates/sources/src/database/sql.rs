//! The text of a database dump: `mysqldump`, `pg_dump` (COPY and INSERT), `sqlite3 .dump`.
//!
//! Statements are walked one after the other. `CREATE TABLE` gives the order of columns, `INSERT`
//! and `COPY` the rows; everything else is passed over. What does not read as the statement it
//! began as is passed over to the next semicolon outside quotation marks, and counted.

use super::{Dialect, Place, RawRow};
use memchr::{memchr, memmem};
use std::collections::BTreeMap;
use vauban_ocsf::{ArtefactId, Evidence};

/// The dialect that a dump's first bytes show.
pub(super) fn dialect(head: &[u8]) -> Dialect {
    let head = head.get(..4096.min(head.len())).unwrap_or_default();
    let has = |needle: &[u8]| memmem::find(head, needle).is_some();
    if has(b"PostgreSQL database dump")
        || has(b"\nCOPY ")
        || has(b"SET standard_conforming_strings")
    {
        Dialect::Postgres
    } else if has(b"PRAGMA foreign_keys=OFF") {
        Dialect::Sqlite
    } else {
        Dialect::MySql
    }
}

/// Gives every row of the tables that `wanted` names. Returns the places of statements on them
/// that could not be read.
pub(super) fn rows(
    dump: &[u8],
    dialect: Dialect,
    artefact: ArtefactId,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(&RawRow<'_>),
) -> Vec<Evidence> {
    let mut scanner = Scanner {
        bytes: dump,
        at: 0,
        backslashes: dialect == Dialect::MySql,
    };
    let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut problems = Vec::new();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    while scanner.blank().is_some() {
        let start = scanner.at;
        let word = scanner.word().to_ascii_uppercase();
        let read = match word.as_str() {
            "CREATE" => scanner.create(&mut columns),
            "INSERT" | "REPLACE" => {
                let mut give = Give {
                    artefact,
                    wanted,
                    counts: &mut counts,
                    each,
                };
                scanner.insert(&columns, &mut give)
            }
            "COPY" => {
                let mut give = Give {
                    artefact,
                    wanted,
                    counts: &mut counts,
                    each,
                };
                scanner.copy(&columns, &mut give)
            }
            _ => Some(()),
        };
        if read.is_none() {
            let length = u32::try_from(scanner.at - start).unwrap_or(u32::MAX);
            problems.push(Evidence {
                artefact,
                offset: start as u64,
                length,
            });
        }
        if word != "COPY" || read.is_none() {
            scanner.statement_end();
        }
    }
    problems
}

struct Give<'g> {
    artefact: ArtefactId,
    wanted: &'g dyn Fn(&str) -> bool,
    counts: &'g mut BTreeMap<String, u64>,
    each: &'g mut dyn FnMut(&RawRow<'_>),
}

impl Give<'_> {
    fn row(
        &mut self,
        table: &str,
        columns: &[String],
        values: &[Option<String>],
        (start, end): (usize, usize),
    ) {
        let number = self.counts.entry(table.to_owned()).or_default();
        *number += 1;
        (self.each)(&RawRow {
            table,
            columns,
            values,
            place: Place {
                evidence: Evidence {
                    artefact: self.artefact,
                    offset: start as u64,
                    length: u32::try_from(end - start).unwrap_or(u32::MAX),
                },
                row: format!("{table} row {number}"),
            },
        });
    }
}

struct Scanner<'d> {
    bytes: &'d [u8],
    at: usize,
    /// Whether `\` escapes inside `'…'` (MySQL).
    backslashes: bool,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Passes over blanks and comments; `None` at the end.
    fn blank(&mut self) -> Option<u8> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            match rest {
                [b' ' | b'\t' | b'\r' | b'\n' | b';', ..] => self.at += 1,
                [b'-', b'-', ..] | [b'#', ..] => {
                    self.at += memchr(b'\n', rest).unwrap_or(rest.len());
                }
                // psql's own commands: `\connect`, `\restrict`.
                [b'\\', ..] => self.at += memchr(b'\n', rest).unwrap_or(rest.len()),
                [b'/', b'*', ..] => {
                    self.at += memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2);
                }
                [first, ..] => return Some(*first),
                [] => return None,
            }
        }
    }

    /// Blanks and comments within a statement: a semicolon ends it.
    fn inner_blank(&mut self) -> Option<u8> {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b'/' if self.bytes.get(self.at + 1) == Some(&b'*') => {
                    let rest = self.bytes.get(self.at..)?;
                    self.at += memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2);
                }
                other => return Some(other),
            }
        }
        None
    }

    fn word(&mut self) -> String {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest
            .iter()
            .position(|&b| !b.is_ascii_alphanumeric() && b != b'_')
            .unwrap_or(rest.len());
        self.at += end;
        String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned()
    }

    /// A name, quoted or not, without schema (`public.users`), in lower case.
    fn name(&mut self) -> Option<String> {
        loop {
            let name = match self.inner_blank()? {
                quote @ (b'`' | b'"') => {
                    let rest = self.bytes.get(self.at + 1..)?;
                    let end = memchr(quote, rest)?;
                    self.at += end + 2;
                    String::from_utf8_lossy(rest.get(..end)?).into_owned()
                }
                _ => {
                    let word = self.word();
                    if word.is_empty() {
                        return None;
                    }
                    word
                }
            };
            if self.peek() == Some(b'.') {
                self.at += 1;
            } else {
                return Some(name.to_ascii_lowercase());
            }
        }
    }

    /// The word that stands here, in upper case, if it is one of `words`.
    fn keyword(&mut self, words: &[&str]) -> Option<String> {
        self.inner_blank()?;
        let before = self.at;
        let word = self.word().to_ascii_uppercase();
        if words.contains(&word.as_str()) {
            Some(word)
        } else {
            self.at = before;
            None
        }
    }

    /// Moves past the semicolon that ends the statement, quotation marks respected.
    fn statement_end(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b';' => {
                    self.at += 1;
                    return;
                }
                b'\'' => {
                    if self.string(self.backslashes).is_none() {
                        self.at = self.bytes.len();
                    }
                }
                b'"' | b'`' => {
                    let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
                    self.at += memchr(byte, rest).map_or(rest.len() + 1, |end| end + 2);
                }
                b'$' => self.dollar_quoted(),
                b'-' if self.bytes.get(self.at + 1) == Some(&b'-') => {
                    let rest = self.bytes.get(self.at..).unwrap_or_default();
                    self.at += memchr(b'\n', rest).unwrap_or(rest.len());
                }
                _ => self.at += 1,
            }
        }
    }

    /// PostgreSQL's `$tag$ … $tag$`, or a plain dollar sign.
    fn dollar_quoted(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let tag = rest
            .iter()
            .skip(1)
            .position(|&b| !b.is_ascii_alphanumeric() && b != b'_')
            .map(|end| end + 1)
            .filter(|&end| rest.get(end) == Some(&b'$'))
            .and_then(|end| rest.get(..=end));
        self.at += match tag {
            Some(tag) => rest
                .get(tag.len()..)
                .and_then(|body| memmem::find(body, tag))
                .map_or(rest.len(), |end| end + 2 * tag.len()),
            None => 1,
        };
    }

    /// `TABLE [IF NOT EXISTS] name (column type, …, KEY …)`.
    fn create(&mut self, columns: &mut BTreeMap<String, Vec<String>>) -> Option<()> {
        if self.keyword(&["TABLE"]).is_none() {
            return Some(());
        }
        while self.keyword(&["IF", "NOT", "EXISTS"]).is_some() {}
        let table = self.name()?;
        if self.inner_blank()? != b'(' {
            return Some(());
        }
        self.at += 1;
        let mut names = Vec::new();
        loop {
            self.inner_blank()?;
            let quoted = matches!(self.peek()?, b'`' | b'"');
            let Some(name) = self.name() else { break };
            const NOT_COLUMNS: &[&str] = &[
                "primary",
                "key",
                "unique",
                "constraint",
                "index",
                "foreign",
                "check",
                "fulltext",
                "spatial",
                "exclude",
                "like",
            ];
            if quoted || !NOT_COLUMNS.contains(&name.as_str()) {
                names.push(name);
            }
            // To the comma of this level, or the closing bracket.
            let mut depth = 0u32;
            loop {
                match self.peek()? {
                    b'(' => depth += 1,
                    b')' if depth == 0 => {
                        columns.insert(table, names);
                        return Some(());
                    }
                    b')' => depth -= 1,
                    b',' if depth == 0 => {
                        self.at += 1;
                        break;
                    }
                    b'\'' => {
                        self.string(self.backslashes)?;
                        continue;
                    }
                    b'-' if self.bytes.get(self.at + 1) == Some(&b'-') => {
                        let rest = self.bytes.get(self.at..)?;
                        self.at += memchr(b'\n', rest)?;
                        continue;
                    }
                    _ => {}
                }
                self.at += 1;
            }
        }
        columns.insert(table, names);
        Some(())
    }

    /// `INTO name [(columns)] VALUES (…), (…)`.
    fn insert(&mut self, known: &BTreeMap<String, Vec<String>>, give: &mut Give<'_>) -> Option<()> {
        while self.keyword(&["IGNORE", "INTO", "OR", "REPLACE"]).is_some() {}
        let table = self.name()?;
        if !(give.wanted)(&table) {
            return Some(());
        }
        let mut columns = known.get(&table).cloned().unwrap_or_default();
        if self.inner_blank()? == b'(' {
            columns = self.name_list()?;
        }
        self.keyword(&["VALUES"])?;
        loop {
            if self.inner_blank()? != b'(' {
                return None;
            }
            let start = self.at;
            self.at += 1;
            let mut values = Vec::new();
            loop {
                values.push(self.value()?);
                match self.inner_blank()? {
                    b',' => self.at += 1,
                    b')' => {
                        self.at += 1;
                        break;
                    }
                    _ => return None,
                }
            }
            give.row(&table, &columns, &values, (start, self.at));
            match self.inner_blank() {
                Some(b',') => self.at += 1,
                // The semicolon, `ON CONFLICT DO NOTHING`, or the end of a dump that was cut.
                _ => return Some(()),
            }
        }
    }

    fn name_list(&mut self) -> Option<Vec<String>> {
        self.at += 1;
        let mut names = Vec::new();
        loop {
            names.push(self.name()?);
            match self.inner_blank()? {
                b',' => self.at += 1,
                b')' => {
                    self.at += 1;
                    return Some(names);
                }
                _ => return None,
            }
        }
    }

    /// A literal: text of a string or a number, `None` for NULL. The outer `None` is an error.
    fn value(&mut self) -> Option<Option<String>> {
        match self.inner_blank()? {
            b'\'' => Some(Some(self.string(self.backslashes)?)),
            b'(' | b')' | b',' => None,
            _ => {
                let start = self.at;
                let word = self.word();
                let quote = self.peek() == Some(b'\'');
                match (word.to_ascii_uppercase().as_str(), quote) {
                    ("NULL", false) => return Some(None),
                    ("TRUE", false) => return Some(Some("1".into())),
                    ("FALSE", false) => return Some(Some("0".into())),
                    ("E", true) => return Some(Some(self.string(true)?)),
                    // `X'…'`, SQLite's blobs.
                    ("X", true) => return Some(hex(&self.string(false)?)),
                    // `_binary '…'`, `_utf8mb4'…'`
                    (introducer, _) if introducer.starts_with('_') => {
                        self.inner_blank()?;
                        return Some(Some(self.string(self.backslashes)?));
                    }
                    _ => {}
                }
                if let Some(digits) = word.strip_prefix("0x") {
                    return Some(hex(digits));
                }
                // A number, or an expression such as a cast; brackets balanced.
                self.at = start;
                let mut depth = 0u32;
                loop {
                    match self.peek()? {
                        b'(' => depth += 1,
                        b')' if depth == 0 => break,
                        b')' => depth -= 1,
                        b',' if depth == 0 => break,
                        b';' => return None,
                        b'\'' => {
                            self.string(self.backslashes)?;
                            continue;
                        }
                        _ => {}
                    }
                    self.at += 1;
                }
                let text = String::from_utf8_lossy(self.bytes.get(start..self.at)?);
                Some(Some(text.trim().to_owned()))
            }
        }
    }

    /// A string from its opening quotation mark on.
    fn string(&mut self, backslashes: bool) -> Option<String> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let rest = self.bytes.get(self.at..)?;
            let stop = if backslashes {
                memchr::memchr2(b'\'', b'\\', rest)?
            } else {
                memchr(b'\'', rest)?
            };
            out.extend_from_slice(rest.get(..stop)?);
            self.at += stop + 1;
            if rest.get(stop) == Some(&b'\'') {
                if self.peek() != Some(b'\'') {
                    return Some(String::from_utf8_lossy(&out).into_owned());
                }
                out.push(b'\'');
            } else {
                out.push(match self.peek()? {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'0' => 0,
                    b'Z' => 0x1a,
                    b'b' => 8,
                    other => other,
                });
            }
            self.at += 1;
        }
    }

    /// `name [(columns)] FROM stdin;` and the rows up to `\.`.
    fn copy(&mut self, known: &BTreeMap<String, Vec<String>>, give: &mut Give<'_>) -> Option<()> {
        let table = self.name()?;
        let mut columns = known.get(&table).cloned().unwrap_or_default();
        if self.inner_blank()? == b'(' {
            columns = self.name_list()?;
        }
        self.keyword(&["FROM"])?;
        self.keyword(&["STDIN"])?;
        let rest = self.bytes.get(self.at..)?;
        self.at += memchr(b'\n', rest)? + 1;
        let wanted = (give.wanted)(&table);
        loop {
            let rest = self.bytes.get(self.at..)?;
            if rest.is_empty() {
                return Some(());
            }
            let length = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..length)?;
            let start = self.at;
            self.at = (self.at + length + 1).min(self.bytes.len());
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line == b"\\." {
                return Some(());
            }
            if wanted {
                let values: Vec<Option<String>> = line.split(|&b| b == b'\t').map(field).collect();
                give.row(&table, &columns, &values, (start, start + line.len()));
            }
        }
    }
}

/// A field of COPY's text format.
fn field(raw: &[u8]) -> Option<String> {
    if raw == b"\\N" {
        return None;
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b'r') => out.push(b'\r'),
            Some(b't') => out.push(b'\t'),
            Some(b'b') => out.push(8),
            Some(b'f') => out.push(12),
            Some(b'v') => out.push(11),
            Some(other) => out.push(other),
            None => out.push(b'\\'),
        }
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

fn hex(digits: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            std::str::from_utf8(pair)
                .ok()
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        })
        .collect();
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
