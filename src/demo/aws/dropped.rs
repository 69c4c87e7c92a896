//! An answer that is none: the connection is dropped instead.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::Frame;

/// A body that fails before its first byte. The server has sent nothing by then, not even the status, and hangs up.
pub(super) fn dropped() -> Body {
    Body::new(Dropped)
}

struct Dropped;

impl hyper::body::Body for Dropped {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::ConnectionReset))))
    }
}
