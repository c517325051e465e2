//! The encoding of a proof as the contract reads it: of one length, without any choice.
//!
//! ```text
//! caps of wires, permutation products, quotient     3 × 16 digests
//! openings at zeta: constants 5, sigmas 64, wires 135, products 16, quotient 16    (extension elements)
//! openings at g·zeta: permutation products 2
//! caps of the two folded codewords                  2 × 16 digests
//! final polynomial                                  32 extension elements
//! grinding witnesses: of FRI, of the permutation    2 elements
//! 10 queries:
//!   one leaf of each tree: constants and sigmas 69, wires 135, products 16, quotient 16    (elements)
//!   their Merkle paths, from the leaf up            4 × 16 digests
//!   folding by 16: the coset 16 extension elements, path 12 digests
//!   folding by 8:  the coset 8 extension elements, path 9 digests
//! ```
//!
//! Elements are 8 bytes, little-endian, as the trees hash them; an extension element is two; digests are 32 bytes.
//! The statement is not part of it. Lengths follow from the structure; `layout_is_that_of_the_structure` holds
//! them to it.

use alloy::primitives::Bytes;
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::field::types::{Field, Field64, PrimeField64};
use plonky2::fri::proof::{FriInitialTreeProof, FriProof, FriQueryRound, FriQueryStep};
use plonky2::hash::hash_types::BytesHash;
use plonky2::hash::keccak::KeccakHash;
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::proof::{OpeningSet, Proof};
use tern_messages::StatementDigest;

use super::config::{D, DIGEST_LEN, OnchainProof};
use super::error::{OnchainError, Place};
use super::key::CAP_LEN;
use super::structure::structure;

type F = GoldilocksField;
type Extension = QuadraticExtension<F>;
type Hash = KeccakHash<DIGEST_LEN>;

/// Length of every encoded proof, in bytes.
pub const PROOF_LEN: usize = 56_816;

/// Encodes a proof for the contract.
pub fn encode_calldata(proof: &OnchainProof) -> Bytes {
    let mut out = Writer(Vec::with_capacity(PROOF_LEN));
    let Proof {
        wires_cap,
        permutation_pow_witness,
        plonk_zs_partial_products_cap,
        quotient_polys_cap,
        openings,
        opening_proof,
    } = &proof.proof;
    for cap in [wires_cap, plonk_zs_partial_products_cap, quotient_polys_cap] {
        out.digests(&cap.0);
    }
    for opened in [
        &openings.constants,
        &openings.plonk_sigmas,
        &openings.wires,
        &openings.plonk_zs,
        &openings.partial_products,
        &openings.quotient_polys,
        &openings.plonk_zs_next,
    ] {
        out.extensions(opened);
    }
    for cap in &opening_proof.commit_phase_merkle_caps {
        out.digests(&cap.0);
    }
    out.extensions(&opening_proof.final_poly.coeffs);
    out.elements(&[opening_proof.pow_witness, *permutation_pow_witness]);
    for query in &opening_proof.query_round_proofs {
        let trees = &query.initial_trees_proof.evals_proofs;
        trees.iter().for_each(|(leaf, _)| out.elements(leaf));
        trees
            .iter()
            .for_each(|(_, path)| out.digests(&path.siblings));
        for step in &query.steps {
            out.extensions(&step.evals);
            out.digests(&step.merkle_proof.siblings);
        }
    }
    Bytes::from(out.0)
}

/// Reads a proof and its statement as the contract does.
///
/// # Errors
/// `WrongLength` for too few or too many bytes, `NonCanonical` for a number that is not below the field's order.
pub fn decode_calldata(
    bytes: &[u8],
    statement: &StatementDigest,
) -> Result<OnchainProof, OnchainError> {
    if bytes.len() != PROOF_LEN {
        return Err(OnchainError::WrongLength {
            expected: PROOF_LEN,
            actual: bytes.len(),
        });
    }
    let public_inputs = statement
        .0
        .iter()
        .enumerate()
        .map(|(index, &value)| element(value, Place::Statement(index)))
        .collect::<Result<_, _>>()?;

    let common = structure();
    let products = 1 + common.num_partial_products;
    let challenges = common.config.num_challenges;
    let columns = [
        common.num_constants + common.config.num_routed_wires,
        common.config.num_wires,
        challenges * products,
        challenges * common.quotient_degree_factor,
    ];
    let mut input = Reader { bytes, position: 0 };

    let wires_cap = input.cap();
    let plonk_zs_partial_products_cap = input.cap();
    let quotient_polys_cap = input.cap();
    let openings = OpeningSet {
        constants: input.extensions(common.num_constants)?,
        plonk_sigmas: input.extensions(common.config.num_routed_wires)?,
        wires: input.extensions(common.config.num_wires)?,
        plonk_zs: input.extensions(challenges)?,
        partial_products: input.extensions(challenges * common.num_partial_products)?,
        quotient_polys: input.extensions(challenges * common.quotient_degree_factor)?,
        plonk_zs_next: input.extensions(challenges)?,
        lookup_zs: vec![],
        lookup_zs_next: vec![],
    };
    let fri = &common.fri_params;
    let commit_phase_merkle_caps = fri
        .reduction_arity_bits
        .iter()
        .map(|_| input.cap())
        .collect();
    let final_poly = PolynomialCoeffs::new(input.extensions(fri.final_poly_len())?);
    let pow_witness = input.element()?;
    let permutation_pow_witness = input.element()?;
    let query_round_proofs = (0..fri.config.num_query_rounds)
        .map(|_| input.query(&columns))
        .collect::<Result<_, _>>()?;
    debug_assert_eq!(input.position, PROOF_LEN);

    Ok(OnchainProof {
        proof: Proof {
            wires_cap,
            permutation_pow_witness,
            plonk_zs_partial_products_cap,
            quotient_polys_cap,
            openings,
            opening_proof: FriProof {
                commit_phase_merkle_caps,
                query_round_proofs,
                final_poly,
                pow_witness,
            },
        },
        public_inputs,
    })
}

fn element(value: u64, place: Place) -> Result<F, OnchainError> {
    if value >= F::ORDER {
        return Err(OnchainError::NonCanonical { place, value });
    }
    Ok(F::from_canonical_u64(value))
}

struct Writer(Vec<u8>);

impl Writer {
    fn elements(&mut self, elements: &[F]) {
        elements
            .iter()
            .for_each(|x| self.0.extend(x.to_canonical_u64().to_le_bytes()));
    }

    fn extensions(&mut self, elements: &[Extension]) {
        elements.iter().for_each(|x| self.elements(&x.0));
    }

    fn digests(&mut self, digests: &[BytesHash<DIGEST_LEN>]) {
        digests.iter().for_each(|digest| self.0.extend(digest.0));
    }
}

/// Reads from a buffer whose length was checked against the structure.
struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        out.copy_from_slice(&self.bytes[self.position..self.position + N]);
        self.position += N;
        out
    }

    fn element(&mut self) -> Result<F, OnchainError> {
        let place = Place::Proof(self.position);
        element(u64::from_le_bytes(self.take()), place)
    }

    fn elements(&mut self, count: usize) -> Result<Vec<F>, OnchainError> {
        (0..count).map(|_| self.element()).collect()
    }

    fn extensions(&mut self, count: usize) -> Result<Vec<Extension>, OnchainError> {
        (0..count)
            .map(|_| Ok(QuadraticExtension([self.element()?, self.element()?])))
            .collect()
    }

    fn digests(&mut self, count: usize) -> Vec<BytesHash<DIGEST_LEN>> {
        (0..count).map(|_| BytesHash(self.take())).collect()
    }

    fn cap(&mut self) -> MerkleCap<F, Hash> {
        MerkleCap(self.digests(CAP_LEN))
    }

    fn query(&mut self, columns: &[usize]) -> Result<FriQueryRound<F, Hash, D>, OnchainError> {
        let fri = &structure().fri_params;
        let mut path_len = fri.lde_bits() - fri.config.cap_height;
        let leaves = columns
            .iter()
            .map(|&count| self.elements(count))
            .collect::<Result<Vec<_>, _>>()?;
        let evals_proofs = leaves
            .into_iter()
            .map(|leaf| {
                (
                    leaf,
                    MerkleProof {
                        siblings: self.digests(path_len),
                    },
                )
            })
            .collect();
        let mut steps = Vec::with_capacity(fri.reduction_arity_bits.len());
        for arity_bits in &fri.reduction_arity_bits {
            path_len -= arity_bits;
            let evals = self.extensions(1 << arity_bits)?;
            steps.push(FriQueryStep {
                evals,
                merkle_proof: MerkleProof {
                    siblings: self.digests(path_len),
                },
            });
        }
        Ok(FriQueryRound {
            initial_trees_proof: FriInitialTreeProof { evals_proofs },
            steps,
        })
    }
}
