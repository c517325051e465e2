//! HTTP with limits: an answer that is late or long is an error, whatever L2 sends.

use std::task::{Context, Poll};

use alloy::rpc::json_rpc::{RequestPacket, ResponsePacket};
use alloy::transports::{TransportError, TransportErrorKind, TransportFut};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::Service;

use crate::endpoint::L2Endpoint;
use crate::error::{AnswerLimit, SettlementError};

/// Characters of an answer that is not JSON that are kept.
const EXCERPT: usize = 200;

/// Sends JSON-RPC requests to one endpoint under its limits.
#[derive(Clone, Debug)]
pub(crate) struct LimitedHttp {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    endpoint: L2Endpoint,
}

impl LimitedHttp {
    pub(crate) fn new(endpoint: L2Endpoint) -> Result<Self, SettlementError> {
        if !matches!(endpoint.url.scheme(), "http" | "https") {
            return Err(SettlementError::Scheme {
                endpoint: endpoint.to_string(),
            });
        }
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .map_err(SettlementError::Client)?
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, endpoint })
    }

    async fn send(self, packet: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let body = serde_json::to_vec(&packet).map_err(TransportError::ser_err)?;
        let request = hyper::Request::post(self.endpoint.url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body))
            .map_err(TransportErrorKind::custom)?;
        let limit = self.endpoint.max_response;
        let exchange = async {
            let response = self
                .client
                .request(request)
                .await
                .map_err(TransportErrorKind::custom)?;
            let status = response.status();
            match Limited::new(response.into_body(), limit).collect().await {
                Ok(body) => Ok((status, body.to_bytes())),
                Err(error) if error.is::<LengthLimitError>() => {
                    Err(TransportErrorKind::custom(AnswerLimit::Length { limit }))
                }
                Err(error) => Err(TransportErrorKind::custom_str(&error.to_string())),
            }
        };
        let after = self.endpoint.timeout;
        let (status, body) = tokio::time::timeout(after, exchange)
            .await
            .map_err(|_| TransportErrorKind::custom(AnswerLimit::Time { after }))??;
        serde_json::from_slice(&body).map_err(|error| {
            let excerpt: String = String::from_utf8_lossy(&body)
                .chars()
                .take(EXCERPT)
                .collect();
            if status.is_success() {
                TransportError::deser_err(error, excerpt)
            } else {
                TransportErrorKind::http_error(status.as_u16(), excerpt)
            }
        })
    }
}

impl Service<RequestPacket> for LimitedHttp {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}
