//! Whether everything that one policy allows is allowed by another, and what a change of a policy gives or takes.
//!
//! `Yes` means every action, every resource and every context. `No` comes with a call that [`evaluate`] confirms. Policies
//! without conditions and variables are always told apart; with them it can be `Unknown`, and so it is when telling would
//! take more than some tens of milliseconds: policies can be written that nothing could tell apart in a lifetime.
//!
//! A call is of an action `service:Name` on `*` or an ARN of five colons or more. What a role allows under a permissions
//! boundary is included in another policy when the role's own policy is, or when the boundary is; and a policy is included
//! in what a role allows under a boundary when it is included in [both](included), one after the other.
//!
//! How: [`problem`] and [`world`] sort all calls into kinds with [`walk`], and ask of each kind what its conditions make of it,
//! which [`values`] has the choices for. [`example`] makes what is found readable.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::catalog;
use super::context::Context;
use super::document::{Document, Selection};
use super::evaluate::{Request, Verdict, evaluate};
use problem::{About, Outcome, Problem, literal};

mod example;
mod problem;
#[cfg(any(test, fuzzing))]
pub(super) mod random;
#[cfg(test)]
mod tests;
mod values;
mod walk;
mod world;

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

impl Counterexample {
    /// What a policy says to this call.
    #[must_use]
    pub fn evaluate(&self, document: &Document) -> Verdict {
        evaluate(document, &Request { action: &self.action, resource: &self.resource, context: &self.context })
    }
}

/// Whether `wide` allows everything that `narrow` allows.
#[must_use]
pub fn included(narrow: &Document, wide: &Document) -> Inclusion {
    if narrow == wide {
        return Inclusion::Yes;
    }
    let problem = Problem::new(narrow, wide);
    let Some(kinds) = problem.kinds_of_action() else { return Inclusion::Unknown };
    let mut is_certain = true;
    let mut answers = Answers::new(&problem);
    let mut found = None;
    for (about, action) in kinds {
        match answers.of(&about) {
            Outcome::None => {}
            Outcome::Unknown => is_certain = false,
            Outcome::Found { .. } => drop(found.get_or_insert((about, action))),
        }
    }
    let Some((about, action)) = found else {
        return if is_certain { Inclusion::Yes } else { Inclusion::Unknown };
    };
    let named = names(&[narrow, wide], true).find_map(|name| {
        let about = problem.about(&name.to_lowercase());
        matches!(answers.known(&about), Some(Outcome::Found { .. })).then_some((about, name))
    });
    let (about, action) = named.unwrap_or((about, action));
    let call = answers.example(&about, &action);
    let confirmed =
        call.filter(|call| call.evaluate(narrow) == Verdict::Allowed && call.evaluate(wide) != Verdict::Allowed);
    confirmed.map_or(Inclusion::Unknown, |call| Inclusion::No(Box::new(call)))
}

/// What one policy allows and another does not, action by action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gain {
    /// The action, as AWS writes it.
    pub action: String,
    /// A call of it that is allowed now; `None` when it could not be told whether there is one.
    pub example: Option<Counterexample>,
}

/// What `after` allows beyond `before`, of the actions that are known and those that either names, by name. With the two
/// swapped: what the change takes away.
#[must_use]
pub fn gains(before: &Document, after: &Document) -> Vec<Gain> {
    if before == after {
        return Vec::new();
    }
    let problem = Problem::new(after, before);
    let mut answers = Answers::new(&problem);
    let gain = |(lower, action): (String, String)| {
        let about = problem.about(&lower);
        let example = match answers.of(&about) {
            Outcome::None => return None,
            Outcome::Found { .. } => answers.example(&about, &action),
            Outcome::Unknown => None,
        };
        Some(Gain { action, example })
    };
    let mut all = BTreeMap::new();
    for name in names(&[before, after], false) {
        all.entry(name.to_lowercase()).or_insert(name);
    }
    let mut gains: Vec<Gain> = all.into_iter().filter_map(gain).collect();
    gains.sort_by(|one, other| one.action.cmp(&other.action));
    gains
}

/// Whether a policy lets an action be called at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callable {
    /// On no resource and in no context.
    Never,
    /// For instance so.
    Allowed(Box<Counterexample>),
    /// It could not be told, and counts as allowed.
    Unknown,
}

impl Callable {
    /// Whether it may be called, for all that is known.
    #[must_use]
    pub const fn is_possible(&self) -> bool {
        !matches!(self, Self::Never)
    }
}

/// Whether `document` allows `action` to be called on some resource in some context.
#[must_use]
pub fn can_call(document: &Document, action: &str) -> Callable {
    let nothing = Document::union([]);
    let problem = Problem::new(document, &nothing);
    let mut answers = Answers::new(&problem);
    let about = problem.about(&action.to_lowercase());
    match answers.of(&about) {
        Outcome::None => Callable::Never,
        Outcome::Unknown => Callable::Unknown,
        Outcome::Found { .. } => {
            let known = catalog::action(action).map_or(action, |known| &known.name);
            answers.example(&about, known).map_or(Callable::Unknown, |call| Callable::Allowed(Box::new(call)))
        }
    }
}

/// The answers to the kinds of action that were asked for; there are few kinds.
struct Answers<'a> {
    problem: &'a Problem<'a>,
    known: HashMap<About, Outcome>,
}

impl<'a> Answers<'a> {
    fn new(problem: &'a Problem<'a>) -> Self {
        Self { problem, known: HashMap::new() }
    }

    fn of(&mut self, about: &About) -> Outcome {
        if let Some(outcome) = self.known.get(about) {
            return outcome.clone();
        }
        let outcome = self.problem.outcome(about);
        self.known.insert(about.clone(), outcome.clone());
        outcome
    }

    fn known(&self, about: &About) -> Option<&Outcome> {
        self.known.get(about)
    }

    /// A call of this action of a kind that was found to have one.
    fn example(&self, about: &About, action: &str) -> Option<Counterexample> {
        let Some(Outcome::Found { resource, context }) = self.known.get(about) else { return None };
        let mut candidates = example::resources(action).into_iter();
        let own = candidates.find(|candidate| self.problem.differs(about, candidate, context));
        let mut candidates = example::filled_in(self.problem, context).into_iter();
        let resource = own
            .or_else(|| candidates.find(|candidate| self.problem.differs(about, candidate, context)))
            .unwrap_or_else(|| resource.clone());
        Some(Counterexample { action: action.to_owned(), resource, context: context.clone() })
    }
}

/// The names of all actions that exist (only of services that are named, when `named_services`, unless some pattern names
/// none), and then of those that the documents name.
fn names<'a>(documents: &[&'a Document], named_services: bool) -> impl Iterator<Item = String> + use<'a> {
    let globs: Vec<_> = documents
        .iter()
        .flat_map(|document| &document.statements)
        .flat_map(|statement| match &statement.actions {
            Selection::Only(globs) => globs.iter().map(|glob| (true, glob)).collect::<Vec<_>>(),
            Selection::AllBut(globs) => globs.iter().map(|glob| (false, glob)).collect(),
        })
        .collect();
    let services: BTreeSet<Option<String>> =
        globs.iter().map(|(only, glob)| if *only { example::service(glob) } else { None }).collect();
    let all = !named_services || services.contains(&None);
    let named = services.into_iter().flatten().filter(move |_| !all);
    let known = named.flat_map(|service| catalog::actions_of(&service).collect::<Vec<_>>());
    let every = all.then(catalog::actions).into_iter().flatten();
    let literal = globs.into_iter().filter_map(|(_, glob)| literal(glob)).filter(|name| name.contains(':'));
    known.chain(every).map(|action| action.name.clone()).chain(literal)
}
