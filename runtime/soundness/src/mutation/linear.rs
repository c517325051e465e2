//! Linear combinations, mod p.

use plonky2::field::types::Field;

use crate::F;

/// The cells that are not zero, by column.
pub(crate) type Row = Vec<(usize, F)>;

/// All combinations of some sparse rows.
pub(crate) struct Span {
    /// Columns that are rows by themselves.
    single: Vec<bool>,
    /// The place of each other column.
    place: Vec<usize>,
    /// Combinations, by the place of the first column that is not zero, which is 1.
    basis: Vec<Option<Vec<F>>>,
}

impl Span {
    /// The span of rows of `width` columns. Most rows have few cells, and are done with first.
    pub(crate) fn of<'a>(rows: impl Iterator<Item = &'a [(usize, F)]>, width: usize) -> Self {
        let mut rows: Vec<&[(usize, F)]> = rows.collect();
        let mut single = vec![false; width];
        loop {
            let before = rows.len();
            rows.retain(|row| {
                let mut others = row.iter().filter(|(column, _)| !single[*column]);
                match (others.next(), others.next()) {
                    (Some(&(column, _)), None) => {
                        single[column] = true;
                        false
                    }
                    (first, _) => first.is_some(),
                }
            });
            if rows.len() == before {
                break;
            }
        }
        let mut place = vec![0; width];
        let mut others = 0;
        for column in (0..width).filter(|&column| !single[column]) {
            place[column] = others;
            others += 1;
        }
        let mut span = Self {
            single,
            place,
            basis: vec![None; others],
        };
        for row in rows {
            let rest = span.rest(row);
            if let Some(first) = rest.iter().position(F::is_nonzero) {
                let scale = rest[first].inverse();
                span.basis[first] = Some(rest.into_iter().map(|x| x * scale).collect());
            }
        }
        span
    }

    /// What is left of a row without the combinations that begin like it.
    fn rest(&self, row: &[(usize, F)]) -> Vec<F> {
        let mut rest = vec![F::ZERO; self.basis.len()];
        for &(column, value) in row.iter().filter(|(column, _)| !self.single[*column]) {
            rest[self.place[column]] = value;
        }
        for first in 0..rest.len() {
            let factor = rest[first];
            if let (true, Some(row)) = (factor.is_nonzero(), &self.basis[first]) {
                for (cell, &other) in rest[first..].iter_mut().zip(&row[first..]) {
                    *cell -= factor * other;
                }
            }
        }
        rest
    }

    pub(crate) fn contains(&self, row: &[(usize, F)]) -> bool {
        self.rest(row).iter().all(F::is_zero)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_contains_combinations_and_nothing_else() {
        let number = F::from_canonical_u64;
        let rows = [
            vec![(0, number(3))],
            vec![(0, F::ONE), (1, F::ONE), (2, F::TWO)],
            vec![(1, F::ONE), (2, F::ONE), (3, F::ONE)],
        ];
        let span = Span::of(rows.iter().map(Vec::as_slice), 4);
        assert!(span.contains(&[(0, F::ONE)]));
        assert!(span.contains(&[(1, F::TWO), (2, number(4))]));
        assert!(span.contains(&[(2, F::ONE), (3, F::NEG_ONE)]));
        assert!(!span.contains(&[(1, F::ONE)]));
        assert!(!span.contains(&[(3, F::ONE)]));
    }
}
