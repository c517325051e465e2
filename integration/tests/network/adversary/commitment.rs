//! Lies to `commitBatch`.

use alloy::consensus::Header;
use alloy::primitives::{B256, U256};
use alloy::sol_types::SolCall;
use anyhow::{Context, Result};
use tern_settlement::IRollup;
use tern_settlement::compression::{compress, decompress};

use super::lie::{Lie, each_bit_of_number, each_byte};

/// Lies about one hash of a posted block.
fn hash_lies(
    truth: &IRollup::commitBatchCall,
    name: &str,
    expected: &'static [&'static str],
    field: impl Fn(&mut IRollup::commitBatchCall) -> &mut B256,
) -> Vec<Lie> {
    let honest = *field(&mut truth.clone());
    each_byte(honest.as_slice())
        .map(|(place, bytes)| {
            let mut lie = truth.clone();
            *field(&mut lie) = B256::from_slice(&bytes);
            Lie {
                what: format!("byte {place} of {name}"),
                calldata: lie.abi_encode().into(),
                expected,
            }
        })
        .collect()
}

fn number_lies(
    truth: &IRollup::commitBatchCall,
    name: &str,
    expected: &'static [&'static str],
    field: impl Fn(&mut IRollup::commitBatchCall) -> &mut u64,
) -> Vec<Lie> {
    each_bit_of_number(*field(&mut truth.clone()))
        .map(|(byte, number)| {
            let mut lie = truth.clone();
            *field(&mut lie) = number;
            Lie {
                what: format!("byte {byte} of {name}"),
                calldata: lie.abi_encode().into(),
                expected,
            }
        })
        .collect()
}

const HEADER: &[&str] = &["BlockHashMismatch"];
const PREVIOUS: &[&str] = &["PreviousBatchMismatch"];

/// Everything that `commitBatch` is told.
pub(crate) fn commitment_lies(truth: &IRollup::commitBatchCall) -> Result<Vec<Lie>> {
    let mut lies = hash_lies(truth, "the state root", HEADER, |call| {
        &mut call.blocks[0].stateRoot
    });
    lies.extend(hash_lies(truth, "the receipts root", HEADER, |call| {
        &mut call.blocks[0].receiptsRoot
    }));
    lies.extend(hash_lies(
        truth,
        "the L2 block",
        &["UnknownL2Block"],
        |call| &mut call.blocks[0].anchor.blockHash,
    ));
    let messages = &["UnknownMessages", "FewerMessages", "UnknownL2Block"];
    lies.extend(number_lies(truth, "the messages", messages, |call| {
        &mut call.blocks[0].anchor.messages
    }));
    lies.extend(hash_lies(
        truth,
        "the parent's L2 block",
        &["OtherAnchor"],
        |call| &mut call.previous.anchor.blockHash,
    ));
    lies.extend(number_lies(
        truth,
        "the parent's messages",
        &["OtherAnchor", "FewerMessages"],
        |call| &mut call.previous.anchor.messages,
    ));
    lies.extend(number_lies(
        truth,
        "the parent's forced transactions",
        PREVIOUS,
        |call| &mut call.previous.forced,
    ));
    lies.extend(hash_lies(truth, "the block hash", HEADER, |call| {
        &mut call.lastBlockHash
    }));
    lies.extend(hash_lies(truth, "the previous batch", PREVIOUS, |call| {
        &mut call.previous.parentBatchHash
    }));
    lies.extend(hash_lies(truth, "the previous blocks", PREVIOUS, |call| {
        &mut call.previous.blocksDigest
    }));
    lies.extend(hash_lies(truth, "the parent's hash", PREVIOUS, |call| {
        &mut call.previous.tip.blockHash
    }));
    lies.extend(hash_lies(
        truth,
        "the parent's state root",
        PREVIOUS,
        |call| &mut call.previous.tip.stateRoot,
    ));
    lies.extend(hash_lies(
        truth,
        "the parent's beacon root",
        PREVIOUS,
        |call| &mut call.previous.tip.beaconRoot,
    ));
    let time = &[
        "BlockHashMismatch",
        "TimestampAhead",
        "TimestampBeforeParent",
        "TimestampBeforeAnchor",
        "AnchorTooOld",
    ];
    lies.extend(number_lies(truth, "the timestamp", time, |call| {
        &mut call.blocks[0].timestamp
    }));
    let gas = &["BlockHashMismatch", "GasUsedAboveLimit"];
    lies.extend(number_lies(truth, "the gas used", gas, |call| {
        &mut call.blocks[0].gasUsed
    }));
    lies.extend(number_lies(
        truth,
        "the parent's number",
        PREVIOUS,
        |call| &mut call.previous.tip.number,
    ));
    lies.extend(number_lies(truth, "the parent's time", PREVIOUS, |call| {
        &mut call.previous.tip.timestamp
    }));
    lies.extend(number_lies(
        truth,
        "the parent's base fee",
        PREVIOUS,
        |call| &mut call.previous.tip.baseFee,
    ));
    lies.extend(number_lies(
        truth,
        "the parent's gas used",
        PREVIOUS,
        |call| &mut call.previous.tip.gasUsed,
    ));
    lies.extend(number_lies(
        truth,
        "the batch number",
        &["BatchOutOfOrder"],
        |call| &mut call.number,
    ));
    lies.extend(transaction_lies(truth)?);
    Ok(lies)
}

/// Headers that an operator may have made, of which it posts the hash: what is not posted is the contract's to say.
pub(crate) fn header_lies(truth: &IRollup::commitBatchCall, first: &Header) -> Vec<Lie> {
    let lie = |what: &str, change: fn(&mut Header)| {
        let (mut header, mut call) = (first.clone(), truth.clone());
        change(&mut header);
        call.lastBlockHash = header.hash_slow();
        Lie {
            what: format!("a block with another {what}"),
            calldata: call.abi_encode().into(),
            expected: HEADER,
        }
    };
    vec![
        lie("parent", |header| header.parent_hash.0[7] ^= 1),
        lie("ommers", |header| header.ommers_hash.0[7] ^= 1),
        lie("fee recipient", |header| header.beneficiary.0[7] ^= 1),
        lie("bloom", |header| header.logs_bloom.0[7] ^= 1),
        lie("difficulty", |header| header.difficulty += U256::ONE),
        lie("number", |header| header.number += 1),
        lie("gas limit", |header| header.gas_limit += 1),
        lie("extra data", |header| header.extra_data = vec![1].into()),
        lie("random value", |header| header.mix_hash.0[7] ^= 1),
        lie("nonce", |header| header.nonce.0[7] ^= 1),
        lie("base fee", |header| {
            header.base_fee_per_gas = header.base_fee_per_gas.map(|fee| fee - 1);
        }),
        lie("withdrawals root", |header| {
            header.withdrawals_root = Some(B256::repeat_byte(7));
        }),
        lie("blob gas", |header| header.blob_gas_used = Some(131_072)),
        lie("excess blob gas", |header| {
            header.excess_blob_gas = Some(131_072);
        }),
    ]
}

/// The posted transactions: each byte, compressed and not, then whole transactions.
fn transaction_lies(truth: &IRollup::commitBatchCall) -> Result<Vec<Lie>> {
    let stream = decompress(&truth.transactions).context("the truth can be decompressed")?;
    let count = truth.blocks[0].transactions;
    let lie = |what: String, count: u64, posted: Vec<u8>, expected| {
        let mut lie = truth.clone();
        lie.blocks[0].transactions = count;
        lie.transactions = posted.into();
        Lie {
            what,
            calldata: lie.abi_encode().into(),
            expected,
        }
    };
    let bytes: &[&str] = &["BlockHashMismatch", "MalformedTransactions"];
    let mut lies: Vec<Lie> = each_byte(&stream)
        .map(|(place, changed)| {
            let what = format!("byte {place} of the transactions");
            lie(what, count, compress(&changed), bytes)
        })
        .collect();
    let bytes: &[&str] = &[
        "BlockHashMismatch",
        "MalformedTransactions",
        "MalformedCompression",
    ];
    for (place, changed) in each_byte(&truth.transactions) {
        // A match at another distance may find the same bytes, and then nothing is changed.
        if decompress(&changed).as_ref() != Some(&stream) {
            let what = format!("byte {place} of the compressed transactions");
            lies.push(lie(what, count, changed, bytes));
        }
    }
    let (first, second) =
        stream.split_at(3 + usize::from(stream[2]) + 256 * usize::from(stream[1]));
    let mut whole = |what: &str, count: u64, stream: &[u8], expected| {
        lies.push(lie(what.into(), count, compress(stream), expected));
    };
    whole("a transaction left out", count - 1, second, HEADER);
    whole(
        "a transaction repeated",
        count + 1,
        &[first, &stream].concat(),
        HEADER,
    );
    whole(
        "transactions in another order",
        count,
        &[second, first].concat(),
        HEADER,
    );
    whole("no transactions", 0, &[], &["EmptyBlock"]);
    let malformed: &[&str] = &["MalformedTransactions"];
    whole("a transaction too few", count, second, malformed);
    whole("a transaction too many", count - 1, &stream, malformed);
    whole(
        "an empty transaction",
        count + 1,
        &[&stream, &[0, 0, 0][..]].concat(),
        malformed,
    );
    let mut empty = truth.clone();
    empty.blocks.clear();
    lies.push(Lie {
        what: "a batch without blocks".into(),
        calldata: empty.abi_encode().into(),
        expected: &["EmptyBatch"],
    });
    let mut twice = truth.clone();
    twice.blocks.push(truth.blocks[0].clone());
    let expected = &["TimestampBeforeParent", "MalformedTransactions"];
    lies.push(Lie {
        what: "a block repeated".into(),
        calldata: twice.abi_encode().into(),
        expected,
    });
    Ok(lies)
}
