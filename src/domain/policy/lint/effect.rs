//! Statements without effect: those that no call matches, and an Allow that a Deny takes away.

use std::collections::BTreeMap;

use super::contradiction;
use super::finding::{Code, Finding, Severity};
use super::look::Look;
use super::reach::Element;
use crate::domain::policy::catalog::{self, Action};
use crate::domain::policy::glob::Glob;
use crate::domain::policy::source::{Source, Texts, Written};

/// That no call matches the statement, when that is certain.
pub(super) fn never_matches(look: &Look<'_>) -> Option<Finding> {
    if !is_dead(look) {
        return None;
    }
    let message = if look.statement.allows {
        "no call matches this statement: it grants nothing"
    } else {
        "no call matches this statement: it protects nothing"
    };
    Some(Finding::about(look.statement, Code::NeverMatches, Severity::Error, message.to_owned()))
}

fn is_dead(look: &Look<'_>) -> bool {
    let actions = &look.statement.actions;
    if contradiction::check(look.statement).is_some() {
        return true;
    }
    if actions.is_all_but() {
        return actions.all.iter().any(|text| text == "*");
    }
    !look.reaches_elsewhere() && !look.known().iter().any(|action| look.is_callable(action))
}

/// The known actions that a permissions policy allows on something, by name; none of one that cannot be read.
///
/// A condition on an Allow counts as one that can hold, and one on a Deny as one that need not.
#[must_use]
pub fn allowed_actions(text: &str) -> Vec<&'static Action> {
    let Ok((source, _)) = Source::parse(text) else { return Vec::new() };
    let mut allowed: BTreeMap<&str, &'static Action> = BTreeMap::new();
    for statement in source.statements.iter().filter(|statement| statement.allows) {
        let look = Look::at(statement);
        let mut named = look.known();
        if statement.actions.is_all_but() {
            named = catalog::actions().filter(|action| !named.contains(action)).collect();
        }
        let callable = named.into_iter().filter(|action| look.is_callable(action));
        allowed.extend(callable.map(|action| (action.name.as_str(), action)));
    }
    allowed.into_values().filter(|action| !always_denied(&source, &action.name)).collect()
}

/// The Allows that the Denies of the same policy take away whole.
pub(super) fn denied_anyway(looks: &[Look<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let denies: Vec<&Written> = looks.iter().map(|look| look.statement).filter(|statement| !statement.allows).collect();
    for look in looks.iter().filter(|look| look.statement.allows) {
        let statement = look.statement;
        if statement.actions.is_all_but() || statement.resources.is_all_but() || is_dead(look) {
            continue;
        }
        let by = |element: &Element<'_>| denies.iter().find(|deny| takes_away(deny, statement, element));
        let Some(denies) = look.elements.iter().map(by).collect::<Option<Vec<_>>>() else { continue };
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
