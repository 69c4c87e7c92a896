//! What is done on a timer: forgetting what is old, and ending in the ledger what a stop left open.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

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

/// How long what has ended is kept.
const MEMORY: TimeDelta = TimeDelta::days(30);

/// How long a role session is kept after its end: the ledger has it for ever.
const ROLE_SESSION_MEMORY: TimeDelta = TimeDelta::days(1);

/// How long a request's own key is remembered.
const DONE_REQUEST_MEMORY: TimeDelta = TimeDelta::days(1);

/// How long it is shown what was cut off, after that is over: the ledger has it for ever.
const CUT_OFF_MEMORY: TimeDelta = TimeDelta::days(90);

/// How often it is looked for.
const CLEARING_INTERVAL: TimeDelta = TimeDelta::hours(1);

/// When something was done last that is done now and then.
#[derive(Debug, Default)]
pub(super) struct Last(Mutex<Option<DateTime<Utc>>>);

impl Last {
    /// Whether it is time again; if so, it counts as done now.
    fn is_due(&self, now: DateTime<Utc>, interval: TimeDelta) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| (now - last).abs() >= interval);
        if due {
            *last = Some(now);
        }
        due
    }
}

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
        tx.forget_role_sessions(now - ROLE_SESSION_MEMORY).await?;
        tx.forget_done_requests(now - DONE_REQUEST_MEMORY).await?;
        tx.forget_cut_offs(now - CUT_OFF_MEMORY).await?;
        tx.commit().await?;
        self.sweep_checks().await?;
        self.forget_what_is_old().await?;
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

    /// Forgets sessions and sign-ins that ended a month ago, once an hour. What somebody's latest sign-in said stays:
    /// every decision is made on it.
    async fn forget_what_is_old(&self) -> Result<()> {
        let now = self.clock.now();
        if !self.0.last_clearing.is_due(now, CLEARING_INTERVAL) {
            return Ok(());
        }
        let before = now - MEMORY;
        let mut tx = self.store.write().await?;
        tx.forget_sessions(before).await?;
        tx.forget_logout_tokens(before).await?;
        tx.commit().await?;
        loop {
            let mut tx = self.store.write().await?;
            let more = tx.forget_sign_ins(before).await?;
            tx.commit().await?;
            if !more {
                return Ok(());
            }
        }
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
