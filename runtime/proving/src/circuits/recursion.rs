//! What all recursive circuits share: gates, padding, cycles.

use plonky2::fri::FriConfig;
use plonky2::gates::gate::GateRef;
use plonky2::gates::noop::NoopGate;
use plonky2::hash::hash_types::NUM_HASH_OUT_ELTS;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::{CircuitConfig, VerifierCircuitTarget};

use super::arithmetic::Arithmetic;
use super::{Builder, C, Circuit, Common, D, F, PlonkyProof, ProofTarget, VerifierKey};

/// Largest degree that a recursive circuit here may have, as log2.
pub(crate) const MAX_DEGREE_BITS: usize = 15;

/// Configuration and gates of all recursive circuits.
pub(crate) struct Gates(Vec<GateRef<F, D>>, CircuitConfig);

impl Gates {
    /// Those of the segment circuit, which verifies proofs and therefore has all that verifying takes.
    pub(crate) fn of(segment: &Circuit) -> Self {
        Self(segment.common.gates.clone(), segment.common.config.clone())
    }

    /// The same with other FRI parameters.
    pub(crate) fn with_fri(&self, fri_config: FriConfig) -> Self {
        Self(
            self.0.clone(),
            CircuitConfig {
                fri_config,
                ..self.1.clone()
            },
        )
    }

    pub(crate) fn builder(&self) -> Builder {
        Builder::new(self.1.clone())
    }
}

/// A circuit with the targets `T` through which it is proven.
pub(crate) struct Step<T> {
    pub(crate) circuit: Circuit,
    pub(crate) targets: T,
}

impl<T> Step<T> {
    pub(crate) fn key(&self) -> &VerifierKey {
        &self.circuit.verifier_only
    }
}

/// Base and merge of a cycle: one shape.
pub(crate) struct Cycle<B, M> {
    pub(crate) base: Step<B>,
    pub(crate) merge: Step<M>,
}

impl<B, M> Cycle<B, M> {
    /// Builds both at the least degree at which they have one shape.
    ///
    /// `base` builds the base circuit with at least the given degree; `merge` builds the circuit that verifies
    /// proofs of the given shape.
    pub(crate) fn build(
        base: impl Fn(usize) -> Step<B>,
        merge: impl Fn(&Step<B>) -> Step<M>,
    ) -> Self {
        let mut degree_bits = 0;
        while degree_bits <= MAX_DEGREE_BITS {
            let base = base(degree_bits);
            let merge = merge(&base);
            degree_bits = merge.circuit.common.degree_bits();
            if degree_bits == base.circuit.common.degree_bits() {
                assert_eq!(
                    base.circuit.common, merge.circuit.common,
                    "base and merge have one shape"
                );
                return Self { base, merge };
            }
        }
        panic!("no degree up to 2^{MAX_DEGREE_BITS} fits the cycle");
    }
}

/// Adds every gate of `gates`, so that all circuits of one degree have one shape, and pads to at least
/// `min_degree_bits`.
pub(crate) fn finish<T>(
    mut builder: Builder,
    gates: &Gates,
    min_degree_bits: usize,
    targets: T,
) -> Step<T> {
    for gate in &gates.0 {
        builder.add_gate_to_gate_set(gate.clone());
    }
    // The build rounds up to a power of two.
    while min_degree_bits > 0 && builder.num_gates() <= 1 << (min_degree_bits - 1) {
        builder.add_gate(NoopGate, vec![]);
    }
    let rows = builder.num_gates();
    let circuit = builder.build::<C>();
    tracing::debug!(
        rows,
        degree_bits = circuit.common.degree_bits(),
        "recursive circuit"
    );
    Step { circuit, targets }
}

/// A child proof of a cycle, verified against base or merge.
pub(crate) struct Child {
    pub(crate) proof: ProofTarget,
    is_merge: BoolTarget,
}

impl Child {
    /// Verifies a proof of a cycle with shape `common`: against `base`, or against `merge`, as the prover
    /// chooses. Requires that the verifier data at the end of its public inputs are `merge`.
    fn add(
        builder: &mut Builder,
        common: &Common,
        base: &VerifierCircuitTarget,
        merge: &VerifierCircuitTarget,
    ) -> Self {
        let is_merge = builder.add_virtual_bool_target_safe();
        let key = builder.select_verifier_data(is_merge, merge, base);
        let proof = builder.add_virtual_proof_with_pis(common);
        builder.verify_proof::<C>(&proof, &key, common);
        let merge = key_elements(merge);
        let carried = &proof.public_inputs[proof.public_inputs.len() - merge.len()..];
        builder.require("the child is of this cycle", carried, &merge);
        Self { proof, is_merge }
    }

    /// Verifies a proof of `cycle` from outside.
    pub(crate) fn of<B, M>(builder: &mut Builder, cycle: &Cycle<B, M>) -> Self {
        let [base, merge] = [cycle.base.key(), cycle.merge.key()]
            .map(|key| builder.constant_verifier_data::<C>(key));
        Self::add(builder, &cycle.base.circuit.common, &base, &merge)
    }

    /// `proof` with whether it is a merge.
    pub(crate) fn set(
        &self,
        witness: &mut PartialWitness<F>,
        (proof, is_merge): (&PlonkyProof, bool),
    ) -> anyhow::Result<()> {
        witness.set_proof_with_pis_target(&self.proof, proof)?;
        witness.set_bool_target(self.is_merge, is_merge)
    }
}

/// Two children, each with whether it is a merge.
pub(crate) struct Pair<'a> {
    pub(crate) left: (&'a PlonkyProof, bool),
    pub(crate) right: (&'a PlonkyProof, bool),
}

/// Of a merge, with what else its prover chooses.
pub(crate) struct MergeTargets<T> {
    left: Child,
    right: Child,
    key: VerifierCircuitTarget,
    pub(crate) choice: T,
}

/// The merge over a cycle whose base is `base`: `join` makes `len` elements of the two children's public inputs.
pub(crate) fn build_merge<B, T>(
    base: &Step<B>,
    gates: &Gates,
    len: usize,
    join: impl FnOnce(&mut Builder, &[Target], &[Target]) -> (Vec<Target>, T),
) -> Step<MergeTargets<T>> {
    let mut builder = gates.builder();
    let common = &base.circuit.common;
    // Public inputs come first; they are connected below.
    let public: Vec<Target> = (0..len)
        .map(|_| builder.add_virtual_public_input())
        .collect();
    let key = register_key(&mut builder);
    let base_key = builder.constant_verifier_data::<C>(base.key());
    let left = Child::add(&mut builder, common, &base_key, &key);
    let right = Child::add(&mut builder, common, &base_key, &key);
    let (left_inputs, right_inputs) = (&left.proof.public_inputs, &right.proof.public_inputs);
    let (joined, choice) = join(&mut builder, left_inputs, right_inputs);
    builder.require("the result is public", &public, &joined);
    let targets = MergeTargets {
        left,
        right,
        key,
        choice,
    };
    finish(builder, gates, common.degree_bits(), targets)
}

impl<T> Step<MergeTargets<T>> {
    /// All of the witness but the choice.
    pub(crate) fn witness(&self, pair: &Pair<'_>) -> anyhow::Result<PartialWitness<F>> {
        let mut witness = PartialWitness::new();
        self.targets.left.set(&mut witness, pair.left)?;
        self.targets.right.set(&mut witness, pair.right)?;
        witness.set_verifier_data_target(&self.targets.key, self.key())?;
        Ok(witness)
    }
}

fn key_elements(key: &VerifierCircuitTarget) -> Vec<Target> {
    let cap = key
        .constants_sigmas_cap
        .0
        .iter()
        .flat_map(|hash| hash.elements);
    key.circuit_digest.elements.into_iter().chain(cap).collect()
}

/// The verifier data of a cycle's merge as the end of public inputs.
pub(crate) fn key_public_inputs(key: &VerifierKey) -> Vec<F> {
    let cap = key
        .constants_sigmas_cap
        .0
        .iter()
        .flat_map(|hash| hash.elements);
    key.circuit_digest.elements.into_iter().chain(cap).collect()
}

/// Number of elements of [`key_public_inputs`], by configuration.
pub(crate) fn key_len(config: &CircuitConfig) -> usize {
    NUM_HASH_OUT_ELTS * (1 + config.fri_config.num_cap_elements())
}

/// Makes the cycle's verifier data the last public inputs. All others must be registered before.
pub(crate) fn register_key(builder: &mut Builder) -> VerifierCircuitTarget {
    builder.add_verifier_data_public_inputs()
}
