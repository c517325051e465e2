//! Reading what processes and logs say.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// A field of `/proc/PID/status` such as `VmRSS`, in bytes.
pub(crate) fn memory(process: u32, field: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kilobytes = line
        .and_then(|rest| rest.split_whitespace().next())
        .context("no such field")?;
    Ok(kilobytes.parse::<u64>()? << 10)
}

/// Sum of the times that the prover says its jobs took.
pub(crate) fn job_times(log: &str) -> Result<Duration> {
    let mut sum = Duration::ZERO;
    for line in log.lines().filter(|line| line.contains("job proven")) {
        sum += took(line).with_context(|| format!("no time in: {line}"))?;
    }
    ensure!(sum > Duration::ZERO, "no job was proven");
    Ok(sum)
}

/// The time in a line's `took=` field, as `Duration` prints it.
pub(crate) fn took(line: &str) -> Option<Duration> {
    let text = line
        .split_whitespace()
        .find_map(|word| word.strip_prefix("took="))?;
    let (number, unit) = text.split_at(text.find(|c: char| c.is_alphabetic() || c == 'µ')?);
    let seconds = match unit {
        "s" => 1.0,
        "ms" => 1e-3,
        "µs" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    };
    Some(Duration::from_secs_f64(
        number.parse::<f64>().ok()? * seconds,
    ))
}

/// Says on stderr what happens.
pub(crate) fn say(what: &str) {
    // Nowhere to say it if stderr is closed.
    let _ = writeln!(std::io::stderr(), "bench: {what}");
}
