//! The PostgreSQL side: any number of brokers over one database.
//!
//! The server may be away. Then requests must be told so within two seconds, and be served again within moments of its
//! return, without a broker being restarted. So connecting and each statement have a time limit, and so has waiting
//! for a free connection; but the last one only counts as the server's fault when nobody got through.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Postgres as Database, Transaction};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::address::Postgres;
use super::{Error, Result};

/// Connections of one broker. Two cores and a fast disk carry about this many; more would wait inside the server.
const CONNECTIONS: u32 = 16;

/// How long connecting may take, or finding out that a kept connection is dead and making another.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_000);

/// How long the first connection of a program may take, when nobody waits for an answer yet.
const FIRST_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one statement may take, waiting for another replica's lock included. Those of a request are short; only a
/// server that does not answer takes this long. With [`CONNECT_TIMEOUT`] it stays below two seconds.
const STATEMENT_TIMEOUT: Duration = Duration::from_millis(900);

/// How long a request waits in line for a connection while others get through.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to the server, its statements not limited in time: for migrations and the like.
pub(super) async fn connect(address: &Postgres) -> Result<PgConnection> {
    connect_within(&options(address)?, FIRST_CONNECT_TIMEOUT).await
}

/// Connects once, to hear why when it does not work: a pool only says that it waited.
async fn connect_within(options: &PgConnectOptions, time: Duration) -> Result<PgConnection> {
    match tokio::time::timeout(time, options.connect()).await {
        Ok(connected) => connected.map_err(|error| Error::Connect(in_its_words(&error))),
        Err(_) => Err(Error::Connect(format!("no answer within {} s", time.as_secs()))),
    }
}

/// What the server said, or the system, without sqlx's own words around it.
fn in_its_words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

fn options(address: &Postgres) -> Result<PgConnectOptions> {
    let options: PgConnectOptions = address.url.as_str().parse()?;
    let options = options.application_name("lodged");
    Ok(match &address.password {
        Some(password) => options.password(password.expose_secret()),
        None => options,
    })
}

/// The server, with a pool of connections to it.
#[derive(Clone, Debug)]
pub(super) struct PostgresStore {
    pub(super) pool: PgPool,
    line: Arc<Line>,
}

impl PostgresStore {
    pub(super) async fn open(address: &Postgres) -> Result<Self> {
        let options = options(address)?;
        connect_within(&options, FIRST_CONNECT_TIMEOUT).await?.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(CONNECT_TIMEOUT)
            // The server says when it stops; what it cannot say, the next statement finds out.
            .test_before_acquire(true)
            .connect_with(options)
            .await?;
        Ok(Self { pool, line: Arc::new(Line::new()) })
    }

    pub(super) async fn read(&self) -> Result<(Transaction<'static, Database>, Turn)> {
        self.begin("begin isolation level repeatable read, read only").await
    }

    pub(super) async fn write(&self) -> Result<(Transaction<'static, Database>, Turn)> {
        self.begin("begin isolation level read committed").await
    }

    async fn begin(&self, statement: &'static str) -> Result<(Transaction<'static, Database>, Turn)> {
        let turn = self.line.wait().await?;
        let begun = in_time(self.pool.begin_with(statement)).await;
        self.line.report(begun.is_ok());
        Ok((begun?, turn))
    }
}

/// Ends what takes too long. The connection is then in the middle of something; the pool waits for its end in the
/// background before anybody gets it again.
pub(super) async fn in_time<T>(running: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    match tokio::time::timeout(STATEMENT_TIMEOUT, running).await {
        Ok(done) => done,
        Err(_) => Err(sqlx::Error::Io(std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            format!("no answer within {} ms", STATEMENT_TIMEOUT.as_millis()),
        ))),
    }
}

/// Where requests wait for a connection. As long as the server answers, they wait patiently; once somebody finds it
/// away, all who wait are told at once, because behind each of them would be another two seconds.
#[derive(Debug)]
struct Line {
    turns: Arc<Semaphore>,
    away: AtomicBool,
    told: watch::Sender<u64>,
}

/// The right to use one connection. Given back when dropped.
#[derive(Debug)]
pub(super) struct Turn(#[expect(dead_code, reason = "it is held, not used")] OwnedSemaphorePermit);

impl Line {
    fn new() -> Self {
        let turns = Arc::new(Semaphore::new(CONNECTIONS as usize));
        Self { turns, away: AtomicBool::new(false), told: watch::Sender::new(0) }
    }

    async fn wait(&self) -> Result<Turn> {
        let mut told = self.told.subscribe();
        let patience = if self.away.load(Ordering::SeqCst) { CONNECT_TIMEOUT } else { TURN_TIMEOUT };
        tokio::select! {
            biased;
            turn = Arc::clone(&self.turns).acquire_owned() => {
                turn.map(Turn).map_err(|_| Error::Database(sqlx::Error::PoolClosed))
            }
            _ = told.changed() => Err(Error::Away),
            () = tokio::time::sleep(patience) => Err(Error::Away),
        }
    }

    /// Notes whether the server answered.
    fn report(&self, answered: bool) {
        self.away.store(!answered, Ordering::SeqCst);
        if !answered {
            self.told.send_modify(|times| *times += 1);
        }
    }
}
