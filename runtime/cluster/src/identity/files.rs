//! Reading and writing the files of identities.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::error::IdentityError;

/// Longest accepted file, in bytes. A revocation list has some 40 bytes for each entry.
const MAX_FILE: u64 = 4 << 20;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    Everybody,
    Owner,
}

impl Audience {
    fn mode(self) -> u32 {
        match self {
            Self::Everybody => 0o644,
            Self::Owner => 0o600,
        }
    }
}

pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> IdentityError {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::NotFound if action == "reading" => IdentityError::Missing { path },
        _ => IdentityError::Io {
            action,
            path,
            source,
        },
    }
}

/// Writes all of a file or nothing: a draft is renamed. The key is never readable by others in between.
pub(super) fn write(path: &Path, bytes: &[u8], audience: Audience) -> Result<(), IdentityError> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = Path::new(&draft);
    let attempt = || -> io::Result<()> {
        match fs::remove_file(draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(audience.mode())
            .open(draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(draft, path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    };
    attempt().map_err(failed("writing", path))
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, IdentityError> {
    let file = File::open(path).map_err(failed("reading", path))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(failed("reading", path))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(IdentityError::Damaged {
            path: path.to_owned(),
            reason: format!("more than {MAX_FILE} bytes are too many"),
        });
    }
    Ok(bytes)
}

/// Reads a key, unless others can read or write it.
pub(super) fn read_key(path: &Path) -> Result<Vec<u8>, IdentityError> {
    let metadata = fs::metadata(path).map_err(failed("reading", path))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(IdentityError::KeyExposed {
            path: path.to_owned(),
            mode,
        });
    }
    read(path)
}

/// Makes a folder that only its owner may enter. One that exists must be empty.
pub(super) fn make_folder(path: &Path) -> Result<(), IdentityError> {
    fs::create_dir_all(path).map_err(failed("creating", path))?;
    let mut entries = fs::read_dir(path).map_err(failed("listing", path))?;
    if entries.next().is_some() {
        return Err(IdentityError::Exists {
            path: path.to_owned(),
        });
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed("closing", path))
}
