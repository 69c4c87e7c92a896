//! Whether a role is given, and for how long. Asked at every issuance, never only at sign-in.

use std::cmp::Reverse;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::claims::Groups;
use crate::domain::id::{ConnectionName, MappingId};
use crate::domain::lab::{Lab, Role};
use crate::domain::mapping::{Mapping, MappingTerms};
use crate::domain::role_session::SessionDuration;

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

/// What the database holds of the role that is asked for: the lab, its role of that name, and every mapping to it.
#[derive(Clone, Debug, Default)]
pub struct Grounds {
    lab: Option<Lab>,
    role: Option<Role>,
    mappings: Vec<Mapping>,
}

impl Grounds {
    /// Made of rows, by the store; a test reads the sources and finds no other caller.
    #[cfg(feature = "server")]
    pub(crate) const fn from_rows(lab: Option<Lab>, role: Option<Role>, mappings: Vec<Mapping>) -> Self {
        Self { lab, role, mappings }
    }

    /// The lab, if there is one of that name.
    #[must_use]
    pub const fn lab(&self) -> Option<&Lab> {
        self.lab.as_ref()
    }
}

/// The outcome.
#[derive(Clone, Debug)]
pub enum Decision {
    /// Yes.
    Allowed(Box<Allowed>),
    /// No.
    Refused(Refusal),
}

/// Proof that somebody may have a role now. No call to STS is made without one.
#[derive(Clone, Debug)]
pub struct Allowed {
    lab: Lab,
    role: Role,
    mapping: MappingId,
    duration: SessionDuration,
}

impl Allowed {
    /// The lab.
    #[must_use]
    pub const fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The role.
    #[must_use]
    pub const fn role(&self) -> &Role {
        &self.role
    }

    /// The mapping that gives it. Of several, the one that allows the longest session, then the one that lives longest,
    /// then the one with the lowest id.
    #[must_use]
    pub const fn mapping(&self) -> &MappingId {
        &self.mapping
    }

    /// How long the session is to live.
    #[must_use]
    pub const fn duration(&self) -> SessionDuration {
        self.duration
    }
}

/// Why not. The ledger keeps the word: a variant is never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// No live mapping gives this person this role. Also the answer for a role and for a lab that do not exist.
    NoMapping,
    /// The provider sent no group claim, so no mapping can be looked at.
    NoGroupClaim,
    /// More time was asked for than the role or the mapping gives.
    TooLong,
    /// The mapping asks for a second factor and the sign-in had none.
    MfaNeeded,
    /// The mapping asks for a PI's approval and there is none.
    ApprovalNeeded,
    /// An operator has suspended this person.
    Suspended,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoMapping => "no mapping gives this role",
            Self::NoGroupClaim => "the sign-in said nothing about groups",
            Self::TooLong => "more time was asked for than the role gives",
            Self::MfaNeeded => "the role needs a second factor at sign-in",
            Self::ApprovalNeeded => "the role needs a PI's approval",
            Self::Suspended => "the person is suspended",
        })
    }
}

/// What a mapping that speaks of somebody still asks of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// Nothing: it gives its role.
    Nothing,
    /// A sign-in with a second factor.
    Mfa,
    /// A PI's approval.
    Approval,
}

/// What these terms still ask of somebody with this evidence; the harder to get when it is both.
#[must_use]
pub const fn missing(terms: &MappingTerms, evidence: &Evidence) -> Missing {
    if terms.needs_approval {
        // Nobody can be approved yet, so such a mapping gives nothing by itself.
        Missing::Approval
    } else if terms.needs_mfa && !evidence.sign_in.mfa {
        Missing::Mfa
    } else {
        Missing::Nothing
    }
}

/// Decides about one role of one lab.
#[must_use]
pub fn decide(evidence: &Evidence, grounds: Grounds, wanted: Option<SessionDuration>, now: DateTime<Utc>) -> Decision {
    if evidence.suspended {
        return Decision::Refused(Refusal::Suspended);
    }
    if evidence.groups == Groups::Absent {
        return Decision::Refused(Refusal::NoGroupClaim);
    }
    let Grounds { lab: Some(lab), role: Some(role), mappings } = grounds else {
        return Decision::Refused(Refusal::NoMapping);
    };
    let best = mappings
        .iter()
        .filter(|mapping| {
            mapping.target.role == role.name && mapping.target.applies_to(evidence) && mapping.terms.is_live(now)
        })
        .min_by_key(|mapping| {
            let terms = &mapping.terms;
            (missing(terms, evidence), Reverse(maximum(terms, &role)), Reverse(terms.end()), mapping.id.clone())
        });
    let Some(best) = best else {
        return Decision::Refused(Refusal::NoMapping);
    };
    match missing(&best.terms, evidence) {
        Missing::Nothing => {}
        Missing::Mfa => return Decision::Refused(Refusal::MfaNeeded),
        Missing::Approval => return Decision::Refused(Refusal::ApprovalNeeded),
    }
    let most = maximum(&best.terms, &role);
    let duration = wanted.unwrap_or(most);
    if duration > most {
        return Decision::Refused(Refusal::TooLong);
    }
    Decision::Allowed(Box::new(Allowed { lab, mapping: best.id.clone(), duration, role }))
}

/// The longest session that a mapping gives: its own maximum, and never more than the role's.
fn maximum(terms: &MappingTerms, role: &Role) -> SessionDuration {
    terms.max_duration.map_or(role.max_duration, |most| most.min(role.max_duration))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::claims::Group;
    use crate::domain::id::LabId;
    use crate::domain::mapping::MappingTarget;
    use crate::domain::role_session::ExternalId;

    const NOW: i64 = 1_000_000;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn evidence(groups: &[&str]) -> Evidence {
        let groups = groups.iter().map(|group| group.parse::<Group>().unwrap()).collect();
        Evidence {
            connection: "campus".parse().unwrap(),
            groups: Groups::Present(groups),
            groups_at: at(NOW),
            sign_in: SignInStrength { at: at(NOW), authenticated_at: None, mfa: false },
            suspended: false,
        }
    }

    fn lab() -> Lab {
        Lab {
            id: LabId::from_entropy([1; 10]),
            name: "vision".parse().unwrap(),
            title: "Vision".to_owned(),
            session_role: "arn:aws:iam::111122223333:role/lodge/lodge-session".parse().unwrap(),
            external_id: ExternalId::from_entropy([2; 16]),
            created_at: at(0),
            archived_at: None,
        }
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
            target: MappingTarget {
                connection: connection.parse().unwrap(),
                group: group.parse().unwrap(),
                role: role.parse().unwrap(),
            },
            terms: MappingTerms { ends_at: ends_at.map(at), ..MappingTerms::default() },
            revision: 1,
            created_at: at(0),
            changed_at: at(0),
        }
    }

    fn with(mapping: Mapping, change: impl FnOnce(&mut MappingTerms)) -> Mapping {
        let mut mapping = mapping;
        change(&mut mapping.terms);
        mapping
    }

    /// The mapping and the duration, or why not.
    fn decided(
        evidence: &Evidence,
        role: Role,
        mappings: &[Mapping],
        wanted: Option<u32>,
    ) -> Result<(u8, u32), Refusal> {
        let grounds = Grounds::from_rows(Some(lab()), Some(role), mappings.to_vec());
        let wanted = wanted.map(|seconds| SessionDuration::from_seconds(seconds).unwrap());
        match decide(evidence, grounds, wanted, at(NOW)) {
            Decision::Refused(refusal) => Err(refusal),
            Decision::Allowed(allowed) => {
                let id = (0..=u8::MAX).find(|id| MappingId::from_entropy([*id; 10]) == allowed.mapping).unwrap();
                Ok((id, allowed.duration.seconds()))
            }
        }
    }

    fn pay(evidence: &Evidence, mappings: &[Mapping]) -> Result<(u8, u32), Refusal> {
        decided(evidence, role("pay", 3_600), mappings, None)
    }

    #[test]
    fn a_live_mapping_of_ones_group_gives_the_role() {
        let mappings = [mapping(1, "campus", "payers", "pay", None)];

        assert_eq!(pay(&evidence(&["payers", "others"]), &mappings), Ok((1, 3_600)));
    }

    #[test]
    fn nothing_else_gives_it() {
        for (what, mappings) in [
            ("no mapping at all", vec![]),
            ("another group", vec![mapping(1, "campus", "payers-too", "pay", None)]),
            ("the beginning of the group", vec![mapping(1, "campus", "payer", "pay", None)]),
            ("the group in another case", vec![mapping(1, "campus", "Payers", "pay", None)]),
            ("the group with a space", vec![mapping(1, "campus", "payers ", "pay", None)]),
            ("the same group name at another provider", vec![mapping(1, "hospital", "payers", "pay", None)]),
            ("another role", vec![mapping(1, "campus", "payers", "publish", None)]),
            ("a mapping that ended a moment ago", vec![mapping(1, "campus", "payers", "pay", Some(NOW))]),
        ] {
            assert_eq!(pay(&evidence(&["payers"]), &mappings), Err(Refusal::NoMapping), "{what}");
        }
        let mappings = [mapping(1, "campus", "payers", "pay", None)];
        assert_eq!(pay(&evidence(&[]), &mappings), Err(Refusal::NoMapping), "no group");
        // One that is composed of two characters looks the same and is another.
        let composed = [mapping(1, "campus", "caf\u{e9}", "pay", None)];
        assert_eq!(pay(&evidence(&["cafe\u{301}"]), &composed), Err(Refusal::NoMapping));
    }

    #[test]
    fn a_role_or_a_lab_that_does_not_exist_is_refused_like_one_that_is_not_given() {
        let mappings = vec![mapping(1, "campus", "payers", "pay", None)];

        for grounds in [
            Grounds::from_rows(Some(lab()), None, mappings.clone()),
            Grounds::from_rows(None, Some(role("pay", 3_600)), mappings),
            Grounds::default(),
        ] {
            let decision = decide(&evidence(&["payers"]), grounds, None, at(NOW));
            assert!(matches!(decision, Decision::Refused(Refusal::NoMapping)), "{decision:?}");
        }
    }

    #[test]
    fn an_absent_group_claim_is_told_apart() {
        let absent = Evidence { groups: Groups::Absent, ..evidence(&[]) };

        assert_eq!(pay(&absent, &[mapping(1, "campus", "payers", "pay", None)]), Err(Refusal::NoGroupClaim));
    }

    #[test]
    fn somebody_suspended_gets_nothing_whatever_else_holds() {
        let suspended = Evidence { suspended: true, ..evidence(&["payers"]) };

        assert_eq!(pay(&suspended, &[mapping(1, "campus", "payers", "pay", None)]), Err(Refusal::Suspended));
    }

    #[test]
    fn more_time_than_the_role_or_the_mapping_gives_is_refused_and_never_cut() {
        let plain = mapping(1, "campus", "payers", "pay", None);
        let short = with(plain.clone(), |terms| terms.max_duration = SessionDuration::from_seconds(1_800).ok());
        let ask = |role_max, mapping: &Mapping, wanted| {
            decided(&evidence(&["payers"]), role("pay", role_max), std::slice::from_ref(mapping), wanted)
        };

        assert_eq!(ask(1_800, &plain, Some(1_801)), Err(Refusal::TooLong));
        assert_eq!(ask(1_800, &plain, Some(900)), Ok((1, 900)));
        assert_eq!(ask(3_600, &short, Some(1_801)), Err(Refusal::TooLong));
        assert_eq!(ask(3_600, &short, None), Ok((1, 1_800)));
        // The role was made shorter after the mapping was.
        assert_eq!(ask(900, &short, None), Ok((1, 900)));
    }

    #[test]
    fn a_mapping_that_needs_more_gives_nothing_without_it() {
        let plain = mapping(1, "campus", "payers", "pay", None);
        let mfa = [with(plain.clone(), |terms| terms.needs_mfa = true)];
        let approval = [with(plain.clone(), |terms| terms.needs_approval = true)];
        let both = [with(mfa[0].clone(), |terms| terms.needs_approval = true)];
        let plain_evidence = evidence(&["payers"]);
        let sign_in = SignInStrength { mfa: true, ..plain_evidence.sign_in };
        let with_factor = Evidence { sign_in, ..plain_evidence };

        assert_eq!(pay(&evidence(&["payers"]), &mfa), Err(Refusal::MfaNeeded));
        assert_eq!(pay(&with_factor, &mfa), Ok((1, 3_600)));
        for evidence in [evidence(&["payers"]), with_factor] {
            assert_eq!(pay(&evidence, &approval), Err(Refusal::ApprovalNeeded));
            assert_eq!(pay(&evidence, &both), Err(Refusal::ApprovalNeeded));
        }
    }

    #[test]
    fn of_several_mappings_the_most_useful_is_named() {
        let short = |mapping| with(mapping, |terms| terms.max_duration = SessionDuration::from_seconds(1_800).ok());
        let mappings = [
            mapping(9, "campus", "payers", "pay", Some(NOW + 10)),
            mapping(3, "campus", "payers", "pay", None),
            mapping(2, "campus", "staff", "pay", None),
            short(mapping(1, "campus", "staff", "pay", None)),
            with(mapping(0, "campus", "staff", "pay", None), |terms| terms.needs_mfa = true),
        ];

        assert_eq!(pay(&evidence(&["payers", "staff"]), &mappings), Ok((2, 3_600)));
    }
}
