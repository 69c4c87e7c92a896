//! The AWS account of a lab: what it should have for the roles that the lab has.

use crate::domain::account::{AccountNames, Permissions, Plan, TooMuch};
use crate::domain::id::RoleName;
use crate::domain::lab::{Lab, Role};
use crate::domain::policy::{FillError, PolicyLibrary, TemplateName};
use crate::domain::role_session::RoleArn;

/// Why it cannot be said what a lab's account should have.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The other names follow from that of the session role.
    #[error(
        "the session role's name is too long: the names of the other parts follow from it, and IAM takes 64 characters"
    )]
    Names,
    /// A role of the lab is made of a template that is gone.
    #[error("the role {0} is made of `{1}`, and there is no such template")]
    NoTemplate(RoleName, TemplateName),
    /// A role of the lab does not fill its template.
    #[error("the role {0} does not fill its template")]
    Fill(RoleName, #[source] FillError),
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
