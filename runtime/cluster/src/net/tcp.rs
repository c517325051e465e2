//! TCP as the cluster uses it.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use super::settings::Timings;

/// Probes that may stay unanswered.
const KEEPALIVE_PROBES: u32 = 3;
/// From one probe to the next. TCP counts in seconds.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);

/// Sets what makes a dead connection end: data that stays unacknowledged, and probes while there is no data.
pub(super) fn configure(stream: &TcpStream, timings: &Timings) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_user_timeout(Some(timings.tcp_user_timeout))?;
    let keepalive = TcpKeepalive::new()
        .with_time(timings.tcp_keepalive)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_PROBES);
    socket.set_tcp_keepalive(&keepalive)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn sockets_carry_the_production_timeouts() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let stream = TcpStream::connect(address).await.expect("connects");
        configure(&stream, &Timings::default()).expect("Linux knows all options");
        let socket = SockRef::from(&stream);
        assert_eq!(
            socket.tcp_user_timeout().expect("set"),
            Some(Duration::from_secs(10))
        );
        assert!(socket.keepalive().expect("set"));
        assert_eq!(
            socket.tcp_keepalive_time().expect("set"),
            Duration::from_secs(5)
        );
        assert!(stream.nodelay().expect("set"));
    }
}
