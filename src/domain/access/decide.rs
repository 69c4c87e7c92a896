//! Whether a role is given, and for how long. Asked at every issuance, never only at sign-in.

use std::cmp::Reverse;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::evidence::{Evidence, Missing, missing};
use crate::domain::account::{AccountOfRole, Readiness};
use crate::domain::claims::Groups;
use crate::domain::cut_off::Bar;
use crate::domain::id::MappingId;
use crate::domain::lab::{Lab, Role};
use crate::domain::limits::{RoleLimits, SignInAge};
use crate::domain::mapping::{Mapping, MappingTerms};
use crate::domain::policy::PolicyLibrary;
use crate::domain::role_session::SessionDuration;

/// What the database holds of the role that is asked for: the lab, its role of that name, what is known of its account,
/// every mapping to it, and whether who asks was cut off.
#[derive(Clone, Debug, Default)]
pub struct Grounds {
    lab: Option<Lab>,
    role: Option<Role>,
    account: Option<AccountOfRole>,
    mappings: Vec<Mapping>,
    bar: Option<Bar>,
}

impl Grounds {
    /// Made of rows, by the store; a test reads the sources and finds no other caller.
    #[cfg(any(feature = "server", test))]
    pub(crate) const fn from_rows(
        lab: Option<Lab>,
        role: Option<Role>,
        account: Option<AccountOfRole>,
        mappings: Vec<Mapping>,
    ) -> Self {
        Self { lab, role, account, mappings, bar: None }
    }

    /// The same for somebody who was cut off.
    #[cfg(any(feature = "server", test))]
    pub(crate) const fn barred(mut self, bar: Option<Bar>) -> Self {
        self.bar = bar;
        self
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
    Refused(Refused),
}

/// No, and what would help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// How old the sign-in may be at most, when it is older and a newer one would help.
    pub max_age: Option<SignInAge>,
    /// When it is given again, when waiting is all that helps.
    pub again_at: Option<DateTime<Utc>>,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, max_age: None, again_at: None }
    }
}

impl From<Bar> for Refused {
    fn from(bar: Bar) -> Self {
        match bar {
            Bar::Until(at) => Self { refusal: Refusal::CutOff, max_age: None, again_at: Some(at) },
            Bar::Held => Refusal::Held.into(),
        }
    }
}

impl From<Refusal> for Decision {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.into())
    }
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
    /// The provider sent a pointer to the groups instead of them, so no mapping can be looked at.
    GroupOverage,
    /// No live mapping gives this person this role by the groups that the provider sent, and it did not send all.
    GroupsTruncated,
    /// A mapping gives it by groups that are older than the lab allows.
    GroupsTooOld,
    /// More time was asked for than the role or the mapping gives.
    TooLong,
    /// The session's own sign-in is older than the role allows, or does not say how old it is.
    FreshSignInNeeded,
    /// The mapping asks for a second factor and the sign-in had none.
    MfaNeeded,
    /// The mapping asks for a PI's approval and there is none.
    ApprovalNeeded,
    /// An operator has suspended this person.
    Suspended,
    /// The lab's AWS account has not proved itself yet.
    AccountNotJoined,
    /// The lab's AWS account does not allow all that the role does yet.
    AwaitingAccountUpdate,
    /// Their sessions were cut off just now, and a new one would be denied as well.
    CutOff,
    /// They were cut off until somebody lifts it.
    Held,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoMapping => "no mapping gives this role",
            Self::NoGroupClaim => "the sign-in said nothing about groups",
            Self::GroupOverage => "the sign-in brought a pointer instead of groups",
            Self::GroupsTruncated => "no mapping gives this role by the groups that were sent, and they are not all",
            Self::GroupsTooOld => "the groups are older than the lab allows",
            Self::TooLong => "more time was asked for than the role gives",
            Self::FreshSignInNeeded => "the role needs a fresh sign-in",
            Self::MfaNeeded => "the role needs a second factor at sign-in",
            Self::ApprovalNeeded => "the role needs a PI's approval",
            Self::Suspended => "the person is suspended",
            Self::AccountNotJoined => "the lab's AWS account is not joined yet",
            Self::AwaitingAccountUpdate => "the lab's AWS account awaits an update for this role",
            Self::CutOff => "their sessions were cut off just now",
            Self::Held => "they were cut off until somebody lifts it",
        })
    }
}

/// Decides about one role of one lab.
#[must_use]
pub fn decide(
    evidence: &Evidence,
    grounds: Grounds,
    policies: &PolicyLibrary,
    wanted: Option<SessionDuration>,
    now: DateTime<Utc>,
) -> Decision {
    if evidence.suspended {
        return Refusal::Suspended.into();
    }
    // Who has no mapping gets one and the same answer for every role of every lab, whether there is one or not.
    let nothing = match evidence.groups {
        Groups::Absent => return Refusal::NoGroupClaim.into(),
        Groups::Overage => return Refusal::GroupOverage.into(),
        Groups::Truncated(_) => Refusal::GroupsTruncated,
        Groups::Present(_) => Refusal::NoMapping,
    };
    let Grounds { lab: Some(lab), role: Some(role), account, mappings, bar } = grounds else {
        return nothing.into();
    };
    let limits = RoleLimits::new(policies.spends(&role.template), role.sign_in_age, lab.groups_age);
    let best = mappings
        .iter()
        .filter(|mapping| {
            mapping.target.role == role.name && mapping.target.applies_to(evidence) && mapping.terms.is_live(now)
        })
        .min_by_key(|mapping| {
            let terms = &mapping.terms;
            let missing = missing(terms, evidence, &limits, now);
            (missing, Reverse(maximum(terms, &role)), Reverse(terms.end()), mapping.id.clone())
        });
    let Some(best) = best else {
        return nothing.into();
    };
    if evidence.has_old_groups(&limits, now) {
        return Refusal::GroupsTooOld.into();
    }
    if let Some(bar) = bar {
        return Decision::Refused(bar.into());
    }
    // Before whatever somebody could do about it: with an account that is not ready no sign-in helps.
    let readiness = account.map(|account| account.readiness_of(policies, &role.template, &role.parameters));
    match readiness.unwrap_or(Readiness::NotJoined) {
        Readiness::Ready => {}
        Readiness::NotJoined => return Refusal::AccountNotJoined.into(),
        Readiness::AwaitingUpdate => return Refusal::AwaitingAccountUpdate.into(),
    }
    let refusal = match missing(&best.terms, evidence, &limits, now) {
        Missing::Nothing => None,
        Missing::Fresh => Some(Refusal::FreshSignInNeeded),
        Missing::Mfa => Some(Refusal::MfaNeeded),
        Missing::Approval => Some(Refusal::ApprovalNeeded),
        Missing::AccountUpdate => Some(Refusal::AwaitingAccountUpdate),
        Missing::Account => Some(Refusal::AccountNotJoined),
        Missing::Time => Some(Refusal::CutOff),
        Missing::Lifting => Some(Refusal::Held),
    };
    if let Some(refusal) = refusal {
        let max_age = evidence.has_old_sign_in(&limits, now).then_some(limits.sign_in);
        return Decision::Refused(Refused { refusal, max_age, again_at: None });
    }
    let most = maximum(&best.terms, &role);
    let duration = wanted.unwrap_or(most);
    if duration > most {
        return Refusal::TooLong.into();
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

    use chrono::TimeDelta;

    use super::*;
    use crate::domain::access::SignInStrength;
    use crate::domain::account::AccountState;
    use crate::domain::claims::Group;
    use crate::domain::id::LabId;
    use crate::domain::limits::GroupsAge;
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
            sign_in: SignInStrength { at: at(NOW), authenticated_at: Some(at(NOW)), mfa: false },
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
            groups_age: None,
        }
    }

    const fn joined() -> AccountOfRole {
        AccountOfRole { state: AccountState::Joined, is_read: false, covers: None }
    }

    fn role(name: &str, max: u32) -> Role {
        Role {
            name: name.parse().unwrap(),
            template: "mturk/pay".parse().unwrap(),
            parameters: BTreeMap::new(),
            max_duration: SessionDuration::from_seconds(max).unwrap(),
            sign_in_age: None,
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
        let grounds = Grounds::from_rows(Some(lab()), Some(role), Some(joined()), mappings.to_vec());
        let wanted = wanted.map(|seconds| SessionDuration::from_seconds(seconds).unwrap());
        match decide(evidence, grounds, &policies(), wanted, at(NOW)) {
            Decision::Refused(refused) => Err(refused.refusal),
            Decision::Allowed(allowed) => {
                let id = (0..=u8::MAX).find(|id| MappingId::from_entropy([*id; 10]) == allowed.mapping).unwrap();
                Ok((id, allowed.duration.seconds()))
            }
        }
    }

    fn policies() -> PolicyLibrary {
        PolicyLibrary::shipped().unwrap()
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
    fn an_account_that_is_not_ready_gives_nothing_and_only_who_has_a_mapping_learns_so() {
        let mappings = [mapping(1, "campus", "payers", "pay", None)];
        let policy = policies().get(&"mturk/pay".parse().unwrap()).unwrap().fill(&BTreeMap::new()).unwrap();
        let decided = |groups: &[&str], account: Option<AccountOfRole>| {
            let grounds = Grounds::from_rows(Some(lab()), Some(role("pay", 3_600)), account, mappings.to_vec());
            match decide(&evidence(groups), grounds, &policies(), None, at(NOW)) {
                Decision::Allowed(_) => None,
                Decision::Refused(refused) => Some(refused.refusal),
            }
        };
        let read = |covers: Option<String>| Some(AccountOfRole { is_read: true, covers, ..joined() });
        let declared = || Some(AccountOfRole { state: AccountState::Declared, ..joined() });

        assert_eq!(decided(&["payers"], Some(joined())), None);
        assert_eq!(decided(&["payers"], read(Some(policy.sha256()))), None);
        assert_eq!(decided(&["payers"], read(Some("another".to_owned()))), Some(Refusal::AwaitingAccountUpdate));
        assert_eq!(decided(&["payers"], read(None)), Some(Refusal::AwaitingAccountUpdate));
        assert_eq!(decided(&["payers"], declared()), Some(Refusal::AccountNotJoined));
        assert_eq!(decided(&["payers"], None), Some(Refusal::AccountNotJoined), "nobody said anything of it");
        for account in [None, declared(), read(None)] {
            assert_eq!(decided(&["others"], account), Some(Refusal::NoMapping));
        }
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
            Grounds::from_rows(Some(lab()), None, Some(joined()), mappings.clone()),
            Grounds::from_rows(None, Some(role("pay", 3_600)), Some(joined()), mappings),
            Grounds::default(),
        ] {
            for (groups, refusal) in [
                (Groups::Present(vec!["payers".parse().unwrap()]), Refusal::NoMapping),
                (Groups::Truncated(vec!["payers".parse().unwrap()]), Refusal::GroupsTruncated),
            ] {
                let evidence = Evidence { groups, groups_at: at(0), ..evidence(&[]) };
                let decision = decide(&evidence, grounds.clone(), &policies(), None, at(NOW));
                assert!(matches!(decision, Decision::Refused(refused) if refused == refusal.into()), "{decision:?}");
            }
        }
    }

    #[test]
    fn groups_that_are_absent_too_many_cut_off_or_none_are_told_apart() {
        let mappings = [mapping(1, "campus", "payers", "pay", None)];
        let with = |groups| pay(&Evidence { groups, ..evidence(&[]) }, &mappings);
        let list = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();

        assert_eq!(with(Groups::Absent), Err(Refusal::NoGroupClaim));
        assert_eq!(with(Groups::Overage), Err(Refusal::GroupOverage));
        assert_eq!(with(Groups::Truncated(list(&["others"]))), Err(Refusal::GroupsTruncated));
        assert_eq!(with(Groups::Present(list(&[]))), Err(Refusal::NoMapping));
        // What was sent counts, though more was not.
        assert_eq!(with(Groups::Truncated(list(&["others", "payers"]))), Ok((1, 3_600)));
    }

    /// Somebody of the group `payers` who signed in so many seconds ago, and showed who they are so many ago.
    fn signed_in(ago: i64, authenticated: Option<i64>) -> Evidence {
        let evidence = evidence(&["payers"]);
        let sign_in = SignInStrength {
            at: at(NOW - ago),
            authenticated_at: authenticated.map(|ago| at(NOW - ago)),
            ..evidence.sign_in
        };
        Evidence { groups_at: at(NOW - ago), sign_in, ..evidence }
    }

    /// What the gate says about a role of this template, with this limit set.
    fn asked(evidence: &Evidence, template: &str, set: Option<u32>) -> Result<(), (Refusal, Option<u32>)> {
        let role = Role {
            template: template.parse().unwrap(),
            sign_in_age: set.map(|seconds| SignInAge::from_row(seconds).unwrap()),
            ..role("pay", 3_600)
        };
        let mappings = vec![mapping(1, "campus", "payers", "pay", None)];
        match decide(
            evidence,
            Grounds::from_rows(Some(lab()), Some(role), Some(joined()), mappings),
            &policies(),
            None,
            at(NOW),
        ) {
            Decision::Allowed(_) => Ok(()),
            Decision::Refused(refused) => Err((refused.refusal, refused.max_age.map(SignInAge::seconds))),
        }
    }

    #[test]
    fn a_role_that_spends_takes_who_showed_themselves_within_the_hour() {
        let stale = |most| Err((Refusal::FreshSignInNeeded, Some(most)));

        assert_eq!(asked(&signed_in(3_599, Some(3_599)), "mturk/pay", None), Ok(()));
        assert_eq!(asked(&signed_in(3_600, Some(3_600)), "mturk/pay", None), stale(3_600));
        // A sign-in of this moment that rides on a session at the provider of this morning.
        assert_eq!(asked(&signed_in(0, Some(3_600)), "mturk/pay", None), stale(3_600));
        // A provider that does not say, and one whose clock is ahead.
        assert_eq!(asked(&signed_in(0, None), "mturk/pay", None), stale(3_600));
        assert_eq!(asked(&signed_in(3_600, Some(-7_200)), "mturk/pay", None), stale(3_600));
        // As the lab sets it, and never more than twelve hours.
        assert_eq!(asked(&signed_in(300, Some(300)), "mturk/pay", Some(300)), stale(300));
        assert_eq!(asked(&signed_in(43_199, Some(43_199)), "mturk/pay", Some(43_200)), Ok(()));
        assert_eq!(asked(&signed_in(43_200, Some(43_200)), "mturk/pay", Some(2_592_000)), stale(43_200));
    }

    #[test]
    fn a_role_that_spends_nothing_takes_a_sign_in_of_twelve_hours_or_of_what_the_lab_says() {
        let read = |ago, set| asked(&signed_in(ago, None), "mturk/read-results", set);
        let stale = |most| Err((Refusal::FreshSignInNeeded, Some(most)));

        assert_eq!((read(43_199, None), read(43_200, None)), (Ok(()), stale(43_200)));
        assert_eq!((read(2_591_999, Some(2_592_000)), read(3_600, Some(3_600))), (Ok(()), stale(3_600)));
    }

    #[test]
    fn groups_older_than_the_lab_allows_give_nothing_and_only_who_has_a_mapping_hears_so() {
        let asked = |evidence: &Evidence, age: Option<u32>| {
            let groups_age = age.map(|seconds| GroupsAge::from_seconds(seconds).unwrap());
            let mappings = vec![mapping(1, "campus", "payers", "pay", None)];
            let role = Role { sign_in_age: Some(SignInAge::MAX), ..role("pay", 3_600) };
            let role = Role { template: "mturk/read-results".parse().unwrap(), ..role };
            let grounds = Grounds::from_rows(Some(Lab { groups_age, ..lab() }), Some(role), Some(joined()), mappings);
            match decide(evidence, grounds, &policies(), None, at(NOW)) {
                Decision::Allowed(_) => Ok(()),
                Decision::Refused(refused) => Err(refused),
            }
        };
        let old = Err(Refusal::GroupsTooOld.into());

        assert_eq!(asked(&signed_in(86_399, None), Some(86_400)), Ok(()));
        assert_eq!(asked(&signed_in(86_400, None), Some(86_400)), old);
        assert_eq!(asked(&signed_in(2_592_000, None), None), old);
        let of_others = Evidence { groups: Groups::Present(vec![]), ..signed_in(2_592_000, None) };
        assert_eq!(asked(&of_others, None), Err(Refusal::NoMapping.into()));
        // Groups of a later sign-in elsewhere count, and make this session's own sign-in no younger.
        let elsewhere = Evidence { groups_at: at(NOW), ..signed_in(86_400, None) };
        assert_eq!(asked(&elsewhere, Some(86_400)), Ok(()));
    }

    #[test]
    fn what_the_home_page_says_and_what_the_gate_does_are_one() {
        let limits = RoleLimits::new(true, None, None);
        let terms = MappingTerms::default();

        for ago in [0, 1_800, 3_599, 3_600, 7_200] {
            let evidence = signed_in(ago, Some(ago));
            let good = asked(&evidence, "mturk/pay", None).is_ok();
            assert_eq!(missing(&terms, &evidence, &limits, at(NOW)) == Missing::Nothing, good, "{ago}");
            let until = evidence.good_until(&limits).unwrap();
            assert_eq!((until > at(NOW), until), (good, at(NOW) + TimeDelta::seconds(3_600 - ago)), "{ago}");
        }
        assert_eq!(signed_in(0, None).good_until(&limits), None);
    }

    #[test]
    fn who_lacks_a_second_factor_and_freshness_hears_of_both_at_once() {
        let mappings = vec![with(mapping(1, "campus", "payers", "pay", None), |terms| terms.needs_mfa = true)];
        let refused = |evidence: &Evidence| {
            let grounds = Grounds::from_rows(Some(lab()), Some(role("pay", 3_600)), Some(joined()), mappings.clone());
            match decide(evidence, grounds, &policies(), None, at(NOW)) {
                Decision::Allowed(_) => panic!("allowed"),
                Decision::Refused(refused) => (refused.refusal, refused.max_age.map(SignInAge::seconds)),
            }
        };

        assert_eq!(refused(&signed_in(0, Some(0))), (Refusal::MfaNeeded, None));
        assert_eq!(refused(&signed_in(7_200, Some(7_200))), (Refusal::MfaNeeded, Some(3_600)));
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
