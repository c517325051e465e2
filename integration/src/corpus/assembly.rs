//! A tiny assembler for EVM code in tests.
//!
//! ```text
//! start:            a label: a JUMPDEST here
//! 0x20 7            numbers become the shortest PUSH
//! @start JUMP       pushes a label's position (always PUSH2)
//! CALLDATASIZE      everything else is an instruction
//! // until the end of the line: a comment
//! ```

use std::collections::HashMap;

use alloy::primitives::{Bytes, U256};

/// Instructions by name.
const INSTRUCTIONS: &[(&str, u8)] = &[
    ("STOP", 0x00),
    ("ADD", 0x01),
    ("MUL", 0x02),
    ("SUB", 0x03),
    ("DIV", 0x04),
    ("SDIV", 0x05),
    ("MOD", 0x06),
    ("SMOD", 0x07),
    ("ADDMOD", 0x08),
    ("MULMOD", 0x09),
    ("EXP", 0x0a),
    ("SIGNEXTEND", 0x0b),
    ("LT", 0x10),
    ("GT", 0x11),
    ("SLT", 0x12),
    ("SGT", 0x13),
    ("EQ", 0x14),
    ("ISZERO", 0x15),
    ("AND", 0x16),
    ("OR", 0x17),
    ("XOR", 0x18),
    ("NOT", 0x19),
    ("BYTE", 0x1a),
    ("SHL", 0x1b),
    ("SHR", 0x1c),
    ("SAR", 0x1d),
    ("KECCAK256", 0x20),
    ("ADDRESS", 0x30),
    ("BALANCE", 0x31),
    ("ORIGIN", 0x32),
    ("CALLER", 0x33),
    ("CALLVALUE", 0x34),
    ("CALLDATALOAD", 0x35),
    ("CALLDATASIZE", 0x36),
    ("CALLDATACOPY", 0x37),
    ("CODESIZE", 0x38),
    ("CODECOPY", 0x39),
    ("GASPRICE", 0x3a),
    ("EXTCODESIZE", 0x3b),
    ("EXTCODECOPY", 0x3c),
    ("RETURNDATASIZE", 0x3d),
    ("RETURNDATACOPY", 0x3e),
    ("EXTCODEHASH", 0x3f),
    ("BLOCKHASH", 0x40),
    ("COINBASE", 0x41),
    ("TIMESTAMP", 0x42),
    ("NUMBER", 0x43),
    ("PREVRANDAO", 0x44),
    ("GASLIMIT", 0x45),
    ("CHAINID", 0x46),
    ("SELFBALANCE", 0x47),
    ("BASEFEE", 0x48),
    ("BLOBHASH", 0x49),
    ("BLOBBASEFEE", 0x4a),
    ("POP", 0x50),
    ("MLOAD", 0x51),
    ("MSTORE", 0x52),
    ("MSTORE8", 0x53),
    ("SLOAD", 0x54),
    ("SSTORE", 0x55),
    ("JUMP", 0x56),
    ("JUMPI", 0x57),
    ("PC", 0x58),
    ("MSIZE", 0x59),
    ("GAS", 0x5a),
    ("TLOAD", 0x5c),
    ("TSTORE", 0x5d),
    ("MCOPY", 0x5e),
    ("PUSH0", 0x5f),
    ("CREATE", 0xf0),
    ("CALL", 0xf1),
    ("CALLCODE", 0xf2),
    ("RETURN", 0xf3),
    ("DELEGATECALL", 0xf4),
    ("CREATE2", 0xf5),
    ("STATICCALL", 0xfa),
    ("REVERT", 0xfd),
    ("INVALID", 0xfe),
    ("SELFDESTRUCT", 0xff),
];

/// Numbered instructions: name, opcode of the first, and its number.
const NUMBERED: &[(&str, u8, u8)] = &[("DUP", 0x80, 1), ("SWAP", 0x90, 1), ("LOG", 0xa0, 0)];

/// The code that a program stands for.
///
/// # Panics
/// If a word is no instruction, number or label: programs are constants of tests.
pub fn assemble(program: &str) -> Bytes {
    let mut code = Vec::new();
    let mut labels = HashMap::new();
    let mut uses = Vec::new();
    let lines = program
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    for word in lines.flat_map(str::split_whitespace) {
        if let Some(label) = word.strip_suffix(':') {
            assert_eq!(
                labels.insert(label, code.len()),
                None,
                "{label} is defined twice"
            );
            code.push(0x5b);
        } else if let Some(label) = word.strip_prefix('@') {
            uses.push((code.len() + 1, label));
            code.extend([0x61, 0, 0]);
        } else if word.starts_with(|first: char| first.is_ascii_digit()) {
            push(&mut code, word.parse().expect("a number"));
        } else {
            code.push(instruction(word));
        }
    }
    for (at, label) in uses {
        let position = *labels
            .get(label)
            .unwrap_or_else(|| panic!("{label} is not defined"));
        let position = u16::try_from(position).expect("programs are short");
        code[at..at + 2].copy_from_slice(&position.to_be_bytes());
    }
    code.into()
}

fn push(code: &mut Vec<u8>, number: U256) {
    let bytes = number.to_be_bytes_trimmed_vec();
    code.push(0x5f + bytes.len() as u8);
    code.extend(bytes);
}

fn instruction(name: &str) -> u8 {
    if let Some((_, code)) = INSTRUCTIONS.iter().find(|(known, _)| *known == name) {
        return *code;
    }
    for (prefix, first, from) in NUMBERED {
        if let Some(Ok(number)) = name.strip_prefix(prefix).map(str::parse::<u8>) {
            return first + number - from;
        }
    }
    panic!("{name} is no instruction");
}

/// Init code that deploys `runtime`.
pub fn deploying(runtime: &[u8]) -> Bytes {
    let program = |start: usize| {
        let length = runtime.len();
        assemble(&format!("{length} {start} 0 CODECOPY {length} 0 RETURN"))
    };
    // The start is a number below 24 in either case, so that its PUSH has one length.
    let start = program(1).len();
    [program(start).as_ref(), runtime].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_labels_and_instructions_become_code() {
        let code = assemble("start: 0 1 0x0100 DUP2 SWAP16 LOG4 @start JUMP");
        assert_eq!(
            code,
            Bytes::from_static(&[
                0x5b, 0x5f, 0x60, 1, 0x61, 1, 0, 0x81, 0x9f, 0xa4, 0x61, 0, 0, 0x56
            ])
        );
    }
}
