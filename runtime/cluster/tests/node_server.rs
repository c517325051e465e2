//! The actor system's node server dies. A test of its own, because it cannot tell one node's from another's.

use std::net::TcpListener;
use std::time::Duration;

use ractor_cluster::NodeServerMessage;
use tempfile::TempDir;
use tern_cluster::Process;
use tern_cluster::identity::{NodeRequest, Role, init, issue, load};
use tern_cluster::net::{
    Cluster, ClusterSettings, Limits, PeerEvent, Router, Target, Terms, Timings,
};

const LIMIT: Duration = Duration::from_secs(15);

async fn node(folder: &TempDir, role: Role, join: Vec<Target>) -> (Process, Cluster) {
    let out = folder.path().join(role.as_str());
    let name = role.as_str().parse().expect("a name");
    issue(folder.path(), &NodeRequest::new(name, [role]), &out).expect("a certificate");
    let listener = role.accepts_connections();
    let settings = ClusterSettings {
        identity: load(&out).expect("a good identity"),
        roles: [role].into(),
        terms: Terms::default(),
        listener: listener.then(|| TcpListener::bind("127.0.0.1:0").expect("a port")),
        join,
        router: Router::new().answer("ping", Role::ALL, 64, |_, (): ()| async { Ok(7_u32) }),
        limits: Limits::default(),
        timings: Timings::default(),
    };
    let process = Process::start().await.expect("a process");
    let (cluster, children) = Cluster::new(settings, 0).expect("a cluster");
    for child in children {
        process.add(child).await.expect("the child starts");
    }
    (process, cluster)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_server_that_died_is_restarted_and_the_peers_are_back() {
    let folder = TempDir::new().expect("a folder");
    init(folder.path(), &"test".parse().expect("a name")).expect("an authority");
    let (_main_process, main) = node(&folder, Role::MainNode, Vec::new()).await;
    let target = Target {
        address: main.address().expect("it listens").to_string(),
        role: Role::MainNode,
    };
    let mut events = main.events();
    let (_prover_process, prover) = node(&folder, Role::Prover, vec![target]).await;
    let mut next = async || {
        let event = tokio::time::timeout(LIMIT, events.recv()).await;
        event
            .expect("an event in time")
            .expect("no event was missed")
    };
    assert!(matches!(next().await, PeerEvent::Joined(_)));
    let servers: Vec<_> = ractor::registry::get_all_pids()
        .into_iter()
        .filter(|cell| cell.is_message_type_of::<NodeServerMessage>() == Some(true))
        .collect();
    assert_eq!(servers.len(), 2, "one for each node");
    for server in servers {
        server.kill();
    }
    assert!(matches!(next().await, PeerEvent::Left { .. }));
    assert!(matches!(next().await, PeerEvent::Joined(_)));
    let peer = tokio::time::timeout(LIMIT, prover.wait_for(Role::MainNode)).await;
    let answer: u32 = peer
        .expect("it is back in time")
        .ask("ping", &(), LIMIT)
        .await
        .expect("an answer");
    assert_eq!(answer, 7);
}
