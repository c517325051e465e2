//! What an account or a slot takes: the nodes of a trie that lead to it are shown to the kernel.

use super::MachineWork;

/// A branch of a trie that is read, hashed, perhaps changed, and hashed again.
const NODE: u64 = 3_000;
/// The leaf at the end of the path, or another branch above a new one.
///
/// The kernel's lists hold a node for each key: it is found in 30 cycles (account) or 40 (slot), made for a key that is
/// absent in 85 or 124, and at the end leads to one walk down the trie, which proves what the node said.
/// Without that proof it was 52 and 61, or 39 and 46 for what is absent.
const KEY: u64 = 2_600;
/// Cells of a branch with its hashes, of an account, of a slot: in the trie, in the list, in the journal.
const NODE_CELLS: u64 = 50;

/// A branch that so many nibbles lead to may have a child that holds leaves in place: a leaf of less than 32 bytes has 55
/// nibbles of a key's 64 at most. Storage gets so deep by 2^28 slots, or by slots that were looked for.
const DEEP: usize = 7;
/// Cells of 16 leaves in place, beside those of their branch: five in the trie, and five in the list of slots.
const LEAVES_CELLS: u64 = 160;
/// Cycles of 16 leaves in place: each is encoded twice, and proven to be what the list says.
const LEAVES: u64 = 40_000;

/// The nodes that lead to a key, and are shown with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyPath {
    nodes: u8,
    /// Those that may hold leaves in place.
    deep: u8,
}

impl KeyPath {
    /// Adds a node that so many nibbles lead to.
    pub(crate) fn pass(&mut self, nibbles: usize) {
        self.nodes = self.nodes.saturating_add(1);
        self.deep = self.deep.saturating_add(u8::from(nibbles >= DEEP));
    }

    /// What the key takes at most.
    pub(crate) fn cost(self) -> MachineWork {
        let nodes = u64::from(self.nodes);
        // Where the key is deleted the last one beside it is shown, too.
        let deep = u64::from(self.deep) + u64::from(self.deep > 0);
        let cells = (nodes + 1) * NODE_CELLS + deep * LEAVES_CELLS;
        MachineWork {
            cycles: nodes * NODE + KEY + deep * LEAVES,
            cells,
            kept_cells: cells,
        }
    }
}

impl MachineWork {
    /// Gas that a block's transactions spend at least for each cell of the branches that they put above other keys. A key
    /// that is inserted adds one, of 26 cells, or 42 with two leaves in place ([`NODE_CELLS`] is above both), and costs
    /// 20,000 gas, a fifth of which may be refunded.
    pub(crate) const GAS_OF_GROWN_CELL: u64 = 16_000 / NODE_CELLS;
}
