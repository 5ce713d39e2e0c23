//! `nfdump -o csv`.
//!
//! Columns are taken by the names in the header, which changed: 1.6 and 1.7 write
//! `ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,…`, later versions
//! `firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,…`. A summary follows
//! the records. Stamps have no offset: they are in the zone of the host that ran nfdump.
//!
//! A NetFlow record is one direction of a connection. Its sender is taken for the initiator,
//! unless the ports say that it is the server: then source and destination are exchanged, the
//! bytes are `bytes_in`, and the label is "reply".

use super::{protocol, stream_lines};
use crate::stamp::{self, Clock};
use crate::web::ip;
use crate::{Context, Line, LogFormat, Mode};
use std::io::{self, Read};
use vauban_ocsf::{Body, Event, EventSink, NetAction, Network, Product, Timestamp};

/// nfdump's CSV.
pub static NFDUMP: Nfdump = Nfdump;

/// See [`NFDUMP`].
pub struct Nfdump;

/// Ports of services that a mail server offers or uses above 1023.
const SERVICES: &[u16] = &[
    4190, 2000, 2525, 3128, 3306, 5432, 6379, 8000, 8080, 8443, 8888,
];

/// Turns a one-way record round if its source is the server's side.
pub(super) fn orient(network: &mut Network<'_>) {
    let serves = |port: Option<u16>| port.is_some_and(|p| p < 1024 || SERVICES.contains(&p));
    if serves(network.src_port) && !serves(network.dst_port) && network.dst_port.is_some() {
        std::mem::swap(&mut network.src_ip, &mut network.dst_ip);
        std::mem::swap(&mut network.src_port, &mut network.dst_port);
        std::mem::swap(&mut network.bytes_out, &mut network.bytes_in);
        std::mem::swap(&mut network.packets_out, &mut network.packets_in);
        network.label = "reply";
    }
}

fn is_header(line: &str) -> bool {
    line.starts_with("ts,te,td,") || line.starts_with("firstSeen,")
}

impl LogFormat for Nfdump {
    fn name(&self) -> &'static str {
        "nfdump-csv"
    }

    fn mode(&self) -> Mode {
        Mode::Stream
    }

    fn sniff(&self, _: &str, head: &[u8]) -> u8 {
        let text = String::from_utf8_lossy(head.get(..4096.min(head.len())).unwrap_or_default());
        if text.lines().take(5).any(is_header) {
            95
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
            if is_header(line.text) {
                columns = line.text.split(',').map(|c| c.trim().to_owned()).collect();
                return sink.ignored(line.evidence, None);
            }
            if line.text == "Summary" || line.text == "No matching flows" {
                columns.clear();
                return sink.ignored(line.evidence, None);
            }
            if columns.is_empty() {
                // The summary's own header and figures, or notices before the first header.
                return sink.ignored(line.evidence, None);
            }
            if !record(&columns, line, &clock, sink) {
                sink.unparsed(line.evidence, "no nfdump record");
            }
        })
    }
}

fn record(
    columns: &[String],
    line: &Line<'_>,
    clock: &Clock<'_>,
    sink: &mut dyn EventSink,
) -> bool {
    let (mut first, mut last, mut duration_us) = (None, None, None);
    let mut network = Network {
        bytes_are_ip: true,
        action: NetAction::Allowed,
        ..Network::default()
    };
    let (mut out_packets, mut out_bytes) = (None, None);
    for (column, value) in columns.iter().zip(line.text.split(',')) {
        let value = value.trim();
        match column.as_str() {
            "ts" | "firstSeen" => first = time(value, clock),
            "te" | "lastSeen" => last = time(value, clock),
            "td" | "duration" => {
                duration_us = value.parse::<f64>().ok().map(|s| (s * 1e6) as i64);
            }
            "sa" | "srcAddr" => network.src_ip = ip(value),
            "da" | "dstAddr" => network.dst_ip = ip(value),
            "sp" | "srcPort" => network.src_port = value.parse().ok(),
            // ICMP's type and code are written as `8.0`.
            "dp" | "dstPort" => network.dst_port = value.parse().ok(),
            "pr" | "proto" => network.protocol = protocol(value).unwrap_or(0),
            "flg" | "flags" => network.state = value,
            "ipkt" | "packets" | "inPackets" => network.packets_out = value.parse().ok(),
            "ibyt" | "bytes" | "inBytes" => network.bytes_out = value.parse().ok(),
            "opkt" | "outPackets" => out_packets = value.parse::<u64>().ok(),
            "obyt" | "outBytes" => out_bytes = value.parse::<u64>().ok(),
            _ => {}
        }
    }
    let Some(first) = first.filter(|_| network.src_ip.is_some()) else {
        return false;
    };
    // nfdump 1.7.1 writes the counts of a one-way record into the columns of the other direction;
    // a record without a packet of its own does not exist.
    if network.packets_out == Some(0) && out_packets.is_some_and(|packets| packets > 0) {
        network.packets_out = out_packets;
        network.bytes_out = out_bytes;
    } else if out_packets.is_some_and(|packets| packets > 0) {
        network.packets_in = out_packets;
        network.bytes_in = out_bytes;
    }
    if !matches!(network.protocol, 6 | 17 | 132) {
        (network.src_port, network.dst_port) = (None, None);
    }
    if network.packets_in.is_none() {
        orient(&mut network);
    }
    network.start = Some(first);
    let end = duration_us.map(|micros| Timestamp(first.0.saturating_add(micros)));
    sink.event(&Event {
        time: last.max(end).unwrap_or(first),
        evidence: line.evidence,
        product: Product::Nfdump,
        host: "",
        pid: None,
        body: Body::Network(network),
    });
    true
}

fn time(text: &str, clock: &Clock<'_>) -> Option<Timestamp> {
    stamp::rfc3339(text.as_bytes(), clock)
        .or_else(|| stamp::epoch(text.as_bytes()))
        .map(|(time, _)| time)
}
