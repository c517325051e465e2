//! How long a transaction runs.

use alloy::primitives::{Address, B256, Bytes, keccak256};
use tern_execution::MachineLimits;
use tern_integration::corpus::Send;
use tern_integration::corpus::assembly::assemble;
use tern_integration::corpus::chain::Built;
use tern_integration::vectors::provable::{counted, simulated};
use tern_integration::vectors::say;

use super::{ATTACKER, Attack, BATCHES, CALLEE, GAS, assert_counted, chain, code, rounds, send};

fn limits() -> MachineLimits {
    super::limits(1 << 20)
}

/// A loop: what runs once, and what runs each time with the counter on the stack.
fn attack(name: &'static str, setup: &str, body: &str) -> Attack {
    Attack::new(name, &format!("{setup} {}", rounds(body)))
}

/// A loop that calls this.
fn calling(name: &'static str, body: &str, callee: Vec<u8>) -> Attack {
    Attack::calling(name, &rounds(body), callee)
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
        attack("powers of zero", "", &"PUSH0 PUSH0 EXP POP ".repeat(100)),
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
            "modexp of a kilobyte to the power of zero",
            "1024 0 MSTORE 1024 64 MSTORE PUSH0 NOT 96 MSTORE PUSH0 NOT 2112 MSTORE",
            "0 0 2144 0 5 GAS STATICCALL POP",
        ),
        attack(
            "modexp of a kilobyte to the power of one",
            "1024 0 MSTORE 1 32 MSTORE 1024 64 MSTORE PUSH0 NOT 2112 MSTORE 1 1120 MSTORE8",
            "0 0 2145 0 5 GAS STATICCALL POP",
        ),
        attack(
            "modexp without the gas",
            "32 32 MSTORE 1024 64 MSTORE PUSH0 NOT 96 MSTORE",
            "0 0 128 0 5 3000 STATICCALL POP",
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

/// Says how a number of rounds went, and what is wrong with it.
pub(super) fn judge(attack: &Attack, rounds: u64, built: &Built) -> Option<String> {
    let name = format!("{}: {rounds} rounds", attack.name);
    let more = if rounds < attack.most {
        "more is refused"
    } else {
        "no more is tried"
    };
    let batch = &built.witness.batches[0];
    let bound = built.work[0].cycles;
    match (simulated(batch), counted(batch)) {
        (Ok(simulation), Ok(taken)) => {
            say(&format!(
                "{name}, {more}; {} segments of 2^{}, gas {}, {taken} cycles, bound {:.2} times",
                simulation.segments.len(),
                simulation.max_cycles_log,
                batch.gas_used_after,
                bound as f64 / taken as f64,
            ));
            (taken > bound)
                .then(|| format!("{name}: the bound is {bound} cycles, it takes {taken}"))
        }
        (Err(error), _) | (_, Err(error)) => Some(format!("{name}: {error}")),
    }
}

#[test]
fn hostile_transactions_are_refused_or_can_be_proven() {
    assert_counted(attacks(), limits(), judge);
}

/// Transactions whose effect the kernel of the published machine saw otherwise than the EVM. Each is the code of the
/// attacker's contract, which is called once, and of another one.
fn differences() -> Vec<(&'static str, Bytes, Address, Bytes)> {
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
        let mut chain = chain(limits(), [(ATTACKER, attacker), (other, code)]);
        let raw = [send(ATTACKER, 0, 0)];
        let built = chain.build_measured(&raw, BATCHES).unwrap();
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
    let mut chain = chain(limits(), []);
    let raw = Send::create(code.into()).gas(GAS).sign(0);
    let built = chain.build_measured(&[raw], BATCHES).unwrap();
    assert!(built.block.receipts[0].envelope.status());
    counted(&built.witness.batches[0]).unwrap();
}
