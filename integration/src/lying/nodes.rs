//! Lies about the nodes of tries in memory: shared, cyclic, left out, elsewhere, of another kind, and with other keys.
//!
//! A node begins with its kind. HASH: the hash. BRANCH: 16 children and a value. EXTENSION: number of nibbles, nibbles,
//! child. LEAF: number of nibbles, nibbles, value. Children and values are pointers, 0 for none.

use ethereum_types::U256;
use evm_arithmetization::generation::stand_in::Area;

use super::liar::{Lie, Moment, Twist};
use super::scene::Scene;

const HASH: usize = 1;
const BRANCH: usize = 2;
const EXTENSION: usize = 3;
const LEAF: usize = 4;

/// Cells of a node of a kind.
const fn len_of(kind: usize) -> usize {
    match kind {
        HASH => 2,
        BRANCH => 18,
        _ => 4,
    }
}

/// A pointer to a node: where it is kept, and the nodes above.
struct Link {
    cell: usize,
    to: usize,
    above: Vec<usize>,
}

/// Tries in memory: one, and those of the accounts that are its leaves.
struct Tries<'a> {
    cells: &'a [U256],
    /// The kinds of the nodes, with where they begin.
    nodes: Vec<(usize, usize)>,
    links: Vec<Link>,
}

impl Tries<'_> {
    fn at(&self, index: usize) -> usize {
        let value = self.cells.get(index).copied().unwrap_or_default();
        usize::try_from(value).unwrap_or(usize::MAX)
    }

    /// Notes a node and what is below it. `accounts`: leaves are accounts.
    fn walk(&mut self, node: usize, accounts: bool, above: &[usize]) {
        let kind = self.at(node);
        self.nodes.push((kind, node));
        let above = [above, &[node]].concat();
        let children = match kind {
            BRANCH => node + 1..node + 17,
            EXTENSION => node + 3..node + 4,
            LEAF if accounts => {
                let storage_root = self.at(node + 3) + 2;
                storage_root..storage_root + 1
            }
            _ => 0..0,
        };
        for cell in children {
            let to = self.at(cell);
            if to != 0 {
                let above = above.clone();
                self.walk(to, accounts && kind != LEAF, &above);
                self.links.push(Link { cell, to, above });
            }
        }
    }

    /// The lies, as cells and what they hold then.
    fn lies(&self) -> Vec<Vec<(usize, U256)>> {
        let number = U256::from;
        let mut lies = Vec::new();
        for (index, link) in self.links.iter().enumerate() {
            let mut point_to = |to: usize| lies.push(vec![(link.cell, number(to))]);
            // To nothing, to the parent and to the root, and to another node of the trie.
            point_to(0);
            link.above
                .first()
                .into_iter()
                .for_each(|root| point_to(*root));
            link.above
                .last()
                .into_iter()
                .for_each(|parent| point_to(*parent));
            let other = &self.links[(index + 1) % self.links.len()];
            point_to(other.to);
            point_to(link.to + 1);
            // To a copy of the node behind everything.
            let end = self.cells.len();
            let copy = self.cells[link.to..].iter().take(len_of(self.at(link.to)));
            let mut moved = vec![(link.cell, number(end))];
            moved.extend(copy.enumerate().map(|(cell, value)| (end + cell, *value)));
            lies.push(moved);
        }
        for &(kind, node) in &self.nodes {
            let others = (0..=LEAF).filter(|other| *other != kind);
            lies.extend(others.map(|other| vec![(node, number(other))]));
            if kind == LEAF || kind == EXTENSION {
                let [count, nibbles] = [1, 2].map(|cell| self.cells[node + cell]);
                // A nibble less, or more, with and without one that has no room.
                let bits = 4 * count.as_usize();
                let overlong = match count.as_usize() {
                    0..64 => nibbles + (U256::one() << bits),
                    _ => nibbles,
                };
                lies.push(vec![
                    (node + 1, count.saturating_sub(U256::one())),
                    (node + 2, overlong),
                ]);
                lies.push(vec![(node + 2, overlong)]);
                lies.push(vec![(node + 1, count + 1), (node + 2, nibbles << 4)]);
                lies.push(vec![(node + 1, count + 1)]);
            }
        }
        lies
    }
}

fn lies_about(cells: &[U256], root: U256, accounts: bool, moment: Moment) -> Vec<Vec<Lie>> {
    let mut tries = Tries {
        cells,
        nodes: Vec::new(),
        links: Vec::new(),
    };
    if root.is_zero() {
        return Vec::new();
    }
    tries.walk(root.as_usize(), accounts, &[]);
    let lie = |(index, value)| Lie::Cell {
        moment,
        area: Area::TrieData,
        index,
        twist: Twist::Set(value),
    };
    let lies = tries.lies().into_iter();
    lies.map(|cells| cells.into_iter().map(lie).collect())
        .collect()
}

/// Lies about each node of the tries of transactions and receipts, and of the state that is shown in the end.
pub(super) fn lies(scene: &Scene) -> Vec<Vec<Lie>> {
    let root = |of: &str| {
        let mut asked = scene.record.questions.iter();
        let asked = asked.find(|asked| asked.function.ends_with(of));
        asked.map_or(U256::zero(), |asked| asked.honest)
    };
    let [before, ..] = scene.initial();
    let mut lies = Vec::new();
    for of in ["trie_ptr::txn", "trie_ptr::receipt"] {
        lies.extend(lies_about(before, root(of), false, Moment::Before));
    }
    if let Some((question, cells)) = scene.state() {
        let root = root("trie_ptr::initial_state");
        lies.extend(lies_about(cells, root, true, Moment::Question(question)));
    }
    lies
}
