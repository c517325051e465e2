//! Authority and identity folders, as the command line uses them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tern_cluster::identity::{
    self, Identity, IdentityError, Name, NodeRequest, Role, init, issue, load, revoke, update,
};

struct Stage {
    folder: TempDir,
}

impl Stage {
    fn new() -> Self {
        let stage = Self {
            folder: TempDir::new().expect("a folder"),
        };
        init(&stage.ca(), &name("tern-test")).expect("an authority");
        stage
    }

    fn path(&self, sub: &str) -> PathBuf {
        self.folder.path().join(sub)
    }

    fn ca(&self) -> PathBuf {
        self.path("ca")
    }

    fn issue(&self, node: &str, roles: &[Role]) -> PathBuf {
        self.issue_as(&NodeRequest::new(name(node), roles.to_vec()), node)
    }

    fn issue_as(&self, request: &NodeRequest, folder: &str) -> PathBuf {
        let out = self.path(folder);
        issue(&self.ca(), request, &out).expect("a certificate");
        out
    }
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

fn refused(folder: &Path) -> IdentityError {
    load(folder).map(|_: Identity| ()).expect_err("refused")
}

#[test]
fn an_issued_folder_holds_all_that_a_node_needs_and_its_keys_are_private() {
    let stage = Stage::new();
    let folder = stage.issue("prover-1", &[Role::Prover, Role::Bridge]);
    let identity = load(&folder).unwrap();
    let subject = identity.subject();
    assert_eq!(subject.name, name("prover-1"));
    assert_eq!(subject.cluster, name("tern-test"));
    assert_eq!(subject.roles, [Role::Prover, Role::Bridge].into());
    let year = subject.not_after.duration_since(SystemTime::now()).unwrap();
    assert!(year > Duration::from_secs(364 * 86_400), "{year:?}");
    assert_eq!(mode(&folder.join("node.key")), 0o600);
    assert_eq!(mode(&stage.ca().join("ca.key")), 0o600);
    assert_eq!(mode(&folder), 0o700);
    let message = subject
        .expect_role(Role::Sequencer)
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "the certificate of prover-1 allows prover, bridge, not sequencer; issue one with `--role sequencer`"
    );
}

#[test]
fn nothing_that_exists_is_overwritten() {
    let stage = Stage::new();
    let again = init(&stage.ca(), &name("other"));
    assert!(
        matches!(again, Err(IdentityError::Exists { .. })),
        "{again:?}"
    );
    stage.issue("prover-1", &[Role::Prover]);
    let request = NodeRequest::new(name("prover-2"), [Role::Prover]);
    let onto = issue(&stage.ca(), &request, &stage.path("prover-1"));
    assert!(
        matches!(onto, Err(IdentityError::Exists { .. })),
        "{onto:?}"
    );
}

#[test]
fn a_name_belongs_to_one_set_of_roles_until_it_is_revoked() {
    let stage = Stage::new();
    stage.issue("n1", &[Role::Prover]);
    stage.issue_as(&NodeRequest::new(name("n1"), [Role::Prover]), "renewed");
    let other = NodeRequest::new(name("n1"), [Role::Sequencer]);
    let clash = issue(&stage.ca(), &other, &stage.path("clash"));
    assert!(
        matches!(clash, Err(IdentityError::NameTaken { .. })),
        "{clash:?}"
    );
    assert_eq!(revoke(&stage.ca(), &name("n1")).unwrap().len(), 2);
    stage.issue_as(&other, "successor");
    let none = issue(
        &stage.ca(),
        &NodeRequest::new(name("n2"), []),
        &stage.path("none"),
    );
    assert!(matches!(none, Err(IdentityError::NoRole)), "{none:?}");
}

#[test]
fn a_revoked_certificate_is_refused_once_the_list_has_arrived() {
    let stage = Stage::new();
    let (p1, p2) = (
        stage.issue("p1", &[Role::Prover]),
        stage.issue("p2", &[Role::Prover]),
    );
    let revoked = revoke(&stage.ca(), &name("p1")).unwrap();
    let twice = revoke(&stage.ca(), &name("p1"));
    assert!(
        matches!(twice, Err(IdentityError::NothingToRevoke { .. })),
        "{twice:?}"
    );
    load(&p1).unwrap();
    for folder in [&p1, &p2] {
        update(&stage.ca(), folder).unwrap();
    }
    assert!(matches!(refused(&p1), IdentityError::Revoked { .. }));
    assert!(load(&p2).unwrap().has_revoked(&revoked[0].serial));
    // A later revocation keeps the earlier ones.
    revoke(&stage.ca(), &name("p2")).unwrap();
    update(&stage.ca(), &p1).unwrap();
    assert!(matches!(refused(&p1), IdentityError::Revoked { .. }));
    assert!(matches!(
        update(&stage.ca(), &stage.path("nowhere")),
        Err(IdentityError::Missing { .. })
    ));
}

#[test]
fn certificates_outside_their_time_are_refused_with_the_time() {
    let stage = Stage::new();
    let (now, hour) = (SystemTime::now(), Duration::from_secs(3600));
    let request = |from, until| NodeRequest {
        from,
        until,
        ..NodeRequest::new(name("p1"), [Role::Prover])
    };
    let old = stage.issue_as(&request(now - 2 * hour, now - hour), "old");
    let early = stage.issue_as(&request(now + hour, now + 2 * hour), "early");
    let error = refused(&old);
    assert!(matches!(error, IdentityError::Expired { .. }), "{error:?}");
    assert!(error.to_string().contains("expired on 20"), "{error}");
    let error = refused(&early);
    assert!(
        matches!(error, IdentityError::NotYetValid { .. }),
        "{error:?}"
    );
}

#[test]
fn a_certificate_or_list_of_another_authority_is_foreign() {
    let (ours, theirs) = (Stage::new(), Stage::new());
    let (p1, p2) = (
        ours.issue("p1", &[Role::Prover]),
        ours.issue("p2", &[Role::Prover]),
    );
    fs::copy(theirs.ca().join("ca.crt"), p1.join("ca.crt")).unwrap();
    assert!(
        matches!(refused(&p1), IdentityError::Foreign { .. }),
        "{:?}",
        refused(&p1)
    );
    fs::copy(theirs.ca().join("revoked.crl"), p2.join("revoked.crl")).unwrap();
    let error = refused(&p2);
    let IdentityError::Foreign { path } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(path, &p2.join("revoked.crl"));
}

#[test]
fn an_exposed_missing_damaged_or_foreign_key_is_refused_with_its_path() {
    let stage = Stage::new();
    let folder = stage.issue("p1", &[Role::Prover]);
    let key = folder.join("node.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let error = refused(&folder);
    assert!(
        matches!(error, IdentityError::KeyExposed { mode: 0o640, .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("chmod 600"), "{error}");

    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let good = fs::read(&key).unwrap();
    fs::write(&key, b"nonsense").unwrap();
    assert!(matches!(refused(&folder), IdentityError::Damaged { .. }));

    let other = stage.issue("p2", &[Role::Prover]);
    fs::write(&key, fs::read(other.join("node.key")).unwrap()).unwrap();
    assert!(matches!(
        refused(&folder),
        IdentityError::KeyMismatch { .. }
    ));

    fs::write(&key, good).unwrap();
    load(&folder).unwrap();
    fs::remove_file(&key).unwrap();
    assert!(matches!(refused(&folder), IdentityError::Missing { path } if path == key));
}

#[test]
fn the_authoritys_own_certificate_is_not_a_nodes() {
    let stage = Stage::new();
    let folder = stage.issue("p1", &[Role::Prover]);
    fs::copy(stage.ca().join("ca.crt"), folder.join("node.crt")).unwrap();
    let error = refused(&folder);
    assert!(error.to_string().contains("not a node's"), "{error}");
}

#[test]
fn names_are_short_and_plain() {
    for good in ["a", "prover-1", "gpu_7.rack2", &"x".repeat(63)] {
        assert_eq!(good.parse::<Name>().unwrap().as_str(), good);
    }
    for bad in [
        "",
        "-a",
        "a-",
        "A",
        "a/b",
        "a b",
        "ä",
        "a\n",
        &"x".repeat(64),
    ] {
        let error: identity::BadName = bad.parse::<Name>().unwrap_err();
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    assert!("provers".parse::<Role>().is_err());
}
