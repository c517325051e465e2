//! One run: faults one after the other, and after each a look at everything.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::cluster::Cluster;
use super::fault::{Dice, Fault, Kind};
use super::report::{Report, Round};
use super::witness::Witness;
use super::world::World;

/// Longest time until a cluster is whole: at the start, and after a fault.
const WHOLE: Duration = Duration::from_secs(60);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(300);

/// What a run does.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Draws the faults.
    pub seed: u64,
    /// How many rounds. Each kind of fault comes once before one comes again.
    pub rounds: usize,
    /// Shortest and longest time of a fault.
    pub lasts: (Duration, Duration),
    /// In every third round two things go wrong at a time.
    pub combined: bool,
    /// Provers at the beginning.
    pub provers: u8,
    /// Time from one transfer to the next. Four transfers fill a segment, which two cores prove in a quarter of a minute.
    pub pace: Duration,
    /// Shortest time from one block to the next.
    pub blocks: Duration,
    /// Longest time for L2 to verify everything at the end.
    pub settle: Duration,
}

/// Runs a cluster in `folder` through the plan, and says on stderr what happens.
///
/// # Errors
/// If the cluster cannot be started. What the faults break is in the report.
pub async fn run(plan: Plan, world: World, folder: &Path) -> Result<Report> {
    let begun = Instant::now();
    let mut cluster = Cluster::start(world, folder, &plan).await?;
    let mut witness = Witness::start(&cluster, plan.pace).await?;
    whole(&mut cluster)
        .await
        .context("the cluster does not come up")?;
    confirms(&mut cluster, &witness).await?;
    eprintln!(
        "the cluster is whole after {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    let clock = cluster.has_clock();
    let works = |kind: &Kind| kind.works_in(world, clock);
    let (kinds, left_out): (Vec<_>, Vec<_>) = Kind::ALL.into_iter().partition(works);
    let mut report = Report {
        seed: plan.seed,
        world: format!("{world:?}").to_lowercase(),
        left_out: left_out.into_iter().map(Kind::name).collect(),
        ..Report::default()
    };
    let mut dice = Dice::new(plan.seed);
    let mut bag = Vec::new();
    for number in 0..plan.rounds {
        let mut draw = || {
            if bag.is_empty() {
                bag.clone_from(&kinds);
                dice.shuffle(&mut bag);
            }
            bag.pop().context("some fault is possible everywhere")
        };
        let mut drawn = vec![draw()?];
        if plan.combined && number % 3 == 2 {
            drawn.push(draw()?);
        }
        let mut faults: Vec<Fault> = Vec::new();
        for kind in drawn {
            let lasts = dice.between(plan.lasts.0, plan.lasts.1);
            let fault = dice.fault(kind, &cluster, lasts);
            // Two of a kind on one link cannot be told apart when they heal.
            if faults.iter().all(|other| other.index != fault.index) {
                faults.push(fault);
            }
        }
        let round = go_through(faults, &mut cluster, &mut witness).await?;
        eprintln!("{}", single(&round));
        let lost = !round.broken.is_empty();
        report.rounds.push(round);
        if lost {
            break;
        }
    }
    match witness.conclude(&mut cluster, plan.settle).await {
        Ok(took) => report.settled_after = took.as_secs_f64(),
        Err(error) => report.broken.push(format!("{error:#}")),
    }
    if let Err(error) = cluster.have_left().await {
        report.broken.push(format!("{error:#}"));
    }
    report.confirmed = witness.confirmed().await;
    report.blocks = witness.heights().await.unwrap_or_default();
    report.jobs = Witness::jobs(&cluster)?;
    if let Err(error) = cluster.rebuilds().await {
        let error = error.context("the chain made again from L2");
        report.broken.push(format!("{error:#}"));
    }
    report.took = begun.elapsed().as_secs_f64();
    Ok(report)
}

async fn go_through(
    faults: Vec<Fault>,
    cluster: &mut Cluster,
    witness: &mut Witness,
) -> Result<Round> {
    let before = witness.confirmed().await;
    for fault in &faults {
        fault
            .strike(cluster)
            .await
            .with_context(|| format!("{fault:?}"))?;
    }
    let struck = Instant::now();
    let going_on = faults.iter().filter(|fault| fault.goes_on());
    let mut left: Vec<_> = going_on.collect();
    left.sort_by_key(|fault| fault.lasts);
    for fault in left {
        while struck.elapsed() < fault.lasts {
            cluster.tend()?;
            tokio::time::sleep(PAUSE.min(fault.lasts.saturating_sub(struck.elapsed()))).await;
        }
        fault.heal(cluster).with_context(|| format!("{fault:?}"))?;
    }
    let during = witness.confirmed().await - before;
    let healed = Instant::now();
    let mut broken = Vec::new();
    let recovered = async {
        whole(cluster).await?;
        confirms(cluster, witness).await
    };
    if let Err(error) = recovered.await {
        broken.push(format!("{error:#}"));
    }
    let recovered_after = healed.elapsed().as_secs_f64();
    if let Err(error) = witness.check(cluster).await {
        broken.push(format!("{error:#}"));
    }
    let mut endings = Vec::new();
    for node in &mut cluster.nodes {
        if node.may_leave {
            continue;
        }
        for ending in std::mem::take(&mut node.endings) {
            endings.push((node.spec.name.clone(), ending.code, ending.said));
        }
    }
    Ok(Round {
        faults,
        endings,
        confirmed: during,
        recovered_after,
        blocks: witness.heights().await.unwrap_or_default(),
        broken,
    })
}

/// Waits until all nodes see each other.
async fn whole(cluster: &mut Cluster) -> Result<()> {
    let begun = Instant::now();
    loop {
        cluster.tend()?;
        if cluster.is_whole().await {
            return Ok(());
        }
        if begun.elapsed() > WHOLE {
            bail!("not all nodes see each other after {WHOLE:?}");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits until one more transfer is confirmed.
async fn confirms(cluster: &mut Cluster, witness: &Witness) -> Result<()> {
    let (begun, before) = (Instant::now(), witness.confirmed().await);
    while witness.confirmed().await == before {
        cluster.tend()?;
        if begun.elapsed() > WHOLE {
            bail!("no transfer was confirmed for {WHOLE:?}");
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

fn single(round: &Round) -> String {
    let report = Report {
        rounds: vec![round.clone()],
        ..Report::default()
    };
    let table = report.table();
    let lines = table.lines().skip(2);
    let lines: Vec<_> = lines.take(1 + round.endings.len()).collect();
    lines.join("\n")
}
