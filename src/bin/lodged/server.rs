//! Listening, and stopping when told to.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use lodge::http;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long requests under way may take to end once the broker is told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Takes an address, so that a port in use is known before anything is started.
pub(crate) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// Serves each router on its listener until Ctrl-C or SIGTERM, then lets the requests under way end. A second signal
/// does not wait for them.
pub(crate) async fn run(servers: Vec<(TcpListener, Router)>) -> anyhow::Result<()> {
    let (stop, stopped) = watch::channel(false);
    let mut tasks = tokio::task::JoinSet::new();
    for (listener, router) in servers {
        let mut stopped = stopped.clone();
        let told_to_stop = async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        tasks.spawn(http::serve(listener, router, told_to_stop));
    }
    tokio::select! {
        () = told_to_stop() => {}
        // A server ends by itself only when it failed.
        Some(ended) = tasks.join_next() => ended??,
    }
    tracing::info!("stopping: requests under way may end");
    stop.send_replace(true);
    let all_ended = async { while tasks.join_next().await.is_some() {} };
    tokio::select! {
        () = all_ended => {}
        () = told_to_stop() => tracing::warn!("told to stop again: requests under way are broken off"),
        () = tokio::time::sleep(GRACE) => tracing::warn!("requests that did not end in time are broken off"),
    }
    Ok(())
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            },
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "SIGTERM cannot be heard; Ctrl-C can");
                let _ = tokio::signal::ctrl_c().await;
            }
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
}
