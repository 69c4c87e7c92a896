//! The session that a call was made with, as far as the ledger knows it.

use chrono::{DateTime, Utc};

use crate::domain::cut_off::CutOffReason;
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
    /// That it was cut off, if it was.
    pub cut_off: Option<SessionCutOff>,
}

/// That a session was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCutOff {
    /// When.
    pub at: DateTime<Utc>,
    /// Why, in the words of whoever did it.
    pub reason: Option<CutOffReason>,
    /// From when on new credentials are issued; nothing while they are kept back until somebody lifts it.
    pub again_at: Option<DateTime<Utc>>,
}

impl SessionCutOff {
    /// What to do next, a sentence each.
    #[must_use]
    pub fn next(&self, now: DateTime<Utc>) -> Vec<String> {
        let why = self.reason.as_ref().map_or_else(String::new, |reason| format!(" (\"{}\")", reason.as_str()));
        let was = format!("These credentials were cut off at {}{why}, and stay dead.", moment(self.at));
        let then = match self.again_at {
            None => "New ones are kept back until somebody who looks after the lab lifts it. Ask them.".to_owned(),
            Some(at) if now < at => format!("New ones are issued from {} on.", moment(at)),
            Some(_) => "Get new ones: `lodge status` drops those that a machine has kept.".to_owned(),
        };
        vec![was, then]
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%H:%M:%S UTC").to_string()
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
