//! The AWS account of a lab: what it should have for the roles that the lab has, whether it has that, and joining it.

mod check;
mod diagnosis;
mod observe;
mod settle;
mod view;
mod watch;

use std::time::Duration;

use chrono::TimeDelta;
use url::Url;

use super::cut_off::CutOffPace;
use crate::domain::account::{AccountNames, Permissions, Plan, TooMuch};
use crate::domain::id::RoleName;
use crate::domain::lab::{Lab, Role};
use crate::domain::policy::{FillError, PolicyLibrary, TemplateName};
use crate::domain::role_session::RoleArn;

pub use diagnosis::{ChainReport, Diagnosis};
pub use view::{
    AccountChecks, AccountRole, AccountView, KeeperView, StackFile, account_warning, account_words, link_title,
};

/// How the broker deals with accounts.
#[derive(Clone, Debug)]
pub struct AccountSettings {
    /// The role that the broker itself runs under, which the accounts trust. AWS does not tell a session its role's path, so
    /// it has to be said.
    pub broker_role: Option<RoleArn>,
    /// A folder in a bucket where whoever runs the broker puts the labs' stacks, for links to AWS's own page.
    pub templates: Option<Url>,
    /// How often an account is checked that is well.
    pub check_interval: TimeDelta,
    /// How long to wait before each new try of a check, for as long as IAM may take to apply what is new.
    pub waits: Vec<Duration>,
    /// How fast sessions are cut off.
    pub cut_off: CutOffPace,
}

impl Default for AccountSettings {
    fn default() -> Self {
        Self {
            broker_role: None,
            templates: None,
            check_interval: TimeDelta::hours(6),
            waits: [2, 4, 8, 15, 30].map(Duration::from_secs).to_vec(),
            cut_off: CutOffPace::default(),
        }
    }
}

/// Why it cannot be said what a lab's account should have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The accounts trust the broker by its role.
    #[error("the broker's settings do not say which role it runs under (`broker_role` in `[accounts]`)")]
    NoBrokerRole,
    /// The other names follow from that of the session role.
    #[error(
        "the session role's name is too long: the names of the other parts follow from it, and IAM takes 64 characters"
    )]
    Names,
    /// A role of the lab is made of a template that is gone.
    #[error("the role {0} is made of `{1}`, and there is no such template")]
    NoTemplate(RoleName, TemplateName),
    /// A role of the lab does not fill its template.
    #[error("the role {0} does not fill its template: {1}")]
    Fill(RoleName, FillError),
    /// The roles are more than one account can be given.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
}

/// What the account of a lab with these roles should have, when the broker runs under this role.
///
/// # Errors
///
/// When that cannot be said.
pub fn account_plan(policies: &PolicyLibrary, lab: &Lab, roles: &[Role], broker: &RoleArn) -> Result<Plan, PlanError> {
    let names = AccountNames::of(&lab.session_role).ok_or(PlanError::Names)?;
    let mut filled = Vec::new();
    for role in roles {
        let no_template = || PlanError::NoTemplate(role.name.clone(), role.template.clone());
        let template = policies.get(&role.template).ok_or_else(no_template)?;
        filled.push(template.fill(&role.parameters).map_err(|error| PlanError::Fill(role.name.clone(), error))?);
    }
    Ok(Plan::of(lab, names, Permissions::of(&filled)?, broker))
}
