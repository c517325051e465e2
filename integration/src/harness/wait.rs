//! Waiting for something to become true, with a limit.

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// Asks again and again until there is an answer.
///
/// # Errors
/// If `limit` passes first: what was waited for. An error of `look` ends the wait at once.
pub async fn until<T, F: Future<Output = Result<Option<T>>>>(
    what: impl Display,
    limit: Duration,
    mut look: impl FnMut() -> F,
) -> Result<T> {
    let start = Instant::now();
    while start.elapsed() < limit {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        tokio::time::sleep(PAUSE).await;
    }
    bail!("waited {limit:?} in vain for {what}")
}

/// The answer of `future`, if it comes in time.
///
/// # Errors
/// If `limit` passes first, or as `future`.
pub async fn within<T>(
    what: impl Display,
    limit: Duration,
    future: impl Future<Output = Result<T>>,
) -> Result<T> {
    match tokio::time::timeout(limit, future).await {
        Ok(answer) => answer,
        Err(_) => bail!("waited {limit:?} in vain for {what}"),
    }
}
