//! Wildcards that take in more than their names say.
//!
//! `mechanicalturk:Get*` looks harmless and shows how much money there is; `s3:Put*` looks like writing and changes who
//! may read. A name promises an access level by its verb; what lies above that, and what shows something that nobody
//! thinks of, is named.

use super::finding::{Code, Finding, Severity};
use super::look::Look;
use super::reach::Element;
use crate::domain::policy::action_words::{AccessLevel, words};
use crate::domain::policy::catalog::Action;
use crate::domain::policy::money;
use crate::domain::policy::template::Money;

/// Verbs of which one expects that they change something, but not who may. Of every other, and of none, one expects
/// that it only shows something.
const CHANGING: [&str; 15] = [
    "Put", "Create", "Update", "Delete", "Add", "Remove", "Start", "Stop", "Tag", "Untag", "Set", "Send", "Submit",
    "Register", "Write",
];

/// Actions that only show something, which nobody thinks of.
///
/// The sentences are ours, after the API references of the services; `mechanicalturk` has its own in
/// [`words`](crate::domain::policy::action_words::words).
const TELLING: [(&str, &str); 9] = [
    ("iam:GetAccountAuthorizationDetails", "shows every user, role and policy of the account"),
    ("iam:GetCredentialReport", "shows every user and the age of their passwords and keys"),
    ("mechanicalturk:GetAccountBalance", ""),
    ("mechanicalturk:GetFileUploadURL", ""),
    ("mechanicalturk:ListBonusPayments", ""),
    ("mechanicalturk:ListWorkerBlocks", ""),
    ("s3:GetDataAccess", "hands out credentials for data in S3 Access Grants"),
    ("sts:GetFederationToken", "makes credentials that live for up to 36 hours"),
    ("sts:GetSessionToken", "makes credentials that live for up to 36 hours"),
];

/// How many actions are named; the others are counted.
const NAMED: usize = 4;

pub(super) fn check(look: &Look<'_>) -> Vec<Finding> {
    let statement = look.statement;
    if !statement.allows {
        return Vec::new();
    }
    if statement.actions.is_all_but() {
        let message =
            "NotAction allows every action of every service but those listed, and whatever AWS adds".to_owned();
        return vec![
            Finding::about(statement, Code::AllowsAllBut, Severity::Warning, message).at("NotAction".to_owned()),
        ];
    }
    let wild = look.elements.iter().filter(|element| element.is_wild());
    wild.filter_map(|element| leak(element).map(|message| (element, message)))
        .map(|(element, message)| {
            Finding::about(statement, Code::LeakingWildcard, Severity::Warning, message).at(element.place.clone())
        })
        .collect()
}

fn leak(element: &Element<'_>) -> Option<String> {
    let text = element.text;
    if !text.contains(':') {
        return Some(format!("`{text}` allows every action of every service, and whatever AWS adds"));
    }
    let promised = promised(text);
    let mut unexpected: Vec<&Action> = element
        .known()
        .iter()
        .copied()
        .filter(|action| action.access > promised || telling(action).is_some())
        .collect();
    if unexpected.is_empty() {
        return None;
    }
    unexpected.sort_by_key(|action| {
        let told = telling(action).is_some();
        (std::cmp::Reverse((money::spending(&action.name), told, action.access)), &action.name)
    });
    let named: Vec<String> = unexpected.iter().take(NAMED).map(|action| said(action)).collect();
    let more = match unexpected.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(format!("`{text}` takes in {}{more}", named.join(", ")))
}

/// The most that one expects of this pattern, by the verb before its first wildcard.
fn promised(text: &str) -> AccessLevel {
    let name = text.split_once(':').map_or("", |(_, name)| name);
    let verb = name.split(['*', '?']).next().unwrap_or_default();
    let begins = |known: &&str| verb.get(..known.len()).is_some_and(|start| start.eq_ignore_ascii_case(known));
    let changes = CHANGING.iter().any(begins);
    if changes { AccessLevel::Write } else { AccessLevel::Read }
}

fn telling(action: &Action) -> Option<&'static str> {
    TELLING.iter().find(|(name, _)| *name == action.name).map(|(_, does)| *does)
}

/// The action and what it does, as far as there are words.
fn said(action: &Action) -> String {
    let told = telling(action).filter(|does| !does.is_empty());
    let does = told.or_else(|| words(&action.name).map(|words| words.does));
    match (does, action.access) {
        (Some(does), _) => format!("{} ({does})", action.name),
        (None, AccessLevel::Permissions) => format!("{} (changes who may do what)", action.name),
        (None, _) if money::spending(&action.name) > Money::None => format!("{} (spends)", action.name),
        (None, level) => format!("{} ({level})", action.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::catalog;

    #[test]
    fn every_action_that_tells_something_exists_and_has_words() {
        for (name, does) in TELLING {
            let action = catalog::action(name).unwrap();
            assert!(action.name == name && action.access <= AccessLevel::Read, "{name}: {}", action.access);
            assert!(!does.is_empty() || words(name).is_some(), "{name}");
        }
    }
}
