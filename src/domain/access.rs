//! The one gate: may this person have this role of this lab now, and on what terms?
//!
//! It is asked at every issuance, never only at sign-in. It answers "no" to whatever it was not told.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::claims::Groups;
use super::id::{ConnectionName, MappingId, RoleName};
use super::lab::{Mapping, Role};
use super::role_session::SessionDuration;

/// What a sign-in said of the person who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Where they signed in.
    pub connection: ConnectionName,
    /// What that provider said of their groups.
    pub groups: Groups,
}

/// The outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes, because of this mapping, for at most this long.
    Allowed {
        /// The mapping that gives the role. Of several, the one that lives longest, then the one with the lowest id.
        mapping: MappingId,
        /// How long the session is to live.
        duration: SessionDuration,
    },
    /// No.
    Refused(Refusal),
}

/// Why not. The ledger keeps the word: a variant is never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// No live mapping gives this person this role. Also the answer for a role and for a lab that do not exist.
    NoMapping,
    /// The provider sent no group claim, so no mapping can be looked at.
    NoGroupClaim,
    /// More time was asked for than the role gives.
    TooLong,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoMapping => "no mapping gives this role",
            Self::NoGroupClaim => "the sign-in said nothing about groups",
            Self::TooLong => "more time was asked for than the role gives",
        })
    }
}

/// Decides about one role of one lab.
///
/// `role` is `None` when the lab has no role of that name, or when there is no such lab. `mappings` are that lab's.
#[must_use]
pub fn decide(
    evidence: &Evidence,
    role: Option<&Role>,
    mappings: &[Mapping],
    wanted: Option<SessionDuration>,
    now: DateTime<Utc>,
) -> Decision {
    if evidence.groups == Groups::Absent {
        return Decision::Refused(Refusal::NoGroupClaim);
    }
    let Some(role) = role else {
        return Decision::Refused(Refusal::NoMapping);
    };
    let Some(mapping) = best_mapping(evidence, &role.name, mappings, now) else {
        return Decision::Refused(Refusal::NoMapping);
    };
    let duration = wanted.unwrap_or(role.max_duration);
    if duration > role.max_duration {
        return Decision::Refused(Refusal::TooLong);
    }
    Decision::Allowed { mapping: mapping.id.clone(), duration }
}

/// The live mapping that gives this role to one of the person's groups.
#[must_use]
pub fn best_mapping<'a>(
    evidence: &Evidence,
    role: &RoleName,
    mappings: &'a [Mapping],
    now: DateTime<Utc>,
) -> Option<&'a Mapping> {
    mappings
        .iter()
        .filter(|mapping| {
            mapping.role == *role
                && mapping.connection == evidence.connection
                && evidence.groups.contains(&mapping.group)
                && mapping.is_live(now)
        })
        .min_by_key(|mapping| (std::cmp::Reverse(mapping.ends_at.unwrap_or(DateTime::<Utc>::MAX_UTC)), &mapping.id))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::claims::Group;

    const NOW: i64 = 1_000_000;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn evidence(groups: &[&str]) -> Evidence {
        let groups = groups.iter().map(|group| group.parse::<Group>().unwrap()).collect();
        Evidence { connection: "campus".parse().unwrap(), groups: Groups::Present(groups) }
    }

    fn role(name: &str, max: u32) -> Role {
        Role {
            name: name.parse().unwrap(),
            template: "mturk/pay".parse().unwrap(),
            parameters: BTreeMap::new(),
            max_duration: SessionDuration::from_seconds(max).unwrap(),
        }
    }

    fn mapping(id: u8, connection: &str, group: &str, role: &str, ends_at: Option<i64>) -> Mapping {
        Mapping {
            id: MappingId::from_entropy([id; 10]),
            connection: connection.parse().unwrap(),
            group: group.parse().unwrap(),
            role: role.parse().unwrap(),
            ends_at: ends_at.map(at),
        }
    }

    fn decided(evidence: &Evidence, mappings: &[Mapping]) -> Decision {
        decide(evidence, Some(&role("pay", 3_600)), mappings, None, at(NOW))
    }

    #[test]
    fn a_live_mapping_of_ones_group_gives_the_role() {
        let mappings = [mapping(1, "campus", "payers", "pay", None)];

        assert_eq!(
            decided(&evidence(&["payers", "others"]), &mappings),
            Decision::Allowed { mapping: mappings[0].id.clone(), duration: SessionDuration::MAX }
        );
    }

    #[test]
    fn nothing_else_gives_it() {
        let refused = Decision::Refused(Refusal::NoMapping);
        for (what, mappings) in [
            ("no mapping at all", vec![]),
            ("another group", vec![mapping(1, "campus", "payers-too", "pay", None)]),
            ("the group in another case", vec![mapping(1, "campus", "Payers", "pay", None)]),
            ("the same group name at another provider", vec![mapping(1, "hospital", "payers", "pay", None)]),
            ("another role", vec![mapping(1, "campus", "payers", "publish", None)]),
            ("a mapping that ended a moment ago", vec![mapping(1, "campus", "payers", "pay", Some(NOW))]),
        ] {
            assert_eq!(decided(&evidence(&["payers"]), &mappings), refused, "{what}");
        }
        assert_eq!(decided(&evidence(&[]), &[mapping(1, "campus", "payers", "pay", None)]), refused, "no group");
    }

    #[test]
    fn a_role_that_does_not_exist_is_refused_like_one_that_is_not_given() {
        let mappings = [mapping(1, "campus", "payers", "pay", None)];

        assert_eq!(
            decide(&evidence(&["payers"]), None, &mappings, None, at(NOW)),
            Decision::Refused(Refusal::NoMapping)
        );
    }

    #[test]
    fn an_absent_group_claim_is_told_apart() {
        let absent = Evidence { connection: "campus".parse().unwrap(), groups: Groups::Absent };

        assert_eq!(
            decided(&absent, &[mapping(1, "campus", "payers", "pay", None)]),
            Decision::Refused(Refusal::NoGroupClaim)
        );
    }

    #[test]
    fn more_time_than_the_role_gives_is_refused_and_never_cut() {
        let (role, mappings) = (role("pay", 1_800), [mapping(1, "campus", "payers", "pay", None)]);
        let ask = |seconds| {
            let wanted = SessionDuration::from_seconds(seconds).unwrap();
            decide(&evidence(&["payers"]), Some(&role), &mappings, Some(wanted), at(NOW))
        };

        assert_eq!(ask(1_801), Decision::Refused(Refusal::TooLong));
        assert!(matches!(ask(900), Decision::Allowed { duration, .. } if duration.seconds() == 900));
    }

    #[test]
    fn of_several_mappings_the_longest_lived_is_named() {
        let mappings = [
            mapping(9, "campus", "payers", "pay", Some(NOW + 10)),
            mapping(3, "campus", "payers", "pay", None),
            mapping(2, "campus", "staff", "pay", None),
        ];

        let best = best_mapping(&evidence(&["payers", "staff"]), &"pay".parse().unwrap(), &mappings, at(NOW));

        assert_eq!(best.map(|mapping| &mapping.id), Some(&mappings[2].id));
    }
}
