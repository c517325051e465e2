//! The same methods over WebSocket, and subscriptions.

use serde_json::{Value, json};
use soketto::handshake::{Client, ServerResponse};
use soketto::{Receiver, Sender};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use super::Served;
use crate::main_node::testing::{LIMIT, hasty, transfer};

struct Socket {
    sender: Sender<Compat<TcpStream>>,
    receiver: Receiver<Compat<TcpStream>>,
}

impl Socket {
    async fn open(served: &Served) -> Self {
        let stream = TcpStream::connect(served.server.address).await.unwrap();
        let host = served.server.address.to_string();
        let mut client = Client::new(stream.compat(), &host, "/");
        let answer = client.handshake().await.unwrap();
        assert!(
            matches!(answer, ServerResponse::Accepted { .. }),
            "{answer:?}"
        );
        let (sender, receiver) = client.into_builder().finish();
        Self { sender, receiver }
    }

    async fn next(&mut self) -> Value {
        let mut bytes = Vec::new();
        let received = self.receiver.receive_data(&mut bytes);
        tokio::time::timeout(LIMIT, received)
            .await
            .expect("in time")
            .unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.sender.send_text(body.to_string()).await.unwrap();
        self.sender.flush().await.unwrap();
        self.next().await
    }
}

#[tokio::test]
async fn a_websocket_client_asks_and_subscribes_on_the_same_port() {
    let served = Served::start(hasty()).await;
    let mut socket = Socket::open(&served).await;
    assert_eq!(
        socket.ask("eth_chainId", json!([])).await["result"],
        "0x811a"
    );

    let heads = socket.ask("eth_subscribe", json!(["newHeads"])).await["result"].clone();
    assert!(heads.as_str().unwrap().starts_with("0x"), "{heads}");
    served
        .result("eth_sendRawTransaction", json!([transfer(0, 0)]))
        .await;
    let heard = socket.next().await;
    assert_eq!(heard["method"], "eth_subscription");
    assert_eq!(heard["params"]["subscription"], heads);
    let head = served.node.sealed(1).await;
    assert_eq!(heard["params"]["result"]["hash"], json!(head.sealed.hash));
    assert_eq!(heard["params"]["result"]["number"], "0x1");

    assert_eq!(
        socket.ask("eth_unsubscribe", json!([heads])).await["result"],
        json!(true)
    );
}

#[tokio::test]
async fn an_unknown_subscription_is_refused_by_name() {
    let served = Served::start(hasty()).await;
    let mut socket = Socket::open(&served).await;
    let answer = socket.ask("eth_subscribe", json!(["newMoons"])).await;
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("newMoons"),
        "{answer}"
    );
}
