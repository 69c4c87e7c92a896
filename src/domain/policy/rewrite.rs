//! A policy with today's names: what it says now instead of what it said before 2019.
//!
//! Old names and names in other letters are replaced, and what then stands twice stands once. Nothing else is touched,
//! not even the order. What comes out can allow more than what went in, because the old names allowed nothing: whoever
//! takes it over is shown each change.

use serde::Serialize;

use super::catalog;
use super::document::{Document, DocumentError};
use super::json::Json;
use super::lint::legacy;

/// A policy with today's names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rewritten {
    /// As JSON for people.
    pub text: String,
    /// What is different; nothing when there was nothing to do.
    pub changes: Vec<Change>,
}

/// One text that was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// In which statement, counted from 1.
    pub statement: usize,
    /// Where it stood: `Action[2]`.
    pub element: String,
    /// What stood there.
    pub from: String,
    /// What stands there now; nothing when it was left out.
    pub to: Vec<String>,
}

/// The policy with today's names.
///
/// # Errors
///
/// When it is not a permissions policy.
pub fn rewrite(text: &str) -> Result<Rewritten, DocumentError> {
    Document::parse(text)?;
    let mut json: Json = serde_json::from_str(text).map_err(DocumentError::Json)?;
    let mut changes = Vec::new();
    if let Json::Object(entries) = &mut json {
        for (_, value) in entries.iter_mut().filter(|(key, _)| key == "Statement") {
            let statements = match value {
                Json::Array(statements) => statements.as_mut_slice(),
                statement => std::slice::from_mut(statement),
            };
            for (number, statement) in (1..).zip(statements) {
                rewrite_statement(number, statement, &mut changes);
            }
        }
    }
    Ok(Rewritten { text: json.pretty(), changes })
}

fn rewrite_statement(number: usize, statement: &mut Json, changes: &mut Vec<Change>) {
    let Json::Object(entries) = statement else { return };
    for (key, value) in entries {
        let (is_actions, is_resources) = (key.ends_with("Action"), key.ends_with("Resource"));
        if !is_actions && !is_resources {
            continue;
        }
        let is_list = matches!(value, Json::Array(_));
        let texts = texts(value);
        let mut kept: Vec<String> = Vec::new();
        let mut replaced = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let today = if is_actions { today(text) } else { vec![text.clone()] };
            let to: Vec<String> = today.into_iter().filter(|name| !kept.contains(name)).collect();
            if to.as_slice() != std::slice::from_ref(text) {
                let element = if is_list { format!("{key}[{index}]") } else { key.clone() };
                replaced.push(Change { statement: number, element, from: text.clone(), to: to.clone() });
            }
            kept.extend(to);
        }
        // A statement must name something: one that named only what is gone stays as it is.
        if kept.is_empty() || replaced.is_empty() {
            continue;
        }
        changes.append(&mut replaced);
        *value = match kept.as_slice() {
            [one] if !is_list => Json::String(one.clone()),
            _ => Json::Array(kept.into_iter().map(Json::String).collect()),
        };
    }
}

fn texts(value: &Json) -> Vec<String> {
    match value {
        Json::String(text) => vec![text.clone()],
        Json::Array(items) => items.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// Today's names of an action; the action itself when it has no others.
fn today(text: &str) -> Vec<String> {
    match (catalog::action(text), legacy(text)) {
        (Some(action), _) => vec![action.name.clone()],
        (None, Some(legacy)) => legacy.names_today(),
        (None, None) => vec![text.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(statement: &str) -> String {
        format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#)
    }

    #[test]
    fn old_names_become_those_of_today_and_stand_once() {
        let old = policy(
            r#"{"Resource":"*","Action":["mechanicalturk:ExtendHIT","s3:*","mechanicalturk:forceexpirehit",
                "mechanicalturk:DisableHIT","mechanicalturk:gethit","mechanicalturk:GetHIT"],"Effect":"Allow"}"#,
        );

        let new = rewrite(&old).unwrap();

        insta::assert_snapshot!(new.text, @r#"
        {
          "Version": "2012-10-17",
          "Statement": {
            "Resource": "*",
            "Action": [
              "mechanicalturk:CreateAdditionalAssignmentsForHIT",
              "mechanicalturk:UpdateExpirationForHIT",
              "s3:*",
              "mechanicalturk:GetHIT"
            ],
            "Effect": "Allow"
          }
        }
        "#);
        let changes: Vec<_> = new.changes.iter().map(|c| format!("{} {} -> {:?}", c.element, c.from, c.to)).collect();
        insta::assert_snapshot!(changes.join("\n"), @r#"
        Action[0] mechanicalturk:ExtendHIT -> ["mechanicalturk:CreateAdditionalAssignmentsForHIT", "mechanicalturk:UpdateExpirationForHIT"]
        Action[2] mechanicalturk:forceexpirehit -> []
        Action[3] mechanicalturk:DisableHIT -> []
        Action[4] mechanicalturk:gethit -> ["mechanicalturk:GetHIT"]
        Action[5] mechanicalturk:GetHIT -> []
        "#);
        assert_eq!(rewrite(&new.text).unwrap(), Rewritten { text: new.text.clone(), changes: Vec::new() });
    }

    #[test]
    fn nothing_else_is_touched() {
        let other = policy(
            r#"[{"Sid":"b","Effect":"Deny","NotAction":"s3:get*","NotResource":["arn:aws:s3:::a","arn:aws:s3:::A"],
                "Condition":{"NumericLessThan":{"s3:max-keys":5},"Bool":{"aws:SecureTransport":false}}},
                {"Effect":"Allow","Action":"mechanicalturk:GetRequesterStatistic","Resource":"*"}]"#,
        );

        let new = rewrite(&other).unwrap();

        assert_eq!(new.changes, []);
        assert_eq!(serde_json::from_str::<Json>(&new.text).unwrap(), serde_json::from_str::<Json>(&other).unwrap());
    }

    #[test]
    fn one_name_that_became_two_becomes_a_list() {
        let new = rewrite(&policy(r#"{"Effect":"Allow","Action":"mechanicalturk:ExtendHIT","Resource":"*"}"#)).unwrap();

        assert_eq!(new.changes[0].element, "Action");
        assert!(Document::parse(&new.text).is_ok() && new.text.contains("\"Action\": ["), "{}", new.text);
    }
}
