//! What the columns are called.

use std::sync::LazyLock;

use evm_arithmetization::arithmetic::columns as arithmetic;
use evm_arithmetization::byte_packing::columns::BYTE_PACKING_COL_MAP;
use evm_arithmetization::cpu::columns::COL_MAP;
use evm_arithmetization::keccak::columns as keccak;
use evm_arithmetization::keccak_sponge::columns::KECCAK_SPONGE_COL_MAP;
use evm_arithmetization::logic::columns::LOGIC_COL_MAP;
use evm_arithmetization::memory::columns::MEMORY_COL_MAP;
use evm_arithmetization::memory_continuation::columns as continuation;

use crate::{NUM_TABLES, Table};

static NAMES: LazyLock<[Vec<String>; NUM_TABLES]> = LazyLock::new(|| {
    Table::all().map(|table| match table {
        Table::Arithmetic => arithmetic_names(),
        Table::BytePacking => of_map(&format!("{BYTE_PACKING_COL_MAP:?}")),
        Table::Cpu => of_map(&format!("{COL_MAP:?}")),
        Table::Keccak => keccak_names(),
        Table::KeccakSponge => of_map(&format!("{KECCAK_SPONGE_COL_MAP:?}")),
        Table::Logic => of_map(&format!("{LOGIC_COL_MAP:?}")),
        Table::Memory => of_map(&format!("{MEMORY_COL_MAP:?}")),
        Table::MemBefore | Table::MemAfter => continuation_names(),
    })
});

/// The name of a column, as `mem_channels[2].used`.
#[must_use]
pub fn name(table: Table, column: usize) -> &'static str {
    &NAMES[table as usize][column]
}

/// The column of that name.
#[must_use]
pub fn find(table: Table, name: &str) -> Option<usize> {
    (NAMES[table as usize].iter()).position(|candidate| candidate == name)
}

/// The columns of `table`.
#[must_use]
pub fn count(table: Table) -> usize {
    NAMES[table as usize].len()
}

/// The paths to the leaves of a column map, which holds at each field that field's column.
fn of_map(debug: &str) -> Vec<String> {
    let mut names = Vec::new();
    // What surrounds the current place: fields by name, elements of arrays by number.
    let mut path: Vec<(String, Option<usize>)> = vec![(String::new(), None)];
    let mut word = String::new();
    for character in debug.chars() {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => word.push(character),
            '{' | '[' => {
                word.clear();
                path.push((String::new(), (character == '[').then_some(0)));
            }
            ':' => path.last_mut().expect("never empty").0 = std::mem::take(&mut word),
            ',' | '}' | ']' => {
                if let Ok(column) = word.parse::<usize>() {
                    assert_eq!(column, names.len(), "columns come in order");
                    names.push(join(&path));
                }
                word.clear();
                if character != ',' {
                    path.pop();
                } else if let Some((_, Some(index))) = path.last_mut() {
                    *index += 1;
                }
            }
            _ => {}
        }
    }
    names
}

fn join(path: &[(String, Option<usize>)]) -> String {
    let mut joined = String::new();
    for (field, index) in path {
        if let Some(index) = index {
            joined += &format!("[{index}]");
        } else if !field.is_empty() {
            joined += if joined.is_empty() { "" } else { "." };
            joined += field;
        }
    }
    joined
}

fn arithmetic_names() -> Vec<String> {
    let flags = [
        "add",
        "mul",
        "sub",
        "div",
        "mod",
        "addmod",
        "mulmod",
        "addfp254",
        "mulfp254",
        "subfp254",
        "submod",
        "lt",
        "gt",
        "byte",
        "shl",
        "shr",
        "range_check",
    ];
    let mut names: Vec<String> = flags.map(|flag| format!("is_{flag}")).into();
    names.push("opcode".to_owned());
    for register in ["input0", "input1", "input2", "output", "aux0", "aux1"] {
        names.extend((0..arithmetic::N_LIMBS).map(|limb| format!("{register}[{limb}]")));
    }
    names.extend(["range_counter", "rc_frequencies"].map(str::to_owned));
    assert_eq!(names.len(), arithmetic::NUM_ARITH_COLUMNS);
    names
}

fn keccak_names() -> Vec<String> {
    let mut names = vec![String::new(); keccak::NUM_COLUMNS];
    for step in 0..24 {
        names[keccak::reg_step(step)] = format!("step[{step}]");
    }
    names[keccak::TIMESTAMP] = "timestamp".to_owned();
    for x in 0..5 {
        for z in 0..64 {
            names[keccak::reg_c(x, z)] = format!("c[{x}][{z}]");
            names[keccak::reg_c_prime(x, z)] = format!("c_prime[{x}][{z}]");
        }
        for y in 0..5 {
            for (half, limb) in ["lo", "hi"].into_iter().enumerate() {
                names[keccak::reg_a(x, y) + half] = format!("a[{x}][{y}].{limb}");
                names[keccak::reg_a_prime_prime(x, y) + half] =
                    format!("a_prime_prime[{x}][{y}].{limb}");
            }
            for z in 0..64 {
                names[keccak::reg_a_prime(x, y, z)] = format!("a_prime[{x}][{y}][{z}]");
            }
        }
    }
    for bit in 0..64 {
        names[keccak::reg_a_prime_prime_0_0_bit(bit)] = format!("a_prime_prime_0_0_bits[{bit}]");
    }
    for (half, limb) in ["lo", "hi"].into_iter().enumerate() {
        names[keccak::reg_a_prime_prime_prime(0, 0) + half] =
            format!("a_prime_prime_prime_0_0.{limb}");
    }
    names
}

fn continuation_names() -> Vec<String> {
    let fields = ["filter", "addr_context", "addr_segment", "addr_virtual"];
    let mut names: Vec<String> = fields.map(str::to_owned).into();
    names.extend((0..8).map(|limb| format!("value[{limb}]")));
    assert_eq!(names.len(), continuation::NUM_COLUMNS);
    names
}
