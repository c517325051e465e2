//! `eth_getLogs`.

use alloy::eips::BlockNumberOrTag;
use alloy::primitives::Bloom;
use alloy::rpc::types::{Filter, FilterBlockOption, Log};
use tern_cluster_config::LogLimits;
use tern_messages::BlockNumber;
use tern_storage::tables::chain::BLOOMS;

use crate::main_node::OpenView;
use crate::rpc::convert::logs;
use crate::rpc::error::RpcFailure;
use crate::rpc::reader::{BlockFacts, Found, Reader};

/// Finds the logs that match, within the limits.
pub(super) fn find(
    reader: &Reader,
    filter: &Filter,
    limits: LogLimits,
) -> Result<Vec<Log>, RpcFailure> {
    let mut search = Search {
        reader,
        filter,
        limits,
        found: Vec::new(),
    };
    match filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => match reader.find(hash.into())? {
            None => return Err(RpcFailure::UnknownBlock),
            Some(Found::Open(open)) => search.open(&open)?,
            Some(Found::Sealed(header)) => search.sealed(BlockNumber(header.header.number))?,
        },
        FilterBlockOption::Range {
            from_block,
            to_block,
        } => {
            let from = reader.sealed_number(from_block.unwrap_or(BlockNumberOrTag::Latest))?;
            let to = reader.sealed_number(to_block.unwrap_or(BlockNumberOrTag::Latest))?;
            search.range(from, to)?;
        }
    }
    Ok(search.found)
}

struct Search<'a> {
    reader: &'a Reader,
    filter: &'a Filter,
    limits: LogLimits,
    found: Vec<Log>,
}

impl Search<'_> {
    fn range(&mut self, from: u64, to: u64) -> Result<(), RpcFailure> {
        if from > to {
            let text = format!("invalid block range: fromBlock {from} is after toBlock {to}");
            return Err(RpcFailure::Parameter(text));
        }
        let head = self.reader.head();
        let to = to.min(head.confirmed().0);
        let asked = to.saturating_sub(from).saturating_add(1);
        if asked > self.limits.max_blocks {
            return Err(RpcFailure::Limit(format!(
                "{asked} blocks were asked for; one request searches at most {}, so narrow the range",
                self.limits.max_blocks
            )));
        }
        for number in from..=to {
            match &head.open {
                Some(open) if open.environment.number == number => self.open(open)?,
                _ => self.sealed(BlockNumber(number))?,
            }
        }
        Ok(())
    }

    fn sealed(&mut self, number: BlockNumber) -> Result<(), RpcFailure> {
        // The header's bloom may be a constant; the true one is kept beside it.
        let bloom = self.reader.chain.store.get(&BLOOMS, &number)?;
        let bloom = bloom.and_then(|bytes| Bloom::try_from(bytes.as_ref()).ok());
        if bloom.is_some_and(|bloom| !self.filter.matches_bloom(bloom)) {
            return Ok(());
        }
        let facts = BlockFacts::of(&self.reader.chain.expect_header(number)?);
        let receipts = self.reader.receipts(number)?;
        self.take(logs(receipts.iter(), facts))
    }

    fn open(&mut self, open: &OpenView) -> Result<(), RpcFailure> {
        let receipts = open.transactions.iter().map(|executed| &executed.receipt);
        self.take(logs(receipts, BlockFacts::of_open(open)))
    }

    fn take(&mut self, logs: impl Iterator<Item = Log>) -> Result<(), RpcFailure> {
        for log in logs.filter(|log| self.filter.matches(&log.inner)) {
            if self.found.len() >= self.limits.max_logs as usize {
                return Err(RpcFailure::Limit(format!(
                    "more than {} logs match; narrow the range or the filter",
                    self.limits.max_logs
                )));
            }
            self.found.push(log);
        }
        Ok(())
    }
}
