//! From a TCP connection to an authenticated peer: TLS, then greetings.
//!
//! ```text
//! dialler                                  acceptor
//!   │ TLS 1.3, both certificates              │ revoked, expired, foreign: refused by TLS
//!   ├─────────────────────────────────────────▶
//!   │ Hello: name, roles, versions, chain     │ compares with the certificate and with its own
//!   ├─────────────────────────────────────────▶
//!   │              Welcome: its own Hello, or what differs
//!   ◀─────────────────────────────────────────┤
//!   │ compares likewise                       │
//! ```

use std::io;
use std::net::SocketAddr;

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, CommonState};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use super::hello::{Hello, MAX_GREETING, PeerIdentity, Verdict, clean_all};
use crate::identity::{Name, Role, Subject, internal_name};

/// Why a connection led to no session.
#[derive(Debug, Error)]
pub(super) enum HandshakeError {
    #[error("it was not complete in time")]
    Timeout,
    #[error("{0} cannot be resolved: {1}")]
    Resolve(String, #[source] io::Error),
    #[error("{0} cannot be reached: {1}")]
    Connect(SocketAddr, #[source] io::Error),
    #[error("the socket cannot be set up: {0}")]
    Socket(#[source] io::Error),
    #[error("TLS: {0}")]
    Tls(#[source] io::Error),
    #[error("the connection broke during the handshake: {0}")]
    Broken(#[source] io::Error),
    #[error("the certificate is not one of this cluster's nodes: {0}")]
    Certificate(String),
    #[error("the greeting cannot be read: {0}")]
    Greeting(String),
    /// This side refuses.
    #[error("{} does not fit: {}", .who, .what.join("; "))]
    Objections { who: String, what: Vec<String> },
    /// The other side refuses.
    #[error("the peer refuses this node: {0}")]
    Refused(String),
    #[error("this node has as many sessions as it may have")]
    Full,
    #[error(
        "the node there has a certificate of another authority, so it is of another cluster: {0}"
    )]
    OtherAuthority(#[source] io::Error),
    #[error("the peer has as many sessions as it may have")]
    PeerFull,
    #[error(
        "the certificate of the node there does not allow the role {role}, which is expected there: {source}"
    )]
    OtherRole {
        role: Role,
        #[source]
        source: io::Error,
    },
}

impl HandshakeError {
    /// Whether only an operator can help.
    pub(super) fn lasts(&self) -> bool {
        match self {
            Self::Objections { .. }
            | Self::Refused(_)
            | Self::Certificate(_)
            | Self::OtherAuthority(_)
            | Self::OtherRole { .. } => true,
            Self::Tls(error) | Self::Broken(error) => error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<rustls::Error>())
                .is_some_and(|error| {
                    use rustls::Error as Why;
                    matches!(error, Why::InvalidCertificate(_) | Why::AlertReceived(_))
                }),
            _ => false,
        }
    }
}

/// An authenticated peer and its stream.
pub(super) type Greeted<S> = (S, PeerIdentity);

/// The accepting side. `mine` is this node's greeting.
pub(super) async fn accept(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    mine: &Hello,
    has_room: impl FnOnce(&Name) -> bool,
) -> Result<Greeted<server::TlsStream<TcpStream>>, HandshakeError> {
    let mut tls = match acceptor.accept(stream).into_fallible().await {
        Ok(tls) => tls,
        Err((error, stream)) => {
            // The alert that says why is on its way.
            close(stream).await;
            return Err(HandshakeError::Tls(error));
        }
    };
    let subject = subject(tls.get_ref().1)?;
    let hello: Hello = receive(&mut tls).await?;
    let what = mine.objections(&hello, &subject);
    if !what.is_empty() {
        send(&mut tls, &Verdict::Refused(what.clone())).await?;
        close(tls).await;
        let who = subject.name.to_string();
        return Err(HandshakeError::Objections { who, what });
    }
    if !has_room(&subject.name) {
        send(&mut tls, &Verdict::Full).await?;
        close(tls).await;
        return Err(HandshakeError::Full);
    }
    send(&mut tls, &Verdict::Welcome(mine.clone())).await?;
    Ok((tls, PeerIdentity::new(hello, subject)))
}

/// The dialling side, which expects a node of a certain role.
pub(super) async fn dial(
    connector: TlsConnector,
    stream: TcpStream,
    role: Role,
    mine: &Hello,
) -> Result<Greeted<client::TlsStream<TcpStream>>, HandshakeError> {
    let name = ServerName::try_from(internal_name(role)).expect("roles make valid DNS names");
    let mut tls = connector
        .connect(name, stream)
        .await
        .map_err(|source| refused_by_tls(source, role))?;
    let subject = subject(tls.get_ref().1)?;
    send(&mut tls, mine).await?;
    let hello = match receive(&mut tls).await? {
        Verdict::Welcome(hello) => hello,
        Verdict::Refused(reasons) => return Err(HandshakeError::Refused(clean_all(&reasons))),
        Verdict::Full => return Err(HandshakeError::PeerFull),
    };
    let mut what = mine.objections(&hello, &subject);
    if !hello.roles.contains(&role) {
        what.push(format!("role: {role} is expected there"));
    }
    if !what.is_empty() {
        let who = subject.name.to_string();
        return Err(HandshakeError::Objections { who, what });
    }
    Ok((tls, PeerIdentity::new(hello, subject)))
}

/// Roles are checked as names of servers; people know them as roles.
fn refused_by_tls(source: io::Error, role: Role) -> HandshakeError {
    use rustls::CertificateError as Flaw;
    let inner = source.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(rustls::Error::InvalidCertificate(
            Flaw::NotValidForName | Flaw::NotValidForNameContext { .. },
        )) => HandshakeError::OtherRole { role, source },
        Some(rustls::Error::InvalidCertificate(Flaw::UnknownIssuer)) => {
            HandshakeError::OtherAuthority(source)
        }
        _ => HandshakeError::Tls(source),
    }
}

fn subject(connection: &CommonState) -> Result<Subject, HandshakeError> {
    let certificates: Option<&[CertificateDer<'_>]> = connection.peer_certificates();
    let certificate = certificates
        .and_then(<[_]>::first)
        .ok_or_else(|| HandshakeError::Certificate("there is none".to_owned()))?;
    Subject::read(certificate).map_err(HandshakeError::Certificate)
}

async fn send<S: AsyncWrite + Unpin>(
    stream: &mut S,
    greeting: &impl Serialize,
) -> Result<(), HandshakeError> {
    let text = serde_json::to_vec(greeting).expect("plain data serialises");
    let len = u32::try_from(text.len()).expect("greetings are short");
    stream
        .write_u32(len)
        .await
        .map_err(HandshakeError::Broken)?;
    stream
        .write_all(&text)
        .await
        .map_err(HandshakeError::Broken)?;
    stream.flush().await.map_err(HandshakeError::Broken)
}

async fn receive<T: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<T, HandshakeError> {
    let len = stream.read_u32().await.map_err(HandshakeError::Broken)? as usize;
    if len > MAX_GREETING {
        let reason = format!("{len} bytes are announced; at most {MAX_GREETING} are accepted");
        return Err(HandshakeError::Greeting(reason));
    }
    let mut text = vec![0; len];
    stream
        .read_exact(&mut text)
        .await
        .map_err(HandshakeError::Broken)?;
    serde_json::from_slice(&text).map_err(|error| HandshakeError::Greeting(error.to_string()))
}

/// Ends a connection such that what was sent arrives: unread bytes would make a reset of it.
async fn close(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let _ = stream.shutdown().await;
    let mut rest = [0; 1024];
    while matches!(stream.read(&mut rest).await, Ok(count) if count > 0) {}
}
