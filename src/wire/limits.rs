//! How old sign-ins and groups may be in a lab.

use serde::{Deserialize, Deserializer, Serialize};

/// What holds in a lab, for those who belong to it: `GET /api/v1/labs/{lab}/limits`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Limits {
    /// The lab's name.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::LabName))]
    pub lab: String,
    /// How old groups may be that the lab's mappings are looked up by.
    pub groups_max_age_seconds: u32,
    /// Whether a PI set it so; otherwise it is the broker's own limit.
    pub groups_max_age_is_set: bool,
    /// The lab's roles, by name.
    pub roles: Vec<RoleLimits>,
}

/// What holds for a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RoleLimits {
    /// The role's name.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
    pub name: String,
    /// What it is for, in a few words.
    pub title: String,
    /// Whether it can spend: then the age counts from when the person showed the university who they are.
    pub spends: bool,
    /// How old a sign-in may be that uses it.
    pub sign_in_max_age_seconds: u32,
    /// Whether a PI set it so; otherwise it is the broker's own limit.
    pub sign_in_max_age_is_set: bool,
}

/// The body of `PATCH /api/v1/labs/{lab}/limits`, answered with the [`Limits`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LabLimitsEdit {
    /// 3600 to 2592000; `null` leaves it to the broker.
    #[serde(deserialize_with = "said")]
    #[cfg_attr(feature = "server", schema(minimum = 3600, maximum = 2_592_000, required))]
    pub groups_max_age_seconds: Option<u32>,
}

/// The body of `PATCH /api/v1/labs/{lab}/roles/{role}/limits`, answered with the [`Limits`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RoleLimitsEdit {
    /// 3600 to 2592000, or 300 to 43200 for a role that spends; `null` leaves it to the broker.
    #[serde(deserialize_with = "said")]
    #[cfg_attr(feature = "server", schema(minimum = 300, maximum = 2_592_000, required))]
    pub sign_in_max_age_seconds: Option<u32>,
}

/// One that is left out is none that is `null`.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    super::whole(deserializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_says_what_it_sets() {
        let read = |text| serde_json::from_str::<LabLimitsEdit>(text).map(|edit| edit.groups_max_age_seconds).ok();

        assert_eq!(read(r#"{"groups_max_age_seconds":3600}"#), Some(Some(3_600)));
        assert_eq!(read(r#"{"groups_max_age_seconds":null}"#), Some(None));
        for bad in ["{}", r#"{"groups_max_age_seconds":-1}"#, r#"{"groups_max_age_seconds":"1h"}"#, r#"{"lab":"x"}"#] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
