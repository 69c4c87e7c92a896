//! Filling a template: a walk through its document as a JSON tree, which replaces `{{name}}` inside string values only.
//!
//! Where a placeholder may stand is settled when the template is read: in a `Resource`, or in a value of a `Condition`. So a
//! parameter can add no statement, no action, no key; and its type keeps it from adding a wildcard.

use std::collections::BTreeMap;

use serde_json::Value;

use super::parameter::ValueProblem;
use crate::domain::policy::session_policy::SESSION_POLICY_MAX_CHARS;

/// A template that cannot be filled with these parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// The template wants it and it was not given.
    #[error("the parameter `{0}` is missing")]
    Missing(String),
    /// It was given and the template has none of that name.
    #[error("the template has no parameter `{0}`")]
    Unknown(String),
    /// Its value cannot be one.
    #[error("the value of the parameter `{name}` {problem}")]
    Value {
        /// The parameter.
        name: String,
        /// What is wrong, and where.
        problem: ValueProblem,
    },
    /// What came out is longer than STS takes.
    #[error(
        "the session policy has {chars} characters and STS takes {SESSION_POLICY_MAX_CHARS}: shorten statement \
         {statement}, which has {of_statement} of them"
    )]
    TooLong {
        /// The minified policy's characters.
        chars: usize,
        /// The longest statement, counted from 1.
        statement: usize,
        /// Its characters.
        of_statement: usize,
    },
}

/// One part of a text with placeholders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Text(&'a str),
    /// `{{name}}`
    Parameter(&'a str),
}

/// The parts of a text. The error is the rest of a sentence that begins with where the text stands.
pub(super) fn parts(text: &str) -> Result<Vec<Part<'_>>, &'static str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, behind) = after.split_once("}}").ok_or("has `{{` without `}}`")?;
        if !is_name(name) {
            return Err("has a placeholder that is not `{{name}}` in lower-case letters, digits and underscores");
        }
        if before.rfind("${").is_some_and(|start| !before[start..].contains('}')) {
            return Err("has a parameter inside a policy variable");
        }
        parts.extend([Part::Text(before), Part::Parameter(name)]);
        rest = behind;
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

/// Whether a parameter can be called so.
pub(super) fn is_name(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// A text with its placeholders replaced.
pub(super) fn fill_text(text: &str, values: &BTreeMap<String, String>) -> Result<String, FillError> {
    // A text whose placeholders cannot be told is in no template that was read.
    let parts = parts(text).map_err(|_| FillError::Missing(text.to_owned()))?;
    let mut filled = String::with_capacity(text.len());
    for part in parts {
        filled.push_str(match part {
            Part::Text(text) => text,
            Part::Parameter(name) => values.get(name).ok_or_else(|| FillError::Missing(name.to_owned()))?,
        });
    }
    Ok(filled)
}

/// A document with its placeholders replaced.
pub(super) fn fill_value(value: &Value, values: &BTreeMap<String, String>) -> Result<Value, FillError> {
    Ok(match value {
        Value::String(text) => Value::String(fill_text(text, values)?),
        Value::Array(items) => items.iter().map(|item| fill_value(item, values)).collect::<Result<_, _>>()?,
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, member)| Ok((key.clone(), fill_value(member, values)?)))
                .collect::<Result<_, FillError>>()?,
        ),
        other => other.clone(),
    })
}

/// What is said of a document of so many characters.
pub(super) fn too_long(document: &Value, chars: usize) -> FillError {
    let statements = document.get("Statement").and_then(Value::as_array).into_iter().flatten();
    let sizes = statements.enumerate().map(|(index, statement)| (statement.to_string().chars().count(), index + 1));
    let (of_statement, statement) = sizes.max_by_key(|(chars, _)| *chars).unwrap_or_default();
    FillError::TooLong { chars, statement, of_statement }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_apart_at_its_placeholders() {
        use Part::{Parameter, Text};

        assert_eq!(parts("a{{b}}c{{d}}"), Ok(vec![Text("a"), Parameter("b"), Text("c"), Parameter("d"), Text("")]));
        assert_eq!(parts("${aws:userid}/{{b}}").map(|parts| parts.len()), Ok(3));
        assert_eq!(parts("a{{b"), Err("has `{{` without `}}`"));
        for inside in ["${aws:PrincipalTag/{{b}}}", "x${a}${ {{b}}}"] {
            assert_eq!(parts(inside), Err("has a parameter inside a policy variable"), "{inside}");
        }
        for odd in ["${{{b}}}", "{{}}", "{{B}}", "{{ b }}", "{{1}}"] {
            assert!(parts(odd).unwrap_err().starts_with("has a placeholder that is not"), "{odd}");
        }
    }
}
