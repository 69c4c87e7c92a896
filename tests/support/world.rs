//! A whole small world inside the test: the real broker over HTTP, the small identity provider and the small AWS, each
//! on a free port of 127.0.0.1, with the demo's labs and people.
//!
//! It is what `lodged demo` starts, except that the test holds its parts: every call that the small AWS heard, every
//! entry of the ledger, and what is left of a balance can be looked at. The servers run on a runtime of their own, so
//! the test itself stays a blocking story.

use std::future::Future;
use std::net::SocketAddr;

use axum::Router;
use lodge::ambient::{Clock, Random};
use lodge::app::Broker;
use lodge::demo::aws::{Call, Service, SmallAws};
use lodge::demo::seed;
use lodge::http;
use lodge::playground::{Playground, Seeding};
use lodge::store::{Address, LedgerRow};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// More entries than any test writes.
const ALL_ENTRIES: u32 = 100_000;

/// The world. It ends when dropped: its ports are closed then, and its database is gone.
pub(crate) struct World {
    /// The broker's address, without a final slash.
    pub(crate) url: String,
    /// The small AWS's address, without a final slash.
    pub(crate) aws_url: String,
    pub(crate) broker: Broker,
    pub(crate) aws: SmallAws,
    runtime: Option<Runtime>,
    _folder: TempDir,
}

/// What differs from the usual world.
#[derive(Default)]
pub(crate) struct Changes {
    /// Where the broker believes STS to be, given where it is: a proxy in front of it, or nothing at all.
    pub(crate) sts_endpoint: Option<Box<dyn FnOnce(SocketAddr) -> String>>,
    /// The account of the lab `language` is empty, as it is in the demo. Otherwise its stack is made, as its PI would have it.
    pub(crate) language_is_empty: bool,
    /// The clock of all of it but the helper, which is a program of its own.
    pub(crate) clock: Option<Clock>,
}

impl World {
    /// The world as the demo has it once both labs have joined.
    pub(crate) fn start() -> Self {
        Self::start_with(Changes::default())
    }

    /// The same with changes.
    pub(crate) fn start_with(changes: Changes) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (url, aws_url, broker, aws) = runtime.block_on(async {
            let [at_broker, at_idp, at_aws] = [listen().await, listen().await, listen().await];
            let [url, issuer, aws_url] = [&at_broker, &at_idp, &at_aws].map(|at| format!("http://{}", address(at)));
            let downloads = super::downloads::folder();
            let playground = Playground {
                public_url: url.clone(),
                issuer,
                sts_endpoint: match changes.sts_endpoint {
                    Some(change) => change(address(&at_aws)),
                    None => aws_url.clone(),
                },
                aws_endpoint: aws_url.clone(),
                database: Address::Sqlite(folder.path().join("lodge.db")),
                key_file: folder.path().join("key"),
                client_secret: "the secret of this test's broker".to_owned().into(),
                identity: seed::broker_identity(&Random::System),
                clock: changes.clock.unwrap_or(Clock::System),
                downloads: Some(downloads.path().to_owned()),
            };
            let broker = playground.broker().await.unwrap();
            let mut accounts = playground.labs(&broker).await.unwrap();
            for lab in &mut accounts {
                lab.has_stack |= !changes.language_is_empty;
            }
            if !changes.language_is_empty {
                Seeding::new(&broker).unwrap().take_all_as_joined().await.unwrap();
            }
            let aws = playground.aws(accounts, Random::System.bytes()).unwrap();
            serve(at_broker, http::router(broker.clone()));
            serve(at_idp, playground.idp().unwrap().router());
            serve(at_aws, aws.router());
            (url, aws_url, broker, aws)
        });
        Self { url, aws_url, broker, aws, runtime: Some(runtime), _folder: folder }
    }

    /// Waits for something asynchronous, such as a use case of the broker's.
    pub(crate) fn wait_for<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.as_ref().unwrap().block_on(future)
    }

    /// What the ledger has of attempts, oldest entry first.
    pub(crate) fn ledger(&self) -> Vec<LedgerRow> {
        let rows =
            self.wait_for(async { self.broker.store.read().await.unwrap().all_books(ALL_ENTRIES).await.unwrap() });
        rows.into_iter().filter(|row| row.entry.event.is_of_attempt()).collect()
    }

    /// The calls of one service that reached the small AWS, refused ones included.
    pub(crate) fn calls_of(&self, service: Service) -> Vec<Call> {
        self.aws.calls().into_iter().filter(|call| call.service == service).collect()
    }

    /// What is left of the prepaid balance of a lab of the demo.
    pub(crate) fn balance(&self, lab: &str) -> String {
        let lab = seed::LABS.iter().find(|known| known.name == lab).unwrap();
        self.aws.balance(lab.account).unwrap().to_string()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

fn address(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().unwrap()
}

fn serve(listener: TcpListener, router: Router) {
    tokio::spawn(async move { axum::serve(listener, router).await });
}
