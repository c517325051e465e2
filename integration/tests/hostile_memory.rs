//! Transactions made to fill the memory of the prover's machine: each either is refused, or the machine never has more
//! cells in use than the node's meter counted, beside the kernel's own.
//!
//! Each attack takes a number as calldata. The greatest that the meter lets pass is run; what it counted must hold.
//! `HOSTILE_CYCLES` in the environment is another limit than the test's; the node's is 16777216.

use alloy::primitives::{Address, Bytes, U256};
use rayon::prelude::*;
use tern_execution::{BatchLimits, ExecutionError, GenesisAccount, MachineLimits};
use tern_integration::corpus::assembly::assemble;
use tern_integration::corpus::chain::{Built, TestChain};
use tern_integration::corpus::{Corpus, Send, genesis};
use tern_integration::vectors::provable::cells;
use tern_integration::vectors::say;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// By default less than a node allows, so that each attack takes seconds.
fn limits() -> MachineLimits {
    let cycles = std::env::var("HOSTILE_CYCLES").map_or(1 << 22, |text| text.parse().unwrap());
    MachineLimits {
        cycles,
        ..MachineLimits::default()
    }
}

const BATCHES: BatchLimits = BatchLimits {
    transactions: 4,
    gas: u64::MAX,
    cycles: u64::MAX,
};

/// Rows of the longest table for memory that is handed from segment to segment.
const TABLE: u64 = 1 << 19;
const GAS: u64 = 10_000_000;
const ATTACKER: Address = Address::repeat_byte(0xaa);
const CALLEE: Address = Address::repeat_byte(0xca);
const OTHER: Address = Address::repeat_byte(0xcb);

/// A contract that is called with a number, and another one that it may call.
struct Attack {
    name: &'static str,
    code: Bytes,
    callee: Bytes,
    /// No number above is tried.
    most: u64,
}

fn code(text: &str) -> Bytes {
    let callee = "0xcacacacacacacacacacacacacacacacacacacaca";
    assemble(
        &text
            .replace("CALLEE", callee)
            .replace("NUMBER", "0 CALLDATALOAD"),
    )
}

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

/// As many rounds as the number says.
fn rounds(body: &str) -> String {
    format!("NUMBER round: {body} 1 SWAP1 SUB DUP1 @round JUMPI STOP")
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

fn attack(name: &'static str, text: &str, callee: Bytes) -> Attack {
    Attack {
        name,
        code: code(text),
        callee,
        most: 1 << 20,
    }
}

fn attacks() -> Vec<Attack> {
    let nothing = Bytes::from_static(&[0]);
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
        attack(
            "sha256 behind full memory",
            &to(2, 287_000),
            nothing.clone(),
        ),
        attack(
            "ripemd160 behind full memory",
            &to(3, 287_000),
            nothing.clone(),
        ),
        attack(
            "pairings behind full memory",
            &to(8, 287_000),
            nothing.clone(),
        ),
        attack(
            "transient writes to one key",
            &(filled(240_000) + &rounds("DUP1 0 TSTORE")),
            nothing.clone(),
        ),
        attack(
            "writes to one slot",
            &(filled(290_000) + &rounds("DUP1 0 SSTORE")),
            nothing.clone(),
        ),
        attack(
            "calls behind full memory",
            &(filled(290_000) + &rounds(call)),
            nothing.clone(),
        ),
        attack(
            "payments behind full memory",
            &(filled(290_000) + &rounds("0 0 0 0 1 DUP6 99999 ADD GAS CALL POP")),
            nothing.clone(),
        ),
        attack(
            "payments undone behind full memory",
            &(filled(290_000) + &rounds(call)),
            code("0 0 0 0 1 GAS GAS CALL 0 0 0 0 1 GAS GAS CALL 0 0 REVERT"),
        ),
        attack(
            "creations behind full memory",
            &(filled(290_000) + &rounds("0 0 0 CREATE POP")),
            nothing.clone(),
        ),
        attack(
            "destructions behind full memory",
            &(filled(290_000) + &rounds(call)),
            code("GAS SELFDESTRUCT"),
        ),
        attack(
            "slots loaded anew after each revert",
            &(filled(290_000) + &rounds(call)),
            code(&format!("{loaded} 0 0 REVERT")),
        ),
        Attack {
            code: walked(),
            ..attack("walks over jump destinations", "STOP", nothing.clone())
        },
        attack(
            "high stacks",
            &(filled(285_000) + "NUMBER 0 MSTORE 0 0 32 0 0 CALLEE GAS CALL STOP"),
            code(&stacked),
        ),
        attack(
            "returned memory",
            "NUMBER 0 MSTORE 0 0 32 0 0 CALLEE GAS CALL STOP",
            code(&format!("{filling} NUMBER 0 RETURN")),
        ),
        attack(
            "memory returned by a revert",
            "NUMBER 0 MSTORE 0 0 32 0 0 CALLEE GAS CALL STOP",
            code(&format!("{filling} NUMBER 0 REVERT")),
        ),
    ]
}

fn chain(contracts: [(Address, Bytes); 3]) -> TestChain {
    let mut genesis = genesis();
    for (address, code) in contracts {
        let account = GenesisAccount {
            balance: U256::from(10).pow(U256::from(20)),
            nonce: 1,
            code,
            ..GenesisAccount::default()
        };
        genesis.accounts.insert(address, account);
    }
    TestChain::limited(&genesis, limits()).unwrap()
}

fn send(to: Address, number: u64, nonce: u64) -> Bytes {
    Send::to(to)
        .gas(GAS)
        .words([U256::from(number)])
        .sign(nonce)
}

/// The greatest number that the node accepts.
fn greatest(chain: &TestChain, most: u64) -> u64 {
    let refused = |number| match chain.measure(send(ATTACKER, number, 0)).unwrap() {
        Ok(_) => false,
        Err(ExecutionError::Unprovable { .. }) => true,
        Err(other) => panic!("{other}"),
    };
    if !refused(most) {
        return most;
    }
    let (mut low, mut high) = (0, most);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if refused(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    low
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

fn carry_out(attack: &Attack) -> Option<String> {
    let contracts = [
        (ATTACKER, attack.code.clone()),
        (CALLEE, attack.callee.clone()),
        (OTHER, Bytes::new()),
    ];
    let mut chain = chain(contracts);
    let number = greatest(&chain, attack.most);
    if number == 0 {
        say(&format!("{}: always refused", attack.name));
        return None;
    }
    let raw = [send(ATTACKER, number, 0)];
    let built = chain.build_measured(&raw, BATCHES).unwrap();
    judge(&format!("{}, {number}", attack.name), &built)
}

/// The machine recurses along tries.
fn pool() -> rayon::ThreadPool {
    let builder = rayon::ThreadPoolBuilder::new().stack_size(64 << 20);
    builder.build().unwrap()
}

#[test]
fn memory_that_is_filled_is_refused_or_was_counted() {
    let only = std::env::var("ONLY_ATTACKS").unwrap_or_default();
    let mut attacks = attacks();
    attacks.retain(|attack| attack.name.contains(&only));
    let wrong: Vec<String> = pool().install(|| attacks.par_iter().filter_map(carry_out).collect());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_a_transaction_leaves_in_memory_counts_for_the_next_of_the_batch() {
    let mut chain = chain([
        (ATTACKER, code(&rounds("DUP1 0 TSTORE"))),
        (CALLEE, code(&(filled(310_000) + "STOP"))),
        (OTHER, code("0 0 0 0 NUMBER CALLEE GAS CALL STOP")),
    ]);
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
    let mut chain = chain([
        (ATTACKER, nothing.clone()),
        (CALLEE, code(&(filled(310_000) + "STOP"))),
        (OTHER, nothing),
    ]);
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
