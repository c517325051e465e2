//! Lies are refused: of a batch that was really committed and verified, the operator's own calls are made again with
//! one thing changed, and each must revert; native verification must refuse the same proofs.

use std::ops::Range;
use std::time::Duration;

use alloy::consensus::Header;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::{Provider, ProviderBuilder};
use alloy::sol;
use alloy::sol_types::{SolCall, SolEvent, SolInterface};
use anyhow::{Context, Result, bail, ensure};
use tern_execution::HashWindow;
use tern_integration::harness::{Anvil, Devnet, Options, Replay, User};
use tern_messages::ChainId;
use tern_proving::onchain::{PROOF_LEN, Statement, VerifierKey, WrapCircuit, verify_native};
use tern_proving::{BatchStatement, JobVerifier, Profile};
use tern_settlement::Foundations::FoundationsErrors;
use tern_settlement::IRollup::{self, IRollupErrors as Refusal};

const SETTLED: Duration = Duration::from_secs(420);
const SOMEBODY: Address = Address::repeat_byte(0x52);
/// Calls under way at a time.
const CALLS: usize = 4;
/// A prime: between sampled bytes of the proof, so that every place within elements and digests is met.
const STRIDE: usize = 139;

sol! {
    interface Verifier {
        function verify(bytes calldata proof, uint64[4] calldata statement) external view returns (bool);
    }
}

/// How a call was refused.
#[derive(Debug)]
enum Refused {
    Rollup(Refusal),
    Foundation(FoundationsErrors),
}

/// A batch that L2 has verified, and how it came there.
struct Truth {
    _anvil: Anvil,
    commit: Replay,
    prove: Replay,
    verifier: Address,
    statement: Statement,
}

impl Truth {
    async fn establish() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let anvil = Anvil::start(&["--block-time", "1"])?;
        let options = Options::quick()
            .on(anvil.url())
            .with("TERN_SEALING__MIN_INTERVAL", "3s");
        let devnet = Devnet::start(directory.path(), &options).await?;
        let user = devnet.user(1).await?;
        let mut last = 0;
        for value in 1..=3 {
            let receipt = user.transfer(SOMEBODY, U256::from(value)).await?;
            last = receipt
                .block_number
                .context("a receipt has a block number")?;
        }
        ensure!(last == 1, "three transfers in a row are in one block");
        let settled = devnet.settled()?;
        let outcome = settled.verifies_block(last, SETTLED).await;
        outcome.map_err(|error| error.context(devnet.log().unwrap_or_default()))?;
        let deployment = devnet.deployment().clone();
        let l2 = ProviderBuilder::new()
            .connect_http(anvil.url().parse()?)
            .erased();
        let (committed, verified) = (
            IRollup::BatchCommitted::SIGNATURE_HASH,
            IRollup::BatchVerified::SIGNATURE_HASH,
        );
        let truth = Self {
            commit: Replay::of(l2.clone(), deployment.rollup, committed, 1).await?,
            prove: Replay::of(l2, deployment.rollup, verified, 1).await?,
            verifier: deployment.verifier,
            statement: statement(&user, deployment.l3_chain_id).await?,
            _anvil: anvil,
        };
        ensure!(devnet.stop().await?.success());
        Ok(truth)
    }

    fn commitment(&self) -> Result<IRollup::commitBatchCall> {
        Ok(IRollup::commitBatchCall::abi_decode(&self.commit.calldata)?)
    }

    fn proof(&self) -> Result<IRollup::proveBatchesCall> {
        Ok(IRollup::proveBatchesCall::abi_decode(&self.prove.calldata)?)
    }
}

/// What block 1 states, from its header alone.
async fn statement(user: &User, chain_id: u64) -> Result<Statement> {
    let header = |number: u64| async move {
        let block = user.provider().get_block_by_number(number.into()).await?;
        let header: Header = block.context("L3 has the block")?.header.inner;
        anyhow::Ok(header)
    };
    let (genesis, first) = (header(0).await?, header(1).await?);
    let window = HashWindow::new([genesis.hash_slow()]).to_vec();
    let stated = BatchStatement::new(ChainId(chain_id), genesis.state_root, window, vec![first])?;
    Ok(stated.digest())
}

/// A changed call, and the names of the errors of which it must meet one.
struct Lie {
    what: String,
    calldata: Bytes,
    expected: &'static [&'static str],
}

/// Makes every call, some at a time; returns how each was refused.
async fn all_refused(replay: &Replay, lies: Vec<Lie>) -> Result<Vec<Refused>> {
    let mut refused = Vec::with_capacity(lies.len());
    let mut lies = lies.into_iter();
    loop {
        let group: Vec<Lie> = lies.by_ref().take(CALLS).collect();
        if group.is_empty() {
            return Ok(refused);
        }
        let calls: Vec<_> = group
            .iter()
            .map(|lie| {
                let (replay, calldata) = (replay.clone(), lie.calldata.clone());
                tokio::spawn(async move { replay.call(calldata).await })
            })
            .collect();
        for (lie, call) in group.iter().zip(calls) {
            match call.await?? {
                Ok(_) => bail!("the contract believes {}", lie.what),
                Err(data) => refused.push(named(&data, lie)?),
            }
        }
    }
}

fn named(data: &Bytes, lie: &Lie) -> Result<Refused> {
    let refused = match (
        Refusal::abi_decode(data),
        FoundationsErrors::abi_decode(data),
    ) {
        (Ok(error), _) => Refused::Rollup(error),
        (_, Ok(error)) => Refused::Foundation(error),
        _ => bail!("{} reverts without a known error: {data}", lie.what),
    };
    let text = format!("{refused:?}");
    let met = lie
        .expected
        .iter()
        .any(|name| text.contains(&format!("({name}(")));
    ensure!(met, "{} meets {text}, not {:?}", lie.what, lie.expected);
    Ok(refused)
}

/// Changes one bit of each byte of `bytes`, another bit in each.
fn each_byte(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    (0..bytes.len()).map(|place| (place, one_bit(bytes, place)))
}

fn one_bit(bytes: &[u8], place: usize) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[place] ^= 1 << (place % 8);
    changed
}

fn each_bit_of_number(number: u64) -> impl Iterator<Item = (usize, u64)> {
    (0..8).map(move |byte| (byte, number ^ (1 << (8 * byte + byte))))
}

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
fn commitment_lies(truth: &IRollup::commitBatchCall) -> Vec<Lie> {
    let mut lies = hash_lies(truth, "the state root", HEADER, |call| {
        &mut call.blocks[0].stateRoot
    });
    lies.extend(hash_lies(truth, "the receipts root", HEADER, |call| {
        &mut call.blocks[0].receiptsRoot
    }));
    lies.extend(hash_lies(
        truth,
        "the beacon root",
        &["UnknownBeaconRoot"],
        |call| &mut call.blocks[0].beaconRoot,
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
        "TimestampNotAfterParent",
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
    lies.extend(transaction_lies(truth));
    lies
}

/// The posted transactions: each byte, then whole transactions.
fn transaction_lies(truth: &IRollup::commitBatchCall) -> Vec<Lie> {
    let posted = &truth.blocks[0].transactions;
    let lie = |what: String, transactions: Vec<u8>, expected| {
        let mut lie = truth.clone();
        lie.blocks[0].transactions = transactions.into();
        Lie {
            what,
            calldata: lie.abi_encode().into(),
            expected,
        }
    };
    let bytes: &[&str] = &["BlockHashMismatch", "MalformedTransactions"];
    let mut lies: Vec<Lie> = each_byte(posted)
        .map(|(place, changed)| lie(format!("byte {place} of the transactions"), changed, bytes))
        .collect();
    let (first, second) =
        posted.split_at(3 + usize::from(posted[2]) + 256 * usize::from(posted[1]));
    lies.push(lie(
        "a transaction left out".into(),
        second.to_vec(),
        HEADER,
    ));
    lies.push(lie(
        "a transaction repeated".into(),
        [first, posted].concat(),
        HEADER,
    ));
    lies.push(lie(
        "transactions in another order".into(),
        [second, first].concat(),
        HEADER,
    ));
    lies.push(lie("no transactions".into(), Vec::new(), &["EmptyBlock"]));
    lies.push(lie(
        "an empty transaction".into(),
        [posted, &[0, 0, 0][..]].concat(),
        &["MalformedTransactions"],
    ));
    let mut empty = truth.clone();
    empty.blocks.clear();
    lies.push(Lie {
        what: "a batch without blocks".into(),
        calldata: empty.abi_encode().into(),
        expected: &["EmptyBatch"],
    });
    let mut twice = truth.clone();
    twice.blocks.push(truth.blocks[0].clone());
    let expected = &["TimestampNotAfterParent"];
    lies.push(Lie {
        what: "a block repeated".into(),
        calldata: twice.abi_encode().into(),
        expected,
    });
    lies
}

/// What is said beside the proof: window, commitment, evaluation, blocks.
fn statement_lies(truth: &IRollup::proveBatchesCall) -> Vec<(Lie, IRollup::proveBatchesCall)> {
    let stream: &'static [&'static str] = &["EvaluationMismatch", "NotCanonical"];
    let mut lies = Vec::new();
    let mut tell = |what: String, change: &dyn Fn(&mut IRollup::BatchProof)| {
        let mut call = truth.clone();
        change(&mut call.batches[0]);
        lies.push((
            Lie {
                what,
                calldata: call.abi_encode().into(),
                expected: stream,
            },
            call,
        ));
    };
    let honest = &truth.batches[0];
    for element in 0..4 {
        for (byte, number) in each_bit_of_number(honest.endWindow[element]) {
            tell(
                format!("byte {byte} of window element {element}"),
                &|batch| batch.endWindow[element] = number,
            );
        }
        for (byte, number) in each_bit_of_number(honest.commitment[element]) {
            tell(
                format!("byte {byte} of commitment element {element}"),
                &|batch| batch.commitment[element] = number,
            );
        }
    }
    for (place, blocks) in each_byte(&honest.blocks) {
        tell(format!("byte {place} of the blocks"), &|batch| {
            batch.blocks = blocks.clone().into()
        });
    }
    // Last: with these there is nothing to correct.
    for element in 0..2 {
        for (byte, number) in each_bit_of_number(honest.evaluation[element]) {
            tell(
                format!("byte {byte} of evaluation element {element}"),
                &|batch| batch.evaluation[element] = number,
            );
        }
    }
    lies
}

/// The lies about the stream, told again with the evaluation that makes them consistent.
fn consistent(
    refused: &[Refused],
    lies: &[IRollup::proveBatchesCall],
    honest: &IRollup::proveBatchesCall,
) -> Vec<Lie> {
    let pairs = refused.iter().zip(lies).enumerate();
    pairs
        .filter_map(|(index, (refused, lie))| {
            let Refused::Rollup(Refusal::EvaluationMismatch(mismatch)) = refused else {
                return None;
            };
            let mut call = lie.clone();
            call.batches[0].evaluation = mismatch.computed;
            if call == *honest {
                return None;
            }
            let blocks = call.batches[0].blocks != honest.batches[0].blocks;
            let expected: &[&str] = if blocks {
                &["BatchHashMismatch"]
            } else {
                &["ProofRefused"]
            };
            Some(Lie {
                what: format!("consistent lie {index}"),
                calldata: call.abi_encode().into(),
                expected,
            })
        })
        .collect()
}

/// The parts of an encoded proof, in order.
fn parts() -> Vec<Range<usize>> {
    const DIGEST: usize = 32;
    const CAP: usize = 16 * DIGEST;
    let mut lengths = vec![CAP, CAP, CAP];
    lengths.extend([5, 64, 135, 16, 16, 2].map(|opened| 16 * opened));
    lengths.extend([CAP, CAP, 32 * 16, 8]);
    for _query in 0..10 {
        lengths.extend([69, 135, 16, 16].map(|leaf| 8 * leaf));
        lengths.extend([16 * DIGEST; 4]);
        lengths.extend([16 * 16, 12 * DIGEST, 8 * 16, 9 * DIGEST]);
    }
    let mut end = 0;
    let parts: Vec<_> = lengths
        .into_iter()
        .map(|length| {
            end += length;
            end - length..end
        })
        .collect();
    assert_eq!(end, PROOF_LEN);
    parts
}

/// Both ends and the middle of every part, and every `STRIDE`-th byte of all.
fn sampled_places() -> Vec<usize> {
    let mut places: Vec<usize> = (0..PROOF_LEN).step_by(STRIDE).collect();
    for part in parts() {
        places.extend([part.start, part.start + part.len() / 2, part.end - 1]);
    }
    places.sort_unstable();
    places.dedup();
    places
}

const PROOF: &[&str] = &["ProofRefused", "MalformedProof"];

fn proof_lies(truth: &IRollup::proveBatchesCall) -> Vec<Lie> {
    let lie = |what: String, proof: Vec<u8>| {
        let call = IRollup::proveBatchesCall {
            proof: proof.into(),
            ..truth.clone()
        };
        Lie {
            what,
            calldata: call.abi_encode().into(),
            expected: PROOF,
        }
    };
    let mut lies: Vec<Lie> = sampled_places()
        .into_iter()
        .map(|place| {
            lie(
                format!("byte {place} of the proof"),
                one_bit(&truth.proof, place),
            )
        })
        .collect();
    lies.push(lie("no proof".into(), Vec::new()));
    lies.push(lie(
        "a shorter proof".into(),
        truth.proof[..PROOF_LEN - 1].to_vec(),
    ));
    lies.push(lie(
        "a longer proof".into(),
        [&truth.proof[..], &[0]].concat(),
    ));
    lies.push(lie("a proof of zeros".into(), vec![0; PROOF_LEN]));
    lies
}

fn range_lies(truth: &IRollup::proveBatchesCall) -> Vec<Lie> {
    let lie = |what: &str, expected, change: &dyn Fn(&mut IRollup::proveBatchesCall)| {
        let mut call = truth.clone();
        change(&mut call);
        Lie {
            what: what.to_owned(),
            calldata: call.abi_encode().into(),
            expected,
        }
    };
    let order: &[&str] = &["RangeOutOfOrder"];
    vec![
        lie("a range from genesis", order, &|call| call.from = 0),
        lie("a range that skips", order, &|call| {
            (call.from, call.to) = (2, 2)
        }),
        lie("a range backwards", order, &|call| call.to = 0),
        lie("a range beyond what is committed", order, &|call| {
            call.to = 1000
        }),
        lie(
            "a range without batches",
            &["RangeLengthMismatch"],
            &|call| call.batches.clear(),
        ),
        lie("a batch twice", &["RangeLengthMismatch"], &|call| {
            call.batches.push(truth.batches[0].clone())
        }),
        lie("no blocks", &["MalformedBlocks"], &|call| {
            call.batches[0].blocks = Bytes::new()
        }),
        lie("part of a block", &["MalformedBlocks"], &|call| {
            call.batches[0].blocks = truth.batches[0].blocks.slice(..183);
        }),
    ]
}

/// The verifier by itself: the statement is its public input.
async fn public_inputs_are_bound(truth: &Truth, proof: &Bytes) -> Result<()> {
    let verify = |statement: Statement| async move {
        let call = Verifier::verifyCall {
            proof: proof.clone(),
            statement,
        };
        truth
            .prove
            .call_as(truth.prove.sender, truth.verifier, call.abi_encode().into())
            .await
    };
    let honest = verify(truth.statement).await?;
    let accepted = honest.map_err(|data| anyhow::anyhow!("the true statement reverts: {data}"))?;
    ensure!(
        Verifier::verifyCall::abi_decode_returns(&accepted)?,
        "the true statement is refused"
    );
    for element in 0..4 {
        for (byte, number) in each_bit_of_number(truth.statement[element]) {
            let mut statement = truth.statement;
            statement[element] = number;
            if let Ok(output) = verify(statement).await? {
                let believed = Verifier::verifyCall::abi_decode_returns(&output)?;
                ensure!(
                    !believed,
                    "the verifier believes byte {byte} of statement element {element}"
                );
            }
        }
    }
    Ok(())
}

fn verifier_key() -> Result<VerifierKey> {
    let verifier = JobVerifier::for_profile(Profile::InsecureTest)?;
    Ok(WrapCircuit::new(verifier.wrapped())?.verifier_key())
}

/// The same lies, without an EVM.
fn native_verification_refuses(proof: &[u8], statement: &Statement) -> Result<()> {
    let key = verifier_key()?;
    verify_native(&key, proof, statement).context("the true proof")?;
    for place in sampled_places() {
        let changed = one_bit(proof, place);
        ensure!(
            verify_native(&key, &changed, statement).is_err(),
            "byte {place} of the proof may be changed"
        );
    }
    for element in 0..4 {
        for (byte, number) in each_bit_of_number(statement[element]) {
            let mut changed = *statement;
            changed[element] = number;
            let refused = verify_native(&key, proof, &changed).is_err();
            ensure!(
                refused,
                "byte {byte} of statement element {element} may be changed"
            );
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_to_a_settled_batch_is_refused_on_l2_and_natively() -> Result<()> {
    let truth = Truth::establish().await?;

    let commitment = truth.commitment()?;
    let honest = truth.commit.call(truth.commit.calldata.clone()).await?;
    ensure!(honest.is_ok(), "the true commitment is refused: {honest:?}");
    all_refused(&truth.commit, commitment_lies(&commitment)).await?;
    let stranger = truth
        .commit
        .call_as(SOMEBODY, truth.commit.to, truth.commit.calldata.clone())
        .await?;
    let refusal = stranger.err().context("anybody may commit")?;
    ensure!(matches!(
        Refusal::abi_decode(&refusal)?,
        Refusal::NotOperator(_)
    ));

    let proven = truth.proof()?;
    let honest = truth.prove.call(truth.prove.calldata.clone()).await?;
    ensure!(honest.is_ok(), "the true proof is refused: {honest:?}");
    let (lies, calls): (Vec<_>, Vec<_>) = statement_lies(&proven).into_iter().unzip();
    let refused = all_refused(&truth.prove, lies).await?;
    let consistent = consistent(&refused, &calls, &proven);
    ensure!(
        consistent.len() > 200,
        "only {} lies could be made consistent",
        consistent.len()
    );
    all_refused(&truth.prove, consistent).await?;
    all_refused(&truth.prove, range_lies(&proven)).await?;
    all_refused(&truth.prove, proof_lies(&proven)).await?;
    public_inputs_are_bound(&truth, &proven.proof).await?;
    let (proof, statement) = (proven.proof, truth.statement);
    tokio::task::spawn_blocking(move || native_verification_refuses(&proof, &statement)).await?
}
