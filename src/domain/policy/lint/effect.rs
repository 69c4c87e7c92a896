//! Statements without effect: those that no call matches, and an Allow that a Deny takes away.

use super::finding::{Code, Finding, Severity};
use super::reach::{Element, Reach};
use super::{contradiction, keys, resources};
use crate::domain::policy::catalog::{self, Action};
use crate::domain::policy::glob::Glob;
use crate::domain::policy::source::{Source, Texts, Written, WrittenCondition};

/// A statement and what its actions stand for.
pub(super) type Read<'a> = (&'a Written, Vec<Element<'a>>);

/// That no call matches the statement, when that is certain.
pub(super) fn never_matches(statement: &Written, elements: &[Element<'_>]) -> Option<Finding> {
    if !is_dead(statement, elements) {
        return None;
    }
    let message = if statement.allows {
        "no call matches this statement: it grants nothing"
    } else {
        "no call matches this statement: it protects nothing"
    };
    Some(Finding::about(statement, Code::NeverMatches, Severity::Error, message.to_owned()))
}

fn is_dead(statement: &Written, elements: &[Element<'_>]) -> bool {
    if contradiction::check(statement).is_some() {
        return true;
    }
    if statement.actions.is_all_but() {
        return statement.actions.all.iter().any(|text| text == "*");
    }
    !elements.iter().any(|element| match &element.reach {
        Reach::Elsewhere => true,
        Reach::Legacy(_) | Reach::Nothing => false,
        Reach::Known(actions) => actions.iter().any(|action| callable(statement, action)),
    })
}

/// Whether a call of `action` can be on a resource of the statement and under its conditions, as far as can be told.
pub(in crate::domain::policy) fn callable(statement: &Written, action: &Action) -> bool {
    let may_hold = |condition: &WrittenCondition| {
        keys::carries(action, &condition.key) || keys::holds_without(condition) != Some(false)
    };
    resources::takes(action, &statement.resources) && statement.conditions.iter().all(may_hold)
}

/// The known actions that a permissions policy allows on something, by name; none of one that cannot be read.
///
/// A condition on an Allow counts as one that can hold, and one on a Deny as one that need not.
#[must_use]
pub fn allowed_actions(text: &str) -> Vec<&'static Action> {
    let Ok((source, _)) = Source::parse(text) else { return Vec::new() };
    let allows = |statement: &Written, action: &Action| {
        let named = statement.actions.all.iter().any(|text| Glob::parse(text).matches_ignoring_case(&action.name));
        statement.allows && named != statement.actions.is_all_but() && callable(statement, action)
    };
    let allowed = |action: &&Action| source.statements.iter().any(|statement| allows(statement, action));
    catalog::actions().filter(allowed).filter(|action| !always_denied(&source, &action.name)).collect()
}

/// The Allows that the Denies of the same policy take away whole.
pub(super) fn denied_anyway(read: &[Read<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (statement, elements) in read.iter().filter(|(statement, _)| statement.allows) {
        if statement.actions.is_all_but() || statement.resources.is_all_but() || is_dead(statement, elements) {
            continue;
        }
        let by =
            |element: &Element<'_>| read.iter().map(|(deny, _)| deny).find(|deny| takes_away(deny, statement, element));
        let Some(denies) = elements.iter().map(by).collect::<Option<Vec<_>>>() else { continue };
        let mut numbers: Vec<usize> = denies.iter().map(|deny| deny.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let numbers = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
        let message = format!("all of this Allow is denied by statement {numbers}, so it grants nothing");
        findings.push(Finding::about(statement, Code::DeniedAnyway, Severity::Warning, message));
    }
    findings
}

/// Whether `deny` denies every call that `element` of `allow` stands for.
fn takes_away(deny: &Written, allow: &Written, element: &Element<'_>) -> bool {
    if deny.allows || !deny.conditions.is_empty() || deny.resources.is_all_but() {
        return false;
    }
    let on_all = allow.resources.all.iter().all(|resource| covers(&deny.resources, resource, false));
    let named = covers(&deny.actions, element.text, true);
    let each = |actions: &[&Action]| {
        !actions.is_empty() && actions.iter().all(|action| covers(&deny.actions, &action.name, true))
    };
    // A wildcard also takes in what AWS adds, of which only another wildcard is sure.
    let all = if deny.actions.is_all_but() {
        each(element.known()) && !element.is_wild()
    } else {
        named || (each(element.known()) && !element.is_wild())
    };
    on_all && all
}

/// Whether every text that fits `pattern` is among `texts`. May say no when it is so.
fn covers(texts: &Texts, pattern: &str, ignore_case: bool) -> bool {
    // With `?` or a variable on the wide side, the text of a pattern says too little about what fits it.
    let wide = |text: &&String| !text.contains(['?', '$']);
    let fits = |text: &String| {
        let glob = Glob::parse(text);
        if ignore_case { glob.matches_ignoring_case(pattern) } else { glob.matches(pattern) }
    };
    if texts.is_all_but() {
        return !texts.all.iter().any(fits);
    }
    texts.all.iter().filter(wide).any(fits)
}

/// Which known actions the policy denies everybody, everywhere and always.
pub(in crate::domain::policy) fn always_denied(source: &Source, action: &str) -> bool {
    source.statements.iter().any(|deny| {
        !deny.allows
            && deny.conditions.is_empty()
            && covers(&deny.resources, "*", false)
            && !deny.resources.is_all_but()
            && covers(&deny.actions, action, true)
    })
}
