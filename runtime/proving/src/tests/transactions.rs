//! What the machine's kernel must not execute: transactions that are invalid, not in canonical form, or longer than what
//! the transactions root binds. Each comes with the outcome that a kernel that executes it arrives at.

use alloy::consensus::{Receipt, ReceiptEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{Address, B256, Bytes, Log, U256, keccak256};
use alloy::rlp::Encodable;
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use evm_arithmetization::{Field, SegmentDataIterator};
use mpt_trie::nibbles::Nibbles;
use mpt_trie::partial_trie::{HashedPartialTrie, PartialTrie};
use tern_messages::TransactionBatch;

use super::fixture::{BASE_FEE, CHAIN_ID, Chain, TIP, TRANSFER_GAS, rlp_list};
use crate::inputs::generation_inputs;
use crate::machine::catch_panic;

/// A type 2 transaction, with every field as wide as RLP writes it: by default the fixture's first transfer.
#[derive(Clone)]
struct Fields {
    chain: u64,
    nonce: Vec<u8>,
    tip: U256,
    max_fee: U256,
    gas: u64,
    to: Vec<u8>,
    value: U256,
}

fn fields() -> Fields {
    Fields {
        chain: CHAIN_ID,
        nonce: vec![0x80],
        tip: U256::from(TIP),
        max_fee: U256::from(2 * BASE_FEE),
        gas: TRANSFER_GAS,
        to: alloy::rlp::encode(Address::from_word(keccak256(0u64.to_be_bytes()))),
        value: U256::from(1_000_000),
    }
}

/// The EIP-1559 envelope of encoded fields.
fn envelope(payload: &[u8]) -> Vec<u8> {
    [&[2], &rlp_list(payload)[..]].concat()
}

impl Fields {
    fn signed(&self) -> Bytes {
        let mut payload = Vec::new();
        self.chain.encode(&mut payload);
        payload.extend(&self.nonce);
        self.tip.encode(&mut payload);
        self.max_fee.encode(&mut payload);
        self.gas.encode(&mut payload);
        payload.extend(&self.to);
        self.value.encode(&mut payload);
        payload.extend([0x80, 0xc0]);
        let signer = PrivateKeySigner::from_bytes(&keccak256("rich")).unwrap();
        let signature = signer
            .sign_hash_sync(&keccak256(envelope(&payload)))
            .unwrap();
        signature.v().encode(&mut payload);
        signature.r().encode(&mut payload);
        signature.s().encode(&mut payload);
        envelope(&payload).into()
    }
}

/// The batch of the fixture's first transfer, and the chain after it.
fn transfer() -> (TransactionBatch, Chain) {
    let mut chain = Chain::new();
    (chain.block(&[1]).batches.remove(0), chain)
}

/// Runs a batch of one transaction with other bytes than its own: do they lead to its outcome?
fn accepted(batch: &TransactionBatch, raw: &Bytes) -> bool {
    let mut inputs = generation_inputs(batch).unwrap();
    let mut trie = HashedPartialTrie::default();
    let key = Nibbles::from_bytes_be(&rlp::encode(&0usize)).unwrap();
    trie.insert(key, raw.to_vec()).unwrap();
    inputs.trie_roots_after.transactions_root = trie.hash();
    inputs.signed_txns = vec![raw.to_vec()];
    catch_panic(|| {
        let mut run = SegmentDataIterator::<Field>::new(&inputs, None);
        run.all(|segment| segment.is_ok())
    })
    .unwrap_or(false)
}

/// A batch in which the transaction fails and changes nothing, not even a nonce.
fn without_effect() -> TransactionBatch {
    let (mut batch, _) = transfer();
    batch.state_root_after = Chain::new().block(&[0]).batches[0].state_root_after;
    batch.gas_used_after = 0;
    let receipt = Receipt {
        status: false.into(),
        cumulative_gas_used: 0,
        logs: Vec::<Log>::new(),
    };
    batch.receipts = vec![
        ReceiptEnvelope::Eip1559(receipt.with_bloom())
            .encoded_2718()
            .into(),
    ];
    batch
}

#[test]
fn the_transfer_itself_is_executed() {
    let (batch, _) = transfer();
    assert_eq!(fields().signed(), batch.transactions[0]);
    assert!(accepted(&batch, &batch.transactions[0]));
}

#[test]
fn an_invalid_transaction_is_not_proven_to_do_nothing() {
    let batch = without_effect();
    type Change = fn(&mut Fields);
    let changes: [(&str, Change); 5] = [
        ("another nonce", |fields| fields.nonce = vec![7]),
        ("more than it has", |fields| {
            fields.value = U256::from(10).pow(U256::from(25))
        }),
        ("another chain", |fields| fields.chain += 1),
        ("less than the base fee", |fields| {
            (fields.max_fee, fields.tip) = (U256::from(BASE_FEE - 1), U256::ZERO)
        }),
        ("a tip above the fee", |fields| {
            fields.tip = fields.max_fee + U256::ONE
        }),
    ];
    for (what, change) in changes {
        let mut fields = fields();
        change(&mut fields);
        assert!(!accepted(&batch, &fields.signed()), "{what}");
    }
}

#[test]
fn a_fee_that_overflows_mints_nothing() {
    let (mut batch, chain) = transfer();
    let mut fields = fields();
    fields.gas = 2 * TRANSFER_GAS;
    // The least fee whose product with the gas limit does not fit 256 bits: 10,064 wei are left of it.
    let fee = U256::MAX / U256::from(fields.gas) + U256::ONE;
    (fields.tip, fields.max_fee) = (fee, fee);
    let used = U256::from(TRANSFER_GAS);
    let rich = U256::from(10).pow(U256::from(24))
        - fields.value
        - U256::from(fields.gas).wrapping_mul(fee)
        + used * fee;
    assert!(rich > U256::ONE << 254);
    batch.state_root_after = chain.root_with(rich, used * (fee - U256::from(BASE_FEE)));
    assert!(!accepted(&batch, &fields.signed()));
}

#[test]
fn who_cannot_pay_the_highest_fee_does_not_run_at_the_effective_one() {
    let (batch, _) = transfer();
    let mut dear = fields();
    dear.max_fee = U256::from(10).pow(U256::from(24));
    assert!(!accepted(&batch, &dear.signed()));
}

#[test]
fn bytes_behind_a_transaction_are_no_part_of_it() {
    let (batch, _) = transfer();
    let raw = &batch.transactions[0];
    for tail in [&[0][..], &[1; 40]] {
        let longer = [raw, tail].concat().into();
        assert!(!accepted(&batch, &longer), "{} more", tail.len());
    }
    let shorter = raw.slice(..raw.len() - 1);
    assert!(!accepted(&batch, &shorter), "the last byte is missing");
}

#[test]
fn only_canonical_rlp_is_read() {
    let (batch, _) = transfer();
    let address: B256 = keccak256(0u64.to_be_bytes());
    type Bytes = Vec<u8>;
    let changes: [(&str, Bytes, Option<Bytes>); 4] = [
        ("zero as a byte", vec![0], None),
        ("a long string of one byte", vec![0x81, 0], None),
        ("a length of length", vec![0xb8, 1, 0], None),
        (
            "an address of 32 bytes",
            vec![0x80],
            Some(alloy::rlp::encode(address)),
        ),
    ];
    for (what, nonce, to) in changes {
        let mut fields = fields();
        fields.nonce = nonce;
        fields.to = to.unwrap_or(fields.to);
        assert!(!accepted(&batch, &fields.signed()), "{what}");
    }
}
