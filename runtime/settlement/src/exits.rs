//! What is left to be taken from a chain that ended, as L2's events tell.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::rpc::types::Filter;
use alloy::sol_types::{SolEvent, SolValue};

use crate::bindings::{IBridge, IInbox, Message};
use crate::client::RollupClient;
use crate::error::SettlementError;

/// What is added to the address of a contract that sends a message (`ALIAS_OFFSET` in `contracts/src/bridge/Message.sol`).
const ALIAS_OFFSET: [u8; 20] = *b"\x7e\x72\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x7e\x72";

/// How L3 knows a contract of L2.
fn alias(contract: Address) -> Address {
    let sum = contract.into_word().0;
    let sum = U256::from_be_bytes(sum).wrapping_add(U256::from_be_bytes(
        Address::from(ALIAS_OFFSET).into_word().0,
    ));
    Address::from_word(B256::from(sum))
}

impl Message {
    /// Who takes back what it carries if its chain ends before it is called: whose tokens `bridge` deposited, or its refundee.
    pub fn owner(&self, bridge: Address) -> Address {
        type Mint = (Address, Address, Address, U256, Bytes);
        let minted = (self.sender == alias(bridge))
            .then(|| self.data.get(4..))
            .flatten();
        match minted.map(<Mint as SolValue>::abi_decode_params) {
            Some(Ok((_, from, ..))) => from,
            _ => self.refundee,
        }
    }
}

impl RollupClient {
    /// The tokens that were ever deposited to the chain.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn deposited_tokens(
        &self,
        bridge: Address,
    ) -> Result<BTreeSet<Address>, SettlementError> {
        let filter = Filter::new()
            .address(bridge)
            .event_signature(IBridge::Deposited::SIGNATURE_HASH)
            .topic1(self.address().into_word());
        let logs = self.l2().all_logs(filter, self.lifetime().await?).await?;
        let tokens = logs
            .iter()
            .filter_map(|log| IBridge::Deposited::decode_log(&log.inner).ok())
            .map(|event| event.token)
            .filter(|token| !token.is_zero());
        Ok(tokens.collect())
    }

    /// The messages to the chain whose owner an account is, each with its place in the queue.
    ///
    /// # Errors
    /// If L2 does not answer as it should.
    pub async fn messages_of(
        &self,
        bridge: Address,
        account: Address,
    ) -> Result<Vec<(u64, Message)>, SettlementError> {
        let filter = Filter::new()
            .address(self.inbox())
            .event_signature(IInbox::MessageSent::SIGNATURE_HASH);
        let logs = self.l2().all_logs(filter, self.lifetime().await?).await?;
        let messages = logs
            .iter()
            .filter_map(|log| IInbox::MessageSent::decode_log(&log.inner).ok())
            .map(|event| (event.index.saturating_to(), event.data.message))
            .filter(|(_, message)| message.owner(bridge) == account);
        Ok(messages.collect())
    }

    async fn lifetime(&self) -> Result<RangeInclusive<u64>, SettlementError> {
        Ok(self.deployment_block()..=self.l2().head().await?.number)
    }
}
