//! Policy templates and the session policies made of them.
//!
//! A template is a file under `policies/`: words for people, typed parameters, and an IAM document. Filling it walks
//! the document as a JSON tree and replaces inside string values only, so a parameter can never add a statement, an
//! action or a wildcard. What comes out is a [`SessionPolicy`], the only thing that can be sent to STS: never absent,
//! never empty, never too long.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::catalog;
use super::session_policy::{SESSION_POLICY_MAX_CHARS, SessionPolicy};

/// A template's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    description: String,
    cost: String,
    money: Money,
    #[serde(default)]
    beware: Vec<String>,
    #[serde(default)]
    parameters: BTreeMap<String, Parameter>,
    probe: Probe,
    document: Value,
    /// Where an editor finds the JSON Schema.
    #[serde(rename = "$schema", default)]
    _schema: Option<String>,
}

/// What using a role can do with the lab's money, the harmless first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Money {
    /// Nothing beyond what AWS charges for calls and storage.
    None,
    /// Promises money, which others then get.
    Promises,
    /// Pays at once.
    Pays,
}

/// Something a lab fills in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// What it must look like.
    #[serde(rename = "type")]
    pub kind: ParameterKind,
    /// Its label, in a word or two.
    pub title: String,
    /// What it is, for the person who fills it in.
    pub description: String,
    /// A value that it could have.
    pub example: String,
}

/// What a parameter must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterKind {
    /// A bucket's name: `vision-results`.
    S3Bucket,
    /// The beginning of keys in a bucket, up to a slash: `results/2026/`.
    S3Prefix,
}

/// A harmless read call that the template itself allows: what joining an account tries.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// `service:Action`.
    pub action: String,
    /// What it is called on; parameters may stand in it.
    #[serde(default = "any_resource")]
    pub resource: String,
    /// The condition keys that the call carries, and their values; parameters may stand in those.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
}

fn any_resource() -> String {
    "*".to_owned()
}

/// What a role can do, before it is filled in for a lab.
#[derive(Clone, Debug)]
pub struct PolicyTemplate {
    title: String,
    description: String,
    cost: String,
    money: Money,
    beware: Vec<String>,
    parameters: BTreeMap<String, Parameter>,
    probe: Probe,
    document: Value,
}

/// A template that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// Not a template's JSON.
    #[error("not a policy template")]
    Syntax(#[source] serde_json::Error),
    /// An action no service knows: IAM would accept it silently and it would allow nothing.
    #[error("the action `{0}` is not one we know: check the spelling against the service authorization reference")]
    UnknownAction(String),
    /// A statement that is not an allow-list: this version of the broker issues nothing else.
    #[error("statement {0} is not an Allow with a list of actions and a resource")]
    Statement(usize),
    /// Its name is no template name.
    #[error("the name is not PACK/NAME")]
    Name,
    /// The probe is not among the actions.
    #[error("the probe `{0}` is not an action that the template allows")]
    Probe(String),
}

/// A template that cannot be filled with these parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// The document wants it and it was not given.
    #[error("the parameter `{0}` is missing")]
    Missing(String),
    /// It was given and the template has none of that name.
    #[error("the template has no parameter `{0}`")]
    Unknown(String),
    /// It holds a character that means something to IAM.
    #[error("the parameter `{0}` holds a wildcard, a variable or a character that a session policy cannot carry")]
    Value(String),
    /// What came out is longer than STS takes.
    #[error("the session policy has {0} characters; STS takes {SESSION_POLICY_MAX_CHARS}")]
    TooLong(usize),
}

impl Probe {
    /// A call on no resource in particular, with no condition keys of its own.
    #[must_use]
    pub fn of(action: &str) -> Self {
        Self { action: action.to_owned(), resource: any_resource(), with: BTreeMap::new() }
    }
}

impl PolicyTemplate {
    /// Reads a template's file, and refuses one that could not do what it says.
    ///
    /// # Errors
    ///
    /// When it is not a template, or allows an action that does not exist.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let file: File = serde_json::from_str(text).map_err(TemplateError::Syntax)?;
        let template = Self {
            title: file.title,
            description: file.description,
            cost: file.cost,
            money: file.money,
            beware: file.beware,
            parameters: file.parameters,
            probe: file.probe,
            document: file.document,
        };
        let actions = template.checked_actions()?;
        if !actions.contains(&template.probe.action.as_str()) {
            return Err(TemplateError::Probe(template.probe.action.clone()));
        }
        Ok(template)
    }

    /// What it is for, in a few words.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What it is for, in a few sentences.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What using it can cost the lab.
    #[must_use]
    pub fn cost(&self) -> &str {
        &self.cost
    }

    /// Whether using it can spend the lab's money, or promise it.
    #[must_use]
    pub fn spends(&self) -> bool {
        self.money > Money::None
    }

    /// What using it can do with the lab's money.
    #[must_use]
    pub const fn money(&self) -> Money {
        self.money
    }

    /// What whoever gives it to somebody should have read first: a sentence each.
    #[must_use]
    pub fn beware(&self) -> &[String] {
        &self.beware
    }

    /// What a lab fills in.
    #[must_use]
    pub fn parameters(&self) -> &BTreeMap<String, Parameter> {
        &self.parameters
    }

    /// The harmless call, before it is filled in.
    #[must_use]
    pub fn probe(&self) -> &Probe {
        &self.probe
    }

    /// The harmless call for these parameters.
    ///
    /// # Errors
    ///
    /// When a parameter is missing.
    pub fn probe_for(&self, parameters: &BTreeMap<String, String>) -> Result<Probe, FillError> {
        let with = self.probe.with.iter().map(|(key, text)| Ok((key.clone(), fill_text(text, parameters)?)));
        Ok(Probe {
            action: self.probe.action.clone(),
            resource: fill_text(&self.probe.resource, parameters)?,
            with: with.collect::<Result<_, FillError>>()?,
        })
    }

    /// The actions it allows, in the order of the file.
    #[must_use]
    pub fn actions(&self) -> Vec<&str> {
        self.checked_actions().unwrap_or_default()
    }

    /// The session policy for these parameters.
    ///
    /// # Errors
    ///
    /// When a parameter is missing, unknown or dangerous, or when the result is too long for STS.
    pub fn fill(&self, parameters: &BTreeMap<String, String>) -> Result<SessionPolicy, FillError> {
        if let Some(unknown) = parameters.keys().find(|name| !self.parameters.contains_key(*name)) {
            return Err(FillError::Unknown(unknown.clone()));
        }
        for name in self.parameters.keys() {
            let value = parameters.get(name).ok_or_else(|| FillError::Missing(name.clone()))?;
            if !is_plain(value) {
                return Err(FillError::Value(name.clone()));
            }
        }
        let text = fill_value(&self.document, parameters)?.to_string();
        SessionPolicy::of(text).map_err(FillError::TooLong)
    }

    fn checked_actions(&self) -> Result<Vec<&str>, TemplateError> {
        let statements = self.document.get("Statement").and_then(Value::as_array).filter(|all| !all.is_empty());
        let statements = statements.ok_or(TemplateError::Statement(0))?;
        let mut all = Vec::new();
        for (place, statement) in statements.iter().enumerate() {
            let actions = allowed_actions(statement).ok_or(TemplateError::Statement(place + 1))?;
            if let Some(unknown) = actions.iter().find(|action| !catalog::is_known(action)) {
                return Err(TemplateError::UnknownAction((*unknown).to_owned()));
            }
            all.extend(actions);
        }
        Ok(all)
    }
}

/// The actions of a statement that allows a non-empty list of them on something, and says nothing we do not read.
fn allowed_actions(statement: &Value) -> Option<Vec<&str>> {
    let members = statement.as_object()?;
    let known =
        members.keys().all(|key| matches!(key.as_str(), "Sid" | "Effect" | "Action" | "Resource" | "Condition"));
    let allows = members.get("Effect")?.as_str()? == "Allow" && members.contains_key("Resource");
    let actions: Vec<&str> = members.get("Action")?.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?;
    (known && allows && !actions.is_empty()).then_some(actions)
}

/// No wildcard (`*`, `?`), no policy variable (`${`), no placeholder (`{{`), nothing but printable ASCII.
fn is_plain(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'*' | b'?' | b'$' | b'{' | b'}'))
}

fn fill_value(value: &Value, parameters: &BTreeMap<String, String>) -> Result<Value, FillError> {
    Ok(match value {
        Value::String(text) => Value::String(fill_text(text, parameters)?),
        Value::Array(items) => items.iter().map(|item| fill_value(item, parameters)).collect::<Result<_, _>>()?,
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, member)| Ok((key.clone(), fill_value(member, parameters)?)))
                .collect::<Result<_, FillError>>()?,
        ),
        other => other.clone(),
    })
}

/// Replaces each `{{name}}` in one string.
fn fill_text(text: &str, parameters: &BTreeMap<String, String>) -> Result<String, FillError> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, behind) = after.split_once("}}").ok_or_else(|| FillError::Missing(after.to_owned()))?;
        filled.push_str(before);
        filled.push_str(parameters.get(name).ok_or_else(|| FillError::Missing(name.to_owned()))?);
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file(document: &Value) -> String {
        json!({
            "title": "t", "description": "d", "cost": "c", "money": "none",
            "parameters": {"bucket": {"type": "s3-bucket", "title": "B", "description": "b", "example": "results"}},
            "probe": {"action": "mechanicalturk:GetHIT"},
            "document": document,
        })
        .to_string()
    }

    fn statement(actions: &[&str], resource: &str) -> Value {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]})
    }

    fn template(resource: &str) -> PolicyTemplate {
        PolicyTemplate::parse(&file(&statement(&["mechanicalturk:GetHIT"], resource))).unwrap()
    }

    fn bucket(value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("bucket".to_owned(), value.to_owned())])
    }

    #[test]
    fn filling_gives_minified_json_and_a_digest() {
        let policy = template("arn:aws:s3:::{{bucket}}/x/*").fill(&bucket("results")).unwrap();

        insta::assert_snapshot!(policy.as_str(), @r#"{"Statement":[{"Action":["mechanicalturk:GetHIT"],"Effect":"Allow","Resource":"arn:aws:s3:::results/x/*"}],"Version":"2012-10-17"}"#);
        assert_eq!(policy.sha256().len(), 64);
    }

    #[test]
    fn a_parameter_can_add_nothing_but_its_own_text() {
        for bad in ["*", "a*", "a?", "${aws:userid}", "{{bucket}}", "a b", "", "é", "a\n", "a\u{0}"] {
            assert_eq!(template("{{bucket}}").fill(&bucket(bad)), Err(FillError::Value("bucket".into())), "{bad:?}");
        }
        let quoted = template("{{bucket}}").fill(&bucket(r#"","Action":"x"#)).unwrap();
        let parsed: Value = serde_json::from_str(quoted.as_str()).unwrap();
        assert_eq!(parsed["Statement"][0]["Resource"], r#"","Action":"x"#);
        assert_eq!(parsed["Statement"][0]["Action"], json!(["mechanicalturk:GetHIT"]));
    }

    #[test]
    fn parameters_must_be_exactly_those_of_the_template() {
        assert_eq!(template("*").fill(&BTreeMap::new()), Err(FillError::Missing("bucket".into())));
        let mut two = bucket("a");
        two.insert("more".into(), "b".into());
        assert_eq!(template("*").fill(&two), Err(FillError::Unknown("more".into())));
        assert_eq!(template("{{prefix}}").fill(&bucket("a")), Err(FillError::Missing("prefix".into())));
        assert_eq!(template("{{bucket").fill(&bucket("a")), Err(FillError::Missing("bucket".into())));
    }

    #[test]
    fn a_policy_longer_than_sts_takes_is_refused() {
        let fits = template("{{bucket}}").fill(&bucket("b")).unwrap().as_str().len();
        let room = SESSION_POLICY_MAX_CHARS - fits;

        assert!(template("{{bucket}}").fill(&bucket(&"b".repeat(room + 1))).is_ok());
        assert_eq!(
            template("{{bucket}}").fill(&bucket(&"b".repeat(room + 2))),
            Err(FillError::TooLong(SESSION_POLICY_MAX_CHARS + 1))
        );
    }

    #[test]
    fn an_action_that_no_service_knows_is_refused() {
        for bad in ["mechanicalturk:SearchHITs", "mechanicalturk:Get*", "mechanicalturk:getHIT", "*", "s3"] {
            let text = file(&statement(&["mechanicalturk:GetHIT", bad], "*"));
            assert!(matches!(PolicyTemplate::parse(&text), Err(TemplateError::UnknownAction(a)) if a == bad), "{bad}");
        }
    }

    #[test]
    fn a_statement_that_is_no_allow_list_is_refused() {
        let good = json!({"Effect": "Allow", "Action": ["mechanicalturk:GetHIT"], "Resource": "*"});
        let mut bad = vec![json!({"Version": "2012-10-17"}), json!({"Statement": []}), json!({"Statement": good})];
        for (key, value) in [
            ("Effect", json!("Deny")),
            ("Action", json!([])),
            ("Action", json!("mechanicalturk:GetHIT")),
            ("NotAction", json!(["mechanicalturk:SendBonus"])),
            ("NotResource", json!("x")),
            ("Principal", json!("*")),
        ] {
            let mut statement = good.clone();
            statement[key] = value;
            bad.push(json!({"Statement": [statement]}));
        }
        for document in bad {
            assert!(matches!(PolicyTemplate::parse(&file(&document)), Err(TemplateError::Statement(_))), "{document}");
        }
    }

    #[test]
    fn a_template_says_whether_it_spends() {
        let text = file(&statement(&["mechanicalturk:GetHIT"], "*"));

        assert!(!PolicyTemplate::parse(&text).unwrap().spends());
        for money in ["promises", "pays"] {
            let text = text.replace("\"money\":\"none\"", &format!("\"money\":\"{money}\""));
            assert!(PolicyTemplate::parse(&text).unwrap().spends(), "{money}");
        }
        for unsaid in ["", "\"money\":\"no\",", "\"money\":null,"] {
            let text = text.replace("\"money\":\"none\",", unsaid);
            assert!(matches!(PolicyTemplate::parse(&text), Err(TemplateError::Syntax(_))), "{unsaid}");
        }
    }

    #[test]
    fn a_probe_that_is_not_allowed_is_refused() {
        let text = file(&statement(&["mechanicalturk:ListHITs"], "*"));

        assert!(matches!(PolicyTemplate::parse(&text), Err(TemplateError::Probe(_))));
    }
}
