//! The encrypted stream as the actor system gets it: read through the [`Guard`], ended with its [`Session`].

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ractor_cluster::{BoxRead, BoxWrite, ClusterBidiStream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, BufReader};
use tokio_util::io::StreamReader;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::directory::Directory;
use super::guard::{Guard, Kind, Violation};
use super::limiter::Bucket;
use super::session::{Departure, Pulse, Session};
use super::settings::MAX_FRAME;

/// Read from the connection at once, at most.
const READ_BUFFER: usize = 64 << 10;

/// Bytes of a message that count as another message.
const COST_UNIT: usize = 32 << 10;
/// A call ends so much later than the longest answer may take: the refusal shall be sent.
const CALL_MARGIN: Duration = Duration::from_secs(5);

/// A connection of which everything is known.
pub(super) struct GuardedStream {
    label: String,
    reader: BoxRead,
    writer: BoxWrite,
}

impl GuardedStream {
    pub(super) fn new<S>(stream: S, session: Arc<Session>, directory: Arc<Directory>) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (read, write) = tokio::io::split(stream);
        let guard = Guard::new(
            session.key,
            session.peer.to_string(),
            Arc::clone(&directory.gateway),
            directory.timings.answer + CALL_MARGIN,
        );
        let reader = Reader {
            half: BufReader::with_capacity(READ_BUFFER, read),
            guard,
            bucket: Bucket::full(directory.limits.messages, Instant::now()),
            pulse: Pulse::now(),
            end: End {
                session: Arc::clone(&session),
                directory,
            },
        };
        let frames = futures::stream::unfold(reader, |mut reader| async {
            let frame = reader.next().await?;
            Some((Ok::<_, io::Error>(frame), reader))
        });
        let writer = Writer {
            half: write,
            over: Box::pin(session.over.clone().cancelled_owned()),
            session: Arc::clone(&session),
        };
        Self {
            label: session.key.label(),
            reader: Box::new(StreamReader::new(Box::pin(frames))),
            writer: Box::new(writer),
        }
    }
}

impl ClusterBidiStream for GuardedStream {
    fn split(self: Box<Self>) -> (BoxRead, BoxWrite) {
        (self.reader, self.writer)
    }

    /// By it the session is recognised in the node server's events.
    fn peer_label(&self) -> Option<String> {
        Some(self.label.clone())
    }
}

struct Reader<R> {
    half: BufReader<R>,
    guard: Guard,
    bucket: Bucket,
    pulse: Pulse,
    end: End,
}

/// Ends the session when the actor system drops the connection, for whatever reason.
struct End {
    session: Arc<Session>,
    directory: Arc<Directory>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.session.end(Departure::Closed);
        // Whoever keeps a handle of the peer shall not keep its blobs.
        if let Ok(mut blobs) = self.session.blobs.lock() {
            blobs.clear();
        }
        self.directory.forget(self.session.key);
    }
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// The next frame for the actor system; `None` when the session is over.
    async fn next(&mut self) -> Option<Bytes> {
        let over = self.end.session.over.clone();
        let outcome = over.run_until_cancelled(self.admitted()).await?;
        match outcome {
            Ok(frame) => Some(frame),
            Err(why) => {
                self.end.session.end(why);
                None
            }
        }
    }

    async fn admitted(&mut self) -> Result<Bytes, Departure> {
        loop {
            let frame = self.frame().await?;
            self.pulse.beat();
            let cost = 1 + u32::try_from(frame.len() / COST_UNIT).unwrap_or(u32::MAX - 1);
            let (admitted, kind) = self.guard.admit(frame).map_err(broken)?;
            if kind != Kind::Control {
                self.end.session.heard.fetch_add(1, Ordering::Relaxed);
            }
            if kind != Kind::Answer {
                let rate = self.end.directory.limits.messages;
                let wait = self.bucket.take(cost, rate, Instant::now());
                if !wait.is_zero() {
                    tokio::time::sleep(wait).await;
                }
            }
            if let Some(frame) = admitted {
                return Ok(frame);
            }
        }
    }

    async fn frame(&mut self) -> Result<Bytes, Departure> {
        let timings = self.end.directory.timings;
        let closed = |_: io::Error| Departure::Closed;
        let Ok(first) = tokio::time::timeout(timings.idle, self.half.read_u8()).await else {
            return Err(Departure::Silent {
                since: self.pulse.silence(),
            });
        };
        let first = first.map_err(closed)?;
        let rest = async {
            let mut length = [first, 0, 0, 0, 0, 0, 0, 0];
            self.half
                .read_exact(&mut length[1..])
                .await
                .map_err(closed)?;
            let len = u64::from_be_bytes(length);
            if len > MAX_FRAME as u64 {
                return Err(broken(Violation::TooLong {
                    len,
                    max: MAX_FRAME,
                }));
            }
            // Grows as the bytes come.
            let mut body = Vec::new();
            let mut limited = (&mut self.half).take(len);
            limited.read_to_end(&mut body).await.map_err(closed)?;
            if body.len() as u64 != len {
                return Err(Departure::Closed);
            }
            Ok(Bytes::from(body))
        };
        match tokio::time::timeout(timings.frame, rest).await {
            Ok(frame) => frame,
            Err(_) => Err(Departure::Silent {
                since: timings.frame,
            }),
        }
    }
}

fn broken(violation: Violation) -> Departure {
    Departure::Violation(violation.to_string())
}

struct Writer<W> {
    half: W,
    over: Pin<Box<WaitForCancellationFutureOwned>>,
    session: Arc<Session>,
}

impl<W> Writer<W> {
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.over.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Writer<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        let outcome = Pin::new(&mut self.half).poll_write(cx, bytes);
        if let Poll::Ready(Ok(written)) = outcome {
            self.session.unsent.wrote(written);
        }
        outcome
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.half).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.half).poll_shutdown(cx)
    }
}
