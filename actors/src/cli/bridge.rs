//! `tern bridge`.

use std::path::PathBuf;

use alloy::primitives::{Address, Bytes, TxHash};
use clap::{Args, Subcommand};
use serde_json::json;
use tern_cluster::ShutdownReason;
use tern_cluster_config::SecretUrl;
use tern_settlement::L2Endpoint;

use super::flags::{key_source, parse_url};
use super::print;
use crate::crossing::{Crossing, Deposit, Endpoints, Fate, Progress, Withdraw};
use crate::deployment::Deployment;
use crate::supervisor::Failure;

/// Move ETH, tokens and transactions between L2 and L3.
///
/// Says on stderr what it waits for, and on stdout what came of it. Everything is done with the RPC servers of the two chains
/// and one key, which signs on both. Given again, a command sends again: who interrupts one ends only its waiting, and what was
/// sent goes on by itself; `finalize` takes a withdrawal up.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples (on a devnet, whose file devnet-data/deployment.json says where everything is):
  tern bridge deposit 1.5 --key-env MY_KEY
  tern bridge deposit 100 --token 0x… --key-file me.key
  tern bridge withdraw 0.5 --key-env MY_KEY          and, once L2 has verified its block:
  tern bridge finalize 0x… --key-env MY_KEY          with the hash of the L3 transaction that withdraw printed
  tern bridge send 2 --to-chain 0x… --key-env MY_KEY         to another chain of this L2, by its Rollup's address
  tern bridge force 0x02f8… --key-env MY_KEY         a signed L3 transaction that no operator can leave out
  tern bridge exit --freeze --key-env MY_KEY         out of a chain that nobody goes on with
  tern bridge status --key-env MY_KEY --json")]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

/// Which chain, and who.
#[derive(Clone, Debug, Args)]
struct Place {
    /// The file that says where the contracts are, as `tern deploy` prints it and a devnet writes it.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "devnet-data/deployment.json"
    )]
    deployment: PathBuf,

    /// RPC server of the L2 [default: the deployment's].
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    l2_rpc: Option<SecretUrl>,

    /// RPC server of the L3 [default: the deployment's].
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    l3_rpc: Option<SecretUrl>,

    #[command(flatten)]
    key: KeyFlags,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
struct KeyFlags {
    /// File with the account's key: 32 bytes in hexadecimal, readable by you only.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// Variable of the environment that holds the same.
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
}

/// How much of what.
#[derive(Clone, Debug, Args)]
struct Amount {
    /// How much, with a point: 1.5.
    amount: String,

    /// The token's contract on L2 [default: ETH].
    #[arg(long, value_name = "ADDRESS")]
    token: Option<Address>,

    /// Who gets it [default: the account itself].
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Bring ETH or a token from L2 to L3.
    Deposit {
        #[command(flatten)]
        what: Amount,
        /// Gas on L3 for a recipient that is a contract.
        #[arg(long, value_name = "GAS", default_value_t = 0)]
        gas: u32,
        /// End as soon as L2 has it.
        #[arg(long)]
        no_wait: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Send ETH or a token from L3 to L2; `finalize` has it paid there.
    Withdraw {
        #[command(flatten)]
        what: Amount,
        /// Wait for the proof, and have it paid.
        #[arg(long)]
        finalize: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Wait until L2 has verified a withdrawal, and have it paid. Anyone may, and pays the gas.
    Finalize {
        /// Hash of the L3 transaction that sent it.
        transaction: TxHash,
        #[command(flatten)]
        place: Place,
    },
    /// Send ETH or a token from this chain to another one of the same L2; `finalize` hands it over there.
    Send {
        #[command(flatten)]
        what: Amount,
        /// The other chain: its Rollup on L2.
        #[arg(long, value_name = "ADDRESS")]
        to_chain: Address,
        /// Wait for the proof, and have it handed over.
        #[arg(long)]
        finalize: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Post a signed L3 transaction on L2, so that a block must hold it by the deadline: a transfer, or a call of L3's bridge.
    Force {
        /// The transaction, as `cast mktx` prints it.
        transaction: Bytes,
        /// End as soon as L2 has it.
        #[arg(long)]
        no_wait: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Take out of a chain that ended what an account owned in its last state. Anyone may; the account is paid.
    ///
    /// L3's RPC server may be any node that has the last state, as `tern sync --from-l2` makes it.
    Exit {
        /// Whose [default: the key's].
        #[arg(long, value_name = "ADDRESS")]
        account: Option<Address>,
        /// End the chain first, if its deadlines are over: nothing is ever committed or proven after that.
        #[arg(long)]
        freeze: bool,
        #[command(flatten)]
        place: Place,
    },
    /// What is on its way.
    Status {
        #[command(flatten)]
        place: Place,
    },
}

impl Place {
    async fn connect(&self) -> Result<Crossing, Failure> {
        let deployment = Deployment::load(&self.deployment)?;
        let endpoint = |given: &Option<SecretUrl>, known: &str| {
            let url = match given {
                Some(url) => url.clone(),
                None => known.parse().map_err(Failure::configuration)?,
            };
            Ok::<_, Failure>(L2Endpoint::new(url.expose().clone()))
        };
        let endpoints = Endpoints {
            l2: endpoint(&self.l2_rpc, &deployment.l2_rpc_url)?,
            l3: endpoint(&self.l3_rpc, &deployment.l3_rpc_url)?,
        };
        let source = key_source(self.key.key_file.as_deref(), self.key.key_env.as_deref());
        let source =
            source.ok_or_else(|| Failure::configuration("give a key: --key-file or --key-env"))?;
        Ok(Crossing::connect(&deployment, endpoints, source.load()?).await?)
    }

    fn answer(&self, sentence: &str, answer: &impl serde::Serialize) -> Result<(), Failure> {
        match self.json {
            true => print(&format!("{:#}", json!(answer))),
            false => print(sentence),
        }
    }
}

pub(super) async fn run(arguments: Arguments) -> Result<ShutdownReason, Failure> {
    let mut progress = Progress::default();
    match arguments.action {
        Action::Deposit {
            what,
            gas,
            no_wait,
            place,
        } => deposit(&place, what, gas, no_wait, &mut progress).await?,
        Action::Withdraw {
            what,
            finalize,
            place,
        } => withdraw(&place, what, None, finalize, &mut progress).await?,
        Action::Send {
            what,
            to_chain,
            finalize,
            place,
        } => withdraw(&place, what, Some(to_chain), finalize, &mut progress).await?,
        Action::Finalize { transaction, place } => {
            let crossing = place.connect().await?;
            finish(&place, &crossing, transaction, &mut progress).await?;
        }
        Action::Force {
            transaction,
            no_wait,
            place,
        } => force(&place, transaction, no_wait, &mut progress).await?,
        Action::Exit {
            account,
            freeze,
            place,
        } => exit(&place, account, freeze, &mut progress).await?,
        Action::Status { place } => status(&place).await?,
    }
    Ok(ShutdownReason::Requested("done".to_owned()))
}

async fn deposit(
    place: &Place,
    what: Amount,
    gas_limit: u32,
    no_wait: bool,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let crossing = place.connect().await?;
    let asset = crossing.asset(what.token).await?;
    let deposit = Deposit {
        amount: asset.parse(&what.amount)?,
        asset,
        to: what.to.unwrap_or(crossing.account()),
        gas_limit,
    };
    let mut deposited = crossing.deposit(&deposit, progress).await?;
    if !no_wait {
        deposited.fate = Some(crossing.until_processed(deposited.index, progress).await?);
    }
    let (amount, symbol) = (deposit.asset.format(deposit.amount), &deposit.asset.symbol);
    let state = match deposited.fate {
        None => "is on its way to L3",
        Some(Fate::Called) => "is on L3",
        Some(Fate::Failed) => {
            "could not be paid on L3: ETH is the recipient's (L3Inbox.takeRefund), and a token is on its way back as a withdrawal"
        }
        Some(Fate::Parked) => {
            "is parked on L3, as it takes too much there: anyone may have it called (L3Inbox.call)"
        }
        Some(Fate::Unknown) => "was processed on L3 long ago",
    };
    let sentence = format!(
        "{amount} {symbol} for {} {state} (message {}).",
        deposit.to, deposited.index
    );
    place.answer(&sentence, &deposited)
}

async fn withdraw(
    place: &Place,
    what: Amount,
    chain: Option<Address>,
    finalize: bool,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let crossing = place.connect().await?;
    let asset = crossing.asset(what.token).await?;
    let withdraw = Withdraw {
        amount: asset.parse(&what.amount)?,
        asset,
        to: what.to.unwrap_or(crossing.account()),
        chain,
    };
    let sent = crossing.withdraw(&withdraw, progress).await?;
    if finalize {
        return finish(place, &crossing, sent.transaction, progress).await;
    }
    let sentence = format!(
        "Withdrawal {} is in L3 block {}. Once L2 has verified that block: tern bridge finalize {}",
        sent.id, sent.block, sent.transaction
    );
    place.answer(&sentence, &sent)
}

async fn finish(
    place: &Place,
    crossing: &Crossing,
    transaction: TxHash,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let sent = crossing.sent(transaction).await?;
    let finalized = crossing.finalize(&sent, progress).await?;
    let sentence = match finalized.transaction {
        Some(transaction) => format!("Withdrawal {} is paid: {transaction} on L2.", sent.id),
        None => format!("Withdrawal {} was paid before.", sent.id),
    };
    place.answer(&sentence, &finalized)
}

async fn force(
    place: &Place,
    transaction: Bytes,
    no_wait: bool,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let crossing = place.connect().await?;
    let forced = crossing.force(transaction, progress).await?;
    let state = match no_wait {
        true => "waits for a block of L3",
        false => {
            crossing.until_executed(&forced, progress).await?;
            "is in a block of L3"
        }
    };
    let sentence = format!("{} {state} (entry {}).", forced.transaction, forced.index);
    place.answer(&sentence, &forced)
}

async fn exit(
    place: &Place,
    account: Option<Address>,
    freeze: bool,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let crossing = place.connect().await?;
    let account = account.unwrap_or(crossing.account());
    if freeze {
        crossing.freeze(progress).await?;
    }
    let exited = crossing.exit(account, progress).await?;
    let lines = exited
        .iter()
        .map(|one| match (&one.transaction, &one.refused) {
            (Some(transaction), _) => format!("{} for {account}: {transaction} on L2", one.what),
            (None, refused) => format!(
                "{} for {account} was refused, and can be tried again: {}",
                one.what,
                refused.as_deref().unwrap_or("no reason was given")
            ),
        });
    let sentence = match exited.is_empty() {
        true => format!("{account} owned nothing there that it has not taken."),
        false => lines.collect::<Vec<_>>().join("\n"),
    };
    place.answer(&sentence, &exited)
}

async fn status(place: &Place) -> Result<(), Failure> {
    let crossing = place.connect().await?;
    let ether = crossing.asset(None).await?;
    let now = crossing.summary().await?;
    let lines = [
        ("Bridge on L2", now.bridge.to_string()),
        ("Deposited", format!("{} ETH", ether.format(now.deposited))),
        (
            "Messages to L3",
            format!(
                "{} sent, {} processed, {} of them proven",
                now.messages_sent, now.messages_processed, now.messages_proven
            ),
        ),
        (
            "Forced transactions",
            format!("{} posted, {} proven", now.forced_posted, now.forced_proven),
        ),
        (
            "Withdrawals",
            format!("can be finalized up to L3 block {}", now.verified_block),
        ),
        (
            "Your account",
            format!(
                "{} ETH on L2, {} ETH on L3",
                ether.format(now.balance_on_l2),
                ether.format(now.balance_on_l3)
            ),
        ),
    ];
    let lines = lines.map(|(name, value)| format!("{name:<20} {value}"));
    place.answer(&lines.join("\n"), &now)
}
