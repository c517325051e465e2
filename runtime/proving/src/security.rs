//! How many bits of security each argument of a proof offers, at each level of the recursion.
//!
//! Two figures for each argument. *Conjectured*: what the best attack known costs, under conjectures that are still
//! believed. *Proven*: what holds without any conjecture about Reed-Solomon codes. A proof is worth its weakest
//! argument. All of it is in the random oracle model, with work before a challenge ("grinding") counted bit for bit.
//!
//! | argument | soundness error |
//! |---|---|
//! | queries of FRI | (1 - δ)^queries, for words that are δ-far from the code |
//! | memory between segments | the same, for words beyond the unique decoding radius: δ = (1 - ρ) / 2 |
//! | batching and folding of FRI | chance that a combination of far words is near |
//! | permutation, lookups | (degree / p)^challenges, Schwartz and Zippel over the base field |
//! | composition | (constraints / p)^challenges, Schwartz and Zippel over the base field |
//! | evaluation | degree / p^2, at a point of the extension |
//! | statement | degree / p^2 (`messages/src/statement.rs`) |
//! | hashes | collisions, half the capacity or digest |
//!
//! **What δ is conjectured.** Up to 2025 soundness was claimed for every δ < 1 - ρ. That is refuted: a random word
//! has codewords at any distance at which the ball of that radius holds as many words as the code leaves cosets,
//! which is at δ = 1 - ρ - H(δ) / log2 q (ePrint 2025/2010, 2025/2046). What is still believed is soundness below that
//! radius, for the field of the challenges, here q = p^2 ≈ 2^128: an attack over the base field would need combinations
//! of base field words that agree with the code at the same places, which is what the argument excludes. So
//! 1 - δ = ρ + H(ρ) / 128.
//!
//! **What is proven** is the list-decoding regime up to Johnson's bound (ePrint 2020/654, Theorem 1.5):
//! 1 - δ = √ρ (1 + 1 / 2m), at the price of a batching error (m + 1/2)^7 n^2 / (3 ρ^(3/2) q) for each column; m is chosen
//! for the best of both.
//!
//! **Memory between segments** is one Merkle cap in two proofs, that of the segment which hands it on and that of the
//! next. In each of them alone it is the point of the openings that settles which polynomials the committed word stands
//! for, be it ever so far from them. The two points are different ones: a word half of whose places (beyond those where
//! both agree) are those of one trace and half of another would be both. It agrees with each at (1 + ρ) / 2 of its
//! places, so that within the unique decoding radius there is one trace. The memory of a chain's first segment is in the
//! circuits.

use std::fmt;

use evm_arithmetization::all_stark::AllStark;
use plonky2::field::types::Field;
use plonky2::fri::FriConfig;
use plonky2::plonk::circuit_data::CircuitConfig;
use starky::config::StarkConfig;
use starky::constraint_consumer::ConstraintConsumer;
use starky::evaluation_frame::StarkEvaluationFrame;
use starky::stark::Stark;

use crate::circuits::recursion::MAX_DEGREE_BITS;
use crate::circuits::{D, F};
use crate::onchain::wrap_config;
use crate::profile::{Profile, TABLE_COUNT, Table};

/// log2 of the Goldilocks field's order, from below.
const FIELD_BITS: f64 = 63.999;
/// log2 of the extension's order.
const EXTENSION_BITS: f64 = 2.0 * FIELD_BITS;
/// log2 of the rows of the largest circuits of the library: the segment circuit, and the first over a table.
const LIBRARY_CIRCUIT_BITS: usize = 16;
/// log2 of the rows of the final circuit.
const FINAL_CIRCUIT_BITS: usize = 12;
/// log2 of the most elements of a statement: 256 blocks of fewer than 2^9 elements.
const STATEMENT_BITS: f64 = 17.0;
/// More constraints than any circuit's gates have.
const CIRCUIT_CONSTRAINTS: f64 = 256.0;

/// What an argument rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// The positions at which committed words are looked at.
    Queries,
    /// The same, for a committed word that two proofs take for one trace.
    Shared,
    /// Combining words to one, and folding it.
    Batching,
    /// Copy constraints of a circuit.
    Permutation,
    /// Lookups within and across the machine's tables.
    Lookups,
    /// Combining constraints to one.
    Composition,
    /// Checking polynomials at one point.
    Evaluation,
    /// The statement's polynomial at one point.
    Statement,
    /// Collisions of a hash function.
    Hashes,
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Queries => "queries of FRI",
            Self::Shared => "memory between segments",
            Self::Batching => "batching and folding of FRI",
            Self::Permutation => "permutation",
            Self::Lookups => "lookups",
            Self::Composition => "composition",
            Self::Evaluation => "evaluation",
            Self::Statement => "binding of the statement",
            Self::Hashes => "hashes",
        })
    }
}

/// The security of one argument at one level.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Where in the recursion.
    pub layer: &'static str,
    /// The argument.
    pub argument: Argument,
    /// Bits under the conjectures that are still believed.
    pub conjectured: f64,
    /// Bits that are proven.
    pub proven: f64,
}

/// The levels of every argument of a proof under `profile`, from the machine's tables to the final proof.
pub fn levels(profile: Profile) -> Vec<Level> {
    let config = profile.recursion_config();
    let mut levels = tables(profile, &config.stark_config);
    let recursion = &config.recursion_circuit_config;
    let mut first_wrap = recursion.clone();
    first_wrap.fri_config = profile.first_wrap_fri();
    for (layer, circuit, rows) in [
        (
            "recursion of tables",
            &config.shrinking_circuit_config,
            LIBRARY_CIRCUIT_BITS,
        ),
        (
            "segment, leaf, span, block, batch",
            recursion,
            LIBRARY_CIRCUIT_BITS,
        ),
        ("first wrap", &first_wrap, MAX_DEGREE_BITS),
        ("final proof", &wrap_config(), FINAL_CIRCUIT_BITS),
    ] {
        circuit_levels(&mut levels, layer, circuit, rows);
    }
    let both = |layer, argument, bits| Level {
        layer,
        argument,
        conjectured: bits,
        proven: bits,
    };
    levels.push(both(
        "statement on L2",
        Argument::Statement,
        EXTENSION_BITS - STATEMENT_BITS,
    ));
    // Poseidon with a capacity of four elements; Keccak-256 with whole digests.
    levels.push(both("Poseidon", Argument::Hashes, 2.0 * FIELD_BITS));
    levels.push(both("Keccak-256", Argument::Hashes, 128.0));
    levels
}

/// Bits as they are said: rounded down to a tenth.
pub fn tenth(bits: f64) -> f64 {
    (bits * 10.0).floor() / 10.0
}

/// The least conjectured and the least proven figure.
pub fn weakest(levels: &[Level]) -> (f64, f64) {
    levels
        .iter()
        .fold((f64::MAX, f64::MAX), |(conjectured, proven), level| {
            (conjectured.min(level.conjectured), proven.min(level.proven))
        })
}

fn tables(profile: Profile, config: &StarkConfig) -> Vec<Level> {
    const LAYER: &str = "tables of a segment";
    let stark = AllStark::<F, D>::default();
    let shapes = Shapes::of(profile, &stark);
    let schwartz_zippel = |degree: f64| config.num_challenges as f64 * (FIELD_BITS - degree.log2());
    let both = |argument, bits| Level {
        layer: LAYER,
        argument,
        conjectured: bits,
        proven: bits,
    };
    let mut levels = vec![
        both(
            Argument::Lookups,
            schwartz_zippel(shapes.lookup_degree) + f64::from(config.lookup_pow_bits),
        ),
        both(Argument::Composition, schwartz_zippel(shapes.constraints)),
        both(
            Argument::Evaluation,
            EXTENSION_BITS - shapes.longest as f64 - 2.0,
        ),
    ];
    fri(
        &mut levels,
        LAYER,
        &config.fri_config,
        shapes.longest,
        shapes.columns,
    );
    levels.push(both(
        Argument::Shared,
        shared_trace(&config.for_shared_trace().fri_config, &shapes),
    ));
    levels
}

/// Whether a word is within the unique decoding radius (ePrint 2020/654, Theorem 1.4).
fn shared_trace(config: &FriConfig, shapes: &Shapes) -> f64 {
    let rate = (-(config.rate_bits as f64)).exp2();
    let agreement = f64::midpoint(1.0, rate);
    let queries = config.num_query_rounds as f64 * -agreement.log2();
    let domain = (shapes.longest + config.rate_bits) as f64;
    let batching = EXTENSION_BITS - domain - shapes.columns.log2();
    batching.min(queries + f64::from(config.proof_of_work_bits))
}

fn circuit_levels(
    levels: &mut Vec<Level>,
    layer: &'static str,
    config: &CircuitConfig,
    rows: usize,
) {
    let degree = (config.num_routed_wires as f64).log2() + rows as f64;
    let challenges = config.num_challenges as f64;
    let both = |argument, bits| Level {
        layer,
        argument,
        conjectured: bits,
        proven: bits,
    };
    levels.push(both(
        Argument::Permutation,
        challenges * (FIELD_BITS - degree) + f64::from(config.permutation_pow_bits),
    ));
    levels.push(both(
        Argument::Composition,
        challenges * (FIELD_BITS - CIRCUIT_CONSTRAINTS.log2()),
    ));
    // The constraints' degree is at most the quotient's factor plus one.
    let factor = (config.max_quotient_degree_factor as f64 + 1.0).log2();
    levels.push(both(
        Argument::Evaluation,
        EXTENSION_BITS - rows as f64 - factor,
    ));
    let columns = config.num_wires + config.num_routed_wires + 2 * (10 + 8) + 8;
    fri(levels, layer, &config.fri_config, rows, columns as f64);
}

/// The two arguments of FRI for a domain of `2^(rows + rate)` points and so many columns.
fn fri(
    levels: &mut Vec<Level>,
    layer: &'static str,
    config: &FriConfig,
    rows: usize,
    columns: f64,
) {
    let rate = (-(config.rate_bits as f64)).exp2();
    let domain = (rows + config.rate_bits) as f64;
    let queries = config.num_query_rounds as f64;
    let grinding = f64::from(config.proof_of_work_bits);
    let bits_of = |agreement: f64| queries * -agreement.log2() + grinding;
    let entropy = -rate * rate.log2() - (1.0 - rate) * (1.0 - rate).log2();
    let johnson = |m: f64| {
        (
            bits_of(rate.sqrt() * (1.0 + 0.5 / m)),
            EXTENSION_BITS - 2.0 * domain - 7.0 * (m + 0.5).log2()
                + 3f64.log2()
                + 1.5 * rate.log2()
                - columns.log2(),
        )
    };
    let proven = (3..200)
        .map(|m| johnson(f64::from(m)))
        .max_by(|a, b| a.0.min(a.1).total_cmp(&b.0.min(b.1)))
        .expect("the range is not empty");
    levels.push(Level {
        layer,
        argument: Argument::Queries,
        conjectured: bits_of(rate + entropy / EXTENSION_BITS),
        proven: proven.0,
    });
    levels.push(Level {
        layer,
        argument: Argument::Batching,
        conjectured: EXTENSION_BITS - domain - columns.log2(),
        proven: proven.1,
    });
}

/// The sizes of the machine's tables that arguments depend on.
struct Shapes {
    /// log2 of the longest table.
    longest: usize,
    /// Columns times points, as columns of the longest table: the largest of all tables.
    columns: f64,
    /// The most constraints of a table, with those of its lookups.
    constraints: f64,
    /// The highest degree in the challenges of a lookup argument's identity.
    lookup_degree: f64,
}

impl Shapes {
    fn of(profile: Profile, stark: &AllStark<F, D>) -> Self {
        let sizes = Table::ALL.map(|table| profile.largest_size(table));
        let longest = sizes.into_iter().max().expect("there are tables");
        let rows = |table: usize| (sizes[table] as f64).exp2();
        // Each row of each looking and looked table is a term of a sum of fractions; a tuple of k elements is a
        // polynomial of degree k - 1 in one challenge, to which the other is added. Which lookups of a committed
        // table are false is settled before the challenges, and a proof must pass them all: the chance to pass
        // a false one is that of the lookup of the highest degree.
        let across = stark.cross_table_lookups.iter().map(|lookup| {
            let tables = lookup.looking_tables.iter().chain([&lookup.looked_table]);
            let terms: f64 = tables.map(|side| rows(side.table)).sum();
            let degree = (lookup.looked_table.columns.len() - 1).max(1);
            terms * degree as f64
        });
        let shapes = table_shapes(stark);
        let within = shapes
            .iter()
            .enumerate()
            .map(|(table, shape)| rows(table) * shape.looking as f64);
        let columns = shapes
            .iter()
            .enumerate()
            .map(|(table, shape)| shape.columns as f64 * rows(table) / (longest as f64).exp2());
        Self {
            longest,
            columns: columns.fold(1.0, f64::max),
            constraints: shapes
                .iter()
                .map(|shape| shape.constraints as f64)
                .fold(1.0, f64::max),
            lookup_degree: across.chain(within).fold(1.0, f64::max),
        }
    }
}

/// What one table commits to and checks.
struct TableShape {
    columns: usize,
    constraints: usize,
    /// Values that each row looks up within the table, and the one that it offers.
    looking: usize,
}

/// In the order of [`Table::ALL`].
fn table_shapes(stark: &AllStark<F, D>) -> [TableShape; TABLE_COUNT] {
    fn shape<S: Stark<F, D>>(stark: &S) -> TableShape {
        let row = vec![F::ZERO; S::COLUMNS];
        let frame = S::EvaluationFrame::from_values(&row, &row, &[]);
        let mut consumer = ConstraintConsumer::recording(Vec::new(), F::ONE, F::ONE, F::ONE);
        stark.eval_packed_base::<F>(&frame, &mut consumer);
        let looking = stark
            .lookups()
            .iter()
            .map(|lookup| lookup.columns.len() + 1)
            .sum();
        TableShape {
            // Auxiliary columns are fewer than half of what is looked up, and those of cross-table lookups a few.
            columns: S::COLUMNS + looking + 64,
            constraints: consumer.into_recorded().len() + looking + 64,
            looking,
        }
    }
    [
        shape(&stark.arithmetic_stark),
        shape(&stark.byte_packing_stark),
        shape(&stark.cpu_stark),
        shape(&stark.keccak_stark),
        shape(&stark.keccak_sponge_stark),
        shape(&stark.logic_stark),
        shape(&stark.memory_stark),
        shape(&stark.mem_before_stark),
        shape(&stark.mem_after_stark),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_of_a_secure_proof_offers_a_hundred_bits() {
        let levels = levels(Profile::Secure);
        for level in &levels {
            assert!(level.conjectured >= 100.0, "{level:?}");
        }
        let (_, proven) = weakest(&levels);
        assert!(proven >= 50.0, "{proven}");
    }

    #[test]
    fn the_documented_table_is_what_is_computed() {
        let rows = levels(Profile::Secure).into_iter().map(|level| {
            let (conjectured, proven) = (tenth(level.conjectured), tenth(level.proven));
            format!(
                "| {} | {} | {conjectured:.1} | {proven:.1} |\n",
                level.layer, level.argument
            )
        });
        let table: String = rows.collect();
        let documented = include_str!("../SECURITY.md").contains(&table);
        assert!(documented, "SECURITY.md should say:\n{table}");
    }

    /// What the queries for shared traces are there for: a word of which two traces are as near as the unique decoding
    /// radius.
    #[test]
    fn a_word_may_stand_for_two_traces() {
        const ROWS: usize = 1024;
        let points: Vec<F> = F::two_adic_subgroup(ROWS.ilog2() as usize + 1);
        let honest = |point: F| point.exp_u64(ROWS as u64 - 1) + F::TWO;
        // The other trace differs by a polynomial with as many zeros as its degree allows, at every other point.
        let zeros = points.iter().step_by(2).skip(1);
        let other =
            |point: F| honest(point) + zeros.clone().map(|&zero| point - zero).product::<F>();
        let mut turns = [true, false].into_iter().cycle();
        let word = points.iter().map(|&point| {
            let [first, second] = [honest(point), other(point)];
            match first == second || turns.next().unwrap() {
                true => first,
                false => second,
            }
        });
        let word: Vec<F> = word.collect();
        let agreement = |trace: &dyn Fn(F) -> F| {
            let places = points.iter().zip(&word);
            let places = places.filter(|(point, value)| trace(**point) == **value);
            places.count() as f64 / points.len() as f64
        };
        let least = agreement(&honest).min(agreement(&other));
        assert!(least > 0.74, "{least}");
        let config = Profile::Secure.recursion_config().stark_config;
        let cost = |config: &FriConfig| {
            config.num_query_rounds as f64 * -least.log2() + f64::from(config.proof_of_work_bits)
        };
        assert!(cost(&config.fri_config) < 54.0);
        assert!(cost(&config.for_shared_trace().fri_config) > 100.0);
    }

    /// The figures can fail: test proofs have one query.
    #[test]
    fn a_test_proof_is_worth_nothing() {
        let (conjectured, _) = weakest(&levels(Profile::InsecureTest));
        assert!(conjectured < 10.0, "{conjectured}");
    }
}
