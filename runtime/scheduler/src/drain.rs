//! Workers that are to finish what they have and leave.

use std::collections::BTreeMap;

use tern_messages::WorkerId;

use super::{Effect, Machine, Moment};

/// By name, with the start that is meant: a worker that was started again after it left is welcome.
#[derive(Debug, Default)]
pub(super) struct Drained(BTreeMap<String, Option<u64>>);

impl Drained {
    /// Whether this worker is to leave. Without a known start, the next one that asks is meant.
    pub(super) fn holds(&mut self, worker: &WorkerId) -> bool {
        let Some(meant) = self.0.get_mut(&worker.name) else {
            return false;
        };
        if *meant.get_or_insert(worker.incarnation) == worker.incarnation {
            return true;
        }
        self.0.remove(&worker.name);
        false
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }
}

impl Machine {
    /// Gives the worker of this name no more jobs: its next question is answered with [`Effect::Dismiss`]. What it
    /// works at it may finish.
    pub fn drain(&mut self, now: Moment, name: &str) -> Vec<Effect> {
        let asking = self
            .waiting
            .iter()
            .find(|(_, waiting)| waiting.offer.worker.name == name);
        let asking = asking.map(|(request, waiting)| (*request, waiting.offer.worker.incarnation));
        let working = self
            .leases
            .values()
            .find(|held| held.worker.name == name)
            .map(|held| held.worker.incarnation);
        let start = asking.map(|(_, start)| start).or(working);
        self.drained.0.insert(name.to_owned(), start);
        if let Some((request, _)) = asking {
            self.waiting.remove(&request);
            self.out.push(Effect::Dismiss { request });
        }
        self.advance(now)
    }
}
