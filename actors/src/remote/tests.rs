//! Two nodes of one cluster on the loopback interface, with real certificates.

use std::net::TcpListener;
use std::time::Duration;

use alloy::primitives::B256;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tempfile::TempDir;
use tern_cluster::identity::{NodeRequest, init, issue, load};
use tern_cluster::net::{Cluster, ClusterSettings, Limits, Router, Target, Terms, Timings};
use tern_cluster::{Address, CallError, Process};
use tern_messages::{
    BatchNumber, BatchesPending, Drain, DrainAnswer, Offer, OfferRefusal, ProofStatus, Role,
    WorkerId,
};
use tokio::sync::mpsc::UnboundedReceiver;

use super::router::LocalSequencer;
use super::*;
use crate::sequencer::CoordinatorMessage;
use crate::sequencer::testing::{mailbox, next};

const LIMIT: Duration = Duration::from_secs(20);

/// A coordinator that knows some batches and has no work.
struct Idle;

impl Actor for Idle {
    type Msg = CoordinatorMessage;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: CoordinatorMessage,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match message {
            CoordinatorMessage::Offer(offer, reply) => {
                let len = offer.worker.name.len();
                let _ = reply.send(Err(OfferRefusal::BadName { len }));
            }
            CoordinatorMessage::Drain(name, reply) => {
                assert_eq!(name, "p1");
                let _ = reply.send(());
            }
            CoordinatorMessage::Status(reply) => {
                let _ = reply.send(ProofStatus {
                    ready: 3,
                    ..ProofStatus::default()
                });
            }
            CoordinatorMessage::Pending(reply) => {
                let _ = reply.send(BatchesPending {
                    formed: BatchNumber(7),
                    proven: BatchNumber(5),
                });
            }
            _ => {}
        }
        Ok(())
    }
}

/// A sequencer with an idle coordinator, and whoever joins it.
struct Net {
    folder: TempDir,
    address: String,
    departed: UnboundedReceiver<CoordinatorMessage>,
    cluster: Cluster,
    _sequencer: Process,
}

impl Net {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        init(&folder.path().join("ca"), &"test".parse().unwrap()).unwrap();
        let (actor, _) = Actor::spawn(None, Idle, ()).await.unwrap();
        let coordinator = Address::new("proof coordinator");
        coordinator.set(actor);
        let sequencer = LocalSequencer {
            coordinator,
            batcher: Address::new("batcher"),
            announcements: Default::default(),
        };
        let view = View::new([Role::Sequencer]);
        let answers = router(Local {
            sequencer: Some(sequencer),
            view: Some(view.clone()),
            ..Local::default()
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (process, cluster) = join(
            &folder,
            "sequencer",
            Role::Sequencer,
            answers,
            Some(listener),
            vec![],
        )
        .await;
        let (watching, departed) = mailbox().await;
        let watch = departures(100, &cluster, &watching);
        process.add(watch).await.unwrap();
        view.set(cluster.clone());
        Self {
            folder,
            address,
            departed,
            cluster,
            _sequencer: process,
        }
    }

    /// A node with one role, which it and the sequencer know to be connected.
    async fn with(&self, name: &str, role: Role) -> (Process, Cluster) {
        let target = Target {
            address: self.address.clone(),
            role: Role::Sequencer,
        };
        let joined = join(&self.folder, name, role, Router::new(), None, vec![target]).await;
        let connected = async {
            joined.1.wait_for(Role::Sequencer).await;
            while self.cluster.peer(joined.1.name()).is_none() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let connected = tokio::time::timeout(LIMIT, connected).await;
        assert!(connected.is_ok(), "{name} is connected");
        joined
    }
}

async fn join(
    folder: &TempDir,
    name: &str,
    role: Role,
    router: Router,
    listener: Option<TcpListener>,
    join: Vec<Target>,
) -> (Process, Cluster) {
    let identity = folder.path().join(name);
    let request = NodeRequest::new(name.parse().unwrap(), [role]);
    issue(&folder.path().join("ca"), &request, &identity).unwrap();
    let settings = ClusterSettings {
        identity: load(&identity).unwrap(),
        roles: [role].into(),
        terms: Terms::default(),
        listener,
        join,
        router,
        limits: Limits::default(),
        timings: Timings::default(),
    };
    let (cluster, children) = Cluster::new(settings, 0).unwrap();
    let process = Process::start().await.unwrap();
    for child in children {
        process.add(child).await.unwrap();
    }
    (process, cluster)
}

async fn coordinator_in(cluster: Cluster) -> Address<CoordinatorMessage> {
    let (actor, _) = Actor::spawn(None, CoordinatorProxy::over(cluster), ())
        .await
        .unwrap();
    let address = Address::new("proof coordinator");
    address.set(actor);
    address
}

fn offer(name: &str) -> Offer {
    Offer {
        worker: WorkerId {
            name: name.to_owned(),
            incarnation: 1,
        },
        memory: 9 << 30,
        cores: 2,
        profile: "secure".into(),
        circuits_version: B256::repeat_byte(1),
        holding: Vec::new(),
        wait: Duration::from_secs(1),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_on_another_machine_is_asked_as_one_of_this_process() {
    let net = Net::start().await;
    let (_prover, cluster) = net.with("p1", Role::Prover).await;
    let coordinator = coordinator_in(cluster).await;
    let call = |reply| CoordinatorMessage::Offer(offer("p1"), reply);
    let answer = coordinator.call(call, LIMIT).await.unwrap();
    assert_eq!(answer, Err(OfferRefusal::BadName { len: 2 }));
    let (_bridge, cluster) = net.with("b1", Role::Bridge).await;
    let coordinator = coordinator_in(cluster).await;
    let pending = coordinator.call(CoordinatorMessage::Pending, LIMIT).await;
    assert_eq!(pending.unwrap().formed, BatchNumber(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_cannot_ask_what_is_for_another_nor_speak_in_anothers_name() {
    let net = Net::start().await;
    let (_prover, cluster) = net.with("p1", Role::Prover).await;
    let coordinator = coordinator_in(cluster).await;
    let call = |reply| CoordinatorMessage::Offer(offer("p2"), reply);
    let stolen = coordinator.call(call, LIMIT).await;
    assert!(
        matches!(stolen, Err(CallError::Dropped { .. })),
        "{stolen:?}"
    );
    let pending = coordinator.call(CoordinatorMessage::Pending, LIMIT).await;
    assert!(
        matches!(pending, Err(CallError::Dropped { .. })),
        "{pending:?}"
    );
    let call = |reply| CoordinatorMessage::Offer(offer("p1"), reply);
    let own = coordinator.call(call, LIMIT).await;
    assert!(own.is_ok(), "its own offer is still answered: {own:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_coordinator_hears_of_provers_that_leave_and_of_no_others() {
    let mut net = Net::start().await;
    let (bridge, _) = net.with("b1", Role::Bridge).await;
    let (prover, _) = net.with("p1", Role::Prover).await;
    bridge.stop(LIMIT).await;
    prover.stop(LIMIT).await;
    let gone = next(&mut net.departed, |message| match message {
        CoordinatorMessage::Gone(name) => Some(name),
        _ => None,
    })
    .await;
    assert_eq!(gone, "p1");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_the_cluster_and_drains_provers_and_nobody_else_may() {
    let net = Net::start().await;
    let (_prover, prover) = net.with("p1", Role::Prover).await;
    let (_operator, operator) = net.with("alice", Role::Operator).await;
    let sequencer = operator.with_role(Role::Sequencer).unwrap();
    let status = sequencer.ask(questions::MEMBERS.topic, &(), LIMIT).await;
    let status: tern_messages::MemberStatus = status.unwrap();
    let names: Vec<_> = status.peers.iter().map(|peer| &peer.name[..]).collect();
    assert_eq!(names, ["p1", "alice"]);
    assert_eq!(status.proofs.map(|proofs| proofs.ready), Some(3));
    let ask = async |cluster: &Cluster, name: &str, start| {
        let peer = cluster.with_role(Role::Sequencer).unwrap();
        let wish = Drain {
            name: name.into(),
            start,
        };
        peer.ask::<_, DrainAnswer>(questions::DRAIN.topic, &wish, LIMIT)
            .await
    };
    let start = prover.incarnation().0;
    assert_eq!(
        ask(&operator, "p1", None).await.unwrap(),
        DrainAnswer::Leaving { start }
    );
    let other = Some(start.wrapping_add(1));
    assert_eq!(
        ask(&operator, "p1", other).await.unwrap(),
        DrainAnswer::Left
    );
    let connected = vec!["p1".to_owned()];
    assert_eq!(
        ask(&operator, "p2", None).await.unwrap(),
        DrainAnswer::Unknown { connected }
    );
    assert!(ask(&prover, "p1", None).await.is_err(), "provers may not");
}
