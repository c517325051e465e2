//! What the operator does with the authority's folder.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevocationReason, RevokedCertParams, SanType, SerialNumber,
};
use time::OffsetDateTime;

use super::certificate::{Serial, Subject, listed};
use super::error::IdentityError;
use super::files::{self, Audience};
use super::folder::{CA_CERTIFICATE, CERTIFICATE, KEY, REVOKED};
use super::ledger::{Entry, Ledger};
use super::role::{Name, Role};
use super::tls::internal_name;

/// How long a node's certificate is valid unless said otherwise: a year.
pub const DEFAULT_VALIDITY: Duration = Duration::from_secs(365 * 24 * 3600);
/// Validity of the authority's own certificate: ten years.
const CA_VALIDITY: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// Certificates begin so much earlier than they are made.
const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

const CA_KEY: &str = "ca.key";

/// A certificate that somebody wants.
#[derive(Clone, Debug)]
pub struct NodeRequest {
    /// The node's name, unique in the cluster.
    pub name: Name,
    /// What it may be.
    pub roles: BTreeSet<Role>,
    /// The first moment of its validity.
    pub from: SystemTime,
    /// The last moment of its validity.
    pub until: SystemTime,
}

impl NodeRequest {
    /// A certificate of the default validity, from now on.
    pub fn new(name: Name, roles: impl IntoIterator<Item = Role>) -> Self {
        let now = SystemTime::now();
        Self {
            name,
            roles: roles.into_iter().collect(),
            // For clocks that are behind.
            from: now - CLOCK_SKEW,
            until: now + DEFAULT_VALIDITY,
        }
    }
}

/// What was issued or revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The node's name.
    pub name: Name,
    /// The certificate's serial number.
    pub serial: Serial,
    /// The last moment of its validity.
    pub not_after: SystemTime,
}

/// Makes the authority of a new cluster in an empty or new folder.
///
/// # Errors
/// If the folder holds something already, or cannot be written.
pub fn init(folder: &Path, cluster: &Name) -> Result<(), IdentityError> {
    files::make_folder(folder)?;
    let key = KeyPair::generate()?;
    let certificate = ca_params(cluster).self_signed(&key)?;
    let write =
        |file: &str, bytes: &[u8], audience| files::write(&folder.join(file), bytes, audience);
    write(CA_KEY, key.serialize_pem().as_bytes(), Audience::Owner)?;
    write(
        CA_CERTIFICATE,
        certificate.pem().as_bytes(),
        Audience::Everybody,
    )?;
    let mut ledger = Ledger::new(cluster.clone());
    let authority = Authority::open(folder)?;
    authority.publish(folder, &mut ledger)
}

/// Issues a certificate and writes the whole identity folder of the node to `out`, an empty or new folder.
///
/// A node may have several valid certificates of the same roles, so that one can be renewed in time.
///
/// # Errors
/// If the name is taken by a node of other roles, or a folder cannot be read or written.
pub fn issue(folder: &Path, wanted: &NodeRequest, out: &Path) -> Result<Issued, IdentityError> {
    let authority = Authority::open(folder)?;
    let _locked = Ledger::lock(folder)?;
    let mut ledger = Ledger::read(folder)?;
    if wanted.roles.is_empty() {
        return Err(IdentityError::NoRole);
    }
    let now = SystemTime::now();
    let clash = ledger.issued.iter().find(|entry| {
        entry.name == wanted.name && entry.is_valid(now) && entry.roles != wanted.roles
    });
    if let Some(entry) = clash {
        return Err(IdentityError::NameTaken {
            name: wanted.name.clone(),
            allowed: listed(&entry.roles),
        });
    }
    files::make_folder(out)?;
    let key = KeyPair::generate()?;
    // 16 random bytes whose first bit is 0 (RFC 5280, 4.1.2.2: positive, unique, at most 20 bytes).
    let mut serial: [u8; 16] = rand::random();
    serial[0] = serial[0] & 0x7f | 0x40;
    let mut params = node_params(&ledger.cluster, wanted)?;
    params.not_before = OffsetDateTime::from(wanted.from);
    params.not_after = OffsetDateTime::from(wanted.until);
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let certificate = params.signed_by(&key, &authority.issuer)?;
    let serial = Serial::new(&serial);
    // In the ledger first: what is not there could never be revoked.
    ledger.issued.push(Entry {
        serial: serial.clone(),
        name: wanted.name.clone(),
        roles: wanted.roles.clone(),
        not_after: wanted.until,
        revoked: None,
    });
    ledger.write(folder)?;
    let copy = |file: &str| {
        files::write(
            &out.join(file),
            &files::read(&folder.join(file))?,
            Audience::Everybody,
        )
    };
    copy(CA_CERTIFICATE)?;
    copy(REVOKED)?;
    files::write(
        &out.join(KEY),
        key.serialize_pem().as_bytes(),
        Audience::Owner,
    )?;
    files::write(
        &out.join(CERTIFICATE),
        certificate.pem().as_bytes(),
        Audience::Everybody,
    )?;
    Ok(Issued {
        name: wanted.name.clone(),
        serial,
        not_after: wanted.until,
    })
}

/// Revokes every valid certificate of a node, and signs a new revocation list in the authority's folder. The list
/// takes effect on a node when it is brought into the node's identity folder: see [`update`].
///
/// # Errors
/// If the node has no valid certificate, or the folder cannot be read or written.
pub fn revoke(folder: &Path, name: &Name) -> Result<Vec<Issued>, IdentityError> {
    let authority = Authority::open(folder)?;
    let _locked = Ledger::lock(folder)?;
    let mut ledger = Ledger::read(folder)?;
    let now = SystemTime::now();
    let mut revoked = Vec::new();
    for entry in &mut ledger.issued {
        if entry.name == *name && entry.is_valid(now) {
            entry.revoked = Some(now);
            revoked.push(Issued {
                name: name.clone(),
                serial: entry.serial.clone(),
                not_after: entry.not_after,
            });
        }
    }
    if revoked.is_empty() {
        return Err(IdentityError::NothingToRevoke { name: name.clone() });
    }
    authority.publish(folder, &mut ledger)?;
    Ok(revoked)
}

/// Brings the authority's present revocation list into a node's identity folder. A running node notices.
///
/// # Errors
/// If the list cannot be read, or the folder is not an identity's or cannot be written.
pub fn update(folder: &Path, identity: &Path) -> Result<(), IdentityError> {
    let list = files::read(&folder.join(REVOKED))?;
    files::read(&identity.join(CERTIFICATE))?;
    files::write(&identity.join(REVOKED), &list, Audience::Everybody)
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn open(folder: &Path) -> Result<Self, IdentityError> {
        let path = folder.join(CA_KEY);
        let damaged = |path: &Path, reason: String| IdentityError::Damaged {
            path: path.to_owned(),
            reason,
        };
        let text = String::from_utf8(files::read_key(&path)?)
            .map_err(|_| damaged(&path, "not a PEM file".to_owned()))?;
        let key = KeyPair::from_pem(&text).map_err(|error| damaged(&path, error.to_string()))?;
        let path = folder.join(CA_CERTIFICATE);
        let text = String::from_utf8(files::read(&path)?)
            .map_err(|_| damaged(&path, "not a PEM file".to_owned()))?;
        let issuer = Issuer::from_ca_cert_pem(&text, key)
            .map_err(|error| damaged(&path, error.to_string()))?;
        Ok(Self { issuer })
    }

    /// Writes the ledger, then the revocation list that follows from it.
    fn publish(&self, folder: &Path, ledger: &mut Ledger) -> Result<(), IdentityError> {
        ledger.list_number += 1;
        ledger.write(folder)?;
        let now = OffsetDateTime::now_utc();
        let revoked_certs = ledger
            .issued
            .iter()
            .filter_map(|entry| {
                Some(RevokedCertParams {
                    serial_number: SerialNumber::from_slice(&entry.serial.bytes()),
                    revocation_time: OffsetDateTime::from(entry.revoked?),
                    reason_code: Some(RevocationReason::CessationOfOperation),
                    invalidity_date: None,
                })
            })
            .collect();
        let list = CertificateRevocationListParams {
            this_update: now - CLOCK_SKEW,
            next_update: now + CA_VALIDITY,
            crl_number: SerialNumber::from(ledger.list_number),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        }
        .signed_by(&self.issuer)?;
        files::write(
            &folder.join(REVOKED),
            list.pem()?.as_bytes(),
            Audience::Everybody,
        )
    }
}

fn named(text: String) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

fn ca_params(cluster: &Name) -> CertificateParams {
    let now = OffsetDateTime::now_utc();
    let mut params = CertificateParams::default();
    params.distinguished_name = named(format!("Tern cluster {cluster}"));
    params.not_before = now - CLOCK_SKEW;
    params.not_after = now + CA_VALIDITY;
    // Nodes are certified directly.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn node_params(cluster: &Name, wanted: &NodeRequest) -> Result<CertificateParams, IdentityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(wanted.name.to_string());
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    for &role in &wanted.roles {
        let uri = Subject::uri(cluster, role, &wanted.name);
        params.subject_alt_names.push(SanType::URI(uri.try_into()?));
        if role.accepts_connections() {
            let name = internal_name(role);
            params
                .subject_alt_names
                .push(SanType::DnsName(name.try_into()?));
        }
    }
    if wanted.roles.iter().any(|role| role.accepts_connections()) {
        params
            .extended_key_usages
            .push(ExtendedKeyUsagePurpose::ServerAuth);
    }
    Ok(params)
}
