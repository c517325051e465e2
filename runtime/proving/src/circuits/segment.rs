//! The library's part: STARKs of a segment, shrunk and combined by its segment ("root") circuit.
//!
//! Only the per-table circuits and the segment circuit are built, none of the library's upper circuits.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use evm_arithmetization::all_stark::{AllStark, OPTIONAL_TABLE_INDICES, Table as LibraryTable};
use evm_arithmetization::fixed_recursive_verifier::{
    AllRecursiveCircuits, RecursionConfig, RecursiveCircuitsForTable, RootCircuitData,
};
use evm_arithmetization::recursive_verifier::set_public_value_targets;
use evm_arithmetization::{GenerationSegmentData, TrimmedGenerationInputs, prover};
use plonky2::field::types::Field;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::recursion::dummy_circuit::{dummy_circuit, dummy_proof};
use plonky2::util::timing::TimingTree;

use super::{C, Circuit, D, F, PlonkyProof};
use crate::error::Unprovable;
use crate::profile::{Profile, TABLE_COUNT, Table};
use crate::simulate::SegmentSizes;

type TableCircuits = RecursiveCircuitsForTable<F, C, D>;

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
    tables: [TableCircuits; TABLE_COUNT],
    root: RootCircuitData<F, C, D>,
    /// Stand-ins for tables that are not in use.
    dummies: [Option<PlonkyProof>; TABLE_COUNT],
}

/// A segment to prove.
pub(crate) struct SegmentInput {
    pub(crate) inputs: TrimmedGenerationInputs,
    pub(crate) data: GenerationSegmentData,
    pub(crate) block: tern_messages::BlockNumber,
    pub(crate) index: usize,
}

impl SegmentCircuits {
    /// Builds all circuits; `progress` is called before each table and before the segment circuit.
    pub(crate) fn build(profile: Profile, progress: &dyn Fn(String)) -> Self {
        let stark = AllStark::<F, D>::default();
        let config = profile.recursion_config();
        let ranges = profile.degree_ranges();
        let tables = LibraryTable::all().map(|table| {
            progress(format!("circuits of table {table:?}"));
            let range = ranges[*table].clone();
            RecursiveCircuitsForTable::of_table(table, &stark, range, &config)
        });
        progress("segment circuit".to_owned());
        let root = AllRecursiveCircuits::create_segment_circuit(
            &tables,
            &config.stark_config,
            &config.recursion_circuit_config,
        );
        let dummies = core::array::from_fn(|table| {
            OPTIONAL_TABLE_INDICES
                .contains(&table)
                .then(|| stand_in(&tables[table]))
        });
        Self {
            profile,
            stark,
            config,
            tables,
            root,
            dummies,
        }
    }

    pub(crate) fn circuit(&self) -> &Circuit {
        &self.root.circuit
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
                    let circuits = &self.tables[table].by_stark_size;
                    let index = circuits.keys().position(|&key| key == size);
                    let circuit = circuits.get(&size).zip(index);
                    let (circuit, index) =
                        circuit.ok_or(anyhow::anyhow!("no circuit for {name}"))?;
                    (
                        index,
                        circuit.shrink(stark_proof, &all_proof.multi_proof.ctl_challenges)?,
                    )
                }
                _ => {
                    let stand_in = self.dummies[table].clone();
                    (
                        0,
                        stand_in.ok_or(anyhow::anyhow!("table {name} must be in use"))?,
                    )
                }
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
fn stand_in(table: &TableCircuits) -> PlonkyProof {
    let common = &table.final_circuits()[0].common;
    let circuit = dummy_circuit::<F, C, D>(common);
    // The library's own `HashMap`; empty: all public inputs are zero.
    dummy_proof(&circuit, HashMap::<usize, F>::new().into_iter().collect())
        .expect("a circuit without constraints can be proven")
}
