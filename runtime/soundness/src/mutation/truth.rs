//! What tables may say of others: which tuples of the lookups between tables are true.
//!
//! A prover completes the other tables so that what a changed row asks of them is there, if an honest row can say it.
//! These are the honest rows' meanings, computed anew and not by the generators.

use std::collections::{HashMap, HashSet};

use alloy::primitives::{U256, keccak256, uint};
use evm_arithmetization::memory::columns::MEMORY_COL_MAP as MEMORY;
use plonky2::field::types::{Field, PrimeField64};

use crate::{F, Table, Trace};

/// The lookups between tables, by their place in `AllStark::cross_table_lookups`.
pub(crate) mod lookup {
    pub(crate) const ARITHMETIC: usize = 0;
    pub(crate) const BYTE_PACKING: usize = 1;
    pub(crate) const KECCAK_SPONGE: usize = 2;
    pub(crate) const KECCAK_INPUTS: usize = 3;
    pub(crate) const KECCAK_OUTPUTS: usize = 4;
    pub(crate) const LOGIC: usize = 5;
    pub(crate) const MEMORY: usize = 6;
    pub(crate) const MEMORY_AFTER: usize = 8;
    pub(crate) const CONTEXT_PRUNING: usize = 9;
}

/// The prime of the curve BN254 (EIP-196).
const BN_BASE: U256 =
    uint!(21888242871839275222246405745257275088696311157297823662689037894645226208583_U256);

/// Context, segment and place.
type Address = [u64; 3];
type Word = [u64; 8];

/// What a segment's memory held when.
pub(crate) struct Memory {
    /// By address, in order of time: the time of an operation, and what the cell holds after it.
    cells: HashMap<Address, Vec<(u64, Word)>>,
    /// Segments of which each cell begins as the prover likes.
    preinitialized: HashSet<u64>,
    /// The addresses whose values are handed on to the next segment.
    handed_on: HashSet<Address>,
    /// The contexts that the CPU pruned.
    pruned: HashSet<u64>,
}

impl Memory {
    pub(crate) fn of(trace: &Trace) -> Self {
        let mut memory = Self {
            cells: HashMap::new(),
            preinitialized: HashSet::new(),
            handed_on: HashSet::new(),
            pruned: HashSet::new(),
        };
        for row in trace.table(Table::Memory).iter() {
            let number = |column: usize| row[column].to_canonical_u64();
            if row[MEMORY.is_pruned].is_one() {
                memory.pruned.insert(number(MEMORY.stale_contexts) - 1);
            }
            if row[MEMORY.preinitialized_segments].is_zero() {
                memory.preinitialized.insert(number(MEMORY.addr_segment));
            }
            if row[MEMORY.filter].is_one() {
                let address = [
                    MEMORY.addr_context,
                    MEMORY.addr_segment,
                    MEMORY.addr_virtual,
                ];
                let operations = memory.cells.entry(address.map(number)).or_default();
                operations.push((number(MEMORY.timestamp), MEMORY.value_limbs.map(number)));
            }
        }
        let after = trace.table(Table::MemAfter).iter();
        let after = after.filter(|row| trace.in_use[Table::MemAfter as usize] && row[0].is_one());
        let address = |row: &[F]| [1, 2, 3].map(|column: usize| row[column].to_canonical_u64());
        memory.handed_on = after.map(address).collect();
        memory
    }

    pub(crate) fn is_pruned(&self, context: F) -> bool {
        self.pruned.contains(&context.to_canonical_u64())
    }

    /// Whether it is all one if a cell is handed on to the next segment that was not (`excess` is 1), or not handed on
    /// (-1). A cell that is not there is zero, or anything where memory begins as the prover likes.
    pub(crate) fn may_hand_on(&self, tuple: &[F], excess: F) -> bool {
        let numbers: Vec<u64> = tuple.iter().map(F::to_canonical_u64).collect();
        let (address, value) = numbers.split_at(3);
        let [context, segment, _] = *address else {
            unreachable!("an address has three parts");
        };
        if excess.is_one() {
            let address = [context, segment, address[2]];
            let last = self.cells.get(&address).and_then(|cells| cells.last());
            last.is_some_and(|(_, word)| word == value) && !self.handed_on.contains(&address)
        } else {
            let is_zero = value.iter().all(|&limb| limb == 0);
            let is_initial = is_zero && !self.preinitialized.contains(&segment);
            excess == F::NEG_ONE && (self.pruned.contains(&context) || is_initial)
        }
    }

    /// Whether a read at that time may find the value. What is done at one time may be in any order.
    fn may_hold(&self, address: Address, time: u64, value: Word) -> bool {
        let operations = self.cells.get(&address).map_or(&[][..], Vec::as_slice);
        let before = operations.partition_point(|operation| operation.0 < time);
        let until = operations.partition_point(|operation| operation.0 <= time);
        let initial = before == 0 && (self.preinitialized.contains(&address[1]) || value == [0; 8]);
        let held = &operations[before.saturating_sub(1)..until];
        initial || held.iter().any(|operation| operation.1 == value)
    }

    /// Whether bytes, the last at the end of the word, may be at an address.
    fn may_hold_bytes(&self, address: Address, time: u64, bytes: &[u8]) -> bool {
        let mut places = bytes.iter().zip(address[2]..);
        places.all(|(&byte, place)| {
            let [context, segment, _] = address;
            let value = [u64::from(byte), 0, 0, 0, 0, 0, 0, 0];
            self.may_hold([context, segment, place], time, value)
        })
    }

    /// Some bytes that are there.
    fn bytes(&self, [context, segment, first]: Address, time: u64, length: u64) -> Option<Vec<u8>> {
        let places = first..first.checked_add(length)?;
        let byte = |place| {
            let operations = self.cells.get(&[context, segment, place]);
            let operations = operations.map_or(&[][..], Vec::as_slice);
            let before = operations.partition_point(|operation| operation.0 <= time);
            let held = before.checked_sub(1).map_or([0; 8], |i| operations[i].1);
            u8::try_from(held[0]).ok()
        };
        places.map(byte).collect()
    }

    /// Whether an honest row of another table can say the tuple.
    pub(crate) fn allows(&self, lookup: usize, tuple: &[F]) -> bool {
        let numbers: Vec<u64> = tuple.iter().map(F::to_canonical_u64).collect();
        self.is_true(lookup, &numbers).unwrap_or(false)
    }

    fn is_true(&self, lookup: usize, tuple: &[u64]) -> Option<bool> {
        let address = |first: usize| [tuple[first], tuple[first + 1], tuple[first + 2]];
        match lookup {
            lookup::ARITHMETIC => arithmetic(tuple),
            lookup::LOGIC => {
                let [a, b, result] = words(&tuple[1..])?;
                Some(match tuple[0] {
                    0x16 => result == a & b,
                    0x17 => result == a | b,
                    0x18 => result == a ^ b,
                    _ => false,
                })
            }
            lookup::MEMORY => {
                let value = tuple[4..12].try_into().ok()?;
                // Places are far from the end of the field: none lies before the first.
                let exists = address(1).iter().all(|part| part >> 32 == 0);
                Some(exists && (tuple[0] == 0 || self.may_hold(address(1), tuple[12], value)))
            }
            lookup::BYTE_PACKING => {
                let [value] = words(&tuple[6..])?;
                let length = usize::try_from(tuple[4]).ok()?;
                let word = value.to_be_bytes::<32>();
                let (above, bytes) = word.split_at(32_usize.checked_sub(length)?);
                let fits = length > 0 && above.iter().all(|&byte| byte == 0);
                let there = || self.may_hold_bytes(address(1), tuple[5], bytes);
                Some(fits && (tuple[0] == 0 || there()))
            }
            lookup::KECCAK_SPONGE => {
                let [digest] = words(&tuple[5..])?;
                let bytes = self.bytes(address(0), tuple[4], tuple[3].min(1 << 20))?;
                Some(digest == U256::from_be_bytes(keccak256(bytes).0))
            }
            lookup::MEMORY_AFTER | lookup::CONTEXT_PRUNING => Some(true),
            _ => None,
        }
    }
}

/// Words from their limbs of 32 bits.
fn words<const N: usize>(limbs: &[u64]) -> Option<[U256; N]> {
    let mut words = [U256::ZERO; N];
    for (word, limbs) in words.iter_mut().zip(limbs.chunks(8)) {
        for &limb in limbs.iter().rev() {
            *word = *word << 32 | U256::from(u32::try_from(limb).ok()?);
        }
    }
    Some(words)
}

/// The flag of the CPU that executes an operation, as the lookup shows it.
mod class {
    pub(super) const BINARY: u64 = 1;
    pub(super) const TERNARY: u64 = 2;
    pub(super) const FP254: u64 = 3;
    pub(super) const SHIFT: u64 = 4;
    pub(super) const RANGE_CHECK: u64 = 5;
}

/// All of them.
pub(crate) const CLASSES: [u64; 5] = [
    class::BINARY,
    class::TERNARY,
    class::FP254,
    class::SHIFT,
    class::RANGE_CHECK,
];

fn arithmetic(tuple: &[u64]) -> Option<bool> {
    let [a, b, c, result] = words(&tuple[2..])?;
    let minus = |modulus: U256| (modulus - b % modulus) % modulus;
    let expected = match (tuple[1], tuple[0]) {
        (class::BINARY, 0x01) => a.wrapping_add(b),
        (class::BINARY, 0x02) => a.wrapping_mul(b),
        (class::BINARY, 0x03) => a.wrapping_sub(b),
        (class::BINARY, 0x04) => a.checked_div(b).unwrap_or_default(),
        (class::BINARY, 0x06) => a.checked_rem(b).unwrap_or_default(),
        (class::BINARY, 0x10) => U256::from(a < b),
        (class::BINARY, 0x11) => U256::from(a > b),
        (class::BINARY, 0x1a) if a < U256::from(32) => U256::from(b.byte(31 - a.to::<usize>())),
        (class::BINARY, 0x1a) => U256::ZERO,
        (class::TERNARY, 0x08) => a.add_mod(b, c),
        (class::TERNARY, 0x09) => a.mul_mod(b, c),
        (class::TERNARY, 0x0f) if c.is_zero() => U256::ZERO,
        (class::TERNARY, 0x0f) => a.add_mod(minus(c), c),
        (class::FP254, 0x0c) => a.add_mod(b, BN_BASE),
        (class::FP254, 0x0d) => a.mul_mod(b, BN_BASE),
        (class::FP254, 0x0e) => a.add_mod(minus(BN_BASE), BN_BASE),
        (class::SHIFT, 0x1b) => b.wrapping_mul(c),
        (class::SHIFT, 0x1c) => b.checked_div(c).unwrap_or_default(),
        (class::RANGE_CHECK, _) => result,
        _ => return Some(false),
    };
    Some(result == expected)
}
