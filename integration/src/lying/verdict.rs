//! What became of a lie.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Once;
use std::sync::atomic::Ordering;

use evm_arithmetization::Field;
use evm_arithmetization::generation::stand_in::{
    Beginning, Claims, Outcome, Run, StandIn, Stopper, run_kernel,
};

use super::kernel::kernel;
use super::liar::{Liar, Lie};
use super::scene::Scene;

/// What became of a lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was told: the place of the lie was not reached.
    Untold,
    /// The kernel stopped, or the machine that runs it.
    Stopped {
        /// `panic`, `fault` or `memory`.
        why: &'static str,
        /// Where in the kernel.
        at: String,
    },
    /// The run did not end within four times the honest one.
    Endless,
    /// The generator of this test gave up.
    GaveUp(String),
    /// The same outcome.
    Same,
    /// Other transactions, and what follows from them.
    OtherTransactions,
    /// A false statement.
    Forged(Claims),
}

/// The verdict on a run. `of_transactions`: whether the lie was about which transactions there are.
pub fn judge(scene: &Scene, run: Run, of_transactions: bool) -> Verdict {
    let honest = &scene.claims;
    match run.outcome {
        Outcome::Halted(claims) if claims == *honest => Verdict::Same,
        Outcome::Halted(claims) => {
            let same = claims.transactions_root == honest.transactions_root
                && claims.transactions == honest.transactions;
            match of_transactions && !same {
                true => Verdict::OtherTransactions,
                false => Verdict::Forged(claims),
            }
        }
        Outcome::Stopped { by, at } => match by {
            Stopper::Panic => Verdict::Stopped { why: "panic", at },
            Stopper::Fault(_) => Verdict::Stopped { why: "fault", at },
            Stopper::Memory(_) => Verdict::Stopped { why: "memory", at },
            Stopper::Endless => Verdict::Endless,
            Stopper::Generator(why) => Verdict::GaveUp(format!("{why} at {at}")),
        },
    }
}

/// Lets a stand-in answer for a scene.
pub fn tell(scene: &Scene, stand_in: Box<dyn StandIn>) -> Run {
    quietly();
    run_kernel(&scene.inputs, &kernel(), stand_in, scene.limit())
}

impl Scene {
    /// How many cycles a run may take.
    fn limit(&self) -> usize {
        4 * self.cycles + 1_000_000
    }

    /// Tells lies.
    pub fn lie(&self, lies: &[Lie]) -> Verdict {
        self.lie_to(lies, |liar| tell(self, liar))
    }

    /// Tells lies, one of `each` after the other, and says what becomes of them. What comes before they are told is
    /// executed once.
    ///
    /// # Panics
    /// If they are not in the order of [`Lie::question`], or the honest prover does not come so far.
    pub fn lie_each(&self, each: &[Vec<Lie>], mut verdict: impl FnMut(&[Lie], Verdict)) {
        quietly();
        let begin = || Beginning::<Field>::new(&self.inputs, &kernel(), self.limit());
        let mut beginning = None;
        let mut answered = 0;
        for lies in each {
            let Some(question) = lies.iter().map(Lie::question).min().flatten() else {
                verdict(lies, self.lie(lies));
                continue;
            };
            assert!(answered <= question, "{lies:?} comes too late");
            answered = question;
            let beginning = beginning.get_or_insert_with(|| begin().expect("it begins"));
            beginning.answer(question).expect("the honest run ends");
            verdict(lies, self.lie_to(lies, |liar| beginning.go_on(liar)));
        }
    }

    fn lie_to(&self, lies: &[Lie], run: impl FnOnce(Box<dyn StandIn>) -> Run) -> Verdict {
        let (liar, told) = Liar::new(lies.to_vec());
        let run = run(Box::new(liar));
        if told.load(Ordering::Relaxed) == 0 {
            return Verdict::Untold;
        }
        let of_transactions = lies.iter().any(|lie| match lie {
            Lie::Answer { question, .. } => {
                let asked = self.record.questions.get(*question);
                asked.is_some_and(|asked| ["rlp", "end_of_txns"].contains(&&*asked.function))
            }
            _ => false,
        });
        judge(self, run, of_transactions)
    }
}

/// Lies make the honest generator panic in places; nobody needs to read of it.
pub fn quietly() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let ours = panic
                .location()
                .is_some_and(|at| at.file().contains("integration/"));
            if ours {
                usual(panic);
            }
        }));
    });
}

/// Verdicts, counted.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    counts: BTreeMap<&'static str, usize>,
    gave_up: BTreeMap<String, usize>,
}

impl Tally {
    /// Counts one.
    pub fn add(&mut self, verdict: &Verdict) {
        let name = match verdict {
            Verdict::Untold => "not told",
            Verdict::Stopped { why: "panic", .. } => "stopped by the kernel",
            Verdict::Stopped { why: "fault", .. } => "stopped by a fault",
            Verdict::Stopped { .. } => "stopped by an address",
            Verdict::Endless => "endless",
            Verdict::GaveUp(_) => "generator gave up",
            Verdict::Same => "same outcome",
            Verdict::OtherTransactions => "other transactions",
            Verdict::Forged(_) => "FORGED",
        };
        *self.counts.entry(name).or_default() += 1;
        if let Verdict::GaveUp(why) = verdict {
            *self
                .gave_up
                .entry(why.chars().take(120).collect())
                .or_default() += 1;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: usize = self.counts.values().sum();
        write!(f, "{told} runs")?;
        for (name, count) in &self.counts {
            write!(f, ", {count} {name}")?;
        }
        for (why, count) in &self.gave_up {
            write!(f, "\n  gave up {count} times: {why}")?;
        }
        Ok(())
    }
}
