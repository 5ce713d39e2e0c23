//! All texts that rules look for in one field, found in one pass over its value.
//!
//! Whole values, beginnings and ends are looked up in hash tables. Texts that may stand anywhere
//! are each represented by their four (or three) bytes that are rarest among all texts of all
//! rules; a bit table answers for every position of the value whether such bytes begin there, and
//! only where they do is the text compared. Unlike in an automaton no step waits for the one
//! before it, which is why this is faster than Aho-Corasick on the short values of events.

use crate::pattern::Place;
use std::collections::HashMap;

/// What a text that was found means: `group << 1`, with the lowest bit set if the group is only
/// to be looked at more closely.
pub(crate) type Action = u32;

/// Collects the texts of one field.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    texts: HashMap<(Place, Vec<u8>), Vec<Action>>,
    numbers: HashMap<u64, Vec<Action>>,
    any: Vec<Action>,
}

impl Builder {
    pub fn text(&mut self, place: Place, text: &str, action: Action) {
        push_once(
            self.texts
                .entry((place, text.as_bytes().to_vec()))
                .or_default(),
            action,
        );
    }

    pub fn number(&mut self, key: u64, action: Action) {
        push_once(self.numbers.entry(key).or_default(), action);
    }

    pub fn any(&mut self, action: Action) {
        push_once(&mut self.any, action);
    }

    pub fn build(self, common: &Commonness) -> Index {
        let mut out = Index {
            any: self.any,
            ..Index::default()
        };
        let mut texts: Vec<_> = self.texts.into_iter().collect();
        texts.sort();
        let mut whole = Vec::new();
        let mut start = Vec::new();
        let mut end = Vec::new();
        let mut four = Vec::new();
        let mut three = Vec::new();
        for ((place, text), actions) in texts {
            let id = out.texts.len() as u32;
            match place {
                Place::Whole => whole.push((hash(&text), id)),
                Place::Start => start.push((edge(&text, false, &mut out.start_lengths), id)),
                Place::End => end.push((edge(&text, true, &mut out.end_lengths), id)),
                Place::Anywhere if text.len() >= 4 => {
                    let at = common.rarest(&text, 4);
                    four.push((gram4(&text, at), at as u32, id));
                }
                Place::Anywhere => three.push((gram3(&text, 0), 0, id)),
            }
            let from = out.bytes.len() as u32;
            out.bytes.extend_from_slice(&text);
            let first = out.actions.len() as u32;
            out.actions.extend(actions);
            out.texts.push(Text {
                from,
                upto: out.bytes.len() as u32,
                first,
                last: out.actions.len() as u32,
            });
        }
        out.whole = Buckets::new(whole);
        out.start = Buckets::new(start);
        out.end = Buckets::new(end);
        out.four = Grams::new(four);
        out.three = Grams::new(three);
        let mut numbers: Vec<_> = self.numbers.into_iter().collect();
        numbers.sort();
        let mut keys = Vec::new();
        for (key, actions) in numbers {
            let first = out.actions.len() as u32;
            out.actions.extend(actions);
            keys.push((key, out.number_actions.len() as u32));
            out.number_actions.push((first, out.actions.len() as u32));
        }
        out.numbers = Buckets::new(keys);
        out
    }
}

fn push_once(list: &mut Vec<Action>, action: Action) {
    if !list.contains(&action) {
        list.push(action);
    }
}

/// How often each four bytes occur among the texts of all rules, as a stand-in for how often
/// they occur in events.
#[derive(Debug, Default)]
pub(crate) struct Commonness {
    counts: HashMap<u32, u32>,
}

impl Commonness {
    pub fn learn(&mut self, text: &[u8]) {
        for w in text.windows(4) {
            *self.counts.entry(gram4(w, 0)).or_default() += 1;
        }
    }

    /// How often the text's rarest four bytes occur; texts below four bytes count as frequent.
    pub fn of(&self, text: &[u8]) -> u32 {
        text.windows(4)
            .map(|w| self.weight(w))
            .min()
            .unwrap_or(2_000)
    }

    fn weight(&self, w: &[u8]) -> u32 {
        // Letters run together in words of every event; signs and digits do not.
        let letters = w.iter().filter(|b| b.is_ascii_lowercase()).count() as u32;
        let usual = [
            "c:\\w", ":\\wi", "\\win", "wind", "indo", "ndow", "dows", "ows\\", "syst", "yste",
            "stem", "tem3", "em32", "m32\\", ".exe", "prog", "rogr", "ogra", "gram", "user",
            "sers", "ers\\", "file", "iles", "micr", "icro", "cros", "roso", "osof", "soft",
            "http", "ttp:", "tp:/", "p://", "ttps", "tps:", "s://", "    ", ".dll", "data", "    ",
        ];
        let usual = usual.iter().any(|u| u.as_bytes() == w);
        self.counts.get(&gram4(w, 0)).copied().unwrap_or(0) * 4
            + letters
            + if usual { 1_000 } else { 0 }
    }

    fn rarest(&self, text: &[u8], size: usize) -> usize {
        text.windows(size)
            .enumerate()
            .min_by_key(|(_, w)| self.weight(w))
            .map_or(0, |(at, _)| at)
    }
}

#[derive(Copy, Clone, Debug)]
struct Text {
    from: u32,
    upto: u32,
    first: u32,
    last: u32,
}

/// The texts of one field.
#[derive(Debug, Default)]
pub(crate) struct Index {
    bytes: Vec<u8>,
    texts: Vec<Text>,
    actions: Vec<Action>,
    whole: Buckets,
    start: Buckets,
    end: Buckets,
    /// Bit n set: some beginning is n bytes long (bit 8: eight or more).
    start_lengths: u16,
    end_lengths: u16,
    four: Grams,
    three: Grams,
    numbers: Buckets,
    number_actions: Vec<(u32, u32)>,
    any: Vec<Action>,
}

impl Index {
    pub fn has_numbers(&self) -> bool {
        !self.number_actions.is_empty()
    }

    /// Gives `found` the actions of every text that stands in `value` as it should.
    pub fn search(&self, value: &[u8], found: &mut impl FnMut(&[Action])) {
        if !self.any.is_empty() {
            found(&self.any);
        }
        if !self.whole.is_empty() {
            self.whole.get(hash(value), |id| {
                let (text, actions) = self.text(id);
                if text == value {
                    found(actions);
                }
            });
        }
        if self.start_lengths != 0 {
            edges(value, false, self.start_lengths, |key| {
                self.start.get(key, |id| {
                    let (text, actions) = self.text(id);
                    if value.starts_with(text) {
                        found(actions);
                    }
                });
            });
        }
        if self.end_lengths != 0 {
            edges(value, true, self.end_lengths, |key| {
                self.end.get(key, |id| {
                    let (text, actions) = self.text(id);
                    if value.ends_with(text) {
                        found(actions);
                    }
                });
            });
        }
        let mut check = |id: u32, start: Option<usize>| {
            let (text, actions) = self.text(id);
            if let Some(rest) = start.and_then(|s| value.get(s..))
                && rest.starts_with(text)
            {
                found(actions);
            }
        };
        if !self.four.is_empty() {
            for (i, w) in value.windows(4).enumerate() {
                let gram = u32::from_le_bytes([w[0], w[1], w[2], w[3]]);
                self.four
                    .get(gram, |at, id| check(id, i.checked_sub(at as usize)));
            }
        }
        if !self.three.is_empty() {
            for (i, w) in value.windows(3).enumerate() {
                let gram = u32::from_le_bytes([w[0], w[1], w[2], 0]);
                self.three.get(gram, |_, id| check(id, Some(i)));
            }
        }
    }

    /// Gives `found` the actions of the number.
    pub fn number(&self, key: u64, found: &mut impl FnMut(&[Action])) {
        self.numbers.get(key, |id| {
            if let Some(&(first, last)) = self.number_actions.get(id as usize)
                && let Some(actions) = self.actions.get(first as usize..last as usize)
            {
                found(actions);
            }
        });
    }

    fn text(&self, id: u32) -> (&[u8], &[Action]) {
        let Some(text) = self.texts.get(id as usize) else {
            return (&[], &[]);
        };
        (
            self.bytes
                .get(text.from as usize..text.upto as usize)
                .unwrap_or(&[]),
            self.actions
                .get(text.first as usize..text.last as usize)
                .unwrap_or(&[]),
        )
    }
}

const K: u64 = 0x9e37_79b9_7f4a_7c15;

/// A hash of the bytes. Two values of hostile making may collide; the texts are compared anyway.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut h = (bytes.len() as u64).wrapping_mul(K);
    let mut chunks = bytes.chunks_exact(8);
    for c in &mut chunks {
        let word = u64::from_le_bytes([c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]]);
        h = (h.rotate_left(23) ^ word).wrapping_mul(K);
    }
    let mut last = 0;
    for (i, &b) in chunks.remainder().iter().enumerate() {
        last |= u64::from(b) << (8 * i);
    }
    (h.rotate_left(23) ^ last).wrapping_mul(K)
}

fn gram4(text: &[u8], at: usize) -> u32 {
    match text.get(at..at + 4) {
        Some(w) => u32::from_le_bytes([w[0], w[1], w[2], w[3]]),
        None => 0,
    }
}

fn gram3(text: &[u8], at: usize) -> u32 {
    match text.get(at..at + 3) {
        Some(w) => u32::from_le_bytes([w[0], w[1], w[2], 0]),
        None => 0,
    }
}

/// The key of a beginning or an end: its outermost bytes, up to eight, and how many.
fn edge(text: &[u8], at_end: bool, lengths: &mut u16) -> u64 {
    let n = text.len().min(8);
    *lengths |= 1 << n;
    edge_key(text, at_end, n)
}

fn edge_key(value: &[u8], at_end: bool, n: usize) -> u64 {
    let part = if at_end {
        value.get(value.len().saturating_sub(n)..)
    } else {
        value.get(..n)
    };
    let mut key = [0; 8];
    if let Some(part) = part
        && let Some(target) = key.get_mut(..part.len())
    {
        target.copy_from_slice(part);
    }
    u64::from_le_bytes(key) ^ (n as u64).wrapping_mul(K)
}

fn edges(value: &[u8], at_end: bool, lengths: u16, mut look: impl FnMut(u64)) {
    let mut left = lengths;
    while left != 0 {
        let n = left.trailing_zeros() as usize;
        left &= left - 1;
        if n > value.len() {
            break;
        }
        look(edge_key(value, at_end, n));
    }
}

/// A hash table from keys to lists of numbers.
#[derive(Debug, Default)]
struct Buckets {
    shift: u32,
    starts: Vec<u32>,
    entries: Vec<(u64, u32)>,
}

impl Buckets {
    fn new(mut entries: Vec<(u64, u32)>) -> Self {
        if entries.is_empty() {
            return Self::default();
        }
        let bits = (entries.len() * 2)
            .next_power_of_two()
            .trailing_zeros()
            .max(1);
        let shift = 64 - bits;
        let bucket = |key: u64| (key.wrapping_mul(K) >> shift) as usize;
        entries.sort_by_key(|(key, id)| (bucket(*key), *key, *id));
        let mut starts = vec![0; (1 << bits) + 1];
        for (key, _) in &entries {
            starts[bucket(*key) + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        Self {
            shift,
            starts,
            entries,
        }
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    #[inline]
    fn get(&self, key: u64, mut found: impl FnMut(u32)) {
        if self.entries.is_empty() {
            return;
        }
        let bucket = (key.wrapping_mul(K) >> self.shift) as usize;
        if let [from, upto, ..] = self.starts.get(bucket..).unwrap_or(&[])
            && let Some(entries) = self.entries.get(*from as usize..*upto as usize)
        {
            for (k, id) in entries {
                if *k == key {
                    found(*id);
                }
            }
        }
    }
}

/// A bit table over hashed grams, with what stands behind each.
#[derive(Debug, Default)]
struct Grams {
    shift: u32,
    bits: Vec<u64>,
    starts: Vec<u32>,
    /// Gram, where it stands in the text, the text.
    entries: Vec<(u32, u32, u32)>,
}

impl Grams {
    fn new(mut entries: Vec<(u32, u32, u32)>) -> Self {
        if entries.is_empty() {
            return Self::default();
        }
        let log = (entries.len() * 16)
            .next_power_of_two()
            .trailing_zeros()
            .clamp(9, 18);
        let shift = 32 - log;
        let bucket = |gram: u32| (spread(gram) >> shift) as usize;
        entries.sort_by_key(|e| (bucket(e.0), *e));
        let mut bits = vec![0_u64; 1 << (log - 6)];
        let mut starts = vec![0; (1 << log) + 1];
        for (gram, _, _) in &entries {
            let b = bucket(*gram);
            bits[b / 64] |= 1 << (b % 64);
            starts[b + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        Self {
            shift,
            bits,
            starts,
            entries,
        }
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    #[inline(always)]
    fn get(&self, gram: u32, found: impl FnMut(u32, u32)) {
        let bucket = spread(gram) >> self.shift;
        if let Some(word) = self.bits.get(bucket as usize / 64)
            && word >> (bucket % 64) & 1 != 0
        {
            self.behind(bucket as usize, gram, found);
        }
    }

    #[inline(never)]
    fn behind(&self, bucket: usize, gram: u32, mut found: impl FnMut(u32, u32)) {
        if let [from, upto, ..] = self.starts.get(bucket..).unwrap_or(&[])
            && let Some(entries) = self.entries.get(*from as usize..*upto as usize)
        {
            for (g, at, id) in entries {
                if *g == gram {
                    found(*at, *id);
                }
            }
        }
    }
}

#[inline(always)]
fn spread(gram: u32) -> u32 {
    gram.wrapping_mul(0x9e37_79b1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn finds_what_a_simple_search_finds(
            texts in proptest::collection::vec(("[ab.]{1,12}", 0..4_u8), 1..40),
            value in "[ab.]{0,40}",
        ) {
            let mut builder = Builder::default();
            let mut expected = BTreeSet::new();
            let mut common = Commonness::default();
            for (n, (text, place)) in texts.iter().enumerate() {
                let place = match place {
                    0 => Place::Whole,
                    1 => Place::Start,
                    2 => Place::End,
                    _ if text.len() < 3 => Place::End,
                    _ => Place::Anywhere,
                };
                builder.text(place, text, n as u32);
                common.learn(text.as_bytes());
                if crate::test::stands(place, text, &value) {
                    expected.insert(n as u32);
                }
            }
            let index = builder.build(&common);
            let mut got = BTreeSet::new();
            index.search(value.as_bytes(), &mut |actions| got.extend(actions));
            prop_assert_eq!(got, expected);
        }
    }
}
