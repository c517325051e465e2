//! What a batch shows of the block's earlier transactions.
//!
//! The kernel puts a batch's transactions and receipts into tries that hold those before as hashes. The keys are RLP of
//! the index, `80` for 0, `01` to `7f`, `81 80` to `81 ff`, `82 01 00` and so on, and a key that comes to a leaf splits
//! it: the leaf is then shown whole, to be read, encoded and hashed. That happens in two places:
//!
//! ```text
//! the first key of the batch, behind a leaf that is alone below its nibble:   0 | 1    1 | 2    16 | 17    32 | 33 ...
//! 128 (81 80), the first below the 8 of index 0 (80)                          0 | 128
//! ```
//!
//! A leaf of any other index differs from its older neighbour in the last nibble alone, and no other key comes to it.

use std::ops::RangeInclusive;

use super::MachineWork;

/// Cells for each byte of a transaction or receipt that is shown: in the trie, and in its encoding.
const BYTE_CELLS: u64 = 2;
/// Cells of the two leaves beside, and of the branches above them.
const LEAF_CELLS: u64 = 1_000;
/// Cycles for each byte: encoded and hashed before the first transaction and after the last. Measured: two for a
/// transaction or a long log. Estimated: 30 for logs without topics and data, of 24 bytes each.
const BYTE: u64 = 60;
const LEAF: u64 = 12_000;

impl MachineWork {
    /// What the earlier transactions and receipts of a block take that are shown to a batch of these. `bytes` are the
    /// lengths of both together, by index.
    pub fn of_neighbours(own: RangeInclusive<usize>, bytes: impl Fn(usize) -> u64) -> Self {
        split(&own).fold(Self::default(), |sum, index| {
            let cells = LEAF_CELLS + bytes(index) * BYTE_CELLS;
            sum.with(Self {
                cycles: LEAF + bytes(index) * BYTE,
                cells,
                kept_cells: cells,
            })
        })
    }
}

/// The indices of the leaves that the keys of a batch split.
fn split(own: &RangeInclusive<usize>) -> impl Iterator<Item = usize> {
    let first = *own.start();
    let before = first.checked_sub(1);
    let alone = before.filter(|index| *index == 1 || index.is_multiple_of(16));
    let zero = (first > 1 && own.contains(&128)).then_some(0);
    alone.into_iter().chain(zero)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_splits_the_lonely_leaf_before_it_and_with_index_128_the_first() {
        let of = |own: RangeInclusive<usize>| split(&own).collect::<Vec<_>>();
        assert_eq!(of(0..=200), [0; 0]);
        assert_eq!(of(1..=200), [0]);
        assert_eq!(of(2..=3), [1]);
        assert_eq!(of(3..=127), [0; 0]);
        assert_eq!(of(16..=16), [0; 0]);
        assert_eq!(of(17..=20), [16]);
        assert_eq!(of(113..=128), [112, 0]);
        assert_eq!(of(128..=128), [0]);
        assert_eq!(of(129..=140), [128]);
        assert_eq!(of(257..=257), [256]);
    }

    #[test]
    fn what_is_shown_takes_memory_from_the_beginning_to_the_end_of_the_batch() {
        let lengths = |index: usize| 10 * (index as u64 + 1);
        assert_eq!(
            MachineWork::of_neighbours(3..=4, lengths),
            MachineWork::default()
        );
        let one = MachineWork::of_neighbours(2..=4, lengths);
        let cells = LEAF_CELLS + 40;
        assert_eq!((one.cells, one.kept_cells), (cells, cells));
        assert_eq!(one.cycles, LEAF + 20 * BYTE);
    }
}
