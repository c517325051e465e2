//! Division by zero.

use evm_arithmetization::arithmetic::columns::*;
use plonky2::field::types::Field;
use tern_soundness::{F, Table, Trace};

use super::{broken, changed, honest, mend, refused_by};

const TABLE: Table = Table::Arithmetic;
const NUMERATOR: u32 = 7;

/// The first row of `operation` with the denominator zero: for SHR that is 2^shift mod 2^256, in the third register.
fn divide_by_zero(operation: usize, quotient: u32) -> Trace {
    let mut rows = honest().table(TABLE).iter();
    let row = rows.position(|row| row[operation].is_one()).unwrap();
    let numerator = match operation {
        IS_DIV => INPUT_REGISTER_0,
        _ => INPUT_REGISTER_1,
    };
    let number = F::from_canonical_u32;
    changed(TABLE, |table| {
        let cells = table.row_mut(row);
        cells[SHARED_COLS].fill(F::ZERO);
        cells[numerator.start] = number(NUMERATOR);
        cells[OUTPUT_REGISTER.start] = number(quotient);
        let remainder = number(NUMERATOR - quotient);
        cells[AUX_INPUT_REGISTER_0.start] = remainder;
        let cells = table.row_mut(row + 1);
        cells[SHARED_COLS].fill(F::ZERO);
        cells[MODULAR_OUT_AUX_RED.start] = remainder;
        cells[MODULAR_MOD_IS_ZERO] = F::ONE;
        cells[MODULAR_DIV_DENOM_IS_ZERO] = F::ONE;
        // No carries: the high parts stand for the offset of the carries.
        let offset = number((AUX_COEFF_ABS_MAX >> LIMB_BITS) as u32);
        cells[MODULAR_AUX_INPUT_HI].fill(offset);
    })
}

#[test]
fn a_quotient_by_zero_is_zero() {
    for (operation, name) in [(IS_DIV, "DIV"), (IS_SHR, "SHR")] {
        assert_eq!(broken(&divide_by_zero(operation, 0), TABLE), []);
        let zero = mend(&format!("the quotient by zero is zero: {name}"));
        for quotient in 1..=NUMERATOR {
            refused_by(&divide_by_zero(operation, quotient), TABLE, [zero]);
        }
    }
}
