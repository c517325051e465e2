//! From L2 to L3.

use std::time::{Duration, Instant};

use alloy::primitives::{Address, TxHash, U256};
use serde::Serialize;
use tern_settlement::{Call, IBridge, IInbox, IL3Inbox, IToken, L3_INBOX, SettlementError};

use super::{Asset, Crossing, CrossingError, Progress};

/// Gas on L3 with which a token is minted at least, as the bridge's contract has it.
const MINT_GAS: u64 = 500_000;
/// Bytes of a token's deposit at most: its name and symbol are in it.
const MINT_BYTES: u64 = 1_024;
/// Blocks of L3 in which it is looked up what became of a message.
const LOOK_BACK: u64 = 1_000;
/// Longest wait for the block that a message was processed in: blocks are sealed once a minute at least.
const SEALED: Duration = Duration::from_secs(90);

/// What is deposited.
#[derive(Clone, Debug)]
pub struct Deposit {
    /// ETH or a token.
    pub asset: Asset,
    /// In wei, or in the token's smallest unit.
    pub amount: U256,
    /// Who gets it on L3.
    pub to: Address,
    /// Gas for a recipient that is a contract.
    pub gas_limit: u32,
}

/// A deposit that L2 has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deposited {
    /// Its message's place in the queue, from 0.
    pub index: u64,
    /// The transaction on L2.
    pub transaction: TxHash,
    /// The fee for whoever processes it, in wei.
    pub fee: U256,
    /// What became of it on L3, if that was waited for.
    pub fate: Option<Fate>,
}

/// What became of a message on L3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    /// Its call succeeded.
    Called,
    /// Its call failed: what it carries is its refundee's, or on its way back to L2.
    Failed,
    /// It waits until someone has it called.
    Parked,
    /// It was processed too long ago to be looked up.
    Unknown,
}

impl Crossing {
    /// Deposits, which takes the approval of the bridge first where it is a token.
    ///
    /// # Errors
    /// [`CrossingError`].
    pub async fn deposit(
        &self,
        deposit: &Deposit,
        progress: &mut Progress,
    ) -> Result<Deposited, CrossingError> {
        let is_token = deposit.asset.token.is_some();
        let gas_limit = deposit.gas_limit.into();
        let fee = self.fee(self.rollup.inbox(), is_token, gas_limit).await?;
        let sent = match deposit.asset.token {
            None => deposit.amount.saturating_add(fee),
            Some(token) => {
                self.approve(token, deposit, progress).await?;
                fee
            }
        };
        self.expect_ether(sent).await?;
        let rollup = self.rollup.address();
        let call = match deposit.asset.token {
            None => Call::of(
                self.bridge,
                &IBridge::depositEtherCall {
                    rollup,
                    to: deposit.to,
                    fee,
                    gasLimit: deposit.gas_limit,
                },
            ),
            Some(token) => {
                let twin = self.twin(token).await?;
                Call::of(
                    self.bridge,
                    &IBridge::depositCall {
                        rollup,
                        l2Token: token,
                        l3Token: twin,
                        to: deposit.to,
                        amount: deposit.amount,
                        gasLimit: deposit.gas_limit,
                    },
                )
            }
        };
        progress.say("Sending the deposit to L2.");
        let mined = self.l2.send("the deposit", &call.sending(sent)).await?;
        let event = self
            .said::<IBridge::Deposited>(&mined, self.bridge, "a deposit")
            .await?;
        progress.say(&format!(
            "Message {} is on L2: {}.",
            event.index, mined.hash
        ));
        Ok(Deposited {
            index: event.index,
            transaction: mined.hash,
            fee,
            fate: None,
        })
    }

    /// Where a token is on L3.
    ///
    /// # Errors
    /// If L2 does not answer.
    pub async fn twin(&self, l2_token: Address) -> Result<Address, CrossingError> {
        let twin = IBridge::twinOfCall { l2Token: l2_token };
        Ok(self.l2.l2().ask_contract(self.bridge, twin).await?)
    }

    /// Waits until L3 has processed a deposit.
    ///
    /// # Errors
    /// If L3 does not answer.
    pub async fn until_processed(
        &self,
        index: u64,
        progress: &mut Progress,
    ) -> Result<Fate, CrossingError> {
        let (l3, since) = (self.l3.l2(), Instant::now());
        loop {
            let next = l3.ask_contract(L3_INBOX, IL3Inbox::nextIndexCall {}).await;
            match progress.heard(next).await? {
                Some(next) if next > index => {
                    let fate = progress.heard(self.fate(index).await).await?;
                    // Its block has no logs until it is sealed.
                    match fate {
                        Some(Fate::Unknown) if since.elapsed() < SEALED => {
                            progress
                                .wait("L3 has processed it. Waiting for its block.")
                                .await;
                        }
                        Some(fate) => return Ok(fate),
                        None => {}
                    }
                }
                Some(_) => {
                    let what = format!(
                        "Waiting for L3 to process message {index}: a block or two after L2 holds it for good."
                    );
                    progress.wait(&what).await;
                }
                None => {}
            }
        }
    }

    async fn fate(&self, index: u64) -> Result<Fate, SettlementError> {
        let (l3, index) = (self.l3.l2(), U256::from(index));
        let called = l3.newest_events::<IL3Inbox::MessageCalled>(L3_INBOX, index, LOOK_BACK);
        if let Some(called) = called.await?.last() {
            return Ok(match called.succeeded {
                true => Fate::Called,
                false => Fate::Failed,
            });
        }
        let parked = l3.newest_events::<IL3Inbox::MessageParked>(L3_INBOX, index, LOOK_BACK);
        Ok(match parked.await?.is_empty() {
            true => Fate::Unknown,
            false => Fate::Parked,
        })
    }

    /// What whoever processes it is paid, in wei: a quarter more than is asked for now, which may rise until it is mined.
    pub(super) async fn fee(
        &self,
        inbox: Address,
        is_token: bool,
        gas_limit: u64,
    ) -> Result<U256, CrossingError> {
        let (gas, length) = match is_token {
            false => (gas_limit, 0),
            true => (gas_limit.max(MINT_GAS), MINT_BYTES),
        };
        let call = IInbox::feeNowCall {
            gasLimit: gas,
            length: U256::from(length),
        };
        let fee = self.l2.l2().ask_contract(inbox, call).await?;
        Ok(fee.saturating_add(fee / U256::from(4)))
    }

    async fn approve(
        &self,
        token: Address,
        deposit: &Deposit,
        progress: &mut Progress,
    ) -> Result<(), CrossingError> {
        let (l2, account) = (self.l2.l2(), self.account());
        let have = l2
            .ask_contract(token, IToken::balanceOfCall { account })
            .await?;
        if have < deposit.amount {
            return Err(CrossingError::Insufficient {
                account,
                chain: "L2",
                have: deposit.asset.format(have),
                want: deposit.asset.format(deposit.amount),
                unit: deposit.asset.symbol.clone(),
            });
        }
        let call = IToken::allowanceCall {
            owner: account,
            spender: self.bridge,
        };
        if l2.ask_contract(token, call).await? >= deposit.amount {
            return Ok(());
        }
        progress.say("Allowing the bridge to take the tokens.");
        let call = IToken::approveCall {
            spender: self.bridge,
            amount: deposit.amount,
        };
        self.l2
            .send("the approval", &Call::of(token, &call))
            .await?;
        Ok(())
    }

    async fn expect_ether(&self, want: U256) -> Result<(), CrossingError> {
        let account = self.account();
        let have = self.l2.l2().balance(account).await?;
        if have >= want {
            return Ok(());
        }
        let ether = self.asset(None).await?;
        Err(CrossingError::Insufficient {
            account,
            chain: "L2",
            have: ether.format(have),
            want: ether.format(want),
            unit: ether.symbol,
        })
    }
}
