//! A requester account at Mechanical Turk, in memory: tasks, submitted work, a prepaid balance.
//!
//! It knows the rules about state and money, not who may call. Time passes only where a caller looks: nothing is
//! approved by itself, and no worker ever comes.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::fault::Fault;
use super::money::Money;

/// How long a rejection can be turned into an approval. Source: requester API reference, `ApproveAssignment`.
const OVERRIDE_WINDOW: TimeDelta = TimeDelta::days(30);

/// A requester account.
#[derive(Clone, Debug, Default)]
pub struct Marketplace {
    balance: Money,
    hits: Vec<Hit>,
    assignments: Vec<Assignment>,
    bonuses: Vec<Bonus>,
    /// `UniqueRequestToken`s of bonuses that were paid.
    bonus_tokens: BTreeSet<String>,
    /// `UniqueRequestToken`s of tasks that were created, with the task's id.
    hit_tokens: Vec<(String, String)>,
}

/// A task on offer: "human intelligence task".
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) id: String,
    pub(super) type_id: String,
    pub(super) group_id: String,
    pub(super) layout_id: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) question: String,
    pub(super) keywords: Option<String>,
    pub(super) annotation: Option<String>,
    pub(super) qualifications: Option<Value>,
    pub(super) reward: Money,
    pub(super) max_assignments: u32,
    pub(super) auto_approval: TimeDelta,
    pub(super) assignment_duration: TimeDelta,
}

/// One worker's work on a task.
#[derive(Clone, Debug)]
pub(super) struct Assignment {
    pub(super) id: String,
    pub(super) hit_id: String,
    pub(super) worker_id: String,
    pub(super) accepted_at: DateTime<Utc>,
    pub(super) submitted_at: DateTime<Utc>,
    pub(super) answer: String,
    pub(super) state: AssignmentState,
    pub(super) feedback: Option<String>,
}

/// Where work stands with its requester.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AssignmentState {
    Submitted,
    Approved { at: DateTime<Utc> },
    Rejected { at: DateTime<Utc> },
}

/// A payment beyond the reward.
#[derive(Clone, Debug)]
pub(super) struct Bonus {
    pub(super) worker_id: String,
    pub(super) assignment_id: String,
    pub(super) amount: Money,
    pub(super) reason: String,
    pub(super) granted_at: DateTime<Utc>,
}

/// How many pieces of work of a task are where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) available: u32,
    pub(super) completed: u32,
    pub(super) reviewable: bool,
}

impl AssignmentState {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Submitted => "Submitted",
            Self::Approved { .. } => "Approved",
            Self::Rejected { .. } => "Rejected",
        }
    }
}

impl Marketplace {
    /// An account with nothing in it but money.
    #[must_use]
    pub fn with_balance(balance: Money) -> Self {
        Self { balance, ..Self::default() }
    }

    /// What is left of the prepaid balance.
    #[must_use]
    pub fn balance(&self) -> Money {
        self.balance
    }

    pub(super) fn put_hit(&mut self, hit: Hit) {
        self.hits.push(hit);
    }

    pub(super) fn put_assignment(&mut self, assignment: Assignment) {
        self.assignments.push(assignment);
    }

    pub(super) fn hits(&self) -> &[Hit] {
        &self.hits
    }

    pub(super) fn hit(&self, id: &str, now: DateTime<Utc>) -> Result<&Hit, Fault> {
        self.hits.iter().find(|hit| hit.id == id).ok_or_else(|| {
            request_error("AWS.MechanicalTurk.HITDoesNotExist", &format!("Hit {id} does not exist."), now)
        })
    }

    pub(super) fn assignment(&self, id: &str, now: DateTime<Utc>) -> Result<&Assignment, Fault> {
        self.assignments.iter().find(|assignment| assignment.id == id).ok_or_else(|| no_assignment(id, now))
    }

    pub(super) fn assignments_of<'a>(&'a self, hit_id: &'a str) -> impl Iterator<Item = &'a Assignment> {
        self.assignments.iter().filter(move |assignment| assignment.hit_id == hit_id)
    }

    pub(super) fn bonuses(&self) -> &[Bonus] {
        &self.bonuses
    }

    pub(super) fn counts(&self, hit: &Hit, now: DateTime<Utc>) -> Counts {
        let count = |wanted: &dyn Fn(&Assignment) -> bool| {
            u32::try_from(self.assignments_of(&hit.id).filter(|assignment| wanted(assignment)).count())
                .unwrap_or(u32::MAX)
        };
        let available = hit.max_assignments.saturating_sub(count(&|_| true));
        let completed = count(&|assignment| assignment.state != AssignmentState::Submitted);
        Counts { available, completed, reviewable: available == 0 || hit.expires_at <= now }
    }

    /// Offers a task. Nothing is reserved, but the balance must cover all of it.
    pub(super) fn create(&mut self, hit: Hit, token: Option<&str>, now: DateTime<Utc>) -> Result<&Hit, Fault> {
        if let Some((_, id)) = self.hit_tokens.iter().find(|(seen, _)| Some(seen.as_str()) == token) {
            let message = format!("A HIT with this UniqueRequestToken already exists: {id}.");
            return Err(request_error("AWS.MechanicalTurk.HITAlreadyExists", &message, now));
        }
        if self.balance < hit.reward.plus(hit.reward.fee()).times(hit.max_assignments) {
            return Err(insufficient_funds(now));
        }
        if let Some(token) = token {
            self.hit_tokens.push((token.to_owned(), hit.id.clone()));
        }
        let place = self.hits.len();
        self.hits.push(hit);
        Ok(&self.hits[place])
    }

    /// Pays for work.
    pub(super) fn approve(
        &mut self,
        id: &str,
        override_rejection: bool,
        feedback: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        let assignment = self.assignment(id, now)?;
        match assignment.state {
            AssignmentState::Submitted => {}
            AssignmentState::Rejected { .. } if override_rejection => {
                if now - assignment.submitted_at > OVERRIDE_WINDOW {
                    let message = "A rejection can be overridden within 30 days of submission.";
                    return Err(request_error("AWS.MechanicalTurk.InvalidAssignmentState", message, now));
                }
            }
            AssignmentState::Rejected { .. } | AssignmentState::Approved { .. } => return Err(wrong_state(now)),
        }
        let reward = self.hit(&assignment.hit_id, now)?.reward;
        self.pay(reward, now)?;
        self.settle(id, AssignmentState::Approved { at: now }, feedback, now)
    }

    /// Refuses to pay for work.
    pub(super) fn reject(&mut self, id: &str, feedback: &str, now: DateTime<Utc>) -> Result<(), Fault> {
        if self.assignment(id, now)?.state != AssignmentState::Submitted {
            return Err(wrong_state(now));
        }
        self.settle(id, AssignmentState::Rejected { at: now }, Some(feedback), now)
    }

    /// Pays more than the reward, once for each token.
    pub(super) fn send_bonus(&mut self, bonus: Bonus, token: Option<&str>, now: DateTime<Utc>) -> Result<(), Fault> {
        let assignment = self.assignment(&bonus.assignment_id, now)?;
        if assignment.worker_id != bonus.worker_id {
            let message = format!("Worker {} did not submit {}.", bonus.worker_id, bonus.assignment_id);
            return Err(request_error("AWS.MechanicalTurk.WorkerDoesNotExist", &message, now));
        }
        if let Some(token) = token.filter(|token| self.bonus_tokens.contains(*token)) {
            let message = format!("The idempotency token \"{token}\" has already been processed.");
            return Err(request_error("AWS.MechanicalTurk.DuplicateRequest", &message, now));
        }
        self.pay(bonus.amount, now)?;
        self.bonus_tokens.extend(token.map(str::to_owned));
        self.bonuses.push(bonus);
        Ok(())
    }

    /// Takes what a worker gets, and the fee on it, off the balance.
    fn pay(&mut self, amount: Money, now: DateTime<Utc>) -> Result<(), Fault> {
        self.balance = self.balance.minus(amount.plus(amount.fee())).ok_or_else(|| insufficient_funds(now))?;
        Ok(())
    }

    fn settle(
        &mut self,
        id: &str,
        state: AssignmentState,
        feedback: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), Fault> {
        let assignment = self.assignments.iter_mut().find(|assignment| assignment.id == id);
        let assignment = assignment.ok_or_else(|| no_assignment(id, now))?;
        assignment.state = state;
        assignment.feedback = feedback.map(str::to_owned);
        Ok(())
    }
}

/// A `RequestError`, with the moment in milliseconds that the requester API ends its messages with.
pub(super) fn request_error(code: &'static str, message: &str, now: DateTime<Utc>) -> Fault {
    Fault::request_error(code, format!("{message} ({} s)", now.timestamp_millis()))
}

fn no_assignment(id: &str, now: DateTime<Utc>) -> Fault {
    request_error("AWS.MechanicalTurk.AssignmentDoesNotExist", &format!("Assignment {id} does not exist."), now)
}

fn wrong_state(now: DateTime<Utc>) -> Fault {
    let message = "This operation can be called with a status of: Submitted";
    request_error("AWS.MechanicalTurk.InvalidAssignmentState", message, now)
}

fn insufficient_funds(now: DateTime<Utc>) -> Fault {
    let message = "This Requester has insufficient funds in their account to complete this transaction. Please visit \
                   https://requester.mturk.com/prepayments/new to purchase Prepaid HITs.";
    request_error("AWS.MechanicalTurk.InsufficientFunds", message, now)
}

#[cfg(test)]
mod tests {
    use super::super::seeds::Theme;
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn vision() -> (Marketplace, String, String) {
        let marketplace = Marketplace::seeded(Theme::Vision, NOW);
        let assignment = &marketplace.assignments[0];
        let (id, worker) = (assignment.id.clone(), assignment.worker_id.clone());
        (marketplace, id, worker)
    }

    fn bonus(assignment_id: &str, worker_id: &str, cents: u32) -> Bonus {
        Bonus {
            worker_id: worker_id.into(),
            assignment_id: assignment_id.into(),
            amount: Money::from_cents(cents),
            reason: "good work".into(),
            granted_at: NOW,
        }
    }

    fn code<T>(outcome: Result<T, Fault>) -> &'static str {
        outcome.err().and_then(|fault| fault.turk_code).unwrap_or("none")
    }

    #[test]
    fn approving_pays_reward_and_fee_once() {
        let (mut market, id, _) = vision();
        let reward = market.hit(&market.assignments[0].hit_id, NOW).unwrap().reward;
        let before = market.balance();

        market.approve(&id, false, None, NOW).unwrap();

        assert_eq!(before.minus(market.balance()), Some(reward.plus(reward.fee())));
        assert_eq!(code(market.approve(&id, true, None, NOW)), "AWS.MechanicalTurk.InvalidAssignmentState");
        assert_eq!(code(market.reject(&id, "no", NOW)), "AWS.MechanicalTurk.InvalidAssignmentState");
    }

    #[test]
    fn a_rejection_pays_nothing_and_can_be_overridden_for_a_month() {
        let (mut market, id, _) = vision();
        let before = market.balance();
        market.reject(&id, "blurred", NOW).unwrap();

        assert_eq!(market.balance(), before);
        assert_eq!(code(market.approve(&id, false, None, NOW)), "AWS.MechanicalTurk.InvalidAssignmentState");
        let late = NOW + TimeDelta::days(31);
        assert_eq!(code(market.approve(&id, true, None, late)), "AWS.MechanicalTurk.InvalidAssignmentState");
        market.approve(&id, true, None, NOW).unwrap();
        assert!(market.balance() < before);
    }

    #[test]
    fn a_bonus_is_paid_once_for_each_token_and_only_to_who_did_the_work() {
        let (mut market, id, worker) = vision();
        let before = market.balance();

        market.send_bonus(bonus(&id, &worker, 100), Some("once"), NOW).unwrap();
        assert_eq!(before.minus(market.balance()), Some(Money::from_cents(120)));
        let again = market.send_bonus(bonus(&id, &worker, 100), Some("once"), NOW);
        assert_eq!(code(again), "AWS.MechanicalTurk.DuplicateRequest");
        let other = market.send_bonus(bonus(&id, "AOTHER", 100), None, NOW);
        assert_eq!(code(other), "AWS.MechanicalTurk.WorkerDoesNotExist");
        let nothing = market.send_bonus(bonus("NOTHING", &worker, 100), None, NOW);
        assert_eq!(code(nothing), "AWS.MechanicalTurk.AssignmentDoesNotExist");
        assert_eq!(market.bonuses().len(), 1);
    }

    #[test]
    fn without_money_nothing_is_paid_and_nothing_changes() {
        let (mut market, id, worker) = vision();
        market.balance = Money::from_cents(1);

        assert_eq!(code(market.approve(&id, false, None, NOW)), "AWS.MechanicalTurk.InsufficientFunds");
        let paid = market.send_bonus(bonus(&id, &worker, 1), Some("t"), NOW);
        assert_eq!(code(paid), "AWS.MechanicalTurk.InsufficientFunds");
        let hit = market.hits[0].clone();
        assert_eq!(code(market.create(hit, None, NOW)), "AWS.MechanicalTurk.InsufficientFunds");
        assert_eq!(market.balance(), Money::from_cents(1));
        assert_eq!(market.assignments[0].state, AssignmentState::Submitted);
        assert!(market.bonus_tokens.is_empty());
    }

    #[test]
    fn a_task_is_created_once_for_each_token() {
        let (mut market, ..) = vision();
        let hit = Hit { id: "3NEW".into(), ..market.hits[0].clone() };

        assert_eq!(market.create(hit.clone(), Some("once"), NOW).unwrap().id, "3NEW");
        assert_eq!(code(market.create(hit, Some("once"), NOW)), "AWS.MechanicalTurk.HITAlreadyExists");
    }
}
