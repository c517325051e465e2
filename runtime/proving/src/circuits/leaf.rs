//! The leaf: one segment proof becomes a span.

use evm_arithmetization::cpu::kernel::aggregator::KERNEL;
use evm_arithmetization::verifier::initial_memory_merkle_cap;
use plonky2::field::types::Field;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::VerifierCircuitTarget;
use plonky2::plonk::config::Hasher;
use starky::config::StarkConfig;

use super::arithmetic::Arithmetic;
use super::recursion::{Gates, Step, finish, register_key};
use super::span::{ROOTS, Span, take};
use super::{Builder, C, Circuit, D, F, PlonkyProof, ProofTarget, VerifierKey};

/// Limbs of the 256 hashes that a block sees.
const WINDOW: usize = 8 * 256;
/// Elements of a register set: program counter, kernel mode, stack length, stack top (8), context, gas.
const REGISTERS: usize = 13;
/// Elements of a memory cap.
const MEMORY_CAP: usize = 64;

/// The public inputs of a segment proof, in the library's order. Its cyclic verifier data follow; the segment
/// circuit does not use them and neither do we. The checkpoint fields mean nothing here.
pub(crate) struct Segment<T> {
    pub(crate) roots_before: [T; ROOTS],
    pub(crate) roots_after: [T; ROOTS],
    pub(crate) beneficiary: [T; 5],
    pub(crate) timestamp: T,
    pub(crate) number: T,
    pub(crate) difficulty: T,
    pub(crate) random: [T; 8],
    pub(crate) gas_limit: T,
    pub(crate) chain_id: T,
    pub(crate) base_fee: [T; 2],
    pub(crate) gas_used: T,
    pub(crate) blob_gas_used: [T; 2],
    pub(crate) excess_blob_gas: [T; 2],
    pub(crate) beacon_root: [T; 8],
    pub(crate) bloom: [T; 64],
    pub(crate) previous_hashes: [T; WINDOW],
    pub(crate) block_hash: [T; 8],
    pub(crate) transactions: [T; 2],
    pub(crate) gas: [T; 2],
    pub(crate) registers_before: [T; REGISTERS],
    pub(crate) registers_after: [T; REGISTERS],
    pub(crate) memory_before: [T; MEMORY_CAP],
    pub(crate) memory_after: [T; MEMORY_CAP],
}

impl<T: Copy> Segment<T> {
    pub(crate) fn from_slice(elements: &[T]) -> Self {
        let mut rest = elements;
        let rest = &mut rest;
        let one = |rest: &mut &[T]| take::<T, 1>(rest)[0];
        Self {
            roots_before: take(rest),
            roots_after: take(rest),
            beneficiary: take(rest),
            timestamp: one(rest),
            number: one(rest),
            difficulty: one(rest),
            random: take(rest),
            gas_limit: one(rest),
            chain_id: one(rest),
            base_fee: take(rest),
            gas_used: one(rest),
            blob_gas_used: take(rest),
            excess_blob_gas: take(rest),
            beacon_root: take(rest),
            bloom: take(rest),
            previous_hashes: take(rest),
            block_hash: take(rest),
            transactions: {
                let _checkpoint: [T; 12] = take(rest);
                take(rest)
            },
            gas: take(rest),
            registers_before: take(rest),
            registers_after: take(rest),
            memory_before: take(rest),
            memory_after: take(rest),
        }
    }
}

/// The values that are the same in a whole block and that S needs, or that meet the neighbouring blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockValues<T> {
    pub(crate) chain_id: T,
    pub(crate) parent_hash: [T; 8],
    pub(crate) beneficiary: [T; 5],
    pub(crate) number: T,
    pub(crate) gas_limit: T,
    pub(crate) gas_used: T,
    pub(crate) timestamp: T,
    pub(crate) random: [T; 8],
    pub(crate) base_fee: [T; 2],
    pub(crate) beacon_root: [T; 8],
    pub(crate) block_hash: [T; 8],
    pub(crate) window_before: [T; 4],
    pub(crate) window_after: [T; 4],
}

/// Elements of [`BlockValues`].
pub(crate) const BLOCK_VALUES: usize = 52;

impl<T: Copy> BlockValues<T> {
    pub(crate) fn from_slice(elements: &[T]) -> Self {
        let mut rest = elements;
        let rest = &mut rest;
        let one = |rest: &mut &[T]| take::<T, 1>(rest)[0];
        Self {
            chain_id: one(rest),
            parent_hash: take(rest),
            beneficiary: take(rest),
            number: one(rest),
            gas_limit: one(rest),
            gas_used: one(rest),
            timestamp: one(rest),
            random: take(rest),
            base_fee: take(rest),
            beacon_root: take(rest),
            block_hash: take(rest),
            window_before: take(rest),
            window_after: take(rest),
        }
    }

    pub(crate) fn to_array(self) -> [T; BLOCK_VALUES] {
        let mut out = vec![self.chain_id];
        out.extend(self.parent_hash);
        out.extend(self.beneficiary);
        out.extend([self.number, self.gas_limit, self.gas_used, self.timestamp]);
        out.extend(self.random);
        out.extend(self.base_fee);
        out.extend(self.beacon_root);
        out.extend(self.block_hash);
        out.extend(self.window_before);
        out.extend(self.window_after);
        out.try_into()
            .ok()
            .expect("the lengths above add up to BLOCK_VALUES")
    }

    fn of_segment(segment: &Segment<T>, window_before: [T; 4], window_after: [T; 4]) -> Self {
        let parent = &segment.previous_hashes[WINDOW - 8..];
        Self {
            chain_id: segment.chain_id,
            parent_hash: parent.try_into().expect("a hash has eight limbs"),
            beneficiary: segment.beneficiary,
            number: segment.number,
            gas_limit: segment.gas_limit,
            gas_used: segment.gas_used,
            timestamp: segment.timestamp,
            random: segment.random,
            base_fee: segment.base_fee,
            beacon_root: segment.beacon_root,
            block_hash: segment.block_hash,
            window_before,
            window_after,
        }
    }
}

/// Digest of the machine's state in which every transaction batch starts: at `main` in kernel mode, empty
/// stack, context 0, no gas used, memory holding the kernel alone.
pub(crate) fn start_state(config: &StarkConfig) -> [F; 4] {
    let main = F::from_canonical_usize(KERNEL.global_labels["main"]);
    let mut elements = vec![main, F::ONE];
    elements.resize(REGISTERS, F::ZERO);
    let fri = &config.fri_config;
    let cap = initial_memory_merkle_cap::<F, C, D>(fri.rate_bits, fri.cap_height);
    elements.extend(cap.flatten());
    PoseidonHash::hash_no_pad(&elements).elements
}

pub(crate) struct LeafTargets {
    segment: ProofTarget,
    key: VerifierCircuitTarget,
}

/// The leaf over proofs of the segment circuit.
pub(crate) fn build(
    segment_circuit: &Circuit,
    gates: &Gates,
    min_degree_bits: usize,
) -> Step<LeafTargets> {
    let mut builder = gates.builder();
    let common = &segment_circuit.common;
    let proof = builder.add_virtual_proof_with_pis(common);
    let segment_key = builder.constant_verifier_data::<C>(&segment_circuit.verifier_only);
    builder.verify_proof::<C>(&proof, &segment_key, common);
    let segment = Segment::from_slice(&proof.public_inputs);
    constrain_constants(&mut builder, &segment);
    let span = fold(&mut builder, &segment);
    builder.register_public_inputs(&span.to_vec());
    let key = register_key(&mut builder);
    finish(
        builder,
        gates,
        min_degree_bits,
        LeafTargets {
            segment: proof,
            key,
        },
    )
}

/// Header fields that are constants of the chain. The kernel could show some of them to contracts.
fn constrain_constants(builder: &mut Builder, segment: &Segment<Target>) {
    let zero = [
        &segment.blob_gas_used[..],
        &segment.excess_blob_gas,
        &[segment.difficulty],
    ]
    .concat();
    for target in zero {
        builder.assert_zero(target);
    }
    let ones = builder.constant(F::from_canonical_u32(u32::MAX));
    for limb in segment.bloom {
        builder.connect(limb, ones);
    }
}

fn fold(builder: &mut Builder, segment: &Segment<Target>) -> Span<Target> {
    let window_before = builder.hash(&segment.previous_hashes);
    let shifted = [&segment.previous_hashes[8..], &segment.block_hash].concat();
    let window_after = builder.hash(&shifted);
    let values = BlockValues::of_segment(segment, window_before, window_after);
    let state = |builder: &mut Builder, registers: &[Target], memory: &[Target]| {
        builder.hash(&[registers, memory].concat())
    };
    Span {
        roots_before: segment.roots_before,
        roots_after: segment.roots_after,
        transactions: segment.transactions,
        gas: segment.gas,
        start: state(builder, &segment.registers_before, &segment.memory_before),
        end: state(builder, &segment.registers_after, &segment.memory_after),
        halted: has_halted(builder, &segment.registers_after),
        single: builder.one(),
        block: values.to_array(),
    }
}

/// At `halt`, in kernel mode, with an empty stack, in context 0.
fn has_halted(builder: &mut Builder, registers: &[Target; REGISTERS]) -> Target {
    let [counter, kernel, stack_len, .., context, _gas] = *registers;
    let halt = builder.constant(F::from_canonical_usize(KERNEL.global_labels["halt"]));
    let (one, zero) = (builder.one(), builder.zero());
    let mut halted = builder.is_equal(counter, halt);
    for (found, expected) in [(kernel, one), (stack_len, zero), (context, zero)] {
        let holds = builder.is_equal(found, expected);
        halted = builder.and(halted, holds);
    }
    halted.target
}

impl Step<LeafTargets> {
    /// `merge` is the verifier data of the span merge.
    pub(crate) fn prove(
        &self,
        segment: &PlonkyProof,
        merge: &VerifierKey,
    ) -> anyhow::Result<PlonkyProof> {
        let mut witness = PartialWitness::new();
        witness.set_proof_with_pis_target(&self.targets.segment, segment)?;
        witness.set_verifier_data_target(&self.targets.key, merge)?;
        self.circuit.prove(witness)
    }
}
