//! A whole university in a temporary folder: an identity provider and an AWS in the test's own process, and the real
//! broker as a program of its own, with a proxy in front of each of the three.
//!
//! The broker's public address is its proxy's, so a broker may be killed and started again on any port. On PostgreSQL
//! there may be several at once; the proxy leads to the one that was started last, or that a test chooses.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use lodge::ambient::{Clock, Random};
use lodge::app::Broker;
use lodge::demo::{aws, idp, seed};
use lodge::domain::claims::{ClaimsSnapshot, Groups};
use lodge::domain::id::{CliSessionId, PersonId, SignInId};
use lodge::domain::ledger::Entry;
use lodge::domain::person::PersonKey;
use lodge::playground::{Playground, Seeding};
use lodge::store::{Session, Store};
use secrecy::ExposeSecret;
use tokio::runtime::Runtime;

use super::database::{Kind, Place};
use super::ledger::attempts_in;
use super::postgres::Database;
use super::process::Process;
use super::programs;
use super::proxy::RecordingProxy;
use super::signed_in::insert_helper;

/// More entries than any test writes.
const ALL_ENTRIES: u32 = 1_000_000;

/// The university.
pub(crate) struct Campus {
    pub(crate) aws: aws::SmallAws,
    pub(crate) idp: idp::SmallIdp,
    /// Between the broker and STS.
    pub(crate) sts: RecordingProxy,
    /// Between everybody and the identity provider.
    pub(crate) provider: RecordingProxy,
    /// Between everybody and the broker.
    pub(crate) front: RecordingProxy,
    /// What all of them know of each other.
    pub(crate) playground: Playground,
    /// Where the broker's database is.
    pub(crate) place: Place,
    pub(crate) folder: tempfile::TempDir,
    runtime: Runtime,
}

/// A broker that runs.
pub(crate) struct Running {
    pub(crate) process: Process,
    /// Its own address, behind [`Campus::front`].
    pub(crate) address: SocketAddr,
}

impl Campus {
    /// Everything but the broker, whose SQLite database has the demo's labs in it.
    pub(crate) fn new() -> Self {
        Self::on(Kind::Sqlite)
    }

    /// The same on either database.
    pub(crate) fn on(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(kind, folder.path());
        Self::at(place, folder)
    }

    /// The same over a fresh database of a server.
    pub(crate) fn over(server: Database) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::on(Some(server), folder.path());
        Self::at(place, folder)
    }

    fn at(place: Place, folder: tempfile::TempDir) -> Self {
        place.migrate();
        let runtime = Runtime::new().unwrap();
        let random = Random::System;
        let (aws_listener, idp_listener) = (listener(), listener());
        let sts = RecordingProxy::to(aws_listener.local_addr().unwrap());
        let provider = RecordingProxy::to(idp_listener.local_addr().unwrap());
        let front = RecordingProxy::to_port(1);
        let playground = Playground {
            public_url: front.url(),
            issuer: provider.url(),
            sts_endpoint: sts.url(),
            aws_endpoint: sts.url(),
            database: place.broker(),
            key_file: folder.path().join("key"),
            client_secret: hex::encode(random.bytes::<16>()).into(),
            identity: seed::broker_identity(&random),
            clock: Clock::System,
            downloads: None,
        };
        std::fs::write(folder.path().join("client-secret"), playground.client_secret.expose_secret()).unwrap();
        let accounts = runtime.block_on(async {
            let broker = playground.broker_on(Store::open(&playground.database).await.unwrap()).await.unwrap();
            let mut accounts = playground.labs(&broker).await.unwrap();
            for lab in &mut accounts {
                lab.has_stack = true;
            }
            Seeding::new(&broker).unwrap().take_all_as_joined().await.unwrap();
            broker.store.close().await;
            accounts
        });
        let aws = playground.aws(accounts, random.bytes()).unwrap();
        let idp = playground.idp().unwrap();
        serve(&runtime, aws_listener, aws.router());
        serve(&runtime, idp_listener, idp.router());
        let campus = Self { aws, idp, sts, provider, front, playground, place, folder, runtime };
        std::fs::write(campus.settings(), campus.toml()).unwrap();
        campus
    }

    /// The file of the broker's SQLite database.
    pub(crate) fn database(&self) -> PathBuf {
        self.place.file()
    }

    /// The broker's settings.
    pub(crate) fn settings(&self) -> PathBuf {
        self.folder.path().join("lodge.toml")
    }

    /// The command that starts the broker, logging what `filter` says: `lodge=info` must be in it.
    pub(crate) fn command(&self, filter: &str) -> Command {
        let mut command = programs::lodged();
        command.arg("serve").arg("--config").arg(self.settings()).env("LODGE_LOG", filter);
        self.give_identity(&mut command);
        command
    }

    /// Lets a command have the broker's own AWS credentials.
    pub(crate) fn give_identity(&self, command: &mut Command) {
        command
            .env("AWS_ACCESS_KEY_ID", &self.playground.identity.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", self.playground.identity.secret_access_key.expose_secret())
            .env("AWS_SESSION_TOKEN", self.playground.identity.session_token.expose_secret());
    }

    /// Starts the broker.
    pub(crate) fn start(&self) -> Running {
        self.start_with(&mut self.command("warn,lodge=info"))
    }

    /// The same with another command.
    pub(crate) fn start_with(&self, command: &mut Command) -> Running {
        let process = Process::start("lodged", command);
        let address = address_in(&process.wait_for_line("the broker is ready"));
        self.front.lead_to(address);
        Running { process, address }
    }

    /// The database, opened beside the broker.
    pub(crate) fn store(&self) -> Store {
        self.block_on(self.open())
    }

    async fn open(&self) -> Store {
        Store::open(&self.playground.database).await.unwrap()
    }

    /// Every entry of an attempt in the ledger, as a program that opens the database now finds it.
    ///
    /// # Panics
    ///
    /// When there is an entry that cannot be read.
    pub(crate) fn ledger(&self) -> Vec<Entry> {
        self.block_on(async {
            let store = self.open().await;
            let rows = store.read().await.unwrap().all_books(ALL_ENTRIES).await.unwrap();
            store.close().await;
            attempts_in(rows)
        })
    }

    /// A broker in this process, on the same database.
    pub(crate) fn broker(&self, clock: Clock) -> Broker {
        let playground = Playground { clock, ..self.playground.clone() };
        self.block_on(async { playground.broker_on(self.open().await).await }).unwrap()
    }

    /// Signs somebody of the demo in by writing what a sign-in writes; gives the person and a helper's token.
    pub(crate) fn signed_in(&self, username: &str) -> (PersonId, String) {
        let person = seed::people().into_iter().find(|person| person.username == username).unwrap();
        let now = Clock::System.now();
        let token = format!("lodge_at_{}", URL_SAFE_NO_PAD.encode(Random::System.bytes::<32>()));
        let key = PersonKey {
            connection: seed::CONNECTION.parse().unwrap(),
            issuer: self.provider.url().parse().unwrap(),
            subject: person.subject.parse().unwrap(),
        };
        let groups = person.groups.unwrap_or_default().iter().map(|group| group.parse().unwrap()).collect();
        let id = self.block_on(async {
            let store = self.open().await;
            let mut tx = store.write().await.unwrap();
            let fresh = PersonId::from_entropy(Random::System.bytes());
            let (id, _) = tx.upsert_person(&fresh, &key, None, now).await.unwrap();
            let sign_in = SignInId::from_entropy(Random::System.bytes());
            let groups = Groups::Present(groups);
            let claims = ClaimsSnapshot { authenticated_at: Some(now), ..ClaimsSnapshot::of_groups(groups) };
            tx.insert_sign_in(&sign_in, &id, &claims, now).await.unwrap();
            let session = Session {
                id: CliSessionId::from_entropy(Random::System.bytes()),
                person: id.clone(),
                sign_in,
                expires_at: now + TimeDelta::hours(12),
            };
            insert_helper(&mut tx, &session, &token, now).await;
            tx.commit().await.unwrap();
            store.close().await;
            id
        });
        (id, token)
    }

    /// Waits for what is not a test's own to do.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The same from another thread, such as a proxy's.
    pub(crate) fn handle(&self) -> tokio::runtime::Handle {
        self.runtime.handle().clone()
    }

    fn toml(&self) -> String {
        let database = self.place.toml();
        let folder = self.folder.path().display();
        let (front, sts, provider) = (self.front.url(), self.sts.url(), self.provider.url());
        let (connection, title, client) = (seed::CONNECTION, seed::CONNECTION_TITLE, seed::CLIENT_ID);
        let broker_role = seed::BROKER_ROLE;
        format!(
            r#"
            [server]
            listen = "127.0.0.1:0"
            public_url = "{front}"
            {database}
            [secrets]
            key_file = "{folder}/key"
            [accounts]
            broker_role = "{broker_role}"
            [aws]
            sts_endpoint = "{sts}"
            iam_endpoint = "{sts}"
            probe_endpoint = "{sts}"
            [[connection]]
            name = "{connection}"
            title = "{title}"
            issuer = "{provider}"
            insecure_origins = ["{provider}"]
            client_id = "{client}"
            client_secret_file = "{folder}/client-secret"
            scopes = ["profile", "groups"]
            algorithms = ["ES256"]
            "#
        )
    }
}

/// The address in the line that says that the broker is ready.
pub(crate) fn address_in(line: &str) -> SocketAddr {
    let listen = line.split("listen=").nth(1).and_then(|rest| rest.split_whitespace().next());
    listen.and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("no address in {line:?}"))
}

fn listener() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

fn serve(runtime: &Runtime, listener: TcpListener, router: axum::Router) {
    let _inside = runtime.enter();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    runtime.spawn(IntoFuture::into_future(axum::serve(listener, router)));
}
