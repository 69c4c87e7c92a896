//! Which roles of a lab allow something, and whether somebody can have them.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};

use super::super::{Broker, Result};
use super::{Asked, Subject};
use crate::domain::access::{self, Decision, Evidence, LabAccess, Refusal};
use crate::domain::claims::Group;
use crate::domain::id::RoleName;
use crate::domain::lab::Role;
use crate::domain::mapping::Mapping;
use crate::domain::policy::Reach;
use crate::store::Tx;

/// A role that allows an action, for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleForAction {
    /// The role.
    pub role: RoleName,
    /// What it is for, in a few words.
    pub title: String,
    /// How far it allows the action.
    pub reach: Reach,
    /// Whether they can have it.
    pub chance: Chance,
    /// Their group that a mapping gives it to, or gave.
    pub group: Option<Group>,
    /// When that mapping ends, or did.
    pub ends_at: Option<DateTime<Utc>>,
}

/// Whether somebody can have a role: what the gate says, and what became of a mapping that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chance {
    /// They have it.
    Has,
    /// The gate says no.
    Refused(Refusal),
    /// It says so because the mapping that gave it has ended.
    Ended,
    /// They have no sign-in that could be looked at.
    NeverSignedIn,
}

impl Chance {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Has => "has",
            Self::Ended => "mapping-ended",
            Self::NeverSignedIn => "no-sign-in",
            Self::Refused(refusal) => match refusal {
                Refusal::NoMapping => "no-mapping",
                Refusal::NoGroupClaim => "no-group-claim",
                Refusal::GroupOverage => "group-overage",
                Refusal::GroupsTruncated => "groups-truncated",
                Refusal::GroupsTooOld => "groups-too-old",
                Refusal::TooLong => "too-long",
                Refusal::FreshSignInNeeded => "fresh-sign-in-needed",
                Refusal::MfaNeeded => "mfa-needed",
                Refusal::ApprovalNeeded => "approval-needed",
                Refusal::Suspended => "suspended",
                Refusal::AccountNotJoined => "account-not-joined",
                Refusal::AwaitingAccountUpdate => "awaiting-account-update",
                Refusal::CutOff => "cut-off",
                Refusal::Held => "held",
            },
        }
    }

    /// How near it is: the nearest first.
    const fn rank(self) -> u8 {
        match self {
            Self::Has => 0,
            Self::Refused(
                Refusal::FreshSignInNeeded | Refusal::MfaNeeded | Refusal::GroupsTooOld | Refusal::CutOff,
            ) => 1,
            Self::Refused(Refusal::ApprovalNeeded | Refusal::Held) => 2,
            Self::Refused(Refusal::AwaitingAccountUpdate | Refusal::AccountNotJoined | Refusal::TooLong) => 3,
            Self::Ended => 4,
            Self::Refused(_) | Self::NeverSignedIn => 5,
        }
    }
}

impl Broker {
    /// The roles that allow what is asked about, the nearest first.
    pub(super) async fn roles_for(
        &self,
        tx: &mut Tx,
        access: &LabAccess,
        roles: &[Role],
        asked: &Asked<'_>,
        of: &Subject,
    ) -> Result<Vec<RoleForAction>> {
        let now = self.clock.now();
        let mut found = Vec::new();
        for role in roles {
            let Some(reach) = self.reach_of(role, asked).filter(|reach| *reach < Reach::Never) else { continue };
            let mappings = tx.lab(access).await?.mappings_of_role(&role.name).await?;
            let (chance, mapping) = match &of.snapshot {
                None => (Chance::NeverSignedIn, None),
                Some(snapshot) => {
                    let grounds = tx.grounds(&access.lab().name, &role.name, &of.person, now).await?;
                    let decision = access::decide(&snapshot.evidence, grounds, &self.policies, None, now);
                    chance(&decision, &mappings, &snapshot.evidence, now)
                }
            };
            found.push(RoleForAction {
                role: role.name.clone(),
                title: self.template_title(&role.template).to_owned(),
                reach,
                chance,
                group: mapping.map(|mapping| mapping.target.group.clone()),
                ends_at: mapping.and_then(|mapping| mapping.terms.ends_at),
            });
        }
        found.sort_by(|a, b| (a.reach, a.chance.rank(), &a.role).cmp(&(b.reach, b.chance.rank(), &b.role)));
        Ok(found)
    }
}

/// What the gate's decision comes to, and the mapping that it can be told by: the one that the gate went by, one that
/// lives, or the one that ended last. The mapping is for naming the group, and decides nothing.
fn chance<'a>(
    decision: &Decision,
    mappings: &'a [Mapping],
    evidence: &Evidence,
    now: DateTime<Utc>,
) -> (Chance, Option<&'a Mapping>) {
    let mut theirs: Vec<&Mapping> = mappings.iter().filter(|mapping| mapping.target.applies_to(evidence)).collect();
    theirs.sort_by_key(|mapping| (!mapping.terms.is_live(now), Reverse(mapping.terms.end()), mapping.id.clone()));
    let refused = match decision {
        Decision::Allowed(allowed) => {
            let by = mappings.iter().find(|mapping| mapping.id == *allowed.mapping());
            return (Chance::Has, by);
        }
        Decision::Refused(refused) => refused.refusal,
    };
    let nearest = theirs.first().copied();
    match (refused, nearest) {
        (Refusal::NoMapping | Refusal::GroupsTruncated, Some(ended)) => (Chance::Ended, Some(ended)),
        (Refusal::NoMapping | Refusal::GroupsTruncated | Refusal::Suspended, _) => (Chance::Refused(refused), None),
        // Of several that live, the one that asks for least is the one that the gate speaks of.
        (refused, _) => {
            let needs = |mapping: &&&Mapping| (mapping.terms.needs_approval, mapping.terms.needs_mfa);
            let live = theirs.iter().filter(|mapping| mapping.terms.is_live(now)).min_by_key(needs);
            (Chance::Refused(refused), live.copied())
        }
    }
}
