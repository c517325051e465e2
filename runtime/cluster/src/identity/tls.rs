//! TLS as the cluster uses it: 1.3 only, both sides certified, no resumption.
//!
//! A resumed session would skip the check of the certificate against the revocation list.

use std::sync::Arc;

use tokio_rustls::rustls::client::{Resumption, WebPkiServerVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::error::IdentityError;
use super::folder::Identity;
use super::role::Role;

/// Application protocol (RFC 7301): a TLS server of something else will not do by mistake.
const ALPN: &[u8] = b"tern-cluster";

/// Named, because another crate of the process may bring a second provider, and then there is no default.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The DNS name in the certificates of a role, whatever the machine's address.
pub(crate) fn internal_name(role: Role) -> String {
    format!("{role}.tern.internal")
}

impl Identity {
    pub(super) fn client_verifier(&self) -> Result<Arc<dyn ClientCertVerifier>, IdentityError> {
        let roots = Arc::new(self.roots()?);
        WebPkiClientVerifier::builder_with_provider(roots, provider())
            .with_crls([self.revocations.clone()])
            .only_check_end_entity_revocation()
            .build()
            .map_err(|error| self.tls_error(error))
    }

    /// For the accepting side.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, IdentityError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(|error| self.tls_error(error))?
            .with_client_cert_verifier(self.client_verifier()?)
            .with_single_cert(vec![self.certificate.clone()], self.key.clone_key())
            .map_err(|error| self.tls_error(error))?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// For the dialling side.
    pub(crate) fn connector(&self) -> Result<TlsConnector, IdentityError> {
        let roots = Arc::new(self.roots()?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider())
            .with_crls([self.revocations.clone()])
            .only_check_end_entity_revocation()
            .build()
            .map_err(|error| self.tls_error(error))?;
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(|error| self.tls_error(error))?
            .with_webpki_verifier(verifier)
            .with_client_auth_cert(vec![self.certificate.clone()], self.key.clone_key())
            .map_err(|error| self.tls_error(error))?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(TlsConnector::from(Arc::new(config)))
    }

    fn tls_error(&self, error: impl std::fmt::Display) -> IdentityError {
        IdentityError::Tls {
            path: self.folder.clone(),
            reason: error.to_string(),
        }
    }
}

/// Refuses every handshake, for a listener that should not exist.
pub(crate) fn refusing_acceptor() -> TlsAcceptor {
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .expect("the provider knows TLS 1.3")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(NoCertificate));
    TlsAcceptor::from(Arc::new(config))
}

#[derive(Debug)]
struct NoCertificate;

impl ResolvesServerCert for NoCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use tokio_rustls::rustls::pki_types::ServerName;

    use super::super::{NodeRequest, init, issue, load};
    use super::*;

    #[tokio::test]
    async fn the_parked_listener_refuses_even_nodes_of_the_cluster() {
        let folder = TempDir::new().expect("a folder");
        let (ca, node) = (folder.path().join("ca"), folder.path().join("node"));
        let request = NodeRequest::new("p1".parse().expect("a name"), Role::ALL);
        init(&ca, &"test".parse().expect("a name")).expect("an authority");
        issue(&ca, &request, &node).expect("a certificate");
        let identity = load(&node).expect("a good identity");
        let attempt = async |acceptor: TlsAcceptor| {
            let (near, far) = tokio::io::duplex(1 << 16);
            let name = internal_name(Role::Sequencer);
            let name = ServerName::try_from(name).expect("a name");
            let connector = identity.connector().expect("a connector");
            tokio::join!(connector.connect(name, near), acceptor.accept(far))
        };
        let (inside, outside) = attempt(refusing_acceptor()).await;
        assert!(inside.is_err() && outside.is_err());
        let (inside, outside) = attempt(identity.acceptor().expect("an acceptor")).await;
        assert!(
            inside.is_ok() && outside.is_ok(),
            "the cluster's own does not"
        );
    }
}
