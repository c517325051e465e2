//! Tests that share one set of `insecure-test` circuits.

mod corruption;
mod end_to_end;
mod fixture;
mod hashes;
mod keys;
mod length;
mod lookalikes;
mod mock;
mod ran;
mod rules;
mod simulation;
mod targets;
mod transactions;
mod transient_storage;

use std::sync::OnceLock;

use crate::{Profile, ProvingCircuits};

/// Built once in this process.
fn circuits() -> &'static ProvingCircuits {
    static CIRCUITS: OnceLock<ProvingCircuits> = OnceLock::new();
    CIRCUITS.get_or_init(|| ProvingCircuits::build(Profile::InsecureTest, &|_| {}).unwrap())
}
