//! The tenant: a lab, its roles, and what people may administer there.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::id::{InvitationId, LabId, LabName, ParseError, RoleName};
use super::limits::{GroupsAge, SignInAge};
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
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Since when it gives nothing and is there for nobody but the operator.
    pub archived_at: Option<DateTime<Utc>>,
    /// How old groups may be here; the broker's own limit when the lab sets none.
    pub groups_age: Option<GroupsAge>,
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
    /// How old a sign-in may be that uses it; the broker's own limit when the lab sets none.
    pub sign_in_age: Option<SignInAge>,
}

impl Role {
    /// What the role is now, in a few letters: a change says which it was made of, and is refused when that is not what
    /// the role is any more.
    #[must_use]
    pub fn version(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(self.template.as_str());
        for (name, value) in &self.parameters {
            for part in [name, value] {
                digest.update((part.len() as u64).to_be_bytes());
                digest.update(part);
            }
        }
        digest.update(self.max_duration.seconds().to_be_bytes());
        hex::encode(&digest.finalize()[..8])
    }
}

/// An invitation to be a lab's PI, for whoever holds its link. One at most is open in a lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Which.
    pub id: InvitationId,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it lapses by itself.
    pub lapses_at: DateTime<Utc>,
}

/// What a person may administer in a lab. Using a role gives no standing beyond `Member`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

/// A standing that somebody was given, which nobody has by a mapping alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Office {
    /// [`Standing::Manager`].
    Manager,
    /// [`Standing::Pi`].
    Pi,
}

impl Office {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        Standing::as_str(match self {
            Self::Manager => Standing::Manager,
            Self::Pi => Standing::Pi,
        })
    }
}

impl From<Office> for Standing {
    fn from(office: Office) -> Self {
        match office {
            Office::Manager => Self::Manager,
            Office::Pi => Self::Pi,
        }
    }
}

impl FromStr for Office {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        [Self::Manager, Self::Pi]
            .into_iter()
            .find(|office| office.as_str() == text)
            .ok_or(ParseError::new("standing", "`manager` or `pi`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_survives_its_own_text() {
        for standing in [Standing::Member, Standing::Manager, Standing::Pi] {
            assert_eq!(standing.as_str().parse(), Ok(standing));
        }
        assert!("PI".parse::<Standing>().is_err());
        assert_eq!("pi".parse(), Ok(Office::Pi));
        assert!("member".parse::<Office>().is_err(), "nobody is appointed a member");
    }

    #[test]
    fn a_role_has_another_version_when_anything_of_it_is_another() {
        let role = |parameters: &[(&str, &str)], seconds| Role {
            name: "read-results".parse().unwrap(),
            template: "s3-data/read-results".parse().unwrap(),
            parameters: parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            max_duration: SessionDuration::from_seconds(seconds).unwrap(),
            sign_in_age: None,
        };
        let versions =
            [role(&[("a", "bc")], 3_600), role(&[("ab", "c")], 3_600), role(&[("a", "bc")], 900), role(&[], 900)]
                .map(|role| role.version());

        assert_eq!(versions[0], role(&[("a", "bc")], 3_600).version());
        assert_eq!(versions.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
        assert_eq!(versions[0].len(), 16);
    }

    #[test]
    fn standings_are_in_order() {
        assert!(Standing::Member < Standing::Manager && Standing::Manager < Standing::Pi);
    }
}
