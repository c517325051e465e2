use alloy::primitives::{FixedBytes, TxHash};
use tern_messages::{
    BatchHeader, BlockNumber, L2Transaction, MAX_BLOCK_BYTES, MAX_TRANSACTION_SIZE,
};

use super::*;
use crate::forced::{ForcedEntry, taken};
use crate::posted::decode_commit;

const NOWHERE: L2Transaction = L2Transaction {
    hash: TxHash::ZERO,
    block: 0,
};

const ANCHOR: Anchor = Anchor {
    l2_block: B256::repeat_byte(9),
    messages: 3,
    queue: FixedBytes::repeat_byte(4),
};

fn block(parent: &Header, transactions: Vec<Bytes>) -> SealedBlock {
    let header = Header {
        parent_hash: parent.hash_slow(),
        number: parent.number + 1,
        timestamp: parent.timestamp + 2,
        base_fee_per_gas: Some(7),
        parent_beacon_block_root: Some(ANCHOR.root()),
        state_root: B256::repeat_byte(1),
        receipts_root: B256::repeat_byte(2),
        gas_used: 21_000,
        ..Header::default()
    };
    SealedBlock {
        hash: header.hash_slow(),
        header,
        anchor: ANCHOR,
        transactions,
        receipts: vec![],
    }
}

/// Bytes that cannot be compressed.
fn noise(seed: [usize; 2], len: usize) -> Bytes {
    let word = |index| keccak256(format!("{seed:?} {index}")).0;
    let words = (0..len.div_ceil(32)).map(word);
    let mut bytes: Vec<u8> = words.flatten().collect();
    bytes.truncate(len);
    bytes.into()
}

/// A batch after `parent` whose blocks hold transactions of these lengths.
fn batch(number: u64, parent: &Header, blocks: &[&[usize]]) -> Batch {
    let mut sealed: Vec<SealedBlock> = Vec::new();
    for lengths in blocks {
        let numbered = lengths.iter().enumerate();
        let transactions = numbered
            .map(|(index, &len)| noise([sealed.len(), index], len))
            .collect();
        let parent = sealed.last().map_or(parent, |block| &block.header);
        let next = block(parent, transactions);
        sealed.push(next);
    }
    let last = sealed.last().expect("a block");
    let header = BatchHeader {
        number: BatchNumber(number),
        first_block: BlockNumber(parent.number + 1),
        last_block: last.number(),
        last_block_hash: last.hash,
        state_root: last.header.state_root,
    };
    Batch {
        header,
        blocks: sealed,
    }
}

/// Most bytes that a block adds to the calldata of its batch.
fn posted_size(block: &SealedBlock) -> usize {
    posted_size_of(
        block
            .transactions
            .iter()
            .map(|transaction| transaction.len()),
    )
}

fn genesis() -> Header {
    Header {
        base_fee_per_gas: Some(8),
        ..Header::default()
    }
}

fn commit(batch: &Batch) -> Result<Call, PostingError> {
    commit_call(
        Address::ZERO,
        &PreviousBatch::genesis(&genesis()),
        batch,
        &[0; MAX_FORCED],
    )
}

fn statement() -> StatementData {
    StatementData {
        start_window: [0; 4],
        end_window: [1; 4],
        commitment: [2; 4],
        point: tern_messages::Point([3; 2]),
        evaluation: [4; 2],
    }
}

fn prove(batches: &[Batch], proof: &Proof) -> Result<Call, PostingError> {
    prove_with(batches, proof, InboxProof::default())
}

/// A proof, or one beside the signatures of watchers.
fn proof_of(len: usize) -> Proof {
    Proof {
        bytes: vec![1; len].into(),
    }
}

/// As deep in their tries as what a chain of a billion accounts and its inbox have.
fn deep() -> InboxProof {
    let nodes = |count| vec![Bytes::from(vec![7; 532]); count];
    InboxProof {
        account: nodes(12),
        slot: nodes(8),
    }
}

fn prove_with(
    batches: &[Batch],
    proof: &Proof,
    messages: InboxProof,
) -> Result<Call, PostingError> {
    let forced = vec![0; batches.len()];
    prove_call(
        Address::ZERO,
        batches,
        &forced,
        &statement(),
        proof,
        messages,
    )
}

#[test]
fn what_is_committed_is_what_is_read_back() {
    let batch = batch(1, &genesis(), &[&[1, 300, 70_000], &[100]]);
    let call = commit(&batch).unwrap();
    let posted = decode_commit(&call.data, NOWHERE).unwrap();
    assert_eq!(posted.number, BatchNumber(1));
    for (posted, block) in posted.blocks.iter().zip(&batch.blocks) {
        assert_eq!(posted.transactions, block.transactions);
        assert_eq!(posted.state_root, block.header.state_root);
    }
}

#[test]
fn what_is_committed_with_its_proof_is_what_is_read_back() {
    let call = commit(&batch(1, &genesis(), &[&[100, 300], &[100]])).unwrap();
    let both = both(Address::ZERO, &call, &call).unwrap();
    let posted = decode_commit(&call.data, NOWHERE);
    assert!(posted.is_some());
    assert_eq!(decode_commit(&both.data, NOWHERE), posted);
}

#[test]
fn the_largest_batch_that_is_committed_with_its_proof_fits() {
    let largest = usize::try_from(MAX_BYTES_WITH_PROOF).unwrap();
    let batch = batch(1, &genesis(), &[&[largest]]);
    let prove = prove_with(std::slice::from_ref(&batch), &proof_of(60_000), deep()).unwrap();
    assert!(both(Address::ZERO, &commit(&batch).unwrap(), &prove).is_ok());
}

#[test]
fn calldata_that_is_cut_or_garbled_is_not_a_batch() {
    let call = commit(&batch(1, &genesis(), &[&[100]])).unwrap();
    assert_eq!(
        decode_commit(&call.data[..call.data.len() - 32], NOWHERE),
        None
    );
    assert_eq!(decode_commit(b"", NOWHERE), None);
    // The length of the only transaction: behind the first run's kind.
    let mut garbled = call.data.to_vec();
    let length = garbled
        .windows(4)
        .rposition(|bytes| bytes == [31, 0, 0, 100])
        .unwrap();
    garbled[length + 3] = 101;
    assert_eq!(decode_commit(&garbled, NOWHERE), None);
}

#[test]
fn calldata_with_more_or_fewer_transactions_than_its_blocks_say_is_not_a_batch() {
    let call = commit(&batch(1, &genesis(), &[&[100, 100]])).unwrap();
    let with = |transactions| {
        let mut call = IRollup::commitBatchCall::abi_decode(&call.data).unwrap();
        call.blocks[0].transactions = transactions;
        decode_commit(&call.abi_encode(), NOWHERE)
    };
    assert!(with(2).is_some());
    assert_eq!(with(1), None);
    assert_eq!(with(3), None);
    assert_eq!(with(u64::MAX), None);
}

#[test]
fn posted_sizes_bound_the_calldata() {
    for blocks in [&[&[1_usize, 300][..]][..], &[&[100], &[29, 29], &[3_000]]] {
        let batch = batch(1, &genesis(), blocks);
        let posted: usize = batch.blocks.iter().map(posted_size).sum();
        let len = commit(&batch).unwrap().data.len();
        let bound = posted + MAX_CALLDATA - MAX_BATCH_BYTES;
        assert!(len <= bound && bound - len < 64, "{len}, at most {bound}");
    }
}

#[test]
fn what_repeats_is_posted_once() {
    let mut batch = batch(1, &genesis(), &[&[1_000], &[1_000]]);
    let len = |batch: &Batch| commit(batch).unwrap().data.len();
    let different = len(&batch);
    batch.blocks[1].transactions = batch.blocks[0].transactions.clone();
    assert!(len(&batch) + 900 < different);
}

#[test]
fn a_batch_of_the_largest_size_fits_and_a_larger_one_is_named() {
    let room = MAX_BATCH_BYTES - BLOCK_FRAME;
    let fits = room - room.div_ceil(33) - LENGTH_BYTES;
    let largest = batch(1, &genesis(), &[&[fits]]);
    assert!(posted_size(&largest.blocks[0]) <= MAX_BATCH_BYTES);
    assert!(posted_size(&largest.blocks[0]) > MAX_BATCH_BYTES - 3);
    assert!(commit(&largest).is_ok());
    let error = commit(&batch(1, &genesis(), &[&[fits + 64]])).unwrap_err();
    assert!(
        matches!(
            error,
            PostingError::TooLarge {
                max: MAX_CALLDATA,
                ..
            }
        ),
        "{error}"
    );
}

/// Otherwise the chain would stop at a block that no batch can hold.
#[test]
fn every_block_that_the_chain_may_seal_fits_a_batch() {
    let alone = posted_size_of([MAX_TRANSACTION_SIZE].into_iter());
    // The shortest signed transactions: two signature halves, and a byte or two for everything else.
    let short = usize::try_from(MAX_BLOCK_BYTES).unwrap() / 80;
    let many = posted_size_of(vec![80; short].into_iter());
    assert!(alone <= MAX_BATCH_BYTES, "{alone}");
    assert!(many <= MAX_BATCH_BYTES, "{many}");
    let largest = batch(1, &genesis(), &[&[MAX_TRANSACTION_SIZE]]);
    assert!(commit(&largest).is_ok());
}

#[test]
fn the_longest_range_fits_with_signatures_and_what_shows_the_messages() {
    let blocks = [&[100_usize][..]; MAX_RANGE_BLOCKS];
    let one = vec![batch(1, &genesis(), &blocks)];
    let mut each: Vec<Batch> = Vec::new();
    for number in 1..=MAX_RANGE_BLOCKS as u64 {
        let parent = each.last().map(|batch| batch.blocks[0].header.clone());
        each.push(batch(number, &parent.unwrap_or_else(genesis), &[&[100]]));
    }
    for batches in [one, each] {
        let call = |len| prove_with(&batches, &proof_of(len), deep());
        assert!(call(60_000).is_ok());
        let error = call(100_000).unwrap_err();
        assert!(matches!(error, PostingError::TooLarge { .. }), "{error}");
    }
}

#[test]
fn batches_that_do_not_follow_each_other_are_refused() {
    let wrong_number = commit(&batch(2, &genesis(), &[&[100]])).unwrap_err();
    assert!(matches!(
        wrong_number,
        PostingError::NotConsecutive {
            what: "its number",
            ..
        }
    ));
    let other = Header {
        timestamp: 5,
        ..genesis()
    };
    let wrong_parent = commit(&batch(1, &other, &[&[100]])).unwrap_err();
    assert!(matches!(wrong_parent, PostingError::NotConsecutive { .. }));

    let batches = [
        batch(1, &genesis(), &[&[100]]),
        batch(3, &genesis(), &[&[100]]),
    ];
    let proof = Proof {
        bytes: Bytes::new(),
    };
    let gap = prove(&batches, &proof).unwrap_err();
    assert!(matches!(gap, PostingError::NotConsecutive { .. }));
    let none = prove(&[], &proof).unwrap_err();
    assert_eq!(none, PostingError::RangeShape);
}

#[test]
fn batches_that_cannot_be_posted_are_refused() {
    let empty = Batch {
        blocks: vec![],
        ..batch(1, &genesis(), &[&[1]])
    };
    assert_eq!(
        commit(&empty),
        Err(PostingError::EmptyBatch {
            batch: BatchNumber(1)
        })
    );
    let error = commit(&batch(1, &genesis(), &[&[100, 0]])).unwrap_err();
    assert_eq!(error, PostingError::TransactionLength { block: 1, len: 0 });
    let error = commit(&batch(1, &genesis(), &[&[1 << 24]])).unwrap_err();
    assert_eq!(
        error,
        PostingError::TransactionLength {
            block: 1,
            len: 1 << 24
        }
    );
    let mut headless = batch(1, &genesis(), &[&[100]]);
    headless.blocks[0].header.parent_beacon_block_root = None;
    assert!(matches!(
        prove(&[headless], &proof_of(1)),
        Err(PostingError::MissingField { block: 1, .. })
    ));
}

#[test]
fn what_is_due_by_l2s_clock_is_passed_over_though_l3s_stands_still() {
    let batch = batch(1, &genesis(), &[&[100]]);
    let entry = ForcedEntry {
        transaction: B256::ZERO,
        discharged: false,
        posted: 10,
        max_fee_per_gas: 6,
    };
    let next = |earliest| taken(0, &[entry], 5, earliest, &batch).next;
    assert_eq!((next(14), next(15)), (0, 1));
}
