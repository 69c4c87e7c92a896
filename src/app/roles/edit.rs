//! A lab's own roles: made of templates, changed in what fills them, ended, and brought back by making them again.
//!
//! A role stays made of its template: another template is another role. Ending one takes that nobody has it. What makes a
//! role give more takes a fresh sign-in; and who has the role does not widen it for themselves in a lab with another PI:
//! they make a new role, and giving that to their own group waits for the other PI as always.

use std::collections::BTreeMap;

use super::Widening;
use crate::app::admission::Admitted;
use crate::app::{Broker, Caller, LabError, Result};
use crate::domain::access::{self, PiAccess};
use crate::domain::account::Permissions;
use crate::domain::id::{LabName, RoleName};
use crate::domain::lab::Role;
use crate::domain::ledger::Event;
use crate::domain::mapping::{Mapping, benefits};
use crate::domain::policy::{PolicyLibrary, SessionPolicy, TemplateName};
use crate::domain::role_session::SessionDuration;
use crate::store::{LabTx, Snapshot, Tx};

/// More than any lab has, and more than one account's permissions hold.
const ROLES_MAX: usize = 50;

/// What a role is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleSpec {
    /// What fills its template.
    pub parameters: BTreeMap<String, String>,
    /// Its longest session.
    pub max_duration: SessionDuration,
}

/// A lab whose roles are being changed, in one transaction that nobody else in the lab is in.
pub(super) struct Edit<'b> {
    broker: &'b Broker,
    access: PiAccess,
    snapshot: Snapshot,
    tx: Tx,
}

impl Broker {
    /// Makes a role of a template. Nobody has it until it is given to a group.
    ///
    /// # Errors
    ///
    /// When the caller is no PI of the lab or signed in too long ago, the name is taken, there is no such template or it
    /// cannot be filled so, the lab's roles would be too much together for an AWS account, or the database is away.
    pub async fn add_role(
        &self,
        caller: &Caller,
        lab: &LabName,
        name: &str,
        template: &str,
        spec: RoleSpec,
    ) -> Result<Role> {
        let mut tx = self.store.write().await?;
        let admitted = self.admit_to_give(&mut tx, caller, lab).await?;
        let mut edit = Edit::new(self, admitted, tx)?;
        let name: RoleName = name.parse().map_err(LabError::RoleName)?;
        let template: TemplateName = template.parse().map_err(|_| LabError::NoSuchTemplate)?;
        let role =
            Role { name, template, parameters: spec.parameters, max_duration: spec.max_duration, sign_in_age: None };
        let roles = edit.lab().await?.roles().await?;
        if roles.iter().any(|other| other.name == role.name) {
            return Err(LabError::RoleTaken.into());
        }
        filled(&self.policies, &role)?;
        fits_the_account(&self.policies, &roles, &role)?;
        let now = self.clock.now();
        edit.lab().await?.put_role(&role, now).await?;
        let event = Event::RoleAdded {
            role: role.name.clone(),
            template: role.template.to_string(),
            max_duration_seconds: role.max_duration.seconds(),
            parameters: role.parameters.clone(),
        };
        edit.commit(event).await?;
        Ok(role)
    }

    /// Fills a role otherwise, or changes its longest session, if it is still what the caller looked at
    /// ([`Role::version`]). Sessions that live keep what they have.
    ///
    /// # Errors
    ///
    /// As for making one; [`LabError::RoleChangedMeanwhile`]; and [`LabError::WidensOwnRole`].
    pub async fn change_role(
        &self,
        caller: &Caller,
        lab: &LabName,
        name: &str,
        version: &str,
        spec: RoleSpec,
    ) -> Result<Role> {
        let mut tx = self.store.write().await?;
        let admitted = self.admit_to_change(&mut tx, caller, lab).await?;
        let mut edit = Edit::new(self, admitted, tx)?;
        let before = edit.role(name, version).await?;
        let after = Role { parameters: spec.parameters, max_duration: spec.max_duration, ..before.clone() };
        if after == before {
            return Ok(after);
        }
        filled(&self.policies, &after)?;
        let roles = edit.lab().await?.roles().await?;
        fits_the_account(&self.policies, &roles, &after)?;
        let gives_more = Widening::of(&self.policies, Some(&before), &after).gives_more();
        if gives_more {
            access::may_give(&edit.snapshot.evidence.sign_in, self.clock.now())?;
            edit.does_not_widen_their_own(&before).await?;
        }
        if !edit.lab().await?.set_role(&after).await? {
            return Err(LabError::RoleChangedMeanwhile.into());
        }
        let (before, terms) = ((&before).into(), (&after).into());
        edit.commit(Event::RoleChanged { role: after.name.clone(), before, after: terms, gives_more }).await?;
        Ok(after)
    }

    /// Ends a role that nobody has, if it is still what the caller looked at.
    ///
    /// # Errors
    ///
    /// When the caller is no PI of the lab, it has no such role, a mapping gives it, or the database is away.
    pub async fn end_role(&self, caller: &Caller, lab: &LabName, name: &str, version: &str) -> Result<()> {
        let mut tx = self.store.write().await?;
        let admitted = self.admit_to_change(&mut tx, caller, lab).await?;
        let mut edit = Edit::new(self, admitted, tx)?;
        let role = edit.role(name, version).await?;
        let given_by = edit.live_mappings(&role.name).await?.len();
        if given_by > 0 {
            return Err(LabError::RoleInUse(given_by).into());
        }
        let now = self.clock.now();
        edit.lab().await?.end_role(&role.name, now).await?;
        edit.commit(Event::RoleEnded { role: role.name }).await
    }
}

impl<'b> Edit<'b> {
    fn new(broker: &'b Broker, admitted: Admitted, tx: Tx) -> Result<Self> {
        let Admitted { access, snapshot } = admitted;
        Ok(Self { broker, access: access.pi()?, snapshot, tx })
    }

    async fn lab(&mut self) -> Result<LabTx<'_>> {
        Ok(self.tx.lab(&self.access).await?)
    }

    /// The role, if it is still what was looked at.
    async fn role(&mut self, name: &str, version: &str) -> Result<Role> {
        let name: RoleName = name.parse().map_err(|_| LabError::RoleNotHere)?;
        let role = self.lab().await?.role(&name).await?.ok_or(LabError::RoleNotHere)?;
        if role.version() == version { Ok(role) } else { Err(LabError::RoleChangedMeanwhile.into()) }
    }

    async fn live_mappings(&mut self, role: &RoleName) -> Result<Vec<Mapping>> {
        let now = self.broker.clock.now();
        let mut mappings = self.lab().await?.mappings_of_role(role).await?;
        mappings.retain(|mapping| mapping.terms.is_live(now));
        Ok(mappings)
    }

    /// That whoever makes the change has not the role themselves, in a lab that has another PI.
    async fn does_not_widen_their_own(&mut self, role: &Role) -> Result<()> {
        let now = self.broker.clock.now();
        let mappings = self.live_mappings(&role.name).await?;
        let evidence = &self.snapshot.evidence;
        let has_it = mappings.iter().any(|mapping| benefits(evidence, &mapping.target, None, &mapping.terms, now));
        let author = self.access.person().clone();
        if has_it && self.lab().await?.count_other_pis(&author).await? > 0 {
            return Err(LabError::WidensOwnRole.into());
        }
        Ok(())
    }

    /// Records the change, has the account looked at for it, and makes it hold.
    async fn commit(mut self, event: Event) -> Result<()> {
        let draft = self.broker.act(&self.access, event);
        let now = self.broker.clock.now();
        let mut lab = self.lab().await?;
        lab.append(draft).await?;
        lab.check_soon(now, now).await?;
        Ok(self.tx.commit().await?)
    }
}

/// The session policy of a role.
fn filled(policies: &PolicyLibrary, role: &Role) -> Result<SessionPolicy> {
    let template = policies.get(&role.template).ok_or(LabError::NoSuchTemplate)?;
    Ok(template.fill(&role.parameters).map_err(LabError::Fill)?)
}

/// That one account can allow all that the lab's roles do together, this one among them.
fn fits_the_account(policies: &PolicyLibrary, roles: &[Role], role: &Role) -> Result<()> {
    let others: Vec<&Role> = roles.iter().filter(|other| other.name != role.name).collect();
    if others.len() >= ROLES_MAX {
        return Err(LabError::TooManyRoles(ROLES_MAX).into());
    }
    // A role whose template is gone gives nothing, and needs nothing.
    let all: Vec<SessionPolicy> =
        others.into_iter().chain([role]).filter_map(|role| filled(policies, role).ok()).collect();
    Permissions::of(&all).map(drop).map_err(|error| LabError::TooMuch(error).into())
}
