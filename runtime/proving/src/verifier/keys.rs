//! The verifier data of all circuits, and their binary form.

use plonky2::util::serialization::DefaultGateSerializer;

use super::{Kind, public_input_count};
use crate::circuits::recursion::Cycle;
use crate::circuits::{VerifierData, batch};

/// Verifier data of a cycle's two circuits.
#[derive(Clone, Debug)]
pub(crate) struct CycleKeys {
    pub(crate) base: VerifierData,
    pub(crate) merge: VerifierData,
}

impl<B, M> From<&Cycle<B, M>> for CycleKeys {
    fn from(cycle: &Cycle<B, M>) -> Self {
        Self {
            base: cycle.base.circuit.verifier_data(),
            merge: cycle.merge.circuit.verifier_data(),
        }
    }
}

/// Verifier data of all circuits whose proofs leave a prover.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) span: CycleKeys,
    pub(crate) run: CycleKeys,
    pub(crate) statement: CycleKeys,
    pub(crate) wrap: VerifierData,
}

impl Keys {
    fn all(&self) -> [&VerifierData; 7] {
        let Self {
            span,
            run,
            statement,
            wrap,
        } = self;
        [
            &span.base,
            &span.merge,
            &run.base,
            &run.merge,
            &statement.base,
            &statement.merge,
            wrap,
        ]
    }

    pub(crate) fn to_bytes(&self) -> Vec<Vec<u8>> {
        let write = |key: &VerifierData| {
            key.to_bytes(&DefaultGateSerializer)
                .expect("all gates are plonky2's own")
        };
        self.all().map(write).to_vec()
    }

    /// `None` if anything is malformed.
    pub(crate) fn from_bytes(bytes: &[Vec<u8>]) -> Option<Self> {
        let read =
            |bytes: &Vec<u8>| VerifierData::from_bytes(bytes.clone(), &DefaultGateSerializer).ok();
        let keys: Vec<VerifierData> = bytes.iter().map(read).collect::<Option<_>>()?;
        let [a, b, c, d, e, f, wrap] = keys.try_into().ok()?;
        let keys = Self {
            span: CycleKeys { base: a, merge: b },
            run: CycleKeys { base: c, merge: d },
            statement: CycleKeys { base: e, merge: f },
            wrap,
        };
        keys.is_well_formed().then_some(keys)
    }

    fn is_well_formed(&self) -> bool {
        let cycles = [
            (Kind::Span, &self.span),
            (Kind::Run, &self.run),
            (Kind::Statement, &self.statement),
        ];
        let cycles = cycles.into_iter().all(|(kind, cycle)| {
            cycle.base.common == cycle.merge.common
                && cycle.base.common.num_public_inputs == public_input_count(kind, &cycle.base)
        });
        cycles && self.wrap.common.num_public_inputs == batch::DIGEST
    }
}
