//! How old may be what a role is given on: the sign-in that uses it, and the groups that a sign-in brought.
//!
//! A person leaves, loses a group or lends a laptop, and the broker hears of it at the next sign-in. These limits say
//! how long that may take. A lab sets them within bounds that no lab gets out of.

use std::fmt;
use std::num::NonZeroU32;

use chrono::{DateTime, TimeDelta, Utc};

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;

/// How old a sign-in may be that uses a role, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignInAge(NonZeroU32);

/// How old groups may be that a lab's mappings are looked up by, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupsAge(NonZeroU32);

/// A limit that nothing can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// For using a role that spends nothing.
    #[error("a sign-in may be 1 hour to 30 days old for this role")]
    Harmless,
    /// For using a role that spends.
    #[error("this role can spend, so a sign-in may be 5 minutes to 12 hours old for it")]
    Spending,
    /// For groups.
    #[error("groups may be 1 hour to 30 days old")]
    Groups,
}

const fn whole(seconds: u32) -> NonZeroU32 {
    match NonZeroU32::new(seconds) {
        Some(seconds) => seconds,
        None => NonZeroU32::MIN,
    }
}

impl SignInAge {
    /// Twelve hours: for roles that spend nothing and of which a lab says nothing else, for looking after a lab, and the
    /// most that a lab can set for a role that spends.
    pub const WORKING_DAY: Self = Self(whole(12 * HOUR));
    /// One hour: for roles that spend.
    pub const SPENDING: Self = Self(whole(HOUR));
    /// Thirty days: the most that there is.
    pub const MAX: Self = Self(whole(30 * DAY));

    /// A limit that a lab sets for a role.
    ///
    /// # Errors
    ///
    /// When it is out of bounds: 5 minutes to 12 hours for a role that spends, 1 hour to 30 days for any other.
    pub const fn from_seconds(seconds: u32, spends: bool) -> Result<Self, LimitError> {
        match (spends, seconds) {
            (true, 300..=43_200) | (false, 3_600..=2_592_000) => Ok(Self(whole(seconds))),
            (true, _) => Err(LimitError::Spending),
            (false, _) => Err(LimitError::Harmless),
        }
    }

    /// A limit out of the database, which does not know what a role can do.
    #[must_use]
    pub const fn from_row(seconds: u32) -> Option<Self> {
        match seconds {
            300..=2_592_000 => Some(Self(whole(seconds))),
            _ => None,
        }
    }

    /// The limit that holds for a role: what the lab set, or else the broker's own. A role that spends gets no more than
    /// it could be set to, whatever stands there from before it could spend.
    #[must_use]
    pub fn of_role(set: Option<Self>, spends: bool) -> Self {
        match (set, spends) {
            (Some(set), true) => set.min(Self::WORKING_DAY),
            (Some(set), false) => set,
            (None, true) => Self::SPENDING,
            (None, false) => Self::WORKING_DAY,
        }
    }

    /// In seconds.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.0.get()
    }

    /// When something of this moment becomes too old.
    #[must_use]
    pub fn end(self, from: DateTime<Utc>) -> DateTime<Utc> {
        from + TimeDelta::seconds(i64::from(self.seconds()))
    }
}

impl GroupsAge {
    /// Thirty days: of a lab that says nothing else.
    pub const MAX: Self = Self(whole(30 * DAY));

    /// A limit that a lab sets.
    ///
    /// # Errors
    ///
    /// When it is not 1 hour to 30 days.
    pub const fn from_seconds(seconds: u32) -> Result<Self, LimitError> {
        match seconds {
            3_600..=2_592_000 => Ok(Self(whole(seconds))),
            _ => Err(LimitError::Groups),
        }
    }

    /// The limit that holds in a lab: what it set, or else the broker's own.
    #[must_use]
    pub fn of_lab(set: Option<Self>) -> Self {
        set.unwrap_or(Self::MAX)
    }

    /// In seconds.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.0.get()
    }

    /// When groups of this moment become too old.
    #[must_use]
    pub fn end(self, from: DateTime<Utc>) -> DateTime<Utc> {
        from + TimeDelta::seconds(i64::from(self.seconds()))
    }

    /// The moment whose groups become too old now.
    #[must_use]
    pub fn oldest(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - TimeDelta::seconds(i64::from(self.seconds()))
    }
}

/// What holds for one role of one lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleLimits {
    /// Whether the role can spend: then it counts when somebody showed the provider who they are, and nothing later.
    pub spends: bool,
    /// How old a sign-in may be that uses it.
    pub sign_in: SignInAge,
    /// How old the groups may be.
    pub groups: GroupsAge,
}

impl RoleLimits {
    /// The limits of a role, from what its lab set.
    #[must_use]
    pub fn new(spends: bool, sign_in: Option<SignInAge>, groups: Option<GroupsAge>) -> Self {
        Self { spends, sign_in: SignInAge::of_role(sign_in, spends), groups: GroupsAge::of_lab(groups) }
    }
}

/// In the largest unit of which it is a whole number: `12 hours`, `7 days`, `90 minutes`.
fn in_words(seconds: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let unit = [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second")]
        .into_iter()
        .find(|(unit, _)| seconds.is_multiple_of(*unit));
    let (unit, name) = unit.unwrap_or((1, "second"));
    let count = seconds / unit;
    write!(f, "{count} {name}{}", if count == 1 { "" } else { "s" })
}

impl fmt::Display for SignInAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        in_words(self.seconds(), f)
    }
}

impl fmt::Display for GroupsAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        in_words(self.seconds(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_sets_a_limit_within_its_bounds() {
        let set = |seconds, spends| SignInAge::from_seconds(seconds, spends).map(SignInAge::seconds);

        for (spends, least, most, error) in
            [(false, 3_600, 2_592_000, LimitError::Harmless), (true, 300, 43_200, LimitError::Spending)]
        {
            assert_eq!((set(least, spends), set(most, spends)), (Ok(least), Ok(most)));
            assert_eq!((set(least - 1, spends), set(most + 1, spends)), (Err(error), Err(error)));
            assert_eq!((set(0, spends), set(u32::MAX, spends)), (Err(error), Err(error)));
        }
        let groups = |seconds| GroupsAge::from_seconds(seconds).map(GroupsAge::seconds);
        assert_eq!((groups(3_600), groups(2_592_000)), (Ok(3_600), Ok(2_592_000)));
        assert_eq!((groups(3_599), groups(2_592_001)), (Err(LimitError::Groups), Err(LimitError::Groups)));
    }

    #[test]
    fn what_is_not_set_is_the_brokers_own() {
        assert_eq!(SignInAge::of_role(None, false).to_string(), "12 hours");
        assert_eq!(SignInAge::of_role(None, true).to_string(), "1 hour");
        assert_eq!(GroupsAge::of_lab(None).to_string(), "30 days");
        let set = SignInAge::from_seconds(7_200, false).ok();
        assert_eq!(SignInAge::of_role(set, false).to_string(), "2 hours");
        assert_eq!(SignInAge::of_role(set, true).to_string(), "2 hours");
    }

    #[test]
    fn a_role_that_has_come_to_spend_loses_a_limit_of_before() {
        let month = SignInAge::from_row(2_592_000);

        assert_eq!(SignInAge::of_role(month, false), SignInAge::MAX);
        assert_eq!(SignInAge::of_role(month, true), SignInAge::WORKING_DAY);
        assert_eq!((SignInAge::from_row(299), SignInAge::from_row(2_592_001)), (None, None));
    }

    #[test]
    fn an_age_is_said_in_the_largest_unit_that_it_is_a_whole_number_of() {
        let said = |seconds| SignInAge::from_row(seconds).unwrap().to_string();

        for (seconds, words) in [
            (300, "5 minutes"),
            (301, "301 seconds"),
            (3_600, "1 hour"),
            (5_400, "90 minutes"),
            (86_400, "1 day"),
            (90_000, "25 hours"),
            (604_800, "7 days"),
        ] {
            assert_eq!(said(seconds), words);
        }
    }
}
