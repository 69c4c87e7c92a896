//! What somebody may know of themselves.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};

use super::{Broker, Caller, Error, Result};
use crate::domain::access::{Evidence, Missing, missing};
use crate::domain::id::{LabName, RoleName};
use crate::domain::mapping::MappingTerms;
use crate::domain::policy::TemplateName;
use crate::store::{LabStanding, MaybeGiven, Snapshot};

/// A person, their groups, and what these give now.
#[derive(Clone, Debug)]
pub struct Profile {
    /// What their latest sign-in said.
    pub snapshot: Snapshot,
    /// What they may ask for.
    pub roles: Vec<GivenRole>,
    /// What they may administer.
    pub standings: Vec<LabStanding>,
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
    /// What is missing before it is given.
    pub missing: Missing,
}

/// The roles behind these mappings, which come by lab and role. Of several to one role those count that ask for least,
/// and of these the one that lives longest.
fn roles(evidence: &Evidence, mappings: Vec<MaybeGiven>) -> Vec<GivenRole> {
    let mut roles: Vec<(GivenRole, MappingTerms)> = Vec::new();
    for MaybeGiven { lab, role, template, terms } in mappings {
        let missing = missing(&terms, evidence);
        let given = GivenRole { lab, role, template, ends_at: terms.ends_at, missing };
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
        let mappings = tx.mappings_of_sign_in(&snapshot.sign_in, self.clock.now()).await?;
        let roles = roles(&snapshot.evidence, mappings);
        let standings = tx.standings_of_person(&caller.person).await?;
        Ok(Profile { snapshot, roles, standings })
    }

    /// What a template is for, in a few words.
    #[must_use]
    pub fn template_title(&self, name: &TemplateName) -> &str {
        self.policies.get(name).map_or("(this role's template is missing)", |template| template.title())
    }
}
