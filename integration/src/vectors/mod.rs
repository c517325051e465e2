//! The Ethereum Foundation's test vectors (github.com/ethereum/tests): where they lie, and how to read them.
//!
//! They are not part of this repository. [`FOLDER_VARIABLE`] names their folder; tests that find none say so
//! loudly and pass.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;

mod known;
pub mod provable;
mod quantity;
pub mod rlp;
pub mod state;
pub mod transactions;
pub mod tries;

pub use known::{KnownCases, Verdict};

/// Environment variable that names the folder of the vectors.
pub const FOLDER_VARIABLE: &str = "ETHEREUM_TESTS";

/// The folder of the vectors. Without one, says on the process's own stderr, which the test runner does not
/// capture, that `test` is left out.
pub fn folder_for(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(FOLDER_VARIABLE)
        .map(PathBuf::from)
        .filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if folder.is_dir() => return Some(folder),
        Some(folder) => say(&format!(
            "LEFT OUT: {test}: {FOLDER_VARIABLE} names {}, which is no folder",
            folder.display()
        )),
        None => say(&format!(
            "LEFT OUT: {test}: {FOLDER_VARIABLE} does not name the folder of github.com/ethereum/tests"
        )),
    }
    None
}

/// Writes a line to the process's own stderr, where the test runner does not capture it.
pub fn say(line: &str) {
    // A closed stderr is no reason to fail.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// All JSON files below a folder, sorted.
///
/// # Errors
/// If a folder cannot be read or there are none.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries =
            std::fs::read_dir(&next).with_context(|| format!("reading {}", next.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                found.push(path);
            }
        }
    }
    ensure!(!found.is_empty(), "no vectors below {}", folder.display());
    found.sort_unstable();
    Ok(found)
}

/// Reads one JSON file.
///
/// # Errors
/// If it cannot be read or has another form.
pub fn read<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("parsing {}", file.display()))
}

/// The file's path below `folder`, without its ending: the name under which its cases are listed.
pub fn name_of(folder: &Path, file: &Path) -> String {
    let below = file.strip_prefix(folder).unwrap_or(file);
    below.with_extension("").to_string_lossy().into_owned()
}
