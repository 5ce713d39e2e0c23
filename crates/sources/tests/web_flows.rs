//! Flow records: the same traffic seen by conntrack, nfdump and a capture must agree, and records
//! of others are read in full.
//!
//! `tests/data/` holds what conntrack-tools 1.4.7, tcpdump (96 octets a packet) and nfdump 1.7.1
//! wrote of the same six connections between two network namespaces.

mod web_support;

use std::collections::BTreeMap;
use vauban_ocsf::{Body, Event, EventSink, Evidence, Network};
use vauban_sources::flows::{CONNTRACK, NFDUMP, PCAP, SURICATA, ZEEK_CONN, ZEEK_CONN_JSON};
use vauban_sources::{LogFormat, recognise};
use web_support::{all_accounted, context, parse, shared};

const EVENTS: &[u8] = include_bytes!("data/conntrack_events.txt");
const LIST: &[u8] = include_bytes!("data/conntrack_list.txt");
const CSV: &[u8] = include_bytes!("data/nfdump_1_7_1.csv");
const CAPTURE: &[u8] = include_bytes!("data/web_flows.pcap");

/// Endpoints to `(packets, bytes)` each way.
type Flows = BTreeMap<(u8, String, u16, String, u16), [u64; 4]>;

#[derive(Default)]
struct Sum {
    flows: Flows,
    labels: Vec<String>,
    unparsed: usize,
}

impl EventSink for Sum {
    fn event(&mut self, event: &Event<'_>) {
        let Body::Network(network) = &event.body else {
            return;
        };
        self.labels.push(network.label.to_owned());
        let Network {
            protocol,
            src_ip,
            src_port,
            dst_ip,
            dst_port,
            ..
        } = *network;
        let (Some(src), Some(dst), Some(sport), Some(dport)) = (src_ip, dst_ip, src_port, dst_port)
        else {
            return;
        };
        let key = (protocol, src.to_string(), sport, dst.to_string(), dport);
        let sums = self.flows.entry(key).or_default();
        for (sum, count) in sums.iter_mut().zip([
            network.packets_out,
            network.bytes_out,
            network.packets_in,
            network.bytes_in,
        ]) {
            *sum += count.unwrap_or(0);
        }
    }
    fn unparsed(&mut self, _: Evidence, _: &'static str) {
        self.unparsed += 1;
    }
}

fn sum(format: &dyn LogFormat, bytes: &[u8]) -> Sum {
    let mut sum = Sum::default();
    let mut reader = bytes;
    format
        .parse_stream(&context("UTC", (2026, 11, 24), &[]), &mut reader, &mut sum)
        .expect("memory can be read");
    sum
}

fn flow(
    protocol: u8,
    src: &str,
    sport: u16,
    dst: &str,
    dport: u16,
) -> (u8, String, u16, String, u16) {
    (protocol, src.into(), sport, dst.into(), dport)
}

#[test]
fn conntrack_nfdump_and_the_capture_agree() {
    let expected = Flows::from([
        (
            flow(6, "10.99.0.1", 49588, "10.99.0.2", 8080),
            [19, 1075, 18, 301_148],
        ),
        (
            flow(6, "fd99::1", 53944, "fd99::2", 8080),
            [17, 1311, 19, 301_580],
        ),
        (flow(6, "10.99.0.1", 33560, "10.99.0.2", 81), [1, 60, 1, 40]),
        (
            flow(17, "10.99.0.1", 46469, "10.99.0.2", 5353),
            [1, 30, 0, 0],
        ),
    ]);
    assert_eq!(sum(&PCAP, CAPTURE).flows, expected);
    assert_eq!(sum(&NFDUMP, CSV).flows, expected);
    // The listing was taken before the refused connection's entry could be in it.
    let mut listed = expected.clone();
    listed.remove(&flow(6, "10.99.0.1", 33560, "10.99.0.2", 81));
    let list = sum(&CONNTRACK, LIST);
    assert_eq!(list.flows, listed);
    assert!(list.labels.iter().all(|label| label == "undated"));
    // Events: four beginnings, one end with its counters.
    let events = sum(&CONNTRACK, EVENTS);
    assert_eq!(events.unparsed, 0);
    assert_eq!(
        events.labels.iter().filter(|label| *label == "NEW").count(),
        4
    );
    assert_eq!(
        events
            .labels
            .iter()
            .filter(|label| *label == "DESTROY")
            .count(),
        1
    );
    assert_eq!(
        events.flows[&flow(6, "10.99.0.1", 33560, "10.99.0.2", 81)],
        [1, 60, 1, 40]
    );
}

/// The packets of the capture: seconds, microseconds, length on the wire, bytes.
fn packets() -> Vec<(u32, u32, u32, Vec<u8>)> {
    let word = |at: usize| u32::from_le_bytes(CAPTURE[at..at + 4].try_into().expect("four"));
    let mut packets = Vec::new();
    let mut at = 24;
    while at < CAPTURE.len() {
        let captured = word(at + 8) as usize;
        let data = CAPTURE[at + 16..at + 16 + captured].to_vec();
        packets.push((word(at), word(at + 4), word(at + 12), data));
        at += 16 + captured;
    }
    packets
}

/// A pcap file of any byte order, resolution and link type.
fn pcap(
    big_endian: bool,
    nanoseconds: bool,
    link: u32,
    change: impl Fn(&[u8]) -> (i64, Vec<u8>),
) -> Vec<u8> {
    let word = |value: u32| {
        if big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let magic = if nanoseconds {
        0xa1b2_3c4d
    } else {
        0xa1b2_c3d4
    };
    let mut out = Vec::new();
    out.extend(word(magic));
    out.extend(if big_endian {
        [0, 2, 0, 4]
    } else {
        [2, 0, 4, 0]
    });
    for value in [0, 0, 262_144, link] {
        out.extend(word(value));
    }
    for (seconds, micros, original, data) in packets() {
        let (longer, data) = change(&data);
        let fraction = if nanoseconds { micros * 1000 } else { micros };
        let original = u32::try_from(i64::from(original) + longer).expect("a length");
        for value in [seconds, fraction, data.len() as u32, original] {
            out.extend(word(value));
        }
        out.extend(data);
    }
    out
}

/// The same packets as pcapng, with a statistics block between and nanosecond stamps.
fn pcapng() -> Vec<u8> {
    fn block(kind: u32, body: &[u8]) -> Vec<u8> {
        let padding = (4 - body.len() % 4) % 4;
        let length = (12 + body.len() + padding) as u32;
        let mut out = kind.to_le_bytes().to_vec();
        out.extend(length.to_le_bytes());
        out.extend(body);
        out.extend(vec![0; padding]);
        out.extend(length.to_le_bytes());
        out
    }
    let mut section = 0x1a2b_3c4du32.to_le_bytes().to_vec();
    section.extend([1, 0, 0, 0]);
    section.extend([0xff; 8]);
    let mut out = block(0x0a0d_0d0a, &section);
    // Ethernet; option 9, if_tsresol, 10^-9.
    let interface = [1, 0, 0, 0, 0, 0, 4, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0];
    out.extend(block(1, &interface));
    for (seconds, micros, original, data) in packets() {
        let stamp = (u64::from(seconds) * 1_000_000 + u64::from(micros)) * 1000;
        let mut body = 0u32.to_le_bytes().to_vec();
        body.extend(((stamp >> 32) as u32).to_le_bytes());
        body.extend((stamp as u32).to_le_bytes());
        body.extend((data.len() as u32).to_le_bytes());
        body.extend(original.to_le_bytes());
        body.extend(&data);
        out.extend(block(6, &body));
    }
    out.extend(block(5, &[0; 12]));
    out
}

#[test]
fn every_kind_of_capture_gives_the_same_flows() {
    let expected = sum(&PCAP, CAPTURE).flows;
    assert_eq!(expected.len(), 4);
    let as_is = |data: &[u8]| (0, data.to_vec());
    let vlan = |data: &[u8]| {
        let mut tagged = data[..12].to_vec();
        tagged.extend([0x81, 0x00, 0x00, 0x2a]);
        tagged.extend(&data[12..]);
        (4, tagged)
    };
    let raw = |data: &[u8]| (-14, data[14..].to_vec());
    // LINUX_SLL: sixteen octets, the protocol last.
    let cooked = |data: &[u8]| {
        let mut out = vec![0; 14];
        out.extend(&data[12..]);
        (2, out)
    };
    // LINUX_SLL2: the protocol first, twenty octets.
    let cooked2 = |data: &[u8]| {
        let mut out = data[12..14].to_vec();
        out.extend([0; 18]);
        out.extend(&data[14..]);
        (6, out)
    };
    for (what, capture) in [
        ("big endian", pcap(true, false, 1, as_is)),
        ("nanoseconds", pcap(false, true, 1, as_is)),
        ("VLAN", pcap(false, false, 1, vlan)),
        ("raw IP", pcap(false, false, 101, raw)),
        ("cooked", pcap(false, false, 113, cooked)),
        ("cooked 2", pcap(false, false, 276, cooked2)),
        ("pcapng", pcapng()),
    ] {
        let kept = parse(&PCAP, &context("UTC", (2026, 11, 24), &[]), &capture);
        assert_eq!(sum(&PCAP, &capture).flows, expected, "{what}");
        assert!(kept.unparsed.is_empty(), "{what}: {:?}", kept.unparsed);
        let times: Vec<_> = kept.events.iter().map(|event| event.time).collect();
        let plain = parse(&PCAP, &context("UTC", (2026, 11, 24), &[]), CAPTURE);
        assert_eq!(
            times,
            plain
                .events
                .iter()
                .map(|event| event.time)
                .collect::<Vec<_>>(),
            "{what}"
        );
    }
    // A link type that is not known: every packet is ignored, none is lost.
    let unknown = parse(
        &PCAP,
        &context("UTC", (2026, 11, 24), &[]),
        &pcap(false, false, 9999, as_is),
    );
    assert_eq!(
        (unknown.events.len(), unknown.ignored.len()),
        (0, packets().len())
    );
}

#[test]
fn files_are_recognised_by_content() {
    for (bytes, name) in [
        (EVENTS, "conntrack"),
        (LIST, "conntrack"),
        (CSV, "nfdump-csv"),
        (CAPTURE, "pcap"),
    ] {
        assert_eq!(
            recognise("x", bytes).map(|format| format.name()),
            Some(name)
        );
    }
    for bytes in [EVENTS, LIST] {
        let keep = parse(&CONNTRACK, &context("UTC", (2026, 11, 24), &[]), bytes);
        all_accounted(bytes, &keep).expect("every line once");
    }
}

#[test]
fn a_capture_cut_anywhere_gives_what_was_whole() {
    let whole = sum(&PCAP, CAPTURE).flows;
    for cut in (0..CAPTURE.len()).step_by(37) {
        let part = sum(&PCAP, &CAPTURE[..cut]);
        for (key, counts) in &part.flows {
            let reversed = (key.0, key.3.clone(), key.4, key.1.clone(), key.2);
            let all = whole
                .get(key)
                .or_else(|| whole.get(&reversed))
                .expect("a flow of the whole");
            assert!(counts.iter().sum::<u64>() <= all.iter().sum::<u64>());
        }
        assert!(part.unparsed <= 1);
    }
}

/// Conntrack's other notations.
#[test]
fn conntrack_variants() {
    let lines = "[1733731200.5] [DESTROY] tcp 6 src=192.0.2.1 dst=198.51.100.1 sport=4000 dport=993 packets=10 bytes=1000 src=10.0.0.5 dst=192.0.2.1 sport=993 dport=4000 packets=20 bytes=90000 [ASSURED] delta-time=60\n\
        [DESTROY] tcp 6 src=192.0.2.1 dst=198.51.100.1 sport=4001 dport=993 src=198.51.100.1 dst=192.0.2.1 sport=993 dport=4001 [ASSURED] [start=Mon Dec  9 08:00:00 2024] [stop=Mon Dec  9 08:10:00 2024] delta-time=600\n\
        tcp      6 431999 ESTABLISHED src=192.0.2.1 dst=198.51.100.1 sport=4002 dport=993 src=198.51.100.1 dst=192.0.2.1 sport=993 dport=4002 [ASSURED] mark=0 use=1\n\
        icmp     1 29 src=192.0.2.1 dst=198.51.100.1 type=8 code=0 id=7 src=198.51.100.1 dst=192.0.2.1 type=0 code=0 id=7 mark=0 use=1\n\
        tcp 6 src=notanaddress dst=x\n\
        conntrack v1.4.7 (conntrack-tools): 3 flow entries have been shown.\n";
    let keep = parse(
        &CONNTRACK,
        &context("UTC", (2024, 12, 31), &[]),
        lines.as_bytes(),
    );
    all_accounted(lines.as_bytes(), &keep).expect("every line once");
    assert_eq!(
        (keep.events.len(), keep.ignored.len(), keep.unparsed.len()),
        (4, 1, 1)
    );
    assert_eq!(
        keep.events[0].time.to_string(),
        "2024-12-09T08:00:00.500000Z"
    );
    assert!(
        keep.events[0]
            .debug
            .contains("start: Some(Timestamp(1733731140500000))")
    );
    assert_eq!(
        (keep.events[0].bytes, keep.events[0].bytes_in),
        (Some(1000), Some(90_000))
    );
    assert_eq!(keep.events[1].time.to_string(), "2024-12-09T08:10:00Z");
    assert!(
        keep.events[1]
            .debug
            .contains("start: Some(Timestamp(1733731200000000))")
    );
    assert_eq!(keep.events[1].bytes, None);
    assert_eq!(keep.events[2].time.to_string(), "2024-12-31T23:59:59Z");
}

#[test]
fn zeek_of_our_own() {
    let tsv = "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\n#types\ttime\n\
        1733731200.5\tCx\t192.0.2.1\t4000\t198.51.100.1\t993\ttcp\tssl\t1.25\t100\t5000\tSF\t5\t300\t9\t5400\n\
        1733731201.0\tCy\t192.0.2.1\t4001\t198.51.100.1\t993\ttcp\t-\t-\t-\t-\tS0\t1\t60\t0\t0\n\
        bad\n#close\t2024\n";
    let keep = parse(
        &ZEEK_CONN,
        &context("UTC", (2024, 12, 31), &[]),
        tsv.as_bytes(),
    );
    all_accounted(tsv.as_bytes(), &keep).expect("every line once");
    assert_eq!(
        (keep.events.len(), keep.ignored.len(), keep.unparsed.len()),
        (2, 5, 1)
    );
    let first = &keep.events[0];
    assert_eq!(first.time.to_string(), "2024-12-09T08:00:01.750000Z");
    assert_eq!((first.bytes, first.bytes_in), (Some(100), Some(5000)));
    assert!(first.debug.contains("bytes_are_ip: false"));
    assert!(keep.events[1].debug.contains("bytes_are_ip: true"));
    assert!(keep.events[1].debug.contains("unanswered: Some(true)"));
}

/// Zeek's JSON of others, against a reading of the same lines as plain JSON values.
#[test]
fn zeek_of_others() {
    let Some(folder) = shared("logs-zeek-suricata/slips/dataset") else {
        return;
    };
    let mut lines = 0;
    for test in [
        "test9-mixed-zeek-dir",
        "test10-mixed-zeek-dir",
        "test14-malicious-zeek-dir",
        "test15-malicious-zeek-dir",
        "test13-malicious-dhcpscan-zeek-dir",
    ] {
        let path = folder.join(test).join("conn.log");
        let bytes = std::fs::read(&path).expect("the file is there");
        let format = recognise("conn.log", &bytes[..bytes.len().min(65_536)])
            .unwrap_or_else(|| panic!("{} is not recognised", path.display()));
        let keep = parse(format, &context("UTC", (2026, 1, 1), &[]), &bytes);
        assert!(
            keep.unparsed.is_empty(),
            "{test}: {:?}",
            &keep.unparsed[..1]
        );
        let text = String::from_utf8_lossy(&bytes);
        if format.name() != ZEEK_CONN_JSON.name() {
            assert_eq!(
                keep.events.len(),
                text.lines()
                    .filter(|line| !line.trim_start().starts_with('#'))
                    .count(),
                "{test}"
            );
            lines += keep.events.len();
            continue;
        }
        for (event, line) in keep.events.iter().zip(text.lines()) {
            let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(event.ip.as_deref(), value["id.orig_h"].as_str(), "{line}");
            let payload = value["orig_bytes"].is_u64() || value["resp_bytes"].is_u64();
            let key = if payload {
                "resp_bytes"
            } else {
                "resp_ip_bytes"
            };
            assert_eq!(event.bytes_in, value[key].as_u64(), "{line}");
            let end =
                value["ts"].as_f64().expect("time") + value["duration"].as_f64().unwrap_or(0.0);
            let ours = event.time.0 as f64 / 1e6;
            assert!((end - ours).abs() < 1e-5 * end.abs().max(1.0), "{line}");
            lines += 1;
        }
    }
    assert!(lines > 700, "only {lines} lines");
}

#[test]
fn suricata_of_our_own() {
    let lines = concat!(
        r#"{"timestamp":"2024-12-09T09:00:10.000000+0100","flow_id":1,"event_type":"flow","src_ip":"192.0.2.1","src_port":4000,"dest_ip":"198.51.100.1","dest_port":993,"proto":"TCP","app_proto":"tls","flow":{"pkts_toserver":5,"pkts_toclient":9,"bytes_toserver":600,"bytes_toclient":5600,"start":"2024-12-09T09:00:00.000000+0100","end":"2024-12-09T09:00:05.000000+0100","age":5,"state":"closed","reason":"timeout","alerted":false},"tcp":{"tcp_flags":"1b"}}"#,
        "\n",
        r#"{"timestamp":"2024-12-09T09:00:10.000000+0100","event_type":"netflow","src_ip":"198.51.100.1","src_port":993,"dest_ip":"192.0.2.1","dest_port":4000,"proto":"TCP","netflow":{"pkts":9,"bytes":5600,"start":"2024-12-09T09:00:00.000000+0100","end":"2024-12-09T09:00:05.000000+0100","age":5}}"#,
        "\n",
        r#"{"timestamp":"2024-12-09T09:00:10.000000+0100","event_type":"stats","stats":{"uptime":1}}"#,
        "\nnot json\n",
    );
    let keep = parse(
        &SURICATA,
        &context("UTC", (2024, 12, 31), &[]),
        lines.as_bytes(),
    );
    all_accounted(lines.as_bytes(), &keep).expect("every line once");
    assert_eq!(
        (keep.events.len(), keep.ignored.len(), keep.unparsed.len()),
        (2, 1, 1)
    );
    for event in &keep.events {
        assert_eq!(event.time.to_string(), "2024-12-09T08:00:05Z");
        assert_eq!(event.ip.as_deref(), Some("192.0.2.1"));
        assert_eq!(event.bytes_in, Some(5600));
    }
}

#[test]
fn suricata_of_others() {
    let Some(folder) = shared("logs-zeek-suricata/slips/dataset") else {
        return;
    };
    let bytes = std::fs::read(folder.join("test6-malicious.suricata.json")).expect("the file");
    assert_eq!(
        recognise("x.json", &bytes[..bytes.len().min(65_536)]).map(|format| format.name()),
        Some("suricata-eve")
    );
    let keep = parse(&SURICATA, &context("UTC", (2026, 1, 1), &[]), &bytes);
    assert!(keep.unparsed.is_empty(), "{:?}", keep.unparsed.first());
    all_accounted(&bytes, &keep).expect("every line once");
    let (mut flows, mut toclient) = (0, 0);
    for line in String::from_utf8_lossy(&bytes).lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        if value["event_type"] == "flow" {
            flows += 1;
            toclient += value["flow"]["bytes_toclient"].as_u64().unwrap_or(0);
        }
    }
    let ours: Vec<_> = keep
        .events
        .iter()
        // A TLS handshake is Network Activity, too, and no flow.
        .filter(|event| event.kind == "network" && !event.debug.contains("tls: Some(Tls"))
        .collect();
    assert_eq!(ours.len(), flows);
    assert_eq!(
        ours.iter().filter_map(|event| event.bytes_in).sum::<u64>(),
        toclient
    );
}
