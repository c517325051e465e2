//! The devnet's own L2: a plain EVM chain with instant sealing and funded development accounts.
//!
//! The same engine, RPC server and storage as L3, under other rules: true log blooms, no limits of proving, a
//! larger gas limit, every block final at once. It exists so that a newcomer needs nothing but this program; it
//! is no L2 for anything but development.

use std::net::TcpListener;
use std::path::Path;

use tern_cluster::Process;
use tern_cluster_config::{Devnet, RpcConfig};

use crate::main_node::ChainSpec;
use crate::supervisor::{ChainPlace, Failure, rank, start_chain};

/// Starts the L2; returns the URL at which it answers.
///
/// # Errors
/// As [`start_chain`].
pub async fn start(
    process: &Process,
    data_dir: &Path,
    listener: TcpListener,
    rpc: RpcConfig,
) -> Result<String, Failure> {
    let place = ChainPlace {
        directory: data_dir.join("l2"),
        listener,
        rpc,
        rpc_name: "l2-rpc",
        rpc_rank: rank::L2_RPC,
        rank: rank::L2,
    };
    let (_, address) = start_chain(process, ChainSpec::embedded_l2(Devnet::l2()), place).await?;
    Ok(format!("http://{address}"))
}
