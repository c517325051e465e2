//! The mends of the table Cpu.

use std::borrow::Borrow;

use evm_arithmetization::cpu::columns::{CpuColumnsView, NUM_CPU_COLUMNS};
use plonky2::field::types::Field;

use super::{Part, Written};
use crate::{F, Omission, Table};

type Row = CpuColumnsView<F>;

const ONE: F = F::ONE;
const STACK: F = F::ONE;
/// The lookup into Memory; its second tuple of the CPU is a kernel's PUSH with its operand.
const MEMORY: usize = 6;
const NARROW_PUSH: usize = 1;

fn view(cells: &[F]) -> &Row {
    let cells: &[F; NUM_CPU_COLUMNS] = cells.try_into().expect("a row of the CPU");
    cells.borrow()
}

/// The number of operations of a row: 0 for padding.
fn operations(row: &Row) -> F {
    row.op.iter().copied().sum()
}

/// Constraints by what they keep from happening.
#[derive(Default)]
struct Constraints(Vec<Written>);

impl Constraints {
    fn add(&mut self, name: &str, polynomial: impl Fn(&Row, &Row) -> F + 'static) {
        let of_cells = move |row: &[F], next: &[F]| polynomial(view(row), view(next));
        self.0.push(Written::constraint(name, Table::Cpu, of_cells));
    }

    /// One for each of some limbs.
    fn add_limbs(
        &mut self,
        name: &str,
        limbs: std::ops::Range<usize>,
        polynomial: impl Fn(&Row, &Row, usize) -> F + Copy + 'static,
    ) {
        for limb in limbs {
            self.add(&format!("{name}, limb {limb}"), move |row, next| {
                polynomial(row, next, limb)
            });
        }
    }
}

pub(super) fn all() -> Vec<Written> {
    let mut constraints = Constraints::default();
    start(&mut constraints);
    control(&mut constraints);
    operands(&mut constraints);
    jumps(&mut constraints);
    limbs(&mut constraints);
    stack(&mut constraints);
    channels(&mut constraints);
    let operand = Omission::Tuple {
        table: Table::Cpu,
        lookup: MEMORY,
        tuple: NARROW_PUSH,
    };
    let lookups = [
        (
            "a PUSH of the kernel has the operand that the code holds",
            operand,
        ),
        (
            "an arithmetic operation is executed by its own flag",
            Omission::OperationClass,
        ),
    ];
    let lookups = lookups.map(|(name, lookup)| Written::new(name, [Part::Other(lookup)]));
    constraints.0.into_iter().chain(lookups).collect()
}

fn start(mends: &mut Constraints) {
    let entry = evm_arithmetization::cpu::kernel::aggregator::KERNEL.global_labels["init"];
    let entry = F::from_canonical_usize(entry);
    mends.add("the first row is at the entry", move |row, _| {
        row.program_counter - entry
    });
    mends.add("the first row is a cycle", |row, _| operations(row) - ONE);
    mends.add("the first row is in kernel mode", |row, _| {
        row.is_kernel_mode - ONE
    });
    mends.add("the first row has no gas", |row, _| row.gas);
    mends.add("the first row does not use channel 0", |row, _| {
        row.mem_channels[0].used
    });
}

fn control(mends: &mut Constraints) {
    mends.add(
        "a PUSH is followed by what is behind its bytes",
        |row, next| {
            let bits = row.opcode_bits[..5].iter().rev();
            let length = bits.fold(F::ZERO, |sum, &bit| sum.double() + bit) + ONE;
            let place = row.program_counter + ONE + length;
            row.op.push_prover_input * (ONE - row.opcode_bits[7]) * (next.program_counter - place)
        },
    );
    mends.add(
        "a native instruction is followed by the next",
        |row, next| {
            let op = row.op;
            let native = operations(row)
                - op.push_prover_input
                - op.jumps
                - op.exit_kernel
                - op.syscall
                - op.exception;
            native * (next.program_counter - row.program_counter - ONE)
        },
    );
    mends.add("an instruction keeps the mode", |row, next| {
        let keeps = operations(row) - row.op.exit_kernel - row.op.syscall - row.op.exception;
        keeps * (next.is_kernel_mode - row.is_kernel_mode)
    });
    mends.add("a trap word holds the mode", |row, next| {
        let traps = row.op.syscall + row.op.exception;
        traps * (next.mem_channels[0].value[1] - row.is_kernel_mode)
    });
}

fn operands(mends: &mut Constraints) {
    mends.add("a narrow operand has seven limbs", |row, next| {
        let narrow = row.is_kernel_mode - row.opcode_bits[7] - row.general.push().wide;
        row.op.push_prover_input * narrow * next.mem_channels[0].value[7]
    });
    mends.add("a wide operand is read", |row, _| {
        row.op.push_prover_input * (row.mem_channels[1].used - row.general.push().wide)
    });
    mends.add_limbs(
        "a wide operand is the one that is read",
        0..8,
        |row, next, limb| {
            let difference = row.mem_channels[1].value[limb] - next.mem_channels[0].value[limb];
            row.op.push_prover_input * row.general.push().wide * difference
        },
    );
}

fn is_jumpi(row: &Row) -> F {
    row.op.jumps * row.opcode_bits[0]
}

fn jumps(mends: &mut Constraints) {
    mends.add("a condition is read: used", |row, _| {
        is_jumpi(row) * (row.mem_channels[1].used - ONE)
    });
    mends.add("a condition is read: direction", |row, _| {
        is_jumpi(row) * (row.mem_channels[1].is_read - ONE)
    });
    mends.add("a condition is read: context", |row, _| {
        is_jumpi(row) * (row.mem_channels[1].addr_context - row.context)
    });
    mends.add("a condition is read: segment", |row, _| {
        is_jumpi(row) * (row.mem_channels[1].addr_segment - STACK)
    });
    mends.add("a condition is read: place", |row, _| {
        is_jumpi(row) * (row.mem_channels[1].addr_virtual - row.stack_len + F::TWO)
    });
}

fn is_keccak_general(row: &Row) -> F {
    row.op.jumpdest_keccak_general * (ONE - row.opcode_bits[1])
}

fn limbs(mends: &mut Constraints) {
    mends.add_limbs("an address on top has three limbs", 3..8, |row, _, limb| {
        let loads = row.op.m_op_general * row.opcode_bits[0];
        (loads + is_keccak_general(row) + row.op.m_op_32bytes) * row.mem_channels[0].value[limb]
    });
    mends.add_limbs(
        "an address that is stored to has three limbs",
        3..8,
        |row, _, limb| {
            row.op.m_op_general * (ONE - row.opcode_bits[0]) * row.mem_channels[1].value[limb]
        },
    );
    mends.add_limbs("a length has one limb", 1..8, |row, _, limb| {
        let flag = is_keccak_general(row) + row.op.m_op_32bytes * row.opcode_bits[5];
        flag * row.mem_channels[1].value[limb]
    });
    mends.add_limbs(
        "a shift by much multiplies by zero",
        0..8,
        |row, _, limb| {
            let [.., multiplier] = row.mem_channels;
            row.op.shift * (ONE - multiplier.used) * multiplier.value[limb]
        },
    );
}

fn stack(mends: &mut Constraints) {
    mends.add("the top after a POP is read", |row, _| {
        row.op.not_pop * (row.stack_len - ONE) * (row.general.stack().stack_inv_aux - ONE)
    });
    mends.add("the top after a store is read", |row, _| {
        row.op.m_op_general * (row.stack_len - F::TWO) * (row.general.stack().stack_inv_aux - ONE)
    });
    mends.add(
        "a context that is read or set hides no stack",
        |row, next| {
            let left = next.stack_len - (ONE - row.opcode_bits[0]);
            row.op.context_op * left * (row.general.stack().stack_inv_aux - ONE)
        },
    );
    mends.add_limbs(
        "the word below a context is the former top",
        0..8,
        |row, _, limb| {
            let stack = row.general.stack();
            let [top, _, written] = row.mem_channels;
            let writes = stack.stack_inv_aux - stack.stack_inv_aux_2;
            row.op.context_op * writes * (written.value[limb] - top.value[limb])
        },
    );
    mends.add("a store takes two words", |row, next| {
        let stores = row.op.m_op_general * (ONE - row.opcode_bits[0]);
        stores * (next.stack_len - row.stack_len + F::TWO)
    });
    let unary = |row: &Row| row.op.not_pop + row.op.eq_iszero;
    mends.add("NOT and ISZERO show their stack", move |row, _| {
        let [inverse, not_empty, ..] = row.mem_channels[2].value;
        unary(row) * (row.stack_len * inverse - not_empty)
    });
    mends.add("NOT and ISZERO find a word", move |row, _| {
        unary(row) * row.opcode_bits[0] * (row.mem_channels[2].value[1] - ONE)
    });
}

/// Instructions: their name and what is 1 for them.
type Class = (&'static str, fn(&Row) -> F);

/// Instructions that push, and do not use channel 2.
const PUSHING: [Class; 9] = [
    ("ADD and the like", |row| row.op.binary_op),
    ("ADDFP254 and the like", |row| row.op.fp254_op),
    ("AND and the like", |row| row.op.logic_op),
    ("EQ", |row| row.op.eq_iszero * (ONE - row.opcode_bits[0])),
    ("ISZERO", |row| row.op.eq_iszero * row.opcode_bits[0]),
    ("KECCAK_GENERAL", is_keccak_general),
    ("PUSH and PROVER_INPUT", |row| row.op.push_prover_input),
    ("PC and PUSH0", |row| row.op.pc_push0),
    ("MLOAD_32BYTES and MSTORE_32BYTES", |row| {
        row.op.m_op_32bytes
    }),
];
/// It pins channel 0 of the next row by itself.
const NOT: Class = ("NOT", |row| row.op.not_pop * row.opcode_bits[0]);
/// They use channel 2.
const PUSHING_WITH_CHANNEL_TWO: [Class; 4] = [
    ("ADDMOD and the like", |row| row.op.ternary_op),
    ("SHL and SHR", |row| row.op.shift),
    ("system calls", |row| row.op.syscall),
    ("exceptions", |row| row.op.exception),
];

fn channels(mends: &mut Constraints) {
    for (name, flag) in PUSHING.into_iter().chain([NOT]) {
        let name = format!("channel 2 is off: {name}");
        mends.add(&name, move |row, _| flag(row) * row.mem_channels[2].used);
    }
    for (name, flag) in PUSHING.into_iter().chain(PUSHING_WITH_CHANNEL_TWO) {
        let name = format!("channel 0 is off afterwards: {name}");
        mends.add(&name, move |row, next| {
            flag(row) * next.mem_channels[0].used
        });
    }
    mends.add(
        "the partial channel is off where the context is read or set",
        |row, _| row.op.context_op * row.partial_channel.used,
    );
    mends.add("the partial channel is off in padding", |row, _| {
        (ONE - operations(row)) * row.partial_channel.used
    });
}
