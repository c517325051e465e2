//! The circuits, one module for each step of the recursion.
//!
//! ```text
//! segment (library)          fixed verifier data
//!   └─ leaf                  folds 2,439 public inputs to a span of 114
//!       └─ span merge ⟲      children: leaf or span merge
//!           └─ block         child: a complete span; S of one block, evaluated at r
//!               └─ block merge ⟲
//!                   └─ batch     the statement digest
//!                       └─ wrap  down to degree 2^12, four public inputs
//! ```
//!
//! **Verifier data.** A circuit verifies proofs of circuits built before it against their verifier data as
//! constants. A merge (⟲) also verifies proofs of itself: its own verifier data cannot be a constant in it, so
//! it is part of the public inputs of every proof in the cycle, base and merge alike, and a merge requires
//! that both children carry the one that it carries itself. Whoever verifies a proof of the cycle from
//! outside (the next circuit, or [`crate::JobVerifier`]) requires that the verifier data in its public inputs are the
//! genuine ones. By induction, every proof below was then verified against genuine data. In between, whether
//! a child is a base or a merge is the prover's choice; both are sound.
//!
//! **Rules.** What a circuit requires of its children, and what it makes of them, is written once, as a function over
//! `arithmetic`: the circuit and the native check both evaluate it.
//!
//! To be verified by the same gadget, base and merge must have one shape (`CommonCircuitData`). Both are padded to the
//! same degree and contain every gate; the build asserts that the shapes are equal.

pub(crate) mod arithmetic;
pub(crate) mod batch;
pub(crate) mod block;
pub(crate) mod leaf;
pub(crate) mod recursion;
pub(crate) mod segment;
pub(crate) mod span;
pub(crate) mod tables;
pub(crate) mod wrap;

use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::plonk::config::PoseidonGoldilocksConfig;
use plonky2::plonk::{circuit_builder, circuit_data, proof};

pub(crate) type F = GoldilocksField;
pub(crate) type C = PoseidonGoldilocksConfig;
pub(crate) const D: usize = 2;

pub(crate) type Builder = circuit_builder::CircuitBuilder<F, D>;
pub(crate) type Circuit = circuit_data::CircuitData<F, C, D>;
pub(crate) type Common = circuit_data::CommonCircuitData<F, D>;
pub(crate) type VerifierData = circuit_data::VerifierCircuitData<F, C, D>;
pub(crate) type VerifierKey = circuit_data::VerifierOnlyCircuitData<C, D>;
pub(crate) type PlonkyProof = proof::ProofWithPublicInputs<F, C, D>;
pub(crate) type ProofTarget = proof::ProofWithPublicInputsTarget<D>;
