//! What whoever looks after a lab should see to first.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::overview::{RoleColumn, Roster};
use crate::domain::account::AccountState;
use crate::domain::id::{MappingChangeId, PersonId, RoleName};
use crate::store::{LabPerson, LiveMapping, RecentTrouble};

/// How near the end of a mapping is when somebody should look.
pub(super) const SOON: TimeDelta = TimeDelta::days(7);

/// Something that whoever looks after a lab should see to. The first is the most urgent.
#[derive(Clone, Debug)]
pub enum Attention {
    /// Somebody could get into the lab's account, or get more there than should.
    AccountOpen,
    /// The lab's account gives no credentials that work.
    AccountBroken,
    /// The lab's account is not joined, so it gives none.
    AccountNotJoined,
    /// Changes that wait for a second PI.
    WaitingChanges(Vec<MappingChangeId>),
    /// Roles that the lab's account does not allow all of, so that they are not issued.
    AccountUpdate(Vec<RoleName>),
    /// No PI can do anything: the lab has none, or all are suspended.
    NoPi,
    /// People who look after the lab and are suspended.
    SuspendedHolders(Vec<LabPerson>),
    /// Only one PI can do anything, and nobody confirms what they change.
    OnlyPi,
    /// People whose names look the same.
    LookAlikes(Vec<LabPerson>),
    /// Mappings that end soon.
    EndingMappings(Vec<LiveMapping>),
    /// Roles that no mapping gives.
    UnmappedRoles(Vec<RoleName>),
    /// Mappings to groups that nobody of the lab is in.
    EmptyMappings(Vec<LiveMapping>),
    /// Requests that came to nothing since yesterday.
    Trouble(RecentTrouble),
}

impl Attention {
    /// The word for it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::AccountOpen => "account-open",
            Self::AccountBroken => "account-broken",
            Self::AccountNotJoined => "account-not-joined",
            Self::WaitingChanges(_) => "waiting-changes",
            Self::AccountUpdate(_) => "account-update",
            Self::NoPi => "no-pi",
            Self::SuspendedHolders(_) => "suspended-holders",
            Self::OnlyPi => "only-pi",
            Self::LookAlikes(_) => "look-alikes",
            Self::EndingMappings(_) => "ending-mappings",
            Self::UnmappedRoles(_) => "unmapped-roles",
            Self::EmptyMappings(_) => "empty-mappings",
            Self::Trouble(_) => "trouble",
        }
    }

    /// All of a lab, the most urgent first.
    pub(super) fn of(roster: &Roster, roles: &[RoleColumn], seen: Seen, now: DateTime<Utc>) -> Vec<Self> {
        let Seen { account, awaiting, mappings, waiting, trouble } = seen;
        let mut all = Vec::new();
        match account {
            AccountState::Open => all.push(Self::AccountOpen),
            AccountState::Broken => all.push(Self::AccountBroken),
            AccountState::Declared => all.push(Self::AccountNotJoined),
            AccountState::Joined => {}
        }
        if !waiting.is_empty() {
            all.push(Self::WaitingChanges(waiting));
        }
        if !awaiting.is_empty() {
            all.push(Self::AccountUpdate(awaiting));
        }
        let able = roster.able_pis().count();
        if able == 0 {
            all.push(Self::NoPi);
        }
        let is_suspended_holder = |person: &&LabPerson| person.suspended && person.office.is_some();
        let suspended: Vec<_> = roster.people.iter().filter(is_suspended_holder).cloned().collect();
        if !suspended.is_empty() {
            all.push(Self::SuspendedHolders(suspended));
        }
        let alike: HashSet<&PersonId> = roster.look_alikes.all().into_iter().collect();
        let alike: Vec<_> = roster.people.iter().filter(|person| alike.contains(&person.id)).cloned().collect();
        if !alike.is_empty() {
            all.push(Self::LookAlikes(alike));
        }
        let ending: Vec<_> =
            mappings.iter().filter(|mapping| mapping.ends_at.is_some_and(|end| end <= now + SOON)).cloned().collect();
        if !ending.is_empty() {
            all.push(Self::EndingMappings(ending));
        }
        let unmapped: Vec<_> =
            roles.iter().filter(|column| column.mappings == 0).map(|column| column.role.name.clone()).collect();
        if !unmapped.is_empty() {
            all.push(Self::UnmappedRoles(unmapped));
        }
        let empty: Vec<_> = mappings.into_iter().filter(|mapping| !mapping.has_people).collect();
        if !empty.is_empty() {
            all.push(Self::EmptyMappings(empty));
        }
        if trouble != RecentTrouble::default() {
            all.push(Self::Trouble(trouble));
        }
        if able == 1 {
            all.push(Self::OnlyPi);
        }
        all
    }
}

/// What is looked at for that, beside people and roles.
pub(super) struct Seen {
    /// How the account stands.
    pub(super) account: AccountState,
    /// The roles that it does not allow all of.
    pub(super) awaiting: Vec<RoleName>,
    /// The mappings that give something now.
    pub(super) mappings: Vec<LiveMapping>,
    /// The changes that wait for a second PI.
    pub(super) waiting: Vec<MappingChangeId>,
    /// What came to nothing of late.
    pub(super) trouble: RecentTrouble,
}
