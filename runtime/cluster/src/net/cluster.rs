//! A node's place in the cluster.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use futures::FutureExt;
use ractor::{Actor, ActorCell, SpawnErr};
use ractor_cluster::node::NodeConnectionMode;
use ractor_cluster::{IncomingEncryptionMode, NodeServer, NodeServerMessage};
use thiserror::Error;
use tokio::sync::broadcast;

use super::credentials::{Credentials, Material};
use super::dial::{self, Target};
use super::directory::{Directory, PeerEvent};
use super::gateway::Gateway;
use super::hello::{Hello, Incarnation, PROTOCOL, Terms};
use super::listener;
use super::peer::Peer;
use super::service::Router;
use super::settings::{Limits, MAX_FRAME, Timings};
use super::shared::{Shared, Subscription};
use super::task::supervised;
use crate::address::Address;
use crate::child::ChildSpec;
use crate::identity::{Identity, IdentityError, Name, Role, refusing_acceptor};
use crate::policy::RestartPolicy;

/// What a node needs to take part.
#[derive(Debug)]
pub struct ClusterSettings {
    /// Who it is.
    pub identity: Identity,
    /// The roles that it plays, all of which its certificate must allow.
    pub roles: BTreeSet<Role>,
    /// Its chain, as far as it knows.
    pub terms: Terms,
    /// Where others connect to it, if they do. Bound by the caller, so that a taken port is noticed at the start.
    pub listener: Option<TcpListener>,
    /// Where it connects to.
    pub join: Vec<Target>,
    /// What it answers.
    pub router: Router,
    /// Limits for peers.
    pub limits: Limits,
    /// Times.
    pub timings: Timings,
}

/// Why a node cannot take part. Only the operator can help.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// Its identity does not allow what it is to do.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// It is to listen and has no role to which others connect.
    #[error("{roles} does not accept connections; only main-node and sequencer do")]
    AcceptsNothing {
        /// Its roles.
        roles: String,
    },
    /// The listener cannot be used.
    #[error("the cluster's listener cannot be used: {0}")]
    Listener(#[from] io::Error),
}

/// The other nodes, as this one sees them.
#[derive(Clone)]
pub struct Cluster {
    name: Name,
    incarnation: Incarnation,
    address: Option<SocketAddr>,
    directory: Arc<Directory>,
}

impl Cluster {
    /// Prepares a node's place and the children that fill it, which are to be added to the process in this order.
    ///
    /// # Errors
    /// See [`ClusterError`].
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn new(
        settings: ClusterSettings,
        rank: u8,
    ) -> Result<(Self, Vec<ChildSpec>), ClusterError> {
        let ClusterSettings {
            identity,
            roles,
            terms,
            listener,
            join,
            router,
            limits,
            timings,
        } = settings;
        for &role in &roles {
            identity.subject().expect_role(role)?;
        }
        if listener.is_some() && !roles.iter().any(|role| role.accepts_connections()) {
            let roles = crate::identity::listed(&roles);
            return Err(ClusterError::AcceptsNothing { roles });
        }
        let hello = Hello {
            protocol: PROTOCOL,
            software: env!("CARGO_PKG_VERSION").to_owned(),
            cluster: identity.subject().cluster.clone(),
            name: identity.subject().name.clone(),
            roles,
            incarnation: Incarnation(rand::random()),
            terms,
        };
        let directory = Arc::new(Directory::new(limits, timings));
        let cookie = identity.authority_digest();
        let shared = Arc::new(Shared {
            hello,
            credentials: Arc::new(Credentials::new(Material::new(identity)?)),
            directory: Arc::clone(&directory),
            server: Address::new(SERVER),
        });
        let listener = listener.map(tokio_listener).transpose()?;
        let address = match &listener {
            Some(listener) => Some(listener.local_addr()?),
            None => None,
        };
        let cluster = Self {
            name: shared.hello.name.clone(),
            incarnation: shared.hello.incarnation,
            address,
            directory,
        };
        let mut children = vec![
            server(rank, cookie, &shared),
            gateway(rank, router, &shared),
            identity_watch(rank, &shared),
        ];
        children.extend(listener.map(|listener| listening(rank, listener, &shared)));
        if !join.is_empty() {
            children.push(dialling(rank, join, &shared));
        }
        Ok((cluster, children))
    }

    /// This node's name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Which start of this node it is.
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// Where others connect to this node.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The peers that are here.
    pub fn peers(&self) -> Vec<Peer> {
        self.directory.peers()
    }

    /// A peer by name.
    pub fn peer(&self, name: &Name) -> Option<Peer> {
        let of_name = |peer: &Peer| peer.identity().name() == name;
        self.peers().into_iter().find(of_name)
    }

    /// A peer that plays a role.
    pub fn with_role(&self, role: Role) -> Option<Peer> {
        let plays = |peer: &Peer| peer.identity().plays(role);
        self.peers().into_iter().find(plays)
    }

    /// Waits until a peer of a role is here.
    pub async fn wait_for(&self, role: Role) -> Peer {
        let mut changes = self.directory.changes();
        loop {
            changes.mark_unchanged();
            if let Some(peer) = self.with_role(role) {
                return peer;
            }
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Peers that come and go from now on. A listener that lags behind misses events; [`Cluster::peers`] is always
    /// true.
    pub fn events(&self) -> broadcast::Receiver<PeerEvent> {
        self.directory.events()
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("name", &self.name)
            .field("incarnation", &self.incarnation)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

const SERVER: &str = "cluster-server";

fn tokio_listener(listener: TcpListener) -> io::Result<Arc<tokio::net::TcpListener>> {
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener).map(Arc::new)
}

/// The node server of `ractor_cluster`. Its own listener is parked where nobody needs it, and refuses everybody.
fn server(rank: u8, cookie: String, shared: &Arc<Shared>) -> ChildSpec {
    let shared = Arc::clone(shared);
    ChildSpec::new(SERVER, rank, RestartPolicy::STANDARD, move |supervisor| {
        let (shared, cookie) = (Arc::clone(&shared), cookie.clone());
        async move { start_server(&shared, cookie, supervisor).await }
    })
}

async fn start_server(
    shared: &Shared,
    cookie: String,
    supervisor: ActorCell,
) -> Result<ActorCell, SpawnErr> {
    let hello = &shared.hello;
    // It puts `name@host` together, which is then `Hello::node`.
    let server = NodeServer::new(
        0,
        cookie,
        hello.name.to_string(),
        hello.incarnation.to_string(),
        Some(IncomingEncryptionMode::Tls(refusing_acceptor())),
        Some(NodeConnectionMode::Isolated),
    )
    .with_listen_addr(IpAddr::V4(Ipv4Addr::LOCALHOST))
    // The guard checks the same limit first.
    .with_max_inbound_frame_size(2 * MAX_FRAME as u64);
    let (server, _) = Actor::spawn_linked(None, server, (), supervisor).await?;
    let subscribe = NodeServerMessage::SubscribeToEvents {
        id: SERVER.to_owned(),
        subscription: Box::new(Subscription(Arc::clone(&shared.directory))),
    };
    server
        .cast(subscribe)
        .map_err(|error| SpawnErr::StartupFailed(error.to_string().into()))?;
    let cell = server.get_cell();
    shared.server.set(server);
    Ok(cell)
}

fn gateway(rank: u8, router: Router, shared: &Arc<Shared>) -> ChildSpec {
    let actor = Gateway {
        node: shared.hello.node(),
        directory: Arc::clone(&shared.directory),
        router: Arc::new(router),
    };
    let name = "cluster-gateway";
    ChildSpec::of_actor(name, rank, actor, &Address::new(name))
}

fn identity_watch(rank: u8, shared: &Arc<Shared>) -> ChildSpec {
    let shared = Arc::clone(shared);
    supervised("cluster-identity", rank, move || {
        let (credentials, directory) = (&shared.credentials, &shared.directory);
        Arc::clone(credentials).watch(Arc::clone(directory)).boxed()
    })
}

fn listening(rank: u8, listener: Arc<tokio::net::TcpListener>, shared: &Arc<Shared>) -> ChildSpec {
    let shared = Arc::clone(shared);
    supervised("cluster-listener", rank, move || {
        listener::run(Arc::clone(&listener), Arc::clone(&shared)).boxed()
    })
}

fn dialling(rank: u8, targets: Vec<Target>, shared: &Arc<Shared>) -> ChildSpec {
    let shared = Arc::clone(shared);
    supervised("cluster-dialler", rank, move || {
        let all = targets
            .iter()
            .map(|target| dial::keep_connected(target.clone(), Arc::clone(&shared)).boxed());
        futures::future::select_all(all)
            .map(|(fault, ..)| fault)
            .boxed()
    })
}
