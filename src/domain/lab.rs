//! The tenant: a lab, its roles, and the mappings that give a role to a group.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::claims::Group;
use super::id::{ConnectionName, LabId, LabName, MappingId, ParseError, RoleName};
use super::policy::TemplateName;
use super::role_session::{ExternalId, RoleArn, SessionDuration};

/// A lab and its AWS account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lab {
    /// For ever.
    pub id: LabId,
    /// What people type.
    pub name: LabName,
    /// What people read.
    pub title: String,
    /// The role in the lab's account that is assumed for people. Its account is the lab's account.
    pub session_role: RoleArn,
    /// What that role's trust policy asks for.
    pub external_id: ExternalId,
}

/// A lab's named permission set that people ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// What people type.
    pub name: RoleName,
    /// The policy template it is made of.
    pub template: TemplateName,
    /// What fills the template.
    pub parameters: BTreeMap<String, String>,
    /// How long a session of it may live.
    pub max_duration: SessionDuration,
}

/// "Members of group G, at connection C, get role R in this lab", perhaps until some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Stands in the ledger beside every credential it gave.
    pub id: MappingId,
    /// Where the person has to have signed in: the same group name at another provider is another group.
    pub connection: ConnectionName,
    /// The group.
    pub group: Group,
    /// The role.
    pub role: RoleName,
    /// From when on it gives nothing more.
    pub ends_at: Option<DateTime<Utc>>,
}

impl Mapping {
    /// Whether it gives its role at this moment: up to, and not at, its end.
    #[must_use]
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.ends_at.is_none_or(|end| now < end)
    }
}

/// What a person may administer in a lab. Using a role gives no standing beyond `Member`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Has a live mapping or grant.
    Member,
    /// Looks after mappings for the PI.
    Manager,
    /// Answers for the lab.
    Pi,
}

impl Standing {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Manager => "manager",
            Self::Pi => "pi",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Member => "member",
            Self::Manager => "manager",
            Self::Pi => "PI",
        })
    }
}

impl FromStr for Standing {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        [Self::Member, Self::Manager, Self::Pi]
            .into_iter()
            .find(|standing| standing.as_str() == text)
            .ok_or(ParseError::new("standing", "`member`, `manager` or `pi`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_gives_nothing_from_its_end_on() {
        let end = DateTime::from_timestamp(1_000, 0).unwrap();
        let mapping = Mapping {
            id: MappingId::from_entropy([0; 10]),
            connection: "campus".parse().unwrap(),
            group: "g".parse().unwrap(),
            role: "pay".parse().unwrap(),
            ends_at: Some(end),
        };

        assert!(mapping.is_live(end - chrono::TimeDelta::microseconds(1)));
        assert!(!mapping.is_live(end));
    }

    #[test]
    fn a_standing_survives_its_own_text() {
        for standing in [Standing::Member, Standing::Manager, Standing::Pi] {
            assert_eq!(standing.as_str().parse(), Ok(standing));
        }
        assert!("PI".parse::<Standing>().is_err());
    }
}
