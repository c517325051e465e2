//! The queue of messages to the chain, as L2 holds it.

use std::ops::RangeInclusive;

use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, FixedBytes, U256, keccak256};
use alloy::rpc::types::{Filter, Log};
use alloy::sol_types::{SolCall, SolEvent, SolValue};
use tern_messages::{Anchor, QueuedMessage};

use crate::bindings::{IInbox, Message};
use crate::client::RollupClient;
use crate::error::SettlementError;
use crate::l2::Logged;

/// The queue of the first messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// How many.
    pub count: u64,
    /// Their hash.
    pub hash: FixedBytes<27>,
}

impl Queue {
    /// The queue that ends with this message.
    pub fn up_to(message: &QueuedMessage) -> Self {
        Self {
            count: message.index.saturating_add(1),
            hash: message.queue,
        }
    }

    /// The queue with one more message.
    #[must_use]
    pub fn with(&self, message: &Message) -> Self {
        let message = message.hash(self.count);
        let chained = keccak256([self.hash.as_slice(), message.as_slice()].concat());
        Self {
            count: self.count.saturating_add(1),
            hash: FixedBytes::from_slice(&chained[..27]),
        }
    }

    /// What a block knows that names this queue and an L2 block.
    pub fn anchor(&self, l2_block: B256) -> Anchor {
        Anchor {
            l2_block,
            messages: self.count,
            queue: self.hash,
        }
    }
}

impl Message {
    /// What identifies it: its place in the queue, and all that it says.
    pub fn hash(&self, index: u64) -> B256 {
        keccak256((U256::from(index), self.clone()).abi_encode_params())
    }
}

impl RollupClient {
    /// How many messages were sent.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn message_count(&self) -> Result<u64, SettlementError> {
        self.ask_inbox(IInbox::countCall {}).await
    }

    /// The queue of the first `count` messages, if so many were sent.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn queue_of(&self, count: u64) -> Result<Option<Queue>, SettlementError> {
        let (hash, sent) = self.entry(count).await?;
        Ok((sent != 0 || count == 0).then_some(Queue { count, hash }))
    }

    /// The messages that were sent in these L2 blocks, in order, if `before` is the queue until then.
    ///
    /// # Errors
    /// If L2 does not answer as it should, or what it shows is not the contract's queue.
    pub async fn messages(
        &self,
        within: RangeInclusive<u64>,
        before: Queue,
    ) -> Result<Vec<Logged<QueuedMessage>>, SettlementError> {
        let filter = Filter::new()
            .address(self.inbox)
            .event_signature(IInbox::MessageSent::SIGNATURE_HASH);
        let (mut found, mut queue) = (Vec::new(), before);
        for log in self.l2().all_logs(filter, within).await? {
            let sent = self.sent(&log, queue).await?;
            queue = Queue::up_to(&sent.item);
            found.push(sent);
        }
        Ok(found)
    }

    async fn sent(
        &self,
        log: &Log,
        before: Queue,
    ) -> Result<Logged<QueuedMessage>, SettlementError> {
        let malformed = |what: &str| self.l2().malformed("logs", what);
        let event = IInbox::MessageSent::decode_log(&log.inner)
            .map_err(|error| malformed(&error.to_string()))?;
        let queue = before.with(&event.message);
        let (hash, sent) = self.entry(queue.count).await?;
        if event.index != U256::from(before.count) || queue.hash != hash {
            return Err(malformed("a message is not the queue's next one"));
        }
        let item = QueuedMessage {
            index: before.count,
            sent,
            encoded: event.message.abi_encode().into(),
            queue: hash,
        };
        Logged::of(log, item).ok_or_else(|| malformed("a log without its block"))
    }

    async fn entry(&self, count: u64) -> Result<(FixedBytes<27>, u64), SettlementError> {
        let entry = self.ask_inbox(IInbox::entryCall { count }).await?;
        Ok((entry.chain, entry.timestamp.to()))
    }

    async fn ask_inbox<C: SolCall>(&self, call: C) -> Result<C::Return, SettlementError> {
        self.ask(self.inbox, "a view of the Inbox", call).await
    }

    /// Calls a view of one of the chain's contracts.
    pub(crate) async fn ask<C: SolCall>(
        &self,
        contract: Address,
        action: &'static str,
        call: C,
    ) -> Result<C::Return, SettlementError> {
        let answer = self.l2().view(contract, call, BlockId::latest()).await?;
        answer.ok_or_else(|| self.l2().malformed(action, "not its return value"))
    }
}
