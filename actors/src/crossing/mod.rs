//! Money, tokens and transactions on their way between L2 and L3, as their owners move them: what `tern bridge` does, over
//! the RPC servers of the two chains and with nothing else.

mod deposit;
mod exit;
mod forced;
mod status;
mod withdrawal;

use std::io::Write;
use std::time::Duration;

use alloy::primitives::utils::{ParseUnits, format_units, parse_units};
use alloy::primitives::{Address, U256};
use alloy::rpc::types::Log;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolEvent;
use tern_messages::ChainId;
use tern_settlement::{
    ExpectedRollup, FollowPolicy, IToken, L2, L2Endpoint, Mined, RollupClient, SettlementError,
    TransactionSender,
};
use thiserror::Error;

use crate::deployment::Deployment;

pub use deposit::{Deposit, Deposited, Fate};
pub use exit::Exited;
pub use forced::Forced;
pub use status::BridgeSummary;
pub use withdrawal::{Finalized, Sent, Withdraw};

/// How often to look whether what is waited for has come.
const POLL: Duration = Duration::from_millis(500);
/// How often to say what is waited for, if it is the same as before.
const AGAIN: Duration = Duration::from_secs(60);

/// Why something did not cross.
#[derive(Debug, Error)]
pub enum CrossingError {
    /// One of the two chains.
    #[error(transparent)]
    Chain(#[from] SettlementError),
    /// A number that is none.
    #[error("`{text}` is not an amount: {reason}")]
    Amount {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is too little.
    #[error("{account} has {have} {unit} on {chain}, and {want} {unit} are needed")]
    Insufficient {
        /// The account.
        account: Address,
        /// The chain that is asked.
        chain: &'static str,
        /// What it has.
        have: String,
        /// What it needs.
        want: String,
        /// Of what.
        unit: String,
    },
    /// L3 does not have the transaction.
    #[error("L3 has no block with the transaction {transaction}")]
    NotMined {
        /// The transaction.
        transaction: alloy::primitives::TxHash,
    },
    /// A withdrawal would go where there is no chain.
    #[error("{chain} is no chain of the bridge {bridge} that goes on: give its Rollup on this L2")]
    NoChain {
        /// What was given.
        chain: Address,
        /// The bridge.
        bridge: Address,
    },
    /// The transaction sent no withdrawal.
    #[error("the L3 transaction {transaction} sent no withdrawal")]
    NoWithdrawal {
        /// The transaction.
        transaction: alloy::primitives::TxHash,
    },
    /// Nobody may freeze the chain, so that nothing is taken from it but by withdrawals.
    #[error(
        "the chain goes on: it can be frozen when something has waited for {} hours. Until then withdraw; should the \
         operator leave the withdrawal out, post it with `tern bridge force`", after.as_secs() / 3600
    )]
    GoesOn {
        /// How long something has to wait until then.
        after: Duration,
    },
    /// Something else went wrong.
    #[error("{0}")]
    Other(String),
}

impl CrossingError {
    /// Whether trying again later may succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Chain(error) if error.is_retryable())
    }
}

/// The first event of a kind among a contract's logs.
fn first_event<E: SolEvent>(logs: &[Log], contract: Address) -> Option<E> {
    logs.iter()
        .filter(|log| log.address() == contract)
        .find_map(|log| E::decode_log_data(log.data()).ok())
}

/// ETH or a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The token on L2; none for ETH.
    pub token: Option<Address>,
    /// What people call it.
    pub symbol: String,
    /// Digits behind the point.
    pub decimals: u8,
}

impl Asset {
    /// An amount as people write it.
    ///
    /// # Errors
    /// [`CrossingError::Amount`].
    pub fn parse(&self, text: &str) -> Result<U256, CrossingError> {
        let refused = |reason: String| CrossingError::Amount {
            text: text.to_owned(),
            reason,
        };
        match parse_units(text, self.decimals) {
            Ok(ParseUnits::U256(amount)) if !amount.is_zero() => Ok(amount),
            Ok(_) => Err(refused("it must be more than 0".to_owned())),
            Err(error) => Err(refused(error.to_string())),
        }
    }

    /// The same for people to read.
    pub fn format(&self, amount: U256) -> String {
        let text = format_units(amount, self.decimals).unwrap_or_else(|_| amount.to_string());
        let text = match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.'),
            false => &text,
        };
        text.to_owned()
    }
}

/// An account on both chains, and the contracts between them.
#[derive(Debug)]
pub struct Crossing {
    l2: TransactionSender,
    l3: TransactionSender,
    rollup: RollupClient,
    bridge: Address,
}

/// Where the two chains answer.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// L2.
    pub l2: L2Endpoint,
    /// L3.
    pub l3: L2Endpoint,
}

impl Crossing {
    /// Connects to both chains of a deployment, and makes sure that they are its.
    ///
    /// # Errors
    /// If one does not answer, or is another.
    pub async fn connect(
        deployment: &Deployment,
        endpoints: Endpoints,
        signer: PrivateKeySigner,
    ) -> Result<Self, CrossingError> {
        let l2 = L2::connect_to(endpoints.l2, ChainId(deployment.l2_chain_id)).await?;
        let l3 = L2::connect_to(endpoints.l3, ChainId(deployment.l3_chain_id)).await?;
        let expected = ExpectedRollup {
            address: deployment.rollup,
            chain_id: ChainId(deployment.l3_chain_id),
            genesis_hash: deployment.genesis_hash,
        };
        let policy = FollowPolicy {
            poll: POLL,
            ..FollowPolicy::default()
        };
        Ok(Self {
            rollup: RollupClient::connect(l2.clone(), expected).await?,
            l2: TransactionSender::new(l2, signer.clone(), policy),
            l3: TransactionSender::new(l3, signer, policy),
            bridge: deployment.bridge,
        })
    }

    /// What `contract` has said in a transaction on L2 that is mined; `what` is looked for, for errors.
    async fn said<E: SolEvent>(
        &self,
        mined: &Mined,
        contract: Address,
        what: &str,
    ) -> Result<E, CrossingError> {
        let outcome = self.l2.l2().outcome(mined.hash).await?;
        let logs = outcome.map(|outcome| outcome.item).unwrap_or_default();
        first_event(&logs, contract).ok_or_else(|| {
            CrossingError::Other(format!(
                "{} is mined, and says nothing of {what}",
                mined.hash
            ))
        })
    }

    /// The account.
    pub fn account(&self) -> Address {
        self.l2.account()
    }

    /// ETH, or what a token says of itself on L2.
    ///
    /// # Errors
    /// If there is no token.
    pub async fn asset(&self, token: Option<Address>) -> Result<Asset, CrossingError> {
        let Some(address) = token else {
            return Ok(Asset {
                token,
                symbol: "ETH".to_owned(),
                decimals: 18,
            });
        };
        let l2 = self.l2.l2();
        let decimals = l2.ask_contract(address, IToken::decimalsCall {}).await?;
        let symbol = l2.ask_contract(address, IToken::symbolCall {}).await;
        Ok(Asset {
            token,
            symbol: symbol.map_or_else(|_| address.to_string(), |symbol| printable(&symbol)),
            decimals,
        })
    }
}

/// What a token says of itself is anyone's text.
fn printable(symbol: &str) -> String {
    symbol
        .chars()
        .filter(|c| !c.is_control())
        .take(32)
        .collect()
}

/// Says on stderr what is being waited for, in whole sentences.
#[derive(Debug, Default)]
pub struct Progress {
    said: Option<(String, tokio::time::Instant)>,
}

impl Progress {
    /// Says a sentence, unless it was said just before.
    pub fn say(&mut self, sentence: &str) {
        let is_new = self
            .said
            .as_ref()
            .is_none_or(|(said, when)| said != sentence || when.elapsed() >= AGAIN);
        if is_new {
            // Nowhere to say it if stderr is closed.
            let _ = writeln!(std::io::stderr(), "{sentence}");
            self.said = Some((sentence.to_owned(), tokio::time::Instant::now()));
        }
    }

    /// An answer; none yet if the chain may give one when it is asked again.
    async fn heard<T>(
        &mut self,
        answer: Result<T, SettlementError>,
    ) -> Result<Option<T>, CrossingError> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is_retryable() => {
                self.wait(&format!("{error}. Asking again.")).await;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Waits a moment, saying for what.
    pub async fn wait(&mut self, sentence: &str) {
        self.say(sentence);
        tokio::time::sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_with_a_point_and_read_back() {
        let token = Asset {
            token: Some(Address::repeat_byte(1)),
            symbol: "USD".to_owned(),
            decimals: 6,
        };
        for (text, amount) in [("1.5", 1_500_000), ("0.000001", 1), ("20", 20_000_000)] {
            assert_eq!(token.parse(text).unwrap(), U256::from(amount));
            assert_eq!(token.format(U256::from(amount)), text);
        }
        for text in ["0", "-1", "1e3", "0.0000001", "", "1 ETH"] {
            let message = token.parse(text).unwrap_err().to_string();
            assert!(message.contains(&format!("`{text}`")), "{message}");
        }
    }
}
