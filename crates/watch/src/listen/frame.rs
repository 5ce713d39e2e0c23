//! Messages cut out of a stream (RFC 6587): counted octets, or lines.
//!
//! A frame that begins with a digit other than 0 is counted, one that begins with `<` ends with a
//! line feed (or NUL, as some senders do); a sender may use either for each frame. RFC 5425 has
//! counted frames only, and takes nothing away from what is accepted here.

/// Longest message that is kept whole, in bytes; the rest of a longer one is dropped and counted.
pub const LONGEST: usize = 64 << 10;

/// Cuts a stream into messages.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    /// Bytes still to be passed over of a counted frame that is too long.
    skip: usize,
    /// Passing over the rest of a line that is too long.
    skip_line: bool,
    /// Frames that could not be read, or only in part.
    pub malformed: u64,
}

impl Frames {
    /// Takes bytes and gives the messages that are complete with them.
    pub fn push(&mut self, bytes: &[u8], give: &mut dyn FnMut(&[u8])) {
        self.buffer.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(rest) = self.buffer.get(at..).filter(|r| !r.is_empty()) {
            if self.skip > 0 {
                let n = self.skip.min(rest.len());
                self.skip -= n;
                at += n;
                continue;
            }
            if self.skip_line {
                match end_of_line(rest) {
                    Some(end) => {
                        self.skip_line = false;
                        at += end + 1;
                    }
                    None => at += rest.len(),
                }
                continue;
            }
            match rest.first() {
                Some(b'1'..=b'9') => match counted(rest) {
                    Count::Of(start, length) if length > LONGEST => {
                        let Some(part) = rest.get(start..start + LONGEST) else {
                            break;
                        };
                        give(part);
                        self.malformed += 1;
                        self.skip = length - LONGEST;
                        at += start + LONGEST;
                    }
                    Count::Of(start, length) => {
                        let Some(message) = rest.get(start..start + length) else {
                            break;
                        };
                        give(message);
                        at += start + length;
                    }
                    Count::More => break,
                    Count::Not => match self.line(at, give) {
                        Some(n) => at += n,
                        None => break,
                    },
                },
                _ => match self.line(at, give) {
                    Some(n) => at += n,
                    None => break,
                },
            }
        }
        self.buffer.drain(..at);
    }

    /// The line that begins at `at`: how many bytes it takes, or `None` if it is not complete.
    fn line(&mut self, at: usize, give: &mut dyn FnMut(&[u8])) -> Option<usize> {
        let bytes = self.buffer.get(at..).unwrap_or_default();
        let end = end_of_line(bytes);
        if end.is_none() && bytes.len() < LONGEST {
            return None;
        }
        let length = end.unwrap_or(LONGEST);
        if length > LONGEST || end.is_none() {
            self.malformed += 1;
        }
        self.skip_line = end.is_none();
        let message = bytes.get(..length.min(LONGEST)).unwrap_or_default();
        let message = message.strip_suffix(b"\r").unwrap_or(message);
        if !message.is_empty() {
            give(message);
        }
        Some(length + usize::from(end.is_some()))
    }

    /// The stream has ended: an unfinished line is a message, an unfinished counted frame too.
    pub fn end(&mut self, give: &mut dyn FnMut(&[u8])) {
        let rest = std::mem::take(&mut self.buffer);
        let message = match counted(&rest) {
            Count::Of(start, _) => rest.get(start..).unwrap_or_default(),
            _ => &rest,
        };
        if !message.is_empty() && !self.skip_line && self.skip == 0 {
            self.malformed += 1;
            give(message);
        }
    }
}

enum Count {
    /// Where the message starts and how long it is.
    Of(usize, usize),
    More,
    Not,
}

fn counted(bytes: &[u8]) -> Count {
    // Nine digits are more than any message.
    let digits = bytes
        .iter()
        .take(10)
        .take_while(|b| b.is_ascii_digit())
        .count();
    match bytes.get(digits) {
        None if digits < 10 => Count::More,
        Some(b' ') if digits > 0 && digits < 10 => bytes
            .get(..digits)
            .and_then(|d| std::str::from_utf8(d).ok()?.parse().ok())
            .map_or(Count::Not, |length| Count::Of(digits + 1, length)),
        _ => Count::Not,
    }
}

fn end_of_line(bytes: &[u8]) -> Option<usize> {
    memchr::memchr2(b'\n', 0, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(bytes: &[u8], step: usize) -> (Vec<String>, u64) {
        let mut frames = Frames::default();
        let mut seen = Vec::new();
        let mut give = |m: &[u8]| seen.push(String::from_utf8_lossy(m).into_owned());
        for piece in bytes.chunks(step.max(1)) {
            frames.push(piece, &mut give);
        }
        frames.end(&mut give);
        (seen, frames.malformed)
    }

    #[test]
    fn both_framings_however_they_arrive() {
        let stream = b"11 <13>1 - x\ny<13>a line\r\n<13>nul\x005 <1>ab\n\n<13>last\n";
        for step in 1..stream.len() {
            let (seen, malformed) = cut(stream, step);
            assert_eq!(
                seen,
                ["<13>1 - x\ny", "<13>a line", "<13>nul", "<1>ab", "<13>last"],
                "in pieces of {step}"
            );
            assert_eq!(malformed, 0);
        }
    }

    #[test]
    fn what_is_too_long_or_cut_off_is_counted() {
        let long = "x".repeat(LONGEST + 5);
        let (seen, malformed) = cut(format!("<1>{long}\n<1>next\n").as_bytes(), 1000);
        assert_eq!((seen[0].len(), seen[1].as_str()), (LONGEST, "<1>next"));
        assert_eq!(malformed, 1);
        let counted = format!("{} {long}5 <1>ab", long.len());
        let (seen, malformed) = cut(counted.as_bytes(), 7);
        assert_eq!((seen[0].len(), seen[1].as_str()), (LONGEST, "<1>ab"));
        assert_eq!(malformed, 1);
        let (seen, malformed) = cut(b"20 <1>cut", 3);
        assert_eq!((seen, malformed), (vec!["<1>cut".to_string()], 1));
        let (seen, _) = cut(b"99999999999 not a count\n<1>b\n", 4);
        assert_eq!(seen, ["99999999999 not a count", "<1>b"]);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(bytes in prop::collection::vec(any::<u8>(), 0..300), step in 1_usize..40) {
            prop_assert_eq!(cut(&bytes, step), cut(&bytes, 1000));
        }
    }
}
