//! How many cells of the machine's memory a transaction has in use, beside the kernel's own.

use alloy::primitives::{Address, Bytes};
use tern_execution::MachineLimits;
use tern_integration::corpus::chain::{Built, TestChain};
use tern_integration::corpus::{Corpus, Send};
use tern_integration::vectors::provable::cells;
use tern_integration::vectors::say;

use super::{
    ATTACKER, Attack, BATCHES, CALLEE, GAS, assert_counted, chain, code, greatest, pool, rounds,
    send,
};

fn limits() -> MachineLimits {
    super::limits(1 << 22)
}

/// Rows of the longest table for memory that is handed from segment to segment.
const TABLE: u64 = 1 << 19;
const OTHER: Address = Address::repeat_byte(0xcb);

/// Fills the memory with bytes that are not zero.
fn filled(bytes: u64) -> String {
    let mut text = "PUSH0 NOT 0 MSTORE ".to_owned();
    let mut size = 32;
    while size < bytes {
        let more = size.min(bytes - size);
        text.push_str(&format!("{more} 0 {size} MCOPY "));
        size += more;
    }
    text
}

/// Calls itself, as deeply as the number says.
const DEEPER: &str =
    "1 NUMBER SUB 0 MSTORE 0 0 32 0 0 ADDRESS GAS NUMBER ISZERO ISZERO MUL CALL STOP";

/// Code that is walked from its beginning, nearly all of it jump destinations.
fn walked() -> Bytes {
    let mut way = vec![0x60, 0x7f];
    way.resize(32, 0x5b);
    let tail = [&[0x5b], &code(DEEPER)[..]].concat();
    let count = (0x6000 - 32 - tail.len()) / 32;
    let end = u16::try_from(4 + 32 * count).unwrap().to_be_bytes();
    let jump = [0x61, end[0], end[1], 0x56];
    [&jump, &way.repeat(count)[..], &tail].concat().into()
}

fn attacks() -> Vec<Attack> {
    let call = "0 0 0 0 0 CALLEE GAS CALL POP";
    let to = |precompile: u8, memory| {
        let memory = filled(memory);
        format!("{memory} 0 0 NUMBER 0 {precompile} GAS STATICCALL POP STOP")
    };
    let words = "DUP1 ".repeat(7);
    let stacked = format!("140 more: {words} 1 SWAP1 SUB DUP1 @more JUMPI {DEEPER}");
    let loaded: String = (1..40).map(|slot| format!("{slot} SLOAD POP ")).collect();
    let filling = filled(320_000);
    vec![
        Attack::new("sha256 behind full memory", &to(2, 287_000)),
        Attack::new("ripemd160 behind full memory", &to(3, 287_000)),
        Attack::new("pairings behind full memory", &to(8, 287_000)),
        Attack::new(
            "transient writes to one key",
            &(filled(240_000) + &rounds("DUP1 0 TSTORE")),
        ),
        Attack::new(
            "writes to one slot",
            &(filled(290_000) + &rounds("DUP1 0 SSTORE")),
        ),
        Attack::new(
            "calls behind full memory",
            &(filled(290_000) + &rounds(call)),
        ),
        Attack::new(
            "payments behind full memory",
            &(filled(290_000) + &rounds("0 0 0 0 1 DUP6 99999 ADD GAS CALL POP")),
        ),
        Attack::calling(
            "payments undone behind full memory",
            &(filled(290_000) + &rounds(call)),
            code("0 0 0 0 1 GAS GAS CALL 0 0 0 0 1 GAS GAS CALL 0 0 REVERT"),
        ),
        Attack::new(
            "creations behind full memory",
            &(filled(290_000) + &rounds("0 0 0 CREATE POP")),
        ),
        Attack::calling(
            "destructions behind full memory",
            &(filled(290_000) + &rounds(call)),
            code("GAS SELFDESTRUCT"),
        ),
        Attack::calling(
            "slots loaded anew after each revert",
            &(filled(290_000) + &rounds(call)),
            code(&format!("{loaded} 0 0 REVERT")),
        ),
        Attack {
            code: walked(),
            ..Attack::new("walks over jump destinations", "STOP")
        },
        Attack::calling(
            "high stacks",
            &(filled(285_000) + "NUMBER 0 MSTORE 0 0 32 0 0 CALLEE GAS CALL STOP"),
            code(&stacked),
        ),
        Attack::calling(
            "returned memory",
            "NUMBER 0 MSTORE 0 0 32 0 0 CALLEE GAS CALL STOP",
            code(&format!("{filling} NUMBER 0 RETURN")),
        ),
        Attack::calling(
            "memory returned by a revert",
            "NUMBER 0 MSTORE 0 0 32 0 0 CALLEE GAS CALL STOP",
            code(&format!("{filling} NUMBER 0 REVERT")),
        ),
    ]
}

/// What is wrong with the counts, if anything.
fn judge(name: &str, built: &Built) -> Option<String> {
    let mut wrong = None;
    for batch in &built.witness.batches {
        let bound = MachineLimits::KERNEL_CELLS + built.work_of(batch).cells;
        let taken = match cells(batch) {
            Ok(taken) => taken,
            Err(error) => return Some(format!("{name}: {error:#}")),
        };
        let count = batch.own_transactions().len();
        let text = format!("{name}: {count} transactions, {taken} cells, counted {bound}");
        say(&text);
        if taken > bound || taken > TABLE {
            wrong = Some(text);
        }
    }
    wrong
}

#[test]
fn memory_that_is_filled_is_refused_or_was_counted() {
    assert_counted(attacks(), limits(), |name, number, built| {
        judge(&format!("{name}, {number}"), built)
    });
}

#[test]
fn what_a_transaction_leaves_in_memory_counts_for_the_next_of_the_batch() {
    let mut chain = chain(
        limits(),
        [
            (ATTACKER, code(&rounds("DUP1 0 TSTORE"))),
            (CALLEE, code(&(filled(310_000) + "STOP"))),
            (OTHER, code("0 0 0 0 NUMBER CALLEE GAS CALL STOP")),
        ],
    );
    // As many as the limit of cycles allows, but no more than may be kept.
    let number = greatest(&chain, 12_000);
    let raw = [
        send(ATTACKER, number, 0),
        send(CALLEE, 0, 1),
        send(ATTACKER, number / 2, 2),
        send(OTHER, 7, 3),
    ];
    let built = chain.build_measured(&raw, BATCHES).unwrap();
    let wrong = pool().install(|| judge("one batch", &built));
    assert_eq!(wrong, None);
}

#[test]
fn the_data_of_a_transaction_counts_for_the_next_of_the_batch() {
    let nothing = Bytes::from_static(&[0]);
    let mut chain = chain(
        limits(),
        [
            (ATTACKER, nothing.clone()),
            (CALLEE, code(&(filled(310_000) + "STOP"))),
            (OTHER, nothing),
        ],
    );
    let long = Send::to(OTHER).gas(GAS).data(vec![1; 30_000]).sign(0);
    let raw = [long, send(CALLEE, 0, 1)];
    let built = chain.build_measured(&raw, BATCHES).unwrap();
    assert_eq!(built.witness.batches.len(), 1);
    let wrong = pool().install(|| judge("long data", &built));
    assert_eq!(wrong, None);
}

#[test]
fn ordinary_transactions_are_far_from_the_limit() {
    let corpus = Corpus::new();
    let mut chain = TestChain::new(&corpus.genesis).unwrap();
    let transfer = Send::to(OTHER).value(1).sign(0);
    let transfer = chain.measure(transfer).unwrap().unwrap();
    say(&format!("a transfer: {transfer:?}"));
    assert!(transfer.cells < 10_000, "{transfer:?}");
    for block in &corpus.blocks {
        let built = chain.build_measured(&block.raw(), BATCHES).unwrap();
        if block.name == "a token is deployed and used" {
            let work = built.work[1];
            say(&format!("a token's transfer: {work:?}"));
            assert!(work.cells < 20_000, "{work:?}");
        }
    }
}
