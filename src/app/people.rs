//! What somebody may know of themselves.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};

use super::{Broker, Caller, Error, Result};
use crate::domain::access::{Evidence, Missing, missing};
use crate::domain::account::{AccountState, Readiness};
use crate::domain::cut_off::{Bar, RoleCutOff};
use crate::domain::id::{LabName, RoleName};
use crate::domain::limits::{GroupsAge, RoleLimits, SignInAge};
use crate::domain::mapping::MappingTerms;
use crate::domain::policy::{PolicyLibrary, TemplateName};
use crate::store::{LabStanding, MaybeGiven, OwnCutOffs, Snapshot, Tx};

/// A person, their groups, and what these give now.
#[derive(Clone, Debug)]
pub struct Profile {
    /// What their latest sign-in said.
    pub snapshot: Snapshot,
    /// What they may ask for.
    pub roles: Vec<GivenRole>,
    /// What was cut off of theirs.
    pub cut_offs: OwnCutOffs,
    /// What they may administer.
    pub standings: Vec<LabStanding>,
    /// Whether the settings name them as an operator.
    pub is_operator: bool,
}

/// A role that a person may ask for, or could once they have what is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRole {
    /// The lab.
    pub lab: LabName,
    /// The role.
    pub role: RoleName,
    /// What it is made of.
    pub template: TemplateName,
    /// When the last mapping that gives it ends, if all of them do.
    pub ends_at: Option<DateTime<Utc>>,
    /// What holds for how old a sign-in and its groups may be.
    pub limits: RoleLimits,
    /// What is missing before it is given.
    pub missing: Missing,
    /// What was cut off of it.
    pub cut_off: RoleCutOff,
    /// When the session stops being good for it, if it is good for it now: its sign-in or the groups become too old, or
    /// it ends.
    pub until: Option<DateTime<Utc>>,
    /// How the lab's AWS account stands.
    pub account: AccountState,
    /// Whether the role can be issued from it.
    pub readiness: Readiness,
}

impl GivenRole {
    /// When it is given again, where waiting is all that helps.
    #[must_use]
    pub const fn again_at(&self) -> Option<DateTime<Utc>> {
        match (self.missing, self.cut_off.bar) {
            (Missing::Time, Some(Bar::Until(at))) => Some(at),
            _ => None,
        }
    }
}

/// The roles behind these mappings, which come by lab and role. Of several to one role those count that ask for least,
/// and of these the one that lives longest.
fn roles(
    policies: &PolicyLibrary,
    caller: &Caller,
    evidence: &Evidence,
    mappings: Vec<MaybeGiven>,
    cut_offs: &OwnCutOffs,
    now: DateTime<Utc>,
) -> Vec<GivenRole> {
    let mut roles: Vec<(GivenRole, MappingTerms)> = Vec::new();
    for given in mappings {
        let is_last = |(last, _): &&(GivenRole, MappingTerms)| (&last.lab, &last.role) == (&given.lab, &given.role);
        let readiness = match roles.last().filter(is_last) {
            Some((last, _)) => last.readiness,
            None => given.account.readiness_of(policies, &given.template, &given.parameters),
        };
        let account = given.account.state;
        let MaybeGiven { lab, role, template, terms, sign_in_age, groups_age, .. } = given;
        let limits = RoleLimits::new(policies.spends(&template), sign_in_age, groups_age);
        let cut_off = cut_offs.of(&lab, &role, now);
        let missing = match readiness {
            Readiness::Ready => missing(&terms, evidence, &limits, now),
            Readiness::AwaitingUpdate => Missing::AccountUpdate,
            Readiness::NotJoined => Missing::Account,
        };
        let missing = match (cut_off.bar, missing) {
            (Some(Bar::Held), _) => Missing::Lifting,
            // Waiting is all that helps only where nothing else is missing.
            (Some(Bar::Until(_)), Missing::Nothing) => Missing::Time,
            (Some(Bar::Until(_)) | None, missing) => missing,
        };
        let good_until = evidence.good_until(&limits).filter(|_| missing == Missing::Nothing);
        let until = good_until.map(|until| until.min(caller.session_expires_at));
        let given = GivenRole {
            account,
            readiness,
            lab,
            role,
            template,
            ends_at: terms.ends_at,
            limits,
            missing,
            cut_off,
            until,
        };
        match roles.last_mut().filter(|(last, _)| (&last.lab, &last.role) == (&given.lab, &given.role)) {
            Some((last, best)) => {
                if (missing, Reverse(terms.end())) < (last.missing, Reverse(best.end())) {
                    (*last, *best) = (given, terms);
                }
            }
            None => roles.push((given, terms)),
        }
    }
    roles.into_iter().map(|(role, _)| role).collect()
}

impl Broker {
    /// The caller's own profile.
    ///
    /// # Errors
    ///
    /// When they have no sign-in, or the database is away.
    pub async fn profile(&self, caller: &Caller) -> Result<Profile> {
        let mut tx = self.store.read().await?;
        let snapshot = tx.snapshot(&caller.person, &caller.sign_in).await?.ok_or(Error::SignInNeeded)?;
        let now = self.clock.now();
        let mappings = tx.mappings_of_sign_in(&snapshot.sign_in, now).await?;
        let cut_offs = tx.own_cut_offs(&caller.person, &snapshot.sign_in, now).await?;
        let roles = roles(&self.policies, caller, &snapshot.evidence, mappings, &cut_offs, now);
        let standings = tx.standings_of_person(&caller.person).await?;
        Ok(Profile { snapshot, roles, cut_offs, standings, is_operator: self.is_operator(caller) })
    }

    /// When a helper's session that stands on this sign-in has to end: as soon as no role of the person's takes a sign-in
    /// of that age any more, and not before a working day has passed. What a role takes is asked again at each use of it.
    ///
    /// # Errors
    ///
    /// When the database is away.
    pub(super) async fn longest_session(&self, tx: &mut Tx, snapshot: &Snapshot) -> Result<DateTime<Utc>> {
        let signed_in_at = snapshot.evidence.sign_in.at;
        let now = self.clock.now();
        let longest = tx
            .mappings_of_sign_in(&snapshot.sign_in, now)
            .await?
            .iter()
            .filter(|given| now < snapshot.evidence.groups_until(GroupsAge::of_lab(given.groups_age)))
            .map(|given| SignInAge::of_role(given.sign_in_age, self.policies.spends(&given.template)).end(signed_in_at))
            .max();
        let at_least = signed_in_at + self.lifetimes.cli_session;
        Ok(longest.map_or(at_least, |longest| longest.max(at_least)).min(SignInAge::MAX.end(signed_in_at)))
    }

    /// What a template is for, in a few words.
    #[must_use]
    pub fn template_title(&self, name: &TemplateName) -> &str {
        self.policies.get(name).map_or("(this role's template is missing)", |template| template.title())
    }
}
