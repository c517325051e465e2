//! Lists of cases that are known not to pass, each with its reason, kept under version control.
//!
//! ```text
//! # A comment.
//! because: the reason, in one line
//!     name of a case
//!     name of another case with the same reason
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// The cases of one list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownCases {
    /// Reason by name of the case.
    reasons: BTreeMap<String, String>,
}

/// What a run found, compared with the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Cases that failed and are not listed, with what went wrong.
    pub unlisted: Vec<(String, String)>,
    /// Cases that are listed, were run, and passed.
    pub now_passing: Vec<String>,
    /// Cases that are listed and failed.
    pub known: usize,
    /// Cases that passed.
    pub passed: usize,
}

impl KnownCases {
    /// Reads a list from a file below the crate's `known` folder.
    ///
    /// # Errors
    /// If it cannot be read, a case has no reason, or is listed twice.
    pub fn read(file: &str) -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("known")
            .join(file);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("reading {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("in {}", path.display()))
    }

    /// Reads a list.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(text: &str) -> Result<Self> {
        let mut reasons = BTreeMap::new();
        let mut reason = None;
        for line in text.lines() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(because) = line.strip_prefix("because:") {
                ensure!(!because.trim().is_empty(), "a reason is empty");
                reason = Some(because.trim().to_owned());
                continue;
            }
            let case = line.trim().to_owned();
            let Some(reason) = &reason else {
                bail!("{case} has no reason")
            };
            let twice = reasons.insert(case.clone(), reason.clone()).is_some();
            ensure!(!twice, "{case} is listed twice");
        }
        Ok(Self { reasons })
    }

    /// Why a case is listed, if it is.
    pub fn reason(&self, case: &str) -> Option<&str> {
        self.reasons.get(case).map(String::as_str)
    }

    /// Listed cases that are not among `names`: leftovers of renamed or removed vectors.
    pub fn missing_from<'a>(&'a self, names: &BTreeSet<&str>) -> Vec<&'a str> {
        let listed = self.reasons.keys().map(String::as_str);
        listed.filter(|case| !names.contains(case)).collect()
    }

    /// Compares what a run found (what went wrong, if anything did) with the list.
    pub fn judge(&self, outcomes: impl IntoIterator<Item = (String, Option<String>)>) -> Verdict {
        let mut verdict = Verdict::default();
        for (case, wrong) in outcomes {
            match (self.reason(&case), wrong) {
                (None, None) => verdict.passed += 1,
                (Some(_), Some(_)) => verdict.known += 1,
                (Some(_), None) => verdict.now_passing.push(case),
                (None, Some(wrong)) => verdict.unlisted.push((case, wrong)),
            }
        }
        verdict
    }
}

impl Verdict {
    /// Panics with everything that is not as listed.
    ///
    /// # Panics
    /// If an unlisted case failed or a listed one passed.
    pub fn assert_as_listed(&self) {
        let failed = self.unlisted.iter();
        let failed: String = failed
            .map(|(case, wrong)| format!("\n  {case}: {wrong}"))
            .collect();
        let passed: String = self
            .now_passing
            .iter()
            .map(|case| format!("\n  {case}"))
            .collect();
        assert!(
            self.unlisted.is_empty() && self.now_passing.is_empty(),
            "{} cases fail and are not listed:{failed}\n{} cases are listed and pass:{passed}",
            self.unlisted.len(),
            self.now_passing.len(),
        );
    }
}
