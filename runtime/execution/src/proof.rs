//! EIP-1186 account and storage proofs.

use alloy::primitives::{Address, B256, Bytes, keccak256};
use alloy::rpc::types::{EIP1186AccountProofResponse, EIP1186StorageProof};
use alloy::serde::JsonStorageKey;

use crate::error::StateError;
use crate::trie::walk;
use crate::view::StateView;

impl StateView {
    /// Proves an account and some of its slots under this root, as `eth_getProof` returns it. What is not
    /// there is proven absent.
    ///
    /// # Errors
    /// As [`StateView::account`].
    pub fn proof(
        &self,
        address: Address,
        slots: &[B256],
    ) -> Result<EIP1186AccountProofResponse, StateError> {
        let account = self.account(address)?.unwrap_or_default();
        let storage_proof = slots
            .iter()
            .map(|slot| {
                let value = self.slot(account.storage_root, (*slot).into())?;
                let proof = self.path(account.storage_root, keccak256(slot))?;
                Ok(EIP1186StorageProof {
                    key: JsonStorageKey::Hash(*slot),
                    value,
                    proof,
                })
            })
            .collect::<Result<_, StateError>>()?;
        Ok(EIP1186AccountProofResponse {
            address,
            balance: account.balance,
            code_hash: account.code_hash,
            nonce: account.nonce,
            storage_hash: account.storage_root,
            account_proof: self.path(self.root(), keccak256(address))?,
            storage_proof,
        })
    }

    fn path(&self, root: B256, key: B256) -> Result<Vec<Bytes>, StateError> {
        let mut path = Vec::new();
        walk(&**self.source(), root, key, |_, _, node| {
            path.push(node.clone())
        })?;
        Ok(path)
    }
}
