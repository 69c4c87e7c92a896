//! How old sign-ins and groups may be in a lab: what holds, and what its PIs set.

use super::admission::Admitted;
use super::{Broker, Caller, LabError, Result};
use crate::domain::access::may_give;
use crate::domain::id::{LabName, RoleName};
use crate::domain::lab::{Lab, Role};
use crate::domain::ledger::Event;
use crate::domain::limits::{GroupsAge, RoleLimits, SignInAge};

/// What holds in a lab.
#[derive(Clone, Debug)]
pub struct LabLimits {
    /// The lab, with what it set for groups.
    pub lab: Lab,
    /// Its roles by name, each with what it set for it and what holds for it.
    pub roles: Vec<(Role, RoleLimits)>,
}

impl Broker {
    /// How old sign-ins and groups may be in a lab, for whoever belongs to it.
    ///
    /// # Errors
    ///
    /// When the caller does not, or the database is away.
    pub async fn limits(&self, caller: &Caller, lab: &LabName) -> Result<LabLimits> {
        let mut tx = self.store.read().await?;
        let access = self.admit(&mut tx, caller, lab).await?.access;
        let roles = tx.lab(&access).await?.roles().await?;
        Ok(self.limits_of(access.lab().clone(), roles))
    }

    /// Sets how old groups may be that the lab's mappings are looked up by; `None` leaves it to the broker.
    ///
    /// # Errors
    ///
    /// When the caller is no PI of the lab, the limit is out of bounds, it would let older groups count and the caller's
    /// sign-in is not fresh, or the database is away.
    pub async fn set_groups_age(&self, caller: &Caller, lab: &LabName, seconds: Option<u32>) -> Result<LabLimits> {
        let mut tx = self.store.write().await?;
        let Admitted { access, snapshot } = self.admit_to_change(&mut tx, caller, lab).await?;
        let access = access.pi()?;
        let after = seconds.map(GroupsAge::from_seconds).transpose().map_err(LabError::Limit)?;
        let before = access.lab().groups_age;
        if GroupsAge::of_lab(after) > GroupsAge::of_lab(before) {
            may_give(&snapshot.evidence.sign_in, self.clock.now())?;
        }
        let mut open = tx.lab(&access).await?;
        if before != after {
            open.set_groups_age(after).await?;
            let seconds = |age: Option<GroupsAge>| age.map(GroupsAge::seconds);
            let event = Event::LabLimitChanged { before: seconds(before), after: seconds(after) };
            open.append(self.act(&access, event)).await?;
        }
        let roles = open.roles().await?;
        tx.commit().await?;
        Ok(self.limits_of(Lab { groups_age: after, ..access.lab().clone() }, roles))
    }

    /// Sets how old a sign-in may be that uses a role; `None` leaves it to the broker.
    ///
    /// # Errors
    ///
    /// When the caller is no PI of the lab, it has no role of that name, the limit is out of bounds for it, it would let
    /// older sign-ins count and the caller's is not fresh, or the database is away.
    pub async fn set_sign_in_age(
        &self,
        caller: &Caller,
        lab: &LabName,
        role: &str,
        seconds: Option<u32>,
    ) -> Result<LabLimits> {
        let mut tx = self.store.write().await?;
        let Admitted { access, snapshot } = self.admit_to_change(&mut tx, caller, lab).await?;
        let access = access.pi()?;
        let mut open = tx.lab(&access).await?;
        let name: RoleName = role.parse().map_err(|_| LabError::RoleNotHere)?;
        let role = open.role(&name).await?.ok_or(LabError::RoleNotHere)?;
        let spends = self.policies.spends(&role.template);
        let after = seconds.map(|seconds| SignInAge::from_seconds(seconds, spends)).transpose();
        let after = after.map_err(LabError::Limit)?;
        if SignInAge::of_role(after, spends) > SignInAge::of_role(role.sign_in_age, spends) {
            may_give(&snapshot.evidence.sign_in, self.clock.now())?;
        }
        if role.sign_in_age != after {
            open.set_sign_in_age(&name, after).await?;
            let seconds = |age: Option<SignInAge>| age.map(SignInAge::seconds);
            let (before, after) = (seconds(role.sign_in_age), seconds(after));
            open.append(self.act(&access, Event::RoleLimitChanged { role: name, before, after })).await?;
        }
        let roles = open.roles().await?;
        tx.commit().await?;
        Ok(self.limits_of(access.lab().clone(), roles))
    }

    fn limits_of(&self, lab: Lab, roles: Vec<Role>) -> LabLimits {
        let limits =
            |role: &Role| RoleLimits::new(self.policies.spends(&role.template), role.sign_in_age, lab.groups_age);
        let roles = roles.into_iter().map(|role| (limits(&role), role)).map(|(limits, role)| (role, limits)).collect();
        LabLimits { lab, roles }
    }
}
