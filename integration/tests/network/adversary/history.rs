//! Batches told again, left out, or put in another order, after L2 has verified the first one.

use alloy::primitives::{B256, keccak256};
use alloy::sol_types::SolCall;
use tern_integration::harness::Replay;
use tern_settlement::IRollup;
use tern_settlement::PreviousBatch;

use super::lie::Lie;
use super::truth::Truth;

/// Lies to `commitBatch` and to `proveBatches`.
pub(crate) fn history_lies(
    truth: &Truth,
    commitment: &IRollup::commitBatchCall,
    proven: &IRollup::proveBatchesCall,
) -> [(Replay, Vec<Lie>); 2] {
    let now = |past: &Replay| Replay::now(truth.l2.clone(), past.sender, past.to);
    [
        (now(&truth.commit), commitments(truth, commitment, proven)),
        (now(&truth.prove), proofs(proven)),
    ]
}

fn commitments(
    truth: &Truth,
    commitment: &IRollup::commitBatchCall,
    proven: &IRollup::proveBatchesCall,
) -> Vec<Lie> {
    let lie = |what: &str, expected, change: &dyn Fn(&mut IRollup::commitBatchCall)| {
        let mut call = commitment.clone();
        change(&mut call);
        Lie {
            what: what.to_owned(),
            calldata: call.abi_encode().into(),
            expected,
        }
    };
    let first = &truth.headers.first;
    let genesis = PreviousBatch::genesis(&truth.headers.genesis).batch_hash();
    let after_first = IRollup::PreviousBatch {
        parentBatchHash: genesis,
        blocksDigest: keccak256(&proven.batches.blocks),
        tip: IRollup::BlockTip {
            blockHash: first.hash_slow(),
            stateRoot: first.state_root,
            beaconRoot: first.parent_beacon_block_root.unwrap_or_default(),
            number: first.number,
            timestamp: first.timestamp,
            baseFee: first.base_fee_per_gas.unwrap_or_default(),
            gasUsed: first.gas_used,
        },
        anchor: commitment.blocks[0].anchor.clone(),
        forced: 0,
    };
    let order: &[&str] = &["BatchOutOfOrder"];
    let mut blocks_twice = commitment.blocks.clone();
    blocks_twice.extend_from_slice(&commitment.blocks);
    vec![
        lie("a verified batch, again", order, &|_| ()),
        lie("genesis, again", order, &|call| call.number = 0),
        lie("a batch left out", order, &|call| call.number = 3),
        lie("a second history", &["PreviousBatchMismatch"], &|call| {
            call.number = 2;
        }),
        lie(
            "a history that was never committed",
            &["PreviousBatchMismatch"],
            &|call| {
                (call.number, call.previous) = (2, after_first.clone());
                call.previous.tip.stateRoot = B256::repeat_byte(9);
            },
        ),
        lie(
            "blocks, again",
            &["TimestampBeforeParent", "BlockHashMismatch"],
            &|call| {
                (call.number, call.previous) = (2, after_first.clone());
            },
        ),
        lie(
            "blocks whose time goes back",
            &["TimestampBeforeParent"],
            &|call| {
                (call.number, call.previous) = (2, after_first.clone());
                call.blocks.clone_from(&blocks_twice);
                call.blocks[0].timestamp += 1;
            },
        ),
    ]
}

fn proofs(proven: &IRollup::proveBatchesCall) -> Vec<Lie> {
    let order: &[&str] = &["RangeOutOfOrder"];
    let lie = |what: &str, from, to| {
        let mut call = proven.clone();
        (call.from, call.to) = (from, to);
        Lie {
            what: what.to_owned(),
            calldata: call.abi_encode().into(),
            expected: order,
        }
    };
    vec![
        lie("a proof, again", 1, 1),
        lie("a proof of what was not committed", 2, 2),
        lie("a proof from the start", 1, 2),
    ]
}
