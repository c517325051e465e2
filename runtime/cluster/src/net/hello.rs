//! The first words of both sides: who they are, and which chain they serve.
//!
//! They are JSON, and fields may be added, so that two versions understand why they do not fit. Everything after
//! them needs the same [`PROTOCOL`].

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};
use tern_messages::{ChainId, WorkerId};

use crate::identity::{Name, Role, Subject};

/// Version of everything that nodes say to each other. Nodes of different versions do not work together.
pub const PROTOCOL: u32 = 5;

/// Longest greeting, in bytes.
pub(super) const MAX_GREETING: usize = 4 << 10;
/// Longest list of reasons that is taken from a peer.
const MAX_REASONS: usize = 8;
/// Longest text that is taken from a peer, in characters.
const MAX_TEXT: usize = 256;

/// What all nodes of a cluster must agree on. A node that does not know a value yet leaves it out, and learns it
/// from the peer that it joins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// The L3 chain's id.
    pub chain_id: Option<ChainId>,
    /// Hash of its genesis block.
    pub genesis_hash: Option<B256>,
    /// Name of the proving profile.
    pub profile: Option<String>,
    /// Digest of the circuits.
    pub circuits: Option<B256>,
}

/// A node as it introduces itself. What it says of itself is checked against its certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hello {
    /// Its [`PROTOCOL`].
    pub(super) protocol: u32,
    /// Version of its software, for people.
    pub(super) software: String,
    /// Its cluster.
    pub(super) cluster: Name,
    /// Its name.
    pub(super) name: Name,
    /// The roles that it plays.
    pub(super) roles: BTreeSet<Role>,
    /// Drawn at random at each start of its process.
    pub(super) incarnation: Incarnation,
    /// Its chain.
    pub(super) terms: Terms,
}

/// Distinguishes one start of a node from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Incarnation(pub u64);

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The accepting side's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Verdict {
    /// Come in; this is who I am.
    Welcome(Hello),
    /// What does not fit.
    Refused(Vec<String>),
    /// There is no room now.
    Full,
}

impl Hello {
    /// Name of the node for its actor system: unique for each start.
    pub(super) fn node(&self) -> String {
        node_name(&self.name, self.incarnation)
    }

    /// What speaks against working with `peer`, whose certificate says `subject`. Empty if nothing does.
    pub(super) fn objections(&self, peer: &Self, subject: &Subject) -> Vec<String> {
        let mut found = Vec::new();
        let mut differ = |what: &str, mine: &dyn fmt::Display, theirs: &dyn fmt::Display| {
            found.push(format!(
                "{what}: here {mine}, there {}",
                clean(&theirs.to_string())
            ));
        };
        if peer.protocol != self.protocol {
            differ("protocol version", &self.protocol, &peer.protocol);
        }
        if peer.cluster != self.cluster {
            differ("cluster", &self.cluster, &peer.cluster);
        }
        let (mine, theirs) = (&self.terms, &peer.terms);
        if let (Some(mine), Some(theirs)) = (mine.chain_id, theirs.chain_id)
            && mine != theirs
        {
            differ("chain id", &mine, &theirs);
        }
        if let (Some(mine), Some(theirs)) = (mine.genesis_hash, theirs.genesis_hash)
            && mine != theirs
        {
            differ("genesis hash", &mine, &theirs);
        }
        if let (Some(mine), Some(theirs)) = (&mine.profile, &theirs.profile)
            && mine != theirs
        {
            differ("profile", mine, theirs);
        }
        if let (Some(mine), Some(theirs)) = (mine.circuits, theirs.circuits)
            && mine != theirs
        {
            differ("circuits", &mine, &theirs);
        }
        if peer.name == self.name {
            found.push(format!("name: {} is this node's own name", self.name));
        }
        found.extend(lies(peer, subject));
        found
    }
}

/// What a node says of itself and its certificate does not.
fn lies(hello: &Hello, subject: &Subject) -> Vec<String> {
    let mut found = Vec::new();
    if hello.name != subject.name {
        let (claimed, certified) = (&hello.name, &subject.name);
        found.push(format!(
            "name: claimed {claimed}, but the certificate is {certified}'s"
        ));
    }
    if hello.cluster != subject.cluster {
        let (claimed, certified) = (&hello.cluster, &subject.cluster);
        found.push(format!(
            "cluster: claimed {claimed}, but the certificate is of {certified}"
        ));
    }
    for role in hello.roles.difference(&subject.roles) {
        found.push(format!(
            "role: claimed {role}, but the certificate does not allow it"
        ));
    }
    if hello.roles.is_empty() {
        found.push("role: none claimed".to_owned());
    }
    found
}

/// The actor system's name of a node.
pub(super) fn node_name(name: &Name, incarnation: Incarnation) -> String {
    format!("{name}@{incarnation}")
}

/// A text from a peer, fit for logs.
pub(super) fn clean(text: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(MAX_TEXT).map(printable).collect()
}

/// Reasons from a peer, fit for logs.
pub(super) fn clean_all(reasons: &[String]) -> String {
    let reasons: Vec<_> = reasons.iter().take(MAX_REASONS).map(|r| clean(r)).collect();
    reasons.join("; ")
}

/// An authenticated peer: its certificate and its greeting agree.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerIdentity(Arc<Inner>);

#[derive(PartialEq, Eq)]
struct Inner {
    hello: Hello,
    subject: Subject,
}

impl PeerIdentity {
    pub(super) fn new(hello: Hello, subject: Subject) -> Self {
        Self(Arc::new(Inner { hello, subject }))
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.0.hello.name
    }

    /// The roles that it plays, all of which its certificate allows.
    pub fn roles(&self) -> &BTreeSet<Role> {
        &self.0.hello.roles
    }

    /// Whether it plays a role.
    pub fn plays(&self, role: Role) -> bool {
        self.roles().contains(&role)
    }

    /// Which start of it this is.
    pub fn incarnation(&self) -> Incarnation {
        self.0.hello.incarnation
    }

    /// Its name as a worker: what it says of itself in messages must be the same.
    pub fn worker(&self) -> WorkerId {
        WorkerId {
            name: self.name().to_string(),
            incarnation: self.incarnation().0,
        }
    }

    /// Its chain, as far as it knows.
    pub fn terms(&self) -> &Terms {
        &self.0.hello.terms
    }

    /// Version of its software. Unchecked.
    pub fn software(&self) -> String {
        clean(&self.0.hello.software)
    }

    /// What its certificate says.
    pub fn subject(&self) -> &Subject {
        &self.0.subject
    }
}

impl fmt::Display for PeerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.hello.node())
    }
}

impl fmt::Debug for PeerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerIdentity({self})")
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::identity::Serial;

    fn hello(name: &str, role: Role) -> Hello {
        Hello {
            protocol: PROTOCOL,
            software: "0.1.0".into(),
            cluster: "tern".parse().expect("a name"),
            name: name.parse().expect("a name"),
            roles: BTreeSet::from([role]),
            incarnation: Incarnation(7),
            terms: Terms {
                chain_id: Some(ChainId(1)),
                genesis_hash: Some(B256::ZERO),
                profile: Some("secure".into()),
                circuits: None,
            },
        }
    }

    fn subject(of: &Hello) -> Subject {
        Subject {
            cluster: of.cluster.clone(),
            name: of.name.clone(),
            roles: of.roles.clone(),
            serial: Serial::new(&[1]),
            not_before: SystemTime::UNIX_EPOCH,
            not_after: SystemTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn nodes_of_one_chain_have_no_objections_and_unknown_values_are_none() {
        let (mine, mut peer) = (hello("main", Role::MainNode), hello("p1", Role::Prover));
        assert_eq!(mine.objections(&peer, &subject(&peer)), [""; 0]);
        peer.terms = Terms::default();
        assert_eq!(mine.objections(&peer, &subject(&peer)), [""; 0]);
    }

    #[test]
    fn every_difference_is_named() {
        let (mine, mut peer) = (hello("main", Role::MainNode), hello("p1", Role::Prover));
        peer.protocol = PROTOCOL + 1;
        peer.cluster = "other".parse().expect("a name");
        peer.terms = Terms {
            chain_id: Some(ChainId(2)),
            genesis_hash: Some(B256::repeat_byte(1)),
            profile: Some("fast\n".into()),
            circuits: None,
        };
        let found = mine.objections(&peer, &subject(&peer));
        let (zero, one) = (B256::ZERO, B256::repeat_byte(1));
        let expected = [
            format!("protocol version: here {PROTOCOL}, there {}", PROTOCOL + 1),
            "cluster: here tern, there other".to_owned(),
            "chain id: here 1, there 2".to_owned(),
            format!("genesis hash: here {zero}, there {one}"),
            "profile: here secure, there fast ".to_owned(),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_node_cannot_claim_what_its_certificate_does_not_say() {
        let (mine, mut peer) = (hello("main", Role::MainNode), hello("p1", Role::Prover));
        let certified = subject(&peer);
        peer.name = "p2".parse().expect("a name");
        peer.roles = BTreeSet::from([Role::Prover, Role::Sequencer]);
        assert_eq!(
            mine.objections(&peer, &certified),
            [
                "name: claimed p2, but the certificate is p1's",
                "role: claimed sequencer, but the certificate does not allow it",
            ]
        );
    }

    #[test]
    fn greetings_of_later_versions_are_understood() {
        let mut json = serde_json::to_value(hello("p1", Role::Prover)).expect("plain data");
        json["protocol"] = 9.into();
        json["newField"] = "unknown".into();
        let read: Hello = serde_json::from_value(json).expect("unknown fields do not matter");
        assert_eq!(read.protocol, 9);
    }
}
