//! All texts that rules look for in one field, found in one pass over its value.
//!
//! Whole values, beginnings and ends are looked up in hash tables. Texts that may stand anywhere
//! are represented by four (or three) of their bytes; a bit table answers whether such bytes begin
//! at a position of the value, and only where they do is the text compared. A text of seven bytes
//! or more is entered four times, by bytes at offsets of each remainder modulo four, so that only
//! every fourth position of the value has to be tried; of the bytes that could represent it, those
//! that are rarest among all rules' texts do. Unlike in an automaton no step waits for the one
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
        let mut long = Vec::new();
        let mut four = Vec::new();
        let mut three = Vec::new();
        for ((place, text), actions) in texts {
            let id = out.texts.len() as u32;
            match place {
                Place::Whole => whole.push((hash(&text), id)),
                Place::Start => start.push((edge(&text, false, &mut out.start_lengths), id)),
                Place::End => end.push((edge(&text, true, &mut out.end_lengths), id)),
                Place::Anywhere if text.len() >= LONG => {
                    long.extend((0..4).map(|r| Entry::new(&text, common.rarest(&text, r, 4), id)));
                }
                Place::Anywhere if text.len() >= 4 => {
                    four.push(Entry::new(&text, common.rarest(&text, 0, 1), id));
                }
                Place::Anywhere => three.push(Entry {
                    gram: gram3(&text, 0),
                    ..Entry::new(&text, 0, id)
                }),
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
        out.long = Grams::new(long);
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

/// How often each four bytes occur among the texts of all rules and in everyday values, as a
/// stand-in for how often they occur in events.
#[derive(Debug)]
pub(crate) struct Commonness {
    counts: HashMap<u32, u32>,
}

/// What everyday events are full of.
const EVERYDAY: [&str; 30] = [
    r"c:\windows\system32\svchost.exe -k netsvcs -p -s schedule",
    r"c:\windows\syswow64\windowspowershell\v1.0\powershell.exe",
    r"c:\program files (x86)\google\chrome\application\chrome.exe --type=renderer",
    r"c:\program files\microsoft office\root\office16\outlook.exe",
    r"c:\programdata\microsoft\windows defender\platform\",
    r"c:\users\public\documents\appdata\local\temp\roaming\desktop\downloads\",
    r"c:\windows\explorer.exe c:\windows\system32\conhost.exe 0xffffffff -forcev1",
    r"c:\windows\system32\cmd.exe /c",
    r"hklm\system\currentcontrolset\services\tcpip\parameters\interfaces\{",
    r"hklm\software\microsoft\windows nt\currentversion\",
    r"hkcu\software\microsoft\windows\currentversion\explorer\",
    r"\device\harddiskvolume2\windows\system32\drivers\",
    "microsoft® windows® operating system microsoft corporation microsoft windows",
    "microsoft-windows-sysmon/operational microsoft-windows-security-auditing",
    "10.0.19041.1806 (winbuild.160101.0800)",
    "sha1=0000 md5=0000 ,sha256= ,imphash=",
    r"nt authority\system s-1-5-18 s-1-5-21-",
    "process_creation windows security application network_connection image_load registry_set",
    "0x8000000000000000 0x3e7 0x0 true false valid medium high system setvalue",
    "https://www.example.com/index.html http://www. .com/ https://mail. ?id= &_action=",
    "mozilla/5.0 (windows nt 10.0; win64; x64) applewebkit/537.36 (khtml, like gecko) chrome/ safari/537.36",
    "/usr/bin/ /usr/sbin/ /usr/lib/ /etc/ /var/log/ /var/lib/ /home/ /root/ /tmp/ /bin/sh -c",
    "connect from disconnect from accepted password for session opened for user root(uid=0)",
    "imap-login: login: user=<, method=plain, rip=, lip=, mpid=, tls, session=<",
    "the host process for services component description error failed message version",
    r"dword (0x00000001) binary data %systemroot%\system32\ .dll .exe .dat .log .tmp .json",
    "2026-01-01 00:00:00.000 2025-12-31t23:59:59z",
    "127.0.0.1 192.168.1. 10.0.0. ::ffff: localhost .local .corp -",
    "get post put head 200 304 404 http/1.1",
    "--lang= --enable- --disable- --type= -command -file -noprofile ",
];

impl Default for Commonness {
    fn default() -> Self {
        let mut out = Self {
            counts: HashMap::new(),
        };
        for text in EVERYDAY {
            for w in text.as_bytes().windows(4) {
                *out.counts.entry(gram4(w, 0)).or_default() += 100;
            }
        }
        out
    }
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
        // Letters run together in words of every event, digits in its numbers; signs do not.
        let usual = w.iter().filter(|b| b.is_ascii_alphanumeric()).count() as u32;
        self.counts.get(&gram4(w, 0)).copied().unwrap_or(0) * 4 + usual
    }

    /// Where the rarest four bytes stand, among offsets `first`, `first + step`, ….
    fn rarest(&self, text: &[u8], first: usize, step: usize) -> usize {
        text.windows(4)
            .enumerate()
            .skip(first)
            .step_by(step)
            .min_by_key(|(_, w)| self.weight(w))
            .map_or(first, |(at, _)| at)
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
    long: Grams,
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
        if !self.long.is_empty() && value.len() >= LONG {
            for (i, w) in value.chunks_exact(4).enumerate() {
                let gram = u32::from_le_bytes([w[0], w[1], w[2], w[3]]);
                if self.long.may_hold(gram) {
                    self.look(&self.long, gram, i * 4, value, found);
                }
            }
        }
        if !self.four.is_empty() {
            for (i, w) in value.windows(4).enumerate() {
                let gram = u32::from_le_bytes([w[0], w[1], w[2], w[3]]);
                if self.four.may_hold(gram) {
                    self.look(&self.four, gram, i, value, found);
                }
            }
        }
        if !self.three.is_empty() {
            for (i, w) in value.windows(3).enumerate() {
                let gram = u32::from_le_bytes([w[0], w[1], w[2], 0]);
                if self.three.may_hold(gram) {
                    self.look(&self.three, gram, i, value, found);
                }
            }
        }
    }

    /// Compares the texts that have `gram`, which begins at `at` of the value.
    #[inline(never)]
    fn look(
        &self,
        grams: &Grams,
        gram: u32,
        at: usize,
        value: &[u8],
        found: &mut impl FnMut(&[Action]),
    ) {
        for entry in grams.entries(gram) {
            if entry.gram != gram {
                continue;
            }
            let Some(start) = at.checked_sub(entry.at as usize) else {
                continue;
            };
            // Another four bytes, which settles most cases without a comparison of the whole.
            if entry.other != NO_OTHER
                && gram4(value, start + entry.other_at as usize) != entry.other
            {
                continue;
            }
            let (text, actions) = self.text(entry.id);
            if value
                .get(start..)
                .is_some_and(|rest| rest.starts_with(text))
            {
                found(actions);
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

/// From this length on, a text is looked for at every fourth position only.
const LONG: usize = 7;

/// No second gram.
const NO_OTHER: u32 = 0;

/// A text by four of its bytes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    gram: u32,
    /// Where it stands in the text.
    at: u32,
    /// Four more bytes, as far from the first as the text allows.
    other: u32,
    other_at: u32,
    id: u32,
}

impl Entry {
    fn new(text: &[u8], at: usize, id: u32) -> Self {
        let last = text.len().saturating_sub(4);
        let other_at = if at * 2 >= last { 0 } else { last };
        let other = if text.len() < 5 {
            NO_OTHER
        } else {
            gram4(text, other_at)
        };
        Self {
            gram: gram4(text, at),
            at: at as u32,
            other,
            other_at: other_at as u32,
            id,
        }
    }
}

/// A bit table over hashed grams, with what stands behind each.
#[derive(Debug, Default)]
struct Grams {
    shift: u32,
    bits: Vec<u64>,
    starts: Vec<u32>,
    entries: Vec<Entry>,
}

impl Grams {
    fn new(mut entries: Vec<Entry>) -> Self {
        if entries.is_empty() {
            return Self::default();
        }
        let log = (entries.len() * 16)
            .next_power_of_two()
            .trailing_zeros()
            .clamp(9, 18);
        let shift = 32 - log;
        let bucket = |gram: u32| (spread(gram) >> shift) as usize;
        entries.sort_by_key(|e| (bucket(e.gram), *e));
        let mut bits = vec![0_u64; 1 << (log - 6)];
        let mut starts = vec![0; (1 << log) + 1];
        for entry in &entries {
            let b = bucket(entry.gram);
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
    fn may_hold(&self, gram: u32) -> bool {
        let bucket = spread(gram) >> self.shift;
        self.bits
            .get(bucket as usize / 64)
            .is_some_and(|word| word >> (bucket % 64) & 1 != 0)
    }

    fn entries(&self, gram: u32) -> &[Entry] {
        let bucket = (spread(gram) >> self.shift) as usize;
        match self.starts.get(bucket..) {
            Some([from, upto, ..]) => self
                .entries
                .get(*from as usize..*upto as usize)
                .unwrap_or_default(),
            _ => &[],
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
