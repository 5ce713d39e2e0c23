//! The list.

use crate::{IN_MEMORY, Scratch};
use memmap2::MmapRaw;
use std::fs::File;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A list of records, in memory or in a scratch file. See the crate's documentation.
#[derive(Debug)]
pub struct Spill<T: Copy> {
    store: Store<T>,
    pub(crate) scratch: Option<Scratch>,
}

#[derive(Debug)]
enum Store<T> {
    Memory(Vec<T>),
    Mapped(Mapped<T>),
}

#[derive(Debug)]
struct Mapped<T> {
    file: File,
    map: Arc<MmapRaw>,
    len: usize,
    capacity: usize,
    // Owns values of T as a Vec does.
    of: std::marker::PhantomData<T>,
}

impl<T: Copy> Default for Spill<T> {
    fn default() -> Self {
        Self {
            store: Store::Memory(Vec::new()),
            scratch: None,
        }
    }
}

impl<T: Copy> From<Vec<T>> for Spill<T> {
    fn from(list: Vec<T>) -> Self {
        Self {
            store: Store::Memory(list),
            scratch: None,
        }
    }
}

/// Pages are given back at the latest after so many octets were appended.
const APPENDED: usize = 8 << 20;

impl<T: Copy> Spill<T> {
    /// An empty list that may use a scratch file; without one it is a `Vec`.
    pub fn new(scratch: Option<&Scratch>) -> Self {
        Self {
            store: Store::Memory(Vec::new()),
            scratch: scratch.cloned(),
        }
    }

    /// An empty list beside this one.
    pub fn sibling<U: Copy>(&self) -> Spill<U> {
        Spill::new(self.scratch.as_ref())
    }

    /// Whether it lives in a scratch file now.
    pub fn is_mapped(&self) -> bool {
        matches!(self.store, Store::Mapped(_))
    }

    /// Appends a record.
    pub fn push(&mut self, value: T) {
        if let Store::Memory(list) = &mut self.store {
            let full = list.len() == list.capacity()
                && list.len().saturating_mul(size_of::<T>()) >= IN_MEMORY;
            if !full {
                list.push(value);
                return;
            }
            match self.scratch.as_ref().filter(|s| s.usable()) {
                None => {
                    list.push(value);
                    return;
                }
                Some(scratch) => match Mapped::from_slice(scratch, list) {
                    Ok(mapped) => self.store = Store::Mapped(mapped),
                    Err(e) => {
                        scratch.fail(&e);
                        list.push(value);
                        return;
                    }
                },
            }
        }
        let Store::Mapped(mapped) = &mut self.store else {
            return;
        };
        if mapped.len == mapped.capacity
            && let Some(scratch) = &self.scratch
            && let Err(e) = mapped.grow(scratch)
        {
            // The disk is full: go on in memory, and say so.
            scratch.fail(&e);
            let mut list = Vec::with_capacity(mapped.len + mapped.len / 4 + 1);
            list.extend_from_slice(mapped);
            list.push(value);
            self.store = Store::Memory(list);
            return;
        }
        mapped.append(value);
        let every = APPENDED / size_of::<T>().max(1);
        if mapped.len.is_multiple_of(every.max(1))
            && let Some(scratch) = &self.scratch
        {
            scratch.relieve();
        }
    }

    /// Keeps the first `len` records.
    pub fn truncate(&mut self, len: usize) {
        match &mut self.store {
            Store::Memory(list) => list.truncate(len),
            Store::Mapped(mapped) => mapped.len = mapped.len.min(len),
        }
    }

    /// Keeps the records for which `keep` holds, in order.
    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        let scratch = self.scratch.clone();
        let list = &mut self[..];
        let mut kept = 0;
        for i in 0..list.len() {
            let value = list[i];
            if keep(&value) {
                list[kept] = value;
                kept += 1;
            }
            if let Some(scratch) = &scratch {
                scratch.pace(i);
            }
        }
        self.truncate(kept);
    }

    /// Keeps the first of neighbouring records with the same key.
    pub fn dedup_by_key<K: PartialEq>(&mut self, key: impl Fn(&T) -> K) {
        let scratch = self.scratch.clone();
        let list = &mut self[..];
        let mut kept = 0;
        for i in 0..list.len() {
            let value = list[i];
            if kept == 0 || key(&list[kept - 1]) != key(&value) {
                list[kept] = value;
                kept += 1;
            }
            if let Some(scratch) = &scratch {
                scratch.pace(i);
            }
        }
        self.truncate(kept);
    }

    /// The records in order. Unlike a slice's, this lets pages go once in a while.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter {
            inner: self[..].iter(),
            scratch: self.scratch.as_ref().filter(|_| self.is_mapped()),
        }
    }

    /// See [`Self::iter`].
    pub fn iter_mut(&mut self) -> IterMut<'_, T> {
        let scratch = self.scratch.clone().filter(|_| self.is_mapped());
        IterMut {
            inner: self[..].iter_mut(),
            scratch,
        }
    }

    /// For loops by index: lets pages go once in a while. `step` is the loop's counter.
    pub fn pace(&self, step: usize) {
        if let Some(scratch) = &self.scratch {
            scratch.pace(step);
        }
    }
}

impl<T: Copy> Extend<T> for Spill<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        for value in values {
            self.push(value);
        }
    }
}

impl<'a, T: Copy> IntoIterator for &'a Spill<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// Goes over a list and lets its pages go once in a while.
#[derive(Clone, Debug)]
pub struct Iter<'a, T> {
    inner: std::slice::Iter<'a, T>,
    scratch: Option<&'a Scratch>,
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        if let Some(scratch) = self.scratch {
            scratch.pace(self.inner.len());
        }
        self.inner.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}

/// The same with records that can be changed.
#[derive(Debug)]
pub struct IterMut<'a, T> {
    inner: std::slice::IterMut<'a, T>,
    scratch: Option<Scratch>,
}

impl<'a, T> Iterator for IterMut<'a, T> {
    type Item = &'a mut T;

    fn next(&mut self) -> Option<&'a mut T> {
        if let Some(scratch) = &self.scratch {
            scratch.pace(self.inner.len());
        }
        self.inner.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<T: Copy> Deref for Spill<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.store {
            Store::Memory(list) => list,
            Store::Mapped(mapped) => mapped,
        }
    }
}

impl<T: Copy> DerefMut for Spill<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.store {
            Store::Memory(list) => list,
            Store::Mapped(mapped) => mapped,
        }
    }
}

impl<T: Copy> Mapped<T> {
    fn from_slice(scratch: &Scratch, list: &[T]) -> std::io::Result<Self> {
        // Types without size never fill memory.
        let capacity = list.len().saturating_mul(4).max(1);
        let file = scratch.file()?;
        let map = scratch.map(&file, octets::<T>(capacity))?;
        let mut new = Self {
            file,
            map,
            len: 0,
            capacity,
            of: std::marker::PhantomData,
        };
        for &value in list {
            new.append(value);
        }
        Ok(new)
    }

    fn grow(&mut self, scratch: &Scratch) -> std::io::Result<()> {
        let capacity = self.capacity + (self.capacity / 2).max(1);
        self.map = scratch.map(&self.file, octets::<T>(capacity))?;
        self.capacity = capacity;
        Ok(())
    }

    #[allow(unsafe_code)]
    fn append(&mut self, value: T) {
        assert!(self.len < self.capacity);
        // SAFETY: `map` covers `capacity` values of T (see `octets`), so index `len` is inside it;
        // a mapping begins at a page, which is aligned for every T used (asserted in `octets`).
        // `&mut self` means that no slice of it is alive.
        unsafe { self.map.as_mut_ptr().cast::<T>().add(self.len).write(value) };
        self.len += 1;
    }
}

/// Octets of a mapping for `capacity` values.
fn octets<T>(capacity: usize) -> u64 {
    assert!(
        align_of::<T>() <= 4096,
        "a mapping is aligned to a page only"
    );
    (capacity.saturating_mul(size_of::<T>()) as u64).max(1)
}

impl<T: Copy> Deref for Mapped<T> {
    type Target = [T];

    #[allow(unsafe_code)]
    fn deref(&self) -> &[T] {
        // SAFETY: the first `len` values were written by `append` as values of T, the file is
        // private to this process and nameless, and it is never shortened, so the memory stays
        // valid and unchanged but through `&mut self`.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().cast::<T>(), self.len) }
    }
}

impl<T: Copy> DerefMut for Mapped<T> {
    #[allow(unsafe_code)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `&mut self` makes this the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.map.as_mut_ptr().cast::<T>(), self.len) }
    }
}
