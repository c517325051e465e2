//! C, r, y and the digests, natively.

use alloy::primitives::{B256, keccak256};
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::plonk::config::Hasher;
use tern_messages::statement::{BLOCK_LEN, FieldElement, Point, WindowDigest};

use super::hash_limbs;

/// Poseidon `hash_no_pad`.
pub(super) fn hash(elements: &[FieldElement]) -> [FieldElement; 4] {
    let elements: Vec<_> = elements
        .iter()
        .map(|&e| GoldilocksField::from_noncanonical_u64(e))
        .collect();
    canonical(PoseidonHash::hash_no_pad(&elements))
}

/// Poseidon `two_to_one`.
fn two_to_one(left: [FieldElement; 4], right: [FieldElement; 4]) -> [FieldElement; 4] {
    let [left, right] = [left, right].map(|digest| HashOut {
        elements: digest.map(GoldilocksField::from_noncanonical_u64),
    });
    canonical(PoseidonHash::two_to_one(left, right))
}

fn canonical(digest: HashOut<GoldilocksField>) -> [FieldElement; 4] {
    digest.elements.map(|element| element.to_canonical_u64())
}

/// Digest of 256 block hashes, oldest first.
pub fn window_digest(hashes: &[B256]) -> WindowDigest {
    let limbs: Vec<_> = hashes.iter().flat_map(|&hash| hash_limbs(hash)).collect();
    hash(&limbs)
}

/// How many of `count` neighbours (two or more) go into the left half when they are merged: the largest
/// power of two below `count`. The one shape of every tree that the coordinator plans.
pub fn left_count(count: usize) -> usize {
    count.div_ceil(2).next_power_of_two()
}

fn tree(leaves: &[[FieldElement; 4]]) -> [FieldElement; 4] {
    match leaves {
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(left_count(leaves.len()));
            two_to_one(tree(left), tree(right))
        }
    }
}

/// C.
pub(super) fn commit(
    chain_id: FieldElement,
    start_state_root: [FieldElement; 8],
    start_window: WindowDigest,
    blocks: &[[FieldElement; BLOCK_LEN]],
    end_window: WindowDigest,
) -> [FieldElement; 4] {
    let leaves: Vec<_> = blocks.iter().map(|block| hash(block)).collect();
    let mut elements = vec![chain_id];
    elements.extend(start_state_root);
    elements.extend(start_window);
    elements.extend(tree(&leaves));
    elements.extend(end_window);
    elements.push(blocks.len() as u64);
    hash(&elements)
}

/// keccak256 of S, each element as eight big-endian bytes.
pub fn stream_hash(stream: &[FieldElement]) -> B256 {
    let bytes: Vec<u8> = stream
        .iter()
        .flat_map(|element| element.to_be_bytes())
        .collect();
    keccak256(bytes)
}

/// r, drawn from C and S.
pub fn derive_point(commitment: [FieldElement; 4], stream: &[FieldElement]) -> Point {
    let mut bytes: Vec<u8> = commitment
        .iter()
        .flat_map(|element| element.to_be_bytes())
        .collect();
    bytes.extend(stream_hash(stream));
    let digest = keccak256(bytes);
    let word = |index: usize| {
        let bytes = digest.0[8 * index..8 * index + 8]
            .try_into()
            .expect("eight bytes");
        GoldilocksField::from_noncanonical_u64(u64::from_be_bytes(bytes)).to_canonical_u64()
    };
    Point([word(0), word(1)])
}

/// y = Σ S\[i\] · r^i.
pub fn evaluate(stream: &[FieldElement], point: Point) -> [FieldElement; 2] {
    type Extension = QuadraticExtension<GoldilocksField>;
    let r = QuadraticExtension(point.0.map(GoldilocksField::from_noncanonical_u64));
    let value = stream
        .iter()
        .rev()
        .fold(Extension::ZERO, |value, &element| {
            value * r + Extension::from(GoldilocksField::from_noncanonical_u64(element))
        });
    value.0.map(|element| element.to_canonical_u64())
}
