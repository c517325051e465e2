//! The precompiled contracts of a chain.

use std::sync::LazyLock;

use revm::handler::EthPrecompiles;
use revm::precompile::{
    Precompile, PrecompileHalt, PrecompileId, PrecompileOutput, PrecompileResult, Precompiles,
    u64_to_address,
};
use revm::primitives::hardfork::SpecId;

/// Where the point evaluation of EIP-4844 is.
const POINT_EVALUATION: u64 = 0x0a;

/// Those of Cancun, except that point evaluation fails whatever it is given, and takes all gas of the call.
///
/// The prover's kernel believes the prover in what a point evaluates to; the patched one fails instead. Blobs, whose
/// contents point evaluation is for, do not exist on this chain.
static PROVABLE: LazyLock<Precompiles> = LazyLock::new(|| {
    let mut all = Precompiles::cancun().clone();
    let fails = Precompile::new(
        PrecompileId::KzgPointEvaluation,
        u64_to_address(POINT_EVALUATION),
        fail,
    );
    all.extend([fails]);
    all
});

fn fail(_input: &[u8], _gas: u64, reservoir: u64) -> PrecompileResult {
    let reason = PrecompileHalt::other_static("point evaluation is not available on this chain");
    Ok(PrecompileOutput::halt(reason, reservoir))
}

/// All of Ethereum's.
pub(crate) fn all() -> EthPrecompiles {
    EthPrecompiles::new(SpecId::CANCUN)
}

/// Those that can be proven.
pub(crate) fn provable() -> EthPrecompiles {
    EthPrecompiles {
        precompiles: &PROVABLE,
        spec: SpecId::CANCUN,
    }
}
