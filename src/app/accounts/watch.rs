//! Looking after the accounts of all labs, on a timer.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::task::JoinSet;

use super::super::{Broker, Result};
use super::check::{ABANDONED_AFTER, Errand};
use crate::domain::access::CaretakerAccess;
use crate::domain::account::{CheckReason, Verdict};
use crate::domain::actor::Actor;
use crate::domain::id::{AccountCheckId, ActId, LabName};
use crate::domain::ledger::{Book, Draft, Event, Thread};
use crate::store::DueAccount;

/// How often it is asked whose time has come.
const WATCH_INTERVAL: Duration = Duration::from_secs(20);

/// How many accounts are checked at once.
const AT_ONCE: u32 = 4;

/// How many are begun before it is asked again.
const BATCH: usize = 100;

/// How long a check is remembered.
const CHECK_MEMORY: TimeDelta = TimeDelta::days(90);

impl Broker {
    /// Checks the accounts whose time has come. Returns how many.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub async fn watch_accounts(&self) -> Result<usize> {
        let mut checked = 0;
        while checked < BATCH {
            let due = self.store.read().await?.accounts_due(self.clock.now(), AT_ONCE).await?;
            if due.is_empty() {
                break;
            }
            let mut errands = Vec::new();
            for account in &due {
                errands.extend(self.claim(account).await?);
            }
            checked += errands.len();
            if errands.is_empty() {
                // Other brokers have them.
                break;
            }
            let mut under_way = JoinSet::new();
            for errand in errands {
                let broker = self.clone();
                under_way.spawn(async move { broker.run_errand(errand).await });
            }
            under_way.join_all().await;
        }
        Ok(checked)
    }

    /// Takes an account on, unless another broker has.
    async fn claim(&self, due: &DueAccount) -> Result<Option<Errand>> {
        let mut tx = self.store.write_for(&due.lab).await?;
        let Some(lab) = tx.lab_to_watch(&due.lab).await? else { return Ok(None) };
        let access = CaretakerAccess::to_account_of(lab);
        let mut open = tx.lab_to_change(&access).await?;
        // Should this broker be stopped on the way, another one tries it then.
        if !open.claim_account(due.due_at, self.clock.now() + ABANDONED_AFTER).await? {
            return Ok(None);
        }
        let errand = self.errand(&mut open, access.lab(), CheckReason::Watch, Actor::Broker).await?;
        tx.commit().await?;
        Ok(Some(errand))
    }

    /// Ends the checks that a stop has left open, forgets those that nobody looks at any more, and sees that each lab has
    /// an account to check.
    pub(in crate::app) async fn sweep_checks(&self) -> Result<()> {
        let now = self.clock.now();
        let open = self.store.read().await?.open_checks(now - ABANDONED_AFTER, AT_ONCE * 8).await?;
        for (lab, check) in &open {
            self.give_up(lab, check).await?;
        }
        let mut tx = self.store.write().await?;
        tx.declare_accounts().await?;
        tx.forget_checks(now - CHECK_MEMORY).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn give_up(&self, lab: &LabName, id: &AccountCheckId) -> Result<()> {
        let now = self.clock.now();
        let mut tx = self.store.write_for(lab).await?;
        let Some(lab) = tx.lab_to_watch(lab).await? else { return Ok(()) };
        tx.hold_book(&Book::Lab(lab.id.clone())).await?;
        let mut open = tx.lab(&CaretakerAccess::to_account_of(lab)).await?;
        let Some(check) = open.check(id).await? else { return Ok(()) };
        if open.end_check(id, &check.report, now, Verdict::Interrupted).await? {
            let event = Event::AccountChecked { check: id.clone(), verdict: Verdict::Interrupted, troubles: 0 };
            let thread = Thread::Act(Actor::Broker, ActId::from_entropy(self.random.bytes()));
            open.append(Draft { at: now, thread, event }).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Looks after them now and then for ever. The first look comes at a time of its own, so that brokers which start
    /// together do not look together.
    pub async fn keep_watching_accounts(self) {
        let [part] = self.random.bytes::<1>();
        tokio::time::sleep(WATCH_INTERVAL * u32::from(part) / 256).await;
        let mut timer = tokio::time::interval(WATCH_INTERVAL);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            timer.tick().await;
            if let Err(error) = self.watch_accounts().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "the accounts could not be looked after");
            }
        }
    }
}
