//! A TLS client that says what a test wants.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme, version};

use super::stage::LIMIT;
use tern_cluster::net::PROTOCOL;

/// Connects with the certificate in a folder, or with none, whoever answers.
pub(crate) async fn connect(
    address: SocketAddr,
    folder: Option<&Path>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&version::TLS13])
        .expect("TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting));
    let mut config = match folder {
        Some(folder) => {
            let certificate =
                CertificateDer::from_pem_file(folder.join("node.crt")).expect("a certificate");
            let key = PrivateKeyDer::from_pem_file(folder.join("node.key")).expect("a key");
            config
                .with_client_auth_cert(vec![certificate], key)
                .expect("they match")
        }
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"tern-cluster".to_vec()];
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("main-node.tern.internal").expect("a name");
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// Connects from 127.0.0.`host`, so that the limits of addresses are seen.
pub(crate) async fn from(host: u8, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(IpAddr::from([127, 0, 0, host]), 0))?;
    socket.connect(to).await
}

/// The greeting of an honest prover.
pub(crate) fn hello(name: &str) -> Value {
    json!({
        "protocol": PROTOCOL,
        "software": "0",
        "cluster": "tern-test",
        "name": name,
        "roles": ["prover"],
        "incarnation": 5,
        "terms": {},
    })
}

/// Sends a greeting and reads the verdict.
pub(crate) async fn greet(
    stream: &mut TlsStream<TcpStream>,
    hello: &Value,
) -> std::io::Result<Value> {
    let text = hello.to_string();
    stream
        .write_u32(u32::try_from(text.len()).expect("short"))
        .await?;
    stream.write_all(text.as_bytes()).await?;
    stream.flush().await?;
    let len = stream.read_u32().await?;
    let mut text = vec![0; len as usize];
    stream.read_exact(&mut text).await?;
    Ok(serde_json::from_slice(&text).expect("JSON"))
}

/// Reads until the other side closes.
pub(crate) async fn closed(stream: &mut (impl tokio::io::AsyncRead + Unpin)) {
    let mut bytes = [0; 4096];
    let end = async { while matches!(stream.read(&mut bytes).await, Ok(count) if count > 0) {} };
    tokio::time::timeout(LIMIT, end)
        .await
        .expect("the connection is closed in time");
}

#[derive(Debug)]
struct Trusting;

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
