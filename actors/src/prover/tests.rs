//! The prover against a coordinator with one job, with tools that only name what they prove.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use alloy::primitives::B256;
use tern_messages::{
    Artifact, BlobId, Chunk, Completion, CompletionAnswer, FailureCause, Fence, Job, JobFailure,
    JobId, Lease, OfferRefusal, Proof, RenewalAnswer, TransactionBatch, encode,
};
use tern_proving::ProvingError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;
use crate::sequencer::testing::{CIRCUITS, SOON, blocks, fake, kill, next, proof_of, start};

/// What the tools do with a job.
#[derive(Clone, Copy, Debug)]
enum Behaviour {
    Name,
    Panic,
    Refuse,
    UntilAborted,
}

struct Desk(Behaviour);

impl Workshop for Desk {
    fn profile(&self) -> &'static str {
        "insecure-test"
    }

    fn tools(&self, _: OnStep<'_>) -> Result<Arc<dyn Tools>, ProvingError> {
        Ok(Arc::new(Pencil { behaviour: self.0 }))
    }
}

struct Pencil {
    behaviour: Behaviour,
}

impl Tools for Pencil {
    fn circuits_version(&self) -> B256 {
        CIRCUITS
    }

    fn prove(
        &self,
        job: &Job,
        input: Option<&TransactionBatch>,
        children: &[Proof],
        abort: Arc<AtomicBool>,
        step: OnStep<'_>,
    ) -> Result<Proof, ProvingError> {
        step(tern_messages::JobProgress {
            step: "writing".into(),
            done: 0,
            total: 1,
        });
        assert_eq!(input.is_some(), matches!(job, Job::Segment { .. }));
        assert_eq!(children.len(), job.children().len());
        match self.behaviour {
            Behaviour::Name => Ok(proof_of(&job.id(CIRCUITS))),
            Behaviour::Panic => panic!("the pencil broke"),
            Behaviour::Refuse => Err(ProvingError::WrongChildCount {
                expected: 2,
                found: 1,
            }),
            Behaviour::UntilAborted => {
                while !abort.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
                Err(ProvingError::Aborted)
            }
        }
    }
}

#[derive(Debug)]
enum Heard {
    Renewed,
    Completed(Completion),
    Failed(JobFailure),
}

/// A coordinator with one job, which answers renewals and completions as it is told.
struct Bench {
    coordinator: Address<CoordinatorMessage>,
    heard: UnboundedReceiver<Heard>,
}

/// `silent` completions get no answer.
async fn bench(
    job: Job,
    inputs: BTreeMap<String, Vec<u8>>,
    renewal: RenewalAnswer,
    silent: usize,
) -> Bench {
    let (sender, heard): (UnboundedSender<_>, _) = unbounded_channel();
    let (leased, silent) = (AtomicBool::new(false), AtomicUsize::new(silent));
    let waiting = Mutex::new(Vec::new());
    let coordinator = fake(move |message| match message {
        CoordinatorMessage::Offer(offer, reply) => {
            assert_eq!(offer.circuits_version, CIRCUITS);
            if leased.swap(true, Ordering::Relaxed) {
                waiting.lock().unwrap().push(reply);
                return;
            }
            let id = job.id(CIRCUITS);
            let ttl = Duration::from_millis(30);
            let _ = reply.send(Ok(Some(Lease {
                id,
                job: job.clone(),
                fence: Fence(7),
                ttl,
            })));
        }
        CoordinatorMessage::Fetch(query, reply) => {
            let whole = &inputs[&query.artifact.to_string()];
            let start = usize::try_from(query.offset).unwrap();
            let end = whole.len().min(start + 100);
            let bytes = whole[start..end].to_vec().into();
            let _ = reply.send(Ok(Chunk {
                total: whole.len() as u64,
                bytes,
            }));
        }
        CoordinatorMessage::Renew(_, reply) => {
            let _ = sender.send(Heard::Renewed);
            let _ = reply.send(renewal);
        }
        CoordinatorMessage::Complete(completion, reply) => {
            let _ = sender.send(Heard::Completed(completion));
            let quiet = silent.load(Ordering::Relaxed);
            silent.store(quiet.saturating_sub(1), Ordering::Relaxed);
            if quiet == 0 {
                let _ = reply.send(CompletionAnswer::Accepted);
            }
        }
        CoordinatorMessage::Fail(failure) => {
            let _ = sender.send(Heard::Failed(failure));
        }
        _ => {}
    })
    .await;
    Bench { coordinator, heard }
}

fn prover(bench: &Bench, behaviour: Behaviour) -> Prover {
    Prover {
        alone: true,
        name: "prover-1".into(),
        memory: 1 << 30,
        cores: 1,
        workshop: Arc::new(Desk(behaviour)),
        coordinator: bench.coordinator.clone(),
    }
}

fn merge() -> (Job, BTreeMap<String, Vec<u8>>) {
    let (left, right) = (JobId(B256::repeat_byte(1)), JobId(B256::repeat_byte(2)));
    let boundary = tern_messages::SpanBoundary::SameBatch;
    let inputs = [left, right].map(|id| {
        let proof = Proof {
            bytes: vec![5; 333].into(),
        };
        (Artifact::Proof(id).to_string(), encode(&proof))
    });
    (
        Job::MergeSpans {
            left,
            right,
            boundary,
        },
        inputs.into(),
    )
}

async fn completed(bench: &mut Bench) -> Completion {
    let pick = |heard| match heard {
        Heard::Completed(completion) => Some(completion),
        _ => None,
    };
    next(&mut bench.heard, pick).await
}

async fn failed(bench: &mut Bench) -> FailureCause {
    let pick = |heard| match heard {
        Heard::Failed(failure) => Some(failure.cause),
        _ => None,
    };
    next(&mut bench.heard, pick).await
}

#[tokio::test]
async fn a_job_is_fetched_in_pieces_proven_and_delivered() {
    let (job, inputs) = merge();
    let mut bench = bench(job.clone(), inputs, RenewalAnswer::Continue, 0).await;
    let prover = start(prover(&bench, Behaviour::Name)).await;
    let completion = completed(&mut bench).await;
    assert_eq!(
        (completion.job, completion.fence),
        (job.id(CIRCUITS), Fence(7))
    );
    assert_eq!(completion.proof, proof_of(&job.id(CIRCUITS)));
    let status = prover.call(ProverMessage::Status, SOON).await.unwrap();
    assert_eq!(status.finished.len(), 1);
}

#[tokio::test]
async fn a_result_is_kept_and_sent_again_until_it_is_acknowledged() {
    let (job, inputs) = merge();
    let mut bench = bench(job, inputs, RenewalAnswer::Continue, 2).await;
    let _prover = start(prover(&bench, Behaviour::Name)).await;
    let first = completed(&mut bench).await;
    assert_eq!(completed(&mut bench).await, first);
    assert_eq!(completed(&mut bench).await, first);
}

#[tokio::test]
async fn a_panic_in_the_proving_thread_fails_the_job_and_nothing_else() {
    let (job, inputs) = merge();
    let mut bench = bench(job, inputs, RenewalAnswer::Continue, 0).await;
    let prover = start(prover(&bench, Behaviour::Panic)).await;
    let FailureCause::Worker { reason } = failed(&mut bench).await else {
        panic!("the worker is to blame")
    };
    assert!(reason.contains("the pencil broke"), "{reason}");
    prover.call(ProverMessage::Status, SOON).await.unwrap();
}

#[tokio::test]
async fn a_job_that_cannot_succeed_anywhere_is_given_back_with_the_reason() {
    let (job, inputs) = merge();
    let mut bench = bench(job, inputs, RenewalAnswer::Continue, 0).await;
    let _prover = start(prover(&bench, Behaviour::Refuse)).await;
    let cause = failed(&mut bench).await;
    assert_eq!(
        cause,
        FailureCause::Job {
            reason: "the job needs 2 child proofs, not 1".into()
        }
    );
}

#[tokio::test]
async fn a_job_that_nobody_needs_any_more_is_aborted() {
    let (job, inputs) = merge();
    let mut bench = bench(job, inputs, RenewalAnswer::Abandon, 0).await;
    let _prover = start(prover(&bench, Behaviour::UntilAborted)).await;
    assert_eq!(failed(&mut bench).await, FailureCause::Released);
}

#[tokio::test]
async fn the_lease_is_renewed_while_the_job_runs_and_given_back_when_the_prover_stops() {
    let (job, inputs) = merge();
    let mut bench = bench(job, inputs, RenewalAnswer::Continue, 0).await;
    let prover = start(prover(&bench, Behaviour::UntilAborted)).await;
    for _ in 0..2 {
        next(&mut bench.heard, |heard| {
            matches!(heard, Heard::Renewed).then_some(())
        })
        .await;
    }
    let status = prover.call(ProverMessage::Status, SOON).await.unwrap();
    assert_eq!(
        (status.activity.as_str(), status.progress.step.as_str()),
        ("proves", "writing")
    );
    let actor = prover.get().unwrap();
    actor.stop(None);
    assert_eq!(failed(&mut bench).await, FailureCause::Released);
}

#[tokio::test]
async fn a_killed_prover_stops_working() {
    let (job, inputs) = merge();
    let mut bench = bench(job, inputs, RenewalAnswer::Continue, 0).await;
    let prover = start(prover(&bench, Behaviour::UntilAborted)).await;
    next(&mut bench.heard, |heard| {
        matches!(heard, Heard::Renewed).then_some(())
    })
    .await;
    kill(&prover).await;
    assert_eq!(failed(&mut bench).await, FailureCause::Released);
}

#[tokio::test]
async fn an_input_that_is_not_what_it_should_be_is_not_proven() {
    let block = &blocks(1)[0];
    let input = BlobId::of(b"another");
    let job = Job::Segment {
        input,
        index: 0,
        max_cycles_log: 17,
    };
    let inputs = [(
        Artifact::Input(input).to_string(),
        encode(&block.transactions),
    )];
    let mut bench = bench(job, inputs.into(), RenewalAnswer::Continue, 0).await;
    let _prover = start(prover(&bench, Behaviour::Name)).await;
    let FailureCause::Worker { reason } = failed(&mut bench).await else {
        panic!("nothing was proven")
    };
    assert!(reason.contains("something else"), "{reason}");
}

#[tokio::test]
async fn a_refused_prover_says_why() {
    let refusal = OfferRefusal::Unavailable {
        reason: "closed".into(),
    };
    let coordinator = fake(move |message| {
        if let CoordinatorMessage::Offer(_, reply) = message {
            let _ = reply.send(Err(refusal.clone()));
        }
    })
    .await;
    let (_, heard) = unbounded_channel();
    let bench = Bench { coordinator, heard };
    let prover = start(prover(&bench, Behaviour::Name)).await;
    let wait = async {
        loop {
            let status = prover.call(ProverMessage::Status, SOON).await.unwrap();
            if status.activity.contains("closed") {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, wait)
        .await
        .expect("it says so soon");
}

#[tokio::test]
async fn a_drained_prover_ends_a_process_that_only_proves() {
    let coordinator = fake(|message| {
        if let CoordinatorMessage::Offer(_, reply) = message {
            let _ = reply.send(Err(OfferRefusal::Drained));
        }
    })
    .await;
    let bench = Bench {
        coordinator,
        heard: unbounded_channel().1,
    };
    let process = tern_cluster::Process::start().await.unwrap();
    let actor = prover(&bench, Behaviour::Name);
    let child = tern_cluster::ChildSpec::of_actor("prover", 0, actor, &Address::new("prover"));
    process.add(child).await.unwrap();
    let reason = tokio::time::timeout(SOON, process.ended()).await.unwrap();
    assert_eq!(reason.code(), 0, "{reason}");
    assert!(reason.to_string().contains("operator"), "{reason}");
    process.stop(SOON).await;
}
