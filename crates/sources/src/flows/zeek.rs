//! Zeek's conn.log, TSV with its `#fields` header and JSON.
//!
//! `ts` is the first packet; the event's time is `ts + duration`. Bytes are `orig_bytes` and
//! `resp_bytes` (payload, by sequence numbers); where Zeek could not tell, `orig_ip_bytes` and
//! `resp_ip_bytes` stand in, and `bytes_are_ip` says so. `label` is Zeek's uid.
//! <https://docs.zeek.org/en/current/logs/conn.html>

use super::{protocol, stream_lines};
use crate::stamp::{self, Clock};
use crate::web::{ip, sniff_lines};
use crate::{Context, Line, LogFormat, Mode, each_line};
use serde::Deserialize;
use std::borrow::Cow;
use std::io::{self, Read};
use vauban_ocsf::{Body, Event, EventSink, NetAction, Network, Product, Timestamp};

/// conn.log as tab-separated values.
pub static ZEEK_CONN: ZeekConn = ZeekConn;

/// conn.log as JSON lines.
pub static ZEEK_CONN_JSON: ZeekConnJson = ZeekConnJson;

/// See [`ZEEK_CONN`].
pub struct ZeekConn;

/// See [`ZEEK_CONN_JSON`].
pub struct ZeekConnJson;

/// The columns that are read.
#[derive(Default)]
struct Row<'a> {
    ts: Option<Timestamp>,
    duration_us: Option<i64>,
    src: &'a str,
    sport: Option<u16>,
    dst: &'a str,
    dport: Option<u16>,
    proto: &'a str,
    state: &'a str,
    uid: &'a str,
    orig_bytes: Option<u64>,
    resp_bytes: Option<u64>,
    orig_ip_bytes: Option<u64>,
    resp_ip_bytes: Option<u64>,
    orig_pkts: Option<u64>,
    resp_pkts: Option<u64>,
}

fn give(row: &Row<'_>, line: &Line<'_>, sink: &mut dyn EventSink) -> bool {
    let (Some(ts), Some(src)) = (row.ts, ip(row.src)) else {
        return false;
    };
    let payload = row.orig_bytes.is_some() || row.resp_bytes.is_some();
    let (bytes_out, bytes_in) = if payload {
        (row.orig_bytes, row.resp_bytes)
    } else {
        (row.orig_ip_bytes, row.resp_ip_bytes)
    };
    let unanswered = match row.state {
        // Attempts seen without any reply (S0), or packets of one side only.
        "S0" | "SH" => Some(true),
        "" => row.resp_pkts.map(|packets| packets == 0),
        _ => Some(row.resp_pkts == Some(0)),
    };
    sink.event(&Event {
        time: Timestamp(ts.0.saturating_add(row.duration_us.unwrap_or(0))),
        evidence: line.evidence,
        product: Product::Zeek,
        host: "",
        pid: None,
        body: Body::Network(Network {
            start: Some(ts),
            protocol: protocol(row.proto).unwrap_or(0),
            src_ip: Some(src),
            src_port: row.sport,
            dst_ip: ip(row.dst),
            dst_port: row.dport,
            bytes_out,
            bytes_in,
            packets_out: row.orig_pkts,
            packets_in: row.resp_pkts,
            bytes_are_ip: !payload,
            action: NetAction::Allowed,
            state: row.state,
            unanswered,
            label: row.uid,
            ..Network::default()
        }),
    });
    true
}

/// Seconds with a decimal fraction, as microseconds.
fn micros(text: &str) -> Option<i64> {
    let (whole, _) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().ok()?;
    let (fraction, _) = stamp::fraction(text.as_bytes(), whole.len());
    seconds
        .checked_mul(1_000_000)?
        .checked_add(i64::from(fraction))
}

/// `ts`: epoch seconds (of any size: replayed captures start at 0), or ISO 8601
/// (`LogAscii::json_timestamps`).
pub(crate) fn time(text: &str, clock: &Clock<'_>) -> Option<Timestamp> {
    micros(text)
        .map(Timestamp)
        .or_else(|| stamp::rfc3339(text.as_bytes(), clock).map(|(time, _)| time))
}

impl LogFormat for ZeekConn {
    fn name(&self) -> &'static str {
        "zeek-conn"
    }

    fn mode(&self) -> Mode {
        Mode::Stream
    }

    fn sniff(&self, path: &str, head: &[u8]) -> u8 {
        let text = String::from_utf8_lossy(head);
        if text.starts_with("#separator") && text.contains("\n#path\tconn") {
            95
        } else if path.contains("conn") && text.contains("#fields\tts\tuid\tid.orig_h") {
            80
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
        let mut columns: Vec<String> = Vec::new();
        stream_lines(context, reader, sink, |line, sink| {
            // Copies that went through a spreadsheet or a here-document are indented; no record
            // starts with an empty column.
            let text = line.text.trim_start();
            if let Some(header) = text.strip_prefix('#') {
                if let Some(fields) = header.strip_prefix("fields\t") {
                    columns = fields.split('\t').map(str::to_owned).collect();
                }
                return sink.ignored(line.evidence, None);
            }
            if columns.is_empty() {
                return sink.unparsed(line.evidence, "before the #fields header");
            }
            let mut row = Row::default();
            for (column, value) in columns.iter().zip(text.split('\t')) {
                if value == "-" || value == "(empty)" {
                    continue;
                }
                match column.as_str() {
                    "ts" => row.ts = time(value, &clock),
                    "duration" => row.duration_us = micros(value),
                    "uid" => row.uid = value,
                    "id.orig_h" => row.src = value,
                    "id.orig_p" => row.sport = value.parse().ok(),
                    "id.resp_h" => row.dst = value,
                    "id.resp_p" => row.dport = value.parse().ok(),
                    "proto" => row.proto = value,
                    "conn_state" => row.state = value,
                    "orig_bytes" => row.orig_bytes = value.parse().ok(),
                    "resp_bytes" => row.resp_bytes = value.parse().ok(),
                    "orig_ip_bytes" => row.orig_ip_bytes = value.parse().ok(),
                    "resp_ip_bytes" => row.resp_ip_bytes = value.parse().ok(),
                    "orig_pkts" => row.orig_pkts = value.parse().ok(),
                    "resp_pkts" => row.resp_pkts = value.parse().ok(),
                    _ => {}
                }
            }
            if !give(&row, line, sink) {
                sink.unparsed(line.evidence, "conn record without time or address");
            }
        })
    }
}

/// The keys of a JSON line.
#[derive(Deserialize)]
struct Json<'a> {
    #[serde(borrow)]
    ts: &'a serde_json::value::RawValue,
    #[serde(borrow, default)]
    duration: Option<&'a serde_json::value::RawValue>,
    #[serde(borrow, default)]
    uid: Cow<'a, str>,
    #[serde(borrow, rename = "id.orig_h")]
    src: Cow<'a, str>,
    #[serde(rename = "id.orig_p", default)]
    sport: Option<u16>,
    #[serde(borrow, rename = "id.resp_h")]
    dst: Cow<'a, str>,
    #[serde(rename = "id.resp_p", default)]
    dport: Option<u16>,
    #[serde(borrow)]
    proto: Cow<'a, str>,
    // Records of other logs have endpoints and a protocol, too; only conn has a state.
    #[serde(borrow)]
    conn_state: Cow<'a, str>,
    #[serde(default)]
    orig_bytes: Option<u64>,
    #[serde(default)]
    resp_bytes: Option<u64>,
    #[serde(default)]
    orig_ip_bytes: Option<u64>,
    #[serde(default)]
    resp_ip_bytes: Option<u64>,
    #[serde(default)]
    orig_pkts: Option<u64>,
    #[serde(default)]
    resp_pkts: Option<u64>,
}

impl Json<'_> {
    fn row(&self, clock: &Clock<'_>) -> Row<'_> {
        let bare = |raw: &serde_json::value::RawValue| raw.get().trim_matches('"').to_owned();
        Row {
            ts: time(&bare(self.ts), clock),
            duration_us: self.duration.and_then(|raw| duration(&bare(raw))),
            src: &self.src,
            sport: self.sport,
            dst: &self.dst,
            dport: self.dport,
            proto: &self.proto,
            state: &self.conn_state,
            uid: &self.uid,
            orig_bytes: self.orig_bytes,
            resp_bytes: self.resp_bytes,
            orig_ip_bytes: self.orig_ip_bytes,
            resp_ip_bytes: self.resp_ip_bytes,
            orig_pkts: self.orig_pkts,
            resp_pkts: self.resp_pkts,
        }
    }
}

/// A duration in JSON, where tiny ones come as `9.5367431640625e-07`.
fn duration(text: &str) -> Option<i64> {
    if text.contains(['e', 'E']) {
        let seconds: f64 = text.parse().ok()?;
        return Some((seconds * 1e6) as i64);
    }
    micros(text)
}

/// Reads a conn record as JSON; `false` if it has no time or address.
pub(crate) fn conn_line(line: &Line<'_>, clock: &Clock<'_>, sink: &mut dyn EventSink) -> bool {
    serde_json::from_str::<Json<'_>>(line.text).is_ok_and(|json| give(&json.row(clock), line, sink))
}

impl LogFormat for ZeekConnJson {
    fn name(&self) -> &'static str {
        "zeek-conn-json"
    }

    fn sniff(&self, _: &str, head: &[u8]) -> u8 {
        sniff_lines(head, |line, _| {
            line.starts_with('{') && serde_json::from_str::<Json<'_>>(line).is_ok()
        }) / 10
            * 9
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        let clock = Clock::new(&context.time);
        each_line(
            context,
            bytes,
            offset,
            sink,
            |line, sink| match serde_json::from_str::<Json<'_>>(line.text) {
                Ok(json) if give(&json.row(&clock), line, sink) => {}
                Ok(_) => sink.unparsed(line.evidence, "conn record without time or address"),
                Err(_) => sink.unparsed(line.evidence, "no conn record"),
            },
        );
    }
}
