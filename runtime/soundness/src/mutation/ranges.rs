//! Which cells are fixed by what is known of their range.
//!
//! A limb is below 2^16, so that two values of it differ by less. Take a constraint that is linear in the limbs that are
//! not fixed yet, with coefficients so small that it is an equation of integers. If one of these is an odd multiple of
//! 2^k and all others are multiples of 2^(k+16), the first limb's difference is a multiple of 2^16: it is zero. Then the
//! next may be fixed, as limbs and carries are in turn:
//!
//! ```text
//! product_0 - result_0 = 2^16 carry_0                result_0 is fixed, and then carry_0
//! product_1 - result_1 = 2^16 carry_1 - carry_0      result_1 is fixed, and then carry_1
//! ```

use plonky2::field::types::{Field, Field64, PrimeField64};

use super::discrete::mix;
use super::linear::Row;
use crate::F;

/// Bits of a limb.
const LIMB: u32 = 16;

/// What is known of the cells of a row beside derivatives.
pub(super) struct Ranges {
    /// Whether a cell is a limb.
    limbs: Vec<bool>,
    /// Whether a cell is one that some constraints were found linear in, all together.
    open: Vec<bool>,
    /// Which constraints these are.
    linear: Vec<bool>,
}

impl Ranges {
    /// Finds the constraints that are linear in all cells that others do not fix by themselves. `changes` says what
    /// becomes of each constraint with steps along some cells.
    pub(super) fn of(
        limbs: Vec<bool>,
        gradients: &[&Row],
        changes: impl FnOnce(&[(usize, F)]) -> Vec<F>,
    ) -> Self {
        let mut fixed = vec![false; limbs.len()];
        while let Some(cell) = gradients.iter().find_map(|row| only(row, &fixed)) {
            fixed[cell] = true;
        }
        let step = |cell: usize| F::from_noncanonical_u64(mix(cell as u64));
        let open = (0..limbs.len()).filter(|&cell| !fixed[cell]);
        let changes = changes(&open.map(|cell| (cell, step(cell))).collect::<Vec<_>>());
        let linear = gradients.iter().zip(changes).map(|(row, change)| {
            let slopes = row.iter().filter(|(cell, _)| !fixed[*cell]);
            let expected: F = slopes.map(|&(cell, slope)| slope * step(cell)).sum();
            change == expected
        });
        Self {
            linear: linear.collect(),
            open: fixed.iter().map(|fixed| !fixed).collect(),
            limbs,
        }
    }

    /// The cells that some of the constraints fix, each with its place among all.
    pub(super) fn fixed(&self, gradients: &[(usize, &Row)]) -> Vec<usize> {
        let mut fixed = vec![false; self.limbs.len()];
        let next = |fixed: &[bool]| {
            let mut gradients = gradients.iter();
            gradients.find_map(|&(place, row)| {
                only(row, fixed).or_else(|| self.lowest(row, fixed).filter(|_| self.linear[place]))
            })
        };
        while let Some(cell) = next(&fixed) {
            fixed[cell] = true;
        }
        (0..fixed.len()).filter(|&cell| fixed[cell]).collect()
    }

    /// The limb that is fixed because all others count in higher places.
    fn lowest(&self, row: &[(usize, F)], fixed: &[bool]) -> Option<usize> {
        let free = row.iter().filter(|(cell, _)| !fixed[*cell]);
        let mut places = Vec::new();
        let mut largest: u128 = 0;
        for &(cell, slope) in free {
            if !self.limbs[cell] || !self.open[cell] {
                return None;
            }
            let slope = slope.to_canonical_u64();
            let size = slope.min(F::ORDER - slope);
            largest += u128::from(size) << LIMB;
            places.push((size.trailing_zeros(), cell));
        }
        places.sort_unstable();
        let (lowest, others) = places.split_first()?;
        let above = others.first().is_none_or(|next| next.0 >= lowest.0 + LIMB);
        (above && largest < u128::from(F::ORDER)).then_some(lowest.1)
    }
}

/// The one cell of a gradient that is not fixed.
fn only(row: &[(usize, F)], fixed: &[bool]) -> Option<usize> {
    let mut free = row.iter().filter(|(cell, _)| !fixed[*cell]);
    match (free.next(), free.next()) {
        (Some(&(cell, _)), None) => Some(cell),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(limbs: [bool; 4], slopes: [i64; 4]) -> Vec<usize> {
        let number = F::from_noncanonical_i64;
        let row: Row = slopes.map(number).into_iter().enumerate().collect();
        let change = |steps: &[(usize, F)]| -> Vec<F> {
            let terms = steps.iter().map(|&(cell, step)| step * row[cell].1);
            vec![terms.sum()]
        };
        let ranges = Ranges::of(limbs.into(), &[&row], change);
        ranges.fixed(&[(0, &row)])
    }

    #[test]
    fn limbs_are_fixed_from_the_lowest() {
        let limbs = [true; 4];
        assert_eq!(fixed(limbs, [1, 1 << 16, 1 << 32, -1 << 45]), [0, 1]);
        assert_eq!(fixed(limbs, [-1 << 32, 3, 5 << 16, 1 << 16]), [1]);
        assert_eq!(fixed(limbs, [-1, 1 << 15, 1 << 32, 1 << 32]), [0; 0]);
    }

    #[test]
    fn other_cells_and_sums_that_wrap_fix_nothing() {
        let limbs = [true, true, false, true];
        assert_eq!(fixed(limbs, [1, 1 << 16, 1 << 32, 1 << 45]), [0; 0]);
        let places = [1, 1 << 16, 1 << 32, 1 << 48];
        assert_eq!(fixed([true; 4], places), [0; 0]);
    }
}
