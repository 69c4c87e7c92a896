//! Resources on which the actions of a statement cannot be called.
//!
//! Such a statement is quietly without effect: `mechanicalturk:GetHIT` on an ARN matches no call, and so does
//! `s3:ListBucket` on the objects of a bucket.

use super::finding::{Code, Finding, Severity};
use super::reach::{Element, Reach};
use super::s3_shapes;
use crate::domain::policy::catalog::Action;
use crate::domain::policy::glob::Glob;
use crate::domain::policy::source::{Texts, Written};

/// How many actions are named.
const NAMED: usize = 4;

/// Whether a call of `action` can be on one of these resources, as far as can be told.
pub(super) fn takes(action: &Action, resources: &Texts) -> bool {
    if resources.is_all_but() {
        // On the ARNs of a type there is always something left; of `*` nothing is.
        return !resources.all.iter().any(|text| is_anything(text));
    }
    resources.all.iter().any(|text| takes_one(action, text))
}

fn takes_one(action: &Action, resource: &str) -> bool {
    if is_anything(resource) {
        return true;
    }
    if action.resources.is_empty() {
        return Glob::parse(resource).matches("*");
    }
    !action.name.starts_with("s3:") || action.resources.iter().any(|kind| s3_shapes::can_be(kind, resource))
}

/// `*`, in as many characters as there are.
fn is_anything(resource: &str) -> bool {
    resource.bytes().all(|byte| byte == b'*')
}

pub(super) fn check(statement: &Written, elements: &[Element<'_>]) -> Vec<Finding> {
    if statement.resources.is_all_but() || statement.actions.is_all_but() {
        return Vec::new();
    }
    let mut findings = stranded(statement, elements);
    // A resource that nothing in the statement can be called on.
    let elsewhere = elements.iter().any(|element| matches!(element.reach, Reach::Elsewhere));
    let known: Vec<&Action> = elements.iter().flat_map(|element| element.known().iter().copied()).collect();
    if !findings.is_empty() || elsewhere || known.is_empty() {
        return findings;
    }
    for (index, resource) in statement.resources.all.iter().enumerate() {
        if !known.iter().any(|action| takes_one(action, resource)) {
            let message = format!("no action of the statement can be called on `{resource}`");
            let finding = Finding::about(statement, Code::WrongResource, Severity::Warning, message);
            findings.push(finding.at(statement.resources.element(index)));
        }
    }
    findings
}

/// The actions that no resource of the statement fits: one finding for each way to put it right.
fn stranded(statement: &Written, elements: &[Element<'_>]) -> Vec<Finding> {
    let stranded = |element: &&Element<'_>| {
        let known = element.known();
        !known.is_empty() && !known.iter().any(|action| takes(action, &statement.resources))
    };
    let mut remedies: Vec<(Vec<String>, Vec<&str>)> = Vec::new();
    for element in elements.iter().filter(stranded) {
        let remedy = remedy(element.known(), &statement.resources);
        match remedies.iter_mut().find(|(known, _)| *known == remedy) {
            Some((_, texts)) => texts.push(element.text),
            None => remedies.push((remedy, vec![element.text])),
        }
    }
    let finding = |(instead, texts): (Vec<String>, Vec<&str>)| {
        let more = match texts.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names = texts.iter().take(NAMED).map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ");
        let on = statement.resources.all.join(", ");
        let why = if instead.iter().any(|text| text == "*") {
            "can only be called on `*`".to_owned()
        } else {
            format!("cannot be called on {on}")
        };
        let message = format!("{names}{more} {why}, so this statement {} with it", effect(statement));
        let finding = Finding::about(statement, Code::WrongResource, Severity::Error, message).instead(instead);
        finding.at(statement.resources.element(0))
    };
    remedies.into_iter().map(finding).collect()
}

const fn effect(statement: &Written) -> &'static str {
    if statement.allows { "grants nothing" } else { "protects nothing" }
}

/// The resource to write: `*`, or for S3 the bucket of an object or the objects of a bucket.
fn remedy(actions: &[&Action], resources: &Texts) -> Vec<String> {
    if actions.iter().all(|action| action.resources.is_empty()) {
        return vec!["*".to_owned()];
    }
    let takes = |kind: &str| actions.iter().any(|action| action.resources.iter().any(|known| known == kind));
    let mut remedy: Vec<String> = resources
        .all
        .iter()
        .filter_map(|text| {
            let name = text.strip_prefix("arn:aws:s3:::")?;
            match name.split_once('/') {
                Some((bucket, _)) if takes("bucket") => Some(format!("arn:aws:s3:::{bucket}")),
                None if takes("object") => Some(format!("arn:aws:s3:::{name}/*")),
                _ => None,
            }
        })
        .collect();
    remedy.dedup();
    remedy
}
