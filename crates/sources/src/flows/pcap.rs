//! Packet captures (pcap, pcapng), summed to flows.
//!
//! One pass, bounded memory: a table of at most [`MAX_FLOWS`] flows; one that has been closed or
//! quiet for a while is given out, and so are the longest quiet ones when the table is full. Bytes
//! are those of the IP header's length field, so that a short snapshot length loses nothing.
//!
//! A flow's evidence is its first packet's record. Packets that are no IP are ignored, records
//! that cannot be read unparsed; of a capture that is cut short everything before is used.

use crate::{Context, LogFormat, Mode};
use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket};
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{Block, LegacyPcapReader, Linktype, PcapBlockOwned, PcapError, PcapNGReader};
use std::collections::HashMap;
use std::io::{self, Read};
use std::net::IpAddr;
use vauban_ocsf::{
    Body, Event, EventSink, Evidence, MINUTE, NetAction, Network, Product, SECOND, Timestamp,
};

/// Most flows held at once (about 20 MB).
const MAX_FLOWS: usize = 100_000;

/// Largest record that is read.
const MAX_RECORD: usize = 16 << 20;

/// How long a flow may be quiet before it is given out: a closed one, one of TCP (mail clients
/// stay idle for half an hour), any other.
const CLOSED_QUIET: i64 = 30 * SECOND;
const TCP_QUIET: i64 = 60 * MINUTE;
const OTHER_QUIET: i64 = 5 * MINUTE;

/// Captures.
pub static PCAP: Pcap = Pcap;

/// See [`PCAP`].
pub struct Pcap;

impl LogFormat for Pcap {
    fn name(&self) -> &'static str {
        "pcap"
    }

    fn mode(&self) -> Mode {
        Mode::Stream
    }

    fn sniff(&self, _: &str, head: &[u8]) -> u8 {
        match head.get(..4) {
            Some(
                [0xd4, 0xc3, 0xb2, 0xa1]
                | [0xa1, 0xb2, 0xc3, 0xd4]
                | [0x4d, 0x3c, 0xb2, 0xa1]
                | [0xa1, 0xb2, 0x3c, 0x4d]
                | [0x0a, 0x0d, 0x0d, 0x0a],
            ) => 100,
            _ => 0,
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
        // The parser reads once and wants the whole header in it.
        let mut start = vec![0; 64 << 10];
        let mut filled = 0;
        while let Some(rest) = start.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match reader.read(rest) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        start.truncate(filled);
        let failure = std::cell::RefCell::new(None);
        let source = Keeping {
            reader: start.as_slice().chain(reader),
            failure: &failure,
        };
        let whole = |length: usize| Evidence {
            artefact: context.artefact,
            offset: 0,
            length: u32::try_from(length).unwrap_or(u32::MAX),
        };
        // The parser's own choice needs a reader that can change threads; this one cannot.
        let mut capture: Box<dyn PcapReaderIterator + '_> =
            if start.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
                match PcapNGReader::new(1 << 20, source) {
                    Ok(capture) => Box::new(capture),
                    Err(_) => {
                        sink.unparsed(whole(filled), "pcapng header cannot be read");
                        return failure.into_inner().map_or(Ok(()), Err);
                    }
                }
            } else {
                match LegacyPcapReader::new(1 << 20, source) {
                    Ok(capture) => Box::new(capture),
                    Err(_) => {
                        sink.unparsed(whole(filled), "pcap header cannot be read");
                        return failure.into_inner().map_or(Ok(()), Err);
                    }
                }
            };
        let mut table = Table::default();
        walk(context, &mut *capture, &mut table, sink);
        table.give_out(|_| true, sink);
        drop(capture);
        failure.into_inner().map_or(Ok(()), Err)
    }
}

/// Keeps the error of a failed read, which the capture's parser does not hand on.
struct Keeping<'f, R> {
    reader: R,
    failure: &'f std::cell::RefCell<Option<io::Error>>,
}

impl<R: Read> Read for Keeping<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.reader.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    *self.failure.borrow_mut() = Some(error);
                    // For the parser the capture ends here.
                    return Ok(0);
                }
                Ok(read) => return Ok(read),
            }
        }
    }
}

/// An interface of a pcapng section, or the one of a pcap file.
#[derive(Copy, Clone)]
struct Interface {
    link: Linktype,
    /// Units a second of time stamps.
    resolution: u64,
    /// Seconds to add to them.
    offset: i64,
}

fn walk(
    context: &Context,
    capture: &mut dyn PcapReaderIterator,
    table: &mut Table,
    sink: &mut dyn EventSink,
) {
    let mut interfaces: Vec<Interface> = Vec::new();
    let mut capacity = 1 << 20;
    let evidence = |offset: usize, length: usize| Evidence {
        artefact: context.artefact,
        offset: offset as u64,
        length: u32::try_from(length).unwrap_or(u32::MAX),
    };
    loop {
        let at = capture.consumed();
        match capture.next() {
            Ok((length, block)) => {
                record(&block, &mut interfaces, evidence(at, length), table, sink);
                capture.consume(length);
            }
            Err(PcapError::Eof) => return,
            Err(PcapError::Incomplete(_)) => {
                if capture.reader_exhausted() || capture.refill().is_err() {
                    let left = capture.data().len();
                    if left > 0 {
                        sink.unparsed(evidence(at, left), "capture ends inside a record");
                    }
                    return;
                }
            }
            Err(PcapError::BufferTooSmall) => {
                capacity *= 2;
                if capacity > MAX_RECORD || !capture.grow(capacity) {
                    let left = capture.data().len();
                    sink.unparsed(evidence(at, left), "record larger than 16 MiB");
                    return;
                }
                // What more there is to read will come with `Incomplete`.
                if capture.refill().is_err() {
                    return;
                }
            }
            Err(PcapError::UnexpectedEof) => {
                let left = capture.data().len();
                sink.unparsed(evidence(at, left), "capture ends inside a record");
                return;
            }
            Err(_) => {
                let left = capture.data().len();
                sink.unparsed(evidence(at, left), "no capture record");
                return;
            }
        }
    }
}

fn record(
    block: &PcapBlockOwned<'_>,
    interfaces: &mut Vec<Interface>,
    evidence: Evidence,
    table: &mut Table,
    sink: &mut dyn EventSink,
) {
    let (interface, units, original, data) = match block {
        PcapBlockOwned::LegacyHeader(header) => {
            let resolution = if header.is_nanosecond_precision() {
                1_000_000_000
            } else {
                1_000_000
            };
            interfaces.push(Interface {
                link: header.network,
                resolution,
                offset: i64::from(header.thiszone),
            });
            return;
        }
        PcapBlockOwned::Legacy(packet) => {
            let Some(&interface) = interfaces.first() else {
                return sink.unparsed(evidence, "packet before the header");
            };
            let units = u128::from(packet.ts_sec) * u128::from(interface.resolution)
                + u128::from(packet.ts_usec);
            (interface, units, packet.origlen, packet.data)
        }
        PcapBlockOwned::NG(Block::SectionHeader(_)) => return interfaces.clear(),
        PcapBlockOwned::NG(Block::InterfaceDescription(described)) => {
            return interfaces.push(Interface {
                link: described.linktype,
                resolution: described.ts_resolution().unwrap_or(1_000_000).max(1),
                offset: described.if_tsoffset,
            });
        }
        PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
            let Some(&interface) = interfaces.get(packet.if_id as usize) else {
                return sink.unparsed(evidence, "packet of an unknown interface");
            };
            let units = u128::from(packet.ts_high) << 32 | u128::from(packet.ts_low);
            let length = (packet.caplen as usize).min(packet.data.len());
            let data = packet.data.get(..length).unwrap_or_default();
            (interface, units, packet.origlen, data)
        }
        PcapBlockOwned::NG(Block::SimplePacket(_)) => {
            // They carry no time, without which a packet proves little.
            return sink.ignored(evidence, None);
        }
        // Name tables, statistics, keys, comments.
        PcapBlockOwned::NG(_) => return sink.ignored(evidence, None),
    };
    let micros = units * 1_000_000 / u128::from(interface.resolution);
    let time = Timestamp(
        i64::try_from(micros)
            .unwrap_or(i64::MAX)
            .saturating_add(interface.offset.saturating_mul(SECOND)),
    );
    match packet(interface.link, data, original) {
        Some(packet) => table.count(packet, time, evidence, sink),
        None => sink.ignored(evidence, Some(time)),
    }
}

/// What a packet says.
struct Packet {
    protocol: u8,
    src: (IpAddr, u16),
    dst: (IpAddr, u16),
    bytes: u64,
    /// TCP flags, 0 for other protocols.
    flags: u8,
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

fn packet(link: Linktype, data: &[u8], original: u32) -> Option<Packet> {
    let ether_type = |at: usize| {
        data.get(at..at + 2)
            .and_then(|b| b.try_into().ok())
            .map(u16::from_be_bytes)
            .map(EtherType)
    };
    let (sliced, header) = match link.0 {
        1 => (LaxSlicedPacket::from_ethernet(data).ok()?, 14),
        // LINUX_SLL, LINUX_SLL2: what `tcpdump -i any` writes.
        113 => (
            LaxSlicedPacket::from_ether_type(ether_type(14)?, data.get(16..)?),
            16,
        ),
        276 => (
            LaxSlicedPacket::from_ether_type(ether_type(0)?, data.get(20..)?),
            20,
        ),
        // NULL, LOOP: an address family in front.
        0 | 108 => (LaxSlicedPacket::from_ip(data.get(4..)?).ok()?, 4),
        // RAW under its several numbers, IPV4, IPV6.
        12 | 14 | 101 | 228 | 229 => (LaxSlicedPacket::from_ip(data).ok()?, 0),
        _ => return None,
    };
    let header = header + 4 * sliced.link_exts.len() as u64;
    // Segmentation offload leaves the length field 0: then the record's length tells.
    let record = u64::from(original).saturating_sub(header);
    let (src, dst, bytes, first_fragment) = match sliced.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            let bytes = match header.total_len() {
                0 => record,
                length => u64::from(length),
            };
            (
                IpAddr::V4(header.source_addr()),
                IpAddr::V4(header.destination_addr()),
                bytes,
                header.fragments_offset().value() == 0,
            )
        }
        LaxNetSlice::Ipv6(ip) => {
            let header = ip.header();
            let bytes = match header.payload_length() {
                0 => record,
                length => u64::from(length) + 40,
            };
            (
                IpAddr::V6(header.source_addr()),
                IpAddr::V6(header.destination_addr()),
                bytes,
                true,
            )
        }
        LaxNetSlice::Arp(_) => return None,
    };
    let payload = sliced.net.as_ref()?.ip_payload_ref()?;
    let protocol = payload.ip_number.0;
    let port = |at: usize| {
        payload
            .payload
            .get(at..at + 2)
            .and_then(|b| b.try_into().ok())
            .map_or(0, u16::from_be_bytes)
    };
    // Fragments but the first have no ports, and none of an IPv6 packet's can be told to be it.
    let has_ports = matches!(protocol, 6 | 17 | 132)
        && first_fragment
        && (src.is_ipv4() || !payload.fragmented);
    let (sport, dport) = if has_ports {
        (port(0), port(2))
    } else {
        (0, 0)
    };
    let flags = match payload.payload.get(13) {
        Some(&flags) if protocol == 6 && has_ports => flags,
        _ => 0,
    };
    Some(Packet {
        protocol,
        src: (src.to_canonical(), sport),
        dst: (dst.to_canonical(), dport),
        bytes,
        flags,
    })
}

type End = (IpAddr, u16);

struct Flow {
    evidence: Evidence,
    start: Timestamp,
    end: Timestamp,
    initiator: End,
    responder: End,
    bytes: [u64; 2],
    packets: [u64; 2],
    flags: [u8; 2],
}

impl Flow {
    fn closed(&self) -> bool {
        let [a, b] = self.flags;
        (a | b) & RST != 0 || a & b & FIN != 0
    }

    fn quiet_limit(&self, protocol: u8) -> i64 {
        if self.closed() {
            CLOSED_QUIET
        } else if protocol == 6 {
            TCP_QUIET
        } else {
            OTHER_QUIET
        }
    }
}

#[derive(Default)]
struct Table {
    flows: HashMap<(u8, End, End), Flow>,
    /// Packets since quiet flows were last given out.
    since: u32,
    now: Timestamp,
}

impl Table {
    fn count(
        &mut self,
        packet: Packet,
        time: Timestamp,
        evidence: Evidence,
        sink: &mut dyn EventSink,
    ) {
        let key = (
            packet.protocol,
            packet.src.min(packet.dst),
            packet.src.max(packet.dst),
        );
        self.now = self.now.max(time);
        self.since += 1;
        if self.since >= 65_536 || self.flows.len() >= MAX_FLOWS {
            self.make_room(sink);
        }
        // A new connection from the same port is a flow of its own.
        let begins = packet.flags & (SYN | ACK) == SYN;
        if begins
            && let Some(before) = self.flows.get(&key)
            && before.closed()
        {
            let before = self.flows.remove(&key);
            before
                .iter()
                .for_each(|flow| emit(packet.protocol, flow, sink));
        }
        let flow = self.flows.entry(key).or_insert_with(|| {
            // Who answers a SYN is the responder; so is the side with a service's port, if the
            // beginning was not captured.
            let answers = packet.flags & (SYN | ACK) == SYN | ACK
                || (!begins && packet.src.1 != 0 && packet.src.1 < 1024 && packet.dst.1 >= 1024);
            let (initiator, responder) = if answers {
                (packet.dst, packet.src)
            } else {
                (packet.src, packet.dst)
            };
            Flow {
                evidence,
                start: time,
                end: time,
                initiator,
                responder,
                bytes: [0; 2],
                packets: [0; 2],
                flags: [0; 2],
            }
        });
        let side = usize::from(packet.src != flow.initiator);
        flow.start = flow.start.min(time);
        flow.end = flow.end.max(time);
        if let (Some(bytes), Some(packets), Some(flags)) = (
            flow.bytes.get_mut(side),
            flow.packets.get_mut(side),
            flow.flags.get_mut(side),
        ) {
            *bytes = bytes.saturating_add(packet.bytes);
            *packets += 1;
            *flags |= packet.flags;
        }
    }

    fn make_room(&mut self, sink: &mut dyn EventSink) {
        self.since = 0;
        let now = self.now;
        self.give_out(
            |(protocol, flow)| now.0.saturating_sub(flow.end.0) > flow.quiet_limit(protocol),
            sink,
        );
        if self.flows.len() >= MAX_FLOWS {
            let mut ends: Vec<i64> = self.flows.values().map(|flow| flow.end.0).collect();
            let middle = ends.len() / 2;
            let (_, &mut median, _) = ends.select_nth_unstable(middle);
            self.give_out(|(_, flow)| flow.end.0 <= median, sink);
        }
    }

    /// Gives out the flows that `leaves` picks, in the order they began.
    fn give_out(&mut self, leaves: impl Fn((u8, &Flow)) -> bool, sink: &mut dyn EventSink) {
        let mut out: Vec<(u8, Flow)> = self
            .flows
            .extract_if(|&(protocol, _, _), flow| leaves((protocol, flow)))
            .map(|((protocol, _, _), flow)| (protocol, flow))
            .collect();
        out.sort_by_key(|(_, flow)| (flow.start, flow.evidence.offset));
        for (protocol, flow) in &out {
            emit(*protocol, flow, sink);
        }
    }
}

fn emit(protocol: u8, flow: &Flow, sink: &mut dyn EventSink) {
    let with_ports = matches!(protocol, 6 | 17 | 132);
    let port = |end: End| with_ports.then_some(end.1);
    let [bytes_out, bytes_in] = flow.bytes;
    let [packets_out, packets_in] = flow.packets;
    sink.event(&Event {
        time: flow.end,
        evidence: flow.evidence,
        product: Product::Pcap,
        host: "",
        pid: None,
        body: Body::Network(Network {
            start: Some(flow.start),
            protocol,
            src_ip: Some(flow.initiator.0),
            src_port: port(flow.initiator),
            dst_ip: Some(flow.responder.0),
            dst_port: port(flow.responder),
            bytes_out: Some(bytes_out),
            bytes_in: Some(bytes_in),
            packets_out: Some(packets_out),
            packets_in: Some(packets_in),
            bytes_are_ip: true,
            action: NetAction::Allowed,
            state: match (protocol, flow.closed()) {
                (6, true) => "closed",
                (6, false) => "open",
                _ => "",
            },
            unanswered: Some(packets_in == 0),
            ..Network::default()
        }),
    });
}
