//! Every request: a place among those worked on, and an end in time.

use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::core::middleware::{Batch, Notification, RpcServiceT};
use jsonrpsee::server::MethodResponse;
use jsonrpsee::types::{ErrorObjectOwned, Id, Request};
use tokio::sync::Semaphore;

/// EIP-1474: a request exceeds a limit of the server.
const LIMIT_EXCEEDED: i32 = -32005;

/// Limits shared by all connections.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    places: Arc<Semaphore>,
    limit: Duration,
}

impl Limits {
    pub(super) fn new(max_concurrent: u32, limit: Duration) -> Self {
        let places = usize::try_from(max_concurrent).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            limit,
        }
    }

    /// Runs `work` once there is a place. The time limit covers the waiting, too.
    async fn bound<F: Future>(self, work: F) -> Result<F::Output, ErrorObjectOwned> {
        let limit = self.limit;
        let bounded = async {
            // The semaphore is never closed.
            let _place = self.places.acquire().await;
            work.await
        };
        tokio::time::timeout(limit, bounded).await.map_err(|_| {
            let text = format!("the request took longer than {limit:?} and was given up");
            ErrorObjectOwned::owned(LIMIT_EXCEEDED, text, None::<()>)
        })
    }
}

/// The middleware that applies [`Limits`].
#[derive(Clone, Debug)]
pub(super) struct Guard<S> {
    pub(super) limits: Limits,
    pub(super) service: S,
}

impl<S> RpcServiceT for Guard<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse, BatchResponse = MethodResponse>
        + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = S::NotificationResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let Self { limits, service } = self.clone();
        async move {
            let id = request.id.clone().into_owned();
            match limits.bound(service.call(request)).await {
                Ok(response) => response,
                Err(error) => MethodResponse::error(id, error),
            }
        }
    }

    fn batch<'a>(&self, requests: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let Self { limits, service } = self.clone();
        async move {
            match limits.bound(service.batch(requests)).await {
                Ok(response) => response,
                Err(error) => MethodResponse::error(Id::Null, error),
            }
        }
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = Self::NotificationResponse> + Send + 'a {
        self.service.notification(notification)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn work_that_takes_too_long_is_given_up_with_an_error() {
        let limits = Limits::new(1, Duration::from_millis(5));
        let error = limits.bound(pending::<()>()).await.unwrap_err();
        assert_eq!(error.code(), LIMIT_EXCEEDED);
        assert!(error.message().contains("longer than 5ms"), "{error}");
    }

    #[tokio::test]
    async fn waiting_for_a_place_counts_and_places_are_given_back() {
        let limits = Limits::new(1, Duration::from_millis(5));
        let place = limits.places.clone().acquire_owned().await.unwrap();
        limits.clone().bound(ready(1)).await.unwrap_err();
        drop(place);
        assert_eq!(limits.bound(ready(1)).await.unwrap(), 1);
    }
}
