//! Mappings: which group gets which role of a lab, and on what conditions.

mod effect;

use chrono::{DateTime, Utc};

pub use effect::{Effect, Others, effect};

use super::access::Evidence;
use super::claims::Group;
use super::id::{ConnectionName, MappingChangeId, MappingId, PersonId, RoleName};
use super::lab::Role;
use super::role_session::SessionDuration;

/// The shortest maximum that a mapping can set. Below it, people would fetch credentials all day long.
pub const MAPPING_MAX_DURATION_LOWEST_SECONDS: u32 = 1_800;

/// "Members of group G, at connection C, get role R in this lab", on these conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Stands in the ledger beside every credential it gave.
    pub id: MappingId,
    /// Who gets what. It never changes: another group or role is another mapping.
    pub target: MappingTarget,
    /// On what conditions.
    pub terms: MappingTerms,
    /// Counts the changes, from 1.
    pub revision: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its conditions were last changed.
    pub changed_at: DateTime<Utc>,
}

/// Who gets what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingTarget {
    /// Where the person has to have signed in: the same group name at another provider is another group.
    pub connection: ConnectionName,
    /// The group.
    pub group: Group,
    /// The role.
    pub role: RoleName,
}

/// The conditions of a mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MappingTerms {
    /// From when on it gives nothing more.
    pub ends_at: Option<DateTime<Utc>>,
    /// The longest session it gives; the role's own maximum when there is none.
    pub max_duration: Option<SessionDuration>,
    /// Whether the sign-in must have used a second factor.
    pub needs_mfa: bool,
    /// Whether a PI must approve each person.
    pub needs_approval: bool,
}

/// Conditions that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// It would end before it began.
    #[error("the end must lie in the future")]
    EndsInThePast,
    /// Too short to be of use.
    #[error("the maximum duration must be at least {MAPPING_MAX_DURATION_LOWEST_SECONDS} seconds")]
    MaximumTooShort,
    /// More than the role itself gives.
    #[error("the maximum duration must not exceed the role's own, {0} seconds")]
    MaximumTooLong(u32),
}

impl MappingTerms {
    /// That they can be set, now, on a mapping to this role.
    ///
    /// # Errors
    ///
    /// When they cannot.
    pub fn check(&self, role: &Role, now: DateTime<Utc>) -> Result<(), TermsError> {
        if self.ends_at.is_some_and(|end| end <= now) {
            return Err(TermsError::EndsInThePast);
        }
        match self.max_duration {
            Some(most) if most.seconds() < MAPPING_MAX_DURATION_LOWEST_SECONDS => Err(TermsError::MaximumTooShort),
            Some(most) if most > role.max_duration => Err(TermsError::MaximumTooLong(role.max_duration.seconds())),
            _ => Ok(()),
        }
    }

    /// Whether a mapping on these terms gives anything at this moment: up to, and not at, its end.
    #[must_use]
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.ends_at.is_none_or(|end| now < end)
    }

    /// When it ends, for comparing: a time that never comes when it does not.
    #[must_use]
    pub fn end(&self) -> DateTime<Utc> {
        self.ends_at.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Whether these give anybody anything, now, that the mapping did not give on the terms that it had before, if any.
    #[must_use]
    pub fn give_more(&self, before: Option<&Self>, now: DateTime<Utc>) -> bool {
        self.is_live(now) && before.filter(|terms| terms.is_live(now)).is_none_or(|terms| self.exceed(terms))
    }

    /// Whether these give anything that `other` does not: longer life, longer sessions, or less to fulfil.
    #[must_use]
    pub fn exceed(&self, other: &Self) -> bool {
        let maximum = |terms: &Self| terms.max_duration.unwrap_or(SessionDuration::MAX);
        self.end() > other.end()
            || maximum(self) > maximum(other)
            || (!self.needs_mfa && other.needs_mfa)
            || (!self.needs_approval && other.needs_approval)
    }
}

impl MappingTarget {
    /// Whether it speaks of somebody with this evidence: the very connection, the very group.
    #[must_use]
    pub fn applies_to(&self, evidence: &Evidence) -> bool {
        self.connection == evidence.connection && evidence.groups.contains(&self.group)
    }
}

/// Whether a change gives somebody with this evidence anything that they did not have by this mapping before.
#[must_use]
pub fn benefits(
    evidence: &Evidence,
    target: &MappingTarget,
    before: Option<&MappingTerms>,
    after: &MappingTerms,
    now: DateTime<Utc>,
) -> bool {
    target.applies_to(evidence) && after.give_more(before, now)
}

/// A change of a mapping, or a new one, that waits for a second PI because it benefits its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingChange {
    /// What the second PI names.
    pub id: MappingChangeId,
    /// The mapping that would change or come to be.
    pub mapping: MappingId,
    /// The revision that would change; none when the mapping would be new.
    pub of_revision: Option<i64>,
    /// Who asked for it.
    pub author: PersonId,
    /// Who would get what.
    pub target: MappingTarget,
    /// On what conditions.
    pub terms: MappingTerms,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// When it lapses by itself.
    pub lapses_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::access::SignInStrength;
    use crate::domain::claims::Groups;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn seconds(seconds: u32) -> Option<SessionDuration> {
        SessionDuration::from_seconds(seconds).ok()
    }

    #[test]
    fn a_mapping_gives_nothing_from_its_end_on() {
        let terms = MappingTerms { ends_at: Some(at(1_000)), ..MappingTerms::default() };

        assert!(terms.is_live(at(1_000) - chrono::TimeDelta::microseconds(1)));
        assert!(!terms.is_live(at(1_000)));
        assert!(MappingTerms::default().is_live(DateTime::<Utc>::MAX_UTC));
    }

    #[test]
    fn terms_that_cannot_be_are_refused() {
        let role = Role {
            name: "pay".parse().unwrap(),
            template: "mturk/pay".parse().unwrap(),
            parameters: BTreeMap::new(),
            max_duration: SessionDuration::from_seconds(2_400).unwrap(),
            sign_in_age: None,
        };
        let with = |ends_at, max_duration| {
            MappingTerms { ends_at, max_duration, ..MappingTerms::default() }.check(&role, at(1_000))
        };

        assert_eq!(with(None, None), Ok(()));
        assert_eq!(with(Some(at(1_001)), seconds(1_800)), Ok(()));
        assert_eq!(with(None, seconds(2_400)), Ok(()));
        assert_eq!(with(Some(at(1_000)), None), Err(TermsError::EndsInThePast));
        assert_eq!(with(None, seconds(1_799)), Err(TermsError::MaximumTooShort));
        assert_eq!(with(None, seconds(2_401)), Err(TermsError::MaximumTooLong(2_400)));
    }

    #[test]
    fn a_change_benefits_who_gets_more_by_it() {
        let evidence = |groups: &[&str]| Evidence {
            connection: "campus".parse().unwrap(),
            groups: Groups::Present(groups.iter().map(|group| group.parse().unwrap()).collect()),
            groups_at: at(0),
            sign_in: SignInStrength { at: at(0), authenticated_at: None, mfa: false },
            suspended: false,
        };
        let target = MappingTarget {
            connection: "campus".parse().unwrap(),
            group: "payers".parse().unwrap(),
            role: "pay".parse().unwrap(),
        };
        let until = |end| MappingTerms { ends_at: Some(at(end)), ..MappingTerms::default() };
        let (mine, others) = (evidence(&["payers"]), evidence(&["staff"]));
        let now = at(1_000);

        assert!(benefits(&mine, &target, None, &until(2_000), now), "a new mapping");
        assert!(benefits(&mine, &target, Some(&until(2_000)), &until(3_000), now), "a longer one");
        assert!(benefits(&mine, &target, Some(&until(1_000)), &until(2_000), now), "one brought back");
        assert!(!benefits(&mine, &target, Some(&until(3_000)), &until(2_000), now), "a shorter one");
        assert!(!benefits(&mine, &target, None, &until(1_000), now), "one that gives nothing");
        assert!(!benefits(&others, &target, None, &until(2_000), now), "somebody else's");
        let elsewhere = Evidence { connection: "hospital".parse().unwrap(), ..mine.clone() };
        assert!(!benefits(&elsewhere, &target, None, &until(2_000), now), "the same group name at another provider");
        assert!(!benefits(&Evidence { groups: Groups::Absent, ..mine }, &target, None, &until(2_000), now));
    }

    #[test]
    fn more_is_longer_life_longer_sessions_or_less_to_fulfil() {
        let strict = MappingTerms {
            ends_at: Some(at(1_000)),
            max_duration: seconds(1_800),
            needs_mfa: true,
            needs_approval: true,
        };

        assert!(!strict.exceed(&strict));
        assert!(!strict.exceed(&MappingTerms::default()));
        for more in [
            MappingTerms { ends_at: Some(at(1_001)), ..strict.clone() },
            MappingTerms { ends_at: None, ..strict.clone() },
            MappingTerms { max_duration: seconds(1_801), ..strict.clone() },
            MappingTerms { max_duration: None, ..strict.clone() },
            MappingTerms { needs_mfa: false, ..strict.clone() },
            MappingTerms { needs_approval: false, ..strict.clone() },
        ] {
            assert!(more.exceed(&strict), "{more:?}");
            assert!(!strict.exceed(&more), "{more:?}");
        }
    }
}
