//! Cutting off: taking sessions at AWS away that were handed out and live.
//!
//! STS can end no session. What can be done is a deny at the lab's session role, of everything, for sessions that were
//! issued before a moment: [`Deny`]. A session lives for an hour at most, so a deny is needed no longer than that. The
//! moment lies a little ahead of the one in which somebody is cut off, and nothing is issued to them before it has passed:
//! otherwise a new session could be born denied, or an old one escape (IAM User Guide, "Revoke IAM role temporary security
//! credentials"; AWS's own button looks ahead by half a minute for the same reason).

mod bar;
mod deny;
mod moment;
mod steps;
mod trouble;

use serde::{Deserialize, Serialize};

use super::id::{ParseError, PersonId, RoleName};

pub use bar::{Bar, CutOffMark, RoleCutOff};
pub use deny::{
    CUT_OFF_CANARY, CUT_OFF_POLICY, CanarySession, Deny, DenyEntry, INLINE_MAX_CHARS, ROOM_CHARS, counted_chars,
    policy_sha256,
};
pub use moment::{CLOCK_BEHIND_MAX, CROWDED, DenyMoment, REISSUE_MARGIN};
pub use steps::{CutOffStep, CutOffStepName, CutOffSteps, DenialSeen};
pub use trouble::DenyTrouble;

/// The longest reason that is kept.
pub const REASON_MAX_CHARS: usize = 200;

/// Whose sessions in a lab.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// One person's.
    Person(PersonId),
    /// All sessions of one role.
    Role(RoleName),
    /// Everybody's.
    Everyone,
}

impl Whose {
    /// Of the person, when it is one person.
    #[must_use]
    pub const fn person(&self) -> Option<&PersonId> {
        match self {
            Self::Person(person) => Some(person),
            Self::Role(_) | Self::Everyone => None,
        }
    }

    /// The role, when it is a role.
    #[must_use]
    pub const fn role(&self) -> Option<&RoleName> {
        match self {
            Self::Role(role) => Some(role),
            Self::Person(_) | Self::Everyone => None,
        }
    }

    /// Whether a session of this person and role is one of them.
    #[must_use]
    pub fn includes(&self, person: &PersonId, role: &RoleName) -> bool {
        match self {
            Self::Person(whose) => whose == person,
            Self::Role(whose) => whose == role,
            Self::Everyone => true,
        }
    }

    /// Whether every session of these is one of them.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        *self == Self::Everyone || self == other
    }
}

/// What led to it. The ledger keeps the word: a variant is never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CutOffCause {
    /// Somebody wanted it.
    Asked,
    /// The mapping that gave the sessions was ended, and they with it.
    MappingEnded,
    /// The person was suspended.
    Suspended,
    /// The person's university said that they had left, or signed out there.
    SignedOut,
    /// The person themselves, or an operator, wanted it in all labs.
    Everywhere,
}

impl CutOffCause {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Asked, Self::MappingEnded, Self::Suspended, Self::SignedOut, Self::Everywhere];

    /// The word in the API, in the ledger and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::MappingEnded => "mapping-ended",
            Self::Suspended => "suspended",
            Self::SignedOut => "signed-out",
            Self::Everywhere => "everywhere",
        }
    }
}

impl std::str::FromStr for CutOffCause {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let found = Self::ALL.into_iter().find(|cause| cause.as_str() == text);
        found.ok_or_else(|| ParseError::new("cause of a cut-off", "one of its words"))
    }
}

/// Why somebody was cut off, in the words of whoever did it: one line, without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CutOffReason(String);

impl CutOffReason {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for CutOffReason {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let text = text.trim();
        let fits = (1..=REASON_MAX_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(ParseError::new("reason", "one line of 1 to 200 characters")) }
    }
}

impl TryFrom<String> for CutOffReason {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<CutOffReason> for String {
    fn from(reason: CutOffReason) -> Self {
        reason.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_a_few_words() {
        assert_eq!("  a lost laptop \n".parse::<CutOffReason>().unwrap().as_str(), "a lost laptop");
        for bad in ["", "   ", "two\nlines", "\u{7}", &"x".repeat(REASON_MAX_CHARS + 1)] {
            assert!(bad.parse::<CutOffReason>().is_err(), "{bad:?}");
        }
        assert!("x".repeat(REASON_MAX_CHARS).parse::<CutOffReason>().is_ok());
    }

    #[test]
    fn a_cut_off_is_of_one_persons_one_roles_or_all_sessions() {
        let (one, other) = (PersonId::from_entropy([1; 10]), PersonId::from_entropy([2; 10]));
        let [pay, read]: [RoleName; 2] = ["pay", "read-results"].map(|name| name.parse().unwrap());

        assert!(Whose::Person(one.clone()).includes(&one, &pay) && !Whose::Person(one.clone()).includes(&other, &pay));
        assert!(Whose::Role(pay.clone()).includes(&other, &pay) && !Whose::Role(pay.clone()).includes(&other, &read));
        assert!(Whose::Everyone.includes(&one, &read));
    }

    #[test]
    fn a_cause_survives_its_own_word() {
        for cause in CutOffCause::ALL {
            assert_eq!(cause.as_str().parse(), Ok(cause));
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.as_str());
        }
    }
}
