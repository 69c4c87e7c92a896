//! Condition keys that no call of the statement's actions carries.
//!
//! IAM takes any key. A condition on one that is never there always holds or never does, and which of the two depends on
//! the operator: a statement that looks restricted may be open, and one that looks sharp may be blunt.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::finding::{Code, Finding, Severity};
use super::global_keys::{OF_TAGS, is_global, is_key};
use super::look::Look;
use super::reach::Element;
use crate::domain::policy::catalog::{self, Action};
use crate::domain::policy::condition::Condition;
use crate::domain::policy::context::Context;
use crate::domain::policy::source::WrittenCondition;

/// How many actions are named.
const NAMED: usize = 3;

/// A condition's key, and what can be told of it without an action.
pub(super) struct Key<'a> {
    name: &'a str,
    is_global: bool,
    /// Which of those that say something about tags it is.
    of_tags: Option<usize>,
}

/// The services of which some action knows the keys of [`OF_TAGS`]. Every service that has tags says so somewhere, and not
/// always with every action.
static TAGGED: LazyLock<[BTreeSet<&'static str>; OF_TAGS.len()]> = LazyLock::new(|| {
    OF_TAGS.map(|tags| {
        let knows = |action: &&Action| action.conditions.iter().any(|known| known.starts_with(tags));
        catalog::actions().filter(knows).map(service).collect()
    })
});

fn service(action: &Action) -> &str {
    action.name.split(':').next().unwrap_or_default()
}

impl<'a> Key<'a> {
    pub(super) fn of(condition: &'a WrittenCondition) -> Self {
        let key = condition.key.as_str();
        let is_of = |tags: &&str| key.get(..tags.len()).is_some_and(|head| head.eq_ignore_ascii_case(tags));
        Self { name: key, is_global: is_global(key), of_tags: OF_TAGS.iter().position(is_of) }
    }

    /// Whether a call of `action` can carry it.
    pub(super) fn is_carried_by(&self, action: &Action) -> bool {
        let by_all = self.is_global && self.of_tags.is_none_or(|tags| TAGGED[tags].contains(service(action)));
        by_all || action.conditions.iter().any(|known| is_key(known, self.name))
    }
}

/// Whether the condition holds when no call carries its key; `None` when that depends on the caller.
pub(super) fn holds_without(condition: &WrittenCondition) -> Option<bool> {
    if condition.values.iter().any(|value| value.contains("${")) {
        return None;
    }
    let parsed = Condition::parse(&condition.operator, &condition.key, &condition.values, true).ok()?;
    Some(parsed.holds(&Context::new()))
}

pub(super) fn check(look: &Look<'_>) -> Vec<Finding> {
    if look.statement.actions.is_all_but() || look.reaches_elsewhere() {
        return Vec::new();
    }
    let known = look.known();
    let conditions = look.statement.conditions.iter().zip(&look.without);
    conditions.filter_map(|(condition, without)| unknown(look, condition, (*without)?, &known)).collect()
}

fn unknown(look: &Look<'_>, condition: &WrittenCondition, holds: bool, known: &[&Action]) -> Option<Finding> {
    let statement = look.statement;
    let key = Key::of(condition);
    let without: Vec<&str> =
        known.iter().filter(|action| !key.is_carried_by(action)).map(|action| action.name.as_str()).collect();
    let everywhere = without.len() == known.len();
    // A wildcard takes in actions that nobody had in mind.
    if without.is_empty() || (!everywhere && look.elements.iter().any(Element::is_wild)) {
        return None;
    }
    let who = if everywhere {
        "no call of this statement's actions".to_owned()
    } else {
        let more = match without.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" or of {more} more"),
        };
        format!("no call of {}{more}", without.iter().take(NAMED).copied().collect::<Vec<_>>().join(" or "))
    };
    let (severity, then) = match (holds, statement.allows) {
        (true, true) => (Severity::Error, "the condition always holds there and restricts nothing"),
        (true, false) => (Severity::Warning, "the condition always holds there and the Deny is for all of them"),
        (false, true) => (Severity::Error, "the condition never holds there and nothing is granted"),
        (false, false) => (Severity::Error, "the condition never holds there and nothing is protected"),
    };
    let message = format!("{who} carries the key `{}`, so {then}", condition.key);
    let finding = Finding::about(statement, Code::UnknownConditionKey, severity, message);
    Some(finding.at(condition.element()))
}
