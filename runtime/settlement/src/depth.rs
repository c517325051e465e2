//! How deep a block of L2 must be before it counts: by the blocks on it, or by what L2's server calls it.

use std::fmt;

use alloy::eips::BlockNumberOrTag;

use crate::error::SettlementError;
use crate::l2::{L2, L2Block};

/// How deep a block of L2 must be before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// So many blocks hold it, its own included.
    Confirmations(u64),
    /// L2's server calls it so, or a block on it.
    Tag(Tag),
}

/// What servers call their newest block of a kind, as the execution API specification of Ethereum has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// Taken back only if much of the network fails; on a rollup, posted to its own parent chain.
    Safe,
    /// Never taken back; on a rollup, posted in a block of its parent chain that never is.
    Finalized,
}

impl Tag {
    fn question(self) -> BlockNumberOrTag {
        match self {
            Self::Safe => BlockNumberOrTag::Safe,
            Self::Finalized => BlockNumberOrTag::Finalized,
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.question().fmt(f)
    }
}

impl L2 {
    /// The newest block that is so deep, but block `first` at least: before the contract was created there is nothing to
    /// see.
    ///
    /// # Errors
    /// [`SettlementError::NoTag`], [`SettlementError::NoBlock`], and if L2 does not answer as it should.
    pub async fn settled(&self, depth: Depth, first: u64) -> Result<L2Block, SettlementError> {
        let head = self.head().await?;
        self.settled_below(head, depth, first).await
    }

    /// The same, with `head` as the newest block of all.
    ///
    /// # Errors
    /// As [`Self::settled`].
    pub async fn settled_below(
        &self,
        head: L2Block,
        depth: Depth,
        first: u64,
    ) -> Result<L2Block, SettlementError> {
        let number = match depth {
            Depth::Confirmations(confirmations) => head.settled_number(confirmations, first),
            Depth::Tag(tag) => {
                let tagged = self.tagged(tag).await?;
                let number = within(tagged.number, first, head.number);
                if number == tagged.number {
                    return Ok(tagged);
                }
                number
            }
        };
        if number >= head.number {
            return Ok(head);
        }
        let block = self.block(number).await?;
        block.ok_or_else(|| SettlementError::NoBlock {
            endpoint: self.endpoint().to_string(),
            number,
        })
    }

    /// The block that L2's server calls so.
    async fn tagged(&self, tag: Tag) -> Result<L2Block, SettlementError> {
        let unknown = |reason| SettlementError::NoTag {
            endpoint: self.endpoint().to_string(),
            tag,
            reason,
        };
        match self.block_at(tag.question()).await {
            Ok(Some(block)) => Ok(block),
            Ok(None) => Err(unknown("there is none".to_owned())),
            Err(SettlementError::Refused { message, .. }) => Err(unknown(message)),
            Err(error) => Err(error),
        }
    }
}

/// What is tagged, neither above the head, which servers behind one endpoint may not agree on, nor below the first block.
fn within(tagged: u64, first: u64, head: u64) -> u64 {
    tagged.min(head).max(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tagged_is_neither_above_the_head_nor_below_the_first_block() {
        assert_eq!(within(70, 5, 100), 70);
        assert_eq!(within(101, 5, 100), 100);
        assert_eq!(within(0, 5, 100), 5);
    }

    #[test]
    fn a_tag_is_called_what_servers_call_it() {
        let names = [Tag::Safe, Tag::Finalized].map(|tag| tag.to_string());
        assert_eq!(names, ["safe", "finalized"]);
    }
}
