//! The connection tracking table: `conntrack -L`, `/proc/net/nf_conntrack`, and its events,
//! `conntrack -E -o timestamp`.
//!
//! Seen with conntrack-tools 1.4.7:
//! ```text
//! [1795509650.924694]  [DESTROY] tcp  6 120 CLOSE src=… dst=… sport=… dport=81 packets=1 bytes=60
//!     [UNREPLIED] src=… dst=… sport=81 dport=… packets=1 bytes=40 delta-time=0
//! ipv6  10 tcp  6 119 TIME_WAIT src=… dst=… … packets=17 bytes=1311 src=… … [ASSURED] mark=0
//! ```
//! Counters are there only where `net.netfilter.nf_conntrack_acct` is on, and are final only in
//! `DESTROY`. `NEW` and `DESTROY` become events, labelled so; `UPDATE` carries nothing that one of
//! the two does not, and is ignored. The first tuple is the one the initiator sent, before NAT.
//!
//! A listing has no time. Its entries were there when it was taken, so they get the latest moment
//! of the artefact's time base, and the label "undated".

use super::protocol;
use crate::stamp::{self, Civil, Clock};
use crate::web::{ip, sniff_lines};
use crate::{Context, Line, LogFormat, each_line};
use std::net::IpAddr;
use vauban_ocsf::{Body, Event, EventSink, NetAction, Network, Product, SECOND, Timestamp};

/// Connection tracking text.
pub static CONNTRACK: Conntrack = Conntrack;

/// See [`CONNTRACK`].
pub struct Conntrack;

impl LogFormat for Conntrack {
    fn name(&self) -> &'static str {
        "conntrack"
    }

    fn sniff(&self, _: &str, head: &[u8]) -> u8 {
        sniff_lines(head, |line, clock| {
            matches!(read(line, clock), Some(Read::Entry(_) | Read::Update(_)))
        }) / 10
            * 9
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        let clock = Clock::new(&context.time);
        let (year, month, day) = context.time.latest;
        let undated = clock.local(Civil {
            year,
            month,
            day,
            hour: 23,
            minute: 59,
            second: 59,
            micros: 0,
        });
        each_line(context, bytes, offset, sink, |line, sink| {
            match read(line.text, &clock) {
                Some(Read::Entry(entry)) => give(entry, undated, line, sink),
                Some(Read::Update(time)) => sink.ignored(line.evidence, time),
                None if line.text.starts_with("conntrack v") => sink.ignored(line.evidence, None),
                None => sink.unparsed(line.evidence, "no conntrack entry"),
            }
        });
    }
}

enum Read<'a> {
    Entry(Entry<'a>),
    Update(Option<Timestamp>),
}

struct Entry<'a> {
    time: Option<Timestamp>,
    network: Network<'a>,
}

fn give(mut entry: Entry<'_>, undated: Timestamp, line: &Line<'_>, sink: &mut dyn EventSink) {
    let time = entry.time.unwrap_or_else(|| {
        entry.network.label = "undated";
        entry.network.start = None;
        undated
    });
    sink.event(&Event {
        time,
        evidence: line.evidence,
        product: Product::Conntrack,
        host: "",
        pid: None,
        body: Body::Network(entry.network),
    });
}

fn read<'a>(text: &'a str, clock: &Clock<'_>) -> Option<Read<'a>> {
    let (mut time, mut rest) = (None, text.trim_start());
    // `-o timestamp`
    if let Some((stamp, after)) = rest.strip_prefix('[').and_then(|r| r.split_once(']'))
        && let Some((found, _)) = stamp::epoch(stamp.as_bytes())
    {
        (time, rest) = (Some(found), after.trim_start());
    } else if let Some((found, end)) = stamp::rfc3339(rest.as_bytes(), clock) {
        // What `ts` from moreutils, or a wrapper of the administrator's, puts in front.
        (time, rest) = (Some(found), rest.get(end..)?.trim_start());
    }
    let mut label = "";
    for kind in ["NEW", "UPDATE", "DESTROY"] {
        if let Some(after) = rest
            .strip_prefix('[')
            .and_then(|r| r.strip_prefix(kind))
            .and_then(|r| r.strip_prefix(']'))
        {
            (label, rest) = (kind, after.trim_start());
        }
    }
    let entry = tuples(rest, time, label, clock)?;
    Some(if label == "UPDATE" {
        Read::Update(entry.time)
    } else {
        Read::Entry(entry)
    })
}

/// What one direction of an entry says.
#[derive(Default)]
struct Direction {
    src: Option<IpAddr>,
    dst: Option<IpAddr>,
    sport: Option<u16>,
    dport: Option<u16>,
    packets: Option<u64>,
    bytes: Option<u64>,
}

fn tuples<'a>(
    text: &'a str,
    time: Option<Timestamp>,
    label: &'a str,
    clock: &Clock<'_>,
) -> Option<Entry<'a>> {
    let mut words = text.split_ascii_whitespace().peekable();
    // `-o extended`: `ipv4 2`.
    if matches!(words.peek(), Some(&("ipv4" | "ipv6"))) {
        words.next();
        words.next();
    }
    let name = words.next()?;
    let number: u8 = words.next()?.parse().ok()?;
    let protocol = protocol(name).filter(|&p| p != 0).unwrap_or(number);
    let (mut state, mut unreplied) = ("", false);
    let mut directions: [Direction; 2] = Default::default();
    let mut current = 0;
    let (mut delta, mut started, mut stopped) = (None, None, None);
    for word in words {
        let Some((key, value)) = word.split_once('=') else {
            match word {
                "[UNREPLIED]" => unreplied = true,
                word if state.is_empty()
                    && word
                        .bytes()
                        .all(|b| b.is_ascii_uppercase() || b == b'_' || b.is_ascii_digit())
                    && word.starts_with(|c: char| c.is_ascii_uppercase()) =>
                {
                    state = word;
                }
                _ => {}
            }
            continue;
        };
        if key == "src" && directions.first().is_some_and(|d| d.src.is_some()) {
            current = 1;
        }
        let direction = directions.get_mut(current)?;
        match key {
            "src" => direction.src = Some(ip(value)?),
            "dst" => direction.dst = Some(ip(value)?),
            "sport" => direction.sport = value.parse().ok(),
            "dport" => direction.dport = value.parse().ok(),
            "packets" => direction.packets = value.parse().ok(),
            "bytes" => direction.bytes = value.parse().ok(),
            "delta-time" => delta = value.parse::<u32>().ok(),
            _ => {}
        }
    }
    // `-o ktimestamp`: `[start=Tue Nov 24 08:40:50 2026] [stop=…]`.
    for (mark, slot) in [("[start=", &mut started), ("[stop=", &mut stopped)] {
        if let Some((_, after)) = text.split_once(mark) {
            let (inner, _) = after.split_once(']').unwrap_or((after, ""));
            *slot = inner
                .get(4..)
                .and_then(|date| stamp::rfc3164(date.as_bytes(), clock))
                .map(|(time, _)| time);
        }
    }
    let [original, reply] = directions;
    original.dst?;
    let time = time.or(stopped);
    // Whole seconds: the connection began at most a second earlier than this says.
    let start = started.or_else(|| match (label, time, delta) {
        ("NEW", Some(time), _) => Some(time),
        (_, Some(time), Some(delta)) => Some(Timestamp(
            time.0
                .saturating_sub(i64::from(delta).saturating_mul(SECOND)),
        )),
        _ => None,
    });
    Some(Entry {
        time,
        network: Network {
            start,
            protocol,
            src_ip: original.src,
            src_port: original.sport,
            dst_ip: original.dst,
            dst_port: original.dport,
            bytes_out: original.bytes,
            bytes_in: reply.bytes,
            packets_out: original.packets,
            packets_in: reply.packets,
            bytes_are_ip: true,
            action: NetAction::Allowed,
            state,
            unanswered: (label != "NEW").then_some(unreplied),
            label,
            ..Network::default()
        },
    })
}
