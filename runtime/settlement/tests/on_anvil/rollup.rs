//! The client against the real contract on a real chain.

use alloy::primitives::{Address, B256, Bytes};
use tern_messages::job::StatementData;
use tern_messages::{Batch, BatchNumber, BlockNumber, ChainId, L2Transaction, Proof};
use tern_settlement::Foundations::{FoundationsErrors, MalformedProof};
use tern_settlement::IRollup::{EvaluationMismatch, IRollupErrors};
use tern_settlement::{
    Call, ExpectedRollup, FollowPolicy, InboxProof, L2, L2Endpoint, RecordedBlock, RequiredProofs,
    RequiredVerifier, Revert, RollupClient, RollupStatus, SettlementError, VerifierKey,
    deploy_verifier,
};

use crate::chain::{self, CHAIN_ID};
use crate::network::{Anvil, signer};
use crate::settled::{Settled, unevaluated};

/// The call that proves committed batches of a chain to which no message was sent.
async fn prove(
    rollup: &RollupClient,
    batches: &[Batch],
    statement: &StatementData,
    proof: &Proof,
) -> Call {
    let messages = InboxProof::default();
    let call = rollup.prove(batches, statement, proof, messages);
    call.await.unwrap()
}

#[tokio::test]
async fn a_new_chain_stands_at_genesis() {
    let settled = Settled::start().await;
    let Settled {
        rollup, genesis, ..
    } = &settled;
    let expected = RollupStatus {
        last_committed: BatchNumber(0),
        last_verified: BatchNumber(0),
        verified_block: BlockNumber(0),
        verified_block_hash: genesis.hash_slow(),
        verified_state_root: genesis.state_root,
        verified_timestamp: genesis.timestamp,
        verified_window: [1, 2, 3, 4],
    };
    assert_eq!(rollup.status().await.unwrap(), expected);
    assert_eq!(rollup.operator().await.unwrap(), signer(0).address());
    let genesis_hash = rollup.genesis(genesis).batch_hash();
    assert_eq!(
        rollup.batch_hash(BatchNumber(0)).await.unwrap(),
        Some(genesis_hash)
    );
    assert_eq!(rollup.batch_hash(BatchNumber(1)).await.unwrap(), None);
}

#[tokio::test]
async fn batches_are_committed_and_read_back() {
    let settled = Settled::start().await;
    let Settled {
        rollup, operator, ..
    } = &settled;
    let first = settled.commit_first().await;
    assert!(rollup.holds(&first).await.unwrap());

    let parent = &first.blocks.last().unwrap().header;
    let second = chain::batch(2, parent, settled.anchor().await, 2, "second");
    let previous = rollup.previous_batch(&first).await.unwrap();
    let mined = operator
        .send(
            "the commit",
            &rollup.commit(&previous, &second).await.unwrap(),
        )
        .await
        .unwrap();
    assert!(mined.gas_used < 30_000_000);
    assert_eq!(
        rollup.status().await.unwrap().last_committed,
        BatchNumber(2)
    );

    let posted = rollup.posted_batch(BatchNumber(2), 0).await.unwrap();
    let place = L2Transaction {
        hash: mined.hash,
        block: mined.block,
    };
    assert_eq!(posted.transaction, place);
    // Earlier than it was looked for, as after a reorganisation of L2.
    let late = rollup.posted_batch(BatchNumber(2), mined.block + 1).await;
    assert_eq!(late.unwrap(), posted);
    assert_eq!(posted.last_block_hash, second.header.last_block_hash);
    assert_eq!(posted.blocks.len(), 2);
    for (posted, block) in posted.blocks.iter().zip(&second.blocks) {
        assert_eq!(posted.transactions, block.transactions);
        assert_eq!(posted.state_root, block.header.state_root);
        assert_eq!(posted.receipts_root, block.header.receipts_root);
        assert_eq!(posted.l2_block, block.anchor.l2_block);
        let (anchor, l2_anchor) = rollup.anchor_of(posted).await.unwrap();
        assert_eq!(anchor, block.anchor);
        assert_eq!(l2_anchor.unwrap().hash, block.anchor.l2_block);
        assert_eq!(posted.timestamp, block.header.timestamp);
        assert_eq!(posted.gas_used, block.header.gas_used);
    }
}

#[tokio::test]
async fn a_superseded_batch_is_no_longer_held() {
    let settled = Settled::start().await;
    let Settled {
        rollup,
        operator,
        genesis,
        ..
    } = &settled;
    let first = settled.commit_first().await;
    let other = chain::batch(1, genesis, settled.anchor().await, 1, "other");
    let call = rollup
        .commit(&rollup.genesis(genesis), &other)
        .await
        .unwrap();
    operator.send("the commit", &call).await.unwrap();
    assert!(!rollup.holds(&first).await.unwrap());
    assert!(rollup.holds(&other).await.unwrap());
    let posted = rollup.posted_batch(BatchNumber(1), 0).await.unwrap();
    assert_eq!(posted.last_block_hash, other.header.last_block_hash);
}

/// The contract's own error tells the evaluation that the prover would have proven.
#[tokio::test]
async fn batches_are_proven_and_refusals_carry_their_reason() {
    let settled = Settled::start().await;
    let Settled {
        rollup, operator, ..
    } = &settled;
    let batch = settled.commit_first().await;
    let mut statement = unevaluated();
    let proof = Proof {
        bytes: Bytes::from_static(b"proof"),
    };
    let batches = [batch];
    let call = prove(rollup, &batches, &statement, &proof).await;
    let refusal = operator.send("the proof", &call).await.unwrap_err();
    assert!(!refusal.is_retryable());
    let Some(IRollupErrors::EvaluationMismatch(EvaluationMismatch { batch: 1, computed })) =
        refusal.rollup_error()
    else {
        panic!("{refusal}");
    };

    statement.evaluation = *computed;
    let call = prove(rollup, &batches, &statement, &proof).await;
    // Proving is open to anyone.
    let anyone = settled.anvil.sender(5, FollowPolicy::default()).await;
    anyone.send("the proof", &call).await.unwrap();
    let [batch] = batches;
    let status = rollup.status().await.unwrap();
    assert_eq!(status.last_verified, BatchNumber(1));
    assert_eq!(status.verified_block, batch.header.last_block);
    assert_eq!(status.verified_state_root, batch.header.state_root);
    assert_eq!(status.verified_block_hash, batch.header.last_block_hash);
    assert_eq!(status.verified_window, [5, 6, 7, 8]);
}

#[tokio::test]
async fn the_real_verifier_is_deployed_and_refuses_what_is_no_proof() {
    let anvil = Anvil::start(&[]);
    let operator = anvil.sender(0, FollowPolicy::default()).await;
    let key = VerifierKey {
        circuit_digest: B256::repeat_byte(1),
        constants_sigmas_cap: [B256::repeat_byte(2); 16],
    };
    let verifier = deploy_verifier(&operator, &key).await.unwrap();
    let settled = Settled::with(anvil, operator, verifier.address).await;
    let asked = settled.rollup.verifier().await.unwrap();
    assert_eq!(asked, verifier.address);
    let required = RequiredVerifier::Plonky2 {
        address: verifier.address,
        circuit: key.circuit_digest,
    };
    assert_eq!(
        settled.rollup.required_proofs(asked).await.unwrap(),
        RequiredProofs::One(required)
    );
    let batch = settled.commit_first().await;
    let mut statement = unevaluated();
    let proof = Proof {
        bytes: Bytes::from_static(b"proof"),
    };
    let batches = [batch];
    let call = prove(&settled.rollup, &batches, &statement, &proof).await;
    let refusal = settled.operator.send("the proof", &call).await.unwrap_err();
    if let Some(IRollupErrors::EvaluationMismatch(mismatch)) = refusal.rollup_error() {
        statement.evaluation = mismatch.computed;
    }
    let call = prove(&settled.rollup, &batches, &statement, &proof).await;
    let refusal = settled.operator.send("the proof", &call).await.unwrap_err();
    let SettlementError::Reverted {
        revert: Revert::Foundation(error),
        ..
    } = &refusal
    else {
        panic!("{refusal}");
    };
    assert_eq!(*error, FoundationsErrors::MalformedProof(MalformedProof {}));
}

#[tokio::test]
async fn only_the_operator_commits() {
    let settled = Settled::start().await;
    let batch = settled.first_batch().await;
    let call = settled
        .rollup
        .commit(&settled.rollup.genesis(&settled.genesis), &batch)
        .await
        .unwrap();
    let stranger = settled.anvil.sender(3, FollowPolicy::default()).await;
    let refusal = stranger.send("the commit", &call).await.unwrap_err();
    let error = refusal.rollup_error();
    assert!(
        matches!(error, Some(IRollupErrors::NotOperator(_))),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_parent_block_hash_is_recorded_on_request() {
    let settled = Settled::start().await;
    let Settled {
        rollup, operator, ..
    } = &settled;
    let head = rollup.l2().head().await.unwrap();
    let call = rollup.record_block_hash(head.number).await.unwrap();
    let mined = operator.send("the record", &call).await.unwrap();
    let recorded = RecordedBlock {
        number: head.number,
        hash: head.hash,
        timestamp: head.timestamp,
    };
    let found = rollup.recorded_blocks(mined.block..=mined.block).await;
    assert!(found.unwrap().contains(&recorded));
}

#[tokio::test]
async fn a_wrong_address_chain_or_genesis_is_named() {
    let Settled {
        anvil,
        rollup,
        genesis,
        ..
    } = Settled::start().await;
    let right = ExpectedRollup {
        address: rollup.address(),
        chain_id: CHAIN_ID,
        genesis_hash: genesis.hash_slow(),
    };
    let l2 = anvil.connect().await;
    let connect = |expected| RollupClient::connect(l2.clone(), expected);

    let empty = connect(ExpectedRollup {
        address: Address::repeat_byte(7),
        ..right
    })
    .await;
    assert!(
        matches!(empty, Err(SettlementError::NoContract { .. })),
        "{empty:?}"
    );
    let chain_id = ChainId(4243);
    let other = connect(ExpectedRollup { chain_id, ..right }).await;
    assert!(matches!(
        other,
        Err(SettlementError::WrongRollup {
            what: "chain id",
            ..
        })
    ));
    let genesis_hash = B256::repeat_byte(1);
    let other = connect(ExpectedRollup {
        genesis_hash,
        ..right
    })
    .await;
    assert!(matches!(
        other,
        Err(SettlementError::WrongRollup {
            what: "genesis block",
            ..
        })
    ));
    // anvil has a CREATE2 factory at this address: code, but no Rollup.
    let address = "0x4e59b44847b379578588920ca78fbf26c0b4956c"
        .parse()
        .unwrap();
    let factory = connect(ExpectedRollup { address, ..right })
        .await
        .unwrap_err();
    assert!(
        matches!(factory, SettlementError::NotARollup { .. }),
        "{factory}"
    );
    assert!(!factory.is_retryable());
}

#[tokio::test]
async fn another_chain_than_configured_is_refused() {
    let anvil = Anvil::start(&[]);
    let error = L2::connect_to(anvil.endpoint.clone(), ChainId(1))
        .await
        .unwrap_err();
    assert!(
        matches!(error, SettlementError::WrongChain { .. }),
        "{error}"
    );
    L2::connect_to(anvil.endpoint.clone(), ChainId(31_337))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_parent_chain_that_is_not_there_is_an_error_that_may_pass() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let endpoint = L2Endpoint::new(format!("http://{free}/secret").parse().unwrap());
    let error = L2::connect(endpoint).await.unwrap_err();
    assert!(error.is_retryable());
    assert!(
        matches!(error, SettlementError::Unreachable { .. }),
        "{error}"
    );
    assert!(!error.to_string().contains("secret"), "{error}");
}
