//! Measures what each instruction, precompile and part of a transaction costs the machine: loops of two lengths, and
//! the difference between them. The figures of `tern_execution`'s meter come from here.
//!
//! `cargo run --release -p tern-proving --example calibrate [PART OF A NAME]`

#[path = "../src/tests/ran.rs"]
mod ran;

use alloy::consensus::TxEip1559;
use alloy::eips::eip2930::{AccessList, AccessListItem};
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use ran::Ran;
use revm::bytecode::opcode::OpCode;
use tern_execution::{GenesisAccount, GenesisState};
use tern_proving::simulate::{Work, count};

const TARGET: Address = Address::repeat_byte(0x77);
const CALLEE: Address = Address::repeat_byte(0x78);

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn assemble(program: &str) -> Vec<u8> {
    let mut code = Vec::new();
    for word in program.split_whitespace() {
        if word == "CALLEE" {
            code.push(0x73);
            code.extend(CALLEE);
        } else if let Ok(number) = word.parse::<U256>() {
            let bytes = number.to_be_bytes_trimmed_vec();
            code.push(0x5f + bytes.len() as u8);
            code.extend(bytes);
        } else {
            let known =
                (0..=255).find(|code| OpCode::new(*code).is_some_and(|op| op.as_str() == word));
            code.push(known.unwrap_or_else(|| panic!("{word} is no instruction")));
        }
    }
    code
}

/// A contract that runs `setup`, then `body` with the counter on the stack, `times` times.
fn looping(setup: &str, body: &str, times: u16) -> Bytes {
    let mut code = assemble(setup);
    code.push(0x61);
    code.extend(times.to_be_bytes());
    let start = code.len() as u16;
    code.push(0x5b);
    code.extend(assemble(body));
    code.extend(assemble("1 SWAP1 SUB DUP1"));
    code.push(0x61);
    code.extend(start.to_be_bytes());
    code.push(0x57);
    code.push(0);
    code.into()
}

/// What came of a transaction.
struct Outcome {
    work: Work,
    gas: u64,
    success: bool,
    /// The meter's bound for its cycles.
    bound: u64,
}

struct Probe {
    code: Bytes,
    callee: Bytes,
    data: Bytes,
    to: TxKind,
    access_list: AccessList,
    accounts: usize,
    transactions: u64,
    slots: u64,
}

impl Probe {
    fn call(code: Bytes) -> Self {
        Self {
            code,
            callee: Bytes::new(),
            data: Bytes::new(),
            to: TxKind::Call(TARGET),
            access_list: AccessList::default(),
            accounts: 0,
            transactions: 1,
            slots: 0,
        }
    }

    fn run(&self) -> Result<Outcome> {
        let mut genesis = GenesisState::default();
        let account = |code: &Bytes| GenesisAccount {
            balance: U256::from(10).pow(U256::from(24)),
            nonce: u64::from(!code.is_empty()),
            code: code.clone(),
            ..GenesisAccount::default()
        };
        let storage =
            (0..self.slots).map(|slot| (U256::from(slot).into(), B256::with_last_byte(1)));
        let target = GenesisAccount {
            storage: storage.collect(),
            ..account(&self.code)
        };
        genesis.accounts.insert(TARGET, target);
        genesis.accounts.insert(CALLEE, account(&self.callee));
        for index in 0..self.accounts {
            let address = Address::left_padding_from(&(index as u64 + 1000).to_be_bytes());
            genesis.accounts.insert(address, account(&Bytes::new()));
        }
        let transaction = || TxEip1559 {
            to: self.to,
            input: self.data.clone(),
            access_list: self.access_list.clone(),
            ..TxEip1559::default()
        };
        let Ran { batch, executed } =
            Ran::of(genesis, (0..self.transactions).map(|_| transaction()))?;
        Ok(Outcome {
            work: count(&batch)?,
            gas: executed.iter().map(|done| done.receipt.gas_used).sum(),
            success: executed.iter().all(|done| done.outcome.is_success()),
            bound: executed.iter().map(|done| done.work.cycles).sum(),
        })
    }
}

fn difference(a: Work, b: Work, over: f64) -> [f64; 6] {
    let of = |a: u64, b: u64| (b as f64 - a as f64) / over;
    [
        of(a.cycles, b.cycles),
        of(a.arithmetic, b.arithmetic),
        of(a.byte_packing, b.byte_packing),
        of(a.keccak, b.keccak),
        of(a.logic, b.logic),
        of(a.memory, b.memory),
    ]
}

fn print(name: &str, gas: f64, d: [f64; 6], bound: f64, note: &str) {
    let equivalent = [
        d[0],
        d[1] * 2.0,
        d[2] * 4.0,
        d[3] * 8.0,
        d[4] * 16.0,
        d[5] / 4.0,
    ];
    let equivalent = equivalent.into_iter().fold(0.0, f64::max);
    let [cycles, arithmetic, packing, keccak, logic, memory] = d;
    let ratio = bound / equivalent;
    let low = if ratio < 1.0 { " TOO LOW" } else { "" };
    println!(
        "{name:44} gas {gas:9.1} cycles {equivalent:10.1} bound {ratio:5.2}x{low}, per gas {:6.1}  \
         cpu {cycles:.1} arith {arithmetic:.1} pack {packing:.1} keccak {keccak:.1} logic {logic:.1} mem {memory:.1}{note}",
        equivalent / gas
    );
}

/// (name, setup, body, few, many)
const LOOPS: &[(&str, &str, &str, u16, u16)] = &[
    ("nothing", "", "", 100, 300),
    ("push1+pop", "", "7 POP", 100, 300),
    ("push0+pop", "", "PUSH0 POP", 100, 300),
    (
        "push32+pop",
        "",
        "115792089237316195423570985008687907853269984665640564039457584007913129639935 POP",
        100,
        300,
    ),
    ("dup+pop", "", "DUP1 POP", 100, 300),
    ("swap", "1 2 3", "SWAP1 SWAP1", 100, 300),
    ("jumpdest", "", "JUMPDEST", 100, 300),
    ("add", "", "DUP1 DUP1 ADD POP", 100, 300),
    ("mul", "", "DUP1 DUP1 MUL POP", 100, 300),
    ("div", "", "DUP1 DUP1 DIV POP", 100, 300),
    ("sdiv", "", "2 PUSH0 NOT SDIV POP", 100, 300),
    ("mod", "", "DUP1 DUP1 MOD POP", 100, 300),
    ("smod", "", "3 PUSH0 NOT SMOD POP", 100, 300),
    ("addmod", "", "7 DUP2 DUP3 ADDMOD POP", 100, 300),
    ("mulmod", "", "7 DUP2 DUP3 MULMOD POP", 100, 300),
    ("exp 0", "", "0 2 EXP POP", 100, 300),
    ("exp 1 byte", "", "255 3 EXP POP", 100, 300),
    ("exp 32 bytes", "", "PUSH0 NOT 3 EXP POP", 20, 60),
    ("signextend", "", "DUP1 1 SIGNEXTEND POP", 100, 300),
    ("signextend big", "", "DUP1 NOT 31 SIGNEXTEND POP", 100, 300),
    ("lt", "", "DUP1 DUP1 LT POP", 100, 300),
    ("slt", "", "DUP1 DUP1 SLT POP", 100, 300),
    ("sgt neg", "", "PUSH0 NOT DUP2 SGT POP", 100, 300),
    ("eq", "", "DUP1 DUP1 EQ POP", 100, 300),
    ("iszero", "", "DUP1 ISZERO POP", 100, 300),
    ("and", "", "DUP1 DUP1 AND POP", 100, 300),
    ("not", "", "DUP1 NOT POP", 100, 300),
    ("byte", "", "DUP1 31 BYTE POP", 100, 300),
    ("shl", "", "DUP1 3 SHL POP", 100, 300),
    ("shr", "", "DUP1 3 SHR POP", 100, 300),
    ("sar", "", "DUP1 3 SAR POP", 100, 300),
    ("sar neg", "", "PUSH0 NOT 255 SAR POP", 100, 300),
    ("keccak 0", "", "0 0 KECCAK256 POP", 100, 300),
    ("keccak 32", "", "32 0 KECCAK256 POP", 100, 300),
    ("keccak 136", "", "136 0 KECCAK256 POP", 100, 300),
    ("keccak 1360", "", "1360 0 KECCAK256 POP", 100, 300),
    ("address", "", "ADDRESS POP", 100, 300),
    ("balance warm", "", "ADDRESS BALANCE POP", 100, 300),
    ("balance cold missing", "", "DUP1 BALANCE POP", 1000, 1200),
    ("origin", "", "ORIGIN POP", 100, 300),
    ("caller", "", "CALLER POP", 100, 300),
    ("callvalue", "", "CALLVALUE POP", 100, 300),
    ("calldataload", "", "0 CALLDATALOAD POP", 100, 300),
    ("calldatasize", "", "CALLDATASIZE POP", 100, 300),
    ("calldatacopy 0", "", "0 0 0 CALLDATACOPY", 100, 300),
    ("calldatacopy 32", "", "32 0 0 CALLDATACOPY", 100, 300),
    ("calldatacopy 3200", "", "3200 0 0 CALLDATACOPY", 10, 30),
    ("codesize", "", "CODESIZE POP", 100, 300),
    ("codecopy 32", "", "32 0 0 CODECOPY", 100, 300),
    ("codecopy 3200", "", "3200 0 0 CODECOPY", 10, 30),
    ("codecopy 3201 past end", "", "3201 1 1 CODECOPY", 10, 30),
    ("gasprice", "", "GASPRICE POP", 100, 300),
    ("extcodesize warm", "", "ADDRESS EXTCODESIZE POP", 100, 300),
    ("extcodecopy 0", "", "0 0 0 ADDRESS EXTCODECOPY", 100, 300),
    (
        "extcodecopy 3200",
        "",
        "3200 0 0 ADDRESS EXTCODECOPY",
        10,
        30,
    ),
    ("returndatasize", "", "RETURNDATASIZE POP", 100, 300),
    ("returndatacopy 0", "", "0 0 0 RETURNDATACOPY", 100, 300),
    (
        "returndatacopy 3200",
        "3200 0 0 0 4 GAS STATICCALL POP 0 0 3200 0 0 4 GAS CALL POP",
        "3200 0 0 RETURNDATACOPY",
        10,
        30,
    ),
    ("extcodehash warm", "", "ADDRESS EXTCODEHASH POP", 100, 300),
    ("blockhash", "", "0 BLOCKHASH POP", 100, 300),
    ("coinbase", "", "COINBASE POP", 100, 300),
    ("timestamp", "", "TIMESTAMP POP", 100, 300),
    ("number", "", "NUMBER POP", 100, 300),
    ("prevrandao", "", "DIFFICULTY POP", 100, 300),
    ("gaslimit", "", "GASLIMIT POP", 100, 300),
    ("chainid", "", "CHAINID POP", 100, 300),
    ("selfbalance", "", "SELFBALANCE POP", 100, 300),
    ("basefee", "", "BASEFEE POP", 100, 300),
    ("blobhash", "", "0 BLOBHASH POP", 100, 300),
    ("blobbasefee", "", "BLOBBASEFEE POP", 100, 300),
    ("mload", "", "0 MLOAD POP", 100, 300),
    ("mload expanding", "", "DUP1 32 MUL MLOAD POP", 100, 300),
    ("mstore", "", "0 0 MSTORE", 100, 300),
    ("mstore expanding", "", "0 DUP2 32 MUL MSTORE", 100, 300),
    ("mstore8", "", "0 0 MSTORE8", 100, 300),
    ("sload warm missing", "0 SLOAD POP", "0 SLOAD POP", 100, 300),
    ("sload cold missing", "", "DUP1 SLOAD POP", 1000, 1200),
    ("sstore same", "1 0 SSTORE", "1 0 SSTORE", 100, 300),
    ("sstore dirty", "1 0 SSTORE", "DUP1 0 SSTORE", 100, 300),
    ("sstore new", "", "DUP1 DUP1 SSTORE", 1000, 1200),
    (
        "sstore new and clear",
        "",
        "DUP1 DUP1 SSTORE 0 DUP2 SSTORE",
        1000,
        1200,
    ),
    ("pc", "", "PC POP", 100, 300),
    ("msize", "", "MSIZE POP", 100, 300),
    ("gas", "", "GAS POP", 100, 300),
    ("jump/jumpi not taken", "", "0 0 JUMPI", 100, 300),
    ("tload none", "", "0 TLOAD POP", 100, 300),
    ("tstore one", "", "DUP1 0 TSTORE", 100, 300),
    (
        "tstore new (list 100..300)",
        "",
        "DUP1 DUP1 TSTORE",
        100,
        300,
    ),
    (
        "tstore new (list 300..500)",
        "",
        "DUP1 DUP1 TSTORE",
        300,
        500,
    ),
    ("mcopy 0", "", "0 0 0 MCOPY", 100, 300),
    ("mcopy 32", "", "32 0 0 MCOPY", 100, 300),
    ("mcopy 3200 forward", "", "3200 0 1 MCOPY", 10, 30),
    ("mcopy 3200 backward", "", "3200 3200 0 MCOPY", 10, 30),
    ("mcopy 3200 overlap", "", "3200 0 64 MCOPY", 10, 30),
    ("log0 0", "", "0 0 LOG0", 100, 300),
    ("log4 0", "", "1 2 3 4 0 0 LOG4", 100, 300),
    ("log0 32", "", "32 0 LOG0", 100, 300),
    ("log0 3200", "", "3200 0 LOG0", 10, 30),
    (
        "call empty account",
        "",
        "0 0 0 0 0 1193046 GAS CALL POP",
        100,
        300,
    ),
    (
        "call new empty accounts 100..300",
        "",
        "0 0 0 0 0 DUP6 12345678 ADD GAS CALL POP",
        100,
        300,
    ),
    (
        "call new empty accounts 300..500",
        "",
        "0 0 0 0 0 DUP6 12345678 ADD GAS CALL POP",
        300,
        500,
    ),
    (
        "call value to new accounts 100..200",
        "",
        "0 0 0 0 1 DUP6 12345678 ADD GAS CALL POP",
        100,
        200,
    ),
    (
        "call value to new accounts 200..300",
        "",
        "0 0 0 0 1 DUP6 12345678 ADD GAS CALL POP",
        200,
        300,
    ),
    (
        "call self depth",
        "",
        "0 0 0 0 0 ADDRESS 0 CALL POP",
        100,
        300,
    ),
    ("call callee", "", "0 0 0 0 0 CALLEE GAS CALL POP", 100, 300),
    (
        "call callee args 3200 ret 3200",
        "",
        "3200 0 3200 0 0 CALLEE GAS CALL POP",
        10,
        30,
    ),
    (
        "delegatecall callee",
        "",
        "0 0 0 0 CALLEE GAS DELEGATECALL POP",
        100,
        300,
    ),
    (
        "staticcall callee",
        "",
        "0 0 0 0 CALLEE GAS STATICCALL POP",
        100,
        300,
    ),
    (
        "callcode callee",
        "",
        "0 0 0 0 0 CALLEE GAS CALLCODE POP",
        100,
        300,
    ),
    ("create empty 20..60", "", "0 0 0 CREATE POP", 20, 60),
    ("create empty 60..100", "", "0 0 0 CREATE POP", 60, 100),
    ("create2 empty", "", "DUP1 0 0 0 CREATE2 POP", 20, 60),
    (
        "create initcode 3200 zeros",
        "",
        "3200 0 0 CREATE POP",
        4,
        8,
    ),
    (
        "create deploying 1000 zeros",
        "109 0 MSTORE8 1 0 MSTORE 0 0 MSTORE 43961552 224 SHL 0 MSTORE",
        "0 0 MSTORE 435709136627 216 SHL 0 MSTORE 5 0 0 CREATE POP",
        4,
        8,
    ),
    (
        "precompile ecrecover bad",
        "",
        "0 0 128 0 1 GAS STATICCALL POP",
        4,
        8,
    ),
    (
        "precompile sha256 0",
        "",
        "0 0 0 0 2 GAS STATICCALL POP",
        4,
        8,
    ),
    (
        "precompile sha256 640",
        "",
        "0 0 640 0 2 GAS STATICCALL POP",
        4,
        8,
    ),
    (
        "precompile ripemd 0",
        "",
        "0 0 0 0 3 GAS STATICCALL POP",
        4,
        8,
    ),
    (
        "precompile ripemd 640",
        "",
        "0 0 640 0 3 GAS STATICCALL POP",
        4,
        8,
    ),
    (
        "precompile identity 0",
        "",
        "0 0 0 0 4 GAS STATICCALL POP",
        4,
        8,
    ),
    (
        "precompile identity 3200",
        "",
        "0 0 3200 0 4 GAS STATICCALL POP",
        4,
        8,
    ),
    (
        "precompile modexp empty",
        "",
        "0 0 0 0 5 GAS STATICCALL POP",
        4,
        8,
    ),
    (
        "precompile bn add zero",
        "",
        "0 0 128 0 6 GAS STATICCALL POP",
        4,
        8,
    ),
    (
        "precompile bn add",
        "1 0 MSTORE 2 32 MSTORE 1 64 MSTORE 2 96 MSTORE",
        "0 0 128 0 6 GAS STATICCALL POP",
        4,
        8,
    ),
    (
        "precompile bn mul",
        "1 0 MSTORE 2 32 MSTORE 0 NOT 64 MSTORE",
        "0 0 96 0 7 GAS STATICCALL POP",
        4,
        8,
    ),
    (
        "precompile pairing 0",
        "",
        "0 0 0 0 8 GAS STATICCALL POP",
        1,
        2,
    ),
    (
        "precompile pairing 1 zero",
        "",
        "0 0 192 0 8 GAS STATICCALL POP",
        1,
        2,
    ),
    (
        "precompile pairing 1",
        PAIR,
        "0 0 192 0 8 GAS STATICCALL POP",
        1,
        2,
    ),
    (
        "precompile pairing 2",
        PAIRS,
        "0 0 384 0 8 GAS STATICCALL POP",
        1,
        2,
    ),
    (
        "precompile blake2f 0 rounds",
        "1 212 MSTORE8",
        "0 0 213 0 9 GAS STATICCALL POP",
        4,
        8,
    ),
    (
        "precompile blake2f 12 rounds",
        "12 3 MSTORE8 1 212 MSTORE8",
        "0 0 213 0 9 GAS STATICCALL POP",
        4,
        8,
    ),
    (
        "precompile kzg bad",
        "",
        "0 0 192 0 10 100000 STATICCALL POP",
        4,
        8,
    ),
];

/// The generators of both groups.
const PAIR: &str = "1 0 MSTORE 2 32 MSTORE 11559732032986387107991004021392285783925812861821192530917403151452391805634 64 MSTORE 10857046999023057135944570762232829481370756359578518086990519993285655852781 96 MSTORE 4082367875863433681332203403145435568316851327593401208105741076214120093531 128 MSTORE 8495653923123431417604973247489272438418190587263600148770280649306958101930 160 MSTORE";
const PAIRS: &str = "1 0 MSTORE 2 32 MSTORE 11559732032986387107991004021392285783925812861821192530917403151452391805634 64 MSTORE 10857046999023057135944570762232829481370756359578518086990519993285655852781 96 MSTORE 4082367875863433681332203403145435568316851327593401208105741076214120093531 128 MSTORE 8495653923123431417604973247489272438418190587263600148770280649306958101930 160 MSTORE 192 0 192 MCOPY";

/// (name, code of the callee, body, few, many)
const CALLS: &[(&str, &str, u16, u16)] = &[
    ("callee reverts", "0 0 REVERT", 20, 60),
    ("callee faults", "INVALID", 20, 60),
    ("callee returns 3200", "3200 0 RETURN", 4, 8),
    (
        "callee sstores and reverts",
        "TIMESTAMP GAS SSTORE 0 0 REVERT",
        20,
        60,
    ),
    (
        "callee sstores 10 and reverts",
        "1 0 SSTORE 1 1 SSTORE 1 2 SSTORE 1 3 SSTORE 1 4 SSTORE 1 5 SSTORE 1 6 SSTORE 1 7 SSTORE 1 8 SSTORE 1 9 SSTORE 0 0 REVERT",
        20,
        60,
    ),
    (
        "callee tstores 10 and reverts",
        "1 0 TSTORE 1 1 TSTORE 1 2 TSTORE 1 3 TSTORE 1 4 TSTORE 1 5 TSTORE 1 6 TSTORE 1 7 TSTORE 1 8 TSTORE 1 9 TSTORE 0 0 REVERT",
        20,
        60,
    ),
    (
        "callee logs 10 and reverts",
        "0 0 LOG0 0 0 LOG0 0 0 LOG0 0 0 LOG0 0 0 LOG0 0 0 LOG0 0 0 LOG0 0 0 LOG0 0 0 LOG0 0 0 LOG0 0 0 REVERT",
        20,
        60,
    ),
    (
        "callee creates and reverts",
        "0 0 0 CREATE 0 0 REVERT",
        20,
        60,
    ),
    (
        "callee creates 2 and reverts",
        "0 0 0 CREATE 0 0 0 CREATE 0 0 REVERT",
        20,
        60,
    ),
    (
        "callee creates 2 with value and reverts",
        "0 0 1 CREATE 0 0 1 CREATE 0 0 REVERT",
        20,
        60,
    ),
    (
        "callee calls 2 with value and reverts",
        "0 0 0 0 1 GAS GAS CALL 0 0 0 0 1 GAS GAS CALL 0 0 REVERT",
        20,
        60,
    ),
    (
        "callee sloads 10 cold and reverts",
        "0 SLOAD 1 SLOAD 2 SLOAD 3 SLOAD 4 SLOAD 5 SLOAD 6 SLOAD 7 SLOAD 8 SLOAD 9 SLOAD 0 0 REVERT",
        20,
        60,
    ),
    (
        "callee balances 10 cold and reverts",
        "100 BALANCE 101 BALANCE 102 BALANCE 103 BALANCE 104 BALANCE 105 BALANCE 106 BALANCE 107 BALANCE 108 BALANCE 109 BALANCE 0 0 REVERT",
        20,
        60,
    ),
    ("callee selfdestructs", "GAS SELFDESTRUCT", 20, 60),
    (
        "callee selfdestructs to itself",
        "ADDRESS SELFDESTRUCT",
        20,
        60,
    ),
    (
        "created contract selfdestructs",
        "13055 0 MSTORE 2 30 0 CREATE STOP",
        20,
        60,
    ),
];

fn calls(only: &str) -> Result<()> {
    let body = "0 0 0 0 0 CALLEE GAS CALL POP";
    for (name, callee, few, many) in CALLS {
        if !name.contains(only) {
            continue;
        }
        let mut probe = Probe::call(looping("", body, *few));
        probe.callee = assemble(callee).into();
        if callee.contains("INVALID") {
            probe.code = looping("", &body.replace("GAS", "1000"), *few);
        }
        let a = probe.run();
        probe.code = looping("", body, *many);
        if callee.contains("INVALID") {
            probe.code = looping("", &body.replace("GAS", "1000"), *many);
        }
        match (a, probe.run()) {
            (Ok(a), Ok(b)) => {
                let over = f64::from(many - few);
                let gas = (b.gas as f64 - a.gas as f64) / over;
                let bound = (b.bound as f64 - a.bound as f64) / over;
                let note = if b.success { "" } else { "  (fails)" };
                print(name, gas, difference(a.work, b.work, over), bound, note);
            }
            (Err(error), _) | (_, Err(error)) => println!("{name}: {error}"),
        }
    }
    Ok(())
}

fn whole(name: &str, probe: &Probe) {
    match probe.run() {
        Ok(outcome) => {
            let note = if outcome.success { "" } else { "  (fails)" };
            let work = difference(Work::default(), outcome.work, 1.0);
            print(name, outcome.gas as f64, work, outcome.bound as f64, note);
        }
        Err(error) => println!("{name}: {error}"),
    }
}

/// Parts whose cost depends on more than a loop can show.
fn others() -> Result<()> {
    for accounts in [0, 10, 100, 1000, 10_000, 100_000] {
        let mut probe = Probe::call(Bytes::from_static(&[0]));
        probe.accounts = accounts;
        whole(&format!("state of {accounts} accounts"), &probe);
        probe.transactions = 2;
        whole(
            &format!("state of {accounts} accounts, 2 transactions"),
            &probe,
        );
        probe.transactions = 10;
        whole(
            &format!("state of {accounts} accounts, 10 transactions"),
            &probe,
        );
        probe.transactions = 1;
        probe.code = looping("", "DUP1 999 ADD BALANCE POP", 10);
        whole(&format!("state of {accounts} accounts, 10 read"), &probe);
        probe.code = looping("", "0 0 0 0 1 DUP6 999 ADD GAS CALL POP", 10);
        whole(&format!("state of {accounts} accounts, 10 written"), &probe);
    }
    for slots in [0, 10, 100, 1000, 10_000, 100_000] {
        let mut probe = Probe::call(looping("", "DUP1 SLOAD POP", 10));
        probe.slots = slots;
        whole(&format!("storage of {slots} slots, 10 read"), &probe);
        probe.code = looping("", "DUP1 DUP1 SSTORE", 10);
        whole(&format!("storage of {slots} slots, 10 written"), &probe);
        probe.code = looping("", "0 DUP2 SSTORE", 10);
        whole(&format!("storage of {slots} slots, 10 cleared"), &probe);
    }
    for (length, exponent, byte) in [
        (1, 1, 255),
        (16, 16, 255),
        (32, 32, 255),
        (32, 32, 1),
        (64, 32, 255),
        (128, 32, 255),
        (256, 32, 255),
        (256, 3, 255),
        (1024, 1, 255),
    ] {
        let mut data = Vec::new();
        for part in [length, exponent, length] {
            data.extend(U256::from(part).to_be_bytes::<32>());
        }
        data.extend(vec![0xfe; length]);
        data.extend(vec![byte; exponent]);
        data.extend(vec![0xff; length]);
        let mut probe = Probe::call(Bytes::new());
        probe.to = TxKind::Call(Address::with_last_byte(5));
        probe.data = data.into();
        whole(
            &format!("modexp of {length} bytes, exponent {exponent} of {byte}"),
            &probe,
        );
    }
    let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(1))?;
    let hash = B256::repeat_byte(9);
    let signature = signer.sign_hash_sync(&hash)?;
    let mut probe = Probe::call(Bytes::new());
    probe.to = TxKind::Call(Address::with_last_byte(1));
    let mut data = hash.to_vec();
    data.extend(U256::from(27 + u8::from(signature.v())).to_be_bytes::<32>());
    data.extend(signature.r().to_be_bytes::<32>());
    data.extend(signature.s().to_be_bytes::<32>());
    probe.data = data.into();
    whole("ecrecover", &probe);
    // No 32 bytes without a PUSH that might reach beyond: every proof walks from the beginning.
    for size in [1000usize, 10_000] {
        let mut code = vec![0x61];
        code.extend((size as u16).to_be_bytes());
        code.push(0x56);
        while code.len() < size {
            code.extend([0x60, 0x7f]);
        }
        code.extend([0x5b, 0x00]);
        let mut probe = Probe::call(code.into());
        whole(&format!("jump over {size} bytes of PUSH1"), &probe);
        let mut code = vec![0x61];
        code.extend((size as u16 - 3).to_be_bytes());
        code.push(0x56);
        while code.len() < size - 33 {
            code.extend([0x60, 0x7f]);
        }
        code.push(0x7f);
        code.resize(size + 100, 0x5b);
        probe.code = code.into();
        whole(
            &format!("invalid jump over {size} bytes into PUSH32"),
            &probe,
        );
    }
    Ok(())
}

fn loops(only: &str) -> Result<()> {
    let mut base = None;
    for (name, setup, body, few, many) in LOOPS {
        if !only.is_empty() && *few != 0 && *name != "nothing" && !name.contains(only) {
            continue;
        }
        let outcome = (|| {
            let mut probe = Probe::call(looping(setup, body, *few));
            probe.callee = Bytes::from_static(&[0]);
            let a = probe.run()?;
            probe.code = looping(setup, body, *many);
            Ok::<_, Box<dyn std::error::Error>>((a, probe.run()?))
        })();
        let (a, b) = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                println!("{name}: {error}");
                continue;
            }
        };
        let over = f64::from(many - few);
        let mut per = difference(a.work, b.work, over);
        let mut gas = (b.gas as f64 - a.gas as f64) / over;
        let mut bound = (b.bound as f64 - a.bound as f64) / over;
        match &base {
            None => base = Some((per, gas, bound)),
            Some((base, base_gas, base_bound)) => {
                per = std::array::from_fn(|i| per[i] - base[i]);
                gas -= base_gas;
                bound -= base_bound;
            }
        }
        let note = if b.success { "" } else { "  (fails)" };
        print(name, gas, per, bound, note);
    }
    Ok(())
}

fn transactions() -> Result<()> {
    let stop = || Probe::call(Bytes::from_static(&[0]));
    let whole = |name: &str, probe: Probe| whole(name, &probe);
    let mut transfer = stop();
    transfer.to = TxKind::Call(Address::repeat_byte(0x42));
    whole("transaction: to nobody", transfer);
    whole("transaction: code STOP", stop());
    for size in [32, 1000, 10_000, 60_000] {
        for byte in [0, 1, 0x80, 0xff] {
            let mut probe = stop();
            probe.data = vec![byte; size].into();
            whole(&format!("transaction: {size} bytes {byte}"), probe);
        }
    }
    for (addresses, slots) in [(1, 0), (100, 0), (1, 100), (10, 100)] {
        let mut probe = stop();
        probe.access_list = AccessList(
            (0..addresses)
                .map(|index: u64| AccessListItem {
                    address: Address::left_padding_from(&((index + 1) << 20).to_be_bytes()),
                    storage_keys: (0..slots)
                        .map(|slot: u64| B256::from(U256::from(slot)))
                        .collect(),
                })
                .collect(),
        );
        whole(
            &format!("transaction: access list {addresses} x {slots}"),
            probe,
        );
    }
    for size in [100, 1000, 10_000, 24_000] {
        for byte in [0x00, 0x5b, 0x60] {
            let mut code = vec![byte; size];
            code[0] = 0;
            whole(
                &format!("transaction: callee {size} bytes {byte:#x}"),
                Probe::call(code.into()),
            );
        }
    }
    for size in [0, 100, 10_000, 49_000] {
        let mut probe = stop();
        probe.to = TxKind::Create;
        probe.data = vec![0; size].into();
        whole(&format!("transaction: create, init code {size}"), probe);
    }
    for size in [1_000, 10_000, 24_576] {
        let mut probe = stop();
        probe.to = TxKind::Create;
        probe.data = assemble(&format!("{size} 0 RETURN")).into();
        whole(&format!("transaction: create, code {size} zeros"), probe);
    }
    for size in [100, 10_000, 24_000] {
        let mut code = assemble(&format!("{} JUMP", size - 1));
        code.resize(size, 0x5b);
        whole(
            &format!("transaction: jump over {size} jumpdests"),
            Probe::call(code.into()),
        );
        let mut code = assemble(&format!("{} JUMP", size - 1));
        code.resize(size, 0x7f);
        whole(
            &format!("transaction: invalid jump over {size} pushes"),
            Probe::call(code.into()),
        );
    }
    for size in [30_000usize, 48_000] {
        let mut probe = stop();
        probe.to = TxKind::Create;
        let mut code = assemble(&format!("{} JUMP", size - 1));
        code.resize(size, 0x5b);
        probe.data = code.into();
        whole(
            &format!("transaction: create, init code jumps over {size}"),
            probe,
        );
    }
    Ok(())
}

fn main() -> Result<()> {
    let only = std::env::args().nth(1).unwrap_or_default();
    match only.as_str() {
        "transactions" => transactions(),
        "others" => others(),
        "calls" => calls(""),
        "" => {
            transactions()?;
            others()?;
            calls("")?;
            loops("")
        }
        only => {
            calls(only)?;
            loops(only)
        }
    }
}
