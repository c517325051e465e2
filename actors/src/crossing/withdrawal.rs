//! From L3 to L2, or by it to another chain.

use alloy::primitives::{Address, B256, Bytes, TxHash, U256, keccak256};
use alloy::sol_types::SolValue;
use serde::Serialize;
use tern_settlement::{
    Call, IBridge, IInbox, IL3Bridge, IRollup, L3_BRIDGE, RollupStatus, SettlementError, Withdrawal,
};

use super::{Asset, Crossing, CrossingError, Progress, first_event};

/// What leaves L3.
#[derive(Clone, Debug)]
pub struct Withdraw {
    /// ETH or a token.
    pub asset: Asset,
    /// In wei, or in the token's smallest unit.
    pub amount: U256,
    /// Who gets it.
    pub to: Address,
    /// The `Rollup` of the chain where they get it; L2 without one.
    pub chain: Option<Address>,
}

/// A withdrawal that L3 has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// Its number, from 0.
    pub id: U256,
    /// What identifies it.
    pub hash: B256,
    /// The transaction on L3, by which it is found.
    pub transaction: TxHash,
    /// The L3 block that holds it.
    pub block: u64,
    #[serde(skip)]
    withdrawal: Withdrawal,
}

/// A withdrawal that L2 has paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finalized {
    /// What identifies it.
    pub hash: B256,
    /// The transaction on L2; none if it was paid before.
    pub transaction: Option<TxHash>,
}

impl Crossing {
    /// Sends a withdrawal on L3.
    ///
    /// # Errors
    /// [`CrossingError`].
    pub async fn withdraw(
        &self,
        withdraw: &Withdraw,
        progress: &mut Progress,
    ) -> Result<Sent, CrossingError> {
        let Withdraw {
            asset,
            amount,
            to,
            chain,
        } = withdraw;
        let ether = match asset.token {
            None => *amount,
            Some(_) => U256::ZERO,
        };
        let call = match (chain, asset.token) {
            (None, None) => Call::of(L3_BRIDGE, &IL3Bridge::withdrawEtherCall { recipient: *to }),
            (None, Some(token)) => Call::of(
                L3_BRIDGE,
                &IL3Bridge::withdrawCall {
                    l2Token: token,
                    recipient: *to,
                    amount: *amount,
                },
            ),
            (Some(chain), token) => Call::of(
                L3_BRIDGE,
                &IL3Bridge::sendToChainCall {
                    destination: *chain,
                    recipient: *to,
                    token: token.unwrap_or_default(),
                    amount: *amount,
                    fee: U256::ZERO,
                    gasLimit: 0,
                    data: Bytes::new(),
                },
            ),
        };
        if let Some(chain) = chain
            && self.inbox_of(*chain).await?.is_none()
        {
            let (chain, bridge) = (*chain, self.bridge);
            return Err(CrossingError::NoChain { chain, bridge });
        }
        progress.say("Sending the withdrawal to L3.");
        let mined = self.l3.send("the withdrawal", &call.sending(ether)).await?;
        self.sent(mined.hash).await
    }

    /// The withdrawal that an L3 transaction sent.
    ///
    /// # Errors
    /// [`CrossingError::NoWithdrawal`], and if L3 does not answer.
    pub async fn sent(&self, transaction: TxHash) -> Result<Sent, CrossingError> {
        let nothing = || CrossingError::NoWithdrawal { transaction };
        let outcome = self.l3.l2().outcome(transaction).await?;
        let outcome = outcome.ok_or(CrossingError::NotMined { transaction })?;
        let event = first_event::<IL3Bridge::WithdrawalSent>(&outcome.item, L3_BRIDGE);
        let event = event.ok_or_else(nothing)?;
        Ok(Sent {
            id: event.id,
            hash: event.withdrawalHash,
            transaction,
            block: outcome.l2_block,
            withdrawal: event.withdrawal,
        })
    }

    /// Waits until L2 has proven the state that holds a withdrawal, and has it paid.
    ///
    /// # Errors
    /// [`CrossingError`]; it can be tried again.
    pub async fn finalize(
        &self,
        sent: &Sent,
        progress: &mut Progress,
    ) -> Result<Finalized, CrossingError> {
        let (rollup, hash) = (self.rollup.address(), sent.hash);
        let paid = IBridge::finalizedCall {
            rollup,
            withdrawalHash: hash,
        };
        if self.l2.l2().ask_contract(self.bridge, paid).await? {
            return Ok(Finalized {
                hash,
                transaction: None,
            });
        }
        let status = self.until_proven(sent.block, progress).await?;
        let slot = keccak256((hash, U256::ZERO).abi_encode());
        let block = status.verified_block.0;
        let mut proof = self.l3.l2().proof(L3_BRIDGE, slot, block).await?;
        let call = IBridge::finalizeWithdrawalCall {
            rollup,
            stateRoot: status.verified_state_root,
            withdrawal: sent.withdrawal.clone(),
            accountProof: proof.account,
            storageProof: proof.slots.pop().unwrap_or_default(),
        };
        let fee = self.fee_of(&sent.withdrawal).await?;
        progress.say("Showing the withdrawal to L2.");
        let call = Call::of(self.bridge, &call).sending(fee);
        let mined = self.l2.send("the claim", &call).await?;
        Ok(Finalized {
            hash,
            transaction: Some(mined.hash),
        })
    }

    async fn until_proven(
        &self,
        block: u64,
        progress: &mut Progress,
    ) -> Result<RollupStatus, CrossingError> {
        loop {
            let Some(status) = progress.heard(self.rollup.status().await).await? else {
                continue;
            };
            let verified = status.verified_block.0;
            if verified >= block {
                return Ok(status);
            }
            progress
                .wait(&format!(
                    "Waiting for L2 to verify L3 block {block}; it has verified block {verified}. A proof takes minutes."
                ))
                .await;
        }
    }

    /// What another chain's queue asks for, where it goes there: paid by whoever shows it to L2.
    async fn fee_of(&self, withdrawal: &Withdrawal) -> Result<U256, CrossingError> {
        let chain = withdrawal.destination;
        if chain.is_zero() {
            return Ok(U256::ZERO);
        }
        // Without such a chain, the bridge pays on L2.
        let Some(inbox) = self.inbox_of(chain).await? else {
            return Ok(U256::ZERO);
        };
        let is_token = !withdrawal.token.is_zero();
        let fee = self.fee(inbox, is_token, withdrawal.gasLimit).await?;
        Ok(fee.saturating_sub(withdrawal.fee))
    }

    /// The inbox of a chain of the bridge that takes deposits.
    async fn inbox_of(&self, chain: Address) -> Result<Option<Address>, CrossingError> {
        let l2 = self.l2.l2();
        let asked = async {
            let inbox = l2.ask_contract(chain, IRollup::inboxCall {}).await?;
            let bridge = l2.ask_contract(inbox, IInbox::bridgeCall {}).await?;
            let rollup = l2.ask_contract(inbox, IInbox::rollupCall {}).await?;
            let ended = l2.ask_contract(chain, IRollup::frozenCall {}).await?;
            let takes = (bridge, rollup, ended) == (self.bridge, chain, false);
            Ok::<_, SettlementError>(takes.then_some(inbox))
        };
        match asked.await {
            // There is something else, or nothing.
            Err(SettlementError::Reverted { .. } | SettlementError::Malformed { .. }) => Ok(None),
            outcome => Ok(outcome?),
        }
    }
}
