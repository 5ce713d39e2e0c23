//! One access record while it is being put together.

use crate::stamp::{Civil, Clock};
use std::net::IpAddr;
use vauban_ocsf::{Body, Event, EventSink, Evidence, Http, Product, Timestamp};

/// What has been read of a line so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Record<'a> {
    /// The instant, once known.
    pub time: Option<Timestamp>,
    /// A date given in pieces (`%{%d/%b/%Y}t`), until [`Record::finish`] puts it together.
    pub pieces: Pieces,
    /// The event's attributes.
    pub http: Http<'a>,
    /// The daemon's process.
    pub pid: Option<u32>,
}

/// Pieces of a time stamp that a layout spreads over several fields.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Pieces {
    pub date: Option<(i32, u32, u32)>,
    pub clock: Option<(u32, u32, u32)>,
    pub micros: u32,
    pub offset: Option<i32>,
}

impl Record<'_> {
    /// Puts a time given in pieces together.
    pub fn finish(&mut self, clock: &Clock<'_>) {
        if self.time.is_some() {
            if self.pieces.micros != 0 {
                // `%t` counts whole seconds; `%{msec_frac}t` beside it adds the rest.
                self.time = self
                    .time
                    .map(|t| Timestamp(t.0.saturating_add(i64::from(self.pieces.micros))));
            }
            return;
        }
        let (Some((year, month, day)), Some((hour, minute, second))) =
            (self.pieces.date, self.pieces.clock)
        else {
            return;
        };
        let civil = Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
            micros: self.pieces.micros,
        };
        self.time = civil.checked().map(|civil| match self.pieces.offset {
            Some(offset) => civil.at_offset(offset),
            None => clock.local(civil),
        });
    }
}

/// Hands a complete record on. `false` if it has no time, which no event can do without.
pub(super) fn emit(
    record: Record<'_>,
    product: Product,
    evidence: Evidence,
    host: &str,
    sink: &mut dyn EventSink,
) -> bool {
    let Some(time) = record.time else {
        return false;
    };
    sink.event(&Event {
        time,
        evidence,
        product,
        host,
        pid: record.pid,
        body: Body::Http(record.http),
    });
    true
}

/// An IP address as logs write it: bare, in brackets, with a zone, IPv4 mapped into IPv6.
pub(crate) fn ip(text: &str) -> Option<IpAddr> {
    // The usual form, and the quickest to read.
    if let Some((address @ IpAddr::V4(_), length)) = crate::field::ip_prefix(text)
        && length == text.len()
        && !text.contains(':')
    {
        return Some(address);
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|t| t.strip_suffix(']'))
        .unwrap_or(text);
    // `fe80::1%eth0`: the zone means something on the host that wrote it only.
    let bare = bare.split_once('%').map_or(bare, |(address, _)| address);
    // Anything longer is no address, and the standard parser would look at all of it.
    if bare.len() > 45 {
        return None;
    }
    bare.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// `-`, the mark for "not there", as an empty string.
pub(super) fn present(text: &str) -> &str {
    if text == "-" { "" } else { text }
}
