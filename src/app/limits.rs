//! How old sign-ins and groups may be in a lab: what holds, and what its PIs set.

use chrono::{DateTime, Utc};

use super::admission::Admitted;
use super::{Broker, Caller, LabError, LabPlace, Result};
use crate::domain::access::{self, gives_until};
use crate::domain::id::{LabName, RoleName};
use crate::domain::lab::{Lab, Role, Standing};
use crate::domain::ledger::Event;
use crate::domain::limits::{GroupsAge, RoleLimits, SignInAge};
use crate::store::LedgerFilter;

/// More mappings than any lab has; of more, the rest is not counted.
const MAPPINGS_MAX: u32 = 1_000;

/// What holds in a lab.
#[derive(Clone, Debug)]
pub struct LabLimits {
    /// The lab, with what it set for groups.
    pub lab: Lab,
    /// Its roles by name, each with what it set for it and what holds for it.
    pub roles: Vec<(Role, RoleLimits)>,
}

/// What a limit is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitOf {
    /// The groups that the lab's mappings are looked up by.
    Groups,
    /// The sign-in that uses a role.
    Role(RoleName),
}

/// One limit, whatever it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Of what.
    pub of: LimitOf,
    /// What holds, in seconds.
    pub seconds: u32,
    /// What the lab set, if it did.
    pub set: Option<u32>,
    /// The broker's own.
    pub default: u32,
    /// Whether it is of a role that can spend.
    pub spends: bool,
}

/// A change of a limit, as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitChange {
    /// Of what.
    pub of: LimitOf,
    /// What was set before.
    pub before: Option<u32>,
    /// What is set since.
    pub after: Option<u32>,
}

/// How many live mappings there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MappingCounts {
    /// All of them.
    pub live: usize,
    /// Those that ask for a second factor.
    pub with_mfa: usize,
}

/// A lab's settings, for its page.
#[derive(Clone, Debug)]
pub struct LabSettings {
    /// The lab, and what the caller is there.
    pub place: LabPlace,
    /// What holds.
    pub limits: LabLimits,
    /// Its mappings, for whoever looks after the lab.
    pub mappings: Option<MappingCounts>,
    /// Until when the caller's sign-in is fresh enough to loosen a limit.
    pub gives_until: Option<DateTime<Utc>>,
    /// Whether it is so now.
    pub is_fresh: bool,
    /// The change that stands at the place in the ledger that was asked for.
    pub done: Option<LimitChange>,
}

impl LabSettings {
    /// Every limit, that of the groups first.
    #[must_use]
    pub fn all_limits(&self) -> Vec<Limit> {
        let LabLimits { lab, roles } = &self.limits;
        let groups = Limit {
            of: LimitOf::Groups,
            seconds: GroupsAge::of_lab(lab.groups_age).seconds(),
            set: lab.groups_age.map(GroupsAge::seconds),
            default: GroupsAge::of_lab(None).seconds(),
            spends: false,
        };
        let of_role = |(role, limits): &(Role, RoleLimits)| Limit {
            of: LimitOf::Role(role.name.clone()),
            seconds: limits.sign_in.seconds(),
            set: role.sign_in_age.map(SignInAge::seconds),
            default: SignInAge::of_role(None, limits.spends).seconds(),
            spends: limits.spends,
        };
        std::iter::once(groups).chain(roles.iter().map(of_role)).collect()
    }
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

    /// A lab's settings, for whoever belongs to it; and what was changed at a place in its ledger.
    ///
    /// # Errors
    ///
    /// When the caller does not, or the database is away.
    pub async fn settings(&self, caller: &Caller, lab: &LabName, done: Option<i64>) -> Result<LabSettings> {
        let now = self.clock.now();
        let mut tx = self.store.read().await?;
        let Admitted { access, snapshot } = self.admit(&mut tx, caller, lab).await?;
        let place = LabPlace::of(&access);
        let mut open = tx.lab(&access).await?;
        let roles = open.roles().await?;
        let mappings = if place.standing >= Standing::Manager {
            let mut live = open.mappings(None, MAPPINGS_MAX).await?;
            live.retain(|mapping| mapping.terms.is_live(now));
            let with_mfa = live.iter().filter(|mapping| mapping.terms.needs_mfa).count();
            Some(MappingCounts { live: live.len(), with_mfa })
        } else {
            None
        };
        let done = match done.filter(|place| *place > 0).and_then(|place| place.checked_add(1)) {
            Some(below) if place.standing == Standing::Pi => {
                let found = open.look_back(&LedgerFilter::default(), Some(below), 1).await?;
                let found = found.entries.into_iter().find(|found| Some(found.seq) == below.checked_sub(1));
                found.and_then(|found| limit_change(found.entry?.event))
            }
            _ => None,
        };
        let sign_in = &snapshot.evidence.sign_in;
        Ok(LabSettings {
            limits: self.limits_of(access.lab().clone(), roles),
            mappings,
            gives_until: (place.standing == Standing::Pi).then(|| gives_until(sign_in)),
            is_fresh: access::may_give(sign_in, now).is_ok(),
            done,
            place,
        })
    }

    /// Sets how old groups may be that the lab's mappings are looked up by; `None` leaves it to the broker. Says what holds
    /// then, and where in the ledger the change stands, if it was one.
    ///
    /// # Errors
    ///
    /// When the caller is no PI of the lab, the limit is out of bounds, it would be looser and the sign-in is not fresh, or
    /// the database is away.
    pub async fn set_groups_age(
        &self,
        caller: &Caller,
        lab: &LabName,
        seconds: Option<u32>,
    ) -> Result<(LabLimits, Option<i64>)> {
        let mut tx = self.store.write().await?;
        let Admitted { access, snapshot } = self.admit_to_change(&mut tx, caller, lab).await?;
        let access = access.pi()?;
        let after = seconds.map(GroupsAge::from_seconds).transpose().map_err(LabError::Limit)?;
        let before = access.lab().groups_age;
        if GroupsAge::of_lab(after) > GroupsAge::of_lab(before) {
            access::may_give(&snapshot.evidence.sign_in, self.clock.now())?;
        }
        let mut open = tx.lab(&access).await?;
        let mut place = None;
        if before != after {
            open.set_groups_age(after).await?;
            let seconds = |age: Option<GroupsAge>| age.map(GroupsAge::seconds);
            let event = Event::LabLimitChanged { before: seconds(before), after: seconds(after) };
            place = Some(open.append(self.act(&access, event)).await?.seq);
        }
        let roles = open.roles().await?;
        tx.commit().await?;
        Ok((self.limits_of(Lab { groups_age: after, ..access.lab().clone() }, roles), place))
    }

    /// Sets how old a sign-in may be that uses a role; `None` leaves it to the broker. Answers as [`Self::set_groups_age`].
    ///
    /// # Errors
    ///
    /// When the caller is no PI of the lab, it has no role of that name, the limit is out of bounds for it, it would be
    /// looser and the sign-in is not fresh, or the database is away.
    pub async fn set_sign_in_age(
        &self,
        caller: &Caller,
        lab: &LabName,
        role: &str,
        seconds: Option<u32>,
    ) -> Result<(LabLimits, Option<i64>)> {
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
            access::may_give(&snapshot.evidence.sign_in, self.clock.now())?;
        }
        let mut place = None;
        if role.sign_in_age != after {
            open.set_sign_in_age(&name, after).await?;
            let seconds = |age: Option<SignInAge>| age.map(SignInAge::seconds);
            let (before, after) = (seconds(role.sign_in_age), seconds(after));
            let event = Event::RoleLimitChanged { role: name, before, after };
            place = Some(open.append(self.act(&access, event)).await?.seq);
        }
        let roles = open.roles().await?;
        tx.commit().await?;
        Ok((self.limits_of(access.lab().clone(), roles), place))
    }

    fn limits_of(&self, lab: Lab, roles: Vec<Role>) -> LabLimits {
        let limits =
            |role: &Role| RoleLimits::new(self.policies.spends(&role.template), role.sign_in_age, lab.groups_age);
        let roles = roles.into_iter().map(|role| (limits(&role), role)).map(|(limits, role)| (role, limits)).collect();
        LabLimits { lab, roles }
    }
}

fn limit_change(event: Event) -> Option<LimitChange> {
    match event {
        Event::LabLimitChanged { before, after } => Some(LimitChange { of: LimitOf::Groups, before, after }),
        Event::RoleLimitChanged { role, before, after } => Some(LimitChange { of: LimitOf::Role(role), before, after }),
        _ => None,
    }
}
