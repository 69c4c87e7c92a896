//! What a use case can answer instead of what was asked for.

use chrono::{DateTime, Utc};

use crate::domain::access::{Denied, Refusal};
use crate::domain::account::TooMuch;
use crate::domain::claims::Groups;
use crate::domain::id::{ActId, MappingId, ParseError};
use crate::domain::limits::{LimitError, SignInAge};
use crate::domain::mapping::TermsError;
use crate::domain::policy::FillError;
use crate::domain::sign_in::SignInRefusal;
use crate::{aws, oidc, store};

use super::desk::DeskError;
use super::{HelperLoginError, PlanError, SignInWish};

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No session, or one that has ended.
    #[error("no live session")]
    SignInNeeded,
    /// An operator has suspended this person.
    #[error("the person is suspended")]
    Suspended,
    /// The one gate did not let them into a lab.
    #[error("not let into the lab: {0}")]
    Denied(#[from] Denied),
    /// Something that an operator asked for cannot be done.
    #[error("not done at the desk: {0}")]
    Desk(#[source] DeskError),
    /// Something that was to be done in a lab cannot be.
    #[error("not done in the lab: {0}")]
    Lab(#[from] LabError),
    /// The one gate said no.
    #[error("refused: {refusal}")]
    Refused {
        /// Why.
        refusal: Refusal,
        /// How old the sign-in may be at most, when it is older and a newer one would help.
        max_age: Option<SignInAge>,
        /// When it is given again, when waiting is all that helps; and how many seconds that is.
        again: Option<(DateTime<Utc>, u32)>,
        /// Where they signed in, as people call it.
        connection: String,
        /// The claim that the connection reads groups from.
        group_claim: String,
        /// The groups the decision was made on.
        groups: Groups,
    },
    /// AWS did not give what the broker had decided to give.
    #[error("no credential came from AWS")]
    Aws(#[from] aws::Error),
    /// The role's template is gone or cannot be filled.
    #[error("the role's policy cannot be made: {0}")]
    Policy(String),
    /// A sign-in came to nothing.
    #[error("a sign-in did not work")]
    SignIn(#[from] SignInError),
    /// Nobody signs in there.
    #[error("there is no such connection")]
    NoSuchConnection,
    /// The caller has no live session of that id.
    #[error("there is no such session of theirs")]
    NoSuchSession,
    /// A logout token that does not hold, or was taken before.
    #[error("the logout token does not hold")]
    LogoutToken,
    /// A provider that is needed gives no answer.
    #[error("the provider gave no answer")]
    ProviderAway,
    /// As many sign-ins are being completed as may be at once.
    #[error("too many sign-ins are being completed")]
    Busy,
    /// A helper's request was not one of ours.
    #[error("a helper's login did not work")]
    HelperLogin(#[from] HelperLoginError),
    /// The database did not do its part, so nothing was done.
    #[error("the database is unavailable")]
    Store(#[from] store::Error),
    /// A part of this program stopped unexpectedly.
    #[error("a task stopped unexpectedly")]
    Task,
}

/// Something that cannot be done in a lab. Each sentence is for whoever asked for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabError {
    /// It has no mapping of that id.
    #[error("the lab has no such mapping")]
    NoSuchMapping,
    /// Nothing of that id waits.
    #[error("no such change waits for confirmation (any more)")]
    NoSuchChange,
    /// It has no role of that name.
    #[error("the lab has no such role")]
    NoSuchRole,
    /// It has no role of the name in the address.
    #[error("the lab has no role of that name")]
    RoleNotHere,
    /// The mapping has no such revision.
    #[error("the mapping has no such revision")]
    NoSuchRevision,
    /// The request's own key was used for another one.
    #[error("this key was used for another request; use a new one for each")]
    KeyReused,
    /// Nobody has that id, or nobody with a standing in the lab has.
    #[error("there is nobody of that id here")]
    NoSuchPerson,
    /// It was used, withdrawn or replaced, has lapsed, or never was one.
    #[error("the invitation is not good (any more)")]
    NoSuchInvitation,
    /// Nobody signs in there.
    #[error("there is no such connection; there are: {}", .0.join(", "))]
    UnknownConnection(Vec<String>),
    /// No sign-in there could bring it.
    #[error("this connection has no such groups: {0}")]
    Group(ParseError),
    /// The conditions cannot be.
    #[error(transparent)]
    Terms(TermsError),
    /// The limit cannot be.
    #[error(transparent)]
    Limit(LimitError),
    /// The group has the role.
    #[error("the mapping {0} gives this role to this group already; change that one")]
    AlreadyMapped(MappingId),
    /// It gives nothing anyway.
    #[error("the mapping has ended already")]
    AlreadyEnded,
    /// Another revision than the one that was looked at.
    #[error("somebody else has changed the mapping meanwhile; nothing of yours was done")]
    ChangedMeanwhile,
    /// Who asked for a change does not confirm it.
    #[error("another PI has to confirm what you asked for yourself")]
    OwnChange,
    /// Who asked for a change has no standing in the lab any more.
    #[error("who asked for this does not look after the lab any more; decline it")]
    AuthorGone,
    /// Nobody can tell who is meant.
    #[error(
        "more than {} people of the lab are called so; say more of the name, or the id",
        crate::store::LEDGER_CHOICES_MAX
    )]
    TooManyCalledSo,
    /// The account's checks are remembered for a while.
    #[error("there is no such check of this lab's account")]
    NoSuchCheck,
    /// It cannot be said what the account should have.
    #[error("there is no stack for the lab's account: {0}")]
    NoStack(PlanError),
    /// No role can be called so.
    #[error("a role cannot be called that: {0}")]
    RoleName(ParseError),
    /// Roles are made of templates that there are.
    #[error("there is no such template; `templates` lists those that there are")]
    NoSuchTemplate,
    /// The template cannot be filled so.
    #[error(transparent)]
    Fill(FillError),
    /// Two roles would have one name.
    #[error("the lab has a role of that name already")]
    RoleTaken,
    /// Somebody has it.
    #[error("groups have this role by {0} live mapping(s); end those first")]
    RoleInUse(usize),
    /// Another version than the one that was looked at.
    #[error("somebody else has changed the role meanwhile; nothing of yours was done")]
    RoleChangedMeanwhile,
    /// Nobody opens a door for themselves alone.
    #[error(
        "you have this role yourself, and it would give you more; make a new role instead, and give it to the group: \
         another PI then confirms that"
    )]
    WidensOwnRole,
    /// Nobody could tell them apart.
    #[error("a lab has {0} roles at most")]
    TooManyRoles(usize),
    /// The roles are more than one account can be given.
    #[error(transparent)]
    TooMuch(TooMuch),
    /// What was cut off is remembered for a while.
    #[error("there is no such cut-off (any more)")]
    NoSuchCutOff,
    /// Nothing can be cut off where nothing was given.
    #[error("the lab's AWS account is not joined, so that nothing was ever issued from it")]
    NothingIssued,
    /// It is over, or never kept anybody out.
    #[error("this cut-off keeps nobody out (any more)")]
    HoldsNobody,
    /// Nobody lets themselves in again.
    #[error("somebody else keeps you out; another PI of the lab has to lift it")]
    HeldOneself,
    /// A lab has a PI.
    #[error("this is the lab's only PI; appoint another one first")]
    LastPi,
}

/// A sign-in that came to nothing.
#[derive(Debug, thiserror::Error)]
#[error("the sign-in {reference} was refused: {refusal}")]
pub struct SignInError {
    /// Why.
    pub refusal: SignInRefusal,
    /// What the page, the log and the ledger call it.
    pub reference: ActId,
    /// What it was to be, where that is known: for beginning again.
    pub again: Option<SignInWish>,
    /// What was wrong with the provider's word.
    #[source]
    pub source: Option<oidc::Error>,
}

/// What every use case returns.
pub type Result<T> = std::result::Result<T, Error>;

impl From<DeskError> for Error {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Store(error) => Self::Store(error),
            error => Self::Desk(error),
        }
    }
}
