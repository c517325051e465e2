//! The kernel's lists, which it searches from the beginning.

use std::collections::HashMap;
use std::hash::Hash;

/// A list without duplicates, as the kernel keeps it.
#[derive(Debug)]
pub(super) struct List<K> {
    entries: Vec<K>,
    positions: HashMap<K, usize>,
}

impl<K> Default for List<K> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            positions: HashMap::new(),
        }
    }
}

impl<K: Copy + Eq + Hash> List<K> {
    /// Entries that a search passes.
    pub(super) fn distance(&self, key: &K) -> u64 {
        let position = self.positions.get(key).copied();
        position.map_or(self.entries.len(), |position| position + 1) as u64
    }

    /// Appends what is not there; says whether it was not.
    pub(super) fn insert(&mut self, key: K) -> bool {
        if self.positions.contains_key(&key) {
            return false;
        }
        self.positions.insert(key, self.entries.len());
        self.entries.push(key);
        true
    }

    /// Removes an entry: the last one takes its place.
    pub(super) fn remove(&mut self, key: &K) {
        let Some(position) = self.positions.remove(key) else {
            return;
        };
        self.entries.swap_remove(position);
        if let Some(moved) = self.entries.get(position) {
            self.positions.insert(*moved, position);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_entry_takes_the_place_of_a_removed_one() {
        let mut list = List::default();
        for key in [7, 8, 9] {
            assert!(list.insert(key));
        }
        assert!(!list.insert(8));
        assert_eq!((list.distance(&9), list.distance(&5)), (3, 3));
        list.remove(&7);
        assert_eq!((list.distance(&9), list.distance(&8)), (1, 2));
        list.remove(&8);
        assert_eq!((list.entries.len(), list.distance(&9)), (1, 1));
    }
}
