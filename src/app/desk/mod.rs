//! The operator's desk: what whoever runs the broker does, at its own command line, beside a running broker or without
//! one, or in a browser. What they do to a lab stands in that lab's ledger, under the account they did it with, or as the
//! person they are.

mod labs;
mod people;

use url::Url;

pub use labs::{LAB_TITLE_MAX_CHARS, LabDetails, LabNeed, LabsPage, NewInvitation, NewLab, lab_title};
pub use people::{PeoplePage, PersonDetails};

pub use crate::store::{LabAtAGlance, LabPi, LabStanding, PeopleSearch, PersonRow};

use crate::ambient::{Clock, Random};
use crate::domain::access::Operator;
use crate::domain::id::ActId;
use crate::domain::ledger::{Draft, Event, Thread};
use crate::domain::policy::{FillError, PolicyLibrary, TemplateName};
use crate::store::Store;

/// What the desk works with.
#[derive(Debug)]
pub struct Desk {
    /// Who sits at it.
    pub operator: Operator,
    /// The database.
    pub store: Store,
    /// The broker's address, for links.
    pub public_url: Url,
    /// The policy templates, of which a lab's roles are made.
    pub policies: PolicyLibrary,
    /// The clock.
    pub clock: Clock,
    /// The randomness.
    pub random: Random,
}

/// Why the desk did not do something.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// No lab has this name.
    #[error("there is no lab of that name; `lodged lab list` shows them")]
    NoSuchLab,
    /// A lab has this name.
    #[error("there is a lab of that name already")]
    NameTaken,
    /// No template begins with this.
    #[error("there is no pack of that name; there are: {0}")]
    NoSuchPack(String),
    /// A template of the pack cannot be filled with what was given.
    #[error("the template {0} cannot be filled: {1}")]
    Pack(TemplateName, FillError),
    /// No template of the pack has it.
    #[error("no template of the pack has a parameter `{0}`")]
    NoSuchParameter(String),
    /// It was done before.
    #[error("{0}")]
    Already(&'static str),
    /// Nobody has this id.
    #[error("there is no person with that id; `lodged person list` shows them")]
    NoSuchPerson,
    /// Nobody locks themselves out.
    #[error("that is you; another operator suspends you, or `lodged person suspend` at the machine")]
    Oneself,
    /// The database did not do its part.
    #[error("the database did not do its part")]
    Store(#[from] crate::store::Error),
}

/// What the desk's functions return.
pub type DeskResult<T> = Result<T, DeskError>;

impl Desk {
    fn act(&self, event: Event) -> Draft {
        let act = ActId::from_entropy(self.random.bytes());
        Draft { at: self.clock.now(), thread: Thread::Act(self.operator.actor(), act), event }
    }
}
