//! An L3 chain without execution: headers and transactions that follow the contract's rules.

use std::time::Duration;

use alloy::consensus::Header;
use alloy::consensus::constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_WITHDRAWALS};
use alloy::eips::eip1559::BaseFeeParams;
use alloy::primitives::{Address, B256, Bloom, Bytes, keccak256};
use alloy_trie::root::ordered_trie_root_with_encoder;
use tern_messages::{
    Anchor, Batch, BatchHeader, BatchNumber, BlockNumber, ChainId, L2Anchor, SealedBlock,
};
use tern_settlement::{
    Deadlines, DeployedChain, Roles, RollupPlan, TransactionSender, deploy_bridge, deploy_rollup,
};

use crate::network::signer;

const DAY: u64 = 24 * 60 * 60;

pub(crate) const CHAIN_ID: ChainId = ChainId(4242);

/// A verifier that accepts everything: what proofs are worth is not this crate's subject.
const ACCEPTING_VERIFIER: &[u8] = &[
    0x60, 0x1c, 0x60, 0x0c, 0x60, 0x00, 0x39, 0x60, 0x1c, 0x60, 0x00,
    0xf3, // return the code behind
    0x60, 0x04, 0x36, 0x11, 0x60, 0x11, 0x57, // with arguments: go on behind the next line
    0x60, 0x20, 0x60, 0x00, 0x52, 0x60, 0x40, 0x60, 0x00, 0xf3, // return the empty text
    0x5b, 0x60, 0x01, 0x60, 0x00, 0x52, 0x60, 0x20, 0x60, 0x00, 0xf3, // return true
];

pub(crate) fn genesis(timestamp: u64) -> Header {
    Header {
        state_root: keccak256("genesis"),
        gas_limit: 30_000_000,
        beneficiary: Address::repeat_byte(0xfe),
        base_fee_per_gas: Some(1_000_000_000),
        timestamp,
        parent_beacon_block_root: Some(B256::ZERO),
        ..constants()
    }
}

fn constants() -> Header {
    Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        logs_bloom: Bloom::repeat_byte(0xff),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        ..Header::default()
    }
}

/// Deploys a verifier that accepts everything.
pub(crate) async fn accepting_verifier(sender: &TransactionSender) -> Address {
    let data = Bytes::from_static(ACCEPTING_VERIFIER);
    let call = tern_settlement::Call::create(data);
    let mined = sender.send("a verifier", &call).await.unwrap();
    mined.contract.unwrap()
}

/// Deploys a Rollup for `genesis` that account 0 operates, with this verifier.
pub(crate) async fn deploy(
    sender: &TransactionSender,
    genesis: &Header,
    verifier: Address,
) -> DeployedChain {
    let operator = signer(0).address();
    let plan = RollupPlan {
        chain_id: CHAIN_ID,
        genesis: genesis.clone(),
        beneficiary: genesis.beneficiary,
        window: [1, 2, 3, 4],
        roles: Roles {
            owner: operator,
            operator,
            guardian: operator,
        },
        verifier,
        delay: Duration::from_secs(8 * DAY),
        bridge: deploy_bridge(sender).await.unwrap(),
        deadlines: Deadlines {
            inclusion: Duration::from_secs(DAY),
            liveness: Duration::from_secs(7 * DAY),
            emergency: Duration::from_secs(7 * DAY),
        },
        disputes: None,
    };
    deploy_rollup(sender, &plan).await.unwrap()
}

/// A batch of `count` blocks after `parent` that name `anchor`, with something for transactions.
pub(crate) fn batch(
    number: u64,
    parent: &Header,
    anchor: L2Anchor,
    count: usize,
    seed: &str,
) -> Batch {
    let transactions = |block| {
        let bytes = |index| Bytes::from(keccak256(format!("{seed} {block} {index}")).repeat(4));
        (0..3).map(bytes).collect()
    };
    let blocks = (0..count).map(transactions).collect();
    batch_of(number, parent, anchor, blocks)
}

/// A batch of blocks with these transactions after `parent` that name `anchor`.
pub(crate) fn batch_of(
    number: u64,
    parent: &Header,
    anchor: L2Anchor,
    transactions: Vec<Vec<Bytes>>,
) -> Batch {
    let mut blocks: Vec<SealedBlock> = Vec::new();
    for transactions in transactions {
        let parent = blocks.last().map_or(parent, |block| &block.header);
        let block = block(parent, anchor, transactions);
        blocks.push(block);
    }
    let (first, last) = (blocks.first().unwrap(), blocks.last().unwrap());
    let header = BatchHeader {
        number: BatchNumber(number),
        first_block: BlockNumber(first.header.number),
        last_block: BlockNumber(last.header.number),
        last_block_hash: last.hash,
        state_root: last.header.state_root,
    };
    Batch { header, blocks }
}

fn block(parent: &Header, anchor: L2Anchor, transactions: Vec<Bytes>) -> SealedBlock {
    let transactions_root = ordered_trie_root_with_encoder(&transactions, |transaction, out| {
        out.extend_from_slice(transaction);
    });
    let parent_hash = parent.hash_slow();
    let named = Anchor {
        l2_block: anchor.hash,
        ..Anchor::default()
    };
    let header = Header {
        parent_hash,
        beneficiary: parent.beneficiary,
        state_root: keccak256([&transactions_root[..], b"state"].concat()),
        transactions_root,
        receipts_root: keccak256([&transactions_root[..], b"receipts"].concat()),
        number: parent.number + 1,
        gas_limit: parent.gas_limit,
        gas_used: 63_000,
        timestamp: anchor.timestamp.max(parent.timestamp),
        mix_hash: keccak256(parent_hash),
        base_fee_per_gas: parent.next_block_base_fee(BaseFeeParams::ethereum()),
        parent_beacon_block_root: Some(named.root()),
        ..constants()
    };
    SealedBlock {
        hash: header.hash_slow(),
        header,
        anchor: named,
        transactions,
        receipts: vec![],
    }
}
