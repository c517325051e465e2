//! The prover's loop: build, then ask and work until told to stop.

use std::sync::Arc;
use std::time::Duration;

use tern_cluster::Fault;
use tern_messages::{Lease, Offer, OfferRefusal, WorkerId};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::errand::Errand;
use super::status::Board;
use super::tools::Tools;
use super::{CoordinatorMessage, Prover};

/// How long to wait for a job before asking anew.
const WAIT: Duration = Duration::from_secs(15);
/// How much longer the answer itself may take.
const CALL_MARGIN: Duration = Duration::from_secs(10);
/// Pause after a refusal that only a change of configuration cures.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);
/// Pause when the coordinator is not there.
const ABSENT_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Loop {
    pub(super) prover: Prover,
    pub(super) worker: WorkerId,
    pub(super) board: Arc<Board>,
    pub(super) stop: CancellationToken,
}

impl Loop {
    /// Returns when told to stop, or when drained.
    ///
    /// # Errors
    /// If the circuits cannot be built, and when drained in a process that only proves: that is to end.
    pub(super) async fn run(self) -> Result<(), Fault> {
        let stop = self.stop.clone();
        let Some(tools) = stop.run_until_cancelled(self.build()).await else {
            return Ok(());
        };
        let tools = tools?;
        let mut absent = false;
        while !stop.is_cancelled() {
            self.board.begin("waits for work", None);
            let Some(answer) = stop.run_until_cancelled(self.ask(&*tools)).await else {
                break;
            };
            let pause = match answer {
                Answer::Job(lease) => {
                    self.errand(lease, &tools).run().await;
                    continue;
                }
                Answer::Nothing => {
                    absent = false;
                    continue;
                }
                Answer::Refused(refusal @ OfferRefusal::Drained) => {
                    info!(target: "tern::prover", reason = %refusal, "the prover leaves");
                    self.board.begin("was drained", None);
                    return self.leave(&refusal);
                }
                Answer::Refused(refusal) => {
                    warn!(target: "tern::prover", %refusal, "no work for this prover");
                    self.board.begin(&format!("was refused: {refusal}"), None);
                    REFUSED_PAUSE
                }
                Answer::Absent(reason) => {
                    if !std::mem::replace(&mut absent, true) {
                        warn!(target: "tern::prover", %reason, "the coordinator cannot be reached; trying again");
                    }
                    ABSENT_PAUSE.mul_f64(0.5 + rand::random::<f64>())
                }
            };
            let _ = stop.run_until_cancelled(tokio::time::sleep(pause)).await;
        }
        Ok(())
    }

    fn leave(&self, why: &OfferRefusal) -> Result<(), Fault> {
        if self.prover.alone {
            return Err(Fault::Finished(why.to_string()));
        }
        Ok(())
    }

    async fn build(&self) -> Result<Arc<dyn Tools>, Fault> {
        self.board.begin("builds circuits", None);
        let (workshop, board) = (Arc::clone(&self.prover.workshop), Arc::clone(&self.board));
        let begun = std::time::Instant::now();
        let build = move || workshop.tools(&|progress| board.step(progress));
        let tools = match tokio::task::spawn_blocking(build).await {
            Ok(Ok(tools)) => tools,
            Ok(Err(error)) => return Err(Fault::Lasting(error.into())),
            Err(panic) => {
                let reason = format!("the circuits cannot be built: {panic}");
                return Err(Fault::Passing(reason.into()));
            }
        };
        info!(target: "tern::prover", took = ?begun.elapsed(), version = %tools.circuits_version(), "circuits are ready");
        Ok(tools)
    }

    async fn ask(&self, tools: &dyn Tools) -> Answer {
        let offer = Offer {
            worker: self.worker.clone(),
            memory: self.prover.memory,
            cores: self.prover.cores,
            profile: self.prover.workshop.profile().to_owned(),
            circuits_version: tools.circuits_version(),
            // One job at a time, and it is over.
            holding: Vec::new(),
            wait: WAIT,
        };
        let call = |reply| CoordinatorMessage::Offer(offer, reply);
        match self.prover.coordinator.call(call, WAIT + CALL_MARGIN).await {
            Ok(Ok(Some(lease))) => Answer::Job(lease),
            Ok(Ok(None)) => Answer::Nothing,
            Ok(Err(refusal)) => Answer::Refused(refusal),
            Err(error) => Answer::Absent(error.to_string()),
        }
    }

    fn errand(&self, lease: Lease, tools: &Arc<dyn Tools>) -> Errand {
        Errand {
            coordinator: self.prover.coordinator.clone(),
            worker: self.worker.clone(),
            board: Arc::clone(&self.board),
            stop: self.stop.clone(),
            tools: Arc::clone(tools),
            lease,
        }
    }
}

enum Answer {
    Job(Lease),
    Nothing,
    Refused(OfferRefusal),
    Absent(String),
}
