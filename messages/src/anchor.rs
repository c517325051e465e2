//! What an L3 block knows of L2.

use alloy::primitives::{Address, B256, Bytes, FixedBytes, U256, keccak256};
use alloy::rpc::types::EIP1186AccountProofResponse;
use serde::{Deserialize, Serialize};

/// An L2 block, and how much of the queue of messages an L3 block may process. The block's header holds its hash
/// ([`Self::root`]); whoever posts the block to L2 says what it is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Hash of the L2 block; zero as long as no block has named one.
    pub l2_block: B256,
    /// Number of messages.
    pub messages: u64,
    /// Hash of the queue of so many, as the `Inbox` on L2 computes it.
    pub queue: FixedBytes<27>,
}

impl Anchor {
    /// The parentBeaconBlockRoot of a block that names this: `keccak256(abi.encode(l2_block, messages, queue))`, or zero.
    pub fn root(&self) -> B256 {
        if self.l2_block.is_zero() {
            return B256::ZERO;
        }
        let mut encoded = [0; 96];
        encoded[..32].copy_from_slice(self.l2_block.as_slice());
        encoded[32..64].copy_from_slice(&U256::from(self.messages).to_be_bytes::<32>());
        encoded[64..91].copy_from_slice(self.queue.as_slice());
        keccak256(encoded)
    }
}

/// A block of L2 that L3 blocks may name in their anchors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct L2Anchor {
    /// Number of the L2 block.
    pub number: u64,
    /// Hash of the L2 block.
    pub hash: B256,
    /// The time from which on L3 blocks may name it, and from which its age counts, in seconds since 1970.
    pub timestamp: u64,
}

/// A message of the queue, with what an anchor says of the queue that ends with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedMessage {
    /// Its place in the queue, from 0.
    pub index: u64,
    /// When it was sent, in seconds since 1970: no block of an earlier time may name it.
    pub sent: u64,
    /// The ABI's encoding of the message.
    pub encoded: Bytes,
    /// Hash of the queue up to it.
    pub queue: FixedBytes<27>,
}

/// Messages for the main node, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedMessages {
    /// The messages.
    pub messages: Vec<QueuedMessage>,
    /// How many L2 knows to be processed by the state that the next batch follows: a block may name so many more than these.
    pub known: u64,
}

/// A signed L3 transaction that was posted on L2, for blocks to hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForcedTransaction {
    /// Its place in the queue, from 0.
    pub index: u64,
    /// The transaction (EIP-2718 bytes).
    pub raw: Bytes,
    /// Who signed it.
    pub sender: Address,
    /// Who is called.
    pub to: Address,
    /// Its nonce.
    pub nonce: u64,
    /// Its gas limit.
    pub gas_limit: u64,
    /// Gas before it executes anything.
    pub intrinsic_gas: u64,
    /// No block with a higher base fee executes it, in wei.
    pub max_fee_per_gas: U256,
    /// What the sender must own, in wei.
    pub cost: U256,
}

/// What a state says of an account, with the nodes of the tries that show it (as `eth_getProof` gives them).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateProof {
    /// The account's nonce.
    pub nonce: u64,
    /// Its balance in wei.
    pub balance: U256,
    /// Hash of its code.
    pub code_hash: B256,
    /// From the state's root to the account, or to where it would be.
    pub account: Vec<Bytes>,
    /// For each slot that was asked for, from the account's storage root.
    pub slots: Vec<Vec<Bytes>>,
}

impl From<EIP1186AccountProofResponse> for StateProof {
    fn from(proof: EIP1186AccountProofResponse) -> Self {
        let slots = proof.storage_proof.into_iter();
        Self {
            nonce: proof.nonce,
            balance: proof.balance,
            code_hash: proof.code_hash,
            account: proof.account_proof,
            slots: slots.map(|slot| slot.proof).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy::sol_types::SolValue;

    use super::*;

    #[test]
    fn the_root_is_that_of_the_contracts() {
        let anchor = Anchor {
            l2_block: B256::repeat_byte(0xab),
            messages: 0x0102_0304_0506_0708,
            queue: FixedBytes::repeat_byte(0xcd),
        };
        let fields = (anchor.l2_block, U256::from(anchor.messages), anchor.queue);
        assert_eq!(anchor.root(), keccak256(fields.abi_encode()));
    }

    #[test]
    fn a_block_that_names_nothing_says_zero() {
        assert_eq!(Anchor::default().root(), B256::ZERO);
    }
}
