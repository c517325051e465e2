//! Transient storage: the machine agrees with the EVM, which ran the block.

use std::sync::Arc;

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256, hex, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use tern_execution::{
    BatchLimits, BlockAttributes, BlockBuilder, ChainRules, GenesisAccount, GenesisState,
    HashWindow, MemoryNodes, replay,
};
use tern_messages::{ChainId, Gas};

use crate::Profile;
use crate::simulate::simulate;

/// TSTORE(own address, 7), TSTORE(5, 0x22), TSTORE(7, 0xaa), SSTORE(0, TLOAD(5)): a search that steps into the middle of an
/// entry takes the key that is an address for an entry's owner.
const INIT_CODE: [u8; 21] = hex!("6007305d602260055d60aa60075d60055c60005500");

#[test]
fn a_key_that_is_an_address_does_not_hide_another_slot() {
    let chain = ChainId(33_050);
    let gas = Gas(10_000_000);
    let signer = PrivateKeySigner::from_bytes(&keccak256("rich")).unwrap();
    let mut genesis = GenesisState::default();
    let rich = GenesisAccount {
        balance: U256::from(10).pow(U256::from(24)),
        ..GenesisAccount::default()
    };
    genesis.accounts.insert(signer.address(), rich);
    let rules = ChainRules::provable(chain);
    let genesis = genesis
        .with_beacon_roots()
        .block(&rules, 1_000, gas, 7)
        .unwrap();
    let nodes = Arc::new(MemoryNodes::new());
    nodes.extend(&genesis.nodes, &genesis.codes);
    let hashes = HashWindow::new([genesis.block.hash]);
    let parent = genesis.block.header;
    let attributes = BlockAttributes {
        timestamp: 1_002,
        beneficiary: Address::repeat_byte(0xbe),
        gas_limit: gas,
        parent_beacon_block_root: B256::ZERO,
    };
    let mut builder =
        BlockBuilder::new(nodes.clone(), rules, &parent, hashes.clone(), attributes).unwrap();
    let body = TxEip1559 {
        chain_id: chain.0,
        gas_limit: 200_000,
        max_fee_per_gas: 1_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Create,
        input: Bytes::from_static(&INIT_CODE),
        ..TxEip1559::default()
    };
    let signature = signer.sign_hash_sync(&body.signature_hash()).unwrap();
    let raw = TxEnvelope::from(body.into_signed(signature)).encoded_2718();
    let executed = builder.execute(raw.into()).unwrap();
    assert!(executed.outcome.is_success());
    let sealed = builder.seal().unwrap();
    let limits = BatchLimits {
        transactions: 1,
        gas: u64::MAX,
        cycles: u64::MAX,
    };
    let replayed = replay(nodes, rules, &parent, &hashes, &sealed.block, limits).unwrap();
    let result = simulate(&replayed.witness.batches[0], Profile::InsecureTest);
    assert!(result.is_ok(), "{result:?}");
}
