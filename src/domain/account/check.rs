//! A check of a lab's account: what is tried, in what order, and what came of it.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::probe::ProbeAnswer;
use super::trouble::Trouble;
use crate::domain::id::{AccountCheckId, ParseError, PersonId, RoleName};

/// Words that are stored and sent, and the way back.
macro_rules! words {
    ($type:ident, $kind:literal { $($variant:ident = $word:literal,)* }) => {
        impl $type {
            /// The word for it, as it is stored and sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl FromStr for $type {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<Self, ParseError> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(ParseError::new($kind, "one of its words")),
                }
            }
        }
    };
}

/// How a lab and its account stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountState {
    /// The account was named and has not proved itself: nothing is issued from it.
    Declared,
    /// It has, and it was well when it was looked at last.
    Joined,
    /// It was joined, and nobody gets credentials that work any more.
    Broken,
    /// It was joined, credentials work, and somebody could get in or get more than should.
    Open,
}

words!(AccountState, "state of an account" {
    Declared = "declared",
    Joined = "joined",
    Broken = "broken",
    Open = "open",
});

impl AccountState {
    /// Whether credentials may be issued from the account at all.
    #[must_use]
    pub const fn is_joined(self) -> bool {
        !matches!(self, Self::Declared)
    }
}

/// Why an account is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckReason {
    /// A PI joins it.
    Join,
    /// Somebody who looks after the lab wants to know.
    Demand,
    /// It is time again, or AWS has just refused to give somebody credentials.
    Watch,
}

words!(CheckReason, "reason of a check" {
    Join = "join",
    Demand = "demand",
    Watch = "watch",
});

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The account has proved itself.
    Proven,
    /// Credentials do not work.
    Broken,
    /// They do, and somebody could get in or get more than should.
    Open,
    /// It works, and it could not be read, so that it is not proven.
    Unread,
    /// It was not possible to find out.
    Unclear,
    /// The broker was stopped on the way.
    Interrupted,
}

words!(Verdict, "outcome of a check" {
    Proven = "proven",
    Broken = "broken",
    Open = "open",
    Unread = "unread",
    Unclear = "unclear",
    Interrupted = "interrupted",
});

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Proven => "the account has proved itself",
            Self::Broken => "the account gives no credentials that work",
            Self::Open => "the account is open where it should not be",
            Self::Unread => "the account works and could not be read",
            Self::Unclear => "it was not possible to find out",
            Self::Interrupted => "the broker was stopped before there was an outcome",
        })
    }
}

/// One thing that a check tries, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckStep {
    /// The session role lets the broker in.
    Assume,
    /// It does not with another external id.
    OtherExternalId,
    /// Nor with none.
    NoExternalId,
    /// The steward role lets the broker in.
    Steward,
    /// It does not with another external id, nor with none.
    StewardRefuses,
    /// The account is read.
    Read,
    /// It is as it should be.
    Compare,
    /// A role's harmless call.
    Probe,
}

impl CheckStep {
    /// All but the probes, of which there is one for each role.
    pub const FIXED: [Self; 7] = [
        Self::Assume,
        Self::OtherExternalId,
        Self::NoExternalId,
        Self::Steward,
        Self::StewardRefuses,
        Self::Read,
        Self::Compare,
    ];
}

impl fmt::Display for CheckStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Assume => "The session role lets the broker in",
            Self::OtherExternalId => "It refuses another external id",
            Self::NoExternalId => "It refuses a call without one",
            Self::Steward => "The steward role lets the broker in",
            Self::StewardRefuses => "It refuses another external id, and none",
            Self::Read => "Both roles and their policies can be read",
            Self::Compare => "They are as they should be",
            Self::Probe => "A harmless call",
        })
    }
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// As it should.
    Passed,
    /// Not as it should.
    Failed,
    /// It was not possible to find out.
    Unclear,
    /// It was left out, since an earlier one failed.
    Skipped,
}

words!(StepState, "outcome of a step" {
    Passed = "passed",
    Failed = "failed",
    Unclear = "unclear",
    Skipped = "skipped",
});

/// A step that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StepReport {
    /// Which.
    pub step: CheckStep,
    /// For which role, where it is a probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleName>,
    /// How it went.
    pub state: StepState,
    /// What there is to say of it; empty when it passed and nothing is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub says: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// What a role's harmless call came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RoleProbe {
    /// The role.
    pub role: RoleName,
    /// The call: `mechanicalturk:ListHITs`.
    pub action: String,
    /// What the service answered.
    pub answer: ProbeAnswer,
}

/// What a check has found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CheckReport {
    /// How often it was tried: IAM takes a while to apply what is new.
    pub tries: u32,
    /// The steps of the last try, in order.
    pub steps: Vec<StepReport>,
    /// What is wrong, the first link of the chain first.
    pub troubles: Vec<Trouble>,
    /// What each role's harmless call came to.
    pub probes: Vec<RoleProbe>,
}

/// A check, under way or over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountCheck {
    /// Its id.
    pub id: AccountCheckId,
    /// Why.
    pub reason: CheckReason,
    /// Who wanted it; nobody when the broker did.
    pub by: Option<PersonId>,
    /// When it began.
    pub begun_at: DateTime<Utc>,
    /// When it was over, and what it came to; nothing while it is under way.
    pub ended: Option<(DateTime<Utc>, Verdict)>,
    /// What it found so far.
    pub report: CheckReport,
}

impl AccountCheck {
    /// What it came to, when it is over.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.ended.map(|(_, verdict)| verdict)
    }
}
