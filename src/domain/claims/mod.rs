//! What a sign-in said, and above all of somebody's groups.
//!
//! A claim that is absent and a claim that is empty are two different outcomes: the first is a provider that was not
//! asked to send groups, the second a person who is in none. Both give no role; the person is told which it was.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::id::ParseError;
use super::person::Subject;

/// Our own bounds, generous beside what was seen in the wild (Entra ID stops at 200 groups, Okta at 100).
const MAX_GROUPS: usize = 1_000;
const MAX_GROUP_BYTES: usize = 512;

/// A group's name, exactly as the provider wrote it; compared byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group(String);

impl Group {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Group {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fits = !text.is_empty() && text.len() <= MAX_GROUP_BYTES && !text.chars().any(char::is_control);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::new("group", "1 to 512 bytes without control characters"))
        }
    }
}

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

/// A group claim that cannot be read. The sign-in fails rather than going on with half of somebody's groups.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupClaimError {
    /// Neither an array of strings nor one string.
    #[error("the group claim `{claim}` is {found}, not a list of names")]
    Shape {
        /// The claim's name, from our configuration.
        claim: String,
        /// What it is instead.
        found: &'static str,
    },
    /// More than we accept.
    #[error("the group claim `{claim}` has {count} entries; at most {MAX_GROUPS} are read")]
    TooMany {
        /// The claim's name, from our configuration.
        claim: String,
        /// How many there are.
        count: usize,
    },
    /// An entry that is empty, too long or has control characters.
    #[error("an entry of the group claim `{claim}` is not a group name")]
    Entry {
        /// The claim's name, from our configuration.
        claim: String,
        /// Why.
        #[source]
        source: ParseError,
    },
}

/// Where a provider puts the groups: a plain name, or a JSON Pointer when it starts with `/` (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupClaim(String);

impl GroupClaim {
    /// The claim as configured.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the groups out of a set of claims.
    ///
    /// # Errors
    ///
    /// When the claim is there and is not a list of group names (or one group name).
    pub fn read(&self, claims: &Value) -> Result<Groups, GroupClaimError> {
        let found = if self.0.starts_with('/') { claims.pointer(&self.0) } else { claims.get(&self.0) };
        let entries = match found {
            None => return Ok(Groups::Absent),
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(many)) => many
                .iter()
                .map(|entry| entry.as_str().ok_or_else(|| self.shape("a list with something else than text in it")))
                .collect::<Result<_, _>>()?,
            Some(Value::Null) => return Err(self.shape("null")),
            Some(Value::Bool(_)) => return Err(self.shape("a boolean")),
            Some(Value::Number(_)) => return Err(self.shape("a number")),
            Some(Value::Object(_)) => return Err(self.shape("an object")),
        };
        if entries.len() > MAX_GROUPS {
            return Err(GroupClaimError::TooMany { claim: self.0.clone(), count: entries.len() });
        }
        let mut groups = entries
            .into_iter()
            .map(|entry| entry.parse().map_err(|source| GroupClaimError::Entry { claim: self.0.clone(), source }))
            .collect::<Result<Vec<Group>, _>>()?;
        groups.sort();
        groups.dedup();
        Ok(Groups::Present(groups))
    }

    fn shape(&self, found: &'static str) -> GroupClaimError {
        GroupClaimError::Shape { claim: self.0.clone(), found }
    }
}

impl FromStr for GroupClaim {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fits = !text.is_empty() && text != "/" && text.len() <= 256 && !text.chars().any(char::is_control);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::new("group claim", "a claim's name or JSON Pointer"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(claim: &str, claims: &Value) -> Result<Groups, GroupClaimError> {
        claim.parse::<GroupClaim>().unwrap().read(claims)
    }

    fn present(names: &[&str]) -> Groups {
        Groups::Present(names.iter().map(|name| name.parse().unwrap()).collect())
    }

    #[test]
    fn absent_and_empty_are_two_outcomes() {
        assert_eq!(read("groups", &json!({"sub": "x"})), Ok(Groups::Absent));
        assert_eq!(read("groups", &json!({"groups": []})), Ok(present(&[])));
    }

    #[test]
    fn a_list_is_sorted_without_repeats_and_one_string_is_one_group() {
        assert_eq!(read("groups", &json!({"groups": ["b", "a", "b"]})), Ok(present(&["a", "b"])));
        assert_eq!(read("groups", &json!({"groups": "a;b c"})), Ok(present(&["a;b c"])), "never split unasked");
    }

    #[test]
    fn a_pointer_reaches_into_objects_and_a_plain_name_is_literal() {
        let claims = json!({"realm_access": {"roles": ["r"]}, "https://x/groups": ["g"]});

        assert_eq!(read("/realm_access/roles", &claims), Ok(present(&["r"])));
        assert_eq!(read("https://x/groups", &claims), Ok(present(&["g"])));
        assert_eq!(read("realm_access.roles", &claims), Ok(Groups::Absent));
    }

    #[test]
    fn names_are_compared_exactly() {
        let groups = present(&["Vision-Students"]);

        assert!(groups.contains(&"Vision-Students".parse().unwrap()));
        assert!(!groups.contains(&"vision-students".parse().unwrap()));
        assert!(!groups.contains(&"Vision".parse().unwrap()));
    }

    #[test]
    fn anything_else_is_refused_whole() {
        for bad in [json!(null), json!(1), json!(true), json!({"a": 1}), json!(["a", 1]), json!([["a"]]), json!([null])]
        {
            assert!(matches!(read("groups", &json!({"groups": bad})), Err(GroupClaimError::Shape { .. })), "{bad}");
        }
        for bad in [json!([""]), json!(["a\nb"]), json!(["a\u{0}"]), json!(["x".repeat(513)])] {
            assert!(matches!(read("groups", &json!({"groups": bad})), Err(GroupClaimError::Entry { .. })), "{bad}");
        }
        let many: Vec<String> = (0..=1_000).map(|n| format!("g{n}")).collect();
        assert!(matches!(read("groups", &json!({"groups": many})), Err(GroupClaimError::TooMany { count: 1_001, .. })));
    }
}
