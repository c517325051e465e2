//! A program with what the other block does not execute.

use tern_integration::corpus::assembly::assemble;

/// All native instructions, with operands at their limits; hashes of one block, of two, and of lengths between which
/// the padding differs; precompiles, of which some compute in the field of BN254.
const PROGRAM: &str = "
    0 NOT POP PC POP MSIZE POP
    7 3 ADD POP 7 3 MUL POP 7 3 SUB POP 3 7 DIV POP 3 7 MOD POP
    7 5 3 ADDMOD POP 7 5 3 MULMOD POP
    7 3 LT POP 7 3 GT POP 7 3 EQ POP 7 7 EQ POP 0 ISZERO POP 7 ISZERO POP
    7 3 AND POP 7 3 OR POP 7 3 XOR POP 0x1234 30 BYTE POP 0x1234 32 BYTE POP
    7 3 SHL POP 7 3 SHR POP
    // By zero, and by too much.
    0 7 DIV POP 0 7 MOD POP 0 5 3 ADDMOD POP 0 5 3 MULMOD POP
    7 300 SHL POP 7 300 SHR POP 1 0x100000000 SHL POP 7 0x100000000 SHR POP
    0 NOT 0 NOT ADD POP 0 NOT 0 NOT MUL POP 7 3 SUB POP 0 NOT 7 0 NOT MULMOD POP
    0x1234567890abcdef1234567890abcdef 0x100000000 MUL 7 SWAP1 DIV POP
    1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 DUP16 SWAP16 POP POP POP POP POP POP POP POP POP
    POP POP POP POP POP POP POP POP
    0 @never JUMPI 1 @taken JUMPI never: INVALID taken: @on JUMP on:
    135 0 KECCAK256 POP 136 0 KECCAK256 POP 137 0 KECCAK256 POP 272 0 KECCAK256 POP
    0 0 KECCAK256 POP
    1 0 MSTORE 2 32 MSTORE 1 64 MSTORE 2 96 MSTORE
    64 128 128 0 6 GAS STATICCALL POP
    3 64 MSTORE 64 128 96 0 7 GAS STATICCALL POP
    32 128 64 0 2 GAS STATICCALL POP 32 128 64 0 4 GAS STATICCALL POP
    STOP";

pub(crate) fn code() -> Vec<u8> {
    assemble(PROGRAM).to_vec()
}
