//! A cluster on the loopback interface: an authority, and nodes in this process.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::primitives::B256;
use tempfile::TempDir;
use tern_cluster::Process;
use tern_cluster::identity::{Name, NodeRequest, Role, init, issue, load, revoke, update};
use tern_cluster::net::{
    Cluster, ClusterSettings, Departure, Limits, Peer, PeerEvent, PeerIdentity, Rate, Refusal,
    Router, Target, Terms, Timings,
};
use tern_messages::ChainId;
use tokio::sync::broadcast;

/// Everything in these tests happens sooner, unless it never does.
pub(crate) const LIMIT: Duration = Duration::from_secs(15);

/// Some ten times quicker than production.
pub(crate) fn quick() -> Timings {
    let millis = Duration::from_millis;
    Timings {
        connect: millis(500),
        handshake: millis(800),
        ready: millis(800),
        heartbeat: millis(200),
        heartbeat_limit: millis(200),
        idle: millis(2_500),
        frame: millis(800),
        redial_first: millis(20),
        redial_max: millis(200),
        redial_refused: millis(300),
        identity_check: millis(50),
        answer: millis(3_000),
        blob: millis(5_000),
        ..Timings::default()
    }
}

/// Tests of one process share an address.
pub(crate) fn roomy() -> Limits {
    Limits {
        connections: Rate {
            per_second: 10_000,
            burst: 10_000,
        },
        ..Limits::default()
    }
}

pub(crate) fn chain() -> Terms {
    Terms {
        chain_id: Some(ChainId(7_357)),
        genesis_hash: Some(B256::repeat_byte(7)),
        profile: Some("insecure-test".into()),
        circuits: None,
    }
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

pub(crate) struct Stage {
    folder: TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        // RUST_LOG=tern=debug shows what happens.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .with_test_writer()
            .try_init();
        let stage = Self {
            folder: TempDir::new().expect("a folder"),
        };
        init(&stage.ca(), &name("tern-test")).expect("an authority");
        stage
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.path("ca")
    }

    pub(crate) fn path(&self, sub: &str) -> PathBuf {
        self.folder.path().join(sub)
    }

    pub(crate) fn issue(&self, node: &str, roles: &[Role]) -> PathBuf {
        self.issue_as(&NodeRequest::new(name(node), roles.to_vec()))
    }

    pub(crate) fn issue_as(&self, request: &NodeRequest) -> PathBuf {
        let out = self.path(request.name.as_str());
        issue(&self.ca(), request, &out).expect("a certificate");
        out
    }

    /// Revokes, and tells the node whose folder it is.
    pub(crate) fn revoke(&self, node: &str, tell: &Path) {
        revoke(&self.ca(), &name(node)).expect("revoked");
        update(&self.ca(), tell).expect("told");
    }

    /// A main node that listens, with the services of [`services`].
    pub(crate) async fn main_node(&self) -> Node {
        self.main_node_with(roomy(), services()).await
    }

    pub(crate) async fn main_node_with(&self, limits: Limits, router: Router) -> Node {
        let folder = self.issue("main", &[Role::MainNode]);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        Node::start(&folder, |settings| {
            settings.roles = [Role::MainNode].into();
            settings.listener = Some(listener);
            settings.limits = limits;
            settings.router = router;
            settings.terms = chain();
        })
        .await
    }

    /// A prover that joins a main node and knows nothing of its chain.
    pub(crate) async fn prover(&self, node: &str, main: SocketAddr) -> Node {
        let folder = self.issue(node, &[Role::Prover]);
        Node::start(&folder, |settings| {
            settings.roles = [Role::Prover].into();
            settings.join = vec![to(main, Role::MainNode)];
        })
        .await
    }
}

pub(crate) fn to(address: SocketAddr, role: Role) -> Target {
    Target {
        address: address.to_string(),
        role,
    }
}

/// `whoami` for provers, `echo` and `panic` and `never` for everybody, `secret` for sequencers.
pub(crate) fn services() -> Router {
    let everybody = Role::ALL;
    let whoami = |caller: PeerIdentity, (): ()| async move { Ok(caller.to_string()) };
    let echo = |_, bytes: Vec<u8>| async move { Ok(bytes) };
    let panic = |_, (): ()| async {
        if true {
            panic!("a service fails");
        }
        Ok(())
    };
    let never = |_, (): ()| async {
        std::future::pending::<()>().await;
        Ok(())
    };
    let secret = |_, (): ()| async { Ok::<_, Refusal>(42_u32) };
    Router::new()
        .answer("whoami", [Role::Prover], 64, whoami)
        .answer("echo", everybody, 8 << 20, echo)
        .answer("panic", everybody, 64, panic)
        .answer("never", everybody, 64, never)
        .answer("secret", [Role::Sequencer], 64, secret)
}

/// A node in this process.
pub(crate) struct Node {
    pub(crate) cluster: Cluster,
    pub(crate) process: Process,
    pub(crate) folder: PathBuf,
    events: broadcast::Receiver<PeerEvent>,
}

impl Node {
    pub(crate) async fn start(folder: &Path, change: impl FnOnce(&mut ClusterSettings)) -> Self {
        let mut settings = ClusterSettings {
            identity: load(folder).expect("a good identity"),
            roles: [].into(),
            terms: Terms::default(),
            listener: None,
            join: Vec::new(),
            router: services(),
            limits: roomy(),
            timings: quick(),
        };
        change(&mut settings);
        let process = Process::start().await.expect("a process");
        let (cluster, children) = Cluster::new(settings, 0).expect("a cluster");
        let events = cluster.events();
        for child in children {
            process.add(child).await.expect("the child starts");
        }
        Self {
            cluster,
            process,
            folder: folder.to_owned(),
            events,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.cluster.address().expect("it listens")
    }

    async fn event(&mut self) -> PeerEvent {
        tokio::time::timeout(LIMIT, self.events.recv())
            .await
            .expect("an event in time")
            .expect("no event was missed")
    }

    pub(crate) async fn joined(&mut self) -> Peer {
        match self.event().await {
            PeerEvent::Joined(peer) => peer,
            left @ PeerEvent::Left { .. } => panic!("{left:?}"),
        }
    }

    pub(crate) async fn left(&mut self) -> (PeerIdentity, Departure) {
        match self.event().await {
            PeerEvent::Left { peer, why } => (peer, why),
            joined @ PeerEvent::Joined(_) => panic!("{joined:?}"),
        }
    }

    pub(crate) fn no_event(&mut self) {
        let event = self.events.try_recv();
        assert!(event.is_err(), "{event:?}");
    }
}
