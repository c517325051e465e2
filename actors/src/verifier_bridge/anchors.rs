//! L2 blocks that L3 blocks may name: those whose hashes the contract has recorded, deep enough to stay.

use tern_messages::L2Anchor;
use tern_settlement::L2Block;
use tern_storage::tables::bridge::Cursor;
use tracing::{debug, warn};

use super::looping::{Loop, Trouble};
use super::settlement::{Connector, Settlement};
use crate::main_node::MainNodeMessage;

/// How far to read again after a reorganisation, in L2 blocks.
const REWIND: u64 = 256;
/// Age of the newest anchor, in seconds, at which another one is recorded though nothing is committed. The main node
/// stands still in time at 50 minutes.
const REFRESH: u64 = 30 * 60;
/// How far below L2's head a block is recorded at most. The EVM knows 256 hashes; half of them leave time for the
/// transaction.
const IN_REACH: u64 = 128;

impl<C: Connector> Loop<C> {
    /// Reads what was recorded up to `until`, and offers the newest to the main node.
    pub(super) async fn follow_anchors(
        &mut self,
        settlement: &C::Settlement,
        until: &L2Block,
    ) -> Result<(), Trouble> {
        let (cursor, mut newest) = self.records.anchor().await?;
        let created = settlement.deployment_block();
        let from = match cursor {
            None => created,
            Some(cursor) if cursor.number == until.number && cursor.hash == until.hash => {
                self.offer(newest);
                return Ok(());
            }
            Some(cursor) => {
                let there = settlement.block(cursor.number).await?;
                if there.is_some_and(|block| block.hash == cursor.hash)
                    && cursor.number <= until.number
                {
                    cursor.number + 1
                } else {
                    warn!(target: "tern::bridge", l2_block = cursor.number, "L2 was reorganised; reading its records again");
                    newest = None;
                    cursor
                        .number
                        .min(until.number)
                        .saturating_sub(REWIND)
                        .max(created)
                }
            }
        };
        if from <= until.number {
            let recorded = settlement.recorded(from..=until.number).await?;
            let found = recorded.iter().max_by_key(|block| block.number);
            let found = found.map(|block| L2Anchor {
                number: block.number,
                hash: block.hash,
                timestamp: block.timestamp,
            });
            newest = found
                .into_iter()
                .chain(newest)
                .max_by_key(|anchor| anchor.number);
        }
        let cursor = Cursor {
            number: until.number,
            hash: until.hash,
        };
        self.records.set_anchor(cursor, newest).await?;
        self.offer(newest);
        self.refresh(settlement, newest, until).await
    }

    /// Every commit records an L2 block. Where none comes for long, this does. A block that is not settled may do: it is
    /// offered when its record is.
    async fn refresh(
        &self,
        settlement: &C::Settlement,
        newest: Option<L2Anchor>,
        until: &L2Block,
    ) -> Result<(), Trouble> {
        let due = newest.map_or(0, |anchor| anchor.timestamp.saturating_add(REFRESH));
        if newest.is_none() || until.timestamp < due {
            return Ok(());
        }
        let head = settlement.head().await?.number;
        let l2_block = until.number.max(head.saturating_sub(IN_REACH));
        debug!(target: "tern::bridge", l2_block, "recording another L2 block");
        settlement.record(l2_block).await?;
        Ok(())
    }

    /// Tells the main node, which keeps the newest.
    fn offer(&self, anchor: Option<L2Anchor>) {
        let Some(anchor) = anchor else { return };
        if let Err(error) = self
            .config
            .main_node
            .cast(MainNodeMessage::ReportAnchor(anchor))
        {
            debug!(target: "tern::bridge", %error, "the anchor was not taken; it will be offered again");
        }
    }
}
