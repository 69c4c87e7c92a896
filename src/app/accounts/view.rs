//! How a lab's account stands, for whoever belongs to the lab; and the stack, for whoever sets the account up.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use url::Url;

use super::super::names::{Keeper, LabNames, NamedPerson};
use super::super::{Broker, Caller, LabError, LabPlace, Result};
use super::check::TRIES_OF_A_LOOK;
use super::{PlanError, account_plan};
use crate::domain::access::gives_until;
use crate::domain::account::{
    AccountCheck, AccountOfRole, AccountState, ChainLink, CheckReason, ProbeAnswer, Readiness, Severity,
};
use crate::domain::id::{AccountCheckId, LabName, PersonId, RoleName};
use crate::domain::lab::{Lab, Office, Role, Standing};
use crate::store::{AccountRoleRow, AccountRow};

/// The region that stacks are made in when the link to AWS's console is followed. IAM has none; CloudFormation wants one.
const STACK_REGION: &str = "us-east-1";

/// A lab's account.
#[derive(Clone, Debug)]
pub struct AccountView {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// How the account stands.
    pub account: AccountRow,
    /// The lab's roles, by name, each with what the last look at the account found.
    pub roles: Vec<AccountRole>,
    /// For whoever looks after the lab.
    pub keeper: Option<KeeperView>,
    /// Whom to ask: the lab's PIs.
    pub pis: Vec<Keeper>,
}

/// What whoever looks after a lab sees of its account beside that.
#[derive(Clone, Debug)]
pub struct KeeperView {
    /// The check that is under way.
    pub running: Option<AccountCheck>,
    /// The latest one that is over.
    pub last: Option<AccountCheck>,
    /// What the account should have, as a stack; or why that cannot be said.
    pub stack: std::result::Result<StackFile, PlanError>,
    /// Until when the caller's sign-in is fresh enough to join the account.
    pub joins_until: DateTime<Utc>,
}

/// Some of the checks of a lab's account, the newest first.
#[derive(Clone, Debug)]
pub struct AccountChecks {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// Them.
    pub checks: Vec<AccountCheck>,
    /// Whether there are earlier ones.
    pub more: bool,
    /// Those who wanted them. Who is not of the lab any more has no name here.
    pub people: BTreeMap<PersonId, NamedPerson>,
}

/// A role, as far as the lab's account knows it.
#[derive(Clone, Debug)]
pub struct AccountRole {
    /// Its name.
    pub name: RoleName,
    /// What it is for, in a few words.
    pub title: String,
    /// Whether it can be issued.
    pub readiness: Readiness,
    /// The actions that the account does not allow yet, where it was looked at for them.
    pub uncovered: Vec<String>,
    /// Its harmless call: `mechanicalturk:ListHITs`.
    pub probe_action: Option<String>,
    /// What that came to last.
    pub probe: Option<ProbeAnswer>,
    /// When.
    pub looked_at: Option<DateTime<Utc>>,
}

/// A stack to be created in a lab's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackFile {
    /// What a file of it is called: `lodge-vision.json`.
    pub file_name: String,
    /// What the stack is called when nobody says otherwise.
    pub stack: String,
    /// The template, as JSON.
    pub text: String,
    /// AWS's own page that creates it, where whoever runs the broker puts the templates in a bucket.
    pub quick_create: Option<String>,
}

impl AccountView {
    /// Whether something is known to be wrong that stops credentials or opens the account.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        let last = self.keeper.as_ref()?.last.as_ref()?;
        last.report.troubles.iter().map(|trouble| trouble.severity).min()
    }
}

/// AWS's page that creates a stack from a template in a bucket. Source: AWS CloudFormation User Guide, "Create quick-create
/// links for CloudFormation stacks".
fn quick_create(templates: &Url, file_name: &str, stack: &str) -> String {
    let template = format!("{}/{file_name}", templates.as_str().trim_end_matches('/'));
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("templateURL", &template)
        .append_pair("stackName", stack)
        .finish();
    format!(
        "https://{STACK_REGION}.console.aws.amazon.com/cloudformation/home?region={STACK_REGION}#/stacks/quickcreate?{query}"
    )
}

impl Broker {
    /// A lab's account, for whoever belongs to the lab.
    ///
    /// # Errors
    ///
    /// When the caller does not, or the database is away.
    pub async fn account(&self, caller: &Caller, lab: &LabName) -> Result<AccountView> {
        let mut tx = self.store.read().await?;
        let admitted = self.admit(&mut tx, caller, lab).await?;
        let (access, snapshot) = (admitted.access, admitted.snapshot);
        let place = LabPlace::of(&access);
        let mut open = tx.lab(&access).await?;
        let account = open.account().await?;
        let roles = open.roles().await?;
        let known = open.account_roles().await?;
        let mut pis = open.office_holders().await?;
        pis.retain(|holder| holder.office == Office::Pi);
        let keeper = if place.standing >= Standing::Manager {
            let checks = open.checks(None, 2).await?;
            let (running, over): (Vec<_>, Vec<_>) = checks.into_iter().partition(|check| check.ended.is_none());
            Some(KeeperView {
                running: running.into_iter().next(),
                last: over.into_iter().next(),
                stack: self.stack(&place.lab, &roles),
                joins_until: gives_until(&snapshot.evidence.sign_in),
            })
        } else {
            None
        };
        let names = LabNames::of(pis.iter().map(|pi| (pi.id.clone(), pi.name.clone())));
        Ok(AccountView {
            roles: roles.iter().map(|role| self.account_role(role, &account, &known)).collect(),
            pis: pis.into_iter().map(|pi| names.keeper(pi)).collect(),
            place,
            account,
            keeper,
        })
    }

    pub(in crate::app) fn account_role(
        &self,
        role: &Role,
        account: &AccountRow,
        known: &[AccountRoleRow],
    ) -> AccountRole {
        let template = self.policies.get(&role.template);
        let policy = template.and_then(|template| template.fill(&role.parameters).ok());
        let sha256 = policy.map(|policy| policy.sha256()).unwrap_or_default();
        let row = known.iter().find(|row| row.role == role.name);
        let held_against = row.filter(|row| row.policy_sha256 == sha256);
        let of_role = AccountOfRole {
            state: account.state,
            is_read: account.read_at.is_some(),
            covers: row.filter(|row| row.uncovered.is_empty()).map(|row| row.policy_sha256.clone()),
        };
        AccountRole {
            name: role.name.clone(),
            title: self.template_title(&role.template).to_owned(),
            readiness: of_role.readiness(&sha256),
            uncovered: held_against.map(|row| row.uncovered.clone()).unwrap_or_default(),
            probe_action: template.map(|template| template.probe().action.clone()),
            probe: row.and_then(|row| row.probe.clone()),
            looked_at: row.map(|row| row.looked_at),
        }
    }

    /// What a lab's account should have, as a stack.
    pub(super) fn stack(&self, lab: &Lab, roles: &[Role]) -> std::result::Result<StackFile, PlanError> {
        let broker = self.accounts.broker_role.as_ref().ok_or(PlanError::NoBrokerRole)?;
        let plan = account_plan(&self.policies, lab, roles, broker)?;
        let (file_name, stack) = (format!("lodge-{}.json", lab.name), plan.names().stack());
        let template = serde_json::to_string_pretty(&plan.stack_template()).unwrap_or_default();
        let quick_create = self.accounts.templates.as_ref().map(|at| quick_create(at, &file_name, &stack));
        Ok(StackFile { text: format!("{template}\n"), file_name, stack, quick_create })
    }

    /// The stack of a lab's account, for whoever looks after the lab.
    ///
    /// # Errors
    ///
    /// When the caller does not, it cannot be said what the account should have, or the database is away.
    pub async fn account_stack(&self, caller: &Caller, lab: &LabName) -> Result<StackFile> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        let roles = tx.lab(&access).await?.roles().await?;
        self.stack(access.lab(), &roles).map_err(|error| LabError::NoStack(error).into())
    }

    /// How often a check is tried at most, for this reason.
    #[must_use]
    pub fn tries_at_most(&self, reason: CheckReason) -> u32 {
        let all = u32::try_from(self.accounts.waits.len()).unwrap_or(u32::MAX).saturating_add(1);
        match reason {
            CheckReason::Join => all,
            CheckReason::Demand | CheckReason::Watch => all.min(TRIES_OF_A_LOOK),
        }
    }

    /// A check of the lab's account, for whoever looks after the lab.
    ///
    /// # Errors
    ///
    /// When the caller does not, there is none of that id, or the database is away.
    pub async fn account_check(&self, caller: &Caller, lab: &LabName, id: &AccountCheckId) -> Result<AccountCheck> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        tx.lab(&access).await?.check(id).await?.ok_or_else(|| LabError::NoSuchCheck.into())
    }

    /// At most `limit` checks of the lab's account, the newest first, before the given one.
    ///
    /// # Errors
    ///
    /// When the caller does not look after the lab, there is none of that id, or the database is away.
    pub async fn account_checks(
        &self,
        caller: &Caller,
        lab: &LabName,
        before: Option<&AccountCheckId>,
        limit: u32,
    ) -> Result<AccountChecks> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        let place = LabPlace::of(&access);
        let mut open = tx.lab(&access).await?;
        let before = match before {
            Some(id) => Some(open.check(id).await?.ok_or(LabError::NoSuchCheck)?),
            None => None,
        };
        let mut checks = open.checks(before.as_ref(), limit.saturating_add(1)).await?;
        let more = checks.len() > limit as usize;
        checks.truncate(limit as usize);
        let names = LabNames::read(&mut open).await?;
        let people = checks.iter().filter_map(|check| check.by.clone());
        let people = people.map(|id| (id.clone(), names.person(id))).collect();
        Ok(AccountChecks { place, checks, more, people })
    }
}

/// How a lab and its account stand, in a sentence for its members.
#[must_use]
pub fn account_words(state: AccountState) -> &'static str {
    match state {
        AccountState::Declared => "The lab's AWS account is not joined yet, so nobody gets credentials from it.",
        AccountState::Joined | AccountState::Open => "The lab's AWS account is joined.",
        AccountState::Broken => {
            "The lab's AWS account does not let anybody in at the moment, so credentials do not work."
        }
    }
}

/// What people call a link of the chain.
#[must_use]
pub const fn link_title(link: ChainLink) -> &'static str {
    match link {
        ChainLink::Person => "Your sign-in",
        ChainLink::Group => "Your groups",
        ChainLink::Mapping => "The mapping",
        ChainLink::Role => "The role",
        ChainLink::Sts => "The way into the account",
        ChainLink::RolePolicy => "The account's roles and policies",
        ChainLink::Probe => "The service itself",
    }
}

/// What a role's warning says while its lab's account is broken, to those whom it concerns.
#[must_use]
pub const fn account_warning(state: AccountState) -> Option<&'static str> {
    match state {
        AccountState::Broken => {
            Some("The lab's AWS account refuses the broker, so its credentials do not work. The lab's PIs were told.")
        }
        AccountState::Declared | AccountState::Joined | AccountState::Open => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_to_awss_page_holds_the_template_and_the_name() {
        let templates = "https://lodge-templates.s3.amazonaws.com/stacks/".parse().unwrap();

        insta::assert_snapshot!(quick_create(&templates, "lodge-vision.json", "lodge-vision"), @"https://us-east-1.console.aws.amazon.com/cloudformation/home?region=us-east-1#/stacks/quickcreate?templateURL=https%3A%2F%2Flodge-templates.s3.amazonaws.com%2Fstacks%2Flodge-vision.json&stackName=lodge-vision");
    }
}
