//! What can keep AWS from having a deny.

use std::fmt;
use std::str::FromStr;

use crate::domain::id::ParseError;

/// What does. Each sentence is for whoever cut somebody off, and says who can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenyTrouble {
    /// The steward role does not let the broker in.
    StewardDenied,
    /// The steward role may not write or read at the session role.
    WriteDenied,
    /// AWS asked to slow down.
    Throttled,
    /// AWS does not answer.
    Unreachable,
    /// AWS does not take the broker's own credentials.
    Identity,
    /// The session role is not in the account.
    RoleGone,
    /// The role's other inline policies leave no room for even the shortest deny.
    NoRoom,
    /// AWS has taken it and does not give it back as it was written.
    NotReadBack,
    /// The parts of the account cannot be named, so that the broker does not know the steward role.
    NoNames,
    /// Anything else that AWS answered.
    Other,
}

impl DenyTrouble {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::StewardDenied,
        Self::WriteDenied,
        Self::Throttled,
        Self::Unreachable,
        Self::Identity,
        Self::RoleGone,
        Self::NoRoom,
        Self::NotReadBack,
        Self::NoNames,
        Self::Other,
    ];

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StewardDenied => "steward-denied",
            Self::WriteDenied => "write-denied",
            Self::Throttled => "throttled",
            Self::Unreachable => "unreachable",
            Self::Identity => "identity",
            Self::RoleGone => "role-gone",
            Self::NoRoom => "no-room",
            Self::NotReadBack => "not-read-back",
            Self::NoNames => "no-names",
            Self::Other => "other",
        }
    }

    /// Whether waiting is all that it takes.
    #[must_use]
    pub const fn passes(self) -> bool {
        matches!(self, Self::Throttled | Self::Unreachable | Self::NotReadBack)
    }
}

impl FromStr for DenyTrouble {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let found = Self::ALL.into_iter().find(|trouble| trouble.as_str() == text);
        found.ok_or_else(|| ParseError::new("trouble with a deny", "one of its words"))
    }
}

impl fmt::Display for DenyTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StewardDenied => {
                "AWS does not let the broker into the lab's steward role. Whoever administers the account has to update its \
                 stack"
            }
            Self::WriteDenied => {
                "AWS does not let the steward role write at the session role: the stack was changed, or the session role has \
                 lost its permissions boundary. Whoever administers the account has to update its stack"
            }
            Self::Throttled => "AWS asked to slow down",
            Self::Unreachable => "AWS does not answer",
            Self::Identity => "AWS does not take the broker's own credentials. Whoever runs the broker has to mend that",
            Self::RoleGone => {
                "the session role is not in the account. Sessions of a role that was deleted end with it; one that is made anew \
                 needs the deny as soon as it is there"
            }
            Self::NoRoom => {
                "other inline policies of the session role leave no room for the deny. Whoever administers the account has to \
                 remove them"
            }
            Self::NotReadBack => "AWS has taken the deny, and does not give it back as it was written",
            Self::NoNames => "the session role's name is too long, so that the broker has no steward role in the account",
            Self::Other => "AWS answered something unexpected",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_survives_its_own_word() {
        for trouble in DenyTrouble::ALL {
            assert_eq!(trouble.as_str().parse(), Ok(trouble));
            assert!(!trouble.to_string().ends_with('.'));
        }
    }
}
