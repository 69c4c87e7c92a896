//! IAM policies as values: read once, strictly, and never half understood.
//!
//! A [`Document`] says what may be done (identity policy, session policy, permissions boundary); a [`TrustDocument`]
//! says who may assume a role. They are two types because a principal in the first and a resource in the second are
//! mistakes. Anything this module does not understand is an error that names the statement: an ignored key could be
//! the one that restricts.

use super::condition::Condition;
use super::elements::{action, conditions, principals, resource, strings};
use super::glob::Glob;
use super::json::Json;
use super::pattern::{Pattern, Reading};
use super::principal::Principal;

/// The longest text that is read as a policy: several times what AWS takes anywhere.
const DOCUMENT_MAX_BYTES: usize = 64 * 1024;

/// A permissions policy: identity-based, session policy or permissions boundary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub(super) statements: Vec<Statement<Resources>>,
}

/// A role's trust policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustDocument {
    pub(super) statements: Vec<Statement<Principals>>,
}

/// One statement; `Scope` is what it is about besides actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement<Scope> {
    pub(super) allows: bool,
    pub(super) actions: Selection<Glob>,
    pub(super) scope: Scope,
    pub(super) conditions: Vec<Condition>,
}

pub(super) type Resources = Selection<Pattern>;
pub(super) type Principals = Selection<Principal>;

/// `Action` or `NotAction`, `Resource` or `NotResource`, `Principal` or `NotPrincipal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selection<T> {
    Only(Vec<T>),
    AllBut(Vec<T>),
}

/// A text that is not a policy, or not one that can be understood entirely.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON, or a key given twice.
    #[error("the policy is not JSON")]
    Json(#[source] serde_json::Error),
    /// Something outside the statements.
    #[error("the policy {0}")]
    Policy(String),
    /// Something in one statement.
    #[error("statement {number}{} {problem}", sid.as_ref().map(|sid| format!(" (`{sid}`)")).unwrap_or_default())]
    Statement {
        /// Which, counted from 1.
        number: usize,
        /// Its `Sid`, when it has one.
        sid: Option<String>,
        /// What is wrong with it.
        problem: String,
    },
    /// A permissions policy with a principal in it.
    #[error("statement {number} names a principal, which only a trust policy may")]
    Principal {
        /// Which, counted from 1.
        number: usize,
    },
}

impl Document {
    /// The policy that says nothing, and so allows nothing.
    #[must_use]
    pub const fn nothing() -> Self {
        Self { statements: Vec::new() }
    }

    /// Reads a permissions policy.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        read(text, |number, entries, variables| {
            if ["Principal", "NotPrincipal"].iter().any(|key| entries.has(key)) {
                return Err(DocumentError::Principal { number });
            }
            let reading = Reading { wildcards: true, variables };
            entries.statement(|entries| {
                let selection = entries.selection("Resource", "NotResource", |value| {
                    strings(value)?.iter().map(|text| resource(text, reading)).collect()
                })?;
                selection.ok_or_else(|| "has no Resource".to_owned())
            })
        })
        .map(|statements| Self { statements })
    }

    /// All of these as one: what any of them allows and none of them denies, as of several policies of one role.
    #[must_use]
    pub fn union<'a>(documents: impl IntoIterator<Item = &'a Self>) -> Self {
        Self { statements: documents.into_iter().flat_map(|document| document.statements.clone()).collect() }
    }
}

impl TrustDocument {
    /// Reads a trust policy.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        read(text, |_, entries, _| {
            entries.statement(|entries| {
                if ["Resource", "NotResource"].iter().any(|key| entries.has(key)) {
                    return Err("names a resource, which a trust policy may not".to_owned());
                }
                let selection = entries.selection("Principal", "NotPrincipal", principals)?;
                selection.ok_or_else(|| "has no Principal".to_owned())
            })
        })
        .map(|statements| Self { statements })
    }
}

type Read<Scope> = Result<Vec<Statement<Scope>>, DocumentError>;

/// Reads what both kinds of document have in common, and each statement with `one`.
fn read<Scope>(
    text: &str,
    one: impl Fn(usize, &mut Entries, bool) -> Result<Statement<Scope>, DocumentError>,
) -> Read<Scope> {
    let policy = |problem: &str| DocumentError::Policy(problem.to_owned());
    if text.len() > DOCUMENT_MAX_BYTES {
        return Err(DocumentError::Policy(format!("has {} bytes; {DOCUMENT_MAX_BYTES} are the most", text.len())));
    }
    let Json::Object(entries) = serde_json::from_str(text).map_err(DocumentError::Json)? else {
        return Err(policy("is not a JSON object"));
    };
    let mut entries = Entries { entries, variables: false };
    let variables = match entries.take("Version") {
        Some(Json::String(version)) if version == "2012-10-17" => true,
        Some(Json::String(version)) if version == "2008-10-17" => false,
        Some(_) => return Err(policy("has a Version that is neither 2012-10-17 nor 2008-10-17")),
        None => return Err(policy("has no Version")),
    };
    if !matches!(entries.take("Id"), None | Some(Json::String(_))) {
        return Err(policy("has an Id that is not a text"));
    }
    let statements = match entries.take("Statement") {
        Some(Json::Array(statements)) if !statements.is_empty() => statements,
        Some(statement @ Json::Object(_)) => vec![statement],
        _ => return Err(policy("has no statement")),
    };
    if let Some((key, _)) = entries.entries.first() {
        return Err(DocumentError::Policy(format!("has the unknown key `{key}`")));
    }
    let mut sids: Vec<String> = Vec::new();
    let mut read = Vec::with_capacity(statements.len());
    for (index, statement) in statements.into_iter().enumerate() {
        let number = index + 1;
        let wrong =
            |problem: &str, sid: Option<String>| DocumentError::Statement { number, sid, problem: problem.to_owned() };
        let Json::Object(entries) = statement else { return Err(wrong("is not a JSON object", None)) };
        let mut entries = Entries { entries, variables };
        let sid = match entries.take("Sid") {
            None => None,
            Some(Json::String(sid)) if sids.contains(&sid) => return Err(wrong("repeats a Sid", Some(sid))),
            Some(Json::String(sid)) => Some(sid),
            Some(_) => return Err(wrong("has a Sid that is not a text", None)),
        };
        sids.extend(sid.clone());
        let statement = one(number, &mut entries, variables).map_err(|error| match error {
            DocumentError::Statement { problem, .. } => DocumentError::Statement { number, sid, problem },
            other => other,
        })?;
        read.push(statement);
    }
    Ok(read)
}

/// The keys of an object that have not been understood yet.
struct Entries {
    entries: Vec<(String, Json)>,
    variables: bool,
}

impl Entries {
    fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _)| name == key)
    }

    fn take(&mut self, key: &str) -> Option<Json> {
        let index = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.remove(index).1)
    }

    /// One of two keys that exclude each other; `None` when neither is there.
    fn selection<T>(
        &mut self,
        only: &str,
        all_but: &str,
        read: impl Fn(Json) -> Result<Vec<T>, String>,
    ) -> Result<Option<Selection<T>>, String> {
        match (self.take(only), self.take(all_but)) {
            (Some(_), Some(_)) => Err(format!("has both {only} and {all_but}")),
            (Some(value), None) => read(value).map(|values| Some(Selection::Only(values))),
            (None, Some(value)) => read(value).map(|values| Some(Selection::AllBut(values))),
            (None, None) => Ok(None),
        }
    }

    /// The statement that these entries are, when nothing of them is left over.
    fn statement<Scope>(
        &mut self,
        scope: impl FnOnce(&mut Self) -> Result<Scope, String>,
    ) -> Result<Statement<Scope>, DocumentError> {
        self.try_statement(scope).map_err(|problem| DocumentError::Statement { number: 0, sid: None, problem })
    }

    fn try_statement<Scope>(
        &mut self,
        scope: impl FnOnce(&mut Self) -> Result<Scope, String>,
    ) -> Result<Statement<Scope>, String> {
        let allows = match self.take("Effect") {
            Some(Json::String(effect)) if effect == "Allow" => true,
            Some(Json::String(effect)) if effect == "Deny" => false,
            _ => return Err("has no Effect that is Allow or Deny".to_owned()),
        };
        let actions =
            self.selection("Action", "NotAction", |value| strings(value)?.iter().map(|text| action(text)).collect())?;
        let actions = actions.ok_or_else(|| "has no Action".to_owned())?;
        let scope = scope(self)?;
        let conditions = match self.take("Condition") {
            None => Vec::new(),
            Some(Json::Object(operators)) => conditions(operators, self.variables)?,
            Some(_) => return Err("has a Condition that is not a JSON object".to_owned()),
        };
        match self.entries.first() {
            None => Ok(Statement { allows, actions, scope, conditions }),
            Some((key, _)) => Err(format!("has the unknown key `{key}`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn statement(body: &str) -> String {
        format!(r#"{{"Version":"2012-10-17","Statement":[{{{body}}}]}}"#)
    }

    #[test]
    fn a_text_or_a_list_stands_wherever_iam_allows_both() {
        let short = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:B","Resource":"*",
            "Condition":{"Bool":{"aws:SecureTransport":true}}}}"#;
        let long = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["a:B"],"Resource":["*"],
            "Condition":{"Bool":{"aws:SecureTransport":["true"]}}}]}"#;

        assert_eq!(Document::parse(short).unwrap(), Document::parse(long).unwrap());
    }

    #[test]
    fn what_is_wrong_with_a_permissions_policy_is_said() {
        for (text, problem) in [
            ("", "the policy is not JSON"),
            ("[]", "the policy is not a JSON object"),
            (r#"{"Version":"2012-10-17","Version":"2012-10-17"}"#, "the policy is not JSON"),
            (r#"{"Statement":[]}"#, "the policy has no Version"),
            (r#"{"Version":"2020-01-01"}"#, "the policy has a Version that is neither 2012-10-17 nor 2008-10-17"),
            (r#"{"Version":"2012-10-17","Statement":[]}"#, "the policy has no statement"),
            (r#"{"Version":"2012-10-17","Statement":["x"]}"#, "statement 1 is not a JSON object"),
            (
                r#"{"Version":"2012-10-17","statement":{},"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
                "the policy has the unknown key `statement`",
            ),
        ] {
            assert_eq!(Document::parse(text).unwrap_err().to_string(), problem);
        }
    }

    #[test]
    fn what_is_wrong_with_a_statement_is_said() {
        for (body, problem) in [
            (r#""Action":"*","Resource":"*""#, "has no Effect that is Allow or Deny"),
            (r#""Effect":"allow","Action":"*","Resource":"*""#, "has no Effect that is Allow or Deny"),
            (r#""Effect":"Allow","Resource":"*""#, "has no Action"),
            (r#""Effect":"Allow","Action":[],"Resource":"*""#, "has an empty list"),
            (r#""Effect":"Allow","Action":"*","NotAction":"*","Resource":"*""#, "has both Action and NotAction"),
            (r#""Effect":"Allow","Action":"*""#, "has no Resource"),
            (r#""Effect":"Allow","Action":"*","Resource":"*","NotResource":"*""#, "has both Resource and NotResource"),
            (r#""Effect":"Allow","Action":"GetHIT","Resource":"*""#, "names `GetHIT`, which is not an action"),
            (r#""Effect":"Allow","Action":"m*:GetHIT","Resource":"*""#, "names `m*:GetHIT`, which is not an action"),
            (r#""Effect":"Allow","Action":"*","Resource":"bucket""#, "names `bucket`, which is not a resource"),
            (
                r#""Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${x}""#,
                "names `arn:aws:s3:::b/${x}`, which is not a resource",
            ),
            (r#""Effect":"Allow","Action":"*","Resource":"*","condition":{}"#, "has the unknown key `condition`"),
            (
                r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"::1"}}"#,
                "cannot be evaluated: unknown condition operator `IpAddress`",
            ),
            (
                r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{}}"#,
                "has no condition keys under `Bool`",
            ),
            (r#""Effect":"Allow","Action":1,"Resource":"*""#, "has something other than a text in a list of texts"),
        ] {
            let error = Document::parse(&statement(body)).unwrap_err();
            assert_eq!(error.to_string(), format!("statement 1 {problem}"));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_nothing_breaks(text in ".{0,40}", key in "[A-Z][A-Za-z:]{0,20}", value in ".{0,20}") {
            let mut entries = serde_json::json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
            entries[key] = value.into();
            let text = [text, serde_json::json!({ "Version": "2012-10-17", "Statement": entries }).to_string()];

            for text in text {
                drop((Document::parse(&text), TrustDocument::parse(&text)));
            }
        }
    }

    #[test]
    fn an_error_names_the_statement() {
        let text = r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"Pay","Effect":"Allow","Resource":"*"}]}"#;

        assert_eq!(Document::parse(text).unwrap_err().to_string(), "statement 2 (`Pay`) has no Action");
    }

    #[test]
    fn the_two_kinds_of_document_do_not_pass_for_each_other() {
        let trust = statement(r#""Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"999988887777"}"#);
        let permissions = statement(r#""Effect":"Allow","Action":"sts:AssumeRole","Resource":"*""#);

        assert!(TrustDocument::parse(&trust).is_ok());
        assert!(matches!(Document::parse(&trust), Err(DocumentError::Principal { number: 1 })));
        assert!(Document::parse(&permissions).is_ok());
        let error = TrustDocument::parse(&permissions).unwrap_err();
        assert_eq!(error.to_string(), "statement 1 names a resource, which a trust policy may not");
    }

    #[test]
    fn a_trust_policy_says_whom_it_trusts() {
        for (principal, problem) in [
            (r#""Sid":"A""#, "(`A`) has no Principal"),
            (r#""Principal":"x""#, "has a Principal that is neither `*` nor a JSON object"),
            (r#""Principal":{}"#, "has a Principal that is neither `*` nor a JSON object"),
            (r#""Principal":{"AWS":"x"}"#, "names `AWS`: `x`, which is not a principal"),
            (r#""Principal":"*","NotPrincipal":"*""#, "has both Principal and NotPrincipal"),
        ] {
            let text = statement(&format!(r#""Effect":"Allow","Action":"sts:AssumeRole",{principal}"#));
            assert_eq!(TrustDocument::parse(&text).unwrap_err().to_string(), format!("statement 1 {problem}"));
        }
    }
}
