//! How many octets of an item left: intervals that follow from records, never estimates.
//!
//! `docs/BOUNDS.md` gives the argument for each rule with its source. Two principles hold
//! throughout: a lower bound needs a record that cannot be true unless so much was sent; an upper
//! bound is the smallest number that some record or the item's own size sets, and where neither
//! does, it is the item's size.

/// Octets, at least and at most.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval {
    /// At least.
    pub min: u64,
    /// At most.
    pub max: u64,
}

impl Interval {
    /// Nothing left.
    pub const NOTHING: Self = Self { min: 0, max: 0 };

    /// Exactly so many.
    pub const fn exactly(n: u64) -> Self {
        Self { min: n, max: n }
    }

    /// Any number up to `max`.
    pub const fn up_to(max: u64) -> Self {
        Self { min: 0, max }
    }

    /// Two transfers of the same item: what is sent twice counts once, so the least is the larger
    /// of the two least, the most their sum, but never more than the item has.
    pub fn together(self, other: Self, size: Option<u64>) -> Self {
        let max = self.max.saturating_add(other.max);
        Self {
            min: self.min.max(other.min),
            max: size.map_or(max, |s| max.min(s.max(self.min).max(other.min))),
        }
    }
}

/// What is known about one HTTP response that carries an item.
#[derive(Copy, Clone, Debug, Default)]
pub struct Response {
    /// Octets as logged.
    pub bytes: Option<u64>,
    /// They include the response header.
    pub wire: bool,
    /// The server may have compressed the body (by content type and configuration), or the log
    /// says whether it did.
    pub compressible: bool,
}

/// Most that a response header of Roundcube takes: PHP, web server and session headers are well
/// below nginx's default `fastcgi_buffer_size` and Apache's limit for one header line.
const HEADER_MOST: u64 = 8192;

/// A part or message sent as it is (`_download=1`, `.eml`), of known or unknown size.
///
/// The body is the item and nothing else, so an uncompressed body of `n` octets carries exactly
/// its first `n` octets. A compressed one carries an unknown number, up to all.
pub fn verbatim(r: Response, size: Option<u64>) -> Interval {
    let most = size.unwrap_or(u64::MAX);
    match (r.bytes, r.compressible) {
        (None, _) => Interval::up_to(most),
        (Some(0), _) => Interval::NOTHING,
        // An error page instead of the item is larger than it or is not; no least follows.
        (Some(n), false) if r.wire => Interval {
            min: n.saturating_sub(HEADER_MOST).min(most),
            max: n.min(most),
        },
        (Some(n), false) if n <= most => Interval::exactly(n),
        // More than the item: not the item alone (converted, or another answer).
        (Some(_), false) => Interval::up_to(most),
        (Some(_), true) => Interval::up_to(most),
    }
}

/// An item that is rendered into a page, converted or packed: nothing follows but its size.
pub fn rendered(r: Response, size: Option<u64>) -> Interval {
    match r.bytes {
        Some(0) => Interval::NOTHING,
        _ => Interval::up_to(size.unwrap_or(u64::MAX)),
    }
}

/// What an IMAP or POP3 session without command log may have sent of one item: no more than the
/// item has, and no more than the session sent of bodies.
pub fn share(size: Option<u64>, sent: Option<u64>) -> Interval {
    Interval::up_to(size.unwrap_or(u64::MAX).min(sent.unwrap_or(u64::MAX)))
}

/// Finds out whether a session took exactly the whole of a list of messages, its oldest `k`, or
/// its newest `k`, from the number of bodies and their octets alone.
///
/// `sizes` are RFC822.SIZE in order of UID, `count` and `bytes` what the daemon counted. Gives the
/// range of indices. That another choice of `count` messages has the same sum to the octet is
/// possible in principle: `docs/BOUNDS.md` gives the odds, and [`interchangeable`] removes the one
/// case that is not rare, messages of equal size. Below [`LEAST_SUM`] octets nothing is concluded.
pub fn whole_run(sizes: &[u64], count: u64, bytes: u64) -> Option<std::ops::Range<usize>> {
    let k = usize::try_from(count).ok()?;
    if k == 0 || k > sizes.len() || bytes < LEAST_SUM {
        return None;
    }
    let sum = |range: std::ops::Range<usize>| sizes[range].iter().sum::<u64>();
    let oldest = 0..k;
    let newest = sizes.len() - k..sizes.len();
    let hits: Vec<std::ops::Range<usize>> = [oldest, newest]
        .into_iter()
        .filter(|r| sum(r.clone()) == bytes)
        .collect();
    match hits.as_slice() {
        [one] => Some(one.clone()),
        [one, other] if one == other => Some(one.clone()),
        _ => None,
    }
}

/// Below this sum, equality is too likely by chance.
pub const LEAST_SUM: u64 = 4096;

/// Whether a message inside `run` could be exchanged for one outside without changing the sum.
pub fn interchangeable(sizes: &[u64], run: &std::ops::Range<usize>, index: usize) -> bool {
    sizes
        .iter()
        .enumerate()
        .any(|(i, s)| !run.contains(&i) && sizes.get(index) == Some(s))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_download_proves_what_it_sent() {
        let sent = |n| Response {
            bytes: Some(n),
            ..Response::default()
        };
        assert_eq!(verbatim(sent(100), Some(100)), Interval::exactly(100));
        assert_eq!(verbatim(sent(40), Some(100)), Interval::exactly(40));
        assert_eq!(verbatim(sent(140), Some(100)), Interval::up_to(100));
        assert_eq!(verbatim(sent(0), Some(100)), Interval::NOTHING);
        assert_eq!(verbatim(sent(40), None), Interval::exactly(40));
        let deflated = Response {
            compressible: true,
            ..sent(40)
        };
        assert_eq!(verbatim(deflated, Some(100)), Interval::up_to(100));
        let wire = Response {
            wire: true,
            ..sent(9000)
        };
        assert_eq!(
            verbatim(wire, Some(8900)),
            Interval {
                min: 808,
                max: 8900
            }
        );
        assert_eq!(verbatim(Response::default(), Some(7)), Interval::up_to(7));
    }

    #[test]
    fn repeated_transfers_count_once() {
        let a = Interval::exactly(60);
        let b = Interval { min: 10, max: 70 };
        assert_eq!(a.together(b, Some(100)), Interval { min: 60, max: 100 });
        assert_eq!(a.together(b, None), Interval { min: 60, max: 130 });
    }

    #[test]
    fn whole_mailboxes_are_recognised_by_their_sum() {
        let sizes = [5000, 700, 700, 9000];
        assert_eq!(whole_run(&sizes, 4, 15400), Some(0..4));
        assert_eq!(whole_run(&sizes, 2, 5700), Some(0..2));
        assert_eq!(whole_run(&sizes, 2, 9700), Some(2..4));
        assert_eq!(whole_run(&sizes, 2, 9701), None);
        assert_eq!(whole_run(&sizes, 5, 15400), None);
        assert_eq!(whole_run(&sizes, 1, 700), None);
        assert!(interchangeable(&sizes, &(0..2), 1));
        assert!(!interchangeable(&sizes, &(0..2), 0));
        assert!(!interchangeable(&sizes, &(0..4), 1));
    }

    /// A transfer as a client saw it, and the record that the server wrote of it.
    #[derive(Clone, Debug)]
    struct Sent {
        /// Octets of the item that reached the client: its first `n`, or, for a display, any `n`.
        octets: u64,
        record: Interval,
    }

    fn sent(size: u64) -> impl Strategy<Value = Sent> {
        (0..=size, 0_u8..6, 1_u64..2000).prop_map(move |(n, kind, noise)| {
            let logged = |bytes| Response {
                bytes: Some(bytes),
                ..Response::default()
            };
            let record = match kind {
                // A download, perhaps cut off: the log has what was sent.
                0 => verbatim(logged(n), Some(size)),
                // The same with the header counted in.
                1 => verbatim(
                    Response {
                        wire: true,
                        ..logged(n + noise)
                    },
                    Some(size),
                ),
                // The same compressed: the log has some smaller or larger number.
                2 => verbatim(
                    Response {
                        compressible: true,
                        ..logged(n / 3 + noise)
                    },
                    Some(size),
                ),
                // Shown in a page of whatever size.
                3 => rendered(logged(n + noise), Some(size)),
                // Sent by a session that sent other things too.
                4 => share(Some(size), Some(n + noise)),
                // Not logged.
                _ => verbatim(Response::default(), Some(size)),
            };
            Sent { octets: n, record }
        })
    }

    proptest! {
        /// What left, repeated octets counted once, lies between the largest single transfer
        /// (downloads begin at the beginning) and the sum; the interval must hold all of that.
        #[test]
        fn intervals_hold_the_truth(
            (size, all) in (1_u64..100_000).prop_flat_map(|size| {
                (Just(size), proptest::collection::vec(sent(size), 1..6))
            })
        ) {
            let interval = all
                .iter()
                .map(|s| s.record)
                .reduce(|a, b| a.together(b, Some(size)))
                .unwrap();
            let largest = all.iter().map(|s| s.octets).max().unwrap();
            let most = all.iter().map(|s| s.octets).sum::<u64>().min(size);
            prop_assert!(interval.min <= largest, "{interval:?} {largest}");
            prop_assert!(most <= interval.max, "{interval:?} {most}");
        }

        /// Whatever runs of messages a client takes, a run that is recognised is the one taken.
        #[test]
        fn recognised_runs_are_the_ones_taken(
            sizes in proptest::collection::vec(300_u64..60_000, 3..60),
            pick in proptest::collection::vec(any::<bool>(), 60),
        ) {
            let taken: Vec<usize> = (0..sizes.len()).filter(|&i| pick[i]).collect();
            let sum = taken.iter().map(|&i| sizes[i]).sum();
            if let Some(run) = whole_run(&sizes, taken.len() as u64, sum) {
                for i in run.clone() {
                    prop_assert!(
                        taken.contains(&i) || interchangeable(&sizes, &run, i),
                        "{i} of {run:?} was not taken"
                    );
                }
            }
        }
    }
}
