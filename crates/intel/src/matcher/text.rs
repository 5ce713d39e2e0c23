//! Indicators in raw text: one pass over the bytes, words looked up as what they look like.

use super::{IndicatorRef, Matcher, address};
use std::ops::Range;

/// Longest word looked at; longer ones are encoded data.
const WORD_MAX: usize = 512;

/// Bytes that names, addresses and hashes are made of.
const fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')
}

/// What a word has in it.
const HEX: u8 = 1;
const OTHER: u8 = 2;
const DOT: u8 = 4;
const UNDERSCORE: u8 = 8;

/// For each byte, whether words are made of it and what it says of one.
const CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut b = 0;
    while b < 256 {
        let byte = b as u8;
        if is_word(byte) {
            table[b] = match byte {
                b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' => HEX,
                b'.' => DOT,
                b'_' => UNDERSCORE,
                _ => OTHER,
            };
        }
        b += 1;
    }
    table
};

impl Matcher {
    /// Every indicator that stands in `text`, with where it stands: addresses of both families,
    /// names (as hosts, in URLs, in e-mail addresses), URLs, e-mail addresses, hashes, JA3 and
    /// JA4. User agents, file names and subjects are looked for in attributes only, as no mark
    /// says where they begin. Two characters after a `%` are taken as one encoded byte, so that
    /// `u%3Dhttp%3A%2F%2Fevil.org%2F` names `evil.org`. Allocates nothing.
    pub fn scan_text(&self, text: &[u8], found: &mut dyn FnMut(IndicatorRef, Range<usize>)) {
        let mut at = 0;
        while at < text.len() {
            let Some(&b) = text.get(at) else { break };
            if CLASS[b as usize] == 0 {
                // What an encoded byte is, is not part of a word.
                let encoded = b == b'%'
                    && text
                        .get(at + 1..at + 3)
                        .is_some_and(|h| h.iter().all(u8::is_ascii_hexdigit));
                at += if encoded { 3 } else { 1 };
                // Two colons at the front of an IPv6 address.
                if b == b':'
                    && text.get(at) == Some(&b':')
                    && let Some(end) = self.ipv6(text, at - 1, found)
                {
                    at = end;
                }
                continue;
            }
            let start = at;
            let mut has = 0;
            while let Some(&b) = text.get(at) {
                let class = CLASS[b as usize];
                if class == 0 {
                    break;
                }
                has |= class;
                at += 1;
            }
            if text.get(at) == Some(&b':')
                && has == HEX
                && at - start <= 4
                && let Some(end) = self.ipv6(text, start, found)
            {
                at = end;
                continue;
            }
            if at - start <= WORD_MAX {
                self.word(text, start..at, has, found);
            }
        }
    }

    /// Looks up a word of `text`.
    fn word(
        &self,
        text: &[u8],
        range: Range<usize>,
        has: u8,
        found: &mut dyn FnMut(IndicatorRef, Range<usize>),
    ) {
        let Range { start, mut end } = range;
        // Dots and dashes around a name are the sentence's.
        while end > start && matches!(text.get(end - 1), Some(b'.' | b'-')) {
            end -= 1;
        }
        let mut start = start;
        while start < end && matches!(text.get(start), Some(b'.' | b'-')) {
            start += 1;
        }
        let Some(word) = text.get(start..end) else {
            return;
        };
        if has & DOT == 0 {
            if has == HEX && matches!(word.len(), 32 | 40 | 64) {
                if let Some(indicator) = self.match_hash(word) {
                    found(indicator, start..end);
                }
                if word.len() == 32
                    && let Some(indicator) = self.match_ja3(word)
                {
                    found(indicator, start..end);
                }
            } else if has & UNDERSCORE != 0
                && word.len() >= 30
                && let Some(indicator) = self.match_ja4(word)
            {
                found(indicator, start..end);
            }
            return;
        }
        // The local part of an address: looked at when its domain is reached.
        if text.get(end) == Some(&b'@') {
            return;
        }
        if start > 0 && text.get(start - 1) == Some(&b'@') {
            let local = local_part(text, start - 1);
            let whole = text.get(local..end).unwrap_or(b"");
            if let Some(indicator) = self.match_email(whole) {
                found(indicator, local..end);
            }
            return;
        }
        if matches!(text.get(end), Some(b'/' | b':' | b'?')) && !self.urls.is_empty() {
            let stop = url_end(text, end);
            let url = text.get(start..stop).unwrap_or(word);
            if let Some(indicator) = super::Parts::of(url).and_then(|p| self.whole_url(&p)) {
                found(indicator, start..stop);
                return;
            }
        }
        if let Some(indicator) = self.match_host(word) {
            found(indicator, start..end);
            return;
        }
        // `name=1.2.3.4-5` and `1.2.3.4.` have been trimmed; `1.2.3.4_x` has not.
        if has & (UNDERSCORE | OTHER) != 0 && word.first().is_some_and(u8::is_ascii_digit) {
            let digits = word
                .iter()
                .position(|b| !(b.is_ascii_digit() || *b == b'.'))
                .unwrap_or(word.len());
            let front = word.get(..digits).unwrap_or(b"");
            if matches!(word.get(digits), Some(b'-' | b'_'))
                && let Some(indicator) = address(front).and_then(|ip| self.match_ip(ip))
            {
                found(indicator, start..start + digits);
            }
        }
    }

    /// Reads an IPv6 address at `start`; gives where it ends if there is one.
    fn ipv6(
        &self,
        text: &[u8],
        start: usize,
        found: &mut dyn FnMut(IndicatorRef, Range<usize>),
    ) -> Option<usize> {
        if start > 0
            && text
                .get(start - 1)
                .is_some_and(|&b| b.is_ascii_alphanumeric() || b == b':')
        {
            return None;
        }
        let rest = text.get(start..text.len().min(start + 46))?;
        let mut length = rest
            .iter()
            .position(|b| !(b.is_ascii_hexdigit() || matches!(b, b':' | b'.')))
            .unwrap_or(rest.len());
        // A colon or full stop after it is not its own, unless it is `::`.
        while length > 2
            && matches!(rest.get(length - 1), Some(b':' | b'.'))
            && rest.get(length - 2..length) != Some(b"::")
        {
            length -= 1;
        }
        let candidate = rest.get(..length)?;
        if candidate.iter().filter(|b| **b == b':').count() < 2 {
            return None;
        }
        let ip = address(candidate)?;
        if let Some(indicator) = self.match_ip(ip) {
            found(indicator, start..start + length);
        }
        Some(start + length)
    }
}

/// Where the local part of an e-mail address begins whose `@` is at `at`.
fn local_part(text: &[u8], at: usize) -> usize {
    let front = text.get(at.saturating_sub(64)..at).unwrap_or(b"");
    let length = front
        .iter()
        .rev()
        .take_while(|&&b| {
            b.is_ascii_alphanumeric() || b"!#$&'*+-/^_`{|}~.".contains(&b) && b != b'\''
        })
        .count();
    at - length
}

/// Where a URL that has begun ends: at a blank, a quote or a bracket.
fn url_end(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or(b"");
    let mut length = rest
        .iter()
        .take(4096)
        .position(|&b| {
            b <= b' '
                || matches!(
                    b,
                    b'"' | b'\'' | b'<' | b'>' | b')' | b']' | b'}' | b'|' | b'\\'
                )
        })
        .unwrap_or(rest.len().min(4096));
    while length > 0 && matches!(rest.get(length - 1), Some(b'.' | b',' | b';' | b':' | b'!')) {
        length -= 1;
    }
    from + length
}
