//! Proof that somebody may reach a lab's data, and how far.

use std::ops::Deref;

use chrono::{DateTime, Utc};

use super::SignInStrength;
use crate::domain::actor::{Actor, OperatorName};
use crate::domain::id::PersonId;
use crate::domain::lab::{Invitation, Lab, Standing};
use crate::domain::limits::SignInAge;

/// What the database says of one person in one lab: that they belong to it, and what they may administer there.
#[derive(Clone, Debug)]
pub struct Membership {
    lab: Lab,
    person: PersonId,
    standing: Standing,
}

impl Membership {
    /// Made of rows, by the store; a test reads the sources and finds no other caller.
    #[cfg(any(feature = "server", test))]
    pub(crate) const fn from_rows(lab: Lab, person: PersonId, standing: Standing) -> Self {
        Self { lab, person, standing }
    }
}

/// Why somebody does not get to a lab's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There is no such lab, as far as this person is to know.
    #[error("there is no such lab")]
    NoSuchLab,
    /// They belong to the lab and may not do this there.
    #[error("this takes the standing of {0} at least")]
    StandingNeeded(Standing),
    /// They belong to the lab, and changing something there takes a newer sign-in.
    #[error("this takes a sign-in that is at most {0} old")]
    FreshSignInNeeded(SignInAge),
    /// They do not run the broker, so that nothing of what an operator sees is there for them.
    #[error("this is for whoever runs the broker")]
    NotAnOperator,
    /// They run the broker, and changing something takes a sign-in with a second factor, and a newer one where it says so.
    #[error("this takes a sign-in with a second factor")]
    MfaNeeded(Option<SignInAge>),
}

/// Proof that the bearer may see into one lab.
#[derive(Clone, Debug)]
pub struct LabAccess {
    lab: Lab,
    by: Actor,
    /// None for an operator, who is nobody in the lab.
    standing: Option<Standing>,
}

/// Lets a member of a lab in. A lab that one does not belong to is one that does not exist.
///
/// # Errors
///
/// [`Denied::NoSuchLab`] without a membership.
pub fn admit(membership: Option<Membership>) -> Result<LabAccess, Denied> {
    let Membership { lab, person, standing } = membership.ok_or(Denied::NoSuchLab)?;
    if lab.archived_at.is_some() {
        return Err(Denied::NoSuchLab);
    }
    Ok(LabAccess { lab, by: Actor::Person(person), standing: Some(standing) })
}

/// Lets a member of a lab in to change something there: by a sign-in of this working day.
///
/// # Errors
///
/// As for [`admit`], and [`Denied::FreshSignInNeeded`].
pub fn admit_to_change(
    membership: Option<Membership>,
    sign_in: &SignInStrength,
    now: DateTime<Utc>,
) -> Result<LabAccess, Denied> {
    let access = admit(membership)?;
    let most = SignInAge::WORKING_DAY;
    if now < most.end(sign_in.at) { Ok(access) } else { Err(Denied::FreshSignInNeeded(most)) }
}

/// Lets a member of a lab in to do what can give somebody more there: by a sign-in as fresh as a role that spends takes.
///
/// # Errors
///
/// As for [`admit`], and [`Denied::FreshSignInNeeded`].
pub fn admit_to_give(
    membership: Option<Membership>,
    sign_in: &SignInStrength,
    now: DateTime<Utc>,
) -> Result<LabAccess, Denied> {
    let access = admit(membership)?;
    may_give(sign_in, now)?;
    Ok(access)
}

/// That a sign-in is fresh enough for what can give somebody more: where one is let in to change something, and sees only
/// then what the change does.
///
/// # Errors
///
/// [`Denied::FreshSignInNeeded`] when it is not.
pub fn may_give(sign_in: &SignInStrength, now: DateTime<Utc>) -> Result<(), Denied> {
    if now < gives_until(sign_in) { Ok(()) } else { Err(Denied::FreshSignInNeeded(SignInAge::SPENDING)) }
}

/// When a sign-in becomes too old for what can give somebody more. It counts from when the person showed the provider who
/// they are; where the provider did not say, from when they came here, since nothing else is known.
#[must_use]
pub fn gives_until(sign_in: &SignInStrength) -> DateTime<Utc> {
    // The provider's clock makes no sign-in younger than itself.
    SignInAge::SPENDING.end(sign_in.authenticated_at.map_or(sign_in.at, |at| at.min(sign_in.at)))
}

impl LabAccess {
    /// The lab.
    #[must_use]
    pub const fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Who has it, as the ledger names them.
    #[must_use]
    pub const fn by(&self) -> &Actor {
        &self.by
    }

    /// What they may administer; nothing, when it is an operator.
    #[must_use]
    pub const fn standing(&self) -> Option<Standing> {
        self.standing
    }

    /// Whether this is that very person.
    #[must_use]
    pub fn is(&self, person: &PersonId) -> bool {
        matches!(&self.by, Actor::Person(by) if by == person)
    }

    fn at_least(&self, needed: Standing) -> Result<(), Denied> {
        if self.standing >= Some(needed) { Ok(()) } else { Err(Denied::StandingNeeded(needed)) }
    }
}

/// Proof that the bearer looks after one lab's mappings: its managers and PIs.
#[derive(Clone, Debug)]
pub struct ManagerAccess {
    access: LabAccess,
    person: PersonId,
}

/// Proof that the bearer answers for one lab.
#[derive(Clone, Debug)]
pub struct PiAccess(ManagerAccess);

impl LabAccess {
    /// For what managers may do.
    ///
    /// # Errors
    ///
    /// When the bearer is not one, nor a PI.
    pub fn manager(self) -> Result<ManagerAccess, Denied> {
        self.at_least(Standing::Manager)?;
        match self.by.clone() {
            Actor::Person(person) => Ok(ManagerAccess { access: self, person }),
            Actor::Operator(_) | Actor::Broker => Err(Denied::StandingNeeded(Standing::Manager)),
        }
    }

    /// For what PIs may do.
    ///
    /// # Errors
    ///
    /// When the bearer is not one.
    pub fn pi(self) -> Result<PiAccess, Denied> {
        self.at_least(Standing::Pi)?;
        self.manager().map(PiAccess)
    }
}

impl ManagerAccess {
    /// Who it is. Always a person: an operator is no manager.
    #[must_use]
    pub const fn person(&self) -> &PersonId {
        &self.person
    }
}

impl Deref for ManagerAccess {
    type Target = LabAccess;

    fn deref(&self) -> &LabAccess {
        &self.access
    }
}

impl Deref for PiAccess {
    type Target = ManagerAccess;

    fn deref(&self) -> &ManagerAccess {
        &self.0
    }
}

/// Whoever runs the broker: at its own command line, or in a browser when its settings name them. They set labs up; they
/// never hold a role in one by that, and what they do to a lab stands in that lab's ledger.
#[derive(Clone, Debug)]
pub struct Operator(Actor);

impl Operator {
    /// The one who runs `lodged`, who can read its database and its key anyway. Nothing that answers requests may make
    /// one; a test reads the sources for that.
    #[must_use]
    pub const fn at_this_machine(name: OperatorName) -> Self {
        Self(Actor::Operator(name))
    }

    /// Somebody whom the settings name; only their roll makes one.
    pub(super) const fn on_the_roll(person: PersonId) -> Self {
        Self(Actor::Person(person))
    }

    /// As the ledger names them.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.0.clone()
    }

    /// Whether this is that very person.
    #[must_use]
    pub fn is(&self, person: &PersonId) -> bool {
        matches!(&self.0, Actor::Person(by) if by == person)
    }

    /// For what operators may do to a lab, archived ones included.
    #[must_use]
    pub fn access(&self, lab: Lab) -> OperatorAccess {
        OperatorAccess(LabAccess { lab, by: self.actor(), standing: None })
    }
}

/// Proof that the bearer runs the broker, for one lab.
#[derive(Clone, Debug)]
pub struct OperatorAccess(LabAccess);

impl Deref for OperatorAccess {
    type Target = LabAccess;

    fn deref(&self) -> &LabAccess {
        &self.0
    }
}

/// Proof that it is the broker itself that looks after a lab's AWS account, on its own or because somebody of the lab wants
/// it to. It is nobody in the lab.
#[derive(Clone, Debug)]
pub struct CaretakerAccess(LabAccess);

impl CaretakerAccess {
    /// For the watch over accounts; a test reads the sources and finds no other caller.
    #[cfg(feature = "server")]
    pub(crate) const fn to_account_of(lab: Lab) -> Self {
        Self(LabAccess { lab, by: Actor::Broker, standing: None })
    }
}

impl Deref for CaretakerAccess {
    type Target = LabAccess;

    fn deref(&self) -> &LabAccess {
        &self.0
    }
}

/// An invitation whose link somebody holds, and the lab it is for.
#[derive(Clone, Debug)]
pub struct OpenInvitation {
    lab: Lab,
    invitation: Invitation,
}

impl OpenInvitation {
    /// Made of rows, by the store, for who shows the link's token.
    #[cfg(feature = "server")]
    pub(crate) const fn from_rows(lab: Lab, invitation: Invitation) -> Self {
        Self { lab, invitation }
    }

    /// The lab.
    #[must_use]
    pub const fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The invitation.
    #[must_use]
    pub const fn invitation(&self) -> &Invitation {
        &self.invitation
    }

    /// For the one thing that it invites to, done by this person.
    #[must_use]
    pub fn access(self, person: &PersonId) -> InvitedAccess {
        let by = Actor::Person(person.clone());
        InvitedAccess {
            access: LabAccess { lab: self.lab, by, standing: None },
            person: person.clone(),
            invitation: self.invitation,
        }
    }
}

/// Proof that the bearer may become one lab's PI.
#[derive(Clone, Debug)]
pub struct InvitedAccess {
    access: LabAccess,
    person: PersonId,
    invitation: Invitation,
}

impl InvitedAccess {
    /// Who it is.
    #[must_use]
    pub const fn person(&self) -> &PersonId {
        &self.person
    }

    /// Which invitation it came of.
    #[must_use]
    pub const fn invitation(&self) -> &Invitation {
        &self.invitation
    }
}

impl Deref for InvitedAccess {
    type Target = LabAccess;

    fn deref(&self) -> &LabAccess {
        &self.access
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::id::LabId;
    use crate::domain::role_session::ExternalId;

    fn lab(archived: bool) -> Lab {
        Lab {
            id: LabId::from_entropy([1; 10]),
            name: "vision".parse().unwrap(),
            title: "Vision".to_owned(),
            session_role: "arn:aws:iam::111122223333:role/lodge/lodge-session".parse().unwrap(),
            external_id: ExternalId::from_entropy([2; 16]),
            created_at: DateTime::UNIX_EPOCH,
            archived_at: archived.then_some(DateTime::UNIX_EPOCH),
            groups_age: None,
        }
    }

    fn access(standing: Standing) -> LabAccess {
        admit(Some(Membership::from_rows(lab(false), PersonId::from_entropy([3; 10]), standing))).unwrap()
    }

    #[test]
    fn a_stranger_and_an_archived_lab_get_the_same_answer() {
        let member = Membership::from_rows(lab(true), PersonId::from_entropy([3; 10]), Standing::Pi);

        assert_eq!(admit(None).unwrap_err(), Denied::NoSuchLab);
        assert_eq!(admit(Some(member)).unwrap_err(), Denied::NoSuchLab);
    }

    #[test]
    fn changing_something_takes_a_sign_in_of_this_working_day() {
        let member =
            |archived| Some(Membership::from_rows(lab(archived), PersonId::from_entropy([3; 10]), Standing::Pi));
        let at = DateTime::UNIX_EPOCH;
        let sign_in = SignInStrength { at, authenticated_at: None, mfa: true };
        let day = TimeDelta::hours(12);

        assert!(admit_to_change(member(false), &sign_in, at + day - TimeDelta::microseconds(1)).is_ok());
        let denied = |membership| admit_to_change(membership, &sign_in, at + day).unwrap_err();
        assert_eq!(denied(member(false)), Denied::FreshSignInNeeded(SignInAge::WORKING_DAY));
        assert_eq!((denied(None), denied(member(true))), (Denied::NoSuchLab, Denied::NoSuchLab));
    }

    #[test]
    fn giving_more_takes_a_sign_in_of_the_last_hour_at_the_provider() {
        let member =
            |archived| Some(Membership::from_rows(lab(archived), PersonId::from_entropy([3; 10]), Standing::Pi));
        let (at, hour) = (DateTime::UNIX_EPOCH + TimeDelta::days(1), TimeDelta::hours(1));
        let moment = TimeDelta::microseconds(1);
        let denied = Denied::FreshSignInNeeded(SignInAge::SPENDING);

        for (authenticated_at, counts_from) in [
            (None, at),
            (Some(at), at),
            (Some(at - TimeDelta::minutes(40)), at - TimeDelta::minutes(40)),
            // A provider whose clock is ahead.
            (Some(at + TimeDelta::minutes(40)), at),
        ] {
            let sign_in = SignInStrength { at, authenticated_at, mfa: true };
            let end = counts_from + hour;
            assert!(admit_to_give(member(false), &sign_in, end - moment).is_ok(), "{authenticated_at:?}");
            assert_eq!(admit_to_give(member(false), &sign_in, end).unwrap_err(), denied, "{authenticated_at:?}");
            assert_eq!(gives_until(&sign_in), end);
            // Who does not belong there learns nothing.
            for stranger in [None, member(true)] {
                assert_eq!(admit_to_give(stranger, &sign_in, end).unwrap_err(), Denied::NoSuchLab);
            }
        }
    }

    #[test]
    fn each_standing_opens_what_it_is_for() {
        assert!(access(Standing::Member).manager().is_err() && access(Standing::Member).pi().is_err());
        assert!(access(Standing::Manager).manager().is_ok() && access(Standing::Manager).pi().is_err());
        assert!(access(Standing::Pi).manager().is_ok() && access(Standing::Pi).pi().is_ok());
    }

    #[test]
    fn an_operator_is_nobody_in_a_lab() {
        let operator = Operator::at_this_machine(OperatorName::from_account("root"));
        let access = operator.access(lab(false));

        assert!(LabAccess::clone(&access).manager().is_err());
        assert!(LabAccess::clone(&access).pi().is_err());
        assert_eq!((access.standing(), access.by().to_string().as_str()), (None, "operator root"));

        let person = PersonId::from_entropy([3; 10]);
        let access = Operator::on_the_roll(person.clone()).access(lab(false));
        assert!(LabAccess::clone(&access).manager().is_err() && LabAccess::clone(&access).pi().is_err());
        assert_eq!((access.standing(), access.by()), (None, &Actor::Person(person)));
    }
}
