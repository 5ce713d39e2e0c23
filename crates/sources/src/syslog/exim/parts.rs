//! Peers, addresses and `KEY=VALUE` pairs as Exim writes them.

use crate::field::{self, known_host};
use std::net::IpAddr;
use vauban_ocsf::Email;

/// The other end of a connection.
#[derive(Default)]
pub(super) struct Peer<'a> {
    pub name: &'a str,
    pub helo: &'a str,
    pub ip: Option<IpAddr>,
    pub port: Option<u16>,
    pub rest: &'a str,
}

impl<'a> Peer<'a> {
    pub fn fill(&self, body: &mut Email<'a>) {
        body.src_host = self.name;
        body.helo = self.helo;
        body.src_ip = self.ip;
        body.src_port = self.port;
    }
}

/// What Exim writes after a peer.
const LIMITS: &[&str] = &[
    " F=<",
    " rejected ",
    " sender verify ",
    " T=\"",
    " temporarily ",
    ": 535 ",
    " for ",
];

/// `NAME (HELO) [ADDRESS]:PORT`, each part but the address optional.
///
/// A HELO name may hold anything if `helo_accept_junk_hosts` allows it, `) [192.0.2.1]` included:
/// of several candidates the last before the record's own text counts.
pub(super) fn host(text: &str) -> Peer<'_> {
    let mut peer = Peer {
        rest: text,
        ..Peer::default()
    };
    let mut at = 0;
    if !text.starts_with('(') && !text.starts_with('[') {
        let end = until(text, b' ');
        peer.name = known_host(text.get(..end).unwrap_or_default());
        at = (end + 1).min(text.len());
    }
    let rest = text.get(at..).unwrap_or_default();
    if !rest.starts_with('(') {
        if let Some((ip, port, after)) = bracketed(rest) {
            (peer.ip, peer.port, peer.rest) = (Some(ip), port, after.trim_start());
        } else {
            peer.rest = rest;
        }
        return peer;
    }
    // The HELO name cannot reach beyond these: they are what Exim writes next.
    let limit = memchr::memchr2_iter(b' ', b':', rest.as_bytes())
        .find(|&at| {
            let next = rest.get(at..).unwrap_or_default();
            LIMITS.iter().any(|key| next.starts_with(key))
        })
        .unwrap_or(rest.len());
    let mut from = 0;
    while let Some(close) = rest
        .get(from..limit)
        .and_then(|t| field::find(t, ") ["))
        .map(|c| from + c)
    {
        if let Some((ip, port, after)) = bracketed(rest.get(close + 2..).unwrap_or_default())
            && matches!(after.as_bytes().first(), None | Some(b' ' | b':' | b')'))
        {
            peer.helo = rest.get(1..close).unwrap_or_default();
            (peer.ip, peer.port, peer.rest) = (Some(ip), port, after.trim_start());
        }
        from = close + 1;
    }
    peer
}

/// `[ADDRESS]:PORT` or `[ADDRESS]`.
fn bracketed(text: &str) -> Option<(IpAddr, Option<u16>, &str)> {
    let (ip, rest) = field::enclosed(text, "[", "]")?;
    let ip = field::ip(ip)?;
    if let Some((port, after)) = rest.strip_prefix(':').and_then(field::number_prefix) {
        return Some((ip, u16::try_from(port).ok(), after));
    }
    Some((ip, None, rest))
}

/// An address up to a blank, quoted local part respected.
pub(super) fn address(text: &str) -> (&str, &str) {
    let mut at = 0;
    let bytes = text.as_bytes();
    if bytes.first() == Some(&b'"') {
        at = 1;
        while let Some(&byte) = bytes.get(at) {
            at += match byte {
                b'\\' => 2,
                b'"' => break,
                _ => 1,
            };
        }
        if at >= bytes.len() {
            at = 0;
        }
    }
    let end = text
        .get(at..)
        .map_or(text.len(), |rest| at + until(rest, b' '));
    (
        text.get(..end).unwrap_or_default(),
        text.get(end + 1..).unwrap_or_default(),
    )
}

/// `KEY=VALUE ` or `KEY="quoted \" value" `.
pub(super) fn pair(text: &str) -> Option<(&str, &str, &str)> {
    let equals = field::alphanumeric_prefix(text.as_bytes());
    if equals == 0 || equals > 12 || text.as_bytes().get(equals) != Some(&b'=') {
        return None;
    }
    let key = text.get(..equals)?;
    let value = text.get(equals + 1..)?;
    if let Some(quoted) = value.strip_prefix('"') {
        let bytes = quoted.as_bytes();
        let mut at = 0;
        loop {
            match bytes.get(at)? {
                b'\\' => at += 2,
                b'"' => break,
                _ => at += 1,
            }
        }
        let rest = quoted.get(at + 1..)?;
        return Some((
            key,
            quoted.get(..at)?,
            rest.strip_prefix(' ').unwrap_or(rest),
        ));
    }
    let end = until(value, b' ');
    Some((
        key,
        value.get(..end)?,
        value.get(end + 1..).unwrap_or_default(),
    ))
}

/// Where a byte first stands, or the end. Values are short.
#[inline]
pub(super) fn until(text: &str, byte: u8) -> usize {
    field::near(text.as_bytes(), byte).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (text, name, helo, ip, port) in [
            (
                "a.example (b) [192.0.2.1]:25 I=[198.51.100.1]:25",
                "a.example",
                "b",
                "192.0.2.1",
                Some(25),
            ),
            ("(b) [192.0.2.1] F=<x>", "", "b", "192.0.2.1", None),
            ("[192.0.2.1]:9", "", "", "192.0.2.1", Some(9)),
            (
                "([198.51.100.7]) [192.0.2.1]:9: 535 x",
                "",
                "[198.51.100.7]",
                "192.0.2.1",
                Some(9),
            ),
            // A HELO name shaped like the fields that follow it.
            (
                "(x) [198.51.100.9]:1 I=[y) [192.0.2.1]:9: 535 x",
                "",
                "x) [198.51.100.9]:1 I=[y",
                "192.0.2.1",
                Some(9),
            ),
        ] {
            let peer = host(text);
            assert_eq!(
                (peer.name, peer.helo, peer.ip, peer.port),
                (name, helo, field::ip(ip), port),
                "{text}"
            );
        }
    }
}
