//! stub
use evm_arithmetization::GenerationInputs;
use tern_messages::TransactionBatch;

use crate::error::InputError;

/// The prover's inputs for `batch`.
///
/// # Errors
/// If the batch contradicts itself, or holds values that the prover's machine cannot express.
pub fn generation_inputs(batch: &TransactionBatch) -> Result<GenerationInputs, InputError> {
    let _ = batch;
    todo!()
}
