//! Suricata's EVE log.
//!
//! `flow` (both directions) and `netflow` (one) become Network Activity; `alert`, `http`, `dns`,
//! `tls`, `smtp` and `fileinfo` are read in [`super::eve`]; the other event types describe what
//! these carry or the engine itself, and are ignored. Byte counts
//! are of packets as captured, link header included: up to 18 octets a packet more than IP.
//! <https://docs.suricata.io/en/latest/output/eve/eve-json-format.html>

use super::protocol;
use crate::stamp::{self, Clock};
use crate::web::{ip, sniff_lines};
use crate::{Context, Line, LogFormat, each_line};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use vauban_ocsf::{Body, Event, EventSink, NetAction, Network, Product, Timestamp};

/// EVE JSON lines.
pub static SURICATA: Suricata = Suricata;

/// See [`SURICATA`].
pub struct Suricata;

#[derive(Deserialize)]
pub(super) struct Eve<'a> {
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) event_type: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) flow_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) src_ip: Cow<'a, str>,
    #[serde(default)]
    pub(super) src_port: Option<u16>,
    #[serde(borrow, default)]
    pub(super) dest_ip: Cow<'a, str>,
    #[serde(default)]
    pub(super) dest_port: Option<u16>,
    #[serde(borrow, default)]
    pub(super) proto: Cow<'a, str>,
    #[serde(borrow, default)]
    host: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) in_iface: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) app_proto: Cow<'a, str>,
    #[serde(borrow, default)]
    flow: Option<&'a RawValue>,
    #[serde(borrow, default)]
    netflow: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) alert: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) http: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) dns: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) tls: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) smtp: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) email: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) fileinfo: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Flow<'a> {
    #[serde(default)]
    pkts_toserver: Option<u64>,
    #[serde(default)]
    pkts_toclient: Option<u64>,
    #[serde(default)]
    bytes_toserver: Option<u64>,
    #[serde(default)]
    bytes_toclient: Option<u64>,
    #[serde(default)]
    pkts: Option<u64>,
    #[serde(default)]
    bytes: Option<u64>,
    #[serde(borrow, default)]
    start: Cow<'a, str>,
    #[serde(borrow, default)]
    end: Cow<'a, str>,
    #[serde(borrow, default)]
    state: Cow<'a, str>,
    #[serde(borrow, default)]
    action: Cow<'a, str>,
}

impl LogFormat for Suricata {
    fn name(&self) -> &'static str {
        "suricata-eve"
    }

    fn sniff(&self, _: &str, head: &[u8]) -> u8 {
        sniff_lines(head, |line, _| {
            line.starts_with('{') && serde_json::from_str::<Eve<'_>>(line).is_ok()
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
            |line, sink| match serde_json::from_str::<Eve<'_>>(line.text) {
                Ok(eve) => give(&eve, line, &clock, sink),
                Err(_) => sink.unparsed(line.evidence, "no EVE record"),
            },
        );
    }
}

fn give(eve: &Eve<'_>, line: &Line<'_>, clock: &Clock<'_>, sink: &mut dyn EventSink) {
    let stamp = |text: &str| stamp::rfc3339(text.as_bytes(), clock).map(|(time, _)| time);
    let Some(logged) = stamp(&eve.timestamp) else {
        return sink.unparsed(line.evidence, "EVE record without time");
    };
    let mut take = |time: Timestamp, body: Body<'_>| {
        sink.event(&Event {
            time,
            evidence: line.evidence,
            product: Product::Suricata,
            host: &eve.host,
            pid: None,
            body,
        });
    };
    let raw = match &*eve.event_type {
        "flow" => eve.flow,
        "netflow" => eve.netflow,
        _ => {
            if !super::eve::event(eve, logged, &mut |body| take(logged, body)) {
                sink.ignored(line.evidence, Some(logged));
            }
            return;
        }
    };
    match raw.and_then(|raw| serde_json::from_str::<Flow<'_>>(raw.get()).ok()) {
        Some(flow) => {
            let one_way = eve.event_type == "netflow";
            let (time, body) = network(eve, &flow, one_way, logged, &stamp);
            take(time, body);
        }
        None => sink.unparsed(line.evidence, "EVE flow record without flow"),
    }
}

fn network<'a>(
    eve: &'a Eve<'a>,
    flow: &'a Flow<'a>,
    one_way: bool,
    logged: Timestamp,
    stamp: &dyn Fn(&str) -> Option<Timestamp>,
) -> (Timestamp, Body<'a>) {
    let mut network = Network {
        start: stamp(&flow.start),
        protocol: protocol(&eve.proto).unwrap_or(0),
        src_ip: ip(&eve.src_ip),
        src_port: eve.src_port,
        dst_ip: ip(&eve.dest_ip),
        dst_port: eve.dest_port,
        bytes_are_ip: true,
        action: match &*flow.action {
            "drop" | "reject" => NetAction::Blocked,
            _ => NetAction::Allowed,
        },
        state: &flow.state,
        iif: &eve.in_iface,
        ..Network::default()
    };
    if one_way {
        network.bytes_out = flow.bytes;
        network.packets_out = flow.pkts;
        super::nfdump::orient(&mut network);
    } else {
        network.bytes_out = flow.bytes_toserver;
        network.bytes_in = flow.bytes_toclient;
        network.packets_out = flow.pkts_toserver;
        network.packets_in = flow.pkts_toclient;
        network.unanswered = flow.pkts_toclient.map(|packets| packets == 0);
    }
    (stamp(&flow.end).unwrap_or(logged), Body::Network(network))
}
