//! Small contracts that exercise one thing each. All are part of the corpus chain's genesis.

use alloy::primitives::{Address, Bytes, address};

use super::assembly::assemble;

/// A contract: where it is, and its program.
struct Contract(Address, &'static str);

/// Writes each pair of words in its data as slot and value.
pub const STORAGE: Address = address!("0x0000000000000000000000000000000000001001");
const STORAGE_PROGRAM: &str = "
    0
    next: DUP1 CALLDATASIZE GT ISZERO @end JUMPI
    DUP1 32 ADD CALLDATALOAD DUP2 CALLDATALOAD SSTORE
    64 ADD @next JUMP
    end: STOP";

/// Reverts with its data.
pub const REVERTER: Address = address!("0x0000000000000000000000000000000000001002");
const REVERTER_PROGRAM: &str = "CALLDATASIZE 0 0 CALLDATACOPY CALLDATASIZE 0 REVERT";

/// Never ends.
pub const LOOP: Address = address!("0x0000000000000000000000000000000000001003");
const LOOP_PROGRAM: &str = "start: @start JUMP";

/// Runs its data as init code: by CREATE if it is called without value, else by CREATE2 with the salt 7. Logs
/// the address and the size of what was returned.
pub const FACTORY: Address = address!("0x0000000000000000000000000000000000001004");
const FACTORY_PROGRAM: &str = "
    CALLDATASIZE 0 0 CALLDATACOPY
    CALLVALUE @salted JUMPI
    CALLDATASIZE 0 CALLVALUE CREATE @log JUMP
    salted: 7 CALLDATASIZE 0 CALLVALUE CREATE2
    log: 0 MSTORE RETURNDATASIZE 32 MSTORE 64 0 LOG0 STOP";

/// Logs what block, transaction and account tell, and stores its hash.
pub const ENVIRONMENT: Address = address!("0x0000000000000000000000000000000000001005");
const ENVIRONMENT_PROGRAM: &str = "
    NUMBER 0 MSTORE TIMESTAMP 32 MSTORE COINBASE 64 MSTORE PREVRANDAO 96 MSTORE
    GASLIMIT 128 MSTORE CHAINID 160 MSTORE BASEFEE 192 MSTORE BLOBBASEFEE 224 MSTORE
    0 BLOBHASH 256 MSTORE 1 BLOBHASH 288 MSTORE GASPRICE 320 MSTORE ORIGIN 352 MSTORE
    CALLER 384 MSTORE CALLVALUE 416 MSTORE ADDRESS 448 MSTORE SELFBALANCE 480 MSTORE
    CODESIZE 512 MSTORE CALLDATASIZE 544 MSTORE PC 576 MSTORE MSIZE 608 MSTORE
    GAS 640 MSTORE COINBASE BALANCE 672 MSTORE 0 BLOCKHASH 704 MSTORE
    1 NUMBER SUB BLOCKHASH 736 MSTORE 2 NUMBER SUB BLOCKHASH 768 MSTORE
    NUMBER BLOCKHASH 800 MSTORE 1 NUMBER ADD BLOCKHASH 832 MSTORE
    257 NUMBER SUB BLOCKHASH 864 MSTORE
    896 0 KECCAK256 0 SSTORE
    896 0 LOG0 STOP";

/// Calls itself until the gas is used up; logs at each level.
pub const DEEP: Address = address!("0x0000000000000000000000000000000000001006");
const DEEP_PROGRAM: &str = "
    1 0 SLOAD ADD 0 SSTORE
    0 0 0 0 0 ADDRESS GAS CALL
    0 MSTORE 32 0 LOG0 STOP";

/// Transient storage across calls of itself: one that returns, one that reverts, one that may not write.
pub const TRANSIENT: Address = address!("0x0000000000000000000000000000000000001007");
const TRANSIENT_PROGRAM: &str = "
    CALLDATASIZE @inner JUMPI
    42 1 TSTORE
    0 0 1 0 0 ADDRESS 50000 CALL 0 MSTORE
    1 TLOAD 32 MSTORE
    0 0 2 0 0 ADDRESS 50000 CALL 64 MSTORE
    1 TLOAD 96 MSTORE
    0 0 1 0 ADDRESS 50000 STATICCALL 128 MSTORE
    1 TLOAD 160 MSTORE
    192 0 LOG0 STOP
    inner: 1 1 TLOAD ADD 1 TSTORE
    CALLDATASIZE 1 EQ @ok JUMPI 0 0 REVERT
    ok: STOP";

/// Copies its data over itself in memory; logs the memory.
pub const MCOPY: Address = address!("0x0000000000000000000000000000000000001008");
const MCOPY_PROGRAM: &str = "
    CALLDATASIZE 0 0 CALLDATACOPY
    CALLDATASIZE 0 1 MCOPY
    CALLDATASIZE 3 0 MCOPY
    32 5 200 MCOPY
    0 5000 6000 MCOPY
    MSIZE 0 LOG0 STOP";

/// Destroys itself in favour of the address in its data.
pub const DESTRUCTIBLE: Address = address!("0x0000000000000000000000000000000000001009");
const DESTRUCTIBLE_PROGRAM: &str = "0 CALLDATALOAD SELFDESTRUCT";

/// Calls `data[1..21]` with `data[21..]` and its value, in the way `data[0]` (0 CALL, 1 CALLCODE, 2 DELEGATECALL,
/// 3 STATICCALL); logs what is returned, under success and way.
pub const FORWARDER: Address = address!("0x000000000000000000000000000000000000100a");
const FORWARDER_PROGRAM: &str = "
    21 CALLDATASIZE SUB 21 0 CALLDATACOPY
    0 CALLDATALOAD 0 BYTE
    DUP1 1 EQ @callcode JUMPI
    DUP1 2 EQ @delegatecall JUMPI
    DUP1 3 EQ @staticcall JUMPI
    0 0 21 CALLDATASIZE SUB 0 CALLVALUE 1 CALLDATALOAD 96 SHR GAS CALL @log JUMP
    callcode: 0 0 21 CALLDATASIZE SUB 0 CALLVALUE 1 CALLDATALOAD 96 SHR GAS CALLCODE @log JUMP
    delegatecall: 0 0 21 CALLDATASIZE SUB 0 1 CALLDATALOAD 96 SHR GAS DELEGATECALL @log JUMP
    staticcall: 0 0 21 CALLDATASIZE SUB 0 1 CALLDATALOAD 96 SHR GAS STATICCALL
    log: RETURNDATASIZE 0 0 RETURNDATACOPY RETURNDATASIZE 0 LOG2 STOP";

/// Stores caller, value, itself and origin; shows whose storage a call writes.
pub const SELF_PORTRAIT: Address = address!("0x000000000000000000000000000000000000100b");
const SELF_PORTRAIT_PROGRAM: &str =
    "CALLER 0 SSTORE CALLVALUE 1 SSTORE ADDRESS 2 SSTORE ORIGIN 3 SSTORE STOP";

/// Sets, clears and restores slots. Slots 0 to 3 hold 1 at genesis.
pub const REFUNDS: Address = address!("0x000000000000000000000000000000000000100c");
const REFUNDS_PROGRAM: &str = "
    2 0 SSTORE 1 0 SSTORE
    0 1 SSTORE
    5 2 SSTORE 0 2 SSTORE
    0 3 SSTORE 3 3 SSTORE
    9 7 SSTORE 0 7 SSTORE
    8 8 SSTORE STOP";

/// Every arithmetic instruction on the words of its data; logs the results.
pub const ARITHMETIC: Address = address!("0x000000000000000000000000000000000000100d");
const ARITHMETIC_PROGRAM: &str = "
    32 CALLDATALOAD 0 CALLDATALOAD ADD 0 MSTORE
    32 CALLDATALOAD 0 CALLDATALOAD MUL 32 MSTORE
    32 CALLDATALOAD 0 CALLDATALOAD SUB 64 MSTORE
    32 CALLDATALOAD 0 CALLDATALOAD DIV 96 MSTORE
    32 CALLDATALOAD 0 CALLDATALOAD SDIV 128 MSTORE
    32 CALLDATALOAD 0 CALLDATALOAD MOD 160 MSTORE
    32 CALLDATALOAD 0 CALLDATALOAD SMOD 192 MSTORE
    64 CALLDATALOAD 32 CALLDATALOAD 0 CALLDATALOAD ADDMOD 224 MSTORE
    64 CALLDATALOAD 32 CALLDATALOAD 0 CALLDATALOAD MULMOD 256 MSTORE
    32 CALLDATALOAD 0 CALLDATALOAD EXP 288 MSTORE
    32 CALLDATALOAD 0 CALLDATALOAD SIGNEXTEND 320 MSTORE
    32 CALLDATALOAD 0 CALLDATALOAD LT 352 MSTORE
    32 CALLDATALOAD 0 CALLDATALOAD SGT 384 MSTORE
    32 CALLDATALOAD 0 CALLDATALOAD XOR NOT 416 MSTORE
    32 CALLDATALOAD 0 CALLDATALOAD BYTE 448 MSTORE
    32 CALLDATALOAD 0 CALLDATALOAD SHL 480 MSTORE
    32 CALLDATALOAD 0 CALLDATALOAD SHR 512 MSTORE
    32 CALLDATALOAD 0 CALLDATALOAD SAR 544 MSTORE
    576 0 LOG0 STOP";

/// Jumps to where no JUMPDEST is.
pub const BAD_JUMP: Address = address!("0x000000000000000000000000000000000000100e");
/// Takes from an empty stack.
pub const UNDERFLOW: Address = address!("0x000000000000000000000000000000000000100f");
/// Pushes until the stack is full.
pub const OVERFLOW: Address = address!("0x0000000000000000000000000000000000001010");
/// The designated invalid instruction.
pub const INVALID: Address = address!("0x0000000000000000000000000000000000001011");
/// An opcode that Cancun does not have.
pub const UNDEFINED: Address = address!("0x0000000000000000000000000000000000001012");

/// Logs size, hash, balance and the first 40 bytes of the code at the address in its data.
pub const INSPECTOR: Address = address!("0x0000000000000000000000000000000000001013");
const INSPECTOR_PROGRAM: &str = "
    0 CALLDATALOAD EXTCODESIZE 0 MSTORE
    0 CALLDATALOAD EXTCODEHASH 32 MSTORE
    0 CALLDATALOAD BALANCE 64 MSTORE
    40 0 96 0 CALLDATALOAD EXTCODECOPY
    136 0 LOG0 STOP";

/// Logs its data with 0 to 4 topics.
pub const LOGGER: Address = address!("0x0000000000000000000000000000000000001014");
const LOGGER_PROGRAM: &str = "
    CALLDATASIZE 0 0 CALLDATACOPY
    CALLDATASIZE 0 LOG0
    11 CALLDATASIZE 0 LOG1
    22 21 CALLDATASIZE 0 LOG2
    33 32 31 CALLDATASIZE 0 LOG3
    44 43 42 41 CALLDATASIZE 0 LOG4 STOP";

/// Copies return data from beyond its end.
pub const BEYOND_RETURN_DATA: Address = address!("0x0000000000000000000000000000000000001015");

/// Runs its data as commands of three bytes (code, a, b):
///
/// | code | does |
/// |---|---|
/// | 0 | stores b in slot a |
/// | 1 | logs slot a |
/// | 2 | adds b to transient slot a |
/// | 3 | CREATE2, with salt a and b wei, of a child that destroys itself when it is called |
/// | 4 | calls the other playground with the rest of the commands and b wei, then stops |
/// | 5 | destroys itself in favour of address a |
/// | 6 | reverts |
/// | 7 | calls the last child |
/// | 8 | hashes a bytes of memory, copies b bytes, logs |
/// | else | stops |
pub const PLAYGROUND: Address = address!("0x0000000000000000000000000000000000001016");
/// As [`PLAYGROUND`]: the other one.
pub const OTHER_PLAYGROUND: Address = address!("0x0000000000000000000000000000000000001017");
const PLAYGROUND_PROGRAM: &str = "
    // memory 0: position; 32: a; 64: b; 96: scratch
    next:
    0 MLOAD CALLDATASIZE GT ISZERO @end JUMPI
    0 MLOAD CALLDATALOAD
    DUP1 1 BYTE 32 MSTORE
    DUP1 2 BYTE 64 MSTORE
    0 BYTE
    0 MLOAD 3 ADD 0 MSTORE
    DUP1 0 EQ @store JUMPI
    DUP1 1 EQ @log JUMPI
    DUP1 2 EQ @transient JUMPI
    DUP1 3 EQ @create JUMPI
    DUP1 4 EQ @call JUMPI
    DUP1 5 EQ @destroy JUMPI
    DUP1 6 EQ @revert JUMPI
    DUP1 7 EQ @child JUMPI
    DUP1 8 EQ @memory JUMPI
    end: STOP
    store: POP 64 MLOAD 32 MLOAD SSTORE @next JUMP
    log: POP 32 MLOAD SLOAD 96 MSTORE 32 MLOAD 32 96 LOG1 @next JUMP
    transient: POP 32 MLOAD TLOAD 64 MLOAD ADD 32 MLOAD TSTORE @next JUMP
    // Init code: CALLVALUE 1 SSTORE, then returns the code CALLER SELFDESTRUCT.
    create: POP 0x346001556133ff5f526002601ef3 96 MSTORE
    32 MLOAD 14 114 64 MLOAD CREATE2 255 SSTORE @next JUMP
    call: POP 0 MLOAD CALLDATASIZE SUB 96 MSTORE
    96 MLOAD 0 MLOAD 128 CALLDATACOPY
    0 0 96 MLOAD 128 64 MLOAD 1 ADDRESS XOR 2 GAS DIV CALL
    96 MSTORE 2 32 96 LOG1 STOP
    destroy: POP 32 MLOAD SELFDESTRUCT
    revert: 32 32 REVERT
    child: POP 0 0 0 0 0 255 SLOAD GAS CALL 254 SSTORE @next JUMP
    memory: POP 32 MLOAD 0 KECCAK256 96 MSTORE
    64 MLOAD 96 130 MCOPY
    3 64 96 LOG1 @next JUMP";

const CONTRACTS: &[Contract] = &[
    Contract(STORAGE, STORAGE_PROGRAM),
    Contract(REVERTER, REVERTER_PROGRAM),
    Contract(LOOP, LOOP_PROGRAM),
    Contract(FACTORY, FACTORY_PROGRAM),
    Contract(ENVIRONMENT, ENVIRONMENT_PROGRAM),
    Contract(DEEP, DEEP_PROGRAM),
    Contract(TRANSIENT, TRANSIENT_PROGRAM),
    Contract(MCOPY, MCOPY_PROGRAM),
    Contract(DESTRUCTIBLE, DESTRUCTIBLE_PROGRAM),
    Contract(FORWARDER, FORWARDER_PROGRAM),
    Contract(SELF_PORTRAIT, SELF_PORTRAIT_PROGRAM),
    Contract(REFUNDS, REFUNDS_PROGRAM),
    Contract(ARITHMETIC, ARITHMETIC_PROGRAM),
    Contract(BAD_JUMP, "3 JUMP"),
    Contract(UNDERFLOW, "ADD"),
    Contract(OVERFLOW, "start: 1 @start JUMP"),
    Contract(INVALID, "INVALID"),
    Contract(INSPECTOR, INSPECTOR_PROGRAM),
    Contract(LOGGER, LOGGER_PROGRAM),
    Contract(BEYOND_RETURN_DATA, "1 0 0 RETURNDATACOPY"),
    Contract(PLAYGROUND, PLAYGROUND_PROGRAM),
    Contract(OTHER_PLAYGROUND, PLAYGROUND_PROGRAM),
];

/// All contracts with their codes.
pub fn all() -> Vec<(Address, Bytes)> {
    let assembled = CONTRACTS
        .iter()
        .map(|Contract(at, program)| (*at, assemble(program)));
    assembled
        .chain([(UNDEFINED, Bytes::from_static(&[0x0c]))])
        .collect()
}
