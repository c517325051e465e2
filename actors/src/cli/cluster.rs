//! `tern cluster`: who may take part.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use tern_cluster::ShutdownReason;
use tern_cluster::identity::{self, Issued, Name, NodeRequest};
use tern_cluster_config::Role;

use super::{print, status};
use crate::supervisor::Failure;

/// Certify the machines of a cluster, and look at it.
///
/// A certificate authority in a folder says which machine may be what. Keep its folder offline; a node gets only the
/// folder that `issue` writes for it. People get certificates with the role operator, to ask for the cluster's status
/// and to drain provers.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tern cluster init --authority ca --cluster mainnet
  tern cluster issue --authority ca --role sequencer --name seq-1 --out seq-1
  tern cluster issue --authority ca --role prover --name prover-1 --out prover-1
  tern cluster revoke --authority ca --name prover-1
  tern cluster update --authority ca --identity seq-1      bring the new revocation list to a node's folder
  tern cluster issue --authority ca --role operator --name alice --out alice
  tern cluster status --identity alice --join 10.0.0.2:7450")]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Make the authority of a new cluster.
    Init {
        /// Folder of the authority: new or empty.
        #[arg(long, value_name = "DIR")]
        authority: PathBuf,
        /// Name of the cluster.
        #[arg(long, value_name = "NAME")]
        cluster: Name,
    },
    /// Certify a node and write its identity folder.
    Issue {
        /// Folder of the authority.
        #[arg(long, value_name = "DIR")]
        authority: PathBuf,
        /// What the node may be; several separated by commas.
        #[arg(
            long = "role",
            value_name = "ROLE",
            required = true,
            value_delimiter = ','
        )]
        roles: Vec<Role>,
        /// Name of the node, unique in the cluster.
        #[arg(long, value_name = "NAME")]
        name: Name,
        /// The identity folder: new or empty.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// How long the certificate is valid.
        #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=3650))]
        days: u64,
    },
    /// Take a node's certificates back. Running nodes notice when their folder is updated.
    Revoke {
        /// Folder of the authority.
        #[arg(long, value_name = "DIR")]
        authority: PathBuf,
        /// Name of the node.
        #[arg(long, value_name = "NAME")]
        name: Name,
    },
    /// Bring the authority's revocation list to a node's identity folder.
    Update {
        /// Folder of the authority.
        #[arg(long, value_name = "DIR")]
        authority: PathBuf,
        /// Identity folder of a node.
        #[arg(long, value_name = "DIR")]
        identity: PathBuf,
    },
    /// Ask a sequencer or a main node who is connected with it, and what is being proven.
    Status(status::Arguments),
}

pub(super) async fn run(arguments: Arguments) -> Result<ShutdownReason, Failure> {
    let said = match arguments.action {
        Action::Init { authority, cluster } => {
            identity::init(&authority, &cluster).map_err(Failure::configuration)?;
            format!(
                "{} holds the authority of {cluster}; keep its ca.key secret",
                authority.display()
            )
        }
        Action::Issue {
            authority,
            roles,
            name,
            out,
            days,
        } => {
            if roles.contains(&Role::Watcher) {
                return Err(Failure::configuration(
                    "a watcher needs no identity: it depends on nobody but L2; start it with `tern node --role watcher`",
                ));
            }
            let mut request = NodeRequest::new(name, roles);
            request.until = SystemTime::now() + Duration::from_secs(days * 24 * 3600);
            let issued = identity::issue(&authority, &request, &out);
            let issued = issued.map_err(Failure::configuration)?;
            format!("{} is the identity of {}", out.display(), named(&issued))
        }
        Action::Revoke { authority, name } => {
            let revoked = identity::revoke(&authority, &name).map_err(Failure::configuration)?;
            let all: Vec<_> = revoked.iter().map(named).collect();
            format!(
                "revoked {}; now run `tern cluster update` for each node",
                all.join(", ")
            )
        }
        Action::Update {
            authority,
            identity,
        } => {
            identity::update(&authority, &identity).map_err(Failure::configuration)?;
            format!("{} has the newest revocation list", identity.display())
        }
        Action::Status(arguments) => status::run(arguments).await?,
    };
    print(&said)?;
    Ok(ShutdownReason::Requested("done".to_owned()))
}

fn named(issued: &Issued) -> String {
    format!("{} (serial {})", issued.name, issued.serial)
}
