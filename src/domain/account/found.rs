//! What was read from an account.

use std::collections::BTreeMap;

/// The parts of a lab's account as they were found there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundAccount {
    /// The session role; none when there is none of that name.
    pub session_role: Option<FoundRole>,
    /// The managed policy that should hold its permissions.
    pub permissions: Option<FoundPolicy>,
    /// The managed policy that should be its boundary.
    pub boundary: Option<FoundPolicy>,
    /// The steward role.
    pub steward_role: Option<FoundRole>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRole {
    /// `AROA…`: another one when the role was deleted and made anew.
    pub id: String,
    /// The trust policy.
    pub trust: String,
    /// How long a session may be, in seconds.
    pub max_session_seconds: u32,
    /// The ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// The ARNs of the managed policies that are attached.
    pub attached: Vec<String>,
    /// The inline policies, by name.
    pub inline: BTreeMap<String, String>,
}

/// A managed policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPolicy {
    /// The document of its default version.
    pub document: String,
}
