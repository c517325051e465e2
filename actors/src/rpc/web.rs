//! `net_` and `web3_`.

use alloy::primitives::{B256, Bytes, keccak256};
use jsonrpsee::core::RpcResult;
use jsonrpsee::proc_macros::rpc;
use jsonrpsee::{Methods, RpcModule};
use tern_messages::ChainId;

/// What the client calls itself.
const CLIENT: &str = concat!("tern/v", env!("CARGO_PKG_VERSION"), "/rust");

#[rpc(server)]
trait WebApi {
    /// The chain id, in decimal.
    #[method(name = "net_version")]
    fn version(&self) -> RpcResult<String>;

    /// The node accepts connections.
    #[method(name = "net_listening")]
    fn listening(&self) -> RpcResult<bool>;

    /// Name and version of this program.
    #[method(name = "web3_clientVersion")]
    fn client_version(&self) -> RpcResult<String>;

    /// keccak256.
    #[method(name = "web3_sha3")]
    fn sha3(&self, data: Bytes) -> RpcResult<B256>;
}

struct Web(ChainId);

impl WebApiServer for Web {
    fn version(&self) -> RpcResult<String> {
        Ok(self.0.to_string())
    }

    fn listening(&self) -> RpcResult<bool> {
        Ok(true)
    }

    fn client_version(&self) -> RpcResult<String> {
        Ok(CLIENT.to_owned())
    }

    fn sha3(&self, data: Bytes) -> RpcResult<B256> {
        Ok(keccak256(data))
    }
}

pub(super) fn methods(chain_id: ChainId) -> Methods {
    let module: RpcModule<Web> = Web(chain_id).into_rpc();
    module.into()
}
