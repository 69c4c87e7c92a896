//! What a session role may do at all: everything that one of the lab's roles can, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::domain::policy::SessionPolicy;

/// The longest managed policy, in characters that are not white space. Source: IAM User Guide, "IAM and AWS STS quotas".
pub const PERMISSIONS_MAX_CHARS: usize = 6_144;

/// The union of what a lab's roles allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions(Value);

/// The lab's roles are more than one managed policy can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "what the lab's roles allow takes {0} characters together; a managed policy of AWS holds {PERMISSIONS_MAX_CHARS}"
)]
pub struct TooMuch(pub usize);

impl Permissions {
    /// Of these roles. What two statements allow on the same resources and conditions stands in one.
    ///
    /// # Errors
    ///
    /// When it is too long.
    pub fn of<'a>(roles: impl IntoIterator<Item = &'a SessionPolicy>) -> Result<Self, TooMuch> {
        // By resources and conditions, as text: the order is the same for the same roles.
        let mut actions: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for policy in roles {
            let document: Value = serde_json::from_str(policy.as_str()).unwrap_or_default();
            for statement in document["Statement"].as_array().into_iter().flatten() {
                let scope =
                    (sorted(&statement["Resource"]), statement.get("Condition").map_or_else(String::new, sorted));
                let names = statement["Action"].as_array().into_iter().flatten().filter_map(Value::as_str);
                actions.entry(scope).or_default().extend(names.map(str::to_owned));
            }
        }
        let statements = actions.into_iter().map(|((resource, condition), actions)| {
            let mut statement = json!({"Effect": "Allow", "Action": actions, "Resource": read(&resource)});
            if !condition.is_empty() {
                statement["Condition"] = read(&condition);
            }
            statement
        });
        let statements: Vec<Value> = statements.collect();
        // IAM takes no policy without a statement. A lab without roles may do what needs no permission.
        let statements = if statements.is_empty() { vec![deny_everything()] } else { statements };
        let document = json!({"Version": "2012-10-17", "Statement": statements});
        let chars = document.to_string().chars().filter(|c| !c.is_whitespace()).count();
        if chars > PERMISSIONS_MAX_CHARS { Err(TooMuch(chars)) } else { Ok(Self(document)) }
    }

    /// The document.
    #[must_use]
    pub const fn document(&self) -> &Value {
        &self.0
    }
}

fn deny_everything() -> Value {
    json!({"Effect": "Deny", "Action": "*", "Resource": "*"})
}

/// A value as text in which the order of a list does not show: none that a policy has means anything.
fn sorted(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let mut items: Vec<String> = items.iter().map(sorted).collect();
            items.sort();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let members: BTreeMap<&String, String> = members.iter().map(|(key, value)| (key, sorted(value))).collect();
            let members: Vec<String> =
                members.iter().map(|(key, value)| format!("{}:{value}", Value::from(key.as_str()))).collect();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
