//! The grammar. Programs are text for the assembler; every statement leaves the stack as it was.

use std::fmt::Write;

use alloy::primitives::{Address, Bytes, U256};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{ATTACKER, CALLEE, Case};
use crate::corpus::Send;
use crate::corpus::assembly::assemble;

/// Instructions that only compute: name, operands.
const PURE: &[(&str, usize)] = &[
    ("ADD", 2),
    ("MUL", 2),
    ("SUB", 2),
    ("DIV", 2),
    ("SDIV", 2),
    ("MOD", 2),
    ("SMOD", 2),
    ("ADDMOD", 3),
    ("MULMOD", 3),
    ("EXP", 2),
    ("SIGNEXTEND", 2),
    ("LT", 2),
    ("GT", 2),
    ("SLT", 2),
    ("SGT", 2),
    ("EQ", 2),
    ("ISZERO", 1),
    ("AND", 2),
    ("OR", 2),
    ("XOR", 2),
    ("NOT", 1),
    ("BYTE", 2),
    ("SHL", 2),
    ("SHR", 2),
    ("SAR", 2),
    ("BALANCE", 1),
    ("CALLDATALOAD", 1),
    ("EXTCODESIZE", 1),
    ("EXTCODEHASH", 1),
    ("BLOCKHASH", 1),
    ("BLOBHASH", 1),
    ("BLOBBASEFEE", 0),
    ("PREVRANDAO", 0),
    ("ADDRESS", 0),
    ("ORIGIN", 0),
    ("CALLER", 0),
    ("CALLVALUE", 0),
    ("CALLDATASIZE", 0),
    ("CODESIZE", 0),
    ("GASPRICE", 0),
    ("RETURNDATASIZE", 0),
    ("COINBASE", 0),
    ("TIMESTAMP", 0),
    ("NUMBER", 0),
    ("GASLIMIT", 0),
    ("CHAINID", 0),
    ("SELFBALANCE", 0),
    ("BASEFEE", 0),
    ("PC", 0),
    ("MSIZE", 0),
    ("GAS", 0),
    ("TLOAD", 1),
    ("SLOAD", 1),
];

/// Copies to memory, and whether an address comes first.
const COPIES: &[(&str, bool)] = &[
    ("CALLDATACOPY", false),
    ("CODECOPY", false),
    ("MCOPY", false),
    ("RETURNDATACOPY", false),
    ("EXTCODECOPY", true),
];

/// Draws one program.
struct Program<'a, R> {
    rng: &'a mut R,
    text: String,
    labels: usize,
    /// Programs that call are kept from calling each other without end by what their calls may spend.
    depth: usize,
}

impl<R: Rng> Program<'_, R> {
    fn pick<'t>(&mut self, words: &[&'t str]) -> &'t str {
        words.choose(self.rng).expect("there are some")
    }

    fn edge(&mut self) -> U256 {
        let bit = |bit: usize| -> U256 { U256::from(1) << bit };
        let near = U256::from(self.rng.gen_range(0..40_u64));
        match self.rng.gen_range(0..12) {
            0..3 => near,
            3 => bit(self.rng.gen_range(0..256)),
            4 => bit(32) - near,
            5 => bit(64) - near,
            6 => bit(255).wrapping_sub(near),
            7 => U256::MAX - near,
            8 => U256::from_be_bytes(self.rng.r#gen::<[u8; 32]>()),
            9 => bit(*[32, 38, 40, 64, 128].choose(self.rng).expect("five")) + near,
            10 => CALLEE.into_word().into(),
            _ => ATTACKER.into_word().into(),
        }
    }

    fn operand(&mut self) -> String {
        match self.rng.gen_range(0..8) {
            0 => self
                .pick(&["ADDRESS", "CALLER", "GAS", "CALLDATASIZE", "PUSH0"])
                .to_owned(),
            _ => self.edge().to_string(),
        }
    }

    fn say(&mut self, words: &str) {
        let _ = write!(self.text, "{words} ");
    }

    /// A result is stored, logged later, or dropped.
    fn result(&mut self) {
        let words = match self.rng.gen_range(0..6) {
            0 => format!("{} SSTORE", self.rng.gen_range(0..4)),
            1..4 => format!("{} MSTORE", 32 * self.rng.gen_range(0..4)),
            4 => format!("{} TSTORE", self.rng.gen_range(0..4)),
            _ => "POP".to_owned(),
        };
        self.say(&words);
    }

    /// Length and offset: short ones, and nothing from far away. In the order of the stack's bottom first.
    fn range(&mut self) -> String {
        let (offset, length) = match self.rng.gen_range(0..6) {
            0..2 => (self.edge(), U256::ZERO),
            2 => (self.edge(), self.edge()),
            _ => {
                let lengths = [1, 31, 32, 33, 64, 96, 128, 160, 213, 192, 384];
                let length = lengths.choose(self.rng).expect("some");
                (
                    U256::from(self.rng.gen_range(0..70_u64)),
                    U256::from(*length),
                )
            }
        };
        format!("{length} {offset}")
    }

    fn target(&mut self) -> String {
        let own = [ATTACKER, CALLEE];
        let address = match self.rng.gen_range(0..10) {
            0..4 => own[1],
            4 => own[0],
            5..9 => Address::with_last_byte(self.rng.gen_range(0..12)),
            _ => Address::repeat_byte(self.rng.gen_range(0x60..0x63)),
        };
        address.to_string()
    }

    fn call(&mut self) {
        let way = self.pick(&["CALL", "CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"]);
        let (out, data) = (self.range(), self.range());
        let value = match way {
            "CALL" | "CALLCODE" => match self.rng.gen_range(0..5) {
                0..2 => "0".to_owned(),
                2 => "1".to_owned(),
                3 => "SELFBALANCE 1 ADD".to_owned(),
                _ => self.edge().to_string(),
            },
            _ => String::new(),
        };
        let target = self.target();
        let near = U256::from(
            *[0, 1, 100, 700, 2_300, 2_600, 9_000, 11_600, 36_600]
                .choose(self.rng)
                .expect("some"),
        );
        let gas = match self.rng.gen_range(0..6) {
            0..2 => "50000".to_owned(),
            2 => near.to_string(),
            3 => (U256::from(1_u128 << 64) - near).to_string(),
            4 => U256::ZERO.wrapping_sub(near).to_string(),
            _ => format!("{near} GAS SUB"),
        };
        // Lengths of the precompile's numbers, now and then.
        if self.rng.gen_bool(0.3) {
            for word in 0..self.rng.gen_range(1..6) {
                let number = match self.rng.gen_range(0..3) {
                    0 => U256::from(self.rng.gen_range(0..70_u64)),
                    _ => self.edge(),
                };
                self.say(&format!("{number} {} MSTORE", 32 * word));
            }
        }
        self.say(&format!("{out} {data} {value} {target} {gas} {way}"));
        self.result();
    }

    fn create(&mut self) {
        let code = self.pick(&[
            "0x60ef5f5360015ff3",
            "0x5f5ffd",
            "0xfe",
            "0x33ff",
            "0x30ff",
            "0x6000600155305f5d00",
            "0x6133ff5f526002601ef3",
            "0x6160015ff3",
        ]);
        let length = (code.len() - 2) / 2;
        self.say(&format!("{code} 0 MSTORE"));
        let range = match self.rng.gen_range(0..3) {
            0 => self.range(),
            _ => format!("{length} {}", 32 - length),
        };
        let value = match self.rng.gen_range(0..4) {
            0..2 => "0".to_owned(),
            2 => "3".to_owned(),
            _ => "SELFBALANCE 1 ADD".to_owned(),
        };
        let words = match self.rng.gen_range(0..2) {
            0 => format!("{range} {value} CREATE"),
            _ => format!("{} {range} {value} CREATE2", self.rng.gen_range(0..2)),
        };
        self.say(&words);
        // What was made, or was not, is looked at or called.
        let looks = [
            "",
            "DUP1 BALANCE POP",
            "DUP1 EXTCODEHASH POP",
            "0 0 0 0 0 DUP6 50000 CALL POP",
        ];
        let look = self.pick(&looks);
        self.say(look);
        self.result();
    }

    fn jump(&mut self) {
        self.labels += 1;
        let label = self.labels;
        let words = match self.rng.gen_range(0..6) {
            0..3 => format!("@l{label} JUMP 0x5b5b5b l{label}:"),
            3 => format!("1 @l{label} JUMPI l{label}:"),
            4 => format!("0 {} JUMPI", self.edge()),
            _ => {
                let (to, condition) = (self.edge(), self.rng.gen_range(0..2));
                format!("{condition} {to} JUMPI")
            }
        };
        self.say(&words);
    }

    fn statement(&mut self) {
        match self.rng.gen_range(0..20) {
            0..6 => {
                let (name, operands) = *PURE.choose(self.rng).expect("some");
                for _ in 0..operands {
                    let operand = self.operand();
                    self.say(&operand);
                }
                self.say(name);
                self.result();
            }
            6..8 => {
                let store = self.pick(&["SSTORE", "TSTORE", "TSTORE"]);
                let (value, slot) = (self.operand(), self.operand());
                self.say(&format!("{value} {slot} {store}"));
            }
            8 => {
                let (value, range) = (self.operand(), self.rng.gen_range(0..160));
                let store = self.pick(&["MSTORE", "MSTORE8"]);
                self.say(&format!("{value} {range} {store}"));
            }
            9..11 => {
                let (name, of_account) = *COPIES.choose(self.rng).expect("some");
                let (range, to) = (self.range(), self.rng.gen_range(0..99));
                let to = match self.rng.gen_range(0..4) {
                    0 if range.starts_with("0 ") => self.edge().to_string(),
                    _ => to.to_string(),
                };
                let account = match of_account {
                    true => self.target(),
                    false => String::new(),
                };
                self.say(&format!("{range} {to} {account} {name}"));
            }
            11 => {
                let range = self.range();
                let words = match self.rng.gen_range(0..3) {
                    0 => format!("{range} LOG0"),
                    1 => format!("7 {range} LOG1"),
                    _ => format!("{range} KECCAK256 POP"),
                };
                self.say(&words);
            }
            12..17 if self.depth > 0 => self.call(),
            17 if self.depth > 0 => self.create(),
            _ => self.jump(),
        }
    }

    fn ending(&mut self) {
        let range = self.range();
        let ending = match self.rng.gen_range(0..8) {
            0..4 => "STOP".to_owned(),
            4 => format!("{range} REVERT"),
            5 => format!("{range} RETURN"),
            6 => {
                let heir = self.target();
                format!("{heir} SELFDESTRUCT")
            }
            _ => self.pick(&["INVALID", "0 0 REVERT", "JUMP"]).to_owned(),
        };
        self.say(&ending);
    }
}

fn program(rng: &mut impl Rng, depth: usize) -> Bytes {
    let mut program = Program {
        rng,
        text: String::new(),
        labels: 0,
        depth,
    };
    for _ in 0..program.rng.gen_range(1..9) {
        program.statement();
    }
    if program.rng.gen_bool(0.7) {
        program.say("128 0 LOG0");
    }
    program.ending();
    assemble(&program.text)
}

pub(super) fn case(seed: u64) -> Case {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let attacker = program(&mut rng, 1);
    let depth = usize::from(rng.gen_bool(0.3));
    let callee = program(&mut rng, depth);
    let transactions = (0..rng.gen_range(1..3)).map(|_| {
        let gas = *[60_000, 200_000, 500_000].choose(&mut rng).expect("three");
        let data: Vec<u8> = (0..rng.gen_range(0..70)).map(|_| rng.r#gen()).collect();
        let send = match rng.gen_range(0..4) {
            0 => Send::create(program(&mut rng, 1)),
            _ => Send::to(ATTACKER).data(data),
        };
        let value = rng.gen_range(0..2);
        send.gas(gas + rng.gen_range(0..3_000)).value(value)
    });
    let transactions = transactions.collect();
    Case {
        attacker,
        callee,
        transactions,
    }
}
