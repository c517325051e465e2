//! Two outcomes of one block that a verifier believes: whoever shows them halts the chain, and nobody does so otherwise;
//! and the chain goes on by what was announced in public, after the delay and no sooner.

use std::collections::BTreeSet;
use std::path::Path;

use alloy::consensus::Header;
use alloy::eips::eip1559::BaseFeeParams;
use alloy::primitives::{Address, B256, Bloom, Bytes, keccak256};
use alloy::signers::SignerSync;
use alloy::sol;
use alloy::sol_types::{SolCall, SolValue};
use anyhow::{Context, Result, ensure};
use tern_cluster_config::{
    AttestationConfig, Devnet as Chain, PoolConfig, Profile, SealingPolicy, development_key,
};
use tern_execution::HashWindow;
use tern_integration::harness::Anvil;
use tern_messages::job::StatementData;
use tern_messages::{
    Anchor, Batch, BatchHeader, BatchNumber, BlockNumber, ChainId, Proof, ProvenRange, SealedBlock,
    StatementDigest,
};
use tern_node::deployment::{
    Contract, DEFAULT_DEADLINES, DEFAULT_DELAY, Deployer, deploy, verifier_key,
};
use tern_node::derivation::{Attestor, Derivation};
use tern_node::main_node::ChainSpec;
use tern_node::supervisor::genesis_header;
use tern_node::verifier_bridge::{Connector, L2Connector, Settlement};
use tern_proving::BatchStatement;
use tern_proving::onchain::PROOF_LEN;
use tern_settlement::posting::prove_call;
use tern_settlement::{
    AttestationVerifier, Call, Depth, ExpectedRollup, FollowPolicy, IGovernance, IRollup,
    InboxProof, L2, L2Endpoint, RequiredProofs, RollupClient, SettlementError, TransactionSender,
    deploy_attestation_verifier,
};

/// Development accounts.
const OPERATOR: u32 = 0;
const LIAR: u32 = 1;
const REPORTER: u32 = 2;
const OWNER: u32 = 3;
const GUARDIAN: u32 = 4;

sol! {
    struct Point {
        bytes32 stateRoot;
        bytes32 blockHash;
        uint64 number;
        uint64[4] window;
    }

    struct Outcome {
        uint64[4] endWindow;
        uint64[4] commitment;
        uint64[2] evaluation;
        bytes blocks;
    }

    /// `ConflictCheck.Report`.
    struct Report {
        address accused;
        Point start;
        Outcome first;
        Outcome second;
        bytes firstProof;
        bytes secondProof;
    }
}

/// A chain whose contract asks for a proof and for the signature of one watcher, who lies.
struct Believer {
    operator: TransactionSender,
    reporter: TransactionSender,
    rollup: RollupClient,
    governance: Address,
    plonky2: Address,
    attestation: AttestationVerifier,
    genesis: Header,
    beneficiary: Address,
    chain_id: ChainId,
}

/// Block 1 in one batch, as somebody says it came out.
#[derive(Clone)]
struct Told {
    batch: Batch,
    data: StatementData,
    statement: StatementDigest,
}

impl Believer {
    async fn deploy(anvil: &Anvil) -> Result<Self> {
        let l2 = L2::connect(L2Endpoint::new(anvil.url().parse()?)).await?;
        let sender = |index| {
            let policy = FollowPolicy::default();
            TransactionSender::new(l2.clone(), development_key(index), policy)
        };
        let (operator, reporter) = (sender(OPERATOR), sender(REPORTER));
        let chain = Chain::l3(l2.chain_id().0, Profile::InsecureTest);
        let genesis = genesis_header(&chain).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let deployer = Deployer {
            l2: l2.clone(),
            operator: development_key(OPERATOR),
            owner: development_key(OWNER).address(),
            guardian: development_key(GUARDIAN).address(),
            delay: DEFAULT_DELAY,
            deadlines: DEFAULT_DEADLINES,
            disputes: None,
            policy: FollowPolicy::default(),
            attestation: AttestationConfig {
                accounts: [development_key(LIAR).address()].into(),
                ..AttestationConfig::default()
            },
        };
        let contract = Contract {
            chain: &chain,
            genesis: &genesis,
        };
        let deployment = deploy(deployer, contract).await?;
        let expected = ExpectedRollup {
            address: deployment.rollup,
            chain_id: chain.genesis.chain_id,
            genesis_hash: deployment.genesis_hash,
        };
        let rollup = RollupClient::connect(l2, expected).await?;
        let required = rollup.required_proofs(rollup.verifier().await?).await?;
        ensure!(matches!(required, RequiredProofs::All(_)), "{required:?}");
        let attestation = required.attestations().next().cloned();
        Ok(Self {
            operator,
            reporter,
            rollup,
            governance: deployment.governance,
            plonky2: deployment.verifier,
            attestation: attestation.context("a watcher must sign")?,
            genesis,
            beneficiary: chain.genesis.beneficiary,
            chain_id: chain.genesis.chain_id,
        })
    }

    /// Block 1 with this state root; `transactions` stands for what is in it.
    fn tell(&self, state_root: u8, transactions: u8) -> Result<Told> {
        let parent_hash = self.genesis.hash_slow();
        let anchor = Anchor {
            l2_block: B256::repeat_byte(5),
            ..Anchor::default()
        };
        let header = Header {
            parent_hash,
            number: 1,
            beneficiary: self.beneficiary,
            state_root: B256::repeat_byte(state_root),
            transactions_root: B256::repeat_byte(transactions),
            receipts_root: B256::repeat_byte(3),
            timestamp: self.genesis.timestamp + 1,
            gas_used: 21_000,
            base_fee_per_gas: self.genesis.next_block_base_fee(BaseFeeParams::ethereum()),
            mix_hash: keccak256(parent_hash),
            logs_bloom: Bloom::repeat_byte(0xff),
            parent_beacon_block_root: Some(anchor.root()),
            ..self.genesis.clone()
        };
        let window = HashWindow::new([parent_hash]).to_vec();
        let (root, blocks) = (self.genesis.state_root, vec![header.clone()]);
        let stated = BatchStatement::new(self.chain_id, root, window, blocks)?;
        let block = SealedBlock {
            hash: header.hash_slow(),
            transactions: vec![Bytes::from_static(b"a transaction")],
            receipts: vec![],
            header,
            anchor,
        };
        let batch = Batch {
            header: BatchHeader {
                number: BatchNumber(1),
                first_block: BlockNumber(1),
                last_block: BlockNumber(1),
                last_block_hash: block.hash,
                state_root: block.header.state_root,
            },
            blocks: vec![block],
        };
        Ok(Told {
            batch,
            data: stated.data(),
            statement: stated.digest(),
        })
    }

    /// The watcher's signature.
    fn attest(&self, told: &Told, watcher: u32) -> Result<Bytes> {
        let digest = self.attestation.digest(told.statement);
        let signature = development_key(watcher).sign_hash_sync(&digest)?;
        Ok(signature.as_bytes().into())
    }

    fn outcome(&self, told: &Told) -> Result<Outcome> {
        let call = self.prove(told)?;
        let call = IRollup::proveBatchesCall::abi_decode(&call.data)?;
        let batch = call.batches;
        Ok(Outcome {
            endWindow: batch.endWindow,
            commitment: batch.commitment,
            evaluation: batch.evaluation,
            blocks: batch.blocks,
        })
    }

    fn prove(&self, told: &Told) -> Result<Call> {
        let batches = [told.batch.clone()];
        let bytes = Bytes::new();
        let (proof, messages) = (Proof { bytes }, InboxProof::default());
        let rollup = self.rollup.address();
        Ok(prove_call(
            rollup,
            &batches,
            &[0],
            &told.data,
            &proof,
            messages,
        )?)
    }

    /// A report against `accused`, with proofs of both outcomes.
    fn report(&self, accused: Address, told: [&Told; 2], proofs: [Bytes; 2]) -> Result<Call> {
        let [first_proof, second_proof] = proofs;
        let report = Report {
            accused,
            start: Point {
                stateRoot: self.genesis.state_root,
                blockHash: self.genesis.hash_slow(),
                number: 0,
                window: told[0].data.start_window,
            },
            first: self.outcome(told[0])?,
            second: self.outcome(told[1])?,
            firstProof: first_proof,
            secondProof: second_proof,
        };
        let call = IGovernance::reportConflictCall {
            report: report.abi_encode().into(),
        };
        Ok(self.govern(&call))
    }

    fn govern(&self, call: &impl SolCall) -> Call {
        Call::of(self.governance, call)
    }

    /// What a bridge knows whose program makes proofs of this circuit. Its watcher never answers.
    fn bridge(&self, circuit: B256) -> Result<L2Connector> {
        let l2 = self.rollup.l2();
        Ok(L2Connector {
            endpoint: l2.endpoint().clone(),
            chain_id: l2.chain_id(),
            rollup: ExpectedRollup {
                address: self.rollup.address(),
                chain_id: self.chain_id,
                genesis_hash: self.genesis.hash_slow(),
            },
            circuit,
            operator: development_key(OPERATOR),
            policy: FollowPolicy::default(),
            watchers: vec!["http://127.0.0.1:9".parse().map_err(anyhow::Error::msg)?],
        })
    }

    /// A watcher that signs as the liar does.
    async fn attestor(&self, directory: &Path) -> Result<Attestor> {
        let config = Chain::l3(self.rollup.l2().chain_id().0, Profile::InsecureTest);
        let spec = ChainSpec::rollup(&config, SealingPolicy::default(), PoolConfig::default());
        let chain = tern_node::main_node::Chain::open(directory, spec)?;
        let derivation = Derivation::new(chain, self.rollup.clone(), Depth::Confirmations(1));
        let attestor = Attestor::new(&derivation, development_key(LIAR)).await;
        attestor.map_err(|error| anyhow::anyhow!("{error:?}"))
    }

    /// A report against the watchers' verifier, with signatures of this account.
    fn accuse(&self, told: [&Told; 2], signer: u32) -> Result<Call> {
        let proofs = [self.attest(told[0], signer)?, self.attest(told[1], signer)?];
        self.report(self.attestation.address, told, proofs)
    }
}

/// Sends what must be refused with this error.
async fn meets(sender: &TransactionSender, what: &str, call: &Call, error: &str) -> Result<()> {
    let sent = sender.send("what must be refused", call).await;
    let Err(SettlementError::Reverted { revert, .. }) = sent else {
        anyhow::bail!("{what} is not refused by the contract: {sent:?}");
    };
    let text = format!("{revert:?}");
    ensure!(text.contains(&format!("({error}(")), "{what} meets {text}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_outcomes_that_a_verifier_believes_halt_the_chain_until_it_is_mended() -> Result<()> {
    let anvil = Anvil::start(&[])?;
    let chain = Believer::deploy(&anvil).await?;
    let (one, other, unrelated) = (chain.tell(1, 7)?, chain.tell(2, 7)?, chain.tell(2, 8)?);
    let reporter = &chain.reporter;
    let refused =
        async |what: &str, call: Call, error: &str| meets(reporter, what, &call, error).await;

    let call = chain.accuse([&one, &one], LIAR)?;
    refused("one outcome twice", call, "NoConflict").await?;
    let call = chain.accuse([&one, &unrelated], LIAR)?;
    refused("outcomes of two blocks", call, "NoConflict").await?;
    let call = chain.accuse([&one, &other], REPORTER)?;
    refused("somebody else's signatures", call, "ProofRefused").await?;
    let proofs = [chain.attest(&one, LIAR)?, chain.attest(&one, LIAR)?];
    let call = chain.report(chain.attestation.address, [&one, &other], proofs)?;
    refused("a signature of one outcome alone", call, "ProofRefused").await?;
    let zeros = || Bytes::from(vec![0; PROOF_LEN]);
    let call = chain.report(chain.plonky2, [&one, &other], [zeros(), zeros()])?;
    refused("proofs of zeros", call, "ProofRefused").await?;
    let own = BTreeSet::from([development_key(REPORTER).address()]);
    let own = deploy_attestation_verifier(reporter, &own, 1)
        .await?
        .address;
    let strange = AttestationVerifier {
        address: own,
        ..chain.attestation.clone()
    };
    let sign = |told: &Told| -> Result<Bytes> {
        let digest = strange.digest(told.statement);
        let signature = development_key(REPORTER).sign_hash_sync(&digest)?;
        Ok(signature.as_bytes().into())
    };
    let call = chain.report(own, [&one, &other], [sign(&one)?, sign(&other)?])?;
    refused("a verifier of the reporter's own", call, "NotRequired").await?;

    let call = chain.accuse([&one, &other], LIAR)?;
    reporter.send("a report", &call).await?;
    refused("another report", call, "ChainIsHalted").await?;
    let genesis = chain.rollup.genesis(&chain.genesis);
    let commit = chain.rollup.commit(&genesis, &one.batch).await?;
    meets(&chain.operator, "a commitment", &commit, "ChainIsHalted").await?;
    let prove = chain.prove(&one)?;
    meets(&chain.operator, "a proof", &prove, "ChainIsHalted").await?;

    let directory = tempfile::tempdir()?;
    let attestor = chain.attestor(directory.path()).await?;
    let circuit = verifier_key(Profile::InsecureTest).await?.circuit_digest;
    let bridge = chain.bridge(circuit)?.connect().await?;
    let outdated = chain.bridge(B256::repeat_byte(1))?.connect().await?;
    let proven = ProvenRange {
        first: BatchNumber(1),
        last: BatchNumber(1),
        statement: one.data.clone(),
        proof: Proof {
            bytes: Bytes::from_static(b"a proof"),
        },
    };
    bridge.look_at_verifier().await?;
    let unsigned = bridge.complete(&proven).await;
    ensure!(
        matches!(unsigned, Err(SettlementError::NotAttested { .. })),
        "{unsigned:?}"
    );

    let dismiss = chain.govern(&IGovernance::dismissWatchersCall {});
    meets(
        reporter,
        "the end of the halt at once",
        &dismiss,
        "TooEarly",
    )
    .await?;
    anvil.sleep(DEFAULT_DELAY).await?;
    reporter.send("the end of the halt", &dismiss).await?;
    let verifier = chain.rollup.verifier().await?;
    let required = chain.rollup.required_proofs(verifier).await?;
    ensure!(required.attestations().next().is_none(), "{required:?}");
    // Whoever runs notices.
    bridge.look_at_verifier().await?;
    ensure!(bridge.complete(&proven).await? == proven.proof);
    let misfit = outdated.look_at_verifier().await;
    ensure!(
        matches!(misfit, Err(SettlementError::OtherCircuit { asked, .. }) if asked == circuit),
        "{misfit:?}"
    );
    let refusal = |attestor: &Attestor| {
        let verifier = chain.attestation.address;
        let signed = attestor.sign(verifier, BatchNumber(1), BatchNumber(1));
        signed.map_err(|refusal| format!("{refusal:?}"))
    };
    ensure!(refusal(&attestor).is_err_and(|reason| reason.contains("UnknownBatch")));
    attestor.look_at_verifier().await?;
    ensure!(refusal(&attestor).is_err_and(|reason| reason.contains("asks for no signature")));
    // The forged batch meets the rules that every batch meets, and no halt.
    meets(&chain.operator, "a commitment", &commit, "UnknownL2Block").await
}
