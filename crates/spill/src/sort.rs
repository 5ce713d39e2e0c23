//! Sorting without having the whole list in memory.

use crate::{IN_MEMORY, Spill};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

impl<T: Copy> Spill<T> {
    /// Sorts by a key; records with the same key keep their order.
    ///
    /// A list in a scratch file is sorted in runs of [`IN_MEMORY`] octets that are then merged
    /// (external merge sort; Knuth, The Art of Computer Programming 3, 5.4). Logs are nearly in
    /// order, so that most runs need no sorting.
    pub fn sort_by_key<K: Ord>(&mut self, key: impl Fn(&T) -> K) {
        if !self.is_mapped() {
            self[..].sort_by_key(key);
            return;
        }
        let step = (IN_MEMORY / size_of::<T>().max(1)).max(2);
        let mut runs: Vec<(usize, usize)> = Vec::new();
        let scratch = self.scratch.clone();
        let len = self.len();
        for start in (0..len).step_by(step) {
            let end = (start + step).min(len);
            let run = &mut self[start..end];
            if !run.is_sorted_by_key(&key) {
                run.sort_by_key(&key);
            }
            // A run that goes on from the one before it is one with it.
            match runs.last_mut() {
                Some(last) if key(&self[start - 1]) <= key(&self[start]) => last.1 = end,
                _ => runs.push((start, end)),
            }
            if let Some(scratch) = &scratch {
                scratch.relieve();
            }
        }
        if runs.len() <= 1 {
            return;
        }
        let mut out: Spill<T> = self.sibling();
        {
            let list = &self[..];
            let mut heads: BinaryHeap<Reverse<(K, usize)>> = runs
                .iter()
                .enumerate()
                .map(|(r, &(start, _))| Reverse((key(&list[start]), r)))
                .collect();
            while let Some(Reverse((_, r))) = heads.pop() {
                let run = &mut runs[r];
                out.push(list[run.0]);
                run.0 += 1;
                if run.0 < run.1 {
                    heads.push(Reverse((key(&list[run.0]), r)));
                }
            }
        }
        *self = out;
    }
}

#[cfg(test)]
mod tests {
    use crate::{IN_MEMORY, Scratch, Spill};
    use proptest::prelude::*;

    fn scratch() -> (tempfile::TempDir, Scratch) {
        let dir = tempfile::tempdir().unwrap();
        // A budget of nothing: pages are given back at every occasion.
        let scratch = Scratch::new(dir.path(), 0);
        (dir, scratch)
    }

    /// So large that a few hundred thousand of them outgrow memory.
    type Record = (u32, u32, [u64; 8]);

    fn record(key: u32, at: u32) -> Record {
        (key, at, [u64::from(key) << 3; 8])
    }

    #[test]
    fn a_long_list_moves_to_a_file_and_stays_the_same() {
        let (_dir, scratch) = scratch();
        let mut list = Spill::new(Some(&scratch));
        let n = (4 * IN_MEMORY / size_of::<Record>()) as u32;
        for i in 0..n {
            list.push(record(i.wrapping_mul(2_654_435_761) >> 12, i));
        }
        assert!(list.is_mapped());
        assert_eq!(list.len(), n as usize);
        assert_eq!(list[12_345].1, 12_345);
        let mut expected: Vec<Record> = list.to_vec();
        list.sort_by_key(|r| r.0);
        expected.sort_by_key(|r| r.0);
        assert!(list.is_mapped());
        assert!(list[..] == expected[..]);
        list.retain(|r| r.1 % 3 != 0);
        expected.retain(|r| r.1 % 3 != 0);
        assert!(list[..] == expected[..]);
        list.dedup_by_key(|r| r.0);
        expected.dedup_by_key(|r| r.0);
        assert!(list[..] == expected[..]);
        assert!(scratch.problem().is_none());
        // No name is left behind, and while it is in use there is none either.
        assert_eq!(std::fs::read_dir(scratch.dir()).unwrap().count(), 0);
    }

    #[test]
    fn without_room_for_a_file_the_list_stays_in_memory_and_says_so() {
        let scratch = Scratch::new(std::path::Path::new("/nonexistent/folder"), 0);
        let mut list = Spill::new(Some(&scratch));
        let n = 2 * IN_MEMORY / size_of::<Record>();
        for i in 0..n {
            list.push(record(i as u32, 0));
        }
        assert!(!list.is_mapped());
        assert_eq!(list.len(), n);
        assert!(scratch.problem().unwrap().contains("/nonexistent/folder"));
    }

    #[test]
    fn memory_is_given_back() {
        let dir =
            tempfile::tempdir_in(std::env::var("VAUBAN_SCRATCH").unwrap_or("/var/tmp".into()));
        let dir = dir.unwrap();
        let scratch = Scratch::new(dir.path(), 0);
        if scratch.resident() == 0 {
            panic!("the system does not tell the process's memory");
        }
        let before = scratch.resident();
        let mut list = Spill::new(Some(&scratch));
        // 400 MB.
        for i in 0..5_000_000_u32 {
            list.push(record(i, i));
        }
        let sum: u64 = (0..list.len())
            .map(|i| {
                list.pace(i);
                u64::from(list[i].1)
            })
            .sum();
        assert_eq!(sum, 4_999_999 * 5_000_000 / 2);
        let grown = scratch.resident().saturating_sub(before);
        assert!(grown < 160 << 20, "{} MiB", grown >> 20);
    }

    proptest! {
        #[test]
        fn short_lists_behave_like_vectors(keys in prop::collection::vec(0_u32..50, 0..200)) {
            let mut expected: Vec<Record> =
                keys.iter().enumerate().map(|(i, &k)| record(k, i as u32)).collect();
            let mut list = Spill::from(expected.clone());
            list.sort_by_key(|r| r.0);
            expected.sort_by_key(|r| r.0);
            prop_assert_eq!(&list[..], &expected[..]);
            list.dedup_by_key(|r| r.0);
            expected.dedup_by_key(|r| r.0);
            prop_assert_eq!(&list[..], &expected[..]);
        }
    }
}
