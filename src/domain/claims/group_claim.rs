//! Reading the groups out of what a provider says of somebody.

use std::str::FromStr;

use serde_json::Value;

use super::{Group, GroupForm, Groups};
use crate::domain::id::ParseError;

/// Our own bounds, generous beside what was seen in the wild (Entra ID stops at 200 groups, Okta at 100). An entitlement
/// is kept as every requirement that it satisfies, which is a few for each.
const MAX_GROUPS: usize = 1_000;
const MAX_KEPT: usize = 5_000;

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

    /// The member of the claims that it begins at.
    #[must_use]
    pub fn member(&self) -> &str {
        match self.0.strip_prefix('/') {
            Some(pointer) => pointer.split('/').next().unwrap_or_default(),
            None => &self.0,
        }
    }

    /// Reads the groups out of a set of claims.
    ///
    /// # Errors
    ///
    /// When the claim is there and is not a list of group names (or one group name).
    pub fn read(&self, claims: &Value, form: &GroupForm) -> Result<Groups, GroupClaimError> {
        let found = if self.0.starts_with('/') { claims.pointer(&self.0) } else { claims.get(&self.0) };
        let is_elsewhere = self.is_elsewhere(claims);
        let entries = match found {
            None if is_elsewhere => return Ok(Groups::Overage),
            None => return Ok(Groups::Absent),
            Some(Value::String(one)) => match &form.separator {
                Some(separator) => one.split(separator).map(str::trim).filter(|part| !part.is_empty()).collect(),
                None => vec![one.as_str()],
            },
            Some(Value::Array(many)) => many
                .iter()
                .map(|entry| entry.as_str().ok_or_else(|| self.shape("a list with something else than text in it")))
                .collect::<Result<_, _>>()?,
            Some(Value::Null) => return Err(self.shape("null")),
            Some(Value::Bool(_)) => return Err(self.shape("a boolean")),
            Some(Value::Number(_)) => return Err(self.shape("a number")),
            Some(Value::Object(_)) => return Err(self.shape("an object")),
        };
        let count = entries.len();
        if count > MAX_GROUPS {
            return Err(GroupClaimError::TooMany { claim: self.0.clone(), count });
        }
        let mut groups: Vec<Group> = Vec::new();
        for entry in entries {
            let kept = form.kept(entry);
            groups.extend(kept.map_err(|source| GroupClaimError::Entry { claim: self.0.clone(), source })?);
            if groups.len() > MAX_KEPT {
                return Err(GroupClaimError::TooMany { claim: self.0.clone(), count });
            }
        }
        groups.sort();
        groups.dedup();
        let is_cut = is_elsewhere || form.limit.is_some_and(|limit| count >= limit.get());
        Ok(if is_cut { Groups::Truncated(groups) } else { Groups::Present(groups) })
    }

    /// Whether the provider says that the groups are to be fetched from elsewhere, because they are too many for a token:
    /// `_claim_names` (OpenID Connect Core, section 5.6.2) or Entra ID's `hasgroups`. Nothing is ever fetched from there:
    /// the address is the token's, and it would be shown a token of ours.
    fn is_elsewhere(&self, claims: &Value) -> bool {
        let member = self.member();
        let has_groups = claims.get("hasgroups").is_some_and(|has| *has == Value::Bool(true) || has == "true");
        claims.get("_claim_names").is_some_and(|names| names.get(member).is_some())
            || (member == "groups" && has_groups)
    }

    fn shape(&self, found: &'static str) -> GroupClaimError {
        GroupClaimError::Shape { claim: self.0.clone(), found }
    }
}

impl Default for GroupClaim {
    fn default() -> Self {
        Self("groups".to_owned())
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
    use crate::domain::claims::GroupFormat;

    fn read(claim: &str, claims: &Value) -> Result<Groups, GroupClaimError> {
        read_as(claim, &GroupForm::default(), claims)
    }

    fn read_as(claim: &str, form: &GroupForm, claims: &Value) -> Result<Groups, GroupClaimError> {
        claim.parse::<GroupClaim>().unwrap().read(claims, form)
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

    #[test]
    fn a_string_is_split_by_the_separator_that_was_set() {
        let form = GroupForm { separator: Some(";".to_owned()), ..GroupForm::default() };

        assert_eq!(read_as("groups", &form, &json!({"groups": "b; a c ;;a c"})), Ok(present(&["a c", "b"])));
        assert_eq!(read_as("groups", &form, &json!({"groups": ""})), Ok(present(&[])));
        assert_eq!(
            read_as("groups", &form, &json!({"groups": ["a;b"]})),
            Ok(present(&["a;b"])),
            "a list is one already"
        );
    }

    #[test]
    fn groups_that_are_elsewhere_are_not_none() {
        let elsewhere =
            json!({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://x"}}});

        assert_eq!(read("groups", &elsewhere), Ok(Groups::Overage));
        assert_eq!(read("groups", &json!({"hasgroups": true})), Ok(Groups::Overage));
        assert_eq!(read("groups", &json!({"hasgroups": "true"})), Ok(Groups::Overage));
        assert_eq!(read("roles", &elsewhere), Ok(Groups::Absent), "another claim is elsewhere");
        assert_eq!(read("groups", &json!({"hasgroups": false})), Ok(Groups::Absent));
        let both = json!({"groups": ["a"], "hasgroups": true});
        assert_eq!(read("groups", &both), Ok(Groups::Truncated(vec!["a".parse().unwrap()])));
    }

    #[test]
    fn as_many_as_are_ever_sent_may_be_fewer_than_there_are() {
        let form = GroupForm { limit: std::num::NonZeroUsize::new(2), ..GroupForm::default() };

        assert_eq!(read_as("groups", &form, &json!({"groups": ["a"]})), Ok(present(&["a"])));
        for full in [json!(["a", "b"]), json!(["a", "b", "c"])] {
            let groups = read_as("groups", &form, &json!({"groups": full})).unwrap();
            assert!(matches!(groups, Groups::Truncated(_)), "{full}");
        }
    }

    #[test]
    fn an_entitlement_is_kept_as_all_that_it_satisfies() {
        let form = GroupForm { format: GroupFormat::Entitlement, ..GroupForm::default() };
        let claims = json!({"groups": ["urn:geant:X:group:lab:phd:role=member#a.example", "urn:mace:x:res:y"]});

        let groups = read_as("groups", &form, &claims).unwrap();

        assert_eq!(
            groups,
            present(&[
                "urn:geant:x:group:lab",
                "urn:geant:x:group:lab#a.example",
                "urn:geant:x:group:lab:phd",
                "urn:geant:x:group:lab:phd#a.example",
                "urn:geant:x:group:lab:phd:role=member",
                "urn:geant:x:group:lab:phd:role=member#a.example",
                "urn:mace:x:res:y",
            ])
        );
    }

    #[test]
    fn what_is_kept_of_entitlements_is_bounded() {
        let form = GroupForm { format: GroupFormat::Entitlement, ..GroupForm::default() };
        let deep = |n: u32| format!("urn:geant:x:group:g{n}:a:b:c:d:e:f:g:h:role=r#s");
        let many: Vec<String> = (0..999).map(deep).collect();

        assert!(matches!(
            read_as("groups", &form, &json!({"groups": many})),
            Err(GroupClaimError::TooMany { count: 999, .. })
        ));
    }
}
