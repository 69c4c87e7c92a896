//! What those who run a broker send and get: labs, people, connections. Nothing of what is done in a lab is here.

use serde::{Deserialize, Serialize};

/// The broker at a glance: `GET /api/v1/operator`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// The labs that need whoever runs the broker.
    pub needy_labs: Vec<NeedyLab>,
    /// Everybody whom the settings name as an operator, by their ids.
    pub operators: Vec<String>,
}

/// A lab that needs whoever runs the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedyLab {
    /// What people type.
    pub name: String,
    /// `no-pi`, `invitation-lapses` or `pi-suspended`.
    pub need: String,
}

/// One page of the labs: `GET /api/v1/operator/labs?after=vision&limit=100`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labs {
    /// By name, archived ones too.
    pub labs: Vec<LabSummary>,
    /// `after` for the next page; `null` on the last one.
    pub next: Option<String>,
}

/// A lab in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabSummary {
    /// `lab-…`
    pub id: String,
    /// What people type.
    pub name: String,
    /// What people read.
    pub title: String,
    /// Its AWS account.
    pub account: String,
    /// The role there that is assumed for people.
    pub session_role: String,
    /// When it was made.
    pub created_at: String,
    /// Since when it is put away; `null`: it is not.
    pub archived_at: Option<String>,
    /// Who answers for it.
    pub pis: Vec<Holder>,
    /// Until when an invitation to be its PI can be accepted; `null`: none is open.
    pub invited_until: Option<String>,
}

/// Somebody who looks after a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// `p-…`
    pub person: String,
    /// What their provider calls them, if it ever said.
    pub name: Option<String>,
    /// Where they sign in.
    pub connection: String,
    /// `manager` or `pi`.
    pub standing: String,
}

/// A lab by itself: `GET /api/v1/operator/labs/{lab}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lab {
    /// `lab-…`
    pub id: String,
    /// What people type.
    pub name: String,
    /// What people read.
    pub title: String,
    /// Its AWS account.
    pub account: String,
    /// The role there that is assumed for people.
    pub session_role: String,
    /// What the role's trust policy asks for.
    pub external_id: String,
    /// When it was made.
    pub created_at: String,
    /// Since when it is put away; `null`: it is not.
    pub archived_at: Option<String>,
    /// Its roles, by name.
    pub roles: Vec<LabRole>,
    /// Who looks after it: PIs first.
    pub looked_after_by: Vec<Holder>,
    /// The invitation that is open; `null`: none is.
    pub invitation: Option<Invitation>,
    /// What the session role in the account must trust, as IAM reads it; `<broker role ARN>` stands where the broker's own
    /// role goes.
    pub trust_policy: serde_json::Value,
}

/// A role of a lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabRole {
    /// What people type.
    pub name: String,
    /// What it is made of.
    pub template: String,
    /// The longest session, in seconds.
    pub max_duration_seconds: u32,
}

/// An invitation, without its link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// `inv-…`
    pub id: String,
    /// When it was made.
    pub created_at: String,
    /// When it lapses.
    pub lapses_at: String,
}

/// The answer to `POST /api/v1/operator/labs/{lab}/invitation`.
#[derive(Serialize, Deserialize)]
pub struct NewInvitation {
    /// The lab.
    pub lab: String,
    /// The invitation.
    pub invitation: Invitation,
    /// The link, here and never again: whoever accepts it is PI of the lab.
    pub link: String,
}

/// The body of `POST /api/v1/operator/labs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLab {
    /// What people will type.
    pub name: String,
    /// What people will read.
    pub title: String,
    /// The role in the lab's AWS account that is to be assumed for people.
    pub session_role: String,
    /// The pack whose templates become the lab's roles, such as `mturk`; absent or `null`: the lab has no roles.
    #[serde(default)]
    pub pack: Option<String>,
}

/// One page of the people: `GET /api/v1/operator/people?search=kim&suspended=true&after=p-…&limit=100`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct People {
    /// In the order of their ids, which is none that means anything.
    pub people: Vec<PersonSummary>,
    /// `after` for the next page; `null` on the last one.
    pub next: Option<String>,
}

/// Somebody in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonSummary {
    /// `p-…`
    pub id: String,
    /// What their provider calls them, if it ever said.
    pub name: Option<String>,
    /// Where they sign in.
    pub connection: String,
    /// The issuer there.
    pub issuer: String,
    /// What they are known by there.
    pub subject: String,
    /// When they were first seen.
    pub created_at: String,
    /// Since when they are suspended; `null`: they are not.
    pub suspended_at: Option<String>,
    /// What they look after, by lab.
    pub standings: Vec<PersonStanding>,
}

/// What somebody looks after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonStanding {
    /// The lab.
    pub lab: String,
    /// `manager` or `pi`.
    pub standing: String,
}

/// Somebody by themselves: `GET /api/v1/operator/people/{person}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
pub struct Suspended {
    /// `p-…`
    pub id: String,
    /// How many sessions were ended.
    pub sessions_ended: u64,
}

/// `GET /api/v1/operator/connections`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    /// By name.
    pub connections: Vec<Connection>,
}

/// Where people sign in, as the settings have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// What mappings call it.
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
    pub group_limit: Option<usize>,
    /// The claim that somebody is known by.
    pub subject_claim: String,
    /// Its words for a second factor; where there are none, operators change things without one.
    pub second_factor: Vec<String>,
}

/// The answer to `POST /api/v1/operator/connections/{connection}/check`, which asks the provider now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionCheck {
    /// How many keys it publishes for signatures.
    pub keys: usize,
    /// What is wrong, a sentence each.
    pub problems: Vec<String>,
}

/// `GET /api/v1/operator/version`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The program's.
    pub program: String,
    /// The database's program and its version.
    pub database: String,
    /// The latest migration that the database's schema has had.
    pub migration: i64,
    /// Since when this broker runs.
    pub started_at: String,
    /// The address that people and helpers use.
    pub public_url: String,
    /// How many policy templates it has.
    pub policy_templates: usize,
}
