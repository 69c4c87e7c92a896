//! How many exchanges with a provider run at once. A provider that answers slowly holds every one of them up for as long
//! as it is waited for, and anybody can begin one: beyond a number that no university needs, they wait, and then are
//! turned away. What one provider holds up is no other's.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Broker, Error, Result};
use crate::domain::id::ConnectionName;

/// So many at each provider.
pub const EXCHANGES_AT_ONCE: usize = 32;

/// How long the next one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// The turns at each provider.
#[derive(Debug)]
pub(super) struct Exchanges(BTreeMap<ConnectionName, Semaphore>);

impl Exchanges {
    pub(super) fn new<'a>(connections: impl Iterator<Item = &'a ConnectionName>) -> Self {
        Self(connections.map(|name| (name.clone(), Semaphore::new(EXCHANGES_AT_ONCE))).collect())
    }
}

impl Broker {
    /// A turn at a provider, until it is dropped.
    pub(super) async fn exchange(&self, connection: &ConnectionName) -> Result<SemaphorePermit<'_>> {
        let turns = self.0.exchanges.0.get(connection).ok_or(Error::NoSuchConnection)?;
        if let Ok(Ok(turn)) = tokio::time::timeout(PATIENCE, turns.acquire()).await {
            return Ok(turn);
        }
        tracing::warn!(connection.name = %connection, "more sign-ins at once than this broker takes");
        Err(Error::Busy)
    }
}
