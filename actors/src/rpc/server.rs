//! The server itself, and the actor that keeps it running.
//!
//! Supervised by the process's supervisor. Its listener is bound before anything else starts, so that a
//! port in use is an error of the command line, not of a running node; a restarted server reuses it.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use alloy::primitives::hex;
use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::core::middleware::RpcServiceBuilder;
use jsonrpsee::core::traits::IdProvider;
use jsonrpsee::server::{BatchRequestConfig, Server, ServerConfig, ServerHandle};
use jsonrpsee::types::SubscriptionId;
use jsonrpsee::{Methods, RpcModule};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tern_cluster::{ChildSpec, Fault, RestartPolicy};
use tern_cluster_config::RpcConfig;
use thiserror::Error;
use tower_http::cors::{Any, CorsLayer};
use tower_http::map_request_body::MapRequestBodyLayer;
use tracing::info;

use super::eth::Eth;
use super::guard::{Guard, Limits};
use super::reader::Reader;
use super::{attestation, body, subscribe, tern, web};
use crate::derivation::Attestor;
use crate::main_node::MainNodeHandle;

/// Why the server cannot run.
#[derive(Debug, Error)]
pub enum RpcServerError {
    /// The address is taken or not ours.
    #[error("{address} ({setting}) cannot be listened on: {source}; choose another with {flag}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The setting that names it.
        setting: &'static str,
        /// The flag that changes it.
        flag: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The listener was lost.
    #[error("the RPC listener on {address} cannot be used: {source}")]
    Listener {
        /// The address.
        address: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// Two methods have the same name: a bug.
    #[error(transparent)]
    Methods(#[from] RegisterMethodError),
}

/// Takes the address for a server that starts later.
///
/// # Errors
/// [`RpcServerError::Listen`]; the message names the flag that changes it.
pub fn bind(
    address: SocketAddr,
    setting: &'static str,
    flag: &'static str,
) -> Result<TcpListener, RpcServerError> {
    let refused = |source| RpcServerError::Listen {
        address,
        setting,
        flag,
        source,
    };
    let listener = TcpListener::bind(address).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    Ok(listener)
}

/// What a server needs; kept over restarts.
#[derive(Clone)]
pub struct RpcHandle {
    methods: Methods,
    /// Whose server it is.
    role: &'static str,
    config: RpcConfig,
    listener: Arc<TcpListener>,
}

/// A server that answers until it is stopped.
#[derive(Debug)]
pub struct RunningServer {
    /// Where it listens.
    pub address: SocketAddr,
    handle: ServerHandle,
}

impl RpcHandle {
    /// A server for a main node, on a listener from [`bind`].
    ///
    /// # Errors
    /// [`RpcServerError::Methods`].
    pub fn new(
        node: &MainNodeHandle,
        config: RpcConfig,
        listener: TcpListener,
    ) -> Result<Self, RpcServerError> {
        let reader = Reader::new(node.chain.clone(), node.head());
        let (chain_id, role) = (node.chain.spec.chain_id(), node.chain.spec.role);
        let mut all = RpcModule::new(());
        all.merge(Eth::new(reader.clone(), node.address.clone(), config).methods())?;
        all.merge(web::methods(chain_id))?;
        all.merge(tern::methods(reader.clone()))?;
        all.merge(subscribe::methods(reader)?)?;
        Ok(Self::of(all.into(), role, config, listener))
    }

    /// A server for a watcher that signs, on a listener from [`bind`].
    ///
    /// # Errors
    /// [`RpcServerError::Methods`].
    pub fn attesting(
        attestor: Attestor,
        config: RpcConfig,
        listener: TcpListener,
    ) -> Result<Self, RpcServerError> {
        let mut all = RpcModule::new(());
        all.merge(web::methods(attestor.chain_id()))?;
        all.merge(attestation::methods(attestor))?;
        Ok(Self::of(all.into(), "watcher", config, listener))
    }

    fn of(methods: Methods, role: &'static str, config: RpcConfig, listener: TcpListener) -> Self {
        Self {
            methods,
            role,
            config,
            listener: Arc::new(listener),
        }
    }

    /// Starts answering.
    ///
    /// # Errors
    /// If the listener cannot be used.
    pub fn serve(&self) -> Result<RunningServer, RpcServerError> {
        let address = self.listener.local_addr().unwrap_or(self.config.listen);
        let lost = |source| RpcServerError::Listener { address, source };
        let limits = Limits::new(self.config.max_concurrent, self.config.request_timeout);
        // Any page may ask: nothing here acts for the user, signatures do.
        let cors = CorsLayer::new()
            .allow_origin(Any)
            .allow_methods(Any)
            .allow_headers(Any);
        let server = Server::builder()
            .set_config(server_config(&self.config))
            .set_http_middleware(
                tower::ServiceBuilder::new()
                    .layer(cors)
                    .layer(MapRequestBodyLayer::new(body::read_to_end)),
            )
            .set_rpc_middleware(RpcServiceBuilder::new().layer_fn(move |service| Guard {
                limits: limits.clone(),
                service,
            }))
            .build_from_tcp(self.listener.try_clone().map_err(lost)?)
            .map_err(lost)?;
        let handle = server.start(self.methods.clone());
        info!(target: "tern::rpc", %address, chain = self.role, "serving JSON-RPC");
        Ok(RunningServer { address, handle })
    }
}

impl RunningServer {
    /// Stops taking requests and waits until those under way are answered.
    pub async fn stop(self) {
        // An error means that it has stopped already.
        let _ = self.handle.stop();
        self.handle.stopped().await;
    }
}

fn server_config(config: &RpcConfig) -> ServerConfig {
    ServerConfig::builder()
        .max_connections(config.max_connections)
        .max_request_body_size(config.max_request_bytes)
        .max_response_body_size(config.max_response_bytes)
        .max_subscriptions_per_connection(config.max_subscriptions)
        .set_batch_request_config(BatchRequestConfig::Limit(config.max_batch))
        .set_id_provider(HexIds)
        .set_tcp_no_delay(true)
        .build()
}

/// Subscription ids as go-ethereum makes them: 16 random bytes in hexadecimal.
#[derive(Debug)]
struct HexIds;

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        hex::encode_prefixed(rand::random::<[u8; 16]>()).into()
    }
}

/// What the supervisor needs to run the server.
pub fn child(name: &'static str, rank: u8, handle: RpcHandle) -> ChildSpec {
    ChildSpec::new(name, rank, RestartPolicy::STANDARD, move |supervisor| {
        let handle = handle.clone();
        async move {
            let (actor, _) = Actor::spawn_linked(None, RpcServer, handle, supervisor).await?;
            Ok(actor.get_cell())
        }
    })
}

/// Owns the running server; has nothing to be told.
struct RpcServer;

/// No message exists.
enum Nothing {}

impl ractor::Message for Nothing {}

impl Actor for RpcServer {
    type Msg = Nothing;
    type State = Option<RunningServer>;
    type Arguments = RpcHandle;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        handle: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let server = handle
            .serve()
            .map_err(|error| Fault::Configuration(Box::new(error)))?;
        let ended = server.handle.clone();
        tokio::spawn(async move {
            ended.stopped().await;
            myself.stop(Some("the server has ended".to_owned()));
        });
        Ok(Some(server))
    }

    async fn post_stop(
        &self,
        _: ActorRef<Self::Msg>,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        if let Some(server) = state.take() {
            server.stop().await;
        }
        Ok(())
    }
}
