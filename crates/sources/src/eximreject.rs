//! Exim's reject log, where the header of a refused message is copied after the line that refused
//! it, up to a line of dashes (specification, chapter "Log files").
//!
//! The lines with a time are those of the main log, read by `syslog/exim`; the copied header is
//! ignored, being the sender's words, and counted so.

use crate::stamp::Clock;
use crate::syslog::{Out, parse_line};
use crate::{Context, LogFormat, each_line};
use vauban_ocsf::EventSink;

/// `rejectlog`.
pub static EXIM_REJECT: EximReject = EximReject;

/// See [`EXIM_REJECT`].
pub struct EximReject;

/// Begins with a date, as every record does and no header line can: a header's name has no blank
/// before its colon, and what Exim puts before a name (`P Received:`) is no digit.
fn is_record(line: &str) -> bool {
    let bytes = line.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    (0..4).all(digit)
        && bytes.get(4) == Some(&b'-')
        && bytes.get(7) == Some(&b'-')
        && bytes.get(10) == Some(&b' ')
        && bytes.get(13) == Some(&b':')
}

/// What Exim itself writes around a copied header.
fn is_frame(line: &str) -> bool {
    line.starts_with("Envelope-from: <")
        || line.starts_with("Envelope-to: <")
        || (line.len() > 20 && line.bytes().all(|b| b == b'-'))
}

impl LogFormat for EximReject {
    fn name(&self) -> &'static str {
        "exim-reject"
    }

    fn sniff(&self, path: &str, head: &[u8]) -> u8 {
        let text = String::from_utf8_lossy(head);
        let lines = || text.lines().filter(|line| !line.is_empty()).take(60);
        // Without a copied header it is like the main log, which syslog's reader knows.
        let framed = lines().any(is_frame);
        let refused = lines().any(|line| is_record(line) && line.contains("rejected"));
        match (framed && refused, path.contains("rejectlog")) {
            (true, true) => 95,
            (true, false) => 85,
            _ => 0,
        }
    }

    fn parse(&self, context: &Context, bytes: &[u8], offset: u64, sink: &mut dyn EventSink) {
        let clock = Clock::new(&context.time);
        each_line(context, bytes, offset, sink, |line, sink| {
            if is_record(line.text) {
                parse_line(line.text, line.evidence, &clock, &mut Out::new(sink));
            } else {
                sink.ignored(line.evidence, None);
            }
        });
    }
}
