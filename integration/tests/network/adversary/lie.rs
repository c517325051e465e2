//! Lies, and how they are met.

use alloy::primitives::Bytes;
use alloy::sol_types::SolInterface;
use anyhow::{Result, bail, ensure};
use tern_integration::harness::Replay;
use tern_settlement::Foundations::FoundationsErrors;
use tern_settlement::IRollup::IRollupErrors as Refusal;

/// Calls under way at a time.
const CALLS: usize = 4;

/// How a call was refused.
#[derive(Debug)]
pub(crate) enum Refused {
    Rollup(Refusal),
    #[expect(dead_code, reason = "its name is read in its debug form")]
    Foundation(FoundationsErrors),
}

/// A changed call, and the names of the errors of which it must meet one.
pub(crate) struct Lie {
    pub(crate) what: String,
    pub(crate) calldata: Bytes,
    pub(crate) expected: &'static [&'static str],
}

/// Makes every call, some at a time; returns how each was refused.
pub(crate) async fn all_refused(replay: &Replay, lies: Vec<Lie>) -> Result<Vec<Refused>> {
    let mut refused = Vec::with_capacity(lies.len());
    let mut lies = lies.into_iter();
    loop {
        let group: Vec<Lie> = lies.by_ref().take(CALLS).collect();
        if group.is_empty() {
            return Ok(refused);
        }
        let calls: Vec<_> = group
            .iter()
            .map(|lie| {
                let (replay, calldata) = (replay.clone(), lie.calldata.clone());
                tokio::spawn(async move { replay.call(calldata).await })
            })
            .collect();
        for (lie, call) in group.iter().zip(calls) {
            match call.await?? {
                Ok(_) => bail!("the contract believes {}", lie.what),
                Err(data) => refused.push(named(&data, lie)?),
            }
        }
    }
}

pub(crate) fn named(data: &Bytes, lie: &Lie) -> Result<Refused> {
    let refused = match (
        Refusal::abi_decode(data),
        FoundationsErrors::abi_decode(data),
    ) {
        (Ok(error), _) => Refused::Rollup(error),
        (_, Ok(error)) => Refused::Foundation(error),
        _ => bail!("{} reverts without a known error: {data}", lie.what),
    };
    let text = format!("{refused:?}");
    let met = lie
        .expected
        .iter()
        .any(|name| text.contains(&format!("({name}(")));
    ensure!(met, "{} meets {text}, not {:?}", lie.what, lie.expected);
    Ok(refused)
}

/// Changes one bit of each byte of `bytes`, another bit in each.
pub(crate) fn each_byte(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    (0..bytes.len()).map(|place| (place, one_bit(bytes, place)))
}

pub(crate) fn one_bit(bytes: &[u8], place: usize) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[place] ^= 1 << (place % 8);
    changed
}

pub(crate) fn each_bit_of_number(number: u64) -> impl Iterator<Item = (usize, u64)> {
    (0..8).map(move |byte| (byte, number ^ (1 << (8 * byte + byte))))
}
