//! The mends of the other tables.

use evm_arithmetization::arithmetic::columns as arithmetic;
use evm_arithmetization::keccak::columns::reg_a_prime;
use evm_arithmetization::keccak_sponge::columns::{
    KECCAK_RATE_BYTES, KECCAK_SPONGE_COL_MAP as SPONGE,
};
use evm_arithmetization::memory::columns::MEMORY_COL_MAP as MEMORY;
use plonky2::field::types::Field;

use super::{Part, Polynomial, Written};
use crate::omission::ARITHMETIC;
use crate::{F, Omission, Table};

pub(super) fn all() -> Vec<Written> {
    let mut mends = Vec::new();
    division(&mut mends);
    keccak(&mut mends);
    sponge(&mut mends);
    memory(&mut mends);
    initial_values(&mut mends);
    mends
}

fn division(mends: &mut Vec<Written>) {
    for (name, flag) in [("DIV", arithmetic::IS_DIV), ("SHR", arithmetic::IS_SHR)] {
        let name = format!("the quotient by zero is zero: {name}");
        let zero = move |row: &[F], next: &[F]| {
            let quotient: F = row[arithmetic::OUTPUT_REGISTER].iter().copied().sum();
            row[flag] * next[arithmetic::MODULAR_DIV_DENOM_IS_ZERO] * quotient
        };
        mends.push(Written::constraint(&name, Table::Arithmetic, zero));
    }
}

fn is_bit(cell: F) -> F {
    cell * (cell - F::ONE)
}

fn keccak(mends: &mut Vec<Written>) {
    let bits = (0..1600).map(|i| reg_a_prime(i / 320, i / 64 % 5, i % 64));
    let parts = bits.map(|bit| {
        let polynomial = move |row: &[F], _: &[F]| is_bit(row[bit]);
        Part::Constraint(Table::Keccak, Box::new(polynomial))
    });
    mends.push(Written::new("the bits of a round are bits", parts));
}

fn sponge(mends: &mut Vec<Written>) {
    let table = Table::KeccakSponge;
    let bytes = SPONGE.updated_digest_state_bytes.into_iter();
    let parts = bytes.map(|column| Part::Other(Omission::Lookup { table, column }));
    mends.push(Written::new("the bytes of a digest are bytes", parts));
    let padding = SPONGE.is_padding_byte;
    let [last, last_but_one] = [1, 2].map(|back| KECCAK_RATE_BYTES - back);
    let byte = |row: &[F], place: usize| row[SPONGE.block_bytes[place]];
    let single = move |row: &[F]| row[padding[last]] - row[padding[last_but_one]];
    let first = move |row: &[F], place: usize| row[padding[place]] - row[padding[place - 1]];
    let each = |name: &str, polynomial: fn(F, F, F) -> F| {
        let parts = (1..last).map(|place| -> Part {
            let of_place = move |row: &[F], _: &[F]| {
                polynomial(row[padding[place]], first(row, place), byte(row, place))
            };
            Part::Constraint(table, Box::new(of_place))
        });
        Written::new(name, parts)
    };
    let is_active = move |row: &[F]| row[SPONGE.is_full_input_block] + row[padding[last]];
    mends.extend([
        Written::constraint("padding of one byte", table, move |row, _| {
            single(row) * (byte(row, last) - F::from_canonical_u8(0x81))
        }),
        Written::constraint("the last byte of padding", table, move |row, _| {
            row[padding[last]]
                * (single(row) - F::ONE)
                * (byte(row, last) - F::from_canonical_u8(0x80))
        }),
        each("the first byte of padding", |_, first, byte| {
            first * (byte - F::ONE)
        }),
        each("padding between", |padding, first, byte| {
            padding * (first - F::ONE) * byte
        }),
        Written::constraint(
            "a full block is followed by another",
            table,
            move |row, next| row[SPONGE.is_full_input_block] * (F::ONE - is_active(next)),
        ),
        Written::constraint("a full block does not end the table", table, |row, _| {
            row[SPONGE.is_full_input_block]
        }),
    ]);
}

/// Whether a row of Memory has the address of the next.
fn same_address(row: &[F]) -> F {
    F::ONE
        - row[MEMORY.context_first_change]
        - row[MEMORY.segment_first_change]
        - row[MEMORY.virtual_first_change]
}

fn memory(mends: &mut Vec<Written>) {
    let mut add = |name: &str, polynomial: Polynomial| {
        let part = Part::Constraint(Table::Memory, polynomial);
        mends.push(Written::new(name, [part]));
    };
    for (name, column) in [
        ("context", MEMORY.addr_context),
        ("segment", MEMORY.addr_segment),
        ("place", MEMORY.addr_virtual),
    ] {
        add(
            &format!("no address lies before the first: {name}"),
            Box::new(move |row, _| row[column]),
        );
    }
    add(
        "the last row is the last of its address",
        Box::new(move |row, _| same_address(row)),
    );
    add(
        "the first row is touched by its operation",
        Box::new(move |row, _| row[MEMORY.is_touched] - row[MEMORY.filter]),
    );
    add(
        "an address stays touched",
        Box::new(move |row, next| {
            let kept = (F::ONE - next[MEMORY.filter]) * same_address(row) * row[MEMORY.is_touched];
            next[MEMORY.is_touched] - next[MEMORY.filter] - kept
        }),
    );
    for (name, column) in [
        ("mem_after_filter", MEMORY.mem_after_filter),
        ("is_stale", MEMORY.is_stale),
        ("is_dropped_zero", MEMORY.is_dropped_zero),
        ("is_pruned", MEMORY.is_pruned),
        ("is_initial_value", MEMORY.is_initial_value),
    ] {
        add(
            &format!("a flag is 0 or 1: {name}"),
            Box::new(move |row, _| is_bit(row[column])),
        );
    }
    add(
        "a touched address has one end",
        Box::new(move |row, _| {
            row[MEMORY.is_touched] * (F::ONE - same_address(row))
                - row[MEMORY.mem_after_filter]
                - row[MEMORY.is_stale]
                - row[MEMORY.is_dropped_zero]
        }),
    );
    for (limb, column) in MEMORY.value_limbs.into_iter().enumerate() {
        add(
            &format!("what is left out is zero, limb {limb}"),
            Box::new(move |row, _| row[MEMORY.is_dropped_zero] * row[column]),
        );
    }
    add(
        "what is left out is an initial zero",
        Box::new(move |row, _| {
            let shown =
                row[MEMORY.preinitialized_segments] * row[MEMORY.preinitialized_segments_inv];
            row[MEMORY.is_dropped_zero] * (shown - F::ONE)
        }),
    );
    add(
        "a context is stale only if it was pruned",
        Box::new(move |row, _| row[MEMORY.stale_contexts] * (row[MEMORY.is_pruned] - F::ONE)),
    );
}

fn initial_values(mends: &mut Vec<Written>) {
    let table = Table::Memory;
    mends.push(Written::constraint(
        "only tries and lists have initial values",
        table,
        |row, _| row[MEMORY.is_initial_value] * row[MEMORY.preinitialized_segments],
    ));
    mends.push(Written::constraint(
        "a first read finds zero, or what is looked up",
        table,
        |row, next| {
            let others = F::ONE - next[MEMORY.is_initial_value];
            let first_read = (F::ONE - same_address(row)) * next[MEMORY.is_read];
            row[MEMORY.initialize_aux] - first_read * others
        },
    ));
    for (limb, column) in MEMORY.value_limbs.into_iter().enumerate() {
        let name = format!("a first read that finds zero, limb {limb}");
        mends.push(Written::constraint(&name, table, move |row, next| {
            row[MEMORY.initialize_aux] * next[MEMORY.addr_segment] * next[column]
        }));
    }
    let looked_up = Omission::Tuple {
        table,
        lookup: ARITHMETIC,
        tuple: 0,
    };
    let name = "limbs of initial values have 32 bits";
    mends.push(Written::new(name, [Part::Other(looked_up)]));
}
