//! Taking connections. Done here and not by `axum::serve`, which waits for the rest of a half-sent request for ever.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// How long the head of a request may take, and how long a connection may wait for its next one.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// So many connections at once; more wait to be taken. A process has 1,024 files by default, and the database and the
/// providers need some of them.
pub const CONNECTIONS_MAX: usize = 800;

/// How long to wait after the machine had no more to give.
const BREATHER: Duration = Duration::from_millis(500);

/// Serves on a listener until `stop` is there, and then until the requests under way have ended.
///
/// # Errors
///
/// None at present: what goes wrong with one connection is no other's concern.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) -> io::Result<()> {
    serve_with(listener, router, stop, HEAD_TIMEOUT).await;
    Ok(())
}

async fn serve_with(listener: TcpListener, router: Router, stop: impl Future<Output = ()>, head_timeout: Duration) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let place = Arc::clone(&connections).acquire_owned().await;
            (place, accept(&listener).await)
        };
        let (place, (stream, peer)) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        let inner = TowerToHyperService::new(router.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            inner.call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_timeout)
            .serve_connection(TokioIo::new(stream), service);
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            // A peer that goes away in the middle is nothing to speak of.
            let _ = watched.await;
            drop(place);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// The next connection, however long it takes.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are small and written at once.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "no connection can be taken");
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;

    use super::*;

    /// A server, its address, and what ends it.
    async fn server(router: Router) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(serve_with(listener, router, stopped, Duration::from_millis(200)));
        (address, stop, task)
    }

    async fn said(mut stream: TcpStream) -> String {
        let mut text = String::new();
        let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut text)).await.expect("it ends");
        text
    }

    #[tokio::test]
    async fn half_a_request_is_not_waited_for() {
        let (address, _stop, _task) = server(Router::new().route("/", get(|| async { "here" }))).await;
        let mut half = TcpStream::connect(address).await.unwrap();
        half.write_all(b"GET / HTTP/1.1\r\nHost: lodge\r\nX-Slow: ").await.unwrap();
        let mut whole = TcpStream::connect(address).await.unwrap();
        whole.write_all(b"GET / HTTP/1.1\r\nHost: lodge\r\nConnection: close\r\n\r\n").await.unwrap();

        assert!(said(whole).await.ends_with("here"), "the positive control");
        let answer = said(half).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }

    #[tokio::test]
    async fn a_request_under_way_ends_before_the_server_does_and_knows_its_peer() {
        let slow = get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            peer.to_string()
        });
        let (address, stop, task) = server(Router::new().route("/", slow)).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let own = stream.local_addr().unwrap().to_string();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: lodge\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;

        stop.send(()).unwrap();

        let answer = said(stream).await;
        assert!(answer.ends_with(&own), "{answer}");
        task.await.unwrap();
    }
}
