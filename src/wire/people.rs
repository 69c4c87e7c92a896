//! What those who look after a lab get of its people: who they are, what each has, the sessions that live.

use serde::{Deserialize, Serialize};

/// One page of a lab's people: `GET /api/v1/labs/{lab}/members?q=…&after=…&limit=100`. They are those who were given a role
/// of the lab and those who look after it; nobody is here for being in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Members {
    /// PIs first, then managers, then everybody else; of these those first who asked last.
    pub people: Vec<Member>,
    /// `after` for the next page; `null` on the last one.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::PeoplePlace>, required))]
    pub next: Option<String>,
    /// How many there are on all pages.
    pub total: usize,
}

/// One of a lab's people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Member {
    /// `p-…`
    #[cfg_attr(feature = "server", schema(value_type = super::texts::PersonId))]
    pub id: String,
    /// What the university calls them, when it ever said.
    #[cfg_attr(feature = "server", schema(required))]
    pub name: Option<String>,
    /// Whether another one's name looks the same. Compare the ids.
    pub looks_like_another: bool,
    /// The connection they sign in at.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::ConnectionName))]
    pub connection: String,
    /// What people call that connection.
    pub connection_title: String,
    /// `manager` or `pi`; `null` for somebody who uses the lab only.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::Office>, required))]
    pub standing: Option<String>,
    /// Whether whoever runs the broker has suspended them.
    pub suspended: bool,
    /// When they were given a role of the lab for the first time.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub first_asked_at: Option<String>,
    /// When they were for the last time.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub last_asked_at: Option<String>,
    /// What they have, by role.
    pub roles: Vec<HeldRole>,
}

/// A role that somebody has, or would have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct HeldRole {
    /// The role.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
    pub role: String,
    /// How far.
    pub state: HeldState,
    /// The mapping that gives it: of several, the one that asks for least.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::MappingId))]
    pub mapping: String,
    /// When that mapping ends.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub ends_at: Option<String>,
    /// Whether a session of it lives.
    pub in_use: bool,
}

/// What a role is to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum HeldState {
    /// They have it.
    Has,
    /// They have it whenever they sign in with a second factor.
    WithMfa,
    /// A PI has to approve them first.
    Approval,
    /// Their groups are too old for the lab: they have to sign in again.
    OldGroups,
}

/// A lab at a glance: `GET /api/v1/labs/{lab}/overview?after=…&limit=100`, which pages the people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Overview {
    /// The lab's name.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::LabName))]
    pub lab: String,
    /// Its roles, by name.
    pub roles: Vec<OverviewRole>,
    /// Its people.
    pub people: Members,
    /// How many of them were given a role once.
    pub known: usize,
    /// The newest sessions that live; `GET …/role-sessions` has all of them.
    pub sessions: RoleSessions,
    /// What needs attention, the most urgent first.
    pub attention: Vec<Attention>,
}

/// A role, and how much it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct OverviewRole {
    /// What people type.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
    pub name: String,
    /// What it is for, in a few words.
    pub title: String,
    /// How many of the lab's people have it.
    pub people: u64,
    /// How many sessions of it live.
    pub sessions: u64,
    /// How many live mappings give it.
    pub mappings: usize,
}

/// Something to see to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Attention {
    /// `account-open`, `account-broken`, `account-not-joined`, `waiting-changes`, `account-update`, `no-pi`,
    /// `suspended-holders`, `look-alikes`, `ending-mappings`, `unmapped-roles`, `empty-mappings`, `trouble` or `only-pi`.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::AttentionKind))]
    pub kind: String,
    /// How many things it is about.
    pub count: u64,
    /// Which: ids of changes, people or mappings, or names of roles; empty where it is about none of these.
    pub subjects: Vec<String>,
}

/// One page of the sessions that live: `GET /api/v1/labs/{lab}/role-sessions?after=…&limit=100`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RoleSessions {
    /// The newest first.
    pub sessions: Vec<RoleSession>,
    /// `after` for the next page; `null` on the last one.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::RoleSessionPlace>, required))]
    pub next: Option<String>,
}

/// AWS credentials that were handed out and live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct RoleSession {
    /// `rs-…`: its place in the ledger and, as the session name, in CloudTrail.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleSessionId))]
    pub id: String,
    /// Whose: `p-…`
    #[cfg_attr(feature = "server", schema(value_type = super::texts::PersonId))]
    pub person: String,
    /// What the university calls them, when it ever said.
    #[cfg_attr(feature = "server", schema(required))]
    pub name: Option<String>,
    /// Whether another one's name looks the same.
    pub looks_like_another: bool,
    /// What people call the connection they sign in at.
    pub connection_title: String,
    /// The role.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
    pub role: String,
    /// The mapping that gave it.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::MappingId))]
    pub mapping: String,
    /// Since when.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub issued_at: String,
    /// Until when.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub expires_at: String,
    /// What it is for, in a few words: the title of the role's template.
    #[serde(default)]
    pub title: String,
    /// The cut-off that it is denied by, when there is one.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::CutOffId>, required))]
    pub cut_off: Option<String>,
}
