// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Generated from the final circuit (runtime/proving/src/onchain/solidity.rs). Do not edit.

// The circuit: 2^DEGREE_BITS rows; DEGREE_INVERSE is 1 / 2^DEGREE_BITS.
uint256 constant DEGREE_BITS = 12;
uint256 constant DEGREE_INVERSE = 0xffefffff00100001;
uint256 constant DEGREE_ROOT = 0x3c713933c4eb986b;

// The permutation argument's cosets are the powers of the field's generator.
uint256 constant COSET_GENERATOR = 0xc65c18b67785d900;
uint256 constant PERMUTATION_CHUNK = 8;

// The evaluation domain: COSET_GENERATOR times the group of order 2^DOMAIN_BITS.
uint256 constant DOMAIN_BITS = 20;
uint256 constant DOMAIN_MASK = 1048575;
uint256 constant DOMAIN_ROOT = 0x1b5c0ad6b72db3a1;
uint256 constant ROOT_16 = 0x0000000000001000;
uint256 constant INVERSE_8 = 0xdfffffff20000001;
uint256 constant INVERSE_16 = 0xefffffff10000001;
uint256 constant ROOT_16_INVERSE_1 = 0xffefffff00100001;
uint256 constant ROOT_16_INVERSE_2 = 0xfffffeff00000101;
uint256 constant ROOT_16_INVERSE_3 = 0xefffffff00000001;
uint256 constant ROOT_16_INVERSE_4 = 0xfffeffff00000001;
uint256 constant ROOT_16_INVERSE_5 = 0xffffffef00000001;
uint256 constant ROOT_16_INVERSE_6 = 0xfffffffeff000001;
uint256 constant ROOT_16_INVERSE_7 = 0xfffffffefffff001;

// Memory, in bytes. Extension elements are two words. The region below MEMORY_START is the compiler's.
uint256 constant MEMORY_START = 0x400;
uint256 constant SPONGE = 0x400;
uint256 constant BETAS = 0x460;
uint256 constant GAMMAS = 0x4a0;
uint256 constant ALPHAS = 0x4e0;
uint256 constant ZETA = 0x520;
uint256 constant FRI_ALPHA = 0x560;
uint256 constant FRI_BETAS = 0x5a0;
uint256 constant GRINDING_RESPONSE = 0x620;
uint256 constant PERMUTATION_RESPONSE = 0x640;
uint256 constant QUERY_INDICES = 0x660;
uint256 constant PUBLIC_INPUTS_HASH = 0x7a0;
uint256 constant CIRCUIT_DIGEST = 0x820;
uint256 constant CONSTANTS_SIGMAS_CAP = 0x840;
uint256 constant GATE_SUMS = 0xa40;
uint256 constant OPENINGS = 0xac0;
uint256 constant OPENINGS_COUNT = 238;
uint256 constant SELECTORS = 0xac0;
uint256 constant GATE_CONSTANTS = 0xb80;
uint256 constant SIGMAS = 0xc00;
uint256 constant WIRES = 0x1c00;
uint256 constant ZS = 0x3dc0;
uint256 constant PARTIAL_PRODUCTS = 0x3e40;
uint256 constant QUOTIENTS = 0x41c0;
uint256 constant ZS_NEXT = 0x45c0;

// What the constraints are checked with: the memory from BETAS to the end of the openings.
uint256 constant CONSTRAINT_INPUT_LENGTH = 16864;

// Memory of the steps: the transcript's buffer; the constraints' powers and rows; the queries' powers.
uint256 constant TRANSCRIPT_BUFFER = 0x4640;
uint256 constant POWERS = 0x4640;
uint256 constant MDS_WEIGHTS = 0x55a0;
uint256 constant ROW_A = 0x5720;
uint256 constant ROW_B = 0x58a0;
uint256 constant LIST = 0x5a20;
uint256 constant FRI_POWERS = 0x4640;
uint256 constant REDUCED_OPENINGS = 0x63c0;
uint256 constant FINAL_POLYNOMIAL = 0x6440;
uint256 constant FOLD = 0x6c40;
uint256 constant FOLD_ROOTS = 0x7040;
uint256 constant LEAF = 0x7140;
uint256 constant MEMORY_END = 0x7580;

// The encoded proof, in bytes from its start (runtime/proving/src/onchain/calldata.rs).
uint256 constant PROOF_LENGTH = 56816;
uint256 constant CAP_LENGTH = 512;
uint256 constant PROOF_WIRES_CAP = 0;
uint256 constant PROOF_PRODUCTS_CAP = 512;
uint256 constant PROOF_QUOTIENT_CAP = 1024;
uint256 constant PROOF_OPENINGS = 1536;
uint256 constant PROOF_FOLD_0_CAP = 5344;
uint256 constant PROOF_FOLD_1_CAP = 5856;
uint256 constant PROOF_FINAL_POLYNOMIAL = 6368;
uint256 constant PROOF_GRINDING_WITNESS = 6880;
uint256 constant PROOF_PERMUTATION_WITNESS = 6888;
uint256 constant PROOF_QUERIES = 6896;
uint256 constant QUERIES = 10;
uint256 constant QUERY_LENGTH = 4992;
uint256 constant FINAL_POLYNOMIAL_LENGTH = 32;

// A query, in bytes from its start, and the lengths of its leaves and Merkle paths.
uint256 constant QUERY_CONSTANTS_LEAF = 0;
uint256 constant CONSTANTS_LEAF_LENGTH = 552;
uint256 constant QUERY_WIRES_LEAF = 552;
uint256 constant WIRES_LEAF_LENGTH = 1080;
uint256 constant QUERY_PRODUCTS_LEAF = 1632;
uint256 constant PRODUCTS_LEAF_LENGTH = 128;
uint256 constant QUERY_QUOTIENT_LEAF = 1760;
uint256 constant QUOTIENT_LEAF_LENGTH = 128;
uint256 constant QUERY_LEAVES_LENGTH = 1888;
uint256 constant PATH_LEVELS = 16;
uint256 constant QUERY_PATHS = 1888;
uint256 constant QUERY_FOLD_0 = 3936;
uint256 constant QUERY_FOLD_0_PATH = 4192;
uint256 constant FOLD_0_LEVELS = 12;
uint256 constant QUERY_FOLD_1 = 4576;
uint256 constant QUERY_FOLD_1_PATH = 4704;
uint256 constant FOLD_1_LEVELS = 9;

// Committed columns, and the zero bits that the responses to the grinding witnesses have to begin with.
uint256 constant COMMITTED_COLUMNS = 236;
uint256 constant GRINDING_BITS = 22;
uint256 constant PERMUTATION_BITS = 16;

// The FRI parameters, 11 elements: what every transcript begins with.
uint256 constant TRANSCRIPT_PARAMETERS_LENGTH = 88;
uint256 constant TRANSCRIPT_PARAMETERS_0 = 0x0800000000000000040000000000000016000000000000000000000000000000;
uint256 constant TRANSCRIPT_PARAMETERS_1 = 0x040000000000000003000000000000000a000000000000000000000000000000;
uint256 constant TRANSCRIPT_PARAMETERS_2 = 0x0c00000000000000040000000000000003000000000000000000000000000000;

// Gates.
uint256 constant GATE_CONSTRAINTS = 123;
uint256 constant BASE_SUM_LIMBS = 63;
uint256 constant REDUCING_EXTENSION_COEFFICIENTS = 29;
uint256 constant REDUCING_COEFFICIENTS = 43;
uint256 constant ARITHMETIC_EXTENSION_OPERATIONS = 8;
uint256 constant ARITHMETIC_OPERATIONS = 16;
uint256 constant MULTIPLICATION_EXTENSION_OPERATIONS = 10;
uint256 constant RANDOM_ACCESS_COPIES = 3;
