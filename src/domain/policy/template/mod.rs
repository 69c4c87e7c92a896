//! Policy templates and the session policies made of them.
//!
//! A template is a file under `policies/`: words for people, typed parameters, and an IAM document. Filling it walks
//! the document as a JSON tree and replaces inside string values only, so a parameter can never add a statement, an
//! action or a wildcard. What comes out is a [`SessionPolicy`], the only thing that can be sent to STS: never absent,
//! never empty, never too long.

mod check;
mod fill;
mod parameter;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::json::Json;
use super::session_policy::SessionPolicy;
use fill::{fill_text, fill_value, too_long};

pub use check::TemplateError;
pub use fill::FillError;
pub use parameter::{Parameter, ParameterKind, ValueProblem};

/// The longest template's file: many times what can be filled into a session policy.
pub const TEMPLATE_MAX_BYTES: usize = 64 * 1024;

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

impl Money {
    /// The word in a template.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Promises => "promises",
            Self::Pays => "pays",
        }
    }
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
    /// When it is not a template, or one that nobody should be given anything by: see [`TemplateError`].
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.len() > TEMPLATE_MAX_BYTES {
            return Err(TemplateError::TooLong(text.len()));
        }
        // A key given twice is lost when a file is read into a type, so it is looked for first.
        serde_json::from_str::<Json>(text).map_err(TemplateError::Syntax)?;
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
        check::check(&template)?;
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
        check::statements(&self.document).unwrap_or_default()
    }

    /// The examples of its parameters: what it can be filled with to be looked at.
    #[must_use]
    pub fn examples(&self) -> BTreeMap<String, String> {
        self.parameters.iter().map(|(name, parameter)| (name.clone(), parameter.example.clone())).collect()
    }

    /// The session policy for these parameters.
    ///
    /// # Errors
    ///
    /// When a parameter is missing, unknown or not of its type, or when the result is too long for STS.
    pub fn fill(&self, parameters: &BTreeMap<String, String>) -> Result<SessionPolicy, FillError> {
        if let Some(unknown) = parameters.keys().find(|name| !self.parameters.contains_key(*name)) {
            return Err(FillError::Unknown(unknown.clone()));
        }
        for (name, parameter) in &self.parameters {
            let value = parameters.get(name).ok_or_else(|| FillError::Missing(name.clone()))?;
            let problem = |problem| FillError::Value { name: name.clone(), problem };
            parameter.kind.check(value).map_err(problem)?;
        }
        let document = fill_value(&self.document, parameters)?;
        SessionPolicy::of(document.to_string()).map_err(|chars| too_long(&document, chars))
    }
}
