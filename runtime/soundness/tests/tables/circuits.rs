//! Constraints have degree 3 at most, and circuits evaluate the same ones.

use evm_arithmetization::AllStark;
use plonky2::plonk::config::PoseidonGoldilocksConfig;
use starky::stark::Stark;
use starky::stark_testing::{test_stark_circuit_constraints, test_stark_low_degree};
use tern_soundness::F;

const D: usize = 2;

fn assert_of_degree_three_and_alike_in_circuits<S: Stark<F, D> + Copy>(stark: S) {
    assert_eq!(stark.constraint_degree(), 3);
    test_stark_low_degree(stark).unwrap();
    test_stark_circuit_constraints::<F, PoseidonGoldilocksConfig, S, D>(stark).unwrap();
}

#[test]
fn arithmetic_is_the_same_in_circuits() {
    assert_of_degree_three_and_alike_in_circuits(AllStark::<F, D>::default().arithmetic_stark);
}

#[test]
fn byte_packing_is_the_same_in_circuits() {
    assert_of_degree_three_and_alike_in_circuits(AllStark::<F, D>::default().byte_packing_stark);
}

#[test]
fn cpu_is_the_same_in_circuits() {
    assert_of_degree_three_and_alike_in_circuits(AllStark::<F, D>::default().cpu_stark);
}

#[test]
fn keccak_is_the_same_in_circuits() {
    assert_of_degree_three_and_alike_in_circuits(AllStark::<F, D>::default().keccak_stark);
}

#[test]
fn keccak_sponge_is_the_same_in_circuits() {
    assert_of_degree_three_and_alike_in_circuits(AllStark::<F, D>::default().keccak_sponge_stark);
}

#[test]
fn logic_is_the_same_in_circuits() {
    assert_of_degree_three_and_alike_in_circuits(AllStark::<F, D>::default().logic_stark);
}

#[test]
fn memory_is_the_same_in_circuits() {
    assert_of_degree_three_and_alike_in_circuits(AllStark::<F, D>::default().memory_stark);
}

#[test]
fn memory_between_segments_is_the_same_in_circuits() {
    assert_of_degree_three_and_alike_in_circuits(AllStark::<F, D>::default().mem_before_stark);
}
