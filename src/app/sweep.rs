//! What is done on a timer: forgetting what is old, and ending in the ledger what a stop left open.

use std::time::Duration;

use chrono::TimeDelta;

use super::helper_login::CODE_MEMORY;
use super::sign_in::ANSWER_MEMORY;
use super::{Broker, Result};
use crate::domain::ledger::{Draft, Event, Failure, Thread};
use crate::store::OpenAttempt;

/// How often it is done.
pub const SWEEP_INTERVAL: Duration = Duration::from_mins(1);

/// After this long an attempt without an outcome will never have one: AWS calls end within 10 seconds, and the
/// database gives up after 5.
const ABANDONED_AFTER: TimeDelta = TimeDelta::minutes(2);

/// How many are read at once.
const BATCH: u32 = 100;

impl Broker {
    /// Does it once. Returns how many attempts were found open and ended.
    ///
    /// An attempt stays open when the broker is stopped between its two entries. No credential of it left the process:
    /// the entry that says `issued` is durable before that. So it ends as failed, `interrupted`.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn sweep(&self) -> Result<usize> {
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        tx.forget_sign_in_answers(now - ANSWER_MEMORY).await?;
        tx.forget_codes(now - CODE_MEMORY).await?;
        tx.forget_tokens(now).await?;
        tx.commit().await?;
        let mut ended = 0;
        loop {
            let open = self.store.read().await?.open_attempts(now - ABANDONED_AFTER, BATCH).await?;
            if open.is_empty() {
                break;
            }
            for attempt in &open {
                ended += usize::from(self.interrupted(attempt).await?);
            }
        }
        if ended > 0 {
            tracing::warn!(attempts.count = ended, "ended attempts that a stop had left open");
        }
        Ok(ended)
    }

    /// Ends one attempt; false when another broker has done so meanwhile.
    async fn interrupted(&self, open: &OpenAttempt) -> Result<bool> {
        let mut tx = self.store.write().await?;
        tx.hold_book(&open.book).await?;
        if !tx.is_open(open).await? {
            return Ok(false);
        }
        let event = Event::Failed { reason: Failure::Interrupted, aws_code: None, aws_request_id: None };
        let thread = Thread::Attempt(open.person.clone(), open.attempt.clone());
        tx.append(open.book.clone(), Draft { at: self.clock.now(), thread, event }).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Does it now and then for ever.
    pub async fn keep_sweeping(self) {
        let mut timer = tokio::time::interval(SWEEP_INTERVAL);
        loop {
            timer.tick().await;
            if let Err(error) = self.sweep().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "the sweep did not work; it is tried again");
            }
        }
    }
}
