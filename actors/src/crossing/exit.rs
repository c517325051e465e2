//! Out of a chain that ended: everything that an account owned in its last state, by proof.

use std::time::Duration;

use alloy::consensus::constants::KECCAK_EMPTY;
use alloy::primitives::{Address, B256, TxHash, U256, keccak256};
use alloy::sol_types::SolValue;
use serde::Serialize;
use tern_settlement::{Call, IExits, IRollup, L3_INBOX, SettlementError, processed};

use super::{Asset, Crossing, CrossingError, Progress};

/// Slots of `L3Inbox` and of a token's twin, as `contracts/src/bridge/Exits.sol` has them.
const QUEUE: U256 = U256::ZERO;
const PARKED: U256 = U256::from_limbs([1, 0, 0, 0]);
const REFUNDS: U256 = U256::from_limbs([2, 0, 0, 0]);
const BALANCES: U256 = U256::ZERO;

/// Something that an account owned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exited {
    /// What it was.
    pub what: String,
    /// The transaction on L2 that paid it.
    pub transaction: Option<TxHash>,
    /// Why L2 did not pay it; it can be tried again.
    pub refused: Option<String>,
}

/// What can be claimed: what people call it, how the contract remembers it, and the call that claims it.
struct Claim {
    what: String,
    mark: B256,
    call: Call,
}

impl Crossing {
    /// Ends the chain, so that accounts take out what they own, if its deadlines are over.
    ///
    /// # Errors
    /// [`CrossingError::GoesOn`] if they are not.
    pub async fn freeze(&self, progress: &mut Progress) -> Result<(), CrossingError> {
        if self.is_frozen().await? {
            return Ok(());
        }
        progress.say("Freezing the chain: the state that L2 has verified is its last.");
        let call = Call::of(self.rollup.address(), &IRollup::freezeCall {});
        match self.l2.send("the freeze", &call).await {
            Ok(_) => Ok(()),
            Err(error)
                if matches!(
                    error.rollup_error(),
                    Some(IRollup::IRollupErrors::NotLate(_))
                ) =>
            {
                Err(self.goes_on().await?)
            }
            // Somebody else was faster.
            Err(_) if self.is_frozen().await? => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Has everything paid on L2 that an account owned in the chain's last state: ETH, tokens, what failed messages owe it,
    /// and what messages carry that were not called.
    ///
    /// L3 is asked for the proofs: any node that has the last state will do, as `tern sync` makes it from L2.
    ///
    /// # Errors
    /// [`CrossingError::GoesOn`] if the chain is not frozen. What L2 refuses to pay is in the answer.
    pub async fn exit(
        &self,
        account: Address,
        progress: &mut Progress,
    ) -> Result<Vec<Exited>, CrossingError> {
        if !self.is_frozen().await? {
            return Err(self.goes_on().await?);
        }
        let mut exited = Vec::new();
        for claim in self.claims(account).await? {
            let taken = IExits::takenCall {
                rollup: self.rollup.address(),
                what: claim.mark,
            };
            if self.l2.l2().ask_contract(self.bridge, taken).await? {
                continue;
            }
            progress.say(&format!("Taking {}.", claim.what));
            let (transaction, refused) = match self.l2.send("the exit", &claim.call).await {
                Ok(mined) => (Some(mined.hash), None),
                Err(SettlementError::Reverted { revert, .. }) => (None, Some(revert.to_string())),
                // Nothing that others brought about keeps what comes behind it.
                Err(error) => (None, Some(error.to_string())),
            };
            exited.push(Exited {
                what: claim.what,
                transaction,
                refused,
            });
        }
        Ok(exited)
    }

    async fn is_frozen(&self) -> Result<bool, CrossingError> {
        let frozen = IRollup::frozenCall {};
        let rollup = self.rollup.address();
        Ok(self.l2.l2().ask_contract(rollup, frozen).await?)
    }

    async fn goes_on(&self) -> Result<CrossingError, CrossingError> {
        let (l2, rollup) = (self.l2.l2(), self.rollup.address());
        let after = l2.ask_contract(rollup, IRollup::deadlinesCall {}).await?;
        let seconds = after
            .inclusion
            .saturating_add(after.liveness)
            .saturating_add(after.emergency);
        Ok(CrossingError::GoesOn {
            after: Duration::from_secs(seconds),
        })
    }

    async fn claims(&self, account: Address) -> Result<Vec<Claim>, CrossingError> {
        let l3 = self.l3.l2();
        let (rollup, block) = (
            self.rollup.address(),
            self.rollup.status().await?.verified_block.0,
        );
        let (_, owner) = l3.slot(account, B256::ZERO, block).await?;
        if !owner.code_hash.is_zero() && owner.code_hash != KECCAK_EMPTY {
            return Err(CrossingError::Other(format!(
                "{account} has code on L3: nobody's key is known to be its owner's on L2, and what it owns stays"
            )));
        }
        let ether = self.asset(None).await?;
        let mut claims = Vec::new();
        if !owner.balance.is_zero() {
            claims.push(Claim {
                what: format!("{} ETH", ether.format(owner.balance)),
                mark: keccak256(("ether", account).abi_encode_params()),
                call: Call::of(
                    self.bridge,
                    &IExits::exitEtherCall {
                        rollup,
                        account,
                        accountProof: owner.account.clone(),
                    },
                ),
            });
        }
        for token in self.rollup.deposited_tokens(self.bridge).await? {
            let slot = slot_of(account.into_word(), BALANCES);
            let twin = self.twin(token).await?;
            let (balance, mut proof) = l3.slot(twin, slot, block).await?;
            if balance.is_zero() {
                continue;
            }
            // Whatever it says of itself.
            let asset = self.asset(Some(token)).await.unwrap_or(Asset {
                token: Some(token),
                symbol: format!("of {token}"),
                decimals: 0,
            });
            claims.push(Claim {
                what: format!("{} {}", asset.format(balance), asset.symbol),
                mark: keccak256(("token", token, account).abi_encode_params()),
                call: Call::of(
                    self.bridge,
                    &IExits::exitTokenCall {
                        rollup,
                        token,
                        account,
                        accountProof: owner.account.clone(),
                        twinProof: proof.account,
                        balanceProof: proof.slots.pop().unwrap_or_default(),
                    },
                ),
            });
        }
        let slot = slot_of(account.into_word(), REFUNDS);
        let (refund, mut proof) = l3.slot(L3_INBOX, slot, block).await?;
        if !refund.is_zero() {
            claims.push(Claim {
                what: format!("{} ETH of messages that failed", ether.format(refund)),
                mark: keccak256(("refund", account).abi_encode_params()),
                call: Call::of(
                    self.bridge,
                    &IExits::exitRefundCall {
                        rollup,
                        account,
                        accountProof: owner.account.clone(),
                        inboxProof: proof.account,
                        refundProof: proof.slots.pop().unwrap_or_default(),
                    },
                ),
            });
        }
        self.messages_left(account, block, &mut claims).await?;
        Ok(claims)
    }

    /// Messages that the last state has not processed, or has parked.
    async fn messages_left(
        &self,
        account: Address,
        block: u64,
        claims: &mut Vec<Claim>,
    ) -> Result<(), CrossingError> {
        let (l3, rollup) = (self.l3.l2(), self.rollup.address());
        let messages = self.rollup.messages_of(self.bridge, account).await?;
        if messages.is_empty() {
            return Ok(());
        }
        let (word, mut queue) = l3.slot(L3_INBOX, QUEUE.into(), block).await?;
        let queue_slot = queue.slots.pop().unwrap_or_default();
        let processed = processed(word);
        for (index, message) in messages {
            let (hash, refundee) = (message.hash(index), message.refundee);
            let of_refundee =
                async || Ok::<_, CrossingError>(l3.slot(refundee, B256::ZERO, block).await?.1);
            let call = if index < processed {
                let (value, mut parked) = l3.slot(L3_INBOX, slot_of(hash, PARKED), block).await?;
                if value.is_zero() {
                    continue;
                }
                Call::of(
                    self.bridge,
                    &IExits::exitParkedCall {
                        rollup,
                        index,
                        message,
                        accountProof: of_refundee().await?.account,
                        inboxProof: parked.account,
                        slotProof: parked.slots.pop().unwrap_or_default(),
                    },
                )
            } else {
                Call::of(
                    self.bridge,
                    &IExits::exitMessageCall {
                        rollup,
                        index,
                        message,
                        accountProof: of_refundee().await?.account,
                        inboxProof: queue.account.clone(),
                        slotProof: queue_slot.clone(),
                    },
                )
            };
            claims.push(Claim {
                what: format!("what message {index} carries"),
                mark: keccak256(("message", hash).abi_encode_params()),
                call,
            });
        }
        Ok(())
    }
}

/// Where a mapping in slot `number` has a key.
fn slot_of(key: B256, number: U256) -> B256 {
    keccak256((key, number).abi_encode())
}
