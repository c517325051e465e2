//! Writes blocks of signed transactions: keeps nonces, fills in fees.

use std::collections::HashMap;

use alloy::consensus::{
    SignableTransaction, Signed, TxEip1559, TxEip2930, TxEnvelope, TxLegacy, TypedTransaction,
};
use alloy::eips::eip2718::Encodable2718;
use alloy::eips::eip2930::{AccessList, AccessListItem};
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;

use super::{Block, CHAIN, Transaction};

/// How many accounts there are to send from.
pub(super) const SENDERS: u8 = 5;

const GWEI: u128 = 1_000_000_000;
/// Fee cap; far above any base fee of the corpus.
const MAX_FEE: u128 = 100 * GWEI;

/// The key of a sender.
pub fn signer(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(index + 1)).expect("a key")
}

/// A transaction to be sent.
#[derive(Clone, Debug)]
pub struct Send {
    from: u8,
    to: TxKind,
    value: u64,
    data: Bytes,
    gas: u64,
    form: Form,
    succeeds: bool,
}

#[derive(Clone, Debug)]
enum Form {
    Legacy,
    Eip2930(AccessList),
    Eip1559(AccessList),
}

impl Send {
    fn new(to: TxKind) -> Self {
        Self {
            from: 0,
            to,
            value: 0,
            data: Bytes::new(),
            gas: 500_000,
            form: Form::Eip1559(AccessList::default()),
            succeeds: true,
        }
    }

    /// A call of an address: type 2, half a million gas, from the first sender.
    pub fn to(address: Address) -> Self {
        Self::new(TxKind::Call(address))
    }

    /// A creation with init code.
    pub fn create(code: Bytes) -> Self {
        Self::new(TxKind::Create).data(code)
    }

    /// From another sender.
    #[must_use]
    pub fn from(self, from: u8) -> Self {
        Self { from, ..self }
    }

    /// With wei.
    #[must_use]
    pub fn value(self, value: u64) -> Self {
        Self { value, ..self }
    }

    /// With data.
    #[must_use]
    pub fn data(self, data: impl Into<Bytes>) -> Self {
        let data = data.into();
        Self { data, ..self }
    }

    /// With words as data.
    #[must_use]
    pub fn words<const N: usize>(self, words: [U256; N]) -> Self {
        self.data(words.map(|word| word.to_be_bytes::<32>()).concat())
    }

    /// With another gas limit.
    #[must_use]
    pub fn gas(self, gas: u64) -> Self {
        Self { gas, ..self }
    }

    /// As a legacy transaction (EIP-155).
    #[must_use]
    pub fn legacy(self) -> Self {
        let form = Form::Legacy;
        Self { form, ..self }
    }

    /// As an EIP-2930 transaction whose access list names slots of an address.
    #[must_use]
    pub fn eip2930(self, address: Address, slots: &[u64]) -> Self {
        let form = Form::Eip2930(access_list(address, slots));
        Self { form, ..self }
    }

    /// With an access list that names slots of an address.
    #[must_use]
    pub fn access_list(self, address: Address, slots: &[u64]) -> Self {
        let form = Form::Eip1559(access_list(address, slots));
        Self { form, ..self }
    }

    /// Execution is to fail (the transaction is valid all the same).
    #[must_use]
    pub fn fails(self) -> Self {
        Self {
            succeeds: false,
            ..self
        }
    }

    /// The signed transaction with a nonce.
    pub fn sign(&self, nonce: u64) -> Bytes {
        let Self { to, gas, .. } = *self;
        let (value, input) = (U256::from(self.value), self.data.clone());
        let chain_id = CHAIN.0;
        let transaction = match &self.form {
            Form::Legacy => TypedTransaction::Legacy(TxLegacy {
                chain_id: Some(chain_id),
                nonce,
                gas_price: 20 * GWEI,
                gas_limit: gas,
                to,
                value,
                input,
            }),
            Form::Eip2930(access_list) => TypedTransaction::Eip2930(TxEip2930 {
                chain_id,
                nonce,
                gas_price: 20 * GWEI,
                gas_limit: gas,
                to,
                value,
                input,
                access_list: access_list.clone(),
            }),
            Form::Eip1559(access_list) => TypedTransaction::Eip1559(TxEip1559 {
                chain_id,
                nonce,
                max_fee_per_gas: MAX_FEE,
                max_priority_fee_per_gas: GWEI,
                gas_limit: gas,
                to,
                value,
                input,
                access_list: access_list.clone(),
            }),
        };
        let hash = transaction.signature_hash();
        let signature = signer(self.from)
            .sign_hash_sync(&hash)
            .expect("a local key signs");
        let signed: Signed<TypedTransaction> = transaction.into_signed(signature);
        TxEnvelope::from(signed).encoded_2718().into()
    }
}

fn access_list(address: Address, slots: &[u64]) -> AccessList {
    let storage_keys = slots.iter().map(|slot| U256::from(*slot).into()).collect();
    AccessList(vec![AccessListItem {
        address,
        storage_keys,
    }])
}

/// Blocks being written.
#[derive(Debug, Default)]
pub(super) struct Script {
    nonces: HashMap<u8, u64>,
    blocks: Vec<Block>,
}

impl Script {
    /// Begins a block.
    pub(super) fn block(&mut self, name: &'static str) -> &mut Self {
        self.blocks.push(Block {
            name,
            transactions: Vec::new(),
        });
        self
    }

    /// Adds a transaction to the block.
    pub(super) fn send(&mut self, send: Send) -> &mut Self {
        let nonce = self.nonces.entry(send.from).or_default();
        let transaction = Transaction {
            raw: send.sign(*nonce),
            succeeds: send.succeeds,
        };
        *nonce += 1;
        let block = self.blocks.last_mut().expect("a block was begun");
        block.transactions.push(transaction);
        self
    }

    /// The address of the contract that the sender's next transaction would create.
    pub(super) fn next_creation(&self, from: u8) -> Address {
        let nonce = self.nonces.get(&from).copied().unwrap_or_default();
        signer(from).address().create(nonce)
    }

    /// The blocks.
    pub(super) fn finish(self) -> Vec<Block> {
        self.blocks
    }
}
