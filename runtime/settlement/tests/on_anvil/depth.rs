//! Which block of a real chain is deep enough.

use serde_json::json;
use tern_settlement::{Depth, Tag};

use crate::network::Anvil;

#[tokio::test]
async fn the_block_that_counts_is_counted_or_named_by_the_server() {
    // Anvil calls safe what is one epoch below its head, and finalized what is two.
    let anvil = Anvil::start(&["--slots-in-an-epoch", "2"]);
    anvil.ask("anvil_mine", json!(["0x9"])).await;
    let l2 = anvil.connect().await;
    for (depth, first, number) in [
        (Depth::Confirmations(1), 0, 9),
        (Depth::Confirmations(4), 0, 6),
        (Depth::Confirmations(4), 8, 8),
        (Depth::Tag(Tag::Safe), 0, 7),
        (Depth::Tag(Tag::Finalized), 0, 5),
        (Depth::Tag(Tag::Finalized), 8, 8),
    ] {
        let settled = l2.settled(depth, first).await.unwrap();
        assert_eq!(Some(settled), l2.block(number).await.unwrap(), "{depth:?}");
    }
    // A server that lags behind the one that named the block.
    let lagging = l2.block(3).await.unwrap().unwrap();
    let settled = l2.settled_below(lagging, Depth::Tag(Tag::Finalized), 0);
    assert_eq!(settled.await.unwrap(), lagging);
}
