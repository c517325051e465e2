//! The contracts of a chain on L2: bringing them there, and remembering where they are.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::consensus::Header;
use alloy::primitives::{Address, B256, U256};
use alloy::signers::local::PrivateKeySigner;
use serde::{Deserialize, Serialize};
use tern_cluster_config::{AttestationConfig, ChainConfig, Profile};
use tern_execution::HashWindow;
use tern_messages::ChainId;
use tern_proving::JobVerifier;
use tern_proving::statement::window_digest;
use tern_settlement::{
    Deadlines, DisputeTerms, FollowPolicy, L2, Roles, RollupPlan, SettlementError,
    TransactionSender, VerifierKey, canonical_bridge, deploy_attestation_verifier, deploy_bridge,
    deploy_rollup, deploy_verifier, deploy_verifier_set,
};
use thiserror::Error;
use tracing::info;

/// The file in the data directory.
const FILE: &str = "deployment.json";
/// From the announcement of another verifier to its use, and from a halt to its end, unless another time is asked for:
/// the contract's exit window of a week, and three days to notice.
pub const DEFAULT_DELAY: Duration = Duration::from_secs(10 * 24 * 60 * 60);
/// How long something may wait, unless other times are asked for. Liveness is longer than a pause, which by itself is not to
/// open the chain to everybody.
pub const DEFAULT_DEADLINES: Deadlines = Deadlines {
    inclusion: Duration::from_secs(24 * 60 * 60),
    liveness: Duration::from_secs(7 * 24 * 60 * 60),
    emergency: Duration::from_secs(7 * 24 * 60 * 60),
};
/// What nobody may wait for longer: the contracts take no longer times.
const LONGEST: Duration = Duration::from_secs(30 * DAY);
/// Seconds.
const DAY: u64 = 24 * 60 * 60;

/// How long something may wait, unless other times are asked for. On a chain with a challenge window longer than what may be
/// challenged: the state that is final has to show by then what was processed, and which forced transactions cannot be executed.
pub fn usual_deadlines(terms: Option<&DisputeTerms>) -> Deadlines {
    let longest = terms.map(DisputeTerms::longest).unwrap_or_default();
    let after = |days| longest.saturating_add(Duration::from_secs(days * DAY));
    let Deadlines {
        inclusion,
        liveness,
        emergency,
    } = DEFAULT_DEADLINES;
    Deadlines {
        inclusion: inclusion.max(after(1)),
        liveness: liveness.max(after(4)),
        emergency,
    }
}

/// What is wrong with the terms of challenges, or with deadlines beside them; a sentence.
pub fn wrong_terms(terms: &DisputeTerms, deadlines: &Deadlines) -> Option<String> {
    let (window, proof) = (terms.challenge_window, terms.proof_time);
    let longest = humantime::format_duration(terms.longest());
    let short = Duration::from_secs(1);
    if window < short || window > LONGEST || proof < short || proof > LONGEST {
        let what = "the challenge window and the proof time take from a second to 30 days each";
        return Some(what.to_owned());
    }
    if terms.bond.is_zero() || terms.stake / U256::from(2) < terms.bond {
        let what = "the bond must be more than nothing, and the stake twice the bond or more: half of it is what a challenge wins";
        return Some(what.to_owned());
    }
    let Deadlines {
        inclusion,
        liveness,
        ..
    } = *deadlines;
    let mut times = [("inclusion", inclusion), ("liveness", liveness)].into_iter();
    let (name, _) = times.find(|(_, time)| *time <= terms.longest() || *time > LONGEST)?;
    Some(format!(
        "with these times a challenge may take {longest}; --{name}-hours must be longer than that, and at most 720 (30 days): \
         give another time, or a shorter --challenge-window or --proof-time"
    ))
}

/// A longer file is not one of ours, in bytes.
const MAX_LEN: u64 = 64 << 10;

/// Where the contracts are, for people, tools and the next start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deployment {
    /// The `Rollup` on L2.
    pub rollup: Address,
    /// The `Governance` on L2, which it obeys.
    pub governance: Address,
    /// The `Bridge` on L2, which holds what is deposited.
    pub bridge: Address,
    /// The `ForcedQueue` on L2.
    pub forced_queue: Address,
    /// The `Disputes` on L2, if batches are final without a proof unless somebody challenges them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disputes: Option<Address>,
    /// The `Plonky2Verifier` on L2.
    pub verifier: Address,
    /// The `AttestationVerifier` on L2, if watchers must sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation_verifier: Option<Address>,
    /// The `VerifierSet` of both on L2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verifier_set: Option<Address>,
    /// Where L2 answers; without what may be secret in it.
    pub l2_rpc_url: String,
    /// Where L3 answers; empty if nothing runs yet.
    pub l3_rpc_url: String,
    /// L2's chain id.
    pub l2_chain_id: u64,
    /// L3's chain id.
    pub l3_chain_id: u64,
    /// Hash of L3's genesis block.
    pub genesis_hash: B256,
    /// Security of the proofs.
    pub profile: Profile,
}

/// Why a stored deployment cannot be used.
#[derive(Debug, Error)]
pub enum DeploymentError {
    /// The disk.
    #[error("{} cannot be {action}: {source}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Not a deployment.
    #[error("{} is not a deployment of this program: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The deployment of another chain.
    #[error(
        "{} is for another chain: its {field} is {found}, expected {expected}; choose another directory with \
         --data-dir", path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What differs.
        field: &'static str,
        /// In the file.
        found: String,
        /// In this process.
        expected: String,
    },
}

/// Why the contracts could not be deployed.
#[derive(Debug, Error)]
pub enum DeployError {
    /// L2.
    #[error(transparent)]
    L2(#[from] SettlementError),
    /// The final circuit.
    #[error("the verifier's key cannot be computed: {0}")]
    Circuit(#[source] Box<dyn Error + Send + Sync>),
}

impl DeployError {
    fn circuit(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Circuit(Box::new(error))
    }
}

/// What the contracts are made for.
#[derive(Clone, Copy, Debug)]
pub struct Contract<'a> {
    /// The chain.
    pub chain: &'a ChainConfig,
    /// Header of its block 0.
    pub genesis: &'a Header,
}

/// What it takes to deploy.
#[derive(Clone, Debug)]
pub struct Deployer {
    /// Where to.
    pub l2: L2,
    /// Pays, and commits batches afterwards.
    pub operator: PrivateKeySigner,
    /// Appoints operator and guardian, and replaces the verifier behind the delay.
    pub owner: Address,
    /// Pauses the chain for some days.
    pub guardian: Address,
    /// From the announcement of another verifier to its use, and from a halt to its end.
    pub delay: Duration,
    /// How long something may wait.
    pub deadlines: Deadlines,
    /// If batches are final without a proof unless somebody challenges them: on which terms.
    pub disputes: Option<DisputeTerms>,
    /// How the transactions are followed.
    pub policy: FollowPolicy,
    /// Whose signatures the contract asks for beside a proof.
    pub attestation: AttestationConfig,
}

/// Brings the verifiers and the rollup onto L2. Nothing answers on L3 yet.
///
/// # Errors
/// If L2 does not take the transactions.
pub async fn deploy(deployer: Deployer, contract: Contract<'_>) -> Result<Deployment, DeployError> {
    let Deployer {
        l2,
        operator,
        owner,
        guardian,
        delay,
        deadlines,
        disputes,
        policy,
        attestation,
    } = deployer;
    let (account, l2_rpc_url) = (operator.address(), l2.endpoint().to_string());
    info!(target: "tern::deploy", l2 = %l2.endpoint(), chain = %l2.chain_id(), %account, "deploying the contracts");
    l2.expect_own_blocks().await?;
    let sender = TransactionSender::new(l2, operator, policy);
    let key = verifier_key(contract.chain.profile).await?;
    let verifier = deploy_verifier(&sender, &key).await?.address;
    info!(target: "tern::deploy", %verifier, profile = %contract.chain.profile, "Plonky2Verifier deployed");
    let attested = match attestation.accounts.is_empty() {
        true => None,
        false => Some(deploy_attested(&sender, verifier, &attestation).await?),
    };
    let required = attested.map_or(verifier, |(_, set)| set);
    let bridge = bridge(&sender, contract.chain.l2_bridge).await?;
    info!(target: "tern::deploy", %bridge, "Bridge found, or deployed");
    let plan = RollupPlan {
        roles: Roles {
            owner,
            operator: account,
            guardian,
        },
        verifier: required,
        delay,
        deadlines,
        disputes,
        ..plan(contract, account)
    };
    let deployed = deploy_rollup(&sender, &plan).await?;
    let (governance, rollup) = (deployed.governance, deployed.rollup.address);
    info!(target: "tern::deploy", %governance, %rollup, %owner, %guardian, "Governance and Rollup deployed");
    Ok(Deployment {
        rollup,
        governance,
        bridge,
        forced_queue: deployed.forced_queue,
        disputes: deployed.disputes,
        verifier,
        attestation_verifier: attested.map(|(attestation, _)| attestation),
        verifier_set: attested.map(|(_, set)| set),
        l2_rpc_url,
        l3_rpc_url: String::new(),
        l2_chain_id: contract.chain.l2_chain_id,
        l3_chain_id: contract.chain.genesis.chain_id.0,
        genesis_hash: contract.genesis.hash_slow(),
        profile: contract.chain.profile,
    })
}

/// A verifier of watchers' signatures, and the set of both, which the `Rollup` asks.
async fn deploy_attested(
    sender: &TransactionSender,
    verifier: Address,
    config: &AttestationConfig,
) -> Result<(Address, Address), DeployError> {
    let (watchers, threshold) = (&config.accounts, config.required());
    let attestation = deploy_attestation_verifier(sender, watchers, threshold).await?;
    let attestation = attestation.address;
    let set = deploy_verifier_set(sender, &[verifier, attestation]).await?;
    let set = set.address;
    info!(target: "tern::deploy", %attestation, %set, threshold, watchers = watchers.len(),
        "AttestationVerifier and VerifierSet deployed");
    Ok((attestation, set))
}

/// The key of the final circuit of a profile.
///
/// # Errors
/// [`DeployError::Circuit`].
pub async fn verifier_key(profile: Profile) -> Result<VerifierKey, DeployError> {
    let built = tokio::task::spawn_blocking(move || {
        let profile = profile.as_str().parse().map_err(DeployError::circuit)?;
        let verifier = JobVerifier::for_profile(profile).map_err(DeployError::circuit)?;
        let key = verifier.contract_key();
        Ok(VerifierKey {
            circuit_digest: key.circuit_digest,
            constants_sigmas_cap: key.constants_sigmas_cap,
        })
    });
    built.await.map_err(DeployError::circuit)?
}

/// The bridge that the chain file names: anyone may create the usual one.
async fn bridge(sender: &TransactionSender, named: Address) -> Result<Address, SettlementError> {
    if named == canonical_bridge() {
        return deploy_bridge(sender).await;
    }
    match sender.l2().code(named).await?.is_empty() {
        false => Ok(named),
        true => Err(SettlementError::NoContract {
            address: named,
            chain: sender.l2().chain_id(),
        }),
    }
}

/// The contracts of a chain in which `account` is everything, and which takes no proofs yet.
pub fn plan(contract: Contract<'_>, account: Address) -> RollupPlan {
    let window = HashWindow::new([contract.genesis.hash_slow()]);
    RollupPlan {
        chain_id: ChainId(contract.chain.genesis.chain_id.0),
        genesis: contract.genesis.clone(),
        beneficiary: contract.chain.genesis.beneficiary,
        window: window_digest(&window.to_vec()),
        roles: Roles {
            owner: account,
            operator: account,
            guardian: account,
        },
        verifier: Address::ZERO,
        delay: DEFAULT_DELAY,
        bridge: contract.chain.l2_bridge,
        deadlines: DEFAULT_DEADLINES,
        disputes: None,
    }
}

impl Deployment {
    /// Reads the deployment of a data directory, if there is one, and checks that it is this chain's.
    ///
    /// # Errors
    /// See [`DeploymentError`].
    pub fn read(data_dir: &Path, contract: Contract<'_>) -> Result<Option<Self>, DeploymentError> {
        let path = data_dir.join(FILE);
        let found = match Self::load(&path) {
            Err(DeploymentError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            found => found?,
        };
        let (chain, hash) = (contract.chain, contract.genesis.hash_slow());
        let fields = [
            (
                "l2ChainId",
                found.l2_chain_id.to_string(),
                chain.l2_chain_id.to_string(),
            ),
            (
                "l3ChainId",
                found.l3_chain_id.to_string(),
                chain.genesis.chain_id.to_string(),
            ),
            (
                "genesisHash",
                found.genesis_hash.to_string(),
                hash.to_string(),
            ),
            (
                "profile",
                found.profile.to_string(),
                chain.profile.to_string(),
            ),
        ];
        match fields
            .into_iter()
            .find(|(_, found, expected)| found != expected)
        {
            None => Ok(Some(found)),
            Some((field, found, expected)) => Err(DeploymentError::Foreign {
                path,
                field,
                found,
                expected,
            }),
        }
    }

    /// Reads a deployment from a file.
    ///
    /// # Errors
    /// If it cannot be read, or is none.
    pub fn load(path: &Path) -> Result<Self, DeploymentError> {
        let io = |source| DeploymentError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        };
        let malformed = |reason| DeploymentError::Malformed {
            path: path.to_owned(),
            reason,
        };
        let len = fs::metadata(path).map_err(io)?.len();
        if len > MAX_LEN {
            return Err(malformed(format!("it has {len} bytes")));
        }
        let text = fs::read(path).map_err(io)?;
        serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))
    }

    /// Writes the deployment, whole or not at all.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn write(&self, data_dir: &Path) -> Result<PathBuf, DeploymentError> {
        let path = data_dir.join(FILE);
        let draft = data_dir.join(format!("{FILE}.new"));
        let text = serde_json::to_vec_pretty(self).expect("plain data serialises");
        fs::create_dir_all(data_dir)
            .and_then(|()| fs::File::create(&draft))
            .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&draft, &path))
            .map_err(|source| DeploymentError::Io {
                action: "written",
                path: path.clone(),
                source,
            })?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use tern_cluster_config::{CANONICAL_BRIDGE, Devnet};

    use super::*;

    fn deployment(header: &Header) -> Deployment {
        Deployment {
            rollup: Address::repeat_byte(1),
            governance: Address::repeat_byte(5),
            bridge: Address::repeat_byte(6),
            forced_queue: Address::repeat_byte(7),
            disputes: None,
            verifier: Address::repeat_byte(2),
            attestation_verifier: None,
            verifier_set: None,
            l2_rpc_url: "http://127.0.0.1:8545".into(),
            l3_rpc_url: "http://127.0.0.1:3050".into(),
            l2_chain_id: 31_337,
            l3_chain_id: 33_050,
            genesis_hash: header.hash_slow(),
            profile: Profile::Secure,
        }
    }

    fn terms(window: u64, proof: u64) -> DisputeTerms {
        DisputeTerms {
            challenge_window: Duration::from_secs(window),
            proof_time: Duration::from_secs(proof),
            stake: U256::from(2),
            bond: U256::from(1),
        }
    }

    #[test]
    fn a_chain_with_a_challenge_window_waits_for_longer_than_a_challenge_takes() {
        assert_eq!(usual_deadlines(None), DEFAULT_DEADLINES);
        let week = terms(7 * DAY, 3 * DAY);
        let usual = usual_deadlines(Some(&week));
        let days = |time: Duration| time.as_secs() / DAY;
        assert_eq!((days(usual.inclusion), days(usual.liveness)), (11, 14));
        assert_eq!(wrong_terms(&week, &usual), None);
        let wrong = wrong_terms(&week, &DEFAULT_DEADLINES).unwrap();
        assert!(
            wrong.contains("10days") && wrong.contains("--inclusion-hours"),
            "{wrong}"
        );
        let long = terms(20 * DAY, 8 * DAY);
        let wrong = wrong_terms(&long, &usual_deadlines(Some(&long))).unwrap();
        assert!(wrong.contains("--liveness-hours"), "{wrong}");
        assert_eq!(
            usual_deadlines(Some(&terms(60, 60))),
            Deadlines {
                inclusion: Duration::from_secs(DAY + 120),
                ..DEFAULT_DEADLINES
            }
        );
    }

    #[test]
    fn terms_that_the_contract_refuses_are_refused_before() {
        let refused = |terms| wrong_terms(&terms, &usual_deadlines(Some(&terms))).unwrap();
        assert!(refused(terms(0, 60)).contains("from a second"));
        assert!(refused(terms(60, 31 * DAY)).contains("30 days"));
        assert!(refused(terms(u64::MAX, u64::MAX)).contains("30 days"));
        for (stake, bond) in [(10, 0), (1, 1)] {
            let terms = DisputeTerms {
                stake: U256::from(stake),
                bond: U256::from(bond),
                ..terms(60, 60)
            };
            assert!(refused(terms).contains("twice the bond"));
        }
    }

    #[test]
    fn a_deployment_is_found_again_and_refused_for_another_chain() {
        let directory = tempfile::tempdir().unwrap();
        let header = Header::default();
        let chain = Devnet::l3(31_337, Profile::Secure);
        let contract = Contract {
            chain: &chain,
            genesis: &header,
        };
        assert_eq!(Deployment::read(directory.path(), contract).unwrap(), None);
        let written = deployment(&header);
        written.write(directory.path()).unwrap();
        assert_eq!(
            Deployment::read(directory.path(), contract).unwrap(),
            Some(written)
        );

        let insecure = Devnet::l3(31_337, Profile::InsecureTest);
        let contract = Contract {
            chain: &insecure,
            genesis: &header,
        };
        let message = Deployment::read(directory.path(), contract)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("profile") && message.contains("--data-dir"),
            "{message}"
        );
    }

    #[test]
    fn the_bridge_is_where_chain_files_say_that_it_is() {
        assert_eq!(CANONICAL_BRIDGE, canonical_bridge());
    }

    #[test]
    fn a_garbled_deployment_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FILE), "{\"rollup\": 3}").unwrap();
        let (chain, header) = (Devnet::l3(1, Profile::Secure), Header::default());
        let contract = Contract {
            chain: &chain,
            genesis: &header,
        };
        let message = Deployment::read(directory.path(), contract)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains(FILE) && message.contains("not a deployment"),
            "{message}"
        );
    }
}
