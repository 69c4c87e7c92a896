//! Two policies, held against each other by what they say and not by how it is written: the order of lists, one text or a
//! list of it, the case of actions and condition keys, and a statement's `Sid` mean nothing to IAM.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

/// One thing that a policy says: for a statement with lists, each combination of what stands in them.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    /// `Allow` or `Deny`.
    pub(super) effect: String,
    /// An action, as it is written; `everything but …` for a `NotAction`.
    pub(super) action: String,
    /// A resource or a principal.
    pub(super) about: String,
    /// The conditions, in an order of their own.
    pub(super) conditions: BTreeSet<Condition>,
}

/// `sts:sourceidentity`, `StringLike`, `m-*` or `p-*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Condition {
    pub(super) key: String,
    pub(super) operator: String,
    pub(super) values: BTreeSet<String>,
}

/// The condition key whose values are in no message of ours.
pub(super) const EXTERNAL_ID: &str = "sts:externalid";

impl Clause {
    fn meaning(&self) -> (&str, String, &str, &BTreeSet<Condition>) {
        (&self.effect, self.action.to_lowercase(), &self.about, &self.conditions)
    }

    /// Whether it lets somebody do this.
    pub(super) fn lets(&self, action: &str) -> bool {
        let own = self.action.to_lowercase();
        let service = action.split_once(':').map_or(action, |(service, _)| service);
        self.effect == "Allow"
            && (own == action.to_lowercase() || own == "*" || own == format!("{service}:*") || own.starts_with(ALL_BUT))
    }

    /// Whether it is about anybody or anything at all.
    pub(super) fn is_about_all(&self) -> bool {
        self.about == "*" || self.about.starts_with(ALL_BUT)
    }

    /// Whether it speaks of every action but some.
    pub(super) fn is_but(&self) -> bool {
        self.action.starts_with(ALL_BUT)
    }

    /// The external ids that it asks for, if it asks for any.
    pub(super) fn external_ids(&self) -> Option<&BTreeSet<String>> {
        let asks = |condition: &&Condition| condition.key == EXTERNAL_ID && condition.operator == "StringEquals";
        self.conditions.iter().find(asks).map(|condition| &condition.values)
    }
}

impl PartialEq for Clause {
    fn eq(&self, other: &Self) -> bool {
        self.meaning() == other.meaning()
    }
}

impl Eq for Clause {}

impl PartialOrd for Clause {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Clause {
    fn cmp(&self, other: &Self) -> Ordering {
        self.meaning().cmp(&other.meaning())
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.effect == "Deny" { "deny" } else { "allow" };
        write!(f, "{verb} {}", self.action)?;
        if !matches!(self.about.as_str(), "" | "*") {
            write!(f, " on {}", self.about)?;
        }
        for (number, condition) in self.conditions.iter().enumerate() {
            write!(f, " {} {condition}", if number == 0 { "where" } else { "and" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, operator, values } = self;
        if key == EXTERNAL_ID {
            return write!(f, "{key} {operator} …");
        }
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        write!(f, "{key} {operator} {}", values.join(" or "))
    }
}

/// How what a `NotAction`, `NotResource` or `NotPrincipal` means begins in words.
const ALL_BUT: &str = "everything but ";

/// What a policy says; none when the text is none.
pub(super) fn clauses(document: &Value) -> Option<BTreeSet<Clause>> {
    let statements = match document.get("Statement")? {
        Value::Array(statements) => statements.iter().collect(),
        one => vec![one],
    };
    let mut all = BTreeSet::new();
    for statement in statements {
        let statement = statement.as_object()?;
        let effect = statement.get("Effect")?.as_str()?;
        let conditions = statement.get("Condition").map(conditions).unwrap_or_default();
        let actions = one_of(statement.get("Action"), statement.get("NotAction"));
        let abouts = match (statement.get("Principal"), statement.get("NotPrincipal")) {
            (None, None) => one_of(statement.get("Resource"), statement.get("NotResource")),
            (only, but) => one_of(only.map(principals).as_ref(), but.map(principals).as_ref()),
        };
        for action in &actions {
            for about in &abouts {
                all.insert(Clause {
                    effect: effect.to_owned(),
                    action: action.clone(),
                    about: about.clone(),
                    conditions: conditions.clone(),
                });
            }
        }
    }
    Some(all)
}

/// Each text of `only`; or one text for all of `but` together, since leaving one out of them lets more in.
fn one_of(only: Option<&Value>, but: Option<&Value>) -> Vec<String> {
    match (only, but) {
        (Some(only), _) => texts(only).into_iter().map(str::to_owned).collect(),
        (None, Some(but)) => {
            let but: BTreeSet<&str> = texts(but).into_iter().collect();
            vec![format!("{ALL_BUT}{}", but.into_iter().collect::<Vec<_>>().join(", "))]
        }
        (None, None) => vec![String::new()],
    }
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

/// `*` for everybody; otherwise the ARNs, ids and services that are named.
fn principals(value: &Value) -> Value {
    let Some(kinds) = value.as_object() else { return value.clone() };
    let named = kinds.iter().flat_map(|(kind, names)| {
        texts(names).into_iter().map(move |name| match kind.as_str() {
            "AWS" => name.to_owned(),
            kind => format!("{kind} {name}"),
        })
    });
    Value::from(named.collect::<Vec<String>>())
}

fn conditions(value: &Value) -> BTreeSet<Condition> {
    let mut all = BTreeSet::new();
    for (operator, keys) in value.as_object().into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let values = match values {
                Value::Array(items) => items.iter().map(text).collect(),
                one => BTreeSet::from([text(one)]),
            };
            all.insert(Condition { key: key.to_lowercase(), operator: operator.clone(), values });
        }
    }
    all
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
