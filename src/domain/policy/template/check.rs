//! What a template must be before anybody is given anything by it. Each refusal says where, as a JSON Pointer (RFC 6901)
//! into the file, and why.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fill::{Part, is_name, parts};
use super::{FillError, PolicyTemplate, TEMPLATE_MAX_BYTES};
use crate::domain::person::is_invisible;
use crate::domain::policy::action_words::AccessLevel;
use crate::domain::policy::catalog;
use crate::domain::policy::context::Context;
use crate::domain::policy::document::{Document, DocumentError};
use crate::domain::policy::evaluate::{Request, Verdict, evaluate};
use crate::domain::policy::money::overspending;

/// A template that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// Longer than any template is.
    #[error("it has {0} bytes; a template has {TEMPLATE_MAX_BYTES} at most")]
    TooLong(usize),
    /// Not JSON, a key given twice, or not the keys of a template.
    #[error("it is not a policy template")]
    Syntax(#[source] serde_json::Error),
    /// Something in it cannot be.
    #[error("{at} {problem}")]
    Refused {
        /// Where, as a JSON Pointer into the file.
        at: String,
        /// The rest of a sentence that begins with it.
        problem: String,
    },
    /// Filled with its own examples, it is no policy that can be understood entirely.
    #[error("/document cannot be understood")]
    Document(#[source] DocumentError),
    /// It cannot be filled with its own examples.
    #[error("/document cannot be filled with the examples of the parameters")]
    Examples(#[source] FillError),
    /// Its name is no template name.
    #[error("the name is not PACK/NAME")]
    Name,
}

fn refused(at: impl Into<String>, problem: impl Into<String>) -> TemplateError {
    TemplateError::Refused { at: at.into(), problem: problem.into() }
}

/// The most characters of a title, and of what is said at more length.
const TITLE_MAX_CHARS: usize = 60;
const WORDS_MAX_CHARS: usize = 1_000;

/// The most sentences under `beware`: nobody reads more.
const BEWARE_MAX: usize = 10;

pub(super) fn check(template: &PolicyTemplate) -> Result<(), TemplateError> {
    words(template)?;
    parameters(template)?;
    plain(&template.document, "/document")?;
    let used = placeholders(template)?;
    statements(&template.document)?;
    if let Some(name) = template.parameters.keys().find(|name| !used.contains(*name)) {
        return Err(refused(format!("/parameters/{name}"), "stands nowhere in the document"));
    }
    example(template)
}

/// That people can read what is written for people.
fn words(template: &PolicyTemplate) -> Result<(), TemplateError> {
    let beware = template.beware.iter().enumerate();
    let beware = beware.map(|(index, text)| (format!("/beware/{index}"), text.as_str(), WORDS_MAX_CHARS));
    let parameters = template.parameters.iter().flat_map(|(name, parameter)| {
        let at = |key| format!("/parameters/{name}/{key}");
        [
            (at("title"), parameter.title.as_str(), TITLE_MAX_CHARS),
            (at("description"), parameter.description.as_str(), WORDS_MAX_CHARS),
        ]
    });
    let own = [
        ("/title".to_owned(), template.title.as_str(), TITLE_MAX_CHARS),
        ("/description".to_owned(), template.description.as_str(), WORDS_MAX_CHARS),
        ("/cost".to_owned(), template.cost.as_str(), WORDS_MAX_CHARS),
    ];
    for (at, text, most) in own.into_iter().chain(beware).chain(parameters) {
        let chars = text.chars().count();
        if text.trim().is_empty() || chars > most {
            return Err(refused(at, format!("has {chars} characters, and can have 1 to {most}")));
        }
        if let Some((index, c)) = text.chars().enumerate().find(|(_, c)| c.is_control() || is_invisible(*c)) {
            let c = u32::from(c);
            return Err(refused(at, format!("holds U+{c:04X} at character {}, which nobody sees", index + 1)));
        }
    }
    if template.beware.len() > BEWARE_MAX {
        return Err(refused("/beware", format!("has {} sentences; {BEWARE_MAX} at most", template.beware.len())));
    }
    Ok(())
}

fn parameters(template: &PolicyTemplate) -> Result<(), TemplateError> {
    for (name, parameter) in &template.parameters {
        if !is_name(name) {
            return Err(refused(
                "/parameters",
                format!("has `{name}`, which is not a name of lower-case letters, digits and underscores"),
            ));
        }
        parameter
            .kind
            .check(&parameter.example)
            .map_err(|problem| refused(format!("/parameters/{name}/example"), problem.to_string()))?;
    }
    Ok(())
}

/// That no text in the policy holds anything but printable ASCII: a letter of another alphabet looks like one of ours, and
/// is another action, or another bucket.
fn plain(value: &Value, at: &str) -> Result<(), TemplateError> {
    let text = |text: &str, at: &str| match text.chars().enumerate().find(|(_, c)| !matches!(c, ' '..='~')) {
        None => Ok(()),
        Some((index, c)) => {
            let (c, index) = (u32::from(c), index + 1);
            Err(refused(at, format!("holds U+{c:04X} at character {index}: only printable ASCII may stand there")))
        }
    };
    match value {
        Value::String(own) => text(own, at),
        Value::Array(items) => {
            items.iter().enumerate().try_for_each(|(index, item)| plain(item, &format!("{at}/{index}")))
        }
        Value::Object(members) => members.iter().try_for_each(|(key, member)| {
            text(key, at)?;
            plain(member, &format!("{at}/{}", escaped(key)))
        }),
        _ => Ok(()),
    }
}

/// A key as a part of a JSON Pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The actions that the document allows, in its order, each with where it stands. The document must be a list of
/// allow-lists: nothing in it takes away, and nothing is allowed that is not written out.
pub(super) fn statements(document: &Value) -> Result<Vec<&str>, TemplateError> {
    if document.get("Version").and_then(Value::as_str) != Some("2012-10-17") {
        return Err(refused("/document/Version", "is not 2012-10-17"));
    }
    let members = document.as_object().into_iter().flatten();
    if let Some((key, _)) = members.into_iter().find(|(key, _)| !matches!(key.as_str(), "Version" | "Statement")) {
        return Err(refused("/document", format!("has `{key}` beside Version and Statement")));
    }
    let at = "/document/Statement";
    let list = document.get("Statement").and_then(Value::as_array).filter(|all| !all.is_empty());
    let list = list.ok_or_else(|| refused(at, "is not a list of statements"))?;
    let mut all = Vec::new();
    for (index, statement) in list.iter().enumerate() {
        let at = format!("{at}/{index}");
        let problem = "is not an Allow with a list of actions and a Resource, which is all that a template may hold";
        let actions = allowed_actions(statement).ok_or_else(|| refused(at.as_str(), problem))?;
        for (index, action) in actions.iter().enumerate() {
            if !catalog::is_known(action) {
                let at = format!("{at}/Action/{index}");
                let problem =
                    format!("names `{action}`, which no service that we know has: IAM takes it and allows nothing");
                return Err(refused(at, problem));
            }
        }
        all.extend(actions);
    }
    Ok(all)
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

/// That placeholders stand where they may and name parameters that there are. The answer is which.
fn placeholders(template: &PolicyTemplate) -> Result<BTreeSet<String>, TemplateError> {
    let mut used = BTreeSet::new();
    find(&template.document, "/document", Place::Outside, &mut |at, text, may| {
        for part in parts(text).map_err(|problem| refused(at, problem))? {
            let Part::Parameter(name) = part else { continue };
            if !may {
                let problem = "has a placeholder, which may stand in a Resource and in a value of a Condition alone";
                return Err(refused(at, problem));
            }
            if !template.parameters.contains_key(name) {
                return Err(refused(
                    at,
                    format!("has the placeholder `{{{{{name}}}}}`, and no parameter is called so"),
                ));
            }
            used.insert(name.to_owned());
        }
        Ok(())
    })?;
    Ok(used)
}

/// Where in a document a text stands, as far as it matters to placeholders.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    Statements,
    Statement,
    /// How many keys are still to come before there is a value that may be filled in.
    Fillable(usize),
}

impl Place {
    fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::Outside, "Statement") => Self::Statements,
            (Self::Statement, "Resource") => Self::Fillable(0),
            (Self::Statement, "Condition") => Self::Fillable(2),
            (Self::Fillable(keys), _) if keys > 0 => Self::Fillable(keys - 1),
            _ => Self::Outside,
        }
    }
}

/// Shows every text of a document with where it stands, keys included, and whether it may be filled in.
fn find(
    value: &Value,
    at: &str,
    place: Place,
    look: &mut impl FnMut(&str, &str, bool) -> Result<(), TemplateError>,
) -> Result<(), TemplateError> {
    match value {
        Value::String(text) => look(at, text, place == Place::Fillable(0)),
        Value::Array(items) => {
            let place = if place == Place::Statements { Place::Statement } else { place };
            items.iter().enumerate().try_for_each(|(index, item)| find(item, &format!("{at}/{index}"), place, look))
        }
        Value::Object(members) => members.iter().try_for_each(|(key, member)| {
            look(at, key, false)?;
            find(member, &format!("{at}/{}", escaped(key)), place.below(key), look)
        }),
        _ => Ok(()),
    }
}

/// That the document, filled with the examples, is a policy that spends no more than it says and allows the harmless call.
fn example(template: &PolicyTemplate) -> Result<(), TemplateError> {
    let examples = template.examples();
    let policy = template.fill(&examples).map_err(TemplateError::Examples)?;
    let document = Document::parse(policy.as_str()).map_err(TemplateError::Document)?;
    if let Some(call) = overspending(&document, template.money).first() {
        return Err(refused("/money", call.to_string()));
    }
    let texts = std::iter::once(("/probe/resource".to_owned(), &template.probe.resource))
        .chain(template.probe.with.iter().map(|(key, text)| (format!("/probe/with/{}", escaped(key)), text)));
    for (at, text) in texts {
        for part in parts(text).map_err(|problem| refused(at.as_str(), problem))? {
            if let Part::Parameter(name) = part
                && !template.parameters.contains_key(name)
            {
                return Err(refused(
                    at,
                    format!("has the placeholder `{{{{{name}}}}}`, and no parameter is called so"),
                ));
            }
        }
    }
    let probe = template.probe_for(&examples).map_err(TemplateError::Examples)?;
    let context = probe.with.iter().fold(Context::new(), |context, (key, value)| context.with(key, value));
    let request = Request { action: &probe.action, resource: &probe.resource, context: &context };
    // A call that changes something is not harmless, whatever it is called.
    let is_harmless = catalog::action(&probe.action).is_some_and(|action| action.access <= AccessLevel::Read);
    if !is_harmless {
        return Err(refused("/probe/action", format!("is `{}`, which does not only read", probe.action)));
    }
    let is_listed = statements(&template.document)?.contains(&probe.action.as_str());
    if is_listed && evaluate(&document, &request) == Verdict::Allowed {
        return Ok(());
    }
    let problem = format!("is `{}` on {}, which the template itself does not allow", probe.action, probe.resource);
    Err(refused("/probe", problem))
}
