//! Parquet's run-length and bit-packed encoding (format document, "Run Length Encoding /
//! Bit-Packing Hybrid"), read without unpacking what nobody asks for.

/// Which keys of a dictionary are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeySet {
    words: Vec<u64>,
}

impl KeySet {
    /// For keys below `count`.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            words: vec![0; count.div_ceil(64)],
        }
    }

    pub(crate) fn insert(&mut self, key: u32) {
        if let Some(word) = self.words.get_mut(key as usize / 64) {
            *word |= 1 << (key % 64);
        }
    }

    #[inline]
    pub(crate) fn has(&self, key: u32) -> bool {
        self.words
            .get(key as usize / 64)
            .is_some_and(|w| w >> (key % 64) & 1 == 1)
    }
}

/// A run of an encoded sequence.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Run<'a> {
    /// The same value so many times.
    Same(u32, usize),
    /// Values of `width` bits each, in groups of eight.
    Packed(&'a [u8], usize),
}

/// Reads runs; ends where the bytes do or make no sense.
#[derive(Clone, Debug)]
struct Runs<'a> {
    bytes: &'a [u8],
    width: u32,
}

impl<'a> Runs<'a> {
    fn next(&mut self) -> Option<Run<'a>> {
        let header = varint(&mut self.bytes)?;
        let count = usize::try_from(header >> 1).ok()?;
        if header & 1 == 0 {
            let octets = self.width.div_ceil(8) as usize;
            let (value, rest) = self.bytes.split_at_checked(octets)?;
            self.bytes = rest;
            let mut number = [0; 4];
            for (to, from) in number.iter_mut().zip(value) {
                *to = *from;
            }
            return Some(Run::Same(u32::from_le_bytes(number), count));
        }
        let octets = count.checked_mul(self.width as usize)?;
        // The last group may be cut short by careless writers.
        let (packed, rest) = self.bytes.split_at(octets.min(self.bytes.len()));
        self.bytes = rest;
        Some(Run::Packed(packed, count.checked_mul(8)?))
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..).step_by(7).take(9) {
        let (&b, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(b & 0x7f) << shift;
        if b & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The value of `width` bits at place `at` of packed values.
#[inline]
fn unpack(packed: &[u8], width: u32, at: usize) -> Option<u32> {
    let bit = at * width as usize;
    let from = bit / 8;
    let word = match packed.get(from..from + 8) {
        Some(eight) => u64::from_le_bytes(*eight.first_chunk::<8>()?),
        None => {
            let mut last = [0; 8];
            let rest = packed.get(from..)?;
            if rest.is_empty() && width > 0 {
                return None;
            }
            for (to, b) in last.iter_mut().zip(rest) {
                *to = *b;
            }
            u64::from_le_bytes(last)
        }
    };
    Some((word >> (bit % 8)) as u32 & mask(width))
}

const fn mask(width: u32) -> u32 {
    if width >= 32 {
        u32::MAX
    } else {
        (1 << width) - 1
    }
}

/// Calls `found` with (place, key) for every key of `wanted` among the first `count` values, in
/// order. `bytes` begin with the width in bits, as dictionary-encoded pages do. `false`: the bytes
/// end too early.
pub(crate) fn each_wanted(
    bytes: &[u8],
    count: usize,
    wanted: &KeySet,
    found: &mut dyn FnMut(usize, u32),
) -> bool {
    let Some((&width, bytes)) = bytes.split_first() else {
        return count == 0;
    };
    if width > 32 {
        return false;
    }
    let width = u32::from(width);
    let mut runs = Runs { bytes, width };
    let mut at = 0;
    while at < count {
        match runs.next() {
            None => return false,
            Some(Run::Same(key, length)) => {
                let length = length.min(count - at);
                if wanted.has(key) {
                    for place in at..at + length {
                        found(place, key);
                    }
                }
                at += length;
            }
            Some(Run::Packed(packed, length)) => {
                let length = length.min(count - at);
                for n in 0..length {
                    let Some(key) = unpack(packed, width, n) else {
                        return false;
                    };
                    if wanted.has(key) {
                        found(at + n, key);
                    }
                }
                at += length;
            }
        }
    }
    true
}

/// Decodes `count` levels of at most `max`. `None` if the bytes end too early.
pub(crate) fn levels(bytes: &[u8], max: i16, count: usize) -> Option<Vec<u8>> {
    let width = 16 - max.leading_zeros();
    let mut runs = Runs { bytes, width };
    // The count is the file's word; memory is only taken for what is really there.
    let mut all = Vec::with_capacity(count.min(1 << 20));
    while all.len() < count {
        match runs.next()? {
            Run::Same(value, length) => {
                let length = length.min(count - all.len());
                all.resize(all.len() + length, value as u8);
                if length == 0 {
                    return None;
                }
            }
            Run::Packed(packed, length) => {
                for n in 0..length.min(count - all.len()) {
                    all.push(unpack(packed, width, n)? as u8);
                }
            }
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Packs values by the book: least significant bit first.
    fn packed(values: &[u32], width: u32) -> Vec<u8> {
        let groups = values.len().div_ceil(8);
        let mut out = vec![0u8; groups * width as usize];
        for (n, v) in values.iter().enumerate() {
            for bit in 0..width as usize {
                if v >> bit & 1 == 1 {
                    let at = n * width as usize + bit;
                    out[at / 8] |= 1 << (at % 8);
                }
            }
        }
        let mut all = vec![(groups << 1 | 1) as u8];
        all.extend(out);
        all
    }

    proptest! {
        #[test]
        fn what_was_packed_is_found(width in 1u32..=20, seed in prop::collection::vec(any::<u32>(), 1..400), repeat in 0usize..200) {
            let values: Vec<u32> = seed.iter().take(400).map(|v| v & mask(width)).collect();
            let mut bytes = vec![width as u8];
            bytes.extend(packed(&values[..values.len() / 8 * 8], width));
            let mut expected: Vec<u32> = values[..values.len() / 8 * 8].to_vec();
            // And a run of equal values.
            let same = values[0];
            let mut header = (repeat as u64) << 1;
            loop {
                let low = (header & 0x7f) as u8;
                header >>= 7;
                bytes.push(if header > 0 { low | 0x80 } else { low });
                if header == 0 { break; }
            }
            bytes.extend(&same.to_le_bytes()[..width.div_ceil(8) as usize]);
            expected.extend(std::iter::repeat_n(same, repeat));
            let mut wanted = KeySet::new(1 << width);
            let target = values[values.len() / 2];
            wanted.insert(target);
            wanted.insert(same);
            let mut got = Vec::new();
            prop_assert!(each_wanted(&bytes, expected.len(), &wanted, &mut |at, key| got.push((at, key))));
            let right: Vec<(usize, u32)> = expected.iter().copied().enumerate().filter(|(_, v)| *v == target || *v == same).collect();
            prop_assert_eq!(got, right);
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..80), count in 0usize..5000) {
            let mut wanted = KeySet::new(100);
            wanted.insert(3);
            each_wanted(&bytes, count, &wanted, &mut |at, _| assert!(at < count));
            if let Some(all) = levels(&bytes, 3, count) {
                prop_assert_eq!(all.len(), count);
            }
        }
    }

    #[test]
    fn levels_of_both_kinds() {
        // Ten times 1, then eight packed: 0 1 0 1 1 1 0 0.
        let bytes = [20, 1, 3, 0b0011_1010];
        assert_eq!(
            levels(&bytes, 1, 18).unwrap(),
            [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 0, 0]
        );
        assert_eq!(levels(&bytes, 1, 19), None);
    }
}
