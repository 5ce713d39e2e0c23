//! The kernel's packet filter: lines of iptables' LOG target and nftables' `log` statement.
//!
//! `PREFIX IN=eth0 OUT= MAC=… SRC=… DST=… LEN=… … PROTO=TCP SPT=… DPT=… … SYN URGP=0`
//! (net/netfilter/nf_log_syslog.c). ICMP errors quote the packet they are about in brackets.

use super::{Accounted, Out, Program, Record};
use crate::field;
use vauban_ocsf::{Body, NetAction, Network, Product};

pub(super) const PROGRAM: Program = Program { claims, parse };

/// ulogd's SYSLOG and LOGEMU outputs write the log prefix where the tag stands, so any tag will do
/// if the message is one of the packet filter's. For records that no other program claims.
pub(super) const ULOGD: Program = Program {
    claims: claims_ulogd,
    parse,
};

fn claims(record: &Record<'_>) -> bool {
    record.program == "kernel"
}

fn claims_ulogd(record: &Record<'_>) -> bool {
    let has = |text| memchr::memmem::find(record.message.as_bytes(), text).is_some();
    has(b"IN=") && has(b" OUT=") && has(b" SRC=")
}

fn parse(record: &Record<'_>, out: &mut Out<'_>) -> Accounted {
    let text = record.message;
    let Some(at) = memchr::memmem::find(text.as_bytes(), b"IN=") else {
        return out.ignored(record);
    };
    if !text.contains(" SRC=") {
        return out.ignored(record);
    }
    // `[12345.678901] PREFIX`
    let mut prefix = text.get(..at).unwrap_or_default();
    if let Some((_, rest)) = field::enclosed(prefix, "[", "]") {
        prefix = rest;
    }
    let mut prefix = prefix.trim().trim_end_matches(':');
    if prefix.is_empty() && record.program != "kernel" {
        prefix = record.tag;
    }
    let mut network = Network {
        label: prefix,
        action: verdict(prefix),
        bytes_are_ip: true,
        ..Network::default()
    };
    let mut flags = (0, 0);
    let fields = text.get(at..).unwrap_or_default();
    // What an ICMP error quotes is not this packet's.
    let fields = fields.split(" [").next().unwrap_or(fields);
    for piece in fields.split(' ') {
        let Some((key, value)) = piece.split_once('=') else {
            if matches!(piece, "SYN" | "ACK" | "RST" | "FIN" | "PSH" | "URG") {
                let start = piece.as_ptr() as usize - fields.as_ptr() as usize;
                flags = (
                    if flags.1 == 0 { start } else { flags.0 },
                    start + piece.len(),
                );
            }
            continue;
        };
        match key {
            "IN" => network.iif = value,
            "OUT" => network.oif = value,
            "SRC" if network.src_ip.is_none() => network.src_ip = field::ip(value),
            "DST" if network.dst_ip.is_none() => network.dst_ip = field::ip(value),
            "SPT" => network.src_port = field::port(value),
            "DPT" => network.dst_port = field::port(value),
            // UDP's own LEN comes second.
            "LEN" if network.bytes_out.is_none() => network.bytes_out = field::number(value),
            "PROTO" => network.protocol = protocol(value),
            _ => {}
        }
    }
    network.packets_out = Some(1);
    network.state = fields.get(flags.0..flags.1).unwrap_or_default();
    if network.src_ip.is_none() {
        return out.unparsed(record, "netfilter record without address");
    }
    out.event(record, Product::Netfilter, Body::Network(network))
}

fn protocol(name: &str) -> u8 {
    match name {
        "TCP" => 6,
        "UDP" => 17,
        "ICMP" => 1,
        "ICMPv6" => 58,
        "ESP" => 50,
        "AH" => 51,
        "SCTP" => 132,
        "UDPLITE" => 136,
        number => field::number(number)
            .and_then(|n| u8::try_from(n).ok())
            .unwrap_or(0),
    }
}

/// A log statement has no verdict of its own; administrators put it into the prefix.
fn verdict(prefix: &str) -> NetAction {
    let has = |words: &[&str]| {
        words.iter().any(|word| {
            prefix
                .as_bytes()
                .windows(word.len())
                .any(|w| w.eq_ignore_ascii_case(word.as_bytes()))
        })
    };
    if has(&["DROP", "REJECT", "BLOCK", "DENY", "DENIED"]) {
        NetAction::Blocked
    } else if has(&["ACCEPT", "ALLOW", "PASS"]) {
        NetAction::Allowed
    } else {
        NetAction::Unknown
    }
}
