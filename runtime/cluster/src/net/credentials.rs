//! The identity in use, which may be renewed while the node runs.

use std::sync::{Arc, RwLock};
use std::time::SystemTime;

use tokio::time::MissedTickBehavior;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tracing::{info, warn};

use super::directory::Directory;
use super::session::{Departure, Session};
use crate::fault::Fault;
use crate::identity::{self, Identity, IdentityError};

/// An identity and what follows from it.
pub(super) struct Material {
    pub(super) identity: Identity,
    pub(super) acceptor: TlsAcceptor,
    pub(super) connector: TlsConnector,
}

impl Material {
    pub(super) fn new(identity: Identity) -> Result<Self, IdentityError> {
        Ok(Self {
            acceptor: identity.acceptor()?,
            connector: identity.connector()?,
            identity,
        })
    }

    /// Whether a peer's certificate is no longer good.
    fn objection(&self, session: &Session) -> Option<Departure> {
        let subject = session.peer.subject();
        if self.identity.has_revoked(&subject.serial) {
            return Some(Departure::Revoked);
        }
        (subject.not_after < SystemTime::now()).then_some(Departure::Expired)
    }
}

/// The identity in use.
pub(super) struct Credentials {
    present: RwLock<Arc<Material>>,
}

impl Credentials {
    pub(super) fn new(material: Material) -> Self {
        Self {
            present: RwLock::new(Arc::new(material)),
        }
    }

    pub(super) fn present(&self) -> Arc<Material> {
        let present = self.present.read();
        Arc::clone(&present.expect("nothing panics under this lock"))
    }

    fn replace(&self, material: Material) {
        let mut present = self
            .present
            .write()
            .expect("nothing panics under this lock");
        *present = Arc::new(material);
    }

    /// Reads the folder again and again; ends the sessions of certificates that are no longer good.
    pub(super) async fn watch(self: Arc<Self>, directory: Arc<Directory>) -> Fault {
        let mut pauses = tokio::time::interval(directory.timings.identity_check);
        pauses.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pauses.tick().await;
        let mut failed = false;
        loop {
            pauses.tick().await;
            match self.read_again().await {
                Ok(changed) => {
                    failed = false;
                    if changed {
                        info!(target: "tern::cluster", "the identity folder was read again");
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut failed, true) {
                        warn!(target: "tern::cluster", %error, "the identity folder cannot be used now; the identity read before stays in use");
                    }
                }
            }
            let present = self.present();
            directory.end_where(|session| present.objection(session));
        }
    }

    async fn read_again(&self) -> Result<bool, IdentityError> {
        let present = self.present();
        let folder = present.identity.folder().to_owned();
        let read = tokio::task::spawn_blocking(move || identity::load(&folder)).await;
        let identity = read.expect("reading files does not panic")?;
        if identity.is_same(&present.identity) {
            return Ok(false);
        }
        let (new, old) = (identity.subject(), present.identity.subject());
        if (&new.name, &new.cluster) != (&old.name, &old.cluster) {
            return Err(IdentityError::Damaged {
                path: identity.folder().to_owned(),
                reason: format!("it has become {}'s of {}", new.name, new.cluster),
            });
        }
        self.replace(Material::new(identity)?);
        Ok(true)
    }
}
