//! Cycles of each instruction. Measured in loops, rounded up.

use revm::bytecode::opcode as op;

/// Set for instructions whose cost depends on more than their code; see [`super::inspector`].
pub(super) const DYNAMIC: u32 = 1 << 31;

/// Cycles to copy a word between memory, calldata, code and return data.
pub(super) const COPIED_WORD: u64 = 32;
/// Cycles to move a word within memory, where source and target may overlap.
pub(super) const MOVED_WORD: u64 = 42;
/// Cycles to hash 136 bytes, in rows of the Keccak table: 24 × 2^18 / 2^15.
pub(super) const HASHED_BLOCK: u64 = 192;
/// Cycles for each bit of EXP's exponent: 22 instructions, and 7 for each byte, rounded up.
pub(super) const EXPONENT_BIT: u64 = 25;
/// Cycles to log a byte: into the log, the receipt, and its encoding.
pub(super) const LOGGED_BYTE: u64 = 50;
/// Cycles of a topic: also the bloom filter.
pub(super) const TOPIC: u64 = 280;
/// Cycles to pass an entry of the list of touched addresses: 15 instructions, rounded up.
pub(super) const TOUCHED_ENTRY: u64 = 17;
/// Cycles to pass an entry of the transient storage.
pub(super) const TRANSIENT_ENTRY: u64 = 54;
/// Cycles to undo a transient store, beside the search.
pub(super) const TRANSIENT_UNDO: u64 = 250;
/// Cycles to pass an entry of the list of created contracts: 17 instructions, rounded up.
pub(super) const CREATED_ENTRY: u64 = 20;
/// Cycles to pass an entry of the list of destroyed contracts: 15 instructions, rounded up.
pub(super) const DESTROYED_ENTRY: u64 = 17;
/// Cycles that a transfer of value adds to a call.
pub(super) const VALUE: u64 = 2_000;

/// Hashing so many bytes.
pub(super) fn hashed(bytes: u64) -> u64 {
    (bytes / 136).saturating_add(1).saturating_mul(HASHED_BLOCK)
}

/// Copying so many bytes at so much a word.
pub(super) fn words(bytes: u64, cost: u64) -> u64 {
    bytes.div_ceil(32).saturating_mul(cost)
}

/// Cycles by instruction.
pub(super) static COSTS: [u32; 256] = table();

const fn table() -> [u32; 256] {
    // What has no entry ends the context.
    let mut costs = [1_200; 256];
    let entries: &[(u8, u8, u32)] = &[
        (op::STOP, op::STOP, 310),
        // Native instructions; arithmetic fills 2^17 rows, one or two a time, while 2^18 cycles pass.
        (op::ADD, op::SUB, 2),
        (op::DIV, op::DIV, 4),
        (op::SDIV, op::SDIV, 60),
        (op::MOD, op::MOD, 4),
        (op::SMOD, op::SMOD, 64),
        (op::ADDMOD, op::MULMOD, 4),
        (op::EXP, op::EXP, 80 | DYNAMIC),
        (op::SIGNEXTEND, op::SIGNEXTEND, 72),
        (op::LT, op::GT, 2),
        (op::SLT, op::SGT, 40),
        (op::EQ, op::ISZERO, 1),
        // 2^14 logic rows.
        (op::AND, op::XOR, 16),
        (op::NOT, op::NOT, 1),
        (op::BYTE, op::SHR, 4),
        (op::SAR, op::SAR, 52),
        (op::KECCAK256, op::KECCAK256, 110 | DYNAMIC),
        (op::ADDRESS, op::ADDRESS, 24),
        (op::BALANCE, op::BALANCE, 320 | DYNAMIC),
        (op::ORIGIN, op::CALLVALUE, 24),
        (op::CALLDATALOAD, op::CALLDATALOAD, 40),
        (op::CALLDATASIZE, op::CALLDATASIZE, 24),
        (op::CALLDATACOPY, op::CALLDATACOPY, 220 | DYNAMIC),
        (op::CODESIZE, op::CODESIZE, 24),
        (op::CODECOPY, op::CODECOPY, 300 | DYNAMIC),
        (op::GASPRICE, op::GASPRICE, 24),
        (op::EXTCODESIZE, op::EXTCODESIZE, 430 | DYNAMIC),
        (op::EXTCODECOPY, op::EXTCODECOPY, 610 | DYNAMIC),
        (op::RETURNDATASIZE, op::RETURNDATASIZE, 24),
        (op::RETURNDATACOPY, op::RETURNDATACOPY, 240 | DYNAMIC),
        (op::EXTCODEHASH, op::EXTCODEHASH, 640 | DYNAMIC),
        (op::BLOCKHASH, op::BLOCKHASH, 120),
        (op::COINBASE, op::CHAINID, 24),
        (op::SELFBALANCE, op::SELFBALANCE, 220),
        (op::BASEFEE, op::BASEFEE, 24),
        (op::BLOBHASH, op::BLOBBASEFEE, 60),
        (op::POP, op::POP, 1),
        (op::MLOAD, op::MSTORE8, 96),
        (op::SLOAD, op::SLOAD, 500 | DYNAMIC),
        (op::SSTORE, op::SSTORE, 1_500 | DYNAMIC),
        (op::JUMP, op::JUMPI, 2 | DYNAMIC),
        (op::PC, op::PC, 1),
        (op::MSIZE, op::GAS, 28),
        (op::JUMPDEST, op::JUMPDEST, 1),
        (op::TLOAD, op::TLOAD, 100 | DYNAMIC),
        (op::TSTORE, op::TSTORE, 220 | DYNAMIC),
        (op::MCOPY, op::MCOPY, 220 | DYNAMIC),
        (op::PUSH0, op::PUSH0, 1),
        // 2^16 rows of byte packing; long ones also read memory.
        (op::PUSH1, op::PUSH13, 4),
        (op::PUSH14, op::PUSH32, 9),
        (op::DUP1, op::SWAP16, 1),
        (op::LOG0, op::LOG4, 720 | DYNAMIC),
        (op::CREATE, op::CREATE, 7_020),
        (op::CALL, op::CALLCODE, 1_610 | DYNAMIC),
        (op::RETURN, op::RETURN, 430 | DYNAMIC),
        (op::DELEGATECALL, op::DELEGATECALL, 1_310 | DYNAMIC),
        (op::CREATE2, op::CREATE2, 7_330),
        (op::STATICCALL, op::STATICCALL, 1_310 | DYNAMIC),
        (op::REVERT, op::REVERT, 430 | DYNAMIC),
        (op::SELFDESTRUCT, op::SELFDESTRUCT, 3_100 | DYNAMIC),
    ];
    let mut index = 0;
    while index < entries.len() {
        let (first, last, cost) = entries[index];
        let mut code = first as usize;
        while code <= last as usize {
            costs[code] = cost;
            code += 1;
        }
        index += 1;
    }
    costs
}
