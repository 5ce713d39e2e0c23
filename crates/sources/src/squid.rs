//! Squid's access log: its native layout and its `combined`.
//!
//! Native: `%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt`, the default of
//! `logformat squid` (squid.conf.documented). The time is when the request was done, the octets
//! are what went to the client, header included. A proxy's requests go out: `src_ip` is one of
//! one's own, the server asked is `dst_ip`.
//!
//! The URL is what the client sent; Squid takes blanks out of it (`uri_whitespace strip`), and the
//! fields after it are read from the line's end.

use crate::stamp::{self, Clock};
use crate::{Context, Line, LogFormat, each_line, field};
use vauban_ocsf::{
    Body, Event, EventSink, Evidence, Http, HttpBytes, HttpExtra, Product, Timestamp,
};

/// `access.log`.
pub static SQUID: Squid = Squid;

/// See [`SQUID`].
pub struct Squid;

/// A native line taken apart.
struct Native<'a> {
    time: Timestamp,
    elapsed_ms: u64,
    client: &'a str,
    result: &'a str,
    status: &'a str,
    bytes: Option<u64>,
    method: &'a str,
    url: &'a str,
    user: &'a str,
    peer: &'a str,
    mime: &'a str,
}

fn native(line: &str) -> Option<Native<'_>> {
    let (time, length) = stamp::epoch(line.as_bytes())?;
    let mut rest = line.get(length..)?;
    let mut next = || {
        let text = rest.trim_start_matches(' ');
        let (word, after) = text.split_once(' ')?;
        rest = after;
        Some(word)
    };
    let elapsed = next()?;
    let client = next()?;
    let (result, status) = next()?.split_once('/')?;
    let bytes = next()?;
    let method = next()?;
    let known = |word: &str| {
        word.bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    if !known(result) || result.is_empty() || field::number(status).is_none() {
        return None;
    }
    let (rest, mime) = rest.trim_end_matches(' ').rsplit_once(' ')?;
    let (rest, hierarchy) = rest.rsplit_once(' ')?;
    let (url, user) = rest.rsplit_once(' ')?;
    Some(Native {
        time,
        // Negative where the clock was set back.
        elapsed_ms: field::number(elapsed).unwrap_or(0),
        client,
        result,
        status,
        bytes: field::number(bytes),
        method,
        url,
        user: present(user),
        peer: hierarchy.split_once('/')?.1,
        mime: present(mime),
    })
}

fn present(text: &str) -> &str {
    if text == "-" { "" } else { text }
}

/// `HOST:PORT` of a CONNECT, or `SCHEME://HOST[:PORT]/PATH?QUERY`: host, port, path, query.
fn target<'a>(method: &str, url: &'a str) -> (&'a str, Option<u16>, &'a str, &'a str) {
    let (authority, rest) = if method == "CONNECT" {
        (url, "")
    } else {
        let Some((_, after)) = url.split_once("://") else {
            let (path, query) = url.split_once('?').unwrap_or((url, ""));
            return ("", None, path, query);
        };
        let end = after.find(['/', '?']).unwrap_or(after.len());
        after.split_at(end)
    };
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let (host, port) = match authority.rsplit_once(':') {
        // An IPv6 address in brackets has colons of its own.
        Some((host, port)) if !port.ends_with(']') => (host, field::port(port)),
        _ => (authority, None),
    };
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    (host.trim_matches(['[', ']']), port, path, query)
}

fn give(line: &Native<'_>, evidence: Evidence, sink: &mut dyn EventSink) {
    let (vhost, port, path, query) = target(line.method, line.url);
    sink.event(&Event {
        time: line.time,
        evidence,
        product: Product::Squid,
        host: "",
        pid: None,
        body: Body::Http(Http {
            method: line.method,
            path,
            query,
            vhost,
            status: line.status.parse().ok().filter(|&status| status != 0),
            bytes_out: line.bytes,
            bytes_are: HttpBytes::Wire,
            duration_us: line.elapsed_ms.checked_mul(1000),
            src_ip: field::ip(line.client),
            src_host: if field::ip(line.client).is_some() {
                ""
            } else {
                line.client
            },
            user: line.user,
            extra: Some(Box::new(HttpExtra {
                dst_ip: field::ip(line.peer),
                dst_port: port,
                mime: line.mime,
                proxy_result: line.result,
                ..HttpExtra::default()
            })),
            ..Http::default()
        }),
    });
}

/// The combined layout ends in `TCP_MISS:HIER_DIRECT`: what stands before, and Squid's result.
fn combined(line: &str) -> Option<(&str, &str)> {
    let (rest, last) = line.trim_end_matches(' ').rsplit_once(' ')?;
    let (result, hierarchy) = last.split_once(':')?;
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let squid = ["TCP_", "UDP_", "NONE", "ICP_"]
        .iter()
        .any(|start| result.starts_with(start));
    (squid && word(result) && word(hierarchy) && rest.ends_with('"')).then_some((rest, result))
}

/// Adds what Squid knows to the event of a combined line.
struct Adding<'s, 'r> {
    sink: &'s mut dyn EventSink,
    result: &'r str,
    evidence: Evidence,
}

impl EventSink for Adding<'_, '_> {
    fn event(&mut self, event: &Event<'_>) {
        let mut event = event.clone();
        event.evidence = self.evidence;
        if let Body::Http(http) = &mut event.body {
            if http.method == "CONNECT" && http.vhost.is_empty() {
                http.vhost = http
                    .path
                    .rsplit_once(':')
                    .map_or(http.path, |(host, _)| host);
                http.path = "";
            }
            http.bytes_are = HttpBytes::Wire;
            http.extra = Some(Box::new(HttpExtra {
                proxy_result: self.result,
                ..HttpExtra::default()
            }));
        }
        self.sink.event(&event);
    }

    fn ignored(&mut self, _: Evidence, time: Option<Timestamp>) {
        self.sink.ignored(self.evidence, time);
    }

    fn unparsed(&mut self, _: Evidence, why: &'static str) {
        self.sink.unparsed(self.evidence, why);
    }
}

impl LogFormat for Squid {
    fn name(&self) -> &'static str {
        "squid"
    }

    fn sniff(&self, _: &str, head: &[u8]) -> u8 {
        crate::web::sniff_lines(head, |line, _| {
            native(line).is_some() || combined(line).is_some()
        }) / 20
            * 19
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        let clock = Clock::new(&context.time);
        each_line(context, bytes, offset, sink, |line, sink| {
            if let Some(native) = native(line.text) {
                return give(&native, line.evidence, sink);
            }
            if let Some((before, result)) = combined(line.text) {
                let short = Line {
                    text: before,
                    evidence: line.evidence,
                };
                let mut adding = Adding {
                    sink,
                    result,
                    evidence: line.evidence,
                };
                if crate::web::access_line(Product::Squid, &short, &clock, "", &mut adding) {
                    return;
                }
            }
            sink.unparsed(line.evidence, "no line of Squid's access log");
        });
    }
}
