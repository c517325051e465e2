//! Lies about where in memory tries lie, and what lies there.

use alloy::primitives::Address;
use ethereum_types::U256;
use evm_arithmetization::generation::stand_in::Area;
use tern_integration::lying::{Lie, Moment, Scene, Twist};

use super::stage::{CONTRACT, contract, key, refused, scene, with_contract};
use tern_integration::corpus::{Send, genesis};

/// Far behind everything that a run writes.
const FAR: usize = 50_000;

fn before(index: usize, value: impl Into<U256>) -> Lie {
    Lie::Cell {
        moment: Moment::Before,
        area: Area::TrieData,
        index,
        twist: Twist::Set(value.into()),
    }
}

/// A slot is stored in an empty trie, and the first payload that follows the cell at 0 is that of an account with
/// nonce 1, 5 wei and no storage: behind the kind of a leaf, a nibble, which is 5.
fn first_slot_of_a_contract() -> Scene {
    let first = (0..)
        .map(|number| Address::from_word(alloy::primitives::U256::from(0xd000 + number).into()))
        .find(|address| key(*address) >> 244 == U256::zero())
        .unwrap();
    let mut genesis = with_contract(&format!("{first:?} BALANCE POP 7 1 SSTORE STOP"), &[]);
    contract(&mut genesis, first, "STOP", 5, &[]);
    let scene = scene(&genesis, &[Send::to(CONTRACT).sign(0)]);
    let [data, ..] = scene.initial();
    assert_eq!([data[1], data[2]], [1.into(), 5.into()]);
    scene
}

#[test]
pub(crate) fn an_empty_trie_is_not_a_node_of_the_provers() {
    let scene = first_slot_of_a_contract();
    for kind in 1_u64..=4 {
        refused(&scene, &[before(0, kind)]);
    }
}

/// A receipt that succeeded with 50,000 gas and no logs, as it lies in the trie data.
fn receipt() -> Vec<U256> {
    // One byte, three, 3 + 256, and one.
    let mut cells = vec![U256::from(1 + 3 + 259 + 1), 1.into(), 50_000.into()];
    cells.extend([U256::zero(); 256]);
    cells.extend([U256::zero(); 2]);
    cells
}

#[test]
pub(crate) fn the_topics_of_a_log_are_not_a_node_of_the_receipts() {
    // A leaf of two nibbles, which are the key of the second transaction. There is none.
    let genesis = with_contract(&format!("{FAR} 1 2 4 0 0 LOG4 STOP"), &[]);
    let scene = scene(&genesis, &[Send::to(CONTRACT).sign(0)]);
    let (_, cells) = scene.state().unwrap();
    let leaf = [4, 2, 1, FAR].map(U256::from);
    let topics: Vec<usize> = (0..cells.len() - 3)
        .filter(|at| cells[*at..at + 4] == leaf)
        .collect();
    assert!(!topics.is_empty());
    let asked = &scene.record.questions;
    let question = asked
        .iter()
        .position(|asked| asked.function == "trie_ptr::receipt")
        .unwrap();
    for place in topics {
        let twist = Twist::Set(place.into());
        let mut lies = vec![Lie::Answer { question, twist }, before(place, 0)];
        let receipt = receipt().into_iter().enumerate();
        lies.extend(receipt.map(|(cell, value)| before(FAR + cell, value)));
        refused(&scene, &lies);
    }
}

#[test]
pub(crate) fn a_trie_is_not_a_cycle() {
    let scene = scene(&genesis(), &[Send::to(CONTRACT).value(1).sign(0)]);
    let (question, cells) = scene.state().unwrap();
    let root = scene.record.questions[question].honest.as_usize();
    assert_eq!(cells[root], 2.into(), "a branch");
    for child in root + 1..root + 17 {
        let lie = Lie::Cell {
            moment: Moment::Question(question),
            area: Area::TrieData,
            index: child,
            twist: Twist::Set(root.into()),
        };
        refused(&scene, &[lie]);
    }
}
