//! Cutting off: taking credentials away that were handed out and live.

use serde::{Deserialize, Serialize};

/// Whose sessions to cut off in a lab: `POST /api/v1/labs/{lab}/cut-offs`. Exactly one of `person`, `role` and `everyone` says
/// so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewCutOff {
    /// One person's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::PersonId>))]
    pub person: Option<String>,
    /// All of one role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::RoleName>))]
    pub role: Option<String>,
    /// All of the lab.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everyone: bool,
    /// Why, in one line of at most 200 characters: for the ledger, and for whoever asks why AWS said no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether they are also kept out until somebody lifts it. Otherwise they get new credentials about a minute later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hold: bool,
}

/// Why to cut somebody off in all labs: `POST /api/v1/me/cut-off` and `POST /api/v1/operator/people/{person}/cut-off`. May be
/// left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewCutOffEverywhere {
    /// Why, in one line of at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Sessions that were cut off in a lab, and how far that has got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct CutOff {
    /// `cut-…`
    #[cfg_attr(feature = "server", schema(value_type = super::texts::CutOffId))]
    pub id: String,
    /// The lab's name.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::LabName))]
    pub lab: String,
    /// Whose: `person`, `role` or `everyone`.
    pub whose: WhoseSessions,
    /// Who did it, when it was a person: `p-…`
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::PersonId>, required))]
    pub by: Option<String>,
    /// The same in words: a name, an id, `operator root`, `the broker`.
    pub by_says: String,
    /// What led to it.
    pub cause: CutOffCause,
    /// Why, in the words of whoever did it.
    #[cfg_attr(feature = "server", schema(required))]
    pub reason: Option<String>,
    /// How many sessions of these lived at that moment.
    pub sessions: u32,
    /// Sessions that AWS issued before this are denied.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub before: String,
    /// The steps, in order, those that are still to come included.
    pub steps: Vec<CutOffStep>,
    /// Whether nothing is left to be waited for: AWS has it, and a denial was seen or cannot be.
    pub done: bool,
    /// From when on new credentials are issued to them; `null` while they are kept out until somebody lifts it.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub reissue_at: Option<String>,
    /// Whether they are kept out until somebody lifts it.
    pub held: bool,
    /// When somebody lifted it.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub lifted_at: Option<String>,
    /// When the last of these sessions dies by itself; `null` when none lived.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub dead_at: Option<String>,
    /// What keeps AWS from having it, when something does.
    #[cfg_attr(feature = "server", schema(required))]
    pub trouble: Option<CutOffTrouble>,
}

/// Whose sessions were cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum WhoseSessions {
    /// One person's.
    Person {
        /// `p-…`
        #[cfg_attr(feature = "server", schema(value_type = super::texts::PersonId))]
        id: String,
        /// What the university calls them, when it ever said.
        #[cfg_attr(feature = "server", schema(required))]
        name: Option<String>,
    },
    /// All of one role.
    Role {
        /// The role.
        #[cfg_attr(feature = "server", schema(value_type = super::texts::RoleName))]
        role: String,
    },
    /// All of the lab.
    Everyone,
}

/// What led to a cut-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CutOffCause {
    /// Somebody who looks after the lab wanted it.
    Asked,
    /// The mapping that gave the sessions was ended, and they with it.
    MappingEnded,
    /// The person was suspended.
    Suspended,
    /// Their university said that they had left, or signed out there.
    SignedOut,
    /// The person themselves, or an operator, wanted it in all labs.
    Everywhere,
}

/// One step of a cut-off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct CutOffStep {
    /// Which.
    pub step: CutOffStepName,
    /// When; `null` when it is still to come, or will not.
    #[cfg_attr(feature = "server", schema(format = DateTime, required))]
    pub at: Option<String>,
    /// How it is, in words for a person.
    pub says: String,
}

/// The steps of a cut-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CutOffStepName {
    /// Nothing is issued any more.
    IssuingStopped,
    /// AWS has taken the deny.
    DenyWritten,
    /// AWS gave it back as it was written.
    DenyReadBack,
    /// A session of before it was seen to be denied.
    DenialSeen,
}

/// What keeps AWS from having a deny.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct CutOffTrouble {
    /// In a sentence.
    pub says: String,
    /// When it is tried again.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub again_at: String,
    /// What somebody who administers the AWS account can run to do it by hand: one line for a shell with the AWS CLI. It is for
    /// whoever looks after the lab, since others who are cut off are named in it.
    #[serde(default)]
    #[cfg_attr(feature = "server", schema(required))]
    pub by_hand: Option<String>,
}

/// A page of what was cut off in a lab, the newest first: `GET /api/v1/labs/{lab}/cut-offs?after=…&limit=50`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct CutOffs {
    /// Them.
    pub cut_offs: Vec<CutOff>,
    /// `after` for the next page; `null` on the last one.
    #[cfg_attr(feature = "server", schema(value_type = Option<super::texts::CutOffId>, required))]
    pub next: Option<String>,
}

/// One person cut off in all labs, and how far that has got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct CutOffEverywhere {
    /// `cut-…`
    #[cfg_attr(feature = "server", schema(value_type = super::texts::CutOffId))]
    pub id: String,
    /// Who.
    #[cfg_attr(feature = "server", schema(value_type = super::texts::PersonId))]
    pub person: String,
    /// When nothing was issued to them any more, in any lab.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub stopped_at: String,
    /// Whether every lab is in `labs` in which a session of theirs lived.
    pub complete: bool,
    /// Whether nothing is left to be waited for in any of them.
    pub done: bool,
    /// From when on new credentials are issued to them.
    #[cfg_attr(feature = "server", schema(format = DateTime))]
    pub reissue_at: String,
    /// The labs in which they had sessions. Empty when there was none.
    pub labs: Vec<CutOff>,
}
