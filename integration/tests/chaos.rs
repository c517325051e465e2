//! The short form of the chaos suite: two provers and one of each other role in namespaces, and whatever can go wrong.
//! Where the system allows no namespaces, on loopback addresses with what is possible there.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// On two cores that do something else as well.
const LIMIT: Duration = Duration::from_secs(900);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_confirmed_is_lost_when_machines_and_networks_of_a_cluster_fail() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("report.json");
    let suite = tokio::process::Command::new(env!("CARGO_BIN_EXE_chaos"))
        .args(["--short", "--seed", "1", "--or-loopback", "--report"])
        .arg(&path)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(LIMIT, suite)
        .await
        .context("it takes too long")??;
    let said = String::from_utf8_lossy(&output.stderr);
    let table = String::from_utf8_lossy(&output.stdout);
    println!("{said}\n{table}");
    ensure!(output.status.success(), "{said}\n{table}");
    let report: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let rounds = report["rounds"].as_array().context("rounds")?;
    ensure!(rounds.len() == 6, "all rounds were run: {}", rounds.len());
    ensure!(
        report["confirmed"].as_u64() > Some(3),
        "hardly anything was confirmed"
    );
    ensure!(report["jobs"].as_u64() > Some(0), "nothing was proven");
    ensure!(
        report["blocks"][2].as_u64() >= Some(1),
        "L2 verified nothing"
    );
    Ok(())
}
