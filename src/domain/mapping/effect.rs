//! What a change of a mapping does to one person, and what may be said of those who are nobody in the lab.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};

use super::MappingTerms;
use crate::domain::role_session::SessionDuration;

/// What a change of one mapping does to somebody who is in its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// They did not have the role, and have it then.
    Gains,
    /// They had the role by this mapping and by nothing else.
    Loses,
    /// They have the role before and after, on other conditions.
    Changes {
        /// What the role asks of them and gives them now.
        before: MappingTerms,
        /// And then.
        after: MappingTerms,
    },
    /// They have the role before and after, on the same conditions: another mapping gives it as well.
    Keeps,
    /// They do not have it, neither before nor after.
    Nothing,
}

/// The terms that decide for somebody to whom several mappings give one role: the least to fulfil, then the longest
/// session, then the longest life.
fn best<'a>(terms: impl Iterator<Item = &'a MappingTerms>, now: DateTime<Utc>) -> Option<&'a MappingTerms> {
    terms.filter(|terms| terms.is_live(now)).min_by_key(|terms| {
        let most = terms.max_duration.unwrap_or(SessionDuration::MAX);
        (terms.needs_approval, terms.needs_mfa, Reverse(most), Reverse(terms.end()))
    })
}

/// What it does to somebody in the group that the mapping has these terms `before` and those `after` (none when it is not
/// there), when the lab's other mappings give them the role on the terms in `others`.
#[must_use]
pub fn effect(
    others: &[&MappingTerms],
    before: Option<&MappingTerms>,
    after: Option<&MappingTerms>,
    now: DateTime<Utc>,
) -> Effect {
    let had = best(others.iter().copied().chain(before), now);
    let has = best(others.iter().copied().chain(after), now);
    match (had, has) {
        (None, None) => Effect::Nothing,
        (None, Some(_)) => Effect::Gains,
        (Some(_), None) => Effect::Loses,
        (Some(had), Some(has)) if had == has => Effect::Keeps,
        (Some(had), Some(has)) => Effect::Changes { before: had.clone(), after: has.clone() },
    }
}

/// How many people are in a group who are nobody in the lab. Below five not even that: mapping a group must be no way to
/// read who is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// Nobody, or up to four: the two are one answer.
    FewerThanFive,
    /// So many.
    Count(u32),
    /// More than anybody needs to know.
    ThousandOrMore,
}

impl Others {
    /// How many are counted at most.
    pub const MOST: u32 = 1_000;

    /// What may be said of this number of people.
    #[must_use]
    pub const fn of(count: u32) -> Self {
        match count {
            0..=4 => Self::FewerThanFive,
            Self::MOST.. => Self::ThousandOrMore,
            _ => Self::Count(count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn what_a_change_does_depends_on_what_else_gives_the_role() {
        let open = MappingTerms::default();
        let mfa = MappingTerms { needs_mfa: true, ..open.clone() };
        let short = MappingTerms { max_duration: SessionDuration::from_seconds(1_800).ok(), ..open.clone() };
        let until = MappingTerms { ends_at: Some(at(2_000)), ..open.clone() };
        let over = MappingTerms { ends_at: Some(at(1_000)), ..open.clone() };
        let changes = |before: &MappingTerms, after: &MappingTerms| Effect::Changes {
            before: before.clone(),
            after: after.clone(),
        };

        for (others, before, after, expected) in [
            (vec![], None, Some(&open), Effect::Gains),
            (vec![], None, Some(&over), Effect::Nothing),
            (vec![], Some(&over), Some(&open), Effect::Gains),
            (vec![], Some(&open), None, Effect::Loses),
            (vec![], Some(&open), Some(&over), Effect::Loses),
            (vec![], Some(&over), None, Effect::Nothing),
            (vec![], Some(&open), Some(&open), Effect::Keeps),
            (vec![], Some(&open), Some(&mfa), changes(&open, &mfa)),
            (vec![], Some(&open), Some(&short), changes(&open, &short)),
            (vec![], Some(&open), Some(&until), changes(&open, &until)),
            // Another mapping that gives as much, or more, or less; or gives nothing any more.
            (vec![&open], None, Some(&open), Effect::Keeps),
            (vec![&open], Some(&open), None, Effect::Keeps),
            (vec![&open], Some(&open), Some(&mfa), Effect::Keeps),
            (vec![&mfa], Some(&open), None, changes(&open, &mfa)),
            (vec![&mfa], None, Some(&open), changes(&mfa, &open)),
            (vec![&until], Some(&open), None, changes(&open, &until)),
            (vec![&mfa, &short], Some(&open), None, changes(&open, &short)),
            (vec![&over], Some(&open), None, Effect::Loses),
            (vec![&over], None, Some(&open), Effect::Gains),
        ] {
            assert_eq!(effect(&others, before, after, at(1_000)), expected, "{others:?} {before:?} {after:?}");
        }
    }

    #[test]
    fn of_few_others_not_even_the_number_is_said() {
        assert!((0..5).all(|count| Others::of(count) == Others::FewerThanFive));
        assert_eq!((Others::of(5), Others::of(999)), (Others::Count(5), Others::Count(999)));
        assert!([1_000, 1_001, u32::MAX].iter().all(|count| Others::of(*count) == Others::ThousandOrMore));
    }
}
