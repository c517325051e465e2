//! Transactions made to be as dear to prove as a node accepts: each either is refused, or takes of the prover's machine
//! no more than the node's meter counted.
//!
//! * `cycles`: how long it runs, and whether its tables hold that.
//! * `lists`: the same, where what it costs is to search the kernel's lists.
//! * `memory`: how many cells it has in use.
//! * `shown`: both, where more of the state could be shown than was touched.
//!
//! Each attack takes a number as calldata. The greatest that the meter lets pass is run; what it counted must hold.
//!
//! In the environment: `HOSTILE_CYCLES` is another limit than the tests'; the node's is 16777216, with which `cycles`
//! takes a quarter of an hour. `ONLY_ATTACKS` is a part of the names of those that are tried.

use alloy::primitives::{Address, Bytes, U256};
use rayon::prelude::*;
use tern_execution::{BatchLimits, ExecutionError, GenesisAccount, MachineLimits};
use tern_integration::corpus::assembly::assemble;
use tern_integration::corpus::chain::{Built, TestChain};
use tern_integration::corpus::{Send, genesis};
use tern_integration::vectors::provable::counted;
use tern_integration::vectors::say;
use tern_messages::TransactionBatch;

mod cycles;
mod lists;
mod memory;
mod shown;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCHES: BatchLimits = BatchLimits {
    transactions: 4,
    gas: u64::MAX,
    cycles: u64::MAX,
};

const GAS: u64 = 10_000_000;
const ATTACKER: Address = Address::repeat_byte(0xaa);
const CALLEE: Address = Address::repeat_byte(0xca);

/// A node's limits but for the cycles, of which there are fewer by default, so that each attack takes seconds. The
/// machine knows no such limit.
fn limits(cycles: u64) -> MachineLimits {
    let cycles = std::env::var("HOSTILE_CYCLES").map_or(cycles, |text| text.parse().unwrap());
    MachineLimits {
        cycles,
        ..MachineLimits::default()
    }
}

/// A contract that is called with a number, and another one that it may call.
struct Attack {
    name: &'static str,
    code: Bytes,
    callee: Bytes,
    /// No greater number is tried.
    most: u64,
}

/// No attack is tried with a greater number.
const MOST: u64 = 1 << 20;

impl Attack {
    /// The second contract does nothing.
    fn new(name: &'static str, text: &str) -> Self {
        Self::calling(name, text, [0_u8])
    }

    fn calling(name: &'static str, text: &str, callee: impl Into<Bytes>) -> Self {
        Self {
            name,
            code: code(text),
            callee: callee.into(),
            most: MOST,
        }
    }

    /// Where the gas ends an attack before it does harm, a number for which it lasts.
    fn at_most(self, most: u64) -> Self {
        Self { most, ..self }
    }

    /// Runs the greatest number that passes, of which `judge` says what is wrong with the counts, if anything.
    fn carry_out(&self, limits: MachineLimits, judge: Judge) -> Option<String> {
        let contracts = [(ATTACKER, self.code.clone()), (CALLEE, self.callee.clone())];
        let mut chain = chain(limits, contracts);
        let number = greatest(&chain, self.most);
        if number == 0 {
            say(&format!("{}: always refused", self.name));
            return None;
        }
        let raw = [send(ATTACKER, number, 0)];
        let built = chain.build_measured(&raw, BATCHES).unwrap();
        judge(self, number, &built)
    }
}

/// Says what is wrong with the counts of an attack with a number, if anything.
type Judge = fn(&Attack, u64, &Built) -> Option<String>;

/// Asserts that nothing is wrong with any attack.
fn assert_counted(mut attacks: Vec<Attack>, limits: MachineLimits, judge: Judge) {
    let only = std::env::var("ONLY_ATTACKS").unwrap_or_default();
    attacks.retain(|attack| attack.name.contains(&only));
    let attacks = attacks.par_iter();
    let wrong = attacks.filter_map(|attack| attack.carry_out(limits, judge));
    let wrong: Vec<String> = pool().install(|| wrong.collect());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Asserts that a batch runs no longer than was counted.
fn assert_no_longer(name: &str, built: &Built, batch: &TransactionBatch) {
    let bound = built.work_of(batch);
    let taken = pool().install(|| counted(batch)).unwrap();
    say(&format!("{name}: {taken} cycles, {bound:?}"));
    assert!(taken <= bound.cycles, "{taken} cycles, {bound:?}");
}

/// The machine recurses along tries.
fn pool() -> rayon::ThreadPool {
    let builder = rayon::ThreadPoolBuilder::new().stack_size(64 << 20);
    builder.build().unwrap()
}

fn code(text: &str) -> Bytes {
    assemble(
        &text
            .replace("CALLEE", &format!("{CALLEE:?}"))
            .replace("NUMBER", "0 CALLDATALOAD"),
    )
}

/// As many rounds as the number says.
fn rounds(body: &str) -> String {
    format!("NUMBER round: {body} 1 SWAP1 SUB DUP1 @round JUMPI STOP")
}

/// A chain with these contracts.
fn chain<const N: usize>(limits: MachineLimits, contracts: [(Address, Bytes); N]) -> TestChain {
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
    TestChain::limited(&genesis, limits).unwrap()
}

fn send(to: Address, number: u64, nonce: u64) -> Bytes {
    Send::to(to)
        .gas(GAS)
        .words([U256::from(number)])
        .sign(nonce)
}

/// The greatest number, `most` at most, that the node accepts; 0 if there is none.
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
