//! What a sign-in said, and above all of somebody's groups.
//!
//! A claim that is absent and a claim that is empty are two different outcomes: the first is a provider that was not
//! asked to send groups, the second a person who is in none. Both give no role; the person is told which it was.

mod entitlement;
mod form;
mod group;
mod group_claim;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

pub use entitlement::Entitlement;
pub use form::{GroupForm, GroupFormat};
pub use group::Group;
pub use group_claim::{GroupClaim, GroupClaimError};

use super::id::ParseError;
use super::person::Subject;

/// The groups of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Groups {
    /// The provider sent no group claim at all.
    Absent,
    /// The provider sent a pointer instead of the groups, because there are too many. Nothing is known of them; that is
    /// not the same as none.
    Overage,
    /// The provider sent these, sorted and without repeats; perhaps none.
    Present(Vec<Group>),
    /// The provider sent as many as it ever sends. The person is in each of these, and perhaps in others.
    Truncated(Vec<Group>),
}

impl Groups {
    /// The groups there are.
    #[must_use]
    pub fn as_slice(&self) -> &[Group] {
        match self {
            Self::Absent | Self::Overage => &[],
            Self::Present(groups) | Self::Truncated(groups) => groups,
        }
    }

    /// Whether this very group is among them.
    #[must_use]
    pub fn contains(&self, group: &Group) -> bool {
        self.as_slice().contains(group)
    }
}

/// What a provider said of somebody when they signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimsSnapshot {
    /// Their groups.
    pub groups: Groups,
    /// Whether it was said that they used a second factor. What it did not say, they did not.
    pub mfa: bool,
    /// When they last showed the provider who they are (`auth_time`), if it said. A sign-in may ride on a session there
    /// that is much older than itself.
    pub authenticated_at: Option<DateTime<Utc>>,
    /// Its `sub`, whatever claim the person is known by: what its logout tokens name.
    pub provider_subject: Option<Subject>,
    /// Its `sid`, if it gave one: what its logout tokens name.
    pub provider_session: Option<ProviderSession>,
}

impl ClaimsSnapshot {
    /// One that says nothing beside the groups.
    #[must_use]
    pub const fn of_groups(groups: Groups) -> Self {
        Self { groups, mfa: false, authenticated_at: None, provider_subject: None, provider_session: None }
    }
}

/// The `sid` of a session at a provider: 1 to 255 printable ASCII characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProviderSession(String);

impl ProviderSession {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ProviderSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderSession(…)")
    }
}

impl FromStr for ProviderSession {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(ParseError::new("session", "1 to 255 printable characters")) }
    }
}
