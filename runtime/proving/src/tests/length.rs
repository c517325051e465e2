//! The recursion over one table.

use plonky2::field::extension::{Extendable, FieldExtension};
use plonky2::field::packed::PackedField;
use plonky2::field::polynomial::PolynomialValues;
use plonky2::field::types::Field;
use plonky2::fri::FriConfig;
use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::hash::hash_types::RichField;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::util::timing::TimingTree;
use starky::config::StarkConfig;
use starky::constraint_consumer::{ConstraintConsumer, RecursiveConstraintConsumer};
use starky::evaluation_frame::{StarkEvaluationFrame, StarkFrame};
use starky::prover::prove;
use starky::recursive_verifier::{
    add_virtual_stark_proof_with_pis, set_stark_proof_with_pis_target, verify_stark_proof_circuit,
};
use starky::stark::Stark;

use crate::circuits::{C, D, F};

/// One column that counts from 0.
#[derive(Clone, Copy)]
struct Counter;

impl<F: RichField + Extendable<D>, const D: usize> Stark<F, D> for Counter {
    type EvaluationFrame<FE, P, const D2: usize>
        = StarkFrame<P, P::Scalar, 1, 0>
    where
        FE: FieldExtension<D2, BaseField = F>,
        P: PackedField<Scalar = FE>;
    type EvaluationFrameTarget = StarkFrame<ExtensionTarget<D>, ExtensionTarget<D>, 1, 0>;

    fn eval_packed_generic<FE, P, const D2: usize>(
        &self,
        vars: &Self::EvaluationFrame<FE, P, D2>,
        consumer: &mut ConstraintConsumer<P>,
    ) where
        FE: FieldExtension<D2, BaseField = F>,
        P: PackedField<Scalar = FE>,
    {
        let (row, next) = (vars.get_local_values()[0], vars.get_next_values()[0]);
        consumer.constraint_first_row(row);
        consumer.constraint_transition(next - row - P::ONES);
    }

    fn eval_ext_circuit(
        &self,
        builder: &mut CircuitBuilder<F, D>,
        vars: &Self::EvaluationFrameTarget,
        consumer: &mut RecursiveConstraintConsumer<F, D>,
    ) {
        let (row, next) = (vars.get_local_values()[0], vars.get_next_values()[0]);
        consumer.constraint_first_row(builder, row);
        let step = builder.sub_extension(next, row);
        let wrong = builder.add_const_extension(step, F::NEG_ONE);
        consumer.constraint_transition(builder, wrong);
    }

    fn constraint_degree(&self) -> usize {
        2
    }
}

/// Any table of these has no FRI reduction before its final polynomial.
fn config(rate_bits: usize) -> StarkConfig {
    let fri_config = FriConfig {
        rate_bits,
        cap_height: 4,
        proof_of_work_bits: 0,
        reduction_strategy: FriReductionStrategy::ConstantArityBits(4, 4),
        num_query_rounds: 4,
    };
    StarkConfig::new(1, 2, fri_config)
}

/// Proves with the circuit for tables of 2^5 rows that a table counts; the table has 2^`bits` rows and is committed to
/// on as many points as one of 2^5.
fn recursion_over(bits: usize) -> anyhow::Result<()> {
    let expected = config(1);
    let given = config(1 + 5 - bits);
    let column = (0..1 << bits).map(F::from_canonical_usize).collect();
    let trace = vec![PolynomialValues::new(column)];
    // The transcript has a final polynomial of as many coefficients as the circuit looks for.
    let transcript = given.fri_params(5);
    let mut timing = TimingTree::default();
    let proof = prove::<F, C, _, D>(Counter, &given, trace, &[], Some(transcript), &mut timing)?;

    let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
    let target =
        add_virtual_stark_proof_with_pis::<F, _, D>(&mut builder, &Counter, &expected, 5, 0, 0);
    verify_stark_proof_circuit::<F, C, _, D>(
        &mut builder,
        Counter,
        target.clone(),
        &expected,
        None,
    );
    let zero = builder.zero();
    let circuit = builder.build::<C>();
    let mut witness = PartialWitness::new();
    set_stark_proof_with_pis_target(&mut witness, &target, &proof, bits, zero)?;
    circuit.verify(circuit.prove(witness)?)
}

#[test]
fn a_table_cannot_be_claimed_to_be_shorter_than_its_commitment() {
    recursion_over(5).unwrap();
    assert!(recursion_over(4).is_err());
}
