//! How many cells of the machine's memory a transaction has in use, beside the kernel's own.

use alloy::primitives::{Address, Bytes, U256};
use mpt_trie::partial_trie::{HashedPartialTrie, PartialTrie};
use tern_execution::{BatchLimits, ErrorKind, ExecutionError, MachineLimits, MachineWork};
use tern_integration::corpus::chain::{Built, TestChain};
use tern_integration::corpus::{Corpus, Send, signer};
use tern_integration::vectors::provable::cells;
use tern_integration::vectors::say;
use tern_proving::inputs::generation_inputs;

use super::{
    ATTACKER, Attack, BATCHES, CALLEE, GAS, assert_counted, assert_no_longer, chain, code,
    greatest, pool, rounds, send,
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
        Attack::new(
            "memory returned to the sender",
            &format!("{filling} NUMBER 0 RETURN"),
        ),
        Attack::new(
            "memory returned to the sender by a revert",
            &format!("{filling} NUMBER 0 REVERT"),
        ),
        Attack::calling(
            "powers at each depth",
            &(filled(265_000) + "NUMBER 0 MSTORE 0 0 32 0 0 CALLEE GAS CALL STOP"),
            code(&format!("PUSH0 NOT 3 EXP POP {DEEPER}")),
        ),
        Attack::calling(
            "code that is copied beside full memory",
            &(filled(281_000) + "NUMBER 0 281000 CALLEE EXTCODECOPY STOP"),
            vec![1; 0x6000],
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
    assert_counted(attacks(), limits(), |attack, number, built| {
        judge(&format!("{}, {number}", attack.name), built)
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
fn what_the_sender_is_returned_counts_for_the_next_of_the_batch() {
    let mut chain = chain(
        limits(),
        [
            (ATTACKER, code(&(filled(140_000) + "NUMBER 0 RETURN"))),
            (CALLEE, code(&(filled(310_000) + "STOP"))),
        ],
    );
    let raw = [send(ATTACKER, 140_000, 0), send(CALLEE, 0, 1)];
    let built = chain.build_measured(&raw, BATCHES).unwrap();
    let wrong = pool().install(|| judge("returned to the sender", &built));
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

/// What a block spends its gas for may be branches above the keys of those that come later.
#[test]
fn branches_that_the_block_may_have_grown_count_for_a_batch() {
    let mut chain = chain(
        super::limits(1 << 23),
        [
            (ATTACKER, code(&rounds("DUP1 0 TSTORE"))),
            (CALLEE, code(&(filled(310_000) + "STOP"))),
            (OTHER, code("INVALID")),
        ],
    );
    let number = greatest(&chain, 15_000);
    let mut starts = |burnt, nonce| {
        let keep = Send::to(ATTACKER).words([U256::from(number)]);
        let raw = [
            Send::to(OTHER).gas(burnt).sign(nonce),
            keep.gas(3_000_000).sign(nonce + 1),
            Send::to(CALLEE).gas(2_000_000).sign(nonce + 2),
        ];
        let built = chain.build_measured(&raw, BATCHES).unwrap();
        let batches = built.witness.batches.iter();
        for batch in batches.clone() {
            let (first, work) = (batch.first_transaction, built.work_of(batch));
            say(&format!("{burnt} gas before, batch from {first}: {work:?}"));
        }
        batches.map(|batch| batch.first_transaction).collect()
    };
    let (one, two): (Vec<_>, Vec<_>) = (starts(100_000, 0), starts(24_000_000, 3));
    assert_eq!((one, two), (vec![0], vec![0, 2]));
}

#[test]
fn the_leaf_of_the_lists_that_a_batch_splits_counts_for_it() {
    let nothing = Bytes::from_static(&[0]);
    let mut chain = chain(
        limits(),
        [
            (CALLEE, code(&(filled(310_000) + "STOP"))),
            (OTHER, nothing),
        ],
    );
    let long = |bytes, nonce| Send::to(OTHER).gas(GAS).data(vec![1; bytes]).sign(nonce);
    // The first is alone in its batch. The key of the second splits its leaf, so that the next batch shows it whole.
    let raw = [long(60_000, 0), long(30_000, 1), send(CALLEE, 0, 2)];
    let built = chain.build_measured(&raw, BATCHES).unwrap();
    let wrong = pool().install(|| judge("a long neighbour", &built));
    assert_eq!(wrong, None);
}

#[test]
fn such_a_leaf_takes_no_more_than_was_counted_for_it() {
    let log = "20000 0 LOG0 ".repeat(2);
    let logs = "0 0 LOG0 ".repeat(1_000);
    let mut chain = chain(
        limits(),
        [
            (CALLEE, code(&(filled(20_000) + &log + "STOP"))),
            (ATTACKER, code(&(logs + "STOP"))),
            (OTHER, Bytes::from_static(&[0])),
        ],
    );
    let to = |contract| Send::to(contract).gas(GAS);
    let long = [
        ("a transaction", to(OTHER).data(vec![1; 60_000])),
        ("a receipt with long logs", to(CALLEE)),
        ("a receipt with short logs", to(ATTACKER)),
    ];
    for (name, first) in long {
        let sender = chain.state().account(signer(0).address()).unwrap();
        let nonce = sender.unwrap().nonce;
        // One that takes next to nothing itself is shown the first.
        let raw = [first.sign(nonce), Send::to(OTHER).gas(GAS).sign(nonce + 1)];
        let one = BatchLimits {
            transactions: 1,
            ..BATCHES
        };
        let built = chain.build_measured(&raw, one).unwrap();
        let batch = &built.witness.batches[1];
        assert_no_longer(&format!("{name} is shown"), &built, batch);
        let wrong = pool().install(|| judge(name, &built));
        assert_eq!(wrong, None);
    }
}

#[test]
fn a_transaction_without_room_beside_such_a_leaf_waits_for_the_next_block() {
    let nothing = Bytes::from_static(&[0]);
    let mut chain = chain(
        limits(),
        [
            (CALLEE, code(&(filled(310_000) + "STOP"))),
            (OTHER, nothing),
        ],
    );
    let long = Send::to(OTHER).gas(GAS).data(vec![1; 64_000]).sign(0);
    let raw = [long.clone(), send(CALLEE, 0, 1)];
    let refused = chain.build_measured(&raw, BATCHES).unwrap_err();
    let refused = refused.downcast_ref::<ExecutionError>().unwrap();
    assert!(
        matches!(refused, ExecutionError::Crowded { .. }),
        "{refused}"
    );
    assert_eq!(refused.kind(), ErrorKind::NotNow);
    // Elsewhere in a block, and in the next one, nothing is shown to it.
    let short = Send::to(OTHER).gas(GAS).sign(1);
    let raw = [long, short, send(CALLEE, 0, 2)];
    chain.build_measured(&raw, BATCHES).unwrap();
    let next = chain
        .build_measured(&[send(CALLEE, 0, 3)], BATCHES)
        .unwrap();
    let wrong = pool().install(|| judge("in the next block", &next));
    assert_eq!(wrong, None);
}

/// Bytes in the leaves that a trie shows.
fn shown(trie: &HashedPartialTrie) -> u64 {
    let leaves = trie.items().filter_map(|(_, item)| item.as_val().cloned());
    leaves.map(|leaf| leaf.len() as u64).sum()
}

#[test]
fn no_other_leaf_of_the_lists_is_shown() {
    let mut chain = chain(limits(), []);
    let transfers = (0..260).map(|nonce| Send::to(OTHER).value(1).sign(nonce));
    let transfers: Vec<Bytes> = transfers.collect();
    let limits = BatchLimits {
        transactions: 260,
        ..BATCHES
    };
    let built = chain.build_measured(&transfers, limits).unwrap();
    let whole = built.witness.batches.last().unwrap();
    assert_eq!(whole.transactions.len(), 260);
    let mut found = 0;
    for first in 1..260 {
        for count in [1, 3, 40] {
            let after = (first + count).min(260);
            let mut batch = whole.clone();
            batch.first_transaction = first as u64;
            batch.transactions.truncate(after);
            batch.receipts.truncate(after);
            (batch.nodes, batch.storage) = Default::default();
            let inputs = generation_inputs(&batch).unwrap();
            let taken = shown(&inputs.tries.transactions_trie) + shown(&inputs.tries.receipts_trie);
            // So much longer that what is counted for a leaf as such hides nothing.
            let longer = |index: usize| {
                1_000 * (batch.transactions[index].len() + batch.receipts[index].len()) as u64
            };
            let counted = MachineWork::of_neighbours(first..=after - 1, longer);
            assert!(
                2_000 * taken <= counted.cells,
                "{first}..{after}: {taken} bytes"
            );
            found += u64::from(taken > 0);
        }
    }
    assert!(found > 60, "{found} batches show a leaf");
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
