//! Lists that the kernel searches from the beginning: an attacker makes one long, and has its end searched for.
//!
//! What the meter counts for each step is two to three times what it takes, so lists must be long before searches that
//! are not counted show: the limit is half a node's.

use tern_execution::MachineLimits;

use super::cycles::judge;
use super::{
    ATTACKER, Attack, BATCHES, CALLEE, assert_counted, assert_no_longer, chain, code, send,
};

fn limits() -> MachineLimits {
    super::limits(1 << 23)
}

/// Does this as often as `count` says, with the counter on the stack, and goes on.
fn times(count: &str, label: &str, body: &str) -> String {
    format!("{count} {label}: {body} 1 SWAP1 SUB DUP1 @{label} JUMPI POP")
}

/// Calls the other contract with the number.
const PASS_ON: &str = "NUMBER 0 MSTORE 0 0 32 0 0 CALLEE GAS CALL STOP";

fn assert_bounded(attack: Attack) {
    assert_counted(vec![attack], limits(), judge);
}

/// Of n self-destructions that stand, and n that are undone, by a contract that is not in the list, each of the latter
/// searches all the former: 15 n² cycles beside 3,200 n. Without the searches, 10,300 n were counted: as many at
/// n = 470, and with the limit's n = 800 it takes 13 million of 8.4.
#[test]
fn self_destructions_that_are_undone_search_those_that_stand() {
    // A contract that destroys itself whenever it is called, by ADDRESS SELFDESTRUCT.
    let create = "0x6130ff5f526002601ef3 0 MSTORE 10 22 0 CREATE";
    let destroy = times("NUMBER", "more", "0 0 0 0 0 DUP7 GAS CALL POP");
    let undo = times("NUMBER", "again", "0 0 0 0 ADDRESS GAS DELEGATECALL POP");
    let undo = format!("CALLDATASIZE @many JUMPI ADDRESS SELFDESTRUCT many: {undo} 0 0 REVERT");
    let attack = Attack::calling(
        "self-destructions undone",
        &format!("{create} {destroy} {PASS_ON}"),
        code(&undo),
    );
    // So often, 10 million gas last.
    assert_bounded(attack.at_most(900));
}

/// Behind n touched addresses, a contract makes 8 n calls without value, to an address before them. Each searches the
/// caller: 15 n cycles beside 1,050. Without that search, 1,760 were counted, and with the limit's n = 290 it takes
/// 14 million of 8.4.
#[test]
fn calls_without_value_search_their_caller() {
    let touch = times("NUMBER", "more", "0 0 0 0 0 DUP6 99999 ADD GAS CALL POP");
    let calls = times("8 NUMBER MUL", "again", "0 0 0 0 0 4242 GAS CALL POP");
    assert_bounded(Attack::calling(
        "calls by the last address of many",
        &format!("0 0 0 0 0 4242 GAS CALL POP {touch} {PASS_ON}"),
        code(&format!("{calls} STOP")),
    ));
}

/// A payment that the caller cannot afford touches both, and reverts nothing. Behind n of them, each of 8 n calls
/// searches the callee twice: 30 n cycles beside 1,050, of 2,100 that were counted when the list seemed empty.
#[test]
fn payments_that_fail_leave_addresses_in_the_list() {
    let pay = times(
        "NUMBER",
        "more",
        "0 0 0 0 ADDRESS BALANCE 1 ADD DUP6 99999 ADD GAS CALL POP",
    );
    let calls = times("8 NUMBER MUL", "again", "0 0 0 0 0 CALLEE GAS CALL POP");
    let attack = Attack::new("payments that fail", &format!("{pay} {calls} STOP"));
    // So often, 10 million gas last.
    assert_bounded(attack.at_most(200));
}

/// TSTORE in a static context fails, and the key takes no place. When it was counted as the first of n + 1, it was at
/// hand: each of 8 n TLOADs of it takes 23 n cycles, of 154 that were counted.
#[test]
fn transient_writes_that_fail_take_no_place_in_the_list() {
    let fail = "CALLDATASIZE @go JUMPI 1 0 TSTORE STOP go: 0 0 0 0 ADDRESS 5000 STATICCALL POP";
    let write = times("NUMBER", "more", "1 DUP2 TSTORE");
    let read = times("8 NUMBER MUL", "again", "0 TLOAD POP");
    assert_bounded(Attack::new(
        "transient writes that fail",
        &format!("{fail} {write} {read} STOP"),
    ));
}

/// A transaction creates an account that asks for n slots, and is undone; others create it m times, with a wei, and
/// each is undone. When that passed the slots that the first one had asked for, it took 16 n m cycles beside the
/// 3,500 m of the creations, and the meter, which counts 10,000 m, knows each transaction alone.
#[test]
fn creations_that_are_undone_pass_no_slots_that_earlier_ones_asked_for() {
    const SLOTS: u64 = 900;
    const CREATIONS: u64 = 280;
    let ask = times(&SLOTS.to_string(), "more", "DUP1 SLOAD POP");
    let init = code(&format!("CALLVALUE @undo JUMPI {ask} undo: 0 0 REVERT"));
    let size = init.len();
    let create = |value: u64| format!("0 {size} 0 {value} CREATE2 POP");
    let again = times("NUMBER", "again", &create(1));
    let attack = format!(
        "{size} 0 0 CALLEE EXTCODECOPY NUMBER @many JUMPI {} STOP many: {again} STOP",
        create(0)
    );
    let contracts = [(ATTACKER, code(&attack)), (CALLEE, init)];
    let mut chain = chain(super::limits(1 << 24), contracts);
    let raw = [
        send(ATTACKER, 0, 0),
        send(ATTACKER, CREATIONS, 1),
        send(ATTACKER, CREATIONS, 2),
    ];
    let built = chain.build_measured(&raw, BATCHES).unwrap();
    let mut receipts = built.block.receipts.iter();
    assert!(receipts.all(|receipt| receipt.envelope.status()));
    let batch = &built.witness.batches[0];
    assert_eq!(batch.transactions.len(), 3);
    assert_no_longer("creations undone", &built, batch);
}
