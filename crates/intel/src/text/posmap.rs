//! Where a piece of rewritten text stood in the text it came from.

/// A piecewise map from positions in an output text to positions in its input.
///
/// Pieces are stored only where the distance between the two changes, so a document that is
/// copied nearly unchanged costs nearly nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct PosMap {
    /// `(output, input)`, ascending in both.
    pieces: Vec<(usize, usize)>,
}

impl PosMap {
    /// Says that output position `out` comes from input position `input`, and that what follows
    /// is copied one to one until the next call.
    pub(crate) fn at(&mut self, out: usize, input: usize) {
        if let Some(&(o, i)) = self.pieces.last() {
            if o == out {
                self.pieces.pop();
            } else if input.checked_sub(i) == out.checked_sub(o) {
                return;
            }
        }
        self.pieces.push((out, input));
    }

    /// The input position of output position `out`.
    pub(crate) fn input(&self, out: usize) -> usize {
        match self.pieces.partition_point(|&(o, _)| o <= out) {
            0 => out,
            n => {
                let (o, i) = self.pieces[n - 1];
                i + (out - o)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_across_pieces() {
        let mut map = PosMap::default();
        map.at(0, 3);
        map.at(4, 7); // same distance: no new piece
        map.at(10, 20);
        assert_eq!(map.pieces.len(), 2);
        assert_eq!(map.input(0), 3);
        assert_eq!(map.input(9), 12);
        assert_eq!(map.input(10), 20);
        assert_eq!(map.input(15), 25);
    }
}
