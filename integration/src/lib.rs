//! Harness and end-to-end, conformance, crash and adversary tests.

pub mod chaos;
pub mod corpus;
pub mod edges;
pub mod harness;
pub mod lying;
pub mod vectors;
