//! The library's part: STARKs of a segment, shrunk and combined by its segment ("root") circuit.
//!
//! Only the segment circuit is built at start, the circuits of tables when needed (see
//! [`tables`](super::tables)), and none of the library's upper circuits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use evm_arithmetization::all_stark::{AllStark, OPTIONAL_TABLE_INDICES};
use evm_arithmetization::fixed_recursive_verifier::{
    AllRecursiveCircuits, RecursionConfig, RootCircuitData,
};
use evm_arithmetization::recursive_verifier::set_public_value_targets;
use evm_arithmetization::{GenerationSegmentData, TrimmedGenerationInputs, prover};
use plonky2::field::types::Field;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::recursion::dummy_circuit::{dummy_circuit, dummy_proof};
use plonky2::util::timing::TimingTree;

use super::tables::{TableKeys, Tables};
use super::{C, Circuit, Common, D, F, PlonkyProof};
use crate::error::Unprovable;
use crate::profile::{Profile, TABLE_COUNT, Table};
use crate::simulate::SegmentSizes;

/// Why a segment was not proven.
pub(crate) enum SegmentError {
    Aborted,
    Unprovable(Unprovable),
    Failed(String),
}

impl From<anyhow::Error> for SegmentError {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

pub(crate) struct SegmentCircuits {
    profile: Profile,
    stark: AllStark<F, D>,
    config: RecursionConfig,
    tables: Tables,
    root: RootCircuitData<F, C, D>,
    /// Stand-ins for tables that are not in use, made when first needed.
    stand_ins: [OnceLock<PlonkyProof>; TABLE_COUNT],
}

/// A segment to prove.
pub(crate) struct SegmentInput {
    pub(crate) inputs: TrimmedGenerationInputs,
    pub(crate) data: GenerationSegmentData,
    pub(crate) block: tern_messages::BlockNumber,
    pub(crate) index: usize,
}

impl SegmentCircuits {
    /// Builds the segment circuit over circuits of tables with the given verifier data.
    pub(crate) fn build(profile: Profile, keys: TableKeys) -> Self {
        let config = profile.recursion_config();
        let root = AllRecursiveCircuits::create_segment_circuit(
            &keys,
            &config.stark_config,
            &config.recursion_circuit_config,
        );
        let tables = Tables::new(profile, keys);
        Self {
            profile,
            stark: AllStark::default(),
            config,
            tables,
            root,
            stand_ins: Default::default(),
        }
    }

    pub(crate) fn table_keys(&self) -> &TableKeys {
        self.tables.keys()
    }

    pub(crate) fn circuit(&self) -> &Circuit {
        &self.root.circuit
    }

    /// Where the prover says which circuit of `table` it has used.
    #[cfg(test)]
    pub(crate) fn index_target(&self, table: Table) -> plonky2::iop::target::Target {
        self.root.index_verifier_data[table as usize]
    }

    /// Proves a segment; `progress` is called before each step.
    pub(crate) fn prove(
        &self,
        mut segment: SegmentInput,
        abort: &Arc<AtomicBool>,
        progress: &dyn Fn(String),
    ) -> Result<PlonkyProof, SegmentError> {
        progress("tables".to_owned());
        let all_proof = prover::prove::<F, C, D>(
            &self.stark,
            &self.config.stark_config,
            segment.inputs,
            &mut segment.data,
            &mut TimingTree::default(),
            Some(abort.clone()),
        )
        .map_err(|error| match abort.load(Ordering::Relaxed) {
            true => SegmentError::Aborted,
            false => error.into(),
        })?;
        let sizes = all_proof.degree_bits(&self.config.stark_config);
        SegmentSizes(core::array::from_fn(|table| {
            all_proof.table_in_use[table]
                .then_some(sizes[table])
                .flatten()
                .map(|bits| bits as u8)
        }))
        .check(self.profile, segment.block, segment.index)
        .map_err(SegmentError::Unprovable)?;

        let mut witness = PartialWitness::new();
        for (table, name) in Table::ALL.into_iter().enumerate() {
            progress(format!("recursion of table {name}"));
            let (index, proof) = match &all_proof.multi_proof.stark_proofs[table] {
                Some(stark_proof) if all_proof.table_in_use[table] => {
                    let size = sizes[table].ok_or(anyhow::anyhow!("table {name} has no size"))?;
                    let building = || progress(format!("building the circuits of table {name}"));
                    let circuits = self.tables.circuits(&self.stark, table, size, building);
                    let (index, circuits) = circuits?;
                    (
                        index,
                        circuits.shrink(stark_proof, &all_proof.multi_proof.ctl_challenges)?,
                    )
                }
                _ if OPTIONAL_TABLE_INDICES.contains(&table) => {
                    let common = &self.tables.keys()[table][0].common;
                    (
                        0,
                        self.stand_ins[table]
                            .get_or_init(|| stand_in(common))
                            .clone(),
                    )
                }
                _ => return Err(anyhow::anyhow!("table {name} must be in use").into()),
            };
            witness.set_target(
                self.root.index_verifier_data[table],
                F::from_canonical_usize(index),
            )?;
            witness.set_proof_with_pis_target(&self.root.proof_with_pis[table], &proof)?;
            witness
                .set_bool_target(self.root.table_in_use[table], all_proof.table_in_use[table])?;
            if abort.load(Ordering::Relaxed) {
                return Err(SegmentError::Aborted);
            }
        }
        progress("segment circuit".to_owned());
        witness.set_target(
            self.root.lookup_pow_witness,
            all_proof.multi_proof.lookup_pow_witness,
        )?;
        set_public_value_targets::<F, _, D>(
            &mut witness,
            &self.root.public_values,
            &all_proof.public_values,
        )
        .map_err(|error| SegmentError::Failed(format!("{error:?}")))?;
        // The library's cyclic verifier data: public inputs that nothing uses.
        witness.set_verifier_data_target(&self.root.cyclic_vk, &self.root.circuit.verifier_only)?;
        Ok(self.root.circuit.prove(witness)?)
    }
}

/// A proof of the shape that the table's circuits have; the segment circuit does not look at what it says.
fn stand_in(common: &Common) -> PlonkyProof {
    let circuit = dummy_circuit::<F, C, D>(common);
    // The library's own `HashMap`; empty: all public inputs are zero.
    dummy_proof(&circuit, HashMap::<usize, F>::new().into_iter().collect())
        .expect("a circuit without constraints can be proven")
}
