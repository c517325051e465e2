//! What the main node and the coordinator are told about L2.

use tern_messages::{
    BatchHeader, BatchNumber, BatchRecord, FinalityRefusal, FinalityReport, L2Place, SettledHeights,
};
use tracing::{debug, error, info, warn};

use super::looping::{CALL_LIMIT, Loop, Sight, Trouble};
use super::records::Settled;
use super::settlement::{Connector, Settlement};
use crate::main_node::MainNodeMessage;
use crate::sequencer::{BatcherMessage, CoordinatorMessage};

/// What was reported last.
#[derive(Debug, Default)]
pub(super) struct Reporter {
    told: Option<Told>,
    refusal: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    heights: SettledHeights,
    formed: BatchNumber,
}

impl<C: Connector> Loop<C> {
    /// Reports batches and heights if they are new. A main node that does not listen does not stop settling.
    pub(super) async fn report(
        &mut self,
        settlement: &C::Settlement,
        sight: &Sight,
        formed: BatchNumber,
    ) -> Result<(), Trouble> {
        let heights = SettledHeights {
            committed: sight.settled.last_committed,
            verified: sight.settled.last_verified,
        };
        let now = Told { heights, formed };
        if self.reporter.told == Some(now) {
            return Ok(());
        }
        let before = self.reporter.told.map(|told| told.heights);
        let reorganised = before.is_some_and(|before| {
            heights.committed < before.committed || heights.verified < before.verified
        });
        if reorganised {
            warn!(target: "tern::bridge", ?before, now = ?heights, "L2 took blocks back, or batches are replaced; what is missing is sent again");
        }
        let verified = before.map_or(heights.verified, |before| {
            before.verified.min(heights.verified)
        });
        let batches = self
            .batch_records(settlement, verified, formed, &heights)
            .await?;
        let settled_at = L2Place {
            number: sight.settled_at.number,
            hash: sight.settled_at.hash,
        };
        let report = FinalityReport {
            l2: settled_at,
            committed: heights.committed,
            verified: heights.verified,
            batches,
            reorganised,
        };
        if !self.tell_main_node(report).await? {
            return Ok(());
        }
        let _ = self
            .config
            .coordinator
            .cast(CoordinatorMessage::Settled(heights));
        if before != Some(heights) {
            info!(target: "tern::bridge", committed = %heights.committed, verified = %heights.verified,
                l2_block = settled_at.number, "reported");
        }
        self.reporter.told = Some(now);
        Ok(())
    }

    /// The last verified batch and all after it.
    async fn batch_records(
        &self,
        settlement: &C::Settlement,
        verified: BatchNumber,
        formed: BatchNumber,
        heights: &SettledHeights,
    ) -> Result<Vec<BatchRecord>, Trouble> {
        let first = BatchNumber(verified.0.max(1));
        let call = |reply| BatcherMessage::Headers(first, formed, reply);
        let headers = self.config.batcher.call(call, CALL_LIMIT).await?;
        let headers: Vec<BatchHeader> = headers.map_err(Trouble::Node)?;
        let mut records = Vec::with_capacity(headers.len());
        for header in headers {
            let number = header.number;
            let known = self.transactions(settlement, number, heights).await?;
            records.push(BatchRecord {
                committed: known.committed.filter(|_| number <= heights.committed),
                verified: known.verified.filter(|_| number <= heights.verified),
                header,
            });
        }
        Ok(records)
    }

    /// The transactions that settled a batch. Those that were mined unheard, before a restart, L2 tells.
    async fn transactions(
        &self,
        settlement: &C::Settlement,
        number: BatchNumber,
        heights: &SettledHeights,
    ) -> Result<Settled, Trouble> {
        let mut known = self.records.settled(number).await?;
        let before = known;
        if known.committed.is_none() && number <= heights.committed {
            known.committed = settlement.committed_in(number).await?;
        }
        if known.verified.is_none() && number <= heights.verified {
            known.verified = settlement.verified_in(number).await?;
        }
        if known != before {
            self.records.set_settled(number, known).await?;
        }
        Ok(known)
    }

    /// Says whether the report was accepted.
    async fn tell_main_node(&mut self, mut report: FinalityReport) -> Result<bool, Trouble> {
        loop {
            let sent = report.clone();
            let call = |reply| MainNodeMessage::ReportFinality(sent, reply);
            let refusal = match self.config.main_node.call(call, CALL_LIMIT).await {
                Ok(Ok(())) => {
                    self.reporter.refusal = None;
                    return Ok(true);
                }
                Ok(Err(refusal)) => refusal,
                Err(error) => {
                    debug!(target: "tern::bridge", %error, "the main node did not take the report; it will get it again");
                    return Ok(false);
                }
            };
            let foreign = matches!(refusal, FinalityRefusal::ForeignBlock { .. });
            if foreign {
                let sentence = format!("disk and L2 disagree: {refusal}");
                return Err(Trouble::Fault(tern_cluster::Fault::Disagreement(
                    sentence.into(),
                )));
            }
            // L2 may have been reorganised while the bridge was down.
            let inconsistent = matches!(refusal, FinalityRefusal::Inconsistent { .. });
            if inconsistent && !report.reorganised && self.reporter.told.is_none() {
                warn!(target: "tern::bridge", %refusal, "L2 holds less than was reported before this start");
                report.reorganised = true;
                continue;
            }
            let reason = refusal.to_string();
            if self.reporter.refusal.as_ref() != Some(&reason) {
                error!(target: "tern::bridge", %reason, "the main node refuses the report");
            }
            self.reporter.refusal = Some(reason);
            return Ok(false);
        }
    }
}
