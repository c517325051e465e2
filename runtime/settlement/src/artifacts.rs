//! The contracts' creation code, from the artifacts that `scripts/contracts build` writes.

use alloy::primitives::Bytes;
use serde::Deserialize;

const ROLLUP: &str = include_str!("../artifacts/Rollup.json");

#[derive(Deserialize)]
struct Artifact {
    bytecode: Bytes,
}

/// Creation code of the `Rollup` with its constructor's arguments, ABI-encoded.
pub(crate) fn rollup(arguments: &[u8]) -> Bytes {
    creation(ROLLUP, arguments)
}

fn creation(artifact: &str, arguments: &[u8]) -> Bytes {
    let artifact: Artifact = serde_json::from_str(artifact).expect("the artifact is well-formed");
    [&artifact.bytecode, arguments].concat().into()
}
