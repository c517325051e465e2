//! A main node with its RPC server, on a data directory. Used for L3 and for the embedded L2 alike.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use tern_cluster::Process;
use tern_cluster_config::RpcConfig;

use super::ending::Failure;
use crate::main_node::{Chain, ChainSpec, MainNodeHandle};
use crate::rpc::{RpcHandle, child};

/// Where a chain lives in this process.
#[derive(Debug)]
pub struct ChainPlace {
    /// Its data directory.
    pub directory: PathBuf,
    /// Its RPC server's listener.
    pub listener: TcpListener,
    /// Its RPC server's limits.
    pub rpc: RpcConfig,
    /// The RPC server's name among the children.
    pub rpc_name: &'static str,
    /// When the RPC server stops.
    pub rpc_rank: u8,
    /// When the main node stops.
    pub rank: u8,
}

/// Opens a chain's data directory, away from the threads that answer.
///
/// # Errors
/// If it is not this chain's, is in use or damaged.
pub async fn open_chain(directory: PathBuf, spec: ChainSpec) -> Result<Chain, Failure> {
    let opened = tokio::task::spawn_blocking(move || Chain::open(&directory, spec)).await;
    Ok(opened.map_err(Failure::fault)??)
}

/// Starts a main node and its RPC server.
///
/// # Errors
/// If the data directory is not this chain's, is in use or damaged.
pub async fn start_chain(
    process: &Process,
    spec: ChainSpec,
    place: ChainPlace,
) -> Result<(MainNodeHandle, SocketAddr), Failure> {
    let ChainPlace {
        directory,
        listener,
        rpc,
        rpc_name,
        rpc_rank,
        rank,
    } = place;
    let address = listener.local_addr().map_err(Failure::fault)?;
    let handle = MainNodeHandle::new(open_chain(directory, spec).await?)?;
    process.add(handle.child(rank)).await?;
    let server = RpcHandle::new(&handle, rpc, listener)?;
    process.add(child(rpc_name, rpc_rank, server)).await?;
    Ok((handle, address))
}
