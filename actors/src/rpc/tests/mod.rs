//! The RPC server as clients meet it: a real server on a free port, over real sockets.

mod protocol;
mod reads;
mod transactions;
mod websocket;

use std::net::SocketAddr;

use alloy::transports::http::reqwest::Client;
use serde_json::{Value, json};
use tern_cluster_config::{RpcConfig, SealingPolicy};

use super::{RpcHandle, RunningServer, bind};
use crate::main_node::ChainSpec;
use crate::main_node::testing::{Node, rollup};

/// A main node with its server.
struct Served {
    node: Node,
    server: RunningServer,
    client: Client,
    _directory: tempfile::TempDir,
}

impl Served {
    async fn start(sealing: SealingPolicy) -> Self {
        Self::with(sealing, RpcConfig::default()).await
    }

    async fn with(sealing: SealingPolicy, config: RpcConfig) -> Self {
        Self::chain(rollup(sealing), config).await
    }

    async fn chain(spec: ChainSpec, config: RpcConfig) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let node = Node::start(directory.path(), spec).await;
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = bind(free, "rpc.listen", "--rpc").unwrap();
        let server = RpcHandle::new(&node.handle, config, listener)
            .unwrap()
            .serve()
            .unwrap();
        Self {
            node,
            server,
            client: Client::new(),
            _directory: directory,
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// The answer to a request body, whatever it is.
    async fn post(&self, body: impl Into<String>) -> Value {
        let request = self
            .client
            .post(self.url())
            .header("content-type", "application/json");
        let response = request.body(body.into()).send().await.unwrap();
        let text = response.text().await.unwrap();
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    async fn ask(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.post(body.to_string()).await
    }

    /// The result of a call that succeeds.
    async fn result(&self, method: &str, params: Value) -> Value {
        let mut answer = self.ask(method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// Code and message of a call that fails.
    async fn error(&self, method: &str, params: Value) -> (i64, String) {
        let answer = self.ask(method, params).await;
        let code = answer["error"]["code"].as_i64();
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        let data = answer["error"]["data"].as_str().unwrap_or_default();
        (
            code.unwrap_or_else(|| panic!("{method}: {answer}")),
            format!("{message} {data}"),
        )
    }
}
