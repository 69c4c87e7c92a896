//! Who runs the broker from a browser: the people whom its settings name, and nobody else.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::proof::{Denied, Operator, may_give};
use super::{Evidence, SignInStrength};
use crate::domain::id::PersonId;

/// The people whom the settings name as operators. Nobody gets on it by anything that is done through the broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorRoll(BTreeSet<PersonId>);

impl OperatorRoll {
    /// The one way to come by a roll with somebody on it; a test reads the sources for who calls it.
    #[must_use]
    pub fn from_settings(people: impl IntoIterator<Item = PersonId>) -> Self {
        Self(people.into_iter().collect())
    }

    /// Everybody on it.
    pub fn people(&self) -> impl Iterator<Item = &PersonId> {
        self.0.iter()
    }

    /// Whether somebody is on it, which lets them into nothing by itself.
    #[must_use]
    pub fn names(&self, person: &PersonId) -> bool {
        self.0.contains(person)
    }

    /// Lets an operator in to look.
    ///
    /// # Errors
    ///
    /// [`Denied::NotAnOperator`] for everybody else, and for one who is suspended.
    pub fn admit(&self, person: &PersonId, evidence: &Evidence) -> Result<Operator, Denied> {
        if self.names(person) && !evidence.suspended {
            Ok(Operator::on_the_roll(person.clone()))
        } else {
            Err(Denied::NotAnOperator)
        }
    }

    /// Lets an operator in to change something: by a sign-in as fresh as one that gives somebody more in a lab takes, and
    /// with a second factor wherever their provider can say that there was one.
    ///
    /// # Errors
    ///
    /// As for [`OperatorRoll::admit`], and [`Denied::MfaNeeded`] or [`Denied::FreshSignInNeeded`].
    pub fn admit_to_change(
        &self,
        person: &PersonId,
        evidence: &Evidence,
        factor: SecondFactor,
        now: DateTime<Utc>,
    ) -> Result<Operator, Denied> {
        let operator = self.admit(person, evidence)?;
        let fresh = may_give(&evidence.sign_in, now);
        match (factor.is_missing(&evidence.sign_in), fresh) {
            (true, Err(Denied::FreshSignInNeeded(most))) => Err(Denied::MfaNeeded(Some(most))),
            (true, _) => Err(Denied::MfaNeeded(None)),
            (false, fresh) => fresh.map(|()| operator),
        }
    }
}

/// Whether a provider can say that somebody used a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondFactor {
    /// The settings have words for it, so that a sign-in without one had none.
    Sayable,
    /// The settings have none: whoever wrote them knows that this provider has no second factor.
    Unsayable,
}

impl SecondFactor {
    const fn is_missing(self, sign_in: &SignInStrength) -> bool {
        matches!(self, Self::Sayable) && !sign_in.mfa
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::actor::Actor;
    use crate::domain::claims::Groups;
    use crate::domain::limits::SignInAge;

    fn person(n: u8) -> PersonId {
        PersonId::from_entropy([n; 10])
    }

    fn evidence(mfa: bool, suspended: bool) -> Evidence {
        let at = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        Evidence {
            connection: "campus".parse().unwrap(),
            groups: Groups::Absent,
            groups_at: at,
            sign_in: SignInStrength { at, authenticated_at: None, mfa },
            suspended,
        }
    }

    #[test]
    fn only_who_is_named_is_an_operator_and_nobody_suspended() {
        let roll = OperatorRoll::from_settings([person(1)]);
        let fine = evidence(true, false);

        assert_eq!(roll.admit(&person(1), &fine).unwrap().actor(), Actor::Person(person(1)));
        assert_eq!(roll.admit(&person(2), &fine).unwrap_err(), Denied::NotAnOperator);
        assert_eq!(roll.admit(&person(1), &evidence(true, true)).unwrap_err(), Denied::NotAnOperator);
        assert_eq!(OperatorRoll::default().admit(&person(1), &fine).unwrap_err(), Denied::NotAnOperator);
    }

    #[test]
    fn changing_something_takes_a_fresh_sign_in_and_a_second_factor() {
        let roll = OperatorRoll::from_settings([person(1)]);
        let at = evidence(true, false).sign_in.at;
        let (early, late) = (at + TimeDelta::minutes(59), at + TimeDelta::hours(1));
        let change = |mfa, factor, now| {
            roll.admit_to_change(&person(1), &evidence(mfa, false), factor, now).map(|operator| operator.actor())
        };
        let (fresh, most) = (Denied::FreshSignInNeeded(SignInAge::SPENDING), Some(SignInAge::SPENDING));

        assert_eq!(change(true, SecondFactor::Sayable, early), Ok(Actor::Person(person(1))));
        assert_eq!(change(true, SecondFactor::Sayable, late), Err(fresh));
        assert_eq!(change(false, SecondFactor::Sayable, early), Err(Denied::MfaNeeded(None)));
        assert_eq!(change(false, SecondFactor::Sayable, late), Err(Denied::MfaNeeded(most)));
        assert_eq!(change(false, SecondFactor::Unsayable, early), Ok(Actor::Person(person(1))));
        assert_eq!(change(false, SecondFactor::Unsayable, late), Err(fresh));
        // Who is none learns nothing of what it takes.
        let stranger = roll.admit_to_change(&person(2), &evidence(false, false), SecondFactor::Sayable, late);
        assert_eq!(stranger.unwrap_err(), Denied::NotAnOperator);
    }
}
