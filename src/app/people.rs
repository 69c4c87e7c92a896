//! What somebody may know of themselves.

use super::{Broker, Caller, Error, Result};
use crate::domain::policy::TemplateName;
use crate::store::{GivenRole, LabStanding, Snapshot};

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

impl Broker {
    /// The caller's own profile.
    ///
    /// # Errors
    ///
    /// When they have no sign-in, or the database is away.
    pub async fn profile(&self, caller: &Caller) -> Result<Profile> {
        let mut tx = self.store.read().await?;
        let snapshot = tx.snapshot(&caller.person).await?.ok_or(Error::SignInNeeded)?;
        let roles = tx.roles_given(&snapshot.sign_in, self.clock.now()).await?;
        let standings = tx.standings_of_person(&caller.person).await?;
        Ok(Profile { snapshot, roles, standings })
    }

    /// What a template is for, in a few words.
    #[must_use]
    pub fn template_title(&self, name: &TemplateName) -> &str {
        self.policies.get(name).map_or("(this role's template is missing)", |template| template.title())
    }
}
