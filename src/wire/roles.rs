//! What a lab's roles can do.

use serde::{Deserialize, Serialize};

/// A lab's roles, for those who belong to it: `GET /api/v1/labs/{lab}/roles`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Roles {
    /// By name.
    pub roles: Vec<Role>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Role {
    /// What people type.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
    pub name: String,
    /// What it is for, in a few words.
    pub title: String,
    /// The same in a few sentences.
    pub description: String,
    /// What using it can cost the lab.
    pub cost: String,
    /// Whether using it can spend the lab's money, or promise it.
    pub spends: bool,
    /// The longest session, in seconds.
    pub max_duration_seconds: u32,
    /// How old a sign-in may be that uses it, in seconds.
    pub sign_in_max_age_seconds: u32,
    /// What it is made of, such as `mturk/pay`.
    pub template: String,
    /// What it can do, one by one.
    pub actions: Vec<Action>,
    /// The session policy that is sent to AWS; `null` when it cannot be made.
    #[cfg_attr(feature = "server", schema(required))]
    pub policy: Option<serde_json::Value>,
    /// The groups that have it; `null` for who does not look after the lab.
    #[cfg_attr(feature = "server", schema(required))]
    pub groups: Option<Vec<GroupWithRole>>,
}

/// One thing that a role can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "server", schema(as = RoleAction))]
pub struct Action {
    /// As AWS writes it: `mechanicalturk:GetHIT`.
    pub name: String,
    /// The service, as people call it.
    #[cfg_attr(feature = "server", schema(required))]
    pub service: Option<String>,
    /// `list`, `read` or `write`.
    #[cfg_attr(feature = "server", schema(required))]
    pub access_level: Option<String>,
    /// What it does, in words.
    #[cfg_attr(feature = "server", schema(required))]
    pub does: Option<String>,
}

/// A group that has a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct GroupWithRole {
    /// The mapping that gives it.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::MappingId))]
    pub mapping: String,
    /// The connection.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::ConnectionName))]
    pub connection: String,
    /// The group, exactly as the provider writes it.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::GroupName))]
    pub group: String,
}
