//! Transactions made to be as dear to prove as a node accepts: each either is refused, or the prover's machine runs
//! it within its tables.
//!
//! Each attack is a loop whose length is searched for: the longest that the meter lets pass is simulated, the next one
//! must be refused. `HOSTILE_CYCLES` in the environment is another limit than the test's; the node's is 16777216, with
//! which it takes a quarter of an hour.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use rayon::prelude::*;
use tern_execution::{BatchLimits, ExecutionError, GenesisAccount, GenesisState, MachineLimits};
use tern_integration::corpus::assembly::assemble;
use tern_integration::corpus::chain::TestChain;
use tern_integration::corpus::{Send, genesis};
use tern_integration::vectors::provable::{counted, simulated};
use tern_integration::vectors::say;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// By default less than a node allows, so that each attack takes seconds. The machine knows no such limit.
fn limits() -> MachineLimits {
    let cycles = std::env::var("HOSTILE_CYCLES").map_or(1 << 21, |text| text.parse().unwrap());
    MachineLimits {
        cycles,
        cells: 330_000,
    }
}

const BATCHES: BatchLimits = BatchLimits {
    transactions: 1,
    gas: u64::MAX,
    cycles: u64::MAX,
};

const GAS: u64 = 10_000_000;
const ATTACKER: Address = Address::repeat_byte(0xaa);
const CALLEE: Address = Address::repeat_byte(0xca);
/// Pushes the callee's address.
const PUSH_CALLEE: &str = "0xcacacacacacacacacacacacacacacacacacacaca";

/// A loop: what runs once, what runs each time with the counter on the stack, and the code of the contract that it
/// may call as `CALLEE`.
struct Attack {
    name: &'static str,
    setup: &'static str,
    body: &'static str,
    callee: Vec<u8>,
}

fn attack(name: &'static str, setup: &'static str, body: &'static str) -> Attack {
    Attack {
        name,
        setup,
        body,
        callee: vec![0],
    }
}

fn calling(name: &'static str, body: &'static str, callee: Vec<u8>) -> Attack {
    Attack {
        callee,
        ..attack(name, "", body)
    }
}

impl Attack {
    /// The contract: the number of rounds is the calldata.
    fn code(&self) -> Bytes {
        let text = format!(
            "{} 0 CALLDATALOAD round: {} 1 SWAP1 SUB DUP1 @round JUMPI STOP",
            self.setup, self.body
        );
        assemble(&text.replace("CALLEE", PUSH_CALLEE))
    }

    fn genesis(&self) -> GenesisState {
        let mut genesis = genesis();
        for (address, code) in [
            (ATTACKER, self.code()),
            (CALLEE, self.callee.clone().into()),
        ] {
            let account = GenesisAccount {
                balance: U256::from(10).pow(U256::from(20)),
                nonce: 1,
                code,
                ..GenesisAccount::default()
            };
            genesis.accounts.insert(address, account);
        }
        genesis
    }
}

fn attacks() -> Vec<Attack> {
    let call = "0 0 0 0 0 CALLEE GAS CALL POP";
    // Every proof of a jump destination behind these walks from the code's beginning.
    let mut bait: Vec<u8> = vec![0x61, 0x5f, 0xf8, 0x56];
    bait.extend([0x60, 0x7f].repeat((0x5ff8 - 4) / 2));
    bait.extend([0x5b, 0x00]);
    // Behind an invalid jump lies a loop that never runs: JUMPDEST, PUSH2 of itself, JUMP, inside a PUSH32.
    let mut trap = vec![0x60, 0x05, 0x56, 0x00, 0x7f, 0x5b, 0x60, 0x05, 0x56];
    trap.resize(100, 0x5b);
    let mut far_trap = vec![0x60, 0x40, 0x56];
    far_trap.resize(60, 0x60);
    far_trap.push(0x7f);
    far_trap.resize(200, 0x5b);
    let reverting = |text: &str| assemble(&format!("{text} 0 0 REVERT")).to_vec();
    vec![
        attack("nothing", "", ""),
        attack(
            "long pushes",
            "",
            "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff POP",
        ),
        attack("logic", "", "DUP1 DUP1 AND DUP2 OR DUP2 XOR POP"),
        attack("arithmetic", "", "7 DUP2 DUP1 MULMOD 3 SWAP1 DIV 5 ADD POP"),
        attack(
            "signed arithmetic",
            "",
            "PUSH0 NOT DUP2 SMOD 31 SIGNEXTEND 255 SAR POP",
        ),
        attack("exponents", "", "PUSH0 NOT 3 EXP POP"),
        attack("hashes of nothing", "", "0 0 KECCAK256 POP"),
        attack("hashes of a kilobyte", "", "1024 0 KECCAK256 POP"),
        attack("hashes of 100 kilobytes", "", "100000 0 KECCAK256 POP"),
        attack("ever larger hashes", "", "DUP1 64 MUL 0 KECCAK256 POP"),
        attack("memory", "", "PUSH0 NOT MSIZE MSTORE"),
        attack("sparse memory", "", "1 MSIZE 991 ADD MSTORE8"),
        attack("moves of memory", "", "9999 1 0 MCOPY"),
        attack("copies of code", "", "9999 0 0 CODECOPY"),
        attack("copies of calldata", "", "9999 0 0 CALLDATACOPY"),
        calling(
            "sizes of long code",
            "CALLEE EXTCODESIZE POP",
            vec![0; 24_576],
        ),
        calling(
            "copies of long code",
            "24576 0 0 CALLEE EXTCODECOPY",
            vec![1; 24_576],
        ),
        attack("balances", "", "DUP1 BALANCE POP"),
        attack("code hashes", "", "DUP1 EXTCODEHASH POP"),
        attack("reads", "", "DUP1 SLOAD POP"),
        attack("writes", "", "DUP1 DUP1 SSTORE"),
        attack("writes back and forth", "", "1 0 SSTORE 0 0 SSTORE"),
        attack("transient writes", "", "DUP1 DUP1 TSTORE"),
        attack(
            "transient reads",
            "",
            "DUP1 DUP1 TSTORE 0 TLOAD POP 0 TLOAD POP",
        ),
        calling(
            "transient writes undone",
            call,
            reverting("GAS 0 TSTORE GAS 1 TSTORE GAS 2 TSTORE"),
        ),
        attack(
            "touched accounts",
            "",
            "0 0 0 0 0 DUP6 99999 ADD GAS CALL POP",
        ),
        attack("payments", "", "0 0 0 0 1 DUP6 99999 ADD GAS CALL POP"),
        calling(
            "payments undone",
            call,
            reverting("0 0 0 0 1 GAS GAS CALL 0 0 0 0 1 GAS GAS CALL"),
        ),
        calling("calls", call, vec![0]),
        calling("calls of long code", call, vec![0; 24_576]),
        calling(
            "static calls with data",
            "9999 0 9999 0 CALLEE GAS STATICCALL POP",
            vec![0],
        ),
        calling(
            "delegate calls",
            "0 0 0 0 CALLEE GAS DELEGATECALL POP",
            vec![0],
        ),
        calling("returned data", call, assemble("9999 0 RETURN").to_vec()),
        calling("jumps that are far to prove", call, bait),
        calling("invalid jumps", "0 0 0 0 0 CALLEE 9999 CALL POP", trap),
        calling(
            "invalid jumps far behind",
            "0 0 0 0 0 CALLEE 9999 CALL POP",
            far_trap,
        ),
        calling("faults", "0 0 0 0 0 CALLEE 999 CALL POP", vec![0xfe]),
        attack(
            "recursion",
            "",
            "DUP1 0 MSTORE 0 0 32 0 0 ADDRESS GAS CALL POP",
        ),
        attack("logs", "", "1 2 3 4 0 0 LOG4"),
        attack("long logs", "", "9999 0 LOG0"),
        calling("logs undone", call, reverting("0 0 LOG0 99 0 LOG1")),
        attack("creations", "", "0 0 0 CREATE POP"),
        attack(
            "creations with long init code",
            "",
            "DUP1 49152 0 0 CREATE2 POP",
        ),
        calling(
            "creations undone",
            call,
            reverting("0 0 0 CREATE 0 0 1 CREATE"),
        ),
        attack(
            "creations that destroy themselves",
            "0x33ff 0 MSTORE",
            "2 30 1 CREATE POP",
        ),
        calling("destructions", call, assemble("GAS SELFDESTRUCT").to_vec()),
        attack(
            "ecrecover",
            "28 32 MSTORE 1 64 MSTORE 1 96 MSTORE",
            "0 0 128 0 1 GAS STATICCALL POP",
        ),
        attack("sha256", "", "0 0 0 0 2 GAS STATICCALL POP"),
        attack(
            "sha256 of a kilobyte",
            "",
            "0 0 1024 0 2 GAS STATICCALL POP",
        ),
        attack(
            "ripemd160 of a kilobyte",
            "",
            "0 0 1024 0 3 GAS STATICCALL POP",
        ),
        attack("identity", "", "9999 0 9999 0 4 GAS STATICCALL POP"),
        attack(
            "modexp",
            "32 0 MSTORE 32 32 MSTORE 32 64 MSTORE PUSH0 NOT 96 MSTORE PUSH0 NOT 128 MSTORE PUSH0 NOT 160 MSTORE",
            "0 0 192 0 5 GAS STATICCALL POP",
        ),
        attack(
            "modexp of small numbers in long fields",
            "64 0 MSTORE 32 32 MSTORE 64 64 MSTORE 3 128 MSTORE PUSH0 NOT 160 MSTORE PUSH0 NOT 224 MSTORE",
            "0 0 256 0 5 GAS STATICCALL POP",
        ),
        attack(
            "modexp of a byte to a kilobyte",
            "1 0 MSTORE 1024 32 MSTORE 1 64 MSTORE PUSH0 NOT 96 MSTORE",
            "0 0 1122 0 5 GAS STATICCALL POP",
        ),
        attack(
            "curve multiplication",
            "1 0 MSTORE 2 32 MSTORE PUSH0 NOT 64 MSTORE",
            "0 0 96 0 7 GAS STATICCALL POP",
        ),
        attack("pairings", "", "0 0 384 0 8 GAS STATICCALL POP"),
        attack(
            "blake2",
            "255 3 MSTORE8 1 212 MSTORE8",
            "0 0 213 0 9 GAS STATICCALL POP",
        ),
    ]
}

/// What became of an attack.
struct Outcome {
    rounds: u64,
    refused: bool,
    text: String,
    wrong: Option<String>,
}

fn send(rounds: u64) -> Bytes {
    Send::to(ATTACKER)
        .gas(GAS)
        .words([U256::from(rounds)])
        .sign(0)
}

/// The greatest number of rounds that the node accepts, and whether it refuses more.
fn longest(chain: &TestChain) -> (u64, bool) {
    let refused = |rounds| match chain.measure(send(rounds)).unwrap() {
        Ok(_) => false,
        Err(ExecutionError::Unprovable { .. }) => true,
        Err(other) => panic!("{other}"),
    };
    let (mut low, mut high) = (0, 1 << 20);
    if !refused(high) {
        return (high, false);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if refused(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    (low, true)
}

fn carry_out(attack: &Attack) -> Outcome {
    let mut chain = TestChain::limited(&attack.genesis(), limits()).unwrap();
    let (rounds, refused) = longest(&chain);
    let mut outcome = Outcome {
        rounds,
        refused,
        text: String::new(),
        wrong: None,
    };
    if rounds == 0 {
        // One round is too much already.
        outcome.text = "always refused".to_owned();
        return outcome;
    }
    let built = chain.build_measured(&[send(rounds)], BATCHES).unwrap();
    let batch = &built.witness.batches[0];
    let bound = built.work[0].cycles;
    match (simulated(batch), counted(batch)) {
        (Ok(simulation), Ok(taken)) => {
            outcome.text = format!(
                "{} segments of 2^{}, gas {}, {taken} cycles, bound {:.2} times",
                simulation.segments.len(),
                simulation.max_cycles_log,
                batch.gas_used_after,
                bound as f64 / taken as f64,
            );
            if taken > bound {
                outcome.wrong = Some(format!("the bound is {bound} cycles, it takes {taken}"));
            }
        }
        (Err(error), _) | (_, Err(error)) => outcome.wrong = Some(error.to_string()),
    }
    outcome
}

#[test]
fn hostile_transactions_are_refused_or_can_be_proven() {
    let only = std::env::var("ONLY_ATTACKS").unwrap_or_default();
    let attacks: Vec<Attack> = attacks()
        .into_iter()
        .filter(|attack| attack.name.contains(&only))
        .collect();
    // The machine recurses along tries.
    let pool = rayon::ThreadPoolBuilder::new()
        .stack_size(64 << 20)
        .build()
        .unwrap();
    let wrong: Vec<String> = pool.install(|| {
        attacks
            .par_iter()
            .filter_map(|attack| {
                let outcome = carry_out(attack);
                let (name, rounds) = (attack.name, outcome.rounds);
                let more = if outcome.refused {
                    "more is refused"
                } else {
                    "gas ends it"
                };
                say(&format!(
                    "{name}: {rounds} rounds, {more}; {}",
                    outcome.text
                ));
                let what = outcome.wrong?;
                Some(format!("{name}: {rounds} rounds: {what}"))
            })
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Transactions whose effect the kernel of the published machine saw otherwise than the EVM. Each is the code of the
/// attacker's contract, which is called once, and of another one.
fn differences() -> Vec<(&'static str, Bytes, Address, Bytes)> {
    let code = |text: &str| assemble(&text.replace("CALLEE", PUSH_CALLEE));
    let sent_to = |name, attacker: &str, callee: &str| (name, code(attacker), CALLEE, code(callee));
    // Where the attacker's CREATE2 with salt 0 and no init code leads.
    let occupied = ATTACKER.create2(B256::ZERO, keccak256([]));
    let attack = format!("0 0 0 0 CREATE2 POP 0 0 0 0 0 {occupied:?} 100000 CALL POP STOP");
    vec![
        sent_to(
            "a creation without code after a call that returned 0xef",
            "0 0 0 0 0 CALLEE 99999 CALL POP 0 0 0 CREATE 0 SSTORE STOP",
            "0xef 0 MSTORE8 1 0 RETURN",
        ),
        sent_to(
            "return data after a creation of code that begins with 0xef",
            "0x60ef5f5360015ff3 0 MSTORE 8 24 0 CREATE POP RETURNDATASIZE 1 ADD 0 SSTORE STOP",
            "STOP",
        ),
        sent_to(
            "return data after a creation of code that is too long",
            "0x6160015ff3 0 MSTORE 5 27 0 CREATE POP RETURNDATASIZE 1 ADD 0 SSTORE STOP",
            "STOP",
        ),
        (
            "a contract that was in the way of a creation destroys itself",
            code(&attack),
            occupied,
            code("ORIGIN SELFDESTRUCT"),
        ),
    ]
}

#[test]
fn the_kernel_sees_what_the_evm_sees() {
    for (name, attacker, other, code) in differences() {
        let mut genesis = genesis();
        for (address, code) in [(ATTACKER, attacker), (other, code)] {
            let account = GenesisAccount {
                balance: U256::from(1_000),
                nonce: 1,
                code,
                ..GenesisAccount::default()
            };
            genesis.accounts.insert(address, account);
        }
        let mut chain = TestChain::limited(&genesis, limits()).unwrap();
        let built = chain.build_measured(&[send(0)], BATCHES).unwrap();
        assert!(built.block.receipts[0].envelope.status(), "{name}");
        let outcome = counted(&built.witness.batches[0]);
        assert!(outcome.is_ok(), "{name}: {outcome:?}");
    }
}

#[test]
fn init_code_may_jump_beyond_the_length_of_code() {
    let mut code = assemble("0x7000 JUMP").to_vec();
    code.resize(0x7000, 0x00);
    code.extend(assemble("there: 1 0 SSTORE STOP"));
    let mut chain = TestChain::limited(&genesis(), limits()).unwrap();
    let raw = Send::create(code.into()).gas(GAS).sign(0);
    let built = chain.build_measured(&[raw], BATCHES).unwrap();
    assert!(built.block.receipts[0].envelope.status());
    counted(&built.witness.batches[0]).unwrap();
}
