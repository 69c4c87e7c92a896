//! Why somebody gets no credentials that work: the whole chain, from who they are to what AWS answers, and the first link
//! of it that is broken.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::super::{Broker, Caller, LabError, LabPlace, Result};
use super::AccountRole;
use super::check::CheckWish;
use crate::domain::access::{self, Decision, Refusal, Refused};
use crate::domain::account::{
    AccountCheck, AccountState, Cause, ChainLink, Mender, Readiness, Severity, StepState, Trouble,
};
use crate::domain::claims::Groups;
use crate::domain::id::{AccountCheckId, LabName, RoleName};
use crate::domain::lab::{Role, Standing};
use crate::store::{AccountRow, Snapshot};

/// The whole chain for one person and one role.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// The role that was looked at; none when the lab has none.
    pub role: Option<RoleName>,
    /// Every link, in order.
    pub links: Vec<ChainReport>,
    /// The check that is under way: ask again when it is over.
    pub running: Option<AccountCheckId>,
    /// When the account was looked at that this speaks of.
    pub checked_at: Option<DateTime<Utc>>,
}

/// One link of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// Which.
    pub link: ChainLink,
    /// Whether it holds.
    pub state: StepState,
    /// What was found, in a sentence.
    pub says: String,
    /// What it can be, the likeliest first; one when it is known.
    pub causes: Vec<String>,
    /// Who can mend it.
    pub menders: Vec<Mender>,
    /// What to do next, a sentence each.
    pub next: Vec<String>,
}

impl Diagnosis {
    /// The first link that is broken; or, when none is, the first of which nobody knows whether it holds.
    #[must_use]
    pub fn first_broken(&self) -> Option<&ChainReport> {
        let first = |state: StepState| self.links.iter().find(|report| report.state == state);
        first(StepState::Failed).or_else(|| first(StepState::Unclear))
    }
}

impl ChainReport {
    fn passed(link: ChainLink, says: impl Into<String>) -> Self {
        Self::of(link, StepState::Passed, says)
    }

    fn of(link: ChainLink, state: StepState, says: impl Into<String>) -> Self {
        Self { link, state, says: says.into(), causes: Vec::new(), menders: Vec::new(), next: Vec::new() }
    }

    fn mended(self, by: Mender, next: impl Into<String>) -> Self {
        Self { menders: vec![by], next: vec![next.into()], ..self }
    }
}

impl Broker {
    /// The whole chain for the caller and a role of a lab; the first that they are given, where they name none. An account
    /// that was not looked at for a minute is looked at anew; the answer then names the check that is under way.
    ///
    /// # Errors
    ///
    /// When the caller does not belong to the lab, it has no such role, or the database is away.
    pub async fn diagnose(&self, caller: &Caller, lab: &LabName, role: Option<&RoleName>) -> Result<Diagnosis> {
        let running = self.check_for_diagnosis(caller, lab).await?;
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        let admitted = self.admit(&mut tx, caller, lab).await?;
        let (place, snapshot) = (LabPlace::of(&admitted.access), admitted.snapshot);
        let mut open = tx.lab(&admitted.access).await?;
        let (account, roles) = (open.account().await?, open.roles().await?);
        let known = open.account_roles().await?;
        let checks = open.checks(None, 5).await?;
        let given = tx.mappings_of_sign_in(&snapshot.sign_in, now).await?;
        let is_given = |role: &&Role| given.iter().any(|given| given.lab == *lab && given.role == role.name);
        let wanted = match role {
            Some(name) => Some(roles.iter().find(|role| role.name == *name).ok_or(LabError::NoSuchRole)?),
            None => roles.iter().find(is_given).or(roles.first()),
        };
        let decision = match wanted {
            Some(role) => {
                let grounds = tx.grounds(lab, &role.name, &caller.person, now).await?;
                Some(access::decide(&snapshot.evidence, grounds, &self.policies, None, now))
            }
            None => None,
        };
        let last = checks.iter().find(|check| check.ended.is_some());
        let mut links = self.of_person(&snapshot, decision.as_ref(), wanted);
        let seen = wanted.map(|role| self.account_role(role, &account, &known));
        links.push(of_role(seen.as_ref()));
        let detailed = place.standing >= Standing::Manager;
        links.extend(of_account(&account, last, wanted.map(|role| &role.name), detailed));
        Ok(Diagnosis {
            role: wanted.map(|role| role.name.clone()),
            links,
            running,
            checked_at: last.and_then(|check| check.ended).map(|(at, _)| at),
            place,
        })
    }

    /// Begins a check if the last one is older than a minute; the one that is under way, if there is one.
    async fn check_for_diagnosis(&self, caller: &Caller, lab: &LabName) -> Result<Option<AccountCheckId>> {
        let begun = self.begin_check(caller, lab, CheckWish::Diagnose).await?;
        Ok(begun.filter(|check| check.ended.is_none()).map(|check| check.id))
    }

    fn of_person(&self, snapshot: &Snapshot, decision: Option<&Decision>, role: Option<&Role>) -> Vec<ChainReport> {
        let refused = match decision {
            Some(Decision::Refused(refused)) => Some(*refused),
            _ => None,
        };
        let connection = self.connection_title(&snapshot.evidence.connection);
        let name = role.map_or("a role", |role| role.name.as_str());
        vec![
            person_link(refused, connection),
            group_link(refused, &snapshot.evidence.groups, connection),
            mapping_link(refused, decision, name),
        ]
    }
}

fn person_link(refused: Option<Refused>, connection: &str) -> ChainReport {
    let fail = |says: &str, next: &str| {
        ChainReport::of(ChainLink::Person, StepState::Failed, says).mended(Mender::Oneself, next)
    };
    match refused.map(|refused| refused.refusal) {
        Some(Refusal::FreshSignInNeeded) => {
            fail("Your sign-in is too old for this role.", "Sign in again: `lodge login --fresh`.")
        }
        Some(Refusal::MfaNeeded) => fail(
            "Your sign-in had no second factor, and this role takes one.",
            "Sign in with one: `lodge login --mfa`.",
        ),
        Some(Refusal::Suspended) => ChainReport::of(ChainLink::Person, StepState::Failed, "You are suspended.")
            .mended(Mender::Operator, "Ask whoever runs this broker."),
        _ => ChainReport::passed(ChainLink::Person, format!("You are signed in at {connection}.")),
    }
}

fn group_link(refused: Option<Refused>, groups: &Groups, connection: &str) -> ChainReport {
    let fail = |says: String, by: Mender, next: &str| {
        ChainReport::of(ChainLink::Group, StepState::Failed, says).mended(by, next)
    };
    match refused.map(|refused| refused.refusal) {
        Some(Refusal::NoGroupClaim) => fail(
            format!("Your sign-in at {connection} said nothing about groups."),
            Mender::Operator,
            "Whoever runs this broker sees to it that the provider sends them.",
        ),
        Some(Refusal::GroupOverage) => fail(
            format!("You are in more groups than {connection} sends with a sign-in."),
            Mender::Operator,
            "Whoever runs this broker has the provider send only the groups that are used here.",
        ),
        Some(Refusal::GroupsTooOld) => fail(
            "What the provider said of your groups is older than this lab allows.".to_owned(),
            Mender::Oneself,
            "Sign in again: `lodge login`.",
        ),
        _ => {
            let says = match groups {
                Groups::Present(groups) | Groups::Truncated(groups) => match groups.len() {
                    0 => "Your sign-in brought no group.".to_owned(),
                    1 => "Your sign-in brought one group.".to_owned(),
                    count => format!("Your sign-in brought {count} groups."),
                },
                Groups::Absent | Groups::Overage => "Your sign-in brought no list of groups.".to_owned(),
            };
            ChainReport::passed(ChainLink::Group, says)
        }
    }
}

fn mapping_link(refused: Option<Refused>, decision: Option<&Decision>, role: &str) -> ChainReport {
    let fail = |says: String, next: &str| {
        ChainReport::of(ChainLink::Mapping, StepState::Failed, says).mended(Mender::Pi, next)
    };
    match refused.map(|refused| refused.refusal) {
        _ if decision.is_none() => ChainReport::of(ChainLink::Mapping, StepState::Skipped, "The lab has no role."),
        Some(Refusal::NoMapping | Refusal::GroupsTruncated) => fail(
            format!("No mapping gives {role} to a group that your sign-in brought."),
            "Ask a PI of the lab to map one of your groups, or the university to put you into one that is mapped.",
        ),
        Some(Refusal::ApprovalNeeded) => {
            fail(format!("The mapping that gives you {role} asks for a PI's approval."), "Ask a PI of the lab.")
        }
        Some(Refusal::Held) => fail(
            format!("Credentials for {role} were cut off, until somebody who looks after the lab lifts that."),
            "Ask a PI of the lab.",
        ),
        Some(Refusal::CutOff) => {
            let says = format!("Credentials for {role} were cut off just now, and new ones would be denied as well.");
            let next = match refused.and_then(|refused| refused.again_at) {
                Some(at) => format!("Wait until {}, and try again.", at.format("%H:%M:%S UTC")),
                None => "Wait for a few minutes, and try again.".to_owned(),
            };
            ChainReport::of(ChainLink::Mapping, StepState::Failed, says).mended(Mender::Time, next)
        }
        Some(Refusal::NoGroupClaim | Refusal::GroupOverage | Refusal::GroupsTooOld) => {
            ChainReport::of(ChainLink::Mapping, StepState::Skipped, "Without groups no mapping can be looked at.")
        }
        _ => ChainReport::passed(ChainLink::Mapping, format!("A mapping gives {role} to one of your groups.")),
    }
}

fn of_role(role: Option<&AccountRole>) -> ChainReport {
    let Some(role) = role else {
        return ChainReport::of(ChainLink::Role, StepState::Failed, "The lab has no role yet.").mended(
            Mender::Operator,
            "Whoever runs this broker adds the first ones: `lodged lab create` with a pack.",
        );
    };
    let fail = |says: String, next: &str| {
        ChainReport::of(ChainLink::Role, StepState::Failed, says).mended(Mender::AccountOwner, next)
    };
    match role.readiness {
        Readiness::Ready => ChainReport::passed(
            ChainLink::Role,
            format!("The lab has the role {}, and its account is ready for it.", role.name),
        ),
        Readiness::NotJoined => ChainReport {
            menders: vec![Mender::Pi, Mender::AccountOwner],
            ..fail(
                "The lab's AWS account has not been joined, so no role of it is issued.".to_owned(),
                "A PI opens the lab's account page, has the stack created, and joins.",
            )
        },
        Readiness::AwaitingUpdate => fail(
            format!(
                "{} awaits an update of the AWS account: its stack does not allow all that the role does.",
                role.name
            ),
            "Update the stack from the template on the lab's account page, then check the account.",
        ),
    }
}

/// The links behind the broker, as the last check found them.
fn of_account(
    account: &AccountRow,
    last: Option<&AccountCheck>,
    role: Option<&RoleName>,
    detailed: bool,
) -> [ChainReport; 3] {
    let at_aws = [ChainLink::Sts, ChainLink::RolePolicy, ChainLink::Probe];
    let Some(last) = last else {
        let says = if account.state == AccountState::Declared {
            "Not tried: the account is not joined."
        } else {
            "The account has not been looked at yet."
        };
        return at_aws.map(|link| ChainReport::of(link, StepState::Skipped, says));
    };
    let is_ours = |trouble: &&Trouble| trouble.role.is_none() || trouble.role.as_ref() == role;
    let troubles: Vec<&Trouble> = last.report.troubles.iter().filter(is_ours).collect();
    let stopped = troubles.iter().any(|trouble| trouble.link == ChainLink::Sts && trouble.severity != Severity::Opens);
    at_aws.map(|link| {
        let here: Vec<&Trouble> = troubles.iter().copied().filter(|trouble| trouble.link == link).collect();
        match here.first() {
            Some(_) => broken(link, &here, detailed),
            None if stopped && link != ChainLink::Sts => {
                ChainReport::of(link, StepState::Skipped, "Not tried: STS lets the broker in first.")
            }
            None => sound(link, last, role),
        }
    })
}

fn broken(link: ChainLink, troubles: &[&Trouble], detailed: bool) -> ChainReport {
    // What does not stop credentials is told to those who look after the lab; to others that link holds.
    let told: Vec<&&Trouble> = troubles
        .iter()
        .filter(|trouble| {
            detailed || matches!(trouble.severity, Severity::Stops | Severity::Unclear) || link == ChainLink::Probe
        })
        .collect();
    let Some(worst) = told.iter().map(|trouble| trouble.severity).min() else {
        return ChainReport::passed(link, "As far as it concerns you, it is well.");
    };
    let state = match worst {
        Severity::Unclear => StepState::Unclear,
        _ => StepState::Failed,
    };
    let causes: Vec<&Cause> = told.iter().flat_map(|trouble| &trouble.causes).collect();
    let mut menders: Vec<Mender> = Vec::new();
    for cause in &causes {
        if !menders.contains(&cause.mender()) {
            menders.push(cause.mender());
        }
    }
    let is_known = told.iter().all(|trouble| trouble.is_known());
    let says = match (link, is_known) {
        (ChainLink::Sts, true) => "STS does not let the broker into the lab's account as it should.",
        (ChainLink::Sts, false) => "STS does not let the broker into the lab's account, and AWS does not say why.",
        (ChainLink::RolePolicy, _) => "What is in the lab's account is not what it should be.",
        _ => "The service does not answer the role's harmless call as it should.",
    };
    let mut seen = BTreeSet::new();
    let next = causes.iter().map(|cause| cause.next()).filter(|next| seen.insert(*next));
    ChainReport {
        causes: causes.iter().map(ToString::to_string).collect(),
        menders,
        next: next.map(str::to_owned).collect(),
        ..ChainReport::of(link, state, says)
    }
}

fn sound(link: ChainLink, last: &AccountCheck, role: Option<&RoleName>) -> ChainReport {
    match link {
        ChainLink::Sts => {
            ChainReport::passed(link, "STS lets the broker into the lab's account, and nobody without its external id.")
        }
        ChainLink::RolePolicy => ChainReport::passed(link, "The account's roles and policies are as they should be."),
        _ => match last.report.probes.iter().find(|probe| Some(&probe.role) == role) {
            Some(probe) => ChainReport::passed(link, format!("{}: {}.", probe.action, probe.answer.outcome)),
            None => ChainReport::of(link, StepState::Skipped, "No harmless call was made for this role."),
        },
    }
}
