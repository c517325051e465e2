//! An L3 block as it leaves the main node.

use alloy::consensus::{Header, ReceiptEnvelope};
use alloy::eips::eip2718::{Decodable2718, Encodable2718};
use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::anchor::Anchor;
use crate::codec::as_rlp;
use crate::units::BlockNumber;

/// Longest transaction, in bytes: with its block alone in a batch, it must fit one L2 transaction of 128 KiB, the most
/// that L2's pools take, even if it cannot be compressed.
pub const MAX_TRANSACTION_SIZE: usize = 120 << 10;
/// Most bytes of transactions that the blocks of a chain may be set to hold, for the same reason: each transaction
/// comes with 3 bytes more.
pub const MAX_BLOCK_BYTES: u64 = 112 << 10;
/// Most transactions of a block: the contract computes the root of no more.
pub const MAX_BLOCK_TRANSACTIONS: u32 = 1 << 16;

/// A sealed block: its header commits to everything else in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedBlock {
    /// The standard Cancun header.
    #[serde(with = "as_rlp")]
    pub header: Header,
    /// keccak256 of the header's RLP.
    pub hash: B256,
    /// What its parentBeaconBlockRoot is the hash of.
    pub anchor: Anchor,
    /// Signed transactions as users sent them (EIP-2718 bytes), in order.
    pub transactions: Vec<Bytes>,
    /// One receipt for each transaction, in order.
    pub receipts: Vec<Receipt>,
}

impl SealedBlock {
    /// The block's number.
    pub fn number(&self) -> BlockNumber {
        BlockNumber(self.header.number)
    }
}

/// A receipt with the facts that its consensus form leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The consensus receipt (EIP-2718), which the receipts root covers.
    #[serde(with = "as_2718")]
    pub envelope: ReceiptEnvelope,
    /// Hash of the transaction.
    pub transaction_hash: B256,
    /// Recovered sender.
    pub from: Address,
    /// Gas used by this transaction alone.
    pub gas_used: u64,
    /// Price paid for each unit of gas, in wei.
    pub effective_gas_price: u128,
    /// Address of the contract that the transaction created, if it did.
    pub contract_address: Option<Address>,
}

mod as_2718 {
    use serde::{Deserializer, Serializer, de::Error};

    use super::*;

    pub(super) fn serialize<S: Serializer>(
        receipt: &ReceiptEnvelope,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        Bytes::from(receipt.encoded_2718()).serialize(out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<ReceiptEnvelope, D::Error> {
        let bytes = Bytes::deserialize(from)?;
        ReceiptEnvelope::decode_2718_exact(&bytes).map_err(D::Error::custom)
    }
}
