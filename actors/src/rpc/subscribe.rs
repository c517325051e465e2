//! `eth_subscribe`: new heads and logs of sealed blocks, over WebSocket.

use alloy::rpc::types::Filter;
use jsonrpsee::core::SubscriptionResult;
use jsonrpsee::core::server::SubscriptionMessage;
use jsonrpsee::types::Params;
use jsonrpsee::{Methods, PendingSubscriptionSink, RpcModule, SubscriptionSink};
use serde::Serialize;
use tern_messages::BlockNumber;

use super::convert::{head, logs};
use super::error::RpcFailure;
use super::reader::{BlockFacts, Reader};
use super::server::RpcServerError;

/// What a client wants to hear of.
enum Wish {
    Heads,
    Logs(Box<Filter>),
}

pub(super) fn methods(reader: Reader) -> Result<Methods, RpcServerError> {
    let mut module = RpcModule::new(reader);
    module.register_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |params, pending, reader, _| async move {
            match wish(&params) {
                Ok(wish) => follow(pending, (*reader).clone(), wish).await,
                Err(failure) => {
                    pending.reject(failure).await;
                    Ok(())
                }
            }
        },
    )?;
    Ok(module.into())
}

fn wish(params: &Params<'_>) -> Result<Wish, RpcFailure> {
    let parameter = |error: jsonrpsee::types::ErrorObjectOwned| {
        RpcFailure::Parameter(
            error
                .data()
                .map_or("invalid params", |data| data.get())
                .to_owned(),
        )
    };
    let mut params = params.sequence();
    let kind: String = params.next().map_err(parameter)?;
    match kind.as_str() {
        "newHeads" => Ok(Wish::Heads),
        "logs" => {
            let filter: Option<Filter> = params.optional_next().map_err(parameter)?;
            Ok(Wish::Logs(Box::new(filter.unwrap_or_default())))
        }
        other => Err(RpcFailure::Parameter(format!(
            "there is no subscription to `{other}`; there are newHeads and logs"
        ))),
    }
}

/// Sends what each new block brings, until the client leaves.
async fn follow(
    pending: PendingSubscriptionSink,
    reader: Reader,
    wish: Wish,
) -> SubscriptionResult {
    let mut changes = reader.changes();
    let mut sent = changes.borrow_and_update().sealed_number();
    let sink = pending.accept().await?;
    loop {
        tokio::select! {
            () = sink.closed() => return Ok(()),
            changed = changes.changed() => changed?,
        }
        let sealed = changes.borrow_and_update().sealed_number();
        while sent < sealed {
            sent = BlockNumber(sent.0 + 1);
            announce(&sink, &reader, &wish, sent).await?;
        }
    }
}

async fn announce(
    sink: &SubscriptionSink,
    reader: &Reader,
    wish: &Wish,
    number: BlockNumber,
) -> SubscriptionResult {
    let stored = reader.chain.expect_header(number)?;
    match wish {
        Wish::Heads => send(sink, &head(&stored)).await,
        Wish::Logs(filter) => {
            let receipts = reader.receipts(number)?;
            for log in logs(receipts.iter(), BlockFacts::of(&stored)) {
                if filter.matches(&log.inner) {
                    send(sink, &log).await?;
                }
            }
            Ok(())
        }
    }
}

/// Waits while the client is slow to read; its connection's buffer is bounded.
async fn send(sink: &SubscriptionSink, value: &impl Serialize) -> SubscriptionResult {
    let json = serde_json::value::to_raw_value(value)?;
    sink.send(SubscriptionMessage::from(json)).await?;
    Ok(())
}
