//! Requests that are refused before they are read to the end.
//!
//! Closing the connection on a client that still sends makes its system discard our answer: it would see a
//! broken pipe instead of the reason. So the rest of a refused body is read and forgotten, within limits.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use jsonrpsee::core::BoxError;
use jsonrpsee::core::http_helpers::Body as HttpBody;

/// Bytes of an unread body that are still taken.
const MOST_BYTES: usize = 64 << 20;
/// How long an unread body is still taken.
const MOST_TIME: Duration = Duration::from_secs(10);

/// A request's body that is read to its end also when it is given up.
struct ReadToEnd(HttpBody);

/// Has the rest of `body` read when whoever reads it gives up.
pub(super) fn read_to_end(body: HttpBody) -> HttpBody {
    HttpBody::new(ReadToEnd(body))
}

impl Body for ReadToEnd {
    type Data = <HttpBody as Body>::Data;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl Drop for ReadToEnd {
    fn drop(&mut self) {
        if self.0.is_end_stream() {
            return;
        }
        let mut rest = Limited::new(std::mem::take(&mut self.0), MOST_BYTES);
        // Outside a runtime there is no connection either.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(MOST_TIME, async move {
                while let Some(Ok(_)) = rest.frame().await {}
            }));
        }
    }
}
