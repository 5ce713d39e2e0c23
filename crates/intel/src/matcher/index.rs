//! A table from hashes to small numbers, with a filter in front of it that stays in the cache.
//!
//! Nearly every value of the evidence is no indicator. What such a value costs is what counts, and
//! it is one word of the filter: two bytes a key, so that a hundred thousand keys are 256 KiB.

/// Odd multiplier (the golden ratio in 64 bits).
const K: u64 = 0x9E37_79B9_7F4A_7C15;

/// A hash that takes bytes one at a time, so that all prefixes of a value are hashed in one pass.
/// Nothing is inserted that the evidence controls, so it need not resist chosen values.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Roll(u64);

impl Roll {
    pub(crate) const fn new() -> Self {
        Self(0x51_7C_C1_B7_27_22_0A_95)
    }

    #[inline]
    pub(crate) fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(K).rotate_left(23);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.byte(b);
        }
    }

    /// The bytes with ASCII letters in lower case.
    pub(crate) fn lower(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.byte(b.to_ascii_lowercase());
        }
    }

    #[inline]
    pub(crate) const fn finish(self) -> u64 {
        let h = (self.0 ^ (self.0 >> 32)).wrapping_mul(K);
        h ^ (h >> 29)
    }
}

/// Hash of a whole value, eight bytes at a time.
#[inline]
pub(crate) fn whole(bytes: &[u8]) -> u64 {
    words(bytes, 0)
}

/// Hash of a whole value that does not depend on the case of its ASCII letters. Bytes that differ
/// in bit 5 alone may share a hash; the comparison that follows tells them apart.
#[inline]
pub(crate) fn whole_lower(bytes: &[u8]) -> u64 {
    words(bytes, 0x2020_2020_2020_2020)
}

#[inline]
fn words(bytes: &[u8], or: u64) -> u64 {
    let mut h = (bytes.len() as u64).wrapping_mul(K);
    let (chunks, rest) = bytes.as_chunks::<8>();
    for chunk in chunks {
        let w = u64::from_le_bytes(*chunk) | or;
        h = (h ^ w).wrapping_mul(K).rotate_left(31);
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        h = (h ^ (u64::from_le_bytes(last) | or)).wrapping_mul(K);
    }
    Roll(h).finish()
}

/// Hash → number, the number's key compared by the caller.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    filter: Vec<u64>,
    /// Upper half of the hash, and the number plus one; 0 is an empty slot.
    slots: Vec<(u32, u32)>,
    len: usize,
}

impl Index {
    /// From hashes and their numbers (below `u32::MAX`). Equal hashes may stand for different
    /// keys.
    pub(crate) fn build(pairs: &[(u64, u32)]) -> Self {
        if pairs.is_empty() {
            return Self::default();
        }
        let words = (pairs.len() / 4).next_power_of_two();
        let size = (pairs.len() * 2).next_power_of_two();
        let mut index = Self {
            filter: vec![0; words],
            slots: vec![(0, 0); size],
            len: pairs.len(),
        };
        for &(hash, number) in pairs {
            let (at, bits) = index.word(hash);
            if let Some(word) = index.filter.get_mut(at) {
                *word |= bits;
            }
            let mut slot = index.slot(hash);
            while let Some(s) = index.slots.get_mut(slot) {
                if s.1 == 0 {
                    *s = ((hash >> 32) as u32, number + 1);
                    break;
                }
                slot = (slot + 1) & (size - 1);
            }
        }
        index
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn word(&self, hash: u64) -> (usize, u64) {
        let at = (hash >> 20) as usize & (self.filter.len() - 1);
        (at, 1 << (hash & 63) | 1 << ((hash >> 6) & 63))
    }

    fn slot(&self, hash: u64) -> usize {
        (hash >> 12) as usize & (self.slots.len() - 1)
    }

    /// The first number under `hash` that `same` agrees to.
    #[inline]
    pub(crate) fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<u32> {
        if self.filter.is_empty() {
            return None;
        }
        let (at, bits) = self.word(hash);
        if self.filter.get(at)? & bits != bits {
            return None;
        }
        self.probe(hash, same)
    }

    fn probe(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<u32> {
        let mut slot = self.slot(hash);
        loop {
            let &(upper, number) = self.slots.get(slot)?;
            if number == 0 {
                return None;
            }
            if upper == (hash >> 32) as u32 && same(number - 1) {
                return Some(number - 1);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_put_in_and_little_else() {
        let keys: Vec<String> = (0..10_000).map(|n| format!("host{n}.example")).collect();
        let pairs: Vec<(u64, u32)> = keys
            .iter()
            .enumerate()
            .map(|(n, k)| (whole(k.as_bytes()), n as u32))
            .collect();
        let index = Index::build(&pairs);
        for (n, k) in keys.iter().enumerate() {
            let found = index.find(whole(k.as_bytes()), |i| keys[i as usize] == *k);
            assert_eq!(found, Some(n as u32));
        }
        let mut passed = 0;
        for n in 0..100_000 {
            let other = format!("other{n}.example");
            let (at, bits) = index.word(whole(other.as_bytes()));
            passed += usize::from(index.filter[at] & bits == bits);
            assert!(
                index
                    .find(whole(other.as_bytes()), |i| keys[i as usize] == other)
                    .is_none()
            );
        }
        assert!(passed < 8_000, "{passed} of 100,000 pass the filter");
        assert!(Index::default().find(1, |_| true).is_none());
    }

    #[test]
    fn case_does_not_matter_where_it_should_not() {
        assert_eq!(
            whole_lower(b"Mozilla/5.0 (X11)"),
            whole_lower(b"mozilla/5.0 (x11)")
        );
        assert_ne!(whole(b"Mozilla"), whole(b"mozilla"));
        let mut a = Roll::new();
        a.lower(b"EVIL.org");
        let mut b = Roll::new();
        b.bytes(b"evil.org");
        assert_eq!(a.finish(), b.finish());
    }
}
