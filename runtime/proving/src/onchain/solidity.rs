//! Generates the contract's constants from the structure.

use std::fmt::Write;

use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::fri::reduction_strategies::FriReductionStrategy;

use super::calldata::PROOF_LEN;
use super::config::DIGEST_LEN;
use super::key::CAP_LEN;
use super::structure::{Structure, structure};

/// Where the constants are kept, relative to this crate's manifest.
pub const SOLIDITY_CONSTANTS_PATH: &str = "../settlement/contracts/src/verifier/WrapStructure.sol";

/// Bytes of an element of the field, and of its extension, in calldata.
const ELEMENT: usize = 8;
const EXTENSION: usize = 16;
/// Bytes of an extension element in the verifier's memory: two words.
const SLOT: usize = 64;
/// Bytes of an EVM word.
const WORD: usize = 32;

/// The Solidity source of the structure's constants: `WrapStructure.sol`.
///
/// The verifier's code is written for the gates of this structure; a structure with other gates needs other
/// code. This function therefore asserts what the code takes for granted, and emits the numbers it is given.
///
/// # Panics
/// When `structure.bin` holds a structure that the verifier's code was not written for.
pub fn solidity_constants() -> String {
    let common = structure();
    assert_gates(common);
    let mut out = Source(String::from(HEADER));
    field(&mut out, common);
    let end_of_openings = columns_and_memory(&mut out, common);
    scratch(&mut out, common, end_of_openings);
    calldata(&mut out, common);
    transcript(&mut out, common);
    gates(&mut out, common);
    out.0
}

pub(super) const HEADER: &str = "// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Generated from the final circuit (runtime/proving/src/onchain/solidity.rs). Do not edit.
";

struct Source(String);

impl Source {
    fn section(&mut self, title: &str) {
        let _ = write!(self.0, "\n// {title}\n");
    }

    fn number(&mut self, name: &str, value: usize) {
        let _ = writeln!(self.0, "uint256 constant {name} = {value};");
    }

    fn address(&mut self, name: &str, value: usize) {
        let _ = writeln!(self.0, "uint256 constant {name} = {value:#x};");
    }

    fn element(&mut self, name: &str, value: F) {
        let _ = writeln!(
            self.0,
            "uint256 constant {name} = {:#018x};",
            value.to_canonical_u64()
        );
    }
}

/// The gates, in this order, are what `GateConstraints.sol` and its companions evaluate.
fn assert_gates(common: &Structure) {
    let expected = [
        "NoopGate",
        "ConstantGate { num_consts: 2 }",
        "PoseidonMdsGate",
        "PublicInputGate",
        "BaseSumGate { num_limbs: 63 } + Base: 2",
        "ReducingExtensionGate { num_coeffs: 29 }",
        "ReducingGate { num_coeffs: 43 }",
        "ArithmeticExtensionGate { num_ops: 8 }",
        "ArithmeticGate { num_ops: 16 }",
        "MulExtensionGate { num_ops: 10 }",
        "RandomAccessGate { bits: 4, num_copies: 3, num_extra_constants: 2",
        "CosetInterpolationGate { subgroup_bits: 4, degree: 6",
        "PoseidonGate",
    ];
    let ids: Vec<String> = common.gates.iter().map(|gate| gate.0.id()).collect();
    assert_eq!(ids.len(), expected.len(), "the verifier evaluates 13 gates");
    for (id, expected) in ids.iter().zip(expected) {
        assert!(
            id.starts_with(expected),
            "the verifier evaluates {expected}, not {id}"
        );
    }
    assert_eq!(
        format!("{:?}", common.selectors_info),
        "SelectorsInfo { selector_indices: [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2], groups: [0..7, 7..11, 11..13] }"
    );
    assert_eq!(common.config.num_challenges, 2);
    assert_eq!(common.num_gate_constraints, 123);
    assert_eq!(common.fri_params.reduction_arity_bits, [4, 3]);
    assert_eq!(
        (
            common.num_lookup_polys,
            common.num_lookup_selectors,
            common.luts.len()
        ),
        (0, 0, 0)
    );
    assert!(!common.fri_params.hiding);
    let generator = F::MULTIPLICATIVE_GROUP_GENERATOR;
    assert!(
        common
            .k_is
            .iter()
            .zip(generator.powers())
            .all(|(&k, power)| k == power)
    );
}

fn field(out: &mut Source, common: &Structure) {
    let degree_bits = common.degree_bits();
    let root = F::primitive_root_of_unity;
    out.section("The circuit: 2^DEGREE_BITS rows; DEGREE_INVERSE is 1 / 2^DEGREE_BITS.");
    out.number("DEGREE_BITS", degree_bits);
    out.element(
        "DEGREE_INVERSE",
        F::from_canonical_usize(1 << degree_bits).inverse(),
    );
    out.element("DEGREE_ROOT", root(degree_bits));
    out.section("The permutation argument's cosets are the powers of the field's generator.");
    out.element("COSET_GENERATOR", F::MULTIPLICATIVE_GROUP_GENERATOR);
    out.number("PERMUTATION_CHUNK", common.quotient_degree_factor);
    out.section("The evaluation domain: COSET_GENERATOR times the group of order 2^DOMAIN_BITS.");
    let domain_bits = common.fri_params.lde_bits();
    out.number("DOMAIN_BITS", domain_bits);
    out.number("DOMAIN_MASK", (1 << domain_bits) - 1);
    out.element("DOMAIN_ROOT", root(domain_bits));
    out.element("ROOT_16", root(4));
    out.element("INVERSE_8", F::from_canonical_u64(8).inverse());
    out.element("INVERSE_16", F::from_canonical_u64(16).inverse());
    for power in 1..8 {
        out.element(
            &format!("ROOT_16_INVERSE_{power}"),
            root(4).exp_u64(16 - power),
        );
    }
}

/// Memory that is in use throughout. Returns where it ends.
fn columns_and_memory(out: &mut Source, common: &Structure) -> usize {
    let challenges = common.config.num_challenges;
    out.section("Memory, in bytes. Extension elements are two words. The region below MEMORY_START is the compiler's.");
    let mut at = 0x400;
    out.address("MEMORY_START", at);
    let betas = at + 3 * WORD;
    for (name, words) in [
        ("SPONGE", 3),
        ("BETAS", challenges),
        ("GAMMAS", challenges),
        ("ALPHAS", challenges),
        ("ZETA", 2),
        ("FRI_ALPHA", 2),
        (
            "FRI_BETAS",
            2 * common.fri_params.reduction_arity_bits.len(),
        ),
        ("GRINDING_RESPONSE", 1),
        ("PERMUTATION_RESPONSE", 1),
        ("QUERY_INDICES", common.fri_params.config.num_query_rounds),
        ("PUBLIC_INPUTS_HASH", 4),
        ("CIRCUIT_DIGEST", 1),
        ("CONSTANTS_SIGMAS_CAP", CAP_LEN),
        ("GATE_SUMS", 2 * challenges),
    ] {
        out.address(name, at);
        at += words * WORD;
    }
    out.address("OPENINGS", at);
    out.number("OPENINGS_COUNT", committed_columns(common) + challenges);
    for (name, count) in [
        ("SELECTORS", common.selectors_info.num_selectors()),
        (
            "GATE_CONSTANTS",
            common.num_constants - common.selectors_info.num_selectors(),
        ),
        ("SIGMAS", common.config.num_routed_wires),
        ("WIRES", common.config.num_wires),
        ("ZS", challenges),
        ("PARTIAL_PRODUCTS", challenges * common.num_partial_products),
        ("QUOTIENTS", challenges * common.quotient_degree_factor),
        ("ZS_NEXT", challenges),
    ] {
        out.address(name, at);
        at += count * SLOT;
    }
    out.section(
        "What the constraints are checked with: the memory from BETAS to the end of the openings.",
    );
    out.number("CONSTRAINT_INPUT_LENGTH", at - betas);
    at
}

/// Memory of single steps; steps that do not overlap in time share it.
fn scratch(out: &mut Source, common: &Structure, start: usize) {
    out.section("Memory of the steps: the transcript's buffer; the constraints' powers and rows; the queries' powers.");
    out.address("TRANSCRIPT_BUFFER", start);
    out.address("POWERS", start);
    let mut at = start + common.num_gate_constraints * WORD;
    for (name, words) in [
        ("MDS_WEIGHTS", 12),
        ("ROW_A", 12),
        ("ROW_B", 12),
        ("LIST", 32),
    ] {
        out.address(name, at);
        at += words * WORD;
    }
    let end_of_constraints = at;
    at = start;
    for (name, words) in [
        ("FRI_POWERS", committed_columns(common)),
        ("REDUCED_OPENINGS", 4),
        ("FINAL_POLYNOMIAL", 2 * common.fri_params.final_poly_len()),
        ("FOLD", 32),
        ("FOLD_ROOTS", 8),
        ("LEAF", common.config.num_wires.div_ceil(4)),
    ] {
        out.address(name, at);
        at += words * WORD;
    }
    out.address("MEMORY_END", at.max(end_of_constraints));
}

fn committed_columns(common: &Structure) -> usize {
    oracle_columns(common).iter().sum()
}

fn oracle_columns(common: &Structure) -> [usize; 4] {
    let challenges = common.config.num_challenges;
    [
        common.num_constants + common.config.num_routed_wires,
        common.config.num_wires,
        challenges * (1 + common.num_partial_products),
        challenges * common.quotient_degree_factor,
    ]
}

fn calldata(out: &mut Source, common: &Structure) {
    let fri = &common.fri_params;
    let challenges = common.config.num_challenges;
    let columns = oracle_columns(common);
    let committed = committed_columns(common);
    out.section(
        "The encoded proof, in bytes from its start (runtime/proving/src/onchain/calldata.rs).",
    );
    out.number("PROOF_LENGTH", PROOF_LEN);
    out.number("CAP_LENGTH", CAP_LEN * DIGEST_LEN);
    let mut at = 0;
    let mut place = |out: &mut Source, name: &str, length: usize| {
        out.number(name, at);
        at += length;
    };
    place(out, "PROOF_WIRES_CAP", CAP_LEN * DIGEST_LEN);
    place(out, "PROOF_PRODUCTS_CAP", CAP_LEN * DIGEST_LEN);
    place(out, "PROOF_QUOTIENT_CAP", CAP_LEN * DIGEST_LEN);
    place(out, "PROOF_OPENINGS", (committed + challenges) * EXTENSION);
    place(out, "PROOF_FOLD_0_CAP", CAP_LEN * DIGEST_LEN);
    place(out, "PROOF_FOLD_1_CAP", CAP_LEN * DIGEST_LEN);
    place(
        out,
        "PROOF_FINAL_POLYNOMIAL",
        fri.final_poly_len() * EXTENSION,
    );
    place(out, "PROOF_GRINDING_WITNESS", ELEMENT);
    place(out, "PROOF_PERMUTATION_WITNESS", ELEMENT);
    let queries = at;
    out.number("PROOF_QUERIES", queries);
    out.number("QUERIES", fri.config.num_query_rounds);
    out.number(
        "QUERY_LENGTH",
        (PROOF_LEN - queries) / fri.config.num_query_rounds,
    );
    out.number("FINAL_POLYNOMIAL_LENGTH", fri.final_poly_len());

    out.section(
        "A query, in bytes from its start, and the lengths of its leaves and Merkle paths.",
    );
    let mut at = 0;
    for (name, count) in [
        "CONSTANTS_LEAF",
        "WIRES_LEAF",
        "PRODUCTS_LEAF",
        "QUOTIENT_LEAF",
    ]
    .iter()
    .zip(columns)
    {
        out.number(&format!("QUERY_{name}"), at);
        out.number(&format!("{name}_LENGTH"), count * ELEMENT);
        at += count * ELEMENT;
    }
    out.number("QUERY_LEAVES_LENGTH", at);
    let mut levels = fri.lde_bits() - fri.config.cap_height;
    out.number("PATH_LEVELS", levels);
    out.number("QUERY_PATHS", at);
    at += columns.len() * levels * DIGEST_LEN;
    for (fold, arity_bits) in fri.reduction_arity_bits.iter().enumerate() {
        levels -= arity_bits;
        out.number(&format!("QUERY_FOLD_{fold}"), at);
        at += (1 << arity_bits) * EXTENSION;
        out.number(&format!("QUERY_FOLD_{fold}_PATH"), at);
        out.number(&format!("FOLD_{fold}_LEVELS"), levels);
        at += levels * DIGEST_LEN;
    }
    assert_eq!(queries + fri.config.num_query_rounds * at, PROOF_LEN);
    out.section("Committed columns, and the zero bits that the responses to the grinding witnesses have to begin with.");
    out.number("COMMITTED_COLUMNS", committed);
    out.number("GRINDING_BITS", fri.config.proof_of_work_bits as usize);
    out.number(
        "PERMUTATION_BITS",
        common.config.permutation_pow_bits as usize,
    );
}

/// The FRI parameters that every transcript begins with, as the sponge absorbs them.
fn transcript(out: &mut Source, common: &Structure) {
    let fri = &common.fri_params;
    let FriReductionStrategy::Fixed(arities) = &fri.config.reduction_strategy else {
        panic!("the final circuit fixes its reductions");
    };
    let mut elements = vec![
        fri.config.rate_bits,
        fri.config.cap_height,
        fri.config.proof_of_work_bits as usize,
        0,
    ];
    elements.extend(arities);
    elements.extend([
        fri.config.num_query_rounds,
        usize::from(fri.hiding),
        fri.degree_bits,
    ]);
    elements.extend(&fri.reduction_arity_bits);
    assert_eq!(elements.len(), 11);
    let mut bytes: Vec<u8> = elements
        .iter()
        .flat_map(|&x| (x as u64).to_le_bytes())
        .collect();
    bytes.resize(3 * WORD, 0);
    out.section("The FRI parameters, 11 elements: what every transcript begins with.");
    out.number("TRANSCRIPT_PARAMETERS_LENGTH", elements.len() * ELEMENT);
    for (index, word) in bytes.chunks(WORD).enumerate() {
        let _ = writeln!(
            out.0,
            "uint256 constant TRANSCRIPT_PARAMETERS_{index} = 0x{};",
            hex::encode(word)
        );
    }
}

fn gates(out: &mut Source, common: &Structure) {
    out.section("Gates.");
    out.number("GATE_CONSTRAINTS", common.num_gate_constraints);
    out.number("BASE_SUM_LIMBS", 63);
    out.number("REDUCING_EXTENSION_COEFFICIENTS", 29);
    out.number("REDUCING_COEFFICIENTS", 43);
    out.number("ARITHMETIC_EXTENSION_OPERATIONS", 8);
    out.number("ARITHMETIC_OPERATIONS", 16);
    out.number("MULTIPLICATION_EXTENSION_OPERATIONS", 10);
    out.number("RANDOM_ACCESS_COPIES", 3);
}
