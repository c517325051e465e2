//! Hashes that are computed several at a time are those that are computed one by one, as verifiers do.

use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::Field64;
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::plonk::config::Hasher;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// More than any register has lanes, and no multiple of their number.
const MOST: usize = 19;

/// A random word, or one at the bounds of what is canonical.
fn word(random: &mut StdRng) -> F {
    let edges = [0, 1, F::ORDER - 1, F::ORDER, F::ORDER + 1, u64::MAX];
    F(match random.gen_range(0..2 * edges.len()) {
        edge if edge < edges.len() => edges[edge],
        _ => random.r#gen(),
    })
}

#[test]
fn leaves_at_once_have_the_hashes_of_leaves_one_by_one() {
    let mut random = StdRng::seed_from_u64(1);
    for length in 0..=40 {
        for number in [0, 1, 2, 3, 7, 8, 9, MOST] {
            let leaves: Vec<Vec<F>> = (0..number)
                .map(|_| (0..length).map(|_| word(&mut random)).collect())
                .collect();
            let one_by_one: Vec<_> = leaves
                .iter()
                .map(|leaf| <PoseidonHash as Hasher<F>>::hash_or_noop(leaf))
                .collect();
            assert_eq!(PoseidonHash::hash_or_noop_many(&leaves), one_by_one);
        }
    }
}

#[test]
fn nodes_at_once_have_the_hashes_of_nodes_one_by_one() {
    let mut random = StdRng::seed_from_u64(2);
    for pairs in 0..=MOST {
        let nodes: Vec<HashOut<F>> = (0..2 * pairs)
            .map(|_| HashOut {
                elements: std::array::from_fn(|_| word(&mut random)),
            })
            .collect();
        let one_by_one: Vec<_> = nodes
            .chunks_exact(2)
            .map(|pair| <PoseidonHash as Hasher<F>>::two_to_one(pair[0], pair[1]))
            .collect();
        let at_once = <PoseidonHash as Hasher<F>>::two_to_one_many(&nodes);
        assert_eq!(at_once, one_by_one);
    }
}
