//! What was done and seen, for people and for programs.

use std::fmt::Write;

use serde::Serialize;

use super::fault::Fault;

/// One run of the suite.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Reproduces the faults.
    pub seed: u64,
    /// `namespaces` or `loopback`.
    pub world: String,
    /// Faults that this system does not allow.
    pub left_out: Vec<String>,
    /// What went wrong, in order.
    pub rounds: Vec<Round>,
    /// Transactions confirmed. None was lost.
    pub confirmed: usize,
    /// Blocks sealed, committed to L2 and verified by L2 at the end.
    pub blocks: [u64; 3],
    /// Proofs stored. No job had two.
    pub jobs: usize,
    /// Seconds from the end of the load until L2 had verified all of it.
    pub settled_after: f64,
    /// Seconds that the run took.
    pub took: f64,
    /// What did not hold. Empty if all is well.
    pub broken: Vec<String>,
}

/// Faults at one time, and what came of them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Round {
    /// What went wrong.
    pub faults: Vec<Fault>,
    /// Processes that ended because of it: name, exit code, last words. They were started again.
    pub endings: Vec<(String, Option<i32>, String)>,
    /// Transfers confirmed while it lasted.
    pub confirmed: usize,
    /// Seconds from the end of the fault until all nodes saw each other again and a new transfer was confirmed.
    pub recovered_after: f64,
    /// Heights after that: sealed, committed, verified.
    pub blocks: [u64; 3],
    /// What was lost or contradictory. Empty if all is well.
    pub broken: Vec<String>,
}

impl Report {
    /// Whether everything held.
    pub fn is_well(&self) -> bool {
        self.broken.is_empty() && self.rounds.iter().all(|round| round.broken.is_empty())
    }

    /// As a table.
    pub fn table(&self) -> String {
        let mut text = format!(
            "seed {}, {}\n{:<44} {:>7} {:>10} {:>10} {:>22}  {}\n",
            self.seed,
            self.world,
            "FAULT",
            "LASTED",
            "CONFIRMED",
            "RECOVERED",
            "SEALED/COMMITTED/VERIFIED",
            "LOST"
        );
        for round in &self.rounds {
            let names: Vec<_> = round.faults.iter().map(named).collect();
            let lasted = round.faults.iter().map(|fault| fault.lasts.as_secs_f64());
            let [sealed, committed, verified] = round.blocks;
            let heights = format!("{sealed}/{committed}/{verified}");
            let _ = writeln!(
                text,
                "{:<44} {:>6.1}s {:>10} {:>9.1}s {:>25}  {}",
                names.join(" + "),
                lasted.fold(0.0, f64::max),
                round.confirmed,
                round.recovered_after,
                heights,
                lost(&round.broken),
            );
            for (name, code, said) in &round.endings {
                let code = code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
                let said: String = said.chars().take(150).collect();
                let _ = writeln!(
                    text,
                    "    {name} ended with {code} and was started again: {said}"
                );
            }
        }
        let [sealed, committed, verified] = self.blocks;
        let _ = write!(
            text,
            "{} transactions confirmed; blocks {sealed} sealed, {committed} committed, {verified} verified {:.0} s after \
             the load ended; {} jobs proven, none twice; {:.0} s in all\nlost or contradictory: {}",
            self.confirmed,
            self.settled_after,
            self.jobs,
            self.took,
            lost(&self.broken)
        );
        if !self.left_out.is_empty() {
            let _ = write!(
                text,
                "\nnot possible here and left out: {}",
                self.left_out.join(", ")
            );
        }
        text
    }
}

fn named(fault: &Fault) -> String {
    match fault.jump {
        0 => format!("{} {}", fault.kind.name(), fault.node),
        jump => format!("{} {} by {jump} s", fault.kind.name(), fault.node),
    }
}

fn lost(broken: &[String]) -> String {
    if broken.is_empty() {
        return "nothing".to_owned();
    }
    broken.join("; ")
}
