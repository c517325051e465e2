//! Jobs come, become ready, and go.

use std::collections::BTreeSet;

use tern_messages::JobId;

use super::entry::{Entry, Fate};
use super::{Effect, Machine, Moment, Planned};

impl Machine {
    /// Adds jobs, children before parents. `group` orders them against others: the number of the oldest block
    /// that needs them. Jobs that are known already stay as they are, except that they may come earlier.
    pub fn plan(&mut self, now: Moment, group: u64, jobs: Vec<Planned>) -> Vec<Effect> {
        for Planned { id, job, done } in jobs {
            if !self.jobs.contains_key(&id) {
                self.insert(id, job, group);
            }
            self.move_up(&id, group);
            if done {
                self.finish(&id);
            }
        }
        self.advance(now)
    }

    /// Forgets a job and everything below it: the proof is there, or nobody needs it any more.
    pub fn forget(&mut self, root: &JobId) -> Vec<Effect> {
        let mut rest = vec![*root];
        while let Some(id) = rest.pop() {
            let Some(entry) = self.jobs.remove(&id) else {
                continue;
            };
            self.ready.remove(&entry.place());
            for fence in &entry.leases {
                self.leases.remove(fence);
                self.out.push(Effect::DropLease(*fence));
            }
            let children = entry.job.children();
            for child in &children {
                if let Some(parents) = self.dependents.get_mut(child) {
                    parents.remove(&id);
                    if parents.is_empty() {
                        self.dependents.remove(child);
                    }
                }
            }
            // A child that others wait for stays.
            rest.extend(
                children
                    .into_iter()
                    .filter(|child| !self.dependents.contains_key(child)),
            );
        }
        std::mem::take(&mut self.out)
    }

    fn insert(&mut self, id: JobId, job: tern_messages::Job, group: u64) {
        let children = job.children();
        let below = children.iter().filter_map(|child| self.jobs.get(child));
        let level = below.map(|child| child.level + 1).max().unwrap_or(0);
        let missing: BTreeSet<_> = children
            .iter()
            .filter(|child| !self.is_done(child))
            .copied()
            .collect();
        for child in children {
            self.dependents.entry(child).or_default().insert(id);
        }
        let entry = Entry {
            missing,
            ..Entry::new(id, job, group, level)
        };
        self.jobs.insert(id, entry);
        self.settle(&id);
    }

    fn move_up(&mut self, id: &JobId, group: u64) {
        let Some(entry) = self.jobs.get_mut(id) else {
            return;
        };
        if group < entry.group {
            self.ready.remove(&entry.place());
            entry.group = group;
        }
        self.settle(id);
    }

    /// Marks a job as done and wakes those that waited for it.
    pub(super) fn finish(&mut self, id: &JobId) {
        let Some(entry) = self.jobs.get_mut(id) else {
            return;
        };
        entry.fate = Fate::Done;
        for fence in std::mem::take(&mut entry.leases) {
            self.leases.remove(&fence);
            self.out.push(Effect::DropLease(fence));
        }
        self.settle(id);
        let parents: Vec<_> = self
            .dependents
            .get(id)
            .into_iter()
            .flatten()
            .copied()
            .collect();
        for parent in parents {
            if let Some(entry) = self.jobs.get_mut(&parent) {
                entry.missing.remove(id);
            }
            self.settle(&parent);
        }
    }

    /// Puts a job into the line, or takes it out, as it stands now.
    pub(super) fn settle(&mut self, id: &JobId) {
        let Some(entry) = self.jobs.get(id) else {
            return;
        };
        if entry.is_ready() {
            self.ready.insert(entry.place());
        } else {
            self.ready.remove(&entry.place());
        }
    }
}
