//! Records of who talked to whom, and how much.
//!
//! - `conntrack`: `conntrack -E` and `-L` text;
//! - `zeek`: conn.log, TSV and JSON;
//! - `suricata`: EVE `flow` and `netflow`, `eve` its other events;
//! - `nfdump`: `nfdump -o csv`;
//! - `pcap`: captures, summed to flows.
//!
//! All become Network Activity with the initiator as source. `bytes_are_ip` says what is counted:
//! conntrack, nfdump and captures count IP packets, Zeek's byte columns count payload.

mod conntrack;
mod eve;
mod nfdump;
mod pcap;
mod suricata;
mod zeek;

pub use conntrack::CONNTRACK;
pub use nfdump::NFDUMP;
pub use pcap::PCAP;
pub use suricata::SURICATA;
pub use zeek::{ZEEK_CONN, ZEEK_CONN_JSON};
pub(crate) use zeek::{conn_line as zeek_conn_line, time as zeek_time};

use crate::{Context, Line, MAX_LINE, each_line};
use std::io::{self, Read};
use vauban_ocsf::{EventSink, Evidence};

/// IANA protocol number of a name in any case, or of a number.
pub(crate) fn protocol(name: &str) -> Option<u8> {
    const NAMES: &[(&str, u8)] = &[
        ("tcp", 6),
        ("udp", 17),
        ("icmp", 1),
        ("icmp6", 58),
        ("icmpv6", 58),
        ("ipv6-icmp", 58),
        ("sctp", 132),
        ("gre", 47),
        ("esp", 50),
        ("ah", 51),
        ("igmp", 2),
        ("dccp", 33),
        ("udplite", 136),
        ("ospf", 89),
        ("unknown", 0),
        ("unknown_transport", 0),
    ];
    NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|&(_, number)| number)
        .or_else(|| name.parse().ok())
}

/// Reads lines off a stream with bounded memory, for formats whose header rules what follows.
pub(crate) fn stream_lines(
    context: &Context,
    reader: &mut dyn Read,
    sink: &mut dyn EventSink,
    mut each: impl FnMut(&Line<'_>, &mut dyn EventSink),
) -> io::Result<()> {
    let mut buffer: Vec<u8> = Vec::new();
    let mut offset = 0u64;
    // Bytes of an over-long line that were thrown away, and where it began.
    let mut dropped: Option<(u64, u64)> = None;
    let mut block = vec![0; 256 << 10];
    loop {
        let read = match reader.read(&mut block) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                finish(context, &buffer, offset, dropped, sink, &mut each);
                return Err(error);
            }
        };
        if read == 0 {
            finish(context, &buffer, offset, dropped, sink, &mut each);
            return Ok(());
        }
        let mut fresh = block.get(..read).unwrap_or_default();
        if let Some((start, length)) = dropped {
            match memchr::memchr(b'\n', fresh) {
                Some(newline) => {
                    let length = length + newline as u64;
                    sink.unparsed(over_long(context, start, length), TOO_LONG);
                    dropped = None;
                    offset = start + length + 1;
                    fresh = fresh.get(newline + 1..).unwrap_or_default();
                }
                None => {
                    dropped = Some((start, length + fresh.len() as u64));
                    continue;
                }
            }
        }
        buffer.extend_from_slice(fresh);
        if let Some(newline) = memchr::memrchr(b'\n', &buffer) {
            let whole = buffer.get(..=newline).unwrap_or_default();
            each_line(context, whole, offset, sink, &mut each);
            offset += newline as u64 + 1;
            buffer.drain(..=newline);
        }
        if buffer.len() > MAX_LINE {
            dropped = Some((offset, buffer.len() as u64));
            buffer.clear();
        }
    }
}

const TOO_LONG: &str = "line longer than 1 MiB";

fn over_long(context: &Context, offset: u64, length: u64) -> Evidence {
    Evidence {
        artefact: context.artefact,
        offset,
        length: u32::try_from(length).unwrap_or(u32::MAX),
    }
}

fn finish(
    context: &Context,
    buffer: &[u8],
    offset: u64,
    dropped: Option<(u64, u64)>,
    sink: &mut dyn EventSink,
    each: &mut impl FnMut(&Line<'_>, &mut dyn EventSink),
) {
    if let Some((start, length)) = dropped {
        sink.unparsed(over_long(context, start, length), TOO_LONG);
    } else {
        each_line(context, buffer, offset, sink, each);
    }
}
