//! Bytes cut into lines of text, with the place each line stands at.
//!
//! Text is checked for UTF-8 a block at a time (a block stays in the processor's cache between
//! the check and the parse), so a clean log costs one pass of `simdutf8` and one of `memchr`, and
//! no allocation. Only a block that is not UTF-8 is checked line by line, and only a bad line is
//! copied, with U+FFFD in place of what could not be read.

use crate::Context;
use memchr::{memchr, memrchr};
use vauban_ocsf::{ArtefactId, EventSink, Evidence};

/// Longest line that parsers are shown, in bytes. No daemon here writes longer ones (syslogd cuts
/// at 8 KiB, web servers refuse request lines beyond 64 KiB); a longer one is reported unparsed.
pub const MAX_LINE: usize = 1 << 20;

/// How many bytes are checked for UTF-8 at once.
const BLOCK: usize = 64 << 10;

/// A non-empty line, without its terminator (`\n` or `\r\n`) and without NUL bytes at its ends.
#[derive(Copy, Clone, Debug)]
pub struct Line<'a> {
    /// The text. Bytes that are not UTF-8 appear as U+FFFD.
    pub text: &'a str,
    /// Where the line stands, NULs and bad bytes included, terminator excluded.
    pub evidence: Evidence,
}

/// Calls `each` for every non-empty line of `bytes`, which stand at `offset` in the artefact.
///
/// Lines longer than [`MAX_LINE`] and lines of nothing but NUL bytes (what a crash leaves in a
/// log that was being written) go to `sink` as unparsed instead. A line of blanks is a line.
pub fn each_line<F>(
    context: &Context,
    bytes: &[u8],
    offset: u64,
    sink: &mut dyn EventSink,
    mut each: F,
) where
    F: FnMut(&Line<'_>, &mut dyn EventSink),
{
    let mut scratch = String::new();
    let mut rest = bytes;
    let mut at = offset;
    while !rest.is_empty() {
        let (block, after) = rest.split_at(block_end(rest));
        match simdutf8::basic::from_utf8(block) {
            Ok(text) => valid_block(context.artefact, text, at, sink, &mut each),
            Err(_) => bad_block(context.artefact, block, at, sink, &mut scratch, &mut each),
        }
        at = at.saturating_add(block.len() as u64);
        rest = after;
    }
}

/// Length of the next block: whole lines, about [`BLOCK`] bytes, one line at least.
fn block_end(rest: &[u8]) -> usize {
    if rest.len() <= BLOCK {
        return rest.len();
    }
    let (near, far) = rest.split_at(BLOCK);
    match memrchr(b'\n', near) {
        Some(newline) => newline + 1,
        None => memchr(b'\n', far).map_or(rest.len(), |newline| BLOCK + newline + 1),
    }
}

fn valid_block<F>(
    artefact: ArtefactId,
    block: &str,
    at: u64,
    sink: &mut dyn EventSink,
    each: &mut F,
) where
    F: FnMut(&Line<'_>, &mut dyn EventSink),
{
    let mut start = 0;
    while let Some(rest) = block.get(start..).filter(|rest| !rest.is_empty()) {
        let length = memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        // A newline is ASCII, so this is always a character boundary.
        let raw = rest.get(..length).unwrap_or_default();
        let raw = raw.strip_suffix('\r').unwrap_or(raw);
        give(
            raw,
            evidence(artefact, at + start as u64, raw.len()),
            sink,
            each,
        );
        start += length + 1;
    }
}

fn bad_block<F>(
    artefact: ArtefactId,
    block: &[u8],
    at: u64,
    sink: &mut dyn EventSink,
    scratch: &mut String,
    each: &mut F,
) where
    F: FnMut(&Line<'_>, &mut dyn EventSink),
{
    let mut start = 0;
    while let Some(rest) = block.get(start..).filter(|rest| !rest.is_empty()) {
        let length = memchr(b'\n', rest).unwrap_or(rest.len());
        let raw = rest.get(..length).unwrap_or_default();
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        let evidence = evidence(artefact, at + start as u64, raw.len());
        if raw.len() > MAX_LINE {
            sink.unparsed(evidence, TOO_LONG);
        } else if let Ok(text) = simdutf8::basic::from_utf8(raw) {
            give(text, evidence, sink, each);
        } else {
            scratch.clear();
            for chunk in raw.utf8_chunks() {
                scratch.push_str(chunk.valid());
                if !chunk.invalid().is_empty() {
                    scratch.push(char::REPLACEMENT_CHARACTER);
                }
            }
            give(scratch, evidence, sink, each);
        }
        start += length + 1;
    }
}

const TOO_LONG: &str = "line longer than 1 MiB";

fn give<F>(raw: &str, evidence: Evidence, sink: &mut dyn EventSink, each: &mut F)
where
    F: FnMut(&Line<'_>, &mut dyn EventSink),
{
    if raw.is_empty() {
        return;
    }
    if raw.len() > MAX_LINE {
        return sink.unparsed(evidence, TOO_LONG);
    }
    let bytes = raw.as_bytes();
    let text = if bytes.first() == Some(&0) || bytes.last() == Some(&0) {
        raw.trim_matches('\0')
    } else {
        raw
    };
    if text.is_empty() {
        return sink.unparsed(evidence, "NUL bytes only");
    }
    each(&Line { text, evidence }, sink);
}

fn evidence(artefact: ArtefactId, offset: u64, length: usize) -> Evidence {
    Evidence {
        artefact,
        offset,
        length: u32::try_from(length).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vauban_evidence::TimeBase;
    use vauban_ocsf::Event;

    #[derive(Default)]
    struct Unparsed(Vec<(u64, u32, &'static str)>);
    impl EventSink for Unparsed {
        fn event(&mut self, _: &Event<'_>) {}
        fn unparsed(&mut self, evidence: Evidence, why: &'static str) {
            self.0.push((evidence.offset, evidence.length, why));
        }
    }

    fn run(bytes: &[u8], offset: u64) -> (Vec<(String, u64, u32)>, Unparsed) {
        let context = Context {
            artefact: ArtefactId(0),
            time: TimeBase::utc((2026, 1, 1)),
            access_layouts: Vec::new(),
        };
        let mut lines = Vec::new();
        let mut sink = Unparsed::default();
        each_line(&context, bytes, offset, &mut sink, |line, _| {
            lines.push((
                line.text.to_owned(),
                line.evidence.offset,
                line.evidence.length,
            ));
        });
        (lines, sink)
    }

    #[test]
    fn terminators_and_places() {
        let (lines, unparsed) = run(b"one\r\n\n\r\ntwo\nlast", 100);
        let expected = [("one", 100, 3), ("two", 108, 3), ("last", 112, 4)];
        assert_eq!(lines, expected.map(|(t, o, l)| (t.to_owned(), o, l)));
        assert!(unparsed.0.is_empty());
    }

    #[test]
    fn bad_bytes_are_shown_and_keep_their_place() {
        let (lines, _) = run(b"caf\xe9\nok\n", 0);
        assert_eq!(
            lines,
            [("caf\u{fffd}".to_owned(), 0, 4), ("ok".to_owned(), 5, 2)]
        );
    }

    #[test]
    fn nuls_of_a_crash() {
        let (lines, unparsed) = run(b"\0\0\0Dec  9 x\n\0\0\0\0\nz\n", 0);
        assert_eq!(
            lines,
            [("Dec  9 x".to_owned(), 0, 11), ("z".to_owned(), 17, 1)]
        );
        assert_eq!(unparsed.0, [(12, 4, "NUL bytes only")]);
    }

    #[test]
    fn a_line_beyond_the_limit_is_reported_and_the_next_is_read() {
        for filler in [b'x', 0xff] {
            let mut bytes = vec![filler; MAX_LINE + 1];
            bytes.extend_from_slice(b"\nnext\n");
            let (lines, unparsed) = run(&bytes, 5);
            assert_eq!(lines, [("next".to_owned(), 5 + MAX_LINE as u64 + 2, 4)]);
            assert_eq!(unparsed.0, [(5, MAX_LINE as u32 + 1, TOO_LONG)]);
        }
    }

    proptest! {
        #[test]
        fn every_non_empty_line_is_given_once(
            pieces in prop::collection::vec(
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..60),
                    Just(vec![b'a'; BLOCK / 3]),
                    Just(b"\xc3\xa9\n".to_vec()),
                ],
                0..12,
            )
        ) {
            let bytes = pieces.concat();
            let (lines, unparsed) = run(&bytes, 7);
            let mut expected = Vec::new();
            let mut offset = 7;
            for raw in bytes.split(|&b| b == b'\n') {
                let cut = raw.strip_suffix(b"\r").unwrap_or(raw);
                if !cut.is_empty() {
                    expected.push((offset, cut.len() as u32));
                }
                offset += raw.len() as u64 + 1;
            }
            let mut seen: Vec<_> = lines.iter().map(|l| (l.1, l.2)).collect();
            seen.extend(unparsed.0.iter().map(|u| (u.0, u.1)));
            seen.sort_unstable();
            prop_assert_eq!(seen, expected);
        }
    }
}
