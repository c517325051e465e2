//! Lies about what is warm.

use alloy::primitives::Address;
use ethereum_types::U256;
use evm_arithmetization::generation::stand_in::Area;
use tern_integration::corpus::Send;

use super::stage::{CONTRACT, answers_are_refused, scene, with_contract};

/// Where the lists of warm addresses and of warm slots begin: the segments' numbers in the kernel's memory.
const SEGMENT: usize = 1 << 32;
const ADDRESSES: usize = 20 * SEGMENT;
const SLOTS: usize = 21 * SEGMENT;
/// A cell of the trie data, far behind everything that a run writes.
const FAKE: usize = 50_000;
/// What the fake nodes link to: anything but the mark of a node that was taken out.
const LINK: u64 = 8;

/// The index from `list` on of what lies in the trie data, below it, if nodes have so many cells.
fn below(list: usize, len: usize) -> U256 {
    let at = Area::TrieData.base() + FAKE;
    let (difference, _) = U256::from(at / len).overflowing_sub(U256::from(list / len));
    difference
}

fn word(address: Address) -> U256 {
    U256::from_big_endian(address.as_slice())
}

#[test]
pub(crate) fn a_cold_address_is_not_warm_by_a_node_below_the_list() {
    let cold = Address::repeat_byte(0xd0);
    let genesis = with_contract(&format!("{cold:?} BALANCE 0 SSTORE STOP"), &[]);
    let scene = scene(&genesis, &[Send::to(CONTRACT).sign(0)]);
    answers_are_refused(&scene, move |question, cells| {
        let asked =
            question.function == "access_lists::address_insert" && question.stack[0] == word(cold);
        asked.then(|| {
            for (index, value) in [word(cold), LINK.into()].into_iter().enumerate() {
                assert!(cells.set(Area::TrieData, FAKE + index, value));
            }
            below(ADDRESSES, 2)
        })
    });
}

#[test]
pub(crate) fn a_slot_has_no_other_original_value_by_a_node_below_the_list() {
    let genesis = with_contract("5 0 SSTORE STOP", &[(0, 3)]);
    let scene = scene(&genesis, &[Send::to(CONTRACT).sign(0)]);
    answers_are_refused(&scene, move |question, cells| {
        let asked = question.function == "access_lists::storage_insert"
            && question.stack[0] == word(CONTRACT);
        asked.then(|| {
            let node = [word(CONTRACT), 0.into(), 5.into(), LINK.into()];
            for (index, value) in node.into_iter().enumerate() {
                assert!(cells.set(Area::TrieData, FAKE + index, value));
            }
            below(SLOTS, 4)
        })
    });
}
