//! What those who run a broker send and get: labs, people, connections. Nothing of what is done in a lab is here.

use serde::{Deserialize, Serialize};

/// The broker at a glance: `GET /api/v1/operator`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "server", schema(as = OperatorOverview))]
pub struct Overview {
    /// The labs that need whoever runs the broker.
    pub needy_labs: Vec<NeedyLab>,
    /// Everybody whom the settings name as an operator, by their ids.
    pub operators: Vec<String>,
}

/// A lab that needs whoever runs the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct NeedyLab {
    /// What people type.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::LabName))]
    pub name: String,
    /// `account-open`, `account-broken`, `no-pi`, `invitation-lapses` or `pi-suspended`.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::LabNeed))]
    pub need: String,
}

/// One page of the labs: `GET /api/v1/operator/labs?after=vision&limit=100`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "server", schema(as = OperatorLabs))]
pub struct Labs {
    /// By name, archived ones too.
    pub labs: Vec<LabSummary>,
    /// `after` for the next page; `null` on the last one.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::LabName>, required))]
    pub next: Option<String>,
}

/// A lab in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct LabSummary {
    /// `lab-…`
    #[cfg_attr(feature = "server", schema(value_type = super::texts::LabId))]
    pub id: String,
    /// What people type.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::LabName))]
    pub name: String,
    /// What people read.
    pub title: String,
    /// Its AWS account.
    #[cfg_attr(feature = "server", schema(pattern = "^[0-9]{12}$"))]
    pub account: String,
    /// The role there that is assumed for people.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleArn))]
    pub session_role: String,
    /// How the account stands: `declared` (not joined), `joined`, `broken` or `open`.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::AccountState))]
    pub account_state: String,
    /// When it was made.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub created_at: String,
    /// Since when it is put away; `null`: it is not.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub archived_at: Option<String>,
    /// Who answers for it.
    pub pis: Vec<Holder>,
    /// Until when an invitation to be its PI can be accepted; `null`: none is open.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub invited_until: Option<String>,
}

/// Somebody who looks after a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Holder {
    /// `p-…`
    #[cfg_attr(feature = "server", schema(value_type = super::texts::PersonId))]
    pub person: String,
    /// What their provider calls them, if it ever said.
    #[cfg_attr(feature = "server", schema(required))]
    pub name: Option<String>,
    /// Where they sign in.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::ConnectionName))]
    pub connection: String,
    /// `manager` or `pi`.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::Office))]
    pub standing: String,
}

/// A lab by itself: `GET /api/v1/operator/labs/{lab}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "server", schema(as = OperatorLab))]
pub struct Lab {
    /// `lab-…`
    #[cfg_attr(feature = "server", schema(value_type = super::texts::LabId))]
    pub id: String,
    /// What people type.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::LabName))]
    pub name: String,
    /// What people read.
    pub title: String,
    /// Its AWS account.
    #[cfg_attr(feature = "server", schema(pattern = "^[0-9]{12}$"))]
    pub account: String,
    /// The role there that is assumed for people.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleArn))]
    pub session_role: String,
    /// How the account stands: `declared` (not joined), `joined`, `broken` or `open`.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::AccountState))]
    pub account_state: String,
    /// What the role's trust policy asks for.
    pub external_id: String,
    /// When it was made.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub created_at: String,
    /// Since when it is put away; `null`: it is not.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub archived_at: Option<String>,
    /// Its roles, by name.
    pub roles: Vec<LabRole>,
    /// Who looks after it: PIs first.
    pub looked_after_by: Vec<Holder>,
    /// The invitation that is open; `null`: none is.
    #[cfg_attr(feature = "server", schema(required))]
    pub invitation: Option<Invitation>,
    /// What the session role in the account must trust, as IAM reads it; `<broker role ARN>` stands where the broker's own
    /// role goes.
    pub trust_policy: serde_json::Value,
}

/// A role of a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "server", schema(as = OperatorLabRole))]
pub struct LabRole {
    /// What people type.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
    pub name: String,
    /// What it is made of.
    pub template: String,
    /// The longest session, in seconds.
    pub max_duration_seconds: u32,
}

/// An invitation, without its link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Invitation {
    /// `inv-…`
    #[cfg_attr(feature = "server", schema(value_type = super::texts::InvitationId))]
    pub id: String,
    /// When it was made.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub created_at: String,
    /// When it lapses.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub lapses_at: String,
}

/// The answer to `POST /api/v1/operator/labs/{lab}/invitation`.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct NewInvitation {
    /// The lab.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::LabName))]
    pub lab: String,
    /// The invitation.
    pub invitation: Invitation,
    /// The link, here and never again: whoever accepts it is PI of the lab.
    pub link: String,
}

/// The body of `POST /api/v1/operator/labs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewLab {
    /// What people will type.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::LabName))]
    pub name: String,
    /// What people will read.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::LabTitle))]
    pub title: String,
    /// The role in the lab's AWS account that is to be assumed for people.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleArn))]
    pub session_role: String,
    /// The pack whose templates become the lab's roles, such as `mturk`; absent or `null`: the lab has no roles.
    #[serde(default)]
    pub pack: Option<String>,
    /// What fills the pack's templates, each by its name: a template takes those that it has a parameter for.
    #[serde(default)]
    pub parameters: std::collections::BTreeMap<String, String>,
}

/// One page of the people: `GET /api/v1/operator/people?search=kim&suspended=true&after=p-…&limit=100`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "server", schema(as = OperatorPeople))]
pub struct People {
    /// In the order of their ids, which is none that means anything.
    pub people: Vec<PersonSummary>,
    /// `after` for the next page; `null` on the last one.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::PersonId>, required))]
    pub next: Option<String>,
}

/// Somebody in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PersonSummary {
    /// `p-…`
    #[cfg_attr(feature = "server", schema(value_type = super::texts::PersonId))]
    pub id: String,
    /// What their provider calls them, if it ever said.
    #[cfg_attr(feature = "server", schema(required))]
    pub name: Option<String>,
    /// Where they sign in.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::ConnectionName))]
    pub connection: String,
    /// The issuer there.
    pub issuer: String,
    /// What they are known by there.
    pub subject: String,
    /// When they were first seen.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub created_at: String,
    /// Since when they are suspended; `null`: they are not.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub suspended_at: Option<String>,
    /// What they look after, by lab.
    pub standings: Vec<PersonStanding>,
}

/// What somebody looks after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PersonStanding {
    /// The lab.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::LabName))]
    pub lab: String,
    /// `manager` or `pi`.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::Office))]
    pub standing: String,
}

/// Somebody by themselves: `GET /api/v1/operator/people/{person}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "server", schema(as = OperatorPerson))]
pub struct Person {
    /// Who.
    #[serde(flatten)]
    pub person: PersonSummary,
    /// How many browsers they are signed in with.
    pub browser_sessions: usize,
    /// How many helpers.
    pub helper_sessions: usize,
}

/// The answer to `POST /api/v1/operator/people/{person}/suspend`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Suspended {
    /// `p-…`
    #[cfg_attr(feature = "server", schema(value_type = super::texts::PersonId))]
    pub id: String,
    /// How many sessions were ended.
    pub sessions_ended: u64,
}

/// `GET /api/v1/operator/connections`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Connections {
    /// By name.
    pub connections: Vec<Connection>,
}

/// Where people sign in, as the settings have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "server", schema(as = OperatorConnection))]
pub struct Connection {
    /// What mappings call it.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::ConnectionName))]
    pub name: String,
    /// What people read.
    pub title: String,
    /// Its `iss`.
    pub issuer: String,
    /// The claim with the groups.
    pub group_claim: String,
    /// What each of them is: `plain`, `entitlement` or `guid`.
    pub group_format: String,
    /// How many it sends at most; `null`: it sends all.
    #[cfg_attr(feature = "server", schema(required))]
    pub group_limit: Option<usize>,
    /// The claim that somebody is known by.
    pub subject_claim: String,
    /// Its words for a second factor; where there are none, operators change things without one.
    pub second_factor: Vec<String>,
}

/// The answer to `POST /api/v1/operator/connections/{connection}/check`, which asks the provider now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct ConnectionCheck {
    /// How many keys it publishes for signatures.
    pub keys: usize,
    /// What is wrong, a sentence each.
    pub problems: Vec<String>,
}

/// `GET /api/v1/operator/version`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Version {
    /// The program's.
    pub program: String,
    /// The database's program and its version.
    pub database: String,
    /// The latest migration that the database's schema has had.
    pub migration: i64,
    /// Since when this broker runs.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub started_at: String,
    /// The address that people and helpers use.
    pub public_url: String,
    /// How many policy templates it has.
    pub policy_templates: usize,
}
