//! Labs' accounts as the database has them, without any AWS behind.

use chrono::{DateTime, TimeDelta, Utc};
use lodge::ambient::Random;
use lodge::app::Broker;
use lodge::domain::account::{
    AccountCheck, AccountState, Cause, ChainLink, CheckReason, CheckReport, CheckStep, ProbeAnswer, ProbeOutcome,
    RoleProbe, Severity, StepReport, StepState, Trouble, Verdict,
};
use lodge::domain::id::AccountCheckId;
use lodge::domain::lab::Lab;
use lodge::playground::Seeding;
use lodge::store::{AccountRoleRow, AccountRow};

/// What a service might say that means no good: markup, text that turns itself around, and more than anybody reads.
pub(crate) fn hostile_message() -> String {
    format!("<script>alert(1)</script>\u{202e}desrever\u{200b}{}", "x".repeat(260))
}

/// A lab's account in the database.
pub(crate) struct Account<'a> {
    broker: &'a Broker,
    lab: &'a Lab,
}

impl<'a> Account<'a> {
    pub(crate) const fn of(broker: &'a Broker, lab: &'a Lab) -> Self {
        Self { broker, lab }
    }

    fn now(&self) -> DateTime<Utc> {
        self.broker.clock.now()
    }

    /// Has it stand like this, looked at and read at this moment.
    pub(crate) async fn stands(&self, state: AccountState) {
        let now = self.now();
        self.set(AccountRow {
            state,
            joined_at: state.is_joined().then_some(now - TimeDelta::days(3)),
            session_role_id: None,
            checked_at: Some(now),
            read_at: None,
            check_due_at: state.is_joined().then_some(now + TimeDelta::hours(6)),
        })
        .await;
    }

    pub(crate) async fn set(&self, row: AccountRow) {
        let seeding = Seeding::new(self.broker).unwrap();
        let mut tx = self.broker.store.write().await.unwrap();
        let access = seeding.desk().operator.access(self.lab.clone());
        tx.lab_to_change(&access).await.unwrap().set_account(&row).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Has the last look have found that the account does not allow these actions of a role; and this of its harmless call.
    pub(crate) async fn found(&self, role: &str, uncovered: &[&str], probe: Option<ProbeAnswer>) {
        let seeding = Seeding::new(self.broker).unwrap();
        let mut tx = self.broker.store.write().await.unwrap();
        let access = seeding.desk().operator.access(self.lab.clone());
        let mut open = tx.lab_to_change(&access).await.unwrap();
        let roles = open.roles().await.unwrap();
        let found = roles.iter().find(|it| it.name.as_str() == role).unwrap();
        let policy = self.broker.policies.get(&found.template).unwrap().fill(&found.parameters).unwrap();
        let row = AccountRoleRow {
            role: found.name.clone(),
            policy_sha256: policy.sha256(),
            uncovered: uncovered.iter().map(|action| (*action).to_owned()).collect(),
            probe,
            looked_at: self.now(),
        };
        open.put_account_role(&row).await.unwrap();
        let row = AccountRow { read_at: Some(self.now()), ..open.account().await.unwrap() };
        open.set_account(&row).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A check of it with this report, begun so long ago; under way, when it came to nothing yet.
    pub(crate) async fn checked(
        &self,
        ago: TimeDelta,
        reason: CheckReason,
        report: CheckReport,
        verdict: Option<Verdict>,
    ) -> AccountCheckId {
        let begun_at = self.now() - ago;
        let id = AccountCheckId::from_entropy(Random::System.bytes());
        let check = AccountCheck { id: id.clone(), reason, by: None, begun_at, ended: None, report };
        let seeding = Seeding::new(self.broker).unwrap();
        let mut tx = self.broker.store.write().await.unwrap();
        let access = seeding.desk().operator.access(self.lab.clone());
        let mut open = tx.lab_to_change(&access).await.unwrap();
        open.insert_check(&check).await.unwrap();
        if let Some(verdict) = verdict {
            let ended_at = begun_at + TimeDelta::seconds(9);
            assert!(open.end_check(&id, &check.report, ended_at, verdict).await.unwrap());
        }
        tx.commit().await.unwrap();
        id
    }
}

pub(crate) fn answer(outcome: ProbeOutcome, status: u16, code: &str, message: &str) -> ProbeAnswer {
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    ProbeAnswer {
        outcome,
        status: Some(status),
        code: said(code),
        message: said(message),
        request_id: Some("7d3c1a52-9f0e-4b86-8a55-0d2f6b1c9e47".to_owned()),
    }
}

fn steps(all: &[(CheckStep, StepState, &str)], at: DateTime<Utc>) -> Vec<StepReport> {
    all.iter()
        .map(|(step, state, says)| StepReport {
            step: *step,
            role: (*step == CheckStep::Probe).then(|| "read-results".parse().unwrap()),
            state: *state,
            says: (*says).to_owned(),
            at,
        })
        .collect()
}

/// What a check found of an account that is as it should be.
pub(crate) fn well(at: DateTime<Utc>) -> CheckReport {
    let passed: Vec<_> = CheckStep::FIXED.iter().map(|step| (*step, StepState::Passed, "")).collect();
    let works = answer(ProbeOutcome::Works, 200, "", "");
    let probe = RoleProbe {
        role: "read-results".parse().unwrap(),
        action: "mechanicalturk:ListHITs".to_owned(),
        answer: works,
    };
    CheckReport { tries: 1, steps: steps(&passed, at), troubles: Vec::new(), probes: vec![probe] }
}

/// What a check found of an account that lets nobody in, and a service that says no in its own way.
pub(crate) fn ill(at: DateTime<Utc>) -> CheckReport {
    let denied = answer(ProbeOutcome::DeniedByBoundary, 400, "AccessDeniedException", &hostile_message());
    let all = [
        (CheckStep::Assume, StepState::Failed, "AWS answers AccessDenied."),
        (CheckStep::OtherExternalId, StepState::Skipped, "Not tried."),
        (CheckStep::Read, StepState::Unclear, "AWS asked to slow down."),
    ];
    let role = "read-results".parse().unwrap();
    let causes = vec![Cause::OtherExternalId, Cause::NoTagSession, Cause::NotYetApplied];
    let trust = vec!["allow sts:AssumeRole on * where sts:externalid StringEquals …".to_owned()];
    CheckReport {
        tries: 3,
        steps: steps(&all, at),
        troubles: vec![
            Trouble::one_of(ChainLink::Sts, Severity::Stops, causes),
            Trouble::named(ChainLink::RolePolicy, Severity::Opens, Cause::TrustChanged { what: trust }),
            Trouble::named(ChainLink::Probe, Severity::Stops, Cause::ProbeDenied { answer: denied.clone() }).of(&role),
        ],
        probes: vec![RoleProbe { role, action: "mechanicalturk:ListHITs".to_owned(), answer: denied }],
    }
}

/// How far a check is that is under way, at its second try.
pub(crate) fn halfway(at: DateTime<Utc>) -> CheckReport {
    let all = [(CheckStep::Assume, StepState::Passed, ""), (CheckStep::OtherExternalId, StepState::Passed, "")];
    CheckReport { tries: 2, steps: steps(&all, at), ..CheckReport::default() }
}
