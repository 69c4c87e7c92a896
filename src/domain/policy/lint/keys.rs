//! Condition keys that no call of the statement's actions carries.
//!
//! IAM takes any key. A condition on one that is never there always holds or never does, and which of the two depends on
//! the operator: a statement that looks restricted may be open, and one that looks sharp may be blunt.

use super::finding::{Code, Finding, Severity};
use super::global_keys::{OF_TAGS, is_global, is_key};
use super::reach::{Element, Reach};
use crate::domain::policy::catalog::{self, Action};
use crate::domain::policy::condition::Condition;
use crate::domain::policy::context::Context;
use crate::domain::policy::source::{Written, WrittenCondition};

/// How many actions are named.
const NAMED: usize = 3;

/// Whether a call of `action` can carry the key.
pub(super) fn carries(action: &Action, key: &str) -> bool {
    let knows = |action: &Action| action.conditions.iter().any(|known| is_key(known, key));
    if knows(action) {
        return true;
    }
    if !is_global(key) {
        return false;
    }
    // Every service that has tags says so somewhere, and not always with every action.
    let of_tags = OF_TAGS.iter().any(|tags| key.get(..tags.len()).is_some_and(|head| head.eq_ignore_ascii_case(tags)));
    let service = action.name.split(':').next().unwrap_or_default();
    !of_tags || catalog::actions_of(service).any(knows)
}

/// Whether the condition holds when no call carries its key; `None` when that depends on the caller.
pub(super) fn holds_without(condition: &WrittenCondition) -> Option<bool> {
    if condition.values.iter().any(|value| value.contains("${")) {
        return None;
    }
    let parsed = Condition::parse(&condition.operator, &condition.key, &condition.values, true).ok()?;
    Some(parsed.holds(&Context::new()))
}

pub(super) fn check(statement: &Written, elements: &[Element<'_>]) -> Vec<Finding> {
    if statement.actions.is_all_but() || elements.iter().any(|element| matches!(element.reach, Reach::Elsewhere)) {
        return Vec::new();
    }
    let known: Vec<&Action> = elements.iter().flat_map(|element| element.known().iter().copied()).collect();
    if known.is_empty() {
        return Vec::new();
    }
    statement.conditions.iter().filter_map(|condition| unknown(statement, condition, &known, elements)).collect()
}

fn unknown(
    statement: &Written,
    condition: &WrittenCondition,
    known: &[&Action],
    elements: &[Element<'_>],
) -> Option<Finding> {
    let without: Vec<&str> =
        known.iter().filter(|action| !carries(action, &condition.key)).map(|action| action.name.as_str()).collect();
    let everywhere = without.len() == known.len();
    // A wildcard takes in actions that nobody had in mind.
    if without.is_empty() || (!everywhere && elements.iter().any(Element::is_wild)) {
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
    let (severity, then) = match (holds_without(condition)?, statement.allows) {
        (true, true) => (Severity::Error, "the condition always holds there and restricts nothing"),
        (true, false) => (Severity::Warning, "the condition always holds there and the Deny is for all of them"),
        (false, true) => (Severity::Error, "the condition never holds there and nothing is granted"),
        (false, false) => (Severity::Error, "the condition never holds there and nothing is protected"),
    };
    let message = format!("{who} carries the key `{}`, so {then}", condition.key);
    let finding = Finding::about(statement, Code::UnknownConditionKey, severity, message);
    Some(finding.at(condition.element()))
}
