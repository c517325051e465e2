//! What goes wrong, drawn from a seed.

use std::time::Duration;

use anyhow::Result;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use tern_cluster_config::Role;

use super::cluster::Cluster;
use super::world::{Link, World, fill};

/// Something that goes wrong with one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `kill -9`, and started again.
    Kill,
    /// Stopped, as a machine that hangs, and continued.
    Freeze,
    /// The cable is pulled.
    Cut,
    /// What it sends gets lost; what it is sent arrives.
    OneWay,
    /// The cable is pulled and plugged in again and again.
    Flapping,
    /// 256 kbit/s.
    Slow,
    /// One in eight packets is lost, in each direction.
    Loss,
    /// No room on its disk.
    DiskFull,
    /// Its clock goes ten minutes wrong, and back.
    ClockJump,
    /// A prover joins for good.
    Join,
    /// A prover is drained, and leaves for good.
    Drain,
}

/// One thing that goes wrong.
#[derive(Clone, Debug, Serialize)]
pub struct Fault {
    /// What.
    pub kind: Kind,
    /// With whom.
    pub node: String,
    /// For how long, where that is meant to end.
    #[serde(serialize_with = "seconds")]
    pub lasts: Duration,
    /// Seconds by which a clock jumps.
    #[serde(skip_serializing_if = "is_zero")]
    pub jump: i64,
    #[serde(skip)]
    pub(super) index: usize,
}

/// A clock that is ahead makes blocks that L2 refuses until its own time has come; more than this would only be a wait.
const AHEAD: i64 = 20;
const JUMP: i64 = 600;

impl Kind {
    /// What can be done to processes alone.
    const ANYWHERE: [Self; 5] = [
        Self::Kill,
        Self::Freeze,
        Self::ClockJump,
        Self::Join,
        Self::Drain,
    ];
    /// Everything.
    pub const ALL: [Self; 11] = [
        Self::Kill,
        Self::Freeze,
        Self::Cut,
        Self::OneWay,
        Self::Join,
        Self::Flapping,
        Self::Slow,
        Self::Loss,
        Self::DiskFull,
        Self::ClockJump,
        Self::Drain,
    ];

    /// Whether it can be done in this world.
    pub fn works_in(self, world: World, clock: bool) -> bool {
        (world == World::Namespaces || Self::ANYWHERE.contains(&self))
            && (self != Self::ClockJump || clock)
    }

    /// Its name in reports.
    pub fn name(self) -> String {
        let name = serde_json::to_value(self).ok();
        name.as_ref()
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }
}

/// Numbers from a seed, the same on every machine.
#[derive(Clone, Debug)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// One of several equally likely times.
    pub fn between(&mut self, shortest: Duration, longest: Duration) -> Duration {
        self.0.gen_range(shortest..=longest)
    }

    /// In another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        items.shuffle(&mut self.0);
    }

    /// A fault of this kind, with a node of this cluster.
    pub(super) fn fault(&mut self, kind: Kind, cluster: &Cluster, lasts: Duration) -> Fault {
        let fits = |role: Role| match kind {
            Kind::DiskFull => role != Role::Prover,
            Kind::Drain => role == Role::Prover,
            _ => true,
        };
        let nodes = cluster.nodes.iter().enumerate();
        let candidates: Vec<_> = nodes
            .filter(|(_, node)| fits(node.spec.role) && !node.may_leave)
            .collect();
        // Each role as often as the others, however many provers there are.
        let mut roles: Vec<Role> = candidates.iter().map(|(_, node)| node.spec.role).collect();
        roles.dedup();
        let role = roles[self.0.gen_range(0..roles.len())];
        let of_role: Vec<_> = candidates
            .into_iter()
            .filter(|(_, node)| node.spec.role == role)
            .collect();
        let (index, node) = of_role[self.0.gen_range(0..of_role.len())];
        let jump = match (kind, self.0.r#gen(), role) {
            (Kind::ClockJump, true, Role::MainNode) => AHEAD,
            (Kind::ClockJump, true, _) => JUMP,
            (Kind::ClockJump, false, _) => -JUMP,
            _ => 0,
        };
        let (index, node) = match kind {
            Kind::Join => (cluster.nodes.len(), format!("p{}", cluster.nodes.len() - 2)),
            _ => (index, node.spec.name.clone()),
        };
        Fault {
            kind,
            node,
            lasts,
            jump,
            index,
        }
    }
}

impl Fault {
    /// Brings it about.
    ///
    /// # Errors
    /// If the system refuses.
    pub(super) async fn strike(&self, cluster: &mut Cluster) -> Result<()> {
        let link = Link(u8::try_from(self.index)?);
        match self.kind {
            Kind::Kill => {
                let node = &mut cluster.nodes[self.index];
                node.kill()?;
                node.start()
            }
            Kind::Freeze => cluster.nodes[self.index].signal("-STOP"),
            Kind::Cut => link.plug(false),
            Kind::OneWay => link.mute(&cluster.others(self.index)),
            Kind::Flapping => {
                for _ in 0..FLAPS {
                    link.plug(false)?;
                    tokio::time::sleep(self.lasts / (2 * FLAPS)).await;
                    link.plug(true)?;
                    tokio::time::sleep(self.lasts / (2 * FLAPS)).await;
                }
                Ok(())
            }
            Kind::Slow => link.slow(256),
            Kind::Loss => link.lossy(12),
            Kind::DiskFull => fill(&cluster.nodes[self.index].data()).map(drop),
            Kind::ClockJump => cluster.nodes[self.index].set_clock(self.jump),
            Kind::Join => cluster.add(&self.node, Role::Prover).await.map(drop),
            Kind::Drain => cluster.drain(self.index, DRAIN),
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// If the system refuses.
    pub(super) fn heal(&self, cluster: &mut Cluster) -> Result<()> {
        let link = Link(u8::try_from(self.index)?);
        match self.kind {
            Kind::Kill | Kind::Join | Kind::Drain | Kind::Flapping => Ok(()),
            // It may have been ended meanwhile by another fault; then there is nothing to continue.
            Kind::Freeze => cluster.nodes[self.index].signal("-CONT"),
            Kind::Cut => link.plug(true),
            Kind::OneWay => link.unmute(&cluster.others(self.index)),
            Kind::Slow => link.fast(),
            Kind::Loss => link.lossless(),
            Kind::DiskFull => {
                let rubbish = cluster.nodes[self.index].data().join("rubbish");
                Ok(std::fs::remove_file(rubbish)?)
            }
            Kind::ClockJump => cluster.nodes[self.index].set_clock(0),
        }
    }

    /// Whether it goes on until it is healed.
    pub(super) fn goes_on(&self) -> bool {
        !matches!(
            self.kind,
            Kind::Kill | Kind::Join | Kind::Drain | Kind::Flapping
        )
    }
}

const FLAPS: u32 = 5;
/// Longest time for a prover to finish its job and leave.
const DRAIN: Duration = Duration::from_secs(300);

fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}
