//! A policy as it is written: every action, resource and condition as text, and where it stands.
//!
//! A [`Document`](super::Document) says what a policy means. Whoever talks about it to its author needs the words.

use super::document::{Document, DocumentError};
use super::json::Json;

/// A policy, as it is written.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) statements: Vec<Written>,
    /// How long it is without white space.
    pub(super) characters: usize,
}

/// One statement.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// Which, counted from 1.
    pub(super) number: usize,
    pub(super) sid: Option<String>,
    pub(super) allows: bool,
    pub(super) actions: Texts,
    pub(super) resources: Texts,
    pub(super) conditions: Vec<WrittenCondition>,
    /// How long it is without white space.
    pub(super) characters: usize,
}

/// The texts of `Action`, `NotAction`, `Resource` or `NotResource`.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    pub(super) key: &'static str,
    pub(super) all: Vec<String>,
    is_list: bool,
}

/// One operator on one key.
#[derive(Clone, Debug)]
pub(super) struct WrittenCondition {
    pub(super) operator: String,
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

impl Texts {
    /// Where the text of this number stands: `Action[2]`, or `Action` when it is no list.
    pub(super) fn element(&self, index: usize) -> String {
        if self.is_list { format!("{}[{index}]", self.key) } else { self.key.to_owned() }
    }

    /// Whether everything else is meant.
    pub(super) fn is_all_but(&self) -> bool {
        self.key.starts_with("Not")
    }
}

impl WrittenCondition {
    /// Where it stands: `Condition.StringEquals.s3:prefix`.
    pub(super) fn element(&self) -> String {
        format!("Condition.{}.{}", self.operator, self.key)
    }
}

impl Source {
    /// Reads a permissions policy that [`Document::parse`] understands, together with what it means.
    pub(super) fn parse(text: &str) -> Result<(Self, Document), DocumentError> {
        let document = Document::parse(text)?;
        let json: Json = serde_json::from_str(text).map_err(DocumentError::Json)?;
        Ok((Self::of(&json), document))
    }

    /// What can be read of it, even when it is not understood.
    pub(super) fn of(json: &Json) -> Self {
        let statements = match json.get("Statement") {
            Some(Json::Array(statements)) => statements.as_slice(),
            Some(statement) => std::slice::from_ref(statement),
            None => &[],
        };
        let statements = (1..).zip(statements).map(|(number, json)| Written::of(number, json)).collect();
        Self { statements, characters: json.characters() }
    }
}

impl Written {
    fn of(number: usize, json: &Json) -> Self {
        let texts_of = |keys: [&'static str; 2]| {
            let found = keys.iter().find_map(|key| json.get(key).map(|value| (*key, value)));
            let (key, value) = found.unwrap_or((keys[0], &Json::Null));
            Texts { key, all: texts(value), is_list: matches!(value, Json::Array(_)) }
        };
        Self {
            number,
            sid: json.get("Sid").map(texts).and_then(|texts| texts.into_iter().next()),
            allows: json.get("Effect") == Some(&Json::String("Allow".to_owned())),
            actions: texts_of(["Action", "NotAction"]),
            resources: texts_of(["Resource", "NotResource"]),
            conditions: json.get("Condition").map(conditions).unwrap_or_default(),
            characters: json.characters(),
        }
    }
}

/// The text, or those in the list, as IAM reads them.
fn texts(value: &Json) -> Vec<String> {
    match value {
        Json::String(text) | Json::Number(text) => vec![text.clone()],
        Json::Bool(value) => vec![value.to_string()],
        Json::Array(items) => items.iter().flat_map(texts).collect(),
        Json::Null | Json::Object(_) => Vec::new(),
    }
}

fn conditions(block: &Json) -> Vec<WrittenCondition> {
    let Json::Object(operators) = block else { return Vec::new() };
    let mut all = Vec::new();
    for (operator, keys) in operators {
        let Json::Object(keys) = keys else { continue };
        for (key, value) in keys {
            all.push(WrittenCondition { operator: operator.clone(), key: key.clone(), values: texts(value) });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_found_where_it_stands() {
        let text = r#"{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Deny","NotAction":["s3:*","sts:*"],
            "Resource":"*","Condition":{"Bool":{"aws:SecureTransport":false},"StringLike":{"s3:prefix":["a","b"]}}}]}"#;
        let (source, _) = Source::parse(text).unwrap();
        let statement = &source.statements[0];

        assert_eq!((statement.number, statement.sid.as_deref(), statement.allows), (1, Some("a"), false));
        assert_eq!(
            (statement.actions.element(1), statement.resources.element(0)),
            ("NotAction[1]".into(), "Resource".into())
        );
        assert!(statement.actions.is_all_but() && !statement.resources.is_all_but());
        let conditions: Vec<_> = statement.conditions.iter().map(|c| (c.element(), c.values.len())).collect();
        assert_eq!(
            conditions,
            [("Condition.Bool.aws:SecureTransport".to_owned(), 1), ("Condition.StringLike.s3:prefix".to_owned(), 2)]
        );
    }
}
