//! What L2 says to L3: the blocks that L3 blocks may name, messages, and transactions that it wants in a block. Read from
//! L2's events once, at the depth at which they stay.

use tern_messages::L2Anchor;
use tern_settlement::{L2Block, Queue};
use tern_storage::tables::bridge::Cursor;
use tracing::{debug, warn};

use super::looping::{Loop, Trouble};
use super::records::Followed;
use super::settlement::{Connector, Settlement};
use crate::main_node::MainNodeMessage;

/// How far to read again after a reorganisation, in L2 blocks.
const REWIND: u64 = 256;
/// L2 blocks that are read in one step: what they say is kept before the next ones are read.
const STEP: u64 = 2_000;
/// Age of the newest anchor, in seconds, at which another one is recorded though nothing is committed. The main node
/// stands still in time at 50 minutes.
const REFRESH: u64 = 30 * 60;
/// How far below L2's head a block is recorded at most. The EVM knows 256 hashes; half of them leave time for the
/// transaction.
const IN_REACH: u64 = 128;

impl<C: Connector> Loop<C> {
    /// Reads what L2 said up to `until`, and offers the newest anchor to the main node.
    pub(super) async fn follow(
        &mut self,
        settlement: &C::Settlement,
        until: &L2Block,
    ) -> Result<(), Trouble> {
        let mut followed = self.records.followed().await?;
        if followed
            .cursor
            .is_some_and(|cursor| cursor.number == until.number && cursor.hash == until.hash)
        {
            self.offer(followed.anchor);
            return Ok(());
        }
        let mut from = self.first_to_read(settlement, until, &mut followed).await?;
        // What L2 took back is offered again as it is now.
        self.deliveries.wanted = self.deliveries.wanted.min(followed.queue.count);
        while from <= until.number {
            let to = from.saturating_add(STEP - 1).min(until.number);
            let hash = match to == until.number {
                true => until.hash,
                false => self.hash_of(settlement, to).await?,
            };
            let cursor = Cursor { number: to, hash };
            followed = self.read(settlement, from, cursor, followed).await?;
            from = to + 1;
        }
        self.offer(followed.anchor);
        self.refresh(settlement, followed.anchor, until).await
    }

    /// Where to go on: behind what was read, unless L2 took it back.
    async fn first_to_read(
        &self,
        settlement: &C::Settlement,
        until: &L2Block,
        followed: &mut Followed,
    ) -> Result<u64, Trouble> {
        let created = settlement.deployment_block();
        let Some(cursor) = followed.cursor else {
            return Ok(created);
        };
        let there = settlement.block(cursor.number).await?;
        let same = there.is_some_and(|block| block.hash == cursor.hash);
        if same && cursor.number <= until.number {
            return Ok(cursor.number + 1);
        }
        warn!(target: "tern::bridge", l2_block = cursor.number, "L2 was reorganised; reading its records again");
        let known = cursor.number.min(until.number);
        let from = known.saturating_sub(REWIND).max(created);
        let queue = self.records.forget_sent_from(from).await?;
        followed.anchor = None;
        followed.queue = queue.unwrap_or_default();
        // Without any message left, it is not known which were before.
        Ok(queue.map_or(created, |_| from))
    }

    /// Reads some L2 blocks, and keeps what they say.
    async fn read(
        &self,
        settlement: &C::Settlement,
        from: u64,
        cursor: Cursor,
        before: Followed,
    ) -> Result<Followed, Trouble> {
        let within = || from..=cursor.number;
        let recorded = settlement.recorded(within()).await?;
        let found = recorded.iter().map(|block| L2Anchor {
            number: block.number,
            hash: block.hash,
            timestamp: block.timestamp,
        });
        let messages = settlement.messages(within(), before.queue).await?;
        let forced = settlement.forced_transactions(within()).await?;
        let last = messages.last().map(|last| Queue::up_to(&last.item));
        let now = Followed {
            cursor: Some(cursor),
            anchor: found
                .chain(before.anchor)
                .max_by_key(|anchor| anchor.number),
            queue: last.unwrap_or(before.queue),
        };
        self.records.set_followed(now, messages, forced).await?;
        Ok(now)
    }

    async fn hash_of(
        &self,
        settlement: &C::Settlement,
        number: u64,
    ) -> Result<alloy::primitives::B256, Trouble> {
        let block = settlement.block(number).await?;
        let block = block
            .ok_or_else(|| Trouble::Node(format!("L2 has no block {number} below its head")))?;
        Ok(block.hash)
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
