//! Keeps this node connected with the nodes that it joins.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::handshake::{self, HandshakeError};
use super::session::{Direction, Session};
use super::settings::Timings;
use super::shared::Shared;
use super::tcp;
use crate::fault::Fault;
use crate::identity::Role;

/// A node to be connected with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `HOST:PORT`. Resolved anew for each attempt.
    pub address: String,
    /// What is expected there. A certificate that does not allow this role is refused.
    pub role: Role,
}

/// Dials, waits for the end of the session, dials again, for ever. Returns when the first node that could be reached
/// there refuses this one, or is another than was expected: then the configuration is wrong. Later the same may be
/// somebody else's mistake, which passes.
pub(super) async fn keep_connected(target: Target, shared: Arc<Shared>) -> Fault {
    let timings = shared.directory.timings;
    let mut backoff = Backoff::new(&timings);
    let mut met = false;
    loop {
        let attempt = Instant::now();
        let lasts = match connect(&target, &shared).await {
            Ok(session) => {
                met = true;
                session.over.cancelled().await;
                if attempt.elapsed() > timings.redial_max {
                    backoff = Backoff::new(&timings);
                }
                false
            }
            Err(error) if error.lasts() && !met => {
                let Target { address, role } = target;
                return Fault::Configuration(
                    format!("cannot join {address} as its {role}: {error}").into(),
                );
            }
            Err(error) => {
                shared.directory.refused(&target.address, &error);
                error.lasts()
            }
        };
        tokio::time::sleep(backoff.next(lasts, rand::random())).await;
    }
}

async fn connect(target: &Target, shared: &Arc<Shared>) -> Result<Arc<Session>, HandshakeError> {
    let timings = &shared.directory.timings;
    let (stream, address) = tokio::time::timeout(timings.connect, reach(&target.address))
        .await
        .map_err(|_| HandshakeError::Timeout)??;
    tcp::configure(&stream, timings).map_err(HandshakeError::Socket)?;
    let connector = shared.credentials.present().connector.clone();
    let handshake = handshake::dial(connector, stream, target.role, &shared.hello);
    let (tls, peer) = tokio::time::timeout(timings.handshake, handshake)
        .await
        .map_err(|_| HandshakeError::Timeout)??;
    if !shared.directory.has_room(peer.name()) {
        return Err(HandshakeError::Full);
    }
    Ok(shared.open(tls, peer, address, Direction::Dialled))
}

async fn reach(address: &str) -> Result<(TcpStream, SocketAddr), HandshakeError> {
    let unresolved = |error| HandshakeError::Resolve(address.to_owned(), error);
    let mut last = None;
    for candidate in tokio::net::lookup_host(address).await.map_err(unresolved)? {
        match TcpStream::connect(candidate).await {
            Ok(stream) => return Ok((stream, candidate)),
            Err(error) => last = Some(HandshakeError::Connect(candidate, error)),
        }
    }
    let nothing = || unresolved(std::io::ErrorKind::NotFound.into());
    Err(last.unwrap_or_else(nothing))
}

/// Pauses that double, each shortened by chance so that many nodes do not dial at the same moment.
struct Backoff {
    first: Duration,
    max: Duration,
    refused: Duration,
    next: Duration,
}

impl Backoff {
    fn new(timings: &Timings) -> Self {
        Self {
            first: timings.redial_first,
            max: timings.redial_max,
            refused: timings.redial_refused,
            next: timings.redial_first,
        }
    }

    /// `chance` is from 0 to 1; the pause is between a half and the whole.
    fn next(&mut self, lasts: bool, chance: f64) -> Duration {
        let pause = if lasts {
            self.next = self.first;
            self.refused
        } else {
            let pause = self.next;
            self.next = (pause * 2).min(self.max);
            pause
        };
        pause.mul_f64(0.5 + 0.5 * chance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_lasting_refusals_wait_longer() {
        let mut backoff = Backoff::new(&Timings::default());
        let mut next = |lasts| backoff.next(lasts, 1.0).as_millis();
        let pauses: Vec<_> = (0..6).map(|_| next(false)).collect();
        assert_eq!(pauses, [250, 500, 1_000, 2_000, 4_000, 4_000]);
        assert_eq!((next(true), next(false)), (15_000, 250));
        assert_eq!(backoff.next(false, 0.0).as_millis(), 250, "half of 500");
    }
}
