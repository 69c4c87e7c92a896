//! The PostgreSQL side: any number of brokers over one database.
//!
//! The server may be away. Then requests must be told so within two seconds, and be served again within moments of its
//! return, without a broker being restarted. How long one waits, and when a server counts as away, is in `line`; that a
//! connection is clean when the next one gets it, in `held`.

mod held;
mod line;

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, PgPool};
use tokio::sync::Semaphore;

use super::address::Postgres;
use super::{Error, Result};
use line::{Line, Wait};

pub(super) use held::Held;
pub(super) use line::Patience;

/// Connections of one broker. Two cores and a fast disk carry about this many; more would wait inside the server.
const CONNECTIONS: u8 = 16;

/// How many of them the requests for one lab have at most: one is in the lab's book, the next on its way there. More
/// would only wait inside the server for the book, where nobody else can use their connections, and behind the other
/// brokers' for longer than [`SESSION`] lets a statement wait.
const CONNECTIONS_OF_A_LAB: u8 = 2;

/// Labs share lanes by their names' hash. More lanes than a broker has connections, so that two busy labs rarely meet.
const LANES: u8 = 64;

/// How long the first connection of a program may take, when nobody waits for an answer yet.
const FIRST_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long the pool tries to make a connection. It goes on when the request that wanted it has given up, for the next
/// one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How many are made at once. Proving to know the password takes work on purpose: sixteen that begin together are all
/// late, where the first of a few serves everybody meanwhile.
const CONNECTING: u8 = 3;

/// How long a connection that was kept may take to show that it is good.
const PING_TIMEOUT: Duration = Duration::from_millis(700);

/// What the server is told about each of a broker's connections. It gives up on a lock before the broker gives up on the
/// server, so that a lock is never taken for an outage; and it takes a lab's book from a broker that stands still or is
/// cut off while it has it. Nothing is compiled for a statement: compiling takes longer than any of ours.
const SESSION: &str = "set lock_timeout = '700ms'; set idle_in_transaction_session_timeout = '5s'; set jit = off";

const WRITE: &str = "begin isolation level read committed";

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
    /// As long as it has connections. So nobody ever waits inside the pool for another.
    line: Line,
    lanes: Arc<[Line]>,
    connecting: Arc<Semaphore>,
}

impl PostgresStore {
    pub(super) async fn open(address: &Postgres, patience: Patience) -> Result<Self> {
        let options = options(address)?;
        connect_within(&options, FIRST_CONNECT_TIMEOUT).await?.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(u32::from(CONNECTIONS))
            .acquire_timeout(CONNECT_TIMEOUT)
            // sqlx's own test has no end when a connection leads nowhere.
            .test_before_acquire(false)
            .before_acquire(|connection, _| {
                Box::pin(async move {
                    let answer = tokio::time::timeout(PING_TIMEOUT, connection.ping()).await;
                    Ok(matches!(answer, Ok(Ok(()))))
                })
            })
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if patience != Patience::Command {
                        connection.execute(SESSION).await?;
                    }
                    Ok(())
                })
            })
            .connect_lazy_with(options);
        let line = Line::new(CONNECTIONS, patience);
        let lanes = (0..LANES).map(|_| line.beside(CONNECTIONS_OF_A_LAB)).collect();
        let connecting = Arc::new(Semaphore::new(usize::from(CONNECTING)));
        Ok(Self { pool, line, lanes, connecting })
    }

    pub(super) async fn read(&self) -> Result<Held> {
        self.begin(&mut self.line.wait(), "begin isolation level repeatable read, read only").await
    }

    pub(super) async fn write(&self) -> Result<Held> {
        self.begin(&mut self.line.wait(), WRITE).await
    }

    /// Waits behind others who want to write for the same lab, before it takes a connection.
    pub(super) async fn write_for(&self, lab: &str) -> Result<Held> {
        let mut wait = self.line.wait();
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(lab).to_le_bytes()[0];
        let lane = self.lanes[usize::from(hash % LANES)].turn(&mut wait).await?;
        Ok(self.begin(&mut wait, WRITE).await?.in_lane(lane))
    }

    async fn begin(&self, wait: &mut Wait, statement: &'static str) -> Result<Held> {
        let mut turn = self.line.turn(wait).await?;
        let connection = loop {
            let (pool, connecting) = (self.pool.clone(), Arc::clone(&self.connecting));
            // A task of its own: when a connection takes longer than this request waits, it is there for the next one.
            let acquiring = tokio::spawn(async move {
                // With a turn there is one to be had, or one to be made.
                let _making = if pool.num_idle() == 0 { connecting.acquire().await.ok() } else { None };
                (pool.acquire().await, turn)
            });
            let (acquired, kept) = wait.connected(acquiring).await?.map_err(|_| Error::Away)?;
            turn = kept;
            match acquired {
                // The server answers others, or this would not have waited for so long.
                Err(sqlx::Error::PoolTimedOut) => {}
                acquired => break self.line.answered(acquired)?,
            }
        };
        let mut held = Held::new(connection, self.line.clone(), turn);
        held.run_on(wait, statement).await?;
        Ok(held)
    }
}
