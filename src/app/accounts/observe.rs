//! What a check asks AWS, in order.
//!
//! The sessions that are made on the way are the broker's own: none of their credentials leaves this process, and all but
//! those of the probes can do nothing, or only look.

use chrono::TimeDelta;

use super::super::{Broker, Result};
use super::check::Errand;
use super::{PlanError, account_plan};
use crate::aws::{self, AssumeRole, AssumeSteward, Hint, SessionCredentials, Steward, Unproved};
use crate::domain::account::{
    Answer, Cause, ChainLink, CheckStep, Judgement, Observed, Plan, ProbeAnswer, ProbeOutcome, RoleProbe, Severity,
    StepReport, StepState, Trouble, Verdict, judge, uncovered,
};
use crate::domain::cut_off::{CLOCK_BEHIND_MAX, DenyEntry, Whose};
use crate::domain::id::{RoleName, RoleSessionId};
use crate::domain::lab::Role;
use crate::domain::ledger::Failure;
use crate::domain::policy::{Probe, SessionPolicy};
use crate::domain::role_session::{ExternalId, RoleSessionName, SessionDuration, SessionTag, SourceIdentity};

/// How far the broker's clock may be ahead before it is what AWS refuses. SigV4 bears five minutes; a second goes by on the way.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::seconds(240);

/// What a session is tagged with that is no role's.
const PROBE_TAG: &str = "probe";

/// What is said of a step that is left out.
const NOT_TRIED: &str = "Not tried: the broker has to be let in first.";

impl Broker {
    /// Asks, and says what the answers mean. After each step it is written down how far it is.
    pub(super) async fn observe(&self, errand: &mut Errand) -> Result<(Observed, Judgement)> {
        let plan = match self.plan(errand) {
            Ok(plan) => plan,
            Err(error) => return Ok((Observed::default(), cannot_say(&error))),
        };
        let mut observed = Observed::default();
        self.ask_session_role(errand, &plan, &mut observed).await?;
        self.ask_steward_role(errand, &plan, &mut observed).await?;
        let may_be_the_clock = |answer: &Option<Answer>| matches!(answer, Some(Answer::Identity | Answer::Other(_)));
        if may_be_the_clock(&observed.session) || may_be_the_clock(&observed.steward) {
            observed.clock_off_seconds = self.clock_off().await;
        }
        self.compare(errand, &plan, &mut observed).await?;
        self.probe_roles(errand, &mut observed).await?;
        let judgement = judge(&plan, &observed, errand.session_role_id.as_deref());
        Ok((observed, judgement))
    }

    fn plan(&self, errand: &Errand) -> std::result::Result<Plan, PlanError> {
        let broker = self.accounts.broker_role.as_ref().ok_or(PlanError::NoBrokerRole)?;
        account_plan(&self.policies, &errand.lab, &errand.roles, broker)
    }

    /// Whether the session role lets the broker in, and only with the lab's external id.
    async fn ask_session_role(&self, errand: &mut Errand, plan: &Plan, observed: &mut Observed) -> Result<()> {
        // It may do no more than look at the account, and its role not even that: nothing.
        let policy = plan.names().look_policy();
        let tags = tags(errand, None);
        let lab = errand.lab.clone();
        let duration = errand.roles.iter().map(|role| role.max_duration).max().unwrap_or(SessionDuration::MAX);
        let session_name = self.session_name();
        let source_identity = SourceIdentity::of_probe();
        let ask = AssumeRole {
            role: &lab.session_role,
            external_id: &lab.external_id,
            policy,
            session_name: &session_name,
            source_identity: &source_identity,
            tags: &tags,
            duration,
        };
        let answer = answered(self.aws.assume_role(&ask, self.clock.now()).await.map(drop));
        self.note(errand, CheckStep::Assume, state_of(&answer), says_of(&answer)).await?;
        let came_in = answer == Answer::LetIn;
        observed.session = Some(answer);
        let other = self.other_external_id();
        let ways = [(CheckStep::OtherExternalId, Unproved::Other(&other)), (CheckStep::NoExternalId, Unproved::None)];
        let mut tried = Vec::new();
        for (step, proof) in ways {
            let (state, says) = if came_in {
                tried.push(self.aws.assume_unproved(&ask, proof).await);
                refusals(&tried[tried.len() - 1..])
            } else {
                (StepState::Skipped, NOT_TRIED.to_owned())
            };
            self.note(errand, step, state, says).await?;
        }
        observed.session_is_open = is_open(&tried);
        Ok(())
    }

    /// The same of the steward role; and reads the account.
    async fn ask_steward_role(&self, errand: &mut Errand, plan: &Plan, observed: &mut Observed) -> Result<()> {
        let steps = [CheckStep::Steward, CheckStep::StewardRefuses, CheckStep::Read];
        if observed.session.as_ref().is_none_or(|answer| answer.is_unclear() || *answer == Answer::RegionDisabled) {
            for step in steps {
                self.note(errand, step, StepState::Skipped, NOT_TRIED.to_owned()).await?;
            }
            return Ok(());
        }
        let policy = plan.names().look_policy();
        let external_id = errand.lab.external_id.of_steward();
        let name = self.steward_session_name();
        let ask =
            AssumeSteward { role: plan.names().steward(), external_id: &external_id, policy, session_name: &name };
        let steward = self.aws.assume_steward(&ask, self.clock.now()).await;
        let (steward, answer) = match steward {
            Ok(steward) => (Some(steward), Answer::LetIn),
            Err(error) => (None, answer_of(&error)),
        };
        self.note(errand, CheckStep::Steward, state_of(&answer), says_of(&answer)).await?;
        observed.steward = Some(answer);
        let Some(steward) = steward else {
            self.note(errand, CheckStep::StewardRefuses, StepState::Skipped, NOT_TRIED.to_owned()).await?;
            self.note(errand, CheckStep::Read, StepState::Skipped, NOT_TRIED.to_owned()).await?;
            return Ok(());
        };
        let other = self.other_external_id();
        let tried = [
            self.aws.assume_steward_unproved(&ask, Unproved::Other(&other)).await,
            self.aws.assume_steward_unproved(&ask, Unproved::None).await,
        ];
        observed.steward_is_open = is_open(&tried);
        let (state, says) = refusals(&tried);
        self.note(errand, CheckStep::StewardRefuses, state, says).await?;
        self.read(errand, plan, &steward, observed).await
    }

    async fn read(&self, errand: &mut Errand, plan: &Plan, steward: &Steward, observed: &mut Observed) -> Result<()> {
        match steward.look(plan.names()).await {
            Ok(found) => {
                observed.found = Some(found);
                self.note(errand, CheckStep::Read, StepState::Passed, String::new()).await
            }
            Err(error) => {
                let answer = answer_of(&error.error);
                let says = format!("Of {}: {}", error.part, says_of(&answer));
                let state = state_of(&answer);
                observed.unread = Some((error.part, answer));
                self.note(errand, CheckStep::Read, state, says).await
            }
        }
    }

    async fn compare(&self, errand: &mut Errand, plan: &Plan, observed: &mut Observed) -> Result<()> {
        let Some(found) = &observed.found else {
            return self
                .note(errand, CheckStep::Compare, StepState::Skipped, "Not tried: it could not be read.".to_owned())
                .await;
        };
        for role in &errand.roles {
            let missing = self.harmless_call(role).map(|(_, policy)| uncovered(plan.names(), found, &policy));
            if let Some(missing) = missing.filter(|missing| !missing.is_empty()) {
                observed.uncovered.push((role.name.clone(), missing));
            }
        }
        let differences = crate::domain::account::drift(plan, found, errand.session_role_id.as_deref());
        let (state, says) = match &differences[..] {
            [] => (StepState::Passed, String::new()),
            [one] => (StepState::Failed, format!("{one}.")),
            [first, rest @ ..] => (StepState::Failed, format!("{first}; and {} more.", rest.len())),
        };
        self.note(errand, CheckStep::Compare, state, says).await
    }

    /// Makes each role's harmless call, in a session as somebody gets it.
    async fn probe_roles(&self, errand: &mut Errand, observed: &mut Observed) -> Result<()> {
        if observed.session != Some(Answer::LetIn) {
            return Ok(());
        }
        let cut_off = self.cut_off_just_now(errand).await?;
        for role in errand.roles.clone() {
            let Some((probe, policy)) = self.harmless_call(&role) else { continue };
            if cut_off.iter().any(|whose| matches!(whose, Whose::Everyone) || whose.role() == Some(&role.name)) {
                let says =
                    "Not tried: sessions of this role were cut off just now, and a new one would be denied with them.";
                self.note_of(errand, CheckStep::Probe, Some(role.name.clone()), StepState::Skipped, says.to_owned())
                    .await?;
                continue;
            }
            let answer = self.probe_role(errand, &role, &policy, &probe).await;
            let state = match answer.outcome {
                ProbeOutcome::Works => StepState::Passed,
                ProbeOutcome::Unsupported => StepState::Skipped,
                ProbeOutcome::Throttled | ProbeOutcome::Unreachable => StepState::Unclear,
                _ => StepState::Failed,
            };
            let action = probe.action;
            let says = format!("{action}: {}.", answer.outcome);
            let probe = RoleProbe { role: role.name.clone(), action, answer };
            observed.probes.push(probe.clone());
            errand.check.report.probes.push(probe);
            self.note_of(errand, CheckStep::Probe, Some(role.name.clone()), state, says).await?;
        }
        Ok(())
    }

    /// Whose sessions are denied that are made at this moment.
    async fn cut_off_just_now(&self, errand: &Errand) -> Result<Vec<Whose>> {
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        let mut open = tx.lab(&errand.access()).await?;
        let overflow = open.deny().await?.and_then(|deny| deny.overflow);
        let overflow = overflow.map(|before| DenyEntry { whose: Whose::Everyone, before });
        let is_new = |entry: &DenyEntry| entry.before.reissue_at() > now;
        let entries = open.deny_entries(now).await?.into_iter().chain(overflow);
        Ok(entries.filter(is_new).map(|entry| entry.whose).collect())
    }

    async fn probe_role(&self, errand: &Errand, role: &Role, policy: &SessionPolicy, probe: &Probe) -> ProbeAnswer {
        let lab = &errand.lab;
        let ask = AssumeRole {
            role: &lab.session_role,
            external_id: &lab.external_id,
            policy,
            session_name: &self.session_name(),
            source_identity: &SourceIdentity::of_probe(),
            tags: &tags(errand, Some(&role.name)),
            duration: SessionDuration::MIN,
        };
        let session: std::result::Result<SessionCredentials, aws::Error> =
            self.aws.assume_role(&ask, self.clock.now()).await;
        match session {
            Ok(credentials) => self.aws.probe(&credentials, probe, self.clock.now()).await,
            Err(error) => no_session(error),
        }
    }

    /// A role's harmless call, and its session policy.
    pub(in crate::app) fn harmless_call(&self, role: &Role) -> Option<(Probe, SessionPolicy)> {
        let template = self.policies.get(&role.template)?;
        Some((template.probe_for(&role.parameters).ok()?, template.fill(&role.parameters).ok()?))
    }

    fn session_name(&self) -> RoleSessionName {
        RoleSessionName::from(&RoleSessionId::from_entropy(self.random.bytes()))
    }

    fn steward_session_name(&self) -> RoleSessionName {
        RoleSessionName::of_steward(self.random.bytes())
    }

    fn other_external_id(&self) -> ExternalId {
        ExternalId::from_entropy(self.random.bytes())
    }

    /// By how much the broker's clock is off, when that is more than AWS or a cut-off bears.
    async fn clock_off(&self) -> Option<i64> {
        let ahead = self.aws.identity().await.time?.ahead(self.clock.now());
        (ahead > CLOCK_BEHIND_MAX || ahead < -CLOCK_TOLERANCE).then(|| ahead.num_seconds())
    }

    async fn note(&self, errand: &mut Errand, step: CheckStep, state: StepState, says: String) -> Result<()> {
        self.note_of(errand, step, None, state, says).await
    }

    async fn note_of(
        &self,
        errand: &mut Errand,
        step: CheckStep,
        role: Option<RoleName>,
        state: StepState,
        says: String,
    ) -> Result<()> {
        errand.check.report.steps.push(StepReport { step, role, state, says, at: self.clock.now() });
        self.save_progress(errand).await
    }
}

fn tags(errand: &Errand, role: Option<&RoleName>) -> Vec<SessionTag> {
    let role = match role {
        Some(role) => Some(SessionTag::role(role)),
        None => PROBE_TAG.parse().ok().map(|name| SessionTag::role(&name)),
    };
    role.into_iter().chain([SessionTag::lab(&errand.lab.id)]).collect()
}

fn cannot_say(error: &PlanError) -> Judgement {
    let cause = match error {
        PlanError::NoBrokerRole => Cause::BrokerRoleUnset,
        other => Cause::NoPlan { why: other.to_string() },
    };
    let trouble = Trouble::named(ChainLink::Role, Severity::Unclear, cause);
    Judgement { verdict: Verdict::Unclear, troubles: vec![trouble] }
}

fn answered(outcome: std::result::Result<(), aws::Error>) -> Answer {
    outcome.err().as_ref().map_or(Answer::LetIn, answer_of)
}

/// What AWS's error says of the account.
fn answer_of(error: &aws::Error) -> Answer {
    match error.failure {
        _ if error.code.as_deref() == Some("RegionDisabledException") => Answer::RegionDisabled,
        Failure::Denied => Answer::Denied(error.hint.and_then(action_of)),
        Failure::Rejected if error.hint == Some(Hint::MaxSessionDuration) => Answer::SessionTooLong,
        Failure::Identity => Answer::Identity,
        Failure::Throttled => Answer::Throttled,
        Failure::Unreachable => Answer::Unreachable,
        _ => Answer::Other(error.code.clone()),
    }
}

/// The action that AWS named.
const fn action_of(hint: Hint) -> Option<&'static str> {
    match hint {
        Hint::AssumeRole => Some("sts:AssumeRole"),
        Hint::TagSession => Some("sts:TagSession"),
        Hint::SetSourceIdentity => Some("sts:SetSourceIdentity"),
        Hint::Iam(action) => Some(action),
        Hint::MaxSessionDuration | Hint::RoleChaining => None,
    }
}

const fn state_of(answer: &Answer) -> StepState {
    match answer {
        Answer::LetIn => StepState::Passed,
        answer if answer.is_unclear() => StepState::Unclear,
        _ => StepState::Failed,
    }
}

fn says_of(answer: &Answer) -> String {
    match answer {
        Answer::LetIn => String::new(),
        Answer::Denied(Some(action)) => format!("AWS refused {action}."),
        Answer::Denied(None) => "AWS refused it.".to_owned(),
        Answer::SessionTooLong => "The role's maximum session duration is too short.".to_owned(),
        Answer::RegionDisabled => "STS is switched off in this region for the account.".to_owned(),
        Answer::Throttled => "AWS asked to slow down.".to_owned(),
        Answer::Identity => "AWS does not take the broker's own credentials.".to_owned(),
        Answer::Unreachable => "AWS did not answer.".to_owned(),
        Answer::Other(Some(code)) => format!("AWS answered {code}."),
        Answer::Other(None) => "AWS answered something unexpected.".to_owned(),
    }
}

/// Of calls that should be refused.
fn refusals(tried: &[std::result::Result<bool, aws::Error>]) -> (StepState, String) {
    match is_open(tried) {
        Some(true) => (StepState::Failed, "It let the broker in: it is open to anyone it trusts.".to_owned()),
        Some(false) => (StepState::Passed, String::new()),
        None => {
            let error = tried.iter().find_map(|one| one.as_ref().err());
            (StepState::Unclear, error.map(|error| says_of(&answer_of(error))).unwrap_or_default())
        }
    }
}

/// Whether one of these calls was let in; nothing when none was, and it is not known of all, or none was made.
fn is_open(tried: &[std::result::Result<bool, aws::Error>]) -> Option<bool> {
    if tried.iter().any(|one| matches!(one, Ok(true))) {
        Some(true)
    } else if !tried.is_empty() && tried.iter().all(std::result::Result::is_ok) {
        Some(false)
    } else {
        None
    }
}

/// A probe for which there was not even a session.
fn no_session(error: aws::Error) -> ProbeAnswer {
    let outcome = match error.failure {
        Failure::Throttled => ProbeOutcome::Throttled,
        Failure::Unreachable => ProbeOutcome::Unreachable,
        Failure::Identity => ProbeOutcome::Identity,
        _ => ProbeOutcome::Other,
    };
    ProbeAnswer { outcome, status: None, code: error.code, message: None, request_id: error.request_id }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_closed_only_where_every_call_was_refused() {
        let unknown = || Err(aws::Error { failure: Failure::Throttled, code: None, request_id: None, hint: None });

        assert_eq!(is_open(&[Ok(false), Ok(false)]), Some(false));
        assert_eq!(is_open(&[Ok(false), unknown()]), None);
        assert_eq!(is_open(&[unknown()]), None);
        assert_eq!(is_open(&[]), None, "none was made");
        for tried in [[Ok(true), Ok(false)], [unknown(), Ok(true)]] {
            assert_eq!(is_open(&tried), Some(true));
            assert_eq!(refusals(&tried).0, StepState::Failed);
        }
        assert_eq!(refusals(&[Ok(false), unknown()]).0, StepState::Unclear);
    }
}
