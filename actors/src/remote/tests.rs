//! Requests through a line that ends in a service of the same process.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::B256;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tern_cluster::{Address, CallError};
use tern_cluster_config::Role;
use tern_messages::{
    BatchNumber, BatchesPending, BlockNumber, HaltReport, Offer, OfferRefusal, WorkerId, encode,
};
use tokio::sync::mpsc;

use super::*;
use crate::main_node::MainNodeMessage;
use crate::sequencer::CoordinatorMessage;

const LIMIT: Duration = Duration::from_secs(5);

/// Ends in a service, as a connection of `caller` would.
#[derive(Clone, Debug)]
struct Loopback {
    service: Service,
    caller: Caller,
}

impl Line for Loopback {
    fn ask(&self, request: Vec<u8>, _: Duration) -> Answered {
        let Self { service, caller } = self.clone();
        Box::pin(async move {
            let answer = service.answer(&caller, &request).await;
            answer.map_err(|refused| LineError::Refused {
                role: "sequencer",
                reason: refused.to_string(),
            })
        })
    }

    fn tell(&self, request: Vec<u8>) {
        drop(tokio::spawn(self.ask(request, LIMIT)));
    }
}

fn caller(name: &str, role: Role) -> Caller {
    Caller {
        name: name.to_owned(),
        roles: BTreeSet::from([role]),
    }
}

fn line(local: Local, caller: Caller) -> Arc<dyn Line> {
    let service = Service::new(local);
    Arc::new(Loopback { service, caller })
}

/// A coordinator that knows one batch and has no work.
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

async fn idle() -> Local {
    let (actor, _) = Actor::spawn(None, Idle, ()).await.unwrap();
    let address = Address::new("proof coordinator");
    address.set(actor);
    Local {
        coordinator: Some(address),
        ..Local::default()
    }
}

async fn coordinator_over(line: Arc<dyn Line>) -> Address<CoordinatorMessage> {
    let proxy = CoordinatorProxy::over(line);
    let (actor, _) = Actor::spawn(None, proxy, ()).await.unwrap();
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

#[tokio::test]
async fn a_role_on_another_machine_is_asked_as_one_of_this_process() {
    let local = idle().await;
    let prover = coordinator_over(line(local.clone(), caller("p1", Role::Prover))).await;
    let call = |reply| CoordinatorMessage::Offer(offer("p1"), reply);
    let answer = prover.call(call, LIMIT).await.unwrap();
    assert_eq!(answer, Err(OfferRefusal::BadName { len: 2 }));
    let bridge = coordinator_over(line(local, caller("b", Role::Bridge))).await;
    let pending = bridge.call(CoordinatorMessage::Pending, LIMIT).await;
    assert_eq!(pending.unwrap().formed, BatchNumber(7));
}

#[tokio::test]
async fn a_role_cannot_ask_what_is_for_another_nor_speak_in_anothers_name() {
    let local = idle().await;
    let service = Service::new(local.clone());
    let prover = caller("p1", Role::Prover);
    let settled = encode(&Request::Pending(()));
    let refused = service.answer(&prover, &settled).await.unwrap_err();
    assert!(matches!(refused, Refused::NotAllowed { .. }), "{refused}");
    let stolen = encode(&Request::Offer(offer("p2")));
    let refused = service.answer(&prover, &stolen).await.unwrap_err();
    assert!(matches!(refused, Refused::Impostor { .. }), "{refused}");
    let address = coordinator_over(line(local, prover)).await;
    let failed = address.call(CoordinatorMessage::Pending, LIMIT).await;
    assert!(
        matches!(failed, Err(CallError::Dropped { .. })),
        "{failed:?}"
    );
}

#[tokio::test]
async fn what_is_no_request_and_what_runs_elsewhere_is_refused() {
    let service = Service::new(Local::default());
    let bridge = caller("b", Role::Bridge);
    for garbage in [&b""[..], b"\x01", b"\x01\xff\xff\xff\xff", b"\x02\x00"] {
        let refused = service.answer(&bridge, garbage).await.unwrap_err();
        assert!(matches!(refused, Refused::Malformed(_)), "{refused}");
    }
    let refused = service
        .answer(&bridge, &encode(&Request::Pending(())))
        .await
        .unwrap_err();
    let here = matches!(
        refused,
        Refused::NotHere {
            role: Role::Sequencer
        }
    );
    assert!(here, "{refused}");
}

/// Loses every second request.
#[derive(Debug)]
struct Lossy {
    to: Loopback,
    lost: std::sync::atomic::AtomicBool,
}

impl Line for Lossy {
    fn ask(&self, request: Vec<u8>, limit: Duration) -> Answered {
        if self.lost.fetch_not(std::sync::atomic::Ordering::Relaxed) {
            return self.to.ask(request, limit);
        }
        Box::pin(async { Err(LineError::Away { role: "main node" }) })
    }

    fn tell(&self, _: Vec<u8>) {}
}

/// A main node that notes what it is told.
struct Listener(mpsc::UnboundedSender<HaltReport>);

impl Actor for Listener {
    type Msg = MainNodeMessage;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: MainNodeMessage,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        if let MainNodeMessage::Halt(report) = message {
            self.0.send(report)?;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_halt_is_repeated_until_the_main_node_has_heard_it() {
    let (said, mut heard) = mpsc::unbounded_channel();
    let (actor, _) = Actor::spawn(None, Listener(said), ()).await.unwrap();
    let main_node = Address::new("main node");
    main_node.set(actor);
    let to = Loopback {
        service: Service::new(Local {
            main_node: Some(main_node),
            ..Local::default()
        }),
        caller: caller("s", Role::Sequencer),
    };
    let lossy = Lossy {
        to,
        lost: false.into(),
    };
    let proxy = MainNodeProxy::over(Arc::new(lossy));
    let (proxy, _) = Actor::spawn(None, proxy, ()).await.unwrap();
    let report = HaltReport {
        block: BlockNumber(3),
        transaction: None,
        reason: "it cannot be proven".into(),
    };
    proxy.cast(MainNodeMessage::Halt(report.clone())).unwrap();
    assert_eq!(heard.recv().await, Some(report));
}
