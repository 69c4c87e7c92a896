//! Checking an account: beginning it, and carrying it out to the end.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::{Broker, Caller, Error, Result};
use crate::domain::access::{CaretakerAccess, LabAccess, ManagerAccess, PiAccess};
use crate::domain::account::{AccountCheck, AccountState, CheckReason, CheckReport, Judgement, Verdict};
use crate::domain::actor::Actor;
use crate::domain::id::{AccountCheckId, ActId, LabName};
use crate::domain::lab::{Lab, Role};
use crate::domain::ledger::{Draft, Event, Thread};
use crate::store::LabTx;

/// After this long a check that is not over will never be: a try ends within two minutes, and there are few.
pub(super) const ABANDONED_AFTER: TimeDelta = TimeDelta::minutes(15);

/// How old the last check may be that a diagnosis speaks of.
const FRESH_ENOUGH: TimeDelta = TimeDelta::minutes(1);

/// What somebody wants a check for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CheckWish {
    /// To join the account.
    Join,
    /// To see how it stands.
    Look,
    /// To find out why they get no credentials.
    Diagnose,
}

/// A check that is carried out: of what, and for whom.
pub(super) struct Errand {
    pub(super) check: AccountCheck,
    pub(super) lab: Lab,
    pub(super) roles: Vec<Role>,
    /// The id of the session role when the account was joined.
    pub(super) session_role_id: Option<String>,
    /// Whoever wanted it.
    pub(super) actor: Actor,
}

impl Errand {
    pub(super) fn access(&self) -> CaretakerAccess {
        CaretakerAccess::to_account_of(self.lab.clone())
    }
}

impl Broker {
    /// Begins to join the lab's account: for its PIs. One that is under way already is the answer instead.
    ///
    /// # Errors
    ///
    /// When the caller is no PI of the lab, their sign-in is not fresh, or the database is away.
    pub async fn join_account(&self, caller: &Caller, lab: &LabName) -> Result<AccountCheck> {
        self.begin_check(caller, lab, CheckWish::Join).await?.ok_or(Error::Task)
    }

    /// Begins a check of the lab's account: for whoever looks after the lab. One that is under way already is the answer
    /// instead.
    ///
    /// # Errors
    ///
    /// When the caller does not, or the database is away.
    pub async fn check_account(&self, caller: &Caller, lab: &LabName) -> Result<AccountCheck> {
        self.begin_check(caller, lab, CheckWish::Look).await?.ok_or(Error::Task)
    }

    /// Begins a check, unless one is under way; for a diagnosis, unless there was one just now.
    pub(super) async fn begin_check(
        &self,
        caller: &Caller,
        lab: &LabName,
        wish: CheckWish,
    ) -> Result<Option<AccountCheck>> {
        let mut tx = self.store.write_for(lab).await?;
        let access: LabAccess = match wish {
            CheckWish::Join => {
                let pi: PiAccess = self.admit_to_give(&mut tx, caller, lab).await?.access.pi()?;
                LabAccess::clone(&pi)
            }
            CheckWish::Look => {
                let manager: ManagerAccess = self.admit_to_change(&mut tx, caller, lab).await?.access.manager()?;
                LabAccess::clone(&manager)
            }
            CheckWish::Diagnose => self.admit_to_look_under_lock(&mut tx, caller, lab).await?.access,
        };
        let now = self.clock.now();
        let mut open = tx.lab(&access).await?;
        let last = open.checks(None, 1).await?.pop();
        let is_under_way = |check: &AccountCheck| check.ended.is_none() && now - check.begun_at < ABANDONED_AFTER;
        if let Some(last) = last.as_ref().filter(|last| is_under_way(last)) {
            return Ok(Some(last.clone()));
        }
        let (reason, by) = match wish {
            CheckWish::Join => (CheckReason::Join, access.by().clone()),
            CheckWish::Look | CheckWish::Diagnose => (CheckReason::Demand, access.by().clone()),
        };
        if wish == CheckWish::Diagnose {
            let is_fresh = |check: &AccountCheck| now - check.begun_at < FRESH_ENOUGH;
            // Who may not set the account up does not try it either, before it was joined.
            if last.as_ref().is_some_and(is_fresh) || open.account().await?.state == AccountState::Declared {
                return Ok(last);
            }
        }
        let errand = self.errand(&mut open, access.lab(), reason, by).await?;
        tx.commit().await?;
        let check = errand.check.clone();
        let broker = self.clone();
        tokio::spawn(async move { broker.run_errand(errand).await });
        Ok(Some(check))
    }

    /// Writes down that a check begins. No call is made before that is durable.
    pub(super) async fn errand(
        &self,
        open: &mut LabTx<'_>,
        lab: &Lab,
        reason: CheckReason,
        actor: Actor,
    ) -> Result<Errand> {
        let now = self.clock.now();
        let by = match &actor {
            Actor::Person(person) => Some(person.clone()),
            Actor::Operator(_) | Actor::Broker => None,
        };
        let id = AccountCheckId::from_entropy(self.random.bytes());
        let errand = Errand {
            check: AccountCheck { id, reason, by, begun_at: now, ended: None, report: CheckReport::default() },
            roles: open.roles().await?,
            session_role_id: open.account().await?.session_role_id,
            lab: lab.clone(),
            actor,
        };
        open.insert_check(&errand.check).await?;
        let begun = Event::AccountCheckBegun { check: errand.check.id.clone(), reason };
        open.append(self.draft_of(&errand, now, begun)).await?;
        Ok(errand)
    }

    /// An entry of the ledger for a check. What belongs together is so by the check's id.
    pub(super) fn draft_of(&self, errand: &Errand, at: DateTime<Utc>, event: Event) -> Draft {
        let act = ActId::from_entropy(self.random.bytes());
        Draft { at, thread: Thread::Act(errand.actor.clone(), act), event }
    }

    /// Carries a check out, and writes down what it came to. What goes wrong here leaves the check open; the sweep ends it.
    pub(super) async fn run_errand(&self, mut errand: Errand) {
        let outcome = self.carry_check_out(&mut errand).await;
        if let Err(error) = outcome {
            tracing::error!(
                lab = %errand.lab.name,
                check.id = %errand.check.id,
                error = &error as &dyn std::error::Error,
                "a check of an account could not be written down"
            );
        }
    }

    async fn carry_check_out(&self, errand: &mut Errand) -> Result<()> {
        let mut tries = 0;
        loop {
            tries += 1;
            errand.check.report = CheckReport { tries, ..CheckReport::default() };
            let (observed, judgement) = self.observe(errand).await?;
            errand.check.report.troubles.clone_from(&judgement.troubles);
            let wait = self.accounts.waits.get(tries as usize - 1);
            match wait.filter(|_| is_worth_another_try(errand.check.reason, &judgement, tries)) {
                Some(wait) => {
                    self.save_progress(errand).await?;
                    tokio::time::sleep(*wait).await;
                }
                None => return self.settle(errand, &observed, &judgement).await,
            }
        }
    }

    /// Shows how far it is. It is the broker's own doing, and no record of anything.
    pub(super) async fn save_progress(&self, errand: &Errand) -> Result<()> {
        let mut tx = self.store.write_for(&errand.lab.name).await?;
        tx.lab(&errand.access()).await?.save_check(&errand.check.id, &errand.check.report).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// How often an account is tried again that is only looked at: a busy moment is waited out, a refusal is an answer.
pub(super) const TRIES_OF_A_LOOK: u32 = 3;

/// IAM takes up to minutes to apply what is new, and refuses until then. So what refuses is tried again while an account is
/// joined, and only then.
fn is_worth_another_try(reason: CheckReason, judgement: &Judgement, tries: u32) -> bool {
    use crate::domain::account::{Cause, ProbeOutcome, Severity};
    let is_busy = judgement.troubles.iter().any(|trouble| {
        trouble.severity == Severity::Unclear
            && trouble.causes.iter().any(|cause| matches!(cause, Cause::Throttled | Cause::Unreachable))
    });
    match reason {
        CheckReason::Demand | CheckReason::Watch => is_busy && tries < TRIES_OF_A_LOOK,
        CheckReason::Join => match judgement.verdict {
            Verdict::Broken | Verdict::Unread | Verdict::Unclear => true,
            Verdict::Open | Verdict::Interrupted => false,
            // A session that was just let in may be denied what the role's new policies allow.
            Verdict::Proven => judgement.troubles.iter().any(|trouble| {
                trouble.causes.iter().any(|cause| {
                    matches!(cause, Cause::ProbeDenied { answer } if matches!(answer.outcome,
                        ProbeOutcome::DeniedByIdentityPolicy | ProbeOutcome::DeniedByBoundary | ProbeOutcome::Denied))
                })
            }),
        },
    }
}
