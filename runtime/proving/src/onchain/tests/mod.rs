//! The circuit, its encoding, and the contract against real proofs and against lies about them.
//!
//! The fixture is a real proof of a final circuit, kept beside the contracts' tests, which read it too. The test
//! `a_new_circuit_and_its_proof_satisfy_the_contract` makes another one; with `TERN_WRITE_FIXTURES` set it
//! writes structure, contract constants and fixture.

mod constraints;
mod contract;
mod encoding;
mod evm;
mod fixture;
mod generated;
