//! Supervision as its users see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tern_cluster::{
    Address, CallError, ChildSpec, Fault, Process, RestartPolicy, ShutdownReason, StartError,
};
use tokio::sync::mpsc;

const QUICK: RestartPolicy = RestartPolicy {
    max_restarts: 2,
    window: Duration::from_secs(60),
    first_pause: Duration::from_millis(1),
    max_pause: Duration::from_millis(1),
};
const LIMIT: Duration = Duration::from_secs(10);

enum Order {
    Echo(u32, RpcReplyPort<u32>),
    Panic,
    Fail(Fault),
    Leave,
    Block(Arc<tokio::sync::Notify>),
    Note(&'static str),
}

impl ractor::Message for Order {}

/// Reports each start, note and stop.
struct Worker {
    name: &'static str,
    journal: mpsc::UnboundedSender<String>,
}

impl Actor for Worker {
    type Msg = Order;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Order>, (): ()) -> Result<(), ActorProcessingErr> {
        self.journal.send(format!("{} starts", self.name))?;
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<Order>, (): &mut ()) -> Result<(), ActorProcessingErr> {
        self.journal.send(format!("{} stops", self.name))?;
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<Order>,
        order: Order,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match order {
            Order::Echo(value, reply) => drop(reply.send(value)),
            Order::Panic => panic!("ordered to panic"),
            Order::Fail(fault) => return Err(fault.into()),
            Order::Leave => myself.stop(Some("had enough".to_owned())),
            Order::Block(until) => until.notified().await,
            Order::Note(text) => self.journal.send(format!("{} {text}", self.name))?,
        }
        Ok(())
    }
}

struct Stage {
    process: Process,
    journal: mpsc::UnboundedReceiver<String>,
    sender: mpsc::UnboundedSender<String>,
}

impl Stage {
    async fn new() -> Self {
        let (sender, journal) = mpsc::unbounded_channel();
        Self {
            process: Process::start().await.expect("a process starts"),
            journal,
            sender,
        }
    }

    async fn worker(&self, name: &'static str, rank: u8) -> Address<Order> {
        let address = Address::new(name);
        let (given, journal) = (address.clone(), self.sender.clone());
        let spec = ChildSpec::new(name, rank, QUICK, move |supervisor| {
            let (address, journal) = (given.clone(), journal.clone());
            async move {
                let (actor, _) =
                    Actor::spawn_linked(None, Worker { name, journal }, (), supervisor).await?;
                address.set(actor.clone());
                Ok(actor.get_cell())
            }
        });
        self.process.add(spec).await.expect("the child starts");
        address
    }

    async fn next(&mut self) -> String {
        tokio::time::timeout(LIMIT, self.journal.recv())
            .await
            .expect("an entry in time")
            .expect("the journal is open")
    }

    async fn verdict(&mut self) -> ShutdownReason {
        tokio::time::timeout(LIMIT, self.process.ended())
            .await
            .expect("a verdict in time")
    }
}

#[tokio::test]
async fn a_child_that_panics_is_restarted_and_reached_at_the_same_address() {
    let mut stage = Stage::new().await;
    let address = stage.worker("clerk", 0).await;
    assert_eq!(stage.next().await, "clerk starts");
    address.cast(Order::Panic).unwrap();
    assert_eq!(stage.next().await, "clerk starts");
    // The journal entry is written just before the address is set.
    let answer = loop {
        match address.call(|reply| Order::Echo(7, reply), LIMIT).await {
            Ok(answer) => break answer,
            Err(CallError::NotRunning { .. } | CallError::Dropped { .. }) => {
                tokio::task::yield_now().await
            }
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(answer, 7);
}

#[tokio::test]
async fn a_child_that_stops_by_itself_is_restarted() {
    let mut stage = Stage::new().await;
    let address = stage.worker("clerk", 0).await;
    address.cast(Order::Leave).unwrap();
    let entries = [stage.next().await, stage.next().await, stage.next().await];
    assert_eq!(entries, ["clerk starts", "clerk stops", "clerk starts"]);
}

#[tokio::test]
async fn a_child_that_fails_too_often_ends_the_process_with_a_fault() {
    let mut stage = Stage::new().await;
    let address = stage.worker("clerk", 0).await;
    let mut seen = None;
    for _ in 0..3 {
        assert_eq!(stage.next().await, "clerk starts");
        let actor = loop {
            match address.get() {
                Some(actor) if Some(actor.get_id()) != seen => break actor,
                _ => tokio::task::yield_now().await,
            }
        };
        seen = Some(actor.get_id());
        actor.cast(Order::Panic).unwrap();
    }
    let reason = stage.verdict().await;
    assert_eq!(reason.code(), 1);
    assert!(
        reason.to_string().contains("clerk failed 3 times"),
        "{reason}"
    );
    assert!(reason.to_string().contains("ordered to panic"), "{reason}");
}

#[tokio::test]
async fn a_disagreement_with_l2_ends_the_process_at_once_with_code_3() {
    let mut stage = Stage::new().await;
    let address = stage.worker("bridge", 0).await;
    address
        .cast(Order::Fail(Fault::Disagreement("batch 7 differs".into())))
        .unwrap();
    assert_eq!(
        stage.verdict().await,
        ShutdownReason::Disagreement("bridge: batch 7 differs".into())
    );
}

#[tokio::test]
async fn children_stop_by_rank_after_finishing_their_messages() {
    let mut stage = Stage::new().await;
    let late = stage.worker("late", 9).await;
    let early = stage.worker("early", 1).await;
    late.cast(Order::Note("works")).unwrap();
    early.cast(Order::Note("works")).unwrap();
    let report = stage.process.stop(LIMIT).await;
    assert_eq!(
        (report.stopped, report.killed),
        (vec!["early", "late"], vec![])
    );
    drop(stage.sender);
    let mut entries = Vec::new();
    while let Some(entry) = stage.journal.recv().await {
        entries.push(entry);
    }
    assert!(entries.contains(&"early works".into()) && entries.contains(&"late works".into()));
    assert_eq!(entries[4..], ["early stops", "late stops"]);
}

#[tokio::test]
async fn a_child_that_does_not_stop_in_time_is_killed_and_named() {
    let stage = Stage::new().await;
    let stuck = stage.worker("stuck", 0).await;
    stuck.cast(Order::Block(Arc::default())).unwrap();
    let report = stage.process.stop(Duration::from_millis(50)).await;
    assert_eq!((report.stopped, report.killed), (vec![], vec!["stuck"]));
}

#[tokio::test]
async fn a_child_whose_first_start_fails_is_reported_to_the_caller() {
    let stage = Stage::new().await;
    let starts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&starts);
    let spec = ChildSpec::new("misconfigured", 0, QUICK, move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        async {
            Err(ractor::SpawnErr::StartupFailed(
                Fault::Configuration("port 80 is taken".into()).into(),
            ))
        }
    });
    let error = stage.process.add(spec).await.unwrap_err();
    assert!(matches!(
        error,
        StartError::Failed {
            name: "misconfigured",
            ..
        }
    ));
    assert_eq!(
        error.reason(),
        ShutdownReason::Configuration("misconfigured: port 80 is taken".into())
    );
    assert_eq!(starts.load(Ordering::SeqCst), 1);
}
