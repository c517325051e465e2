//! The hashes of the 256 blocks before one.

use alloy::primitives::B256;
use std::collections::VecDeque;

/// How many earlier blocks a block sees (the reach of the BLOCKHASH opcode).
pub const WINDOW: usize = 256;

/// The hashes of the 256 blocks before a block, oldest first; zero where there was none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashWindow(VecDeque<B256>);

impl Default for HashWindow {
    fn default() -> Self {
        Self::empty()
    }
}

impl HashWindow {
    /// What the genesis block sees: nothing.
    pub fn empty() -> Self {
        Self(VecDeque::from(vec![B256::ZERO; WINDOW]))
    }

    /// From the most recent hashes, oldest first. Older than 256 are dropped, missing ones are zero.
    pub fn new(hashes: impl IntoIterator<Item = B256>) -> Self {
        let mut window = Self::empty();
        for hash in hashes {
            window.push(hash);
        }
        window
    }

    /// Moves on by one block: what the block after the one with this hash sees.
    pub fn push(&mut self, hash: B256) {
        self.0.pop_front();
        self.0.push_back(hash);
    }

    /// The hash of the block before: the parent.
    pub fn parent(&self) -> B256 {
        self.0.back().copied().unwrap_or_default()
    }

    /// The hash of block `number` as block `current` sees it; zero when out of reach.
    pub fn hash_of(&self, number: u64, current: u64) -> B256 {
        let age = current
            .checked_sub(number)
            .and_then(|age| usize::try_from(age).ok());
        age.and_then(|age| WINDOW.checked_sub(age))
            .and_then(|index| self.0.get(index))
            .copied()
            .unwrap_or_default()
    }

    /// All hashes, oldest first.
    pub fn to_vec(&self) -> Vec<B256> {
        self.0.iter().copied().collect()
    }
}
