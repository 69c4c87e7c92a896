//! Resources on which the actions of a statement cannot be called.
//!
//! Such a statement is quietly without effect: `mechanicalturk:GetHIT` on an ARN matches no call, and so does
//! `s3:ListBucket` on the objects of a bucket.

use super::finding::{Code, Finding, Severity};
use super::look::Look;
use super::reach::Element;
use super::s3_shapes;
use crate::domain::policy::catalog::Action;
use crate::domain::policy::glob::Glob;
use crate::domain::policy::source::{Texts, Written};

/// How many actions are named.
const NAMED: usize = 4;

/// The resources of a statement, and which types of resource each can be.
pub(super) struct Places {
    /// Every resource but these.
    is_all_but: bool,
    all: Vec<Place>,
}

struct Place {
    /// It is `*`.
    is_anything: bool,
    /// The call of an action without resources, which is on `*`, fits it.
    is_for_none: bool,
    /// Those of S3; of other services nobody here knows.
    of_s3: Vec<&'static str>,
}

impl Places {
    pub(super) fn of(resources: &Texts) -> Self {
        let place = |text: &String| Place {
            is_anything: is_anything(text),
            is_for_none: Glob::parse(text).matches("*"),
            of_s3: s3_shapes::kinds(text),
        };
        Self { is_all_but: resources.is_all_but(), all: resources.all.iter().map(place).collect() }
    }

    /// Whether a call of `action` can be on one of these resources, as far as can be told.
    pub(super) fn take(&self, action: &Action) -> bool {
        if self.is_all_but {
            // On the ARNs of a type there is always something left; of `*` nothing is.
            return !self.all.iter().any(|place| place.is_anything);
        }
        self.all.iter().any(|place| place.takes(action))
    }
}

impl Place {
    fn takes(&self, action: &Action) -> bool {
        if self.is_anything {
            return true;
        }
        if action.resources.is_empty() {
            return self.is_for_none;
        }
        !action.name.starts_with("s3:") || action.resources.iter().any(|kind| self.of_s3.contains(&kind.as_str()))
    }
}

/// `*`, in as many characters as there are.
fn is_anything(resource: &str) -> bool {
    resource.bytes().all(|byte| byte == b'*')
}

pub(super) fn check(look: &Look<'_>) -> Vec<Finding> {
    let statement = look.statement;
    if statement.resources.is_all_but() || statement.actions.is_all_but() {
        return Vec::new();
    }
    let mut findings = stranded(look);
    let known = look.known();
    if !findings.is_empty() || look.reaches_elsewhere() || known.is_empty() {
        return findings;
    }
    // A resource that nothing in the statement can be called on.
    for (index, (text, place)) in statement.resources.all.iter().zip(&look.places.all).enumerate() {
        if !known.iter().any(|action| place.takes(action)) {
            let message = format!("no action of the statement can be called on `{text}`");
            let finding = Finding::about(statement, Code::WrongResource, Severity::Warning, message);
            findings.push(finding.at(statement.resources.element(index)));
        }
    }
    findings
}

/// The actions that no resource of the statement fits: one finding for each way to put it right.
fn stranded(look: &Look<'_>) -> Vec<Finding> {
    let statement = look.statement;
    let stranded = |element: &&Element<'_>| {
        let known = element.known();
        !known.is_empty() && !known.iter().any(|action| look.places.take(action))
    };
    let mut remedies: Vec<(Vec<String>, Vec<&str>)> = Vec::new();
    for element in look.elements.iter().filter(stranded) {
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
