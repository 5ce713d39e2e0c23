//! SHA-256 (FIPS 180-4).

use sha2::{Digest, Sha256};

/// A running hash.
#[derive(Clone, Default)]
pub(crate) struct Sha(Sha256);

impl Sha {
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answer() {
        let mut sha = Sha::default();
        sha.update(b"a");
        sha.update(b"bc");
        // FIPS 180-2 appendix B.1.
        assert_eq!(
            sha.finish()[..8],
            [0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea]
        );
    }
}
