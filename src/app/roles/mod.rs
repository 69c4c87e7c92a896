//! What a lab's roles can do, one by one; and the lab's own making of them.

mod edit;
mod preview;

pub use edit::RoleSpec;
pub use preview::{RoleEnding, RolePreview, Templates, Widening};

use super::{Broker, Caller, LabPlace, Result};
use crate::domain::id::LabName;
use crate::domain::lab::{Role, Standing};
use crate::domain::limits::RoleLimits;
use crate::domain::mapping::Mapping;
use crate::domain::policy::{ActionWords, PolicyTemplate, action_words};
use crate::store::LabTx;

/// More mappings than any lab has; of more, the rest is not told.
const MAPPINGS_MAX: u32 = 1_000;

/// A lab's roles, and what each can do.
#[derive(Clone, Debug)]
pub struct LabRoles {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// By name.
    pub roles: Vec<RoleView>,
}

/// A role, and what it can do.
#[derive(Clone, Debug)]
pub struct RoleView {
    /// The role.
    pub role: Role,
    /// How old a sign-in and its groups may be.
    pub limits: RoleLimits,
    /// What it is for, in a few words.
    pub title: String,
    /// The same in a few sentences; empty when its template is gone.
    pub description: String,
    /// What using it can cost the lab.
    pub cost: String,
    /// What it can do, in the order of its template.
    pub actions: Vec<RoleAction>,
    /// The session policy that is sent to AWS, when it can be made.
    pub document: Option<String>,
    /// The live mappings that give it, for whoever looks after the lab.
    pub given_by: Option<Vec<Mapping>>,
}

/// One thing that a role can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleAction {
    /// `service:Action`, as AWS writes it.
    pub name: String,
    /// What that means.
    pub words: Option<ActionWords>,
}

impl Broker {
    /// What the roles of a lab can do, for whoever belongs to it.
    ///
    /// # Errors
    ///
    /// When the caller does not, or the database is away.
    pub async fn roles(&self, caller: &Caller, lab: &LabName) -> Result<LabRoles> {
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access;
        let place = LabPlace::of(&access);
        let mut lab = tx.lab(&access).await?;
        let roles = lab.roles().await?;
        let live: Option<Vec<Mapping>> = if place.standing >= Standing::Manager {
            Some(mappings(&mut lab).await?.into_iter().filter(|mapping| mapping.terms.is_live(now)).collect())
        } else {
            None
        };
        let view = |role: Role| {
            let of_role = |mapping: &&Mapping| mapping.target.role == role.name;
            let given_by = live.as_ref().map(|live| live.iter().filter(of_role).cloned().collect());
            self.role_view(role, &place, given_by)
        };
        let roles = roles.into_iter().map(view).collect();
        Ok(LabRoles { place, roles })
    }

    fn role_view(&self, role: Role, place: &LabPlace, given_by: Option<Vec<Mapping>>) -> RoleView {
        let template = self.policies.get(&role.template);
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let policy = template.and_then(|template| template.fill(&role.parameters).ok());
        let document = policy.and_then(|policy| {
            let tree: serde_json::Value = serde_json::from_str(policy.as_str()).ok()?;
            serde_json::to_string_pretty(&tree).ok()
        });
        RoleView {
            limits: RoleLimits::new(self.policies.spends(&role.template), role.sign_in_age, place.lab.groups_age),
            title: self.template_title(&role.template).to_owned(),
            description: text(template.map(PolicyTemplate::description)),
            cost: text(template.map(PolicyTemplate::cost)),
            actions: template.map(|template| template.actions().into_iter().map(action).collect()).unwrap_or_default(),
            document,
            given_by,
            role,
        }
    }
}

/// An action, with what it means.
fn action(name: &str) -> RoleAction {
    RoleAction { name: name.to_owned(), words: action_words::words(name) }
}

async fn mappings(lab: &mut LabTx<'_>) -> Result<Vec<Mapping>> {
    Ok(lab.mappings(None, MAPPINGS_MAX).await?)
}
