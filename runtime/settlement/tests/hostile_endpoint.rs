//! Whatever an endpoint answers, asking it ends, and with a clear error.

#![expect(clippy::unwrap_used, reason = "tests and what they stand on")]

use std::time::Duration;

use tern_settlement::{Depth, L2, L2Block, L2Endpoint, SettlementError, Tag};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// An endpoint that answers every request with these bytes, then holds the connection.
async fn answering(bytes: Vec<u8>) -> L2Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            assert_ne!(stream.read(&mut request).await.unwrap(), 0);
            stream.write_all(&bytes).await.ok();
            held.push(stream);
        }
    });
    let mut endpoint = L2Endpoint::new(url.parse().unwrap());
    endpoint.timeout = Duration::from_millis(300);
    endpoint.max_response = 1000;
    endpoint
}

/// An endpoint that gives one of these results (or errors) after the other.
async fn answering_each(results: &'static [&'static str]) -> L2Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for (id, result) in results.iter().enumerate() {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            assert_ne!(stream.read(&mut request).await.unwrap(), 0);
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},{result}}}"#);
            let answer = http("200 OK\r\nconnection: close", &body);
            stream.write_all(&answer).await.unwrap();
        }
    });
    L2Endpoint::new(url.parse().unwrap())
}

fn http(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

async fn error(bytes: Vec<u8>) -> String {
    let error = L2::connect(answering(bytes).await).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    error.to_string()
}

#[tokio::test]
async fn silence_is_cut_off() {
    assert!(error(vec![]).await.contains("no answer within 0.3s"));
}

#[tokio::test]
async fn an_answer_that_never_ends_is_cut_off() {
    let message = error(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{".to_vec()).await;
    assert!(
        message.contains("no answer within") || message.contains("longer than"),
        "{message}"
    );
}

#[tokio::test]
async fn a_long_answer_is_cut_off() {
    let message = error(http("200 OK", &"1".repeat(1001))).await;
    assert!(message.contains("longer than 1000 bytes"), "{message}");
}

#[tokio::test]
async fn a_page_in_place_of_json_is_named() {
    let message = error(http("200 OK", "<html>welcome</html>")).await;
    assert!(message.contains("malformed"), "{message}");
    let message = error(http("502 Bad Gateway", "<html>sorry</html>")).await;
    assert!(message.contains("502"), "{message}");
}

#[tokio::test]
async fn an_answer_of_another_type_is_named() {
    let body = r#"{"jsonrpc":"2.0","id":0,"result":"hello"}"#;
    assert!(error(http("200 OK", body)).await.contains("malformed"));
}

#[tokio::test]
async fn no_http_at_all_is_named() {
    assert!(
        error(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())
            .await
            .contains("does not answer")
    );
}

#[tokio::test]
async fn another_scheme_than_http_is_refused_for_good() {
    let endpoint = L2Endpoint::new("ftp://127.0.0.1/".parse().unwrap());
    let error = L2::connect(endpoint).await.unwrap_err();
    assert!(matches!(error, SettlementError::Scheme { .. }));
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_server_that_does_not_know_the_tag_is_named_and_asked_again() {
    const CHAIN: &str = r#""result":"0x1""#;
    let head = L2Block {
        number: 7,
        hash: Default::default(),
        parent_hash: Default::default(),
        timestamp: 0,
        base_fee: 0,
    };
    let none = answering_each(&[CHAIN, r#""result":null"#]).await;
    let refused = answering_each(&[
        CHAIN,
        r#""error":{"code":-39001,"message":"finalized block not found"}"#,
    ])
    .await;
    for (endpoint, said) in [
        (none, "there is none"),
        (refused, "finalized block not found"),
    ] {
        let l2 = L2::connect(endpoint).await.unwrap();
        let settled = l2.settled_below(head, Depth::Tag(Tag::Finalized), 0).await;
        let error = settled.unwrap_err();
        assert!(
            matches!(error, SettlementError::NoTag { .. }) && error.is_retryable(),
            "{error}"
        );
        let text = error.to_string();
        assert!(text.contains(said) && text.contains("l2.tag"), "{text}");
    }
}
