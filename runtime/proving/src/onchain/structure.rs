//! The one circuit structure that the contract verifies.

use std::sync::LazyLock;

use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::DefaultGateSerializer;

use super::config::D;
use super::error::OnchainError;

/// Everything about a circuit but its constants and wiring.
pub type Structure = CommonCircuitData<GoldilocksField, D>;

/// plonky2's encoding of the structure. Written by the test `structure_is_that_of_the_circuit` when asked to.
static ENCODED: &[u8] = include_bytes!("structure.bin");

static STRUCTURE: LazyLock<Structure> = LazyLock::new(|| {
    Structure::from_bytes(ENCODED.to_vec(), &DefaultGateSerializer)
        .expect("structure.bin is part of the program")
});

/// The structure that every final circuit has.
pub fn structure() -> &'static Structure {
    &STRUCTURE
}

/// plonky2's encoding of a structure, for comparing and for `structure.bin`.
pub fn structure_bytes(common: &Structure) -> Vec<u8> {
    common
        .to_bytes(&DefaultGateSerializer)
        .expect("a verifier circuit has plonky2's gates only")
}

/// Compares a circuit with the structure that the contract was generated from.
///
/// # Errors
/// `StructureDiffers`, naming the first part that differs.
pub(super) fn check(common: &Structure) -> Result<(), OnchainError> {
    let expected = structure();
    let difference = if common.config != expected.config {
        "configuration"
    } else if common.fri_params != expected.fri_params {
        "degree or FRI parameters"
    } else if common.gates != expected.gates {
        "gates"
    } else if common.selectors_info != expected.selectors_info {
        "selectors"
    } else if structure_bytes(common) != ENCODED {
        "sizes"
    } else {
        return Ok(());
    };
    Err(OnchainError::StructureDiffers { difference })
}
