//! Tells the coordinator which provers are no longer connected.

use futures::FutureExt;
use tern_cluster::net::{Cluster, Departure, PeerEvent, supervised};
use tern_cluster::{Address, ChildSpec, Fault};
use tern_messages::Role;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::sequencer::CoordinatorMessage;

/// Watches the provers that leave, for the coordinator of this process: it gives their jobs to others sooner than
/// the leases would end by themselves.
pub fn departures(
    rank: u8,
    cluster: &Cluster,
    coordinator: &Address<CoordinatorMessage>,
) -> ChildSpec {
    let (cluster, coordinator) = (cluster.clone(), coordinator.clone());
    supervised("prover-departures", rank, move || {
        watch(cluster.events(), coordinator.clone()).boxed()
    })
}

async fn watch(mut events: Receiver<PeerEvent>, coordinator: Address<CoordinatorMessage>) -> Fault {
    loop {
        match events.recv().await {
            // One that connected anew is not gone.
            Ok(PeerEvent::Left { peer, why })
                if peer.plays(Role::Prover) && !matches!(why, Departure::Replaced) =>
            {
                let _ = coordinator.cast(CoordinatorMessage::Gone(peer.name().to_string()));
            }
            // The leases of those that are missed end by themselves.
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => {
                return Fault::Passing("the cluster's channels have ended".into());
            }
        }
    }
}
