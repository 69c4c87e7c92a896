//! What is wrong with a policy, or surprising: what IAM accepts without a word and its author did not mean.
//!
//! An error is a policy that does not do what it says, or that AWS would not take. A warning is one that may allow more
//! than its author thinks. A note is neither. Nothing here asks AWS, and nothing here withholds a credential: it is
//! for whoever writes or reads a policy.

mod contradiction;
mod effect;
mod escalation;
mod finding;
mod global_keys;
mod keys;
mod legacy;
mod look;
mod names;
mod odd;
mod reach;
mod resources;
mod s3_shapes;
mod template;
mod wildcards;

#[cfg(test)]
mod tests;

pub use effect::allowed_actions;
pub use finding::{Code, Finding, Severity};
pub use legacy::names_today;
pub use template::{lint_template, lint_template_text};

pub(super) use effect::always_denied;
pub(super) use legacy::legacy;
pub(super) use look::Look;

use super::document::DocumentError;
use super::session_policy::SESSION_POLICY_MAX_CHARS;
use super::source::Source;

/// The most that IAM takes of any policy: all inline policies of a role together (IAM quotas, "Role inline policies").
pub const IAM_MAX_CHARS: usize = 10_240;

/// How long a permissions policy is without white space; `None` of one that cannot be read.
#[must_use]
pub fn characters(text: &str) -> Option<usize> {
    Source::parse(text).ok().map(|(source, _)| source.characters)
}

/// Everything that there is to say about a permissions policy, in the order of its statements.
#[must_use]
pub fn lint(text: &str) -> Vec<Finding> {
    let mut findings = odd::check(text);
    let source = match Source::parse(text) {
        Ok((source, _)) => source,
        Err(error) => {
            findings.push(unreadable(&error));
            return findings;
        }
    };
    findings.extend(too_long(&source));
    if source.characters > IAM_MAX_CHARS {
        return findings;
    }
    let looks: Vec<Look<'_>> = source.statements.iter().map(Look::at).collect();
    for look in &looks {
        findings.extend(names::check(look));
        findings.extend(wildcards::check(look));
        findings.extend(resources::check(look));
        findings.extend(keys::check(look));
        findings.extend(contradiction::check(look.statement));
        findings.extend(escalation::check(look));
        findings.extend(effect::never_matches(look));
    }
    findings.extend(effect::denied_anyway(&looks));
    findings.sort_by_key(|finding| finding.statement);
    findings
}

/// That it cannot be read, and where.
fn unreadable(error: &DocumentError) -> Finding {
    let (statement, sid, message) = match error {
        DocumentError::Statement { number, sid, problem } => (Some(*number), sid.clone(), format!("it {problem}")),
        DocumentError::Principal { number } => {
            (Some(*number), None, "it names a principal, which only a trust policy may".to_owned())
        }
        DocumentError::Json(source) => (None, None, format!("the policy is not JSON: {source}")),
        DocumentError::Policy(_) => (None, None, error.to_string()),
    };
    let finding = Finding::whole(Code::Unreadable, Severity::Error, super::look_alike::spelled(&message));
    Finding { statement, sid, ..finding }
}

/// That it is longer than AWS takes, and which statement is the longest.
fn too_long(source: &Source) -> Option<Finding> {
    let longest = source.statements.iter().max_by_key(|statement| statement.characters)?;
    let characters = source.characters;
    let (severity, what) = if characters > IAM_MAX_CHARS {
        (Severity::Error, format!("IAM takes {IAM_MAX_CHARS} at most, and it was not looked into"))
    } else if characters > SESSION_POLICY_MAX_CHARS {
        (Severity::Warning, format!("as a session policy STS takes {SESSION_POLICY_MAX_CHARS}"))
    } else {
        return None;
    };
    let message = format!(
        "it has {characters} characters without white space, and {what}; statement {} is the longest with {}",
        longest.number, longest.characters
    );
    Some(Finding::whole(Code::TooLong, severity, message))
}
