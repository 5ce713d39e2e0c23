//! Where in a text the patterns for secrets can match at all.
//!
//! Five patterns over every text cost more than all else that is done with a message, although
//! most texts have nothing that any of them could begin with. One automaton finds the words and
//! signs without which no pattern matches; each pattern is then tried only there, with the text
//! around in view. The matches are the same as those of the patterns over the whole text (see the
//! test `the_same_matches_as_over_the_whole_text`).

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder};
use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input};

/// What a sign is for.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Sign {
    /// A password pattern can only begin here.
    Word,
    /// A token has this in it.
    Token,
    /// `scheme://user:password@host` has this in it.
    Url,
    /// An internal host has this in it.
    Host,
}

const SIGNS: &[(Sign, &str)] = &[
    (Sign::Word, "mot"),
    (Sign::Word, "mdp"),
    (Sign::Word, "m.d.p"),
    (Sign::Word, "pass"),
    (Sign::Word, "pwd"),
    (Sign::Word, "code"),
    (Sign::Word, "pin"),
    (Sign::Word, "user/pass"),
    (Sign::Token, "akia"),
    (Sign::Token, "asia"),
    (Sign::Token, "ghp_"),
    (Sign::Token, "gho_"),
    (Sign::Token, "ghu_"),
    (Sign::Token, "ghs_"),
    (Sign::Token, "ghr_"),
    (Sign::Token, "github_pat_"),
    (Sign::Token, "glpat-"),
    (Sign::Token, "xox"),
    (Sign::Token, "aiza"),
    (Sign::Token, "k_live_"),
    (Sign::Token, "eyj"),
    (Sign::Url, "://"),
    (Sign::Host, "10."),
    (Sign::Host, "192.168."),
    (Sign::Host, "172."),
    (Sign::Host, ".local"),
    (Sign::Host, ".lan"),
    (Sign::Host, ".intra"),
    (Sign::Host, ".intern"),
    (Sign::Host, ".corp"),
    (Sign::Host, ".home.arpa"),
];

static AUTOMATON: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasickBuilder::new()
        .ascii_case_insensitive(true)
        .kind(Some(aho_corasick::AhoCorasickKind::DFA))
        .build(SIGNS.iter().map(|(_, s)| s))
        .expect("constant words")
});

/// Where each pattern is to be tried.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Octets at which a password's word may begin, ascending.
    pub(super) words: Vec<usize>,
    /// Stretches, ascending and apart, outside of which no match reaches.
    pub(super) tokens: Vec<Range<usize>>,
    pub(super) urls: Vec<Range<usize>>,
    pub(super) hosts: Vec<Range<usize>>,
    /// Letters that fold to ASCII ones (long s, Kelvin sign): everything is tried everywhere.
    pub(super) everywhere: bool,
}

impl Places {
    pub(super) fn find(text: &str) -> Self {
        let mut out = Self::default();
        let bytes = text.as_bytes();
        if memchr::memmem::find(bytes, "\u{17f}".as_bytes()).is_some()
            || memchr::memmem::find(bytes, "\u{212a}".as_bytes()).is_some()
        {
            out.everywhere = true;
            return out;
        }
        for m in AUTOMATON.find_overlapping_iter(text) {
            let Some((sign, _)) = SIGNS.get(m.pattern().as_usize()) else {
                continue;
            };
            match sign {
                Sign::Word => {
                    let inside = m
                        .start()
                        .checked_sub(1)
                        .and_then(|i| bytes.get(i))
                        .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
                    if !inside {
                        out.words.push(m.start());
                    }
                }
                Sign::Token => stretch(bytes, m.range(), in_token, &mut out.tokens),
                Sign::Url => stretch(bytes, m.range(), in_url, &mut out.urls),
                Sign::Host => stretch(bytes, m.range(), in_host, &mut out.hosts),
            }
        }
        out.words.sort_unstable();
        out.words.dedup();
        out.urls.retain(|r| {
            let run = bytes.get(r.clone()).unwrap_or_default();
            memchr::memchr(b'@', run).is_some()
        });
        out
    }
}

/// Octets that stand in some match; those of other scripts count everywhere, the pattern decides.
fn in_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.') || !b.is_ascii()
}

fn in_url(b: u8) -> bool {
    !matches!(b, b' ' | b'\t'..=b'\r' | b'"' | b'\'' | b'<' | b'>')
}

fn in_host(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b':' | b'/') || !b.is_ascii()
}

/// Adds the stretch of such octets around a sign, unless it is the last one already.
fn stretch(bytes: &[u8], sign: Range<usize>, holds: fn(u8) -> bool, out: &mut Vec<Range<usize>>) {
    let floor = match out.last() {
        Some(last) if sign.start < last.end => return,
        Some(last) => last.end,
        None => 0,
    };
    let before = bytes.get(floor..sign.start).unwrap_or_default();
    let start = floor + before.iter().rposition(|b| !holds(*b)).map_or(0, |i| i + 1);
    let after = bytes.get(sign.end..).unwrap_or_default();
    let end = sign.end + after.iter().position(|b| !holds(*b)).unwrap_or(after.len());
    out.push(start..end);
}

/// Calls back for each match within the stretches, at most `most`.
pub(super) fn within(
    regex: &Regex,
    text: &str,
    stretches: &[Range<usize>],
    everywhere: bool,
    most: usize,
    found: &mut dyn FnMut(&Captures),
) {
    let whole = 0..text.len();
    let stretches = if everywhere {
        std::slice::from_ref(&whole)
    } else {
        stretches
    };
    let mut left = most;
    for stretch in stretches {
        for captures in regex.captures_iter(Input::new(text).range(stretch.clone())) {
            if left == 0 {
                return;
            }
            left -= 1;
            found(&captures);
        }
    }
}

/// Calls back for each match that begins at one of the places, none overlapping another.
pub(super) fn at(
    regex: &Regex,
    text: &str,
    places: &Places,
    most: usize,
    found: &mut dyn FnMut(&Captures),
) {
    if places.everywhere {
        return within(regex, text, &[], true, most, found);
    }
    let mut captures = regex.create_captures();
    let mut from = 0;
    let mut left = most;
    for &place in &places.words {
        if place < from || left == 0 {
            continue;
        }
        let input = Input::new(text)
            .range(place..text.len())
            .anchored(Anchored::Yes);
        // Most places have no match, and asking that alone is cheaper.
        if !regex.is_match(input.clone()) {
            continue;
        }
        regex.search_captures(&input, &mut captures);
        if let Some(m) = captures.get_match() {
            from = m.end();
            left -= 1;
            found(&captures);
        }
    }
}

/// Text of a named group, empty if it took no part.
pub(super) fn group<'t>(c: &Captures, name: &str, text: &'t str) -> &'t str {
    c.get_group_by_name(name)
        .and_then(|s| text.get(s.range()))
        .unwrap_or_default()
}
