//! What a lab's roles can do.

use std::collections::BTreeMap;

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
    /// What fills that.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
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

/// What a lab's roles can be made of: `GET /api/v1/labs/{lab}/templates`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Templates {
    /// By name.
    pub templates: Vec<Template>,
}

/// A policy template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "server", schema(as = PolicyTemplate))]
pub struct Template {
    /// `PACK/NAME`.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::TemplateName))]
    pub name: String,
    /// What it is for, in a few words.
    pub title: String,
    /// The same in a few sentences.
    pub description: String,
    /// What using it can cost the lab.
    pub cost: String,
    /// The most that it can do with the lab's money.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::Money))]
    pub money: String,
    /// What to have read before giving it to anybody.
    pub beware: Vec<String>,
    /// What a lab fills in, by name.
    pub parameters: Vec<TemplateParameter>,
    /// The AWS actions that it allows.
    pub actions: Vec<String>,
}

/// What a lab fills a template with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct TemplateParameter {
    /// Its name.
    pub name: String,
    /// What a value must look like.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "server", schema(value_type = super::texts::ParameterType))]
    pub kind: String,
    /// The same in words.
    pub form: String,
    /// Its label.
    pub title: String,
    /// What it is.
    pub description: String,
    /// A value that it could have.
    pub example: String,
}

/// The body of `POST /api/v1/labs/{lab}/roles`, and of `…/roles/preview`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// What people will type.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
    pub name: String,
    /// What it is made of. That never changes.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::TemplateName))]
    pub template: String,
    /// What fills that, each by its name.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The longest session, in seconds; an hour when it is left out.
    #[serde(default, deserialize_with = "super::whole", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(minimum = 900, maximum = 3600))]
    pub max_duration_seconds: Option<u32>,
}

/// The body of `PATCH /api/v1/labs/{lab}/roles/{role}`, with `If-Match`: a field that is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RoleEdit {
    /// All that fills its template, each by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<String, String>>,
    /// The longest session, in seconds.
    #[serde(default, deserialize_with = "super::whole", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(minimum = 900, maximum = 3600))]
    pub max_duration_seconds: Option<u32>,
}

/// What a role is made of, and what fills that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RoleTerms {
    /// What people type.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
    pub name: String,
    /// What it is made of.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::TemplateName))]
    pub template: String,
    /// What fills that.
    pub parameters: BTreeMap<String, String>,
    /// The longest session, in seconds.
    pub max_duration_seconds: u32,
    /// What it is now, in a few letters: the `ETag`, without its quotes.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleVersion))]
    pub version: String,
}

/// What a role would be. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RolePreview {
    /// The role as it would be.
    pub role: RoleTerms,
    /// What it would be for, in a few words.
    pub title: String,
    /// What it can cost the lab.
    pub cost: String,
    /// The most that it can do with the lab's money.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::Money))]
    pub money: String,
    /// What to have read before giving it to anybody.
    pub beware: Vec<String>,
    /// The session policy that would be sent to AWS.
    pub policy: serde_json::Value,
    /// Its characters, as it is sent.
    pub policy_chars: usize,
    /// The most that it may have.
    pub policy_chars_max: usize,
    /// Whether it gives more than the role gives now: more actions, on more, or for longer. What cannot be told counts.
    pub gives_more: bool,
    /// What it would newly allow, by action.
    pub newly_allows: Vec<RoleGain>,
    /// What it would allow no more, by action.
    pub no_longer_allows: Vec<RoleGain>,
    /// How many groups have it, by as many live mappings.
    pub mappings: usize,
}

/// A call that one policy allows and another does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RoleGain {
    /// The action.
    pub action: String,
    /// What it would be called on, for example; `null` when that could not be told.
    #[cfg_attr(feature = "server", schema(required))]
    pub example: Option<String>,
}
