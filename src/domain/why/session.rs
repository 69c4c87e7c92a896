//! The session that a call was made with, as far as the ledger knows it.

use chrono::{DateTime, Utc};

use crate::domain::id::{PersonId, RoleName, RoleSessionId};

/// A session that was handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFacts {
    /// Its name at AWS, and its place in the ledger.
    pub id: RoleSessionId,
    /// Whose.
    pub person: PersonId,
    /// The role.
    pub role: RoleName,
    /// When it was handed out.
    pub issued_at: DateTime<Utc>,
    /// When its credentials die; nothing when that cannot be read.
    pub expires_at: Option<DateTime<Utc>>,
    /// How the policy it was made with stands to the role's own.
    pub policy: PolicyOfSession,
}

/// How the policy that a session was made with stands to what its role would be given now. It is frozen into the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyOfSession {
    /// It is the same.
    Same,
    /// The role's has changed since.
    Changed,
}

impl SessionFacts {
    /// Whether its credentials are dead.
    #[must_use]
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}
