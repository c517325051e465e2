//! `tern_attestation`: a watcher's signature.

use alloy::primitives::{Address, Bytes};
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use jsonrpsee::{Methods, RpcModule};
use tern_messages::BatchNumber;

use super::numbers::Quantity;
use crate::derivation::Attestor;

#[rpc(server, namespace = "tern")]
trait AttestationApi {
    /// The watcher's signature (r, s, v: 65 bytes) of what the batches `first` to `last` state, for an
    /// `AttestationVerifier`. It signs what it has executed itself, and nothing else.
    #[method(name = "attestation", blocking)]
    fn attestation(&self, verifier: Address, first: Quantity, last: Quantity) -> RpcResult<Bytes>;
}

impl AttestationApiServer for Attestor {
    fn attestation(&self, verifier: Address, first: Quantity, last: Quantity) -> RpcResult<Bytes> {
        let signature = self.sign(verifier, BatchNumber(first.0), BatchNumber(last.0))?;
        Ok(signature.as_bytes().into())
    }
}

pub(super) fn methods(attestor: Attestor) -> Methods {
    let module: RpcModule<Attestor> = attestor.into_rpc();
    module.into()
}
