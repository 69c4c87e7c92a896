//! What is known of somebody who asks, and what that lacks.

use chrono::{DateTime, Utc};

use crate::domain::claims::Groups;
use crate::domain::id::ConnectionName;
use crate::domain::limits::{GroupsAge, RoleLimits};
use crate::domain::mapping::MappingTerms;

/// What is known of the person who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Where they signed in.
    pub connection: ConnectionName,
    /// What that provider said of their groups, at their latest sign-in: a group that is gone from it is gone from every
    /// session.
    pub groups: Groups,
    /// When it said so.
    pub groups_at: DateTime<Utc>,
    /// The sign-in of the very session that asks. A stronger or later one elsewhere makes this one no stronger.
    pub sign_in: SignInStrength,
    /// Whether an operator has suspended them.
    pub suspended: bool,
}

/// How strong a sign-in was, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInStrength {
    /// When it was completed here.
    pub at: DateTime<Utc>,
    /// When the person showed the provider who they are, if it said.
    pub authenticated_at: Option<DateTime<Utc>>,
    /// Whether the provider said that they used a second factor. What it did not say, they did not.
    pub mfa: bool,
}

impl SignInStrength {
    /// From when its age counts for a role of these limits. For one that spends that is when the person showed the
    /// provider who they are, and a sign-in that did not say has none; the provider's clock makes it no younger than
    /// itself.
    fn counts_from(&self, limits: &RoleLimits) -> Option<DateTime<Utc>> {
        if limits.spends { self.authenticated_at.map(|at| at.min(self.at)) } else { Some(self.at) }
    }
}

impl Evidence {
    /// When the groups become too old for a lab.
    #[must_use]
    pub fn groups_until(&self, age: GroupsAge) -> DateTime<Utc> {
        age.end(self.groups_at)
    }

    /// Whether the groups are too old for a role of these limits.
    pub(super) fn has_old_groups(&self, limits: &RoleLimits, now: DateTime<Utc>) -> bool {
        now >= self.groups_until(limits.groups)
    }

    /// Whether the sign-in is too old for a role of these limits, or may be.
    pub(super) fn has_old_sign_in(&self, limits: &RoleLimits, now: DateTime<Utc>) -> bool {
        self.sign_in.counts_from(limits).is_none_or(|from| now >= limits.sign_in.end(from))
    }

    /// When this becomes too old for a role of these limits; nothing, when it always was.
    #[must_use]
    pub fn good_until(&self, limits: &RoleLimits) -> Option<DateTime<Utc>> {
        let sign_in = limits.sign_in.end(self.sign_in.counts_from(limits)?);
        Some(sign_in.min(self.groups_until(limits.groups)))
    }
}

/// What a mapping that speaks of somebody still asks of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// Nothing: it gives its role.
    Nothing,
    /// A new sign-in: this one, or the groups of the latest one, are too old.
    Fresh,
    /// A sign-in with a second factor.
    Mfa,
    /// A PI's approval.
    Approval,
    /// An update of the lab's AWS account, which does not allow all that the role does.
    AccountUpdate,
    /// The lab's AWS account, which has not proved itself.
    Account,
    /// A little time: sessions were cut off just now, and a new one would be denied as well.
    Time,
    /// Somebody who lifts a cut-off.
    Lifting,
}

/// What these terms, of a mapping to a role of these limits, still ask of somebody with this evidence; the hardest to
/// get when it is several.
#[must_use]
pub fn missing(terms: &MappingTerms, evidence: &Evidence, limits: &RoleLimits, now: DateTime<Utc>) -> Missing {
    if terms.needs_approval {
        // Nobody can be approved yet, so such a mapping gives nothing by itself.
        Missing::Approval
    } else if terms.needs_mfa && !evidence.sign_in.mfa {
        Missing::Mfa
    } else if evidence.has_old_groups(limits, now) || evidence.has_old_sign_in(limits, now) {
        Missing::Fresh
    } else {
        Missing::Nothing
    }
}
