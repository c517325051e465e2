//! The contract's second half against plonky2's gates, at random points: openings of no circuit, with quotients made
//! to fit.

use alloy::primitives::U256;
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::{Field, PrimeField64, Sample};
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::vars::EvaluationVars;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rayon::prelude::*;

use super::evm::{Answer, Contract};
use super::fixture::Fixture;
use crate::onchain::structure;

type E = QuadraticExtension<F>;

/// Rows of each selector's gates.
const GROUPS: [std::ops::Range<usize>; 3] = [0..7, 7..11, 11..13];
/// Words between the challenges and the public inputs' hash, and from there to the openings.
const UNUSED_WORDS: [usize; 2] = [18, 21];

/// What the identity at zeta is about.
struct Point {
    betas: [F; 2],
    gammas: [F; 2],
    alphas: [F; 2],
    zeta: E,
    public_inputs_hash: HashOut<F>,
    /// Constants 5, sigmas 64, wires 135, Zs 2, partial products 14, quotients 16, next Zs 2.
    openings: Vec<E>,
}

impl Point {
    fn random(rng: &mut StdRng) -> Self {
        let mut point = Self {
            betas: [F::sample(rng), F::sample(rng)],
            gammas: [F::sample(rng), F::sample(rng)],
            alphas: [F::sample(rng), F::sample(rng)],
            zeta: E::sample(rng),
            public_inputs_hash: HashOut {
                elements: [(); 4].map(|()| F::sample(rng)),
            },
            openings: (0..238).map(|_| E::sample(rng)).collect(),
        };
        // The edges of the field, now and then.
        for opening in &mut point.openings {
            match rng.gen_range(0..16) {
                0 => *opening = E::ZERO,
                1 => *opening = QuadraticExtension([F::NEG_ONE, F::NEG_ONE]),
                _ => (),
            }
        }
        point.fit_quotients();
        point
    }

    /// Sets each first chunk so that the identity holds.
    fn fit_quotients(&mut self) {
        let shift = self.zeta.exp_u64(1 << structure().degree_bits());
        for (challenge, &vanishing) in self.vanishing().iter().enumerate() {
            let first = 220 + 8 * challenge;
            let rest = self.openings[first + 1..first + 8]
                .iter()
                .rev()
                .fold(E::ZERO, |sum, &t| (sum + t) * shift);
            self.openings[first] = vanishing / (shift - E::ONE) - rest;
        }
    }

    /// For each alpha, the sum of alpha^k term_k; see plonky2's `eval_vanishing_poly`.
    fn vanishing(&self) -> [E; 2] {
        let common = structure();
        let (constants, sigmas, wires) = (
            &self.openings[..5],
            &self.openings[5..69],
            &self.openings[69..204],
        );
        let degree = F::from_canonical_usize(1 << common.degree_bits());
        let l_0 = (self.zeta.exp_u64(1 << common.degree_bits()) - E::ONE)
            / ((self.zeta - E::ONE) * E::from(degree));
        let mut terms: Vec<E> = (0..2)
            .map(|i| l_0 * (self.openings[204 + i] - E::ONE))
            .collect();
        for i in 0..2 {
            let (beta, gamma) = (E::from(self.betas[i]), E::from(self.gammas[i]));
            let mut products = vec![self.openings[204 + i]];
            products.extend(&self.openings[206 + 7 * i..213 + 7 * i]);
            products.push(self.openings[236 + i]);
            for chunk in 0..8 {
                let wires_of = 8 * chunk..8 * chunk + 8;
                let numerator: E = wires_of
                    .clone()
                    .map(|j| wires[j] + beta * E::from(common.k_is[j]) * self.zeta + gamma)
                    .product();
                let denominator: E = wires_of
                    .map(|j| wires[j] + beta * sigmas[j] + gamma)
                    .product();
                terms.push(products[chunk] * numerator - products[chunk + 1] * denominator);
            }
        }
        let mut constraints = vec![E::ZERO; common.num_gate_constraints];
        for (row, gate) in common.gates.iter().enumerate() {
            let selector = GROUPS
                .iter()
                .position(|group| group.contains(&row))
                .unwrap();
            let vars = EvaluationVars {
                local_constants: constants,
                local_wires: wires,
                public_inputs_hash: &self.public_inputs_hash,
            };
            let filtered =
                gate.0
                    .eval_filtered(vars, row, selector, GROUPS[selector].clone(), 3, 0);
            constraints
                .iter_mut()
                .zip(filtered)
                .for_each(|(sum, c)| *sum += c);
        }
        terms.extend(constraints);
        self.alphas.map(|alpha| {
            terms
                .iter()
                .rev()
                .fold(E::ZERO, |sum, &term| sum * E::from(alpha) + term)
        })
    }

    /// The contract's memory from BETAS to the end of the openings.
    fn input(&self) -> Vec<u8> {
        let mut words: Vec<F> = [self.betas, self.gammas, self.alphas, self.zeta.0].concat();
        words.extend([F::ZERO; UNUSED_WORDS[0]]);
        words.extend(self.public_inputs_hash.elements);
        words.extend([F::ZERO; UNUSED_WORDS[1]]);
        words.extend(self.openings.iter().flat_map(|opening| opening.0));
        words
            .iter()
            .flat_map(|x| U256::from(x.to_canonical_u64()).to_be_bytes::<32>())
            .collect()
    }
}

#[test]
fn the_contract_evaluates_all_constraints_as_plonky2_does() {
    let contract = Contract::deploy(&Fixture::read().key).constraints();
    (0..100_u64).into_par_iter().for_each(|seed| {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut point = Point::random(&mut rng);
        let answer = contract.call(point.input());
        assert!(
            matches!(answer, Answer::Accepted { .. }),
            "seed {seed}: {answer:?}"
        );
        // Every opening takes its turn in being wrong.
        for index in (0..point.openings.len())
            .skip(seed as usize % 100)
            .step_by(100)
        {
            let right = point.openings[index];
            point.openings[index] +=
                E::from(F::from_canonical_u64(rng.gen_range(1..u64::from(u32::MAX))));
            assert_eq!(
                contract.call(point.input()),
                Answer::Refused,
                "seed {seed}, opening {index}"
            );
            point.openings[index] = right;
        }
    });
}

#[test]
fn the_constraints_take_no_input_of_another_length() {
    let contract = Contract::deploy(&Fixture::read().key).constraints();
    let mut input = Point::random(&mut StdRng::seed_from_u64(0)).input();
    input.pop();
    assert!(matches!(contract.call(input), Answer::Reverted(_)));
    assert!(matches!(contract.call(vec![]), Answer::Reverted(_)));
}
