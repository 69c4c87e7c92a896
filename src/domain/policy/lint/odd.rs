//! What a policy that cannot be read has in it, as far as that can be told.

use super::finding::{Code, Finding, Severity};
use crate::domain::policy::json::Json;
use crate::domain::policy::look_alike::{OddCharacter, spelled};
use crate::domain::policy::source::{Source, Texts, Written};

/// The characters outside ASCII in actions and resources.
pub(super) fn check(text: &str) -> Vec<Finding> {
    let Ok(json) = serde_json::from_str::<Json>(text) else { return Vec::new() };
    let source = Source::of(&json);
    source.statements.iter().flat_map(of_statement).collect()
}

fn of_statement(statement: &Written) -> Vec<Finding> {
    [&statement.actions, &statement.resources].into_iter().flat_map(|texts| of_texts(statement, texts)).collect()
}

fn of_texts(statement: &Written, texts: &Texts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, text) in texts.all.iter().enumerate() {
        let Some(odd) = OddCharacter::first_in(text) else { continue };
        // "[\u0009\u000A\u000D\u0020-\u00FF]+" is what IAM and STS take as a policy (API reference, PolicyDocument).
        let is_taken = texts.key.ends_with("Resource") && text.chars().all(|c| c <= '\u{ff}');
        let (severity, then) = if is_taken {
            (Severity::Warning, "make sure that the resource is really written so")
        } else {
            (Severity::Error, "write it in plain letters, AWS does not take it")
        };
        let message =
            format!("character {} of `{}` is {}, which is not ASCII: {then}", odd.place, spelled(text), odd.number());
        findings.push(Finding::about(statement, Code::LookAlike, severity, message).at(texts.element(index)));
    }
    findings
}
