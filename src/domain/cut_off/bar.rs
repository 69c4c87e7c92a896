//! What a cut-off means for whoever it is about: from when on they are given credentials again, and which of those that they
//! have are dead.

use chrono::{DateTime, Utc};

use super::DenyMoment;

/// What keeps somebody from a role for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bar {
    /// Their sessions were cut off, and a new one would be denied until then.
    Until(DateTime<Utc>),
    /// They were cut off until somebody lifts it.
    Held,
}

/// A cut-off, as far as it is about one person and one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CutOffMark {
    /// Sessions that AWS issued before this are denied.
    pub before: DenyMoment,
    /// Whether they are kept out until somebody lifts it.
    pub held: bool,
}

impl CutOffMark {
    /// One that is over by itself.
    #[must_use]
    pub const fn passing(before: DenyMoment) -> Self {
        Self { before, held: false }
    }

    /// What it keeps them from now.
    #[must_use]
    pub fn bar(self, now: DateTime<Utc>) -> Option<Bar> {
        let again_at = self.before.reissue_at();
        if self.held { Some(Bar::Held) } else { (now < again_at).then_some(Bar::Until(again_at)) }
    }
}

/// What all of them together mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoleCutOff {
    /// What keeps them from the role now: whatever does so for the longest.
    pub bar: Option<Bar>,
    /// Credentials for it that were handed out before this are dead, or about to be; nothing when all of those are over by
    /// themselves.
    pub dead_before: Option<DenyMoment>,
}

impl RoleCutOff {
    /// Of these, now.
    #[must_use]
    pub fn of(marks: impl IntoIterator<Item = CutOffMark>, now: DateTime<Utc>) -> Self {
        marks.into_iter().fold(Self::default(), |all, mark| Self {
            bar: all.bar.max(mark.bar(now)),
            dead_before: all.dead_before.max(Some(mark.before).filter(|before| now < before.over_at())),
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_266_000, 0).unwrap() + TimeDelta::minutes(minutes)
    }

    fn mark(minutes: i64, held: bool) -> CutOffMark {
        CutOffMark { before: DenyMoment::of(at(minutes)), held }
    }

    #[test]
    fn a_cut_off_keeps_out_until_its_moment_has_passed_and_kills_what_is_older_for_as_long_as_that_could_live() {
        let of = |now| RoleCutOff::of([mark(1, false)], now);
        let again = at(1) + TimeDelta::seconds(5);

        assert_eq!(of(at(0)), RoleCutOff { bar: Some(Bar::Until(again)), dead_before: Some(DenyMoment::of(at(1))) });
        assert_eq!(of(again - TimeDelta::milliseconds(1)).bar, Some(Bar::Until(again)));
        assert_eq!(of(again), RoleCutOff { bar: None, dead_before: Some(DenyMoment::of(at(1))) });
        assert!(of(at(65)).dead_before.is_some());
        assert_eq!(of(at(66)), RoleCutOff::default());
    }

    #[test]
    fn of_several_that_counts_which_lasts_longest() {
        let of = |marks: &[CutOffMark]| RoleCutOff::of(marks.iter().copied(), at(0));

        assert_eq!(of(&[]), RoleCutOff::default());
        assert_eq!(of(&[mark(3, false), mark(1, false)]).dead_before, Some(DenyMoment::of(at(3))));
        assert_eq!(of(&[mark(3, false), mark(1, false)]).bar, Some(Bar::Until(at(3) + TimeDelta::seconds(5))));
        // Somebody who is held since yesterday has no credentials that could live, and gets none.
        assert_eq!(of(&[mark(-1_440, true)]), RoleCutOff { bar: Some(Bar::Held), dead_before: None });
        assert_eq!(of(&[mark(-1_440, true), mark(1, false)]).bar, Some(Bar::Held));
    }
}
