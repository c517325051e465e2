//! What can be wrong with an identity.

use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use thiserror::Error;

use super::role::{BadName, Name, Role};

/// Why an authority or identity folder cannot be made or used.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// A file or folder cannot be read or written.
    #[error("{action} {path} failed: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A file of the folder is missing.
    #[error(
        "{path} is missing; an identity folder is made by `tern cluster issue`, an authority's by `tern cluster init`"
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Something is there already.
    #[error("{path} exists already and is left as it is; name an empty or new folder")]
    Exists {
        /// The file or folder.
        path: PathBuf,
    },
    /// A file is not what its name says.
    #[error("{path} cannot be used: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Others may read or write a key.
    #[error(
        "{path} has mode {mode:04o}: others can use the key; make it private with `chmod 600`, and replace the key if somebody may have read it"
    )]
    KeyExposed {
        /// The key's file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key is not the certificate's.
    #[error("the key in {path} does not belong to the certificate beside it")]
    KeyMismatch {
        /// The key's file.
        path: PathBuf,
    },
    /// The certificate's time is over.
    #[error("the certificate {path} of {name} expired on {}; issue a new one with `tern cluster issue`", day(*.not_after))]
    Expired {
        /// The certificate's file.
        path: PathBuf,
        /// Whose it is.
        name: Name,
        /// The last moment of its validity.
        not_after: SystemTime,
    },
    /// The certificate's time has not come.
    #[error("the certificate {path} of {name} is valid from {} on; check this machine's clock", day(*.not_before))]
    NotYetValid {
        /// The certificate's file.
        path: PathBuf,
        /// Whose it is.
        name: Name,
        /// The first moment of its validity.
        not_before: SystemTime,
    },
    /// Another authority made the certificate or the list.
    #[error(
        "{path} was not signed by the authority whose certificate is beside it; take all files of the folder from one `tern cluster issue`"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The certificate is on the revocation list.
    #[error(
        "the certificate {path} of {name} was revoked; issue a new one with `tern cluster issue`"
    )]
    Revoked {
        /// The certificate's file.
        path: PathBuf,
        /// Whose it is.
        name: Name,
    },
    /// The certificate does not allow a role.
    #[error(
        "the certificate of {name} allows {allowed}, not {wanted}; issue one with `--role {wanted}`"
    )]
    WrongRole {
        /// Whose it is.
        name: Name,
        /// The roles in it.
        allowed: String,
        /// The role that was wanted.
        wanted: Role,
    },
    /// A certificate is asked for without a role.
    #[error("a certificate needs at least one role")]
    NoRole,
    /// A node of that name has a certificate of other roles.
    #[error("{name} has a valid certificate as {allowed}; revoke it first, or choose another name")]
    NameTaken {
        /// The name.
        name: Name,
        /// The roles of the valid certificate.
        allowed: String,
    },
    /// There is nothing to revoke.
    #[error("no certificate of {name} is valid; nothing was revoked")]
    NothingToRevoke {
        /// The name.
        name: Name,
    },
    /// A text is no name or role.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// A certificate could not be made.
    #[error("the certificate could not be made: {0}")]
    Signing(#[from] rcgen::Error),
    /// The TLS library refuses the material.
    #[error("TLS cannot be set up with {path}: {reason}")]
    Tls {
        /// The file or folder it came from.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// A time for people: seconds do not matter.
fn day(time: SystemTime) -> String {
    let time = time::OffsetDateTime::from(time);
    let (date, hour, minute) = (time.date(), time.hour(), time.minute());
    format!("{date} {hour:02}:{minute:02} UTC")
}
