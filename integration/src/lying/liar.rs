//! Lies, and who tells them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ethereum_types::U256;
use evm_arithmetization::generation::stand_in::{Area, Cells, Question, StandIn};
use evm_arithmetization::generation::{TrieInputs, TrimmedTrieInputs};

use super::tries::{Edit, Side};

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twist {
    /// It is replaced.
    Set(U256),
    /// Something is added, modulo 2^256.
    Add(U256),
}

impl Twist {
    /// The twisted value.
    pub fn of(self, value: U256) -> U256 {
        match self {
            Self::Set(other) => other,
            Self::Add(difference) => value.overflowing_add(difference).0,
        }
    }
}

/// When a cell is changed: the kernel must not have looked at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the run.
    Before,
    /// When this question is asked.
    Question(usize),
}

/// One lie.
#[derive(Clone, Debug)]
pub enum Lie {
    /// Another answer to a question.
    Answer {
        /// Its index.
        question: usize,
        /// What becomes of the answer.
        twist: Twist,
    },
    /// Another value in pre-initialised memory.
    Cell {
        /// When.
        moment: Moment,
        /// The area.
        area: Area,
        /// The cell's index there.
        index: usize,
        /// What becomes of the value.
        twist: Twist,
    },
    /// Another byte in the code that is loaded at a question.
    Code {
        /// The question's index.
        question: usize,
        /// The byte's.
        index: usize,
        /// The byte.
        byte: u8,
    },
    /// Other tries.
    Tries {
        /// Which.
        side: Side,
        /// What is changed.
        edit: Edit,
    },
}

impl Lie {
    /// The question at which it is told; `None` if it is told before the run.
    pub const fn question(&self) -> Option<usize> {
        match *self {
            Self::Answer { question, .. }
            | Self::Code { question, .. }
            | Self::Cell {
                moment: Moment::Question(question),
                ..
            } => Some(question),
            Self::Cell { .. } | Self::Tries { .. } => None,
        }
    }
}

/// Tells lies, and the truth otherwise.
pub struct Liar {
    lies: Vec<Lie>,
    told: Arc<AtomicUsize>,
}

impl Liar {
    /// One that tells these lies, and a counter of those that it has told.
    pub fn new(lies: Vec<Lie>) -> (Self, Arc<AtomicUsize>) {
        let told = Arc::new(AtomicUsize::new(0));
        let liar = Self {
            lies,
            told: told.clone(),
        };
        (liar, told)
    }

    fn change_cells(&self, now: Moment, cells: &mut Cells<'_>) {
        for lie in &self.lies {
            let changed = match *lie {
                Lie::Cell {
                    moment,
                    area,
                    index,
                    twist,
                } if moment == now => {
                    let value = cells.get(area, index);
                    let twisted = twist.of(value);
                    twisted != value && cells.set(area, index, twisted)
                }
                Lie::Code {
                    question,
                    index,
                    byte,
                } if Moment::Question(question) == now => cells
                    .loading()
                    .is_some_and(|context| cells.set(Area::Code(context), index, byte.into())),
                _ => false,
            };
            self.told.fetch_add(changed.into(), Ordering::Relaxed);
        }
    }
}

impl StandIn for Liar {
    fn tries(&mut self, lists: &mut TrieInputs, state: &mut TrimmedTrieInputs) {
        for lie in &self.lies {
            let Lie::Tries { side, edit } = lie else {
                continue;
            };
            let mut changed = false;
            if *side != Side::State {
                changed |= edit.make(&mut lists.state_trie, &mut lists.storage_tries);
            }
            if *side != Side::Lists {
                changed |= edit.make(&mut state.state_trie, &mut state.storage_tries);
            }
            self.told.fetch_add(changed.into(), Ordering::Relaxed);
        }
    }

    fn before(&mut self, cells: &mut Cells<'_>) {
        self.change_cells(Moment::Before, cells);
    }

    fn answer(&mut self, question: &Question, cells: &mut Cells<'_>) -> U256 {
        self.change_cells(Moment::Question(question.index), cells);
        let mut answer = question.honest.unwrap_or_default();
        for lie in &self.lies {
            if let Lie::Answer {
                question: of,
                twist,
            } = *lie
                && of == question.index
            {
                let twisted = twist.of(answer);
                self.told
                    .fetch_add((twisted != answer).into(), Ordering::Relaxed);
                answer = twisted;
            }
        }
        answer
    }
}

/// A stand-in that tells the truth.
pub fn honest() -> Box<dyn StandIn> {
    Box::new(Liar::new(Vec::new()).0)
}

/// A stand-in that answers as a function says; for lies that are told for a purpose.
pub fn answering<F>(answer: F) -> Box<dyn StandIn>
where
    F: FnMut(&Question, &mut Cells<'_>) -> U256 + Send + 'static,
{
    struct By<F>(F);
    impl<F: FnMut(&Question, &mut Cells<'_>) -> U256 + Send> StandIn for By<F> {
        fn answer(&mut self, question: &Question, cells: &mut Cells<'_>) -> U256 {
            (self.0)(question, cells)
        }
    }
    Box::new(By(answer))
}
