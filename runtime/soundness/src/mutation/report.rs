//! What became of the mutants, and what was reviewed before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::class::Site;
use crate::{NUM_TABLES, Table};

/// What a surviving mutant is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The table.
    pub table: String,
    /// What the row does.
    pub class: String,
    /// The cell. The elements of a word are alike.
    pub cell: String,
    /// How it is changed.
    pub kind: String,
}

impl Key {
    pub(crate) fn new(site: &Site, cell: &str, kind: &str) -> Self {
        Self {
            table: format!("{:?}", site.table),
            class: site.class.clone(),
            cell: cell.to_owned(),
            kind: kind.to_owned(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            table,
            class,
            cell,
            kind,
        } = self;
        write!(f, "{table} | {class} | {cell} | {kind}")
    }
}

/// Counts of mutants, and those that nothing objects to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// All.
    pub made: usize,
    /// Those that mean what the honest rows mean, and to which nothing objects.
    pub equivalent: usize,
    /// Those to which a constraint, a lookup or an honest table objects.
    pub caught: usize,
    /// The others: how many and where the first is.
    pub survivors: BTreeMap<Key, (usize, String)>,
    /// By table, constraints that alone objected to a mutant that means something else.
    pub indispensable: [BTreeSet<usize>; NUM_TABLES],
}

impl Report {
    /// Both together.
    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        self.made += other.made;
        self.equivalent += other.equivalent;
        self.caught += other.caught;
        for (key, (count, example)) in other.survivors {
            self.survivors.entry(key).or_insert((0, example)).0 += count;
        }
        for (own, others) in self.indispensable.iter_mut().zip(other.indispensable) {
            own.extend(others);
        }
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let survivors: usize = self.survivors.values().map(|(count, _)| count).sum();
        write!(
            f,
            "{} mutants: {} equivalent, {} caught, {survivors} survive, of {} kinds; alone caught by:",
            self.made,
            self.equivalent,
            self.caught,
            self.survivors.len(),
        )?;
        for table in Table::all() {
            let count = self.indispensable[table as usize].len();
            write!(f, " {count} constraints of {table:?}")?;
        }
        Ok(())
    }
}

/// An entry of the list of reviewed survivors. In the list a line is
/// `table | class | cell | kind | why it is harmless`; `*` stands for anything, alone or at the end.
#[derive(Clone, Debug)]
pub struct Reviewed {
    patterns: [String; 4],
}

impl Reviewed {
    /// The entries of a list; what begins with `#` is a remark.
    ///
    /// # Panics
    /// If a line is none.
    #[must_use]
    pub fn list(text: &str) -> Vec<Self> {
        let lines = text.lines().map(str::trim);
        let entries = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let entry = |line: &str| {
            let fields: Vec<String> = line.split('|').map(|field| field.trim().into()).collect();
            let [table, class, cell, kind, reason] =
                <[String; 5]>::try_from(fields).expect("four patterns and a reason");
            assert!(!reason.is_empty(), "no reason: {line}");
            Self {
                patterns: [table, class, cell, kind],
            }
        };
        entries.map(entry).collect()
    }

    /// Whether the survivor is one of these.
    #[must_use]
    pub fn matches(&self, key: &Key) -> bool {
        let fields = [&key.table, &key.class, &key.cell, &key.kind];
        let mut both = self.patterns.iter().zip(fields);
        both.all(|(pattern, field)| fits(pattern, field))
    }

    /// Whether survivors at a site may be of these.
    pub(crate) fn is_about(&self, site: &Site) -> bool {
        let [table, class, _, _] = &self.patterns;
        fits(table, &format!("{:?}", site.table)) && fits(class, &site.class)
    }

    /// Whether survivors of a kind may be of these.
    pub(crate) fn is_of_kind(&self, kind: &str) -> bool {
        fits(&self.patterns[3], kind)
    }
}

fn fits(pattern: &str, field: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => field.starts_with(start),
        None => pattern == field,
    }
}

impl fmt::Display for Reviewed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.patterns.join(" | "))
    }
}
