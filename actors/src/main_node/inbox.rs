//! Messages from L2 that wait for the chain, and the transaction that processes the next of them.
//!
//! The bridge offers them in the order of their queue, as soon as L2 holds them for good; only so many are kept as fit some
//! blocks. Nothing is on disk: what was processed is in the state, and the rest is offered again.

use std::collections::{BTreeSet, VecDeque};

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{B256, Bytes, TxKind, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolValue};
use tern_execution::{BlockEnvironment, ExecutionError, SignedTransaction};
use tern_messages::QueuedMessage;
use tern_settlement::{IL3Inbox, L3_INBOX, Message};

/// Most messages that are kept.
const MAX_MESSAGES: usize = 256;
/// Most bytes of them. One message has some 17 kB at most.
const MAX_BYTES: usize = 4 << 20;
/// Gas of the transaction itself, and of finding the anchor.
const BASE_GAS: u64 = 120_000;
/// Gas of a message beside its call's own, and beside its bytes: see `L3Inbox`.
const MESSAGE_GAS: u64 = 140_000;
/// Gas of a byte of a message: 16 for the calldata, the rest for copies and hashes.
const BYTE_GAS: u64 = 20;
/// Bytes of the transaction beside the messages.
const BASE_BYTES: u64 = 1_000;

/// What one transaction may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) gas: u64,
    pub(super) bytes: u64,
}

/// Messages that wait, in order.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: VecDeque<QueuedMessage>,
    bytes: usize,
}

impl Inbox {
    /// Takes those messages that come next: as far as there is room, and all that the last block names. `processed` is how
    /// many the chain has processed, `named` how many that block names. A message that is another than the one that was
    /// here, since L2 was reorganised, takes its place. Returns the index of the one that is wanted next.
    pub(super) fn offer(
        &mut self,
        processed: u64,
        named: u64,
        messages: Vec<QueuedMessage>,
    ) -> u64 {
        self.forget_below(processed);
        for message in messages {
            self.forget_others(&message);
            let fits = self.waiting.len() < MAX_MESSAGES
                && self.bytes.saturating_add(message.encoded.len()) <= MAX_BYTES;
            if (fits || message.index < named) && message.index == self.wanted(processed) {
                self.bytes += message.encoded.len();
                self.waiting.push_back(message);
            }
        }
        self.wanted(processed)
    }

    /// The messages that come next: at most so many as fit one transaction, but one, if one waits that was sent by then.
    pub(super) fn next(&mut self, processed: u64, time: u64, room: Room) -> Vec<QueuedMessage> {
        self.forget_below(processed);
        let (mut gas, mut bytes) = (BASE_GAS, BASE_BYTES);
        let sent = self
            .waiting
            .iter()
            .take_while(|message| message.sent <= time);
        let fitting = sent.enumerate().take_while(|(index, message)| {
            let cost = cost(message);
            gas = gas.saturating_add(cost.gas);
            bytes = bytes.saturating_add(cost.bytes);
            *index == 0 || (gas <= room.gas && bytes <= room.bytes)
        });
        fitting.map(|(_, message)| message.clone()).collect()
    }

    /// Drops what was processed; or everything, if blocks were taken back that had processed what comes before.
    fn forget_below(&mut self, processed: u64) {
        while self
            .waiting
            .front()
            .is_some_and(|first| first.index < processed)
        {
            let dropped = self.waiting.pop_front();
            self.bytes -= dropped.map_or(0, |message| message.encoded.len());
        }
        if self
            .waiting
            .front()
            .is_some_and(|first| first.index > processed)
        {
            *self = Self::default();
        }
    }

    /// Drops what stands where a message is, and all behind it, if it is not the same.
    fn forget_others(&mut self, message: &QueuedMessage) {
        let place = self
            .waiting
            .iter()
            .position(|other| other.index == message.index);
        if let Some(place) = place.filter(|place| self.waiting[*place].queue != message.queue) {
            let dropped = self.waiting.drain(place..);
            self.bytes -= dropped.map(|message| message.encoded.len()).sum::<usize>();
        }
    }

    /// The hashes of the messages from `first` up to `end`, if all of them are here.
    pub(super) fn hashes(&self, first: u64, end: u64) -> Option<Vec<B256>> {
        let start = self.waiting.front().map_or(0, |message| message.index);
        let hash = |index: u64| {
            let place = usize::try_from(index.checked_sub(start)?).ok()?;
            let message = Message::abi_decode(&self.waiting.get(place)?.encoded).ok()?;
            Some(message.hash(index))
        };
        (first..end).map(hash).collect()
    }

    fn wanted(&self, processed: u64) -> u64 {
        self.waiting.back().map_or(processed, |last| last.index + 1)
    }
}

/// What a message takes of a transaction.
fn cost(message: &QueuedMessage) -> Room {
    let bytes = message.encoded.len() as u64 + 64;
    let call = Message::abi_decode(&message.encoded).map_or(u64::MAX, |message| message.gasLimit);
    // A call can have 63/64 of what is left.
    let call = call.saturating_add(call / 63);
    Room {
        gas: call
            .saturating_add(MESSAGE_GAS)
            .saturating_add(bytes.saturating_mul(BYTE_GAS)),
        bytes,
    }
}

/// Where and how messages are processed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Processing<'a> {
    /// Who pays for it, and is paid their fees.
    pub(super) signer: &'a PrivateKeySigner,
    /// The signer's nonce.
    pub(super) nonce: u64,
    /// Gas that it may use.
    pub(super) gas_limit: u64,
    /// The block.
    pub(super) block: &'a BlockEnvironment,
    /// The anchor's L2 block.
    pub(super) l2_block: B256,
    /// The indices of those that are parked instead of called.
    pub(super) parked: &'a BTreeSet<u64>,
    /// The hashes of those messages behind them that the block names.
    pub(super) later: &'a [B256],
}

impl Processing<'_> {
    /// The transaction.
    ///
    /// # Errors
    /// If a message is none, or it cannot be signed.
    pub(super) fn transaction(
        &self,
        messages: &[QueuedMessage],
    ) -> Result<SignedTransaction, ExecutionError> {
        let refused = |reason: String| ExecutionError::Refused { reason };
        let decoded = messages
            .iter()
            .map(|message| Message::abi_decode(&message.encoded));
        let mut parked = vec![U256::ZERO; messages.len().div_ceil(256)];
        for (place, message) in messages.iter().enumerate() {
            parked[place / 256].set_bit(place % 256, self.parked.contains(&message.index));
        }
        if self.parked.is_empty() {
            parked.clear();
        }
        let call = IL3Inbox::processCall {
            timestamp: U256::from(self.block.timestamp),
            l2BlockHash: self.l2_block,
            messages: decoded
                .collect::<Result<_, _>>()
                .map_err(|error| refused(error.to_string()))?,
            later: self.later.to_vec(),
            parked,
        };
        let body = TxEip1559 {
            chain_id: self.block.chain_id.0,
            nonce: self.nonce,
            gas_limit: self.gas_limit,
            max_fee_per_gas: u128::from(self.block.base_fee),
            to: TxKind::Call(L3_INBOX),
            input: call.abi_encode().into(),
            ..TxEip1559::default()
        };
        let signature = self
            .signer
            .sign_hash_sync(&body.signature_hash())
            .map_err(|error| refused(error.to_string()))?;
        let raw: Bytes = TxEnvelope::from(body.into_signed(signature))
            .encoded_2718()
            .into();
        SignedTransaction::decode(raw, self.block.chain_id)
    }
}
