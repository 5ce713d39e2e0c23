//! The files that name servers write themselves: BIND's (`19-Oct-2022 05:34:02.425 queries: info:
//! client …`) and Unbound's (`[1390210010] unbound[12345:0] info: …`). The messages are those
//! that also come through syslog (`syslog/named.rs`, `syslog/unbound.rs`).

use crate::stamp::{self, Civil, Clock};
use crate::syslog::{bind_message, unbound_message};
use crate::{Context, LogFormat, each_line, field};
use vauban_ocsf::{Body, Event, EventSink, Product, Timestamp};

/// BIND's own log file.
pub static BIND: DnsLog = DnsLog {
    name: "bind",
    product: Product::Bind,
    split: bind,
};

/// Unbound's own log file.
pub static UNBOUND: DnsLog = DnsLog {
    name: "unbound",
    product: Product::Unbound,
    split: unbound,
};

/// See [`BIND`] and [`UNBOUND`].
pub struct DnsLog {
    name: &'static str,
    product: Product,
    /// Time and message of a line.
    split: for<'a> fn(&'a str, &Clock<'_>) -> Option<(Timestamp, &'a str)>,
}

/// `19-Oct-2022 05:34:02.425 `, in the host's zone.
fn bind<'a>(line: &'a str, clock: &Clock<'_>) -> Option<(Timestamp, &'a str)> {
    let bytes = line.as_bytes();
    let day = stamp::two(bytes, 0)?;
    let month = stamp::month(bytes, 3)?;
    let year = stamp::four(bytes, 7)?;
    let parted = [bytes.get(2)?, bytes.get(6)?] == [&b'-'; 2] && bytes.get(11) == Some(&b' ');
    if !parted {
        return None;
    }
    let (hour, minute, second) = stamp::clock_time(bytes, 12)?;
    let (micros, end) = stamp::fraction(bytes, 20);
    let civil = Civil {
        year: i32::try_from(year).ok()?,
        month,
        day,
        hour,
        minute,
        second,
        micros,
    }
    .checked()?;
    let message = line.get(end..)?.strip_prefix(' ')?;
    Some((clock.local(civil), message))
}

/// `[1390210010] unbound[12345:0] `, seconds since the epoch.
fn unbound<'a>(line: &'a str, _: &Clock<'_>) -> Option<(Timestamp, &'a str)> {
    let (seconds, rest) = field::enclosed(line, "[", "] ")?;
    let seconds = i64::try_from(field::number(seconds)?).ok()?;
    let rest = rest.strip_prefix("unbound[")?;
    let (_, message) = rest.split_once("] ")?;
    Some((Timestamp(seconds.checked_mul(1_000_000)?), message))
}

impl LogFormat for DnsLog {
    fn name(&self) -> &'static str {
        self.name
    }

    fn sniff(&self, _: &str, head: &[u8]) -> u8 {
        crate::web::sniff_lines(head, |line, clock| (self.split)(line, clock).is_some()) / 20 * 19
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        let clock = Clock::new(&context.time);
        each_line(context, bytes, offset, sink, |line, sink| {
            let Some((time, message)) = (self.split)(line.text, &clock) else {
                return sink.unparsed(line.evidence, "no time stamp of a name server's log");
            };
            let dns = match self.product {
                Product::Bind => bind_message(message),
                _ => unbound_message(message),
            };
            match dns {
                Some(dns) => sink.event(&Event {
                    time,
                    evidence: line.evidence,
                    product: self.product,
                    host: "",
                    pid: None,
                    body: Body::Dns(dns),
                }),
                None => sink.ignored(line.evidence, Some(time)),
            }
        });
    }
}
