//! What a role would be, before it is: the policy and its size, what it lets people do, and what a change gives and takes.

use serde_json::Value;

use super::edit::RoleSpec;
use super::{RoleAction, action};
use crate::app::admission::Admitted;
use crate::app::{Broker, Caller, LabError, LabPlace, Result};
use crate::domain::access::{self, LabAccess};
use crate::domain::id::{LabName, RoleName};
use crate::domain::lab::Role;
use crate::domain::policy::{
    Document, Gain, Inclusion, PolicyLibrary, PolicyTemplate, SESSION_POLICY_MAX_CHARS, TemplateName, gains, included,
};
use crate::store::{Snapshot, Tx};

/// What makes a role give more than it did, or less.
#[derive(Clone, Debug)]
pub struct Widening {
    /// What it newly allows, by action.
    pub gains: Vec<Gain>,
    /// What it allows no more.
    pub losses: Vec<Gain>,
    /// Whether it is certain that it allows nothing more.
    pub is_included: bool,
    /// Whether sessions of it live longer.
    pub lives_longer: bool,
}

impl Widening {
    /// From one role to another; from nothing when there was none. What cannot be made gives nothing.
    pub(super) fn of(policies: &PolicyLibrary, before: Option<&Role>, after: &Role) -> Self {
        let document = |role: &Role| {
            let policy = policies.get(&role.template)?.fill(&role.parameters).ok()?;
            Document::parse(policy.as_str()).ok()
        };
        let nothing = Document::nothing();
        let (old, new) = (before.and_then(document), document(after));
        let (old, new) = (old.as_ref().unwrap_or(&nothing), new.as_ref().unwrap_or(&nothing));
        Self {
            gains: gains(old, new),
            losses: gains(new, old),
            is_included: included(new, old) == Inclusion::Yes,
            lives_longer: before.is_none_or(|before| after.max_duration > before.max_duration),
        }
    }

    /// Whether it gives more, as far as can be told: what cannot counts as more.
    #[must_use]
    pub const fn gives_more(&self) -> bool {
        !self.is_included || self.lives_longer
    }
}

/// What a role would be.
#[derive(Clone, Debug)]
pub struct RolePreview {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// The role as it would be.
    pub role: Role,
    /// The template that it is made of.
    pub template: PolicyTemplate,
    /// What it could do.
    pub actions: Vec<RoleAction>,
    /// The session policy, for people.
    pub document: String,
    /// The characters of it as it is sent.
    pub chars: usize,
    /// What it would give and take, compared with what the role is now, or with nothing.
    pub widening: Widening,
    /// The role as it is, when there is one.
    pub before: Option<Role>,
    /// How many live mappings give it.
    pub mappings: usize,
    /// Whether the caller has to sign in again before they can do it.
    pub takes_fresh_sign_in: bool,
}

/// A role that somebody thinks of ending.
#[derive(Clone, Debug)]
pub struct RoleEnding {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// The role.
    pub role: Role,
    /// How many live mappings give it.
    pub mappings: usize,
}

impl RolePreview {
    /// The most characters that a session policy has.
    pub const MOST_CHARS: usize = SESSION_POLICY_MAX_CHARS;
}

/// What a role could be made of, for the lab's page.
#[derive(Clone, Debug)]
pub struct Templates {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// By name.
    pub templates: Vec<(TemplateName, PolicyTemplate)>,
    /// The roles that there are.
    pub roles: Vec<Role>,
    /// The roles that were ended, which can be made again.
    pub ended: Vec<Role>,
}

impl Broker {
    /// What roles can be made of, for whoever looks after a lab.
    ///
    /// # Errors
    ///
    /// When the caller does not, or the database is away.
    pub async fn templates(&self, caller: &Caller, lab: &LabName) -> Result<Templates> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access;
        let place = LabPlace::of(&access);
        let access = access.manager()?;
        let mut open = tx.lab(&access).await?;
        let (roles, ended) = (open.roles().await?, open.ended_roles().await?);
        let templates = self.policies.iter().map(|(name, template)| (name.clone(), template.clone())).collect();
        Ok(Templates { place, templates, roles, ended })
    }

    /// One role, for whoever looks after the lab.
    ///
    /// # Errors
    ///
    /// When the caller does not, it has no role of that name, or the database is away.
    pub async fn role(&self, caller: &Caller, lab: &LabName, name: &str) -> Result<Role> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access.manager()?;
        let name: RoleName = name.parse().map_err(|_| LabError::RoleNotHere)?;
        Ok(tx.lab(&access).await?.role(&name).await?.ok_or(LabError::RoleNotHere)?)
    }

    /// What a new role would be.
    ///
    /// # Errors
    ///
    /// When the caller does not look after the lab, it could not be made, or the database is away.
    pub async fn preview_new_role(
        &self,
        caller: &Caller,
        lab: &LabName,
        name: &str,
        template: &str,
        spec: RoleSpec,
    ) -> Result<RolePreview> {
        let mut tx = self.store.read().await?;
        let Admitted { access, snapshot } = self.admit(&mut tx, caller, lab).await?;
        let place = LabPlace::of(&access);
        let access = access.manager()?;
        let name: RoleName = name.parse().map_err(LabError::RoleName)?;
        if tx.lab(&access).await?.role(&name).await?.is_some() {
            return Err(LabError::RoleTaken.into());
        }
        let template = template.parse().map_err(|_| LabError::NoSuchTemplate)?;
        let RoleSpec { parameters, max_duration } = spec;
        let role = Role { name, template, parameters, max_duration, sign_in_age: None };
        self.role_preview(place, &snapshot, None, role, 0)
    }

    /// What a role would be on other terms.
    ///
    /// # Errors
    ///
    /// As for a new one.
    pub async fn preview_role(
        &self,
        caller: &Caller,
        lab: &LabName,
        name: &str,
        spec: RoleSpec,
    ) -> Result<RolePreview> {
        let mut tx = self.store.read().await?;
        let Admitted { access, snapshot } = self.admit(&mut tx, caller, lab).await?;
        let RoleEnding { place, role: before, mappings } = self.role_in_use(&mut tx, access, name).await?;
        let RoleSpec { parameters, max_duration } = spec;
        let after = Role { parameters, max_duration, ..before.clone() };
        self.role_preview(place, &snapshot, Some(before), after, mappings)
    }

    /// A role that is perhaps to be ended, and whether anybody has it.
    ///
    /// # Errors
    ///
    /// When the caller does not look after the lab, it has no role of that name, or the database is away.
    pub async fn role_to_end(&self, caller: &Caller, lab: &LabName, name: &str) -> Result<RoleEnding> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access;
        self.role_in_use(&mut tx, access, name).await
    }

    async fn role_in_use(&self, tx: &mut Tx, access: LabAccess, name: &str) -> Result<RoleEnding> {
        let now = self.clock.now();
        let place = LabPlace::of(&access);
        let access = access.manager()?;
        let mut open = tx.lab(&access).await?;
        let name: RoleName = name.parse().map_err(|_| LabError::RoleNotHere)?;
        let role = open.role(&name).await?.ok_or(LabError::RoleNotHere)?;
        let mappings = open.mappings_of_role(&name).await?;
        let mappings = mappings.iter().filter(|mapping| mapping.terms.is_live(now)).count();
        Ok(RoleEnding { place, role, mappings })
    }

    fn role_preview(
        &self,
        place: LabPlace,
        snapshot: &Snapshot,
        before: Option<Role>,
        role: Role,
        mappings: usize,
    ) -> Result<RolePreview> {
        let widening = Widening::of(&self.policies, before.as_ref(), &role);
        let is_fresh = access::may_give(&snapshot.evidence.sign_in, self.clock.now()).is_ok();
        let template = self.policies.get(&role.template).ok_or(LabError::NoSuchTemplate)?.clone();
        let policy = template.fill(&role.parameters).map_err(LabError::Fill)?;
        let tree: Value = serde_json::from_str(policy.as_str()).unwrap_or_default();
        Ok(RolePreview {
            place,
            actions: template.actions().into_iter().map(action).collect(),
            document: serde_json::to_string_pretty(&tree).unwrap_or_default(),
            chars: policy.as_str().chars().count(),
            takes_fresh_sign_in: !is_fresh && (before.is_none() || widening.gives_more()),
            widening,
            template,
            role,
            before,
            mappings,
        })
    }
}
