//! What there is to say about one file.

use lodge::domain::policy::lint::{self, Code, Finding, Severity, lint, lint_template, lint_template_text};
use lodge::domain::policy::{
    Explanation, Kind, PolicyLibrary, PolicyTemplate, Rewritten, TemplateName, explain, kind_of, money, rewrite,
};
use serde::Serialize;

use super::files::Found;

/// What is said of one file.
#[derive(Serialize)]
pub(super) struct Review {
    /// Below the folder; of a shipped template its name.
    pub(super) file: String,
    pub(super) kind: What,
    /// How long the policy is without white space; of a template, when it is filled with its own examples.
    pub(super) characters: Option<usize>,
    pub(super) findings: Vec<Finding>,
    /// Of a policy: what it allows and denies.
    pub(super) explanation: Option<Explanation>,
    /// Of a policy: what it allows beyond each shipped role of the same services.
    pub(super) beyond: Vec<Beyond>,
    /// Of a policy: the same with today's names, when it has others.
    pub(super) rewritten: Option<Rewritten>,
}

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    Template,
    Policy,
    TrustPolicy,
    Other,
    Unreadable,
}

/// What a policy allows that a role does not.
#[derive(Serialize)]
pub(super) struct Beyond {
    pub(super) role: String,
    /// The actions, those that spend first. Resources are not compared.
    pub(super) actions: Vec<&'static str>,
}

impl Review {
    fn new(file: &str, kind: What, findings: Vec<Finding>) -> Self {
        let file = file.to_owned();
        Self { file, kind, characters: None, findings, explanation: None, beyond: Vec::new(), rewritten: None }
    }

    /// Of a template that is shipped.
    pub(super) fn shipped(name: &TemplateName, template: &PolicyTemplate) -> Self {
        let characters = filled_characters(template);
        Self { characters, ..Self::new(name.as_str(), What::Template, lint_template(template)) }
    }

    /// Of a file.
    pub(super) fn of(found: &Found, roles: &PolicyLibrary) -> Self {
        let name = &found.name;
        let unusable = |message: &str| vec![Finding::whole(Code::UnusableFile, Severity::Error, message.to_owned())];
        let text = match &found.text {
            Ok(text) => text,
            Err(why) => return Self::new(name, What::Unreadable, unusable(why)),
        };
        match kind_of(text) {
            // It says where.
            Err(_) => Self::new(name, What::Unreadable, lint(text)),
            Ok(Kind::Other) => Self::new(name, What::Other, Vec::new()),
            Ok(Kind::TrustPolicy) => Self::new(name, What::TrustPolicy, Vec::new()),
            Ok(Kind::Policy) => Self::of_policy(name, text, roles),
            Ok(Kind::Template) => {
                let mut findings = lint_template_text(text);
                if found.pack_and_name.parse::<TemplateName>().is_err() {
                    let message = "a template lies at PACK/NAME.json, in lower-case letters, digits and hyphens";
                    findings.push(Finding::whole(Code::NotUsable, Severity::Error, message.to_owned()));
                }
                let characters = PolicyTemplate::parse(text).ok().as_ref().and_then(filled_characters);
                Self { characters, ..Self::new(name, What::Template, findings) }
            }
        }
    }

    fn of_policy(name: &str, text: &str, roles: &PolicyLibrary) -> Self {
        let findings = lint(text);
        let characters = lint::characters(text);
        let review = Self { characters, ..Self::new(name, What::Policy, findings) };
        // What nobody can use is not looked into.
        if characters.is_none_or(|characters| characters > lint::IAM_MAX_CHARS) {
            return review;
        }
        Self {
            explanation: explain(text).ok(),
            beyond: beyond(text, roles),
            rewritten: rewrite(text).ok().filter(|rewritten| !rewritten.changes.is_empty()),
            ..review
        }
    }

    /// How many findings there are of this kind.
    pub(super) fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

fn filled_characters(template: &PolicyTemplate) -> Option<usize> {
    template.fill(&template.examples()).ok().map(|policy| policy.as_str().chars().count())
}

/// What a policy allows beyond each role that has a service in common with it.
fn beyond(text: &str, roles: &PolicyLibrary) -> Vec<Beyond> {
    let allowed = lint::allowed_actions(text);
    let service = |action: &str| action.split(':').next().unwrap_or_default().to_owned();
    let mut all = Vec::new();
    for (name, template) in roles.iter() {
        let has = template.actions();
        let of_services: Vec<_> =
            allowed.iter().filter(|action| has.iter().any(|own| service(own) == service(&action.name))).collect();
        if of_services.is_empty() {
            continue;
        }
        let mut actions: Vec<_> = of_services
            .into_iter()
            .filter(|action| !has.contains(&action.name.as_str()))
            .map(|action| (action.access, action.name.as_str()))
            .collect();
        actions.sort_by_key(|(access, name)| (std::cmp::Reverse((money::spending(name), *access)), *name));
        let actions = actions.into_iter().map(|(_, name)| name).collect();
        all.push(Beyond { role: name.to_string(), actions });
    }
    all
}
