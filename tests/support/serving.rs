//! Servers inside the test: one runtime for all of them, each on a free port of 127.0.0.1, gone when dropped.

use std::future::Future;
use std::net::TcpListener;
use std::sync::LazyLock;

use axum::Router;
use tokio::runtime::Runtime;
use tokio::task::AbortHandle;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());

/// Runs asynchronous work to its end.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    RUNTIME.block_on(work)
}

/// An address that is taken and not served yet, for servers that must know their own URL.
pub(crate) struct Socket(TcpListener);

impl Socket {
    /// Takes a free port.
    pub(crate) fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    /// `http://127.0.0.1:PORT`, without a final slash.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    /// Serves until the answer is dropped.
    pub(crate) fn serve(self, router: Router) -> Server {
        let task = RUNTIME.spawn(async move {
            axum::serve(tokio::net::TcpListener::from_std(self.0).unwrap(), router).await.unwrap();
        });
        Server(task.abort_handle())
    }
}

/// A running server. Ends when dropped.
pub(crate) struct Server(AbortHandle);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}
