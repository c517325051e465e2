//! HTTP with limits: an answer that is late or long is an error, whatever L2 sends.

use std::task::{Context, Poll};

use alloy::rpc::json_rpc::{RequestPacket, ResponsePacket};
use alloy::transports::{TransportError, TransportErrorKind, TransportFut};
use tower::Service;

use crate::endpoint::L2Endpoint;
use crate::error::LimitExceeded;

/// Sends JSON-RPC requests to one endpoint under its limits.
#[derive(Clone, Debug)]
pub(crate) struct LimitedHttp {
    client: reqwest::Client,
    endpoint: L2Endpoint,
}

impl LimitedHttp {
    pub(crate) fn new(endpoint: L2Endpoint) -> Result<Self, reqwest::Error> {
        // A second installation is refused, and the first one serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(endpoint.timeout)
            .connect_timeout(endpoint.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { client, endpoint })
    }

    async fn send(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let url = self.endpoint.url.clone();
        let mut response = self
            .client
            .post(url)
            .json(&request)
            .send()
            .await
            .map_err(|error| TransportErrorKind::custom(error.without_url()))?;
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| TransportErrorKind::custom(error.without_url()))?
        {
            if body.len() + chunk.len() > self.endpoint.max_response {
                let limit = self.endpoint.max_response;
                return Err(TransportErrorKind::custom(LimitExceeded { limit }));
            }
            body.extend_from_slice(&chunk);
        }
        match serde_json::from_slice(&body) {
            Ok(packet) => Ok(packet),
            Err(_) if !response.status().is_success() => {
                let text = String::from_utf8_lossy(&body).chars().take(200).collect();
                Err(TransportErrorKind::http_error(
                    response.status().as_u16(),
                    text,
                ))
            }
            Err(error) => {
                let text: String = String::from_utf8_lossy(&body).chars().take(200).collect();
                Err(TransportError::deser_err(error, text))
            }
        }
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
