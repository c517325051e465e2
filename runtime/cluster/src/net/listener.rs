//! Accepts connections, within bounds.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::handshake::{self, HandshakeError};
use super::limiter::{Buckets, party};
use super::session::Direction;
use super::settings::Limits;
use super::shared::Shared;
use super::tcp;
use crate::fault::Fault;
use crate::identity::Name;

/// Pause after the operating system refused to accept, for lack of descriptors for example.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts for ever.
pub(super) async fn run(listener: Arc<TcpListener>, shared: Arc<Shared>) -> Fault {
    let limits = shared.directory.limits;
    let mut rates = Buckets::new(limits.connections);
    let pending = Arc::new(Pending::new(limits));
    // Handshakes end with the loop.
    let over = CancellationToken::new();
    let _end = over.clone().drop_guard();
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(target: "tern::cluster", %error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let party = party(address.ip());
        if !rates.try_take(party, Instant::now()) {
            shared.directory.refused(&party, &"it connects too often");
            continue;
        }
        let Some(slot) = pending.enter(party, &over) else {
            let why = "it has too many unfinished handshakes";
            shared.directory.refused(&party, &why);
            continue;
        };
        tokio::spawn(serve(Arc::clone(&shared), stream, address, slot));
    }
}

async fn serve(shared: Arc<Shared>, stream: TcpStream, address: SocketAddr, slot: Slot) {
    let cancelled = slot.cancelled.clone();
    let greeted = cancelled.run_until_cancelled(greet(&shared, stream, address));
    let outcome = greeted.await.unwrap_or(Err(HandshakeError::Timeout));
    drop(slot);
    if let Err(error) = outcome {
        match &error {
            // The certificate is good, so the name is known.
            HandshakeError::Objections { who, .. } => shared.directory.refused(who, &error),
            _ => shared.directory.refused(&party(address.ip()), &error),
        }
    }
}

async fn greet(
    shared: &Arc<Shared>,
    stream: TcpStream,
    address: SocketAddr,
) -> Result<(), HandshakeError> {
    let timings = &shared.directory.timings;
    tcp::configure(&stream, timings).map_err(HandshakeError::Socket)?;
    let acceptor = shared.credentials.present().acceptor.clone();
    let has_room = |name: &Name| shared.directory.has_room(name);
    let handshake = handshake::accept(acceptor, stream, &shared.hello, has_room);
    let (tls, peer) = tokio::time::timeout(timings.handshake, handshake)
        .await
        .map_err(|_| HandshakeError::Timeout)??;
    shared.open(tls, peer, address, Direction::Accepted);
    Ok(())
}

/// The handshakes that are under way.
struct Pending {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    by_party: HashMap<IpAddr, usize>,
    oldest_first: VecDeque<(u64, CancellationToken)>,
}

/// One handshake's place.
struct Slot {
    number: u64,
    party: IpAddr,
    cancelled: CancellationToken,
    pending: Arc<Pending>,
}

impl Pending {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics under this lock")
    }

    /// A place for a handshake, if its party may have one more. The oldest one gives way when all are taken.
    fn enter(self: &Arc<Self>, party: IpAddr, over: &CancellationToken) -> Option<Slot> {
        let mut state = self.state();
        let count = state.by_party.entry(party).or_default();
        if *count >= self.limits.handshakes_per_address {
            return None;
        }
        *count += 1;
        if state.oldest_first.len() >= self.limits.handshakes
            && let Some((_, oldest)) = state.oldest_first.pop_front()
        {
            oldest.cancel();
        }
        let number = state.next;
        state.next += 1;
        let cancelled = over.child_token();
        state.oldest_first.push_back((number, cancelled.clone()));
        Some(Slot {
            number,
            party,
            cancelled,
            pending: Arc::clone(self),
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.pending.state();
        state
            .oldest_first
            .retain(|(number, _)| *number != self.number);
        if let Some(count) = state.by_party.get_mut(&self.party) {
            *count -= 1;
            if *count == 0 {
                state.by_party.remove(&self.party);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_handshake_gives_way_and_no_party_may_have_all() {
        let pending = Arc::new(Pending::new(Limits {
            handshakes: 2,
            handshakes_per_address: 1,
            ..Limits::default()
        }));
        let over = CancellationToken::new();
        let enter = |last: u8| pending.enter(IpAddr::from([10, 0, 0, last]), &over);
        let first = enter(1).expect("room");
        assert!(enter(1).is_none(), "one for each party");
        let second = enter(2).expect("room");
        let third = enter(3).expect("the first gives way");
        let given_up = [&first, &second, &third].map(|slot| slot.cancelled.is_cancelled());
        assert_eq!(given_up, [true, false, false]);
        drop(first);
        let _again = enter(1).expect("its place is free again");
        assert!(
            second.cancelled.is_cancelled(),
            "now the second was the oldest"
        );
    }
}
