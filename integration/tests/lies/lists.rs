//! Lies about accounts and slots.

use alloy::primitives::{Address, Bytes};
use ethereum_types::U256;
use evm_arithmetization::generation::stand_in::Area;
use tern_integration::corpus::{Send, genesis};
use tern_integration::lying::{Edit, Lie, Moment, Scene, Side, Twist};

use super::stage::{
    CONTRACT, answers_are_refused, contract, key, refused, scene, slot_key, with_contract,
};

const FRESH: Address = Address::repeat_byte(0x31);
const STORES: &str = "32 CALLDATALOAD 0 CALLDATALOAD SSTORE STOP";
/// Where beacon block roots are kept (EIP-4788).
const BEACON_ROOTS: Address =
    alloy::primitives::address!("0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02");

fn words(words: [u64; 2]) -> [alloy::primitives::U256; 2] {
    words.map(alloy::primitives::U256::from)
}

fn set(slot: u64, value: u64) -> Bytes {
    Send::to(CONTRACT).words(words([slot, value])).sign(0)
}

fn lists(edit: Edit) -> Lie {
    let side = Side::Lists;
    Lie::Tries { side, edit }
}

/// A transfer to an account that is not there.
fn transfer() -> Scene {
    scene(&genesis(), &[Send::to(FRESH).value(1).gas(21_000).sign(0)])
}

#[test]
pub(crate) fn an_account_that_is_not_in_the_trie_has_no_money() {
    let (key, balance) = (key(FRESH), U256::one() << 100);
    refused(&transfer(), &[lists(Edit::Balance { key, balance })]);
}

#[test]
pub(crate) fn an_account_has_the_money_that_the_trie_says() {
    let genesis = with_contract("STOP", &[]);
    let scene = scene(&genesis, &[Send::to(CONTRACT).value(1).sign(0)]);
    let (key, balance) = (key(CONTRACT), U256::one() << 100);
    refused(&scene, &[lists(Edit::Balance { key, balance })]);
}

#[test]
pub(crate) fn a_slot_that_is_not_in_the_trie_is_zero() {
    let genesis = with_contract("1 0 SLOAD ADD 0 SSTORE STOP", &[(1, 1)]);
    let scene = scene(&genesis, &[Send::to(CONTRACT).sign(0)]);
    let (account, slot) = (key(CONTRACT), slot_key(0));
    let value = 7.into();
    let edit = Edit::Slot {
        account,
        slot,
        value,
    };
    refused(&scene, &[lists(edit)]);
}

#[test]
pub(crate) fn a_slot_that_is_left_out_of_the_list_is_not_zero() {
    let genesis = with_contract("1 0 SLOAD ADD 0 SSTORE STOP", &[(0, 5), (1, 1)]);
    let scene = scene(&genesis, &[Send::to(CONTRACT).sign(0)]);
    let (account, slot) = (key(CONTRACT), slot_key(0));
    refused(&scene, &[lists(Edit::DropSlot { account, slot })]);
}

#[test]
pub(crate) fn an_account_that_is_left_out_of_the_list_is_not_absent() {
    let program = "0xd0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0 BALANCE 0 SSTORE STOP";
    let mut genesis = with_contract(program, &[]);
    let other = Address::repeat_byte(0xd0);
    contract(&mut genesis, other, "STOP", 77, &[]);
    let scene = scene(&genesis, &[Send::to(CONTRACT).sign(0)]);
    refused(&scene, &[lists(Edit::DropAccount { key: key(other) })]);
}

/// Every search in the lists of accounts or slots is led to their heads.
#[track_caller]
fn misled(scene: &Scene, of: &'static str) {
    let head = if of.contains("account") {
        Area::Accounts.base() / Area::Accounts.node_len()
    } else {
        0
    };
    let asked = &scene.record.questions;
    let number = asked
        .iter()
        .filter(|asked| asked.function.contains(of))
        .count();
    for victim in 0..number {
        let mut seen = 0;
        answers_are_refused(scene, move |question, _| {
            let of_these =
                question.function.starts_with("linked_list") && question.function.contains(of);
            seen += usize::from(of_these);
            (of_these && seen == victim + 1).then(|| {
                // Where answers are counted from the list's beginning, its head is 0.
                let honest = question.honest.unwrap_or_default();
                if honest < head.into() {
                    U256::zero()
                } else {
                    head.into()
                }
            })
        });
    }
}

#[test]
pub(crate) fn a_slot_is_not_zero_because_a_smaller_one_is_shown() {
    let genesis = with_contract(
        "0 SLOAD 1 SSTORE 5 2 SSTORE STOP",
        &[(0, 5), (1, 1), (2, 3), (3, 4)],
    );
    misled(&scene(&genesis, &[Send::to(CONTRACT).sign(0)]), "slot");
}

#[test]
pub(crate) fn an_account_is_not_absent_because_a_smaller_one_is_shown() {
    let program = "0xd0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0 BALANCE 0 SSTORE STOP";
    let mut genesis = with_contract(program, &[]);
    contract(&mut genesis, Address::repeat_byte(0xd0), "STOP", 77, &[]);
    misled(&scene(&genesis, &[Send::to(CONTRACT).sign(0)]), "account");
}

#[test]
pub(crate) fn what_was_removed_from_a_list_precedes_nothing() {
    // The call asks for account 0 and for another, and fails: both leave the list of addresses, the last first. Account
    // 0 would stay, and be warm, if the first of them to go were believed to be its predecessor: the cell that it
    // points to is nowhere, and would be zero.
    let inner = Address::repeat_byte(0xd0);
    let program = format!("0 0 0 0 0 {inner:?} GAS CALL POP 0 BALANCE POP STOP");
    let mut genesis = with_contract(&program, &[]);
    let fails = "0 BALANCE POP 0xd1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1 BALANCE POP 0 0 REVERT";
    contract(&mut genesis, inner, fails, 0, &[]);
    let scene = scene(&genesis, &[Send::to(CONTRACT).sign(0)]);
    let is_removal = |function: &str| function == "access_lists::address_remove";
    let asked = scene.record.questions.iter();
    let of_zero = asked.filter(|asked| is_removal(&asked.function) && asked.top[0].is_zero());
    assert_eq!(of_zero.count(), 1);
    for index in 0..20_u64 {
        let mut removed = false;
        answers_are_refused(&scene, move |question, _| {
            let of_zero = question.stack.first().is_some_and(U256::is_zero);
            if of_zero && is_removal(&question.function) {
                removed = true;
                return Some(index.into());
            }
            // It was inserted just before the other.
            let inserted =
                removed && of_zero && question.function == "access_lists::address_insert";
            inserted.then(|| index.saturating_sub(1).into())
        });
    }
}

#[test]
pub(crate) fn a_lone_child_is_not_left_behind_its_hash() {
    let genesis = with_contract(STORES, &[(0, 5), (1, 1)]);
    let scene = scene(&genesis, &[set(0, 0)]);
    let (account, slot) = (key(CONTRACT), slot_key(1));
    let depth = 1;
    let edit = Edit::HideSlot {
        account,
        slot,
        depth,
    };
    let side = Side::Both;
    refused(&scene, &[Lie::Tries { side, edit }]);
}

#[test]
pub(crate) fn a_payload_does_not_lie_where_the_kernel_copies_it() {
    let genesis = with_contract("STOP", &[]);
    let scene = scene(&genesis, &[Send::to(CONTRACT).value(1).sign(0)]);
    let [payloads, accounts, _] = scene.initial();
    let node_len = Area::Accounts.node_len();
    let node = (0..accounts.len())
        .step_by(node_len)
        .find(|at| accounts[*at] == key(CONTRACT))
        .unwrap();
    let payload = accounts[node + 1].as_usize();
    let copy = payloads.len() + 4 * (node / node_len - 1);
    let cell = |area, index, value| Lie::Cell {
        moment: Moment::Before,
        area,
        index,
        twist: Twist::Set(value),
    };
    let mut lies = vec![cell(Area::Accounts, node + 1, copy.into())];
    // It begins with a wei less, and ends with what it had.
    for index in 0..4 {
        let wei = U256::from(u8::from(index == 1));
        lies.push(cell(
            Area::TrieData,
            copy + index,
            payloads[payload + index] - wei,
        ));
    }
    let stated = payloads.len().into();
    let size = scene
        .record
        .questions
        .iter()
        .position(|asked| asked.function.ends_with("trie_data_size"));
    if let Some(question) = size {
        let twist = Twist::Set(stated);
        lies.push(Lie::Answer { question, twist });
    }
    refused(&scene, &lies);
}

#[test]
pub(crate) fn two_contracts_do_not_share_their_storage() {
    let victim = Address::repeat_byte(0xd0);
    let program = format!("{victim:?} BALANCE POP {STORES}");
    let slots = [(0, 5), (1, 1)];
    let mut genesis = with_contract(&program, &slots);
    contract(&mut genesis, victim, "STOP", 77_777, &slots);
    let scene = scene(&genesis, &[set(0, 9)]);
    let (question, cells) = scene.state().unwrap();
    let payload_of = |balance: u64| {
        let mut places = (0..cells.len() - 3).rev();
        places
            .find(|at| cells[*at] == 1.into() && cells[at + 1] == balance.into())
            .unwrap()
    };
    let (ours, theirs) = (payload_of(1_000), payload_of(77_777));
    let lie = Lie::Cell {
        moment: Moment::Question(question),
        area: Area::TrieData,
        index: theirs + 2,
        twist: Twist::Set(cells[ours + 2]),
    };
    refused(&scene, &[lie]);
}

#[test]
pub(crate) fn slots_of_an_account_without_an_entry_do_not_end_the_list() {
    // An account whose key lies behind that of the contract with the beacon roots.
    let at = (1..=255)
        .map(Address::repeat_byte)
        .find(|at| key(*at) > key(BEACON_ROOTS) && !genesis().accounts.contains_key(at))
        .unwrap();
    let mut genesis = genesis();
    contract(&mut genesis, at, STORES, 1, &[(0, 5)]);
    let scene = scene(&genesis, &[Send::to(at).words(words([0, 9])).sign(0)]);
    let edit = Edit::DropAccount {
        key: key(BEACON_ROOTS),
    };
    refused(&scene, &[lists(edit)]);
}

#[test]
pub(crate) fn a_leaf_is_not_hidden_by_an_overlong_key() {
    let genesis = with_contract("1 0 SLOAD ADD 0 SSTORE STOP", &[(0, 5)]);
    let scene = scene(&genesis, &[Send::to(CONTRACT).sign(0)]);
    let (question, cells) = scene.state().unwrap();
    // The storage trie's only leaf holds the whole key, which is even; every leaf of an odd key is tried.
    let key_of = |at: usize| cells.get(at).copied().unwrap_or_default();
    let leaf = |at: &usize| {
        let count = key_of(at + 1);
        key_of(*at) == 4.into()
            && count <= 64.into()
            && count.low_u64() % 2 == 1
            && key_of(at + 3) == (at + 4).into()
    };
    let leaves: Vec<usize> = (0..cells.len()).filter(leaf).collect();
    assert!(!leaves.is_empty());
    for at in leaves {
        let count = key_of(at + 1);
        let cell = |index, value| Lie::Cell {
            moment: Moment::Question(question),
            area: Area::TrieData,
            index,
            twist: Twist::Set(value),
        };
        let lies = [
            cell(at + 1, count - 1),
            cell(
                at + 2,
                key_of(at + 2) + (U256::one() << (4 * count.as_usize())),
            ),
        ];
        // Whose leaf it is does not show: any that the lists lack.
        for address in [CONTRACT, BEACON_ROOTS] {
            let drop = lists(Edit::DropAccount { key: key(address) });
            refused(&scene, &[lies[0].clone(), lies[1].clone(), drop]);
        }
    }
}
