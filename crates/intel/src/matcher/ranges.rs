//! Addresses and networks as ranges that do not overlap, the most specific network answering.

use std::fmt::Debug;

/// An address as a number.
pub(crate) trait Number: Copy + Ord + Debug {
    /// The upper 16 bits.
    fn top(self) -> usize;
    /// The number after this one.
    fn next(self) -> Option<Self>;
    /// The number before this one.
    fn before(self) -> Option<Self>;
}

impl Number for u32 {
    fn top(self) -> usize {
        (self >> 16) as usize
    }
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn before(self) -> Option<Self> {
        self.checked_sub(1)
    }
}

impl Number for u128 {
    fn top(self) -> usize {
        (self >> 112) as usize
    }
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
    fn before(self) -> Option<Self> {
        self.checked_sub(1)
    }
}

/// Sorted ranges. A table over the upper 16 bits says where to begin, so that a look-up among a
/// hundred thousand addresses spread over the Internet compares with one or two.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranges<T> {
    /// For each value of the upper bits, the first range that begins there or later; one more at
    /// the end. Empty if there is no range.
    top: Vec<u32>,
    starts: Vec<T>,
    ends: Vec<T>,
    numbers: Vec<u32>,
}

impl<T: Number> Ranges<T> {
    /// From networks, first and last address inclusive. They nest or are apart, as networks do;
    /// of equal ones the first given answers.
    pub(crate) fn build(mut networks: Vec<(T, T, u32)>) -> Self {
        // Wider first where the starts are equal, so that what is inside comes after.
        networks.sort_by(|a, b| (a.0, b.1, a.2).cmp(&(b.0, a.1, b.2)));
        networks.dedup_by(|b, a| (a.0, a.1) == (b.0, b.1));
        let mut ranges = Self {
            top: Vec::new(),
            starts: Vec::new(),
            ends: Vec::new(),
            numbers: Vec::new(),
        };
        // Networks that are open, outermost first; and where the innermost has been written up to.
        let mut open: Vec<(T, u32)> = Vec::new();
        let mut from: Option<T> = None;
        for (start, end, number) in networks {
            while let Some(&(last, outer)) = open.last() {
                if last >= start {
                    break;
                }
                if let Some(f) = from {
                    ranges.push(f, last, outer);
                }
                from = last.next();
                open.pop();
            }
            if let (Some(&(_, outer)), Some(f), Some(before)) = (open.last(), from, start.before())
            {
                ranges.push(f, before, outer);
            }
            from = Some(start);
            open.push((end, number));
        }
        while let Some((last, outer)) = open.pop() {
            if let Some(f) = from {
                ranges.push(f, last, outer);
            }
            from = last.next();
        }
        ranges.index();
        ranges
    }

    fn push(&mut self, start: T, end: T, number: u32) {
        if start <= end {
            self.starts.push(start);
            self.ends.push(end);
            self.numbers.push(number);
        }
    }

    fn index(&mut self) {
        if self.starts.is_empty() {
            return;
        }
        self.top = Vec::with_capacity(65_537);
        let mut at = 0;
        for top in 0..=65_536 {
            while self.starts.get(at).is_some_and(|s| s.top() < top) {
                at += 1;
            }
            self.top.push(at as u32);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The number of the most specific network that contains `address`.
    #[inline]
    pub(crate) fn get(&self, address: T) -> Option<u32> {
        let top = address.top();
        let from = *self.top.get(top)? as usize;
        let to = *self.top.get(top + 1)? as usize;
        let here = self.starts.get(from..to)?;
        // The last range that does not begin after the address; it may begin under lower bits.
        let at = (from + here.partition_point(|s| *s <= address)).checked_sub(1)?;
        (*self.ends.get(at)? >= address)
            .then(|| self.numbers.get(at).copied())
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipnet::Ipv4Net;
    use proptest::prelude::*;

    fn ranges(list: &[&str]) -> Ranges<u32> {
        let nets = list.iter().enumerate().map(|(n, s)| {
            let net: Ipv4Net = s.parse().unwrap();
            (
                u32::from(net.network()),
                u32::from(net.broadcast()),
                n as u32,
            )
        });
        Ranges::build(nets.collect())
    }

    #[test]
    fn the_most_specific_answers() {
        let r = ranges(&[
            "10.0.0.0/8",
            "10.1.0.0/16",
            "10.1.2.3/32",
            "255.255.255.255/32",
            "10.1.0.0/16",
            "0.0.0.0/32",
        ]);
        for (ip, expected) in [
            ([10, 0, 0, 0], Some(0)),
            ([10, 1, 0, 0], Some(1)),
            ([10, 1, 2, 3], Some(2)),
            ([10, 1, 2, 4], Some(1)),
            ([10, 2, 0, 0], Some(0)),
            ([10, 255, 255, 255], Some(0)),
            ([11, 0, 0, 0], None),
            ([255, 255, 255, 255], Some(3)),
            ([0, 0, 0, 0], Some(5)),
            ([0, 0, 0, 1], None),
        ] {
            assert_eq!(r.get(u32::from_be_bytes(ip)), expected, "{ip:?}");
        }
        assert_eq!(Ranges::<u32>::default().get(7), None);
    }

    proptest! {
        #[test]
        fn as_a_search_through_all(
            nets in prop::collection::vec((0u32..1 << 12, 20u8..=32), 0..60),
            asked in prop::collection::vec(0u32..1 << 13, 100),
        ) {
            let nets: Vec<Ipv4Net> = nets
                .iter()
                .map(|&(a, p)| Ipv4Net::new(a.into(), p).unwrap().trunc())
                .collect();
            let r = Ranges::build(
                nets.iter()
                    .enumerate()
                    .map(|(n, net)| (u32::from(net.network()), u32::from(net.broadcast()), n as u32))
                    .collect(),
            );
            for a in asked {
                let best = nets
                    .iter()
                    .filter(|n| n.contains(&std::net::Ipv4Addr::from(a)))
                    .max_by_key(|n| n.prefix_len());
                prop_assert_eq!(r.get(a).map(|n| nets[n as usize]), best.copied());
            }
        }
    }
}
