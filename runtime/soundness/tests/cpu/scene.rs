//! A block with one call of a contract.

use std::sync::Arc;

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::network::TxSignerSync;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy::signers::local::PrivateKeySigner;
use tern_execution::{
    BatchLimits, BlockAttributes, BlockBuilder, ChainRules, GenesisAccount, GenesisState,
    HashWindow, MemoryNodes, replay,
};
use tern_messages::{Anchor, ChainId, Gas, TransactionBatch};

const CHAIN: ChainId = ChainId(33_050);
const CONTRACT: Address = Address::repeat_byte(0xc0);
const GAS_LIMIT: Gas = Gas(30_000_000);
const BASE_FEE: u64 = 1_000_000_000;

fn call(signer: &PrivateKeySigner) -> Bytes {
    let mut transaction = TxEip1559 {
        chain_id: CHAIN.0,
        gas_limit: 1_000_000,
        max_fee_per_gas: u128::from(2 * BASE_FEE),
        to: TxKind::Call(CONTRACT),
        ..TxEip1559::default()
    };
    let signature = signer.sign_transaction_sync(&mut transaction).unwrap();
    let transaction = TxEnvelope::from(transaction.into_signed(signature));
    transaction.encoded_2718().into()
}

/// What is proven of the block, in which a contract with this code is called.
pub(crate) fn batch(program: &[u8]) -> TransactionBatch {
    let signer = PrivateKeySigner::from_bytes(&keccak256("rich")).unwrap();
    let rich = GenesisAccount {
        balance: U256::from(10u128.pow(24)),
        ..GenesisAccount::default()
    };
    let contract = GenesisAccount {
        nonce: 1,
        code: program.to_vec().into(),
        ..GenesisAccount::default()
    };
    let accounts = [(signer.address(), rich), (CONTRACT, contract)].into();
    let genesis = GenesisState { accounts }.with_beacon_roots();

    let rules = ChainRules::provable(CHAIN);
    let genesis = genesis.block(&rules, 1_000, GAS_LIMIT, BASE_FEE).unwrap();
    let nodes = Arc::new(MemoryNodes::new());
    nodes.extend(&genesis.nodes, &genesis.codes);
    let parent = genesis.block.header;
    let hashes = HashWindow::new([genesis.block.hash]);
    let attributes = BlockAttributes {
        timestamp: parent.timestamp + 2,
        beneficiary: Address::repeat_byte(0xbe),
        gas_limit: GAS_LIMIT,
        anchor: Anchor {
            l2_block: B256::repeat_byte(1),
            ..Anchor::default()
        },
    };
    let block = BlockBuilder::new(nodes.clone(), rules, &parent, hashes.clone(), attributes);
    let mut block = block.unwrap();
    block.execute(call(&signer)).unwrap();
    let block = block.seal().unwrap().block;
    let limits = BatchLimits {
        transactions: 1,
        gas: u64::MAX,
        cycles: u64::MAX,
    };
    let replayed = replay(nodes, rules, &parent, &hashes, &block, limits).unwrap();
    replayed.witness.batches.into_iter().next().unwrap()
}
