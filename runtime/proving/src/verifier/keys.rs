//! The verifier data of all circuits, and their binary form.

use evm_arithmetization::all_stark::TABLE_DEGREE_BITS;
use plonky2::util::serialization::DefaultGateSerializer;
use serde::{Deserialize, Serialize};

use crate::circuits::batch::DIGEST;
use crate::circuits::block::RUN_LEN;
use crate::circuits::recursion::{Cycle, key_len};
use crate::circuits::span::SPAN_LEN;
use crate::circuits::tables::TableKeys;
use crate::circuits::{Common, VerifierData, VerifierKey};
use crate::onchain::VerifierKey as ContractKey;

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

/// Verifier data of all circuits whose proofs leave a prover, and of those of the machine's tables, over which
/// the segment circuit is built.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) span: CycleKeys,
    pub(crate) run: CycleKeys,
    pub(crate) batch: VerifierData,
    /// Of the last recursive circuit, which the final circuit verifies.
    pub(crate) shrunk: VerifierData,
    /// Of the final circuit: what the contract is deployed with.
    pub(crate) contract: ContractKey,
    pub(crate) tables: TableKeys,
}

/// The binary form: all shapes once, then each circuit's shape by index and its verifier data.
#[derive(Serialize, Deserialize)]
struct Stored {
    shapes: Vec<Vec<u8>>,
    circuits: Vec<(u8, Vec<u8>)>,
    contract: ContractKey,
}

impl Keys {
    fn all(&self) -> Vec<&VerifierData> {
        let Self {
            span,
            run,
            batch,
            shrunk,
            tables,
            ..
        } = self;
        let ours = [
            &span.base,
            &span.merge,
            &run.base,
            &run.merge,
            batch,
            shrunk,
        ];
        ours.into_iter().chain(tables.iter().flatten()).collect()
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut stored = Stored {
            shapes: Vec::new(),
            circuits: Vec::new(),
            contract: self.contract.clone(),
        };
        for key in self.all() {
            let shape = key.common.to_bytes(&DefaultGateSerializer);
            let shape = shape.expect("all gates are plonky2's own");
            let known = stored.shapes.iter().position(|known| *known == shape);
            let index = known.unwrap_or_else(|| {
                stored.shapes.push(shape);
                stored.shapes.len() - 1
            });
            let data = key.verifier_only.to_bytes().expect("writing to memory");
            stored.circuits.push((index as u8, data));
        }
        tern_messages::encode(&stored)
    }

    /// `None` if anything is malformed.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let stored: Stored = tern_messages::decode(bytes).ok()?;
        let read = |bytes: &Vec<u8>| Common::from_bytes(bytes.clone(), &DefaultGateSerializer).ok();
        let shapes: Vec<Common> = stored.shapes.iter().map(read).collect::<Option<_>>()?;
        let circuit = |(shape, bytes): &(u8, Vec<u8>)| {
            let verifier_only = VerifierKey::from_bytes(bytes.clone()).ok()?;
            Some(VerifierData {
                verifier_only,
                common: shapes.get(usize::from(*shape))?.clone(),
            })
        };
        let mut circuits: Vec<VerifierData> =
            stored.circuits.iter().map(circuit).collect::<Option<_>>()?;
        let mut tables = TableKeys::default();
        for (table, sizes) in TABLE_DEGREE_BITS.iter().enumerate().rev() {
            let start = circuits.len().checked_sub(sizes.len())?;
            tables[table] = circuits.split_off(start);
        }
        let [a, b, c, d, batch, shrunk] = circuits.try_into().ok()?;
        let keys = Self {
            span: CycleKeys { base: a, merge: b },
            run: CycleKeys { base: c, merge: d },
            batch,
            shrunk,
            contract: stored.contract,
            tables,
        };
        keys.is_well_formed().then_some(keys)
    }

    fn is_well_formed(&self) -> bool {
        let cycle = |CycleKeys { base, merge }: &CycleKeys, len: usize| {
            base.common == merge.common
                && base.common.num_public_inputs == len + key_len(&base.common.config)
        };
        cycle(&self.span, SPAN_LEN)
            && cycle(&self.run, RUN_LEN)
            && [&self.batch, &self.shrunk].map(|key| key.common.num_public_inputs) == [DIGEST; 2]
    }
}
