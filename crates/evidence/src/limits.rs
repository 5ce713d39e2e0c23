//! How much an input may make us do.

/// Limits against hostile or absurd input. Exceeding one is a [`crate::Problem`] that names
/// artefact and offset; what was decoded up to there is kept and the rest of the evidence is
/// processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Archives within archives. A `.tar.gz` counts once.
    pub depth: u32,
    /// Bytes that decompression may yield over the whole collection.
    pub decoded_total: u64,
    /// Bytes that decompression may yield for one member.
    pub decoded_member: u64,
    /// Decoded bytes per stored byte, for one stream and for one file on disk with all that is
    /// nested in it. Deflate cannot exceed 1032; logs stay below 200.
    pub ratio: u64,
    /// Decoded bytes below which `ratio` is not looked at.
    pub ratio_floor: u64,
    /// Artefacts over the whole collection.
    pub artefacts: u32,
    /// A decoded member up to this many bytes may be kept in memory; larger ones go to an
    /// anonymous temporary file.
    pub small_member: u64,
    /// Bytes of decoded members kept in memory over the whole collection.
    pub memory: u64,
    /// Threads that hash and decode.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 8,
            decoded_total: 256 << 30,
            decoded_member: 64 << 30,
            ratio: 1000,
            ratio_floor: 64 << 20,
            artefacts: 5_000_000,
            small_member: 16 << 20,
            memory: 256 << 20,
            threads: std::thread::available_parallelism().map_or(2, |n| n.get().min(8)),
        }
    }
}
