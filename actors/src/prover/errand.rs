//! One job, from lease to acknowledgement.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use tern_cluster::Address;
use tern_messages::codec::MAX_LEN;
use tern_messages::prover::MAX_CHUNK;
use tern_messages::{
    Artifact, BlobId, ChunkQuery, Completion, CompletionAnswer, FailureCause, Job, JobFailure,
    Lease, Proof, Renewal, RenewalAnswer, TransactionBatch, WorkerId, decode,
};
use tern_proving::ProvingError;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::CoordinatorMessage;
use super::status::Board;
use super::tools::Tools;

/// How long the coordinator may take to answer a renewal or to send a piece.
const CALL_LIMIT: Duration = Duration::from_secs(5);
/// How long it may take to verify and store a proof.
const DELIVERY_LIMIT: Duration = Duration::from_secs(60);
/// Pause before a result is sent again.
const DELIVERY_PAUSE: Duration = Duration::from_secs(1);
/// Pieces that may be missing before the job is given back.
const FETCH_ATTEMPTS: u32 = 5;

pub(super) struct Errand {
    pub(super) coordinator: Address<CoordinatorMessage>,
    pub(super) worker: WorkerId,
    pub(super) board: Arc<Board>,
    pub(super) stop: CancellationToken,
    pub(super) tools: Arc<dyn Tools>,
    pub(super) lease: Lease,
}

/// What a job consumes.
struct Inputs {
    batch: Option<TransactionBatch>,
    children: Vec<Proof>,
}

impl Errand {
    /// Works at the job until it is acknowledged, given back, or nobody wants it any more.
    pub(super) async fn run(self) {
        let Lease {
            id, ref job, fence, ..
        } = self.lease;
        let kind = job.kind();
        self.board.begin("fetches inputs of", Some((id, kind)));
        info!(target: "tern::prover", job = %id, ?kind, %fence, "job begins");
        let begun = Instant::now();
        let abort = Arc::new(AtomicBool::new(false));
        let outcome = {
            let work = self.work(Arc::clone(&abort));
            let watch = self.watch(&abort);
            tokio::pin!(work, watch);
            // Watching never ends before the work does: it only raises the flag.
            tokio::select! {
                outcome = &mut work => outcome,
                () = &mut watch => work.await,
            }
        };
        match outcome {
            Ok(proof) => {
                let took = begun.elapsed();
                info!(target: "tern::prover", job = %id, ?kind, ?took, "job proven");
                self.board.finished(kind, took);
                self.deliver(proof, took).await;
            }
            Err(FailureCause::Released) => {
                info!(target: "tern::prover", job = %id, ?kind, "job given back");
                self.give_back(FailureCause::Released);
            }
            Err(cause) => {
                warn!(target: "tern::prover", job = %id, ?kind, ?cause, "job failed");
                self.give_back(cause);
            }
        }
    }

    async fn work(&self, abort: Arc<AtomicBool>) -> Result<Proof, FailureCause> {
        let inputs = self.fetch_all().await?;
        self.board
            .begin("proves", Some((self.lease.id, self.lease.job.kind())));
        let (tools, board, job) = (
            Arc::clone(&self.tools),
            Arc::clone(&self.board),
            self.lease.job.clone(),
        );
        let prove = move || {
            let Inputs { batch, children } = inputs;
            tools.prove(&job, batch.as_ref(), &children, abort, &|progress| {
                board.step(progress)
            })
        };
        match tokio::task::spawn_blocking(prove).await {
            Ok(Ok(proof)) => Ok(proof),
            Ok(Err(ProvingError::Aborted)) => Err(FailureCause::Released),
            Ok(Err(error)) if error.is_retryable() => Err(FailureCause::Worker {
                reason: error.to_string(),
            }),
            Ok(Err(error)) => Err(FailureCause::Job {
                reason: error.to_string(),
            }),
            // The job fails, not the node.
            Err(panic) => {
                let reason = format!("the prover stopped unexpectedly: {}", panic_text(panic));
                Err(FailureCause::Worker { reason })
            }
        }
    }

    /// Renews the lease; raises `abort` when the job is not wanted or the prover stops.
    async fn watch(&self, abort: &AtomicBool) {
        let mut ticks = tokio::time::interval(self.lease.ttl / 3);
        ticks.tick().await;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.stop.cancelled() => break,
            }
            let renewal = Renewal {
                worker: self.worker.clone(),
                job: self.lease.id,
                fence: self.lease.fence,
                progress: self.board.progress(),
            };
            let call = |reply| CoordinatorMessage::Renew(renewal, reply);
            match self.coordinator.call(call, CALL_LIMIT).await {
                Ok(RenewalAnswer::Continue) => {}
                Ok(RenewalAnswer::Abandon) => {
                    info!(target: "tern::prover", job = %self.lease.id, "nobody needs the job any more");
                    break;
                }
                // It may be starting again; a late proof is welcome.
                Err(error) => debug!(target: "tern::prover", %error, "lease not renewed"),
            }
        }
        abort.store(true, Ordering::Relaxed);
    }

    async fn fetch_all(&self) -> Result<Inputs, FailureCause> {
        let batch = match self.lease.job {
            Job::Segment { input, .. } => {
                let bytes = self.fetch(Artifact::Input(input)).await?;
                if BlobId::of(&bytes) != input {
                    let reason = format!("what was sent as input {input} is something else");
                    return Err(FailureCause::Worker { reason });
                }
                Some(decoded(&bytes, Artifact::Input(input))?)
            }
            _ => None,
        };
        let mut children = Vec::new();
        for child in self.lease.job.children() {
            let artifact = Artifact::Proof(child);
            children.push(decoded(&self.fetch(artifact).await?, artifact)?);
        }
        Ok(Inputs { batch, children })
    }

    async fn fetch(&self, artifact: Artifact) -> Result<Vec<u8>, FailureCause> {
        let mut bytes = Vec::new();
        let mut failures = 0;
        loop {
            if self.stop.is_cancelled() {
                return Err(FailureCause::Released);
            }
            let query = ChunkQuery {
                artifact,
                offset: bytes.len() as u64,
                max_len: MAX_CHUNK,
            };
            let call = |reply| CoordinatorMessage::Fetch(query, reply);
            let failure = match self.coordinator.call(call, CALL_LIMIT).await {
                Ok(Ok(chunk)) if chunk.total > MAX_LEN as u64 || chunk.bytes.is_empty() => {
                    let reason = format!("{artifact} cannot have {} bytes", chunk.total);
                    return Err(FailureCause::Worker { reason });
                }
                Ok(Ok(chunk)) => {
                    bytes.extend_from_slice(&chunk.bytes);
                    if bytes.len() as u64 >= chunk.total {
                        return Ok(bytes);
                    }
                    continue;
                }
                Ok(Err(refusal)) => refusal.to_string(),
                Err(error) => error.to_string(),
            };
            failures += 1;
            if failures >= FETCH_ATTEMPTS {
                // Not the job's fault, nor this worker's.
                warn!(target: "tern::prover", job = %self.lease.id, reason = %failure, "inputs cannot be fetched");
                return Err(FailureCause::Released);
            }
            tokio::time::sleep(DELIVERY_PAUSE).await;
        }
    }

    /// Sends the proof until somebody takes it.
    async fn deliver(&self, proof: Proof, took: Duration) {
        let (id, kind) = (self.lease.id, self.lease.job.kind());
        self.board.begin("delivers", Some((id, kind)));
        let completion = Completion {
            worker: self.worker.clone(),
            job: id,
            fence: self.lease.fence,
            proof,
            took,
        };
        loop {
            let sent = completion.clone();
            let call = |reply| CoordinatorMessage::Complete(sent, reply);
            match self.coordinator.call(call, DELIVERY_LIMIT).await {
                Ok(CompletionAnswer::Invalid { reason }) => {
                    warn!(target: "tern::prover", job = %id, ?kind, %reason, "the coordinator refuses the proof");
                    return;
                }
                Ok(answer) => {
                    debug!(target: "tern::prover", job = %id, ?answer, "delivered");
                    return;
                }
                Err(error) => {
                    debug!(target: "tern::prover", job = %id, %error, "the proof was not acknowledged; sending it again");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(DELIVERY_PAUSE) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    fn give_back(&self, cause: FailureCause) {
        let failure = JobFailure {
            worker: self.worker.clone(),
            job: self.lease.id,
            fence: self.lease.fence,
            cause,
        };
        // If this gets lost, the next offer or the lease's end tells the same.
        let _ = self.coordinator.cast(CoordinatorMessage::Fail(failure));
    }
}

fn decoded<T: DeserializeOwned>(bytes: &[u8], artifact: Artifact) -> Result<T, FailureCause> {
    decode(bytes).map_err(|error| FailureCause::Worker {
        reason: format!("{artifact}: {error}"),
    })
}

fn panic_text(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "without a message".to_owned()),
        Err(error) => error.to_string(),
    }
}
