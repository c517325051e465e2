//! What a step of the recursion requires and computes, written once and evaluated twice: by the circuit on targets, and
//! natively on field elements, to know what a proof must state and which rule its children break.

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::target::Target;
use plonky2::plonk::config::Hasher;

use super::{Builder, F};

/// Operations on elements of the field and of its quadratic extension.
pub(crate) trait Arithmetic {
    /// An element.
    type Value: Copy;

    fn constant(&mut self, value: F) -> Self::Value;

    fn add(&mut self, left: Self::Value, right: Self::Value) -> Self::Value;

    fn sub(&mut self, left: Self::Value, right: Self::Value) -> Self::Value;

    /// Poseidon `hash_no_pad`. Of eight elements, it is `two_to_one` of the two halves.
    fn hash(&mut self, elements: &[Self::Value]) -> [Self::Value; 4];

    /// a · b + c, in the extension.
    fn mul_add(
        &mut self,
        a: [Self::Value; 2],
        b: [Self::Value; 2],
        c: [Self::Value; 2],
    ) -> [Self::Value; 2];

    /// In the extension.
    fn power(&mut self, base: [Self::Value; 2], exponent: usize) -> [Self::Value; 2];

    /// The rule is that both are equal.
    fn require(&mut self, rule: &'static str, left: &[Self::Value], right: &[Self::Value]);

    /// As [`Self::require`] where `condition` is 1; it is 0 otherwise.
    fn require_if(
        &mut self,
        condition: Self::Value,
        rule: &'static str,
        left: &[Self::Value],
        right: &[Self::Value],
    );

    fn constants<const N: usize>(&mut self, values: [F; N]) -> [Self::Value; N] {
        values.map(|value| self.constant(value))
    }

    /// Σ elements\[i\] · point^i.
    fn evaluate(&mut self, elements: &[Self::Value], point: [Self::Value; 2]) -> [Self::Value; 2] {
        let zero = self.constant(F::ZERO);
        let add = |value, &element| self.mul_add(value, point, [element, zero]);
        elements.iter().rev().fold([zero; 2], add)
    }
}

impl Arithmetic for Builder {
    type Value = Target;

    fn constant(&mut self, value: F) -> Target {
        Builder::constant(self, value)
    }

    fn add(&mut self, left: Target, right: Target) -> Target {
        Builder::add(self, left, right)
    }

    fn sub(&mut self, left: Target, right: Target) -> Target {
        Builder::sub(self, left, right)
    }

    fn hash(&mut self, elements: &[Target]) -> [Target; 4] {
        self.hash_n_to_hash_no_pad::<PoseidonHash>(elements.to_vec())
            .elements
    }

    fn mul_add(&mut self, a: [Target; 2], b: [Target; 2], c: [Target; 2]) -> [Target; 2] {
        let [a, b, c] = [a, b, c].map(ExtensionTarget);
        self.mul_add_extension(a, b, c).0
    }

    fn power(&mut self, base: [Target; 2], exponent: usize) -> [Target; 2] {
        self.exp_u64_extension(ExtensionTarget(base), exponent as u64)
            .0
    }

    fn require(&mut self, _: &'static str, left: &[Target], right: &[Target]) {
        assert_eq!(left.len(), right.len());
        for (&left, &right) in left.iter().zip(right) {
            self.connect(left, right);
        }
    }

    fn require_if(
        &mut self,
        condition: Target,
        _: &'static str,
        left: &[Target],
        right: &[Target],
    ) {
        assert_eq!(left.len(), right.len());
        for (&left, &right) in left.iter().zip(right) {
            self.conditional_assert_eq(condition, left, right);
        }
    }
}

/// On field elements: remembers the first rule that is broken.
#[derive(Debug, Default)]
pub(crate) struct Native {
    broken: Option<&'static str>,
}

impl Native {
    /// What is computed, or the first rule that is broken.
    pub(crate) fn evaluate<T>(compute: impl FnOnce(&mut Self) -> T) -> Result<T, &'static str> {
        let mut native = Self::default();
        let computed = compute(&mut native);
        native.broken.map_or(Ok(computed), Err)
    }
}

impl Arithmetic for Native {
    type Value = F;

    fn constant(&mut self, value: F) -> F {
        value
    }

    fn add(&mut self, left: F, right: F) -> F {
        left + right
    }

    fn sub(&mut self, left: F, right: F) -> F {
        left - right
    }

    fn hash(&mut self, elements: &[F]) -> [F; 4] {
        PoseidonHash::hash_no_pad(elements).elements
    }

    fn mul_add(&mut self, a: [F; 2], b: [F; 2], c: [F; 2]) -> [F; 2] {
        let [a, b, c] = [a, b, c].map(QuadraticExtension);
        (a * b + c).0
    }

    fn power(&mut self, base: [F; 2], exponent: usize) -> [F; 2] {
        QuadraticExtension(base).exp_u64(exponent as u64).0
    }

    fn require(&mut self, rule: &'static str, left: &[F], right: &[F]) {
        if left != right {
            self.broken.get_or_insert(rule);
        }
    }

    fn require_if(&mut self, condition: F, rule: &'static str, left: &[F], right: &[F]) {
        if condition == F::ONE {
            self.require(rule, left, right);
        }
    }
}
