//! Whether an account is ready for a role to be issued from it.

use std::collections::BTreeMap;

use super::check::AccountState;
use crate::domain::policy::{PolicyLibrary, TemplateName};

/// What is known of a lab's account, for one of its roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountOfRole {
    /// How the account stands.
    pub state: AccountState,
    /// Whether it was ever read. One that was joined before anybody read accounts issues every role, until it is.
    pub is_read: bool,
    /// SHA-256 of the session policy that it was found to allow all of, when it was last held against the role.
    pub covers: Option<String>,
}

/// Whether a role can be issued from an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Readiness {
    /// It can.
    Ready,
    /// The account's stack does not allow all that the role does, as far as is known.
    AwaitingUpdate,
    /// The account has not proved itself.
    NotJoined,
}

impl AccountOfRole {
    /// For the session policy with this SHA-256.
    #[must_use]
    pub fn readiness(&self, policy_sha256: &str) -> Readiness {
        if !self.state.is_joined() {
            Readiness::NotJoined
        } else if !self.is_read || self.covers.as_deref() == Some(policy_sha256) {
            Readiness::Ready
        } else {
            Readiness::AwaitingUpdate
        }
    }
}

impl AccountOfRole {
    /// For a role that is made of this template. One that cannot be made fails for that, and not here.
    #[must_use]
    pub fn readiness_of(
        &self,
        policies: &PolicyLibrary,
        template: &TemplateName,
        parameters: &BTreeMap<String, String>,
    ) -> Readiness {
        if !self.state.is_joined() {
            return Readiness::NotJoined;
        }
        if !self.is_read {
            return Readiness::Ready;
        }
        let policy = policies.get(template).and_then(|template| template.fill(parameters).ok());
        policy.map_or(Readiness::Ready, |policy| self.readiness(&policy.sha256()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_issued_from_an_account_that_was_joined_and_allows_this_very_policy() {
        use AccountState::{Broken, Declared, Joined, Open};
        let ready = |state, is_read, covers: Option<&str>| {
            AccountOfRole { state, is_read, covers: covers.map(str::to_owned) }.readiness("now")
        };

        for state in [Joined, Broken, Open] {
            assert_eq!(ready(state, true, Some("now")), Readiness::Ready, "{state:?}");
            assert_eq!(ready(state, true, Some("before")), Readiness::AwaitingUpdate, "{state:?}");
            assert_eq!(ready(state, true, None), Readiness::AwaitingUpdate, "{state:?}");
            assert_eq!(ready(state, false, None), Readiness::Ready, "in use since before accounts were read");
        }
        assert_eq!(ready(Declared, true, Some("now")), Readiness::NotJoined);
        assert_eq!(ready(Declared, false, None), Readiness::NotJoined);
    }
}
