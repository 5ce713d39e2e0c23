//! A name server for the closed world: A, AAAA, MX and PTR from a fixed table, NXDOMAIN for the rest.
//!
//! Postfix asks it for the names of its clients and for the exchangers of other domains, so that its
//! log lines read as they do on the Internet (RFC 1035 messages over UDP only).

use std::net::{IpAddr, UdpSocket};

use anyhow::{Context, Result};

/// What the world knows by name.
#[derive(Clone, Default)]
pub struct Zone {
    /// Host names and their addresses; the first name of an address is its PTR record.
    pub hosts: Vec<(String, IpAddr)>,
    /// Mail domains and the host name of their exchanger.
    pub exchangers: Vec<(String, String)>,
}

const A: u16 = 1;
const PTR: u16 = 12;
const MX: u16 = 15;
const AAAA: u16 = 28;

/// Answers on `listen`, port 53, in a thread until the process ends.
pub fn serve(listen: IpAddr, zone: Zone) -> Result<()> {
    let socket = UdpSocket::bind((listen, 53)).context("cannot listen for DNS queries")?;
    std::thread::Builder::new()
        .name("dns".to_owned())
        .spawn(move || {
            let mut buffer = [0u8; 1500];
            while let Ok((n, peer)) = socket.recv_from(&mut buffer) {
                if let Some(reply) = buffer.get(..n).and_then(|q| answer(&zone, q)) {
                    // A lost answer is asked for again.
                    let _ = socket.send_to(&reply, peer);
                }
            }
        })
        .context("cannot start the DNS thread")?;
    Ok(())
}

fn answer(zone: &Zone, query: &[u8]) -> Option<Vec<u8>> {
    let (name, kind, question_end) = question(query)?;
    let records = zone.records(&name, kind);
    let known = !records.is_empty() || zone.knows(&name);
    let mut out = query.get(..question_end)?.to_vec();
    let code = if known { 0x80 } else { 0x83 };
    out.get_mut(2..12)?.copy_from_slice(&[
        0x85,
        code,
        0,
        1,
        0,
        u8::try_from(records.len()).ok()?,
        0,
        0,
        0,
        0,
    ]);
    for data in records {
        out.extend_from_slice(&[0xc0, 12]);
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&[0, 1, 0, 0, 1, 44]);
        out.extend_from_slice(&u16::try_from(data.len()).ok()?.to_be_bytes());
        out.extend_from_slice(&data);
    }
    Some(out)
}

fn question(query: &[u8]) -> Option<(String, u16, usize)> {
    let mut at = 12;
    let mut labels = Vec::new();
    loop {
        let len = usize::from(*query.get(at)?);
        at += 1;
        if len == 0 {
            break;
        }
        let label = query.get(at..at.checked_add(len)?)?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        at += len;
    }
    let kind = u16::from_be_bytes([*query.get(at)?, *query.get(at + 1)?]);
    Some((labels.join("."), kind, at + 4))
}

fn encode(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.').filter(|l| !l.is_empty()) {
        out.push(u8::try_from(label.len().min(63)).unwrap_or(63));
        out.extend(label.bytes().take(63));
    }
    out.push(0);
    out
}

fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(v6) => {
            let mut name = String::new();
            for octet in v6.octets().iter().rev() {
                name.push_str(&format!("{:x}.{:x}.", octet & 15, octet >> 4));
            }
            name + "ip6.arpa"
        }
    }
}

impl Zone {
    fn knows(&self, name: &str) -> bool {
        self.hosts.iter().any(|h| h.0 == name) || self.exchangers.iter().any(|e| e.0 == name)
    }

    fn records(&self, name: &str, kind: u16) -> Vec<Vec<u8>> {
        let hosts = self.hosts.iter();
        match kind {
            A | AAAA => hosts
                .filter(|h| h.0 == name)
                .filter_map(|h| match (h.1, kind) {
                    (IpAddr::V4(a), A) => Some(a.octets().to_vec()),
                    (IpAddr::V6(a), AAAA) => Some(a.octets().to_vec()),
                    _ => None,
                })
                .collect(),
            PTR => hosts
                .filter(|h| reverse_name(h.1) == name)
                .take(1)
                .map(|h| encode(&h.0))
                .collect(),
            MX => self
                .exchangers
                .iter()
                .filter(|e| e.0 == name)
                .map(|e| [vec![0, 10], encode(&e.1)].concat())
                .collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, kind: u16) -> Vec<u8> {
        let mut q = vec![7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        q.extend(encode(name));
        q.extend(kind.to_be_bytes());
        q.extend([0, 1]);
        q
    }

    #[test]
    fn answers_what_it_knows_and_nothing_else() {
        let zone = Zone {
            hosts: vec![("mx.a.example".into(), "198.51.100.9".parse().unwrap())],
            exchangers: vec![("a.example".into(), "mx.a.example".into())],
        };
        let a = answer(&zone, &query("MX.a.example", A)).unwrap();
        assert!(a.ends_with(&[198, 51, 100, 9]) && a[3] == 0x80);
        let ptr = answer(&zone, &query("9.100.51.198.in-addr.arpa", PTR)).unwrap();
        assert!(ptr.ends_with(&encode("mx.a.example")));
        let mx = answer(&zone, &query("a.example", MX)).unwrap();
        assert!(mx.ends_with(&encode("mx.a.example")));
        let none = answer(&zone, &query("b.example", A)).unwrap();
        assert_eq!((none[3], none[7]), (0x83, 0));
        assert_eq!(answer(&zone, b"short"), None);
    }
}
