//! Zeek's logs other than conn.log: http, dns, smtp, ssl, files, notice; as tab-separated values
//! and as JSON lines, one log a file or several in one (`_path` tells).
//!
//! Fields are those of <https://docs.zeek.org/en/current/script-reference/log-files.html>; JA3 and
//! JA4 fields are those of the packages of these names. Other logs of Zeek are recognised and
//! ignored, so that they are counted. `flow_uid` is Zeek's connection identifier, which conn.log
//! has as `label`.
//!
//! **To add a log of Zeek: one function in [`records`], one line in [`Log::of`].**

mod records;

use crate::flows::stream_lines;
use crate::json::{self, Value};
use crate::stamp::Clock;
use crate::{Context, Line, LogFormat, Mode, each_line};
use std::borrow::Cow;
use std::io::{self, Read};
use vauban_ocsf::{EventSink, Timestamp};

/// Tab-separated logs, with their `#fields` header.
pub static ZEEK_TSV: ZeekTsv = ZeekTsv;

/// JSON lines.
pub static ZEEK_JSON: ZeekJson = ZeekJson;

/// See [`ZEEK_TSV`].
pub struct ZeekTsv;

/// See [`ZEEK_JSON`].
pub struct ZeekJson;

/// Which log a record is of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Log {
    Conn,
    Http,
    Dns,
    Smtp,
    Ssl,
    Files,
    Notice,
    Other,
}

impl Log {
    /// By name: `#path`, `_path`.
    fn of(path: &str) -> Self {
        match path {
            "conn" => Self::Conn,
            "http" => Self::Http,
            "dns" => Self::Dns,
            "smtp" => Self::Smtp,
            "ssl" => Self::Ssl,
            "files" => Self::Files,
            "notice" => Self::Notice,
            _ => Self::Other,
        }
    }

    /// By the fields that only one log has: plain JSON logs do not name themselves.
    fn told_by(row: &Row<'_>) -> Self {
        let has = |name: &str| row.values.iter().any(|(key, _)| *key == name);
        if has("conn_state") {
            Self::Conn
        } else if has("note") && has("msg") {
            Self::Notice
        } else if has("trans_id") || has("qtype") {
            Self::Dns
        } else if has("trans_depth") {
            if has("last_reply") || has("mailfrom") || has("helo") {
                Self::Smtp
            } else {
                Self::Http
            }
        } else if has("fuid") && has("seen_bytes") {
            Self::Files
        } else if has("established") || has("cert_chain_fuids") || has("cert_chain_fps") {
            Self::Ssl
        } else {
            Self::Other
        }
    }
}

/// Fields of a record that are set. Elements of sets and vectors are one a line.
pub(super) struct Row<'a> {
    values: Vec<(&'a str, Cow<'a, str>)>,
}

impl Row<'_> {
    /// A field, `""` if it is not set.
    pub(super) fn get(&self, name: &str) -> &str {
        self.values
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    }

    /// First element of a set or vector.
    pub(super) fn first(&self, name: &str) -> &str {
        self.get(name).lines().next().unwrap_or_default()
    }

    pub(super) fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.get(name).parse().ok()
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            "T" | "true" => Some(true),
            "F" | "false" => Some(false),
            _ => None,
        }
    }

    pub(super) fn time(&self, name: &str, clock: &Clock<'_>) -> Option<Timestamp> {
        crate::flows::zeek_time(self.get(name), clock)
    }
}

impl LogFormat for ZeekTsv {
    fn name(&self) -> &'static str {
        "zeek"
    }

    fn mode(&self) -> Mode {
        Mode::Stream
    }

    fn sniff(&self, _: &str, head: &[u8]) -> u8 {
        let start = String::from_utf8_lossy(head.get(..4096).unwrap_or(head));
        if start.starts_with("#separator") && start.contains("\n#path") {
            // conn.log's own format is surer of itself.
            90
        } else {
            0
        }
    }

    fn parse(&self, context: &Context, bytes: &[u8], _: u64, sink: &mut dyn EventSink) {
        let mut reader = bytes;
        // Reading from memory cannot fail.
        let _ = self.parse_stream(context, &mut reader, sink);
    }

    fn parse_stream(
        &self,
        context: &Context,
        reader: &mut dyn Read,
        sink: &mut dyn EventSink,
    ) -> io::Result<()> {
        let clock = Clock::new(&context.time);
        let mut header = Header::default();
        stream_lines(context, reader, sink, |line, sink| {
            if line.text.starts_with('#') {
                header.read(line.text);
                return sink.ignored(line.evidence, None);
            }
            if header.fields.is_empty() {
                return sink.unparsed(line.evidence, "before the #fields header");
            }
            let row = Row {
                values: header
                    .fields
                    .iter()
                    .zip(line.text.split('\t'))
                    .filter(|(_, value)| *value != "-" && *value != "(empty)")
                    .map(|((name, many), value)| (name.as_str(), unescaped(value, *many)))
                    .collect(),
            };
            records::give(header.log, &row, line, &clock, sink);
        })
    }
}

/// What `#fields`, `#types` and `#path` say.
struct Header {
    log: Log,
    /// Names, and whether the field is a set or vector.
    fields: Vec<(String, bool)>,
}

impl Default for Header {
    fn default() -> Self {
        Self {
            log: Log::Other,
            fields: Vec::new(),
        }
    }
}

impl Header {
    fn read(&mut self, line: &str) {
        let mut parts = line.split('\t');
        match parts.next() {
            Some("#path") => self.log = Log::of(parts.next().unwrap_or_default()),
            Some("#fields") => self.fields = parts.map(|name| (name.to_owned(), false)).collect(),
            Some("#types") => {
                for (field, kind) in self.fields.iter_mut().zip(parts) {
                    field.1 = kind.starts_with("set[") || kind.starts_with("vector[");
                }
            }
            _ => {}
        }
    }
}

/// Undoes `\xhh`, with which Zeek writes tabs, commas within elements and what is not printable,
/// and `\\`, a backslash.
/// Elements of sets and vectors come out one a line.
fn unescaped(value: &str, many: bool) -> Cow<'_, str> {
    let escapes = memchr::memchr(b'\\', value.as_bytes()).is_some();
    let listed = many && value.contains(',');
    if !(escapes || listed) {
        return value.into();
    }
    let mut bytes = Vec::with_capacity(value.len());
    let raw = value.as_bytes();
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        let escape = (byte == b'\\' && raw.get(at + 1) == Some(&b'x'))
            .then(|| raw.get(at + 2..at + 4))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match escape {
            Some(escaped) => {
                bytes.push(escaped);
                at += 4;
            }
            None if byte == b'\\' && raw.get(at + 1) == Some(&b'\\') => {
                bytes.push(byte);
                at += 2;
            }
            None => {
                bytes.push(if many && byte == b',' { b'\n' } else { byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// The members of a JSON line.
fn json_row(line: &str) -> Option<Row<'_>> {
    let mut values = Vec::with_capacity(24);
    json::members(line, |key, value| {
        let value = match value {
            Value::Nested(list) => {
                let mut all = String::new();
                // An object holds nothing that is asked for.
                let _ = json::elements(list, |element| {
                    if !all.is_empty() {
                        all.push('\n');
                    }
                    all.push_str(&element.text());
                });
                Cow::Owned(all)
            }
            value => value.text(),
        };
        if !value.is_empty() {
            values.push((key, value));
        }
    })?;
    Some(Row { values })
}

/// The log that a row is of, if it is Zeek's at all.
fn log_of(row: &Row<'_>) -> Option<Log> {
    let path = row.get("_path");
    if !path.is_empty() && !row.get("ts").is_empty() {
        return Some(Log::of(path));
    }
    let zeek = !row.get("id.orig_h").is_empty()
        || !row.get("fuid").is_empty()
        || !row.get("note").is_empty();
    (zeek && !row.get("ts").is_empty()).then(|| Log::told_by(row))
}

impl LogFormat for ZeekJson {
    fn name(&self) -> &'static str {
        "zeek-json"
    }

    fn sniff(&self, _: &str, head: &[u8]) -> u8 {
        let others = std::cell::Cell::new(false);
        let share = crate::web::sniff_lines(head, |line, _| {
            let log = json_row(line).as_ref().and_then(log_of);
            others.set(others.get() || log.is_some_and(|log| log != Log::Conn));
            log.is_some()
        });
        // A file of conn records only is for conn.log's own format.
        if others.get() { share / 20 * 19 } else { 0 }
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        let clock = Clock::new(&context.time);
        each_line(context, bytes, offset, sink, |line, sink| {
            let row = json_row(line.text);
            match row.as_ref().and_then(log_of) {
                Some(Log::Conn) => conn(line, &clock, sink),
                Some(log) => {
                    if let Some(row) = &row {
                        records::give(log, row, line, &clock, sink);
                    }
                }
                None => sink.unparsed(line.evidence, "no record of Zeek"),
            }
        });
    }
}

fn conn(line: &Line<'_>, clock: &Clock<'_>, sink: &mut dyn EventSink) {
    if !crate::flows::zeek_conn_line(line, clock, sink) {
        sink.unparsed(line.evidence, "conn record without time or address");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        assert_eq!(unescaped("a,b", false), "a,b");
        assert_eq!(unescaped("a,b", true), "a\nb");
        assert_eq!(
            unescaped("a\\x2cb,c\\x09d\\xzz\\x", true),
            "a,b\nc\td\\xzz\\x"
        );
        assert_eq!(unescaped("O=VMware\\\\, Inc\\", false), "O=VMware\\, Inc\\");
        assert_eq!(unescaped("caf\\xc3\\xa9", false), "café");
    }
}
