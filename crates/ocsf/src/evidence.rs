//! Where a fact stands in the evidence.

/// Index of an artefact in the evidence manifest, in manifest order.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtefactId(pub u32);

/// A range of bytes of one artefact that a person can open to check a claim.
///
/// Offsets are into the artefact's decoded bytes (after decompression), half-open:
/// `offset .. offset + length`. The line terminator is not part of a line's range.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Evidence {
    /// The artefact.
    pub artefact: ArtefactId,
    /// First byte, counted from 0.
    pub offset: u64,
    /// Bytes; saturates at `u32::MAX` for absurdly long lines.
    pub length: u32,
}
