//! Why AWS said no to somebody: `POST /api/v1/labs/{lab}/why`, and `POST /api/v1/why` where the error itself says which lab.

use serde::{Deserialize, Serialize};

use super::accounts::Mender;
use super::labs::LabPerson;

/// What somebody asks: about an error that they saw, or about an action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WhyQuestion {
    /// The error as a tool printed it, with whatever stands around it. It is read and dropped: nothing of it is kept or
    /// logged, and only what is understood of it comes back. A helper sends no more than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The action, when there is no error: `mechanicalturk:SendBonus`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(pattern = "^[A-Za-z0-9-]+:[A-Za-z0-9-]+$", max_length = 160))]
    pub action: Option<String>,
    /// The ARN of what it is called on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(pattern = "^arn:[!-~ ]+$", max_length = 1200))]
    pub resource: Option<String>,
    /// The role that is used, or would be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::RoleName>))]
    pub role: Option<String>,
    /// One of the lab's people, for whom a manager or a PI asks.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::PersonId>))]
    pub person: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Why {
    /// The lab; `null` when the error is of none that the caller belongs to.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::LabName>, required))]
    pub lab: Option<String>,
    /// What it comes to, in a word.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::WhyFinding))]
    pub finding: String,
    /// Whether it is no matter of this broker's.
    pub is_not_ours: bool,
    /// What it comes to, in a sentence or two.
    pub says: String,
    /// What to do next, a sentence each.
    pub next: Vec<String>,
    /// Who can do something about it.
    pub menders: Vec<Mender>,
    /// The error, as far as it was understood; `null` when there was none.
    #[cfg_attr(feature = "server", schema(required))]
    pub error: Option<WhyError>,
    /// The action that this is about.
    #[cfg_attr(feature = "server", schema(required))]
    pub action: Option<String>,
    /// What that does, in words.
    #[cfg_attr(feature = "server", schema(required))]
    pub does: Option<String>,
    /// The ARN of what it was called on.
    #[cfg_attr(feature = "server", schema(required))]
    pub resource: Option<String>,
    /// The role that it was called with, or that was named.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::RoleName>, required))]
    pub role: Option<String>,
    /// Whom this is about; `null` for the caller.
    #[serde(rename = "for")]
    #[cfg_attr(feature = "server", schema(required))]
    pub person: Option<WhyPerson>,
    /// The session that it was called with, when it is theirs.
    #[cfg_attr(feature = "server", schema(required))]
    pub session: Option<WhySession>,
    /// The lab's roles that allow the action, those first that are nearest.
    pub roles: Vec<WhyRole>,
    /// Whom to ask: the lab's PIs, and for those who look after the lab its managers.
    pub whom: Vec<LabPerson>,
}

/// What was understood of an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct WhyError {
    /// What kind of error it is.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::AwsErrorKind))]
    pub kind: String,
    /// The same in words.
    pub says: String,
    /// AWS's code.
    #[cfg_attr(feature = "server", schema(required))]
    pub code: Option<String>,
    /// The kind of policy that AWS names, as it calls it.
    #[cfg_attr(feature = "server", schema(required))]
    pub policy: Option<String>,
    /// Whether AWS says that a statement denies it.
    pub is_explicit: bool,
    /// Who called, as AWS names them.
    #[cfg_attr(feature = "server", schema(required))]
    pub caller: Option<String>,
    /// The account that they called from.
    #[cfg_attr(feature = "server", schema(required))]
    pub account_id: Option<String>,
}

/// Somebody of a lab whom a question is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct WhyPerson {
    /// `p-…`
    #[cfg_attr(feature = "server", schema(value_type = super::texts::PersonId))]
    pub id: String,
    /// What the university calls them, when it ever said.
    #[cfg_attr(feature = "server", schema(required))]
    pub name: Option<String>,
    /// Whether the name of somebody else of the lab looks the same. Compare the ids.
    pub looks_like_another: bool,
}

/// A session that was handed out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct WhySession {
    /// Its name at AWS.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleSessionId))]
    pub id: String,
    /// The role.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
    pub role: String,
    /// When it was handed out.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub issued_at: String,
    /// When its credentials die, or died.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub expires_at: Option<String>,
    /// Whether they are dead.
    pub is_over: bool,
    /// Whether the role's policy has changed since: a session keeps the one that it was made with.
    pub policy_has_changed: bool,
}

/// A role that allows the action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct WhyRole {
    /// The role.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
    pub role: String,
    /// What it is for, in a few words.
    pub title: String,
    /// How far it allows the action.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::Reach))]
    pub reach: String,
    /// The same in words that follow the role's name.
    pub allows: String,
    /// Whether they can have it.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::Chance))]
    pub chance: String,
    /// The same in a sentence, with how they come by it.
    pub says: String,
    /// Their group that a mapping gives it to, or gave.
    #[cfg_attr(feature = "server", schema(required))]
    pub group: Option<String>,
    /// When that mapping ends, or did.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub ends_at: Option<String>,
}
