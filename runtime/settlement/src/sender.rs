//! Signs L2 transactions and drives a [`Follower`] with what L2 shows.

use std::fmt;
use std::time::Duration;

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::network::TxSignerSync;
use alloy::primitives::{Address, B256, TxHash, TxKind};
use alloy::signers::local::PrivateKeySigner;
use alloy::transports::{RpcError, TransportError};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{info, warn};

use crate::error::SettlementError;
use crate::follower::{Fees, FollowPolicy, Follower, Inclusion, Observation, SendAnswer, Step};
use crate::l2::L2;
use crate::posting::Call;

/// An L2 transaction that is as deep as the policy asks, and succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mined {
    /// The transaction.
    pub hash: TxHash,
    /// Number of the L2 block that holds it.
    pub block: u64,
    /// Hash of that block.
    pub block_hash: B256,
    /// Gas that it used.
    pub gas_used: u64,
    /// The contract that it created, if it did.
    pub contract: Option<Address>,
}

/// Sends the transactions of one L2 account, one at a time. Its key is never printed.
#[derive(Clone)]
pub struct TransactionSender {
    l2: L2,
    signer: PrivateKeySigner,
    policy: FollowPolicy,
}

impl fmt::Debug for TransactionSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionSender")
            .field("l2", &self.l2)
            .field("account", &self.account())
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl TransactionSender {
    /// Sends on `l2` as the account of `signer`. No other process may use that account.
    pub fn new(l2: L2, signer: PrivateKeySigner, policy: FollowPolicy) -> Self {
        Self { l2, signer, policy }
    }

    /// The account that pays.
    pub fn account(&self) -> Address {
        self.signer.address()
    }

    /// The chain that it sends to.
    pub fn l2(&self) -> &L2 {
        &self.l2
    }

    /// Sends `call` and follows it until it is confirmed. `action` says in errors and logs what it is for.
    /// May be dropped at any time; after a start the contract's state tells what became of it.
    ///
    /// # Errors
    /// [`SettlementError::Reverted`] if the contract refuses the call, [`SettlementError::GasLimit`],
    /// [`SettlementError::NotMined`], [`SettlementError::Failed`]; and if L2 does not answer at first. Once the
    /// transaction is sent, missing answers are waited out.
    pub async fn send(&self, action: &'static str, call: &Call) -> Result<Mined, SettlementError> {
        let needed = self.l2.estimate_gas(self.account(), call, action).await?;
        if needed > self.policy.gas_limit {
            return Err(SettlementError::GasLimit {
                needed,
                limit: self.policy.gas_limit,
            });
        }
        // A fifth more: state may change between the estimate and the block.
        let gas_limit = needed.saturating_add(needed / 5).min(self.policy.gas_limit);
        let flight = Flight {
            sender: self,
            action,
            call,
            gas_limit,
            sent: Vec::new(),
        };
        flight.follow(Follower::new(self.policy)).await
    }

    fn sign(
        &self,
        call: &Call,
        gas_limit: u64,
        nonce: u64,
        fees: Fees,
    ) -> Result<Sent, SettlementError> {
        let mut transaction = TxEip1559 {
            chain_id: self.l2.chain_id().0,
            nonce,
            gas_limit,
            max_fee_per_gas: fees.max_fee,
            max_priority_fee_per_gas: fees.max_priority_fee,
            to: call.to.map_or(TxKind::Create, TxKind::Call),
            value: call.value,
            input: call.data.clone(),
            ..TxEip1559::default()
        };
        let signature = self
            .signer
            .sign_transaction_sync(&mut transaction)
            .map_err(SettlementError::Signing)?;
        let envelope = TxEnvelope::from(transaction.into_signed(signature));
        Ok(Sent {
            hash: *envelope.tx_hash(),
            raw: envelope.encoded_2718(),
        })
    }
}

struct Sent {
    hash: TxHash,
    raw: Vec<u8>,
}

/// One call on its way, with every transaction that was signed for it: any of them may be mined.
struct Flight<'a> {
    sender: &'a TransactionSender,
    action: &'static str,
    call: &'a Call,
    gas_limit: u64,
    sent: Vec<Sent>,
}

impl Flight<'_> {
    async fn follow(mut self, mut follower: Follower) -> Result<Mined, SettlementError> {
        let action = self.action;
        let begun = Instant::now();
        let mut polls = interval(self.sender.policy.poll.max(Duration::from_millis(1)));
        polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            polls.tick().await;
            let seen = match self.observe(begun.elapsed()).await {
                Ok(seen) => seen,
                Err(error) if self.sent.is_empty() => return Err(error),
                Err(error) if begun.elapsed() > self.sender.policy.give_up_after * 2 => {
                    return Err(error);
                }
                Err(error) => {
                    warn!(target: "settlement", action, %error, "L2 transaction cannot be followed now");
                    continue;
                }
            };
            match follower.next(&seen) {
                Step::Wait => {}
                Step::Send { nonce, fees } => {
                    let sent = self.sender.sign(self.call, self.gas_limit, nonce, fees)?;
                    info!(target: "settlement", action, hash = %sent.hash, nonce, %fees, "send L2 transaction");
                    self.sent.push(sent);
                    follower.answered(self.transmit().await);
                }
                Step::Resend => {
                    info!(target: "settlement", action, "send L2 transaction again");
                    follower.answered(self.transmit().await);
                }
                Step::Done(inclusion) => return self.finish(inclusion).await,
                Step::Failed(failure) => return Err(SettlementError::NotMined { action, failure }),
            }
        }
    }

    async fn observe(&self, elapsed: Duration) -> Result<Observation, SettlementError> {
        let TransactionSender { l2, .. } = self.sender;
        let head = l2.head().await?;
        let next_nonce = l2.mined_nonce(self.sender.account()).await?;
        let market = Fees::above(head.base_fee.into(), l2.priority_fee().await?);
        let receipt = self.inclusion().await?;
        let known = match (receipt, self.sent.last()) {
            (None, Some(sent)) => l2.transaction(sent.hash).await?.is_some(),
            _ => true,
        };
        Ok(Observation {
            elapsed,
            head: head.number,
            next_nonce,
            market,
            receipt,
            known,
        })
    }

    /// Where one of the transactions is mined. A receipt counts if its block is the canonical one.
    async fn inclusion(&self) -> Result<Option<Inclusion>, SettlementError> {
        let l2 = &self.sender.l2;
        for sent in self.sent.iter().rev() {
            let Some(receipt) = l2.receipt(sent.hash).await? else {
                continue;
            };
            let (Some(block), Some(block_hash)) = (receipt.block_number, receipt.block_hash) else {
                continue;
            };
            if l2
                .block(block)
                .await?
                .is_some_and(|canonical| canonical.hash == block_hash)
            {
                let (hash, success) = (sent.hash, receipt.status());
                return Ok(Some(Inclusion {
                    hash,
                    block,
                    block_hash,
                    success,
                }));
            }
        }
        Ok(None)
    }

    /// Sends the transaction that was signed last.
    async fn transmit(&self) -> SendAnswer {
        let Some(sent) = self.sent.last() else {
            return SendAnswer::Unclear;
        };
        match self.sender.l2.send_raw(&sent.raw).await {
            Ok(()) => SendAnswer::Accepted,
            Err(error) => {
                let answer = classify(&error);
                let error = self.sender.l2.error(self.action, error);
                if answer != SendAnswer::Accepted {
                    warn!(target: "settlement", action = self.action, %error, "L2 did not take the transaction");
                }
                answer
            }
        }
    }

    async fn finish(self, inclusion: Inclusion) -> Result<Mined, SettlementError> {
        let Inclusion {
            hash,
            block,
            block_hash,
            success,
        } = inclusion;
        if !success {
            return Err(SettlementError::Failed {
                action: self.action,
                hash,
            });
        }
        let receipt = self.sender.l2.receipt(hash).await?;
        let (gas_used, contract) = receipt.map_or((0, None), |receipt| {
            (receipt.gas_used, receipt.contract_address)
        });
        info!(target: "settlement", action = self.action, %hash, block, gas_used, "L2 transaction is confirmed");
        Ok(Mined {
            hash,
            block,
            block_hash,
            gas_used,
            contract,
        })
    }
}

/// Reads a node's refusal. There is no standard but go-ethereum's wording, which other nodes follow.
fn classify(error: &TransportError) -> SendAnswer {
    let RpcError::ErrorResp(payload) = error else {
        return SendAnswer::Unclear;
    };
    let message = payload.message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&[
        "already known",
        "known transaction",
        "already imported",
        "already exists",
    ]) {
        SendAnswer::Accepted
    } else if says(&[
        "underpriced",
        "less than block base fee",
        "fee too low",
        "below base fee",
    ]) {
        SendAnswer::Underpriced
    } else if says(&["nonce too low", "nonce is too low"]) {
        SendAnswer::NonceTooLow
    } else if says(&[
        "pool is full",
        "rate limit",
        "timeout",
        "too many requests",
        "busy",
    ]) {
        SendAnswer::Unclear
    } else {
        SendAnswer::Refused(payload.message.chars().take(300).collect())
    }
}
