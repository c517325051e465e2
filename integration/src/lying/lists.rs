//! Lies about the lists of accounts and slots in memory: entries that are missing, there twice, invented, or in the
//! wrong order. The rest of the list, and with it the payloads, is moved to where the kernel looks for it, so that the
//! entry itself is all that is wrong.

use ethereum_types::U256;
use evm_arithmetization::generation::stand_in::Area;

use super::liar::{Lie, Moment, Twist};
use super::scene::Scene;

/// Cells of an account's payload, and of the room for the kernel's copy behind it.
const PAYLOAD: usize = 4;
const ROOM: usize = 8;

/// A list before the run: entries without their links, the head first, each with its payload if it has one.
#[derive(Clone)]
struct List {
    area: Area,
    entries: Vec<Vec<U256>>,
    /// Where in the trie data the payloads begin.
    payloads: usize,
}

impl List {
    fn of(scene: &Scene, area: Area) -> Self {
        let [data, accounts, slots] = scene.initial();
        let cells = if area == Area::Accounts {
            accounts
        } else {
            slots
        };
        let payload_of = |node: &[U256]| node[1].as_usize();
        let nodes: Vec<&[U256]> = cells.chunks_exact(area.node_len()).collect();
        let payloads = match nodes.get(1) {
            Some(first) if area == Area::Accounts => payload_of(first),
            _ => data.len(),
        };
        let entry = |(index, node): (usize, &&[U256])| {
            let link = node.len() - 1;
            if area == Area::Accounts && index > 0 {
                let payload = &data[payload_of(node)..][..PAYLOAD];
                [&node[..1], payload].concat()
            } else {
                node[..link].to_vec()
            }
        };
        let entries = nodes.iter().enumerate().map(entry).collect();
        Self {
            area,
            entries,
            payloads,
        }
    }

    /// What memory holds of the list.
    fn cells(&self) -> Vec<(Area, usize, U256)> {
        let len = self.area.node_len();
        let mut cells = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let mut node = entry.clone();
            if self.area == Area::Accounts && index > 0 {
                let at = self.payloads + ROOM * (index - 1);
                let payload = node.split_off(1).into_iter().enumerate();
                cells.extend(payload.map(|(cell, value)| (Area::TrieData, at + cell, value)));
                node.extend([U256::from(at); 2]);
            }
            let next = (index + 1) % self.entries.len();
            node.push(U256::from(self.area.base() + len * next));
            let at = len * index;
            let node = node.into_iter().enumerate();
            cells.extend(node.map(|(cell, value)| (self.area, at + cell, value)));
        }
        cells
    }

    /// The lies that make another list of this one.
    fn lies_for(&self, other: &Self) -> Vec<Lie> {
        let mut cells = other.cells();
        let before = self.cells();
        cells.retain(|cell| !before.contains(cell));
        let lie = |(area, index, value)| Lie::Cell {
            moment: Moment::Before,
            area,
            index,
            twist: Twist::Set(value),
        };
        cells.into_iter().map(lie).collect()
    }

    /// How many cells of an entry are its key.
    fn key_len(&self) -> usize {
        if self.area == Area::Accounts { 1 } else { 2 }
    }
}

/// Each entry missing, there twice (side by side, and at the end), exchanged with the next; each gap filled with an entry
/// that nobody has.
pub(super) fn lies(scene: &Scene, area: Area) -> Vec<Vec<Lie>> {
    let list = List::of(scene, area);
    let number = list.entries.len();
    let mut others = Vec::new();
    let mut change = |change: &dyn Fn(&mut Vec<Vec<U256>>)| {
        let mut other = list.clone();
        change(&mut other.entries);
        others.push(other);
    };
    for index in 1..number {
        let entry = &list.entries[index];
        change(&|entries| drop(entries.remove(index)));
        change(&|entries| entries.insert(index, entry.clone()));
        change(&|entries| entries.push(entry.clone()));
        change(&|entries| entries.truncate(index));
        if index + 1 < number {
            change(&|entries| entries.swap(index, index + 1));
        }
        let mut invented = entry.clone();
        let last = list.key_len() - 1;
        invented[last] = invented[last].overflowing_add(U256::one()).0;
        invented[last + 1] = invented[last + 1].overflowing_add(U256::one() << 100).0;
        change(&|entries| entries.insert(index + 1, invented.clone()));
    }
    let lies = others.iter().map(|other| list.lies_for(other));
    lies.filter(|lies| !lies.is_empty()).collect()
}
