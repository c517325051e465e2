//! What a certificate says about a node.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use x509_parser::prelude::{
    ASN1Time, CertificateRevocationList, FromDer, GeneralName, X509Certificate,
};

use tern_messages::UnknownRole;

use super::error::IdentityError;
use super::role::{Name, Role};

/// Scheme of the URI names.
const SCHEME: &str = "tern://";

/// A certificate's serial number, as hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Serial(String);

impl Serial {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let digits = bytes.iter().skip_while(|&&byte| byte == 0);
        Self(digits.map(|byte| format!("{byte:02x}")).collect())
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let digit = |at: usize| {
            let pair = self.0.get(at..at + 2)?;
            u8::from_str_radix(pair, 16).ok()
        };
        (0..self.0.len()).step_by(2).filter_map(digit).collect()
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A node as its certificate describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The cluster.
    pub cluster: Name,
    /// The node's name, unique in the cluster.
    pub name: Name,
    /// The roles that it may play.
    pub roles: BTreeSet<Role>,
    /// The certificate's serial number.
    pub serial: Serial,
    /// The first moment of validity.
    pub not_before: SystemTime,
    /// The last moment of validity.
    pub not_after: SystemTime,
}

impl Subject {
    /// The URI name of a role.
    pub(super) fn uri(cluster: &Name, role: Role, name: &Name) -> String {
        format!("{SCHEME}{cluster}/{role}/{name}")
    }

    /// Reads a certificate whose signature the caller checks. The reason of a refusal is for people.
    pub(crate) fn read(der: &[u8]) -> Result<Self, String> {
        let (rest, certificate) = X509Certificate::from_der(der)
            .map_err(|error| format!("not a certificate: {error}"))?;
        if !rest.is_empty() {
            return Err("bytes follow the certificate".to_owned());
        }
        let names = certificate
            .subject_alternative_name()
            .map_err(|error| format!("its alternative names cannot be read: {error}"))?
            .ok_or("it has no alternative names, so it is not a node's")?;
        let mut whose: Option<(Name, Name)> = None;
        let mut roles = BTreeSet::new();
        for name in &names.value.general_names {
            let GeneralName::URI(uri) = name else {
                continue;
            };
            let (cluster, role, name) = parse_uri(uri)?;
            roles.insert(role);
            match &whose {
                Some(known) if *known != (cluster.clone(), name.clone()) => {
                    return Err("it names more than one node".to_owned());
                }
                Some(_) => {}
                None => whose = Some((cluster, name)),
            }
        }
        let (cluster, name) = whose.ok_or("it names no role, so it is not a node's")?;
        let validity = certificate.validity();
        Ok(Self {
            cluster,
            name,
            roles,
            serial: Serial::new(certificate.raw_serial()),
            not_before: moment(validity.not_before),
            not_after: moment(validity.not_after),
        })
    }

    /// Checks that the node may play a role.
    ///
    /// # Errors
    /// [`IdentityError::WrongRole`] if it may not.
    pub fn expect_role(&self, wanted: Role) -> Result<(), IdentityError> {
        if self.roles.contains(&wanted) {
            return Ok(());
        }
        Err(IdentityError::WrongRole {
            name: self.name.clone(),
            allowed: listed(&self.roles),
            wanted,
        })
    }
}

/// Roles for people.
pub(crate) fn listed(roles: &BTreeSet<Role>) -> String {
    let names: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
    names.join(", ")
}

fn parse_uri(uri: &str) -> Result<(Name, Role, Name), String> {
    let unusual = || "its URI name is not of the form tern://CLUSTER/ROLE/NAME".to_owned();
    let path = uri.strip_prefix(SCHEME).ok_or_else(unusual)?;
    let parts: Vec<_> = path.split('/').collect();
    let [cluster, role, name] = parts.as_slice() else {
        return Err(unusual());
    };
    let text = |error: super::role::BadName| error.to_string();
    Ok((
        cluster.parse().map_err(text)?,
        role.parse()
            .map_err(|error: UnknownRole| error.to_string())?,
        name.parse().map_err(text)?,
    ))
}

fn moment(time: ASN1Time) -> SystemTime {
    let seconds = u64::try_from(time.timestamp()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The serial numbers on a revocation list whose signature the caller checks.
pub(super) fn revoked_serials(der: &[u8]) -> Result<BTreeSet<Serial>, String> {
    let (_, list) = CertificateRevocationList::from_der(der)
        .map_err(|error| format!("not a revocation list: {error}"))?;
    Ok(list
        .iter_revoked_certificates()
        .map(|entry| Serial::new(entry.raw_serial()))
        .collect())
}
