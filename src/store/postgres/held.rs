//! A connection that somebody has, in a transaction.
//!
//! A request may be dropped at any moment, when its caller hangs up. The connection must not carry anything of it to the
//! next one: neither an open transaction nor the lab that it had entered. sqlx 0.9.0 would leave a transaction open whose
//! `begin` was sent and not yet answered (`PgTransactionManager::begin` counts it only then), so this does its own.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres};

use super::line::{Line, Turn, Wait};
use crate::store::Result;

/// How long it may take until a connection is fit for the next one. After that it is closed.
const GIVE_BACK_TIMEOUT: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(in crate::store) struct Held {
    /// Always there until it is dropped.
    connection: Option<PoolConnection<Postgres>>,
    line: Line,
    ended: bool,
    turn: Option<Turn>,
    lane: Option<Turn>,
}

impl Held {
    pub(super) fn new(connection: PoolConnection<Postgres>, line: Line, turn: Turn) -> Self {
        Self { connection: Some(connection), line, ended: false, turn: Some(turn), lane: None }
    }

    pub(super) fn in_lane(mut self, lane: Turn) -> Self {
        self.lane = Some(lane);
        self
    }

    /// Runs a statement without parameters that gives no rows.
    pub(super) async fn run_on(&mut self, wait: &mut Wait, statement: &'static str) -> Result<()> {
        let Some(connection) = &mut self.connection else { return Err(sqlx::Error::PoolClosed.into()) };
        self.line.ask_on(wait, sqlx::raw_sql(statement).execute(&mut **connection)).await?;
        Ok(())
    }

    /// Runs what is given for the connection.
    pub(in crate::store) async fn ask<T>(
        &mut self,
        statement: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> Result<T> {
        let Some(connection) = &mut self.connection else { return Err(sqlx::Error::PoolClosed.into()) };
        self.line.ask(statement(connection)).await
    }

    pub(in crate::store) async fn commit(mut self) -> Result<()> {
        let mut wait = self.line.wait();
        self.run_on(&mut wait, "commit").await?;
        self.ended = true;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let ended = self.ended;
        // Until the connection is back, nobody is let in for another, nor into the lab's lane.
        let turns = (self.turn.take(), self.lane.take());
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let giving_back = async {
                if ended || sqlx::raw_sql("rollback").execute(&mut *connection).await.is_ok() {
                    // What sqlx does when a connection is dropped, and there without an end: it asks the server whether
                    // the connection is good.
                    connection.return_to_pool().await;
                } else {
                    connection.close_on_drop();
                }
            };
            if tokio::time::timeout(GIVE_BACK_TIMEOUT, giving_back).await.is_err() {
                connection.close_on_drop();
            }
            drop(connection);
            drop(turns);
        });
    }
}
