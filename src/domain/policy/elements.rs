//! The values of a statement's keys: actions, resources, principals, conditions.
//!
//! Each function reads one JSON value. Its error is the rest of a sentence that begins with the statement.

use super::condition::Condition;
use super::glob::Glob;
use super::json::Json;
use super::pattern::{Pattern, Reading};
use super::principal::Principal;

/// A text, or a list of texts that is not empty.
pub(super) fn strings(value: Json) -> Result<Vec<String>, String> {
    let values = match value {
        Json::Array(values) => values,
        value => vec![value],
    };
    if values.is_empty() {
        return Err("has an empty list".to_owned());
    }
    values
        .into_iter()
        .map(|value| match value {
            Json::String(text) => Ok(text),
            _ => Err("has something other than a text in a list of texts".to_owned()),
        })
        .collect()
}

/// `*`, or a service and a name with wildcards: `mechanicalturk:Get*`.
pub(super) fn action(text: &str) -> Result<Glob, String> {
    let well_formed = text == "*"
        || text.split_once(':').is_some_and(|(service, name)| {
            !service.is_empty()
                && !name.is_empty()
                && service.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'*' | b'?'))
        });
    if well_formed { Ok(Glob::parse(text)) } else { Err(format!("names `{text}`, which is not an action")) }
}

/// `*`, or an ARN with wildcards and variables.
pub(super) fn resource(text: &str, reading: Reading) -> Result<Pattern, String> {
    let well_formed = text == "*" || (text.starts_with("arn:") && text.matches(':').count() >= 5);
    let pattern = if well_formed { Pattern::parse(text, reading) } else { None };
    pattern.ok_or_else(|| format!("names `{text}`, which is not a resource"))
}

/// `"*"`, or principals by kind.
pub(super) fn principals(value: Json) -> Result<Vec<Principal>, String> {
    let kinds = match value {
        Json::String(anyone) if anyone == "*" => return Ok(vec![Principal::Anyone]),
        Json::Object(kinds) if !kinds.is_empty() => kinds,
        _ => return Err("has a Principal that is neither `*` nor a JSON object".to_owned()),
    };
    let mut principals = Vec::new();
    for (kind, value) in kinds {
        for text in strings(value)? {
            let principal = Principal::parse(&kind, &text);
            principals.push(principal.ok_or_else(|| format!("names `{kind}`: `{text}`, which is not a principal"))?);
        }
    }
    Ok(principals)
}

/// Operators, their keys, and the values of those.
pub(super) fn conditions(operators: Vec<(String, Json)>, variables: bool) -> Result<Vec<Condition>, String> {
    let mut conditions = Vec::new();
    for (operator, keys) in operators {
        let keys = match keys {
            Json::Object(keys) if !keys.is_empty() => keys,
            _ => return Err(format!("has no condition keys under `{operator}`")),
        };
        for (key, value) in keys {
            let values = match value {
                Json::Array(values) => values,
                value => vec![value],
            };
            let texts: Result<Vec<String>, String> = values
                .into_iter()
                .map(|value| match value {
                    Json::String(text) | Json::Number(text) => Ok(text),
                    Json::Bool(value) => Ok(value.to_string()),
                    _ => Err(format!("has a value for `{key}` that is neither text, number nor truth value")),
                })
                .collect();
            let condition = Condition::parse(&operator, &key, &texts?, variables);
            conditions.push(condition.map_err(|problem| format!("cannot be evaluated: {problem}"))?);
        }
    }
    Ok(conditions)
}
