//! A node's identity folder.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime,
};
use tokio_rustls::rustls::{self, sign::CertifiedKey};
use tokio_rustls::rustls::{CertRevocationListError, CertificateError};

use super::certificate::{Serial, Subject, revoked_serials};
use super::error::IdentityError;
use super::files;
use super::tls;

pub(super) const CA_CERTIFICATE: &str = "ca.crt";
pub(super) const CERTIFICATE: &str = "node.crt";
pub(super) const KEY: &str = "node.key";
pub(super) const REVOKED: &str = "revoked.crl";

/// A node's certificate and key, its authority's certificate, and the list of revoked certificates.
pub struct Identity {
    pub(super) folder: PathBuf,
    pub(super) subject: Subject,
    pub(super) authority: CertificateDer<'static>,
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: PrivateKeyDer<'static>,
    pub(super) revocations: CertificateRevocationListDer<'static>,
    pub(super) revoked: BTreeSet<Serial>,
}

/// Reads and checks an identity folder.
///
/// # Errors
/// See [`IdentityError`]: files that are missing, damaged or exposed, and certificates that peers would refuse.
pub fn load(folder: &Path) -> Result<Identity, IdentityError> {
    let path = |file: &str| folder.join(file);
    let authority = pem(&path(CA_CERTIFICATE), files::read)?;
    let certificate: CertificateDer<'static> = pem(&path(CERTIFICATE), files::read)?;
    let key = pem(&path(KEY), files::read_key)?;
    let subject = Subject::read(&certificate).map_err(|reason| IdentityError::Damaged {
        path: path(CERTIFICATE),
        reason,
    })?;
    let mut identity = Identity {
        folder: folder.to_owned(),
        subject,
        authority,
        certificate,
        key,
        revocations: Vec::new().into(),
        revoked: BTreeSet::new(),
    };
    identity.read_revocations()?;
    identity.check()?;
    Ok(identity)
}

impl Identity {
    /// What the node's certificate says.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Whether a certificate of this serial number was revoked.
    pub fn has_revoked(&self, serial: &Serial) -> bool {
        self.revoked.contains(serial)
    }

    /// The folder it was read from.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether another reading of the folder found the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (&self.authority, &self.certificate, &self.revocations)
            == (&other.authority, &other.certificate, &other.revocations)
    }

    /// Shared by all nodes of one authority, and by no others. Not a secret.
    pub(crate) fn authority_digest(&self) -> String {
        alloy::primitives::keccak256(&self.authority).to_string()
    }

    pub(super) fn roots(&self) -> Result<rustls::RootCertStore, IdentityError> {
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(self.authority.clone())
            .map_err(|error| IdentityError::Damaged {
                path: self.folder.join(CA_CERTIFICATE),
                reason: error.to_string(),
            })?;
        Ok(roots)
    }

    fn read_revocations(&mut self) -> Result<(), IdentityError> {
        let path = self.folder.join(REVOKED);
        self.revocations = pem(&path, files::read)?;
        self.revoked = revoked_serials(&self.revocations)
            .map_err(|reason| IdentityError::Damaged { path, reason })?;
        Ok(())
    }

    /// What peers will check, and that the key is the certificate's.
    fn check(&self) -> Result<(), IdentityError> {
        let key_path = self.folder.join(KEY);
        let chain = vec![self.certificate.clone()];
        CertifiedKey::from_der(chain, self.key.clone_key(), &tls::provider()).map_err(|error| {
            match error {
                rustls::Error::InconsistentKeys(_) => IdentityError::KeyMismatch { path: key_path },
                other => IdentityError::Damaged {
                    path: key_path,
                    reason: other.to_string(),
                },
            }
        })?;
        let verifier = self.client_verifier()?;
        let now = UnixTime::since_unix_epoch(
            SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default(),
        );
        match verifier.verify_client_cert(&self.certificate, &[], now) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.refusal(error)),
        }
    }

    fn refusal(&self, error: rustls::Error) -> IdentityError {
        use CertificateError as Why;
        let (path, name) = (self.folder.join(CERTIFICATE), self.subject.name.clone());
        if let rustls::Error::InvalidCertRevocationList(why) = error {
            let path = self.folder.join(REVOKED);
            return match why {
                CertRevocationListError::BadSignature => IdentityError::Foreign { path },
                other => IdentityError::Damaged {
                    path,
                    reason: rustls::Error::InvalidCertRevocationList(other).to_string(),
                },
            };
        }
        let rustls::Error::InvalidCertificate(why) = error else {
            let reason = error.to_string();
            return IdentityError::Damaged { path, reason };
        };
        match why {
            Why::Expired | Why::ExpiredContext { .. } => IdentityError::Expired {
                path,
                name,
                not_after: self.subject.not_after,
            },
            Why::NotValidYet | Why::NotValidYetContext { .. } => IdentityError::NotYetValid {
                path,
                name,
                not_before: self.subject.not_before,
            },
            Why::Revoked => IdentityError::Revoked { path, name },
            Why::UnknownIssuer | Why::BadSignature => IdentityError::Foreign { path },
            // The list does not speak for the authority that signed the certificate.
            Why::UnknownRevocationStatus => IdentityError::Foreign {
                path: self.folder.join(REVOKED),
            },
            other => IdentityError::Damaged {
                path,
                reason: rustls::Error::InvalidCertificate(other).to_string(),
            },
        }
    }
}

fn pem<T: PemObject>(
    path: &Path,
    read: fn(&Path) -> Result<Vec<u8>, IdentityError>,
) -> Result<T, IdentityError> {
    T::from_pem_slice(&read(path)?).map_err(|error| IdentityError::Damaged {
        path: path.to_owned(),
        reason: format!("not the PEM file it should be ({error})"),
    })
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("folder", &self.folder)
            .field("subject", &self.subject)
            .field("revoked", &self.revoked.len())
            .finish_non_exhaustive()
    }
}
