//! What a policy allows and denies, in words: for whoever is handed one.
//!
//! Names that stand for nothing are left out of what is allowed and listed apart, because a reader takes them for
//! something. Of services that are not known here only the names are shown.

use std::collections::BTreeMap;

use serde::Serialize;

use super::action_words::{AccessLevel, words};
use super::catalog;
use super::document::{DocumentError, TrustDocument};
use super::glob::Glob;
use super::json::Json;
use super::lint::{Look, always_denied};
use super::money;
use super::source::{Source, Texts, Written, WrittenCondition};
use super::template::Money;

/// What a policy does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What it allows, without what it denies everywhere and always.
    pub allows: Vec<Explained>,
    /// What it denies.
    pub denies: Vec<Explained>,
    /// Actions in it that stand for nothing, as they are written.
    pub nothing: Vec<String>,
}

/// Actions of one service and one access level, on the same resources under the same conditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// From which statement, counted from 1.
    pub statement: usize,
    /// The service: its prefix, or `*`.
    pub service: String,
    /// The access level; `None` when it is not known.
    pub level: Option<&'static str>,
    /// The actions, by name.
    pub actions: Vec<ExplainedAction>,
    /// On what: a few words.
    pub on: String,
    /// When: a few words for each condition, of which all must hold.
    pub when: Vec<String>,
}

/// An action in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedAction {
    /// As AWS writes it, or as the policy does when it is not known.
    pub name: String,
    /// What it does, when there are words for it.
    pub does: Option<&'static str>,
    /// Whether it pays at once.
    pub pays: bool,
}

/// What a JSON file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A policy template: it has a `document`.
    Template,
    /// A permissions policy: it has a `Statement`.
    Policy,
    /// A trust policy, which says who may assume a role.
    TrustPolicy,
    /// Something else.
    Other,
}

/// What this text is.
///
/// # Errors
///
/// When it is not JSON, or gives a key twice.
pub fn kind_of(text: &str) -> Result<Kind, DocumentError> {
    let json: Json = serde_json::from_str(text).map_err(DocumentError::Json)?;
    Ok(match (json.get("document"), json.get("Statement")) {
        (Some(_), _) => Kind::Template,
        (None, Some(_)) if TrustDocument::parse(text).is_ok() => Kind::TrustPolicy,
        (None, Some(_)) => Kind::Policy,
        (None, None) => Kind::Other,
    })
}

/// What a permissions policy allows and denies.
///
/// # Errors
///
/// When it is not a permissions policy.
pub fn explain(text: &str) -> Result<Explanation, DocumentError> {
    let (source, _) = Source::parse(text)?;
    let mut explanation = Explanation::default();
    for statement in &source.statements {
        let (parts, nothing) = parts(statement, &source);
        let list = if statement.allows { &mut explanation.allows } else { &mut explanation.denies };
        list.extend(parts);
        explanation.nothing.extend(nothing);
    }
    Ok(explanation)
}

/// What one statement is about, and the actions in it that stand for nothing.
fn parts(statement: &Written, source: &Source) -> (Vec<Explained>, Vec<String>) {
    let part = |service: &str, level: Option<AccessLevel>, actions| Explained {
        statement: statement.number,
        service: service.to_owned(),
        level: level.map(AccessLevel::as_str),
        actions,
        on: resources(&statement.resources),
        when: statement.conditions.iter().map(when).collect(),
    };
    if statement.actions.is_all_but() {
        let name = format!("everything but {}", statement.actions.all.join(", "));
        return (vec![part("*", None, vec![ExplainedAction { name, does: None, pays: true }])], Vec::new());
    }
    let mut groups: BTreeMap<(String, Option<AccessLevel>), BTreeMap<String, ExplainedAction>> = BTreeMap::new();
    let mut nothing = Vec::new();
    let mut add = |service: &str, level, action: ExplainedAction| {
        groups.entry((service.to_owned(), level)).or_default().insert(action.name.clone(), action);
    };
    for text in &statement.actions.all {
        let Some((service, _)) = text.split_once(':') else {
            add("*", None, ExplainedAction { name: "every action".to_owned(), does: None, pays: true });
            continue;
        };
        if catalog::actions_of(service).next().is_none() {
            add(service, None, ExplainedAction { name: text.clone(), does: None, pays: false });
            continue;
        }
        let glob = Glob::parse(text);
        if !catalog::actions_of(service).any(|action| glob.matches_ignoring_case(&action.name)) {
            nothing.push(text.clone());
        }
    }
    let look = Look::at(statement);
    let told = |action: &catalog::Action| {
        !statement.allows || (look.is_callable(action) && !always_denied(source, &action.name))
    };
    // What `*` stands for is said already.
    let is_all = statement.actions.all.iter().any(|text| text == "*");
    for action in look.known().into_iter().filter(|action| !is_all && told(action)) {
        let does = words(&action.name).map(|words| words.does);
        let pays = money::spending(&action.name) == Money::Pays;
        let service = action.name.split(':').next().unwrap_or_default();
        add(service, Some(action.access), ExplainedAction { name: action.name.clone(), does, pays });
    }
    let parts =
        groups.into_iter().map(|((service, level), actions)| part(&service, level, actions.into_values().collect()));
    (parts.collect(), nothing)
}

fn resources(resources: &Texts) -> String {
    match (resources.is_all_but(), resources.all.iter().any(|text| text == "*")) {
        (false, true) => "everything".to_owned(),
        (false, false) => resources.all.join(", "),
        (true, _) => format!("everything but {}", resources.all.join(", ")),
    }
}

/// A condition in words.
fn when(condition: &WrittenCondition) -> String {
    let WrittenCondition { operator, key, values } = condition;
    let any = values.join(" or ");
    if operator == "Null" {
        return if any == "true" { format!("{key} is absent") } else { format!("{key} is present") };
    }
    let (every, rest) = match operator.split_once(':') {
        Some(("ForAllValues", rest)) => ("every value of ", rest),
        Some(("ForAnyValue", rest)) => ("a value of ", rest),
        _ => ("", operator.as_str()),
    };
    let (base, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |base| (base, true));
    let compares = match base {
        base if base.contains("NotEquals") => "is not",
        base if base.contains("NotLike") => "is not like",
        base if base.ends_with("LessThan") => "is below",
        base if base.ends_with("LessThanEquals") => "is at most",
        base if base.ends_with("GreaterThan") => "is above",
        base if base.ends_with("GreaterThanEquals") => "is at least",
        base if base.ends_with("Like") => "is like",
        _ => "is",
    };
    let absent = if if_exists { ", or is absent" } else { "" };
    format!("{every}{key} {compares} {any}{absent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(statements: &str) -> String {
        format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
    }

    fn told(statements: &str) -> String {
        let explanation = explain(&policy(statements)).unwrap();
        let line = |word: &str, part: &Explained| {
            let actions: Vec<&str> = part.actions.iter().map(|action| action.name.as_str()).collect();
            let level = part.level.unwrap_or("?");
            format!("{word} {} {level}: {} on {} {:?}", part.service, actions.join(" "), part.on, part.when)
        };
        let allows = explanation.allows.iter().map(|part| line("allows", part));
        let denies = explanation.denies.iter().map(|part| line("denies", part));
        let nothing = format!("nothing: {}", explanation.nothing.join(" "));
        allows.chain(denies).chain([nothing]).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn actions_are_told_by_service_and_level() {
        insta::assert_snapshot!(told(
            r#"{"Effect":"Allow","Action":["mechanicalturk:SearchHITs","mechanicalturk:*hit","s3:GetObject","dynamodb:*"],
                "Resource":"*"},
               {"Effect":"Deny","Action":"mechanicalturk:delete*","Resource":"*"}"#
        ), @"
        allows dynamodb ?: dynamodb:* on everything []
        allows mechanicalturk list: mechanicalturk:ListAssignmentsForHIT mechanicalturk:ListReviewPolicyResultsForHIT on everything []
        allows mechanicalturk read: mechanicalturk:GetHIT on everything []
        allows mechanicalturk write: mechanicalturk:CreateAdditionalAssignmentsForHIT mechanicalturk:CreateHIT mechanicalturk:UpdateExpirationForHIT mechanicalturk:UpdateHITTypeOfHIT on everything []
        allows s3 read: s3:GetObject on everything []
        denies mechanicalturk write: mechanicalturk:DeleteHIT mechanicalturk:DeleteQualificationType mechanicalturk:DeleteWorkerBlock on everything []
        nothing: mechanicalturk:SearchHITs
        ");
    }

    #[test]
    fn conditions_are_told_in_words() {
        insta::assert_snapshot!(told(
            r#"{"Effect":"Deny","NotAction":"s3:*","NotResource":"arn:aws:s3:::a","Condition":{
                "StringNotLikeIfExists":{"aws:username":["a*","b"]},"Null":{"aws:userid":"true"},
                "DateLessThan":{"aws:TokenIssueTime":"2026-01-01T00:00:00Z"},
                "ForAllValues:StringEquals":{"aws:TagKeys":"x"},"Bool":{"aws:SecureTransport":false}}}"#
        ), @r#"
        denies * ?: everything but s3:* on everything but arn:aws:s3:::a ["aws:username is not like a* or b, or is absent", "aws:userid is absent", "aws:TokenIssueTime is below 2026-01-01T00:00:00Z", "every value of aws:TagKeys is x", "aws:SecureTransport is false"]
        nothing:
        "#);
    }

    #[test]
    fn a_file_is_told_by_what_is_in_it() {
        let allow = policy(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#);
        let trust = policy(r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}"#);

        assert_eq!(kind_of(r#"{"document":{},"Statement":[]}"#).unwrap(), Kind::Template);
        assert_eq!((kind_of(&allow).unwrap(), kind_of(&trust).unwrap()), (Kind::Policy, Kind::TrustPolicy));
        assert_eq!(kind_of(r#"{"name":"x"}"#).unwrap(), Kind::Other);
        assert!(kind_of(r#"{"Statement":1,"Statement":2}"#).is_err() && kind_of("{").is_err());
    }
}
