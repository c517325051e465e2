//! A network between two nodes that can fail.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    Fair,
    /// Nothing passes; connections stay open, and new ones lead nowhere.
    Frozen,
    /// Nothing passes from the acceptor to the dialler.
    OneWay,
    /// Some 3 MB/s in each direction.
    Slow,
    /// Connections break at once, and new ones are closed.
    Cut,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    ToAcceptor,
    ToDialler,
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    weather: Arc<watch::Sender<Weather>>,
}

impl Proxy {
    pub(crate) async fn before(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let weather = Arc::new(watch::Sender::new(Weather::Fair));
        let forecast = Arc::clone(&weather);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("accepts");
                tokio::spawn(pass(stream, upstream, forecast.subscribe()));
            }
        });
        Self { address, weather }
    }

    pub(crate) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

async fn pass(stream: TcpStream, upstream: SocketAddr, mut weather: watch::Receiver<Weather>) {
    if *weather.borrow() == Weather::Cut {
        return;
    }
    let Ok(onward) = TcpStream::connect(upstream).await else {
        return;
    };
    stream.set_nodelay(true).expect("a socket");
    onward.set_nodelay(true).expect("a socket");
    let ((in_read, in_write), (out_read, out_write)) = (stream.into_split(), onward.into_split());
    let there = copy(in_read, out_write, Way::ToAcceptor, weather.clone());
    let back = copy(out_read, in_write, Way::ToDialler, weather.clone());
    tokio::select! {
        () = async { tokio::join!(there, back); } => {}
        _ = weather.wait_for(|weather| *weather == Weather::Cut) => {}
    }
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    way: Way,
    mut weather: watch::Receiver<Weather>,
) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count) = from.read(&mut bytes).await {
        let passes = |weather: &Weather| match weather {
            Weather::Fair | Weather::Slow | Weather::Cut => true,
            Weather::Frozen => false,
            Weather::OneWay => way == Way::ToAcceptor,
        };
        if weather.wait_for(passes).await.is_err() || count == 0 {
            break;
        }
        if *weather.borrow() == Weather::Slow {
            tokio::time::sleep(Duration::from_nanos(300) * u32::try_from(count).expect("small"))
                .await;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
}
