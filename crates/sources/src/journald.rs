//! systemd's journal as `journalctl -o json` and `-o export` write it.
//!
//! The fields are systemd's own (systemd.journal-fields(7)), the message is a program's, read by
//! the same parsers as in syslog. A message can be bytes instead of text: an array of numbers in
//! JSON, a length and raw bytes in the export format
//! (<https://systemd.io/JOURNAL_EXPORT_FORMATS/>).

use crate::syslog::{Out, Record, dispatch};
use crate::{Context, LogFormat, Mode, each_line, field, json};
use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};
use vauban_ocsf::{EventSink, Evidence, Timestamp};

/// What is used of an entry's fields.
#[derive(Default)]
struct Entry<'a> {
    message: Option<Cow<'a, str>>,
    identifier: Cow<'a, str>,
    command: Cow<'a, str>,
    host: Cow<'a, str>,
    pid: Option<u32>,
    syslog_pid: Option<u32>,
    source: Option<i64>,
    received: Option<i64>,
}

impl<'a> Entry<'a> {
    fn set(&mut self, key: &str, value: Cow<'a, str>) {
        let micros = |text: &str| field::number(text).and_then(|n| i64::try_from(n).ok());
        match key {
            "MESSAGE" => self.message = Some(value),
            "SYSLOG_IDENTIFIER" => self.identifier = value,
            "_COMM" => self.command = value,
            "_HOSTNAME" => self.host = value,
            "_PID" => self.pid = field::number32(&value),
            "SYSLOG_PID" => self.syslog_pid = field::number32(&value),
            "_SOURCE_REALTIME_TIMESTAMP" => self.source = micros(&value),
            "__REALTIME_TIMESTAMP" => self.received = micros(&value),
            _ => {}
        }
    }

    fn deliver(&self, evidence: Evidence, sink: &mut dyn EventSink) {
        let Some(micros) = self.source.or(self.received) else {
            return sink.unparsed(evidence, "journal entry without time");
        };
        let Some(message) = &self.message else {
            return sink.unparsed(evidence, "journal entry without message");
        };
        let tag = if self.identifier.is_empty() {
            &*self.command
        } else {
            &*self.identifier
        };
        let record = Record {
            time: Timestamp(micros),
            evidence,
            host: &self.host,
            tag,
            program: tag.rsplit('/').next().unwrap_or(tag),
            pid: self.syslog_pid.or(self.pid),
            // A message of several lines is one record; parsers see its first line's grammar.
            message: message.trim_end(),
            repeated: 1,
        };
        // An entry of no known program is no Exim line for lack of a tag.
        let mut out = Out::new(sink);
        let _ = if tag.is_empty() {
            out.ignored(&record)
        } else {
            dispatch(&record, &mut out)
        };
    }
}

/// `journalctl -o json`: an object a line.
pub struct JournalJson;

impl LogFormat for JournalJson {
    fn name(&self) -> &'static str {
        "journald-json"
    }

    fn sniff(&self, _path: &str, head: &[u8]) -> u8 {
        let has = |key: &[u8]| memchr::memmem::find(head, key).is_some();
        if head.first() == Some(&b'{') && has(b"\"__REALTIME_TIMESTAMP\"") {
            95
        } else {
            0
        }
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        each_line(context, bytes, offset, sink, |line, sink| {
            let mut entry = Entry::default();
            let whole = json::members(line.text, |key, value| match value {
                json::Value::Nested(list) => {
                    if let Some(text) = byte_array(list) {
                        entry.set(key, text.into());
                    }
                }
                json::Value::Plain("null") => {}
                value => entry.set(key, value.text()),
            });
            match whole {
                Some(()) => entry.deliver(line.evidence, sink),
                None => sink.unparsed(line.evidence, "not a whole JSON object"),
            }
        });
    }
}

/// `[104,105]` as text.
fn byte_array(list: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut sound = true;
    json::elements(list, |element| {
        match element.number().and_then(|n| u8::try_from(n).ok()) {
            Some(byte) => bytes.push(byte),
            None => sound = false,
        }
    })?;
    sound.then(|| String::from_utf8_lossy(&bytes).into_owned())
}

/// `journalctl -o export`: fields a line each, entries parted by an empty line.
pub struct JournalExport;

/// Longest field kept; the journal itself allows more, no message of interest is.
const FIELD: u64 = 1 << 20;

impl LogFormat for JournalExport {
    fn name(&self) -> &'static str {
        "journald-export"
    }

    fn sniff(&self, _path: &str, head: &[u8]) -> u8 {
        let begins = head.starts_with(b"__CURSOR=") || head.starts_with(b"__REALTIME_TIMESTAMP=");
        if begins { 98 } else { 0 }
    }

    fn mode(&self) -> Mode {
        Mode::Stream
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        // Reading from memory does not fail.
        let _ = export(context, &mut &*bytes, offset, sink);
    }

    fn parse_stream(
        &self,
        context: &Context,
        reader: &mut dyn Read,
        sink: &mut dyn EventSink,
    ) -> io::Result<()> {
        export(context, reader, 0, sink)
    }
}

fn export(
    context: &Context,
    reader: &mut dyn Read,
    offset: u64,
    sink: &mut dyn EventSink,
) -> io::Result<()> {
    let mut reader = BufReader::new(reader);
    let mut at = offset;
    let mut start = at;
    let mut entry = Entry::default();
    let mut any = false;
    let mut broken = None;
    let mut line = Vec::new();
    let give = |entry: &Entry<'_>,
                start: u64,
                end: u64,
                broken: Option<&'static str>,
                sink: &mut dyn EventSink| {
        let length = u32::try_from(end.saturating_sub(start)).unwrap_or(u32::MAX);
        let evidence = Evidence {
            artefact: context.artefact,
            offset: start,
            length,
        };
        match broken {
            Some(why) => sink.unparsed(evidence, why),
            None => entry.deliver(evidence, sink),
        }
    };
    let mut end = at;
    loop {
        line.clear();
        let mut read = (&mut reader).take(FIELD).read_until(b'\n', &mut line)? as u64;
        let whole = line.last() == Some(&b'\n');
        if read == FIELD && !whole {
            read += discard_line(&mut reader)?;
            broken = Some("journal field longer than 1 MiB");
            line.clear();
        }
        at += read;
        if read == 0 || line.as_slice() == b"\n" {
            if any {
                give(&entry, start, end, broken, sink);
            }
            if read == 0 {
                return Ok(());
            }
            (entry, any, broken, start) = (Entry::default(), false, None, at);
            continue;
        }
        if !any {
            start = at - read;
        }
        any = true;
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        end = at - u64::from(whole);
        match memchr::memchr(b'=', text) {
            Some(equals) => {
                let key = String::from_utf8_lossy(&text[..equals]).into_owned();
                let value = String::from_utf8_lossy(&text[equals + 1..]).into_owned();
                entry.set(&key, value.into());
            }
            None if line.is_empty() => {}
            None => {
                // A name alone: eight bytes of length (little endian), that many bytes, newline.
                let key = String::from_utf8_lossy(text).into_owned();
                let mut length = [0; 8];
                if let Err(error) = reader.read_exact(&mut length) {
                    give(&entry, start, end, Some("journal entry cut short"), sink);
                    return if error.kind() == io::ErrorKind::UnexpectedEof {
                        Ok(())
                    } else {
                        Err(error)
                    };
                }
                let length = u64::from_le_bytes(length);
                let mut value = Vec::new();
                let mut got = (&mut reader)
                    .take(length.min(FIELD))
                    .read_to_end(&mut value)? as u64;
                if got < length {
                    got += io::copy(&mut (&mut reader).take(length - got), &mut io::sink())?;
                    if got == length {
                        broken = Some("journal field longer than 1 MiB");
                    }
                }
                at = at.saturating_add(8).saturating_add(got);
                end = at;
                if got < length {
                    give(&entry, start, end, Some("journal entry cut short"), sink);
                    return Ok(());
                }
                let mut newline = [0; 1];
                if reader.read(&mut newline)? == 1 {
                    at += 1;
                }
                entry.set(&key, String::from_utf8_lossy(&value).into_owned().into());
            }
        }
    }
}

/// Reads to the end of the line; how many bytes that were.
fn discard_line(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut total = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(total);
        }
        let (used, done) = match memchr::memchr(b'\n', buffer) {
            Some(newline) => (newline + 1, true),
            None => (buffer.len(), false),
        };
        reader.consume(used);
        total += used as u64;
        if done {
            return Ok(total);
        }
    }
}
