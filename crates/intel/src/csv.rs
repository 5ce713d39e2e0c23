//! Tables of indicators: comma, semicolon or tab; with a header or without; defanged or not.

use crate::IndicatorKind::{self, *};
use crate::collect::{Collector, Given, cut};
use crate::text::{refang::refang, scan};
use crate::value::{self, Value};

/// Rows looked at to recognise a table.
const SAMPLE: usize = 200;

/// How a table is to be read.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    delimiter: u8,
    /// What each column holds, if the first row says so.
    header: Option<Vec<Column>>,
}

/// What a column holds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Column {
    Value,
    /// A value, in a table that has no column called so.
    Name,
    Type,
    From,
    Until,
    Comment,
    Reference,
    Unknown,
}

/// Whether `text` is a table, and how it is laid out.
pub(crate) fn recognise(name: &str, text: &str) -> Option<Table> {
    let lower = name.to_lowercase();
    let named = [".csv", ".tsv", ".tab"].iter().any(|e| lower.ends_with(e));
    let mut best: Option<(u8, usize)> = None;
    for delimiter in [b',', b';', b'\t'] {
        let mut good = 0;
        let mut rows = 0;
        for row in reader(text, delimiter)
            .byte_records()
            .take(SAMPLE)
            .flatten()
        {
            if row.len() == 1 && row.get(0).is_some_and(<[u8]>::is_empty) {
                continue;
            }
            rows += 1;
            let has_value = row.iter().take(4).any(|cell| {
                let cell = String::from_utf8_lossy(cell);
                !read_cell(&cell).is_empty() || type_word(cell.trim()).is_some()
            });
            good += usize::from(row.len() > 1 && has_value);
        }
        if rows > 0 && good * 10 >= rows * 6 && best.is_none_or(|(_, g)| good > g) {
            best = Some((delimiter, good));
        }
    }
    let delimiter = match best {
        Some((d, _)) => d,
        None if named => b',',
        None => return None,
    };
    let first = reader(text, delimiter).byte_records().next()?.ok()?;
    let cells: Vec<String> = first
        .iter()
        .map(|c| String::from_utf8_lossy(c).trim().to_lowercase())
        .collect();
    let columns: Vec<Column> = cells.iter().map(|c| column(c)).collect();
    let is_header = columns.iter().any(|c| *c != Column::Unknown)
        && cells
            .iter()
            .all(|c| read_cell(c).is_empty() || column(c) != Column::Unknown)
        && !(cells.len() > 1 && cells.iter().skip(1).any(|c| !read_cell(c).is_empty()));
    Some(Table {
        delimiter,
        header: is_header.then_some(columns),
    })
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
}

fn column(name: &str) -> Column {
    let name = name.trim_matches(|c: char| !c.is_alphanumeric());
    let has = |words: &[&str]| words.iter().any(|w| name.contains(w));
    match name {
        "" => Column::Unknown,
        "name" => Column::Name,
        "source" | "sources" | "link" | "links" | "reference" | "references" | "id" | "tlp"
        | "report" => Column::Reference,
        "type" | "entity_type" | "entity type" | "ioc type" | "ioc_type" | "indicator type"
        | "indicator_type" | "observable_types" | "kind" | "category" => Column::Type,
        _ if has(&[
            "until",
            "end of validity",
            "expir",
            "last seen",
            "last_seen",
        ]) =>
        {
            Column::Until
        }
        _ if has(&[
            "valid from",
            "valid_from",
            "first seen",
            "first_seen",
            "date",
            "created",
            "creation",
            "modified",
            "timestamp",
        ]) =>
        {
            Column::From
        }
        _ if has(&[
            "description",
            "note",
            "comment",
            "context",
            "detail",
            "kill chain",
            "kill_chain",
            "tag",
            "confidence",
            "pattern_type",
        ]) =>
        {
            Column::Comment
        }
        _ if has(&[
            "value",
            "ioc",
            "indicator",
            "observable",
            "pattern",
            "url",
            "domain",
            "hostname",
            "fqdn",
            "ip address",
            "ip_address",
            "sha256",
            "sha1",
            "sha-1",
            "sha-256",
            "md5",
            "hash",
            "email",
            "e-mail",
            "adresse",
            "valeur",
        ]) || name == "ip"
            || name == "ipv4"
            || name == "ipv6" =>
        {
            Column::Value
        }
        _ => Column::Unknown,
    }
}

/// A word for a kind of value, as feeds write it in a type column.
fn type_word(word: &str) -> Option<&'static [IndicatorKind]> {
    let word = word
        .trim()
        .to_lowercase()
        .replace(['_', ' ', '-', ':', '.'], "");
    Some(match word.as_str() {
        "ip" | "ipaddress" | "ipv4" | "ipv6" | "ipv4addr" | "ipv6addr" | "ipdst" | "ipsrc"
        | "ipv4addrvalue" | "address" | "cidr" | "network" => &[Ipv4, Ipv6, Network],
        "domain" | "hostname" | "host" | "fqdn" | "domainname" => &[Domain],
        "url" | "uri" => &[Url],
        "email" | "emailaddr" | "emailaddress" | "emailsender" | "emailsrc" | "emailwhois"
        | "sender" | "mail" => &[EmailAddress],
        "md5" | "filehashmd5" | "hashmd5" => &[Md5],
        "sha1" | "filehashsha1" | "hashsha1" => &[Sha1],
        "sha256" | "filehashsha256" | "hashsha256" => &[Sha256],
        "hash" | "file" | "filehash" | "filehashes" => &[Md5, Sha1, Sha256, FileName],
        "filename" | "attachment" => &[FileName],
        "useragent" => &[UserAgent],
        "subject" | "emailsubject" => &[EmailSubject],
        "ja3" | "ja3s" | "ja3fingerprintmd5" | "ja3hash" => &[Ja3],
        "ja4" | "ja4s" | "ja4fingerprint" => &[Ja4],
        _ => return None,
    })
}

/// The values that a cell consists of, without the rest: refanged, whole words only.
fn read_cell(cell: &str) -> Vec<(Value, String)> {
    let cell = cell.trim().trim_matches(['"', '\'', '`']);
    if cell.len() > value::URL_MAX {
        return Vec::new();
    }
    let whole = refang(cell).text;
    let trimmed = whole.trim_end_matches([']', ',', ';']);
    if let Some(v) = value::classify(trimmed) {
        return vec![(v, cell.to_owned())];
    }
    let parts = |c: char| c.is_whitespace() || matches!(c, '|' | ';' | ',');
    if !cell.contains(parts) {
        return Vec::new();
    }
    // Several in one cell: every word must be a value, else it is a sentence.
    let words: Vec<&str> = cell
        .split(|c: char| c.is_whitespace() || c == '|')
        .filter(|w| !w.is_empty())
        .collect();
    let values: Vec<(Value, String)> = words
        .iter()
        .filter_map(|w| value::classify(&refang(w).text).map(|v| (v, (*w).to_owned())))
        .collect();
    if values.len() == words.len() {
        values
    } else {
        Vec::new()
    }
}

/// Reads the table.
pub(crate) fn read(text: &str, table: &Table, into: &mut Collector<'_>) {
    let mut records = reader(text, table.delimiter);
    let mut row = csv::ByteRecord::new();
    let mut number = 0u64;
    loop {
        let start = records.position().byte() as usize;
        match records.read_byte_record(&mut row) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                into.problem(format!("byte {start}: {error}"));
                break;
            }
        }
        let end = records.position().byte() as usize;
        number += 1;
        let raw = text.get(start..end).unwrap_or("");
        crate::ids::scan(raw, |at| (start + at) as u64, into);
        if number == 1 && table.header.is_some() {
            continue;
        }
        let cells: Vec<String> = row
            .iter()
            .map(|c| String::from_utf8_lossy(c).trim().to_owned())
            .collect();
        if cells.iter().all(String::is_empty) || cells[0].starts_with('#') {
            continue;
        }
        let place = Row { raw, start, number };
        match &table.header {
            Some(columns) => with_header(&place, &cells, columns, into),
            None => bare(&place, &cells, into),
        }
    }
}

struct Row<'a> {
    raw: &'a str,
    start: usize,
    number: u64,
}

impl Row<'_> {
    fn offset(&self, written: &str, cursor: &mut usize) -> u64 {
        let found = self
            .raw
            .as_bytes()
            .get(*cursor..)
            .and_then(|r| memchr::memmem::find(r, written.as_bytes()));
        let at = *cursor + found.unwrap_or(0);
        if found.is_some() {
            *cursor = at + written.len();
        }
        (self.start + at) as u64
    }
}

fn with_header(row: &Row<'_>, cells: &[String], columns: &[Column], into: &mut Collector<'_>) {
    let first = |wanted: Column| {
        columns
            .iter()
            .zip(cells)
            .find(|(c, cell)| **c == wanted && !cell.is_empty())
            .map(|(_, cell)| cell.clone())
    };
    let has_value = columns.contains(&Column::Value);
    let kinds = columns
        .iter()
        .zip(cells)
        .filter(|(c, _)| **c == Column::Type)
        .find_map(|(_, cell)| type_word(cell));
    let validity = (first(Column::From), first(Column::Until));
    let mut cursor = 0;
    let mut any = false;
    for (i, cell) in cells.iter().enumerate() {
        let column = columns.get(i).copied().unwrap_or(Column::Unknown);
        let is_value = column == Column::Value || (column == Column::Name && !has_value);
        if cell.is_empty() || !(is_value || column == Column::Unknown || column == Column::Comment)
        {
            continue;
        }
        if column == Column::Comment {
            comment(row, cell, &mut cursor, into);
            continue;
        }
        let offset = row.offset(cell, &mut cursor);
        if is_pattern(cell) {
            crate::stix::lone_pattern(cell, offset, validity.clone(), into);
            any = true;
            continue;
        }
        let given = Given {
            written: cell,
            offset,
            by: if is_value {
                "a value of the table"
            } else {
                "a value in an unnamed column of the table"
            },
            valid_from: validity.0.clone(),
            valid_until: validity.1.clone(),
            ..Default::default()
        };
        let values = typed(cell, kinds.filter(|_| is_value));
        any |= !values.is_empty();
        for value in values {
            into.give(value, &given);
        }
    }
    if !any && cells.len() > 1 {
        into.problem(format!(
            "row {}: no value of a kind known here: {}",
            row.number,
            cut(row.raw.trim(), 120)
        ));
    }
}

/// Whether a cell is a STIX pattern.
fn is_pattern(cell: &str) -> bool {
    cell.starts_with(['[', '('])
        && cell.contains(':')
        && cell.contains(" = '")
        && cell.ends_with([']', ')'])
}

/// A cell's values; the type column decides where the form leaves it open.
fn typed(cell: &str, kinds: Option<&[IndicatorKind]>) -> Vec<Value> {
    let mut values: Vec<Value> = read_cell(cell).into_iter().map(|(v, _)| v).collect();
    if values.is_empty() && value::file_like(cell) == value::FileLike::Yes && !cell.contains('/') {
        values.push(Value::new(FileName, cell.to_lowercase()));
    }
    if values.is_empty() && kinds.is_none() {
        // A sentence in the column of values ("Network traffic to 192.0.2.1 on port 80").
        values.extend(
            scan::candidates(&refang(cell))
                .into_iter()
                .filter(|c| c.flaw.is_none())
                .map(|c| c.value),
        );
    }
    let Some(kinds) = kinds else { return values };
    for v in &mut values {
        // `evil.org` called a URL is one, without path; `evil.org/a` called a host is none.
        if kinds.contains(&FileName) && v.kind == Domain {
            *v = Value::new(FileName, v.value.clone());
        }
        // A JA3 is an MD5; only the type tells.
        if kinds.contains(&Ja3) && v.kind == Md5 {
            v.kind = Ja3;
        }
    }
    if values.is_empty() && !cell.is_empty() {
        let text = refang(cell).text;
        match kinds
            .iter()
            .find(|k| matches!(k, FileName | UserAgent | EmailSubject))
        {
            Some(FileName) => values.push(Value::new(FileName, crate::stix::base_name(&text))),
            Some(kind) => values.push(Value::new(*kind, text)),
            None => {}
        }
    }
    values
}

/// A row without header: `type,value`, or a value and what is said of it.
fn bare(row: &Row<'_>, cells: &[String], into: &mut Collector<'_>) {
    let mut cursor = 0;
    let mut first = None;
    let kinds = cells.iter().take(3).find_map(|c| type_word(c));
    for (i, cell) in cells.iter().enumerate() {
        let offset = row.offset(cell, &mut cursor);
        let given = Given {
            written: cell,
            offset,
            by: "a value of the table",
            ..Default::default()
        };
        if is_pattern(cell) {
            crate::stix::lone_pattern(cell, offset, (None, None), into);
            first.get_or_insert(i);
            continue;
        }
        if type_word(cell).is_some() {
            continue;
        }
        let values = read_cell(cell);
        if values.is_empty() {
            // A file name or user agent where the type says so, directly beside it.
            let named = value::file_like(cell) == value::FileLike::Yes && !cell.contains('/');
            if first.is_none() && (kinds.is_some() || named) && i < 2 {
                for value in typed(cell, kinds) {
                    into.give(value, &given);
                    first.get_or_insert(i);
                }
            } else if cell.contains(' ') {
                let mut back = cursor.saturating_sub(cell.len());
                comment(row, cell, &mut back, into);
            }
            continue;
        }
        let later = first.is_some();
        first.get_or_insert(i);
        for (value, written) in values {
            let defanged = !refang(&written).marks.is_empty();
            if later && value.kind == Url && !defanged {
                into.refuse(
                    value,
                    &given,
                    "a link in a further column of the table: a reference",
                );
            } else {
                into.give(value, &given);
            }
        }
    }
    if first.is_none() {
        into.problem(format!(
            "row {}: no value of a kind known here: {}",
            row.number,
            cut(row.raw.trim(), 120)
        ));
    }
}

/// Values named in what is said of another value.
fn comment(row: &Row<'_>, cell: &str, cursor: &mut usize, into: &mut Collector<'_>) {
    let offset = row.offset(cell, cursor);
    let refanged = refang(cell);
    for c in scan::candidates(&refanged) {
        let at = offset + refanged.map.input(c.start) as u64;
        let given = Given {
            written: &refanged.text[c.start..c.end],
            offset: at,
            ..Default::default()
        };
        into.refuse(
            c.value,
            &given,
            "named in a comment of the table, not given as a value",
        );
    }
}
